#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# What a supervisor is told over NOTIFY_SOCKET, as sd_notify(3) has it, at a path and at an abstract name.
import os
import signal
import socket
import unittest

from gateway import PATIENCE, Gateway, until


class Told(unittest.TestCase):
    def check(self, name, address):
        gateway = Gateway()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
            supervisor.settimeout(PATIENCE)
            supervisor.bind(address(gateway))
            gateway.more_environment["NOTIFY_SOCKET"] = name(gateway)
            with gateway:
                self.assertEqual(supervisor.recv(100), b"READY=1")
                gateway.daemon.send_signal(signal.SIGHUP)
                self.assertEqual([supervisor.recv(100) for _ in range(2)], [b"RELOADING=1", b"READY=1"])
            self.assertEqual(supervisor.recv(100), b"STOPPING=1")

    def test_a_path(self):
        self.check(lambda gateway: gateway.path("notify"), lambda gateway: gateway.path("notify"))

    def test_an_abstract_name(self):
        name = "usher-test-%d" % os.getpid()
        self.check(lambda _: "@" + name, lambda _: "\0" + name)

    def test_a_socket_that_is_gone_stops_nothing(self):
        gateway = Gateway()
        gateway.more_environment["NOTIFY_SOCKET"] = gateway.path("nowhere")
        with gateway:
            until("it is said", lambda: "NOTIFY_SOCKET cannot be told" in gateway.text("usherd.log"))


if __name__ == "__main__":
    unittest.main()
