/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The values of extended operations and controls: bytes known beforehand, every field there and
 * back, optional fields, and outputs untouched on errors. Lists stand in test_exop_list.c, hostile
 * values in tests/corpus/exop.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "exop_fixture.h"

#include <string.h>

static void verify(void **state)
{
    const struct verify_request full = {.user = S("alice"),
                                        .organization = S("acme"),
                                        .permission = S("ticket:delete"),
                                        .factor = VERIFY_CODE,
                                        .secret = S("12\0 456"),
                                        .ticket = S("\xff\x00\x80"),
                                        .service = S("sshd"),
                                        .tty = S("pts/0"),
                                        .rhost = S("10.0.0.1"),
                                        .language = S("de")};
    const struct verify_request least = {.user = S("alice"), .secret = S("")};
    const struct verify_response answer = {.state = VERIFY_STATE_REFUSED,
                                           .ticket = S("t"),
                                           .text = S("wrong"),
                                           .user = S("alice"),
                                           .means = MEANS_TOTP};
    struct verify_request request;
    struct verify_response response;
    struct buffer buffer = {0};

    (void)state;
    THERE_AND_BACK(verify_request, &full, &request, &buffer);
    assert_same(request.user, full.user);
    assert_same(request.organization, full.organization);
    assert_same(request.permission, full.permission);
    assert_int_equal(request.factor, VERIFY_CODE);
    assert_same(request.secret, full.secret);
    assert_same(request.ticket, full.ticket);
    assert_same(request.service, full.service);
    assert_same(request.tty, full.tty);
    assert_same(request.rhost, full.rhost);
    assert_same(request.language, full.language);

    THERE_AND_BACK(verify_request, &least, &request, &buffer);
    ASSERT_BYTES(&buffer, "\x30\x0c\x80\x05"
                          "alice\x83\x01\x00\x84\x00");
    assert_same(request.organization, least.organization);
    assert_int_equal(request.secret.len, 0);
    assert_non_null(request.secret.data); /* there, and empty */
    assert_null(request.ticket.data);

    THERE_AND_BACK(verify_response, &answer, &response, &buffer);
    ASSERT_BYTES(&buffer, "\x30\x17\x80\x01\x07\x81\x01t\x82\x05wrong\x83\x05"
                          "alice\x84\x01\x03");
    assert_int_equal(response.state, VERIFY_STATE_REFUSED);
    assert_same(response.ticket, answer.ticket);
    assert_same(response.text, answer.text);
    assert_same(response.user, answer.user);
    assert_int_equal(response.means, MEANS_TOTP);

    THERE_AND_BACK(verify_response, &(struct verify_response){0}, &response, &buffer);
    ASSERT_BYTES(&buffer, "\x30\x03\x80\x01\x00");
    assert_int_equal(response.means, MEANS_DEFAULT);
    buffer_clear(&buffer);
}

static void challenge(void **state)
{
    const struct challenge_request asked = {.user = S("a"),
                                            .organization = S("b"),
                                            .means = MEANS_SMS,
                                            .ticket = S("c"),
                                            .language = S("d")};
    const struct challenge_response sent = {
        .means = MEANS_EMAIL, .destination = S("a***@example.org"), .digits = 6, .seconds = 300};
    struct challenge_request request;
    struct challenge_response response;
    struct buffer buffer = {0};

    (void)state;
    THERE_AND_BACK(challenge_request, &asked, &request, &buffer);
    ASSERT_BYTES(&buffer, "\x30\x0f\x80\x01"
                          "a\x81\x01"
                          "b\x82\x01\x02\x83\x01"
                          "c\x84\x01"
                          "d");
    assert_same(request.user, asked.user);
    assert_same(request.organization, asked.organization);
    assert_int_equal(request.means, MEANS_SMS);
    assert_same(request.ticket, asked.ticket);
    assert_same(request.language, asked.language);

    THERE_AND_BACK(challenge_response, &sent, &response, &buffer);
    ASSERT_BYTES(&buffer, "\x30\x1c\x80\x01\x01\x81\x10"
                          "a***@example.org\x82\x01\x06\x83\x02\x01\x2c");
    assert_int_equal(response.means, MEANS_EMAIL);
    assert_same(response.destination, sent.destination);
    assert_int_equal(response.digits, 6);
    assert_int_equal(response.seconds, 300);
    buffer_clear(&buffer);
}

