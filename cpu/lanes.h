/* lanes.h - packed integer arithmetic on 64 bits at a time.
 *
 * MMX applies each function once, SSE twice, wider vectors more often: one body for
 * every width. A lane is one element of w bits (8, 16, 32 or 64; always a constant
 * where these are called, so that the masks fold). Lane 0 is the lowest: no byte order
 * is involved.
 *
 * The carries of one lane are kept out of the next by doing the lane's top bit apart:
 * add the rest, then put the top bit back with XOR.
 */
#ifndef CPU_LANES_H
#define CPU_LANES_H

#include "base/byteorder.h"

typedef uint64_t lane_fn(uint64_t a, uint64_t b);

/* The value 1 in every lane. */
static ALWAYS_INLINE uint64_t lanes_one(unsigned w)
{
    return w == 8    ? 0x0101010101010101
           : w == 16 ? 0x0001000100010001
           : w == 32 ? 0x0000000100000001
                     : 1;
}

/* The top bit of every lane. */
static ALWAYS_INLINE uint64_t lanes_top(unsigned w)
{
    return lanes_one(w) << (w - 1);
}

/* Lanes of all ones where the lane's top bit is set in h; h has no other bits. */
static ALWAYS_INLINE uint64_t lanes_fill(unsigned w, uint64_t h)
{
    return (h << 1) - (h >> (w - 1));
}

static ALWAYS_INLINE uint64_t lanes_pick(uint64_t mask, uint64_t yes, uint64_t no)
{
    return no ^ ((no ^ yes) & mask);
}

static ALWAYS_INLINE uint64_t lanes_add(unsigned w, uint64_t a, uint64_t b)
{
    uint64_t top = lanes_top(w);
    return ((a & ~top) + (b & ~top)) ^ ((a ^ b) & top);
}

static ALWAYS_INLINE uint64_t lanes_sub(unsigned w, uint64_t a, uint64_t b)
{
    uint64_t top = lanes_top(w);
    return ((a | top) - (b & ~top)) ^ (~(a ^ b) & top);
}

/* Lanes of ones where a < b. */
static ALWAYS_INLINE uint64_t lanes_below(unsigned w, uint64_t a, uint64_t b)
{
    uint64_t d = lanes_sub(w, a, b);
    return lanes_fill(w, ((~a & b) | (~(a ^ b) & d)) & lanes_top(w));
}

static ALWAYS_INLINE uint64_t lanes_less(unsigned w, uint64_t a, uint64_t b)
{
    return lanes_below(w, a ^ lanes_top(w), b ^ lanes_top(w));
}

static ALWAYS_INLINE uint64_t lanes_equal(unsigned w, uint64_t a, uint64_t b)
{
    uint64_t x = a ^ b, top = lanes_top(w);
    /* The top bit of a lane: is any bit of x set there? */
    return lanes_fill(w, ~(((x & ~top) + ~top) | x) & top);
}

static ALWAYS_INLINE uint64_t lanes_add_unsigned(unsigned w, uint64_t a, uint64_t b)
{
    uint64_t s = lanes_add(w, a, b);
    return s | lanes_fill(w, ((a & b) | ((a | b) & ~s)) & lanes_top(w));
}

static ALWAYS_INLINE uint64_t lanes_sub_unsigned(unsigned w, uint64_t a, uint64_t b)
{
    return lanes_sub(w, a, b) & ~lanes_below(w, a, b);
}

/* The largest or smallest signed number, by the sign of a. */
static ALWAYS_INLINE uint64_t lanes_bound(unsigned w, uint64_t a)
{
    return lanes_add(w, ~lanes_top(w), a >> (w - 1) & lanes_one(w));
}

static ALWAYS_INLINE uint64_t lanes_add_signed(unsigned w, uint64_t a, uint64_t b)
{
    uint64_t s = lanes_add(w, a, b);
    uint64_t over = lanes_fill(w, ~(a ^ b) & (a ^ s) & lanes_top(w));
    return lanes_pick(over, lanes_bound(w, a), s);
}

static ALWAYS_INLINE uint64_t lanes_sub_signed(unsigned w, uint64_t a, uint64_t b)
{
    uint64_t d = lanes_sub(w, a, b);
    uint64_t over = lanes_fill(w, (a ^ b) & (a ^ d) & lanes_top(w));
    return lanes_pick(over, lanes_bound(w, a), d);
}

