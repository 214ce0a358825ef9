#!/bin/sh
# cross-sysroot.sh ARCH... - what a cross build for aarch64 or s390x needs on Debian: the
# compiler and qemu-user as packages, and in build/sysroot-ARCH a static cmocka.
#
# cmocka is compiled from Debian's source package. That needs no foreign architecture,
# which dpkg refuses when main and security archive differ in version, and touches none of
# the host's package lists: apt works on lists of its own in build/apt-source.
set -eu
cd "$(dirname "$0")/.."
. tools/needs.sh

compiler() {
    case $1 in
    aarch64) need gcc-aarch64-linux-gnu aarch64-linux-gnu-gcc
        need libc6-dev-arm64-cross /usr/aarch64-linux-gnu/lib/libc.a ;;
    s390x) need gcc-s390x-linux-gnu s390x-linux-gnu-gcc
        need libc6-dev-s390x-cross /usr/s390x-linux-gnu/lib/libc.a ;;
    *) echo "$0: no such architecture here: $1 (aarch64, s390x)" >&2; exit 2 ;;
    esac
}

[ $# != 0 ] || { echo "usage: $0 aarch64|s390x ..." >&2; exit 2; }
missing=
for arch; do
    compiler "$arch"
    [ -e "build/sysroot-$arch/lib/libcmocka.a" ] || missing="$missing $arch"
done
need qemu-user-static qemu-s390x-static
need cmake cmake
need ninja-build ninja
[ -z "$missing" ] || need dpkg-dev dpkg-source
install_needs
[ "$missing" ] || exit 0

work=$PWD/build/apt-source
rm -rf "$work"
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
trap 'rm -rf "$work"' EXIT
codename=$(. /etc/os-release && echo "${VERSION_CODENAME-bookworm}")
site=${DEBIAN_MIRROR-http://deb.debian.org/debian}
echo "deb-src $site $codename main" >"$work/sources.list"

private_apt() {
    # Downloaded as the caller: apt's own user may not write into a working tree.
    apt-get -qq -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=- \
        -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" \
        -o APT::Sandbox::User="" "$@"
}
private_apt update
(cd "$work" && private_apt source --download-only cmocka)
dpkg-source --no-check -x "$work"/cmocka_*.dsc "$work/cmocka" >/dev/null

for arch in $missing; do
    sysroot=$PWD/build/sysroot-$arch
    build=$work/$arch
    {
        cmake -S "$work/cmocka" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
            -DCMAKE_TOOLCHAIN_FILE="$PWD/cmake/toolchains/$arch.cmake" \
            -DBUILD_SHARED_LIBS=OFF -DWITH_STATIC_LIB=ON -DUNIT_TESTING=OFF \
            -DWITH_EXAMPLES=OFF && cmake --build "$build"
    } >"$work/log" 2>&1 || {
        tail -30 "$work/log" >&2
        echo "$0: cmocka could not be built for $arch" >&2
        exit 1
    }
    mkdir -p "$sysroot/lib" "$sysroot/include"
    cp "$work"/cmocka/include/cmocka.h "$sysroot/include/"
    find "$build" -name 'libcmocka*.a' -exec cp {} "$sysroot/lib/libcmocka.a" \;
    [ -e "$sysroot/lib/libcmocka.a" ] || {
        echo "$0: cmocka was built for $arch, but no library came of it" >&2
        exit 1
    }
done
