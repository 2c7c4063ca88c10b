/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Change sequence numbers of OpenLDAP and the sync cookie that is made of them. A set holds at most
 * one for each server id, sorted by it; a set that covers another has seen everything that the
 * other stands for. Pure. Knows the fixed form of slapd 2.4 and later
 * ("20261121194116.123456Z#000000#000#000000": time, count, server id, modification), nothing else.
 */
#ifndef USHER_STORE_CSN_H
#define USHER_STORE_CSN_H

#include "base/mem.h"

#define CSN_LEN          40
#define CSN_SET_MAX      16 /* servers that ever wrote to one store */
#define CSN_COOKIE_WORDS "rid=000,csn="
#define CSN_COOKIE_MAX   (sizeof(CSN_COOKIE_WORDS) + CSN_SET_MAX * (CSN_LEN + 1))

struct csn {
    char text[CSN_LEN + 1];
};

struct csn_set {
    struct csn items[CSN_SET_MAX];
    size_t count;
};

/* Takes one CSN into the set: it replaces an older one of the same server id, and is dropped when
 * it is not newer. E_SYNTAX for what is no CSN, E_LIMIT beyond CSN_SET_MAX. */
int csn_set_add(struct csn_set *set, struct slice text);

/* Takes the CSNs of a cookie ("rid=000,sid=001,csn=A;B") into the set. Other fields are passed
 * over. E_SYNTAX for a csn field that does not parse (the set is then as it was), E_LIMIT. */
int csn_set_add_cookie(struct csn_set *set, struct slice cookie);

/* Whether set holds, for each server id in other, the same CSN or a newer one. Every set covers the
 * empty one. */
bool csn_set_covers(const struct csn_set *set, const struct csn_set *other);

/* The CSNs joined by ";" into buf (CSN_COOKIE_MAX bytes). Returns buf. */
char *csn_set_format(const struct csn_set *set, char *buf);

/* The cookie that asks for everything after the set, into buf (CSN_COOKIE_MAX bytes); empty for the
 * empty set. Returns buf. */
char *csn_set_cookie(const struct csn_set *set, char *buf);

#endif
