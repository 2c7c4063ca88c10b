/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A text is kept as it is in its file and read twice: once to check every brace, and again each
 * time that it is filled, when nothing can be wrong any more.
 */
#include "notify/template.h"

#include "base/buffer.h"
#include "base/err.h"
#include "base/utf8.h"
#include "notify/header.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUBJECT "Subject: "
#define WORD    "abcdefghijklmnopqrstuvwxyz-"

/* One text; subject and body point into text. */
struct template
{
    char *text;
    struct slice subject;
    struct slice body;
};

struct language {
    char name[TEMPLATE_LANGUAGE_MAX + 1];
    struct template *texts; /* one for each kind; text is NULL where there is none */
};

struct templates {
    const struct template_kind *kinds;
    size_t kinds_count;
    struct language languages[TEMPLATE_LANGUAGES];
    size_t count;
};

/* Where the loading stands, for errors. */
struct loader {
    struct templates *templates;
    char *errbuf;
    size_t size;
};

/* Takes what comes first in text: plain bytes, or a word in braces. E_SYNTAX for a brace that is
 * neither a word nor doubled. */
static int next_piece(struct slice *text, struct slice *ret_plain, struct slice *ret_word)
{
    const char *brace = memchr(text->data, '{', text->len);
    size_t len = brace != NULL ? (size_t)(brace - text->data) : text->len;
    size_t left = text->len - len, word = 1;

    *ret_plain = (struct slice){text->data, len};
    *ret_word = (struct slice){NULL, 0};
    if (left == 0) {
        *text = (struct slice){NULL, 0};
        return 0;
    }
    if (left > 1 && brace[1] == '{') {
        ret_plain->len++;
        word = 2;
    } else {
        while (word < left && brace[word] != '\0' && strchr(WORD, brace[word]) != NULL)
            word++;
        if (word == 1 || word == left || brace[word] != '}')
            return E_SYNTAX;
        *ret_word = (struct slice){brace + 1, word - 1};
        word++;
    }
    *text = (struct slice){brace + word, left - word};
    return 0;
}

static bool has_word(const struct template_kind *kind, struct slice word)
{
    for (size_t i = 0; kind->words[i] != NULL; i++)
        if (slice_is(word, kind->words[i]))
            return true;
    return false;
}

static int check_pieces(const struct template_kind *kind, struct slice text, const char **ret_wrong)
{
    struct slice plain, word;

    while (text.len > 0) {
        *ret_wrong = "a { that is neither {word} nor {{";
        if (next_piece(&text, &plain, &word) < 0)
            return E_CONF;
        *ret_wrong = "a {word} that this mail does not have";
        if (word.len > 0 && !has_word(kind, word))
            return E_CONF;
    }
    return 0;
}

/* Finds subject and body; says what is wrong. */
static const char *split(const struct template_kind *kind, struct template *template)
{
    char *text = template->text, *end;

    assert(text != NULL);
    end = strchr(text, '\n');
    if (kind->bare) {
        template->subject = slice_of("");
        template->body = slice_of(text);
        return template->body.len == 0 ? "there is no text" : NULL;
    }
    if (end == NULL || strncmp(text, SUBJECT, strlen(SUBJECT)) != 0 ||
        end == text + strlen(SUBJECT))
        return "the first line must be \"Subject: ...\"";
    if (end[1] != '\n')
        return "the second line must be blank";
    template->subject =
        (struct slice){text + strlen(SUBJECT), (size_t)(end - text) - strlen(SUBJECT)};
    template->body = slice_of(end + 2);
    return template->body.len == 0 ? "there is no body" : NULL;
}

/* Splits and checks the text; says what is wrong. */
static const char *parse(const struct template_kind *kind, struct template *template)
{
    const char *text = template->text, *wrong = split(kind, template);

    if (wrong != NULL)
        return wrong;
    for (const char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        if (header_text_check((struct slice){line, len}) < 0)
            return "control bytes, or not UTF-8";
        line += len + (line[len] != '\0' ? 1 : 0);
    }
    if (check_pieces(kind, template->subject, &wrong) < 0 ||
        check_pieces(kind, template->body, &wrong) < 0)
        return wrong;
    return NULL;
}

