/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The values of usher's own extended operations and controls, and those of RFC 3062 and of RFC
 * 2696, to bytes and back. The ASN.1 stands in usher-protocol(5). One codec serves the daemon and
 * its clients. Decoded slices point into the bytes given (which may be changed in place; one byte
 * behind them must exist). An absent optional string is an empty slice with data NULL. Fields come
 * in the order given, each once; anything else is E_PROTO. Encoders append to the buffer: E_NOMEM.
 *
 *   VerifyRequest ::= SEQUENCE {              VerifyResponse ::= SEQUENCE {
 *     user         [0] OCTET STRING,            state  [0] ENUMERATED,
 *     organization [1] OCTET STRING OPTIONAL,   ticket [1] OCTET STRING OPTIONAL,
 *     permission   [2] OCTET STRING OPTIONAL,   text   [2] OCTET STRING OPTIONAL,
 *     factor       [3] ENUMERATED,              user   [3] OCTET STRING OPTIONAL,
 *     secret       [4] OCTET STRING OPTIONAL,   means  [4] ENUMERATED OPTIONAL }
 *     ticket       [5] OCTET STRING OPTIONAL,
 *     service [6], tty [7], rhost [8], language [9] OCTET STRING OPTIONAL }
 *
 *   ChallengeRequest ::= SEQUENCE {           ChallengeResponse ::= SEQUENCE {
 *     user         [0] OCTET STRING,            means       [0] ENUMERATED,
 *     organization [1] OCTET STRING OPTIONAL,   destination [1] OCTET STRING,
 *     means        [2] ENUMERATED,              digits      [2] INTEGER,
 *     ticket       [3] OCTET STRING OPTIONAL,   seconds     [3] INTEGER }
 *     language     [4] OCTET STRING OPTIONAL }
 *
 *   SetPinRequest ::= SEQUENCE {              EnrollRequest ::= SEQUENCE {
 *     organization [0] OCTET STRING,            user [0] OCTET STRING OPTIONAL,
 *     user         [1] OCTET STRING OPTIONAL,   step [1] ENUMERATED,
 *     newPin       [2] OCTET STRING OPTIONAL,   code [2] OCTET STRING OPTIONAL }
 *     oldPin       [3] OCTET STRING OPTIONAL }
 *                                             EnrollResponse ::= SEQUENCE {
 *   UnlockRequest ::= SEQUENCE {                uri [0] OCTET STRING OPTIONAL }
 *     user         [0] OCTET STRING,
 *     organization [1] OCTET STRING OPTIONAL }
 *
 *   RecoveryRequest ::= SEQUENCE {            RecoveryResponse ::= SEQUENCE {
 *     user [0] OCTET STRING OPTIONAL }          codes SEQUENCE OF OCTET STRING }
 *
 *   ResealRequest ::= SEQUENCE {              ResealResponse ::= SEQUENCE {
 *     step [0] ENUMERATED,                      key      [0] OCTET STRING,
 *     key  [1] OCTET STRING OPTIONAL }          resealed [1] INTEGER,
 *                                               left     [2] INTEGER,
 *                                               dead     [3] INTEGER,
 *                                               waitMilliseconds [4] INTEGER }
 *
 *   AppPasswordRequest ::= SEQUENCE {         AppPasswordResponse ::= SEQUENCE {
 *     user         [0] OCTET STRING OPTIONAL,   password [0] OCTET STRING OPTIONAL,
 *     action       [1] ENUMERATED,              passwords SEQUENCE OF SEQUENCE {
 *     organization [2] OCTET STRING OPTIONAL,     id, organization, service, label,
 *     service      [3] OCTET STRING OPTIONAL,     created OCTET STRING } }
 *     label        [4] OCTET STRING OPTIONAL,
 *     id           [5] OCTET STRING OPTIONAL }
 *
 *   LogoutRequest ::= SEQUENCE {              InviteRequest ::= SEQUENCE {
 *     user [0] OCTET STRING OPTIONAL }          user         [0] OCTET STRING,
 *                                               kind         [1] ENUMERATED,
 *   RedeemRequest ::= SEQUENCE {                organization [2] OCTET STRING OPTIONAL,
 *     token       [0] OCTET STRING,             language     [3] OCTET STRING OPTIONAL }
 *     newPassword [1] OCTET STRING,
 *     language    [2] OCTET STRING OPTIONAL } RedeemResponse ::= SEQUENCE {
 *                                               user [0] OCTET STRING }
 *
 *   ExplainRequest ::= SEQUENCE {             ExplainResponse ::= SEQUENCE {
 *     organization [0] OCTET STRING,            result INTEGER,
 *     user         [1] OCTET STRING,            step   INTEGER,
 *     query        [2] OCTET STRING }           steps  SEQUENCE OF SEQUENCE {
 *                                                 step INTEGER,
 *                                                 text OCTET STRING,
 *                                                 dn       [0] OCTET STRING OPTIONAL,
 *                                                 deciding [1] BOOLEAN } }
 *
 *   DoctorResponse ::= SEQUENCE {             (DoctorRequest: no value)
 *     complete BOOLEAN,
 *     defects  SEQUENCE OF SEQUENCE { dn OCTET STRING, text OCTET STRING } }
 *
 *   Freshness ::= SEQUENCE { ageMilliseconds INTEGER, contextCSN OCTET STRING }
 */
