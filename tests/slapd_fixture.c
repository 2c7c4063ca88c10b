/* SPDX-License-Identifier: BSD-2-Clause */
#include "slapd_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ldap.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char conf_text[] =
    "include /etc/ldap/schema/core.schema\n"
    "include /etc/ldap/schema/cosine.schema\n"
    "include /etc/ldap/schema/inetorgperson.schema\n"
    "include %1$s/schema/usher.schema\n"
    "modulepath /usr/lib/ldap\n"
    "moduleload back_mdb\n"
    "moduleload syncprov\n"
    "moduleload accesslog\n"
    "moduleload ppolicy\n"
    "sasl-secprops noplain,noanonymous,nodict\n"
    "authz-regexp \"^gidNumber=[0-9]+\\\\+uidNumber=%2$u,cn=peercred,cn=external,cn=auth$\" "
    "\"cn=admin," SLAPD_BASE "\"\n"
    "password-hash {SSHA}\n"
    "\n"
    "database mdb\n"
    "suffix cn=log\n"
    "rootdn \"cn=admin," SLAPD_BASE "\"\n"
    "directory %3$s/log\n"
    "maxsize 1073741824\n"
    "dbnosync\n"
    "index objectClass,entryCSN,entryUUID,reqStart,reqEnd,reqResult,reqDN,reqEntryUUID eq\n"
    "\n"
    "database mdb\n"
    "suffix \"ou=ledger," SLAPD_BASE "\"\n"
    "rootdn \"cn=admin," SLAPD_BASE "\"\n"
    "directory %3$s/ledger\n"
    "maxsize 1073741824\n"
    "dbnosync\n"
    "index objectClass eq\n"
    "access to * by dn.exact=\"cn=usher," SLAPD_BASE "\" write by * none\n"
    "\n"
    "database mdb\n"
    "suffix \"" SLAPD_BASE "\"\n"
    "rootdn \"cn=admin," SLAPD_BASE "\"\n"
    "directory %3$s/data\n"
    "maxsize 1073741824\n"
    "dbnosync\n"
    "index objectClass,entryCSN,entryUUID eq\n"
    "limits dn.exact=\"cn=usher," SLAPD_BASE "\" size=unlimited time=unlimited\n"
    "access to dn.subtree=\"ou=hidden," SLAPD_BASE "\" by * none\n"
    "access to attrs=userPassword by dn.exact=\"cn=usher," SLAPD_BASE "\" write by self =wx "
    "by anonymous auth by * none\n"
    "access to * by dn.exact=\"cn=usher," SLAPD_BASE "\" write by self read by * none\n"
    "overlay syncprov\n"
    "syncprov-checkpoint 1000 1\n"
    "%4$s"
    "overlay ppolicy\n"
    "ppolicy_default \"cn=default,ou=policies," SLAPD_BASE "\"\n"
    "ppolicy_hash_cleartext\n";

static const char log_text[] = "syncprov-sessionlog-source cn=log\n"
                               "overlay accesslog\n"
                               "logdb cn=log\n"
                               "logops writes\n"
                               "logsuccess TRUE\n";

static const char ledger_text[] = "dn: ou=ledger," SLAPD_BASE "\n"
                                  "objectClass: organizationalUnit\n"
                                  "ou: ledger\n";

static const char data_text[] = "dn: " SLAPD_BASE "\n"
                                "objectClass: domain\n"
                                "dc: example\n"
                                "\n"
                                "dn: ou=people," SLAPD_BASE "\n"
                                "objectClass: organizationalUnit\n"
                                "ou: people\n"
                                "\n"
                                "dn: ou=hidden," SLAPD_BASE "\n"
                                "objectClass: organizationalUnit\n"
                                "ou: hidden\n"
                                "\n"
                                "dn: ou=policies," SLAPD_BASE "\n"
                                "objectClass: organizationalUnit\n"
                                "ou: policies\n"
                                "\n"
                                "dn: cn=default,ou=policies," SLAPD_BASE "\n"
                                "objectClass: device\n"
                                "objectClass: pwdPolicy\n"
                                "cn: default\n"
                                "pwdAttribute: userPassword\n"
                                "pwdMinLength: 8\n"
                                "pwdCheckQuality: 2\n"
                                "pwdInHistory: 3\n"
                                "pwdMustChange: TRUE\n"
                                "\n";

static void die(const char *what)
{
    fprintf(stderr, "slapd_fixture: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void file_write(const struct slapd_fixture *slapd, const char *name, const char *format, ...)
{
    char path[128];
    va_list args;
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", slapd->directory, name);
    if ((file = fopen(path, "we")) == NULL)
        die(path);
    va_start(args, format);
    if (vfprintf(file, format, args) < 0 || fclose(file) != 0)
        die(path);
    va_end(args);
}

/* Runs a program and waits; dies when it fails. */
static void command(char *const *argv)
{
    pid_t pid = fork();
    int status = 0;

    if (pid < 0)
        die("fork");
    if (pid == 0) {
        (void)execvp(argv[0], argv);
        _exit(127);
    }
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "slapd_fixture: %s failed\n", argv[0]);
        exit(1);
    }
}

static void load(const struct slapd_fixture *slapd, char *suffix, const char *text)
{
    char program[] = "/usr/sbin/slapadd", quick[] = "-q", conf_option[] = "-f", base[] = "-b",
         ldif[] = "-l", sync[] = "-w";
    char conf[128], path[128];
    char *const argv[] = {program, quick, sync, conf_option, conf, base, suffix, ldif, path, NULL};

    (void)snprintf(conf, sizeof(conf), "%s/slapd.conf", slapd->directory);
    (void)snprintf(path, sizeof(path), "%s/load.ldif", slapd->directory);
    file_write(slapd, "load.ldif", "%s", text);
    command(argv);
}

