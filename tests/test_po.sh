#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every text of the PAM modules stands in each translation, and nothing else does.
set -u
srcdir=${srcdir:-.}
folder=$(mktemp -d) || exit 99
trap 'rm -rf "$folder"' EXIT
xgettext --from-code=UTF-8 --keyword=N_ --keyword=pam_usher_text:2 --flag=pam_usher_text:2:pass-c-format \
    --add-comments=Translators -o "$folder/usher.pot" "$srcdir"/pam/*.c || exit 1
[ "$(grep -c '^msgid' "$folder/usher.pot")" -gt 10 ] || { echo "too few texts were found" >&2; exit 1; }
status=0
for language in da it; do
    for pair in "$srcdir/po/$language.po $folder/usher.pot" "$folder/usher.pot $srcdir/po/$language.po"; do
        # shellcheck disable=SC2086
        msgcmp --use-untranslated $pair || status=1
    done
    untranslated=$(msgattrib --untranslated --no-obsolete "$srcdir/po/$language.po")
    [ -z "$untranslated" ] || { echo "not translated: $untranslated" >&2; status=1; }
done
exit $status
