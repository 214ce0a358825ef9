#!/bin/sh
# build.sh OUT [WORK] - makes the VGA BIOS: the file OUT, or menura-vgabios.bin in the folder
# OUT. Needs clang and lld (CLANG and LLD name them; the checked-in image is made by
# version 14, which makes the same bytes on every host) and a POSIX awk.
set -eu
out=${1:?where to}
here=$(cd "$(dirname "$0")" && pwd)
[ ! -d "$out" ] || out=$out/menura-vgabios.bin
case $out in /*) ;; *) out=$PWD/$out ;; esac
clang=${CLANG:-clang-14}
command -v "$clang" >/dev/null || clang=clang
lld=${LLD:-ld.lld-14}
command -v "$lld" >/dev/null || lld=ld.lld
size=40960 # a multiple of 512; PCI 2.1, 6.3.1.1
temporary=
if [ "${2-}" ]; then
    mkdir -p "$2"
    work=$(cd "$2" && pwd)
else
    work=$(mktemp -d)
    temporary=$work
fi
trap '[ ! "$temporary" ] || rm -rf "$temporary"' EXIT

target='--target=i386-unknown-none-elf -m16 -march=i386'
# EBP must never be a general register: its accesses go by SS (vga.h).
flags="-Oz -std=c11 -ffreestanding -fno-builtin -fno-pic -mregparm=3
    -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer -fno-stack-protector
    -fno-asynchronous-unwind-tables -fno-ident
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror"

LC_ALL=C awk -f "$here/font.awk" "$here/font16.txt" "$here/font8.txt" >"$work/fonts.c"
cd "$here" # no path of this host gets into the image
objects=
for source in int10 mode tables dac text pixel font select state vbe edid fonts; do
    file=$source.c
    [ "$source" = fonts ] && file=$work/fonts.c
    # shellcheck disable=SC2086
    "$clang" $target $flags -I. -S "$file" -o "$work/$source.s"
    if grep -E 'lea[lw].*\(%(esp|ebp)|mov[lw][[:space:]]%(esp|ebp), %e?[^b]' \
        "$work/$source.s" | grep -v '%esp, %ebp'; then
        echo "$source.c: a local variable's address is taken: it is in SS, not in DS" >&2
        exit 1
    fi
    # shellcheck disable=SC2086
    "$clang" $target -c "$work/$source.s" -o "$work/$source.o"
    objects="$objects $work/$source.o"
done
# shellcheck disable=SC2086
"$clang" $target -c rom.S -o "$work/rom.o"
# shellcheck disable=SC2086
"$lld" -m elf_i386 --build-id=none --defsym=rom_size=$size -T vga.ld --oformat=binary \
    "$work/rom.o" $objects -o "$work/rom"

sh ../seal.sh "$work/rom" $size "$out"
