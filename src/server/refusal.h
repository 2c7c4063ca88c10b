/* SPDX-License-Identifier: BSD-2-Clause
 *
 * When a refused login, or anything else that must tell nothing by its time, is answered: at a
 * fixed time after it arrived, whatever it was refused for
 * and however long that took to find out (DESIGN 6). What takes longer is answered at the next
 * multiple of that time. No thread waits meanwhile. Belongs to one loop, as its connections do;
 * knows nothing of why.
 */
#ifndef USHER_SERVER_REFUSAL_H
#define USHER_SERVER_REFUSAL_H

#include <stdint.h>

struct attempt;
struct loop;
struct refusals;

/* NULL when the kernel gives no timer (errno says why). */
struct refusals *refusals_new(struct loop *loop);

/* Answers what is still held. NULL is fine. */
void refusals_free(struct refusals *refusals);

/* Holds an attempt back until the first multiple of after_ms (more than 0) from its arrival that
 * is to come, and not before it is ready, and has it answered then. No more are held than requests
 * may wait. */
void refusals_hold(struct refusals *refusals, struct attempt *attempt, int64_t after_ms);

/* The first instant after now_ns that is a multiple (1 or more) of after_ms from arrived_ns. */
int64_t refusal_due_ns(int64_t arrived_ns, int64_t now_ns, int64_t after_ms);

#endif