/* Reads a regular file of at most TEMPLATE_FILE_MAX bytes into a new, terminated text. */
static int read_text(const char *path, char **ret, char *errbuf, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = 0;
    char *text = NULL;
    struct stat st;
    ssize_t got;

    if (fd < 0 || fstat(fd, &st) < 0) {
        err = err_errno(errno);
    } else if (!S_ISREG(st.st_mode)) {
        err = E_CONF;
    } else if (st.st_size > TEMPLATE_FILE_MAX) {
        err = E_LIMIT;
    } else {
        text = mem_alloc(TEMPLATE_FILE_MAX + 1);
        got = read(fd, text, TEMPLATE_FILE_MAX);
        err = got < 0 ? E_IO : strlen(text) != (size_t)got ? E_CONF : 0;
    }
    if (err < 0) {
        utf8_format(errbuf, size, "%s: %s", path,
                    err == E_CONF    ? "not a text file"
                    : err == E_LIMIT ? "the file is too large"
                                     : err_text(err));
        free(text);
    } else {
        *ret = text;
    }
    if (fd >= 0)
        close(fd);
    return err;
}

static int load_text(struct loader *loader, struct language *language, size_t kind,
                     const char *path)
{
    struct template *template = &language->texts[kind];
    const char *wrong;
    int err = read_text(path, &template->text, loader->errbuf, loader->size);

    if (err < 0)
        return err;
    wrong = parse(&loader->templates->kinds[kind], template);
    if (wrong == NULL)
        return 0;
    utf8_format(loader->errbuf, loader->size, "%s: %s", path, wrong);
    return E_CONF;
}

/* Every file of one language. A .txt that no mail has is a slip of the pen, and refused. */
static int load_language(struct loader *loader, struct language *language, const char *path)
{
    struct templates *templates = loader->templates;
    DIR *dir = opendir(path);
    struct dirent *item;
    int err = 0;

    if (dir == NULL) {
        err = err_errno(errno);
        utf8_format(loader->errbuf, loader->size, "%s: %s", path, strerror(errno));
        return err;
    }
    language->texts = mem_array(templates->kinds_count, sizeof(*language->texts));
    while (err == 0 && (item = readdir(dir)) != NULL) {
        size_t len = strlen(item->d_name), kind = 0;
        char *file;
        if (item->d_name[0] == '.' || len < 4 || strcmp(item->d_name + len - 4, ".txt") != 0)
            continue;
        while (kind < templates->kinds_count &&
               !slice_is((struct slice){item->d_name, len - 4}, templates->kinds[kind].name))
            kind++;
        file = mem_printf("%s/%s", path, item->d_name);
        if (kind < templates->kinds_count) {
            err = load_text(loader, language, kind, file);
        } else {
            err = E_CONF;
            utf8_format(loader->errbuf, loader->size, "%s: there is no mail of this name", file);
        }
        free(file);
    }
    closedir(dir);
    return err;
}

static bool is_language(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-");

    return len > 1 && len <= TEMPLATE_LANGUAGE_MAX && name[len] == '\0';
}

static int load_folder(struct loader *loader, DIR *dir, const char *folder)
{
    struct templates *templates = loader->templates;
    struct dirent *item;
    int err = 0;

    while (err == 0 && (item = readdir(dir)) != NULL) {
        struct stat st;
        char *path;
        if (!is_language(item->d_name))
            continue;
        path = mem_printf("%s/%s", folder, item->d_name);
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
            if (templates->count == TEMPLATE_LANGUAGES) {
                err = E_LIMIT;
                utf8_format(loader->errbuf, loader->size, "%s: too many languages", folder);
            } else {
                struct language *language = &templates->languages[templates->count++];
                strcpy(language->name, item->d_name);
                err = load_language(loader, language, path);
            }
        }
        free(path);
    }
    return err;
}

static const struct language *find_language(const struct templates *templates, struct slice name)
{
    for (size_t i = 0; i < templates->count; i++)
        if (slice_equal_fold(slice_of(templates->languages[i].name), name))
            return &templates->languages[i];
    return NULL;
}

static int check_fallback(struct loader *loader, const char *folder)
{
    struct templates *templates = loader->templates;
    const struct language *language = find_language(templates, slice_of(TEMPLATE_FALLBACK));

    for (size_t i = 0; i < templates->kinds_count; i++)
        if (language == NULL || language->texts[i].text == NULL) {
            utf8_format(loader->errbuf, loader->size, "%s/%s/%s.txt is missing", folder,
                        TEMPLATE_FALLBACK, templates->kinds[i].name);
            return E_CONF;
        }
    return 0;
}

