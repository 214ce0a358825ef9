/* op_fma.c - FMA: fused multiply and add, and float16 conversions (F16C).
 *
 * In VFMADDxyz the result is (operand x * operand y) + operand z: the first operand is
 * the destination, the second vvvv, the third r/m. The digits also give the rank of
 * NaNs, and a NaN keeps its sign whatever is negated. Intel SDM vol 1 14.5, vol 2.
 */
#include "cpu/evop.h"
#include "cpu/simd.h"
#include "cpu/vector.h"
#include "mmu/access.h"

/* What is negated: the product, and the addend of the even and of the odd elements. */
enum { MINUS_PRODUCT = 1, MINUS_EVEN = 2, MINUS_ODD = 4, MINUS_ALL = 6 };

/* ---- one element ---- */

#define FUSED(bits, type, sign, inf)                                                   \
    static ALWAYS_INLINE type negate##bits(type a, bool minus)                         \
    {                                                                                  \
        return minus && (type)(a << 1) <= (type)(inf) << 1 ? a ^ (sign) : a;           \
    }                                                                                  \
    static ALWAYS_INLINE type fused##bits(struct vop *o, unsigned minus, bool odd,     \
                                          type x, type y, type z)                      \
    {                                                                                  \
        type r;                                                                        \
        x = negate##bits(x, minus & MINUS_PRODUCT);                                    \
        z = negate##bits(z, minus & (odd ? MINUS_ODD : MINUS_EVEN));                   \
        if (o->host && host_f##bits##_fma(x, y, z, &r))                                \
            return r;                                                                  \
        return f##bits##_fma(&o->env, x, y, z);                                        \
    }

FUSED(32, uint32_t, 0x80000000, 0x7f800000)
FUSED(64, uint64_t, 0x8000000000000000, 0x7ff0000000000000)

/* ---- all elements: x, y, z are the words in the order of the digits ---- */

static ALWAYS_INLINE uint64_t floats(struct vop *o, unsigned minus, uint64_t x,
                                     uint64_t y, uint64_t z)
{
    uint32_t low = fused32(o, minus, false, (uint32_t)x, (uint32_t)y, (uint32_t)z);
    return two32(low, fused32(o, minus, true, (uint32_t)(x >> 32), (uint32_t)(y >> 32),
                              (uint32_t)(z >> 32)));
}

/* The operands of the mnemonic's digits, as word n of the vop's members. */
#define AT_132(o, n) (o)->d.q[n], (o)->b.q[n], (o)->a.q[n]
#define AT_213(o, n) (o)->a.q[n], (o)->d.q[n], (o)->b.q[n]
#define AT_231(o, n) (o)->a.q[n], (o)->b.q[n], (o)->d.q[n]

#define FMA_PACKED(name, at, minus)                                                    \
    static ALWAYS_INLINE void v_##name##ps(struct vop *o)                              \
    {                                                                                  \
        for (unsigned n = 0; n < o->words; n++)                                        \
            o->d.q[n] = floats(o, minus, at(o, n));                                    \
    }                                                                                  \
    static ALWAYS_INLINE void v_##name##pd(struct vop *o)                              \
    {                                                                                  \
        for (unsigned n = 0; n < o->words; n++)                                        \
            o->d.q[n] = fused64(o, minus, n & 1, at(o, n));                            \
    }                                                                                  \
    VOP_FMA(name##ps, v_##name##ps)                                                    \
    VOP_FMA(name##pd, v_##name##pd)                                                    \
    EVOP_FMA(name##ps, 4, v_##name##ps)                                                \
    EVOP_FMA(name##pd, 8, v_##name##pd)

/* Of float32 the low halves of the words. */
static ALWAYS_INLINE uint32_t first_float(struct vop *o, unsigned minus, uint64_t x,
                                          uint64_t y, uint64_t z)
{
    return fused32(o, minus, false, (uint32_t)x, (uint32_t)y, (uint32_t)z);
}

#define FMA_SCALAR(name, at, minus)                                                    \
    static ALWAYS_INLINE void v_##name##ss(struct vop *o)                              \
    {                                                                                  \
        low32_set(&o->d, first_float(o, minus, at(o, 0)));                             \
    }                                                                                  \
    static ALWAYS_INLINE void v_##name##sd(struct vop *o)                              \
    {                                                                                  \
        o->d.q[0] = fused64(o, minus, false, at(o, 0));                                \
    }                                                                                  \
    VOP_FMA_SCALAR(name##ss, 4, v_##name##ss)                                          \
    VOP_FMA_SCALAR(name##sd, 8, v_##name##sd)                                          \
    EVOP_FMA_SCALAR(name##ss, 4, v_##name##ss)                                         \
    EVOP_FMA_SCALAR(name##sd, 8, v_##name##sd)

#define FMA_ORDER(digits)                                                              \
    FMA_PACKED(fmaddsub##digits, AT_##digits, MINUS_EVEN)                              \
    FMA_PACKED(fmsubadd##digits, AT_##digits, MINUS_ODD)                               \
    FMA_PACKED(fmadd##digits, AT_##digits, 0)                                          \
    FMA_SCALAR(fmadd##digits, AT_##digits, 0)                                          \
    FMA_PACKED(fmsub##digits, AT_##digits, MINUS_ALL)                                  \
    FMA_SCALAR(fmsub##digits, AT_##digits, MINUS_ALL)                                  \
    FMA_PACKED(fnmadd##digits, AT_##digits, MINUS_PRODUCT)                             \
    FMA_SCALAR(fnmadd##digits, AT_##digits, MINUS_PRODUCT)                             \
    FMA_PACKED(fnmsub##digits, AT_##digits, MINUS_PRODUCT | MINUS_ALL)                 \
    FMA_SCALAR(fnmsub##digits, AT_##digits, MINUS_PRODUCT | MINUS_ALL)

FMA_ORDER(132)
FMA_ORDER(213)
FMA_ORDER(231)

/* ---- F16C ---- */

static void v_cvtph2ps(struct vop *o)
{
    for (unsigned n = 0; n < 2 * o->words; n++)
        vec32_set(&o->d, n, f16_to_f32(&o->env, vec16(&o->b, n)));
}

VOP_FP(cvtph2ps, VOP_HALF, v_cvtph2ps)
EVOP_FP_FROM(cvtph2ps, 4, VOP_FULL, VOP_HALF, 2, false, v_cvtph2ps)

static void v_cvtps2ph(struct vop *o)
{
    if (!(o->imm & 4))
        o->env.rounding = o->imm & 3;
    for (unsigned n = 0; n < 2 * o->words; n++)
        vec16_set(&o->d, n, f32_to_f16(&o->env, vec32(&o->a, n)));
}

/* The source is the register in ModRM.reg, the destination r/m. That memory may be
 * written comes before the exceptions of the conversion, as on a real Zen (SDM vol 3A
 * Table 6-2 leaves the order open). */
void op_v_cvtps2ph(struct cpu *c, const struct insn *i)
{
    uint8_t bytes[sizeof(struct vec) / 2];
    struct spans sp;
    struct vop o;

    o.words = vop_words(i);
    o.imm = (unsigned)i->imm & 0xff;
    vec_copy(&o.a, vec_at(c, i->reg), o.words);
    vop_fp(c, &o);
    v_cvtps2ph(&o);
    if (!(i->form & FORM_MEM)) {
        sse_done(c, &o.env);
        vop_put(c, i->rm, &o.d, o.words / 2);
        return;
    }
    mem_open(c, INSN_SEG(i), ea(c, i), o.words * 4, ACCESS_WRITE, &sp);
    sse_done(c, &o.env);
    for (unsigned n = 0; n < o.words / 2; n++)
        store64(bytes + 8 * n, o.d.q[n]);
    spans_write(&c->mmu, &sp, bytes, o.words * 4);
}

/* With an opmask, a bit for each element of 16 bits. */
void op_e_cvtps2ph(struct cpu *c, const struct insn *i)
{
    struct vop o;
    uint64_t mask;
    unsigned words = vop_words(i);

    o.words = words;
    o.imm = (unsigned)i->imm & 0xff;
    mask = evop_mask(c, i, words * 2);
    vec_copy(&o.a, vec_at(c, i->reg), words);
    if (INSN_MASK(i))
        evop_calm(&o.a, words, mask, 4);
    evop_fp(c, i, &o, false);
    v_cvtps2ph(&o);
    if (!(i->form & FORM_MEM)) {
        evop_raise(c, i, &o);
        evop_merge(i, vec_at(c, i->rm), &o.d, words / 2, mask, 2);
        return;
    }
    evop_writable(c, i, words * 4, 2, mask); /* as above */
    evop_raise(c, i, &o);
    evop_write(c, i, &o.d, words * 4, 2, mask);
}
