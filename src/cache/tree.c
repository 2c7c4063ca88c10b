/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The table of shapes below is the tree of DESIGN 3. A normalized DN escapes everything but
 * separators, so it is cut at plain commas and equals signs; a name that needed escaping is none of
 * ours. What matches no shape is TREE_OTHER.
 */
#include "cache/tree.h"
#include "base/err.h"
#include "ldap/dn.h"

#include <string.h>

#define DEPTH_MAX 5

/* RDNs from the first on; a type alone ("cn=") stands for a name. */
static const struct shape {
    enum tree_kind kind;
    size_t depth;
    const char *rdns[DEPTH_MAX];
} shapes[] = {
    {TREE_MEMBERSHIP, 3, {"cn=", "ou=members", "o="}},
    {TREE_PERSON, 2, {"uid=", "ou=people"}},
    {TREE_GROUP, 3, {"cn=", "ou=groups", "o="}},
    {TREE_ROLE, 3, {"cn=", "ou=roles", "o="}},
    {TREE_ROLE, 2, {"cn=", "ou=roles"}},
    {TREE_PERMISSION, 2, {"cn=", "ou=permissions"}},
    {TREE_ORGANIZATION, 1, {"o="}},
    {TREE_SERVICE, 3, {"cn=", "ou=services", "o="}},
    {TREE_SERVICE, 2, {"cn=", "ou=services"}},
    {TREE_EVENT, 3, {"cn=", "ou=events", "o="}},
    {TREE_EVENT_MEMBERSHIP, 5, {"cn=", "ou=members", "cn=", "ou=events", "o="}},
};

/* What a name may consist of; ':' in a permission's alone. */
static const bool in_names[256] = {
    ['a' ... 'z'] = true, ['0' ... '9'] = true, ['.'] = true, ['_'] = true, ['-'] = true,
};

static bool name_valid(struct slice name, bool colon)
{
    if (name.len == 0 || name.len > TREE_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!in_names[(unsigned char)name.data[i]] && !(colon && name.data[i] == ':'))
            return false;
    return true;
}

bool tree_name_valid(struct slice name)
{
    return name_valid(name, false);
}

/* Cuts relative into its RDNs; more than DEPTH_MAX gives DEPTH_MAX + 1. */
static size_t split(struct slice relative, struct slice rdns[DEPTH_MAX])
{
    size_t count = 0;

    while (relative.len > 0) {
        const char *comma = memchr(relative.data, ',', relative.len);
        size_t len = comma != NULL ? (size_t)(comma - relative.data) : relative.len;

        if (count == DEPTH_MAX)
            return DEPTH_MAX + 1;
        rdns[count++] = (struct slice){.data = relative.data, .len = len};
        len += comma != NULL;
        relative = (struct slice){.data = relative.data + len, .len = relative.len - len};
    }
    return count;
}

static bool shape_matches(const struct shape *shape, const struct slice *rdns,
                          struct slice names[DEPTH_MAX])
{
    for (size_t i = 0; i < shape->depth; i++) {
        const char *want = shape->rdns[i];
        size_t len = strlen(want);
        bool named = want[len - 1] == '=';

        if (rdns[i].len < len || memcmp(rdns[i].data, want, len) != 0)
            return false;
        names[i] = (struct slice){.data = rdns[i].data + len, .len = rdns[i].len - len};
        if (named ? !name_valid(names[i], shape->kind == TREE_PERMISSION) : names[i].len > 0)
            return false;
    }
    return true;
}

int tree_place(struct slice dn, struct slice base, struct tree_place *ret)
{
    struct slice rdns[DEPTH_MAX], names[DEPTH_MAX];
    struct slice relative = {.data = dn.data, .len = 0};
    struct tree_place place = {.kind = TREE_OTHER};
    size_t depth;

    if (!dn_within(dn, base))
        return E_NOTFOUND;
    if (dn.len > base.len)
        relative.len = dn.len - base.len - (base.len > 0);
    depth = split(relative, rdns);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        const struct shape *shape = &shapes[i];

        if (shape->depth != depth || !shape_matches(shape, rdns, names))
            continue;
        place.kind = shape->kind;
        place.name = names[0];
        if (strcmp(shape->rdns[depth - 1], "o=") == 0)
            place.organization = names[depth - 1];
        if (shape->kind == TREE_EVENT)
            place.event = names[0];
        if (shape->kind == TREE_EVENT_MEMBERSHIP)
            place.event = names[2];
        break;
    }
    *ret = place;
    return 0;
}

int tree_organization(struct slice dn, struct slice base, struct slice *ret)
{
    struct tree_place place;

    if (tree_place(dn, base, &place) != 0 || place.kind != TREE_ORGANIZATION)
        return E_NOTFOUND;
    *ret = place.name;
    return 0;
}

/* One step of a DN: the RDN type with "=", then a name or nothing. */
struct step {
    const char *text;
    struct slice name;
};

static int append_steps(const struct step *steps, size_t count, struct slice base,
                        struct buffer *out)
{
    size_t len = out->len;
    int err = 0;

    for (size_t i = 0; err == 0 && i < count; i++) {
        if (i > 0)
            err = buffer_append(out, ",", 1);
        if (err == 0)
            err = buffer_append(out, steps[i].text, strlen(steps[i].text));
        if (err == 0 && steps[i].name.len > 0)
            err = dn_escape(steps[i].name, out);
    }
    if (err == 0 && base.len > 0)
        err = buffer_append(out, ",", 1);
    if (err == 0)
        err = buffer_append(out, base.data, base.len);
    if (err != 0)
        out->len = len;
    return err;
}

int tree_membership_dn(struct slice base, struct slice organization, struct slice event,
                       struct slice uid, struct buffer *out)
{
    const struct step own[] = {{"cn=", uid}, {"ou=members", {0}}, {"o=", organization}};
    const struct step guest[] = {{"cn=", uid},
                                 {"ou=members", {0}},
                                 {"cn=", event},
                                 {"ou=events", {0}},
                                 {"o=", organization}};

    return event.len > 0 ? append_steps(guest, 5, base, out) : append_steps(own, 3, base, out);
}

int tree_members_dn(struct slice base, struct slice organization, struct slice event,
                    struct buffer *out)
{
    const struct step own[] = {{"ou=members", {0}}, {"o=", organization}};
    const struct step guest[] = {
        {"ou=members", {0}}, {"cn=", event}, {"ou=events", {0}}, {"o=", organization}};

    return event.len > 0 ? append_steps(guest, 4, base, out) : append_steps(own, 2, base, out);
}

int tree_person_dn(struct slice base, struct slice uid, struct buffer *out)
{
    const struct step steps[] = {{"uid=", uid}, {"ou=people", {0}}};

    return append_steps(steps, 2, base, out);
}

int tree_organization_dn(struct slice base, struct slice organization, struct buffer *out)
{
    const struct step steps[] = {{"o=", organization}};

    return append_steps(steps, 1, base, out);
}

int tree_event_dn(struct slice base, struct slice organization, struct slice event,
                  struct buffer *out)
{
    const struct step steps[] = {{"cn=", event}, {"ou=events", {0}}, {"o=", organization}};

    return append_steps(steps, 3, base, out);
}

int tree_ledger_dn(struct slice base, struct slice usher_id, struct buffer *out)
{
    const struct step steps[] = {{"cn=", usher_id}, {"ou=ledger", {0}}};

    return append_steps(steps, 2, base, out);
}
