#!/bin/sh
# bios_image.sh - the checked-in BIOS is what its sources make. Needs clang 14 and lld 14.
set -u
source=$(cd "$(dirname "$0")/../.." && pwd)
built=$source/bios/built/menura-bios.bin
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

for tool in "${CLANG-clang-14}" "${LLD-ld.lld-14}"; do
    command -v "$tool" >/dev/null 2>&1 || { echo "skipped: needs $tool"; exit 77; }
done
sh "$source/bios/build.sh" "$work/out" "$work/parts" || exit 1
cmp "$work/out/menura-bios.bin" "$built" || {
    echo "$built is not what bios/ makes: bios/build.sh bios/built build/bios"
    exit 1
}
