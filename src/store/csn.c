/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A CSN is compared as text: within one server id, time and count order it. A set is small, so it
 * is searched from its start.
 */
#include "store/csn.h"
#include "base/err.h"

#include <stdio.h>
#include <string.h>

#define SID_AT  30 /* where the server id stands in a CSN */
#define SID_LEN 3

/* d: a digit; x: a hexadecimal digit; anything else stands for itself. */
static const char csn_form[] = "dddddddddddddd.ddddddZ#xxxxxx#xxx#xxxxxx";

static bool char_fits(char c, char form)
{
    bool digit = c >= '0' && c <= '9';

    switch (form) {
    case 'd':
        return digit;
    case 'x':
        return digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    default:
        return c == form;
    }
}

static bool csn_valid(struct slice text)
{
    if (text.len != CSN_LEN)
        return false;
    for (size_t i = 0; i < CSN_LEN; i++)
        if (!char_fits(text.data[i], csn_form[i]))
            return false;
    return true;
}

static int sid_compare(const char *a, const char *b)
{
    return memcmp(a + SID_AT, b + SID_AT, SID_LEN);
}

int csn_set_add(struct csn_set *set, struct slice text)
{
    size_t at = 0;

    if (!csn_valid(text))
        return E_SYNTAX;
    while (at < set->count && sid_compare(set->items[at].text, text.data) < 0)
        at++;
    if (at < set->count && sid_compare(set->items[at].text, text.data) == 0) {
        if (memcmp(set->items[at].text, text.data, CSN_LEN) < 0)
            memcpy(set->items[at].text, text.data, CSN_LEN);
        return 0;
    }
    if (set->count == CSN_SET_MAX)
        return E_LIMIT;
    memmove(&set->items[at + 1], &set->items[at], (set->count - at) * sizeof(set->items[0]));
    memcpy(set->items[at].text, text.data, CSN_LEN);
    set->items[at].text[CSN_LEN] = '\0';
    set->count++;
    return 0;
}

/* Cuts what stands before the separator off rest. */
static struct slice slice_cut(struct slice *rest, char separator)
{
    const char *at = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
    struct slice part = {rest->data, at != NULL ? (size_t)(at - rest->data) : rest->len};
    size_t used = part.len + (at != NULL ? 1 : 0);

    rest->data += used;
    rest->len -= used;
    return part;
}

int csn_set_add_cookie(struct csn_set *set, struct slice cookie)
{
    static const char name[] = "csn=";
    struct csn_set result = *set;

    while (cookie.len > 0) {
        struct slice field = slice_cut(&cookie, ',');

        if (field.len < sizeof(name) - 1 || memcmp(field.data, name, sizeof(name) - 1) != 0)
            continue;
        field.data += sizeof(name) - 1;
        field.len -= sizeof(name) - 1;
        do {
            int err = csn_set_add(&result, slice_cut(&field, ';'));

            if (err != 0)
                return err;
        } while (field.len > 0);
    }
    *set = result;
    return 0;
}

bool csn_set_covers(const struct csn_set *set, const struct csn_set *other)
{
    size_t at = 0;

    for (size_t i = 0; i < other->count; i++) {
        while (at < set->count && sid_compare(set->items[at].text, other->items[i].text) < 0)
            at++;
        if (at == set->count || sid_compare(set->items[at].text, other->items[i].text) != 0 ||
            memcmp(set->items[at].text, other->items[i].text, CSN_LEN) < 0)
            return false;
    }
    return true;
}

char *csn_set_format(const struct csn_set *set, char *buf)
{
    size_t used = 0;

    buf[0] = '\0';
    for (size_t i = 0; i < set->count; i++)
        used += (size_t)snprintf(buf + used, CSN_COOKIE_MAX - used, "%s%s", i > 0 ? ";" : "",
                                 set->items[i].text);
    return buf;
}

char *csn_set_cookie(const struct csn_set *set, char *buf)
{
    char list[CSN_COOKIE_MAX];

    buf[0] = '\0';
    if (set->count > 0)
        (void)snprintf(buf, CSN_COOKIE_MAX, CSN_COOKIE_WORDS "%.*s", CSN_SET_MAX * (CSN_LEN + 1),
                       csn_set_format(set, list));
    return buf;
}
