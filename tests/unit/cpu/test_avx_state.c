/* The upper halves of YMM registers as state: XSAVE and its kin, XCR0, CPUID leaf 0Dh,
 * and where VEX is no prefix.
 */
#include "cpu_bench.h"

#define XSAVE_RBX 0x0f, 0xae, 0x23 /* EDX:EAX is the mask */
#define XRSTOR_RBX 0x0f, 0xae, 0x2b
#define XSAVEOPT_RBX 0x0f, 0xae, 0x33
#define XSAVEC_RBX 0x0f, 0xc7, 0x23
#define XSAVES_RBX 0x0f, 0xc7, 0x2b
#define XGETBV 0x0f, 0x01, 0xd0
#define XSETBV 0x0f, 0x01, 0xd1

enum { AREA = DATA_AT, BV = AREA + 512, COMP = AREA + 520, UPPER = AREA + 576 };

static struct bench *avx(unsigned bits)
{
    struct bench *b = bench_new("max");
    if (bits == 64)
        be_long64(b, 0);
    else
        be_protected32(b, 0);
    b->c.cr4 |= CR4_OSXSAVE;
    b->c.xcr0 = XSTATE_X87 | XSTATE_SSE | XSTATE_AVX;
    b->c.gpr[RBX] = AREA;
    b->c.gpr[RAX] = 7;
    b->c.gpr[RDX] = 0;
    cpu_derive(&b->c);
    return b;
}

static void set_upper(struct bench *b, uint64_t v)
{
    for (unsigned n = 0; n < 16; n++) {
        b->c.v[n].q[2] = v + n;
        b->c.v[n].q[3] = ~v - n;
    }
}

static void assert_upper(struct bench *b, unsigned first, unsigned end, uint64_t v)
{
    for (unsigned n = first; n < end; n++) {
        assert_int_equal(b->c.v[n].q[2], v + n);
        assert_int_equal(b->c.v[n].q[3], ~v - n);
    }
}

static void no_upper(struct bench *b)
{
    for (unsigned n = 0; n < 16; n++)
        b->c.v[n].q[2] = b->c.v[n].q[3] = 0;
}

#define ROUND_TRIP(b, ...)                                                             \
    do {                                                                               \
        memset((b)->ram + AREA, 0, 4096);                                              \
        set_upper(b, 0x1234);                                                          \
        assert_int_equal(RUN(b, __VA_ARGS__), DONE);                                   \
        assert_int_equal(load64((b)->ram + BV) & 4, 4);                                \
        assert_int_equal(load64((b)->ram + UPPER + 16), 0x1235);                       \
        set_upper(b, 0x5678);                                                          \
        assert_int_equal(RUN(b, XRSTOR_RBX), DONE);                                    \
        assert_upper(b, 0, 16, 0x1234);                                                \
    } while (0)

static void every_save_keeps_the_upper_halves(void **state)
{
    struct bench *b = avx(64);
    (void)state;
    ROUND_TRIP(b, XSAVE_RBX);
    ROUND_TRIP(b, XSAVEOPT_RBX);
    ROUND_TRIP(b, XSAVEC_RBX);
    assert_int_equal(load64(b->ram + COMP), 1ull << 63 | 7);
    ROUND_TRIP(b, XSAVES_RBX);
    b->c.gpr[RAX] = XSTATE_AVX;
    ROUND_TRIP(b, XSAVE_RBX);
    ROUND_TRIP(b, XSAVEC_RBX);
    bench_free(b);
}

/* XSAVEOPT, XSAVEC and XSAVES leave the bytes of what is in its initial configuration
 * alone; XSAVE writes them (SDM vol 1 13.7 to 13.11). */
static void upper_halves_of_zero_are_not_in_use(void **state)
{
    static const uint8_t saves[][3] = {{XSAVEOPT_RBX}, {XSAVEC_RBX}, {XSAVES_RBX},
                                       {XSAVE_RBX}};
    struct bench *b = avx(64);
    (void)state;
    no_upper(b);
    for (unsigned k = 0; k < ARRAY_SIZE(saves); k++) {
        memset(b->ram + AREA, 0xcc, 4096);
        memset(b->ram + BV, 0, 64);
        assert_int_equal(run_bytes(b, saves[k], 3), DONE);
        assert_int_equal(load64(b->ram + BV) & 4, 0);
        assert_int_equal(b->ram[UPPER], k == 3 ? 0 : 0xcc);
        assert_int_equal(b->ram[UPPER + 255], k == 3 ? 0 : 0xcc);
        assert_int_equal(b->ram[UPPER + 256], 0xcc);
        set_upper(b, 7);
        assert_int_equal(RUN(b, XRSTOR_RBX), DONE);
        for (unsigned n = 0; n < 16; n++)
            assert_int_equal(b->c.v[n].q[2] | b->c.v[n].q[3], 0);
    }
    bench_free(b);
}

