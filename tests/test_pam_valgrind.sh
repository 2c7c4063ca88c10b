#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The PAM modules under valgrind: every case of their tests in C without an invalid access or a leak.
# Skipped in a sanitizer build, which valgrind cannot run, and without valgrind.
build=${USHER_BUILD:-.}
command -v valgrind >/dev/null || exit 77
if grep -q -- -fsanitize=address "$build/Makefile"; then
    exit 77
fi
for program in test_pam_modules test_pam_logins test_pam_changes; do
    valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite,indirect,possible \
        --keep-debuginfo=yes --child-silent-after-fork=yes "$build/tests/$program" || exit
done
