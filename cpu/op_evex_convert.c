/* op_evex_convert.c - conversions that came with AVX-512: unsigned and packed 64-bit
 * integers, BF16. Intel SDM vol 2.
 *
 * To integers invalid and precision alone can be raised. An integer indefinite is all
 * ones where it is unsigned.
 */
#include "cpu/evop.h"
#include "cpu/vector.h"

/* ---- packed: n counts the destination's elements ---- */

#define FROM_FLOATS(name, set, f)                                                      \
    static ALWAYS_INLINE void v_##name(struct vop *o, bool truncate, unsigned count)   \
    {                                                                                  \
        for (unsigned n = 0; n < count; n++)                                           \
            set(&o->d, n, f(&o->env, vec32(&o->b, n), truncate));                      \
    }
#define FROM_DOUBLES(name, set, f)                                                     \
    static ALWAYS_INLINE void v_##name(struct vop *o, bool truncate, unsigned count)   \
    {                                                                                  \
        for (unsigned n = 0; n < count; n++)                                           \
            set(&o->d, n, f(&o->env, o->b.q[n], truncate));                            \
    }

static ALWAYS_INLINE void vec64_set(struct vec *v, unsigned n, uint64_t x)
{
    v->q[n] = x;
}

static ALWAYS_INLINE uint64_t f32_to_q(struct fp_env *e, uint32_t a, bool truncate)
{
    return (uint64_t)f32_to_i64(e, a, truncate);
}

static ALWAYS_INLINE uint64_t f64_to_q(struct fp_env *e, uint64_t a, bool truncate)
{
    return (uint64_t)f64_to_i64(e, a, truncate);
}

FROM_FLOATS(ps2udq, vec32_set, f32_to_u32)
FROM_FLOATS(ps2uqq, vec64_set, f32_to_u64)
FROM_FLOATS(ps2qq, vec64_set, f32_to_q)
FROM_DOUBLES(pd2udq, vec32_set, f64_to_u32)
FROM_DOUBLES(pd2uqq, vec64_set, f64_to_u64)
FROM_DOUBLES(pd2qq, vec64_set, f64_to_q)

/* By the rounding, and truncating. size, to: of the destination; bytes, from: of r/m.
 */
