#!/bin/sh
# crypto-get.sh FOLDER - Debian's kernel, and an initrd with its modules that use vector
# instructions: crypto, RAID 6, CRCs.
set -eu
here=$(dirname "$0")
. "$here/../../tools/needs.sh"
. "$here/../../tools/packages.sh"
folder=$1 work=$1/work
unpack_kernel "$work"
unpack busybox-static "$work"
cp "$work"/root/boot/vmlinuz-* "$folder/kernel"

version=$(ls "$work/root/lib/modules")
tree=$work/tree to=$work/tree/lib/modules/$version/kernel
from=$work/root/lib/modules/$version/kernel
mkdir -p "$tree/bin" "$tree/dev" "$tree/proc" "$to/arch/x86" "$to/lib"
cp -r "$from/arch/x86/crypto" "$to/arch/x86/"
cp -r "$from/crypto" "$to/"
cp -r "$from/lib/crypto" "$from/lib/raid6" "$to/lib/"
cp "$work"/root/lib/modules/"$version"/modules.* "$tree/lib/modules/$version/" 2>/dev/null || :
busybox=$(find "$work/root" -path "*bin/busybox" -type f | head -1)
cp "$busybox" "$tree/bin/busybox"
"$busybox" depmod -b "$tree" "$version"
cp "$here/crypto-init.sh" "$tree/init"
chmod 755 "$tree/init" "$tree/bin/busybox"
sh "$here/../../tools/initrd.sh" "$busybox" "$tree" | gzip -n1 >"$folder/initrd"
rm -rf "$work"
