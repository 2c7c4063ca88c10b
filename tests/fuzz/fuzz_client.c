/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a daemon, or whoever stands in for it, sends to the client: the bytes after the first lie in
 * the connection when the call that the first letter names is made, and then it ends. Whatever they
 * are, the call returns, and says yes only where the bytes do.
 */
#include "base/clock.h"
#include "client/calling.h"
#include "fuzz.h"

#include <sys/socket.h>
#include <unistd.h>

static int call_compare(struct client *client)
{
    return client_compare(client, slice_of("cn=a"), slice_of("b"), slice_of("c"));
}

static int call_bind(struct client *client)
{
    return client_bind(client, slice_of("cn=a"), slice_of("secret"));
}

static int call_whoami(struct client *client)
{
    struct slice identity = {0};
    int rc = client_whoami(client, &identity);

    HOLDS(rc != 0 || client_code(client) == 0);
    return rc;
}

static int call_verify(struct client *client)
{
    const struct verify_request request = {.user = slice_of("alice"), .factor = VERIFY_NONE};
    struct verify_response response = {0};
    int rc = client_verify(client, &request, &response);

    HOLDS(response.state <= VERIFY_STATE_REFUSED);
    return rc;
}

static int call_challenge(struct client *client)
{
    const struct challenge_request request = {.user = slice_of("alice")};
    struct challenge_response response = {0};

    return client_challenge(client, &request, &response);
}

static int call_enroll(struct client *client)
{
    const struct enroll_request request = {.step = ENROLL_BEGIN};
    struct enroll_response response = {0};

    return client_enroll(client, &request, &response);
}

static int call_redeem(struct client *client)
{
    const struct redeem_request request = {slice_of("token"), slice_of("new"), {0}};
    struct redeem_response response = {{0}};
    int rc = client_redeem(client, &request, &response);

    HOLDS(rc != 0 || response.user.data != NULL);
    return rc;
}

static int on_line(void *context, const struct explain_line *line)
{
    size_t *count = context;

    HOLDS(line->step >= 0 && ++*count <= EXPLAIN_LINES_MAX);
    return 0;
}

static int call_explain(struct client *client)
{
    const struct explain_request request = {slice_of("o"), slice_of("u"), slice_of("a:b")};
    struct explain_response response = {0};
    size_t count = 0;

    return client_explain(client, &request, on_line, &count, &response);
}

static int on_defect(void *context, const struct doctor_defect *defect)
{
    size_t *count = context;

    HOLDS(defect->text.len < WIRE_RESPONSE_MAX && ++*count <= DOCTOR_DEFECTS_MAX);
    return 0;
}

static int call_doctor(struct client *client)
{
    struct doctor_response response = {0};
    size_t count = 0;

    return client_doctor(client, on_defect, &count, &response);
}

static int on_entry(void *context, struct slice dn)
{
    *(size_t *)context += dn.len;
    return 0;
}

static int on_value(void *context, struct slice name, struct slice value)
{
    for (size_t i = 0; i < value.len; i++)
        *(size_t *)context += (unsigned char)value.data[i] + name.len;
    return 0;
}

static int call_find(struct client *client)
{
    static const char *const attributes[] = {"cn", NULL};
    size_t sum = 0;
    const struct client_search search = {.base = slice_of("o=x"),
                                         .scope = 2,
                                         .attribute = slice_of("cn"),
                                         .attributes = attributes,
                                         .on_entry = on_entry,
                                         .on_value = on_value,
                                         .context = &sum};

    return client_find(client, &search);
}

static int call_base(struct client *client)
{
    char base[64] = "";
    int rc = client_base(client, base, sizeof(base));

    HOLDS(strlen(base) < sizeof(base));
    return rc;
}

static int call_freshness(struct client *client)
{
    struct freshness freshness = {0};
    int rc = client_freshness(client, &freshness);

    HOLDS(rc != 0 || freshness.age_ms >= 0);
    return rc;
}

static const struct {
    char letter;
    int (*call)(struct client *client);
} calls[] = {
    {'c', call_compare},   {'b', call_bind},   {'w', call_whoami},    {'v', call_verify},
    {'h', call_challenge}, {'n', call_enroll}, {'e', call_explain},   {'d', call_doctor},
    {'f', call_find},      {'r', call_base},   {'a', call_freshness}, {'m', call_redeem},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {(const char *)data, size};
    char letter = fuzz_letter(&input);
    struct client client = {.wire = {.loopback = true, .local = true}, .code = -1};
    int ends[2];

    HOLDS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    client.wire.fd = ends[0];
    client.wire.deadline_ms = clock_monotonic_ms() + 60000;
    HOLDS(input.len > 65536 || write(ends[1], input.data, input.len) == (ssize_t)input.len);
    HOLDS(shutdown(ends[1], SHUT_WR) == 0);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if (calls[i].letter == letter) {
            int rc = calls[i].call(&client);

            HOLDS(rc <= 0 && (rc != 0 || client_code(&client) == (letter == 'c' ? 6 : 0)));
            HOLDS(strlen(client_text(&client)) < CLIENT_TEXT_MAX);
        }
    wire_close(&client.wire);
    buffer_clear(&client.out);
    buffer_clear(&client.value);
    (void)close(ends[1]);
    return 0;
}
