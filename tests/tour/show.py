# SPDX-License-Identifier: BSD-2-Clause
"""What the tour prints: headings, commands as a user would type them, their real output; and the
check of each answer. A command is run by a shell from the very line that is shown."""

import os
import pty
import re
import select
import subprocess
import sys
import textwrap
import time

WIDTH = 90  # of text; commands are as long as they are
TIMEOUT_S = 120  # of one command
END_OF_INPUT = b"\x04"  # Ctrl-D


class Unexpected(Exception):
    """An answer that is not the expected one."""


class TooSoon(Unexpected):
    """An answer that is right a little later."""


def say(text=""):
    print(text, flush=True)


def tell(text):
    """A paragraph between commands."""
    say()
    say(textwrap.fill(text, WIDTH, initial_indent="  ", subsequent_indent="  "))
    say()


def show(text):
    """Output, indented as it stands below a command."""
    for line in text.splitlines():
        say("    " + line)


def environment():
    """The user's own, but in English."""
    return {**{name: value for name, value in os.environ.items()
               if not name.startswith("LC_") and name != "LANGUAGE"}, "LANG": "C.UTF-8"}


def quiet(command, text=None):
    """Runs a command that is not shown: status and output."""
    done = subprocess.run(command, shell=True, input=text, text=True, env=environment(),
                          stdin=subprocess.DEVNULL if text is None else None,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S,
                          start_new_session=True, check=False)
    return done.returncode, done.stdout


def expect(output, status, patterns, wanted_status):
    """Raises Unexpected unless each pattern is found and the status is among those wanted."""
    if status not in wanted_status:
        raise Unexpected(f"exit status {status}, expected {' or '.join(map(str, wanted_status))}")
    for pattern in patterns:
        if re.search(pattern, output, re.MULTILINE) is None:
            raise Unexpected(f"expected: {pattern}")


def run(command, *patterns, status=(0,), text=None):
    """Shows a command and its output, and checks it. text: what stands in its here-document."""
    say(f"  $ {command}" if text is None else f"  $ {command} <<END")
    if text is not None:
        show(text + "END")
    code, output = quiet(command, text)
    show(output)
    expect(output, code, patterns, status)
    return output


def terminal_read(master):
    """What has come, or None at the end: a terminal whose other side is closed is an error."""
    if not select.select([master], [], [], TIMEOUT_S)[0]:
        raise Unexpected(f"no answer within {TIMEOUT_S} seconds")
    try:
        return os.read(master, 4096).decode(errors="replace").replace("\r", "") or None
    except OSError:
        return None


def prompts_answer(master, answers):
    """Answers prompts as they come. The transcript, without what was typed."""
    seen, waiting, answers = "", "", list(answers)
    while True:
        piece = terminal_read(master)
        if piece is None:
            if waiting:
                show(waiting)
            return seen
        seen += piece
        waiting += piece
        while "\n" in waiting:
            line, waiting = waiting.split("\n", 1)
            if line:
                show(line)
        if answers and waiting.endswith(answers[0][0]):
            answer = answers.pop(0)[1]
            typed = answer(seen) if callable(answer) else answer
            show(f"{waiting}[{typed}]")
            waiting = ""
            os.write(master, f"{typed}\n".encode())
        elif re.search(r"[A-Za-z]: $", waiting):
            raise Unexpected(f"an unexpected question: {waiting}")


def dialogue(command, answers, *patterns, status=(0,)):
    """Runs a command that asks, on a terminal. answers: pairs of a prompt and what is typed, or a
    function that gives it and is called with the transcript so far. When we give up, the command
    sees the end of its input, so that it can clean up after itself."""
    say(f"  $ {command}")
    master, slave = pty.openpty()
    with subprocess.Popen(command, shell=True, stdin=slave, stdout=slave, stderr=slave,
                          env=environment(), start_new_session=True) as process:
        os.close(slave)
        try:
            output = prompts_answer(master, answers)
            code = process.wait(timeout=TIMEOUT_S)
        finally:
            if process.poll() is None:
                os.write(master, END_OF_INPUT)
                process.wait(timeout=TIMEOUT_S)
            os.close(master)
    expect(output, code, patterns, status)
    return output


def poll(what, ready, seconds=TIMEOUT_S):
    """Waits until ready() is true; the seconds it took."""
    start = time.monotonic()
    while not ready():
        if time.monotonic() - start > seconds:
            raise Unexpected(f"{what}: not within {seconds} seconds")
        time.sleep(0.001)
    return time.monotonic() - start


class Steps:
    """Counts the steps of a tour and those that went wrong."""

    def __init__(self):
        self.done = 0
        self.wrong = []

    def step(self, heading, action):
        self.done += 1
        say()
        say(f"{self.done}. {heading}")
        try:
            action()
        except (Unexpected, subprocess.TimeoutExpired) as problem:
            self.wrong.append(self.done)
            say(f"  NOT AS EXPECTED: {problem}")
        sys.stdout.flush()
