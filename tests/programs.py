# SPDX-License-Identifier: BSD-2-Clause
"""Real programs that log people in by PAM, with the modules of this build and stacks of conf/pam.

The modules lie in a folder that any uid may read. private_etc() gives the calling test a mount
namespace in which /etc, /run and /var/log are copies of its own, so that setuid programs, which
hear of no environment, read our stacks and our users while the machine's files stay as they are."""
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pexpect

from gateway import PATIENCE, ROOT, STRANGER, Gateway, module, sanitized_build, stand_still, until
from people import add_person

TIMEOUT = 20                # seconds: timeout= of every stack under test
SHORT = 2                   # the same while usherd is away
SLACK = 30                  # what a busy machine may take besides
EXAMPLES = os.path.join(ROOT, "conf/pam")
LOCAL = {"keeper": 500, "local": 1500}  # the machine's own users; `local` is above minimum_uid
LOCAL_PASSWORD = "machine-demo-password"
PR_SET_CHILD_SUBREAPER = 36  # prctl(2): orphans below us become ours, not init's
PEOPLE_UID = 20000          # people of usher get uids from here on
# A module built with AddressSanitizer gets into a program without it; a leak there is not ours.
SANITIZER = {"ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}


def environment(**more):
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "TERM": "dumb", **more}
    return {**SANITIZER, **env} if sanitized_build() else env


def preload(*libraries):
    """LD_PRELOAD for a program that will load the modules."""
    listed = subprocess.run(["ldd", module("pam_usher_password.so")], capture_output=True, text=True).stdout
    return " ".join([*re.findall(r"\S*/libasan\S*", listed), *libraries])


def private_etc():
    """Runs the calling script again in a namespace of its own, as root; ends it with 77 elsewhere."""
    if os.environ.get("USHER_PRIVATE_ETC") is None:
        if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
            sys.stderr.write("needs root and mount namespaces\n")
            sys.exit(77)
        os.environ["USHER_PRIVATE_ETC"] = "1"
        os.execvp("unshare", ["unshare", "-m", "--propagation", "private", "--", sys.executable, *sys.argv])
    for place, options in (("/run", "mode=755"), ("/var/log", "mode=755")):
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True)
    copy = "/run/etc"
    subprocess.run(["cp", "-a", "/etc/.", copy], check=True)
    subprocess.run(["mount", "--bind", copy, "/etc"], check=True)
    for name in ("/run/utmp", "/var/log/wtmp", "/var/log/btmp", "/var/log/lastlog"):
        open(name, "w").close()
    for folder in ("/run/sshd", "/run/lock", "/etc/pam.d"):
        os.makedirs(folder, 0o755, exist_ok=True)
    for name in os.listdir("/etc/pam.d"):
        os.unlink("/etc/pam.d/" + name)
    write("/etc/pam.d/other", "auth required pam_deny.so\naccount required pam_deny.so\n")


covered = set()  # folders that are ours in the private namespace


