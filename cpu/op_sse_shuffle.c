/* op_sse_shuffle.c - elements of XMM registers moved about: unpack, pack, shuffle,
 * blend, align. With VEX the same in each 128-bit lane.
 */
#include "cpu/evop.h"
#include "cpu/simd.h"

/* ---- two operands: SHUFFLE(name, bits of imm that a lane uses up, low half of the
 * result, high half) ---- */

#define SHUFFLE(name, step, low, high)                                                 \
    static ALWAYS_INLINE struct x128 name(struct x128 a, struct x128 b, unsigned imm)  \
    {                                                                                  \
        (void)imm, (void)a;                                                            \
        return x128(low, high);                                                        \
    }                                                                                  \
    void op_sse_##name(struct cpu *c, const struct insn *i)                            \
    {                                                                                  \
        struct x128 b = vec_load(c, i), a = vec_get(c, i->reg);                        \
        vec_put(c, i->reg, name(a, b, (unsigned)i->imm));                              \
    }                                                                                  \
    VOP_LANES(name, step, name)

SHUFFLE(punpcklbw, 0, lanes_interleave(8, x32(a, 0), x32(b, 0)),
        lanes_interleave(8, x32(a, 1), x32(b, 1)))
SHUFFLE(punpckhbw, 0, lanes_interleave(8, x32(a, 2), x32(b, 2)),
        lanes_interleave(8, x32(a, 3), x32(b, 3)))
SHUFFLE(punpcklwd, 0, lanes_interleave(16, x32(a, 0), x32(b, 0)),
        lanes_interleave(16, x32(a, 1), x32(b, 1)))
SHUFFLE(punpckhwd, 0, lanes_interleave(16, x32(a, 2), x32(b, 2)),
        lanes_interleave(16, x32(a, 3), x32(b, 3)))
SHUFFLE(punpckldq, 0, two32(x32(a, 0), x32(b, 0)), two32(x32(a, 1), x32(b, 1)))
SHUFFLE(punpckhdq, 0, two32(x32(a, 2), x32(b, 2)), two32(x32(a, 3), x32(b, 3)))
SHUFFLE(punpcklqdq, 0, a.q[0], b.q[0])
SHUFFLE(punpckhqdq, 0, a.q[1], b.q[1])

#define PACK(w, x, low, high)                                                          \
    two32(lanes_pack(w, x.q[0], low, high), lanes_pack(w, x.q[1], low, high))

SHUFFLE(packsswb, 0, PACK(16, a, -128, 127), PACK(16, b, -128, 127))
SHUFFLE(packuswb, 0, PACK(16, a, 0, 255), PACK(16, b, 0, 255))
SHUFFLE(packssdw, 0, PACK(32, a, -32768, 32767), PACK(32, b, -32768, 32767))
SHUFFLE(packusdw, 0, PACK(32, a, 0, 65535), PACK(32, b, 0, 65535))

EVOP_WHOLE(punpcklbw, 1, VOP_FULL, v_punpcklbw)
EVOP_WHOLE(punpckhbw, 1, VOP_FULL, v_punpckhbw)
EVOP_WHOLE(punpcklwd, 2, VOP_FULL, v_punpcklwd)
EVOP_WHOLE(punpckhwd, 2, VOP_FULL, v_punpckhwd)
EVOP_WHOLE(punpckldq, 4, VOP_FULL, v_punpckldq)
EVOP_WHOLE(punpckhdq, 4, VOP_FULL, v_punpckhdq)
EVOP_WHOLE(punpcklqdq, 8, VOP_FULL, v_punpcklqdq)
EVOP_WHOLE(punpckhqdq, 8, VOP_FULL, v_punpckhqdq)
EVOP_WHOLE(packsswb, 1, VOP_FULL, v_packsswb)
EVOP_WHOLE(packuswb, 1, VOP_FULL, v_packuswb)
EVOP_WHOLE_FROM(packssdw, 2, VOP_FULL, 4, v_packssdw)
EVOP_WHOLE_FROM(packusdw, 2, VOP_FULL, 4, v_packusdw)

static ALWAYS_INLINE struct x128 pshufb(struct x128 a, struct x128 b, unsigned imm)
{
    struct shuffle_table t = shuffle_table(a.q, 16);

    (void)imm;
    return x128(lanes_shuffle(&t, b.q[0]), lanes_shuffle(&t, b.q[1]));
}

void op_sse_pshufb(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i), a = vec_get(c, i->reg);
    vec_put(c, i->reg, pshufb(a, b, 0));
}

VOP_LANES(pshufb, 0, pshufb)
EVOP_WHOLE(pshufb, 1, VOP_FULL, v_pshufb)

/* ---- with an immediate ---- */

