/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherctl explain: the decision about one question with every step that led to it, each with the
 * entry that it rests on; the deciding one is marked.
 */
#include "base/err.h"
#include "cli/cli.h"

#include <stdio.h>

struct explaining {
    json_t *steps; /* NULL: in words */
};

static int on_line_json(json_t *steps, const struct explain_line *line)
{
    json_t *step = json_object();
    bool failed =
        json_object_set_new(step, "step", json_integer(line->step)) < 0 ||
        json_object_set_new(step, "text", json_stringn(line->text.data, line->text.len)) < 0 ||
        json_object_set_new(step, "deciding", json_boolean(line->deciding)) < 0;

    if (!failed && line->dn.len > 0)
        failed = json_object_set_new(step, "dn", json_stringn(line->dn.data, line->dn.len)) < 0;
    if (failed) {
        json_decref(step);
        return E_NOMEM;
    }
    return json_array_append_new(steps, step) < 0 ? E_NOMEM : 0;
}

static int on_line(void *context, const struct explain_line *line)
{
    const struct explaining *explaining = context;

    if (explaining->steps != NULL)
        return on_line_json(explaining->steps, line);
    (void)printf("%s step %d: ", line->deciding ? "*" : " ", (int)line->step);
    cli_print(line->text);
    (void)putchar('\n');
    if (line->dn.len > 0) {
        (void)printf("          ");
        cli_print(line->dn);
        (void)putchar('\n');
    }
    return 0;
}

int explain_ask(struct cli *cli, int argc, char **argv)
{
    const struct explain_request request = {
        .organization = slice_of(argv[0]), .user = slice_of(argv[1]), .query = slice_of(argv[2])};
    struct explaining explaining = {0};
    struct explain_response response;
    int rc, status = EXIT_ERROR;
    const char *words;

    (void)argc;
    if (cli_connect(cli) != 0)
        return EXIT_ERROR;
    if (cli->json)
        explaining.steps = json_array();
    rc = client_explain(cli->client, &request, on_line, &explaining, &response);
    if (rc < 0) {
        json_decref(explaining.steps);
        return cli_fail(cli, rc);
    }
    words = cli_answer(client_result(response.result), &status);
    if (words == NULL)
        words = err_text(client_result(response.result));
    if (cli->json)
        cli_json(json_pack("{s:s,s:i,s:i,s:o}", "answer", words, "step", (int)response.step,
                           "result", (int)response.result, "steps", explaining.steps));
    else
        (void)printf("%s, at step %d\n", words, (int)response.step);
    return status;
}
