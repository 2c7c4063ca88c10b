# SPDX-License-Identifier: BSD-2-Clause
"""People for tests, made at the store of a running gateway, and the codes that they would type."""
import base64
import email
import email.policy
import hashlib
import hmac
import re
import struct
import time
import uuid

import raw_ldap as raw
from gateway import BASE, membership, person, until

STEP_S = 30
JUNK = ("\b\n\r\x7fINCORRECT", "\b\n\r\x7fINCORRECT\0", "", "\x7f", "a\tb", "12\r\n")


def password(uid):
    return uid + "-demo-password"


def add_organization(gateway, name, **attributes):
    dn = "o=%s,%s" % (name, BASE)
    add(gateway, dn, ["organization", "usherOrganization"], o=name, **attributes)
    for branch in ("members", "groups", "roles", "services"):
        add(gateway, "ou=%s,%s" % (branch, dn), ["organizationalUnit"], ou=branch)


def add_person(gateway, uid, organizations=("acme",), **attributes):
    """Its password is password(uid)."""
    add(gateway, person(uid), ["inetOrgPerson", "usherPerson"],
        **{"uid": uid, "cn": uid.title(), "sn": uid.title(), "mail": uid + "@example.org",
           "usherMailVerified": "TRUE", "userPassword": password(uid), "usherId": str(uuid.uuid4()),
           **attributes})
    for organization in organizations:
        add_membership(gateway, uid, organization)


def add_membership(gateway, uid, organization, **attributes):
    add(gateway, membership(uid, organization), ["usherMembership"], cn=uid, usherMember=person(uid),
        **attributes)


def add(gateway, dn, classes, **attributes):
    if not gateway.directory.add(dn, classes, attributes):
        raise AssertionError("%s: %s" % (dn, gateway.directory.result))


def enrol(gateway, uid, used=-1):
    """An app for the person, by usherctl: its secret, and the step of now; the code of the step `used`
    after it is used up. Anew when the machine was so slow that the code came too late."""
    while True:
        uri = gateway.ctl("code", "enroll", uid).stdout
        secret = uri.split("secret=")[1].split("&")[0].strip()
        step = fresh_step()
        answer = gateway.ctl("code", "confirm", uid, text=code(secret, step + used) + "\n",
                             check=False)
        if answer.returncode == 0:
            return secret, step
        if int(time.time()) // STEP_S == step:
            raise AssertionError(answer.stderr)
        gateway.ctl("unlock", uid)


def code(secret, step):
    """RFC 6238: SHA-1, six digits, 30 seconds."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
    at = digest[-1] & 15
    return "%06d" % ((struct.unpack(">I", digest[at:at + 4])[0] & 0x7FFFFFFF) % 1000000)


def mailed_code(gateway, uid):
    """The code in the newest mail to this person."""
    mail = [text for text in gateway.mails() if "X-Sink-To: %s@example.org" % uid in text][-1]
    body = email.message_from_string(mail, policy=email.policy.default).get_body(("plain",))
    return re.search(r"\b\d{6}\b", body.get_content()).group()


def wrong_code(secret):
    """Six digits that are no code of the steps around now."""
    near = {code(secret, int(time.time()) // STEP_S + i) for i in range(-3, 4)}
    return next(text for text in ("%06d" % n for n in range(20)) if text not in near)


def fresh_step(seconds=10):
    """The step of now, once at least so many seconds of it are left."""
    until("a new step", lambda: STEP_S - time.time() % STEP_S >= seconds, pause=0.05)
    return int(time.time()) // STEP_S


def ticket(link, uid, **more):
    """The ticket of a password step whose code is due."""
    answer = link.ask(raw.verify(uid, raw.PASSWORD, password(uid), **more))
    if (answer.code, answer.state) != (raw.STRONGER, raw.FACTOR_DUE):
        raise AssertionError(answer)
    return answer.ticket