#define PICK(n) (imm >> 2 * (n) & 3)

SHUFFLE(shufps, 0, two32(x32(a, PICK(0)), x32(a, PICK(1))),
        two32(x32(b, PICK(2)), x32(b, PICK(3))))
SHUFFLE(shufpd, 2, a.q[imm & 1], b.q[imm >> 1 & 1])
SHUFFLE(pshufd, 0, two32(x32(b, PICK(0)), x32(b, PICK(1))),
        two32(x32(b, PICK(2)), x32(b, PICK(3))))

static ALWAYS_INLINE uint64_t pick_words(unsigned imm, uint64_t q)
{
    uint64_t r = 0;
    for (unsigned n = 0; n < 4; n++)
        r |= lane_put(16, n, lane_get(16, q, PICK(n)));
    return r;
}

SHUFFLE(pshuflw, 0, pick_words(imm, b.q[0]), b.q[1])
SHUFFLE(pshufhw, 0, b.q[0], pick_words(imm, b.q[1]))

EVOP_WHOLE(shufps, 4, VOP_FULL, v_shufps)
EVOP_WHOLE(shufpd, 8, VOP_FULL, v_shufpd)
EVOP_WHOLE(pshufd, 4, VOP_FULL, v_pshufd)
EVOP_WHOLE(pshuflw, 2, VOP_FULL, v_pshuflw)
EVOP_WHOLE(pshufhw, 2, VOP_FULL, v_pshufhw)
EVOP_WHOLE(unpcklps, 4, VOP_FULL, v_punpckldq)
EVOP_WHOLE(unpckhps, 4, VOP_FULL, v_punpckhdq)
EVOP_WHOLE(unpcklpd, 8, VOP_FULL, v_punpcklqdq)
EVOP_WHOLE(unpckhpd, 8, VOP_FULL, v_punpckhqdq)

/* The first operand stands above the second; bytes come from imm upwards, then zeros.
 */
static ALWAYS_INLINE struct x128 palignr(struct x128 a, struct x128 b, unsigned imm)
{
    unsigned n = imm & 0xff;
    struct x128 low = bytes_down(b, n);
    struct x128 high = n < 16 ? bytes_up(a, 16 - n) : bytes_down(a, n - 16);
    return x128(low.q[0] | high.q[0], low.q[1] | high.q[1]);
}

void op_sse_palignr(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i), a = vec_get(c, i->reg);
    vec_put(c, i->reg, palignr(a, b, (unsigned)i->imm));
}

VOP_LANES(palignr, 0, palignr)
EVOP_WHOLE(palignr, 1, VOP_FULL, v_palignr)

/* ---- blends: where the mask is set, the second operand ---- */

/* Lanes of w bits, all ones where the bit of imm is set; lane 0 has bit 0. */
static ALWAYS_INLINE uint64_t mask_of(unsigned w, unsigned imm)
{
    uint64_t m = 0;
    for (unsigned n = 0; n < 64 / w; n++)
        m |= imm >> n & 1 ? ~0ull >> (64 - w) << n * w : 0;
    return m;
}

#define BLEND(name, w, step)                                                           \
    SHUFFLE(name, step, lanes_pick(mask_of(w, imm), b.q[0], a.q[0]),                   \
            lanes_pick(mask_of(w, imm >> 64 / w), b.q[1], a.q[1]))

BLEND(pblendw, 16, 0)
BLEND(blendps, 32, 4)
BLEND(blendpd, 64, 2)

/* The mask is the top bit of each lane of XMM0; with VEX, of the register in is4. */
#define BLENDV(name, w)                                                                \
    static ALWAYS_INLINE uint64_t name(uint64_t a, uint64_t b, uint64_t mask)          \
    {                                                                                  \
        return lanes_pick(lanes_fill(w, mask & lanes_top(w)), b, a);                   \
    }                                                                                  \
    void op_sse_##name(struct cpu *c, const struct insn *i)                            \
    {                                                                                  \
        struct x128 b = vec_load(c, i), a = vec_get(c, i->reg);                        \
        vec_put(c, i->reg,                                                             \
                x128(name(a.q[0], b.q[0], c->v[0].q[0]),                               \
                     name(a.q[1], b.q[1], c->v[0].q[1])));                             \
    }                                                                                  \
    static ALWAYS_INLINE void v_##name(struct vop *o)                                  \
    {                                                                                  \
        for (unsigned n = 0; n < o->words; n++)                                        \
            o->d.q[n] = name(o->a.q[n], o->b.q[n], o->d.q[n]);                         \
    }                                                                                  \
    VOP_IS4(name, VOP_FULL, v_##name)

BLENDV(pblendvb, 8)
BLENDV(blendvps, 32)
BLENDV(blendvpd, 64)
