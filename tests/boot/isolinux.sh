#!/bin/sh
# isolinux.sh MENURA [seabios] - ISOLINUX on a CD is typed at and spoken to over COM1.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/firmware.sh"
command -v genisoimage >/dev/null 2>&1 || skip "needs genisoimage"
fetch_package isolinux isolinux ISOLINUX/isolinux.bin
fetch_package ldlinux syslinux-common bios/ldlinux.c32

mkdir "$work/cd"
cp "$guests/isolinux/isolinux.bin" "$guests/ldlinux/ldlinux.c32" "$work/cd/"
cat >"$work/cd/isolinux.cfg" <<'END'
serial 0 115200 0x003
say hello from the disc
default none
prompt 1
END
make_cd "$work/cd" "$work/cd.iso"
sh "$source/tests/boot/script.sh" "$menura" "${2:-own}" 2 isolinux "$work/cd.iso" isolinux.script \
    -serial null
