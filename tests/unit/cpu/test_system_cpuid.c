/* CPU models, CPUID and model-specific registers. */
#include "cpu_bench.h"

static uint32_t id(struct bench *b, uint32_t leaf, uint32_t subleaf,
                   enum cpuid_register r)
{
    uint32_t out[4];
    cpu_cpuid(&b->c, leaf, subleaf, out);
    return out[r];
}

static void no_model_has_what_is_not_implemented(void **state)
{
    const struct cpu_model *m;
    (void)state;
    for (unsigned k = 0; (m = cpu_model_at(k)); k++) {
        struct cpu_model copy;
        for (unsigned f = 1; f < CPU_FEATURES; f++)
            if (cpu_model_has(m, f) && !cpu_feature_implemented(f))
                fail_msg("%s has %s", m->name, cpu_feature_name(f));
        /* Nor what lacks what it needs: parsing changes nothing. */
        assert_true(cpu_model_parse(m->name, &copy, NULL));
        if (memcmp(copy.features, m->features, sizeof copy.features) != 0)
            for (unsigned f = 1; f < CPU_FEATURES; f++)
                if (cpu_model_has(&copy, f) != cpu_model_has(m, f))
                    fail_msg("%s: %s", m->name, cpu_feature_name(f));
    }
}

static void removing_a_feature_removes_what_needs_it(void **state)
{
    struct cpu_model m;
    struct error e;
    (void)state;
    assert_true(cpu_model_parse("nehalem,-SSE4.1", &m, &e));
    assert_false(cpu_model_has(&m, CPUID_SSE41));
    assert_false(cpu_model_has(&m, CPUID_SSE42));
    assert_true(cpu_model_has(&m, CPUID_SSSE3));
    assert_true(cpu_model_parse("pentium,+hypervisor", &m, &e));
    assert_true(cpu_model_has(&m, CPUID_HYPERVISOR));
    assert_true(cpu_model_parse(NULL, &m, &e));
    assert_string_equal(m.name, "default");
}

static void bad_model_texts_are_refused_with_a_sentence(void **state)
{
    static const char *const bad[] = {"k6",
                                      "nehalem,",
                                      "nehalem,sse2",
                                      "nehalem,+nonsense",
                                      "nehalem,+avx",
                                      "486,+sse2",
                                      ",",
                                      "nehalem,,",
                                      "+sse"};
    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(bad); k++) {
        struct cpu_model m;
        struct error e = {""};
        if (cpu_model_parse(bad[k], &m, &e))
            fail_msg("'%s' was taken", bad[k]);
        assert_true(e.text[0]);
    }
}

static void leaf_15_gives_the_tsc_exactly(void **state)
{
    static const uint32_t hz[] = {3000000000u, 1000000007u, 25000000u, 1000000u,
                                  UINT32_MAX};
    struct bench *b = bench_new("default");
    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(hz); k++) {
        uint64_t den, num, crystal;
        b->c.tsc_hz = hz[k];
        den = id(b, 0x15, 0, REG_EAX);
        num = id(b, 0x15, 0, REG_EBX);
        crystal = id(b, 0x15, 0, REG_ECX);
        assert_true(den != 0);
        assert_int_equal(crystal % den, 0);
        assert_int_equal(crystal / den * num, hz[k]);
    }
    bench_free(b);
}

static void live_bits_follow_the_registers(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    be_protected32(b, 0);
    assert_false(id(b, 1, 0, REG_ECX) >> 27 & 1);
    b->c.cr4 |= CR4_OSXSAVE | CR4_PKE;
    assert_true(id(b, 1, 0, REG_ECX) >> 27 & 1);
    assert_true(id(b, 7, 0, REG_ECX) >> 4 & 1);
    assert_true(id(b, 1, 0, REG_EDX) >> 9 & 1);
    b->apic_base &= ~0x800ull;
    assert_false(id(b, 1, 0, REG_EDX) >> 9 & 1);
    assert_false(id(b, 0x80000001, 0, REG_EDX) >> 11 &
                 1); /* SYSCALL: 64-bit code only */
    be_long64(b, 0);
    assert_true(id(b, 0x80000001, 0, REG_EDX) >> 11 & 1);
    assert_true(id(b, 0x80000001, 0, REG_EDX) >> 20 & 1);
    b->c.misc_enable |= MISC_XD_DISABLE;
    assert_false(id(b, 0x80000001, 0, REG_EDX) >> 20 & 1);
    bench_free(b);
}

