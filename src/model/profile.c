/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Asking a profile: the narrowest scope that it names has the whole answer.
 */
#include "base/bitset.h"
#include "model/resolve.h"

static const struct profile_bits *scope_bits(const struct profile *profile,
                                             const struct scope *scope)
{
    size_t low = 0, high = profile->scope_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = scope_compare(scope, &profile->scopes[middle].scope);

        if (order == 0)
            return &profile->scopes[middle].bits;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

enum verdict profile_verdict(const struct profile *profile, unsigned bit, const struct scope *scope)
{
    const struct profile_bits *bits = NULL;

    if (bit / 64 >= profile->words)
        return VERDICT_SILENT;
    if (profile->scope_count > 0)
        for (struct scope s = *scope; bits == NULL && s.kind != SCOPE_NONE; s = scope_wider(&s))
            bits = scope_bits(profile, &s);
    if (bits == NULL)
        bits = &profile->bits;
    if (bitset_get(bits->denied, bit))
        return VERDICT_DENY;
    return bitset_get(bits->granted, bit) ? VERDICT_GRANT : VERDICT_SILENT;
}

struct slice profile_setting(const struct profile *profile, struct slice name)
{
    size_t low = 0, high = profile->setting_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = slice_compare(name, profile->settings[middle].name);

        if (order == 0)
            return profile->settings[middle].value;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return (struct slice){0};
}
