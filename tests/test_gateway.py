#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# usherd over its three listeners, with a real store: who is who after a Bind, who may ask what, every
# result code and the value its text names, controls, and what is refused.
import os
import unittest

import ldap3

import ldif
import raw_ldap as raw
from asking import Asking
from gateway import BASE, STRANGER, Gateway, membership, person, service
from people import password

MORE = "".join((
    ldif.organization("globe", "members", "services"),
    ldif.member("sue", "globe", "+vault:open"),
    ldif.organization("shut", usherActive="FALSE"),
    ldif.service("till-g", "globe"),
    ldif.service("retired", usherActive="FALSE"),
    ldif.permission("vault:open", usherFactor="TRUE"),
    ldif.person("mona"),
    ldif.member("mona", "acme", usherRole="cn=usher.user-manager,ou=roles," + BASE)))
CAN = "tickets:read"       # what sue may
CANNOT = "tickets:delete"  # and what not
gateway = None


def setUpModule():
    global gateway
    gateway = Gateway(ldif=MORE).__enter__()


def tearDownModule():
    gateway.stop()


class Case(Asking):
    def setUp(self):
        self.link = self.open(gateway.ldap())

    def bind(self, dn, secret, link=None):
        return self.expect(raw.SUCCESS, raw.bind(dn, secret), link=link)


