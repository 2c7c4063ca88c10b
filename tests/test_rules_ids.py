#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# The shipped models against the fixed ids: conf/models has exactly the permissions of permissions.tsv,
# with their conditions, and the roles of roles.tsv; where a role gives something else than that table
# says, CORRECTED has it, since there the vendor's own table says otherwise. Samples hold together.
import os
import unittest

from models import naive, tables

ROOT = os.path.abspath(os.environ.get("srcdir") or os.path.join(os.path.dirname(__file__), ".."))
BASE = "dc=example,dc=org"
MODELS = ("usher", "tixngo", "palisis", "orgevents", "tixly", "backoffice004")
SAMPLES = ("acme", "palisis", "orgevents", "tixly", "backoffice004")
CORRECTED = {  # more than roles.tsv has
    "palisis.refund-not-allowed": {"-refund:select-user"},  # choosing who refunds is part of refunding
    "palisis.administrator": {"+directory.organization:update"},  # "anything in the account"
    "orgevents.org-admin": {"+app:login"},  # has what counts in the app alone
    "orgevents.all-events-manager": {"+app:login"},
    "orgevents.check-in-user": {"+backoffice:login"},  # "online or in the app"
}
CONDITIONS = {"channel": "usherchannel", "editing": "usherediting", "factor": "usherfactor",
              "requires": "usherrequires"}


def load(folder, names):
    """{dn: {attribute: [values]}}; a DN must not come twice."""
    found = {}
    for name in names:
        with open(os.path.join(ROOT, "conf", folder, name + ".ldif"), encoding="utf-8") as file:
            for dn, attributes in naive.entries(file.read()):
                if dn in found:
                    raise AssertionError("%s: again %s" % (name, dn))
                found[dn] = attributes
    return found


def below(entries, ou):
    return {attributes["cn"][0]: attributes for dn, attributes in entries.items()
            if dn == "cn=%s,ou=%s,%s" % (attributes.get("cn", [""])[0], ou, BASE)}


class Ids(unittest.TestCase):
    def test_permissions(self):
        found = below(load("models", MODELS), "permissions")
        self.assertEqual(set(found), {row["id"] for row in tables.rows("permissions")})
        for row in tables.rows("permissions"):
            entry = found[row["id"]]
            self.assertIn(row["label"], entry["description"])
            for column, attribute in CONDITIONS.items():
                self.assertEqual(entry.get(attribute, [""]), [row[column]], row["id"])

    def test_roles(self):
        found = below(load("models", MODELS), "roles")
        self.assertEqual(set(found), {row["role"] for row in tables.rows("roles")})
        for row in tables.rows("roles"):
            entry = found[row["role"]]
            self.assertEqual(set(entry.get("ushergrant", [])) - set(row["grants"].split()),
                             CORRECTED.get(row["role"], set()), row["role"])
            self.assertLessEqual(set(row["grants"].split()), set(entry.get("ushergrant", [])), row["role"])
            for column, attribute in (("reserved", "usherreserved"), ("seat", "usherseat"),
                                      ("exclusive", "usherexclusive"), ("settings", "ushersetting")):
                self.assertEqual(sorted(entry.get(attribute, [])), sorted(row[column].split()), row["role"])
            self.assertEqual(entry.get("usherinclude", []), ["cn=%s,ou=roles,%s" % (role, BASE)
                                                             for role in row["includes"].split()])

    def test_danish_and_italian_labels(self):
        found = load("models", MODELS)
        tagged = {language: [dn for dn, entry in found.items() if "description;lang-" + language in entry]
                  for language in ("da", "it")}
        for function in tables.rows("tixly"):
            if function["kind"].startswith("function"):
                self.assertIn([function["label_da"]],
                              [entry.get("description;lang-da") for entry in found.values()])
        self.assertEqual((len(tagged["da"]), len(tagged["it"])), (57, 4))

    def test_samples_point_at_what_is_there(self):
        samples, models = load("sample", SAMPLES), load("models", MODELS)
        known = set(samples) | set(models) | {"o=platform," + BASE}
        for dn, entry in samples.items():
            for attribute in ("usherhome", "usherbelongsto", "usherdefaultorganization", "usherprimary",
                              "ushersharedwith", "ushermember", "usherrole", "usherinclude", "member"):
                self.assertLessEqual(set(entry.get(attribute, [])), known, dn)

    def test_sample_people_belong_where_they_have_memberships(self):
        samples = load("sample", SAMPLES)
        belongs = {}
        for dn, entry in samples.items():
            if "ushermember" in entry:
                belongs.setdefault(entry["ushermember"][0], set()).add("o=" + dn.split(",o=")[1])
        for dn, entry in samples.items():
            if "usherid" in entry:
                self.assertEqual(set(entry["usherbelongsto"]), belongs[dn], dn)
                self.assertIn(entry["usherhome"][0], entry["usherbelongsto"], dn)
                self.assertIn(entry.get("usherdefaultorganization", entry["usherhome"])[0],
                              entry["usherbelongsto"], dn)


if __name__ == "__main__":
    unittest.main()
