#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# make install DESTDIR= puts every file in its place, make uninstall takes all of it away again; the units,
# the user and the folders pass what systemd's own tools say of them. Runs in the build folder.
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
root=$work/root
failed=0

fail() {
    echo "FAIL: $1"
    failed=1
}

# The build folder's makefile may be in use by the tests around us: nothing is built here.
make_quietly() {
    MAKEFLAGS='' MAKELEVEL='' make -s "$@" >"$work/log" 2>&1 || {
        tail -n 20 "$work/log"
        fail "make $*"
    }
}

prefix="prefix=/usr sysconfdir=/etc localstatedir=/var runstatedir=/run libdir=/usr/lib"
# shellcheck disable=SC2086
make_quietly install DESTDIR="$root" $prefix pamdir=/usr/lib/security \
    systemdsystemunitdir=/usr/lib/systemd/system
for file in usr/sbin/usherd usr/sbin/usher-directory usr/bin/usherctl usr/lib/libusher.so usr/include/usher.h \
    usr/lib/security/pam_usher_password.so usr/lib/security/pam_usher_pin.so usr/lib/security/pam_usher_otp.so \
    usr/lib/pkgconfig/usher.pc usr/share/usher/schema/usher.schema usr/share/usher/mail/en/code.txt \
    usr/share/usher/models/tixngo.ldif usr/share/man/man8/usherd.8 usr/share/doc/usher/examples/usher.conf \
    usr/lib/systemd/system/usherd.service usr/lib/systemd/system/usher-directory.service \
    usr/lib/sysusers.d/usher.conf usr/lib/tmpfiles.d/usher.conf; do
    [ -s "$root/$file" ] || fail "$file is not installed"
done
[ -z "$(find "$root" -name '*.la')" ] || fail "libtool's files are installed"
units=$root/usr/lib/systemd/system
grep -q '@[a-z]*dir@' "$units"/*.service "$root"/usr/lib/tmpfiles.d/* && fail "a folder is not filled in"

# Both units at once; what they name has to be there, so their paths point into the root.
if command -v systemd-analyze >/dev/null; then
    mkdir "$work/units"
    for unit in usherd usher-directory; do
        sed "s|=/usr/sbin/|=$root/usr/sbin/|" "$units/$unit.service" >"$work/units/$unit.service"
    done
    SYSTEMD_UNIT_PATH="$work/units:" systemd-analyze verify --man=no --recursive-errors=no \
        "$work/units/usherd.service" "$work/units/usher-directory.service" >"$work/verify" 2>&1 ||
        fail "systemd-analyze verify"
    [ ! -s "$work/verify" ] || { cat "$work/verify"; fail "systemd-analyze verify has something to say"; }
    for unit in usherd usher-directory; do
        grep -q '^PrivateUsers' "$units/$unit.service" && fail "$unit: PrivateUsers would hide the peers' uids"
        # The exposure, 0 (none) to 10, may be at most 2.0.
        systemd-analyze security --offline=yes --threshold=20 "$units/$unit.service" >"$work/security" 2>&1 ||
            { tail -n 3 "$work/security"; fail "$unit: systemd-analyze security"; }
        tail -n 1 "$work/security"
    done
else
    echo "systemd-analyze is not installed: the units are not verified"
fi
if command -v systemd-sysusers >/dev/null; then
    mkdir -p "$work/fresh/etc"
    systemd-sysusers --root="$work/fresh" - <"$root/usr/lib/sysusers.d/usher.conf" >"$work/log" 2>&1 ||
        { cat "$work/log"; fail "systemd-sysusers"; }
    grep -q '^usher:.*:/nonexistent:/usr/sbin/nologin$' "$work/fresh/etc/passwd" || fail "there is no user usher"
    if [ "$(id -u)" = 0 ]; then
        systemd-tmpfiles --root="$work/fresh" --create - <"$root/usr/lib/tmpfiles.d/usher.conf" >"$work/log" 2>&1 ||
            { cat "$work/log"; fail "systemd-tmpfiles"; }
        for folder in "run/usher 755" "run/usher/admin 700" "var/cache/usher 750" "var/lib/usher 700" \
            "var/spool/usher 700"; do
            [ "$(stat -c %a "$work/fresh/${folder% *}")" = "${folder#* }" ] || fail "folder: $folder"
        done
    fi
else
    echo "systemd-sysusers is not installed: the user and the folders are not checked"
fi

# shellcheck disable=SC2086
make_quietly uninstall DESTDIR="$root" $prefix pamdir=/usr/lib/security \
    systemdsystemunitdir=/usr/lib/systemd/system
left=$(find "$root" ! -type d)
[ -z "$left" ] || { echo "$left"; fail "make uninstall leaves these"; }
exit $failed