class Binds(Case):
    def test_person_by_every_name(self):
        for name in (person("sue"), "sue", "SUE", "sue@example.org", "Sue@Example.ORG",
                     "UID=Sue, OU=People, DC=example,DC=org"):
            self.bind(name, password("sue"))
            self.assertEqual(self.whoami(), "dn:" + person("sue"), name)
            self.expect(raw.SUCCESS, raw.bind())

    def test_service(self):
        for dn, secret in ((service("backoffice"), password("backoffice")),
                           (service("till-3", "acme"), password("till-3"))):
            self.bind(dn, secret)
            self.assertEqual(self.whoami(), "dn:" + dn)

    def test_refused_all_alike(self):
        texts = set()
        for name, secret in ((person("sue"), "wrong"), ("sue", "wrong"), ("nobody-here", "wrong"),
                             (person("nobody-here"), "wrong"), ("nobody@example.org", "wrong"),
                             (service("backoffice"), "wrong"), (service("nobody-here"), "wrong"),
                             (service("retired"), password("retired")), ("ou=people," + BASE, "wrong"),
                             ("cn=admin," + BASE, "wrong"), ("no DN at all, = ", "wrong"),
                             ("x" * 300, "wrong"), ("sue", "w" * 5000), (person("sue"), "a\0b")):
            texts.add(self.expect(raw.WRONG, raw.bind(name, secret)).text)
            self.assertIsNone(self.whoami() or None)
        self.assertEqual(len(texts), 1, texts)
        gateway.ctl("unlock", "sue")
        self.bind("sue", password("sue"))

    def test_anonymous_and_empty_password(self):
        self.bind("sue", password("sue"))
        self.expect(raw.SUCCESS, raw.bind())
        self.assertEqual(self.whoami(), "")
        for name in ("sue", person("sue"), service("backoffice")):
            self.expect(raw.UNWILLING, raw.bind(name, ""), "password")
            self.assertEqual(self.whoami(), "")

    def test_failed_bind_ends_the_identity(self):
        self.bind("sue", password("sue"))
        self.expect(raw.WRONG, raw.bind("sue", "wrong"))
        self.assertEqual(self.whoami(), "")
        self.bind("sue", password("sue"))
        self.expect(raw.PROTOCOL_ERROR, raw.bind("sue", password("sue"), version=2), "version 3")
        self.assertEqual(self.whoami(), "")

    def test_unknown_mechanisms(self):
        for mechanism in ("PLAIN", "GSSAPI", "", "EXTERNAL-PLUS"):
            self.expect(7, raw.bind_sasl(mechanism, "x"), mechanism)

    def test_external(self):
        self.expect(48, raw.bind_sasl("EXTERNAL"))
        name = "dn:gidNumber=%d+uidNumber=%d,cn=peercred,cn=external,cn=auth" % (os.getegid(), os.geteuid())
        for link in (self.open(gateway.local()), self.open(gateway.admin())):
            self.assertEqual(self.whoami(link), "")
            self.expect(raw.SUCCESS, raw.bind_sasl("EXTERNAL", ""), link=link)
            self.assertEqual(self.whoami(link), name)
            self.expect(raw.NO_ACCESS, raw.bind_sasl("EXTERNAL", "dn:" + person("ada")), link=link)
            self.assertEqual(self.whoami(link), "")

    @unittest.skipUnless(os.geteuid() == 0, "needs root to be another peer")
    def test_external_as_a_stranger_is_anonymous(self):
        link = self.open(gateway.as_uid(STRANGER))
        self.expect(raw.SUCCESS, raw.bind_sasl("EXTERNAL"), link=link)
        self.assertEqual(self.whoami(link), "")
        with self.assertRaises(PermissionError):
            os.seteuid(STRANGER)
            try:
                raw.Raw(gateway.admin_socket)
            finally:
                os.seteuid(0)

    def test_what_follows_a_bind_waits_for_it(self):
        self.link.send(raw.message(1, raw.bind("sue", password("sue"))),
                       raw.message(2, raw.extended(raw.WHOAMI)),
                       raw.message(3, raw.bind("sue", "wrong")), raw.message(4, raw.extended(raw.WHOAMI)))
        answers = [self.link.receive() for _ in range(4)]
        self.assertEqual([answer.id for answer in answers], [1, 2, 3, 4])
        self.assertEqual([answers[1].value, answers[3].value], [("dn:" + person("sue")).encode(), b""])

    def test_with_the_usual_clients(self):
        link = ldap3.Connection(ldap3.Server("127.0.0.1", gateway.port, get_info=ldap3.NONE),
                                person("sue"), password("sue"))
        self.assertTrue(link.bind(), link.result)
        self.assertIs(link.compare(membership("sue"), "usherPermission", CAN), True)
        self.assertIs(link.compare(membership("sue"), "usherPermission", CANNOT), False)
        link.unbind()
        for query, status, word in ((CAN, 6, "TRUE"), (CANNOT, 5, "FALSE")):
            answer = gateway.run("ldapcompare", "-x", "-H", "ldap://127.0.0.1:%d" % gateway.port, "-D",
                                 person("sue"), "-w", password("sue"), membership("sue"),
                                 "usherPermission:" + query, check=False)
            self.assertEqual((answer.returncode, answer.stdout.strip()), (status, word))
        answer = gateway.run("ldapwhoami", "-Q", "-Y", "EXTERNAL", "-H",
                             "ldapi://" + gateway.ldapi.replace("/", "%2F"))
        self.assertIn("cn=peercred,cn=external,cn=auth", answer.stdout)