#ifndef USHER_LDAP_EXOP_H
#define USHER_LDAP_EXOP_H

#include "base/buffer.h"
#include "base/mem.h"

#include <stdint.h>

enum verify_factor { VERIFY_NONE = 0, VERIFY_PASSWORD = 1, VERIFY_PIN = 2, VERIFY_CODE = 3 };

/* What a verify response says besides its result code. */
enum verify_state {
    VERIFY_STATE_COMPLETE = 0,     /* success */
    VERIFY_STATE_FACTOR_DUE = 1,   /* strongerAuthRequired, with a ticket; or account phase */
    VERIFY_STATE_MUST_CHANGE = 2,  /* success, but the password has to be changed first */
    VERIFY_STATE_NOT_A_MEMBER = 3, /* unwillingToPerform */
    VERIFY_STATE_INACTIVE = 4,     /* unwillingToPerform */
    VERIFY_STATE_LACKS_PERMISSION = 5,
    VERIFY_STATE_ENROLL_DUE = 6, /* a factor is due and none is enrolled */
    VERIFY_STATE_REFUSED = 7,    /* invalidCredentials, no reason given */
};

enum means { MEANS_DEFAULT = 0, MEANS_EMAIL = 1, MEANS_SMS = 2, MEANS_TOTP = 3 };

enum enroll_step { ENROLL_BEGIN = 0, ENROLL_CONFIRM = 1, ENROLL_RESET = 2, ENROLL_MAIL = 3 };

struct verify_request {
    struct slice user;
    struct slice organization;
    struct slice permission;
    enum verify_factor factor;
    struct slice secret;
    struct slice ticket;
    struct slice service, tty, rhost, language;
};

struct verify_response {
    enum verify_state state;
    struct slice ticket;
    struct slice text;
    struct slice user;
    enum means means; /* MEANS_DEFAULT: absent */
};

struct challenge_request {
    struct slice user;
    struct slice organization;
    enum means means;
    struct slice ticket;
    struct slice language;
};

struct challenge_response {
    enum means means;
    struct slice destination; /* masked: a***@example.org */
    int32_t digits;
    int32_t seconds;
};

struct set_pin_request {
    struct slice organization;
    struct slice user;    /* absent: the bound person */
    struct slice new_pin; /* absent: remove the PIN */
    struct slice old_pin;
};

struct enroll_request {
    struct slice user; /* absent: the bound person */
    enum enroll_step step;
    struct slice code;
};

struct enroll_response {
    struct slice uri; /* otpauth://totp/..., after begin */
};

struct unlock_request {
    struct slice user;
    struct slice organization;
};

struct recovery_request {
    struct slice user; /* absent: the bound person */
};

#define RECOVERY_RESPONSE_MAX 64

struct recovery_response {
    const struct slice *codes;
    size_t count;
};

enum reseal_step { RESEAL_ASK = 0, RESEAL_RUN = 1 };

struct reseal_request {
    enum reseal_step step;
    struct slice key; /* must be known; absent: any */
};

struct reseal_response {
    struct slice key; /* the id of the one that seals */
    int64_t resealed, left, dead;
    int64_t wait_ms; /* until nothing sealed with the key before is on its way any more */
};

enum app_action { APP_CREATE = 0, APP_LIST = 1, APP_REVOKE = 2 };

struct app_password_request {
    struct slice user; /* absent: the bound person */
    enum app_action action;
    struct slice organization, service, label; /* of a new one */
    struct slice id;                           /* of the one to revoke */
};

struct app_password_line {
    struct slice id, organization, service, label;
    struct slice created; /* generalizedTime */
};

#define APP_PASSWORD_LINES_MAX 256

struct app_password_response {
    struct slice password; /* a new one; this once */
    const struct app_password_line *lines;
    size_t count;
};

struct logout_request {
    struct slice user; /* absent: the bound person */
};

struct redeem_request {
    struct slice token; /* as mailed, or as typed from the mail */
    struct slice new_password;
    struct slice language;
};

struct redeem_response {
    struct slice user; /* the uid */
};

enum invite_kind { INVITE_ACTIVATION = 0, INVITE_FORGOTTEN = 1 };

struct invite_request {
    struct slice user;
    enum invite_kind kind;
    struct slice organization; /* where they must be a member; absent: anywhere */
    struct slice language;
};

struct explain_request {
    struct slice organization;
    struct slice user;
    struct slice query;
};

/* One of the steps of an explanation. */
struct explain_line {
    int32_t step; /* 1 to 9 */
    struct slice text;
    struct slice dn; /* empty: none */
    bool deciding;
};

#define EXPLAIN_LINES_MAX 1024

struct explain_response {
    int32_t result; /* the LDAP result code that a Compare would give */
    int32_t step;   /* that decided */
    const struct explain_line *lines;
    size_t count;
};

