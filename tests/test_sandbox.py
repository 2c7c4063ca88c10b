#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# usherd and the store inside what their units describe (sandboxed.py): they start, say so, serve logins,
# mails and changes, reload and stop; and what the sandbox is there to refuse is refused. Needs root and
# mount namespaces; what only systemd itself can do (control groups, restarts) is not shown.
import os
import re
import signal
import socket
import subprocess
import sys
import unittest

import raw_ldap as raw
from gateway import BASE, BUILD, COMMAND, ROOT, SAMPLE, Gateway, conf_text, program, sanitized_build, until
from people import add_person
import sandboxed

UID = 64997  # nobody's
NEW = "set-in-the-sandbox-9"
gateway = None

# Tries what a service has no business to do; prints what was not refused.
PROBE = r"""
import ctypes, mmap, os, socket
def tried(name, act):
    try:
        act()
        print(name)
    except (OSError, ValueError):
        pass
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *words):
    if libc.syscall(number, *words) < 0:
        raise OSError(ctypes.get_errno(), "refused")
here = os.environ["HERE"]
for folder in ("/etc", "/usr", "/var/lib", "/", os.environ["KEPT"]):
    tried("write below " + folder, lambda: open(folder + "/usher-sandbox-probe", "w"))
if set(os.listdir("/root") + os.listdir("/home")) - set(os.environ["SHOWN"].split(":")):
    print("see homes")
tried("see process 1", lambda: open("/proc/1/cmdline"))
tried("change the kernel's settings", lambda: open("/proc/sys/kernel/core_pattern", "w"))
tried("netlink", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
tried("packets", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
tried("memory to write and execute", lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC))
tried("a user namespace", lambda: call(272, 0x10000000))
tried("another personality", lambda: call(135, 8))
tried("a set-uid file", lambda: (open(here + "/suid", "w"), os.chmod(here + "/suid", 0o4755)))
tried("real time", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))
tried("ptrace", lambda: call(101, 0, 0, 0, 0))
tried("mount", lambda: call(165, b"x", here.encode(), b"tmpfs", 0, 0))
tried("another uid", lambda: os.setuid(0))
tried("the clock", lambda: call(227, 0, ctypes.byref((ctypes.c_long * 2)(1, 0))))
tried("a device", lambda: open("/dev/kmsg", "rb"))
open(here + "/may", "w").close()
print("end")
"""


def setUpModule():
    global gateway
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        sys.stderr.write("needs root and mount namespaces\n")
        sys.exit(77)
    if sanitized_build():
        sys.stderr.write("AddressSanitizer does not start in the sandbox\n")
        sys.exit(77)
    try:
        import aiosmtpd  # noqa: F401
    except ImportError:
        sys.exit(77)
    gateway = Sandboxed({"mail.notices": True, "peers.trusted_uids": [0], "peers.admin_uids": [0]})
    gateway.start_mail()
    gateway.__enter__()


def tearDownModule():
    gateway.stop()


