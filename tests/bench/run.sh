#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What "make bench" runs: a store, an usherd and a rival slapd of its own in a temporary folder, and one
# benchmark after the other against them. Prints figures beside their targets (DESIGN 13) and asserts
# none: they are those of this machine at this moment. Fails only when something could not be measured.
#
# Environment: srcdir and USHER_BUILD as for the tests; BENCH_SIZE (10000 memberships; 1000000 takes some
# minutes and 6 GB under TMPDIR); BENCH_CPU (the last); BENCH_TURN_MS (100: one turn of one target of
# bench_compare); BENCH_LOGIN_MS (400: one row of bench_login, once a round); BENCH_NEIGHBOURS=1: fetch the
# packages of nslcd and sssd that are not installed, and unpack them in the temporary folder. Installs nothing.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
source_dir=$(cd "${srcdir:-$here/../..}" && pwd)
build=$(cd "${USHER_BUILD:-.}" && pwd)
size=${BENCH_SIZE:-10000}
people=$((size * 4 / 5)) # maketree: 5 memberships for 4 people
organizations=$((size / 1000))
[ "$organizations" -ge 100 ] || organizations=100
state_size=$size
[ "$state_size" -le 100000 ] || state_size=100000
login_ms=${BENCH_LOGIN_MS:-400}
cpu=${BENCH_CPU:-$(($(nproc) - 1))}
base=dc=example,dc=org
small=5 large=1000
user=person.0000000 pin=4711 password='a password of the benchmark'
USHER_DATADIR=$source_dir
export USHER_DATADIR
# shellcheck source=tests/bench/made_up.sh disable=SC1091
. "$here/made_up.sh"

if [ "$people" -lt 4000 ]; then
    echo "bench: BENCH_SIZE must be 5000 at least" >&2
    exit 2
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/usher-bench-XXXXXX")
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

