/* fp_random.h - operands that reach the corners of floating point: repeatable. */
#ifndef TESTS_FP_RANDOM_H
#define TESTS_FP_RANDOM_H

#include "base/types.h"

struct fp_random {
    uint64_t state;
};

/* xorshift64*: Marsaglia 2003, Vigna 2016. */
static inline uint64_t fp_random(struct fp_random *r)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * 0x2545f4914f6cdd1dull;
}

/* 64 bits that are often runs of ones and zeros, so that ties and carries happen. */
static inline uint64_t fp_random_pattern(struct fp_random *r)
{
    uint64_t v = fp_random(r), kind = fp_random(r);
    unsigned a = kind >> 8 & 63, b = kind >> 16 & 63;

    switch (kind & 7) {
    case 0: return 0;
    case 1: return ~0ull << a;
    case 2: return ~0ull >> a;
    case 3: return 1ull << a;
    case 4: return (1ull << a) + (1ull << b);
    case 5: return v & (~0ull << a);
    default: return v;
    }
}

/* A float of frac fraction bits and exp_bits exponent bits. near: exponents around the
 * middle, so that two of them meet. */
static inline uint64_t fp_random_float(struct fp_random *r, unsigned frac,
                                       unsigned exp_bits)
{
    uint64_t kind = fp_random(r), max = (1ull << exp_bits) - 1, exp;
    uint64_t f = fp_random_pattern(r);

    f = (kind >> 20 & 1 ? f >> (64 - frac) : f) & ((1ull << frac) - 1);
    switch (kind & 15) {
    case 0: exp = 0; break;
    case 1: exp = max; break;
    case 2: exp = 1 + (kind >> 8 & 3); break;
    case 3: exp = max - 1 - (kind >> 8 & 3); break;
    case 4:
    case 5: exp = fp_random(r) & max; break;
    case 6: exp = max / 2 + (kind >> 8 & 63); break;
    case 7: exp = max / 2 + frac - (kind >> 8 & 3); break;
    case 8: exp = max / 4 + (kind >> 8 & 31); break;
    default: exp = max / 2 - 4 + (kind >> 8 & 7); break;
    }
    return (kind >> 21 & 1) << (frac + exp_bits) | exp << frac | f;
}

#endif
