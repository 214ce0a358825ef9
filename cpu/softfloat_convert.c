/* softfloat_convert.c - float16, float32 and float64 to and from each other and
 * integers.
 *
 * Denormal operands raise the denormal flag only between the two float formats; on the
 * way to an integer they are just small (SDM vol 1, Table C-5 and following).
 */
#include "cpu/softfloat_binary.h"

/* ---- between the formats ---- */

static ALWAYS_INLINE uint64_t widened(struct fp_env *e, unsigned from, unsigned to,
                                      uint64_t a)
{
    uint64_t sig;
    int exp;

    if (UNLIKELY(!fp_is_normal(from, a))) {
        bool sign = fp_sign(from, a);
        if (fp_is_nan(from, a)) {
            if (fp_is_snan(from, a))
                e->flags |= FP_INVALID;
            return fp_inf(to, sign) | fp_hidden(to) >> 1 |
                   fp_frac(from, a) << (to - from);
        }
        if (fp_exp(from, a))
            return fp_inf(to, sign);
        if (!fp_denormals(e, from, &a) || !fp_magnitude(from, a))
            return fp_zero(to, sign);
    }
    sig = fp_unpack(from, a, &exp);
    exp += fp_bias(to) - fp_bias(from);
    return fp_zero(to, fp_sign(from, a)) + ((uint64_t)(unsigned)(exp - 1) << to) +
           (sig >> (62 - to));
}

static ALWAYS_INLINE uint64_t narrowed(struct fp_env *e, unsigned from, unsigned to,
                                       uint64_t a)
{
    bool sign = fp_sign(from, a);
    uint64_t sig;
    int exp;

    if (UNLIKELY(!fp_is_normal(from, a))) {
        if (fp_is_nan(from, a)) {
            if (fp_is_snan(from, a))
                e->flags |= FP_INVALID;
            return fp_inf(to, sign) | fp_hidden(to) >> 1 |
                   fp_frac(from, a) >> (from - to);
        }
        if (fp_exp(from, a))
            return fp_inf(to, sign);
        if (!fp_denormals(e, from, &a) || !fp_magnitude(from, a))
            return fp_zero(to, sign);
    }
    sig = fp_unpack(from, a, &exp);
    return fp_round(e, to, sign, exp - fp_bias(from) + fp_bias(to), sig);
}

uint64_t f32_to_f64(struct fp_env *e, uint32_t a)
{
    return widened(e, F32, F64, a);
}

uint32_t f64_to_f32(struct fp_env *e, uint64_t a)
{
    return (uint32_t)narrowed(e, F64, F32, a);
}

/* A denormal float16 is a number like any other: neither DAZ nor the denormal exception
 * are for it (SDM vol 2, VCVTPH2PS). */
uint32_t f16_to_f32(struct fp_env *e, uint16_t a)
{
    struct fp_env plain = {.masks = FP_DENORMAL};
    uint32_t r = (uint32_t)widened(&plain, F16, F32, a);

    e->flags |= plain.flags & FP_INVALID;
    return r;
}

/* Nor is FTZ for a tiny result (SDM vol 2, VCVTPS2PH). */
uint16_t f32_to_f16(struct fp_env *e, uint32_t a)
{
    bool ftz = e->ftz;
    uint16_t r;

    e->ftz = false;
    r = (uint16_t)narrowed(e, F32, F16, a);
    e->ftz = ftz;
    return r;
}

/* ---- from integers ---- */

static ALWAYS_INLINE uint64_t from_integer(struct fp_env *e, unsigned f, int64_t a)
{
    uint64_t magnitude = a < 0 ? 0 - (uint64_t)a : (uint64_t)a;

    if (!a)
        return 0;
    return fp_normalise_round(e, f, a < 0, fp_bias(f) + 62, magnitude);
}

uint32_t f32_from_i32(struct fp_env *e, int32_t a)
{
    return (uint32_t)from_integer(e, F32, a);
}

uint32_t f32_from_i64(struct fp_env *e, int64_t a)
{
    return (uint32_t)from_integer(e, F32, a);
}

uint64_t f64_from_i32(int32_t a)
{
    struct fp_env exact = {.rounding = FP_NEAREST, .masks = 0x3f};
    return from_integer(&exact, F64, a);
}

uint64_t f64_from_i64(struct fp_env *e, int64_t a)
{
    return from_integer(e, F64, a);
}

