/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Defects of the data on their way to whoever listens: each told once till the entry that has it
 * changes, so that a circle that a million people hold is one line, and one line only however often
 * it is met. Bounded: beyond PROBLEMS_MAX different ones the rest is left out, and the last one
 * told says so.
 */
#ifndef USHER_CACHE_PROBLEM_H
#define USHER_CACHE_PROBLEM_H

#include "base/mem.h"

#define PROBLEMS_MAX 4096

struct problems;

typedef void on_problem(void *context, struct slice dn, const char *text);

/* listener may be NULL. */
struct problems *problems_new(on_problem *listener, void *context);
void problems_free(struct problems *problems); /* NULL is fine */
void problems_forget(struct problems *problems);
bool problems_full(const struct problems *problems);

/* Tells of a defect of the entry at dn. value is quoted behind the text when it is not empty.
 * problems NULL: nobody listens. */
void problem_tell(struct problems *problems, struct slice dn, const char *text, struct slice value);

/* Forgets what was told of the entry at dn before the mark and not again since. */
uint64_t problems_mark(const struct problems *problems);
void problems_forget_of(struct problems *problems, struct slice dn, uint64_t mark);

#endif
