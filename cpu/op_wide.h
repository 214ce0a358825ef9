/* op_wide.h - 128-bit products and quotients, with or without a 128-bit type. */
#ifndef CPU_OP_WIDE_H
#define CPU_OP_WIDE_H

#include "base/types.h"

struct wide {
    uint64_t low, high;
};

static inline struct wide wide_mul(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
    unsigned __int128 p = (unsigned __int128)a * b;
    return (struct wide){(uint64_t)p, (uint64_t)(p >> 64)};
#else
    uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
    uint64_t ll = al * bl, lh = al * bh, hl = ah * bl;
    uint64_t middle = (ll >> 32) + (uint32_t)lh + (uint32_t)hl;
    return (struct wide){middle << 32 | (uint32_t)ll,
                         ah * bh + (lh >> 32) + (hl >> 32) + (middle >> 32)};
#endif
}

static inline struct wide wide_neg(struct wide a)
{
    return (struct wide){~a.low + 1, ~a.high + (a.low == 0)};
}

/* Signed: the unsigned product, corrected for each negative factor. */
static inline struct wide wide_imul(uint64_t a, uint64_t b)
{
    struct wide p = wide_mul(a, b);
    p.high -= ((int64_t)a < 0 ? b : 0) + ((int64_t)b < 0 ? a : 0);
    return p;
}

/* n / d with n.high < d, so that the quotient fits. */
static inline uint64_t wide_div(struct wide n, uint64_t d, uint64_t *remainder)
{
#ifdef __SIZEOF_INT128__
    unsigned __int128 v = (unsigned __int128)n.high << 64 | n.low;
    *remainder = (uint64_t)(v % d);
    return (uint64_t)(v / d);
#else
    uint64_t q = 0, r = n.high;
    for (unsigned k = 0; k < 64; k++) {
        bool out = r >> 63;
        r = r << 1 | n.low >> 63;
        n.low <<= 1;
        q <<= 1;
        if (out || r >= d) {
            r -= d;
            q |= 1;
        }
    }
    *remainder = r;
    return q;
#endif
}

#endif
