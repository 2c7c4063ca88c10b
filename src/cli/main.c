/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherctl: the command line of usher, a plain LDAP client of usherd. This file finds the verb in
 * its table and reads the options; each noun has a file. usherctl(1).
 */
#include "cli/cli.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIMEOUT_S     30
#define TIMEOUT_MAX_S 3600

static int help_show(struct cli *cli, int argc, char **argv);
static int version_show(struct cli *cli, int argc, char **argv);

static const struct verb {
    const char *noun;
    const char *verb; /* NULL: the noun says it all */
    const char *arguments;
    int min, max; /* how many arguments */
    int (*run)(struct cli *cli, int argc, char **argv);
    const char *help;
} verbs[] = {
    {"status", NULL, "", 0, 0, status_show, "what the daemon says about itself"},
    {"check", NULL, "ORG USER QUERY", 3, 3, check_ask, "may that person do that, there?"},
    {"explain", NULL, "ORG USER QUERY", 3, 3, explain_ask,
     "the same, with every step and who says so"},
    {"who", NULL, "ORG QUERY", 2, 2, who_list, "the members who may do that, there"},
    {"permission", "list", "", 0, 0, permission_list, "the catalogue"},
    {"doctor", NULL, "", 0, 0, doctor_examine, "every defect of the data"},
    {"pin", "set", "ORG USER", 2, 2, pin_set, "set a person's PIN in an organization"},
    {"pin", "remove", "ORG USER", 2, 2, pin_remove, "remove it"},
    {"code", "enroll", "USER", 1, 1, code_enroll,
     "begin: the QR code and URI for the person's app"},
    {"code", "confirm", "USER [CODE]", 1, 2, code_confirm, "end: the first code of the app"},
    {"code", "recovery", "USER", 1, 1, code_recovery, "print ten fresh recovery codes"},
    {"code", "reset", "USER", 1, 1, code_reset, "forget the person's app"},
    {"password", "set", "USER", 1, 1, password_set, "set a person's password"},
    {"password", "app-create", "USER ORG SERVICE LABEL", 4, 4, password_app_create,
     "make a password for a program, without second factor"},
    {"password", "app-list", "USER", 1, 1, password_app_list,
     "the person's, with what they are for"},
    {"password", "app-revoke", "USER ID", 2, 2, password_app_revoke, "end one of them"},
    {"password", "forgotten", "USER", 1, 1, password_forgotten,
     "mail the person a token for a new password"},
    {"password", "redeem", "", 0, 0, password_redeem, "set one's password with a mailed token"},
    {"user", "invite", "USER", 1, 1, user_invite, "mail the person a token for a first password"},
    {"user", "logout", "USER", 1, 1, user_logout, "end a person's sessions everywhere"},
    {"unlock", NULL, "USER [ORG]", 1, 2, unlock_person, "forget failed logins"},
    {"key", "init", "FILE", 1, 1, key_init, "make a key file for usherd"},
    {"key", "rotate", "FILE", 1, 1, key_rotate, "a new key in the place of the old one, all steps"},
    {"key", "add", "FILE", 1, 1, key_add, "the first of them: a key that is to seal next"},
    {"key", "use", "FILE", 1, 1, key_use, "the second of them: it seals from now on"},
    {"version", NULL, "", 0, 0, version_show, "print the version"},
    {"help", NULL, "", 0, 0, help_show, "print this"},
};

enum { OPTION_SECRET_FILE = 256, OPTION_QR, OPTION_NO_QR, OPTION_MAIL };

static const struct option long_options[] = {
    {"uri", required_argument, NULL, 'H'},
    {"socket", required_argument, NULL, 's'},
    {"bind-dn", required_argument, NULL, 'D'},
    {"bind-password-file", required_argument, NULL, 'y'},
    {"timeout", required_argument, NULL, 't'},
    {"pin-file", required_argument, NULL, OPTION_SECRET_FILE},
    {"password-file", required_argument, NULL, OPTION_SECRET_FILE},
    {"code-file", required_argument, NULL, OPTION_SECRET_FILE},
    {"qr", no_argument, NULL, OPTION_QR},
    {"no-qr", no_argument, NULL, OPTION_NO_QR},
    {"mail", no_argument, NULL, OPTION_MAIL},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static void usage(FILE *out)
{
    (void)fputs("usage: usherctl [options] NOUN [VERB] ...\n\n", out);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        const struct verb *verb = &verbs[i];
        int used = fprintf(out, "  %s %s%s%s", verb->noun, verb->verb != NULL ? verb->verb : "",
                           verb->verb != NULL ? " " : "", verb->arguments);

        (void)fprintf(out, "%*s%s\n", used < 30 ? 30 - used : 1, "", verb->help);
    }
    (void)fputs("\n  -H, --uri URI             ldapi://%2Fpath or ldap://127.0.0.1:PORT\n"
                "  -s, --socket PATH         default: " USHER_RUNDIR "/admin/ldapi;\n"
                "                            password redeem: " USHER_RUNDIR "/ldapi\n"
                "  -D, --bind-dn DN          bind with a password instead of as the socket's peer\n"
                "  -y, --bind-password-file FILE\n"
                "      --pin-file, --password-file, --code-file FILE   \"-\": standard input\n"
                "      --qr, --no-qr, --mail   code enroll: draw the QR code; do not; mail it\n"
                "  -t, --timeout SECONDS     default: 30\n"
                "  -j, --json                answer in JSON\n"
                "Exit status: 0 yes or done, 1 no, 2 error. See usherctl(1).\n",
                out);
}

