/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherctl unlock: forgets a person's failed logins; with an organization, those of its PIN.
 */
#include "cli/cli.h"

int unlock_person(struct cli *cli, int argc, char **argv)
{
    struct unlock_request request = {.user = slice_of(argv[0]),
                                     .organization = slice_of(argc > 1 ? argv[1] : NULL)};

    if (cli_connect(cli) != 0)
        return EXIT_ERROR;
    return cli_done(cli, client_unlock(cli->client, &request), "unlocked");
}
