/* op_sse_convert.c - SSE and AVX compares, conversions and rounding.
 *
 * Conversions to integers and ROUND raise invalid and precision alone: a denormal
 * operand is no exception there (Intel SDM vol 2, CVTPS2DQ, ROUNDPS).
 */
#include "cpu/evop.h"
#include "cpu/simd.h"
#include "cpu/vector.h"

static ALWAYS_INLINE void done_without_denormal(struct cpu *c, struct fp_env *e)
{
    e->flags &= (uint8_t)~FP_DENORMAL;
    sse_done(c, e);
}

/* ---- CMPxx: the predicate is imm 2:0, with VEX imm 4:0 (SDM vol 2, CMPPD, Table
 * 3-1) ---- */

enum {
    LT = 1 << FP_LESS,
    EQ = 1 << FP_EQUAL,
    GT = 1 << FP_GREATER,
    UN = 1 << FP_UNORDERED
};

/* The relations for which it holds; predicates 10h to 1Fh are the same again. */
static const uint8_t predicate[16] = {
    EQ,           LT,           LT | EQ,      UN,
    LT | GT | UN, EQ | GT | UN, GT | UN,      LT | EQ | GT,
    EQ | UN,      LT | UN,      LT | EQ | UN, 0,
    LT | GT,      EQ | GT,      GT,           LT | EQ | GT | UN,
};

/* Those by size signal a quiet NaN, the others only a signalling one; from 10h on it is
 * the other way round. */
static bool predicate_quiet(unsigned imm)
{
    return ((imm & 3) == 0 || (imm & 3) == 3) != (imm >> 4 & 1);
}

static bool predicate_holds(unsigned imm, enum fp_relation r)
{
    return predicate[imm & 15] >> r & 1;
}

static uint32_t cmp32(struct fp_env *e, unsigned imm, uint32_t a, uint32_t b)
{
    enum fp_relation r = f32_compare(e, a, b, predicate_quiet(imm));
    return predicate_holds(imm, r) ? UINT32_MAX : 0;
}

static uint64_t cmp64(struct fp_env *e, unsigned imm, uint64_t a, uint64_t b)
{
    enum fp_relation r = f64_compare(e, a, b, predicate_quiet(imm));
    return predicate_holds(imm, r) ? UINT64_MAX : 0;
}

void op_sse_cmpps(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i), a = vec_get(c, i->reg);
    struct fp_env e = SSE_ENV(c);
    for (unsigned n = 0; n < 4; n++)
        x32_set(&a, n, cmp32(&e, i->imm & 7, x32(a, n), x32(b, n)));
    sse_done(c, &e);
    vec_put(c, i->reg, a);
}

void op_sse_cmppd(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i), a = vec_get(c, i->reg);
    struct fp_env e = SSE_ENV(c);
    for (unsigned n = 0; n < 2; n++)
        a.q[n] = cmp64(&e, i->imm & 7, a.q[n], b.q[n]);
    sse_done(c, &e);
    vec_put(c, i->reg, a);
}

void op_sse_cmpss(struct cpu *c, const struct insn *i)
{
    uint32_t b = (uint32_t)low_load(c, i, 4);
    struct x128 a = vec_get(c, i->reg);
    struct fp_env e = SSE_ENV(c);
    x32_set(&a, 0, cmp32(&e, i->imm & 7, x32(a, 0), b));
    sse_done(c, &e);
    vec_put(c, i->reg, a);
}

void op_sse_cmpsd(struct cpu *c, const struct insn *i)
{
    uint64_t b = low_load(c, i, 8);
    struct x128 a = vec_get(c, i->reg);
    struct fp_env e = SSE_ENV(c);
    a.q[0] = cmp64(&e, i->imm & 7, a.q[0], b);
    sse_done(c, &e);
    vec_put(c, i->reg, a);
}

static void v_cmpps(struct vop *o)
{
    for (unsigned n = 0; n < 2 * o->words; n++)
        vec32_set(&o->d, n, cmp32(&o->env, o->imm, vec32(&o->a, n), vec32(&o->b, n)));
}

static void v_cmppd(struct vop *o)
{
    for (unsigned n = 0; n < o->words; n++)
        o->d.q[n] = cmp64(&o->env, o->imm, o->a.q[n], o->b.q[n]);
}

