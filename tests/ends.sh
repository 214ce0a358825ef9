#!/bin/sh
# ends.sh [source folder] - fails on code below frontend/ that could end the process: abort,
# exit, assert and their kin. The guest is untrusted, and the library is a guest of its
# program. ends.sh --self-test checks that it notices each of them.
set -u
. "$(dirname "$0")/source_check.sh"

# What is allowed, and why (docs/hostile.md): base/clock.c's abort, when the host has no memory
# for the pointer of a timer, whose count the board fixes; host/terminal.c gives a signal that
# the user sent its usual effect, once the terminal is as it was.
allowed()
{
    case $1 in
    base/clock.c:*abort\(\)\;*) return 0 ;;
    host/terminal.c:*raise\(signal_number\)\;*) return 0 ;;
    esac
    return 1
}

check()
{
    for file in $(sources include/*.h); do
        # Comments and strings may speak of them.
        sed -e 's/"[^"]*"//g' -e 's|//.*||' -e 's|/\*.*\*/||g' -e '/\/\*/,/\*\//s/.*//' "$file" |
            grep -nE '(^|[^A-Za-z0-9_.>])(abort|exit|_exit|_Exit|quick_exit|assert|raise|kill|__builtin_trap)[[:space:]]*\(|#[[:space:]]*include[[:space:]]*<assert\.h>' |
            while read -r line; do
                allowed "$file:$line" || echo "$file:$line"
            done
    done
}

make_good()
{
    cat >base/clock.c <<'END'
/* exit() is not called
 * abort() neither */
        abort();
_Static_assert(1, "assert(0)");
void raise_fault(void); // exit(1)
    w->world.kill(w->owner); w->exit(0);
END
}

make_bad()
{
    echo '        abort();' >base/other.c
    echo '    exit(1);' >mmu/a.c
    echo '    if (x) _exit (1);' >host/a.c
    echo '    assert(x);' >cpu/a.c
    echo '#include <assert.h>' >devices/a.c
    echo '    __builtin_trap();' >debug/a.c
    echo '    raise(SIGABRT); /* hm */' >machine/a.c
}

[ "${1:-}" != --self-test ] || self_test ends.sh 7
judge_tree "${1:-$(dirname "$0")/..}" "a guest must not be able to end the process: docs/hostile.md"
