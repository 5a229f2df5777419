#!/bin/sh
# check-policy.sh FILE...: what is wrong in policy files, with its place; 1 where something is.
# Needs forkpolicy on PATH. SPDX-License-Identifier: Apache-2.0
status=0
for file in "$@"; do
    forkpolicy run --policy-file "$file" -- true || status=1
done
exit $status
