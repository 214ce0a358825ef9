#!/bin/sh
# installer.sh MENURA ARCH CPUS - Debian's installer gets to its first dialog on the
# serial console, and its kernel says that it found every CPU.
. "$(dirname "$0")/common.sh"
[ "${MENURA_LONG-}" ] || skip "long; MENURA_LONG=1 runs it"
arch=$2 cpus=$3
fetch_package "installer-$arch" "debian-installer-12-netboot-$arch" \
    "text/debian-installer/$arch/linux" "text/debian-installer/$arch/initrd.gz"

began=$(date +%s)
"$menura" -m 1G -smp "$cpus" -kernel "$guests/installer-$arch/linux" \
    -initrd "$guests/installer-$arch/initrd.gz" -append console=ttyS0 \
    -time fast -rtc base=2026-01-01 -serial "file:$work/console" \
    </dev/null >"$work/messages" 2>&1 &
started=$!

dialog='Select a language'
until grep -aq "$dialog" "$work/console" 2>/dev/null; do
    kill -0 "$started" 2>/dev/null ||
        die "menura ended before the dialog" "$work/console" "$work/messages"
    [ $(($(date +%s) - began)) -lt 3000 ] ||
        die "no dialog after 3000 seconds" "$work/console" "$work/messages"
    sleep 1
done
echo "$arch: the dialog after $(($(date +%s) - began)) s:"
grep -ao '\[[!.]*\] '"$dialog" "$work/console" || echo "$dialog"

brought="smp: Brought up 1 node, $cpus CPU"
grep -aq "$brought" "$work/console" || die "no '$brought'" "$work/console"
grep -a "$brought" "$work/console"
