/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Two pauses grow: that of a mail that the server refuses for the moment, and that of the server
 * itself, so that a thousand mails do not knock at a door that is closed. How often a mail was
 * tried is kept in memory alone: after a restart all are tried at once.
 */
#include "server/outbox.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_MS 60000 /* how often the folder is looked at for what an administrator put there */

/* A mail that waits. */
struct waiting {
    char id[LETTER_ID_SIZE]; /* first */
    size_t size;
    int64_t made_ms, until_ms; /* wall clock */
    int64_t next_ms;           /* monotonic: not to be tried before */
    unsigned tries;
    bool done; /* delivered, but the file could not be removed: only that is tried again */
    bool seen; /* by the listing under way */
};

struct outbox {
    struct spool *spool;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* of everything below */
    pthread_cond_t changed;
    struct delivery *delivery; /* in force */
    struct waiting *list;
    size_t count, room, bytes;
    size_t coming; /* mails on their way to the disk: their place, and their bytes, are taken */
    size_t sorted; /* while the folder is looked at: the first so many are in the order of ids */
    size_t dead;   /* files in the folder dead, when it was last looked at */
    uint64_t sent, failed;
    int64_t server_next_ms; /* monotonic: the server is left alone until then */
    unsigned server_tries;
    _Atomic bool stopping;
};

/* The pause after so many tries, a quarter more or less, so that gateways do not march in step. */
static int64_t pause_ms(const struct delivery *delivery, unsigned tries)
{
    int64_t pause = delivery->retry_first_ms;
    uint16_t random = 0;

    for (unsigned i = 1; i < tries && pause < delivery->retry_most_ms; i++)
        pause *= 2;
    if (pause > delivery->retry_most_ms)
        pause = delivery->retry_most_ms;
    (void)RAND_bytes((unsigned char *)&random, sizeof(random));
    return pause - pause / 4 + (pause / 2) * random / UINT16_MAX;
}

static struct waiting *outbox_find(struct outbox *outbox, const char *id)
{
    for (size_t i = 0; i < outbox->count; i++)
        if (strcmp(outbox->list[i].id, id) == 0)
            return &outbox->list[i];
    return NULL;
}

static struct waiting *outbox_add(struct outbox *outbox, const struct spool_item *item)
{
    struct waiting *waiting;

    outbox->list = mem_room(outbox->list, outbox->count, &outbox->room, sizeof(*outbox->list));
    waiting = &outbox->list[outbox->count++];
    *waiting = (struct waiting){.size = item->size,
                                .made_ms = item->made_ms,
                                .until_ms = item->until_ms,
                                .next_ms = clock_monotonic_ms()};
    memcpy(waiting->id, item->id, sizeof(waiting->id));
    outbox->bytes += item->size;
    return waiting;
}

static void outbox_forget(struct outbox *outbox, struct waiting *waiting)
{
    outbox->bytes -= waiting->size;
    *waiting = outbox->list[--outbox->count];
}

