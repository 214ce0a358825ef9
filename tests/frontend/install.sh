#!/bin/sh
# What is installed suffices to compile and run a program against the library, shared and
# static. $1 build folder, $2 source folder, $3 compiler, the rest: its flags. In a cross
# build EMULATOR runs the static one; the shared one is linked only, for want of a loader.
set -eu
build=$1 source=$2 cc=$3
shift 3
to=$build/install-test
rm -rf "$to"
cmake --install "$build" --prefix "$to" >"$build/install-test.log"
lib=$(dirname "$(find "$to" -name 'libmenura.so' | head -1)")
for file in bin/menura include/menura.h share/man/man1/menura.1; do
    test -f "$to/$file" || { echo "not installed: $file"; exit 1; }
done
test -f "$lib/pkgconfig/menura.pc" || { echo "not installed: menura.pc"; exit 1; }

if "${NM-nm}" -D --defined-only "$lib/libmenura.so" 2>/dev/null | grep -v ' menura_' |
   grep -E ' [TDBR] ' | grep -vE ' (_init|_fini|__asan|__odr_asan|_edata|_end|__bss_start)'; then
    echo "the shared library shows names that are not its own"
    exit 1
fi

"$cc" "$@" -Wall -Wextra -Werror -I"$to/include" "$source/tests/frontend/client.c" \
    -o "$to/client" -L"$lib" -Wl,-rpath,"$lib" -lmenura
[ "${EMULATOR-}" ] || "$to/client"

others=$(sed -n 's/^Libs.private://p' "$lib/pkgconfig/menura.pc")
# shellcheck disable=SC2086
"$cc" "$@" ${EMULATOR:+-static} -I"$to/include" "$source/tests/frontend/client.c" \
    -o "$to/client-static" "$lib/libmenura.a" $others
${EMULATOR-} "$to/client-static"
