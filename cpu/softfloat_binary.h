/* softfloat_binary.h - float16, float32 and float64 in one description: their bits, and
 * rounding.
 *
 * f is the format's count of fraction bits, always a constant; values of all formats
 * travel as uint64_t. A significand on its way to a result has its leading one at bit
 * 62, what does not fit jammed into bit 0, and comes with the biased exponent of that
 * one.
 */
#ifndef CPU_SOFTFLOAT_BINARY_H
#define CPU_SOFTFLOAT_BINARY_H

#include "cpu/softfloat.h"
#include "cpu/wide.h"

enum { F16 = 10, F32 = 23, F64 = 52 };

static ALWAYS_INLINE unsigned fp_exp_max(unsigned f)
{
    return f == F32 ? 0xff : f == F64 ? 0x7ff : 0x1f;
}

static ALWAYS_INLINE int fp_bias(unsigned f)
{
    return f == F32 ? 127 : f == F64 ? 1023 : 15;
}

static ALWAYS_INLINE uint64_t fp_sign_bit(unsigned f)
{
    return f == F32 ? 1ull << 31 : f == F64 ? 1ull << 63 : 1ull << 15;
}

static ALWAYS_INLINE uint64_t fp_hidden(unsigned f)
{
    return 1ull << f;
}

static ALWAYS_INLINE bool fp_sign(unsigned f, uint64_t a)
{
    return a & fp_sign_bit(f);
}

static ALWAYS_INLINE unsigned fp_exp(unsigned f, uint64_t a)
{
    return (unsigned)(a >> f) & fp_exp_max(f);
}

static ALWAYS_INLINE uint64_t fp_frac(unsigned f, uint64_t a)
{
    return a & (fp_hidden(f) - 1);
}

static ALWAYS_INLINE uint64_t fp_magnitude(unsigned f, uint64_t a)
{
    return a & (fp_sign_bit(f) - 1);
}

static ALWAYS_INLINE uint64_t fp_inf(unsigned f, bool sign)
{
    return (sign ? fp_sign_bit(f) : 0) | (uint64_t)fp_exp_max(f) << f;
}

static ALWAYS_INLINE uint64_t fp_zero(unsigned f, bool sign)
{
    return sign ? fp_sign_bit(f) : 0;
}

/* The real indefinite: SDM vol 1 4.8.3.7. */
static ALWAYS_INLINE uint64_t fp_default_nan(unsigned f)
{
    return fp_inf(f, true) | fp_hidden(f) >> 1;
}

static ALWAYS_INLINE bool fp_is_nan(unsigned f, uint64_t a)
{
    return fp_magnitude(f, a) > fp_inf(f, false);
}

static ALWAYS_INLINE bool fp_is_snan(unsigned f, uint64_t a)
{
    return fp_is_nan(f, a) && !(a & fp_hidden(f) >> 1);
}

static ALWAYS_INLINE bool fp_is_denormal(unsigned f, uint64_t a)
{
    return fp_exp(f, a) == 0 && fp_frac(f, a) != 0;
}

/* Not zero, denormal, infinite or NaN. */
static ALWAYS_INLINE bool fp_is_normal(unsigned f, uint64_t a)
{
    return fp_exp(f, a) - 1u < fp_exp_max(f) - 1u;
}

/* Invalid operation. */
static inline uint64_t fp_invalid(struct fp_env *e, unsigned f)
{
    e->flags |= FP_INVALID;
    return fp_default_nan(f);
}

/* With DAZ a denormal is a zero of its sign; else it raises the denormal flag. False:
 * the exception is unmasked, so nothing may be computed. */
static inline bool fp_denormals(struct fp_env *e, unsigned f, uint64_t *a)
{
    if (!fp_is_denormal(f, *a))
        return true;
    if (e->daz) {
        *a &= fp_sign_bit(f);
        return true;
    }
    e->flags |= FP_DENORMAL;
    return e->masks & FP_DENORMAL;
}

/* A significand with its leading one at bit 62, and its exponent (0 or less for a
 * denormal). a is not zero. */
