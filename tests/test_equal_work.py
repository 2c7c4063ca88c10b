#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# What a refusal gives away (DESIGN 6): 300 attempts each on an unknown user, with a wrong secret and on a
# locked person, by password, bind, PIN, code, mailed token and through libpam, turn about in random
# order. All must look alike, and take the same time: the medians lie within 5 %, or, on a machine so busy that some
# come a turn later, the times cannot be told apart by their ranks either. So must codes that are mailed
# to people and to names that nobody has, however long the mail server takes.
#
# The store hashes passwords at little cost here, so that thousands of attempts take half a minute.
# EQUAL_AFTER=0 shows what the work alone takes (login.refuse_after), EQUAL_HASH=real with the store's own
# cost; both assert the looks alone.
import base64
import os
import random
import statistics
import sys
import threading
import time
import unittest
import uuid

import raw_ldap as raw
from gateway import BASE, Gateway, membership, module, person, program, service, until
from mailed import REFUSED_TEXT as TOKEN_TEXT
from people import add_person, enrol, ticket
from test_login import REFUSED_TEXT

AFTER_MS = int(os.environ.get("EQUAL_AFTER", "100"))
REAL_HASH = os.environ.get("EQUAL_HASH") == "real"
SHOW = AFTER_MS == 0 or REAL_HASH
EACH = 300
TURNS = 3
KINDS = ("unknown", "wrong", "locked")
MAILED = ("unknown", "known")
SLOW_MS = 130               # what the mail server takes for each mail: longer than a refusal
MAIL_LANES = 4              # as many as codes are mailed at a time
LIMIT = 1000                # more than anybody tries here
LANES = 2 if SHOW else 12  # clients of one way at once
AT_A_TIME = 4              # logins of each kind in one moment through libpam
gateway = None


class CheapStore(Gateway):
    """Passwords are hashed at the least cost."""

    def start_store(self):
        self.store_conf("m=19456 t=3 p=1", "m=64 t=1 p=1")
        super().start_store()
        self.modify(service("decoy"), userPassword="what-nobody-tries")


def setUpModule():
    global gateway
    options = {"login.limit": LIMIT, "login.refuse_after": AFTER_MS,
               "limits.challenges_peer": 0}
    try:
        import aiosmtpd  # noqa: F401
    except ImportError:
        sys.exit(77)
    gateway = (Gateway if REAL_HASH else CheapStore)(options)
    gateway.start_mail("--slow=%d" % SLOW_MS)
    gateway.__enter__()


def tearDownModule():
    gateway.stop()


def lock(uid, key):
    """The record of somebody who failed too often just now."""
    now = int(time.time() * 1000)
    owner = gateway.entry(person(uid))["usherid"][0].lower()
    gateway.change("dn: cn=%s,ou=ledger,%s\nobjectClass: usherLedger\ncn: %s\nusherFailure: %s %d %d %d\n"
                   % (owner, BASE, owner, key, LIMIT, now, now + 3600000))


def told_apart(one, other):
    """The statistic of Mann, Whitney and Wilcoxon in standard deviations, with ties."""
    ranked, ranks, at = sorted(one + other), {}, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end] == ranked[at]:
            end += 1
        ranks[ranked[at]] = (at + 1 + end) / 2
        at = end
    n, m = len(one), len(other)
    rank_sum = sum(ranks[value] for value in one)
    return abs(rank_sum - n * (n + m + 1) / 2) / (n * m * (n + m + 1) / 12) ** 0.5


class Lane(threading.Thread):
    """One client that tries the kinds turn about. makers: kind -> operation, or one for each turn."""

    def __init__(self, link, makers, turns):
        super().__init__()
        self.link, self.makers, self.turns = link, makers, turns
        self.times, self.looks = {kind: [] for kind in makers}, {kind: set() for kind in makers}
        self.failed = None

    def run(self):
        try:
            for turn in range(self.turns):
                for kind in random.sample(sorted(self.makers), len(self.makers)):
                    operation = self.makers[kind]
                    if isinstance(operation, list):
                        operation = operation[turn]
                    start = time.perf_counter()
                    answer = self.link.ask(operation)
                    self.times[kind].append(time.perf_counter() - start)
                    self.looks[kind].add((answer.code, answer.text, answer.value))
        except Exception as error:
            self.failed = error


