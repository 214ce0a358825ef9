/* rows_state.S - rows of isa.def that save and restore x87, MMX, SSE and extended state, or
 * store by a mask, a thousand times each with other operands. Intel SDM vol 1 10.5 and
 * ch. 13; vol 2, each instruction.
 */
#include "lib.h"

#define TIMES 1000
#define SOME(reg) imull $0x9e3779b1, %ebp, %reg

/* Where the parts are (vol 1 Tables 10-2 and 13-1). */
#define ST0 area + 32
#define XMM1 area + 160 + 16
#define XSTATE_BV area + 512
#define XCOMP_BV area + 520
#define YMM1_HIGH area + 576 + 16
#define COMPACTED 0x80000000 /* bit 63 */

/* ST0, XMM1 and YMM1 from the counter; and something else; and whether they are back. */
#define MAKE movl %ebp, number; fildl number; SOME(eax); vmovd %eax, %xmm1; \
    vpshufd $0, %xmm1, %xmm1; vinsertf128 $1, %xmm1, %ymm1, %ymm1
#define SPOIL fstp %st(0); fninit; vzeroall
#define BACK(to) fistpl to; CHECK_EQ(l, to, %ebp); CHECK_SSE
#define CHECK_SSE SOME(ecx); vmovd %xmm1, %eax; CHECK_EQ(l, %eax, %ecx); \
    vpextrd $3, %xmm1, %eax; CHECK_EQ(l, %eax, %ecx)
#define CHECK_AVX(value) vextractf128 $1, %ymm1, %xmm2; vmovd %xmm2, %eax; \
    CHECK_EQ(l, value, %eax)
/* XSAVE saves and loads what EDX:EAX asks for: 3 and AVX for odd counts. */
#define ASK movl %ebp, %ebx; andl $1, %ebx; leal 3(, %ebx, 4), %eax; xorl %edx, %edx
/* XSAVE writes no XCOMP_BV, and what it does not save stays as it was. */
#define CLEAR_AREA movl $0, XSTATE_BV; movl $0, XSTATE_BV + 4; \
    movl $0, XCOMP_BV; movl $0, XCOMP_BV + 4; movl $0, XMM1; \
    movl $0, YMM1_HIGH; movl $0, ST0 + 4

/* Saves, looks at the area, loads. With compacted the area tells it of its own format. */
#define SAVE_LOAD(save, load, compacted) LOOP(TIMES, MAKE; CLEAR_AREA; ASK; save area; \
    CHECK_EQ(l, %eax, XSTATE_BV); CHECK_EQ(l, $0, XSTATE_BV + 4); \
    movl $0, %ecx; movl $0, %edx; orl $(compacted), %edx; jz 1f; movl %eax, %ecx; 1: \
    CHECK_EQ(l, %ecx, XCOMP_BV); CHECK_EQ(l, %edx, XCOMP_BV + 4); \
    SOME(ecx); CHECK_EQ(l, %ecx, XMM1); movl %ebx, %edx; negl %edx; andl %edx, %ecx; \
    CHECK_EQ(l, %ecx, YMM1_HIGH); cmpl $0, ST0 + 4; CHECK(ne); \
    SPOIL; movl $7, %eax; xorl %edx, %edx; load area; \
    BACK(number); movl %ebx, %edx; negl %edx; andl %edx, %ecx; CHECK_AVX(%ecx))

    .text
