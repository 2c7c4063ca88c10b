#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# What is renamed while the whole tree is read. slapd gives its view up while it waits for its reader, and tells of
# the renamed entry alone, behind the refresh: where those below it stand, only a second reading can tell. A relay
# between the store and usherd holds the refresh back in the middle; two organizations' members change places there.
import fcntl
import itertools
import os
import struct
import termios
import threading
import time
import unittest
import zlib

import ldap3

import raw_ldap as raw
from gateway import BASE, CONF, PATIENCE, Gateway, membership, until
from rival import SYNC, Rival

PEOPLE = 1500            # beside those asked about: more than sockets hold, so that slapd waits
EACH = 100               # of them in one organization
FIRST = 20000            # bytes that pass before
QUIET = 0.3              # seconds
VAIN = 3                 # readings given up at most
QUESTION = "gate:open"
ANYWHERE = {raw.COMPARE_TRUE: True, raw.COMPARE_FALSE: False}


class Gate(Rival):
    """Once it is told to, it stops in the middle of the answer to the next sync."""
    AT_ONCE = 4096  # so that it is the middle

    def __init__(self, gateway):
        self.wanted = self.shut = False
        self.open = threading.Event()
        super().__init__(gateway)

    def request(self, frame, numbers):
        if self.wanted and SYNC in frame:
            numbers[SYNC] = 0

    def answer(self, frame, numbers):
        if SYNC in numbers:
            numbers[SYNC] += len(frame)

    def pass_on(self, end, other, look, held, numbers):
        if self.wanted and look == self.answer and numbers.get(SYNC, 0) > FIRST:
            self.wanted = False
            self.wait_for_full(end)
            self.shut = True
            self.open.wait(PATIENCE)
        return super().pass_on(end, other, look, held, numbers)

    def wait_for_full(self, far):
        """Until slapd has written what the socket holds, and waits: nothing has come for a while."""
        held, since = -1, time.monotonic()
        while time.monotonic() - since < QUIET:
            waiting = struct.unpack("i", fcntl.ioctl(far, termios.FIONREAD, bytes(4)))[0]
            if waiting != held:
                held, since = waiting, time.monotonic()
            time.sleep(0.01)

    def stop(self):
        self.open.set()
        super().stop()


class RefreshMoves(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway(load=[os.path.join(CONF, "models/usher.ldif")], ldif=self.tree())
        self.gate = self.enterContext(Gate(self.gateway).started())

    def tree(self):
        """`first` and `last`, with many others between them in the order of the tree and of time."""
        text = "dn: cn=%s,ou=permissions,%s\nobjectClass: usherPermission\ncn: %s\n\n" % (QUESTION, BASE, QUESTION)
        text += self.organization("first", ["ann"])
        for start in range(0, PEOPLE, EACH):
            text += self.organization("org%d" % start, ["p%d" % i for i in range(start, start + EACH)])
        return text + self.organization("last", ["bob"])

    def organization(self, name, uids):
        text = ("dn: o=%s,%s\nobjectClass: organization\nobjectClass: usherOrganization\no: %s\n\n"
                "dn: ou=members,o=%s,%s\nobjectClass: organizationalUnit\nou: members\n\n" % (name, BASE, name, name, BASE))
        for uid in uids:
            person = "uid=%s,ou=people,%s" % (uid, BASE)
            text += ("dn: %s\nobjectClass: inetOrgPerson\nobjectClass: usherPerson\nuid: %s\ncn: %s\nsn: %s\n"
                     "usherId: 00000000-0000-4000-8000-%012d\n\n"
                     "dn: %s\nobjectClass: usherMembership\ncn: %s\nusherMember: %s\nusherGrant: +%s\n\n"
                     % (person, uid, uid, uid, zlib.crc32(uid.encode()), membership(uid, name), uid, person, QUESTION))
        return text

    def rename(self, old, rdn, superior=None):
        self.assertTrue(self.gateway.directory.modify_dn("%s,%s" % (old, BASE), rdn, new_superior=superior and
                                                         "%s,%s" % (superior, BASE)), self.gateway.directory.result)

    def read_anew(self):
        """usherd reads everything, and is held back in the middle of it."""
        self.gate.wanted = True
        self.gateway.restart_with_empty_cache()
        until("the refresh is held back", lambda: self.gate.shut)

    def answers(self):
        with self.gateway.admin() as link:
            return {(uid, name): ANYWHERE.get(link.ask(raw.compare(membership(uid, name), QUESTION)).code)
                    for uid in ("ann", "bob") for name in ("first", "last", "other")}

    def comes_to(self, allowed):
        self.gate.open.set()
        wanted = {(uid, name): (uid, name) in allowed for uid in ("ann", "bob") for name in ("first", "last")}
        until("the answers are %s" % wanted, lambda: {key: self.answers()[key] for key in wanted} == wanted)
        self.gateway.caught_up()
        self.assertEqual({key: self.answers()[key] for key in wanted}, wanted)

    def test_members_change_places(self):
        self.read_anew()
        self.rename("ou=members,o=first", "ou=between")
        self.rename("ou=members,o=last", "ou=members", "o=first")
        self.rename("ou=between,o=first", "ou=members", "o=last")
        self.comes_to({("bob", "first"), ("ann", "last")})

    def test_organizations_change_names(self):
        self.read_anew()
        self.rename("o=first", "o=between")
        self.rename("o=last", "o=first")
        self.rename("o=between", "o=last")
        self.comes_to({("bob", "first"), ("ann", "last")})

    def test_a_unit_that_is_changed_all_the_time(self):
        """It may have been renamed, as far as is told; but reading anew comes to an end."""
        ended = threading.Event()

        def change(connection):
            for i in itertools.count():
                if ended.wait(0.002):
                    break
                connection.modify("ou=members,o=first," + BASE,
                                  {"description": [(ldap3.MODIFY_REPLACE, [str(i)])]})
            connection.unbind()
        changing = threading.Thread(target=change, args=[self.gateway.store_connection()])
        self.read_anew()
        changing.start()
        try:
            until("it has been read anew", lambda: self.anew() > 0 or self.gate.open.set())
            until("it is filled", lambda: "the cache is filled" in self.gateway.text("usherd.log")
                  .rsplit("stopping on", 1)[1])
        finally:
            ended.set()
            changing.join()
        self.comes_to({("ann", "first"), ("bob", "last")})
        self.assertLessEqual(self.anew(), VAIN)

    def anew(self):
        return self.gateway.text("usherd.log").count("reading everything anew")

    def test_nothing_is_renamed(self):
        """A change of one that the evaluator knows is no reason to read everything twice."""
        self.read_anew()
        self.gateway.modify("o=first," + BASE, description="changed meanwhile")
        self.gateway.modify(membership("bob", "last"), usherGrant=[])
        self.comes_to({("ann", "first")})
        self.assertNotIn("reading everything anew", self.gateway.text("usherd.log"))


if __name__ == "__main__":
    unittest.main()
