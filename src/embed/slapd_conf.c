/* SPDX-License-Identifier: BSD-2-Clause */
#include "embed/slapd_conf.h"
#include "base/err.h"
#include "embed/folder.h"

#include <assert.h>
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef USHER_LDAP_SCHEMADIR
#define USHER_LDAP_SCHEMADIR "/etc/ldap/schema"
#endif
#ifndef USHER_LDAP_MODULEDIR
#define USHER_LDAP_MODULEDIR "/usr/lib/ldap"
#endif

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define HEAD "# The store of usher: usher-directory(8). Paths are relative to this folder.\n\n"

/* @BASE@ is the base, @URL@ the base inside an LDAP URL. Databases: the narrower suffix first. */
static const char part_global[] = HEAD
    "include " USHER_LDAP_SCHEMADIR "/core.schema\n"
    "include " USHER_LDAP_SCHEMADIR "/cosine.schema\n"
    "include " USHER_LDAP_SCHEMADIR "/inetorgperson.schema\n"
    "include " USHER_LDAP_SCHEMADIR "/nis.schema\n"
    "include " USHER_LDAP_SCHEMADIR "/namedobject.schema\n"
    "include " FOLDER_SCHEMA "\n"
    "\n"
    "modulepath " USHER_LDAP_MODULEDIR "\n"
    "moduleload back_mdb\n"
    "moduleload syncprov\n"
    "moduleload accesslog\n"
    "moduleload unique\n"
    "moduleload ppolicy\n"
    "moduleload sssvlv\n"
    "# The module makes argon2i hashes, which want three passes at least (RFC 9106).\n"
    "moduleload argon2 m=19456 t=3 p=1\n"
    "password-hash {ARGON2}\n"
    "\n"
    "# Only the socket in run/ is served. SASL EXTERNAL alone; root and the owner of this folder\n"
    "# are the administrator, and may take the identity cn=usher by an authorization identity.\n"
    "sasl-secprops noplain,noanonymous,nodict\n"
    "authz-regexp \"^gidNumber=[0-9]+\\\\+uidNumber=0,cn=peercred,cn=external,cn=auth$\"\n"
    "    \"cn=admin,@BASE@\"\n"
    "include " FOLDER_OWNER "\n"
    "\n"
    "loglevel none\n"
    "idletimeout 0\n"
    "conn_max_pending 1000\n"
    "conn_max_pending_auth 10000\n"
    "sockbuf_max_incoming_auth 67108864\n"
    "sortvals member usherRole usherBelongsTo usherGrant\n"
    "\n"
    "access to dn.base=\"\" by * read\n"
    "access to dn.base=\"cn=Subschema\" by * read\n"
    "access to * by * none\n"
    "\n";

static const char part_log[] =
    "# What was changed, by whom, for thirty days. It holds password hashes.\n"
    "database mdb\n"
    "suffix cn=log\n"
    "rootdn \"cn=admin,@BASE@\"\n"
    "directory accesslog\n"
    "maxsize 2147483648\n"
    "index objectClass,entryCSN,entryUUID,reqStart,reqEnd,reqResult,reqDN,reqEntryUUID eq\n"
    "limits dn.exact=\"cn=usher,@BASE@\" size=unlimited time=unlimited\n"
    "# A consumer's missed deletes are looked up here under its own identity: finding is enough.\n"
    "access to attrs=reqMod,reqOld by * none\n"
    "access to * by dn.exact=\"cn=usher,@BASE@\" search by * none\n"
    "\n";

static const char part_ledger[] =
    "# What logins write: no copy of it in the log, and nobody to be told.\n"
    "database mdb\n"
    "suffix \"ou=ledger,@BASE@\"\n"
    "rootdn \"cn=admin,@BASE@\"\n"
    "directory ledger\n"
    "maxsize 2147483648\n"
    "index objectClass,cn eq\n"
    "limits dn.exact=\"cn=usher,@BASE@\" size=unlimited time=unlimited\n"
    "access to * by dn.exact=\"cn=usher,@BASE@\" write by * none\n"
    "\n";

static const char part_data[] = "database mdb\n"
                                "suffix \"@BASE@\"\n"
                                "rootdn \"cn=admin,@BASE@\"\n"
                                "directory data\n"
                                "maxsize 8589934592\n";

