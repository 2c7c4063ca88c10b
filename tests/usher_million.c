/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An application that asks: threads of this process, and of a child that shares its handle, put
 * each of the questions over and over, half of them by their text and half by a permission resolved
 * once. What they are to be answered is told on standard input while they ask, and each answer that
 * is neither the one told before nor the one told after the call is counted as wrong.
 *
 * usage: usher_million USHERD-SOCKET RIGHTS (ORGANIZATION USER QUERY)...
 *
 * Commands, each answered by one line:
 *   either N            question N is about to change: yes and no are right
 *   await N yes|no MS   until every thread was answered so; that alone is right from then on.
 * Prints the milliseconds it took, or "never". errors 0|1          whether it is right that no
 * answer can be given fork                a child made in the middle of it all asks some; prints
 * its exit status report              prints how many were asked, how many answers were wrong, how
 * many were not given, and the question and number of the last that was wrong or not given The end
 * of the input ends it.
 */
#include "client/usher.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS       3 /* in each of the two processes */
#define QUESTIONS_MAX 16
#define FORK_ASKED    20000 /* questions of a child */
#define BUSY_TRIES    30000 /* 1 ms apart */
#define EITHER        1
#define UNKNOWN       2

struct question {
    const char *organization, *user, *query;
    struct usher_permission *permission;
};

/* In memory that both processes share. */
struct shared {
    atomic_int expected[QUESTIONS_MAX]; /* 0, USHER_DENIED or EITHER */
    atomic_int last[2 * THREADS][QUESTIONS_MAX];
    atomic_bool errors_allowed, stop;
    atomic_ulong asked, wrong, errors;
    atomic_int culprit, culprit_rc;
};

static struct question questions[QUESTIONS_MAX];
static size_t question_count;
static struct usher *usher;
static struct shared *shared;

static int ask_once(size_t number, bool by_text)
{
    const struct question *question = &questions[number];

    return by_text ? usher_check(usher, question->organization, question->user, question->query)
                   : usher_permission_check(usher, question->organization, question->user,
                                            question->permission);
}

/* Busy means to try again: a record stays half written while its writer is preempted. */
static int ask(size_t number, bool by_text)
{
    int rc = ask_once(number, by_text);

    for (int i = 0; rc == USHER_BUSY && i < BUSY_TRIES; i++) {
        usleep(1000);
        rc = ask_once(number, by_text);
    }
    return rc;
}

static void blame(atomic_ulong *counter, size_t number, int rc)
{
    atomic_fetch_add(counter, 1);
    atomic_store(&shared->culprit, (int)number);
    atomic_store(&shared->culprit_rc, rc);
}

/* Asks and judges. */
static int ask_judged(size_t number, bool by_text)
{
    int before = atomic_load(&shared->expected[number]);
    bool allowed = atomic_load(&shared->errors_allowed);
    int rc = ask(number, by_text);
    int after = atomic_load(&shared->expected[number]);

    atomic_fetch_add(&shared->asked, 1);
    if (rc != 0 && rc != USHER_DENIED) {
        if (!allowed && !atomic_load(&shared->errors_allowed))
            blame(&shared->errors, number, rc);
    } else if (before != EITHER && after != EITHER && rc != before && rc != after) {
        blame(&shared->wrong, number, rc);
    }
    return rc;
}

static void *asker_run(void *context)
{
    size_t me = (size_t)(uintptr_t)context;

    while (!atomic_load(&shared->stop))
        for (size_t i = 0; i < question_count; i++)
            atomic_store(&shared->last[me][i], ask_judged(i, me % 2 == 0));
    return NULL;
}

static void askers_start(size_t first, pthread_t threads[THREADS])
{
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, asker_run, (void *)(uintptr_t)(first + i)) != 0)
            _exit(2);
}

static void askers_end(pthread_t threads[THREADS])
{
    for (size_t i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
}

static double now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Whether each thread's latest answer, given since last was cleared, is rc. */
static bool all_answered(size_t number, int rc)
{
    for (size_t i = 0; i < 2 * THREADS; i++)
        if (atomic_load(&shared->last[i][number]) != rc)
            return false;
    return true;
}

static void await(size_t number, int rc, double for_ms)
{
    double start = now_ms();

    while (!all_answered(number, rc)) {
        if (now_ms() - start > for_ms) {
            printf("never\n");
            return;
        }
        usleep(200);
    }
    atomic_store(&shared->expected[number], rc);
    printf("%.1f\n", now_ms() - start);
}

/* A child that has one thread and the parent's handle, made while the parent's threads ask. */
static void child_ask(void)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        unsigned long before = atomic_load(&shared->wrong) + atomic_load(&shared->errors);

        (void)alarm(120);
        for (size_t i = 0; i < FORK_ASKED; i++)
            (void)ask_judged(i % question_count, i / question_count % 2 == 0);
        _exit(atomic_load(&shared->wrong) + atomic_load(&shared->errors) != before);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        status = -1;
    printf("%d\n", status);
}

static void report(void)
{
    printf("%lu %lu %lu %d %d\n", atomic_load(&shared->asked), atomic_load(&shared->wrong),
           atomic_load(&shared->errors), atomic_load(&shared->culprit),
           atomic_load(&shared->culprit_rc));
}

static void command_run(const char *line)
{
    char word[16] = "", answer[8] = "";
    unsigned number = 0;
    double for_ms = 0;

    (void)sscanf(line, "%15s %u %7s %lf", word, &number, answer, &for_ms);
    if (number >= QUESTIONS_MAX) {
        printf("no such question\n");
    } else if (strcmp(word, "either") == 0) {
        atomic_store(&shared->expected[number], EITHER);
        printf("ok\n");
    } else if (strcmp(word, "await") == 0) {
        await(number, strcmp(answer, "yes") == 0 ? 0 : USHER_DENIED, for_ms);
    } else if (strcmp(word, "errors") == 0) {
        atomic_store(&shared->errors_allowed, number != 0);
        printf("ok\n");
    } else if (strcmp(word, "fork") == 0) {
        child_ask();
    } else {
        report();
    }
    (void)fflush(stdout);
}

static void prepare(int argc, char **argv)
{
    struct usher_options options = {.uri = argv[1], .rights = argv[2], .timeout_ms = 30000};

    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED || usher_open(&options, &usher) != 0)
        exit(2);
    for (int i = 3; i + 2 < argc && question_count < QUESTIONS_MAX; i += 3) {
        struct question *question = &questions[question_count++];

        *question = (struct question){argv[i], argv[i + 1], argv[i + 2], NULL};
        if (usher_permission_resolve(question->query, &question->permission) != 0)
            exit(2);
    }
    for (size_t i = 0; i < question_count; i++) {
        atomic_store(&shared->expected[i], EITHER);
        for (size_t k = 0; k < 2 * THREADS; k++)
            atomic_store(&shared->last[k][i], UNKNOWN);
        (void)ask_judged(i, true); /* so that the child finds the handle in use */
    }
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    char line[128];
    int status = 2;
    pid_t child;

    if (argc < 6)
        return 2;
    prepare(argc, argv);
    child = fork();
    if (child < 0)
        return 2;
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        askers_start(THREADS, threads);
        askers_end(threads);
        usher_close(usher);
        _exit(0);
    }
    askers_start(0, threads);
    while (fgets(line, sizeof(line), stdin) != NULL)
        command_run(line);
    atomic_store(&shared->stop, true);
    askers_end(threads);
    if (waitpid(child, &status, 0) != child)
        status = 2;
    for (size_t i = 0; i < question_count; i++)
        usher_permission_free(questions[i].permission);
    usher_close(usher);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
