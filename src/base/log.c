/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINE_MAX 2048

static const char *log_program = "usher";
static _Atomic int log_shown = LOG_LEVEL_INFO;
static const char *const level_names[] = {"error", "warning", "info", "debug"};

void log_open(const char *program, enum log_level level)
{
    log_program = program;
    log_level_set(level);
}

void log_level_set(enum log_level level)
{
    atomic_store(&log_shown, (int)level);
}

enum log_level log_level_get(void)
{
    return (enum log_level)atomic_load(&log_shown);
}

int log_level_parse(const char *name, enum log_level *ret_level)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++)
        if (strcmp(name, level_names[i]) == 0) {
            *ret_level = (enum log_level)i;
            return 0;
        }
    return E_SYNTAX;
}

/* One write() a line, so that lines of several threads do not mix. */
static void log_line(const char *kind, const char *format, va_list args)
{
    char line[LOG_LINE_MAX];
    struct timespec now;
    struct tm tm;
    size_t used;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &tm);
    used = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &tm);
    used += (size_t)snprintf(line + used, sizeof(line) - used,
                             ".%03ldZ %s[%d] %s: ", now.tv_nsec / 1000000, log_program,
                             (int)getpid(), kind);
    utf8_vformat(line + used, sizeof(line) - 1 - used, format, args);
    used += strlen(line + used);
    line[used++] = '\n';
    if (write(STDERR_FILENO, line, used) < 0)
        return; /* nowhere left to say so */
}

#define LOG_FUNCTION(name, level)                                                                  \
    void name(const char *format, ...)                                                             \
    {                                                                                              \
        va_list args;                                                                              \
                                                                                                   \
        if (atomic_load(&log_shown) < (int)(level))                                                \
            return;                                                                                \
        va_start(args, format);                                                                    \
        log_line(level_names[level], format, args);                                                \
        va_end(args);                                                                              \
    }

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)

void log_audit(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_line("audit", format, args);
    va_end(args);
}

char *log_quote(struct slice text, char buf[LOG_QUOTE_MAX])
{
    size_t used = 0;

    buf[used++] = '"';
    while (text.len > 0) {
        size_t len = utf8_plain(text);

        if (used + 9 > LOG_QUOTE_MAX) {
            used += (size_t)snprintf(buf + used, LOG_QUOTE_MAX - used, "...");
            break;
        }
        if (len == 0 || text.data[0] == '"' || text.data[0] == '\\') {
            used += (size_t)snprintf(buf + used, LOG_QUOTE_MAX - used, "\\%02x",
                                     (unsigned char)text.data[0]);
            len = 1;
        } else {
            memcpy(buf + used, text.data, len);
            used += len;
        }
        text.data += len;
        text.len -= len;
    }
    buf[used++] = '"';
    buf[used] = '\0';
    return buf;
}