static void topology_counts_threads_and_cores(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    assert_false(id(b, 1, 0, REG_EDX) >> 28 & 1);
    b->c.cpus = 6;
    b->c.threads_per_core = 2;
    b->c.number = 3;
    assert_true(id(b, 1, 0, REG_EDX) >> 28 & 1);
    assert_int_equal(id(b, 1, 0, REG_EBX) >> 16 & 0xff, 8);
    assert_int_equal(id(b, 1, 0, REG_EBX) >> 24, 3);
    assert_int_equal(id(b, 0xb, 0, REG_EAX), 1);
    assert_int_equal(id(b, 0xb, 0, REG_EBX), 2);
    assert_int_equal(id(b, 0xb, 0, REG_ECX), 0x100);
    assert_int_equal(id(b, 0xb, 1, REG_EAX), 3);
    assert_int_equal(id(b, 0xb, 1, REG_EBX), 6);
    assert_int_equal(id(b, 0xb, 1, REG_ECX), 0x201);
    assert_int_equal(id(b, 0xb, 2, REG_EBX), 0);
    assert_int_equal(id(b, 0xb, 2, REG_EDX), 3);
    bench_free(b);
}

static void leaves_past_the_end_answer_like_the_last(void **state)
{
    struct bench *b = bench_new("default");
    struct bench *old = bench_new("486");
    (void)state;
    assert_int_equal(id(b, 0x40000000, 0, REG_ECX), id(b, 0x16, 0, REG_ECX));
    assert_int_equal(id(b, 0, 0, REG_EBX), 0x756e6547); /* "Genu" */
    assert_int_equal(id(old, 0, 0, REG_EAX), 1);
    assert_int_equal(id(old, 0x80000000, 0, REG_EAX), 0x480);
    assert_int_equal(RUN(old, 0x0f, 0x31), NOT_DECODED); /* no TSC */
    assert_int_equal(RUN(old, 0x0f, 0xa2), DONE);
    bench_free(old);
    bench_free(b);
}

static void wr(struct bench *b, uint32_t n, uint64_t v)
{
    b->c.gpr[RCX] = n;
    b->c.gpr[RAX] = (uint32_t)v;
    b->c.gpr[RDX] = v >> 32;
}

#define WRMSR 0x0f, 0x30
#define RDMSR 0x0f, 0x32

static void an_unknown_msr_is_refused_with_its_number(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    be_long64(b, 0);
    wr(b, 0xc0010015, 1); /* AMD's HWCR */
    ASSERT_RAISES(VEC_GP, R_GP_MSR_READ, b, RDMSR);
    assert_int_equal(b->c.event.operand[0], 0xc0010015);
    ASSERT_RAISES(VEC_GP, R_GP_MSR_WRITE, b, WRMSR);
    be_long64(b, 3);
    ASSERT_RAISES(VEC_GP, R_GP_CPL0, b, RDMSR);
    bench_free(b);
}

static void msr_values_are_checked(void **state)
{
    static const struct {
        uint32_t n;
        uint64_t v;
        int why;
    } cases[] = {
        {0x277, 0x0007040600070406, R_NONE},
        {0x277, 0x0007040600070402, R_GP_MSR_MEMORY_TYPE},
        {0x2ff, 0xc06, R_NONE},
        {0x2ff, 0x1000, R_GP_MSR_RESERVED},
        {0x2ff, 0x807, R_GP_MSR_MEMORY_TYPE},
        {0x250, 0x0606060606060606, R_NONE},
        {0x26f, 0x0606060606060602, R_GP_MSR_MEMORY_TYPE},
        {0x200, 1ull << 50, R_GP_MSR_RESERVED},
        {0x201, 0xffc0000800, R_NONE},
        {0xc0000082, 0xffff800000000000, R_NONE},
        {0xc0000082, 0x0000800000000000, R_GP_MSR_NONCANONICAL},
        {0xc0000084, 1ull << 32, R_GP_MSR_RESERVED},
        {0x48, 1, R_NONE},
        {0x48, 8, R_GP_MSR_RESERVED},
        {0x49, 1, R_NONE},
        {0x49, 2, R_GP_MSR_RESERVED},
        {0x10a, 0, R_GP_MSR_READ_ONLY},
        {0x3a, 5, R_GP_MSR_READ_ONLY},
        {0xfe, 0, R_GP_MSR_READ_ONLY},
        {0x17a, 1, R_GP_MSR_RESERVED},
        {0xc0000080, EFER_LME | EFER_SCE | EFER_NXE, R_NONE},
        {0xc0000080, EFER_SCE, R_GP_EFER_LME},
        {0xc0000080, EFER_LME | 1 << 12, R_GP_MSR_RESERVED},
        {0x1b, 1ull << 60, R_GP_MSR_RESERVED},
        {0x6e0, 5, R_NONE},
        {0x808, 5, R_GP_MSR_APIC},
    };
    struct bench *b = bench_new("default");
    (void)state;
    be_long64(b, 0);
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        int got;
        wr(b, cases[k].n, cases[k].v);
        b->c.event.reason = R_NONE;
        got = RUN(b, WRMSR);
        if (got != (cases[k].why ? VEC_GP : DONE) || b->c.event.reason != cases[k].why)
            fail_msg("MSR %x = %llx: vector %d, reason %d, not %d", cases[k].n,
                     (unsigned long long)cases[k].v, got, b->c.event.reason,
                     cases[k].why);
    }
    wr(b, 0x49, 0);
    ASSERT_RAISES(VEC_GP, R_GP_MSR_WRITE_ONLY, b, RDMSR);
    bench_free(b);
}