static void xgetbv_1_tells_whether_they_are_in_use(void **state)
{
    struct bench *b = avx(64);
    (void)state;
    b->c.gpr[RCX] = 1;
    no_upper(b);
    assert_int_equal(RUN(b, XGETBV), DONE);
    assert_int_equal(b->c.gpr[RAX] & 4, 0);
    b->c.v[15].q[3] = 1;
    assert_int_equal(RUN(b, XGETBV), DONE);
    assert_int_equal(b->c.gpr[RAX] & 4, 4);
    bench_free(b);
}

static void vzeroupper_puts_them_out_of_use(void **state)
{
    struct bench *b = avx(64);
    (void)state;
    set_upper(b, 3);
    b->c.v[5].q[1] = 9;
    assert_int_equal(RUN(b, 0xc5, 0xf8, 0x77), DONE);
    assert_int_equal(xsave_in_use(&b->c) & XSTATE_AVX, 0);
    assert_int_equal(b->c.v[5].q[1], 9);
    memset(b->ram + AREA, 0, 4096);
    assert_int_equal(RUN(b, XSAVEOPT_RBX), DONE);
    assert_int_equal(load64(b->ram + BV) & 4, 0);
    bench_free(b);
}

/* SDM vol 1 13.6, 13.7: eight registers, whatever the others hold. */
static void outside_64_bit_mode_registers_8_to_15_do_not_exist(void **state)
{
    struct bench *b = avx(32);
    (void)state;
    set_upper(b, 0x1234);
    memset(b->ram + AREA, 0, 4096);
    memset(b->ram + UPPER, 0xcc, 256);
    assert_int_equal(RUN(b, XSAVE_RBX), DONE);
    assert_int_equal(load64(b->ram + UPPER + 7 * 16), 0x1234 + 7);
    assert_int_equal(b->ram[UPPER + 8 * 16], 0xcc);
    set_upper(b, 0x5678);
    assert_int_equal(RUN(b, XRSTOR_RBX), DONE);
    assert_upper(b, 0, 8, 0x1234);
    assert_upper(b, 8, 16, 0x5678);

    for (unsigned n = 0; n < 8; n++)
        b->c.v[n].q[2] = b->c.v[n].q[3] = 0;
    b->c.gpr[RCX] = 1;
    assert_int_equal(RUN(b, XGETBV), DONE);
    assert_int_equal(b->c.gpr[RAX] & 4, 0);
    bench_free(b);
}

static void a_part_not_asked_for_stays(void **state)
{
    struct bench *b = avx(64);
    (void)state;
    set_upper(b, 1);
    memset(b->ram + AREA, 0, 4096);
    assert_int_equal(RUN(b, XSAVE_RBX), DONE);
    set_upper(b, 99);
    b->c.gpr[RAX] = XSTATE_X87 | XSTATE_SSE;
    assert_int_equal(RUN(b, XRSTOR_RBX), DONE);
    assert_upper(b, 0, 16, 99);
    bench_free(b);
}

static void avx_in_xcr0_needs_sse_and_the_feature(void **state)
{
    static const uint8_t bad[] = {4, 5, 6, 2, 0};
    struct bench *b = avx(64);
    (void)state;
    b->c.gpr[RCX] = 0;
    for (unsigned n = 0; n < ARRAY_SIZE(bad); n++) {
        b->c.gpr[RAX] = bad[n];
        ASSERT_RAISES(VEC_GP, R_GP_XCR0, b, XSETBV);
    }
    b->c.gpr[RAX] = 7;
    assert_int_equal(RUN(b, XSETBV), DONE);
    assert_int_equal(b->c.xcr0, 7);
    assert_int_equal(b->c.mode & MODE_NO_AVX, 0);
    b->c.gpr[RAX] = 3;
    assert_int_equal(RUN(b, XSETBV), DONE);
    assert_int_not_equal(b->c.mode & MODE_NO_AVX, 0);
    b->c.gpr[RAX] = 7;
    assert_true(cpu_model_parse("max,-avx", &b->model, NULL));
    ASSERT_RAISES(VEC_GP, R_GP_XCR0, b, XSETBV);
    bench_free(b);
}

