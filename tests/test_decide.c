/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The nine steps, one at a time and at their borders, on a subject that would be allowed but for
 * what the row changes. Profiles are replaced by a string of letters for each membership.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/decide.h"
#include "base/err.h"

#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define NOW          INT64_C(1700000000000)

#define OPEN                                                                                       \
    {                                                                                              \
        true, true, INT64_MIN, INT64_MAX                                                           \
    }
#define ABSENT                                                                                     \
    {                                                                                              \
        false, true, INT64_MIN, INT64_MAX                                                          \
    }
#define OFF                                                                                        \
    {                                                                                              \
        true, false, INT64_MIN, INT64_MAX                                                          \
    }

/* Bit 0 is asked for; 1 and up are for usherRequires. */
struct test_case {
    const char *name;
    const char *query; /* "a:b" where NULL; an event query where it has a scope of event/ */
    bool no_permission;
    struct permission permission;
    bool not_known, not_active, no_person, person_inactive; /* of the organization, of the person */
    struct window own, event, platform;                     /* all zero: absent */
    bool event_unknown, event_closed, event_foreign, specific, read_only;
    struct window event_time;               /* all zero: always */
    const char *verdicts[MEMBERSHIP_KINDS]; /* of bits 0, 1, ...: "+", "-" or "0" */
    int result;
    int step;
    enum membership_kind kind;
};

#define NOBODY       .kind = MEMBERSHIP_KINDS
#define NO_REQUIRES  .requires = REQUIRES_NOTHING
#define PLAIN        .permission = {NO_REQUIRES}
#define OWN(...)     .verdicts = {[MEMBERSHIP_OWN] = __VA_ARGS__}
#define ALLOW        .result = 0, .step = 8
#define DENY(number) .result = E_DENIED, .step = number
#define EVENT_QUERY  .query = "a:b@event/acme/hamlet"

