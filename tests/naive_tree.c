/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The tree of the naive evaluator: a list of entries, copied in and searched from its start.
 */
#include "naive.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct naive {
    struct naive_entry *entries;
    size_t count;
};

static const char *const kinds[NAIVE_KINDS] = {
    [NAIVE_PERMISSION] = "permission",
    [NAIVE_PERSON] = "person",
    [NAIVE_ORGANIZATION] = "organization",
    [NAIVE_MEMBERSHIP] = "membership",
    [NAIVE_EVENT_MEMBERSHIP] = "event membership",
    [NAIVE_GROUP] = "group",
    [NAIVE_ROLE] = "role",
    [NAIVE_EVENT] = "event",
    [NAIVE_SERVICE] = "service",
};

struct naive *naive_new(void)
{
    return mem_alloc(sizeof(struct naive));
}

static char *copy(const char *text)
{
    return text != NULL ? mem_strdup(text) : NULL;
}

static const char *const *list_copy(const char *const *list)
{
    size_t count = 0;
    const char **result;

    while (list != NULL && list[count] != NULL)
        count++;
    result = mem_array(count + 1, sizeof(*result));
    for (size_t i = 0; i < count; i++)
        result[i] = mem_strdup(list[i]);
    return result;
}

static void list_free(const char *const *list)
{
    for (size_t i = 0; list[i] != NULL; i++)
        free((char *)list[i]);
    free((void *)list);
}

void naive_free(struct naive *tree)
{
    if (tree == NULL)
        return;
    for (size_t i = 0; i < tree->count; i++) {
        struct naive_entry *entry = &tree->entries[i];

        free((char *)entry->organization);
        free((char *)entry->event);
        free((char *)entry->name);
        free((char *)entry->primary);
        free((char *)entry->channel);
        free((char *)entry->requires);
        list_free(entry->grants);
        list_free(entry->settings);
        list_free(entry->roles);
        list_free(entry->members);
        list_free(entry->shared_with);
    }
    free(tree->entries);
    free(tree);
}

void naive_add(struct naive *tree, const struct naive_entry *entry)
{
    struct naive_entry *own;

    tree->entries = mem_grow(tree->entries, tree->count + 1, sizeof(*tree->entries));
    own = &tree->entries[tree->count++];
    *own = *entry;
    own->organization = copy(entry->organization);
    own->event = copy(entry->event);
    own->name = copy(entry->name);
    own->primary = copy(entry->primary);
    own->channel = copy(entry->channel);
    own->requires = copy(entry->requires);
    own->grants = list_copy(entry->grants);
    own->settings = list_copy(entry->settings);
    own->roles = list_copy(entry->roles);
    own->members = list_copy(entry->members);
    own->shared_with = list_copy(entry->shared_with);
}

size_t naive_count(const struct naive *tree)
{
    return tree->count;
}

const struct naive_entry *naive_at(const struct naive *tree, size_t index)
{
    return &tree->entries[index];
}

/* NULL and "" are the same place; organizations and events have no case. */
static bool same_place(const char *a, const char *b)
{
    return strcasecmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

const struct naive_entry *naive_find(const struct naive *tree, enum naive_kind kind,
                                     const char *organization, const char *event, const char *name)
{
    bool without_case = kind == NAIVE_ORGANIZATION || kind == NAIVE_EVENT;

    for (size_t i = 0; i < tree->count; i++) {
        const struct naive_entry *entry = &tree->entries[i];

        if (entry->kind == kind && same_place(entry->organization, organization) &&
            same_place(entry->event, event) &&
            (without_case ? strcasecmp(entry->name, name) : strcmp(entry->name, name)) == 0)
            return entry;
    }
    return NULL;
}

static void print_text(FILE *file, const char *label, const char *text)
{
    if (text != NULL && text[0] != '\0')
        fprintf(file, "    %s: %s\n", label, text);
}

static void print_list(FILE *file, const char *label, const char *const *list)
{
    for (size_t i = 0; list[i] != NULL; i++)
        fprintf(file, "    %s: %s\n", label, list[i]);
}

static void print_entry(FILE *file, const struct naive_entry *entry)
{
    fprintf(file, "%s %s%s\n", kinds[entry->kind], entry->name,
            entry->inactive ? " (inactive)" : "");
    print_text(file, "in organization", entry->organization);
    print_text(file, "in event", entry->event);
    if (entry->not_before != 0)
        fprintf(file, "    not before: %lld\n", (long long)entry->not_before);
    if (entry->not_after != 0)
        fprintf(file, "    not after: %lld\n", (long long)entry->not_after);
    print_list(file, "grant", entry->grants);
    print_list(file, "setting", entry->settings);
    print_list(file, entry->kind == NAIVE_ROLE ? "include" : "role", entry->roles);
    print_list(file, "member", entry->members);
    print_list(file, "shared with", entry->shared_with);
    print_text(file, "primary", entry->primary);
    print_text(file, "channel", entry->channel);
    print_text(file, "requires", entry->requires);
    if (entry->editing)
        fprintf(file, "    editing\n");
    if (entry->factor)
        fprintf(file, "    factor\n");
}

void naive_print(const struct naive *tree, FILE *file)
{
    for (size_t i = 0; i < tree->count; i++)
        print_entry(file, &tree->entries[i]);
}
