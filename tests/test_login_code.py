#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# The second factor over the wire: tickets, codes of an app and codes by mail, binds with password and
# code, and PAM's account phase. The mail server is a real one. Every test has its own people.
import email
import email.policy
import re
import time
import unittest

import raw_ldap as raw
from asking import Asking
from gateway import BASE, Gateway, membership, person, service, until
from people import add, add_organization, add_person, code, enrol, fresh_step, password, ticket, wrong_code
from test_login import LIMIT, REFUSED_TEXT

gateway = None


def setUpModule():
    global gateway
    gateway = Gateway()
    gateway.start_mail()
    gateway.__enter__()
    add_organization(gateway, "globe")
    add_organization(gateway, "strict", usherRequireFactor="TRUE")
    gateway.caught_up()


def tearDownModule():
    gateway.stop("-demo-password", "otpauth:", "secret=")


class Case(Asking):
    def setUp(self):
        self.link = self.open(gateway.local())

    def ask(self, expected, operation, link=None):
        return self.expect(expected, operation, link=link)

    def complete(self, uid, text, held, **more):
        return self.verify((raw.SUCCESS, raw.COMPLETE), uid, raw.CODE, text, ticket=held, **more)

    def refused(self, uid, text, held, **more):
        answer = self.verify((raw.WRONG, raw.REFUSED), uid, raw.CODE, text, ticket=held, **more)
        self.assertEqual((answer.text, answer.ticket), (REFUSED_TEXT, None))

    def codes_counted(self, uid):
        return gateway.failures(uid, "code")[0]

    def with_app(self, uid):
        """A person whose app is enrolled with the code of the step before this one."""
        add_person(gateway, uid)
        return enrol(gateway, uid)


