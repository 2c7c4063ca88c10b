/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Logins a second, and what else usherd answers meanwhile: N clients log in over and over through
 * usherVerify, each as a person of its own and each time with the right secret, so that no refusal
 * is waited for; beside them one connection asks nothing, Compares one at a time, or Compares with
 * IN_FLIGHT in flight. Clients and usherd share all processors, as on a small machine. What stands
 * under the logins is measured the same way: the bare scrypt in as many threads, and the bind at
 * the store.
 *
 * usage: bench_login USHERD-SOCKET PEOPLE/ORGANIZATIONS STORE-URI PIN-COST PIN PASSWORD [WINDOW-MS]
 * The first CLIENTS_MAX people have the PIN, where they are at home, and the password.
 */
#include "asking.h"
#include "base/clock.h"
#include "base/err.h"
#include "client/client.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS_MAX 16
#define IN_FLIGHT   64
#define ROUNDS      2
#define WINDOW_MS   400 /* one load and one way of asking, once a round */
#define WARM_UP_US  200000
#define APART_US    20000 /* between the first logins: begun at once they would end at once */
#define DEADLINE_MS 60000

struct worker;

struct load {
    void (*login)(struct worker *worker);
    const char *uri; /* NULL: no connection is needed */
    enum verify_factor factor;
    const char *secret;
    int pin_cost;
    atomic_bool stop;
    pthread_mutex_t lock;
    struct samples *ret_ms; /* what each login took; NULL: nobody counts; under the lock */
};

struct worker {
    pthread_t thread;
    struct load *load;
    struct client *client;
    struct person_name name;
    atomic_bool warm; /* has logged in once */
};

static const size_t clients[] = {0, 2, CLIENTS_MAX};

#define LOADS (sizeof(clients) / sizeof(clients[0]))

enum asks { NOTHING, ALONE, FLIGHT, ASKS };

static const char *const asks_names[ASKS] = {"nothing", "Compare one at a time",
                                             "Compare 64 in flight"};

#define ASKS_WIDTH 21 /* of the longest */

/* What was seen under one load with one way of asking, in all rounds. */
struct cell {
    struct samples login_ms;
    struct samples compare_us;
    double logins_us; /* time that the logins, and the Compares, were counted */
    size_t compares;
};

static void login_verify(struct worker *worker)
{
    const struct load *load = worker->load;
    struct verify_request request = {.user = slice_of(worker->name.uid),
                                     .organization = slice_of(worker->name.organization),
                                     .factor = load->factor,
                                     .secret = slice_of(load->secret),
                                     .service = slice_of("bench")};
    struct verify_response response;
    int rc = client_verify(worker->client, &request, &response);

    if (rc != 0)
        die("login of %s: %s: %s", worker->name.uid, err_text(rc), client_text(worker->client));
}

static void login_bind(struct worker *worker)
{
    int rc =
        client_bind(worker->client, slice_of(worker->name.person), slice_of(worker->load->secret));

    if (rc != 0)
        die("bind of %s at the store: %s", worker->name.person, err_text(rc));
}

static void login_hash(struct worker *worker)
{
    const struct load *load = worker->load;
    unsigned char out[32];
    static const unsigned char salt[16];

    if (EVP_PBE_scrypt(load->secret, strlen(load->secret), salt, sizeof(salt),
                       1ULL << load->pin_cost, 8, 1, 512U << 20, out, sizeof(out)) != 1)
        die("scrypt");
}

static void *worker_run(void *context)
{
    struct worker *worker = context;
    struct load *load = worker->load;

    while (!atomic_load(&load->stop)) {
        double start = now_us();

        if (worker->client != NULL)
            client_deadline(worker->client, clock_monotonic_ms() + DEADLINE_MS);
        load->login(worker);
        atomic_store(&worker->warm, true);
        (void)pthread_mutex_lock(&load->lock);
        if (load->ret_ms != NULL)
            samples_add(load->ret_ms, (now_us() - start) / 1e3);
        (void)pthread_mutex_unlock(&load->lock);
    }
    return NULL;
}

