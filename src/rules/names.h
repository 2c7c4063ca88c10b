/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A large set of names read from the store: filled once, then only looked at.
 */
#ifndef USHER_RULES_NAMES_H
#define USHER_RULES_NAMES_H

#include "base/mem.h"

#define NAMES_MAX 1000000

struct names;

struct names *names_new(void);
void names_free(struct names *names); /* NULL is fine */

/* Copies the name in. E_LIMIT beyond NAMES_MAX. */
int names_add(struct names *names, struct slice name);

/* No more will be added: from here on names_has may be asked. */
void names_done(struct names *names);
bool names_has(const struct names *names, struct slice name);

#endif
