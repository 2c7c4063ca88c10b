/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherctl password set: a new password for a person, by Password Modify (RFC 3062).
 */
#include "cli/cli.h"

int password_set(struct cli *cli, int argc, char **argv)
{
    struct password_modify_request request = {.user = slice_of(argv[0])};
    struct secret password = {0};
    int rc;

    (void)argc;
    if (cli_secret(cli, cli->secret_file, "New password: ", true, &password) != 0)
        return EXIT_ERROR;
    rc = cli_connect(cli);
    if (rc == 0) {
        request.new_password = (struct slice){password.data, password.len};
        rc = cli_done(cli, client_password_modify(cli->client, &request), "the password is set");
    }
    secret_clear(&password);
    return rc;
}
