#!/bin/sh
# installer_gtk.sh MENURA [seabios] - Debian's graphical installer, from a CD, draws its first
# dialog in a VBE mode.
. "$(dirname "$0")/common.sh"
[ "${MENURA_LONG-}" ] || skip "long; MENURA_LONG=1 runs it"
. "$(dirname "$0")/firmware.sh"
command -v genisoimage >/dev/null 2>&1 || skip "needs genisoimage"
fetch_package isolinux isolinux ISOLINUX/isolinux.bin
fetch_package ldlinux syslinux-common bios/ldlinux.c32
fetch_package installer-gtk debian-installer-12-netboot-amd64 \
    gtk/debian-installer/amd64/linux gtk/debian-installer/amd64/initrd.gz

mkdir "$work/cd"
cp "$guests/isolinux/isolinux.bin" "$guests/ldlinux/ldlinux.c32" \
    "$guests/installer-gtk/linux" "$guests/installer-gtk/initrd.gz" "$work/cd/"
printf 'default linux\nprompt 0\nlabel linux\n kernel linux\n initrd initrd.gz\n append %s\n' \
    'vga=788 quiet' >"$work/cd/isolinux.cfg"
make_cd "$work/cd" "$work/cd.iso"

# shellcheck disable=SC2086
"$menura" -m 1G $firmware -cdrom "$work/cd.iso" -rtc base=2026-01-01 -serial null \
    -display none -hash -script - <<END || die "exit code $?, not 0"
sleep 300s
screenshot $work/picture.png
END
# The dialog takes 99 KB; text, or nothing, takes 2.
size=$(wc -c <"$work/picture.png")
[ "$size" -gt 10000 ] || die "a picture of $size bytes: that is no dialog"
echo "a picture of $size bytes"
