#!/bin/sh
# `menura disk` from the command line: exit codes, sentences, and agreement with qemu-img in
# every format. $1 menura; EMULATOR, if set, runs it (a cross build).
menura=$1
failed=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

disk() {
    # shellcheck disable=SC2086
    ${EMULATOR-} "$menura" disk "$@"
}

wrong() {
    echo "$*"
    failed=1
}

# expect CODE TEXT WORD...: ends with CODE and says TEXT (a basic regex).
expect() {
    code=$1 text=$2
    shift 2
    said=$(disk "$@" 2>&1 </dev/null)
    got=$?
    if [ "$got" != "$code" ] || ! printf '%s\n' "$said" | grep -q -- "$text"; then
        wrong "menura disk $*: exit code $got, not $code, or '$text' missing in: $said"
    fi
}

expect 0 'Usage: menura disk create' --help
expect 0 'Usage: menura disk create' convert --help
expect 2 'what is to be done'
expect 2 'no command .resize' resize a
expect 2 'name and a size' create a.img
expect 2 'is no size' create a.img big
expect 2 'is no size' create a.img 1X
expect 2 'is no size' create a.img 99999999999999999999
expect 2 'knows no option' create --fast a.img 1M
expect 2 'knows no option' info --force a.img
expect 2 'needs a value' create a.img 1M --cluster
expect 2 'is a switch' create --force=1 a.img 1M
expect 2 'too many' create a b c
expect 2 'two names' convert a
expect 4 'multiple of 512' create a.img 1000
expect 4 'no size' create a.img 0
expect 4 'no.*format\|cannot create disks of format' create -f vdi a.img 1M
expect 4 'power of two' create --cluster 1000 a.qcow2 1M
expect 4 'neither backing file nor clusters' create -f raw --cluster 4K a.img 1M
expect 4 'a.img' info a.img
expect 4 'menura disk create' check a.img
expect 4 'cannot create' create /nonexistent/a.img 1M
[ -z "$(ls)" ] || wrong "refused commands left files: $(ls)"

expect 0 '' create a.img 3M
expect 4 'already' create a.img 3M
expect 0 '' create --force a.img 4M
expect 0 'format: raw' info a.img
expect 0 '(4194304 bytes)' info a.img
expect 0 '' create a.qcow2 2G
expect 0 'size: 2G' info a.qcow2
expect 0 'version: 3, clusters of 65536 bytes' info a.qcow2
expect 0 'no errors' check a.qcow2
expect 0 '' create -b a.img over.qcow2
expect 0 'backing file: a.img (raw)' info over.qcow2
expect 0 'size: 4M' info over.qcow2
expect 4 'nothing-there' create -b nothing-there over2.qcow2
expect 0 '' convert a.qcow2 b.img
expect 4 'in use' convert --force a.qcow2 a.qcow2
ln -s b.img link.img
expect 0 '' convert --force a.qcow2 link.img
[ -h link.img ] || wrong 'a symbolic link was replaced'
mkfifo pipe
expect 4 'not a regular file' create --force pipe 1M
expect 4 'already' create pipe 1M
cp a.qcow2 broken.qcow2
# The refcount of the L1 table's cluster (3) becomes 0: in the block at cluster 2.
printf '\000\000' | dd of=broken.qcow2 bs=1 seek=$((131072 + 6)) conv=notrunc 2>/dev/null
expect 14 'has 1 errors' check broken.qcow2
expect 0 'repaired: 1 errors' check --repair broken.qcow2
expect 0 'no errors' check broken.qcow2

# Ctrl-C: what is not finished goes away, and the process ends as by the signal.
if [ -z "${EMULATOR-}" ]; then
    head -c 300000000 /dev/urandom >large.img
    "$menura" disk convert large.img unfinished.qcow2 2>said &
    pid=$!
    sleep 0.05
    kill -TERM $pid 2>/dev/null # SIGINT is the same, but background jobs may ignore it
    { wait $pid; } 2>/dev/null
    code=$?
    if [ $code = 0 ]; then
        echo "skipped: the copy was done before it could be stopped"
    else
        [ $code -gt 128 ] || wrong "stopped by a signal, it ended with $code: $(cat said)"
        case $(ls) in
        *unfinished*) wrong "an unfinished disk was left: $(ls)" ;;
        esac
    fi
    rm -f large.img unfinished.qcow2
fi

if ! command -v qemu-img >/dev/null 2>&1; then
    echo "skipped: the comparison with qemu-img, which is not here"
    exit $failed
