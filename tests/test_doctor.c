/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The doctor on small broken trees: exactly these defects, each once; on random ones: the same
 * twice over, and none in a tree that is whole. And what the state tells while things come: once
 * till the entry changes, and again when it is broken again.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cache/doctor.h"
#include "random_tree.h"
#include "state_tree.h"
#include "tree_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 4096

struct lines {
    char *lines[LINES_MAX];
    size_t count;
};

static void lines_clear(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->lines[i]);
    lines->count = 0;
}

static void on_line(void *context, struct slice dn, const char *text)
{
    struct lines *lines = context;

    assert_true(lines->count < LINES_MAX);
    lines->lines[lines->count++] = mem_printf("%.*s: %s", SLICE_ARG(dn), text);
}

/* How many lines begin so and hold that. */
static unsigned lines_with(const struct lines *lines, const char *start, const char *word)
{
    unsigned found = 0;

    for (size_t i = 0; i < lines->count; i++)
        found += strncmp(lines->lines[i], start, strlen(start)) == 0 &&
                 strstr(lines->lines[i], word) != NULL;
    return found;
}

struct fixture {
    char *directory;
    struct state *state;
    struct lines told; /* by the state */
};

static void set_up(struct fixture *fixture)
{
    struct state_options options;

    fixture->directory = state_tree_directory();
    fixture->told.count = 0;
    options = (struct state_options){
        .directory = fixture->directory,
        .base = slice_of(STATE_TREE_BASE),
        .max_age_ms = 86400000,
        .gid = (gid_t)-1,
        .map_size = (size_t)64 << 20,
        .on_problem = on_line,
        .context = &fixture->told,
    };
    assert_int_equal(state_open(&options, &fixture->state), 0);
}

static void tear_down(struct fixture *fixture)
{
    lines_clear(&fixture->told);
    state_close(fixture->state);
    state_tree_remove(fixture->directory);
}

static void fill(struct fixture *fixture, const char *text)
{
    struct naive *tree = tree_of(text);

    assert_int_equal(state_tree_fill(fixture->state, tree), 0);
    naive_free(tree);
}

/* As a change after the fill. */
static void put(struct fixture *fixture, const char *text)
{
    struct naive *tree = tree_of(text);

    assert_int_equal(state_begin(fixture->state), 0);
    for (size_t i = 0; i < naive_count(tree); i++)
        assert_int_equal(state_tree_put(fixture->state, NULL, naive_at(tree, i)), 0);
    assert_int_equal(state_commit(fixture->state), 0);
    naive_free(tree);
}

static void examine(struct fixture *fixture, struct lines *ret)
{
    const struct doctor asked = {.on_defect = on_line, .context = ret};
    struct view *view = NULL;

    ret->count = 0;
    assert_int_equal(view_open(fixture->state, &view), 0);
    assert_int_equal(doctor(view, &asked), 0);
    view_close(view);
}

#define WHOLE                                                                                      \
    "permission ticket:sell\npermission ticket:void requires=ticket:sell\n"                        \
    "person alice\nperson bob\norganization acme setting=view=list\norganization elm\n"            \
    "role /r grant=+ticket:sell\nrole acme/s role=/r\n"                                            \
    "membership acme/alice role=acme/s grant=-ticket:void\nmembership acme/bob\n"                  \
    "group acme/crew member=alice member=bob role=/r\n"                                            \
    "event acme/hamlet shared=elm\nevent-membership acme/hamlet/bob\n"

