# SPDX-License-Identifier: BSD-2-Clause
"""Searches for tests: requests with every field of RFC 4511 4.5.1, the answers with their bytes, paged results
(RFC 2696), and the truth of filters by a naive three-valued reading of RFC 4511 4.5.1.7."""
import raw_ldap as raw

PAGED, MANAGE_DSA_IT = "1.2.840.113556.1.4.319", "2.16.840.1.113730.3.4.2"
TIME_EXCEEDED, SIZE_EXCEEDED, ADMIN_LIMIT, CRITICAL = 3, 4, 11, 12
WHOLE, ONE, BELOW = 2, 1, 3


# Filters are tuples: ("&", ...), ("|", ...), ("!", one), ("=", name, value), ("has", name),
# ("sub", name, initial), (">=", name, value), ("rule", rule, value).

def encode(wanted):
    kind, *rest = wanted
    if kind in "&|":
        return raw.tlv(0xA0 if kind == "&" else 0xA1, *[encode(part) for part in rest])
    if kind == "!":
        return raw.tlv(0xA2, encode(rest[0]))
    if kind == "has":
        return raw.octets(rest[0], 0x87)
    if kind == "sub":
        return raw.tlv(0xA4, raw.octets(rest[0]), raw.tlv(0x30, raw.octets(rest[1], 0x80)))
    if kind == "rule":
        return raw.tlv(0xA9, raw.octets(rest[0], 0x81), raw.octets(rest[1], 0x83))
    return raw.tlv({"=": 0xA3, ">=": 0xA5}[kind], raw.octets(rest[0]), raw.octets(rest[1]))


def truth(wanted, leaf):
    """True, False or None (Undefined); leaf says it of each assertion."""
    kind, *rest = wanted
    if kind == "!":
        inner = truth(rest[0], leaf)
        return None if inner is None else not inner
    if kind in "&|":
        parts = [truth(part, leaf) for part in rest]
        decisive = kind == "|"
        if decisive in parts:
            return decisive
        return None if None in parts else not decisive
    return leaf(wanted)


ANY = ("has", "objectClass")


def request(base, scope=WHOLE, wanted=ANY, attributes=("1.1",), size=0, seconds=0, types_only=False):
    return raw.tlv(0x63, raw.octets(base), raw.integer(scope, 0x0A), raw.integer(0, 0x0A), raw.integer(size),
                   raw.integer(seconds), raw.tlv(0x01, b"\xff" if types_only else b"\0"), encode(wanted),
                   raw.tlv(0x30, *[raw.octets(name) for name in attributes]))


def paged(size, cookie=b"", critical=True):
    return raw.control(PAGED, critical, raw.tlv(0x30, raw.integer(size), raw.octets(cookie)))


class Found:
    """Entries, the result behind them, and the bytes of all."""

    def __init__(self, entries, result):
        self.entries, self.result, self.code, self.text = entries, result, result.code, result.text
        self.bytes = b"".join(answer.raw for answer in [*entries, result])
        self.dns = [entry.dn for entry in entries]

    @property
    def page(self):
        """(estimate, cookie)"""
        (_, content), = raw.elements(self.result.controls[PAGED])
        (_, size), (_, cookie) = raw.elements(content)
        return int.from_bytes(size, "big"), cookie

    def __repr__(self):
        return "<%d entries, code %d %r>" % (len(self.entries), self.code, self.text)


def receive(link, number, timeout=None):
    entries = []
    while True:
        answer = link.receive(timeout)
        if answer.id != number:
            raise AssertionError("asked %d, got %r" % (number, answer))
        if answer.op != 0x64:
            return Found(entries, answer)
        entries.append(answer)


def search(link, *arguments, controls=(), timeout=None, **more):
    return receive(link, link.post(request(*arguments, **more), controls), timeout)


def pages(link, length, *arguments, **more):
    """Every page in turn; the last has no cookie."""
    cookie = b""
    while True:
        page = search(link, *arguments, controls=[paged(length, cookie)], **more)
        yield page
        if page.code != raw.SUCCESS:
            return
        cookie = page.page[1]
        if not cookie:
            return
