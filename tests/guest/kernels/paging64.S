/* paging64.S - 4-level paging: NX, reserved bits, 1 GiB pages, canonical addresses, SMEP,
 * SMAP, protection keys, PCIDs and INVPCID, global pages. Intel SDM vol 3A 4.5 to 4.10.
 */
#include "lib.h"

#define VA(n) (TEST_VA + 0x1000 * (n))
#define PTE(n) test_pt + 8 * (n)
#define FRAME(n) frames + 0x1000 * (n)
#define MAP(n, f, bits, high) movl $FRAME(f) + (bits), PTE(n); \
    movl $(high), PTE(n) + 4; invlpg VA(n)
#define CR4_SET(bits) movq %cr4, %rax; orl $(bits), %eax; movq %rax, %cr4
#define CR4_CLEAR(bits) movq %cr4, %rax; andl $~(bits), %eax; movq %rax, %cr4
#define PGE 0x80
#define PCIDE 0x20000
#define SMEP 0x100000
#define SMAP 0x200000
#define PKE 0x400000

    .text
main:
    call enter_long
    .code64
    movl $0xaaaa0000, FRAME(0)
    movl $0xaaaa0001, FRAME(1)
    movl $0xaaaa0002, FRAME(2)
    movb $0xc3, FRAME(0) + 16

    EXPECT64_PF(0, VA(0), movl VA(0), %eax)
    MAP(0, 0, 5, 0)
    CHECK_EQ(l, $0xaaaa0000, VA(0))
    EXPECT64_PF(3, VA(0), movl %eax, VA(0))
    MAP(0, 0, 7, 0x80000000)
    movl VA(0), %eax
    EXPECT64_PF(0x11, VA(0) + 16, movl $VA(0) + 16, %eax; call *%rax)
    MAP(0, 0, 7, 0x00080000) /* address bit 51 */
    EXPECT64_PF(9, VA(0), movl VA(0), %eax)
    MAP(0, 0, 7, 0x7ff00000) /* bits 62:52 are ignored */
    movl VA(0), %eax

    /* A 1 GiB page, with bits 29:13 reserved. */
    movl $0x87, pdpt + 16
    movq %cr3, %rax
    movq %rax, %cr3
    movabs $0x80000000, %rbx
    movl FRAME(0), %eax
    cmpl %eax, FRAME(0)(%rbx)
    CHECK(e)
    movl $0x2087, pdpt + 16
    movq %cr3, %rax
    movq %rax, %cr3
    EXPECT64_PF(9, 0x80000000, movl (%rbx), %eax)
    movl $pds + 0x2007, pdpt + 16
    movq %cr3, %rax
    movq %rax, %cr3

    /* Not canonical: #GP, with the stack #SS. */
    movabs $0x0000800000000000, %rbx
    EXPECT64(GP, 0, movb (%rbx), %al)
    EXPECT64(SS, 0, movq %rbx, %rbp; movb (%rbp), %al)
    movb $1, idt64 + 16 * SS + 4 /* IST1 */
    EXPECT64(SS, 0, movq %rbx, %rsp; popq %rax)
    EXPECT64(GP, 0, jmpq *%rbx)
    EXPECT64_PF(0, 0x00007ffffffffff8, movq -8(%rbx), %rax)
    EXPECT64(GP, 0, movq -4(%rbx), %rax) /* half of it */
    movabs $0xffff800000000000, %rbx
    EXPECT64_PF(0, 0xffff800000000000, movb (%rbx), %al)

    /* SMEP: no fetch from user pages. All of our code is on them: first make it ours. */
    movl $0x83, pds
    movq %cr3, %rax
    movq %rax, %cr3
    MAP(0, 0, 7, 0)
    MAP(1, 1, 3, 0)
    movl $VA(0) + 16, %ebx
    callq *%rbx
    CR4_SET(SMEP)
    EXPECT64_PF(0x11, VA(0) + 16, callq *%rbx)
    movl VA(0), %eax
    CR4_CLEAR(SMEP)
    callq *%rbx

    /* SMAP: data of user pages only with AC. Implicit accesses ignore AC. */
    CR4_SET(SMAP)
    EXPECT64_PF(1, VA(0), movl VA(0), %eax)
    EXPECT64_PF(3, VA(0), movl %eax, VA(0))
    movl VA(1), %eax
    stac
    movl VA(0), %eax
    movl %eax, VA(0)
    clac
    EXPECT64_PF(1, VA(0), movl VA(0), %eax)
    stac
    MAP(2, 2, 7, 0)
    movl VA(2), %eax
    SET_DESCRIPTOR(FREE, VA(0), 0xff, 0x0082)
    movl $0, gdt + FREE + 8
    movl $0, gdt + FREE + 12
    movl $FREE, %eax
    lldt %ax
    EXPECT64_PF(1, VA(0) + 8, movl $0x0c, %eax; movl %eax, %fs) /* AC does not help */
    CR4_CLEAR(SMAP)
    clac
    EXPECT64(UD, 0, .byte 0xf0; stac)

    /* Protection keys: user pages, reads and writes, not fetches. */
    CR4_SET(PKE)
    xorl %ecx, %ecx
    MAP(0, 0, 7, 0x08000000) /* key 1 */
    movl $1 << 3, %eax /* WD of key 1 */
    xorl %edx, %edx
    wrpkru
    movl VA(0), %eax
    EXPECT64_PF(0x23, VA(0), movl %eax, VA(0)) /* WP is set */
    movl $1 << 2, %eax /* AD of key 1 */
    wrpkru
    EXPECT64_PF(0x21, VA(0), movl VA(0), %eax)
    callq *%rbx
    rdpkru
    CHECK_EQ(l, $4, %eax)
    movl VA(1), %eax
    EXPECT64(GP, 0, movl $1, %ecx; rdpkru)
    xorl %ecx, %ecx
    xorl %eax, %eax
    wrpkru
    movl VA(0), %eax
    CR4_CLEAR(PKE)
    EXPECT64(UD, 0, rdpkru)

    /* Global pages and PCIDs: each space has its own translations. */
    CR4_SET(PGE)
    EXPECT64(GP, 0, movq %cr3, %rax; orl $1, %eax; movq %rax, %cr3; CR4_SET(PCIDE))
    movl $pml4, %eax
    movq %rax, %cr3
    CR4_SET(PCIDE)
    EXPECT64(GP, 0, movq %cr0, %rax; btrl $31, %eax; movq %rax, %cr0)
    MAP(4, 0, 3, 0)
    movl $pml4 + 1, %eax
    movq %rax, %cr3 /* PCID 1, flushed */
    movl VA(4), %eax
    movl $FRAME(1) + 3, PTE(4)
    movabs $0x8000000000000000, %rcx
    movl $pml4 + 2, %eax
    movq %rax, %cr3
    CHECK_EQ(l, $0xaaaa0001, VA(4)) /* PCID 2 sees the new one */
    movl $1, inv
    movl $VA(4), inv + 8
    movl $0, %eax
    movl $pml4 + 1, %eax
    orq %rcx, %rax
    xorl %edx, %edx
    invpcid inv, %rdx /* of PCID 1, this address */
    movq %rax, %cr3 /* not flushed */
    CHECK_EQ(l, $0xaaaa0001, VA(4))
    movl $FRAME(2) + 3, PTE(4)
    movl $1, %edx
    invpcid inv, %rdx
    CHECK_EQ(l, $0xaaaa0002, VA(4))
    movl $FRAME(1) + 0x103, PTE(4)
    movl $2, %edx
    invpcid inv, %rdx
    CHECK_EQ(l, $0xaaaa0001, VA(4))
    movl $FRAME(2) + 0x103, PTE(4)
    movl $3, %edx
    invpcid inv, %rdx /* all but global ones */
    invlpg VA(4)
    CHECK_EQ(l, $0xaaaa0002, VA(4))
    EXPECT64(GP, 0, movl $4, %edx; invpcid inv, %rdx)
    EXPECT64(GP, 0, movl $0x1000, inv; movl $1, %edx; invpcid inv, %rdx)
    movq %cr3, %rax
    andl $0xfff, %eax
    CHECK_EQ(l, $1, %eax)
    EXPECT64(GP, 0, movabs $0x4000000000000000, %rax; movq %rax, %cr3)
    PASS

    .section .low
    .balign 8
inv: .quad 0, 0
