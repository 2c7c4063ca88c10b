/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherctl key: the file with the keys that seal secrets. init, add and use change the file and ask
 * no daemon; rotate goes through all the steps with one, and takes up where one before it stopped:
 * the file itself says how far that was.
 */
#include "base/clock.h"
#include "base/err.h"
#include "cli/cli.h"
#include "secret/seal.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define PASS_MS    (3600 * (int64_t)1000) /* one pass over the store */
#define PASSES_MAX 100
#define WRONG_MAX  512

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

int key_add(struct cli *cli, int argc, char **argv)
{
    char wrong[WRONG_MAX];
    int rc = keys_add(argv[0], wrong, sizeof(wrong));

    (void)argc;
    if (rc < 0 && rc != E_EXISTS)
        return cli_error(cli, "%s", wrong);
    return cli_done(cli, 0,
                    rc == 0 ? "a key is added that is to seal next; copy the file to all gateways"
                            : "there is a key already that is to seal next");
}

int key_use(struct cli *cli, int argc, char **argv)
{
    char wrong[WRONG_MAX];
    int rc = keys_promote(argv[0], wrong, sizeof(wrong));

    (void)argc;
    if (rc < 0)
        return cli_error(cli, "%s", wrong);
    return cli_done(cli, 0, "the new key seals; copy the file to all gateways, then rotate");
}

/* What is said on the way, to people. */
static void rotate_say(const struct cli *cli, const char *text, const char *id)
{
    if (!cli->json)
        (void)printf("%s%s\n", text, id);
    (void)fflush(stdout);
}

/* A new key seals, unless one has begun to already. */
static int rotate_key(struct cli *cli, const char *path, struct keys_state *state)
{
    struct reseal_request ask = {.step = RESEAL_ASK};
    struct reseal_response answer;
    char wrong[WRONG_MAX];
    int rc = 0;

    if (state->count == 1) {
        rc = keys_add(path, wrong, sizeof(wrong));
        if (rc == 0)
            rc = keys_state(path, state, wrong, sizeof(wrong));
    }
    if (rc < 0)
        return cli_error(cli, "%s", wrong);
    if (state->next[0] == '\0')
        return 0;
    rotate_say(cli, "a new key: ", state->next);
    ask.key = slice_of(state->next);
    rc = client_reseal(cli->client, &ask, &answer);
    if (rc < 0)
        return cli_fail(cli, rc);
    rc = keys_promote(path, wrong, sizeof(wrong));
    if (rc == 0)
        rc = keys_state(path, state, wrong, sizeof(wrong));
    return rc < 0 ? cli_error(cli, "%s", wrong) : 0;
}

/* Passes over the store until one that began when nothing was on its way any more leaves nothing.
 */
static int rotate_store(struct cli *cli, const struct keys_state *state, int64_t *ret_resealed)
{
    struct reseal_request run = {.step = RESEAL_RUN, .key = slice_of(state->current)};
    struct reseal_response answer;
    int64_t resealed = 0;

    for (int i = 0; i < PASSES_MAX; i++) {
        int rc;

        client_deadline(cli->client, clock_monotonic_ms() + PASS_MS);
        rc = client_reseal(cli->client, &run, &answer);
        if (rc < 0)
            return cli_fail(cli, rc);
        if (!slice_is(answer.key, state->current))
            return cli_error(cli,
                             "the gateway seals with %.*s, not with %s: its key file is another",
                             SLICE_ARG(answer.key), state->current);
        resealed += answer.resealed;
        if (answer.wait_ms == 0 && answer.left == 0) {
            if (answer.dead > 0 && !cli->json)
                (void)printf("%" PRId64 " values open with no key; the log of usherd names them\n",
                             answer.dead);
            *ret_resealed = resealed;
            return 0;
        }
        if (answer.wait_ms > 0)
            (void)usleep((useconds_t)(answer.wait_ms % 1000) * 1000);
        if (answer.wait_ms >= 1000)
            (void)sleep((unsigned)(answer.wait_ms / 1000));
    }
    return cli_error(cli, "others were always first; rotate again");
}

int key_rotate(struct cli *cli, int argc, char **argv)
{
    struct keys_state state;
    char wrong[WRONG_MAX], done[WRONG_MAX];
    int64_t resealed = 0;
    int rc = keys_state(argv[0], &state, wrong, sizeof(wrong));

    (void)argc;
    if (rc < 0)
        return cli_error(cli, "%s", wrong);
    if (cli_connect(cli) != 0 || rotate_key(cli, argv[0], &state) != 0)
        return EXIT_ERROR;
    rotate_say(cli, "sealing anew with ", state.current);
    if (rotate_store(cli, &state, &resealed) != 0)
        return EXIT_ERROR;
    rc = keys_drop(argv[0], wrong, sizeof(wrong));
    if (rc < 0)
        return cli_error(cli, "%s", wrong);
    (void)snprintf(done, sizeof(done),
                   "%" PRId64 " values are sealed anew, and the old key is gone; keep a copy of %s",
                   resealed, argv[0]);
    return cli_done(cli, 0, done);
}
