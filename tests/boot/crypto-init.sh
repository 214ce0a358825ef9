#!/bin/busybox sh
# First process of the guest: every x86 crypto module is loaded, which makes the kernel test
# it, and what it thinks of them is printed.
b=/bin/busybox
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
exec </dev/console >/dev/console 2>&1
$b stty -opost
for module in /lib/modules/*/kernel/arch/x86/crypto/*.ko; do
    name=$($b basename "$module" .ko)
    $b modprobe "$name" 2>/dev/null || echo "not loaded: $name"
done
$b modprobe raid6_pq
$b modprobe xor
echo "BEGIN log"
$b dmesg | $b grep -iE 'raid6|xor:|alg:|selftest|BUG|invalid opcode|general protection'
echo "END log"
echo "BEGIN crypto"
$b awk '/^driver/ { driver = $3 } /^selftest/ { print driver, $3 }' /proc/crypto
echo "END crypto"
echo "BEGIN flags"
$b grep -m1 ^flags /proc/cpuinfo
echo "END flags"
$b stty opost
$b poweroff -f
