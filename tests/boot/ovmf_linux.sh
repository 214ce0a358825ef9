#!/bin/sh
# ovmf_linux.sh MENURA - OVMF starts a real Linux by its EFI stub from a FAT disk, which
# answers on the serial port and switches off.
. "$(dirname "$0")/common.sh"
set -- "$1" ovmf
. "$(dirname "$0")/firmware.sh"
PATH=$PATH:/usr/sbin:/sbin
for tool in mkfs.vfat mcopy; do
    command -v $tool >/dev/null 2>&1 || skip "needs $tool"
done
fetch_linux

printf 'fs0:\\kernel.efi initrd=\\initrd %s\r\n' "$append" >"$work/startup.nsh"
cp "$kernel" "$work/kernel.efi"
mkfs.vfat -F 32 -C "$work/disk" 65536 >/dev/null || die "mkfs.vfat failed"
mcopy -i "$work/disk" "$work/kernel.efi" "$initrd" "$work/startup.nsh" :: ||
    die "mcopy failed"

# shellcheck disable=SC2086
"$menura" -m 512M $firmware -hda "$work/disk" -rtc base=2026-01-01 -serial stdio \
    -display none -hash -script "$source/tests/boot/ovmf_linux.script" </dev/null \
    >"$work/printed" 2>"$work/messages"
code=$?
[ $code = 0 ] || die "exit code $code, not 0" "$work/printed" "$work/messages"
hash_of "$work/messages"
