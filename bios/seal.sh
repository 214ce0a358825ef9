#!/bin/sh
# seal.sh ROM SIZE OUT - an option ROM's image of SIZE bytes: all together are 0 modulo 256; the
# last one is for that (PCI 2.1, 6.3.1.1).
set -eu
sum=$(od -An -v -tu1 "$1" |
    awk '{ for (i = 1; i <= NF; i++) s += $i } END { print (256 - s % 256) % 256 }')
{
    dd if="$1" bs=1 count=$(($2 - 1)) 2>/dev/null
    # shellcheck disable=SC2059
    printf "\\$(printf %03o "$sum")"
} >"$3.new"
chmod 644 "$3.new"
mv "$3.new" "$3"
