/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A reader over the text, one function for each production of DESIGN 4. Characters are classed by a
 * table, since query_parse stands on the path of every question.
 */
#include "model/grant.h"
#include "base/err.h"

#include <string.h>

#define NAME_MAX_BYTES 64

enum { LABEL = 1, NAME = 2 };

static const unsigned char classes[256] = {
    ['-'] = LABEL | NAME,
    ['0' ... '9'] = LABEL | NAME,
    ['a' ... 'z'] = LABEL | NAME,
    ['A' ... 'Z'] = NAME,
    ['.'] = NAME,
    ['_'] = NAME,
};

struct reader {
    const char *at;
    const char *end;
};

static struct reader reader_of(struct slice text)
{
    const char *start = text.len > 0 ? text.data : "";

    return (struct reader){.at = start, .end = start + text.len};
}

static bool at_end(const struct reader *reader)
{
    return reader->at == reader->end;
}

static bool read_char(struct reader *reader, char c)
{
    if (at_end(reader) || *reader->at != c)
        return false;
    reader->at++;
    return true;
}

/* As many characters of the class as there are: maybe none. */
static struct slice read_span(struct reader *reader, unsigned char class)
{
    const char *start = reader->at;

    while (!at_end(reader) && (classes[(unsigned char)*reader->at] & class) != 0)
        reader->at++;
    return (struct slice){.data = start, .len = (size_t)(reader->at - start)};
}

static bool read_label(struct reader *reader, struct slice *ret)
{
    *ret = read_span(reader, LABEL);
    return ret->len > 0;
}

static bool read_name(struct reader *reader, struct slice *ret)
{
    *ret = read_span(reader, NAME);
    return ret->len > 0 && ret->len <= NAME_MAX_BYTES;
}

/* Labels joined by dots; stops before a ".*". */
static bool read_resource(struct reader *reader, struct slice *ret)
{
    const char *start = reader->at;

    for (;;) {
        if (read_span(reader, LABEL).len == 0)
            return false;
        if (reader->end - reader->at < 2 || reader->at[0] != '.' || reader->at[1] == '*')
            break;
        reader->at++;
    }
    *ret = (struct slice){.data = start, .len = (size_t)(reader->at - start)};
    return true;
}

static bool read_permission(struct reader *reader, struct slice *ret)
{
    const char *start = reader->at;
    struct slice part;

    if (!read_resource(reader, &part) || !read_char(reader, ':') || !read_label(reader, &part))
        return false;
    *ret = (struct slice){.data = start, .len = (size_t)(reader->at - start)};
    return ret->len <= PERMISSION_MAX;
}

static bool read_pattern(struct reader *reader, struct grant *ret)
{
    const char *start = reader->at;

    ret->any_resource = read_char(reader, '*');
    if (ret->any_resource && (at_end(reader) || *reader->at == '@')) {
        ret->any_action = true;
        return true;
    }
    if (!ret->any_resource) {
        if (!read_resource(reader, &ret->resource))
            return false;
        ret->below_resource = read_char(reader, '.');
        if (ret->below_resource && !read_char(reader, '*'))
            return false;
    }
    if (!read_char(reader, ':'))
        return false;
    ret->any_action = read_char(reader, '*');
    if (!ret->any_action && !read_label(reader, &ret->action))
        return false;
    return reader->at - start <= PERMISSION_MAX;
}

static bool read_event(struct reader *reader, struct scope *ret)
{
    if (read_char(reader, '*')) {
        ret->kind = SCOPE_EVENT_ALL;
        return true;
    }
    ret->kind = SCOPE_EVENT;
    if (!read_name(reader, &ret->name))
        return false;
    if (!read_char(reader, '/'))
        return true;
    ret->organization = ret->name;
    ret->name = (struct slice){0};
    if (read_char(reader, '*')) {
        ret->kind = SCOPE_EVENT_ORGANIZATION;
        return true;
    }
    return read_name(reader, &ret->name);
}

static bool read_scope(struct reader *reader, struct scope *ret)
{
    struct slice type;

    if (!read_label(reader, &type) || !read_char(reader, '/'))
        return false;
    if (slice_is(type, "event"))
        return read_event(reader, ret);
    ret->type = type;
    if (read_char(reader, '*')) {
        ret->kind = SCOPE_TYPE;
        return true;
    }
    ret->kind = SCOPE_OBJECT;
    return read_name(reader, &ret->name);
}

static bool factor_parse(struct slice text, enum factor *ret)
{
    static const char *const names[] = {
        [FACTOR_NONE] = "none",
        [FACTOR_TOTP] = "totp",
        [FACTOR_EMAIL] = "email",
        [FACTOR_SMS] = "sms",
    };

    for (enum factor factor = FACTOR_NONE; factor <= FACTOR_SMS; factor++) {
        if (slice_is(text, names[factor])) {
            *ret = factor;
            return true;
        }
    }
    return false;
}

static bool read_option(struct reader *reader, struct query *ret)
{
    struct slice name, value;

    if (!read_label(reader, &name) || !read_char(reader, '=') || !read_label(reader, &value))
        return false;
    if (slice_is(name, "channel") && ret->channel.len == 0) {
        ret->channel = value;
        return true;
    }
    return slice_is(name, "factor") && ret->factor == FACTOR_ABSENT &&
           factor_parse(value, &ret->factor);
}

