/* softfloat.h - IEEE 754 arithmetic on integers: the same bits and flags on every host.
 *
 * float32 and float64 values are uint32_t and uint64_t bit patterns; the 80-bit format is
 * struct f80. NaN rules are x86's: for SSE a QNaN result is the first operand if it is a
 * NaN (quietened), else the second; for x87 the larger significand (SDM vol 1 4.8.3.5,
 * Table 4-7). The default NaN is the real indefinite.
 */
#ifndef CPU_SOFTFLOAT_H
#define CPU_SOFTFLOAT_H

#include "cpu/cpu.h"

enum fp_rounding { FP_NEAREST, FP_DOWN, FP_UP, FP_ZERO }; /* as in MXCSR.RC and FCW.RC */

/* Exception flags at their places in MXCSR and FSW. FP_C1: x87, the result was rounded
 * up in magnitude. */
enum { FP_INVALID = 1, FP_DENORMAL = 2, FP_DIVZERO = 4, FP_OVERFLOW = 8, FP_UNDERFLOW = 16,
       FP_INEXACT = 32, FP_ROUNDED_UP = 64 };

struct fp_env {
    uint8_t rounding;  /* enum fp_rounding */
    uint8_t precision; /* x87 PC: 24, 53 or 64 significand bits; unused by f32, f64 */
    bool daz, ftz;     /* SSE only */
    uint8_t masks;     /* masked exceptions, at the places of the flags: underflow and
                          overflow results depend on them */
    uint8_t flags;     /* raised so far: sticky, cleared by the caller */
};

enum fp_relation { FP_LESS, FP_EQUAL, FP_GREATER, FP_UNORDERED };

uint32_t f32_add(struct fp_env *e, uint32_t a, uint32_t b);
uint32_t f32_sub(struct fp_env *e, uint32_t a, uint32_t b);
uint32_t f32_mul(struct fp_env *e, uint32_t a, uint32_t b);
uint32_t f32_div(struct fp_env *e, uint32_t a, uint32_t b);
uint32_t f32_sqrt(struct fp_env *e, uint32_t a);
uint32_t f32_round(struct fp_env *e, uint32_t a, bool inexact); /* to an integral value */
uint32_t f32_fma(struct fp_env *e, uint32_t a, uint32_t b, uint32_t addend);
enum fp_relation f32_compare(struct fp_env *e, uint32_t a, uint32_t b, bool quiet);

uint64_t f64_add(struct fp_env *e, uint64_t a, uint64_t b);
uint64_t f64_sub(struct fp_env *e, uint64_t a, uint64_t b);
uint64_t f64_mul(struct fp_env *e, uint64_t a, uint64_t b);
uint64_t f64_div(struct fp_env *e, uint64_t a, uint64_t b);
uint64_t f64_sqrt(struct fp_env *e, uint64_t a);
uint64_t f64_round(struct fp_env *e, uint64_t a, bool inexact);
uint64_t f64_fma(struct fp_env *e, uint64_t a, uint64_t b, uint64_t addend);
enum fp_relation f64_compare(struct fp_env *e, uint64_t a, uint64_t b, bool quiet);

/* Conversions. To integers: out of range or NaN raises invalid and gives the integer
 * indefinite (only the sign bit set). truncate overrides the rounding mode. */
uint32_t f16_to_f32(struct fp_env *e, uint16_t a);
uint16_t f32_to_f16(struct fp_env *e, uint32_t a);
uint64_t f32_to_f64(struct fp_env *e, uint32_t a);
uint32_t f64_to_f32(struct fp_env *e, uint64_t a);
uint32_t f32_from_i32(struct fp_env *e, int32_t a);
uint32_t f32_from_i64(struct fp_env *e, int64_t a);
uint64_t f64_from_i32(int32_t a);
uint64_t f64_from_i64(struct fp_env *e, int64_t a);
int32_t f32_to_i32(struct fp_env *e, uint32_t a, bool truncate);
int64_t f32_to_i64(struct fp_env *e, uint32_t a, bool truncate);
int32_t f64_to_i32(struct fp_env *e, uint64_t a, bool truncate);
int64_t f64_to_i64(struct fp_env *e, uint64_t a, bool truncate);

/* Unsigned, as AVX-512 has them: below zero after rounding is out of range too; that and
 * NaN give all ones. */
uint32_t f32_from_u64(struct fp_env *e, uint64_t a);
uint64_t f64_from_u64(struct fp_env *e, uint64_t a);
uint32_t f32_to_u32(struct fp_env *e, uint32_t a, bool truncate);
uint64_t f32_to_u64(struct fp_env *e, uint32_t a, bool truncate);
uint32_t f64_to_u32(struct fp_env *e, uint64_t a, bool truncate);
uint64_t f64_to_u64(struct fp_env *e, uint64_t a, bool truncate);

/* To a multiple of 2^-places (0 to 15). */
uint32_t f32_round_to(struct fp_env *e, uint32_t a, unsigned places, bool inexact);
uint64_t f64_round_to(struct fp_env *e, uint64_t a, unsigned places, bool inexact);

/* a * 2^floor(b): VSCALEF. Intel SDM vol 2, its tables of special cases. */
uint32_t f32_scalef(struct fp_env *e, uint32_t a, uint32_t b);
uint64_t f64_scalef(struct fp_env *e, uint64_t a, uint64_t b);

/* x87: precision control applies to add, sub, mul, div, sqrt. */
struct f80 f80_add(struct fp_env *e, struct f80 a, struct f80 b);
struct f80 f80_sub(struct fp_env *e, struct f80 a, struct f80 b);
struct f80 f80_mul(struct fp_env *e, struct f80 a, struct f80 b);
struct f80 f80_div(struct fp_env *e, struct f80 a, struct f80 b);
struct f80 f80_sqrt(struct fp_env *e, struct f80 a);
struct f80 f80_round(struct fp_env *e, struct f80 a);
enum fp_relation f80_compare(struct fp_env *e, struct f80 a, struct f80 b, bool quiet);
struct f80 f80_from_f32(struct fp_env *e, uint32_t a);
struct f80 f80_from_f64(struct fp_env *e, uint64_t a);
struct f80 f80_from_i64(int64_t a);
uint32_t f80_to_f32(struct fp_env *e, struct f80 a);
uint64_t f80_to_f64(struct fp_env *e, struct f80 a);
int16_t f80_to_i16(struct fp_env *e, struct f80 a, bool truncate);
int32_t f80_to_i32(struct fp_env *e, struct f80 a, bool truncate);
int64_t f80_to_i64(struct fp_env *e, struct f80 a, bool truncate);

#endif
