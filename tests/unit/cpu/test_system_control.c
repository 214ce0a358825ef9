/* Control and debug registers, mode switches, the TLB rules, privileged odds and ends.
 */
#include "cpu_bench.h"

#define MOV_CR0_RAX 0x0f, 0x22, 0xc0
#define MOV_CR3_RAX 0x0f, 0x22, 0xd8
#define MOV_CR4_RAX 0x0f, 0x22, 0xe0
#define MOV_RAX_CR0 0x0f, 0x20, 0xc0

static uint64_t *rax(struct bench *b)
{
    return &b->c.gpr[RAX];
}

static void pg_without_pe_is_refused_and_changes_nothing(void **state)
{
    struct bench *b = bench_new("default");
    uint64_t before = b->c.cr0;
    (void)state;
    *rax(b) = CR0_PG;
    ASSERT_RAISES(VEC_GP, R_GP_CR0_PG_PE, b, MOV_CR0_RAX);
    assert_int_equal(b->c.cr0, before);
    *rax(b) = CR0_PE | CR0_NW;
    ASSERT_RAISES(VEC_GP, R_GP_CR0_NW_CD, b, MOV_CR0_RAX);
    assert_int_equal(b->c.cr0, before);
    bench_free(b);
}

/* The way every 64-bit kernel takes: PAE, CR3, LME, PG. */
static void setting_pg_with_lme_activates_long_mode(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    be_long64(b, 0); /* for the tables */
    be_protected32(b, 0);
    b->c.cr4 = 0;
    b->c.efer = 0;
    b->c.gpr[RCX] = 0xc0000080;
    *rax(b) = EFER_LME;
    b->c.gpr[RDX] = 0;
    assert_int_equal(RUN(b, 0x0f, 0x30), DONE);
    *rax(b) = PML4_AT;
    assert_int_equal(RUN(b, MOV_CR3_RAX), DONE);
    *rax(b) = CR0_PE | CR0_PG;
    ASSERT_RAISES(VEC_GP, R_GP_CR0_LME_PAE, b, MOV_CR0_RAX);
    *rax(b) = CR4_PAE;
    assert_int_equal(RUN(b, MOV_CR4_RAX), DONE);
    b->c.tr.attr = SEG_P | 3;
    *rax(b) = CR0_PE | CR0_PG;
    ASSERT_RAISES(VEC_GP, R_GP_CR0_LME_TSS16, b, MOV_CR0_RAX);
    b->c.tr.attr = SEG_P | 11;
    assert_int_equal(RUN(b, MOV_CR0_RAX), DONE);
    assert_true(b->c.efer & EFER_LMA);
    assert_true(cpu_long_mode(&b->c));
    assert_false(cpu_code64(&b->c)); /* compatibility mode until CS.L */
    assert_true(b->c.leave);

    *rax(b) = 0; /* PAE may not go now */
    ASSERT_RAISES(VEC_GP, R_GP_CR4_PAE, b, MOV_CR4_RAX);
    *rax(b) = CR0_PE;
    assert_int_equal(RUN(b, MOV_CR0_RAX), DONE);
    assert_false(b->c.efer & EFER_LMA);
    assert_true(b->c.efer & EFER_LME);
    bench_free(b);
}

static void pg_cannot_be_cleared_in_64_bit_mode(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    be_long64(b, 0);
    *rax(b) = CR0_PE;
    ASSERT_RAISES(VEC_GP, R_GP_CR0_PG_64BIT, b, MOV_CR0_RAX);
    *rax(b) = 1ull << 40 | CR0_PE | CR0_PG;
    ASSERT_RAISES(VEC_GP, R_GP_CR0_HIGH, b, MOV_CR0_RAX);
    bench_free(b);
}

static void pcide_needs_long_mode_and_a_zero_pcid(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    be_protected32(b, 0);
    *rax(b) = CR4_PCIDE;
    ASSERT_RAISES(VEC_GP, R_GP_CR4_PCIDE_LMA, b, MOV_CR4_RAX);
    be_long64(b, 0);
    b->c.cr3 |= 5;
    *rax(b) = b->c.cr4 | CR4_PCIDE;
    ASSERT_RAISES(VEC_GP, R_GP_CR4_PCIDE_CR3, b, MOV_CR4_RAX);
    b->c.cr3 &= ~0xfffull;
    assert_int_equal(RUN(b, MOV_CR4_RAX), DONE);
    bench_free(b);
}

