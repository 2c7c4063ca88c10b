/* SPDX-License-Identifier: BSD-2-Clause
 *
 * liblber reads in place (ber_init2 over the caller's bytes, which it neither changes nor frees);
 * each constructed element is opened as a reader of its own, so that no length can lead out of its
 * parent.
 */
#include "store/syncmsg.h"
#include "base/err.h"

#include <lber.h>
#include <ldap.h>
#include <string.h>

/* A BerElement that reads bytes in place. NULL when memory ends. */
static BerElement *reader_open(struct slice bytes)
{
    struct berval value = {bytes.len, (char *)(uintptr_t)bytes.data};
    BerElement *ber = ber_alloc_t(0);

    if (ber != NULL)
        ber_init2(ber, &value, 0);
    return ber;
}

/* The element does not own the bytes. */
static void reader_close(BerElement *ber)
{
    if (ber != NULL)
        ber_free(ber, 0);
}

/* The tag of the next element, or LBER_DEFAULT at the end. */
static ber_tag_t reader_peek(BerElement *ber)
{
    ber_len_t len;

    return ber_peek_tag(ber, &len);
}

/* The contents of the next element, which must have this tag. */
static int reader_take(BerElement *ber, ber_tag_t tag, struct slice *ret)
{
    struct berval value;

    if (reader_peek(ber) != tag || ber_skip_element(ber, &value) != tag)
        return E_PROTO;
    *ret = (struct slice){value.bv_val, value.bv_len};
    return 0;
}

/* The same for an element that may be absent: ret is then left as it is. */
static int reader_take_optional(BerElement *ber, ber_tag_t tag, struct slice *ret)
{
    return reader_peek(ber) == tag ? reader_take(ber, tag, ret) : 0;
}

static int reader_finish(BerElement *ber)
{
    ber_len_t left = 0;

    return ber_get_option(ber, LBER_OPT_BER_REMAINING_BYTES, &left) == LBER_OPT_SUCCESS && left == 0
               ? 0
               : E_PROTO;
}

/* The contents of the only element in bytes, which must have this tag. */
static int reader_take_only(struct slice bytes, ber_tag_t tag, struct slice *ret)
{
    BerElement *ber = reader_open(bytes);
    int err = ber == NULL ? E_NOMEM : reader_take(ber, tag, ret);

    if (err == 0)
        err = reader_finish(ber);
    reader_close(ber);
    return err;
}

static int reader_take_bool(BerElement *ber, bool *ret)
{
    struct slice value = {NULL, 0};
    int err = reader_take_optional(ber, LBER_BOOLEAN, &value);

    if (err != 0 || value.data == NULL)
        return err;
    if (value.len != 1)
        return E_PROTO;
    *ret = value.data[0] != 0;
    return 0;
}

int syncmsg_state(struct slice value, struct syncmsg_state *ret)
{
    struct syncmsg_state state = {.cookie = {NULL, 0}};
    struct slice kind, uuid, contents;
    BerElement *ber = NULL;
    int err = reader_take_only(value, LBER_SEQUENCE, &contents);

    if (err == 0 && (ber = reader_open(contents)) == NULL)
        err = E_NOMEM;
    if (err != 0)
        goto out;
    if ((err = reader_take(ber, LBER_ENUMERATED, &kind)) != 0 ||
        (err = reader_take(ber, LBER_OCTETSTRING, &uuid)) != 0 ||
        (err = reader_take_optional(ber, LBER_OCTETSTRING, &state.cookie)) != 0 ||
        (err = reader_finish(ber)) != 0)
        goto out;
    if (kind.len != 1 || (uint8_t)kind.data[0] > SYNCMSG_DELETE || uuid.len != SYNCMSG_UUID) {
        err = E_PROTO;
        goto out;
    }
    state.kind = (enum syncmsg_kind)kind.data[0];
    memcpy(state.uuid, uuid.data, SYNCMSG_UUID);
    *ret = state;
out:
    reader_close(ber);
    return err;
}

