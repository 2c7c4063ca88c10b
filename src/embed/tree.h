/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What every store holds from the start, as LDIF: the base's own entry and the branches below it,
 * the password policy, the platform; and the ledger's first entry, which is a database of its own.
 */
#ifndef USHER_EMBED_TREE_H
#define USHER_EMBED_TREE_H

#include "embed/base_dn.h"

/* The entries of the main database and of the ledger, on the heap. */
char *tree_main(const struct base_dn *base);
char *tree_ledger(const struct base_dn *base);

#endif
