#!/bin/sh
# bios.sh [-m MENURA] [TEST...] - runs the boot programs of this folder with our BIOS: under
# Menura when -m names one that has the devices, else under QEMU. Exit 77: skipped, why.
#
# A program says PASS on port E9h; see lib.inc.
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bios=${BIOS:-$root/bios/built/menura-bios.bin}
menura=
if [ "${1:-}" = -m ]; then
    menura=$2
    shift 2
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

skip()
{
    echo "skipped: $*"
    exit 77
}

command -v nasm >/dev/null || skip "no nasm"
if [ -n "$menura" ]; then
    "$menura" --help | grep -q -- '-cdrom' || skip "this menura has no disks yet"
    emulator="$menura -max-seconds 200 -display none"
else
    command -v qemu-system-x86_64 >/dev/null || skip "no qemu-system-x86_64, and no -m menura"
    emulator="timeout 60 qemu-system-x86_64 -M pc -display none -no-reboot -monitor none -net none"
fi

# emulate NAME ARGUMENTS...: what port E9h got is in $work/NAME.txt
emulate()
{
    name=$1
    shift
    # shellcheck disable=SC2086
    $emulator -m 32 -bios "$bios" -serial null -debugcon "file:$work/$name.txt" \
        -device isa-debug-exit,iobase=0xf4,iosize=0x04 "$@" >"$work/$name.log" 2>&1
}

assemble() # the program, bytes of the image
{
    nasm -f bin -I "$here/" -o "$work/$1.bin" "$here/$1.asm" || exit 1
    dd if="$work/$1.bin" of="$work/$1.img" bs="$2" count=1 conv=sync 2>/dev/null
}

floppy() # program, arguments
{
    assemble "$1" 1474560
    program=$1
    shift
    emulate "$program" -drive "if=floppy,format=raw,file=$work/$program.img" "$@"
}

disk()
{
    assemble "$1" 10485760
    program=$1
    shift
    emulate "$program" -drive "if=ide,format=raw,file=$work/$program.img" "$@"
}

# cd PROGRAM IMAGE OPTIONS...: the options are mkisofs' own, for how it boots
cd_image()
{
    command -v xorriso >/dev/null || return 1
    mkdir -p "$work/$1.iso.d"
    cp "$work/$2" "$work/$1.iso.d/boot.img"
    program=$1
    shift 2
    xorriso -as mkisofs -quiet -o "$work/$program.iso" -b boot.img -c boot.cat "$@" \
        "$work/$program.iso.d" >"$work/$program.log" 2>&1
}

run_cd()
{
    assemble cd 2048
    cd_image cd cd.bin -no-emul-boot -boot-load-size 4 || return 2
    emulate cd -cdrom "$work/cd.iso"
}

run_cd_floppy()
{
    assemble cd_floppy 1474560
    cd_image cd_floppy cd_floppy.img || return 2
    emulate cd_floppy -cdrom "$work/cd_floppy.iso"
}

# A disk image with one partition of 2 heads and 18 sectors; mkisofs reads it from the table.
run_cd_disk()
{
    assemble cd_disk 1474560
    printf '\200\001\001\000\006\001\022\117\022\000\000\000\056\013\000\000' |
        dd of="$work/cd_disk.img" bs=1 seek=446 conv=notrunc 2>/dev/null
    cd_image cd_disk cd_disk.img -hard-disk-boot || return 2
    printf 'REAL DISK' | dd of="$work/real.img" bs=1048576 count=1 conv=sync 2>/dev/null
    emulate cd_disk -cdrom "$work/cd_disk.iso" \
        -drive "if=ide,index=0,format=raw,file=$work/real.img" -boot d
}

# The first disk gives up by INT 18h, the floppy has no signature: the second disk boots.
run_refuse()
{
    assemble refuse 1048576
    assemble serial 1048576
    dd if=/dev/zero of="$work/empty.img" bs=1474560 count=1 2>/dev/null
    emulate refuse -drive "if=floppy,format=raw,file=$work/empty.img" \
        -drive "if=ide,index=0,format=raw,file=$work/refuse.img" \
        -drive "if=ide,index=1,format=raw,file=$work/serial.img" -boot ac
    for text in "Booting from floppy A" "its first sector" "gave up (INT 18h)"; do
        grep -q "$text" "$work/refuse.txt" || echo "FAIL: '$text' was not said" >>"$work/refuse.txt"
    done
}

# Nothing boots: every device is named, with the reason. Nobody ends this run: a limit does.
run_nothing()
{
    dd if=/dev/zero of="$work/empty.img" bs=1048576 count=1 2>/dev/null
    case $emulator in
    timeout*) emulator="timeout 10 ${emulator#timeout 60 }" ;;
    *) emulator="$emulator -max-instructions 100000000" ;;
    esac
    emulate nothing -drive "if=ide,index=0,format=raw,file=$work/empty.img"
    for text in "Nothing to boot from" "hard disk 0 .*no 55AAh signature" "floppy A: no medium"; do
        grep -q "$text" "$work/nothing.txt" || return
    done
    echo PASS >>"$work/nothing.txt"
}

run_memory() { floppy memory; }
run_time() { floppy time; }
run_keyboard() { floppy keyboard; }
run_floppy() { floppy floppy; }
run_disk() { disk disk; }
run_pci() { disk pci; }
run_system() { disk system; }
run_mouse() { floppy mouse; }
run_serial() { floppy serial; }
run_text() { floppy text -vga none; }

failed=0
for test in ${*:-memory time keyboard floppy disk pci system mouse serial text cd cd_floppy \
    cd_disk refuse nothing}; do
    "run_$test"
    if [ $? -eq 2 ]; then
        echo "$test: skipped: no xorriso to make a CD with"
        [ $# -eq 1 ] && exit 77
    elif grep -q '^PASS' "$work/$test.txt" 2>/dev/null && ! grep -q FAIL "$work/$test.txt"; then
        echo "$test: passed"
    else
        echo "$test: failed"
        cat "$work/$test.log" "$work/$test.txt" 2>/dev/null
        failed=1
    fi
done
exit $failed
