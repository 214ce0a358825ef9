/* rows_approx.S - rows of isa.def that no other processor's answers can settle, a thousand
 * times each: reciprocals and roots, which each maker approximates in his way, within the
 * manual's bound; BF16, against integers; W = 1 outside 64-bit mode.
 * Intel SDM vol 2, RCPPS, RSQRTPS, VRCP14PD, VRSQRT14PD, VCVTNEPS2BF16, VDPBF16PS, KMOV.
 */
#include "lib.h"

#define TIMES 1000

#define SOME(reg) imull $0x9e3779b1, %ebp, %reg

/* Eight float32 in YMM0 that depend on the counter, from 2^-63 to 2^64 but for the sign, and
 * the first four as float64 in YMM1. */
#define NUMBERS(mask) SOME(eax); vmovd %eax, %xmm0; vpbroadcastd %xmm0, %ymm0; \
    vpmulld odd, %ymm0, %ymm0; vpand mask, %ymm0, %ymm0; vpaddd least, %ymm0, %ymm0; \
    vcvtps2pd %xmm0, %ymm1

/* Four float64 in YMM3 are 1, as nearly as is said. Changes EAX. */
#define CHECK_ONE(bound) vsubpd ones, %ymm3, %ymm3; vandpd magnitude, %ymm3, %ymm3; \
    vcmppd $6, bound, %ymm3, %ymm3; vmovmskpd %ymm3, %eax; CHECK_EQ(l, $0, %eax)
/* Four float64 in x and y are each other's reciprocals; y the reciprocal of x's root. */
#define CHECK_RCP(x, y, bound) vmulpd y, x, %ymm3; CHECK_ONE(bound)
#define CHECK_RSQRT(x, y, bound) vmulpd y, x, %ymm3; vmulpd y, %ymm3, %ymm3; CHECK_ONE(bound)
/* The same of the first four float32 of y, and of all eight, to YMM0's. */
#define CHECK_PS(how, y, bound) vcvtps2pd %xmm##y, %ymm4; how(%ymm1, %ymm4, bound)
#define CHECK_YPS(how, y, bound) CHECK_PS(how, y, bound); vextractf128 $1, %ymm##y, %xmm4; \
    vextractf128 $1, %ymm0, %xmm5; vcvtps2pd %xmm4, %ymm4; vcvtps2pd %xmm5, %ymm5; \
    how(%ymm5, %ymm4, bound)
/* XMM2 has an element that goes with the first of YMM0, and above it those of XMM6. */
#define CHECK_SS(how, bound) vbroadcastss %xmm2, %xmm4; vbroadcastss %xmm0, %xmm5; \
    vcvtps2pd %xmm4, %ymm4; vcvtps2pd %xmm5, %ymm5; how(%ymm5, %ymm4, bound); \
    vpxor %xmm2, %xmm6, %xmm4; vpsrldq $4, %xmm4, %xmm4; vptest %xmm4, %xmm4; CHECK(z)
#define CHECK_SD(how, bound) vbroadcastsd %xmm2, %ymm4; vbroadcastsd %xmm1, %ymm5; \
    how(%ymm5, %ymm4, bound); \
    vpxor %xmm2, %xmm6, %xmm4; vpsrldq $8, %xmm4, %xmm4; vptest %xmm4, %xmm4; CHECK(z)

