#!/bin/sh
# What the guest sees when the media in its drives are changed, by a script and by the
# monitor's commands.
#
#   media.sh MENURA
menura=$1
here=$(cd "$(dirname "$0")" && pwd)
failed=0

skip() {
    echo "skipped: $1"
    exit 77
}
wrong() {
    echo "$1"
    failed=1
}
[ -z "${EMULATOR-}" ] || skip "a cross build"
command -v nasm >/dev/null || skip "no nasm"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work" || exit 1

nasm -f bin -o sector "$here/media.asm" || exit 1
# image NAME BYTES LETTER: its first byte is the letter, and that of its second sector.
image() {
    dd if=/dev/zero of="$1" bs="$2" count=1 2>/dev/null
    printf %s "$3" | dd of="$1" conv=notrunc 2>/dev/null
    printf %s "$3" | dd of="$1" bs=512 seek=1 conv=notrunc 2>/dev/null
}
image boot.img 1474560 b
dd if=sector of=boot.img conv=notrunc 2>/dev/null
image other.img 737280 o
image a.iso 65536 A
image 'my b.iso' 65536 B

# SPC-2 5.8.1, MMC-3 4.1.6.1: 06h/28h/00h after a change, once. 02h/3Ah: no medium. MMC-3
# 6.7.2.5: events 1 eject request, 2 new media, 3 media removal.
cat >script <<'END'
wait serial "!\n" within 5s
serial "ttd"
wait serial "062900\nr\nA\n" within 5s
serial "ee"
wait serial "00\n00\n" within 5s
change ide1-cd0 "my b.iso"
serial "etttd"
wait serial "02\n062800\nr\nr\nB\n" within 5s
eject ide1-cd0
serial "et"
wait serial "03\n023A01\n" within 5s
send monitor "change ide1-cd0 \"my b.iso\" raw"
serial "ttd"
wait serial "062800\nr\nB\n" within 5s
serial "l"
wait serial "." within 5s
send monitor "eject ide1-cd0"
send monitor "info block"
serial "eed"
wait serial "01\n00\nB\n" within 5s
send monitor "change ide1-cd0 nothing.iso"
serial "td"
wait serial "r\nB\n" within 5s
send monitor "eject -f ide1-cd0"
serial "et"
wait serial "03\n023A01\n" within 5s
send monitor "change -f ide1-cd0 a.iso"
serial "ttd"
wait serial "062800\nr\nA\n" within 5s

# Intel 82077AA 2.1.8: DSKCHG until a step with a disk inside.
serial "sf"
wait serial "b\n00\n" within 5s
change floppy0 other.img
serial "f"
wait serial "80\n" within 5s
serial "ssf"
wait serial "o\n00\n" within 5s
eject floppy0
serial "fs"
wait serial "80\n?\n" within 20s
send monitor "info block"
save out.snapshot
END
"$menura" -fda boot.img -cdrom a.iso -script script -serial null -rtc base=2026-01-31 -hash \
    >out 2>err || wrong "the script failed: $(cat out err)"
grep -q 'locked the tray of ide1-cd0, and has now been asked' out ||
    wrong "eject of a locked medium: $(cat out)"
grep -q 'ide1-cd0: my b.iso (raw, 65536 bytes, read-only); locked by the guest' out ||
    wrong "info block: $(cat out)"
grep -q "cannot open disk 'nothing.iso'" out || wrong "a failed change: $(cat out)"
grep -q '^floppy0: no medium; removable' out || wrong "an empty drive: $(cat out)"

# The same again, to the bit.
"$menura" -fda boot.img -cdrom a.iso -script script -serial null -rtc base=2026-01-31 -hash \
    >/dev/null 2>again
[ "$(grep hash err)" = "$(grep hash again)" ] && grep -q hash err ||
    wrong "two runs differ: $(cat err again)"

# A script stops where the monitor only answers.
printf 'wait serial "!\\n"\nserial "tl"\nwait serial "."\neject ide1-cd0\n' >locked
"$menura" -fda boot.img -cdrom a.iso -script locked -serial null >out 2>err
[ $? -eq 16 ] && grep -q 'locked:4: eject ide1-cd0: the guest has locked' err ||
    wrong "a script's eject of a locked medium: $(cat err)"

# A snapshot goes on with the media it was taken with, and with no others.
printf 'serial "d"\nwait serial "A\\n"\n' >goes-on
"$menura" -drive if=floppy -cdrom "$work/a.iso" -load out.snapshot -script goes-on \
    -serial null >out 2>err || wrong "the restored machine: $(cat err)"
refused() {
    text=$1
    shift
    "$menura" "$@" -load out.snapshot -script goes-on -serial null >out 2>err
    [ $? -ne 0 ] && grep -qF -- "$text" err || wrong "$*: $(cat err)"
}
refused "the snapshot has 'a.iso' (raw, 65536 bytes) in drive ide1-cd0, this machine has 'my b.iso'" \
    -drive if=floppy -cdrom 'my b.iso'
refused 'this machine has no medium' -drive if=floppy -drive media=cdrom,index=2
refused "the snapshot has no medium in drive floppy0, this machine has 'boot.img'" \
    -fda boot.img -cdrom a.iso
refused "the snapshot has a drive 'ide1-cd0', this machine has none" -drive if=floppy
refused "this machine has a drive floppy1, the snapshot's had none" \
    -drive if=floppy -drive if=floppy -cdrom a.iso
exit $failed
