#!/bin/busybox sh
# First process of the guest: the work between two marks, then power-off.
BUSYBOX=/bin/busybox
export BUSYBOX
$BUSYBOX mount -t devtmpfs dev /dev
exec </dev/console >/dev/console 2>&1
$BUSYBOX stty -opost
$BUSYBOX mkdir -p /tmp/work
echo "BEGIN work"
$BUSYBOX sh /boot-test/work.sh /tmp/work
echo "END work"
$BUSYBOX stty opost # waits until the serial port has sent it all
$BUSYBOX poweroff -f