static void v_cmpss(struct vop *o)
{
    low32_set(&o->d, cmp32(&o->env, o->imm, (uint32_t)o->a.q[0], (uint32_t)o->b.q[0]));
}

static void v_cmpsd(struct vop *o)
{
    o->d.q[0] = cmp64(&o->env, o->imm, o->a.q[0], o->b.q[0]);
}

VOP_FP(cmpps, VOP_FULL, v_cmpps)
VOP_FP(cmppd, VOP_FULL, v_cmppd)
VOP_FP_SCALAR(cmpss, 4, v_cmpss)
VOP_FP_SCALAR(cmpsd, 8, v_cmpsd)

/* ---- COMIxx and UCOMIxx: the relation in ZF, PF, CF; OF, SF, AF cleared ---- */

static void put_relation(struct cpu *c, enum fp_relation r)
{
    static const uint32_t flags[] = {
        [FP_LESS] = FLAG_CF,
        [FP_EQUAL] = FLAG_ZF,
        [FP_GREATER] = 0,
        [FP_UNORDERED] = FLAG_ZF | FLAG_PF | FLAG_CF,
    };
    lazy_put(&c->lazy, flags[r]);
}

static void compare32(struct cpu *c, const struct insn *i, bool quiet)
{
    uint32_t b = (uint32_t)low_load(c, i, 4);
    struct x128 a = vec_get(c, i->reg);
    struct fp_env e = SSE_ENV(c);
    enum fp_relation r = f32_compare(&e, x32(a, 0), b, quiet);
    sse_done(c, &e);
    put_relation(c, r);
}

static void compare64(struct cpu *c, const struct insn *i, bool quiet)
{
    uint64_t b = low_load(c, i, 8);
    struct x128 a = vec_get(c, i->reg);
    struct fp_env e = SSE_ENV(c);
    enum fp_relation r = f64_compare(&e, a.q[0], b, quiet);
    sse_done(c, &e);
    put_relation(c, r);
}

void op_sse_comiss(struct cpu *c, const struct insn *i)
{
    compare32(c, i, false);
}

void op_sse_ucomiss(struct cpu *c, const struct insn *i)
{
    compare32(c, i, true);
}

void op_sse_comisd(struct cpu *c, const struct insn *i)
{
    compare64(c, i, false);
}

void op_sse_ucomisd(struct cpu *c, const struct insn *i)
{
    compare64(c, i, true);
}

/* ---- from integers ---- */

/* From memory these touch no MMX register. The manual speaks of a transition to MMX
 * without telling the forms apart; a real Zen leaves the x87 state alone then, and so
 * do we: the rows for memory have no T_MMX. */
static uint64_t pi_load(struct cpu *c, const struct insn *i)
{
    if (!(i->form & FORM_MEM))
        mmx_wait(c);
    return mmx_load(c, i, 8);
}

void op_sse_cvtpi2ps(struct cpu *c, const struct insn *i)
{
    struct fp_env e = SSE_ENV(c);
    uint64_t b = pi_load(c, i), r;

    r = f32_from_i32(&e, (int32_t)(uint32_t)b);
    r |= (uint64_t)f32_from_i32(&e, (int32_t)(uint32_t)(b >> 32)) << 32;
    sse_done(c, &e);
    if (!(i->form & FORM_MEM))
        mmx_enter(c);
    vec_at(c, i->reg)->q[0] = r;
}

static struct x128 doubles_of(uint64_t b)
{
    return x128(f64_from_i32((int32_t)(uint32_t)b),
                f64_from_i32((int32_t)(uint32_t)(b >> 32)));
}

void op_sse_cvtpi2pd(struct cpu *c, const struct insn *i)
{
    uint64_t b = pi_load(c, i);
    if (!(i->form & FORM_MEM))
        mmx_enter(c);
    vec_put(c, i->reg, doubles_of(b));
}

static ALWAYS_INLINE uint32_t float_of_rm(struct cpu *c, const struct insn *i)
{
    uint64_t b = rm_get(c, i, y_bits(i));
    struct fp_env e = SSE_ENV(c);
    uint32_t r = i->form & FORM_W ? f32_from_i64(&e, (int64_t)b)
                                  : f32_from_i32(&e, (int32_t)(uint32_t)b);
    sse_done(c, &e);
    return r;
}

