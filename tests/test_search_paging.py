#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Long searches: paged results over 5,000 memberships, limits of size and time, Abandon and closed
# connections in the middle, the store away, and the time that "who may?" takes over 10,000.
import time
import unittest

import raw_ldap as raw
import searching
from gateway import BASE, SAMPLE, Gateway, person, service, until
from searching import ANY, WHOLE, paged, pages, search

PAGED, BIG, GRANTS = 5000, 10000, ("+tickets:read", "-tickets:read", "+tickets:*", "+campaigns:read")
MID, LARGE = "ou=members,o=mid," + BASE, "ou=members,o=large," + BASE
gateway = None


def members_ldif(organization, count):
    yield ("dn: o={o},{base}\nobjectClass: organization\nobjectClass: usherOrganization\no: {o}\n\n"
           "dn: ou=members,o={o},{base}\nobjectClass: organizationalUnit\nou: members\n\n"
           "dn: ou=services,o={o},{base}\nobjectClass: organizationalUnit\nou: services\n\n"
           "dn: cn=till,ou=services,o={o},{base}\nobjectClass: applicationProcess\nobjectClass: usherService\n"
           "cn: till\nuserPassword: till-demo-password\n\n").format(o=organization, base=BASE)
    for n in range(count):
        yield ("dn: cn=p{n},ou=members,o={o},{base}\nobjectClass: usherMembership\ncn: p{n}\n"
               "usherMember: uid=p{n},ou=people,{base}\nusherGrant: {grant}\n\n"
               ).format(n=n, o=organization, base=BASE, grant=GRANTS[n % len(GRANTS)])


def people_ldif(count):
    for n in range(count):
        yield ("dn: uid=p{n},ou=people,{base}\nobjectClass: inetOrgPerson\nobjectClass: usherPerson\nuid: p{n}\n"
               "cn: p{n}\nsn: p{n}\nusherId: 7f1c3a52-0d0e-4c57-9a35-{n:012x}\nusherHome: o={o},{base}\n"
               "usherBelongsTo: o=large,{base}\n\n").format(n=n, base=BASE, o="mid" if n % 3 else "large")


def bulky_ldif():
    """More than one answer may hold: 80 MB."""
    yield ("dn: o=bulky,{base}\nobjectClass: organization\nobjectClass: usherOrganization\no: bulky\n\n"
           "dn: ou=roles,o=bulky,{base}\nobjectClass: organizationalUnit\nou: roles\n\n").format(base=BASE)
    for n in range(40):
        yield "dn: cn=r%d,ou=roles,o=bulky,%s\nobjectClass: usherRole\ncn: r%d\ndescription: %s\n\n" % (
            n, BASE, n, "x" * 2000000)


def setUpModule():
    global gateway
    ldif = "".join([*members_ldif("mid", PAGED), *members_ldif("large", BIG), *people_ldif(BIG), *bulky_ldif()])
    gateway = Gateway(ldif=ldif).start()


def tearDownModule():
    gateway.stop()


def may(query):
    return ("=", "usherPermission", query)


