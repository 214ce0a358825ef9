#!/bin/sh
# guest-linux.sh FOLDER - puts a real Linux into FOLDER: `kernel`, `initrd` and `append`.
#
# On an x86 host: Debian's kernel and busybox, each out of its package, which is unpacked
# here and not installed. On other hosts, whose archive has no x86 packages: the kernel
# and RAM disk of Debian's installer, which come in a package for all architectures.
set -eu
here=$(dirname "$0")
. "$here/needs.sh"
. "$here/packages.sh"

folder=$1
kind=${2-}
if [ ! "$kind" ]; then
    case $(uname -m) in
    x86_64) kind=debian ;;
    *) kind=installer ;;
    esac
fi
work=$folder/work
rm -rf "$work"
mkdir -p "$work"

from_packages() {
    unpack_kernel "$work"
    unpack busybox-static "$work"
    cp "$work"/root/boot/vmlinuz-* "$folder/kernel"

    tree=$work/tree
    mkdir -p "$tree/bin" "$tree/dev" "$tree/proc" "$tree/sys" "$tree/tmp" "$tree/root" \
        "$tree/etc"
    cp "$work/root/bin/busybox" "$tree/bin/busybox" 2>/dev/null ||
        cp "$work/root/usr/bin/busybox" "$tree/bin/busybox"
    cp "$here/guest-init.sh" "$tree/init"
    chmod 755 "$tree/init" "$tree/bin/busybox"
    sh "$here/initrd.sh" "$tree/bin/busybox" "$tree" | gzip -n9 >"$folder/initrd"
    echo "console=ttyS0" >"$folder/append"
}

from_installer() {
    unpack debian-installer-12-netboot-amd64 "$work"
    image=$(find "$work/root" -path '*text/debian-installer/amd64/linux' | head -1)
    [ "$image" ] || image=$(find "$work/root" -path '*debian-installer/amd64/linux' | head -1)
    cp "$image" "$folder/kernel"
    cp "$(dirname "$image")/initrd.gz" "$folder/initrd"
    echo "console=ttyS0 rdinit=/bin/sh" >"$folder/append"
}

case $work in /*) ;; *) work=$PWD/$work ;; esac
case $here in /*) ;; *) here=$PWD/$here ;; esac
case $kind in
debian) from_packages ;;
installer) from_installer ;;
*) echo "$0: no such guest: $kind" >&2; exit 2 ;;
esac
rm -rf "$work"
