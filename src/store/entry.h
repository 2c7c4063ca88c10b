/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Entries of the store, read and changed with usherd's identity. Each call is one LDAP operation on
 * a connection of the work pool, and one call is all or nothing (the store changes entries one by
 * one). DNs and filters are what LDAP takes; results live in the caller's arena. Knows no rules and
 * no schema. Errors of any call: see store/pool.h.
 */
#ifndef USHER_STORE_ENTRY_H
#define USHER_STORE_ENTRY_H

#include "ldap/message.h"
#include "store/pool.h"

struct store_entry {
    struct slice dn;              /* as the store writes it, terminated */
    struct attribute *attributes; /* names lower case, options kept; values terminated */
    size_t attribute_count;
};

/* The attribute of this (lower case) name, or NULL. */
const struct attribute *store_attribute(const struct store_entry *entry, const char *name);

/* Its first value, or the empty slice with data NULL. */
struct slice store_value(const struct store_entry *entry, const char *name);

/* Reads one entry. attributes: names, NULL-terminated ("*" and "+" as in LDAP); NULL: all user
 * attributes. E_NOTFOUND, E_SYNTAX (a DN that is none). */
int store_read(struct store *store, struct arena *arena, struct slice dn,
               const char *const *attributes, int64_t deadline_ms, struct store_entry *ret);

/* Finds at most max entries. scope as in RFC 4511 4.5.1.2 (0 base, 1 one level, 2 subtree, 3
 * below). filter in the text form (RFC 4515). No entry is no error. E_LIMIT when there are more
 * than max (or the store cut the list), E_NOTFOUND when base does not exist, E_SYNTAX for a filter
 * or DN that does not parse. Never a part of the list. */
int store_find(struct store *store, struct arena *arena, struct slice base, int scope,
               const char *filter, const char *const *attributes, size_t max, int64_t deadline_ms,
               struct store_entry **ret, size_t *ret_count);

/* Changes. When the store refuses, *text (may be NULL) is what it says, in the arena: it is for the
 * log and for people, not for programs. E_EXISTS, E_NOTFOUND, E_ACCESS, E_SYNTAX, E_UNWILLING
 * (schema, policy, uniqueness, a parent with children ...); E_CONFLICT when a value to delete is
 * not there, a value to add is there already, or the assertion does not hold. */
int store_add(struct store *store, struct arena *arena, struct slice dn,
              const struct attribute *attributes, size_t attribute_count, int64_t deadline_ms,
              struct slice *text);

/* assertion: a filter (RFC 4528) that must hold of the entry for the change to happen; NULL: none.
 */
int store_modify(struct store *store, struct arena *arena, struct slice dn,
                 const struct modification *changes, size_t change_count, const char *assertion,
                 int64_t deadline_ms, struct slice *text);

int store_delete(struct store *store, struct arena *arena, struct slice dn, const char *assertion,
                 int64_t deadline_ms, struct slice *text);

/* What is in an entry that libldap has received, copied to the arena. E_PROTO. */
int store_decode(LDAP *ld, LDAPMessage *message, struct arena *arena, struct store_entry *ret);

#endif
