/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Profiles of one membership: what its layers say in each scope, its settings, and what was
 * skipped. Each case quotes its sentence of DESIGN 4. How memberships join in an answer is
 * test_sentences' part.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/resolve.h"
#include "model/role.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* A group or role; words are separated by spaces; roles and includes are indexes, "x" a missing
 * one. */
struct party {
    const char *grants, *settings, *roles;
    const char *organization;
    bool inactive;
};

struct test_case {
    const char *sentence;
    const char *organization; /* "acme" where NULL */
    bool platform;
    struct party own;
    struct party groups[2];
    struct party pool[5];
    const char *expect; /* "query=+", "query=-" or "query=0", a "!" before each problem, or
                           "$name=value" for a setting */
};

static const char *const permissions[] = {
    "ticket:read", "ticket:delete", "section:read", "section.users:read", "directory:read",
};

static const struct test_case cases[] = {
    {.sentence = "nothing said: silent, and the platform's empty profile too",
     .expect = "ticket:read=0 ticket:read@event/acme/hamlet=0 ticket:read@payment/card=0 $view"},
    {.sentence =
         "A grant with resource * covers every permission but directory:* and directory.*:*",
     .own = {.grants = "+*"},
     .expect = "ticket:read=+ section.users:read=+ directory:read=0"},
    {.sentence = "a denial covers all it says",
     .own = {.grants = "-*"},
     .expect = "ticket:read=- directory:read=-"},
    {.sentence = "An unscoped value holds for every object and for none",
     .own = {.grants = "+ticket:read"},
     .expect = "ticket:read=+ ticket:read@event/acme/hamlet=+ ticket:read@payment/card=+"},
    {.sentence = "a scoped one only for its objects",
     .own = {.grants = "+ticket:read@payment/card +ticket:delete@event/beta/hamlet"},
     .expect = "ticket:read=0 ticket:read@payment/card=+ ticket:read@payment/Card=0 "
               "ticket:delete=0 ticket:delete@event/beta/hamlet=+ ticket:delete@event/beta/other=0 "
               "ticket:delete@event/acme/hamlet=0"},
    {.sentence = "event/* for every event",
     .own = {.grants = "+ticket:read@event/*"},
     .expect = "ticket:read=0 ticket:read@event/a/b=+ ticket:read@payment/card=0"},
    {.sentence = "A one-name event belongs to the organization that holds the entry",
     .own = {.grants = "+ticket:read@event/hamlet", .roles = "0 1"},
     .groups = {{.grants = "+section:read@event/hamlet"}},
     .pool = {{.grants = "+ticket:delete@event/hamlet", .organization = "acme"},
              {.grants = "+section.users:read@event/hamlet", .organization = "beta"}},
     .expect = "ticket:read@event/acme/hamlet=+ ticket:read@event/beta/hamlet=0 "
               "section:read@event/acme/hamlet=+ ticket:delete@event/acme/hamlet=+ "
               "section.users:read@event/beta/hamlet=+ section.users:read@event/acme/hamlet=0"},
    {.sentence = "in a role under <base>, to the organization of the membership that uses it",
     .organization = "beta",
     .own = {.roles = "0"},
     .pool = {{.roles = "1"}, {.grants = "+ticket:read@event/hamlet"}},
     .expect = "ticket:read@event/beta/hamlet=+ ticket:read@event/acme/hamlet=0"},
    {.sentence = "in o=platform only two-name events count, also in a role of <base> used there",
     .organization = "platform",
     .platform = true,
     .own = {.grants = "+ticket:read@event/hamlet +ticket:delete@event/acme/hamlet", .roles = "0"},
     .pool = {{.grants = "+section:read@event/hamlet +section:read@event/acme/*"}},
     .expect = "ticket:read@event/platform/hamlet=0 ticket:read@event/acme/hamlet=0 "
               "ticket:delete@event/acme/hamlet=+ section:read@event/platform/hamlet=0 "
               "section:read@event/acme/hamlet=+ !value:-1:+ticket:read@event/hamlet "
               "!value:0:+section:read@event/hamlet"},
    {.sentence = "a service of <base> has no organization for one-name events",
     .organization = "",
     .own = {.grants = "+ticket:read@event/hamlet"},
     .expect = "ticket:read@event/acme/hamlet=0 !value:-1:+ticket:read@event/hamlet"},
    {.sentence = "Equal events match however they are written",
     .own = {.grants = "+ticket:read@event/Hamlet -ticket:read@event/ACME/hamlet "
                       "+ticket:delete@event/Beta/*"},
     .expect = "ticket:read@event/acme/HAMLET=- ticket:read@event/Acme/hamlet=- "
               "ticket:delete@event/bETA/x=+"},
    {.sentence = "The highest layer that says anything decides: own, groups, roles",
     .own = {.grants = "+ticket:read", .roles = "0"},
     .groups = {{.grants = "-ticket:read +ticket:delete"}},
     .pool = {{.grants = "-ticket:read -ticket:delete +section:read"}},
     .expect = "ticket:read=+ ticket:delete=+ section:read=+"},
    {.sentence = "a wide value of a higher layer beats a narrow one of a lower",
     .own = {.grants = "-ticket:read", .roles = "0"},
     .pool = {{.grants = "+ticket:read@event/hamlet +ticket:delete@event/hamlet"}},
     .expect = "ticket:read@event/acme/hamlet=- ticket:delete@event/acme/hamlet=+"},
    {.sentence = "a higher layer that speaks of another scope says nothing",
     .own = {.grants = "-ticket:read@event/macbeth", .roles = "0"},
     .pool = {{.grants = "+ticket:read@event/hamlet"}},
     .expect = "ticket:read@event/acme/hamlet=+ ticket:read@event/acme/macbeth=-"},
    {.sentence = "the narrowest scope decides: one object, event/organization/*, type/*, unscoped",
     .own = {.grants = "+ticket:* -ticket:*@event/* +ticket:*@event/acme/* -ticket:*@event/hamlet "
                       "+section:read -section:read@payment/* +section:read@payment/card"},
     .expect = "ticket:read=+ ticket:read@event/beta/x=- ticket:read@event/acme/x=+ "
               "ticket:read@event/acme/hamlet=- section:read@giftcard/1=+ "
               "section:read@payment/cash=- section:read@payment/card=+"},
    {.sentence = "within that a denial beats a grant, whichever comes first",
     .own = {.grants = "+ticket:read -ticket:read -ticket:delete +ticket:delete -section:*@a/* "
                       "+section:read@a/*"},
     .expect = "ticket:read=- ticket:delete=- section:read@a/b=-"},
    {.sentence = "the roles of the membership and of its groups are one layer",
     .own = {.roles = "0"},
     .groups = {{.roles = "1"}},
     .pool = {{.grants = "+ticket:read"}, {.grants = "-ticket:read"}},
     .expect = "ticket:read=-"},
    {.sentence = "A role stands with all that it includes, each once",
     .own = {.roles = "0 1"},
     .pool = {{.roles = "1 2"},
              {.roles = "2 3"},
              {.grants = "+ticket:read"},
              {.grants = "-ticket:delete"}},
     .expect = "ticket:read=+ ticket:delete=-"},
    {.sentence = "Roles on a circle of includes grant nothing, and what includes one gets nothing",
     .own = {.roles = "0"},
     .pool = {{.roles = "1", .grants = "+ticket:read"},
              {.roles = "2 4", .grants = "+ticket:delete"},
              {.roles = "3", .grants = "+ticket:delete"},
              {.roles = "1", .grants = "+ticket:delete"},
              {.grants = "+section:read"}},
     .expect = "ticket:read=+ ticket:delete=0 section:read=0 !circle:1"},
    {.sentence = "a role that includes itself is a circle",
     .own = {.roles = "0 1"},
     .pool = {{.roles = "0", .grants = "+ticket:read"}, {.grants = "+ticket:delete"}},
     .expect = "ticket:read=0 ticket:delete=+ !circle:0"},
    {.sentence = "a circle through an inactive role is one, a way through two branches is none",
     .own = {.roles = "0 2"},
     .pool = {{.roles = "1", .grants = "+ticket:read"},
              {.roles = "0", .inactive = true},
              {.roles = "3 4", .grants = "+ticket:delete"},
              {.roles = "4"},
              {.grants = "+section:read"}},
     .expect = "ticket:read=0 ticket:delete=+ section:read=+ !circle:0"},
    {.sentence = "an inactive role says nothing, nor what it alone includes",
     .own = {.roles = "0 2"},
     .pool = {{.roles = "1", .grants = "-ticket:read", .inactive = true, .settings = "view=x"},
              {.grants = "+section:read"},
              {.grants = "+ticket:read"}},
     .expect = "ticket:read=+ section:read=0 $view"},
    {.sentence = "an inactive group says nothing, nor its roles",
     .groups = {{.grants = "+ticket:read", .roles = "0", .settings = "view=x", .inactive = true}},
     .pool = {{.grants = "+section:read"}},
     .expect = "ticket:read=0 section:read=0 $view"},
    {.sentence = "a value that does not parse or points where it may not is skipped and named",
     .own = {.grants = "-* ticket:read +ticket:read +Ticket:delete",
             .settings = "view",
             .roles = "x 0 99"},
     .pool = {{.roles = "x", .grants = "+*@event"}},
     .expect = "ticket:read=- !value:-1:ticket:read !value:-1:+Ticket:delete !value:-1:view "
               "!role:-1 !role:-1 !role:0 !value:0:+*@event"},
    {.sentence = "a permission that the catalogue does not hold is nobody's",
     .own = {.grants = "+none:such +ticket:read@none/such"},
     .expect = "ticket:read=0 ticket:read@none/such=+"},
    {.sentence = "Settings follow the same layers",
     .own = {.settings = "view=own", .roles = "0"},
     .groups = {{.settings = "view=group dash=group"}},
     .pool = {{.settings = "view=role dash=role pay=role"}},
     .expect = "$view=own $dash=group $pay=role"},
    {.sentence = "Should one layer give several values, the greatest in byte order stands",
     .own = {.settings = "view=a view=b view=B", .roles = "0 1"},
     .pool = {{.settings = "dash=ab pay=1"}, {.settings = "dash=abc pay=1"}},
     .expect = "$view=b $dash=abc $pay=1 !setting:-1:view=a !setting:-1:view=B !setting:0:dash=ab"},
    {.sentence = "a setting may be empty, and names are case-sensitive",
     .own = {.settings = "view= View=x", .roles = "0"},
     .pool = {{.settings = "view=role"}},
     .expect = "$view= $View=x $VIEW"},
};

