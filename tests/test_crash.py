#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# usherd is killed with -9 at random moments while roles, includes, memberships and groups change at the
# store. After each restart the first answers are those of a state that the store has had since the last
# comparison, and once the cache has caught up every answer is the evaluator's on the store's data.
# SEED=... and ROUNDS=... repeat a run.
import os
import random
import sys
import threading
import time

import ldap3

import raw_ldap as raw
from evaluator import BASE, Evaluator
from gateway import MODELS, PATIENCE, Gateway, membership, sanitized_build, until

PEOPLE = ["u%02d" % i for i in range(24)]
ORGANIZATIONS = {"north": PEOPLE, "south": PEOPLE[::2], "platform": PEOPLE[:3]}
ROLES = {None: 8, "north": 5, "south": 3, "platform": 2}
GROUPS = {"north": 4, "south": 2, "platform": 1}
PERMISSIONS = ["tickets:read", "tickets:update", "tickets:delete", "tickets:export", "events:read",
               "events:update", "settings:read", "settings:update", "spectators-list:lock",
               "spectators-list:read", "reports:read", "directory:read", "directory.user:create",
               "directory.role:update", "vault:open", "vault:look"]
PATTERNS = [*PERMISSIONS, "*", "*:read", "tickets:*", "events:*", "directory:*", "directory.*:*",
            "settings:*", "vault:*", "spectators-list:*"]
FIRST = 40       # answers taken at once after a restart
ATTRIBUTES = ["objectClass", "usherActive", "usherGrant", "usherRole", "usherInclude", "usherMember",
              "member", "usherRequires"]


def role_dn(organization, i):
    return "cn=r%d,ou=roles,%s%s" % (i, "o=%s," % organization if organization else "", BASE)


class Tree:
    """The entries that change, as we have written them; history[i] is the tree after i changes."""

    def __init__(self, source):
        self.random, self.entries = source, {}
        self.roles = [role_dn(o, i) for o, count in ROLES.items() for i in range(count)]
        self.groups = ["cn=g%d,ou=groups,o=%s,%s" % (i, o, BASE) for o, n in GROUPS.items() for i in range(n)]
        self.members = [membership(uid, o) for o, uids in ORGANIZATIONS.items() for uid in uids]
        self.fill()
        self.history = [self.entries]

    def put(self, dn, *classes, **attributes):
        self.entries[dn] = {"objectclass": list(classes), **{n: v for n, v in attributes.items() if v}}

    def fill(self):
        for name in ("north", "south"):
            self.put("o=%s,%s" % (name, BASE), "organization", "usherOrganization", o=[name])
            for branch in ("members", "groups", "roles"):
                self.put("ou=%s,o=%s,%s" % (branch, name, BASE), "organizationalUnit", ou=[branch])
        self.put("cn=vault:open,ou=permissions," + BASE, "usherPermission", cn=["vault:open"],
                 usherrequires=["vault:look"])
        self.put("cn=vault:look,ou=permissions," + BASE, "usherPermission", cn=["vault:look"])
        for uid in PEOPLE:
            self.put("uid=%s,ou=people,%s" % (uid, BASE), "inetOrgPerson", "usherPerson", uid=[uid],
                     cn=[uid], sn=[uid], usherid=["6f1c3a52-0d0e-4c57-9a35-0000000000" + uid[1:]])
        for dn in self.roles + self.groups + self.members:
            self.entries[dn] = self.made(dn)

    def made(self, dn):
        """A role, group or membership with random values."""
        entry = {"objectclass": ["usherRole"], "ushergrant": self.grants()}
        if dn in self.groups:
            entry.update(objectclass=["usherGroupOfMembers", "usherGroup"], member=self.people(),
                         usherrole=self.some(self.roles, 2))
        elif dn in self.members:
            uid = dn.split(",")[0][3:]
            entry.update(objectclass=["usherMembership"], usherrole=self.some(self.roles, 3),
                         ushermember=["uid=%s,ou=people,%s" % (uid, BASE)],
                         ushergrant=self.grants() if self.random.random() < 0.3 else [])
        else:
            entry["usherinclude"] = self.some(self.roles, 2)
        entry["cn"] = [dn.split(",")[0][3:]]
        return {name: values for name, values in entry.items() if values}

    def some(self, values, most):
        return sorted(self.random.sample(values, self.random.randint(0, most)))

    def people(self):
        return ["uid=%s,ou=people,%s" % (uid, BASE) for uid in self.some(PEOPLE, 8)]

    def grants(self):
        return sorted({self.random.choice("++++-") + pattern for pattern in self.some(PATTERNS, 3)})

    def ldif(self):
        return "\n".join("dn: %s\n%s\n" % (dn, "".join("%s: %s\n" % (name, value) for name, values in
                                                       entry.items() for value in values))
                         for dn, entry in self.entries.items())

    def change(self, connection):
        """One random change at the store, and here once it is done."""
        kind = self.random.choice(["grants"] * 4 + ["links"] * 4 + ["active", "delete"])
        dn = self.random.choice(self.roles + self.groups + self.members)
        entry = self.entries.get(dn)
        if entry is None:
            entry = self.made(dn)
            done = connection.add(dn, attributes=entry)
        elif kind == "delete":
            entry, done = None, connection.delete(dn)
        else:
            fresh, names = self.made(dn), ["ushergrant"]
            if kind == "links":
                names = [name for name in ("usherinclude", "usherrole", "member")
                         if name in entry or name in fresh]
            if kind == "active":
                fresh["usheractive"], names = [self.random.choice(["TRUE", "FALSE"])], ["usheractive"]
            entry = {name: values for name, values in {**entry, **{name: fresh.get(name, [])
                                                                   for name in names}}.items() if values}
            done = not names or connection.modify(dn, {name: [(ldap3.MODIFY_REPLACE, entry.get(name, []))]
                                                       for name in names})
        if not done:
            raise AssertionError("%s: %s" % (dn, connection.result))
        self.entries = {**self.entries, dn: entry}
        if entry is None:
            del self.entries[dn]
        self.history.append(self.entries)


