/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A leaf is FALSE where its attribute has no values (RFC 4511 4.5.1.7 knows no other absence), and
 * Undefined where the evaluator says neither yes nor no: a step-up, or a query that cannot be put
 * there.
 */
#include "rules/computed.h"
#include "base/err.h"
#include "base/log.h"
#include "base/utf8.h"
#include "rules/belonging.h"
#include "rules/holding.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    const char *class; /* of the entries that have it */
} kinds[COMPUTED_KINDS] = {
    [COMPUTED_PERMISSION] = {"usherPermission", "usherMembership"},
    [COMPUTED_SETTING] = {"usherEffectiveSetting", "usherMembership"},
    [COMPUTED_AFFILIATION] = {"usherAffiliation", "usherMembership"},
    [COMPUTED_MEMBER_OF] = {"memberOf", "usherPerson"},
};

enum computed_kind computed_kind(struct slice name)
{
    enum computed_kind kind = 0;

    while (kind < COMPUTED_KINDS && !slice_equal_fold(name, slice_of(kinds[kind].name)))
        kind++;
    return kind;
}

const char *computed_name(enum computed_kind kind)
{
    return kinds[kind].name;
}

const char *computed_class(const struct computed_leaf *leaf)
{
    return kinds[leaf->kind].class;
}

bool computed_leaf(const struct filter *leaf)
{
    return computed_kind(leaf->attribute) < COMPUTED_KINDS;
}

size_t computed_index(const struct computed *computed, const struct filter *leaf)
{
    enum computed_kind kind = computed_kind(leaf->attribute);
    bool present = leaf->kind == FILTER_PRESENT;
    size_t i = 0;

    if (leaf->kind != FILTER_EQUAL && !present)
        return computed->leaf_count;
    for (; i < computed->leaf_count; i++) {
        const struct computed_leaf *old = &computed->leaves[i];

        if (old->kind == kind && old->present == present &&
            (present || slice_equal(old->value, leaf->value)))
            break;
    }
    return i;
}

/* What is wrong with the assertion, and with which value. */
static int add_fail(struct computed *computed, int err, const char *what, struct slice value)
{
    char quoted[LOG_QUOTE_MAX];

    utf8_format(computed->text, sizeof(computed->text), "%s %s", what, log_quote(value, quoted));
    return err;
}

/* Whether the organization, and the event of a query about its own, are there. */
static int add_place(struct computed *computed, const struct query *query,
                     struct slice organization, struct slice value)
{
    bool on_event = query->scope.kind == SCOPE_EVENT;
    struct slice owner = on_event ? query->scope.organization : (struct slice){0};
    struct view_subject subject;
    int rc;

    if (on_event && owner.len == 0)
        owner = organization;
    if (owner.len == 0 && organization.len == 0)
        return 0; /* differs from membership to membership */
    rc = view_subject(computed->view, organization.len > 0 ? organization : owner,
                      (struct slice){0}, owner, query->scope.name, computed->reader->now_ms,
                      computed->reader->arena, &subject);
    if (rc < 0)
        return rc;
    if (organization.len > 0 &&
        (!subject.subject.organization_known || !subject.subject.organization_active))
        return add_fail(computed, E_NOTFOUND, "no such active organization:", organization);
    if (on_event && !subject.subject.event_known)
        return add_fail(computed, E_NOTFOUND, "no such event:", value);
    return 0;
}

static int add_permission(struct computed *computed, struct computed_leaf *leaf,
                          struct slice organization)
{
    struct permission permission;

    if (query_parse(leaf->value, &leaf->query) < 0)
        return add_fail(computed, E_SYNTAX,
                        "usherPermission: not resource:action[@scope][;channel=...][;factor=...]:",
                        leaf->value);
    if (catalogue_find(view_catalogue(computed->view), leaf->query.permission, &permission) < 0)
        return add_fail(computed, E_NOPERM, "no such permission in the catalogue:", leaf->value);
    return add_place(computed, &leaf->query, organization, leaf->value);
}

