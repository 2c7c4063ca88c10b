#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# A new key in the place of the old one, under a stream of logins at two gateways: none fails, and then
# nothing in the store is sealed with the old key. The same with usherctl killed at any moment.
import json
import os
import random
import re
import signal
import subprocess
import threading
import time
import unittest

import ldap3

import raw_ldap as raw
from gateway import BASE, PATIENCE, Gateway, conf_text, membership, person, program, until
from people import add_person, code, enrol, fresh_step, password, ticket

SEALED = {"ou=people": ("usherTotpSecret", "usherAppPassword"), "o=acme": ("usherPin",),
          "ou=ledger": ("usherChallenge", "usherToken", "usherRecoveryCode")}
TIMEOUT_MS = 5000  # of the store: what has been sealed is there after twice that
gateway = second = None


class Second:
    """Another usherd on the same store and key file."""

    def __init__(self, first):
        os.makedirs(first.path("run2/admin"), mode=0o700)
        settings = {**first.settings(), "listen.ldapi": first.path("run2/ldapi"), "listen.ldap": "",
                    "listen.admin": first.path("run2/admin/ldapi"), "cache.directory": first.path("cache2")}
        self.address, self.first = settings["listen.ldapi"], first
        self.conf = first.write("second.conf", conf_text(settings))
        self.start()

    def start(self):
        with open(self.first.path("second.log"), "a") as log:
            self.daemon = subprocess.Popen([program("usherd"), "-f", self.conf], stdin=subprocess.DEVNULL,
                                           env=self.first.environment(), stdout=log, stderr=log)
        until("the second usherd listens", lambda: self.first.listens(self.address))

    def stop(self, number=signal.SIGTERM):
        self.daemon.send_signal(number)
        return self.daemon.wait(PATIENCE)

    def local(self, timeout=PATIENCE):
        return raw.Raw(self.address, timeout)


def setUpModule():
    global gateway, second
    gateway = Gateway({"store.timeout": TIMEOUT_MS, "login.pin_cost": 6})
    gateway.start_mail()
    gateway.__enter__()
    second = Second(gateway)


def tearDownModule():
    status = second.stop()
    text = gateway.text("second.log")
    gateway.stop()
    if status != 0 or re.search(r"runtime error:|Sanitizer", text):
        raise AssertionError("the second usherd ended with %s\n%s" % (status, text[-4000:]))


def sealed_values():
    """{key id: how many values of the store it has sealed}"""
    found = {}
    for branch, attributes in SEALED.items():
        gateway.directory.search("%s,%s" % (branch, BASE), "(objectClass=*)", ldap3.SUBTREE,
                                 attributes=list(attributes))
        for entry in gateway.directory.response:
            for values in entry["raw_attributes"].values():
                for value in values:
                    (name,) = re.findall(r"usher1\.([a-z0-9-]+)\.", value.decode())
                    found[name] = found.get(name, 0) + 1
    return found


def file_ids():
    lines = [line.split() for line in gateway.text("keys").splitlines() if not line.startswith("#")]
    return [line[0] for line in lines]


class Stream:
    """Logins until it is left, by PIN, by password and by recovery code, at both gateways."""

    def __init__(self, people, codes):
        self.people, self.codes, self.failed, self.count = people, codes, [], 0
        self.ended, self.lock = threading.Event(), threading.Lock()
        jobs = [(gate, self.pins) for gate in (gateway, second)] + [
            (gateway, self.set_pins), (second, self.recover)]
        self.threads = [threading.Thread(target=self.run, args=job) for job in jobs]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *what):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def run(self, gate, work):
        try:
            with gate.local() as link:
                work(link)
        except Exception as error:  # told in the test
            self.failed.append(repr(error))

    def note(self, what, answer, right=raw.SUCCESS):
        with self.lock:
            self.count += 1
            if answer.code != right:
                self.failed.append((what, answer))

    def pins(self, link):
        while not self.ended.is_set():
            uid = random.choice(self.people)
            self.note("pin " + uid, link.ask(raw.verify(uid, raw.PIN, "4711", organization="acme")))

    def set_pins(self, link):
        while not self.ended.is_set():
            with gateway.admin() as admin:
                uid = random.choice(self.people)
                self.note("set pin " + uid, admin.ask(raw.set_pin("acme", uid, "4711")))

    def recover(self, link):
        while self.codes and not self.ended.is_set():
            uid, text = self.codes.pop()
            step = link.ask(raw.verify(uid, raw.PASSWORD, password(uid)))
            self.note("password " + uid, step, raw.STRONGER)
            self.note("recovery " + uid, link.ask(raw.verify(uid, raw.CODE, text, ticket=step.ticket)))


