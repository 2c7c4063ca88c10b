/* SPDX-License-Identifier: BSD-2-Clause */
#include "secret/letters.h"

#include "base/err.h"

#include <openssl/rand.h>
#include <string.h>

#define ALPHABET 26

/* Bytes above the last whole alphabet are thrown away. */
int letters_draw(size_t count, char *ret)
{
    unsigned char byte;

    for (size_t i = 0; i < count; i++) {
        do {
            if (RAND_priv_bytes(&byte, 1) != 1)
                return E_CRYPTO;
        } while (byte >= 256 - 256 % ALPHABET);
        ret[i] = (char)('a' + byte % ALPHABET);
    }
    mem_wipe(&byte, sizeof(byte));
    return 0;
}

void letters_show(const char *letters, size_t count, size_t group, char *ret)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && i % group == 0)
            *ret++ = '-';
        *ret++ = letters[i];
    }
    *ret = '\0';
}

int letters_read(struct slice typed, size_t count, char *ret)
{
    char letters[LETTERS_MAX];
    size_t found = 0;
    int err = count <= sizeof(letters) ? 0 : E_SYNTAX;

    for (size_t i = 0; err == 0 && i < typed.len; i++) {
        char c = typed.data[i];

        if (c == ' ' || c == '-')
            continue;
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c < 'a' || c > 'z' || found == count)
            err = E_SYNTAX;
        else
            letters[found++] = c;
    }
    if (err == 0 && found != count)
        err = E_SYNTAX;
    if (err == 0)
        memcpy(ret, letters, count);
    mem_wipe(letters, sizeof(letters));
    return err;
}
