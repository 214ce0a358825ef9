/* Extended state in memory, RESET and INIT, snapshots, system calls. */
#include "cpu_bench.h"

#include "base/snapshot.h"

#define FXSAVE64_RAX 0x48, 0x0f, 0xae, 0x00
#define FXRSTOR_RAX 0x0f, 0xae, 0x08
#define FXRSTOR64_RAX 0x48, 0x0f, 0xae, 0x08
#define XSAVE_RAX 0x0f, 0xae, 0x23   /* RBX: EAX is the mask */
#define XRSTOR_RAX 0x0f, 0xae, 0x2b
#define XSAVEOPT_RAX 0x0f, 0xae, 0x33
#define XSAVEC_RAX 0x0f, 0xc7, 0x23
#define XSAVES_RAX 0x0f, 0xc7, 0x2b
#define XRSTORS_RAX 0x0f, 0xc7, 0x1b

static struct bench *extended(void)
{
    struct bench *b = bench_new("default");
    be_long64(b, 0);
    b->c.cr4 |= CR4_OSXSAVE | CR4_PKE;
    b->c.xcr0 = XSTATE_X87 | XSTATE_SSE | XSTATE_PKRU;
    b->c.gpr[RBX] = DATA_AT;
    b->c.gpr[RAX] = b->c.gpr[RDX] = 0xffffffff;
    cpu_derive(&b->c);
    return b;
}

static void fill(struct cpu *c, uint64_t seed)
{
    for (unsigned n = 0; n < 8; n++) {
        c->st[n].sig = 1ull << 63 | seed * (n + 1);
        c->st[n].se = (uint16_t)(0x3fff + n);
    }
    for (unsigned n = 0; n < 16; n++) {
        c->v[n].q[0] = seed ^ n;
        c->v[n].q[1] = ~seed + n;
    }
    c->fcw = 0x27f;
    c->fsw = 3 << 11 | 0x4100;
    c->ftw = 0xa5;
    c->mxcsr = 0x1fa0;
    c->pkru = (uint32_t)seed & 0xfffffffc;
}

static bool same(const struct cpu *a, const struct cpu *b)
{
    for (unsigned n = 0; n < 8; n++)
        if (a->st[n].sig != b->st[n].sig || a->st[n].se != b->st[n].se)
            return false;
    for (unsigned n = 0; n < 16; n++)
        if (a->v[n].q[0] != b->v[n].q[0] || a->v[n].q[1] != b->v[n].q[1])
            return false;
    return a->fcw == b->fcw && a->fsw == b->fsw && a->ftw == b->ftw &&
           a->mxcsr == b->mxcsr && a->pkru == b->pkru;
}

static struct cpu *copy(const struct cpu *c)
{
    struct cpu *k = malloc(sizeof *k);
    assert_non_null(k);
    memcpy(k, c, sizeof *k);
    return k;
}

/* Saves with one instruction, spoils, restores with another. */
#define ROUND_TRIP(b, ...)                                                               \
    do {                                                                                 \
        struct cpu *kept = copy(&(b)->c);                                                \
        assert_int_equal(RUN(b, __VA_ARGS__), DONE);                                     \
        fill(&(b)->c, 0x1111);                                                           \
        assert_false(same(&(b)->c, kept));                                               \
        assert_int_equal(RUN(b, XRSTOR_RAX), DONE);                                      \
        assert_true(same(&(b)->c, kept));                                                \
        free(kept);                                                                      \
    } while (0)

static void every_save_is_undone_by_a_restore(void **state)
{
    struct bench *b = extended();
    (void)state;
    fill(&b->c, 0x123456789abcdef);
    ROUND_TRIP(b, XSAVE_RAX);
    memset(b->ram + DATA_AT, 0, 4096);
    ROUND_TRIP(b, XSAVEOPT_RAX);
    ROUND_TRIP(b, XSAVEC_RAX);
    ROUND_TRIP(b, XSAVES_RAX);
    /* And from the initial configuration. */
    x87_initial(&b->c);
    memset(b->c.v, 0, sizeof b->c.v);
    b->c.mxcsr = 0x1f80;
    b->c.pkru = 0;
    memset(b->ram + DATA_AT, 0, 4096);
    ROUND_TRIP(b, XSAVEC_RAX);
    assert_int_equal(load64(b->ram + DATA_AT + 512), 0); /* XSTATE_BV */
    bench_free(b);
}

