/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The log of the daemon and the tools: one line a message, to standard error. error: somebody must
 * act; warning: we went on; info: the state changed; debug: the rest. Secrets and unknown user
 * names are never logged; user text is quoted with log_quote.
 */
#ifndef USHER_BASE_LOG_H
#define USHER_BASE_LOG_H

#include "base/mem.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Names the program in each line, and sets what is shown. */
void log_open(const char *program, enum log_level level);
void log_level_set(enum log_level level);
enum log_level log_level_get(void);

/* "error", "warning", "info", "debug" to the level; E_SYNTAX. */
int log_level_parse(const char *name, enum log_level *ret_level);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One audit line, shown at every level: key=value pairs by the caller. */
void log_audit(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* User text in quotes, cut between characters to fit buf with "...". Quotes, backslashes and what
 * is no plain character of UTF-8 (utf8_plain) stand as \xx. Returns buf. */
#define LOG_QUOTE_MAX 160
char *log_quote(struct slice text, char buf[LOG_QUOTE_MAX]);

#endif
