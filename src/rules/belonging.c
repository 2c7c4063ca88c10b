/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules/belonging.h"
#include "base/err.h"
#include "cache/tree.h"
#include "store/find.h"

#include <stdlib.h>
#include <string.h>

#define GROUPS_MAX 10000 /* of one person */

int group_members(struct reader *reader, struct slice group, struct names **ret)
{
    static const char *const wanted[] = {"member", NULL};
    const struct attribute *member = NULL;
    struct store_entry *entries = NULL;
    struct names *names;
    size_t count = 0;
    int rc = reader_entry(reader, group, NULL);

    if (rc == E_ACCESS) {
        *ret = NULL;
        return 0;
    }
    if (rc == 0)
        rc = store_find(reader->store, reader->arena, group, 0, "(objectClass=usherGroup)", wanted,
                        1, reader_deadline(reader), &entries, &count);
    if (rc < 0 && rc != E_NOTFOUND)
        return rc;
    rc = 0;
    names = names_new();
    member = count > 0 ? store_attribute(&entries[0], "member") : NULL;
    for (size_t i = 0; rc == 0 && member != NULL && i < member->value_count; i++) {
        char buf[DN_MAX];
        struct slice dn;

        if (dn_normalize(member->values[i], buf, &dn) == 0)
            rc = names_add(names, dn);
    }
    names_done(names);
    if (rc < 0)
        names_free(names);
    else
        *ret = names;
    return rc;
}

int person_groups(struct reader *reader, struct slice person, struct arena *arena,
                  struct attribute *ret)
{
    static const char *const nothing[] = {"1.1", NULL};
    struct filter *filter =
        filter_both(arena, filter_equal(arena, "objectClass", slice_of("usherGroup")),
                    filter_equal(arena, "member", person));
    bool self = reader_self(reader, person);
    struct store_entry *entries = NULL;
    size_t count = 0, kept = 0;
    int rc = store_find(reader->store, arena, reader->base, 2, filter_text(filter, arena), nothing,
                        GROUPS_MAX, reader_deadline(reader), &entries, &count);

    if (rc < 0)
        return rc;
    ret->values = arena_alloc(arena, (count + 1) * sizeof(ret->values[0]));
    for (size_t i = 0; i < count; i++) {
        char buf[DN_MAX];
        struct slice dn;

        if (dn_normalize(entries[i].dn, buf, &dn) < 0)
            continue;
        rc = self ? 0 : reader_entry(reader, dn, NULL);
        if (rc == 0)
            ret->values[kept++] = entries[i].dn;
        else if (rc != E_ACCESS)
            return rc;
    }
    ret->value_count = kept;
    return 0;
}

struct homes {
    char organization[65];
    struct names *names;
};

void homes_free(struct homes *homes)
{
    if (homes == NULL)
        return;
    names_free(homes->names);
    free(homes);
}

static int on_home(void *context, const struct store_entry *entry)
{
    struct homes *homes = context;
    struct slice type, uid, dn;
    char buf[DN_MAX];

    if (dn_normalize(entry->dn, buf, &dn) < 0 || dn_rdn_split(dn_rdn(dn), &type, &uid) < 0)
        return 0;
    return names_add(homes->names, uid);
}

static int homes_read(struct homes *homes, struct reader *reader, struct slice organization)
{
    static const char *const nothing[] = {"1.1", NULL};
    struct store_search search = {.scope = 1,
                                  .attributes = nothing,
                                  .silence_ms = reader->silence_ms,
                                  .deadline_ms = reader->deadline_ms,
                                  .on_entry = on_home,
                                  .context = homes};
    struct buffer dn;
    int rc;

    buffer_init(&dn);
    rc = tree_organization_dn(reader->base, organization, &dn);
    if (rc == 0) {
        struct slice home = {.data = dn.data, .len = dn.len};

        search.base = arena_printf(reader->arena, "ou=people,%.*s", SLICE_ARG(reader->base));
        search.filter = filter_text(filter_equal(reader->arena, "usherHome", home), reader->arena);
        rc = store_each(reader->store, &search);
    }
    buffer_clear(&dn);
    names_done(homes->names);
    return rc == E_NOTFOUND ? 0 : rc; /* a tree without people */
}

int homes_internal(struct homes **homes, struct reader *reader, struct slice organization,
                   struct slice uid, bool *ret)
{
    struct homes *now = *homes;
    int rc = 0;

    if (now == NULL || !slice_is(organization, now->organization)) {
        homes_free(now);
        *homes = now = mem_alloc(sizeof(*now));
        now->names = names_new();
        memcpy(now->organization, organization.data, organization.len); /* a valid name */
        rc = homes_read(now, reader, organization);
    }
    if (rc == 0)
        *ret = names_has(now->names, uid);
    return rc;
}