int templates_load(const char *folder, const struct template_kind *kinds, size_t count,
                   struct templates **ret, char *errbuf, size_t size)
{
    struct templates *templates = NULL;
    struct loader loader = {.errbuf = errbuf, .size = size};
    DIR *dir = opendir(folder);
    int err;

    if (dir == NULL) {
        err = err_errno(errno);
        utf8_format(errbuf, size, "%s: %s", folder, strerror(errno));
        return err;
    }
    templates = loader.templates = mem_alloc(sizeof(*templates));
    templates->kinds = kinds;
    templates->kinds_count = count;
    err = load_folder(&loader, dir, folder);
    if (err == 0)
        err = check_fallback(&loader, folder);
    closedir(dir);
    if (err < 0)
        templates_free(templates);
    else
        *ret = templates;
    return err;
}

void templates_free(struct templates *templates)
{
    if (templates == NULL)
        return;
    for (size_t i = 0; i < templates->count; i++) {
        struct language *language = &templates->languages[i];
        for (size_t j = 0; language->texts != NULL && j < templates->kinds_count; j++)
            free(language->texts[j].text);
        free(language->texts);
    }
    free(templates);
}

/* The text in the language, in its first part, or in the fallback, which has all. */
static const struct template *choose(const struct templates *templates, size_t kind,
                                     const char *language)
{
    struct slice name = slice_of(language);
    const struct language *found = find_language(templates, name);

    if (found == NULL || found->texts[kind].text == NULL) {
        name.len = name.len > 0 ? strcspn(name.data, "-_") : 0;
        found = find_language(templates, name);
    }
    if (found == NULL || found->texts[kind].text == NULL)
        found = find_language(templates, slice_of(TEMPLATE_FALLBACK));
    return &found->texts[kind];
}

static int check_values(const struct template_kind *kind, const struct template_value *values,
                        size_t count)
{
    for (size_t i = 0; kind->words[i] != NULL; i++) {
        size_t j = 0;
        while (j < count && strcmp(values[j].word, kind->words[i]) != 0)
            j++;
        if (j == count || values[j].text == NULL)
            return E_NOTFOUND;
        if (strlen(values[j].text) > TEMPLATE_VALUE_MAX)
            return E_LIMIT;
        if (header_text_check(slice_of(values[j].text)) < 0)
            return E_SYNTAX;
    }
    return 0;
}

static int append_value(struct buffer *out, const struct template_value *values, struct slice word)
{
    size_t i = 0;

    while (!slice_is(word, values[i].word))
        i++;
    return buffer_append(out, values[i].text, strlen(values[i].text));
}

static int fill(struct slice text, const struct template_value *values, char **ret)
{
    struct slice plain, word;
    struct buffer out;
    int err = 0;

    buffer_init(&out);
    while (text.len > 0 && err == 0) {
        err = next_piece(&text, &plain, &word);
        assert(err == 0);
        err = buffer_append(&out, plain.data, plain.len);
        if (err == 0 && word.len > 0)
            err = append_value(&out, values, word);
    }
    if (err == 0)
        *ret = slice_dup(buffer_slice(&out));
    buffer_clear(&out);
    return err;
}

int template_fill(const struct templates *templates, const char *kind, const char *language,
                  const struct template_value *values, size_t count, char **ret_subject,
                  char **ret_body)
{
    const struct template *template;
    char *subject = NULL, *body = NULL;
    size_t index = 0;
    int err;

    while (index < templates->kinds_count && strcmp(templates->kinds[index].name, kind) != 0)
        index++;
    if (index == templates->kinds_count)
        return E_NOTFOUND;
    err = check_values(&templates->kinds[index], values, count);
    if (err < 0)
        return err;
    template = choose(templates, index, language);
    err = fill(template->subject, values, &subject);
    if (err == 0)
        err = fill(template->body, values, &body);
    if (err < 0) {
        template_text_free(subject);
        return err;
    }
    *ret_subject = subject;
    *ret_body = body;
    return 0;
}

void template_text_free(char *text)
{
    if (text != NULL)
        mem_wipe(text, strlen(text));
    free(text);
}
