/* softfloat80.c - the double-extended format: arithmetic and conversions as the x87
 * does them. SDM vol 1 4.8, 4.9 and 8.5.
 */
#include "cpu/softfloat80.h"

#include "cpu/softfloat_binary.h"

/* ---- rounding ---- */

struct cut {
    uint64_t sig; /* bit 63 set unless the input had it clear */
    bool carry;   /* into the next exponent; sig has been shifted */
    bool inexact, up;
};

/* Rounds to the top `precision` bits. */
static struct cut cut_at(unsigned precision, unsigned rounding, bool sign, uint64_t hi,
                         uint64_t lo)
{
    struct cut c = {hi, false, false, false};
    unsigned drop = 64 - precision;
    uint64_t whole = hi, rest = lo;

    if (drop) {
        whole = hi >> drop;
        rest = hi << precision | (lo != 0);
    }
    c.inexact = rest != 0;
    c.up = f80_rounds_up(rounding, sign, whole, rest);
    whole += c.up;
    c.sig = drop ? whole << drop : whole;
    if (c.up && !c.sig) {
        c.carry = true;
        c.sig = F80_J;
    }
    return c;
}

static struct f80 deliver(struct fp_env *e, bool sign, int exp, struct cut c)
{
    if (c.inexact)
        e->flags |= FP_INEXACT;
    if (c.up)
        e->flags |= FP_ROUNDED_UP;
    return f80_make(sign, (unsigned)exp, c.sig);
}

struct f80 f80_round_edge(struct fp_env *e, unsigned precision, bool sign, int exp,
                          uint64_t hi, uint64_t lo)
{
    struct cut c = cut_at(precision, e->rounding, sign, hi, lo);
    int rounded_exp = exp + c.carry;

    if (rounded_exp >= F80_EXP) {
        e->flags |= FP_OVERFLOW;
        if (!(e->masks & FP_OVERFLOW)) {
            rounded_exp -= F80_ADJUST;
            if (rounded_exp < F80_EXP)
                return deliver(e, sign, rounded_exp, c);
            /* Beyond even that: FSCALE only (SDM vol 1 8.5.4). */
            e->flags |= FP_INEXACT | FP_ROUNDED_UP;
            return f80_inf(sign);
        }
        e->flags |= FP_INEXACT;
        if (e->rounding == FP_NEAREST || (e->rounding == FP_UP && !sign) ||
            (e->rounding == FP_DOWN && sign)) {
            e->flags |= FP_ROUNDED_UP;
            return f80_inf(sign);
        }
        return f80_make(sign, F80_EXP - 1, ~0ull << (64 - precision));
    }
    if (rounded_exp > 0 && exp > 0)
        return deliver(e, sign, rounded_exp, c);

    /* Tiny is judged as if the exponent had no end; a carry to 1 is not tiny. */
    bool tiny = rounded_exp <= 0;
    if (tiny && !(e->masks & FP_UNDERFLOW)) {
        e->flags |= FP_UNDERFLOW;
        rounded_exp += F80_ADJUST;
        if (rounded_exp > 0)
            return deliver(e, sign, rounded_exp, c);
        e->flags |= FP_INEXACT;
        return f80_zero(sign);
    }
    struct u128 small = shr_jam128((struct u128){hi, lo}, (unsigned)(1 - exp));
    c = cut_at(precision, e->rounding, sign, small.hi, small.lo);
    if (tiny && c.inexact)
        e->flags |= FP_UNDERFLOW;
    return deliver(e, sign, c.sig >> 63 ? 1 : 0, c);
}

/* ---- NaNs ---- */

struct f80 f80_nan1(struct fp_env *e, struct f80 a)
{
    if (f80_is_unsupported(a))
        return f80_invalid(e);
    if (f80_is_snan(a))
        e->flags |= FP_INVALID;
    a.sig |= F80_QUIET;
    return a;
}

struct f80 f80_nan2(struct fp_env *e, struct f80 a, struct f80 b)
{
    bool a_quiet, b_quiet;

