# SPDX-License-Identifier: BSD-2-Clause
"""Cells put to the naive evaluator (tests/ask_naive.c): LDIF as the text of tests/tree_text.h.

Entries that the evaluator knows become lines, all others (units, policies) are left out. That text
takes 31 values a list; what a role has more goes on in a role that it includes, of the same layer."""
import base64
import calendar
import subprocess
import time

VALUES_MAX = 30  # grants of one line


def entries(text):
    """(dn, {attribute in lower case: [values]}) of LDIF."""
    lines = [line for line in text.replace("\n ", "").split("\n") if not line.startswith("#")]
    for paragraph in "\n".join(lines).split("\n\n"):
        found = {}
        for line in filter(None, paragraph.split("\n")):
            name, _, value = line.partition(":")
            value = base64.b64decode(value[1:]).decode() if value.startswith(":") else value.strip()
            found.setdefault(name.lower(), []).append(value)
        if found:
            yield found.pop("dn")[0], found


def rdns(dn, base):
    """The values of the RDNs below the base, and their types."""
    parts = [part.split("=", 1) for part in dn[:-len(base)].strip(",").split(",") if part]
    return [value for _, value in parts], [kind for kind, _ in parts]


def milliseconds(value):
    return calendar.timegm(time.strptime(value, "%Y%m%d%H%M%SZ")) * 1000


def place(values, kinds):
    """(kind of entry, its place), or None for what no decision needs."""
    branch = values[1] if len(values) > 1 else None
    if kinds == ["o"]:
        return "organization", values[0]
    if kinds == ["uid", "ou"]:
        return "person", values[0]
    if kinds == ["cn", "ou"] and branch in ("permissions", "roles"):
        return {"permissions": ("permission", values[0]), "roles": ("role", "/" + values[0])}[branch]
    if kinds == ["cn", "ou", "o"] and branch in ("members", "groups", "roles", "events"):
        kind = {"members": "membership", "groups": "group", "roles": "role", "events": "event"}[branch]
        return kind, "%s/%s" % (values[2], values[0])
    if kinds == ["cn", "ou", "cn", "ou", "o"]:
        return "event-membership", "%s/%s/%s" % (values[4], values[2], values[0])
    return None


def role_place(dn, base):
    values, _ = rdns(dn, base)
    return "%s/%s" % (values[2] if len(values) > 2 else "", values[0])


def words(found, base):
    """The key=value words of an entry."""
    def first(dn):
        return rdns(dn, base)[0][0]
    readers = (("ushergrant", "grant", str), ("ushersetting", "setting", str),
               ("usherrole", "role", lambda dn: role_place(dn, base)),
               ("usherinclude", "role", lambda dn: role_place(dn, base)), ("member", "member", first),
               ("ushersharedwith", "shared", first), ("usherprimary", "primary", first),
               ("usherchannel", "channel", str), ("usherrequires", "requires", str),
               ("ushernotbefore", "from", milliseconds), ("ushernotafter", "until", milliseconds))
    for attribute, key, read in readers:
        for value in found.get(attribute, []):
            yield "%s=%s" % (key, read(value))
    for attribute, word, value in (("usheractive", "inactive", "FALSE"), ("usherediting", "editing", "TRUE"),
                                   ("usherfactor", "factor", "TRUE")):
        if found.get(attribute) == [value]:
            yield word


def lines(kind, where, listed):
    """One line, or for a long role several."""
    grants = [word for word in listed if word.startswith("grant=")]
    rest = [word for word in listed if not word.startswith("grant=")]
    while kind == "role" and len(grants) > VALUES_MAX:
        more = where + "+"
        yield " ".join([kind, where, *rest, *grants[:VALUES_MAX], "role=" + more])
        where, rest, grants = more, [], grants[VALUES_MAX:]
    yield " ".join([kind, where, *rest, *grants])


def tree(text, base):
    """The text of a tree; its first line is the organization that every store has."""
    found = ["organization platform"]
    for dn, attributes in entries(text):
        position = place(*rdns(dn, base))
        if position is not None:
            found += lines(*position, list(words(attributes, base)))
    return "\n".join(found) + "\n"


def query(cell):
    """A question to an event membership means its event."""
    if cell.event is None:
        return cell.query
    permission, *options = cell.query.split(";")
    return ";".join(["%s@event/%s" % (permission, cell.event), *options])


def ask(program, text, base, cells):
    """One answer a cell: "allow", "deny STEP", "step-up" or "error NAME"."""
    questions = "".join("%s %s %s\n" % (cell.person, cell.organization, query(cell)) for cell in cells)
    run = subprocess.run([program], input=tree(text, base) + "\n" + questions, capture_output=True,
                         text=True, timeout=600)
    if run.returncode != 0:
        raise AssertionError("%s: status %d\n%s" % (program, run.returncode, run.stderr))
    return run.stdout.splitlines()
