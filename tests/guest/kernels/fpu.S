/* fpu.S - x87 and SSE as the system sees them: #NM, #MF with CR0.NE and through IRQ 13,
 * #XM and #UD without OSXMMEXCPT, FXSAVE, XSAVE and XRSTOR round trips and refusals.
 * Intel SDM vol 1 8.7, 11.5, ch. 13; vol 3A 2.5, ch. 13.
 */
#include "lib.h"

    .text
main:
    /* #NM: TS, and WAIT with MP. */
    movl %cr0, %eax
    orl $0x2a, %eax /* TS MP NE */
    movl %eax, %cr0
    EXPECT(NM, 0, fninit)
    EXPECT(NM, 0, fwait)
    EXPECT(NM, 0, movq %mm0, %mm1)
    movl %cr0, %eax
    andl $~2, %eax
    movl %eax, %cr0
    fwait
    clts
    movl %cr0, %eax
    orl $4, %eax /* EM */
    movl %eax, %cr0
    EXPECT(NM, 0, fld1)
    EXPECT(UD, 0, movq %mm0, %mm1)
    andl $~4, %eax
    orl $2, %eax
    movl %eax, %cr0

    /* #MF: at the next waiting instruction, with NE. */
    fninit
    fldcw unmasked
    fld1
    fdivs zero /* 1 / 0 */
    fnstsw %ax
    testb $4, %al /* ZE */
    CHECK(nz)
    testb $0x80, %al /* ES */
    CHECK(nz)
    EXPECT_AT(MF, 0, 6: fld1)
    EXPECT_AT(MF, 0, 6: fwait)
    fnclex
    fwait

    /* Without NE: FERR# is IRQ 13; writing F0h clears it. */
    SET_IDT(0x2d, CODE32, irq13, 0x8e)
    movl %cr0, %eax
    andl $~0x20, %eax
    movl %eax, %cr0
    movb $0xfb, %al
    outb %al, $0x21
    movb $0xdf, %al
    outb %al, $0xa1
    sti
    fninit
    fldcw unmasked
    fld1
    fdivs zero
    fwait
    nop
    cli
    CHECK_EQ(l, $1, irqs)
    fnclex
    movl %cr0, %eax
    orl $0x20, %eax
    movl %eax, %cr0

    /* SSE needs OSFXSR; #XM needs OSXMMEXCPT, else #UD. */
    EXPECT(UD, 0, movaps %xmm0, %xmm1)
    movl %cr4, %eax
    orl $0x200, %eax
    movl %eax, %cr4
    movaps %xmm0, %xmm1
    EXPECT(GP, 0, movaps vectors + 4, %xmm1)
    EXPECT(GP, 0, ldmxcsr bad_mxcsr)
    ldmxcsr unmasked_mxcsr
    movaps vectors, %xmm0
    movaps vectors + 16, %xmm1
    EXPECT(UD, 0, divps %xmm1, %xmm0)
    movl %cr4, %eax
    orl $0x400, %eax
    movl %eax, %cr4
    EXPECT_AT(XM, 0, 6: divps %xmm1, %xmm0)
    stmxcsr scratch
    testb $4, scratch /* ZE */
    CHECK(nz)
    ldmxcsr default_mxcsr
    divps %xmm1, %xmm0
    movaps %xmm0, scratch
    CHECK_EQ(l, $0x7f800000, scratch) /* infinity */

    /* FXSAVE and back. */
    fninit
    fldpi
    movaps vectors, %xmm7
    fxsave area
    fninit
    xorps %xmm7, %xmm7
    fxrstor area
    movaps %xmm7, scratch
    CHECK_EQ(l, $0x3f800000, scratch)
    fstpt scratch
    CHECK_EQ(l, $0x2168c235, scratch)
    CHECK_EQ(w, $0x4000, scratch + 8)
    EXPECT(GP, 0, fxsave area + 8)
    movl $0xffffffff, area + 24 /* MXCSR's reserved bits */
    EXPECT(GP, 0, fxrstor area)

    /* XSAVE: OSXSAVE first; XCR0; the header. */
    EXPECT(UD, 0, xorl %ecx, %ecx; xgetbv)
    movl %cr4, %eax
    orl $0x40000, %eax
    movl %eax, %cr4
    xorl %ecx, %ecx
    xorl %edx, %edx
    movl $3, %eax
    xsetbv
    xgetbv
    CHECK_EQ(l, $3, %eax)
    EXPECT(GP, 0, movl $2, %eax; xorl %edx, %edx; xorl %ecx, %ecx; xsetbv) /* x87 stays on */
    EXPECT(GP, 0, movl $1, %ecx; movl $3, %eax; xorl %edx, %edx; xsetbv)
    movl $area, %edi
    movl $256, %ecx
    xorl %eax, %eax
    rep stosl
    fninit
    fldl2e
    movaps vectors, %xmm3
    movl $3, %eax
    xorl %edx, %edx
    xsave area
    CHECK_EQ(l, $3, area + 512)
    fninit
    xorps %xmm3, %xmm3
    xrstor area
    movaps %xmm3, scratch
    CHECK_EQ(l, $0x3f800000, scratch)
    fstpt scratch
    CHECK_EQ(w, $0x3fff, scratch + 8)
    /* A component absent from XSTATE_BV comes back as after INIT. */
    movl $1, area + 512
    movl $3, %eax
    xrstor area
    movaps %xmm3, scratch
    CHECK_EQ(l, $0, scratch)
    movl $1, area + 512 + 16 /* reserved */
    EXPECT(GP, 0, movl $3, %eax; xrstor area)
    movl $0, area + 512 + 16
    movl $8, area + 512 /* not in XCR0 */
    EXPECT(GP, 0, movl $3, %eax; xrstor area)
    EXPECT(GP, 0, movl $3, %eax; xsave area + 16)
    PASS

irq13:
    pushl %eax
    incl irqs
    outb %al, $0xf0
    movb $0x20, %al
    outb %al, $0xa0
    outb %al, $0x20
    fnclex
    popl %eax
    iretl

    .section .low
    .balign 64
area: .skip 1024
vectors:
    .long 0x3f800000, 0x3f800000, 0x3f800000, 0x3f800000
    .long 0, 0x3f800000, 0x3f800000, 0x3f800000
scratch: .skip 16
unmasked: .word 0x37b /* ZE unmasked */
    .balign 4
default_mxcsr: .long 0x1f80
unmasked_mxcsr: .long 0x1d80
bad_mxcsr: .long 0x80000000
irqs: .long 0
zero: .long 0