static void cr4_bits_the_model_lacks_are_refused(void **state)
{
    struct bench *b = bench_new("pentium");
    (void)state;
    *rax(b) = CR4_PSE;
    assert_int_equal(RUN(b, 0x66, MOV_CR4_RAX), DONE);
    *rax(b) = CR4_PAE;
    ASSERT_RAISES(VEC_GP, R_GP_CR4_RESERVED, b, MOV_CR4_RAX);
    assert_int_equal(b->c.cr4, CR4_PSE);
    bench_free(b);
}

/* What is at la 5000h as the CPU sees it, through MOV RAX, [5000h] done by hand. */
static uint64_t seen(struct bench *b)
{
    struct spans sp;
    uint64_t bad;
    assert_true(mmu_open(&b->c.mmu, 0x5000, 8,
                         (struct accessor){ACCESS_READ, false, false}, &sp, &bad));
    return spans_load(&b->c.mmu, &sp, 8);
}

static void remap(struct bench *b, unsigned page, unsigned flags)
{
    poke(b, PT_AT + 8 * 5, page | flags);
}

static void cr3_bit_63_keeps_translations_of_the_new_pcid(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    be_long64(b, 0);
    poke(b, 0x6000, 0x66);
    poke(b, 0x7000, 0x77);
    *rax(b) = b->c.cr4 | CR4_PCIDE;
    assert_int_equal(RUN(b, MOV_CR4_RAX), DONE);
    remap(b, 0x6000, 7);
    assert_int_equal(seen(b), 0x66);
    remap(b, 0x7000, 7);
    assert_int_equal(seen(b), 0x66); /* stale, as on hardware */
    *rax(b) = PML4_AT | 9;
    assert_int_equal(RUN(b, MOV_CR3_RAX), DONE);
    assert_int_equal(seen(b), 0x77); /* another PCID */
    *rax(b) = PML4_AT | CR3_KEEP;
    assert_int_equal(RUN(b, MOV_CR3_RAX), DONE);
    assert_int_equal(b->c.cr3, PML4_AT);
    assert_int_equal(seen(b), 0x66);
    *rax(b) = PML4_AT;
    assert_int_equal(RUN(b, MOV_CR3_RAX), DONE);
    assert_int_equal(seen(b), 0x77);
    bench_free(b);
}

static void global_pages_survive_cr3_but_not_invlpg_nor_pge(void **state)
{
    enum { GLOBAL = 0x100 };
    struct bench *b = bench_new("default");
    (void)state;
    be_long64(b, 0);
    poke(b, 0x6000, 0x66);
    poke(b, 0x7000, 0x77);
    remap(b, 0x6000, 7 | GLOBAL);
    assert_int_equal(seen(b), 0x66);
    remap(b, 0x7000, 7 | GLOBAL);
    *rax(b) = PML4_AT;
    assert_int_equal(RUN(b, MOV_CR3_RAX), DONE);
    assert_int_equal(seen(b), 0x66);
    *rax(b) = 0x5123;
    assert_int_equal(RUN(b, 0x0f, 0x01, 0x38), DONE); /* INVLPG [RAX] */
    assert_int_equal(seen(b), 0x77);
    remap(b, 0x6000, 7 | GLOBAL);
    assert_int_equal(seen(b), 0x77);
    *rax(b) = b->c.cr4 & ~CR4_PGE;
    assert_int_equal(RUN(b, MOV_CR4_RAX), DONE);
    assert_int_equal(seen(b), 0x66);
    bench_free(b);
}

