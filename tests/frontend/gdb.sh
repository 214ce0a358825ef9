#!/bin/sh
# A stock gdb on the whole program: it stops, steps, breaks, watches, changes registers,
# follows a guest from real through protected into long mode, and leaves no trace in it.
#
#   gdb.sh MENURA GUEST_KERNELS
#
# EMULATOR, if set, runs menura (a cross build).
menura=$1 kernels=$2
failed=0

skip() {
    echo "skipped: $1"
    exit 77
}
command -v gdb >/dev/null || skip "there is no gdb"
gdb -nx -batch -ex 'set architecture i386:x86-64' >/dev/null 2>&1 ||
    skip "this gdb knows no i386:x86-64"
[ -f "$kernels/modes" ] || skip "there are no guest kernels"
work=$(mktemp -d) || exit 1
running=
cleanup() {
    [ -z "$running" ] || kill "$running" 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT

# start KERNEL ARGUMENT...: menura with that kernel in the background, listening.
start() {
    kernel=$1
    shift
    rm -f "$work/gdb" "$work/said"
    # shellcheck disable=SC2086
    (cd "$kernels" && exec ${EMULATOR-} "$menura" -m 32M -rtc base=2026-01-31 -hash \
        -display none -serial none -device isa-debug-exit,iobase=0xf4,iosize=4 \
        -exit-zero 0 -no-reboot -max-seconds 500 ${kernel:+-kernel "$kernel"} \
        -gdb "unix:$work/gdb" "$@" >"$work/out" 2>"$work/said" </dev/null) &
    running=$!
    n=0
    while [ ! -S "$work/gdb" ] && [ $n -lt 1000 ] && kill -0 $running 2>/dev/null; do
        sleep 0.1
        n=$((n + 1))
    done
}

# debug KERNEL: a gdb obeys the script on standard input.
debug() {
    { echo 'set pagination off'; echo 'set confirm off'; echo "set \$counter = $counter"
      echo 'set architecture i386:x86-64'
      echo "target remote $work/gdb"; cat; } >"$work/script"
    gdb -nx -batch ${1:+"$kernels/$1"} -x "$work/script" >"$work/log" 2>&1
}

# over CODE: menura ends so.
over() {
    wait $running
    code=$?
    running=
    [ $code -eq "$1" ] || wrong "menura ended with $code, not $1: $(cat "$work/said")"
}

wrong() {
    echo "$test: $1"
    sed 's/^/    /' "$work/log"
    failed=1
}

# The log has each of these lines (basic regular expressions), in this order.
expect() {
    at=1
    for text; do
        n=$(tail -n +$at "$work/log" | grep -n -m 1 -- "$text" | cut -d: -f1)
        if [ -z "$n" ]; then
            wrong "'$text' is missing behind line $at of:"
            return
        fi
        at=$((at + n))
    done
}

# The address of a label, without leading zeroes.
label() {
    gdb -nx -batch -ex "printf \"%x\\n\", (unsigned long)&$1" "$kernels/modes"
}

# gdb casts no pointer of a 32-bit file in a 64-bit session.
counter=0x$(label counter)

test="from real through protected into long mode"
start modes -S
debug modes <<'END'
printf "first %#lx\n", $rip
stepi
printf "second %#lx\n", $rip
break *in_real
break *in_protected
break *in_long
continue
printf "real %#lx ip %#lx base %#lx cs %#x\n", $rip, $ip, $cs_base, $cs
stepi 5
printf "called %#lx\n", $rip
continue
output $cr0
printf " eax %#lx\n", $rax
continue
output $efer
stepi
printf " rcx %#lx\n", $rcx
delete
watch *(int *)$counter
continue
continue
rwatch *(int *)$counter
delete
continue
END
over 0
expect "^first 0x$(label _start)$" '^second ' \
    "^real 0x$(label in_real) ip 0x.* base 0x1000 cs 0x100$" \
    "^called 0x$(label real_call)$" '^\[ .*PE.*\] eax 0x11$' \
    '^\[ .*LME LMA' '^ rcx 0x1122334455667788$' \
    'Hardware watchpoint' 'Old value = 17' 'New value = 273' \
    'Old value = 273' 'New value = 274' 'exited normally'

test="registers and memory can be changed"
start modes -S
debug modes <<'END'
break *in_protected
continue
printf "%#x %#x\n", $ebx, *(int *)$counter
set $ebx = 0x4321
set *(int *)$counter = 0x55
printf "%#lx %#x\n", $rbx, *(int *)$counter
set $rbx = 0x100
set *(int *)$counter = 1
set $eflags = 0xed7
stepi
output $eflags
printf "\n"
set $eflags = 2
set $xmm3.v4_int32[2] = 77
printf "xmm3 %d\n", $xmm3.v4_int32[2]
set $ymm3.v8_int32[7] = 78
set $zmm20.v16_int32[15] = 79
set $k5 = 80
maintenance flush register-cache
printf "wide %d %d %d %d\n", $xmm3.v4_int32[2], $zmm3.v16_int32[7], $zmm20.v16_int32[15], $k5
set $st2 = 1.5
printf "st2 %g\n", $st2
set $pc = $pc
set $cs = 0x33
END
over 0
expect '^0x10100 0x1$' '^0x4321 0x55$' 'CF PF AF ZF SF IF DF OF' '^xmm3 77$' '^wide 77 78 79 80$' '^st2 1.5$' \
    'Could not write register "cs"' 'detached'

test="a gdb that stops the machine often leaves no trace in it"
start modes
over 0
plain=$(grep instructions "$work/said")
start modes -S
debug modes <<'END'
break *in_real
break *real_call
break *in_protected
break *in_long
break *long_loop
awatch *(int *)$counter
continue
stepi 3
continue
info registers
x/64xb 0
continue
monitor info registers
monitor info mem
continue 12
nexti
continue
delete
continue
END
over 0
[ "$plain" = "$(grep instructions "$work/said")" ] ||
    wrong "'$plain' without gdb, '$(grep instructions "$work/said")' with it"

test="CPUs are threads"
start smp -S -smp 4
debug <<'END'
info threads
monitor info registers
thread 3
stepi
printf "thread %d\n", $_thread
continue
END
over 0
expect 'Thread 1 (CPU#0 \[running\])' 'Thread 2 (CPU#1 \[waiting for start-up\])' \
    'Thread 4 (CPU#3 ' '^CPU 0: 32-bit protected mode' '^gdtr base' \
    '^\[Switching to thread 3' 'exited normally'

test="leaving lets the guest go on"
start modes -S
debug modes <<'END'
break *in_long
continue
x/4xb 0x123456789
END
over 0
expect 'Cannot access memory at address 0x123456789' '^\[Inferior 1 (Remote target) detached\]'

test="a triple fault is a stop first"
start triple_fault -S
debug <<'END'
continue
monitor info faults
continue
END
over 6
expect 'triple fault' 'SIGSEGV' 'exited with code 06'

test="killing ends the run"
start modes -S
debug modes <<'END'
stepi
kill
END
over 0

test="the first instruction of a firmware"
bios=/usr/share/seabios/bios-256k.bin
if [ -f $bios ]; then
    start '' -S -bios $bios
    debug <<'END'
printf "%#lx %#lx\n", $rip, $ip
monitor x/1i $pc
stepi
printf "%#lx %#lx\n", $rip, $ip
break *0x7c00
kill
END
    over 0
    jump='ea 5b e0 00 f0' # its bytes: built without a disassembler
    # shellcheck disable=SC2086
    ${EMULATOR-} "$menura" --version | grep -q 'no disassembly' || jump=jmp
    expect '^0xfffffff0 0xfff0$' "$jump" '^0xf[0-9a-f]* 0x[0-9a-f]*$'

    test="Ctrl-C stops a running machine"
    start '' -bios $bios -time real
    {
        echo "target remote $work/gdb"
        for said in stopped 'stopped again'; do
            printf "shell touch '%s/goes'\ncontinue\nprintf \"%s\\\\n\"\n" "$work" "$said"
        done
        echo kill
    } >"$work/script"
    gdb -nx -batch -ex 'set confirm off' -x "$work/script" >"$work/log" 2>&1 &
    debugger=$!
    for _ in 1 2; do
        n=0
        while [ ! -e "$work/goes" ] && [ $n -lt 600 ]; do
            sleep 0.1
            n=$((n + 1))
        done
        rm -f "$work/goes"
        sleep 2 # from the shell command to `continue`
        kill -INT $debugger
    done
    wait $debugger
    over 0
    expect SIGINT '^stopped$' SIGINT '^stopped again$'
else
    echo "skipped in part: there is no $bios"
fi

test="what cannot be listened at is told"
# shellcheck disable=SC2086
${EMULATOR-} "$menura" -kernel "$kernels/modes" -serial none \
    -gdb unix:/nonexistent/gdb >"$work/log" 2>&1
[ $? -eq 4 ] || wrong "not exit code 4:"
expect "cannot listen at 'unix:/nonexistent/gdb'"

exit $failed
