/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The daemon's figures as the attributes of cn=monitor: a table of name and value, in words that
 * usherctl status prints as they are.
 */
#ifndef USHER_SERVER_MONITOR_H
#define USHER_SERVER_MONITOR_H

#include "server/loop.h"

#define MONITOR_MAX       64
#define MONITOR_VALUE_MAX 800 /* a base of 256 bytes, each escaped */

struct monitor {
    size_t count;
    struct {
        const char *name;
        struct slice value;
    } row[MONITOR_MAX];
    char text[MONITOR_MAX][MONITOR_VALUE_MAX];
};

/* Fills in the rows; returns how many. The values live in the struct. */
size_t monitor_read(struct loop *loop, struct monitor *ret);

#endif