/* Of an id and a mail, or of two mails: their ids come first. */
static int by_id(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* With the lock held. What is beyond the bounds stays on disk until there is room. */
static int on_name(void *context, const char *name)
{
    struct outbox *outbox = context;
    struct waiting *waiting = NULL;
    char *bytes = NULL, quoted[LOG_QUOTE_MAX];
    struct spool_item item;
    struct slice message;
    int rc;

    if (outbox->sorted > 0)
        waiting = bsearch(name, outbox->list, outbox->sorted, sizeof(*outbox->list), by_id);
    if (waiting == NULL && outbox->count < outbox->delivery->count_max) {
        rc = spool_read(outbox->spool, name, &item, &bytes, &message);
        spool_bytes_free(bytes);
        if (rc == 0)
            waiting = outbox_add(outbox, &item);
        else if (rc == E_SYNTAX) {
            log_error("the mail queue holds a file that is no mail, now in the folder dead: %s",
                      log_quote(slice_of(name), quoted));
            (void)spool_bury(outbox->spool, name);
        } else if (rc != E_NOTFOUND)
            return rc;
    }
    if (waiting != NULL)
        waiting->seen = true;
    return 0;
}

/* Takes in what lies in the folder and forgets what somebody removed. With the lock held. */
static int outbox_look(struct outbox *outbox)
{
    int rc;

    for (size_t i = 0; i < outbox->count; i++)
        outbox->list[i].seen = false;
    if (outbox->count > 0)
        qsort(outbox->list, outbox->count, sizeof(*outbox->list), by_id);
    outbox->sorted = outbox->count;
    rc = spool_list(outbox->spool, on_name, outbox);
    for (size_t i = 0; rc == 0 && i < outbox->count;)
        if (outbox->list[i].seen)
            i++;
        else
            outbox_forget(outbox, &outbox->list[i]);
    outbox->dead = spool_dead(outbox->spool);
    return rc;
}

/* The mail whose turn it is: the one that has waited longest past its time. */
static struct waiting *outbox_next(struct outbox *outbox)
{
    struct waiting *next = NULL;

    for (size_t i = 0; i < outbox->count; i++)
        if (next == NULL || outbox->list[i].next_ms < next->next_ms)
            next = &outbox->list[i];
    return next;
}

/* Gives a mail up. Off the lock. */
static void outbox_bury(struct outbox *outbox, const struct spool_item *item, const char *why)
{
    char quoted[LOG_QUOTE_MAX];
    int rc =
        item->secret ? spool_drop(outbox->spool, item->id) : spool_bury(outbox->spool, item->id);

    log_error("mail %s (%s) is not delivered, %s: %s", item->id, item->kind,
              item->secret || rc == E_LIMIT ? "and dropped" : "and now in the folder dead",
              log_quote(slice_of(why), quoted));
    if (rc < 0 && rc != E_LIMIT)
        log_error("mail %s stays in the queue: %s", item->id, err_text(rc));
}

/* Hands one mail to the server. E_UNWILLING: it has been given up; E_NOTFOUND: an administrator has
 * removed it. */
static int outbox_deliver(struct outbox *outbox, const struct delivery *delivery, const char *id)
{
    char error[MAIL_ERROR_MAX] = "", *bytes = NULL, quoted[LOG_QUOTE_MAX];
    struct spool_item item;
    struct slice message;
    int rc = spool_read(outbox->spool, id, &item, &bytes, &message);

    if (rc < 0) {
        if (rc != E_NOTFOUND)
            log_error("mail %s cannot be read: %s", id, err_text(rc));
        return rc;
    }
    if (clock_now_ms() >= item.until_ms) {
        outbox_bury(outbox, &item, "its time is over");
        rc = E_UNWILLING;
        goto out;
    }
    if (delivery_mails(delivery))
        rc = mail_deliver(&delivery->queue_server, item.to, message, &outbox->stopping, NULL, error,
                          sizeof(error));
    else {
        rc = E_MAIL;
        (void)snprintf(error, sizeof(error), "there is no mail server (mail.url)");
    }
    if (rc == 0)
        log_info("mail %s (%s) is delivered", id, item.kind);
    else if (rc == E_UNWILLING)
        outbox_bury(outbox, &item, error);
    else if (rc != E_CANCELED)
        log_warning("mail %s (%s) is not delivered yet: %s", id, item.kind,
                    log_quote(slice_of(error), quoted));
out:
    spool_bytes_free(bytes);
    return rc;
}

/* What a try by this delivery means for the mail and for the pauses; nothing for the pauses when
 * another is in force by now. With the lock held. */
static void outbox_settle(struct outbox *outbox, const struct delivery *by, const char *id, int rc,
                          bool done)
{
    struct waiting *waiting = outbox_find(outbox, id);
    int64_t now_ms = clock_monotonic_ms();

    outbox->failed += rc < 0 && rc != E_NOTFOUND ? 1 : 0;
    if (rc == 0 || rc == E_UNWILLING || rc == E_NOTFOUND) {
        outbox->server_tries = 0;
        if (waiting != NULL)
            outbox_forget(outbox, waiting);
        return;
    }
    if (waiting != NULL)
        waiting->done = done;
    if (outbox->delivery != by && !done)
        return;
    if (waiting != NULL)
        waiting->next_ms = now_ms + pause_ms(by, ++waiting->tries);
    if (done || rc == E_BUSY) /* the server is well, and takes others perhaps */
        outbox->server_tries = 0;
    else
        outbox->server_next_ms = now_ms + pause_ms(by, ++outbox->server_tries);
}

/* One try at the mail whose turn it is. With the lock held, which is let go meanwhile. */
static void outbox_try(struct outbox *outbox, const struct waiting *waiting)
{
    char id[LETTER_ID_SIZE];
    bool done = waiting->done, known = done;
    struct delivery *delivery = delivery_share(outbox->delivery);
    int rc = 0;

    memcpy(id, waiting->id, sizeof(id));
    pthread_mutex_unlock(&outbox->lock);
    if (!done)
        rc = outbox_deliver(outbox, delivery, id);
    if (rc == 0) {
        done = true;
        rc = spool_drop(outbox->spool, id);
        if (rc < 0)
            log_error("mail %s is delivered, but its file cannot be removed: %s", id, err_text(rc));
    }
    pthread_mutex_lock(&outbox->lock);
    outbox->sent += done && !known ? 1 : 0;
    if (rc == E_UNWILLING)
        outbox->dead = spool_dead(outbox->spool);
    outbox_settle(outbox, delivery, id, rc, done);
    delivery_release(delivery);
}

static void outbox_wait(struct outbox *outbox, int64_t until_ms)
{
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};

    (void)pthread_cond_timedwait(&outbox->changed, &outbox->lock, &until);
}

