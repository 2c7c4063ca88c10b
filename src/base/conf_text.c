/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The bytes of a configuration file, and what must be refused before libconfig sees them: it wraps
 * an integer that is too large without a word, and it ends the whole process when it cannot read an
 * included file. So integers are measured here, and "@include" is no part of our language.
 */
#include "base/conf.h"

#include "base/conf_value.h"
#include "base/err.h"
#include "base/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_regular(const char *file, int *ret_fd, char *errbuf, size_t size)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = 0;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0) {
        err = err_errno(errno);
        utf8_format(errbuf, size, "%s: %s", file, strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        err = E_CONF;
        utf8_format(errbuf, size, "%s: not a regular file", file);
    } else {
        *ret_fd = fd;
        return 0;
    }
    if (fd >= 0)
        close(fd);
    return err;
}

/* Reads up to CONF_FILE_MAX + 1 bytes. */
static int read_all(int fd, char *text, size_t *ret_len)
{
    size_t len = 0;

    while (len <= CONF_FILE_MAX) {
        ssize_t got = read(fd, text + len, CONF_FILE_MAX + 1 - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return E_IO;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    *ret_len = len;
    return 0;
}

/* Behind the string, comment or name that starts at text, or text itself. */
static const char *skip_words(const char *text)
{
    if (*text == '"') {
        for (text++; *text != '\0' && *text != '"'; text++)
            text += *text == '\\' && text[1] != '\0' ? 1 : 0;
        return *text == '"' ? text + 1 : text;
    }
    if (*text == '#' || strncmp(text, "//", 2) == 0)
        return text + strcspn(text, "\n");
    if (strncmp(text, "/*", 2) == 0) {
        const char *end = strstr(text + 2, "*/");
        return end != NULL ? end + 2 : text + strlen(text);
    }
    if (isalpha((unsigned char)*text) || *text == '*')
        while (isalnum((unsigned char)*text) || (*text != '\0' && strchr("-_*", *text) != NULL))
            text++;
    return text;
}

/* The number that starts at *text: past it, and E_CONF when libconfig would wrap it. */
static int measure_number(const char **text)
{
    bool hex = (*text)[0] == '0' && ((*text)[1] == 'x' || (*text)[1] == 'X');
    bool negative = **text == '-';
    const char *digits = *text + (hex ? 2 : **text == '-' || **text == '+' ? 1 : 0);
    char *end;
    unsigned long long number, most;

    errno = 0;
    number = isxdigit((unsigned char)*digits) ? strtoull(digits, &end, hex ? 16 : 10)
                                              : (end = (char *)digits, 0);
    most = *end == 'L' ? INT64_MAX : INT32_MAX;
    if (!hex && *end != '\0' && strchr(".eE", *end) != NULL) {
        strtod(digits, &end);
        errno = 0;
        number = 0;
    }
    *text = end + strspn(end, "L");
    return errno != 0 || number > most + (negative ? 1 : 0) ? E_CONF : 0;
}

static unsigned line_of(const char *text, const char *at)
{
    unsigned line = 1;

    for (; text < at; text++)
        line += *text == '\n';
    return line;
}

static int check_text(const char *file, const char *text, char *errbuf, size_t size)
{
    const char *wrong = NULL, *at = text;

    while (*at != '\0' && wrong == NULL) {
        const char *start = at;
        at = skip_words(at);
        if (at != start)
            continue;
        if (isdigit((unsigned char)*at) || ((*at == '-' || *at == '+') && at[1] != '\0'))
            wrong = measure_number(&at) < 0 ? "the integer is too large (write an L behind one "
                                              "beyond 2147483647)"
                                            : NULL;
        else if (*at == '@')
            wrong = "@include is not supported";
        else
            at++;
        if (wrong != NULL)
            utf8_format(errbuf, size, "%s:%u: %s", file, line_of(text, start), wrong);
    }
    return wrong != NULL ? E_CONF : 0;
}

int conf_text_read(const char *file, char **ret, char *errbuf, size_t size)
{
    char *text = mem_alloc(CONF_FILE_MAX + 2);
    size_t len = 0;
    int fd = -1, err = open_regular(file, &fd, errbuf, size);

    if (err < 0)
        goto out;
    err = read_all(fd, text, &len);
    if (err < 0) {
        utf8_format(errbuf, size, "%s: %s", file, strerror(errno));
    } else if (len > CONF_FILE_MAX) {
        err = E_LIMIT;
        utf8_format(errbuf, size, "%s: larger than %d bytes", file, CONF_FILE_MAX);
    } else if (strlen(text) != len) {
        err = E_CONF;
        utf8_format(errbuf, size, "%s:%u: a byte 0 in the text", file,
                    line_of(text, text + strlen(text)));
    } else {
        err = check_text(file, text, errbuf, size);
    }
    if (err == 0) {
        *ret = text;
        text = NULL;
    }
out:
    if (fd >= 0)
        close(fd);
    conf_text_free(text);
    return err;
}

void conf_text_free(char *text)
{
    if (text != NULL)
        mem_wipe(text, CONF_FILE_MAX + 2);
    free(text);
}
