# SPDX-License-Identifier: BSD-2-Clause
"""Every way of logging in and of changing a secret, right and wrong, with what was used remembered: the
secrets, to be looked for afterwards, and the texts that people were told."""
import base64
import http.server
import json
import os
import re
import threading

import raw_ldap as raw
from gateway import Gateway, module, person
from people import add_person, code, fresh_step, mailed_code, password, wrong_code
from programs import preload

TYPED = "password typed as a name"
MAIL_USER = "usher"
TICKET_LEAST = 60  # bytes: nothing else in that place of an answer is as long
SEND = "#!/bin/sh\nset -e\ntr '\\0' ' ' </proc/$$/cmdline >>\"$1/sent.cmdline\"\ncat >\"$1/sent.new\"\n" \
       "mv \"$1/sent.new\" \"$1/sent\"\n"
NUMBER = "+45 12 34 56 78"


class Hook(http.server.ThreadingHTTPServer):
    """An SMS gateway: keeps what it is sent, and answers `status`."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.texts, self.tokens, self.status = [], set(), 204
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.texts.append(json.dumps(json.loads(body)))
        self.server.tokens.add(self.headers["Authorization"])
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *what):
        pass


class Words:
    """A list of strings in libconfig's words."""

    def __init__(self, *words):
        self.words = words

    def __str__(self):
        return "[%s]" % ", ".join('"%s"' % word for word in self.words)


class Senders:
    """The mail server that asks for a password, the command and the hook for SMS, and their secrets."""

    def __init__(self, options):
        self.mail_password, self.token = "mail-pw-Tq38vLdXb", "sms-token-Kw61zRfNc"
        self.gateway, self.hook = Gateway(options), Hook()
        for name, secret in (("mail-password", self.mail_password), ("sms-token", self.token)):
            os.chmod(self.gateway.write(name, secret + "\n"), 0o600)
        os.chmod(self.gateway.write("send", SEND), 0o755)
        self.start_mail()
        self.gateway.options.update({"mail.user": MAIL_USER, "mail.password_file": self.gateway.path("mail-password")})
        self.by_command()

    def start_mail(self, secret=None):
        self.gateway.end_mail()
        self.gateway.start_mail("--auth=%s:%s" % (MAIL_USER, secret or self.mail_password))

    def by_command(self):
        self.gateway.options.update({"sms.command": Words(self.gateway.path("send"), self.gateway.folder),
                                     "sms.url": "", "sms.token_file": ""})

    def by_hook(self):
        self.gateway.options.update({"sms.command": Words(), "sms.token_file": self.gateway.path("sms-token"),
                                     "sms.url": "http://127.0.0.1:%d/sms" % self.hook.server_port})

    def secrets(self):
        return {"mail password": self.mail_password.encode(), "SMS token": self.token.encode()}


