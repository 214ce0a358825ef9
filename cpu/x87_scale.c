/* x87_scale.c - FPREM, FPREM1, FSCALE, FXTRACT: instructions that work on exponents. */
#include "cpu/x87_parts.h"

/* ---- partial remainder ---- */

/* ST(0) by ST(1). nearest: FPREM1. The quotient's low bits go to *q; *partial when the
 * exponents are 64 or more apart: then only part of the distance is worked off, as SDM
 * vol 2 says: "implementation-dependent", between 32 and 63. Exact. */
static struct f80 remainder_of(struct fp_env *e, struct f80 a, struct f80 b,
                               bool nearest, uint64_t *q, bool *partial)
{
    bool sign = f80_sign(a);
    int a_exp, b_exp, apart, exp;
    uint64_t a_sig, b_sig, rest;
    unsigned shift;

    *q = 0;
    *partial = false;
    if (f80_is_bad(a) || f80_is_bad(b))
        return f80_nan2(e, a, b);
    if (f80_is_inf(a) || f80_is_zero(b))
        return f80_invalid(e);
    if (!f80_denormal(e, a) || !f80_denormal(e, b))
        return a;
    if (f80_is_zero(a))
        return a;
    a_sig = f80_unpack(a, &a_exp);
    if (f80_is_inf(b))
        return f80_round_pack(e, sign, a_exp, a_sig, 0);
    b_sig = f80_unpack(b, &b_exp);
    apart = a_exp - b_exp;
    if (apart < 0) {
        /* |a| < |b|; with FPREM1 the nearest multiple may still be b itself. */
        if (!nearest || apart < -1 || a_sig <= b_sig)
            return f80_round_pack(e, sign, a_exp, a_sig, 0);
        *q = 1;
        rest = b_sig - (a_sig - b_sig);
        sign = !sign;
        exp = a_exp;
    } else {
        if (apart > 63) {
            *partial = true;
            shift = 32 | (apart & 31);
        } else {
            shift = (unsigned)apart;
        }
        exp = a_exp - (int)shift;
        *q = div128(shr128((struct u128){a_sig, 0}, 64 - shift), b_sig, &rest);
        if (nearest && !*partial &&
            (rest > b_sig - rest || (rest == b_sig - rest && (*q & 1)))) {
            rest = b_sig - rest;
            sign = !sign;
            ++*q;
        }
    }
    if (!rest)
        return f80_zero(f80_sign(a));
    shift = clz64(rest);
    return f80_round_pack(e, sign, exp - (int)shift, rest << shift, 0);
}

static void partial_remainder(struct cpu *c, const struct insn *i, bool nearest)
{
    struct fp_env e = x87_env_full(c);
    struct f80 r;
    uint64_t q;
    bool partial;
    unsigned bits;

    x87_wait(c);
    x87_begin(c, i);
    if (st_empty(c, 0) || st_empty(c, 1)) {
        c->fsw &= (uint16_t)~FSW_C2;
        if (x87_stack_underflow(c))
            st_set(c, 0, f80_default_nan());
        return;
    }
    r = remainder_of(&e, *st_at(c, 0), *st_at(c, 1), nearest, &q, &partial);
    c->fsw &= (uint16_t)~FSW_C2;
    if (x87_raise(c, e.flags) & FP_BEFORE)
        return;
    *st_at(c, 0) = r;
    if (e.flags & FP_INVALID || f80_is_nan(r))
        return; /* no quotient: C0 and C3 stay (observed) */
    if (partial)
        bits = FSW_C2;
    else
        bits = (q & 4 ? FSW_C0 : 0u) | (q & 2 ? FSW_C3 : 0u) | (q & 1 ? FSW_C1 : 0u);
    c->fsw = (uint16_t)((c->fsw & ~(FSW_C0 | FSW_C3)) | bits);
}

X87(fprem)
{
    partial_remainder(c, i, false);
}

X87(fprem1)
{
    partial_remainder(c, i, true);
}

/* ---- FSCALE ---- */

/* a * 2^trunc(b). */
static struct f80 scale(struct fp_env *e, struct f80 a, struct f80 b)
{
    int exp, by = 0, b_exp;
    uint64_t sig;

    if (f80_is_bad(a) || f80_is_bad(b))
        return f80_nan2(e, a, b);
    if (f80_is_inf(b)) {
        if (f80_sign(b) ? f80_is_inf(a) : f80_is_zero(a))
            return f80_invalid(e);
        if (!f80_denormal(e, a))
            return a;
        if (f80_sign(b))
            return f80_zero(f80_sign(a));
        return f80_inf(f80_sign(a));
    }
    if (!f80_denormal(e, a) || !f80_denormal(e, b))
        return a;
    if (f80_is_inf(a) || f80_is_zero(a))
        return a;
    b_exp = (int)f80_exp(b) - F80_BIAS;
    if (b_exp > 16)
        by = 1 << 17; /* past all exponents, adjusted ones too */
    else if (b_exp >= 0)
        by = (int)(b.sig >> (63 - b_exp));
    if (f80_sign(b))
        by = -by;
    sig = f80_unpack(a, &exp);
    return f80_round_pack(e, f80_sign(a), exp + by, sig, 0);
}

X87(fscale)
{
    struct fp_env e = x87_env_full(c);
    struct f80 r;

    x87_wait(c);
    x87_begin(c, i);
    if (st_empty(c, 0) || st_empty(c, 1)) {
        if (x87_stack_underflow(c))
            st_set(c, 0, f80_default_nan());
        return;
    }
    r = scale(&e, *st_at(c, 0), *st_at(c, 1));
    if (x87_raise(c, e.flags) & FP_BEFORE)
        return;
    *st_at(c, 0) = r;
}

/* ---- FXTRACT ---- */

/* ST(0) becomes the exponent, the significand is pushed. */
X87(fxtract)
{
    struct fp_env e = x87_env(c);
    struct f80 a, exponent, significand;
    int exp;

    x87_wait(c);
    x87_begin(c, i);
    if (st_empty(c, 0) || !st_empty(c, 7)) {
        if (st_empty(c, 0) ? x87_stack_underflow(c) : x87_stack_overflow(c)) {
            st_set(c, 0, f80_default_nan());
            st_push(c, f80_default_nan());
        }
        return;
    }
    a = *st_at(c, 0);
    if (f80_is_bad(a)) {
        exponent = significand = f80_nan1(&e, a);
    } else if (f80_is_inf(a)) {
        exponent = f80_inf(false);
        significand = a;
    } else if (f80_is_zero(a)) {
        e.flags |= FP_DIVZERO;
        exponent = f80_inf(true);
        significand = a;
    } else {
        (void)f80_denormal(&e, a);
        significand = f80_make(f80_sign(a), F80_BIAS, f80_unpack(a, &exp));
        exponent = f80_from_i64(exp - F80_BIAS);
    }
    if (x87_raise(c, e.flags) & FP_BEFORE)
        return;
    *st_at(c, 0) = exponent;
    st_push(c, significand);
}