static const struct test_case cases[] = {
    {"plain allow", PLAIN, .own = OPEN, OWN("+"), ALLOW, .kind = MEMBERSHIP_OWN},

    {"1 unknown permission", .no_permission = true, .not_known = true, .own = OPEN, OWN("+"),
     .result = E_NOPERM, .step = 1, NOBODY},
    {"1 unknown organization", PLAIN, .not_known = true, .no_person = true, .own = OPEN, OWN("+"),
     .result = E_NOTFOUND, .step = 1, NOBODY},
    {"1 inactive organization", PLAIN, .not_active = true, .platform = OPEN,
     .verdicts = {[MEMBERSHIP_PLATFORM] = "+"}, .result = E_NOTFOUND, .step = 1, NOBODY},
    {"1 unknown event", EVENT_QUERY, PLAIN, .event_unknown = true, .no_person = true,
     .result = E_NOTFOUND, .step = 1, .kind = MEMBERSHIP_EVENT},
    {"1 unknown event does not matter to another query", PLAIN, .event_unknown = true, .own = OPEN,
     OWN("+"), ALLOW, .kind = MEMBERSHIP_OWN},

    {"2 unknown person", PLAIN, .no_person = true, .own = OPEN, OWN("+"), DENY(2), NOBODY},
    {"2 inactive person", PLAIN, .person_inactive = true, .own = OPEN, OWN("+"), DENY(2), NOBODY},
    {"2 before 3", PLAIN, .no_person = true, DENY(2), NOBODY},

    {"3 no membership at all", PLAIN, OWN("+"), DENY(3), NOBODY},
    {"3 inactive membership", PLAIN, .own = OFF, OWN("+"), DENY(3), NOBODY},
    {"3 absent but active", PLAIN, .own = ABSENT, OWN("+"), DENY(3), NOBODY},
    {"3 NotBefore is now", PLAIN, .own = {true, true, NOW, INT64_MAX}, OWN("+"), ALLOW,
     .kind = MEMBERSHIP_OWN},
    {"3 NotBefore is in 1 ms", PLAIN, .own = {true, true, NOW + 1, INT64_MAX}, OWN("+"), DENY(3),
     NOBODY},
    {"3 NotAfter is now", PLAIN, .own = {true, true, INT64_MIN, NOW}, OWN("+"), DENY(3), NOBODY},
    {"3 NotAfter is in 1 ms", PLAIN, .own = {true, true, INT64_MIN, NOW + 1}, OWN("+"), ALLOW,
     .kind = MEMBERSHIP_OWN},
    {"3 the membership in an event is for event queries only", PLAIN, .event = OPEN,
     .verdicts = {"+"}, DENY(3), NOBODY},
    {"3 nor for other objects", .query = "a:b@payment/hamlet", PLAIN, .event = OPEN,
     .verdicts = {"+"}, DENY(3), NOBODY},
    {"3 the membership in the event alone", EVENT_QUERY, PLAIN, .event = OPEN, .verdicts = {"+"},
     ALLOW, .kind = MEMBERSHIP_EVENT},
    {"3 within the times of its event: begins now", EVENT_QUERY, PLAIN, .event = OPEN,
     .event_time = {true, true, NOW, NOW + 1}, .verdicts = {"+"}, ALLOW, .kind = MEMBERSHIP_EVENT},
    {"3 within the times of its event: begins in 1 ms", EVENT_QUERY, PLAIN, .event = OPEN,
     .event_time = {true, true, NOW + 1, INT64_MAX}, .verdicts = {"+"}, DENY(3), NOBODY},
    {"3 within the times of its event: ends now", EVENT_QUERY, PLAIN, .event = OPEN,
     .event_time = {true, true, INT64_MIN, NOW}, .verdicts = {"+"}, DENY(3), NOBODY},
    {"3 the event's times do not limit other memberships", EVENT_QUERY, PLAIN, .own = OPEN,
     .event_time = {true, true, INT64_MIN, NOW}, OWN("+"), ALLOW, .kind = MEMBERSHIP_OWN},
    {"3 the platform alone", PLAIN, .platform = OPEN, .verdicts = {[MEMBERSHIP_PLATFORM] = "+"},
     ALLOW, .kind = MEMBERSHIP_PLATFORM},
    {"3 before 4", EVENT_QUERY, PLAIN, .event_closed = true, DENY(3), NOBODY},

    {"4 a closed event, whoever asks", EVENT_QUERY, PLAIN, .event_closed = true, .specific = true,
     .own = OPEN, .event = OPEN, .platform = OPEN, .verdicts = {"+", "+", "+"}, DENY(4), NOBODY},
    {"4 a closed event does not matter to another query", PLAIN, .event_closed = true, .own = OPEN,
     OWN("+"), ALLOW, .kind = MEMBERSHIP_OWN},

    {"5 specific, own membership alone", EVENT_QUERY, .permission = {.channel = {"app", 3}},
     .specific = true, .own = OPEN, OWN("+"), DENY(5), NOBODY},
    {"5 specific, with one in the event", EVENT_QUERY, PLAIN, .specific = true, .own = OPEN,
     .event = OPEN, OWN("+"), ALLOW, .kind = MEMBERSHIP_OWN},
    {"5 specific, with one in the event that is over", EVENT_QUERY, PLAIN, .specific = true,
     .own = OPEN, .event = {true, true, INT64_MIN, NOW}, OWN("+"), DENY(5), NOBODY},
    {"5 specific, of the platform", EVENT_QUERY, PLAIN, .specific = true, .own = OPEN,
     .platform = OPEN, OWN("+"), ALLOW, .kind = MEMBERSHIP_OWN},
    {"5 specific, no event query", PLAIN, .specific = true, .own = OPEN, OWN("+"), ALLOW,
     .kind = MEMBERSHIP_OWN},

    {"6 no channel", .permission = {.channel = {"app", 3}, NO_REQUIRES}, .own = OPEN, OWN("+"),
     DENY(6), NOBODY},
    {"6 another channel", .query = "a:b;channel=apps",
     .permission = {.channel = {"app", 3}, NO_REQUIRES}, .own = OPEN, OWN("+"), DENY(6), NOBODY},
    {"6 that channel", .query = "a:b;channel=app",
     .permission = {.channel = {"app", 3}, NO_REQUIRES}, .own = OPEN, OWN("+"), ALLOW,
     .kind = MEMBERSHIP_OWN},
    {"6 a channel that is not needed", .query = "a:b;channel=app", PLAIN, .own = OPEN, OWN("+"),
     ALLOW, .kind = MEMBERSHIP_OWN},
    {"6 before 7", EVENT_QUERY, .permission = {.channel = {"app", 3}, .editing = true, NO_REQUIRES},
     .event_foreign = true, .read_only = true, .own = OPEN, OWN("-"), DENY(6), NOBODY},

    {"7 editing a foreign event, read-only", EVENT_QUERY,
     .permission = {.editing = true, NO_REQUIRES}, .event_foreign = true, .read_only = true,
     .own = OPEN, OWN("+"), DENY(7), NOBODY},
    {"7 the own event", EVENT_QUERY, .permission = {.editing = true, NO_REQUIRES},
     .read_only = true, .own = OPEN, OWN("+"), ALLOW, .kind = MEMBERSHIP_OWN},
    {"7 shared for editing", EVENT_QUERY, .permission = {.editing = true, NO_REQUIRES},
     .event_foreign = true, .own = OPEN, OWN("+"), ALLOW, .kind = MEMBERSHIP_OWN},
    {"7 no editing", EVENT_QUERY, PLAIN, .event_foreign = true, .read_only = true, .own = OPEN,
     OWN("+"), ALLOW, .kind = MEMBERSHIP_OWN},
    {"7 no event query", .permission = {.editing = true, NO_REQUIRES}, .event_foreign = true,
     .read_only = true, .own = OPEN, OWN("+"), ALLOW, .kind = MEMBERSHIP_OWN},

    {"8 nothing said", PLAIN, .own = OPEN, .platform = OPEN, .verdicts = {"", "0", "0"}, DENY(8),
     NOBODY},
    {"8 denied", PLAIN, .own = OPEN, .platform = OPEN, .verdicts = {"", "-", "+"}, DENY(8),
     .kind = MEMBERSHIP_OWN},
    {"8 event before own", EVENT_QUERY, PLAIN, .own = OPEN, .event = OPEN,
     .verdicts = {"-", "+", "+"}, DENY(8), .kind = MEMBERSHIP_EVENT},
    {"8 own before platform", PLAIN, .own = OPEN, .platform = OPEN, .verdicts = {"-", "+", "-"},
     ALLOW, .kind = MEMBERSHIP_OWN},
    {"8 the first that speaks", EVENT_QUERY, PLAIN, .own = OPEN, .event = OPEN, .platform = OPEN,
     .verdicts = {"0", "0", "+"}, ALLOW, .kind = MEMBERSHIP_PLATFORM},
    {"8 what is not valid says nothing", PLAIN, .own = OFF, .platform = OPEN,
     .verdicts = {"", "-", "+"}, ALLOW, .kind = MEMBERSHIP_PLATFORM},
    {"8 the required is allowed", .permission = {.requires = 1}, .own = OPEN, OWN("++"), ALLOW,
     .kind = MEMBERSHIP_OWN},
    {"8 the required is denied", .permission = {.requires = 1}, .own = OPEN, OWN("+-"), DENY(8),
     .kind = MEMBERSHIP_OWN},
    {"8 nothing is said of the required", .permission = {.requires = 1}, .own = OPEN, OWN("+0"),
     DENY(8), .kind = MEMBERSHIP_OWN},
    {"8 the required speaks elsewhere", .permission = {.requires = 1}, .own = OPEN,
     .platform = OPEN, .verdicts = {"", "+0", "-+"}, ALLOW, .kind = MEMBERSHIP_PLATFORM},
    {"8 the required of the required is denied", .permission = {.requires = 2}, .own = OPEN,
     OWN("+-+"), DENY(8), .kind = MEMBERSHIP_OWN},
    {"8 the required is unknown", .permission = {.requires = REQUIRES_UNKNOWN}, .own = OPEN,
     OWN("+"), DENY(8), .kind = MEMBERSHIP_OWN},
    {"8 the required requires an unknown one", .permission = {.requires = 3}, .own = OPEN,
     OWN("++++"), DENY(8), .kind = MEMBERSHIP_OWN},
    {"8 the required needs a channel: step 6 within 8", .permission = {.requires = 4}, .own = OPEN,
     OWN("+++++"), DENY(8), .kind = MEMBERSHIP_OWN},
    {"8 and gets it", .query = "a:b;channel=app", .permission = {.requires = 4}, .own = OPEN,
     OWN("+++++"), ALLOW, .kind = MEMBERSHIP_OWN},
    {"8 the required edits: step 7 within 8", EVENT_QUERY, .permission = {.requires = 5},
     .event_foreign = true, .read_only = true, .own = OPEN, OWN("++++++"), DENY(8),
     .kind = MEMBERSHIP_OWN},
    {"8 the required needs a factor: step 9 is not asked of it", .permission = {.requires = 6},
     .own = OPEN, OWN("+++++++"), ALLOW, .kind = MEMBERSHIP_OWN},
    {"8 a circle", .permission = {.requires = 7}, .own = OPEN, OWN("+++++++++"), DENY(8),
     .kind = MEMBERSHIP_OWN},
    {"8 the asked requires itself", .permission = {.requires = 0}, .own = OPEN, OWN("+"), DENY(8),
     .kind = MEMBERSHIP_OWN},
    {"8 the required is a hole", .permission = {.requires = 9}, .own = OPEN, OWN("++++++++++"),
     DENY(8), .kind = MEMBERSHIP_OWN},
    {"8 before 9", .permission = {.factor = true, .requires = 1}, .own = OPEN, OWN("+-"), DENY(8),
     .kind = MEMBERSHIP_OWN},

    {"9 factor absent", .permission = {.factor = true, NO_REQUIRES}, .own = OPEN, OWN("+"),
     .result = E_STEPUP, .step = 9, .kind = MEMBERSHIP_OWN},
    {"9 factor none", .query = "a:b;factor=none", .permission = {.factor = true, NO_REQUIRES},
     .own = OPEN, OWN("+"), .result = E_STEPUP, .step = 9, .kind = MEMBERSHIP_OWN},
    {"9 totp", .query = "a:b;factor=totp", .permission = {.factor = true, NO_REQUIRES}, .own = OPEN,
     OWN("+"), ALLOW, .kind = MEMBERSHIP_OWN},
    {"9 email", .query = "a:b;factor=email", .permission = {.factor = true, NO_REQUIRES},
     .own = OPEN, OWN("+"), ALLOW, .kind = MEMBERSHIP_OWN},
    {"9 sms", .query = "a:b;factor=sms", .permission = {.factor = true, NO_REQUIRES}, .own = OPEN,
     OWN("+"), ALLOW, .kind = MEMBERSHIP_OWN},
    {"9 a denied one is denied", .permission = {.factor = true, NO_REQUIRES}, .own = OPEN, OWN("-"),
     DENY(8), .kind = MEMBERSHIP_OWN},
};

