#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# How connections to usherd end: abandoned, unbound, half-closed, reset, too slow, too many, too large,
# at shutdown; and what usherd answers while its store is away.
import collections
import os
import signal
import socket
import time
import unittest

import raw_ldap as raw
from asking import Asking
from gateway import BASE, PATIENCE, Gateway, membership, service, soon, until
from people import password
from searching import ADMIN_LIMIT, CRITICAL, request, search

CAN = "tickets:read"       # what sue may
CANNOT = "tickets:delete"  # and what not
BAD_METHOD = 7             # authMethodNotSupported
gateway = None


def setUpModule():
    global gateway
    gateway = Gateway().__enter__()


def tearDownModule():
    gateway.stop()


class Case(Asking):
    def setUp(self):
        self.link = self.open(gateway.ldap())

    def bind(self, dn, secret):
        return self.expect(raw.SUCCESS, raw.bind(dn, secret))


class Ends(Case):
    """Abandon, Unbind, and how connections end."""

    def test_abandon(self):
        self.link.send(raw.message(1, raw.verify("nobody-here", raw.PASSWORD, "wrong")),
                       raw.message(2, raw.abandon(1)), raw.message(3, raw.abandon(77)),
                       raw.message(4, raw.verify("nobody-here", raw.PASSWORD, "wrong")))
        self.assertEqual(self.link.receive().id, 4)
        self.assertEqual(self.whoami(), "")

    def test_unbind(self):
        self.link.send(raw.message(1, raw.unbind()), raw.message(2, raw.extended(raw.WHOAMI)))
        with self.assertRaises(raw.Closed):
            self.link.receive()

    def half_closed(self, link):
        """Seconds until the other end has closed too."""
        link.socket.shutdown(socket.SHUT_WR)
        return link.ended()

    def test_half_closed(self):
        for connect in (gateway.ldap, gateway.local, gateway.admin):
            soon("closed", 1, lambda: self.half_closed(self.open(connect())))

    def test_half_closed_with_work_to_do(self):
        question = raw.extended(raw.WHOAMI)

        def answered(rest):
            link = self.open(gateway.ldap())
            link.send(raw.message(1, question), raw.message(2, question), rest)
            link.socket.shutdown(socket.SHUT_WR)
            self.assertEqual([link.receive().id, link.receive().id], [1, 2])
            return link.ended()

        def bound():
            link = self.open(gateway.ldap())
            link.send(raw.message(1, raw.bind("sue", password("sue"))), raw.message(2, question))
            return self.half_closed(link)
        for rest in (b"", raw.message(9, question)[:-1], b"\x30"):
            soon("closed", 1, lambda: answered(rest))
        soon("closed", 1.5, bound)

    def test_half_closed_before_the_answer(self):
        """However long that takes."""
        self.addCleanup(gateway.reload_daemon)
        gateway.reload_daemon(**{"login.refuse_after": 2000})
        for connect in (gateway.ldap, gateway.local):
            link = self.open(connect())
            link.post(raw.challenge("nobody-here"))  # answered at that time, whatever it says
            link.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(link.receive().id, 1)
            self.assertIsNotNone(link.ended())

    def test_reset(self):
        link = gateway.ldap()
        link.send(raw.message(1, raw.bind("sue", password("sue"))))
        link.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        link.close()
        self.assertEqual(self.whoami(), "")

    def test_thousand_in_one_write(self):
        self.bind(service("backoffice"), password("backoffice"))
        queries = [(CAN, raw.COMPARE_TRUE), (CANNOT, raw.COMPARE_FALSE), ("no:where", raw.NO_ATTRIBUTE)]
        for link in (self.link, self.open(gateway.local())):
            link.send(*[raw.message(i + 1, raw.compare(membership("sue"), queries[i % 3][0]))
                        for i in range(1000)])
            for i in range(1000):
                answer = link.receive()
                self.assertEqual((answer.id, answer.code), (i + 1, queries[i % 3][1]))

    def test_answers_of_megabytes(self):
        """Requests that came in one write, with answers of more than may wait at once: each gets its own."""
        for connect in (gateway.ldap, gateway.local):
            link, done = self.open(connect()), []
            link.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 26)
            link.send(*[raw.message(i + 1, request("", 0, attributes=["*", "+"])) for i in range(3000)])
            while len(done) < 3000:
                answer = link.receive()
                if answer.op != raw.ENTRY:
                    self.assertEqual(answer.code, raw.SUCCESS, answer)
                    done.append(answer.id)
            self.assertEqual(done, list(range(1, 3001)))

    def test_bind_that_is_refused(self):
        """Whatever it is refused for, the connection is nobody's from then on (RFC 4513 4), and what is under
        way is given up."""
        unknown = raw.control("1.2.3.4", critical=True)
        many = [raw.control("1.2.3.%d" % i) for i in range(17)]
        for operation, controls, code in ((raw.bind("x", "y"), [unknown], CRITICAL),
                                          (raw.bind_sasl("EXTERNAL"), [unknown], CRITICAL),
                                          (raw.bind("x", "y"), many, ADMIN_LIMIT),
                                          (raw.bind("x", "y", version=2), [], raw.PROTOCOL_ERROR),
                                          (raw.bind_sasl("PLAIN", "\0x\0y"), [], BAD_METHOD)):
            link = self.open(gateway.local())
            self.expect(raw.SUCCESS, raw.bind_sasl("EXTERNAL", ""), link=link)
            self.assertIn("cn=external", self.whoami(link))
            link.post(raw.verify("nobody-here", raw.PASSWORD, "wrong"))
            self.expect(code, operation, link=link, controls=controls)
            self.assertEqual(self.whoami(link), "")

    def test_memory_of_what_does_not_parse(self):
        """A filter of no known kind behind thousands of names, again and again, by nobody."""
        ask = raw.search("", 0, ["a"] * 4000, wanted=raw.octets("x", 0x8A))
        self.link.ask_all([ask] * 100, depth=20)
        before = self.memory()
        self.assertEqual({answer.code for answer in self.link.ask_all([ask] * 3000, depth=20)}, {raw.BAD_SYNTAX})
        self.assertLess(self.memory(), before + (64 << 10))

    def memory(self):
        """kB"""
        with open("/proc/%d/status" % gateway.daemon.pid) as file:
            return int(dict(line.split(":", 1) for line in file)["RssAnon"].split()[0])

    def test_message_sizes(self):
        big = raw.compare(membership("sue"), "x" * 60000)
        self.expect(raw.NO_ACCESS, big)
        link = self.open(gateway.ldap())
        link.send(raw.message(1, raw.compare(membership("sue"), "x" * 70000)))
        self.assertEqual(link.receive().name, raw.DISCONNECTION)
        self.assertIsNotNone(link.ended())
        self.bind(service("backoffice"), password("backoffice"))
        self.expect(raw.BAD_SYNTAX, raw.compare(membership("sue"), "x" * 1000000))
        self.link.send(b"\x30\x83\x10\x00\x01")
        answer = self.link.receive()
        self.assertEqual((answer.name, answer.code), (raw.DISCONNECTION, raw.PROTOCOL_ERROR))
        self.assertIn("longer", answer.text)


