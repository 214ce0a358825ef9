/* segments.S - 32-bit protected mode: loads of segment registers and what they refuse,
 * limits, types, expand-down, conforming code. Intel SDM vol 3A 5.2 to 5.8; vol 2, MOV.
 */
#include "lib.h"

#define S(n) (FREE + 8 * (n))
#define READ_ONLY S(0)
#define EXECUTE_ONLY S(1)
#define READABLE_CODE S(2)
#define ABSENT S(3)
#define SYSTEM S(4)
#define EXPAND_DOWN S(5)
#define SMALL S(6)
#define CONFORMING S(7)
#define INNER_DATA S(8)
#define DOWN16 S(9)
#define DATA3 S(10)
#define ABSENT_CODE S(11)
#define CODE_DPL3 S(12)
#define LDT S(13)
#define SMALL_CODE S(14)
#define SMALL3 S(15)
#define DOWN3 S(16)
#define DOWN16_3 S(17)
#define LOAD(selector, reg) movl $(selector), %ebx; 6: movl %ebx, %reg

    .text
main:
    SET_DESCRIPTOR(READ_ONLY, 0, 0xfffff, 0xc091)
    SET_DESCRIPTOR(EXECUTE_ONLY, 0, 0xfffff, 0xc099)
    SET_DESCRIPTOR(READABLE_CODE, 0, 0xfffff, 0xc09b)
    SET_DESCRIPTOR(ABSENT, 0, 0xfffff, 0xc013)
    SET_DESCRIPTOR(SYSTEM, 0, 0x67, 0x0089)
    SET_DESCRIPTOR(EXPAND_DOWN, 0, 0xfff, 0x4097)
    SET_DESCRIPTOR(SMALL, 0x2000, 0x0f, 0x4093)
    SET_DESCRIPTOR(CONFORMING, 0, 0xfffff, 0xc09f)
    SET_DESCRIPTOR(INNER_DATA, 0, 0xfffff, 0xc0b3)
    SET_DESCRIPTOR(DOWN16, 0, 0xfff, 0x0097)
    SET_DESCRIPTOR(DATA3, 0, 0xfffff, 0xc0f2)
    SET_DESCRIPTOR(ABSENT_CODE, 0, 0xfffff, 0xc01b)
    SET_DESCRIPTOR(CODE_DPL3, 0, 0xfffff, 0xc0fb)

    /* Data registers: what they take. */
    LOAD(READ_ONLY, fs)
    LOAD(READABLE_CODE, fs)
    LOAD(CONFORMING | 3, fs)
    LOAD(DATA3, fs)
    testb $1, gdt + DATA3 + 5 /* the load set the accessed bit */
    CHECK(nz)
    LOAD(0, fs)
    LOAD(3, gs)

    /* And what they refuse; the register stays. */
    LOAD(DATA, fs)
    xorl %eax, %eax
    lldt %ax /* RESET leaves an LDT of 64 KiB at 0 (vol 3A Table 9-1) */
    EXPECT_AT(GP, EXECUTE_ONLY, LOAD(EXECUTE_ONLY, fs))
    EXPECT_AT(GP, SYSTEM, LOAD(SYSTEM, fs))
    EXPECT_AT(NP, ABSENT, LOAD(ABSENT, fs))
    EXPECT_AT(GP, GDT_SIZE, LOAD(GDT_SIZE, fs))
    EXPECT_AT(GP, 0xfff8, LOAD(0xfffb, fs))
    EXPECT_AT(GP, DATA, LOAD(DATA | 3, fs))
    EXPECT_AT(GP, 0x0c, LOAD(0x0c, fs)) /* no LDT */
    EXPECT_AT(UD, 0, .byte 0x31, 0xc0; 6: .byte 0x8e, 0xc8) /* MOV CS, EAX */
    movl %fs, %eax
    CHECK_EQ(l, $DATA, %eax)

    /* SS wants writable data of its own level, and says so with #SS when it is absent. */
    EXPECT_AT(GP, 0, LOAD(0, ss))
    EXPECT_AT(GP, READ_ONLY, LOAD(READ_ONLY, ss))
    EXPECT_AT(GP, READABLE_CODE, LOAD(READABLE_CODE, ss))
    EXPECT_AT(SS, ABSENT, LOAD(ABSENT, ss))
    EXPECT_AT(GP, DATA3, LOAD(DATA3 | 3, ss))
    EXPECT_AT(GP, DATA, LOAD(DATA | 1, ss))
    EXPECT_AT(GP, DATA3, LOAD(DATA3, ss))

    /* POP, LFS and LSS fault before they change anything. */
    pushl $EXECUTE_ONLY
    movl %esp, %ebp
    EXPECT(GP, EXECUTE_ONLY, popl %fs)
    CHECK_EQ(l, %esp, %ebp)
    popl %ebx
    movl $0x11111111, %ecx
    EXPECT(GP, EXECUTE_ONLY, lfs far_bad, %ecx)
    CHECK_EQ(l, $0x11111111, %ecx)
    lfs far_good, %ecx
    CHECK_EQ(l, $0x12345678, %ecx)
    EXPECT(UD, 0, .byte 0x0f, 0xb4, 0xc8) /* LFS with a register */

    /* Uses of a null, read-only or execute-only segment. */
    LOAD(0, fs)
    EXPECT(GP, 0, movl %fs:0x2000, %eax)
    LOAD(READ_ONLY, fs)
    movl %fs:far_good, %eax
    EXPECT(GP, 0, movl %eax, %fs:far_good)
    EXPECT(GP, 0, movl %eax, %cs:far_good)
    movl %cs:far_good, %eax
    ljmp $EXECUTE_ONLY, $1f
