/* stale_tlb.S - translations that changed without INVLPG. The manual leaves open which of
 * the two a CPU uses (SDM vol 3A 4.10.4.1); here it must be the same one in every way of
 * running, so what was read goes into a checksum. Reads, writes, fetches, LOCK, rights
 * that shrink and grow, accessed bits cleared behind the TLB's back, global pages.
 */
#include "lib.h"

#define VA(n) (TEST_VA + 0x1000 * (n))
#define FRAME(n) frames + 0x1000 * (n)
#define PAGES 200

    .text
main:
    call make_tables
    SET_IDT(PF, CODE32, page_fault, 0x8e)
    movl $pd32, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x90, %eax
    movl %eax, %cr4
    movl %cr0, %eax
    orl $0x80010000, %eax
    movl %eax, %cr0
    /* Sixteen frames, each with its number and a function that returns it. */
    movl $FRAME(0), %edi
    xorl %ecx, %ecx
1:  movl %ecx, (%edi)
    movb $0xb8, 16(%edi)
    movl %ecx, 17(%edi)
    movb $0xc3, 21(%edi)
    addl $0x1000, %edi
    incl %ecx
    cmpl $16, %ecx
    jne 1b

    movl $60, rounds
round:
    /* New entries: frame, rights and G by a generator. Nothing is told to the TLB. */
    xorl %ecx, %ecx
1:  call random
    movl %eax, %edx
    andl $15 << 12, %edx
    addl $FRAME(0) + 1, %edx
    testl $0x10000, %eax
    jz 2f
    orl $2, %edx
2:  testl $0xe0000, %eax
    jnz 2f
    andl $~1, %edx /* sometimes not there */
2:  testl $0x700000, %eax
    jnz 2f
    orl $0x100, %edx
2:  movl %edx, test_pt(, %ecx, 4)
    incl %ecx
    cmpl $PAGES, %ecx
    jne 1b
    /* Uses of pages at random. */
    movl $300, %ecx
1:  call random
    movl %eax, %ebx
    xorl %edx, %edx
    movl $PAGES, %esi
    divl %esi
    shll $12, %edx
    addl $TEST_VA, %edx
    andl $7, %ebx
    cmpl $1, %ebx
    je use_write
    cmpl $2, %ebx
    je use_call
    cmpl $3, %ebx
    je use_lock
    cmpl $4, %ebx
    je use_copy
    movl (%edx), %eax
used:
    roll $3, %eax
    addl %eax, sum
skipped:
    loop 1b
    /* Now and then some of it is told. */
    call random
    testl $3, %eax
    jnz 1f
    movl %cr3, %eax
    movl %eax, %cr3
1:  testl $0x700, %eax
    jnz 1f
    movl %cr4, %eax
    xorb $0x80, %al
    movl %eax, %cr4
    xorb $0x80, %al
    movl %eax, %cr4
1:  andl $0x1f000, %eax
    invlpg TEST_VA(%eax)
    decl rounds
    jnz round
    /* The accessed and dirty bits are part of what must agree. */
    movl $test_pt, %esi
    movl $PAGES, %ecx
1:  lodsl
    roll $1, sum
    addl %eax, sum
    loop 1b
    PASS

use_write:
    movl %eax, 64(%edx)
    jmp used
use_call:
    addl $16, %edx
    call *%edx
    jmp used
use_lock:
    movl $1, %eax
    lock
    xaddl %eax, 128(%edx)
    jmp used
use_copy:
    pushl %ecx
    movl %edx, %esi
    movl $scratch, %edi
    movl $8, %ecx
    rep movsl
    movl scratch, %eax
    popl %ecx
    jmp used

random:
    movl seed, %eax
    imull $1103515245, %eax, %eax
    addl $12345, %eax
    movl %eax, seed
    rorl $11, %eax
    ret

/* Counts it, and goes on after the use. A REP or a CALL left words on the stack. */
page_fault:
    movl (%esp), %eax
    addl %eax, sum
    movl %cr2, %eax
    roll $7, sum
    addl %eax, sum
    movl 4(%esp), %eax
    cmpl $use_copy, %eax
    jb 1f
    cmpl $random, %eax
    jae 1f
    movl 16(%esp), %ecx /* pushed before */
    addl $4, %esp
    addl $16, %esp
    pushl $skipped
    ret
1:  testl $0x10, (%esp)
    addl $16, %esp
    cmpl $TEST_VA, %eax
    jb 2f
    addl $4, %esp /* a fetch: CALL's return address */
2:  pushl $skipped
    ret

    .section .low
    .balign 4
rounds: .long 0
sum: .long 0
seed: .long 7
scratch: .skip 32
