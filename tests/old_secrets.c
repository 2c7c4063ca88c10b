/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Makes what a gateway with these keys would have made some time ago, so that no test has to wait:
 *
 *   old_secrets KEYS ticket USHERID ORGANIZATION PEER AGE-MS   a ticket of the password step
 *   old_secrets KEYS code USHERID AGE-MS                       a mailed code, and its record
 */
#include "base/clock.h"
#include "secret/code.h"
#include "secret/seal.h"
#include "secret/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int ticket_print(const struct keys *keys, char **words, int64_t at_ms)
{
    struct ticket_for whom = {.person = slice_of(words[0]),
                              .organization = slice_of(words[1]),
                              .peer = slice_of(words[2])};
    struct ticket ticket = {
        .factors = TICKET_PASSWORD, .issued_ms = at_ms, .expires_ms = at_ms + TICKET_LIFETIME_MS};
    char sealed[TICKET_MAX];
    int err = ticket_seal(keys, &whom, &ticket, sealed);

    if (err == 0)
        printf("%s\n", sealed);
    return err;
}

static int code_print(const struct keys *keys, const char *person, int64_t at_ms)
{
    char code[CODE_DIGITS + 1], record[CODE_RECORD_MAX];
    int err = code_new(keys, slice_of(person), slice_of("email"), at_ms, code, record);

    if (err == 0)
        printf("%s\n%s\n", code, record);
    return err;
}

int main(int argc, char **argv)
{
    char error[256] = "usage: old_secrets KEYS ticket|code USHERID [ORGANIZATION PEER] AGE-MS";
    struct keys *keys = NULL;
    int err = -1;

    if (argc >= 5)
        err = keys_load(argv[1], &keys, error, sizeof(error));
    if (err == 0) {
        int64_t at_ms = clock_now_ms() - strtoll(argv[argc - 1], NULL, 10);

        if (argc == 7 && strcmp(argv[2], "ticket") == 0)
            err = ticket_print(keys, argv + 3, at_ms);
        else if (argc == 5 && strcmp(argv[2], "code") == 0)
            err = code_print(keys, argv[3], at_ms);
        else
            err = -1;
    }
    if (err != 0)
        fprintf(stderr, "old_secrets: %s (%d)\n", error, err);
    keys_free(keys);
    return err == 0 ? 0 : 2;
}
