/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Serialized: the groups, then the strings of each list with their lengths, the organization as a
 * list of one.
 */
#include "cache/sources.h"
#include "base/err.h"

#include <string.h>

bool sources_may_refer(struct slice base, struct slice organization, struct slice role)
{
    struct tree_place place;

    return tree_place(role, base, &place) == 0 && place.kind == TREE_ROLE &&
           (place.organization.len == 0 || slice_equal(place.organization, organization));
}

bool sources_empty(const struct sources *sources)
{
    return sources->roles.count == 0 && sources->grants.count == 0 &&
           sources->settings.count == 0 && sources->group_count == 0;
}

static int append_list(const struct slice *values, size_t count, struct buffer *out)
{
    uint32_t number = (uint32_t)count;
    int err = buffer_append(out, &number, sizeof(number));

    for (size_t i = 0; err == 0 && i < count; i++) {
        uint32_t len = (uint32_t)values[i].len;

        err = buffer_append(out, &len, sizeof(len));
        if (err == 0)
            err = buffer_append(out, values[i].data, values[i].len);
    }
    return err;
}

int sources_encode(const struct sources *sources, struct buffer *out)
{
    uint32_t groups = (uint32_t)sources->group_count;
    int err = buffer_append(out, &groups, sizeof(groups));

    if (err == 0 && groups > 0)
        err = buffer_append(out, sources->groups, groups * sizeof(struct id));
    if (err == 0)
        err = append_list(&sources->organization, 1, out);
    if (err == 0)
        err = append_list(sources->roles.values, sources->roles.count, out);
    if (err == 0)
        err = append_list(sources->grants.values, sources->grants.count, out);
    if (err == 0)
        err = append_list(sources->settings.values, sources->settings.count, out);
    return err;
}

static bool take_number(struct slice *bytes, uint32_t *ret)
{
    if (bytes->len < sizeof(*ret))
        return false;
    memcpy(ret, bytes->data, sizeof(*ret));
    bytes->data += sizeof(*ret);
    bytes->len -= sizeof(*ret);
    return true;
}

static bool take_bytes(struct slice *bytes, size_t len, struct slice *ret)
{
    if (bytes->len < len)
        return false;
    *ret = (struct slice){.data = bytes->data, .len = len};
    bytes->data += len;
    bytes->len -= len;
    return true;
}

static bool take_list(struct slice *bytes, struct arena *arena, struct entry_values *ret)
{
    uint32_t count, len;

    if (!take_number(bytes, &count) || count > bytes->len / sizeof(len))
        return false;
    ret->values = arena_alloc(arena, count * sizeof(*ret->values));
    for (ret->count = 0; ret->count < count; ret->count++)
        if (!take_number(bytes, &len) || !take_bytes(bytes, len, &ret->values[ret->count]))
            return false;
    return true;
}

int sources_decode(struct slice bytes, struct arena *arena, struct sources *ret)
{
    struct entry_values organization;
    struct sources sources = {0};
    struct slice groups;
    uint32_t count;

    if (!take_number(&bytes, &count) || !take_bytes(&bytes, count * sizeof(struct id), &groups) ||
        !take_list(&bytes, arena, &organization) || organization.count != 1 ||
        !take_list(&bytes, arena, &sources.roles) || !take_list(&bytes, arena, &sources.grants) ||
        !take_list(&bytes, arena, &sources.settings) || bytes.len > 0)
        return E_PROTO;
    sources.organization = organization.values[0];
    sources.groups = (const struct id *)groups.data;
    sources.group_count = count;
    *ret = sources;
    return 0;
}
