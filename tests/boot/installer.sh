#!/bin/sh
# installer.sh MENURA ARCH CPUS - Debian's installer gets to its first dialog on the
# serial console, and its kernel says that it found every CPU.
. "$(dirname "$0")/common.sh"
[ "${MENURA_LONG-}" ] || skip "long; MENURA_LONG=1 runs it"
arch=$2 cpus=$3
fetch_package "installer-$arch" "debian-installer-12-netboot-$arch" \
    "text/debian-installer/$arch/linux" "text/debian-installer/$arch/initrd.gz"

"$menura" -m 1G -smp "$cpus" -kernel "$guests/installer-$arch/linux" \
    -initrd "$guests/installer-$arch/initrd.gz" -append console=ttyS0 \
    -rtc base=2026-01-01 -max-seconds 3000 -hash -script - <<END
wait serial "smp: Brought up 1 node, $cpus CPU" within 1000s
wait serial "Select a language" within 5000s
END
