# SPDX-License-Identifier: BSD-2-Clause
"""Somebody who is always a moment quicker: a relay between a usherd and its store that changes an attribute at the
store just before the usherd's own change of it arrives there, and puts it back before the answer goes on. So that
change is really lost, and the next try finds what the one before found. Everything else passes as it is."""
import contextlib
import select
import socket
import threading

import ldap3

import raw_ldap as raw
from gateway import PATIENCE

MODIFY = 0x66
SYNC = b"1.3.6.1.4.1.4203.1.9.1.1"  # in the request by which usherd follows the store's changes
LOST = (16, 122)  # noSuchAttribute of the old value, or an assertion that is false


class Contest:
    """The changes of one attribute of one entry: `first` of them pass, the next `losses` are lost (None: all
    of them). `instead` is what the attribute has meanwhile (None: nothing). `codes` has each one's result."""

    def __init__(self, dn, attribute, first, losses, instead):
        self.dn, self.attribute = dn.lower(), attribute.lower()
        self.lost = range(first, 1 << 20 if losses is None else first + losses)
        self.instead, self.codes, self.before = [instead] if instead else [], [], None

    def concerns(self, operation):
        (_, dn), (_, changes) = raw.elements(operation)
        names = [raw.elements(raw.elements(change)[1][1])[0][1] for _, change in raw.elements(changes)]
        return dn.decode().lower() == self.dn and self.attribute in [name.decode().lower() for name in names]


class Rival:
    """Listens on `uri` from the start on, till stop(). For one operation at a time."""
    AT_ONCE = 1 << 18  # bytes read

    def __init__(self, gateway):
        self.gateway, self.contest, self.connection = gateway, None, None
        self.threads, self.ended = [], threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(gateway.path("rival"))
        self.listener.listen(64)
        self.uri = "ldapi://" + gateway.path("rival").replace("/", "%2F")
        self.begin(self.accept)

    def begin(self, run, *arguments):
        thread = threading.Thread(target=run, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join(PATIENCE)
        self.listener.close()

    @contextlib.contextmanager
    def started(self):
        """The gateway is started, with this before its store; in the end both are stopped."""
        self.gateway.options["store.uri"] = self.uri
        try:
            with self.gateway:
                yield self
        finally:
            self.stop()

    @contextlib.contextmanager
    def against(self, dn, attribute, losses=None, first=0, instead=None):
        self.connection = self.gateway.store_connection()
        self.contest = Contest(dn, attribute, first, losses, instead)
        try:
            yield self.contest
        finally:
            self.contest = None
            self.connection.unbind()

    def accept(self):
        while not self.ended.is_set():
            if select.select([self.listener], [], [], 0.1)[0]:
                self.begin(self.relay, self.listener.accept()[0])

    def relay(self, near):
        far, numbers = socket.socket(socket.AF_UNIX), {}
        with near, far:
            far.connect(self.gateway.store_socket)
            ways = {near: (far, self.request, bytearray()), far: (near, self.answer, bytearray())}
            while not self.ended.is_set():
                for end in select.select(list(ways), [], [], 0.1)[0]:
                    if not self.pass_on(end, *ways[end], numbers):
                        return

    def pass_on(self, end, other, look, held, numbers):
        """Whole messages, as far as there are; False when an end is gone."""
        try:
            got = end.recv(self.AT_ONCE)
            held += got
            while raw.whole(held):
                size = raw.whole(held)
                frame = bytes(held[:size])
                del held[:size]
                look(frame, numbers)
                other.sendall(frame)
        except OSError:
            return False
        return bool(got)

    def request(self, frame, numbers):
        contest = self.contest
        (_, content), = raw.elements(frame)
        (_, number), (operation, body), *_ = raw.elements(content)
        if contest is None or operation != MODIFY or not contest.concerns(body):
            return
        numbers[number] = contest
        if len(contest.codes) in contest.lost:
            contest.before = self.read(contest)
            self.write(contest, contest.instead)

    def answer(self, frame, numbers):
        if not numbers:
            return
        (_, content), = raw.elements(frame)
        (_, number), (_, body), *_ = raw.elements(content)
        contest = numbers.pop(number, None)
        if contest is None:
            return
        contest.codes.append(int.from_bytes(raw.elements(body)[0][1], "big"))
        if len(contest.codes) - 1 in contest.lost:
            self.write(contest, contest.before)

    def read(self, contest):
        self.connection.search(contest.dn, "(objectClass=*)", ldap3.BASE, attributes=[contest.attribute])
        found = self.connection.response[0]["raw_attributes"]
        return next((values for name, values in found.items() if name.lower() == contest.attribute), [])

    def write(self, contest, values):
        if not self.connection.modify(contest.dn, {contest.attribute: [(ldap3.MODIFY_REPLACE, values)]}):
            contest.codes.append(str(self.connection.result))
