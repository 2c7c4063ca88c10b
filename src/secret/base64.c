/* SPDX-License-Identifier: BSD-2-Clause */
#include "secret/base64.h"

#include "base/err.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

void base64_encode(const void *bytes, size_t len, char *ret)
{
    assert(len <= BASE64_MAX);
    EVP_EncodeBlock((unsigned char *)ret, bytes, (int)len);
}

int base64_decode(struct slice text, void *ret, size_t size, size_t *ret_len)
{
    unsigned char bytes[BASE64_MAX + 3];
    char again[BASE64_SIZE(BASE64_MAX)];
    size_t len;
    int err = E_SYNTAX, got;

    if (text.len == 0 || text.len % 4 != 0)
        return E_SYNTAX;
    if (text.len >= BASE64_SIZE(BASE64_MAX))
        return E_LIMIT;
    got = EVP_DecodeBlock(bytes, (const unsigned char *)text.data, (int)text.len);
    if (got <= 0)
        goto out;
    len = (size_t)got;
    len -= text.data[text.len - 1] == '=' ? 1 : 0;
    len -= text.data[text.len - 2] == '=' ? 1 : 0;
    base64_encode(bytes, len, again);
    if (!slice_is(text, again))
        goto out;
    if (len > size) {
        err = E_LIMIT;
        goto out;
    }
    memcpy(ret, bytes, len);
    *ret_len = len;
    err = 0;
out:
    mem_wipe(bytes, sizeof(bytes));
    mem_wipe(again, sizeof(again));
    return err;
}
