/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mail out, against a real SMTP server (smtp_sink.py) in each of its moods: open, with STARTTLS,
 * with AUTH, refusing, silent, gone. Skips (77) when python3 lacks aiosmtpd.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "notify/mail.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(of)   (sizeof(of) / sizeof((of)[0]))
#define PATIENCE_MS 60000 /* for what must happen: a loaded machine stalls for seconds */
#define SLACK_MS    12000 /* to notice that a time is over */
#define HELLO                                                                                      \
    {                                                                                              \
        "bob@example.org", "Hello", "Hi Bob\n"                                                     \
    }

static struct sink {
    char folder[32];
    char url[64];
    char ca_file[64];
    pid_t pid;
    int input, output; /* our ends of its pipes */
} sink;

static char *mail_text; /* what the sink wrote last */

/* Starts the server with up to three options and waits for its port. */
static void sink_start(const char *scheme, const char *a, const char *b, const char *c)
{
    char script[512], line[64] = "";
    int in[2], out[2];
    unsigned port;
    FILE *answer;

    strcpy(sink.folder, "/tmp/usher-mail-XXXXXX");
    assert_non_null(mkdtemp(sink.folder));
    snprintf(script, sizeof(script), "%s/tests/smtp_sink.py",
             getenv("srcdir") != NULL ? getenv("srcdir") : ".");
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    sink.pid = fork();
    assert_true(sink.pid >= 0);
    if (sink.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execl("/usr/bin/python3", "python3", script, "--until-eof", sink.folder, a, b, c, NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    sink.input = in[1];
    answer = fdopen(out[0], "r");
    assert_non_null(fgets(line, sizeof(line), answer));
    assert_int_equal(sscanf(line, "port %u", &port), 1);
    /* It goes on writing: the pipe must stay. */
    sink.output = fcntl(out[0], F_DUPFD_CLOEXEC, 0);
    assert_true(sink.output >= 0);
    fclose(answer);
    snprintf(sink.url, sizeof(sink.url), "%s://127.0.0.1:%u", scheme, port);
    snprintf(sink.ca_file, sizeof(sink.ca_file), "%s/cert.pem", sink.folder);
}

static void remove_file(const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", sink.folder, name);
    unlink(path);
}

static void sink_stop(void)
{
    int status;

    close(sink.input);
    waitpid(sink.pid, &status, 0);
    close(sink.output);
    remove_file("0001.eml");
    remove_file("cert.pem");
    remove_file("key.pem");
    assert_int_equal(rmdir(sink.folder), 0);
    free(mail_text);
    mail_text = NULL;
}

/* Reads the mail; NULL when none came. */
static const char *received(void)
{
    char path[128];
    FILE *in;

    snprintf(path, sizeof(path), "%s/0001.eml", sink.folder);
    in = fopen(path, "r");
    if (in == NULL)
        return NULL;
    free(mail_text);
    mail_text = calloc(1, 200000);
    assert_true(fread(mail_text, 1, 199999, in) > 0);
    fclose(in);
    return mail_text;
}

static void assert_has(const char *text, const char *part)
{
    if (text == NULL || strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, text != NULL ? text : "(no mail)");
}

static struct mail_server server_of(enum mail_tls tls, const char *user, const char *password)
{
    return (struct mail_server){.url = sink.url,
                                .tls = tls,
                                .user = user,
                                .password = password,
                                .ca_file = tls == MAIL_TLS_ALWAYS ? sink.ca_file : NULL,
                                .from = "usher@example.org",
                                .from_name = "usher",
                                .timeout_ms = PATIENCE_MS};
}

static void plain(void **state)
{
    const struct mail mail = HELLO;
    struct mail_server server;
    char wrong[MAIL_ERROR_MAX] = "";

    (void)state;
    sink_start("smtp", NULL, NULL, NULL);
    server = server_of(MAIL_TLS_NONE, NULL, NULL);
    if (mail_send(&server, &mail, NULL, wrong, sizeof(wrong)) < 0)
        fail_msg("%s", wrong);
    assert_has(received(), "X-Sink-From: usher@example.org\r\n");
    assert_has(mail_text, "X-Sink-To: bob@example.org\r\n");
    assert_has(mail_text, "X-Sink-TLS: no\r\n");
    assert_has(mail_text, "\r\nFrom: \"usher\"\r\n <usher@example.org>\r\n");
    assert_has(mail_text, "\r\nTo: <bob@example.org>\r\n");
    assert_has(mail_text, "\r\nSubject: Hello\r\n");
    assert_has(mail_text, " +0000\r\n");
    assert_has(mail_text, "@example.org>\r\n");
    assert_has(mail_text, "\r\nMessage-ID: <");
    assert_has(mail_text, "\r\nAuto-Submitted: auto-generated\r\n");
    assert_has(mail_text, "\r\nMIME-Version: 1.0\r\n");
    assert_has(mail_text, "\r\nContent-Type: text/plain; charset=UTF-8\r\n");
    assert_has(mail_text, "\r\n\r\nHi Bob\r\n");
    sink_stop();
}

/* Decodes the mail with Python's parser and compares: ours is not the judge of our own encoding. */
static void text_survives(void **state)
{
    static const struct mail cases[] = {
        {"bob@example.org", "123456 \xc3\xa8 il tuo codice",
         "\xc3\x88 = valido\n.\n..\n.x\nFrom me\n"},
        {"bob@example.org", "=?UTF-8?B?eA==?=", "=3D\n"},
        {"bob@example.org",
         "\xc3\xa5\xc3\xa6\xc3\xb8\xf0\x9f\x8e\xad \xc3\xa5\xc3\xa6\xc3\xb8\xf0\x9f\x8e\xad "
         "\xc3\xa5\xc3\xa6\xc3\xb8\xf0\x9f\x8e\xad \xc3\xa5\xc3\xa6\xc3\xb8 and a rather long tail "
         "that has to be folded more than once",
         "tail \n\ttab  \n\n\nlast line without an end"},
    };
    static const char judge[] =
        "/usr/bin/python3 -c '\n"
        "import sys, email, email.policy\n"
        "raw = open(sys.argv[1], \"rb\").read()\n"
        "assert not [l for l in raw.split(b\"\\r\\n\") if len(l) > (76 if b\"=?\" in l else 998)]\n"
        "m = email.message_from_bytes(raw, policy=email.policy.default)\n"
        "assert not m.defects and not any(h.defects for h in m.values()), \"defects\"\n"
        "body = m.get_body().get_content().replace(\"\\r\\n\", \"\\n\")\n"
        "want, got = [open(sys.argv[2]).read(), m[\"subject\"] + \"\\n\" + body]\n"
        "ok = got == want or got == want + \"\\n\"\n"
        "sys.exit(0 if ok and str(m[\"to\"]) == \"bob@example.org\" else repr(got))' "
        "%s/0001.eml %s/want";

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char wrong[MAIL_ERROR_MAX] = "", command[2048], path[64];
        struct mail_server server;
        FILE *out;
        sink_start("smtp", NULL, NULL, NULL);
        server = server_of(MAIL_TLS_NONE, NULL, NULL);
        server.from_name = "\xc3\x98yvind's \"usher\"";
        if (mail_send(&server, &cases[i], NULL, wrong, sizeof(wrong)) < 0)
            fail_msg("%s", wrong);
        snprintf(path, sizeof(path), "%s/want", sink.folder);
        out = fopen(path, "w");
        fprintf(out, "%s\n%s", cases[i].subject, cases[i].body);
        fclose(out);
        snprintf(command, sizeof(command), judge, sink.folder, sink.folder);
        assert_int_equal(system(command), 0);
        remove_file("want");
        sink_stop();
    }
}

static void moods(void **state)
{
    static const struct {
        const char *scheme, *options[3];
        enum mail_tls tls;
        const char *user, *password;
        int err;
        const char *says; /* in the error, or in the mail */
    } cases[] = {
        {"smtp", {"--starttls"}, MAIL_TLS_ALWAYS, NULL, NULL, 0, "X-Sink-TLS: yes"},
        {"smtp",
         {"--starttls", "--auth", "u:p w"},
         MAIL_TLS_ALWAYS,
         "u",
         "p w",
         0,
         "X-Sink-User: u"},
        {"smtps", {"--tls", "--auth", "u:p"}, MAIL_TLS_ALWAYS, "u", "p", 0, "X-Sink-User: u"},
        {"smtp", {"--auth", "u:p"}, MAIL_TLS_NONE, "u", "p", 0, "X-Sink-User: u"},
        {"smtp", {NULL}, MAIL_TLS_TRY, NULL, NULL, 0, "X-Sink-TLS: no"},
        /* a server that offers no STARTTLS, no AUTH, wants another password, refuses */
        {"smtp", {NULL}, MAIL_TLS_ALWAYS, NULL, NULL, E_MAIL, "STARTTLS"},
        {"smtp", {NULL}, MAIL_TLS_NONE, "u", "p", E_MAIL, "does not ask for the password"},
        {"smtp", {"--starttls"}, MAIL_TLS_ALWAYS, "u", "p", E_MAIL, "does not ask for"},
        {"smtp", {"--auth", "u:p"}, MAIL_TLS_NONE, "u", "wrong", E_MAIL, "535"},
        {"smtp", {"--auth", "u:p"}, MAIL_TLS_NONE, NULL, NULL, E_MAIL, "530"},
        {"smtp", {"--refuse"}, MAIL_TLS_NONE, NULL, NULL, E_UNWILLING, "550"},
        {"smtp", {"--refuse=452 full"}, MAIL_TLS_NONE, NULL, NULL, E_BUSY, "452"},
    };
    const struct mail mail = HELLO;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char wrong[MAIL_ERROR_MAX] = "";
        struct mail_server server;
        int err;
        sink_start(cases[i].scheme, cases[i].options[0], cases[i].options[1], cases[i].options[2]);
        server = server_of(cases[i].tls, cases[i].user, cases[i].password);
        err = mail_send(&server, &mail, NULL, wrong, sizeof(wrong));
        if (err != cases[i].err)
            fail_msg("case %zu: %s: %s", i, err_name(err), wrong);
        assert_has(err == 0 ? received() : wrong, cases[i].says);
        if (err < 0)
            assert_null(received());
        assert_null(strstr(wrong, "p w"));
        sink_stop();
    }
}

