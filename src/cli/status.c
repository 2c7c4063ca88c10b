/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherctl status: what the daemon says about itself in the entry cn=monitor, in words and units
 * that a person understands. An attribute that is not in the table is told by its name, as words,
 * so that a new one needs nothing here. JSON has the attributes as they are.
 */
#include "base/err.h"
#include "base/utf8.h"
#include "cli/cli.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_MAX 64
#define VALUE_MAX 64

enum unit { UNIT_TEXT, UNIT_TRUTH, UNIT_COUNT, UNIT_BYTES, UNIT_SECONDS, UNIT_MILLISECONDS };

static const struct {
    const char *name;
    const char *label;
    enum unit unit;
} figures[] = {
    {"vendorVersion", "version", UNIT_TEXT},
    {"namingContexts", "base DN", UNIT_TEXT},
    {"usherUptimeSeconds", "running for", UNIT_SECONDS},
    {"usherStoreConnected", "store connected", UNIT_TRUTH},
    {"usherStoreError", "last trouble with the store", UNIT_TEXT},
    {"usherCacheFilled", "cache filled", UNIT_TRUTH},
    {"usherCacheAgeMilliseconds", "cache age", UNIT_MILLISECONDS},
    {"usherCacheMaxAgeMilliseconds", "cache answers until", UNIT_MILLISECONDS},
    {"usherCacheCSN", "contextCSN", UNIT_TEXT},
    {"usherEntries", "entries", UNIT_COUNT},
    {"usherMemberships", "memberships", UNIT_COUNT},
    {"usherProfiles", "profiles", UNIT_COUNT},
    {"usherPermissions", "permissions", UNIT_COUNT},
    {"usherTableBytes", "size of the table", UNIT_BYTES},
    {"usherConnections", "connections", UNIT_COUNT},
    {"usherOperations", "operations since the start", UNIT_COUNT},
    {"usherOperationsPerSecond", "operations a second", UNIT_TEXT},
    {"usherCompares", "questions since the start", UNIT_COUNT},
    {"usherLogins", "logins let in", UNIT_COUNT},
    {"usherLoginsRefused", "logins refused", UNIT_COUNT},
    {"usherLoginsLocked", "of these, locked", UNIT_COUNT},
    {"usherLimited", "refused, too many", UNIT_COUNT},
    {"usherStoreJobs", "logins and searches under way", UNIT_COUNT},
    {"usherMailJobs", "codes by mail under way", UNIT_COUNT},
    {"usherSmsJobs", "codes by SMS under way", UNIT_COUNT},
    {"usherMailQueued", "mails that wait in the queue", UNIT_COUNT},
    {"usherMailQueuedOldestSeconds", "the oldest of them since", UNIT_SECONDS},
    {"usherMailSent", "mails of the queue delivered", UNIT_COUNT},
    {"usherMailFailed", "tries that failed", UNIT_COUNT},
    {"usherMailDead", "mails given up", UNIT_COUNT},
};

/* 1234567 to "1,234,567". */
static void count_text(uint64_t number, char buf[VALUE_MAX])
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%" PRIu64, number), used = 0;

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            buf[used++] = ',';
        buf[used++] = digits[i];
    }
    buf[used] = '\0';
}

static void bytes_text(uint64_t number, char buf[VALUE_MAX])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double size = (double)number;
    size_t unit = 0;

    for (; size >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
        size /= 1024;
    (void)snprintf(buf, VALUE_MAX, unit == 0 ? "%.0f %s" : "%.1f %s", size, units[unit]);
}

/* The two largest units that say something: "2 d 3 h", "45 s". */
static void seconds_text(int64_t seconds, char buf[VALUE_MAX])
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    size_t at = 0;
    int64_t rest;

    while (at + 1 < sizeof(units) / sizeof(units[0]) && seconds < units[at].seconds)
        at++;
    rest = seconds % units[at].seconds;
    if (at + 1 < sizeof(units) / sizeof(units[0]) && rest / units[at + 1].seconds > 0)
        (void)snprintf(buf, VALUE_MAX, "%" PRId64 " %s %" PRId64 " %s", seconds / units[at].seconds,
                       units[at].name, rest / units[at + 1].seconds, units[at + 1].name);
    else
        (void)snprintf(buf, VALUE_MAX, "%" PRId64 " %s", seconds / units[at].seconds,
                       units[at].name);
}

