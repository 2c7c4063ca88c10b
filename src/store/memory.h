/* SPDX-License-Identifier: BSD-2-Clause
 *
 * libldap frees what it sent and received as it is, passwords among it. From the call on, its
 * memory, and liblber's, is wiped when it is freed.
 */
#ifndef USHER_STORE_MEMORY_H
#define USHER_STORE_MEMORY_H

/* Once, before anything of libldap is used. E_IO when liblber already has other functions. */
int store_memory_wipe(void);

#endif
