/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherctl permission list: the catalogue, read from its entries below ou=permissions.
 */
#include "base/err.h"
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What is asked for, in the order of printing, and its key in JSON. */
enum column {
    COLUMN_ID,
    COLUMN_CHANNEL,
    COLUMN_EDITING,
    COLUMN_FACTOR,
    COLUMN_REQUIRES,
    COLUMN_DESCRIPTION,
    COLUMNS
};

static const char *const asked[COLUMNS + 1] = {
    "cn", "usherChannel", "usherEditing", "usherFactor", "usherRequires", "description", NULL};

static const char *const keys[COLUMNS] = {"id",     "channel",  "editing",
                                          "factor", "requires", "description"};

/* How a value that is there is told in words; %s: the value. */
static const char *const words[COLUMNS] = {NULL,          "channel %s", "editing", "second factor",
                                           "requires %s", NULL};

struct catalogue_listing {
    json_t *permissions; /* NULL: in words */
    char *values[COLUMNS];
    bool begun;
};

static bool is_flag(enum column column)
{
    return column == COLUMN_EDITING || column == COLUMN_FACTOR;
}

static int print_json(const struct catalogue_listing *listing)
{
    json_t *object = json_object();

    for (enum column i = 0; i < COLUMNS; i++) {
        const char *value = listing->values[i];
        json_t *json = is_flag(i) ? json_boolean(value != NULL && strcasecmp(value, "TRUE") == 0)
                                  : json_string(value);

        if ((value != NULL || is_flag(i)) && json_object_set_new(object, keys[i], json) < 0) {
            json_decref(object);
            return E_NOMEM;
        }
    }
    return json_array_append_new(listing->permissions, object) < 0 ? E_NOMEM : 0;
}

static void print_words(const struct catalogue_listing *listing)
{
    const char *id = listing->values[COLUMN_ID], *text = listing->values[COLUMN_DESCRIPTION];
    const char *separator = " (";

    cli_print(slice_of(id));
    for (enum column i = 0; i < COLUMNS; i++) {
        const char *value = listing->values[i];
        char *part;

        if (value == NULL || words[i] == NULL || (is_flag(i) && strcasecmp(value, "TRUE") != 0))
            continue;
        part = strstr(words[i], "%s") != NULL
                   ? mem_printf("%.*s%s", (int)strlen(words[i]) - 2, words[i], value)
                   : mem_strdup(words[i]);
        (void)fputs(separator, stdout);
        cli_print(slice_of(part));
        free(part);
        separator = ", ";
    }
    (void)fputs(separator[0] == ',' ? ")" : "", stdout);
    if (text != NULL) {
        (void)fputs("  ", stdout);
        cli_print(slice_of(text));
    }
    (void)putchar('\n');
}

static void drop_entry(struct catalogue_listing *listing)
{
    for (enum column i = 0; i < COLUMNS; i++) {
        free(listing->values[i]);
        listing->values[i] = NULL;
    }
    listing->begun = false;
}

/* Tells of the entry gathered so far, and begins anew. */
static int flush_entry(struct catalogue_listing *listing)
{
    int rc = 0;

    if (listing->begun && listing->values[COLUMN_ID] != NULL) {
        if (listing->permissions != NULL)
            rc = print_json(listing);
        else
            print_words(listing);
    }
    drop_entry(listing);
    return rc;
}

static int on_entry(void *context, struct slice dn)
{
    struct catalogue_listing *listing = context;
    int rc = flush_entry(listing);

    (void)dn;
    listing->begun = true;
    return rc;
}

static int on_value(void *context, struct slice name, struct slice value)
{
    struct catalogue_listing *listing = context;

    for (enum column i = 0; i < COLUMNS; i++)
        if (slice_equal_fold(name, slice_of(asked[i])) && listing->values[i] == NULL)
            listing->values[i] = slice_dup(value);
    return 0;
}

int permission_list(struct cli *cli, int argc, char **argv)
{
    struct catalogue_listing listing = {0};
    struct client_search search = {
        .scope = 1,
        .attribute = slice_of("objectClass"),
        .attributes = asked,
        .on_entry = on_entry,
        .on_value = on_value,
        .context = &listing,
    };
    char *dn;
    int rc;

    (void)argc;
    (void)argv;
    if (cli_connect(cli) != 0 || cli_base(cli) != 0)
        return EXIT_ERROR;
    if (cli->json)
        listing.permissions = json_array();
    dn = mem_printf("ou=permissions%s%s", cli->base[0] != '\0' ? "," : "", cli->base);
    search.base = slice_of(dn);
    rc = client_find(cli->client, &search);
    free(dn);
    if (rc == 0)
        rc = flush_entry(&listing);
    drop_entry(&listing);
    return cli_list(rc < 0 ? cli_fail(cli, rc) : EXIT_YES, "permissions", listing.permissions);
}
