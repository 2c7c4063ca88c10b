#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# The metrics, fetched with curl and read by a strict parser of the Prometheus text format (0.0.4): what
# they count, what reaches them, and that hostile readers cost nothing.
import os
import re
import socket
import subprocess
import time
import unittest

import raw_ldap as raw
from gateway import COMMAND, PATIENCE, Gateway, free_port, membership, program, until
from people import add_person, password

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(r"(%s)(?:\{(.*)\})? (-?(?:[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]+)?|\+Inf|NaN))$" % NAME)
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')
gateway = None


def setUpModule():
    global gateway
    gateway = Gateway()
    gateway.options["metrics.listen"] = gateway.path("run/metrics")
    gateway.__enter__()


def tearDownModule():
    gateway.stop()


class Families(dict):
    """{family: {"type", "help", "samples": {(name, ((label, value), ...)): number}}}; an AssertionError
    for what the format does not allow."""

    def __init__(self, text):
        super().__init__()
        assert text.endswith("\n") and "\r" not in text and "\n\n" not in text, "lines end with one newline"
        self.current, seen = None, set()
        for line in text.splitlines():
            if line.startswith("# HELP "):
                _, _, name, words = line.split(" ", 3)
                assert re.fullmatch(NAME, name) and name not in self, "a family comes once: " + line
                assert words and not re.search(r"\\[^\\n]", words), line
                self[name], self.current = {"help": words, "type": None, "samples": {}}, name
            elif line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                assert name == self.current and self[name]["type"] is None, "TYPE follows HELP: " + line
                assert kind in ("counter", "gauge", "histogram"), line
                self[name]["type"] = kind
            else:
                self.sample(line, seen)
        for name, family in self.items():
            if family["type"] == "histogram":
                self.histogram(name, family["samples"])
            if family["type"] == "counter":
                assert name.endswith("_total"), name
                assert all(value >= 0 for value in family["samples"].values()), name

    def sample(self, line, seen):
        match = SAMPLE.match(line)
        assert match, "no sample: " + line
        name, inner, number = match.groups()
        labels = LABEL.findall(inner or "")
        assert ",".join('%s="%s"' % label for label in labels) == (inner or ""), "labels: " + line
        assert len({key for key, _ in labels}) == len(labels), "a label twice: " + line
        family = self[self.current]
        allowed = [self.current] if family["type"] != "histogram" else [
            self.current + end for end in ("_bucket", "_sum", "_count")]
        assert name in allowed and family["type"], "%s stands under %s" % (name, self.current)
        key = (name, tuple(labels))
        assert key not in seen, "a sample twice: " + line
        seen.add(key)
        family["samples"][key] = float(number)

    @staticmethod
    def histogram(name, samples):
        series = {}
        for (sample, labels), value in samples.items():
            rest = tuple(label for label in labels if label[0] != "le")
            series.setdefault(rest, {"buckets": []})
            if sample.endswith("_bucket"):
                series[rest]["buckets"].append((float(dict(labels)["le"]), value))
            else:
                series[rest][sample[len(name):]] = value
        for rest, one in series.items():
            bounds = [bound for bound, _ in one["buckets"]]
            counts = [count for _, count in one["buckets"]]
            assert bounds == sorted(set(bounds)) and bounds[-1] == float("inf"), (rest, bounds)
            assert counts == sorted(counts) and counts[-1] == one["_count"], (rest, counts)
            assert one["_sum"] >= 0, rest

    def value(self, name, **labels):
        family = name
        for end in ("_bucket", "_sum", "_count"):
            if name.endswith(end) and name[:-len(end)] in self:
                family = name[:-len(end)]
        return self[family]["samples"].get((name, tuple(labels.items())), 0)


def curl(*words, check=True):
    return subprocess.run(["curl", "-sS", "-m", "30", *words], capture_output=True, text=True, check=check)


def fetch():
    return Families(curl("--unix-socket", gateway.path("run/metrics"), "http://x/metrics").stdout)


class Format(unittest.TestCase):
    def test_the_parser_is_strict(self):
        good = '# HELP a_total A.\n# TYPE a_total counter\na_total{b="c"} 1\n'
        Families(good)
        for bad in (good + good, good[:-1], good.replace("counter", "number"), good.replace(" 1", " one"),
                    good.replace('"c"', "c"), good.replace("# HELP a_total A.\n", ""), good + 'a_total{b="c"} 2\n',
                    good.replace("a_total{", "b_total{"), good.replace(" 1", " -1"), good + "\n",
                    "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 1\n",
                    "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\n"
                    "h_count 2\n"):
            with self.assertRaises((AssertionError, KeyError), msg=bad):
                Families(bad)

    def test_head_and_others(self):
        there = ("--unix-socket", gateway.path("run/metrics"))
        answer = curl(*there, "-i", "http://x/metrics").stdout
        self.assertIn("Content-Type: text/plain; version=0.0.4; charset=utf-8", answer)
        for words, code in ((["http://x/metrics"], "200"), (["-I", "http://x/metrics"], "200"),
                            (["http://x/"], "404"), (["http://x/metrics/"], "404"),
                            (["http://x/etc/passwd"], "404"), (["-X", "PUT", "http://x/metrics"], "501")):
            answer = curl(*there, "-o", "/dev/null", "-w", "%{http_code}", *words)
            self.assertEqual(answer.stdout, code, words)


