#!/bin/busybox sh
# The bench's first process: a script of ordinary tools between marks, then power-off.
# The checksums show that every emulator computed the same.
b=/bin/busybox
$b stty -F /dev/console -opost 2>/dev/null
echo "BEGIN script"

step() {
    name=$1
    shift
    echo "BEGIN $name"
    sum=$("$@" | $b md5sum)
    echo "END $name ${sum%% *}"
}

data() {
    $b awk 'BEGIN { x = 1; for (i = 0; i < '"$1"'; i++) {
        x = (x * 16807) % 2147483647; print x, "line", i % 97, "of some text" } }'
}
forks() {
    i=0
    while [ $i -lt 300 ]; do
        $b echo $i
        i=$((i + 1))
    done
}
sums() { for i in 1 2 3 4 5 6; do $b sha256sum /tmp/data; done; }
float() { $b awk 'BEGIN { for (i = 1; i < 150000; i++) s += (i * 1.0001) / (i + 0.5); print s }'; }

$b mkdir -p /tmp
data 40000 > /tmp/data
step awk data 40000
step sha256sum sums
step gzip $b gzip -c /tmp/data
step sort $b sort /tmp/data
step forks forks
step bzip2 $b bzip2 -c /tmp/data
step grep $b grep -c 'line 9[0-6]* of' /tmp/data
step float float
echo ALLDONE
$b poweroff -f
