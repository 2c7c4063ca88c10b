/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Random small trees and questions for them: few names, so that values meet, and every kind of
 * damage that DESIGN 4 speaks of: circles, dangling and foreign references, inactive things, broken
 * values.
 */
#ifndef USHER_TESTS_RANDOM_TREE_H
#define USHER_TESTS_RANDOM_TREE_H

#include "naive.h"

/* The instant around which all times of the trees lie. */
#define RANDOM_NOW INT64_C(1700000000000)

struct random_question {
    const char *person;  /* NULL: a service asks */
    const char *service; /* of <base> where service_organization is "" */
    const char *service_organization;
    const char *organization;
    char query[256];
    int64_t now_ms;
};

/* The state of the generator is the caller's. */
struct naive *random_tree(uint64_t *state);
struct random_question random_question(uint64_t *state);

/* A number below bound. */
unsigned random_below(uint64_t *state, unsigned bound);

#endif
