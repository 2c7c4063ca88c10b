#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# After logins and changes of all kinds (secrets_used.py), right and wrong, at log level debug, no secret
# that was used is in a log, in the arguments or environment of any process that ran meanwhile, in an
# error text or in the memory of usherd (for which one must be root; others must not get at it), and an
# abort leaves no core. Plain, in base64 and in hex. Six digits come by chance too: codes are not looked
# for in memory.
import array
import base64
import itertools
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from gateway import sanitized_build, stand_still
from secrets_used import TYPED, Logins, Senders, forms, keys, there

ISSUER = "issuer in the heap"          # not secret: shows that the heap was read
LOOKS = 20                             # one a second, at what is to leave memory
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


def mappings(pid):
    """(start, end) of what is a process's own and goes into cores: heap, stacks, data. Not the files that it maps,
    nor the keys, which are to be there, locked and undumped."""
    with open("/proc/%d/smaps" % pid) as file:
        for line in file:
            words = line.split()
            if "-" in words[0] and not words[0].endswith(":"):
                start, end = (int(number, 16) for number in words[0].split("-"))
                own = words[1].startswith("rw") and words[1].endswith("p")
            elif words[0] == "VmFlags:" and own and "dd" not in words:
                yield start, end


def memory(pid):
    """What is in these, paged in or swapped. Not the registers of threads, which no program can wipe."""
    page, parts = os.sysconf("SC_PAGESIZE"), []
    with open("/proc/%d/pagemap" % pid, "rb", 0) as pagemap, open("/proc/%d/mem" % pid, "rb", 0) as content:
        for start, end in mappings(pid):
            states = array.array("Q", os.pread(pagemap.fileno(), (end - start) // page * 8, start // page * 8))
            for there_is, run in itertools.groupby(enumerate(states), lambda state: state[1] >> 62 != 0):
                first, *rest = (number for number, _ in run)
                if there_is:
                    size = (len(rest) + 1) * page
                    parts.append(os.pread(content.fileno(), size, start + first * page))
                    assert len(parts[-1]) == size, "memory cannot be read"
    return b"".join(parts)


def held():
    """The memory of usherd, which stands still meanwhile."""
    stand_still(gateway.daemon)
    try:
        return memory(gateway.daemon.pid)
    finally:
        gateway.daemon.send_signal(signal.SIGCONT)


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
    @unittest.skipUnless(os.geteuid() == 0, "only root may read the memory of usherd")
    def test_memory(self):
        logins, found, before = Logins(senders, 2), [], set()
        for kind in logins.kinds:  # looked at after each, before others overwrite what it left
            logins.run(kind)
            used = {**logins.secrets, **keys(gateway), **senders.secrets()}
            used.pop(TYPED, None)  # a name, as far as usherd can tell: told to nobody, but not wiped
            found += self.stays({name: secret for name, secret in used.items() if name not in before}, kind)
            before = set(logins.secrets)
        self.assertEqual(found, [])

    def stays(self, secrets, kind):
        """What of these is in memory once the connections are closed and the mails sent that they came in."""
        for _ in range(LOOKS):
            content = held()
            self.assertIn(ISSUER.encode(), content, "not even this is found")
            found = ["%s, after the %s" % (name, kind.__name__) for name, secret in secrets.items() if secret in content]
            if not found:
                break
            time.sleep(1)
        return found


if __name__ == "__main__":
    unittest.main()