class Writer:
    """The stream of changes, on a thread and a connection of its own."""

    def __init__(self, gateway, tree):
        self.tree, self.connection = tree, gateway.store_connection()
        self.go, self.idle, self.end, self.error = threading.Event(), threading.Event(), False, None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            while not self.end:
                if not self.go.is_set():
                    self.idle.set()
                    self.go.wait()
                    continue
                self.idle.clear()
                self.tree.change(self.connection)
                time.sleep(0.002)
        except Exception as error:
            self.error = error
            self.idle.set()

    def pause(self):
        self.go.clear()
        self.idle.wait(PATIENCE)
        if self.error is not None:
            raise self.error

    def resume(self):
        self.idle.clear()
        self.go.set()

    def stop(self):
        self.pause()
        self.end = True
        self.go.set()
        self.thread.join(PATIENCE)
        self.connection.unbind()


def fold(entry):
    return {name: sorted(value.lower() for value in values) for name, values in entry.items()}


def stored(gateway):
    """The entries at the store, folded."""
    entries = {}
    with raw.Raw(gateway.store_socket) as link:
        link.ask(raw.bind_sasl("EXTERNAL", ""))
        link.post(raw.search(BASE, 2, ATTRIBUTES))
        answer = link.receive()
        while answer.op == raw.ENTRY:
            entries[answer.dn.lower()] = fold({name.lower(): values for name, values in
                                               answer.attributes.items()})
            answer = link.receive()
    if answer.code != raw.SUCCESS:
        raise AssertionError(answer)
    return entries


def questions():
    return [(organization, uid, permission) for organization in ORGANIZATIONS for uid in PEOPLE
            for permission in PERMISSIONS]


def asked(question):
    organization, uid, permission = question
    return raw.compare(membership(uid, organization), permission)


