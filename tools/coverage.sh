#!/bin/sh
# tools/coverage.sh [NAME...] - which lines of cpu/ and mmu/ the tests execute.
#
# Builds the preset `coverage`, runs the tests whose names hold one of the words (else the
# rings unit, isa and guest), and prints the line coverage of both folders and their fifteen
# least covered files. All lines: build/coverage/lines.txt; per line: gcovr --html-details.
# The fast handlers run in the plain loop here, as under sanitizers.
set -eu
cd "$(dirname "$0")/.."
. tools/needs.sh

need gcovr gcovr
need python3 python3
need cmake cmake
need ninja-build ninja
need gcc gcc
need libcmocka-dev cmocka.h
install_needs

filter=$(printf '%s\n' "$@" | tr '\n' '|' | sed 's/|*$//')
out=build/coverage
jobs=$(nproc 2>/dev/null || echo 2)
mkdir -p build
if ! { cmake --preset coverage && cmake --build "$out" -j"$jobs"; } >build/coverage.log 2>&1; then
    tail -20 build/coverage.log
    echo "$0: the build failed; all of its output: build/coverage.log"
    exit 1
fi
# What earlier runs executed does not count.
find "$out" -name '*.gcda' -delete
failed=0
ctest --test-dir "$out" -j"$jobs" --timeout 1800 -R "${filter:-^(unit|isa|guest)/}" \
    --output-on-failure >"$out/tests.txt" 2>&1 || failed=1
grep -E 'tests passed|\*\*\*' "$out/tests.txt" || :

# A header's inline functions count once, covered where any file's copy ran.
gcovr --root . --object-directory "$out" --filter 'cpu/' --filter 'mmu/' \
    --txt "$out/lines.txt" --json-summary "$out/lines.json" --exclude-unreachable-branches \
    >"$out/gcovr.txt" 2>&1 || {
    tail -5 "$out/gcovr.txt"
    exit 1
}
python3 - "$out/lines.json" <<'END'
import json, sys

files = json.load(open(sys.argv[1]))['files']
for folder in 'cpu/', 'mmu/':
    own = [f for f in files if f['filename'].startswith(folder)]
    lines = sum(f['line_total'] for f in own)
    hit = sum(f['line_covered'] for f in own)
    print('%s %5.1f %% of %d lines' % (folder, 100 * hit / max(lines, 1), lines))
print('least covered:')
for f in sorted((f for f in files if f['line_total']), key=lambda f: f['line_percent'])[:15]:
    print('  %5.1f %% of %4d  %s' % (f['line_percent'], f['line_total'], f['filename']))
END
exit $failed
