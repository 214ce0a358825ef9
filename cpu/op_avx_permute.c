/* op_avx_permute.c - what AVX and AVX2 added to the shuffles: broadcasts, halves in and
 * out, permutations within a 128-bit lane and across. Intel SDM vol 2, V-Z.
 */
#include "cpu/evop.h"

/* ---- broadcasts: the element at the bottom of r/m, everywhere ---- */

#define BROADCAST(name, size, value)                                                   \
    static ALWAYS_INLINE void v_##name(struct vop *o)                                  \
    {                                                                                  \
        uint64_t q = o->b.q[0], all = value;                                           \
        for (unsigned n = 0; n < o->words; n++)                                        \
            o->d.q[n] = all;                                                           \
    }                                                                                  \
    VOP(name, size, v_##name)

BROADCAST(pbroadcastb, VOP_1, lanes_one(8) * (uint8_t)q)
BROADCAST(pbroadcastw, VOP_2, lanes_one(16) * (uint16_t)q)
BROADCAST(pbroadcastd, VOP_4, lanes_one(32) * (uint32_t)q)
BROADCAST(pbroadcastq, VOP_8, q)

static ALWAYS_INLINE void v_broadcast128(struct vop *o)
{
    for (unsigned n = 0; n < o->words; n++)
        o->d.q[n] = o->b.q[n & 1];
}

VOP(broadcast128, VOP_16, v_broadcast128)

static ALWAYS_INLINE void v_broadcast256(struct vop *o)
{
    for (unsigned n = 0; n < o->words; n++)
        o->d.q[n] = o->b.q[n & 3];
}

EVOP_BROADCAST(pbroadcastb, 1, 1, v_pbroadcastb)
EVOP_BROADCAST(pbroadcastw, 2, 1, v_pbroadcastw)
EVOP_BROADCAST(pbroadcastd, 4, 1, v_pbroadcastd)
EVOP_BROADCAST(pbroadcastq, 8, 1, v_pbroadcastq)
EVOP_BROADCAST(broadcast32x2, 4, 2, v_pbroadcastq)
EVOP_BROADCAST(broadcast32x4, 4, 4, v_broadcast128)
EVOP_BROADCAST(broadcast64x2, 8, 2, v_broadcast128)
EVOP_BROADCAST(broadcast32x8, 4, 8, v_broadcast256)
EVOP_BROADCAST(broadcast64x4, 8, 4, v_broadcast256)

/* ---- 128 bits in and out ---- */

static ALWAYS_INLINE void v_insert128(struct vop *o)
{
    vec_copy(&o->d, &o->a, o->words);
    vop_lane_set(&o->d, o->imm & (o->words / 2 - 1), vop_lane(&o->b, 0));
}

VOP(insert128, VOP_16, v_insert128)

/* 512 bits alone have two halves of 256. */
static ALWAYS_INLINE void v_insert256(struct vop *o)
{
    unsigned at = o->imm & 1 ? 4 : 0;

    vec_copy(&o->d, &o->a, o->words);
    for (unsigned n = 0; n < 4; n++)
        o->d.q[at + n] = o->b.q[n];
}

EVOP_WHOLE(insert32x4, 4, VOP_16, v_insert128)
EVOP_WHOLE(insert64x2, 8, VOP_16, v_insert128)
EVOP_WHOLE(insert32x8, 4, VOP_32, v_insert256)
EVOP_WHOLE(insert64x4, 8, VOP_32, v_insert256)

void op_v_extract128(struct cpu *c, const struct insn *i)
{
    unsigned l = (unsigned)i->imm & (vop_words(i) / 2 - 1);
    struct x128 x = vop_lane(vec_at(c, i->reg), l);

    if (i->form & FORM_MEM)
        wide_write(c, i, x.q, 16);
    else
        vop_put128(c, i->rm, x);
}

/* ---- within a lane ---- */

/* The control is the second source: what VPSHUFD has in its immediate, for each
 * doubleword. */
static ALWAYS_INLINE struct x128 permilps(struct x128 a, struct x128 b, unsigned imm)
{
    (void)imm;
    return x128(two32(x32(a, x32(b, 0) & 3), x32(a, x32(b, 1) & 3)),
                two32(x32(a, x32(b, 2) & 3), x32(a, x32(b, 3) & 3)));
}

VOP_LANES(permilps, 0, permilps)

/* Bit 1 of each quadword. */
static ALWAYS_INLINE struct x128 permilpd(struct x128 a, struct x128 b, unsigned imm)
{
    (void)imm;
    return x128(a.q[b.q[0] >> 1 & 1], a.q[b.q[1] >> 1 & 1]);
}

VOP_LANES(permilpd, 0, permilpd)

static ALWAYS_INLINE struct x128 permilpd_imm(struct x128 a, struct x128 b,
                                              unsigned imm)
{
    (void)a;
    return x128(b.q[imm & 1], b.q[imm >> 1 & 1]);
}

VOP_LANES(permilpd_imm, 2, permilpd_imm)

EVOP_WHOLE(permilps, 4, VOP_FULL, v_permilps)
EVOP_WHOLE(permilpd, 8, VOP_FULL, v_permilpd)
EVOP_WHOLE(permilpd_imm, 8, VOP_FULL, v_permilpd_imm)

/* ---- across lanes ---- */

/* Four bits of imm choose each lane: 1:0 from both sources, 3 zero. */
static ALWAYS_INLINE void v_perm2x128(struct vop *o)
{
    for (unsigned l = 0; l < o->words / 2; l++) {
        unsigned s = o->imm >> 4 * l;
        struct x128 x = vop_lane(s & 2 ? &o->b : &o->a, s & 1);
        vop_lane_set(&o->d, l, s & 8 ? x128(0, 0) : x);
    }
}

VOP(perm2x128, VOP_FULL, v_perm2x128)

/* Quadwords of four by two bits of imm each. */
static ALWAYS_INLINE void v_permq(struct vop *o)
{
    for (unsigned n = 0; n < o->words; n++)
        o->d.q[n] = o->b.q[(n & ~3u) | (o->imm >> 2 * (n & 3) & 3)];
}

VOP(permq, VOP_FULL, v_permq)
EVOP_WHOLE(permq_imm, 8, VOP_FULL, v_permq)

/* Doublewords of the second source by indices in the first. */
static ALWAYS_INLINE void v_permd(struct vop *o)
{
    unsigned last = 2 * o->words - 1;

    for (unsigned n = 0; n < o->words; n++) {
        unsigned x = (uint32_t)o->a.q[n] & last, y = o->a.q[n] >> 32 & last;
        o->d.q[n] = two32((uint32_t)(o->b.q[x / 2] >> x % 2 * 32),
                          (uint32_t)(o->b.q[y / 2] >> y % 2 * 32));
    }
}

VOP(permd, VOP_FULL, v_permd)
