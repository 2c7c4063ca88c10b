/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The typed client against a scripted daemon: every call sends and reads what it should, every
 * result becomes the right error, and a value that is none changes nothing.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "client/client.h"
#include "fake.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_results(void **state)
{
    static const struct {
        int code, rc;
    } cases[] = {
        {0, E_PROTO},      {5, E_DENIED},        {6, 0},         {8, E_STEPUP},
        {49, E_AUTH},      {50, E_ACCESS},       {51, E_BUSY},   {52, E_UNAVAIL},
        {53, E_UNWILLING}, {21, E_SYNTAX},       {16, E_NOPERM}, {32, E_NOTFOUND},
        {34, E_SYNTAX},    {13, E_CONFIDENTIAL}, {11, E_LIMIT},  {19, E_UNWILLING},
        {80, E_INTERNAL},  {4711, E_INTERNAL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct client *client = NULL;
        struct fake fake;
        char step[64];
        int rc;

        snprintf(step, sizeof(step), "result %d text=why%%0anot%%1b%%5b%%c2%%9b", cases[i].code);
        fake_start(&fake, step);
        assert_int_equal(client_open(fake.uri, fake_deadline(), &client), 0);
        rc = client_check(client, slice_of("dc=example,dc=org"), slice_of("acme"),
                          slice_of("o'hara, x+y"), slice_of("ticket:delete"));
        if (rc != cases[i].rc)
            fail_msg("%d: %s", cases[i].code, err_name(rc));
        assert_int_equal(client_code(client), cases[i].code == 0 ? -1 : cases[i].code);
        assert_string_equal(client_text(client), "why not [ ");
        assert_true(fake_was_asked(&fake, "usherPermission=ticket:delete"));
        assert_null(strstr(fake_asked(&fake), "hara, x"));
        client_close(client);
        fake_stop(&fake);
    }
}

/* Neither compareTrue nor compareFalse says anything of what was not compared. */
static void test_results_of_others(void **state)
{
    struct client *client = NULL;
    struct fake fake;

    (void)state;
    for (int code = 5; code <= 6; code++) {
        char step[32];

        snprintf(step, sizeof(step), "result %d", code);
        fake_start(&fake, step);
        assert_int_equal(client_open(fake.uri, fake_deadline(), &client), 0);
        assert_int_equal(client_bind(client, slice_of("cn=a"), slice_of("secret")), E_PROTO);
        assert_int_equal(client_code(client), -1);
        client_close(client);
        fake_stop(&fake);
    }
}

static void check_bind(struct client *client)
{
    struct slice identity;

    assert_int_equal(client_bind(client, slice_of("cn=svc"), slice_of("pw")), 0);
    assert_int_equal(client_bind(client, slice_of("cn=svc"), slice_of("")), E_UNWILLING);
    assert_int_equal(client_bind_external(client), 0);
    assert_int_equal(client_whoami(client, &identity), 0);
    assert_true(slice_is(identity, "dn:cn=x"));
}

static void check_login(struct client *client)
{
    struct verify_request verify = {.user = slice_of("alice"),
                                    .factor = VERIFY_PASSWORD,
                                    .secret = slice_of("s3cret"),
                                    .service = slice_of("sshd")};
    struct challenge_request challenge = {.user = slice_of("alice"), .means = MEANS_EMAIL};
    struct challenge_response sent;
    struct verify_response verified;

    assert_int_equal(client_verify(client, &verify, &verified), E_STEPUP);
    assert_int_equal(verified.state, VERIFY_STATE_FACTOR_DUE);
    assert_true(slice_is(verified.ticket, "T1"));
    assert_int_equal(verified.means, MEANS_SMS);
    assert_int_equal(client_verify(client, &verify, &verified), E_AUTH);
    assert_int_equal(verified.state, VERIFY_STATE_REFUSED);
    assert_int_equal(verified.ticket.len, 0);
    assert_int_equal(client_challenge(client, &challenge, &sent), 0);
    assert_true(slice_is(sent.destination, "a***@x"));
    assert_int_equal(sent.digits, 6);
    assert_int_equal(client_challenge(client, &challenge, &sent), E_BUSY);
}

static void check_changes(struct client *client)
{
    struct set_pin_request pin = {
        .organization = slice_of("acme"), .user = slice_of("bob"), .new_pin = slice_of("007")};
    struct enroll_request enroll = {.user = slice_of("bob"), .step = ENROLL_BEGIN};
    struct unlock_request unlock = {.user = slice_of("bob")};
    struct password_modify_request password = {.user = slice_of("bob"),
                                               .new_password = slice_of("n")};
    struct invite_request invite = {.user = slice_of("bob"), .kind = INVITE_FORGOTTEN};
    struct redeem_request redeem = {.token = slice_of("t"), .new_password = slice_of("n")};
    struct redeem_response redeemed = {.user = {0}};
    struct enroll_response enrolled;

    assert_int_equal(client_set_pin(client, &pin), E_UNWILLING);
    assert_int_equal(client_enroll(client, &enroll, &enrolled), 0);
    assert_true(slice_is(enrolled.uri, "otpauth://totp/x"));
    assert_int_equal(client_unlock(client, &unlock), 0);
    assert_int_equal(client_password_modify(client, &password), 0);
    assert_int_equal(client_invite(client, &invite), 0);
    assert_int_equal(client_redeem(client, &redeem, &redeemed), E_AUTH);
    assert_null(redeemed.user.data);
    assert_int_equal(client_redeem(client, &redeem, &redeemed), E_PROTO); /* no value */
}

static int collect(void *context, struct slice name, struct slice value)
{
    struct buffer *out = context;

    assert_int_equal(buffer_append(out, name.data, name.len), 0);
    assert_int_equal(buffer_append(out, "=", 1), 0);
    assert_int_equal(buffer_append(out, value.data, value.len), 0);
    assert_int_equal(buffer_append(out, ";", 1), 0);
    return 0;
}

static int stop_at_once(void *context, struct slice name, struct slice value)
{
    (void)context;
    (void)name;
    (void)value;
    return E_LIMIT;
}

static void check_search(struct client *client)
{
    static const char *const asked[] = {"*", "+", NULL};
    struct freshness freshness;
    struct buffer out;
    char base[64], tiny[4];

    buffer_init(&out);
    assert_int_equal(client_read(client, slice_of("cn=monitor"), asked, collect, &out), 0);
    assert_int_equal(buffer_append(&out, "", 1), 0);
    assert_string_equal(out.data, "a=1;a=2;b=3;");
    buffer_clear(&out);
    assert_int_equal(client_read(client, slice_of(""), asked, stop_at_once, NULL), E_LIMIT);
    assert_int_equal(client_read(client, slice_of("cn=no"), asked, collect, &out), E_NOTFOUND);
    assert_int_equal(client_base(client, base, sizeof(base)), 0);
    assert_string_equal(base, "dc=example,dc=org");
    assert_int_equal(client_base(client, tiny, sizeof(tiny)), E_LIMIT);
    assert_int_equal(client_base(client, base, sizeof(base)), E_NOTFOUND);
    assert_int_equal(client_freshness(client, &freshness), 0);
    assert_int_equal(freshness.age_ms, 70000);
    assert_true(slice_is(freshness.csn, "csn1"));
    assert_int_equal(client_freshness(client, &freshness), E_UNWILLING);
}

static void test_calls(void **state)
{
    static const struct {
        void (*check)(struct client *client);
        const char *steps;
        const char *asked; /* all of it */
    } cases[] = {
        {check_bind, "result 0\nresult 0\nwhoami 0 value=dn:cn%3Dx",
         "bind simple name=cn=svc secret=pw\nbind sasl name= secret=EXTERNAL\nwhoami\n"},
        {check_login,
         "verify 8 state=1 ticket=T1 means=2\nresult 49\n"
         "challenge 0 destination=a***@x means=1\nchallenge 51",
         "verify user=alice factor=1 secret=s3cret service=sshd\n"
         "verify user=alice factor=1 secret=s3cret service=sshd\n"
         "challenge user=alice means=1\nchallenge user=alice means=1\n"},
        {check_changes,
         "result 53\nenroll 0 uri=otpauth://totp/x\nresult 0\nresult 0\nresult 0\nresult "
         "49\nresult 0",
         "set-pin organization=acme user=bob new=007\nenroll user=bob step=0\nunlock user=bob\n"
         "password user=bob new=n\ninvite user=bob step=1\nredeem token=t new=n\nredeem token=t "
         "new=n\n"},
        {check_search,
         "entry a=1 a=2 b=3\nentry a=1\nresult 32\nentry namingContexts=dc%3Dexample,dc%3Dorg\n"
         "entry namingContexts=dc%3Dexample\nentry vendorName=x\nfresh 70000 csn1\nresult 0",
         "search base=cn=monitor scope=0 attributes=*,+\n"
         "search base= scope=0 attributes=*,+\nsearch base=cn=no scope=0 attributes=*,+\n"
         "search base= scope=0 attributes=namingContexts\n"
         "search base= scope=0 attributes=namingContexts\n"
         "search base= scope=0 attributes=namingContexts\n"
         "search base= scope=0 attributes=1.1\nsearch base= scope=0 attributes=1.1\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct client *client = NULL;
        struct fake fake;

        fake_start(&fake, cases[i].steps);
        assert_int_equal(client_open(fake.uri, fake_deadline(), &client), 0);
        cases[i].check(client);
        assert_string_equal(fake_asked(&fake), cases[i].asked);
        client_close(client);
        fake_stop(&fake);
    }
}

/* What the daemon says is kept for people: cut between two characters, and nothing in it moves a
 * cursor. */
static void test_long_text(void **state)
{
    char steps[4096] = "result 49 text=%1b[2J";
    struct client *client = NULL;
    struct fake fake;
    const char *text;

    (void)state;
    while (strlen(steps) < 3600)
        strcat(steps, "%c3%bc");
    fake_start(&fake, steps);
    assert_int_equal(client_open(fake.uri, fake_deadline(), &client), 0);
    assert_int_equal(client_bind_external(client), E_AUTH);
    text = client_text(client);
    assert_true(strlen(text) >= CLIENT_TEXT_MAX - 2 && strlen(text) < CLIENT_TEXT_MAX);
    assert_memory_equal(text, " [2J\xc3\xbc", 6);
    assert_string_equal(text + strlen(text) - 5, "\xc3\xbc...");
    client_close(client);
    fake_stop(&fake);
}

static void test_many_attributes(void **state)
{
    const char *names[18] = {NULL};
    struct client *client = NULL;
    struct fake fake;
    struct buffer out;

    (void)state;
    for (size_t i = 0; i < 17; i++)
        names[i] = "a";
    buffer_init(&out);
    fake_start(&fake, "entry a=1");
    assert_int_equal(client_open(fake.uri, fake_deadline(), &client), 0);
    assert_int_equal(client_read(client, slice_of(""), names, collect, &out), E_LIMIT);
    client_close(client);
    assert_string_equal(fake_asked(&fake), "");
    names[16] = NULL;
    assert_int_equal(client_open(fake.uri, fake_deadline(), &client), 0);
    assert_int_equal(client_read(client, slice_of(""), names, collect, &out), 0);
    client_close(client);
    buffer_clear(&out);
    fake_stop(&fake);
}

/* Success without a value, and a value that is none. */
static void test_bad_values(void **state)
{
    struct verify_request verify = {.user = slice_of("alice"), .factor = VERIFY_NONE};
    struct verify_response verified = {.state = 77};
    struct client *client = NULL;
    struct fake fake;

    (void)state;
    fake_start(&fake, "result 0");
    assert_int_equal(client_open(fake.uri, fake_deadline(), &client), 0);
    assert_int_equal(client_verify(client, &verify, &verified), E_PROTO);
    assert_int_equal(verified.state, 77);
    client_close(client);
    fake_stop(&fake);
    fake_start(&fake, "whoami 0 value=nonsense");
    assert_int_equal(client_open(fake.uri, fake_deadline(), &client), 0);
    assert_int_equal(client_verify(client, &verify, &verified), E_PROTO);
    assert_int_equal(client_code(client), -1);
    client_close(client);
    fake_stop(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results),         cmocka_unit_test(test_results_of_others),
        cmocka_unit_test(test_calls),           cmocka_unit_test(test_long_text),
        cmocka_unit_test(test_many_attributes), cmocka_unit_test(test_bad_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
