/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The messages of RFC 4533: vectors written by hand from its ASN.1, each cut short everywhere, and
 * random damage.
 */
#include "base/err.h"
#include "store/syncmsg.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define UUID_A "0123456789abcdef"
#define UUID_B "ABCDEFGHIJKLMNOP"

#define BYTES(text) text, sizeof(text) - 1

/* Bytes in memory of their own, so that a sanitizer sees every step beyond them. One more is there,
 * as libldap leaves one. */
static char *bytes_copy(const char *bytes, size_t len)
{
    char *copy = malloc(len + 1);

    assert_non_null(copy);
    memcpy(copy, bytes, len);
    copy[len] = '\0';
    return copy;
}

static const struct {
    const char *bytes;
    size_t len;
    int err;
    enum syncmsg_kind kind;
    const char *cookie; /* NULL: none */
} states[] = {
    {BYTES("\x30\x15\x0a\x01\x01\x04\x10" UUID_A), 0, SYNCMSG_ADD, NULL},
    {BYTES("\x30\x15\x0a\x01\x00\x04\x10" UUID_A), 0, SYNCMSG_PRESENT, NULL},
    {BYTES("\x30\x15\x0a\x01\x03\x04\x10" UUID_A), 0, SYNCMSG_DELETE, NULL},
    {BYTES("\x30\x1a\x0a\x01\x02\x04\x10" UUID_A "\x04\x03"
           "csn"),
     0, SYNCMSG_MODIFY, "csn"},
    {BYTES("\x30\x17\x0a\x01\x02\x04\x10" UUID_A "\x04\x00"), 0, SYNCMSG_MODIFY, ""},
    {BYTES("\x30\x81\x15\x0a\x01\x01\x04\x10" UUID_A), 0, SYNCMSG_ADD, NULL},
    {BYTES(""), E_PROTO, 0, NULL},
    {BYTES("\x30\x00"), E_PROTO, 0, NULL},
    {BYTES("\x30\x15\x0a\x01\x04\x04\x10" UUID_A), E_PROTO, 0, NULL},
    {BYTES("\x30\x15\x0a\x01\xff\x04\x10" UUID_A), E_PROTO, 0, NULL},
    {BYTES("\x30\x16\x0a\x02\x00\x01\x04\x10" UUID_A), E_PROTO, 0, NULL},
    {BYTES("\x30\x14\x0a\x01\x01\x04\x0f"
           "0123456789abcde"),
     E_PROTO, 0, NULL},
    {BYTES("\x30\x16\x0a\x01\x01\x04\x11" UUID_A "x"), E_PROTO, 0, NULL},
    {BYTES("\x31\x15\x0a\x01\x01\x04\x10" UUID_A), E_PROTO, 0, NULL},
    {BYTES("\x30\x15\x02\x01\x01\x04\x10" UUID_A), E_PROTO, 0, NULL},
    {BYTES("\x30\x15\x0a\x01\x01\x04\x10" UUID_A "x"), E_PROTO, 0, NULL},
    {BYTES("\x30\x17\x0a\x01\x01\x04\x10" UUID_A "\x05\x00"), E_PROTO, 0, NULL},
    {BYTES("\x30\x1a\x0a\x01\x02\x04\x10" UUID_A "\x04\x7f"
           "csn"),
     E_PROTO, 0, NULL},
    {BYTES("\x30\x80\x0a\x01\x01\x04\x10" UUID_A "\x00\x00"), E_PROTO, 0, NULL},
    {BYTES("\x30\x84\xff\xff\xff\xff\x0a\x01\x01"), E_PROTO, 0, NULL},
};

static void test_state(void **context)
{
    (void)context;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        char *bytes = bytes_copy(states[i].bytes, states[i].len);
        struct syncmsg_state state = {.kind = (enum syncmsg_kind)77};

        if (syncmsg_state((struct slice){bytes, states[i].len}, &state) != states[i].err)
            fail_msg("state %zu", i);
        if (states[i].err != 0) {
            assert_int_equal(state.kind, 77);
        } else {
            assert_int_equal(state.kind, states[i].kind);
            assert_memory_equal(state.uuid, UUID_A, SYNCMSG_UUID);
            assert_int_equal(state.cookie.data != NULL, states[i].cookie != NULL);
            if (states[i].cookie != NULL)
                assert_true(slice_is(state.cookie, states[i].cookie));
        }
        free(bytes);
    }
}

