/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherctl who: the members of an organization who may do something there, by a Search for
 * usherPermission below its ou=members.
 */
#include "base/err.h"
#include "cli/cli.h"

#include <stdio.h>

struct listing {
    json_t *members; /* NULL: in words */
};

static int on_entry(void *context, struct slice dn)
{
    (void)context;
    (void)dn;
    return 0;
}

static int on_value(void *context, struct slice name, struct slice value)
{
    const struct listing *listing = context;

    if (!slice_equal_fold(name, slice_of("cn")))
        return 0;
    if (listing->members != NULL)
        return json_array_append_new(listing->members, json_stringn(value.data, value.len)) < 0
                   ? E_NOMEM
                   : 0;
    cli_print(value);
    (void)putchar('\n');
    return 0;
}

/* ou=members,o=ORG,BASE */
static int members_dn(const struct cli *cli, const char *organization, struct buffer *ret)
{
    static const char members[] = "ou=members,o=";
    int rc = buffer_append(ret, members, sizeof(members) - 1);

    if (rc == 0)
        rc = dn_escape(slice_of(organization), ret);
    if (rc == 0)
        rc = buffer_append(ret, ",", cli->base[0] != '\0' ? 1 : 0);
    return rc == 0 ? buffer_append(ret, cli->base, slice_of(cli->base).len) : rc;
}

int who_list(struct cli *cli, int argc, char **argv)
{
    static const char *const asked[] = {"cn", NULL};
    struct listing listing = {0};
    struct slice query = slice_of(argv[1]);
    struct client_search search = {
        .scope = 1,
        .attribute = slice_of("usherPermission"),
        .value = &query,
        .attributes = asked,
        .on_entry = on_entry,
        .on_value = on_value,
        .context = &listing,
    };
    struct buffer dn;
    int rc;

    (void)argc;
    if (cli_connect(cli) != 0 || cli_base(cli) != 0)
        return EXIT_ERROR;
    buffer_init(&dn);
    if (cli->json)
        listing.members = json_array();
    rc = members_dn(cli, argv[0], &dn);
    search.base = buffer_slice(&dn);
    if (rc == 0)
        rc = client_find(cli->client, &search);
    buffer_clear(&dn);
    return cli_list(rc < 0 ? cli_fail(cli, rc) : EXIT_YES, "members", listing.members);
}
