/* wide.h - 128-bit arithmetic for floating point, without a 128-bit host type. */
#ifndef CPU_WIDE_H
#define CPU_WIDE_H

#include "base/types.h"

/* hi * 2^64 + lo, or as a fraction (hi + lo * 2^-64) * 2^-64. */
struct u128 {
    uint64_t hi, lo;
};

/* Leading zeros; v is not zero. */
static ALWAYS_INLINE unsigned clz64(uint64_t v)
{
#if defined(__GNUC__)
    return (unsigned)__builtin_clzll(v);
#else
    unsigned n = 0;
    for (unsigned s = 32; s; s >>= 1)
        if (!(v >> (64 - s))) {
            v <<= s;
            n += s;
        }
    return n;
#endif
}

static ALWAYS_INLINE struct u128 mul64(uint64_t a, uint64_t b)
{
#if defined(__SIZEOF_INT128__)
    unsigned __int128 p = (unsigned __int128)a * b;
    return (struct u128){(uint64_t)(p >> 64), (uint64_t)p};
#else
    uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
    uint64_t low = al * bl, m1 = ah * bl + (low >> 32), m2 = al * bh + (uint32_t)m1;
    return (struct u128){ah * bh + (m1 >> 32) + (m2 >> 32), m2 << 32 | (uint32_t)low};
#endif
}

static ALWAYS_INLINE struct u128 add128(struct u128 a, struct u128 b)
{
    uint64_t lo = a.lo + b.lo;
    return (struct u128){a.hi + b.hi + (lo < a.lo), lo};
}

static ALWAYS_INLINE struct u128 sub128(struct u128 a, struct u128 b)
{
    return (struct u128){a.hi - b.hi - (a.lo < b.lo), a.lo - b.lo};
}

static ALWAYS_INLINE bool less128(struct u128 a, struct u128 b)
{
    return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo);
}

/* n below 128. */
static ALWAYS_INLINE struct u128 shl128(struct u128 a, unsigned n)
{
    if (n >= 64)
        return (struct u128){a.lo << (n - 64), 0};
    if (!n)
        return a;
    return (struct u128){a.hi << n | a.lo >> (64 - n), a.lo << n};
}

static ALWAYS_INLINE struct u128 shr128(struct u128 a, unsigned n)
{
    if (n >= 128)
        return (struct u128){0, 0};
    if (n >= 64)
        return (struct u128){0, a.hi >> (n - 64)};
    if (!n)
        return a;
    return (struct u128){a.hi >> n, a.lo >> n | a.hi << (64 - n)};
}

/* Shifts right; what falls out leaves a one in the last bit ("jams"), so that rounding
 * still knows that the value is not exact. Any n. */
static ALWAYS_INLINE uint64_t shr_jam(uint64_t v, unsigned n)
{
    if (UNLIKELY(n > 63))
        return v != 0;
    return v >> n | ((v & ((1ull << n) - 1)) != 0);
}

static ALWAYS_INLINE struct u128 shr_jam128(struct u128 a, unsigned n)
{
    if (n == 0)
        return a;
    if (n < 64)
        return (struct u128){a.hi >> n,
                             a.hi << (64 - n) | a.lo >> n | (a.lo << (64 - n) != 0)};
    if (n == 64)
        return (struct u128){0, a.hi | (a.lo != 0)};
    if (n < 128)
        return (struct u128){0,
                             a.hi >> (n - 64) | (a.hi << (128 - n) != 0) | (a.lo != 0)};
    return (struct u128){0, (a.hi | a.lo) != 0};
}

/* Leading zeros of a value that is not zero. */
static ALWAYS_INLINE unsigned clz128(struct u128 a)
{
    return a.hi ? clz64(a.hi) : 64 + clz64(a.lo);
}

/* The high 128 bits of the 256-bit product, at most 3 units in the last place too low.
 */
static inline struct u128 mulhi128(struct u128 a, struct u128 b)
{
    struct u128 p = mul64(a.hi, b.hi);
    struct u128 m = add128((struct u128){0, mul64(a.hi, b.lo).hi},
                           (struct u128){0, mul64(a.lo, b.hi).hi});
    return add128(p, m);
}

/* n / d for n.hi < d and d's bit 63 set; *rest gets the remainder. Two 32-bit digits by
 * schoolbook division: Knuth, The Art of Computer Programming vol 2, 4.3.1, algorithm
 * D. */
static inline uint64_t div128(struct u128 n, uint64_t d, uint64_t *rest)
{
    uint64_t dh = d >> 32, dl = (uint32_t)d, q[2], r = n.hi;
    uint32_t next[2] = {(uint32_t)(n.lo >> 32), (uint32_t)n.lo};

    for (unsigned k = 0; k < 2; k++) {
        uint64_t digit = r / dh, left = r % dh;
        while (digit >> 32 || digit * dl > (left << 32 | next[k])) {
            digit--;
            left += dh;
            if (left >> 32)
                break;
        }
        /* Modulo 2^64: the true difference fits. */
        r = (r << 32 | next[k]) - digit * d;
        q[k] = digit;
    }
    *rest = r;
    return q[0] << 32 | q[1];
}

/* floor(sqrt(n)) and the rest n - root^2, which may need 65 bits: *carry is its bit 64.
 * n is at least 2^126. Karatsuba square root (P. Zimmermann, INRIA RR-3805): half the
 * digits by recursion, the other half by one division. */
uint64_t sqrt128(struct u128 n, uint64_t *rest, bool *carry);

/* floor(n * 2^128 / d) for n < d and d's bit 127 set. */
struct u128 divfrac128(struct u128 n, struct u128 d);

#endif
