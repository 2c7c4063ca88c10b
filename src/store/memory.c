/* SPDX-License-Identifier: BSD-2-Clause
 *
 * liblber's own hooks (LBER_OPT_MEMORY_FNS) are of no use: without a context, which libldap never
 * gives, they are not called. glibc's knob for finding errors does it for every library.
 */
#include "store/memory.h"

#include <malloc.h>

#define FREED                                                                                      \
    0xff /* what is freed is full of it, and what is allocated full of its complement, 0 */

void store_memory_wipe(void)
{
    (void)mallopt(M_PERTURB, FREED);
}
