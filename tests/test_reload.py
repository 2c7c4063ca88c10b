#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# SIGHUP: what comes into force, what needs a restart, and that a bad file, key file or template leaves
# everything as it was. Each test has a gateway's log to itself from a mark on.
import os
import shutil
import signal
import threading
import unittest

import raw_ldap as raw
from asking import Asking
from gateway import CONF, STRANGER, Gateway, conf_text, free_port, membership, program, until
from people import add_person, password

gateway = None


def setUpModule():
    global gateway
    gateway = Gateway()
    gateway.start_mail()
    gateway.__enter__()


def tearDownModule():
    gateway.stop()


class Case(Asking):
    def setUp(self):
        self.mark = len(gateway.text("usherd.log"))
        self.link = self.open(gateway.local())
        self.addCleanup(self.reload)

    def said(self):
        return gateway.text("usherd.log")[self.mark:]

    def reload(self, **options):
        return gateway.reload_daemon(**options)

    def refused(self, text=None, **options):
        return gateway.reload_daemon("nothing was reloaded", text, **options)

    def tried(self, uid, secret, factor=raw.PASSWORD, **more):
        return self.link.ask(raw.verify(uid, factor, secret, **more)).code


class Options(Case):
    def test_a_limit_of_logins(self):
        add_person(gateway, "r1")
        said = self.reload(**{"login.limit": 2})
        self.assertIn("changed: login.limit\n", said)
        for _ in range(3):
            self.assertEqual(self.tried("r1", "wrong"), raw.WRONG)
        self.assertEqual(gateway.failures("r1", "password@local")[0], 2)
        self.assertEqual(self.tried("r1", password("r1")), raw.WRONG)

    def test_a_bound_holds_for_open_connections(self):
        with gateway.ldap() as link:
            large = raw.bind("x" * 4000, "y")
            self.assertEqual(link.ask(large).code, raw.WRONG)
            self.reload(**{"limits.message_size_anonymous": 1024})

            def cut():
                try:
                    return link.ask(large).code != raw.WRONG
                except AssertionError as notice:
                    return "longer than this server accepts" in str(notice)
            until("the connection is cut", cut)

    def test_peers_hold_for_new_connections(self):
        uid = STRANGER if os.geteuid() == 0 else os.geteuid()
        uids = {True: [uid, os.geteuid()], False: []}

        def connect():
            return gateway.as_uid(uid) if os.geteuid() == 0 else gateway.local()

        def trusted(link):
            return link.ask(raw.compare(membership("tom"), "tickets:read")).code != raw.NO_ACCESS

        def new_one_is(expected):
            with connect() as link:
                return trusted(link) == expected
        first = connect()
        self.addCleanup(first.close)
        before = trusted(first)
        self.assertEqual(before, uid != STRANGER)
        self.reload(**{"peers.trusted_uids": uids[not before]})
        until("a new connection is another's", lambda: new_one_is(not before))
        self.assertEqual(trusted(first), before)

    def test_what_needs_a_restart_is_named_each_time(self):
        port = free_port()
        for _ in range(2):
            said = gateway.reload_daemon("needs a restart", **{"listen.ldap": "127.0.0.1:%d" % port, "threads.loops": 3})
            self.assertIn("warning: needs a restart: listen.ldap, threads.loops\n", said)
            self.assertIn("changed: nothing\n", said)
        self.assertFalse(gateway.listens(("127.0.0.1", port)))
        gateway.ldap().close()

    def test_the_log_level(self):
        self.reload(log_level="error")
        before = len(gateway.text("usherd.log"))
        gateway.write("usher.conf", conf_text({**gateway.settings(), "log_level": "error",
                                               "threads.loops": 5}))
        gateway.daemon.send_signal(signal.SIGHUP)  # says nothing: no error, so look for what follows
        self.refused("base = 5;")
        quiet = gateway.text("usherd.log")[before:]
        self.assertNotIn("needs a restart", quiet)
        self.assertIn(" error: ", quiet)
        self.assertIn("changed: log_level\n", self.reload(log_level="debug"))


class BadFiles(Case):
    def test_the_old_configuration_stays(self):
        add_person(gateway, "b1")
        self.reload(**{"login.limit": 2})
        for text, says in (("login: {\n  limit = 0;\n};", "usher.conf:2: login.limit: found the integer 0"),
                           ("\n\nnonsense = 1;", "usher.conf:3: nonsense: there is no such option"),
                           ("base = ", "usher.conf:1: syntax error"),
                           ("@include \"x\"", "usher.conf:1: @include")):
            self.assertIn(says, self.refused(text))
        os.unlink(gateway.path("usher.conf"))
        before = len(gateway.text("usherd.log"))
        gateway.daemon.send_signal(signal.SIGHUP)
        until("the log names the file", lambda: "usher.conf: No such file" in
              gateway.text("usherd.log")[before:])
        for _ in range(4):
            self.assertEqual(self.tried("b1", "wrong"), raw.WRONG)
        self.assertEqual(gateway.failures("b1", "password@local")[0], 2)

    def test_one_bad_file_of_three_changes_nothing(self):
        add_person(gateway, "b2")
        os.mkdir(gateway.path("templates"))
        for options in ({"mail.templates": gateway.path("templates")}, {"keys.file": gateway.path("none")},
                        {"mail.password_file": gateway.path("none")}, {"login.lock_first": 3601}):
            name, = options
            self.assertIn(" error: %s: " % name, self.refused(**options, **{"login.limit": 1}))
        for _ in range(3):
            self.tried("b2", "wrong")
        self.assertEqual(gateway.failures("b2", "password@local")[0], 3)