static const struct {
    const char *tree;  /* besides WHOLE */
    const char *start; /* of the line: where */
    const char *word;
    unsigned more; /* other lines that come of it */
} broken[] = {
    {"role /x role=/x\n", "cn=x,ou=roles,dc=", "circle", 0},
    {"role /x role=/y\nrole /y role=/z\nrole /z role=/x\n", "cn=z,ou=roles,dc=", "circle", 2},
    {"role /x inactive role=/y\nrole /y role=/x\n", "cn=y,ou=roles,dc=", "circle", 1},
    {"role /x role=/y\nrole /y role=/y\n", "cn=y,ou=roles,dc=", "circle", 0},
    {"role /x role=/gone\n", "cn=x,ou=roles", "includes a role that is not there", 0},
    {"role /x role=acme/s\n", "cn=x,ou=roles", "no role it may use", 0},
    {"role /x grant=+ticket\n", "cn=x,ou=roles", "grant that does not parse: \"+ticket\"", 0},
    {"role /x setting=view\n", "cn=x,ou=roles", "setting that does not parse", 0},
    {"role /x setting=a=1 setting=a=2\n", "cn=x,ou=roles", "several values", 0},
    {"group acme/g member=alice setting=a=1\ngroup acme/h member=alice setting=a=2\n",
     "cn=g,ou=groups,o=acme", "lesser value", 0},
    {"group acme/g member=nobody\n", "cn=g,ou=groups,o=acme", "not there: 1", 0},
    {"group acme/g role=/gone\n", "cn=g,ou=groups,o=acme", "role that is not there", 0},
    {"membership acme/nobody\n", "cn=nobody,ou=members,o=acme", "person who is not there", 0},
    {"membership nowhere/bob\n", "cn=bob,ou=members,o=nowhere", "no organization", 0},
    {"event nowhere/e\n", "cn=e,ou=events,o=nowhere", "no organization", 0},
    {"event acme/e shared=nowhere\n", "cn=e,ou=events,o=acme", "shared with an organization", 0},
    {"event-membership acme/gone/bob\n", "cn=bob,ou=members,cn=gone", "no event", 0},
    {"event-membership acme/hamlet/nobody\n", "cn=nobody,ou=members,cn=hamlet", "person", 0},
    {"organization oak primary=nowhere\n", "o=oak", "primary organization", 0},
    {"permission a:b requires=c:d\n", "cn=a:b,ou=permissions", "requires a permission", 0},
    {"permission a:b requires=c\n", "cn=a:b,ou=permissions", "requires what is no permission", 0},
    {"permission a:b requires=a:b\n", "cn=a:b,ou=permissions", "circle", 0},
    {"permission a:b requires=c:d\npermission c:d requires=a:b\n", "cn=c:d", "circle", 1},
    {"permission ab\n", "cn=ab,ou=permissions", "name that is no permission", 0},
    {"person x.\xc3\xbc\n", "uid=x", "does not fit", 0},
    {"organization platform\nmembership platform/alice grant=+ticket:sell@event/hamlet\n",
     "cn=alice,ou=members,o=platform", "without its organization's name", 0},
    {"organization platform\nrole platform/r grant=-ticket:sell@event/hamlet\n",
     "cn=r,ou=roles,o=platform", "@event/hamlet\"", 0},
    {"event-membership acme/hamlet/alice role=/gone\n", "cn=alice,ou=members,cn=hamlet",
     "role that is not there", 0},
};

static void expect_broken(struct fixture *fixture, size_t row, const struct lines *found)
{
    (void)fixture;
    if (lines_with(found, broken[row].start, broken[row].word) == 1 &&
        found->count == broken[row].more + 1)
        return;
    for (size_t i = 0; i < found->count; i++)
        fprintf(stderr, "%s\n", found->lines[i]);
    fail_msg("not so: %s", broken[row].tree);
}

static void test_table(void **unused)
{
    struct lines found;

    (void)unused;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        char *text = mem_printf("%s%s", WHOLE, broken[i].tree);
        struct fixture fixture;

        set_up(&fixture);
        fill(&fixture, text);
        examine(&fixture, &found);
        expect_broken(&fixture, i, &found);
        lines_clear(&found);
        tear_down(&fixture);
        free(text);
    }
}

static void test_whole(void **unused)
{
    struct fixture fixture;
    struct lines found;

    (void)unused;
    set_up(&fixture);
    fill(&fixture, WHOLE);
    examine(&fixture, &found);
    assert_int_equal(found.count, 0);
    assert_int_equal(fixture.told.count, 0);
    tear_down(&fixture);
}

/* The state tells of what comes, once, however often it is met. */
static void test_told_once(void **unused)
{
    struct fixture fixture;

    (void)unused;
    set_up(&fixture);
    fill(&fixture, WHOLE);
    put(&fixture, "role /x role=/y\nrole /y role=/x\n");
    assert_int_equal(lines_with(&fixture.told, "cn=x,ou=roles", "circle"), 1);
    assert_int_equal(lines_with(&fixture.told, "cn=y,ou=roles", "circle"), 1);
    put(&fixture, "membership acme/alice role=/x\n");
    put(&fixture, "membership acme/bob role=/y grant=+ticket:sell\n");
    put(&fixture, "group acme/crew member=alice role=/x\n");
    put(&fixture, "group acme/crew member=alice member=nobody role=/x\n");
    put(&fixture, "group acme/crew member=alice member=nobody member=bob role=/x\n");
    put(&fixture, "role /bad grant=oops\n");
    put(&fixture, "role /bad grant=oops grant=+ticket:sell\n");
    put(&fixture, "event lost/e\n");
    assert_int_equal(lines_with(&fixture.told, "cn=x,ou=roles", "circle"), 1);
    assert_int_equal(lines_with(&fixture.told, "cn=crew", "uid=nobody"), 1);
    assert_int_equal(lines_with(&fixture.told, "cn=bad", "oops"), 1);
    assert_int_equal(lines_with(&fixture.told, "cn=e,ou=events,o=lost", "no organization"), 1);
    assert_int_equal(fixture.told.count, 5);
    put(&fixture, "role /y\nrole /bad grant=+ticket:sell\n");
    put(&fixture, "role /y role=/x\nrole /bad grant=oops\n");
    assert_int_equal(lines_with(&fixture.told, "cn=y,ou=roles", "circle"), 2);
    assert_int_equal(lines_with(&fixture.told, "cn=bad", "oops"), 2);
    tear_down(&fixture);
}