1:  EXPECT(GP, 0, movl %cs:far_good, %eax)

    /* Limits: the last byte, the first beyond, each size, and wrap. */
    LOAD(SMALL, fs)
    movb %fs:15, %al
    movl %fs:12, %eax
    EXPECT(GP, 0, movb %fs:16, %al)
    EXPECT(GP, 0, movw %fs:15, %ax)
    EXPECT(GP, 0, movl %fs:13, %eax)
    EXPECT(GP, 0, movl %fs:0xfffffffe, %eax)
    EXPECT(GP, 0, movl %eax, %fs:13)
    LOAD(EXPAND_DOWN, fs)
    EXPECT(GP, 0, movb %fs:0xfff, %al)
    movb %fs:0x1000, %al
    EXPECT(GP, 0, movl %fs:0xffd, %eax)
    movl %fs:0x2000, %eax
    LOAD(DOWN16, fs)
    movb %fs:0xffff, %al
    EXPECT(GP, 0, movb %fs:0x10000, %al)
    EXPECT(GP, 0, movw %fs:0xffff, %ax)

    /* Beyond the stack's limit: #SS, also through EBP. From ring 3, whose faults have a
     * stack of their own. */
    SET_DESCRIPTOR(SMALL3, 0x2000, 0x0f, 0x40f3)
    EXPECT(SS, 0, TO_USER(stack_limit_read))
    CHECK_EQ(l, $13, %ebp)
    EXPECT(SS, 0, TO_USER(stack_limit_push))
    CHECK_EQ(l, $2, got_sp)
    EXPECT(HOME, 0, TO_USER(stack_limit_inside))

    /* An expand-down stack: what far calls push lies above its limit, and below 64 KiB
     * when it is small. */
    SET_DESCRIPTOR(DOWN3, 0x1000, 0xfff, 0x40f7)
    SET_DESCRIPTOR(DOWN16_3, 0x1000, 0xfff, 0x00f7)
    EXPECT(SS, 0, TO_USER(stack_down_call))
    EXPECT(SS, 0, TO_USER(stack_down16_call))
    EXPECT(HOME, 0, TO_USER(stack_down_inside))

    /* Jumps: null, beyond the table, to data, absent, wrong level, conforming. */
    EXPECT(GP, 0, ljmp $0, $main)
    EXPECT(GP, GDT_SIZE, ljmp $GDT_SIZE, $main)
    EXPECT(GP, DATA, ljmp $DATA, $main)
    EXPECT(NP, ABSENT_CODE, ljmp $ABSENT_CODE, $main)
    EXPECT(GP, CODE_DPL3, ljmp $CODE_DPL3, $main)
    EXPECT(GP, CODE32, ljmp $CODE32 | 3, $main)
    EXPECT(GP, DATA, lcall $DATA, $main)
    ljmp $CONFORMING, $1f
1:  movl %cs, %eax
    CHECK_EQ(l, $CONFORMING, %eax)
    ljmp $CODE32, $1f
