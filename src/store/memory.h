/* SPDX-License-Identifier: BSD-2-Clause
 *
 * libldap frees what it sent and received as it is, passwords among it. From the call on, what the
 * process frees is overwritten, whoever frees it: larger blocks at once, small ones when they leave
 * the cache of their thread.
 */
#ifndef USHER_STORE_MEMORY_H
#define USHER_STORE_MEMORY_H

/* Once, before there is a secret. AddressSanitizer keeps what was freed, and makes nothing of it.
 */
void store_memory_wipe(void);

#endif
