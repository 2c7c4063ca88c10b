/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a supervisor that started us with NOTIFY_SOCKET set (systemd, Type=notify) is told of our
 * state: sd_notify(3), in the few lines that it takes. Without the variable nothing is sent.
 */
#ifndef USHER_SERVER_SUPERVISOR_H
#define USHER_SERVER_SUPERVISOR_H

/* Sends lines such as "READY=1". 0 also when nobody asked to be told; E_IO, E_LIMIT for a socket's
 * name that will not do. */
int supervisor_tell(const char *lines);

#endif
