/* op_evex_float.c - floating-point operations that came with AVX-512: round and reduce,
 * exponent and significand, scale, range, fix-up, classes. Intel SDM vol 2.
 */
#include "cpu/evop_element.h"

/* A NaN of one operand, quiet. */
static ALWAYS_INLINE uint64_t quiet(struct fp_env *e, unsigned f, uint64_t a)
{
    return fp_nan2(e, f, a, a);
}

static ALWAYS_INLINE uint64_t daz(const struct fp_env *e, unsigned f, uint64_t a)
{
    return e->daz && fp_is_denormal(f, a) ? a & fp_sign_bit(f) : a;
}

/* ---- VRNDSCALE, VREDUCE ----
 *
 * imm 7:4: how many places behind the point stay; imm 1:0 the rounding unless imm 2
 * says MXCSR.RC; imm 3: no precision exception. A denormal operand raises nothing.
 */

static ALWAYS_INLINE uint64_t round_places(struct vop *o, unsigned f, uint64_t a)
{
    bool inexact = !(o->imm & 8);

    if (!(o->imm & 4))
        o->env.rounding = o->imm & 3;
    return f == F64 ? f64_round_to(&o->env, a, o->imm >> 4, inexact)
                    : f32_round_to(&o->env, (uint32_t)a, o->imm >> 4, inexact);
}

static ALWAYS_INLINE uint64_t rndscale(struct vop *o, unsigned f, uint64_t a,
                                       uint64_t b, uint64_t old)
{
    (void)a;
    (void)old;
    return round_places(o, f, b);
}

/* What rounding takes away. The difference is exact unless the operand is small and was
 * rounded away from zero; a zero has the sign that its rounding gives it. */
static ALWAYS_INLINE uint64_t reduce(struct vop *o, unsigned f, uint64_t a, uint64_t b,
                                     uint64_t old)
{
    struct fp_env e;
    uint64_t whole;

    (void)a;
    (void)old;
    if (fp_is_nan(f, b))
        return quiet(&o->env, f, b);
    if (fp_magnitude(f, b) == fp_inf(f, false))
        return 0;
    whole = round_places(o, f, b);
    e = o->env;
    e.ftz = e.ftz && (e.masks & FP_UNDERFLOW);
    e.masks = MXCSR_FLAGS; /* neither denormal operand nor underflow is reported */
    e.flags = 0;
    b = f == F64 ? f64_sub(&e, b, whole) : f32_sub(&e, (uint32_t)b, (uint32_t)whole);
    if (!(o->imm & 8))
        o->env.flags |= e.flags & FP_INEXACT;
    return b;
}

EVOP_ELEMENTS(rndscale, false, rndscale)
EVOP_ELEMENTS(reduce, false, reduce)

/* ---- VGETEXP: the exponent as a number ---- */

static ALWAYS_INLINE uint64_t getexp(struct vop *o, unsigned f, uint64_t a, uint64_t b,
                                     uint64_t old)
{
    int exp;

    (void)a;
    (void)old;
    if (fp_is_nan(f, b))
        return quiet(&o->env, f, b);
    if (fp_magnitude(f, b) == fp_inf(f, false))
        return fp_inf(f, false);
    if (!fp_denormals(&o->env, f, &b))
        return b;
    if (!fp_magnitude(f, b))
        return fp_inf(f, true);
    (void)fp_unpack(f, b, &exp);
    exp -= fp_bias(f);
    return f == F64 ? f64_from_i32(exp) : f32_from_i32(&o->env, exp);
}

EVOP_ELEMENTS(getexp, false, getexp)

/* ---- VGETMANT: the significand, within the interval of imm 1:0, with the sign that
 * imm 3:2 says ---- */

enum { FROM_1_TO_2, FROM_HALF_TO_2, FROM_HALF_TO_1, FROM_3_QUARTERS_TO_3_HALVES };
enum { SIGN_PLUS = 1, NO_NEGATIVE = 2 };

static ALWAYS_INLINE uint64_t getmant(struct vop *o, unsigned f, uint64_t a, uint64_t b,
                                      uint64_t old)
{
    unsigned control = o->imm >> 2 & 3;
    bool negative = fp_sign(f, b), sign = negative && !(control & SIGN_PLUS),
         half = false;
    uint64_t one = (uint64_t)(unsigned)fp_bias(f) << f, frac;
    int exp;

    (void)a;
    (void)old;
    if (fp_is_nan(f, b))
        return quiet(&o->env, f, b);
    b = daz(&o->env, f, b);
    if (!fp_magnitude(f, b)) /* of -0 too, whatever NO_NEGATIVE says */
        return fp_zero(f, sign) | one;
    if (negative && (control & NO_NEGATIVE))
        return fp_invalid(&o->env, f);
    if (fp_magnitude(f, b) == fp_inf(f, false))
        return fp_zero(f, sign) | one;
    if (!fp_denormals(&o->env, f, &b))
        return b;
    frac = fp_frac(f, fp_unpack(f, b, &exp) >> (62 - f));
    switch (o->imm & 3) {
    case FROM_1_TO_2: break;
    case FROM_HALF_TO_2: half = (exp - fp_bias(f)) & 1; break;
    case FROM_HALF_TO_1: half = true; break;
    default: half = frac >> (f - 1); break;
    }
    return fp_zero(f, sign) | (one - (half ? fp_hidden(f) : 0) + frac);
}