static void folder(const struct slapd_fixture *slapd, const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", slapd->directory, name);
    if (mkdir(path, 0700) != 0)
        die(path);
}

static void uri_make(struct slapd_fixture *slapd)
{
    size_t used = (size_t)snprintf(slapd->uri, sizeof(slapd->uri), "ldapi://");

    for (const char *at = slapd->directory; *at != '\0'; at++)
        used += (size_t)snprintf(slapd->uri + used, sizeof(slapd->uri) - used,
                                 *at == '/' ? "%%2F" : "%c", *at);
    (void)snprintf(slapd->uri + used, sizeof(slapd->uri) - used, "%%2Fldapi");
}

static const char *source_folder(void)
{
    const char *name = getenv("srcdir");

    return name != NULL ? name : ".";
}

void slapd_setup(struct slapd_fixture *slapd, bool session_log, const char *more)
{
    char data[] = SLAPD_BASE, ledger[] = "ou=ledger," SLAPD_BASE;
    char *all, *schema = realpath(source_folder(), NULL);

    if (access("/usr/sbin/slapd", X_OK) != 0)
        exit(77);
    *slapd = (struct slapd_fixture){.session_log = session_log};
    (void)strcpy(slapd->directory, "/tmp/usher-slapd-XXXXXX");
    if (schema == NULL || mkdtemp(slapd->directory) == NULL)
        die("mkdtemp");
    uri_make(slapd);
    folder(slapd, "data");
    folder(slapd, "ledger");
    folder(slapd, "log");
    file_write(slapd, "slapd.conf", conf_text, schema, (unsigned)geteuid(), slapd->directory,
               session_log ? log_text : "");
    free(schema);
    if (asprintf(&all, "%s%s", data_text, more != NULL ? more : "") < 0)
        die("memory");
    load(slapd, data, all);
    free(all);
    load(slapd, ledger, ledger_text);
    slapd_run(slapd);
}

void slapd_teardown(struct slapd_fixture *slapd)
{
    char program[] = "rm", option[] = "-rf";
    char *const argv[] = {program, option, slapd->directory, NULL};

    slapd_kill(slapd);
    command(argv);
}

/* Whether slapd answers a search of the root DSE. */
static bool answers(const struct slapd_fixture *slapd)
{
    LDAP *ld = NULL;
    LDAPMessage *answer = NULL;
    struct berval empty = {0, (char *)(uintptr_t) ""};
    int version = LDAP_VERSION3;
    bool good = false;

    if (ldap_initialize(&ld, slapd->uri) != LDAP_SUCCESS)
        return false;
    (void)ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
    good = ldap_sasl_bind_s(ld, NULL, "EXTERNAL", &empty, NULL, NULL, NULL) == LDAP_SUCCESS &&
           ldap_search_ext_s(ld, SLAPD_BASE, LDAP_SCOPE_BASE, "(objectClass=*)", NULL, 0, NULL,
                             NULL, NULL, 0, &answer) == LDAP_SUCCESS;
    ldap_msgfree(answer);
    (void)ldap_unbind_ext_s(ld, NULL, NULL);
    return good;
}

void slapd_run(struct slapd_fixture *slapd)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    char conf[128];

    (void)snprintf(conf, sizeof(conf), "%s/slapd.conf", slapd->directory);
    slapd->pid = fork();
    if (slapd->pid < 0)
        die("fork");
    if (slapd->pid == 0) {
        /* None of the test's sockets, signal settings or sanitizers are for slapd. */
        (void)close_range(3, ~0U, 0);
        (void)signal(SIGPIPE, SIG_DFL);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves none behind */
        (void)execl("/usr/sbin/slapd", "slapd", "-d", "0", "-f", conf, "-h", slapd->uri,
                    (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 6000; i++) {
        if (answers(slapd))
            return;
        (void)nanosleep(&pause, NULL);
    }
    slapd_kill(slapd);
    errno = ETIMEDOUT;
    die("slapd does not answer");
}

static void end(struct slapd_fixture *slapd, int signal)
{
    if (slapd->pid <= 0)
        return;
    (void)kill(slapd->pid, signal);
    (void)kill(slapd->pid, SIGCONT);
    (void)waitpid(slapd->pid, NULL, 0);
    slapd->pid = 0;
}

void slapd_stop(struct slapd_fixture *slapd)
{
    end(slapd, SIGTERM);
}

void slapd_kill(struct slapd_fixture *slapd)
{
    end(slapd, SIGKILL);
}

void slapd_freeze(struct slapd_fixture *slapd, bool frozen)
{
    int status;

    (void)kill(slapd->pid, frozen ? SIGSTOP : SIGCONT);
    if (frozen) /* a thread of it may answer until then */
        (void)waitpid(slapd->pid, &status, WUNTRACED);
}

/* Copies the databases between the folder and its folder "saved". */
static void copy(struct slapd_fixture *slapd, const char *script)
{
    char program[] = "/bin/sh", option[] = "-c", text[256];
    char *const argv[] = {program, option, text, NULL};

    (void)snprintf(text, sizeof(text), "cd %s && %s", slapd->directory, script);
    command(argv);
}

void slapd_save(struct slapd_fixture *slapd)
{
    copy(slapd, "rm -rf saved && mkdir saved && cp -a data ledger log saved/");
}

void slapd_restore(struct slapd_fixture *slapd)
{
    copy(slapd, "rm -rf data ledger log && cp -a saved/* .");
}
