/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Entries as the store's server sends them, through libldap: the input is what stands in a
 * SearchResultEntry. What store_decode makes of it is read as an entry of the cache, which comes
 * back the same from its serialized form.
 */
#include "entry_again.h"
#include "ldap/dn.h"
#include "store/entry.h"

#include <ldap.h>
#include <openldap.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint8_t secret[ID_SECRET];

static size_t put_header(uint8_t *to, uint8_t tag, size_t len)
{
    const uint8_t header[] = {tag, 0x82, (uint8_t)(len >> 8), (uint8_t)len};

    memcpy(to, header, sizeof(header));
    return sizeof(header);
}

/* A handle on one end of a socket pair that has asked for entries, and got this one. */
static LDAP *receive(const uint8_t *data, size_t size, int *ret_fd)
{
    static uint8_t bytes[UINT16_MAX + 16];
    int ends[2], id = 0;
    size_t used = 0;
    LDAP *ld = NULL;
    char drain[256];

    HOLDS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    HOLDS(ldap_init_fd(ends[0], LDAP_PROTO_IPC, "ldapi://x", &ld) == LDAP_SUCCESS);
    HOLDS(ldap_search_ext(ld, "", LDAP_SCOPE_BASE, NULL, NULL, 0, NULL, NULL, NULL, 0, &id) ==
          LDAP_SUCCESS);
    HOLDS(id == 1 && read(ends[1], drain, sizeof(drain)) > 0);
    used = put_header(bytes, 0x30, size + 7);
    memcpy(bytes + used, "\2\1\1", 3);
    used += 3;
    used += put_header(bytes + used, 0x64, size);
    if (size > 0)
        memcpy(bytes + used, data, size);
    HOLDS(write(ends[1], bytes, used + size) == (ssize_t)(used + size));
    *ret_fd = ends[1];
    return ld;
}

static void read_entry(const struct store_entry *from, struct arena *arena)
{
    struct slice base = slice_of("dc=example,dc=org"), dn = {0};
    struct entry_reader reader = {.base = base, .secret = secret};
    struct entry entry;
    char buf[DN_MAX];

    if (dn_normalize(from->dn, buf, &dn) == 0 && dn.len > 0 &&
        entry_read(&reader, dn, from->attributes, from->attribute_count, arena, &entry) == 0)
        entry_again(&entry, base, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct timeval at_once = {0, 0};
    LDAPMessage *message = NULL;
    struct arena *arena;
    struct store_entry entry;
    LDAP *ld;
    int fd;

    if (size > 60000)
        return 0;
    arena = arena_new();
    ld = receive(data, size, &fd);
    if (ldap_result(ld, LDAP_RES_ANY, LDAP_MSG_ONE, &at_once, &message) == LDAP_RES_SEARCH_ENTRY &&
        store_decode(ld, message, arena, &entry) == 0)
        read_entry(&entry, arena);
    (void)ldap_msgfree(message);
    HOLDS(ldap_destroy(ld) == LDAP_SUCCESS);
    (void)close(fd);
    arena_free(arena);
    return 0;
}