static void fxsave_is_undone_by_fxrstor(void **state)
{
    struct bench *b = extended();
    struct cpu *kept;
    (void)state;
    fill(&b->c, 0xfedcba9876543210);
    b->c.gpr[RAX] = DATA_AT + 16;
    memset(b->ram + DATA_AT, 0xcc, 1024);
    kept = copy(&b->c);
    assert_int_equal(RUN(b, FXSAVE64_RAX), DONE);
    assert_int_equal(b->ram[DATA_AT + 16 + 416], 0xcc); /* not written past XMM15 */
    fill(&b->c, 5);
    b->c.pkru = kept->pkru;
    assert_int_equal(RUN(b, FXRSTOR64_RAX), DONE);
    assert_true(same(&b->c, kept));
    b->c.gpr[RAX] = DATA_AT + 8;
    ASSERT_RAISES(VEC_GP, R_GP_FXSAVE_ALIGN, b, FXSAVE64_RAX);
    b->c.cr0 |= CR0_TS;
    ASSERT_RAISES(VEC_NM, R_NM_TS, b, FXSAVE64_RAX);
    b->c.cr0 |= CR0_EM;
    ASSERT_RAISES(VEC_UD, R_UD_EM, b, FXSAVE64_RAX);
    free(kept);
    bench_free(b);
}

static void rex_w_makes_the_pointers_of_fxrstor_64_bits_wide(void **state)
{
    struct bench *b = extended();
    struct cpu *c = &b->c;
    (void)state;
    c->fip = 0x123456789abcdef0;
    c->fdp = 0x0fedcba987654321;
    c->gpr[RAX] = DATA_AT;
    assert_int_equal(RUN(b, FXSAVE64_RAX), DONE);
    c->fip = c->fdp = 0;
    c->fcs = c->fds = 0x8888;
    assert_int_equal(RUN(b, FXRSTOR64_RAX), DONE);
    assert_int_equal(c->fip, 0x123456789abcdef0);
    assert_int_equal(c->fdp, 0x0fedcba987654321);
    assert_int_equal(c->fcs | c->fds, 0);
    assert_int_equal(RUN(b, FXRSTOR_RAX), DONE);
    assert_int_equal(c->fip, 0x9abcdef0);
    assert_int_equal(c->fdp, 0x87654321);
    assert_int_equal(c->fcs, 0x5678);
    assert_int_equal(c->fds, 0xcba9);
    bench_free(b);
}

#if defined(__x86_64__) && defined(__GNUC__)
/* The host's own FXRSTOR takes our image: its FXSAVE gives the same one back, and its
 * ST(0) is ours. */
static void the_fxsave_image_is_what_a_real_cpu_reads(void **state)
{
    struct bench *b = extended();
    _Alignas(16) uint8_t host[512], old[512];
    uint8_t st0[10];
    (void)state;
    memset(host, 0, sizeof host);
    fill(&b->c, 0x0f1e2d3c4b5a6978);
    b->c.gpr[RAX] = DATA_AT;
    memset(b->ram + DATA_AT, 0, 512);
    assert_int_equal(RUN(b, FXSAVE64_RAX), DONE);
    memcpy(host, b->ram + DATA_AT, 512);
    __asm__ volatile("fxsave64 %1\n\tfxrstor64 %0\n\tfxsave64 %0\n\tfstpt %2\n\t"
                     "fxrstor64 %1"
                     : "+m"(host), "+m"(old), "=m"(st0)
                     :
                     : "memory");
    for (unsigned k = 0; k < 416; k++)
        if (!(k >= 28 && k < 32) && host[k] != b->ram[DATA_AT + k])
            fail_msg("byte %u: %02x, on the host %02x", k, b->ram[DATA_AT + k],
                     host[k]);
    assert_true(load64(st0) == b->c.st[3].sig); /* TOP is 3 */
    assert_int_equal(load16(st0 + 8), b->c.st[3].se);
    bench_free(b);
}
#endif