static void put_raw(struct fixture *fixture, unsigned number, const char *dn,
                    const char *const rows[][2], size_t count)
{
    const uint8_t uuid[STATE_UUID] = {'x', (uint8_t)number};
    struct attribute attributes[8];
    struct slice values[8];

    for (size_t i = 0; i < count; i++) {
        values[i] = slice_of(rows[i][1]);
        attributes[i] = (struct attribute){slice_of(rows[i][0]), &values[i], 1};
    }
    assert_int_equal(state_begin(fixture->state), 0);
    assert_int_equal(state_put(fixture->state, uuid, slice_of(dn), attributes, count), 0);
    assert_int_equal(state_commit(fixture->state), 0);
}

/* Values that cannot be read are told of when they come, and named by doctor ever after. */
static void test_unread(void **unused)
{
    static const struct {
        const char *dn;
        const char *rows[3][2];
        const char *word;
    } unread[] = {
        {"uid=una,ou=people," STATE_TREE_BASE,
         {{"objectClass", "usherPerson"}, {"usherActive", "maybe"}},
         "neither TRUE nor FALSE: \"maybe\""},
        {"cn=u:v,ou=permissions," STATE_TREE_BASE,
         {{"objectClass", "usherPermission"}, {"usherFactor", "yes"}},
         "neither TRUE nor FALSE: \"yes\""},
        {"cn=e,ou=events,o=acme," STATE_TREE_BASE,
         {{"objectClass", "usherEvent"}, {"usherNotBefore", "tomorrow"}},
         "time that does not parse, and is inactive for it: \"tomorrow\""},
        {"cn=g,ou=groups,o=acme," STATE_TREE_BASE,
         {{"objectClass", "usherGroup"}, {"member", "una"}},
         "member that is no DN: \"una\""},
        {"cn=h,ou=groups,o=acme," STATE_TREE_BASE,
         {{"objectClass", "usherGroup"}, {"usherRole", "crew"}},
         "value that is no DN: \"crew\""},
    };
    const size_t count = sizeof(unread) / sizeof(unread[0]);
    struct fixture fixture;
    struct lines found;

    (void)unused;
    set_up(&fixture);
    fill(&fixture, WHOLE);
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < count; i++)
            put_raw(&fixture, i, unread[i].dn, unread[i].rows, 2);
    examine(&fixture, &found);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(lines_with(&fixture.told, unread[i].dn, unread[i].word), 1);
        assert_int_equal(lines_with(&found, unread[i].dn, unread[i].word), 1);
    }
    assert_int_equal(fixture.told.count, count);
    assert_int_equal(found.count, count);
    lines_clear(&found);
    tear_down(&fixture);
}

/* The references of an event membership are told of like those of the others: once, by the role
 * that is not there and by the one for whom it is. */
static void test_event_membership(void **unused)
{
    struct fixture fixture;

    (void)unused;
    set_up(&fixture);
    fill(&fixture, WHOLE);
    put(&fixture, "event-membership acme/hamlet/alice role=/gone\n");
    put(&fixture, "event-membership acme/hamlet/zoe role=/gone\n");
    assert_int_equal(lines_with(&fixture.told, "cn=gone,ou=roles", "is not there"), 1);
    assert_int_equal(lines_with(&fixture.told, "cn=zoe,ou=members,cn=hamlet", "not there"), 1);
    put(&fixture, "organization platform\n"
                  "membership platform/alice grant=+ticket:sell@event/hamlet\n");
    assert_int_equal(lines_with(&fixture.told, "cn=alice,ou=members,o=platform", "without"), 1);
    assert_int_equal(fixture.told.count, 3);
    tear_down(&fixture);
}

/* What comes in the wrong order within one batch is whole in the end. */
static void test_any_order(void **unused)
{
    struct fixture fixture;

    (void)unused;
    set_up(&fixture);
    fill(&fixture, WHOLE);
    put(&fixture, "group oak/g member=zoe role=oak/r\nevent oak/e shared=ash\n"
                  "event-membership oak/e/zoe\nrole oak/r\npermission a:b requires=c:d\n"
                  "permission c:d\nperson zoe\norganization ash\norganization oak primary=ash\n");
    assert_int_equal(fixture.told.count, 0);
    tear_down(&fixture);
}

static void test_random(void **unused)
{
    uint64_t random = 4711;

    (void)unused;
    for (unsigned i = 0; i < 100; i++) {
        struct naive *tree = random_tree(&random);
        struct lines first, second;
        struct fixture fixture;

        set_up(&fixture);
        assert_int_equal(state_tree_fill(fixture.state, tree), 0);
        examine(&fixture, &first);
        examine(&fixture, &second);
        assert_int_equal(first.count, second.count);
        for (size_t j = 0; j < first.count; j++)
            assert_string_equal(first.lines[j], second.lines[j]);
        lines_clear(&first);
        lines_clear(&second);
        tear_down(&fixture);
        naive_free(tree);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_told_once),
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_unread),
        cmocka_unit_test(test_event_membership),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
