/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Every value becomes a statement: a layer, a scope, a set of permissions. Statements of one layer
 * and scope are joined in a cell (there a denial beats a grant); the answer for a scope is then
 * filled from its cells: layer by layer from the highest, in each from the narrowest scope to the
 * widest, each speaking only of what is still silent.
 */
#include "model/resolve.h"
#include "base/bitset.h"
#include "base/err.h"
#include "model/role.h"

#include <stdlib.h>

#define SCOPES_MAX 4096

enum layer { LAYER_OWN, LAYER_GROUPS, LAYER_ROLES, LAYERS };

struct cell {
    struct scope scope;
    struct profile_bits layers[LAYERS]; /* granted NULL: the layer is silent */
};

/* A scoped value, until all are known. */
struct statement {
    struct scope scope;
    enum layer layer;
    struct grant grant;
};

struct setting_row {
    struct profile_setting setting;
    enum layer layer;
    int role;
    struct slice raw;
};

struct resolver {
    const struct catalogue *catalogue;
    const struct resolve_input *input;
    struct arena *scratch;
    struct arena *arena;
    resolve_on_problem *on_problem;
    void *context;
    size_t words;
    struct statement *statements;
    size_t statement_count, statement_size;
    struct setting_row *settings;
    size_t setting_count, setting_size;
    struct cell base; /* what is unscoped */
    struct cell *cells;
    size_t cell_count;
};

/* Whose values are read: for problems and for one-name events. */
struct holder {
    enum layer layer;
    int role;
    struct slice organization; /* empty: the one of the membership */
};

static void report(const struct resolver *resolver, const char *where, int role, struct slice value)
{
    struct resolve_problem problem = {.where = where, .role = role, .value = value};

    if (resolver->on_problem != NULL)
        resolver->on_problem(resolver->context, &problem);
}

static struct profile_bits bits_new(const struct resolver *resolver, struct arena *arena)
{
    size_t size = resolver->words * sizeof(uint64_t);

    return (struct profile_bits){.granted = arena_alloc(arena, size),
                                 .denied = arena_alloc(arena, size)};
}

/* Joins the grant to the bits of its layer in the cell. */
static void cell_add(const struct resolver *resolver, struct cell *cell, enum layer layer,
                     const struct grant *grant)
{
    struct profile_bits *bits = &cell->layers[layer];
    unsigned count = catalogue_bits(resolver->catalogue);
    struct permission permission;
    struct slice id;
    uint64_t *set;

    if (bits->granted == NULL)
        *bits = bits_new(resolver, resolver->scratch);
    set = grant->denial ? bits->denied : bits->granted;
    if (grant_exact(grant, &id)) {
        if (catalogue_find(resolver->catalogue, id, &permission) == 0)
            bitset_set(set, permission.bit);
        return;
    }
    for (unsigned bit = 0; bit < count; bit++)
        if (catalogue_at(resolver->catalogue, bit, NULL, &id) == 0 && grant_covers(grant, id))
            bitset_set(set, bit);
}

/* A copy in lower case. */
static struct slice folded(struct arena *arena, struct slice text)
{
    char *copy = arena_alloc(arena, text.len + 1);

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        copy[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return (struct slice){.data = copy, .len = text.len};
}

/* Gives a one-name event its organization: E_NOTFOUND when there is none for it. */
static int scope_complete(const struct resolver *resolver, const struct holder *holder,
                          struct scope *scope)
{
    const struct resolve_input *input = resolver->input;

