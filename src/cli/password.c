/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherctl password: a new password for a person, by Password Modify (RFC 3062); a forgotten one by
 * a mailed token; and passwords for applications, which the gateway makes.
 */
#include "base/err.h"
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
        request.new_password = secret_slice(&password);
        rc = cli_done(cli, client_password_modify(cli->client, &request), "the password is set");
    }
    secret_clear(&password);
    return rc;
}

int password_forgotten(struct cli *cli, int argc, char **argv)
{
    struct invite_request request = {.user = slice_of(argv[0]), .kind = INVITE_FORGOTTEN};

    (void)argc;
    if (cli_connect(cli) != 0)
        return EXIT_ERROR;
    return cli_done(cli, client_invite(cli->client, &request), "the mail is on its way");
}

/* The language of the terminal, for texts: "da" of da_DK.UTF-8. */
static struct slice language_here(void)
{
    struct slice text = slice_of(getenv("LANG"));

    if (text.len > 0)
        text.len = strcspn(text.data, "_.@");
    return text.len == 2 ? text : (struct slice){0};
}

int password_redeem(struct cli *cli, int argc, char **argv)
{
    struct secret token = {0}, password = {0};
    struct redeem_response response;
    struct redeem_request request;
    int rc;

    (void)argc;
    (void)argv;
    if (cli->uri == NULL)
        cli->uri = USHER_RUNDIR "/ldapi"; /* for anybody */
    rc = cli_secret(cli, NULL, "Token from the mail: ", false, &token);
    if (rc == 0)
        rc = cli_secret(cli, cli->secret_file, "New password: ", true, &password);
    if (rc == 0)
        rc = cli_connect(cli);
    if (rc == 0) {
        request = (struct redeem_request){.token = {token.data, token.len},
                                          .new_password = {password.data, password.len},
                                          .language = language_here()};
        rc = cli_done(cli, client_redeem(cli->client, &request, &response), "the password is set");
    }
    secret_clear(&token);
    secret_clear(&password);
    return rc;
}

static json_t *line_json(const struct app_password_line *line)
{
    return json_pack("{s:s%,s:s%,s:s%,s:s%,s:s%}", "id", line->id.data, line->id.len,
                     "organization", line->organization.data, line->organization.len, "service",
                     line->service.data, line->service.len, "label", line->label.data,
                     line->label.len, "created", line->created.data, line->created.len);
}

/* In words a line each; with JSON they are collected in the array. */
static int on_line(void *context, const struct app_password_line *line)
{
    const struct slice words[] = {line->id, line->created, line->organization, line->service};

    if (context != NULL)
        return json_array_append_new(context, line_json(line)) == 0 ? 0 : E_NOMEM;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        cli_print(words[i]);
        (void)printf("  ");
    }
    cli_print(line->label);
    (void)putchar('\n');
    return 0;
}

static int on_nothing(void *context, const struct app_password_line *line)
{
    (void)context;
    (void)line;
    return 0;
}

int password_app_create(struct cli *cli, int argc, char **argv)
{
    struct app_password_request request = {.user = slice_of(argv[0]),
                                           .action = APP_CREATE,
                                           .organization = slice_of(argv[1]),
                                           .service = slice_of(argv[2]),
                                           .label = slice_of(argv[3])};
    struct app_password_response response;
    int rc;

    (void)argc;
    if (cli_connect(cli) != 0)
        return EXIT_ERROR;
    rc = client_app_password(cli->client, &request, on_nothing, NULL, &response);
    if (rc < 0)
        return cli_done(cli, rc, "");
    cli_value(cli, "password", response.password);
    return EXIT_YES;
}

int password_app_list(struct cli *cli, int argc, char **argv)
{
    struct app_password_request request = {.user = slice_of(argv[0]), .action = APP_LIST};
    struct app_password_response response;
    json_t *lines;
    int rc;

    (void)argc;
    if (cli_connect(cli) != 0)
        return EXIT_ERROR;
    lines = cli->json ? json_array() : NULL;
    rc = client_app_password(cli->client, &request, on_line, lines, &response);
    return cli_list(rc < 0 ? cli_done(cli, rc, "") : EXIT_YES, "passwords", lines);
}

int password_app_revoke(struct cli *cli, int argc, char **argv)
{
    struct app_password_request request = {
        .user = slice_of(argv[0]), .action = APP_REVOKE, .id = slice_of(argv[1])};
    struct app_password_response response;

    (void)argc;
    if (cli_connect(cli) != 0)
        return EXIT_ERROR;
    return cli_done(cli, client_app_password(cli->client, &request, on_nothing, NULL, &response),
                    "the application password is revoked");
}
