/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The configuration of the store's slapd, slapd.conf(5), written once by init; a sysadmin may
 * change it afterwards. Its paths are relative to the folder of the store. The administrator of a
 * store is cn=admin,<base>, without a password: root and the uid that runs slapd become it by SASL
 * EXTERNAL. usherd goes on from there to cn=usher,<base>, which writes everywhere but passes by no
 * rule.
 */
#ifndef USHER_EMBED_SLAPD_CONF_H
#define USHER_EMBED_SLAPD_CONF_H

#include "embed/base_dn.h"

#include <sys/types.h>

/* Writes the configuration of a store to path. E_IO after a line on standard error. */
int slapd_conf_write(const struct base_dn *base, const char *path);

/* The same for the main database alone, without overlays and without stamping what changes: for
 * slapmodify, which otherwise gives an entry that it changes a new entryUUID. */
int slapd_conf_write_plain(const struct base_dn *base, const char *path);

/* Writes owner.conf anew: the uid that is the administrator besides root. E_IO after a line. */
int slapd_conf_write_owner(const struct base_dn *base, uid_t owner);

#endif
