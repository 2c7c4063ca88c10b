/* SPDX-License-Identifier: BSD-2-Clause
 *
 * People with every kind of record in a rights table, and the answers that they must get. To be
 * included after cmocka's headers.
 */
#ifndef USHER_TESTS_TABLE_ANSWERS_H
#define USHER_TESTS_TABLE_ANSWERS_H

#include "table_fixture.h"

/* The events: acme's hamlet, macbeth and later (from NOW + 1000 on), opera's tosca, of which acme
 * is the primary organization, club's gala, shared with acme and strict, and private, shared with
 * nobody any more, strict's day. strict's settings restrict. */
static inline void put_events(struct table *table)
{
    const struct table_organization opera = {.active = true, .primary = slice_of("ACME")};
    const struct table_organization strict = {
        .active = true, .event_scope = SETTING_STRICT, .shared_events = SETTING_STRICT};

    assert_int_equal(table_put_organization(table, slice_of("opera"), &opera), 0);
    assert_int_equal(table_put_organization(table, slice_of("strict"), &strict), 0);
    assert_int_equal(put_organization(table, "club", true), 0);
    put_event(table, "acme", "hamlet", INT64_MIN, INT64_MAX);
    put_event(table, "acme", "macbeth", INT64_MIN, INT64_MAX);
    put_event(table, "acme", "later", NOW + 1000, INT64_MAX);
    put_event(table, "acme", "past", INT64_MIN, INT64_MAX);
    put_event(table, "opera", "tosca", INT64_MIN, INT64_MAX);
    put_event(table, "club", "gala", INT64_MIN, INT64_MAX);
    put_event(table, "club", "private", INT64_MIN, INT64_MAX);
    put_event(table, "strict", "day", INT64_MIN, INT64_MAX);
    assert_int_equal(table_remove_event(table, slice_of("acme"), slice_of("past")), 0);
    assert_int_equal(table_put_share(table, slice_of("club"), slice_of("gala"), slice_of("Acme")),
                     0);
    assert_int_equal(table_put_share(table, slice_of("club"), slice_of("gala"), slice_of("strict")),
                     0);
    assert_int_equal(
        table_put_share(table, slice_of("club"), slice_of("private"), slice_of("acme")), 0);
    assert_int_equal(
        table_remove_share(table, slice_of("club"), slice_of("private"), slice_of("acme")), 0);
}

/* The people of the events. Profile 5 names scopes, 11 settings that restrict, 12 none, 13 settings
 * that do not.
 * - uma, vic, wes: in acme, profiles 5, 11 and 13; xena: in strict, profile 12.
 * - vic also macbeth's, xena gala's, zoe hamlet's alone, yan later's alone, profile 12. */
static inline void put_guests(struct table *table)
{
    const struct said said[] = {
        {NULL, 5, LIST(PLAIN), LIST()},
        {"event/Acme/hamlet", 6, LIST(OTHER), LIST(PLAIN)},
        {"event/club/*", 7, LIST(PLAIN, EDIT, FAR), LIST()},
        {"event/*", 8, LIST(PLAIN, APP), LIST(OTHER)},
        {"payment/card", 9, LIST(FACTOR), LIST(PLAIN)},
        {"payment/*", 10, LIST(NEEDS, PLAIN), LIST()},
    };
    const struct said strict[] = {{NULL, 11, LIST(PLAIN, EDIT), LIST()}};
    const struct said loose[] = {{NULL, 13, LIST(PLAIN, EDIT), LIST()}};
    static const char *const restricts[] = {"event-scope=specific", "shared-events=read-only",
                                            NULL};
    static const char *const does_not[] = {"event-scope=strange", "shared-events=edit", NULL};

    assert_int_equal(put_scoped(table, said, 6, NULL, NULL), 0);
    assert_int_equal(put_scoped(table, strict, 1, restricts, NULL), 0);
    assert_int_equal(put_scoped(table, loose, 1, does_not, NULL), 0);
    put_profile(table, 12, LIST(PLAIN, EDIT), LIST());
    assert_int_equal(put_record(table, "acme", "uma", with_profile(5)), 0);
    assert_int_equal(put_record(table, "acme", "vic", with_profile(11)), 0);
    assert_int_equal(put_record(table, "acme", "wes", with_profile(13)), 0);
    assert_int_equal(put_record(table, "strict", "wes", with_profile(13)), 0);
    assert_int_equal(put_record(table, "strict", "xena", with_profile(12)), 0);
    assert_int_equal(put_guest(table, "acme", "macbeth", "vic", with_profile(12)), 0);
    assert_int_equal(put_guest(table, "club", "gala", "xena", with_profile(12)), 0);
    assert_int_equal(put_guest(table, "acme", "hamlet", "zoe", with_profile(12)), 0);
    assert_int_equal(put_guest(table, "acme", "later", "yan", with_profile(12)), 0);
    for (const char *const *uid =
             (const char *const[]){"uma", "vic", "wes", "xena", "yan", "zoe", NULL};
         *uid != NULL; uid++)
        assert_int_equal(table_put_person(table, slice_of(*uid), true), 0);
}