class Paging(unittest.TestCase):
    def whole(self, link, *arguments, **more):
        found = search(link, *arguments, **more)
        self.assertEqual(found.code, raw.SUCCESS, found.text)
        return sorted(found.dns)

    def test_page_sizes(self):
        with gateway.local() as link:
            expected = self.whole(link, MID, 1)
            self.assertEqual(len(expected), PAGED)
            for size in (1, 7, 499, 500, 501, 1000, PAGED - 1, PAGED, PAGED + 1, 2147483647):
                start, found = time.monotonic(), list(pages(link, size, MID, 1))
                for page in found[:-1]:
                    self.assertEqual((page.code, len(page.dns)), (raw.SUCCESS, size))
                self.assertEqual(sorted(dn for page in found for dn in page.dns), expected, size)
                self.assertEqual((found[-1].page, len(found)), ((PAGED, b""), -(-PAGED // size)))
                print("pages of %d: %d in %.2f s" % (size, len(found), time.monotonic() - start))

    def test_pages_of_who_may(self):
        wanted = ("&", may("tickets:read"), ("!", ("sub", "cn", "p1")))
        with gateway.local() as link:
            expected = self.whole(link, MID, WHOLE, wanted, ["usherPermission"])
            self.assertEqual(len(expected), sum(n % 4 in (0, 2) and str(n)[0] != "1" for n in range(PAGED)))
            for size in (1, 333, 1000):
                count = 0
                for page in pages(link, size, MID, WHOLE, wanted, ["usherPermission"]):
                    self.assertTrue(set(page.dns) <= set(expected))
                    self.assertTrue(all("tickets:read" in entry.attributes["usherPermission"]
                                        for entry in page.entries))
                    count += len(page.dns)
                    if size == 1 and count == 100:
                        break
                else:
                    self.assertEqual(count, len(expected))

    def test_a_cookie_counts_where_it_was_given(self):
        """Not for another request, reader or connection, and not twice."""
        def refused(link, cookie, *arguments, **more):
            found = search(link, *arguments, controls=[paged(10, cookie)], **more)
            self.assertEqual((found.code, found.dns), (raw.UNWILLING, []))

        with gateway.local() as link, gateway.local() as other:
            first = search(link, MID, 1, controls=[paged(10)])
            cookie = first.page[1]
            refused(other, cookie, MID, 1)
            refused(link, cookie[:-1], MID, 1)
            refused(link, b"x" * 16, MID, 1)
            refused(link, cookie, LARGE, 1)
            refused(link, cookie, MID, 2)
            refused(link, cookie, MID, 1, may("tickets:read"))
            refused(link, cookie, MID, 1, ANY, ["cn"])
            second = search(link, MID, 1, controls=[paged(20, cookie)])
            self.assertEqual((second.code, len(second.dns)), (raw.SUCCESS, 20))
            refused(link, cookie, MID, 1)
            self.assertFalse(set(first.dns) & set(second.dns))
            self.assertEqual(link.ask(raw.bind(service("till", "mid"), "till-demo-password")).code, raw.SUCCESS)
            refused(link, second.page[1], MID, 1)
            self.assertEqual(len(search(link, MID, 1, controls=[paged(5)]).dns), 5)
            refused(link, second.page[1], MID, 1)

    def test_giving_up(self):
        with gateway.local() as link:
            cookie = search(link, MID, 1, controls=[paged(10)]).page[1]
            ended = search(link, MID, 1, controls=[paged(0, cookie)])
            self.assertEqual((ended.code, ended.dns, ended.page), (raw.SUCCESS, [], (PAGED, b"")))
            self.assertEqual(search(link, MID, 1, controls=[paged(10, cookie)]).code, raw.UNWILLING)

    def test_what_goes_in_the_middle_is_left_out(self):
        with gateway.local() as link:
            first = search(link, MID, 1, controls=[paged(100)])
            gone = next("cn=p%d,%s" % (n, MID) for n in range(PAGED - 1, 0, -1)
                        if "cn=p%d,%s" % (n, MID) not in first.dns)
            kept = gateway.entry(gone)
            self.assertTrue(gateway.directory.delete(gone))
            try:
                rest = search(link, MID, 1, controls=[paged(PAGED, first.page[1])])
                self.assertEqual((rest.code, len(rest.dns)), (raw.SUCCESS, PAGED - 101))
                self.assertNotIn(gone, rest.dns)
            finally:
                gateway.directory.add(gone, ["usherMembership"], {name: kept[name.lower()] for name in
                                                                  ("cn", "usherMember", "usherGrant")})
                gateway.caught_up()

    def test_entries_that_are_not_in_the_tree(self):
        """The root DSE, the figures and the schema are one page of any size, the last."""
        junk = raw.control(searching.PAGED, True, b"junk")
        with gateway.admin() as link:
            for base in ("", "cn=monitor", "cn=Subschema"):
                for critical in (True, False):
                    found = search(link, base, 0, controls=[paged(1, critical=critical)])
                    self.assertEqual((found.code, len(found.entries), found.page), (raw.SUCCESS, 1, (0, b"")))
                for control, code in ((junk, raw.PROTOCOL_ERROR), (paged(1, b"0" * 16), raw.UNWILLING)):
                    found = search(link, base, 0, controls=[control])
                    self.assertEqual((found.code, found.entries, found.result.controls), (code, [], {}), base)

    def test_an_empty_list(self):
        with gateway.local() as link:
            for wanted in (("=", "cn", "none"), ("|",), ("!", ANY)):
                found = search(link, MID, 1, wanted, controls=[paged(10)])
                self.assertEqual((found.code, found.dns, found.page), (raw.SUCCESS, [], (0, b"")))
            self.assertEqual(search(link, "ou=none," + BASE, 1, controls=[paged(10)]).code, raw.NO_OBJECT)


class Limits(unittest.TestCase):
    def test_size(self):
        with gateway.local() as link:
            cases = [(limit, ANY, PAGED) for limit in (1, 10, PAGED - 1, PAGED, PAGED + 1)]
            cases += [(limit, may("tickets:read"), PAGED // 2) for limit in (10, PAGED // 2)]
            for limit, wanted, there in cases:
                found = search(link, MID, 1, wanted, size=limit)
                code = searching.SIZE_EXCEEDED if limit < there else raw.SUCCESS
                self.assertEqual((found.code, len(set(found.dns))), (code, min(limit, there)))
            found = list(pages(link, 100, MID, 1, size=250))
            self.assertEqual([(page.code, len(page.dns)) for page in found],
                             [(0, 100), (0, 100), (searching.SIZE_EXCEEDED, 50)])
            self.assertEqual(search(link, MID, 1, size=1).code, searching.SIZE_EXCEEDED)
            self.assertEqual(len(search(link, MID, 1).dns), PAGED)

    def test_bytes(self):
        """What is more than one answer may hold is an error and no part of the list; pages help."""
        bulky = "ou=roles,o=bulky," + BASE
        with gateway.local() as link:
            found = search(link, bulky, 1, ANY, ["description"])
            self.assertEqual((found.code, found.dns), (searching.ADMIN_LIMIT, []))
            self.assertIn("pages", found.text)
            self.assertEqual(len(search(link, bulky, 1, ANY, ["cn"]).dns), 40)
            found = [page.dns for page in pages(link, 15, bulky, 1, ANY, ["description"])]
            self.assertEqual([len(page) for page in found], [15, 15, 10])

    def test_time(self):
        """A store that stands still: the client's limit, Abandon, and a client that goes."""
        with gateway.local() as link, gateway.local() as left:
            search(link, MID, 0)  # a connection to the store
            before = int(gateway.monitor()["usherConnections"])
            with gateway.hung_store():
                start = time.monotonic()
                found = search(link, MID, 1, seconds=1)
                self.assertEqual((found.code, found.dns), (searching.TIME_EXCEEDED, []))
                self.assertGreater(time.monotonic() - start, 0.9)
                number = link.post(searching.request(MID, 1))
                left.post(searching.request(MID, 1))
                link.send(raw.message(99, raw.abandon(number)))
                self.assertEqual(link.ask(raw.extended(raw.WHOAMI)).code, raw.SUCCESS)
                left.close()
                until("it is gone", lambda: int(gateway.monitor()["usherConnections"]) < before)
            self.assertEqual(search(link, MID, 0).code, raw.SUCCESS)  # and no answer to what was abandoned

    def test_abandon_while_entries_come(self):
        with gateway.local() as link:
            for _ in range(20):
                number = link.post(searching.request(LARGE, 1, attributes=["*", "usherPermission"]))
                link.send(raw.message(99, raw.abandon(number)))
            number = link.post(raw.extended(raw.WHOAMI))
            seen = [link.receive()]
            while seen[-1].id != number:  # an answer may have been on its way
                seen.append(link.receive())
            self.assertEqual(len(search(link, MID, 1).dns), PAGED)

    def test_a_client_that_does_not_read(self):
        """Holds up nobody else, and gets all of it when it reads at last."""
        with gateway.local() as slow, gateway.local() as quick:
            number = slow.post(searching.request(LARGE, 1, attributes=["*", "+"]))
            until("others are answered", lambda: search(quick, MID, 0).code == raw.SUCCESS)
            time.sleep(0.5)
            self.assertEqual(search(quick, MID, 0).code, raw.SUCCESS)
            self.assertEqual(len(searching.receive(slow, number).dns), BIG)

    def test_many_at_once(self):
        with gateway.local() as link:
            numbers = [link.post(searching.request("cn=p%d,%s" % (n, MID), 0)) for n in range(100)]
            found = {}
            while len(found) < 100:
                answer = link.receive()
                found.setdefault(answer.id, []).extend([answer] if answer.op == 0x64 else [])
            self.assertEqual([found[number][0].dn for number in numbers],
                             ["cn=p%d,%s" % (n, MID) for n in range(100)])

    def test_answers_that_nobody_reads(self):
        """Searches are answered one behind the other until too much waits for the client: the next is refused."""
        wanted = ("|", *[("=", "cn", "r%d" % n) for n in range(33)])
        asked = searching.request("ou=roles,o=bulky," + BASE, 1, wanted, ["description"])  # 66 MB
        with gateway.local() as link:
            link.send(*[raw.message(number, asked) for number in (1, 2, 3)],
                      raw.message(4, raw.extended(raw.WHOAMI)))
            self.assertEqual(link.receive().id, 4)  # all have begun
            until("all have been found", lambda: gateway.monitor()["usherStoreJobs"] == "0")
            for number in (1, 2):
                found = searching.receive(link, number)
                self.assertEqual((found.code, len(found.dns)), (raw.SUCCESS, 33))
            found = searching.receive(link, 3)
            self.assertEqual((found.code, found.dns), (searching.ADMIN_LIMIT, []))
            self.assertEqual(found.text, "earlier answers on this connection have not been read")
            link.number = 4
            self.assertEqual(search(link, MID, 0).code, raw.SUCCESS)


class Away(unittest.TestCase):
    def test_store_down(self):
        with gateway.local() as link, gateway.bound(service("till", "mid"), "till-demo-password") as till:
            cookie = search(link, MID, 1, controls=[paged(10)]).page[1]
            gateway.end_store()
            try:
                for one, arguments in ((link, (MID, 1)), (link, (MID, 1, may("tickets:read"))), (till, (BASE,)),
                                       (till, (person("p1"), 0)), (link, ("cn=Subschema", 0))):
                    found = search(one, *arguments)
                    self.assertEqual((found.code, found.dns, found.text),
                                     (raw.UNAVAILABLE, [], "the directory store does not answer"))
                found = search(link, MID, 1, controls=[paged(10, cookie)])
                self.assertEqual(found.code, raw.UNAVAILABLE)
                self.assertNotIn(searching.PAGED, found.result.controls)
                self.assertEqual(search(link, "", 0).code, raw.SUCCESS)
            finally:
                gateway.start_store()
            until("the store is found again", lambda: search(link, MID, 0).code == raw.SUCCESS)
            again = search(link, MID, 1, controls=[paged(10, cookie)])
            self.assertEqual((again.code, len(again.dns)), (raw.SUCCESS, 10))

    def test_cache_not_filled(self):
        with Gateway(load=SAMPLE) as other:
            other.end_store()
            other.restart_with_empty_cache()
            with other.local() as link:
                found = search(link, "o=acme," + BASE, WHOLE, may("tickets:read"))
                self.assertEqual((found.code, found.dns), (raw.UNAVAILABLE, []))
                self.assertIn("cache", found.text)
            other.start_store()
            until("the cache is filled", other.answers)
            with other.local() as link:
                self.assertEqual(search(link, "o=acme," + BASE, WHOLE, may("tickets:read")).code, raw.SUCCESS)


class Large(unittest.TestCase):
    """Every one of many, whatever is asked; how long it took is printed, and asserted nowhere."""

    def test_who_may(self):
        queries = (("who may, %d of them" % BIG, LARGE, 1, may("tickets:read"), BIG // 2, ["cn"]),
                   ("who may not", LARGE, 1, ("!", may("tickets:read")), BIG // 2, ["cn"]),
                   ("who may both", LARGE, 1, ("&", may("tickets:read"), may("tickets:delete")), BIG // 4, ["cn"]),
                   ("internal", LARGE, 1, ("=", "usherAffiliation", "internal"), (BIG + 2) // 3, ["cn"]),
                   ("lists of permissions", LARGE, 1, ANY, BIG, ["usherPermission"]),
                   ("plain", LARGE, 1, ANY, BIG, ["cn"]))
        with gateway.local() as link:
            for name, base, scope, wanted, count, attributes in queries:
                start = time.monotonic()
                number = link.post(searching.request(base, scope, wanted, attributes))
                link.buffer += link.socket.recv(1)
                took = time.monotonic() - start  # the answer begins when all of it is known
                print("%s: %.0f ms" % (name, 1000 * took))
                self.assertEqual(len(searching.receive(link, number).dns), count, name)


if __name__ == "__main__":
    unittest.main()
