#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# After logins of all kinds at log level debug no secret that was used is in a log, an argument list, an
# environment, an error text or the memory of usherd (read from cores that gdb takes, for which one must
# be root; others must not get at it). Six digits come by
# chance too: codes are not looked for in memory.
import base64
import email
import email.policy
import os
import re
import subprocess
import unittest

import raw_ldap as raw
from gateway import Gateway, person, sanitized_build, until
from people import add_person, code, fresh_step, password, ticket, wrong_code

ISSUER = "issuer in the heap"          # not secret: shows that the heap is in a core
MAIL_PASSWORD = "mail-pw-Tq38vLdXb"  # kept as long as usherd runs
TYPED = "password typed as a name"
gateway = None


def setUpModule():
    global gateway
    gateway = Gateway({"log_level": "debug", "audit.compare": "step", "login.issuer": ISSUER})
    gateway.start_mail()
    password_file = gateway.write("mail-password", MAIL_PASSWORD + "\n")
    os.chmod(password_file, 0o600)
    gateway.options["mail.password_file"] = password_file
    gateway.__enter__()


def tearDownModule():
    gateway.stop()


class Logins:
    """Logs in in every way, right and wrong, and remembers what was used."""

    def __init__(self, number):
        self.number, self.secrets, self.codes, self.texts = number, {}, [], []
        self.kinds = (self.passwords, self.pins, self.app_codes, self.mailed_codes)

    def run(self, kind):
        with gateway.local() as self.link:
            kind()

    def run_all(self):
        for kind in self.kinds:
            self.run(kind)
        return self

    def ask(self, expected, operation, link=None):
        answer = (link or self.link).ask(operation)
        assert answer.code == expected, answer
        self.texts.append(answer.text)
        return answer

    def secret(self, name, value):
        self.secrets[name] = value.encode() if isinstance(value, str) else value
        return value

    def uid(self, what):
        return "%s%d" % (what, self.number)

    def passwords(self):
        uid = self.uid("pw")
        first = self.secret("password of " + uid, "right-%d-Zx81qLm" % self.number)
        add_person(gateway, uid, userPassword=first)
        wrong = self.secret("wrong password", "wrong-%d-Yt73pKn" % self.number)
        unknown = self.secret(TYPED, "named-%d-Wv52rJo" % self.number)
        self.ask(raw.SUCCESS, raw.verify(uid, raw.PASSWORD, first))
        self.ask(raw.WRONG, raw.verify(uid, raw.PASSWORD, wrong))
        self.ask(raw.WRONG, raw.verify(unknown, raw.PASSWORD, "x"))
        with gateway.ldap() as link:
            self.ask(raw.WRONG, raw.bind(person(uid), wrong), link)
            self.ask(raw.WRONG, raw.bind(unknown, wrong), link)
            self.ask(raw.SUCCESS, raw.bind(person(uid), first), link)
            second = self.secret("new password", "newer-%d-Ub94sHp" % self.number)
            self.ask(raw.SUCCESS, raw.password_modify(old=first, new=second), link)
        self.ask(raw.SUCCESS, raw.verify(uid, raw.PASSWORD, second))

    def pins(self):
        uid = self.uid("pin")
        add_person(gateway, uid)
        first = self.secret("PIN", str(83517206 + self.number))
        second = self.secret("new PIN", str(60428319 + self.number))
        wrong = self.secret("wrong PIN", str(19730584 + self.number))
        gateway.pin("acme", uid, first)
        self.ask(raw.SUCCESS, raw.verify(uid, raw.PIN, first, organization="acme"))
        self.ask(raw.WRONG, raw.verify(uid, raw.PIN, wrong, organization="acme"))
        with gateway.bound(person(uid), password(uid)) as link:
            self.ask(raw.SUCCESS, raw.set_pin("acme", new=second, old=first), link)
        self.ask(raw.SUCCESS, raw.verify(uid, raw.PIN, second, organization="acme"))

    def app_codes(self):
        uid = self.uid("app")
        add_person(gateway, uid, usherSecondFactor="totp")
        with gateway.bound(person(uid), password(uid)) as link:
            step = fresh_step()
            seed = self.ask(raw.SUCCESS, raw.enroll(raw.BEGIN), link).secret
            self.secret("TOTP secret in base32", seed)
            self.secret("TOTP secret", base64.b32decode(seed + "=" * (-len(seed) % 8)))
            self.ask(raw.SUCCESS, raw.enroll(raw.CONFIRM, code=self.used(code(seed, step - 1))), link)
        held = ticket(self.link, uid)
        self.ask(raw.WRONG, raw.verify(uid, raw.CODE, wrong_code(seed), ticket=held))
        self.ask(raw.SUCCESS, raw.verify(uid, raw.CODE, self.used(code(seed, step)), ticket=held))

    def mailed_codes(self):
        uid = self.uid("mail")
        add_person(gateway, uid, usherSecondFactor="email")
        held = ticket(self.link, uid)
        self.ask(raw.SUCCESS, raw.challenge(uid, ticket=held))
        mail = until("the mail is there", lambda: [m for m in gateway.mails() if uid + "@" in m])[0]
        body = email.message_from_string(mail, policy=email.policy.default).get_body(("plain",)).get_content()
        found = self.used(re.search(r"\b\d{6}\b", body).group())
        self.ask(raw.SUCCESS, raw.verify(uid, raw.CODE, found, ticket=held))

    def used(self, digits):
        self.codes.append(digits)
        return digits


def keys():
    found = {}
    for line in gateway.text("keys").splitlines():
        if not line.startswith("#"):
            _, text = line.split(" ")
            found["key in base64"], found["key"] = text.encode(), base64.b64decode(text)
    return found


def core(name):
    path = gateway.path(name)
    subprocess.run(["gcore", "-o", path, str(gateway.daemon.pid)], capture_output=True, timeout=300, check=True)
    path = "%s.%d" % (path, gateway.daemon.pid)
    with open(path, "rb") as file:
        content = file.read()
    os.unlink(path)
    assert len(content) > 1000000, "no core"
    return content


def there(secrets, content):
    return [name for name, secret in secrets.items() if secret in content]


class NoSecret(unittest.TestCase):
    def test_logs_arguments_and_texts(self):
        logins = Logins(1).run_all()
        secrets = {**logins.secrets, **keys()}
        codes = {"code %d" % i: digits.encode() for i, digits in enumerate(logins.codes)}
        log = gateway.text("usherd.log").encode()
        self.assertIn(b" audit: operation=verify ", log)
        for name in ("usherd.log", "store.log"):
            self.assertEqual(there({**secrets, **codes}, self.without_times(gateway.text(name))), [], name)
        for process in (gateway.daemon, gateway.store_process):
            for name in ("cmdline", "environ"):
                with open("/proc/%d/%s" % (process.pid, name), "rb") as file:
                    self.assertEqual(there({**secrets, **codes}, file.read()), [], name)
        self.assertEqual(there({**secrets, **codes}, "\n".join(logins.texts).encode()), [])

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
        logins, found = Logins(2), []
        for kind in logins.kinds:  # a core after each, before others overwrite what it left
            logins.run(kind)
            content = core("core")
            secrets = {**logins.secrets, **keys(), "mail password": MAIL_PASSWORD.encode()}
            secrets.pop(TYPED, None)  # a name, as far as usherd can tell: told to nobody, but not wiped
            found += ["%s, after the %s" % (name, kind.__name__) for name in there(secrets, content)]
            self.assertEqual(there({"heap": ISSUER.encode()}, content), ["heap"], "not even this is found")
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main()
