/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Views of a real state: what they decide about random trees is what the naive evaluator decides,
 * result and step, scoped queries and events included; who is listed is who is stored; and a view
 * stays what it was while the state goes on.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "cache/explain.h"
#include "cache/view.h"
#include "random_tree.h"
#include "state_tree.h"
#include "tree_text.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define TREES     200
#define QUESTIONS 100

static uint64_t seed(void)
{
    const char *text = getenv("SEED");

    return text != NULL ? strtoull(text, NULL, 10) : UINT64_C(20261121);
}

/* A question of a person about themself. */
static struct random_question question_of_person(uint64_t *random)
{
    struct random_question question;

    do {
        question = random_question(random);
    } while (question.person == NULL);
    return question;
}

static struct decision view_answer(struct view *view, const char *organization, const char *uid,
                                   const char *text, int64_t now_ms)
{
    struct decision decision = {.result = E_INTERNAL};
    struct query query;
    int err = query_parse(slice_of(text), &query);

    if (err != 0)
        return (struct decision){.result = err, .step = 1, .kind = MEMBERSHIP_KINDS};
    err = view_decide(view, slice_of(organization), slice_of(uid), &query, now_ms, &decision);
    assert_int_equal(err, decision.result);
    return decision;
}

/* The explanation ends where the decision does, in one line that decides. */
static void expect_explained(struct view *view, const struct random_question *question,
                             const struct decision *decision)
{
    struct arena *arena = arena_new();
    struct explanation explanation;
    unsigned deciding = 0;
    int err = explain(view, slice_of(question->organization), slice_of(question->person),
                      slice_of(question->query), NULL, question->now_ms, arena, &explanation);

    if (err != 0)
        fail_msg("%s in %s: %s: %s", question->person, question->organization, question->query,
                 err_name(err));
    assert_int_equal(explanation.decision.result, decision->result);
    assert_int_equal(explanation.decision.step, decision->step);
    for (size_t i = 0; i < explanation.count; i++) {
        const struct explain_step *step = &explanation.steps[i];

        assert_true(step->text[0] != '\0');
        assert_true(i == 0 || step->step >= explanation.steps[i - 1].step);
        if (step->deciding) {
            deciding++;
            assert_int_equal(step->step, decision->step);
        }
    }
    assert_int_equal(deciding, 1);
    arena_free(arena);
}

static void ask_about(struct view *view, const struct naive *tree, uint64_t *random,
                      unsigned *steps)
{
    struct random_question question = question_of_person(random);
    struct naive_answer want =
        naive_decide(tree, question.person, question.organization, question.query, question.now_ms);
    struct decision got =
        view_answer(view, question.organization, question.person, question.query, question.now_ms);

    steps[want.step]++;
    if (got.result == want.result && got.step == want.step) {
        expect_explained(view, &question, &got);
        return;
    }
    naive_print(tree, stderr);
    fail_msg("%s in %s: %s: %s at step %d, not %s at step %d", question.person,
             question.organization, question.query, err_name(got.result), got.step,
             err_name(want.result), want.step);
}

static void test_random(void **unused)
{
    uint64_t random = seed();
    unsigned steps[10] = {0};

    (void)unused;
    print_message("seed %llu\n", (unsigned long long)random);
    for (unsigned i = 0; i < TREES; i++) {
        char *directory = state_tree_directory();
        struct naive *tree = random_tree(&random);
        struct state *state = NULL;
        struct view *view = NULL;

        assert_int_equal(state_tree_open(directory, NULL, &state), 0);
        assert_int_equal(state_tree_fill(state, tree), 0);
        assert_int_equal(view_open(state, &view), 0);
        for (unsigned j = 0; j < QUESTIONS; j++)
            ask_about(view, tree, &random, steps);
        view_close(view);
        state_close(state);
        naive_free(tree);
        state_tree_remove(directory);
    }
    /* A test in which a step never decides says nothing about it. */
    for (unsigned step = 1; step <= 9; step++) {
        print_message("step %u decided %u\n", step, steps[step]);
        assert_true(steps[step] > 0);
    }
}

/* One small tree for what is looked at by hand. */
static const char small[] = "permission ticket:sell\n"
                            "permission ticket:delete\n"
                            "person alice\n"
                            "person bob\n"
                            "person carol inactive\n"
                            "organization acme setting=view=list\n"
                            "organization other primary=acme\n"
                            "membership acme/alice grant=+ticket:sell setting=view=tiles\n"
                            "membership acme/carol grant=+ticket:sell\n"
                            "membership acme/zoe\n"
                            "event acme/hamlet\n"
                            "event other/othello\n"
                            "event-membership acme/hamlet/bob grant=+ticket:delete\n";