    if (scope->kind != SCOPE_EVENT || scope->organization.len > 0)
        return 0;
    if (input->platform)
        return E_NOTFOUND;
    scope->organization = holder->organization.len > 0 ? holder->organization : input->organization;
    return scope->organization.len > 0 ? 0 : E_NOTFOUND;
}

static void read_grant(struct resolver *resolver, const struct holder *holder, struct slice value)
{
    struct statement *statement;
    struct grant grant;

    if (grant_parse(value, &grant) != 0 || scope_complete(resolver, holder, &grant.scope) != 0) {
        report(resolver, "value", holder->role, value);
        return;
    }
    if (grant.scope.kind == SCOPE_NONE) {
        cell_add(resolver, &resolver->base, holder->layer, &grant);
        return;
    }
    resolver->statements = mem_room(resolver->statements, resolver->statement_count,
                                    &resolver->statement_size, sizeof(*resolver->statements));
    statement = &resolver->statements[resolver->statement_count++];
    *statement = (struct statement){.scope = grant.scope, .layer = holder->layer, .grant = grant};
}

static void read_setting(struct resolver *resolver, const struct holder *holder, struct slice value)
{
    struct setting_row row = {.layer = holder->layer, .role = holder->role, .raw = value};

    if (setting_parse(value, &row.setting.name, &row.setting.value) != 0) {
        report(resolver, "value", holder->role, value);
        return;
    }
    resolver->settings = mem_room(resolver->settings, resolver->setting_count,
                                  &resolver->setting_size, sizeof(*resolver->settings));
    resolver->settings[resolver->setting_count++] = row;
}

static void read_values(struct resolver *resolver, struct holder holder,
                        const struct resolve_values *values)
{
    for (size_t i = 0; i < values->grant_count; i++)
        read_grant(resolver, &holder, values->grants[i]);
    for (size_t i = 0; i < values->setting_count; i++)
        read_setting(resolver, &holder, values->settings[i]);
}

/* All values of the membership, its active groups, and the roles of both. */
static void read_input(struct resolver *resolver)
{
    const struct resolve_input *input = resolver->input;
    struct role_pool pool = {.roles = input->pool, .count = input->pool_count};
    struct role_set *set =
        role_set_new(pool, resolver->scratch, resolver->on_problem, resolver->context);
    const int *roles;
    size_t count;

    read_values(resolver, (struct holder){.layer = LAYER_OWN, .role = ROLE_MISSING},
                &input->values);
    role_set_add(set, input->roles, input->role_count);
    for (size_t i = 0; i < input->group_count; i++) {
        const struct resolve_group *group = &input->groups[i];

        if (!group->active)
            continue;
        read_values(resolver, (struct holder){.layer = LAYER_GROUPS, .role = ROLE_MISSING},
                    &group->values);
        role_set_add(set, group->roles, group->role_count);
    }
    roles = role_set_roles(set, &count);
    for (size_t i = 0; i < count; i++) {
        const struct resolve_role *role = &input->pool[roles[i]];
        struct holder holder = {
            .layer = LAYER_ROLES, .role = roles[i], .organization = role->organization};

        read_values(resolver, holder, &role->values);
    }
}

static int statement_order(const void *a, const void *b)
{
    const struct statement *left = a, *right = b;

    return scope_compare(&left->scope, &right->scope);
}

/* Makes the cells, sorted by scope, from the scoped statements. */
static int build_cells(struct resolver *resolver)
{
    struct statement *statements = resolver->statements;
    size_t count = resolver->statement_count, scopes = 0;
    struct cell *cell = NULL;

    if (count == 0)
        return 0;
    qsort(statements, count, sizeof(*statements), statement_order);
    for (size_t i = 0; i < count; i++)
        scopes += i == 0 || statement_order(&statements[i - 1], &statements[i]) != 0;
    if (scopes > SCOPES_MAX)
        return E_LIMIT;
    resolver->cells = arena_alloc(resolver->scratch, scopes * sizeof(*resolver->cells));
    for (size_t i = 0; i < count; i++) {
        if (cell == NULL || scope_compare(&cell->scope, &statements[i].scope) != 0) {
            cell = &resolver->cells[resolver->cell_count++];
            cell->scope = statements[i].scope;
        }
        cell_add(resolver, cell, statements[i].layer, &statements[i].grant);
    }
    return 0;
}

/* Says in bits what the cell's layer says where bits are silent. */
static void fill(const struct resolver *resolver, struct profile_bits bits, const struct cell *cell,
                 enum layer layer)
{
    const struct profile_bits *more = &cell->layers[layer];

