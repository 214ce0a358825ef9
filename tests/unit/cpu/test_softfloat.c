/* test_softfloat.c - float16, float32 and float64 against the processor the test runs
 * on. */
#include "cpu/softfloat.h"
#include "fp_random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

/* FNV-1a. */
static void hash(uint64_t *h, uint64_t v)
{
    for (unsigned n = 0; n < 8; n++)
        *h = (*h ^ (v >> 8 * n & 0xff)) * 0x100000001b3ull;
}

/* The sum was taken on an x86 host on which the comparisons below pass. */
static void every_host_computes_the_same_bits(void **state)
{
    struct fp_random r = {0x0dd5eed};
    uint64_t sum = 0xcbf29ce484222325ull;
    (void)state;

    for (unsigned n = 0; n < 20000; n++) {
        uint64_t v = fp_random(&r), a = fp_random_float(&r, 52, 11),
                 b = fp_random_float(&r, 52, 11), d = fp_random_float(&r, 52, 11);
        uint32_t p = (uint32_t)fp_random_float(&r, 23, 8),
                 q = (uint32_t)fp_random_float(&r, 23, 8),
                 s = (uint32_t)fp_random_float(&r, 23, 8);
        struct fp_env e = {.rounding = v & 3,
                           .daz = !(v & 12),
                           .ftz = !(v & 48),
                           .masks = v & 0x1c0 ? 0x3f : v >> 10 & 0x3f};
        hash(&sum, f64_add(&e, a, b));
        hash(&sum, f64_sub(&e, a, b));
        hash(&sum, f64_mul(&e, a, b));
        hash(&sum, f64_div(&e, a, b));
        hash(&sum, f64_sqrt(&e, a));
        hash(&sum, f64_fma(&e, a, b, d));
        hash(&sum, f64_round(&e, a, true));
        hash(&sum, f64_compare(&e, a, b, v & 1));
        hash(&sum, f64_to_f32(&e, a));
        hash(&sum, (uint64_t)f64_to_i64(&e, a, false));
        hash(&sum, (uint32_t)f64_to_i32(&e, a, true));
        hash(&sum, f64_from_i64(&e, (int64_t)a));
        hash(&sum, e.flags);
        hash(&sum, f32_add(&e, p, q));
        hash(&sum, f32_sub(&e, p, q));
        hash(&sum, f32_mul(&e, p, q));
        hash(&sum, f32_div(&e, p, q));
        hash(&sum, f32_sqrt(&e, p));
        hash(&sum, f32_fma(&e, p, q, s));
        hash(&sum, f32_round(&e, p, false));
        hash(&sum, f32_compare(&e, p, q, v & 1));
        hash(&sum, f32_to_f64(&e, p));
        hash(&sum, (uint64_t)f32_to_i64(&e, p, true));
        hash(&sum, (uint32_t)f32_to_i32(&e, p, false));
        hash(&sum, f32_from_i32(&e, (int32_t)p));
        hash(&sum, f64_from_i32((int32_t)p));
        hash(&sum, e.flags);
    }
    assert_int_equal(sum, 0x7103c45a30dfbe00);
}

/* Exponents where float16 ends, and anywhere. */
static uint32_t for_float16(struct fp_random *r)
{
    uint32_t a = (uint32_t)fp_random_float(r, 23, 8);
    uint64_t v = fp_random(r);

    if (v & 3)
        a = (a & 0x807fffff) | (uint32_t)(127 - 28 + (v >> 8 & 63) % 48) << 23;
    return a;
}

static void every_host_converts_float16_alike(void **state)
{
    struct fp_random r = {0xf16c};
    uint64_t sum = 0xcbf29ce484222325ull;
    (void)state;

    for (unsigned n = 0; n < 0x10000; n++) {
        uint64_t v = fp_random(&r);
        struct fp_env e = {.rounding = v & 3,
                           .daz = v >> 2 & 1,
                           .ftz = v >> 3 & 1,
                           .masks = v & 0x1c0 ? 0x3f : v >> 10 & 0x3f};
        hash(&sum, f16_to_f32(&e, (uint16_t)n));
        hash(&sum, f32_to_f16(&e, for_float16(&r)));
        hash(&sum, e.flags);
    }
    assert_int_equal(sum, 0x310a7bf882a092c9);
}

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>

