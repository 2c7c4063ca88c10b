#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# SECURITY.md: each promise names a test, each test named exists and is run by the makefile.
import os
import re
import unittest

ROOT = os.path.abspath(os.environ.get("srcdir") or os.path.join(os.path.dirname(__file__), ".."))


def text(name):
    with open(os.path.join(ROOT, name)) as file:
        return file.read()


def wrong(document, makefile):
    """What is wrong with the promises of a document: a list of words."""
    found = []
    rows = [row for row in document.splitlines() if row.startswith("| ") and not row.startswith("| promise ")]
    rows = rows[rows.index("| who reads a backup of the store | see the tree and hashes | open a sealed PIN, TOTP "
                           "secret or code without the key file |") + 1:]
    if len(rows) < 20:
        found.append("hardly any promises")
    for row in rows:
        promise, _, held = row.strip("| ").rpartition(" | ")
        tests = re.findall(r"`(tests/[^`: ]+)(?:: ([^`]+))?`", held)
        if not tests or re.sub(r"`[^`]*`|[, |]", "", held):
            found.append("no test: " + promise)
        for name, case in tests:
            if not os.path.exists(os.path.join(ROOT, name)):
                found.append("no such file: " + name)
                continue
            run = name[:-2] if name.endswith(".c") else name
            if not re.search(r"(?:unit_tests|dist_check_SCRIPTS) = (?:.*\\\n)*.*(?<![\w/.])%s(?![\w/.])" %
                             re.escape(run), makefile):
                found.append("not run by the makefile: " + name)
            pattern = r"cmocka_unit_test\w*\(%s\b" if name.endswith(".c") else r"    def %s\(self"
            if case and not re.search(pattern % re.escape(case), text(name)):
                found.append("no such case: %s: %s" % (name, case))
    return found


class Promises(unittest.TestCase):
    def test_each_is_held(self):
        self.assertEqual(wrong(text("SECURITY.md"), text("Makefile.am")), [])

    def test_the_check_finds_what_is_wrong(self):
        document, makefile = text("SECURITY.md"), text("Makefile.am")
        for old, new, says in (("test_refused_all_alike", "test_of_nothing", "no such case"),
                               ("thirty_at_once", "thirty_at_onc", "no such case"),
                               ("tests/test_hostile.py`", "tests/test_nothing.py`", "no such file"),
                               ("| `tests/test_install.sh` |", "| trust us |", "no test"),
                               ("| `tests/test_hostile.py` |", "| `tests/smtp_sink.py` |", "not run")):
            self.assertIn(old, document)
            self.assertTrue(any(one.startswith(says) for one in wrong(document.replace(old, new), makefile)), new)


if __name__ == "__main__":
    unittest.main()
