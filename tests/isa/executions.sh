#!/bin/sh
# executions.sh [-n CASES] [-b CASES] [-counts FILE] BUILD - counts how often the tests
# execute each row of isa.def, and writes executions.txt beside this script, which
# docs/isa.md shows.
#
# Three columns: cases asked of this host's processor, cases asked of Bochs, and executions
# in the guest kernels, each run once. -n and -b: cases per row and mode of the first two
# (100000 and 100 if not told; the first takes about an hour for each 40000). -counts: a
# file that `isa_oracle -counts` wrote, in place of the first. Needs an AVX2 host.
set -eu
cases=100000 bochs=100 counts=
while [ $# -gt 1 ]; do
    case $1 in
    -n) cases=$2 ;;
    -b) bochs=$2 ;;
    -counts) counts=$2 ;;
    *) break ;;
    esac
    shift 2
done
[ $# = 1 ] || { echo "usage: $0 [-n CASES] [-b CASES] [-counts FILE] BUILD" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ "$counts" ]; then
    cp "$counts" "$work/host"
else
    "$build/tests/isa/isa_oracle" -n "$cases" -counts "$work/host"
fi
"$build/tests/isa/isa_bochs" -n "$bochs" -counts "$work/bochs" || true # its list of differences
: >"$work/guest"
cd "$build/guest"
for source in "$here"/../guest/kernels/*.S; do
    kernel=$(basename "$source" .S)
    arguments=$(sed -n "s/^set(GUEST_ARGS_$kernel \(.*\))/\1/p" "$here/../guest/guest.cmake")
    # shellcheck disable=SC2086
    "$build/guest_run" $arguments -rows "$work/guest" "$kernel" >/dev/null
done
{
    echo "# How often the tests execute each row of cpu/isa.def: made by executions.sh."
    echo "# row, cases asked of a processor, cases asked of Bochs, executions in guest kernels"
    awk -v dir="$work/" 'FILENAME == dir "host" { host[$1] += $2 }
        FILENAME == dir "bochs" { bochs[$1] += $2 }
        FILENAME == dir "guest" { guest[$1] += $2 }
        { all[$1] = 1 }
        END { for (row in all) print row, host[row] + 0, bochs[row] + 0, guest[row] + 0 }' \
        "$work/host" "$work/bochs" "$work/guest" | LC_ALL=C sort
} >"$here/executions.txt"