    if (f80_is_unsupported(a) || f80_is_unsupported(b))
        return f80_invalid(e);
    if (!f80_is_nan(b))
        return f80_nan1(e, a);
    if (!f80_is_nan(a))
        return f80_nan1(e, b);
    a_quiet = !f80_is_snan(a);
    b_quiet = !f80_is_snan(b);
    if (!a_quiet || !b_quiet)
        e->flags |= FP_INVALID;
    if (a_quiet != b_quiet)
        return a_quiet ? a : b;
    /* The larger significand; of equals the positive one. */
    if (a.sig < b.sig || (a.sig == b.sig && f80_sign(a)))
        a = b;
    a.sig |= F80_QUIET;
    return a;
}

/* ---- add and subtract ---- */

/* {v, 0} shifted right. */
static ALWAYS_INLINE struct u128 shift_down(uint64_t v, unsigned n)
{
    if (LIKELY(n < 64))
        return (struct u128){v >> n, v << 1 << (63 - n)};
    return (struct u128){0, shr_jam(v, n - 64)};
}

/* Exponents of bit 63, at least 1; |a| >= |b|. */
static ALWAYS_INLINE struct f80 add_finite(struct fp_env *e, bool sign, bool differ,
                                           unsigned a_exp, uint64_t a_sig,
                                           unsigned b_exp, uint64_t b_sig)
{
    struct u128 b = shift_down(b_sig, a_exp - b_exp), sum;
    unsigned shift;

    if (!differ) {
        sum.hi = a_sig + b.hi;
        sum.lo = b.lo;
        if (sum.hi < a_sig) {
            sum.lo = sum.hi << 63 | sum.lo >> 1 | (sum.lo & 1);
            sum.hi = sum.hi >> 1 | F80_J;
            return f80_round_pack(e, sign, (int)a_exp + 1, sum.hi, sum.lo);
        }
    } else {
        sum = sub128((struct u128){a_sig, 0}, b);
        if (UNLIKELY(!(sum.hi | sum.lo)))
            return f80_zero(e->rounding == FP_DOWN);
    }
    if (sum.hi >> 63)
        return f80_round_pack(e, sign, (int)a_exp, sum.hi, sum.lo);
    shift = clz128(sum);
    sum = shl128(sum, shift);
    return f80_round_pack(e, sign, (int)(a_exp - shift), sum.hi, sum.lo);
}

static ALWAYS_INLINE bool magnitude_below(struct f80 a, struct f80 b)
{
    return f80_exp(a) < f80_exp(b) || (f80_exp(a) == f80_exp(b) && a.sig < b.sig);
}

static NOINLINE struct f80 add_special(struct fp_env *e, struct f80 a, struct f80 b,
                                       bool subtract)
{
    if (f80_is_bad(a) || f80_is_bad(b))
        return f80_nan2(e, a, b);
    if (subtract)
        b = f80_negate(b);
    if (f80_is_inf(a) && f80_is_inf(b) && a.se != b.se)
        return f80_invalid(e);
    if (!f80_denormal(e, a) || !f80_denormal(e, b))
        return a;
    if (f80_is_inf(a))
        return a;
    if (f80_is_inf(b))
        return b;
    if (f80_is_zero(a) && f80_is_zero(b))
        return a.se == b.se ? a : f80_zero(e->rounding == FP_DOWN);
    /* A pseudo-denormal has exponent 1's value: give it that exponent before comparing.
     */
    if (!f80_exp(a))
        a.se |= 1;
    if (!f80_exp(b))
        b.se |= 1;
    if (magnitude_below(a, b)) {
        struct f80 t = a;
        a = b;
        b = t;
    }
    return add_finite(e, f80_sign(a), f80_sign(a) != f80_sign(b), f80_exp(a), a.sig,
                      f80_exp(b), b.sig);
}

