/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An entry's UUID is made of its kind and place, so that the same place is the same entry in every
 * tree. Attributes of one entry live in an arena until the state has read them.
 */
#include "state_tree.h"
#include "base/clock.h"
#include "base/err.h"
#include "cache/rights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ATTRIBUTES_MAX 24

struct writer {
    struct arena *arena;
    struct attribute attributes[ATTRIBUTES_MAX];
    size_t count;
};

static const char *const class_names[NAIVE_KINDS] = {
    [NAIVE_PERMISSION] = "usherPermission",
    [NAIVE_PERSON] = "usherPerson",
    [NAIVE_ORGANIZATION] = "usherOrganization",
    [NAIVE_MEMBERSHIP] = "usherMembership",
    [NAIVE_EVENT_MEMBERSHIP] = "usherMembership",
    [NAIVE_GROUP] = "usherGroup",
    [NAIVE_ROLE] = "usherRole",
    [NAIVE_EVENT] = "usherEvent",
    [NAIVE_SERVICE] = "usherService",
};

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

char *state_tree_directory(void)
{
    char *directory = mem_strdup("/tmp/usher-state-XXXXXX");

    if (mkdtemp(directory) == NULL)
        abort();
    return directory;
}

void state_tree_remove(char *directory)
{
    static const char *const files[] = {"state/data.mdb", "state/lock.mdb", "state/lock",
                                        "state/unsynced", "rights",         "rights.new"};
    char *path;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        path = mem_printf("%s/%s", directory, files[i]);
        (void)unlink(path);
        free(path);
    }
    path = mem_printf("%s/state", directory);
    (void)rmdir(path);
    free(path);
    (void)rmdir(directory);
    free(directory);
}

static void on_problem_counted(void *context, struct slice dn, const char *text)
{
    unsigned *problems = context;

    (*problems)++;
    if (getenv("STATE_TREE_SHOW") != NULL)
        fprintf(stderr, "%.*s %s\n", SLICE_ARG(dn), text);
}

int state_tree_open(const char *directory, unsigned *problems, struct state **ret)
{
    const struct state_options options = {
        .directory = directory,
        .base = slice_of(STATE_TREE_BASE),
        .max_age_ms = 86400000, /* a run may take minutes on a busy machine */
        .gid = (gid_t)-1,
        .map_size = (size_t)256 << 20,
        .on_problem = problems != NULL ? on_problem_counted : NULL,
        .context = problems,
    };

    return state_open(&options, ret);
}

void state_tree_uuid(const struct naive_entry *entry, uint8_t ret[STATE_UUID])
{
    char *text = mem_printf("%d/%s/%s/%s", (int)entry->kind,
                            is_set(entry->organization) ? entry->organization : "",
                            is_set(entry->event) ? entry->event : "", entry->name);
    uint64_t hash[2] = {UINT64_C(0xcbf29ce484222325), UINT64_C(0x9e3779b97f4a7c15)};

    for (size_t i = 0; text[i] != '\0'; i++)
        for (size_t j = 0; j < 2; j++)
            hash[j] = (hash[j] ^ (unsigned char)text[i]) * (UINT64_C(0x100000001b3) + 2 * j);
    memcpy(ret, hash, STATE_UUID);
    free(text);
}

char *state_tree_dn(const struct naive_entry *entry)
{
    static const char *const containers[NAIVE_KINDS] = {
        [NAIVE_PERMISSION] = "permissions",
        [NAIVE_PERSON] = "people",
        [NAIVE_MEMBERSHIP] = "members",
        [NAIVE_GROUP] = "groups",
        [NAIVE_ROLE] = "roles",
        [NAIVE_EVENT] = "events",
        [NAIVE_SERVICE] = "services",
    };
    const char *type = entry->kind == NAIVE_PERSON ? "uid" : "cn";

    if (entry->kind == NAIVE_ORGANIZATION)
        return mem_printf("o=%s," STATE_TREE_BASE, entry->name);
    if (entry->kind == NAIVE_EVENT_MEMBERSHIP)
        return mem_printf("cn=%s,ou=members,cn=%s,ou=events,o=%s," STATE_TREE_BASE, entry->name,
                          entry->event, entry->organization);
    if (is_set(entry->organization))
        return mem_printf("%s=%s,ou=%s,o=%s," STATE_TREE_BASE, type, entry->name,
                          containers[entry->kind], entry->organization);
    return mem_printf("%s=%s,ou=%s," STATE_TREE_BASE, type, entry->name, containers[entry->kind]);
}