/* A certificate of nobody, and a server that is not what the URL says. */
static void strangers(void **state)
{
    const struct mail mail = HELLO;
    struct mail_server server;
    char wrong[MAIL_ERROR_MAX];

    (void)state;
    sink_start("smtp", "--starttls", NULL, NULL);
    server = server_of(MAIL_TLS_TRY, NULL, NULL);
    assert_int_equal(mail_send(&server, &mail, NULL, wrong, sizeof(wrong)), E_MAIL);
    assert_has(wrong, "certificate");
    memcpy(sink.url, "http", 4);
    assert_int_equal(mail_send(&server, &mail, NULL, wrong, sizeof(wrong)), E_MAIL);
    assert_null(received());
    memcpy(sink.url, "smtp", 4);
    sink_stop();
    assert_int_equal(mail_send(&server, &mail, NULL, wrong, sizeof(wrong)), E_MAIL);
}

/* A server that takes the text and says nothing: not delivered. One that only forgets to say
 * goodbye: delivered, given enough time for a machine that stalls. Neither holds a worker for
 * longer than it was told. */
static void silence(void **state)
{
    static const struct {
        const char *option;
        int err;
    } cases[] = {{"--silent=data", E_TIMEOUT}, {"--silent=quit", 0}};
    const struct mail mail = HELLO;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int err = E_TIMEOUT;

        for (long ms = 600; err == E_TIMEOUT && ms <= (cases[i].err == 0 ? 20000 : 600); ms *= 2) {
            char wrong[MAIL_ERROR_MAX] = "";
            struct mail_server server;
            int64_t start;

            sink_start("smtp", cases[i].option, NULL, NULL);
            server = server_of(MAIL_TLS_NONE, NULL, NULL);
            server.timeout_ms = ms;
            start = clock_monotonic_ms();
            err = mail_send(&server, &mail, NULL, wrong, sizeof(wrong));
            assert_in_range(clock_monotonic_ms() - start, 250, ms + SLACK_MS);
            if (err == cases[i].err)
                assert_int_equal(received() != NULL, err == 0);
            sink_stop();
        }
        assert_int_equal(err, cases[i].err);
    }
}

