#!/bin/sh
# Runs pytest twice: JOBS tests at a time, then one by one those that must be alone (tests/conftest.py).
# Up to three of the first that failed are run again, alone: a machine that does something else besides can
# keep two processes from meeting in time. Those that pass then are named, and do not count as failed.
# run-pytest.sh JOBS FOLDER COMMAND...   SPDX-License-Identifier: Apache-2.0
set -eu
jobs=$1 folder=$2
shift 2
failed=$(mktemp)
again=$(mktemp)
trap 'rm -f "$failed" "$again"' EXIT
chmod a+rw "$failed" # the tests may be another user's
status=0
# The tests of a file share what their module sets up, and stay in one process.
FAILED_TESTS=$failed "$@" "$folder" -n "$jobs" --dist loadfile -m "not alone" || status=$?
sort -u "$failed" > "$again"
count=$(wc -l < "$again")
if [ "$status" = 1 ] && [ "$count" -ge 1 ] && [ "$count" -le 3 ]; then
    status=0
    while IFS= read -r test; do
        echo "run-pytest: again, alone: $test"
        "$@" "$test" < /dev/null || status=$?
    done < "$again"
    [ "$status" != 0 ] || sed 's/^/run-pytest: failed beside others, passed alone: /' "$again"
fi
[ "$status" = 0 ] || exit "$status"
"$@" "$folder" -m alone || status=$?
[ "$status" = 0 ] || [ "$status" = 5 ] # 5: there is none
