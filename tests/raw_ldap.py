# SPDX-License-Identifier: BSD-2-Clause
"""LDAP messages put together byte by byte, and a connection that sends them as they are.

What a library would not let through (pipelines, halves of messages, values of our own extended
operations) is built here; a Response keeps code, text, name, value and controls of any answer."""
import re
import select
import socket
import time

PATIENCE = 120  # seconds: the bound of every wait for something that must come

ARC = "2.25.190227144180112164674946508376533935585"
VERIFY, CHALLENGE, SET_PIN, ENROLL, RECOVERY, EXPLAIN, UNLOCK = (ARC + ".3.%d" % n
                                                                 for n in (1, 2, 3, 4, 5, 7, 8))
REDEEM, RESEAL, APP_PASSWORD, LOGOUT, INVITE = (ARC + ".3.%d" % n for n in (6, 10, 11, 12, 13))
POLICY = "1.3.6.1.4.1.42.2.27.8.5.1"
FRESHNESS, AT_LEAST = ARC + ".4.1", ARC + ".4.2"
WHOAMI, PASSWORD_MODIFY = "1.3.6.1.4.1.4203.1.11.3", "1.3.6.1.4.1.4203.1.11.1"
STARTTLS, DISCONNECTION = "1.3.6.1.4.1.1466.20037", "1.3.6.1.4.1.1466.20036"

SUCCESS, PROTOCOL_ERROR, COMPARE_FALSE, COMPARE_TRUE, STRONGER = 0, 2, 5, 6, 8
NO_ATTRIBUTE, BAD_SYNTAX, NO_OBJECT, WRONG, NO_ACCESS = 16, 21, 32, 49, 50
BUSY, UNAVAILABLE, UNWILLING = 51, 52, 53
ENTRY = 0x64

NONE, PASSWORD, PIN, CODE = range(4)
COMPLETE, FACTOR_DUE, MUST_CHANGE, NOT_A_MEMBER, INACTIVE, LACKS_PERMISSION, ENROLL_DUE, REFUSED = range(8)
BEGIN, CONFIRM, RESET = range(3)
CREATE, LIST, REVOKE = range(3)
ACTIVATION, FORGOTTEN = range(2)
DEFAULT, EMAIL, SMS, TOTP = range(4)


def hour_ago():
    """generalizedTime."""
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() - 3600))


def length(size):
    if size < 128:
        return bytes([size])
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(digits)]) + digits


def tlv(tag, *parts):
    content = b"".join(data(part) for part in parts)
    return bytes([tag]) + length(len(content)) + content


def data(value):
    return value.encode() if isinstance(value, str) else value


def integer(value, tag=0x02):
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def octets(value, tag=0x04):
    return tlv(tag, value)


def optional(number, value):
    return b"" if value is None else octets(value, 0x80 | number)


def control(oid, critical=False, value=None):
    return tlv(0x30, octets(oid), tlv(0x01, b"\xff") if critical else b"",
               b"" if value is None else octets(value))


def message(number, operation, controls=()):
    return tlv(0x30, integer(number), operation, tlv(0xA0, *controls) if controls else b"")


def bind(dn="", password="", version=3):
    return tlv(0x60, integer(version), octets(dn), octets(password, 0x80))


def bind_sasl(mechanism, credentials=None):
    return tlv(0x60, integer(3), octets(""),
               tlv(0xA3, octets(mechanism), b"" if credentials is None else octets(credentials)))


def compare(dn, value, attribute="usherPermission"):
    return tlv(0x6E, octets(dn), tlv(0x30, octets(attribute), octets(value)))


def search(base, scope=0, attributes=(), wanted=None):
    return tlv(0x63, octets(base), integer(scope, 0x0A), integer(0, 0x0A), integer(0), integer(0),
               tlv(0x01, b"\0"), wanted or octets("objectClass", 0x87),
               tlv(0x30, *[octets(name) for name in attributes]))


def extended(oid, value=None):
    return tlv(0x77, octets(oid, 0x80), optional(1, value))


def unbind():
    return tlv(0x42)


def abandon(number):
    return integer(number, 0x50)


def verify(user, factor, secret=None, organization=None, permission=None, ticket=None, language=None,
           service="test"):
    return extended(VERIFY, tlv(0x30, octets(user, 0x80), optional(1, organization),
                                optional(2, permission), integer(factor, 0x83), optional(4, secret),
                                optional(5, ticket), optional(6, service), optional(9, language)))