class App(Case):
    def test_password_then_code(self):
        secret, step = self.with_app("t1")
        answer = self.verify((raw.STRONGER, raw.FACTOR_DUE), "t1", raw.PASSWORD, password("t1"))
        self.assertEqual((answer.means, answer.fields[3]), (raw.TOTP, b"t1"))
        held = answer.ticket
        self.refused("t1", wrong_code(secret), held)
        self.assertEqual(self.codes_counted("t1"), 1)
        self.complete("t1", code(secret, step), held)
        self.assertEqual(gateway.ledger("t1"), [])
        for _ in range(LIMIT + 2):  # a used code is refused and not counted
            self.refused("t1", code(secret, step), held)
            self.refused("t1", code(secret, step - 1), held)
        self.assertEqual(gateway.ledger("t1"), [])
        self.complete("t1", code(secret, step + 1), ticket(self.link, "t1"))
        self.refused("t1", code(secret, step), held)  # nor one of an earlier step

    def test_limit_and_unlock(self):
        secret, step = self.with_app("t2")
        held = ticket(self.link, "t2")
        for text in [wrong_code(secret)] * (LIMIT - 1) + ["no code", wrong_code(secret)]:
            self.refused("t2", text, held)
        self.assertEqual(self.codes_counted("t2"), LIMIT)
        before = gateway.ledger("t2", "usherTotpStep")
        self.refused("t2", code(secret, step), held)
        self.assertEqual(gateway.ledger("t2", "usherTotpStep"), before)  # not even used up
        held = ticket(self.link, "t2")  # the password step says nothing about the lock
        self.refused("t2", code(secret, step), held)
        gateway.ctl("unlock", "t2")
        self.complete("t2", code(secret, step), held)

    def test_a_complete_login_clears_the_password_count_too(self):
        secret, step = self.with_app("t3")
        for _ in range(LIMIT - 1):
            self.verify((raw.WRONG, raw.REFUSED), "t3", raw.PASSWORD, "wrong")
        held = ticket(self.link, "t3")
        self.assertEqual(gateway.failures("t3", "password@local")[0], LIMIT - 1)
        self.complete("t3", code(secret, step), held)
        self.assertEqual(gateway.ledger("t3"), [])

    def test_enrol_oneself(self):
        add_person(gateway, "t4", usherSecondFactor="totp")
        answer = self.verify((raw.STRONGER, raw.ENROLL_DUE), "t4", raw.PASSWORD, password("t4"))
        self.assertIsNone(answer.ticket)
        link = self.open(gateway.bound(person("t4"), password("t4")))
        question = raw.compare(membership("t4"), "tickets:read")
        self.ask(raw.NO_ACCESS, question, link)  # may enrol, and nothing else
        self.ask(raw.NO_OBJECT, raw.enroll(raw.CONFIRM, code="123456"), link)
        self.ask(raw.NO_ACCESS, raw.enroll(raw.RESET), link)
        step = fresh_step()
        first = self.ask(raw.SUCCESS, raw.enroll(raw.BEGIN), link).secret
        secret = self.ask(raw.SUCCESS, raw.enroll(raw.BEGIN, "t4"), link).secret
        self.assertNotEqual(first, secret)
        for text in (wrong_code(secret), code(first, step - 1)):
            self.ask(raw.WRONG, raw.enroll(raw.CONFIRM, code=text), link)
        self.assertEqual(self.codes_counted("t4"), 2)
        self.assertNotIn("ushertotpsecret", gateway.entry(person("t4")))
        self.ask(raw.SUCCESS, raw.enroll(raw.CONFIRM, code=code(secret, step - 1)), link)
        self.ask(raw.COMPARE_FALSE, question, link)
        self.assertEqual(gateway.ledger("t4", "usherToken"), [])
        held = ticket(self.link, "t4")
        self.refused("t4", code(secret, step - 1), held)  # proved the app, and is used
        self.complete("t4", code(secret, step), held)
        sealed = gateway.entry(person("t4"))["ushertotpsecret"][0]
        self.assertNotIn(secret, sealed)

    def test_an_abandoned_enrolment_opens_nothing(self):
        add_person(gateway, "t8", usherSecondFactor="totp")
        link = self.open(gateway.bound(person("t8"), password("t8")))
        self.ask(raw.SUCCESS, raw.enroll(raw.BEGIN), link)
        for _ in range(20):  # the Abandon comes while the person is being looked for
            number = link.number + 1
            link.number += 2
            link.send(raw.message(number, raw.enroll(raw.CONFIRM, code="000000")),
                      raw.message(number + 1, raw.abandon(number)))
            self.ask(raw.NO_ACCESS, raw.compare(membership("t8"), "tickets:read"), link)
        gateway.ctl("unlock", "t8")
        self.ask(raw.NO_ACCESS, raw.compare(membership("t8"), "tickets:read"), link)

    def test_enrolled_elsewhere_meanwhile(self):
        """Whoever may only enrol may not put another app in the place of one that is enrolled by then."""
        add_person(gateway, "t11", usherSecondFactor="totp")
        early = self.open(gateway.bound(person("t11"), password("t11")))
        enrol(gateway, "t11")
        self.ask(raw.NO_ACCESS, raw.enroll(raw.BEGIN), early)

    def test_steps_never_go_back(self):
        """Also where a new app is enrolled with an earlier code than the last one used."""
        add_person(gateway, "t12", usherSecondFactor="totp")
        secret, step = enrol(gateway, "t12")
        with gateway.local() as link:
            held = ticket(link, "t12")
            self.ask(raw.SUCCESS, raw.verify("t12", raw.CODE, code(secret, step + 1), ticket=held), link)
        enrol(gateway, "t12")
        self.assertGreaterEqual(int(gateway.ledger("t12", "usherTotpStep")[0]), step + 1)
        gateway.ctl("code", "reset", "t12")  # with the secret its steps are gone
        secret, step = enrol(gateway, "t12")
        with gateway.local() as link:
            held = ticket(link, "t12")
            self.ask(raw.SUCCESS, raw.verify("t12", raw.CODE, code(secret, step), ticket=held), link)

    def enrolled(self, uid):
        """The outcome of the confirmation, as the audit log tells it."""
        lines = gateway.text("usherd.log").splitlines()
        return [re.search(r"outcome=(\w+)", line).group(1) for line in lines
                if "operation=enroll " in line and " user=%s " % uid in line][1:]

    def test_an_enrolment_opens_no_other_session(self):
        """It is confirmed once somebody else is bound on the connection, who has to enrol, too."""
        for turn in range(8):  # till the confirmation ends neither before the bind nor with it
            one, other = "t9-%d" % turn, "t10-%d" % turn
            for uid in (one, other):
                add_person(gateway, uid, usherSecondFactor="totp")
            link = self.open(gateway.bound(person(one), password(one)))
            begin = raw.enroll(raw.BEGIN)
            secret = self.ask(raw.SUCCESS, begin, self.open(gateway.bound(person(one), password(one)))).secret
            before = [self.open(gateway.admin()) for _ in range(24)]
            for ahead in before:  # one at a time, and the confirmation after them
                ahead.send(*[raw.message(i + 1, raw.recovery(one)) for i in range(120)])
            link.post(raw.enroll(raw.CONFIRM, code=code(secret, int(time.time() // 30))))
            for ahead in before[:3 * turn + 1]:  # it finds its person meanwhile
                for _ in range(120):
                    ahead.receive()
            number = link.post(raw.bind(person(other), password(other)))
            if link.receive().id != number:
                continue
            for ahead in before[3 * turn + 1:]:
                for _ in range(120):
                    ahead.receive()
            outcome = until("it is settled", lambda: self.enrolled(one))
            self.ask(raw.NO_ACCESS, raw.compare(membership(other), "tickets:read"), link)
            if outcome == ["ok"]:
                return
        self.fail("never was the bind answered first")

    def test_reset(self):
        secret, step = self.with_app("t5")
        held = ticket(self.link, "t5")
        gateway.ctl("code", "reset", "t5")
        self.verify((raw.STRONGER, raw.ENROLL_DUE), "t5", raw.PASSWORD, password("t5"))
        self.refused("t5", code(secret, step), held)
        again, _ = enrol(gateway, "t5", 1)
        self.refused("t5", code(secret, step), ticket(self.link, "t5"))
        self.assertNotEqual(again, secret)

    def test_a_sealed_secret_works_nowhere_else(self):
        secret, step = self.with_app("t6")
        add_person(gateway, "t7", usherSecondFactor="totp",
                   usherTotpSecret=gateway.entry(person("t6"))["ushertotpsecret"][0])
        self.refused("t7", code(secret, step), ticket(self.link, "t7"))


class Binds(Case):
    def setUp(self):
        self.link = self.open(gateway.ldap())

    def test_password_and_code_together(self):
        secret, step = self.with_app("b1")
        texts = [self.ask(raw.WRONG, raw.bind("b1", text)).text for text in
                 (password("b1"), password("b1") + wrong_code(secret), "wrong" + code(secret, step),
                  password("b1") + code(secret, step - 1), code(secret, step) + password("b1"), "wrong")]
        self.assertEqual(set(texts), {REFUSED_TEXT})
        self.assertEqual(self.codes_counted("b1"), 1)
        self.ask(raw.SUCCESS, raw.bind("b1", password("b1") + code(secret, step)))
        self.assertEqual(self.ask(raw.SUCCESS, raw.extended(raw.WHOAMI)).value.decode(), "dn:" + person("b1"))
        self.assertEqual(gateway.ledger("b1"), [])
        self.ask(raw.WRONG, raw.bind("b1", password("b1") + code(secret, step)))
        self.assertEqual(self.codes_counted("b1"), 0)
        self.ask(raw.SUCCESS, raw.bind("b1", password("b1") + code(secret, step + 1)))

    def test_blocked_in_the_network_alone(self):
        """A blocked password confirms neither a right one nor the code behind it, and blocks nobody who
        comes from another side; nor does a blocked code say that the password was right."""
        secret, step = self.with_app("b4")
        local, right = self.open(gateway.local()), password("b4") + code(secret, step)
        used = gateway.ledger("b4", "usherTotpStep")
        looks = {(self.ask(raw.WRONG, raw.bind("b4", text)).text, ) for text in
                 ["wrong"] * LIMIT + [right, password("b4"), "wrong"]}
        self.assertEqual(looks, {(REFUSED_TEXT,)})
        self.assertEqual((gateway.ledger("b4", "usherTotpStep"), self.codes_counted("b4")), (used, 0))
        self.assertEqual([gateway.failures("b4", key)[0] for key in ("password@net", "password@local")],
                         [LIMIT, 0])
        held = ticket(local, "b4")
        self.complete("b4", code(secret, step), held, link=local)
        self.assertEqual(gateway.failures("b4", "password@net")[0], LIMIT)  # opens at home alone
        self.ask(raw.WRONG, raw.bind("b4", password("b4") + code(secret, step + 1)))
        gateway.ctl("unlock", "b4")
        for _ in range(LIMIT):
            self.ask(raw.WRONG, raw.bind("b4", password("b4") + wrong_code(secret)))
        for text in (code(secret, step + 1), wrong_code(secret), ""):
            self.assertEqual(self.ask(raw.WRONG, raw.bind("b4", password("b4") + text)).text, REFUSED_TEXT)
        self.assertEqual((self.codes_counted("b4"), gateway.failures("b4", "password@net")[0]), (LIMIT, 0))
        self.refused("b4", code(secret, step + 1), held, link=local)  # codes are counted once for all

    def test_a_service_is_limited_too(self):
        dn, right = service("till-3", "acme"), "till-3-demo-password"
        local = self.open(gateway.local())
        self.ask(raw.SUCCESS, raw.bind(dn, right))
        for text in ["wrong"] * LIMIT + [right, "wrong"]:
            self.assertEqual(self.ask(raw.WRONG, raw.bind(dn, text)).text, REFUSED_TEXT)
        self.ask(raw.SUCCESS, raw.bind(dn, right), local)

    def test_the_session_has_its_factor(self):
        add(gateway, "cn=safe:open,ou=permissions," + BASE, ["usherPermission"], cn="safe:open",
            usherFactor="TRUE")
        secret, step = self.with_app("b2")
        gateway.modify(membership("b2"), usherGrant="+safe:open")
        gateway.caught_up()
        self.ask(raw.SUCCESS, raw.bind("b2", password("b2") + code(secret, step)))
        for claim in ("", ";factor=none"):
            self.ask(raw.COMPARE_TRUE, raw.compare(membership("b2"), "safe:open" + claim))

    def test_six_digits_at_the_end_of_a_password(self):
        add_person(gateway, "b3", userPassword="ends-in-123456")
        self.ask(raw.SUCCESS, raw.bind("b3", "ends-in-123456"))


class Tickets(Case):
    def test_whose_they_are(self):
        secret, step = self.with_app("k1")
        add_person(gateway, "k2")
        other_secret, _ = enrol(gateway, "k2")
        held, others = ticket(self.link, "k1"), ticket(self.link, "k2")
        elsewhere = ticket(self.link, "k1", organization="acme")
        backoffice = self.open(gateway.backoffice())
        of_service = ticket(backoffice, "k1")
        good = code(secret, step)
        changed = bytearray(held)
        changed[len(changed) // 2] ^= 1
        for bad in (None, "", "x", "A" * 200, others, elsewhere, of_service, bytes(changed), held[:-4],
                    held + b"A", held.swapcase(), b"\0" + held):
            if bad in (b"\0" + held,):
                self.ask(11, raw.verify("k1", raw.CODE, good, ticket=bad))
            else:
                self.refused("k1", good, bad)
        self.refused("k1", good, held, link=backoffice)
        self.refused("k1", good, held, organization="acme")
        self.refused("nobody-here", good, held)
        self.refused("k2", code(other_secret, step), held)
        self.assertEqual((gateway.ledger("k1"), gateway.ledger("k2"))[1], self.one_password("k2"))
        self.complete("k1", good, elsewhere, organization="acme")
        self.complete("k1", code(secret, step + 1), of_service, link=backoffice)

    def one_password(self, uid):
        """A right password whose code is due was given back, so that nothing is counted."""
        self.assertEqual(gateway.failures(uid, "password@local")[0], 0)
        return []

    def test_ended_by_the_epoch(self):
        secret, step = self.with_app("k3")
        held = ticket(self.link, "k3")
        gateway.modify(person("k3"), usherAuthEpoch="1")
        self.refused("k3", code(secret, step), held)
        self.complete("k3", code(secret, step), ticket(self.link, "k3"))

    def test_a_pin_is_no_password(self):
        secret, step = self.with_app("k4")
        gateway.pin("acme", "k4", "4711")
        held = self.verify((raw.SUCCESS, raw.COMPLETE), "k4", raw.PIN, "4711", organization="acme").ticket
        self.refused("k4", code(secret, step), held, organization="acme")
        self.assertEqual(self.codes_counted("k4"), 0)

    def test_account_phase(self):
        secret, step = self.with_app("k5")
        add_person(gateway, "k6")
        due = raw.STRONGER, raw.FACTOR_DUE
        done = raw.SUCCESS, raw.COMPLETE
        self.verify(done, "k6", raw.NONE)
        self.verify(done, "k6", raw.NONE, organization="acme")
        self.verify((raw.UNWILLING, raw.NOT_A_MEMBER), "k6", raw.NONE, organization="globe")
        self.verify((raw.UNWILLING, raw.LACKS_PERMISSION), "k6", raw.NONE, organization="acme",
                    permission="tickets:read")
        self.verify((raw.NO_OBJECT, raw.REFUSED), "nobody-here", raw.NONE)
        self.ask(raw.PROTOCOL_ERROR, raw.verify("k6", raw.NONE, "secret"))
        self.verify(due, "k5", raw.NONE)
        held = ticket(self.link, "k5")
        self.verify(due, "k5", raw.NONE, ticket=held)
        full = self.complete("k5", code(secret, step), held).ticket
        self.verify(done, "k5", raw.NONE, ticket=full)
        self.verify((raw.WRONG, raw.REFUSED), "k6", raw.NONE, ticket=full)
        self.verify((raw.WRONG, raw.REFUSED), "k5", raw.NONE, ticket="forged")

    def test_an_organization_that_requires_a_factor(self):
        add_person(gateway, "k7", ("acme", "strict"))
        self.verify((raw.STRONGER, raw.ENROLL_DUE), "k7", raw.PASSWORD, password("k7"))
        gateway.modify(membership("k7", "strict"), usherActive="FALSE")
        self.verify((raw.SUCCESS, raw.COMPLETE), "k7", raw.PASSWORD, password("k7"))


class Mailed(Case):
    def person(self, uid, **attributes):
        add_person(gateway, uid, usherSecondFactor="email", **attributes)

    def mailed(self, uid):
        """(body, code) of the newest mail to this person."""
        mail = [text for text in gateway.mails() if "X-Sink-To: %s@example.org" % uid in text][-1]
        body = email.message_from_string(mail, policy=email.policy.default).get_body(("plain",)).get_content()
        return body, re.search(r"\b\d{6}\b", body).group()

    def test_password_then_mailed_code(self):
        self.person("m1", displayName="Mary Example", preferredLanguage="it")
        answer = self.verify((raw.STRONGER, raw.FACTOR_DUE), "m1", raw.PASSWORD, password("m1"))
        self.assertEqual(answer.means, raw.EMAIL)
        held = answer.ticket
        self.refused("m1", "123456", held)  # none was sent
        sent = self.ask(raw.SUCCESS, raw.challenge("m1", ticket=held))
        self.assertEqual([sent.fields[i] for i in (0, 2, 3)], [b"\1", b"\6", b"\1\x2c"])
        self.assertRegex(sent.destination, r"^m[*]+@")
        self.assertNotIn("m1@", sent.destination)
        body, text = self.mailed("m1")
        self.assertIn("Mary Example", body)
        self.assertIn("codice", body)
        self.assertNotIn(text, gateway.text("usherd.log"))
        self.assertNotIn(text, "".join(gateway.ledger("m1", "usherChallenge")).split(" ")[-1:])
        self.refused("m1", "%06d" % ((int(text) + 1) % 1000000), held)
        again = self.ask(raw.BUSY, raw.challenge("m1", ticket=held))  # one a minute
        self.assertIn("minute", again.text)
        self.complete("m1", text, held)
        self.assertEqual([value[:5] for value in gateway.ledger("m1", "usherChallenge")], ["used "])
        self.assertEqual(gateway.ledger("m1"), [])
        self.refused("m1", text, held)
        self.assertEqual(gateway.ledger("m1"), [])  # used before: refused and not counted
        self.ask(raw.SUCCESS, raw.challenge("m1", ticket=held))  # whoever used a code may have the next

    def test_in_a_bind(self):
        self.person("m2")
        self.ask(raw.SUCCESS, raw.challenge("m2"))  # a trusted peer needs no ticket
        _, text = self.mailed("m2")
        link = self.open(gateway.ldap())
        self.ask(raw.WRONG, raw.bind("m2", password("m2")), link)
        self.ask(raw.SUCCESS, raw.bind("m2", password("m2") + text), link)
        self.ask(raw.WRONG, raw.bind("m2", password("m2") + text), link)

    def test_unknown_and_unsuitable(self):
        before = len(gateway.mails())
        self.person("m3")
        known = self.ask(raw.SUCCESS, raw.challenge("m3"))
        for name in ("nobody-here", "nobody@example.org", "m-nobody"):
            unknown = self.ask(raw.SUCCESS, raw.challenge(name))
            self.assertEqual([unknown.fields[i] for i in (0, 2, 3)], [known.fields[i] for i in (0, 2, 3)])
            self.assertRegex(unknown.destination, r"^.[*]+@")
        self.assertEqual(len(gateway.mails()), before + 1)
        add_person(gateway, "m4")
        self.ask(raw.UNWILLING, raw.challenge("m4"))
        self.person("m5", usherMailVerified="FALSE")
        self.ask(raw.UNWILLING, raw.challenge("m5"))
        self.verify((raw.STRONGER, raw.ENROLL_DUE), "m5", raw.PASSWORD, password("m5"))
        for bad in ("forged", ticket(self.link, "m3")):
            self.ask(raw.WRONG, raw.challenge("m4", ticket=bad))
        link = self.open(gateway.ldap())  # a ticket of nobody's tells a stranger nothing of the name
        answers = [self.ask(raw.WRONG, raw.challenge(name, ticket="forged"), link)
                   for name in ("m3", "m4", "nobody-here")]
        self.assertEqual(len({(answer.text, answer.value) for answer in answers}), 1)

    def test_mail_server_down(self):
        self.person("m6")
        held = ticket(self.link, "m6")
        gateway.end_mail()
        answer = self.ask(raw.UNAVAILABLE, raw.challenge("m6", ticket=held, language="en"))
        self.assertIn("could not be sent", answer.text)
        self.assertEqual(gateway.ledger("m6", "usherChallenge"), [])
        gateway.start_mail()
        self.ask(raw.SUCCESS, raw.challenge("m6", ticket=held))  # at once: nothing was sent before
        self.complete("m6", self.mailed("m6")[1], held)

    def test_a_new_challenge_clears_no_count(self):
        self.person("m7")
        held = ticket(self.link, "m7")
        for _ in range(LIMIT):
            self.refused("m7", "000000", held)
        self.ask(raw.SUCCESS, raw.challenge("m7", ticket=held))
        self.assertEqual(self.codes_counted("m7"), LIMIT)
        self.refused("m7", self.mailed("m7")[1], held)
        gateway.ctl("unlock", "m7")
        self.complete("m7", self.mailed("m7")[1], held)


if __name__ == "__main__":
    unittest.main()
