# SPDX-License-Identifier: BSD-2-Clause
"""A relay between a usherd and its store that fails at one request, the Nth of an operation, and in one way. The
connection on which usherd follows the store's changes is left alone. Knows nothing of what is asked."""
import contextlib
import signal
import threading

import raw_ldap as raw
from rival import SYNC, Rival

UNANSWERED = (0x42, 0x50)        # unbind, abandon
WITHIN = (0x64, 0x73, 0x79)      # an entry, a reference, an intermediate response: more is to come

BEFORE = "before"  # the connection is gone before the store sees the request
AFTER = "after"    # the store has done it, and the connection is gone before anybody is told
AWAY = "away"      # as before, and so is the store from then on
LOST = "lost"      # as after, and the store is away from then on
KILLED = "killed"  # usherd is killed before the store sees the request
DONE = "done"      # usherd is killed when the store has done it
LATE = "late"      # the answer comes when usherd has given up
STALLED = "stalled"  # the store stands still, and does all when usherd has given up
ENDS = (BEFORE, AFTER, AWAY, LOST)


class Fault:
    def __init__(self, mode, number):
        self.mode, self.number, self.seen, self.away = mode, number, 0, False
        self.over = threading.Event()

    @property
    def happened(self):
        return self.seen > self.number


class Faults(Rival):
    """`fault` None: everything passes."""

    def __init__(self, gateway):
        self.fault, self.guard = None, threading.Lock()
        super().__init__(gateway)

    @contextlib.contextmanager
    def at(self, mode, number):
        self.fault = fault = Fault(mode, number)
        try:
            yield fault
        finally:
            self.fault = None
            fault.over.set()

    def kill(self):
        self.gateway.daemon.send_signal(signal.SIGKILL)
        self.gateway.daemon.wait()

    def request(self, frame, numbers):
        fault = self.fault
        (_, content), = raw.elements(frame)
        (_, number), (operation, _), *_ = raw.elements(content)
        if SYNC in frame:
            numbers[SYNC] = None
        if fault is None or SYNC in numbers or operation in UNANSWERED:
            return
        with self.guard:
            hit = fault.seen == fault.number
            fault.seen += 1
        if fault.away or hit and fault.mode in (BEFORE, AWAY, KILLED):
            fault.away = fault.mode == AWAY or fault.away
            if hit and fault.mode == KILLED:
                self.kill()
            raise ConnectionError("it is away")
        if fault.mode == STALLED and fault.happened:
            fault.over.wait()
        if hit and fault.mode in (AFTER, LOST, DONE, LATE):
            numbers[number] = fault

    def answer(self, frame, numbers):
        if not numbers or SYNC in numbers:
            return
        (_, content), = raw.elements(frame)
        (_, number), (operation, _), *_ = raw.elements(content)
        if number not in numbers or operation in WITHIN:
            return
        fault = numbers.pop(number)
        if fault.mode == LATE:
            fault.over.wait()
            return
        fault.away = fault.mode == LOST
        if fault.mode == DONE:
            self.kill()
        raise ConnectionError("nobody is told")