static void a_bad_header_changes_no_register(void **state)
{
    static const struct {
        unsigned at;
        uint64_t v;
        int why;
    } cases[] = {
        {512, 1 << 4, R_GP_XRSTOR_BV},         {520, 1, R_GP_XRSTOR_HEADER},
        {528, 1ull << 56, R_GP_XRSTOR_HEADER}, {520, 1ull << 63 | 8, R_GP_XRSTOR_COMP},
        {520, 1ull << 63 | 1, R_GP_XRSTOR_BV}, {24, 0x10000, R_GP_MXCSR},
    };
    struct bench *b = extended();
    (void)state;
    fill(&b->c, 77);
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        struct cpu *kept;
        memset(b->ram + DATA_AT, 0, 4096);
        fill(&b->c, 77);
        assert_int_equal(RUN(b, XSAVE_RAX), DONE);
        poke(b, DATA_AT + cases[k].at, cases[k].v);
        fill(&b->c, 99);
        kept = copy(&b->c);
        ASSERT_RAISES(VEC_GP, cases[k].why, b, XRSTOR_RAX);
        assert_true(same(&b->c, kept));
        free(kept);
    }
    memset(b->ram + DATA_AT, 0, 4096);
    ASSERT_RAISES(VEC_GP, R_GP_XRSTORS_FORM, b, XRSTORS_RAX);
    b->ram[DATA_AT + 536] = 1; /* past what the standard form asks for */
    assert_int_equal(RUN(b, XRSTOR_RAX), DONE);
    bench_free(b);
}

/* An area whose second page is missing faults before any byte is written. */
static void a_page_fault_leaves_the_area_untouched(void **state)
{
    struct bench *b = extended();
    (void)state;
    fill(&b->c, 3);
    b->c.gpr[RBX] = DATA_AT + PAGE - 64;
    poke(b, PT_AT + 8 * (DATA_AT / PAGE + 1), 0);
    mmu_flush_all(&b->c.mmu);
    memset(b->ram + DATA_AT, 0xee, PAGE);
    assert_int_equal(RUN(b, XSAVEC_RAX), VEC_PF);
    assert_int_equal(b->ram[DATA_AT + PAGE - 64], 0xee);
    assert_int_equal(b->ram[DATA_AT + PAGE - 1], 0xee);
    bench_free(b);
}

static void sizes_match_cpuid(void **state)
{
    struct bench *b = extended();
    uint32_t out[4];
    (void)state;
    cpu_cpuid(&b->c, 0xd, 0, out);
    assert_int_equal(out[REG_EAX], b->c.xcr0);
    assert_int_equal(out[REG_EBX], 2696);
    cpu_cpuid(&b->c, 0xd, 1, out);
    assert_int_equal(out[REG_EBX], 584);
    cpu_cpuid(&b->c, 0xd, 9, out);
    assert_int_equal(out[REG_EAX], 8);
    assert_int_equal(out[REG_EBX], 2688);
    bench_free(b);
}

static void xsetbv_keeps_x87_on(void **state)
{
    struct bench *b = extended();
    (void)state;
    b->c.gpr[RCX] = b->c.gpr[RDX] = 0;
    b->c.gpr[RAX] = XSTATE_SSE;
    ASSERT_RAISES(VEC_GP, R_GP_XCR0, b, 0x0f, 0x01, 0xd1);
    b->c.gpr[RAX] = 7; /* AVX is not there */
    ASSERT_RAISES(VEC_GP, R_GP_XCR0, b, 0x0f, 0x01, 0xd1);
    b->c.gpr[RAX] = 3;
    assert_int_equal(RUN(b, 0x0f, 0x01, 0xd1), DONE);
    assert_int_equal(b->c.xcr0, 3);
    b->c.gpr[RCX] = 2;
    ASSERT_RAISES(VEC_GP, R_GP_XCR, b, 0x0f, 0x01, 0xd0);
    bench_free(b);
}

static void ldmxcsr_refuses_reserved_bits(void **state)
{
    struct bench *b = extended();
    (void)state;
    store32(b->ram + DATA_AT, 0x10000);
    ASSERT_RAISES(VEC_GP, R_GP_MXCSR, b, 0x0f, 0xae, 0x13);
    store32(b->ram + DATA_AT, 0x9fc0);
    assert_int_equal(RUN(b, 0x0f, 0xae, 0x13), DONE);
    assert_int_equal(b->c.mxcsr, 0x9fc0);
    bench_free(b);
}

/* ---- RESET, INIT, snapshots ---- */