static ALWAYS_INLINE struct f80 add(struct fp_env *e, struct f80 a, struct f80 b,
                                    bool subtract)
{
    if (UNLIKELY(!f80_is_normal(a) || !f80_is_normal(b)))
        return add_special(e, a, b, subtract);
    if (subtract)
        b.se ^= 0x8000;
    if (magnitude_below(a, b)) {
        struct f80 t = a;
        a = b;
        b = t;
    }
    return add_finite(e, f80_sign(a), (a.se ^ b.se) >> 15, f80_exp(a), a.sig,
                      f80_exp(b), b.sig);
}

struct f80 f80_add(struct fp_env *e, struct f80 a, struct f80 b)
{
    return add(e, a, b, false);
}

struct f80 f80_sub(struct fp_env *e, struct f80 a, struct f80 b)
{
    return add(e, a, b, true);
}

/* ---- multiply ---- */

struct f80 f80_mul(struct fp_env *e, struct f80 a, struct f80 b)
{
    bool sign = (a.se ^ b.se) >> 15;
    int a_exp = (int)f80_exp(a), b_exp = (int)f80_exp(b), exp;
    struct u128 p;

    if (UNLIKELY(!f80_is_normal(a) || !f80_is_normal(b))) {
        if (f80_is_bad(a) || f80_is_bad(b))
            return f80_nan2(e, a, b);
        if ((f80_is_inf(a) && f80_is_zero(b)) || (f80_is_zero(a) && f80_is_inf(b)))
            return f80_invalid(e);
        if (!f80_denormal(e, a) || !f80_denormal(e, b))
            return a;
        if (f80_is_inf(a) || f80_is_inf(b))
            return f80_inf(sign);
        if (f80_is_zero(a) || f80_is_zero(b))
            return f80_zero(sign);
        a.sig = f80_unpack(a, &a_exp);
        b.sig = f80_unpack(b, &b_exp);
    }
    p = mul64(a.sig, b.sig);
    exp = a_exp + b_exp - F80_BIAS + 1;
    if (!(p.hi >> 63)) {
        p = shl128(p, 1);
        exp--;
    }
    return f80_round_pack(e, sign, exp, p.hi, p.lo);
}

/* ---- divide ---- */

/* The fraction rest / d as a word beside a significand: exact in its order to one half.
 */
static ALWAYS_INLINE uint64_t rest_word(uint64_t rest, uint64_t d)
{
    if (!rest)
        return 0;
    if (rest < d - rest)
        return 1;
    return F80_HALF | (rest > d - rest);
}

struct f80 f80_div(struct fp_env *e, struct f80 a, struct f80 b)
{
    bool sign = (a.se ^ b.se) >> 15;
    int a_exp = (int)f80_exp(a), b_exp = (int)f80_exp(b), exp;
    struct u128 n;
    uint64_t q, rest;

    if (UNLIKELY(!f80_is_normal(a) || !f80_is_normal(b))) {
        if (f80_is_bad(a) || f80_is_bad(b))
            return f80_nan2(e, a, b);
        if ((f80_is_inf(a) && f80_is_inf(b)) || (f80_is_zero(a) && f80_is_zero(b)))
            return f80_invalid(e);
        if (f80_is_zero(b) && !f80_is_inf(a)) {
            e->flags |= FP_DIVZERO;
            return f80_inf(sign);
        }
        if (!f80_denormal(e, a) || !f80_denormal(e, b))
            return a;
        if (f80_is_inf(a))
            return f80_inf(sign);
        if (f80_is_inf(b) || f80_is_zero(a))
            return f80_zero(sign);
        a.sig = f80_unpack(a, &a_exp);
        b.sig = f80_unpack(b, &b_exp);
    }
    exp = a_exp - b_exp + F80_BIAS;
    if (a.sig < b.sig) {
        n = (struct u128){a.sig, 0};
        exp--;
    } else {
        n = (struct u128){a.sig >> 1, a.sig << 63};
    }
    q = div128(n, b.sig, &rest);
    return f80_round_pack(e, sign, exp, q, rest_word(rest, b.sig));
}

/* ---- square root ---- */

struct f80 f80_sqrt(struct fp_env *e, struct f80 a)
{
    int exp;
    uint64_t root, rest, lo = 0;
    struct u128 n = {0, 0};
    bool carry;