fi

# 23 MiB with holes, text and noise.
truncate -s 24117248 source.img
for at in 0 3 64 65 130 300 367; do
    dd if=/dev/urandom of=source.img bs=65536 seek=$at count=1 conv=notrunc 2>/dev/null
done
yes 'what is written stays' | dd of=source.img bs=1000 seek=1000 count=900 conv=notrunc \
    iflag=fullblock 2>/dev/null

# same FILE FORMAT: qemu-img finds FILE equal to the source, and sound.
same() {
    qemu-img compare -q -f raw -F "$2" source.img "$1" ||
        wrong "$1 ($2) differs from what it was made of"
}

# from FORMAT OPTIONS [NEEDS]: an image of qemu-img's, read by us.
from() {
    rm -f image image-flat out.img out.qcow2
    if ! qemu-img convert -f raw -O "$1" ${2:+-o "$2"} $3 source.img image 2>said; then
        echo "skipped: $1 $2 $3: $(cat said)"
        return
    fi
    disk convert image out.img >said 2>&1
    if grep -q 'this build cannot read\|built without' said; then
        echo "skipped: $1 $2 $3: $(cat said)"
        return
    fi
    rm -f out.img
    if ! disk info image >said 2>&1 || ! grep -q "format: $1" said; then
        wrong "$1 $2 $3: not recognized: $(cat said)"
    fi
    disk check image >said 2>&1 || wrong "$1 $2 $3: called bad: $(cat said)"
    disk convert image out.img 2>said || wrong "$1 $2 $3: $(cat said)"
    cmp out.img source.img || wrong "$1 $2 $3: out.img differs"
    disk convert image out.qcow2 2>said || wrong "$1 $2 $3: $(cat said)"
    same out.qcow2 qcow2
}

from raw ''
from qcow2 compat=0.10
from qcow2 compat=1.1
from qcow2 cluster_size=512
from qcow2 cluster_size=2M,refcount_bits=1
from qcow2 compat=0.10 -c
from qcow2 compat=1.1,cluster_size=4k -c
from qcow2 cluster_size=2M -c
from qcow2 compression_type=zstd -c
from vmdk subformat=monolithicSparse
from vmdk subformat=streamOptimized
from vmdk subformat=monolithicFlat
from vdi static=off
from vdi static=on
from vpc subformat=dynamic,force_size=on
from vpc subformat=fixed,force_size=on

rm -f image*
qemu-img convert -f raw -O vmdk -o subformat=twoGbMaxExtentSparse source.img image.vmdk
expect 4 'extents' info image.vmdk
qemu-img create -q -f qcow2 -b 'json:{"driver":"file","filename":"a.img"}' -F raw -u \
    json.qcow2 1M
expect 4 'no file name' convert json.qcow2 json.img
qemu-img create -q -f qcow2 -o encrypt.format=luks,encrypt.key-secret=s \
    --object secret,id=s,data=x luks.qcow2 1M 2>/dev/null &&
    expect 4 'encrypted' info luks.qcow2
qemu-img create -q -f qcow2 -o data_file=data.img external.qcow2 1M &&
    expect 4 'external data file' info external.qcow2
qemu-img create -q -f qcow2 -o extended_l2=on subclusters.qcow2 1M &&
    expect 4 'subclusters' info subclusters.qcow2

# Ours, read by qemu-img.
for cluster in 512 4K 64K 2M; do
    rm -f ours.qcow2
    disk convert --cluster $cluster source.img ours.qcow2 || wrong "convert to $cluster"
    same ours.qcow2 qcow2
    qemu-img check -q ours.qcow2 || wrong "qemu-img check finds our clusters of $cluster bad"
    disk check ours.qcow2 >said || wrong "$(cat said)"
    rm -f back.img
    disk convert ours.qcow2 back.img
    cmp back.img source.img || wrong "back.img differs"
done
[ "$(du -k back.img | cut -f1)" -lt 8000 ] || wrong 'holes were filled: back.img'

# Sizes that need larger tables.
for size in 1T 60T; do
    disk create --force huge.qcow2 $size || wrong "create $size"
    qemu-img check -q huge.qcow2 || wrong "qemu-img check finds an empty disk of $size bad"
done
disk create --force --cluster 512 huge.qcow2 128G || wrong 'create 128G'
qemu-img check -q huge.qcow2 || wrong 'qemu-img check finds clusters of 512 bytes bad'

[ $failed = 0 ] && echo 'menura disk and qemu-img agree'
exit $failed
