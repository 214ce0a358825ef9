/* gates.S - call gates with parameters into inner rings, far returns outwards, interrupt
 * and trap gates with ring changes, their refusals, and IRET. Intel SDM vol 3A 5.8, 6.12.
 */
#include "lib.h"

#define S(n) (FREE + 8 * (n))
#define CODE1 S(0)
#define DATA1 S(1)
#define GATE3 S(2)     /* to ring 0, two parameters, DPL 3 */
#define GATE0 S(3)     /* the same, DPL 0 */
#define GATE_ABSENT S(4)
#define GATE_NULL S(5)
#define GATE_DATA S(6)
#define GATE1 S(7)     /* to ring 1, no parameters */

    .text
main:
    SET_DESCRIPTOR(CODE1, 0, 0xfffff, 0xc0bb)
    SET_DESCRIPTOR(DATA1, 0, 0xfffff, 0xc0b3)
    SET_GATE(GATE3, CODE32, inner, 0xec)
    movb $2, gdt + GATE3 + 4
    SET_GATE(GATE0, CODE32, inner, 0x8c)
    SET_GATE(GATE_ABSENT, CODE32, inner, 0x6c)
    SET_GATE(GATE_NULL, 0, inner, 0xec)
    SET_GATE(GATE_DATA, DATA, inner, 0xec)
    SET_GATE(GATE1, CODE1, ring1, 0xec)
    movl $stack1, tss32 + 12
    movl $DATA1 | 1, tss32 + 16

    /* A gate to the own level, with CALL and with JMP. */
    lcall $GATE0, $0xdeadbeef
    CHECK_EQ(l, $0x600d, %eax)
    pushl $0x1234
    ljmp $GATE0, $0
back:

    /* Refusals. */
    EXPECT(NP, GATE_ABSENT, lcall $GATE_ABSENT, $0)
    EXPECT(GP, 0, lcall $GATE_NULL, $0)
    EXPECT(GP, DATA, lcall $GATE_DATA, $0)
    EXPECT(GP, TSS & ~3, movb $0x8b, gdt + TSS + 5; lcall $TSS, $0) /* busy */

    /* Ring 3 through the gate: parameters copied, the outer stack comes back less them. */
    EXPECT(HOME, 0, TO_USER(user_call))
    CHECK_EQ(l, $user_stack, got_sp)
    EXPECT(GP, GATE0, TO_USER(user_call_inner_gate))
    EXPECT(GP, CODE32, TO_USER(user_jump))
    CHECK_EQ(l, $user_stack, got_sp)

    /* Ring 1, and its fault goes to ring 0. */
    EXPECT(GP, 0, TO_USER(user_to_1))
    CHECK_EQ(w, $CODE1 | 1, got_cs)
    CHECK_EQ(w, $DATA1 | 1, got_ss)

    /* The inner stack is checked: that of ring 1, so that ring 0 can be told. */
    movl $USER_DATA, tss32 + 16
    EXPECT(TS, USER_DATA & ~3, TO_USER(user_to_1))
    CHECK_EQ(w, $USER_CODE, got_cs)
    movl $0, tss32 + 16
    EXPECT(TS, 0, TO_USER(user_to_1))
    movl $CODE1 | 1, tss32 + 16
    EXPECT(TS, CODE1, TO_USER(user_to_1))
    movl $DATA1, tss32 + 16
    EXPECT(TS, DATA1, TO_USER(user_to_1))
    movl $(GDT_SIZE | 1), tss32 + 16
    EXPECT(TS, GDT_SIZE, TO_USER(user_to_1))
    movl $DATA1 | 1, tss32 + 16
    movb $0x33, gdt + DATA1 + 5
    EXPECT(SS, DATA1, TO_USER(user_to_1))
    movb $0xb3, gdt + DATA1 + 5
    movw $15, gdt + TSS /* the TSS ends before SS1 */
    movl $TSS, %eax
    movb $0x89, gdt + TSS + 5
    ltr %ax
    EXPECT(TS, TSS, TO_USER(user_to_1))
    movw $0x67, gdt + TSS
    movb $0x89, gdt + TSS + 5
    ltr %ax

    /* Interrupt and trap gates: IF, DPL, present, type. */
    SET_IDT(0x50, CODE32, interrupt, 0x8e)
    SET_IDT(0x51, CODE32, trap, 0x8f)
    SET_IDT(0x52, CODE32, trap, 0x0f)
    SET_IDT(0x53, CODE32, trap, 0x8b)
    SET_IDT(0x54, DATA, trap, 0x8f)
    SET_IDT(0x55, 0, trap, 0x8f)
    SET_IDT(0x56, CODE1, trap, 0x8f)
    SET_IDT(0x57, USER_CODE, trap, 0x8f)
    sti
    int $0x50
    testl $0x200, %eax
    CHECK(z)
    int $0x51
    testl $0x200, %eax
    CHECK(nz)
    pushfl
    popl %eax
    testl $0x200, %eax
    CHECK(nz)
    cli
    EXPECT(NP, 0x52 * 8 + 2, int $0x52)
    EXPECT(GP, 0x53 * 8 + 2, int $0x53)
    EXPECT(GP, DATA, int $0x54)
    EXPECT(GP, 0, int $0x55)
    EXPECT(GP, CODE1, int $0x56) /* outwards */
    EXPECT(GP, USER_CODE & ~3, int $0x57)
    EXPECT(GP, 0x50 * 8 + 2, TO_USER(user_int))
    EXPECT(GP, 0xe0 * 8 + 2, lidt short_idt; int $0xe0)
    lidt idtr32
    EXPECT(BP, 0, TO_USER(user_bp))
    CHECK_EQ(l, $user_bp + 1, got_rip)
    EXPECT(OF, 0, TO_USER(user_into))
    EXPECT(BR, 0, movl $5, %eax; bound %eax, bounds)
    movl $4, %eax
    bound %eax, bounds
    EXPECT(DE, 0, xorl %ebx, %ebx; divl %ebx)
    EXPECT(UD, 0, ud2)

    /* IRET refuses what a return may not do. */
    EXPECT(GP, 0, pushl $2; pushl $0; pushl $main; iretl)
    EXPECT(GP, DATA, pushl $2; pushl $DATA; pushl $main; iretl)
    EXPECT(GP, USER_CODE & ~3, pushl $2; pushl $USER_CODE & ~3; pushl $main; iretl)
    EXPECT(GP, DATA, pushl $DATA; pushl $0; pushl $2; pushl $USER_CODE; pushl $main; iretl)
    EXPECT(GP, 0, pushl $0; pushl $0; pushl $2; pushl $USER_CODE; pushl $main; iretl)
    /* IOPL and IF are not for ring 3 to change; DS of an inner ring is hidden from it. */
    EXPECT(HOME, 0, TO_USER(user_popf))
    testl $0x3200, got_flags
    CHECK(z)
    EXPECT(GP, 0, TO_USER(user_cli))
    EXPECT(GP, 0, TO_USER(user_hlt))
    EXPECT(GP, 0, TO_USER(user_out))
    EXPECT(HOME, 0, TO_USER(user_ds))
    CHECK_EQ(w, $0, got_eax)
    PASS

    .code32