/* Whatever is written: a refusal changes nothing, and no value breaks anything. */
static void a_refused_write_changes_no_msr(void **state)
{
    struct bench *b = bench_new("max");
    uint64_t seed = 1;
    (void)state;
    be_long64(b, 0);
    for (unsigned pass = 0; pass < 8; pass++)
        for (uint32_t k = 0; k < 0x1200; k++) {
            uint32_t n = k < 0x1000 ? k : 0xc0000000 + (k - 0x1000);
            uint64_t before, after, detail;
            enum reason why;
            if (msr_read(&b->c, n, &before) != R_NONE || n == 0x10)
                continue;
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            why = msr_write(&b->c, n, seed >> (seed >> 58), &detail);
            assert_int_equal(msr_read(&b->c, n, &after), R_NONE);
            if (why != R_NONE)
                assert_true(before == after);
        }
    bench_free(b);
}

static void writing_the_tsc_moves_tsc_adjust(void **state)
{
    struct bench *b = bench_new("default");
    uint64_t v;
    (void)state;
    be_long64(b, 0);
    wr(b, 0x10, 1000000);
    assert_int_equal(RUN(b, WRMSR), DONE);
    assert_int_equal(cpu_tsc(&b->c), 1000000);
    assert_int_equal(msr_read(&b->c, 0x3b, &v), R_NONE);
    assert_int_equal(v, 1000000);
    bench_free(b);
}

static void the_default_model_needs_no_mitigations(void **state)
{
    enum { RDCL_NO = 1, IBRS_ALL = 2, MDS_NO = 32, TAA_NO = 256 };
    struct bench *b = bench_new("default");
    uint64_t v;
    (void)state;
    assert_true(id(b, 7, 0, REG_EDX) >> 26 & 1);
    assert_true(id(b, 7, 0, REG_EDX) >> 29 & 1);
    assert_int_equal(msr_read(&b->c, 0x10a, &v), R_NONE);
    assert_int_equal(v & (RDCL_NO | IBRS_ALL | MDS_NO | TAA_NO),
                     RDCL_NO | IBRS_ALL | MDS_NO | TAA_NO);
    bench_free(b);
}

static void the_microcode_revision_appears_after_cpuid(void **state)
{
    struct bench *b = bench_new("default");
    uint64_t v;
    (void)state;
    be_long64(b, 0);
    wr(b, 0x8b, 0);
    assert_int_equal(RUN(b, WRMSR), DONE);
    assert_int_equal(msr_read(&b->c, 0x8b, &v), R_NONE);
    assert_int_equal(v, 0);
    b->c.gpr[RAX] = 1;
    assert_int_equal(RUN(b, 0x0f, 0xa2), DONE);
    assert_int_equal(msr_read(&b->c, 0x8b, &v), R_NONE);
    assert_int_equal(v >> 32, b->model.microcode);
    bench_free(b);
}

