#!/bin/sh
# work-same.sh MENURA - work.sh prints the same in the guest as on the host.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/guest.sh"
make_guest

mkdir "$work/there"
BUSYBOX=$busybox "$busybox" sh "$source/tests/boot/work.sh" "$work/there" \
    >"$work/host" 2>&1 || die "the work failed on the host" "$work/host"
[ "$(tail -n 1 "$work/host")" = "work done" ] || die "not done on the host" "$work/host"

for cpus in 1 ${MENURA_LONG:+4}; do
    "$menura" -kernel "$kernel" -initrd "$initrd" -append "$append" -smp "$cpus" \
        -time fast -rtc base=2026-01-01 --hash </dev/null \
        >"$work/console" 2>"$work/messages"
    code=$?
    [ $code = 0 ] || die "exit code $code, not 0" "$work/console" "$work/messages"
    tr -d '\r' <"$work/console" | sed -n '/^BEGIN work$/,/^END work$/p' |
        sed '1d;$d' >"$work/guest"
    diff "$work/host" "$work/guest" >"$work/difference" ||
        die "$cpus CPUs: the guest's results are not the host's" "$work/difference" \
            "$work/messages"
    echo "$cpus CPUs: $(wc -l <"$work/guest") lines as on the host; $(hash_of \
        "$work/messages")"
done
