/* softfloat.c - float32 and float64: add, subtract, multiply, divide, square root,
 * fused multiply-add, compare. IEEE 754-2008 with x86's choices: SDM vol 1 4.8 and 4.9.
 *
 * Each operation is written once for both formats; the compiler folds the constants.
 * Operands that are all normal go straight; the rest goes through a cold half.
 */
#include "cpu/softfloat_binary.h"

uint64_t fp_round_edge(struct fp_env *e, unsigned f, bool sign, int exp, uint64_t sig,
                       bool x87)
{
    unsigned extra = 62 - f;
    uint64_t rest = sig & ((1ull << extra) - 1);
    uint64_t cut = fp_round_off(e, sign, sig, extra);
    int rounded_exp = exp + (int)(cut >> (f + 1)); /* a carry into the next binade */
    bool up;

    if (rounded_exp >= (int)fp_exp_max(f)) {
        e->flags |= FP_OVERFLOW;
        if (!(e->masks & FP_OVERFLOW)) {
            /* Not delivered to the destination; but inexact is reported with it. */
            if (rest)
                e->flags |= FP_INEXACT;
            if (x87 && rest && cut > sig >> extra)
                e->flags |= FP_ROUNDED_UP;
            return fp_inf(f, sign);
        }
        e->flags |= FP_INEXACT;
        up = e->rounding == FP_NEAREST || (e->rounding == FP_UP && !sign) ||
             (e->rounding == FP_DOWN && sign);
        if (x87 && up)
            e->flags |= FP_ROUNDED_UP;
        return fp_inf(f, sign) - !up;
    }
    /* Tiny is judged after rounding as if the exponent had no end. */
    if (rounded_exp <= 0) {
        if (!(e->masks & FP_UNDERFLOW)) {
            /* Not delivered either; exact or not is judged with an endless exponent. */
            e->flags |= rest ? FP_UNDERFLOW | FP_INEXACT : FP_UNDERFLOW;
            return fp_zero(f, sign);
        }
        if (e->ftz) {
            e->flags |= FP_UNDERFLOW | FP_INEXACT;
            return fp_zero(f, sign);
        }
        sig = shr_jam(sig, (unsigned)(1 - exp));
        rest = sig & ((1ull << extra) - 1);
        cut = fp_round_off(e, sign, sig, extra);
        if (rest)
            e->flags |= FP_UNDERFLOW | FP_INEXACT;
        if (x87 && rest && cut > sig >> extra)
            e->flags |= FP_ROUNDED_UP;
        return fp_zero(f, sign) + cut;
    }
    if (exp <= 0) { /* rounds up to the smallest normal number, so it is not tiny */
        sig = shr_jam(sig, (unsigned)(1 - exp));
        exp = 1;
        rest = sig & ((1ull << extra) - 1);
        cut = fp_round_off(e, sign, sig, extra);
        if (rest)
            e->flags |= FP_INEXACT;
        if (x87 && rest && cut > sig >> extra)
            e->flags |= FP_ROUNDED_UP;
        return fp_zero(f, sign) + cut;
    }
    if (rest) {
        e->flags |= FP_INEXACT;
        if (x87 && cut > sig >> extra)
            e->flags |= FP_ROUNDED_UP;
    }
    return fp_zero(f, sign) + ((uint64_t)(unsigned)(exp - 1) << f) + cut;
}

uint64_t fp_nan2(struct fp_env *e, unsigned f, uint64_t a, uint64_t b)
{
    if (fp_is_snan(f, a) || fp_is_snan(f, b))
        e->flags |= FP_INVALID;
    return (fp_is_nan(f, a) ? a : b) | fp_hidden(f) >> 1;
}

/* ---- add and subtract ---- */

/* Significands with their leading ones at bit 61, |a| >= |b|. denormal: it may be
 * below, with exponent 1. */
