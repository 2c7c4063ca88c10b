# SPDX-License-Identifier: BSD-2-Clause
#
# A scripted daemon for client tests: answers each request with the next step of a scenario and writes
# down what was asked. BER by hand, so that the codec under test is not its own judge.
#
#   fake_usherd.py LISTEN SCENARIO LOG    LISTEN: a path, or tcp:PORT on 127.0.0.1
#
# Prints "ready" once it listens; ends when standard input does. A scenario has one step a line, used up
# by requests in the order in which they come (unbind uses none); after the last step, and from a step
# "again" on its own line, the step before it is repeated. Values are percent-encoded. Steps:
#   result CODE [text=T]                    an answer that fits the request
#   verify CODE [state= ticket= text= user= means= diagnostic=]
#   challenge CODE [means= destination= digits= seconds= diagnostic=]
#   enroll CODE [uri= diagnostic=]          whoami CODE value=V
#   reseal CODE key=K [resealed= left= dead= wait=]
#   list CODE [item=A,B ...]                a value with one list of strings
#   entry [NAME=VALUE ...]                  one entry, then success
#   fresh AGE CSN                           success with the freshness control
#   hang | close | half | garbage | huge | indefinite | wrongid | wrongop | empty
#   drip MILLISECONDS                       success, byte by byte
#   notice [text=T]                         Notice of Disconnection, then close
#   flood                                   bytes of one message for ever
import os
import socket
import sys
import threading
import time
from urllib.parse import unquote

ARC = "2.25.190227144180112164674946508376533935585"
NAMES = {
    ARC + ".3.1": ("verify", {0: "user", 1: "organization", 2: "permission", 3: "factor",
                              4: "secret", 5: "ticket", 6: "service", 7: "tty", 8: "rhost",
                              9: "language"}),
    ARC + ".3.2": ("challenge", {0: "user", 1: "organization", 2: "means", 3: "ticket",
                                 4: "language"}),
    ARC + ".3.3": ("set-pin", {0: "organization", 1: "user", 2: "new", 3: "old"}),
    ARC + ".3.4": ("enroll", {0: "user", 1: "step", 2: "code"}),
    ARC + ".3.5": ("recovery", {0: "user"}),
    ARC + ".3.6": ("redeem", {0: "token", 1: "new", 2: "language"}),
    ARC + ".3.8": ("unlock", {0: "user", 1: "organization"}),
    ARC + ".3.10": ("reseal", {0: "step", 1: "key"}),
    ARC + ".3.11": ("app-password", {0: "user", 1: "step", 2: "organization", 3: "service", 4: "label",
                                     5: "id"}),
    ARC + ".3.12": ("logout", {0: "user"}),
    ARC + ".3.13": ("invite", {0: "user", 1: "step", 2: "organization", 3: "language"}),
    "1.3.6.1.4.1.4203.1.11.1": ("password", {0: "user", 1: "old", 2: "new"}),
    "1.3.6.1.4.1.4203.1.11.3": ("whoami", {}),
}
RESPONSE = {0x60: 0x61, 0x63: 0x65, 0x6E: 0x6F, 0x77: 0x78}


def tlv(tag, content):
    if isinstance(content, str):
        content = content.encode()
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    size = len(content).to_bytes(4, "big")
    return bytes([tag, 0x84]) + size + content


def integer(tag, number):
    size = number.bit_length() // 8 + 1
    return tlv(tag, number.to_bytes(size, "big", signed=True))


def parse(data):
    """The elements of data: (tag, content) pairs."""
    found = []
    while data:
        size, start = data[1], 2
        if size & 0x80:
            start = 2 + (size & 0x7F)
            size = int.from_bytes(data[2:start], "big")
        found.append((data[0], data[start:start + size]))
        data = data[start + size:]
    return found


