/* x87_transcendental.c - F2XM1, FYL2X, FYL2XP1, FPATAN, FSIN, FCOS, FSINCOS, FPTAN.
 *
 * SDM vol 1 8.3.10 allows an error of one unit in the last place. Here everything is
 * computed with 128-bit significands on integers, with an error far below 2^-90, and
 * rounded once, so the results are the same on every host and nearly always the
 * nearest. Precision control does not apply; the rounding mode does.
 *
 * Trigonometric arguments are reduced by the 66-bit pi of SDM vol 1 8.3.8, so that what
 * a processor gives near multiples of pi comes out here too.
 */
#include "cpu/x87_parts.h"
#include "cpu/x87_tables.h"

/* sig (bit 127 set) * 2^(exp - 127); or 0 with sig 0. */
struct wide {
    struct u128 sig;
    int exp;
    bool sign;
};

static struct wide wide_normal(bool sign, int exp, struct u128 sig)
{
    unsigned shift;

    if (!(sig.hi | sig.lo))
        return (struct wide){sig, 0, sign};
    shift = clz128(sig);
    return (struct wide){shl128(sig, shift), exp - (int)shift, sign};
}

/* a is finite and not zero. */
static struct wide wide_from(struct f80 a)
{
    struct wide w = {.sign = f80_sign(a)};

    w.sig.hi = f80_unpack(a, &w.exp);
    w.exp -= F80_BIAS;
    return w;
}

static struct wide wide_mul(struct wide a, struct wide b)
{
    return wide_normal(a.sign ^ b.sign, a.exp + b.exp + 1, mulhi128(a.sig, b.sig));
}

static struct wide wide_div(struct wide a, struct wide b)
{
    int exp = a.exp - b.exp - 1;

    if (!less128(a.sig, b.sig)) {
        a.sig = shr128(a.sig, 1);
        exp++;
    }
    return wide_normal(a.sign ^ b.sign, exp, divfrac128(a.sig, b.sig));
}

/* |w| in units of 2^-frac; the result fits by the caller's knowledge. */
static struct u128 wide_fixed(struct wide w, int frac)
{
    int down = 127 - w.exp - frac;
    return down < 128 ? shr128(w.sig, (unsigned)down) : (struct u128){0, 0};
}

static struct wide wide_of_fixed(bool sign, struct u128 v, int frac)
{
    return wide_normal(sign, 127 - frac, v);
}

/* a*2^-frac + w with the sign taken into account; w is much below 2^(128 - frac). */
static struct wide fixed_plus(struct u128 a, bool a_sign, int frac, struct wide w)
{
    struct u128 b = wide_fixed(w, frac);

    if (a_sign == w.sign)
        return wide_of_fixed(a_sign, add128(a, b), frac);
    if (less128(a, b))
        return wide_of_fixed(w.sign, sub128(b, a), frac);
    return wide_of_fixed(a_sign, sub128(a, b), frac);
}

/* None of these results is exact. */
static struct f80 wide_round(struct fp_env *e, struct wide w)
{
    return f80_round_pack(e, w.sign, w.exp + F80_BIAS, w.sig.hi, w.sig.lo | 1);
}

/* terms[0] - z (terms[1] - z (...)), all in units of 2^-128. */
static struct u128 alternating(const struct u128 *terms, unsigned n, struct u128 z)
{
    struct u128 acc = terms[n - 1];
    for (unsigned k = n - 1; k-- > 0;)
        acc = sub128(terms[k], mulhi128(z, acc));
    return acc;
}

/* w^2 in units of 2^-128; |w| < 1. */
static struct u128 square(struct wide w)
{
    int down = -2 * (w.exp + 1);
    return down < 128 ? shr128(mulhi128(w.sig, w.sig), (unsigned)down)
                      : (struct u128){0, 0};
}

/* 1 - a, for a in units of 2^-128; 1 itself becomes the number below it. */
static struct u128 one_minus(struct u128 a)
{
    if (!(a.hi | a.lo))
        return (struct u128){UINT64_MAX, UINT64_MAX};
    return sub128((struct u128){0, 0}, a);
}