static ALWAYS_INLINE uint64_t add_finite(struct fp_env *e, unsigned f, bool sign,
                                         bool differ, unsigned a_exp, uint64_t a_sig,
                                         unsigned b_exp, uint64_t b_sig, bool denormal)
{
    b_sig = shr_jam(b_sig, a_exp - b_exp);
    if (differ) {
        uint64_t sig = a_sig - b_sig;
        if (UNLIKELY(!sig)) /* x - x: +0, but -0 when rounding down */
            return fp_zero(f, e->rounding == FP_DOWN);
        return fp_normalise_round(e, f, sign, (int)a_exp + 1, sig);
    }
    uint64_t sig = a_sig + b_sig;
    unsigned carry = (unsigned)(sig >> 62);
    if (denormal) /* no leading one is where it should be */
        return fp_normalise_round(e, f, sign, (int)a_exp + 1, sig);
    return fp_round(e, f, sign, (int)(a_exp + carry), sig << (carry ^ 1));
}

static NOINLINE uint64_t add_special(struct fp_env *e, unsigned f, uint64_t a,
                                     uint64_t b, bool subtract)
{
    unsigned shift = 61 - f, max = fp_exp_max(f);

    if (fp_is_nan(f, a) || fp_is_nan(f, b))
        return fp_nan2(e, f, a, b);
    if (subtract)
        b ^= fp_sign_bit(f);
    if (fp_exp(f, a) == max && fp_exp(f, b) == max && a != b)
        return fp_invalid(e, f); /* inf - inf */
    if (!(fp_denormals(e, f, &a) && fp_denormals(e, f, &b)))
        return a;
    if (fp_exp(f, a) == max)
        return a;
    if (fp_exp(f, b) == max)
        return b;
    if (fp_magnitude(f, a) < fp_magnitude(f, b)) {
        uint64_t t = a;
        a = b;
        b = t;
    }
    if (!fp_magnitude(f, b) && (fp_is_normal(f, a) || a == b))
        return a; /* zeros of one sign keep it */
    bool an = fp_exp(f, a) != 0, bn = fp_exp(f, b) != 0;
    return add_finite(e, f, fp_sign(f, a), fp_sign(f, a ^ b), an ? fp_exp(f, a) : 1,
                      (fp_frac(f, a) | (an ? fp_hidden(f) : 0)) << shift,
                      bn ? fp_exp(f, b) : 1,
                      (fp_frac(f, b) | (bn ? fp_hidden(f) : 0)) << shift, true);
}

static ALWAYS_INLINE uint64_t add(struct fp_env *e, unsigned f, uint64_t a, uint64_t b,
                                  bool subtract)
{
    unsigned shift = 61 - f;

    if (UNLIKELY(!fp_is_normal(f, a) || !fp_is_normal(f, b)))
        return add_special(e, f, a, b, subtract);
    if (subtract)
        b ^= fp_sign_bit(f);
    if (fp_magnitude(f, a) < fp_magnitude(f, b)) {
        uint64_t t = a;
        a = b;
        b = t;
    }
    return add_finite(e, f, fp_sign(f, a), fp_sign(f, a ^ b), fp_exp(f, a),
                      (fp_frac(f, a) | fp_hidden(f)) << shift, fp_exp(f, b),
                      (fp_frac(f, b) | fp_hidden(f)) << shift, false);
}

uint32_t f32_add(struct fp_env *e, uint32_t a, uint32_t b)
{
    return (uint32_t)add(e, F32, a, b, false);
}

uint32_t f32_sub(struct fp_env *e, uint32_t a, uint32_t b)
{
    return (uint32_t)add(e, F32, a, b, true);
}

uint64_t f64_add(struct fp_env *e, uint64_t a, uint64_t b)
{
    return add(e, F64, a, b, false);
}

uint64_t f64_sub(struct fp_env *e, uint64_t a, uint64_t b)
{
    return add(e, F64, a, b, true);
}

/* ---- multiply ---- */

/* Leading ones at bit 62. */
static ALWAYS_INLINE uint64_t mul_finite(struct fp_env *e, unsigned f, bool sign,
                                         int exp, uint64_t a_sig, uint64_t b_sig)
{
    struct u128 p = mul64(a_sig << 1, b_sig); /* leading one at bit 125 or 126 */
    uint64_t sig = p.hi | (p.lo != 0);
    int high = (int)(sig >> 62);

    return fp_round(e, f, sign, exp + high, sig << (high ^ 1));
}

