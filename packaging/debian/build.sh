#!/bin/sh
# build.sh FOLDER: the Debian package of this tree for this release of Debian, into FOLDER; lintian has nothing to say
# of it, and the program in it finds its library. SPDX-License-Identifier: Apache-2.0
set -eu

folder=$1
version=$(sed -n 's/.*FP_VERSION "\(.*\)"/\1/p' common/version.h)
commit=$(sh packaging/commit.sh)
time=${SOURCE_DATE_EPOCH:-${commit#* }}
maintainer="${DEBFULLNAME:-forkpolicy} <${DEBEMAIL:-$(git log -1 --format=%ae)}>"

tree=$folder/forkpolicy-$version
rm -rf "$folder"
mkdir -p "$tree"
git ls-files -z | tar --null -T - -c | tar -x -C "$tree"
echo "$commit" >"$tree/packaging/commit"
cp -R packaging/debian "$tree/debian"
sed -i "s/@MAINTAINER@/$maintainer/" "$tree/debian/control"
cat >"$tree/debian/changelog" <<CHANGES
forkpolicy ($version) unstable; urgency=medium

  * What is new is in CHANGELOG.md.

 -- $maintainer  $(date -u -R -d "@$time")
CHANGES

(cd "$tree" && dpkg-buildpackage -b -us -uc) >"$folder/log" 2>&1 || {
    tail -n 30 "$folder/log" >&2
    exit 1
}
package=$(echo "$folder"/forkpolicy_*.deb)
lintian --allow-root --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs "$package"
dpkg-deb -x "$package" "$folder/unpacked"
[ "$("$folder/unpacked/usr/bin/forkpolicy" path)" = "$(realpath "$folder/unpacked")/usr/lib/forkpolicy/libforkpolicy.so" ]
sha256sum "$package"
