/* SPDX-License-Identifier: BSD-2-Clause
 *
 * More of test_beyond.c: texts of ours that hold what somebody else named. Where that is too long
 * the text is cut between two characters and ends in "...". A resolver of this program's own knows
 * a host of many addresses.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/utf8.h"
#include "cache/db.h"
#include "letters.h"
#include "notify/header.h"
#include "notify/letter.h"
#include "notify/mail.h"
#include "notify/mask.h"
#include "notify/sms.h"
#include "notify/spool.h"
#include "store/csn.h"
#include "store/upstream.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#define HOST "many.example.org"

/* A character of two bytes, so that each second place to cut is a wrong one. */
static char *umlauts(size_t count)
{
    char *text = letters(2 * count);

    for (size_t i = 0; i < count; i++)
        memcpy(text + 2 * i, "\xc3\xbc", 2);
    return text;
}

/* Whole characters, fewer bytes than size, and the end says that there was more. */
static void assert_cut(const char *text, size_t size)
{
    assert_true(strlen(text) < size && strlen(text) + 4 > size - 1);
    assert_string_equal(text + strlen(text) - 3, "...");
    for (struct slice rest = slice_of(text); rest.len > 0;) {
        size_t len = utf8_len(rest);

        assert_true(len > 0);
        rest = (struct slice){rest.data + len, rest.len - len};
    }
}

static void quotes(void **state)
{
    char quoted[LOG_QUOTE_MAX], *text = umlauts(LOG_QUOTE_MAX);

    (void)state;
    for (size_t i = 0; i < 2; i++) { /* in the middle of a character, and not */
        (void)log_quote(slice_of(text + i), quoted);
        assert_true(strlen(quoted) < LOG_QUOTE_MAX);
        assert_string_equal(quoted + strlen(quoted) - 4, "...\"");
        assert_memory_equal(quoted + strlen(quoted) - 6, "\xc3\xbc", 2);
    }
    assert_string_equal(log_quote(slice_of("a\xc3\xbc\xff\xc3"), quoted), "\"a\xc3\xbc\\ff\\c3\"");
    assert_string_equal(log_quote(slice_of("\xc2\x9b"), quoted), "\"\\c2\\9b\"");
    free(text);
}

static void lines_of_the_log(void **state)
{
    char line[8192] = "", *text = umlauts(2000), *end;
    int ends[2], saved = dup(STDERR_FILENO);

    (void)state;
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < 2; i++) {
        ssize_t got;

        assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
        log_error("%s%s", i == 0 ? "" : "x", text);
        assert_true(dup2(saved, STDERR_FILENO) >= 0);
        got = read(ends[0], line, sizeof(line) - 1);
        assert_true(got > 1900 && got <= 2048);
        line[got] = '\0';
        end = strchr(line, '\n');
        assert_ptr_equal(end, line + got - 1);
        *end = '\0';
        assert_cut(line, 2047);
    }
    close(saved);
    close(ends[0]);
    close(ends[1]);
    free(text);
}

static void of_a_configuration(void **state)
{
    static const struct conf_option table[] = {
        {"a", CONF_INT, CONF_RELOAD, "1", 1, 2, NULL, "A number."}};
    char *name = umlauts(CONF_ERROR_MAX), wrong[CONF_ERROR_MAX];
    struct conf *conf = NULL;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        name[2] = i == 0 ? '\xc3' : 'x';
        name[3] = i == 0 ? '\xbc' : 'y';
        assert_int_not_equal(conf_load(name, table, 1, &conf, wrong, sizeof(wrong)), 0);
        assert_cut(wrong, sizeof(wrong));
    }
    free(name);
}

