/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules/read.h"
#include "base/clock.h"
#include "base/err.h"
#include "cache/tree.h"
#include "ldap/oid.h"

#include <stdio.h>
#include <string.h>

#define OWN_MAX 4096 /* memberships of one person */

static const struct {
    const char *name;
    const char *oid;
} secrets[] = {
    {"userPassword", "2.5.4.35"},
    {"usherTotpSecret", OID_ARC ".1.10"},
    {"usherAppPassword", OID_ARC ".1.11"},
    {"usherPin", OID_ARC ".1.32"},
    {"pwdHistory", "1.3.6.1.4.1.42.2.27.8.1.20"},
    {"authPassword", "1.3.6.1.4.1.4203.1.3.4"},
    {"userPKCS12", "2.16.840.1.113730.3.1.216"},
    /* Of the ledger, should a store keep them elsewhere. */
    {"usherFailure", OID_ARC ".1.17"},
    {"usherTotpStep", OID_ARC ".1.18"},
    {"usherChallenge", OID_ARC ".1.19"},
    {"usherToken", OID_ARC ".1.20"},
    {"usherRecoveryCode", OID_ARC ".1.21"},
};

int64_t reader_deadline(const struct reader *reader)
{
    int64_t deadline_ms = clock_monotonic_ms() + reader->silence_ms;

    return deadline_ms < reader->deadline_ms ? deadline_ms : reader->deadline_ms;
}

bool secret_attribute(struct slice description)
{
    const char *option =
        description.len > 0 ? memchr(description.data, ';', description.len) : NULL;

    if (option != NULL)
        description.len = (size_t)(option - description.data);
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
        if (slice_equal_fold(description, slice_of(secrets[i].name)) ||
            slice_is(description, secrets[i].oid))
            return true;
    return false;
}

enum truth secret_leaf(void *context, const struct filter *leaf)
{
    (void)context;
    /* Without an attribute an extensible match tries every attribute that its rule fits. */
    return leaf->attribute.len == 0 || secret_attribute(leaf->attribute) ? TRUTH_UNDEFINED
                                                                         : TRUTH_UNKNOWN;
}

/* The part of a DN before the base, without the comma between them; the DN lies below it. */
static struct slice relative_of(const struct reader *reader, struct slice dn)
{
    dn.len = dn.len > reader->base.len ? dn.len - reader->base.len - 1 : 0;
    return dn;
}

/* The last RDN of a DN: of what lies below the base, the branch that it stands in. */
static struct slice last_rdn(struct slice dn)
{
    for (size_t at = dn.len; at > 0; at--)
        if (dn.data[at - 1] == ',')
            return (struct slice){.data = dn.data + at, .len = dn.len - at};
    return dn;
}

static bool is_organization(struct slice branch)
{
    return branch.len > 2 && memcmp(branch.data, "o=", 2) == 0;
}

/* The organization to whose subtree a branch belongs; what is in none is the platform's. */
static struct slice branch_organization(struct slice branch)
{
    if (is_organization(branch))
        return (struct slice){.data = branch.data + 2, .len = branch.len - 2};
    return slice_of(TREE_PLATFORM);
}

static struct slice branch_of(const struct reader *reader, struct slice dn)
{
    return last_rdn(relative_of(reader, dn));
}

struct slice reader_organization(const struct reader *reader, struct slice dn)
{
    struct slice branch = branch_of(reader, dn);

    return is_organization(branch) ? branch_organization(branch) : (struct slice){0};
}

/* What a decision on directory:read means for who asks. What cannot be told is not a no. */
static int read_meaning(int decided)
{
    switch (decided) {
    case E_DENIED:
    case E_STEPUP:
    case E_NOPERM:
    case E_NOTFOUND:
        return E_ACCESS;
    default:
        return decided;
    }
}

static int read_query(enum factor factor, struct query *ret)
{
    int rc = query_parse(slice_of("directory:read"), ret);

    if (rc == 0)
        ret->factor = factor;
    return rc;
}

int read_decide(struct view *view, struct slice organization, struct slice person,
                enum factor factor, int64_t now_ms)
{
    struct decision decision;
    struct query query;
    int rc = read_query(factor, &query);

    return rc < 0
               ? rc
               : read_meaning(view_decide(view, organization, person, &query, now_ms, &decision));
}

int read_check(const struct rights *rights, struct slice organization, struct slice person,
               enum factor factor, int64_t now_ms)
{
    struct decision decision;
    struct query query;
    int rc = read_query(factor, &query);

    return rc < 0 ? rc
                  : read_meaning(
                        rights_check(rights, organization, person, &query, now_ms, &decision));
}

