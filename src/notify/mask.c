/* SPDX-License-Identifier: BSD-2-Clause */
#include "notify/mask.h"

#include "notify/mail.h"

#include <stdio.h>
#include <string.h>

_Static_assert(MASK_MAX > MAIL_ADDRESS_MAX + 3, "the longest address, masked, fits");

#define TAIL       2
#define LEAST_TAIL 6 /* digits below which two of them would tell too much */

char *mask_mail(struct slice address, char *ret)
{
    const char *at;

    if (mail_address_check(address) < 0) {
        strcpy(ret, "***");
        return ret;
    }
    at = memrchr(address.data, '@', address.len);
    snprintf(ret, MASK_MAX, "%c***%.*s", address.data[0], (int)(address.data + address.len - at),
             at);
    return ret;
}

char *mask_mobile(struct slice number, char *ret)
{
    char last[TAIL] = {0};
    size_t digits = 0;

    for (size_t i = 0; i < number.len; i++) {
        if (number.data[i] < '0' || number.data[i] > '9')
            continue;
        last[0] = last[1];
        last[1] = number.data[i];
        digits++;
    }
    snprintf(ret, MASK_MAX, "***%.*s", digits >= LEAST_TAIL ? TAIL : 0, last);
    return ret;
}