static NOINLINE uint64_t mul_special(struct fp_env *e, unsigned f, uint64_t a,
                                     uint64_t b)
{
    bool sign = fp_sign(f, a ^ b);
    int a_exp, b_exp;
    uint64_t a_sig, b_sig, inf = fp_inf(f, false);

    if (fp_is_nan(f, a) || fp_is_nan(f, b))
        return fp_nan2(e, f, a, b);
    if (e->daz && fp_is_denormal(f, a))
        a &= fp_sign_bit(f);
    if (e->daz && fp_is_denormal(f, b))
        b &= fp_sign_bit(f);
    if ((fp_magnitude(f, a) == inf && !fp_magnitude(f, b)) ||
        (fp_magnitude(f, b) == inf && !fp_magnitude(f, a)))
        return fp_invalid(e, f); /* inf * 0 */
    if (!(fp_denormals(e, f, &a) && fp_denormals(e, f, &b)))
        return a;
    if (fp_magnitude(f, a) == inf || fp_magnitude(f, b) == inf)
        return fp_inf(f, sign);
    if (!fp_magnitude(f, a) || !fp_magnitude(f, b))
        return fp_zero(f, sign);
    a_sig = fp_unpack(f, a, &a_exp);
    b_sig = fp_unpack(f, b, &b_exp);
    return mul_finite(e, f, sign, a_exp + b_exp - fp_bias(f), a_sig, b_sig);
}

static ALWAYS_INLINE uint64_t mul(struct fp_env *e, unsigned f, uint64_t a, uint64_t b)
{
    unsigned shift = 62 - f;

    if (UNLIKELY(!fp_is_normal(f, a) || !fp_is_normal(f, b)))
        return mul_special(e, f, a, b);
    return mul_finite(e, f, fp_sign(f, a ^ b),
                      (int)(fp_exp(f, a) + fp_exp(f, b)) - fp_bias(f),
                      (fp_frac(f, a) | fp_hidden(f)) << shift,
                      (fp_frac(f, b) | fp_hidden(f)) << shift);
}

uint32_t f32_mul(struct fp_env *e, uint32_t a, uint32_t b)
{
    return (uint32_t)mul(e, F32, a, b);
}

uint64_t f64_mul(struct fp_env *e, uint64_t a, uint64_t b)
{
    return mul(e, F64, a, b);
}

/* ---- divide ---- */

static ALWAYS_INLINE uint64_t divide(struct fp_env *e, unsigned f, uint64_t a,
                                     uint64_t b)
{
    bool sign = fp_sign(f, a ^ b);
    int a_exp, b_exp, exp;
    uint64_t a_sig, b_sig, q, rest, inf = fp_inf(f, false);

    if (UNLIKELY(!fp_is_normal(f, a) || !fp_is_normal(f, b))) {
        if (fp_is_nan(f, a) || fp_is_nan(f, b))
            return fp_nan2(e, f, a, b);
        if (e->daz && fp_is_denormal(f, a))
            a &= fp_sign_bit(f);
        if (e->daz && fp_is_denormal(f, b))
            b &= fp_sign_bit(f);
        if (fp_magnitude(f, a) == fp_magnitude(f, b) &&
            (fp_magnitude(f, a) == inf || !fp_magnitude(f, a)))
            return fp_invalid(e, f); /* 0 / 0, inf / inf */
        if (!fp_magnitude(f, b) && fp_magnitude(f, a) != inf) {
            e->flags |= FP_DIVZERO; /* comes before a denormal dividend */
            return fp_inf(f, sign);
        }
        if (!(fp_denormals(e, f, &a) && fp_denormals(e, f, &b)))
            return a;
        if (fp_magnitude(f, a) == inf)
            return fp_inf(f, sign);
        if (fp_magnitude(f, b) == inf || !fp_magnitude(f, a))
            return fp_zero(f, sign);
    }
    a_sig = fp_unpack(f, a, &a_exp);
    b_sig = fp_unpack(f, b, &b_exp);
    exp = a_exp - b_exp + fp_bias(f);
    if (f == F32) {
        /* 63 by 24 bits: a quotient of 39 or 40 bits. */
        b_sig >>= 39;
        q = a_sig / b_sig;
        rest = a_sig % b_sig;
        q = (q | (rest != 0)) << 23;
    } else {
        q = div128((struct u128){a_sig, 0}, b_sig << 1, &rest);
        q = shr_jam(q, 1) | (rest != 0);
    }
    if (!(q >> 62)) {
        q <<= 1;
        exp--;
    }
    return fp_round(e, f, sign, exp, q);
}