def cover(folder):
    """Makes a folder that the machine does not have, in the private namespace alone: its nearest
    parent becomes one of ours, with everything that was in it."""
    parent = os.path.dirname(folder)
    while not os.path.isdir(parent):
        parent = os.path.dirname(parent)
    if parent not in covered:
        before = "/run/cover" + parent
        os.makedirs(before)
        subprocess.run(["mount", "--bind", parent, before], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", parent], check=True)
        for entry in os.scandir(before):
            target = os.path.join(parent, entry.name)
            if entry.is_symlink():
                os.symlink(os.readlink(entry.path), target)
                continue
            if entry.is_dir():
                os.mkdir(target)
            else:
                open(target, "w").close()
            subprocess.run(["mount", "--bind", entry.path, target], check=True)
        covered.add(parent)
    os.makedirs(folder)


def write(path, text, mode=0o644):
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def add_users(people):
    """Into the private /etc: the machine's own users with a password, the people without."""
    secret = subprocess.run(["openssl", "passwd", "-6", LOCAL_PASSWORD], capture_output=True, text=True,
                            check=True).stdout.strip()
    users = {**LOCAL, **{uid: PEOPLE_UID + i for i, uid in enumerate(people)}}
    with open("/etc/passwd", "a") as passwd, open("/etc/shadow", "a") as shadow:
        for name, uid in users.items():
            passwd.write("%s:x:%d:%d::/tmp:/bin/sh\n" % (name, uid, STRANGER))
            if name in LOCAL:
                shadow.write("%s:%s:19000:0:99999:7:::\n" % (name, secret))
            else:
                shadow.write("%s:!*:19000:0:99999:7:::\n" % name)
    return users


def modules(gateway):
    """A folder with the modules."""
    folder = gateway.path("modules")
    if not os.path.isdir(folder):
        os.mkdir(folder, 0o755)
        for name in ("password", "pin", "otp"):
            shutil.copy(module("pam_usher_%s.so" % name), folder)
    return folder


def stack(gateway, example, **replace):
    """An example of conf/pam for this gateway; further words are replaced."""
    with open(os.path.join(EXAMPLES, example)) as file:
        text = file.read()
    text = re.sub(r"(?m)^([^#\n]*)\bpam_usher_(\w+)\.so", r"\1%s/pam_usher_\2.so socket=%s timeout=%d"
                  % (modules(gateway), gateway.ldapi, TIMEOUT), text)
    for old, new in replace.items():
        text = text.replace(old, new)
    return text


class Talk(pexpect.spawn):
    """A program on a terminal, or as good as one; remembers everything that it wrote."""

    def __init__(self, command, **more):
        more.setdefault("env", environment())
        super().__init__(command[0], list(command[1:]), encoding="utf-8", codec_errors="replace",
                         timeout=PATIENCE, echo=False, **more)
        self.delaybeforesend = None
        self.logfile_read = self.heard = Heard()

    def answer(self, prompt, reply):
        self.expect(prompt)
        self.sendline(reply)

    def end(self):
        """Status, once it has ended."""
        self.expect(pexpect.EOF)
        self.close()
        return self.exitstatus if self.exitstatus is not None else -self.signalstatus

    def stop(self):
        if self.isalive():
            self.terminate(force=True)
        self.close()


class Heard(list):
    def write(self, text):
        self.append(text)

    def flush(self):
        pass

    def text(self):
        return "".join(self)


class Away:
    """usherd stopped, hung or killed for a while; a fresh one afterwards. The stacks in the folder
    have a short timeout meanwhile, which whoever is logging in already does not hear of."""
    WAYS = ("stopped", "hung", "killed")

    def __init__(self, gateway, way, folder="/etc/pam.d"):
        self.gateway, self.way, self.folder = gateway, way, folder

    def timeouts(self, old, new):
        for entry in os.scandir(self.folder):
            with open(entry.path) as file:
                text = file.read()
            write(entry.path, text.replace("timeout=%d" % old, "timeout=%d" % new))

    def __enter__(self):
        self.timeouts(TIMEOUT, SHORT)
        if self.way == "hung":
            stand_still(self.gateway.daemon)
        else:
            self.gateway.end_daemon(signal.SIGTERM if self.way == "stopped" else signal.SIGKILL)

    def __exit__(self, *what):
        self.timeouts(SHORT, TIMEOUT)
        if self.way == "hung":
            self.gateway.daemon.send_signal(signal.SIGCONT)
        else:
            self.gateway.start_daemon()
        until("usherd answers", self.gateway.answers)


def within(what, seconds, function):
    """What function returns; fails when it took longer than the deadline of the modules allows."""
    start = time.monotonic()
    value = function()
    took = time.monotonic() - start
    if took > seconds + SLACK:
        raise AssertionError("%s took %.1f seconds" % (what, took))
    return value


def people_gateway(people, mail=False, **options):
    """A running gateway that trusts root and the uid of rootless programs, with these people."""
    gateway = Gateway(options={"peers.trusted_uids": [os.geteuid(), STRANGER], **options})
    if mail:
        gateway.start_mail()
    gateway.__enter__()
    for uid in people:
        add_person(gateway, uid)
    gateway.caught_up()
    return gateway


def become(uid):
    """For a child, before it runs its program: somebody with this number and no groups."""
    def drop():
        os.setgroups([])
        os.setgid(STRANGER)
        os.setuid(uid)
    return drop
