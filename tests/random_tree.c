/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Everything is drawn from word lists; text lives in one ring of buffers until naive_add copies it.
 */
#include "random_tree.h"

#include <string.h>

#define PICK(state, words) ((words)[random_below((state), sizeof(words) / sizeof((words)[0]))])
#define LIST_MAX           8

static const char *const organizations[] = {"acme", "beta", "gamma", "platform"};
static const char *const people[] = {"alice", "bob", "carol"};
static const char *const roles[] = {"r1", "r2", "r3", "r4", "r5"};
static const char *const events[] = {"hamlet", "macbeth"};
static const char *const permissions[] = {
    "ticket:read",      "ticket:delete",         "section:read",
    "sections:read",    "section.users:read",    "section.users.admin:update",
    "directory:read",   "directory.user:create", "cash:open",
    "app.scan:execute",
};

unsigned random_below(uint64_t *state, unsigned bound)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (unsigned)((z ^ z >> 31) % bound);
}

static bool one_in(uint64_t *state, unsigned n)
{
    return random_below(state, n) == 0;
}

/* A buffer that stays until 1023 more are taken. */
static char *text_buffer(void)
{
    static char ring[1024][256];
    static unsigned next;

    return ring[next++ % 1024];
}

static const char *random_scope(uint64_t *state, bool stored)
{
    static const char *const any[] = {
        "event/hamlet",          "event/HAMLET",        "event/macbeth", "event/acme/hamlet",
        "event/Beta/Hamlet",     "event/gamma/macbeth", "payment/card",  "payment/Card",
        "event/acme/macbeth",    "event/beta/macbeth",  "giftcard/7",    "event/beta/hamlet",
        "event/platform/hamlet",
    };
    static const char *const wide[] = {"event/*",       "event/acme/*", "event/BETA/*",
                                       "event/gamma/*", "payment/*",    "giftcard/*"};

    return stored && one_in(state, 3) ? PICK(state, wide) : PICK(state, any);
}

static const char *random_grant(uint64_t *state)
{
    static const char *const patterns[] = {
        "*",
        "*:*",
        "*:read",
        "section.*:*",
        "section.*:read",
        "section:*",
        "ticket:*",
        "directory:*",
        "directory.*:*",
        "directory.*:create",
        "nothing:read",
        "section.users.*:update",
    };
    static const char *const broken[] = {
        "ticket:read",
        "+ticket",
        "+Ticket:read",
        "+ticket:read@",
        "+ticket:read@event",
        "+*.a:read",
        "+ticket:read@event/*/hamlet",
        "",
        "+",
        "-*@",
        "+ticket.*",
        "+**",
        "+ticket:read@payment/a/b",
        " +*",
        "+*@event/acme/*/x",
        "+ticket:read;channel=app",
        "+*@event/*x",
    };
    char *text = text_buffer();

    if (one_in(state, 12))
        return PICK(state, broken);
    snprintf(text, 256, "%c%s", one_in(state, 4) ? '-' : '+',
             one_in(state, 2) ? PICK(state, patterns) : PICK(state, permissions));
    if (one_in(state, 2)) {
        strcat(text, "@");
        strcat(text, random_scope(state, true));
    }
    return text;
}

static const char *random_setting(uint64_t *state)
{
    static const char *const settings[] = {
        "event-scope=all",
        "event-scope=specific",
        "event-scope=specific",
        "shared-events=edit",
        "shared-events=read-only",
        "shared-events=read-only",
        "view=full",
        "event-scope",
        "=all",
        "event-scope=",
        "shared-events=Read-only",
        "event-scope=all=specific",
    };

    return PICK(state, settings);
}

static const char *random_role(uint64_t *state)
{
    static const char *const nowhere[] = {"acme/none", "/none", "r1", "delta/r1"};
    char *text = text_buffer();

    if (one_in(state, 12))
        return PICK(state, nowhere);
    snprintf(text, 256, "%s/%s", one_in(state, 3) ? "" : PICK(state, organizations),
             PICK(state, roles));
    return text;
}

