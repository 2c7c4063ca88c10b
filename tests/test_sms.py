#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Codes by SMS: through a real command and a real HTTP server, falling back to mail; what each is given,
and that no code is left over when neither can send."""
import email
import email.policy
import http.server
import json
import os
import re
import ssl
import subprocess
import threading
import unittest

import raw_ldap as raw
from gateway import BASE, PATIENCE, Gateway, membership, until
from people import add, add_person, password, ticket

NUMBER = "+45 12 34 56 78"
gateway = None
hook = None


class Hook(http.server.ThreadingHTTPServer):
    """Keeps what is posted; `mood` is the status it answers, or "silent"."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.mood, self.posts, self.released = 204, [], threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def secure(self, cert, key):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, request, client_address):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append((self.path, dict(self.headers), json.loads(body)))
        if self.server.mood == "silent":
            self.server.released.wait(PATIENCE)
            return
        self.send_response(self.server.mood)
        if self.server.mood == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *what):
        pass


def setUpModule():
    global gateway, hook
    hook = Hook()
    gateway = Gateway()
    gateway.write("send", "#!/bin/sh\nset -e\ncat >\"$1/text.new\"\necho \"$2\" >\"$1/number\"\n"
                  "tr '\\0' ' ' </proc/$$/cmdline >\"$1/cmdline\"\nmv \"$1/text.new\" \"$1/text\"\n")
    os.chmod(gateway.path("send"), 0o755)
    gateway.write("token", "hook-token-of-the-test\n")
    os.chmod(gateway.path("token"), 0o600)
    gateway.options = {"sms.command": Words(gateway.path("send"), gateway.folder)}
    gateway.start_mail()
    gateway.__enter__()


def tearDownModule():
    gateway.stop()
    hook.released.set()
    hook.shutdown()
    hook.server_close()


class Words:
    """A list of strings in libconfig's words."""

    def __init__(self, *words):
        self.words = words

    def __str__(self):
        return "[%s]" % ", ".join('"%s"' % word for word in self.words)


def by_command(*words, timeout_s=PATIENCE):
    gateway.restart_daemon(**{"sms.command": Words(*(words or (gateway.path("send"), gateway.folder))),
                              "sms.url": "", "sms.token_file": "", "sms.ca_file": "",
                              "sms.timeout": 1000 * timeout_s})


def by_hook(url, ca_file="", timeout_s=PATIENCE):
    gateway.restart_daemon(**{"sms.command": Words(), "sms.url": url, "sms.ca_file": ca_file,
                              "sms.token_file": gateway.path("token"), "sms.timeout": 1000 * timeout_s})