static const struct {
    const char *bytes;
    size_t len;
    int err;
    enum syncmsg_tag tag;
    const char *cookie;
    bool done, deletes;
    size_t uuids;
} infos[] = {
    {BYTES("\x80\x03"
           "csn"),
     0, SYNCMSG_NEW_COOKIE, "csn", false, false, 0},
    {BYTES("\x80\x00"), 0, SYNCMSG_NEW_COOKIE, "", false, false, 0},
    {BYTES("\xa1\x00"), 0, SYNCMSG_REFRESH_DELETE, NULL, true, false, 0},
    {BYTES("\xa1\x05\x04\x03"
           "csn"),
     0, SYNCMSG_REFRESH_DELETE, "csn", true, false, 0},
    {BYTES("\xa2\x03\x01\x01\x00"), 0, SYNCMSG_REFRESH_PRESENT, NULL, false, false, 0},
    {BYTES("\xa2\x08\x04\x03"
           "csn"
           "\x01\x01\xff"),
     0, SYNCMSG_REFRESH_PRESENT, "csn", true, false, 0},
    {BYTES("\xa3\x02\x31\x00"), 0, SYNCMSG_ID_SET, NULL, false, false, 0},
    {BYTES("\xa3\x14\x31\x12\x04\x10" UUID_A), 0, SYNCMSG_ID_SET, NULL, false, false, 1},
    {BYTES("\xa3\x2e\x04\x03"
           "csn"
           "\x01\x01\xff\x31\x24\x04\x10" UUID_A "\x04\x10" UUID_B),
     0, SYNCMSG_ID_SET, "csn", false, true, 2},
    {BYTES("\xa3\x15\x31\x13\x04\x81\x10" UUID_A), 0, SYNCMSG_ID_SET, NULL, false, false, 1},
    {BYTES(""), E_PROTO, 0, NULL, false, false, 0},
    {BYTES("\x80"), E_PROTO, 0, NULL, false, false, 0},
    {BYTES("\x80\x04"
           "csn"),
     E_PROTO, 0, NULL, false, false, 0},
    {BYTES("\x80\x02"
           "csn"),
     E_PROTO, 0, NULL, false, false, 0},
    {BYTES("\xa4\x00"), E_PROTO, 0, NULL, false, false, 0},
    {BYTES("\xa1\x03\x01\x01\x00\x00"), E_PROTO, 0, NULL, false, false, 0},
    {BYTES("\xa1\x04\x01\x02\x00\x00"), E_PROTO, 0, NULL, false, false, 0},
    {BYTES("\xa1\x08\x01\x01\xff\x04\x03"
           "csn"),
     E_PROTO, 0, NULL, false, false, 0},
    {BYTES("\xa3\x00"), E_PROTO, 0, NULL, false, false, 0},
    {BYTES("\xa3\x13\x31\x11\x04\x0f"
           "0123456789abcde"),
     E_PROTO, 0, NULL, false, false, 0},
    {BYTES("\xa3\x15\x31\x12\x04\x10" UUID_A "x"), E_PROTO, 0, NULL, false, false, 0},
    {BYTES("\xa3\x26\x31\x24\x04\x10" UUID_A "\x04\x7f" UUID_B), E_PROTO, 0, NULL, false, false, 0},
    {BYTES("\xa3\x06\x31\x04\x04\x00\x04\x00"), E_PROTO, 0, NULL, false, false, 0},
};

static void test_info(void **context)
{
    struct arena *arena = arena_new();

    (void)context;
    for (size_t i = 0; i < sizeof(infos) / sizeof(infos[0]); i++) {
        char *bytes = bytes_copy(infos[i].bytes, infos[i].len);
        struct syncmsg_info info = {.tag = (enum syncmsg_tag)77};

        if (syncmsg_info((struct slice){bytes, infos[i].len}, arena, &info) != infos[i].err)
            fail_msg("info %zu", i);
        if (infos[i].err != 0) {
            assert_int_equal(info.tag, 77);
        } else {
            assert_int_equal(info.tag, infos[i].tag);
            assert_int_equal(info.done, infos[i].done);
            assert_int_equal(info.deletes, infos[i].deletes);
            assert_int_equal(info.uuid_count, infos[i].uuids);
            assert_int_equal(info.cookie.data != NULL, infos[i].cookie != NULL);
            if (infos[i].cookie != NULL)
                assert_true(slice_is(info.cookie, infos[i].cookie));
            if (infos[i].uuids > 0)
                assert_memory_equal(info.uuids, UUID_A, SYNCMSG_UUID);
            if (infos[i].uuids > 1)
                assert_memory_equal(info.uuids + SYNCMSG_UUID, UUID_B, SYNCMSG_UUID);
        }
        free(bytes);
    }
    arena_free(arena);
}