    if (more->granted == NULL)
        return;
    for (size_t i = 0; i < resolver->words; i++) {
        uint64_t silent = ~(bits.granted[i] | bits.denied[i]);

        bits.denied[i] |= more->denied[i] & silent;
        bits.granted[i] |= more->granted[i] & ~more->denied[i] & silent;
    }
}

static const struct cell *cell_find(const struct resolver *resolver, const struct scope *scope)
{
    size_t low = 0, high = resolver->cell_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = scope_compare(scope, &resolver->cells[middle].scope);

        if (order == 0)
            return &resolver->cells[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* The whole answer for objects of this scope. */
static struct profile_bits answer(const struct resolver *resolver, struct scope scope)
{
    struct profile_bits bits = bits_new(resolver, resolver->arena);
    const struct cell *chain[4];
    size_t length = 0;

    for (; scope.kind != SCOPE_NONE; scope = scope_wider(&scope)) {
        const struct cell *cell = cell_find(resolver, &scope);

        if (cell != NULL)
            chain[length++] = cell;
    }
    chain[length++] = &resolver->base;
    for (enum layer layer = 0; layer < LAYERS; layer++)
        for (size_t i = 0; i < length; i++)
            fill(resolver, bits, chain[i], layer);
    return bits;
}

static struct scope scope_copy(struct arena *arena, const struct scope *scope)
{
    bool event = scope->kind != SCOPE_OBJECT && scope->kind != SCOPE_TYPE;

    return (struct scope){
        .kind = scope->kind,
        .type = arena_copy(arena, scope->type),
        .organization = folded(arena, scope->organization),
        .name = event ? folded(arena, scope->name) : arena_copy(arena, scope->name),
    };
}

static int setting_order(const void *a, const void *b)
{
    const struct setting_row *left = a, *right = b;
    int order = slice_compare(left->setting.name, right->setting.name);

    if (order == 0)
        order = (left->layer > right->layer) - (left->layer < right->layer);
    if (order == 0)
        order = slice_compare(right->setting.value, left->setting.value);
    return order;
}

/* Keeps the first row of each name: the highest layer's, there the greatest value. */
static void build_settings(struct resolver *resolver, struct profile *profile)
{
    struct setting_row *rows = resolver->settings;
    size_t count = resolver->setting_count;

    if (count == 0)
        return;
    qsort(rows, count, sizeof(*rows), setting_order);
    profile->settings = arena_alloc(resolver->arena, count * sizeof(*profile->settings));
    for (size_t i = 0; i < count; i++) {
        bool same_name = i > 0 && slice_equal(rows[i].setting.name, rows[i - 1].setting.name);

        if (!same_name)
            profile->settings[profile->setting_count++] = (struct profile_setting){
                .name = arena_copy(resolver->arena, rows[i].setting.name),
                .value = arena_copy(resolver->arena, rows[i].setting.value),
            };
        else if (rows[i].layer == rows[i - 1].layer &&
                 !slice_equal(rows[i].setting.value, rows[i - 1].setting.value))
            report(resolver, "setting", rows[i].role, rows[i].raw);
    }
}

int resolve(const struct catalogue *catalogue, const struct resolve_input *input,
            struct arena *arena, resolve_on_problem *on_problem, void *context, struct profile *ret)
{
    struct resolver resolver = {
        .catalogue = catalogue,
        .input = input,
        .scratch = arena_new(),
        .arena = arena,
        .on_problem = on_problem,
        .context = context,
        .words = BITSET_WORDS(catalogue_bits(catalogue)),
    };
    struct profile profile = {.words = resolver.words};
    int err;

    read_input(&resolver);
    err = build_cells(&resolver);
    if (err != 0)
        goto out;
    profile.bits = answer(&resolver, (struct scope){0});
    if (resolver.cell_count > 0)
        profile.scopes = arena_alloc(arena, resolver.cell_count * sizeof(*profile.scopes));
    for (; profile.scope_count < resolver.cell_count; profile.scope_count++) {
        const struct scope *scope = &resolver.cells[profile.scope_count].scope;

        profile.scopes[profile.scope_count] = (struct profile_scope){
            .scope = scope_copy(arena, scope), .bits = answer(&resolver, *scope)};
    }
    build_settings(&resolver, &profile);
    *ret = profile;
out:
    free(resolver.statements);
    free(resolver.settings);
    arena_free(resolver.scratch);
    return err;
}
