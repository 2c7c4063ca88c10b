# SPDX-License-Identifier: BSD-2-Clause
"""A real store and a real usherd in a folder of their own, for tests.

Starts, stops, kills and restarts them; talks to them by raw connections, usherctl and the LDAP
tools; reads entries and the ledger at the store. Ends only what it started. stop() fails the test
when usherd does not end with 0 or when any of our programs left a sanitizer's report."""
import contextlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import ldap3

import raw_ldap as raw

ROOT = os.path.abspath(os.environ.get("srcdir") or os.path.join(os.path.dirname(__file__), ".."))
BUILD = os.path.abspath(os.environ.get("USHER_BUILD") or os.path.join(ROOT, "build"))
SANITIZED = re.compile(r"runtime error:|ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|LeakSanitizer")
CONF = os.path.join(ROOT, "conf")
MODELS = [os.path.join(CONF, name) for name in ("models/usher.ldif", "models/tixngo.ldif")]
SAMPLE = [*MODELS, os.path.join(CONF, "sample/acme.ldif")]
BASE = "dc=example,dc=org"
STRANGER = 65534         # a uid that nobody trusts, for tests that run as root
PATIENCE = raw.PATIENCE  # seconds: the bound of every wait for something that must come
COMMAND = 900            # seconds: the bound of a program's run, a large load included


def sanitized_build():
    """Whether the programs under test carry AddressSanitizer."""
    with open(os.path.join(BUILD, "config.log"), errors="replace") as log:
        return "--enable-sanitizers" in log.read(20000)


def program(name):
    return os.path.join(BUILD, name)


def module(name):
    return os.path.join(BUILD, ".libs", name)


def make_value(name):
    """A variable of the build's makefile: where a program or folder would be installed to."""
    with open(os.path.join(BUILD, "Makefile"), errors="replace") as file:
        values = dict(re.findall(r"(?m)^(\w+) = (.*)$", file.read()))
    value = values[name]
    while "$" in value:
        value = re.sub(r"\$[{(](\w+)[)}]", lambda match: values[match.group(1)], value)
    return value


def until(what, condition, timeout=PATIENCE, pause=0.005):
    """Polls; returns the first true value."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("within %g seconds: not %s" % (timeout, what))
        time.sleep(pause)


def soon(what, seconds, measure, tries=3):
    """For a promise about time: what `measure` gives, in seconds, the first time that it is below these.
    A machine that stalls does so once; a program that is slow is so each time."""
    took = []
    while not took or took[-1] is None or took[-1] >= seconds:
        if len(took) == tries:
            raise AssertionError("not within %g seconds: %s, but %s" % (seconds, what, took))
        took.append(measure())
    return took[-1]


def stand_still(process):
    """Stops a child, every thread of it, till it gets SIGCONT."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def membership(uid, organization="acme"):
    return "cn=%s,ou=members,o=%s,%s" % (uid, organization, BASE)


def person(uid):
    return "uid=%s,ou=people,%s" % (uid, BASE)


def service(cn, organization=None):
    return "cn=%s,ou=services,%s%s" % (cn, "o=%s," % organization if organization else "", BASE)


def conf_text(options):
    """{"login.limit": 3} in libconfig's words; nested by the dots."""
    groups = {}
    for name, value in options.items():
        group, _, key = name.rpartition(".")
        groups.setdefault(group, []).append((key, value))
    lines = []
    for group, members in groups.items():
        inner = ["%s = %s;" % (key, '"%s"' % value if isinstance(value, str) else
                               "[%s]" % ", ".join(map(str, value)) if isinstance(value, list) else value)
                 for key, value in members]
        lines += inner if group == "" else ["%s: {" % group, *inner, "};"]
    return "\n".join(lines) + "\n"


