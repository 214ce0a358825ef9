/* Opmasks and ZMM registers as state: XCR0, XSAVE and its kin, CPUID, RESET and INIT,
 * snapshots; faults of pages that are absent, and that are masked out.
 */
#include "cpu_bench.h"

#include "base/snapshot.h"

#define XSAVE_RBX 0x0f, 0xae, 0x23 /* EDX:EAX is the mask */
#define XRSTOR_RBX 0x0f, 0xae, 0x2b
#define XSAVEOPT_RBX 0x0f, 0xae, 0x33
#define XSAVEC_RBX 0x0f, 0xc7, 0x23
#define XSAVES_RBX 0x0f, 0xc7, 0x2b
#define XRSTORS_RBX 0x0f, 0xc7, 0x1b
#define XGETBV 0x0f, 0x01, 0xd0
#define XSETBV 0x0f, 0x01, 0xd1

/* Components 5, 6 and 7 where the standard format has them. */
enum {
    AREA = DATA_AT,
    BV = AREA + 512,
    COMP = AREA + 520,
    OPMASKS = AREA + 1088,
    HI256 = AREA + 1152,
    HI16 = AREA + 1664,
    ALL = 0xe7,
    UNTOUCHED = 0xcc
};

static struct bench *avx512(unsigned bits)
{
    struct bench *b = bench_new("max");
    if (bits == 64)
        be_long64(b, 0);
    else
        be_protected32(b, 0);
    b->c.cr4 |= CR4_OSXSAVE;
    b->c.xcr0 = ALL;
    b->c.gpr[RBX] = AREA;
    b->c.gpr[RAX] = ALL;
    b->c.gpr[RDX] = 0;
    cpu_derive(&b->c);
    return b;
}

/* Every word of every register another number. */
static uint64_t number(uint64_t seed, unsigned reg, unsigned word)
{
    return seed << 32 | reg << 8 | word;
}

static void fill(struct bench *b, uint64_t seed)
{
    for (unsigned n = 0; n < 32; n++)
        for (unsigned k = 0; k < 8; k++)
            b->c.v[n].q[k] = number(seed, n, k);
    for (unsigned n = 0; n < 8; n++)
        b->c.k[n] = number(seed, 99, n);
}

static void assert_registers(struct bench *b, unsigned first, unsigned end,
                             uint64_t seed)
{
    for (unsigned n = first; n < end; n++)
        for (unsigned k = 0; k < 8; k++)
            assert_int_equal(b->c.v[n].q[k], number(seed, n, k));
}

static void assert_opmasks(struct bench *b, uint64_t seed)
{
    for (unsigned n = 0; n < 8; n++)
        assert_int_equal(b->c.k[n], number(seed, 99, n));
}

/* ---- XSAVE ---- */

static void every_save_and_restore_has_all_of_it(void **state)
{
    static const uint8_t saves[][3] = {
        {XSAVE_RBX}, {XSAVEOPT_RBX}, {XSAVEC_RBX}, {XSAVES_RBX}};
    struct bench *b = avx512(64);
    (void)state;
    for (unsigned n = 0; n < ARRAY_SIZE(saves); n++) {
        /* The compacted format closes the gap between component 2 and 5. */
        unsigned closer = n < 2 ? 0 : 1088 - 832;
        memset(b->ram + AREA, 0, 4096);
        fill(b, 7);
        assert_int_equal(run_bytes(b, saves[n], 3), DONE);
        assert_int_equal(load64(b->ram + BV) & ~1ull, ALL & ~1);
        assert_int_equal(load64(b->ram + COMP), n < 2 ? 0 : 1ull << 63 | ALL);
        assert_int_equal(load64(b->ram + OPMASKS - closer + 8), number(7, 99, 1));
        assert_int_equal(load64(b->ram + HI256 - closer + 15 * 32 + 8),
                         number(7, 15, 5));
        assert_int_equal(load64(b->ram + HI16 - closer + 15 * 64 + 56),
                         number(7, 31, 7));
        fill(b, 8);
        assert_int_equal(n == 3 ? RUN(b, XRSTORS_RBX) : RUN(b, XRSTOR_RBX), DONE);
        assert_registers(b, 0, 32, 7);
        assert_opmasks(b, 7);
    }
    bench_free(b);
}