static uint32_t leaf_d(struct bench *b, uint32_t subleaf, enum cpuid_register r)
{
    uint32_t out[4];
    cpu_cpuid(&b->c, 0xd, subleaf, out);
    return out[r];
}

static void leaf_0d_is_a_haswell_s(void **state)
{
    struct bench *b = bench_new("haswell");
    (void)state;
    assert_int_equal(leaf_d(b, 0, REG_EAX), 7);
    assert_int_equal(leaf_d(b, 0, REG_EBX), 576);
    assert_int_equal(leaf_d(b, 0, REG_ECX), 832);
    b->c.xcr0 = 7;
    assert_int_equal(leaf_d(b, 0, REG_EBX), 832);
    assert_int_equal(leaf_d(b, 1, REG_EAX), 1); /* XSAVEOPT */
    assert_int_equal(leaf_d(b, 1, REG_EBX), 0);
    assert_int_equal(leaf_d(b, 2, REG_EAX), 256);
    assert_int_equal(leaf_d(b, 2, REG_EBX), 576);
    assert_int_equal(leaf_d(b, 2, REG_ECX), 0);
    assert_int_equal(leaf_d(b, 9, REG_EAX), 0);
    bench_free(b);
    b = bench_new("skylake");
    b->c.xcr0 = 7;
    assert_int_equal(leaf_d(b, 0, REG_ECX), 832);
    assert_int_equal(leaf_d(b, 1, REG_EAX), 15);
    assert_int_equal(leaf_d(b, 1, REG_EBX), 832);
    bench_free(b);
    b = bench_new("max");
    assert_int_equal(leaf_d(b, 0, REG_EAX), 0x2e7);
    assert_int_equal(leaf_d(b, 0, REG_ECX), 2696);
    b->c.xcr0 = 0x207;
    assert_int_equal(leaf_d(b, 1, REG_EBX), 576 + 256 + 8);
    bench_free(b);
}

/* ---- the prefix ---- */

/* SDM vol 2 2.3: C4 and C5 are LES and LDS in real mode, whose register form is #UD;
 * 66, F2, F3, LOCK and REX before VEX are #UD. */
static void vex_is_a_prefix_in_protected_mode_alone(void **state)
{
    struct bench *b = avx(64);
    (void)state;
    assert_int_equal(RUN(b, 0xc5, 0xf9, 0xfe, 0xc1), DONE); /* VPADDD */
    assert_int_equal(RUN(b, 0x66, 0xc5, 0xf9, 0xfe, 0xc1), NOT_DECODED);
    assert_int_equal(RUN(b, 0xf2, 0xc5, 0xf9, 0xfe, 0xc1), NOT_DECODED);
    assert_int_equal(RUN(b, 0xf3, 0xc5, 0xf9, 0xfe, 0xc1), NOT_DECODED);
    assert_int_equal(RUN(b, 0xf0, 0xc5, 0xf9, 0xfe, 0x01), NOT_DECODED);
    assert_int_equal(RUN(b, 0x48, 0xc5, 0xf9, 0xfe, 0xc1), NOT_DECODED);
    assert_int_equal(RUN(b, 0x67, 0x2e, 0xc5, 0xf9, 0xfe, 0xc1), DONE);
    bench_free(b);
    b = avx(32);
    assert_int_equal(RUN(b, 0xc5, 0xf9, 0xfe, 0xc1), DONE);
    assert_int_equal(RUN(b, 0xc4, 0xe2, 0x70, 0xf2, 0xc2), DONE); /* ANDN */
    b->c.eflags |= FLAG_VM;
    b->c.cpl = 3;
    cpu_derive(&b->c);
    assert_int_equal(RUN(b, 0xc5, 0xf9, 0xfe, 0xc1), NOT_DECODED);
    assert_int_equal(RUN(b, 0xc4, 0xe2, 0x70, 0xf2, 0xc2), NOT_DECODED);
    b->c.eflags &= ~(uint64_t)FLAG_VM;
    b->c.cpl = 0;
    b->c.cr0 &= ~(uint64_t)CR0_PE;
    cpu_derive(&b->c);
    assert_int_equal(RUN(b, 0xc5, 0xf9, 0xfe, 0xc1), NOT_DECODED);
    assert_int_equal(RUN(b, 0xc4, 0xe2, 0x70, 0xf2, 0xc2), NOT_DECODED);
    bench_free(b);
}