EVOP_ELEMENTS(getmant, false, getmant)

/* ---- VSCALEF ---- */

static ALWAYS_INLINE uint64_t scalef(struct vop *o, unsigned f, uint64_t a, uint64_t b,
                                     uint64_t old)
{
    (void)old;
    return f == F64 ? f64_scalef(&o->env, a, b)
                    : f32_scalef(&o->env, (uint32_t)a, (uint32_t)b);
}

EVOP_ELEMENTS(scalef, true, scalef)

/* ---- VRANGE: the smaller or larger (imm 0) of two, by value or by magnitude (imm 1),
 * with the sign that imm 3:2 says ---- */

enum { RANGE_MAX = 1, RANGE_ABSOLUTE = 2 };
enum { SIGN_OF_FIRST, SIGN_OF_RESULT, SIGN_CLEAR, SIGN_SET };

/* A number that grows with the value; -0 is below +0. */
static ALWAYS_INLINE uint64_t by_value(unsigned f, uint64_t a)
{
    return fp_sign(f, a) ? fp_sign_bit(f) - 1 - fp_magnitude(f, a)
                         : fp_sign_bit(f) + fp_magnitude(f, a);
}

/* Of equal magnitudes the negative one is below. */
static ALWAYS_INLINE bool is_below(unsigned f, bool absolute, uint64_t a, uint64_t b)
{
    if (absolute && fp_magnitude(f, a) != fp_magnitude(f, b))
        return fp_magnitude(f, a) < fp_magnitude(f, b);
    return by_value(f, a) < by_value(f, b);
}

static ALWAYS_INLINE uint64_t range(struct vop *o, unsigned f, uint64_t a, uint64_t b,
                                    uint64_t old)
{
    bool a_nan = fp_is_nan(f, a), b_nan = fp_is_nan(f, b);
    uint64_t r;

    (void)old;
    if (fp_is_snan(f, a)) /* the sign control counts for quiet NaNs alone */
        return quiet(&o->env, f, a);
    if (fp_is_snan(f, b))
        return quiet(&o->env, f, b);
    a = daz(&o->env, f, a);
    b = daz(&o->env, f, b);
    if ((fp_is_denormal(f, a) && !b_nan) || (fp_is_denormal(f, b) && !a_nan))
        o->env.flags |= FP_DENORMAL;
    if (b_nan)
        r = a;
    else if (a_nan)
        r = b;
    else
        r = is_below(f, o->imm & RANGE_ABSOLUTE, a, b) != (o->imm & RANGE_MAX) ? a : b;
    switch (o->imm >> 2 & 3) {
    case SIGN_OF_FIRST: return fp_magnitude(f, r) | (a & fp_sign_bit(f));
    case SIGN_OF_RESULT: return r;
    case SIGN_CLEAR: return fp_magnitude(f, r);
    default: return r | fp_sign_bit(f);
    }
}

EVOP_ELEMENTS(range, false, range)

/* ---- VFIXUPIMM ----
 *
 * The first source falls into one of eight kinds; the element of the second has four
 * bits for each, which choose the answer. imm says which kinds raise what.
 */
enum token {
    TOKEN_QNAN,
    TOKEN_SNAN,
    TOKEN_ZERO,
    TOKEN_ONE,
    TOKEN_NEGATIVE_INF,
    TOKEN_POSITIVE_INF,
    TOKEN_NEGATIVE,
    TOKEN_POSITIVE,
};

static ALWAYS_INLINE enum token token_of(unsigned f, uint64_t a)
{
    bool negative = fp_sign(f, a);

    if (fp_is_nan(f, a))
        return fp_is_snan(f, a) ? TOKEN_SNAN : TOKEN_QNAN;
    if (!fp_magnitude(f, a))
        return TOKEN_ZERO;
    if (a == (uint64_t)(unsigned)fp_bias(f) << f)
        return TOKEN_ONE;
    if (fp_magnitude(f, a) == fp_inf(f, false))
        return negative ? TOKEN_NEGATIVE_INF : TOKEN_POSITIVE_INF;
    return negative ? TOKEN_NEGATIVE : TOKEN_POSITIVE;
}

