/* evex_float_reference.h - AVX-512's floating point, an element at a time, as the
 * pseudo-code of Intel SDM vol 2 has it, on the host's FPU. Nothing of cpu/.
 *
 * An element of any kind travels as its bits. The caller has set the rounding mode; the
 * operands are few-digit numbers, so that float64 holds every intermediate result and
 * float32 is rounded once.
 */
#ifndef TESTS_EVEX_FLOAT_REFERENCE_H
#define TESTS_EVEX_FLOAT_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Not <math.h>: its FP_ZERO is one of softfloat.h's names too. */
double fma(double, double, double);
double sqrt(double);
double floor(double);
double trunc(double);
double rint(double);
double ldexp(double, int);
double frexp(double, int *);
double fabs(double);

/* The function itself: gcc's own code for rint() takes the sign away first, which is
 * wrong when rounding down or up. */
static double (*volatile by_mode)(double) = rint;

struct reference {
    uint64_t a, b, d; /* the elements of vvvv, r/m and the destination */
    unsigned imm;
    unsigned from, to; /* bits of an element of r/m, and of the destination */
};

typedef uint64_t reference_fn(const struct reference *r);

static inline double number(uint64_t x, unsigned bits)
{
    uint32_t low = (uint32_t)x;
    volatile float f;
    double d;

    if (bits == 32) {
        float tmp;
        memcpy(&tmp, &low, sizeof tmp);
        f = tmp;
        return f;
    }
    memcpy(&d, &x, sizeof d);
    return d;
}

/* Rounds to float32 by the mode in force. */
static inline uint64_t bits_of(double x, unsigned bits)
{
    volatile double hold = x;
    volatile float f;
    uint32_t low;
    float tmp;
    uint64_t r;

    if (bits == 32) {
        f = (float)hold;
        tmp = f;
        memcpy(&low, &tmp, sizeof low);
        return low;
    }
    x = hold;
    memcpy(&r, &x, sizeof r);
    return r;
}

#define FLOAT_REFERENCE(name, expr)                                                    \
    static uint64_t ref_##name(const struct reference *r)                              \
    {                                                                                  \
        volatile double a = number(r->a, r->from), b = number(r->b, r->from);          \
        volatile double d = number(r->d, r->from), result;                             \
        (void)a, (void)b, (void)d;                                                     \
        result = (expr);                                                               \
        return bits_of(result, r->to);                                                 \
    }

FLOAT_REFERENCE(add, a + b)
FLOAT_REFERENCE(sub, a - b)
FLOAT_REFERENCE(mul, a *b)
FLOAT_REFERENCE(div, a / b)
FLOAT_REFERENCE(min, a < b ? a : b)
FLOAT_REFERENCE(max, a > b ? a : b)
FLOAT_REFERENCE(sqrt, sqrt(b))
FLOAT_REFERENCE(same, b) /* between the formats */

/* Digits: which of destination, vvvv and r/m is which operand. */
FLOAT_REFERENCE(fmadd132, fma(d, b, a))
FLOAT_REFERENCE(fmadd213, fma(a, d, b))
FLOAT_REFERENCE(fmadd231, fma(a, b, d))
FLOAT_REFERENCE(fmsub132, fma(d, b, -a))
FLOAT_REFERENCE(fmsub213, fma(a, d, -b))
FLOAT_REFERENCE(fmsub231, fma(a, b, -d))
FLOAT_REFERENCE(fnmadd132, fma(-d, b, a))
FLOAT_REFERENCE(fnmadd213, fma(-a, d, b))
FLOAT_REFERENCE(fnmadd231, fma(-a, b, d))
FLOAT_REFERENCE(fnmsub132, fma(-d, b, -a))
FLOAT_REFERENCE(fnmsub213, fma(-a, d, -b))
FLOAT_REFERENCE(fnmsub231, fma(-a, b, -d))

FLOAT_REFERENCE(scalef, ldexp(a, (int)floor(b)))
FLOAT_REFERENCE(rndscale,
                ldexp(by_mode(ldexp(b, (int)(r->imm >> 4))), -(int)(r->imm >> 4)))
