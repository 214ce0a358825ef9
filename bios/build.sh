#!/bin/sh
# build.sh OUT [WORK] - makes OUT/menura-bios.bin, menura-vgabios.bin and menura-kernel.bin with
# clang and ld.lld. The same versions make the same bytes on every host.
set -eu
LC_ALL=C # the order of files is the order in the image
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?where to}
work=${2:-$out/work}
clang=${CLANG:-clang-14}
command -v "$clang" >/dev/null || clang=clang
lld=${LLD:-ld.lld-14}
command -v "$lld" >/dev/null || lld=ld.lld
mkdir -p "$out" "$work"
out=$(cd "$out" && pwd)
work=$(cd "$work" && pwd)

common="--target=i386-unknown-none-elf -march=i386 -mno-sse -mno-mmx -Os -std=c11
    -ffreestanding -fno-builtin -fno-pic -fno-stack-protector -fomit-frame-pointer
    -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-strict-aliasing -fno-common
    -fno-jump-tables -mstack-alignment=4 -fcf-protection=none -fno-ident
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror -I."
objects=
compile() # name, source, flags
{
    name=$1 source=$2
    shift 2
    # shellcheck disable=SC2086
    (cd "$here" && "$clang" $common "$@" -c "$source" -o "$work/$name.o")
    objects="$objects $name.o"
}
compile entry entry.S -m32
for f in "$here"/run/*.c; do
    compile "run_$(basename "$f" .c)" "run/$(basename "$f")" -m16
done
for f in "$here"/post/*.c; do
    compile "post_$(basename "$f" .c)" "post/$(basename "$f")" -m32 -DBIOS_POST
done
# Offsets in different segments are the same numbers: no overlap is meant.
# shellcheck disable=SC2086
(cd "$work" && "$lld" -m elf_i386 -T "$here/bios.ld" --no-check-sections \
    --no-dynamic-linker -static -Map=menura-bios.map $objects -o menura-bios.elf)
# The sections are whole pages and follow each other in the file as in the image, from its
# second page on.
dd if="$work/menura-bios.elf" of="$out/menura-bios.bin" bs=4096 skip=1 count=32 2>/dev/null
sh "$here/vga/build.sh" "$out/menura-vgabios.bin"
# shellcheck disable=SC2086
"$clang" $common -m16 -march=i486 -c "$here/kernel/rom.S" -o "$work/kernel.o"
"$lld" -m elf_i386 -Ttext=0 --oformat=binary "$work/kernel.o" -o "$work/kernel.rom"
sh "$here/seal.sh" "$work/kernel.rom" 512 "$out/menura-kernel.bin"
