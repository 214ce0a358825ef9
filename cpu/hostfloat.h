/* hostfloat.h - float32 and float64 arithmetic on the host's FPU, where that gives the
 * same bits and flags as softfloat.
 *
 * Any IEEE 754 host that computes in the format itself (FLT_EVAL_METHOD 0) rounds +, -,
 * *, / and square root correctly, so a result that is a normal number has the right
 * bits. What it would do to the guest's flags is known too, if only inexact can be
 * raised and is already sticky in MXCSR. So the conditions are, in the order they are
 * tested:
 *
 *   mxcsr    rounds to nearest, masks every exception, has PE set (host_float_ok)
 *   operands normal or zero: no invalid, no denormal, DAZ plays no part; a zero divisor
 *            and the root of a negative number are left to softfloat
 *   result   normal, and not near either end of the range: exponent at least 2 above
 * the smallest field of a normal one (a result that only rounding made normal is tiny
 * before rounding on some hosts, after it on x86), below that of infinity; or the zero
 * that is exact: of x - x, or of a product or quotient with a zero operand.
 *
 * Each function answers false, having done nothing, where a condition fails. It relies
 * on the host's rounding mode being nearest with no flushing to zero (machine_run() sees
 * to that, by host_float_enter()), and on -ffp-contract=off. Host flags are never
 * read.
 */
#ifndef CPU_HOSTFLOAT_H
#define CPU_HOSTFLOAT_H

#include "base/types.h"

#include <float.h>
#include <string.h>

#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD == 0 && FLT_RADIX == 2 &&              \
    FLT_MANT_DIG == 24 && DBL_MANT_DIG == 53 && !defined(__FAST_MATH__) &&             \
    !defined(MENURA_NO_HOST_FLOAT)
#define HOST_FLOAT 1
#else
#define HOST_FLOAT 0
#endif

/* Not <math.h>: its FP_ZERO is one of softfloat.h's names too. */
#if defined(__GNUC__)
#define host_sqrt __builtin_sqrt
#define host_sqrtf __builtin_sqrtf
#else
double sqrt(double);
float sqrtf(float);
#define host_sqrt sqrt
#define host_sqrtf sqrtf
#endif

/* A fused multiply-add only where the compiler promises an instruction for it: in
 * libm it may be as slow as softfloat. FLT_EVAL_METHOD 0 again. */
#if defined(FP_FAST_FMA) || defined(__FP_FAST_FMA)
#define HOST_FMA 1
#if defined(__GNUC__)
#define host_fma __builtin_fma
#else
double fma(double, double, double);
#define host_fma fma
#endif
#else
#define HOST_FMA 0
#define host_fma(x, y, z) ((x) * (y) + (z)) /* is not reached */
#endif

/* Does MXCSR allow it? RC = 0, all six masks set, PE set. */
static ALWAYS_INLINE bool host_float_ok(uint32_t mxcsr)
{
    return HOST_FLOAT && (mxcsr & 0x7fa0) == 0x1fa0;
}

static ALWAYS_INLINE bool f64_plain(uint64_t a) /* normal or zero */
{
    return (a >> 52 & 0x7ff) - 1 < 0x7fe || !(a << 1);
}

static ALWAYS_INLINE bool f32_plain(uint32_t a)
{
    return (a >> 23 & 0xff) - 1 < 0xfe || !(uint32_t)(a << 1);
}

static ALWAYS_INLINE bool f64_safe(uint64_t r) /* exponent 2 to 7FEh */
{
    return (r >> 52 & 0x7ff) - 2 < 0x7fd;
}

static ALWAYS_INLINE bool f32_safe(uint32_t r)
{
    return (r >> 23 & 0xff) - 2 < 0xfd;
}

/* MIN and MAX are x86's: of two zeros the second.
 *
 * HOST_OP(name, expression of x and y, when a zero result is exact) for both formats.
 */