enum { ROUNDS = 150000 };

static struct fp_env env_of(uint32_t mxcsr)
{
    return (struct fp_env){
        .rounding = mxcsr >> 13 & 3,
        .daz = mxcsr >> 6 & 1,
        .ftz = mxcsr >> 15 & 1,
        .masks = mxcsr >> 7 & 0x3f,
    };
}

/* All masked; rounding, DAZ and FTZ vary. */
static uint32_t random_mxcsr(struct fp_random *r)
{
    uint64_t v = fp_random(r);
    return 0x1f80 | (v & 3) << 13 | (v >> 8 & 7 ? 0 : 0x40) |
           (v >> 12 & 7 ? 0 : 0x8000);
}

static uint32_t swap_mxcsr(uint32_t v)
{
    uint32_t old;
    __asm__ volatile("stmxcsr %0" : "=m"(old));
    __asm__ volatile("ldmxcsr %0" : : "m"(v) : "memory");
    return old;
}

/* One SSE instruction between two MXCSR values; the flags it raised go to *flags. */
#define HOST(name, type, to, text)                                                     \
    static type name(uint32_t mxcsr, type a, type b, type d, uint8_t *flags)           \
    {                                                                                  \
        uint32_t mine = swap_mxcsr(mxcsr);                                             \
        uint64_t wide_a = a, wide_b = b, wide_d = d;                                   \
        __asm__ volatile(                                                              \
            "movq %1, %%xmm0\n\tmovq %2, %%xmm1\n\tmovq %3, %%xmm2\n\t" text "\n\t" to \
            : "+r"(wide_a)                                                             \
            : "r"(wide_a), "r"(wide_b), "r"(wide_d)                                    \
            : "xmm0", "xmm1", "xmm2");                                                 \
        *flags = swap_mxcsr(mine) & 0x3f;                                              \
        return (type)wide_a;                                                           \
    }
#define FROM_XMM "movq %%xmm0, %0"