/* The people that the table of answers is about. Profile 1 grants much, 2 little, 3 (the
 * platform's) what 2 leaves open, 4 denies ticket:read.
 * - alice: in acme and in gone, profile 1.
 * - bob: in acme, profile 2; platform.
 * - carol: platform only.
 * - dave: in acme, the person inactive. gina: the same, platform only.
 * - erin: in acme, the membership inactive. judy: the same, and platform.
 * - frank: in acme from NOW on, for an hour.
 * - hugo: in acme, without a profile.
 * - ivan: in acme, profile 4; platform.
 * - kim: in closed only, which is inactive.
 * - leo: in late only, an organization that is never put.
 * - lou: in nothing, the person inactive. */
static inline void put_people(struct table *table)
{
    struct table_record record;

    put_events(table);
    put_guests(table);
    put_profile(table, 1, LIST(PLAIN, APP, FACTOR, NEEDS, CIRCLE_A, CIRCLE_B, LOST, FAR), LIST());
    put_profile(table, 2, LIST(NEEDS), LIST());
    put_profile(table, 3, LIST(PLAIN, APP, FACTOR, NEEDS, OTHER, FAR, NEEDS_FAR), LIST());
    put_profile(table, 4, LIST(NEEDS), LIST(PLAIN));
    assert_int_equal(put_organization(table, "platform", true), 0);
    assert_int_equal(put_organization(table, "closed", false), 0);
    assert_int_equal(put_organization(table, "gone", true), 0);
    assert_int_equal(put_record(table, "acme", "alice", with_profile(1)), 0);
    assert_int_equal(put_record(table, "gone", "alice", with_profile(1)), 0);
    assert_int_equal(put_record(table, "acme", "bob", with_profile(2)), 0);
    assert_int_equal(put_record(table, "platform", "bob", with_profile(3)), 0);
    assert_int_equal(put_record(table, "platform", "carol", with_profile(3)), 0);
    record = with_profile(1);
    record.person_active = false;
    assert_int_equal(put_record(table, "acme", "dave", record), 0);
    assert_int_equal(put_record(table, "platform", "gina", record), 0);
    record = with_profile(1);
    record.active = false;
    assert_int_equal(put_record(table, "acme", "erin", record), 0);
    assert_int_equal(put_record(table, "acme", "judy", record), 0);
    assert_int_equal(put_record(table, "platform", "judy", with_profile(3)), 0);
    record = with_profile(1);
    record.not_before = NOW;
    record.not_after = NOW + 3600000;
    assert_int_equal(put_record(table, "acme", "frank", record), 0);
    assert_int_equal(put_record(table, "acme", "hugo", with_profile(TABLE_NO_PROFILE)), 0);
    assert_int_equal(put_record(table, "acme", "ivan", with_profile(4)), 0);
    assert_int_equal(put_record(table, "platform", "ivan", with_profile(3)), 0);
    assert_int_equal(put_record(table, "closed", "kim", with_profile(1)), 0);
    assert_int_equal(put_record(table, "late", "leo", with_profile(1)), 0);
    assert_int_equal(table_remove_organization(table, slice_of("gone")), 0);
    assert_int_equal(table_put_person(table, slice_of("kim"), true), 0);
    assert_int_equal(table_put_person(table, slice_of("lou"), true), 0);
    assert_int_equal(table_put_person(table, slice_of("LOU"), false), 0);
}