def describe(op, content):
    """One line for the log."""
    if op == 0x60:
        _, name, auth = parse(content)[:3]
        kind = "simple" if auth[0] == 0x80 else "sasl"
        secret = auth[1] if kind == "simple" else parse(auth[1])[0][1]
        return f"bind {kind} name={name[1].decode()} secret={secret.decode()}"
    if op == 0x63:
        parts = parse(content)
        wanted = ",".join(value.decode() for _, value in parse(parts[7][1]))
        return f"search base={parts[0][1].decode()} scope={parts[1][1][0]} attributes={wanted}"
    if op == 0x6E:
        dn, assertion = parse(content)
        name, value = parse(assertion[1])
        return f"compare dn={dn[1].decode()} {name[1].decode()}={value[1].decode()}"
    if op == 0x77:
        parts = parse(content)
        name, fields = NAMES.get(parts[0][1].decode(), ("extended", {}))
        line = name
        if len(parts) > 1:
            for tag, value in parse(parse(parts[1][1])[0][1]):
                number = tag & 0x1F
                text = str(value[0]) if fields.get(number) in ("factor", "means", "step") \
                    else value.decode(errors="backslashreplace")
                line += f" {fields.get(number, number)}={text}"
        return line
    return f"op {op:#x}"


def result(op, code, text="", extra=b""):
    return tlv(RESPONSE.get(op, 0x78),
               integer(0x0A, code) + tlv(4, "") + tlv(4, text) + extra)


def message(number, body, controls=b""):
    return tlv(0x30, integer(2, number) + body + controls)


def build_verify(op, words, values):
    body = integer(0x80, int(values.get("state", 0)))
    for tag, name in ((0x81, "ticket"), (0x82, "text"), (0x83, "user")):
        if name in values:
            body += tlv(tag, values[name])
    if "means" in values:
        body += integer(0x84, int(values["means"]))
    return result(op, int(words[0]), values.get("diagnostic", ""), tlv(0x8B, tlv(0x30, body)))


def build_challenge(op, words, values):
    body = integer(0x80, int(values.get("means", 1))) + tlv(0x81, values.get("destination", ""))
    body += integer(0x82, int(values.get("digits", 6)))
    body += integer(0x83, int(values.get("seconds", 300)))
    extra = tlv(0x8B, tlv(0x30, body)) if int(words[0]) == 0 else b""
    return result(op, int(words[0]), values.get("diagnostic", ""), extra)


def build_enroll(op, words, values):
    body = tlv(0x80, values["uri"]) if "uri" in values else b""
    return result(op, int(words[0]), values.get("diagnostic", ""), tlv(0x8B, tlv(0x30, body)))


def build_reseal(op, words, values):
    body = tlv(0x80, values["key"])
    for number, name in enumerate(("resealed", "left", "dead", "wait"), 1):
        body += integer(0x80 + number, int(values.get(name, 0)))
    return result(op, int(words[0]), "", tlv(0x8B, tlv(0x30, body)))


def build_list(op, words, values):
    items = b"".join(tlv(4, item) for item in values.get("item", "").split(",") if item)
    return result(op, int(words[0]), values.get("diagnostic", ""), tlv(0x8B, tlv(0x30, tlv(0x30, items))))


def build_whoami(op, words, values):
    return result(op, int(words[0]), "", tlv(0x8B, values["value"]))


def build_result(op, words, values):
    return result(op, int(words[0]), values.get("text", ""))


BUILD = {"verify": build_verify, "reseal": build_reseal, "challenge": build_challenge, "enroll": build_enroll,
         "whoami": build_whoami, "list": build_list, "result": build_result}


def entry(number, values):
    rows = b"".join(tlv(0x30, tlv(4, name) + tlv(0x31, b"".join(tlv(4, v) for v in given)))
                    for name, given in values.items())
    return message(number, tlv(0x64, tlv(4, "") + tlv(0x30, rows)))


def fresh(number, op, age, csn):
    value = tlv(0x30, integer(2, int(age)) + tlv(4, csn))
    control = tlv(0x30, tlv(4, ARC + ".4.1") + tlv(4, value))
    return message(number, result(op, 0), tlv(0xA0, control))


