/* op_sse_arith.c - SSE and AVX floating-point arithmetic, and the approximations.
 *
 * All elements are computed, then sse_done() looks at the exceptions, then the register
 * is written. Each operation takes the host's FPU where cpu/hostfloat.h proves that it
 * gives the same.
 */
#include "cpu/hostfloat.h"
#include "cpu/simd.h"
#include "cpu/vector.h"
#include "cpu/evop.h"

typedef uint32_t op32(struct fp_env *e, uint32_t a, uint32_t b);
typedef uint64_t op64(struct fp_env *e, uint64_t a, uint64_t b);
typedef bool host32(uint32_t a, uint32_t b, uint32_t *result);
typedef bool host64(uint64_t a, uint64_t b, uint64_t *result);

/* ---- one element ---- */

#define BOTH(_, name) _(32, uint32_t, name) _(64, uint64_t, name)

/* Square roots as operations of two operands. */
#define ROOT(bits, type, name)                                                         \
    static ALWAYS_INLINE type root##bits(struct fp_env *e, type a, type b)             \
    {                                                                                  \
        (void)a;                                                                       \
        return f##bits##_sqrt(e, b);                                                   \
    }                                                                                  \
    static ALWAYS_INLINE bool host_root##bits(type a, type b, type *result)            \
    {                                                                                  \
        (void)a;                                                                       \
        return host_f##bits##_sqrt(b, result);                                         \
    }

BOTH(ROOT, sqrt)

/* With DAZ a denormal is a zero also where it is handed through. */
static ALWAYS_INLINE uint32_t daz32(const struct fp_env *e, uint32_t a)
{
    return e->daz && !(a & 0x7f800000) ? a & 0x80000000 : a;
}

static ALWAYS_INLINE uint64_t daz64(const struct fp_env *e, uint64_t a)
{
    return e->daz && !(a & 0x7ff0000000000000) ? a & 0x8000000000000000 : a;
}

/* MIN and MAX are not IEEE's: a NaN of either kind raises invalid, and it, or two
 * zeros, give the second operand unchanged. Intel SDM vol 2, MINPS. */
#define EXTREME(bits, type, name, relation)                                            \
    static ALWAYS_INLINE type name##bits(struct fp_env *e, type a, type b)             \
    {                                                                                  \
        bool first = f##bits##_compare(e, a, b, false) == relation;                    \
        return daz##bits(e, first ? a : b);                                            \
    }

EXTREME(32, uint32_t, min, FP_LESS)
EXTREME(64, uint64_t, min, FP_LESS)
EXTREME(32, uint32_t, max, FP_GREATER)
EXTREME(64, uint64_t, max, FP_GREATER)

/* On the host's FPU if it may be tried and does not refuse. */
#define ELEMENT(bits, type, name)                                                      \
    static ALWAYS_INLINE type name##bits(bool may, struct fp_env *e, host##bits *host, \
                                         op##bits *f, type a, type b)                  \
    {                                                                                  \
        type r;                                                                        \
        return may && host(a, b, &r) ? r : f(e, a, b);                                 \
    }

BOTH(ELEMENT, element)

/* ---- all elements ---- */

/* What the host's FPU may not do, or has refused for one of the elements. */

static NOINLINE void soft32(struct cpu *c, const struct insn *i, struct x128 a,
                            struct x128 b, op32 *f)
{
    struct fp_env e = SSE_ENV(c);
    uint32_t r[4];

    for (unsigned n = 0; n < 4; n++)
        r[n] = f(&e, x32(a, n), x32(b, n));
    sse_done(c, &e);
    vec_put(c, i->reg, x128(two32(r[0], r[1]), two32(r[2], r[3])));
}

static NOINLINE void soft64(struct cpu *c, const struct insn *i, struct x128 a,
                            struct x128 b, op64 *f)
{
    struct fp_env e = SSE_ENV(c);
    uint64_t low = f(&e, a.q[0], b.q[0]), high = f(&e, a.q[1], b.q[1]);

    sse_done(c, &e);
    vec_put(c, i->reg, x128(low, high));
}

