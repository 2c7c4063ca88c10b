# SPDX-License-Identifier: BSD-2-Clause
"""Replays the cells of a model: at the naive evaluator, then over LDAP Compare at a real gateway.

All five models and the samples stand in the tree. Prints the counts; every row of the vendor's
table must have cells, or a reason why it has none."""
import collections
import os
import time

import raw_ldap as raw
from gateway import BASE, CONF, Gateway, membership, program

from . import naive, tables

NAMES = ("usher", "tixngo", "palisis", "orgevents", "tixly", "backoffice004")
SAMPLES = ("acme", *NAMES[2:])
FILES = [os.path.join(CONF, "models", name + ".ldif") for name in NAMES] + \
        [os.path.join(CONF, "sample", name + ".ldif") for name in SAMPLES]
ANSWERS = {raw.COMPARE_TRUE: "allow", raw.COMPARE_FALSE: "deny", raw.STRONGER: "step-up"}
SHOWN = 40  # wrong cells printed


def shipped():
    text = ""
    for path in FILES:
        with open(path, encoding="utf-8") as file:
            text += file.read() + "\n"
    return text


def dn(cell):
    if cell.event is None:
        return membership(cell.person, cell.organization)
    return "cn=%s,ou=members,cn=%s,ou=events,o=%s,%s" % (cell.person, cell.event, cell.organization, BASE)


def ask_naive(cells, ldif):
    """One word a cell."""
    return naive.ask(program("tests/ask_naive"), shipped() + ldif, BASE, cells)


def ask_gateway(link, cells):
    answers = link.ask_all(raw.compare(dn(cell), cell.query) for cell in cells)
    return [ANSWERS.get(answer.code, "error %d %s" % (answer.code, answer.text)) for answer in answers]


def judge(name, cells, answers):
    """Prints what is wrong and returns how many."""
    wrong = [(cell, answer) for cell, answer in zip(cells, answers)
             if answer.split(" ")[0] != ("allow" if cell.allowed else "deny")]
    for cell, answer in wrong[:SHOWN]:
        print("  %s: %s in %s, %s: expected %s, got %s" % (
            cell.row, cell.person, cell.organization, naive.query(cell),
            "allow" if cell.allowed else "deny", answer))
    if len(answers) != len(cells):
        raise AssertionError("%d answers to %d questions" % (len(answers), len(cells)))
    print("%s: %d cells asked, %d wrong" % (name, len(cells), len(wrong)))
    return len(wrong)


def count(model, cells):
    kinds = collections.Counter("event" if cell.event or "@event/" in cell.query else
                                "object" if "@" in cell.query else "plain" for cell in cells)
    allowed = sum(cell.allowed for cell in cells)
    print("%s: %d cells, %d allowed, %d denied; %d on events, %d on other objects; %d rows" % (
        model, len(cells), allowed, len(cells) - allowed, kinds["event"], kinds["object"],
        len({cell.row for cell in cells})))


def check_rows(model, cells, silent):
    """Each row either has cells or stands in silent: {row: why it has none}."""
    known, asked = set(tables.table(model)), {cell.row for cell in cells}
    bad = sorted(known ^ (asked | set(silent))) + sorted(asked & set(silent))
    for row in bad:
        print("  %s: neither cells nor a reason, or both, or no such row" % row)
    return len(bad)


def run(model, world, cells, silent):
    """The exit status of a conformance test."""
    start, ldif, cells = time.monotonic(), world.ldif(), list(cells)
    count(model, cells)
    wrong = check_rows(model, cells, silent)
    wrong += judge("naive evaluator", cells, ask_naive(cells, ldif))
    with Gateway(load=FILES, ldif=ldif) as gateway, gateway.backoffice() as link:
        wrong += judge("gateway", cells, ask_gateway(link, cells))
    print("%.1f s" % (time.monotonic() - start))
    return 1 if wrong else 0