static void pins_and_enrolment(void **state)
{
    const struct set_pin_request pin = {
        .organization = S("acme"), .user = S("bob"), .new_pin = S("007"), .old_pin = S("7")};
    const struct enroll_request confirm = {.step = ENROLL_CONFIRM, .code = S("123456")};
    const struct enroll_response uri = {.uri = S("otpauth://totp/acme:alice?secret=ABC")};
    struct set_pin_request set;
    struct enroll_request enroll;
    struct enroll_response enrolled;
    struct buffer buffer = {0};

    (void)state;
    THERE_AND_BACK(set_pin_request, &pin, &set, &buffer);
    assert_same(set.organization, pin.organization);
    assert_same(set.user, pin.user);
    assert_same(set.new_pin, pin.new_pin);
    assert_same(set.old_pin, pin.old_pin);
    THERE_AND_BACK(set_pin_request, &(struct set_pin_request){.organization = S("acme")}, &set,
                   &buffer);
    ASSERT_BYTES(&buffer, "\x30\x06\x80\x04"
                          "acme");
    assert_null(set.new_pin.data);

    THERE_AND_BACK(enroll_request, &confirm, &enroll, &buffer);
    ASSERT_BYTES(&buffer, "\x30\x0b\x81\x01\x01\x82\x06"
                          "123456");
    assert_null(enroll.user.data);
    assert_int_equal(enroll.step, ENROLL_CONFIRM);
    assert_same(enroll.code, confirm.code);

    THERE_AND_BACK(enroll_response, &uri, &enrolled, &buffer);
    assert_same(enrolled.uri, uri.uri);
    THERE_AND_BACK(enroll_response, &(struct enroll_response){0}, &enrolled, &buffer);
    ASSERT_BYTES(&buffer, "\x30\x00");
    assert_null(enrolled.uri.data);
    buffer_clear(&buffer);
}

static void resealing(void **state)
{
    const struct reseal_request run = {.step = RESEAL_RUN, .key = S("k1")};
    const struct reseal_response done = {
        .key = S("k1"), .resealed = 300, .left = 0, .dead = 1, .wait_ms = INT64_MAX};
    struct reseal_request request;
    struct reseal_response response;
    struct buffer buffer = {0};

    (void)state;
    THERE_AND_BACK(reseal_request, &run, &request, &buffer);
    ASSERT_BYTES(&buffer, "\x30\x07\x80\x01\x01\x81\x02k1");
    assert_int_equal(request.step, RESEAL_RUN);
    assert_same(request.key, run.key);
    THERE_AND_BACK(reseal_request, &(struct reseal_request){0}, &request, &buffer);
    assert_null(request.key.data);
    assert_int_equal(reseal_request_decode((struct slice)S("\x30\x03\x80\x01\x02"), &request),
                     E_PROTO);
    THERE_AND_BACK(reseal_response, &done, &response, &buffer);
    assert_same(response.key, done.key);
    assert_int_equal(response.resealed, 300);
    assert_int_equal(response.left, 0);
    assert_int_equal(response.dead, 1);
    assert_true(response.wait_ms == INT64_MAX);
    buffer_clear(&buffer);
}

static void policy_controls(void **state)
{
    static const struct {
        struct policy_control policy;
        struct slice bytes;
    } cases[] = {
        {{-1, -1, -1}, S("\x30\x00")},
        {{-1, -1, 2}, S("\x30\x03\x81\x01\x02")},
        {{300, -1, -1}, S("\x30\x06\xa0\x04\x80\x02\x01\x2c")},
        {{300, 0, 0}, S("\x30\x08\xa0\x03\x81\x01\x00\x81\x01\x00")},
        {{INT64_MAX, -1, 8},
         S("\x30\x0f\xa0\x0a\x80\x08\x7f\xff\xff\xff\xff\xff\xff\xff\x81\x01\x08")},
    };
    struct buffer buffer = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        buffer.len = 0;
        assert_int_equal(policy_control_encode(&cases[i].policy, &buffer), 0);
        assert_bytes(&buffer, cases[i].bytes.data, cases[i].bytes.len);
    }
    buffer_clear(&buffer);
}

static void mailed_tokens(void **state)
{
    const struct redeem_request redeem = {
        .token = S("abc"), .new_password = S("new"), .language = S("da")};
    const struct redeem_response done = {.user = S("bob")};
    const struct invite_request invite = {
        .user = S("bob"), .kind = INVITE_FORGOTTEN, .organization = S("acme"), .language = S("it")};
    struct redeem_request redeemed;
    struct redeem_response response;
    struct invite_request invited;
    struct buffer buffer = {0};

    (void)state;
    THERE_AND_BACK(redeem_request, &redeem, &redeemed, &buffer);
    ASSERT_BYTES(&buffer, "\x30\x0e\x80\x03"
                          "abc\x81\x03new\x82\x02"
                          "da");
    assert_same(redeemed.token, redeem.token);
    assert_same(redeemed.new_password, redeem.new_password);
    assert_same(redeemed.language, redeem.language);
    assert_int_equal(redeem_request_decode((struct slice)S("\x30\x05\x80\x03"
                                                           "abc"),
                                           &redeemed),
                     E_PROTO);
    THERE_AND_BACK(redeem_response, &done, &response, &buffer);
    assert_same(response.user, done.user);
    THERE_AND_BACK(invite_request, &invite, &invited, &buffer);
    ASSERT_BYTES(&buffer, "\x30\x12\x80\x03"
                          "bob\x81\x01\x01\x82\x04"
                          "acme\x83\x02it");
    assert_int_equal(invited.kind, INVITE_FORGOTTEN);
    assert_same(invited.user, invite.user);
    assert_same(invited.organization, invite.organization);
    assert_same(invited.language, invite.language);
    assert_int_equal(invite_request_decode((struct slice)S("\x30\x06\x80\x01"
                                                           "b\x81\x01\x02"),
                                           &invited),
                     E_PROTO);
    buffer_clear(&buffer);
}

