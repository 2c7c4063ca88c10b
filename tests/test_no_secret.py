#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# After logins and changes of all kinds (secrets_used.py), right and wrong, at log level debug, no secret
# that was used is in a log, in the arguments or environment of any process that ran meanwhile, in an
# error text or in the memory of usherd (read from cores that gdb takes, for which one must be root;
# others must not get at it), and an abort leaves no core. Plain, in base64 and in hex. Six digits come by
# chance too: codes are not looked for in memory.
import base64
import os
import re
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

from gateway import sanitized_build
from secrets_used import TYPED, Logins, Senders, forms, keys, there

ISSUER = "issuer in the heap"          # not secret: shows that the heap is in a core
gateway = senders = None


def setUpModule():
    global gateway, senders
    try:
        import aiosmtpd  # noqa: F401
    except ImportError:
        sys.exit(77)
    senders = Senders({"log_level": "debug", "audit.compare": "step", "login.issuer": ISSUER, "mail.notices": True})
    gateway = senders.gateway
    gateway.__enter__()


def tearDownModule():
    gateway.stop()
    senders.hook.stop()


class Processes(threading.Thread):
    """Reads, until told to stop, the arguments and environment of everything that we and ours start."""

    def __init__(self):
        super().__init__()
        self.found, self.programs, self.over = set(), set(), threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *what):
        self.over.set()
        self.join()

    def run(self):
        while not self.over.wait(0.002):
            for pid in self.below(os.getpid()):
                self.look(pid)

    def below(self, pid):
        try:
            for task in os.listdir("/proc/%d/task" % pid):
                with open("/proc/%d/task/%s/children" % (pid, task)) as file:
                    for child in map(int, file.read().split()):
                        yield child
                        yield from self.below(child)
        except OSError:
            pass  # gone

    def look(self, pid):
        for name in ("cmdline", "environ"):
            try:
                with open("/proc/%d/%s" % (pid, name), "rb") as file:
                    content = file.read()
            except OSError:
                return
            if b"smtp_sink.py" in content:
                return  # the mail server of the test is told there what to ask for
            self.found.add(content)
            if name == "cmdline" and content:
                self.programs.add(os.path.basename(content.split(b"\0")[0]).decode())


def core(name):
    path = gateway.path(name)
    subprocess.run(["gcore", "-o", path, str(gateway.daemon.pid)], capture_output=True, timeout=300, check=True)
    path = "%s.%d" % (path, gateway.daemon.pid)
    with open(path, "rb") as file:
        content = file.read()
    os.unlink(path)
    assert len(content) > 1000000, "no core"
    return memory_of(content)


def memory_of(core):
    """The memory in a core: not the notes, where the registers of threads stand, which no program can wipe."""
    (table,), (size, count) = struct.unpack_from("<Q", core, 0x20), struct.unpack_from("<HH", core, 0x36)
    parts = []
    for at in range(table, table + size * count, size):
        kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", core, at)
        parts += [core[offset:offset + length]] if kind == 1 else []  # PT_LOAD
    return b"".join(parts)