static ALWAYS_INLINE uint64_t from_unsigned(struct fp_env *e, unsigned f, uint64_t a)
{
    return a ? fp_normalise_round(e, f, false, fp_bias(f) + 62, a) : 0;
}

uint32_t f32_from_u64(struct fp_env *e, uint64_t a)
{
    return (uint32_t)from_unsigned(e, F32, a);
}

uint64_t f64_from_u64(struct fp_env *e, uint64_t a)
{
    return from_unsigned(e, F64, a);
}

/* ---- to integers ---- */

/* |a| as an integer and a fraction, for |a| below 2^63; not zero. */
static ALWAYS_INLINE struct u128 parts(unsigned f, uint64_t a, int exp)
{
    uint64_t sig = (fp_frac(f, a) | (fp_exp(f, a) ? fp_hidden(f) : 0)) << (62 - f);
    return shr_jam128((struct u128){sig, 0}, (unsigned)(62 - exp));
}

static ALWAYS_INLINE int64_t to_integer(struct fp_env *e, unsigned f, uint64_t a,
                                        unsigned bits, bool truncate)
{
    bool sign = fp_sign(f, a);
    int exp = (int)fp_exp(f, a) - fp_bias(f);
    uint64_t limit = 1ull << (bits - 1), whole;
    uint8_t before = e->flags;

    if (fp_exp(f, a) == 0 && (e->daz || !fp_frac(f, a)))
        return 0;
    if (exp > 62) { /* -2^63 is in range and ends here too */
        if (bits == 64 && sign && exp == 63 && !fp_frac(f, a))
            return INT64_MIN;
        e->flags |= FP_INVALID;
        return -(int64_t)(limit - 1) - 1;
    }
    whole = fp_whole(e, sign, parts(f, a, exp), truncate);
    if (whole >= limit + sign) {
        e->flags = before | FP_INVALID;
        return -(int64_t)(limit - 1) - 1;
    }
    return sign ? (int64_t)(0 - whole) : (int64_t)whole;
}

int32_t f32_to_i32(struct fp_env *e, uint32_t a, bool truncate)
{
    return (int32_t)to_integer(e, F32, a, 32, truncate);
}

int64_t f32_to_i64(struct fp_env *e, uint32_t a, bool truncate)
{
    return to_integer(e, F32, a, 64, truncate);
}

int32_t f64_to_i32(struct fp_env *e, uint64_t a, bool truncate)
{
    return (int32_t)to_integer(e, F64, a, 32, truncate);
}

int64_t f64_to_i64(struct fp_env *e, uint64_t a, bool truncate)
{
    return to_integer(e, F64, a, 64, truncate);
}

static ALWAYS_INLINE uint64_t to_unsigned(struct fp_env *e, unsigned f, uint64_t a,
                                          unsigned bits, bool truncate)
{
    bool sign = fp_sign(f, a);
    int exp = (int)fp_exp(f, a) - fp_bias(f);
    uint64_t most = ~0ull >> (64 - bits), whole;
    uint8_t before = e->flags;

    if (fp_exp(f, a) == 0 && (e->daz || !fp_frac(f, a)))
        return 0;
    if (exp == 63 && bits == 64 && !sign)
        return (fp_frac(f, a) | fp_hidden(f)) << (63 - f);
    if (exp <= 62) {
        whole = fp_whole(e, sign, parts(f, a, exp), truncate);
        if (whole <= (sign ? 0 : most))
            return whole;
    }
    e->flags = before | FP_INVALID;
    return most;
}

uint32_t f32_to_u32(struct fp_env *e, uint32_t a, bool truncate)
{
    return (uint32_t)to_unsigned(e, F32, a, 32, truncate);
}

uint64_t f32_to_u64(struct fp_env *e, uint32_t a, bool truncate)
{
    return to_unsigned(e, F32, a, 64, truncate);
}

uint32_t f64_to_u32(struct fp_env *e, uint64_t a, bool truncate)
{
    return (uint32_t)to_unsigned(e, F64, a, 32, truncate);
}

uint64_t f64_to_u64(struct fp_env *e, uint64_t a, bool truncate)
{
    return to_unsigned(e, F64, a, 64, truncate);
}

/* ---- to integral values, or multiples of 2^-places ---- */

