/* SPDX-License-Identifier: BSD-2-Clause
 *
 * DESIGN 4, sentence by sentence, on whole trees (sentence.h). Each case quotes the sentence that
 * it holds.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sentence.h"

static const struct sentence grammar_sentences[] = {
    {"Everything here is case-sensitive but event and organization names",
     "membership acme/alice grant=+ticket:read@event/HAMLET grant=+ticket:read@payment/Card "
     "grant=+Ticket:delete",
     "alice acme ticket:read@event/Hamlet -> allow\n"
     "alice acme ticket:read@event/ACME/hamlet -> allow\n"
     "alice acme ticket:read@payment/Card -> allow\n"
     "alice acme ticket:read@payment/card -> deny:8\n"
     "alice acme ticket:delete -> deny:8\n"
     "alice acme Ticket:read -> syntax\n"},
    {"section.* covers section.users and section.users.admin, not section",
     "membership acme/alice grant=+section.*:read",
     "alice acme section.users:read -> allow\n"
     "alice acme section.users.admin:read -> allow\n"
     "alice acme section:read -> deny:8\n"},
    {"A grant with resource * (or the bare +*) covers every permission but directory:* and "
     "directory.*:*",
     "membership acme/alice grant=+*\n"
     "membership beta/alice grant=+*:* grant=+directory.*:*",
     "alice acme ticket:read -> allow\n"
     "alice acme directory:read -> deny:8\n"
     "alice acme directory.user:create -> deny:8\n"
     "alice beta section.users:read -> allow\n"
     "alice beta directory:read -> deny:8\n"
     "alice beta directory.user:create -> allow\n"},
    {"a denial covers all it says",
     "membership acme/alice role=/all grant=-*\n"
     "role /all grant=+*:* grant=+directory:read",
     "alice acme ticket:read -> deny:8\n"
     "alice acme directory:read -> deny:8\n"},
    {"An unscoped value holds for every object and for none; a scoped one only for its objects",
     "membership acme/alice grant=+ticket:read grant=+ticket:delete@payment/card",
     "alice acme ticket:read -> allow\n"
     "alice acme ticket:read@event/hamlet -> allow\n"
     "alice acme ticket:read@payment/card -> allow\n"
     "alice acme ticket:delete -> deny:8\n"
     "alice acme ticket:delete@payment/card -> allow\n"
     "alice acme ticket:delete@payment/cash -> deny:8\n"
     "alice acme ticket:delete@event/card -> notfound\n"},
    {"event/* for every event that the query may reach",
     "organization acme\n"
     "event beta/lent shared=acme\n"
     "membership acme/alice grant=+ticket:read@event/*",
     "alice acme ticket:read@event/hamlet -> allow\n"
     "alice acme ticket:read@event/beta/lent -> allow\n"
     "alice acme ticket:read@event/beta/hamlet -> deny:4\n"
     "alice acme ticket:read -> deny:8\n"},
    {"A one-name event in a stored value belongs to the organization that holds the entry",
     "event beta/lent shared=acme\n"
     "event acme/lent\n"
     "membership acme/alice grant=+ticket:read@event/lent role=acme/r\n"
     "role acme/r grant=+ticket:delete@event/lent",
     "alice acme ticket:read@event/lent -> allow\n"
     "alice acme ticket:read@event/acme/lent -> allow\n"
     "alice acme ticket:read@event/beta/lent -> deny:8\n"
     "alice acme ticket:delete@event/lent -> allow\n"
     "alice acme ticket:delete@event/beta/lent -> deny:8\n"},
    {"in a role under <base> ou=roles, to the organization of the membership that uses it",
     "membership acme/alice role=/r\n"
     "membership beta/alice role=/r\n"
     "role /r role=/inner\n"
     "role /inner grant=+ticket:read@event/hamlet\n"
     "event acme/lent shared=beta\n",
     "alice acme ticket:read@event/hamlet -> allow\n"
     "alice beta ticket:read@event/hamlet -> allow\n"
     "alice beta ticket:read@event/beta/hamlet -> allow\n"
     "alice beta ticket:read@event/acme/lent -> deny:8\n"},
    {"in o=platform only two-name events count",
     "membership platform/vera grant=+ticket:read@event/hamlet role=/r "
     "grant=+section:read@event/acme/hamlet grant=+price:edit@event/acme/*\n"
     "role /r grant=+ticket:delete@event/hamlet\n"
     "event platform/hamlet",
     "vera acme ticket:read@event/hamlet -> deny:8\n"
     "vera acme ticket:delete@event/hamlet -> deny:8\n"
     "vera platform ticket:read@event/hamlet -> deny:8\n"
     "vera platform ticket:delete@event/platform/hamlet -> deny:8\n"
     "vera acme section:read@event/hamlet -> allow\n"
     "vera acme price:edit@event/hamlet -> allow\n"},
    {"A one-name event in a query belongs to the organization asked about",
     "membership acme/alice grant=+ticket:read@event/acme/hamlet\n"
     "membership beta/alice grant=+ticket:read@event/acme/hamlet",
     "alice acme ticket:read@event/hamlet -> allow\n"
     "alice beta ticket:read@event/hamlet -> deny:8\n"},
    {"Equal events match however they are written",
     "membership acme/alice grant=+ticket:read@event/hamlet "
     "grant=-ticket:read@event/Acme/HAMLET",
     "alice acme ticket:read@event/hamlet -> deny:8\n"
     "alice acme ticket:read@event/acme/hamlet -> deny:8\n"
     "alice acme ticket:read@event/ACME/Hamlet -> deny:8\n"},
};

static const struct sentence layer_sentences[] = {
    {"The highest layer that says anything about the query decides",
     "membership acme/alice grant=-ticket:read role=/r grant=+section:read\n"
     "role /r grant=+ticket:read@event/hamlet grant=+ticket:delete grant=-section:read",
     "alice acme ticket:read@event/hamlet -> deny:8\n"
     "alice acme ticket:delete -> allow\n"
     "alice acme section:read -> allow\n"},
    {"within it the narrowest scope decides: one object, event/organization/*, type/*, unscoped",
     "membership acme/alice grant=-ticket:read grant=+ticket:read@event/* "
     "grant=-ticket:read@event/acme/* grant=+ticket:read@event/hamlet grant=+section:read "
     "grant=-section:read@payment/* grant=+section:read@payment/card\n"
     "event beta/lent shared=acme",
     "alice acme ticket:read -> deny:8\n"
     "alice acme ticket:read@event/beta/lent -> allow\n"
     "alice acme ticket:read@event/macbeth -> deny:8\n"
     "alice acme ticket:read@event/hamlet -> allow\n"
     "alice acme section:read@giftcard/1 -> allow\n"
     "alice acme section:read@payment/cash -> deny:8\n"
     "alice acme section:read@payment/card -> allow\n"},
    {"within that a denial beats a grant",
     "membership acme/alice role=/a role=/b\n"
     "role /a grant=+ticket:read grant=-section:read@event/hamlet\n"
     "role /b grant=-ticket:* grant=+*@event/hamlet",
     "alice acme ticket:read -> deny:8\n"
     "alice acme ticket:delete -> deny:8\n"
     "alice acme ticket:read@event/hamlet -> allow\n"
     "alice acme section:read@event/hamlet -> deny:8\n"},
    {"1. for a query on an event: the event membership's own usherGrant values",
     "membership acme/alice grant=+ticket:*\n"
     "event-membership acme/hamlet/alice grant=-ticket:delete role=/r\n"
     "role /r grant=+ticket:delete",
     "alice acme ticket:delete@event/hamlet -> deny:8\n"
     "alice acme ticket:delete@event/macbeth -> allow\n"
     "alice acme ticket:delete -> allow\n"},
    {"2. for a query on an event: the event membership's roles",
     "membership acme/alice grant=-ticket:read@event/hamlet\n"
     "event-membership acme/hamlet/alice role=/r\n"
     "role /r grant=+ticket:read\n"
     "group acme/g member=alice grant=-section:read\n",
     "alice acme ticket:read@event/hamlet -> allow\n"
     "alice acme ticket:read@event/macbeth -> deny:8\n"
     "alice acme ticket:read -> deny:8\n"},
    {"3. own values, 4. the usherGrant values of its groups, 5. the roles of both",
     "membership acme/alice grant=+ticket:read role=/r\n"
     "group acme/g member=alice grant=-ticket:read grant=+ticket:delete role=acme/s\n"
     "role /r grant=-ticket:delete grant=+section:read\n"
     "role acme/s grant=+section.users:read grant=-section:read",
     "alice acme ticket:read -> allow\n"
     "alice acme ticket:delete -> allow\n"
     "alice acme section.users:read -> allow\n"
     "alice acme section:read -> deny:8\n"},
    {"6. to 8. the same three for o=platform, which holds in every organization, also where the "
     "person has no membership",
     "membership platform/vera grant=+ticket:read role=platform/r role=/r\n"
     "group platform/g member=vera grant=+section:read grant=-ticket:read\n"
     "role platform/r grant=+ticket:delete grant=-section:read\n"
     "role /r grant=+section.users:read\n"
     "membership platform/alice grant=+ticket:read grant=+ticket:delete\n"
     "membership acme/alice grant=-ticket:read",
     "vera acme ticket:read -> allow\n"
     "vera beta ticket:delete -> allow\n"
     "vera beta ticket:delete@event/hamlet -> allow\n"
     "vera acme section:read -> allow\n"
     "vera acme section.users:read -> allow\n"
     "vera platform ticket:read -> allow\n"
     "alice acme ticket:read -> deny:8\n"
     "alice acme ticket:delete -> allow\n"
     "alice beta ticket:read -> allow\n"},
    {"A membership, a group and a role refer to roles of their own organization or of <base> "
     "ou=roles; those only to each other",
     "membership acme/alice role=beta/r role=platform/r role=acme/in\n"
     "group acme/g member=alice role=beta/s\n"
     "role beta/r grant=+ticket:read\n"
     "role beta/s grant=+ticket:delete\n"
     "role platform/r grant=+section.users:read\n"
     "role acme/in role=/r role=beta/r\n"
     "role /r grant=+cash:open role=acme/own role=/t\n"
     "role /t grant=+price:edit\n"
     "role acme/own grant=+section:read",
     "alice acme ticket:read -> deny:8\n"
     "alice acme ticket:delete -> deny:8\n"
     "alice acme section.users:read -> deny:8\n"
     "alice acme cash:open;factor=totp -> allow\n"
     "alice acme price:edit -> allow\n"
     "alice acme section:read -> deny:8\n"},
    {"A group holds the people of its own organization's memberships",
     "membership acme/alice\n"
     "group acme/g member=alice member=erin grant=+ticket:read\n"
     "group beta/g member=alice grant=+ticket:delete\n"
     "event-membership acme/hamlet/erin",
     "alice acme ticket:read -> allow\n"
     "alice acme ticket:delete -> deny:8\n"
     "erin acme ticket:read -> deny:3\n"
     "erin acme ticket:read@event/hamlet -> deny:8\n"},
    {"A role stands with all that it includes",
     "membership acme/alice role=acme/a\n"
     "role acme/a role=acme/b grant=+ticket:read\n"
     "role acme/b role=/c grant=-ticket:read\n"
     "role /c grant=+ticket:delete",
     "alice acme ticket:delete -> allow\n"
     "alice acme ticket:read -> deny:8\n"},
    {"Roles on a circle of includes grant nothing, and what includes one gets nothing from it",
     "membership acme/alice role=acme/out role=acme/a\n"
     "membership beta/alice role=beta/self role=/x\n"
     "role acme/out role=acme/a grant=+ticket:read\n"
     "role acme/a role=acme/b role=acme/leaf grant=+ticket:delete\n"
     "role acme/b role=acme/a grant=+ticket:delete\n"
     "role acme/leaf grant=+section:read\n"
     "role beta/self role=beta/self grant=+ticket:delete\n"
     "role /x role=/y grant=+ticket:read\n"
     "role /y role=/x inactive",
     "alice acme ticket:read -> allow\n"
     "alice acme ticket:delete -> deny:8\n"
     "alice acme section:read -> deny:8\n"
     "alice beta ticket:delete -> deny:8\n"
     "alice beta ticket:read -> deny:8\n"},
    {"an inactive role or group says nothing",
     "membership acme/alice role=acme/off role=acme/on\n"
     "role acme/off inactive role=acme/below grant=-ticket:read\n"
     "role acme/below grant=+section:read\n"
     "role acme/on grant=+ticket:read\n"
     "group acme/g inactive member=alice role=acme/below grant=-ticket:read grant=+ticket:delete",
     "alice acme ticket:read -> allow\n"
     "alice acme section:read -> deny:8\n"
     "alice acme ticket:delete -> deny:8\n"},
    {"a value that does not parse or points where it may not is skipped",
     "membership acme/alice grant=+ticket:read grant=-ticket grant=-*.x:read grant=-*@event "
     "grant=-* role=nowhere role=/none\n"
     "membership beta/alice grant=+ticket:read grant=-ticket grant=-*@event role=nowhere",
     "alice acme ticket:read -> deny:8\n"
     "alice beta ticket:read -> allow\n"},
    {"A service has two layers: its usherGrant, then its usherRole",
     "service acme/till grant=-ticket:read role=/r role=beta/r\n"
     "service /office role=/r grant=+section:read@event/hamlet role=acme/own\n"
     "service beta/off inactive grant=+*\n"
     "role /r grant=+ticket:*\n"
     "role beta/r grant=+section:read\n"
     "role acme/own grant=+section:read",
     "acme/till acme ticket:read -> deny:8\n"
     "acme/till acme ticket:delete -> allow\n"
     "acme/till acme section:read -> deny:8\n"
     "acme/till beta ticket:delete -> deny:3\n"
     "/office acme ticket:delete -> allow\n"
     "/office beta ticket:delete@event/hamlet -> allow\n"
     "/office acme section:read -> deny:8\n"
     "/office acme section:read@event/hamlet -> deny:8\n"
     "beta/off beta ticket:read -> deny:2\n"
     "beta/none beta ticket:read -> deny:2\n"},
};

static const struct sentence setting_sentences[] = {
    {"Settings follow the same layers, with the organization's own usherSetting as the last",
     "organization acme setting=shared-events=read-only\n"
     "event beta/lent shared=acme\n"
     "event beta/loan shared=acme\n"
     "membership acme/alice grant=+price:edit role=acme/r\n"
     "membership acme/erin grant=+price:edit\n"
     "event-membership beta/loan/alice setting=shared-events=read-only\n"
     "role acme/r setting=shared-events=edit\n"
     "membership platform/vera grant=+price:edit setting=shared-events=edit\n"
     "membership platform/erin setting=shared-events=edit until=1000000",
     "alice acme price:edit@event/beta/lent -> allow\n"
     "alice acme price:edit@event/beta/loan -> deny:7\n"
     "vera acme price:edit@event/beta/lent -> allow\n"
     "erin acme price:edit@event/beta/lent -> deny:7\n"},
    {"Should one layer give several values, the greatest in byte order stands",
     "event beta/lent shared=acme\n"
     "membership acme/alice grant=+price:edit role=acme/a role=acme/b\n"
     "role acme/a setting=shared-events=read-only\n"
     "role acme/b setting=shared-events=edit\n"
     "membership acme/erin grant=+price:edit setting=shared-events=read-only "
     "setting=shared-events=zzz",
     "alice acme price:edit@event/beta/lent -> deny:7\n"
     "erin acme price:edit@event/beta/lent -> allow\n"},
    {"event-scope (all, specific; default all) and shared-events (edit, read-only; default edit)",
     "event beta/lent shared=acme\n"
     "membership acme/alice grant=+price:edit",
     "alice acme price:edit@event/hamlet -> allow\n"
     "alice acme price:edit@event/beta/lent -> allow\n"},
};

static const struct sentence step_sentences[] = {
    {"1. the permission, Q or the event named is unknown, Q is inactive, or the query does not "
     "parse",
     "membership acme/alice grant=+*\n"
     "membership shut/alice grant=+*",
     "alice acme none:such -> noperm\n"
     "alice none none:such -> noperm\n"
     "alice none ticket:read -> notfound\n"
     "alice shut ticket:read -> notfound\n"
     "alice acme ticket:read@event/unknown -> notfound\n"
     "alice acme ticket:read@event/none/hamlet -> notfound\n"
     "alice acme ticket: -> syntax\n"
     "none acme ticket:read@event/unknown -> notfound\n"},
    {"2. U is unknown or inactive: deny",
     "membership acme/gone grant=+*\n"
     "membership acme/none grant=+*",
     "gone acme ticket:read -> deny:2\n"
     "none acme ticket:read -> deny:2\n"},
    {"3. U's membership in Q, in the event (event queries only) and in the platform, each if "
     "active",
     "membership acme/alice inactive grant=+*\n"
     "membership beta/erin grant=+*\n"
     "event-membership acme/hamlet/erin grant=+ticket:read\n"
     "membership platform/vera inactive grant=+*",
     "alice acme ticket:read -> deny:3\n"
     "vera acme ticket:read -> deny:3\n"
     "erin acme ticket:read -> deny:3\n"
     "erin acme ticket:read@payment/hamlet -> deny:3\n"
     "erin acme ticket:read@event/macbeth -> deny:3\n"
     "erin acme ticket:read@event/hamlet -> allow\n"},
    {"and NotBefore <= now < NotAfter",
     "membership acme/alice grant=+* from=1000000 until=1000001\n"
     "membership beta/alice grant=+* from=1000001\n"
     "membership acme/erin grant=+* until=1000000\n"
     "membership platform/vera grant=+* from=999999 until=1000000",
     "alice acme ticket:read -> allow\n"
     "alice beta ticket:read -> deny:3\n"
     "erin acme ticket:read -> deny:3\n"
     "vera acme ticket:read -> deny:3\n"},
    {"an event membership also within those of its event",
     "event acme/over until=1000000\n"
     "event acme/soon from=1000001\n"
     "event acme/now from=1000000 until=1000001\n"
     "event-membership acme/over/erin grant=+*\n"
     "event-membership acme/soon/erin grant=+*\n"
     "event-membership acme/now/erin grant=+*\n"
     "membership acme/alice grant=+*",
     "erin acme ticket:read@event/over -> deny:3\n"
     "erin acme ticket:read@event/soon -> deny:3\n"
     "erin acme ticket:read@event/now -> allow\n"
     "alice acme ticket:read@event/over -> allow\n"},
    {"4. open to Q if Q is E, or Q is E's usherPrimary, or Q is in usherSharedWith, whoever asks",
     "organization acme primary=beta\n"
     "event beta/lent shared=acme\n"
     "membership acme/alice grant=+*\n"
     "membership beta/alice grant=+*\n"
     "event-membership beta/hamlet/erin grant=+*\n"
     "membership platform/vera grant=+*",
     "alice beta ticket:read@event/acme/hamlet -> allow\n"
     "alice acme ticket:read@event/beta/lent -> allow\n"
     "alice acme ticket:read@event/beta/hamlet -> deny:4\n"
     "erin acme ticket:read@event/beta/hamlet -> deny:4\n"
     "vera acme ticket:read@event/beta/hamlet -> deny:4\n"
     "erin beta ticket:read@event/hamlet -> allow\n"},
    {"5. with event-scope specific, an event query needs a valid event or platform membership",
     "organization acme setting=event-scope=specific\n"
     "membership acme/alice grant=+*\n"
     "event-membership acme/macbeth/alice\n"
     "membership acme/erin grant=+* setting=event-scope=all\n"
     "membership acme/vera grant=+*\n"
     "membership platform/vera",
     "alice acme ticket:read -> allow\n"
     "alice acme ticket:read@payment/card -> allow\n"
     "alice acme ticket:read@event/hamlet -> deny:5\n"
     "alice acme ticket:read@event/macbeth -> allow\n"
     "erin acme ticket:read@event/hamlet -> allow\n"
     "vera acme ticket:read@event/hamlet -> allow\n"},
    {"Without a valid membership in Q, event and platform memberships alone count",
     "membership acme/alice inactive grant=-* setting=event-scope=specific role=/r\n"
     "event-membership acme/hamlet/alice grant=+ticket:read\n"
     "role /r grant=+*",
     "alice acme ticket:read@event/hamlet -> allow\n"
     "alice acme ticket:delete@event/hamlet -> deny:8\n"
     "alice acme ticket:read -> deny:3\n"},
    {"6. a permission with usherChannel needs that channel in the query; else deny",
     "membership acme/alice grant=+*",
     "alice acme gate:scan -> deny:6\n"
     "alice acme gate:scan;channel=web -> deny:6\n"
     "alice acme gate:scan;factor=totp -> deny:6\n"
     "alice acme gate:scan;channel=app -> allow\n"
     "alice acme ticket:read;channel=app -> allow\n"},
    {"7. usherEditing on an event of an organization other than Q is denied where shared-events is "
     "read-only",
     "organization acme setting=shared-events=read-only\n"
     "event beta/lent shared=acme\n"
     "membership acme/alice grant=+*",
     "alice acme price:edit@event/beta/lent -> deny:7\n"
     "alice acme ticket:read@event/beta/lent -> allow\n"
     "alice acme price:edit@event/hamlet -> allow\n"
     "alice acme price:edit -> allow\n"},
    {"8. the layers decide; nothing said: deny", "membership acme/alice grant=+ticket:read",
     "alice acme ticket:read -> allow\n"
     "alice acme ticket:delete -> deny:8\n"},
    {"usherRequires names a permission that steps 6 to 8 do not allow for the same query: deny",
     "organization acme setting=shared-events=read-only\n"
     "event beta/lent shared=acme\n"
     "permission app:sell requires=gate:scan\n"
     "permission app:more requires=app:sell\n"
     "permission till:open requires=cash:open\n"
     "permission odd:one requires=no:such\n"
     "permission plan:edit requires=price:edit\n"
     "membership acme/alice grant=+* grant=-ticket:delete grant=+ticket:delete@event/hamlet",
     "alice acme order:void -> deny:8\n"
     "alice acme order:void@event/hamlet -> allow\n"
     "alice acme app:sell -> deny:8\n"
     "alice acme app:sell;channel=app -> allow\n"
     "alice acme app:more -> deny:8\n"
     "alice acme app:more;channel=app -> allow\n"
     "alice acme till:open -> allow\n"
     "alice acme odd:one -> deny:8\n"
     "alice acme plan:edit@event/beta/lent -> deny:8\n"
     "alice acme plan:edit@event/hamlet -> allow\n"},
    {"a circle of usherRequires denies",
     "permission a:a requires=b:b\n"
     "permission b:b requires=c:c\n"
     "permission c:c requires=b:b\n"
     "permission d:d requires=d:d\n"
     "membership acme/alice grant=+*",
     "alice acme a:a -> deny:8\n"
     "alice acme b:b -> deny:8\n"
     "alice acme d:d -> deny:8\n"},
    {"9. allowed, but usherFactor is set and the query's factor is none or absent: step-up",
     "membership acme/alice grant=+*\n"
     "membership beta/alice grant=-*",
     "alice acme cash:open -> stepup\n"
     "alice acme cash:open;factor=none -> stepup\n"
     "alice acme cash:open;factor=totp -> allow\n"
     "alice acme cash:open;factor=email -> allow\n"
     "alice acme cash:open;factor=sms -> allow\n"
     "alice beta cash:open -> deny:8\n"},
};

#define SENTENCES(name)                                                                            \
    static void test_##name(void **unused)                                                         \
    {                                                                                              \
        (void)unused;                                                                              \
        for (size_t i = 0; i < sizeof(name##_sentences) / sizeof(name##_sentences[0]); i++)        \
            sentence_check(&name##_sentences[i]);                                                  \
    }

SENTENCES(grammar)
SENTENCES(layer)
SENTENCES(setting)
SENTENCES(step)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grammar),
        cmocka_unit_test(test_layer),
        cmocka_unit_test(test_setting),
        cmocka_unit_test(test_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
