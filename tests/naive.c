/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The evaluation: the steps and layers of DESIGN 4, each sentence in one place. The tree itself is
 * in naive_tree.c, the reading of values and queries in naive_text.c.
 */
#include "naive.h"
#include "naive_text.h"
#include "base/err.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LAYERS_MAX   8
#define SOURCES_MAX  512
#define REQUIRES_MAX 64

/* An entry whose values stand in a layer. */
struct source {
    const struct naive_entry *entry;
    const char
        *events_of; /* organization that its one-name events belong to; NULL: they count not */
};

struct layer {
    struct source sources[SOURCES_MAX];
    size_t count;
};

struct question {
    const struct naive *tree;
    const char *organization; /* Q */
    struct naive_query query;
    const char *event_organization; /* of the event asked about */
    const struct naive_entry *own, *platform,
        *event;           /* valid memberships (or the service as own) */
    struct layer *layers; /* from the highest */
    size_t layer_count;
};

enum says { NOTHING, GRANT, DENY };

static bool is_base(const char *organization)
{
    return organization == NULL || organization[0] == '\0';
}

/* "A membership, a group and a role refer to roles of their own organization or of <base> ou=roles;
 * those only to each other." */
static const struct naive_entry *referred_role(const struct naive *tree,
                                               const struct naive_entry *from, const char *ref)
{
    const char *slash = strchr(ref, '/');
    const struct naive_entry *role = NULL;
    char *organization;

    if (slash == NULL)
        return NULL;
    organization = strndup(ref, (size_t)(slash - ref));
    if (is_base(organization) ||
        (!is_base(from->organization) && strcasecmp(organization, from->organization) == 0))
        role = naive_find(tree, NAIVE_ROLE, organization, NULL, slash + 1);
    free(organization);
    return role;
}

/* Whether includes lead from one role to another (in one step or more). */
static bool leads_to(const struct naive *tree, const struct naive_entry *from,
                     const struct naive_entry *to, const struct naive_entry **seen, size_t *count)
{
    for (const char *const *ref = from->roles; ref != NULL && *ref != NULL; ref++) {
        const struct naive_entry *role = referred_role(tree, from, *ref);
        bool known = false;

        if (role == NULL)
            continue;
        if (role == to)
            return true;
        for (size_t i = 0; i < *count; i++)
            known = known || seen[i] == role;
        if (known || *count == SOURCES_MAX)
            continue;
        seen[(*count)++] = role;
        if (leads_to(tree, role, to, seen, count))
            return true;
    }
    return false;
}

static bool on_circle(const struct naive *tree, const struct naive_entry *role)
{
    const struct naive_entry *seen[SOURCES_MAX];
    size_t count = 0;

    return leads_to(tree, role, role, seen, &count);
}

/* "A one-name event in a stored value belongs to the organization that holds the entry; in a role
 * under <base> ou=roles, to the organization of the membership that uses it; in o=platform only
 * two-name events count." */
static const char *events_of(const struct naive_entry *entry, const struct naive_entry *membership)
{
    const char *organization =
        is_base(entry->organization) ? membership->organization : entry->organization;

    if (is_base(organization) || strcasecmp(organization, "platform") == 0)
        return NULL;
    return organization;
}

static void layer_add(struct layer *layer, const struct naive_entry *entry,
                      const struct naive_entry *membership)
{
    if (layer->count == SOURCES_MAX)
        abort();
    layer->sources[layer->count++] =
        (struct source){.entry = entry, .events_of = events_of(entry, membership)};
}

/* "A role stands with all that it includes. Roles on a circle of includes grant nothing, and what
 * includes one gets nothing from it; an inactive role or group says nothing." */
