# SPDX-License-Identifier: BSD-2-Clause
# Sourced by run.sh: LDIF of the rival slapd: two groups, whose members are the first people of maketree, and an
# account.

# $1, $2: members of cn=small and of cn=large.
made_up_groups() {
    awk -v small="$1" -v large="$2" -v base=dc=example,dc=org '
    function group(name, members,    i) {
        printf "dn: cn=%s,%s\nobjectClass: groupOfNames\ncn: %s\n", name, base, name
        for (i = 0; i < members; i++)
            printf "member: uid=person.%07d,ou=people,%s\n", i, base
        printf "\n"
    }
    BEGIN {
        printf "dn: %s\nobjectClass: organization\nobjectClass: dcObject\no: bench\ndc: example\n\n", base
        group("small", small); group("large", large)
    }'
}

# $1: uid, $2: userPassword. For nslcd and sssd.
made_up_account() {
    printf 'dn: uid=%s,dc=example,dc=org\nobjectClass: account\nobjectClass: posixAccount\nuid: %s\ncn: %s\n' \
        "$1" "$1" "$1"
    printf 'uidNumber: 20000\ngidNumber: 20000\nhomeDirectory: /nonexistent\nuserPassword: %s\n\n' "$2"
}
