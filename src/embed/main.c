/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usher-directory: prepares and runs the private slapd in which usher keeps its facts. It knows no
 * LDAP operation and starts nothing but slapd and slapadd. usher-directory(8) is its specification.
 */
#include "embed/init.h"
#include "embed/run.h"
#include "base/mem.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_REFUSED 1
#define EXIT_USAGE   2
#define LOADS_MAX    256

static const struct option options[] = {{"directory", required_argument, NULL, 'd'},
                                        {"base", required_argument, NULL, 'b'},
                                        {"load", required_argument, NULL, 'l'},
                                        {"schema", required_argument, NULL, 's'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};

static const char usage[] =
    "usage: usher-directory init --directory DIR --base DN [--load FILE.ldif]... [--schema FILE]\n"
    "       usher-directory run --directory DIR\n";

static int verb_init(const struct init *init)
{
    if (init->directory == NULL || init->base == NULL) {
        warnx("init: expected --directory DIR and --base DN");
        return EXIT_USAGE;
    }
    return init_run(init) == 0 ? EXIT_SUCCESS : EXIT_REFUSED;
}

static int verb_run(const struct init *init)
{
    if (init->directory == NULL || init->base != NULL || init->schema != NULL ||
        init->load_count > 0) {
        warnx("run: expected --directory DIR and nothing else");
        return EXIT_USAGE;
    }
    return run_slapd(init->directory) == 0 ? EXIT_SUCCESS : EXIT_REFUSED;
}

static const struct {
    const char *name;
    int (*run)(const struct init *init);
} verbs[] = {{"init", verb_init}, {"run", verb_run}};

/* E: an exit status, or 0 to go on. */
static int options_read(int argc, char **argv, struct init *init)
{
    int letter;

    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1)
        switch (letter) {
        case 'd':
            init->directory = optarg;
            break;
        case 'b':
            init->base = optarg;
            break;
        case 's':
            init->schema = optarg;
            break;
        case 'l':
            if (init->load_count == LOADS_MAX) {
                warnx("--load: at most %d files", LOADS_MAX);
                return EXIT_USAGE;
            }
            init->loads[init->load_count++] = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(EXIT_SUCCESS);
        default:
            fputs(usage, stderr);
            return EXIT_USAGE;
        }
    return 0;
}

int main(int argc, char **argv)
{
    static char *loads[LOADS_MAX];
    struct init init = {.loads = loads};
    int status = options_read(argc, argv, &init);

    if (status != 0)
        return status;
    for (size_t i = 0; optind == argc - 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(argv[optind], verbs[i].name) == 0)
            return verbs[i].run(&init);
    fputs(usage, stderr);
    return EXIT_USAGE;
}
