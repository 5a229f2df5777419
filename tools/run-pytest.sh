#!/bin/sh
# Runs pytest twice: JOBS tests at a time, then one by one those that must be alone (tests/conftest.py).
# run-pytest.sh JOBS COMMAND...   SPDX-License-Identifier: Apache-2.0
set -eu
jobs=$1
shift
# The tests of a file share what their module sets up, and stay in one process.
"$@" -n "$jobs" --dist loadfile -m "not alone"
status=0
"$@" -m alone || status=$?
[ "$status" = 0 ] || [ "$status" = 5 ] # 5: there is none