int grant_parse(struct slice text, struct grant *ret)
{
    struct reader reader = reader_of(text);
    struct grant grant = {0};

    if (text.len > GRANT_MAX)
        return E_SYNTAX;
    grant.denial = read_char(&reader, '-');
    if (!grant.denial && !read_char(&reader, '+'))
        return E_SYNTAX;
    if (!read_pattern(&reader, &grant))
        return E_SYNTAX;
    if (read_char(&reader, '@') && !read_scope(&reader, &grant.scope))
        return E_SYNTAX;
    if (!at_end(&reader))
        return E_SYNTAX;
    *ret = grant;
    return 0;
}

int query_parse(struct slice text, struct query *ret)
{
    struct reader reader = reader_of(text);
    struct query query = {0};

    if (text.len > GRANT_MAX || !read_permission(&reader, &query.permission))
        return E_SYNTAX;
    if (read_char(&reader, '@')) {
        if (!read_scope(&reader, &query.scope))
            return E_SYNTAX;
        if (query.scope.kind != SCOPE_EVENT && query.scope.kind != SCOPE_OBJECT)
            return E_SYNTAX;
    }
    while (read_char(&reader, ';'))
        if (!read_option(&reader, &query))
            return E_SYNTAX;
    if (!at_end(&reader))
        return E_SYNTAX;
    *ret = query;
    return 0;
}

int scope_parse(struct slice text, struct scope *ret)
{
    struct reader reader = reader_of(text);
    struct scope scope = {0};

    if (text.len > GRANT_MAX || !read_scope(&reader, &scope) || !at_end(&reader))
        return E_SYNTAX;
    *ret = scope;
    return 0;
}

bool permission_valid(struct slice text)
{
    struct reader reader = reader_of(text);
    struct slice permission;

    return read_permission(&reader, &permission) && at_end(&reader);
}

bool name_valid(struct slice text)
{
    struct reader reader = reader_of(text);
    struct slice name;

    return read_name(&reader, &name) && at_end(&reader);
}

bool label_valid(struct slice text)
{
    struct reader reader = reader_of(text);
    struct slice label;

    return read_label(&reader, &label) && at_end(&reader);
}

static bool starts_below(struct slice resource, struct slice above)
{
    return resource.len > above.len && resource.data[above.len] == '.' &&
           memcmp(resource.data, above.data, above.len) == 0;
}

/* User administration, which a grant of "*" does not give. */
static bool is_directory(struct slice resource)
{
    static const struct slice directory = {.data = "directory", .len = 9};

    return slice_equal(resource, directory) || starts_below(resource, directory);
}

bool grant_covers(const struct grant *grant, struct slice permission)
{
    const char *colon = permission.len > 0 ? memchr(permission.data, ':', permission.len) : NULL;
    struct slice resource, action;

    if (colon == NULL)
        return false;
    resource = (struct slice){.data = permission.data, .len = (size_t)(colon - permission.data)};
    action = (struct slice){.data = colon + 1, .len = permission.len - resource.len - 1};
    if (!grant->any_action && !slice_equal(grant->action, action))
        return false;
    if (grant->any_resource)
        return grant->denial || !is_directory(resource);
    if (grant->below_resource)
        return starts_below(resource, grant->resource);
    return slice_equal(grant->resource, resource);
}

bool grant_exact(const struct grant *grant, struct slice *ret)
{
    if (grant->any_resource || grant->below_resource || grant->any_action)
        return false;
    *ret = (struct slice){
        .data = grant->resource.data,
        .len = (size_t)(grant->action.data - grant->resource.data) + grant->action.len,
    };
    return true;
}

static int compare_fold(struct slice a, struct slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;

    for (size_t i = 0; i < common; i++) {
        unsigned char left = (unsigned char)a.data[i], right = (unsigned char)b.data[i];

        left += left >= 'A' && left <= 'Z' ? 'a' - 'A' : 0;
        right += right >= 'A' && right <= 'Z' ? 'a' - 'A' : 0;
        if (left != right)
            return left < right ? -1 : 1;
    }
    return (a.len > b.len) - (a.len < b.len);
}

int scope_compare(const struct scope *a, const struct scope *b)
{
    int order = (a->kind > b->kind) - (a->kind < b->kind);

    if (order == 0)
        order = slice_compare(a->type, b->type);
    if (order == 0)
        order = compare_fold(a->organization, b->organization);
    if (order == 0)
        order = a->kind == SCOPE_OBJECT ? slice_compare(a->name, b->name)
                                        : compare_fold(a->name, b->name);
    return order;
}

struct scope scope_wider(const struct scope *scope)
{
    switch (scope->kind) {
    case SCOPE_OBJECT:
        return (struct scope){.kind = SCOPE_TYPE, .type = scope->type};
    case SCOPE_EVENT:
        return (struct scope){.kind = SCOPE_EVENT_ORGANIZATION,
                              .organization = scope->organization};
    case SCOPE_EVENT_ORGANIZATION:
        return (struct scope){.kind = SCOPE_EVENT_ALL};
    default:
        return (struct scope){.kind = SCOPE_NONE};
    }
}

int setting_parse(struct slice text, struct slice *ret_name, struct slice *ret_value)
{
    const char *equals = text.len > 0 ? memchr(text.data, '=', text.len) : NULL;
    size_t len;

    if (equals == NULL || equals == text.data)
        return E_SYNTAX;
    len = (size_t)(equals - text.data);
    *ret_name = (struct slice){.data = text.data, .len = len};
    *ret_value = (struct slice){.data = equals + 1, .len = text.len - len - 1};
    return 0;
}
