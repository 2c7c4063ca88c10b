/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where a code went, told so that its owner knows the address and nobody else learns it:
 * a***@example.org, ***12. The number of stars says nothing about the length.
 */
#ifndef USHER_NOTIFY_MASK_H
#define USHER_NOTIFY_MASK_H

#include "base/mem.h"

#define MASK_MAX 264 /* with the byte 0 */

/* Masks a mail address: the first letter and the domain stay. What is no mail address becomes
 * "***". ret has MASK_MAX bytes. Returns ret. */
char *mask_mail(struct slice address, char *ret);

/* Masks a telephone number: its last two digits stay; with fewer than six digits none does. ret has
 * MASK_MAX bytes. Returns ret. */
char *mask_mobile(struct slice number, char *ret);

#endif