class Sandboxed(Gateway):
    """Both programs run as an own user, each in the sandbox of its unit."""

    WRITABLE = {"usherd": ("run", "cache", "mail-queue"), "usher-directory": ("store",)}

    def start(self):
        os.chmod(self.folder, 0o711)
        for name, mode in (("run", 0o755), ("run/admin", 0o700), ("cache", 0o750), ("mail-queue", 0o700),
                           ("store", 0o700)):
            os.mkdir(self.path(name), mode)
            os.chown(self.path(name), UID, UID)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(self.path("run/notify"))
        os.chmod(self.path("run/notify"), 0o666)
        self.notify.settimeout(60)
        self.more_environment["NOTIFY_SOCKET"] = self.path("run/notify")
        self.run(*self.sandbox("usher-directory", "init", "--directory", self.path("store"), "--base", BASE,
                               *[word for path in SAMPLE for word in ("--load", path)]))
        self.run(program("usherctl"), "key", "init", self.path("keys"))
        os.chown(self.path("keys"), UID, UID)
        self.start_store()
        self.start_daemon()
        return self

    def sandbox(self, name, *arguments, program_path=None):
        writable = ":".join(map(self.path, self.WRITABLE[name]))
        kept = ":".join(dict.fromkeys([ROOT, BUILD, self.folder]))
        words = ["-n"] if name == "usher-directory" else []
        return ["unshare", "-m", *words, "--propagation", "private", "--", sys.executable,
                os.path.join(ROOT, "tests/sandboxed.py"), unit(name), str(UID), writable, kept, "--",
                program_path or program(name), *arguments]

    def start_store(self):
        with open(self.path("store.log"), "a") as log:
            self.store_process = subprocess.Popen(self.sandbox("usher-directory", "run", "--directory",
                                                               self.path("store")),
                                                  env=self.environment(), stdout=log, stderr=log)
        until("the store answers", lambda: self.store_process.poll() is None and self.connect_store())

    def store_connection(self):
        os.seteuid(UID)  # the peer is who connects
        try:
            return super().store_connection()
        finally:
            os.seteuid(0)

    def launch(self):
        conf = self.write("usher.conf", conf_text(self.settings()))
        os.chmod(conf, 0o644)
        with open(self.path("usherd.log"), "a") as log:
            self.daemon = subprocess.Popen(self.sandbox("usherd", "-f", conf), env=self.environment(),
                                           stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def told(self):
        return self.notify.recv(1000).decode()


def unit(name):
    """The unit as it is in the sources: the folders in it stand for those of the test."""
    return os.path.join(ROOT, "conf/systemd/%s.service.in" % name)


class Sandbox(unittest.TestCase):
    def test_1_serves(self):
        """A login with password and mailed code, a PIN, a change and its notice, all through the sandbox."""
        self.assertEqual(gateway.told(), "READY=1")
        with open("/proc/%d/status" % gateway.daemon.pid) as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertEqual((status["Uid"].split(), status["NoNewPrivs"], status["Seccomp"]), ([str(UID)] * 4, "1", "2"))
        self.assertEqual(int(status["CapBnd"], 16) & ~(1 << 10), 0)  # CAP_NET_BIND_SERVICE
        add_person(gateway, "s1", usherSecondFactor="email")
        gateway.pin("acme", "s1", "0042")
        gateway.ctl("password", "set", "s1", text=NEW + "\n")
        with gateway.local() as link, gateway.ldap() as net:
            held = link.ask(raw.verify("s1", raw.PASSWORD, NEW)).ticket
            self.assertEqual(link.ask(raw.challenge("s1", ticket=held)).code, raw.SUCCESS)
            until("the mails are there", lambda: len(gateway.mails()) == 3)  # PIN, password, code
            code = next(re.search(r"\b\d{6}\b", mail).group() for mail in gateway.mails() if " is your code" in mail)
            self.assertEqual(link.ask(raw.verify("s1", raw.CODE, code, ticket=held)).code, raw.SUCCESS)
            self.assertEqual(link.ask(raw.verify("s1", raw.PIN, "0042", "acme")).code, raw.SUCCESS)
            self.assertEqual(net.ask(raw.bind("s1", "wrong")).code, raw.WRONG)
        self.assertEqual(gateway.ctl("status").returncode, 0)

    def test_2_reloads_and_stops(self):
        gateway.daemon.send_signal(signal.SIGHUP)
        self.assertEqual([gateway.told() for _ in range(2)], ["RELOADING=1", "READY=1"])
        self.assertEqual(gateway.end_daemon(), 0)
        self.assertEqual(gateway.told(), "STOPPING=1")
        gateway.start_daemon()  # with the cache that it left
        self.assertEqual(gateway.told(), "READY=1")
        with gateway.local() as link:
            self.assertEqual(link.ask(raw.verify("s1", raw.PIN, "0042", "acme")).code, raw.SUCCESS)

    def test_3_bites(self):
        kept = [path.split("/")[2] for path in (ROOT, BUILD) if path.startswith(("/root/", "/home/"))]
        for name in ("usherd", "usher-directory"):
            probe = gateway.write("probe.py", PROBE)
            os.chmod(probe, 0o644)
            command = gateway.sandbox(name, probe, program_path=sys.executable)
            here = gateway.path(Sandboxed.WRITABLE[name][-1])
            answer = subprocess.run(["env", "HERE=" + here, "KEPT=" + gateway.folder, "SHOWN=" + ":".join(kept),
                                     *command],
                                    capture_output=True, text=True, timeout=COMMAND)
            self.assertEqual((answer.stdout, answer.stderr), ("end\n", ""), name)
            self.assertTrue(os.path.exists(here + "/may"))
            os.unlink(here + "/may")

    def test_4_says_what_may_be_written(self):
        """The folders of the units are those of tmpfiles.d that this test stands for with its own."""
        found = {name: [os.path.basename(os.path.dirname(path)) if path.endswith("/usher") else path
                        for path in " ".join(sandboxed.unit_read(unit(name))["ReadWritePaths"]).split()]
                 for name in Sandboxed.WRITABLE}
        self.assertEqual(found, {"usherd": ["@runstatedir@", "cache", "spool"], "usher-directory": ["lib"]})


if __name__ == "__main__":
    unittest.main()