class Gateway:
    """Everything is below `folder`, which goes away with stop()."""

    def __init__(self, options=None, load=SAMPLE, ldif=""):
        self.folder = tempfile.mkdtemp(prefix="usher-test-")
        self.store_process = self.daemon = self.sink = self.directory = None
        self.options, self.load, self.ldif, self.more_environment = options or {}, load, ldif, {}
        self.store_socket = self.path("store/run/ldapi")
        self.ldapi, self.admin_socket = self.path("run/ldapi"), self.path("run/admin/ldapi")
        self.port = self.mail_port = 0

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.discard()
            raise

    def __exit__(self, kind, *what):
        if kind is None:
            self.stop()
        else:
            sys.stderr.write(self.text("usherd.log")[-4000:])
            self.discard()

    def path(self, name):
        return os.path.join(self.folder, name)

    def text(self, name):
        try:
            with open(self.path(name), errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def start(self):
        os.chmod(self.folder, 0o711)  # others reach the socket, no more
        os.mkdir(self.path("run"), 0o711)
        os.mkdir(self.path("run/admin"), 0o700)
        loads = [*self.load, *([self.write("more.ldif", self.ldif)] if self.ldif else [])]
        self.run(program("usher-directory"), "init", "--directory", self.path("store"), "--base", BASE,
                 *[word for path in loads for word in ("--load", path)])
        self.store_conf(r"(?m)^(maxsize .*)$", r"\1\ndbnosync")
        self.run(program("usherctl"), "key", "init", self.path("keys"))
        self.start_store()
        self.start_daemon()
        return self

    def environment(self):
        return dict(os.environ, USHER_DATADIR=ROOT, **self.more_environment)

    def run(self, *command, text=None, check=True):
        answer = subprocess.run(command, input=text, capture_output=True, text=True,
                                env=self.environment(), timeout=COMMAND)
        if SANITIZED.search(answer.stderr) or (check and answer.returncode != 0):
            raise AssertionError("%s: status %d\n%s" % (" ".join(command), answer.returncode, answer.stderr))
        return answer

    # The store.

    def store_conf(self, pattern, by):
        """Replaces in slapd.conf. The databases of every test are not synced to the disk at each write:
        this takes a slow one seconds, and what it is for, a machine that loses power, comes in no test."""
        path = "store/slapd.conf"
        text, count = re.subn(pattern, by, self.text(path))
        if count == 0:
            raise AssertionError("%s has no %s any more" % (path, pattern))
        self.write(path, text)

    def start_store(self):
        log = open(self.path("store.log"), "a")
        self.store_process = subprocess.Popen([program("usher-directory"), "run", "--directory",
                                               self.path("store")], env=self.environment(),
                                              stdout=log, stderr=log)
        log.close()
        until("the store answers", lambda: self.store_process.poll() is None and self.connect_store())

    def connect_store(self):
        if not self.listens(self.store_socket):
            return False
        try:
            self.directory = self.store_connection()
            return True
        except ldap3.core.exceptions.LDAPException:
            return False

    def store_connection(self):
        """As the store's administrator. One for each thread: it is not to be shared."""
        connection = ldap3.Connection(
            ldap3.Server("ldapi://" + self.store_socket, get_info=ldap3.NONE),
            authentication=ldap3.SASL, sasl_mechanism=ldap3.EXTERNAL, sasl_credentials="")
        if not connection.bind():
            raise ldap3.core.exceptions.LDAPBindError(str(connection.result))
        return connection

    def end_store(self, number=signal.SIGTERM):
        self.directory.unbind()
        self.store_process.send_signal(number)
        self.store_process.wait(PATIENCE)

    @contextlib.contextmanager
    def hung_store(self):
        """The store stands still meanwhile."""
        stand_still(self.store_process)
        try:
            yield
        finally:
            self.store_process.send_signal(signal.SIGCONT)

    def tool(self, name, *arguments, text=None, check=True):
        """An LDAP tool at the store, as its administrator."""
        uri = "ldapi://" + self.store_socket.replace("/", "%2F")
        return self.run(name, "-H", uri, "-Q", "-Y", "EXTERNAL", *arguments, text=text, check=check)

    def change(self, ldif):
        """ldapmodify at the store; an entry without changetype is added."""
        self.tool("ldapmodify", "-a", text=ldif)

    def modify(self, dn, **attributes):
        """Replaces attributes at the store: None removes, a list gives several values."""
        changes = {name: [(ldap3.MODIFY_REPLACE, [] if value is None else
                           value if isinstance(value, list) else [value])]
                   for name, value in attributes.items()}
        if not self.directory.modify(dn, changes):
            raise AssertionError(self.directory.result)

    def entry(self, dn):
        """{attribute in lower case: [values]} at the store, or None; the operational ones too."""
        if not self.directory.search(dn, "(objectClass=*)", ldap3.BASE, attributes=["*", "+"]):
            return None
        found = self.directory.response[0]["raw_attributes"]
        return {name.lower(): [value.decode(errors="replace") for value in values]
                for name, values in found.items()}

    def ledger(self, uid, attribute="usherFailure"):
        """Values of the person's ledger entry."""
        owner = self.entry(person(uid))["usherid"][0].lower()
        return (self.entry("cn=%s,ou=ledger,%s" % (owner, BASE)) or {}).get(attribute.lower(), [])

    def failures(self, uid, key):
        """How often an attempt on this person and key is counted, and until when (ms) it is locked."""
        for value in self.ledger(uid):
            name, count, _, locked = value.split(" ")
            if name == key:
                return int(count), int(locked)
        return 0, 0

    # The daemon.

    def settings(self):
        return {"base": BASE, "listen.ldapi": self.ldapi, "listen.admin": self.admin_socket,
                "listen.ldap": "127.0.0.1:%d" % self.port,
                "store.uri": "ldapi://" + self.store_socket.replace("/", "%2F"), "store.timeout": 30000,
                "cache.directory": self.path("cache"), "keys.file": self.path("keys"),
                "peers.trusted_uids": [os.geteuid()], "login.pin_cost": 10, "login.refuse_after": 10,
                "mail.url": "smtp://127.0.0.1:%d" % self.mail_port if self.mail_port else "",
                "mail.from": "usher@example.org", "mail.tls": "none",
                "mail.templates": os.path.join(CONF, "mail"), "mail.queue": self.path("mail-queue"),
                "mail.notices": False, "limits.logins_address": 0, **self.options}

    def start_daemon(self, wait=True):
        for _ in range(5):
            self.port = self.port or free_port()
            self.launch()
            if not wait:
                return
            until("usherd is up", lambda: self.daemon.poll() is not None or self.answers())
            if self.daemon.poll() is None:
                return
            self.port = 0  # perhaps somebody else was quicker with it
        raise AssertionError("usherd does not start:\n" + self.text("usherd.log")[-2000:])

    def launch(self):
        conf = self.write("usher.conf", conf_text(self.settings()))
        log = open(self.path("usherd.log"), "a")
        self.daemon = subprocess.Popen([program("usherd"), "-f", conf], env=self.environment(),
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()

    def answers(self):
        """Whether usherd answers questions: its cache has been filled."""
        try:
            with self.admin(timeout=PATIENCE) as link:
                return link.ask(raw.compare(membership("nobody-at-all", "platform"),
                                            "directory:read")).code == raw.COMPARE_FALSE
        except (OSError, raw.Closed):
            return False

    def end_daemon(self, number=signal.SIGTERM):
        """The exit status of usherd, once it is gone."""
        if self.daemon is None:
            return 0
        if self.daemon.poll() is None:
            self.daemon.send_signal(number)
        status = self.daemon.wait(PATIENCE)
        self.daemon = None
        return status

    def restart_daemon(self, **options):
        self.options = {**self.options, **options}
        self.check_end(self.end_daemon())
        self.start_daemon()

    def restart_with_empty_cache(self):
        """Does not wait for the cache: the store may be away."""
        self.check_end(self.end_daemon())
        shutil.rmtree(self.path("cache"))
        self.start_daemon(wait=False)
        until("usherd listens", lambda: self.listens(self.admin_socket))

    def reload_daemon(self, says="reloaded the configuration", text=None, **options):
        """Writes the configuration, sends SIGHUP and waits for what the log must say; returns what it said."""
        before = len(self.text("usherd.log"))
        self.write("usher.conf", text or conf_text({**self.settings(), **options}))
        self.daemon.send_signal(signal.SIGHUP)
        return until(says, lambda: says in self.text("usherd.log")[before:] and self.text("usherd.log")[before:])

    def listens(self, address):
        try:
            raw.Raw(address).close()
            return True
        except OSError:
            return False

    def ctl(self, *arguments, text=None, check=True):
        return self.run(program("usherctl"), "--socket", self.admin_socket, *arguments, text=text,
                        check=check)

    def pin(self, organization, uid, pin):
        self.ctl("pin", "set", "--pin-file", "-", organization, uid, text=pin + "\n")

    def ldap(self, timeout=PATIENCE):
        return raw.Raw(("127.0.0.1", self.port), timeout)

    def local(self, timeout=PATIENCE):
        """On ldapi as a trusted peer."""
        return raw.Raw(self.ldapi, timeout)

    def admin(self, timeout=PATIENCE):
        return raw.Raw(self.admin_socket, timeout)

    def as_uid(self, uid, timeout=PATIENCE):
        """On ldapi as another uid; for root alone. The peer is who connects, not who sends."""
        os.seteuid(uid)
        try:
            return self.local(timeout)
        finally:
            os.seteuid(0)

    def bound(self, dn, password, timeout=PATIENCE):
        """Over TCP, bound."""
        link = self.ldap(timeout)
        answer = link.ask(raw.bind(dn, password))
        if answer.code != raw.SUCCESS:
            link.close()
            raise AssertionError(answer)
        return link

    def backoffice(self):
        return self.bound(service("backoffice"), "backoffice-demo-password")

    def caught_up(self, timeout=PATIENCE):
        """Waits until the cache reflects everything that is in the store now."""
        csn = max(self.entry(BASE)["contextcsn"])
        with self.admin() as link:
            question = raw.compare(membership("x", "platform"), "directory:read")
            until("the cache has caught up with " + csn, lambda: link.ask(
                question, [raw.control(raw.FRESHNESS)]).freshness[1] >= csn, timeout, 0.002)

    def monitor(self):
        with self.admin() as link:
            link.post(raw.search("cn=monitor", 0, ["*", "+"]))
            entry = link.receive()
            link.receive()
            return {name: values[0] for name, values in entry.attributes.items()}

    # Mail.

    def start_mail(self, *moods):
        """A mail server; its mails are files in the folder "mail". Moods are options of smtp_sink.
        Without its library the calling test is skipped."""
        if importlib.util.find_spec("aiosmtpd") is None:
            sys.exit(77)
        os.makedirs(self.path("mail"), exist_ok=True)
        with open(self.path("mail.log"), "a") as log:
            self.sink = subprocess.Popen([sys.executable, os.path.join(ROOT, "tests/smtp_sink.py"),
                                          self.path("mail"), "--port", str(self.mail_port), *moods],
                                         stdout=subprocess.PIPE, stderr=log, text=True)
        self.mail_port = int(self.sink.stdout.readline().split()[1])

    def end_mail(self):
        if self.sink is not None:
            self.sink.terminate()
            self.sink.wait(PATIENCE)
            self.sink.stdout.close()
            self.sink = None

    def mails(self):
        names = sorted(name for name in os.listdir(self.path("mail")) if name.endswith(".eml"))
        return [self.text(os.path.join("mail", name)) for name in names]

    # The end.

    def check_end(self, status):
        found = [line for name in ("usherd.log", "store.log") for line in self.text(name).splitlines()
                 if SANITIZED.search(line)]
        if status != 0 or found:
            raise AssertionError("usherd ended with %s; sanitizers: %s\n%s" %
                                 (status, found, self.text("usherd.log")[-6000:]))

    def stop(self, *secrets, logs=("usherd.log",)):
        """Fails also when one of the secrets is in a log."""
        try:
            status = self.end_daemon()
            self.end_mail()
            self.end_store()
            self.check_end(status)
            found = [(name, one) for name in logs for one in secrets if one in self.text(name)]
            if found:
                raise AssertionError("secrets are in a log: %s" % found)
        finally:
            self.discard()

    def discard(self):
        for process in (self.daemon, self.sink, self.store_process):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        if self.sink is not None:
            self.sink.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def user_name(uid):
    """The login name of a local uid."""
    return pwd.getpwuid(uid).pw_name
