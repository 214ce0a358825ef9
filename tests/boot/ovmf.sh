#!/bin/sh
# ovmf.sh MENURA - OVMF comes to its shell, which is typed at; a variable that is set there
# is in the flash memory when the machine starts anew.
. "$(dirname "$0")/common.sh"
set -- "$1" ovmf
. "$(dirname "$0")/firmware.sh"

# go SCRIPT OPTION...: $hash, and what was printed in $work/printed.
go() {
    script=$1
    shift
    # shellcheck disable=SC2086
    "$menura" -m 128M $firmware -rtc base=2026-01-01 -serial stdio -display none -hash \
        -script "$source/tests/boot/$script" "$@" </dev/null \
        >"$work/printed" 2>"$work/messages"
    code=$?
    [ $code = 0 ] || die "$script: exit code $code, not 0" "$work/printed" "$work/messages"
    hash=$(hash_of "$work/messages")
    echo "$script: $hash"
}

go ovmf-set.script
first=$hash
cmp -s "$work/vars" "$guests/ovmf/OVMF_VARS_4M.fd" && die "no variable was written"
go ovmf-get.script
[ "${MENURA_LONG-}" ] || exit 0
for how in '--small-tlb 16' '--drop-caches 1'; do
    cp "$guests/ovmf/OVMF_VARS_4M.fd" "$work/vars"
    # shellcheck disable=SC2086
    go ovmf-set.script $how
    [ "$hash" = "$first" ] || die "$how: not as in the first run"
done
