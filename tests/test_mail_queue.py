#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The mail queue against a mail server that is away, refuses, hangs or dies, and an usherd that is
killed: every notice arrives exactly once, or is found in the folder dead; codes are refused at once."""
import collections
import email
import email.policy
import os
import re
import signal
import unittest

import raw_ldap as raw
from gateway import Gateway, until
from people import add_person, enrol, ticket

gateway = None
OPTIONS = {"mail.notices": True, "mail.retry_first": 1, "mail.retry_most": 1}
IMPATIENT = {"mail.timeout": 1500, "mail.queue_timeout": 2}  # with a server that says nothing


def setUpModule():
    global gateway
    gateway = Gateway(OPTIONS)
    gateway.start_mail()
    gateway.__enter__()


def tearDownModule():
    gateway.stop()


def queued(folder="queue"):
    return sorted(os.listdir(gateway.path("mail-queue/" + folder)))


def received(uid):
    """The mails to this person, parsed."""
    return [email.message_from_string(text, policy=email.policy.default) for text in gateway.mails()
            if "X-Sink-To: %s@example.org\n" % uid in text.replace("\r\n", "\n")]


def set_password(uid, new):
    gateway.ctl("password", "set", "--password-file", "-", uid, text=new + "\n")


def drained():
    until("the queue is empty", lambda: not queued())


class Queue(unittest.TestCase):
    def setUp(self):
        self.mood()
        drained()

    def mood(self, *moods):
        gateway.end_mail()
        gateway.start_mail(*moods)

    def people(self, letter, count):
        names = ["%s%d" % (letter, i) for i in range(count)]
        for uid in names:
            add_person(gateway, uid)
        return names

    def drained(self):
        drained()
        self.assertEqual(os.listdir(gateway.path("mail-queue/tmp")), [])

    def figures(self):
        monitor = gateway.monitor()
        return [monitor["usherMail" + name] for name in ("Queued", "Sent", "Dead")]

    def exactly_once(self, names):
        self.assertEqual([len(received(uid)) for uid in names], [1] * len(names))

    def test_each_kind_in_the_person_s_language(self):
        add_person(gateway, "n1", preferredLanguage="da", displayName="Søren Æ")
        add_person(gateway, "n2", usherMailVerified="FALSE")
        set_password("n2", "new-password-n2")  # an address that may be a stranger's gets nothing
        set_password("n1", "new-password-n1")
        with gateway.local() as link:
            self.assertEqual(link.ask(raw.password_modify("n1", "new-password-n1", "newer-password-n1")).code, 0)
            self.assertEqual(link.ask(raw.password_modify("n1", "wrong", "newest-password-n1")).code, raw.WRONG)
        gateway.pin("acme", "n1", "4711")
        enrol(gateway, "n1")
        gateway.ctl("code", "reset", "n1")
        self.drained()
        mails = received("n1")
        self.assertEqual([mail["subject"].split(" ")[:3] for mail in mails], [
            ["Din", "adgangskode", "til"], ["Din", "adgangskode", "til"], ["Din", "PIN-kode", "hos"],
            ["Koder", "til", "usher"], ["Din", "app", "giver"]])
        for mail in mails:
            self.assertEqual(mail.get_content_type(), "text/plain")
            self.assertIn("Hej Søren Æ,", mail.get_content())
            self.assertRegex(mail.get_content(), r"\(20\d\d-\d\d-\d\d \d\d:\d\d UTC\)")
        self.assertEqual(len({mail["message-id"] for mail in mails}), 5)
        self.assertEqual(received("n2"), [])
        self.assertNotIn("new-password-n1", "".join(gateway.mails()) + gateway.text("usherd.log"))

    def test_server_down_and_killed(self):
        names = self.people("k", 12)
        gateway.end_mail()
        for i, uid in enumerate(names):
            set_password(uid, "new-password-" + uid)
            if i in (4, 9):
                gateway.end_daemon(signal.SIGKILL)
                gateway.start_daemon()
        self.assertEqual(len(queued()), 12)
        self.assertEqual({oct(os.stat(gateway.path("mail-queue/queue/" + name)).st_mode & 0o7777)
                          for name in queued()}, {"0o600"})
        self.assertEqual(oct(os.stat(gateway.path("mail-queue")).st_mode & 0o777), "0o700")
        until("the queue is known", lambda: gateway.monitor()["usherMailQueued"] == "12")
        gateway.end_daemon(signal.SIGKILL)
        self.mood()
        gateway.start_daemon()
        self.drained()
        self.exactly_once(names)
        until("they are counted", lambda: self.figures() == ["0", "12", "0"])

    def test_killed_again_and_again(self):
        """kill -9 at any moment loses none; one that was just being handed over may come twice, and is
        then known by its Message-ID."""
        names = self.people("z", 30)
        for i, uid in enumerate(names):
            set_password(uid, "new-password-" + uid)
            if i % 3 == 2:
                gateway.end_daemon(signal.SIGKILL)
                gateway.start_daemon()
        self.drained()
        for uid in names:
            self.assertEqual(len({mail["message-id"] for mail in received(uid)}), 1, uid)

    def test_a_recovery_code_was_used(self):
        """Its person hears of it once, in whatever way the login ends and whatever happens meanwhile; of a
        code that is refused they do not."""
        add_person(gateway, "u1", preferredLanguage="it")
        enrol(gateway, "u1")
        codes = gateway.ctl("code", "recovery", "u1").stdout.split()
        self.drained()
        before = len(received("u1"))
        gateway.end_mail()
        with gateway.local() as link:
            def use(text, **where):
                held = ticket(link, "u1", **where)
                return link.ask(raw.verify("u1", raw.CODE, text, ticket=held, **where)).code
            self.assertEqual(use(codes[0]), raw.SUCCESS)
            self.assertEqual(len(queued()), 1)
            self.assertEqual([use(text) for text in (codes[0], "aaaaa-aaaaa")], [raw.WRONG] * 2)
            self.assertEqual(use(codes[1], organization="platform"), raw.UNWILLING)  # gone all the same
            self.assertEqual(use(codes[1]), raw.WRONG)
        self.assertEqual(len(queued()), 2)
        gateway.end_daemon(signal.SIGKILL)
        self.mood()
        gateway.start_daemon()
        self.drained()
        mails = [mail.get_content() for mail in received("u1")[before:]]
        self.assertEqual(sorted(re.findall(r"Ne restano: (\d+)\.", "".join(mails))), ["8", "9"])
        self.assertEqual(len(mails), 2)
        self.assertFalse([text for text in codes if text in "".join(mails)])

    def test_moods(self):
        for number, mood in enumerate((["--refuse=451 later"], ["--silent=hello"], ["--silent=data"],
                                       ["--die=data"], ["--refuse=421 gone"])):
            with self.subTest(mood=mood):
                names = self.people("m%d" % number, 2)
                gateway.reload_daemon(**IMPATIENT)
                self.mood(*mood)
                for uid in names:
                    set_password(uid, "new-password-" + uid)
                failed = int(gateway.monitor()["usherMailFailed"])
                until("a try has failed", lambda: int(gateway.monitor()["usherMailFailed"]) > failed)
                self.assertEqual(len(queued()), 2)
                gateway.reload_daemon()
                self.mood()
                self.drained()
                self.exactly_once(names)
        self.assertEqual(queued("dead"), [])

    def test_refused_for_good(self):
        uid, = self.people("d", 1)
        self.mood("--refuse=550 no such user")
        set_password(uid, "new-password-" + uid)
        until("it is given up", lambda: queued("dead"))
        self.assertEqual(queued(), [])
        until("the log says so", lambda: re.search(
            r"mail %s \(password-changed\) is not delivered, and now in the folder dead: .*550"
            % queued("dead")[0], gateway.text("usherd.log")))
        until("it is counted", lambda: gateway.monitor()["usherMailDead"] == "1")
        self.mood()  # an administrator puts it back, and it is found at the next start
        os.rename(gateway.path("mail-queue/dead/" + queued("dead")[0]),
                  gateway.path("mail-queue/queue/" + queued("dead")[0]))
        gateway.restart_daemon()
        self.drained()
        self.exactly_once([uid])

    def test_the_window_that_smtp_leaves(self):
        """The server takes the mail and its answer is lost: sent again, known by its Message-ID."""
        uid, = self.people("w", 1)
        self.mood("--silent=accepted")
        set_password(uid, "new-password-" + uid)
        until("the server has it", lambda: received(uid))
        gateway.end_daemon(signal.SIGKILL)
        self.mood()
        gateway.start_daemon()
        self.drained()
        mails = received(uid)
        self.assertEqual((len(mails), len({mail["message-id"] for mail in mails})), (2, 1))
        self.assertEqual(len({mail.as_string().split("\n\n", 1)[1] for mail in mails}), 1)

    def test_what_is_no_mail(self):
        os.makedirs(gateway.path("mail-queue/queue"), exist_ok=True)
        gateway.check_end(gateway.end_daemon())
        good = "usher-mail 1\nkind x\nto a@example.org\nmade 1\nuntil 2\nsecret 0\nbytes 3\n\nabc"
        bad = {"0" * 32: "", "1" * 32: "hello", "2" * 32: good + "d", "3" * 32: good[:-1],
               "4" * 32: good.replace("a@", "a@@"), "5" * 32: good.replace("until 2", "until 0"),
               "not-an-id": good, "6" * 32: "\0" * 1000, "7" * 32: good.replace("bytes 3", "bytes -3")}
        for name, text in {**bad, "8" * 32: good, "9" * 32: good.replace("secret 0", "secret 1")}.items():
            gateway.write("mail-queue/queue/" + name, text)
        gateway.write("mail-queue/tmp/" + "a" * 32, good)
        gateway.start_daemon()
        self.drained()  # 8...: its time is over; 9... too, and it is not kept
        self.assertEqual(queued("dead"), sorted([*bad, "8" * 32]))
        self.assertIn("its time is over", gateway.text("usherd.log"))
        for name in queued("dead"):
            os.unlink(gateway.path("mail-queue/dead/" + name))

    def test_bounds(self):
        names = self.people("b", 12)
        gateway.end_mail()
        gateway.restart_daemon(**{"mail.queue_count": 3})
        links = [gateway.admin() for _ in names]
        for link, uid in zip(links, names):  # at once: two do not take the last place
            link.post(raw.password_modify(uid, new="new-password-" + uid))
        for answer in raw.answers(links):
            self.assertEqual(answer.code, raw.SUCCESS)  # works, queue full or not
        for link in links:
            link.close()
        self.assertEqual(len(queued()), 3)
        self.assertIn("too many wait in the queue", gateway.text("usherd.log"))
        self.mood()
        gateway.restart_daemon(**{"mail.queue_count": 10000})
        self.drained()
        self.assertEqual(sum(len(received(uid)) for uid in names), 3)

    def test_folder_of_others(self):
        os.chmod(gateway.path("mail-queue"), 0o755)
        gateway.restart_daemon()
        self.assertIn("must be ours and of mode 0700", gateway.text("usherd.log"))
        set_password("b0" if received("b0") else self.people("o", 1)[0], "still-works")
        os.chmod(gateway.path("mail-queue"), 0o700)
        gateway.restart_daemon()
        self.assertIn("usherMailQueued", gateway.monitor())

    def test_switched_off(self):
        uid, = self.people("s", 1)
        gateway.restart_daemon(**{"mail.notices": False})
        set_password(uid, "new-password-" + uid)
        self.assertEqual(queued(), [])
        gateway.restart_daemon(**{"mail.notices": True})
        self.assertEqual(received(uid), [])


class Codes(unittest.TestCase):
    def setUp(self):
        drained()

    def test_refused_clearly(self):
        """Whatever is wrong with the mail server: no code, a clear text, no challenge, and no mail later;
        and the same for a name that nobody has, as often as it is asked for."""
        refused = (raw.UNAVAILABLE, "The code could not be sent. Please try again later.")
        for number, mood in enumerate((None, ["--refuse"], ["--refuse=451 later"], ["--silent=hello"],
                                       ["--silent=data"], ["--die=data"])):
            with self.subTest(mood=mood), gateway.local() as link:
                uid, nobody = "c%d" % number, "c%d-nobody" % number
                add_person(gateway, uid, usherSecondFactor="email")
                held = ticket(link, uid)
                gateway.reload_daemon(**IMPATIENT)
                gateway.end_mail()
                if mood is not None:
                    gateway.start_mail(*mood)
                asked = [raw.challenge(uid, ticket=held), raw.challenge(nobody)]
                if mood is None or mood == ["--silent=hello"]:  # seen by whoever comes first
                    asked.reverse()
                for operation in asked * 2:
                    answer = link.ask(operation)
                    self.assertEqual((answer.code, answer.text), refused)
                self.assertEqual(gateway.ledger(uid, "usherChallenge"), [])
                self.assertEqual(queued(), [])
                gateway.reload_daemon()
                gateway.end_mail()
                gateway.start_mail()
                for operation in asked:
                    self.assertEqual(link.ask(operation).code, 0)
                self.assertEqual(len(received(uid)), 1)

    def test_a_hung_server_starves_nobody(self):
        """Forty codes wait for a server that says nothing; PINs and passwords are checked meanwhile, and
        a code that has waited in vain for long enough is refused without being tried."""
        gateway.end_mail()
        gateway.start_mail("--silent=hello")
        gateway.reload_daemon(**IMPATIENT)
        self.addCleanup(gateway.reload_daemon)
        names = ["h%d" % i for i in range(40)]
        for uid in names:
            add_person(gateway, uid, usherSecondFactor="email")
        add_person(gateway, "h-pin")
        gateway.pin("acme", "h-pin", "0042")
        with gateway.local() as link, gateway.local() as other:
            for uid in names:
                link.post(raw.challenge(uid))
            until("codes wait", lambda: int(gateway.monitor()["usherMailJobs"]) > 4)
            done = 0
            while int(gateway.monitor()["usherMailJobs"]) > 4 and done < 200:
                answer = other.ask(raw.verify("h-pin", raw.PIN, "0042", organization="acme"))
                self.assertEqual(answer.code, 0, answer)
                done += 1
            self.assertGreater(done, 3)
            codes = collections.Counter(link.receive().code for _ in names)
            self.assertEqual(codes, {raw.UNAVAILABLE: 40})
        gateway.end_mail()
        gateway.start_mail()

    def test_no_room_for_a_code(self):
        """Beyond the bound a challenge is refused and taken back: its minute does not run."""
        gateway.end_mail()
        gateway.start_mail("--silent=hello")
        gateway.restart_daemon(**{"limits.queue": 16, "mail.timeout": 60000})
        self.addCleanup(gateway.restart_daemon, **{"limits.queue": 4096, **OPTIONS})
        names = ["q%d" % i for i in range(21)]
        for uid in names:
            add_person(gateway, uid, usherSecondFactor="email")
        with gateway.local() as link, gateway.local() as other:
            for count, uid in enumerate(names[:20], 1):
                link.post(raw.challenge(uid))
                until("it waits", lambda: gateway.monitor()["usherMailJobs"] == str(count))
            answer = other.ask(raw.challenge(names[20]))
            self.assertEqual((answer.code, answer.text),
                             (raw.BUSY, "The code could not be sent. Please try again later."))
            self.assertEqual(gateway.ledger(names[20], "usherChallenge"), [])
            gateway.end_mail()
            gateway.start_mail()
            for _ in names[:20]:
                link.receive()
            self.assertEqual(other.ask(raw.challenge(names[20])).code, 0)
        self.assertEqual(len(received(names[20])), 1)


if __name__ == "__main__":
    unittest.main()
