# SPDX-License-Identifier: BSD-2-Clause
"""The guided tour: what usher does, step by step, on the running demo.

Each step leaves the data as it found them (but for Ada's app and Pat's PIN), so that the tour can
be taken again at once on the same state."""

import os
import re
import signal
import time

from show import Steps, TooSoon, Unexpected, dialogue, poll, quiet, run, say, tell
from state import BASE, STORE_SOCKET

PIN = "4711"
PIN_WRONG = "0815"
PIN_LIMIT = 5  # login.limit
TOTP_STEP_S = 30
TOTP_MARGIN_S = 12  # what the steps with one code may take
CODE_INTERVAL_S = 60  # between two mailed codes
REFUSED = "The user name or the secret is wrong."
UNAVAILABLE = "The login cannot be checked at the moment."
TOO_SOON = "A code was sent less than a minute ago."
DN_SUE = f"cn=sue,ou=members,o=acme,{BASE}"
DN_ROLE = f"cn=tixngo.support,ou=roles,{BASE}"
BACKOFFICE = f"-x -D cn=backoffice,ou=services,{BASE} -w backoffice-demo-password"
COMPARE_FALSE, COMPARE_TRUE, NO_SUCH_ATTRIBUTE = 5, 6, 16


class Tour:
    """The steps. Each method but the first three is one."""

    def __init__(self, state, servers):
        self.state = state
        self.servers = servers
        self.ctl = state.typed("usherctl")
        self.pam = state.typed("pamtester")
        self.store = f"-Q -Y EXTERNAL -H {state.uri(STORE_SOCKET)}"

    def tidy(self):
        """Undoes what a tour that was interrupted, or the user, may have left."""
        for person in ("ada", "ben", "sue", "pat"):
            quiet(f"{self.ctl} unlock {person}")
        quiet(f"ldapmodify {self.store}", self.role_change("delete"))
        quiet(f"ldapmodify {self.store}", f"dn: {DN_SUE}\nchangetype: modify\n"
              f"replace: usherRole\nusherRole: {DN_ROLE}\n")
        poll("Sue's role is not as in the sample data", lambda: self.allowed("denied"))

    @staticmethod
    def role_change(verb):
        return (f"dn: {DN_ROLE}\nchangetype: modify\n{verb}: usherGrant\n"
                "usherGrant: +tickets:delete\n")

    def allowed(self, words="allowed"):
        """Whether the gateway says so of Sue and tickets:delete; False also without an answer."""
        return quiet(f"{self.ctl} check acme sue tickets:delete")[1].strip() == words

    def questions(self):
        compare = f"ldapcompare {BACKOFFICE} -H ldap://127.0.0.1:{self.servers.port} {DN_SUE}"
        tell("Sue works in the support of acme. A program, bound as the service \"backoffice\", asks "
             "by LDAP Compare, as any LDAP library can.")
        run(f"{compare} usherPermission:tickets:read", r"^TRUE", status=(COMPARE_TRUE,))
        run(f"{compare} usherPermission:tickets:delete", r"^FALSE", status=(COMPARE_FALSE,))
        tell("What nobody has defined is an error that names it, never a quiet no:")
        run(f"{compare} usherPermission:tickets:juggle", r"No such attribute \(16\)",
            r"\"tickets:juggle\"", status=(NO_SUCH_ATTRIBUTE,))
        tell("The administrator asks with usherctl:")
        run(f"{self.ctl} check acme sue tickets:read", r"^allowed$")

    def models(self):
        tell("Each of the five vendors' models is data alone. Tixly: Ole works at the ballet, for "
             "chosen events. Asta is at home there, and a guest of the orchestra, which the swan "
             "lake is shared with.")
        self.ask("ballet ole ticket:sell@event/giselle", True)
        self.ask("ballet ole ticket:sell@event/swan-lake", False)
        self.ask("orchestra asta ticket:sell@event/ballet/swan-lake", True)
        tell("The back office: Luca opens every section of the museum but the users'.")
        self.ask("museum luca section.reports:open", True)
        self.ask("museum luca section.users:open", False)
        tell("The event platform: Hugo belongs to one event, and some figures are for the app alone.")
        self.ask("riverfest hugo gate:checkin-data-basic@event/jazz-day", False)
        self.ask("riverfest hugo 'gate:checkin-data-basic@event/jazz-day;channel=app'", True)
        self.ask("riverfest hugo 'gate:check-in@event/opening-night'", False)
        tell("Palisis: Dan sells at a terminal, and has no business in the back office.")
        self.ask("harbour dan terminal:login", True)
        self.ask("harbour dan backoffice:login", False)
        tell("Why may Sue of acme not delete tickets? Each step of the decision, and who decided:")
        run(f"{self.ctl} explain acme sue tickets:delete", r"denied", status=(0, 1))
        tell("Who may?")
        run(f"{self.ctl} who acme tickets:delete", r"ben")

    def ask(self, question, allowed):
        run(f"{self.ctl} check {question}", r"^allowed$" if allowed else r"^denied$",
            status=(0,) if allowed else (1,))

    def password(self):
        tell("The service \"backoffice\" of PAM (pam.d/backoffice) takes a password, and a code "
             "where one is due. Sue needs none. What is typed stands in brackets.")
        self.login("sue", "sue-demo-password", r"successfully authenticated",
                   r"account management done")
        tell("A wrong password:")
        self.login("sue", "guess", re.escape(REFUSED), status=(1,))

    def login(self, user, password, *patterns, status=(0,), code=None):
        answers = [("Password: ", password)] + ([("Code: ", code)] if code is not None else [])
        return dialogue(f"{self.pam} backoffice {user} authenticate acct_mgmt", answers, *patterns,
                        status=status)

    def totp(self):
        tell("Ada needs a code of her app. The administrator begins (forgetting the app of an "
             "earlier tour), and the URI, as a QR code, goes into the app. Here oathtool is the app.")
        run(f"{self.ctl} code reset ada", r"forgotten")
        uri = run(f"{self.ctl} code enroll ada", r"^otpauth://totp/.*secret=[A-Z2-7]+")
        secret = re.search(r"secret=([A-Z2-7]+)", uri).group(1)
        left = TOTP_STEP_S - time.time() % TOTP_STEP_S
        if left < TOTP_MARGIN_S:
            tell(f"(Waiting {left:.0f} seconds for the next code, so that none changes midway.)")
            time.sleep(left + 0.1)
        tell("The code of the step before the present one confirms the app:")
        before = run(f"oathtool --totp --base32 --now '{TOTP_STEP_S} seconds ago' {secret}",
                     r"^\d{6}$").strip()
        run(f"{self.ctl} code confirm ada", r"confirmed", text=f"{before}\n")
        tell("Ada logs in with her password and the present code:")
        code = run(f"oathtool --totp --base32 {secret}", r"^\d{6}$").strip()
        self.login("ada", "ada-demo-password", r"successfully authenticated",
                   r"account management done", code=code)
        tell("The same code a second time:")
        self.login("ada", "ada-demo-password", re.escape(REFUSED), status=(1,), code=code)

    def mails(self):
        return {name for name in os.listdir(self.state.path("mail")) if name.endswith(".eml")}

    def mailed_code(self, known, seen):
        """Called at the prompt: shows the new mail, and gives the code in it."""
        if TOO_SOON in seen:
            raise TooSoon(TOO_SOON)
        poll("no mail came", lambda: self.mails() - known)
        name = self.state.typed(f"mail/{max(self.mails() - known)}")
        tell("Meanwhile a mail has come:")
        mail = run(f"cat {name}", r"^X-Sink-To: ben@example\.org", r"^Subject: ", r"\b\d{6}\b")
        say()
        return re.search(r"\b(\d{6})\b", mail[mail.index("Subject: "):]).group(1)

    def mail_wait(self):
        """After a tour that was interrupted while a code was under way."""
        ages = [time.time() - os.stat(self.state.path(f"mail/{name}")).st_mtime
                for name in self.mails()]
        wait = max(CODE_INTERVAL_S + 1 - min(ages, default=0), 0)
        tell(f"(A code was sent to Ben less than a minute ago; waiting {wait:.0f} seconds.)")
        time.sleep(wait)

    def mail(self):
        tell("Ben gets his code by mail, in his language where there is a template for it. A mail "
             "server takes it, and keeps it in a folder.")
        for attempt in range(2):
            known = self.mails()
            try:
                self.login("ben", "ben-demo-password", r"A code was sent to b",
                           r"successfully authenticated", r"account management done",
                           code=lambda seen, known=known: self.mailed_code(known, seen))
                return
            except TooSoon:
                if attempt == 1:
                    raise
                self.mail_wait()

    def pin(self):
        tell("Pat sells at a terminal, by PIN. The administrator sets it:")
        run(f"echo {PIN} | {self.ctl} pin set acme pat", r"PIN is set")
        say()
        self.pin_login(PIN, r"successfully authenticated", r"account management done")

    def pin_login(self, pin, *patterns, status=(0,)):
        return dialogue(f"{self.pam} terminal pat authenticate acct_mgmt", [("PIN: ", pin)],
                        *patterns, status=status)

    def lockout(self):
        tell(f"After {PIN_LIMIT} wrong PINs nothing is tried any more, and the text does not tell.")
        wrong = [self.pin_login(PIN_WRONG, re.escape(REFUSED), status=(1,))
                 for _ in range(PIN_LIMIT)]
        tell("Now the right one:")
        right = self.pin_login(PIN, re.escape(REFUSED), status=(1,))
        if set(wrong) != {right}:
            raise Unexpected("the right PIN of a locked person gets another text than a wrong one")
        tell("The administrator unlocks, and the right PIN works again:")
        run(f"{self.ctl} unlock pat acme", r"unlocked")
        self.pin_login(PIN, r"successfully authenticated", r"account management done")

    def change(self):
        tell("The role of acme's support gets a permission, at the store, with plain LDAP tools. "
             "The gateway follows the store.")
        run(f"{self.ctl} check acme sue tickets:delete", r"^denied$", status=(1,))
        took = self.timed_change("add", "allowed")
        run(f"{self.ctl} check acme sue tickets:delete", r"^allowed$")
        tell(f"The answer was new {took} ms after ldapmodify had ended. And back:")
        took = self.timed_change("delete", "denied")
        run(f"{self.ctl} check acme sue tickets:delete", r"^denied$", status=(1,))
        tell(f"The answer was new {took} ms after ldapmodify had ended. (This counts the start of "
             "usherctl, too.)")

    def timed_change(self, verb, words):
        run(f"ldapmodify {self.store}", r"^modifying entry", text=self.role_change(verb))
        took = poll("the gateway gives the old answer", lambda: self.allowed(words))
        return f"{took * 1000:.1f}"

    def crash(self):
        tell("The gateway is killed. It is started again while the store is held still, so that "
             "only the table that it had published before can have answered.")
        os.kill(self.servers.pid("store"), signal.SIGSTOP)
        try:
            run(f"kill -KILL {self.servers.pid('gateway')}")
            self.servers.gone("gateway")
            run(f"{self.ctl} check acme sue tickets:read", r"nobody answers", status=(2,))
            start = time.monotonic()
            self.servers.start_gateway()
            say("  $ usherd --config usher.conf &")
            poll("the gateway gives no answer", lambda: self.allowed("denied"))
            took = time.monotonic() - start
            run(f"{self.ctl} check acme sue tickets:read", r"^allowed$")
            run(f"{self.ctl} check acme sue tickets:delete", r"^denied$", status=(1,))
            self.status("cache (filled|age)", r"cache filled +yes")
        finally:
            os.kill(self.servers.pid("store"), signal.SIGCONT)
        tell(f"From exec to the first answer: {took * 1000:.1f} ms (with the start of setpriv and "
             "usherctl). The store goes on:")
        poll("the gateway does not follow the store", self.connected)
        self.status("store connected|cache age", r"store connected +yes")

    def status(self, what, *patterns):
        return run(f"{self.ctl} status | grep -E '{what}'", *patterns)

    def connected(self):
        """Follows the store and has caught up: only then is the cache proven fresh again."""
        status = quiet(f"{self.ctl} status")[1]
        age = re.search(r"cache age +([0-9.]+) s$", status, re.MULTILINE)
        return (re.search(r"store connected +yes", status) is not None and age is not None
                and float(age.group(1)) < 1)

    def without_store(self):
        tell("Now it is the store.")
        run(f"kill -KILL {self.servers.pid('store')}")
        self.servers.gone("store")
        poll("the gateway has not noticed", lambda: not self.connected())
        time.sleep(1)
        tell("Permissions are answered all the same, and usherctl says how old they are:")
        run(f"{self.ctl} check acme sue tickets:read", r"^allowed$")
        run(f"{self.ctl} check acme sue tickets:delete", r"^denied$", status=(1,))
        age = self.status("store connected|cache age", r"store connected +no",
                          r"cache age +[0-9.]+ s")
        if float(re.search(r"cache age +([0-9.]+) s", age).group(1)) < 0.5:
            raise Unexpected("the age does not grow")
        tell("Logins need the store, and say so (the line with SYSLOG is for the system's log):")
        self.login("sue", "sue-demo-password", re.escape(UNAVAILABLE), status=(1,))
        tell("The store is started again:")
        self.store_back()

    def store_back(self):
        start = time.monotonic()
        self.servers.start_store()
        say("  $ usher-directory run --directory store &")
        ask = f"printf 'sue-demo-password\\n' | {self.pam} backoffice sue authenticate"
        poll("logins do not come back", lambda: quiet(ask)[0] == 0)
        poll("the gateway does not follow the store", self.connected)
        took = time.monotonic() - start
        self.login("sue", "sue-demo-password", r"successfully authenticated",
                   r"account management done")
        run(f"{self.ctl} check acme sue tickets:read", r"^allowed$")
        self.status("store connected|cache age", r"store connected +yes")
        tell(f"All as before {took:.1f} seconds after its start.")

    def take(self):
        """All steps; the numbers of those that went wrong."""
        steps = Steps()
        self.tidy()
        steps.step("A question: may Sue do that?", self.questions)
        steps.step("One question of each vendor's model, and an explanation", self.models)
        steps.step("A login with a password, through PAM", self.password)
        steps.step("A login with a password and the code of an app (TOTP)", self.totp)
        steps.step("A login with a password and a mailed code", self.mail)
        steps.step("A login with a PIN at a terminal", self.pin)
        steps.step("Wrong PINs, up to the limit", self.lockout)
        steps.step("A role changes, and so does the answer", self.change)
        steps.step("The gateway is killed, and answers again at once", self.crash)
        steps.step("The store is killed, and comes back", self.without_store)
        return steps
