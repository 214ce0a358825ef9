#!/bin/busybox sh
# /init of the RAM disk that disk.sh makes: finds the disk, and goes on from there.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
modprobe -a ata_piix sd_mod
tries=0
until [ -b /dev/sda2 ] || [ $tries = 100 ]; do
    usleep 100000
    tries=$((tries + 1))
done
mount -t ext4 /dev/sda2 /disk || { echo "no disk"; poweroff -f; }
mount -o move /dev /disk/dev
umount /proc
exec switch_root /disk /sbin/init
