#!/bin/sh
# restore.sh MENURA - saved at a random instruction of a Linux boot and its work, and
# restored in a new process, the run ends in the same count and hash as one that went
# straight on, and the console of the two parts is that of the whole.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/guest.sh"
make_guest

# go CPUS NAME OPTION...: $code, $hash and the console in $work/NAME.
go() {
    cpus=$1 name=$2
    shift 2
    "$menura" -kernel "$kernel" -initrd "$initrd" -append "$append" -m 256M -smp "$cpus" \
        -time fast -rtc base=2026-01-01 -serial "file:$work/$name" \
        --max-seconds 600 --hash "$@" \
        </dev/null >"$work/messages" 2>&1
    code=$?
    hash=$(hash_of "$work/messages")
}

points=3
[ ! "${MENURA_LONG-}" ] || points=50
number=0

# Half of them on one CPU, half on two.
for cpus in 1 2; do
    go "$cpus" whole
    whole=$hash
    [ $code = 0 ] && [ "$whole" ] ||
        die "$cpus CPUs, straight: exit code $code" "$work/whole" "$work/messages"
    grep -q 'work done' "$work/whole" || die "the work was not done" "$work/whole"
    echo "$cpus CPUs, straight: $whole"
    for at in $(random $(((points + cpus - 1) / 2)) "${whole%% *}"); do
        number=$((number + 1))
        go "$cpus" begin --max-instructions "$at" --save "$work/snapshot"
        [ $code = 8 ] && [ "${hash%% *}" = "$at" ] ||
            die "$cpus CPUs, to $at: exit code $code, '$hash'" "$work/messages"
        go "$cpus" end --load "$work/snapshot"
        [ $code = 0 ] && [ "$hash" = "$whole" ] ||
            die "$cpus CPUs, restored at $at: exit code $code, '$hash'" "$work/end" \
                "$work/messages"
        cat "$work/begin" "$work/end" | cmp - "$work/whole" ||
            die "$cpus CPUs, restored at $at: the console is not the same" "$work/end"
        rm -f "$work/snapshot"
        echo "$cpus CPUs, restored at $at: the same"
    done
done
echo "$number points of $points"
[ $number = $points ]
