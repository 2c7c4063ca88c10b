#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""QR codes are read back by a decoder: the one that usherctl draws in a terminal, from the colours that a
terminal would show, and the one in the mail of an enrolment, whose app then really works."""
import email
import email.policy
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import unittest
import zlib

import raw_ldap as raw
from gateway import COMMAND, PATIENCE, Gateway, person, program, until
from people import add_person, code, fresh_step, password, ticket

BLOCKS = {" ": (0, 0), "\u2580": (1, 0), "\u2584": (0, 1), "\u2588": (1, 1)}  # dark above, dark below
LINE = re.compile("^\x1b\\[38;5;16;48;5;231m([ \u2580\u2584\u2588]+)\x1b\\[0m$")
gateway = None


def setUpModule():
    global gateway
    if shutil.which("zbarimg") is None:
        sys.exit(77)
    gateway = Gateway()
    gateway.start_mail()
    gateway.__enter__()


def tearDownModule():
    gateway.stop()


def png(rows, scale=4):
    """Rows of dark modules as a PNG."""
    pixels = b"".join((b"\0" + b"".join((b"\0" if dark else b"\xff") * scale for dark in row)) * scale
                      for row in rows)
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    header = struct.pack(">IIBBBBB", len(rows[0]) * scale, len(rows) * scale, 8, 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) +
            chunk(b"IEND", b""))


def decoded(image):
    """What zbarimg reads in a PNG."""
    path = gateway.path("code.png")
    with open(path, "wb") as file:
        file.write(image)
    answer = subprocess.run(["zbarimg", "-q", "--raw", "-Sdisable", "-Sqrcode.enable", path],
                            capture_output=True, text=True, timeout=COMMAND)
    return answer.stdout.rstrip("\n")


def drawn(text):
    """(rows of dark modules, the rest of the lines) of what a terminal was sent."""
    rows, rest = [], []
    for line in text.splitlines():
        found = LINE.match(line)
        if found is None:
            rest.append(line)
        else:
            blocks = [BLOCKS[block] for block in found.group(1)]
            rows += [[above for above, _ in blocks], [below for _, below in blocks]]
    return rows, rest


def enroll(*options):
    return gateway.ctl("code", "enroll", *options).stdout


class Terminal(unittest.TestCase):
    def test_drawn_and_read(self):
        uid = "a" + "long-name.of_somebody-who-needs-a-larger-code" + "0123456789"
        for name in ("q1", uid):
            add_person(gateway, name)
            rows, (uri,) = drawn(enroll("--qr", name))
            self.assertTrue(uri.startswith("otpauth://totp/"), uri)
            self.assertEqual(decoded(png(rows)), uri)
            quiet = [row[:4] + row[-4:] for row in rows] + rows[:4] + rows[len(rows[0]) - 4:]
            self.assertFalse(any(any(row) for row in quiet))  # four light modules all around
            self.assertEqual({len(row) for row in rows}, {len(rows[0])})
            self.assertLessEqual(len(rows[0]), 80)

    def test_only_where_it_is_wanted(self):
        add_person(gateway, "q2")
        self.assertRegex(enroll("q2"), r"\Aotpauth://\S+\n\Z")  # no terminal
        self.assertRegex(enroll("--qr", "--no-qr", "q2"), r"\Aotpauth://\S+\n\Z")
        self.assertRegex(enroll("--json", "q2"), r"\A\{")
        terminal, end = pty.openpty()
        command = subprocess.Popen([program("usherctl"), "--socket", gateway.admin_socket, "code", "enroll",
                                    "q2"], stdin=subprocess.DEVNULL, stdout=end)
        os.close(end)
        text = b""
        try:
            while True:
                text += os.read(terminal, 65536)
        except OSError:  # the other end is closed
            pass
        os.close(terminal)
        self.assertEqual(command.wait(PATIENCE), 0)
        rows, (uri,) = drawn(text.decode().replace("\r\n", "\n"))
        self.assertEqual(decoded(png(rows)), uri)


class Mail(unittest.TestCase):
    def mails(self, uid):
        return [email.message_from_string(text, policy=email.policy.default) for text in gateway.mails()
                if "X-Sink-To: %s@example.org" % uid in text]

    def mailed(self, uid):
        until("the mail is there", lambda: self.mails(uid))
        until("the queue is empty", lambda: not os.listdir(gateway.path("mail-queue/queue")))
        mail, = self.mails(uid)
        return mail

    def test_the_app_of_a_mailed_code_works(self):
        add_person(gateway, "e1", preferredLanguage="da", displayName="Søren <b> & Co")
        answer = gateway.ctl("code", "enroll", "--mail", "e1")
        self.assertEqual(answer.stdout, "the mail with the QR code is queued\n")
        mail = self.mailed("e1")
        self.assertEqual(mail["subject"], "Sæt din app op til usher")
        shape = [part.get_content_type() for part in mail.walk()]
        self.assertEqual(shape, ["multipart/related", "multipart/alternative", "text/plain", "text/html",
                                 "image/png"])
        self.assertFalse(any(part.defects for part in mail.walk()))
        plain, html, image = list(mail.walk())[2:]
        self.assertIn("Søren <b> & Co", plain.get_content())
        self.assertIn("Søren &lt;b&gt; &amp; Co", html.get_content())
        self.assertIn('src="cid:%s"' % image["content-id"].strip("<>"), html.get_content())
        uri = decoded(image.get_content())
        self.assertTrue(uri.startswith("otpauth://totp/"), uri)
        secret = re.search(r"secret=([A-Z2-7]+)", uri).group(1)
        self.assertIn(secret, plain.get_content())
        step = fresh_step()
        gateway.ctl("code", "confirm", "e1", text=code(secret, step) + "\n")
        with gateway.local() as link:
            held = ticket(link, "e1")
            done = link.ask(raw.verify("e1", raw.CODE, code(secret, step + 1), ticket=held))
            self.assertEqual(done.code, 0, done)
        self.assertNotIn(secret, gateway.text("usherd.log") + answer.stderr)

    def test_refused(self):
        add_person(gateway, "e2", usherMailVerified="FALSE")
        add_person(gateway, "e3")
        for uid, words, says in (("e2", (), "no verified mail address"), ("e3", ("--qr",), "--mail shows nothing"),
                                 ("e3", ("--json",), "--mail shows nothing"), ("nobody", (), "no such user")):
            answer = gateway.ctl("code", "enroll", "--mail", *words, uid, check=False)
            self.assertEqual(answer.returncode, 2)
            self.assertIn(says, answer.stderr + answer.stdout)
        with gateway.bound(person("e3"), password("e3")) as link:
            self.assertEqual(link.ask(raw.enroll(3)).code, raw.NO_ACCESS)  # nobody mails their own
            self.assertEqual(link.ask(raw.enroll(4)).code, raw.PROTOCOL_ERROR)
        self.assertEqual((self.mails("e2"), self.mails("e3")), ([], []))

    def test_no_secret_is_kept(self):
        """What cannot be delivered is dropped, not kept among the dead."""
        add_person(gateway, "e4")
        gateway.end_mail()
        gateway.start_mail("--refuse")
        gateway.ctl("code", "enroll", "--mail", "e4")
        until("it is given up", lambda: "(enroll) is not delivered, and dropped" in gateway.text("usherd.log"))
        until("it is gone", lambda: not os.listdir(gateway.path("mail-queue/queue")))
        self.assertEqual(os.listdir(gateway.path("mail-queue/dead")), [])
        gateway.end_mail()
        gateway.start_mail()

    def test_without_a_queue(self):
        add_person(gateway, "e5")
        gateway.restart_daemon(**{"mail.queue": gateway.path("no/such/folder")})
        answer = gateway.ctl("code", "enroll", "--mail", "e5", check=False)
        self.assertEqual(answer.returncode, 2)
        self.assertIn("this server sends no mail", answer.stderr)
        gateway.restart_daemon(**{"mail.queue": gateway.path("mail-queue")})


if __name__ == "__main__":
    unittest.main()
