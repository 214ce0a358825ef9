#!/bin/sh
# disk-linux.sh FOLDER - Debian's kernel and the modules that an IDE disk needs, in FOLDER:
# `kernel` and `modules`, a tree for /lib/modules. Nothing is installed.
set -eu
. "$(dirname "$0")/../../tools/needs.sh"
folder=$1

newest() {
    apt-cache depends linux-image-cloud-amd64 2>/dev/null |
        sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -1
}
package=$(newest)
[ "$package" ] || { know_archive; package=$(newest); }
mkdir "$folder/work"
(cd "$folder/work" && apt-get -qq download "$package") || {
    know_archive
    (cd "$folder/work" && apt-get -qq download "$package")
}
dpkg-deb -x "$folder/work/$package"_*.deb "$folder/work/root"
cp "$folder"/work/root/boot/vmlinuz-* "$folder/kernel"
cd "$folder/work/root/lib/modules/"*
version=$(basename "$PWD")
mkdir -p "$folder/modules/$version"
for name in scsi_common scsi_mod libata ata_piix sd_mod; do
    find kernel -name "$name.ko" -exec cp {} "$folder/modules/$version/" \;
done
cp modules.builtin modules.order "$folder/modules/$version/"
rm -rf "$folder/work"
