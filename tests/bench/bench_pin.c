/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A login through libpam: pam_start, authenticate, account, end, with pam_usher_pin and with
 * pam_permit as the floor, turn about. Each round loads the modules anew, as a login program does.
 *
 * TARGET-MS is what may come on top of pam_permit; 0: there is no target.
 * usage: bench_pin MODULE USHERD-SOCKET ORGANIZATION USER PIN LABEL TARGET-MS [ROUNDS]
 */
#include "measure.h"

#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUNDS 200

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
static double login(const char *folder, const char *service, const char *user, char *pin)
{
    struct pam_conv conv = {on_prompt, pin};
    double start = now_us();
    pam_handle_t *pamh = NULL;
    int rc = pam_start_confdir(service, user, &conv, folder, &pamh);

    if (rc == PAM_SUCCESS)
        rc = pam_authenticate(pamh, 0);
    if (rc == PAM_SUCCESS)
        rc = pam_acct_mgmt(pamh, 0);
    if (rc != PAM_SUCCESS)
        die("%s: the login failed: %s", service, pam_strerror(pamh, rc));
    (void)pam_end(pamh, rc);
    return (now_us() - start) / 1e3;
}

static void service_write(const char *folder, const char *name, const char *module)
{
    char path[256];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "we");
    if (file == NULL ||
        fprintf(file, "auth required %s\naccount required %s\n", module, module) < 0 ||
        fclose(file) != 0)
        die("cannot write %s", path);
}

static void service_remove(const char *folder, const char *name)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    (void)unlink(path);
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/usher-bench-XXXXXX", module[1024];
    struct samples pin_ms = {0}, permit_ms = {0};
    int rounds = argc > 8 ? atoi(argv[8]) : ROUNDS;
    double above, target;

    if (argc < 8) {
        fputs("usage: bench_pin MODULE USHERD-SOCKET ORGANIZATION USER PIN LABEL TARGET-MS "
              "[ROUNDS]\n",
              stderr);
        return 2;
    }
    target = atof(argv[7]);
    if (mkdtemp(folder) == NULL)
        die("mkdtemp");
    (void)snprintf(module, sizeof(module), "%s socket=%s org=%s", argv[1], argv[2], argv[3]);
    service_write(folder, "pin", module);
    service_write(folder, "permit", "pam_permit.so");
    for (int i = -3; i < rounds; i++) { /* the first to warm up */
        double permit = login(folder, "permit", argv[4], argv[5]);
        double pin = login(folder, "pin", argv[4], argv[5]);

        if (i < 0)
            continue;
        samples_add(&permit_ms, permit);
        samples_add(&pin_ms, pin);
    }
    service_remove(folder, "pin");
    service_remove(folder, "permit");
    (void)rmdir(folder);
    above = samples_median(&pin_ms) - samples_median(&permit_ms);
    printf("PIN login through libpam, %s: ", argv[6]);
    samples_print(&pin_ms, 1, "ms");
    printf("\n  pam_permit (floor): ");
    samples_print(&permit_ms, 1, "ms");
    printf("\n  above pam_permit: %.2f ms", above);
    if (target > 0)
        printf(" (target: at most %.0f ms): %s", target, above <= target ? "met" : "missed");
    printf("\n");
    samples_clear(&pin_ms);
    samples_clear(&permit_ms);
    return 0;
}
