/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/cli.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cli_error(const struct cli *cli, const char *format, ...)
{
    va_list args;
    char *text = NULL;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    if (cli->json)
        cli_json(json_pack("{s:s}", "error", text != NULL ? text : "out of memory"));
    else
        (void)fprintf(stderr, "usherctl: %s\n", text != NULL ? text : "out of memory");
    free(text);
    return EXIT_ERROR;
}

void cli_json(json_t *object)
{
    if (object == NULL || json_dumpf(object, stdout, JSON_PRESERVE_ORDER | JSON_INDENT(2)) < 0)
        (void)fputs("{}", stdout);
    (void)fputc('\n', stdout);
    json_decref(object);
}

int cli_fail(const struct cli *cli, int rc)
{
    if (cli->client == NULL || client_code(cli->client) < 0) {
        if (cli->client == NULL && (rc == E_SYNTAX || rc == E_LIMIT))
            return cli_error(cli, "%s: no address", cli->uri);
        if (rc == E_UNAVAIL)
            return cli_error(cli, "nobody answers at %s", cli->uri);
        return cli_error(cli, "%s: %s", cli->uri, err_text(rc));
    }
    if (client_text(cli->client)[0] != '\0')
        return cli_error(cli, "%s", client_text(cli->client));
    return cli_error(cli, "%s (LDAP result %d)", err_text(rc), client_code(cli->client));
}

int cli_done(struct cli *cli, int rc, const char *done)
{
    if (rc < 0) {
        (void)cli_fail(cli, rc);
        return rc == E_AUTH ? EXIT_NO : EXIT_ERROR;
    }
    if (cli->json)
        cli_json(json_pack("{s:s}", "done", done));
    else
        (void)printf("%s\n", done);
    return EXIT_YES;
}

void cli_value(const struct cli *cli, const char *key, struct slice value)
{
    if (cli->json)
        cli_json(json_pack("{s:s%}", key, value.len > 0 ? value.data : "", value.len));
    else
        (void)printf("%.*s\n", SLICE_ARG(value));
}

int cli_list(int status, const char *key, json_t *list)
{
    if (status != EXIT_YES)
        json_decref(list);
    else if (list != NULL)
        cli_json(json_pack("{s:o}", key, list));
    return status;
}

static int cli_bind(struct cli *cli)
{
    struct secret password = {0};
    int rc;

    if (cli->bind_dn == NULL)
        return strncmp(cli->uri, "ldap:", 5) == 0 ? 0 : client_bind_external(cli->client);
    if (cli_secret(cli, cli->bind_password_file, "Password to bind with: ", false, &password) != 0)
        return E_AGAIN; /* said already */
    client_deadline(cli->client, clock_monotonic_ms() + cli->timeout_s * 1000);
    rc = client_bind(cli->client, slice_of(cli->bind_dn), secret_slice(&password));
    secret_clear(&password);
    return rc;
}

int cli_connect(struct cli *cli)
{
    int rc;

    if (cli->uri == NULL)
        cli->uri = USHER_RUNDIR "/admin/ldapi";
    rc = client_open(cli->uri, clock_monotonic_ms() + cli->timeout_s * 1000, &cli->client);

    if (rc == 0)
        rc = cli_bind(cli);
    if (rc == E_AGAIN)
        return EXIT_ERROR;
    return rc < 0 ? cli_fail(cli, rc) : 0;
}

int cli_base(struct cli *cli)
{
    int rc = client_base(cli->client, cli->base, sizeof(cli->base));

    if (rc == E_NOTFOUND)
        return cli_error(cli, "%s names no base DN", cli->uri);
    return rc < 0 ? cli_fail(cli, rc) : 0;
}

const char *cli_answer(int rc, int *ret_status)
{
    static const struct {
        int rc;
        const char *words;
        int status;
    } answers[] = {
        {0, "allowed", EXIT_YES},
        {E_DENIED, "denied", EXIT_NO},
        {E_STEPUP, "second factor needed", EXIT_NO},
    };

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        if (answers[i].rc == rc) {
            *ret_status = answers[i].status;
            return answers[i].words;
        }
    return NULL;
}

void cli_print(struct slice text)
{
    while (text.len > 0) {
        size_t len = utf8_plain(text), taken = len > 0 ? len : 1;

        (void)fwrite(len > 0 ? text.data : "?", 1, taken, stdout);
        text.data += taken;
        text.len -= taken;
    }
}
