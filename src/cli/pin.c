/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherctl pin: the PIN that a person has in one organization.
 */
#include "cli/cli.h"

int pin_set(struct cli *cli, int argc, char **argv)
{
    struct set_pin_request request = {.organization = slice_of(argv[0]), .user = slice_of(argv[1])};
    struct secret pin = {0};
    int rc;

    (void)argc;
    if (cli_secret(cli, cli->secret_file, "New PIN: ", true, &pin) != 0)
        return EXIT_ERROR;
    rc = cli_connect(cli);
    if (rc == 0) {
        request.new_pin = secret_slice(&pin);
        rc = cli_done(cli, client_set_pin(cli->client, &request), "the PIN is set");
    }
    secret_clear(&pin);
    return rc;
}

int pin_remove(struct cli *cli, int argc, char **argv)
{
    struct set_pin_request request = {.organization = slice_of(argv[0]), .user = slice_of(argv[1])};

    (void)argc;
    if (cli_connect(cli) != 0)
        return EXIT_ERROR;
    return cli_done(cli, client_set_pin(cli->client, &request), "the PIN is removed");
}
