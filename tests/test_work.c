/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The pools: a queue that is full, jobs of one key, jobs that go aside and come back, a pool that
 * hangs beside one that does not, and the end in the middle of it all. What a job is to do stands
 * in its script, a letter for each run: h at home, s aside; upper case: there it waits at the gate.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "server/loop.h"
#include "server/work.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define WAIT_MS 60000
#define KEYS    8
#define QUEUE   64
#define MANY    3000

struct task {
    struct job job; /* first */
    const char *script;
    uint64_t key_then; /* the key from the second run on; 0: as before */
    size_t runs;
    bool cut; /* ran at home what it was to run aside, and gave up */
    unsigned done;
};

enum place { HOME, ASIDE };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool open_gate[2];
static unsigned at_gate[2], done_count, run_count, cut_count, faults;
static const struct task
    *holders[KEYS + 1];                 /* who has begun under a key, until it ends or leaves */
static const struct task *order[QUEUE]; /* the first runs of all */
static struct workers *home, *side;

/* In place of the loop's: what is finished is done at once. */
void loop_post(struct loop *loop, struct job *job)
{
    (void)loop;
    job->done(job);
}

static void fault(const struct task *task, const char *what)
{
    if (faults++ == 0)
        fprintf(stderr, "script %s, run %zu, key %u: %s\n", task->script, task->runs,
                (unsigned)task->job.key, what);
}

static void wait_at(enum place place)
{
    at_gate[place]++;
    pthread_cond_broadcast(&changed);
    while (!open_gate[place])
        pthread_cond_wait(&changed, &lock);
    at_gate[place]--;
}

/* What comes after this run. Only while it is aside, and for the run after that, does a job keep
 * its key: who runs at home twice lets others of its key go between. */
static void task_next(struct task *task)
{
    struct job *job = &task->job;
    char next = task->script[++task->runs];
    bool aside = job->aside;

    if (next != '\0' && !task->cut) {
        job->again = true;
        job->aside = tolower(next) == 's';
    }
    if (job->key != 0 && (!job->again || (!aside && !job->aside)))
        holders[job->key] = NULL;
    if (job->again && task->key_then != 0) {
        job->key = task->key_then;
        task->key_then = 0;
    }
}