/* ---- sine and cosine of |t| <= pi / 4 ---- */

static struct wide sine(struct wide t)
{
    struct u128 z = square(t);
    struct u128 p = one_minus(mulhi128(z, alternating(sin_terms, 13, z)));

    return wide_normal(t.sign, t.exp, mulhi128(t.sig, p));
}

static struct wide cosine(struct wide t)
{
    struct u128 z = square(t);

    return wide_of_fixed(false, one_minus(mulhi128(z, alternating(cos_terms, 13, z))),
                         128);
}

/* |a| = n * pi / 2 + t: n modulo 4; |a| < 2^63, not zero. The quotient comes bit by
 * bit: at most 65 steps. */
static unsigned reduce(struct f80 a, struct wide *t)
{
    /* pi / 2 in units of 2^-65: odd, so no operand is a multiple of it. */
    static const struct u128 half_pi = {3, 0x243f6a8885a308d3};
    static const struct u128 quarter_pi = {1, 0x921fb54442d18469};
    struct u128 r = {0, 0};
    unsigned n = 0;
    bool negative = false;
    int exp;

    *t = wide_from(a);
    t->sign = false;
    exp = t->exp;
    if (exp < -1) /* below 1/2 */
        return 0;
    r.lo = t->sig.hi; /* in units of 2^(exp - 63) */
    for (; exp > -2; exp--) {
        r = shl128(r, 1);
        n <<= 1;
        if (!less128(r, half_pi)) {
            r = sub128(r, half_pi);
            n |= 1;
        }
    }
    if (less128(quarter_pi, r)) {
        r = sub128(half_pi, r);
        negative = true;
        n++;
    }
    *t = wide_of_fixed(negative, r, 65);
    return n & 3;
}

static struct wide sine_of(unsigned n, struct wide t)
{
    struct wide r = n & 1 ? cosine(t) : sine(t);
    r.sign ^= n >> 1 & 1;
    return r;
}

static struct wide cosine_of(unsigned n, struct wide t)
{
    struct wide r = n & 1 ? sine(t) : cosine(t);
    r.sign ^= (n >> 1 ^ n) & 1;
    return r;
}

/* ---- arc tangent of num / den in [0, 1] ---- */

static struct wide arc_tangent(struct wide num, struct wide den)
{
    int apart = den.exp - num.exp;
    unsigned k = 0;
    struct wide u;
    struct u128 z, p;

    /* The nearest sixteenth; atan(t) = atan(k/16) + atan((16 t - k) / (16 + k t)). */
    if (apart < 6) {
        uint64_t n = num.sig.hi >> 32 >> apart, d = den.sig.hi >> 32;
        k = (unsigned)((16 * n + d / 2) / d);
    }
    if (k) {
        /* Both have 64 bits, so these are exact. */
        struct u128 n = {0, num.sig.hi},
                    d = shl128((struct u128){0, den.sig.hi}, (unsigned)apart);
        struct u128 n16 = shl128(n, 4), dk = {0, 0}, nk = mul64(num.sig.hi, k);
        bool below;
        dk = add128(mul64(d.lo, k), (struct u128){d.hi * k, 0});
        below = less128(n16, dk);
        u = wide_normal(below, 127, below ? sub128(dk, n16) : sub128(n16, dk));
        if (u.sig.hi)
            u = wide_div(u, wide_normal(false, 127, add128(shl128(d, 4), nk)));
    } else {
        u = wide_div(num, den);
    }
    if (u.sig.hi) {
        z = square(u);
        p = one_minus(mulhi128(z, alternating(odd_terms, 12, z)));
        u = wide_normal(u.sign, u.exp, mulhi128(u.sig, p));
    }
    if (k)
        u = fixed_plus(shr128(atan_sixteenths[k], 2), false, 126, u);
    return u;
}

/* ---- logarithm ---- */

