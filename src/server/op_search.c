/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Search: what the base object says of the way to go. The root DSE and cn=monitor are ours and are
 * answered at once; the schema and the tree are the store's (server/search.h).
 */
#include "base/err.h"
#include "base/log.h"
#include "server/access.h"
#include "server/search.h"

enum handled op_search(struct request *request, struct result *ret)
{
    const struct search_request *search = &request->message->search;
    char buf[DN_MAX], quoted[LOG_QUOTE_MAX];
    struct slice base;
    int rc = dn_normalize(search->base, buf, &base);

    if (rc < 0) {
        request_fail(request, ret, rc, "no DN: %s", log_quote(search->base, quoted));
        ret->code = RESULT_INVALID_DN_SYNTAX;
    } else if (base.len == 0 && search->scope == 0)
        search_root_dse(request);
    else if (slice_is(base, "cn=monitor") && search->scope == 0) {
        if (access_operator(request))
            search_monitor(request);
        else
            request_fail(request, ret, E_ACCESS, "cn=monitor is for the administrator");
    } else
        return search_start(request, base, ret);
    return REPLY;
}
