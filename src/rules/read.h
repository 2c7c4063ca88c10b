/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who may read what of the tree (DESIGN 5). A reader is prepared once for an answer; then each
 * entry is judged by its DN, and a person by the organizations that they belong to as well. What no
 * rule names is not readable. Secrets are readable by nobody: neither returned nor asserted on.
 */
#ifndef USHER_RULES_READ_H
#define USHER_RULES_READ_H

#include "cache/rights.h"
#include "cache/view.h"
#include "ldap/dn.h"
#include "ldap/fold.h"
#include "store/entry.h"

/* Whether the person holds directory:read in the organization (both folded): as the state says, or
 * as the table does. 0; E_ACCESS; or what kept it from telling: errors of view_decide and of
 * rights_check. */
int read_decide(struct view *view, struct slice organization, struct slice person,
                enum factor factor, int64_t now_ms);
int read_check(const struct rights *rights, struct slice organization, struct slice person,
               enum factor factor, int64_t now_ms);

enum reader_kind {
    READER_NOBODY,
    READER_ADMINISTRATOR, /* everything but secrets and the ledger */
    READER_TRUSTED,       /* a trusted peer or service of the base: the same but ou=work */
    READER_SERVICE,       /* of an organization: its subtree and people */
    READER_PERSON,        /* themself, and where they hold directory:read */
};

struct reader_place {
    struct slice name;
    bool readable;
};

struct reader {
    /* Given: */
    enum reader_kind kind;
    char name[65];         /* person: uid */
    char organization[65]; /* service */
    char dn[DN_MAX];       /* person: normalized, terminated */
    enum factor factor;    /* person: of the session */
    struct slice base;     /* of the tree, normalized */
    struct store *store;
    struct view *view; /* person */
    struct arena *arena;
    int64_t now_ms;      /* wall clock */
    int64_t deadline_ms; /* monotonic, of the whole answer */
    int64_t silence_ms;  /* the longest that one question to the store may take */

    /* Found by reader_prepare: */
    struct slice *own; /* person: normalized DNs of their memberships, event memberships too */
    size_t own_count;
    struct reader_place *organizations; /* person: those judged so far */
    size_t organization_count, organization_room;
    bool platform; /* person: reads o=platform, so perhaps any organization */
};

/* Finds out what the reader's identity means. E_ACCESS for nobody; errors of the store and of the
 * state. */
int reader_prepare(struct reader *reader);

/* Whether the reader may search below this (normalized) DN at all: it is readable, or what is
 * readable lies below it. 0; E_NOTFOUND when it must look as if it were not there; errors of the
 * store. */
int reader_base(struct reader *reader, struct slice dn);

/* A filter that all entries below base pass that the reader may read; others may pass it too. NULL:
 * none is needed. In the reader's arena. */
struct filter *reader_filter(struct reader *reader, struct slice base);

/* Whether reader_entry wants to know of usherBelongsTo. */
bool reader_needs_belongs(const struct reader *reader);

/* Whether the entry at a normalized DN may be read. belongs: its usherBelongsTo, or NULL. 0 or
 * E_ACCESS; errors of the state. */
int reader_entry(struct reader *reader, struct slice dn, const struct attribute *belongs);

/* Whether the DN is the person's own entry or membership: what they did counts there, not what is
 * claimed. */
bool reader_self(const struct reader *reader, struct slice dn);

/* The deadline of a question to the store that is put now. */
int64_t reader_deadline(const struct reader *reader);

/* The organization in whose subtree a normalized DN below the base lies; empty: in none. */
struct slice reader_organization(const struct reader *reader, struct slice dn);

/* Whether an attribute description (or OID) names a secret. */
bool secret_attribute(struct slice description);

/* A fold_leaf: Undefined for an assertion that could touch a secret. */
enum truth secret_leaf(void *context, const struct filter *leaf);

#endif
