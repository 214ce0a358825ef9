/* self_modify.S - code that changes: the next instruction, itself ahead in its block, on
 * another page, through an alias mapping, by REP MOVS and by a store across pages, and
 * instructions that cross pages. Intel SDM vol 3A 8.1.3, 11.6.
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
    movl $FRAME(0) + 7, test_pt + 0
    movl $FRAME(0) + 7, test_pt + 4 /* an alias */
    movl $FRAME(1) + 7, test_pt + 8
    movl $FRAME(2) + 7, test_pt + 12
    movl $FRAME(4) + 7, test_pt + 16 /* after frame 2, in addresses alone */
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0

    /* The very next instruction: INC EBX becomes DEC EBX. */
    movl $10, %ebx
    movb $0x4b, 1f
1:  incl %ebx
    CHECK_EQ(l, $9, %ebx)
    movb $0x43, 1b

    /* The immediate of an instruction ahead, in a loop: seen each time. */
    xorl %ebx, %ebx
    movl $100, %ecx
1:  movl %ecx, 2f + 2
    nop
2:  addl $0x12345678, %ebx
    loop 1b
    CHECK_EQ(l, $5050, %ebx)

    /* Backwards, into what has just run. */
    movl $3, %ecx
    xorl %ebx, %ebx
1:  addl $1, %ebx
    movb $10, 1b + 2
    loop 1b
    CHECK_EQ(l, $21, %ebx)

    /* A function on another page, called, changed, called. */
    movl $FRAME(0), %edi
    movb $0xb8, (%edi)    /* MOV EAX, imm32 */
    movl $1, 1(%edi)
    movb $0xc3, 5(%edi)
    movl $VA(0), %ebx
    call *%ebx
    CHECK_EQ(l, $1, %eax)
    movl $2, VA(0) + 1
    call *%ebx
    CHECK_EQ(l, $2, %eax)
    movl $3, VA(1) + 1 /* the alias */
    call *%ebx
    CHECK_EQ(l, $3, %eax)
    movl $4, FRAME(0) + 1 /* the large page */
    call *%ebx
    CHECK_EQ(l, $4, %eax)
    movl $VA(1), %eax
    call *%eax
    CHECK_EQ(l, $4, %eax)
    lock
    addl $1, VA(1) + 1
    call *%ebx
    CHECK_EQ(l, $5, %eax)
    pushl $6
    popl VA(1) + 1
    call *%ebx
    CHECK_EQ(l, $6, %eax)

    /* By REP MOVSB and REP STOSD over code. */
    movl $code_a, %esi
    movl $VA(1), %edi
    movl $6, %ecx
    rep movsb
    call *%ebx
    CHECK_EQ(l, $0x77, %eax)
    movl $VA(1), %edi
    movl $0x90909090, %eax
    movl $4, %ecx
    rep stosl
    movb $0xc3, VA(1) + 16
    movl $0x55, %eax
    call *%ebx
    CHECK_EQ(l, $0x55, %eax)

    /* The page behind the address changes, and the TLB is told. */
    movb $0xb8, FRAME(1)
    movl $0x99, FRAME(1) + 1
    movb $0xc3, FRAME(1) + 5
    movl $FRAME(1) + 7, test_pt
    invlpg VA(0)
    call *%ebx
    CHECK_EQ(l, $0x99, %eax)
    movl $FRAME(0) + 7, test_pt
    movl %cr3, %eax
    movl %eax, %cr3
    movl $0x55, %eax
    call *%ebx
    CHECK_EQ(l, $0x55, %eax)

    /* An instruction across two pages that do not follow each other in memory. */
    movb $0xb8, FRAME(2) + 0xffe /* B8 11 | 22 33 44 C3 */
    movb $0x11, FRAME(2) + 0xfff
    movl $0xc3443322, FRAME(4)
    movl $VA(3) + 0xffe, %ebx
    call *%ebx
    CHECK_EQ(l, $0x44332211, %eax)
    movb $0x66, FRAME(4) + 1 /* its second half */
    call *%ebx
    CHECK_EQ(l, $0x44662211, %eax)
    movb $0x12, FRAME(2) + 0xfff /* its first */
    call *%ebx
    CHECK_EQ(l, $0x44662212, %eax)
    movl $FRAME(5) + 7, test_pt + 16 /* another second page */
    movl $0xc3aabbcc, FRAME(5)
    invlpg VA(4)
    call *%ebx
    CHECK_EQ(l, $0xaabbcc12, %eax)
    /* Its second page goes: the fault is a fetch there, from an EIP on the first. */
    movl $0, test_pt + 16
    invlpg VA(4)
    EXPECT_PF(0, VA(4), call *%ebx)
    CHECK_EQ(l, %ebx, got_rip)
    movl $FRAME(5) + 7, test_pt + 16
    /* A store across both, over the crossing instruction. */
    movl $0xc3000000, FRAME(5)
    movl $0x332211b8, VA(3) + 0xffe
    movb $0x44, VA(4) + 2
    call *%ebx
    CHECK_EQ(l, $0x44332211, %eax)

    /* REP STOS that overwrites the instruction after itself, and itself. */
    movl $over, %edi
    movl $0x43, %eax /* INC EBX */
    xorl %ebx, %ebx
    movl $(over_end - over), %ecx
    rep stosb
over:
    .fill 8, 1, 0x90
over_end:
    CHECK_EQ(l, $8, %ebx)
    PASS

code_a:
    movl $0x77, %eax
    ret
