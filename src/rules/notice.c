/* SPDX-License-Identifier: BSD-2-Clause
 *
 * News that go to the person by mail: their password, PIN or app is another one now, or a recovery
 * code is used. Only a verified address gets any: an unverified one may be a stranger's.
 */
#include "rules/login.h"
#include "rules/person.h"

void login_notify(struct login *login, enum notice notice)
{
    const struct person *person = login->person;

    if (person == NULL || person->mail.len == 0 || !person->mail_verified)
        return;
    if (login_set(login->destination, sizeof(login->destination), person->mail) < 0)
        return;
    (void)login_set(login->mail_name, sizeof(login->mail_name), person->name);
    (void)login_set(login->mail_language, sizeof(login->mail_language),
                    person->language.len > 0 ? person->language : slice_of(login->language));
    login->notice = notice;
}
