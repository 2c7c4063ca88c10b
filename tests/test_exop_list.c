/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The values of extended operations that are lists (recovery codes, application passwords, the
 * steps of an explanation, defects): bytes known beforehand, each item told, and no more items than
 * there may be.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "exop_fixture.h"

#include <string.h>

static int on_code(void *context, struct slice code)
{
    size_t *seen = context;

    assert_true(slice_is(code, *seen == 0 ? "abcde-fghij" : ""));
    return ++*seen == 3 ? E_CANCELED : 0;
}

static void recovery(void **state)
{
    static const char *const bad[] = {
        "",
        "\x30\x00",
        "\x30\x02\x04\x00",
        "\x30\x04\x30\x02\x80\x00",
        "\x30\x04\x30\x00\x30\x00",
        "\x30\x04\x30\x03\x04\x00",
    };
    const struct recovery_request asked = {.user = S("bob")};
    struct slice codes[] = {S("abcde-fghij"), S(""), S("")}, many[RECOVERY_RESPONSE_MAX + 1] = {0};
    struct recovery_response set = {.codes = codes, .count = 2}, got = {.count = 77};
    struct recovery_request request;
    struct buffer buffer = {0};
    size_t seen = 0;

    (void)state;
    THERE_AND_BACK(recovery_request, &asked, &request, &buffer);
    ASSERT_BYTES(&buffer, "\x30\x05\x80\x03"
                          "bob");
    assert_same(request.user, asked.user);
    THERE_AND_BACK(recovery_request, &(struct recovery_request){0}, &request, &buffer);
    assert_null(request.user.data);
    buffer.len = 0;
    assert_int_equal(recovery_response_encode(&set, &buffer), 0);
    ASSERT_BYTES(&buffer, "\x30\x11\x30\x0f\x04\x0b"
                          "abcde-fghij\x04\x00");
    assert_int_equal(
        recovery_response_decode((struct slice){buffer.data, buffer.len}, on_code, &seen, &got), 0);
    assert_int_equal(seen, 2);
    assert_int_equal(got.count, 2);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        size_t len = strlen(bad[i]) > 1 ? 2 + (unsigned char)bad[i][1] : 0;

        got.count = 77;
        assert_int_equal(
            recovery_response_decode((struct slice){bad[i], len}, on_code, &seen, &got), E_PROTO);
        assert_int_equal(got.count, 77);
    }
    set = (struct recovery_response){.codes = codes, .count = 3};
    buffer.len = 0;
    seen = 0;
    assert_int_equal(recovery_response_encode(&set, &buffer), 0);
    assert_int_equal(
        recovery_response_decode((struct slice){buffer.data, buffer.len}, on_code, &seen, &got),
        E_CANCELED);
    set = (struct recovery_response){.codes = many, .count = RECOVERY_RESPONSE_MAX + 1};
    assert_int_equal(recovery_response_encode(&set, &buffer), E_LIMIT);
    buffer_clear(&buffer);
}

static int on_app(void *context, const struct app_password_line *line)
{
    size_t *seen = context;

    assert_true(slice_is(line->id, "0a"));
    assert_true(slice_is(line->label, "phone"));
    assert_true(slice_is(line->created, "2026"));
    ++*seen;
    return 0;
}

static void app_passwords(void **state)
{
    static const struct slice bad[] = {
        S(""),
        S("\x30\x00"),
        S("\x30\x03\x80\x01x"),
        S("\x30\x04\x30\x02\x30\x00"),
        S("\x30\x04\x30\x00\x30\x00"),
        S("\x30\x05\x30\x00\x80\x01x"),
    };
    const struct app_password_request asked = {.user = S("bob"),
                                               .action = APP_REVOKE,
                                               .organization = S("acme"),
                                               .service = S("ldap"),
                                               .label = S("l"),
                                               .id = S("0a")};
    const struct app_password_line lines[] = {
        {S("0a"), S("acme"), S("ldap"), S("phone"), S("2026")},
        {S("0a"), S("acme"), S("imap"), S("phone"), S("2026")},
    };
    struct app_password_response made = {.password = S("abc"), .lines = lines, .count = 2}, got;
    struct app_password_request request;
    struct buffer buffer = {0};
    size_t seen = 0;

    (void)state;
    THERE_AND_BACK(app_password_request, &asked, &request, &buffer);
    assert_same(request.user, asked.user);
    assert_int_equal(request.action, APP_REVOKE);
    assert_same(request.organization, asked.organization);
    assert_same(request.service, asked.service);
    assert_same(request.label, asked.label);
    assert_same(request.id, asked.id);
    buffer.len = 0;
    assert_int_equal(app_password_response_encode(&made, &buffer), 0);
    assert_int_equal(
        app_password_response_decode((struct slice){buffer.data, buffer.len}, on_app, &seen, &got),
        0);
    assert_int_equal(seen, 2);
    assert_same(got.password, made.password);
    made = (struct app_password_response){0};
    buffer.len = 0;
    assert_int_equal(app_password_response_encode(&made, &buffer), 0);
    ASSERT_BYTES(&buffer, "\x30\x02\x30\x00");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        got.count = 77;
        assert_int_equal(app_password_response_decode(bad[i], on_app, &seen, &got), E_PROTO);
        assert_int_equal(got.count, 77);
    }
    made.count = APP_PASSWORD_LINES_MAX + 1;
    assert_int_equal(app_password_response_encode(&made, &buffer), E_LIMIT);
    buffer_clear(&buffer);
}