def challenge(user, organization=None, means=DEFAULT, ticket=None, language=None):
    return extended(CHALLENGE, tlv(0x30, octets(user, 0x80), optional(1, organization),
                                   integer(means, 0x82), optional(3, ticket), optional(4, language)))


def set_pin(organization, user=None, new=None, old=None):
    return extended(SET_PIN, tlv(0x30, octets(organization, 0x80), optional(1, user), optional(2, new),
                                 optional(3, old)))


def enroll(step, user=None, code=None):
    return extended(ENROLL, tlv(0x30, optional(0, user), integer(step, 0x81), optional(2, code)))


def explain(organization, user, query):
    return extended(EXPLAIN, tlv(0x30, octets(organization, 0x80), octets(user, 0x81), octets(query, 0x82)))


def recovery(user=None):
    return extended(RECOVERY, tlv(0x30, optional(0, user)))


def reseal(step, key=None):
    return extended(RESEAL, tlv(0x30, integer(step, 0x80), optional(1, key)))


def app_password(action, user=None, organization=None, name=None, label=None, number=None):
    return extended(APP_PASSWORD, tlv(0x30, optional(0, user), integer(action, 0x81), optional(2, organization),
                                      optional(3, name), optional(4, label), optional(5, number)))


def logout(user=None):
    return extended(LOGOUT, tlv(0x30, optional(0, user)))


def invite(user, kind, organization=None, language=None):
    return extended(INVITE, tlv(0x30, octets(user, 0x80), integer(kind, 0x81), optional(2, organization),
                                optional(3, language)))


def redeem(token, new, language=None):
    return extended(REDEEM, tlv(0x30, octets(token, 0x80), octets(new, 0x81), optional(2, language)))


def unlock(user, organization=None):
    return extended(UNLOCK, tlv(0x30, octets(user, 0x80), optional(1, organization)))


def password_modify(user=None, old=None, new=None):
    return extended(PASSWORD_MODIFY, tlv(0x30, optional(0, user), optional(1, old), optional(2, new)))


