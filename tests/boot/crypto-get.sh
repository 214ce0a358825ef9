#!/bin/sh
# crypto-get.sh FOLDER - Debian's kernel, and an initrd with its modules that use vector
# instructions: crypto, RAID 6, CRCs.
set -eu
here=$(dirname "$0")
. "$here/../../tools/needs.sh"
folder=$1 work=$1/work
mkdir -p "$work/packages"

newest_kernel() {
    apt-cache depends linux-image-cloud-amd64 2>/dev/null |
        sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -1
}
image=$(newest_kernel)
[ "$image" ] || { know_archive; image=$(newest_kernel); }
[ "$image" ] || { echo "$0: the archive has no linux-image-cloud-amd64" >&2; exit 1; }
(cd "$work/packages" && { apt-get -qq download "$image" busybox-static ||
    { know_archive && apt-get -qq download "$image" busybox-static; }; })
for deb in "$work"/packages/*.deb; do
    dpkg-deb -x "$deb" "$work/root"
done
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
(cd "$tree" && find . | "$busybox" cpio -o -H newc 2>/dev/null) | gzip -1 >"$folder/initrd"
rm -rf "$work"