/* (a + b + 1) >> 1 with the carry kept. */
static ALWAYS_INLINE uint64_t lanes_average(unsigned w, uint64_t a, uint64_t b)
{
    return lanes_sub(w, a | b, (a ^ b) >> 1 & ~lanes_top(w));
}

/* n below w. */
static ALWAYS_INLINE uint64_t lanes_shl(unsigned w, uint64_t a, unsigned n)
{
    return a << n & lanes_one(w) * (~0ull >> (64 - w) << n & ~0ull >> (64 - w));
}

static ALWAYS_INLINE uint64_t lanes_shr(unsigned w, uint64_t a, unsigned n)
{
    return a >> n & lanes_one(w) * (~0ull >> (64 - w) >> n);
}

static ALWAYS_INLINE uint64_t lanes_sar(unsigned w, uint64_t a, unsigned n)
{
    uint64_t kept = lanes_one(w) * (~0ull >> (64 - w) >> n);
    return (a >> n & kept) | (lanes_fill(w, a & lanes_top(w)) & ~kept);
}

/* Lane n of a, as an unsigned or a signed number; w at most 32. */
static ALWAYS_INLINE uint32_t lane_get(unsigned w, uint64_t a, unsigned n)
{
    return (uint32_t)(a >> n * w & ~0ull >> (64 - w));
}

static ALWAYS_INLINE int32_t lane_signed(unsigned w, uint64_t a, unsigned n)
{
    uint32_t top = 1u << (w - 1);
    return (int32_t)((lane_get(w, a, n) ^ top) - top);
}

/* v as lane n: truncated to w bits. */
static ALWAYS_INLINE uint64_t lane_put(unsigned w, unsigned n, uint64_t v)
{
    return (v & ~0ull >> (64 - w)) << n * w;
}

