/* x87_arith.c - add, subtract, multiply, divide, compare, and the one-operand ones. SDM
 * vol 2: FADD to FTST; exceptions vol 1 8.5.
 */
#include "cpu/x87_parts.h"

/* ---- the six operations in seven forms ---- */

typedef struct f80 binary_fn(struct fp_env *e, struct f80 a, struct f80 b);

static ALWAYS_INLINE struct f80 subtract_reversed(struct fp_env *e, struct f80 a,
                                                  struct f80 b)
{
    return f80_sub(e, b, a);
}

static ALWAYS_INLINE struct f80 divide_reversed(struct fp_env *e, struct f80 a,
                                                struct f80 b)
{
    return f80_div(e, b, a);
}

/* Widening b may have raised something. A signalling NaN is one to the operation too
 * (SDM vol 1 Table 4-7); a denormal counts only if the operation meets no NaN, invalid
 * operand or division by zero. */
static ALWAYS_INLINE struct f80 with_widened(struct fp_env *e, struct f80 a,
                                             struct f80 b, binary_fn *op)
{
    unsigned before = e->flags;
    struct f80 r;

    if (UNLIKELY(before & FP_INVALID))
        b.sig &= ~F80_QUIET;
    e->flags = 0;
    r = op(e, a, b);
    if (UNLIKELY(before & FP_DENORMAL) && !(e->flags & (FP_INVALID | FP_DIVZERO)) &&
        !f80_is_nan(r))
        e->flags = e->masks & FP_DENORMAL ? e->flags | FP_DENORMAL : FP_DENORMAL;
    return r;
}

/* ST(n) = op(ST(n), b), with b in a register that is empty or not. */
static ALWAYS_INLINE void arithmetic(struct cpu *c, const struct insn *i, binary_fn *op,
                                     unsigned n, bool empty, struct fp_env *e,
                                     struct f80 b, bool pop)
{
    struct f80 r;

    x87_begin(c, i);
    if (UNLIKELY(empty || st_empty(c, n))) {
        if (!x87_stack_underflow(c))
            return;
        st_set(c, n, f80_default_nan());
    } else {
        r = with_widened(e, *st_at(c, n), b, op);
        if (e->flags && (x87_raise(c, e->flags) & FP_BEFORE))
            return;
        *st_at(c, n) = r;
    }
    if (pop)
        st_pop(c);
}

/* Memory operands, widened. */
static ALWAYS_INLINE struct f80 widen32(struct cpu *c, const struct insn *i,
                                        struct fp_env *e)
{
    return f80_from_f32(e, (uint32_t)x87_load(c, i, 4));
}

static ALWAYS_INLINE struct f80 widen64(struct cpu *c, const struct insn *i,
                                        struct fp_env *e)
{
    return f80_from_f64(e, x87_load(c, i, 8));
}

static ALWAYS_INLINE struct f80 widen_i16(struct cpu *c, const struct insn *i,
                                          struct fp_env *e)
{
    (void)e;
    return f80_from_i64((int16_t)x87_load(c, i, 2));
}

static ALWAYS_INLINE struct f80 widen_i32(struct cpu *c, const struct insn *i,
                                          struct fp_env *e)
{
    (void)e;
    return f80_from_i64((int32_t)x87_load(c, i, 4));
}

#define FROM_MEMORY(name, op, widen)                                                   \
    X87(name)                                                                          \
    {                                                                                  \
        struct fp_env e = x87_env(c);                                                  \
        struct f80 b;                                                                  \
        x87_wait(c);                                                                   \
        b = widen(c, i, &e);                                                           \
        arithmetic(c, i, op, 0, false, &e, b, false);                                  \
    }

