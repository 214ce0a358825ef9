/* storm.S - interrupts at every odd moment: a timer with a period that keeps changing
 * meets loops, calls, REP, x87, SSE, code that rewrites itself, faults, single steps, I/O
 * and TLB flushes. Where each interrupt came goes into a checksum in memory, so that two
 * ways of running this that differ by one tick anywhere end in different states.
 */
#include "lib.h"

#define VA(n) (TEST_VA + 0x1000 * (n))
#define FRAME(n) frames + 0x1000 * (n)

    .text
main:
    call make_tables
    SET_IDT(0x60, CODE32, storm, 0x8e)
    SET_IDT(PF, CODE32, page_fault, 0x8e)
    SET_IDT(DB, CODE32, stepped, 0x8e)
    SET_IDT(0x50, CODE32, serve, 0xef)
    movl $pd32, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x610, %eax
    movl %eax, %cr4
    movl %cr0, %eax
    orl $0x80010022, %eax
    movl %eax, %cr0
    fninit
    movl $0x1ff, LAPIC + 0xf0
    movl $0xb, LAPIC + 0x3e0 /* divide by 1 */
    movl $0x60, LAPIC + 0x320
    movl $100, LAPIC + 0x380
    sti
    movl $400, rounds
round:
    /* Arithmetic with flags across a loop. */
    movl $37, %ecx
    xorl %eax, %eax
1:  addl %ecx, %eax
    adcl $0x1234567, %eax
    rorl $3, %eax
    loop 1b
    addl %eax, work
    /* Recursion. */
    movl $6, %eax
    call fibonacci
    addl %eax, work
    /* REP in all sizes. */
    movl $FRAME(0), %edi
    movl $300, %ecx
    rep stosb
    movl $FRAME(0), %esi
    movl $FRAME(1) + 3, %edi
    movl $70, %ecx
    rep movsl
    movl $FRAME(0), %esi
    movl $FRAME(1) + 3, %edi
    movl $200, %ecx
    repe cmpsb
    /* Code that changes. */
    incl 1f + 1
1:  movl $0, %eax
    addl %eax, work
    /* Pages that come by fault, and go. */
    movl $0, test_pt
    invlpg VA(0)
    addl $1, VA(0)
    movl %cr3, %eax
    movl %eax, %cr3
    addl $1, VA(0) + 0xff0
    lock
    xaddl %eax, VA(0) + 0x10
    /* x87 and SSE. */
    fildl work
    fsqrt
    fistpl FRAME(2)
    movaps FRAME(0), %xmm0
    mulps %xmm0, %xmm0
    addps %xmm1, %xmm0
    movaps %xmm0, FRAME(2) + 16
    /* Ports, CLI and STI, shadows. */
    inb $0x61, %al
    cli
    nop
    sti
    movl %ss, %eax
    movl %eax, %ss
    pushfl
    popl %eax
    rdtsc
    addl %eax, work
    /* A few single steps. */
    pushfl
    orl $0x100, (%esp)
    popfl
    nop
    incl %eax
    pushfl
    andl $~0x100, (%esp)
    popfl
    /* A breakpoint on data. */
    movl $FRAME(2) + 0x40, %eax
    movl %eax, %dr0
    movl $0xd0402, %eax
    movl %eax, %dr7
    movl %eax, FRAME(2) + 0x40
    xorl %eax, %eax
    movl %eax, %dr7
    /* Ring 3 and back. */
    pushl $USER_DATA
    pushl $user_stack
    pushl $0x202
    pushl $USER_CODE
    pushl $in_user
    movl %esp, back_sp
    addl $20, back_sp
    iretl
home:
    movl $DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    sti
    testl $7, rounds
    jnz 1f
    hlt
1:  decl rounds
    jnz round
    cli
    cmpl $400, storms
    CHECK(ae)
    PASS

fibonacci:
    cmpl $2, %eax
    jb 1f
    pushl %eax
    decl %eax
    call fibonacci
    xchgl %eax, (%esp)
    subl $2, %eax
    call fibonacci
    popl %edx
    addl %edx, %eax
1:  ret

in_user:
    movl $USER_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl $20, %ecx
    movl $FRAME(3), %edi
1:  movl %ecx, (%edi, %ecx, 4)
    loop 1b
    pushl %ecx
    popl %ecx
    int $0x50
serve:
    movl back_sp, %esp
    jmp home

storm: /* what is saved: where it came, and the flags there */
    pushl %eax
    pushl %ds
    movl $DATA, %eax
    movl %eax, %ds
    movl sum, %eax
    roll $5, %eax
    xorl 8(%esp), %eax
    addl 16(%esp), %eax
    addl %ecx, %eax
    movl %eax, sum
    incl storms
    movl LAPIC + 0x390, %eax
    addl %eax, sum
    movl seed, %eax
    imull $1103515245, %eax, %eax
    addl $12345, %eax
    movl %eax, seed
    shrl $16, %eax
    andl $0xff, %eax
    addl $30, %eax
    movl %eax, LAPIC + 0x380
    movl $0, LAPIC + 0xb0
    popl %ds
    popl %eax
    iretl
page_fault:
    addl $4, %esp
    pushl %eax
    movl %cr2, %eax
    addl %eax, sum
    movl $FRAME(4) + 3, test_pt
    popl %eax
    iretl
stepped:
    pushl %eax
    movl 4(%esp), %eax
    addl %eax, sum
    movl %dr6, %eax
    addl %eax, sum
    popl %eax
    iretl

    .section .low
    .balign 4
rounds: .long 0
work: .long 0
sum: .long 0
seed: .long 1
storms: .long 0
back_sp: .long 0
