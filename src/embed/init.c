/* SPDX-License-Identifier: BSD-2-Clause */
#include "embed/init.h"
#include "base/err.h"
#include "base/mem.h"
#include "embed/folder.h"
#include "embed/load.h"
#include "embed/slapd_conf.h"
#include "embed/tree.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef USHER_DATADIR
#define USHER_DATADIR "/usr/local/share/usher"
#endif

/* What is open while the folder is being made. Files are opened before the folder is entered, since
 * their names are relative to where the caller stood. */
struct work {
    struct base_dn base;
    struct load schema;
    struct load *loads;
    char *schema_name;
    bool made; /* the folder itself is ours */
    int lock;
};

static int file_open(const char *name, const char *what, struct load *ret)
{
    FILE *file = fopen(name, "re");
    struct stat status;

    if (file == NULL) {
        warn("cannot read the %s %s", what, name);
        return E_NOTFOUND;
    }
    if (fstat(fileno(file), &status) != 0 || S_ISDIR(status.st_mode)) {
        warnx("cannot read the %s %s: expected a file", what, name);
        (void)fclose(file);
        return E_IO;
    }
    *ret = (struct load){.name = name, .file = file};
    return 0;
}

static int files_open(const struct init *init, struct work *work)
{
    const char *datadir = getenv("USHER_DATADIR");
    int err;

    work->schema_name =
        init->schema != NULL
            ? mem_strdup(init->schema)
            : mem_printf("%s/schema/" FOLDER_SCHEMA, datadir != NULL ? datadir : USHER_DATADIR);
    err = file_open(work->schema_name, "schema", &work->schema);
    work->loads = mem_array(init->load_count + 1, sizeof(*work->loads));
    for (size_t i = 0; err == 0 && i < init->load_count; i++)
        err = file_open(init->loads[i], "entries", &work->loads[i]);
    return err;
}

static void files_close(const struct init *init, struct work *work)
{
    for (size_t i = 0; work->loads != NULL && i < init->load_count; i++)
        if (work->loads[i].file != NULL)
            (void)fclose(work->loads[i].file);
    if (work->schema.file != NULL)
        (void)fclose(work->schema.file);
    free(work->loads);
    free(work->schema_name);
}

static int prepared_refuse(const struct init *init)
{
    if (!folder_prepared())
        return 0;
    warnx("the folder %s is prepared already: expected an empty or a new folder", init->directory);
    return E_EXISTS;
}

static int folder_open(const struct init *init, struct work *work)
{
    int err;

    if (mkdir(init->directory, 0700) == 0)
        work->made = true;
    else if (errno != EEXIST) {
        warn("cannot make the folder %s", init->directory);
        return E_IO;
    }
    err = folder_enter(init->directory);
    if (err == 0)
        err = prepared_refuse(init);
    if (err == 0)
        err = folder_check_ours(init->directory);
    if (err == 0)
        err = folder_lock(init->directory, false, &work->lock);
    if (err == 0)
        err = prepared_refuse(init); /* another one may have ended just now */
    if (err == 0 && chmod(".", 0700) != 0) {
        warn("cannot close the folder %s to others", init->directory);
        err = E_ACCESS;
    }
    return err;
}

static int schema_copy(const struct load *schema)
{
    FILE *out = fopen(FOLDER_SCHEMA, "we");
    char bytes[8192];
    size_t got;
    bool failed = out == NULL;

    while (!failed && (got = fread(bytes, 1, sizeof(bytes), schema->file)) > 0)
        failed = fwrite(bytes, 1, got, out) != got;
    if (out != NULL && fclose(out) != 0)
        failed = true;
    if (failed || ferror(schema->file)) {
        warn("cannot copy the schema %s", schema->name);
        return E_IO;
    }
    return 0;
}

static int entries_load(const struct init *init, struct work *work)
{
    char *suffix = mem_printf("ou=ledger,%s", work->base.text);
    char *ledger = tree_ledger(&work->base);
    char *main = tree_main(&work->base);
    int err = load_text(main, work->base.text, &work->base);

    if (err == 0)
        err = load_text(ledger, suffix, &work->base);
    for (size_t i = 0; err == 0 && i < init->load_count; i++)
        err = load_ldif(&work->loads[i], work->base.text, &work->base);
    free(main);
    free(ledger);
    free(suffix);
    return err;
}

/* slapd.conf comes last, once all else is on the disk: with it the folder counts as prepared. */
static int folder_fill(const struct init *init, struct work *work)
{
    int err;

    folder_clear();
    err = folder_make();
    if (err == 0)
        err = folder_write_base(&work->base);
    if (err == 0)
        err = schema_copy(&work->schema);
    if (err == 0)
        err = slapd_conf_write_owner(&work->base, geteuid());
    if (err == 0)
        err = slapd_conf_write(&work->base, FOLDER_NEWCONF);
    if (err == 0)
        err = entries_load(init, work);
    if (err == 0)
        err = folder_sync_all();
    if (err == 0 && rename(FOLDER_NEWCONF, FOLDER_CONF) != 0) {
        warn("cannot write " FOLDER_CONF);
        err = E_IO;
    }
    if (err == 0)
        err = folder_sync();
    if (err != 0)
        folder_clear();
    return err;
}

int init_run(const struct init *init)
{
    struct work work = {.lock = -1};
    int start = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int err = base_dn_parse(init->base, &work.base);

    umask(077);
    if (err == 0)
        err = files_open(init, &work);
    if (err == 0)
        err = folder_open(init, &work);
    if (err == 0) {
        err = folder_fill(init, &work);
        if (err != 0)
            (void)unlink(FOLDER_LOCK);
    }
    if (err != 0 && work.made && start >= 0 && fchdir(start) == 0)
        (void)rmdir(init->directory);
    if (work.lock >= 0)
        (void)close(work.lock);
    if (start >= 0)
        (void)close(start);
    files_close(init, &work);
    return err;
}
