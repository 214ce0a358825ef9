#!/bin/sh
# Command lines that never run a guest: each ends with its documented exit code and a
# sentence that names the thing. $1 menura; EMULATOR, if set, runs it (a cross build).
menura=$1
failed=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# expect CODE TEXT ARGUMENT...: menura ends with CODE and says TEXT (a basic regex).
expect() {
    code=$1 text=$2
    shift 2
    # shellcheck disable=SC2086
    said=$(${EMULATOR-} "$menura" "$@" 2>&1 </dev/null)
    got=$?
    if [ "$got" != "$code" ] || ! printf '%s\n' "$said" | grep -q -- "$text"; then
        echo "menura $*: exit code $got, not $code, or '$text' missing in: $said"
        failed=1
    fi
}

expect 0 'Usage: menura' --help
expect 0 'Usage: menura' -h
expect 0 'Exit codes:' -help
expect 0 'menura [0-9]*\.[0-9]*\.[0-9]* (' --version
expect 0 'features: ' -version
expect 0 'nehalem' -cpu help
expect 0 'isa-debug-exit' -device help
expect 0 'in_asm' -d help
expect 2 'nothing to run'
expect 2 'did you mean -kernel' -kernal x
expect 2 'did you mean -append' --apend x
expect 2 'no option .-zzzzzzzzz' -zzzzzzzzz
expect 2 'needs a value' -m
expect 2 '1M to 512G' -m 0 -kernel x
expect 2 '1M to 512G' -m 1T -kernel x
expect 2 '1M to 512G' -m -1 -kernel x
expect 2 '1M to 512G' -m 99999999999999999999 -kernel x
expect 2 '1M to 512G' -m 512X -kernel x
expect 2 'from 1 to 64' -smp 65 -kernel x
expect 2 'that is 256 CPUs' -smp sockets=4,cores=8,threads=8 -kernel x
expect 2 'knows no .wheels' -smp wheels=4
expect 2 'no CPU model' -cpu 8080 -kernel x
expect 2 'not a date' -rtc base=2023-02-29
expect 2 'not a date' -rtc base=yesterday
expect 2 'no such place' -serial telnet:1
expect 2 'both are taken' -serial null -serial null -serial null
expect 2 'no device' -device e1000
expect 4 "menura disk create" -hda disk.img
expect 2 'no network card yet' -net user
expect 2 'there is a kernel already' one two
expect 2 'is a switch' --hash=maybe
expect 4 "cannot .*'/nonexistent/kernel'" -kernel /nonexistent/kernel
expect 4 '/nonexistent/kernel' /nonexistent/kernel -enable-kvm -accel tcg -k de
expect 4 'without effect' /nonexistent/kernel -enable-kvm

expect 2 "cannot open script '/nonexistent'" -script /nonexistent
printf 'exit 0\nfrobnicate\n' >"$work/script"
expect 2 "script', line 2: there is no command" -script "$work/script"

: >"$work/empty"
expect 4 'empty' "$work/empty"
head -c 100000 /dev/zero >"$work/zeroes"
expect 4 'zeroes' "$work/zeroes"
expect 4 "$work" "$work"
expect 4 'cannot write' -kernel "$work/empty" -D /nonexistent/trace
expect 4 '/nonexistent/out' -kernel "$work/empty" -serial file:/nonexistent/out
expect 4 '/nonexistent/snapshot' -load /nonexistent/snapshot

printf '# a comment\n\nm = 64M\nsmp=2\nhash\n append = a = b  \n' >"$work/good.conf"
expect 2 'nothing to run' -config "$work/good.conf"
printf 'm = 64M\nmemroy = 1\n' >"$work/bad.conf"
expect 2 "line 2: .*memroy" -config "$work/bad.conf"
printf 'config = %s\n' "$work/good.conf" >"$work/nested.conf"
expect 2 'cannot name another' -config "$work/nested.conf"
printf 'm\000\001 = 1\n' >"$work/binary.conf"
expect 2 'not a line of text' -config "$work/binary.conf"
head -c 2000000 /dev/zero >"$work/large.conf"
expect 2 'large.conf' -config "$work/large.conf"

# One dash and two, a value behind a space and behind '=': the same option.
for words in '-m 64M' '--m 64M' '-m=64M' '--memory=64M'; do
    # shellcheck disable=SC2086
    expect 2 'nothing to run' $words
done
[ $failed = 0 ] && echo 'every command line ended as documented'
exit $failed
