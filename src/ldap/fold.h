/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Filters of which a part is known already: leaves whose truth somebody else has settled are
 * replaced, and what follows from them is worked out, so that the rest can be asked elsewhere. The
 * outcome is exact for the one question that a search puts: whether the whole filter is TRUE (RFC
 * 4511 4.5.1.7, three-valued). Constants are the empty AND and OR of RFC 4526.
 */
#ifndef USHER_LDAP_FOLD_H
#define USHER_LDAP_FOLD_H

#include "ldap/filter.h"

enum truth { TRUTH_FALSE, TRUTH_TRUE, TRUTH_UNDEFINED, TRUTH_UNKNOWN };

/* What is known of a leaf; TRUTH_UNKNOWN keeps it. */
typedef enum truth fold_leaf(void *context, const struct filter *leaf);

/* A copy of the filter in the arena, its bytes included, with every leaf put to on_leaf. The copy
 * is (&), (|) or a filter without any such constant. */
struct filter *filter_fold(const struct filter *filter, struct arena *arena, fold_leaf *on_leaf,
                           void *context);

/* Whether it is (&), or (|). */
bool filter_always(const struct filter *filter);
bool filter_never(const struct filter *filter);

/* New filters in the arena; values are not copied, parts of sets are (but not what is in them). */
struct filter *filter_equal(struct arena *arena, const char *attribute, struct slice value);

/* The AND of two; one of them may be NULL: then the other itself. */
struct filter *filter_both(struct arena *arena, struct filter *one, struct filter *other);

/* An empty OR, and one more part of an OR or AND. */
struct filter *filter_any(struct arena *arena);
void filter_add(struct arena *arena, struct filter *set, const struct filter *filter);

/* The string form (RFC 4515), terminated, in the arena. */
const char *filter_text(const struct filter *filter, struct arena *arena);

#endif
