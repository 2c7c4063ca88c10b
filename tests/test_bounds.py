#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# tests/bounds.tsv names every bound of the sources, and the test that exceeds it: a new bound without a row, a row
# without a bound, and a test or case that does not exist fail here.
import glob
import os
import re
import unittest

TOP = os.environ.get("srcdir", ".")
WORDS = ("MAX|MOST|LEAST|LIMIT|TRIES|LIFETIME|INTERVAL|PROBES|LANGUAGES|SKEW|SLACK|LATE|WINDOW|TIMEOUT|SILENCE|IDLE|"
         "SLOTS|VALUES|TIME|LIFE")
BOUND = re.compile(r"^#\s*define\s+(?!USHER_\w+_H$|OID_)((?:\w+_)?(?:%s)(?:_\w+)?)\b" % WORDS, re.MULTILINE)
KINDS = ("bound", "own")


def text(name):
    with open(os.path.join(TOP, name), encoding="utf-8") as file:
        return file.read()


def rows():
    for line in text("tests/bounds.tsv").splitlines():
        if not line.startswith("#"):
            yield (line.split("\t") + [""] * 5)[:5]


def registered(test, case):
    """Whether the test has the case and runs it."""
    if test.endswith(".py"):
        return re.search(r"^    def %s\(self" % case, text(test), re.MULTILINE) is not None
    source = text(test)
    return (re.search(r"^static void %s\(" % case, source, re.MULTILINE) is not None and
            re.search(r"\b(cmocka_unit_test\w*|[A-Z]+)\(%s\b" % case, source) is not None)


class Bounds(unittest.TestCase):
    maxDiff = None

    def test_every_bound_has_its_row(self):
        found = set()
        for pattern in ("src/*/*.[ch]", "pam/*.[ch]"):
            for path in glob.glob(os.path.join(TOP, pattern)):
                name = os.path.relpath(path, TOP)
                found |= {"%s:%s" % (name, bound) for bound in BOUND.findall(text(name))}
        self.assertGreater(len(found), 100)
        named = [row[0] for row in rows()]
        self.assertEqual(len(named), len(set(named)), "a bound has two rows")
        self.assertEqual(sorted(found - set(named)), [], "bounds without a row in tests/bounds.tsv")
        self.assertEqual(sorted(set(named) - found), [], "rows of tests/bounds.tsv without a bound")

    def test_every_row_has_its_test(self):
        makefile = text("Makefile.am")
        for bound, kind, test, case, note in rows():
            with self.subTest(bound):
                self.assertIn(kind, KINDS)
                if kind == "bound":
                    self.assertTrue(os.path.exists(os.path.join(TOP, test)), test)
                    self.assertIn(test[:-2] if test.endswith(".c") else test, makefile.split())
                    self.assertTrue(registered(test, case), "%s has no case %s" % (test, case))
                else:
                    self.assertNotEqual(note, "", "say why")


if __name__ == "__main__":
    unittest.main(verbosity=2)
