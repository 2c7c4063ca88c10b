# SPDX-License-Identifier: BSD-2-Clause
# Sourced by ./quickstart and ./check: installs the Debian packages that are missing, under a lock, so that
# two may run at once, and without starting any service.

packages_build="autoconf automake libtool pkg-config gcc make libc6-dev libldap-dev libpam0g-dev
    libconfig-dev libssl-dev liboath-dev liblmdb-dev libevent-dev libcurl4-openssl-dev libxxhash-dev
    libjansson-dev"
packages_run="slapd slapd-contrib ldap-utils util-linux oathtool pamtester libpam-wrapper python3
    python3-aiosmtpd"
packages_test="libcmocka-dev libpamtest0-dev python3-ldap3 valgrind clang-format procps"

# The packages among the arguments that are not installed.
packages_missing() {
    for package in "$@"; do
        case "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" in
        "install ok installed") ;;
        *) printf '%s ' "$package" ;;
        esac
    done
}

packages_install_locked() {
    # Another run may have installed them while we waited for the lock.
    missing=$(packages_missing "$@")
    [ -n "$missing" ] || return 0
    echo "Installing: $missing"
    policy=/usr/sbin/policy-rc.d
    kept=
    if [ -e "$policy" ]; then
        kept=$policy.usher-kept
        mv "$policy" "$kept"
    fi
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    status=0
    {
        echo 'slapd slapd/no_configuration boolean true' | debconf-set-selections &&
            apt-get -q -o DPkg::Lock::Timeout=600 update &&
            # shellcheck disable=SC2086
            DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 \
                install --no-install-recommends $missing
    } || status=1
    rm -f "$policy"
    [ -z "$kept" ] || mv "$kept" "$policy"
    return $status
}

# Makes sure that the packages are there; says what to do when it cannot.
packages_install() {
    missing=$(packages_missing "$@")
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        echo "These Debian packages are missing; install them as root, then run this again:" >&2
        echo "    apt-get install --no-install-recommends $missing" >&2
        return 1
    fi
    (
        flock 9 || exit 1
        packages_install_locked "$@"
    ) 9>/var/lock/usher-packages
}

# Configures and builds the tree at $1 in the folder $2 with further configure options; quiet unless it fails.
build_tree() {
    source_dir=$1 build_dir=$2
    shift 2
    mkdir -p "$build_dir"
    if [ ! -x "$source_dir/configure" ] || [ "$source_dir/configure.ac" -nt "$source_dir/configure" ] ||
        [ ! -e "$source_dir/Makefile.in" ] || [ "$source_dir/Makefile.am" -nt "$source_dir/Makefile.in" ]; then
        (cd "$source_dir" && mkdir -p m4 && autoreconf -fi) >"$build_dir/autoreconf.log" 2>&1 ||
            { cat "$build_dir/autoreconf.log" >&2; return 1; }
    fi
    if [ ! -e "$build_dir/Makefile" ] || [ "$source_dir/configure" -nt "$build_dir/config.status" ]; then
        (cd "$build_dir" && "$source_dir/configure" -q "$@") >"$build_dir/configure.log" 2>&1 ||
            { cat "$build_dir/configure.log" >&2; return 1; }
    fi
    make -C "$build_dir" -s -j"$(nproc)" all >"$build_dir/make.log" 2>&1 ||
        { tail -n 60 "$build_dir/make.log" >&2; return 1; }
}
