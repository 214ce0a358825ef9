#!/bin/sh
# shell.sh MENURA CPUS - commands piped into a real Linux are answered there and the
# program ends with 0; every run of them ends in the same count and hash, whatever is
# grouped or cached.
. "$(dirname "$0")/common.sh"
cpus=$2
fetch_linux

# The installer's RAM disk (the guest on other hosts than x86) begins without /proc.
case $append in
*rdinit=/bin/sh*) echo 'mount -t proc proc /proc' ;;
esac >"$work/commands"
cat >>"$work/commands" <<'END'
uname -a
cat /proc/cpuinfo | head -5
nproc 2>/dev/null || grep -c ^processor /proc/cpuinfo
poweroff -f
END

# says FILE REGEX: a line of the guest's console.
says() {
    tr -d '\r' <"$1" | grep -q "$2" || die "no line '$2' on the console" "$1"
}

first=
# try HOW OPTION...
try() {
    how=$1
    shift
    "$menura" -kernel "$kernel" -initrd "$initrd" -append "$append" -smp "$cpus" \
        -rtc base=2026-01-01 --hash "$@" \
        <"$work/commands" >"$work/console" 2>"$work/messages"
    code=$?
    [ $code = 0 ] || die "$how: exit code $code, not 0" "$work/console" "$work/messages"
    says "$work/console" '^Linux [^ ]* [0-9][^ ]* .*x86_64'
    says "$work/console" '^processor[[:space:]]*: 0$'
    says "$work/console" '^vendor_id[[:space:]]*: '
    says "$work/console" '^model name[[:space:]]*: '
    says "$work/console" "^$cpus\$"
    hash=$(hash_of "$work/messages")
    [ "$hash" ] || die "$how: no hash" "$work/messages"
    echo "$cpus CPUs, $how: $hash"
    first=${first:-$hash}
    [ "$hash" = "$first" ] || die "$how: not as in the first run: $first"
}

try 'first run'
try 'second run'
try 'a TLB of 16' --small-tlb 16
if [ "${MENURA_LONG-}" ]; then
    try 'blocks of one instruction' --one-instruction-blocks
    try 'caches dropped at random' --drop-caches 1
fi