static const char part_rules[] =
    "index objectClass,entryCSN,entryUUID,uid,mail,cn,o,member eq\n"
    "index usherId,usherMember,usherBelongsTo,usherHome,usherRole,usherInclude eq\n"
    "index usherSharedWith,usherPrimary,usherCertificateSubject eq\n"
    "limits dn.exact=\"cn=usher,@BASE@\" size=unlimited time=unlimited\n"
    "    size.pr=unlimited size.prtotal=unlimited\n"
    "\n"
    "# ppolicy refuses a value with a scheme, as it cannot see its quality, but for this one.\n"
    "access to attrs=userPassword val.regex=\"^[{]cleartext[}]\" by * none\n"
    "access to dn.onelevel=\"ou=people,@BASE@\" attrs=userPassword\n"
    "    by dn.exact=\"cn=usher,@BASE@\" write by self =wx by anonymous auth by * none\n"
    "access to attrs=userPassword\n"
    "    by dn.exact=\"cn=usher,@BASE@\" write by anonymous auth by * none\n"
    "access to dn.onelevel=\"ou=people,@BASE@\"\n"
    "    attrs=usherTotpSecret,usherAppPassword,pwdHistory\n"
    "    by dn.exact=\"cn=usher,@BASE@\" write by * none\n"
    "access to dn.onelevel=\"ou=people,@BASE@\"\n"
    "    by dn.exact=\"cn=usher,@BASE@\" write by self read by * none\n"
    "access to *\n"
    "    by dn.exact=\"cn=usher,@BASE@\" write by * none\n"
    "\n";

/* The last one declared works first: a password is hashed before unique takes its lock. */
static const char part_overlays[] =
    "overlay syncprov\n"
    "syncprov-checkpoint 1000 1\n"
    "# Not from cn=log: it keeps no entryUUID of a deleted entry that logold leaves out.\n"
    "syncprov-sessionlog 100000\n"
    "\n"
    "# Old values of an entry with members are left out: a large group would fill the log.\n"
    "overlay accesslog\n"
    "logdb cn=log\n"
    "logops writes\n"
    "logsuccess TRUE\n"
    "logold \"(!(member=*))\"\n"
    "logpurge 30+00:00 1+00:00\n"
    "\n"
    "overlay sssvlv\n"
    "\n"
    "# Without \"serialize\" adds at the same time slip through.\n"
    "overlay unique\n"
    "unique_uri \"serialize ldap:///ou=people,@URL@?uid,mail,usherId?sub\"\n"
    "\n"
    "# Quality, history and age: failures are counted in the ledger.\n"
    "overlay ppolicy\n"
    "ppolicy_default \"cn=default,ou=policies,@BASE@\"\n"
    "ppolicy_hash_cleartext\n";

static const char part_owner[] =
    "authz-regexp \"^gidNumber=[0-9]+\\\\+uidNumber=@UID@,cn=peercred,cn=external,cn=auth$\"\n"
    "    \"cn=admin,@BASE@\"\n";

/* Writes text with each @NAME@ replaced. */
static void part_write(FILE *file, const char *text, const struct base_dn *base, const char *uid)
{
    const struct {
        const char *name;
        const char *value;
    } marks[] = {{"@BASE@", base->text}, {"@URL@", base->url}, {"@UID@", uid}};

    while (*text != '\0') {
        size_t i = 0, plain = strcspn(text, "@");

        fwrite(text, 1, plain, file);
        text += plain;
        while (i < COUNT(marks) && strncmp(text, marks[i].name, strlen(marks[i].name)) != 0)
            i++;
        if (i == COUNT(marks)) {
            assert(*text == '\0'); /* the parts hold no other @ */
            break;
        }
        fputs(marks[i].value, file);
        text += strlen(marks[i].name);
    }
}

static int file_close(FILE *file, const char *path)
{
    bool failed = ferror(file) || fflush(file) != 0 || fsync(fileno(file)) != 0;

    if (fclose(file) != 0 || failed) {
        warn("cannot write %s", path);
        return E_IO;
    }
    return 0;
}

static int parts_write(const char *const *parts, size_t count, const struct base_dn *base,
                       const char *path)
{
    FILE *file = fopen(path, "we");

    if (file == NULL) {
        warn("cannot write %s", path);
        return E_IO;
    }
    for (size_t i = 0; i < count; i++)
        part_write(file, parts[i], base, "");
    return file_close(file, path);
}

int slapd_conf_write(const struct base_dn *base, const char *path)
{
    static const char *const parts[] = {part_global, part_log,   part_ledger,
                                        part_data,   part_rules, part_overlays};

    return parts_write(parts, COUNT(parts), base, path);
}

int slapd_conf_write_plain(const struct base_dn *base, const char *path)
{
    static const char *const parts[] = {part_global, part_data, "lastmod off\n"};

    return parts_write(parts, COUNT(parts), base, path);
}

int slapd_conf_write_owner(const struct base_dn *base, uid_t owner)
{
    static const char path[] = FOLDER_OWNER ".new";
    char uid[24];
    FILE *file = fopen(path, "we");
    int err;

    if (file == NULL) {
        warn("cannot write %s", path);
        return E_IO;
    }
    (void)snprintf(uid, sizeof(uid), "%lu", (unsigned long)owner);
    part_write(file, part_owner, base, uid);
    err = file_close(file, path);
    if (err == 0 && rename(path, FOLDER_OWNER) != 0) {
        warn("cannot write " FOLDER_OWNER);
        err = E_IO;
    }
    return err;
}
