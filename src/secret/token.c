/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The plain text of a ticket is `1 factors issued expires epoch peer`; person and organization are
 * in the additional data.
 */
#include "secret/token.h"

#include "base/err.h"
#include "secret/field.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TIME_MOST 999999999999999 /* ms: far beyond any clock, and its sums do not overflow */

static struct seal_for ticket_what(const struct ticket_for *whom)
{
    return (struct seal_for){slice_of(SEAL_TICKET), whom->person, whom->organization};
}

static int valid_peer(struct slice peer)
{
    if (peer.len == 0 || peer.len > TICKET_PEER_MAX)
        return E_LIMIT;
    for (size_t i = 0; i < peer.len; i++)
        if (peer.data[i] <= ' ' || peer.data[i] > '~')
            return E_SYNTAX;
    return 0;
}

_Static_assert(TICKET_PLAIN_MAX <= SEAL_PLAIN_MAX, "a ticket can be sealed");

int ticket_seal(const struct keys *keys, const struct ticket_for *whom, const struct ticket *ticket,
                char *ret)
{
    struct seal_for what = ticket_what(whom);
    char plain[TICKET_PLAIN_MAX + 1];
    int len, err = valid_peer(whom->peer);

    if (err < 0)
        return err;
    if (ticket->factors > TICKET_FACTORS || whom->epoch < 0 || whom->epoch > TIME_MOST ||
        ticket->issued_ms < 0 || ticket->issued_ms > TIME_MOST ||
        ticket->expires_ms < ticket->issued_ms ||
        ticket->expires_ms - ticket->issued_ms > TICKET_LIFETIME_MS)
        return E_LIMIT;
    len = snprintf(plain, sizeof(plain), "1 %u %" PRId64 " %" PRId64 " %" PRId64 " %.*s",
                   ticket->factors, ticket->issued_ms, ticket->expires_ms, whom->epoch,
                   SLICE_ARG(whom->peer));
    return seal_close(keys, &what, plain, (size_t)len, ret);
}

int ticket_open(const struct keys *keys, const struct ticket_for *whom, struct slice sealed,
                int64_t now_ms, struct ticket *ret_ticket)
{
    struct seal_for what = ticket_what(whom);
    struct secret plain;
    struct slice rest, peer;
    struct ticket ticket;
    int64_t version, factors, epoch;
    int err;

    if (sealed.len >= TICKET_MAX)
        return E_CRYPTO;
    err = seal_open(keys, &what, sealed, &plain);
    if (err < 0)
        return err;
    rest = secret_slice(&plain);
    if (field_next_number(&rest, &version) < 0 || version != 1 ||
        field_next_number(&rest, &factors) < 0 || factors > TICKET_FACTORS ||
        field_next_number(&rest, &ticket.issued_ms) < 0 ||
        field_next_number(&rest, &ticket.expires_ms) < 0 || field_next_number(&rest, &epoch) < 0 ||
        field_next(&rest, &peer) < 0 || rest.len != 0) {
        err = E_CRYPTO;
        goto out;
    }
    ticket.factors = (unsigned)factors;
    if (now_ms >= ticket.expires_ms || now_ms < ticket.issued_ms - TICKET_SKEW_MS ||
        ticket.expires_ms > ticket.issued_ms + TICKET_LIFETIME_MS || epoch != whom->epoch ||
        !slice_equal(peer, whom->peer))
        err = E_AUTH;
    else
        *ret_ticket = ticket;
out:
    secret_clear(&plain);
    return err;
}

static struct seal_for enrolment_what(struct slice person, int64_t expires_ms, char buf[48])
{
    int len = snprintf(buf, 48, SEAL_ENROLMENT " %" PRId64, expires_ms);

    return (struct seal_for){.purpose = {buf, (size_t)len}, .person = person};
}

int enrolment_seal(const struct keys *keys, struct slice person, const void *secret, size_t len,
                   int64_t now_ms, char *ret)
{
    int64_t expires_ms = now_ms + ENROLMENT_LIFETIME_MS;
    char purpose[48], sealed[SEAL_MAX_OF(TOTP_SECRET_MAX)];
    struct seal_for what = enrolment_what(person, expires_ms, purpose);
    int err;

    if (len == 0 || len > TOTP_SECRET_MAX || now_ms < 0 || now_ms > TIME_MOST)
        return E_LIMIT;
    err = seal_close(keys, &what, secret, len, sealed);
    if (err == 0)
        snprintf(ret, ENROLMENT_MAX, "%" PRId64 " %s", expires_ms, sealed);
    return err;
}

int enrolment_open(const struct keys *keys, struct slice person, struct slice record,
                   int64_t now_ms, struct secret *ret_secret)
{
    struct seal_for what;
    struct secret secret;
    char purpose[48];
    int64_t expires_ms;
    int err;

    if (record.len >= ENROLMENT_MAX || field_next_number(&record, &expires_ms) < 0)
        return E_CRYPTO;
    what = enrolment_what(person, expires_ms, purpose);
    err = seal_open(keys, &what, record, &secret);
    if (err < 0)
        return err;
    if (now_ms >= expires_ms)
        err = E_TIMEOUT;
    else
        secret_set(ret_secret, secret.data, secret.len);
    secret_clear(&secret);
    return err;
}

int enrolment_again(const struct keys *keys, struct slice person, struct slice record, char *ret)
{
    char purpose[48], sealed[SEAL_MAX];
    struct seal_for what;
    int64_t expires_ms;
    int err;

    if (record.len >= ENROLMENT_MAX || field_next_number(&record, &expires_ms) < 0)
        return E_CRYPTO;
    what = enrolment_what(person, expires_ms, purpose);
    err = seal_again(keys, &what, record, sealed);
    if (err == 0 && strlen(sealed) >= SEAL_MAX_OF(TOTP_SECRET_MAX))
        err = E_CRYPTO;
    if (err == 0)
        snprintf(ret, ENROLMENT_MAX, "%" PRId64 " %.*s", expires_ms,
                 (int)SEAL_MAX_OF(TOTP_SECRET_MAX), sealed);
    return err;
}
