/* wide.c - square root and division of 128-bit numbers. */
#include "cpu/wide.h"

/* floor(sqrt(n)) of a 16-bit n >= 2^14, and the rest. */
static uint32_t sqrt16(uint32_t n, uint32_t *rest)
{
    uint32_t root = 0;
    for (uint32_t bit = 0x80; bit; bit >>= 1)
        if ((root | bit) * (root | bit) <= n)
            root |= bit;
    *rest = n - root * root;
    return root;
}

/* One doubling step; everything fits 64 bits. n has 4 * half bits, top two not both 0.
 */
static uint64_t sqrt_step(uint64_t root, uint64_t rest, uint64_t n, unsigned half,
                          uint64_t *rest_out)
{
    uint64_t mask = (1ull << half) - 1;
    uint64_t num = rest << half | (n >> half & mask), q = num / (2 * root),
             u = num % (2 * root), s = (root << half) + q;
    int64_t r = (int64_t)(u << half | (n & mask)) - (int64_t)(q * q);

    if (r < 0) {
        r += 2 * (int64_t)s - 1;
        s--;
    }
    *rest_out = (uint64_t)r;
    return s;
}

uint64_t sqrt128(struct u128 n, uint64_t *rest, bool *carry)
{
    uint32_t r16;
    uint64_t r, s = sqrt16((uint32_t)(n.hi >> 48), &r16);

    s = sqrt_step(s, r16, n.hi >> 32, 8, &r);
    s = sqrt_step(s, r, n.hi, 16, &r);

    /* The last step: (r * 2^32 + next) / (2 s) has a 65-bit numerator, so both are
     * shifted left until the divisor is normal. The quotient may be 2^32. */
    struct u128 num = {r >> 1, r << 63 | n.lo >> 32 << 31};
    uint64_t u, q = div128(num, s << 32, &u);
    struct u128 root = add128((struct u128){s >> 32, s << 32}, (struct u128){0, q});
    u >>= 31;
    struct u128 left = {u >> 32, u << 32 | (uint32_t)n.lo};
    left = sub128(left, mul64(q, q));
    /* Negative (q was one too large) or root = 2^64: step down once. */
    while ((left.hi >> 63) || root.hi) {
        struct u128 twice = shl128(root, 1);
        left = sub128(add128(left, twice), (struct u128){0, 1});
        root = sub128(root, (struct u128){0, 1});
    }
    *rest = left.lo;
    *carry = left.hi != 0;
    return root.lo;
}

struct u128 divfrac128(struct u128 n, struct u128 d)
{
    /* Two 64-bit digits, each estimated from d.hi and corrected downwards: algorithm D
     * again, in base 2^64. */
    uint64_t q[2];

    for (unsigned k = 0; k < 2; k++) {
        uint64_t digit, rest;
        struct u128 p;
        bool over; /* rest no longer fits 64 bits: the estimate cannot be too large */
        if (n.hi >= d.hi) {
            digit = UINT64_MAX;
            rest = n.lo + d.hi; /* n - (2^64 - 1) * d.hi with n.hi == d.hi */
            over = rest < d.hi;
        } else {
            digit = div128(n, d.hi, &rest);
            over = false;
        }
        p = mul64(digit, d.lo);
        while (!over && less128((struct u128){rest, 0}, p)) {
            digit--;
            p = sub128(p, (struct u128){0, d.lo});
            rest += d.hi;
            over = rest < d.hi;
        }
        q[k] = digit;
        /* The remainder is below d, so its 128 low bits are all of it. */
        n = sub128((struct u128){rest, 0}, p);
    }
    return (struct u128){q[0], q[1]};
}
