/* instructions.S - what only shows with memory: read-modify-write across pages with a
 * fault on the second, PUSHA and POPA at a page's end, ENTER, BOUND, XLAT, CMPXCHG and
 * XADD that fault, BT with far bit offsets, LEAVE. Registers and flags must be as before.
 */
#include "lib.h"

#define VA(n) (TEST_VA + 0x1000 * (n))
#define FRAME(n) frames + 0x1000 * (n)
#define SAME_FLAGS pushfl; popl %edx; andl $0x8d5, %edx; movl got_flags, %ebp; \
    andl $0x8d5, %ebp; cmpl $0x8d5, %ebp; CHECK(e)
#define ALL_FLAGS pushl $0x8d7; popfl

    .text
main:
    call make_tables
    movl $pd32, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x10, %eax
    movl %eax, %cr4
    movl $FRAME(0) + 7, test_pt
    movl $0, test_pt + 4
    movl $FRAME(2) + 5, test_pt + 8 /* read-only */
    movl %cr0, %eax
    orl $0x80010000, %eax
    movl %eax, %cr0

    /* Arithmetic to memory: flags and memory stay. */
    movl $0x11111111, VA(0) + 0xffc
    EXPECT_PF(2, VA(1), ALL_FLAGS; addl $1, VA(0) + 0xffe)
    SAME_FLAGS
    EXPECT_PF(2, VA(1), ALL_FLAGS; shll $3, VA(0) + 0xffd)
    SAME_FLAGS
    EXPECT_PF(2, VA(1), ALL_FLAGS; incw VA(0) + 0xfff)
    SAME_FLAGS
    EXPECT_PF(2, VA(1), ALL_FLAGS; negl VA(0) + 0xfff)
    SAME_FLAGS
    EXPECT_PF(3, VA(2), ALL_FLAGS; sbbl %eax, VA(2))
    SAME_FLAGS
    EXPECT_PF(3, VA(2), ALL_FLAGS; notl VA(2))
    EXPECT_PF(3, VA(2), ALL_FLAGS; btsl $3, VA(2))
    SAME_FLAGS
    CHECK_EQ(l, $0x11111111, VA(0) + 0xffc)
    /* XADD, XCHG, CMPXCHG: the register stays too. */
    movl $0x77, %ecx
    EXPECT_PF(3, VA(2), ALL_FLAGS; xaddl %ecx, VA(2))
    SAME_FLAGS
    EXPECT_PF(3, VA(2), xchgl %ecx, VA(2))
    CHECK_EQ(l, $0x77, %ecx)
    movl $5, %eax
    EXPECT_PF(3, VA(2), ALL_FLAGS; cmpxchgl %ecx, VA(2)) /* unequal, and still written */
    SAME_FLAGS
    CHECK_EQ(l, $5, %eax)
    /* PUSH of memory reads before it writes; the stack pointer stays. */
    movl %esp, %ebx
    EXPECT_PF(0, VA(1), pushl VA(1))
    CHECK_EQ(l, %ebx, %esp)
    /* POP to memory: ESP is as before when the write faults. */
    EXPECT_PF(3, VA(2), popl VA(2))
    CHECK_EQ(l, %ebx, %esp)
    /* CALL through memory that is not there; to a page that is not there. */
    EXPECT_PF(0, VA(1), call *VA(1))
    CHECK_EQ(l, %ebx, %esp)
    EXPECT_PF(0, VA(1), movl $VA(1), %eax; call *%eax)
    /* Ring 3 with its stack at a page's start: PUSHA, ENTER, CALL, PUSH fault whole. */
    movl $FRAME(3) + 7, test_pt + 12
    movl $FRAME(4) + 7, test_pt + 16
    movl $0, test_pt + 20
    EXPECT_PF(6, VA(1) + 0xffc, movl $VA(2) + 0, %ecx; TO_USER(user_push))
    CHECK_EQ(l, $VA(2), got_sp)
    EXPECT_PF(7, VA(2) + 0xffc, movl $VA(3), %ecx; TO_USER(user_push))
    CHECK_EQ(l, $VA(3), got_sp)
    EXPECT_PF(7, VA(2) + 0xffc, movl $VA(3) + 28, %ecx; TO_USER(user_pusha))
    CHECK_EQ(l, $VA(3) + 28, got_sp)
    EXPECT_PF(4, VA(5), movl $VA(5) - 28, %ecx; TO_USER(user_popa))
    CHECK_EQ(l, $VA(5) - 28, got_sp)
    EXPECT_PF(7, VA(2) + 0xffc, movl $VA(3), %ecx; TO_USER(user_call))
    CHECK_EQ(l, $VA(3), got_sp)
    EXPECT_PF(7, VA(2) + 0xffc, movl $VA(3), %ecx; TO_USER(user_enter))
    CHECK_EQ(l, $VA(3), got_sp)
    EXPECT_PF(4, VA(5), movl $VA(5) - 4, %ecx; TO_USER(user_lret))
    CHECK_EQ(l, $VA(5) - 4, got_sp)

    /* BT with a register reaches beyond the operand, also backwards. */
    movl $0, VA(0)
    movl $0x40, VA(0) + 0x10
    movl $0x86, %ecx
    btl %ecx, VA(0)
    CHECK(c)
    movl $-1, %ecx
    movl $0x80000000, VA(0) + 0x1c
    btl %ecx, VA(0) + 0x20
    CHECK(c)
    movl $0x8000, %ecx /* one page on */
    EXPECT_PF(0, VA(1), btl %ecx, VA(0))
    EXPECT_PF(0, VA(1), movl $VA(0) + 0xff8, %ebx; movb $8, %al; xlatb)
    /* DIV: quotient too large. */
    EXPECT(DE, 0, movl $1, %edx; movl $0, %eax; movl $1, %ebx; divl %ebx)
    CHECK_EQ(l, $1, %edx)
    EXPECT(DE, 0, movl $0x80000000, %edx; movl $0, %eax; movl $-1, %ebx; idivl %ebx)
    EXPECT(DE, 0, movw $0x8000, %ax; movb $-1, %bl; idivb %bl)
    EXPECT(DE, 0, aam $0)
    PASS

user_push:
    call user_segments
    pushl %eax
user_pusha:
    call user_segments
    pushal
user_popa:
    call user_segments
    popal
user_call:
    call user_segments
    call user_push
user_enter:
    call user_segments
    enter $8, $1
user_lret:
    call user_segments
    lretl
user_segments: /* the stack becomes what ECX says */
    popl %edx
    movl %ecx, %esp
    movl $USER_DATA, %eax
    movl %eax, %ds
    jmp *%edx