static void write_values(struct writer *writer, const char *name, struct slice *values,
                         size_t count)
{
    if (count > 0)
        writer->attributes[writer->count++] =
            (struct attribute){.name = slice_of(name), .values = values, .value_count = count};
}

static void write_text(struct writer *writer, const char *name, const char *text)
{
    struct slice *value = arena_alloc(writer->arena, sizeof(*value));

    *value = arena_copy(writer->arena, slice_of(text));
    write_values(writer, name, value, 1);
}

static size_t list_length(const char *const *list)
{
    size_t count = 0;

    while (list != NULL && list[count] != NULL)
        count++;
    return count;
}

static void write_list(struct writer *writer, const char *name, const char *const *list)
{
    size_t count = list_length(list);
    struct slice *values = arena_alloc(writer->arena, count * sizeof(*values));

    for (size_t i = 0; i < count; i++)
        values[i] = arena_copy(writer->arena, slice_of(list[i]));
    write_values(writer, name, values, count);
}

/* References of the naive tree, as DNs of this kind. */
static void write_references(struct writer *writer, const char *name, enum naive_kind kind,
                             const char *const *list)
{
    size_t count = list_length(list);
    struct slice *values = arena_alloc(writer->arena, count * sizeof(*values));

    for (size_t i = 0; i < count; i++) {
        const char *slash = strchr(list[i], '/');
        char *organization = NULL, *dn;
        struct naive_entry target = {.kind = kind, .name = list[i]};

        if (kind == NAIVE_ROLE && slash != NULL) {
            organization = slice_dup((struct slice){list[i], (size_t)(slash - list[i])});
            target.organization = organization;
            target.name = slash + 1;
        }
        dn = kind == NAIVE_ROLE && slash == NULL ? mem_printf("cn=%s,ou=nowhere", list[i])
                                                 : state_tree_dn(&target);
        values[i] = arena_copy(writer->arena, slice_of(dn));
        free(organization);
        free(dn);
    }
    write_values(writer, name, values, count);
}

static void write_time(struct writer *writer, const char *name, int64_t ms)
{
    char seconds[CLOCK_TEXT_MAX], *text;

    if (ms == 0)
        return;
    clock_format(ms, seconds);
    text = mem_printf("%.14s.%03dZ", seconds, (int)(ms % 1000));
    write_text(writer, name, text);
    free(text);
}

static void write_entry(struct writer *writer, const struct naive_entry *entry)
{
    const char *person[] = {entry->name, NULL}, *primary[] = {entry->primary, NULL};
    bool membership = entry->kind == NAIVE_MEMBERSHIP || entry->kind == NAIVE_EVENT_MEMBERSHIP;

    write_text(writer, "objectClass", class_names[entry->kind]);
    write_text(writer, "description", "what the evaluator does not know");
    if (entry->inactive)
        write_text(writer, "usherActive", "FALSE");
    if (membership)
        write_references(writer, "usherMember", NAIVE_PERSON, person);
    write_time(writer, "usherNotBefore", entry->not_before);
    write_time(writer, "usherNotAfter", entry->not_after);
    write_list(writer, "usherGrant", entry->grants);
    write_list(writer, "usherSetting", entry->settings);
    write_references(writer, entry->kind == NAIVE_ROLE ? "usherInclude" : "usherRole", NAIVE_ROLE,
                     entry->roles);
    write_references(writer, "member", NAIVE_PERSON, entry->members);
    write_references(writer, "usherSharedWith", NAIVE_ORGANIZATION, entry->shared_with);
    write_references(writer, "usherPrimary", NAIVE_ORGANIZATION, primary);
    if (entry->channel != NULL)
        write_text(writer, "usherChannel", entry->channel);
    if (entry->requires != NULL)
        write_text(writer, "usherRequires", entry->requires);
    if (entry->editing)
        write_text(writer, "usherEditing", "TRUE");
    if (entry->factor)
        write_text(writer, "usherFactor", "TRUE");
}

