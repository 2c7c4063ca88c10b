/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Circles are found with Tarjan's algorithm on a stack of our own, over what can be reached from
 * the roles named and no more. Includes that are missing or may not be referred to are no edges.
 */
#include "model/role.h"

/* One role as the search sees it; all zero: not seen yet. */
struct node {
    unsigned order; /* in which it was first seen, from 1 */
    unsigned low;   /* the least order that it reaches on the stack */
    size_t next;    /* include to look at */
    int parent;     /* whose include led here, or ROLE_MISSING */
    bool on_stack;
    bool circle;
    bool reported;
    bool gathered;
};

struct role_set {
    struct role_pool pool;
    resolve_on_problem *on_problem;
    void *context;
    struct node *nodes;
    unsigned orders;
    int *stack; /* of the search */
    size_t stacked;
    int *roles; /* gathered */
    size_t count;
};

struct role_set *role_set_new(struct role_pool pool, struct arena *arena,
                              resolve_on_problem *on_problem, void *context)
{
    struct role_set *set = arena_alloc(arena, sizeof(*set));

    set->pool = pool;
    set->on_problem = on_problem;
    set->context = context;
    set->nodes = arena_alloc(arena, pool.count * sizeof(*set->nodes));
    set->stack = arena_alloc(arena, pool.count * sizeof(*set->stack));
    set->roles = arena_alloc(arena, pool.count * sizeof(*set->roles));
    return set;
}

const int *role_set_roles(const struct role_set *set, size_t *ret_count)
{
    *ret_count = set->count;
    return set->roles;
}

static bool is_missing(const struct role_set *set, int role)
{
    return role < 0 || (size_t)role >= set->pool.count;
}

static void report(const struct role_set *set, const char *where, int role)
{
    struct resolve_problem problem = {.where = where, .role = role};

    if (set->on_problem != NULL)
        set->on_problem(set->context, &problem);
}

static void enter(struct role_set *set, int role, int parent)
{
    struct node *node = &set->nodes[role];

    node->order = node->low = ++set->orders;
    node->parent = parent;
    node->on_stack = true;
    set->stack[set->stacked++] = role;
}

/* Takes the component of this role, which is its root, off the stack. */
static void close_component(struct role_set *set, int role)
{
    bool single = set->stack[set->stacked - 1] == role;
    int member;

    do {
        member = set->stack[--set->stacked];
        set->nodes[member].on_stack = false;
        set->nodes[member].circle = set->nodes[member].circle || !single;
    } while (member != role);
}

/* Follows the next include of the role: returns the role to go on with. */
static int follow(struct role_set *set, int role)
{
    struct node *node = &set->nodes[role];
    int include = set->pool.roles[role].includes[node->next++];

    if (is_missing(set, include))
        return role;
    if (include == role)
        node->circle = true;
    if (set->nodes[include].order == 0) {
        enter(set, include, role);
        return include;
    }
    if (set->nodes[include].on_stack && set->nodes[include].order < node->low)
        node->low = set->nodes[include].order;
    return role;
}

/* The role is done: closes its component or hands its low to its parent, to which it returns. */
static int leave(struct role_set *set, int role)
{
    const struct node *node = &set->nodes[role];
    int parent = node->parent;

    if (node->low == node->order)
        close_component(set, role);
    if (parent != ROLE_MISSING && node->low < set->nodes[parent].low)
        set->nodes[parent].low = node->low;
    return parent;
}

static void find_circles(struct role_set *set, int start)
{
    int role = start;

    if (set->nodes[start].order != 0)
        return;
    enter(set, start, ROLE_MISSING);
    while (role != ROLE_MISSING) {
        if (set->nodes[role].next < set->pool.roles[role].include_count)
            role = follow(set, role);
        else
            role = leave(set, role);
    }
}

/* Gathers the role that owner (a role, or ROLE_MISSING for a membership or group) refers to. */
static void gather(struct role_set *set, int role, int owner)
{
    struct node *node;

    if (is_missing(set, role)) {
        report(set, "role", owner);
        return;
    }
    find_circles(set, role);
    node = &set->nodes[role];
    if (node->circle && !node->reported) {
        node->reported = true;
        report(set, "circle", role);
    }
    if (node->circle || node->gathered || !set->pool.roles[role].active)
        return;
    node->gathered = true;
    set->roles[set->count++] = role;
}

void role_set_add(struct role_set *set, const int *roles, size_t count)
{
    size_t done = set->count;

    for (size_t i = 0; i < count; i++)
        gather(set, roles[i], ROLE_MISSING);
    for (; done < set->count; done++) {
        const struct resolve_role *role = &set->pool.roles[set->roles[done]];

        for (size_t i = 0; i < role->include_count; i++)
            gather(set, role->includes[i], set->roles[done]);
    }
}