static void milliseconds_text(int64_t ms, char buf[VALUE_MAX])
{
    if (ms < 0)
        (void)snprintf(buf, VALUE_MAX, "never filled");
    else if (ms < 60000)
        (void)snprintf(buf, VALUE_MAX, "%.1f s", (double)ms / 1000);
    else
        seconds_text(ms / 1000, buf);
}

/* The value in its unit; what does not look like one is left as it is. */
static struct slice value_text(enum unit unit, struct slice value, char buf[VALUE_MAX])
{
    char number[24], *end;
    long long parsed;

    if (unit == UNIT_TEXT || value.len == 0 || value.len >= sizeof(number))
        return value;
    memcpy(number, value.data, value.len);
    number[value.len] = '\0';
    if (unit == UNIT_TRUTH)
        return slice_is(value, "TRUE")    ? slice_of("yes")
               : slice_is(value, "FALSE") ? slice_of("no")
                                          : value;
    parsed = strtoll(number, &end, 10);
    if (*end != '\0' || (parsed < 0 && unit != UNIT_MILLISECONDS))
        return value;
    switch (unit) {
    case UNIT_COUNT:
        count_text((uint64_t)parsed, buf);
        break;
    case UNIT_BYTES:
        bytes_text((uint64_t)parsed, buf);
        break;
    case UNIT_SECONDS:
        seconds_text(parsed, buf);
        break;
    default:
        milliseconds_text(parsed, buf);
    }
    return slice_of(buf);
}

/* "usherCacheAgeMilliseconds" to "cache age milliseconds"; "contextCSN" keeps its capitals. */
static void label_make(struct slice name, char buf[LABEL_MAX])
{
    size_t used = 0;

    if (name.len > 5 && strncmp(name.data, "usher", 5) == 0)
        name = (struct slice){name.data + 5, name.len - 5};
    for (size_t i = 0; i < name.len && used + 3 < LABEL_MAX; i++) {
        unsigned char c = (unsigned char)name.data[i];
        bool upper = isupper(c) != 0;
        bool after_lower = i > 0 && !isupper((unsigned char)name.data[i - 1]);
        bool before_lower = i + 1 < name.len && islower((unsigned char)name.data[i + 1]);

        if (upper && i > 0 && (after_lower || before_lower))
            buf[used++] = ' ';
        buf[used++] = (char)(upper && before_lower ? tolower(c) : c);
    }
    buf[used] = '\0';
}

static void print_figure(struct slice name, struct slice value)
{
    char label[LABEL_MAX], buf[VALUE_MAX];
    enum unit unit = UNIT_TEXT;

    if (slice_is(name, "cn"))
        return;
    label_make(name, label);
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
        if (slice_equal_fold(name, slice_of(figures[i].name))) {
            (void)snprintf(label, sizeof(label), "%s", figures[i].label);
            unit = figures[i].unit;
        }
    (void)printf("%-32s ", label);
    cli_print(value_text(unit, value, buf));
    (void)putchar('\n');
}

static int on_value(void *context, struct slice name, struct slice value)
{
    char key[LABEL_MAX];
    json_t *object = context, *list;

    if (slice_equal_fold(name, slice_of("objectClass")))
        return 0;
    if (object == NULL) {
        print_figure(name, value);
        return 0;
    }
    utf8_copy(name, key, sizeof(key));
    list = json_object_get(object, key);
    if (list == NULL) {
        list = json_array();
        if (json_object_set_new(object, key, list) < 0)
            return E_NOMEM;
    }
    return json_array_append_new(list, json_stringn(value.data, value.len)) < 0 ? E_NOMEM : 0;
}

int status_show(struct cli *cli, int argc, char **argv)
{
    static const char *const everything[] = {"*", "+", NULL};
    json_t *object = NULL;
    int rc;

    (void)argc;
    (void)argv;
    if (cli_connect(cli) != 0)
        return EXIT_ERROR;
    if (cli->json)
        object = json_object();
    rc = client_read(cli->client, slice_of("cn=monitor"), everything, on_value, object);
    if (rc < 0) {
        json_decref(object);
        return cli_done(cli, rc, "");
    }
    if (cli->json)
        cli_json(object);
    return EXIT_YES;
}
