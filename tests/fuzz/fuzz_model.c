/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The words of the permission model, one a line: each read as a grant, query, scope and setting;
 * and all of them as the values of one membership, resolved to its profile.
 */
#include "fuzz.h"
#include "model/resolve.h"

#define LINES 64

static void read_grant(struct slice text)
{
    struct grant grant;
    struct slice exact;

    if (grant_parse(text, &grant) < 0)
        return;
    HOLDS(text.len <= GRANT_MAX && (text.data[0] == '+' || text.data[0] == '-'));
    if (grant_exact(&grant, &exact))
        HOLDS(permission_valid(exact) && grant_covers(&grant, exact));
    HOLDS(!grant.any_resource || grant.denial ||
          !grant_covers(&grant, slice_of("directory.user:create")));
}

static void read_words(struct slice text)
{
    struct scope scope, wider;
    struct slice name, value;
    struct query query;

    if (query_parse(text, &query) == 0)
        HOLDS(permission_valid(query.permission) &&
              (query.scope.kind == SCOPE_NONE || query.scope.kind == SCOPE_OBJECT ||
               query.scope.kind == SCOPE_EVENT));
    if (setting_parse(text, &name, &value) == 0)
        HOLDS(name.len > 0 && name.len + 1 + value.len == text.len);
    if (scope_parse(text, &scope) < 0)
        return;
    HOLDS(scope_compare(&scope, &scope) == 0);
    for (int steps = 0; scope.kind != SCOPE_NONE; steps++, scope = wider) {
        wider = scope_wider(&scope);
        HOLDS(steps < 4 && scope_compare(&scope, &wider) != 0);
        HOLDS((scope_compare(&scope, &wider) < 0) == (scope_compare(&wider, &scope) > 0));
    }
}

static void resolve_all(const struct slice *lines, size_t count)
{
    struct resolve_input input = {.organization = slice_of("acme"),
                                  .values = {lines, count, lines, count}};
    struct catalogue *catalogue = catalogue_new();
    struct arena *arena = arena_new();
    struct profile profile;

    HOLDS(catalogue_put(catalogue, 0, slice_of("ticket:read"), slice_of(""), false, false,
                        slice_of("")) == 0);
    HOLDS(catalogue_put(catalogue, 70, slice_of("directory.user:create"), slice_of("app"), true,
                        true, slice_of("ticket:read")) == 0);
    HOLDS(resolve(catalogue, &input, arena, NULL, NULL, &profile) == 0);
    HOLDS(profile.scope_count <= 2 * count && profile.setting_count <= count);
    for (size_t i = 0; i < profile.words; i++)
        HOLDS((profile.bits.granted[i] & profile.bits.denied[i]) == 0);
    for (size_t i = 0; i < profile.scope_count; i++) {
        HOLDS(i == 0 || scope_compare(&profile.scopes[i - 1].scope, &profile.scopes[i].scope) < 0);
        for (size_t j = 0; j < profile.words; j++)
            HOLDS((profile.scopes[i].bits.granted[j] & profile.scopes[i].bits.denied[j]) == 0);
        (void)profile_verdict(&profile, 70, &profile.scopes[i].scope);
    }
    arena_free(arena);
    catalogue_free(catalogue);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {(const char *)data, size};
    struct slice lines[LINES];
    size_t count = 0;

    while (input.len > 0 && count < LINES) {
        struct slice line = fuzz_part(&input, '\n');

        lines[count].data = exact_copy(line.data, line.len);
        lines[count].len = line.len;
        read_grant(lines[count]);
        read_words(lines[count++]);
    }
    resolve_all(lines, count);
    while (count > 0)
        free((char *)lines[--count].data);
    return 0;
}
