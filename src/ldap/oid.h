/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The object identifiers on the wire: standard ones, and ours under a UUID arc (DESIGN 3 and 5).
 */
#ifndef USHER_LDAP_OID_H
#define USHER_LDAP_OID_H

#define OID_ARC "2.25.190227144180112164674946508376533935585"

/* Extended operations of others. */
#define OID_WHOAMI            "1.3.6.1.4.1.4203.1.11.3" /* RFC 4532 */
#define OID_PASSWORD_MODIFY   "1.3.6.1.4.1.4203.1.11.1" /* RFC 3062 */
#define OID_STARTTLS          "1.3.6.1.4.1.1466.20037"  /* RFC 4511 4.14 */
#define OID_CANCEL            "1.3.6.1.1.8"             /* RFC 3909 */
#define OID_TRANSACTION_START "1.3.6.1.1.21.1"          /* RFC 5805: refused */
#define OID_TRANSACTION_END   "1.3.6.1.1.21.3"
#define OID_TRANSACTION_SPEC  "1.3.6.1.1.21.2"
#define OID_DISCONNECTION     "1.3.6.1.4.1.1466.20036"   /* RFC 4511 4.4.1 */
#define OID_SYNC_REQUEST      "1.3.6.1.4.1.4203.1.9.1.1" /* RFC 4533 */
#define OID_SYNC_STATE        "1.3.6.1.4.1.4203.1.9.1.2"
#define OID_SYNC_DONE         "1.3.6.1.4.1.4203.1.9.1.3"
#define OID_SYNC_INFO         "1.3.6.1.4.1.4203.1.9.1.4"
#define OID_ASSERTION         "1.3.6.1.1.12"           /* RFC 4528 */
#define OID_PAGED_RESULTS     "1.2.840.113556.1.4.319" /* RFC 2696 */
#define OID_PASSWORD_POLICY   "1.3.6.1.4.1.42.2.27.8.5.1"

/* Features (RFC 4512 5.1). */
#define OID_ALL_OPERATIONAL    "1.3.6.1.4.1.4203.1.5.1" /* RFC 3673 */
#define OID_TRUE_FALSE_FILTERS "1.3.6.1.4.1.4203.1.5.3" /* RFC 4526 */

/* Our extended operations. */
#define OID_USHER_VERIFY       OID_ARC ".3.1"
#define OID_USHER_CHALLENGE    OID_ARC ".3.2"
#define OID_USHER_SET_PIN      OID_ARC ".3.3"
#define OID_USHER_ENROLL       OID_ARC ".3.4"
#define OID_USHER_RECOVERY     OID_ARC ".3.5"
#define OID_USHER_REDEEM       OID_ARC ".3.6"
#define OID_USHER_EXPLAIN      OID_ARC ".3.7"
#define OID_USHER_UNLOCK       OID_ARC ".3.8"
#define OID_USHER_DOCTOR       OID_ARC ".3.9"
#define OID_USHER_RESEAL       OID_ARC ".3.10"
#define OID_USHER_APP_PASSWORD OID_ARC ".3.11"
#define OID_USHER_LOGOUT       OID_ARC ".3.12"
#define OID_USHER_INVITE       OID_ARC ".3.13"

/* Our controls. */
#define OID_USHER_FRESHNESS OID_ARC ".4.1"
#define OID_USHER_AT_LEAST  OID_ARC ".4.2"

#endif
