#!/bin/sh
# The C program, in the package that was installed with this script. SPDX-License-Identifier: Apache-2.0
self=$0
[ ! -h "$self" ] || self=$(readlink -f "$self")
here=${self%/*}
for place in "$here"/../lib*/python3*/*-packages "$here"/.. "$here"/../local/lib*/python3*/*-packages; do
    if [ -d "$place/forkpolicy-@VERSION@.dist-info" ] && [ -x "$place/forkpolicy/bin/forkpolicy" ]; then
        exec "$place/forkpolicy/bin/forkpolicy" "$@"
    fi
done
# Installed in place, or where no packages are looked for: Python knows.
[ ! -x "$here/python3" ] || PATH=$here:$PATH
exec python3 -m forkpolicy "$@"