static void reset_starts_16_bytes_below_4_gib(void **state)
{
    struct bench *b = bench_new("nehalem");
    (void)state;
    be_long64(b, 3);
    fill(&b->c, 1);
    b->c.random = 99;
    cpu_reset(&b->c);
    assert_int_equal(b->c.seg[CS].base + b->c.rip, 0xfffffff0);
    assert_int_equal(b->c.gpr[RDX], b->model.signature);
    assert_int_equal(b->c.cr0, 0x60000010);
    assert_int_equal(b->c.dr[6], 0xffff0ff0);
    assert_int_equal(b->c.mxcsr, 0x1f80);
    assert_int_equal(b->c.fcw, 0x40);
    assert_int_equal(b->c.ftw, 0);
    assert_int_equal(b->c.cpl, 0);
    assert_int_equal(b->c.v[0].q[0], 0);
    assert_true(b->c.misc_enable & MISC_MONITOR);
    assert_int_equal(b->c.random, 99);
    assert_false(b->c.mode & (MODE_PROTECTED | MODE_LONG | MODE_USER));
    bench_free(b);
}

static void init_keeps_the_fpu_and_the_cache_bits(void **state)
{
    struct bench *b = bench_new("default");
    struct cpu *kept;
    (void)state;
    be_long64(b, 0);
    fill(&b->c, 0xabcdef);
    b->c.lstar = 0x1234;
    kept = copy(&b->c);
    cpu_init_reset(&b->c);
    assert_int_equal(b->c.seg[CS].base + b->c.rip, 0xfffffff0);
    assert_int_equal(b->c.cr0, CR0_ET); /* CD and NW were clear */
    assert_int_equal(b->c.efer, 0);
    assert_int_equal(b->c.lstar, 0x1234);
    assert_true(same(&b->c, kept));
    free(kept);
    bench_free(b);
}

static void a_snapshot_restores_registers_and_flags(void **state)
{
    struct bench *b = bench_new("default"), *d = bench_new("default");
    struct writer w = {0};
    struct reader r = {0};
    struct error e = {""};
    (void)state;
    be_long64(b, 3);
    fill(&b->c, 0x5555);
    lazy_sub(&b->c.lazy, 32, 3, 3u - 5u);
    b->c.page = 12345678;
    cpu_save(&b->c, &w);
    r.bytes = w.bytes;
    r.size = w.size;
    if (!cpu_restore(&d->c, &r, &e))
        fail_msg("%s", e.text);
    assert_true(same(&b->c, &d->c));
    assert_int_equal(cpu_flags(&b->c), cpu_flags(&d->c));
    assert_int_equal(d->c.mode, b->c.mode);
    assert_int_equal(d->c.cpl, 3);
    assert_int_equal(d->c.page, NO_PAGE); /* there is no such page */
    writer_free(&w);
    bench_free(b);
    bench_free(d);
}

