/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The wire and the typed client against a scripted daemon: every way in which a peer can fail ends
 * within the deadline with the right error, and every call sends and reads what it should.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "client/address.h"
#include "client/client.h"
#include "client/wire.h"
#include "fake.h"
#include "ldap/message.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DEADLINE_MS  400   /* for what does not come */
#define SLACK_MS     10000 /* a loaded machine stalls for seconds */
#define PATIENCE_MS  30000 /* for what must come */

static int64_t deadline(int64_t ms)
{
    return clock_monotonic_ms() + ms;
}

static void test_address(void **state)
{
    static const struct {
        const char *uri;
        int rc;
        int family;
        const char *text; /* path, or "address port" */
        bool loopback;
    } cases[] = {
        {"/run/usher/ldapi", 0, AF_UNIX, "/run/usher/ldapi", true},
        {"/with%20percent", 0, AF_UNIX, "/with%20percent", true},
        {"ldapi://%2Frun%2Fusher%2fldapi", 0, AF_UNIX, "/run/usher/ldapi", true},
        {"ldapi://%2Frun%2Fldapi/", 0, AF_UNIX, "/run/ldapi", true},
        {"ldapi:///run/ldapi", 0, AF_UNIX, "/run/ldapi", true},
        {"ldap://127.0.0.1:3890", 0, AF_INET, "127.0.0.1 3890", true},
        {"ldap://127.0.0.1", 0, AF_INET, "127.0.0.1 389", true},
        {"ldap://127.0.0.1/", 0, AF_INET, "127.0.0.1 389", true},
        {"ldap://127.200.0.9:1", 0, AF_INET, "127.200.0.9 1", true},
        {"ldap://localhost:65535", 0, AF_INET, "127.0.0.1 65535", true},
        {"ldap://192.0.2.1:389", 0, AF_INET, "192.0.2.1 389", false},
        {"ldap://[::1]:3890", 0, AF_INET6, "::1 3890", true},
        {"ldap://[2001:db8::1]", 0, AF_INET6, "2001:db8::1 389", false},
        {"", E_SYNTAX, 0, "", false},
        {"run/ldapi", E_SYNTAX, 0, "", false},
        {"ldapi://", E_SYNTAX, 0, "", false},
        {"ldapi:///", E_SYNTAX, 0, "", false},
        {"ldapi://relative", E_SYNTAX, 0, "", false},
        {"ldapi://%2", E_SYNTAX, 0, "", false},
        {"ldapi://%2Fa%00b", E_SYNTAX, 0, "", false},
        {"ldapi://%zzrun", E_SYNTAX, 0, "", false},
        {"ldaps://127.0.0.1", E_SYNTAX, 0, "", false},
        {"ldap://", E_SYNTAX, 0, "", false},
        {"ldap://example.org", E_SYNTAX, 0, "", false},
        {"ldap://127.0.0.1:0", E_SYNTAX, 0, "", false},
        {"ldap://127.0.0.1:65536", E_SYNTAX, 0, "", false},
        {"ldap://127.0.0.1:12x", E_SYNTAX, 0, "", false},
        {"ldap://127.0.0.1:-1", E_SYNTAX, 0, "", false},
        {"ldap://127.0.0.1:", E_SYNTAX, 0, "", false},
        {"ldap://[::1", E_SYNTAX, 0, "", false},
        {"ldap://[::1]x", E_SYNTAX, 0, "", false},
        {"ldap://1111111111111111111111111111111111111111111111111111111111111111111", E_SYNTAX, 0,
         "", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct address address;
        char text[128] = "", host[64];
        int rc = address_parse(cases[i].uri, &address);

        if (rc != cases[i].rc)
            fail_msg("%s: %s", cases[i].uri, err_name(rc));
        if (rc < 0)
            continue;
        assert_int_equal(address.sockaddr.ss_family, cases[i].family);
        assert_int_equal(address.loopback, cases[i].loopback);
        assert_int_equal(address.local, cases[i].family == AF_UNIX);
        if (address.local) {
            strcpy(text, ((struct sockaddr_un *)&address.sockaddr)->sun_path);
        } else if (cases[i].family == AF_INET) {
            struct sockaddr_in *in4 = (struct sockaddr_in *)&address.sockaddr;

            inet_ntop(AF_INET, &in4->sin_addr, host, sizeof(host));
            snprintf(text, sizeof(text), "%s %d", host, ntohs(in4->sin_port));
        } else {
            struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address.sockaddr;

            inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
            snprintf(text, sizeof(text), "%s %d", host, ntohs(in6->sin6_port));
        }
        assert_string_equal(text, cases[i].text);
    }
}

static void test_address_long(void **state)
{
    struct address address;
    char path[110];

    (void)state;
    memset(path, 'a', sizeof(path));
    path[0] = '/';
    path[107] = '\0';
    assert_int_equal(address_parse(path, &address), 0);
    path[107] = 'a';
    path[108] = '\0';
    assert_int_equal(address_parse(path, &address), E_LIMIT);
}

/* A failing peer: the call ends in time, with this error and no answer, and the next call knows. */
static void test_failures(void **state)
{
    static const struct {
        const char *step;
        int rc;
        bool waits; /* until the deadline */
    } cases[] = {
        {"hang", E_TIMEOUT, true},      {"close", E_UNAVAIL, false},
        {"half", E_UNAVAIL, false},     {"garbage", E_PROTO, false},
        {"huge", E_LIMIT, false},       {"indefinite", E_PROTO, false},
        {"empty", E_PROTO, false},      {"wrongid", E_PROTO, false},
        {"wrongop", E_PROTO, false},    {"drip 1000", E_TIMEOUT, true},
        {"flood", E_TIMEOUT, true},     {"notice text=going%20down", E_UNAVAIL, false},
        {"entry cn=a", E_PROTO, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct client *client = NULL;
        struct slice identity;
        struct fake fake;
        int64_t limit, start, took;
        int rc;

        fake_start(&fake, cases[i].step);
        limit = cases[i].waits ? DEADLINE_MS : PATIENCE_MS;
        assert_int_equal(client_open(fake.uri, deadline(PATIENCE_MS), &client), 0);
        start = clock_monotonic_ms();
        client_deadline(client, start + limit);
        rc = client_whoami(client, &identity);
        took = clock_monotonic_ms() - start;
        if (rc != cases[i].rc || (cases[i].waits && took < limit) ||
            took >= (cases[i].waits ? limit + SLACK_MS : limit))
            fail_msg("%s: %s after %d ms", cases[i].step, err_name(rc), (int)took);
        assert_int_equal(client_code(client), -1);
        if (strncmp(cases[i].step, "notice", 6) == 0)
            assert_string_equal(client_text(client), "going down");
        client_deadline(client, deadline(PATIENCE_MS));
        assert_int_equal(client_whoami(client, &identity), E_UNAVAIL);
        client_close(client);
        fake_stop(&fake);
    }
}

static void test_drip_in_time(void **state)
{
    struct client *client = NULL;
    struct slice identity;
    struct fake fake;

    (void)state;
    fake_start(&fake, "drip 5\nresult 0");
    assert_int_equal(client_open(fake.uri, deadline(PATIENCE_MS), &client), 0);
    assert_int_equal(client_whoami(client, &identity), 0);
    assert_int_equal(identity.len, 0);
    client_close(client);
    assert_true(fake_was_asked(&fake, "unbind"));
    fake_stop(&fake);
}

static void test_connect(void **state)
{
    struct client *client = NULL;
    struct fake fake;
    char path[FAKE_PATH_MAX];
    siginfo_t ended;

    (void)state;
    assert_int_equal(client_open("nonsense", deadline(PATIENCE_MS), &client), E_SYNTAX);
    assert_int_equal(client_open("/nowhere/at/all", deadline(PATIENCE_MS), &client), E_UNAVAIL);
    assert_int_equal(client_open("/etc/passwd/x", deadline(PATIENCE_MS), &client), E_UNAVAIL);
    fake_start(&fake, "result 0");
    assert_int_equal(client_open(fake.uri, deadline(0), &client), E_TIMEOUT);
    strcpy(path, fake.socket);
    fake_write(fake.scenario, "");
    close(fake.input);
    fake.input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(waitid(P_PID, (id_t)fake.pid, &ended, WEXITED | WNOWAIT), 0);
    /* the socket stays, nobody listens */
    assert_int_equal(client_open(path, deadline(PATIENCE_MS), &client), E_UNAVAIL);
    assert_null(client);
    fake_stop(&fake);
}

static int listener(const char *path, int backlog)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(un.sun_path, path);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

static void on_alarm(int number)
{
    (void)number;
}

/* A full backlog is waited for, through signals, and no longer than allowed. */
static void test_backlog(void **state)
{
    struct itimerval every = {{0, 20000}, {0, 20000}}, never = {0};
    struct sigaction action = {.sa_handler = on_alarm};
    char folder[FAKE_PATH_MAX / 2], path[FAKE_PATH_MAX];
    struct client *waiting[3] = {0};
    int64_t start = clock_monotonic_ms(), took;
    int fd, rc = 0;

    (void)state;
    fake_folder(folder);
    snprintf(path, sizeof(path), "%s/ldapi", folder);
    fd = listener(path, 0);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
    for (size_t i = 0; i < COUNT(waiting) && rc == 0; i++)
        rc = client_open(path, start + DEADLINE_MS, &waiting[i]);
    took = clock_monotonic_ms() - start;
    setitimer(ITIMER_REAL, &never, NULL);
    assert_int_equal(rc, E_TIMEOUT);
    assert_true(took >= DEADLINE_MS && took < DEADLINE_MS + SLACK_MS);
    for (size_t i = 0; i < COUNT(waiting); i++)
        client_abandon(waiting[i]);
    close(fd);
    fake_remove(folder);
}

/* No SIGPIPE, no descriptor across exec, signals during a wait do not end it. */
static void test_manners(void **state)
{
    struct itimerval every = {{0, 20000}, {0, 20000}}, never = {0};
    struct sigaction action = {.sa_handler = on_alarm}, old;
    struct wire wire;
    struct fake fake;
    char *bytes;
    size_t len;
    int rc = 0;

    (void)state;
    fake_start(&fake, "close");
    assert_int_equal(wire_open(fake.uri, deadline(PATIENCE_MS), &wire), 0);
    assert_true(wire.local && wire.loopback);
    assert_int_equal(fcntl(wire.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    while (rc == 0) /* until it has closed, or the deadline */
        rc = wire_send(&wire, "\x30\x0c\x02\x01\x01\x77\x07\x80\x05\x31.2.3", 14);
    assert_int_equal(rc, E_UNAVAIL); /* and SIGPIPE did not kill us */
    assert_int_equal(wire.fd, -1);
    assert_int_equal(wire_send(&wire, "x", 1), E_UNAVAIL);
    assert_int_equal(wire_receive(&wire, &bytes, &len), E_UNAVAIL);
    wire_close(&wire);
    fake_stop(&fake);

    fake_start(&fake, "hang");
    sigaction(SIGALRM, &action, &old);
    assert_int_equal(wire_open(fake.uri, deadline(PATIENCE_MS), &wire), 0);
    setitimer(ITIMER_REAL, &every, NULL);
    rc = wire_send(&wire, "\x30\x0c\x02\x01\x01\x77\x07\x80\x05\x31.2.3", 14);
    assert_int_equal(rc, 0);
    wire.deadline_ms = deadline(DEADLINE_MS);
    assert_int_equal(wire_receive(&wire, &bytes, &len), E_TIMEOUT);
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &old, NULL);
    wire_close(&wire);
    fake_stop(&fake);
}

/* A peer that does not read: the send ends at the deadline. */
static void test_send_blocked(void **state)
{
    char folder[FAKE_PATH_MAX / 2], path[FAKE_PATH_MAX];
    static char bytes[4 << 20];
    struct wire wire;
    int64_t start;
    int fd;

    (void)state;
    fake_folder(folder);
    snprintf(path, sizeof(path), "%s/ldapi", folder);
    fd = listener(path, 4);
    assert_int_equal(wire_open(path, deadline(PATIENCE_MS), &wire), 0);
    start = clock_monotonic_ms();
    wire.deadline_ms = start + DEADLINE_MS;
    assert_int_equal(wire_send(&wire, bytes, sizeof(bytes)), E_TIMEOUT);
    assert_in_range(clock_monotonic_ms() - start, DEADLINE_MS, DEADLINE_MS + SLACK_MS);
    close(fd);
    fake_remove(folder);
}

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

        snprintf(step, sizeof(step), "result %d text=why%%0anot%%1b%%5b", cases[i].code);
        fake_start(&fake, step);
        assert_int_equal(client_open(fake.uri, deadline(PATIENCE_MS), &client), 0);
        rc = client_check(client, slice_of("dc=example,dc=org"), slice_of("acme"),
                          slice_of("o'hara, x+y"), slice_of("ticket:delete"));
        if (rc != cases[i].rc)
            fail_msg("%d: %s", cases[i].code, err_name(rc));
        assert_int_equal(client_code(client), cases[i].code == 0 ? -1 : cases[i].code);
        assert_string_equal(client_text(client), "why not [");
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
        assert_int_equal(client_open(fake.uri, deadline(PATIENCE_MS), &client), 0);
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
    struct enroll_response enrolled;

    assert_int_equal(client_set_pin(client, &pin), E_UNWILLING);
    assert_int_equal(client_enroll(client, &enroll, &enrolled), 0);
    assert_true(slice_is(enrolled.uri, "otpauth://totp/x"));
    assert_int_equal(client_unlock(client, &unlock), 0);
    assert_int_equal(client_password_modify(client, &password), 0);
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
        {check_changes, "result 53\nenroll 0 uri=otpauth://totp/x\nresult 0\nresult 0",
         "set-pin organization=acme user=bob new=007\nenroll user=bob step=0\nunlock user=bob\n"
         "password user=bob new=n\n"},
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
        assert_int_equal(client_open(fake.uri, deadline(PATIENCE_MS), &client), 0);
        cases[i].check(client);
        assert_string_equal(fake_asked(&fake), cases[i].asked);
        client_close(client);
        fake_stop(&fake);
    }
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
    assert_int_equal(client_open(fake.uri, deadline(PATIENCE_MS), &client), 0);
    assert_int_equal(client_verify(client, &verify, &verified), E_PROTO);
    assert_int_equal(verified.state, 77);
    client_close(client);
    fake_stop(&fake);
    fake_start(&fake, "whoami 0 value=nonsense");
    assert_int_equal(client_open(fake.uri, deadline(PATIENCE_MS), &client), 0);
    assert_int_equal(client_verify(client, &verify, &verified), E_PROTO);
    assert_int_equal(client_code(client), -1);
    client_close(client);
    fake_stop(&fake);
}

static void test_tcp(void **state)
{
    struct client *client = NULL;
    struct fake fake;

    (void)state;
    fake_start_tcp(&fake, "result 0");
    assert_int_equal(client_open(fake.uri, deadline(PATIENCE_MS), &client), 0);
    assert_int_equal(client_bind(client, slice_of("cn=svc"), slice_of("pw")), 0);
    client_close(client);
    fake_stop(&fake);
}

/* A socket that somebody else has connected: bounded like one of our own, and closed with it. */
static void test_taken(void **state)
{
    struct client *client = NULL;
    struct wire wire;
    char byte;
    int pair[2];

    (void)state;
    assert_int_equal(wire_take(-1, deadline(DEADLINE_MS), &wire), E_IO);
    assert_int_equal(client_take(-1, deadline(DEADLINE_MS), &client), E_IO);
    assert_null(client);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(client_take(pair[0], deadline(DEADLINE_MS), &client), 0);
    assert_int_equal(client_bind(client, slice_of("cn=x"), slice_of("secret")), E_TIMEOUT);
    assert_int_equal(client_code(client), -1);
    client_close(client);
    while (recv(pair[1], &byte, 1, 0) == 1) /* the bind; then the end, since it was closed */
        continue;
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address),  cmocka_unit_test(test_address_long),
        cmocka_unit_test(test_failures), cmocka_unit_test(test_drip_in_time),
        cmocka_unit_test(test_connect),  cmocka_unit_test(test_backlog),
        cmocka_unit_test(test_manners),  cmocka_unit_test(test_send_blocked),
        cmocka_unit_test(test_results),  cmocka_unit_test(test_results_of_others),
        cmocka_unit_test(test_calls),    cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_tcp),      cmocka_unit_test(test_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
