/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A published rights table in a folder of its own, for programs that read it as libusher does.
 * Works in cmocka tests only, since it asserts.
 */
#ifndef USHER_TESTS_USHER_FIXTURE_H
#define USHER_TESTS_USHER_FIXTURE_H

#include "cache/table.h"
#include "client/usher.h"
#include "fake.h"

#define MAX_AGE_MS 60000

struct usher_listed {
    const char *id;
    bool factor;
};

/* Makes a table at path, or the next one there, with these permissions as bits 0, 1 ...: acme's
 * alice holds the first two; bob holds nothing; of carol the table cannot tell, for her profile was
 * never written. */
struct table *usher_table_of(const char *path, const char *csn,
                             const struct usher_listed *permissions, size_t count);

/* One in which alice holds ticket:delete and, with a second factor, ticket:refund. */
struct table *usher_table(const char *path, const char *csn);

struct setting {
    char folder[FAKE_PATH_MAX / 2];
    char path[FAKE_PATH_MAX];
    struct table *table;
    struct usher *usher;
};

/* Such a table and a handle that reads it, and asks the daemon at uri for what it cannot tell. */
void setting_start(struct setting *setting, const char *uri);
void setting_stop(struct setting *setting);

#endif
