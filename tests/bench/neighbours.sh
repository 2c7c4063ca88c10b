#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Runs a command beside nslcd and sssd, which both have fixed paths: in a mount namespace of its own, where
# /etc is a copy and /run, /var/lib and /var/log are empty, so that nothing of the machine is changed or seen.
# The command gets one argument more for each that lets the user in, "NAME=MODULE" as bench_pin takes it; what
# is not installed, or does not start, is said in a line and left out. Installs nothing.
#
# usage: unshare -m [-r] sh neighbours.sh FOLDER LDAPI-URI LDAP-URI BASE USER SECRET UNPACKED COMMAND [ARGUMENT]...
#   FOLDER    a temporary one, for what is laid over /etc and the logs
#   LDAP-URI  the same server on the loopback: sssd takes an ldapi path for the name of a host
#   UNPACKED  a folder with what stands in /usr of the neighbours' packages, where they are not installed; or ''
set -eu

folder=$1 ldapi=$2 ldap=$3 base=$4 user=$5 secret=$6 unpacked=$7
shift 7
nslcd_pid='' sssd_pid=''

stop() {
    for pid in $nslcd_pid $sssd_pid; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
}
trap stop EXIT
trap 'exit 130' INT TERM

# Everything that is written from here on is gone with the namespace.
rooms_make() {
    mkdir "$folder/etc" &&
        mount -t tmpfs bench "$folder/etc" &&
        { cp -a /etc/. "$folder/etc/" 2>/dev/null || true; } && # what may not be read is not missed
        mount --bind "$folder/etc" /etc || return 1
    for room in /run /var/lib /var/log; do
        case $folder/ in
        "$room"/*)
            echo "the temporary folder $folder is below $room (set TMPDIR)" >&2
            return 1
            ;;
        esac
        mount -t tmpfs bench "$room" || return 1
    done
    [ -z "$unpacked" ] || mount -t overlay -o "lowerdir=$unpacked:/usr" bench /usr
}

# Whether the service file $1 lets the user in with the secret within some seconds of the start.
lets_in() {
    tries=0
    until printf '%s\n' "$secret" | pamtester "$1" "$user" authenticate acct_mgmt >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || return 1
        sleep 0.1
    done
    # One that lets everybody in would be no neighbour.
    ! printf 'not %s\n' "$secret" | pamtester "$1" "$user" authenticate >/dev/null 2>&1
}

# $1: module, $2: the service for it, $3: the log of its daemon.
service_try() {
    printf 'auth required %s\naccount required %s\n' "$1" "$1" >"/etc/pam.d/$2"
    lets_in "$2" && return 0
    echo "$1: its daemon does not let $user in: skipped; the end of its log:"
    tail -n 5 "$3"
    return 1
}

has_module() {
    find -L /lib/*/security /usr/lib/security -name "$1" 2>/dev/null | grep -q .
}

nslcd_start() {
    mkdir -p /run/nslcd
    printf 'uri %s\nbase %s\n' "$ldapi" "$base" >/etc/nslcd.conf
    chmod 600 /etc/nslcd.conf
    nslcd -n >"$folder/nslcd.log" 2>&1 &
    nslcd_pid=$!
}

sssd_start() {
    mkdir -p /etc/sssd/conf.d /var/log/sssd /var/lib/sss/db /var/lib/sss/mc /var/lib/sss/pipes/private \
        /var/lib/sss/pubconf/krb5.include.d /var/lib/sss/gpo_cache /var/lib/sss/keytabs /var/lib/sss/secrets
    chmod 700 /var/lib/sss/db /var/lib/sss/pipes/private
    cat >/etc/sssd/sssd.conf <<END
[sssd]
services = pam
domains = bench
enable_files_domain = false
[pam]
[domain/bench]
id_provider = ldap
auth_provider = ldap
access_provider = permit
sudo_provider = none
ldap_uri = $ldap
ldap_search_base = $base
ldap_schema = rfc2307
# The loopback alone.
ldap_auth_disable_tls_never_use_in_production = true
cache_credentials = false
END
    chmod 600 /etc/sssd/sssd.conf
    sssd -i >"$folder/sssd.log" 2>&1 &
    sssd_pid=$!
}

rooms_make || {
    echo "nslcd, sssd: skipped: no private mounts can be made"
    "$@"
    exit
}
if [ -x /usr/sbin/nslcd ] && has_module pam_ldap.so; then
    nslcd_start
    if service_try pam_ldap.so bench-ldap "$folder/nslcd.log"; then
        set -- "$@" "pam_ldap, nslcd, ldapi, {SSHA}=pam_ldap.so"
    fi
else
    echo "pam_ldap with nslcd: skipped, not installed (apt-get install nslcd libpam-ldapd; or BENCH_NEIGHBOURS=1)"
fi
if [ -x /usr/sbin/sssd ] && has_module pam_sss.so; then
    sssd_start
    if service_try pam_sss.so bench-sss "$folder/sssd.log"; then
        set -- "$@" "pam_sss, sssd, loopback, {SSHA}=pam_sss.so"
    fi
else
    echo "pam_sss with sssd: skipped, not installed (apt-get install sssd-ldap libpam-sss; or BENCH_NEIGHBOURS=1)"
fi
"$@"