class WhoMayAsk(Case):
    def ask(self, code, uid, organization="acme", query=CAN, link=None):
        self.expect(code, raw.compare(membership(uid, organization), query), link=link)

    def test_anonymous_may_not(self):
        for uid in ("sue", "nobody-here"):
            self.ask(raw.NO_ACCESS, uid)
            self.ask(raw.NO_ACCESS, uid, "no-such-organization")

    def test_a_person_about_themself(self):
        self.bind("sue", password("sue"))
        self.ask(raw.COMPARE_TRUE, "sue")
        self.ask(raw.COMPARE_FALSE, "sue", query=CANNOT)
        self.ask(raw.COMPARE_FALSE, "sue", "platform")
        self.ask(raw.NO_ACCESS, "ben")
        self.ask(raw.NO_ACCESS, "nobody-here")

    def test_a_reader_of_the_organization(self):
        self.bind("mona", password("mona"))
        self.ask(raw.COMPARE_TRUE, "sue")
        self.ask(raw.COMPARE_FALSE, "nobody-here")
        self.ask(raw.NO_ACCESS, "sue", "globe")
        self.ask(raw.NO_ACCESS, "vera", "platform")

    def test_a_reader_of_the_platform(self):
        self.bind("vera", password("vera"))
        for organization, code in (("acme", raw.COMPARE_TRUE), ("globe", raw.COMPARE_FALSE)):
            self.ask(code, "sue", organization)

    def test_services(self):
        self.bind(service("till-g", "globe"), password("till-g"))
        self.ask(raw.COMPARE_FALSE, "sue", "globe")
        self.ask(raw.NO_ACCESS, "sue", "acme")
        self.bind(service("till-3", "acme"), password("till-3"))
        self.ask(raw.COMPARE_TRUE, "sue", "acme")
        self.ask(raw.NO_ACCESS, "sue", "globe")
        self.bind(service("backoffice"), password("backoffice"))
        self.ask(raw.COMPARE_TRUE, "sue", "acme")
        self.ask(raw.COMPARE_FALSE, "sue", "globe")

    def test_local_peers(self):
        for link in (self.open(gateway.local()), self.open(gateway.admin())):
            self.ask(raw.COMPARE_TRUE, "sue", link=link)
            self.bind("sue", password("sue"), link)
            self.ask(raw.NO_ACCESS, "ben", link=link)  # bound, the peer is no longer who asks
        if os.geteuid() == 0:
            self.ask(raw.NO_ACCESS, "sue", link=self.open(gateway.as_uid(STRANGER)))

    def test_the_factor_of_the_session_counts(self):
        """A person's claim does not; a service's does."""
        self.bind("sue", password("sue"))
        for claim in ("", ";factor=totp", ";factor=none"):
            self.ask(raw.STRONGER, "sue", "globe", "vault:open" + claim)
        self.bind(service("backoffice"), password("backoffice"))
        self.ask(raw.COMPARE_TRUE, "sue", "globe", "vault:open;factor=totp")
        self.ask(raw.STRONGER, "sue", "globe", "vault:open;factor=none")

    def test_ways_to_write_the_dn(self):
        self.bind("sue", password("sue"))
        for dn in ("CN=SUE,OU=Members,O=ACME,DC=Example,DC=ORG", " cn = sue , ou=members,o=acme," + BASE):
            self.expect(raw.COMPARE_TRUE, raw.compare(dn, CAN))
            self.expect(raw.COMPARE_TRUE, raw.compare(dn, CAN, "USHERPERMISSION"))


class Errors(Case):
    def setUp(self):
        super().setUp()
        self.bind(service("backoffice"), password("backoffice"))

    def test_each_names_the_value(self):
        sue = membership("sue")
        for dn, query, code, word in (
                (sue, "tickets", raw.BAD_SYNTAX, "tickets"),
                (sue, "tickets:read@", raw.BAD_SYNTAX, "tickets:read@"),
                (sue, "Tickets:read", raw.BAD_SYNTAX, "Tickets:read"),
                (sue, "", raw.BAD_SYNTAX, '""'),
                (sue, "tickets:read;colour=red", raw.BAD_SYNTAX, "colour"),
                (sue, "tickets:*", raw.BAD_SYNTAX, "tickets:*"),
                (sue, "tickets:fly", raw.NO_ATTRIBUTE, "tickets:fly"),
                (sue, "x" * 100 + ":read", raw.NO_ATTRIBUTE, "x" * 50),
                (sue, "tickets:read\n\0", raw.BAD_SYNTAX, "tickets:read"),
                (membership("sue", "nowhere"), CAN, raw.NO_OBJECT, "nowhere"),
                (membership("sue", "shut"), CAN, raw.NO_OBJECT, "shut"),
                ("cn=sue,ou=members,o=acme", CAN, raw.NO_OBJECT, "o=acme"),
                (person("sue"), CAN, raw.NO_OBJECT, "uid=sue"),
                ("", CAN, raw.NO_OBJECT, '""'),
                ("sue", CAN, 34, "sue"),
                (sue, "tickets:read@event/hamlet", raw.NO_OBJECT, "hamlet"),
                ("cn=sue,ou=members,cn=hamlet,ou=events,o=acme," + BASE, CAN, raw.NO_OBJECT, "hamlet")):
            self.expect(code, raw.compare(dn, query), word)

    def test_unknown_people_are_denied(self):
        for uid in ("nobody-here", "xx"):
            self.expect(raw.COMPARE_FALSE, raw.compare(membership(uid), CAN))

    def test_other_attributes(self):
        for attribute in ("member", "userPassword", "usherPermission;lang-en"):
            self.expect(raw.UNWILLING, raw.compare(membership("sue"), CAN, attribute), attribute)

    def test_too_much_at_once(self):
        """A connection's logins under way are bounded; the rest is busy, nothing is lost."""
        limit = 128
        self.link.send(*[raw.message(i + 1, raw.verify("nobody-%d" % (i % 3), raw.PASSWORD, "wrong"))
                         for i in range(limit + 20)])
        codes = [self.link.receive().code for _ in range(limit + 20)]
        self.assertEqual(set(codes), {raw.WRONG, raw.BUSY})
        self.assertLessEqual(codes.count(raw.BUSY), 20)


