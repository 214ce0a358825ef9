/* softfloat80.h - inside the double-extended format: classes, unpacking, rounding. For
 * softfloat80.c and the x87 instructions that compute beyond its operations.
 *
 * Bit 63 of the significand ("J") is explicit. A non-zero exponent without J is an
 * unsupported encoding (unnormal, pseudo-NaN, pseudo-infinity) and an invalid operand;
 * exponent 0 with J is a pseudo-denormal: a denormal operand with exponent 1's value
 * (SDM vol 1 8.2.2, Table 8-3).
 */
#ifndef CPU_SOFTFLOAT80_H
#define CPU_SOFTFLOAT80_H

#include "cpu/softfloat.h"
#include "cpu/wide.h"

enum { F80_EXP = 0x7fff, F80_BIAS = 0x3fff, F80_ADJUST = 24576 /* SDM vol 1 8.5.4 */ };

#define F80_J (1ull << 63)
#define F80_QUIET (1ull << 62)
#define F80_HALF (1ull << 63) /* of the fraction word beside a significand */

static ALWAYS_INLINE bool f80_sign(struct f80 a)
{
    return a.se >> 15;
}

static ALWAYS_INLINE unsigned f80_exp(struct f80 a)
{
    return a.se & F80_EXP;
}

static ALWAYS_INLINE struct f80 f80_make(bool sign, unsigned exp, uint64_t sig)
{
    return (struct f80){sig, (uint16_t)((unsigned)sign << 15 | exp)};
}

static ALWAYS_INLINE struct f80 f80_zero(bool sign)
{
    return f80_make(sign, 0, 0);
}

static ALWAYS_INLINE struct f80 f80_inf(bool sign)
{
    return f80_make(sign, F80_EXP, F80_J);
}

static ALWAYS_INLINE struct f80 f80_default_nan(void)
{
    return f80_make(true, F80_EXP, F80_J | F80_QUIET);
}

static ALWAYS_INLINE bool f80_is_normal(struct f80 a)
{
    return f80_exp(a) - 1u < F80_EXP - 1u && (a.sig & F80_J);
}

static ALWAYS_INLINE bool f80_is_zero(struct f80 a)
{
    return f80_exp(a) == 0 && a.sig == 0;
}

/* Pseudo-denormals too. */
static ALWAYS_INLINE bool f80_is_denormal(struct f80 a)
{
    return f80_exp(a) == 0 && a.sig != 0;
}

static ALWAYS_INLINE bool f80_is_inf(struct f80 a)
{
    return f80_exp(a) == F80_EXP && a.sig == F80_J;
}

static ALWAYS_INLINE bool f80_is_nan(struct f80 a)
{
    return f80_exp(a) == F80_EXP && a.sig > F80_J;
}

static ALWAYS_INLINE bool f80_is_snan(struct f80 a)
{
    return f80_is_nan(a) && !(a.sig & F80_QUIET);
}

static ALWAYS_INLINE bool f80_is_unsupported(struct f80 a)
{
    return f80_exp(a) != 0 && !(a.sig & F80_J);
}

/* No number: a NaN or unsupported. */
static ALWAYS_INLINE bool f80_is_bad(struct f80 a)
{
    return f80_is_nan(a) || f80_is_unsupported(a);
}

static ALWAYS_INLINE struct f80 f80_negate(struct f80 a)
{
    a.se ^= 0x8000;
    return a;
}

static inline struct f80 f80_invalid(struct fp_env *e)
{
    e->flags |= FP_INVALID;
    return f80_default_nan();
}

/* False: a denormal operand raised an unmasked exception, nothing may be computed. */
static inline bool f80_denormal(struct fp_env *e, struct f80 a)
{
    if (!f80_is_denormal(a))
        return true;
    e->flags |= FP_DENORMAL;
    return e->masks & FP_DENORMAL;
}

/* The significand with bit 63 set, and the biased exponent, 0 or less for a denormal.
 * a is finite, supported and not zero. */
static ALWAYS_INLINE uint64_t f80_unpack(struct f80 a, int *exp)
{
    unsigned shift;

    *exp = (int)f80_exp(a);
    if (LIKELY(*exp))
        return a.sig;
    shift = clz64(a.sig);
    *exp = 1 - (int)shift;
    return a.sig << shift;
}

/* Does whole, with the fraction rest / 2^64 beside it, round up in magnitude? */
static ALWAYS_INLINE bool f80_rounds_up(unsigned rounding, bool sign, uint64_t whole,
                                        uint64_t rest)
{
    if (LIKELY(rounding == FP_NEAREST))
        return rest > F80_HALF || (rest == F80_HALF && (whole & 1));
    if (rounding == FP_ZERO || !rest)
        return false;
    return (rounding == FP_DOWN) == sign;
}

/* Reduced precision, results that may be tiny or too large. */
struct f80 f80_round_edge(struct fp_env *e, unsigned precision, bool sign, int exp,
                          uint64_t hi, uint64_t lo);

/* hi (bit 63 set) with the fraction lo beside it, times 2^(exp - bias - 63), rounded to
 * the precision in force. */
static ALWAYS_INLINE struct f80 f80_round_pack(struct fp_env *e, bool sign, int exp,
                                               uint64_t hi, uint64_t lo)
{
    bool up;

    if (UNLIKELY(e->precision != 64 || e->rounding != FP_NEAREST ||
                 (unsigned)exp - 1u >= F80_EXP - 2u))
        return f80_round_edge(e, e->precision, sign, exp, hi, lo);
    if (!lo)
        return f80_make(sign, (unsigned)exp, hi);
    up = (lo - !(hi & 1)) >> 63; /* more than a half, or a half beside an odd one */
    e->flags |= (uint8_t)(FP_INEXACT | up << 6);
    hi += up;
    if (UNLIKELY(!hi))
        return f80_make(sign, (unsigned)exp + 1, F80_J);
    return f80_make(sign, (unsigned)exp, hi);
}

/* The result for operands of which one is bad: SDM vol 1 Table 4-7. */
struct f80 f80_nan2(struct fp_env *e, struct f80 a, struct f80 b);
struct f80 f80_nan1(struct fp_env *e, struct f80 a);

#endif
