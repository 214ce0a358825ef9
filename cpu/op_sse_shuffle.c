/* op_sse_shuffle.c - elements of XMM registers moved about: unpack, pack, shuffle,
 * blend, align.
 */
#include "cpu/simd.h"

/* ---- two operands: SHUFFLE(name, low half of the result, high half) ---- */

#define SHUFFLE(name, low, high)                                                       \
    void op_sse_##name(struct cpu *c, const struct insn *i)                            \
    {                                                                                  \
        struct x128 b = vec_load(c, i), a = vec_get(c, i->reg);                    \
        vec_put(c, i->reg, x128(low, high));                                           \
    }

SHUFFLE(punpcklbw, lanes_interleave(8, x32(a, 0), x32(b, 0)),
        lanes_interleave(8, x32(a, 1), x32(b, 1)))
SHUFFLE(punpckhbw, lanes_interleave(8, x32(a, 2), x32(b, 2)),
        lanes_interleave(8, x32(a, 3), x32(b, 3)))
SHUFFLE(punpcklwd, lanes_interleave(16, x32(a, 0), x32(b, 0)),
        lanes_interleave(16, x32(a, 1), x32(b, 1)))
SHUFFLE(punpckhwd, lanes_interleave(16, x32(a, 2), x32(b, 2)),
        lanes_interleave(16, x32(a, 3), x32(b, 3)))
SHUFFLE(punpckldq, two32(x32(a, 0), x32(b, 0)), two32(x32(a, 1), x32(b, 1)))
SHUFFLE(punpckhdq, two32(x32(a, 2), x32(b, 2)), two32(x32(a, 3), x32(b, 3)))
SHUFFLE(punpcklqdq, a.q[0], b.q[0])
SHUFFLE(punpckhqdq, a.q[1], b.q[1])

#define PACK(w, x, low, high)                                                          \
    two32(lanes_pack(w, x.q[0], low, high), lanes_pack(w, x.q[1], low, high))

SHUFFLE(packsswb, PACK(16, a, -128, 127), PACK(16, b, -128, 127))
SHUFFLE(packuswb, PACK(16, a, 0, 255), PACK(16, b, 0, 255))
SHUFFLE(packssdw, PACK(32, a, -32768, 32767), PACK(32, b, -32768, 32767))
SHUFFLE(packusdw, PACK(32, a, 0, 65535), PACK(32, b, 0, 65535))

void op_sse_pshufb(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i), a = vec_get(c, i->reg);
    struct shuffle_table t = shuffle_table(a.q, 16);

    vec_put(c, i->reg, x128(lanes_shuffle(&t, b.q[0]), lanes_shuffle(&t, b.q[1])));
}

/* ---- with an immediate ---- */

#define PICK(n) ((unsigned)i->imm >> 2 * (n)&3)

SHUFFLE(shufps, two32(x32(a, PICK(0)), x32(a, PICK(1))),
        two32(x32(b, PICK(2)), x32(b, PICK(3))))
SHUFFLE(shufpd, a.q[i->imm & 1], b.q[i->imm >> 1 & 1])

void op_sse_pshufd(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i);
    vec_put(c, i->reg,
            x128(two32(x32(b, PICK(0)), x32(b, PICK(1))),
                 two32(x32(b, PICK(2)), x32(b, PICK(3)))));
}

static ALWAYS_INLINE uint64_t pick_words(const struct insn *i, uint64_t q)
{
    uint64_t r = 0;
    for (unsigned n = 0; n < 4; n++)
        r |= lane_put(16, n, lane_get(16, q, PICK(n)));
    return r;
}

void op_sse_pshuflw(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i);
    vec_put(c, i->reg, x128(pick_words(i, b.q[0]), b.q[1]));
}

void op_sse_pshufhw(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i);
    vec_put(c, i->reg, x128(b.q[0], pick_words(i, b.q[1])));
}

/* The first operand stands above the second; bytes come from imm upwards, then zeros.
 */
void op_sse_palignr(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i), a = vec_get(c, i->reg), low, high;
    unsigned n = (unsigned)i->imm & 0xff;

    low = bytes_down(b, n);
    high = n < 16 ? bytes_up(a, 16 - n) : bytes_down(a, n - 16);
    vec_put(c, i->reg, x128(low.q[0] | high.q[0], low.q[1] | high.q[1]));
}

/* ---- blends: where the mask is set, the second operand ---- */

/* Lanes of w bits, all ones where the bit of imm is set; lane 0 has bit 0. */
static ALWAYS_INLINE uint64_t mask_of(unsigned w, unsigned imm)
{
    uint64_t m = 0;
    for (unsigned n = 0; n < 64 / w; n++)
        m |= imm >> n & 1 ? ~0ull >> (64 - w) << n * w : 0;
    return m;
}

#define BLEND(name, low, high)                                                         \
    SHUFFLE(name, lanes_pick(low, b.q[0], a.q[0]), lanes_pick(high, b.q[1], a.q[1]))

BLEND(pblendw, mask_of(16, (unsigned)i->imm), mask_of(16, (unsigned)i->imm >> 4))
BLEND(blendps, mask_of(32, (unsigned)i->imm), mask_of(32, (unsigned)i->imm >> 2))
BLEND(blendpd, mask_of(64, (unsigned)i->imm), mask_of(64, (unsigned)i->imm >> 1))

/* The mask is the top bit of each lane of XMM0. */
#define XMM0_MASK(w, h) lanes_fill(w, c->v[0].q[h] & lanes_top(w))

BLEND(pblendvb, XMM0_MASK(8, 0), XMM0_MASK(8, 1))
BLEND(blendvps, XMM0_MASK(32, 0), XMM0_MASK(32, 1))
BLEND(blendvpd, XMM0_MASK(64, 0), XMM0_MASK(64, 1))
