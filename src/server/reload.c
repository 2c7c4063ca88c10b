/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/reload.h"
#include "base/err.h"
#include "base/log.h"
#include "server/daemon.h"
#include "server/mailer.h"
#include "server/options.h"

#include <stdlib.h>

/* A loop takes over new settings, on its own thread. */
struct adoption {
    struct job job; /* first */
    struct settings *settings;
};

static void on_adopt(struct job *job)
{
    struct adoption *adoption = (struct adoption *)job;

    settings_release(job->loop->settings);
    job->loop->settings = adoption->settings;
    free(adoption);
}

static void settings_adopt(struct daemon *daemon, struct settings *settings)
{
    struct settings *old;

    pthread_mutex_lock(&daemon->settings_lock);
    old = daemon->settings;
    daemon->settings = settings;
    pthread_mutex_unlock(&daemon->settings_lock);
    for (unsigned i = 0; i < daemon->loop_count; i++) {
        struct adoption *adoption = mem_alloc(sizeof(*adoption));

        adoption->job = (struct job){.done = on_adopt, .loop = daemon->loops[i]};
        adoption->settings = settings_share(settings);
        loop_post(daemon->loops[i], &adoption->job);
    }
    settings_release(old);
}

/* Everything is read before anything is put into force. */
static int configuration_adopt(struct daemon *daemon, const struct settings *before,
                               const struct conf *conf)
{
    struct settings *settings = NULL;
    struct delivery *delivery = NULL;
    int rc = settings_open(conf, &daemon->login, before, &settings);

    if (rc == 0)
        rc = delivery_open(conf, &delivery);
    if (rc < 0) {
        settings_release(settings);
        return rc;
    }
    settings_adopt(daemon, settings);
    mailer_adopt(daemon->mailer, delivery);
    return 0;
}

/* The log level, and what became of each change. before is the configuration that was in force;
 * what needs a restart is held against that of the start. */
static void reload_report(struct daemon *daemon, const struct conf *before, const struct conf *conf)
{
    char *changed = conf_difference(before, conf, CONF_RELOAD);
    char *restart = conf_difference(daemon->conf, conf, CONF_RESTART);
    enum log_level level = log_level_get();

    (void)log_level_parse(conf_string(conf, "log_level"), &level);
    if (level > log_level_get())
        log_level_set(level); /* told by whichever level tells more */
    log_info("reloaded the configuration; changed: %s", changed[0] != '\0' ? changed : "nothing");
    if (restart[0] != '\0')
        log_warning("needs a restart: %s", restart);
    log_level_set(level);
    free(changed);
    free(restart);
}

int daemon_reload(struct daemon *daemon, const char *file)
{
    struct settings *before;
    struct conf *conf = NULL;
    char error[CONF_ERROR_MAX];
    int rc = conf_load(file, server_options, server_option_count, &conf, error, sizeof(error));

    if (rc < 0)
        log_error("%s", error);
    pthread_mutex_lock(&daemon->reload_lock);
    before = daemon_settings(daemon);
    if (rc == 0)
        rc = configuration_adopt(daemon, before, conf);
    if (rc == 0)
        reload_report(daemon, before->conf, conf);
    else
        log_error("nothing was reloaded: the configuration of before stays in force");
    settings_release(before);
    pthread_mutex_unlock(&daemon->reload_lock);
    conf_free(conf);
    return rc;
}
