/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usher-chkpwd(8): lets a program without rights, such as a screen locker, verify its own user
 * where the socket of usherd is for one group alone. Setgid to that group until it has connected.
 * Passes on usherVerify and usherChallenge about the user that the caller is, and nothing else;
 * usherd sees the caller's own uid all the same and checks the name again. Takes no argument, no
 * environment and no other socket; says nothing.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "client/wire.h"
#include "ldap/exop.h"
#include "ldap/message.h"
#include "ldap/oid.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIFE_MS (10 * 60 * 1000) /* as long as timeout= may be */

/* Whom a request is about, when it is one that may pass; an empty slice otherwise. */
static struct slice asked_verify(struct slice value)
{
    struct verify_request request;
    bool passes = verify_request_decode(value, &request) == 0 &&
                  (request.factor == VERIFY_PASSWORD || request.factor == VERIFY_CODE ||
                   (request.factor == VERIFY_NONE && request.ticket.len > 0));

    return passes ? request.user : (struct slice){0};
}

static struct slice asked_challenge(struct slice value)
{
    struct challenge_request request;

    return challenge_request_decode(value, &request) == 0 ? request.user : (struct slice){0};
}

static const struct {
    const char *oid;
    struct slice (*asked)(struct slice value);
} passing[] = {
    {OID_USHER_VERIFY, asked_verify},
    {OID_USHER_CHALLENGE, asked_challenge},
};

/* Whether the message may pass: E_DENIED ends the conversation. */
static int request_check(const struct message *message, const char *name)
{
    if (message->op != OP_EXTENDED || message->control_count > 0 || !message->extended.has_value)
        return E_DENIED;
    for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
        if (slice_is(message->extended.oid, passing[i].oid))
            return slice_equal_fold(passing[i].asked(message->extended.value), slice_of(name))
                       ? 0
                       : E_DENIED;
    return E_DENIED;
}

/* One request there, and its answer back. */
static int request_pass(struct wire *caller, struct wire *daemon, const char *name)
{
    struct arena *arena = arena_new();
    struct message message;
    struct buffer out;
    char *bytes;
    size_t len;
    int rc = wire_receive(caller, &bytes, &len);

    buffer_init(&out);
    if (rc == 0)
        rc = message_decode(bytes, len, arena, &message);
    if (rc == 0 && message.op != OP_EXTENDED)
        rc = E_DENIED;
    if (rc == 0)
        rc = message_encode_request(&out, &message); /* before a look into it may change it */
    if (rc == 0)
        rc = request_check(&message, name);
    if (rc == 0)
        rc = wire_send(daemon, out.data, out.len);
    if (rc == 0)
        rc = wire_receive(daemon, &bytes, &len);
    if (rc == 0)
        rc = wire_send(caller, bytes, len);
    buffer_clear(&out);
    arena_free(arena);
    return rc;
}

/* Whether standard input is what a module has given us, not somebody's file or terminal. */
static bool input_is_socket(void)
{
    int family = 0, type = 0;
    socklen_t size = sizeof(int);

    return getsockopt(STDIN_FILENO, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 &&
           getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && family == AF_UNIX &&
           type == SOCK_STREAM;
}

static int chkpwd_run(void)
{
    int64_t deadline_ms = clock_monotonic_ms() + LIFE_MS;
    const struct passwd *own = getpwuid(getuid());
    gid_t gid = getgid();
    struct wire caller, daemon;
    char name[257];

    if (!input_is_socket() || own == NULL || strlen(own->pw_name) >= sizeof(name))
        return 1;
    memcpy(name, own->pw_name, strlen(own->pw_name) + 1);
    if (fork() != 0) /* the module waits for this end only */
        return 0;
    if (wire_open(USHER_RUNDIR "/ldapi", deadline_ms, &daemon) < 0)
        return 1;
    if (setresgid(gid, gid, gid) < 0 || wire_take(STDIN_FILENO, deadline_ms, &caller) < 0)
        return 1;
    while (request_pass(&caller, &daemon, name) == 0)
        continue;
    wire_close(&caller);
    wire_close(&daemon);
    return 0;
}

int main(void)
{
    _exit(
        chkpwd_run()); /* both halves: nothing is buffered, and handlers of exit run for neither */
}