uint32_t f32_div(struct fp_env *e, uint32_t a, uint32_t b)
{
    return (uint32_t)divide(e, F32, a, b);
}

uint64_t f64_div(struct fp_env *e, uint64_t a, uint64_t b)
{
    return divide(e, F64, a, b);
}

/* ---- square root ---- */

static ALWAYS_INLINE uint64_t square_root(struct fp_env *e, unsigned f, uint64_t a)
{
    int exp;
    uint64_t sig, root, rest;
    bool carry;

    if (UNLIKELY(!fp_is_normal(f, a) || fp_sign(f, a))) {
        if (fp_is_nan(f, a))
            return fp_nan2(e, f, a, a);
        if (e->daz && fp_is_denormal(f, a))
            a &= fp_sign_bit(f);
        if (!fp_magnitude(f, a))
            return a; /* sqrt(-0) is -0 */
        if (fp_sign(f, a))
            return fp_invalid(e, f);
        if (!fp_denormals(e, f, &a) || a == fp_inf(f, false))
            return a;
    }
    sig = fp_unpack(f, a, &exp);
    exp -= fp_bias(f);
    /* The value is sig * 2^-62 * 2^exp; with an even exponent the root's is half of it.
     */
    if (exp & 1) {
        sig <<= 1;
        exp--;
    }
    root = sqrt128((struct u128){sig, 0}, &rest, &carry); /* leading one at bit 63 */
    root = shr_jam(root, 1) | carry | (rest != 0);
    return fp_round(e, f, false, exp / 2 + fp_bias(f), root);
}

uint32_t f32_sqrt(struct fp_env *e, uint32_t a)
{
    return (uint32_t)square_root(e, F32, a);
}

uint64_t f64_sqrt(struct fp_env *e, uint64_t a)
{
    return square_root(e, F64, a);
}

/* ---- fused multiply-add ---- */

/* a * b + d with one rounding. The product is exact in 128 bits, its leading one at bit
 * 125 (or, short of it, 124); the addend is put beside it. */
static ALWAYS_INLINE uint64_t fma_finite(struct fp_env *e, unsigned f, bool p_sign,
                                         int p_exp, struct u128 p, bool d_sign,
                                         int d_exp, uint64_t d_sig)
{
    struct u128 d = {d_sig >> 1, 0}, sum; /* leading one at bit 125 */
    unsigned shift;
    bool sign = p_sign;

    if (p_exp >= d_exp) {
        d = shr_jam128(d, (unsigned)(p_exp - d_exp));
    } else {
        p = shr_jam128(p, (unsigned)(d_exp - p_exp));
        p_exp = d_exp;
    }
    if (p_sign == d_sign) {
        sum = add128(p, d);
    } else if (less128(p, d)) {
        sum = sub128(d, p);
        sign = d_sign;
    } else {
        sum = sub128(p, d);
    }
    if (!(sum.hi | sum.lo))
        return fp_zero(f, e->rounding == FP_DOWN);
    shift = clz128(sum); /* leading one to bit 127, then jam to 62 of the high word */
    sum = shl128(sum, shift);
    return fp_round(e, f, sign, p_exp + 2 - (int)shift,
                    shr_jam(sum.hi, 1) | (sum.lo != 0));
}