static ALWAYS_INLINE uint64_t double_of_rm(struct cpu *c, const struct insn *i)
{
    uint64_t b = rm_get(c, i, y_bits(i)), r;
    struct fp_env e = SSE_ENV(c);

    r = i->form & FORM_W ? f64_from_i64(&e, (int64_t)b)
                         : f64_from_i32((int32_t)(uint32_t)b);
    sse_done(c, &e);
    return r;
}

void op_sse_cvtsi2ss(struct cpu *c, const struct insn *i)
{
    uint32_t r = float_of_rm(c, i);
    low32_set(vec_at(c, i->reg), r);
}

void op_v_cvtsi2ss(struct cpu *c, const struct insn *i)
{
    uint32_t r = float_of_rm(c, i);
    struct x128 a = vop_first128(c, i);
    x32_set(&a, 0, r);
    vop_put128(c, i->reg, a);
}

void op_sse_cvtsi2sd(struct cpu *c, const struct insn *i)
{
    uint64_t r = double_of_rm(c, i);
    vec_at(c, i->reg)->q[0] = r;
}

void op_v_cvtsi2sd(struct cpu *c, const struct insn *i)
{
    uint64_t r = double_of_rm(c, i);
    vop_put128(c, i->reg, x128(r, vop_first(c, i)->q[1]));
}

void op_sse_cvtdq2ps(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i);
    struct fp_env e = SSE_ENV(c);
    for (unsigned n = 0; n < 4; n++)
        x32_set(&b, n, f32_from_i32(&e, (int32_t)x32(b, n)));
    sse_done(c, &e);
    vec_put(c, i->reg, b);
}

static void v_cvtdq2ps(struct vop *o)
{
    for (unsigned n = 0; n < 2 * o->words; n++)
        vec32_set(&o->d, n, f32_from_i32(&o->env, (int32_t)vec32(&o->b, n)));
}

VOP_FP(cvtdq2ps, VOP_FULL, v_cvtdq2ps)

void op_sse_cvtdq2pd(struct cpu *c, const struct insn *i)
{
    vec_put(c, i->reg, doubles_of(low_load(c, i, 8)));
}

static void v_cvtdq2pd(struct vop *o)
{
    for (unsigned n = 0; n < o->words; n += 2)
        vop_lane_set(&o->d, n / 2, doubles_of(o->b.q[n / 2]));
}

VOP(cvtdq2pd, VOP_HALF, v_cvtdq2pd)

/* ---- to integers ---- */

static ALWAYS_INLINE uint64_t dwords_of_floats(struct fp_env *e, uint64_t q,
                                               bool truncate)
{
    uint32_t low = (uint32_t)f32_to_i32(e, (uint32_t)q, truncate);
    return two32(low, (uint32_t)f32_to_i32(e, (uint32_t)(q >> 32), truncate));
}

static ALWAYS_INLINE uint64_t dwords_of_doubles(struct fp_env *e, struct x128 x,
                                                bool truncate)
{
    uint32_t low = (uint32_t)f64_to_i32(e, x.q[0], truncate);
    return two32(low, (uint32_t)f64_to_i32(e, x.q[1], truncate));
}

static ALWAYS_INLINE void floats_to_dwords(struct cpu *c, const struct insn *i, bool t)
{
    struct x128 b = vec_load(c, i), r;
    struct fp_env e = SSE_ENV(c);
    r.q[0] = dwords_of_floats(&e, b.q[0], t);
    r.q[1] = dwords_of_floats(&e, b.q[1], t);
    done_without_denormal(c, &e);
    vec_put(c, i->reg, r);
}

static ALWAYS_INLINE void doubles_to_dwords(struct cpu *c, const struct insn *i, bool t)
{
    struct x128 b = vec_load(c, i);
    struct fp_env e = SSE_ENV(c);
    uint64_t r = dwords_of_doubles(&e, b, t);
    done_without_denormal(c, &e);
    vec_put(c, i->reg, x128(r, 0));
}

