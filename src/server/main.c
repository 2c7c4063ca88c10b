/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherd: options, signals, and the daemon from start to stop. See usherd(8).
 */
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "server/daemon.h"
#include "server/options.h"
#include "server/reload.h"
#include "server/supervisor.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#ifndef USHER_SYSCONFDIR
#define USHER_SYSCONFDIR "/etc/usher"
#endif

static const char usage[] =
    "usage: usherd [-f FILE] [--check-config | --print-config]\n"
    "  -f, --config FILE   the configuration (default: " USHER_SYSCONFDIR "/usher.conf)\n"
    "      --check-config  read it, say what is wrong, and end\n"
    "      --print-config  print every option with its value in force, and end\n"
    "      --version       print the version, and end\n"
    "usherd stays in the foreground; SIGHUP reloads the configuration, SIGTERM or SIGINT ends "
    "it.\n";

enum { OPTION_CHECK = 256, OPTION_PRINT, OPTION_VERSION, OPTION_HELP };

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'f'},
    {"check-config", no_argument, NULL, OPTION_CHECK},
    {"print-config", no_argument, NULL, OPTION_PRINT},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

/* Neither cores nor other processes of our uid get at keys and secrets in memory. */
static void harden(void)
{
    struct rlimit none = {0, 0};

    if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
        log_warning("core dumps could not be forbidden");
}

static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void tell(const char *lines)
{
    int rc = supervisor_tell(lines);

    if (rc < 0)
        log_warning("the supervisor at NOTIFY_SOCKET cannot be told: %s", err_text(rc));
}

/* Waits for a signal that says to stop, and reloads on SIGHUP meanwhile. */
static void serve_signals(struct daemon *daemon, const sigset_t *signals, const char *file)
{
    int number;

    while (sigwait(signals, &number) == 0) {
        if (number != SIGHUP) {
            log_info("stopping on signal %d", number);
            tell("STOPPING=1");
            return;
        }
        tell("RELOADING=1");
        (void)daemon_reload(daemon, file);
        tell("READY=1");
    }
}

/* Serves until a signal says to stop. */
static int serve(const struct conf *conf, const char *file)
{
    struct daemon *daemon = mem_alloc(sizeof(*daemon));
    sigset_t signals;
    int rc;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL); /* before any thread: all inherit it */
    (void)signal(SIGPIPE, SIG_IGN);
    harden();
    raise_descriptors();
    rc = daemon_start(daemon, conf);
    if (rc == 0) {
        log_info("ready");
        tell("READY=1");
        serve_signals(daemon, &signals, file);
        daemon_stop(daemon);
    }
    free(daemon);
    return rc == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *file = USHER_SYSCONFDIR "/usher.conf";
    bool check = false, print = false;
    char error[CONF_ERROR_MAX];
    enum log_level level = LOG_LEVEL_INFO;
    struct conf *conf = NULL;
    int option, rc;

    log_open("usherd", level);
    while ((option = getopt_long(argc, argv, "f:", long_options, NULL)) != -1) {
        switch (option) {
        case 'f':
            file = optarg;
            break;
        case OPTION_CHECK:
            check = true;
            break;
        case OPTION_PRINT:
            print = true;
            break;
        case OPTION_VERSION:
            puts("usherd " PACKAGE_VERSION);
            return 0;
        case OPTION_HELP:
            fputs(usage, stdout);
            return 0;
        default:
            fputs(usage, stderr);
            return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "usherd: no argument is expected, found \"%s\"\n%s", argv[optind], usage);
        return 2;
    }
    rc = conf_load(file, server_options, server_option_count, &conf, error, sizeof(error));
    if (rc < 0) {
        fprintf(stderr, "usherd: %s\n", error);
        return 2;
    }
    if (print)
        rc = conf_print(conf, stdout) == 0 ? 0 : 2;
    else if (!check) {
        (void)log_level_parse(conf_string(conf, "log_level"), &level);
        log_level_set(level);
        rc = serve(conf, file);
    }
    conf_free(conf);
    return rc;
}
