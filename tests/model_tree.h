/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A naive tree put to the real evaluator: its catalogue, profiles and subjects made from the
 * entries with src/model. Nothing of the naive evaluation is used, only its entries.
 */
#ifndef USHER_TESTS_MODEL_TREE_H
#define USHER_TESTS_MODEL_TREE_H

#include "naive.h"
#include "model/decide.h"

struct model_tree;

/* The tree must outlive it and not change. */
struct model_tree *model_tree_new(const struct naive *tree);
void model_tree_free(struct model_tree *model);

/* As naive_decide: a query that does not parse is E_SYNTAX of step 1. */
struct decision model_tree_decide(const struct model_tree *model, const char *person,
                                  const char *organization, const char *query, int64_t now_ms);

/* As naive_decide_service. */
struct decision model_tree_decide_service(const struct model_tree *model,
                                          const char *service_organization, const char *service,
                                          const char *organization, const char *query,
                                          int64_t now_ms);

#endif