class Sms(unittest.TestCase):
    def setUp(self):
        hook.mood = 204
        del hook.posts[:]
        for name in ("text", "number", "cmdline"):
            if os.path.exists(gateway.path(name)):
                os.unlink(gateway.path(name))

    def person(self, uid, **attributes):
        add_person(gateway, uid, usherSecondFactor="sms", mobile=NUMBER, **attributes)

    def link(self):
        link = gateway.local()
        self.addCleanup(link.close)
        return link

    def texted(self):
        """The code of the text that came."""
        return re.search(r"\b\d{6}\b", gateway.text("text")).group()

    def mailed(self, uid):
        mails = [email.message_from_string(text, policy=email.policy.default) for text in gateway.mails()
                 if "X-Sink-To: %s@example.org" % uid in text]
        return [re.search(r"\b\d{6}\b", mail.get_content()).group() for mail in mails]

    def ask(self, link, code, uid, **more):
        answer = link.ask(raw.challenge(uid, **more))
        self.assertEqual(answer.code, code, answer)
        return answer

    def complete(self, link, uid, code, held):
        answer = link.ask(raw.verify(uid, raw.CODE, code, ticket=held))
        self.assertEqual((answer.code, answer.state), (raw.SUCCESS, raw.COMPLETE), answer)

    def test_a_command(self):
        by_command()
        link = self.link()
        self.person("s1", preferredLanguage="da")
        due = link.ask(raw.verify("s1", raw.PASSWORD, password("s1")))
        self.assertEqual((due.state, due.means), (raw.FACTOR_DUE, raw.SMS))
        sent = self.ask(link, 0, "s1", ticket=due.ticket, means=raw.SMS)
        self.assertEqual((sent.fields[0], sent.destination), (bytes([raw.SMS]), "***78"))
        self.assertEqual(gateway.text("number"), "+4512345678\n")
        self.assertRegex(gateway.text("text"), r"^\d{6} er din kode til usher\. Den gælder i 5 minutter\..*[^\n]$")
        code = self.texted()
        self.assertNotIn(code, gateway.text("cmdline") + gateway.text("usherd.log"))
        self.assertIn("+4512345678", gateway.text("cmdline"))
        self.assertEqual(self.mailed("s1"), [])
        self.assertIn("minute", self.ask(link, raw.BUSY, "s1", ticket=due.ticket, language="en").text)
        self.complete(link, "s1", code, due.ticket)
        again = link.ask(raw.verify("s1", raw.CODE, code, ticket=due.ticket))
        self.assertEqual(again.code, raw.WRONG)

    def test_the_session_has_the_factor_sms(self):
        by_command()
        add(gateway, "cn=safe:open,ou=permissions," + BASE, ["usherPermission"], cn="safe:open",
            usherFactor="TRUE")
        self.person("s2")
        gateway.modify(membership("s2"), usherGrant="+safe:open")
        gateway.caught_up()
        self.ask(self.link(), 0, "s2")
        with gateway.ldap() as link:
            self.assertEqual(link.ask(raw.bind("s2", password("s2") + self.texted())).code, 0)
            self.assertEqual(link.ask(raw.compare(membership("s2"), "safe:open")).code, raw.COMPARE_TRUE)
        record, = gateway.ledger("s2", "usherChallenge")
        self.assertTrue(record.startswith("used sms "), record)

    def test_mail_where_there_is_no_mobile(self):
        by_command()
        link = self.link()
        add_person(gateway, "s3", usherSecondFactor="sms")
        add_person(gateway, "s4", usherSecondFactor="sms", mobile="12 34 56 78")
        self.person("s5")
        add_person(gateway, "s6", usherSecondFactor="email", mobile=NUMBER)
        for uid, means in (("s3", raw.SMS), ("s4", raw.DEFAULT), ("s5", raw.EMAIL), ("s6", raw.SMS)):
            held = ticket(link, uid)
            sent = self.ask(link, 0, uid, means=means, ticket=held)
            self.assertEqual((sent.fields[0], sent.destination), (bytes([raw.EMAIL]), "s***@example.org"))
            self.complete(link, uid, self.mailed(uid)[-1], held)
        self.assertEqual(gateway.text("text"), "")
        for name in ("nobody-here", "+4512345678"):
            unknown = self.ask(link, 0, name, means=raw.SMS)
            self.assertEqual(unknown.fields[0], bytes([raw.EMAIL]))

    def test_nowhere_to_send(self):
        by_command()
        link = self.link()
        self.person("s7", usherMailVerified="FALSE")
        held = ticket(link, "s7")
        by_command("/bin/false")
        link = self.link()
        answer = self.ask(link, raw.UNAVAILABLE, "s7", language="en")
        self.assertIn("could not be sent", answer.text)
        self.assertEqual(gateway.ledger("s7", "usherChallenge"), [])
        gateway.restart_daemon(**{"sms.command": Words()})
        answer = self.ask(self.link(), raw.UNWILLING, "s7", language="en")
        self.assertIn("could not be sent", answer.text)
        self.assertEqual((self.mailed("s7"), len(held) > 0), ([], True))

    def test_commands_that_fail(self):
        for number, words in enumerate((("/bin/false",), ("/nonexistent",), ("/bin/sleep", "3600"),
                                        ("/bin/sh", "-c", "kill $$"))):
            with self.subTest(words=words):
                by_command(*words, timeout_s=1)
                uid, link = "f%d" % number, self.link()
                self.person(uid)
                held = ticket(link, uid)
                sent = self.ask(link, 0, uid, ticket=held)
                self.assertEqual((sent.fields[0], sent.destination),
                                 (bytes([raw.EMAIL]), "f***@example.org"))
                code, = self.mailed(uid)
                self.assertTrue(gateway.ledger(uid, "usherChallenge")[0].startswith("email "))
                self.complete(link, uid, code, held)
        self.assertIn("a code could not be sent by SMS", gateway.text("usherd.log"))
        self.assertNotIn("4512345678", gateway.text("usherd.log"))

    def test_neither_sms_nor_mail(self):
        by_command("/bin/false")
        link = self.link()
        self.person("n1")
        gateway.end_mail()
        answer = self.ask(link, raw.UNAVAILABLE, "n1", language="en")
        self.assertIn("could not be sent", answer.text)
        self.assertEqual(gateway.ledger("n1", "usherChallenge"), [])
        gateway.start_mail()
        self.ask(link, 0, "n1")
        self.assertEqual(len(self.mailed("n1")), 1)

    def test_a_late_sms_is_void(self):
        """The command sends, but too slowly: the code that it sent is not the one in the mail."""
        gateway.write("slow", "#!/bin/sh\ncat >\"$1/text\"\nexec sleep 3600\n")
        os.chmod(gateway.path("slow"), 0o755)
        by_command(gateway.path("slow"), gateway.folder, timeout_s=5)
        link = self.link()
        self.person("l1")
        held = ticket(link, "l1")
        self.ask(link, 0, "l1", ticket=held)
        code, = self.mailed("l1")
        if self.texted() != code:  # one in a million is the same
            answer = link.ask(raw.verify("l1", raw.CODE, self.texted(), ticket=held))
            self.assertEqual(answer.code, raw.WRONG)
        self.complete(link, "l1", code, held)

    def test_a_hook(self):
        by_hook("http://127.0.0.1:%d/send?from=usher" % hook.server_port)
        link = self.link()
        self.person("w1", preferredLanguage="it", displayName='Zoë "Q"')
        held = ticket(link, "w1")
        sent = self.ask(link, 0, "w1", ticket=held)
        self.assertEqual(sent.destination, "***78")
        (path, headers, body), = hook.posts
        self.assertEqual((path, headers["Content-Type"], headers["Authorization"], body["to"]),
                         ("/send?from=usher", "application/json", "Bearer hook-token-of-the-test",
                          "+4512345678"))
        self.assertEqual(sorted(body), ["text", "to"])
        self.assertRegex(body["text"], r"^\d{6} è il tuo codice per usher")
        self.complete(link, "w1", body["text"][:6], held)
        self.assertNotIn("hook-token", gateway.text("usherd.log"))

    def test_hooks_that_fail(self):
        by_hook("http://user:key-in-the-url@127.0.0.1:%d/?key=key-in-the-url" % hook.server_port)
        for number, mood in enumerate((500, 404, 302, "silent")):
            with self.subTest(mood=mood):
                if mood == "silent":
                    by_hook("http://127.0.0.1:%d/" % hook.server_port, timeout_s=1)
                hook.mood, uid, link = mood, "v%d" % number, self.link()
                self.person(uid)
                self.assertEqual(self.ask(link, 0, uid).destination, "v***@example.org")
                self.assertEqual(len(self.mailed(uid)), 1)
        self.assertEqual({path.split("?")[0] for path, _, _ in hook.posts}, {"/"})  # no redirect was followed
        self.assertIn("sms.url: ", gateway.text("usherd.log"))
        self.assertNotIn("key-in-the-url", gateway.text("usherd.log"))

    def test_tls(self):
        cert, key = gateway.path("cert.pem"), gateway.path("key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-days", "30", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert], check=True,
                       stderr=subprocess.DEVNULL)
        secure = Hook()
        secure.secure(cert, key)
        try:
            for uid, url, ca_file, means in (
                    ("t1", "https://localhost:%d/", cert, raw.SMS),
                    ("t2", "https://localhost:%d/", "", raw.EMAIL),       # nobody knows the certificate
                    ("t3", "https://127.0.0.1:%d/", cert, raw.EMAIL)):    # it is for another name
                by_hook(url % secure.server_port, ca_file)
                self.person(uid)
                self.assertEqual(self.ask(self.link(), 0, uid).fields[0], bytes([means]))
            self.assertEqual(len(secure.posts), 1)
        finally:
            secure.shutdown()
            secure.server_close()

    def test_configurations(self):
        by_command()
        gateway.check_end(gateway.end_daemon())
        kept = dict(gateway.options)
        for wrong, says in (({"sms.url": "https://x/"}, "not both"),
                            ({"sms.command": Words("send")}, "absolute path"),
                            ({"sms.command": Words(), "sms.url": "http://example.org/"}, "in the clear"),
                            ({"sms.command": Words(), "sms.url": "https://x/",
                              "sms.token_file": gateway.path("send")}, "mode 0600")):
            gateway.options = {**kept, **wrong}
            gateway.launch()
            self.assertEqual(gateway.daemon.wait(PATIENCE), 1)
            self.assertIn(says, gateway.text("usherd.log").splitlines()[-1])
        gateway.options = kept
        gateway.start_daemon()

    def test_a_hung_gateway_starves_nobody(self):
        hook.mood = "silent"
        by_hook("http://127.0.0.1:%d/" % hook.server_port, timeout_s=2)
        names = ["h%d" % i for i in range(12)]
        for uid in names:
            self.person(uid)
        add_person(gateway, "h-pin")
        add_person(gateway, "h-mail", usherSecondFactor="email")
        gateway.pin("acme", "h-pin", "0042")
        link, other = self.link(), self.link()
        for uid in names:
            link.post(raw.challenge(uid))
        until("texts wait", lambda: int(gateway.monitor()["usherSmsJobs"]) > 4)
        self.assertEqual(self.ask(other, 0, "h-mail").destination, "h***@example.org")
        done = 0
        while int(gateway.monitor()["usherSmsJobs"]) > 0 and done < 100:
            answer = other.ask(raw.verify("h-pin", raw.PIN, "0042", organization="acme"))
            self.assertEqual(answer.code, 0, answer)
            done += 1
        self.assertGreater(done, 1)
        self.assertEqual({link.receive().code for _ in names}, {0})  # all by mail in the end
        self.assertEqual([len(self.mailed(uid)) for uid in names], [1] * 12)


if __name__ == "__main__":
    unittest.main()
