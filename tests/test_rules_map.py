#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# rules.tsv: each of the 126 numbered rules has a line; what speaks of permissions, scopes, roles,
# groups, events or settings has a test that carries its number; anything else has one, or names the
# area that it waits for.
import ast
import collections
import csv
import glob
import os
import re
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
RULES = 126
TESTED = {"permission", "scope", "role", "group", "event", "setting"}
WAITING = {"life-cycle", "mail", "write-rule", "login", "screen", "report"}


def rows():
    with open(os.path.join(HERE, "rules.tsv"), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def cases(path):
    """The names of the test functions of a file."""
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    return {node.name for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


class RulesMap(unittest.TestCase):
    def test_every_rule_once(self):
        self.assertEqual([int(row["number"]) for row in rows()], list(range(1, RULES + 1)))

    def test_areas(self):
        for row in rows():
            self.assertIn(row["area"], TESTED | WAITING, row)
            self.assertTrue(row["test"] != "-" or row["area"] in WAITING, row)

    def test_named_tests_exist_and_carry_the_number(self):
        for row in rows():
            if row["test"] != "-":
                path, case = row["test"].split(":")
                self.assertIn(case, cases(os.path.join(HERE, os.pardir, path)), row)
                self.assertRegex(case, r"^test_rule_%03d_" % int(row["number"]))

    def test_no_test_is_forgotten(self):
        named = {row["test"] for row in rows()}
        for path in glob.glob(os.path.join(HERE, "test_rules_*.py")):
            for case in cases(path):
                if re.match(r"test_rule_\d", case):
                    self.assertIn("tests/%s:%s" % (os.path.basename(path), case), named)

    def test_nothing_is_done_twice(self):
        again = collections.Counter(row["test"] for row in rows() if row["test"] != "-")
        self.assertEqual([case for case, count in again.items() if count > 1], [])


if __name__ == "__main__":
    unittest.main()
