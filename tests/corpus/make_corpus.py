#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Writes the corpus of LDAP messages (message/) and of the values of extended operations and controls
# (exop/) beside this script, always the same bytes. The file's name says what must come of it:
#   message/ok-*      a request that decodes; what our clients can send re-encodes to the same bytes,
#                     unless the name says -ber- (legal, but not how we write it)
#   message/bad-*     E_PROTO    message/limit-*   E_LIMIT    message/syntax-*   E_SYNTAX
#   message/resp-*    a response that decodes
#   message/respbad-* is neither a request nor a response
#   exop/<type>.ok-*  and exop/<type>.bad-*: the value of that type
import os
import shutil

HERE = os.path.dirname(os.path.abspath(__file__))
ARC = "2.25.190227144180112164674946508376533935585"
DN = "cn=alice,ou=members,o=acme,dc=example,dc=org"


def raw(value):
    return value.encode() if isinstance(value, str) else bytes(value)


def tlv(tag, *parts):
    body = b"".join(raw(part) for part in parts)
    n = len(body)
    if n < 0x80:
        head = bytes([n])
    else:
        octets = n.to_bytes((n.bit_length() + 7) // 8, "big")
        head = bytes([0x80 | len(octets)]) + octets
    return bytes([tag]) + head + body


def long_tlv(tag, octets, *parts):
    """A length in more octets than it needs."""
    body = b"".join(raw(part) for part in parts)
    return bytes([tag, 0x80 | octets]) + len(body).to_bytes(octets, "big") + body


def number(value, tag=0x02):
    size = 1
    while not -(1 << (8 * size - 1)) <= value < 1 << (8 * size - 1):
        size += 1
    return tlv(tag, value.to_bytes(size, "big", signed=True))


def enum(value):
    return number(value, 0x0A)


def octets(value):
    return tlv(0x04, value)


def boolean(value):
    return tlv(0x01, b"\xff" if value else b"\x00")


def seq(*parts):
    return tlv(0x30, *parts)


def message(op, *controls, id=1):
    tail = [tlv(0xA0, *controls)] if controls else []
    return seq(number(id), op, *tail)


def control(oid, critical=None, value=None):
    parts = [octets(oid)]
    if critical is not None:
        parts.append(boolean(critical))
    if value is not None:
        parts.append(octets(value))
    return seq(*parts)


def bind(dn=DN, password="secret", version=3):
    return tlv(0x60, number(version), octets(dn), tlv(0x80, password))


def sasl(*parts):
    return tlv(0x60, number(3), octets(""), tlv(0xA3, *parts))


def search(filter, base="dc=example,dc=org", scope=2, deref=0, size=0, time=0, types=False, asked=()):
    return tlv(0x63, octets(base), enum(scope), enum(deref), number(size), number(time),
               types if isinstance(types, bytes) else boolean(types), filter,
               seq(*[octets(name) for name in asked]))


def present(name="objectClass"):
    return tlv(0x87, name)


def ava(tag, name, value):
    return tlv(tag, octets(name), octets(value))


def equal(name, value):
    return ava(0xA3, name, value)


def substrings(name, *parts):
    return tlv(0xA4, octets(name), seq(*parts))


def nested(depth, tag=0xA2):
    filter = present("cn")
    for _ in range(depth - 1):
        filter = tlv(tag, filter)
    return filter


def attribute(name, *values):
    return seq(octets(name), tlv(0x31, *[octets(value) for value in values]))


def change(kind, name, *values):
    return seq(enum(kind), attribute(name, *values))


def compare(dn=DN, name="usherPermission", value="ticket:delete"):
    return tlv(0x6E, octets(dn), seq(octets(name), octets(value)))


def extended(oid, value=None):
    return tlv(0x77, tlv(0x80, oid), *([tlv(0x81, value)] if value is not None else []))


def result(tag, code=0, matched="", text="", *more):
    return tlv(tag, enum(code), octets(matched), octets(text), *more)


VERIFY = seq(tlv(0x80, "alice"), tlv(0x81, "acme"), number(1, 0x83), tlv(0x84, "secret"))


def requests_ok():
    yield "bind-simple", message(bind())
    yield "bind-anonymous", message(bind("", ""))
    yield "bind-empty-password", message(bind(DN, ""))
    yield "bind-v2", message(bind(version=2))
    yield "bind-v1", message(bind(version=1))
    yield "bind-v127", message(bind(version=127))
    yield "bind-nul-in-password", message(bind(password=b"se\0cret"))
    yield "bind-nul-in-dn", message(bind(dn=b"cn=a\0b,o=acme"))
    yield "bind-utf8", message(bind(dn="cn=Zoë,o=acme", password="žluťoučký"))
    yield "bind-long-password", message(bind(password="x" * 1000))
    yield "bind-sasl-external", message(sasl(octets("EXTERNAL"), octets("")))
    yield "bind-sasl-no-credentials", message(sasl(octets("EXTERNAL")))
    yield "bind-sasl-plain", message(sasl(octets("PLAIN"), octets(b"\0alice\0secret")))
    yield "bind-sasl-empty-mechanism", message(sasl(octets("")))
    yield "bind-password-policy", message(bind(), control("1.3.6.1.4.1.42.2.27.8.5.1"))
    yield "bind-ber-long-lengths", long_tlv(
        0x30, 4, number(7), long_tlv(0x60, 4, number(3), long_tlv(0x04, 4, DN), long_tlv(0x80, 4, "pw")))
    yield "bind-ber-id-wide", seq(tlv(0x02, b"\0\0\0\x05"), bind())
    yield "unbind", message(tlv(0x42))
    yield "unbind-control", message(tlv(0x42), control("1.2.3", True))
    yield "abandon", message(number(5, 0x50), id=6)
    yield "abandon-itself", message(number(6, 0x50), id=6)
    yield "abandon-zero", message(number(0, 0x50), id=6)
    yield "abandon-largest", message(number(2**31 - 1, 0x50), id=6)
    yield "id-largest", message(compare(), id=2**31 - 1)
    yield "delete", message(tlv(0x4A, DN))
    yield "delete-empty-dn", message(tlv(0x4A))
    yield "modify-dn", message(tlv(0x6C, octets(DN), octets("cn=bob"), boolean(True)))
    yield "modify-dn-superior", message(
        tlv(0x6C, octets(DN), octets("cn=bob"), boolean(False), tlv(0x80, "o=beta,dc=example,dc=org")))
    yield "compare", message(compare())
    yield "compare-empty-value", message(compare(value=""))
    yield "compare-nul-in-value", message(compare(value=b"ticket\0:delete"))
    yield "compare-scope", message(compare(value="ticket:delete@event/acme/hamlet;channel=app"))
    yield "compare-long-value", message(compare(value="x" * 5000))
    yield "compare-freshness", message(
        compare(), control(ARC + ".4.1"), control(ARC + ".4.2", True, "20240101000000.000000Z#000000#000#000000"))
    yield "compare-ber-false-criticality", message(compare(), control("1.2.3", False))
    yield "compare-ber-true-is-one", message(compare(), seq(octets("1.2.3"), tlv(0x01, b"\x01")))
    yield "compare-ber-empty-controls", seq(number(1), compare(), tlv(0xA0))
    yield "compare-controls-16", message(compare(), *[control("1.2.%d" % i) for i in range(16)])
    yield "compare-control-empty-value", message(compare(), control("1.2.3", True, ""))
    yield "whoami", message(extended("1.3.6.1.4.1.4203.1.11.3"))
    yield "starttls", message(extended("1.3.6.1.4.1.1466.20037"))
    yield "cancel", message(extended("1.3.6.1.1.8", seq(number(4))))
    yield "password-modify", message(
        extended("1.3.6.1.4.1.4203.1.11.1", seq(tlv(0x80, "uid=alice"), tlv(0x81, "old"), tlv(0x82, "new"))))
    yield "extended-empty-value", message(extended("1.2.3", ""))
    yield "extended-unknown", message(extended("1.2.3.4.5", b"\xff" * 40))
    yield "transaction-start", message(extended("1.3.6.1.1.21.1"))
    yield "verify", message(extended(ARC + ".3.1", VERIFY))
    yield "verify-truncated-value", message(extended(ARC + ".3.1", VERIFY[:-3]))
    yield "verify-garbage-value", message(extended(ARC + ".3.1", b"\x30\x84\xff\xff\xff\xff"))
    yield "challenge", message(extended(ARC + ".3.2", seq(tlv(0x80, "alice"), number(1, 0x82))))
    yield "set-pin", message(extended(ARC + ".3.3", seq(tlv(0x80, "acme"), tlv(0x82, "007"))))
    yield "enroll", message(extended(ARC + ".3.4", seq(number(0, 0x81))))
    yield "unlock", message(extended(ARC + ".3.8", seq(tlv(0x80, "alice"))))
    yield "add", message(tlv(0x68, octets(DN), seq(attribute("objectClass", "top", "usherMembership"),
                                                  attribute("cn", "alice"))))
    yield "add-binary-value", message(tlv(0x68, octets(DN), seq(attribute("jpegPhoto;binary", bytes(range(256))))))
    yield "add-no-attributes", message(tlv(0x68, octets(DN), seq()))
    yield "modify", message(tlv(0x66, octets(DN), seq(change(1, "usherGrant", "+ticket:*"),
                                                     change(0, "usherGrant", "-ticket:delete"),
                                                     change(2, "description"))))
    yield "modify-increment", message(tlv(0x66, octets(DN), seq(change(3, "usherSeatsUsed", "1"))))
    yield "modify-no-changes", message(tlv(0x66, octets(DN), seq()))


def searches_ok():
    yield "base", message(search(present(), base="", scope=0, asked=["supportedExtension", "+"]))
    yield "base-types-only", message(search(present(), scope=0, types=True, size=1, time=2**31 - 1))
    yield "base-ber-filter-case", message(search(present("OBJECTCLASS"), scope=0))
    yield "children", message(search(present(), scope=3, deref=3))
    yield "asked-many", message(search(present(), asked=["a%d" % i for i in range(200)]))
    yield "equal", message(search(equal("usherPermission", "ticket:delete")))
    yield "equal-nul-value", message(search(equal("cn", b"a\0b*)(")))
    yield "and", message(search(tlv(0xA0, equal("cn", "a"), present("mail"))))
    yield "and-empty", message(search(tlv(0xA0)))
    yield "or-empty", message(search(tlv(0xA1)))
    yield "not", message(search(tlv(0xA2, present("cn"))))
    yield "greater-less-approx", message(search(tlv(0xA1, ava(0xA5, "n", "1"), ava(0xA6, "n", "9"), ava(0xA8, "n", "5"))))
    yield "substrings", message(search(substrings("cn", tlv(0x80, "a"), tlv(0x81, "b"), tlv(0x81, "c"), tlv(0x82, "d"))))
    yield "substrings-any", message(search(substrings("cn", tlv(0x81, "b"))))
    yield "substrings-final", message(search(substrings("cn", tlv(0x82, "b"))))
    yield "extensible", message(search(tlv(0xA9, tlv(0x81, "2.5.13.2"), tlv(0x82, "cn"), tlv(0x83, "x"), tlv(0x84, b"\xff"))))
    yield "extensible-rule", message(search(tlv(0xA9, tlv(0x81, "caseExactMatch"), tlv(0x83, "x"))))
    yield "filter-depth-32", message(search(nested(32)))
    yield "filter-substrings-together-1024", message(
        search(tlv(0xA1, *[substrings("a", *[tlv(0x81, "b")] * 340)] * 3)))
    yield "filter-nodes-1024", message(search(tlv(0xA0, *[present("a")] * 1023)))
    yield "sync-control", message(search(present()), control("1.3.6.1.4.1.4203.1.9.1.1", True, seq(enum(3), octets("rid=1"))))


def requests_bad():
    good = message(compare())
    yield "empty-sequence", seq()
    yield "empty-file", b""
    yield "one-byte", b"\x30"
    yield "not-a-sequence", b"\x31" + good[1:]
    yield "http", b"GET / HTTP/1.1\r\n\r\n"
    yield "tls-hello", bytes.fromhex("1603010200010001fc0303") + b"\0" * 40
    yield "trailing-byte", good + b"\0"
    yield "two-messages", good + good
    yield "trailing-element", seq(number(1), compare(), octets("x"))
    yield "length-short", b"\x30" + bytes([good[1] - 1]) + good[2:]
    yield "length-long", b"\x30" + bytes([good[1] + 1]) + good[2:]
    yield "length-indefinite", b"\x30\x80" + good[2:] + b"\0\0"
    yield "length-five-octets", long_tlv(0x30, 5, number(1), compare())
    yield "length-huge", b"\x30\x84\xff\xff\xff\xff" + good[2:]
    yield "length-wraps", b"\x30\x88" + b"\xff" * 8 + good[2:]
    yield "length-reserved", b"\x30\xff" + good[2:]
    yield "id-zero", message(compare(), id=0)
    yield "id-negative", message(compare(), id=-1)
    yield "id-too-large", message(compare(), id=2**31)
    yield "id-five-bytes", seq(tlv(0x02, b"\0\0\0\0\1"), compare())
    yield "id-empty", seq(tlv(0x02), compare())
    yield "id-enumerated", seq(enum(1), compare())
    yield "id-missing", seq(compare())
    yield "no-operation", seq(number(1))
    yield "op-unknown", message(tlv(0x7E))
    yield "op-universal", message(octets("x"))
    yield "op-multi-byte-tag", seq(number(1), b"\x7f\x6e\x00")
    yield "op-primitive-bind", message(b"\x40" + bind()[1:])
    yield "op-constructed-delete", message(tlv(0x6A, octets(DN)))
    yield "bind-version-zero", message(bind(version=0))
    yield "bind-version-128", message(bind(version=128))
    yield "bind-no-authentication", message(tlv(0x60, number(3), octets("")))
    yield "bind-kerberos", message(tlv(0x60, number(2), octets(""), tlv(0x81, "ticket")))
    yield "bind-extra-field", message(tlv(0x60, number(3), octets(""), tlv(0x80, "x"), octets("y")))
    yield "bind-inner-indefinite", seq(number(1), b"\x60\x80" + number(3) + octets("") + tlv(0x80, "") + b"\0\0")
    yield "bind-password-leaves", message(tlv(0x60, number(3), octets(""), b"\x80\x7fshort"))
    yield "sasl-empty", message(sasl())
    yield "sasl-extra", message(sasl(octets("EXTERNAL"), octets(""), octets("")))
    yield "sasl-primitive", message(tlv(0x60, number(3), octets(""), tlv(0x83, "EXTERNAL")))
    yield "unbind-not-empty", message(tlv(0x42, "x"))
    yield "abandon-negative", message(number(-1, 0x50))
    yield "abandon-empty", message(tlv(0x50))
    yield "modify-dn-bool-two-bytes", message(tlv(0x6C, octets(DN), octets("cn=b"), tlv(0x01, b"\0\1")))
    yield "modify-dn-bool-empty", message(tlv(0x6C, octets(DN), octets("cn=b"), tlv(0x01)))
    yield "modify-dn-wrong-tag", message(tlv(0x6C, octets(DN), octets("cn=b"), boolean(True), tlv(0x81, "x")))
    yield "compare-no-value", message(tlv(0x6E, octets(DN), seq(octets("cn"))))
    yield "compare-extra", message(tlv(0x6E, octets(DN), seq(octets("cn"), octets("a"), octets("b"))))
    yield "compare-inner-length", message(tlv(0x6E, octets(DN), b"\x30\x7f" + octets("cn") + octets("a")))
    yield "extended-no-name", message(tlv(0x77))
    yield "extended-empty-name", message(extended(""))
    for name, oid in (("word", "whoami"), ("no-dot", "1"), ("dots", "1..2"), ("first-dot", ".1.2"), ("last-dot", "1.2."),
                      ("leading-zero", "1.02"), ("nul", b"1.2\0"), ("space", "1.2 "), ("minus", "1.-2")):
        yield "extended-oid-" + name, message(extended(oid))
    yield "extended-value-first", message(tlv(0x77, tlv(0x81, "x"), tlv(0x80, "1.2.3")))
    yield "add-empty-values", message(tlv(0x68, octets(DN), seq(attribute("cn"))))
    yield "add-sequence-for-set", message(tlv(0x68, octets(DN), seq(seq(octets("cn"), seq(octets("a"))))))
    yield "modify-kind-4", message(tlv(0x66, octets(DN), seq(change(4, "cn", "a"))))
    yield "modify-kind-negative", message(tlv(0x66, octets(DN), seq(change(-1, "cn", "a"))))
    yield "modify-change-extra", message(tlv(0x66, octets(DN), seq(seq(enum(0), attribute("cn", "a"), octets("x")))))
    yield "search-scope-4", message(search(present(), scope=4))
    yield "search-deref-4", message(search(present(), deref=4))
    yield "search-size-negative", message(search(present(), size=-1))
    yield "search-types-wide", message(search(present(), types=tlv(0x01, b"\0\0\0\1")))
    yield "search-no-filter", message(tlv(0x63, octets(""), enum(0), enum(0), number(0), number(0), boolean(False), seq()))
    yield "search-asked-integer", message(tlv(0x63, octets(""), enum(0), enum(0), number(0), number(0), boolean(False),
                                              present(), seq(number(1))))
    yield "filter-universal", message(search(seq(octets("cn"), octets("a"))))
    yield "filter-not-empty", message(search(tlv(0xA2)))
    yield "filter-not-two", message(search(tlv(0xA2, present("a"), present("b"))))
    yield "filter-equal-primitive", message(search(tlv(0x83, octets("cn"), octets("a"))))
    yield "filter-equal-no-value", message(search(tlv(0xA3, octets("cn"))))
    yield "filter-substrings-empty", message(search(substrings("cn")))
    yield "filter-substrings-empty-part", message(search(substrings("cn", tlv(0x81, ""))))
    yield "filter-substrings-order", message(search(substrings("cn", tlv(0x82, "a"), tlv(0x80, "b"))))
    yield "filter-substrings-two-initial", message(search(substrings("cn", tlv(0x80, "a"), tlv(0x80, "b"))))
    yield "filter-substrings-tag", message(search(substrings("cn", tlv(0x83, "a"))))
    yield "filter-extensible-nothing", message(search(tlv(0xA9, tlv(0x83, "x"))))
    yield "filter-extensible-bool", message(search(tlv(0xA9, tlv(0x82, "cn"), tlv(0x83, "x"), tlv(0x84, b"\1\1"))))
    yield "filter-inner-length", message(search(b"\xa0\x7f" + present("cn")))
    yield "control-duplicate", message(compare(), control("1.2.3"), control("1.2.3", True))
    yield "control-not-a-sequence", message(compare(), octets("1.2.3"))
    yield "control-empty", message(compare(), seq())
    yield "control-oid-word", message(compare(), control("paged"))
    yield "control-bool-two-bytes", message(compare(), seq(octets("1.2.3"), tlv(0x01, b"\xff\xff")))
    yield "control-value-first", message(compare(), seq(octets("1.2.3"), octets("v"), boolean(True)))
    yield "control-extra", message(compare(), seq(octets("1.2.3"), boolean(True), octets("v"), octets("w")))
    yield "controls-wrong-tag", seq(number(1), compare(), tlv(0xA1, control("1.2.3")))
    yield "controls-primitive", seq(number(1), compare(), tlv(0x80, control("1.2.3")))
    yield "controls-twice", seq(number(1), compare(), tlv(0xA0, control("1.2.3")), tlv(0xA0, control("1.2.4")))
    yield "controls-before-op", seq(number(1), tlv(0xA0, control("1.2.3")), compare())


def requests_limit():
    yield "controls-17", message(compare(), *[control("1.2.%d" % i) for i in range(17)])
    yield "filter-depth-33", message(search(nested(33)))
    yield "filter-depth-33-and", message(search(nested(33, 0xA0)))
    yield "filter-depth-2000", message(search(nested(2000)))
    yield "filter-nodes-1025", message(search(tlv(0xA0, *[present("a")] * 1024)))
    yield "filter-substrings-1024", message(search(substrings("a", *[tlv(0x81, "b")] * 1024)))
    yield "filter-substrings-together-1025", message(
        search(tlv(0xA1, *[substrings("a", *[tlv(0x81, "b")] * 340)] * 3, present("a"))))
    yield "search-asked-4097", message(search(present(), asked=[""] * 4097))


def requests_syntax():
    yield "filter-kind-10", message(search(tlv(0xAA, octets("cn"))))
    yield "filter-kind-15", message(search(tlv(0x8F, "x")))
    yield "filter-kind-in-and", message(search(tlv(0xA0, present("cn"), tlv(0xAB, "x"))))
    yield "filter-name-injection", message(search(equal("cn=*)(mail", "x")))
    yield "filter-name-nul", message(search(equal(b"userPassword\0", "x")))
    yield "filter-name-empty", message(search(present("")))
    yield "filter-rule-injection", message(search(tlv(0xA9, tlv(0x81, "1.2:=x)("), tlv(0x83, "x"))))


def responses():
    yield "bind", message(result(0x61))
    yield "bind-refused", message(result(0x61, 49, "", "wrong user name or secret"))
    yield "bind-credentials", message(result(0x61, 14, "", "", tlv(0x87, b"\0\1\2")))
    yield "bind-policy", message(result(0x61), control("1.3.6.1.4.1.42.2.27.8.5.1", None, seq(tlv(0x81, b"\2"))))
    yield "entry", message(tlv(0x64, octets(DN), seq(attribute("cn", "alice"), attribute("mail", "a@b", "c@d"))))
    yield "entry-types-only", message(tlv(0x64, octets(DN), seq(attribute("cn"), attribute("mail"))))
    yield "entry-empty", message(tlv(0x64, octets(""), seq()))
    yield "reference", message(tlv(0x73, octets("ldap://a/"), octets("ldap://b/")))
    yield "done", message(result(0x65))
    yield "done-no-such-object", message(result(0x65, 32, "dc=example,dc=org", "no such entry"))
    yield "modify", message(result(0x67, 53, "", "not this way"))
    yield "add", message(result(0x69, 68))
    yield "delete", message(result(0x6B))
    yield "modify-dn", message(result(0x6D))
    yield "compare-true", message(result(0x6F, 6))
    yield "compare-false", message(result(0x6F, 5))
    yield "compare-freshness", message(result(0x6F, 6), control(ARC + ".4.1", None, seq(number(12), octets("20240101"))))
    yield "compare-referral", message(result(0x6F, 10, "", "", tlv(0xA3, octets("ldap://other/"))))
    yield "extended", message(result(0x78, 0, "", "", tlv(0x8A, ARC + ".3.1"), tlv(0x8B, seq(number(0, 0x80)))))
    yield "extended-value-only", message(result(0x78, 0, "", "", tlv(0x8B, "dn:")))
    yield "notice", message(result(0x78, 52, "", "going down", tlv(0x8A, "1.3.6.1.4.1.1466.20036")), id=0)
    yield "intermediate", message(tlv(0x79, tlv(0x80, "1.3.6.1.4.1.4203.1.9.1.4"), tlv(0x81, tlv(0x80, "cookie"))))
    yield "intermediate-empty", message(tlv(0x79))


def responses_bad():
    yield "id-zero", message(result(0x6F, 6), id=0)
    yield "id-negative", message(result(0x6F, 6), id=-5)
    yield "code-negative", message(result(0x6F, -1))
    yield "code-wide", message(tlv(0x6F, tlv(0x0A, b"\0" * 5), octets(""), octets("")))
    yield "no-text", message(tlv(0x6F, enum(6), octets("")))
    yield "extra", message(result(0x6F, 6, "", "", octets("x")))
    yield "credentials-in-compare", message(result(0x6F, 6, "", "", tlv(0x87, "x")))
    yield "referral-empty", message(result(0x6F, 10, "", "", tlv(0xA3)))
    yield "reference-empty", message(tlv(0x73))
    yield "extended-oid-word", message(result(0x78, 0, "", "", tlv(0x8A, "word")))
    yield "entry-no-set", message(tlv(0x64, octets(DN), seq(seq(octets("cn")))))
    yield "control-duplicate", message(result(0x6F, 6), control("1.2.3"), control("1.2.3"))
    yield "trailing", message(result(0x6F, 6)) + b"\0"


# Per type: (tag, kind, needed) of each field; kind is "s" or the greatest number.
EXOPS = {
    "verify_request": [(0x80, "s", 1), (0x81, "s", 0), (0x82, "s", 0), (0x83, 3, 1), (0x84, "s", 0), (0x85, "s", 0),
                       (0x86, "s", 0), (0x87, "s", 0), (0x88, "s", 0), (0x89, "s", 0)],
    "verify_response": [(0x80, 7, 1), (0x81, "s", 0), (0x82, "s", 0), (0x83, "s", 0), (0x84, 3, 0)],
    "challenge_request": [(0x80, "s", 1), (0x81, "s", 0), (0x82, 3, 1), (0x83, "s", 0), (0x84, "s", 0)],
    "challenge_response": [(0x80, 3, 1), (0x81, "s", 1), (0x82, 2**31 - 1, 1), (0x83, 2**31 - 1, 1)],
    "set_pin_request": [(0x80, "s", 1), (0x81, "s", 0), (0x82, "s", 0), (0x83, "s", 0)],
    "enroll_request": [(0x80, "s", 0), (0x81, 3, 1), (0x82, "s", 0)],
    "enroll_response": [(0x80, "s", 0)],
    "recovery_request": [(0x80, "s", 0)],
    "reseal_request": [(0x80, 1, 1), (0x81, "s", 0)],
    "reseal_response": [(0x80, "s", 1), *[(tag, 2**63 - 1, 1) for tag in (0x81, 0x82, 0x83, 0x84)]],
    "app_password_request": [(0x80, "s", 0), (0x81, 2, 1), *[(tag, "s", 0) for tag in (0x82, 0x83, 0x84, 0x85)]],
    "logout_request": [(0x80, "s", 0)],
    "redeem_request": [(0x80, "s", 1), (0x81, "s", 1), (0x82, "s", 0)],
    "redeem_response": [(0x80, "s", 1)],
    "invite_request": [(0x80, "s", 1), (0x81, 1, 1), (0x82, "s", 0), (0x83, "s", 0)],
    "unlock_request": [(0x80, "s", 1), (0x81, "s", 0)],
    "password_modify_request": [(0x80, "s", 0), (0x81, "s", 0), (0x82, "s", 0)],
    "explain_request": [(0x80, "s", 1), (0x81, "s", 1), (0x82, "s", 1)],
    "page": [(0x02, 2**31 - 1, 1), (0x04, "s", 1)],
    "freshness": [(0x02, 2**63 - 1, 1), (0x04, "s", 1)],
}


def exops():
    for name, fields in EXOPS.items():
        def value(tag, kind):
            return tlv(tag, "field %02x" % tag) if kind == "s" else number(min(kind, 2), tag)

        full = [value(tag, kind) for tag, kind, _ in fields]
        least = [value(tag, kind) for tag, kind, needed in fields if needed]
        yield name + ".ok-full", seq(*full)
        yield name + ".ok-least", seq(*least)
        yield name + ".ok-greatest", seq(*[tlv(t, b"a\0b") if k == "s" else number(k, t) for t, k, _ in fields])
        yield name + ".ok-empty-strings", seq(*[tlv(t) if k == "s" else number(1, t) for t, k, _ in fields])
        yield name + ".bad-trailing", seq(*full) + b"\0"
        yield name + ".bad-extra-field", seq(*full, tlv(0x8F, "x"))
        yield name + ".bad-twice", seq(full[0], *full)
        yield name + ".bad-truncated", seq(*full)[:-1]
        yield name + ".bad-indefinite", b"\x30\x80" + b"".join(full) + b"\0\0"
        yield name + ".bad-set", tlv(0x31, *full)
        yield name + ".bad-nothing", b""
        if len(full) > 1:
            yield name + ".bad-order", seq(*reversed(full))
        for i, (tag, kind, needed) in enumerate(fields):
            if needed:
                yield "%s.bad-without-%02x" % (name, tag), seq(*full[:i], *full[i + 1:])
            if kind != "s":
                for what, wrong in (("negative", number(-1, tag)), ("too-large", number(kind + 1, tag)),
                                    ("empty", tlv(tag)), ("wide", tlv(tag, b"\0" * 9))):
                    yield "%s.bad-%s-%02x" % (name, what, tag), seq(*full[:i], wrong, *full[i + 1:])


def lists():
    """Responses with a list in them."""
    line = seq(number(3, 2), octets("text"), tlv(0x80, "cn=x"), tlv(0x81, b"\xff"))
    bare = seq(number(9, 2), octets(""), tlv(0x81, b"\0"))
    head = number(5, 2), number(8, 2)
    yield "explain_response.ok-full", seq(*head, seq(line, bare, line))
    yield "explain_response.ok-least", seq(*head, seq())
    yield "explain_response.bad-step", seq(number(5, 2), number(10, 2), seq(line))
    yield "explain_response.bad-step-0", seq(*head, seq(seq(number(0, 2), octets("t"), tlv(0x81, b"\0"))))
    yield "explain_response.bad-undecided", seq(*head, seq(seq(number(1, 2), octets("t"))))
    yield "explain_response.bad-order", seq(*head, seq(seq(octets("t"), number(1, 2), tlv(0x81, b"\0"))))
    yield "explain_response.bad-extra", seq(*head, seq(line), octets("x"))
    yield "explain_response.bad-extra-in-line", seq(*head, seq(seq(number(1, 2), octets("t"), tlv(0x81, b"\0"),
                                                               octets("x"))))
    yield "explain_response.bad-many", seq(*head, seq(*[bare] * 1025))
    yield "explain_response.bad-no-list", seq(*head)
    yield "explain_response.bad-nothing", b""
    defect = seq(octets("cn=x"), octets("is broken"))
    yield "doctor_response.ok-full", seq(tlv(0x01, b"\xff"), seq(defect, defect))
    yield "doctor_response.ok-least", seq(tlv(0x01, b"\0"), seq())
    yield "doctor_response.bad-half", seq(tlv(0x01, b"\0"), seq(seq(octets("cn=x"))))
    yield "doctor_response.bad-wide-flag", seq(tlv(0x01, b"\0\0"), seq(defect))
    yield "doctor_response.bad-no-list", seq(tlv(0x01, b"\0"))
    yield "doctor_response.bad-trailing", seq(tlv(0x01, b"\0"), seq(defect)) + b"\0"
    code = octets("abcde-fghij")
    yield "recovery_response.ok-full", seq(seq(*[code] * 10))
    yield "recovery_response.ok-least", seq(seq())
    yield "recovery_response.ok-most", seq(seq(*[octets("")] * 64))
    yield "recovery_response.bad-many", seq(seq(*[octets("")] * 65))
    yield "recovery_response.bad-no-list", seq()
    yield "recovery_response.bad-tag", seq(seq(tlv(0x80, "abcde-fghij")))
    yield "recovery_response.bad-extra", seq(seq(code), code)
    yield "recovery_response.bad-trailing", seq(seq(code)) + b"\0"
    app = seq(*[octets("field %d" % i) for i in range(5)])
    yield "app_password_response.ok-full", seq(tlv(0x80, "abcdef-ghijkl-mnopqr-stuvwx"), seq(app, app))
    yield "app_password_response.ok-list", seq(seq(app))
    yield "app_password_response.ok-least", seq(seq())
    yield "app_password_response.bad-half", seq(seq(seq(octets("id"), octets("acme"))))
    yield "app_password_response.bad-many", seq(seq(*[seq(*[octets("")] * 5)] * 257))
    yield "app_password_response.bad-no-list", seq(tlv(0x80, "abcdef"))
    yield "app_password_response.bad-order", seq(seq(app), tlv(0x80, "abcdef"))
    yield "app_password_response.bad-trailing", seq(seq(app)) + b"\0"


def main():
    groups = [("message", "ok-", requests_ok()), ("message", "ok-search-", searches_ok()),
              ("message", "bad-", requests_bad()), ("message", "limit-", requests_limit()),
              ("message", "syntax-", requests_syntax()), ("message", "resp-", responses()),
              ("message", "respbad-", responses_bad()), ("exop", "", exops()),
              ("exop", "", lists())]
    for folder in ("message", "exop"):
        shutil.rmtree(os.path.join(HERE, folder), ignore_errors=True)
        os.mkdir(os.path.join(HERE, folder))
    for folder, prefix, files in groups:
        for name, content in files:
            with open(os.path.join(HERE, folder, prefix + name + ".bin"), "xb") as out:
                out.write(content)


if __name__ == "__main__":
    main()
