#!/bin/sh
# build.sh OUT [full|quick] - builds the benchmark's guest programs into the folder OUT:
# bench32.elf, bench64.elf (Multiboot) and bench32.img, bench64.img (disks with a boot
# sector of their own). Needs gcc, nasm and binutils of an x86 host, or CROSS=prefix-.
#
# gcc 12 with these options makes the machine code that kernels.def's figures are of.
set -e
from=$(cd "$(dirname "$0")" && pwd)
out=$1
size=${2:-full}
[ -n "$out" ] || { echo "usage: build.sh OUT [full|quick]" >&2; exit 2; }
mkdir -p "$out"
out=$(cd "$out" && pwd)
cc=${CROSS}gcc ld=${CROSS}ld objcopy=${CROSS}objcopy
work="-DSCALE=${SCALE:-1}"
[ "$size" = quick ] && work="$work -DDIVIDE=16"
common="-O2 $work -ffreestanding -fno-pic -fno-pie -mno-red-zone -fno-tree-vectorize
    -fno-stack-protector -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns
    -fno-strict-aliasing -fcf-protection=none -Wall -Wno-main"
sectors=256

for bits in 32 64; do
    if [ $bits = 32 ]; then
        machine="-m32 -march=i686" integer="-mno-sse -mfpmath=387" sse="-msse2 -mfpmath=sse"
        link="-m elf_i386 -z noexecstack --no-warn-rwx-segments" format=elf32
    else
        machine="-m64" integer="" sse=""
        link="-m elf_x86_64 -z noexecstack --no-warn-rwx-segments -z max-page-size=4096" format=elf64
    fi
    objects=
    for part in main kernels kernels_sse2 kernels_x87 kernels_more kernels_system; do
        option=$integer
        [ $part = kernels_sse2 ] && option=$sse
        # shellcheck disable=SC2086 # lists of options
        $cc $machine $option $common -c "$from/$part.c" -o "$out/$part$bits.o"
        objects="$objects $out/$part$bits.o"
    done
    nasm -f $format "$from/start$bits.asm" -o "$out/start$bits.o"
    # shellcheck disable=SC2086
    $ld $link -T "$from/link.ld" -o "$out/bench$bits.elf" "$out/start$bits.o" $objects
    $objcopy -O binary "$out/bench$bits.elf" "$out/bench$bits.bin"
    [ "$(wc -c <"$out/bench$bits.bin")" -le $((sectors * 512)) ] ||
        { echo "build.sh: the payload is too big for the boot sector" >&2; exit 1; }
    nasm -f bin -DPAYLOAD_SECTORS=$sectors "$from/boot.asm" -o "$out/boot.bin"
    # 20 cylinders, 16 heads, 63 sectors
    dd if=/dev/zero of="$out/bench$bits.img" bs=516096 count=20 status=none
    dd if="$out/boot.bin" of="$out/bench$bits.img" conv=notrunc status=none
    dd if="$out/bench$bits.bin" of="$out/bench$bits.img" bs=512 seek=1 conv=notrunc status=none
done
