/* Where cpu/hostfloat.h takes the host's FPU, softfloat gives the same bits, and raises
 * no flag but precision.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "cpu/hostfloat.h"
#include "cpu/softfloat.h"

enum { TRIES = 400000 };

static uint64_t seed = 0x2545f4914f6cdd1d;

static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Exponents near both ends, near each other, anywhere; significands with long runs. */
static uint64_t some_double(void)
{
    uint64_t r = random64(), v = random64();
    uint64_t exponent = r % 5 == 0   ? r >> 8 & 7
                        : r % 5 == 1 ? 0x7ff - (r >> 8 & 7)
                        : r % 5 == 2 ? 0x3ff - 32 + (r >> 8 & 63)
                        : r % 5 == 3 ? 0x1f8 + (r >> 8 & 15)
                                     : r >> 8 & 0x7ff;
    if (r >> 40 & 1)
        v = (r >> 41 & 1 ? ~0ull : 0) << (v & 63);
    return (r & 1ull << 63) | exponent << 52 | (v & 0xfffffffffffff);
}

static uint32_t some_float(void)
{
    uint64_t r = random64();
    uint32_t v = (uint32_t)random64();
    uint32_t exponent = (uint32_t)(r % 5 == 0   ? r >> 8 & 7
                                   : r % 5 == 1 ? 0xff - (r >> 8 & 7)
                                   : r % 5 == 2 ? 0x7f - 16 + (r >> 8 & 31)
                                   : r % 5 == 3 ? 0x38 + (r >> 8 & 15)
                                                : r >> 8 & 0xff);
    if (r >> 40 & 1)
        v = (r >> 41 & 1 ? ~0u : 0) << (v & 31);
    return (uint32_t)(r >> 63) << 31 | exponent << 23 | (v & 0x7fffff);
}

static struct fp_env masked(void)
{
    return (struct fp_env){.rounding = FP_NEAREST,
                           .masks = 0x3f,
                           .daz = random64() & 1,
                           .ftz = random64() & 1};
}

#define SAME(bits, name)                                                               \
    do {                                                                               \
        uint##bits##_t host, soft;                                                     \
        struct fp_env e = masked();                                                    \
        if (host_f##bits##_##name(a, b, &host)) {                                      \
            soft = f##bits##_##name(&e, a, b);                                         \
            if (host != soft || e.flags & ~FP_INEXACT)                                 \
                fail_msg("f" #bits "_" #name " %llx, %llx: host %llx, soft %llx, "     \
                         "flags %x",                                                   \
                         (unsigned long long)a, (unsigned long long)b,                 \
                         (unsigned long long)host, (unsigned long long)soft, e.flags); \
            taken++;                                                                   \
        }                                                                              \
    } while (0)

static void doubles_agree(void **state)
{
    unsigned taken = 0;
    (void)state;
    for (unsigned n = 0; n < TRIES; n++) {
        uint64_t a = some_double();
        uint64_t b = n % 16 ? some_double() : a ^ (random64() & 1) << 63;
        uint64_t root;
        struct fp_env at_root = masked();
        SAME(64, add);
        SAME(64, sub);
        SAME(64, mul);
        SAME(64, div);
        if (host_f64_sqrt(a, &root)) {
            assert_true(root == f64_sqrt(&at_root, a));
            assert_int_equal(at_root.flags & ~FP_INEXACT, 0);
        }
    }
    assert_true(!HOST_FLOAT || taken > TRIES); /* worth having */
}

static void floats_agree(void **state)
{
    unsigned taken = 0;
    (void)state;
    for (unsigned n = 0; n < TRIES; n++) {
        uint32_t a = some_float();
        uint32_t b = n % 16 ? some_float() : a ^ (uint32_t)(n / 16 & 1) << 31;
        uint32_t root;
        struct fp_env at_root = masked();
        SAME(32, add);
        SAME(32, sub);
        SAME(32, mul);
        SAME(32, div);
        if (host_f32_sqrt(a, &root)) {
            assert_true(root == f32_sqrt(&at_root, a));
            assert_int_equal(at_root.flags & ~FP_INEXACT, 0);
        }
    }
    assert_true(!HOST_FLOAT || taken > TRIES);
}

