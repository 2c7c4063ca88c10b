/* SPDX-License-Identifier: BSD-2-Clause */
#include "asking.h"

#include "ldap/message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void question_put(struct asking *asking, size_t number, const char *dn,
                         const char *attribute, const char *value, bool yes)
{
    struct questions *questions = &asking->questions;
    struct message message = {.id = (int32_t)number + 1,
                              .op = OP_COMPARE,
                              .compare = {slice_of(dn), slice_of(attribute), slice_of(value)}};

    questions->at[number] = questions->bytes.len;
    questions->code[number] = yes ? RESULT_COMPARE_TRUE : RESULT_COMPARE_FALSE;
    if (message_encode_request(&questions->bytes, &message) != 0)
        die("a request cannot be encoded");
    questions->at[number + 1] = questions->bytes.len;
}

void asking_usher(struct asking *asking, const struct people *people)
{
    for (size_t i = 0; i < QUESTIONS; i++) {
        size_t number = i * 7919 % people->count;
        struct person_name name = person_name(people, number);

        question_put(asking, i, name.dn, "usherPermission", BENCH_ASKED,
                     person_may(people, number));
    }
}

void asking_group(struct asking *asking, const struct people *people, const char *group,
                  size_t members)
{
    for (size_t i = 0; i < QUESTIONS; i++) {
        bool member = i % 2 == 0;
        struct person_name name = person_name(people, i / 2 % members + (member ? 0 : members));

        question_put(asking, i, group, "member", name.person, member);
    }
}

void asking_send(struct asking *asking, size_t count)
{
    const struct questions *questions = &asking->questions;

    while (count > 0) {
        size_t part = QUESTIONS - asking->next < count ? QUESTIONS - asking->next : count;
        const char *bytes = questions->bytes.data + questions->at[asking->next];
        size_t len = questions->at[asking->next + part] - questions->at[asking->next];

        while (len > 0) {
            ssize_t sent = send(asking->fd, bytes, len, MSG_NOSIGNAL);

            if (sent < 0 && errno != EINTR)
                die("%s: send", asking->name);
            bytes += sent > 0 ? sent : 0;
            len -= sent > 0 ? (size_t)sent : 0;
        }
        asking->next = (asking->next + part) % QUESTIONS;
        count -= part;
    }
}

/* SEQUENCE, id, Compare response with its code: lengths of one byte, as for every answer that is
 * true or false. */
static void reply_check(const struct asking *asking, const char *bytes, size_t len)
{
    const unsigned char *at = (const unsigned char *)bytes;
    size_t id = 0, octets = len > 4 ? at[3] : 0;

    for (size_t i = 0; i < octets && 4 + i < len; i++)
        id = id << 8 | at[4 + i];
    at += 4 + octets;
    if (len < 9 + octets || id < 1 || id > QUESTIONS || at[0] != OP_COMPARE_RESPONSE ||
        at[4] != asking->questions.code[id - 1])
        die("%s: question %zu: not the answer that is right", asking->name, id);
}

size_t asking_receive(struct asking *asking)
{
    size_t at = 0, count = 0, len;
    ssize_t got =
        recv(asking->fd, asking->in + asking->in_len, sizeof(asking->in) - asking->in_len, 0);

    if (got < 0 && errno == EINTR)
        return 0;
    if (got <= 0)
        die("%s: recv", asking->name);
    asking->in_len += (size_t)got;
    while (message_length(asking->in + at, asking->in_len - at, READ_SIZE, &len) == 0 &&
           len <= asking->in_len - at) {
        if (!asking->echo)
            reply_check(asking, asking->in + at, len);
        at += len;
        count++;
    }
    asking->in_len -= at;
    memmove(asking->in, asking->in + at, asking->in_len);
    return count;
}

double asking_run(struct asking *asking, size_t in_flight, double for_us)
{
    double start = now_us(), end = start;
    size_t waiting = 0, done = 0;

    while (end - start < for_us) {
        for (int i = 0; i < 32; i++) {
            size_t got;

            asking_send(asking, in_flight - waiting);
            waiting = in_flight;
            got = asking_receive(asking);
            waiting -= got;
            done += got;
        }
        end = now_us();
    }
    while (waiting > 0)
        waiting -= asking_receive(asking);
    return (end - start) / (double)done;
}

void asking_clear(struct asking *asking)
{
    (void)close(asking->fd);
    buffer_clear(&asking->questions.bytes);
}
