#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Rate limits: codes for each person, peer and address, logins for each address; unknown names are
counted like known ones, and who may not ask takes nothing from anybody."""
import os
import time
import unittest

import raw_ldap as raw
from gateway import Gateway, STRANGER, person
from people import add_person, password

TOO_MANY = "Too many codes were asked for. Please try again later."
TOO_SOON = "A code was asked for less than a minute ago."
TURNS = 5
gateway = None


def setUpModule():
    global gateway
    gateway = Gateway({"limits.challenges_person": 3})
    gateway.start_mail()
    gateway.__enter__()


def tearDownModule():
    gateway.stop()


class Limits(unittest.TestCase):
    def limited(self, case, **rates):
        """Runs the case under these rates (a minute). What it expects holds while none of them comes back,
        a few seconds: a failure later than that is the machine's, and the case runs again, with other
        names (turn is a part of them) and afresh."""
        names = "challenges_person", "challenges_peer", "challenges_address", "logins_address"
        for turn in range(TURNS):
            gateway.restart_daemon(**{"limits." + name: rates.get(name, 0) for name in names})
            start = time.monotonic()
            try:
                return case("-%d" % turn)
            except AssertionError:
                if time.monotonic() - start < 60 / max(rates.values()) / 2 or turn == TURNS - 1:
                    raise

    def texts(self, link, names):
        answers = [link.ask(raw.challenge(name, language="en")) for name in names]
        return [(answer.code, answer.text) for answer in answers]

    def test_each_person_and_nobody(self):
        """Known and unknown, the answers are the same, one after the other."""
        def case(turn):
            add_person(gateway, "p1" + turn, usherSecondFactor="email")
            add_person(gateway, "p2" + turn, usherSecondFactor="email", usherActive="FALSE")
            expected = [(0, ""), (raw.BUSY, TOO_SOON), (raw.BUSY, TOO_SOON), (raw.BUSY, TOO_MANY),
                        (raw.BUSY, TOO_MANY)]
            with gateway.local() as link:
                for name in ("p1" + turn, "p2" + turn, "nobody" + turn, "nobody%s@example.net" % turn):
                    self.assertEqual(self.texts(link, [name] * 5), expected, name)
                # whatever name is given, it is one person
                self.assertEqual(self.texts(link, ["P1" + turn, "p1%s@example.org" % turn, person("p1" + turn),
                                                   "NOBODY" + turn]), [(raw.BUSY, TOO_MANY)] * 4)
                self.assertEqual(self.texts(link, ["nobody-else" + turn]), [(0, "")])
            self.assertEqual(gateway.monitor()["usherLimited"], "18")

        self.limited(case, challenges_person=3)

    def test_each_peer(self):
        def case(turn):
            names = ["x%d%s" % (i, turn) for i in range(6)]
            with gateway.local() as link, gateway.backoffice() as service:
                for peer in (link, service):
                    self.assertEqual(self.texts(peer, names), [(0, "")] * 4 + [(raw.BUSY, TOO_MANY)] * 2)
                    names = [name + "-" for name in names]

        self.limited(case, challenges_peer=4)

    def test_each_address(self):
        def case(turn):
            with gateway.backoffice() as service, gateway.local() as link:
                self.assertEqual(self.texts(service, ["y%d%s" % (i, turn) for i in (1, 2, 3)]),
                                 [(0, "")] * 2 + [(raw.BUSY, TOO_MANY)])
                self.assertEqual(self.texts(link, ["y%d%s" % (i, turn) for i in (4, 5, 6)]),
                                 [(0, "")] * 3)  # comes from none

        self.limited(case, challenges_address=2)

    @unittest.skipUnless(os.geteuid() == 0, "needs another uid")
    def test_a_stranger_takes_nothing(self):
        def case(turn):
            name = "p3" + turn
            add_person(gateway, name, usherSecondFactor="email")
            with gateway.as_uid(STRANGER) as stranger, gateway.local() as link:
                for _ in range(5):
                    self.assertEqual(stranger.ask(raw.challenge(name)).code, raw.NO_ACCESS)
                self.assertEqual(self.texts(link, [name] * 2), [(0, ""), (raw.BUSY, TOO_MANY)])

        self.limited(case, challenges_person=1)

    def test_logins_of_an_address(self):
        def case(turn):
            name, nobody = "p4" + turn, "nobody-3" + turn
            add_person(gateway, name)
            with gateway.backoffice() as service:  # one of the five
                codes = []
                for tried, secret in ((name, password(name)), (name, "wrong"), (nobody, "wrong"),
                                      (name, password(name)), (name, password(name)), (nobody, "wrong")):
                    with gateway.ldap() as link:
                        answer = link.ask(raw.bind(tried, secret))
                        codes.append(answer.code)
                self.assertEqual(codes, [0, raw.WRONG, raw.WRONG, 0, raw.BUSY, raw.BUSY])
                self.assertEqual(answer.text, "too many logins from this address, try again later")
                self.assertEqual(gateway.failures(name, "password@net")[0], 0)
                for _ in range(6):  # neither the bound service nor a local peer is counted
                    self.assertEqual(service.ask(raw.verify(name, raw.PASSWORD, password(name))).code, 0)
                    with gateway.local() as link:
                        self.assertEqual(link.ask(raw.verify(name, raw.PASSWORD, password(name))).code, 0)
                with gateway.ldap() as link:  # and the connection that was refused goes on
                    self.assertEqual(link.ask(raw.bind(name, password(name))).code, raw.BUSY)
                    self.assertEqual(link.ask(raw.search("", 0)).op, raw.ENTRY)

        self.limited(case, logins_address=5)


if __name__ == "__main__":
    unittest.main()