static void of_mails_and_texts(void **state)
{
    char url[1024] = "smtps://",
         wrong[SMS_ERROR_MAX > MAIL_ERROR_MAX ? SMS_ERROR_MAX : MAIL_ERROR_MAX];
    const struct mail_server server = {
        .url = url, .from = "usher@example.org", .timeout_ms = 60000};
    const struct mail mail = {"a@example.org", "s", "b\n"};
    struct sms_gateway gateway = {.url = url, .timeout_ms = 60000};
    const char *command[] = {url};
    char *name = letters(500);

    (void)state;
    assert_int_equal(mail_init(), 0);
    strcat(url, name); /* no host can have such a name */
    assert_int_equal(mail_send(&server, &mail, NULL, wrong, MAIL_ERROR_MAX), E_MAIL);
    assert_cut(wrong, MAIL_ERROR_MAX);
    memcpy(url, "https", 5);
    assert_int_equal(sms_send(&gateway, "+4512345678", "x", NULL, wrong, SMS_ERROR_MAX), E_MAIL);
    assert_true(strlen(wrong) < SMS_ERROR_MAX &&
                strstr(wrong, name) == NULL); /* it may hold a key */
    (void)snprintf(url, sizeof(url), "/%s", name);
    gateway = (struct sms_gateway){.command = command, .command_count = 1, .timeout_ms = 60000};
    assert_int_equal(sms_send(&gateway, "+4512345678", "x", NULL, wrong, SMS_ERROR_MAX), E_MAIL);
    assert_cut(wrong, SMS_ERROR_MAX);
    free(name);
}

static void of_the_queue(void **state)
{
    char *name = umlauts(SPOOL_ERROR_MAX), wrong[SPOOL_ERROR_MAX];
    struct spool *spool = NULL;

    (void)state;
    assert_int_not_equal(spool_open(name, &spool, wrong, sizeof(wrong)), 0);
    assert_cut(wrong, sizeof(wrong));
    assert_int_not_equal(spool_open(name + 1, &spool, wrong, sizeof(wrong)), 0);
    assert_true(strlen(wrong) < sizeof(wrong));
    free(name);
}

/* The longest header lines of a mail, and the longest head of a queued one. */
static void heads_of_mails(void **state)
{
    char line[HEADER_MAX], address[MAIL_ADDRESS_MAX + 1] = "a@", masked[MASK_MAX];
    char *subject = umlauts(MAIL_SUBJECT_MAX / 2), *name = umlauts(MAIL_NAME_MAX / 2);
    struct mail_server server = {.from = address, .from_name = name};
    struct mail mail = {address, subject, "b\n"};
    char id[LETTER_ID_SIZE], wrong[MAIL_ERROR_MAX];
    struct buffer out = {0};

    (void)state;
    memset(address + 2, 'b', MAIL_ADDRESS_MAX - 2);
    header_text("Subject", subject, line);
    assert_true(strlen(line) > MAIL_SUBJECT_MAX * 4 / 3 && strlen(line) < HEADER_MAX);
    header_address("From", name, address, line);
    assert_true(strlen(line) > MAIL_ADDRESS_MAX + MAIL_NAME_MAX * 4 / 3);
    assert_true(strlen(line) < HEADER_MAX);
    assert_int_equal(strlen(mask_mail(slice_of(address), masked)), MAIL_ADDRESS_MAX + 3);
    assert_int_equal(letter_id(id), 0);
    assert_int_equal(
        mail_compose(&server, &mail, (struct slice){0}, id, &out, wrong, sizeof(wrong)), 0);
    buffer_clear(&out);
    free(subject);
    subject = umlauts(MAIL_SUBJECT_MAX / 2 + 1);
    mail.subject = subject;
    assert_int_equal(
        mail_compose(&server, &mail, (struct slice){0}, id, &out, wrong, sizeof(wrong)), E_LIMIT);
    buffer_clear(&out);
    free(subject);
    free(name);
}

