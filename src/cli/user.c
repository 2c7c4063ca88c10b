/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherctl user: invites a person by mail; ends a person's sessions everywhere.
 */
#include "cli/cli.h"

int user_invite(struct cli *cli, int argc, char **argv)
{
    struct invite_request request = {.user = slice_of(argv[0]), .kind = INVITE_ACTIVATION};

    (void)argc;
    if (cli_connect(cli) != 0)
        return EXIT_ERROR;
    return cli_done(cli, client_invite(cli->client, &request), "the invitation is on its way");
}

int user_logout(struct cli *cli, int argc, char **argv)
{
    struct logout_request request = {.user = slice_of(argv[0])};

    (void)argc;
    if (cli_connect(cli) != 0)
        return EXIT_ERROR;
    return cli_done(cli, client_logout(cli->client, &request), "logged out everywhere");
}
