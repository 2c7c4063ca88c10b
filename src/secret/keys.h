/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The keys of one key file: what seal.c needs to know of them, and nobody else. Making, loading and
 * freeing them is in seal.h.
 */
#ifndef USHER_SECRET_KEYS_H
#define USHER_SECRET_KEYS_H

#include "secret/seal.h"

#define KEY_SIZE 32

struct key {
    char id[SEAL_KEY_ID_MAX + 1];
    unsigned char bytes[KEY_SIZE];
};

struct keys {
    unsigned count;
    struct key key[SEAL_KEYS_MAX]; /* the last one seals */
};

/* The key with this id, or NULL. It belongs to keys. */
const struct key *keys_find(const struct keys *keys, struct slice id);

#endif