static ALWAYS_INLINE uint64_t fp_unpack(unsigned f, uint64_t a, int *exp)
{
    uint64_t sig = fp_frac(f, a);
    unsigned shift = 62 - f;

    *exp = (int)fp_exp(f, a);
    if (LIKELY(*exp))
        return (sig | fp_hidden(f)) << shift;
    shift = clz64(sig) - 1;
    *exp = 1 - (int)(shift - (62 - f));
    return sig << shift;
}

/* What rounding adds before the low `extra` bits are cut off. */
static ALWAYS_INLINE uint64_t fp_increment(const struct fp_env *e, bool sign,
                                           unsigned extra)
{
    uint64_t mask = (1ull << extra) - 1;

    if (LIKELY(e->rounding == FP_NEAREST))
        return 1ull << (extra - 1);
    if (e->rounding == FP_ZERO || (e->rounding == FP_DOWN) != sign)
        return 0;
    return mask;
}

/* Rounds off the low `extra` bits; a tie goes to even. */
static ALWAYS_INLINE uint64_t fp_round_off(const struct fp_env *e, bool sign,
                                           uint64_t sig, unsigned extra)
{
    uint64_t rest = sig & ((1ull << extra) - 1);
    uint64_t cut = (sig + fp_increment(e, sign, extra)) >> extra;

    if (rest == 1ull << (extra - 1) && e->rounding == FP_NEAREST)
        cut &= ~1ull;
    return cut;
}

/* The result may be tiny or too large: SDM vol 1 4.9.1.4 and 4.9.1.5. x87 says that the
 * rounding direction is wanted as FP_ROUNDED_UP. */
uint64_t fp_round_edge(struct fp_env *e, unsigned f, bool sign, int exp, uint64_t sig,
                       bool x87);

static ALWAYS_INLINE uint64_t fp_round(struct fp_env *e, unsigned f, bool sign, int exp,
                                       uint64_t sig)
{
    unsigned extra = 62 - f;
    uint64_t mask = (1ull << extra) - 1;

    /* Rounding to nearest is what almost all code uses. The largest exponent goes the
     * long way too: rounding may overflow it. */
    if (UNLIKELY((unsigned)exp - 1u >= fp_exp_max(f) - 2u || e->rounding != FP_NEAREST))
        return fp_round_edge(e, f, sign, exp, sig, false);
    if (sig & mask)
        e->flags |= FP_INEXACT;
    sig += (mask >> 1) + (sig >> extra & 1); /* a tie carries only from an odd number */
    /* The hidden bit adds one to the exponent; a carry adds one more. */
    return fp_zero(f, sign) + ((uint64_t)(unsigned)(exp - 1) << f) + (sig >> extra);
}

/* The same for a significand with its leading one anywhere; not zero. */
static ALWAYS_INLINE uint64_t fp_normalise_round(struct fp_env *e, unsigned f,
                                                 bool sign, int exp, uint64_t sig)
{
    int shift = (int)clz64(sig) - 1;

    if (shift < 0)
        return fp_round(e, f, sign, exp + 1, shr_jam(sig, 1));
    return fp_round(e, f, sign, exp - shift, sig << shift);
}

/* whole.hi and the fraction whole.lo as an integer; at most 2^63. Raises inexact. */
static inline uint64_t fp_whole(struct fp_env *e, bool sign, struct u128 whole,
                                bool truncate)
{
    bool up = false;

    if (!whole.lo)
        return whole.hi;
    e->flags |= FP_INEXACT;
    if (truncate)
        return whole.hi;
    switch (e->rounding) {
    case FP_NEAREST:
        up = whole.lo > 1ull << 63 || (whole.lo == 1ull << 63 && (whole.hi & 1));
        break;
    case FP_DOWN: up = sign; break;
    case FP_UP: up = !sign; break;
    default: break;
    }
    return whole.hi + up;
}

/* The NaN a two-operand operation returns: the first that is one, quiet. */
uint64_t fp_nan2(struct fp_env *e, unsigned f, uint64_t a, uint64_t b);

#endif
