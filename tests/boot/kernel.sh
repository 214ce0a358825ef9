#!/bin/sh
# kernel.sh MENURA own|seabios|ovmf - -kernel by the firmware's hand: POST ends in Linux with its
# initrd and command line, and Linux finds the screen that the firmware left.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/firmware.sh"
fetch_linux
[ "$firmware" ] || firmware='-vga std'

# shellcheck disable=SC2086
printf 'cat /proc/cmdline; dmesg | grep -m 1 -o "printk: console .tty0. enabled\\|efi: EFI v"\npoweroff -f\n' |
    "$menura" -m 256M $firmware -kernel "$kernel" -initrd "$initrd" \
        -append "console=tty0 $append menura.test=1" -serial stdio -display none \
        -rtc base=2026-01-01 -max-seconds 600 >"$work/console" 2>"$work/messages"
code=$?
[ $code = 0 ] || die "exit code $code, not 0" "$work/console" "$work/messages"
tr -d '\r' <"$work/console" >"$work/text"
grep -q '^console=tty0.*menura.test=1' "$work/text" || die "another command line" "$work/text"
grep -q '^printk: console .tty0. enabled$\|^efi: EFI v$' "$work/text" ||
    die "no screen" "$work/text"
echo "Linux by -kernel, ${2-}"
