#!/bin/sh
# build.sh ARCH ENVIRONMENT FOLDER: the wheel for ARCH into FOLDER, by the compiler of ENVIRONMENT
# (requirements.txt) and what dependencies.sh put into FOLDER/ARCH/dependencies.
# SPDX-License-Identifier: Apache-2.0
set -eu

machine=$1
environment=$(realpath "$2")
folder=$(realpath "$3")
dependencies=$folder/$machine/dependencies
case $machine in
aarch64) oldest=2.27 ;; # Debian's libffi calls memfd_create there
*) oldest=2.17 ;;
esac
tag=manylinux_$(echo "$oldest" | tr . _)_$machine

# What clang has of its own (unwind.h) goes before what libunwind has.
CC="$environment/bin/python -m ziglang cc -target $machine-linux-gnu.$oldest"
CC="$CC -I$dependencies/include -idirafter $dependencies/include-machine"
HOSTCC=${HOSTCC:-cc}
ARCH=$machine
STATIC=$dependencies/lib
LICENCES=$dependencies/licences
GNU_LINK=
UNWINDER=$STATIC/libgcc_eh.a
# Nothing of the folder that it was built in, so that it is the same from every folder.
CFLAGS="-O2 -fno-sanitize=undefined -ffile-prefix-map=$dependencies=."
LDFLAGS=$folder/$machine/page.o
$CC -c -o "$LDFLAGS" packaging/wheels/page.S
LDFLAGS="$LDFLAGS -Wl,-T,$PWD/packaging/wheels/large.ld"
STRIP="eu-strip --strip-debug" # the linker can only leave out all symbols: setup.py says why not
_PYTHON_HOST_PLATFORM=linux-$machine # how CPython calls the machine that is built for
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(sh packaging/commit.sh | cut -d' ' -f2)}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(stat -c %Y pyproject.toml)}
export CC HOSTCC ARCH STATIC LICENCES GNU_LINK UNWINDER CFLAGS LDFLAGS STRIP _PYTHON_HOST_PLATFORM SOURCE_DATE_EPOCH
umask 022

made=$folder/$machine/made
rm -rf "$made"
mkdir -p "$made"
"$environment/bin/python" -m pip wheel -q --disable-pip-version-check --no-build-isolation --no-deps \
    --no-cache-dir -w "$made" .
wheel=$(ls "$made"/*.whl)
case $wheel in
*-"$tag".*) ;;
*)
    echo "build.sh: $(basename "$wheel"): it asks for more than glibc $oldest" >&2
    exit 1
    ;;
esac
"$environment/bin/python" -m auditwheel show "$wheel" >"$folder/$machine/audit"
grep -q "consistent with the following platform tag: \"$tag\"" <<END || {
$(tr '\n' ' ' <"$folder/$machine/audit" | tr -s ' ')
END
    cat "$folder/$machine/audit" >&2
    exit 1
}
"$environment/bin/python" -m zipfile -e "$wheel" "$made/unpacked"
for file in "$made"/unpacked/forkpolicy/bin/* "$made"/unpacked/forkpolicy/lib/forkpolicy/*.so; do
    case $(readelf --wide --sections "$file") in
    *.debug_*) echo "build.sh: $file has what is for debuggers" >&2 && exit 1 ;;
    *.symtab*) ;;
    *) echo "build.sh: $file has no symbols" >&2 && exit 1 ;;
    esac
done
mv "$wheel" "$folder"
cd "$folder"
sha256sum "$(basename "$wheel")"
