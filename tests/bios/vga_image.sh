#!/bin/sh
# vga_image.sh - the checked-in VGA BIOS is what its sources make, and an option ROM's
# length, checksum and header are right. Needs clang 14 and lld 14.
set -u
source=$(cd "$(dirname "$0")/../.." && pwd)
built=$source/bios/built/menura-vgabios.bin
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

bytes() { # OFFSET N: as hexadecimal digits
    od -An -v -tx1 -j "$1" -N "$2" "$built" | tr -d ' \n'
}

is() { # GOT EXPECTED WHAT
    [ "$1" = "$2" ] && return
    echo "$3: $1, not $2"
    exit 1
}

is "$(bytes 0 2)" 55aa "signature"
blocks=$(printf %d "0x$(bytes 2 1)")
is "$(wc -c <"$built" | tr -d ' ')" $((blocks * 512)) "length"
is "$(od -An -v -tu1 "$built" |
    awk '{ for (i = 1; i <= NF; i++) s += $i } END { print s % 256 }')" 0 "sum of all bytes"
low=$(bytes 24 1) high=$(bytes 25 1)
pcir=$(printf %d "0x$high$low")
is "$(bytes "$pcir" 8)" 5043495234121111 "PCIR, vendor and device"
is "$(bytes $((pcir + 13)) 3)" 000003 "class"
is "$(bytes 30 3)" 49424d "IBM at 1Eh"

clang=${CLANG-clang-14} lld=${LLD-ld.lld-14}
"$clang" --version 2>/dev/null | grep -q 'version 14\.' || {
    echo "skipped: other versions of clang make other bytes; $clang is not version 14"
    exit 77
}
command -v "$lld" >/dev/null 2>&1 || { echo "skipped: needs $lld"; exit 77; }
sh "$source/bios/vga/build.sh" "$work/rom" || exit 1
cmp "$work/rom" "$built" || {
    echo "$built is not what bios/vga makes: bios/vga/build.sh bios/built/menura-vgabios.bin"
    exit 1
}