1:
    /* The target must lie in its segment: #GP(0) before CS changes. */
    SET_DESCRIPTOR(SMALL_CODE, 0, 0x1ffff, 0x409b)
    EXPECT_AT(GP, 0, 6: ljmp $SMALL_CODE, $0x20000)
    CHECK_EQ(w, $CODE32, got_cs)

    /* An LDT. */
    EXPECT(GP, CODE32, movl $CODE32, %eax; lldt %ax)
    SET_DESCRIPTOR(LDT, 0x2000, 0x17, 0x0002)
    EXPECT(NP, LDT, movl $LDT, %eax; lldt %ax)
    SET_DESCRIPTOR(LDT, 0, 0x17, 0x0082)
    movl $ldt, %eax
    movw %ax, gdt + LDT + 2
    shrl $16, %eax
    movb %al, gdt + LDT + 4
    movl $LDT, %eax
    lldt %ax
    sldt %bx
    CHECK_EQ(w, %bx, %ax)
    LOAD(0x0c, fs)
    EXPECT(GP, 0x1c, LOAD(0x1c, fs))
    EXPECT(NP, 0x14, LOAD(0x14, fs))
    EXPECT(GP, 0x04, LOAD(0x04, fs)) /* type 0 */
    xorl %eax, %eax
    lldt %ax
    EXPECT(GP, 0x0c, LOAD(0x0c, fs))

    /* LAR, LSL, VERR, VERW. */
    movl $SMALL, %ebx
    lsl %ebx, %eax
    CHECK(z)
    CHECK_EQ(l, $15, %eax)
    movl $DATA, %ebx
    lsl %ebx, %eax
    CHECK_EQ(l, $0xffffffff, %eax)
    lar %ebx, %eax
    CHECK(z)
    CHECK_EQ(l, $0xcf9300, %eax)
    movl $GDT_SIZE, %ebx
    movl $5, %eax
    lar %ebx, %eax
    CHECK(nz)
    CHECK_EQ(l, $5, %eax)
    verr %bx
    CHECK(nz)
    movl $READ_ONLY, %ebx
    verr %bx
    CHECK(z)
    verw %bx
    CHECK(nz)
    movl $EXECUTE_ONLY, %ebx
    verr %bx
    CHECK(nz)

    /* From ring 3. */
    EXPECT(HOME, 0, TO_USER(in_user))
    PASS

in_user:
    movl $USER_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl $CONFORMING, %eax
    movl %eax, %fs /* readable conforming code: any level */
    movl $READ_ONLY, %ebx
    verr %bx
    CHECK_USER(nz)
    movl $CODE32, %ebx
    lar %ebx, %ecx
    CHECK_USER(nz)
    lcall $CONFORMING | 3, $conforming
    movl %cs, %eax
    cmpl $USER_CODE, %eax
    CHECK_USER(e)
    int $HOME
stack_limit_read:
    movl $SMALL3 | 3, %eax
    movl %eax, %ss
    movl $13, %ebp
    movl (%ebp), %eax
    FAIL_USER
stack_limit_push:
    movl $SMALL3 | 3, %eax
    movl %eax, %ss
    movl $2, %esp
    pushl %eax
    FAIL_USER
stack_limit_inside:
    movl $SMALL3 | 3, %eax
    movl %eax, %ss
    movl $12, %ebp
    movl (%ebp), %eax
    int $HOME
stack_down_call:
    movl $DOWN3 | 3, %eax
    movl %eax, %ss
    movl $0x1004, %esp
    lcall $CONFORMING | 3, $stack_down_pushed
stack_down16_call:
    movl $DOWN16_3 | 3, %eax
    movl %eax, %ss
    movl $6, %esp
    lcall $CONFORMING | 3, $stack_down_pushed
stack_down_pushed:
    FAIL_USER
stack_down_inside:
    movl $DOWN3 | 3, %eax
    movl %eax, %ss
    movl $0x1008, %esp
    lcall $CONFORMING | 3, $conforming
    cmpl $0x1008, %esp
    CHECK_USER(e)
    int $HOME
conforming:
    movl %cs, %eax
    cmpl $CONFORMING | 3, %eax
    CHECK_USER(e)
    lretl

    .section .low
far_good:
    .long 0x12345678
    .word DATA
far_bad:
    .long 0x12345678
    .word EXECUTE_ONLY
    .balign 8
ldt:
    .quad 0
    DESCRIPTOR(0, 0xfffff, 0xc093)
    DESCRIPTOR(0, 0xfffff, 0xc013)