static void invpcid_refuses_reserved_bits_and_types(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    be_long64(b, 0);
    *rax(b) = DATA_AT;
    b->c.gpr[RCX] = 4;
    ASSERT_RAISES(VEC_GP, R_GP_INVPCID_TYPE, b, 0x66, 0x0f, 0x38, 0x82, 0x08);
    b->c.gpr[RCX] = 0;
    poke(b, DATA_AT, 3);
    ASSERT_RAISES(VEC_GP, R_GP_INVPCID_PCID, b, 0x66, 0x0f, 0x38, 0x82, 0x08);
    poke(b, DATA_AT, 0x1000);
    ASSERT_RAISES(VEC_GP, R_GP_INVPCID_RESERVED, b, 0x66, 0x0f, 0x38, 0x82, 0x08);
    poke(b, DATA_AT, 0);
    poke(b, DATA_AT + 8, 1ull << 50);
    ASSERT_RAISES(VEC_GP, R_GP_INVPCID_ADDRESS, b, 0x66, 0x0f, 0x38, 0x82, 0x08);
    poke(b, DATA_AT + 8, 0);
    assert_int_equal(RUN(b, 0x66, 0x0f, 0x38, 0x82, 0x08), DONE);
    bench_free(b);
}

static void pae_paging_reads_its_four_entries_with_cr3(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    be_protected32(b, 0);
    b->c.cr4 = CR4_PAE;
    poke(b, 0x8020, 0x9000 | 1);
    poke(b, 0x8028, 0xa000 | 1);
    *rax(b) = 0x8020;
    assert_int_equal(RUN(b, MOV_CR3_RAX), DONE);
    *rax(b) = CR0_PE | CR0_PG;
    assert_int_equal(RUN(b, MOV_CR0_RAX), DONE);
    assert_int_equal(b->c.pdpte[0], 0x9001);
    assert_int_equal(b->c.pdpte[1], 0xa001);
    poke(b, 0x8020, 0x9000 | 0x1e1 | 1); /* reserved bits 8:5 */
    *rax(b) = 0x8020;
    ASSERT_RAISES(VEC_GP, R_GP_PDPTE, b, MOV_CR3_RAX);
    assert_int_equal(b->c.pdpte[0], 0x9001);
    bench_free(b);
}

static void registers_that_do_not_exist_are_ud_at_any_privilege(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    be_long64(b, 3);
    ASSERT_RAISES(VEC_UD, R_UD_CR, b, 0x0f, 0x20, 0xc8);
    ASSERT_RAISES(VEC_UD, R_UD_DR, b, 0x44, 0x0f, 0x21, 0xc0);
    ASSERT_RAISES(VEC_GP, R_GP_CPL0, b, MOV_RAX_CR0);
    ASSERT_RAISES(VEC_GP, R_GP_CPL0, b, 0x0f, 0x21, 0xc0);
    be_protected32(b, 0);
    assert_int_equal(RUN(b, MOV_RAX_CR0), DONE);
    be_long64(b, 0); /* mod bits do not matter: 00 is a register too */
    assert_int_equal(RUN(b, 0x0f, 0x20, 0x00), DONE);
    assert_int_equal(*rax(b), b->c.cr0);
    bench_free(b);
}

static void cr8_is_the_apic_task_priority(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    be_long64(b, 0);
    *rax(b) = 7;
    assert_int_equal(RUN(b, 0x44, 0x0f, 0x22, 0xc0), DONE);
    assert_int_equal(b->cr8, 7);
    *rax(b) = 16;
    ASSERT_RAISES(VEC_GP, R_GP_CR8_RESERVED, b, 0x44, 0x0f, 0x22, 0xc0);
    bench_free(b);
}

static void dr4_is_dr6_unless_debugging_extensions_are_on(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    be_long64(b, 0);
    *rax(b) = 0;
    assert_int_equal(RUN(b, 0x0f, 0x23, 0xf0), DONE); /* DR6 = 0 */
    assert_int_equal(RUN(b, 0x0f, 0x21, 0xe0), DONE); /* RAX = DR4 */
    assert_int_equal(*rax(b), 0xffff0ff0);
    *rax(b) = 0xffffffff;
    assert_int_equal(RUN(b, 0x0f, 0x23, 0xf0), DONE);
    assert_int_equal(b->c.dr[6], 0xffffefff);
    b->c.cr4 |= CR4_DE;
    ASSERT_RAISES(VEC_UD, R_UD_DR45, b, 0x0f, 0x21, 0xe0);
    *rax(b) = 1ull << 32;
    ASSERT_RAISES(VEC_GP, R_GP_DR_HIGH, b, 0x0f, 0x23, 0xf8);
    bench_free(b);
}