class Controls(Case):
    def setUp(self):
        super().setUp()
        self.bind(service("backoffice"), password("backoffice"))
        self.question = raw.compare(membership("sue"), CAN)

    def test_freshness(self):
        self.assertEqual(self.expect(raw.COMPARE_TRUE, self.question).controls, {})
        gateway.modify(membership("sue", "globe"), usherOrder="7")
        gateway.caught_up()
        csn = max(gateway.entry(BASE)["contextcsn"])
        for critical in (False, True):
            answer = self.expect(raw.COMPARE_TRUE, self.question,
                                 controls=[raw.control(raw.FRESHNESS, critical)])
            age, seen = answer.freshness
            self.assertLess(age, 20000)
            self.assertEqual(seen, csn)

    def test_unknown(self):
        self.expect(raw.COMPARE_TRUE, self.question, controls=[raw.control("1.2.3.4", value="x")])
        answer = self.expect(12, self.question, "1.2.3.4", controls=[raw.control("1.2.3.4", True, "x")])
        self.assertEqual(answer.op, 0x6F)
        self.expect(12, raw.bind("sue", password("sue")), controls=[raw.control("1.2.3.4", True)])
        self.expect(12, raw.extended(raw.WHOAMI), controls=[raw.control("1.3.6.1.1.21.2", True, "t")])