/* What usherRequires may lead to; bits above are holes. */
static const struct permission others[] = {
    [1] = {.bit = 1, NO_REQUIRES},
    [2] = {.bit = 2, .requires = 1},
    [3] = {.bit = 3, .requires = REQUIRES_UNKNOWN},
    [4] = {.bit = 4, .channel = {"app", 3}, NO_REQUIRES},
    [5] = {.bit = 5, .editing = true, NO_REQUIRES},
    [6] = {.bit = 6, .factor = true, NO_REQUIRES},
    [7] = {.bit = 7, .requires = 8},
    [8] = {.bit = 8, .requires = 7},
};

static enum verdict on_verdict(void *context, enum membership_kind kind, unsigned bit,
                               const struct scope *scope)
{
    const struct test_case *test = context;
    const char *says = test->verdicts[kind] != NULL ? test->verdicts[kind] : "";

    assert_true(scope->kind == SCOPE_NONE || scope->name.len > 0);
    if (bit >= strlen(says) || says[bit] == '0')
        return VERDICT_SILENT;
    return says[bit] == '+' ? VERDICT_GRANT : VERDICT_DENY;
}

static int on_permission(void *context, unsigned bit, struct permission *ret)
{
    const struct test_case *test = context;

    if (bit == 0)
        *ret = test->permission;
    else if (bit < COUNT(others))
        *ret = others[bit];
    else
        return E_NOTFOUND;
    return 0;
}

