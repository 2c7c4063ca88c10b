/* SPDX-License-Identifier: BSD-2-Clause
 *
 * CSNs and cookies, and what an answer about contextCSN proves.
 */
#include "base/err.h"
#include "store/csn.h"
#include "store/fresh.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define A0 "20261121194116.123456Z#000000#000#000000"
#define A1 "20261121194116.123457Z#000000#000#000000"
#define B0 "20261121194110.000001Z#000000#001#000000"
#define B1 "20261121194116.123456Z#000001#001#000000"
#define C0 "20261121194116.123456Z#000000#0fa#000000"

static const struct {
    const char *cookie;
    int err;
    const char *list;
} cookies[] = {
    {"", 0, ""},
    {"rid=000", 0, ""},
    {"rid=000,csn=" A0, 0, A0},
    {"csn=" A0, 0, A0},
    {"rid=000,sid=001,csn=" B0 ";" A0, 0, A0 ";" B0},
    {"rid=000,csn=" A1 ";" A0, 0, A1},
    {"rid=000,csn=" A0 ";" B0 ";" C0 ",delcsn=" A1, 0, A0 ";" B0 ";" C0},
    {"rid=000,csn=", E_SYNTAX, ""},
    {"rid=000,csn=" A0 ";", 0, A0},
    {"rid=000,csn=;" A0, E_SYNTAX, ""},
    {"rid=000,csn=" A0 "x", E_SYNTAX, ""},
    {"rid=000,csn=" A0 ";20261121194116Z", E_SYNTAX, ""},
    {"csn=2026112119411g.123456Z#000000#000#000000", E_SYNTAX, ""},
    {"csn=20261121194116.123456Z#000000#00g#000000", E_SYNTAX, ""},
    {"csn=20261121194116.123456Z 000000#000#000000", E_SYNTAX, ""},
};

static void test_cookie(void **state)
{
    char buf[CSN_COOKIE_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(cookies) / sizeof(cookies[0]); i++) {
        struct csn_set set = {.count = 0}, again = {.count = 0};

        assert_int_equal(csn_set_add_cookie(&set, slice_of(cookies[i].cookie)), cookies[i].err);
        assert_string_equal(csn_set_format(&set, buf), cookies[i].list);
        assert_int_equal(csn_set_add_cookie(&again, slice_of(csn_set_cookie(&set, buf))), 0);
        assert_true(csn_set_covers(&set, &again) && csn_set_covers(&again, &set));
    }
}

static const struct {
    const char *set;
    const char *other;
    bool covers;
} covers[] = {
    {"", "", true},
    {A0, "", true},
    {"", A0, false},
    {A0, A0, true},
    {A1, A0, true},
    {A0, A1, false},
    {A1, B0, false},
    {A0 ";" B1, A0 ";" B0, true},
    {A1 ";" B0, A0 ";" B1, false},
    {A0 ";" B0 ";" C0, C0, true},
    {A0 ";" C0, B0, false},
};

static void test_covers(void **state)
{
    char text[2][200];

    (void)state;
    for (size_t i = 0; i < sizeof(covers) / sizeof(covers[0]); i++) {
        struct csn_set set = {.count = 0}, other = {.count = 0};

        (void)strcat(strcpy(text[0], covers[i].set[0] != '\0' ? "csn=" : ""), covers[i].set);
        (void)strcat(strcpy(text[1], covers[i].other[0] != '\0' ? "csn=" : ""), covers[i].other);
        assert_int_equal(csn_set_add_cookie(&set, slice_of(text[0])), 0);
        assert_int_equal(csn_set_add_cookie(&other, slice_of(text[1])), 0);
        assert_int_equal(csn_set_covers(&set, &other), covers[i].covers);
    }
}

static void test_bound(void **state)
{
    struct csn_set set = {.count = 0};
    char text[] = A0, buf[CSN_COOKIE_MAX];

    (void)state;
    for (unsigned i = 0; i < CSN_SET_MAX; i++) {
        text[31] = "0123456789abcdef"[i / 16];
        text[32] = "0123456789abcdef"[i % 16];
        assert_int_equal(csn_set_add(&set, slice_of(text)), 0);
    }
    text[30] = '1';
    assert_int_equal(csn_set_add(&set, slice_of(text)), E_LIMIT);
    assert_int_equal(set.count, CSN_SET_MAX);
    assert_int_equal(strlen(csn_set_cookie(&set, buf)), 12 + CSN_SET_MAX * (CSN_LEN + 1) - 1);
}

/* One thing after another, at a time. */
enum step { END, ASK, ANSWER, FAIL, COMMIT, HURRY, JUDGE };

struct story_step {
    int64_t at;
    enum step step;
    const char *csn; /* ANSWER, COMMIT */
    int64_t message; /* JUDGE: when the last message came */
    enum fresh_verdict verdict;
};

#define STORY_MAX 16