static void add_role(const struct naive *tree, struct layer *layer, const struct naive_entry *role,
                     const struct naive_entry *membership)
{
    if (role == NULL || role->inactive || on_circle(tree, role))
        return;
    for (size_t i = 0; i < layer->count; i++)
        if (layer->sources[i].entry == role)
            return;
    layer_add(layer, role, membership);
    for (const char *const *ref = role->roles; ref != NULL && *ref != NULL; ref++)
        add_role(tree, layer, referred_role(tree, role, *ref), membership);
}

static void add_roles(const struct naive *tree, struct layer *layer,
                      const struct naive_entry *owner, const struct naive_entry *membership)
{
    for (const char *const *ref = owner->roles; ref != NULL && *ref != NULL; ref++)
        add_role(tree, layer, referred_role(tree, owner, *ref), membership);
}

/* "A group holds the people of its own organization's memberships." */
static bool in_group(const struct naive_entry *entry, const struct naive_entry *membership)
{
    if (entry->kind != NAIVE_GROUP || entry->inactive ||
        strcasecmp(entry->organization, membership->organization) != 0)
        return false;
    for (const char *const *member = entry->members; member != NULL && *member != NULL; member++)
        if (strcmp(*member, membership->name) == 0)
            return true;
    return false;
}

static struct layer *next_layer(struct question *question)
{
    return &question->layers[question->layer_count++];
}

/* The layers that one membership (or service) gives: with groups three, else two. */
static void add_layers(struct question *question, const struct naive_entry *membership, bool groups)
{
    const struct naive *tree = question->tree;
    struct layer *grouped, *roles;

    if (membership == NULL)
        return;
    layer_add(next_layer(question), membership, membership);
    grouped = groups ? next_layer(question) : NULL;
    roles = next_layer(question);
    add_roles(tree, roles, membership, membership);
    for (size_t i = 0; groups && i < naive_count(tree); i++) {
        const struct naive_entry *group = naive_at(tree, i);

        if (!in_group(group, membership))
            continue;
        layer_add(grouped, group, membership);
        add_roles(tree, roles, group, membership);
    }
}

/* How narrow the value's scope is among those that hold the query's object; 0: it does not. */
static int narrowness(const struct question *question, const struct naive_value *value,
                      const char *events_of)
{
    const struct naive_scope *has = &value->scope, *asked = &question->query.scope;
    const char *organization;

    if (!has->present)
        return 1;
    if (!asked->present || strcmp(has->type, asked->type) != 0)
        return 0;
    if (strcmp(has->type, "event") != 0)
        return strcmp(has->name, "*") == 0 ? 2 : strcmp(has->name, asked->name) == 0 ? 4 : 0;
    if (has->organization == NULL && strcmp(has->name, "*") == 0)
        return 2;
    organization = has->organization != NULL ? has->organization : events_of;
    if (organization == NULL || strcasecmp(organization, question->event_organization) != 0)
        return 0;
    if (strcmp(has->name, "*") == 0)
        return 3;
    return strcasecmp(has->name, asked->name) == 0 ? 4 : 0;
}

/* "Within it the narrowest scope decides, and within that a denial beats a grant." */
static enum says layer_says(const struct question *question, const struct layer *layer,
                            const char *permission)
{
    int narrowest = 0;
    enum says says = NOTHING;

    for (size_t i = 0; i < layer->count; i++) {
        const struct source *source = &layer->sources[i];

        for (const char *const *text = source->entry->grants; text != NULL && *text != NULL;
             text++) {
            struct naive_value value;
            int narrow;

            if (!naive_read_grant(*text, &value))
                continue;
            narrow = naive_covers(&value, permission)
                         ? narrowness(question, &value, source->events_of)
                         : 0;
            if (narrow > narrowest)
                says = NOTHING;
            if (narrow > 0 && narrow >= narrowest) {
                narrowest = narrow;
                says = value.denial || says == DENY ? DENY : GRANT;
            }
        }
    }
    return says;
}

