#!/bin/sh
# disk-linux.sh FOLDER - Debian's kernel and the modules that an IDE disk needs, in FOLDER:
# `kernel` and `modules`, a tree for /lib/modules. Nothing is installed.
set -eu
. "$(dirname "$0")/../../tools/needs.sh"
. "$(dirname "$0")/../../tools/packages.sh"
folder=$1

unpack_kernel "$folder/work"
cp "$folder"/work/root/boot/vmlinuz-* "$folder/kernel"
cd "$folder/work/root/lib/modules/"*
version=$(basename "$PWD")
mkdir -p "$folder/modules/$version"
for name in scsi_common scsi_mod libata ata_piix sd_mod; do
    find kernel -name "$name.ko" -exec cp {} "$folder/modules/$version/" \;
done
cp modules.builtin modules.order "$folder/modules/$version/"
rm -rf "$folder/work"
