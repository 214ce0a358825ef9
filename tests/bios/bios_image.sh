#!/bin/sh
# bios_image.sh - the checked-in BIOS and the ROM of -kernel are what their sources make. Needs
# clang 14 and lld 14.
set -u
source=$(cd "$(dirname "$0")/../.." && pwd)
built=$source/bios/built
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

for tool in "${CLANG-clang-14}" "${LLD-ld.lld-14}"; do
    command -v "$tool" >/dev/null 2>&1 || { echo "skipped: needs $tool"; exit 77; }
done
sh "$source/bios/build.sh" "$work/out" "$work/parts" || exit 1
for image in menura-bios.bin menura-kernel.bin; do
    cmp "$work/out/$image" "$built/$image" || {
        echo "$built/$image is not what bios/ makes: bios/build.sh bios/built build/bios"
        exit 1
    }
done