/* Words of a text, as slices into it. */
static const struct slice *words(struct arena *arena, const char *text, size_t *ret_count)
{
    struct slice *result = arena_alloc(arena, 64 * sizeof(*result));
    size_t count = 0;

    while (text != NULL && *text != '\0') {
        size_t len = strcspn(text, " ");

        assert_true(count < 64);
        result[count++] = (struct slice){.data = text, .len = len};
        text += len + (text[len] == ' ');
    }
    *ret_count = count;
    return result;
}

static const int *indexes(struct arena *arena, const char *text, size_t *ret_count)
{
    const struct slice *texts = words(arena, text, ret_count);
    int *result = arena_alloc(arena, 64 * sizeof(*result));

    for (size_t i = 0; i < *ret_count; i++)
        result[i] = texts[i].data[0] == 'x' ? ROLE_MISSING : atoi(texts[i].data);
    return result;
}

static struct resolve_values values_of(struct arena *arena, const struct party *party)
{
    struct resolve_values values;

    values.grants = words(arena, party->grants, &values.grant_count);
    values.settings = words(arena, party->settings, &values.setting_count);
    return values;
}

static void input_of(struct arena *arena, const struct test_case *test, struct resolve_input *input)
{
    struct resolve_group *groups = arena_alloc(arena, COUNT(test->groups) * sizeof(*groups));
    struct resolve_role *pool = arena_alloc(arena, COUNT(test->pool) * sizeof(*pool));

    for (size_t i = 0; i < COUNT(test->groups); i++) {
        groups[i].active = !test->groups[i].inactive;
        groups[i].values = values_of(arena, &test->groups[i]);
        groups[i].roles = indexes(arena, test->groups[i].roles, &groups[i].role_count);
    }
    for (size_t i = 0; i < COUNT(test->pool); i++) {
        pool[i].active = !test->pool[i].inactive;
        pool[i].organization = slice_of(test->pool[i].organization);
        pool[i].values = values_of(arena, &test->pool[i]);
        pool[i].includes = indexes(arena, test->pool[i].roles, &pool[i].include_count);
    }
    *input = (struct resolve_input){
        .organization = slice_of(test->organization != NULL ? test->organization : "acme"),
        .platform = test->platform,
        .values = values_of(arena, &test->own),
        .groups = groups,
        .group_count = COUNT(test->groups),
        .pool = pool,
        .pool_count = COUNT(test->pool),
    };
    input->roles = indexes(arena, test->own.roles, &input->role_count);
}

