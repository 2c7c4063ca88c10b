/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Compares asked over one connection, for the benchmarks: questions encoded beforehand and asked in
 * turn, any number in flight. Of a reply only the frame, id and result code are looked at; one that
 * is not right ends the program. Knows nothing of clocks and figures.
 */
#ifndef USHER_BENCH_ASKING_H
#define USHER_BENCH_ASKING_H

#include "base/buffer.h"
#include "measure.h"

#define QUESTIONS 4096 /* different ones, asked in turn */
#define READ_SIZE 65536

/* Questions back to back, and where each begins. */
struct questions {
    struct buffer bytes;
    size_t at[QUESTIONS + 1];
    int code[QUESTIONS]; /* the right answer */
};

struct asking {
    const char *name;
    bool echo; /* what answers sends back what it gets */
    int fd;
    struct questions questions;
    size_t next; /* question to be sent */
    char in[READ_SIZE];
    size_t in_len;
};

/* usherPermission at usherd: people all over the tree, some of them allowed what is asked. */
void asking_usher(struct asking *asking, const struct people *people);

/* member of the group at slapd, which has so many: members and others, half and half. */
void asking_group(struct asking *asking, const struct people *people, const char *group,
                  size_t members);

/* Sends the next questions. */
void asking_send(struct asking *asking, size_t count);

/* Waits for replies; returns how many came. */
size_t asking_receive(struct asking *asking);

/* Asks with so many always under way for about so long, waits for the replies still due, and
 * returns us for each. */
double asking_run(struct asking *asking, size_t in_flight, double for_us);

/* Closes the connection and frees the questions. */
void asking_clear(struct asking *asking);

#endif