struct gathered {
    struct explain_line lines[4];
    struct doctor_defect defects[4];
    size_t count;
};

static int gather_line(void *context, const struct explain_line *line)
{
    struct gathered *gathered = context;

    gathered->lines[gathered->count++] = *line;
    return 0;
}

static int gather_defect(void *context, const struct doctor_defect *defect)
{
    struct gathered *gathered = context;

    gathered->defects[gathered->count++] = *defect;
    return gathered->count == 2 ? E_CANCELED : 0;
}

static void explanations(void **state)
{
    const struct explain_request asked = {
        .organization = S("acme"), .user = S("alice"), .query = S("a:b")};
    const struct explain_line lines[] = {
        {.step = 1, .text = S("there"), .dn = S("cn=a")},
        {.step = 8, .text = S("denies"), .deciding = true},
    };
    const struct explain_response sent = {.result = 5, .step = 8, .lines = lines, .count = 2};
    const struct explain_response many = {.count = EXPLAIN_LINES_MAX + 1};
    struct explain_request request;
    struct explain_response response;
    struct gathered gathered = {0};
    struct buffer buffer = {0};

    (void)state;
    THERE_AND_BACK(explain_request, &asked, &request, &buffer);
    ASSERT_BYTES(&buffer, "\x30\x12\x80\x04"
                          "acme\x81\x05"
                          "alice\x82\x03"
                          "a:b");
    assert_same(request.query, asked.query);
    buffer.len = 0;
    assert_int_equal(explain_response_encode(&sent, &buffer), 0);
    ASSERT_BYTES(&buffer, "\x30\x2d\x02\x01\x05\x02\x01\x08\x30\x25"
                          "\x30\x13\x02\x01\x01\x04\x05there\x80\x04"
                          "cn=a\x81\x01\x00"
                          "\x30\x0e\x02\x01\x08\x04\x06"
                          "denies\x81\x01\xff");
    assert_int_equal(explain_response_decode((struct slice){buffer.data, buffer.len}, gather_line,
                                             &gathered, &response),
                     0);
    assert_int_equal(response.result, 5);
    assert_int_equal(response.step, 8);
    assert_int_equal(response.count, 2);
    assert_int_equal(gathered.count, 2);
    assert_same(gathered.lines[0].dn, lines[0].dn);
    assert_false(gathered.lines[0].deciding);
    assert_same(gathered.lines[1].text, lines[1].text);
    assert_int_equal(gathered.lines[1].dn.len, 0);
    assert_true(gathered.lines[1].deciding);
    assert_int_equal(explain_response_encode(&many, &buffer), E_LIMIT);
    buffer_clear(&buffer);
}

static void defects(void **state)
{
    const struct doctor_defect list[] = {{.dn = S("cn=a"), .text = S("x")},
                                         {.dn = S("cn=b"), .text = S("")},
                                         {.dn = S("cn=c"), .text = S("z")}};
    const struct doctor_response sent = {.complete = true, .defects = list, .count = 1};
    const struct doctor_response three = {.defects = list, .count = 3};
    struct doctor_response response = {.count = 77};
    struct gathered gathered = {0};
    struct buffer buffer = {0};

    (void)state;
    assert_int_equal(doctor_response_encode(&sent, &buffer), 0);
    ASSERT_BYTES(&buffer, "\x30\x10\x01\x01\xff\x30\x0b\x30\x09\x04\x04"
                          "cn=a\x04\x01x");
    buffer.len = 0;
    assert_int_equal(doctor_response_encode(&three, &buffer), 0);
    assert_int_equal(doctor_response_decode((struct slice){buffer.data, buffer.len}, gather_defect,
                                            &gathered, &response),
                     E_CANCELED); /* by the callback, at the second */
    assert_int_equal(gathered.count, 2);
    assert_int_equal(response.count, 77);
    buffer_clear(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recovery),
        cmocka_unit_test(app_passwords),
        cmocka_unit_test(explanations),
        cmocka_unit_test(defects),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