/* log2 of (1 + s) / (1 - s): 2 / ln 2 * (s + s^3 / 3 + s^5 / 5 ...), |s| < 0.172. */
static struct wide log2_of_ratio(struct wide s)
{
    static const unsigned terms = 21;
    struct u128 z = square(s), acc = odd_terms[terms - 1], more;

    for (unsigned k = terms - 1; k-- > 0;)
        acc = add128(odd_terms[k], mulhi128(z, acc));
    more = mulhi128(s.sig, mulhi128(z, acc));
    s.sig = add128(s.sig, more);
    if (!(s.sig.hi >> 63)) { /* carried out */
        s.sig = shr128(s.sig, 1);
        s.sig.hi |= F80_J;
        s.exp++;
    }
    return wide_mul(s, wide_of_fixed(false, two_log2e_q126, 126));
}

/* log2 of sig * 2^(exp - 127), which is not a power of two. */
static struct wide log2_of(struct u128 sig, int exp)
{
    static const struct u128 one_q126 = {1ull << 62, 0};
    struct u128 m = shr128(sig, 1), num; /* in units of 2^-126 */
    bool below;
    struct wide r;

    /* m between the roots of 1/2 and 2, so that s is small. */
    if (sig.hi > 0xb504f333f9de6484) {
        m = shr128(m, 1);
        exp++;
    }
    below = less128(m, one_q126);
    num = below ? sub128(one_q126, m) : sub128(m, one_q126);
    r = log2_of_ratio(wide_div(wide_of_fixed(below, num, 126),
                               wide_of_fixed(false, add128(m, one_q126), 126)));
    if (!exp)
        return r;
    return fixed_plus((struct u128){(uint64_t)(exp < 0 ? -exp : exp) << 48, 0}, exp < 0,
                      112, r);
}

/* ---- 2^x - 1 for 0 < |x| < 1 ---- */

static struct wide exp2_minus_1(struct wide x)
{
    struct u128 mag = wide_fixed(x, 128), part, y, acc;
    unsigned k = (unsigned)((mag.hi >> 59) + 1) >> 1; /* the nearest sixteenth */
    struct wide f = x, r;

    if (k) {
        part = (struct u128){(uint64_t)k << 60, 0}; /* 16 / 16 becomes 0 */
        bool below = k == 16 || less128(mag, part);
        f = wide_of_fixed(x.sign ^ below, below ? sub128(part, mag) : sub128(mag, part),
                          128);
    }
    if (f.sig.hi) {
        f = wide_mul(f, wide_of_fixed(false, ln2_q128, 128));
        /* y (1 + y (1/2! + y (1/3! + ...))), y signed */
        y = wide_fixed(f, 128);
        acc = exp_terms[14];
        for (unsigned n = 14; n-- > 0;)
            acc = f.sign ? sub128(exp_terms[n], mulhi128(y, acc))
                         : add128(exp_terms[n], mulhi128(y, acc));
        acc = mulhi128(f.sig, mulhi128(y, acc));
        if (f.sign) {
            f = wide_normal(true, f.exp, sub128(f.sig, acc));
        } else {
            f.sig = add128(f.sig, acc);
            if (!(f.sig.hi >> 63)) {
                f.sig = shr128(f.sig, 1);
                f.sig.hi |= F80_J;
                f.exp++;
            }
        }
    }
    if (!k)
        return f;
    /* 2^(k/16) * 2^f - 1 = T (2^f - 1) + (T - 1) */
    struct u128 t = exp2_sixteenths[x.sign ? 16 - k : 16 + k], one = {1ull << 62, 0};
    bool below = less128(t, one);
    if (f.sig.hi)
        f = wide_mul(f, wide_of_fixed(false, t, 126));
    r = fixed_plus(below ? sub128(one, t) : sub128(t, one), below, 126, f);
    return r;
}

/* ---- instructions of one operand ---- */

/* An operand that needs no computing: bad, zero, infinite or an unmasked denormal.
 * *done: r is what to deliver if flags permit. */