/* Of a product of two of them an addend that cancels, ends at the middle of two results
 * or lies far below. */
static uint32_t some_addend(uint32_t a, uint32_t b)
{
    struct fp_env e = masked();
    uint32_t p = f32_mul(&e, a, b), exponent = p >> 23 & 0xff;
    uint64_t r = random64();
    uint32_t below = r & 1 ? 22 + (r >> 8 & 7) : r >> 8 & 63;

    switch (r >> 16 & 3) {
    case 0: return some_float();
    case 1: return p ^ 0x80000000 ^ (r >> 24 & 3);
    default:
        exponent = exponent > below ? exponent - below : 1;
        return (uint32_t)(r >> 63) << 31 | exponent << 23 |
               (r >> 32 & 3 ? 0 : (uint32_t)(r >> 34) & 0x7fffff);
    }
}

static void fused_multiply_adds_agree(void **state)
{
    unsigned taken = 0;
    (void)state;
    for (unsigned n = 0; n < 5 * TRIES; n++) {
        uint32_t a = some_float(), b = some_float(), host, d;
        struct fp_env e = masked(), e64 = masked();
        uint64_t x = some_double(), y = some_double(), z = some_double(), wide;

        if (n & 1) { /* few bits, so that products end at a middle */
            a &= 0xfffff800;
            b &= 0xfffff800;
        }
        d = some_addend(a, b);
        if (host_f32_fma(a, b, d, &host)) {
            uint32_t soft = f32_fma(&e, a, b, d);
            if (host != soft || e.flags & ~FP_INEXACT)
                fail_msg("f32_fma %x, %x, %x: host %x, soft %x, flags %x", a, b, d,
                         host, soft, e.flags);
            taken++;
        }
        if (host_f64_fma(x, y, z, &wide)) {
            assert_true(wide == f64_fma(&e64, x, y, z));
            assert_int_equal(e64.flags & ~FP_INEXACT, 0);
        }
    }
    assert_true(!HOST_FLOAT || taken > TRIES);
}

/* 1 + 2^-24 is the middle of 1 and the next float. With 2^-80 more float64 cannot tell;
 * softfloat can. */
static void a_sum_at_the_middle_is_left_to_softfloat(void **state)
{
    uint32_t a = 0x3f800000 | 1 << 11, b = 0x3f800000, r = 0; /* a is 1 + 2^-12 */
    struct fp_env e = masked();
    (void)state;
    assert_false(host_f32_fma(b, b, 0x33800000, &r));
    /* (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24: a middle; 2^-100 lifts it above. */
    assert_false(host_f32_fma(a, a, 0x0d800000, &r));
    assert_int_equal(f32_fma(&e, a, a, 0x0d800000), 0x3f800000 + (1 << 12) + 1);
    assert_int_equal(f32_fma(&e, a, a, 0x8d800000), 0x3f800000 + (1 << 12));
}

static void mxcsr_must_round_to_nearest_mask_all_and_have_pe_set(void **state)
{
    (void)state;
    assert_int_equal(host_float_ok(0x1fa0), HOST_FLOAT);
    assert_int_equal(host_float_ok(0x9fff), HOST_FLOAT); /* FTZ, DAZ, other flags */
    assert_false(host_float_ok(0x1f80));
    assert_false(host_float_ok(0x3fa0));
    assert_false(host_float_ok(0x1f20));
    assert_false(host_float_ok(0x0fa0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_agree),
        cmocka_unit_test(floats_agree),
        cmocka_unit_test(fused_multiply_adds_agree),
        cmocka_unit_test(a_sum_at_the_middle_is_left_to_softfloat),
        cmocka_unit_test(mxcsr_must_round_to_nearest_mask_all_and_have_pe_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
