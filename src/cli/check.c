/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherctl check: one question about a permission, put as any LDAP client would, by Compare.
 */
#include "base/err.h"
#include "cli/cli.h"

#include <stdio.h>

static const struct {
    int rc;
    const char *words;
    int status;
} answers[] = {
    {0, "allowed", EXIT_YES},
    {E_DENIED, "denied", EXIT_NO},
    {E_STEPUP, "second factor needed", EXIT_NO},
};

int check_ask(struct cli *cli, int argc, char **argv)
{
    int rc;

    (void)argc;
    if (cli_connect(cli) != 0 || cli_base(cli) != 0)
        return EXIT_ERROR;
    rc = client_check(cli->client, slice_of(cli->base), slice_of(argv[0]), slice_of(argv[1]),
                      slice_of(argv[2]));
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        if (answers[i].rc != rc)
            continue;
        if (cli->json)
            cli_json(json_pack("{s:s}", "answer", answers[i].words));
        else
            (void)printf("%s\n", answers[i].words);
        return answers[i].status;
    }
    (void)cli_done(cli, rc, "");
    return EXIT_ERROR;
}