HOST(host_add32, uint32_t, FROM_XMM, "addss %%xmm1, %%xmm0")
HOST(host_sub32, uint32_t, FROM_XMM, "subss %%xmm1, %%xmm0")
HOST(host_mul32, uint32_t, FROM_XMM, "mulss %%xmm1, %%xmm0")
HOST(host_div32, uint32_t, FROM_XMM, "divss %%xmm1, %%xmm0")
HOST(host_sqrt32, uint32_t, FROM_XMM, "sqrtss %%xmm0, %%xmm0")
HOST(host_add64, uint64_t, FROM_XMM, "addsd %%xmm1, %%xmm0")
HOST(host_sub64, uint64_t, FROM_XMM, "subsd %%xmm1, %%xmm0")
HOST(host_mul64, uint64_t, FROM_XMM, "mulsd %%xmm1, %%xmm0")
HOST(host_div64, uint64_t, FROM_XMM, "divsd %%xmm1, %%xmm0")
HOST(host_sqrt64, uint64_t, FROM_XMM, "sqrtsd %%xmm0, %%xmm0")
HOST(host_narrow, uint64_t, FROM_XMM, "cvtsd2ss %%xmm0, %%xmm0")
HOST(host_widen, uint64_t, FROM_XMM, "cvtss2sd %%xmm0, %%xmm0")
HOST(host_fma32, uint32_t, FROM_XMM, "vfmadd213ss %%xmm2, %%xmm1, %%xmm0")
HOST(host_fma64, uint64_t, FROM_XMM, "vfmadd213sd %%xmm2, %%xmm1, %%xmm0")
HOST(host_from_half, uint32_t, FROM_XMM, "vcvtph2ps %%xmm0, %%xmm0")
HOST(host_to_half, uint32_t, FROM_XMM, "vcvtps2ph $4, %%xmm0, %%xmm0")
HOST(host_round32, uint32_t, FROM_XMM, "roundss $4, %%xmm0, %%xmm0")
HOST(host_round64, uint64_t, FROM_XMM, "roundsd $4, %%xmm0, %%xmm0")
HOST(host_quiet_round64, uint64_t, FROM_XMM, "roundsd $12, %%xmm0, %%xmm0")
HOST(host_from64_32, uint64_t, FROM_XMM, "cvtsi2ssq %1, %%xmm0")
HOST(host_from64_64, uint64_t, FROM_XMM, "cvtsi2sdq %1, %%xmm0")
HOST(host_i32_32, uint64_t, "", "cvtss2si %%xmm0, %k0")
HOST(host_i64_32, uint64_t, "", "cvtss2si %%xmm0, %0")
HOST(host_i32_64, uint64_t, "", "cvtsd2si %%xmm0, %k0")
HOST(host_i64_64, uint64_t, "", "cvtsd2si %%xmm0, %0")
HOST(host_t32_64, uint64_t, "", "cvttsd2si %%xmm0, %k0")
HOST(host_t64_32, uint64_t, "", "cvttss2si %%xmm0, %0")
static unsigned host_compare64(uint32_t mxcsr, uint64_t a, uint64_t b, bool quiet,
                               uint8_t *flags)
{
    uint32_t mine = swap_mxcsr(mxcsr);
    uint8_t z, p, c;
    if (quiet)
        __asm__ volatile(
            "movq %3, %%xmm0\n\tmovq %4, %%xmm1\n\tucomisd %%xmm1, %%xmm0\n\t"
            "setz %0\n\tsetp %1\n\tsetc %2"
            : "=&r"(z), "=&r"(p), "=&r"(c)
            : "r"(a), "r"(b)
            : "xmm0", "xmm1", "cc");
    else
        __asm__ volatile(
            "movq %3, %%xmm0\n\tmovq %4, %%xmm1\n\tcomisd %%xmm1, %%xmm0\n\t"
            "setz %0\n\tsetp %1\n\tsetc %2"
            : "=&r"(z), "=&r"(p), "=&r"(c)
            : "r"(a), "r"(b)
            : "xmm0", "xmm1", "cc");
    *flags = swap_mxcsr(mine) & 0x3f;
    return p ? FP_UNORDERED : z ? FP_EQUAL : c ? FP_LESS : FP_GREATER;
}

static void check(const char *what, uint32_t mxcsr, uint64_t a, uint64_t b, uint64_t d,
                  uint64_t got, uint8_t got_flags, uint64_t want, uint8_t want_flags)
{
    if (got != want || got_flags != want_flags) {
        char text[256];
        snprintf(text, sizeof text,
                 "%s mxcsr %04x: %016llx, %016llx, %016llx gave %016llx flags %02x, "
                 "not %016llx flags %02x",
                 what, mxcsr, (unsigned long long)a, (unsigned long long)b,
                 (unsigned long long)d, (unsigned long long)got, got_flags,
                 (unsigned long long)want, want_flags);
        fail_msg("%s", text);
    }
}

