/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the layers say of one permission, value by value: the one that speaks, then those that it
 * overrides and those that were skipped. Reads the values themselves, not the profiles that
 * decide() was given.
 */
#include "base/err.h"
#include "base/log.h"
#include "cache/explaining.h"
#include "ldap/dn.h"

#include <stdio.h>
#include <string.h>

/* Of three names and the words around them. */
#define HOLDER_WORDS "the role , included by , of the group  with"
#define HOLDER_MAX   (3 * TREE_NAME_MAX + sizeof(HOLDER_WORDS))
#define RANKS        4 /* scopes from an object's own to none at all */

/* The first layer of each membership, and one more than the last of all. */
static const unsigned first_layer[MEMBERSHIP_KINDS + 1] = {1, 3, 6, 9};

/* The value of the first RDN. */
static struct slice name_of(struct slice dn)
{
    struct slice type, value;

    return dn_rdn_split(dn_rdn(dn), &type, &value) == 0 ? value : dn;
}

/* Which value of a layer speaks of the permission for the query's object; -1: it does not, else the
 * less the narrower. */
static int rank_of(const struct explainer *explainer, const struct view_value *value,
                   struct slice id, struct grant *ret)
{
    struct scope asked = explainer->query.scope;

    if (grant_parse(value->value, ret) != 0 || !grant_covers(ret, id))
        return -1;
    if (ret->scope.kind == SCOPE_EVENT && ret->scope.organization.len == 0)
        ret->scope.organization = value->organization;
    for (int rank = 0; asked.kind != SCOPE_NONE; rank++, asked = scope_wider(&asked))
        if (scope_compare(&asked, &ret->scope) == 0)
            return rank;
    return ret->scope.kind == SCOPE_NONE ? RANKS : -1;
}

/* Who holds the value, in words. */
static const char *holder(const struct view_value *value, char buf[HOLDER_MAX])
{
    struct slice name = name_of(value->dn);
    int used;

    switch (value->layer) {
    case 1:
        return "the event membership's own value";
    case 3:
        return "the membership's own value";
    case 6:
        return "the platform membership's own value";
    case 4:
    case 7:
        (void)snprintf(buf, HOLDER_MAX, "the group %.*s with", SLICE_ARG(name));
        return buf;
    default:
        break;
    }
    used = snprintf(buf, HOLDER_MAX, "the role %.*s", SLICE_ARG(name));
    if (value->included_by.len > 0)
        used += snprintf(buf + used, HOLDER_MAX - (size_t)used, ", included by %.*s,",
                         SLICE_ARG(name_of(value->included_by)));
    if (memmem(value->via.data, value->via.len, ",ou=groups,", 11) != NULL)
        used += snprintf(buf + used, HOLDER_MAX - (size_t)used, " of the group %.*s",
                         SLICE_ARG(name_of(value->via)));
    (void)snprintf(buf + used, HOLDER_MAX - (size_t)used, " with");
    return buf;
}

/* The value that speaks for a membership, or NULL. */
static const struct view_value *speaker(const struct explainer *explainer,
                                        enum membership_kind kind, struct slice id)
{
    const struct view_value *best = NULL;
    struct grant grant, best_grant = {0};
    int best_rank = 0;

    for (size_t i = 0; i < explainer->grants.count; i++) {
        const struct view_value *value = &explainer->grants.values[i];
        int rank;

        if (!value->counts || value->layer < first_layer[kind] ||
            value->layer >= first_layer[kind + 1])
            continue;
        rank = rank_of(explainer, value, id, &grant);
        if (rank < 0)
            continue;
        if (best == NULL || value->layer < best->layer ||
            (value->layer == best->layer &&
             (rank < best_rank || (rank == best_rank && grant.denial && !best_grant.denial)))) {
            best = value;
            best_grant = grant;
            best_rank = rank;
        }
    }
    return best;
}

