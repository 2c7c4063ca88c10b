#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A mail server for tests and for the tour: it takes every mail and writes it to a folder.

On 127.0.0.1 alone. Prints `port N` once it listens. Each mail is a file NNNN.eml, complete from the
moment it is there, with X-Sink headers on top: sender, recipients, whether TLS and who was
authenticated. Ends on SIGTERM, SIGINT and, with --until-eof, when its standard input ends. Never
delivers anything anywhere."""

import argparse
import asyncio
import logging
import os
import signal
import ssl
import subprocess
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

MAIL_MAX = 10 * 1024 * 1024


class Sink:
    """What happens to a mail."""

    def __init__(self, args):
        self.folder = args.folder
        self.refuse = args.refuse
        self.silent, self.slow = args.silent, args.slow
        self.auth = args.auth is not None
        self.count = len([name for name in os.listdir(args.folder) if name.endswith(".eml")])

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        if self.silent == "hello":
            await asyncio.sleep(3600)
        session.host_name = hostname
        # aiosmtpd offers AUTH always; a server without it is one of the moods to be shown.
        return [line for line in responses if self.auth or not line.startswith("250-AUTH")]

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.refuse is not None:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_QUIT(self, server, session, envelope):
        if self.silent == "quit":
            await asyncio.sleep(3600)
        return "221 Bye"

    async def handle_DATA(self, server, session, envelope):
        if self.silent == "data":
            await asyncio.sleep(3600)
        await asyncio.sleep(self.slow / 1000)
        self.count += 1
        path = os.path.join(self.folder, f"{self.count:04}.eml")
        tls = server.transport.get_extra_info("sslcontext") is not None
        with open(path + ".new", "wb") as out:
            out.write(f"X-Sink-From: {envelope.mail_from}\r\n"
                      f"X-Sink-To: {', '.join(envelope.rcpt_tos)}\r\n"
                      f"X-Sink-TLS: {'yes' if tls else 'no'}\r\n"
                      f"X-Sink-User: {session.auth_data or ''}\r\n".encode())
            out.write(envelope.original_content)
        os.rename(path + ".new", path)
        print(f"mail {path}", flush=True)
        if self.silent == "accepted":
            await asyncio.sleep(3600)
        return "250 OK"


class Dying(SMTP):
    """Says go ahead, reads a little, and is gone."""

    async def smtp_DATA(self, arg):
        await self.push("354 go ahead")
        await self._reader.read(64)
        self.transport.close()


def make_certificate(folder):
    """A certificate for localhost that signs itself: <folder>/cert.pem is also its authority."""
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    if not os.path.exists(cert):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", key, "-out", cert], check=True, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


def authenticator(expected):
    def check(server, session, envelope, mechanism, auth_data):
        user = auth_data.login.decode()
        if f"{user}:{auth_data.password.decode()}" != expected:
            return AuthResult(success=False, handled=False)
        return AuthResult(success=True, auth_data=user)
    return check


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="where the mails go; made if need be")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--starttls", action="store_true", help="offer STARTTLS and demand it")
    parser.add_argument("--tls", action="store_true", help="smtps: TLS from the first byte")
    parser.add_argument("--auth", metavar="USER:PASSWORD", help="offer AUTH and demand it")
    parser.add_argument("--refuse", metavar="ANSWER", nargs="?", const="550 no such user",
                        help="answer this to every recipient")
    parser.add_argument("--silent", choices=("hello", "data", "accepted", "quit"),
                        help="never answer to this; accepted: the mail is taken, which nobody is told")
    parser.add_argument("--slow", type=int, default=0, metavar="MS", help="take each mail after so long")
    parser.add_argument("--die", choices=("data",), help="close the connection in the middle of this")
    parser.add_argument("--until-eof", action="store_true", help="end with the standard input")
    return parser.parse_args()


async def serve(args):
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    context = make_certificate(args.folder) if args.starttls or args.tls else None
    sink = Sink(args)

    def end():
        if not done.done():
            done.set_result(None)

    def protocol():
        kind = Dying if args.die else SMTP
        return kind(sink, hostname="sink.localhost", enable_SMTPUTF8=False,
                    data_size_limit=MAIL_MAX, loop=loop,
                    tls_context=context if args.starttls else None,
                    require_starttls=args.starttls,
                    authenticator=authenticator(args.auth) if args.auth else None,
                    auth_required=args.auth is not None,
                    auth_require_tls=args.starttls)

    def on_input():
        if not os.read(0, 4096):
            loop.remove_reader(0)
            end()

    server = await loop.create_server(protocol, "127.0.0.1", args.port,
                                      ssl=context if args.tls else None)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    if args.until_eof:
        loop.add_reader(0, on_input)
    print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
    await done
    server.close()


def main():
    args = parse_arguments()
    # A refused handshake or an AUTH without TLS is what was asked for, not news.
    warnings.simplefilter("ignore")
    logging.getLogger("mail").setLevel(logging.CRITICAL + 1)
    os.makedirs(args.folder, exist_ok=True)
    try:
        asyncio.run(serve(args))
    except OSError as problem:
        sys.exit(f"smtp_sink: {problem}")


if __name__ == "__main__":
    main()
