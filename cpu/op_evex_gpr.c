/* op_evex_gpr.c - EVEX conversions between scalars and general registers. Intel SDM vol
 * 2, VCVTSI2SD and its kin. The operand size is 64 with EVEX.W in 64-bit mode, else 32.
 */
#include "cpu/evop.h"

/* ---- from integers ---- */

static ALWAYS_INLINE uint64_t float_of(struct fp_env *e, uint64_t a, bool wide,
                                       bool is_unsigned)
{
    if (is_unsigned)
        return f32_from_u64(e, a);
    return f32_from_i64(e, wide ? (int64_t)a : (int32_t)(uint32_t)a);
}

static ALWAYS_INLINE uint64_t double_of(struct fp_env *e, uint64_t a, bool wide,
                                        bool is_unsigned)
{
    if (is_unsigned)
        return f64_from_u64(e, a);
    return f64_from_i64(e, wide ? (int64_t)a : (int32_t)(uint32_t)a);
}

static ALWAYS_INLINE void from_gpr(struct cpu *c, const struct insn *i, unsigned size,
                                   bool is_unsigned)
{
    uint64_t b = rm_get(c, i, y_bits(i));
    bool wide = i->form & FORM_W;
    struct vop o;

    vec_copy(&o.d, vop_first(c, i), 2);
    evop_fp(c, i, &o, true);
    if (size == 8)
        o.d.q[0] = double_of(&o.env, b, wide, is_unsigned);
    else
        low32_set(&o.d, (uint32_t)float_of(&o.env, b, wide, is_unsigned));
    evop_raise(c, i, &o);
    vop_put(c, i->reg, &o.d, 2);
}

void op_e_cvtsi2ss(struct cpu *c, const struct insn *i)
{
    from_gpr(c, i, 4, false);
}

void op_e_cvtsi2sd(struct cpu *c, const struct insn *i)
{
    from_gpr(c, i, 8, false);
}

void op_e_cvtusi2ss(struct cpu *c, const struct insn *i)
{
    from_gpr(c, i, 4, true);
}

void op_e_cvtusi2sd(struct cpu *c, const struct insn *i)
{
    from_gpr(c, i, 8, true);
}

/* ---- to integers ---- */

static ALWAYS_INLINE uint64_t of_float(struct fp_env *e, uint32_t a, bool wide,
                                       bool is_unsigned, bool truncate)
{
    if (is_unsigned)
        return wide ? f32_to_u64(e, a, truncate) : f32_to_u32(e, a, truncate);
    return wide ? (uint64_t)f32_to_i64(e, a, truncate)
                : (uint32_t)f32_to_i32(e, a, truncate);
}

static ALWAYS_INLINE uint64_t of_double(struct fp_env *e, uint64_t a, bool wide,
                                        bool is_unsigned, bool truncate)
{
    if (is_unsigned)
        return wide ? f64_to_u64(e, a, truncate) : f64_to_u32(e, a, truncate);
    return wide ? (uint64_t)f64_to_i64(e, a, truncate)
                : (uint32_t)f64_to_i32(e, a, truncate);
}

static ALWAYS_INLINE void to_gpr(struct cpu *c, const struct insn *i, unsigned size,
                                 bool is_unsigned, bool truncate)
{
    uint64_t b = low_load(c, i, size), r;
    bool wide = i->form & FORM_W;
    struct vop o;

    evop_fp(c, i, &o, !truncate);
    r = size == 8 ? of_double(&o.env, b, wide, is_unsigned, truncate)
                  : of_float(&o.env, (uint32_t)b, wide, is_unsigned, truncate);
    evop_raise(c, i, &o);
    reg_set(c, i->reg, y_bits(i), r);
}

#define E_TO_GPR(name, size, is_unsigned)                                              \
    void op_e_cvt##name(struct cpu *c, const struct insn *i)                           \
    {                                                                                  \
        to_gpr(c, i, size, is_unsigned, false);                                        \
    }                                                                                  \
    void op_e_cvtt##name(struct cpu *c, const struct insn *i)                          \
    {                                                                                  \
        to_gpr(c, i, size, is_unsigned, true);                                         \
    }

E_TO_GPR(ss2si, 4, false)
E_TO_GPR(sd2si, 8, false)
E_TO_GPR(ss2usi, 4, true)
E_TO_GPR(sd2usi, 8, true)
