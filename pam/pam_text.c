/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The language of the prompts: gettext, under the locale that the user's session will have, as far
 * as it is known. The locale of the host program is that thread's again before anything is shown,
 * since a conversation is the host's own code.
 */
#include "pam_usher.h"

#include <langinfo.h>
#include <libintl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define DOMAIN "usher"

static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

static bool says_something(const char *name)
{
    return name != NULL && *name != '\0' && strcmp(name, "C") != 0 && strncmp(name, "C.", 2) != 0 &&
           strcmp(name, "POSIX") != 0;
}

/* What the stack has set (pam_env), else the locale that the program has chosen, else, since some
 * daemons choose none, that of its environment; NULL for none. */
static const char *locale_find(pam_handle_t *pamh)
{
    const char *name;

    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        if ((name = pam_getenv(pamh, variables[i])) != NULL && *name != '\0')
            return says_something(name) ? name : NULL;
    name = nl_langinfo(NL_LOCALE_NAME(LC_MESSAGES));
    if (says_something(name))
        return name;
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        if ((name = secure_getenv(variables[i])) != NULL && *name != '\0')
            return says_something(name) ? name : NULL;
    return NULL;
}

struct slice pam_usher_language(const struct pam_usher *call, char buf[PAM_USHER_LANGUAGE_MAX + 1])
{
    const char *name = locale_find(call->pamh);
    size_t len = name != NULL ? strcspn(name, ".@") : 0;

    if (len < 2 || len > PAM_USHER_LANGUAGE_MAX)
        return (struct slice){0};
    for (size_t i = 0; i < len; i++)
        buf[i] = name[i] == '_' ? '-' : name[i];
    return (struct slice){buf, len};
}

/* Catalogues stay loaded for the life of the process, so their strings may be returned. */
const char *pam_usher_text(const struct pam_usher *call, const char *english)
{
    const char *name = locale_find(call->pamh), *text;
    locale_t locale, before;

    if (name == NULL)
        return english;
    locale = newlocale(LC_MESSAGES_MASK | LC_CTYPE_MASK, name, (locale_t)0);
    if (locale == (locale_t)0)
        return english; /* not installed on this machine */
    before = uselocale(locale);
    (void)bindtextdomain(DOMAIN, USHER_LOCALEDIR);
    text = dgettext(DOMAIN, english);
    (void)uselocale(before);
    freelocale(locale);
    return text;
}
