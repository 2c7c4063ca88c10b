# SPDX-License-Identifier: BSD-2-Clause
"""A test case that asks gateways over raw connections, each open for as long as the test, and shows the answer
that is not the one expected. Who names no connection means self.link. Starts nothing."""
import unittest

import raw_ldap as raw


class Asking(unittest.TestCase):
    link = None

    def open(self, link):
        self.addCleanup(link.close)
        return link

    def expect(self, code, operation, *words, link=None, controls=()):
        """The answer, with this code and these words in its text."""
        answer = (link or self.link).ask(operation, controls)
        self.assertEqual(answer.code, code, answer)
        for word in words:
            self.assertIn(word, answer.text)
        return answer

    def verify(self, expected, uid, factor, secret=None, link=None, **more):
        """The answer, with this (code, state)."""
        answer = (link or self.link).ask(raw.verify(uid, factor, secret, **more))
        self.assertEqual((answer.code, answer.state), expected, answer)
        return answer

    def whoami(self, link=None):
        value = (link or self.link).ask(raw.extended(raw.WHOAMI)).value
        return None if value is None else value.decode()