static void each_component_goes_by_itself(void **state)
{
    struct bench *b = avx512(64);
    (void)state;
    memset(b->ram + AREA, 0, 4096);
    fill(b, 1);
    assert_int_equal(RUN(b, XSAVE_RBX), DONE);
    for (unsigned n = 5; n <= 7; n++) {
        fill(b, 2);
        b->c.gpr[RAX] = 1u << n;
        assert_int_equal(RUN(b, XRSTOR_RBX), DONE);
        assert_int_equal(b->c.k[7], number(n == 5 ? 1 : 2, 99, 7));
        assert_int_equal(b->c.v[3].q[4], number(n == 6 ? 1 : 2, 3, 4));
        assert_int_equal(b->c.v[16].q[0], number(n == 7 ? 1 : 2, 16, 0));
        assert_int_equal(b->c.v[3].q[3], number(2, 3, 3));
    }
    /* Not in XSTATE_BV: zeros. */
    b->c.gpr[RAX] = ALL;
    poke(b, BV, 7);
    assert_int_equal(RUN(b, XRSTOR_RBX), DONE);
    assert_int_equal(b->c.k[1] | b->c.v[3].q[4] | b->c.v[16].q[0], 0);
    assert_int_equal(b->c.v[3].q[3], number(1, 3, 3));
    bench_free(b);
}

static void what_is_zero_is_not_in_use(void **state)
{
    struct bench *b = avx512(64);
    (void)state;
    b->c.gpr[RCX] = 1;
    assert_int_equal(RUN(b, XGETBV), DONE);
    assert_int_equal(b->c.gpr[RAX] & 0xe0, 0);
    b->c.k[7] = 1;
    assert_int_equal(RUN(b, XGETBV), DONE);
    assert_int_equal(b->c.gpr[RAX] & 0xe0, 0x20);
    b->c.v[15].q[7] = 1;
    assert_int_equal(RUN(b, XGETBV), DONE);
    assert_int_equal(b->c.gpr[RAX] & 0xe0, 0x60);
    b->c.v[16].q[0] = 1;
    assert_int_equal(RUN(b, XGETBV), DONE);
    assert_int_equal(b->c.gpr[RAX] & 0xe0, 0xe0);
    /* VZEROUPPER clears ZMM0 to 15 and leaves the others. */
    assert_int_equal(RUN(b, 0xc5, 0xf8, 0x77), DONE);
    assert_int_equal(RUN(b, XGETBV), DONE);
    assert_int_equal(b->c.gpr[RAX] & 0xe0, 0xa0);

    memset(b->ram + AREA, UNTOUCHED, 4096);
    memset(b->ram + BV, 0, 64);
    b->c.gpr[RAX] = ALL;
    assert_int_equal(RUN(b, XSAVEOPT_RBX), DONE);
    assert_int_equal(load64(b->ram + BV) & 0xe0, 0xa0);
    assert_int_equal(b->ram[HI256], UNTOUCHED);
    assert_int_equal(b->ram[HI16], 1);
    assert_int_equal(b->ram[HI16 + 1024], UNTOUCHED);
    bench_free(b);
}

/* SDM vol 1 13.6: eight registers of 512 bits; opmasks are whole. */
static void outside_64_bit_mode_there_are_eight_registers(void **state)
{
    struct bench *b = avx512(32);
    (void)state;
    memset(b->ram + AREA, UNTOUCHED, 4096);
    memset(b->ram + BV, 0, 64);
    fill(b, 1);
    assert_int_equal(RUN(b, XSAVE_RBX), DONE);
    assert_int_equal(load64(b->ram + OPMASKS + 56), number(1, 99, 7));
    assert_int_equal(load64(b->ram + HI256 + 7 * 32), number(1, 7, 4));
    assert_int_equal(b->ram[HI256 + 8 * 32], UNTOUCHED);
    assert_int_equal(b->ram[HI16], UNTOUCHED);
    fill(b, 2);
    assert_int_equal(RUN(b, XRSTOR_RBX), DONE);
    assert_registers(b, 0, 8, 1);
    assert_registers(b, 8, 32, 2);
    assert_opmasks(b, 1);
    bench_free(b);
}