    if (f80_is_bad(a))
        return f80_nan1(e, a);
    if (f80_is_zero(a))
        return a;
    if (f80_sign(a))
        return f80_invalid(e);
    if (!f80_denormal(e, a) || f80_is_inf(a))
        return a;
    n.hi = f80_unpack(a, &exp);
    exp -= F80_BIAS;
    /* n * 2^-127 in [1, 2) for an odd exponent; halved to [1/2, 1) for an even one, so
     * that the root of n's 128 bits always has 64. */
    if (!(exp & 1))
        n = shr128(n, 1);
    else
        exp--;
    root = sqrt128(n, &rest, &carry);
    /* n > (root + 1/2)^2 exactly when the rest is above root; a tie cannot be. */
    if (carry || rest > root)
        lo = F80_HALF | 1;
    else if (rest)
        lo = 1;
    return f80_round_pack(e, false, exp / 2 + F80_BIAS, root, lo);
}

/* ---- to an integral value ---- */

struct f80 f80_round(struct fp_env *e, struct f80 a)
{
    int exp = (int)f80_exp(a) - F80_BIAS;
    bool sign = f80_sign(a);
    struct u128 v;
    unsigned shift;

    if (f80_is_bad(a))
        return f80_nan1(e, a);
    if (exp >= 63 || f80_is_zero(a))
        return a;
    if (!f80_denormal(e, a))
        return a;
    v = shr_jam128((struct u128){a.sig, 0}, (unsigned)(63 - exp));
    if (v.lo) {
        e->flags |= FP_INEXACT;
        if (f80_rounds_up(e->rounding, sign, v.hi, v.lo)) {
            e->flags |= FP_ROUNDED_UP;
            v.hi++;
        }
    }
    if (!v.hi)
        return f80_zero(sign);
    shift = clz64(v.hi);
    return f80_make(sign, F80_BIAS + 63 - shift, v.hi << shift);
}

/* ---- compare ---- */

enum fp_relation f80_compare(struct fp_env *e, struct f80 a, struct f80 b, bool quiet)
{
    int a_exp, b_exp;
    bool less;

    if (UNLIKELY(f80_is_bad(a) || f80_is_bad(b))) {
        if (!quiet || f80_is_snan(a) || f80_is_snan(b) || f80_is_unsupported(a) ||
            f80_is_unsupported(b))
            e->flags |= FP_INVALID;
        return FP_UNORDERED;
    }
    (void)f80_denormal(e, a);
    (void)f80_denormal(e, b);
    if (f80_is_zero(a) || f80_is_zero(b)) {
        if (f80_is_zero(a) && f80_is_zero(b))
            return FP_EQUAL;
        if (f80_is_zero(a))
            return f80_sign(b) ? FP_GREATER : FP_LESS;
        return f80_sign(a) ? FP_LESS : FP_GREATER;
    }
    if (f80_sign(a) != f80_sign(b))
        return f80_sign(a) ? FP_LESS : FP_GREATER;
    a.sig = f80_unpack(a, &a_exp);
    b.sig = f80_unpack(b, &b_exp);
    if (a_exp == b_exp && a.sig == b.sig)
        return FP_EQUAL;
    less = a_exp < b_exp || (a_exp == b_exp && a.sig < b.sig);
    return less != f80_sign(a) ? FP_LESS : FP_GREATER;
}

/* ---- conversions ---- */

static ALWAYS_INLINE struct f80 widen(struct fp_env *e, unsigned f, uint64_t a)
{
    bool sign = fp_sign(f, a);
    uint64_t sig;
    int exp;

    if (UNLIKELY(!fp_is_normal(f, a))) {
        if (fp_exp(f, a)) {
            sig = F80_J | fp_frac(f, a) << (63 - f);
            if (fp_is_snan(f, a)) {
                e->flags |= FP_INVALID;
                sig |= F80_QUIET;
            }
            return f80_make(sign, F80_EXP, sig);
        }
        if (!fp_frac(f, a))
            return f80_zero(sign);
        e->flags |= FP_DENORMAL;
    }
    sig = fp_unpack(f, a, &exp);
    return f80_make(sign, (unsigned)(exp - fp_bias(f) + F80_BIAS), sig << 1);
}