/* Looks through the settings of one entry; *best is the greatest value so far or NULL. */
static void greatest_setting(const struct naive_entry *entry, const char *name, const char **best)
{
    size_t length = strlen(name);

    for (const char *const *text = entry->settings; text != NULL && *text != NULL; text++)
        if (strncmp(*text, name, length) == 0 && (*text)[length] == '=' &&
            (*best == NULL || strcmp(*text + length + 1, *best) > 0))
            *best = *text + length + 1;
}

/* "Settings follow the same layers, with the organization's own usherSetting as the last. Should
 * one layer give several values, the greatest in byte order stands." */
static bool setting_is(const struct question *question, const char *name, const char *value)
{
    const char *best = NULL;

    for (size_t i = 0; i < question->layer_count && best == NULL; i++)
        for (size_t j = 0; j < question->layers[i].count; j++)
            greatest_setting(question->layers[i].sources[j].entry, name, &best);
    if (best == NULL)
        greatest_setting(
            naive_find(question->tree, NAIVE_ORGANIZATION, NULL, NULL, question->organization),
            name, &best);
    return best != NULL && strcmp(best, value) == 0;
}

/* Steps 6 to 8 for one permission: 0 or the number of the one that denies. */
static int permission_step(const struct question *question, const char *name, int depth)
{
    const struct naive_entry *permission =
        naive_find(question->tree, NAIVE_PERMISSION, NULL, NULL, name);
    const struct naive_query *query = &question->query;
    enum says says = NOTHING;

    if (permission == NULL || !naive_is_permission(name) || depth > REQUIRES_MAX)
        return 8;
    if (permission->channel != NULL && permission->channel[0] != '\0' &&
        (query->channel[0] == '\0' || strcmp(permission->channel, query->channel) != 0))
        return 6;
    if (permission->editing && query->on_event &&
        strcasecmp(question->event_organization, question->organization) != 0 &&
        setting_is(question, "shared-events", "read-only"))
        return 7;
    for (size_t i = 0; i < question->layer_count && says == NOTHING; i++)
        says = layer_says(question, &question->layers[i], name);
    if (says != GRANT)
        return 8;
    if (permission->requires != NULL && permission->requires[0] != '\0' &&
        permission_step(question, permission->requires, depth + 1) != 0)
        return 8;
    return 0;
}

/* "Each if active and NotBefore <= now < NotAfter." */
static bool in_time(const struct naive_entry *entry, int64_t now_ms)
{
    return !entry->inactive && (entry->not_before == 0 || entry->not_before <= now_ms) &&
           (entry->not_after == 0 || now_ms < entry->not_after);
}

static const struct naive_entry *valid_membership(const struct naive *tree, enum naive_kind kind,
                                                  const char *organization, const char *event,
                                                  const char *person, int64_t now_ms)
{
    const struct naive_entry *entry = naive_find(tree, kind, organization, event, person);

    return entry != NULL && in_time(entry, now_ms) ? entry : NULL;
}

/* "An event of organization E is open to Q if Q is E, or Q is E's usherPrimary, or Q is in the
 * event's usherSharedWith." */
static bool is_open(const struct question *question, const struct naive_entry *event)
{
    const char *q = question->organization;
    const struct naive_entry *owner =
        naive_find(question->tree, NAIVE_ORGANIZATION, NULL, NULL, event->organization);

    if (strcasecmp(event->organization, q) == 0)
        return true;
    if (owner != NULL && owner->primary != NULL && strcasecmp(owner->primary, q) == 0)
        return true;
    for (const char *const *with = event->shared_with; with != NULL && *with != NULL; with++)
        if (strcasecmp(*with, q) == 0)
            return true;
    return false;
}

static struct naive_answer answer(int result, int step)
{
    return (struct naive_answer){.result = result, .step = step};
}

