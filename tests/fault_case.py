# SPDX-License-Identifier: BSD-2-Clause
#
# What the tests have in common that put a fault at each request to the store in turn: one gateway behind a relay
# that makes them. MODES=killed,done,late,stalled tries other faults than those of each run. In the end it prints
# how many points there were.
import contextlib
import itertools
import os

import faults
import raw_ldap as raw
from asking import Asking
from gateway import BASE, Gateway, person, until
from people import add_person

LATER = (raw.BUSY, raw.UNAVAILABLE)
NEW = "a-brand-new-password"
KILLS = (faults.KILLED, faults.DONE)  # as AWAY and LOST to the store, but slow: not for each
MODES = os.environ["MODES"].split(",") if "MODES" in os.environ else list(faults.ENDS)
gateway = relay = None
points = {}


class Cheap(Gateway):
    """Whose store hashes passwords in no time."""

    def start_store(self):
        self.store_conf(r"argon2 m=\d+ t=\d+", "argon2 m=8 t=1")
        super().start_store()


@contextlib.contextmanager
def started():
    """There is a gateway meanwhile, in the place of the one before."""
    global gateway, relay
    before = gateway, relay
    gateway = Cheap({"mail.notices": True})
    gateway.start_mail()
    try:
        with faults.Faults(gateway).started() as relay:
            yield
    finally:
        gateway, relay = before
        for name in points:
            print(name, points[name])
        points.clear()


def mails(uid, words=""):
    return [text for text in gateway.mails() if "X-Sink-To: %s@example.org" % uid in text and words in text]


def ledger_dn(uid):
    return "cn=%s,ou=ledger,%s" % (gateway.entry(person(uid))["usherid"][0].lower(), BASE)


class Case(Asking):
    numbers, uid = itertools.count(), None

    def ask(self, operation, open_link=None):
        """The answer, or None when usherd was killed meanwhile."""
        with (open_link or gateway.local)() as link:
            try:
                return link.ask(operation)
            except (raw.Closed, ConnectionError):
                return None

    def admin(self, operation):
        return self.ask(operation, gateway.admin)

    def told(self, outcome):
        """Whether usherd could know what has become of it."""
        return outcome is not None or self.mode in (faults.BEFORE, faults.AFTER)

    def outcome(self, answer):
        if answer is None or answer.code in LATER:
            return None
        return answer.code

    def person(self, **attributes):
        self.uid = "f%d" % next(Case.numbers)
        add_person(gateway, self.uid, **attributes)

    def faulted(self, mode, number, ask):
        slow = mode in (faults.LATE, faults.STALLED)
        if slow:
            gateway.reload_daemon(**{"store.timeout": 1000})
        with relay.at(mode, number) as fault:
            answer = ask()
        if slow:
            gateway.reload_daemon()
        if mode in (faults.KILLED, faults.DONE) and fault.happened:
            gateway.daemon = None
            gateway.start_daemon()
        self.assertTrue(gateway.daemon.poll() is None, "usherd is gone")
        return answer, fault.happened

    def each(self, prepare, ask, check, modes=None):
        """prepare() makes a person in a state, ask(state) is what the fault hits, check(state, outcome) sees to it
        that all is well and tries again; outcome None: later, or no answer."""
        name = self.id().split(".", 1)[1]
        for mode in modes or MODES:
            number, happened = 0, True
            while happened:
                state, self.mode = prepare(), mode
                answer, happened = self.faulted(mode, number, lambda: ask(state))
                with self.subTest(mode=mode, number=number, uid=self.uid, answer=answer):
                    if not happened and mode not in (faults.LATE, faults.STALLED):
                        self.assertIsNotNone(answer)
                        self.assertNotIn(answer.code, LATER)
                    check(state, self.outcome(answer))
                number += 1
            points.setdefault(name, {})[mode] = number - 1

    def notice(self, about, count=1):
        until("a notice", lambda: len(mails(self.uid, about)) >= count)
        self.assertEqual(len(mails(self.uid, about)), count)

    def counted(self, key="password@local"):
        return gateway.failures(self.uid, key)[0]

    def logs_in(self, text):
        return self.ask(raw.verify(self.uid, raw.PASSWORD, text))

    def lets_in(self, operation, open_link=None):
        answer = self.ask(operation, open_link)
        self.assertEqual(answer.code, raw.SUCCESS, answer)
        return answer

    def refuses(self, operation, open_link=None):
        answer = self.ask(operation, open_link)
        self.assertEqual(answer.code, raw.WRONG, answer)
        return answer

    def clean(self):
        self.assertEqual(gateway.ledger(self.uid), [])