class Figures(unittest.TestCase):
    def test_operations_and_their_times(self):
        add_person(gateway, "m1")
        gateway.caught_up()
        before = fetch()
        with gateway.local() as link:
            for _ in range(7):
                self.assertEqual(link.ask(raw.compare(membership("sue"), "tickets:read")).code, raw.COMPARE_TRUE)
            for secret in (password("m1"), "wrong", "wrong"):
                link.ask(raw.verify("m1", raw.PASSWORD, secret))
        after = fetch()

        def grown(name, **labels):
            return after.value(name, **labels) - before.value(name, **labels)
        yes = {"operation": "compare", "result": "compareTrue"}
        self.assertEqual(grown("usher_operations_total", **yes), 7)
        self.assertEqual(grown("usher_operation_duration_seconds_count", **yes), 7)
        self.assertGreater(grown("usher_operation_duration_seconds_sum", **yes), 0)
        self.assertEqual(grown("usher_operations_total", operation="verify", result="invalidCredentials"), 2)
        self.assertEqual((grown("usher_logins_total"), grown("usher_logins_refused_total")), (1, 2))
        self.assertEqual(after.value("usher_cache_filled"), 1)
        self.assertGreater(after.value("usher_entries"), 50)
        self.assertLess(after.value("usher_cache_age_seconds"), PATIENCE)

    def test_no_name_of_a_person(self):
        text = curl("--unix-socket", gateway.path("run/metrics"), "http://x/metrics").stdout
        self.assertNotRegex(text, r"sue|acme|m1|dc=example")


class Readers(unittest.TestCase):
    def open(self, first=b""):
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(PATIENCE)
        link.connect(gateway.path("run/metrics"))
        link.sendall(first)
        self.addCleanup(link.close)
        return link

    def test_a_reader_has_little_time_and_few_bytes(self):
        link = self.open(b"GET /metrics HTTP/1.1\r\n")
        began = time.monotonic()
        try:
            while time.monotonic() - began < PATIENCE:  # a header now and then, so that it is never idle
                link.sendall(b"X: y\r\n")
                time.sleep(0.2)
        except OSError:
            pass
        self.assertLess(time.monotonic() - began, PATIENCE)
        link = self.open(b"GET /metrics HTTP/1.1\r\nX: " + b"y" * 100000)
        self.assertNotIn(b"200 OK", self.rest(link))

    def rest(self, link):
        found = b""
        try:
            while chunk := link.recv(4096):
                found += chunk
        except OSError:
            pass
        return found

    def test_many_readers_are_bounded(self):
        """Sixteen are let in; those behind wait in the kernel, until the first ones are cut."""
        descriptors = "/proc/%d/fd" % gateway.daemon.pid
        until("it is quiet", lambda: len(os.listdir(descriptors)) and time.sleep(0.3) is None)
        before = len(os.listdir(descriptors))
        links = []
        for _ in range(30):
            link = socket.socket(socket.AF_UNIX)
            link.setblocking(False)
            self.addCleanup(link.close)
            try:
                link.connect(gateway.path("run/metrics"))
                links.append(link)
            except BlockingIOError:
                break
        self.assertGreater(len(links), 16)
        self.assertLessEqual(len(os.listdir(descriptors)) - before, 16)
        # a place in the kernel's queue is free as soon as one of the first is cut
        until("somebody is served", lambda: "usher_uptime_seconds" in curl(
            "--unix-socket", gateway.path("run/metrics"), "http://x/metrics", check=False).stdout)


class Places(unittest.TestCase):
    def test_off_by_default_and_loopback_alone(self):
        for where, says in (("0.0.0.0:%d" % free_port(), "an address of the loopback"),
                            ("nowhere", "expected ADDRESS:PORT"),
                            (gateway.path("none/metrics"), "cannot listen"),
                            (gateway.write("precious", "kept"), "expected a socket or nothing")):
            conf = gateway.write("bad.conf", gateway.text("usher.conf").replace(
                gateway.path("run/metrics"), where).replace("/run/", "/run2/").replace("/cache", "/cache2")
                .replace("127.0.0.1:%d" % gateway.port, "127.0.0.1:%d" % free_port()))
            os.makedirs(gateway.path("run2/admin"), 0o700, exist_ok=True)
            ended = subprocess.run([program("usherd"), "-f", conf], capture_output=True, text=True, timeout=COMMAND)
            self.assertEqual(ended.returncode, 1, ended.stderr)
            self.assertIn(says, ended.stderr)
        self.assertEqual(gateway.text("precious"), "kept")

    def test_tcp_and_off(self):
        port = free_port()
        self.addCleanup(gateway.restart_daemon, **{"metrics.listen": gateway.path("run/metrics")})
        gateway.restart_daemon(**{"metrics.listen": "127.0.0.1:%d" % port})
        Families(curl("http://127.0.0.1:%d/metrics" % port).stdout)
        self.assertFalse(os.path.exists(gateway.path("run/metrics")))
        gateway.restart_daemon(**{"metrics.listen": ""})
        self.assertNotEqual(curl("http://127.0.0.1:%d/metrics" % port, check=False).returncode, 0)


if __name__ == "__main__":
    unittest.main()
