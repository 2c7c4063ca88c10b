/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A login through libpam: pam_start, authenticate, account, end, with pam_permit as the floor, with
 * pam_usher_pin, and with the modules of others, turn about. Each round loads the modules anew, as
 * a login program does. The secret is the same for all; where it is kept and how it is hashed there
 * is the caller's business, who says it in the name.
 *
 * TARGET-MS is what the first may take on top of pam_permit; 0: there is no target.
 * usage: bench_pin FOLDER USER SECRET ROUNDS TARGET-MS NAME=MODULE [NAME=MODULE]...
 * FOLDER takes the PAM service files, and is the caller's to remove. MODULE is what stands behind
 * "required" in a PAM service file.
 */
#include "measure.h"

#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUBJECTS_MAX 8

/* One module, and the service that is made for it. */
struct subject {
    const char *name;
    const char *module;
    char service[32];
    struct samples ms;
};

static int on_prompt(int count, const struct pam_message **messages, struct pam_response **ret,
                     void *pin)
{
    struct pam_response *answers = calloc((size_t)count, sizeof(*answers));

    if (answers == NULL)
        return PAM_CONV_ERR;
    for (int i = 0; i < count; i++)
        if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF)
            answers[i].resp = strdup(pin);
    *ret = answers;
    return PAM_SUCCESS;
}

/* One login, in ms. */
static double login(const char *folder, const struct subject *subject, const char *user, char *pin)
{
    struct pam_conv conv = {on_prompt, pin};
    double start = now_us();
    pam_handle_t *pamh = NULL;
    int rc = pam_start_confdir(subject->service, user, &conv, folder, &pamh);

    if (rc == PAM_SUCCESS)
        rc = pam_authenticate(pamh, 0);
    if (rc == PAM_SUCCESS)
        rc = pam_acct_mgmt(pamh, 0);
    if (rc != PAM_SUCCESS)
        die("%s: the login failed: %s", subject->name, pam_strerror(pamh, rc));
    (void)pam_end(pamh, rc);
    return (now_us() - start) / 1e3;
}

static void service_write(const char *folder, const struct subject *subject)
{
    char path[256];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, subject->service);
    file = fopen(path, "we");
    if (file == NULL ||
        fprintf(file, "auth required %s\naccount required %s\n", subject->module, subject->module) <
            0 ||
        fclose(file) != 0)
        die("cannot write %s", path);
}

static void subject_print(struct subject *subject, struct subject *floor, struct subject *first,
                          double target_ms)
{
    double above = samples_median(&subject->ms) - samples_median(&floor->ms);

    printf("%-42s ", subject->name);
    samples_print(&subject->ms, 1, "ms");
    printf("\n");
    if (subject == floor)
        return;
    printf("  above pam_permit: %.2f ms", above);
    if (subject != first)
        printf("; the first is at %.2f of it",
               (samples_median(&first->ms) - samples_median(&floor->ms)) / above);
    else if (target_ms > 0)
        printf(" (target: at most %.0f ms): %s", target_ms, above <= target_ms ? "met" : "missed");
    printf("\n");
}

/* From NAME=MODULE, which it cuts in two. */
static void subject_parse(struct subject *subject, char *text)
{
    char *equals = strchr(text, '=');

    if (equals == NULL)
        die("%s is not NAME=MODULE", text);
    *equals = '\0';
    subject->name = text;
    subject->module = equals + 1;
}

int main(int argc, char **argv)
{
    struct subject subjects[1 + SUBJECTS_MAX] = {
        {.name = "pam_permit (floor)", .module = "pam_permit.so"}};
    const char *folder = argv[1];
    int count = 1, rounds;

    if (argc < 7 || argc > 6 + SUBJECTS_MAX) {
        fputs("usage: bench_pin FOLDER USER SECRET ROUNDS TARGET-MS NAME=MODULE [NAME=MODULE]...\n",
              stderr);
        return 2;
    }
    rounds = atoi(argv[4]);
    for (int i = 6; i < argc; i++)
        subject_parse(&subjects[count++], argv[i]);
    for (int i = 0; i < count; i++) {
        (void)snprintf(subjects[i].service, sizeof(subjects[i].service), "bench-%d", i);
        service_write(folder, &subjects[i]);
    }
    for (int round = -3; round < rounds; round++) /* the first to warm up */
        for (int i = 0; i < count; i++) {
            double ms = login(folder, &subjects[i], argv[2], argv[3]);

            if (round >= 0)
                samples_add(&subjects[i].ms, ms);
        }
    for (int i = 0; i < count; i++)
        subject_print(&subjects[i], &subjects[0], &subjects[1], atof(argv[5]));
    for (int i = 0; i < count; i++)
        samples_clear(&subjects[i].ms);
    return 0;
}