static void times(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "19700101000000Z"},
        {INT64_C(253402300799000), "99991231235959Z"},
        {INT64_C(253402300800000), "100000101000000Z"},
        {INT64_MAX, "2922789940817071255Z"}, /* 292278994-08-17, the last that there is */
    };
    char text[CLOCK_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(clock_format(cases[i].ms, text), cases[i].text);
    assert_true(strlen(clock_format(INT64_MIN, text)) < CLOCK_TEXT_MAX);
}

static void cookies(void **state)
{
    struct csn_set set = {0}, again = {0};
    char cookie[CSN_COOKIE_MAX], csn[CSN_LEN + 1];

    (void)state;
    for (unsigned sid = 0; sid <= CSN_SET_MAX; sid++) {
        (void)snprintf(csn, sizeof(csn), "20260102030405.123456Z#000000#%03x#000000", sid);
        assert_int_equal(csn_set_add(&set, slice_of(csn)), sid < CSN_SET_MAX ? 0 : E_LIMIT);
    }
    (void)csn_set_cookie(&set, cookie);
    assert_int_equal(strlen(cookie), CSN_COOKIE_MAX - 2); /* no ";" behind the last */
    assert_int_equal(csn_set_add_cookie(&again, slice_of(cookie)), 0);
    assert_true(csn_set_covers(&again, &set));
}

static void tables_of_a_database(void **state)
{
    const struct db_table tables[DB_TABLES_MAX + 1] = {{"a", false}};
    const struct db_options options = {.directory = "/tmp/usher-never-made",
                                       .map_size = 1 << 20,
                                       .tables = tables,
                                       .table_count = DB_TABLES_MAX + 1};
    struct db *db = NULL;

    (void)state;
    assert_int_equal(db_open(&options, &db), E_LIMIT);
    assert_int_not_equal(access(options.directory, F_OK), 0);
}

/* In place of the C library's, which the programs under test call: a host of more addresses than
 * are tried, 127.1.0.0 and so on. */
static struct sockaddr_in addresses[UPSTREAM_ADDRESSES_MAX + 4];
static struct addrinfo infos[UPSTREAM_ADDRESSES_MAX + 4];

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret)
{
    (void)hints;
    if (strcmp(node, HOST) != 0)
        return EAI_NONAME;
    for (size_t i = 0; i < UPSTREAM_ADDRESSES_MAX + 4; i++) {
        addresses[i] = (struct sockaddr_in){.sin_family = AF_INET,
                                            .sin_port = htons((uint16_t)atoi(service)),
                                            .sin_addr.s_addr = htonl(0x7f010000 + (uint32_t)i)};
        infos[i] =
            (struct addrinfo){.ai_family = AF_INET,
                              .ai_socktype = SOCK_STREAM,
                              .ai_addrlen = sizeof(addresses[i]),
                              .ai_addr = (struct sockaddr *)&addresses[i],
                              .ai_next = i + 1 < UPSTREAM_ADDRESSES_MAX + 4 ? &infos[i + 1] : NULL};
    }
    *ret = infos;
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    (void)list;
}

static void addresses_of_a_host(void **state)
{
    struct upstream_target target;

    (void)state;
    assert_int_equal(upstream_target_init(&target, "ldap://other.example.org:389"), E_CONF);
    assert_int_equal(upstream_target_init(&target, "ldap://" HOST ":389"), 0);
    assert_int_equal(target.count, UPSTREAM_ADDRESSES_MAX);
    for (size_t i = 0; i < target.count; i++)
        assert_memory_equal(&target.addresses[i], &addresses[i], sizeof(addresses[i]));
    upstream_target_clear(&target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes),
        cmocka_unit_test(lines_of_the_log),
        cmocka_unit_test(of_a_configuration),
        cmocka_unit_test(of_mails_and_texts),
        cmocka_unit_test(of_the_queue),
        cmocka_unit_test(heads_of_mails),
        cmocka_unit_test(times),
        cmocka_unit_test(cookies),
        cmocka_unit_test(tables_of_a_database),
        cmocka_unit_test(addresses_of_a_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