static void task_run(struct job *job)
{
    struct task *task = (struct task *)job;
    char what = task->script[task->runs];

    pthread_mutex_lock(&lock);
    if (run_count < QUEUE)
        order[run_count] = task;
    run_count++;
    if (tolower(what) == 's' && !job->aside) {
        task->cut = true;
        cut_count++;
    }
    if (tolower(what) == 'h' && job->aside)
        fault(task, "aside, not at home");
    if (job->key != 0 && holders[job->key] != NULL && holders[job->key] != task)
        fault(task, "somebody else of its key has begun");
    if (job->key != 0)
        holders[job->key] = task;
    if (isupper(what) && !task->cut)
        wait_at(what == 'S' ? ASIDE : HOME);
    task_next(task);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void task_done(struct job *job)
{
    struct task *task = (struct task *)job;

    pthread_mutex_lock(&lock);
    task->done++;
    done_count++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* Submits, with a key for the first run and one for those after it; what the pool says. */
static int task_start(struct task *task, const char *script, uint64_t key, uint64_t key_then)
{
    *task = (struct task){.job = {.run = task_run, .done = task_done, .key = key},
                          .script = script,
                          .key_then = key_then};
    if (strpbrk(script, "sS") != NULL)
        task->job.side = side;
    return workers_submit(home, &task->job);
}

static void task_take(struct task *task, const char *script, uint64_t key)
{
    assert_int_equal(task_start(task, script, key, 0), 0);
}

/* Waits until a number under the lock is at least so large. */
static void await(const unsigned *number, unsigned least)
{
    struct timespec until;
    bool late = false;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_MS / 1000;
    pthread_mutex_lock(&lock);
    while (*number < least && !late)
        late = pthread_cond_timedwait(&changed, &lock, &until) != 0;
    pthread_mutex_unlock(&lock);
    if (late)
        fail_msg("waited for %u, there are %u", least, *number);
}

static unsigned now(const unsigned *number)
{
    unsigned value;

    pthread_mutex_lock(&lock);
    value = *number;
    pthread_mutex_unlock(&lock);
    return value;
}

/* await, of the jobs that are in a pool. */
static void await_load(struct workers *workers, size_t least)
{
    for (int ms = 0; workers_load(workers) < least; ms++) {
        if (ms > WAIT_MS)
            fail_msg("waited for %zu jobs, there are %zu", least, workers_load(workers));
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

static void gate(enum place place, bool open)
{
    pthread_mutex_lock(&lock);
    open_gate[place] = open;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void begin(unsigned home_threads, unsigned side_threads, size_t queue_max)
{
    open_gate[HOME] = open_gate[ASIDE] = false;
    done_count = run_count = cut_count = faults = 0;
    memset(holders, 0, sizeof(holders));
    side = workers_new("side", side_threads, 1, queue_max);
    home = workers_new("home", home_threads, 0, queue_max);
}

static void end(void)
{
    workers_stop(side, 0);
    workers_stop(home, WAIT_MS);
    workers_free(side);
    workers_free(home);
    assert_int_equal(faults, 0);
}

static void test_scripts(void **state)
{
    static const char *const scripts[] = {"h", "hh", "hs", "hsh", "hssshh", "hshsh", "hhshhshh"};
    struct task task;

    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
        for (uint64_t key = 0; key < 2; key++) {
            begin(2, 1, 1);
            task_take(&task, scripts[i], key);
            await(&done_count, 1);
            end();
            assert_int_equal(task.runs, strlen(scripts[i]));
            assert_int_equal(task.done, 1);
            assert_int_equal(cut_count, 0);
        }
}

static void test_full(void **state)
{
    struct task first, waiting[2], late;

    (void)state;
    begin(1, 1, 2);
    task_take(&first, "H", 0);
    await(&at_gate[HOME], 1);
    for (size_t i = 0; i < 2; i++)
        task_take(&waiting[i], "h", 0);
    assert_int_equal(workers_load(home), 3);
    assert_int_equal(task_start(&late, "h", 0, 0), E_BUSY);
    gate(HOME, true);
    await(&done_count, 3);
    task_take(&late, "h", 0);
    await(&done_count, 4);
    end();
}

/* A place aside is taken from the beginning to the end; those who need none are let in. */
static void test_full_aside(void **state)
{
    struct task under_way[2], late, other;

    (void)state;
    begin(2, 1, 2);
    for (size_t i = 0; i < 2; i++)
        task_take(&under_way[i], "hSh", 0);
    await_load(side, 2);
    assert_int_equal(task_start(&late, "hsh", 0, 0), E_BUSY);
    task_take(&other, "h", 0);
    await(&done_count, 1);
    gate(ASIDE, true);
    await(&done_count, 3);
    task_take(&late, "hsh", 0);
    await(&done_count, 4);
    end();
}

/* Whoever finds no place at home gives the one aside back. */
static void test_full_at_home(void **state)
{
    struct task first, waiting[2], refused;

    (void)state;
    begin(1, 1, 2);
    task_take(&first, "H", 0);
    await(&at_gate[HOME], 1);
    for (size_t i = 0; i < 2; i++)
        task_take(&waiting[i], "h", 0);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(task_start(&refused, "hsh", 0, 0), E_BUSY);
    gate(HOME, true);
    await(&done_count, 3);
    for (size_t i = 0; i < 2; i++)
        task_take(&waiting[i], "hsh", 0);
    await(&done_count, 5);
    end();
}

/* Whoever has begun under a key keeps it while aside, also against one that takes it on the way. */
static void test_keys(void **state)
{
    struct task first, second, third, other;

    (void)state;
    begin(1, 1, QUEUE);
    task_take(&first, "hSh", 1);
    await(&at_gate[ASIDE], 1);
    assert_int_equal(task_start(&second, "hhsh", 0, 1), 0);
    task_take(&third, "h", 1);
    task_take(&other, "h", 2);
    await(&done_count, 1);
    assert_int_equal(other.done, 1);
    assert_int_equal(second.runs, 1);
    assert_int_equal(third.runs, 0);
    gate(ASIDE, true);
    await(&done_count, 4);
    end();
    assert_false(first.job.waited);
    assert_true(second.job.waited);
}

/* Whoever has begun goes before those who have not. */
static void test_back_first(void **state)
{
    struct task aside, blocks, fresh[2];

    (void)state;
    begin(1, 1, QUEUE);
    task_take(&aside, "hSh", 0);
    await(&at_gate[ASIDE], 1);
    task_take(&blocks, "H", 0);
    await(&at_gate[HOME], 1);
    for (size_t i = 0; i < 2; i++)
        task_take(&fresh[i], "h", 0);
    gate(ASIDE, true);
    await_load(home, 4);
    gate(HOME, true);
    await(&done_count, 4);
    assert_ptr_equal(order[3], &aside);
    end();
}

/* Neither pool holds the other up. */
static void test_hung(void **state)
{
    struct task aside[8], at_home[8];

    (void)state;
    begin(2, 1, QUEUE);
    for (size_t i = 0; i < 8; i++)
        task_take(&aside[i], "hSsh", i);
    await(&at_gate[ASIDE], 1);
    for (size_t i = 0; i < 8; i++)
        task_take(&at_home[i], "h", 0);
    await(&done_count, 8);
    for (size_t i = 0; i < 2; i++)
        task_take(&at_home[i], "H", 0);
    await(&at_gate[HOME], 2);
    gate(ASIDE, true);
    await(&run_count, 8 + 8 + 2 + 8 * 2); /* all that is to be done aside */
    assert_int_equal(now(&done_count), 8);
    gate(HOME, true);
    await(&done_count, 18);
    end();
}

struct stop {
    struct workers *workers;
    int drain_ms;
};

static void *stop_run(void *arg)
{
    const struct stop *stop = arg;

    workers_stop(stop->workers, stop->drain_ms);
    return NULL;
}

/* The side pool ends while one job runs there and others wait; then the home does, both threads at
 * work, while those have come back and others have not begun. What has begun is seen to its end, if
 * there is time for it; nothing is lost, and nothing done twice. */
static void stopped(int drain_ms)
{
    struct task running, waiting[4], blocks[2], probes[QUEUE];
    struct stop stop_side, stop_home;
    pthread_t thread;
    unsigned count = 0, asked;
    bool drained = drain_ms > 0;

    begin(2, 1, QUEUE);
    stop_side = (struct stop){side, 0};
    stop_home = (struct stop){home, drain_ms};
    task_take(&running, "hSh", 1);
    await(&at_gate[ASIDE], 1);
    for (size_t i = 0; i < 4; i++)
        task_take(&waiting[i], "hsh", 2 + i);
    task_take(&blocks[0], "H", 0);
    await(&at_gate[HOME], 1);
    await_load(side, 5);
    assert_int_equal(pthread_create(&thread, NULL, stop_run, &stop_side), 0);
    while (now(&cut_count) == 0) { /* until somebody is not let in there any more */
        asked = now(&run_count);
        if (count == QUEUE / 2)
            fail_msg("the side pool takes jobs while it stops");
        task_take(&probes[count++], "hsh", 0);
        await(&run_count, asked + 1);
        (void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    task_take(&blocks[1], "H", 0);
    await(&at_gate[HOME], 2);
    gate(ASIDE, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    asked = count;
    assert_int_equal(pthread_create(&thread, NULL, stop_run, &stop_home), 0);
    while (count < QUEUE && task_start(&probes[count], "h", 0, 0) == 0) {
        count++;
        (void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    assert_true(count < QUEUE);
    gate(HOME, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    workers_free(side);
    workers_free(home);
    assert_int_equal(faults, 0);
    assert_int_equal(done_count, 1 + 4 + 2 + count);
    assert_int_equal(running.runs, drained ? 3 : 2);
    assert_false(running.cut);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(waiting[i].runs, drained ? 2 : 1);
        assert_int_equal(waiting[i].cut, drained);
        assert_int_equal(waiting[i].done, 1);
    }
    for (size_t i = asked; i < count; i++) {
        assert_int_equal(probes[i].runs, 0);
        assert_int_equal(probes[i].done, 1);
    }
}

static void test_stopped(void **state)
{
    (void)state;
    stopped(WAIT_MS);
    stopped(0);
}

static void test_many(void **state)
{
    static const char *const scripts[] = {"h", "hh", "hsh", "hhsh", "hhshsh", "hssh"};
    static struct task tasks[MANY];
    unsigned seed = 1;

    (void)state;
    begin(4, 2, MANY);
    for (size_t i = 0; i < MANY; i++) {
        unsigned any = (seed = seed * 1103515245 + 12345) >> 8;
        const char *script = scripts[any % 6];
        bool then = script[1] == 'h' && any / 6 % 2 == 0;

        assert_int_equal(
            task_start(&tasks[i], script, any / 12 % (KEYS + 1), then ? 1 + any / 128 % KEYS : 0),
            0);
    }
    await(&done_count, MANY);
    end();
    for (size_t i = 0; i < MANY; i++)
        if (tasks[i].done != 1 || tasks[i].cut || tasks[i].runs != strlen(tasks[i].script))
            fail_msg("%zu, script %s: %zu runs, done %u times", i, tasks[i].script, tasks[i].runs,
                     tasks[i].done);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scripts),    cmocka_unit_test(test_full),
        cmocka_unit_test(test_full_aside), cmocka_unit_test(test_full_at_home),
        cmocka_unit_test(test_keys),       cmocka_unit_test(test_back_first),
        cmocka_unit_test(test_hung),       cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
