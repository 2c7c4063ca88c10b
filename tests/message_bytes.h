/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Bytes of LDAP messages as the tests write them.
 */
#ifndef USHER_TESTS_MESSAGE_BYTES_H
#define USHER_TESTS_MESSAGE_BYTES_H

#define BYTES(text)                                                                                \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* A Compare of "cn=a", "p", "v" with id 5. */
#define COMPARE                                                                                    \
    "\x30\x13\x02\x01\x05\x6e\x0e\x04\x04"                                                         \
    "cn=a\x30\x06\x04\x01p\x04\x01v"

#endif
