#!/bin/sh
# Prints the command prefix under which the host programs are tested: nothing where each can have a
# PID namespace of its own, or where this user is not root; else another user. A host that is handed
# -1 for a pid may call kill(-1), which ends every process that its user may end.
# SPDX-License-Identifier: Apache-2.0
set -u
[ "$(id -u)" = 0 ] || exit 0
unshare -pf --kill-child --mount-proc true 2>/dev/null && exit 0
echo "no PID namespaces here: the host programs run as another user" >&2
echo "setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/tmp"