static const struct {
    const char *organization, *uid, *query;
    int64_t now_ms;
    int result, step;
    enum membership_kind kind;
} answers[] = {
    {"acme", "alice", "ticket:read", NOW, 0, 8, MEMBERSHIP_OWN},
    {"ACME", "Alice", "ticket:read", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "alice", "order:read", NOW, E_DENIED, 8, MEMBERSHIP_KINDS},
    {"acme", "alice", "ticket:scan", NOW, E_DENIED, 6, MEMBERSHIP_KINDS},
    {"acme", "alice", "ticket:scan;channel=app", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "alice", "ticket:scan;channel=web", NOW, E_DENIED, 6, MEMBERSHIP_KINDS},
    {"acme", "alice", "ticket:delete", NOW, E_STEPUP, 9, MEMBERSHIP_OWN},
    {"acme", "alice", "ticket:delete;factor=none", NOW, E_STEPUP, 9, MEMBERSHIP_OWN},
    {"acme", "alice", "ticket:delete;factor=totp", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "alice", "ticket:update", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "alice", "circle.a:go", NOW, E_DENIED, 8, MEMBERSHIP_OWN},
    {"acme", "alice", "ticket:lost", NOW, E_DENIED, 8, MEMBERSHIP_OWN},
    {"acme", "alice", "far:read", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "alice", "ticket:unknown", NOW, E_NOPERM, 1, MEMBERSHIP_KINDS},
    {"acme", "alice", "ticket:rea", NOW, E_NOPERM, 1, MEMBERSHIP_KINDS},
    {"nowhere", "alice", "ticket:read", NOW, E_NOTFOUND, 1, MEMBERSHIP_KINDS},
    {"gone", "alice", "ticket:read", NOW, E_NOTFOUND, 1, MEMBERSHIP_KINDS},
    {"closed", "alice", "ticket:read", NOW, E_NOTFOUND, 1, MEMBERSHIP_KINDS},
    {"closed", "kim", "ticket:read", NOW, E_NOTFOUND, 1, MEMBERSHIP_KINDS},
    {"closed", "carol", "ticket:read", NOW, E_NOTFOUND, 1, MEMBERSHIP_KINDS},
    {"late", "leo", "ticket:read", NOW, E_NOTFOUND, 1, MEMBERSHIP_KINDS},
    {"acme", "nobody", "ticket:read", NOW, E_DENIED, 2, MEMBERSHIP_KINDS},
    {"acme", "kim", "ticket:read", NOW, E_DENIED, 3, MEMBERSHIP_KINDS},
    {"acme", "lou", "ticket:read", NOW, E_DENIED, 2, MEMBERSHIP_KINDS},
    {"acme", "bob", "ticket:update", NOW, 0, 8, MEMBERSHIP_PLATFORM},
    {"acme", "bob", "order:read", NOW, 0, 8, MEMBERSHIP_PLATFORM},
    {"acme", "bob", "ticket:lost", NOW, E_DENIED, 8, MEMBERSHIP_KINDS},
    {"acme", "carol", "ticket:read", NOW, 0, 8, MEMBERSHIP_PLATFORM},
    {"acme", "carol", "far:update", NOW, 0, 8, MEMBERSHIP_PLATFORM},
    {"platform", "carol", "ticket:read", NOW, 0, 8, MEMBERSHIP_OWN},
    {"nowhere", "carol", "ticket:read", NOW, E_NOTFOUND, 1, MEMBERSHIP_KINDS},
    {"acme", "dave", "ticket:read", NOW, E_DENIED, 2, MEMBERSHIP_KINDS},
    {"acme", "erin", "ticket:read", NOW, E_DENIED, 3, MEMBERSHIP_KINDS},
    {"acme", "frank", "ticket:read", NOW - 1, E_DENIED, 3, MEMBERSHIP_KINDS},
    {"acme", "frank", "ticket:read", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "frank", "ticket:read", NOW + 3599999, 0, 8, MEMBERSHIP_OWN},
    {"acme", "frank", "ticket:read", NOW + 3600000, E_DENIED, 3, MEMBERSHIP_KINDS},
    {"acme", "gina", "ticket:read", NOW, E_DENIED, 2, MEMBERSHIP_KINDS},
    {"acme", "hugo", "ticket:read", NOW, E_DENIED, 8, MEMBERSHIP_KINDS},
    {"acme", "ivan", "ticket:read", NOW, E_DENIED, 8, MEMBERSHIP_OWN},
    {"acme", "ivan", "ticket:update", NOW, E_DENIED, 8, MEMBERSHIP_OWN},
    {"acme", "judy", "ticket:read", NOW, 0, 8, MEMBERSHIP_PLATFORM},
    {"", "alice", "ticket:read", NOW, E_NOTFOUND, 1, MEMBERSHIP_KINDS},
    {"acme", "", "ticket:read", NOW, E_DENIED, 2, MEMBERSHIP_KINDS},
    {"acme", "a2345678901234567890123456789012345678901234567890123456789012345", "ticket:read",
     NOW, E_DENIED, 2, MEMBERSHIP_KINDS},
    {"a2345678901234567890123456789012345678901234567890123456789012345", "carol", "ticket:read",
     NOW, E_NOTFOUND, 1, MEMBERSHIP_KINDS},
    {"acm", "ealice", "ticket:read", NOW, E_NOTFOUND, 1, MEMBERSHIP_KINDS},

    {"acme", "uma", "ticket:read", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "uma", "ticket:read@event/hamlet", NOW, E_DENIED, 8, MEMBERSHIP_OWN},
    {"Acme", "uma", "ticket:read@event/HAMLET", NOW, E_DENIED, 8, MEMBERSHIP_OWN},
    {"acme", "uma", "order:read@event/ACME/hamlet", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "uma", "ticket:read@event/macbeth", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "uma", "ticket:scan@event/macbeth", NOW, E_DENIED, 6, MEMBERSHIP_KINDS},
    {"acme", "uma", "ticket:scan@event/macbeth;channel=app", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "uma", "order:read@event/macbeth", NOW, E_DENIED, 8, MEMBERSHIP_OWN},
    {"acme", "uma", "ticket:read@event/later", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "uma", "far:read", NOW, E_DENIED, 8, MEMBERSHIP_KINDS},
    {"acme", "uma", "far:read@event/club/gala", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "uma", "ticket:edit@event/club/gala", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "uma", "ticket:read@event/opera/tosca", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "uma", "ticket:read@event/club/private", NOW, E_DENIED, 4, MEMBERSHIP_KINDS},
    {"acme", "uma", "ticket:read@event/strict/day", NOW, E_DENIED, 4, MEMBERSHIP_KINDS},
    {"acme", "uma", "ticket:read@event/none", NOW, E_NOTFOUND, 1, MEMBERSHIP_EVENT},
    {"acme", "uma", "ticket:read@event/past", NOW, E_NOTFOUND, 1, MEMBERSHIP_EVENT},
    {"acme", "uma", "ticket:read@event/club/hamlet", NOW, E_NOTFOUND, 1, MEMBERSHIP_EVENT},
    {"acme", "uma", "ticket:none@event/none", NOW, E_NOPERM, 1, MEMBERSHIP_KINDS},
    {"nowhere", "uma", "ticket:read@event/acme/hamlet", NOW, E_NOTFOUND, 1, MEMBERSHIP_KINDS},
    {"acme", "nobody", "ticket:read@event/hamlet", NOW, E_DENIED, 2, MEMBERSHIP_KINDS},
    {"acme", "kim", "ticket:read@event/hamlet", NOW, E_DENIED, 3, MEMBERSHIP_KINDS},
    {"opera", "uma", "ticket:read@event/tosca", NOW, E_DENIED, 3, MEMBERSHIP_KINDS},
    {"acme", "uma", "ticket:read@payment/card", NOW, E_DENIED, 8, MEMBERSHIP_OWN},
    {"acme", "uma", "ticket:read@payment/Card", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "uma", "ticket:read@giftcard/card", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "uma", "ticket:delete@payment/card", NOW, E_STEPUP, 9, MEMBERSHIP_OWN},
    {"acme", "uma", "ticket:update@payment/card", NOW, E_DENIED, 8, MEMBERSHIP_KINDS},
    {"acme", "uma", "ticket:update@payment/cash", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "alice", "ticket:read@payment/card", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "bob", "ticket:update@event/hamlet", NOW, 0, 8, MEMBERSHIP_PLATFORM},
    {"acme", "vic", "ticket:read", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "vic", "ticket:read@event/hamlet", NOW, E_DENIED, 5, MEMBERSHIP_KINDS},
    {"acme", "vic", "ticket:read@event/macbeth", NOW, 0, 8, MEMBERSHIP_EVENT},
    {"acme", "vic", "ticket:edit@event/club/gala", NOW, E_DENIED, 5, MEMBERSHIP_KINDS},
    {"acme", "wes", "ticket:edit@event/club/gala", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "wes", "ticket:read@event/hamlet", NOW, 0, 8, MEMBERSHIP_OWN},
    {"strict", "wes", "ticket:edit@event/club/gala", NOW, 0, 8, MEMBERSHIP_OWN},
    {"strict", "xena", "ticket:read@event/day", NOW, E_DENIED, 5, MEMBERSHIP_KINDS},
    {"strict", "xena", "ticket:edit@event/club/gala", NOW, E_DENIED, 7, MEMBERSHIP_KINDS},
    {"strict", "xena", "ticket:read@event/club/gala", NOW, 0, 8, MEMBERSHIP_EVENT},
    {"acme", "xena", "ticket:edit@event/club/gala", NOW, 0, 8, MEMBERSHIP_EVENT},
    {"strict", "carol", "ticket:read@event/day", NOW, 0, 8, MEMBERSHIP_PLATFORM},
    {"acme", "zoe", "ticket:read", NOW, E_DENIED, 3, MEMBERSHIP_KINDS},
    {"acme", "zoe", "ticket:read@event/hamlet", NOW, 0, 8, MEMBERSHIP_EVENT},
    {"acme", "zoe", "ticket:read@event/macbeth", NOW, E_DENIED, 3, MEMBERSHIP_KINDS},
    {"opera", "zoe", "ticket:read@event/acme/hamlet", NOW, E_DENIED, 4, MEMBERSHIP_KINDS},
    {"acme", "yan", "ticket:read@event/later", NOW + 999, E_DENIED, 3, MEMBERSHIP_KINDS},
    {"acme", "yan", "ticket:read@event/later", NOW + 1000, 0, 8, MEMBERSHIP_EVENT},
};

static inline void check_answers(const struct rights *rights)
{
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct decision decision = {.result = UNSET};
        int result = ask_full(rights, answers[i].organization, answers[i].uid, answers[i].query,
                              answers[i].now_ms, &decision);

        if (result != answers[i].result || decision.result != result ||
            decision.step != answers[i].step || decision.kind != answers[i].kind)
            fail_msg("%s %s %s: %s step %d kind %d", answers[i].organization, answers[i].uid,
                     answers[i].query, err_name(result), decision.step, (int)decision.kind);
    }
}

#endif