class Fake:
    def __init__(self, scenario, log):
        self.steps = [line.strip() for line in scenario if line.strip()]
        self.log = log
        self.next = 0
        self.lock = threading.Lock()

    def step(self, line):
        with self.lock:
            self.log.write(line + "\n")
            self.log.flush()
            if line == "unbind":
                return None
            if self.next < len(self.steps) and self.steps[self.next] == "again":
                self.next -= 1
            step = self.steps[self.next] if self.next < len(self.steps) else "result 80"
            self.next += 1
            return step

    def play(self, conn, number, op, step):
        """Answers; False to close."""
        words = step.split()
        kind, words = words[0], words[1:]
        pairs = [word.split("=", 1) for word in words if "=" in word]
        values = {name: unquote(value) for name, value in pairs}
        success = message(number, result(op, 0))
        if kind in BUILD:
            conn.sendall(message(number, BUILD[kind](op, words, values)))
        elif kind == "entry":
            many = {}
            for name, value in pairs:
                many.setdefault(name, []).append(unquote(value))
            conn.sendall(entry(number, many) + success)
        elif kind == "fresh":
            conn.sendall(fresh(number, op, words[0], words[1]))
        elif kind == "hang":
            while conn.recv(4096):
                pass
            return False
        elif kind == "close":
            return False
        elif kind == "half":
            conn.sendall(success[:len(success) // 2])
            return False
        elif kind == "garbage":
            conn.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        elif kind == "huge":
            conn.sendall(b"\x30\x84\x7f\xff\xff\xff\x02\x01\x01")
        elif kind == "indefinite":
            conn.sendall(b"\x30\x80\x02\x01\x01\x00\x00")
        elif kind == "empty":
            conn.sendall(b"\x30\x00")
        elif kind == "wrongid":
            conn.sendall(message(number + 7, result(op, 0)))
        elif kind == "wrongop":
            conn.sendall(message(number, tlv(0x6B, integer(0x0A, 0) + tlv(4, "") + tlv(4, ""))))
        elif kind == "drip":
            for byte in success:
                conn.sendall(bytes([byte]))
                time.sleep(int(words[0]) / 1000)
        elif kind == "flood":
            conn.sendall(b"\x30\x84\x00\x0f\xff\x00")
            while True:
                conn.sendall(b"\x04" * 4096)
                time.sleep(0.02)
        elif kind == "notice":
            oid = tlv(0x8A, "1.3.6.1.4.1.1466.20036")
            conn.sendall(message(0, result(0x77, 52, values.get("text", ""), oid)))
            return False
        else:
            raise ValueError(step)
        return True

    def serve(self, conn):
        data = b""
        try:
            while True:
                more = conn.recv(65536)
                if not more:
                    return
                data += more
                while len(data) >= 2:
                    size = data[1]
                    head = 2
                    if size & 0x80:
                        head = 2 + (size & 0x7F)
                        size = int.from_bytes(data[2:head], "big")
                    if len(data) < head + size:
                        break
                    number, operation = parse(data[head:head + size])[:2]
                    data = data[head + size:]
                    op, content = operation
                    line = "unbind" if op == 0x42 else describe(op, content)
                    step = self.step(line)
                    if step is not None and not self.play(
                            conn, int.from_bytes(number[1], "big"), op, step):
                        return
        except OSError:
            return
        finally:
            conn.close()


def listen(where):
    if where.startswith("tcp:"):
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", int(where[4:])))
    else:
        server = socket.socket(socket.AF_UNIX)
        server.bind(where)
    server.listen(64)
    return server


def main():
    server = listen(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8") as scenario:
        fake = Fake(scenario, open(sys.argv[3], "w", encoding="utf-8"))

    def accept():
        while True:
            conn, _ = server.accept()
            threading.Thread(target=fake.serve, args=(conn,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    port = server.getsockname()[1] if sys.argv[1].startswith("tcp:") else 0
    sys.stdout.write(f"ready {port}\n")  # one write: the reader may close after it
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)


main()
