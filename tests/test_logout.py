#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Logged out everywhere: tickets from before are refused at once, at any gateway, bound connections are
# told and closed, and whoever logs in again is let in.
import os
import signal
import threading
import unittest

import raw_ldap as raw
from asking import Asking
from gateway import Gateway, membership, person, until
from people import add_person, code, enrol, password, ticket

gateway = None


def setUpModule():
    global gateway
    gateway = Gateway({"threads.loops": 3}).__enter__()


def tearDownModule():
    gateway.stop()


class Case(Asking):
    def bound(self, uid):
        return self.open(gateway.bound(person(uid), password(uid)))

    def closed(self, link):
        """A notice of disconnection with strongerAuthRequired, then the end."""
        notice = link.receive()
        self.assertEqual((notice.id, notice.code, notice.name), (0, raw.STRONGER, raw.DISCONNECTION))
        with self.assertRaises(raw.Closed):
            link.receive()

    def alive(self, link, uid):
        self.assertEqual(link.ask(raw.compare(membership(uid), "tickets:read")).code, raw.COMPARE_FALSE)

    def epoch(self, uid):
        return gateway.entry(person(uid)).get("usherauthepoch")


class Logout(Case):
    def test_tickets(self):
        add_person(gateway, "o1")
        secret, step = enrol(gateway, "o1")
        with gateway.local() as link:
            held = ticket(link, "o1")
            full = link.ask(raw.verify("o1", raw.CODE, code(secret, step), ticket=ticket(link, "o1"))).ticket
            self.assertEqual(link.ask(raw.verify("o1", raw.NONE, ticket=full)).code, raw.SUCCESS)
            gateway.ctl("user", "logout", "o1")
            for factor, text, old in ((raw.CODE, code(secret, step + 1), held), (raw.NONE, None, full)):
                answer = link.ask(raw.verify("o1", factor, text, ticket=old))
                self.assertEqual((answer.code, answer.state), (raw.WRONG, raw.REFUSED))
            answer = link.ask(raw.verify("o1", raw.CODE, code(secret, step + 1), ticket=ticket(link, "o1")))
            self.assertEqual(answer.state, raw.COMPLETE)

    def test_connections(self):
        for uid in ("o2", "o3"):
            add_person(gateway, uid)
        gateway.caught_up()
        links, others = [self.bound("o2") for _ in range(9)], [self.bound("o3"), self.open(gateway.local())]
        gateway.ctl("user", "logout", "o2")
        for link in links:
            self.closed(link)
        self.alive(others[0], "o3")
        self.alive(others[1], "o2")
        self.alive(self.bound("o2"), "o2")

    def test_oneself(self):
        add_person(gateway, "o4")
        gateway.caught_up()
        mine, other = self.bound("o4"), self.bound("o4")
        self.assertEqual(mine.ask(raw.logout()).code, raw.SUCCESS)
        self.closed(other)
        self.assertEqual(mine.ask(raw.extended(raw.WHOAMI)).value, b"")
        self.assertEqual(mine.ask(raw.bind(person("o4"), password("o4"))).code, raw.SUCCESS)
        self.alive(mine, "o4")

    def test_the_epoch_rises_each_time_also_at_once(self):
        add_person(gateway, "o5")
        self.assertIsNone(self.epoch("o5"))

        def some():
            with gateway.admin() as link:
                for _ in range(5):
                    self.assertEqual(link.ask(raw.logout("o5")).code, raw.SUCCESS)

        threads = [threading.Thread(target=some) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.epoch("o5"), ["20"])

    def test_refused(self):
        add_person(gateway, "o6")
        link = self.bound("o6")
        self.assertEqual(link.ask(raw.logout("sue")).code, raw.NO_ACCESS)
        local = self.open(gateway.local())
        self.assertEqual(local.ask(raw.logout("o6")).code, raw.NO_ACCESS)
        self.assertEqual(local.ask(raw.logout()).code, raw.NO_ACCESS)
        admin = self.open(gateway.admin())
        self.assertEqual(admin.ask(raw.logout("nobody-here")).code, raw.NO_OBJECT)
        self.assertEqual(admin.ask(raw.extended(raw.LOGOUT)).code, raw.PROTOCOL_ERROR)
        self.assertIsNone(self.epoch("o6"))
        self.alive(link, "o6")
        gateway.modify(person("o6"), usherAuthEpoch="999999999999")
        self.assertEqual(admin.ask(raw.logout("o6")).code, 11)
        self.alive(link, "o6")

    def test_at_the_stop(self):
        """Some that are in the middle when the loops end are answered to nobody, and nothing is amiss."""
        with Gateway({"threads.loops": 3, "store.timeout": 60000}) as stopping:
            links = [self.open(stopping.admin()) for _ in range(8)]
            for link in links:
                link.send(*[raw.message(i + 1, raw.logout("sue")) for i in range(100)])
            self.assertEqual(links[0].receive().code, raw.SUCCESS)
            with stopping.hung_store():
                stopping.daemon.send_signal(signal.SIGTERM)
                until("the loops have ended", lambda: not os.path.exists(stopping.ldapi))
            stopping.check_end(stopping.end_daemon())


if __name__ == "__main__":
    unittest.main()