static bool plain(struct fp_env *e, struct f80 a, struct f80 *r)
{
    if (f80_is_bad(a))
        *r = f80_nan1(e, a);
    else if (f80_is_inf(a))
        *r = f80_invalid(e);
    else if (!f80_denormal(e, a))
        *r = a;
    else
        return false;
    return true;
}

static const struct f80 one = {F80_J, F80_BIAS};

/* |a| >= 2^63 is out of range: C2 set, nothing changed (SDM vol 1 8.1.3.2). */
static bool out_of_range(struct cpu *c, struct f80 a)
{
    bool out = f80_exp(a) >= F80_BIAS + 63 && !f80_is_bad(a) && !f80_is_inf(a);

    c->fsw = (uint16_t)((c->fsw & ~FSW_C2) | (out ? FSW_C2 : 0));
    return out;
}

static struct f80 compute_sin(struct fp_env *e, struct f80 a)
{
    struct f80 r;
    struct wide t;
    unsigned n;

    if (plain(e, a, &r) || f80_is_zero(a))
        return f80_is_zero(a) ? a : r;
    n = reduce(a, &t);
    t = sine_of(n, t);
    t.sign ^= f80_sign(a);
    return wide_round(e, t);
}

static struct f80 compute_cos(struct fp_env *e, struct f80 a)
{
    struct f80 r;
    struct wide t;
    unsigned n;

    if (plain(e, a, &r))
        return r;
    if (f80_is_zero(a))
        return one;
    n = reduce(a, &t);
    return wide_round(e, cosine_of(n, t));
}

static struct f80 compute_tan(struct fp_env *e, struct f80 a)
{
    struct f80 r;
    struct wide t;
    unsigned n;

    if (plain(e, a, &r) || f80_is_zero(a))
        return f80_is_zero(a) ? a : r;
    n = reduce(a, &t);
    if (t.exp < -34 && !(n & 1)) {
        /* t + t^3 / 3: what follows is past the last bit, and the quotient below could
         * fall short of t itself. */
        t.sig = add128(t.sig, mulhi128(t.sig, mulhi128(square(t), odd_terms[0])));
        if (!(t.sig.hi >> 63))
            t = (struct wide){{F80_J, 0}, t.exp + 1, t.sign};
    } else {
        t = wide_div(sine_of(n, t), cosine_of(n, t));
    }
    t.sign ^= f80_sign(a);
    return wide_round(e, t);
}

/* Beyond [-1, 1] the manual leaves the result undefined: the operand stays. */
static struct f80 compute_2xm1(struct fp_env *e, struct f80 a)
{
    struct f80 r;

    if (f80_is_inf(a))
        return f80_sign(a) ? f80_make(true, F80_BIAS, F80_J) : a;
    if (plain(e, a, &r))
        return r;
    if (f80_is_zero(a))
        return a;
    if (f80_exp(a) >= F80_BIAS) {
        e->flags |= FP_INEXACT; /* even 2^1 - 1 and 2^-1 - 1 (observed) */
        if (a.se == (0x8000 | F80_BIAS) && a.sig == F80_J)
            return f80_make(true, F80_BIAS - 1, F80_J);
        return a;
    }
    return wide_round(e, exp2_minus_1(wide_from(a)));
}

typedef struct f80 compute_fn(struct fp_env *e, struct f80 a);

static void one_operand(struct cpu *c, const struct insn *i, compute_fn *f, bool ranged)
{
    struct fp_env e = x87_env_full(c);
    struct f80 r;

    x87_wait(c);
    x87_begin(c, i);
    if (st_empty(c, 0)) {
        if (ranged)
            c->fsw &= (uint16_t)~FSW_C2;
        if (x87_stack_underflow(c))
            st_set(c, 0, f80_default_nan());
        return;
    }
    if (ranged && out_of_range(c, *st_at(c, 0)))
        return;
    r = f(&e, *st_at(c, 0));
    if (x87_raise(c, e.flags) & FP_BEFORE)
        return;
    *st_at(c, 0) = r;
}

X87(fsin)
{
    one_operand(c, i, compute_sin, true);
}

X87(fcos)
{
    one_operand(c, i, compute_cos, true);
}

