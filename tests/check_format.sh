#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every C file is as clang-format would write it, and every file starts with its licence.
srcdir=${srcdir:-.}
cd "$srcdir" || exit 1
command -v clang-format >/dev/null || exit 77
status=0
for file in src/*/*.[ch] pam/*.[ch] tests/*.[ch] tests/fuzz/*.[ch] tests/bench/*.[ch]; do
    [ -e "$file" ] || continue
    if ! clang-format --dry-run --Werror "$file" 2>/dev/null; then
        echo "$file: not formatted, run clang-format -i $file"
        status=1
    fi
    case "$(head -n 1 "$file")" in
    "/* SPDX-License-Identifier: BSD-2-Clause"*) ;;
    *) echo "$file: the first line is not the SPDX line"; status=1 ;;
    esac
done
exit $status