static struct catalogue *catalogue_of_test(void)
{
    struct catalogue *catalogue = catalogue_new();

    for (unsigned i = 0; i < COUNT(permissions); i++)
        assert_int_equal(catalogue_put(catalogue, i * 50, slice_of(permissions[i]), slice_of(NULL),
                                       false, false, slice_of(NULL)),
                         0);
    return catalogue;
}

/* The problems as text, " !where:role:value". */
static void on_problem(void *context, const struct resolve_problem *problem)
{
    char *text = context;

    snprintf(text + strlen(text), 400 - strlen(text), " !%s:%d%s%.*s", problem->where,
             problem->role, problem->value.len > 0 ? ":" : "", SLICE_ARG(problem->value));
}

static void check_verdict(const struct test_case *test, const struct catalogue *catalogue,
                          const struct profile *profile, struct slice word)
{
    enum verdict expected = word.data[word.len - 1] == '+'   ? VERDICT_GRANT
                            : word.data[word.len - 1] == '-' ? VERDICT_DENY
                                                             : VERDICT_SILENT;
    struct permission permission;
    struct query query;

    word.len -= 2;
    assert_int_equal(query_parse(word, &query), 0);
    assert_int_equal(catalogue_find(catalogue, query.permission, &permission), 0);
    if (profile_verdict(profile, permission.bit, &query.scope) != expected)
        fail_msg("%s: %.*s", test->sentence, SLICE_ARG(word));
}