/* Remembers what was decided: entries of one organization come in a row. */
static int organization_judge(struct reader *reader, struct slice name, bool *ret)
{
    struct reader_place *old = reader->organizations;
    bool readable;
    int rc;

    for (size_t i = reader->organization_count; i > 0; i--)
        if (slice_equal(old[i - 1].name, name)) {
            *ret = old[i - 1].readable;
            return 0;
        }
    rc = read_decide(reader->view, name, slice_of(reader->name), reader->factor, reader->now_ms);
    if (rc < 0 && rc != E_ACCESS)
        return rc;
    readable = rc == 0;
    if (reader->organization_count == reader->organization_room) {
        reader->organization_room = reader->organization_room * 2 + 16;
        reader->organizations = arena_alloc(reader->arena, reader->organization_room *
                                                               sizeof(reader->organizations[0]));
        if (old != NULL)
            memcpy(reader->organizations, old, reader->organization_count * sizeof(old[0]));
    }
    reader->organizations[reader->organization_count++] =
        (struct reader_place){arena_copy(reader->arena, name), readable};
    *ret = readable;
    return 0;
}

/* 0, E_ACCESS or an error: whether everything of the organization is readable. */
static int organization_readable(struct reader *reader, struct slice name)
{
    bool readable = false;
    int rc;

    switch (reader->kind) {
    case READER_ADMINISTRATOR:
    case READER_TRUSTED:
        return 0;
    case READER_SERVICE:
        return slice_is(name, reader->organization) ? 0 : E_ACCESS;
    case READER_PERSON:
        rc = organization_judge(reader, name, &readable);
        return rc < 0 ? rc : readable ? 0 : E_ACCESS;
    default:
        return E_ACCESS;
    }
}

/* The catalogue and the roles that any organization may use: whoever may read an organization reads
 * what its entries refer to. */
static const char *const shared[] = {"ou=permissions", "ou=roles"};

static bool is_shared(struct slice branch)
{
    for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
        if (slice_is(branch, shared[i]))
            return true;
    return false;
}

/* Whether the reader may read some organization; a person's are all judged by now. */
static bool reads_some(const struct reader *reader)
{
    if (reader->kind != READER_PERSON)
        return reader->kind != READER_NOBODY;
    for (size_t i = 0; i < reader->organization_count; i++)
        if (reader->organizations[i].readable)
            return true;
    return false;
}

/* The memberships that name the person both ways, and what they may read in their organizations. */
static int person_prepare(struct reader *reader)
{
    static const char *const nothing[] = {"1.1", NULL};
    struct filter *filter = filter_equal(reader->arena, "usherMember", slice_of(reader->dn));
    struct store_entry *entries = NULL;
    bool readable = false;
    size_t count = 0;
    int rc = store_find(reader->store, reader->arena, reader->base, 2,
                        filter_text(filter, reader->arena), nothing, OWN_MAX,
                        reader_deadline(reader), &entries, &count);

    reader->own = arena_alloc(reader->arena, (count + 1) * sizeof(reader->own[0]));
    for (size_t i = 0; rc == 0 && i < count; i++) {
        char buf[DN_MAX];
        struct tree_place place;
        struct slice dn;

        if (dn_normalize(entries[i].dn, buf, &dn) < 0 || tree_place(dn, reader->base, &place) < 0 ||
            !slice_is(place.name, reader->name) ||
            (place.kind != TREE_MEMBERSHIP && place.kind != TREE_EVENT_MEMBERSHIP))
            continue;
        reader->own[reader->own_count++] = arena_copy(reader->arena, dn);
        rc = organization_judge(reader, place.organization, &readable);
    }
    if (rc == 0)
        rc = organization_judge(reader, slice_of(TREE_PLATFORM), &reader->platform);
    return rc;
}

int reader_prepare(struct reader *reader)
{
    switch (reader->kind) {
    case READER_NOBODY:
        return E_ACCESS;
    case READER_PERSON:
        return person_prepare(reader);
    default:
        return 0;
    }
}

bool reader_self(const struct reader *reader, struct slice dn)
{
    if (reader->kind != READER_PERSON)
        return false;
    if (slice_is(dn, reader->dn))
        return true;
    for (size_t i = 0; i < reader->own_count; i++)
        if (slice_equal(dn, reader->own[i]))
            return true;
    return false;
}

bool reader_needs_belongs(const struct reader *reader)
{
    return reader->kind == READER_SERVICE || reader->kind == READER_PERSON;
}

/* A person other than the reader: by the organizations that they belong to. Somebody who belongs to
 * none is the platform's. */
static int person_readable(struct reader *reader, const struct attribute *belongs)
{
    int rc = E_ACCESS;

    if (belongs == NULL || belongs->value_count == 0)
        return organization_readable(reader, slice_of(TREE_PLATFORM));
    for (size_t i = 0; rc == E_ACCESS && i < belongs->value_count; i++) {
        char buf[DN_MAX];
        struct tree_place place;
        struct slice dn;

        if (dn_normalize(belongs->values[i], buf, &dn) == 0 &&
            tree_place(dn, reader->base, &place) == 0 && place.kind == TREE_ORGANIZATION)
            rc = organization_readable(reader, place.name);
    }
    return rc;
}