# Until the command says yes, ten minutes at most. $1: what is waited for.
await() {
    what=$1 tries=0
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ $tries -gt 60000 ]; then
            echo "bench: $what does not answer" >&2
            cat "$dir"/*.log >&2
            exit 2
        fi
        sleep 0.01
    done
}

# A port of the loopback that nobody listens on at the moment.
port_free() {
    /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

title() {
    printf '\n== %s\n' "$*"
}

# Seconds since the machine started, to the hundredth.
uptime_s() {
    cut -d' ' -f1 /proc/uptime
}

# Seconds between two times of uptime_s, for whatever the command prints nothing about.
seconds() {
    awk -v from="$1" -v until="$2" 'BEGIN { printf "%.2f", until - from }'
}

# Seconds of a processor that a process has used; those that ended children of this shell have.
cpu_s() {
    awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); printf "%.2f", ($12 + $13) / hz }' "/proc/$1/stat"
}

cpu_children_s() {
    awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); printf "%.2f", ($14 + $15) / hz }' "/proc/$$/stat"
}

store_prepare() {
    from=$(uptime_s)
    "$here/maketree" --people "$people" --organizations "$organizations" --base $base >"$dir/people.ldif"
    until=$(uptime_s)
    entries=$(grep -c '^dn:' "$dir/people.ldif")
    echo "maketree: $entries entries in $(seconds "$from" "$until") s"
    "$build/usher-directory" init --directory "$dir/store" --base $base \
        --load "$source_dir/conf/models/usher.ldif" --load "$source_dir/conf/models/tixngo.ldif" \
        --load "$dir/people.ldif" >"$dir/init.log" 2>&1 ||
        { cat "$dir/init.log" >&2; exit 2; }
    rm "$dir/people.ldif"
    echo "usher-directory init: $(seconds "$until" "$(uptime_s)") s"
    "$build/usher-directory" run --directory "$dir/store" >"$dir/store.log" 2>&1 &
    store_pid=$!
    await "the store" ldapwhoami -x -H "$(ldapi_uri "$dir/store/run/ldapi")"
}

# The refresh that usherd asks for, and nothing done with what comes: refresh_s, and refresh_cpu_s of store and
# client together.
refresh() {
    refresh_from=$(uptime_s)
    refresh_cpu_from="$(cpu_s "$store_pid") $(cpu_children_s)"
    ldapsearch -Q -Y EXTERNAL -LLL -o ldif-wrap=no -H "$(ldapi_uri "$dir/store/run/ldapi")" -b $base \
        -E '!sync=ro' >/dev/null
    refresh_s=$(seconds "$refresh_from" "$(uptime_s)")
    refresh_cpu_s=$(echo "$refresh_cpu_from $(cpu_s "$store_pid") $(cpu_children_s)" |
        awk '{ printf "%.2f", $3 - $1 + $4 - $2 }')
}

status_of() {
    awk -v name="$2:" '$1 == name { print $2 }' "/proc/$1/status"
}

fill_measure() {
    usherd_configure "$quickest"
    refresh # to have the store's pages in memory
    refresh
    before_s=$refresh_s before_cpu_s=$refresh_cpu_s
    cpu_from=$(cpu_s "$store_pid")
    from=$(uptime_s)
    usherd_start
    # Asked all the while it would give a good part of a processor to saying that it cannot tell.
    await "usherd's table" test -e "$dir/cache/rights"
    await usherd usherd_ready
    until=$(uptime_s)
    fill_cpu_s="$cpu_from $(cpu_s "$store_pid") $(cpu_s "$usherd_pid")"
    refresh
    after_s=$refresh_s
    echo "$from $until $before_s $after_s $entries" | awk '{
        bare = $3 < $4 ? $3 : $4; fill = $2 - $1
        printf "usherd from exec to the first answer: %.2f s, %.0f entries/s\n", fill, $5 / fill
        printf "ldapsearch with the same refresh: %.2f s before, %.2f s after: %.0f entries/s\n", $3, $4, $5 / bare
        printf "usherd at %.2f of the bare refresh (target: at least 0.5): %s\n", bare / fill,
            (bare / fill >= 0.5 ? "met" : "missed") }'
    echo "$before_cpu_s $refresh_cpu_s $fill_cpu_s" | awk '{
        bare = $1 < $2 ? $1 : $2
        printf "processor time: store and ldapsearch %.2f s, store and usherd %.2f + %.2f s: %.2f of the bare refresh\n",
            bare, $4 - $3, $5, bare / ($4 - $3 + $5) }'
    echo "$(status_of "$usherd_pid" VmHWM) $(status_of "$usherd_pid" VmRSS) $(status_of "$usherd_pid" RssAnon) $size" |
        awk '{ printf "usherd: peak %.0f MB, now %.0f MB, of that its own %.0f MB (%.0f bytes a membership); the rest" \
            " is pages of the two files\n", $1 / 1024, $2 / 1024, $3 / 1024, $3 * 1024 / $4 }'
    echo "$(stat -c %s "$dir/cache/rights") $(du -k "$dir/cache/state/data.mdb" | cut -f1) $size" | awk '{
        printf "rights: %.1f MB, %.0f bytes a membership (target: at most 250): %s; state: %.1f MB, %.0f bytes\n",
            $1 / 1e6, $1 / $3, ($1 / $3 <= 250 ? "met" : "missed"), $2 * 1024 / 1e6, $2 * 1024 / $3 }'
}

# slapd as it is fastest: one database, no overlay, no access rules, no log; anonymous.
rival_prepare() {
    mkdir "$dir/rival"
    rival_uri=ldap://127.0.0.1:$(port_free)
    cat >"$dir/rival/slapd.conf" <<EOF
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
loglevel none
sortvals member
database mdb
suffix $base
directory $dir/rival
maxsize 1073741824
index objectClass,uid,uidNumber,memberUid eq
EOF
    (umask 077 && printf %s "$pin" >"$dir/rival/pin")
    rival_hash=$(/usr/sbin/slappasswd -h '{SSHA}' -T "$dir/rival/pin")
    { made_up_groups $small $large && made_up_account "$user" "$rival_hash"; } |
        /usr/sbin/slapadd -q -f "$dir/rival/slapd.conf"
    /usr/sbin/slapd -d none -f "$dir/rival/slapd.conf" -h "$(ldapi_uri "$dir/rival/ldapi") $rival_uri" \
        >"$dir/rival.log" 2>&1 &
    rival_pid=$!
    await "the rival slapd" ldapwhoami -x -H "$(ldapi_uri "$dir/rival/ldapi")"
}

# $1: settings of groups that do not stand here.
usherd_configure() {
    cat >"$dir/usher.conf" <<EOF
base = "$base";
listen: { ldapi = "$dir/run/ldapi"; admin = "$dir/run/admin/ldapi"; ldap = ""; };
store: { uri = "$(ldapi_uri "$dir/store/run/ldapi")"; };
cache: { directory = "$dir/cache"; };
keys: { file = "$dir/keys"; };
peers: { trusted_uids = [ $(id -u) ]; };
$1
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
    usherctl check org0 person.0000000 tickets:delete
}

# $1: settings.
usherd_restart() {
    usherd_stop
    usherd_configure "$1"
    usherd_start
    await usherd usherd_ready
}

# usherctl, its answer shown only when it fails. The secret comes on standard input.
secret_set() {
    usherctl "$@" >"$dir/set.log" 2>&1 || { cat "$dir/set.log" >&2; exit 2; }
}

# The first $1 people have the PIN, hashed at the cost that usherd has now, and the password.
secrets_set() {
    i=0
    while [ $i -lt "$1" ]; do
        person=$(printf 'person.%07d' $i)
        printf %s "$pin" | secret_set --pin-file - pin set "org$((i % organizations))" "$person"
        printf %s "$password" | secret_set --password-file - password set "$person"
        i=$((i + 1))
    done
}

# The command, beside nslcd and sssd where private mounts can be made.
neighbours_beside() {
    unshare=unshare
    [ "$(id -u)" = 0 ] || unshare='unshare -r'
    if ! $unshare -m true 2>/dev/null; then
        echo "nslcd, sssd: skipped: no mount namespace can be made (run as root)"
        "$@"
        return
    fi
    mkdir "$dir/neighbours"
    $unshare -m sh "$here/neighbours.sh" "$dir/neighbours" "$(ldapi_uri "$dir/rival/ldapi")" "$rival_uri" $base \
        "$user" "$pin" "$unpacked" "$@"
}

# What stands in /usr of the neighbours' packages, and of what they need, that are not installed. Nothing is
# installed: no account is made, no service starts, no file of the machine changes.
neighbours_fetch() {
    mkdir -p "$dir/apt/archives/partial" "$dir/unpacked/usr/lib" "$dir/unpacked/lib"
    if ! apt-get -q -y --no-install-recommends -o Debug::NoLocking=1 -o "Dir::Cache=$dir/apt" --download-only \
        install nslcd libpam-ldapd sssd-ldap libpam-sss >"$dir/apt.log" 2>&1; then
        echo "the packages of nslcd and sssd cannot be fetched: $(tail -n 1 "$dir/apt.log")"
        return 0
    fi
    for package in "$dir"/apt/archives/*.deb; do
        [ ! -e "$package" ] || dpkg-deb -x "$package" "$dir/unpacked"
    done
    cp -a "$dir/unpacked/lib/." "$dir/unpacked/usr/lib/"
    unpacked=$dir/unpacked/usr
}

pin_module() {
    printf '%s' "$build/.libs/pam_usher_pin.so socket=$dir/run/ldapi org=org0"
}

pin_to() {
    taskset -a -c -p "$1" "$2" >/dev/null
}

here_built=$build/tests/bench
quickest='threads: { loops = 1; }; login: { pin_cost = 1; };'
unpacked=''
all=0-$(($(nproc) - 1))
mkdir "$dir/run" "$dir/cache" "$dir/pam.d"
mkdir -m 0700 "$dir/run/admin"
"$build/usherctl" key init "$dir/keys" >/dev/null

title "This machine: $(nproc) processors, load $(cut -d' ' -f1-3 /proc/loadavg), $(date -u +%F)"
echo "Under load, or where processors share a core, absolute figures grow; compare ratios, and minima."

title "Check in the caller's process against a bare hash table"
"$here_built/bench_rights" "$size"

title "Cache state: what changes cost (in usherd's sync thread), $state_size memberships"
mkdir "$dir/state"
"$here_built/bench_state" "$state_size" "$dir/state"
rm -rf "$dir/state"

title "First fill: $size memberships of $people people in $organizations organizations"
store_prepare
fill_measure

title "Compare: usherPermission at usherd, member of a group at slapd ($small and $large members)"
rival_prepare
pin_to "$cpu" "$usherd_pid"
pin_to "$cpu" "$rival_pid"
"$here_built/bench_compare" "$cpu" "$dir/run/ldapi" "$people/$organizations" "$dir/rival/ldapi" $small $large \
    "${BENCH_TURN_MS:-100}"
pin_to "$all" "$usherd_pid"

title "Changes: at the store to the new answer"
"$here_built/bench_change" "$(ldapi_uri "$dir/store/run/ldapi")" "$dir/run/ldapi" "$dir/cache/rights" \
    "$people/$organizations"

title "Start"
usherd_stop
"$here_built/bench_start" "$build/usherd" "$dir/usher.conf" "$dir/run/ldapi"

title "Logins through libpam"
[ "${BENCH_NEIGHBOURS:-0}" = 0 ] || neighbours_fetch
usherd_restart "$quickest"
printf %s "$pin" | secret_set --pin-file - pin set org0 "$user"
neighbours_beside "$here_built/bench_pin" "$dir/pam.d" "$user" "$pin" 200 2 \
    "PIN, scrypt at its least cost=$(pin_module)"
usherd_restart ""
secrets_set 16
cost=$("$build/usherd" -f "$dir/usher.conf" --print-config | awk '$1 == "pin_cost" { print $3 + 0 }')
"$here_built/bench_pin" "$dir/pam.d" "$user" "$pin" 20 0 "PIN, scrypt at the default cost=$(pin_module)"

title "Logins at once, usherd with its default settings, and what else it answers meanwhile"
"$here_built/bench_login" "$dir/run/ldapi" "$people/$organizations" "$(ldapi_uri "$dir/store/run/ldapi")" "$cost" \
    "$pin" "$password" "$login_ms"
