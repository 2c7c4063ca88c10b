/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Texts of mails, one file for each language and mail: <folder>/<language>/<name>.txt. The first
 * line is "Subject: ...", the second is blank, the rest is the body; {word} stands for a value, {{
 * for a brace. Everything that could be wrong with a text is found when it is loaded; a set never
 * changes, so that to reload is to load another. Knows neither SMTP nor persons.
 */
#ifndef USHER_NOTIFY_TEMPLATE_H
#define USHER_NOTIFY_TEMPLATE_H

#include "base/mem.h"

#define TEMPLATE_FILE_MAX     16384 /* bytes of a file */
#define TEMPLATE_LANGUAGES    64    /* folders of languages */
#define TEMPLATE_LANGUAGE_MAX 16    /* letters of a-z A-Z - : "da", "da-DK" */
#define TEMPLATE_WORDS        16    /* values that a mail may have */
#define TEMPLATE_VALUE_MAX    256   /* bytes of a value */
#define TEMPLATE_FALLBACK     "en"  /* must have every mail */

/* A mail that the program sends, and the words that its texts may use, ended by NULL. */
struct template_kind {
    const char *name; /* of a-z and -, also the file's */
    const char *words[TEMPLATE_WORDS + 1];
    bool bare; /* for an SMS: the file has no line "Subject:", it is all body */
};

/* The value of a word. */
struct template_value {
    const char *word;
    const char *text;
};

struct templates;

/* Loads all languages of a folder. Its folders are the languages; their files are kinds, all of
 * them in "en". E_CONF for what is wrong in a text, E_NOTFOUND, E_ACCESS, E_IO, E_LIMIT for files;
 * errbuf then says where. kinds must live as long. The caller frees *ret with templates_free. */
int templates_load(const char *folder, const struct template_kind *kinds, size_t count,
                   struct templates **ret, char *errbuf, size_t size);

/* NULL is fine. */
void templates_free(struct templates *templates);

/* Fills the text of a kind (a bare one has the subject ""), in the language asked for ("da-DK", in
 * any case), else in its first part ("da"), else in "en". Every word of the kind needs a value. The
 * caller frees both, and wipes the body if a value was a secret: template_text_free does.
 * E_NOTFOUND for a kind that was not loaded or a word without a value; E_SYNTAX when a value has
 * control bytes, E_LIMIT when it is too long. */
int template_fill(const struct templates *templates, const char *kind, const char *language,
                  const struct template_value *values, size_t count, char **ret_subject,
                  char **ret_body);

/* Wipes and frees. NULL is fine. */
void template_text_free(char *text);

#endif