class Refused(Case):
    def test_operations_that_are_not_built(self):
        attribute = raw.tlv(0x30, raw.octets("cn"), raw.tlv(0x31, raw.octets("x")))
        operations = {
            0x69: raw.tlv(0x68, raw.octets("cn=x," + BASE), raw.tlv(0x30, attribute)),
            0x67: raw.tlv(0x66, raw.octets("cn=x," + BASE),
                          raw.tlv(0x30, raw.tlv(0x30, raw.integer(0, 0x0A), attribute))),
            0x6B: raw.octets("cn=x," + BASE, 0x4A),
            0x6D: raw.tlv(0x6C, raw.octets("cn=x," + BASE), raw.octets("cn=y"), raw.tlv(0x01, b"\0")),
        }
        for bound in (False, True):
            for kind, operation in operations.items():
                self.assertEqual(self.expect(raw.UNWILLING, operation, "usher").op, kind)
            self.bind(service("backoffice"), password("backoffice"))

    def test_extended_operations(self):
        for oid, code in ((raw.STARTTLS, raw.UNWILLING), ("1.3.6.1.1.8", raw.UNWILLING),
                          ("1.3.6.1.1.21.1", raw.UNWILLING), ("1.3.6.1.1.21.3", raw.UNWILLING),
                          ("1.2.3.4", raw.PROTOCOL_ERROR)):
            self.assertNotEqual(self.expect(code, raw.extended(oid)).text, "")
        for oid in (raw.VERIFY, raw.CHALLENGE, raw.SET_PIN, raw.ENROLL, raw.UNLOCK, raw.ARC + ".3.7",
                    raw.RECOVERY, raw.RESEAL, raw.APP_PASSWORD,
                    raw.LOGOUT, raw.REDEEM, raw.INVITE):
            for value in (None, "", b"\x30\x80", b"\x30\x03\x80\x05a", b"\xff" * 40):
                self.expect(raw.PROTOCOL_ERROR, raw.extended(oid, value), "usher-protocol")
        self.expect(raw.PROTOCOL_ERROR, raw.extended(raw.WHOAMI, "x"))

    def test_responses_are_no_requests(self):
        self.link.send(raw.message(1, raw.tlv(0x6F, raw.integer(6, 0x0A), raw.octets(""), raw.octets(""))))
        self.notice(self.link, raw.PROTOCOL_ERROR)

    def notice(self, link, code):
        answer = link.receive()
        self.assertEqual((answer.id, answer.op, answer.name, answer.code),
                         (0, 0x78, raw.DISCONNECTION, code))
        self.assertIsNotNone(link.ended(1))

    def test_malformed_messages_end_the_connection(self):
        for junk in (b"\x31\x03abc", b"GET / HTTP/1.1\r\n\r\n", b"\x30\x80\x00\x00", b"\x30\x00",
                     b"\x30\x84\xff\xff\xff\xff", raw.message(1, b"\x42\x01x")):
            link = self.open(gateway.ldap())
            link.send(junk)
            self.notice(link, raw.PROTOCOL_ERROR)

    def test_monitor_is_not_for_everybody(self):
        self.expect(raw.NO_ACCESS, raw.search("cn=monitor", 0, ["*"]))
        self.assertEqual(gateway.monitor()["usherCacheFilled"], "TRUE")
        self.assertIn("cache filled", gateway.ctl("status").stdout)


class RootDse(Case):
    def search(self, uri, *words):
        answer = gateway.run("ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-H", uri, *words)
        return [tuple(line.split(": ", 1)) for line in answer.stdout.splitlines() if ": " in line]

    def offered(self):
        """The extended operations that are known by their OID, and not put off to a later version."""
        def code(oid):
            with gateway.ldap() as link:
                return link.ask(raw.extended(oid, b"x"))
        oids = ["%s.3.%d" % (raw.ARC, number) for number in range(1, 30)] + [
            raw.WHOAMI, raw.PASSWORD_MODIFY, raw.STARTTLS]
        answers = {oid: code(oid).text for oid in oids}
        return {oid for oid, text in answers.items()
                if "no such extended operation" not in text and "does not offer" not in text}

    def test_by_ldapsearch(self):
        uri = "ldap://127.0.0.1:%d" % gateway.port
        found = self.search(uri, "-x", "-s", "base", "-b", "", "+")
        for name, value in (("namingContexts", BASE), ("supportedLDAPVersion", "3"),
                            ("vendorName", "usher"), ("supportedControl", raw.FRESHNESS),
                            ("supportedExtension", raw.WHOAMI), ("supportedExtension", raw.VERIFY)):
            self.assertIn((name, value), found)
        self.assertEqual({value for name, value in found if name == "supportedExtension"}, self.offered())
        self.assertNotIn("supportedSASLMechanisms", [name for name, _ in found])
        for filtered, count in (("(supportedExtension=%s)" % raw.WHOAMI, 1), ("(objectClass=top)", 1),
                                ("(vendorName=others)", 0), ("(!(objectClass=*))", 0),
                                ("(&(vendorName=usher)(|(cn=x)(supportedLDAPVersion=3)))", 1)):
            found = self.search(uri, "-x", "-s", "base", "-b", "", filtered, "vendorName")
            self.assertEqual(found, [("vendorName", "usher")] * count, filtered)

    def test_local_sockets_offer_external(self):
        uri = "ldapi://" + gateway.ldapi.replace("/", "%2F")
        self.assertIn(("supportedSASLMechanisms", "EXTERNAL"),
                      self.search(uri, "-x", "-s", "base", "-b", "", "+"))


if __name__ == "__main__":
    unittest.main()
