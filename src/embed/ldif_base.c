/* SPDX-License-Identifier: BSD-2-Clause */
#include "embed/ldif_base.h"
#include "base/err.h"
#include "base/mem.h"

#include <err.h>
#include <errno.h>
#include <lber.h>
#include <ldap.h>
#include <ldif.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A logical line: the continued lines joined, without the line end. */
struct line {
    char *text;
    size_t len;
    size_t size;
    size_t rows; /* lines of the file that it took */
};

struct source {
    FILE *in;
    const char *name;
    size_t row; /* lines read so far, the one put back included */
    char *next; /* the line after the current one, read ahead */
    size_t next_size;
    ssize_t next_len; /* -1: end of file */
};

static void source_advance(struct source *source)
{
    source->next_len = getline(&source->next, &source->next_size, source->in);
    if (source->next_len < 0)
        return;
    source->row++;
    while (source->next_len > 0 && (source->next[source->next_len - 1] == '\n' ||
                                    source->next[source->next_len - 1] == '\r'))
        source->next[--source->next_len] = '\0';
}

static int line_append(struct line *line, const char *text, size_t len)
{
    if (line->len + len > LDIF_BASE_LINE_MAX)
        return E_LIMIT;
    if (line->len + len + 1 > line->size) {
        line->size = 2 * (line->len + len + 1);
        line->text = mem_grow(line->text, line->size, 1);
    }
    memcpy(line->text + line->len, text, len);
    line->len += len;
    line->text[line->len] = '\0';
    line->rows++;
    return 0;
}

/* The next logical line; E_NOTFOUND at the end. */
static int line_read(struct source *source, struct line *line)
{
    int err;

    line->len = 0;
    line->rows = 0;
    if (source->next_len < 0)
        return ferror(source->in) ? E_IO : E_NOTFOUND;
    err = line_append(line, source->next, (size_t)source->next_len);
    source_advance(source);
    while (err == 0 && source->next_len > 0 && source->next[0] == ' ' && line->len > 0) {
        err = line_append(line, source->next + 1, (size_t)source->next_len - 1);
        source_advance(source);
    }
    return err;
}

/* Whether value ends in the DN tail, whole RDNs only. */
static bool ends_in(const struct berval *value, const char *tail)
{
    size_t len = strlen(tail);
    const char *at;

    if (value->bv_len < len || memchr(value->bv_val, '\0', value->bv_len) != NULL)
        return false;
    at = value->bv_val + value->bv_len - len;
    return strncasecmp(at, tail, len) == 0 && (value->bv_len == len || at[-1] == ',');
}

/* The line with its value moved, on the heap; NULL when it stays as it is. */
static char *line_moved(const struct line *line, const char *base)
{
    struct berval type, value;
    int allocated = 0;
    char *copy, *moved, *put = NULL;
    const char *colon = line->len == 0 ? NULL : memchr(line->text, ':', line->len);

    if (colon == NULL || colon[1] == '<' || line->text[0] == '#' ||
        memchr(line->text, '\0', line->len) != NULL)
        return NULL;
    copy = mem_strdup(line->text);
    if (ldif_parse_line2(copy, &type, &value, &allocated) == 0) {
        if (ends_in(&value, LDIF_BASE_SAMPLE) && !ends_in(&value, base)) {
            moved = mem_printf("%.*s%s", (int)(value.bv_len - strlen(LDIF_BASE_SAMPLE)),
                               value.bv_val, base);
            put = ldif_put_wrap(LDIF_PUT_VALUE, type.bv_val, moved, (ber_len_t)strlen(moved),
                                LDIF_LINE_WIDTH_MAX);
            mem_wipe(moved, strlen(moved));
            free(moved);
        }
        if (allocated)
            ber_memfree(value.bv_val);
    }
    mem_wipe(copy, line->len);
    free(copy);
    return put;
}

/* A line that took several rows is one row now: comments stand for the others. */
static void line_write(const struct line *line, const char *base, FILE *out)
{
    char *moved = line_moved(line, base);

    if (moved != NULL)
        fputs(moved, out);
    else {
        fwrite(line->text, 1, line->len, out);
        fputc('\n', out);
    }
    ber_memfree(moved);
    for (size_t i = 1; i < line->rows; i++)
        fputs("#\n", out);
}

int ldif_base_move(FILE *in, const char *name, const char *base, FILE *out)
{
    struct source source = {.in = in, .name = name};
    struct line line = {0};
    int err;

    source_advance(&source);
    while ((err = line_read(&source, &line)) == 0)
        line_write(&line, base, out);
    if (err == E_NOTFOUND)
        err = 0;
    else if (err == E_LIMIT)
        warnx("%s:%zu: a line is longer than %d bytes", name, source.row, LDIF_BASE_LINE_MAX);
    else
        warn("%s", name);
    if (err == 0 && (fflush(out) != 0 || ferror(out))) {
        warn("cannot write the entries of %s", name);
        err = E_IO;
    }
    if (source.next != NULL)
        mem_wipe(source.next, source.next_size);
    if (line.text != NULL)
        mem_wipe(line.text, line.size);
    free(source.next);
    free(line.text);
    return err;
}
