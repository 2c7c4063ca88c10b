# SPDX-License-Identifier: BSD-2-Clause
"""Runs a program in the sandbox that a unit describes, without systemd: mounts of a namespace of its own,
capabilities, limits, and a system call filter by libseccomp, which systemd brings along.

  unshare -m [-n] --propagation private python3 sandboxed.py UNIT UID WRITABLE KEPT -- PROGRAM ...

WRITABLE and KEPT are folders separated by colons: those that ReadWritePaths stands for, and others that must
be seen. A directive that this file does not know is an error: whoever adds one to a unit says here what
becomes of it."""
import ctypes
import os
import re
import resource
import subprocess
import sys

ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | 1  # SCMP_ACT_ALLOW, SCMP_ACT_ERRNO(EPERM)
NOT_THERE = 0x00050000 | 38                 # ENOSYS: programs then use the older call
EQUAL, MASKED = 4, 7                        # enum scmp_compare
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
NAMESPACES, SUID, WRITE_EXECUTE = 0x7E020080, 0o6000, 2 | 4
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")

# What stands for each directive: "mount", "caps", "limit", "filter", "user", or why nothing does.
KNOWN = {
    "User": "user", "Group": "user", "UMask": "user", "NoNewPrivileges": "user",
    "AmbientCapabilities": "caps", "CapabilityBoundingSet": "caps", "ProtectClock": "caps",
    "ProtectKernelModules": "caps", "ProtectKernelLogs": "caps", "ProtectHostname": "caps",
    "LimitNOFILE": "limit", "LimitMEMLOCK": "limit", "LimitCORE": "limit",
    "ProtectSystem": "mount", "ProtectHome": "mount", "ProtectProc": "mount", "ProcSubset": "mount",
    "ProtectControlGroups": "mount", "ProtectKernelTunables": "mount", "PrivateDevices": "mount",
    "PrivateTmp": "mount", "ReadWritePaths": "mount", "PrivateNetwork": "mount",
    "RestrictAddressFamilies": "filter", "RestrictNamespaces": "filter", "RestrictRealtime": "filter",
    "RestrictSUIDSGID": "filter", "LockPersonality": "filter", "MemoryDenyWriteExecute": "filter",
    "SystemCallArchitectures": "filter", "SystemCallFilter": "filter", "SystemCallErrorNumber": "filter",
    "Type": "of the test", "ExecStartPre": "of the test", "ExecStart": "of the test",
    "ExecReload": "of the test", "Restart": "of systemd", "RestartSec": "of systemd",
    "TimeoutStopSec": "of systemd", "MemorySwapMax": "a control group", "DevicePolicy": "a control group",
    "RemoveIPC": "when the unit stops", "KeyringMode": "of systemd",
}


def unit_read(path):
    """{directive: [values]} of [Service]."""
    found, section = {}, ""
    with open(path) as file:
        for line in map(str.strip, file):
            if line.startswith("["):
                section = line
            elif section == "[Service]" and "=" in line and not line.startswith("#"):
                name, value = line.split("=", 1)
                if name not in KNOWN:
                    sys.exit("sandboxed.py does not know %s=" % name)
                found.setdefault(name, []).append(value)
    return found


def mount(*words):
    subprocess.run(["mount", "-c", *words], check=True)  # a descriptor in /proc is what it is


def cover(folder, options="mode=755"):
    if os.path.isdir(folder):
        mount("-t", "tmpfs", "-o", options, "tmpfs", folder)


def mounted():
    with open("/proc/self/mountinfo") as file:
        return [line.split()[4].encode().decode("unicode_escape") for line in file]


def below(path, folders):
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)


def mounts(unit, writable, kept):
    """What PrivateTmp, PrivateDevices, Protect* and ReadWritePaths make of the file system."""
    held = {path: os.open(path, os.O_PATH) for path in [*kept, *writable]}
    devices = {name: os.open("/dev/" + name, os.O_PATH) for name in DEVICES}
    for name, folders in (("PrivateTmp", ("/tmp", "/var/tmp")), ("ProtectHome", ("/home", "/root", "/run/user")),
                          ("PrivateDevices", ("/dev",))):
        for folder in folders if unit.get(name) == ["yes"] else ():
            cover(folder, "mode=1777" if name == "PrivateTmp" else "mode=755")
    for name, descriptor in devices.items() if unit.get("PrivateDevices") == ["yes"] else ():
        open("/dev/" + name, "w").close()
        mount("--bind", "/proc/%d/fd/%d" % (os.getpid(), descriptor), "/dev/" + name)
    for path, descriptor in held.items():
        os.makedirs(path, exist_ok=True)
        mount("--bind", "/proc/%d/fd/%d" % (os.getpid(), descriptor), path)
        os.close(descriptor)
    open_places = [*writable, *(("/tmp", "/var/tmp") if unit.get("PrivateTmp") == ["yes"] else ())]
    if unit.get("ProtectSystem") == ["strict"]:
        for path in mounted():
            if path in kept or (not below(path, open_places) and not below(path, ("/proc", "/dev"))):
                mount("-o", "remount,bind,ro", path)
    if unit.get("ProtectProc") == ["invisible"]:
        subset = ",subset=pid" if unit.get("ProcSubset") == ["pid"] else ""
        mount("-t", "proc", "-o", "hidepid=invisible" + subset, "proc", "/proc")
    if unit.get("ProtectKernelTunables") == ["yes"] and os.path.isdir("/proc/sys"):
        mount("--bind", "/proc/sys", "/proc/sys")
        mount("-o", "remount,bind,ro", "/proc/sys")


