#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Whatever bytes arrive, usherd lives and serves the others: the corpus of messages, every prefix of
# each, random strings and mutated messages, each on a connection of its own to ldap and to ldapi, sent
# and half-closed. Meanwhile another client asks. SEED=... repeats a run.
import base64
import hashlib
import itertools
import multiprocessing
import os
import random
import select
import socket
import sys
import time

import raw_ldap as raw
from gateway import PATIENCE, ROOT, Gateway, membership, sanitized_build, service, until

CORPUS = os.path.join(ROOT, "tests/corpus/message")
RANDOM_COUNT = MUTATED_COUNT = 10000
AT_ONCE = 64       # connections of ours
HELD = 200         # more that say half a message and wait
CLOSED_WITHIN = 1  # second, after we have half-closed
TRIES = 3          # of what was closed later
DESCRIPTORS = 40   # more than before: the pools of connections to the store
SOURCES = 16       # addresses to connect from: the ports of one alone would run out
QUARANTINE_MB = 64  # what AddressSanitizer keeps of freed memory
GROWTH_KB = 4 * QUARANTINE_MB << 10 if sanitized_build() else 24 << 10


def corpus():
    files = []
    for name in sorted(os.listdir(CORPUS)):
        with open(os.path.join(CORPUS, name), "rb") as file:
            files.append(file.read())
    if len(files) < 100:
        raise AssertionError("the corpus is not in " + CORPUS)
    return files


def prefixes(files):
    return {one[:size] for one in files for size in range(1, len(one) + 1)}


def random_strings(source):
    for i in range(RANDOM_COUNT):
        text = source.randbytes(source.randint(1, 200))
        yield raw.tlv(0x30, text) if i % 3 == 0 else b"\x30" + text if i % 3 == 1 else text


def mutated(source, files):
    whole = [one for one in files if one]
    for _ in range(MUTATED_COUNT):
        text = bytearray(source.choice(whole))
        for _ in range(source.randint(1, 4)):
            at, kind = source.randrange(len(text) + 1), source.randrange(6)
            if kind == 0:
                text[at:at] = source.randbytes(source.randint(1, 8))
            elif kind == 1:
                del text[at:at + source.randint(1, 8)]
            elif kind == 2:
                text[at:at] = text[at:at + source.randint(1, 40)]
            elif kind == 3:
                other = source.choice(whole)
                text[at:] = other[source.randrange(len(other)):]
            elif at < len(text):
                text[at] = source.choice((source.randrange(256), text[at] ^ 1 << source.randrange(8),
                                          0, 0x7F, 0x80, 0x84, 0xFF))
        yield bytes(text)


class Thrower:
    """Sends each string on a connection of its own, half-closes it and waits for the other end."""

    def __init__(self, address):
        self.address, self.local = address, isinstance(address, str)
        self.poll, self.open, self.late, self.worst, self.count = select.epoll(), {}, [], 0.0, 0
        self.addresses = itertools.cycle("127.0.0.%d" % (i + 2) for i in range(SOURCES))

    def connect(self):
        one = socket.socket(socket.AF_UNIX if self.local else socket.AF_INET, socket.SOCK_STREAM)
        if not self.local:
            one.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
            one.bind((next(self.addresses), 0))
        one.settimeout(PATIENCE)
        one.connect(self.address)
        return one

    def throw(self, text):
        one = self.connect()
        try:
            one.sendall(text)
            one.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError, OSError):
            pass  # it has had enough already
        one.setblocking(False)
        self.open[one.fileno()] = one, time.monotonic(), text
        self.poll.register(one.fileno(), select.EPOLLIN | select.EPOLLRDHUP)
        self.count += 1

    def reap(self):
        """Waits for events and closes what the other end has closed."""
        for number, _ in self.poll.poll(0.05):
            one, since, text = self.open[number]
            try:
                if one.recv(1 << 16):
                    continue
            except BlockingIOError:
                continue
            except ConnectionResetError:
                pass
            self.finish(number, since, text)
        for _, since, text in self.open.values():
            if time.monotonic() - since > PATIENCE:
                raise AssertionError("a half-closed connection is still open: " + text.hex())

    def finish(self, number, since, text):
        took = time.monotonic() - since
        self.worst = max(self.worst, took)
        if took > CLOSED_WITHIN:
            self.late.append(text)
        self.poll.unregister(number)
        self.open.pop(number)[0].close()

    def throw_all(self, strings):
        for text in strings:
            while len(self.open) >= AT_ONCE:
                self.reap()
            self.throw(text)
        while self.open:
            self.reap()

    def always_late(self):
        """Those after which the other end closed too late, each time that they were thrown: a machine
        that stalls delays them once."""
        for _ in range(TRIES - 1):
            strings, self.late = self.late, []
            self.throw_all(strings)
        strings, self.late = self.late, []
        return strings


