# SPDX-License-Identifier: BSD-2-Clause
"""What ./quickstart runs once all is installed and built: starts the demo, takes the tour, serves.

    demo.py check|both|tour|serve STATE-FOLDER PORT

check says whether state folder and port can be had, before there is anything to start. Whatever
ends it (Ctrl-C, a signal, an error), every process that it started is stopped first."""

import os
import signal
import sys
import time

from servers import Servers
from show import Unexpected, quiet, say
from state import ADMIN_SOCKET, BASE, LDAPI_SOCKET, STORE_SOCKET, Refused, State, port_check
from tour import PIN, Tour

INTERRUPTED = 130


class Stop(BaseException):
    """A signal asked us to end."""


def on_signal(number, frame):
    raise Stop()


def prepare(state, servers):
    """Starts everything. The seller's PIN belongs to the sample data, but only the gateway, which
    has the key, can seal it."""
    start = time.monotonic()
    first = not state.prepared()
    state.fill()
    say("Preparing the store with sample data ..." if first
        else "Starting on the data that are there ...")
    servers.start_all()
    if first or not os.path.exists(state.path("seller-has-pin")):
        status, output = quiet(f"echo {PIN} | {state.typed('usherctl')} pin set acme pat")
        if status != 0:
            raise Refused(f"Pat's PIN could not be set: {output}")
        with open(state.path("seller-has-pin"), "w", encoding="utf-8"):
            pass
    say(f"Store and gateway are up after {time.monotonic() - start:.1f} seconds"
        + (f", as uid {state.uid}." if state.uid is not None else "."))


def connect_text(state, port):
    ctl, pam = state.typed("usherctl"), state.typed("pamtester")
    return f"""
The gateway serves:
    ldap://127.0.0.1:{port}
    {state.path(LDAPI_SOCKET)}          logins and questions
    {state.path(ADMIN_SOCKET)}    the administrator: you
The store serves its administrator, you, at:
    {state.path(STORE_SOCKET)}

    {ctl} help
    {ctl} check acme sue tickets:read
    {pam} backoffice sue authenticate     (sue-demo-password)
    {pam} terminal pat authenticate       (PIN {PIN})
    ldapcompare -x -D cn=backoffice,ou=services,{BASE} -w backoffice-demo-password \\
        -H ldap://127.0.0.1:{port} cn=sue,ou=members,o=acme,{BASE} usherPermission:tickets:read
    ldapsearch -Q -Y EXTERNAL -H {state.uri(STORE_SOCKET)} -b o=acme,{BASE}

Mails go to {state.shown('mail')}, logs to {state.shown('log')}; all data are in {state.folder}."""


def serve(state, servers):
    say(connect_text(state, servers.port))
    say("\nServing until Ctrl-C.")
    try:
        while servers.ended() is None:
            time.sleep(0.2)
    except Stop:
        say("\nStopping.")
        return
    raise Refused(f"the {servers.ended()} has ended by itself; the end of its log:\n"
                  f"{servers.log_tail(servers.ended())}")


def take_tour(state, servers):
    """Whether all was as expected."""
    say(f"\n{state.typed('usherctl')} and {state.typed('pamtester')} are the programs of that "
        "name, pointed at this demo.")
    start = time.monotonic()
    steps = Tour(state, servers).take()
    say()
    if steps.wrong:
        say(f"The tour: {len(steps.wrong)} of {steps.done} steps went wrong: "
            f"{', '.join(map(str, steps.wrong))}. Logs are in {state.shown('log')}.")
    else:
        say(f"The tour: {steps.done} steps, each as expected, in "
            f"{time.monotonic() - start:.0f} seconds.")
    return not steps.wrong


def run(mode, state, servers):
    prepare(state, servers)
    good = mode == "serve" or take_tour(state, servers)
    if mode != "tour":
        serve(state, servers)
    return 0 if good else 1


def main():
    mode, folder, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
    state = State(folder, os.path.realpath(top))
    servers = Servers(state, port)
    status = 1
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    try:
        state.take()
        port_check(port)
        status = 0 if mode == "check" else run(mode, state, servers)
    except (Refused, Unexpected) as problem:
        print(f"quickstart: {problem}", file=sys.stderr)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Stop:
        status = INTERRUPTED
        print("\nStopping.", file=sys.stderr)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        servers.stop()
    return status


if __name__ == "__main__":
    sys.exit(main())