static int add_group(struct computed *computed, struct computed_leaf *leaf)
{
    char buf[DN_MAX];
    struct slice dn;

    if (dn_normalize(leaf->value, buf, &dn) < 0)
        return add_fail(computed, E_SYNTAX, "memberOf: no DN:", leaf->value);
    return group_members(computed->reader, dn, &leaf->members);
}

int computed_add(struct computed *computed, const struct filter *leaf, struct slice organization)
{
    struct computed_leaf add = {.kind = computed_kind(leaf->attribute),
                                .present = leaf->kind == FILTER_PRESENT,
                                .value = leaf->value};
    struct slice name, value;
    int rc = 0;

    if ((leaf->kind != FILTER_EQUAL && !add.present) ||
        computed_index(computed, leaf) < computed->leaf_count)
        return 0;
    if (computed->leaf_count == COMPUTED_LEAVES_MAX)
        return add_fail(computed, E_LIMIT,
                        "a filter may have four assertions on computed attributes, and has one "
                        "more on",
                        leaf->attribute);
    if (add.kind == COMPUTED_PERMISSION && !add.present)
        rc = add_permission(computed, &add, organization);
    else if (add.kind == COMPUTED_SETTING && !add.present &&
             setting_parse(add.value, &name, &value) < 0)
        rc = add_fail(computed, E_SYNTAX, "usherEffectiveSetting: not name=value:", add.value);
    else if (add.kind == COMPUTED_MEMBER_OF && !add.present)
        rc = add_group(computed, &add);
    if (rc == 0)
        computed->leaves[computed->leaf_count++] = add;
    return rc;
}

static bool is_membership(const struct tree_place *place)
{
    return place->kind == TREE_MEMBERSHIP || place->kind == TREE_EVENT_MEMBERSHIP;
}

/* May the person of the membership do what the leaf asks? */
static int truth_permission(struct computed *computed, const struct computed_leaf *leaf,
                            const struct tree_place *place, bool self, enum truth *ret)
{
    const struct reader *reader = computed->reader;
    struct query query = leaf->query;
    struct decision decision;
    int rc;

    if (place->kind == TREE_EVENT_MEMBERSHIP) {
        if (query.scope.kind != SCOPE_NONE) { /* it means its own event */
            *ret = TRUTH_UNDEFINED;
            return 0;
        }
        query.scope = (struct scope){
            .kind = SCOPE_EVENT, .organization = place->organization, .name = place->event};
    }
    if (self)
        query.factor = reader->factor; /* what they did, not what they claim */
    rc = view_decide(computed->view, place->organization, place->name, &query, reader->now_ms,
                     &decision);
    switch (rc) {
    case 0:
        *ret = TRUTH_TRUE;
        return 0;
    case E_DENIED:
        *ret = TRUTH_FALSE;
        return 0;
    case E_STEPUP:
    case E_NOTFOUND:
    case E_NOPERM:
        *ret = TRUTH_UNDEFINED;
        return 0;
    default:
        return rc;
    }
}

/* The values of a membership's attribute, in the arena. */
static int membership_values(struct computed *computed, enum computed_kind kind,
                             const struct tree_place *place, struct arena *arena,
                             struct attribute *ret)
{
    const struct reader *reader = computed->reader;
    struct holding holding = {0};
    struct view_subject subject;
    bool internal;
    int rc;

    if (kind == COMPUTED_AFFILIATION) {
        rc = view_subject(computed->view, place->organization, place->name, (struct slice){0},
                          (struct slice){0}, reader->now_ms, arena, &subject);
        if (rc < 0 || !subject.subject.person_known)
            return rc;
        rc = homes_internal(&computed->homes, computed->reader, place->organization, place->name,
                            &internal);
        if (rc == 0) {
            ret->values = arena_alloc(arena, sizeof(ret->values[0]));
            ret->values[0] = slice_of(internal ? "internal" : "external");
            ret->value_count = 1;
        }
        return rc;
    }
    rc = kind == COMPUTED_PERMISSION
             ? holding_permissions(computed->view, place, reader->now_ms, arena, &holding)
             : holding_settings(computed->view, place, reader->now_ms, arena, &holding);
    ret->values = holding.values;
    ret->value_count = holding.count;
    return rc;
}