static ALWAYS_INLINE void fixup_raise(struct fp_env *e, enum token token, unsigned imm)
{
    static const struct {
        uint8_t divzero, invalid; /* bits of imm */
    } bits[8] = {
        [TOKEN_ZERO] = {1 << 0, 1 << 1}, [TOKEN_ONE] = {1 << 2, 1 << 3},
        [TOKEN_SNAN] = {0, 1 << 4},      [TOKEN_NEGATIVE_INF] = {0, 1 << 5},
        [TOKEN_NEGATIVE] = {0, 1 << 6},  [TOKEN_POSITIVE_INF] = {0, 1 << 7},
    };

    if (imm & bits[token].divzero)
        e->flags |= FP_DIVZERO;
    if (imm & bits[token].invalid)
        e->flags |= FP_INVALID;
}

static ALWAYS_INLINE uint64_t fixupimm(struct vop *o, unsigned f, uint64_t a,
                                       uint64_t b, uint64_t old)
{
    uint64_t one = (uint64_t)(unsigned)fp_bias(f) << f, sign = fp_sign_bit(f);
    enum token token;

    a = daz(&o->env, f, a);
    token = token_of(f, a);
    fixup_raise(&o->env, token, o->imm);
    switch (b >> 4 * token & 15) {
    case 0: return old;
    case 1: return a;
    case 2: return a | fp_inf(f, false) | fp_hidden(f) >> 1;
    case 3: return fp_default_nan(f);
    case 4: return fp_inf(f, true);
    case 5: return fp_inf(f, false);
    case 6: return fp_inf(f, fp_sign(f, a));
    case 7: return sign;
    case 8: return 0;
    case 9: return sign | one;
    case 10: return one;
    case 11: return one - fp_hidden(f);                         /* 1/2 */
    case 12: return f == F64 ? 0x4056800000000000 : 0x42b40000; /* 90 */
    case 13: return f == F64 ? 0x3ff921fb54442d18 : 0x3fc90fdb; /* pi/2 */
    case 14: return fp_inf(f, false) - 1;                       /* the largest */
    default: return fp_inf(f, true) - 1;
    }
}

EVOP_ELEMENTS(fixupimm, false, fixupimm)

/* ---- VFPCLASS: is it of one of the classes whose bits imm has? Raises nothing ---- */

enum {
    CLASS_QNAN = 1 << 0,
    CLASS_PLUS_ZERO = 1 << 1,
    CLASS_MINUS_ZERO = 1 << 2,
    CLASS_PLUS_INF = 1 << 3,
    CLASS_MINUS_INF = 1 << 4,
    CLASS_DENORMAL = 1 << 5,
    CLASS_NEGATIVE = 1 << 6, /* finite, not zero */
    CLASS_SNAN = 1 << 7,
};

static ALWAYS_INLINE unsigned class_of(unsigned f, uint64_t a)
{
    bool negative = fp_sign(f, a);

    if (fp_is_nan(f, a))
        return fp_is_snan(f, a) ? CLASS_SNAN : CLASS_QNAN;
    if (!fp_magnitude(f, a))
        return negative ? CLASS_MINUS_ZERO : CLASS_PLUS_ZERO;
    if (fp_magnitude(f, a) == fp_inf(f, false))
        return negative ? CLASS_MINUS_INF : CLASS_PLUS_INF;
    return (negative ? CLASS_NEGATIVE : 0) |
           (fp_is_denormal(f, a) ? CLASS_DENORMAL : 0);
}

static ALWAYS_INLINE void fpclass(struct cpu *c, const struct insn *i, unsigned f,
                                  unsigned count)
{
    unsigned size = f == F64 ? 8 : 4, imm = (unsigned)i->imm & 0xff;
    uint64_t mask = evop_mask(c, i, count), is = 0;
    struct fp_env e = SSE_ENV(c);
    struct vec b = {{0}};

    evop_load(c, i, &b, count * size, size, mask);
    for (unsigned n = 0; n < count; n++)
        if (mask >> n & 1 && imm & class_of(f, daz(&e, f, fp_get(&b, f, n))))
            is |= 1ull << n;
    *opmask_at(c, i->reg) = is;
}

void op_e_fpclassps(struct cpu *c, const struct insn *i)
{
    fpclass(c, i, F32, vop_words(i) * 2);
}

void op_e_fpclasspd(struct cpu *c, const struct insn *i)
{
    fpclass(c, i, F64, vop_words(i));
}

void op_e_fpclassss(struct cpu *c, const struct insn *i)
{
    fpclass(c, i, F32, 1);
}

void op_e_fpclasssd(struct cpu *c, const struct insn *i)
{
    fpclass(c, i, F64, 1);
}
