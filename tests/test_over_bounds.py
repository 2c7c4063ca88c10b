#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# How much of one thing usherd takes: operations under way on a connection, work that waits for a thread,
# names, secrets and tickets of a login. What is too much is refused in words, and the rest goes on.
import os
import signal
import unittest

import raw_ldap as raw
import searching
from gateway import BASE, Gateway, until

gateway = None


def setUpModule():
    global gateway
    gateway = Gateway().__enter__()


def tearDownModule():
    gateway.stop()


def stands_still():
    """Every thread of the store has stopped."""
    tasks = "/proc/%d/task" % gateway.store_process.pid
    for task in os.listdir(tasks):
        with open("%s/%s/stat" % (tasks, task)) as file:
            if file.read().rpartition(")")[2].split()[0] != "T":
                return False
    return True


class Work(unittest.TestCase):
    def refused(self, count, **options):
        """Posts so many searches while the store stands still: those refused then. The rest must succeed."""
        gateway.restart_daemon(**options)
        gateway.caught_up()
        with gateway.local(timeout=60) as link, gateway.local() as other:
            gateway.store_process.send_signal(signal.SIGSTOP)
            until("the store stands still", stands_still)
            refused = {}
            try:
                numbers = [link.post(searching.request("ou=people," + BASE, 1)) for _ in range(count)]
                mark = link.post(raw.extended(raw.WHOAMI))  # is answered at once, behind all refusals
                while True:
                    answer = link.receive()
                    if answer.id == mark:
                        break
                    refused[answer.id] = answer
                self.assertEqual(other.ask(raw.extended(raw.WHOAMI)).code, raw.SUCCESS)
            finally:
                gateway.store_process.send_signal(signal.SIGCONT)
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
