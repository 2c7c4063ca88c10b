/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The daemon's figures in the Prometheus text format (version 0.0.4): each family with its HELP and
 * TYPE lines, once. Nothing in it names a person.
 */
#ifndef USHER_SERVER_EXPOSITION_H
#define USHER_SERVER_EXPOSITION_H

#include "base/buffer.h"
#include "server/daemon.h"

/* Appends everything. E_NOMEM. Any thread. */
int exposition_write(struct daemon *daemon, struct buffer *out);

#endif