/* A value that says something and is not heard. */
static void say_other(struct explainer *explainer, const struct view_value *value,
                      const struct view_value *best, struct slice id)
{
    char words[HOLDER_MAX], quoted[LOG_QUOTE_MAX];
    struct grant grant, best_grant = {0};
    int rank = rank_of(explainer, value, id, &grant);
    int best_rank = best != NULL ? rank_of(explainer, best, id, &best_grant) : 0;

    if (grant_parse(value->value, &grant) != 0) {
        explain_say(explainer, 8, value->dn, "layer %u: %s %s does not count: %s", value->layer,
                    holder(value, words), log_quote(value->value, quoted), value->why);
        return;
    }
    if (rank < 0)
        return;
    if (!value->counts)
        explain_say(explainer, 8, value->dn, "layer %u: %s %.*s does not count: %s", value->layer,
                    holder(value, words), SLICE_ARG(value->value), value->why);
    else if (best == NULL || value->layer != best->layer)
        explain_say(explainer, 8, value->dn, "layer %u: %s %.*s is overridden by layer %u",
                    value->layer, holder(value, words), SLICE_ARG(value->value),
                    best != NULL ? best->layer : 0);
    else
        explain_say(explainer, 8, value->dn, "layer %u: %s %.*s %s", value->layer,
                    holder(value, words), SLICE_ARG(value->value),
                    rank != best_rank                   ? "is overridden by the narrower scope"
                    : grant.denial != best_grant.denial ? "is beaten by the denial"
                                                        : "says the same");
}

/* Says which value speaks; a denial decides. */
static void say_best(struct explainer *explainer, const struct view_value *best, struct slice id,
                     bool required)
{
    char words[HOLDER_MAX];
    struct grant grant;

    (void)rank_of(explainer, best, id, &grant);
    if (grant.denial) {
        explain_decide(explainer, E_DENIED, 8, best->dn, "layer %u: %s %.*s denies %.*s: denied",
                       best->layer, holder(best, words), SLICE_ARG(best->value), SLICE_ARG(id));
        return;
    }
    if (!required)
        explainer->granting = explainer->count;
    explain_say(explainer, 8, best->dn, "layer %u: %s %.*s grants %.*s", best->layer,
                holder(best, words), SLICE_ARG(best->value), SLICE_ARG(id));
}

/* The membership whose layers speak first, or MEMBERSHIP_KINDS. */
static enum membership_kind first_speaker(const struct explainer *explainer, struct slice id,
                                          const struct view_value **ret_best)
{
    *ret_best = NULL;
    for (enum membership_kind kind = 0; kind < MEMBERSHIP_KINDS; kind++) {
        if (!explainer->valid[kind])
            continue;
        if (explainer->subject.denied_all[kind])
            return kind;
        *ret_best = speaker(explainer, kind, id);
        if (*ret_best != NULL)
            return kind;
    }
    return MEMBERSHIP_KINDS;
}

bool explain_layers(struct explainer *explainer, struct slice id, bool required)
{
    const struct view_value *best;
    enum membership_kind kind = first_speaker(explainer, id, &best);

    if (best != NULL)
        say_best(explainer, best, id, required);
    else if (kind < MEMBERSHIP_KINDS)
        explain_decide(explainer, E_DENIED, 8, explainer->subject.membership_dn[kind],
                       "the membership has more scopes than can be told apart, and is denied all");
    for (size_t i = 0; i < explainer->grants.count; i++)
        if (&explainer->grants.values[i] != best)
            say_other(explainer, &explainer->grants.values[i], best, id);
    if (kind == MEMBERSHIP_KINDS)
        explain_decide(explainer, E_DENIED, 8, explainer->subject.membership_dn[MEMBERSHIP_OWN],
                       "no layer says anything of %.*s: denied", SLICE_ARG(id));
    return !explainer->decided;
}

const struct view_value *explain_setting(const struct explainer *explainer, bool own_only,
                                         const char *name, struct slice *ret_value)
{
    const struct view_value *best = NULL;
    struct slice best_text = {0};

    for (size_t i = 0; i < explainer->settings.count; i++) {
        const struct view_value *value = &explainer->settings.values[i];
        bool own = (value->layer >= first_layer[MEMBERSHIP_OWN] &&
                    value->layer < first_layer[MEMBERSHIP_PLATFORM]) ||
                   value->layer == VIEW_LAYER_ORGANIZATION;
        struct slice its_name, text;

        if (!value->counts || (own_only && !own) ||
            setting_parse(value->value, &its_name, &text) != 0 || !slice_is(its_name, name))
            continue;
        if (best == NULL || value->layer < best->layer ||
            (value->layer == best->layer && slice_compare(text, best_text) > 0)) {
            best = value;
            best_text = text;
        }
    }
    if (best != NULL)
        *ret_value = best_text;
    return best;
}