static char large_text[MAIL_BODY_MAX + 2];

#define URL_SECRET      "in-the-url"
#define URL_WITH(login) "smtp://" login "127.0.0.1:1"

/* Nothing of this reaches a server: there is none at this port. */
static const struct {
    struct mail mail;
    const char *url, *user, *from, *from_name;
    int err;
} refusals[] = {
    {{"", "s", "b"}, NULL, NULL, NULL, NULL, E_SYNTAX},
    {{"bob", "s", "b"}, NULL, NULL, NULL, NULL, E_SYNTAX},
    {{"bob@example.org\r\nBcc: eve@example.org", "s", "b"}, NULL, NULL, NULL, NULL, E_SYNTAX},
    {{"bob@example.org, eve@example.org", "s", "b"}, NULL, NULL, NULL, NULL, E_SYNTAX},
    {{"bob@example.org> SIZE=1", "s", "b"}, NULL, NULL, NULL, NULL, E_SYNTAX},
    {{"<bob@example.org>", "s", "b"}, NULL, NULL, NULL, NULL, E_SYNTAX},
    {{"\"bob x\"@example.org", "s", "b"}, NULL, NULL, NULL, NULL, E_SYNTAX},
    {{"b\xc3\xb8"
      "b@example.org",
      "s", "b"},
     NULL,
     NULL,
     NULL,
     NULL,
     E_SYNTAX},
    {{"-oQ@example.org", "s", "b"}, NULL, NULL, NULL, NULL, E_SYNTAX},
    {{"bob@-example.org", "s", "b"}, NULL, NULL, NULL, NULL, E_SYNTAX},
    {{"bob@example.org", "s\nBcc: eve@example.org", "b"}, NULL, NULL, NULL, NULL, E_SYNTAX},
    {{"bob@example.org", "s\r", "b"}, NULL, NULL, NULL, NULL, E_SYNTAX},
    {{"bob@example.org", "\xc0\x8a", "b"}, NULL, NULL, NULL, NULL, E_SYNTAX},
    {{"bob@example.org", "\xed\xa0\x80", "b"}, NULL, NULL, NULL, NULL, E_SYNTAX},
    {{"bob@example.org", "s", "b\r\n.\r\nQUIT"}, NULL, NULL, NULL, NULL, E_SYNTAX},
    {{"bob@example.org", "s", "\xf5\x80\x80\x80"}, NULL, NULL, NULL, NULL, E_SYNTAX},
    {{"bob@example.org", "s", large_text}, NULL, NULL, NULL, NULL, E_LIMIT},
    {{"bob@example.org", large_text, "b"}, NULL, NULL, NULL, NULL, E_LIMIT},
    {{"bob@example.org", "s", "b"}, NULL, NULL, "u@x\n", NULL, E_SYNTAX},
    {{"bob@example.org", "s", "b"}, NULL, NULL, NULL, "x\nBcc: y", E_SYNTAX},
    {{"bob@example.org", "s", "b"}, NULL, NULL, NULL, large_text, E_LIMIT},
    {{"bob@example.org", "s", "b"}, "smtp://mail.example.org", "u", NULL, NULL, E_CONFIDENTIAL},
    {{"bob@example.org", "s", "b"},
     "smtp://127.0.0.1.example.org",
     "u",
     NULL,
     NULL,
     E_CONFIDENTIAL},
    {{"bob@example.org", "s", "b"}, "smtp://127.0.0.1@example.org", "u", NULL, NULL, E_SYNTAX},
    {{"bob@example.org", "s", "b"}, URL_WITH("u:" URL_SECRET "@"), NULL, NULL, NULL, E_SYNTAX},
    {{"bob@example.org", "s", "b"}, URL_WITH(":" URL_SECRET "@"), "u", NULL, NULL, E_SYNTAX},
    {{"bob@example.org", "s", "b"}, URL_WITH("u;AUTH=PLAIN@"), NULL, NULL, NULL, E_SYNTAX},
    {{"bob@example.org", "s", "b"}, "nonsense", NULL, NULL, NULL, E_SYNTAX},
    {{"bob@example.org", "s", "b"}, "", NULL, NULL, NULL, E_SYNTAX},
    {{"bob@example.org", "s", "b"}, NULL, NULL, NULL, NULL, E_MAIL}, /* nothing wrong with it */
};

static void refused_before(void **state)
{
    (void)state;
    memset(large_text, 'x', sizeof(large_text) - 1);
    for (size_t i = 0; i < COUNT(refusals); i++) {
        char wrong[MAIL_ERROR_MAX] = "";
        struct mail_server server = {
            .url = refusals[i].url != NULL ? refusals[i].url : "smtp://127.0.0.1:1",
            .tls = MAIL_TLS_TRY,
            .user = refusals[i].user,
            .from = refusals[i].from != NULL ? refusals[i].from : "u@example.org",
            .from_name = refusals[i].from_name,
            .timeout_ms = PATIENCE_MS,
        };
        int err = mail_send(&server, &refusals[i].mail, NULL, wrong, sizeof(wrong));
        if (err != refusals[i].err || wrong[0] == '\0')
            fail_msg("case %zu: %s: %s", i, err_name(err), wrong);
        assert_null(strstr(wrong, URL_SECRET));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),   cmocka_unit_test(text_survives),
        cmocka_unit_test(moods),   cmocka_unit_test(strangers),
        cmocka_unit_test(silence), cmocka_unit_test(refused_before),
    };
    if (system("/usr/bin/python3 -c 'import aiosmtpd' 2>/dev/null") != 0)
        return 77;
    if (mail_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
