/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sealed statements that the gateway makes to itself. The ticket carries a login from its password
 * step to its code step: any gateway with the keys reads it, nobody else can make or change one. An
 * enrolment is a TOTP secret that waits for the first code that proves it. Neither is remembered
 * here; a ticket may be shown again until it expires, and what it states is less than a login.
 */
#ifndef USHER_SECRET_TOKEN_H
#define USHER_SECRET_TOKEN_H

#include "secret/seal.h"
#include "secret/totp.h"

#include <stdint.h>

#define TICKET_LIFETIME_MS 300000
#define TICKET_SKEW_MS     10000 /* that another gateway's clock may be ahead of ours */
#define TICKET_PEER_MAX    96    /* bytes: printable ASCII without spaces, "uid:0" */
#define TICKET_PLAIN_MAX   (2 + 4 * 20 + TICKET_PEER_MAX)
#define TICKET_MAX         SEAL_MAX_OF(TICKET_PLAIN_MAX) /* with the byte 0 */

#define ENROLMENT_LIFETIME_MS 900000
#define ENROLMENT_MAX         (20 + SEAL_MAX_OF(TOTP_SECRET_MAX)) /* with the byte 0 */

enum ticket_factor { TICKET_PASSWORD = 1, TICKET_PIN = 2, TICKET_CODE = 4, TICKET_APP = 8 };
#define TICKET_FACTORS 15

/* To whom a ticket speaks. The slices belong to the caller. */
struct ticket_for {
    struct slice person;       /* usherId */
    struct slice organization; /* may be empty */
    struct slice peer;         /* who holds the connection: "uid:0", a service's DN hash */
    int64_t epoch; /* the person's usherAuthEpoch, 0 when absent: raising it ends tickets */
};

/* What it states. Times are ms since 1970. */
struct ticket {
    unsigned factors; /* bits of enum ticket_factor */
    int64_t issued_ms;
    int64_t expires_ms; /* at most TICKET_LIFETIME_MS after issued_ms */
};

/* Makes a ticket. ret has TICKET_MAX bytes. E_LIMIT when a field or the lifetime passes its bound,
 * E_SYNTAX for the peer, E_CRYPTO. */
int ticket_seal(const struct keys *keys, const struct ticket_for *whom, const struct ticket *ticket,
                char *ret);

/* Reads a ticket that must be for just these. E_CRYPTO: forged, changed, another person's or
 * another organization's. E_AUTH: genuine, but expired, issued more than TICKET_SKEW_MS after now,
 * for longer than a ticket lives, from another peer or an older epoch. */
int ticket_open(const struct keys *keys, const struct ticket_for *whom, struct slice sealed,
                int64_t now_ms, struct ticket *ret_ticket);

/* Makes the record of a pending enrolment: <expires ms> <sealed secret>, the time part of what is
 * sealed. ret has ENROLMENT_MAX bytes. E_LIMIT, E_CRYPTO. */
int enrolment_seal(const struct keys *keys, struct slice person, const void *secret, size_t len,
                   int64_t now_ms, char *ret);

/* Seals a record anew with the key that seals now; its time stays. ret has ENROLMENT_MAX bytes.
 * E_EXISTS, E_NOTFOUND, E_CRYPTO as seal_again. */
int enrolment_again(const struct keys *keys, struct slice person, struct slice record, char *ret);

/* Gives back the secret, which the caller clears. E_TIMEOUT after ENROLMENT_LIFETIME_MS; E_CRYPTO.
 */
int enrolment_open(const struct keys *keys, struct slice person, struct slice record,
                   int64_t now_ms, struct secret *ret_secret);

#endif