static const struct {
    const char *name;
    struct story_step steps[STORY_MAX];
} stories[] = {
    {"asked, answered, proven, and again after the interval",
     {{0, JUDGE, NULL, 0, FRESH_ASK},
      {0, ASK, NULL, 0, 0},
      {1, JUDGE, NULL, 0, FRESH_WAIT},
      {2, COMMIT, A0, 0, 0},
      {2, ANSWER, A0, 0, 0},
      {2, JUDGE, NULL, 0, FRESH_PROVEN},
      {3, JUDGE, NULL, 0, FRESH_WAIT},
      {999, JUDGE, NULL, 0, FRESH_WAIT},
      {1000, JUDGE, NULL, 0, FRESH_ASK}}},
    {"a commit brings the next question forward, but not at once",
     {{0, ASK, NULL, 0, 0},
      {1, COMMIT, A0, 0, 0},
      {1, ANSWER, A0, 0, 0},
      {1, JUDGE, NULL, 0, FRESH_PROVEN},
      {2, HURRY, NULL, 0, 0},
      {19, JUDGE, NULL, 0, FRESH_WAIT},
      {20, JUDGE, NULL, 0, FRESH_ASK}}},
    {"a commit while the question is on its way",
     {{0, ASK, NULL, 0, 0},
      {1, HURRY, NULL, 0, 0},
      {2, COMMIT, A0, 0, 0},
      {3, ANSWER, A0, 0, 0},
      {3, JUDGE, NULL, 0, FRESH_PROVEN},
      {20, JUDGE, NULL, 0, FRESH_ASK}}},
    {"the change comes after the answer",
     {{0, ASK, NULL, 0, 0},
      {1, COMMIT, A0, 0, 0},
      {1, ANSWER, A1, 0, 0},
      {1, JUDGE, NULL, 0, FRESH_WAIT},
      {5, COMMIT, A1, 0, 0},
      {5, JUDGE, NULL, 5, FRESH_PROVEN}}},
    {"it comes too late to prove anything: asked again",
     {{0, ASK, NULL, 0, 0},
      {1, ANSWER, A1, 0, 0},
      {FRESH_PROOF_MS + 1, COMMIT, A1, 0, 0},
      {FRESH_PROOF_MS + 1, JUDGE, NULL, FRESH_PROOF_MS + 1, FRESH_ASK}}},
    {"an answer that comes too late: asked again",
     {{0, ASK, NULL, 0, 0},
      {1, COMMIT, A1, 0, 0},
      {FRESH_PROOF_MS + 1, ANSWER, A1, 0, 0},
      {FRESH_PROOF_MS + 1, JUDGE, NULL, 0, FRESH_ASK}}},
    {"no answer",
     {{0, ASK, NULL, 0, 0},
      {FRESH_ANSWER_MS, JUDGE, NULL, 0, FRESH_WAIT},
      {FRESH_ANSWER_MS + 1, JUDGE, NULL, 0, FRESH_LOST}}},
    {"an answer that tells nothing: asked again, later",
     {{0, ASK, NULL, 0, 0},
      {1, FAIL, NULL, 0, 0},
      {2, JUDGE, NULL, 0, FRESH_WAIT},
      {1000, JUDGE, NULL, 0, FRESH_ASK}}},
    {"the cookie stays behind, with quiet and without",
     {{0, COMMIT, A0, 0, 0},
      {0, ASK, NULL, 0, 0},
      {1, ANSWER, A1, 0, 0},
      {FRESH_QUIET_MS, JUDGE, NULL, 1, FRESH_WAIT},
      {FRESH_QUIET_MS + 10, JUDGE, NULL, FRESH_QUIET_MS, FRESH_WAIT},
      {2 * FRESH_QUIET_MS, JUDGE, NULL, FRESH_QUIET_MS, FRESH_LAGS}}},
    {"an empty set proves nothing",
     {{0, COMMIT, A0, 0, 0},
      {0, ASK, NULL, 0, 0},
      {1, ANSWER, "", 0, 0},
      {1, JUDGE, NULL, 0, FRESH_WAIT}}},
};

static struct csn_set set_of(const char *text)
{
    struct csn_set set = {.count = 0};

    if (text != NULL && text[0] != '\0')
        assert_int_equal(csn_set_add(&set, slice_of(text)), 0);
    return set;
}

static void test_fresh(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
        struct csn_set committed = {.count = 0};
        struct fresh fresh;

        fresh_init(&fresh, 1000);
        fresh_reset(&fresh, 0);
        for (const struct story_step *step = stories[i].steps; step->step != END; step++) {
            struct csn_set csn = set_of(step->csn);

            switch (step->step) {
            case END:
                break;
            case ASK:
                fresh_asked(&fresh, step->at);
                break;
            case ANSWER:
                fresh_answered(&fresh, &csn, step->at);
                break;
            case FAIL:
                fresh_answered(&fresh, NULL, step->at);
                break;
            case COMMIT:
                committed = csn;
                break;
            case HURRY:
                fresh_hurry(&fresh, step->at);
                break;
            case JUDGE:
                if (fresh_judge(&fresh, &committed, step->message, step->at) != step->verdict)
                    fail_msg("%s: at %d ms", stories[i].name, (int)step->at);
                break;
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cookie),
        cmocka_unit_test(test_covers),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
