/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usher.conf against the daemon's own table of options: what loads is printed, and the print loads
 * with the same values; what does not is told in one line that begins with the file.
 */
#include "fuzz.h"
#include "server/options.h"

/* libconfig 1.5 forgets the string last read where a file breaks off with a syntax error. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig.so";
}

static char *print(const struct conf *conf, size_t *ret_size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_size);

    HOLDS(out != NULL && conf_print(conf, out) == 0 && fclose(out) == 0);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file("usher.conf", data, size);
    struct conf *conf = NULL, *again = NULL;
    char wrong[CONF_ERROR_MAX] = "", *first, *second;
    size_t first_size, second_size;
    int rc = conf_load(path, server_options, server_option_count, &conf, wrong, sizeof(wrong));

    HOLDS(rc == 0 || rc == E_CONF || rc == E_LIMIT);
    if (rc < 0) {
        HOLDS(strncmp(wrong, path, strlen(path)) == 0 && strchr(wrong, '\n') == NULL);
        return 0;
    }
    first = print(conf, &first_size);
    path = fuzz_file("printed.conf", first, first_size);
    HOLDS(conf_load(path, server_options, server_option_count, &again, wrong, sizeof(wrong)) == 0);
    second = print(again, &second_size);
    HOLDS(first_size == second_size && memcmp(first, second, first_size) == 0);
    free(first);
    free(second);
    conf_free(conf);
    conf_free(again);
    return 0;
}