static ALWAYS_INLINE void floats_to_mmx(struct cpu *c, const struct insn *i, bool t)
{
    struct fp_env e = SSE_ENV(c);
    uint64_t r;

    mmx_wait(c);
    r = dwords_of_floats(&e, low_load(c, i, 8), t);
    done_without_denormal(c, &e);
    mmx_enter(c);
    mmx_set(c, i->reg, r);
}

static ALWAYS_INLINE void doubles_to_mmx(struct cpu *c, const struct insn *i, bool t)
{
    struct fp_env e = SSE_ENV(c);
    uint64_t r;

    mmx_wait(c);
    r = dwords_of_doubles(&e, vec_load(c, i), t);
    done_without_denormal(c, &e);
    mmx_enter(c);
    mmx_set(c, i->reg, r);
}

static ALWAYS_INLINE void float_to_gpr(struct cpu *c, const struct insn *i, bool t)
{
    uint32_t b = (uint32_t)low_load(c, i, 4);
    struct fp_env e = SSE_ENV(c);
    uint64_t r = i->form & FORM_W ? (uint64_t)f32_to_i64(&e, b, t)
                                  : (uint32_t)f32_to_i32(&e, b, t);
    done_without_denormal(c, &e);
    reg_set(c, i->reg, y_bits(i), r);
}

static ALWAYS_INLINE void double_to_gpr(struct cpu *c, const struct insn *i, bool t)
{
    uint64_t b = low_load(c, i, 8), r;
    struct fp_env e = SSE_ENV(c);
    r = i->form & FORM_W ? (uint64_t)f64_to_i64(&e, b, t)
                         : (uint32_t)f64_to_i32(&e, b, t);
    done_without_denormal(c, &e);
    reg_set(c, i->reg, y_bits(i), r);
}

/* Each by MXCSR.RC, and truncating. */
#define TO_INTEGER(shape, rounding, truncating)                                        \
    void op_sse_##rounding(struct cpu *c, const struct insn *i)                        \
    {                                                                                  \
        shape(c, i, false);                                                            \
    }                                                                                  \
    void op_sse_##truncating(struct cpu *c, const struct insn *i)                      \
    {                                                                                  \
        shape(c, i, true);                                                             \
    }

TO_INTEGER(floats_to_dwords, cvtps2dq, cvttps2dq)
TO_INTEGER(doubles_to_dwords, cvtpd2dq, cvttpd2dq)
TO_INTEGER(floats_to_mmx, cvtps2pi, cvttps2pi)
TO_INTEGER(doubles_to_mmx, cvtpd2pi, cvttpd2pi)
TO_INTEGER(float_to_gpr, cvtss2si, cvttss2si)
TO_INTEGER(double_to_gpr, cvtsd2si, cvttsd2si)

static ALWAYS_INLINE void v_dwords_of_floats(struct vop *o, bool truncate)
{
    for (unsigned n = 0; n < o->words; n++)
        o->d.q[n] = dwords_of_floats(&o->env, o->b.q[n], truncate);
}

/* A result half as long as the vector. */
static ALWAYS_INLINE void v_half(struct vop *o)
{
    for (unsigned n = o->words / 2; n < o->words; n++)
        o->d.q[n] = 0;
}

static ALWAYS_INLINE void v_dwords_of_doubles(struct vop *o, bool truncate)
{
    for (unsigned n = 0; n < o->words / 2; n++)
        o->d.q[n] = dwords_of_doubles(&o->env, vop_lane(&o->b, n), truncate);
    v_half(o);
}