static void *outbox_main(void *arg)
{
    struct outbox *outbox = arg;
    int64_t look_ms = clock_monotonic_ms() + LOOK_MS;

    pthread_mutex_lock(&outbox->lock);
    while (!outbox->stopping) {
        struct waiting *next = outbox_next(outbox);
        int64_t now_ms = clock_monotonic_ms(), due_ms = look_ms;

        if (now_ms >= look_ms) {
            (void)outbox_look(outbox);
            look_ms = now_ms + LOOK_MS;
            continue;
        }
        if (next != NULL) {
            int64_t at =
                next->next_ms > outbox->server_next_ms ? next->next_ms : outbox->server_next_ms;
            due_ms = at < look_ms ? at : look_ms;
        }
        if (next == NULL || due_ms > now_ms) {
            outbox_wait(outbox, due_ms);
            continue;
        }
        outbox_try(outbox, next);
    }
    pthread_mutex_unlock(&outbox->lock);
    return NULL;
}

static int outbox_start(struct outbox *outbox)
{
    pthread_condattr_t monotonic;
    sigset_t all, old;

    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&outbox->lock, NULL);
    pthread_cond_init(&outbox->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old); /* signals go to the main thread */
    outbox->started = pthread_create(&outbox->thread, NULL, outbox_main, outbox) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return outbox->started ? 0 : E_NOMEM;
}

int outbox_open(const char *folder, struct delivery *delivery, struct outbox **ret)
{
    struct outbox *outbox = mem_alloc(sizeof(*outbox));
    char error[SPOOL_ERROR_MAX];
    int rc;

    outbox->delivery = delivery_share(delivery);
    rc = spool_open(folder, &outbox->spool, error, sizeof(error));
    if (rc < 0)
        log_error("mail.queue: %s", error);
    if (rc == 0) {
        rc = outbox_look(outbox);
        if (rc == 0)
            rc = outbox_start(outbox);
        if (rc < 0)
            log_error("mail.queue: %s: %s", folder, err_text(rc));
    }
    if (rc == 0 && outbox->count > 0)
        log_info("%zu mails wait in the queue", outbox->count);
    if (rc == 0)
        *ret = outbox;
    else
        outbox_close(outbox);
    return rc;
}

void outbox_close(struct outbox *outbox)
{
    if (outbox == NULL)
        return;
    if (outbox->started) {
        pthread_mutex_lock(&outbox->lock);
        atomic_store(&outbox->stopping, true);
        pthread_cond_signal(&outbox->changed);
        pthread_mutex_unlock(&outbox->lock);
        (void)pthread_join(outbox->thread, NULL);
        pthread_cond_destroy(&outbox->changed);
        pthread_mutex_destroy(&outbox->lock);
    }
    spool_close(outbox->spool);
    delivery_release(outbox->delivery);
    free(outbox->list);
    free(outbox);
}