int state_tree_put(struct state *state, const uint8_t *uuid, const struct naive_entry *entry)
{
    struct writer writer = {.arena = arena_new()};
    uint8_t own[STATE_UUID];
    char *dn = state_tree_dn(entry);
    int err;

    write_entry(&writer, entry);
    state_tree_uuid(entry, own);
    err =
        state_put(state, uuid != NULL ? uuid : own, slice_of(dn), writer.attributes, writer.count);
    free(dn);
    arena_free(writer.arena);
    return err;
}

static const struct naive_entry *same_place(const struct naive *tree,
                                            const struct naive_entry *entry)
{
    return naive_find(tree, entry->kind, entry->organization, entry->event, entry->name);
}

int state_tree_change(struct state *state, const struct naive *from, const struct naive *to)
{
    uint8_t uuid[STATE_UUID];
    int err = 0;

    for (size_t i = 0; err == 0 && from != NULL && i < naive_count(from); i++) {
        if (same_place(to, naive_at(from, i)) != NULL)
            continue;
        state_tree_uuid(naive_at(from, i), uuid);
        err = state_delete(state, uuid);
    }
    for (size_t i = 0; err == 0 && i < naive_count(to); i++)
        if (same_place(to, naive_at(to, i)) == naive_at(to, i))
            err = state_tree_put(state, NULL, naive_at(to, i));
    return err;
}

int state_tree_fill(struct state *state, const struct naive *tree)
{
    int err = state_begin(state);

    if (err == 0)
        err = state_refresh_begin(state);
    if (err == 0)
        err = state_tree_change(state, NULL, tree);
    if (err == 0)
        err = state_refresh_end(state);
    if (err == 0)
        err = state_refresh_done(state);
    if (err == 0)
        return state_commit(state);
    state_abort(state);
    return err;
}

static int check(const struct rights *rights, const char *organization, const char *uid,
                 const char *text, int64_t now_ms, struct decision *ret)
{
    struct query query;
    int err = query_parse(slice_of(text), &query);

    if (err != 0)
        return err;
    return rights_check(rights, slice_of(organization), slice_of(uid), &query, now_ms, ret);
}

/* The table as it stands; one that was never fresh is made so. */
static struct rights *rights_of(struct state *state, const char *directory)
{
    char *path = mem_printf("%s/rights", directory);
    struct rights_status status;
    struct rights *rights = NULL;

    if (rights_open(path, &rights) != 0)
        rights = NULL;
    if (rights != NULL) {
        rights_status(rights, &status);
        if (status.age_ms < 0)
            state_fresh(state, slice_of("csn"));
    }
    free(path);
    return rights;
}

int state_tree_check(struct state *state, const char *directory, const char *organization,
                     const char *uid, const char *query, int64_t now_ms)
{
    struct rights *rights = rights_of(state, directory);
    struct decision decision;
    int err =
        rights != NULL ? check(rights, organization, uid, query, now_ms, &decision) : E_NOTFOUND;

    rights_close(rights);
    return err;
}

#define WORDS_MAX 4096

/* Words to make questions of, each once. */
struct words {
    char *words[WORDS_MAX];
    size_t count;
};

struct comparison {
    const struct naive *tree;
    const struct rights *rights;
    int64_t now_ms;
    struct words organizations, people, permissions, scopes;
    unsigned asked;
    unsigned differences;
};

static void words_add(struct words *words, char *word)
{
    for (size_t i = 0; i < words->count; i++)
        if (strcmp(words->words[i], word) == 0) {
            free(word);
            return;
        }
    if (words->count == WORDS_MAX)
        abort();
    words->words[words->count++] = word;
}

static void words_clear(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->words[i]);
    words->count = 0;
}