struct doctor_defect {
    struct slice dn; /* of the entry; empty: of none */
    struct slice text;
};

#define DOCTOR_DEFECTS_MAX 65536

struct doctor_response {
    bool complete; /* these are all */
    const struct doctor_defect *defects;
    size_t count;
};

/* RFC 3062. All optional. */
struct password_modify_request {
    struct slice user;
    struct slice old_password;
    struct slice new_password;
};

/* The control of RFC 2696, both ways. */
struct page {
    int32_t size;        /* entries of a page; in the answer how many there are, or 0 */
    struct slice cookie; /* empty: the first page; in the answer, the last */
};

/* The value of the response control of draft-behera-ldap-password-policy-10 6.2. */
struct policy_control {
    int64_t expires_s; /* until the password expires; -1: not told */
    int32_t grace;     /* logins left with an expired one; -1: not told */
    int32_t error;     /* 0 to 8; -1: none */
};

struct freshness {
    int64_t age_ms;
    struct slice csn;
};

int verify_request_encode(const struct verify_request *request, struct buffer *out);
int verify_request_decode(struct slice value, struct verify_request *ret);
int verify_response_encode(const struct verify_response *response, struct buffer *out);
int verify_response_decode(struct slice value, struct verify_response *ret);
int challenge_request_encode(const struct challenge_request *request, struct buffer *out);
int challenge_request_decode(struct slice value, struct challenge_request *ret);
int challenge_response_encode(const struct challenge_response *response, struct buffer *out);
int challenge_response_decode(struct slice value, struct challenge_response *ret);
int set_pin_request_encode(const struct set_pin_request *request, struct buffer *out);
int set_pin_request_decode(struct slice value, struct set_pin_request *ret);
int enroll_request_encode(const struct enroll_request *request, struct buffer *out);
int enroll_request_decode(struct slice value, struct enroll_request *ret);
int enroll_response_encode(const struct enroll_response *response, struct buffer *out);
int enroll_response_decode(struct slice value, struct enroll_response *ret);
int unlock_request_encode(const struct unlock_request *request, struct buffer *out);
int unlock_request_decode(struct slice value, struct unlock_request *ret);
int recovery_request_encode(const struct recovery_request *request, struct buffer *out);
int recovery_request_decode(struct slice value, struct recovery_request *ret);
int reseal_request_encode(const struct reseal_request *request, struct buffer *out);
int reseal_request_decode(struct slice value, struct reseal_request *ret);
int reseal_response_encode(const struct reseal_response *response, struct buffer *out);
int reseal_response_decode(struct slice value, struct reseal_response *ret);
int app_password_request_encode(const struct app_password_request *request, struct buffer *out);
int app_password_request_decode(struct slice value, struct app_password_request *ret);
int logout_request_encode(const struct logout_request *request, struct buffer *out);
int logout_request_decode(struct slice value, struct logout_request *ret);
int redeem_request_encode(const struct redeem_request *request, struct buffer *out);
int redeem_request_decode(struct slice value, struct redeem_request *ret);
int redeem_response_encode(const struct redeem_response *response, struct buffer *out);
int redeem_response_decode(struct slice value, struct redeem_response *ret);
int invite_request_encode(const struct invite_request *request, struct buffer *out);
int invite_request_decode(struct slice value, struct invite_request *ret);
int explain_request_encode(const struct explain_request *request, struct buffer *out);
int explain_request_decode(struct slice value, struct explain_request *ret);

/* Lists need their own reading: src/ldap/exop_list.c and exop_factor.c. Such a response is decoded
 * item by item: ret->lines, ret->defects or ret->codes stays NULL, and the callback is told of
 * each, whose return other than 0 ends it. E_LIMIT beyond the greatest number of items. */
int explain_response_encode(const struct explain_response *response, struct buffer *out);
int explain_response_decode(struct slice value,
                            int (*on_line)(void *context, const struct explain_line *line),
                            void *context, struct explain_response *ret);
int doctor_response_encode(const struct doctor_response *response, struct buffer *out);
int doctor_response_decode(struct slice value,
                           int (*on_defect)(void *context, const struct doctor_defect *defect),
                           void *context, struct doctor_response *ret);
int recovery_response_encode(const struct recovery_response *response, struct buffer *out);
int recovery_response_decode(struct slice value, int (*on_code)(void *context, struct slice code),
                             void *context, struct recovery_response *ret);
int app_password_response_encode(const struct app_password_response *response, struct buffer *out);
int app_password_response_decode(struct slice value,
                                 int (*on_line)(void *context,
                                                const struct app_password_line *line),
                                 void *context, struct app_password_response *ret);
int password_modify_request_encode(const struct password_modify_request *request,
                                   struct buffer *out);
int password_modify_request_decode(struct slice value, struct password_modify_request *ret);
int page_encode(const struct page *page, struct buffer *out);
int page_decode(struct slice value, struct page *ret);
int policy_control_encode(const struct policy_control *policy, struct buffer *out);
int freshness_encode(const struct freshness *freshness, struct buffer *out);
int freshness_decode(struct slice value, struct freshness *ret);

#endif
