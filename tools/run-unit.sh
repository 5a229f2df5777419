#!/bin/sh
# Runs unit test programs, each with a time limit, and ends with a line that counts their tests.
# SPDX-License-Identifier: Apache-2.0
set -u
# The sanitizer's leak check needs ptrace, which Criterion's worker processes do not allow. What asks
# for too much memory gets none, as it would from libc.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
passed=0
failed=0
for program in "$@"; do
    if output=$(timeout 600 "$program" 2>&1); then
        :
    else
        printf '%s: exit %d\n%s\n' "$program" "$?" "$output" >&2
        failed=$((failed + 1))
    fi
    tests=$(printf '%s' "$output" | sed -n 's/.*Passing: \x1b\[[0-9;]*m\{0,1\}\([0-9]*\).*/\1/p; s/.*Passing: \([0-9]*\).*/\1/p' | tail -n 1)
    passed=$((passed + ${tests:-0}))
done
echo "unit: $passed tests passed, $failed programs failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
