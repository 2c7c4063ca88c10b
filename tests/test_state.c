/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The state, change by change: scenarios in a table, each step announced as a store announces it,
 * and after each every answer of the table compared with the naive evaluator's, besides those that
 * the step names. What has no naive counterpart (refreshes, files, limits) stands in
 * test_state_edges.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "state_tree.h"
#include "tree_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW       INT64_C(1700000000000)
#define LINES_MAX 64
#define STEPS_MAX 16

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

/* change: "+line" puts an entry (its place says which), "-kind place" deletes one, "~kind place
 * new" renames one, what lies below included. Then "organization uid query" gives this answer. */
struct step {
    const char *change;
    const char *ask;
    int answer;
};

struct scenario {
    const char *name;
    const char *start;
    struct step steps[STEPS_MAX];
};

#define COMMON                                                                                     \
    "permission ticket:read\npermission ticket:delete\npermission cash:open factor\n"              \
    "person alice\nperson bob\norganization acme\norganization beta\n"

static const struct scenario scenarios[] = {
    {"a role changes",
     COMMON "role /r grant=+ticket:read\nmembership acme/alice role=/r\n",
     {{"", "acme alice ticket:read", 0},
      {"+role /r grant=+ticket:delete", "acme alice ticket:read", E_DENIED},
      {"+role /r grant=+cash:open", "acme alice cash:open", E_STEPUP},
      {"+role /r grant=+cash:open inactive", "acme alice cash:open", E_DENIED},
      {"-role /r", "acme alice cash:open", E_DENIED},
      {"+role /r grant=+ticket:*", "acme alice ticket:delete", 0},
      {"~role /r /s", "acme alice ticket:delete", E_DENIED},
      {"~role /s /r", "acme alice ticket:delete", 0}}},
    {"an include changes",
     COMMON "role /a role=/b\nrole /b role=/c\nrole /c grant=+ticket:read\n"
            "membership acme/alice role=/a\n",
     {{"", "acme alice ticket:read", 0},
      {"+role /c grant=+ticket:delete", "acme alice ticket:delete", 0},
      {"+role /b", "acme alice ticket:delete", E_DENIED},
      {"+role /c grant=+ticket:read", "acme alice ticket:read", E_DENIED},
      {"+role /b role=/c", "acme alice ticket:read", 0},
      {"+role /b role=/c inactive", "acme alice ticket:read", E_DENIED}}},
    {"a circle is made and broken",
     COMMON "role /a role=/b grant=+ticket:delete\nrole /b grant=+ticket:read\n"
            "membership acme/alice role=/a\n",
     {{"", "acme alice ticket:read", 0},
      {"+role /b role=/a grant=+ticket:read", "acme alice ticket:delete", E_DENIED},
      {"+role /b role=/c grant=+ticket:read", "acme alice ticket:read", 0},
      {"+role /c role=/c grant=+cash:open", "acme alice cash:open", E_DENIED},
      {"+role /c grant=+cash:open", "acme alice cash:open", E_STEPUP}}},
    {"what dangles appears",
     COMMON
     "role /a role=/gone\nmembership acme/alice role=/a\nmembership acme/bob role=acme/own\n",
     {{"+role /gone grant=+ticket:read", "acme alice ticket:read", 0},
      {"+role acme/own role=/gone", "acme bob ticket:read", 0},
      {"+role acme/own role=beta/x role=acme/y", "acme bob ticket:read", E_DENIED},
      {"+role beta/x grant=+ticket:read", "acme bob ticket:read", E_DENIED},
      {"+role acme/y grant=+ticket:read", "acme bob ticket:read", 0},
      {"-role /gone", "acme alice ticket:read", E_DENIED}}},
    {"groups are live",
     COMMON "role /r grant=+ticket:delete\nmembership acme/alice\nmembership beta/alice\n"
            "group acme/g grant=+ticket:read\n",
     {{"", "acme alice ticket:read", E_DENIED},
      {"+group acme/g grant=+ticket:read member=alice member=bob", "acme alice ticket:read", 0},
      {"", "beta alice ticket:read", E_DENIED},
      {"+membership acme/bob", "acme bob ticket:read", 0},
      {"+group acme/g role=/r member=alice", "acme alice ticket:delete", 0},
      {"", "acme bob ticket:read", E_DENIED},
      {"~group acme/g acme/h", "acme alice ticket:delete", 0},
      {"+group acme/h role=/r member=alice inactive", "acme alice ticket:delete", E_DENIED},
      {"+group acme/h role=/r member=alice", "acme alice ticket:delete", 0},
      {"~group acme/h beta/h", "beta alice ticket:delete", 0},
      {"", "acme alice ticket:delete", E_DENIED},
      {"+group beta/h role=/r", "beta alice ticket:delete", E_DENIED},
      {"+group beta/h role=/r member=alice", "beta alice ticket:delete", 0},
      {"-group beta/h", "beta alice ticket:delete", E_DENIED}}},
    {"a person comes and goes",
     COMMON "membership acme/alice grant=+ticket:read\ngroup acme/g grant=+ticket:delete "
            "member=alice\n",
     {{"", "acme alice ticket:delete", 0},
      {"+person alice inactive", "acme alice ticket:read", E_DENIED},
      {"+person alice", "acme alice ticket:read", 0},
      {"~person alice carol", "acme alice ticket:read", E_DENIED},
      {"~person carol alice", "acme alice ticket:read", 0},
      {"-person alice", "acme alice ticket:read", E_DENIED},
      {"+person alice", "acme alice ticket:delete", 0}}},
    {"an organization is renamed with all below it",
     COMMON "role acme/own grant=+ticket:delete\nrole /r grant=+cash:open\n"
            "membership acme/alice role=acme/own role=/r grant=+ticket:read\n"
            "membership acme/bob\ngroup acme/g role=acme/own role=/r member=bob\n",
     {{"", "acme bob ticket:delete", 0},
      {"~organization acme gamma", "gamma alice ticket:read", 0},
      {"", "acme alice ticket:read", E_NOTFOUND},
      {"", "gamma alice ticket:delete", E_DENIED},
      {"", "gamma bob cash:open", E_STEPUP},
      {"+membership gamma/alice role=gamma/own", "gamma alice ticket:delete", 0},
      {"~organization gamma acme", "acme bob ticket:delete", 0},
      {"", "acme alice ticket:delete", E_DENIED}}},
    {"an organization sleeps and goes",
     COMMON "membership acme/alice grant=+ticket:read\n",
     {{"+organization acme inactive", "acme alice ticket:read", E_NOTFOUND},
      {"+organization acme", "acme alice ticket:read", 0},
      {"-organization acme", "acme alice ticket:read", E_NOTFOUND},
      {"+organization acme", "acme alice ticket:read", 0}}},
    {"a membership changes and moves",
     COMMON "membership acme/alice grant=+ticket:read\n",
     {{"+membership acme/alice grant=+ticket:read inactive", "acme alice ticket:read", E_DENIED},
      {"+membership acme/alice grant=+ticket:read from=1700000000001", "acme alice ticket:read",
       E_DENIED},
      {"+membership acme/alice grant=+ticket:read from=1700000000000 until=1700000000001",
       "acme alice ticket:read", 0},
      {"+membership acme/alice grant=+ticket:read until=1700000000000", "acme alice ticket:read",
       E_DENIED},
      {"+membership acme/alice grant=+ticket:*", "acme alice ticket:delete", 0},
      {"~membership acme/alice beta/alice", "beta alice ticket:delete", 0},
      {"", "acme alice ticket:delete", E_DENIED},
      {"-membership beta/alice", "beta alice ticket:delete", E_DENIED}}},
    {"permissions come and go",
     COMMON "membership acme/alice grant=+*\nmembership acme/bob grant=+*:read grant=-late:read\n",
     {{"", "acme alice late:read", E_NOPERM},
      {"+permission late:read", "acme alice late:read", 0},
      {"", "acme bob late:read", E_DENIED},
      {"+permission late:read requires=later:read", "acme alice late:read", E_DENIED},
      {"+permission later:read", "acme alice late:read", 0},
      {"+permission late:read channel=app", "acme alice late:read", E_DENIED},
      {"", "acme alice late:read;channel=app", 0},
      {"-permission late:read", "acme alice late:read", E_NOPERM},
      {"+permission late:read factor", "acme alice late:read", E_STEPUP},
      {"~permission late:read other:read", "acme alice other:read", E_STEPUP},
      {"", "acme alice late:read", E_NOPERM}}},
    {"the platform's members count everywhere",
     COMMON "organization platform\nrole platform/p grant=+ticket:delete\n"
            "membership platform/bob role=platform/p\nmembership acme/alice\n",
     {{"", "acme bob ticket:delete", 0},
      {"", "beta bob ticket:delete", 0},
      {"+membership acme/bob grant=-ticket:delete", "acme bob ticket:delete", E_DENIED},
      {"+role platform/p grant=+ticket:read", "beta bob ticket:read", 0},
      {"-membership platform/bob", "beta bob ticket:read", E_DENIED}}},
    {"an event is open to others",
     COMMON "event beta/gala\nmembership acme/alice grant=+ticket:read\n",
     {{"", "acme alice ticket:read@event/beta/gala", E_DENIED},
      {"+event beta/gala shared=gamma shared=acme", "acme alice ticket:read@event/beta/gala", 0},
      {"+event beta/gala shared=gamma", "acme alice ticket:read@event/beta/gala", E_DENIED},
      {"+organization beta primary=acme", "acme alice ticket:read@event/beta/gala", 0},
      {"+organization beta primary=acme inactive", "acme alice ticket:read@event/beta/gala", 0},
      {"+organization beta primary=gamma", "acme alice ticket:read@event/beta/gala", E_DENIED},
      {"~organization acme gamma", "gamma alice ticket:read@event/beta/gala", 0},
      {"+organization beta", "gamma alice ticket:read@event/beta/gala", 0},
      {"~event beta/gala beta/ball", "gamma alice ticket:read@event/beta/ball", 0},
      {"", "gamma alice ticket:read@event/beta/gala", E_NOTFOUND},
      {"~organization beta delta", "gamma alice ticket:read@event/delta/ball", 0},
      {"-event delta/ball", "gamma alice ticket:read@event/delta/ball", E_NOTFOUND}}},
    {"an event comes after its memberships and grants",
     COMMON "person carol\nevent-membership acme/hamlet/bob grant=+ticket:delete\n"
            "membership acme/alice grant=+ticket:read@event/hamlet\n",
     {{"", "acme alice ticket:read@event/hamlet", E_NOTFOUND},
      {"+event acme/hamlet", "acme alice ticket:read@event/hamlet", 0},
      {"", "acme bob ticket:delete@event/HAMLET", 0},
      {"", "acme bob ticket:delete", E_DENIED},
      {"~event acme/hamlet acme/macbeth", "acme bob ticket:delete@event/macbeth", 0},
      {"", "acme alice ticket:read@event/macbeth", E_DENIED},
      {"~event acme/macbeth acme/hamlet", "acme alice ticket:read@event/hamlet", 0},
      {"+event acme/hamlet from=1700000000001", "acme bob ticket:delete@event/hamlet", E_DENIED},
      {"", "acme alice ticket:read@event/hamlet", 0},
      {"+event acme/hamlet until=1700000000001", "acme bob ticket:delete@event/hamlet", 0},
      {"+event-membership acme/hamlet/bob grant=+ticket:read", "acme bob ticket:read@event/hamlet",
       0},
      {"~event-membership acme/hamlet/bob acme/hamlet/carol", "acme bob ticket:read@event/hamlet",
       E_DENIED},
      {"-event acme/hamlet", "acme carol ticket:read@event/hamlet", E_NOTFOUND},
      {"+event acme/hamlet", "acme carol ticket:read@event/hamlet", 0}}},
    {"people of one event alone",
     COMMON "event acme/hamlet\nevent acme/macbeth\nrole acme/gate grant=+ticket:read\n"
            "event-membership acme/hamlet/bob role=acme/gate\n",
     {{"", "acme bob ticket:read@event/hamlet", 0},
      {"", "acme bob ticket:read@event/macbeth", E_DENIED},
      {"+person bob inactive", "acme bob ticket:read@event/hamlet", E_DENIED},
      {"+person bob", "acme bob ticket:read@event/hamlet", 0},
      {"-person bob", "acme bob ticket:read@event/hamlet", E_DENIED},
      {"+person bob", "acme bob ticket:read@event/hamlet", 0},
      {"+role acme/gate grant=+ticket:delete", "acme bob ticket:delete@event/hamlet", 0},
      {"+group acme/g grant=+ticket:read member=bob", "acme bob ticket:read@event/hamlet",
       E_DENIED},
      {"+membership acme/bob", "acme bob ticket:read@event/hamlet", 0},
      {"~organization acme gamma", "gamma bob ticket:read@event/hamlet", 0},
      {"", "gamma bob ticket:delete@event/hamlet", E_DENIED},
      {"-event-membership gamma/hamlet/bob", "gamma bob ticket:read@event/macbeth", 0},
      {"-membership gamma/bob", "gamma bob ticket:read@event/hamlet", E_DENIED}}},
    {"scopes come and go",
     COMMON "event acme/hamlet\nrole /r grant=+ticket:read@payment/card\n"
            "membership acme/alice role=/r\nmembership beta/alice role=/r\n",
     {{"", "acme alice ticket:read@payment/card", 0},
      {"+role /r grant=+ticket:read@payment/cash", "acme alice ticket:read@payment/card", E_DENIED},
      {"+role /r grant=+ticket:read grant=-ticket:read@payment/*",
       "acme alice ticket:read@payment/cash", E_DENIED},
      {"+membership acme/alice role=/r grant=+ticket:read@payment/cash",
       "acme alice ticket:read@payment/cash", 0},
      {"+role /r inactive grant=+ticket:read", "acme alice ticket:read@payment/cash", 0},
      {"+membership acme/alice role=/r", "acme alice ticket:read@payment/cash", E_DENIED},
      {"+role /r role=/s", "acme alice ticket:read@payment/cash", E_DENIED},
      {"+role /s grant=+ticket:read@event/hamlet grant=+ticket:delete@event/*",
       "acme alice ticket:read@event/hamlet", 0},
      {"+event beta/hamlet", "beta alice ticket:read@event/hamlet", 0},
      {"+role /s role=/r grant=+ticket:read@event/hamlet", "acme alice ticket:read@event/hamlet",
       E_DENIED},
      {"+role /s grant=+ticket:read@event/beta/*", "beta alice ticket:read@event/hamlet", 0},
      {"-membership beta/alice", "beta alice ticket:read@event/hamlet", E_DENIED},
      {"-membership acme/alice", "acme alice ticket:read@event/hamlet", E_DENIED},
      {"+membership beta/alice role=/r", "beta alice ticket:read@event/hamlet", 0},
      {"+role /s grant=+ticket:read", "beta alice ticket:read@event/hamlet", 0}}},
    {"settings restrict",
     COMMON "permission ticket:edit editing\norganization platform\n"
            "event acme/hamlet\nevent beta/gala shared=acme\n"
            "role /r\nmembership acme/alice grant=+* role=/r\nmembership platform/bob grant=+*\n",
     {{"", "acme alice ticket:edit@event/beta/gala", 0},
      {"+organization acme setting=shared-events=read-only",
       "acme alice ticket:edit@event/beta/gala", E_DENIED},
      {"", "acme alice ticket:edit@event/hamlet", 0},
      {"+role /r setting=shared-events=edit", "acme alice ticket:edit@event/beta/gala", 0},
      {"", "acme bob ticket:edit@event/beta/gala", E_DENIED},
      {"+membership platform/bob grant=+* setting=shared-events=edit",
       "acme bob ticket:edit@event/beta/gala", 0},
      {"+organization acme setting=event-scope=specific", "acme alice ticket:read@event/hamlet",
       E_DENIED},
      {"", "acme bob ticket:read@event/hamlet", 0},
      {"+event-membership acme/hamlet/alice", "acme alice ticket:read@event/hamlet", 0},
      {"+event-membership acme/hamlet/alice inactive", "acme alice ticket:read@event/hamlet",
       E_DENIED},
      {"+role /r setting=event-scope=all", "acme alice ticket:read@event/hamlet", 0},
      {"+membership acme/alice grant=+* role=/r setting=event-scope=specific",
       "acme alice ticket:read@event/hamlet", E_DENIED},
      {"+membership platform/alice", "acme alice ticket:read@event/hamlet", 0}}},
    {"who is there and who is not",
     COMMON "membership acme/alice grant=+ticket:read\n",
     {{"", "beta alice ticket:read", E_DENIED},
      {"+person bob inactive", "beta bob ticket:read", E_DENIED},
      {"~person bob carol", "beta carol ticket:read", E_DENIED},
      {"-person carol", "beta carol ticket:read", E_DENIED},
      {"+person alice inactive", "beta alice ticket:read", E_DENIED}}},
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
    struct naive *tree = naive_new();
    int err;

    tree_read(tree, line->text);
    err = state_tree_put(state, line->uuid, naive_at(tree, 0));
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
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
        failures += run_scenario(&scenarios[i], false);
    assert_int_equal(failures, 0);
}

static void test_scenarios_reopened(void **unused)
{
    unsigned failures = 0;

    (void)unused;
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
        failures += run_scenario(&scenarios[i], true);
    assert_int_equal(failures, 0);
}

/* All steps of a scenario in one batch come to the same. */
static void test_scenarios_at_once(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
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
