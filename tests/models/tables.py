# SPDX-License-Identifier: BSD-2-Clause
"""The vendors' tables beside this file, and cells: one question about one person each.

A cell carries the row of the table that says what is expected. Nothing here knows the roles that
usher ships, nor how a question is put."""
import collections
import csv
import os
import re

FOLDER = os.path.dirname(os.path.abspath(__file__))

# event: the question is put to the person's event membership there; None: to the membership.
Cell = collections.namedtuple("Cell", "row person organization query allowed event", defaults=(None,))


def rows(name):
    """The rows of NAME.tsv as dictionaries, in order."""
    with open(os.path.join(FOLDER, name + ".tsv"), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def table(name):
    """The rows by their id."""
    return {row["id"]: row for row in rows(name)}


def catalogue(model):
    return [row["id"] for row in rows("permissions") if row["model"] == model]


def slug(text):
    """ "Cash report > Cash report" is "cash-report.cash-report"."""
    return ".".join(re.sub("[^a-z0-9]+", "-", part.lower()).strip("-") for part in text.split(" > "))


def at(permission, scope, *options):
    """The query about a permission for one object."""
    return ";".join(["%s@%s" % (permission, scope), *options])


def on_event(permission, event, *options):
    return at(permission, "event/" + event, *options)


def app(permission):
    return permission + ";channel=app"