#define AGAINST(host, ours)                                                            \
    do {                                                                               \
        struct fp_env e = env_of(mxcsr);                                               \
        uint8_t flags;                                                                 \
        uint64_t want = host(mxcsr, a, b, d, &flags), got = (ours);                    \
        check(#host, mxcsr, a, b, d, got, e.flags, want, flags);                       \
    } while (0)

static void float32_arithmetic_gives_the_bits_and_flags_of_hardware(void **state)
{
    struct fp_random r = {0x1234567};
    (void)state;
    for (unsigned n = 0; n < ROUNDS; n++) {
        uint32_t a = (uint32_t)fp_random_float(&r, 23, 8), mxcsr = random_mxcsr(&r),
                 b = (uint32_t)fp_random_float(&r, 23, 8), d = 0;
        if ((n & 15) == 0)
            b = a ^ 0x80000000u ^ (uint32_t)(fp_random(&r) & 3);
        AGAINST(host_add32, f32_add(&e, a, b));
        AGAINST(host_sub32, f32_sub(&e, a, b));
        AGAINST(host_mul32, f32_mul(&e, a, b));
        AGAINST(host_div32, f32_div(&e, a, b));
        AGAINST(host_sqrt32, f32_sqrt(&e, a));
    }
}

static void float64_arithmetic_gives_the_bits_and_flags_of_hardware(void **state)
{
    struct fp_random r = {0x7654321};
    (void)state;
    for (unsigned n = 0; n < ROUNDS; n++) {
        uint32_t mxcsr = random_mxcsr(&r);
        uint64_t a = fp_random_float(&r, 52, 11), b = fp_random_float(&r, 52, 11),
                 d = 0;
        if ((n & 15) == 0)
            b = a ^ 1ull << 63 ^ (fp_random(&r) & 3);
        AGAINST(host_add64, f64_add(&e, a, b));
        AGAINST(host_sub64, f64_sub(&e, a, b));
        AGAINST(host_mul64, f64_mul(&e, a, b));
        AGAINST(host_div64, f64_div(&e, a, b));
        AGAINST(host_sqrt64, f64_sqrt(&e, a));
    }
}

/* An addend for a * b, whose product rounds to p: one that cancels it but for its last
 * bits, lies at half of one of them, or is far below. frac: fraction bits. */
static uint64_t addend(struct fp_random *r, uint64_t p, unsigned frac,
                       unsigned exp_bits)
{
    uint64_t v = fp_random(r), sign = 1ull << (frac + exp_bits);
    uint64_t exp = p >> frac & ((1ull << exp_bits) - 1), below;

    switch (v & 3) {
    case 0: return fp_random_float(r, frac, exp_bits);
    case 1: return p ^ sign ^ (v >> 8 & 3);
    default:
        below = v & 1 ? frac - 2 + (v >> 8 & 7) : v >> 8 & 127;
        exp = exp > below ? exp - below : v >> 16 & 1;
        return (v >> 17 & 1 ? sign : 0) | exp << frac |
               (v >> 18 & 1 ? 0 : fp_random_pattern(r) >> (64 - frac));
    }
}

/* A factor that brings the product with a near the smallest normal number, where tiny
 * is told from normal after rounding. */
static uint64_t small_factor(struct fp_random *r, uint64_t a, unsigned frac,
                             unsigned exp_bits)
{
    uint64_t max = (1ull << exp_bits) - 1, v = fp_random(r);
    uint64_t exp = max / 2 + 2 - (v & 3) - (a >> frac & max);
    uint64_t f = v >> 8 & 3 ? fp_random_pattern(r) >> (64 - frac)
                            : (1ull << frac) - 1 - (v >> 10 & 3);

    if ((a >> frac & max) > max / 2 + 1) /* there is none */
        return fp_random_float(r, frac, exp_bits);
    return (v >> 16 & 1) << (frac + exp_bits) | (exp & max) << frac | f;
}

static void fused_multiply_add_rounds_once(void **state)
{
    struct fp_random r = {0x1357};
    (void)state;
    if (!__builtin_cpu_supports("fma")) {
        print_message("skipped: this processor has no FMA\n");
        return;
    }
    for (unsigned n = 0; n < 4 * ROUNDS; n++) {
        uint32_t mxcsr = random_mxcsr(&r);
        uint8_t unused;
        {
            uint64_t a = fp_random_float(&r, 52, 11), b = fp_random_float(&r, 52, 11),
                     d;
            if (n & 2)
                b = small_factor(&r, a, 52, 11);
            d = addend(&r, host_mul64(0x1f80, a, b, 0, &unused), 52, 11);
            AGAINST(host_fma64, f64_fma(&e, b, a, d)); /* 213: second times first */
        }
        {
            uint32_t a = (uint32_t)fp_random_float(&r, 23, 8),
                     b = (uint32_t)fp_random_float(&r, 23, 8), d;
            if (n & 2)
                b = (uint32_t)small_factor(&r, a, 23, 8);
            d = (uint32_t)addend(&r, host_mul32(0x1f80, a, b, 0, &unused), 23, 8);
            AGAINST(host_fma32, f32_fma(&e, b, a, d));
        }
    }
}

/* clang 14's __builtin_cpu_supports does not know it by name. */
static bool has_f16c(void)
{
    unsigned a, b, c, d;
    return __builtin_cpu_supports("avx") && __get_cpuid(1, &a, &b, &c, &d) &&
           (c & bit_F16C);
}

static void float16_conversions_give_the_bits_and_flags_of_hardware(void **state)
{
    struct fp_random r = {0xf16f16};
    (void)state;
    if (!has_f16c()) {
        print_message("skipped: this processor has no F16C\n");
        return;
    }
    for (unsigned n = 0; n < 0x10000; n++) {
        uint32_t mxcsr = random_mxcsr(&r), a = n, b = 0, d = 0;
        AGAINST(host_from_half, f16_to_f32(&e, (uint16_t)a));
    }
    for (unsigned n = 0; n < 4 * ROUNDS; n++) {
        uint32_t mxcsr = random_mxcsr(&r), a = for_float16(&r), b = 0, d = 0;
        AGAINST(host_to_half, f32_to_f16(&e, a));
    }
}

static void conversions_give_the_bits_and_flags_of_hardware(void **state)
{
    struct fp_random r = {0x2468};
    (void)state;
    for (unsigned n = 0; n < ROUNDS; n++) {
        uint32_t mxcsr = random_mxcsr(&r);
        uint64_t a = fp_random_float(&r, 52, 11), b = 0, d = 0;
        if ((n & 3) == 0) /* exponents where integers end, or float32 does */
            a = (a & ~(0x7ffull << 52)) | (1023ull + (fp_random(&r) & 127) - 24) << 52;
        if ((n & 3) == 1)
            a = (a & ~(0x7ffull << 52)) | (1023ull + (fp_random(&r) & 511) - 256) << 52;
        AGAINST(host_i32_64, (uint32_t)f64_to_i32(&e, a, false));
        AGAINST(host_i64_64, (uint64_t)f64_to_i64(&e, a, false));
        AGAINST(host_t32_64, (uint32_t)f64_to_i32(&e, a, true));
        AGAINST(host_round64, f64_round(&e, a, true));
        AGAINST(host_quiet_round64, f64_round(&e, a, false));
        AGAINST(host_narrow, f64_to_f32(&e, a) | (a & ~0xffffffffull));
        a = fp_random_float(&r, 23, 8);
        AGAINST(host_widen, f32_to_f64(&e, (uint32_t)a));
        if (n & 1)
            a = (a & ~(0xffull << 23)) | (127ull + (fp_random(&r) & 127) - 24) << 23;
        AGAINST(host_i32_32, (uint32_t)f32_to_i32(&e, (uint32_t)a, false));
        AGAINST(host_i64_32, (uint64_t)f32_to_i64(&e, (uint32_t)a, false));
        AGAINST(host_t64_32, (uint64_t)f32_to_i64(&e, (uint32_t)a, true));
        AGAINST(host_round32, f32_round(&e, (uint32_t)a, true));
        a = fp_random_pattern(&r);
        AGAINST(host_from64_64, f64_from_i64(&e, (int64_t)a));
        AGAINST(host_from64_32, f32_from_i64(&e, (int64_t)a) | (a & ~0xffffffffull));
    }
}

static void comparisons_agree_with_hardware(void **state)
{
    struct fp_random r = {0x97531};
    (void)state;
    for (unsigned n = 0; n < ROUNDS; n++) {
        uint32_t mxcsr = random_mxcsr(&r);
        uint64_t a = fp_random_float(&r, 52, 11), b = fp_random_float(&r, 52, 11);
        bool quiet = n & 1;
        uint8_t flags;
        unsigned want;
        struct fp_env e = env_of(mxcsr);
        if ((n & 6) == 0)
            b = a ^ (fp_random(&r) & 1) << 63;
        want = host_compare64(mxcsr, a, b, quiet, &flags);
        uint64_t got = f64_compare(&e, a, b, quiet);
        check("compare", mxcsr, a, b, quiet, got, e.flags, want, flags);
    }
}

#if defined(__linux__)
#include <signal.h>
#include <ucontext.h>

static sigjmp_buf trapped;
static volatile uint32_t trap_mxcsr;

static void on_fpe(int signal, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    (void)signal;
    (void)info;
    trap_mxcsr = u->uc_mcontext.fpregs->mxcsr;
    siglongjmp(trapped, 1);
}

/* With an unmasked exception only the flags can be compared: nothing is written. */
#define TRAPPING(host, ours)                                                           \
    do {                                                                               \
        struct fp_env e = env_of(mxcsr);                                               \
        uint64_t got = (ours);                                                         \
        if (sigsetjmp(trapped, 1) == 0) {                                              \
            uint8_t flags;                                                             \
            uint64_t want = host(mxcsr, a, b, d, &flags);                              \
            check(#host, mxcsr, a, b, d, got, e.flags, want, flags);                   \
        } else {                                                                       \
            swap_mxcsr(0x1f80);                                                        \
            check(#host, mxcsr, a, b, d, 0, e.flags, 0, trap_mxcsr & 0x3f);            \
        }                                                                              \
    } while (0)

static void try_unmasked(uint32_t mxcsr, uint64_t a, uint64_t b, uint64_t d)
{
    TRAPPING(host_add64, f64_add(&e, a, b));
    TRAPPING(host_sub64, f64_sub(&e, a, b));
    TRAPPING(host_mul64, f64_mul(&e, a, b));
    TRAPPING(host_div64, f64_div(&e, a, b));
    TRAPPING(host_sqrt64, f64_sqrt(&e, a));
    TRAPPING(host_narrow, f64_to_f32(&e, a) | (a & ~0xffffffffull));
    TRAPPING(host_i32_64, (uint32_t)f64_to_i32(&e, a, false));
    TRAPPING(host_round64, f64_round(&e, a, true));
    if (__builtin_cpu_supports("fma"))
        TRAPPING(host_fma64, f64_fma(&e, b, a, d));
    if (has_f16c())
        TRAPPING(host_to_half, f32_to_f16(&e, (uint32_t)a));
}

static uint64_t f64_product(uint64_t a, uint64_t b)
{
    struct fp_env e = env_of(0x1f80);
    return f64_mul(&e, a, b);
}

static void unmasked_exceptions_raise_the_flags_of_hardware(void **state)
{
    struct sigaction act = {.sa_sigaction = on_fpe,
                            .sa_flags = SA_SIGINFO | SA_NODEFER};
    struct sigaction old;
    struct fp_random r = {0xabcdef};
    (void)state;
    sigaction(SIGFPE, &act, &old);
    for (unsigned n = 0; n < 20000; n++) {
        uint32_t mxcsr = random_mxcsr(&r) & ~((uint32_t)fp_random(&r) & 0x1f80);
        uint64_t a = fp_random_float(&r, 52, 11), b = fp_random_float(&r, 52, 11);
        try_unmasked(mxcsr, a, b, fp_random_float(&r, 52, 11));
        if (n & 1)
            b = small_factor(&r, a, 52, 11);
        try_unmasked(mxcsr, a, b, addend(&r, f64_product(a, b), 52, 11));
        try_unmasked(mxcsr, for_float16(&r), 0, 0);
    }
    sigaction(SIGFPE, &old, NULL);
}
#endif
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_host_computes_the_same_bits),
        cmocka_unit_test(every_host_converts_float16_alike),
#if defined(__x86_64__) && defined(__GNUC__)
        cmocka_unit_test(float32_arithmetic_gives_the_bits_and_flags_of_hardware),
        cmocka_unit_test(float64_arithmetic_gives_the_bits_and_flags_of_hardware),
        cmocka_unit_test(fused_multiply_add_rounds_once),
        cmocka_unit_test(float16_conversions_give_the_bits_and_flags_of_hardware),
        cmocka_unit_test(conversions_give_the_bits_and_flags_of_hardware),
        cmocka_unit_test(comparisons_agree_with_hardware),
#if defined(__linux__)
        cmocka_unit_test(unmasked_exceptions_raise_the_flags_of_hardware),
#endif
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