class Keys(Case):
    def key_of(self, uid):
        return gateway.entry(membership(uid))["usherpin"][0].split(".")[1]

    def restart_with(self, keys):
        gateway.write("keys", keys)
        gateway.restart_daemon()
        self.link.close()
        self.link = self.open(gateway.local())

    def test_a_second_key_seals_and_the_first_still_opens(self):
        add_person(gateway, "k1")
        add_person(gateway, "k2")
        old = gateway.text("keys")
        first = old.split("\n")[2].split(" ")[0]
        gateway.pin("acme", "k1", "1234")
        gateway.run(program("usherctl"), "key", "init", gateway.path("more"))
        more = [line for line in gateway.text("more").splitlines() if not line.startswith("#")]
        gateway.write("keys", old + more[0] + "\n")
        self.reload()
        gateway.pin("acme", "k2", "5678")
        self.assertEqual((self.key_of("k1"), self.key_of("k2")), (first, more[0].split(" ")[0]))
        for uid, pin in (("k1", "1234"), ("k2", "5678")):
            self.assertEqual(self.tried(uid, pin, raw.PIN, organization="acme"), raw.SUCCESS)
        os.chmod(gateway.path("keys"), 0o644)
        self.assertIn("others may use it: its mode must be 0600", self.refused())
        self.assertEqual(self.tried("k2", "5678", raw.PIN, organization="acme"), raw.SUCCESS)
        os.chmod(gateway.path("keys"), 0o600)
        gateway.write("keys", old)
        self.reload()  # what was taken out still opens for five minutes, and seals nothing more
        self.assertEqual(self.tried("k2", "5678", raw.PIN, organization="acme"), raw.SUCCESS)
        gateway.pin("acme", "k2", "8765")
        self.assertEqual(self.key_of("k2"), first)
        self.restart_with(more[0] + "\n")
        self.assertEqual(self.tried("k2", "8765", raw.PIN, organization="acme"), raw.WRONG)
        self.restart_with(old)
        self.assertEqual(self.tried("k1", "1234", raw.PIN, organization="acme"), raw.SUCCESS)

    def test_logins_do_not_notice(self):
        add_person(gateway, "k3")
        gateway.pin("acme", "k3", "4321")
        codes, stop = [], threading.Event()

        def log_in():
            with gateway.local() as link:
                while not stop.is_set():
                    codes.append(link.ask(raw.verify("k3", raw.PIN, "4321", organization="acme")).code)
        thread = threading.Thread(target=log_in)
        thread.start()
        try:
            for number in range(20):
                self.reload(**{"login.issuer": "issuer %d" % number})
            count = len(codes)
            until("logins go on", lambda: len(codes) > count)
        finally:
            stop.set()
            thread.join()
        self.assertEqual(set(codes), {raw.SUCCESS})


class Templates(Case):
    def test_a_new_template_is_used(self):
        add_person(gateway, "t1", usherSecondFactor="email")
        folder = gateway.path("mail-templates")
        shutil.copytree(os.path.join(CONF, "mail"), folder)
        for language in ("en", "da", "it"):
            with open(os.path.join(folder, language, "code.txt"), "w") as file:
                file.write("Subject: your code\n\nTHE FIRST WORDING {name} {code} {minutes} {organization}\n")
        options = {"mail.templates": folder}
        self.reload(**options)
        self.send("t1", "THE FIRST WORDING")
        for language in ("en", "da", "it"):
            with open(os.path.join(folder, language, "code.txt"), "w") as file:
                file.write("Subject: your code\n\nTHE SECOND WORDING {name} {code} {minutes} {organization}\n")
        self.reload(**options)
        add_person(gateway, "t2", usherSecondFactor="email")
        self.send("t2", "THE SECOND WORDING")

    def send(self, uid, wording):
        ticket = self.link.ask(raw.verify(uid, raw.PASSWORD, password(uid))).ticket
        self.assertEqual(self.link.ask(raw.challenge(uid, ticket=ticket)).code, raw.SUCCESS)
        until("a mail says " + wording, lambda: any(wording in mail for mail in gateway.mails()))


