/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherctl key init: makes the file with the key that seals secrets. Asks no daemon.
 */
#include "base/err.h"
#include "cli/cli.h"
#include "secret/seal.h"

int key_init(struct cli *cli, int argc, char **argv)
{
    int rc = keys_create(argv[0]);

    (void)argc;
    if (rc < 0)
        return cli_error(cli, "%s: %s", argv[0],
                         rc == E_EXISTS ? "the file exists already and is left alone"
                                        : err_text(rc));
    return cli_done(cli, 0, "the key file is made; keep a copy in a safe place");
}
