#!/bin/busybox sh
# /init of the guest that ./run starts: a shell on the serial console, job control included.
export PATH=/bin HOME=/root TERM=${TERM:-vt100}
/bin/busybox mount -t devtmpfs dev /dev
exec </dev/console >/dev/console 2>&1
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/pts
mount -t devpts pts /dev/pts
hostname menura

# Switching off does not wait for what the serial port has still to send; a change of the
# terminal's settings does.
cat >/etc/shrc <<'END'
poweroff() { stty opost; command poweroff "$@"; }
reboot() { stty opost; command reboot "$@"; }
halt() { stty opost; command halt "$@"; }
END
export ENV=/etc/shrc

cd
echo
echo "Linux $(uname -r) on $(nproc) CPU(s). 'poweroff -f' ends; Ctrl-A h shows Menura's keys."
setsid cttyhack sh
stty opost
poweroff -f