struct fixture {
    char *directory;
    struct naive *tree;
    struct state *state;
};

static void set_up(struct fixture *fixture, const char *text)
{
    fixture->directory = state_tree_directory();
    fixture->tree = naive_new();
    tree_read(fixture->tree, text);
    fixture->state = NULL;
    assert_int_equal(state_tree_open(fixture->directory, NULL, &fixture->state), 0);
}

static void tear_down(struct fixture *fixture)
{
    state_close(fixture->state);
    naive_free(fixture->tree);
    state_tree_remove(fixture->directory);
}

static void test_not_filled(void **unused)
{
    struct fixture fixture;
    struct view *view = NULL;

    (void)unused;
    set_up(&fixture, small);
    assert_int_equal(view_open(fixture.state, &view), E_STALE);
    assert_null(view);
    view_close(NULL);
    tear_down(&fixture);
}

static void test_names(void **unused)
{
    static const struct {
        const char *organization, *uid, *query;
        int result, step;
    } cases[] = {
        {"acme", "alice", "ticket:sell", 0, 8},
        {"ACME", "Alice", "ticket:sell", 0, 8},
        {"acme", "alice", "ticket:delete", E_DENIED, 8},
        {"acme", "alice", "ticket:unheard", E_NOPERM, 1},
        {"nowhere", "alice", "ticket:sell", E_NOTFOUND, 1},
        {"", "alice", "ticket:sell", E_NOTFOUND, 1},
        {"a,o=b", "alice", "ticket:sell", E_NOTFOUND, 1},
        {"acme", "", "ticket:sell", E_DENIED, 2},
        {"acme", "al*ice", "ticket:sell", E_DENIED, 2},
        {"acme", "carol", "ticket:sell", E_DENIED, 2},
        {"acme", "zoe", "ticket:sell", E_DENIED, 2},
        {"acme", "bob", "ticket:delete", E_DENIED, 3},
        {"acme", "bob", "ticket:delete@event/hamlet", 0, 8},
        {"acme", "bob", "ticket:delete@event/ACME/Hamlet", 0, 8},
        {"acme", "alice", "ticket:sell@event/other/othello", 0, 8},
        {"other", "bob", "ticket:delete@event/acme/hamlet", E_DENIED, 4},
        {"acme", "bob", "ticket:delete@event/othello", E_NOTFOUND, 1},
    };
    struct fixture fixture;
    struct view *view = NULL;

    (void)unused;
    set_up(&fixture, small);
    assert_int_equal(state_tree_fill(fixture.state, fixture.tree), 0);
    assert_int_equal(view_open(fixture.state, &view), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct decision got =
            view_answer(view, cases[i].organization, cases[i].uid, cases[i].query, RANDOM_NOW);

        if (got.result != cases[i].result || got.step != cases[i].step)
            fail_msg("%s in %s: %s: %s at step %d", cases[i].uid, cases[i].organization,
                     cases[i].query, err_name(got.result), got.step);
    }
    view_close(view);
    tear_down(&fixture);
}

static void test_subject(void **unused)
{
    struct arena *arena = arena_new();
    struct view_subject subject;
    struct fixture fixture;
    struct view *view = NULL;
    struct slice view_name = slice_of("view");

    (void)unused;
    set_up(&fixture, small);
    assert_int_equal(state_tree_fill(fixture.state, fixture.tree), 0);
    assert_int_equal(view_open(fixture.state, &view), 0);
    assert_int_equal(catalogue_bits(view_catalogue(view)), 2);
    assert_int_equal(view_subject(view, slice_of("acme"), slice_of("alice"), (struct slice){0},
                                  (struct slice){0}, RANDOM_NOW, arena, &subject),
                     0);
    assert_true(subject.has_profile[MEMBERSHIP_OWN]);
    assert_false(subject.has_profile[MEMBERSHIP_EVENT]);
    assert_false(subject.has_profile[MEMBERSHIP_PLATFORM]);
    assert_true(slice_is(subject.membership_dn[MEMBERSHIP_OWN],
                         "cn=alice,ou=members,o=acme," STATE_TREE_BASE));
    assert_int_equal(subject.membership_dn[MEMBERSHIP_PLATFORM].len, 0);
    assert_true(slice_is(profile_setting(&subject.profile[MEMBERSHIP_OWN], view_name), "tiles"));
    assert_true(slice_is(profile_setting(&subject.organization, view_name), "list"));
    assert_int_equal(view_subject(view, slice_of("acme"), slice_of("bob"), slice_of("acme"),
                                  slice_of("hamlet"), RANDOM_NOW, arena, &subject),
                     0);
    assert_true(subject.has_profile[MEMBERSHIP_EVENT]);
    assert_true(subject.subject.event_open);
    view_close(view);
    tear_down(&fixture);
    arena_free(arena);
}

