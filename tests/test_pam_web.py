#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Web logins by PAM over HTTP: cockpit-ws, which shows any number of prompts, and Apache with
# mod_authnz_pam, which has one. With usherd away both answer within the deadline.
import base64
import ctypes
import http.client
import json
import os
import signal
import subprocess
import unittest

import programs
from gateway import PATIENCE, STRANGER, free_port, person, until
from people import code, enrol, password, wrong_code
from programs import LOCAL_PASSWORD, Away, environment, people_gateway, within, write

COCKPIT = "/usr/lib/cockpit/cockpit-ws"
APACHE = "/usr/sbin/apache2"
PEOPLE = ("w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8")
DENIED = "typed-by-mistake-9"
gateway = None


def children():
    with open("/proc/thread-self/children") as file:
        return list(map(int, file.read().split()))


def setUpModule():
    global gateway
    # Sessions of cockpit leave an ssh-agent each behind, which would outlive us as a child of init.
    ctypes.CDLL(None, use_errno=True).prctl(programs.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    gateway = people_gateway(PEOPLE)
    programs.add_users(PEOPLE)
    for name in ("cockpit", "web"):
        write("/etc/pam.d/" + name, programs.stack(gateway, name))


def tearDownModule():
    if gateway is None:
        return
    try:
        gateway.stop("-demo-password", DENIED, logs=("usherd.log", "cockpit.log", "apache.log"))
    finally:
        for pid in children():
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)


def text64(text):
    return base64.b64encode(text.encode()).decode()