/* The values of a kind for the entry; none where it has no such attribute. */
static int values_of(struct computed *computed, enum computed_kind kind,
                     const struct tree_place *place, struct slice dn, struct arena *arena,
                     struct attribute *ret)
{
    *ret = (struct attribute){.name = slice_of(kinds[kind].name)};
    if (kind == COMPUTED_MEMBER_OF)
        return place->kind == TREE_PERSON ? person_groups(computed->reader, dn, arena, ret) : 0;
    return is_membership(place) ? membership_values(computed, kind, place, arena, ret) : 0;
}

static int truth_values(struct computed *computed, const struct computed_leaf *leaf,
                        const struct tree_place *place, struct slice dn, enum truth *ret)
{
    struct arena *arena = arena_new();
    struct attribute attribute;
    int rc = values_of(computed, leaf->kind, place, dn, arena, &attribute);

    if (rc == 0) {
        *ret = leaf->present && attribute.value_count > 0 ? TRUTH_TRUE : TRUTH_FALSE;
        for (size_t i = 0; !leaf->present && i < attribute.value_count; i++)
            if (leaf->kind == COMPUTED_AFFILIATION
                    ? slice_equal_fold(attribute.values[i], leaf->value)
                    : slice_equal(attribute.values[i], leaf->value))
                *ret = TRUTH_TRUE;
    }
    arena_free(arena);
    return rc;
}

static enum truth truth_group(const struct computed_leaf *leaf, struct slice person)
{
    if (leaf->members == NULL)
        return TRUTH_UNDEFINED;
    return names_has(leaf->members, person) ? TRUTH_TRUE : TRUTH_FALSE;
}

int computed_truth(struct computed *computed, struct slice dn, enum truth *ret)
{
    bool self = reader_self(computed->reader, dn);
    struct tree_place place;
    int rc = tree_place(dn, computed->reader->base, &place);

    for (size_t i = 0; rc == 0 && i < computed->leaf_count; i++) {
        const struct computed_leaf *leaf = &computed->leaves[i];

        ret[i] = TRUTH_FALSE;
        if (leaf->present || leaf->kind == COMPUTED_SETTING || leaf->kind == COMPUTED_AFFILIATION)
            rc = truth_values(computed, leaf, &place, dn, &ret[i]);
        else if (leaf->kind == COMPUTED_MEMBER_OF && place.kind == TREE_PERSON)
            ret[i] = truth_group(leaf, dn);
        else if (leaf->kind == COMPUTED_PERMISSION && is_membership(&place))
            rc = truth_permission(computed, leaf, &place, self, &ret[i]);
    }
    return rc;
}

int computed_attributes(struct computed *computed, struct slice dn, struct arena *arena,
                        struct attribute *ret, size_t *ret_count)
{
    struct tree_place place;
    size_t count = 0;
    int rc = tree_place(dn, computed->reader->base, &place);

    for (enum computed_kind kind = 0; rc == 0 && kind < COMPUTED_KINDS; kind++) {
        if (!computed->wanted[kind])
            continue;
        rc = values_of(computed, kind, &place, dn, arena, &ret[count]);
        if (rc == 0 && ret[count].value_count > 0)
            count++;
    }
    if (rc == 0)
        *ret_count = count;
    return rc;
}

void computed_clear(struct computed *computed)
{
    for (size_t i = 0; i < computed->leaf_count; i++)
        names_free(computed->leaves[i].members);
    homes_free(computed->homes);
    computed->homes = NULL;
    computed->leaf_count = 0;
}
