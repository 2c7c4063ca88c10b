/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The extended operations about what stands beside a password: recovery codes. Their values only;
 * the rules stand in rules/.
 */
#include "ldap/exop.h"
#include "base/err.h"
#include "server/exop_value.h"

static void on_recovered(struct attempt *attempt)
{
    const struct login *login = &attempt->login;
    struct slice codes[RECOVERY_CODES];
    struct recovery_response response = {.codes = codes, .count = RECOVERY_CODES};
    struct result result = {.code = err_ldap(login->err), .text = slice_of(login->text)};
    struct buffer value;

    attempt_audit(attempt, "recovery");
    buffer_init(&value);
    for (size_t i = 0; i < RECOVERY_CODES; i++)
        codes[i] = slice_of(login->recovery[i]);
    if (login->err == 0 && recovery_response_encode(&response, &value) == 0) {
        result.has_value = true;
        result.value = (struct slice){.data = value.data, .len = value.len};
    }
    attempt_finish(attempt, &result);
    buffer_clear(&value);
}

enum handled exop_recovery(struct request *request, struct result *ret)
{
    struct recovery_request recovery;
    struct attempt *attempt;

    if (recovery_request_decode(request->message->extended.value, &recovery) < 0)
        return exop_refuse_value(request, ret, "usherRecovery");
    attempt = attempt_new(request, on_recovered, ret);
    if (attempt == NULL)
        return REPLY;
    attempt->login.factor = VERIFY_CODE;
    if (exop_take_user(attempt, recovery.user, request, ret) < 0)
        return exop_refuse(attempt, request, ret);
    return attempt_start(attempt, login_recovery, ret);
}