static ALWAYS_INLINE uint64_t to_integral(struct fp_env *e, unsigned f, uint64_t a,
                                          unsigned places, bool inexact)
{
    bool sign = fp_sign(f, a);
    int exp = (int)fp_exp(f, a) - fp_bias(f) + (int)places;
    uint8_t before = e->flags;
    uint64_t whole;
    unsigned up;

    /* Integral already, or infinite, or a NaN. */
    if (exp >= (int)f || fp_exp(f, a) == fp_exp_max(f)) {
        if (fp_is_nan(f, a))
            return fp_nan2(e, f, a, a);
        return a;
    }
    if (fp_exp(f, a) == 0 && (e->daz || !fp_frac(f, a)))
        return fp_zero(f, sign);
    whole = fp_whole(e, sign, parts(f, a, exp), false);
    if (!inexact)
        e->flags = before;
    if (!whole)
        return fp_zero(f, sign);
    up = clz64(whole) - (63 - f); /* exact: whole has at most f + 1 bits */
    return fp_zero(f, sign) +
           ((uint64_t)((unsigned)fp_bias(f) + f - up - places - 1) << f) + (whole << up);
}

uint32_t f32_round(struct fp_env *e, uint32_t a, bool inexact)
{
    return (uint32_t)to_integral(e, F32, a, 0, inexact);
}

uint64_t f64_round(struct fp_env *e, uint64_t a, bool inexact)
{
    return to_integral(e, F64, a, 0, inexact);
}

uint32_t f32_round_to(struct fp_env *e, uint32_t a, unsigned places, bool inexact)
{
    return (uint32_t)to_integral(e, F32, a, places, inexact);
}

uint64_t f64_round_to(struct fp_env *e, uint64_t a, unsigned places, bool inexact)
{
    return to_integral(e, F64, a, places, inexact);
}

/* ---- scaling by a power of two ---- */

/* floor(b), for a finite b; far beyond every exponent it stands still. */
static ALWAYS_INLINE int floor_of(unsigned f, uint64_t b)
{
    enum { FAR = 1 << 15 };
    int exp = (int)fp_exp(f, b) - fp_bias(f), whole;
    uint64_t sig = fp_frac(f, b) | fp_hidden(f);
    bool sign = fp_sign(f, b);

    if (exp >= 15)
        return sign ? -FAR : FAR;
    if (exp < 0)
        return sign && fp_magnitude(f, b) ? -1 : 0;
    whole = (int)(sig >> ((int)f - exp));
    return sign ? -whole - ((sig & ((1ull << ((int)f - exp)) - 1)) != 0) : whole;
}

static ALWAYS_INLINE uint64_t scaled(struct fp_env *e, unsigned f, uint64_t a, uint64_t b)
{
    uint64_t inf = fp_inf(f, false), sig;
    int exp;

    if (fp_is_nan(f, a) && !fp_is_snan(f, a) && fp_magnitude(f, b) == inf)
        return fp_sign(f, b) ? 0 : inf; /* the NaN is lost */
    if (fp_is_nan(f, a) || fp_is_nan(f, b))
        return fp_nan2(e, f, a, b);
    if (e->daz && fp_is_denormal(f, a))
        a &= fp_sign_bit(f);
    if (e->daz && fp_is_denormal(f, b))
        b &= fp_sign_bit(f);
    /* inf * 2^-inf, 0 * 2^inf */
    if (fp_magnitude(f, b) == inf &&
        fp_magnitude(f, a) == (fp_sign(f, b) ? inf : 0))
        return fp_invalid(e, f);
    if (fp_magnitude(f, a) == inf || !fp_magnitude(f, a))
        return a;
    if (!fp_denormals(e, f, &a)) /* of b it is never reported */
        return a;
    if (fp_magnitude(f, b) == inf)
        return fp_sign(f, b) ? fp_zero(f, fp_sign(f, a)) : fp_inf(f, fp_sign(f, a));
    sig = fp_unpack(f, a, &exp);
    return fp_round(e, f, fp_sign(f, a), exp + floor_of(f, b), sig);
}

uint32_t f32_scalef(struct fp_env *e, uint32_t a, uint32_t b)
{
    return (uint32_t)scaled(e, F32, a, b);
}

uint64_t f64_scalef(struct fp_env *e, uint64_t a, uint64_t b)
{
    return scaled(e, F64, a, b);
}