class Crash:
    def __init__(self, gateway, tree, source):
        self.gateway, self.tree, self.random = gateway, tree, source
        self.all, self.catalogue, self.slowest, self.busy, self.late = questions(), {}, 0.0, 0, 0.0

    def kill(self):
        """At a random moment: now and then one that has hardly begun."""
        if self.random.random() < 0.3:
            time.sleep(self.random.uniform(0, 0.02))
            self.gateway.end_daemon(9)
            self.gateway.launch()
            time.sleep(self.random.uniform(0, 0.05))
        else:
            time.sleep(self.random.uniform(0, 0.15))
        self.gateway.end_daemon(9)

    def first_answers(self):
        """At once after the start: no errors, and busy only for a moment."""
        self.gateway.launch()
        start = time.monotonic()
        until("usherd listens", lambda: self.gateway.listens(self.gateway.ldapi), pause=0.001)
        picked = self.random.sample(self.all, FIRST)
        with self.gateway.local() as link:
            found = [self.answer(link, question, start) for question in picked]
        self.slowest = max(self.slowest, time.monotonic() - start)
        return list(zip(picked, found))

    def were_right(self, answers, since):
        """Each of a state that the store has had since the last comparison. The newest first: most are."""
        history = self.tree.history[since:]
        models = [Evaluator(self.whole(entries)) for entries in (history[0], *reversed(history))]
        return ["%s: first answer %s was never right" % (question, answer) for question, answer in answers
                if not any(model.allows(question[1], question[0], question[2]) == answer for model in models)]

    def whole(self, entries):
        return {**self.catalogue, **{dn: fold(entry) for dn, entry in entries.items()}}

    def answer(self, link, question, start):
        while True:
            answer = link.ask(asked(question))
            if answer.code in (raw.COMPARE_TRUE, raw.COMPARE_FALSE):
                return answer.code == raw.COMPARE_TRUE
            self.busy += 1
            if answer.code != raw.BUSY or time.monotonic() - start > PATIENCE:
                raise AssertionError("%s: first answer %r" % (question, answer))
            time.sleep(0.002)

    def compare_all(self):
        """Once the cache has caught up. Returns what is wrong."""
        start = time.monotonic()
        self.gateway.caught_up()
        self.late = max(self.late, time.monotonic() - start)
        entries = stored(self.gateway)
        ours = {dn: fold(entry) for dn, entry in self.tree.entries.items()}
        for dn, entry in ours.items():
            kept = {name: values for name, values in entry.items() if name in map(str.lower, ATTRIBUTES)}
            if entries.get(dn) != kept:
                raise AssertionError("the store has %s: %s, not %s" % (dn, entries.get(dn), kept))
        model = Evaluator(entries)
        with self.gateway.local() as link:
            answers = link.ask_all(map(asked, self.all))
        codes = {True: raw.COMPARE_TRUE, False: raw.COMPARE_FALSE}
        return ["%s: expected %s, got %r" % (question, expected, answer) for question, answer, expected in
                ((q, a, model.allows(q[1], q[0], q[2])) for q, a in zip(self.all, answers))
                if answer.code != codes[expected]]

    def still_wrong(self):
        time.sleep(1)
        return len(self.compare_all())

    def run(self, rounds):
        self.catalogue = {dn: entry for dn, entry in stored(self.gateway).items()
                          if dn not in self.tree.entries}
        problems = self.compare_all()
        writer = Writer(self.gateway, self.tree)
        for number in range(rounds):
            since = len(self.tree.history) - 1
            writer.resume()
            self.kill()
            answers = self.first_answers()
            writer.pause()
            problems += self.were_right(answers, since) + self.compare_all()
            if problems:
                print("in round %d; %d of them wrong also a second later" % (number, self.still_wrong()))
                break
        writer.stop()
        return problems


def main():
    seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
    rounds = int(os.environ.get("ROUNDS", 20 if sanitized_build() else 100))
    start = time.monotonic()
    print("SEED=%d" % seed, flush=True)
    source = random.Random(seed)
    tree = Tree(random.Random(seed + 1))
    with Gateway(load=MODELS, ldif=tree.ldif()) as gateway:
        crash = Crash(gateway, tree, source)
        problems = crash.run(rounds)
        allowed = sum(Evaluator(stored(gateway)).allows(q[1], q[0], q[2]) for q in crash.all)
    for problem in problems[:20]:
        print("wrong: " + problem)
    print("%d kills, %d changes, %d questions each time, %d of them allowed at the end, %d wrong" % (
        rounds, len(tree.history) - 1, len(crash.all), allowed, len(problems)))
    print("first answers within %.3f s of the start (%d times busy), caught up within %.3f s" % (
        crash.slowest, crash.busy, crash.late))
    print("%.1f s" % (time.monotonic() - start))
    return 1 if problems or not 0 < allowed < len(crash.all) else 0


if __name__ == "__main__":
    sys.exit(main())
