/* debug.S - single step, also over REP, POPF and MOV SS; breakpoints on execution, data
 * and I/O; RF; general detect; BS, BD and B0 to B3. Intel SDM vol 3B ch. 17.
 */
#include "lib.h"

#define DR7(n, rw, len) (0x400 | (2 << (2 * (n))) | (((len) << 2) | (rw)) << (16 + 4 * (n)))
#define TF 0x100
#define RF 0x10000
#define CLEAR_DR6 xorl %eax, %eax; movl %eax, %dr6
/* Steps through the code at label until `until`; counts traps in steps. */
#define DR6(bits) movl %dr6, %eax; cmpl $(0xffff0ff0 | (bits)), %eax; CHECK(e)

    .text
main:
    SET_IDT(DB, CODE32, stepper, 0x8e)
    CLEAR_DR6

    /* TF: one trap after each instruction, the first after the one behind POPF. */
    movl $0, steps
    pushfl
    orl $TF, (%esp)
    popfl
    nop
    nop
    pushfl
    andl $~TF, (%esp)
    popfl /* traps too: TF was set when it began */
    nop
    CHECK_EQ(l, $5, steps)
    DR6(0x4000)

    /* REP: a trap after each element, with RF in the saved image of all but the last. */
    movl $0, steps
    movl $0, resumes
    movl $5, %ecx
    movl $buffer, %edi
    movl $0x55, %eax
    pushfl
    orl $TF, (%esp)
    popfl
    rep stosb
    pushfl
    andl $~TF, (%esp)
    popfl
    CHECK_EQ(l, $8, steps)
    CHECK_EQ(l, $4, resumes)
    CHECK_EQ(l, $0, %ecx)

    /* MOV SS holds the trap off for one instruction. */
    movl $0, steps
    movl $DATA, %ebx
    pushfl
    orl $TF, (%esp)
    popfl
    movl %ebx, %ss
    nop
    pushfl
    andl $~TF, (%esp)
    popfl
    CHECK_EQ(l, $4, steps)

    /* INT clears TF on its way: the handler is not stepped. */
    SET_IDT(0x60, CODE32, just_return, 0x8e)
    movl $0, steps
    pushfl
    orl $TF, (%esp)
    popfl
    int $0x60
    nop
    pushfl
    andl $~TF, (%esp)
    popfl
    CHECK_EQ(l, $4, steps)

    /* A jump, taken and not. */
    movl $0, steps
    xorl %eax, %eax
    pushfl
    orl $TF, (%esp)
    popfl
    jmp 1f
    nop
1:  jc 1b
    pushfl
    andl $~TF, (%esp)
    popfl
    CHECK_EQ(l, $5, steps)

    /* Execution: a fault before the instruction; RF in the image lets it go on. */
    movl $idt32 + 8 * DB, %edi
    movl $breaker, %eax
    movl $(CODE32 << 16 | 0x8e00), %edx
    call put_gate
    CLEAR_DR6
    movl $1f, %eax
    movl %eax, %dr0
    movl $DR7(0, 0, 0), %eax
    movl %eax, %dr7
    movl $0, steps
    movl $7, %ebx
1:  incl %ebx
    CHECK_EQ(l, $1, steps)
    CHECK_EQ(l, $8, %ebx)
    cmpl $1b, broke_at
    CHECK(e)
    DR6(1)
    testl $RF, broke_flags
    CHECK(z)

    /* In a loop it hits each time. */
    movl $2f, %eax
    movl %eax, %dr0
    movl $0, steps
    movl $10, %ecx
1:  nop
2:  nop
    loop 1b
    CHECK_EQ(l, $10, steps)

    /* Data: a trap after the write; a read does not count. */
    CLEAR_DR6
    movl $buffer + 8, %eax
    movl %eax, %dr1
    movl $DR7(1, 1, 3), %eax
    movl %eax, %dr7
    movl $0, steps
    movl buffer + 8, %eax
    movl $1, buffer + 4
    movl $1, buffer + 12
    CHECK_EQ(l, $0, steps)
    movb $1, buffer + 11
1:  CHECK_EQ(l, $1, steps)
    cmpl $1b, broke_at
    CHECK(e)
    DR6(2)
    movl $1, buffer + 5 /* the last byte meets it */
    CHECK_EQ(l, $2, steps)
    pushl buffer + 4
    popl buffer + 7
    CHECK_EQ(l, $3, steps)
    /* Reads and writes; in REP MOVS, after the element. */
    movl $DR7(1, 3, 0), %eax
    movl %eax, %dr7
    movl $0, steps
    movb buffer + 8, %al
    CHECK_EQ(l, $1, steps)
    movl $buffer, %esi
    movl $buffer + 32, %edi
    movl $16, %ecx
    rep movsb
    CHECK_EQ(l, $2, steps)
    CHECK_EQ(l, $0, %ecx)
    CHECK_EQ(l, $7, broke_ecx)
    testl $RF, broke_flags
    CHECK(nz)

    /* I/O, with CR4.DE. */
    movl %cr4, %eax
    orl $8, %eax
    movl %eax, %cr4
    CLEAR_DR6
    movl $0x80, %eax
    movl %eax, %dr2
    movl $DR7(2, 2, 0), %eax
    movl %eax, %dr7
    movl $0, steps
    outb %al, $0x81
    outb %al, $0x80
    nop
    CHECK_EQ(l, $1, steps)
    DR6(4)
    EXPECT(UD, 0, movl %dr4, %ebx)
    /* General detect. */
    xorl %eax, %eax
    movl %eax, %dr7
    CLEAR_DR6
    movl $0x2400, %eax
    movl %eax, %dr7
    movl $0, steps
1:  movl %dr0, %ebx
    CHECK_EQ(l, $1, steps)
    cmpl $1b, broke_at
    CHECK(e)
    movl %dr7, %eax
    CHECK_EQ(l, $0x400, %eax)
    DR6(0x2000)
    /* MOV SS and a data breakpoint on it: told after the next instruction. */
    CLEAR_DR6
    movl $ss_here, %eax
    movl %eax, %dr0
    movl $DR7(0, 3, 1), %eax
    movl %eax, %dr7
    movl $0, steps
    movw ss_here, %ss
    nop
1:  nop
    CHECK_EQ(l, $1, steps)
    cmpl $1b, broke_at
    CHECK(e)
    PASS

stepper:
    incl steps
    testl $RF, 8(%esp)
    jz just_return
    incl resumes
just_return:
    iretl
breaker:
    incl steps
    pushl %eax
    movl 4(%esp), %eax
    movl %eax, broke_at
    movl 12(%esp), %eax
    movl %eax, broke_flags
    movl %ecx, broke_ecx
    orl $RF, 12(%esp)
    popl %eax
    iretl

    .section .low
    .balign 16
buffer: .skip 64
steps: .long 0
resumes: .long 0
broke_at: .long 0
broke_flags: .long 0
broke_ecx: .long 0
ss_here: .word DATA
