#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Refuses an #include that goes up or sideways between the layers of src/, and one that does not name
# its layer (DESIGN 11). Proves first, on made-up lines, that it can refuse.
srcdir=${srcdir:-.}

# Reads "file:line" pairs of layer and included path on standard input; prints what is wrong.
judge() {
    awk '
    BEGIN {
        down["base"] = "base"
        down["ldap"] = "base ldap"
        down["model"] = "base model"
        down["secret"] = "base secret"
        down["notify"] = "base notify"
        down["cache"] = "base ldap model secret notify cache"
        down["store"] = "base ldap model secret notify cache store"
        down["rules"] = "base ldap model secret notify cache store rules"
        down["server"] = "base ldap model secret notify cache store rules server"
        down["client"] = "base ldap client cache/rights.h model/grant.h model/decide.h"
        down["cli"] = "base ldap client cli secret/seal.h"
        down["embed"] = "base embed"
        down["pam"] = "base ldap/exop.h ldap/message.h ldap/oid.h client pam_usher.h"
    }
    {
        layer = $1; path = $2; ok = 0
        split(path, part, "/")
        n = split(down[layer], allowed, " ")
        for (i = 1; i <= n; i++)
            if (part[1] == allowed[i] && path ~ "/" || path == allowed[i]) ok = 1
        if (!ok) print $3 ": src/" layer " may not include \"" path "\""
    }'
}

if [ "$(printf 'base ldap/dn.h a\nldap model/grant.h b\nclient store/pool.h c\nbase err.h d\n' | judge | wc -l)" != 4 ] ||
    [ -n "$(printf 'server rules/login.h a\nclient cache/rights.h b\n' | judge)" ]; then
    echo "the check itself is broken"
    exit 1
fi

wrong=$(
    cd "$srcdir" || exit 1
    for file in src/*/*.[ch] pam/*.[ch]; do
        case $file in
        pam/*) layer=pam ;;
        *) layer=${file#src/} layer=${layer%%/*} ;;
        esac
        sed -n 's/^ *# *include *"\([^"]*\)".*/\1/p' "$file" | grep -v '^config\.h$' |
            while read -r path; do echo "$layer $path $file"; done
    done | judge
)
if [ -n "$wrong" ]; then
    echo "$wrong"
    exit 1
fi
echo "layers are in order"
