/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Names what is wrong with an entry by itself: values that do not parse, references that point
 * where they may not, a membership whose name is not its person's. Such things are skipped where
 * they are used; this is who says so, when the entry comes or changes.
 */
#ifndef USHER_CACHE_INSPECT_H
#define USHER_CACHE_INSPECT_H

#include "cache/entry.h"

void inspect(const struct entry *entry, struct slice base, struct problems *problems);

#endif
