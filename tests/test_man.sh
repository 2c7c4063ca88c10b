#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The documents against the programs: usher.conf(5) and conf/usher.conf name exactly the options that usherd
# knows, the example is a valid file, the defaults are those of the table, and mandoc finds no fault.
set -u
src=${srcdir:-.}
usherd=${USHERD:-./usherd}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

fail() {
    echo "FAIL: $1"
    failed=1
}

# Paths of all settings of a file as --print-config writes it: one to a line, "group: {" to "};".
options() {
    awk '/^[ ]*#/ { next }
        /^[a-z_]+: \{$/ { group = $1; sub(/:$/, ".", group); next }
        /^\};/ { group = ""; next }
        /^[ ]*[a-z_]+ = / { print group $1 }' "$1" | sort
}

same() {
    diff "$work/$1" "$work/$2" >"$work/diff" || {
        fail "$3"
        sed -n 's/^</only in usherd:/p; s/^>/only there:/p' "$work/diff"
    }
}

# Name and default of an option that is no folder: those depend on what usher was built for.
presets() {
    grep -v -E '^(listen\.(ldapi|admin)|cache\.directory|keys\.file|mail\.(templates|queue)) ' "$1" | sort
}

: >"$work/empty.conf"
"$usherd" --config "$work/empty.conf" --print-config >"$work/printed" || fail "usherd --print-config"
options "$work/printed" >"$work/known"
[ "$(wc -l <"$work/known")" -gt 20 ] || fail "usherd --print-config prints hardly any options"

sed -n 's/^\.It Cm \([a-z_.]*\) No = .*/\1/p' "$src/man/usher.conf.5" | sort >"$work/manual"
same known manual "usher.conf(5) lists other options than usherd knows"

options "$src/conf/usher.conf" >"$work/example"
same known example "conf/usher.conf lists other options than usherd knows"
"$usherd" --config "$src/conf/usher.conf" --check-config || fail "conf/usher.conf is not valid"

awk '/^[ ]*#/ { next }
    /^[a-z_]+: \{$/ { group = $1; sub(/:$/, ".", group); next }
    /^\};/ { group = ""; next }
    /^[ ]*[a-z_]+ = / { name = group $1; sub(/^[^=]*= /, ""); sub(/;$/, ""); gsub(/"/, ""); print name " " $0 }' \
    "$work/printed" >"$work/printed.presets"
sed -n 's/^\.It Cm \([a-z_.]*\) No = \(.*\)/\1 \2/p' "$src/man/usher.conf.5" |
    sed 's/ Qq \\&$/ /; s/ Qq / /' >"$work/manual.presets"
presets "$work/printed.presets" >"$work/a"
presets "$work/manual.presets" >"$work/b"
same a b "usher.conf(5) gives other defaults than usherd has"

# Options whose comment, which may run over several lines, ends so; and those that the manual lists.
awk '/^[ ]*#/ { sub(/^[ ]*# ?/, ""); about = about " " $0; next }
    /^[a-z_]+: \{$/ { group = $1; sub(/:$/, ".", group); next }
    /^\};/ { group = ""; next }
    /^[ ]*[a-z_]+ = / { if (about ~ /A change needs a restart\.$/) print group $1; about = "" }' \
    "$work/printed" | sort >"$work/printed.restart"
[ -s "$work/printed.restart" ] || fail "no option needs a restart"
sed -n '/^\.Ss Reloading/,/^\.Sh/p' "$src/man/usher.conf.5" |
    sed -n '/^These options/,$s/^\.Cm \([a-z_.]*\) [,.]$/\1/p' | sort >"$work/manual.restart"
same printed.restart manual.restart "usher.conf(5) names other options that need a restart"

if command -v mandoc >/dev/null; then
    for page in "$src"/man/*.[1-8]; do
        mandoc -T lint -W warning "$page" || fail "$page"
    done
else
    echo "mandoc is not installed: the pages are not checked"
fi
exit $failed