def other_client(address, name, secret, pipe):
    """Asks until told to stop; reports how often, the longest wait, and what was wrong."""
    link, count, worst, wrong = raw.Raw(address), 0, 0.0, []
    answer = link.ask(raw.bind(name, secret))
    wrong += [] if answer.code == raw.SUCCESS else [repr(answer)]
    cases = itertools.cycle([("tickets:read", raw.COMPARE_TRUE), ("tickets:delete", raw.COMPARE_FALSE),
                             ("no:where", raw.NO_ATTRIBUTE)])
    pipe.send("ready")
    while not pipe.poll():
        query, code = next(cases)
        start = time.monotonic()
        answer = link.ask(raw.compare(membership("sue"), query))
        worst, count = max(worst, time.monotonic() - start), count + 1
        if answer.code != code:
            wrong.append(repr(answer))
        time.sleep(0.002)
    pipe.send((count, worst, wrong[:5]))


class Asking:
    """The other client in a process of its own, so that our work does not slow it down."""

    def __init__(self, gateway):
        self.pipe, end = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=other_client, args=(
            ("127.0.0.1", gateway.port), service("backoffice"), "backoffice-demo-password", end))
        self.process.start()
        assert self.pipe.recv() == "ready"

    def stop(self):
        self.pipe.send("stop")
        if not self.pipe.poll(PATIENCE):
            self.process.kill()
            raise AssertionError("the other client is no longer answered")
        found = self.pipe.recv()
        self.process.join()
        return found


def figures(gateway):
    """(descriptors or None where they are not ours to see, kB of memory)"""
    folder = "/proc/%d/" % gateway.daemon.pid
    try:
        descriptors = len(os.listdir(folder + "fd"))
    except PermissionError:
        descriptors = None
    with open(folder + "status") as file:
        memory = dict(line.split(":", 1) for line in file)["RssAnon"]
    return descriptors, int(memory.split()[0])


def hold(thrower):
    """Connections with half a message, which nobody finishes."""
    held = []
    for _ in range(HELD):
        held.append(thrower.connect())
        held[-1].sendall(raw.message(1, raw.bind("sue", "x"))[:-1])
    return held


def cheap_decoy(gateway):
    """Of the thousands of binds here the hash is not the point."""
    digest = base64.b64encode(hashlib.sha1(b"nobody" + b"salt").digest() + b"salt").decode()
    gateway.modify(service("decoy"), userPassword="{SSHA}" + digest)


def attack(gateway, source):
    """Returns what is wrong."""
    files, problems = corpus(), []
    throwers = [Thrower(("127.0.0.1", gateway.port)), Thrower(gateway.ldapi)]
    for thrower in throwers:  # a little of everything first, so that what grows later is a leak
        thrower.throw_all([*files, *itertools.islice(mutated(source, files), 500)])
    until("all are gone", lambda: int(gateway.monitor()["usherConnections"]) <= 2)
    before = figures(gateway)
    asking, held = Asking(gateway), []
    for thrower in throwers:
        held += hold(thrower)
        start, count = time.monotonic(), thrower.count
        for strings in (files, prefixes(files), random_strings(source), mutated(source, files)):
            thrower.throw_all(strings)
        print("%s: %d connections in %.1f s, closed after %.3f s at most" % (
            "ldapi" if thrower.local else "ldap", thrower.count - count, time.monotonic() - start,
            thrower.worst))
        problems += ["a half-closed connection was closed too late each time, after " + text.hex()
                     for text in thrower.always_late()]
    count, worst, wrong = asking.stop()
    print("the other client: %d answers, the slowest after %.3f s" % (count, worst))
    if wrong or count < 100:
        problems.append("the other client was not served: %s" % wrong)
    for one in held:
        one.close()
    until("all are gone", lambda: int(gateway.monitor()["usherConnections"]) <= 2)
    after = figures(gateway)
    print("descriptors and memory (kB): %s, then %s" % (before, after))
    if after[0] is not None and after[0] > before[0] + DESCRIPTORS:
        problems.append("descriptors leak")
    if after[1] > before[1] + GROWTH_KB:
        problems.append("memory leaks")
    return problems


def main():
    seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
    start = time.monotonic()
    print("SEED=%d" % seed, flush=True)
    gateway = Gateway()
    gateway.more_environment["ASAN_OPTIONS"] = "%s:quarantine_size_mb=%d" % (
        os.environ.get("ASAN_OPTIONS", ""), QUARANTINE_MB)
    with gateway:
        cheap_decoy(gateway)
        daemon = gateway.daemon.pid
        problems = attack(gateway, random.Random(seed))
        if gateway.daemon.pid != daemon or gateway.daemon.poll() is not None:
            problems.append("usherd has died")
    for problem in problems:
        print("wrong: " + problem)
    print("%.1f s" % (time.monotonic() - start))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