static int help_show(struct cli *cli, int argc, char **argv)
{
    (void)cli;
    (void)argc;
    (void)argv;
    usage(stdout);
    return EXIT_YES;
}

static int version_show(struct cli *cli, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    if (cli->json)
        cli_json(json_pack("{s:s}", "version", PACKAGE_VERSION));
    else
        (void)printf("usherctl %s\n", PACKAGE_VERSION);
    return EXIT_YES;
}

static int timeout_read(const char *text, int64_t *ret)
{
    char *end;
    long seconds = strtol(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || seconds < 1 || seconds > TIMEOUT_MAX_S)
        return -1;
    *ret = seconds;
    return 0;
}

/* A path as it may be typed, relative to the working folder, made absolute. */
static const char *socket_path(const char *path)
{
    static char absolute[PATH_MAX + 128];
    char folder[PATH_MAX];

    if (path[0] == '/' || strchr(path, ':') != NULL || getcwd(folder, sizeof(folder)) == NULL)
        return path;
    (void)snprintf(absolute, sizeof(absolute), "%s/%s", folder, path);
    return absolute;
}

/* The words that are no options stand at argv[optind] afterwards. *ret_verb: an option that is a
 * verb, or NULL. */
static int options_read(struct cli *cli, int argc, char **argv, const char **ret_verb)
{
    int option;

    while ((option = getopt_long(argc, argv, "H:s:D:y:t:jhV", long_options, NULL)) != -1) {
        switch (option) {
        case 'H':
        case 's':
            cli->uri = socket_path(optarg);
            break;
        case 'D':
            cli->bind_dn = optarg;
            break;
        case 'y':
            cli->bind_password_file = optarg;
            break;
        case 't':
            if (timeout_read(optarg, &cli->timeout_s) < 0)
                return cli_error(cli, "--timeout wants 1 to %d seconds", TIMEOUT_MAX_S);
            break;
        case OPTION_SECRET_FILE:
            cli->secret_file = optarg;
            break;
        case OPTION_QR:
            cli->qr = true;
            break;
        case OPTION_NO_QR:
            cli->no_qr = true;
            break;
        case OPTION_MAIL:
            cli->mail = true;
            break;
        case 'j':
            cli->json = true;
            break;
        case 'h':
            *ret_verb = "help";
            break;
        case 'V':
            *ret_verb = "version";
            break;
        default: /* getopt has said what is wrong */
            return EXIT_ERROR;
        }
    }
    return 0;
}

static int verb_run(struct cli *cli, int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        const struct verb *verb = &verbs[i];
        int words = verb->verb != NULL ? 2 : 1;

        if (argc < words || strcmp(argv[0], verb->noun) != 0 ||
            (words == 2 && strcmp(argv[1], verb->verb) != 0))
            continue;
        if (argc - words < verb->min || argc - words > verb->max)
            return cli_error(cli, "usage: usherctl %s %s%s%s", verb->noun,
                             words == 2 ? verb->verb : "", words == 2 ? " " : "", verb->arguments);
        return verb->run(cli, argc - words, argv + words);
    }
    return cli_error(cli, "no such command; usherctl help lists them");
}

int main(int argc, char **argv)
{
    struct cli cli = {.timeout_s = TIMEOUT_S};
    const char *verb = NULL;
    int status = options_read(&cli, argc, argv, &verb);

    if (status == 0 && verb != NULL)
        status = verb_run(&cli, 1, (char *[]){(char *)verb, NULL});
    else if (status == 0 && optind == argc) {
        usage(stderr);
        status = EXIT_ERROR;
    } else if (status == 0)
        status = verb_run(&cli, argc - optind, argv + optind);
    client_close(cli.client);
    if (fflush(stdout) != 0 && status == EXIT_YES)
        status = EXIT_ERROR;
    return status;
}