struct f80 f80_from_f32(struct fp_env *e, uint32_t a)
{
    return widen(e, F32, a);
}

struct f80 f80_from_f64(struct fp_env *e, uint64_t a)
{
    return widen(e, F64, a);
}

struct f80 f80_from_i64(int64_t a)
{
    uint64_t magnitude = a < 0 ? 0 - (uint64_t)a : (uint64_t)a;
    unsigned shift;

    if (!a)
        return f80_zero(false);
    shift = clz64(magnitude);
    return f80_make(a < 0, F80_BIAS + 63 - shift, magnitude << shift);
}

static ALWAYS_INLINE uint64_t narrow(struct fp_env *e, unsigned f, struct f80 a)
{
    bool sign = f80_sign(a);
    uint64_t sig;
    int exp;

    if (f80_is_bad(a)) {
        struct f80 n = f80_nan1(e, a);
        return fp_inf(f, f80_sign(n)) | (n.sig & ~F80_J) >> (63 - f);
    }
    if (f80_is_inf(a))
        return fp_inf(f, sign);
    if (f80_is_zero(a))
        return fp_zero(f, sign);
    sig =
        f80_unpack(a, &exp); /* a denormal is only very small: no denormal exception */
    exp += fp_bias(f) - F80_BIAS;
    if (LIKELY((unsigned)exp - 1u < fp_exp_max(f) - 2u && e->rounding == FP_NEAREST)) {
        unsigned drop = 63 - f;
        uint64_t whole = sig >> drop, mask = (1ull << drop) - 1, rest = sig & mask, up;
        if (rest) {
            up = (rest + (mask >> 1) + (whole & 1)) >> drop;
            e->flags |= (uint8_t)(FP_INEXACT | up << 6);
            whole += up;
        }
        return fp_zero(f, sign) + ((uint64_t)(unsigned)(exp - 1) << f) + whole;
    }
    return fp_round_edge(e, f, sign, exp, shr_jam(sig, 1), true);
}

uint32_t f80_to_f32(struct fp_env *e, struct f80 a)
{
    return (uint32_t)narrow(e, F32, a);
}

uint64_t f80_to_f64(struct fp_env *e, struct f80 a)
{
    return narrow(e, F64, a);
}

static int64_t to_integer(struct fp_env *e, struct f80 a, unsigned bits, bool truncate)
{
    bool sign = f80_sign(a);
    int exp = (int)f80_exp(a) - F80_BIAS;
    uint64_t limit = 1ull << (bits - 1);
    uint8_t before = e->flags;
    struct u128 v;

    if (f80_is_zero(a))
        return 0;
    if (exp <= 63 && !f80_is_unsupported(a)) {
        v = shr_jam128((struct u128){a.sig, 0}, (unsigned)(63 - exp));
        if (v.lo) {
            e->flags |= FP_INEXACT;
            if (!truncate && f80_rounds_up(e->rounding, sign, v.hi, v.lo)) {
                e->flags |= FP_ROUNDED_UP;
                v.hi++;
            }
        }
        if (v.hi < limit + sign)
            return sign ? (int64_t)(0 - v.hi) : (int64_t)v.hi;
    }
    e->flags = before | FP_INVALID;
    return -(int64_t)(limit - 1) - 1; /* the integer indefinite */
}

int16_t f80_to_i16(struct fp_env *e, struct f80 a, bool truncate)
{
    return (int16_t)to_integer(e, a, 16, truncate);
}

int32_t f80_to_i32(struct fp_env *e, struct f80 a, bool truncate)
{
    return (int32_t)to_integer(e, a, 32, truncate);
}

int64_t f80_to_i64(struct fp_env *e, struct f80 a, bool truncate)
{
    return to_integer(e, a, 64, truncate);
}
