/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The grammar of DESIGN 4 as regular expressions of its parts.
 */
#include "naive_text.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#define LABEL    "[abcdefghijklmnopqrstuvwxyz0123456789-]+"
#define RESOURCE LABEL "(\\." LABEL ")*"
#define NAME     "[abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-]{1,64}"

enum part {
    IS_LABEL,
    IS_ACTION,
    IS_RESOURCE,
    IS_PATTERN,
    IS_NAME,
    IS_NAME_OR_ALL,
    IS_FACTOR,
    PARTS
};

static const char *const expressions[PARTS] = {
    [IS_LABEL] = "^" LABEL "$",
    [IS_ACTION] = "^(" LABEL "|\\*)$",
    [IS_RESOURCE] = "^" RESOURCE "$",
    [IS_PATTERN] = "^(" RESOURCE "(\\.\\*)?|\\*)$",
    [IS_NAME] = "^" NAME "$",
    [IS_NAME_OR_ALL] = "^(" NAME "|\\*)$",
    [IS_FACTOR] = "^(none|totp|email|sms)$",
};

static bool matches(const char *text, enum part part)
{
    static regex_t compiled[PARTS];
    static bool ready[PARTS];

    if (!ready[part]) {
        if (regcomp(&compiled[part], expressions[part], REG_EXTENDED | REG_NOSUB) != 0)
            abort();
        ready[part] = true;
    }
    return regexec(&compiled[part], text, 0, NULL, 0) == 0;
}

/* Ends the text at the first such character and returns what follows it, or NULL. */
static char *cut(char *text, char separator)
{
    char *at = strchr(text, separator);

    if (at == NULL)
        return NULL;
    *at = '\0';
    return at + 1;
}

/* One or two names after the type; two, or an organization and all, for events alone. */
static bool read_scope(const char *text, struct naive_scope *ret)
{
    char *second, *third;

    strcpy(ret->buffer, text);
    second = cut(ret->buffer, '/');
    if (second == NULL || !matches(ret->buffer, IS_LABEL))
        return false;
    third = cut(second, '/');
    ret->present = true;
    ret->type = ret->buffer;
    ret->organization = NULL;
    ret->name = second;
    if (third == NULL)
        return matches(second, IS_NAME_OR_ALL);
    ret->organization = second;
    ret->name = third;
    return strcmp(ret->type, "event") == 0 && matches(second, IS_NAME) &&
           matches(third, IS_NAME_OR_ALL);
}

bool naive_read_grant(const char *text, struct naive_value *ret)
{
    char *scope, *action;

    if (strlen(text) > 512 || (text[0] != '+' && text[0] != '-'))
        return false;
    ret->denial = text[0] == '-';
    strcpy(ret->buffer, text + 1);
    ret->scope.present = false;
    scope = cut(ret->buffer, '@');
    if (scope != NULL && !read_scope(scope, &ret->scope))
        return false;
    ret->resource = ret->buffer;
    ret->action = "*";
    if (strcmp(ret->buffer, "*") == 0)
        return true;
    if (strlen(ret->buffer) > 256)
        return false;
    action = cut(ret->buffer, ':');
    if (action == NULL)
        return false;
    ret->action = action;
    return matches(ret->resource, IS_PATTERN) && matches(action, IS_ACTION);
}

bool naive_is_permission(const char *text)
{
    char copy[NAIVE_TEXT_MAX + 1];
    char *action;

    if (strlen(text) > 256)
        return false;
    strcpy(copy, text);
    action = cut(copy, ':');
    return action != NULL && matches(copy, IS_RESOURCE) && matches(action, IS_LABEL);
}

/* option = "channel=" label / "factor=" ...; each at most once. */
static bool read_option(char *option, struct naive_query *ret)
{
    char *value = cut(option, '=');
    bool channel = strcmp(option, "channel") == 0, factor = strcmp(option, "factor") == 0;
    char *into = channel ? ret->channel : ret->factor;

    if (value == NULL || (!channel && !factor) || into[0] != '\0')
        return false;
    strcpy(into, value);
    return matches(value, channel ? IS_LABEL : IS_FACTOR);
}

bool naive_read_query(const char *text, struct naive_query *ret)
{
    char copy[NAIVE_TEXT_MAX + 1];
    char *options, *scope;

    memset(ret, 0, sizeof(*ret));
    if (strlen(text) > 512)
        return false;
    strcpy(copy, text);
    options = cut(copy, ';');
    scope = cut(copy, '@');
    if (!naive_is_permission(copy))
        return false;
    strcpy(ret->permission, copy);
    if (scope != NULL && (!read_scope(scope, &ret->scope) || strcmp(ret->scope.name, "*") == 0))
        return false;
    ret->on_event = scope != NULL && strcmp(ret->scope.type, "event") == 0;
    while (options != NULL) {
        char *next = cut(options, ';');

        if (!read_option(options, ret))
            return false;
        options = next;
    }
    return true;
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* "section.* covers section.users and section.users.admin, not section. A grant with resource * (or
 * the bare +*) covers every permission but directory:* and directory.*:*; a denial covers all it
 * says." */
bool naive_covers(const struct naive_value *value, const char *permission)
{
    char resource[NAIVE_TEXT_MAX + 1];
    const char *action;
    size_t length = strlen(value->resource);

    strcpy(resource, permission);
    action = cut(resource, ':');
    if (strcmp(value->action, "*") != 0 && strcmp(value->action, action) != 0)
        return false;
    if (strcmp(value->resource, "*") == 0)
        return value->denial ||
               (strcmp(resource, "directory") != 0 && !starts_with(resource, "directory."));
    if (length > 2 && strcmp(value->resource + length - 2, ".*") == 0)
        return strncmp(resource, value->resource, length - 1) == 0;
    return strcmp(resource, value->resource) == 0;
}