class Rotation(unittest.TestCase):
    PEOPLE = 12

    @classmethod
    def setUpClass(cls):
        cls.people = ["u%02d" % i for i in range(cls.PEOPLE)]
        cls.secrets = {}
        for uid in cls.people:
            add_person(gateway, uid)
            gateway.pin("acme", uid, "4711")
            cls.secrets[uid], _ = enrol(gateway, uid)
        for uid in ("m1", "m2"):
            add_person(gateway, uid, usherSecondFactor="email")
        add_person(gateway, "e1")
        gateway.caught_up()

    def recovery(self):
        return [(uid, text) for uid in self.people
                for text in gateway.ctl("code", "recovery", uid).stdout.split()]

    def mailed(self, uid):
        mail = until("a mail", lambda: [text for text in gateway.mails() if uid + "@" in text])[-1]
        return re.findall(r"(?<!\d)\d{6}(?!\d)", mail.split("\n\n", 1)[1])[0]

    def verify(self, link, *words, expected=raw.SUCCESS, **more):
        answer = link.ask(raw.verify(*words, **more))
        self.assertEqual(answer.code, expected, answer)
        return answer

    def test_1_under_a_stream_of_logins(self):
        codes = self.recovery()
        with gateway.local() as link, second.local() as other, gateway.admin() as admin:
            held = {uid: ticket(link, uid) for uid in ("m1", "m2")}
            for uid in held:
                self.assertEqual(link.ask(raw.challenge(uid, ticket=held[uid])).code, raw.SUCCESS)
            self.verify(link, "m2", raw.CODE, self.mailed("m2"), ticket=held["m2"])  # used: still known so
            pending = admin.ask(raw.enroll(raw.BEGIN, "e1")).secret
            before, (old,) = sealed_values(), file_ids()
            self.assertEqual(set(before), {old})
            with Stream(self.people, codes) as stream:
                until("logins", lambda: stream.count > 50)
                done = json.loads(gateway.ctl("--json", "key", "rotate", gateway.path("keys")).stdout)["done"]
                count = stream.count
                until("more logins", lambda: stream.count > count + 50)
            self.assertEqual(stream.failed, [])
            (new,) = file_ids()
            after = sealed_values()
            print("%d logins; %s -> %s; %s" % (stream.count, before, after, done))
            self.assertNotEqual(new, old)
            self.assertEqual(after, {new: before[old]})
            # what was under way goes on: tickets, mailed codes, an enrolment
            self.verify(link, "m1", raw.CODE, self.mailed("m1"), ticket=held["m1"])
            self.verify(link, "m2", raw.CODE, self.mailed("m2"), ticket=held["m2"], expected=raw.WRONG)
            self.assertEqual(gateway.failures("m2", "code"), (0, 0))
            self.assertEqual(admin.ask(raw.enroll(raw.CONFIRM, "e1", code(pending, fresh_step()))).code,
                             raw.SUCCESS)
            self.verify(other, "u00", raw.CODE, code(self.secrets["u00"], fresh_step() + 1),
                        ticket=ticket(other, "u00"))
        gateway.restart_daemon()  # with the new key alone
        with gateway.local() as link:
            for uid in self.people:
                self.verify(link, uid, raw.PIN, "4711", organization="acme")

    def test_2_killed_at_any_moment(self):
        self.recovery()
        before, (old,) = sealed_values(), file_ids()
        pause = 0.005
        with Stream(self.people, []) as stream:
            for _ in range(8):
                running = subprocess.Popen([program("usherctl"), "-s", gateway.admin_socket, "key", "rotate",
                                            gateway.path("keys")], stdout=subprocess.DEVNULL,
                                           env=gateway.environment())
                time.sleep(pause)
                running.kill()
                running.wait()
                self.assertIn(old, file_ids())
                self.assertLessEqual(len(file_ids()), 2)
                pause *= 1.6
            gateway.ctl("key", "rotate", gateway.path("keys"))
        self.assertEqual(stream.failed, [])
        (new,) = file_ids()
        self.assertNotEqual(new, old)
        self.assertEqual(sealed_values(), {new: before[old]})

    def test_3_a_gateway_killed(self):
        """usherctl says so; another gateway goes on with what is left."""
        gateway.ctl("key", "add", gateway.path("keys"))
        gateway.ctl("key", "use", gateway.path("keys"))
        old, new = file_ids()
        gateway.end_daemon(signal.SIGKILL)
        answer = gateway.ctl("key", "rotate", gateway.path("keys"), check=False)
        self.assertEqual(answer.returncode, 2)
        self.assertEqual(file_ids(), [old, new])
        with second.local() as link:
            self.verify(link, "u01", raw.PIN, "4711", organization="acme")
        gateway.run(program("usherctl"), "-s", second.address.replace("ldapi", "admin/ldapi"), "key", "rotate",
                    gateway.path("keys"))
        self.assertEqual((file_ids(), set(sealed_values())), ([new], {new}))
        gateway.start_daemon()

    def test_4_refused(self):
        with gateway.local() as link, gateway.admin() as admin, \
                gateway.bound(person("sue"), password("sue")) as sue:
            for other in (link, sue):
                self.assertEqual(other.ask(raw.reseal(0)).code, raw.NO_ACCESS)
            self.assertEqual(admin.ask(raw.reseal(0, "k-unknown")).code, raw.NO_OBJECT)
            self.assertEqual(admin.ask(raw.reseal(0, file_ids()[0])).code, raw.SUCCESS)
            self.assertEqual(admin.ask(raw.reseal(2)).code, raw.PROTOCOL_ERROR)
            self.assertEqual(admin.ask(raw.extended(raw.RESEAL)).code, raw.PROTOCOL_ERROR)
            with open(gateway.path("keys"), "a") as file:
                file.write("broken line\n")
            answer = admin.ask(raw.reseal(0))
            self.assertIn("keys:", answer.text)
            self.assertNotEqual(answer.code, raw.SUCCESS)
            self.verify(link, "u02", raw.PIN, "4711", organization="acme")  # the keys before are in force
            text = gateway.text("keys").replace("broken line\n", "")
            gateway.write("keys", text)
            self.assertEqual(admin.ask(raw.reseal(0)).code, raw.SUCCESS)

    def test_5_what_opens_no_more_is_told(self):
        """A value of somebody else keeps no rotation up; usherd names its entry."""
        add_person(gateway, "thief", usherTotpSecret=gateway.entry(person("u03"))["ushertotpsecret"][0])
        answer = gateway.ctl("key", "rotate", gateway.path("keys"))
        self.assertIn("1 values open with no key", answer.stdout)
        self.assertIn("uid=thief", gateway.text("usherd.log"))
        gateway.directory.delete(person("thief"))
        gateway.directory.delete(membership("thief"))


if __name__ == "__main__":
    unittest.main()
