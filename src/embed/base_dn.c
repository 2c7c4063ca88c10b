/* SPDX-License-Identifier: BSD-2-Clause */
#include "embed/base_dn.h"
#include "base/err.h"

#include <ctype.h>
#include <err.h>
#include <ldap.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *attribute;
    const char *object_class;
} kinds[] = {
    {"dc", "domain"}, {"o", "organization"}, {"ou", "organizationalUnit"},
    {"c", "country"}, {"l", "locality"},     {"st", "locality"},
};

static int kind_find(const struct berval *attribute, struct base_dn *base)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strlen(kinds[i].attribute) == attribute->bv_len &&
            strncasecmp(kinds[i].attribute, attribute->bv_val, attribute->bv_len) == 0) {
            base->attribute = kinds[i].attribute;
            base->object_class = kinds[i].object_class;
            return 0;
        }
    return E_SYNTAX;
}

/* Letters, digits, UTF-8 and " . _ -", no space at the ends. */
static int value_check(const struct berval *value)
{
    if (value->bv_len == 0 || value->bv_val[0] == ' ' || value->bv_val[value->bv_len - 1] == ' ')
        return E_SYNTAX;
    for (size_t i = 0; i < value->bv_len; i++) {
        unsigned char c = (unsigned char)value->bv_val[i];

        if (c < 0x80 && !isalnum(c) && strchr(" ._-", c) == NULL)
            return E_SYNTAX;
        if (c == '\0')
            return E_SYNTAX;
    }
    return 0;
}

static int rdn_append(const LDAPRDN rdn, struct base_dn *base)
{
    const LDAPAVA *ava = rdn[0];
    size_t used = strlen(base->text);
    struct base_dn first;
    int wrote;

    if (rdn[1] != NULL || (ava->la_flags & LDAP_AVA_BINARY) != 0)
        return E_SYNTAX;
    if (kind_find(&ava->la_attr, used == 0 ? base : &first) != 0 ||
        value_check(&ava->la_value) != 0)
        return E_SYNTAX;
    if (used == 0 && ava->la_value.bv_len < sizeof(base->value))
        memcpy(base->value, ava->la_value.bv_val, ava->la_value.bv_len);
    wrote = snprintf(base->text + used, sizeof(base->text) - used, "%s%s=%.*s", used > 0 ? "," : "",
                     used == 0 ? base->attribute : first.attribute, (int)ava->la_value.bv_len,
                     ava->la_value.bv_val);
    return wrote < 0 || (size_t)wrote >= sizeof(base->text) - used ? E_SYNTAX : 0;
}

static void url_write(struct base_dn *base)
{
    char *out = base->url;

    for (const char *in = base->text; *in != '\0'; in++)
        if (isalnum((unsigned char)*in) || strchr("=,._-", *in) != NULL)
            *out++ = *in;
        else
            out += sprintf(out, "%%%02X", (unsigned char)*in);
    *out = '\0';
}

int base_dn_parse(const char *text, struct base_dn *ret)
{
    struct base_dn base;
    LDAPDN dn = NULL;
    int err = E_SYNTAX;

    memset(&base, 0, sizeof(base));
    if (ldap_str2dn(text, &dn, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS || dn == NULL)
        goto out;
    for (size_t i = 0; dn[i] != NULL; i++)
        if (rdn_append(dn[i], &base) != 0)
            goto out;
    url_write(&base);
    *ret = base;
    err = 0;
out:
    if (err != 0)
        warnx("the base \"%.300s\" cannot be used: expected a DN of dc, o, ou, c, l or st with "
              "values of "
              "letters, digits, space, '.', '_' and '-', at most %d bytes: dc=example,dc=org",
              text, BASE_DN_MAX - 1);
    ldap_dnfree(dn);
    return err;
}
