/* oracle_x86.h - what asking a processor takes wherever it is: the XSAVE area that
 * holds its registers, and its CPUID.
 */
#ifndef TESTS_ISA_ORACLE_X86_H
#define TESTS_ISA_ORACLE_X86_H

#include "tests/isa/oracle.h"

/* State components, as bits of XCR0 (SDM vol 1 13.1). */
enum {
    XSAVE_X87 = 1 << 0,
    XSAVE_SSE = 1 << 1,
    XSAVE_AVX = 1 << 2,
    XSAVE_OPMASK = 1 << 5,
    XSAVE_ZMM_HIGH = 1 << 6, /* bits 511:256 of ZMM0 to 15 */
    XSAVE_ZMM16 = 1 << 7,    /* ZMM16 to 31 */
    XSAVE_AVX512 = XSAVE_OPMASK | XSAVE_ZMM_HIGH | XSAVE_ZMM16,
    XSAVE_HEADER = 512, /* XSTATE_BV */
};

/* EAX, EBX, ECX, EDX. False: there is no such leaf. */
typedef bool cpuid_fn(uint32_t leaf, uint32_t subleaf, uint32_t regs[4]);

/* Which components there are in an area of the standard format, and where. */
struct xsave {
    uint64_t components;
    unsigned at[8];
};

/* Of those in XCR0 the ones that the oracle knows; AVX-512 all or none. */
struct xsave xsave_find(cpuid_fn *cpuid, uint64_t xcr0);
/* Quadwords of a vector register. */
unsigned xsave_words(const struct xsave *x);
void xsave_put(const struct xsave *x, uint8_t *area, const struct regs *r);
void xsave_get(const struct xsave *x, const uint8_t *area, struct regs *r);

/* Where CPUID tells of this feature. Leaf 0: nowhere, all have it. */
struct cpuid_bit {
    uint32_t leaf, subleaf;
    uint8_t reg, bit;
};
struct cpuid_bit feature_bit(unsigned feature);

#endif
