#!/bin/sh
# vga.sh TEST [MENURA] - assembles vga_TEST.asm, a disk that boots itself, and runs it
# with our VGA BIOS: under menura once that has a graphics card, else under
# QEMU. Without TEST: all of them. ON=qemu or ON=menura insists; ROM names another image,
# BIOS another system BIOS for menura.
set -u
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
rom=${ROM-$source/bios/built/menura-vgabios.bin}
test=${1-} menura=${2-}
on=${ON-}
work=$(mktemp -d) || exit 1
running=
trap '[ "$running" ] && kill "$running" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

skip() {
    echo "skipped: $*"
    exit 77
}

if [ ! "$test" ]; then
    failed=0
    for file in "$here"/vga_*.asm; do
        name=$(basename "$file" .asm)
        sh "$0" "${name#vga_}" "$menura"
        code=$?
        [ $code = 0 ] || [ $code = 77 ] || failed=1
    done
    exit $failed
fi

command -v nasm >/dev/null 2>&1 || skip "needs nasm"
nasm -f bin -I "$here/" -o "$work/disk" "$here/vga_$test.asm" || exit 1

if [ ! "$on" ]; then
    if [ "$menura" ] && "$menura" --help 2>/dev/null | grep -q -- -vgabios; then
        on=menura
    elif command -v qemu-system-x86_64 >/dev/null 2>&1; then
        on=qemu
    else
        skip "this menura has no graphics card, and there is no qemu-system-x86_64"
    fi
fi

case $on in
qemu)
    set -- qemu-system-x86_64 -M pc -accel tcg -display none -net none -vga none \
        -device "VGA,romfile=$rom"
    ;;
menura)
    set -- "$menura" -vga std -vgabios "$rom" ${BIOS+-bios "$BIOS"}
    ;;
*)
    echo "ON=$on: qemu or menura"
    exit 2
    ;;
esac
timeout "${SECONDS_MAX-600}" "$@" -drive "file=$work/disk,if=ide,format=raw" -boot c \
    -debugcon "file:$work/said" -device isa-debug-exit,iobase=0xf4 \
    >"$work/log" 2>&1 </dev/null &
running=$!
wait "$running"
code=$?
running=
cat "$work/said" 2>/dev/null
# isa-debug-exit: twice the value and one.
if [ $code = 33 ] && grep -q "^PASS vga_$test" "$work/said"; then
    exit 0
fi
echo "$on: exit code $code, not 33"
tail -n 20 "$work/log"
exit 1