/* st0: ST(0) = op(ST(0), ST(i)); sti: ST(i) = op(ST(i), ST(0)), with or without pop. */
#define ARITHMETIC(name, op)                                                           \
    FROM_MEMORY(name##_m32, op, widen32)                                               \
    FROM_MEMORY(name##_m64, op, widen64)                                               \
    FROM_MEMORY(name##_i16, op, widen_i16)                                             \
    FROM_MEMORY(name##_i32, op, widen_i32)                                             \
    X87(name##_st0)                                                                    \
    {                                                                                  \
        struct fp_env e = x87_env(c);                                                  \
        x87_wait(c);                                                                   \
        arithmetic(c, i, op, 0, st_empty(c, i->rm), &e, *st_at(c, i->rm), false);      \
    }                                                                                  \
    X87(name##_sti)                                                                    \
    {                                                                                  \
        struct fp_env e = x87_env(c);                                                  \
        x87_wait(c);                                                                   \
        arithmetic(c, i, op, i->rm, st_empty(c, 0), &e, *st_at(c, 0), false);          \
    }                                                                                  \
    X87(name##_pop)                                                                    \
    {                                                                                  \
        struct fp_env e = x87_env(c);                                                  \
        x87_wait(c);                                                                   \
        arithmetic(c, i, op, i->rm, st_empty(c, 0), &e, *st_at(c, 0), true);           \
    }

ARITHMETIC(fadd, f80_add)
ARITHMETIC(fmul, f80_mul)
ARITHMETIC(fsub, f80_sub)
ARITHMETIC(fsubr, subtract_reversed)
ARITHMETIC(fdiv, f80_div)
ARITHMETIC(fdivr, divide_reversed)

/* ---- one operand ---- */

typedef struct f80 unary_fn(struct fp_env *e, struct f80 a);

static ALWAYS_INLINE void unary(struct cpu *c, const struct insn *i, unary_fn *op)
{
    struct fp_env e = x87_env(c);
    struct f80 r;

    x87_wait(c);
    x87_begin(c, i);
    if (st_empty(c, 0)) {
        if (x87_stack_underflow(c))
            st_set(c, 0, f80_default_nan());
        return;
    }
    r = op(&e, *st_at(c, 0));
    if (e.flags && (x87_raise(c, e.flags) & FP_BEFORE))
        return;
    *st_at(c, 0) = r;
}

X87(fsqrt)
{
    unary(c, i, f80_sqrt);
}

X87(frndint)
{
    unary(c, i, f80_round);
}

/* FCHS and FABS touch the sign of anything, also of a NaN, and raise nothing. */
static struct f80 change_sign(struct fp_env *e, struct f80 a)
{
    (void)e;
    return f80_negate(a);
}

static struct f80 clear_sign(struct fp_env *e, struct f80 a)
{
    (void)e;
    a.se &= F80_EXP;
    return a;
}

X87(fchs)
{
    unary(c, i, change_sign);
}

X87(fabs)
{
    unary(c, i, clear_sign);
}

/* C3 C2 C0: unsupported 000, NaN 001, normal 010, infinite 011, zero 100, empty 101,
 * denormal 110. C1 is the sign, also of an empty register. */
X87(fxam)
{
    struct f80 a;
    unsigned bits;

    x87_wait(c);
    x87_begin(c, i);
    a = *st_at(c, 0);
    if (st_empty(c, 0))
        bits = FSW_C3 | FSW_C0;
    else if (f80_is_unsupported(a))
        bits = 0;
    else if (f80_is_nan(a))
        bits = FSW_C0;
    else if (f80_is_inf(a))
        bits = FSW_C2 | FSW_C0;
    else if (f80_is_zero(a))
        bits = FSW_C3;
    else if (f80_is_denormal(a))
        bits = FSW_C3 | FSW_C2;
    else
        bits = FSW_C2;
    if (f80_sign(a))
        bits |= FSW_C1;
    c->fsw = (uint16_t)((c->fsw & ~(FSW_C3 | FSW_C2 | FSW_C0)) | bits);
}

/* ---- comparisons ---- */

static const uint16_t relation_bits[4] = {
    [FP_LESS] = FSW_C0,
    [FP_EQUAL] = FSW_C3,
    [FP_GREATER] = 0,
    [FP_UNORDERED] = FSW_C3 | FSW_C2 | FSW_C0,
};

static ALWAYS_INLINE void compared(struct cpu *c, enum fp_relation r)
{
    c->fsw = (uint16_t)((c->fsw & ~(FSW_C3 | FSW_C2 | FSW_C0)) | relation_bits[r]);
}

/* The condition codes are set only if an invalid operand is masked (SDM vol 2, FCOM;
 * AMD's processors set them always); an unmasked denormal sets them, but pops nothing.
 */
static ALWAYS_INLINE void compare(struct cpu *c, const struct insn *i, bool empty,
                                  struct fp_env *e, struct f80 b, bool quiet,
                                  unsigned pops)
{
    x87_begin(c, i);
    if (UNLIKELY(empty || st_empty(c, 0))) {
        if (!x87_stack_underflow(c))
            return;
        compared(c, FP_UNORDERED);
    } else {
        unsigned unmasked = 0;
        enum fp_relation r = f80_compare(e, *st_at(c, 0), b, quiet);
        if (r == FP_UNORDERED)
            e->flags &= (uint8_t)~FP_DENORMAL; /* that widening b raised */
        if (e->flags)
            unmasked = x87_raise(c, e->flags);
        if (!(unmasked & FP_INVALID))
            compared(c, r);
        if (unmasked)
            return;
    }
    while (pops--)
        st_pop(c);
}

#define COMPARE_MEMORY(name, widen, pops)                                              \
    X87(name)                                                                          \
    {                                                                                  \
        struct fp_env e = x87_env(c);                                                  \
        struct f80 b;                                                                  \
        x87_wait(c);                                                                   \
        b = widen(c, i, &e);                                                           \
        compare(c, i, false, &e, b, false, pops);                                      \
    }
COMPARE_MEMORY(fcom_m32, widen32, 0)
COMPARE_MEMORY(fcomp_m32, widen32, 1)
COMPARE_MEMORY(fcom_m64, widen64, 0)
COMPARE_MEMORY(fcomp_m64, widen64, 1)
COMPARE_MEMORY(fcom_i16, widen_i16, 0)
COMPARE_MEMORY(fcomp_i16, widen_i16, 1)
COMPARE_MEMORY(fcom_i32, widen_i32, 0)
COMPARE_MEMORY(fcomp_i32, widen_i32, 1)

#define COMPARE_REGISTER(name, n, quiet, pops)                                         \
    X87(name)                                                                          \
    {                                                                                  \
        struct fp_env e = x87_env(c);                                                  \
        x87_wait(c);                                                                   \
        compare(c, i, st_empty(c, n), &e, *st_at(c, n), quiet, pops);                  \
    }
COMPARE_REGISTER(fcom_st, i->rm, false, 0)
COMPARE_REGISTER(fcomp_st, i->rm, false, 1)
COMPARE_REGISTER(fcompp, 1, false, 2)
COMPARE_REGISTER(fucom, i->rm, true, 0)
COMPARE_REGISTER(fucomp, i->rm, true, 1)
COMPARE_REGISTER(fucompp, 1, true, 2)

X87(ftst)
{
    struct fp_env e = x87_env(c);

    x87_wait(c);
    compare(c, i, false, &e, f80_zero(false), false, 0);
}

/* FCOMI and its kin: ZF, PF, CF as COMISD sets them; OF, SF, AF cleared; not with an
 * unmasked invalid operand. */
static void compare_flags(struct cpu *c, const struct insn *i, bool quiet, bool pop)
{
    static const uint16_t bits[4] = {
        [FP_LESS] = FLAG_CF,
        [FP_EQUAL] = FLAG_ZF,
        [FP_GREATER] = 0,
        [FP_UNORDERED] = FLAG_ZF | FLAG_PF | FLAG_CF,
    };
    struct fp_env e = x87_env(c);
    enum fp_relation r = FP_UNORDERED;

    x87_wait(c);
    x87_begin(c, i);
    if (st_empty(c, 0) || st_empty(c, i->rm)) {
        if (!x87_stack_underflow(c))
            return;
    } else {
        r = f80_compare(&e, *st_at(c, 0), *st_at(c, i->rm), quiet);
        unsigned unmasked = x87_raise(c, e.flags);
        if (unmasked & FP_INVALID)
            return;
        pop = pop && !unmasked;
    }
    lazy_put(&c->lazy, bits[r]);
    if (pop)
        st_pop(c);
}

X87(fcomi)
{
    compare_flags(c, i, false, false);
}

X87(fcomip)
{
    compare_flags(c, i, false, true);
}

X87(fucomi)
{
    compare_flags(c, i, true, false);
}

X87(fucomip)
{
    compare_flags(c, i, true, true);
}
