#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Rate limits: codes for each person, peer and address, logins for each address; unknown names are
counted like known ones, and who may not ask takes nothing from anybody."""
import os
import sys
import unittest

import raw_ldap as raw
from gateway import Gateway, STRANGER, person
from people import add_person, password

TOO_MANY = "Too many codes were asked for. Please try again later."
TOO_SOON = "A code was sent less than a minute ago."
gateway = None


def setUpModule():
    global gateway
    try:
        import aiosmtpd  # noqa: F401
    except ImportError:
        sys.exit(77)
    gateway = Gateway({"limits.challenges_person": 3})
    gateway.start_mail()
    gateway.__enter__()


def tearDownModule():
    gateway.stop()


class Limits(unittest.TestCase):
    def limits(self, **rates):
        names = "challenges_person", "challenges_peer", "challenges_address", "logins_address"
        gateway.restart_daemon(**{"limits." + name: rates.get(name, 0) for name in names})

    def texts(self, link, names):
        answers = [link.ask(raw.challenge(name, language="en")) for name in names]
        return [(answer.code, answer.text) for answer in answers]

    def test_each_person_and_nobody(self):
        """Known and unknown, the answers are the same, one after the other."""
        self.limits(challenges_person=3)
        add_person(gateway, "p1", usherSecondFactor="email")
        add_person(gateway, "p2", usherSecondFactor="email", usherActive="FALSE")
        expected = [(0, ""), (raw.BUSY, TOO_SOON), (raw.BUSY, TOO_SOON), (raw.BUSY, TOO_MANY),
                    (raw.BUSY, TOO_MANY)]
        with gateway.local() as link:
            for name in ("p1", "p2", "nobody-1", "nobody@example.net"):
                self.assertEqual(self.texts(link, [name] * 5), expected, name)
            # whatever name is given, it is one person
            self.assertEqual(self.texts(link, ["P1", "p1@example.org", person("p1"), "NOBODY-1"]),
                             [(raw.BUSY, TOO_MANY)] * 4)
            self.assertEqual(self.texts(link, ["nobody-2"]), [(0, "")])
        self.assertEqual(gateway.monitor()["usherLimited"], "18")

    def test_each_peer(self):
        self.limits(challenges_peer=4)
        names = ["x%d" % i for i in range(8)]
        with gateway.local() as link, gateway.backoffice() as service:
            for peer in (link, service):
                self.assertEqual(self.texts(peer, names[:6]),
                                 [(0, "")] * 4 + [(raw.BUSY, TOO_MANY)] * 2)
                names = [name + "-" for name in names]

    def test_each_address(self):
        self.limits(challenges_address=2)
        with gateway.backoffice() as service, gateway.local() as link:
            self.assertEqual(self.texts(service, ["y1", "y2", "y3"]), [(0, "")] * 2 + [(raw.BUSY, TOO_MANY)])
            self.assertEqual(self.texts(link, ["y4", "y5", "y6"]), [(0, "")] * 3)  # comes from none

    @unittest.skipUnless(os.geteuid() == 0, "needs another uid")
    def test_a_stranger_takes_nothing(self):
        self.limits(challenges_person=1)
        add_person(gateway, "p3", usherSecondFactor="email")
        with gateway.as_uid(STRANGER) as stranger, gateway.local() as link:
            for _ in range(5):
                self.assertEqual(stranger.ask(raw.challenge("p3")).code, raw.NO_ACCESS)
            self.assertEqual(self.texts(link, ["p3"] * 2), [(0, ""), (raw.BUSY, TOO_MANY)])

    def test_logins_of_an_address(self):
        self.limits(logins_address=5)
        add_person(gateway, "p4")
        with gateway.backoffice() as service:  # one of the five
            codes = []
            for name, secret in (("p4", password("p4")), ("p4", "wrong"), ("nobody-3", "wrong"),
                                 ("p4", password("p4")), ("p4", password("p4")), ("nobody-3", "wrong")):
                with gateway.ldap() as link:
                    answer = link.ask(raw.bind(name, secret))
                    codes.append(answer.code)
            self.assertEqual(codes, [0, raw.WRONG, raw.WRONG, 0, raw.BUSY, raw.BUSY])
            self.assertEqual(answer.text, "too many logins from this address, try again later")
            self.assertEqual(gateway.failures("p4", "password@net")[0], 0)
            for _ in range(8):  # neither the bound service nor a local peer is counted
                self.assertEqual(service.ask(raw.verify("p4", raw.PASSWORD, password("p4"))).code, 0)
                with gateway.local() as link:
                    self.assertEqual(link.ask(raw.verify("p4", raw.PASSWORD, password("p4"))).code, 0)
            with gateway.ldap() as link:  # and the connection that was refused goes on
                self.assertEqual(link.ask(raw.bind("p4", password("p4"))).code, raw.BUSY)
                self.assertEqual(link.ask(raw.search("", 0)).op, raw.ENTRY)


if __name__ == "__main__":
    unittest.main()
