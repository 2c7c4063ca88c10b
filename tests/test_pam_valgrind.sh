#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The PAM modules under valgrind: every case of test_pam_modules without an invalid access or a leak.
# Skipped in a sanitizer build, which valgrind cannot run, and without valgrind.
build=${USHER_BUILD:-.}
command -v valgrind >/dev/null || exit 77
if grep -q -- -fsanitize=address "$build/Makefile"; then
    exit 77
fi
exec valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite,indirect,possible \
    --keep-debuginfo=yes --child-silent-after-fork=yes "$build/tests/test_pam_modules"