/* All forms of one function, with its bound in SSE and AVX, and in AVX-512. */
#define FORMS(name, how, mask, bound12, bound14) \
    LOOP(TIMES, NUMBERS(mask); name##ps %xmm0, %xmm2; CHECK_PS(how, 2, bound12); \
         vmovaps above, %xmm6; movaps %xmm6, %xmm2; name##ss %xmm0, %xmm2; \
         CHECK_SS(how, bound12)); \
    LOOP(TIMES, NUMBERS(mask); v##name##ps %ymm0, %ymm2; CHECK_YPS(how, 2, bound12); \
         vmovaps above, %xmm6; v##name##ss %xmm0, %xmm6, %xmm2; CHECK_SS(how, bound12)); \
    LOOP(TIMES, NUMBERS(mask); v##name##14ps %ymm0, %ymm2; CHECK_YPS(how, 2, bound14); \
         v##name##14pd %ymm1, %ymm2; how(%ymm1, %ymm2, bound14)); \
    LOOP(TIMES, NUMBERS(mask); vmovaps above, %xmm6; v##name##14ss %xmm0, %xmm6, %xmm2; \
         CHECK_SS(how, bound14); v##name##14sd %xmm1, %xmm6, %xmm2; CHECK_SD(how, bound14))

/* Four float32 to BF16, rounded to nearest and even, in the low words of doublewords. */
#define BF16(from, to) vpsrld $16, from, to; vpand low_bit, to, to; vpaddd from, to, to; \
    vpaddd below_half, to, to; vpsrld $16, to, to
#define CHECK_SAME(a, b) vpxor a, b, b; vptest b, b; CHECK(z)
/* Eight integers of 16 bits, at most 256: the same as BF16. Changes YMM4. */
#define TO_BF16(from, to) vpmovzxwd %xmm##from, %ymm4; vcvtdq2ps %ymm4, %ymm4; \
    vpsrld $16, %ymm4, %ymm4; vextracti128 $1, %ymm4, %xmm##to; \
    vpackusdw %xmm##to, %xmm4, %xmm##to

    .text
main:
    movl %cr4, %eax
    orl $0x40600, %eax /* OSXSAVE OSXMMEXCPT OSFXSR */
    movl %eax, %cr4
    xorl %ecx, %ecx
    xorl %edx, %edx
    movl $0xe7, %eax
    xsetbv

    FORMS(rcp, CHECK_RCP, with_sign, bound_rcp, bound_rcp14)
    FORMS(rsqrt, CHECK_RSQRT, without_sign, bound_rsqrt, bound_rsqrt14)

    LOOP(TIMES, NUMBERS(with_sign); vpand near_halves, %ymm0, %ymm0; \
         vextracti128 $1, %ymm0, %xmm1; BF16(%xmm0, %xmm2); BF16(%xmm1, %xmm3); \
         vcvtneps2bf16 %xmm0, %xmm4; vpmovzxwd %xmm4, %xmm5; \
         CHECK_SAME(%xmm2, %xmm5); vpsrldq $8, %xmm4, %xmm4; vptest %xmm4, %xmm4; CHECK(z); \
         vcvtne2ps2bf16 %xmm0, %xmm1, %xmm4; vpackusdw %xmm3, %xmm2, %xmm2; \
         CHECK_SAME(%xmm2, %xmm4))

    /* Sums of two products and what was there, all of them exact. */
    LOOP(TIMES, NUMBERS(with_sign); vpand low_byte, %ymm0, %ymm0; \
         vextracti128 $1, %ymm0, %xmm1; vpmaddwd %xmm1, %xmm0, %xmm2; \
         vpsrld $8, %xmm1, %xmm3; vpaddd %xmm3, %xmm2, %xmm2; vcvtdq2ps %xmm2, %xmm2; \
         vcvtdq2ps %xmm3, %xmm3; TO_BF16(0, 5); TO_BF16(1, 6); \
         vdpbf16ps %xmm5, %xmm6, %xmm3; CHECK_SAME(%xmm2, %xmm3))

    /* KMOVQ and VPBROADCASTQ but for the mode. */
    LOOP(TIMES, SOME(eax); .byte 0xc4, 0xe1, 0xfb, 0x92, 0xc8; /* KMOVD K1, EAX */ \
         kmovd %k1, %ebx; CHECK_EQ(l, %eax, %ebx); notl %ebx; \
         .byte 0xc4, 0xe1, 0xfb, 0x93, 0xd9; /* KMOVD EBX, K1 */ CHECK_EQ(l, %eax, %ebx); \
         .byte 0x62, 0xf2, 0xfd, 0x08, 0x7c, 0xc0; /* VPBROADCASTD XMM0, EAX */ \
         vmovd %eax, %xmm1; vpbroadcastd %xmm1, %xmm1; CHECK_SAME(%xmm0, %xmm1))
    PASS

    .data
    .balign 32
odd:
    .long 1, 3, 5, 7, 9, 11, 13, 15
with_sign:
    .fill 8, 4, 0xbfffffff
without_sign:
    .fill 8, 4, 0x3fffffff
least:
    .fill 8, 4, 0x20000000
magnitude:
    .quad ~(1 << 63), ~(1 << 63), ~(1 << 63), ~(1 << 63)
ones:
    .double 1, 1, 1, 1
/* e = 1.5 * 2^-12 and 2^-14, and (1 + e)^2 - 1. */
bound_rcp:
    .double 3.662109375e-4, 3.662109375e-4, 3.662109375e-4, 3.662109375e-4
bound_rsqrt:
    .double 7.3255598545e-4, 7.3255598545e-4, 7.3255598545e-4, 7.3255598545e-4
bound_rcp14:
    .double 6.103515625e-5, 6.103515625e-5, 6.103515625e-5, 6.103515625e-5
bound_rsqrt14:
    .double 1.2207403779e-4, 1.2207403779e-4, 1.2207403779e-4, 1.2207403779e-4
above:
    .long 0x11223344, 0x55667788, 0x99aabbcc, 0xddeeff00
near_halves:
    .fill 8, 4, 0xffff8003
low_bit:
    .fill 4, 4, 1
below_half:
    .fill 4, 4, 0x7fff
low_byte:
    .fill 16, 2, 0xff