FLOAT_REFERENCE(reduce,
                b - ldexp(by_mode(ldexp(b, (int)(r->imm >> 4))), -(int)(r->imm >> 4)))

static uint64_t ref_getexp(const struct reference *r)
{
    int exp;
    (void)frexp(number(r->b, r->from), &exp); /* 0.5 to 1 */
    return bits_of(exp - 1, r->to);
}

static uint64_t ref_getmant(const struct reference *r)
{
    double x = number(r->b, r->from), m;
    int exp;

    if (x < 0 && r->imm & 8) /* indefinite */
        return r->to == 64 ? 0xfff8000000000000 : 0xffc00000;
    m = 2 * fabs(frexp(x, &exp));
    exp--;
    switch (r->imm & 3) {
    case 0: break;
    case 1: m = exp % 2 ? m / 2 : m; break;
    case 2: m /= 2; break;
    default: m = m >= 1.5 ? m / 2 : m; break;
    }
    return bits_of(x < 0 && !(r->imm & 4) ? -m : m, r->to);
}

static uint64_t ref_range(const struct reference *r)
{
    double a = number(r->a, r->from), b = number(r->b, r->from), x;

    switch (r->imm & 3) {
    case 0: x = a <= b ? a : b; break;
    case 1: x = a <= b ? b : a; break;
    case 2: x = fabs(a) < fabs(b) || (fabs(a) == fabs(b) && a < b) ? a : b; break;
    default: x = fabs(a) < fabs(b) || (fabs(a) == fabs(b) && a < b) ? b : a; break;
    }
    switch (r->imm >> 2 & 3) {
    case 0: return bits_of(a < 0 ? -fabs(x) : fabs(x), r->to);
    case 1: return bits_of(x, r->to);
    case 2: return bits_of(fabs(x), r->to);
    default: return bits_of(-fabs(x), r->to);
    }
}

/* ---- integers ---- */

/* Below 2^62 in magnitude, and within the destination. */
static inline uint64_t whole(double x, unsigned bits)
{
    return (uint64_t)(int64_t)x & ~0ull >> (64 - bits);
}

static uint64_t ref_to_integer(const struct reference *r)
{
    return whole(by_mode(number(r->b, r->from)), r->to);
}

static uint64_t ref_truncate(const struct reference *r)
{
    return whole(trunc(number(r->b, r->from)), r->to);
}

/* The operands are fractions of few digits: their magnitude. */
static uint64_t ref_to_unsigned(const struct reference *r)
{
    double x = by_mode(number(r->b, r->from));
    return x < 0 ? ~0ull >> (64 - r->to) : whole(x, r->to);
}

static uint64_t ref_truncate_unsigned(const struct reference *r)
{
    double x = trunc(number(r->b, r->from));
    return x < 0 ? ~0ull >> (64 - r->to) : whole(x, r->to);
}

/* From 64-bit integers float32 must be rounded once, so no way by float64. */
static uint64_t ref_from_integer(const struct reference *r)
{
    volatile int64_t x = r->from == 32 ? (int32_t)(uint32_t)r->b : (int64_t)r->b;
    volatile float f;

    if (r->to == 64)
        return bits_of((double)x, 64);
    f = (float)x;
    return bits_of(f, 32);
}

/* By way of signed integers: compilers' own code for unsigned ones gives -0 for 0 when
 * rounding down. Halved, with a sticky bit, it rounds as the whole does. */
static uint64_t ref_from_unsigned(const struct reference *r)
{
    bool large = r->b >> 63;
    volatile int64_t x = (int64_t)(large ? r->b >> 1 | (r->b & 1) : r->b);
    volatile float f;
    volatile double d;

    if (r->to == 64) {
        d = (double)x;
        return bits_of(large ? 2 * d : d, 64);
    }
    f = (float)x;
    return bits_of(large ? 2 * f : f, 32);
}

#endif
