#!/bin/sh
# dependencies.sh ARCH FOLDER: headers, static libraries and licence texts of what is linked into the
# programs of a wheel, from Debian's packages for ARCH (x86_64, aarch64). Nothing is installed.
# SPDX-License-Identifier: Apache-2.0
set -eu

# Libraries of a newer release would ask for a newer glibc.
release=bookworm
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
libraries="libffi-dev libjansson-dev libunwind-dev liblzma-dev zlib1g-dev libgcc-12-dev"
headers="libxxhash-dev uthash-dev libsqlite3-dev" # that of SQLite has no code: it is loaded when it is used
licences="libffi8 gcc-12-base"

machine=$1
folder=$2
case $machine in
x86_64) debian=amd64 ;;
aarch64) debian=arm64 ;;
*)
    echo "dependencies.sh: $machine: only x86_64 and aarch64" >&2
    exit 2
    ;;
esac

rm -rf "$folder"
mkdir -p "$folder"
folder=$(realpath "$folder")
apt=$folder/apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/parts" "$folder/debs" "$folder/root" \
    "$folder/lib" "$folder/licences"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keys] $mirror $release main" >"$apt/sources.list"
: >"$apt/status"
cat >"$apt/apt.conf" <<END
APT::Architecture "$debian";
APT::Architectures { "$debian"; };
APT::Sandbox::User "";
Acquire::Languages "none";
Dir::State "$apt";
Dir::State::status "$apt/status";
Dir::State::lists "$apt/lists";
Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "$apt/parts";
END
export APT_CONFIG="$apt/apt.conf"
apt-get update -qq
cd "$folder/debs"
# shellcheck disable=SC2086 # the words are package names
apt-get download -qq $libraries $headers $licences
for file in *.deb; do
    dpkg-deb -x "$file" "$folder/root"
done

usr=$folder/root/usr
cp "$usr/lib/$machine-linux-gnu/"lib*.a "$usr/lib/gcc/$machine-linux-gnu/12/libgcc_eh.a" "$folder/lib"
for package in $libraries $headers; do
    {
        dpkg-deb -f "$(ls "$folder/debs/${package}"_*.deb)" Source Package Version
        echo
        cat "$usr/share/doc/$package/copyright"
    } >"$folder/licences/${package%-dev}.txt"
done
# One name for both machines.
ln -s "$usr/include/$machine-linux-gnu" "$folder/include-machine"
ln -s "$usr/include" "$folder/include"
rm -rf "$apt" "$folder/debs"
