# SPDX-License-Identifier: BSD-2-Clause
"""The demo's processes: the store, the gateway and a mail server, from start to stop.

Each runs inside the state folder, in a session of its own (Ctrl-C is for us alone), without new
privileges, as an uid that belongs to nobody when root runs the demo, and is told to stop by the
kernel should this process be killed. Only what was started here is ever signalled."""

import os
import re
import signal
import socket
import subprocess
import time

from state import ADMIN_SOCKET, BASE, LOADED, STORE_SOCKET, Refused

READY_S = 120  # for a server to answer
STOP_S = 30  # for a server to end before it is killed


class Servers:
    """The running processes by name."""

    def __init__(self, state, port):
        self.state = state
        self.port = port
        self.running = {}
        self.mail_port = 0

    def command(self, *command):
        """The command as the servers' user, inside the state folder."""
        who = ["setpriv", "--no-new-privs", "--pdeathsig", "TERM"]
        if self.state.uid is not None:
            who += ["--reuid", str(self.state.uid), "--regid", str(self.state.uid),
                    "--clear-groups"]
        return who + ["--"] + list(command)

    @staticmethod
    def environment():
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
                "USHER_DATADIR": "share"}

    def log_path(self, name):
        return self.state.path(f"log/{name}.log")

    def start(self, name, *command, **more):
        with open(self.log_path(name), "ab") as log:
            self.running[name] = subprocess.Popen(
                self.command(*command), cwd=self.state.folder, env=self.environment(),
                stderr=log, start_new_session=True,
                stdout=log, **{"stdin": subprocess.DEVNULL, **more})

    def log_tail(self, name):
        with open(self.log_path(name), encoding="utf-8", errors="replace") as log:
            return "".join("    " + line for line in log.readlines()[-8:])

    def wait(self, name, ready):
        """Polls until the server is ready; Refused with the end of its log when it is not."""
        end = time.monotonic() + READY_S
        while not ready():
            status = self.running[name].poll()
            if status is not None:
                raise Refused(f"the {name} ended with status {status}; the end of "
                              f"{self.log_path(name)}:\n{self.log_tail(name)}")
            if time.monotonic() > end:
                raise Refused(f"the {name} is not ready after {READY_S} seconds; the end of "
                              f"{self.log_path(name)}:\n{self.log_tail(name)}")
            time.sleep(0.01)

    def prepare_store(self):
        """usher-directory init with the models and the sample data."""
        done = subprocess.run(
            self.command("bin/usher-directory", "init", "--directory", "store", "--base", BASE,
                         *(word for name in LOADED for word in ("--load", f"share/{name}"))),
            cwd=self.state.folder, env=self.environment(), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Refused(f"the store could not be prepared:\n{done.stderr}")

    def prepare_keys(self):
        """The key file. Without it nothing sealed opens, so it is made once."""
        path = self.state.path("keys")
        if not os.path.exists(path):
            done = subprocess.run([os.path.join(self.state.top, "build/usherctl"), "key", "init",
                                   path], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise Refused(f"the key file could not be made: {done.stderr}")
        self.state.give(path)

    def answers(self, name):
        """Whether somebody accepts connections at the socket."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(self.state.path(name))
            except OSError:
                return False
        return True

    def start_store(self):
        self.start("store", "bin/usher-directory", "run", "--directory", "store")

    def start_gateway(self):
        self.start("gateway", "bin/usherd", "--config", "usher.conf")

    def start_mail(self):
        """Its port is any free one, told in its log. It ends when our end of the pipe does. Python
        makes names absolute, and those of the parents may be closed to it: hence /proc."""
        log = self.log_path("mail")
        known = os.path.getsize(log) if os.path.exists(log) else 0

        def ready():
            with open(log, encoding="utf-8", errors="replace") as lines:
                lines.seek(known)
                found = re.search(r"^port (\d+)\n", lines.read(), re.MULTILINE)
            self.mail_port = int(found.group(1)) if found else 0
            return self.mail_port != 0

        self.start("mail", "/usr/bin/python3", "-B", "/proc/self/cwd/share/smtp_sink.py",
                   "--until-eof", "mail", stdin=subprocess.PIPE)
        self.wait("mail", ready)

    def filled(self):
        """Whether the gateway has the whole tree."""
        done = subprocess.run([self.state.path("usherctl"), "status"], capture_output=True,
                              text=True, check=False)
        return re.search(r"cache filled +yes", done.stdout) is not None

    def start_all(self):
        self.prepare_keys()
        if not self.state.prepared():
            self.prepare_store()
        self.start_mail()
        self.state.write_conf(self.port, self.mail_port)
        self.start_store()
        self.wait("store", lambda: self.answers(STORE_SOCKET))
        self.start_gateway()
        self.wait("gateway", lambda: self.answers(ADMIN_SOCKET) and self.filled())

    def pid(self, name):
        return self.running[name].pid

    def gone(self, name):
        """Waits for a process that was killed."""
        self.running[name].wait(timeout=STOP_S)

    def ended(self):
        """The name of a server that is no longer there, or None."""
        for name, process in self.running.items():
            if process.poll() is not None:
                return name
        return None

    def stop(self):
        """The gateway first, then what it leans on. What does not end is killed."""
        for name in ("gateway", "store", "mail"):
            process = self.running.pop(name, None)
            if process is None or process.poll() is not None:
                continue
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(timeout=STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
