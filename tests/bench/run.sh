#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What "make bench" runs: a store, an usherd and a rival slapd of its own in a temporary folder, and one
# benchmark after the other against them. Prints figures beside their targets (DESIGN 13) and asserts
# none: they are those of this machine at this moment. Fails only when something could not be measured.
#
# Environment: srcdir and USHER_BUILD as for the tests; BENCH_PEOPLE (100000); BENCH_CPU (the last);
# BENCH_TURN_MS (100: one turn of one target of bench_compare).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
source_dir=$(cd "${srcdir:-$here/../..}" && pwd)
build=$(cd "${USHER_BUILD:-.}" && pwd)
people=${BENCH_PEOPLE:-100000}
cpu=${BENCH_CPU:-$(($(nproc) - 1))}
base=dc=example,dc=org
small=5 large=1000
USHER_DATADIR=$source_dir
export USHER_DATADIR
# shellcheck source=tests/bench/made_up.sh disable=SC1091
. "$here/made_up.sh"

dir=$(mktemp -d /tmp/usher-bench-XXXXXX)
store_pid='' rival_pid='' usherd_pid=''

stop() {
    for pid in $usherd_pid $store_pid $rival_pid; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT TERM

ldapi_uri() {
    printf 'ldapi://%s' "$(printf %s "$1" | sed 's,/,%2F,g')"
}

# Until the command says yes, 60 seconds at most. $1: what is waited for.
await() {
    what=$1 tries=0
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ $tries -gt 1200 ]; then
            echo "bench: $what does not answer" >&2
            cat "$dir"/*.log >&2
            exit 2
        fi
        sleep 0.05
    done
}

title() {
    printf '\n== %s\n' "$*"
}

# Seconds since the machine started, to the hundredth.
uptime_s() {
    cut -d' ' -f1 /proc/uptime
}

store_prepare() {
    made_up_tree "$people" >"$dir/people.ldif"
    "$build/usher-directory" init --directory "$dir/store" --base $base \
        --load "$source_dir/conf/models/usher.ldif" --load "$source_dir/conf/models/tixngo.ldif" \
        --load "$source_dir/conf/sample/acme.ldif" --load "$dir/people.ldif" >"$dir/init.log" 2>&1 ||
        { cat "$dir/init.log" >&2; exit 2; }
    "$build/usher-directory" run --directory "$dir/store" >"$dir/store.log" 2>&1 &
    store_pid=$!
    await "the store" ldapwhoami -x -H "$(ldapi_uri "$dir/store/run/ldapi")"
}

# slapd as it is fastest: one database, no overlay, no access rules, no log; anonymous.
rival_prepare() {
    mkdir "$dir/rival"
    cat >"$dir/rival/slapd.conf" <<EOF
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
loglevel none
sortvals member
database mdb
suffix $base
directory $dir/rival
maxsize 1073741824
EOF
    made_up_groups $small $large | /usr/sbin/slapadd -q -f "$dir/rival/slapd.conf"
    /usr/sbin/slapd -d none -f "$dir/rival/slapd.conf" -h "$(ldapi_uri "$dir/rival/ldapi")" \
        >"$dir/rival.log" 2>&1 &
    rival_pid=$!
    await "the rival slapd" ldapwhoami -x -H "$(ldapi_uri "$dir/rival/ldapi")"
}

# $1: login.pin_cost.
usherd_configure() {
    cat >"$dir/usher.conf" <<EOF
base = "$base";
listen: { ldapi = "$dir/run/ldapi"; admin = "$dir/run/admin/ldapi"; ldap = ""; };
store: { uri = "$(ldapi_uri "$dir/store/run/ldapi")"; };
cache: { directory = "$dir/cache"; };
keys: { file = "$dir/keys"; };
peers: { trusted_uids = [ $(id -u) ]; };
threads: { loops = 1; };
login: { pin_cost = $1; };
mail: { url = ""; templates = "$source_dir/conf/mail"; };
EOF
}

usherctl() {
    "$build/usherctl" -s "$dir/run/admin/ldapi" "$@"
}

usherd_start() {
    "$build/usherd" -f "$dir/usher.conf" >"$dir/usherd.log" 2>&1 &
    usherd_pid=$!
}

usherd_stop() {
    [ -n "$usherd_pid" ] || return 0
    kill "$usherd_pid"
    wait "$usherd_pid" || true
    usherd_pid=
}

usherd_ready() {
    usherctl check bench0 bench.000000 bench-even:read
}

# PIN logins with the PIN hashed at the cost $1; $2 says which that is, $3 is the target in ms, $4 how many.
pin_measure() {
    usherd_stop
    usherd_configure "$1"
    usherd_start
    await usherd usherd_ready
    printf 4711 | usherctl --pin-file - pin set bench0 bench.000000 >"$dir/pin.log" 2>&1 ||
        { cat "$dir/pin.log" >&2; exit 2; }
    "$here_built/bench_pin" "$build/.libs/pam_usher_pin.so" "$dir/run/ldapi" bench0 bench.000000 4711 \
        "$2" "$3" "$4"
}

pin_to() {
    taskset -a -c -p "$1" "$2" >/dev/null
}

here_built=$build/tests/bench
all=0-$(($(nproc) - 1))
mkdir "$dir/run" "$dir/cache"
mkdir -m 0700 "$dir/run/admin"
"$build/usherctl" key init "$dir/keys" >/dev/null

title "This machine: $(nproc) processors, load $(cut -d' ' -f1-3 /proc/loadavg), $(date -u +%F)"
echo "Under load, or where processors share a core, absolute figures grow; compare ratios, and minima."

title "Check in the caller's process: rights_check against a bare hash table"
"$here_built/bench_rights"

if [ -x "$here_built/bench_state" ]; then
    title "Cache state: what changes cost (in usherd's sync thread)"
    mkdir "$dir/state"
    "$here_built/bench_state" "$people" "$dir/state"
    rm -rf "$dir/state"
fi

title "First fill: a store with $people people and as many memberships"
store_prepare
usherd_configure 1
from=$(uptime_s)
usherd_start
await usherd usherd_ready
until=$(uptime_s)
ldapsearch -Q -Y EXTERNAL -LLL -H "$(ldapi_uri "$dir/store/run/ldapi")" -b $base -E '!sync=ro' >/dev/null
echo "$from $until $(uptime_s) $((2 * people))" | awk '{
    printf "usherd from exec to the first answer: %.2f s, %.0f entries/s\n", $2 - $1, $4 / ($2 - $1)
    printf "ldapsearch with the same refresh and nothing else to do: %.2f s, %.0f entries/s\n", $3 - $2, $4 / ($3 - $2)
    printf "usherd at %.2f of the bare refresh (target: at least 0.5)\n", ($3 - $2) / ($2 - $1) }'

title "Compare: usherPermission at usherd, member of a group at slapd ($small and $large members)"
rival_prepare
pin_to "$cpu" "$usherd_pid"
pin_to "$cpu" "$rival_pid"
"$here_built/bench_compare" "$cpu" "$dir/run/ldapi" "$people" "$dir/rival/ldapi" $small $large \
    "${BENCH_TURN_MS:-100}"
pin_to "$all" "$usherd_pid"

title "Changes"
"$here_built/bench_change" "$(ldapi_uri "$dir/store/run/ldapi")" "$dir/run/ldapi" "$people"

title "Start"
usherd_stop
"$here_built/bench_start" "$build/usherd" "$dir/usher.conf" "$dir/run/ldapi"

title "Logins"
pin_measure 1 "scrypt at its least cost" 2 200
pin_measure 14 "scrypt at the default cost" 0 30