#define V_TO_INTEGER(shape, rounding, truncating)                                      \
    static void v_##rounding(struct vop *o)                                            \
    {                                                                                  \
        shape(o, false);                                                               \
    }                                                                                  \
    static void v_##truncating(struct vop *o)                                          \
    {                                                                                  \
        shape(o, true);                                                                \
    }                                                                                  \
    VOP_FP(rounding, VOP_FULL, v_##rounding)                                           \
    VOP_FP(truncating, VOP_FULL, v_##truncating)

V_TO_INTEGER(v_dwords_of_floats, cvtps2dq, cvttps2dq)
V_TO_INTEGER(v_dwords_of_doubles, cvtpd2dq, cvttpd2dq)

/* ---- between formats ---- */

void op_sse_cvtps2pd(struct cpu *c, const struct insn *i)
{
    uint64_t b = low_load(c, i, 8);
    struct fp_env e = SSE_ENV(c);
    struct x128 r;
    r.q[0] = f32_to_f64(&e, (uint32_t)b);
    r.q[1] = f32_to_f64(&e, (uint32_t)(b >> 32));
    sse_done(c, &e);
    vec_put(c, i->reg, r);
}

void op_sse_cvtpd2ps(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i);
    struct fp_env e = SSE_ENV(c);
    uint32_t low = f64_to_f32(&e, b.q[0]);
    uint64_t r = two32(low, f64_to_f32(&e, b.q[1]));
    sse_done(c, &e);
    vec_put(c, i->reg, x128(r, 0));
}

void op_sse_cvtss2sd(struct cpu *c, const struct insn *i)
{
    uint32_t b = (uint32_t)low_load(c, i, 4);
    struct fp_env e = SSE_ENV(c);
    uint64_t r = f32_to_f64(&e, b);
    sse_done(c, &e);
    vec_at(c, i->reg)->q[0] = r;
}

void op_sse_cvtsd2ss(struct cpu *c, const struct insn *i)
{
    uint64_t b = low_load(c, i, 8);
    struct x128 a = vec_get(c, i->reg);
    struct fp_env e = SSE_ENV(c);
    x32_set(&a, 0, f64_to_f32(&e, b));
    sse_done(c, &e);
    vec_put(c, i->reg, a);
}

static void v_cvtps2pd(struct vop *o)
{
    for (unsigned n = 0; n < o->words; n++)
        o->d.q[n] = f32_to_f64(&o->env, vec32(&o->b, n));
}

static void v_cvtpd2ps(struct vop *o)
{
    for (unsigned n = 0; n < o->words; n++)
        vec32_set(&o->d, n, f64_to_f32(&o->env, o->b.q[n]));
    v_half(o);
}

static void v_cvtss2sd(struct vop *o)
{
    o->d.q[0] = f32_to_f64(&o->env, (uint32_t)o->b.q[0]);
}

static void v_cvtsd2ss(struct vop *o)
{
    low32_set(&o->d, f64_to_f32(&o->env, o->b.q[0]));
}

VOP_FP(cvtps2pd, VOP_HALF, v_cvtps2pd)
VOP_FP(cvtpd2ps, VOP_FULL, v_cvtpd2ps)
VOP_FP_SCALAR(cvtss2sd, 4, v_cvtss2sd)
VOP_FP_SCALAR(cvtsd2ss, 8, v_cvtsd2ss)

/* ---- ROUNDxx: imm 1:0 the rounding unless imm 2 says MXCSR.RC; imm 3: no precision
 * exception ---- */

static void round_by(struct fp_env *e, unsigned imm)
{
    if (!(imm & 4))
        e->rounding = imm & 3;
}

static struct fp_env round_env(const struct cpu *c, unsigned imm)
{
    struct fp_env e = SSE_ENV(c);
    round_by(&e, imm);
    return e;
}

void op_sse_roundps(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i);
    struct fp_env e = round_env(c, (unsigned)i->imm);
    for (unsigned n = 0; n < 4; n++)
        x32_set(&b, n, f32_round(&e, x32(b, n), !(i->imm & 8)));
    done_without_denormal(c, &e);
    vec_put(c, i->reg, b);
}

void op_sse_roundpd(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i);
    struct fp_env e = round_env(c, (unsigned)i->imm);
    for (unsigned n = 0; n < 2; n++)
        b.q[n] = f64_round(&e, b.q[n], !(i->imm & 8));
    done_without_denormal(c, &e);
    vec_put(c, i->reg, b);
}

void op_sse_roundss(struct cpu *c, const struct insn *i)
{
    uint32_t b = (uint32_t)low_load(c, i, 4);
    struct x128 a = vec_get(c, i->reg);
    struct fp_env e = round_env(c, (unsigned)i->imm);
    x32_set(&a, 0, f32_round(&e, b, !(i->imm & 8)));
    done_without_denormal(c, &e);
    vec_put(c, i->reg, a);
}