class Server(unittest.TestCase):
    """One server for the class, on a port of its own."""
    log = None

    @staticmethod
    def preload():
        return ""

    @classmethod
    def command(cls):
        """Of the server, once its files are there."""
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        cls.port = free_port()
        with open(gateway.path(cls.log), "a") as log:
            cls.process = subprocess.Popen(cls.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                           env=environment(LD_PRELOAD=cls.preload()))
        cls.addClassCleanup(cls.process.wait)
        cls.addClassCleanup(cls.process.terminate)
        until("the server listens", lambda: gateway.listens(("127.0.0.1", cls.port)))

    def get(self, path, **headers):
        """(status, headers, body)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode(errors="replace")
        finally:
            connection.close()


class Cockpit(Server):
    log = "cockpit.log"

    @classmethod
    def command(cls):
        os.makedirs("/etc/cockpit", exist_ok=True)
        return [COCKPIT, "--no-tls", "--address", "127.0.0.1", "--port", str(cls.port)]

    def login(self, user, secret, *answers):
        """(status, what was asked after the password); an answer may be a function that gives one"""
        asked = []
        status, headers, body = self.get("/cockpit/login", Authorization="Basic " + text64(user + ":" + secret))
        for answer in answers:
            kind, number, prompt = headers["WWW-Authenticate"].split()
            self.assertEqual((status, kind), (401, "X-Conversation"), body)
            asked.append(base64.b64decode(prompt).decode())
            answer = answer() if callable(answer) else answer
            status, headers, body = self.get("/cockpit/login",
                                             Authorization="X-Conversation %s %s" % (number, text64(answer)))
        if status == 200:
            self.assertIn("csrf-token", json.loads(body))
        else:
            self.assertFalse((headers["WWW-Authenticate"] or "").startswith("X-Conversation"), headers)
        return status, asked

    def test_password_alone(self):
        self.assertEqual(self.login("w1", password("w1")), (200, []))
        self.assertEqual(self.login("w1", DENIED)[0], 401)

    def test_password_then_code(self):
        secret, step = enrol(gateway, "w2")
        self.assertEqual(self.login("w2", password("w2"), wrong_code(secret)), (401, ["Code: "]))
        self.assertEqual(self.login("w2", password("w2"), code(secret, step)), (200, ["Code: "]))

    def test_denied_account(self):
        gateway.modify(person("w3"), usherActive="FALSE")
        self.assertIn(self.login("w3", password("w3"))[0], (401, 403))

    def test_must_change(self):
        """One more prompt after another: the old password, the new one, and again."""
        gateway.modify(person("w4"), usherMustChange="TRUE")
        new = "changed-in-a-browser-9"
        status, asked = self.login("w4", password("w4"), password("w4"), new, new)
        self.assertEqual(status, 200, asked)
        self.assertEqual([text.split("\n")[-1] for text in asked],
                         ["Current password: ", "New password: ", "Retype new password: "])
        self.assertEqual(self.login("w4", new), (200, []))

    def test_killed_before_the_code(self):
        secret, step = enrol(gateway, "w8")

        def kill():
            gateway.end_daemon(signal.SIGKILL)
            return code(secret, step)
        try:
            self.assertNotEqual(self.login("w8", password("w8"), kill)[0], 200)
        finally:
            gateway.start_daemon()

    def test_own_users_of_the_machine(self):
        for user in programs.LOCAL:
            self.assertEqual(self.login(user, LOCAL_PASSWORD), (200, []))

    def test_usherd_away(self):
        for how in Away.WAYS:
            with self.subTest(how), Away(gateway, how):
                self.assertEqual(self.login("keeper", LOCAL_PASSWORD), (200, []))
                status, _ = within(how, programs.SHORT, lambda: self.login("w1", password("w1")))
                self.assertNotEqual(status, 200)


class Apache(Server):
    log = "apache.log"
    preload = staticmethod(programs.preload)

    @classmethod
    def command(cls):
        folder = gateway.path("apache")
        os.mkdir(folder, 0o755)
        write(os.path.join(folder, "index.html"), "let-in\n")
        modules = ("mpm_event", "authn_core", "authz_core", "authz_user", "auth_basic", "authnz_pam", "dir")
        config = "\n".join((
            *("LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so" % (name, name) for name in modules),
            "ServerName localhost", "ServerRoot " + folder, "DocumentRoot " + folder, "DirectoryIndex index.html",
            "DefaultRuntimeDir " + folder, "PidFile %s/pid" % folder, "Listen 127.0.0.1:%d" % cls.port,
            "ErrorLog /dev/stderr", "User #%d" % STRANGER, "Group #%d" % STRANGER,
            "ServerLimit 1", "ThreadsPerChild 8", "MaxRequestWorkers 8",
            "<Location />", "AuthType Basic", 'AuthName "usher"', "AuthBasicProvider PAM", "AuthPAMService web",
            "Require valid-user", "</Location>", ""))
        return [APACHE, "-D", "FOREGROUND", "-f", write(os.path.join(folder, "conf"), config)]

    def login(self, user, secret):
        status, _, body = self.get("/", Authorization="Basic " + text64(user + ":" + secret))
        self.assertEqual("let-in" in body, status == 200)
        return status

    def test_one_prompt(self):
        self.assertEqual(self.get("/")[0], 401)
        self.assertEqual(self.login("w5", password("w5")), 200)
        self.assertEqual(self.login("w5", DENIED), 401)
        self.assertEqual(self.login("w5", ""), 401)
        self.assertEqual(self.login("nobody-here", DENIED), 401)

    def test_denied_account(self):
        gateway.modify(person("w6"), usherActive="FALSE")
        self.assertEqual(self.login("w6", password("w6")), 401)

    def test_a_factor_has_no_room(self):
        """The right password of somebody whose code is due: nobody asks for the code, account denies."""
        self.assertEqual(self.login("w7", password("w7")), 200)
        gateway.modify(person("w7"), usherSecondFactor="email")
        self.assertEqual(self.login("w7", password("w7")), 401)

    def test_usherd_away(self):
        for how in Away.WAYS:
            with self.subTest(how), Away(gateway, how):
                status = within(how, programs.SHORT, lambda: self.login("w5", password("w5")))
                self.assertIn(status, (401, 500))
        self.assertEqual(self.login("w5", password("w5")), 200)


if __name__ == "__main__":
    programs.private_etc()
    unittest.main()