class Logins:
    """Logs in in every way, right and wrong, and remembers what was used."""

    def __init__(self, senders, number):
        self.senders, self.gateway, self.number = senders, senders.gateway, number
        self.secrets, self.codes, self.texts = {}, [], []
        self.kinds = (self.passwords, self.must_change, self.pins, self.app_codes, self.mailed_codes,
                      self.recovery_codes, self.application_passwords, self.texted_by_command,
                      self.texted_by_hook, self.through_pam, self.by_usherctl, self.without_store)

    def run(self, kind):
        self.link = self.gateway.local()
        try:
            kind()
        finally:
            self.link.close()

    def run_all(self):
        for kind in self.kinds:
            self.run(kind)
        return self

    def ask(self, expected, operation, link=None):
        answer = (link or self.link).ask(operation)
        assert answer.code == expected, answer
        self.texts.append(answer.text)
        if answer.value is not None and len(answer.fields.get(1, b"")) > TICKET_LEAST:
            self.secret("ticket %d" % len(self.secrets), answer.ticket)
        return answer

    def secret(self, name, value):
        self.secrets[name] = value.encode() if isinstance(value, str) else value
        return value

    def used(self, digits):
        self.codes.append(digits)
        return digits

    def uid(self, what):
        return "%s%d" % (what, self.number)

    def ticket(self, uid):
        self.secret("password of " + uid, password(uid))
        return self.ask(raw.STRONGER, raw.verify(uid, raw.PASSWORD, password(uid))).ticket

    def passwords(self):
        uid = self.uid("pw")
        first = self.secret("password of " + uid, "right-%d-Zx81qLm" % self.number)
        add_person(self.gateway, uid, userPassword=first)
        wrong = self.secret("wrong password", "wrong-%d-Yt73pKn" % self.number)
        unknown = self.secret(TYPED, "named-%d-Wv52rJo" % self.number)
        self.ask(raw.SUCCESS, raw.verify(uid, raw.PASSWORD, first))
        self.ask(raw.WRONG, raw.verify(uid, raw.PASSWORD, wrong))
        self.ask(raw.WRONG, raw.verify(unknown, raw.PASSWORD, "x"))
        with self.gateway.ldap() as link:
            self.ask(raw.WRONG, raw.bind(person(uid), wrong), link)
            self.ask(raw.WRONG, raw.bind(unknown, wrong), link)
            self.ask(raw.SUCCESS, raw.bind(person(uid), first), link)
            second = self.secret("new password", "newer-%d-Ub94sHp" % self.number)
            refused = self.secret("new password that is refused", "newest-%d-Pm47dGt" % self.number)
            self.ask(raw.WRONG, raw.password_modify(old=wrong, new=refused), link)
            self.ask(raw.SUCCESS, raw.password_modify(old=first, new=second), link)
            again = link.ask(raw.password_modify(old=second, new=first))  # the history's business
            self.texts.append(again.text)
            self.ask(raw.SUCCESS, raw.password_modify(old=first if again.code == 0 else second, new=refused), link)
        self.ask(raw.SUCCESS, raw.verify(uid, raw.PASSWORD, refused))

    def must_change(self):
        uid = self.uid("must")
        first = self.secret("password to be changed", "must-%d-Rc16xVe" % self.number)
        second = self.secret("password changed to", "done-%d-Hf85mZu" % self.number)
        add_person(self.gateway, uid, userPassword=first, usherMustChange="TRUE")
        self.ask(raw.SUCCESS, raw.verify(uid, raw.PASSWORD, first))
        self.ask(raw.SUCCESS, raw.password_modify(uid, first, second))
        self.ask(raw.WRONG, raw.verify(uid, raw.PASSWORD, first))
        self.ask(raw.SUCCESS, raw.verify(uid, raw.PASSWORD, second))

    def pins(self):
        uid = self.uid("pin")
        add_person(self.gateway, uid)
        first = self.secret("PIN", str(83517206 + self.number))
        second = self.secret("new PIN", str(60428319 + self.number))
        wrong = self.secret("wrong PIN", str(19730584 + self.number))
        self.gateway.pin("acme", uid, first)
        self.ask(raw.SUCCESS, raw.verify(uid, raw.PIN, first, organization="acme"))
        self.ask(raw.WRONG, raw.verify(uid, raw.PIN, wrong, organization="acme"))
        with self.gateway.bound(person(uid), password(uid)) as link:
            self.ask(raw.WRONG, raw.set_pin("acme", new=second, old=wrong), link)
            self.ask(raw.SUCCESS, raw.set_pin("acme", new=second, old=first), link)
        self.ask(raw.SUCCESS, raw.verify(uid, raw.PIN, second, organization="acme"))

    def enrolled(self, what):
        """(uid, TOTP secret, a step whose code and later ones are unused)."""
        uid = self.uid(what)
        add_person(self.gateway, uid, usherSecondFactor="totp")
        with self.gateway.bound(person(uid), password(uid)) as link:
            step = fresh_step()
            seed = self.ask(raw.SUCCESS, raw.enroll(raw.BEGIN), link).secret
            self.secret("TOTP secret in base32, of " + uid, seed)
            self.secret("TOTP secret of " + uid, base64.b32decode(seed + "=" * (-len(seed) % 8)))
            self.ask(raw.WRONG, raw.enroll(raw.CONFIRM, code=wrong_code(seed)), link)
            self.ask(raw.SUCCESS, raw.enroll(raw.CONFIRM, code=self.used(code(seed, step - 1))), link)
        return uid, seed, step

    def app_codes(self):
        uid, seed, step = self.enrolled("app")
        held = self.ticket(uid)
        good = self.used(code(seed, step))
        self.ask(raw.WRONG, raw.verify(uid, raw.CODE, self.used(wrong_code(seed)), ticket=held))
        self.ask(raw.WRONG, raw.verify(self.uid("pin"), raw.CODE, good, ticket=held))
        self.ask(raw.SUCCESS, raw.verify(uid, raw.CODE, good, ticket=held))
        self.ask(raw.WRONG, raw.verify(uid, raw.CODE, good, ticket=held))
        with self.gateway.ldap() as link:
            self.ask(raw.WRONG, raw.bind(uid, password(uid) + good), link)

    def mailed_codes(self):
        uid = self.uid("mail")
        add_person(self.gateway, uid, usherSecondFactor="email")
        held = self.ticket(uid)
        self.senders.start_mail(self.secret("mail password that is wanted", "other-pw-%d-Sj29cWq" % self.number))
        self.ask(raw.UNAVAILABLE, raw.challenge(uid, ticket=held))
        self.senders.start_mail()
        self.ask(raw.SUCCESS, raw.challenge(uid, ticket=held))
        found = self.used(mailed_code(self.gateway, uid))
        self.ask(raw.WRONG, raw.verify(uid, raw.CODE, self.used("%06d" % (int(found) ^ 1)), ticket=held))
        self.ask(raw.SUCCESS, raw.verify(uid, raw.CODE, found, ticket=held))
        self.ask(raw.WRONG, raw.verify(uid, raw.CODE, found, ticket=held))

    def recovery_codes(self):
        uid, seed, step = self.enrolled("rec")
        codes = self.gateway.ctl("code", "recovery", uid).stdout.split()
        for number, text in enumerate(codes):
            self.secret("recovery code %d" % number, text)
            self.secret("recovery code %d as typed" % number, text.replace("-", ""))
        held = self.ticket(uid)
        self.ask(raw.SUCCESS, raw.verify(uid, raw.CODE, codes[0], ticket=held))
        wrong = self.secret("wrong recovery code", "qzxjv-wkpyq")
        for text in (codes[0], wrong):
            self.ask(raw.WRONG, raw.verify(uid, raw.CODE, text, ticket=held))
        self.ask(raw.SUCCESS, raw.verify(uid, raw.CODE, codes[1].replace("-", ""), ticket=held))

    def application_passwords(self):
        uid, seed, step = self.enrolled("prog")
        text = self.gateway.ctl("password", "app-create", uid, "acme", "ldap", "mail").stdout.strip()
        self.secret("application password", text)
        self.secret("application password as typed", text.replace("-", ""))
        wrong = self.secret("wrong application password", text[:-3] + ("aaa" if text[-3:] != "aaa" else "bbb"))
        for typed, expected in ((text, raw.SUCCESS), (text.replace("-", ""), raw.SUCCESS), (wrong, raw.WRONG)):
            with self.gateway.ldap() as link:
                self.ask(expected, raw.bind(uid, typed), link)

    def texted(self, uid, text):
        add_person(self.gateway, uid, usherSecondFactor="sms", mobile=NUMBER)
        held = self.ticket(uid)
        self.ask(raw.SUCCESS, raw.challenge(uid, ticket=held))
        found = self.used(re.search(r"\b\d{6}\b", text()).group())
        self.ask(raw.WRONG, raw.verify(uid, raw.CODE, self.used("%06d" % (int(found) ^ 1)), ticket=held))
        self.ask(raw.SUCCESS, raw.verify(uid, raw.CODE, found, ticket=held))

    def sent_by(self, way):
        """Another configuration; the daemon begins anew, and so does the connection."""
        way()
        self.gateway.restart_daemon()
        self.link.close()
        self.link = self.gateway.local()

    def texted_by_command(self):
        self.sent_by(self.senders.by_command)
        self.texted(self.uid("cmd"), lambda: self.gateway.text("sent"))
        assert NUMBER.replace(" ", "") in self.gateway.text("sent.cmdline")

    def texted_by_hook(self):
        self.sent_by(self.senders.by_hook)
        hook = self.senders.hook
        self.texted(self.uid("hook"), lambda: hook.texts[-1])
        assert hook.tokens == {"Bearer " + self.senders.token}, hook.tokens
        hook.status = 500  # then a mail
        uid = self.uid("hooked")
        add_person(self.gateway, uid, usherSecondFactor="sms", mobile=NUMBER)
        self.ask(raw.SUCCESS, raw.challenge(uid))
        hook.status = 204
        self.used(re.search(r"\b\d{6}\b", hook.texts[-1]).group())
        self.used(mailed_code(self.gateway, uid))

    def through_pam(self):
        """pamtester with the modules for password and code, and for PINs; right, wrong and reused."""
        uid, seed, step = self.enrolled("pam")
        os.makedirs(self.gateway.path("pam.d"), exist_ok=True)
        for service, modules in (("both", ("auth password", "auth otp", "account password", "password password")),
                                 ("till", ("auth pin", "account pin"))):
            self.gateway.write("pam.d/" + service, "".join(
                "%s required %s socket=%s timeout=60 debug%s\n"
                % (kind, module("pam_usher_%s.so" % name), self.gateway.ldapi,
                   " org=acme" if service == "till" else "")
                for kind, name in map(str.split, modules)))
        wrong = self.secret("wrong password through PAM", "pam-wrong-%d-Dn60bYi" % self.number)
        pin = self.secret("PIN through PAM", str(47291836 + self.number))
        self.gateway.pin("acme", uid, pin)
        good = self.used(code(seed, step))
        for service, status, *lines in (("both", False, wrong, good), ("both", False, password(uid), wrong),
                                        ("both", True, password(uid), good), ("both", False, password(uid), good),
                                        ("till", False, "1" + pin[1:]), ("till", True, pin)):
            answer = self.pamtester(service, uid, "authenticate acct_mgmt", lines)
            assert (answer.returncode == 0) == status, (service, answer)
        new = self.secret("new password through PAM", "pam-newer-%d-Lx37wOs" % self.number)
        answer = self.pamtester("both", uid, "chauthtok", [password(uid), new, new])
        assert answer.returncode == 0, answer
        self.ask(raw.STRONGER, raw.verify(uid, raw.PASSWORD, new))

    def pamtester(self, service, uid, operations, lines):
        gateway = self.gateway
        gateway.more_environment = {"PAM_WRAPPER": "1", "PAM_WRAPPER_SERVICE_DIR": gateway.path("pam.d")}
        try:
            answer = gateway.run("env", "LD_PRELOAD=" + preload("libpam_wrapper.so"), "pamtester", service, uid,
                                 *operations.split(), text="\n".join(lines) + "\n", check=False)
        finally:
            gateway.more_environment = {}
        self.texts += [answer.stdout, answer.stderr]
        return answer

    def by_usherctl(self):
        uid = self.uid("ctl")
        add_person(self.gateway, uid)
        secret = self.secret("password by usherctl", "ctl-%d-Wb52yKa" % self.number)
        pin = self.secret("PIN by usherctl", str(30618274 + self.number))
        self.ctl("password", "set", uid, lines=(secret,))
        self.ctl("pin", "set", "acme", uid, lines=(pin,))
        self.ctl("pin", "set", "acme", uid, lines=(self.secret("no PIN", "no-pin-%d-Qe94uTf" % self.number),), status=2)
        step = fresh_step()
        answer = self.gateway.ctl("code", "enroll", uid)
        seed = self.secret("TOTP secret by usherctl", answer.stdout.split("secret=")[1].split("&")[0].strip())
        self.ctl("code", "confirm", uid, lines=(self.used(wrong_code(seed)),), status=1)
        self.ctl("code", "confirm", uid, lines=(self.used(code(seed, step)),))
        self.ask(raw.STRONGER, raw.verify(uid, raw.PASSWORD, secret))
        for name, key in keys(self.gateway).items():
            self.secret(name + " of before", key)
        self.ctl("key", "rotate", self.gateway.path("keys"))
        for name, key in keys(self.gateway).items():
            self.secret(name + " of afterwards", key)
        self.ask(raw.SUCCESS, raw.verify(uid, raw.PIN, pin, organization="acme"))
        with self.gateway.ldap() as link:
            self.ask(raw.SUCCESS, raw.bind(uid, secret + self.used(code(seed, step + 1))), link)

    def without_store(self):
        uid = self.uid("away")
        add_person(self.gateway, uid, usherSecondFactor="email")
        held = self.ticket(uid)
        self.gateway.end_store()
        for operation in (raw.verify(uid, raw.PASSWORD, password(uid)), raw.challenge(uid, ticket=held),
                          raw.verify(uid, raw.PIN, self.secret("PIN tried in vain", str(58203947 + self.number)), "acme"),
                          raw.password_modify(uid, password(uid), self.secret("password tried in vain",
                                                                             "vain-%d-Gy51hNx" % self.number))):
            self.ask(raw.UNAVAILABLE, operation)
        self.gateway.start_store()

    def ctl(self, *words, lines=(), status=0):
        answer = self.gateway.ctl(*words, text="".join(line + "\n" for line in lines), check=False)
        assert answer.returncode == status, answer
        self.texts += [answer.stdout, answer.stderr]
        return answer


def keys(gateway):
    """The keys of the file, as they stand there and as they are."""
    found = {}
    for line in gateway.text("keys").splitlines():
        if not line.startswith("#"):
            number, text = line.split(" ")[:2]
            found["key %s in base64" % number], found["key " + number] = text.encode(), base64.b64decode(text)
    return found


def forms(secret):
    """What a secret may look like: as it is, in hex of either case, in base64 wherever it begins in a group
    of three bytes."""
    found = {secret, secret.hex().encode(), secret.hex().upper().encode()}
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + secret)
        text = whole[(8 * shift + 5) // 6:8 * (shift + len(secret)) // 6]  # what depends on it alone
        found |= {text, text.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def there(secrets, content):
    """The names of the secrets that are in the content, in any form."""
    return [name for name, secret in secrets.items() if any(form in content for form in forms(secret))]