static void fs_base_reaches_the_segment_by_msr_and_by_instruction(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    be_long64(b, 0);
    wr(b, 0xc0000100, 0x7f0000001000);
    assert_int_equal(RUN(b, WRMSR), DONE);
    assert_int_equal(b->c.seg[FS].base, 0x7f0000001000);
    ASSERT_RAISES(VEC_UD, R_UD_FSGSBASE, b, 0xf3, 0x48, 0x0f, 0xae, 0xc3);
    b->c.cr4 |= CR4_FSGSBASE;
    assert_int_equal(RUN(b, 0xf3, 0x48, 0x0f, 0xae, 0xc3), DONE); /* RDFSBASE RBX */
    assert_int_equal(b->c.gpr[RBX], 0x7f0000001000);
    b->c.gpr[RBX] = 1ull << 63;
    ASSERT_RAISES(VEC_GP, R_GP_BASE_NONCANONICAL, b, 0xf3, 0x48, 0x0f, 0xae, 0xd3);
    assert_int_equal(RUN(b, 0xf3, 0x0f, 0xae, 0xd3), DONE); /* WRFSBASE EBX */
    assert_int_equal(b->c.seg[FS].base, 0);
    bench_free(b);
}

/* Whatever CR4.LA57 says: SDM vol 3A 4.5.2. */
static void bases_of_57_bits_are_legal_where_the_model_has_la57(void **state)
{
    const uint64_t base = 0xff43982f1f20b000;
    struct bench *with = bench_new("default,+la57"), *without = bench_new("default");
    struct bench *both[] = {with, without};
    (void)state;

    for (unsigned n = 0; n < 2; n++) {
        be_long64(both[n], 0);
        both[n]->c.cr4 |= CR4_FSGSBASE;
        wr(both[n], 0xc0000100, base);
        store64(both[n]->ram + 0x5002, base);
    }
    assert_int_equal(RUN(with, WRMSR), DONE);
    ASSERT_RAISES(VEC_GP, R_GP_MSR_NONCANONICAL, without, WRMSR);
    with->c.gpr[RBX] = without->c.gpr[RBX] = base;
    assert_int_equal(RUN(with, 0xf3, 0x48, 0x0f, 0xae, 0xd3), DONE); /* WRFSBASE RBX */
    ASSERT_RAISES(VEC_GP, R_GP_BASE_NONCANONICAL, without, 0xf3, 0x48, 0x0f, 0xae, 0xd3);
    with->c.gpr[RBX] = without->c.gpr[RBX] = 0x5000;
    assert_int_equal(RUN(with, 0x0f, 0x01, 0x13), DONE); /* LGDT [RBX] */
    assert_int_equal(with->c.gdtr_base, base);
    ASSERT_RAISES(VEC_GP, R_GP_TABLE_NONCANONICAL, without, 0x0f, 0x01, 0x13);
    bench_free(with);
    bench_free(without);
}

static void rdrand_depends_on_the_seed_alone(void **state)
{
    struct bench *a = bench_new("default"), *b = bench_new("default");
    (void)state;
    be_long64(a, 0);
    be_long64(b, 0);
    a->c.random = b->c.random = 42;
    assert_int_equal(RUN(a, 0x48, 0x0f, 0xc7, 0xf0), DONE); /* RDRAND RAX */
    assert_int_equal(RUN(b, 0x48, 0x0f, 0xc7, 0xf8), DONE); /* RDSEED RAX */
    assert_int_equal(a->c.gpr[RAX], b->c.gpr[RAX]);
    assert_int_equal(lazy_get(&a->c.lazy), FLAG_CF);
    a->c.gpr[RBX] = UINT64_MAX;
    assert_int_equal(RUN(a, 0x66, 0x0f, 0xc7, 0xf3), DONE); /* RDRAND BX */
    assert_int_equal(a->c.gpr[RBX] >> 16, UINT64_MAX >> 16);
    bench_free(a);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_model_has_what_is_not_implemented),
        cmocka_unit_test(removing_a_feature_removes_what_needs_it),
        cmocka_unit_test(bad_model_texts_are_refused_with_a_sentence),
        cmocka_unit_test(leaf_15_gives_the_tsc_exactly),
        cmocka_unit_test(live_bits_follow_the_registers),
        cmocka_unit_test(topology_counts_threads_and_cores),
        cmocka_unit_test(leaves_past_the_end_answer_like_the_last),
        cmocka_unit_test(an_unknown_msr_is_refused_with_its_number),
        cmocka_unit_test(msr_values_are_checked),
        cmocka_unit_test(a_refused_write_changes_no_msr),
        cmocka_unit_test(writing_the_tsc_moves_tsc_adjust),
        cmocka_unit_test(the_default_model_needs_no_mitigations),
        cmocka_unit_test(the_microcode_revision_appears_after_cpuid),
        cmocka_unit_test(fs_base_reaches_the_segment_by_msr_and_by_instruction),
        cmocka_unit_test(bases_of_57_bits_are_legal_where_the_model_has_la57),
        cmocka_unit_test(rdrand_depends_on_the_seed_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
