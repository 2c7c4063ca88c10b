/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What people read when they log in, in their language: one table. The same words for an unknown
 * user, a wrong secret and a locked one.
 */
#ifndef USHER_RULES_TEXT_H
#define USHER_RULES_TEXT_H

enum text {
    TEXT_REFUSED,
    TEXT_UNAVAILABLE,
    TEXT_CODE_NEEDED,
    TEXT_ENROLL_NEEDED,
    TEXT_MUST_CHANGE,
    TEXT_NOT_A_MEMBER,
    TEXT_INACTIVE,
    TEXT_LACKS_PERMISSION,
    TEXT_CODE_TOO_SOON,
    TEXT_MAIL_FAILED,
    TEXT_RECOVERY_LEFT, /* a number follows */
    TEXT_TOO_MANY_CODES,
    TEXT_TOKEN_REFUSED,
    TEXT_TOKEN_CLAIMED,
    TEXT_TOKEN_TOO_SOON,
    TEXT_TOO_MANY_TOKENS,
    TEXTS
};

/* language is a tag such as "da" or "da-DK"; one that is not in the table gives English. Static. */
const char *text_in(const char *language, enum text text);

#endif