class EqualWork(unittest.TestCase):
    def people(self, name, key, count=LANES, **attributes):
        """Pairs of uids: one that will be tried, one that is locked."""
        pairs = []
        for i in range(count):
            uids = ["%s-%s-%d" % (name, kind, i) for kind in KINDS[1:]]
            for uid in uids:
                add_person(gateway, uid, **attributes)
            lock(uids[1], key)
            pairs.append(uids)
        return pairs

    def measure(self, name, connect, makers, looks):
        """Runs a lane for each of the makers and compares what they saw. What tells the kinds apart does so
        each time; a busy machine, which answers one kind later than another by chance, not three times.
        Returns how many times it took."""
        for turn in range(TURNS):
            apart = self.compare(name, self.times(connect, makers, looks))
            if not apart:
                return turn + 1
        raise AssertionError("told apart %d times: %s" % (TURNS, apart))

    def times(self, connect, makers, looks):
        """{kind: [seconds]}; every refusal must look as it should."""
        links = [connect() for _ in makers]
        lanes = [Lane(link, maker, EACH // len(makers)) for link, maker in zip(links, makers)]
        for lane in lanes:
            lane.start()
        for lane, link in zip(lanes, links):
            lane.join()
            link.close()
            self.assertIsNone(lane.failed)
            self.assertEqual(lane.looks, {kind: {looks} for kind in lane.makers})
        return {kind: [t for lane in lanes for t in lane.times[kind]] for kind in makers[0]}

    def compare(self, name, times):
        """What tells the kinds apart; None when nothing does."""
        medians = {kind: statistics.median(values) for kind, values in times.items()}
        print("%s: %s" % (name, ", ".join("%s %.2f ms (n %d)" % (kind, medians[kind] * 1e3, len(times[kind]))
                                          for kind in times)))
        self.assertEqual({len(values) for values in times.values()}, {EACH})
        found = None
        for kind in times if not SHOW else ():
            self.assertGreaterEqual(min(times[kind]), AFTER_MS / 1000)
            for other in times:
                alike = abs(medians[kind] - medians[other]) <= 0.05 * medians[other]
                apart = told_apart(times[kind], times[other])  # about 1 in 20,000 above 4 by chance
                if not alike and apart >= 4:
                    found = (name, kind, other, medians, apart)
        return found

    def refused(self, operation):
        """What the refusals must look like: that of a name nobody has."""
        with gateway.local() as link:
            answer = link.ask(operation)
            self.assertEqual((answer.code, answer.text), (raw.WRONG, REFUSED_TEXT))
            return answer.code, answer.text, answer.value

    def test_ranks(self):
        """The statistic itself: what it must and must not tell apart."""
        near = [1 + i / 1000 for i in range(300)]
        self.assertLess(told_apart(near, near), 0.001)
        self.assertGreater(told_apart(near, [value + 0.2 for value in near]), 10)
        self.assertLess(told_apart([1, 2] * 150, [2, 1] * 150), 0.001)
        self.assertGreater(told_apart([1] * 300, [2] * 300), 15)

    def test_password(self):
        makers = [{"unknown": raw.verify("nobody-p%d" % i, raw.PASSWORD, "wrong"),
                   "wrong": raw.verify(tried, raw.PASSWORD, "wrong"),
                   "locked": raw.verify(locked, raw.PASSWORD, "wrong")}
                  for i, (tried, locked) in enumerate(self.people("p", "password@local"))]
        turns = self.measure("password", gateway.local, makers, self.refused(makers[0]["unknown"]))
        self.assertEqual(gateway.failures("p-wrong-0", "password@local")[0], turns * EACH // LANES)
        self.assertEqual(gateway.failures("p-locked-0", "password@local")[0], LIMIT)

    def test_bind(self):
        makers = [{"unknown": raw.bind("nobody-b%d" % i, "wrong"), "wrong": raw.bind(tried, "wrong"),
                   "locked": raw.bind(locked, "wrong")}
                  for i, (tried, locked) in enumerate(self.people("b", "password@net"))]
        self.measure("bind", gateway.ldap, makers, self.refused(makers[0]["unknown"]))

    def pins(self, name, count=LANES):
        pairs = self.people(name, "pin/acme", count)
        for uid in (uid for pair in pairs for uid in pair):
            gateway.pin("acme", uid, "4711")
        return pairs

    def test_pin(self):
        makers = [{"unknown": raw.verify("nobody-n%d" % i, raw.PIN, "1111", "acme"),
                   "wrong": raw.verify(tried, raw.PIN, "1111", "acme"),
                   "locked": raw.verify(locked, raw.PIN, "4711", "acme")}
                  for i, (tried, locked) in enumerate(self.pins("n"))]
        self.measure("PIN", gateway.local, makers, self.refused(makers[0]["unknown"]))

    def test_code(self):
        makers = []
        with gateway.local() as link:
            for i, (tried, locked) in enumerate(self.people("c", "code")):
                held = []
                for uid in (tried, locked):
                    key = [value for value in gateway.ledger(uid) if value.startswith("code ")]
                    gateway.ctl("unlock", uid)
                    enrol(gateway, uid)
                    held.append(ticket(link, uid))
                    if key:
                        self.lock_again(uid, key[0])
                makers.append({"unknown": raw.verify("nobody-c%d" % i, raw.CODE, "no code", ticket=held[0]),
                               "wrong": raw.verify(tried, raw.CODE, "no code", ticket=held[0]),
                               "locked": raw.verify(locked, raw.CODE, "no code", ticket=held[1])})
        self.measure("code", gateway.local, makers, self.refused(makers[0]["unknown"]))

    def token(self, usher_id):
        """A mailed token of this person that was never made."""
        return base64.b32encode(uuid.UUID(usher_id).bytes + os.urandom(16)).decode().rstrip("=").lower()

    def test_redemption(self):
        makers = []
        for tried, locked in self.people("t", "token"):
            owners = [str(uuid.uuid4())] + [gateway.entry(person(uid))["usherid"][0] for uid in (tried, locked)]
            makers.append({kind: raw.redeem(self.token(owner), "a-new-password-of-mine")
                           for kind, owner in zip(KINDS, owners)})
        with gateway.local() as link:
            looks = link.ask(makers[0]["unknown"])
        self.assertEqual((looks.code, looks.text), (raw.WRONG, TOKEN_TEXT))
        turns = self.measure("redemption", gateway.local, makers, (looks.code, looks.text, looks.value))
        self.assertEqual(gateway.failures("t-wrong-0", "token")[0], turns * EACH // LANES)
        self.assertEqual(gateway.failures("t-locked-0", "token")[0], LIMIT)

    def lock_again(self, uid, record):
        owner = gateway.entry(person(uid))["usherid"][0].lower()
        gateway.modify("cn=%s,ou=ledger,%s" % (owner, BASE), usherFailure=record)

    def test_mailed_codes(self):
        """To whom a code is sent takes as long as to nobody, though one more mail is taken."""
        apart = True
        for turn in range(TURNS):
            makers = [self.challenges("c%d%d" % (turn, i), EACH // MAIL_LANES) for i in range(MAIL_LANES)]
            with gateway.local() as link:
                add_person(gateway, "c-first%d" % turn, usherSecondFactor="email")
                first = link.ask(raw.challenge("c-first%d" % turn))  # the server has taken one before
            self.assertEqual(first.code, raw.SUCCESS)
            apart = self.compare("mailed code", self.times(gateway.local, makers,
                                                           (first.code, first.text, first.value)))
            self.assertEqual(len(gateway.mails()), (EACH + 1) * (turn + 1))
            if not apart:
                break
        self.assertIsNone(apart)

    def challenges(self, letters, count):
        people = ["%s-%d" % (letters, i) for i in range(count)]
        for uid in people:
            add_person(gateway, uid, (), usherSecondFactor="email")
        return dict(zip(MAILED, ([raw.challenge(uid + "-nobody") for uid in people],
                                 [raw.challenge(uid) for uid in people])))

    def test_pam(self):
        pairs = self.pins("m", AT_A_TIME)
        os.mkdir(gateway.path("pam.d"))
        line = "%s required " + module("pam_usher_pin.so") + " org=acme timeout=60 socket=" + gateway.ldapi
        gateway.write("pam.d/till", "\n".join(line % kind for kind in ("auth", "account")) + "\n")
        apart = [self.compare("PIN through libpam", self.pam_times(pairs))]
        while apart[-1] and len(apart) < TURNS:
            apart.append(self.compare("PIN through libpam", self.pam_times(pairs)))
        self.assertIsNone(apart[-1])

    def pam_times(self, pairs):
        times, said = {kind: [] for kind in KINDS}, {kind: set() for kind in KINDS}
        for _ in range(EACH // AT_A_TIME):
            users = {"nobody-m%d" % i: "unknown" for i in range(AT_A_TIME)}
            for tried, locked in pairs:
                users.update({tried: "wrong", locked: "locked"})
            order = random.sample(sorted(users), len(users))
            text = gateway.run(program("tests/pin_logins"), gateway.path("pam.d"), "till",
                               text="".join("%s 1111\n" % uid for uid in order)).stdout
            for uid, first, second, us in map(str.split, text.splitlines()):
                times[users[uid]].append(int(us) / 1e6)
                said[users[uid]].add((first, second))
        self.assertEqual(said, {kind: {("7", "7")} for kind in KINDS})  # PAM_AUTH_ERR
        return times


class HeldBack(unittest.TestCase):
    """A refusal that waits for its time holds up nothing and nobody, and goes with its connection or
    with usherd."""

    MANY = 60

    def tried(self):
        """Attempts by PIN on names that nobody has."""
        gateway.directory.search("ou=ledger," + BASE, "(cn=unknown-*)", attributes=["usherFailure"])
        return sum(int(value.split(" ")[1]) for entry in gateway.directory.entries
                   for value in entry.usherFailure.values if value.startswith("pin "))

    def test_others_are_answered(self):
        add_person(gateway, "held")
        gateway.caught_up()
        gateway.restart_daemon(**{"login.refuse_after": 10000, "store.connections": 2, "threads.loops": 1})
        link, gone = gateway.local(), gateway.local()
        for i in range(self.MANY):
            for one in (link, gone):
                one.post(raw.verify("nobody-h%d" % i, raw.PIN, "1111", "acme"))
        answer = link.ask(raw.verify("held", raw.PASSWORD, "held-demo-password"))
        self.assertEqual(answer.code, raw.SUCCESS)  # before any of the others, on the same connection
        self.assertEqual(link.ask(raw.compare(membership("held"), "tickets:read")).code, raw.COMPARE_FALSE)
        gone.close()
        found = [link.receive() for _ in range(self.MANY)]
        self.assertEqual({(one.code, one.text) for one in found}, {(raw.WRONG, REFUSED_TEXT)})
        before = self.tried()
        link.post(raw.verify("nobody-at-the-end", raw.PIN, "1111", "acme"))
        until("one more is tried", lambda: self.tried() == before + 1)
        self.assertEqual(gateway.end_daemon(), 0)
        link.close()


if __name__ == "__main__":
    unittest.main()