static void test_steps(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct test_case test = cases[i];
        struct decide_source source = {&test, on_verdict, on_permission};
        struct subject subject = {
            .organization_known = !test.not_known,
            .organization_active = !test.not_active,
            .person_known = !test.no_person,
            .person_active = !test.person_inactive,
            .membership = {test.event, test.own, test.platform},
            .event_known = !test.event_unknown,
            .event_open = !test.event_closed,
            .event_foreign = test.event_foreign,
            .event = test.event_time.present ? test.event_time : WINDOW_ALWAYS,
            .event_scope_specific = test.specific,
            .shared_read_only = test.read_only,
        };
        struct decision decision;
        struct query query;

        assert_int_equal(query_parse(slice_of(test.query != NULL ? test.query : "a:b"), &query), 0);
        decision =
            decide(&query, test.no_permission ? NULL : &test.permission, &subject, &source, NOW);
        if (decision.result != test.result || decision.step != test.step)
            fail_msg("%s: %s, step %d", test.name, err_name(decision.result), decision.step);
        if (decision.kind != test.kind)
            fail_msg("%s: kind %d", test.name, (int)decision.kind);
    }
}

static enum verdict on_grant(void *context, enum membership_kind kind, unsigned bit,
                             const struct scope *scope)
{
    (void)context, (void)kind, (void)bit, (void)scope;
    return VERDICT_GRANT;
}

