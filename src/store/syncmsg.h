/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a server of RFC 4533 says beside the entries: the Sync State control (2.2) that comes with
 * each entry, and the Sync Info message (2.5); and the Sync Request control (2.2) that asks for
 * them. Bytes to structs and back, over liblber. Strict: what is not well formed to the last byte
 * is refused. Knows no connection and no state.
 */
#ifndef USHER_STORE_SYNCMSG_H
#define USHER_STORE_SYNCMSG_H

#include "base/mem.h"

#include <stdint.h>

#define SYNCMSG_UUID      16
#define SYNCMSG_UUIDS_MAX 65536 /* of one set; slapd sends 256 at a time */

enum syncmsg_kind { SYNCMSG_PRESENT, SYNCMSG_ADD, SYNCMSG_MODIFY, SYNCMSG_DELETE };

struct syncmsg_state {
    enum syncmsg_kind kind;
    uint8_t uuid[SYNCMSG_UUID];
    struct slice cookie; /* data NULL: none */
};

enum syncmsg_tag {
    SYNCMSG_NEW_COOKIE,
    SYNCMSG_REFRESH_DELETE,
    SYNCMSG_REFRESH_PRESENT,
    SYNCMSG_ID_SET,
};

struct syncmsg_info {
    enum syncmsg_tag tag;
    struct slice cookie;  /* data NULL: none */
    bool done;            /* REFRESH_...: the persist phase begins */
    bool deletes;         /* ID_SET: the entries are gone; else they are still there */
    const uint8_t *uuids; /* ID_SET: uuid_count of SYNCMSG_UUID bytes each */
    size_t uuid_count;
};

/* The value of a Sync State control. The cookie points into value. E_PROTO. */
int syncmsg_state(struct slice value, struct syncmsg_state *ret);

/* The value of a Sync Info message. The cookie points into value, the uuids into the arena.
 * E_PROTO, E_LIMIT beyond SYNCMSG_UUIDS_MAX. */
int syncmsg_info(struct slice value, struct arena *arena, struct syncmsg_info *ret);

/* The value of a Sync Request control for refreshAndPersist, in the arena; an empty cookie asks for
 * everything. E_NOMEM. */
int syncmsg_request(struct slice cookie, struct arena *arena, struct slice *ret);

#endif