static void unlock_and_password(void **state)
{
    const struct unlock_request who = {.user = S("alice"), .organization = S("acme")};
    const struct password_modify_request change = {
        .user = S("uid=alice"), .old_password = S("old"), .new_password = S("new")};
    struct unlock_request unlock;
    struct password_modify_request modify;
    struct buffer buffer = {0};

    (void)state;
    THERE_AND_BACK(unlock_request, &who, &unlock, &buffer);
    assert_same(unlock.user, who.user);
    assert_same(unlock.organization, who.organization);

    THERE_AND_BACK(password_modify_request, &change, &modify, &buffer);
    ASSERT_BYTES(&buffer, "\x30\x15\x80\x09uid=alice\x81\x03old\x82\x03new");
    assert_same(modify.user, change.user);
    assert_same(modify.old_password, change.old_password);
    assert_same(modify.new_password, change.new_password);
    buffer_clear(&buffer);
}

static void freshness_numbers(void **state)
{
    static const struct {
        int64_t age;
        struct slice bytes;
    } rows[] = {
        {0, S("\x30\x06\x02\x01\x00\x04\x01x")},
        {127, S("\x30\x06\x02\x01\x7f\x04\x01x")},
        {128, S("\x30\x07\x02\x02\x00\x80\x04\x01x")},
        {86400000, S("\x30\x09\x02\x04\x05\x26\x5c\x00\x04\x01x")},
        {4294967296, S("\x30\x0a\x02\x05\x01\x00\x00\x00\x00\x04\x01x")},
        {INT64_MAX, S("\x30\x0d\x02\x08\x7f\xff\xff\xff\xff\xff\xff\xff\x04\x01x")},
    };
    struct buffer buffer = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct freshness in = {.age_ms = rows[i].age, .csn = S("x")};
        struct freshness out;

        THERE_AND_BACK(freshness, &in, &out, &buffer);
        assert_bytes(&buffer, rows[i].bytes.data, rows[i].bytes.len);
        assert_true(out.age_ms == rows[i].age);
        assert_same(out.csn, in.csn);
    }
    buffer_clear(&buffer);
}

static void errors_leave_the_output(void **state)
{
    struct unlock_request out = {.user = S("before")};
    struct freshness freshness = {.age_ms = 5};

    (void)state;
    assert_int_equal(unlock_request_decode((struct slice)S("\x30\x06\x80\x01"
                                                           "a\x82\x01"
                                                           "b"),
                                           &out),
                     E_PROTO);
    assert_int_equal(unlock_request_decode((struct slice){NULL, 0}, &out), E_PROTO);
    assert_true(slice_is(out.user, "before"));
    assert_int_equal(freshness_decode((struct slice)S("\x30\x06\x02\x01\xff\x04\x01x"), &freshness),
                     E_PROTO);
    assert_int_equal(freshness.age_ms, 5);
}

/* Appending leaves what stands before, and values of every size up to a few kilobytes fit the room
 * that was reserved for them. */
static void encoders_append(void **state)
{
    static char text[5000];
    struct buffer buffer = {0};

    (void)state;
    memset(text, 'p', sizeof(text));
    for (size_t len = 0; len < sizeof(text); len += 1 + len / 50) {
        const struct verify_request in = {
            .user = {text, len}, .secret = {text, sizeof(text) - len}, .ticket = {text, len}};
        struct verify_request out;

        buffer_clear(&buffer);
        assert_int_equal(buffer_append(&buffer, "before", 6), 0);
        assert_int_equal(verify_request_encode(&in, &buffer), 0);
        assert_memory_equal(buffer.data, "before", 6);
        assert_true(buffer.len < buffer.size);
        assert_int_equal(
            verify_request_decode((struct slice){buffer.data + 6, buffer.len - 6}, &out), 0);
        assert_same(out.user, in.user);
        assert_same(out.secret, in.secret);
        assert_same(out.ticket, in.ticket);
    }
    buffer_clear(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verify),
        cmocka_unit_test(challenge),
        cmocka_unit_test(pins_and_enrolment),
        cmocka_unit_test(resealing),
        cmocka_unit_test(policy_controls),
        cmocka_unit_test(mailed_tokens),
        cmocka_unit_test(unlock_and_password),
        cmocka_unit_test(freshness_numbers),
        cmocka_unit_test(errors_leave_the_output),
        cmocka_unit_test(encoders_append),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
