/* smp.S - four CPUs: INIT and SIPI, a counter under LOCK XADD, a spin lock, IPIs between
 * them, and PAUSE. Intel SDM vol 3A 8.4.
 */
#include "lib.h"
#define CPUS 4
#define ROUNDS 5000

/* INIT and, right behind it, SIPI, as SeaBIOS sends them. */
#define START_AT_ONCE \
    movl $0, started; \
    movl $ICR_OTHERS + ICR_INIT, LAPIC + 0x300; \
    movl $ICR_OTHERS + ICR_START, LAPIC + 0x300

/* The others get there, or the test's time is over. */
#define EXPECT_STARTED \
    movl $10000000, %ecx; \
7:  pause; \
    cmpl $CPUS - 1, started; \
    loopne 7b; \
    CHECK_EQ(l, $CPUS - 1, started)

    .text
main:
    SET_IDT(0x60, CODE32, ipi, 0x8e)
    PLACE_AP_START
    /* All but self: INIT, SIPI, SIPI. */
    movl $ICR_OTHERS + ICR_INIT, LAPIC + 0x300
    LOOPS(10000)
    movl $ICR_OTHERS + ICR_START, LAPIC + 0x300
    LOOPS(10000)
    movl $ICR_OTHERS + ICR_START, LAPIC + 0x300
1:  pause
    cmpl $CPUS - 1, started
    jne 1b
    movl $1, go
    call work
1:  pause
    cmpl $CPUS, finished
    jne 1b
    CHECK_EQ(l, $CPUS * ROUNDS, counter)
    CHECK_EQ(l, $CPUS * ROUNDS, locked)
    /* Each CPU got its own tickets: their sum is that of 0 to n - 1. */
    CHECK_EQ(l, $(CPUS * ROUNDS) * (CPUS * ROUNDS - 1) / 2, sum)
    CHECK_EQ(l, $0xe, ids)
    /* A fixed IPI to each of the others, which sit in HLT. */
    movl $1, %ebx
1:  movl %ebx, %eax
    shll $24, %eax
    movl %eax, LAPIC + 0x310
    movl $0x00004060, LAPIC + 0x300
2:  pause
    cmpl %ebx, ipis
    jne 2b
    incl %ebx
    cmpl $CPUS, %ebx
    jne 1b
    /* INIT and SIPI at once, as SeaBIOS sends them: the others start anew. */
    movl $0, go
    START_AT_ONCE
    EXPECT_STARTED
    /* And once more, while they run. */
    START_AT_ONCE
    EXPECT_STARTED
    PASS

/* In each CPU. */
work:
    movl $ROUNDS, %ecx
1:  movl $1, %eax
    lock
    xaddl %eax, counter
    lock
    addl %eax, sum
2:  movl $1, %eax
    xchgl %eax, lock_word
    testl %eax, %eax
    jz 3f
    pause
    jmp 2b
3:  incl locked
    movl $0, lock_word
    loop 1b
    lock
    incl finished
    ret

ap_main:
    AP_SEGMENTS
    lidt idtr32
    movl LAPIC + 0x20, %ecx
    shrl $24, %ecx
    movl %ecx, %eax
    shll $10, %eax
    leal ap_stacks(%eax), %esp
    movl $0x1ff, LAPIC + 0xf0
    lock
    btsl %ecx, ids
    lock
    incl started
1:  pause
    cmpl $0, go
    je 1b
    call work
    sti
1:  hlt
    jmp 1b

ipi:
    lock
    incl ipis
    movl $0, LAPIC + 0xb0
    iretl

    AP_START

    .section .low
counter: .long 0
locked: .long 0
lock_word: .long 0
sum: .long 0
ids: .long 0
started: .long 0
finished: .long 0
go: .long 0
ipis: .long 0
    .bss
ap_stacks: .skip CPUS * 1024
