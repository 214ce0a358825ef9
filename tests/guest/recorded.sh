#!/bin/sh
# Guest kernels end in the same state on every host: instructions, ticks and the hash of
# the whole machine are those recorded on x86-64.
#
#   recorded.sh [--record] GUEST_RUN KERNELS
#
# GUEST_RUN is an absolute path, KERNELS the folder of built kernels: they are started from
# there, because the guest sees the name its kernel was started by. Each line of recorded.txt is guest_run's
# arguments, a colon, and what it prints. --record writes the file anew: the build target
# `record_guests`, to be run on x86-64 whenever a kernel, the board or a row of state
# changed. EMULATOR, if set, runs guest_run (a cross build).
set -u
record=
[ "${1-}" != --record ] || { record=yes; shift; }
run=$1 kernels=$2
file=$(cd "$(dirname "$0")" && pwd)/recorded.txt
now=$(mktemp) || exit 1
trap 'rm -f "$now"' EXIT

cd "$kernels" || exit 1
while read -r line; do
    case $line in
    '#'* | '') echo "$line"; continue ;;
    esac
    line=${line%%:*}
    # shellcheck disable=SC2086
    set -- $line
    for kernel; do :; done
    # shellcheck disable=SC2086
    said=$(${EMULATOR-} "$run" -once ${line% *} "$kernel" | grep '^normal ')
    echo "$line: $(echo "${said#normal}" | sed 's/^ *//')"
done <"$file" >"$now"

if [ "$record" ]; then
    cat "$now" >"$file"
elif ! diff -u "$file" "$now"; then
    echo "not as recorded on x86-64. If the machine was changed on purpose:"
    echo "    cmake --build build/release -t record_guests"
    exit 1
fi