class WithOtherOptions(Case):
    """Each with a daemon of its own on the same store. The last class by its name, so run last."""

    def setUp(self):
        pass

    def test_1_notice_of_disconnection(self):
        links = [self.open(gateway.ldap()), self.open(gateway.local()), self.open(gateway.admin())]
        for link in links:
            self.assertEqual(self.whoami(link), "")
        gateway.daemon.send_signal(signal.SIGTERM)
        for link in links:
            answer = link.receive()
            self.assertEqual((answer.id, answer.name, answer.code), (0, raw.DISCONNECTION, raw.UNAVAILABLE))
            self.assertIn("shutting down", answer.text)
            self.assertIsNotNone(link.ended())
        gateway.check_end(gateway.end_daemon())
        self.assertFalse(os.path.exists(gateway.ldapi))

    def test_1_searches_at_the_stop(self):
        """Those that the stop breaks off are no answers: none is a success with a part of the entries."""
        gateway.start_daemon()
        links = [self.open(gateway.admin()) for _ in range(4)]  # on both loops
        whole = len(search(links[0], BASE).entries)
        for link in links:
            link.send(*[raw.message(100 + i, request(BASE)) for i in range(100)])
        gateway.daemon.send_signal(signal.SIGTERM)
        for link in links:
            for code, count in self.results(link):
                self.assertIn((code, count), [(raw.SUCCESS, whole), (raw.UNAVAILABLE, 0)])
        gateway.check_end(gateway.end_daemon())

    def results(self, link):
        """(code, how many entries came before it) of each answer to a search, up to the end."""
        counts = collections.Counter()
        while True:
            try:
                answer = link.receive()
            except raw.Closed:
                return
            counts[answer.id] += answer.op == raw.ENTRY
            if answer.op != raw.ENTRY and answer.id != 0:
                yield answer.code, counts[answer.id]

    def test_2_timeouts(self):
        gateway.options.update({"limits.idle_timeout": 2, "limits.message_timeout": 1})
        gateway.start_daemon()
        idle, partial, drips = [self.open(gateway.ldap()) for _ in range(3)]
        start = time.monotonic()
        whole = raw.message(1, raw.extended(raw.WHOAMI))
        partial.send(whole[:-1])
        slowly, ends = iter(raw.message(1, raw.compare("", "x" * 20000))), {}
        busy, asked = self.open(gateway.ldap()), time.monotonic()
        while len(ends) < 3 and time.monotonic() < start + PATIENCE:
            for name, link in (("idle", idle), ("partial", partial), ("drips", drips)):
                if name not in ends:
                    if name == "drips":
                        self.drip(link, bytes([next(slowly)]))
                    try:
                        answer = link.receive(0.01)
                        ends[name] = time.monotonic() - start, answer.name, answer.code
                    except TimeoutError:
                        pass
            try:
                self.assertEqual(self.whoami(busy), "")
            except (raw.Closed, ConnectionError, AssertionError):
                self.assertGreater(time.monotonic() - asked, 2)  # it was we who stalled
                busy = self.open(gateway.ldap())
            asked = time.monotonic()
            time.sleep(0.05)
        for name, least, code in (("partial", 1, raw.PROTOCOL_ERROR), ("drips", 1, raw.PROTOCOL_ERROR),
                                  ("idle", 2, raw.UNAVAILABLE)):
            self.assertIn(name, ends)
            self.assertGreater(ends[name][0], least - 0.05, name)
            self.assertEqual(ends[name][1:], (raw.DISCONNECTION, code), name)

    def test_2_who_reads_is_not_idle(self):
        """Even where it takes longer than the limit to read what was asked for at once."""
        gateway.restart_daemon(**{"limits.idle_timeout": 2})
        done = raw.integer(850) + b"\x65"
        for _ in range(5):
            link = self.open(gateway.local())
            link.send(*[raw.message(i + 1, request("", 0, attributes=["*", "+"])) for i in range(850)])
            got, worst, last = b"", 0, time.monotonic()
            for part in iter(lambda: link.socket.recv(10000), b""):
                got += part
                worst, last = max(worst, time.monotonic() - last), time.monotonic()
                time.sleep(0.05)
                if done in got[-100:]:
                    break
            if worst < 0.5:  # else it was we who stalled
                break
        self.assertIn(done, got[-100:])

    def drip(self, link, byte):
        try:
            link.send(byte)
        except ConnectionError:
            pass

    def served(self, link):
        """Whether this connection was let in."""
        try:
            return self.whoami(link) == ""
        except (raw.Closed, ConnectionError):
            link.close()
            return False

    def test_3_connection_limit(self):
        gateway.restart_daemon(**{"limits.connections": 8, "limits.idle_timeout": 900})
        links = []
        deadline = time.monotonic() + PATIENCE
        while len(links) < 8:  # the fixture's own last one may take a moment to go
            self.assertLess(time.monotonic(), deadline)
            link = self.open(gateway.ldap())
            links += [link] if self.served(link) else []
        for _ in range(3):
            self.assertIsNotNone(self.open(gateway.ldap()).ended())
        links[0].close()
        until("a place is free again", lambda: self.served(self.open(gateway.ldap())))

    def test_4_cache_too_old_or_empty(self):
        gateway.restart_daemon(**{"limits.connections": 4096, "cache.max_age": 1})
        link = self.open(gateway.local())
        question = raw.compare(membership("sue"), CAN)
        until("the cache is fresh", lambda: link.ask(question).code == raw.COMPARE_TRUE)
        gateway.end_store()
        until("the cache is too old", lambda: link.ask(question).code == raw.UNAVAILABLE)
        self.expect(raw.UNAVAILABLE, question, CAN, link=link)
        gateway.restart_with_empty_cache()
        link = self.open(gateway.local())
        for query in (CAN, CANNOT):
            self.expect(raw.UNAVAILABLE, raw.compare(membership("sue"), query), query, link=link)
        self.expect(raw.UNAVAILABLE, raw.verify("sue", raw.PASSWORD, password("sue")), link=link)
        gateway.start_store()
        until("the cache is filled", lambda: link.ask(question).code == raw.COMPARE_TRUE)
        self.expect(raw.SUCCESS, raw.verify("sue", raw.PASSWORD, password("sue")), link=link)


if __name__ == "__main__":
    unittest.main()