static void general_detect_traps_every_access(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    be_long64(b, 0);
    *rax(b) = DR7_GD;
    assert_int_equal(RUN(b, 0x0f, 0x23, 0xf8), DONE);
    assert_int_equal(b->c.dr[7], 0x2400);
    ASSERT_RAISES(VEC_DB, R_DB_GD, b, 0x0f, 0x21, 0xc0);
    assert_true(b->c.dr[6] & DR6_BD);
    bench_free(b);
}

static void a_data_breakpoint_has_its_page_watched(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    be_long64(b, 0);
    *rax(b) = 0x5008;
    assert_int_equal(RUN(b, 0x0f, 0x23, 0xc8), DONE); /* DR1 */
    assert_int_equal(b->c.mmu.watched[1], NO_TAG);
    *rax(b) = 1 << 2 | 1 << 20; /* L1, write, 1 byte */
    assert_int_equal(RUN(b, 0x0f, 0x23, 0xf8), DONE);
    assert_int_equal(b->c.mmu.watched[1], 0x5000);
    assert_int_equal(b->c.mmu.watched[0], NO_TAG);
    bench_free(b);
}

static void lmsw_sets_pe_and_never_clears_it(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    *rax(b) = 0xfffe;
    assert_int_equal(RUN(b, 0x0f, 0x01, 0xf0), DONE);
    assert_int_equal(b->c.cr0 & 0x1f, 0x1e);
    *rax(b) = 1;
    assert_int_equal(RUN(b, 0x0f, 0x01, 0xf0), DONE);
    assert_true(cpu_protected(&b->c));
    *rax(b) = 0;
    assert_int_equal(RUN(b, 0x0f, 0x01, 0xf0), DONE);
    assert_int_equal(b->c.cr0 & 0xf, 1);
    bench_free(b);
}

static void umip_hides_the_tables_from_users(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    be_long64(b, 3);
    b->c.gdtr_base = 0xffff800000001000;
    b->c.gdtr_limit = 0x7f;
    *rax(b) = DATA_AT;
    assert_int_equal(RUN(b, 0x0f, 0x01, 0x00), DONE); /* SGDT [RAX] */
    assert_int_equal(load16(b->ram + DATA_AT), 0x7f);
    assert_int_equal(load64(b->ram + DATA_AT + 2), b->c.gdtr_base);
    b->c.cr4 |= CR4_UMIP;
    ASSERT_RAISES(VEC_GP, R_GP_UMIP, b, 0x0f, 0x01, 0x00);
    ASSERT_RAISES(VEC_GP, R_GP_UMIP, b, 0x0f, 0x01, 0xe0); /* SMSW EAX */
    ASSERT_RAISES(VEC_GP, R_GP_CPL0, b, 0x0f, 0x01,
                  0x10); /* LGDT is privileged anyway */
    bench_free(b);
}

static void lgdt_takes_24_bits_with_a_16_bit_operand(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    b->c.seg[DS].base = 0;
    store16(b->ram + 0x500, 0x17);
    store32(b->ram + 0x502, 0x12345678);
    b->c.gpr[RBX] = 0x500;
    assert_int_equal(RUN(b, 0x0f, 0x01, 0x17), DONE); /* LGDT [BX] */
    assert_int_equal(b->c.gdtr_base, 0x345678);
    assert_int_equal(RUN(b, 0x66, 0x0f, 0x01, 0x17), DONE);
    assert_int_equal(b->c.gdtr_base, 0x12345678);
    assert_int_equal(b->c.gdtr_limit, 0x17);
    bench_free(b);
}

static void the_counter_is_hidden_by_tsd(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    be_long64(b, 3);
    assert_int_equal(RUN(b, 0x0f, 0x31), DONE);
    b->c.cr4 |= CR4_TSD;
    ASSERT_RAISES(VEC_GP, R_GP_TSD, b, 0x0f, 0x31);
    ASSERT_RAISES(VEC_GP, R_GP_PCE, b, 0x0f, 0x33);
    bench_free(b);
}