/* A Zen 3 refuses all that are not 1111b, and ignores bit 3 of one that is used. */
static void an_unused_vvvv_is_1111b_in_every_mode(void **state)
{
    struct bench *b = avx(32);
    (void)state;
    b->c.gpr[RCX] = AREA;
    assert_int_equal(RUN(b, 0xc4, 0xe1, 0x7a, 0x7f, 0x01), DONE); /* VMOVDQU [ecx] */
    assert_int_equal(RUN(b, 0xc4, 0xe1, 0x3a, 0x7f, 0x01), NOT_DECODED);
    assert_int_equal(RUN(b, 0xc4, 0xe1, 0x72, 0x7f, 0x01), NOT_DECODED);
    b->c.v[1].q[0] = 5;
    b->c.v[0].q[0] = 2;
    b->c.v[8].q[0] = 100;
    assert_int_equal(RUN(b, 0xc4, 0xe1, 0x39, 0xfe, 0xc1), DONE); /* VPADDD, "xmm8" */
    assert_int_equal(b->c.v[0].q[0], 7);
    bench_free(b);
}

/* 32 bytes of alignment for a YMM register, and the fault says so. */
static void vmovdqa_wants_its_own_size(void **state)
{
    struct bench *b = avx(64);
    (void)state;
    b->c.gpr[RCX] = AREA + 16;
    assert_int_equal(RUN(b, 0xc5, 0xf9, 0x6f, 0x01), DONE);
    ASSERT_RAISES(VEC_GP, R_GP_ALIGN16, b, 0xc5, 0xfd, 0x6f, 0x01);
    assert_int_equal(b->c.event.operand[0], AREA + 16);
    assert_int_equal(b->c.event.operand[1], 32);
    assert_int_equal(RUN(b, 0xc5, 0xfe, 0x6f, 0x01), DONE); /* VMOVDQU */
    b->c.gpr[RCX] = AREA + 8;
    ASSERT_RAISES(VEC_GP, R_GP_ALIGN16, b, 0xc5, 0xf9, 0x6f, 0x01);
    assert_int_equal(b->c.event.operand[1], 16);
    bench_free(b);
}

static void vaes_needs_avx_and_aes(void **state)
{
    struct cpu_model m;
    struct error e;
    (void)state;
    assert_true(cpu_model_parse("max,-avx", &m, &e));
    assert_false(cpu_model_has(&m, CPUID_VAES));
    assert_false(cpu_model_has(&m, CPUID_VPCLMULQDQ));
    assert_false(cpu_model_has(&m, CPUID_AVX2));
    assert_true(cpu_model_has(&m, CPUID_AES));
    assert_true(cpu_model_has(&m, CPUID_BMI2)); /* VEX, but no vector */
    assert_true(cpu_model_has(&m, CPUID_GFNI));
    assert_true(cpu_model_parse("max,-aes", &m, &e));
    assert_false(cpu_model_has(&m, CPUID_VAES));
    assert_false(cpu_model_parse("nehalem,+vaes", &m, &e));
    assert_true(cpu_model_parse("nehalem,+bmi1,+lzcnt,+aes", &m, &e));
    assert_true(cpu_model_parse("max,-xsave", &m, &e));
    assert_false(cpu_model_has(&m, CPUID_AVX));
    assert_false(cpu_model_has(&m, CPUID_FMA));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_save_keeps_the_upper_halves),
        cmocka_unit_test(upper_halves_of_zero_are_not_in_use),
        cmocka_unit_test(xgetbv_1_tells_whether_they_are_in_use),
        cmocka_unit_test(vzeroupper_puts_them_out_of_use),
        cmocka_unit_test(outside_64_bit_mode_registers_8_to_15_do_not_exist),
        cmocka_unit_test(a_part_not_asked_for_stays),
        cmocka_unit_test(avx_in_xcr0_needs_sse_and_the_feature),
        cmocka_unit_test(leaf_0d_is_a_haswell_s),
        cmocka_unit_test(vex_is_a_prefix_in_protected_mode_alone),
        cmocka_unit_test(an_unused_vvvv_is_1111b_in_every_mode),
        cmocka_unit_test(vmovdqa_wants_its_own_size),
        cmocka_unit_test(vaes_needs_avx_and_aes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