#define HOST_OP(format, bits, type, name, expr, zero, refuse)                          \
    static ALWAYS_INLINE bool host_##format##_##name(bits a, bits b, bits *result)     \
    {                                                                                  \
        type x, y, z;                                                                  \
        bits r;                                                                        \
        if (!format##_plain(a) || !format##_plain(b) || (refuse))                      \
            return false;                                                              \
        memcpy(&x, &a, sizeof x);                                                      \
        memcpy(&y, &b, sizeof y);                                                      \
        z = (expr);                                                                    \
        memcpy(&r, &z, sizeof r);                                                      \
        if (!format##_safe(r) && !((bits)(r << 1) == 0 && (zero)))                     \
            return false;                                                              \
        *result = r;                                                                   \
        return true;                                                                   \
    }

#define HOST_OPS(format, bits, type)                                                   \
    HOST_OP(format, bits, type, add, x + y, true, false)                               \
    HOST_OP(format, bits, type, sub, x - y, true, false)                               \
    HOST_OP(format, bits, type, mul, x * y, !(bits)(a << 1) || !(bits)(b << 1), false) \
    HOST_OP(format, bits, type, min, x < y ? x : y, true, false)                       \
    HOST_OP(format, bits, type, max, x > y ? x : y, true, false)                       \
    HOST_OP(format, bits, type, div, x / y, !(bits)(a << 1), !(bits)(b << 1))

HOST_OPS(f64, uint64_t, double)
HOST_OPS(f32, uint32_t, float)
#undef HOST_OPS
#undef HOST_OP

/* The root of a normal number is far from both ends. libm's sqrt rounds correctly too
 * (C11 F.10.4.5); it is called where the host has no instruction for it. */
static ALWAYS_INLINE bool host_f64_sqrt(uint64_t a, uint64_t *result)
{
    double x;
    if (a >> 63 || (a >> 52) - 1 >= 0x7fe)
        return false;
    memcpy(&x, &a, sizeof x);
    x = host_sqrt(x);
    memcpy(result, &x, sizeof x);
    return true;
}

static ALWAYS_INLINE bool host_f32_sqrt(uint32_t a, uint32_t *result)
{
    float x;
    if (a >> 31 || (a >> 23) - 1 >= 0xfe)
        return false;
    memcpy(&x, &a, sizeof x);
    x = host_sqrtf(x);
    memcpy(result, &x, sizeof x);
    return true;
}

/* a * b + d with one rounding. A zero is left to softfloat if it may come from a result
 * too small, that is unless the product is zero. */
static ALWAYS_INLINE bool host_f64_fma(uint64_t a, uint64_t b, uint64_t d,
                                       uint64_t *result)
{
    double x, y, z;
    uint64_t r;

    if (!HOST_FMA || !f64_plain(a) || !f64_plain(b) || !f64_plain(d))
        return false;
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    memcpy(&z, &d, sizeof z);
    z = host_fma(x, y, z);
    memcpy(&r, &z, sizeof r);
    if (!f64_safe(r) && (r << 1 || (a << 1 && b << 1)))
        return false;
    *result = r;
    return true;
}

/* The same without such an instruction: in float64 the product is exact, and the sum has
 * no overflow and nothing denormal. Rounding it a second time, to float32, gives what
 * one rounding gives, unless the sum was rounded to the middle of two float32 numbers,
 * where the second rounding no longer sees on which side the first one came from. The
 * middle is representable in float64, so rounding never crosses it. */
static ALWAYS_INLINE bool host_f32_fma(uint32_t a, uint32_t b, uint32_t d,
                                       uint32_t *result)
{
    float x, y, z;
    double sum;
    uint64_t s;
    uint32_t r;

    if (!f32_plain(a) || !f32_plain(b) || !f32_plain(d))
        return false;
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    memcpy(&z, &d, sizeof z);
    sum = (double)x * y + z;
    memcpy(&s, &sum, sizeof s);
    if ((s & 0x1fffffff) == 0x10000000)
        return false;
    x = (float)sum;
    memcpy(&r, &x, sizeof r);
    if (!f32_safe(r) && s << 1)
        return false;
    *result = r;
    return true;
}

#endif