static void an_impossible_snapshot_is_refused(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 9; k++) {
        struct bench *b = bench_new("default"), *d = bench_new("default");
        struct writer w = {0};
        struct reader r = {0};
        struct error e = {""};
        be_long64(b, 0);
        switch (k) {
        case 0: b->c.cr0 = CR0_PG; break;
        case 1: b->c.cr4 |= CR4_LA57; break;
        case 2: b->c.efer &= ~EFER_LMA; break;
        case 3: b->c.mxcsr = 0xffffffff; break;
        case 4: b->c.cr3 = 1ull << 60; break;
        case 5: b->c.activity = 99; break;
        case 6: b->c.eflags |= FLAG_VM; break;
        case 7: b->c.raised = true; break;
        case 8: b->c.efer |= 1ull << 40; break;
        }
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

/* ---- system calls ---- */

static void syscall_and_sysret_return_to_the_next_instruction(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    be_long64(b, 3);
    b->c.star = 0x0023001000000000;
    b->c.lstar = 0xffffffff81000000;
    b->c.fmask = FLAG_IF | FLAG_DF;
    cpu_set_flags(&b->c, FLAG_IF | FLAG_DF | FLAG_CF);
    assert_int_equal(RUN(b, 0x0f, 0x05), DONE);
    assert_int_equal(b->c.rip, 0xffffffff81000000);
    assert_int_equal(b->c.gpr[RCX], CODE_AT + 2);
    assert_int_equal(b->c.gpr[R11], FLAG_IF | FLAG_DF | FLAG_CF | 2);
    assert_int_equal(cpu_flags(&b->c), FLAG_CF | 2);
    assert_int_equal(b->c.seg[CS].selector, 0x10);
    assert_int_equal(b->c.seg[SS].selector, 0x18);
    assert_int_equal(b->c.cpl, 0);
    assert_int_equal(RUN(b, 0x48, 0x0f, 0x07), DONE);
    assert_int_equal(b->c.rip, CODE_AT + 2);
    assert_int_equal(b->c.seg[CS].selector, 0x33);
    assert_int_equal(b->c.seg[SS].selector, 0x2b);
    assert_int_equal(b->c.cpl, 3);
    assert_int_equal(cpu_flags(&b->c), FLAG_IF | FLAG_DF | FLAG_CF | 2);
    assert_true(b->c.mode & MODE_USER);
    bench_free(b);
}

static void sysret_checks_rcx_before_it_leaves_cpl_0(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    be_long64(b, 0);
    b->c.gpr[RCX] = 0x800000000000;
    ASSERT_RAISES(VEC_GP, R_GP_SYSRET_RIP, b, 0x48, 0x0f, 0x07);
    assert_int_equal(b->c.cpl, 0);
    b->c.efer &= ~EFER_SCE;
    ASSERT_RAISES(VEC_UD, R_UD_SCE, b, 0x0f, 0x05);
    be_protected32(b, 0);
    b->c.efer = EFER_SCE;
    ASSERT_RAISES(VEC_UD, R_UD_SYSCALL_MODE, b, 0x0f, 0x05);
    bench_free(b);
}

static void sysenter_needs_a_selector(void **state)
{
    struct bench *b = bench_new("pentium3");
    (void)state;
    ASSERT_RAISES(VEC_GP, R_GP_SYSENTER_REAL, b, 0x0f, 0x34);
    be_protected32(b, 3);
    b->c.sysenter_cs = 3;
    ASSERT_RAISES(VEC_GP, R_GP_SYSENTER_CS, b, 0x0f, 0x34);
    b->c.sysenter_cs = 0x10;
    b->c.sysenter_eip = 0x1234;
    b->c.sysenter_esp = 0x5678;
    b->c.eflags |= FLAG_IF;
    assert_int_equal(RUN(b, 0x0f, 0x34), DONE);
    assert_int_equal(b->c.rip, 0x1234);
    assert_int_equal(b->c.gpr[RSP], 0x5678);
    assert_int_equal(b->c.cpl, 0);
    assert_false(b->c.eflags & FLAG_IF);
    b->c.gpr[RDX] = 0x4000;
    b->c.gpr[RCX] = 0x8000;
    assert_int_equal(RUN(b, 0x0f, 0x35), DONE);
    assert_int_equal(b->c.seg[CS].selector, 0x23);
    assert_int_equal(b->c.seg[SS].selector, 0x2b);
    assert_int_equal(b->c.rip, 0x4000);
    assert_int_equal(b->c.gpr[RSP], 0x8000);
    assert_int_equal(b->c.cpl, 3);
    bench_free(b);
}

static void swapgs_swaps(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    be_long64(b, 0);
    b->c.seg[GS].base = 1;
    b->c.kernel_gs_base = 0xffff888000000000;
    assert_int_equal(RUN(b, 0x0f, 0x01, 0xf8), DONE);
    assert_int_equal(b->c.seg[GS].base, 0xffff888000000000);
    assert_int_equal(b->c.kernel_gs_base, 1);
    be_long64(b, 3);
    ASSERT_RAISES(VEC_GP, R_GP_CPL0, b, 0x0f, 0x01, 0xf8);
    be_protected32(b, 0);
    assert_int_equal(RUN(b, 0x0f, 0x01, 0xf8), NOT_DECODED);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_save_is_undone_by_a_restore),
        cmocka_unit_test(fxsave_is_undone_by_fxrstor),
        cmocka_unit_test(rex_w_makes_the_pointers_of_fxrstor_64_bits_wide),
#if defined(__x86_64__) && defined(__GNUC__)
        cmocka_unit_test(the_fxsave_image_is_what_a_real_cpu_reads),
#endif
        cmocka_unit_test(a_bad_header_changes_no_register),
        cmocka_unit_test(a_page_fault_leaves_the_area_untouched),
        cmocka_unit_test(sizes_match_cpuid),
        cmocka_unit_test(xsetbv_keeps_x87_on),
        cmocka_unit_test(ldmxcsr_refuses_reserved_bits),
        cmocka_unit_test(reset_starts_16_bytes_below_4_gib),
        cmocka_unit_test(init_keeps_the_fpu_and_the_cache_bits),
        cmocka_unit_test(a_snapshot_restores_registers_and_flags),
        cmocka_unit_test(an_impossible_snapshot_is_refused),
        cmocka_unit_test(syscall_and_sysret_return_to_the_next_instruction),
        cmocka_unit_test(sysret_checks_rcx_before_it_leaves_cpl_0),
        cmocka_unit_test(sysenter_needs_a_selector),
        cmocka_unit_test(swapgs_swaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
