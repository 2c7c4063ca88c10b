#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# How much of one thing usherd takes: operations under way on a connection, work that waits for a thread,
# names, secrets and tickets of a login, answers that nobody reads, and entries of one person. What is too
# much is refused in words, and the rest goes on.
import select
import unittest

import raw_ldap as raw
import searching
from gateway import BASE, PATIENCE, Gateway, membership, person, until

MEMBERSHIPS, GROUPS, NAMESAKES = 4096, 10000, 16  # of one person: the most that are taken
HOLDING, SCOPES = 65536, 64                       # values of one list, and those of each permission in it
STEPS = 256                                       # lines of an explanation
SEALED = 128                                      # values of one attribute that are sealed anew
ADMIN_LIMIT = 11                                  # adminLimitExceeded
LONG_NAME, PASSWORD = "m%060d", "many-demo-password"
DOCTOR = "2.25.190227144180112164674946508376533935585.3.9"
gateway = None


def many_ldif():
    """A person with one membership and one group too many, and one whose explanation is too long."""
    for number, uid in enumerate(("many", "told")):
        yield ("dn: uid={uid},ou=people,{base}\nobjectClass: inetOrgPerson\nobjectClass: usherPerson\nuid: {uid}\n"
               "cn: {uid}\nsn: {uid}\nusherId: 00000000-0000-4000-8000-{number:012d}\n"
               "userPassword: {password}\n\n").format(password=PASSWORD, uid=uid, number=number, base=BASE)
    yield "dn: o=many,%s\nobjectClass: organization\nobjectClass: usherOrganization\no: many\n\n" % BASE
    for name in ("members", "groups", "services"):
        yield "dn: ou=%s,o=many,%s\nobjectClass: organizationalUnit\nou: %s\n\n" % (name, BASE, name)
    for n in range(MEMBERSHIPS + 1):
        yield ("dn: cn={cn},ou=members,o=many,{base}\nobjectClass: usherMembership\ncn: {cn}\n"
               "usherMember: uid=many,ou=people,{base}\n\n").format(cn=LONG_NAME % n, base=BASE)
    for n in range(GROUPS + 1):
        yield ("dn: cn=g{n},ou=groups,o=many,{base}\nobjectClass: usherGroupOfMembers\nobjectClass: usherGroup\n"
               "cn: g{n}\nmember: uid=many,ou=people,{base}\n\n").format(n=n, base=BASE)
    yield ("dn: cn=told,ou=members,o=many,{base}\nobjectClass: usherMembership\ncn: told\n"
           "usherMember: uid=told,ou=people,{base}\nusherGrant: +tickets:read\n{grants}\n").format(
               base=BASE, grants="".join("usherGrant: bad grant %d\n" % n for n in range(400)))