struct listing {
    char text[256];
    unsigned left;
};

static int on_member(void *context, struct slice uid, struct slice dn)
{
    struct listing *listing = context;
    size_t len = strlen(listing->text);

    assert_int_equal(strncmp(dn.data, "cn=", 3), 0);
    assert_memory_equal(dn.data + 3, uid.data, uid.len);
    (void)snprintf(listing->text + len, sizeof(listing->text) - len, "%.*s ", SLICE_ARG(uid));
    return --listing->left == 0 ? E_CANCELED : 0;
}

static void test_members(void **unused)
{
    static const struct {
        const char *organization, *event;
        unsigned at_most;
        int result;
        const char *members;
    } cases[] = {
        {"acme", "", 9, 0, "alice carol zoe "},
        {"Acme", "", 2, E_CANCELED, "alice carol "},
        {"acme", "hamlet", 9, 0, "bob "},
        {"acme", "othello", 9, 0, ""},
        {"other", "", 9, 0, ""},
        {"", "", 9, 0, ""},
        {"acme", "ham,let", 9, 0, ""},
        {"ac", "", 9, 0, ""},
    };
    struct fixture fixture;
    struct view *view = NULL;

    (void)unused;
    set_up(&fixture, small);
    assert_int_equal(state_tree_fill(fixture.state, fixture.tree), 0);
    assert_int_equal(view_open(fixture.state, &view), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct listing listing = {.left = cases[i].at_most};

        assert_int_equal(view_members(view, slice_of(cases[i].organization),
                                      slice_of(cases[i].event), on_member, &listing),
                         cases[i].result);
        assert_string_equal(listing.text, cases[i].members);
    }
    view_close(view);
    tear_down(&fixture);
}

/* Asks over and over, each time of a view of its own, which never answers half a change. */
static void *ask_on(void *context)
{
    struct fixture *fixture = context;

    for (unsigned i = 0; i < 3000; i++) {
        struct decision sell, delete;
        struct view *view = NULL;
        struct query query;

        if (view_open(fixture->state, &view) != 0)
            return fixture;
        (void)query_parse(slice_of("ticket:sell"), &query);
        (void)view_decide(view, slice_of("acme"), slice_of("alice"), &query, RANDOM_NOW, &sell);
        (void)query_parse(slice_of("ticket:delete"), &query);
        (void)view_decide(view, slice_of("acme"), slice_of("alice"), &query, RANDOM_NOW, &delete);
        view_close(view);
        if ((sell.result == 0) == (delete.result == 0))
            return fixture;
    }
    return NULL;
}

/* The membership grants one of two permissions, by turns. */
static void change_it(struct fixture *fixture, unsigned turn)
{
    const char *grants[] = {turn % 2 == 0 ? "+ticket:sell" : "+ticket:delete", NULL};
    const struct naive_entry entry = {
        .kind = NAIVE_MEMBERSHIP, .organization = "acme", .name = "alice", .grants = grants};

    assert_int_equal(state_begin(fixture->state), 0);
    assert_int_equal(state_tree_put(fixture->state, NULL, &entry), 0);
    assert_int_equal(state_commit(fixture->state), 0);
}

static void test_beside_the_writer(void **unused)
{
    struct fixture fixture;
    pthread_t threads[2];
    struct view *before = NULL;
    void *failed = NULL;

    (void)unused;
    set_up(&fixture, small);
    assert_int_equal(state_tree_fill(fixture.state, fixture.tree), 0);
    assert_int_equal(view_open(fixture.state, &before), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_on, &fixture), 0);
    for (unsigned turn = 1; turn <= 300; turn++)
        change_it(&fixture, turn);
    change_it(&fixture, 1);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(view_answer(before, "acme", "alice", "ticket:sell", RANDOM_NOW).result, 0);
    view_close(before);
    assert_int_equal(view_open(fixture.state, &before), 0);
    assert_int_equal(view_answer(before, "acme", "alice", "ticket:sell", RANDOM_NOW).result,
                     E_DENIED);
    view_close(before);
    assert_int_equal(state_reset(fixture.state), 0);
    assert_int_equal(view_open(fixture.state, &before), E_STALE);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),  cmocka_unit_test(test_not_filled),
        cmocka_unit_test(test_names),   cmocka_unit_test(test_subject),
        cmocka_unit_test(test_members), cmocka_unit_test(test_beside_the_writer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
