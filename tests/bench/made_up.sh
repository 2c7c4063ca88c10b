# SPDX-License-Identifier: BSD-2-Clause
# Sourced by run.sh: LDIF of the made-up people, as measure.h describes them, and of the rival slapd's
# two groups.

# $1: how many people. Entries in the order in which slapadd wants them.
made_up_tree() {
    awk -v people="$1" -v base=dc=example,dc=org '
    function folder(name, below) {
        printf "dn: ou=%s,%s\nobjectClass: organizationalUnit\nou: %s\n\n", name, below, name
    }
    function half(name) {
        printf "dn: cn=bench-%s:read,ou=permissions,%s\nobjectClass: usherPermission\n", name, base
        printf "cn: bench-%s:read\n\n", name
        printf "dn: cn=bench.%s,ou=roles,%s\nobjectClass: usherRole\ncn: bench.%s\n", name, base, name
        printf "usherGrant: +bench-%s:read\n\n", name
    }
    BEGIN {
        half("even"); half("odd")
        for (i = 0; i < 100; i++) {
            o = "o=bench" i "," base
            printf "dn: %s\nobjectClass: organization\nobjectClass: usherOrganization\no: bench%d\n\n", o, i
            folder("members", o)
        }
        for (i = 0; i < people; i++) {
            uid = sprintf("bench.%06d", i); o = "o=bench" i % 100 "," base
            person = "uid=" uid ",ou=people," base
            printf "dn: %s\nobjectClass: inetOrgPerson\nobjectClass: usherPerson\n", person
            printf "uid: %s\ncn: %s\nsn: Bench\nusherId: 00000000-0000-4000-8000-%012d\n", uid, uid, i
            printf "usherHome: %s\nusherBelongsTo: %s\n\n", o, o
            printf "dn: cn=%s,ou=members,%s\nobjectClass: usherMembership\ncn: %s\n", uid, o, uid
            printf "usherMember: %s\nusherRole: cn=bench.%s,ou=roles,%s\n\n", person, \
                (i % 2 == 0 ? "even" : "odd"), base
        }
    }'
}

# $1, $2: members of cn=small and of cn=large.
made_up_groups() {
    awk -v small="$1" -v large="$2" -v base=dc=example,dc=org '
    function group(name, members,    i) {
        printf "dn: cn=%s,%s\nobjectClass: groupOfNames\ncn: %s\n", name, base, name
        for (i = 0; i < members; i++)
            printf "member: uid=bench.%06d,ou=people,%s\n", i, base
        printf "\n"
    }
    BEGIN {
        printf "dn: %s\nobjectClass: organization\nobjectClass: dcObject\no: bench\ndc: example\n\n", base
        group("small", small); group("large", large)
    }'
}
