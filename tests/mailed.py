# SPDX-License-Identifier: BSD-2-Clause
#
# Asking for mailed tokens and redeeming them, for the tests about them: one gateway with its mail server, and
# every token and password that was on its way.
import email
import email.policy
import os
import re

import raw_ldap as raw
from asking import Asking
from gateway import Gateway, until

OPTIONS = {"mail.notices": True, "mail.retry_first": 1, "mail.retry_most": 1, "login.limit": 5,
           "store.timeout": 20000, "log_level": "debug"}
REFUSED_TEXT = "This link or token is not valid any more. Please ask for a new one."
TOKEN = re.compile(r"\b[a-z2-7]{52}\b")
gateway = None
told = set()


def start():
    """The gateway, for setUpModule()."""
    global gateway
    gateway = Gateway(OPTIONS)
    gateway.start_mail()
    return gateway.__enter__()


def stop():
    """For tearDownModule(): what was told is in no log."""
    gateway.stop(*(secret for secret in told if len(secret) > 7), logs=("usherd.log", "store.log"))


def queued():
    return os.listdir(gateway.path("mail-queue/queue"))


def mails(uid, about=""):
    """The mails to this person whose subject holds this, parsed."""
    found = [email.message_from_string(text, policy=email.policy.default) for text in gateway.mails()
             if "X-Sink-To: %s@example.org\n" % uid in text.replace("\r\n", "\n")]
    return [mail for mail in found if about in mail["subject"]]


def token_in(mail):
    token = TOKEN.search(mail.get_content()).group()
    told.add(token)
    return token


class Case(Asking):
    def ask(self, expected, operation, controls=()):
        with gateway.local() as link:
            answer = link.ask(operation, controls)
        self.assertEqual(answer.code, expected, answer)
        return answer

    def mailed(self, uid, count):
        """The token of the mail with this number."""
        until("%d mails to %s" % (count, uid), lambda: len(self.tokens(uid)) >= count)
        return self.tokens(uid)[count - 1]

    def tokens(self, uid):
        return [token_in(mail) for mail in mails(uid) if TOKEN.search(mail.get_content())]

    def invited(self, uid):
        before = len(self.tokens(uid))
        gateway.ctl("user", "invite", uid)
        return self.mailed(uid, before + 1)

    def forgotten(self, uid, **more):
        before = len(self.tokens(uid))
        self.ask(raw.SUCCESS, raw.invite(uid, raw.FORGOTTEN, **more))
        return self.mailed(uid, before + 1)

    def redeem(self, expected, token, new, controls=(), **more):
        told.add(new)
        return self.ask(expected, raw.redeem(token, new, **more), controls)

    def refused(self, token, new="whatever-it-is"):
        answer = self.redeem(raw.WRONG, token, new)
        self.assertEqual((answer.text, answer.value, answer.controls), (REFUSED_TEXT, None, {}))

    def login(self, uid, text):
        with gateway.local() as link:
            answer = link.ask(raw.verify(uid, raw.PASSWORD, text))
        return answer.code, answer.state

    def lets_in(self, uid, text):
        self.assertEqual(self.login(uid, text), (raw.SUCCESS, raw.COMPLETE))
