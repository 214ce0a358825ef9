/* priority.S - several causes in one instruction, or at one boundary: which comes first.
 * Intel SDM vol 3A 6.9, Table 6-2. Only causes of different classes are tried: within one
 * the order may vary from processor to processor.
 */
#include "lib.h"

#define VA(n) (TEST_VA + 0x1000 * (n))
#define PTE(n) test_pt + 4 * (n)
#define FRAME(n) frames + 0x1000 * (n)
#define ABSENT VA(8)
#define CR0_SET(bits) movl %cr0, %eax; orl $(bits), %eax; movl %eax, %cr0
#define CR0_CLEAR(bits) movl %cr0, %eax; andl $~(bits), %eax; movl %eax, %cr0
#define TS_BIT 8
#define EM_BIT 4
#define MP_NE 0x22
#define TF 0x100
#define IF 0x200
#define BS 0x4000
#define SMALL_CODE FREE
#define DR_ON(n, at, bits) movl $at, %eax; movl %eax, %dr##n; xorl %eax, %eax; \
    movl %eax, %dr6; movl $(bits), %eax; movl %eax, %dr7
#define DR_OFF xorl %eax, %eax; movl %eax, %dr7
#define DR6_IS(mask, bits) movl %dr6, %eax; andl $(mask), %eax; cmpl $(bits), %eax; CHECK(e)

    .text
