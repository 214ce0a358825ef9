#!/bin/sh
# initrd.sh BUSYBOX FOLDER - the folder as an initramfs on the standard output, not
# compressed. The same files make the same bytes wherever and whenever: names in order,
# times 0, owner root, inodes counted. The folder's times are changed.
# busybox packs: no cpio is needed on the host.
set -eu
busybox=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cd "$2"
find . -exec env TZ=UTC touch -h -t 197001010000 {} +
find . | LC_ALL=C sort |
    "$busybox" cpio -o -H newc -R 0:0 --ignore-devno --renumber-inodes 2>/dev/null
