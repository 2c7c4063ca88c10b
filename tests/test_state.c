/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The state, change by change: the scenarios of state_scenarios.c, each step announced as a store
 * announces it, and after each every answer of the table compared with the naive evaluator's,
 * besides those that the step names. What has no naive counterpart stands in test_state_refresh.c,
 * test_state_files.c and test_state_limits.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "state_scenarios.h"
#include "state_tree.h"
#include "tree_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW       INT64_C(1700000000000)
#define LINES_MAX 64

/* An entry of the store: a line of tree_text.h and the UUID that stays with it. */
struct line {
    char *text;
    uint8_t uuid[STATE_UUID];
};

struct world {
    char *directory;
    struct state *state;
    struct line lines[LINES_MAX];
    size_t count;
    uint8_t next_uuid;
};

static struct line *world_find(struct world *world, const char *head)
{
    size_t len = strlen(head);

    for (size_t i = 0; i < world->count; i++)
        if (strncmp(world->lines[i].text, head, len) == 0 &&
            (world->lines[i].text[len] == ' ' || world->lines[i].text[len] == '\0'))
            return &world->lines[i];
    return NULL;
}

/* The kind and place of a line; the caller frees it. */
static char *line_head(const char *text)
{
    size_t kind = strcspn(text, " ");

    return slice_dup((struct slice){text, kind + 1 + strcspn(text + kind + 1, " ")});
}

static struct naive *world_tree(const struct world *world)
{
    struct naive *tree = naive_new();

    for (size_t i = 0; i < world->count; i++)
        tree_read(tree, world->lines[i].text);
    return tree;
}

static int put_line(struct state *state, const struct line *line)
{
    struct naive *tree = tree_of(line->text);
    int err = state_tree_put(state, line->uuid, naive_at(tree, 0));

    naive_free(tree);
    return err;
}

static void world_put(struct world *world, const char *text)
{
    char *head = line_head(text);
    struct line *line = world_find(world, head);

    if (line == NULL) {
        assert_true(world->count < LINES_MAX);
        line = &world->lines[world->count++];
        *line = (struct line){.uuid = {1, ++world->next_uuid}};
    }
    free(line->text);
    line->text = mem_strdup(text);
    free(head);
    assert_int_equal(put_line(world->state, line), 0);
}

static void world_delete(struct world *world, const char *head)
{
    struct line *line = world_find(world, head);

    assert_non_null(line);
    assert_int_equal(state_delete(world->state, line->uuid), 0);
    free(line->text);
    *line = world->lines[--world->count];
}

/* Gives a line another place when it stands at old or, within an organization or event, below. */
static void line_rename(struct line *line, const char *kind, const char *old, const char *new)
{
    size_t kind_len = strcspn(line->text, " "), old_len = strlen(old);
    const char *place = line->text + kind_len + 1;
    bool same_kind = strncmp(line->text, kind, kind_len) == 0 && kind[kind_len] == '\0';
    bool below =
        !same_kind &&
        (strcmp(kind, "organization") == 0 ||
         (strcmp(kind, "event") == 0 && strncmp(line->text, "event-membership ", 17) == 0));
    char *text, end;

    if (strncmp(place, old, old_len) != 0)
        return;
    end = place[old_len];
    if (!(below && end == '/') && !(same_kind && (end == ' ' || end == '\0')))
        return;
    text = mem_printf("%.*s %s%s", (int)kind_len, line->text, new, place + old_len);
    free(line->text);
    line->text = text;
}

static void world_rename(struct world *world, const char *text)
{
    char kind[32], old[64], new[64];
    char *head;

    assert_int_equal(sscanf(text, "%31s %63s %63s", kind, old, new), 3);
    for (size_t i = 0; i < world->count; i++)
        line_rename(&world->lines[i], kind, old, new);
    head = mem_printf("%s %s", kind, new);
    assert_non_null(world_find(world, head));
    /* The store names the renamed entry alone. */
    assert_int_equal(put_line(world->state, world_find(world, head)), 0);
    free(head);
}

static void world_change(struct world *world, const char *change)
{
    if (change[0] == '+')
        world_put(world, change + 1);
    else if (change[0] == '-')
        world_delete(world, change + 1);
    else if (change[0] == '~')
        world_rename(world, change + 1);
    else
        assert_string_equal(change, "");
}

