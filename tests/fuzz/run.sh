#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# make fuzz: builds the fuzz targets with clang-14's libFuzzer, AddressSanitizer and
# UndefinedBehaviorSanitizer in the folder fuzz of the build tree and runs each. What is found lies in
# fuzz/found and makes this fail; what was learnt stays in fuzz/corpus for the next time.
#   FUZZ_SECONDS=600 FUZZ_JOBS=2 FUZZ_TARGETS="dn filter" make fuzz
set -u
seconds=${FUZZ_SECONDS:-600} jobs=${FUZZ_JOBS:-2}
here=$USHER_BUILD/fuzz
mkdir -p "$here/found" "$here/log" && cd "$here" || exit 1

one() {
    name=$1
    mkdir -p "corpus/$name"
    set -- "corpus/$name"
    for seeds in "$srcdir/tests/fuzz/corpus/$name" "$srcdir/tests/corpus/$name"; do
        [ ! -d "$seeds" ] || set -- "$@" "$seeds"
    done
    if nice -n 19 "tests/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 -max_len=8192 -rss_limit_mb=2048 \
        -close_fd_mask=3 -print_final_stats=1 -artifact_prefix="found/$name-" "$@" >"log/$name" 2>&1; then
        result=ok
    else
        result=FAILED
    fi
    printf '%-9s %-6s %s executions in %s s, %s covered\n' "$name" "$result" \
        "$(sed -n 's/^stat::number_of_executed_units: *//p' "log/$name")" "$seconds" \
        "$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "log/$name" | tail -n 1)"
    [ "$result" = ok ]
}

if [ "${1:-}" = one ]; then
    one "$2"
    exit
fi
. "$srcdir/tests/setup.sh"
# shellcheck disable=SC2086
packages_install $packages_fuzz || exit 1
if [ ! -e config.status ] || [ "$srcdir/configure" -nt config.status ]; then
    "$srcdir/configure" -q CC=clang-14 CFLAGS='-g -O1 -fsanitize=fuzzer-no-link' --enable-sanitizers || exit 1
fi
# Only the programs are linked with libFuzzer: the libraries must exist before that.
"$MAKE" -s libdaemon.la libembed.la libpamusher.la && "$MAKE" -s fuzz-programs LDFLAGS=-fsanitize=fuzzer || exit 1

# shellcheck disable=SC2086
printf '%s\n' $FUZZ_TARGETS | xargs -P "$jobs" -n 1 sh "$srcdir/tests/fuzz/run.sh" one