/* Every true prefix of a good message is a bad one. */
static void test_prefixes(void **context)
{
    struct arena *arena = arena_new();
    struct syncmsg_state state;
    struct syncmsg_info info;

    (void)context;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        for (size_t len = 0; states[i].err == 0 && len < states[i].len; len++) {
            char *bytes = bytes_copy(states[i].bytes, len);

            assert_int_equal(syncmsg_state((struct slice){bytes, len}, &state), E_PROTO);
            free(bytes);
        }
    for (size_t i = 0; i < sizeof(infos) / sizeof(infos[0]); i++)
        for (size_t len = 0; infos[i].err == 0 && len < infos[i].len; len++) {
            char *bytes = bytes_copy(infos[i].bytes, len);

            assert_int_equal(syncmsg_info((struct slice){bytes, len}, arena, &info), E_PROTO);
            free(bytes);
        }
    arena_free(arena);
}

/* No damage makes the decoders leave the bytes (the sanitizers' part), nor give what is out of
 * range. */
static void test_damage(void **context)
{
    struct arena *arena = arena_new();
    unsigned seed = 20261121;

    (void)context;
    for (int round = 0; round < 20000; round++) {
        size_t i = (size_t)rand_r(&seed) % (sizeof(infos) / sizeof(infos[0]));
        size_t j = (size_t)rand_r(&seed) % (sizeof(states) / sizeof(states[0]));
        char *a = bytes_copy(infos[i].bytes, infos[i].len);
        char *b = bytes_copy(states[j].bytes, states[j].len);
        struct syncmsg_state state;
        struct syncmsg_info info;

        for (int hits = 1 + rand_r(&seed) % 3; hits > 0; hits--) {
            if (infos[i].len > 0)
                a[(size_t)rand_r(&seed) % infos[i].len] = (char)rand_r(&seed);
            if (states[j].len > 0)
                b[(size_t)rand_r(&seed) % states[j].len] = (char)rand_r(&seed);
        }
        if (syncmsg_info((struct slice){a, infos[i].len}, arena, &info) == 0) {
            assert_true(info.tag <= SYNCMSG_ID_SET && info.uuid_count <= 2);
            assert_true(
                info.cookie.data == NULL ||
                (info.cookie.data >= a && info.cookie.data + info.cookie.len <= a + infos[i].len));
        }
        if (syncmsg_state((struct slice){b, states[j].len}, &state) == 0)
            assert_true(state.kind <= SYNCMSG_DELETE);
        free(a);
        free(b);
        arena_reset(arena);
    }
    arena_free(arena);
}

static void test_too_many(void **context)
{
    struct arena *arena = arena_new();
    size_t count = SYNCMSG_UUIDS_MAX + 1, set = count * 18, len = 6 + 6 + set;
    char *bytes = malloc(len + 1), *at = bytes;
    struct syncmsg_info info;

    (void)context;
    assert_non_null(bytes);
    for (int level = 0; level < 2; level++) {
        size_t inner = level == 0 ? 6 + set : set;

        *at++ = level == 0 ? '\xa3' : '\x31';
        *at++ = '\x84';
        for (int shift = 24; shift >= 0; shift -= 8)
            *at++ = (char)(inner >> shift);
    }
    for (size_t i = 0; i < count; i++, at += 18)
        memcpy(at, "\x04\x10" UUID_A, 18);
    assert_int_equal(syncmsg_info((struct slice){bytes, len}, arena, &info), E_LIMIT);
    free(bytes);
    arena_free(arena);
}

static void test_request(void **context)
{
    static const struct {
        const char *cookie;
        const char *bytes;
        size_t len;
    } requests[] = {
        {"", BYTES("\x30\x03\x0a\x01\x03")},
        {"rid=000", BYTES("\x30\x0c\x0a\x01\x03\x04\x07rid=000")},
    };
    struct arena *arena = arena_new();

    (void)context;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct slice value = {NULL, 0};

        assert_int_equal(syncmsg_request(slice_of(requests[i].cookie), arena, &value), 0);
        assert_true(slice_equal(value, (struct slice){requests[i].bytes, requests[i].len}));
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state),    cmocka_unit_test(test_info),
        cmocka_unit_test(test_prefixes), cmocka_unit_test(test_damage),
        cmocka_unit_test(test_too_many), cmocka_unit_test(test_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