static void the_three_bits_of_xcr0_come_together_and_with_avx(void **state)
{
    static const uint8_t bad[] = {0x27, 0x47, 0x87, 0x67, 0xa7, 0xc7, 0xe3, 0xe1, 0xe5};
    struct bench *b = avx512(64);
    (void)state;
    b->c.gpr[RCX] = 0;
    for (unsigned n = 0; n < ARRAY_SIZE(bad); n++) {
        b->c.gpr[RAX] = bad[n];
        ASSERT_RAISES(VEC_GP, R_GP_XCR0, b, XSETBV);
    }
    assert_int_equal(b->c.mode & MODE_NO_EVEX, 0);
    b->c.gpr[RAX] = 7;
    assert_int_equal(RUN(b, XSETBV), DONE);
    assert_int_not_equal(b->c.mode & MODE_NO_EVEX, 0);
    assert_int_equal(b->c.mode & MODE_NO_AVX, 0);
    b->c.gpr[RAX] = ALL;
    assert_int_equal(RUN(b, XSETBV), DONE);
    assert_int_equal(b->c.mode & MODE_NO_EVEX, 0);
    assert_true(cpu_model_parse("skylake", &b->model, NULL));
    ASSERT_RAISES(VEC_GP, R_GP_XCR0, b, XSETBV);
    bench_free(b);
}

/* ---- CPUID ---- */

static uint32_t leaf(struct bench *b, uint32_t n, uint32_t subleaf,
                     enum cpuid_register r)
{
    uint32_t out[4];
    cpu_cpuid(&b->c, n, subleaf, out);
    return out[r];
}

static void leaf_0d_describes_the_components(void **state)
{
    static const unsigned size[] = {64, 512, 1024}, at[] = {1088, 1152, 1664};
    static const char *const models[] = {"skylake-server", "icelake-server", "max"};
    (void)state;
    for (unsigned m = 0; m < ARRAY_SIZE(models); m++) {
        struct bench *b = bench_new(models[m]);
        assert_int_equal(leaf(b, 0xd, 0, REG_EAX), 0x2e7);
        assert_int_equal(leaf(b, 0xd, 0, REG_ECX), 2696);
        b->c.xcr0 = ALL;
        assert_int_equal(leaf(b, 0xd, 0, REG_EBX), 2688);
        assert_int_equal(leaf(b, 0xd, 1, REG_EBX), 576 + 256 + 64 + 512 + 1024);
        for (unsigned n = 0; n < 3; n++) {
            assert_int_equal(leaf(b, 0xd, 5 + n, REG_EAX), size[n]);
            assert_int_equal(leaf(b, 0xd, 5 + n, REG_EBX), at[n]);
            assert_int_equal(leaf(b, 0xd, 5 + n, REG_ECX), 0);
        }
        bench_free(b);
    }
}

enum { F = 1 << 16, DQ = 1 << 17, CD = 1 << 28, BW = 1 << 30, IFMA = 1 << 21 };