static NOINLINE uint64_t fma_special(struct fp_env *e, unsigned f, uint64_t a,
                                     uint64_t b, uint64_t d)
{
    bool sign = fp_sign(f, a ^ b), p_inf;
    int a_exp, b_exp, d_exp = -100000; /* of zero: far below any product; vanishes */
    uint64_t a_sig, b_sig, d_sig = 0, inf = fp_inf(f, false);

    if (e->daz && fp_is_denormal(f, a))
        a &= fp_sign_bit(f);
    if (e->daz && fp_is_denormal(f, b))
        b &= fp_sign_bit(f);
    if (e->daz && fp_is_denormal(f, d))
        d &= fp_sign_bit(f);
    if (fp_is_nan(f, a) || fp_is_nan(f, b)) {
        if (fp_is_snan(f, d))
            e->flags |= FP_INVALID;
        return fp_nan2(e, f, a, b);
    }
    if (fp_is_nan(f, d)) /* also inf * 0 + QNaN: SDM vol 1 Table 14-17 */
        return fp_nan2(e, f, d, d);
    if ((fp_magnitude(f, a) == inf && !fp_magnitude(f, b)) ||
        (fp_magnitude(f, b) == inf && !fp_magnitude(f, a)))
        return fp_invalid(e, f);
    p_inf = fp_magnitude(f, a) == inf || fp_magnitude(f, b) == inf;
    if (p_inf && fp_magnitude(f, d) == inf && fp_sign(f, d) != sign)
        return fp_invalid(e, f);
    if (!(fp_denormals(e, f, &a) && fp_denormals(e, f, &b) && fp_denormals(e, f, &d)))
        return a;
    if (p_inf)
        return fp_inf(f, sign);
    if (fp_magnitude(f, d) == inf)
        return d;
    if (fp_magnitude(f, d))
        d_sig = fp_unpack(f, d, &d_exp);
    if (!fp_magnitude(f, a) || !fp_magnitude(f, b)) {
        if (d_sig)
            return fp_round(e, f, fp_sign(f, d), d_exp, d_sig);
        return fp_sign(f, d) == sign ? d : fp_zero(f, e->rounding == FP_DOWN);
    }
    a_sig = fp_unpack(f, a, &a_exp);
    b_sig = fp_unpack(f, b, &b_exp);
    return fma_finite(e, f, sign, a_exp + b_exp - fp_bias(f) + 1, mul64(a_sig, b_sig),
                      fp_sign(f, d), d_exp, d_sig);
}

static ALWAYS_INLINE uint64_t fused(struct fp_env *e, unsigned f, uint64_t a,
                                    uint64_t b, uint64_t d)
{
    uint64_t a_sig, b_sig, d_sig, one = fp_hidden(f);
    unsigned shift = 62 - f;

    if (UNLIKELY(!fp_is_normal(f, a) || !fp_is_normal(f, b) || !fp_is_normal(f, d)))
        return fma_special(e, f, a, b, d);
    a_sig = (fp_frac(f, a) | one) << shift;
    b_sig = (fp_frac(f, b) | one) << shift;
    d_sig = (fp_frac(f, d) | one) << shift;
    return fma_finite(e, f, fp_sign(f, a ^ b),
                      (int)(fp_exp(f, a) + fp_exp(f, b)) - fp_bias(f) + 1,
                      mul64(a_sig, b_sig), fp_sign(f, d), (int)fp_exp(f, d), d_sig);
}

uint32_t f32_fma(struct fp_env *e, uint32_t a, uint32_t b, uint32_t addend)
{
    return (uint32_t)fused(e, F32, a, b, addend);
}

uint64_t f64_fma(struct fp_env *e, uint64_t a, uint64_t b, uint64_t addend)
{
    return fused(e, F64, a, b, addend);
}

/* ---- compare ---- */

static ALWAYS_INLINE enum fp_relation compare(struct fp_env *e, unsigned f, uint64_t a,
                                              uint64_t b, bool quiet)
{
    if (UNLIKELY(fp_is_nan(f, a) || fp_is_nan(f, b))) {
        if (!quiet || fp_is_snan(f, a) || fp_is_snan(f, b))
            e->flags |= FP_INVALID;
        return FP_UNORDERED;
    }
    (void)fp_denormals(e, f, &a);
    (void)fp_denormals(e, f, &b);
    if (!(fp_magnitude(f, a) | fp_magnitude(f, b)) || a == b)
        return FP_EQUAL;
    if (fp_sign(f, a) != fp_sign(f, b))
        return fp_sign(f, a) ? FP_LESS : FP_GREATER;
    return (a < b) != fp_sign(f, a) ? FP_LESS : FP_GREATER;
}

enum fp_relation f32_compare(struct fp_env *e, uint32_t a, uint32_t b, bool quiet)
{
    return compare(e, F32, a, b, quiet);
}

enum fp_relation f64_compare(struct fp_env *e, uint64_t a, uint64_t b, bool quiet)
{
    return compare(e, F64, a, b, quiet);
}