static void check_setting(const struct test_case *test, const struct profile *profile,
                          struct slice word)
{
    struct slice name = word, value = {0}, found;

    (void)setting_parse(word, &name, &value);
    found = profile_setting(profile, name);
    if ((found.data == NULL) != (value.data == NULL) || !slice_equal(found, value))
        fail_msg("%s: %.*s", test->sentence, SLICE_ARG(word));
}

static void check_problem(const struct test_case *test, const char *problems, struct slice word)
{
    char text[200];

    snprintf(text, sizeof(text), " %.*s", SLICE_ARG(word));
    if (strstr(problems, text) == NULL)
        fail_msg("%s: no %s in%s", test->sentence, text, problems);
}

static void check_case(const struct test_case *test, const struct catalogue *catalogue)
{
    struct arena *arena = arena_new(), *kept = arena_new();
    char problems[400] = "";
    struct resolve_input input;
    struct profile profile;
    const struct slice *expect;
    size_t count, named = 0, seen = 0;

    input_of(arena, test, &input);
    assert_int_equal(resolve(catalogue, &input, kept, on_problem, problems, &profile), 0);
    expect = words(arena, test->expect, &count);
    for (size_t i = 0; i < count; i++) {
        struct slice rest = {.data = expect[i].data + 1, .len = expect[i].len - 1};

        if (expect[i].data[0] == '$')
            check_setting(test, &profile, rest);
        else if (expect[i].data[0] == '!')
            check_problem(test, problems, expect[i]);
        else
            check_verdict(test, catalogue, &profile, expect[i]);
        named += expect[i].data[0] == '!';
    }
    for (const char *at = problems; (at = strchr(at, '!')) != NULL; at++)
        seen++;
    if (strstr(test->expect, "!circle") == NULL && seen != named)
        fail_msg("%s: other problems:%s", test->sentence, problems);
    arena_free(arena);
    arena_free(kept);
}

static void test_cases(void **unused)
{
    struct catalogue *catalogue = catalogue_of_test();

    (void)unused;
    for (size_t i = 0; i < COUNT(cases); i++)
        check_case(&cases[i], catalogue);
    catalogue_free(catalogue);
}

