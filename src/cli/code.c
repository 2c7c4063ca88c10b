/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherctl code: the app that gives a person's one-time codes. enroll shows the QR code and URI
 * that the app reads, or has it mailed; nothing changes until confirm proves that the app has it.
 * recovery prints codes that stand in for it.
 */
#include "base/err.h"
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Draws the QR code; without it the URI below has to do. */
static void code_draw(const struct cli *cli, struct slice uri)
{
    char *text = slice_dup(uri);
    int rc = cli_qr(text);

    if (rc < 0)
        (void)cli_error(cli, "the QR code cannot be drawn: %s", err_text(rc));
    mem_wipe(text, uri.len);
    free(text);
}

int code_enroll(struct cli *cli, int argc, char **argv)
{
    struct enroll_request request = {.user = slice_of(argv[0]),
                                     .step = cli->mail ? ENROLL_MAIL : ENROLL_BEGIN};
    struct enroll_response response;
    int rc;

    (void)argc;
    if (cli->mail && (cli->qr || cli->json))
        return cli_error(cli, "--mail shows nothing here: neither --qr nor --json go with it");
    if (cli_connect(cli) != 0)
        return EXIT_ERROR;
    rc = client_enroll(cli->client, &request, &response);
    if (rc < 0 || cli->mail)
        return cli_done(cli, rc, "the mail with the QR code is queued");
    if (!cli->no_qr && !cli->json && (cli->qr || isatty(STDOUT_FILENO)))
        code_draw(cli, response.uri);
    cli_value(cli, "uri", response.uri);
    return EXIT_YES;
}

int code_confirm(struct cli *cli, int argc, char **argv)
{
    struct enroll_request request = {.user = slice_of(argv[0]), .step = ENROLL_CONFIRM};
    struct enroll_response response;
    struct secret code = {0};
    int rc;

    if (argc > 1)
        request.code = slice_of(argv[1]);
    else if (cli_secret(cli, cli->secret_file, "Code: ", false, &code) != 0)
        return EXIT_ERROR;
    else
        request.code = secret_slice(&code);
    rc = cli_connect(cli);
    if (rc == 0)
        rc = cli_done(cli, client_enroll(cli->client, &request, &response), "the app is confirmed");
    secret_clear(&code);
    return rc;
}

int code_reset(struct cli *cli, int argc, char **argv)
{
    struct enroll_request request = {.user = slice_of(argv[0]), .step = ENROLL_RESET};
    struct enroll_response response;

    (void)argc;
    if (cli_connect(cli) != 0)
        return EXIT_ERROR;
    return cli_done(cli, client_enroll(cli->client, &request, &response), "the app is forgotten");
}

/* In words a code a line; with JSON they are collected in the array. */
static int on_code(void *context, struct slice code)
{
    if (context != NULL)
        return json_array_append_new(context, json_stringn(code.data, code.len)) == 0 ? 0 : E_NOMEM;
    cli_print(code);
    (void)putchar('\n');
    return 0;
}

int code_recovery(struct cli *cli, int argc, char **argv)
{
    struct recovery_request request = {.user = slice_of(argv[0])};
    json_t *codes;
    int rc;

    (void)argc;
    if (cli_connect(cli) != 0)
        return EXIT_ERROR;
    codes = cli->json ? json_array() : NULL;
    rc = client_recovery(cli->client, &request, on_code, codes);
    return cli_list(rc < 0 ? cli_done(cli, rc, "") : EXIT_YES, "codes", codes);
}
