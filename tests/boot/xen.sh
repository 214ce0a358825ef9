#!/bin/sh
# xen.sh MENURA CPUS - Debian's Xen starts as a Multiboot 2 kernel by the BIOS's hand, with two
# modules: Linux as its first domain, and an initrd. The guest's shell answers.
. "$(dirname "$0")/common.sh"
cpus=$2
fetch_linux
fetch_package xen xen-hypervisor-4.17-amd64 boot/xen-4.17-amd64.gz
# The kernel of ./run is for clouds and no first domain.
fetch_package installer-amd64 debian-installer-12-netboot-amd64 \
    text/debian-installer/amd64/linux text/debian-installer/amd64/initrd.gz
gunzip -c "$guests/xen/xen-4.17-amd64.gz" >"$work/xen"

"$menura" -m 1G -smp "$cpus" -cpu max -ips 1000000000 -vga std -display none -serial stdio \
    -kernel "$work/xen" -append 'com1=115200,8n1 console=com1 loglvl=all noreboot' \
    -initrd "$guests/installer-amd64/linux console=hvc0,$initrd" -rtc base=2026-01-01 \
    -script - >"$work/console" 2>"$work/messages" <<END
wait serial "/root # " within 60s
serial "cat /sys/hypervisor/type; nproc\\r"
wait serial "xen" within 5s
wait serial "$cpus" within 5s
serial "poweroff -f\\r"
wait end power-off within 20s
END
code=$?
[ $code = 0 ] || die "exit code $code, not 0" "$work/console" "$work/messages"
echo "Xen and Linux on $cpus CPUs"
