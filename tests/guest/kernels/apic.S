/* apic.S - the local APIC: one-shot, periodic and TSC-deadline timer, priorities, self
 * IPI, x2APIC registers, interrupts in long mode. Intel SDM vol 3A ch. 10.
 */
#include "lib.h"

    .text
main:
    call enter_long
    .code64
    movl $LAPIC, %ebp /* a displacement would be sign-extended */
    SET_IDT64(0x60, CODE64, tick, 0x8e, 0)
    SET_IDT64(0x70, CODE64, other, 0x8e, 1)
    movl $0x1ff, 0xf0(%rbp)
    movl 0x20(%rbp), %eax
    CHECK_EQ(l, $0, %eax)

    /* One-shot, divided by 16. */
    movl $3, 0x3e0(%rbp)
    movl $0x60, 0x320(%rbp)
    movl $1000, 0x380(%rbp)
    sti
    hlt
    CHECK_EQ(l, $1, ticks)
    movl 0x390(%rbp), %eax
    CHECK_EQ(l, $0, %eax)
    /* Periodic. */
    movl $0x20060, 0x320(%rbp)
    movl $1000, 0x380(%rbp)
1:  incl %ebx
    cmpl $8, ticks
    jb 1b
    movl 0x390(%rbp), %eax
    testl %eax, %eax
    CHECK(nz)
    cmpl $1000, %eax
    CHECK(be)
    movl $0x10000, 0x320(%rbp)
    /* TSC deadline. */
    movl $0x40060, 0x320(%rbp)
    movl $0, ticks
    rdtsc
    addl $50000, %eax
    adcl $0, %edx
    movl %eax, %ebx
    movl $0x6e0, %ecx
    wrmsr
    rdmsr
    CHECK_EQ(l, %ebx, %eax)
    hlt
    CHECK_EQ(l, $1, ticks)
    rdtsc
    cmpl %ebx, %eax
    CHECK(ae)
    movl $0x6e0, %ecx
    rdmsr
    orl %edx, %eax
    CHECK(z)
    /* Already past: at once. */
    movl $1, %eax
    xorl %edx, %edx
    wrmsr
    nop
    nop
    CHECK_EQ(l, $2, ticks)
    /* A TSC that is written moves an armed deadline: forward by IA32_TSC_ADJUST, ... */
    movl $0, ticks
    movl $0x100000, %ebx /* EDX of the deadline, EAX 0: days away */
    call arm
    movl $0x3b, %ecx
    movl %ebx, %edx
    xorl %eax, %eax
    wrmsr
    nop
    nop
    CHECK_EQ(l, $1, ticks)
    /* ... by IA32_TIME_STAMP_COUNTER, ... */
    movl $0x200000, %ebx
    call arm
    movl $0x10, %ecx
    movl %ebx, %edx
    movl $1, %eax
    wrmsr
    nop
    nop
    CHECK_EQ(l, $2, ticks)
    /* ... and back: what was near is not yet due. */
    rdtsc
    movl %edx, %ebx
    addl $20000, %eax
    adcl $0, %edx
    movl $0x6e0, %ecx
    wrmsr
    movl $0x3b, %ecx
    xorl %eax, %eax
    xorl %edx, %edx
    wrmsr
    movl $20000, %ecx
1:  loop 1b
    CHECK_EQ(l, $2, ticks)
    movl $0x10, %ecx
    xorl %eax, %eax
    leal 1(%rbx), %edx
    wrmsr
    nop
    nop
    CHECK_EQ(l, $3, ticks)
    movl $2, ticks

    /* Priorities: TPR holds 60h off, lets 70h through. */
    cli
    movl $0x60, 0x80(%rbp)
    movl $0x00040060, 0x300(%rbp)
    sti
    nop
    nop
    CHECK_EQ(l, $2, ticks)
    movl $0x00040070, 0x300(%rbp)
    nop
    nop
    CHECK_EQ(l, $1, others)
    movl 0x230(%rbp), %eax /* IRR 60h..7Fh */
    CHECK_EQ(l, $1, %eax)
    xorl %eax, %eax
    movq %rax, %cr8
    nop
    CHECK_EQ(l, $3, ticks)
    movl $9, %eax
    movq %rax, %cr8
    movl 0x80(%rbp), %eax
    CHECK_EQ(l, $0x90, %eax)
    xorl %eax, %eax
    movq %rax, %cr8
    /* Nested: 70h within 60h, not the other way about. */
    movl $1, nest
    movl $0x00040060, 0x300(%rbp)
    nop
    nop
    CHECK_EQ(l, $2, others)
    CHECK_EQ(l, $0, nest)

    /* x2APIC. */
    cli
    movl $0x1b, %ecx
    rdmsr
    orl $0x400, %eax
    wrmsr
    movl $0x802, %ecx
    rdmsr
    CHECK_EQ(l, $0, %eax)
    sti
    movl $0x83f, %ecx
    movl $0x60, %eax
    xorl %edx, %edx
    wrmsr
    nop
    nop
    CHECK_EQ(l, $5, ticks)
    EXPECT64(GP, 0, movl $0x802, %ecx; wrmsr)
    EXPECT64(GP, 0, movl $0x80e, %ecx; rdmsr)
    EXPECT64(GP, 0, movl $0x1b, %ecx; rdmsr; andl $~0xc00, %eax; orl $0x400, %eax; wrmsr)
    PASS

arm: /* the deadline EBX << 32 */
    movl $0x6e0, %ecx
    movl %ebx, %edx
    xorl %eax, %eax
    wrmsr
    rdmsr
    CHECK_EQ(l, %ebx, %edx)
    nop
    ret

tick:
    pushq %rax
    pushq %rcx
    pushq %rdx
    incl ticks
    cmpl $1, nest
    jne 1f
    movl $0x00040070, 0x300(%rbp)
    sti
    nop
    nop
    cli
1:  movl $0x1b, %ecx
    rdmsr
    testl $0x400, %eax
    jnz 2f
    movl $0, 0xb0(%rbp)
    jmp 3f
2:  movl $0x80b, %ecx
    xorl %eax, %eax
    xorl %edx, %edx
    wrmsr
3:  popq %rdx
    popq %rcx
    popq %rax
    iretq
other:
    incl others
    movl $0, nest
    movl $0, 0xb0(%rbp)
    iretq

    .section .low
ticks: .long 0
others: .long 0
nest: .long 0