X87(f2xm1)
{
    one_operand(c, i, compute_2xm1, false);
}

/* FSINCOS and FPTAN: ST(0) replaced by the first, the second pushed. */
static void two_results(struct cpu *c, const struct insn *i, compute_fn *first,
                        compute_fn *second)
{
    struct fp_env e = x87_env_full(c), e2 = e;
    struct f80 a = *st_at(c, 0), r, s = one;

    x87_wait(c);
    x87_begin(c, i);
    if (st_empty(c, 0) || !st_empty(c, 7)) {
        c->fsw &= (uint16_t)~FSW_C2;
        if (st_empty(c, 0) ? x87_stack_underflow(c) : x87_stack_overflow(c)) {
            st_set(c, 0, f80_default_nan());
            st_push(c, f80_default_nan());
        }
        return;
    }
    if (out_of_range(c, a))
        return;
    r = first(&e, a);
    if (second)
        s = second(&e2, a);
    else if (e.flags & FP_INVALID || f80_is_nan(a))
        s = r; /* FPTAN of a NaN or infinity */
    if (x87_raise(c, (e.flags & ~FP_ROUNDED_UP) | e2.flags) & FP_BEFORE)
        return;
    *st_at(c, 0) = r;
    st_push(c, s);
}

X87(fsincos)
{
    two_results(c, i, compute_sin, compute_cos);
}

X87(fptan)
{
    two_results(c, i, compute_tan, NULL);
}

/* ---- instructions of two operands: ST(1) = f(ST(0), ST(1)), pop ---- */

/* y * log2(x). SDM vol 2, FYL2X, table of results. */
static struct f80 compute_yl2x(struct fp_env *e, struct f80 x, struct f80 y)
{
    bool negative = f80_sign(y);
    struct wide w;

    if (f80_is_bad(x) || f80_is_bad(y))
        return f80_nan2(e, x, y);
    if (f80_sign(x) && !f80_is_zero(x))
        return f80_invalid(e);
    if (f80_is_zero(x)) {
        if (f80_is_zero(y))
            return f80_invalid(e);
        if (f80_is_inf(y))
            return f80_inf(!negative);
        e->flags |= FP_DIVZERO; /* before a denormal y */
        return f80_inf(!negative);
    }
    bool is_one = x.se == F80_BIAS && x.sig == F80_J;
    bool below = f80_exp(x) < F80_BIAS;
    if ((f80_is_inf(x) && f80_is_zero(y)) || (is_one && f80_is_inf(y)))
        return f80_invalid(e);
    if (!f80_denormal(e, x) || !f80_denormal(e, y))
        return y;
    if (f80_is_inf(x) || f80_is_inf(y))
        return f80_inf(negative ^ below);
    if (is_one || f80_is_zero(y))
        return f80_zero(negative ^ below);
    w = wide_from(x);
    if (w.sig.hi ==
        F80_J) { /* a power of two; called inexact all the same (observed) */
        struct f80 r = f80_mul(e, f80_from_i64(w.exp), y);
        e->flags |= FP_INEXACT;
        if (f80_is_denormal(r))
            e->flags |= FP_UNDERFLOW;
        return r;
    }
    w = wide_mul(log2_of(w.sig, w.exp), wide_from(y));
    return wide_round(e, w);
}

/* y * log2(x + 1). The manual defines it for |x| <= 1 - sqrt(2) / 2; beyond, the same
 * function goes on, and from -1 downwards the result is x (observed). */
static struct f80 compute_yl2xp1(struct fp_env *e, struct f80 x, struct f80 y)
{
    bool negative = f80_sign(x) ^ f80_sign(y);
    struct wide w, log;

