#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The evaluator's tests notice every change that tests/mutate makes to it; 90 seconds are enough.
srcdir=${srcdir:-$(dirname "$0")/..}
export srcdir
exec timeout 90 /usr/bin/python3 "$srcdir/tests/mutate"
