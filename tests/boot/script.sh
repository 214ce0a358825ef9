#!/bin/sh
# script.sh MENURA own|seabios RUNS PACKAGE MEDIUM SCRIPT OPTION... - SCRIPT of this folder
# comes to its end with a machine that boots from MEDIUM, a CD (*.iso) or floppy (*.img) of
# Debian's PACKAGE; every run in the same count and hash.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/firmware.sh"
runs=$3 package=$4 medium=$5 script=$6
shift 6
if [ ! -r "$medium" ]; then
    name=$(basename "$medium") # two tests want one package's
    fetch_package "$name" "$package" "${medium#/usr/lib/}"
    medium=$guests/$name/$name
fi
drive=-cdrom
case $medium in
*.img)
    cp "$medium" "$work/floppy"
    chmod u+w "$work/floppy"
    drive=-fda medium=$work/floppy
    ;;
esac

first=
# try HOW OPTION...
try() {
    how=$1
    shift
    # shellcheck disable=SC2086
    "$menura" $firmware $drive "$medium" -rtc base=2026-01-01 -hash \
        -script "$source/tests/boot/$script" "$@" \
        </dev/null >"$work/printed" 2>"$work/messages"
    code=$?
    [ $code = 0 ] || die "$how: exit code $code, not 0" "$work/printed" "$work/messages"
    hash=$(hash_of "$work/messages")
    [ "$hash" ] || die "$how: no hash" "$work/messages"
    echo "$how: $hash"
    first=${first:-$hash}
    [ "$hash" = "$first" ] || die "$how: not as in the first run: $first"
}

try 'first run' "$@"
cat "$work/printed"
[ "$runs" -gt 1 ] || [ "${MENURA_LONG-}" ] || exit 0
try 'second run, a TLB of 16' --small-tlb 16 "$@"
[ ! "${MENURA_LONG-}" ] || try 'caches dropped at random' --drop-caches 1 "$@"