#define E_TO_INTEGER(name, size, to, bytes, from)                                      \
    static void v_cvt##name(struct vop *o)                                             \
    {                                                                                  \
        v_##name(o, false, to(o->words) / size);                                       \
    }                                                                                  \
    static void v_cvtt##name(struct vop *o)                                            \
    {                                                                                  \
        v_##name(o, true, to(o->words) / size);                                        \
    }                                                                                  \
    EVOP_FP_FROM(cvt##name, size, to, bytes, from, true, v_cvt##name)                  \
    EVOP_FP_FROM(cvtt##name, size, to, bytes, from, false, v_cvtt##name)

E_TO_INTEGER(ps2udq, 4, VOP_FULL, VOP_FULL, 4)
E_TO_INTEGER(ps2uqq, 8, VOP_FULL, VOP_HALF, 4)
E_TO_INTEGER(ps2qq, 8, VOP_FULL, VOP_HALF, 4)
E_TO_INTEGER(pd2udq, 4, VOP_HALF, VOP_FULL, 8)
E_TO_INTEGER(pd2uqq, 8, VOP_FULL, VOP_FULL, 8)
E_TO_INTEGER(pd2qq, 8, VOP_FULL, VOP_FULL, 8)

static void v_cvtudq2pd(struct vop *o) /* exact */
{
    for (unsigned n = 0; n < o->words; n++)
        o->d.q[n] = f64_from_u64(&o->env, vec32(&o->b, n));
}

static void v_cvtudq2ps(struct vop *o)
{
    for (unsigned n = 0; n < 2 * o->words; n++)
        vec32_set(&o->d, n, f32_from_u64(&o->env, vec32(&o->b, n)));
}

static void v_cvtuqq2pd(struct vop *o)
{
    for (unsigned n = 0; n < o->words; n++)
        o->d.q[n] = f64_from_u64(&o->env, o->b.q[n]);
}

static void v_cvtqq2pd(struct vop *o)
{
    for (unsigned n = 0; n < o->words; n++)
        o->d.q[n] = f64_from_i64(&o->env, (int64_t)o->b.q[n]);
}

static void v_cvtuqq2ps(struct vop *o)
{
    for (unsigned n = 0; n < o->words; n++)
        vec32_set(&o->d, n, f32_from_u64(&o->env, o->b.q[n]));
}

static void v_cvtqq2ps(struct vop *o)
{
    for (unsigned n = 0; n < o->words; n++)
        vec32_set(&o->d, n, f32_from_i64(&o->env, (int64_t)o->b.q[n]));
}

EVOP_FP_FROM(cvtudq2pd, 8, VOP_FULL, VOP_HALF, 4, false, v_cvtudq2pd)
EVOP_FP_FROM(cvtudq2ps, 4, VOP_FULL, VOP_FULL, 4, true, v_cvtudq2ps)
EVOP_FP_FROM(cvtuqq2pd, 8, VOP_FULL, VOP_FULL, 8, true, v_cvtuqq2pd)
EVOP_FP_FROM(cvtqq2pd, 8, VOP_FULL, VOP_FULL, 8, true, v_cvtqq2pd)
EVOP_FP_FROM(cvtuqq2ps, 4, VOP_HALF, VOP_FULL, 8, true, v_cvtuqq2ps)
EVOP_FP_FROM(cvtqq2ps, 4, VOP_HALF, VOP_FULL, 8, true, v_cvtqq2ps)

/* ---- BF16: the upper half of a float32 ----
 *
 * MXCSR is neither read nor written: to nearest, denormals are zeros on both sides, and
 * nothing is raised (SDM vol 2, VCVTNE2PS2BF16, VDPBF16PS).
 */

static uint16_t bf16_of(uint32_t a)
{
    if (!(a & 0x7f800000))
        return (uint16_t)(a >> 16 & 0x8000);
    if ((a & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(a >> 16 | 0x40);
    if ((a & 0x7fffffff) == 0x7f800000)
        return (uint16_t)(a >> 16);
    return (uint16_t)((a + 0x7fff + (a >> 16 & 1)) >> 16);
}

static void v_cvtneps2bf16(struct vop *o)
{
    for (unsigned n = 0; n < 2 * o->words; n++)
        vec16_set(&o->d, n, bf16_of(vec32(&o->b, n)));
}

void op_e_cvtneps2bf16(struct cpu *c, const struct insn *i)
{
    unsigned words = vop_words(i);
    uint64_t mask = evop_mask(c, i, words * 2);
    struct vop o;

    o.words = words;
    evop_load(c, i, &o.b, words * 8, 4, mask);
    v_cvtneps2bf16(&o);
    evop_put(c, i, &o.d, words / 2, mask, 2);
}

/* The second source below, the first above. A bit of the opmask is half an element of
 * the source: memory is read whole (type E4NF). */
void op_e_cvtne2ps2bf16(struct cpu *c, const struct insn *i)
{
    struct vop o;
    uint64_t mask = evop_open(c, i, &o, 2, VOP_FULL(vop_words(i)), 4, true);
    unsigned half = o.words * 2;

    for (unsigned n = 0; n < half; n++) {
        vec16_set(&o.d, n, bf16_of(vec32(&o.b, n)));
        vec16_set(&o.d, half + n, bf16_of(vec32(&o.a, n)));
    }
    evop_put(c, i, &o.d, o.words, mask, 2);
}

/* The pair's upper product is added first, each with one rounding. */
static void v_dpbf16ps(struct vop *o)
{
    struct fp_env e = {
        .rounding = FP_NEAREST, .daz = true, .ftz = true, .masks = MXCSR_FLAGS};

    for (unsigned n = 0; n < 2 * o->words; n++) {
        uint32_t a = vec32(&o->a, n), b = vec32(&o->b, n), sum = vec32(&o->d, n);
        sum = f32_fma(&e, a & 0xffff0000, b & 0xffff0000, sum);
        vec32_set(&o->d, n, f32_fma(&e, a << 16, b << 16, sum));
    }
}

EVOP_DST(dpbf16ps, 4, v_dpbf16ps)
