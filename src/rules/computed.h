/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Attributes that are computed and never stored (DESIGN 3): usherPermission, usherEffectiveSetting
 * and usherAffiliation of a membership, memberOf of a person. Their values for an entry that is
 * returned, and the truth of assertions on them, so that a filter may mix them with stored ones: an
 * equality or presence assertion is a leaf, of which a few different ones may stand in a filter.
 * All answers of one search rest on one view of the cache.
 */
#ifndef USHER_RULES_COMPUTED_H
#define USHER_RULES_COMPUTED_H

#include "base/log.h"
#include "cache/tree.h"
#include "rules/read.h"

#define COMPUTED_LEAVES_MAX 4
#define COMPUTED_TEXT_MAX   (LOG_QUOTE_MAX + 96) /* words of ours, and a value in quotes */

enum computed_kind {
    COMPUTED_PERMISSION,
    COMPUTED_SETTING,
    COMPUTED_AFFILIATION,
    COMPUTED_MEMBER_OF,
    COMPUTED_KINDS
};

struct computed_leaf {
    enum computed_kind kind;
    bool present; /* asks for any value */
    struct slice value;
    struct query query;    /* usherPermission */
    struct names *members; /* memberOf: who is in the group; NULL: the reader may not know */
};

struct computed {
    /* Given: */
    struct reader *reader; /* prepared */
    struct view *view;
    bool wanted[COMPUTED_KINDS]; /* asked for as attributes */

    struct computed_leaf leaves[COMPUTED_LEAVES_MAX];
    size_t leaf_count;
    struct homes *homes;          /* who is internal where, of the organization in hand */
    char text[COMPUTED_TEXT_MAX]; /* says what is wrong with an assertion */
};

/* The computed attribute of this exact name (any case), or COMPUTED_KINDS. */
enum computed_kind computed_kind(struct slice name);
const char *computed_name(enum computed_kind kind);

/* Whether the leaf of a filter is an assertion on a computed attribute. */
bool computed_leaf(const struct filter *leaf);

/* Takes the leaf in, and, the first time, reads what it needs. E_SYNTAX for a value that does not
 * parse, E_NOPERM for a permission that is not in the catalogue, E_NOTFOUND for an event that does
 * not exist in organization (that of the search's base, or empty), E_LIMIT when the leaves are too
 * many, with text set; errors of store and state. Assertions of other kinds (substrings ...) are
 * taken in as well and are Undefined everywhere. */
int computed_add(struct computed *computed, const struct filter *leaf, struct slice organization);

/* Which of the leaves it is; leaf_count for one that is Undefined everywhere. */
size_t computed_index(const struct computed *computed, const struct filter *leaf);

/* The truth of each leaf for the entry at a normalized DN. Errors of store and state. */
int computed_truth(struct computed *computed, struct slice dn, enum truth *ret);

/* The object class that an entry must have for the leaf to be TRUE there. */
const char *computed_class(const struct computed_leaf *leaf);

/* The wanted attributes of the entry, those without a value left out, in the arena. ret has room
 * for COMPUTED_KINDS. */
int computed_attributes(struct computed *computed, struct slice dn, struct arena *arena,
                        struct attribute *ret, size_t *ret_count);

/* Frees what it holds. */
void computed_clear(struct computed *computed);

#endif
