/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Entries that are not in the tree: the root DSE (RFC 4512 5.1) for everybody, and cn=monitor, the
 * daemon's figures.
 */
#include "ldap/oid.h"
#include "server/daemon.h"
#include "server/monitor.h"
#include "server/search.h"

static const struct attribute *entry_attribute(const struct attribute *attributes, size_t count,
                                               struct slice name)
{
    for (size_t i = 0; i < count; i++)
        if (slice_equal_fold(attributes[i].name, name))
            return &attributes[i];
    return NULL;
}

static enum truth entry_equal(const struct attribute *attributes, size_t count,
                              const struct filter *filter)
{
    const struct attribute *attribute = entry_attribute(attributes, count, filter->attribute);

    if (attribute == NULL)
        return TRUTH_UNDEFINED;
    for (size_t i = 0; i < attribute->value_count; i++)
        if (slice_equal_fold(attribute->values[i], filter->value))
            return TRUTH_TRUE;
    return TRUTH_FALSE;
}

/* RFC 4511 4.5.1.7, for entries of our own making. Filters are at most FILTER_DEPTH_MAX deep. */
static enum truth entry_matches(const struct attribute *attributes, size_t count,
                                const struct filter *filter)
{
    bool and = filter->kind == FILTER_AND;
    enum truth all = and? TRUTH_TRUE : TRUTH_FALSE, one;

    switch (filter->kind) {
    case FILTER_AND:
    case FILTER_OR:
        for (const struct filter *child = filter->children; child != NULL; child = child->next) {
            one = entry_matches(attributes, count, child);
            if (one == (and? TRUTH_FALSE : TRUTH_TRUE))
                return one;
            if (one == TRUTH_UNDEFINED)
                all = TRUTH_UNDEFINED;
        }
        return all;
    case FILTER_NOT:
        one = entry_matches(attributes, count, filter->children);
        return one == TRUTH_UNDEFINED ? one : one == TRUTH_TRUE ? TRUTH_FALSE : TRUTH_TRUE;
    case FILTER_PRESENT:
        return entry_attribute(attributes, count, filter->attribute) != NULL ? TRUTH_TRUE
                                                                             : TRUTH_FALSE;
    case FILTER_EQUAL:
        return entry_equal(attributes, count, filter);
    default:
        return TRUTH_UNDEFINED;
    }
}

/* Whether the search asked for this attribute; all: user attributes are meant when none is named.
 */
static bool search_wants(const struct search_request *search, struct slice name, bool operational)
{
    if (search->attribute_count == 0)
        return !operational;
    for (size_t i = 0; i < search->attribute_count; i++)
        if (slice_equal_fold(search->attributes[i], name) ||
            slice_is(search->attributes[i], operational ? "+" : "*"))
            return true;
    return false;
}

/* Sends an entry of our own if it matches. operational: all but objectClass are. */
static void search_answer(struct request *request, const char *dn, struct attribute *attributes,
                          size_t count, bool operational)
{
    const struct search_request *search = &request->message->search;
    size_t wanted = 0;

    if (entry_matches(attributes, count, search->filter) != TRUTH_TRUE)
        return;
    for (size_t i = 0; i < count; i++)
        if (search_wants(search, attributes[i].name,
                         operational && !slice_is(attributes[i].name, "objectClass")))
            attributes[wanted++] = attributes[i];
    request_entry(request, dn, attributes, wanted, search->types_only);
}

static const char *const root_dse[][2] = {
    {"objectClass", "top"},
    {"vendorName", "usher"},
    {"vendorVersion", PACKAGE_VERSION},
    {"supportedLDAPVersion", "3"},
    {"supportedExtension", OID_WHOAMI},
    {"supportedExtension", OID_PASSWORD_MODIFY},
    {"supportedExtension", OID_USHER_VERIFY},
    {"supportedExtension", OID_USHER_CHALLENGE},
    {"supportedExtension", OID_USHER_SET_PIN},
    {"supportedExtension", OID_USHER_ENROLL},
    {"supportedExtension", OID_USHER_RECOVERY},
    {"supportedExtension", OID_USHER_REDEEM},
    {"supportedExtension", OID_USHER_INVITE},
    {"supportedExtension", OID_USHER_UNLOCK},
    {"supportedExtension", OID_USHER_EXPLAIN},
    {"supportedExtension", OID_USHER_DOCTOR},
    {"supportedExtension", OID_USHER_RESEAL},
    {"supportedExtension", OID_USHER_APP_PASSWORD},
    {"supportedExtension", OID_USHER_LOGOUT},
    {"supportedControl", OID_USHER_FRESHNESS},
    {"supportedControl", OID_PASSWORD_POLICY},
    {"supportedControl", OID_PAGED_RESULTS},
    {"supportedFeatures", OID_ALL_OPERATIONAL},
    {"supportedFeatures", OID_TRUE_FALSE_FILTERS},
    {"subschemaSubentry", "cn=Subschema"},
    {"namingContexts", NULL},          /* the base */
    {"supportedSASLMechanisms", NULL}, /* EXTERNAL, on unix sockets */
};

void search_root_dse(struct request *request)
{
    const struct conn *conn = request->conn;
    struct attribute attributes[sizeof(root_dse) / sizeof(root_dse[0])];
    struct slice values[sizeof(root_dse) / sizeof(root_dse[0])];
    size_t count = 0;

    for (size_t i = 0; i < sizeof(root_dse) / sizeof(root_dse[0]); i++) {
        struct slice name = slice_of(root_dse[i][0]);

        values[i] = slice_of(root_dse[i][1]);
        if (slice_is(name, "namingContexts"))
            values[i] = conn->loop->daemon->base;
        else if (slice_is(name, "supportedSASLMechanisms")) {
            if (conn->peer.listener == LISTENER_LDAP)
                continue;
            values[i] = slice_of("EXTERNAL");
        }
        if (count > 0 && slice_equal(attributes[count - 1].name, name))
            attributes[count - 1].value_count++;
        else
            attributes[count++] = (struct attribute){name, &values[i], 1};
    }
    search_answer(request, "", attributes, count, true);
}

void search_monitor(struct request *request)
{
    struct monitor monitor;
    struct attribute attributes[MONITOR_MAX];
    size_t count = monitor_read(request->conn->loop, &monitor);

    for (size_t i = 0; i < count; i++)
        attributes[i] = (struct attribute){slice_of(monitor.row[i].name), &monitor.row[i].value, 1};
    search_answer(request, "cn=monitor", attributes, count, false);
}
