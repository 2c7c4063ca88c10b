/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The state under streams of random changes: after each, every answer of the table is that of the
 * naive evaluator on the same entries; also after a reopen, a refresh, and kill -9 at any moment.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "random_tree.h"
#include "state_tree.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STEPS  400
#define SHARES 12
#define KILLS  100

/* Where an entry stands, as one of SHARES. */
static unsigned share_of(const struct naive_entry *entry)
{
    uint8_t uuid[STATE_UUID];
    unsigned sum = 0;

    state_tree_uuid(entry, uuid);
    for (size_t i = 0; i < STATE_UUID; i++)
        sum = sum * 31 + uuid[i];
    return sum % SHARES;
}

/* The tree of a step, the same each time it is asked for: a patchwork of random trees, of which one
 * share is another's at each step. */
static struct naive *tree_of(unsigned step)
{
    struct naive *tree = naive_new();

    for (unsigned share = 0; share < SHARES; share++) {
        uint64_t random = (step + share) / SHARES * UINT64_C(7919) + 1;
        struct naive *whole = random_tree(&random);

        for (size_t i = 0; i < naive_count(whole); i++)
            if (share_of(naive_at(whole, i)) == share)
                naive_add(tree, naive_at(whole, i));
        naive_free(whole);
    }
    return tree;
}

/* Takes the state from the tree of the step before to that of this step, which *tree becomes. */
static int go(struct state *state, struct naive **tree, unsigned step)
{
    struct naive *from = *tree;
    char cookie[16];
    int err = state_begin(state);

    *tree = tree_of(step);
    (void)snprintf(cookie, sizeof(cookie), "%u", step);
    if (err == 0)
        err = state_tree_change(state, from, *tree);
    if (err == 0)
        err = state_set_cookie(state, slice_of(cookie));
    if (err == 0)
        err = state_commit(state);
    naive_free(from);
    return err;
}

static void expect_step(struct state *state, const char *directory, unsigned step)
{
    struct naive *tree = tree_of(step);
    /* The instants at which windows open and shut come by turns. */
    int64_t now_ms = RANDOM_NOW + (int64_t)(step % 3) - 1;
    unsigned differences = state_tree_differences(state, directory, tree, now_ms);

    if (differences > 0)
        fprintf(stderr, "at step %u\n", step);
    naive_free(tree);
    assert_int_equal(differences, 0);
}

static void fill(struct state *state)
{
    struct naive *tree = tree_of(0);

    assert_int_equal(state_tree_fill(state, tree), 0);
    naive_free(tree);
}

static void test_stream(void **unused)
{
    char *directory = state_tree_directory();
    struct naive *tree = tree_of(0);
    struct state *state = NULL;
    unsigned problems = 0;

    (void)unused;
    assert_int_equal(state_tree_open(directory, &problems, &state), 0);
    fill(state);
    expect_step(state, directory, 0);
    for (unsigned step = 1; step <= STEPS; step++) {
        assert_int_equal(go(state, &tree, step), 0);
        expect_step(state, directory, step);
        if (step % 40 == 0) {
            state_close(state);
            assert_int_equal(state_tree_open(directory, &problems, &state), 0);
            expect_step(state, directory, step);
        }
    }
    assert_true(problems > 0);
    naive_free(tree);
    state_close(state);
    state_tree_remove(directory);
}

/* Profiles that nobody has are not kept: a state that went through many trees has as many as one
 * that saw the last alone. */
static void test_nothing_is_left(void **unused)
{
    char *directory = state_tree_directory(), *other = state_tree_directory();
    struct state_counts counts, fresh;
    struct state *state = NULL;
    struct naive *tree = tree_of(0);

    (void)unused;
    assert_int_equal(state_tree_open(directory, NULL, &state), 0);
    fill(state);
    for (unsigned step = 1; step <= 20; step++)
        assert_int_equal(go(state, &tree, step), 0);
    assert_int_equal(state_count(state, &counts), 0);
    state_close(state);
    assert_int_equal(state_tree_open(other, NULL, &state), 0);
    assert_int_equal(state_tree_fill(state, tree), 0);
    assert_int_equal(state_count(state, &fresh), 0);
    state_close(state);
    assert_memory_equal(&counts, &fresh, sizeof(counts));
    assert_true(counts.profiles > 0);
    naive_free(tree);
    state_tree_remove(directory);
    state_tree_remove(other);
}

/* Refreshes that name everything take the place of single changes. */
static void test_refresh(void **unused)
{
    char *directory = state_tree_directory();
    struct state *state = NULL;

    (void)unused;
    assert_int_equal(state_tree_open(directory, NULL, &state), 0);
    for (unsigned step = 0; step < 40; step++) {
        struct naive *tree = tree_of(step);

        assert_int_equal(state_tree_fill(state, tree), 0);
        naive_free(tree);
        expect_step(state, directory, step);
    }
    state_close(state);
    state_tree_remove(directory);
}

/* Writes a byte for each batch done. */
static _Noreturn void run_until_killed(const char *directory, int done)
{
    struct arena *arena = arena_new();
    struct state *state = NULL;
    struct slice cookie = {0};
    struct naive *tree;
    unsigned step;

    if (state_tree_open(directory, NULL, &state) != 0 || state_cookie(state, arena, &cookie) != 0)
        _exit(3);
    step = cookie.len > 0 ? (unsigned)atoi(cookie.data) : 0;
    for (tree = tree_of(step);; step++)
        if (go(state, &tree, step + 1) != 0 || write(done, "", 1) != 1)
            _exit(4);
}

static unsigned step_of(struct state *state)
{
    struct arena *arena = arena_new();
    struct slice cookie = {0};
    unsigned step;

    assert_int_equal(state_cookie(state, arena, &cookie), 0);
    step = cookie.len > 0 ? (unsigned)atoi(cookie.data) : 0;
    arena_free(arena);
    return step;
}

/* Runs a child and kills it: anywhere from its start on, or some time after its first batch. */
static void run_and_kill(const char *directory, uint64_t *random, bool after_batch)
{
    long limit = after_batch ? 4000000 : 12000000;
    struct timespec pause = {.tv_nsec = (long)random_below(random, (unsigned)limit)};
    int done[2], status = 0;
    char byte;
    pid_t pid;

    assert_int_equal(pipe(done), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        run_until_killed(directory, done[1]);
    close(done[1]);
    if (after_batch)
        assert_int_equal(read(done[0], &byte, 1), 1);
    (void)nanosleep(&pause, NULL);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    close(done[0]);
}

static void test_killed(void **unused)
{
    char *directory = state_tree_directory();
    struct state *state = NULL;
    uint64_t random = (uint64_t)getpid();
    unsigned last = 0;

    (void)unused;
    assert_int_equal(state_tree_open(directory, NULL, &state), 0);
    fill(state);
    state_close(state);
    for (unsigned i = 0; i < KILLS; i++) {
        run_and_kill(directory, &random, i % 2 == 1);
        assert_int_equal(state_tree_open(directory, NULL, &state), 0);
        last = step_of(state);
        expect_step(state, directory, last);
        state_close(state);
    }
    assert_true(last >= KILLS / 2);
    print_message("killed %d times within %u batches\n", KILLS, last);
    state_tree_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_nothing_is_left),
        cmocka_unit_test(test_refresh),
        cmocka_unit_test(test_killed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
