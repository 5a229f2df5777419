#!/bin/sh
# commit.sh: the commit of this tree, with "+" where files differ from it, and its time in seconds.
# A source distribution has both in packaging/commit; nothing where neither says so.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/.." || exit 1
export GIT_OPTIONAL_LOCKS=0 # only looks
if [ -e .git ]; then # not that of a folder above
    commit=$(git describe --always --abbrev=12 --dirty=+ --exclude='*' 2>/dev/null) &&
        echo "$commit $(git log -1 --format=%ct)"
elif [ -e packaging/commit ]; then
    cat packaging/commit
fi
exit 0
