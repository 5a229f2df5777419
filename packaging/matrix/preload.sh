#!/bin/sh
# preload.sh ROOT WHEEL [PYTEST ARGUMENT...]: tests/preload in a root, with the programs of tests/prog
# built there and the libraries of the wheel. SPDX-License-Identifier: Apache-2.0
set -eu
root=$(realpath "$1")
wheel=$(realpath "$2")
shift 2
work=$root/var/tmp/preload
rm -rf "$work"
mkdir -p "$work/build/packed"
git ls-files -z | tar --null -T - -c | tar -x -C "$work"
python3 -m zipfile -e "$wheel" "$work/build/packed"
cp "$work/build/packed/forkpolicy/lib/forkpolicy/"*.so "$work/build/packed/forkpolicy/bin/forkpolicy" "$work/build"
chmod +x "$work/build/forkpolicy"
touch "$work/build/.packages"
# The tests of the shim need nothing else of what make makes.
cat >"$work/inside.sh" <<'END'
set -e
cd /var/tmp/preload
touch build/*.so build/forkpolicy
make -s -j"$(nproc)" programs
exec python3 -m pytest -q -p no:cacheprovider -rs "$@"
END
[ $# -gt 0 ] || set -- tests/preload
# A mount point as "/", so that the tests can have namespaces of their own.
enter='mount --bind "$0" "$0" && mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"'
exec unshare -pf -m --kill-child sh -c "$enter" "$root" \
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root \
    sh /var/tmp/preload/inside.sh "$@"
