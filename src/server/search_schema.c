/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A Search of the subschema subentry: the store's, relayed, with what usherd computes beside it.
 * The schema is no secret, and it is not in the tree.
 */
#include "base/err.h"
#include "server/daemon.h"
#include "server/search.h"
#include "store/find.h"

#include <string.h>

/* A user attribute in no class, as the other computed ones are in usher's own schema. */
#define SCHEMA_MEMBER_OF                                                                           \
    "( 1.2.840.113556.1.2.102 NAME 'memberOf' DESC 'Computed, never stored: the groups of a "      \
    "person' EQUALITY distinguishedNameMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )"

/* Clients check names against the schema, and the store's knows memberOf only with an overlay of
 * that name. */
static void schema_complete(struct search *search, struct attribute *types)
{
    static const char name[] = "'memberOf'";
    size_t count = types->value_count;
    struct slice *values;

    for (size_t i = 0; i < count; i++)
        if (memmem(types->values[i].data, types->values[i].len, name, strlen(name)) != NULL)
            return;
    values = arena_alloc(search->scratch, (count + 1) * sizeof(*values));
    if (count > 0)
        memcpy(values, types->values, count * sizeof(*values));
    values[count] = slice_of(SCHEMA_MEMBER_OF);
    *types = (struct attribute){types->name, values, count + 1};
}

static int on_schema(void *context, const struct store_entry *entry)
{
    struct search *search = context;
    struct attribute *attributes =
        arena_alloc(search->scratch, (entry->attribute_count + 1) * sizeof(*attributes));

    for (size_t i = 0; i < entry->attribute_count; i++) {
        attributes[i] = entry->attributes[i];
        if (slice_equal_fold(attributes[i].name, slice_of("attributeTypes")) && !search->types_only)
            schema_complete(search, &attributes[i]);
    }
    search->count++;
    return message_encode_entry(&search->out, search->request->id, entry->dn, attributes,
                                entry->attribute_count, search->types_only);
}

int search_schema(struct search *search)
{
    struct store_search ask = {
        .base = "cn=Subschema",
        .scope = search->scope,
        .filter = filter_text(search->filter, search->arena),
        .attributes = search->attributes,
        .silence_ms = SEARCH_SILENCE_MS,
        .deadline_ms = search->deadline_ms,
        .on_entry = on_schema,
        .context = search,
    };

    return search->scope == 0 ? store_each(search->reader.store, &ask) : E_NOTFOUND;
}
