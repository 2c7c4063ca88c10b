/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the store's server says beside entries. Part s: the Sync State control; i: the Sync Info
 * message; c: a sync cookie, which comes back the same from the set of its CSNs.
 */
#include "fuzz.h"
#include "store/csn.h"
#include "store/syncmsg.h"

static void read_state(struct slice bytes)
{
    struct syncmsg_state state;

    if (syncmsg_state(bytes, &state) == 0) {
        HOLDS(state.kind <= SYNCMSG_DELETE);
        HOLDS(state.cookie.data == NULL ||
              (state.cookie.data >= bytes.data &&
               state.cookie.data + state.cookie.len <= bytes.data + bytes.len));
    }
}

static void read_info(struct slice bytes)
{
    struct arena *arena = arena_new();
    struct syncmsg_info info = {0};
    unsigned sum = 0;

    if (syncmsg_info(bytes, arena, &info) == 0) {
        HOLDS(info.tag <= SYNCMSG_ID_SET && info.uuid_count <= SYNCMSG_UUIDS_MAX);
        for (size_t i = 0; i < info.uuid_count * SYNCMSG_UUID; i++)
            sum += info.uuids[i];
        HOLDS(sum <= info.uuid_count * SYNCMSG_UUID * 255);
    }
    arena_free(arena);
}

static void read_cookie(struct slice text)
{
    struct csn_set set = {.count = 0}, again = {.count = 0};
    char cookie[CSN_COOKIE_MAX], second[CSN_COOKIE_MAX];
    int rc = csn_set_add_cookie(&set, text);

    HOLDS(rc == 0 || ((rc == E_SYNTAX || rc == E_LIMIT) && set.count == 0));
    HOLDS(set.count <= CSN_SET_MAX);
    HOLDS(csn_set_add_cookie(&again, slice_of(csn_set_cookie(&set, cookie))) == 0);
    HOLDS(csn_set_covers(&set, &again) && csn_set_covers(&again, &set));
    HOLDS(strcmp(csn_set_cookie(&again, second), cookie) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {(const char *)data, size};
    char part = fuzz_letter(&input);
    char *bytes = exact_copy(input.data, input.len);
    struct slice rest = {bytes, input.len};

    if (part == 's')
        read_state(rest);
    else if (part == 'i')
        read_info(rest);
    else if (part == 'c')
        read_cookie(rest);
    free(bytes);
    return 0;
}
