/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Search: what the base object says of the way to go. The root DSE and cn=monitor are ours and are
 * answered at once; the schema and the tree are the store's (server/search.h).
 */
#include "base/err.h"
#include "base/log.h"
#include "ldap/exop.h"
#include "ldap/oid.h"
#include "server/access.h"
#include "server/search.h"

/* A page asked for of an entry of ours: it is the last one (RFC 2696), of unknown size. */
static int own_page(struct request *request, struct result *ret)
{
    static const char last_page[] = {0x30, 5, 0x02, 1, 0, 0x04, 0};
    static const struct control last = {
        .oid = {OID_PAGED_RESULTS, sizeof(OID_PAGED_RESULTS) - 1},
        .value = {last_page, sizeof(last_page)},
        .has_value = true,
    };
    const struct control *control = message_control(request->message, OID_PAGED_RESULTS);
    struct page page;
    int rc = 0;

    if (control == NULL)
        return 0;
    rc = control->has_value ? page_decode(control->value, &page) : E_PROTO;
    if (rc == 0 && page.cookie.len > 0)
        rc = E_UNWILLING;
    if (rc < 0) {
        request_fail(request, ret, rc, "%s",
                     rc == E_UNWILLING ? SEARCH_BAD_COOKIE : SEARCH_BAD_PAGE);
        return rc;
    }
    ret->controls = &last;
    ret->control_count = 1;
    return 0;
}

static void search_own(struct request *request, struct slice base, struct result *ret)
{
    if (base.len > 0 && !access_operator(request))
        request_fail(request, ret, E_ACCESS, "cn=monitor is for the administrator");
    else if (own_page(request, ret) < 0)
        return;
    else if (base.len > 0)
        search_monitor(request);
    else
        search_root_dse(request);
}

enum handled op_search(struct request *request, struct result *ret)
{
    const struct search_request *search = &request->message->search;
    char buf[DN_MAX], quoted[LOG_QUOTE_MAX];
    struct slice base;
    int rc = dn_normalize(search->base, buf, &base);

    if (rc < 0) {
        request_fail(request, ret, rc, "no DN: %s", log_quote(search->base, quoted));
        ret->code = RESULT_INVALID_DN_SYNTAX;
    } else if (search->scope == 0 && (base.len == 0 || slice_is(base, "cn=monitor")))
        search_own(request, base, ret);
    else
        return search_start(request, base, ret);
    return REPLY;
}
