#!/bin/sh
# disk.sh MENURA [seabios] - a Linux installed on an IDE disk, without mounts or root: MBR and
# SYSLINUX on a FAT partition, its system on an ext4 one. It boots twice, writes, syncs and
# powers off; its data are whole and fsck finds nothing.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/firmware.sh"
case $(uname -m) in
x86_64) ;;
*) skip "needs Debian's x86-64 packages" ;;
esac
PATH=$PATH:/usr/sbin:/sbin
for tool in mke2fs e2fsck mkfs.vfat mcopy syslinux; do
    command -v $tool >/dev/null 2>&1 || skip "needs $tool"
done
fetch linux-disk kernel sh "$source/tests/boot/disk-linux.sh"
fetch_package busybox busybox-static bin/busybox
fetch_package mbr syslinux-common mbr/mbr.bin
busybox=$guests/busybox/busybox

# make_tree FOLDER INIT
make_tree() {
    mkdir -p "$1/bin" "$1/sbin" "$1/dev" "$1/proc" "$1/disk"
    cp "$busybox" "$1/bin/busybox"
    cp "$source/tests/boot/$2" "$1/init"
    chmod 755 "$1/init" "$1/bin/busybox"
}

make_tree "$work/ram" disk-initrd.sh
mkdir -p "$work/ram/lib/modules"
cp -r "$guests"/linux-disk/modules/* "$work/ram/lib/modules/"
"$busybox" depmod -b "$work/ram" "$(ls "$work/ram/lib/modules")" || die "depmod failed"
sh "$source/tools/initrd.sh" "$busybox" "$work/ram" | gzip -n1 >"$work/initrd"

make_tree "$work/tree" disk-init.sh
mv "$work/tree/init" "$work/tree/sbin/init"
for applet in sh cat dd echo mount poweroff sed sha256sum stty sync tail; do
    ln -s busybox "$work/tree/bin/$applet"
done
echo 0 >"$work/tree/boots"

# In sectors: the table, FAT from 2048, ext4 behind it.
fat=2048 fat_size=65536 root_size=131072
root=$((fat + fat_size))
mkfs.vfat -F 16 -h $fat -C "$work/fat" $((fat_size / 2)) >/dev/null || die "mkfs.vfat failed"
syslinux --install "$work/fat" || die "syslinux failed"
printf 'default linux\nprompt 0\nlabel linux\n kernel kernel\n initrd initrd\n append %s\n' \
    'console=ttyS0 quiet' >"$work/syslinux.cfg"
mcopy -i "$work/fat" "$guests/linux-disk/kernel" "$work/initrd" "$work/syslinux.cfg" :: ||
    die "mcopy failed"
mke2fs -q -t ext4 -d "$work/tree" "$work/root" $((root_size / 2))k >"$work/mke2fs" 2>&1 ||
    die "mke2fs failed" "$work/mke2fs"

# little VALUE: four bytes for printf, lowest first.
little() {
    printf '\\%03o\\%03o\\%03o\\%03o' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) \
        $(($1 >> 24 & 255))
}

disk=$work/disk.img
dd if="$guests/mbr/mbr.bin" of="$disk" bs=440 count=1 2>/dev/null
{
    printf '\200\376\377\377\006\376\377\377'
    printf "$(little $fat)$(little $fat_size)"
    printf '\000\376\377\377\203\376\377\377'
    printf "$(little $root)$(little $root_size)"
} | dd of="$disk" bs=1 seek=446 conv=notrunc 2>/dev/null
printf '\125\252' | dd of="$disk" bs=1 seek=510 conv=notrunc 2>/dev/null
dd if="$work/fat" of="$disk" bs=512 seek=$fat conv=notrunc,sparse 2>/dev/null
dd if="$work/root" of="$disk" bs=512 seek=$root conv=notrunc,sparse 2>/dev/null
truncate -s $(((root + root_size) * 512)) "$disk"

for boot in 1 2; do
    "$menura" -m 256M $firmware -hda "$disk" -serial stdio -display none -time fast \
        -rtc base=2026-01-01 -max-seconds 600 </dev/null >"$work/console" 2>"$work/messages"
    code=$?
    [ $code = 0 ] || die "boot $boot: exit code $code, not 0" "$work/console" "$work/messages"
    grep -q "this is boot $boot from /dev/sda2" "$work/console" ||
        die "boot $boot did not tell of itself" "$work/console" "$work/messages"
    [ $boot = 1 ] || grep -q "boot 1 left its data whole" "$work/console" ||
        die "what boot 1 wrote is not there" "$work/console"
    dd if="$disk" of="$work/root" bs=512 skip=$root count=$root_size 2>/dev/null
    e2fsck -fn "$work/root" >"$work/fsck" 2>&1 || die "boot $boot: fsck" "$work/fsck"
done
echo "two boots, ${2:-own BIOS}; fsck:$(sed -n '$s/.*: / /p' "$work/fsck")"