static void models_have_what_the_processors_have(void **state)
{
    struct bench *b = bench_new("skylake-server");
    uint32_t bits = F | DQ | CD | BW | 1u << 31;
    (void)state;
    assert_int_equal(leaf(b, 7, 0, REG_EBX) & (bits | IFMA), bits);
    assert_int_equal(leaf(b, 7, 0, REG_ECX), 1 << 3); /* PKU */
    assert_int_equal(leaf(b, 7, 0, REG_EAX), 0);
    bench_free(b);
    b = bench_new("icelake-server");
    assert_int_equal(leaf(b, 7, 0, REG_EBX) & (bits | IFMA), bits | IFMA);
    /* VBMI UMIP PKU VBMI2 GFNI VAES VPCLMULQDQ VNNI BITALG VPOPCNTDQ LA57 RDPID */
    assert_int_equal(leaf(b, 7, 0, REG_ECX), 0x415f4e);
    assert_int_equal(leaf(b, 7, 1, REG_EAX), 0);
    bench_free(b);
    b = bench_new("max");
    assert_int_equal(leaf(b, 7, 0, REG_EAX), 1);
    assert_int_equal(leaf(b, 7, 1, REG_EAX), 1 << 5); /* BF16 */
    assert_int_equal(leaf(b, 7, 2, REG_EAX), 0);
    bench_free(b);
}

static void a_part_of_avx_512_needs_what_it_builds_on(void **state)
{
    struct cpu_model m;
    struct error e;
    (void)state;
    assert_true(cpu_model_parse("max,-avx2", &m, &e));
    assert_false(cpu_model_has(&m, CPUID_AVX512F));
    assert_false(cpu_model_has(&m, CPUID_AVX512_BF16));
    assert_true(cpu_model_parse("Icelake-Server,-avx512bw", &m, &e));
    assert_false(cpu_model_has(&m, CPUID_AVX512_VBMI2));
    assert_true(cpu_model_has(&m, CPUID_AVX512_VNNI));
    assert_false(cpu_model_parse("skylake,+avx512vl", &m, &e));
    assert_true(cpu_model_parse("skylake,+avx512f", &m, &e));
}

/* EVEX with 128 and 256 bits is AVX512VL; scalars need it not. */
static void short_vectors_need_avx512vl(void **state)
{
    struct bench *b = bench_new("max,-avx512vl");
    (void)state;
    be_long64(b, 0);
    assert_int_equal(RUN(b, 0x62, 0xf1, 0x7d, 0x48, 0x6f, 0xc1), DONE); /* VMOVDQA32 */
    assert_int_equal(RUN(b, 0x62, 0xf1, 0x7d, 0x28, 0x6f, 0xc1), NOT_DECODED);
    assert_int_equal(RUN(b, 0x62, 0xf1, 0x7d, 0x08, 0x6f, 0xc1), NOT_DECODED);
    assert_int_equal(RUN(b, 0x62, 0xf1, 0x76, 0x08, 0x10, 0xc2), DONE); /* VMOVSS */
    assert_int_equal(RUN(b, 0x62, 0xf1, 0x7d, 0x08, 0x6e, 0xc0), DONE); /* VMOVD */
    assert_int_equal(RUN(b, 0x62, 0xf1, 0x7d, 0x28, 0x6e, 0xc0), NOT_DECODED);
    bench_free(b);
}

/* W chooses the width of a general register in 64-bit mode alone. */
static void w_is_ignored_for_general_registers_outside_64_bit_mode(void **state)
{
    struct bench *b = avx512(32);
    (void)state;
    b->c.gpr[RAX] = 0x1122334455667788;
    assert_int_equal(RUN(b, 0xc4, 0xe1, 0xfb, 0x92, 0xc8), DONE); /* KMOV k1, eax */
    assert_int_equal(b->c.k[1], 0x55667788);
    b->c.k[1] = ~0ull;
    assert_int_equal(RUN(b, 0xc4, 0xe1, 0xfb, 0x93, 0xc1), DONE); /* KMOV eax, k1 */
    assert_int_equal(b->c.gpr[RAX], 0xffffffff);
    b->c.gpr[RAX] = 0x55667788;
    assert_int_equal(RUN(b, 0x62, 0xf2, 0xfd, 0x48, 0x7c, 0xc8),
                     DONE); /* VPBROADCAST */
    assert_int_equal(b->c.v[1].q[7], 0x5566778855667788);
    assert_int_equal(RUN(b, 0x62, 0xf1, 0xfd, 0x08, 0x6e, 0xc8), DONE); /* VMOV */
    assert_int_equal(b->c.v[1].q[0], 0x55667788);
    bench_free(b);
    b = avx512(64);
    b->c.gpr[RAX] = 0x1122334455667788;
    assert_int_equal(RUN(b, 0xc4, 0xe1, 0xfb, 0x92, 0xc8), DONE);
    assert_int_equal(b->c.k[1], 0x1122334455667788);
    assert_int_equal(RUN(b, 0x62, 0xf2, 0xfd, 0x48, 0x7c, 0xc8), DONE);
    assert_int_equal(b->c.v[1].q[7], 0x1122334455667788);
    bench_free(b);
}