/* The SET OF syncUUID. */
static int uuids_take(BerElement *ber, struct arena *arena, struct syncmsg_info *info)
{
    BerElement *set = NULL;
    struct slice contents, uuid;
    uint8_t *uuids;
    size_t count = 0, bound;
    int err;

    if ((err = reader_take(ber, LBER_SET, &contents)) != 0)
        return err;
    bound = contents.len / (SYNCMSG_UUID + 2);
    if (bound > SYNCMSG_UUIDS_MAX)
        return E_LIMIT;
    if ((set = reader_open(contents)) == NULL)
        return E_NOMEM;
    uuids = arena_alloc(arena, (bound + 1) * SYNCMSG_UUID);
    while (err == 0 && reader_peek(set) != LBER_DEFAULT) {
        err = reader_take(set, LBER_OCTETSTRING, &uuid);
        if (err == 0 && (uuid.len != SYNCMSG_UUID || count == bound))
            err = E_PROTO;
        if (err == 0)
            memcpy(uuids + count++ * SYNCMSG_UUID, uuid.data, SYNCMSG_UUID);
    }
    if (err == 0)
        err = reader_finish(set);
    if (err == 0) {
        info->uuids = uuids;
        info->uuid_count = count;
    }
    reader_close(set);
    return err;
}

static int refresh_take(BerElement *ber, struct arena *arena, struct syncmsg_info *info)
{
    int err = reader_take_optional(ber, LDAP_TAG_SYNC_COOKIE, &info->cookie);

    (void)arena;
    info->done = true;
    return err != 0 ? err : reader_take_bool(ber, &info->done);
}

static int id_set_take(BerElement *ber, struct arena *arena, struct syncmsg_info *info)
{
    int err = reader_take_optional(ber, LDAP_TAG_SYNC_COOKIE, &info->cookie);

    if (err == 0)
        err = reader_take_bool(ber, &info->deletes);
    return err != 0 ? err : uuids_take(ber, arena, info);
}

static const struct {
    ber_tag_t tag;
    int (*take)(BerElement *ber, struct arena *arena, struct syncmsg_info *info);
} info_table[] = {
    [SYNCMSG_NEW_COOKIE] = {LDAP_TAG_SYNC_NEW_COOKIE, NULL},
    [SYNCMSG_REFRESH_DELETE] = {LDAP_TAG_SYNC_REFRESH_DELETE, refresh_take},
    [SYNCMSG_REFRESH_PRESENT] = {LDAP_TAG_SYNC_REFRESH_PRESENT, refresh_take},
    [SYNCMSG_ID_SET] = {LDAP_TAG_SYNC_ID_SET, id_set_take},
};

int syncmsg_info(struct slice value, struct arena *arena, struct syncmsg_info *ret)
{
    struct syncmsg_info info = {.tag = SYNCMSG_NEW_COOKIE};
    BerElement *ber = NULL;
    struct slice contents;
    ber_tag_t tag = value.len > 0 ? (uint8_t)value.data[0] : LBER_DEFAULT;
    size_t count = sizeof(info_table) / sizeof(info_table[0]), at = 0;
    int err;

    while (at < count && info_table[at].tag != tag)
        at++;
    if (at == count)
        return E_PROTO;
    info.tag = (enum syncmsg_tag)at;
    if ((err = reader_take_only(value, tag, &contents)) != 0)
        goto out;
    if (info_table[at].take == NULL)
        info.cookie = contents;
    else if ((ber = reader_open(contents)) == NULL)
        err = E_NOMEM;
    else if ((err = info_table[at].take(ber, arena, &info)) == 0)
        err = reader_finish(ber);
    if (err == 0)
        *ret = info;
out:
    reader_close(ber);
    return err;
}

int syncmsg_request(struct slice cookie, struct arena *arena, struct slice *ret)
{
    struct berval text = {cookie.len, (char *)(uintptr_t)cookie.data};
    struct berval *flat = NULL;
    BerElement *ber = ber_alloc_t(LBER_USE_DER);
    int written, err = E_NOMEM;

    if (ber == NULL)
        return E_NOMEM;
    written = cookie.len > 0
                  ? ber_printf(ber, "{eO}", (ber_int_t)LDAP_SYNC_REFRESH_AND_PERSIST, &text)
                  : ber_printf(ber, "{e}", (ber_int_t)LDAP_SYNC_REFRESH_AND_PERSIST);
    if (written >= 0 && ber_flatten(ber, &flat) == 0) {
        *ret = arena_copy(arena, (struct slice){flat->bv_val, flat->bv_len});
        ber_bvfree(flat);
        err = 0;
    }
    ber_free(ber, 1);
    return err;
}
