/* strings.S - REP with faults and interrupts in the middle: registers tell how far it
 * came, and it goes on from there; overlaps, directions, address sizes, port strings.
 * Intel SDM vol 2, REP; vol 1 7.3.9.
 */
#include "lib.h"

#define VA(n) (TEST_VA + 0x1000 * (n))
#define FRAME(n) frames + 0x1000 * (n)

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
    movl $FRAME(2) + 7, test_pt + 8
    movl $FRAME(3) + 7, test_pt + 12
    movl %cr0, %eax
    orl $0x80010000, %eax
    movl %eax, %cr0

    /* STOSD into a page that is not there: 1024 less 4 done. */
    movl $VA(0) + 16, %edi
    movl $0x5a5a5a5a, %eax
    movl $2000, %ecx
    EXPECT_PF(2, VA(1), 6: rep stosl)
    CHECK_EQ(l, $6b, got_rip)
    CHECK_EQ(l, $VA(1), %edi)
    CHECK_EQ(l, $2000 - 1020, %ecx)
    CHECK_EQ(l, $0x5a5a5a5a, VA(0) + 0xffc)
    testl $0x10000, got_flags /* RF */
    CHECK(nz)
    /* MOVSB whose source ends; ESI and EDI stand at the element that failed. */
    movl $VA(0) + 0xff0, %esi
    movl $VA(2), %edi
    movl $100, %ecx
    EXPECT_PF(0, VA(1), rep movsb)
    CHECK_EQ(l, $84, %ecx)
    CHECK_EQ(l, $VA(1), %esi)
    CHECK_EQ(l, $VA(2) + 16, %edi)
    /* Backwards. */
    movl $VA(2) + 8, %edi
    movl $100, %ecx
    movl $0x1234, %eax
    EXPECT_PF(2, VA(1) + 0xffe, std; rep stosw)
    CHECK_EQ(l, $95, %ecx)
    /* A misaligned one meets the page with half an element: nothing of it is written. */
    movl $VA(0) + 0xffe, %edi
    movl $3, %ecx
    movl $0x11111111, %eax
    EXPECT_PF(2, VA(1), rep stosl)
    CHECK_EQ(l, $3, %ecx)
    CHECK_EQ(l, $0x5a5a5a5a, VA(0) + 0xffc)
    /* CMPS and SCAS stop by the flag, faults or not. */
    movl $VA(0) + 0xff0, %edi
    movb $0x77, VA(0) + 0xfff
    movl $100, %ecx
    movb $0x77, %al
    repne scasb
    CHECK(e)
    CHECK_EQ(l, $84, %ecx)
    CHECK_EQ(l, $VA(1), %edi)
    EXPECT_PF(0, VA(1), repne scasb)
    CHECK_EQ(l, $84, %ecx)
    /* ECX = 0: nothing, not even a fault; flags stay. */
    xorl %ecx, %ecx
    movl $VA(1), %edi
    stc
    rep stosl
    CHECK(c)
    repe cmpsb
    CHECK(c)

    /* Overlap by one byte: MOVSB repeats it, MOVSD does not. */
    movb $0x42, VA(2)
    movl $VA(2), %esi
    movl $VA(2) + 1, %edi
    movl $64, %ecx
    rep movsb
    CHECK_EQ(l, $0x42424242, VA(2) + 61)
    /* Source and destination on aliases of one page. */
    movl $FRAME(2) + 7, test_pt + 12
    invlpg VA(3)
    movb $0x24, VA(2)
    movl $VA(3), %esi
    movl $VA(2) + 1, %edi
    movl $64, %ecx
    rep movsb
    CHECK_EQ(l, $0x24242424, VA(2) + 61)

    /* 16-bit addresses: DI and CX wrap and count alone. */
    movl $0xabcd0004, %ecx
    movl $0x12340000 + low, %edi
    movb $0x66, %al
    .byte 0x67
    rep stosb
    CHECK_EQ(l, $0x66666666, low)
    CHECK_EQ(l, $0xabcd0000, %ecx)
    CHECK_EQ(l, $0x12340000 + low + 4, %edi)

    /* Interrupts in the middle of a long one: all of it gets done, and they come. */
    SET_IDT(0x20, CODE32, timer, 0x8e)
    movb $0x34, %al
    outb %al, $0x43
    movb $100, %al
    outb %al, $0x40
    xorl %eax, %eax
    outb %al, $0x40
    movb $0xfe, %al
    outb %al, $0x21
    movl $0x400000, %edi
    movl $200000, %ecx
    movl $0x01020304, %eax
    movl $0, ticks
    sti
6:  rep stosl
    cli
    CHECK_EQ(l, $0, %ecx)
    CHECK_EQ(l, $0x400000 + 800000, %edi)
    CHECK_EQ(l, $0x01020304, 0x400000 + 799996)
    cmpl $3, ticks
    CHECK(ae)
    CHECK_EQ(l, $6b, interrupted_at)
    movl $0x400000, %esi
    movl $0x600000, %edi
    movl $200000, %ecx
    sti
    rep movsl
    cli
    movl $0x400000, %esi
    movl $0x600000, %edi
    movl $200000, %ecx
    sti
    repe cmpsl
    cli
    CHECK(e)
    CHECK_EQ(l, $0, %ecx)
    movb $0xff, %al
    outb %al, $0x21

    /* Port strings: to the console, from a port that reads E9h. */
    movl $text, %esi
    movl $6, %ecx
    movw $0xe9, %dx
    rep outsb
    CHECK_EQ(l, $text + 6, %esi)
    movl $VA(2), %edi
    movl $5, %ecx
    rep insb
    CHECK_EQ(l, $0xe9e9e9e9, VA(2) + 1)
    movl $VA(1) - 2, %edi
    movl $5, %ecx
    EXPECT_PF(2, VA(1), rep insb)
    CHECK_EQ(l, $3, %ecx)
    movl $VA(1) - 2, %esi
    movl $5, %ecx
    EXPECT_PF(0, VA(1), rep outsb)
    CHECK_EQ(l, $3, %ecx)
    PASS

timer:
    pushl %eax
    movl 4(%esp), %eax
    movl %eax, interrupted_at
    incl ticks
    movb $0x20, %al
    outb %al, $0x20
    popl %eax
    iretl

    .section .low
text: .ascii "hello\n"
    .balign 4
low: .long 0, 0
ticks: .long 0
interrupted_at: .long 0