/* Each bit requires the one below it; bit 0 requires nothing. */
static int on_chain(void *context, unsigned bit, struct permission *ret)
{
    (void)context;
    *ret = (struct permission){.bit = bit, .requires = bit > 0 ? (int)bit - 1 : REQUIRES_NOTHING};
    return 0;
}

/* A chain of 64 required permissions is followed, one of 65 is not. */
static void test_chain(void **unused)
{
    struct decide_source source = {NULL, on_grant, on_chain};
    struct subject subject = {true, true, true, true, .membership[MEMBERSHIP_OWN] = OPEN};
    struct query query;

    (void)unused;
    assert_int_equal(query_parse(slice_of("a:b"), &query), 0);
    for (unsigned length = 0; length <= 70; length++) {
        struct permission permission;
        struct decision decision;

        on_chain(NULL, length, &permission);
        decision = decide(&query, &permission, &subject, &source, NOW);
        assert_int_equal(decision.result, length <= 64 ? 0 : E_DENIED);
        assert_int_equal(decision.step, 8);
    }
}

static void test_window(void **unused)
{
    static const struct {
        struct window window;
        int64_t now;
        bool open;
        int64_t next;
    } rows[] = {
        {OPEN, NOW, true, INT64_MAX},
        {OPEN, INT64_MIN, true, INT64_MAX},
        {ABSENT, NOW, false, INT64_MAX},
        {OFF, NOW, false, INT64_MAX},
        {{false, false, 10, 20}, 5, false, INT64_MAX},
        {{true, true, 10, 20}, 9, false, 10},
        {{true, true, 10, 20}, 10, true, 20},
        {{true, true, 10, 20}, 19, true, 20},
        {{true, true, 10, 20}, 20, false, INT64_MAX},
        {{true, true, 10, INT64_MAX}, 10, true, INT64_MAX},
        {{true, true, INT64_MIN, 20}, 19, true, 20},
        {{true, true, 10, 10}, 9, false, INT64_MAX},
        {{true, true, 10, 10}, 10, false, INT64_MAX},
        {{true, true, 20, 10}, 5, false, INT64_MAX},
        {{true, true, 20, 10}, 15, false, INT64_MAX},
    };

    (void)unused;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(window_open(&rows[i].window, rows[i].now), rows[i].open);
        assert_true(window_next(&rows[i].window, rows[i].now) == rows[i].next);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_window),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
