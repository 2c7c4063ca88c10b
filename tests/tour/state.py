# SPDX-License-Identifier: BSD-2-Clause
"""The state folder of the demo: everything that the servers read and write.

The folder belongs to whoever runs the demo; what the servers write lies in subfolders that belong
to their uid. A server that may not pass through the folder's parents (/root) is started inside it,
so all names in its configuration are relative. Knows no process."""

import errno
import fcntl
import os
import shlex
import shutil
import socket
import stat
import urllib.parse

BASE = "dc=example,dc=org"
SERVER_UID = 61184  # belongs to nobody: between Debian's ranges, and to no account
SOCKET_PATH_MAX = 107  # bytes in sockaddr_un, less the end
STORE_SOCKET = "store/run/ldapi"
LDAPI_SOCKET = "run/ldapi"
ADMIN_SOCKET = "run/admin/ldapi"
MARK = "what-is-this.txt"
MARK_TEXT = """The data of a demo of usher, kept from one ./quickstart to the next.
Delete this folder to begin anew.
"""

# The permission models and sample organizations that a new demo begins with.
VENDORS = ("palisis", "orgevents", "tixly", "backoffice004")
LOADED = ("models/usher.ldif", "models/tixngo.ldif", "sample/acme.ldif",
          *(f"{kind}/{vendor}.ldif" for vendor in VENDORS for kind in ("models", "sample")))

# What the servers need of the checkout, and where it lies in the state folder.
COPIES = {
    "schema/usher.schema": "share/schema/usher.schema",
    **{f"conf/{name}": f"share/{name}" for name in LOADED},
    "tests/smtp_sink.py": "share/smtp_sink.py",
    "build/usherd": "bin/usherd",
    "build/usher-directory": "bin/usher-directory",
}

# Subfolders that the servers write to, with their modes. Who connects passes through run.
WRITTEN = {"store": 0o700, "run": 0o755, "run/admin": 0o700, "cache": 0o750, "mail": 0o700,
           "mail-queue": 0o700}

GATEWAY_CONF = """# Made by quickstart at each start; see usher.conf(5).
base = "{base}";
listen: {{
    ldapi = "{ldapi}";
    admin = "{admin}";
    ldap = "127.0.0.1:{port}";
}};
store: {{ uri = "ldapi://{store}"; }};
cache: {{ directory = "cache"; }};
keys: {{ file = "keys"; }};
peers: {{ trusted_uids = ({uids}); }};
login: {{ issuer = "usher demo"; }};
mail: {{
    url = "smtp://127.0.0.1:{mail_port}";
    tls = "none";
    from = "usher@example.org";
    templates = "share/mail";
    queue = "mail-queue";
    notices = false;
}};
"""

# PAM services, as they would stand in /etc/pam.d. @M@ is a module, @S@ the socket.
PAM_SERVICES = {
    "backoffice": """# A back office on the web: password, and a code where one is due.
auth     required  @M@/pam_usher_password.so  org=acme permission=backoffice:login @S@
auth     required  @M@/pam_usher_otp.so       org=acme permission=backoffice:login @S@
account  required  @M@/pam_usher_password.so  org=acme permission=backoffice:login @S@
""",
    "terminal": """# A sales terminal: a PIN.
auth     required  @M@/pam_usher_pin.so  org=acme permission=terminal:login @S@
account  required  @M@/pam_usher_pin.so  org=acme permission=terminal:login @S@
""",
    "other": """auth     required  pam_deny.so
account  required  pam_deny.so
""",
}

SCRIPTS = {
    "usherctl": """#!/bin/sh
# usherctl, at this demo's socket.
exec '@B@/usherctl' --socket '@F@/{admin}' "$@"
""",
    "pamtester": """#!/bin/sh
# pamtester, with the services in this folder's pam.d instead of those in /etc/pam.d.
LD_PRELOAD=libpam_wrapper.so PAM_WRAPPER=1 PAM_WRAPPER_SERVICE_DIR='@F@/pam.d' \\
    exec pamtester "$@"
""",
}


class Refused(Exception):
    """What stands in the way, in words for the user."""


def write_file(path, text, mode=0o644):
    """Writes a file whole or not at all; also one that is in use as a program."""
    with open(path + ".new", "w", encoding="utf-8") as out:
        os.fchmod(out.fileno(), mode)
        out.write(text)
    os.rename(path + ".new", path)


