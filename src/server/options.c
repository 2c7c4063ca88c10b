/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/options.h"

#include "server/daemon.h"

#ifndef USHER_RUNDIR
#define USHER_RUNDIR "/run/usher"
#endif
#ifndef USHER_CACHEDIR
#define USHER_CACHEDIR "/var/cache/usher"
#endif
#ifndef USHER_SYSCONFDIR
#define USHER_SYSCONFDIR "/etc/usher"
#endif
#ifndef USHER_DATADIR
#define USHER_DATADIR "/usr/share/usher"
#endif

#ifndef USHER_SPOOLDIR
#define USHER_SPOOLDIR "/var/spool/usher"
#endif

#define UID_MAX 4294967294

const struct conf_option server_options[] = {
    {"base", CONF_STRING, CONF_RESTART, "dc=example,dc=org", 3, 256, NULL,
     "The DN at which usher's tree begins at the store."},
    {"log_level", CONF_STRING, CONF_RELOAD, "info", 0, 0, "error|warning|info|debug",
     "What is logged to standard error; audit lines always are."},

    {"listen.ldapi", CONF_STRING, CONF_RESTART, USHER_RUNDIR "/ldapi", 0, 107, NULL,
     "Unix socket for logins and questions; empty for none."},
    {"listen.admin", CONF_STRING, CONF_RESTART, USHER_RUNDIR "/admin/ldapi", 0, 107, NULL,
     "Unix socket of the administrator, in a folder of mode 0700; empty for none."},
    {"listen.ldap", CONF_STRING, CONF_RESTART, "127.0.0.1:389", 0, 128, NULL,
     "Address and port for LDAP over TCP; empty for none. Secrets are taken on the loopback only."},

    {"store.uri", CONF_STRING, CONF_RESTART, "ldapi://%2Fvar%2Flib%2Fusher%2Frun%2Fldapi", 8, 512,
     NULL, "Where the store listens: an ldapi:// or ldap:// URI."},
    {"store.identity", CONF_STRING, CONF_RESTART, "", 0, 512, NULL,
     "The authorization identity to take at the store; empty for dn:cn=usher,<base>."},
    {"store.connections", CONF_INT, CONF_RESTART, "16", 2, 256, NULL,
     "Connections to the store for logins and changes, and threads that use them."},
    {"store.passwords", CONF_INT, CONF_RESTART, "4", 1, 256, NULL,
     "Passwords that are checked at the store at once."},
    {"store.timeout", CONF_INT, CONF_RELOAD, "5000", 100, 60000, NULL,
     "Milliseconds that one step of a login may take at the store."},

    {"audit.compare", CONF_STRING, CONF_RELOAD, "off", 0, 0, "off|line|step",
     "Whether each Compare gets an audit line, and whether it names the step that decided."},
    {"audit.search", CONF_BOOL, CONF_RELOAD, "true", 0, 0, NULL,
     "Whether each Search gets an audit line."},

    {"cache.directory", CONF_STRING, CONF_RESTART, USHER_CACHEDIR, 1, 512, NULL,
     "Folder of the cache; it can be made again from the store at any time."},
    {"cache.max_age", CONF_INT, CONF_RESTART, "86400", 1, 31536000, NULL,
     "Seconds after which permissions are no longer answered while the store is away."},
    {"cache.group", CONF_STRING, CONF_RESTART, "", 0, 64, NULL,
     "Group that may read the rights table, and with it everybody's rights; empty: unchanged."},

    {"keys.file", CONF_STRING, CONF_RELOAD, USHER_SYSCONFDIR "/keys", 1, 512, NULL,
     "The key file (usherctl key init): what seals PINs, TOTP secrets and tickets."},

    {"metrics.listen", CONF_STRING, CONF_RESTART, "", 0, 128, NULL,
     "Where metrics are served over HTTP: a unix socket's path or an ADDRESS:PORT of the loopback; "
     "empty for none."},

    {"peers.trusted_uids", CONF_INT_LIST, CONF_RELOAD, "", 0, UID_MAX, NULL,
     "Uids besides 0 that may name any user on listen.ldapi: a web server's, say."},
    {"peers.admin_uids", CONF_INT_LIST, CONF_RELOAD, "", 0, UID_MAX, NULL,
     "Uids besides 0 and usherd's own that are the administrator on listen.admin."},

    {"threads.loops", CONF_INT, CONF_RESTART, "2", 1, DAEMON_LOOPS_MAX, NULL,
     "Event-loop threads."},
    {"threads.hashing", CONF_INT, CONF_RESTART, "2", 1, 64, NULL, "Threads that hash PINs."},

    {"limits.connections", CONF_INT, CONF_RELOAD, "4096", 8, 1000000, NULL, "Connections at once."},
    {"limits.message_size", CONF_INT, CONF_RELOAD, "1048576", 1024, 67108864, NULL,
     "Bytes of one message from a peer that is known."},
    {"limits.message_size_anonymous", CONF_INT, CONF_RELOAD, "65536", 1024, 67108864, NULL,
     "Bytes of one message before a bind."},
    {"limits.operations", CONF_INT, CONF_RELOAD, "128", 1, 100000, NULL,
     "Operations of one connection that may wait for their answer."},
    {"limits.queue", CONF_INT, CONF_RESTART, "4096", 16, 1000000, NULL,
     "Logins and changes of all connections that may wait for a thread."},
    {"limits.idle_timeout", CONF_INT, CONF_RELOAD, "900", 1, 86400, NULL,
     "Seconds after which a silent connection is closed."},
    {"limits.message_timeout", CONF_INT, CONF_RELOAD, "10", 1, 3600, NULL,
     "Seconds within which a message that has begun must have arrived."},

    {"limits.logins_address", CONF_INT, CONF_RELOAD, "1200", 0, 1000000, NULL,
     "Logins a minute from one network address, bound services apart; 0: any number."},
    {"limits.challenges_person", CONF_INT, CONF_RELOAD, "10", 0, 1000000, NULL,
     "Codes, and as many forgotten-password mails, an hour for one person; 0: any number."},
    {"limits.challenges_peer", CONF_INT, CONF_RELOAD, "3000", 0, 1000000, NULL,
     "The same that one local uid, bound service or person asks for; 0: any number."},
    {"limits.challenges_address", CONF_INT, CONF_RELOAD, "3000", 0, 1000000, NULL,
     "The same that are asked for from one network address; 0: any number."},

    {"login.limit", CONF_INT, CONF_RELOAD, "5", 1, 1000, NULL,
     "Failed attempts on one person and factor before the first lock."},
    {"login.lock_first", CONF_INT, CONF_RELOAD, "60", 1, 86400, NULL,
     "Seconds of the first lock; each further one is twice as long."},
    {"login.lock_most", CONF_INT, CONF_RELOAD, "3600", 1, 2592000, NULL,
     "Seconds of the longest lock."},
    {"login.refuse_after", CONF_INT, CONF_RELOAD, "250", 0, 10000, NULL,
     "Milliseconds after its arrival at which a refused login is answered."},
    {"login.issuer", CONF_STRING, CONF_RELOAD, "usher", 1, 64, NULL,
     "The name that authenticator apps show beside the user name."},
    {"login.pin_cost", CONF_INT, CONF_RELOAD, "14", 1, 17, NULL,
     "The cost of hashing a new PIN: scrypt with N = 2 to this power, r = 8, p = 1."},

    {"sms.command", CONF_STRING_LIST, CONF_RELOAD, "", 0, 512, NULL,
     "Program that sends an SMS, and its arguments; the number is added, the text is its input."},
    {"sms.url", CONF_STRING, CONF_RELOAD, "", 0, 512, NULL,
     "Where to POST an SMS as JSON instead: https://..., or http:// on the loopback."},
    {"sms.token_file", CONF_STRING, CONF_RELOAD, "", 0, 512, NULL,
     "File with the bearer token for sms.url, of mode 0600."},
    {"sms.ca_file", CONF_STRING, CONF_RELOAD, "", 0, 512, NULL,
     "File of the authorities for sms.url; empty: the system's."},
    {"sms.timeout", CONF_INT, CONF_RELOAD, "10000", 100, 120000, NULL,
     "Milliseconds that sending one SMS may take."},

    {"mail.url", CONF_STRING, CONF_RELOAD, "smtp://127.0.0.1:25", 0, 256, NULL,
     "The mail server: smtp://host:port or smtps://host:port; empty: no mail is sent."},
    {"mail.from", CONF_STRING, CONF_RELOAD, "usher@localhost", 3, 254, NULL,
     "The sender's address."},
    {"mail.tls", CONF_STRING, CONF_RELOAD, "try", 0, 0, "none|try|always",
     "Whether STARTTLS is used with smtp://."},
    {"mail.user", CONF_STRING, CONF_RELOAD, "", 0, 128, NULL,
     "User name at the mail server; empty for none."},
    {"mail.password_file", CONF_STRING, CONF_RELOAD, "", 0, 512, NULL,
     "File with the password for mail.user, of mode 0600."},
    {"mail.templates", CONF_STRING, CONF_RELOAD, USHER_DATADIR "/mail", 1, 512, NULL,
     "Folder with a folder of templates for each language."},
    {"mail.timeout", CONF_INT, CONF_RELOAD, "10000", 100, 120000, NULL,
     "Milliseconds that sending one code may take."},
    {"mail.notices", CONF_BOOL, CONF_RELOAD, "true", 0, 0, NULL,
     "Whether people are told by mail when their password, PIN or app is changed."},
    {"mail.link", CONF_STRING, CONF_RELOAD, "", 0, 190, NULL,
     "Address of the page where a mailed token is redeemed, with %s for the token; empty: mails "
     "say "
     "the token itself."},
    {"mail.activation_lifetime", CONF_INT, CONF_RELOAD, "604800", 1, 2592000, NULL,
     "Seconds that the token of an invitation is good."},
    {"mail.forgotten_lifetime", CONF_INT, CONF_RELOAD, "3600", 1, 86400, NULL,
     "Seconds that the token for a forgotten password is good."},
    {"mail.queue", CONF_STRING, CONF_RESTART, USHER_SPOOLDIR, 1, 512, NULL,
     "Folder in which mails wait that may be delivered later; its parent must exist."},
    {"mail.queue_count", CONF_INT, CONF_RELOAD, "10000", 1, 100000, NULL, "Mails that may wait."},
    {"mail.queue_bytes", CONF_INT, CONF_RELOAD, "67108864", 65536, 2147483647, NULL,
     "Bytes of all mails that wait."},
    {"mail.queue_timeout", CONF_INT, CONF_RELOAD, "120", 1, 1800, NULL,
     "Seconds that delivering one mail that waits may take."},
    {"mail.retry_first", CONF_INT, CONF_RELOAD, "15", 1, 3600, NULL,
     "Seconds until a mail that was not delivered is tried again; each pause is twice as long."},
    {"mail.retry_most", CONF_INT, CONF_RELOAD, "3600", 1, 86400, NULL,
     "Seconds of the longest such pause."},
};

const size_t server_option_count = sizeof(server_options) / sizeof(server_options[0]);
