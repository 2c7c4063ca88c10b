/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherctl status: what the daemon says about itself in the entry cn=monitor. The attributes' names
 * become words, so that a new one needs nothing here.
 */
#include "base/err.h"
#include "cli/cli.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define LABEL_MAX 64

/* "usherCacheAgeMilliseconds" to "cache age milliseconds"; "contextCSN" keeps its capitals. */
static void label_make(struct slice name, char buf[LABEL_MAX])
{
    size_t used = 0;

    if (name.len > 5 && strncmp(name.data, "usher", 5) == 0)
        name = (struct slice){name.data + 5, name.len - 5};
    for (size_t i = 0; i < name.len && used + 3 < LABEL_MAX; i++) {
        unsigned char c = (unsigned char)name.data[i];
        bool upper = isupper(c) != 0;
        bool after_lower = i > 0 && !isupper((unsigned char)name.data[i - 1]);
        bool before_lower = i + 1 < name.len && islower((unsigned char)name.data[i + 1]);

        if (upper && i > 0 && (after_lower || before_lower))
            buf[used++] = ' ';
        buf[used++] = (char)(upper && before_lower ? tolower(c) : c);
    }
    buf[used] = '\0';
}

static int on_value(void *context, struct slice name, struct slice value)
{
    char label[LABEL_MAX], key[LABEL_MAX];
    json_t *object = context, *list;

    if (slice_equal_fold(name, slice_of("objectClass")))
        return 0;
    if (object == NULL) {
        label_make(name, label);
        (void)printf("%-32s %.*s\n", label, SLICE_ARG(value));
        return 0;
    }
    (void)snprintf(key, sizeof(key), "%.*s", SLICE_ARG(name));
    list = json_object_get(object, key);
    if (list == NULL) {
        list = json_array();
        if (json_object_set_new(object, key, list) < 0)
            return E_NOMEM;
    }
    return json_array_append_new(list, json_stringn(value.data, value.len)) < 0 ? E_NOMEM : 0;
}

int status_show(struct cli *cli, int argc, char **argv)
{
    static const char *const everything[] = {"*", "+", NULL};
    json_t *object = NULL;
    int rc;

    (void)argc;
    (void)argv;
    if (cli_connect(cli) != 0)
        return EXIT_ERROR;
    if (cli->json)
        object = json_object();
    rc = client_read(cli->client, slice_of("cn=monitor"), everything, on_value, object);
    if (rc < 0) {
        json_decref(object);
        return cli_done(cli, rc, "");
    }
    if (cli->json)
        cli_json(object);
    return EXIT_YES;
}
