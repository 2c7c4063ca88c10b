/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Asks both evaluators on one tree.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sentence.h"
#include "model_tree.h"
#include "tree_text.h"
#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define NOW INT64_C(1000000)

static const char common[] = "permission ticket:read\n"
                             "permission ticket:delete\n"
                             "permission section:read\n"
                             "permission section.users:read\n"
                             "permission section.users.admin:read\n"
                             "permission directory:read\n"
                             "permission directory.user:create\n"
                             "permission gate:scan channel=app\n"
                             "permission price:edit editing\n"
                             "permission cash:open factor\n"
                             "permission order:void requires=ticket:delete\n"
                             "person alice\n"
                             "person vera\n"
                             "person erin\n"
                             "person gone inactive\n"
                             "organization beta\n"
                             "organization platform\n"
                             "organization shut inactive\n"
                             "event acme/hamlet\n"
                             "event acme/macbeth\n"
                             "event beta/hamlet\n";

static void expect_of(const char *text, int *result, int *step)
{
    static const struct {
        const char *text;
        int result;
        int step;
    } answers[] = {
        {"allow", 0, 8},         {"stepup", E_STEPUP, 9},     {"syntax", E_SYNTAX, 1},
        {"noperm", E_NOPERM, 1}, {"notfound", E_NOTFOUND, 1}, {"deny:2", E_DENIED, 2},
        {"deny:3", E_DENIED, 3}, {"deny:4", E_DENIED, 4},     {"deny:5", E_DENIED, 5},
        {"deny:6", E_DENIED, 6}, {"deny:7", E_DENIED, 7},     {"deny:8", E_DENIED, 8},
    };

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        if (strcmp(answers[i].text, text) == 0) {
            *result = answers[i].result;
            *step = answers[i].step;
            return;
        }
    }
    fail_msg("no such answer: %s", text);
}

/* Asks both evaluators; who with a slash is a service. */
static void ask(const struct naive *tree, const struct model_tree *model, char *who, const char *q,
                const char *query, struct naive_answer *naive, struct decision *decision)
{
    char *name = who;
    char *organization = strsep(&name, "/");

    if (name == NULL) {
        *naive = naive_decide(tree, who, q, query, NOW);
        *decision = model_tree_decide(model, who, q, query, NOW);
    } else {
        *naive = naive_decide_service(tree, organization, name, q, query, NOW);
        *decision = model_tree_decide_service(model, organization, name, q, query, NOW);
    }
}

static void check_question(const struct sentence *sentence, const struct naive *tree,
                           const struct model_tree *model, char *line)
{
    char *whole = mem_strdup(line), *who = strsep(&line, " "), *q = strsep(&line, " ");
    char *query = strsep(&line, " ");
    struct naive_answer naive;
    struct decision decision;
    int result = E_INTERNAL, step = 0;

    assert_non_null(line);
    assert_memory_equal(line, "-> ", 3);
    expect_of(line + 3, &result, &step);
    ask(tree, model, who, q, query, &naive, &decision);
    if (decision.result != result || decision.step != step)
        fail_msg("%s\n%s\nevaluator: %s, step %d", sentence->says, whole, err_name(decision.result),
                 decision.step);
    if (naive.result != result || naive.step != step)
        fail_msg("%s\n%s\nnaive: %s, step %d", sentence->says, whole, err_name(naive.result),
                 naive.step);
    free(whole);
}

void sentence_check(const struct sentence *sentence)
{
    char *questions = mem_strdup(sentence->questions), *rest = questions, *line;
    struct naive *tree = naive_new();
    struct model_tree *model;

    tree_read(tree, common);
    tree_read(tree, sentence->entries);
    if (naive_find(tree, NAIVE_ORGANIZATION, NULL, NULL, "acme") == NULL)
        tree_read(tree, "organization acme");
    model = model_tree_new(tree);
    while ((line = strsep(&rest, "\n")) != NULL)
        if (line[0] != '\0')
            check_question(sentence, tree, model, line);
    model_tree_free(model);
    naive_free(tree);
    free(questions);
}