static NOINLINE void soft_scalar32(struct cpu *c, const struct insn *i, uint32_t a,
                                   uint32_t b, op32 *f)
{
    struct fp_env e = SSE_ENV(c);
    uint32_t r = f(&e, a, b);

    sse_done(c, &e);
    low32_set(vec_at(c, i->reg), r);
}

static NOINLINE void soft_scalar64(struct cpu *c, const struct insn *i, uint64_t a,
                                   uint64_t b, op64 *f)
{
    struct fp_env e = SSE_ENV(c);
    uint64_t r = f(&e, a, b);

    sse_done(c, &e);
    vec_at(c, i->reg)->q[0] = r;
}

static ALWAYS_INLINE void packed32(struct cpu *c, const struct insn *i, struct x128 a,
                                   struct x128 b, host32 *host, op32 *f)
{
    uint32_t r[4];

    if (host_float_ok(c->mxcsr) && host(x32(a, 0), x32(b, 0), &r[0]) &&
        host(x32(a, 1), x32(b, 1), &r[1]) && host(x32(a, 2), x32(b, 2), &r[2]) &&
        host(x32(a, 3), x32(b, 3), &r[3]))
        vec_put(c, i->reg, x128(two32(r[0], r[1]), two32(r[2], r[3])));
    else
        soft32(c, i, a, b, f);
}

static ALWAYS_INLINE void packed64(struct cpu *c, const struct insn *i, struct x128 a,
                                   struct x128 b, host64 *host, op64 *f)
{
    uint64_t low, high;

    if (host_float_ok(c->mxcsr) && host(a.q[0], b.q[0], &low) &&
        host(a.q[1], b.q[1], &high))
        vec_put(c, i->reg, x128(low, high));
    else
        soft64(c, i, a, b, f);
}

static ALWAYS_INLINE void scalar32(struct cpu *c, const struct insn *i, host32 *host,
                                   op32 *f)
{
    uint32_t b = (uint32_t)low_load(c, i, 4), a = (uint32_t)vec_at(c, i->reg)->q[0], r;

    if (host_float_ok(c->mxcsr) && host(a, b, &r))
        low32_set(vec_at(c, i->reg), r);
    else
        soft_scalar32(c, i, a, b, f);
}

static ALWAYS_INLINE void scalar64(struct cpu *c, const struct insn *i, host64 *host,
                                   op64 *f)
{
    uint64_t b = low_load(c, i, 8), a = vec_at(c, i->reg)->q[0], r;

    if (host_float_ok(c->mxcsr) && host(a, b, &r))
        vec_at(c, i->reg)->q[0] = r;
    else
        soft_scalar64(c, i, a, b, f);
}

/* The same with VEX, where each element may take the way it can: the host's raises
 * nothing that is not sticky already. */

static ALWAYS_INLINE void v_packed32(struct vop *o, host32 *host, op32 *f)
{
    for (unsigned n = 0; n < o->words; n++) {
        uint64_t a = o->a.q[n], b = o->b.q[n];
        uint32_t low = element32(o->host, &o->env, host, f, (uint32_t)a, (uint32_t)b);
        o->d.q[n] = two32(low, element32(o->host, &o->env, host, f, (uint32_t)(a >> 32),
                                         (uint32_t)(b >> 32)));
    }
}

static ALWAYS_INLINE void v_packed64(struct vop *o, host64 *host, op64 *f)
{
    for (unsigned n = 0; n < o->words; n++)
        o->d.q[n] = element64(o->host, &o->env, host, f, o->a.q[n], o->b.q[n]);
}

static ALWAYS_INLINE void v_scalar32(struct vop *o, host32 *host, op32 *f)
{
    low32_set(&o->d, element32(o->host, &o->env, host, f, (uint32_t)o->a.q[0],
                               (uint32_t)o->b.q[0]));
}

static ALWAYS_INLINE void v_scalar64(struct vop *o, host64 *host, op64 *f)
{
    o->d.q[0] = element64(o->host, &o->env, host, f, o->a.q[0], o->b.q[0]);
}

#define V_ARITH(name, shape, host, f)                                                  \
    static ALWAYS_INLINE void v_##name(struct vop *o)                                  \
    {                                                                                  \
        shape(o, host, f);                                                             \
    }

