#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# clang-tidy (.clang-tidy) and cppcheck over all of src/ and pam/; a finding is an error. Run by "make lint"
# and ./check. Values of macros do not matter here.
#   lint.sh [FILE...]   these files only
set -u
srcdir=${srcdir:-.}
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
cd "$srcdir" || exit 1
status=0
packages="libconfig libcrypto liboath libevent libcurl libxxhash jansson ldap lber lmdb"

[ $# -gt 0 ] || set -- src/*/*.c pam/*.c
# shellcheck disable=SC2016,SC2046
printf '%s\n' "$@" | xargs -P "$(nproc)" -I '{}' sh -c '
    out=$1 file=$2
    shift 2
    clang-tidy --quiet "$file" -- -std=gnu17 "$@" >"$out/$(echo "$file" | tr / -)" 2>"$out/err" || exit 1' \
    sh "$out" '{}' $(pkg-config --cflags $packages) -D_GNU_SOURCE -Isrc -Ipam '-DPACKAGE_VERSION=""' \
    '-DUSHER_RUNDIR=""' '-DUSHER_SYSCONFDIR=""' '-DUSHER_DATADIR=""' '-DUSHER_CACHEDIR=""' \
    '-DUSHER_SPOOLDIR=""' '-DUSHER_LOCALEDIR=""' '-DUSHER_LIBEXECDIR=""' || status=1
cat "$out"/*.c
[ "$status" = 0 ] || [ -n "$(cat "$out"/*.c)" ] || cat "$out/err"

# Suppressed: a struct whose members are all filled in by the function that it is given to (ctuuninitvar,
# uninitStructMember, uninitvar: cppcheck does not know that a negative return ends the caller), and headers
# of the system.
cppcheck --quiet --std=c11 --enable=warning,portability,performance --error-exitcode=1 --inline-suppr \
    --suppress=missingIncludeSystem --suppress=ctuuninitvar --suppress=uninitvar --suppress=uninitStructMember \
    -j "$(nproc)" -D_GNU_SOURCE -Isrc "$@" || status=1
[ "$status" = 0 ] && echo "lint: no findings"
exit $status
