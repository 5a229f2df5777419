#!/bin/sh
# root.sh SUITE FOLDER: a root of that release of Debian, with what the matrix runs in it.
# SPDX-License-Identifier: Apache-2.0
set -eu
packages=python3,python3-venv,python3-pip,python3-pytest,gcc,g++,make,libc6-dev,musl-tools,procps,strace
rm -rf "$2"
mkdir -p "$2"
debootstrap --variant=minbase --include=$packages "$1" "$2" \
    "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >"$2.log"
# The release's other Pythons.
cat >"$2/var/tmp/pythons.sh" <<'END'
others=$(apt-cache pkgnames | grep -E '^python3\.[0-9]+-venv$')
exec apt-get install -y --no-install-recommends $others
END
DEBIAN_FRONTEND=noninteractive chroot "$2" sh /var/tmp/pythons.sh >>"$2.log" 2>&1