static ALWAYS_INLINE int32_t clamp(int32_t v, int32_t low, int32_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* ---- the operations, by mnemonic: LANES(name, expression of a and b) ---- */

#define LANES(name, expr)                                                              \
    static ALWAYS_INLINE uint64_t lane_##name(uint64_t a, uint64_t b)                  \
    {                                                                                  \
        (void)a; /* PABS has one operand */                                            \
        return expr;                                                                   \
    }

LANES(paddb, lanes_add(8, a, b))
LANES(paddw, lanes_add(16, a, b))
LANES(paddd, lanes_add(32, a, b))
LANES(paddq, a + b)
LANES(psubb, lanes_sub(8, a, b))
LANES(psubw, lanes_sub(16, a, b))
LANES(psubd, lanes_sub(32, a, b))
LANES(psubq, a - b)
LANES(paddsb, lanes_add_signed(8, a, b))
LANES(paddsw, lanes_add_signed(16, a, b))
LANES(paddusb, lanes_add_unsigned(8, a, b))
LANES(paddusw, lanes_add_unsigned(16, a, b))
LANES(psubsb, lanes_sub_signed(8, a, b))
LANES(psubsw, lanes_sub_signed(16, a, b))
LANES(psubusb, lanes_sub_unsigned(8, a, b))
LANES(psubusw, lanes_sub_unsigned(16, a, b))
LANES(pavgb, lanes_average(8, a, b))
LANES(pavgw, lanes_average(16, a, b))
LANES(pcmpeqb, lanes_equal(8, a, b))
LANES(pcmpeqw, lanes_equal(16, a, b))
LANES(pcmpeqd, lanes_equal(32, a, b))
LANES(pcmpeqq, a == b ? ~0ull : 0)
LANES(pcmpgtb, lanes_less(8, b, a))
LANES(pcmpgtw, lanes_less(16, b, a))
LANES(pcmpgtd, lanes_less(32, b, a))
LANES(pcmpgtq, (int64_t)a > (int64_t)b ? ~0ull : 0)
LANES(pminub, lanes_pick(lanes_below(8, a, b), a, b))
LANES(pminuw, lanes_pick(lanes_below(16, a, b), a, b))
LANES(pminud, lanes_pick(lanes_below(32, a, b), a, b))
LANES(pminsb, lanes_pick(lanes_less(8, a, b), a, b))
LANES(pminsw, lanes_pick(lanes_less(16, a, b), a, b))
LANES(pminsd, lanes_pick(lanes_less(32, a, b), a, b))
LANES(pmaxub, lanes_pick(lanes_below(8, a, b), b, a))
LANES(pmaxuw, lanes_pick(lanes_below(16, a, b), b, a))
LANES(pmaxud, lanes_pick(lanes_below(32, a, b), b, a))
LANES(pmaxsb, lanes_pick(lanes_less(8, a, b), b, a))
LANES(pmaxsw, lanes_pick(lanes_less(16, a, b), b, a))
LANES(pmaxsd, lanes_pick(lanes_less(32, a, b), b, a))
LANES(pand, a & b)
LANES(pandn, ~a & b)
LANES(por, a | b)
LANES(pxor, a ^ b)
/* Absolute value of b; a plays no part. */
LANES(pabsb, lanes_pick(lanes_fill(8, b & lanes_top(8)), lanes_sub(8, 0, b), b))
LANES(pabsw, lanes_pick(lanes_fill(16, b & lanes_top(16)), lanes_sub(16, 0, b), b))
LANES(pabsd, lanes_pick(lanes_fill(32, b & lanes_top(32)), lanes_sub(32, 0, b), b))
/* a, negated where b is negative, zero where b is zero. */
LANES(psignb, lanes_pick(lanes_fill(8, b & lanes_top(8)), lanes_sub(8, 0, a), a) &
                  ~lanes_equal(8, b, 0))
LANES(psignw, lanes_pick(lanes_fill(16, b & lanes_top(16)), lanes_sub(16, 0, a), a) &
                  ~lanes_equal(16, b, 0))
LANES(psignd, lanes_pick(lanes_fill(32, b & lanes_top(32)), lanes_sub(32, 0, a), a) &
                  ~lanes_equal(32, b, 0))
LANES(pmuludq, (uint64_t)(uint32_t)a * (uint32_t)b)
LANES(pmuldq, (uint64_t)((int64_t)(int32_t)(uint32_t)a * (int32_t)(uint32_t)b))
LANES(pmulld, (uint32_t)((uint32_t)a * (uint32_t)b) | (a >> 32) * (b >> 32) << 32)
#undef LANES

/* The same, from an expression of x and y, the lanes as signed numbers of w bits. */
#define EACH(w, name, expr)                                                            \
    static ALWAYS_INLINE uint64_t lane_##name(uint64_t a, uint64_t b)                  \
    {                                                                                  \
        uint64_t r = 0;                                                                \
        for (unsigned n = 0; n < 64 / w; n++) {                                        \
            int32_t x = lane_signed(w, a, n), y = lane_signed(w, b, n);                \
            r |= lane_put(w, n, (uint64_t)(int64_t)(expr));                            \
        }                                                                              \
        return r;                                                                      \
    }

EACH(16, pmullw, x * y)
EACH(16, pmulhw, (x * y) >> 16)
EACH(16, pmulhuw, (uint32_t)(uint16_t)x * (uint16_t)y >> 16)
EACH(16, pmulhrsw, ((x * y >> 14) + 1) >> 1)
#undef EACH

/* PMADDWD: two products of words, added to a doubleword. Only -8000h four times
 * overflows, to 80000000h: hence the unsigned sum. */
static ALWAYS_INLINE uint64_t lane_pmaddwd(uint64_t a, uint64_t b)
{
    uint64_t r = 0;
    for (unsigned n = 0; n < 2; n++) {
        uint32_t low =
            (uint32_t)(lane_signed(16, a, 2 * n) * lane_signed(16, b, 2 * n));
        uint32_t high =
            (uint32_t)(lane_signed(16, a, 2 * n + 1) * lane_signed(16, b, 2 * n + 1));
        r |= lane_put(32, n, low + high);
    }
    return r;
}

/* PMADDUBSW: bytes of a unsigned, of b signed; pairs added with saturation. */
static ALWAYS_INLINE uint64_t lane_pmaddubsw(uint64_t a, uint64_t b)
{
    uint64_t r = 0;
    for (unsigned n = 0; n < 4; n++) {
        int32_t low = (int32_t)lane_get(8, a, 2 * n) * lane_signed(8, b, 2 * n);
        int32_t high =
            (int32_t)lane_get(8, a, 2 * n + 1) * lane_signed(8, b, 2 * n + 1);
        r |= lane_put(16, n, (uint64_t)(int64_t)clamp(low + high, -32768, 32767));
    }
    return r;
}

/* PSADBW: the sum of the eight absolute differences. */
static ALWAYS_INLINE uint64_t lane_psadbw(uint64_t a, uint64_t b)
{
    uint64_t below = lanes_below(8, a, b);
    uint64_t d = lanes_pick(below, lanes_sub(8, b, a), lanes_sub(8, a, b));
    uint64_t even = (d & 0x00ff00ff00ff00ff) + (d >> 8 & 0x00ff00ff00ff00ff);
    return even * 0x0001000100010001 >> 48;
}

/* ---- halves of a result wider than its sources: packs and unpacks ---- */

/* Lanes of w bits moved apart, each into twice its width; and back. */
static ALWAYS_INLINE uint64_t lanes_spread(unsigned w, uint32_t a)
{
    uint64_t r = (a | (uint64_t)a << 16) & 0x0000ffff0000ffff;
    return w == 16 ? r : (r | r << 8) & 0x00ff00ff00ff00ff;
}

static ALWAYS_INLINE uint32_t lanes_gather(unsigned w, uint64_t a)
{
    if (w == 8) {
        a &= 0x00ff00ff00ff00ff;
        a |= a >> 8;
    }
    a &= 0x0000ffff0000ffff;
    return (uint32_t)(a | a >> 16);
}

/* The lanes of a and b in turn, a's first; w is 8 or 16. */
static ALWAYS_INLINE uint64_t lanes_interleave(unsigned w, uint32_t a, uint32_t b)
{
    return lanes_spread(w, a) | lanes_spread(w, b) << w;
}

/* The lanes of a, w bits wide and signed, clamped and made half as wide: 32 bits. */
static ALWAYS_INLINE uint32_t lanes_pack(unsigned w, uint64_t a, int32_t low,
                                         int32_t high)
{
    uint64_t least = lanes_one(w) * ((uint32_t)low & ~0u >> (32 - w));
    uint64_t most = lanes_one(w) * (uint32_t)high;

    a = lanes_pick(lanes_less(w, a, least), least, a);
    a = lanes_pick(lanes_less(w, most, a), most, a);
    return lanes_gather(w / 2, a);
}

/* Sums or differences of neighbouring lanes: the low half of the result from a, the
 * high half from b, as PHADD and PHSUB have it for 64 bits. */
static ALWAYS_INLINE uint32_t lanes_pairs_add(unsigned w, uint64_t a)
{
    uint64_t s = lanes_add(w, a, a >> w);
    return w == 32 ? (uint32_t)s : (uint32_t)((s & 0xffff) | (s >> 16 & 0xffff0000));
}

static ALWAYS_INLINE uint32_t lanes_pairs_sub(unsigned w, uint64_t a)
{
    uint64_t s = lanes_sub(w, a, a >> w);
    return w == 32 ? (uint32_t)s : (uint32_t)((s & 0xffff) | (s >> 16 & 0xffff0000));
}

static ALWAYS_INLINE uint32_t lanes_pairs_add_signed(uint64_t a)
{
    uint64_t s = lanes_add_signed(16, a, a >> 16);
    return (uint32_t)((s & 0xffff) | (s >> 16 & 0xffff0000));
}

static ALWAYS_INLINE uint32_t lanes_pairs_sub_signed(uint64_t a)
{
    uint64_t s = lanes_sub_signed(16, a, a >> 16);
    return (uint32_t)((s & 0xffff) | (s >> 16 & 0xffff0000));
}

/* The top bits of the eight bytes, as bits 7:0 (PMOVMSKB). */
static ALWAYS_INLINE unsigned lanes_signs(uint64_t a)
{
    /* Each of the eight bits is carried to bits 63:56 by one factor of the product; no
     * two meet. */
    return (unsigned)((a >> 7 & 0x0101010101010101) * 0x0102040810204080 >> 56);
}

/* Bytes for PSHUFB to pick from: n of them (8 or 16) from q, and zeros from 16 on. */
struct shuffle_table {
    uint8_t at[32];
};

static ALWAYS_INLINE struct shuffle_table shuffle_table(const uint64_t *q, unsigned n)
{
    struct shuffle_table t = {{0}};
    store64(t.at, q[0]);
    store64(t.at + 8, q[n / 8 - 1]); /* eight repeat: only index bits 2:0 count */
    return t;
}

/* Eight bytes picked by bits 3:0 of each byte of order; 0 where its bit 7 is set. */
static ALWAYS_INLINE uint64_t lanes_shuffle(const struct shuffle_table *t,
                                            uint64_t order)
{
    uint64_t r = 0;

    order = (order & 0x0f0f0f0f0f0f0f0f) | (order >> 3 & 0x1010101010101010);
    for (unsigned n = 0; n < 8; n++)
        r |= (uint64_t)t->at[order >> 8 * n & 31] << 8 * n;
    return r;
}

#endif
