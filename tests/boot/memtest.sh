#!/bin/sh
# memtest.sh MENURA CPUS [seabios] - memtest86+ from a CD tests 64 MiB and finds no error: a
# whole pass with MENURA_LONG=1, else the first tests of one.
. "$(dirname "$0")/common.sh"
cpus=$2
shift
. "$(dirname "$0")/firmware.sh"
command -v genisoimage >/dev/null 2>&1 || skip "needs genisoimage"
fetch_package isolinux isolinux ISOLINUX/isolinux.bin
fetch_package ldlinux syslinux-common bios/ldlinux.c32
fetch_package memtest memtest86+ boot/memtest86+x64.bin

mkdir "$work/cd"
cp "$guests/isolinux/isolinux.bin" "$guests/ldlinux/ldlinux.c32" "$work/cd/"
cp "$guests/memtest/memtest86+x64.bin" "$work/cd/memtest"
printf 'default memtest\nprompt 0\nlabel memtest\n linux memtest\n' >"$work/cd/isolinux.cfg"
make_cd "$work/cd" "$work/cd.iso"

until='sleep 30s' passes=0
[ "${MENURA_LONG-}" ] && until='wait screen "Pass:  1 " within 1200s' passes=1
"$menura" -m 64M -smp "$cpus" $firmware "$work/cd.iso" -serial none -display none \
    -script - <<END
$until
screen
expect screen "Pass:  $passes        Errors: 0"
expect screen "CPU: $cpus Cores"
END