class NoSecret(unittest.TestCase):
    def test_forms(self):
        """What is looked for would be found, wherever it stands in what form."""
        secret = b"sO>?me-secret"
        for content in (b"a=" + secret, secret.hex().encode(), b"0" + secret.hex().upper().encode()):
            self.assertEqual(there({"it": secret}, content), ["it"])
        for before in range(7):
            for after in range(5):
                for encode in (base64.b64encode, base64.urlsafe_b64encode):
                    content = encode(b"\xfe" * before + secret + b"\x01" * after)
                    self.assertEqual(there({"it": secret}, content), ["it"], content)
        self.assertEqual(there({"it": secret}, b"sO>?me-secre" + base64.b64encode(b"secret")), [])
        self.assertGreater(min(map(len, forms(b"123456"))), 5)

    def test_logs_arguments_and_texts(self):
        with Processes() as processes:
            logins = Logins(senders, 1).run_all()
        secrets = {**logins.secrets, **keys(gateway), **senders.secrets(),
                   **{"code %d" % i: digits.encode() for i, digits in enumerate(logins.codes)}}
        self.assertGreater(len(secrets), 80)
        log = gateway.text("usherd.log")
        for what in ("audit: operation=verify ", "audit: operation=bind ", "could not be mailed", "by SMS", "debug: "):
            self.assertTrue(what in log, what)
        for name in ("usherd.log", "store.log", "mail.log"):
            self.assertEqual(there(secrets, self.without_times(gateway.text(name))), [], name)
        self.assertLessEqual({"usherctl", "pamtester", "usherd", "slapd"}, processes.programs)
        self.assertEqual(there(secrets, b"\n".join(processes.found)), [])
        self.assertEqual(there(secrets, gateway.text("sent.cmdline").encode()), [])
        self.assertEqual(there(secrets, "\n".join(logins.texts).encode()), [])

    @staticmethod
    def without_times(text):
        """Digits that are no user's: instants, process ids, durations."""
        return re.sub(r"(?m)^\S+Z? |\[\d+\]| ms=\S+", "", text).encode()

    def test_memory_is_closed_to_others(self):
        with open("/proc/%d/limits" % gateway.daemon.pid) as file:
            self.assertRegex(file.read(), r"Max core file size +0 +0 ")
        self.assertEqual(os.stat("/proc/%d/mem" % gateway.daemon.pid).st_uid, 0, "dumpable")
        if os.geteuid() != 0:
            with self.assertRaises(PermissionError):
                open("/proc/%d/mem" % gateway.daemon.pid, "rb").close()

    def test_an_abort_leaves_no_core(self):
        """Even where cores may be as large as they like and usherd dies in the middle of it all."""
        logins = Logins(senders, 3)
        for kind in (logins.passwords, logins.pins, logins.app_codes):
            logins.run(kind)
        pid = gateway.daemon.pid
        try:
            resource.prlimit(pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        except PermissionError:
            pass  # nobody here may take usherd's own limit from it
        os.kill(pid, signal.SIGABRT)
        self.assertEqual(os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT).si_code, os.CLD_KILLED)
        self.assertEqual(gateway.end_daemon(), -signal.SIGABRT)
        gateway.start_daemon()
        if self.abort([sys.executable, "-c", "print(1, flush=True)\nimport time\ntime.sleep(600)"]) != os.CLD_DUMPED:
            self.skipTest("this machine writes no core of any program")

    def abort(self, command):
        """How a process ended that was aborted in a folder of its own, with cores as large as they may be."""
        def unlimited():
            most = resource.getrlimit(resource.RLIMIT_CORE)[1]
            resource.setrlimit(resource.RLIMIT_CORE, (most, most))
        with tempfile.TemporaryDirectory() as folder:
            process = subprocess.Popen(command, cwd=folder, preexec_fn=unlimited, stdout=subprocess.PIPE)
            process.stdout.readline()
            process.send_signal(signal.SIGABRT)
            how = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT).si_code
            process.wait()
            process.stdout.close()
        return how

    @unittest.skipIf(sanitized_build(), "AddressSanitizer makes nothing of mlock()")
    def test_keys_are_locked_and_not_dumped(self):
        flags = []
        with open("/proc/%d/smaps" % gateway.daemon.pid) as file:
            for line in file:
                if line.startswith("VmFlags:"):
                    flags.append(line.split()[1:])
        self.assertTrue([one for one in flags if "lo" in one and "dd" in one], "no mapping is locked and undumped")

    @unittest.skipIf(sanitized_build(), "AddressSanitizer keeps what was freed")
    @unittest.skipUnless(os.geteuid() == 0, "only root may take a core of usherd")
    def test_memory(self):
        logins, found, before = Logins(senders, 2), [], set()
        for kind in logins.kinds:  # a core after each, before others overwrite what it left
            logins.run(kind)
            content = core("core")
            secrets = {**logins.secrets, **keys(gateway), **senders.secrets()}
            secrets.pop(TYPED, None)  # a name, as far as usherd can tell: told to nobody, but not wiped
            found += ["%s, after the %s" % (name, kind.__name__) for name, secret in secrets.items()
                      if name not in before and secret in content]
            before = set(logins.secrets)
            self.assertIn(ISSUER.encode(), content, "not even this is found")
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main()
