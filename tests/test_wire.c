/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The wire, and the client upon it, against a scripted daemon: every way in which a peer can fail
 * ends within the deadline with the right error. What the calls say stands in test_client.c.
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
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DEADLINE_MS  400   /* for what does not come */
#define SLACK_MS     10000 /* a loaded machine stalls for seconds */

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
        limit = cases[i].waits ? DEADLINE_MS : FAKE_PATIENCE_MS;
        assert_int_equal(client_open(fake.uri, fake_deadline(), &client), 0);
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
        client_deadline(client, fake_deadline());
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
    assert_int_equal(client_open(fake.uri, fake_deadline(), &client), 0);
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
    assert_int_equal(client_open("nonsense", fake_deadline(), &client), E_SYNTAX);
    assert_int_equal(client_open("/nowhere/at/all", fake_deadline(), &client), E_UNAVAIL);
    assert_int_equal(client_open("/etc/passwd/x", fake_deadline(), &client), E_UNAVAIL);
    fake_start(&fake, "result 0");
    assert_int_equal(client_open(fake.uri, deadline(0), &client), E_TIMEOUT);
    strcpy(path, fake.socket);
    fake_write(fake.scenario, "");
    close(fake.input);
    fake.input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(waitid(P_PID, (id_t)fake.pid, &ended, WEXITED | WNOWAIT), 0);
    /* the socket stays, nobody listens */
    assert_int_equal(client_open(path, fake_deadline(), &client), E_UNAVAIL);
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
    assert_int_equal(wire_open(fake.uri, fake_deadline(), &wire), 0);
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
    assert_int_equal(wire_open(fake.uri, fake_deadline(), &wire), 0);
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
    assert_int_equal(wire_open(path, fake_deadline(), &wire), 0);
    start = clock_monotonic_ms();
    wire.deadline_ms = start + DEADLINE_MS;
    assert_int_equal(wire_send(&wire, bytes, sizeof(bytes)), E_TIMEOUT);
    assert_in_range(clock_monotonic_ms() - start, DEADLINE_MS, DEADLINE_MS + SLACK_MS);
    close(fd);
    fake_remove(folder);
}

static void test_tcp(void **state)
{
    struct client *client = NULL;
    struct fake fake;

    (void)state;
    fake_start_tcp(&fake, "result 0");
    assert_int_equal(client_open(fake.uri, fake_deadline(), &client), 0);
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
        cmocka_unit_test(test_tcp),      cmocka_unit_test(test_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
