/* paging32.S - 32-bit and PAE paging: 4 KiB and 4 MiB pages, accessed and dirty bits, WP,
 * user and supervisor, reserved bits, NX, global pages, and translations that stay until
 * INVLPG. Intel SDM vol 3A 4.3, 4.4, 4.6 to 4.10.
 */
#include "lib.h"

#define VA(n) (TEST_VA + 0x1000 * (n))
#define PTE(n) test_pt + 4 * (n)
#define PTE8(n) test_pt + 8 * (n)
#define PDE pd32 + (TEST_VA >> 20)
#define FRAME(n) frames + 0x1000 * (n)
/* A fresh entry n for frame f, and the TLB told. */
#define MAP(n, f, bits) movl $FRAME(f) + (bits), PTE(n); invlpg VA(n)
#define MAP8(n, f, bits, high) movl $FRAME(f) + (bits), PTE8(n); \
    movl $(high), PTE8(n) + 4; invlpg VA(n)

    .text
main:
    call make_tables
    movl $pd32, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x90, %eax /* PSE PGE */
    movl %eax, %cr4
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0
    movl $0xaaaa0000, FRAME(0)
    movl $0xaaaa0001, FRAME(1)

    /* Not present, with the error code of each kind of access. */
    EXPECT_PF(0, VA(0), movl VA(0), %eax)
    EXPECT_PF(2, VA(0) + 8, movl %eax, VA(0) + 8)
    EXPECT_PF(0, VA(0), pushl $0x08; pushl $VA(0); lretl)
    CHECK_EQ(l, $VA(0), got_rip)
    EXPECT_PF(4, VA(0), movl $VA(0), %ebx; TO_USER(user_read))
    EXPECT_PF(6, VA(0), movl $VA(0), %ebx; TO_USER(user_write))

    /* Accessed on a read, dirty on a write; neither on a fault. */
    MAP(0, 0, 5) /* P U, read-only */
    CHECK_EQ(l, $0xaaaa0000, VA(0))
    CHECK_EQ(l, $FRAME(0) + 0x25, PTE(0))
    EXPECT_PF(7, VA(0), movl $VA(0), %ebx; TO_USER(user_write))
    testb $0x40, PTE(0)
    CHECK(z)
    movl $1, VA(0) /* WP is clear: ring 0 may */
    CHECK_EQ(l, $FRAME(0) + 0x65, PTE(0))
    testb $0x20, PDE
    CHECK(nz)
    MAP(0, 0, 5)
    movl %cr0, %eax
    orl $0x10000, %eax
    movl %eax, %cr0
    EXPECT_PF(3, VA(0), movl $1, VA(0))
    CHECK_EQ(l, $FRAME(0) + 5, PTE(0))
    EXPECT_PF(3, VA(0), lock; xaddl %eax, VA(0))
    EXPECT_PF(3, VA(0), incl VA(0))
    MAP(1, 1, 3) /* supervisor */
    EXPECT_PF(5, VA(1), movl $VA(1), %ebx; TO_USER(user_read))
    EXPECT_PF(7, VA(1), movl $VA(1), %ebx; TO_USER(user_write))
    EXPECT_PF(5, VA(1), movl $VA(1), %ebx; TO_USER(user_jump))
    CHECK_EQ(l, $FRAME(1) + 3, PTE(1))
    movl VA(1), %eax
    /* The directory's rights are ANDed. */
    andb $~2, PDE
    movl %cr3, %eax
    movl %eax, %cr3
    EXPECT_PF(3, VA(1), movl $1, VA(1))
    orb $2, PDE
    movl %cr3, %eax
    movl %eax, %cr3

    /* A translation in use need not be seen to change until INVLPG; after it, it is.
     * What was not present is never cached. */
    MAP(2, 0, 3)
    movl $0x1000, VA(2)
    movl $FRAME(1) + 3, PTE(2)
    invlpg VA(2)
    CHECK_EQ(l, $0xaaaa0001, VA(2))
    EXPECT_PF(0, VA(3), movl VA(3), %eax)
    movl $FRAME(1) + 3, PTE(3)
    CHECK_EQ(l, $0xaaaa0001, VA(3))
    movl $FRAME(2) + 3, PTE(3)
    movl $0xaaaa0002, FRAME(2)
    movl %cr3, %eax
    movl %eax, %cr3
    CHECK_EQ(l, $0xaaaa0002, VA(3))

    /* Global: survives MOV CR3, not INVLPG nor a change of PGE. */
    MAP(4, 1, 0x103)
    movl VA(4), %eax
    movl $FRAME(2) + 0x103, PTE(4)
    invlpg VA(4)
    CHECK_EQ(l, $0xaaaa0002, VA(4))
    movl $FRAME(1) + 0x103, PTE(4)
    movl %cr4, %eax
    andb $0x7f, %al
    movl %eax, %cr4
    orb $0x80, %al
    movl %eax, %cr4
    CHECK_EQ(l, $0xaaaa0001, VA(4))

    /* A 4 MiB page: read it where the frames are; reserved bit 21. */
    movl $0x400000 + 0x83, PDE
    movl %cr3, %eax
    movl %eax, %cr3
    movl $0x5a5a, 0x400100
    CHECK_EQ(l, $0x5a5a, TEST_VA + 0x100)
    CHECK_EQ(l, $0x4000a3, PDE)
    movl $0x5a5b, TEST_VA + 0x100
    CHECK_EQ(l, $0x4000e3, PDE)
    movl $0x600000 + 0x83, PDE
    movl %cr3, %eax
    movl %eax, %cr3
    EXPECT_PF(9, TEST_VA, movl TEST_VA, %eax)
    EXPECT_PF(0xb, TEST_VA, movl %eax, TEST_VA)
    movl $test_pt + 7, PDE

    /* Across two pages: faults at the second, nothing is written to the first. */
    MAP(6, 0, 3)
    MAP(7, 0, 0)
    movl $0x11111111, VA(6) + 0xffc
    EXPECT_PF(2, VA(7), movl $-1, VA(6) + 0xffe)
    CHECK_EQ(l, $0x11111111, VA(6) + 0xffc)
    EXPECT_PF(0, VA(7), movl VA(6) + 0xfff, %eax)
    MAP(7, 1, 3)
    movl $0x12345678, VA(6) + 0xffe
    CHECK_EQ(w, $0x5678, FRAME(0) + 0xffe)
    CHECK_EQ(w, $0x1234, FRAME(1))
    CHECK_EQ(l, $0x12345678, VA(6) + 0xffe)
    lock
    incl VA(6) + 0xffe
    CHECK_EQ(l, $0x12345679, VA(6) + 0xffe)

    /* PAE. */
    movl %cr0, %eax
    andl $0x7fffffff, %eax
    movl %eax, %cr0
    movl %cr4, %eax
    orb $0x20, %al
    movl %eax, %cr4
    movl $pae_pdpt, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x800, %eax
    wrmsr
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0
    xorl %eax, %eax
    movl $test_pt, %edi
    movl $1024, %ecx
    rep stosl
    movl %cr3, %eax
    movl %eax, %cr3

    MAP8(0, 1, 7, 0)
    CHECK_EQ(w, $0x1234, VA(0))
    CHECK_EQ(l, $FRAME(1) + 0x27, PTE8(0))
    movl $0xaaaa0001, VA(0)
    CHECK_EQ(l, $FRAME(1) + 0x67, PTE8(0))
    /* NX: fetches are refused, and the error code says fetch. */
    movb $0xc3, FRAME(1) + 16 /* RET */
    MAP8(0, 1, 7, 0x80000000)
    movl VA(0), %eax
    EXPECT_PF(0x11, VA(0) + 16, movl $VA(0) + 16, %eax; call *%eax)
    EXPECT_PF(0x15, VA(0), movl $VA(0), %ebx; TO_USER(user_jump))
    MAP8(0, 1, 7, 0)
    movl $VA(0) + 16, %eax
    call *%eax
    /* Reserved bits: address bits beyond what the CPU has, bits 62:52. */
    MAP8(0, 1, 7, 0x00080000)
    EXPECT_PF(9, VA(0), movl VA(0), %eax)
    MAP8(0, 1, 7, 0x40000000)
    EXPECT_PF(0xb, VA(0), movl %eax, VA(0))
    EXPECT_PF(0xd, VA(0), movl $VA(0), %ebx; TO_USER(user_read))
    MAP8(0, 1, 6, 0x40000000) /* not present: nothing else matters */
    EXPECT_PF(0, VA(0), movl VA(0), %eax)
    /* PDPTEs are read by MOV CR3 alone; a reserved bit in a present one refuses it. */
    movl $2 | 1, pae_pdpt + 24
    EXPECT(GP, 0, movl $pae_pdpt, %eax; movl %eax, %cr3)
    movl $pds + 0x3001, pae_pdpt + 24
    movl $0, pae_pdpt + 8
    MAP8(0, 1, 7, 0)
    movl VA(0), %eax
    movl $pae_pdpt, %eax
    movl %eax, %cr3
    EXPECT_PF(0, VA(0), movl VA(0), %eax)
    PASS

user_read:
    movl $USER_DATA, %eax
    movl %eax, %ds
    movl (%ebx), %eax
    FAIL_USER
user_write:
    movl $USER_DATA, %eax
    movl %eax, %ds
    movl %eax, (%ebx)
    FAIL_USER
user_jump:
    jmp *%ebx