/* A role that the entry of this organization may mostly refer to. */
static const char *near_role(uint64_t *state, const char *organization)
{
    char *text = text_buffer();

    if (one_in(state, 5))
        return random_role(state);
    snprintf(text, 256, "%s/%s", one_in(state, 2) ? "" : organization, PICK(state, roles));
    return text;
}

/* Fills a list with up to max things. */
static void random_list(uint64_t *state, const char *list[LIST_MAX], unsigned max,
                        const char *(*thing)(uint64_t *state))
{
    unsigned count = random_below(state, max + 1);

    for (unsigned i = 0; i < count; i++)
        list[i] = thing(state);
    list[count] = NULL;
}

static const char *random_person(uint64_t *state)
{
    return PICK(state, people);
}

static const char *random_organization(uint64_t *state)
{
    return PICK(state, organizations);
}

static int64_t random_time(uint64_t *state)
{
    static const int64_t offsets[] = {-100000, -1, 0, 1, 2, 100000};

    return RANDOM_NOW + PICK(state, offsets);
}

/* The lists of an entry while it is made. */
struct lists {
    const char *grants[LIST_MAX], *settings[LIST_MAX], *roles[LIST_MAX], *members[LIST_MAX],
        *shared[LIST_MAX];
};

static void fill_times(uint64_t *state, struct naive_entry *entry)
{
    if (one_in(state, 8))
        entry->not_before = random_time(state);
    if (one_in(state, 8))
        entry->not_after = random_time(state);
}

/* Fills what memberships, groups, roles and services share. */
static void fill_values(uint64_t *state, struct naive_entry *entry, struct lists *lists,
                        unsigned grants, unsigned role_max)
{
    unsigned count = random_below(state, role_max + 1);

    entry->inactive = one_in(state, 10);
    random_list(state, lists->grants, grants, random_grant);
    random_list(state, lists->settings, one_in(state, 3) ? 2 : 0, random_setting);
    for (unsigned i = 0; i < count; i++)
        lists->roles[i] = near_role(state, entry->organization != NULL ? entry->organization : "");
    lists->roles[count] = NULL;
    entry->grants = lists->grants;
    entry->settings = lists->settings;
    entry->roles = lists->roles;
}

static void add_permissions(uint64_t *state, struct naive *tree)
{
    static const char *const odd[] = {"none:such", "Broken:name", "directory:read"};
    size_t count = sizeof(permissions) / sizeof(permissions[0]);

    for (size_t i = 0; i < count; i++) {
        struct naive_entry entry = {.kind = NAIVE_PERMISSION, .name = permissions[i]};

        if (one_in(state, 30))
            continue;
        entry.channel = one_in(state, 6) ? "app" : one_in(state, 20) ? "" : NULL;
        entry.editing = one_in(state, 3);
        entry.factor = one_in(state, 4);
        if (one_in(state, 4))
        entry.requires = one_in(state, 8) ? PICK(state, odd) : PICK(state, permissions);
        naive_add(tree, &entry);
    }
}

static void add_roles(uint64_t *state, struct naive *tree, const char *organization)
{
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        struct naive_entry entry = {
            .kind = NAIVE_ROLE, .organization = organization, .name = roles[i]};
        struct lists lists;

        if (one_in(state, 6))
            continue;
        fill_values(state, &entry, &lists, 3, one_in(state, 2) ? 2 : 0);
        naive_add(tree, &entry);
    }
}

static void add_services(uint64_t *state, struct naive *tree, const char *organization)
{
    struct naive_entry entry = {
        .kind = NAIVE_SERVICE, .organization = organization, .name = "till"};
    struct lists lists;

    fill_values(state, &entry, &lists, 3, 2);
    entry.settings = NULL;
    naive_add(tree, &entry);
}

static void add_people(uint64_t *state, struct naive *tree)
{
    for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++) {
        struct naive_entry entry = {
            .kind = NAIVE_PERSON, .name = people[i], .inactive = one_in(state, 25)};

        if (!one_in(state, 20))
            naive_add(tree, &entry);
    }
}