def elements(content):
    """The (tag, content) pairs of a constructed value."""
    at, found = 0, []
    while at < len(content):
        tag, size, at = content[at], content[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            size, at = int.from_bytes(content[at:at + count], "big"), at + count
        if at + size > len(content):
            raise ValueError("an element is longer than what it is in")
        found.append((tag, content[at:at + size]))
        at += size
    return found


def whole(buffer):
    """The size of the first message of these bytes, or None while it is not all there."""
    if len(buffer) < 2:
        return None
    head, size = 2, buffer[1]
    if size & 0x80:
        head += size & 0x7F
        if len(buffer) < head:
            return None
        size = int.from_bytes(buffer[2:head], "big")
    return head + size if len(buffer) >= head + size else None


class Response:
    """One answer, taken apart. `fields` has the context-tagged elements of its value."""

    def __init__(self, raw):
        (_, content), = elements(raw)
        parts = elements(content)
        self.raw = raw
        self.id, self.op = int.from_bytes(parts[0][1], "big"), parts[1][0]
        self.controls = {}
        for tag, listed in parts[2:]:
            for _, one in elements(listed) if tag == 0xA0 else ():
                pieces = elements(one)
                self.controls[pieces[0][1].decode()] = pieces[-1][1]
        self.code = self.text = self.matched = self.name = self.value = None
        self.attributes = {}
        if self.op == ENTRY:
            self.read_entry(parts[1][1])
        else:
            self.read_result(parts[1][1])

    def read_entry(self, content):
        (_, dn), (_, listed) = elements(content)
        self.dn = dn.decode()
        for _, one in elements(listed):
            (_, name), (_, values) = elements(one)
            self.attributes[name.decode()] = [value.decode() for _, value in elements(values)]

    def read_result(self, content):
        (_, code), (_, matched), (_, text), *rest = elements(content)
        self.code, self.matched, self.text = int.from_bytes(code, "big"), matched.decode(), text.decode()
        for tag, value in rest:
            if tag == 0x8A:
                self.name = value.decode()
            if tag in (0x8B, 0x87):
                self.value = value

    @property
    def fields(self):
        (_, content), = elements(self.value)
        return {tag & 0x1F: value for tag, value in elements(content)}

    @property
    def state(self):
        return self.fields[0][0]

    @property
    def ticket(self):
        return self.fields.get(1)

    @property
    def means(self):
        return self.fields[4][0]

    @property
    def destination(self):
        return self.fields[1].decode()

    @property
    def secret(self):
        """The base32 secret of an otpauth URI."""
        return re.search(r"[?&]secret=([A-Z2-7]+)", self.fields[0].decode()).group(1)

    @property
    def policy(self):
        """{"expires" or "grace": number, "error": number} of the password policy's control, or None."""
        if POLICY not in self.controls:
            return None
        (_, content), = elements(self.controls[POLICY])
        found = {}
        for tag, value in elements(content):
            if tag == 0xA0:
                (tag, value), = elements(value)
                found["grace" if tag == 0x81 else "expires"] = int.from_bytes(value, "big")
            else:
                found["error"] = int.from_bytes(value, "big")
        return found

    @property
    def codes(self):
        (_, content), = elements(self.value)
        (_, listed), = elements(content)
        return [text.decode() for _, text in elements(listed)]

    @property
    def freshness(self):
        """(age in milliseconds, CSN)"""
        (_, content), = elements(self.controls[FRESHNESS])
        (_, age), (_, csn) = elements(content)
        return int.from_bytes(age, "big"), csn.decode()

    def __repr__(self):
        return "<answer %d op %#x code %s %r>" % (self.id, self.op, self.code, self.text)


class Closed(Exception):
    """The other end has closed the connection."""


class Raw:
    """A connection of bytes; every wait is bounded by `timeout` seconds."""

    def __init__(self, address, timeout=PATIENCE):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.timeout, self.buffer, self.number = timeout, bytearray(), 0
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, *parts):
        self.socket.sendall(b"".join(parts))

    def post(self, operation, controls=()):
        """Sends a request and returns its number."""
        self.number += 1
        self.send(message(self.number, operation, controls))
        return self.number

    def receive(self, timeout=None):
        """The next answer; Closed when there is none any more."""
        deadline = time.monotonic() + (timeout or self.timeout)
        while True:
            size = whole(self.buffer)
            if size is not None:
                raw = bytes(self.buffer[:size])
                del self.buffer[:size]
                return Response(raw)
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                raise TimeoutError("no answer within %g seconds" % (timeout or self.timeout))
            try:
                got = self.socket.recv(1 << 18)
            except ConnectionError:
                got = b""
            if not got:
                raise Closed()
            self.buffer += got

    def ask(self, operation, controls=(), timeout=None):
        number = self.post(operation, controls)
        answer = self.receive(timeout)
        if answer.id != number:
            raise AssertionError("asked %d, got %r" % (number, answer))
        return answer

    def ask_all(self, operations, depth=500):
        """The answers to many requests, at most `depth` of them on their way at once."""
        operations, answers, sent = list(operations), [], 0
        first = self.number + 1
        while len(answers) < len(operations):
            batch = operations[sent:len(answers) + depth]
            if batch:
                self.send(*[message(first + sent + i, operation) for i, operation in enumerate(batch)])
                sent += len(batch)
            answer = self.receive()
            if answer.id != first + len(answers):
                raise AssertionError("answer %d is %r" % (first + len(answers), answer))
            answers.append(answer)
        self.number += len(operations)
        return answers

    def ended(self, timeout=PATIENCE):
        """Seconds until the other end closed, or None; what it still sent is read and dropped."""
        start = time.monotonic()
        while True:
            try:
                self.receive(max(timeout - (time.monotonic() - start), 0.001))
            except Closed:
                return time.monotonic() - start
            except TimeoutError:
                return None


def answers(links, timeout=PATIENCE):
    """The answer of each connection, in their order, whichever comes first."""
    waiting, found, deadline = {link.socket: link for link in links}, {}, time.monotonic() + timeout
    while waiting:
        ready = select.select(list(waiting), [], [], max(deadline - time.monotonic(), 0))[0]
        if not ready:
            raise AssertionError("%d of %d not answered" % (len(waiting), len(links)))
        for one in ready:
            link = waiting.pop(one)
            found[link] = link.receive()
    return [found[link] for link in links]
