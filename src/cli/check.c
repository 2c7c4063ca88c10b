/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherctl check: one question about a permission, put as any LDAP client would, by Compare. In
 * JSON also the number of the step that decided, if the daemon explains itself to us.
 */
#include "cli/cli.h"

#include <stdio.h>

static int on_line(void *context, const struct explain_line *line)
{
    (void)context;
    (void)line;
    return 0;
}

/* The step, or 0 when it cannot be told or the answer has changed meanwhile. */
static int step_of(struct cli *cli, char **argv, int rc)
{
    const struct explain_request request = {
        .organization = slice_of(argv[0]), .user = slice_of(argv[1]), .query = slice_of(argv[2])};
    struct explain_response response;

    if (client_explain(cli->client, &request, on_line, NULL, &response) != 0 ||
        client_result(response.result) != rc)
        return 0;
    return response.step;
}

static void print_json(struct cli *cli, char **argv, int rc, const char *words)
{
    json_t *object = json_pack("{s:s}", "answer", words);
    int step = step_of(cli, argv, rc);

    if (step > 0)
        (void)json_object_set_new(object, "step", json_integer(step));
    cli_json(object);
}

int check_ask(struct cli *cli, int argc, char **argv)
{
    const char *words;
    int rc, status;

    (void)argc;
    if (cli_connect(cli) != 0 || cli_base(cli) != 0)
        return EXIT_ERROR;
    rc = client_check(cli->client, slice_of(cli->base), slice_of(argv[0]), slice_of(argv[1]),
                      slice_of(argv[2]));
    words = cli_answer(rc, &status);
    if (words == NULL)
        return cli_fail(cli, rc);
    if (cli->json)
        print_json(cli, argv, rc, words);
    else
        (void)printf("%s\n", words);
    return status;
}