class State:
    """One state folder, locked for as long as this process lives."""

    def __init__(self, folder, top):
        self.folder = os.path.abspath(folder)
        self.top = top
        self.uid = SERVER_UID if os.geteuid() == 0 else None  # None: the servers run as we do
        self.lock = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def shown(self, name=""):
        """The name as the user would type it where they are."""
        path = self.path(name).rstrip("/")
        near = os.path.relpath(path)
        return path if near.startswith("..") else near

    def typed(self, name):
        """The same as a word of a shell command; a program in it is found."""
        shown = self.shown(name)
        return shlex.quote(shown if "/" in shown else "./" + shown)

    def uri(self, socket_name):
        return "ldapi://" + urllib.parse.quote(self.shown(socket_name), safe="")

    def check(self):
        """Whether the folder can be used at all."""
        longest = self.path(ADMIN_SOCKET)
        if len(os.fsencode(longest)) > SOCKET_PATH_MAX:
            raise Refused(f"the socket {longest} would have a path of {len(os.fsencode(longest))} "
                          f"bytes, and a socket's path has at most {SOCKET_PATH_MAX}: use a state "
                          "folder with a shorter name (--state DIR)")
        if set("'\"\\\n[]") & set(self.folder):
            raise Refused(f"the state folder {self.folder}: quotes, brackets, backslashes and line "
                          "ends in its name would not survive in configuration files")
        if not os.path.lexists(self.folder):
            return
        if not os.path.isdir(self.folder):
            raise Refused(f"the state folder {self.folder} is no folder")
        if os.stat(self.folder).st_uid != os.geteuid():
            raise Refused(f"the state folder {self.folder} belongs to uid "
                          f"{os.stat(self.folder).st_uid}, and this is uid {os.geteuid()}: run as "
                          "its owner, or choose another folder (--state DIR)")
        if os.listdir(self.folder) and not os.path.exists(self.path(MARK)):
            raise Refused(f"the state folder {self.folder} holds other things already: choose an "
                          "empty or a new one (--state DIR)")

    def take(self):
        """Makes the folder if need be, and locks it."""
        self.check()
        try:
            os.makedirs(self.folder, mode=0o755, exist_ok=True)
            os.chmod(self.folder, 0o755)
            write_file(self.path(MARK), MARK_TEXT)
            self.lock = os.open(self.path("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise Refused(f"the state folder {self.folder}: {problem.strerror}") from problem
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self.lock, 32, 0).decode().strip() or "unknown"
            raise Refused(f"the state folder {self.folder} is in use by process {holder}: stop "
                          "that one first, or choose another folder (--state DIR)") from None
        os.ftruncate(self.lock, 0)
        os.pwrite(self.lock, f"{os.getpid()}\n".encode(), 0)

    def give(self, path):
        """Makes the servers the owner."""
        if self.uid is not None:
            os.chown(path, self.uid, self.uid, follow_symlinks=False)

    def copy(self, source, name):
        """Copies one file, readable to the servers whatever the caller's umask was."""
        target = self.path(name)
        os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
        shutil.copyfile(source, target + ".new")
        os.chmod(target + ".new", 0o755 if os.stat(source).st_mode & stat.S_IXUSR else 0o644)
        os.rename(target + ".new", target)

    def fill(self):
        """Everything but the databases, the keys and the gateway's configuration."""
        for source, name in COPIES.items():
            self.copy(os.path.join(self.top, source), name)
        mails = os.path.join(self.top, "conf/mail")
        for language in sorted(os.listdir(mails)):
            for name in sorted(os.listdir(os.path.join(mails, language))):
                self.copy(os.path.join(mails, language, name), f"share/mail/{language}/{name}")
        for name, mode in WRITTEN.items():
            if not os.path.isdir(self.path(name)):
                os.mkdir(self.path(name))
            os.chmod(self.path(name), mode)
            self.give(self.path(name))
        os.makedirs(self.path("log"), mode=0o755, exist_ok=True)
        self.write_pam()

    def write_pam(self):
        modules = os.path.join(self.top, "build/.libs")
        option = f"socket={self.path(LDAPI_SOCKET)}"
        os.makedirs(self.path("pam.d"), mode=0o755, exist_ok=True)
        for name, text in PAM_SERVICES.items():
            write_file(self.path(f"pam.d/{name}"),
                       text.replace("@M@", modules)
                           .replace("@S@", f"[{option}]" if " " in option else option))
        for name, text in SCRIPTS.items():
            write_file(self.path(name),
                       text.replace("{admin}", ADMIN_SOCKET).replace("@F@", self.folder)
                           .replace("@B@", os.path.join(self.top, "build")), 0o755)

    def write_conf(self, port, mail_port):
        write_file(self.path("usher.conf"), GATEWAY_CONF.format(
            base=BASE, ldapi=LDAPI_SOCKET, admin=ADMIN_SOCKET, port=port, mail_port=mail_port,
            store=urllib.parse.quote(STORE_SOCKET, safe=""),
            uids="" if self.uid is not None else os.geteuid()))

    def prepared(self):
        """Whether the store has been prepared: usher-directory(8) writes this file last."""
        return os.path.exists(self.path("store/slapd.conf"))


def port_check(port):
    """Whether the port can be had."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as problem:
            why = "is in use" if problem.errno == errno.EADDRINUSE else problem.strerror
            raise Refused(f"port {port} on 127.0.0.1: {why}; choose another one (--port N)") \
                from problem
