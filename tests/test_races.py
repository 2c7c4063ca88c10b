#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Logins at the same moment: fifty people by PIN through libpam with threads; thirty wrong PINs and the
# right one on one person; one code of an app from eight connections. The ledger must come out exact.
import os
import threading
import time
import unittest

import raw_ldap as raw
from gateway import BUILD, Gateway, membership, module, program
from people import add_person, code, enrol, ticket

LIMIT = 5
LOCK_MS = 600000
PAM = {"success": 0, "auth_err": 7}
gateway = None


def setUpModule():
    global gateway
    gateway = Gateway({"login.limit": LIMIT, "login.lock_first": LOCK_MS // 1000}).__enter__()


def tearDownModule():
    gateway.stop()


class Watch:
    """Reads one person's failure record again and again while something happens."""

    def __init__(self, uid, key):
        self.uid, self.key, self.seen, self.done = uid, key, [], threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *what):
        self.done.set()
        self.thread.join()

    def run(self):
        while not self.done.is_set():
            self.seen.append(gateway.failures(self.uid, self.key))


class Case(unittest.TestCase):
    def links(self, count):
        made = [gateway.local() for _ in range(count)]
        for link in made:
            self.addCleanup(link.close)
        return made


class FiftyPeople(Case):
    COUNT = 50

    def setUp(self):
        self.pins = {"many%02d" % i: "%04d" % (4000 + i) for i in range(self.COUNT)}
        for uid, pin in self.pins.items():
            add_person(gateway, uid)
            gateway.pin("acme", uid, pin)
        gateway.caught_up()
        os.makedirs(gateway.path("pam.d"), exist_ok=True)
        line = "%s required " + module("pam_usher_pin.so") + " org=acme timeout=60 socket=" + gateway.ldapi
        gateway.write("pam.d/till", "\n".join(line % kind for kind in ("auth", "account")) + "\n")

    def login(self, pins):
        lines = "".join("%s %s\n" % pair for pair in pins.items())
        text = gateway.run(program("tests/pin_logins"), gateway.path("pam.d"), "till", text=lines).stdout
        return {user: (int(first), int(second)) for user, first, second, _ in map(str.split, text.splitlines())}

    def test_all_at_once(self):
        start = time.monotonic()
        self.assertEqual(self.login(self.pins), {uid: (0, 0) for uid in self.pins})
        print("fifty logins in %.2f s" % (time.monotonic() - start))
        for uid in self.pins:
            self.assertEqual(gateway.ledger(uid), [])

    def test_every_third_is_wrong(self):
        """Nobody gets another one's answer."""
        wrong = {uid for i, uid in enumerate(self.pins) if i % 3 == 0}
        found = self.login({uid: "9999" if uid in wrong else pin for uid, pin in self.pins.items()})
        refused = PAM["auth_err"], PAM["auth_err"]
        self.assertEqual(found, {uid: refused if uid in wrong else (0, 0) for uid in self.pins})
        for uid in self.pins:
            self.assertEqual(gateway.failures(uid, "pin/acme")[0], 1 if uid in wrong else 0)

    def tearDown(self):
        for uid in self.pins:
            gateway.directory.delete(membership(uid))
            gateway.directory.delete("uid=%s,ou=people,dc=example,dc=org" % uid)


class OnePerson(Case):
    """Thirty wrong PINs and the right one. However they fall: a success drops the record, and the wrong
    ones that follow it, or the first ones without it, fill it to the limit, whose reservation carries
    the lock; nothing is checked or counted after that. So the record shows exactly the limit."""

    def race(self, uid, right_at):
        add_person(gateway, uid)
        gateway.pin("acme", uid, "4711")
        pins = ["%04d" % i for i in range(30)]
        pins.insert(right_at, "4711")
        links = self.links(len(pins))
        with Watch(uid, "pin/acme") as watch:
            for link, pin in zip(links, pins):
                link.post(raw.verify(uid, raw.PIN, pin, "acme"))
            found = raw.answers(links)
        rights = [answer.code == raw.SUCCESS for answer in found]
        self.assertLessEqual(sum(rights), 1)
        self.assertFalse(any(right for right, pin in zip(rights, pins) if pin != "4711"))
        self.assertEqual({answer.code for answer in found} - {raw.SUCCESS}, {raw.WRONG})
        self.assertEqual(len({answer.text for answer in found if answer.code == raw.WRONG}), 1)
        (value,) = gateway.ledger(uid)
        key, count, last, locked = value.split(" ")
        self.assertEqual((key, int(count), int(locked) - int(last)), ("pin/acme", LIMIT, LOCK_MS))
        self.check_tried(watch.seen, sum(rights))
        with self.links(1)[0] as link:
            answer = link.ask(raw.verify(uid, raw.PIN, "4711", "acme"))
            self.assertEqual((answer.code, answer.text), (raw.WRONG, found[-1].text
                                                          if not rights[-1] else answer.text))
            self.assertEqual(gateway.ledger(uid), [value])
            gateway.ctl("unlock", uid, "acme")
            self.assertEqual(link.ask(raw.verify(uid, raw.PIN, "4711", "acme")).code, raw.SUCCESS)
        return sum(rights)

    def check_tried(self, seen, successes):
        """What was reserved, as the ledger showed it: never beyond the limit; below a lock it falls
        only with the success, or where a connection that came first has given nothing back."""
        counts = [count for count, _ in seen]
        self.assertLessEqual(max(counts), LIMIT)
        falls = sum(1 for before, after in zip(counts, counts[1:]) if after < before)
        self.assertLessEqual(falls, successes)
        for count, locked in seen:
            self.assertEqual(locked > 0, count == LIMIT)

    def test_thirty_wrong_and_one_right(self):
        came_in = {right_at: self.race("one%02d" % right_at, right_at) for right_at in (0, 3, 15, 30)}
        print("right PIN at place: let in", came_in)

    def test_wrong_ones_alone_then_right_ones_alone(self):
        uid = "one-by-one"
        add_person(gateway, uid)
        gateway.pin("acme", uid, "4711")
        links = self.links(20)
        for link in links:
            link.post(raw.verify(uid, raw.PIN, "4711", "acme"))
        self.assertEqual({answer.code for answer in raw.answers(links)}, {raw.SUCCESS})
        self.assertEqual(gateway.ledger(uid), [])
        for link in links:
            link.post(raw.verify(uid, raw.PIN, "1111", "acme"))
        self.assertEqual({answer.code for answer in raw.answers(links)}, {raw.WRONG})
        self.assertEqual(gateway.failures(uid, "pin/acme")[0], LIMIT)


class OneCode(Case):
    def test_replayed_from_eight_connections(self):
        add_person(gateway, "replay")
        secret, step = enrol(gateway, "replay")
        for instant in (step, step + 1):
            links = self.links(8)
            held = [ticket(link, "replay") for link in links]
            for link, one in zip(links, held):
                link.post(raw.verify("replay", raw.CODE, code(secret, instant), ticket=one))
            codes = sorted(answer.code for answer in raw.answers(links))
            self.assertEqual(codes, [raw.SUCCESS] + [raw.WRONG] * 7)
            self.assertEqual(gateway.ledger("replay"), [])  # nothing counted, nobody locked
            self.assertEqual(gateway.ledger("replay", "usherTotpStep"), [str(instant)])

    def test_replayed_in_binds(self):
        add_person(gateway, "rebind")
        secret, step = enrol(gateway, "rebind")
        links = [gateway.ldap() for _ in range(8)]
        for link in links:
            self.addCleanup(link.close)
            link.post(raw.bind("rebind", "rebind-demo-password" + code(secret, step)))
        self.assertEqual(sorted(answer.code for answer in raw.answers(links)), [raw.SUCCESS] + [raw.WRONG] * 7)
        self.assertEqual(gateway.ledger("rebind"), [])


if __name__ == "__main__":
    if not os.path.exists(program("tests/pin_logins")):
        raise SystemExit("tests/pin_logins is not built in %s" % BUILD)
    unittest.main()
