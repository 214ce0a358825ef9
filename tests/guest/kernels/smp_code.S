/* smp_code.S - one CPU rewrites code that another runs; TLB shootdown by IPI; INIT to a
 * running CPU and its second start; NMI between CPUs. Intel SDM vol 3A 8.1.3, 8.4, 4.10.5.
 */
#include "lib.h"

#define VA(n) (TEST_VA + 0x1000 * (n))
#define FRAME(n) frames + 0x1000 * (n)

    .text
main:
    call make_tables
    SET_IDT(0x60, CODE32, shootdown, 0x8e)
    SET_IDT(NMI, CODE32, nmi, 0x8e)
    movl $pd32, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x10, %eax
    movl %eax, %cr4
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0
    movl $FRAME(0) + 7, test_pt
    movl $0xaaaa0000, FRAME(0)
    movl $0xaaaa0001, FRAME(1)
    PLACE_AP_START
    call start_1
1:  pause
    cmpl $1, started
    jne 1b

    /* Its loop calls a function; rewrite the immediate and wait to see the answer. */
    movl $20, %ebx
1:  movl %ebx, function + 1
2:  pause
    cmpl %ebx, answer
    jne 2b
    decl %ebx
    jnz 1b

    /* Shootdown: it keeps reading VA(0). */
    movl $0xaaaa0000, %eax
1:  pause
    cmpl %eax, seen
    jne 1b
    movl $FRAME(1) + 7, test_pt
    movl $1 << 24, LAPIC + 0x310
    movl $0x4060, LAPIC + 0x300
1:  pause
    cmpl $1, shot
    jne 1b
    movl $0xaaaa0001, %eax
1:  pause
    cmpl %eax, seen
    jne 1b

    /* NMI to it. */
    movl $1 << 24, LAPIC + 0x310
    movl $0x4400, LAPIC + 0x300
1:  pause
    cmpl $1, nmis
    jne 1b
    /* INIT stops it. */
    movl $1 << 24, LAPIC + 0x310
    movl $ICR_INIT, LAPIC + 0x300
    LOOPS(20000)
    movl rounds, %eax
    LOOPS(20000)
    CHECK_EQ(l, %eax, rounds)
    /* And it starts again. */
    call start_1
1:  pause
    cmpl $2, started
    jne 1b
1:  pause
    cmpl %eax, rounds
    je 1b
    PASS

start_1:
    movl $1 << 24, LAPIC + 0x310
    movl $ICR_INIT, LAPIC + 0x300
    LOOPS(10000)
    movl $1 << 24, LAPIC + 0x310
    movl $ICR_START, LAPIC + 0x300
    ret

ap_main:
    AP_SEGMENTS
    lidt idtr32
    movl $user_stack, %esp
    movl $pd32, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x10, %eax
    movl %eax, %cr4
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0
    movl $0x1ff, LAPIC + 0xf0
    sti
    lock
    incl started
1:  call function
    movl %eax, answer
    movl VA(0), %eax
    movl %eax, seen
    incl rounds
    jmp 1b
function:
    movl $99, %eax
    ret
shootdown:
    invlpg VA(0)
    movl $1, shot
    movl $0, LAPIC + 0xb0
    iretl
nmi:
    incl nmis
    iretl

    AP_START

    .section .low
started: .long 0
answer: .long 0
seen: .long 0
shot: .long 0
nmis: .long 0
rounds: .long 0