class Sending(Case):
    def relink(self):
        self.link.close()
        self.link = self.open(gateway.local())

    def set_password(self, uid, number=1):
        gateway.ctl("password", "set", "--password-file", "-", uid, text="password-%d-%s\n" % (number, uid))

    def received(self, uid):
        return [mail for mail in gateway.mails() if "X-Sink-To: %s@example.org" % uid in mail]

    def queued(self):
        return os.listdir(gateway.path("mail-queue/queue"))

    def test_what_waits_goes_to_the_new_server_at_once(self):
        add_person(gateway, "w1")
        options = {"mail.notices": True, "mail.retry_first": 3600, "mail.retry_most": 86400}
        self.reload(**options, **{"mail.url": "smtp://127.0.0.1:%d" % free_port()})
        self.set_password("w1")
        until("it was tried", lambda: int(gateway.monitor()["usherMailFailed"]) > 0)
        self.assertEqual((len(self.queued()), gateway.monitor()["usherMailQueued"]), (1, "1"))
        self.reload(**options)
        until("the queue is empty", lambda: not self.queued())
        self.assertEqual(len(self.received("w1")), 1)

    def test_a_mail_server_that_takes_no_mail_of_ours(self):
        for wrong, says in (({"mail.url": "smtp://u:in-the-url@127.0.0.1:1"}, "holds a user name"),
                            ({"mail.url": "nonsense://"}, "smtp://host:port"),
                            ({"mail.url": "smtp://mail.example.org", "mail.user": "u"}, "in the clear"),
                            ({"mail.url": "smtp://127.0.0.1:1", "mail.from": "nobody"}, "sender")):
            said = self.refused(**wrong)
            self.assertIn(says, said)
            self.assertNotIn("in-the-url", said)

    def test_a_mail_server_where_there_was_none(self):
        add_person(gateway, "w2")
        gateway.restart_daemon(**{"mail.url": ""})
        del gateway.options["mail.url"]
        self.relink()
        self.reload(**{"mail.notices": True})
        self.set_password("w2")
        until("the notice arrives", lambda: self.received("w2"))
        self.reload(**{"mail.notices": True, "mail.url": ""})  # and none again: nothing is queued
        self.set_password("w2", 2)
        self.assertEqual(self.queued(), [])

    def test_an_sms_on_its_way_ends_as_it_began(self):
        for name, script in (("slow", 'cat >"$1/slow.text"; until [ -e "$1/go" ]; do sleep 0.05; done'),
                             ("fast", 'cat >"$1/fast.text"')):
            gateway.write(name, "#!/bin/sh\n%s\n" % script)
            os.chmod(gateway.path(name), 0o755)
        for uid in ("w3", "w4", "w5"):
            add_person(gateway, uid, usherSecondFactor="sms", mobile="+45 12 34 56 78")

        def by(name):
            words = ['"%s"' % word for word in (gateway.path(name), gateway.folder)]
            self.reload(**{"sms.command": words, "sms.timeout": 60000})
        by("slow")
        other = gateway.local()
        self.addCleanup(other.close)
        other.post(raw.challenge("w3"))
        until("the command runs", lambda: gateway.text("slow.text"))
        by("fast")
        answer = self.link.ask(raw.challenge("w4"))
        self.assertEqual((answer.code, answer.destination), (raw.SUCCESS, "***78"))
        self.assertTrue(gateway.text("fast.text"))
        gateway.write("go", "")
        answer = other.receive()
        self.assertEqual((answer.code, answer.destination), (raw.SUCCESS, "***78"))
        self.reload()  # no SMS any more
        answer = self.link.ask(raw.challenge("w5"))
        self.assertEqual((answer.code, answer.destination), (raw.SUCCESS, "w***@example.org"))

    def test_a_token_that_others_can_read(self):
        gateway.write("token", "a-token\n")
        os.chmod(gateway.path("token"), 0o644)
        options = {"sms.url": "https://127.0.0.1:1/", "sms.token_file": gateway.path("token")}
        self.assertIn("sms.token_file: %s must be a file of mode 0600" % gateway.path("token"),
                      self.refused(**options))
        os.chmod(gateway.path("token"), 0o600)
        self.assertIn("sms.url", self.reload(**options))

    def test_how_many_codes(self):
        add_person(gateway, "w6", usherSecondFactor="email")
        texts = {}
        for count in (0, 2, 0, 3, 4):
            self.reload(**{"limits.challenges_person": count})
            texts[count] = self.link.ask(raw.challenge("w6", language="en")).text.split(".")[0]
        self.assertEqual(texts, {0: "A code was asked for less than a minute ago",
                                 2: "A code was asked for less than a minute ago",
                                 3: "A code was asked for less than a minute ago",
                                 4: "A code was asked for less than a minute ago"})
        self.reload(**{"limits.challenges_person": 3})  # what was taken stays taken
        self.assertEqual(self.link.ask(raw.challenge("w6", language="en")).text,
                         "Too many codes were asked for. Please try again later.")


if __name__ == "__main__":
    unittest.main()
