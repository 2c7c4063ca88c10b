/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The options of usher.conf: one row each (DESIGN 10). usherd --print-config prints them, and
 * usher.conf(5) is checked against them.
 */
#ifndef USHER_SERVER_OPTIONS_H
#define USHER_SERVER_OPTIONS_H

#include "base/conf.h"

extern const struct conf_option server_options[];
extern const size_t server_option_count;

#endif