    if (f80_is_bad(x) || f80_is_bad(y))
        return f80_nan2(e, x, y);
    if ((f80_is_inf(x) && f80_sign(x)) || (f80_is_inf(x) && f80_is_zero(y)) ||
        (f80_is_zero(x) && f80_is_inf(y)))
        return f80_invalid(e);
    if (!f80_denormal(e, x) || !f80_denormal(e, y))
        return y;
    if (f80_is_inf(x) || f80_is_inf(y))
        return f80_inf(negative);
    if (f80_sign(x) && f80_exp(x) >= F80_BIAS) {
        e->flags |= FP_INEXACT;
        return x;
    }
    if (f80_is_zero(x) || f80_is_zero(y))
        return f80_zero(negative);
    w = wide_from(x);
    if (w.exp < -2 || (w.exp == -2 && w.sig.hi <= 0x95f619980c4336f7)) { /* 0.2929 */
        /* s = x / (2 + x), exact for however small x */
        struct wide two = {{F80_J, 0}, 1, false};
        two = fixed_plus(wide_fixed(two, 126), false, 126, w);
        log = log2_of_ratio(wide_div(w, two));
    } else if (w.exp < 60) {
        int frac = w.exp < 1 ? 126 : 64;
        struct wide sum = {{F80_J, 0}, 0, false};
        sum = fixed_plus(wide_fixed(sum, frac), false, frac, w);
        if (sum.sig.hi == F80_J && !sum.sig.lo)
            return f80_mul(e, f80_from_i64(sum.exp), y);
        log = log2_of(sum.sig, sum.exp);
    } else { /* one more is beyond the 128 bits that count */
        w.sig.lo |= 1;
        log = log2_of(w.sig, w.exp);
    }
    return wide_round(e, wide_mul(log, wide_from(y)));
}

static struct f80 angle(struct fp_env *e, bool sign, struct u128 q126)
{
    return wide_round(e, wide_of_fixed(sign, q126, 126));
}

/* The angle of the point (x, y). SDM vol 2, FPATAN, table of results. */
static struct f80 compute_atan(struct fp_env *e, struct f80 x, struct f80 y)
{
    bool sign = f80_sign(y), left = f80_sign(x), steep;
    struct wide a, b, t;

    if (f80_is_bad(x) || f80_is_bad(y))
        return f80_nan2(e, x, y);
    if (!f80_denormal(e, x) || !f80_denormal(e, y))
        return y;
    if (f80_is_inf(x) && f80_is_inf(y)) {
        struct u128 quarter = shr128(pi_q126, 2);
        return angle(e, sign, left ? sub128(pi_q126, quarter) : quarter);
    }
    if (f80_is_zero(y) || f80_is_inf(x)) {
        if (left)
            return angle(e, sign, pi_q126);
        return f80_zero(sign);
    }
    if (f80_is_zero(x) || f80_is_inf(y))
        return angle(e, sign, half_pi_q126);
    a = wide_from(y);
    b = wide_from(x);
    a.sign = b.sign = false;
    steep = a.exp > b.exp || (a.exp == b.exp && less128(b.sig, a.sig));
    t = steep ? arc_tangent(b, a) : arc_tangent(a, b);
    if (steep) {
        t.sign = !left;
        t = fixed_plus(half_pi_q126, false, 126, t);
    } else if (left) {
        t.sign = true;
        t = fixed_plus(pi_q126, false, 126, t);
    }
    t.sign = sign;
    return wide_round(e, t);
}

typedef struct f80 compute2_fn(struct fp_env *e, struct f80 x, struct f80 y);

static void two_operands(struct cpu *c, const struct insn *i, compute2_fn *f)
{
    struct fp_env e = x87_env_full(c);
    struct f80 r;

    x87_wait(c);
    x87_begin(c, i);
    if (st_empty(c, 0) || st_empty(c, 1)) {
        if (!x87_stack_underflow(c))
            return;
        r = f80_default_nan();
    } else {
        r = f(&e, *st_at(c, 0), *st_at(c, 1));
        if (x87_raise(c, e.flags) & FP_BEFORE)
            return;
    }
    st_set(c, 1, r);
    st_pop(c);
}

X87(fyl2x)
{
    two_operands(c, i, compute_yl2x);
}

X87(fyl2xp1)
{
    two_operands(c, i, compute_yl2xp1);
}

X87(fpatan)
{
    two_operands(c, i, compute_atan);
}
