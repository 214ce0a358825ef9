#!/bin/sh
# A page made from the option table is the one that is checked in. $1 menura, $2 page,
# $3 file; EMULATOR, if set, runs menura.
${EMULATOR-} "$1" --page "$2" | diff -u "$3" - || {
    echo "$3 is not what options.def says: run 'cmake --build build/release -t pages'"
    exit 1
}
