/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One line at a time, cut in place.
 */
#include "tree_text.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define LIST_MAX 32

struct lists {
    const char *grants[LIST_MAX], *settings[LIST_MAX], *roles[LIST_MAX], *members[LIST_MAX],
        *shared_with[LIST_MAX];
};

static const struct {
    const char *name;
    enum naive_kind kind;
    int parts; /* of the place, by slashes */
} kinds[] = {
    {"permission", NAIVE_PERMISSION, 1},
    {"person", NAIVE_PERSON, 1},
    {"organization", NAIVE_ORGANIZATION, 1},
    {"membership", NAIVE_MEMBERSHIP, 2},
    {"event-membership", NAIVE_EVENT_MEMBERSHIP, 3},
    {"group", NAIVE_GROUP, 2},
    {"role", NAIVE_ROLE, 2},
    {"event", NAIVE_EVENT, 2},
    {"service", NAIVE_SERVICE, 2},
};

static void fail(const char *what)
{
    fprintf(stderr, "tree_read: %s\n", what);
    abort();
}

static void list_add(const char **list, const char *value)
{
    for (size_t i = 0; i + 1 < LIST_MAX; i++) {
        if (list[i] == NULL) {
            list[i] = value;
            return;
        }
    }
    fail(value);
}

static void read_place(struct naive_entry *entry, const char *kind, char *place)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].name, kind) != 0)
            continue;
        entry->kind = kinds[i].kind;
        if (kinds[i].parts > 1)
            entry->organization = strsep(&place, "/");
        if (kinds[i].parts > 2)
            entry->event = strsep(&place, "/");
        entry->name = place;
        if (place == NULL)
            fail(kind);
        return;
    }
    fail(kind);
}

static void read_word(struct naive_entry *entry, const char *word)
{
    if (strcmp(word, "inactive") == 0)
        entry->inactive = true;
    else if (strcmp(word, "editing") == 0)
        entry->editing = true;
    else if (strcmp(word, "factor") == 0)
        entry->factor = true;
    else
        fail(word);
}

static void read_pair(struct naive_entry *entry, struct lists *lists, const char *key,
                      const char *value)
{
    const struct {
        const char *key;
        const char **list;
        const char **text;
        int64_t *time;
    } keys[] = {
        {.key = "grant", .list = lists->grants},
        {.key = "setting", .list = lists->settings},
        {.key = "role", .list = lists->roles},
        {.key = "member", .list = lists->members},
        {.key = "shared", .list = lists->shared_with},
        {.key = "primary", .text = &entry->primary},
        {.key = "channel", .text = &entry->channel},
        {.key = "requires", .text = &entry->requires},
        {.key = "from", .time = &entry->not_before},
        {.key = "until", .time = &entry->not_after},
    };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(keys[i].key, key) != 0)
            continue;
        if (keys[i].list != NULL)
            list_add(keys[i].list, value);
        else if (keys[i].text != NULL)
            *keys[i].text = value;
        else
            *keys[i].time = strtoll(value, NULL, 10);
        return;
    }
    fail(key);
}

static void read_line(struct naive *tree, char *line)
{
    struct lists lists = {0};
    struct naive_entry entry = {
        .grants = lists.grants,
        .settings = lists.settings,
        .roles = lists.roles,
        .members = lists.members,
        .shared_with = lists.shared_with,
    };
    char *kind = strsep(&line, " "), *place = strsep(&line, " "), *word;

    if (place == NULL)
        fail(kind);
    read_place(&entry, kind, place);
    while ((word = strsep(&line, " ")) != NULL) {
        char *value = word;

        strsep(&value, "=");
        if (value == NULL)
            read_word(&entry, word);
        else
            read_pair(&entry, &lists, word, value);
    }
    naive_add(tree, &entry);
}

void tree_read(struct naive *tree, const char *text)
{
    char *copy = mem_strdup(text), *rest = copy, *line;

    while ((line = strsep(&rest, "\n")) != NULL)
        if (line[0] != '\0')
            read_line(tree, line);
    free(copy);
}

struct naive *tree_of(const char *text)
{
    struct naive *tree = naive_new();

    tree_read(tree, text);
    return tree;
}