main:
    movl %cr0, %eax
    andl $~0xc, %eax
    orl $2, %eax
    movl %eax, %cr0
    movl %cr4, %eax
    orl $0x40600, %eax /* OSXSAVE OSXMMEXCPT OSFXSR */
    movl %eax, %cr4
    call masks
    fninit

    /* XSETBV: x87, and SSE, and AVX; XGETBV 1 tells which of them are not initial. x87 is
     * not, by the MMX registers. */
    LOOP(TIMES, movl %ebp, %ebx; andl $3, %ebx; movzbl legal(%ebx), %eax; \
         movl %eax, %ebx; \
         xorl %ecx, %ecx; xorl %edx, %edx; xsetbv; \
         movl $-1, %eax; movl $-1, %edx; xgetbv; CHECK_EQ(l, %eax, %ebx); \
         CHECK_EQ(l, $0, %edx); \
         movl $1, %ecx; xgetbv; andl $~1, %eax; CHECK_EQ(l, $0, %eax); \
         movd %ebp, %xmm1; xgetbv; pxor %xmm1, %xmm1; \
         xorl %ebx, %eax; testl $2, %eax; CHECK(z); CHECK_EQ(l, $0, %edx))
    EXPECT(GP, 0, xorl %ecx, %ecx; xorl %edx, %edx; movl $5, %eax; xsetbv)
    xorl %ecx, %ecx
    xorl %edx, %edx
    movl $7, %eax
    xsetbv

    LOOP(TIMES, MAKE; CLEAR_AREA; fxsave area; SOME(ecx); CHECK_EQ(l, %ecx, XMM1 + 4); \
         CHECK_EQ(w, $0x37f, area); CHECK_EQ(b, $0x80, area + 4); \
         SPOIL; fxrstor area; BACK(number); CHECK_AVX($0))
    SAVE_LOAD(xsave, xrstor, 0)
    /* Nothing of it is initial, nor as it was loaded last. */
    SAVE_LOAD(xsaveopt, xrstor, 0)
    SAVE_LOAD(xsavec, xrstor, COMPACTED)
    SAVE_LOAD(xsaves, xrstors, COMPACTED)
    /* What is initial is not in the area, and is made initial by loading. */
    LOOP(TIMES, MAKE; vzeroupper; fstp %st(0); fninit; CLEAR_AREA; xorl %edx, %edx; \
         movl $6, %eax; xsavec area; CHECK_EQ(l, $2, XSTATE_BV); \
         CHECK_EQ(l, $6, XCOMP_BV); vinsertf128 $1, %xmm1, %ymm1, %ymm1; \
         movl $6, %eax; xrstor area; CHECK_SSE; CHECK_AVX($0))

    /* PKRU, in any mode. */
    movl %cr4, %eax
    orl $0x400000, %eax
    movl %eax, %cr4
    LOOP(TIMES, SOME(eax); movl %eax, %ebx; xorl %ecx, %ecx; xorl %edx, %edx; wrpkru; \
         movl $-1, %edx; movl $-1, %eax; rdpkru; CHECK_EQ(l, %eax, %ebx); \
         CHECK_EQ(l, $0, %edx))
    PASS

/* ---- EMMS, MASKMOVQ, MASKMOVDQU ---- */

/* Bytes whose mask byte is negative are stored, and no others. */
#define MASKED(insn) LOOP(TIMES, call mask; movups number, %xmm2; movups data, %xmm1; \
    pxor %xmm3, %xmm3; pcmpgtb %xmm2, %xmm3; insn %xmm2, %xmm1; \
    pand %xmm1, %xmm3; movups (%edi), %xmm4; pcmpeqb %xmm3, %xmm4; \
    pmovmskb %xmm4, %eax; CHECK_EQ(l, $0xffff, %eax); \
    CHECK_EQ(l, $0, -4(%edi)); CHECK_EQ(l, $0, 16(%edi)))

masks:
    /* An MMX instruction leaves all registers in use, EMMS none. */
    LOOP(TIMES, movd %ebp, %mm1; movd %mm1, %eax; CHECK_EQ(l, %eax, %ebp); \
         fxsave area; CHECK_EQ(b, $0xff, area + 4); CHECK_EQ(l, %ebp, area + 32 + 16); \
         emms; fxsave area; CHECK_EQ(b, $0, area + 4); \
         CHECK_EQ(l, %ebp, area + 32 + 16))
    xorl %ecx, %ecx
    xorl %edx, %edx
    movl $7, %eax
    xsetbv
    LOOP(TIMES, call mask; movq number, %mm2; movq data, %mm1; pxor %mm3, %mm3; \
         pcmpgtb %mm2, %mm3; maskmovq %mm2, %mm1; pand %mm1, %mm3; movq %mm3, area; \
         movl area, %eax; CHECK_EQ(l, %eax, (%edi)); \
         movl area + 4, %eax; CHECK_EQ(l, %eax, 4(%edi)); \
         CHECK_EQ(l, $0, -4(%edi)); CHECK_EQ(l, $0, 8(%edi)))
    emms
    MASKED(maskmovdqu)
    MASKED(vmaskmovdqu)
    vzeroall
    ret

/* A mask to `number`; EDI somewhere in the cleared buffer. */
mask:
    SOME(eax)
    movl $buffer, %edi
    movl $number, %esi
    movl $4, %ecx
1:  movl %eax, (%esi)
    movl $0, (%edi)
    movl $0, 16(%edi)
    roll $7, %eax
    addl $4, %esi
    addl $4, %edi
    loop 1b
    movl $0, buffer + 32
    movl %ebp, %eax
    andl $7, %eax
    leal buffer + 4(%eax), %edi
    ret

    .data
legal: .byte 1, 3, 7, 3
    .balign 16
data: .long 0x89abcdef, 0x01234567, 0xfedcba98, 0x76543210

    .bss
    .balign 64
area: .skip 832
number: .skip 16
buffer: .skip 64