/* Step 1; sets the event of an event query. */
static int unknown(struct question *question, const struct naive_entry **event)
{
    const struct naive_query *query = &question->query;
    const struct naive_entry *organization =
        naive_find(question->tree, NAIVE_ORGANIZATION, NULL, NULL, question->organization);

    if (naive_find(question->tree, NAIVE_PERMISSION, NULL, NULL, query->permission) == NULL)
        return E_NOPERM;
    if (organization == NULL || organization->inactive)
        return E_NOTFOUND;
    if (!query->on_event)
        return 0;
    question->event_organization =
        query->scope.organization != NULL ? query->scope.organization : question->organization;
    *event = naive_find(question->tree, NAIVE_EVENT, question->event_organization, NULL,
                        query->scope.name);
    return *event == NULL ? E_NOTFOUND : 0;
}

/* Steps 4 to 9, the memberships being known. */
static struct naive_answer decide_rest(struct question *question, const struct naive_entry *event)
{
    const struct naive_query *query = &question->query;
    const struct naive_entry *asked;
    int step;

    add_layers(question, question->event, false);
    add_layers(question, question->own,
               question->own != NULL && question->own->kind == NAIVE_MEMBERSHIP);
    add_layers(question, question->platform, true);
    if (event != NULL && !is_open(question, event))
        return answer(E_DENIED, 4);
    if (event != NULL && question->event == NULL && question->platform == NULL &&
        setting_is(question, "event-scope", "specific"))
        return answer(E_DENIED, 5);
    step = permission_step(question, query->permission, 0);
    if (step != 0)
        return answer(E_DENIED, step);
    asked = naive_find(question->tree, NAIVE_PERMISSION, NULL, NULL, query->permission);
    if (asked->factor && (query->factor[0] == '\0' || strcmp(query->factor, "none") == 0))
        return answer(E_STEPUP, 9);
    return answer(0, 8);
}

static struct naive_answer with_layers(struct question *question, const struct naive_entry *event)
{
    struct naive_answer result;

    question->layers = calloc(LAYERS_MAX, sizeof(*question->layers));
    if (question->layers == NULL)
        abort();
    result = decide_rest(question, event);
    free(question->layers);
    return result;
}

struct naive_answer naive_decide(const struct naive *tree, const char *person,
                                 const char *organization, const char *query, int64_t now_ms)
{
    struct question question = {.tree = tree, .organization = organization};
    const struct naive_entry *event = NULL, *who;
    int err;

    if (!naive_read_query(query, &question.query))
        return answer(E_SYNTAX, 1);
    err = unknown(&question, &event);
    if (err != 0)
        return answer(err, 1);
    who = naive_find(tree, NAIVE_PERSON, NULL, NULL, person);
    if (who == NULL || who->inactive)
        return answer(E_DENIED, 2);
    question.own = valid_membership(tree, NAIVE_MEMBERSHIP, organization, NULL, person, now_ms);
    question.platform = valid_membership(tree, NAIVE_MEMBERSHIP, "platform", NULL, person, now_ms);
    if (event != NULL && in_time(event, now_ms))
        question.event = valid_membership(tree, NAIVE_EVENT_MEMBERSHIP, event->organization,
                                          event->name, person, now_ms);
    if (question.own == NULL && question.platform == NULL && question.event == NULL)
        return answer(E_DENIED, 3);
    return with_layers(&question, event);
}

struct naive_answer naive_decide_service(const struct naive *tree, const char *service_organization,
                                         const char *service, const char *organization,
                                         const char *query, int64_t now_ms)
{
    struct question question = {.tree = tree, .organization = organization};
    const struct naive_entry *event = NULL, *who;
    int err;

    (void)now_ms; /* services have no times */
    if (!naive_read_query(query, &question.query))
        return answer(E_SYNTAX, 1);
    err = unknown(&question, &event);
    if (err != 0)
        return answer(err, 1);
    who = naive_find(tree, NAIVE_SERVICE, service_organization, NULL, service);
    if (who == NULL || who->inactive)
        return answer(E_DENIED, 2);
    if (!is_base(service_organization) && strcasecmp(service_organization, organization) != 0)
        return answer(E_DENIED, 3);
    question.own = who;
    return with_layers(&question, event);
}
