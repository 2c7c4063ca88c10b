/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Names as text. Part d: a DN, normalized twice, its parents, and where it stands in the tree.
 * Part b: the base of a store. Part a: the address of the daemon.
 */
#include "cache/tree.h"
#include "client/address.h"
#include "embed/base_dn.h"
#include "../exercise_message.h"
#include "fuzz.h"

static void walk_dn(struct slice text)
{
    char buf[DN_MAX];
    struct slice dn = {0}, type, value;
    struct tree_place place;

    exercise_dn(text);
    if (dn_normalize(text, buf, &dn) < 0)
        return;
    if (tree_place(dn, slice_of("dc=example,dc=org"), &place) == 0 && place.kind != TREE_OTHER)
        HOLDS(tree_name_valid(place.name) || place.kind == TREE_PERMISSION);
    for (size_t depth = 0; dn.len > 0; depth++, dn = dn_parent(dn)) {
        struct slice rdn = dn_rdn(dn);

        HOLDS(depth < DN_MAX && rdn.len > 0 && rdn.len <= dn.len);
        if (dn_rdn_split(rdn, &type, &value) == 0)
            HOLDS(type.len + 1 + value.len == rdn.len);
    }
}

static void read_base(const char *text)
{
    struct base_dn base, again;

    if (base_dn_parse(text, &base) < 0)
        return;
    HOLDS(base_dn_parse(base.text, &again) == 0);
    HOLDS(strcmp(base.text, again.text) == 0 && strcmp(base.url, again.url) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {(const char *)data, size};
    char part = fuzz_letter(&input);
    char *bytes = exact_copy(input.data, input.len), *text;
    struct address address;

    text = fuzz_string((struct slice){input.data, input.len});
    if (part == 'd')
        walk_dn((struct slice){bytes, input.len});
    else if (part == 'b')
        read_base(text);
    else if (part == 'a' && address_parse(text, &address) == 0)
        HOLDS(address.len > 0 && address.len <= sizeof(address.sockaddr) &&
              (!address.local || address.loopback));
    free(bytes);
    free(text);
    return 0;
}