static void stac_exists_only_at_cpl_0(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    be_long64(b, 3);
    ASSERT_RAISES(VEC_UD, R_UD_AC_CPL, b, 0x0f, 0x01, 0xcb);
    be_long64(b, 0);
    assert_int_equal(RUN(b, 0x0f, 0x01, 0xcb), DONE);
    assert_true(b->c.eflags & FLAG_AC);
    assert_int_equal(RUN(b, 0x0f, 0x01, 0xca), DONE);
    assert_false(b->c.eflags & FLAG_AC);
    bench_free(b);
}

static void protection_keys_need_cr4_and_zero_registers(void **state)
{
    struct bench *b = bench_new("default");
    (void)state;
    be_long64(b, 3);
    ASSERT_RAISES(VEC_UD, R_UD_PKE, b, 0x0f, 0x01, 0xee);
    b->c.cr4 |= CR4_PKE;
    b->c.gpr[RCX] = 1;
    ASSERT_RAISES(VEC_GP, R_GP_PKRU, b, 0x0f, 0x01, 0xee);
    b->c.gpr[RCX] = 0;
    b->c.gpr[RDX] = 0;
    *rax(b) = 0x55555554;
    assert_int_equal(RUN(b, 0x0f, 0x01, 0xef), DONE);
    assert_int_equal(b->c.pkru, 0x55555554);
    assert_int_equal(b->c.mmu.paging.pkru, 0x55555554);
    bench_free(b);
}

static void hlt_and_mwait_wait(void **state)
{
    struct bench *b = bench_new("nehalem");
    (void)state;
    be_long64(b, 0);
    assert_int_equal(RUN(b, 0xf4), DONE);
    assert_int_equal(b->c.activity, ACTIVITY_HALT);
    b->c.activity = ACTIVITY_RUN;
    b->c.gpr[RCX] = 0;
    assert_int_equal(RUN(b, 0x0f, 0x01, 0xc9), DONE); /* MWAIT, not armed */
    assert_int_equal(b->c.activity, ACTIVITY_RUN);
    *rax(b) = DATA_AT + 0x47;
    assert_int_equal(RUN(b, 0x0f, 0x01, 0xc8), DONE);
    assert_int_equal(b->c.monitor_pa, DATA_AT + 0x40);
    b->c.gpr[RCX] = 1;
    assert_int_equal(RUN(b, 0x0f, 0x01, 0xc9), DONE);
    assert_int_equal(b->c.activity, ACTIVITY_MWAIT);
    assert_true(b->c.mwait_breaks);
    b->c.gpr[RCX] = 2;
    ASSERT_RAISES(VEC_GP, R_GP_MONITOR_ECX, b, 0x0f, 0x01, 0xc9);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pg_without_pe_is_refused_and_changes_nothing),
        cmocka_unit_test(setting_pg_with_lme_activates_long_mode),
        cmocka_unit_test(pg_cannot_be_cleared_in_64_bit_mode),
        cmocka_unit_test(pcide_needs_long_mode_and_a_zero_pcid),
        cmocka_unit_test(cr4_bits_the_model_lacks_are_refused),
        cmocka_unit_test(cr3_bit_63_keeps_translations_of_the_new_pcid),
        cmocka_unit_test(global_pages_survive_cr3_but_not_invlpg_nor_pge),
        cmocka_unit_test(invpcid_refuses_reserved_bits_and_types),
        cmocka_unit_test(pae_paging_reads_its_four_entries_with_cr3),
        cmocka_unit_test(registers_that_do_not_exist_are_ud_at_any_privilege),
        cmocka_unit_test(cr8_is_the_apic_task_priority),
        cmocka_unit_test(dr4_is_dr6_unless_debugging_extensions_are_on),
        cmocka_unit_test(general_detect_traps_every_access),
        cmocka_unit_test(a_data_breakpoint_has_its_page_watched),
        cmocka_unit_test(lmsw_sets_pe_and_never_clears_it),
        cmocka_unit_test(umip_hides_the_tables_from_users),
        cmocka_unit_test(lgdt_takes_24_bits_with_a_16_bit_operand),
        cmocka_unit_test(the_counter_is_hidden_by_tsd),
        cmocka_unit_test(stac_exists_only_at_cpl_0),
        cmocka_unit_test(protection_keys_need_cr4_and_zero_registers),
        cmocka_unit_test(hlt_and_mwait_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
