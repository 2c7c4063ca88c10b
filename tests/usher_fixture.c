/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "usher_fixture.h"

#include <stdio.h>

static const struct usher_listed listed[] = {
    {"ticket:delete", false}, {"ticket:refund", true}, {"ticket:read", false}};

struct table *usher_table_of(const char *path, const char *csn,
                             const struct usher_listed *permissions, size_t count)
{
    struct table_size size = {.records = 64, .profiles = 16, .bits = 64, .people = 16};
    const struct table_organization organization = {.active = true};
    const struct table_scopes no_scopes = {0};
    const struct slice no_event = {0};
    struct table_record record = {
        .person_active = true, .active = true, .not_before = INT64_MIN, .not_after = INT64_MAX};
    uint64_t granted = 3, denied = 0;
    struct profile profile = {.words = 1, .bits = {&granted, &denied}};
    struct table *table;

    assert_int_equal(table_create(path, size, (gid_t)-1, &table), 0);
    for (unsigned i = 0; i < count; i++) {
        struct permission permission = {
            .bit = i, .factor = permissions[i].factor, .requires = REQUIRES_NOTHING};

        assert_int_equal(table_put_permission(table, &permission, slice_of(permissions[i].id)), 0);
    }
    assert_int_equal(table_put_organization(table, slice_of("acme"), &organization), 0);
    assert_int_equal(table_put_profile(table, 0, &profile, &no_scopes), 0);
    assert_int_equal(
        table_put_record(table, slice_of("acme"), no_event, slice_of("alice"), &record), 0);
    record.profile = TABLE_NO_PROFILE;
    assert_int_equal(table_put_record(table, slice_of("acme"), no_event, slice_of("bob"), &record),
                     0);
    record.profile = size.profiles - 1;
    assert_int_equal(
        table_put_record(table, slice_of("acme"), no_event, slice_of("carol"), &record), 0);
    table_fresh(table, slice_of(csn), MAX_AGE_MS);
    table_beat(table);
    assert_int_equal(table_publish(table), 0);
    return table;
}

struct table *usher_table(const char *path, const char *csn)
{
    return usher_table_of(path, csn, listed, sizeof(listed) / sizeof(listed[0]));
}

void setting_start(struct setting *setting, const char *uri)
{
    struct usher_options options = {
        .uri = uri, .rights = setting->path, .timeout_ms = FAKE_PATIENCE_MS};

    fake_folder(setting->folder);
    (void)snprintf(setting->path, sizeof(setting->path), "%s/rights", setting->folder);
    setting->table = usher_table(setting->path, "csn1");
    assert_int_equal(usher_open(&options, &setting->usher), 0);
}

void setting_stop(struct setting *setting)
{
    usher_close(setting->usher);
    table_close(setting->table);
    fake_remove(setting->folder);
}
