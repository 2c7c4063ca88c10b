/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A sentence of DESIGN 4 as a test: the entries that it needs on top of a common start
 * (tree_text.h), and questions with their answers. Both evaluators must give them, so that a
 * misreading shared by both still fails.
 */
#ifndef USHER_TESTS_SENTENCE_H
#define USHER_TESTS_SENTENCE_H

/* The start: permissions ticket:read, ticket:delete, section:read, section.users:read,
 * section.users.admin:read, directory:read, directory.user:create, gate:scan (channel app),
 * price:edit (editing), cash:open (factor), order:void (requires ticket:delete); people alice,
 * vera, erin, gone (inactive), nobody with a membership; organizations acme, beta, platform, shut
 * (inactive); events hamlet and macbeth of acme, hamlet of beta. Asked at 1000000 ms.
 *
 * questions: lines "WHO ORGANIZATION QUERY -> ANSWER". WHO is a person, or a service as O/CN or
 * /CN. ANSWER is allow, stepup, deny:STEP, syntax, noperm or notfound. */
struct sentence {
    const char *says;
    const char *entries; /* an own "organization acme" stands for the plain one */
    const char *questions;
};

/* Fails the running cmocka test when an answer differs. */
void sentence_check(const struct sentence *sentence);

#endif
