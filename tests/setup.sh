# SPDX-License-Identifier: BSD-2-Clause
# Sourced by ./quickstart and ./check: installs the Debian packages that are missing, under a lock, so that
# two may run at once, and without starting any service; and builds the tree.

packages_build="autoconf automake libtool pkg-config gcc make libc6-dev libldap-dev libpam0g-dev
    libconfig-dev libssl-dev liboath-dev liblmdb-dev libevent-dev libcurl4-openssl-dev libxxhash-dev
    libjansson-dev libqrencode-dev libpng-dev gettext"
packages_run="slapd ldap-utils util-linux oathtool pamtester libpam-wrapper python3 python3-aiosmtpd"
packages_test="libcmocka-dev libpamtest0-dev python3-ldap3 openssl zbar-tools valgrind clang-format procps mandoc curl gdb clang-tidy cppcheck systemd
    python3-pexpect libnss-wrapper locales openssh-server openssh-client sudo login apache2-bin
    libapache2-mod-authnz-pam cockpit-ws cockpit-bridge"

packages_fuzz="clang-14 libclang-rt-14-dev"

# The packages among the arguments that are not installed.
packages_missing() {
    for package in "$@"; do
        case "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" in
        "install ok installed") ;;
        *) printf '%s ' "$package" ;;
        esac
    done
}

# While packages are installed, this tells them not to start their services. An administrator's own file is
# put aside, and put back also when the installation is interrupted; one that a killed run left is ours.
policy=/usr/sbin/policy-rc.d
policy_mark="# usher: no service starts while packages are installed"

policy_set() {
    if [ -e "$policy" ] && [ ! -e "$policy.usher-kept" ] && ! grep -q -x -F "$policy_mark" "$policy"; then
        mv "$policy" "$policy.usher-kept" || return 1
    fi
    printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" >"$policy" && chmod 755 "$policy"
}

policy_reset() {
    rm -f "$policy"
    [ ! -e "$policy.usher-kept" ] || mv "$policy.usher-kept" "$policy"
}

packages_install_locked() {
    # Another run may have installed them while we waited for the lock.
    missing=$(packages_missing "$@")
    [ -n "$missing" ] || return 0
    echo "Installing: $missing"
    trap 'policy_reset' EXIT
    trap 'exit 130' INT TERM HUP
    policy_set || return 1
    echo 'slapd slapd/no_configuration boolean true' | debconf-set-selections || return 1
    apt-get -q -o DPkg::Lock::Timeout=600 update || return 1
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 \
        install --no-install-recommends $missing
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

# The scripts that make the makefile, when they are missing or older than what they are made from.
build_scripts() {
    if [ -x "$1/configure" ] && [ -e "$1/Makefile.in" ] && [ ! "$1/configure.ac" -nt "$1/configure" ] &&
        [ ! "$1/configure.ac" -nt "$1/Makefile.in" ] && [ ! "$1/Makefile.am" -nt "$1/Makefile.in" ]; then
        return 0
    fi
    (cd "$1" && autoreconf -fi)
}

# What a build folder was configured with: a package that came since (cmocka, after ./quickstart) counts.
build_settings() {
    echo "$@"
    # shellcheck disable=SC2086
    dpkg-query -W -f '${Package} ${Version} ${Status}\n' $packages_build $packages_test 2>/dev/null
    return 0
}

# Configures and builds the tree at $1 in the folder $2 with further configure options; quiet unless it
# fails. Two may do so at once: the second waits for the first. A build folder that was configured at
# another place (a copied checkout) is configured anew.
build_tree() {
    mkdir -p "$2" "$1/m4" && (
        flock 9 || exit 1
        flock 8 || exit 1
        source_dir=$1 build_dir=$2
        shift 2
        build_scripts "$source_dir" >"$build_dir/autoreconf.log" 2>&1 ||
            { cat "$build_dir/autoreconf.log" >&2; exit 1; }
        exec 8>&-
        if [ "$(cat "$build_dir/source" 2>/dev/null)" != "$source_dir" ]; then
            find "$build_dir" -mindepth 1 ! -name lock ! -name autoreconf.log -delete
            echo "$source_dir" >"$build_dir/source"
        fi
        build_settings "$@" >"$build_dir/settings.new"
        if [ "$source_dir/configure" -nt "$build_dir/config.status" ] ||
            ! cmp -s "$build_dir/settings.new" "$build_dir/settings"; then
            (cd "$build_dir" && "$source_dir/configure" -q "$@") >"$build_dir/configure.log" 2>&1 ||
                { cat "$build_dir/configure.log" >&2; exit 1; }
            mv "$build_dir/settings.new" "$build_dir/settings"
        fi
        make -C "$build_dir" -s -j"$(nproc)" all >"$build_dir/make.log" 2>&1 ||
            { tail -n 60 "$build_dir/make.log" >&2; exit 1; }
    ) 9>"$2/lock" 8>"$1/m4/lock"
}