static void add_memberships(uint64_t *state, struct naive *tree, const char *organization,
                            const char *event)
{
    for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++) {
        struct naive_entry entry = {
            .kind = event != NULL ? NAIVE_EVENT_MEMBERSHIP : NAIVE_MEMBERSHIP,
            .organization = organization,
            .event = event,
            .name = people[i],
        };
        struct lists lists;

        if (strcmp(organization, "platform") == 0 || event != NULL ? !one_in(state, 3)
                                                                   : one_in(state, 6))
            continue;
        fill_values(state, &entry, &lists, 4, 3);
        fill_times(state, &entry);
        naive_add(tree, &entry);
    }
}

static void add_events(uint64_t *state, struct naive *tree, const char *organization)
{
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        struct naive_entry entry = {
            .kind = NAIVE_EVENT, .organization = organization, .name = events[i]};
        struct lists lists;

        if (one_in(state, 20))
            continue;
        random_list(state, lists.shared, 3, random_organization);
        entry.shared_with = lists.shared;
        fill_times(state, &entry);
        naive_add(tree, &entry);
        add_memberships(state, tree, organization, events[i]);
    }
}

static void add_groups(uint64_t *state, struct naive *tree, const char *organization)
{
    static const char *const names[] = {"g1", "g2"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct naive_entry entry = {
            .kind = NAIVE_GROUP, .organization = organization, .name = names[i]};
        struct lists lists;

        fill_values(state, &entry, &lists, 2, 2);
        random_list(state, lists.members, 3, random_person);
        entry.members = lists.members;
        naive_add(tree, &entry);
    }
}

static void add_organization(uint64_t *state, struct naive *tree, const char *name)
{
    struct naive_entry entry = {
        .kind = NAIVE_ORGANIZATION, .name = name, .inactive = one_in(state, 25)};
    struct lists lists;

    random_list(state, lists.settings, 2, random_setting);
    entry.settings = lists.settings;
    if (one_in(state, 2))
        entry.primary = PICK(state, organizations);
    naive_add(tree, &entry);
    add_roles(state, tree, name);
    add_services(state, tree, name);
    add_groups(state, tree, name);
    add_memberships(state, tree, name, NULL);
    add_events(state, tree, name);
}

struct naive *random_tree(uint64_t *state)
{
    struct naive *tree = naive_new();

    add_permissions(state, tree);
    add_people(state, tree);
    add_roles(state, tree, NULL);
    add_services(state, tree, NULL);
    for (size_t i = 0; i < sizeof(organizations) / sizeof(organizations[0]); i++)
        add_organization(state, tree, organizations[i]);
    return tree;
}

static void random_query(uint64_t *state, char text[256])
{
    static const char *const options[] = {
        ";channel=app",
        ";channel=web",
        ";factor=none",
        ";factor=totp",
        ";factor=sms",
        ";channel=app;factor=totp",
        ";factor=email;channel=app",
    };
    static const char *const broken[] = {
        "ticket",
        "ticket:*",
        "*",
        "+ticket:read",
        "ticket:read@event/*",
        "ticket:read@event/acme/*",
        "ticket:read;factor=retina",
        "ticket:read;",
        "ticket:read@payment/*",
        "",
        "Ticket:read",
        "ticket:read;channel=app;channel=web",
        "ticket:read@",
        "ticket:read@event/a/b/c",
    };

    if (one_in(state, 30)) {
        strcpy(text, PICK(state, broken));
        return;
    }
    strcpy(text, one_in(state, 40) ? "none:such" : PICK(state, permissions));
    if (!one_in(state, 3)) {
        strcat(text, "@");
        strcat(text, one_in(state, 40) ? "event/unknown" : random_scope(state, false));
    }
    if (one_in(state, 2))
        strcat(text, PICK(state, options));
}

struct random_question random_question(uint64_t *state)
{
    struct random_question question = {
        .person = one_in(state, 60) ? "mallory" : PICK(state, people),
        .organization = one_in(state, 60) ? "delta" : PICK(state, organizations),
        .now_ms = RANDOM_NOW + (int64_t)random_below(state, 3) - 1,
    };

    if (one_in(state, 10)) {
        question.person = NULL;
        question.service = one_in(state, 30) ? "none" : "till";
        question.service_organization = one_in(state, 2) ? "" : PICK(state, organizations);
    }
    if (one_in(state, 20))
        question.organization = "ACME";
    random_query(state, question.query);
    return question;
}
