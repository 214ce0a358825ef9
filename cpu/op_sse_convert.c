/* op_sse_convert.c - SSE compares, conversions and rounding.
 *
 * Conversions to integers and ROUND raise invalid and precision alone: a denormal
 * operand is no exception there (Intel SDM vol 2, CVTPS2DQ, ROUNDPS).
 */
#include "cpu/simd.h"

static ALWAYS_INLINE void done_without_denormal(struct cpu *c, struct fp_env *e)
{
    e->flags &= (uint8_t)~FP_DENORMAL;
    sse_done(c, e);
}

/* ---- CMPxx: the predicate is imm 2:0; less and less-or-equal (and their negations)
 * signal a quiet NaN, the others only a signalling one ---- */

static bool predicate_quiet(unsigned imm)
{
    return (imm & 3) == 0 || (imm & 3) == 3;
}

static bool predicate_holds(unsigned imm, enum fp_relation r)
{
    bool yes;
    switch (imm & 3) {
    case 0: yes = r == FP_EQUAL; break;
    case 1: yes = r == FP_LESS; break;
    case 2: yes = r == FP_LESS || r == FP_EQUAL; break;
    default: yes = r == FP_UNORDERED; break;
    }
    return yes ^ (imm >> 2 & 1);
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
        x32_set(&a, n, cmp32(&e, (unsigned)i->imm, x32(a, n), x32(b, n)));
    sse_done(c, &e);
    vec_put(c, i->reg, a);
}

void op_sse_cmppd(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i), a = vec_get(c, i->reg);
    struct fp_env e = SSE_ENV(c);
    for (unsigned n = 0; n < 2; n++)
        a.q[n] = cmp64(&e, (unsigned)i->imm, a.q[n], b.q[n]);
    sse_done(c, &e);
    vec_put(c, i->reg, a);
}

void op_sse_cmpss(struct cpu *c, const struct insn *i)
{
    uint32_t b = (uint32_t)low_load(c, i, 4);
    struct x128 a = vec_get(c, i->reg);
    struct fp_env e = SSE_ENV(c);
    x32_set(&a, 0, cmp32(&e, (unsigned)i->imm, x32(a, 0), b));
    sse_done(c, &e);
    vec_put(c, i->reg, a);
}

void op_sse_cmpsd(struct cpu *c, const struct insn *i)
{
    uint64_t b = low_load(c, i, 8);
    struct x128 a = vec_get(c, i->reg);
    struct fp_env e = SSE_ENV(c);
    a.q[0] = cmp64(&e, (unsigned)i->imm, a.q[0], b);
    sse_done(c, &e);
    vec_put(c, i->reg, a);
}

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

void op_sse_cvtsi2ss(struct cpu *c, const struct insn *i)
{
    uint64_t b = rm_get(c, i, y_bits(i));
    struct x128 a = vec_get(c, i->reg);
    struct fp_env e = SSE_ENV(c);

    x32_set(&a, 0,
            i->form & FORM_W ? f32_from_i64(&e, (int64_t)b)
                             : f32_from_i32(&e, (int32_t)(uint32_t)b));
    sse_done(c, &e);
    vec_put(c, i->reg, a);
}

void op_sse_cvtsi2sd(struct cpu *c, const struct insn *i)
{
    uint64_t b = rm_get(c, i, y_bits(i)), r;
    struct fp_env e = SSE_ENV(c);

    r = i->form & FORM_W ? f64_from_i64(&e, (int64_t)b)
                         : f64_from_i32((int32_t)(uint32_t)b);
    sse_done(c, &e);
    vec_at(c, i->reg)->q[0] = r;
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

void op_sse_cvtdq2pd(struct cpu *c, const struct insn *i)
{
    vec_put(c, i->reg, doubles_of(low_load(c, i, 8)));
}

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

/* ---- ROUNDxx: imm 1:0 the rounding unless imm 2 says MXCSR.RC; imm 3: no precision
 * exception ---- */

static struct fp_env round_env(const struct cpu *c, unsigned imm)
{
    struct fp_env e = SSE_ENV(c);
    if (!(imm & 4))
        e.rounding = imm & 3;
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