static void world_open(struct world *world, const char *start)
{
    char *text = mem_strdup(start), *rest = text, *line;

    *world = (struct world){.directory = state_tree_directory()};
    assert_int_equal(state_tree_open(world->directory, NULL, &world->state), 0);
    assert_int_equal(state_begin(world->state), 0);
    assert_int_equal(state_refresh_begin(world->state), 0);
    while ((line = strsep(&rest, "\n")) != NULL)
        if (line[0] != '\0')
            world_put(world, line);
    assert_int_equal(state_refresh_end(world->state), 0);
    assert_int_equal(state_refresh_done(world->state), 0);
    assert_int_equal(state_commit(world->state), 0);
    free(text);
}

static void world_close(struct world *world)
{
    state_close(world->state);
    state_tree_remove(world->directory);
    for (size_t i = 0; i < world->count; i++)
        free(world->lines[i].text);
}

static unsigned step_failures(struct world *world, const struct scenario *scenario,
                              const struct step *step)
{
    char organization[64], uid[64], query[64];
    struct naive *tree = world_tree(world);
    unsigned failures = state_tree_differences(world->state, world->directory, tree, NOW);
    int answer;

    naive_free(tree);
    assert_int_equal(sscanf(step->ask, "%63s %63s %63s", organization, uid, query), 3);
    answer = state_tree_check(world->state, world->directory, organization, uid, query, NOW);
    if (answer != step->answer || failures > 0)
        fprintf(stderr, "%s, after \"%s\": %s is %s, not %s; %u differences\n", scenario->name,
                step->change, step->ask, err_name(answer), err_name(step->answer), failures);
    return failures + (answer != step->answer);
}

/* Profiles as one would have them that saw only what there is now. */
static void expect_nothing_left(struct world *world)
{
    char *directory = state_tree_directory();
    struct state_counts counts, fresh;
    struct state *state = NULL;

    assert_int_equal(state_count(world->state, &counts), 0);
    assert_int_equal(state_tree_open(directory, NULL, &state), 0);
    assert_int_equal(state_begin(state), 0);
    for (size_t i = 0; i < world->count; i++)
        assert_int_equal(put_line(state, &world->lines[i]), 0);
    assert_int_equal(state_refresh_done(state), 0);
    assert_int_equal(state_commit(state), 0);
    assert_int_equal(state_count(state, &fresh), 0);
    assert_memory_equal(&counts, &fresh, sizeof(counts));
    state_close(state);
    state_tree_remove(directory);
}

static unsigned run_scenario(const struct scenario *scenario, bool reopen)
{
    struct world world;
    unsigned failures = 0;

    world_open(&world, scenario->start);
    for (size_t i = 0; i < STEPS_MAX && scenario->steps[i].change != NULL; i++) {
        assert_int_equal(state_begin(world.state), 0);
        world_change(&world, scenario->steps[i].change);
        assert_int_equal(state_commit(world.state), 0);
        if (reopen) {
            state_close(world.state);
            assert_int_equal(state_tree_open(world.directory, NULL, &world.state), 0);
        }
        failures += step_failures(&world, scenario, &scenario->steps[i]);
    }
    expect_nothing_left(&world);
    world_close(&world);
    return failures;
}

static void test_scenarios(void **unused)
{
    unsigned failures = 0;

    (void)unused;
    for (size_t i = 0; i < scenario_count; i++)
        failures += run_scenario(&scenarios[i], false);
    assert_int_equal(failures, 0);
}

static void test_scenarios_reopened(void **unused)
{
    unsigned failures = 0;

    (void)unused;
    for (size_t i = 0; i < scenario_count; i++)
        failures += run_scenario(&scenarios[i], true);
    assert_int_equal(failures, 0);
}

/* All steps of a scenario in one batch come to the same. */
static void test_scenarios_at_once(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < scenario_count; i++) {
        const struct scenario *scenario = &scenarios[i];
        struct naive *tree;
        struct world world;

        world_open(&world, scenario->start);
        assert_int_equal(state_begin(world.state), 0);
        for (size_t j = 0; j < STEPS_MAX && scenario->steps[j].change != NULL; j++)
            world_change(&world, scenario->steps[j].change);
        assert_int_equal(state_commit(world.state), 0);
        tree = world_tree(&world);
        assert_int_equal(state_tree_differences(world.state, world.directory, tree, NOW), 0);
        naive_free(tree);
        expect_nothing_left(&world);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scenarios),
        cmocka_unit_test(test_scenarios_reopened),
        cmocka_unit_test(test_scenarios_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