/* Returns when each has logged in once. */
static void load_start(struct load *load, const struct people *people, struct worker *workers,
                       size_t count)
{
    atomic_store(&load->stop, false);
    for (size_t i = 0; i < count; i++) {
        workers[i] = (struct worker){.load = load, .name = person_name(people, i)};
        if (load->uri != NULL &&
            client_open(load->uri, clock_monotonic_ms() + DEADLINE_MS, &workers[i].client) != 0)
            die("cannot connect to %s", load->uri);
        if (pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]) != 0)
            die("cannot make a thread");
        pause_us(APART_US);
    }
    for (size_t i = 0; i < count; i++)
        while (!atomic_load(&workers[i].warm))
            pause_us(1000);
}

static void load_stop(struct load *load, struct worker *workers, size_t count)
{
    atomic_store(&load->stop, true);
    for (size_t i = 0; i < count; i++) {
        (void)pthread_join(workers[i].thread, NULL);
        client_close(workers[i].client);
    }
}

static void load_count(struct load *load, struct samples *ret_ms)
{
    (void)pthread_mutex_lock(&load->lock);
    load->ret_ms = ret_ms;
    (void)pthread_mutex_unlock(&load->lock);
}

static void ask_alone(struct asking *asking, double for_us, struct cell *cell)
{
    double start = now_us(), sent = start, got;

    do {
        asking_send(asking, 1);
        while (asking_receive(asking) == 0)
            ;
        got = now_us();
        samples_add(&cell->compare_us, got - sent);
        cell->compares++;
        sent = got;
    } while (got - start < for_us);
}

/* One window under a load that runs. */
static void cell_fill(struct cell *cell, struct load *load, struct asking *asking, enum asks asks,
                      double for_us)
{
    double start = now_us(), us;

    load_count(load, &cell->login_ms);
    if (asks == NOTHING)
        pause_us((unsigned)for_us);
    else if (asks == ALONE)
        ask_alone(asking, for_us, cell);
    else {
        us = asking_run(asking, IN_FLIGHT, for_us);
        cell->compares += (size_t)((now_us() - start) / us);
    }
    load_count(load, NULL);
    cell->logins_us += now_us() - start;
}

static double per_second(size_t count, double us)
{
    return (double)count * 1e6 / us;
}

static void row_print(struct cell *cell, size_t count, enum asks asks, struct cell *without)
{
    double compares = per_second(cell->compares, cell->logins_us);

    if (count > 0 && cell->login_ms.count > 0)
        printf("%7zu %9.1f/s %8.1f ms %8.1f ms", count,
               per_second(cell->login_ms.count, cell->logins_us), samples_median(&cell->login_ms),
               samples_part(&cell->login_ms, 0.99));
    else
        printf("%7zu %11s %11s %11s", count, "-", "-", "-");
    printf("  %s", asks_names[asks]);
    if (asks != NOTHING)
        printf("%*s %9.0f/s %5.2f", (int)(ASKS_WIDTH - strlen(asks_names[asks])), "", compares,
               compares / per_second(without->compares, without->logins_us));
    if (asks == ALONE)
        printf(" %8.1f us %5.2f %8.1f us %6.2f", samples_median(&cell->compare_us),
               samples_median(&cell->compare_us) / samples_median(&without->compare_us),
               samples_part(&cell->compare_us, 0.99),
               samples_part(&cell->compare_us, 0.99) / samples_part(&without->compare_us, 0.99));
    printf("\n");
}

static void table_print(struct cell cells[LOADS][ASKS])
{
    printf("%7s %11s %11s %11s  %-*s %11s %5s %11s %5s %11s %6s\n", "clients", "logins", "median",
           "p99", ASKS_WIDTH, "meanwhile", "Compares", "ratio", "median", "ratio", "p99", "ratio");
    for (size_t i = 0; i < LOADS; i++)
        for (int asks = clients[i] > 0 ? NOTHING : ALONE; asks < ASKS; asks++)
            row_print(&cells[i][asks], clients[i], asks, &cells[0][asks]);
}