void op_sse_roundsd(struct cpu *c, const struct insn *i)
{
    uint64_t b = low_load(c, i, 8);
    struct x128 a = vec_get(c, i->reg);
    struct fp_env e = round_env(c, (unsigned)i->imm);
    a.q[0] = f64_round(&e, b, !(i->imm & 8));
    done_without_denormal(c, &e);
    vec_put(c, i->reg, a);
}

static void v_roundps(struct vop *o)
{
    round_by(&o->env, o->imm);
    for (unsigned n = 0; n < 2 * o->words; n++)
        vec32_set(&o->d, n, f32_round(&o->env, vec32(&o->b, n), !(o->imm & 8)));
}

static void v_roundpd(struct vop *o)
{
    round_by(&o->env, o->imm);
    for (unsigned n = 0; n < o->words; n++)
        o->d.q[n] = f64_round(&o->env, o->b.q[n], !(o->imm & 8));
}

static void v_roundss(struct vop *o)
{
    round_by(&o->env, o->imm);
    low32_set(&o->d, f32_round(&o->env, (uint32_t)o->b.q[0], !(o->imm & 8)));
}

static void v_roundsd(struct vop *o)
{
    round_by(&o->env, o->imm);
    o->d.q[0] = f64_round(&o->env, o->b.q[0], !(o->imm & 8));
}

VOP_FP(roundps, VOP_FULL, v_roundps)
VOP_FP(roundpd, VOP_FULL, v_roundpd)
VOP_FP_SCALAR(roundss, 4, v_roundss)
VOP_FP_SCALAR(roundsd, 8, v_roundsd)

/* ---- EVEX ---- */

EVOP_FP_COMPARE(cmpps, 4, v_cmpps)
EVOP_FP_COMPARE(cmppd, 8, v_cmppd)
EVOP_FP_COMPARE_SCALAR(cmpss, 4, v_cmpss)
EVOP_FP_COMPARE_SCALAR(cmpsd, 8, v_cmpsd)

static ALWAYS_INLINE void e_compare(struct cpu *c, const struct insn *i, unsigned bytes,
                                    bool quiet)
{
    uint64_t b = low_load(c, i, bytes), a = vec_at(c, i->reg)->q[0];
    enum fp_relation r;
    struct vop o;

    evop_fp(c, i, &o, false);
    r = bytes == 8 ? f64_compare(&o.env, a, b, quiet)
                   : f32_compare(&o.env, (uint32_t)a, (uint32_t)b, quiet);
    evop_raise(c, i, &o);
    put_relation(c, r);
}

void op_e_comiss(struct cpu *c, const struct insn *i)
{
    e_compare(c, i, 4, false);
}

void op_e_ucomiss(struct cpu *c, const struct insn *i)
{
    e_compare(c, i, 4, true);
}

void op_e_comisd(struct cpu *c, const struct insn *i)
{
    e_compare(c, i, 8, false);
}

void op_e_ucomisd(struct cpu *c, const struct insn *i)
{
    e_compare(c, i, 8, true);
}

EVOP_FP_FROM(cvtps2pd, 8, VOP_FULL, VOP_HALF, 4, false, v_cvtps2pd)
EVOP_FP_FROM(cvtpd2ps, 4, VOP_HALF, VOP_FULL, 8, true, v_cvtpd2ps)
EVOP_FP_SCALAR(cvtss2sd, 8, 4, false, v_cvtss2sd)
EVOP_FP_SCALAR(cvtsd2ss, 4, 8, true, v_cvtsd2ss)
EVOP_FP_FROM(cvtdq2ps, 4, VOP_FULL, VOP_FULL, 4, true, v_cvtdq2ps)
EVOP_FROM(cvtdq2pd, 8, VOP_HALF, 4, v_cvtdq2pd)
EVOP_FP_FROM(cvtps2dq, 4, VOP_FULL, VOP_FULL, 4, true, v_cvtps2dq)
EVOP_FP_FROM(cvttps2dq, 4, VOP_FULL, VOP_FULL, 4, false, v_cvttps2dq)
EVOP_FP_FROM(cvtpd2dq, 4, VOP_HALF, VOP_FULL, 8, true, v_cvtpd2dq)
EVOP_FP_FROM(cvttpd2dq, 4, VOP_HALF, VOP_FULL, 8, false, v_cvttpd2dq)