main:
    call make_tables
    movl $FRAME(0) + 7, PTE(0)
    movl $FRAME(1) + 7, PTE(1)
    movl $pd32, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x210, %eax /* PSE OSFXSR */
    movl %eax, %cr4
    CR0_SET(0x80000000 | MP_NE)
    CR0_CLEAR(EM_BIT | TS_BIT)
    fninit

    /* Class 4 before 8 and 9: the trap of the last instruction, then the next one's. */
    movl $1f, %ebx
    EXPECT(DB, 0, pushl $TF | 2; popfl; nop; 1: ud2)
    CHECK_EQ(l, %ebx, got_rip)
    DR6_IS(BS, BS)
    EXPECT(DB, 0, pushl $TF | 2; popfl; .byte 0xe9; .long ABSENT - 1f; 1:) /* JMP */
    CHECK_EQ(l, $ABSENT, got_rip)
    pushl $2
    popfl
    DR_ON(0, word, 0xf0001) /* data, read or written, four bytes */
    movl $1f, %ebx
    EXPECT(DB, 0, movl word, %eax; 1: ud2)
    CHECK_EQ(l, %ebx, got_rip)
    DR6_IS(1, 1)
    DR_OFF
    /* Before 7: the trap has its turn, then the breakpoint of the next instruction. */
    DR_ON(1, 1f, 4)
    movl $1f, %ebx
    EXPECT(DB, 0, pushl $TF | 2; popfl; nop; 1: nop)
    CHECK_EQ(l, %ebx, got_rip)
    DR6_IS(BS, BS)
    DR_OFF

    /* 7 before 8: a breakpoint on an instruction that is not there, or beyond CS. */
    DR_ON(0, ABSENT, 1)
    EXPECT(DB, 0, movl $ABSENT, %ebx; jmp *%ebx)
    CHECK_EQ(l, $ABSENT, got_rip)
    DR6_IS(1, 1)
    DR_OFF
    EXPECT_PF(0, ABSENT, movl $ABSENT, %ebx; jmp *%ebx)
    /* 7 before 9 and 10. */
    DR_ON(0, 1f, 1)
    EXPECT(DB, 0, 1: ud2)
    DR6_IS(1, 1)
    DR_ON(0, 1f, 1)
    EXPECT(DB, 0, 1: movl ABSENT, %eax)
    DR6_IS(1, 1)
    DR_OFF

    /* 8 before 9: what cannot be fetched cannot be decoded. */
    movb $0x0f, FRAME(0) + 0xfff
    movl $0, PTE(1)
    invlpg VA(1)
    movl $VA(0) + 0xfff, %ebx
    EXPECT_PF(0, VA(1), jmp *%ebx) /* 0Fh at the page's end */
    movw $0x0b0f, FRAME(0) + 0xffe
    movl $VA(0) + 0xffe, %ebx
    EXPECT(UD, 0, jmp *%ebx) /* all of UD2 */
    movw $0x9090, FRAME(0) + 0xffe
    movb $0xf0, FRAME(0) + 0xfff
    movl $VA(0) + 0xfff, %ebx
    EXPECT_PF(0, VA(1), jmp *%ebx) /* LOCK, and no more */
    /* The limit of CS before the opcode: 0Fh 0Bh across it. */
    movw $0x0b0f, FRAME(0) + 0xfe
    SET_DESCRIPTOR(SMALL_CODE, VA(0), 0xfe, 0x409b)
    EXPECT(GP, 0, ljmp $SMALL_CODE, $0xfe)
    CHECK_EQ(l, $0xfe, got_rip)
    SET_DESCRIPTOR(SMALL_CODE, VA(0), 0xff, 0x409b)
    EXPECT(UD, 0, ljmp $SMALL_CODE, $0xfe)
    CHECK_EQ(w, $SMALL_CODE, got_cs)

    /* 9 before 10: #UD and #NM before anything about operands, privilege or old errors. */
    EXPECT(UD, 0, .byte 0xf0; movl ABSENT, %eax)            /* LOCK MOV */
    EXPECT(UD, 0, .byte 0xf0; cmpxchgl %eax, %ecx)
    EXPECT(UD, 0, TO_USER(user_cr1))                        /* nor may ring 3 */
    EXPECT(UD, 0, .byte 0x0f, 0x01, 0x38 + 0xc0 + 7)        /* INVLPG of a register */
    CR0_SET(TS_BIT)
    EXPECT(NM, 0, fldl ABSENT)
    EXPECT(NM, 0, movups ABSENT, %xmm0)
    EXPECT(NM, 0, movaps word + 1, %xmm0)
    EXPECT(NM, 0, fxsave ABSENT)
    EXPECT(NM, 0, movq ABSENT, %mm0)
    clts
    CR0_SET(EM_BIT)
    EXPECT(UD, 0, movups ABSENT, %xmm0)
    EXPECT(NM, 0, fldl ABSENT)
    CR0_CLEAR(EM_BIT)
    EXPECT_PF(0, ABSENT, movups ABSENT, %xmm0)
    fldcw unmasked
    fld1
    fdivs zero /* an error that waits */
    CR0_SET(TS_BIT)
    EXPECT(NM, 0, fld1)
    EXPECT(NM, 0, fwait)
    clts
    EXPECT(MF, 0, fld1)
    EXPECT(UD, 0, .byte 0xd9, 0xd1) /* no such x87 instruction */
    fnclex
    fninit

    /* 4 before 6: POPF with TF set lets an interrupt in that waits: first the trap. */
    SET_IDT(DB, CODE32, log_trap, 0x8e)
    SET_IDT(0x50, CODE32, log_interrupt, 0x8e)
    movl $0x1ff, LAPIC + 0xf0
    movl $0x44050, LAPIC + 0x300 /* to itself */
    movl $log, log_at
    pushl $IF | 2
    pushl $TF | 2
    popfl
    popfl
1:  nop
    cli
    cmpl $log + 16, log_at
    CHECK(e)
    CHECK_EQ(l, $DB, log)
    CHECK_EQ(l, $1b, log + 4)
    CHECK_EQ(l, $0x50, log + 8)
    CHECK_EQ(l, $1b, log + 12)
    PASS

log_trap:
    pushl %eax
    pushl %ebx
    movl $DB, %eax
    jmp 1f
log_interrupt:
    pushl %eax
    pushl %ebx
    movl $0, LAPIC + 0xb0
    movl $0x50, %eax
1:  movl log_at, %ebx
    movl %eax, (%ebx)
    movl 8(%esp), %eax
    movl %eax, 4(%ebx)
    addl $8, log_at
    popl %ebx
    popl %eax
    iretl

user_cr1:
    .byte 0x0f, 0x20, 0xc8

    .section .low
    .balign 16
word: .long 0x12345678, 0, 0, 0, 0, 0, 0, 0
log: .skip 64
log_at: .long 0
zero: .long 0
unmasked: .word 0x340