inner: /* ESP: EIP CS ... */
    movl %cs, %ebx
    cmpl $CODE32, %ebx
    CHECK(e)
    cmpl $0x1234, (%esp)
    je 1f
    testb $3, 4(%esp)
    jz 2f
    /* From ring 3: EIP CS p1 p0 ESP SS. */
    CHECK_EQ(l, $0x2222, 8(%esp))
    CHECK_EQ(l, $0x1111, 12(%esp))
    CHECK_EQ(l, $USER_DATA, 20(%esp))
    CHECK_EQ(l, $user_stack - 8, 16(%esp))
    CHECK_EQ(l, $fault_stack - 24, %esp)
    movl $0x600d, %eax
    lretl $8
2:  movl $0x600d, %eax
    lretl
1:  popl %eax
    jmp back

interrupt:
trap:
    pushfl
    popl %eax
    testl $0x200, 8(%esp)
    CHECK(nz)
    iretl

ring1:
    movl %cs, %eax
    cmpl $CODE1 | 1, %eax
    CHECK_USER(e)
    hlt

user_call:
    pushl $0x1111
    pushl $0x2222
    lcall $GATE3, $0
    cmpl $0x600d, %eax
    CHECK_USER(e)
    int $HOME
user_call_inner_gate:
    lcall $GATE0, $0
user_jump:
    ljmp $GATE3, $0
user_to_1:
    lcall $GATE1, $0
user_int:
    int $0x50
user_bp:
    int3
user_into:
    movb $0x7f, %al
    incb %al
    into
    FAIL_USER
user_popf:
    pushl $0x3202
    popfl
    int $HOME
user_cli:
    cli
user_hlt:
    hlt
user_out:
    outb %al, $0x80
user_ds:
    movl %ds, %eax
    int $HOME

    .section .low
bounds:
    .long 0, 4
    .balign 4
short_idt:
    .word 0xe0 * 8 + 6
    .long idt32
    .bss
    .skip 1024
stack1:
