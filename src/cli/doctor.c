/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherctl doctor: every defect of the data that the evaluator skips over, as usherDoctor finds
 * them.
 */
#include "base/err.h"
#include "cli/cli.h"

#include <stdio.h>

struct examining {
    json_t *defects; /* NULL: in words */
};

static int on_defect(void *context, const struct doctor_defect *defect)
{
    const struct examining *examining = context;
    json_t *object;

    if (examining->defects == NULL) {
        cli_print(defect->dn);
        (void)fputs(" ", stdout);
        cli_print(defect->text);
        (void)putchar('\n');
        return 0;
    }
    object = json_object();
    if (json_object_set_new(object, "dn", json_stringn(defect->dn.data, defect->dn.len)) < 0 ||
        json_object_set_new(object, "text", json_stringn(defect->text.data, defect->text.len)) <
            0) {
        json_decref(object);
        return E_NOMEM;
    }
    return json_array_append_new(examining->defects, object) < 0 ? E_NOMEM : 0;
}

int doctor_examine(struct cli *cli, int argc, char **argv)
{
    struct examining examining = {0};
    struct doctor_response response;
    int rc;

    (void)argc;
    (void)argv;
    if (cli_connect(cli) != 0)
        return EXIT_ERROR;
    if (cli->json)
        examining.defects = json_array();
    rc = client_doctor(cli->client, on_defect, &examining, &response);
    if (rc < 0) {
        json_decref(examining.defects);
        return cli_fail(cli, rc);
    }
    if (cli->json)
        cli_json(json_pack("{s:o,s:b}", "defects", examining.defects, "complete",
                           (int)response.complete));
    else if (!response.complete)
        (void)printf("there are more defects; mend these and ask again\n");
    else if (response.count == 0)
        (void)printf("no defects\n");
    return response.count == 0 ? EXIT_YES : EXIT_NO;
}