void outbox_adopt(struct outbox *outbox, struct delivery *delivery)
{
    struct delivery *old;

    pthread_mutex_lock(&outbox->lock);
    old = outbox->delivery;
    outbox->delivery = delivery_share(delivery);
    outbox->server_next_ms = 0;
    outbox->server_tries = 0;
    for (size_t i = 0; i < outbox->count; i++) {
        outbox->list[i].next_ms = clock_monotonic_ms();
        outbox->list[i].tries = 0;
    }
    pthread_cond_signal(&outbox->changed);
    pthread_mutex_unlock(&outbox->lock);
    delivery_release(old);
}

/* By what is in force now. The caller releases it. */
static struct delivery *outbox_delivery(struct outbox *outbox)
{
    struct delivery *delivery;

    pthread_mutex_lock(&outbox->lock);
    delivery = delivery_share(outbox->delivery);
    pthread_mutex_unlock(&outbox->lock);
    return delivery;
}

/* Whether there is room; what is found is taken at once, so that two cannot take the last place. */
static int outbox_reserve(struct outbox *outbox, size_t size)
{
    int rc = E_BUSY;

    pthread_mutex_lock(&outbox->lock);
    if (outbox->count + outbox->coming < outbox->delivery->count_max &&
        outbox->bytes + size <= outbox->delivery->bytes_max) {
        outbox->bytes += size;
        outbox->coming++;
        rc = 0;
    }
    pthread_mutex_unlock(&outbox->lock);
    return rc;
}

int outbox_put(struct outbox *outbox, const char *kind, const struct mail *mail, struct slice png,
               int64_t lifetime_ms, bool secret)
{
    struct spool_item item = {.made_ms = clock_now_ms(), .secret = secret};
    struct delivery *delivery = outbox_delivery(outbox);
    char error[MAIL_ERROR_MAX] = "";
    struct buffer message;
    int rc = letter_id(item.id);

    buffer_init(&message);
    item.until_ms = item.made_ms + lifetime_ms;
    (void)snprintf(item.kind, sizeof(item.kind), "%s", kind);
    (void)snprintf(item.to, sizeof(item.to), "%s", mail->to);
    if (rc == 0)
        rc = mail_compose(&delivery->queue_server, mail, png, item.id, &message, error,
                          sizeof(error));
    if (rc < 0)
        log_error("a mail (%s) cannot be made: %s", kind, error[0] != '\0' ? error : err_text(rc));
    else if ((rc = outbox_reserve(outbox, message.len)) < 0)
        log_error("a mail (%s) is refused: too many wait in the queue", kind);
    else {
        rc = spool_put(outbox->spool, &item, buffer_slice(&message));
        if (rc < 0)
            log_error("a mail (%s) cannot be queued: %s", kind, err_text(rc));
        pthread_mutex_lock(&outbox->lock);
        outbox->bytes -= message.len;
        outbox->coming--;
        if (rc == 0 && outbox_find(outbox, item.id) == NULL) {
            (void)outbox_add(outbox, &item);
            pthread_cond_signal(&outbox->changed);
        }
        pthread_mutex_unlock(&outbox->lock);
    }
    buffer_clear(&message);
    delivery_release(delivery);
    return rc;
}

void outbox_status(struct outbox *outbox, struct outbox_status *ret)
{
    int64_t now_ms = clock_now_ms();

    pthread_mutex_lock(&outbox->lock);
    *ret = (struct outbox_status){.waiting = outbox->count,
                                  .bytes = outbox->bytes,
                                  .dead = outbox->dead,
                                  .sent = outbox->sent,
                                  .failed = outbox->failed};
    for (size_t i = 0; i < outbox->count; i++)
        if (now_ms - outbox->list[i].made_ms > ret->oldest_ms)
            ret->oldest_ms = now_ms - outbox->list[i].made_ms;
    pthread_mutex_unlock(&outbox->lock);
}
