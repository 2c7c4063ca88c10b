/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The evaluator against the naive one on random trees: result and step of every answer must agree.
 * USHER_RANDOM_TREES (1000) trees of 100 questions; USHER_SEED repeats a run. What differs is
 * printed with its tree.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model_tree.h"
#include "random_tree.h"
#include "base/err.h"

#include <stdlib.h>
#include <time.h>

#define QUESTIONS 100

struct tally {
    unsigned allowed;
    unsigned steps[10];
};

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text != NULL && text[0] != '\0' ? strtoull(text, NULL, 0) : otherwise;
}

static uint64_t random_seed(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000003 + (uint64_t)now.tv_nsec;
}

static void print_difference(const struct naive *tree, const struct random_question *question,
                             struct naive_answer expected, struct decision got)
{
    printf("the two evaluators differ on this tree:\n\n");
    naive_print(tree, stdout);
    if (question->person != NULL)
        printf("\nperson %s", question->person);
    else
        printf("\nservice %s of \"%s\"", question->service, question->service_organization);
    printf(" in %s asks \"%s\" at %lld\n", question->organization, question->query,
           (long long)question->now_ms);
    printf("naive: %s, step %d\n", err_name(expected.result), expected.step);
    printf("model: %s, step %d\n", err_name(got.result), got.step);
    fflush(stdout);
}

static bool compare(const struct naive *tree, const struct model_tree *model,
                    const struct random_question *q, struct tally *tally)
{
    struct naive_answer expected;
    struct decision got;

    if (q->person != NULL) {
        expected = naive_decide(tree, q->person, q->organization, q->query, q->now_ms);
        got = model_tree_decide(model, q->person, q->organization, q->query, q->now_ms);
    } else {
        expected = naive_decide_service(tree, q->service_organization, q->service, q->organization,
                                        q->query, q->now_ms);
        got = model_tree_decide_service(model, q->service_organization, q->service, q->organization,
                                        q->query, q->now_ms);
    }
    tally->allowed += expected.result == 0;
    tally->steps[expected.step] += expected.result != 0;
    if (expected.result == got.result && expected.step == got.step)
        return true;
    print_difference(tree, q, expected, got);
    return false;
}

static void test_random_trees(void **unused)
{
    uint64_t seed = number_from("USHER_SEED", random_seed());
    uint64_t trees = number_from("USHER_RANDOM_TREES", 1000);
    uint64_t state = seed;
    struct tally tally = {0};
    bool agree = true;

    (void)unused;
    printf("USHER_SEED=%llu\n", (unsigned long long)seed);
    for (uint64_t i = 0; i < trees && agree; i++) {
        struct naive *tree = random_tree(&state);
        struct model_tree *model = model_tree_new(tree);

        for (int j = 0; j < QUESTIONS && agree; j++) {
            struct random_question question = random_question(&state);

            agree = compare(tree, model, &question, &tally);
        }
        model_tree_free(model);
        naive_free(tree);
    }
    printf("allowed %u; refused at step 1 to 9:", tally.allowed);
    for (int step = 1; step <= 9; step++)
        printf(" %u", tally.steps[step]);
    printf("\n");
    assert_true(agree);
    /* Trees that never reach a step would prove nothing about it. */
    for (int step = 1; step <= 9 && trees >= 300; step++)
        assert_true(tally.steps[step] > 0);
    assert_true(trees < 300 || tally.allowed > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_trees)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
