/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Many people log in at the same moment, each on a thread of its own, through the real libpam:
 * pin_logins FOLDER SERVICE, with "user secret" lines on standard input. Prints "user auth account
 * us" for each: what pam_authenticate and then pam_acct_mgmt said, and how long both took together.
 * The threads wait for each other before they begin.
 */
#include <pthread.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PEOPLE_MAX 256
#define WORD_MAX   64

struct person {
    char user[WORD_MAX], secret[WORD_MAX];
    int authenticated, account;
    long us;
    pthread_t thread;
};

static const char *folder, *service;
static pthread_barrier_t start;

/* Answers each prompt with the person's secret. */
static int on_prompt(int count, const struct pam_message **messages, struct pam_response **ret,
                     void *context)
{
    const struct person *person = context;
    struct pam_response *answers = calloc((size_t)count, sizeof(*answers));

    if (answers == NULL)
        return PAM_BUF_ERR;
    for (int i = 0; i < count; i++)
        if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF)
            answers[i].resp = strdup(person->secret);
    *ret = answers;
    return PAM_SUCCESS;
}

static void *person_main(void *context)
{
    struct person *person = context;
    struct pam_conv conversation = {on_prompt, person};
    struct timespec from, until;
    pam_handle_t *pamh = NULL;
    int rc = pam_start_confdir(service, person->user, &conversation, folder, &pamh);

    (void)pthread_barrier_wait(&start);
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    if (rc == PAM_SUCCESS)
        rc = pam_authenticate(pamh, 0);
    person->authenticated = rc;
    person->account = rc == PAM_SUCCESS ? pam_acct_mgmt(pamh, 0) : rc;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    person->us = (until.tv_sec - from.tv_sec) * 1000000 + (until.tv_nsec - from.tv_nsec) / 1000;
    if (pamh != NULL)
        (void)pam_end(pamh, person->account);
    return NULL;
}

int main(int argc, char **argv)
{
    static struct person people[PEOPLE_MAX];
    unsigned count = 0;

    if (argc != 3) {
        fprintf(stderr, "usage: pin_logins FOLDER SERVICE\n");
        return 2;
    }
    folder = argv[1];
    service = argv[2];
    while (count < PEOPLE_MAX && scanf("%63s %63s", people[count].user, people[count].secret) == 2)
        count++;
    if (count == 0 || pthread_barrier_init(&start, NULL, count) != 0)
        return 2;
    for (unsigned i = 0; i < count; i++)
        if (pthread_create(&people[i].thread, NULL, person_main, &people[i]) != 0)
            return 2;
    for (unsigned i = 0; i < count; i++)
        (void)pthread_join(people[i].thread, NULL);
    for (unsigned i = 0; i < count; i++)
        printf("%s %d %d %ld\n", people[i].user, people[i].authenticated, people[i].account,
               people[i].us);
    (void)pthread_barrier_destroy(&start);
    return 0;
}
