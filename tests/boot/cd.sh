#!/bin/sh
# cd.sh MENURA [seabios] - ISOLINUX starts a real Linux from a CD, which answers on the
# serial port.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/firmware.sh"
command -v genisoimage >/dev/null 2>&1 || skip "needs genisoimage"
fetch_linux
fetch_package isolinux isolinux ISOLINUX/isolinux.bin
fetch_package ldlinux syslinux-common bios/ldlinux.c32

mkdir "$work/cd"
cp "$guests/isolinux/isolinux.bin" "$guests/ldlinux/ldlinux.c32" "$kernel" "$initrd" "$work/cd/"
printf 'default linux\nprompt 0\nlabel linux\n kernel kernel\n initrd initrd\n append %s\n' \
    "$append" >"$work/cd/isolinux.cfg"
make_cd "$work/cd" "$work/cd.iso"

printf 'uname -m\npoweroff -f\n' |
    "$menura" -m 256M $firmware "$work/cd.iso" -serial stdio -display none -rtc \
        base=2026-01-01 -max-seconds 600 >"$work/console" 2>"$work/messages"
code=$?
[ $code = 0 ] || die "exit code $code, not 0" "$work/console" "$work/messages"
tr -d '\r' <"$work/console" | grep -q '^x86_64$' || die "no answer" "$work/console"
echo "ISOLINUX and Linux, ${2:-own BIOS}"
