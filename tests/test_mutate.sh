#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The evaluator's tests notice every change that tests/mutate makes to it. Half a
# minute's work; the bound is for a machine that does much else.
srcdir=${srcdir:-$(dirname "$0")/..}
export srcdir
exec timeout 1800 /usr/bin/python3 "$srcdir/tests/mutate"