/* ---- RESET, INIT, snapshots ---- */

static void reset_clears_them_and_init_does_not(void **state)
{
    struct bench *b = avx512(64);
    (void)state;
    fill(b, 5);
    cpu_init_reset(&b->c);
    assert_registers(b, 0, 32, 5);
    assert_opmasks(b, 5);
    assert_int_equal(b->c.xcr0, ALL);
    cpu_reset(&b->c);
    assert_int_equal(b->c.k[3] | b->c.v[3].q[7] | b->c.v[31].q[0], 0);
    assert_int_equal(b->c.xcr0, 1);
    bench_free(b);
}

static void a_snapshot_has_all_of_it(void **state)
{
    struct bench *b = avx512(64), *d = bench_new("max");
    struct writer w = {0};
    struct reader r = {0};
    struct error e = {""};
    (void)state;
    fill(b, 3);
    cpu_save(&b->c, &w);
    r.bytes = w.bytes;
    r.size = w.size;
    if (!cpu_restore(&d->c, &r, &e))
        fail_msg("%s", e.text);
    assert_registers(d, 0, 32, 3);
    assert_opmasks(d, 3);
    assert_int_equal(d->c.xcr0, ALL);
    assert_int_equal(d->c.mode & MODE_NO_EVEX, 0);
    writer_free(&w);
    bench_free(b);
    bench_free(d);
}

static void a_snapshot_with_an_xcr0_that_cannot_be_is_refused(void **state)
{
    static const uint16_t bad[] = {0, 0x27, 0xe3, 5, 0x400};
    (void)state;
    for (unsigned n = 0; n < ARRAY_SIZE(bad); n++) {
        struct bench *b = avx512(64), *d = bench_new("max");
        struct writer w = {0};
        struct reader r = {0};
        struct error e = {""};
        b->c.xcr0 = bad[n];
        cpu_save(&b->c, &w);
        r.bytes = w.bytes;
        r.size = w.size;
        assert_false(cpu_restore(&d->c, &r, &e));
        assert_true(e.text[0]);
        writer_free(&w);
        bench_free(b);
        bench_free(d);
    }
}

/* ---- pages ---- */

/* The page behind DATA_AT is absent, and RBX stands `before` bytes ahead of it. */
static struct bench *at_the_edge(unsigned before)
{
    struct bench *b = avx512(64);
    fill(b, 1);
    poke(b, PT_AT + 8 * (DATA_AT / PAGE + 1), 0);
    mmu_flush_all(&b->c.mmu);
    b->c.gpr[RBX] = DATA_AT + PAGE - before;
    memset(b->ram + DATA_AT, 0x11, PAGE);
    return b;
}