/* SSE_ARITH(name, the host's functions, ours) up to the width. */
#define SSE_ARITH(name, host, f)                                                       \
    void op_sse_##name##ps(struct cpu *c, const struct insn *i)                        \
    {                                                                                  \
        struct x128 b = vec_load(c, i), a = vec_get(c, i->reg);                        \
        packed32(c, i, a, b, host(32), f(32));                                         \
    }                                                                                  \
    void op_sse_##name##pd(struct cpu *c, const struct insn *i)                        \
    {                                                                                  \
        struct x128 b = vec_load(c, i), a = vec_get(c, i->reg);                        \
        packed64(c, i, a, b, host(64), f(64));                                         \
    }                                                                                  \
    void op_sse_##name##ss(struct cpu *c, const struct insn *i)                        \
    {                                                                                  \
        scalar32(c, i, host(32), f(32));                                               \
    }                                                                                  \
    void op_sse_##name##sd(struct cpu *c, const struct insn *i)                        \
    {                                                                                  \
        scalar64(c, i, host(64), f(64));                                               \
    }                                                                                  \
    V_ARITH(name##ps, v_packed32, host(32), f(32))                                     \
    V_ARITH(name##pd, v_packed64, host(64), f(64))                                     \
    V_ARITH(name##ss, v_scalar32, host(32), f(32))                                     \
    V_ARITH(name##sd, v_scalar64, host(64), f(64))                                     \
    VOP_FP(name##ps, VOP_FULL, v_##name##ps)                                           \
    VOP_FP(name##pd, VOP_FULL, v_##name##pd)                                           \
    VOP_FP_SCALAR(name##ss, 4, v_##name##ss)                                           \
    VOP_FP_SCALAR(name##sd, 8, v_##name##sd)

#define HOST_ADD(bits) host_f##bits##_add
#define SOFT_ADD(bits) f##bits##_add
#define HOST_SUB(bits) host_f##bits##_sub
#define SOFT_SUB(bits) f##bits##_sub
#define HOST_MUL(bits) host_f##bits##_mul
#define SOFT_MUL(bits) f##bits##_mul
#define HOST_DIV(bits) host_f##bits##_div
#define SOFT_DIV(bits) f##bits##_div
#define HOST_MIN(bits) host_f##bits##_min
#define SOFT_MIN(bits) min##bits
#define HOST_MAX(bits) host_f##bits##_max
#define SOFT_MAX(bits) max##bits
#define HOST_ROOT(bits) host_root##bits
#define SOFT_ROOT(bits) root##bits

SSE_ARITH(add, HOST_ADD, SOFT_ADD)
SSE_ARITH(sub, HOST_SUB, SOFT_SUB)
SSE_ARITH(mul, HOST_MUL, SOFT_MUL)
SSE_ARITH(div, HOST_DIV, SOFT_DIV)
SSE_ARITH(min, HOST_MIN, SOFT_MIN)
SSE_ARITH(max, HOST_MAX, SOFT_MAX)
SSE_ARITH(sqrt, HOST_ROOT, SOFT_ROOT)

/* ---- neighbours: the even elements of both operands and the odd ones ---- */

static ALWAYS_INLINE void horizontal32(struct cpu *c, const struct insn *i,
                                       host32 *host, op32 *f)
{
    struct x128 b = vec_load(c, i), a = vec_get(c, i->reg);
    struct x128 even = x128(two32(x32(a, 0), x32(a, 2)), two32(x32(b, 0), x32(b, 2)));
    struct x128 odd = x128(two32(x32(a, 1), x32(a, 3)), two32(x32(b, 1), x32(b, 3)));

    packed32(c, i, even, odd, host, f);
}

static ALWAYS_INLINE void horizontal64(struct cpu *c, const struct insn *i,
                                       host64 *host, op64 *f)
{
    struct x128 b = vec_load(c, i), a = vec_get(c, i->reg);

    packed64(c, i, x128(a.q[0], b.q[0]), x128(a.q[1], b.q[1]), host, f);
}

static ALWAYS_INLINE uint64_t pairs32(struct vop *o, host32 *host, op32 *f, uint64_t a,
                                      uint64_t b)
{
    uint32_t low =
        element32(o->host, &o->env, host, f, (uint32_t)a, (uint32_t)(a >> 32));
    return two32(
        low, element32(o->host, &o->env, host, f, (uint32_t)b, (uint32_t)(b >> 32)));
}

/* Within each 128-bit lane. */
static ALWAYS_INLINE void v_horizontal32(struct vop *o, host32 *host, op32 *f)
{
    for (unsigned n = 0; n < o->words; n += 2) {
        o->d.q[n] = pairs32(o, host, f, o->a.q[n], o->a.q[n + 1]);
        o->d.q[n + 1] = pairs32(o, host, f, o->b.q[n], o->b.q[n + 1]);
    }
}

static ALWAYS_INLINE void v_horizontal64(struct vop *o, host64 *host, op64 *f)
{
    for (unsigned n = 0; n < o->words; n += 2) {
        o->d.q[n] = element64(o->host, &o->env, host, f, o->a.q[n], o->a.q[n + 1]);
        o->d.q[n + 1] = element64(o->host, &o->env, host, f, o->b.q[n], o->b.q[n + 1]);
    }
}

#define SSE_HORIZONTAL(name, bits, operation)                                          \
    void op_sse_##name(struct cpu *c, const struct insn *i)                            \
    {                                                                                  \
        horizontal##bits(c, i, host_f##bits##_##operation, f##bits##_##operation);     \
    }                                                                                  \
    V_ARITH(name, v_horizontal##bits, host_f##bits##_##operation,                      \
            f##bits##_##operation)                                                     \
    VOP_FP(name, VOP_FULL, v_##name)

SSE_HORIZONTAL(haddps, 32, add)
SSE_HORIZONTAL(hsubps, 32, sub)
SSE_HORIZONTAL(haddpd, 64, add)
SSE_HORIZONTAL(hsubpd, 64, sub)

/* ---- element by element: add and subtract by turns, dot products ---- */

#define MIXED(bits, type, name)                                                        \
    static ALWAYS_INLINE type name##bits(bool host, struct fp_env *e, type a, type b)  \
    {                                                                                  \
        return element##bits(host, e, host_f##bits##_##name, f##bits##_##name, a, b);  \
    }

BOTH(MIXED, add)
BOTH(MIXED, sub)
BOTH(MIXED, mul)

static ALWAYS_INLINE uint64_t addsub_floats(bool host, struct fp_env *e, uint64_t a,
                                            uint64_t b)
{
    uint32_t low = sub32(host, e, (uint32_t)a, (uint32_t)b);
    return two32(low, add32(host, e, (uint32_t)(a >> 32), (uint32_t)(b >> 32)));
}

void op_sse_addsubps(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i), a = vec_get(c, i->reg), r;
    struct fp_env e = SSE_ENV(c);
    bool host = host_float_ok(c->mxcsr);

    r.q[0] = addsub_floats(host, &e, a.q[0], b.q[0]);
    r.q[1] = addsub_floats(host, &e, a.q[1], b.q[1]);
    sse_done(c, &e);
    vec_put(c, i->reg, r);
}

static ALWAYS_INLINE void v_addsubps(struct vop *o)
{
    for (unsigned n = 0; n < o->words; n++)
        o->d.q[n] = addsub_floats(o->host, &o->env, o->a.q[n], o->b.q[n]);
}

VOP_FP(addsubps, VOP_FULL, v_addsubps)

void op_sse_addsubpd(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i), a = vec_get(c, i->reg), r;
    struct fp_env e = SSE_ENV(c);
    bool host = host_float_ok(c->mxcsr);

    r.q[0] = sub64(host, &e, a.q[0], b.q[0]);
    r.q[1] = add64(host, &e, a.q[1], b.q[1]);
    sse_done(c, &e);
    vec_put(c, i->reg, r);
}

static ALWAYS_INLINE void v_addsubpd(struct vop *o)
{
    for (unsigned n = 0; n < o->words; n += 2) {
        o->d.q[n] = sub64(o->host, &o->env, o->a.q[n], o->b.q[n]);
        o->d.q[n + 1] = add64(o->host, &o->env, o->a.q[n + 1], o->b.q[n + 1]);
    }
}

VOP_FP(addsubpd, VOP_FULL, v_addsubpd)

/* DPPS, DPPD:
 * imm 7:4 says which products take part (the others are +0), imm 3:0 which elements get
 * the sum (the others are +0). Exceptions belong to each step: an unmasked one ends the
 * instruction before the next step is taken (Intel SDM vol 2, DPPS), and MXCSR then
 * keeps the flags of the steps done (so a real Zen).
 */

static ALWAYS_INLINE void step_done(struct cpu *c, struct fp_env *e)
{
    sse_done(c, e);
    e->flags = 0;
}

/* Both lanes of a YMM register take each step together. */
static ALWAYS_INLINE void dot32(struct cpu *c, const struct insn *i, unsigned lanes,
                                const struct x128 *a, const struct x128 *b,
                                struct x128 *r)
{
    struct fp_env e = SSE_ENV(c);
    bool host = host_float_ok(c->mxcsr);
    unsigned imm = (unsigned)i->imm, l, n;
    uint32_t p[2][4], sum[2];

    for (l = 0; l < lanes; l++)
        for (n = 0; n < 4; n++)
            p[l][n] =
                imm >> (4 + n) & 1 ? mul32(host, &e, x32(a[l], n), x32(b[l], n)) : 0;
    step_done(c, &e);
    for (l = 0; l < lanes; l++) {
        p[l][0] = add32(host, &e, p[l][0], p[l][1]);
        p[l][2] = add32(host, &e, p[l][2], p[l][3]);
    }
    step_done(c, &e);
    for (l = 0; l < lanes; l++)
        sum[l] = add32(host, &e, p[l][0], p[l][2]);
    sse_done(c, &e);
    for (l = 0; l < lanes; l++)
        r[l] = x128(two32(imm & 1 ? sum[l] : 0, imm & 2 ? sum[l] : 0),
                    two32(imm & 4 ? sum[l] : 0, imm & 8 ? sum[l] : 0));
}

void op_sse_dpps(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i), a = vec_get(c, i->reg), r;
    dot32(c, i, 1, &a, &b, &r);
    vec_put(c, i->reg, r);
}

void op_v_dpps(struct cpu *c, const struct insn *i)
{
    unsigned lanes = vop_words(i) / 2;
    struct x128 a[2], b[2], r[2];
    struct vop o;

    vop_open(c, i, &o, VOP_FULL(vop_words(i)));
    for (unsigned l = 0; l < lanes; l++) {
        a[l] = vop_lane(&o.a, l);
        b[l] = vop_lane(&o.b, l);
    }
    dot32(c, i, lanes, a, b, r);
    for (unsigned l = 0; l < lanes; l++)
        vop_lane_set(&o.d, l, r[l]);
    vop_put(c, i->reg, &o.d, o.words);
}

static ALWAYS_INLINE struct x128 dot64(struct cpu *c, const struct insn *i,
                                       struct x128 a, struct x128 b)
{
    struct fp_env e = SSE_ENV(c);
    bool host = host_float_ok(c->mxcsr);
    unsigned imm = (unsigned)i->imm;
    uint64_t p[2] = {0}, sum;

    for (unsigned n = 0; n < 2; n++)
        if (imm >> (4 + n) & 1)
            p[n] = mul64(host, &e, a.q[n], b.q[n]);
    step_done(c, &e);
    sum = add64(host, &e, p[0], p[1]);
    sse_done(c, &e);
    return x128(imm & 1 ? sum : 0, imm & 2 ? sum : 0);
}

void op_sse_dppd(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i), a = vec_get(c, i->reg);
    vec_put(c, i->reg, dot64(c, i, a, b));
}

void op_v_dppd(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i), a = vop_first128(c, i);
    vop_put128(c, i->reg, dot64(c, i, a, b));
}

/* ---- approximations ----
 *
 * RCP and RSQRT promise a relative error of at most 1.5 * 2^-12 and raise nothing; the
 * bits differ from one maker's processor to the next. Ours are the true value rounded
 * to 13 fraction bits (error at most 2^-14), computed on integers, so they are the same
 * on every host, and exact for powers of two (of four). Denormal operands count as
 * zeros, tiny results are flushed. Intel SDM vol 2, RCPPS, RSQRTPS.
 */
enum { APPROX = 13 };

static uint32_t rcp32(uint32_t a)
{
    uint32_t sign = a & 0x80000000, exponent = a >> 23 & 0xff, m = a & 0x7fffff;
    int32_t r;

    if (exponent == 0xff)
        return m ? a | 0x400000 : sign;
    if (exponent == 0)
        return sign | 0x7f800000;
    /* 2 / 1.m is in (1, 2], to be divided by 2 once more; a 2 carries into the
     * exponent. */
    m |= 0x800000;
    r = (int32_t)(((1ull << (24 + APPROX)) + m / 2) / m) - (1 << APPROX);
    r = (253 - (int32_t)exponent) * (1 << 23) + r * (1 << (23 - APPROX));
    return r < 1 << 23 ? sign : sign | (uint32_t)r;
}

static uint32_t square_root(uint32_t a) /* rounded down */
{
    uint32_t r = 0;
    for (uint32_t bit = 1u << 15; bit; bit >>= 1)
        if ((r | bit) * (r | bit) <= a)
            r |= bit;
    return r;
}

static uint32_t rsqrt32(uint32_t a)
{
    uint32_t sign = a & 0x80000000, exponent = a >> 23 & 0xff, m = a & 0x7fffff, r;
    int32_t h;

    if (exponent == 0xff && m)
        return a | 0x400000;
    if (exponent == 0)
        return sign | 0x7f800000;
    if (sign)
        return 0xffc00000;
    if (exponent == 0xff)
        return 0;
    /* The number is f * 4^h, f in [1, 4); 2 / sqrt(f) is in (1, 2]. */
    m |= 0x800000;
    if (!(exponent & 1))
        m <<= 1;
    h = ((int32_t)(exponent - !(exponent & 1)) - 127) / 2;
    r = (square_root((uint32_t)((1ull << (25 + 2 * APPROX + 2)) / m)) + 1) / 2;
    return ((uint32_t)(126 - h) << 23) + ((r - (1 << APPROX)) << (23 - APPROX));
}

#define SSE_APPROX(name)                                                               \
    void op_sse_##name##ps(struct cpu *c, const struct insn *i)                        \
    {                                                                                  \
        struct x128 b = vec_load(c, i);                                                \
        for (unsigned n = 0; n < 4; n++)                                               \
            x32_set(&b, n, name##32(x32(b, n)));                                       \
        vec_put(c, i->reg, b);                                                         \
    }                                                                                  \
    void op_sse_##name##ss(struct cpu *c, const struct insn *i)                        \
    {                                                                                  \
        low32_set(vec_at(c, i->reg), name##32((uint32_t)low_load(c, i, 4)));           \
    }                                                                                  \
    static ALWAYS_INLINE void v_##name##ps(struct vop *o)                              \
    {                                                                                  \
        for (unsigned n = 0; n < 2 * o->words; n++)                                    \
            vec32_set(&o->d, n, name##32(vec32(&o->b, n)));                            \
    }                                                                                  \
    VOP(name##ps, VOP_FULL, v_##name##ps)                                              \
    void op_v_##name##ss(struct cpu *c, const struct insn *i)                          \
    {                                                                                  \
        struct x128 r;                                                                 \
        uint32_t b = (uint32_t)low_load(c, i, 4);                                      \
        r = vop_first128(c, i);                                                        \
        x32_set(&r, 0, name##32(b));                                                   \
        vop_put128(c, i->reg, r);                                                      \
    }

SSE_APPROX(rcp)
SSE_APPROX(rsqrt)

/* ---- EVEX ---- */

#define E_ARITH(name, er)                                                              \
    EVOP_FP(name##ps, 4, er, v_##name##ps)                                             \
    EVOP_FP(name##pd, 8, er, v_##name##pd)                                             \
    EVOP_FP_SCALAR(name##ss, 4, 4, er, v_##name##ss)                                   \
    EVOP_FP_SCALAR(name##sd, 8, 8, er, v_##name##sd)

E_ARITH(add, true)
E_ARITH(sub, true)
E_ARITH(mul, true)
E_ARITH(div, true)
E_ARITH(min, false)
E_ARITH(max, false)
E_ARITH(sqrt, true)