/* Every object that a value of the tree names. */
static void gather_scopes(struct words *scopes, const struct naive_entry *entry)
{
    for (const char *const *grant = entry->grants; grant != NULL && *grant != NULL; grant++) {
        const char *at = strchr(*grant, '@');

        if (at != NULL && at[1] != '\0' && strpbrk(at, "*;") == NULL)
            words_add(scopes, mem_strdup(at));
    }
}

/* Everything that is named anywhere, present or not, and something that is not. */
static void gather(struct comparison *comparison)
{
    words_add(&comparison->organizations, mem_strdup("nowhere"));
    words_add(&comparison->people, mem_strdup("nobody"));
    words_add(&comparison->permissions, mem_strdup("unheard:of"));
    words_add(&comparison->scopes, mem_strdup("@event/unheard"));
    words_add(&comparison->scopes, mem_strdup("@payment/unheard"));
    for (size_t i = 0; i < naive_count(comparison->tree); i++) {
        const struct naive_entry *entry = naive_at(comparison->tree, i);

        gather_scopes(&comparison->scopes, entry);
        if (entry->kind == NAIVE_ORGANIZATION)
            words_add(&comparison->organizations, mem_strdup(entry->name));
        if (entry->kind == NAIVE_PERSON || entry->kind == NAIVE_MEMBERSHIP ||
            entry->kind == NAIVE_EVENT_MEMBERSHIP)
            words_add(&comparison->people, mem_strdup(entry->name));
        if (entry->kind == NAIVE_PERMISSION)
            words_add(&comparison->permissions, mem_strdup(entry->name));
        if (entry->kind == NAIVE_EVENT) {
            words_add(&comparison->scopes, mem_printf("@event/%s", entry->name));
            words_add(&comparison->scopes,
                      mem_printf("@event/%s/%s", entry->organization, entry->name));
        }
    }
}

static void compare(struct comparison *comparison, const char *organization, const char *uid,
                    const char *query)
{
    struct naive_answer want =
        naive_decide(comparison->tree, uid, organization, query, comparison->now_ms);
    struct decision got = {0};
    int result = check(comparison->rights, organization, uid, query, comparison->now_ms, &got);

    comparison->asked++;
    if (result == E_SYNTAX)
        got.step = 1;
    if (result == want.result && got.step == want.step)
        return;
    comparison->differences++;
    if (comparison->differences <= 10)
        fprintf(stderr, "%s in %s: %s: %s at step %d, not %s at %d\n", uid, organization, query,
                err_name(result), got.step, err_name(want.result), want.step);
}

/* One permission: unscoped with every option, and for every object with options by turns. */
static void compare_permission(struct comparison *comparison, const char *organization,
                               const char *uid, const char *permission)
{
    static const char *const options[] = {"", ";channel=app", ";factor=totp",
                                          ";channel=app;factor=totp"};
    const size_t count = sizeof(options) / sizeof(options[0]);
    char *query;

    for (size_t i = 0; i < count; i++) {
        query = mem_printf("%s%s", permission, options[i]);
        compare(comparison, organization, uid, query);
        free(query);
    }
    for (size_t i = 0; i < comparison->scopes.count; i++) {
        query = mem_printf("%s%s%s", permission, comparison->scopes.words[i],
                           options[comparison->asked % count]);
        compare(comparison, organization, uid, query);
        free(query);
    }
}

static void compare_all(struct comparison *comparison)
{
    for (size_t i = 0; i < comparison->organizations.count; i++)
        for (size_t j = 0; j < comparison->people.count; j++)
            for (size_t k = 0; k < comparison->permissions.count; k++)
                compare_permission(comparison, comparison->organizations.words[i],
                                   comparison->people.words[j], comparison->permissions.words[k]);
}

unsigned state_tree_differences(struct state *state, const char *directory,
                                const struct naive *tree, int64_t now_ms)
{
    struct rights *rights = rights_of(state, directory);
    struct comparison comparison = {.tree = tree, .rights = rights, .now_ms = now_ms};

    if (rights == NULL)
        return 1;
    gather(&comparison);
    compare_all(&comparison);
    words_clear(&comparison.organizations);
    words_clear(&comparison.people);
    words_clear(&comparison.permissions);
    words_clear(&comparison.scopes);
    rights_close(rights);
    return comparison.differences;
}