/* Logins a second when nothing else is asked. */
static double load_measure(struct load *load, const struct people *people, size_t count,
                           double for_us)
{
    struct worker workers[CLIENTS_MAX];
    struct cell cell = {0};
    double rate;

    load_start(load, people, workers, count);
    cell_fill(&cell, load, NULL, NOTHING, for_us);
    load_stop(load, workers, count);
    rate = per_second(cell.login_ms.count, cell.logins_us);
    samples_clear(&cell.login_ms);
    return rate;
}

/* Prints the table of one kind of login, and that beside what stands under it. */
static void factor_measure(struct load *load, struct load *floor, const char *floor_name,
                           struct asking *asking, const struct people *people, double window_us)
{
    static struct cell cells[LOADS][ASKS];
    struct worker workers[CLIENTS_MAX];
    double floor_rate, rate;

    memset(cells, 0, sizeof(cells));
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < LOADS; i++) {
            load_start(load, people, workers, clients[i]);
            for (int asks = clients[i] > 0 ? NOTHING : ALONE; asks < ASKS; asks++)
                cell_fill(&cells[i][asks], load, asking, (enum asks)asks, window_us);
            load_stop(load, workers, clients[i]);
        }
    }
    floor_rate = load_measure(floor, people, CLIENTS_MAX, 2 * window_us);
    table_print(cells);
    rate =
        per_second(cells[LOADS - 1][NOTHING].login_ms.count, cells[LOADS - 1][NOTHING].logins_us);
    printf("%s: %.1f/s; %d clients at usherd reach %.2f of it\n", floor_name, floor_rate,
           CLIENTS_MAX, rate / floor_rate);
    for (size_t i = 0; i < LOADS; i++)
        for (int asks = 0; asks < ASKS; asks++) {
            samples_clear(&cells[i][asks].login_ms);
            samples_clear(&cells[i][asks].compare_us);
        }
}

int main(int argc, char **argv)
{
    static struct asking asking = {.name = "usherd"};
    static struct load pin = {
        .login = login_verify, .factor = VERIFY_PIN, .lock = PTHREAD_MUTEX_INITIALIZER};
    static struct load password = {
        .login = login_verify, .factor = VERIFY_PASSWORD, .lock = PTHREAD_MUTEX_INITIALIZER};
    static struct load hash = {.login = login_hash, .lock = PTHREAD_MUTEX_INITIALIZER};
    static struct load bind = {.login = login_bind, .lock = PTHREAD_MUTEX_INITIALIZER};
    struct people people;
    double window_us;

    if (argc < 7) {
        fputs("usage: bench_login USHERD-SOCKET PEOPLE/ORGANIZATIONS STORE-URI PIN-COST PIN "
              "PASSWORD [WINDOW-MS]\n",
              stderr);
        return 2;
    }
    people = people_parse(argv[2]);
    pin.uri = password.uri = argv[1];
    bind.uri = argv[3];
    hash.pin_cost = atoi(argv[4]);
    pin.secret = hash.secret = argv[5];
    password.secret = bind.secret = argv[6];
    window_us = (argc > 7 ? atof(argv[7]) : WINDOW_MS) * 1e3;
    asking.fd = connect_unix(argv[1]);
    asking_usher(&asking, &people);
    (void)asking_run(&asking, IN_FLIGHT, WARM_UP_US);
    printf("PIN, scrypt with N = 2^%d (the default); ratios: to the same without logins\n",
           hash.pin_cost);
    factor_measure(&pin, &hash, "the bare scrypt, as many threads", &asking, &people, window_us);
    printf("password, argon2 at the store as usher-directory sets it up\n");
    factor_measure(&password, &bind, "the bind at the store, as many clients", &asking, &people,
                   window_us);
    asking_clear(&asking);
    return 0;
}
