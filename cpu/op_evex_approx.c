/* op_evex_approx.c - VRCP14 and VRSQRT14.
 *
 * The manual promises a relative error of less than 2^-14 and exact powers of two (of
 * four), and leaves the rest to a program of Intel's with tables. Ours are the true
 * value rounded to 14 fraction bits (error at most a little above 2^-15), computed on
 * integers, so they are the same on every host; a processor's differ in the last of
 * these bits. Nothing is raised. Denormals are numbers unless DAZ and FTZ say
 * otherwise. Intel SDM vol 2, VRCP14PD, VRSQRT14PD.
 */
#include "cpu/evop_element.h"

enum { APPROX = 14 };

/* |a| = m * 2^(exp - 31), m in [2^31, 2^32). a is finite, not zero. Of float64 the low
 * bits of m are cut off. */
static ALWAYS_INLINE uint64_t top32(unsigned f, uint64_t a, int *exp)
{
    uint64_t sig = fp_unpack(f, a, exp);

    *exp -= fp_bias(f);
    return sig >> 31;
}

/* q * 2^-APPROX * 2^(exp - bias), q in [2^APPROX, 2^(APPROX+1)]. */
static ALWAYS_INLINE uint64_t packed(const struct fp_env *e, unsigned f, bool sign,
                                     int exp, uint64_t q)
{
    uint64_t r;

    if (exp >= (int)fp_exp_max(f))
        return fp_inf(f, sign);
    if (exp > 0) /* q's leading one adds one to the exponent */
        r = ((uint64_t)(unsigned)(exp - 1) << f) + (q << (f - APPROX));
    else
        r = q << (f - APPROX) >> (1 - exp); /* by at most two: exact */
    if (e->ftz && !fp_exp(f, r))
        r = 0;
    return fp_zero(f, sign) | r;
}

/* Then *a becomes the answer: the NaN quiet, for a zero an infinity of its sign. */
static ALWAYS_INLINE bool is_nan_or_zero(const struct fp_env *e, unsigned f, uint64_t *a)
{
    if (fp_is_nan(f, *a)) {
        *a |= fp_hidden(f) >> 1;
        return true;
    }
    if (fp_magnitude(f, *a) && !(e->daz && fp_is_denormal(f, *a)))
        return false;
    *a = fp_inf(f, fp_sign(f, *a));
    return true;
}

static ALWAYS_INLINE uint64_t rcp14(struct vop *o, unsigned f, uint64_t a, uint64_t b,
                                    uint64_t old)
{
    uint64_t m, q;
    int exp;

    (void)a;
    (void)old;
    if (is_nan_or_zero(&o->env, f, &b))
        return b;
    if (fp_magnitude(f, b) == fp_inf(f, false))
        return fp_zero(f, fp_sign(f, b));
    m = top32(f, b, &exp);
    q = ((1ull << (32 + APPROX)) + m / 2) / m;
    exp = fp_bias(f) - exp - 1;
    /* Only what is infinite before rounding is: the operand is 2^-128 or less. */
    if (exp == (int)fp_exp_max(f) - 1 && q >> (APPROX + 1) &&
        fp_unpack(f, b, &(int){0}) != 1ull << 62)
        q--;
    return packed(&o->env, f, fp_sign(f, b), exp, q);
}

static ALWAYS_INLINE uint32_t square_root(uint64_t a) /* rounded down; a < 2^34 */
{
    uint64_t r = 0;

    for (uint64_t bit = 1ull << 16; bit; bit >>= 1)
        if ((r | bit) * (r | bit) <= a)
            r |= bit;
    return (uint32_t)r;
}

static ALWAYS_INLINE uint64_t rsqrt14(struct vop *o, unsigned f, uint64_t a, uint64_t b,
                                      uint64_t old)
{
    uint64_t m, q;
    int exp;

    (void)a;
    (void)old;
    if (is_nan_or_zero(&o->env, f, &b))
        return b;
    if (fp_sign(f, b))
        return fp_default_nan(f);
    if (b == fp_inf(f, false))
        return 0;
    m = top32(f, b, &exp);
    if (exp & 1) {
        m <<= 1;
        exp--;
    }
    /* 2^(APPROX+1) / sqrt(m / 2^31), with one bit more to round by. */
    q = (square_root((1ull << (31 + 2 * APPROX + 4)) / m) + 1) / 2;
    return packed(&o->env, f, false, fp_bias(f) - exp / 2 - 1, q);
}

EVOP_ELEMENTS(rcp14, false, rcp14)
EVOP_ELEMENTS(rsqrt14, false, rsqrt14)