def held_ldif():
    """Somebody to whom each of a catalogue's permissions is another answer in each of many scopes."""
    yield ("dn: uid=held,ou=people,{base}\nobjectClass: inetOrgPerson\nobjectClass: usherPerson\nuid: held\ncn: held\n"
           "sn: held\nusherId: 00000000-0000-4000-8000-000000000009\n\n").format(base=BASE)
    yield ("dn: cn=held,ou=members,o=many,{base}\nobjectClass: usherMembership\ncn: held\n"
           "usherMember: uid=held,ou=people,{base}\n{grants}\n").format(
               base=BASE, grants="".join("usherGrant: +held.*:*@thing/%d\n" % n for n in range(SCOPES)))
    for n in range(HOLDING // SCOPES):
        yield permission_ldif(n)


def permission_ldif(number):
    return ("dn: cn=held.p{n}:use,ou=permissions,{base}\nobjectClass: usherPermission\ncn: held.p{n}:use\n\n").format(
        n=number, base=BASE)


def setUpModule():
    global gateway
    gateway = Gateway(ldif="".join([*many_ldif(), *held_ldif()])).__enter__()


def tearDownModule():
    gateway.stop()


class Work(unittest.TestCase):
    def refused(self, count, **options):
        """Posts so many searches while the store stands still: those refused then. The rest must succeed."""
        gateway.restart_daemon(**options)
        gateway.caught_up()
        with gateway.local() as link, gateway.local() as other:
            refused = {}
            with gateway.hung_store():
                numbers = [link.post(searching.request("ou=people," + BASE, 1)) for _ in range(count)]
                mark = link.post(raw.extended(raw.WHOAMI))  # is answered at once, behind all refusals
                while True:
                    answer = link.receive()
                    if answer.id == mark:
                        break
                    refused[answer.id] = answer
                self.assertEqual(other.ask(raw.extended(raw.WHOAMI)).code, raw.SUCCESS)
            left = set(numbers) - set(refused)
            while left:
                answer = link.receive()
                self.assertIn(answer.id, left)
                if answer.op != 0x64:
                    self.assertEqual(answer.code, raw.SUCCESS, answer)
                    left.remove(answer.id)
            return numbers, refused

    def test_operations(self):
        numbers, refused = self.refused(7, **{"limits.operations": 4})
        self.assertEqual(sorted(refused), numbers[4:])
        for answer in refused.values():
            self.assertEqual((answer.code, answer.text),
                             (raw.BUSY, "too many operations under way on this connection"))

    def test_queue(self):
        numbers, refused = self.refused(
            60, **{"limits.operations": 100, "limits.queue": 16, "store.connections": 2})
        self.assertTrue(16 <= len(numbers) - len(refused) <= 16 + 2, refused.keys())
        for answer in refused.values():
            self.assertEqual((answer.code, answer.text), (raw.BUSY, "too much is waiting, try again"))

    def jobs_after_one_more(self, link):
        link.post(searching.request("ou=people," + BASE, 1))
        return int(gateway.monitor()["usherStoreJobs"])

    def test_queue_is_full(self):
        """What comes in one write is answered once each, in its order."""
        gateway.restart_daemon(**{"limits.operations": 100, "limits.queue": 16, "store.connections": 2})
        gateway.caught_up()
        questions = [raw.extended(raw.WHOAMI), raw.explain("acme", "sue", "tickets:read"), raw.extended(DOCTOR),
                     raw.reseal(0), raw.recovery("sue"), raw.extended(raw.WHOAMI)]
        with gateway.admin() as link, gateway.local() as other:
            with gateway.hung_store():
                until("one is under way, which is the share of searches, and no more may wait",
                      lambda: self.jobs_after_one_more(other) == 16 + 1)
                link.send(*[raw.message(i, question) for i, question in enumerate(questions)][1:],
                          raw.message(len(questions), questions[0]))
                answers = [link.receive() for _ in questions]
            self.assertEqual([(answer.id, answer.code) for answer in answers],
                             [(i, raw.BUSY) for i in range(1, 5)] + [(5, raw.SUCCESS), (6, raw.SUCCESS)])
            self.assertEqual({answer.text for answer in answers[:3]}, {"too much is waiting, try again"})
            self.assertEqual(link.ask(raw.extended(raw.WHOAMI)).value, b"")


class Logins(unittest.TestCase):
    def test_fields(self):
        most = {"user": 255, "organization": 64, "permission": 512, "secret": 1024, "ticket": 1023, "language": 15}
        with gateway.local() as link:
            for field, size in most.items():
                fields = {"user": "nobody", "secret": "wrong", field: "a" * (size + 1)}
                user, secret = fields.pop("user"), fields.pop("secret")
                answer = link.ask(raw.verify(user, 1, secret, **fields))
                self.assertEqual(answer.code, searching.ADMIN_LIMIT, (field, answer))
                self.assertIn("longer than", answer.text)
                fields = {"user": "nobody", "secret": "wrong", field: "a" * size}
                user, secret = fields.pop("user"), fields.pop("secret")
                answer = link.ask(raw.verify(user, 1, secret, **fields))
                self.assertNotEqual(answer.code, searching.ADMIN_LIMIT, (field, answer))


class Holding(unittest.TestCase):
    def held(self):
        """The search's answer, and how many values came before it."""
        with gateway.admin(timeout=600) as link:
            link.post(raw.search(membership("held", "many"), 0, ["usherPermission"],))
            count, answer = 0, link.receive()
            while answer.op == raw.ENTRY:
                count += len(answer.attributes["usherPermission"])
                answer = link.receive()
            return answer, count

    def test_permissions(self):
        """As many values as a list may have, and none at all of a list with more."""
        answer, count = self.held()
        self.assertEqual((answer.code, count), (raw.SUCCESS, HOLDING), answer)
        gateway.change(permission_ldif(HOLDING))
        self.addCleanup(gateway.directory.delete, "cn=held.p%d:use,ou=permissions,%s" % (HOLDING, BASE))
        gateway.caught_up()
        answer, count = self.held()
        self.assertEqual((answer.code, count), (searching.ADMIN_LIMIT, 0), answer)


class Unread(unittest.TestCase):
    """A client that asks and does not read."""

    def test_answers(self):
        """Beyond a megabyte of answers no more requests are read, until some have been taken."""
        with gateway.local() as link, gateway.local() as other:
            numbers, left = [], b""
            link.socket.setblocking(False)
            while len(numbers) < 40000:
                if not left:
                    numbers.append(len(numbers) + 1)
                    left = raw.message(numbers[-1], searching.request("", 0, attributes=["*", "+"]))
                try:
                    left = left[link.socket.send(left):]
                except BlockingIOError:
                    if not select.select([], [link.socket], [], 2)[1]:
                        break  # nothing is read any more
            self.assertLess(len(numbers), 40000)
            self.assertEqual(other.ask(raw.extended(raw.WHOAMI)).code, raw.SUCCESS)
            link.socket.settimeout(PATIENCE)
            done = []
            while len(done) < len(numbers) - 1:
                answer = link.receive()
                if answer.op == 0x65:
                    self.assertEqual(answer.code, raw.SUCCESS)
                    done.append(answer.id)
            self.assertEqual(done, numbers[:-1])


class Many(unittest.TestCase):
    def drop(self, dn):
        """Takes the entry away; what is returned puts it back."""
        kept = gateway.entry(dn)
        names = [name for name in ("cn", "member", "usherMember") if name.lower() in kept]
        self.assertTrue(gateway.directory.delete(dn), gateway.directory.result)

        def put_back():
            self.assertTrue(gateway.directory.add(dn, kept["objectclass"],
                                                  {name: kept[name.lower()] for name in names}))
        return put_back

    def login(self, code):
        with gateway.ldap() as link:
            answer = link.ask(raw.bind(person("many"), PASSWORD))
            self.assertEqual(answer.code, code, answer.text)

    def test_memberships(self):
        """In a login, which asks whether a factor is due, and in a search of the person's own."""
        def own(code):
            found = searching.search(link, person("many"), 0)
            self.assertEqual(found.code, code, found.text)

        self.login(searching.ADMIN_LIMIT)
        put_back = self.drop(membership(LONG_NAME % 7, "many"))
        try:
            self.login(raw.SUCCESS)
            with gateway.bound(person("many"), PASSWORD) as link:
                own(raw.SUCCESS)
                put_back()
                put_back = None
                own(searching.ADMIN_LIMIT)
        finally:
            if put_back is not None:
                put_back()
        self.login(searching.ADMIN_LIMIT)

    def test_groups(self):
        def groups():
            found = searching.search(link, person("many"), 0, attributes=["memberOf"])
            return found.code, [len(entry.attributes["memberOf"]) for entry in found.entries]

        with gateway.local() as link:
            self.assertEqual(groups(), (searching.ADMIN_LIMIT, []))
            put_back = self.drop("cn=g7,ou=groups,o=many," + BASE)
            try:
                self.assertEqual(groups(), (raw.SUCCESS, [GROUPS]))
            finally:
                put_back()

    def test_namesakes(self):
        """Entries that answer to the name of one person, whatever they are: the membership and the
        organization asked for with the person count, too."""
        def login(code):
            answer = link.ask(raw.verify("told", 1, PASSWORD, organization="many"))
            self.assertEqual(answer.code, code, answer)

        with gateway.local() as link:
            for n in range(NAMESAKES - 2):
                login(raw.SUCCESS)
                gateway.change("dn: cn=same%d,ou=services,o=many,%s\nobjectClass: applicationProcess\n"
                               "objectClass: uidObject\ncn: same%d\nuid: told\n" % (n, BASE, n))
            login(raw.WRONG)
            gateway.directory.delete("cn=same0,ou=services,o=many," + BASE)
            login(raw.SUCCESS)

    def test_defects(self):
        """More of them than one answer holds, which says so."""
        with gateway.admin() as link:
            answer = link.ask(raw.extended(DOCTOR))
            self.assertEqual(answer.code, raw.SUCCESS, answer)
            (_, content), = raw.elements(answer.value)
            (_, complete), (_, listed) = raw.elements(content)
            self.assertEqual(complete, b"\0")
            said = sum(len(part) for _, defect in raw.elements(listed) for _, part in raw.elements(defect))
            self.assertTrue(2 ** 19 - 500 < said <= 2 ** 19, said)

    def test_sealed_values(self):
        """The pass ends at such an entry, which the log names; no value of it would be left to an old key unsaid."""
        values = ["nothing that opens %d" % n for n in range(SEALED + 1)]
        self.addCleanup(gateway.modify, person("told"), usherAppPassword=None)
        with gateway.admin() as link:
            gateway.modify(person("told"), usherAppPassword=values)
            answer = link.ask(raw.reseal(1))
            self.assertEqual((answer.code, answer.value), (ADMIN_LIMIT, None), answer)
            self.assertIn("not all is sealed anew", answer.text)
            self.assertRegex(gateway.text("usherd.log"), "uid=told.*more than %d values" % SEALED)
            gateway.modify(person("told"), usherAppPassword=values[:SEALED])
            answer = link.ask(raw.reseal(1))
            self.assertEqual((answer.code, answer.fields[3]), (raw.SUCCESS, raw.integer(SEALED)[2:]), answer)

    def test_steps(self):
        """Lines of an explanation beyond the bound are left out, but for the one that decides."""
        with gateway.admin() as link:
            for query, code, count in (("tickets:read", raw.COMPARE_TRUE, STEPS - 1),
                                       ("campaigns:read", raw.COMPARE_FALSE, STEPS)):
                answer = link.ask(raw.explain("many", "told", query))
                self.assertEqual(answer.code, raw.SUCCESS, answer)
                (_, content), = raw.elements(answer.value)
                (_, result), (_, step), (_, listed) = raw.elements(content)
                lines = [dict(raw.elements(one)) for _, one in raw.elements(listed)]
                self.assertEqual((result[0], step[0], len(lines)), (code, 8, count))
                deciding = [n for n, line in enumerate(lines) if line[0x81] != b"\0"]
                self.assertEqual(len(deciding), 1)
                self.assertTrue(code == raw.COMPARE_TRUE or deciding == [STEPS - 1], deciding)


if __name__ == "__main__":
    unittest.main(verbosity=2)
