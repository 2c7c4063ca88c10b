/* SPDX-License-Identifier: BSD-2-Clause
 *
 * People and their memberships as logins need them: read from the store at that moment, with the
 * sealed values. Nothing is kept.
 */
#ifndef USHER_RULES_PERSON_H
#define USHER_RULES_PERSON_H

#include "rules/login.h"

#include <stdint.h>

/* A membership of a person in an organization, own or platform. */
struct membership {
    struct slice dn;  /* empty: there is none */
    struct slice pin; /* sealed; empty: none */
    bool valid;       /* active, within its time, of this person, in an active organization */
};

struct person {
    struct slice usher_id;
    struct slice uid; /* folded */
    struct slice dn;  /* normalized */
    struct slice name, mail, mobile, language;
    bool active, mail_verified, must_change;
    enum means second_factor; /* MEANS_DEFAULT: none */
    struct slice totp;        /* sealed; empty: not enrolled */
    int64_t auth_epoch;
    struct slice password_changed; /* pwdChangedTime; empty: the store does not say */
    struct slice home; /* DN of the organization whose internal user this is; may be empty */
    struct slice here; /* the organization whose membership was read along; empty: none was */
    struct membership membership;
};

/* Finds a person by DN, uid or mail. *ret is NULL when nobody or more than one answers to the name.
 * Errors are the store's. Where the name tells the uid, the membership in the organization (a
 * folded name; may be empty) is asked for at the same time, and membership_read need not ask. */
int person_find(const struct login_context *context, struct arena *arena, const char *user,
                const char *organization, struct person **ret);

/* The same by usherId. */
int person_find_id(const struct login_context *context, struct arena *arena, const char *usher_id,
                   struct person **ret);

/* Whether a second factor is due: the person's own, or any organization's of a valid membership. Of
 * the store and not of the cache, so that a membership ended or a factor required holds for the
 * next login: two searches, also of somebody with dozens of memberships. E_LIMIT beyond 4096. */
int person_factor_due(const struct login_context *context, struct arena *arena,
                      const struct person *person, bool *ret);

/* The membership in an organization (a folded name), as it was when the person was found if it was
 * read along, else as it is now. */
int membership_read(const struct login_context *context, struct arena *arena,
                    const struct person *person, struct slice organization, struct membership *ret);

/* Whether one in the organization, or else in the platform, is valid. 0; E_DENIED; the store's
 * errors. */
int membership_valid(const struct login_context *context, struct arena *arena,
                     const struct person *person, struct slice organization);

/* Whether the enrolled factor can be used: a secret for totp, a verified address for
 * email; either that or a number for sms. */
bool person_enrolled(const struct person *person);

/* The deadline of a step that begins now (monotonic ms). */
int64_t login_deadline(const struct login_context *context);

/* "TRUE" (any case) is true, absent is preset, else false. */
bool value_bool(struct slice value, bool preset);

#endif
