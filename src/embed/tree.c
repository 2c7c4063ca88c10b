/* SPDX-License-Identifier: BSD-2-Clause */
#include "embed/tree.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    const char *rdns; /* above the base; the first is an ou */
    const char *name;
    const char *description;
} branches[] = {
    {"ou=people", "people", "everybody who logs in"},
    {"ou=permissions", "permissions", "the catalogue"},
    {"ou=roles", "roles", "roles that any organization may use"},
    {"ou=services", "services", "programs that bind, for all organizations"},
    {"ou=policies", "policies", "password policies"},
    {"ou=work", "work", "changes of several entries on their way"},
    {"ou=members,o=platform", "members", "the vendor's own staff"},
    {"ou=groups,o=platform", "groups", "groups of the vendor's own staff"},
    {"ou=roles,o=platform", "roles", "roles of the vendor's own staff"},
    {"ou=services,o=platform", "services", "the vendor's own programs"},
    {"ou=events,o=platform", "events", "events of the vendor"},
};

static const char policy[] =
    "dn: cn=default,ou=policies,%s\n"
    "objectClass: namedPolicy\n"
    "objectClass: pwdPolicy\n"
    "cn: default\n"
    "description: quality and age of passwords; failures are counted elsewhere\n"
    "pwdAttribute: userPassword\n"
    "pwdCheckQuality: 2\n"
    "pwdMinLength: 8\n"
    "pwdMaxLength: 1000\n"
    "pwdInHistory: 5\n"
    "pwdMaxAge: 0\n"
    "pwdExpireWarning: 1209600\n"
    "pwdGraceAuthNLimit: 10\n"
    "pwdMustChange: FALSE\n"
    "pwdLockout: FALSE\n"
    "pwdAllowUserChange: TRUE\n\n";

static const char platform[] = "dn: o=platform,%s\n"
                               "objectClass: organization\n"
                               "objectClass: usherOrganization\n"
                               "o: platform\n"
                               "description: what its members hold, they hold everywhere\n\n";

/* An account that nobody can enter: a login that may not be checked (unknown, locked) is checked
 * against it, so that it takes as long as any other. No password has this hash. */
static const char decoy[] =
    "dn: cn=decoy,ou=services,%s\n"
    "objectClass: applicationProcess\n"
    "objectClass: usherService\n"
    "cn: decoy\n"
    "description: nobody: takes the time of a password check where nothing may be checked\n"
    "usherActive: FALSE\n"
    "userPassword: {ARGON2}$argon2i$v=19$m=19456,t=3,p=1$xOM8Xp2ZP7lYHiR5yuBTDg$"
    "CJ7wS01PgWD5aoIwgl5uxdbX2p0KwrzMT2Ll8ePiMm0\n\n";

static void branch_write(FILE *out, size_t i, const char *base)
{
    fprintf(out, "dn: %s,%s\nobjectClass: organizationalUnit\nou: %s\ndescription: %s\n\n",
            branches[i].rdns, base, branches[i].name, branches[i].description);
}

char *tree_main(const struct base_dn *base)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        return mem_strdup("");
    fprintf(out, "dn: %s\nobjectClass: %s\n%s: %s\n\n", base->text, base->object_class,
            base->attribute, base->value);
    fprintf(out, platform, base->text);
    for (size_t i = 0; i < COUNT(branches); i++)
        branch_write(out, i, base->text);
    fprintf(out, policy, base->text);
    fprintf(out, decoy, base->text);
    (void)fclose(out);
    return text;
}

char *tree_ledger(const struct base_dn *base)
{
    return mem_printf("dn: ou=ledger,%s\nobjectClass: organizationalUnit\nou: ledger\n"
                      "description: what logins write\n",
                      base->text);
}
