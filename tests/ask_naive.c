/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The naive evaluator as a program, for tests in other languages: a tree as tree_text.h has it, an
 * empty line, then one question a line: "person organization query". Answers each with a line:
 * "allow", "deny STEP", "step-up" or "error NAME". Its now is the clock's.
 */
#include "naive.h"
#include "tree_text.h"
#include "base/err.h"
#include "base/mem.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_REALTIME, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Ends the text at its line end; NULL at the end of the file. */
static char *line_read(char **line, size_t *size)
{
    if (getline(line, size, stdin) < 0)
        return NULL;
    (*line)[strcspn(*line, "\n")] = '\0';
    return *line;
}

static void answer(const struct naive *tree, char *line)
{
    char *query = line, *person = strsep(&query, " "), *organization = strsep(&query, " ");
    struct naive_answer found;

    if (query == NULL)
        errx(2, "not a question: %s", line);
    found = naive_decide(tree, person, organization, query, now());
    if (found.result == 0)
        puts("allow");
    else if (found.result == E_DENIED)
        printf("deny %d\n", found.step);
    else if (found.result == E_STEPUP)
        puts("step-up");
    else
        printf("error %s\n", err_name(found.result));
}

int main(void)
{
    struct naive *tree = naive_new();
    char *line = NULL;
    size_t size = 0;

    while (line_read(&line, &size) != NULL && line[0] != '\0')
        tree_read(tree, line);
    while (line_read(&line, &size) != NULL)
        answer(tree, line);
    free(line);
    naive_free(tree);
    return 0;
}
