#!/bin/sh
# root.sh SUITE FOLDER: a root of that release of Debian, with what the matrix runs in it.
# SPDX-License-Identifier: Apache-2.0
set -eu
packages=python3,python3-venv,python3-pip,python3-pytest,gcc,g++,make,libc6-dev,musl-tools,procps,strace
rm -rf "$2"
mkdir -p "$2"
exec debootstrap --variant=minbase --include=$packages "$1" "$2" \
    "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >"$2.log"
