#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# PINs wait for the one thread that hashes, at a high cost: nobody else waits with them, no more are
# taken than the queue is long, and what is given up on the way, by the client or by the end of the daemon,
# is not counted as an attempt.
import re
import subprocess
import unittest

import raw_ldap as raw
from gateway import Gateway, until
from people import add_person, password

COUNT = 8
QUEUE = 16  # the shortest
TRIES = 5
PEOPLE = ["hash%d" % i for i in range(COUNT)]
gateway = None


def setUpModule():
    global gateway
    gateway = Gateway({"threads.hashing": 1, "login.pin_cost": 16, "limits.queue": QUEUE, "login.limit": 100})
    gateway.options["metrics.listen"] = gateway.path("run/metrics")
    gateway.__enter__()
    for uid in PEOPLE:
        add_person(gateway, uid)
        gateway.pin("acme", uid, "4711")


def tearDownModule():
    gateway.stop()


def jobs(pool):
    text = subprocess.run(["curl", "-sS", "-m", "60", "--unix-socket", gateway.path("run/metrics"),
                           "http://x/metrics"], capture_output=True, text=True, check=True).stdout
    return int(re.search(r"^usher_%s_jobs (\d+)$" % pool, text, re.MULTILINE).group(1))


def counted():
    return [gateway.failures(uid, "pin/acme")[0] for uid in PEOPLE]


class Hashing(unittest.TestCase):
    def links(self, count):
        made = [gateway.local(120) for _ in range(count)]
        for link in made:
            self.addCleanup(link.close)
        return made

    def post(self, pin, count=COUNT):
        """Logins of all with this PIN, over and over."""
        links = self.links(count)
        for i, link in enumerate(links):
            link.post(raw.verify(PEOPLE[i % COUNT], raw.PIN, pin, "acme"))
        return links

    def met(self, scenario):
        """On a machine that stands still at the wrong moment a scenario does not come about."""
        for _ in range(TRIES):
            until("all is done", lambda: jobs("hash") == 0 and jobs("store") == 0)
            for uid in PEOPLE:
                gateway.ctl("unlock", uid)
            if scenario():
                return
        self.fail("not once in %d tries" % TRIES)

    def test_no_more_are_taken_than_may_wait(self):
        def scenario():
            codes = [link.receive().code for link in self.post("4711", 3 * QUEUE)]
            self.assertGreaterEqual(codes.count(raw.SUCCESS), QUEUE)
            self.assertEqual(codes.count(raw.SUCCESS) + codes.count(raw.BUSY), 3 * QUEUE)
            self.assertEqual(counted(), [0] * COUNT)
            return raw.BUSY in codes
        self.met(scenario)

    def test_nobody_else_waits(self):
        (other,) = self.links(1)

        def scenario():
            links = self.post("4711")
            found = other.ask(raw.verify(PEOPLE[0], raw.PASSWORD, password(PEOPLE[0]), "acme"))
            self.assertEqual(found.code, raw.SUCCESS)
            hashing = jobs("hash")
            self.assertEqual([link.receive().code for link in links], [raw.SUCCESS] * COUNT)
            return hashing > 1
        self.met(scenario)

    def test_who_has_gone_is_not_hashed_for(self):
        def scenario():
            links = self.post("4712")
            until("the last is under way", lambda: counted()[-1] == 1)
            for link in links:
                link.close()
            until("all is done", lambda: jobs("hash") == 0 and jobs("store") == 0)
            return sum(counted()) < COUNT
        self.met(scenario)

    def test_who_stays_is_counted(self):
        for uid in PEOPLE:
            gateway.ctl("unlock", uid)
        self.assertEqual([link.receive().code for link in self.post("4712")], [raw.WRONG] * COUNT)
        self.assertEqual(counted(), [1] * COUNT)

    def test_a_pin_is_changed_by_its_owner(self):
        """Two PINs are hashed: the old one, then the new one."""
        (link,) = self.links(1)
        gateway.ctl("unlock", PEOPLE[1])
        for old, new, code in (("4712", "815", raw.WRONG), ("4711", "815", raw.SUCCESS),
                               ("4711", "816", raw.WRONG), ("815", "4711", raw.SUCCESS)):
            answer = link.ask(raw.set_pin("acme", PEOPLE[1], new, old))
            self.assertEqual(answer.code, code, (old, new))
            self.assertEqual(counted()[1], int(code == raw.WRONG))

    def test_the_end_in_the_middle(self):
        def scenario():
            links = self.post("4712")
            until("the last is under way", lambda: counted()[-1] == 1)
            gateway.restart_daemon()
            for link in links:
                link.close()
            self.assertEqual(jobs("hash"), 0)
            return sum(counted()) < COUNT
        self.met(scenario)
        found = [link.receive().code for link in self.post("4711")]
        self.assertEqual(found, [raw.SUCCESS] * COUNT)


if __name__ == "__main__":
    unittest.main()