/* Scopes come sorted, each once, in lower case, and no bit is both granted and denied. */
static void test_shape(void **unused)
{
    static const struct slice grants[] = {
        {"+*@event/Zoo", 12}, {"-ticket:*@event/ZOO", 19}, {"+*@event/acme/*", 15},
        {"+*@Event/x", 10},   {"-*@payment/Card", 15},     {"+*@payment/Card", 15},
    };
    struct resolve_input input = {.organization = slice_of("Acme"),
                                  .values = {.grants = grants, .grant_count = COUNT(grants)}};
    struct catalogue *catalogue = catalogue_of_test();
    struct arena *arena = arena_new();
    struct profile profile;

    (void)unused;
    assert_int_equal(resolve(catalogue, &input, arena, NULL, NULL, &profile), 0);
    assert_int_equal(profile.words, 4);
    assert_int_equal(profile.scope_count, 3);
    for (size_t i = 0; i < profile.scope_count; i++) {
        if (i > 0)
            assert_true(scope_compare(&profile.scopes[i - 1].scope, &profile.scopes[i].scope) < 0);
        for (size_t word = 0; word < profile.words; word++)
            assert_int_equal(
                profile.scopes[i].bits.granted[word] & profile.scopes[i].bits.denied[word], 0);
    }
    assert_true(slice_is(profile.scopes[0].scope.name, "Card"));
    assert_true(slice_is(profile.scopes[1].scope.name, "zoo"));
    assert_true(slice_is(profile.scopes[1].scope.organization, "acme"));
    assert_int_equal(profile_verdict(&profile, 256, &(struct scope){0}), VERDICT_SILENT);
    assert_int_equal(profile_verdict(&profile, UINT32_MAX, &(struct scope){0}), VERDICT_SILENT);
    arena_free(arena);
    catalogue_free(catalogue);
}

/* 4096 scopes are resolved, one more is not, and the result stays untouched. */
static void test_limit(void **unused)
{
    struct catalogue *catalogue = catalogue_of_test();
    struct arena *arena = arena_new();
    struct slice *grants = mem_array(8194, sizeof(*grants));
    struct resolve_input input = {.organization = slice_of("acme"), .values = {.grants = grants}};
    struct profile profile = {.words = 4711};

    (void)unused;
    for (size_t i = 0; i < 8194; i++)
        grants[i] = slice_of(arena_printf(arena, "+ticket:read@event/e%zu", i / 2));
    input.values.grant_count = 8194;
    assert_int_equal(resolve(catalogue, &input, arena, NULL, NULL, &profile), E_LIMIT);
    assert_int_equal(profile.words, 4711);
    input.values.grant_count = 8192;
    assert_int_equal(resolve(catalogue, &input, arena, NULL, NULL, &profile), 0);
    assert_int_equal(profile.scope_count, 4096);
    free(grants);
    arena_free(arena);
    catalogue_free(catalogue);
}

/* A chain and a circle of 100,000 roles: no recursion, no quadratic work. */
static void test_deep_includes(void **unused)
{
    enum { DEEP = 100000 };
    struct resolve_role *pool = mem_array(DEEP, sizeof(*pool));
    int *includes = mem_array(DEEP, sizeof(*includes));
    const struct slice grant = slice_of("+ticket:read");
    struct catalogue *catalogue = catalogue_of_test();
    struct arena *arena = arena_new();
    const int first = 0;
    struct resolve_input input = {
        .organization = slice_of("acme"), .roles = &first, .role_count = 1, .pool = pool};
    struct profile profile;

    (void)unused;
    input.pool_count = DEEP;
    for (int i = 0; i < DEEP; i++) {
        includes[i] = i + 1;
        pool[i] = (struct resolve_role){
            .active = true, .includes = &includes[i], .include_count = i + 1 < DEEP};
    }
    pool[DEEP - 1].values = (struct resolve_values){.grants = &grant, .grant_count = 1};
    assert_int_equal(resolve(catalogue, &input, arena, NULL, NULL, &profile), 0);
    assert_int_equal(profile_verdict(&profile, 0, &(struct scope){0}), VERDICT_GRANT);
    includes[DEEP - 1] = 0;
    pool[DEEP - 1].include_count = 1;
    assert_int_equal(resolve(catalogue, &input, arena, NULL, NULL, &profile), 0);
    assert_int_equal(profile_verdict(&profile, 0, &(struct scope){0}), VERDICT_SILENT);
    free(pool);
    free(includes);
    arena_free(arena);
    catalogue_free(catalogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_shape),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_deep_includes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