int reader_entry(struct reader *reader, struct slice dn, const struct attribute *belongs)
{
    struct slice branch;

    if (!dn_within(dn, reader->base) || reader->kind == READER_NOBODY)
        return E_ACCESS;
    branch = branch_of(reader, dn);
    if (slice_is(branch, "ou=ledger"))
        return E_ACCESS;
    if (reader->kind == READER_ADMINISTRATOR)
        return 0;
    if (slice_is(branch, "ou=work"))
        return E_ACCESS;
    if (reader->kind == READER_TRUSTED || reader_self(reader, dn))
        return 0;
    if (slice_is(branch, "ou=people") && !slice_is(relative_of(reader, dn), "ou=people"))
        return person_readable(reader, belongs);
    if (is_shared(branch) && reads_some(reader))
        return 0;
    return organization_readable(reader, branch_organization(branch));
}

/* Whether something of the reader's own lies at or below the DN. */
static bool own_below(const struct reader *reader, struct slice dn)
{
    if (reader->kind != READER_PERSON)
        return false;
    if (dn_within(slice_of(reader->dn), dn))
        return true;
    for (size_t i = 0; i < reader->own_count; i++)
        if (dn_within(reader->own[i], dn))
            return true;
    return false;
}

/* What a person belongs to decides whether another sees them, so it is asked for. */
static int base_person(struct reader *reader, struct slice dn)
{
    static const char *const wanted[] = {"usherBelongsTo", NULL};
    struct store_entry entry = {.attribute_count = 0};
    int rc = store_read(reader->store, reader->arena, dn, wanted, reader_deadline(reader), &entry);

    return rc < 0 ? rc : reader_entry(reader, dn, store_attribute(&entry, "usherbelongsto"));
}

int reader_base(struct reader *reader, struct slice dn)
{
    struct slice relative;
    int rc;

    if (!dn_within(dn, reader->base))
        return E_NOTFOUND;
    relative = relative_of(reader, dn);
    if (reader->kind != READER_NOBODY &&
        (relative.len == 0 || slice_is(relative, "ou=people") || own_below(reader, dn)))
        return 0;
    if (reader_needs_belongs(reader) && slice_is(last_rdn(relative), "ou=people"))
        rc = base_person(reader, dn);
    else
        rc = reader_entry(reader, dn, NULL);
    return rc == E_ACCESS ? E_NOTFOUND : rc;
}

static void add_below(struct reader *reader, struct slice dn, struct filter *any)
{
    struct filter *below = filter_equal(reader->arena, "entryDN", dn);

    below->kind = FILTER_EXTENSIBLE;
    below->rule = slice_of("dnSubtreeMatch");
    filter_add(reader->arena, any, below);
}

/* The people of the organization, and everything in its subtree. */
static void add_organization(struct reader *reader, struct slice name, bool people_only,
                             struct filter *any)
{
    struct buffer dn;
    struct slice copy = {0};

    buffer_init(&dn);
    if (tree_organization_dn(reader->base, name, &dn) == 0)
        copy = arena_copy(reader->arena, buffer_slice(&dn));
    buffer_clear(&dn);
    filter_add(reader->arena, any, filter_equal(reader->arena, "usherBelongsTo", copy));
    if (!people_only)
        add_below(reader, copy, any);
}

static void add_shared(struct reader *reader, struct filter *any)
{
    for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
        size_t len = strlen(shared[i]) + 1 + reader->base.len;
        char *dn = arena_alloc(reader->arena, len + 1);

        (void)snprintf(dn, len + 1, "%s,%.*s", shared[i], SLICE_ARG(reader->base));
        add_below(reader, (struct slice){.data = dn, .len = len}, any);
    }
}

struct filter *reader_filter(struct reader *reader, struct slice base)
{
    struct slice branch = branch_of(reader, base);
    bool people_only = slice_is(branch, "ou=people");
    struct filter *any;

    if (!reader_needs_belongs(reader) || reader->platform)
        return NULL;
    if (is_organization(branch) && organization_readable(reader, branch_organization(branch)) == 0)
        return NULL;
    if (is_shared(branch) && reads_some(reader))
        return NULL;
    any = filter_any(reader->arena);
    if (!people_only && reads_some(reader))
        add_shared(reader, any);
    if (reader->kind == READER_SERVICE) {
        add_organization(reader, slice_of(reader->organization), people_only, any);
        return any;
    }
    filter_add(reader->arena, any, filter_equal(reader->arena, "uid", slice_of(reader->name)));
    if (!people_only)
        filter_add(reader->arena, any,
                   filter_equal(reader->arena, "usherMember", slice_of(reader->dn)));
    for (size_t i = 0; i < reader->organization_count; i++)
        if (reader->organizations[i].readable)
            add_organization(reader, reader->organizations[i].name, people_only, any);
    return any;
}