def limits(unit):
    for name, kind in (("NOFILE", resource.RLIMIT_NOFILE), ("MEMLOCK", resource.RLIMIT_MEMLOCK),
                       ("CORE", resource.RLIMIT_CORE)):
        for value in unit.get("Limit" + name, ()):
            number = int(value.rstrip("M")) << (20 if value.endswith("M") else 0)
            most = resource.getrlimit(kind)[1]
            number = number if most == resource.RLIM_INFINITY else min(number, most)
            resource.setrlimit(kind, (number, number))
    os.umask(int(unit["UMask"][0], 8))


def caps(unit, name):
    """In setpriv's words."""
    words = " ".join(unit.get(name, [])).split()
    return ",".join(["-all", *("+" + word[4:].lower() for word in words)])


def group(name):
    """The system calls of a group of systemd's, and of those within it."""
    found = set()
    text = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True)
    for word in re.findall(r"(?m)^    ([@\w-]+)$", text.stdout):
        found |= group(word) if word.startswith("@") else {word}
    return found


def calls(unit):
    allowed = set()
    for value in unit["SystemCallFilter"]:
        for word in value.lstrip("~").split():
            some = group(word) if word.startswith("@") else {word}
            allowed = allowed - some if value.startswith("~") else allowed | some
    return allowed


class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def conditions(unit):
    """{system call: [the conditions on its arguments under which it is allowed, any of them]}."""
    families = unit["RestrictAddressFamilies"][0].split()
    found = {"socket": [[(0, EQUAL, FAMILIES[name], 0)] for name in families],
             "personality": [[(0, EQUAL, 0, 0)]],
             "clone": [[(0, MASKED, NAMESPACES, 0)]],
             "sched_setscheduler": [[(1, EQUAL, policy, 0)] for policy in (0, 3, 5)],
             "mprotect": [[(2, MASKED, 4, 0)]], "pkey_mprotect": [[(2, MASKED, 4, 0)]],
             "mmap": [[(2, MASKED, WRITE_EXECUTE, some)] for some in (0, 2, 4)]}
    for name, argument in (("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("mknod", 1), ("mknodat", 2)):
        found[name] = [[(argument, MASKED, SUID, 0)]]
    return found


def refuse(unit):
    """Loads the filter."""
    lib = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    lib.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(lib.seccomp_init(ctypes.c_uint32(REFUSE)))
    special = conditions(unit)
    for name in sorted(calls(unit)):
        number = lib.seccomp_syscall_resolve_name(name.encode())
        if number < 0 or name in ("unshare", "setns"):
            continue  # of another architecture; RestrictNamespaces
        if name == "clone3":  # its flags cannot be looked at
            status = lib.seccomp_rule_add_array(context, ctypes.c_uint32(NOT_THERE), number, 0, None)
            assert status == 0, (name, status)
            continue
        for condition in special.get(name, [[]]):
            compares = (Compare * len(condition))(*(Compare(*one) for one in condition))
            status = lib.seccomp_rule_add_array(context, ctypes.c_uint32(ALLOW), number, len(condition), compares)
            assert status == 0, (name, status)
    assert lib.seccomp_load(context) == 0


def main():
    unit = unit_read(sys.argv[1])
    program = sys.argv[sys.argv.index("--") + 1:]
    if sys.argv[2] == "filtered":
        refuse(unit)
        os.execv(program[0], program)
    uid, writable, kept = sys.argv[2], sys.argv[3].split(":"), sys.argv[4].split(":")
    mounts(unit, writable, kept)
    limits(unit)
    ambient = caps(unit, "AmbientCapabilities")
    os.execvp("setpriv", ["setpriv", "--reuid=" + uid, "--regid=" + uid, "--clear-groups", "--no-new-privs",
                          "--inh-caps=" + ambient, "--ambient-caps=" + ambient,
                          "--bounding-set=" + caps(unit, "CapabilityBoundingSet"), sys.executable, __file__,
                          sys.argv[1], "filtered", "--", *program])


if __name__ == "__main__":
    main()
