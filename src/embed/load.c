/* SPDX-License-Identifier: BSD-2-Clause */
#include "embed/load.h"
#include "base/err.h"
#include "embed/folder.h"
#include "embed/ldif_base.h"
#include "embed/tool.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ANSWER_LINES_MAX 20

/* The number behind "(line=" or ": line "; 0 when there is none. */
static unsigned long answer_row(const char *text)
{
    static const char *const marks[] = {"(line=", ": line "};

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        const char *at = strstr(text, marks[i]);

        if (at != NULL)
            return strtoul(at + strlen(marks[i]), NULL, 10);
    }
    return 0;
}

/* What slapadd says of a missing parent: "  entry 16: ou=nowhere,dc=example,dc=org". NULL
 * otherwise. */
static const char *answer_parent(const char *text)
{
    const char *at = strncmp(text, "  entry ", 8) == 0 ? strchr(text, ':') : NULL;

    return at == NULL ? NULL : at + strspn(at, ": ");
}

/* The row of the first entry at or behind row whose DN ends in tail; 0 when there is none. The rows
 * of FOLDER_LOAD are those of the file. */
static unsigned long entry_row(unsigned long row, const char *tail)
{
    FILE *file = fopen(FOLDER_LOAD, "re");
    char *line = NULL;
    size_t size = 0, len = strlen(tail);
    unsigned long at = 0, found = 0;

    while (file != NULL && found == 0 && getline(&line, &size, file) >= 0) {
        size_t got = strcspn(line, "\n");

        line[got] = '\0';
        at++;
        if (at >= row && strncasecmp(line, "dn:", 3) == 0 && got >= len &&
            strcasecmp(line + got - len, tail) == 0)
            found = at;
    }
    free(line);
    if (file != NULL)
        (void)fclose(file);
    return found;
}

/* slapadd counts an entry from the comments before it; people look for its dn. */
static void answer_line(const char *name, const char *text)
{
    unsigned long row = answer_row(text);
    const char *parent = answer_parent(text);

    if (parent != NULL)
        warnx("%s:%lu: the parent %s does not exist", name, entry_row(1, parent), parent);
    else if (row > 0 && entry_row(row, "") > 0)
        warnx("%s:%lu: %s", name, entry_row(row, ""), text);
    else if (row > 0)
        warnx("%s:%lu: %s", name, row, text);
    else
        warnx("%s: %s", name, text);
}

static void answer_report(const char *name)
{
    FILE *file = fopen(FOLDER_ANSWER, "re");
    char text[512];
    int lines = 0;

    while (file != NULL && fgets(text, sizeof(text), file) != NULL) {
        text[strcspn(text, "\n")] = '\0';
        if (text[0] == '\0' || text[0] == '_')
            continue; /* the progress bar */
        if (lines == ANSWER_LINES_MAX) {
            warnx("%s: and more, which is not shown", name);
            break;
        }
        answer_line(name, text);
        lines++;
    }
    if (lines == 0)
        warnx("%s: slapadd failed and said nothing", name);
    if (file != NULL)
        (void)fclose(file);
}

static int load_write(const struct load *load, const struct base_dn *base)
{
    FILE *out = fopen(FOLDER_LOAD, "we");
    int err;

    if (out == NULL) {
        warn("cannot write " FOLDER_LOAD);
        return E_IO;
    }
    err = ldif_base_move(load->file, load->name, base->text, out);
    if (fclose(out) != 0 && err == 0) {
        warn("cannot write " FOLDER_LOAD);
        err = E_IO;
    }
    return err;
}

int load_ldif(const struct load *load, const char *suffix, const struct base_dn *base)
{
    int err = load_write(load, base);

    if (err == 0) {
        err = tool_add(FOLDER_NEWCONF, suffix);
        if (err == E_CONF)
            answer_report(load->name);
    }
    tool_clear();
    return err;
}

int load_text(const char *text, const char *suffix, const struct base_dn *base)
{
    struct load load = {.name = "(built in)", .file = fmemopen((void *)text, strlen(text), "r")};
    int err;

    if (load.file == NULL) {
        warn("cannot read the entries built in");
        return E_IO;
    }
    err = load_ldif(&load, suffix, base);
    (void)fclose(load.file);
    return err;
}