static void elements_masked_out_may_lie_in_an_absent_page(void **state)
{
    struct bench *b = at_the_edge(12);
    (void)state;
    b->c.k[1] = 0xffff0007;
    assert_int_equal(RUN(b, 0x62, 0xf1, 0x7e, 0x29, 0x6f, 0x03),
                     DONE); /* VMOVDQU32 ymm0 */
    assert_int_equal(b->c.v[0].q[0], 0x1111111111111111);
    assert_int_equal(b->c.v[0].q[1],
                     (number(1, 0, 1) & 0xffffffff00000000) | 0x11111111);
    assert_int_equal(b->c.v[0].q[2], number(1, 0, 2));
    assert_int_equal(b->c.v[0].q[4], 0);
    b->c.k[1] = 0xf;
    assert_int_equal(RUN(b, 0x62, 0xf1, 0x7e, 0x29, 0x6f, 0x03), VEC_PF);
    assert_int_equal(b->c.event.linear, DATA_AT + PAGE);
    b->c.k[1] = 0xff0005;
    assert_int_equal(RUN(b, 0x62, 0xe1, 0x7e, 0x29, 0x7f, 0x03),
                     DONE); /* store ymm16 */
    assert_int_equal(load32(b->ram + DATA_AT + PAGE - 12), (uint32_t)number(1, 16, 0));
    assert_int_equal(load32(b->ram + DATA_AT + PAGE - 8), 0x11111111);
    assert_int_equal(load32(b->ram + DATA_AT + PAGE - 4), (uint32_t)number(1, 16, 1));
    bench_free(b);
}

static void a_masked_store_that_faults_has_stored_nothing(void **state)
{
    struct bench *b = at_the_edge(12);
    (void)state;
    b->c.k[1] = 0x9;
    assert_int_equal(RUN(b, 0x62, 0xe1, 0x7e, 0x29, 0x7f, 0x03), VEC_PF);
    assert_int_equal(load32(b->ram + DATA_AT + PAGE - 12), 0x11111111);
    /* VPCOMPRESSD [rbx]{k1}, zmm16: four elements, the last one beyond. */
    b->c.k[1] = 0x8111;
    assert_int_equal(RUN(b, 0x62, 0xe2, 0x7d, 0x49, 0x8b, 0x03), VEC_PF);
    assert_int_equal(load32(b->ram + DATA_AT + PAGE - 12), 0x11111111);
    b->c.k[1] = 0x8110;
    assert_int_equal(RUN(b, 0x62, 0xe2, 0x7d, 0x49, 0x8b, 0x03), DONE);
    assert_int_equal(load32(b->ram + DATA_AT + PAGE - 4),
                     (uint32_t)(number(1, 16, 7) >> 32));
    bench_free(b);
}

static void an_expanding_load_reads_as_many_elements_as_the_mask_has(void **state)
{
    struct bench *b = at_the_edge(12);
    (void)state;
    b->c.k[1] = 0x8110; /* VPEXPANDD zmm0{k1}{z}, [rbx] */
    assert_int_equal(RUN(b, 0x62, 0xf2, 0x7d, 0xc9, 0x89, 0x03), DONE);
    assert_int_equal(b->c.v[0].q[2], 0x11111111);
    assert_int_equal(b->c.v[0].q[7], 0x1111111100000000);
    b->c.k[1] = 0x8111;
    assert_int_equal(RUN(b, 0x62, 0xf2, 0x7d, 0xc9, 0x89, 0x03), VEC_PF);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_save_and_restore_has_all_of_it),
        cmocka_unit_test(each_component_goes_by_itself),
        cmocka_unit_test(what_is_zero_is_not_in_use),
        cmocka_unit_test(outside_64_bit_mode_there_are_eight_registers),
        cmocka_unit_test(the_three_bits_of_xcr0_come_together_and_with_avx),
        cmocka_unit_test(leaf_0d_describes_the_components),
        cmocka_unit_test(models_have_what_the_processors_have),
        cmocka_unit_test(a_part_of_avx_512_needs_what_it_builds_on),
        cmocka_unit_test(short_vectors_need_avx512vl),
        cmocka_unit_test(w_is_ignored_for_general_registers_outside_64_bit_mode),
        cmocka_unit_test(reset_clears_them_and_init_does_not),
        cmocka_unit_test(a_snapshot_has_all_of_it),
        cmocka_unit_test(a_snapshot_with_an_xcr0_that_cannot_be_is_refused),
        cmocka_unit_test(elements_masked_out_may_lie_in_an_absent_page),
        cmocka_unit_test(a_masked_store_that_faults_has_stored_nothing),
        cmocka_unit_test(an_expanding_load_reads_as_many_elements_as_the_mask_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
