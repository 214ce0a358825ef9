/* Far jumps, calls and returns; call gates; tasks. */
#include "control_world.h"

static void a_far_call_in_real_mode_pushes_cs_ip_and_retf_releases_parameters(void **state)
{
    struct world *w = world_new();
    struct cpu *c = &w->cpu;
    (void)state;

    CODE_BYTES(w, 0x9a, 0x20, 0x00, 0x00, 0x09); /* CALL 0900:0020 */
    assert_true(step(w));
    assert_int_equal(c->seg[CS].base, 0x9000);
    assert_int_equal(c->rip, 0x20);
    assert_int_equal(load16(w->ram + STACK0 - 4), CODE + 5);
    CODE_BYTES(w, 0xca, 0x06, 0x00);
    assert_true(step(w));
    assert_int_equal(c->rip, CODE + 5);
    assert_int_equal(c->gpr[RSP], STACK0 + 6);
    world_free(w);
}

static void far_jmp(struct world *w, unsigned selector)
{
    CODE_BYTES(w, 0xea, 0x00, 0x90, 0x00, 0x00, (uint8_t)selector, 0x00);
}

static void far_jumps_to_code_keep_cpl_and_check_privilege(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    far_jmp(w, K_CODE);
    assert_true(step(w));
    assert_int_equal(c->rip, HANDLER);
    c->rip = CODE;
    far_jmp(w, K_CODE | 3);
    expect_fault(w, VEC_GP, K_CODE, R_FAR_RPL);
    far_jmp(w, U_CODE);
    expect_fault(w, VEC_GP, U_CODE & ~3, R_FAR_RPL);
    far_jmp(w, U_CODE & ~3);
    expect_fault(w, VEC_GP, U_CODE & ~3, R_FAR_DPL);
    far_jmp(w, 0);
    expect_fault(w, VEC_GP, 0, R_FAR_NULL);
    far_jmp(w, K_DATA);
    expect_fault(w, VEC_GP, K_DATA, R_CS_TYPE);
    gdt_set(w, S_SPARE, desc(0, 0x1000, 0x409a));
    far_jmp(w, S_SPARE);
    expect_fault(w, VEC_GP, 0, R_GP_RIP_LIMIT);

    at_level(w, 3);
    far_jmp(w, S_CONFORMING);
    assert_true(step(w));
    assert_int_equal(c->seg[CS].selector, S_CONFORMING | 3);
    assert_int_equal(c->cpl, 3);
    world_free(w);
}

static void a_far_pointer_in_memory_wraps_with_the_address(void **state)
{
    struct world *w = world_long();
    (void)state;

    /* A page at FFE00000h; JMP FAR [FFFFFFFCh]. */
    store64(w->ram + PML4 + 0x1000 + 3 * 8, (PML4 + 0x3000) | 7);
    store64(w->ram + PML4 + 0x3000 + 511 * 8, 0x87);
    CODE_BYTES(w, 0x67, 0xff, 0x2c, 0x25, 0xfc, 0xff, 0xff, 0xff);
    store16(w->ram, K_DATA);
    expect_fault(w, VEC_GP, K_DATA, R_CS_TYPE);
    world_free(w);
}

static void a_call_gate_to_level_0_copies_parameters_and_retf_drops_them(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    gdt_set(w, S_GATE, gate(K_CODE, HANDLER, 0xec) | 2ull << 32);
    at_level(w, 3);
    c->gpr[RSP] -= 8;
    store32(w->ram + c->gpr[RSP], 0x11111111);
    store32(w->ram + c->gpr[RSP] + 4, 0x22222222);
    CODE_BYTES(w, 0x9a, 0, 0, 0, 0, S_GATE | 3, 0);
    assert_true(step(w));
    assert_int_equal(c->cpl, 0);
    assert_int_equal(c->rip, HANDLER);
    assert_int_equal(c->gpr[RSP], STACK0 - 24);
    assert_int_equal(stack32(w, 0), CODE + 7);
    assert_int_equal(stack32(w, 1), U_CODE);
    assert_int_equal(stack32(w, 2), 0x11111111);
    assert_int_equal(stack32(w, 3), 0x22222222);
    assert_int_equal(stack32(w, 4), STACK3 - 8);
    assert_int_equal(stack32(w, 5), U_DATA);

    CODE_BYTES(w, 0xca, 0x08, 0x00);
    assert_true(step(w));
    assert_int_equal(c->cpl, 3);
    assert_int_equal(c->rip, CODE + 7);
    assert_int_equal(c->gpr[RSP], STACK3);
    assert_int_equal(c->seg[SS].selector, U_DATA);
    world_free(w);
}

/* 31 parameters do not fit one piece; a page boundary lies inside too. */
static void a_call_gate_copies_31_parameters(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    gdt_set(w, S_GATE, gate(K_CODE, HANDLER, 0xec) | 31ull << 32);
    store32(w->ram + TSS + 4, STACK0 + 50);
    at_level(w, 3);
    c->gpr[RSP] -= 31 * 4;
    for (unsigned n = 0; n < 31; n++)
        store32(w->ram + c->gpr[RSP] + 4 * n, 100 + n);
    CODE_BYTES(w, 0x9a, 0, 0, 0, 0, S_GATE | 3, 0);
    assert_true(step(w));
    assert_int_equal(c->gpr[RSP], STACK0 + 50 - 35 * 4);
    for (unsigned n = 0; n < 31; n++)
        assert_int_equal(stack32(w, 2 + n), 100 + n);
    world_free(w);
}

static void a_16_bit_gate_switches_to_a_16_bit_frame(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    gdt_set(w, S_GATE, gate(K_CODE16, 0x5000, 0xe4) | 1ull << 32);
    at_level(w, 3);
    store16(w->ram + c->gpr[RSP], 0xabcd);
    CODE_BYTES(w, 0x9a, 0, 0, 0, 0, S_GATE | 3, 0);
    assert_true(step(w));
    assert_int_equal(c->rip, 0x5000);
    assert_false(c->mode & MODE_CODE32);
    assert_int_equal(c->gpr[RSP], STACK0 - 10);
    assert_int_equal(load16(w->ram + c->gpr[RSP]), CODE + 7);
    assert_int_equal(load16(w->ram + c->gpr[RSP] + 4), 0xabcd);
    assert_int_equal(load16(w->ram + c->gpr[RSP] + 6), STACK3);
    world_free(w);
}

static void gates_check_their_own_privilege_before_their_targets(void **state)
{
    struct world *w = world_protected();
    (void)state;

    at_level(w, 3);
    CODE_BYTES(w, 0x9a, 0, 0, 0, 0, S_GATE | 3, 0);
    gdt_set(w, S_GATE, gate(K_CODE, HANDLER, 0x8c));
    expect_fault(w, VEC_GP, S_GATE, R_GATE_CPL);
    gdt_set(w, S_GATE, gate(K_CODE, HANDLER, 0x6c));
    expect_fault(w, VEC_NP, S_GATE, R_NP_GATE);
    gdt_set(w, S_GATE, gate(0, HANDLER, 0xec));
    expect_fault(w, VEC_GP, 0, R_GATE_NULL);
    gdt_set(w, S_GATE, gate(K_DATA, HANDLER, 0xec));
    expect_fault(w, VEC_GP, K_DATA, R_CS_TYPE);
    gdt_set(w, S_GATE, gate(K_CODE, HANDLER, 0xec));
    far_jmp(w, S_GATE | 3);
    expect_fault(w, VEC_GP, K_CODE, R_GATE_JUMP);
    world_free(w);
}

static void a_64_bit_call_gate_switches_stacks_without_a_stack_segment(void **state)
{
    struct world *w = world_long();
    struct cpu *c = &w->cpu;
    (void)state;

    gdt_set(w, S_GATE, gate(K_CODE64, HANDLER, 0xec));
    gdt_set(w, S_GATE + 8, 0);
    user64(w);
    store32(w->ram + 0x5000, 0);
    store16(w->ram + 0x5004, S_GATE | 3);
    c->gpr[RSI] = 0x5000;
    CODE_BYTES(w, 0xff, 0x1e); /* CALL FAR [RSI] */
    assert_true(step(w));
    assert_int_equal(c->cpl, 0);
    assert_int_equal(c->gpr[RSP], STACK0 - 32);
    assert_int_equal(stack64(w, 0), CODE + 2);
    assert_int_equal(stack64(w, 1), U_CODE64);
    assert_int_equal(stack64(w, 2), STACK3);
    assert_int_equal(stack64(w, 3), U_DATA);
    assert_false(c->seg[SS].usable);

    CODE_BYTES(w, 0x48, 0xcb); /* RETFQ */
    assert_true(step(w));
    assert_int_equal(c->cpl, 3);
    assert_int_equal(c->rip, CODE + 2);
    assert_int_equal(c->gpr[RSP], STACK3);

    gdt_set(w, S_GATE + 8, 0x1f00ull << 32);
    c->rip = CODE;
    expect_fault(w, VEC_GP, S_GATE, R_GATE_UPPER);
    world_free(w);
}

static void a_far_jump_leaves_64_bit_mode_for_compatibility_mode(void **state)
{
    struct world *w = world_long();
    struct cpu *c = &w->cpu;
    (void)state;

    store32(w->ram + 0x5000, HANDLER);
    store16(w->ram + 0x5004, K_CODE);
    c->gpr[RSI] = 0x5000;
    CODE_BYTES(w, 0xff, 0x2e);
    assert_true(step(w));
    assert_false(cpu_code64(c));
    assert_true(cpu_long_mode(c));
    CODE_BYTES(w, 0xea, 0, 0x80, 0, 0, K_CODE64, 0);
    assert_true(step(w));
    assert_true(cpu_code64(c));
    gdt_set(w, S_SPARE, desc(0, 0xfffff, 0xe09a)); /* L and D */
    store16(w->ram + 0x5004, S_SPARE);
    expect_fault(w, VEC_GP, S_SPARE, R_CS_L_AND_D);
    store16(w->ram + 0x5004, S_TSS2);
    gdt_set(w, S_TSS2 + 8, 0);
    expect_fault(w, VEC_GP, S_TSS2, R_FAR_TASK_LONG);
    world_free(w);
}

static void retf_to_an_outer_level_checks_its_stack(void **state)
{
    static const struct {
        uint16_t ss;
        unsigned vector, error, reason;
    } cases[] = {
        {3, VEC_GP, 0, R_RETURN_SS_NULL},
        {K_DATA, VEC_GP, K_DATA, R_RETURN_SS_RPL},
        {K_DATA | 3, VEC_GP, K_DATA, R_SS_DPL},
        {U_CODE, VEC_GP, U_CODE & ~3, R_SS_TYPE},
        {S_SPARE | 3, VEC_SS, S_SPARE, R_SS_NOT_PRESENT},
        {0x1fb, VEC_GP, 0x1f8, R_SEL_LIMIT},
    };
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    gdt_set(w, S_SPARE, desc(0, 0xfffff, 0xc072));
    c->gpr[RSP] = STACK0 - 16;
    store32(w->ram + STACK0 - 16, HANDLER);
    store32(w->ram + STACK0 - 12, U_CODE);
    store32(w->ram + STACK0 - 8, STACK3);
    CODE_BYTES(w, 0xcb);
    for (unsigned n = 0; n < ARRAY_SIZE(cases); n++) {
        store32(w->ram + STACK0 - 4, cases[n].ss);
        expect_fault(w, cases[n].vector, cases[n].error, cases[n].reason);
        assert_int_equal(c->cpl, 0);
    }
    store32(w->ram + STACK0 - 4, U_DATA);
    assert_true(step(w));
    assert_int_equal(c->cpl, 3);
    CODE_BYTES(w, 0xcb); /* and never inwards */
    store32(w->ram + STACK3, CODE);
    store32(w->ram + STACK3 + 4, K_CODE);
    expect_fault(w, VEC_GP, K_CODE, R_RETURN_INWARD);
    world_free(w);
}

static void a_gate_to_the_same_level_pushes_on_the_stack_in_use(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    gdt_set(w, S_GATE, gate(S_CONFORMING, HANDLER, 0xec) | 5ull << 32);
    at_level(w, 3);
    CODE_BYTES(w, 0x9a, 0, 0, 0, 0, S_GATE | 3, 0);
    assert_true(step(w));
    assert_int_equal(c->cpl, 3);
    assert_int_equal(c->seg[CS].selector, S_CONFORMING | 3);
    assert_int_equal(c->gpr[RSP], STACK3 - 8);
    assert_int_equal(stack32(w, 0), CODE + 7);
    world_free(w);
}

/* ---- tasks ---- */

static void fill_tss2(struct world *w, uint32_t flags)
{
    uint8_t *t = w->ram + TSS2;

    memset(t, 0, 0x68);
    store32(t + 0x20, HANDLER);
    store32(t + 0x24, flags);
    for (unsigned n = 0; n < 8; n++)
        store32(t + 0x28 + 4 * n, 0x1000 * (n + 1));
    store32(t + 0x38, 0xc000); /* ESP */
    for (unsigned n = 0; n < SREGS; n++)
        store32(t + 0x48 + 4 * n, n == CS ? K_CODE : K_DATA);
    store32(t + 0x60, S_LDT);
    gdt_set(w, S_TSS2, desc(TSS2, 0x67, 0x89));
    gdt_set(w, S_TSS, desc(TSS, 0x67, 0x8b));
}

static unsigned tss_type(struct world *w, unsigned selector)
{
    return load64(w->ram + GDT + selector) >> 40 & 0x1f;
}

static void jmp_to_a_tss_saves_the_old_task_and_loads_the_new(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    fill_tss2(w, FLAG_IF | FLAG_CF | 2);
    c->gpr[RAX] = 0x12345678;
    c->gpr[RDI] = 0x9abcdef0;
    c->dr[7] = 0x755;
    far_jmp(w, S_TSS2);
    assert_true(step(w));
    assert_int_equal(load32(w->ram + TSS + 0x20), CODE + 7);
    assert_int_equal(load32(w->ram + TSS + 0x28), 0x12345678);
    assert_int_equal(load32(w->ram + TSS + 0x44), 0x9abcdef0);
    assert_int_equal(load32(w->ram + TSS + 0x38), STACK0);
    assert_int_equal(load16(w->ram + TSS + 0x4c), K_CODE);
    assert_int_equal(tss_type(w, S_TSS), SYS_TSS32);
    assert_int_equal(tss_type(w, S_TSS2), SYS_TSS32_BUSY);
    assert_int_equal(c->tr.selector, S_TSS2);
    assert_int_equal(c->rip, HANDLER);
    assert_int_equal(c->gpr[RAX], 0x1000);
    assert_int_equal(c->gpr[RDI], 0x8000);
    assert_int_equal(c->gpr[RSP], 0xc000);
    assert_int_equal(cpu_flags(c), FLAG_IF | FLAG_CF | 2);
    assert_int_equal(c->ldtr.selector, S_LDT);
    assert_true(c->ldtr.usable);
    assert_true(c->cr0 & CR0_TS);
    assert_int_equal(c->dr[7], 0x600);

    c->rip = CODE;
    far_jmp(w, S_TSS2);
    expect_fault(w, VEC_GP, S_TSS2, R_TASK_BUSY);
    world_free(w);
}

static void a_jump_to_a_tss_in_the_ldt_is_refused(void **state)
{
    struct world *w = world_protected();
    (void)state;

    fill_tss2(w, 2);
    store64(w->ram + LDT + 8, desc(TSS2, 0x67, 0x89));
    w->cpu.ldtr = (struct segment){
        .selector = S_LDT, .base = LDT, .limit = 0x1f, .attr = 0x82, .usable = true};
    far_jmp(w, 8 | SEL_TI);
    expect_fault(w, VEC_GP, 8 | SEL_TI, R_TASK_IN_LDT);
    world_free(w);
}

static void call_nests_a_task_and_iret_returns_to_it(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    fill_tss2(w, 2);
    CODE_BYTES(w, 0x9a, 0, 0, 0, 0, S_TSS2, 0);
    c->gpr[RBX] = 0xb00b;
    assert_true(step(w));
    assert_int_equal(load16(w->ram + TSS2), S_TSS);
    assert_int_equal(tss_type(w, S_TSS), SYS_TSS32_BUSY);
    assert_int_equal(c->eflags & FLAG_NT, FLAG_NT);
    CODE_BYTES(w, 0xcf);
    assert_true(step(w));
    assert_int_equal(c->tr.selector, S_TSS);
    assert_int_equal(c->rip, CODE + 7);
    assert_int_equal(c->gpr[RBX], 0xb00b);
    assert_int_equal(tss_type(w, S_TSS2), SYS_TSS32);
    assert_int_equal(tss_type(w, S_TSS), SYS_TSS32_BUSY);
    assert_int_equal(c->eflags & FLAG_NT, 0);
    assert_int_equal(load32(w->ram + TSS2 + 0x24) & FLAG_NT, 0);
    world_free(w);
}

static void an_exception_through_a_task_gate_pushes_its_error_code_there(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    fill_tss2(w, 2);
    idt_set(w, VEC_GP, S_TSS2, 0, 0x85);
    c->gpr[RAX] = 0x1238;
    CODE_BYTES(w, 0x8e, 0xd8);
    assert_false(step(w));
    assert_true(step(w));
    assert_int_equal(c->tr.selector, S_TSS2);
    assert_int_equal(c->gpr[RSP], 0xbffc);
    assert_int_equal(stack32(w, 0), 0x1238);
    assert_int_equal(load32(w->ram + TSS + 0x20), CODE);
    assert_int_equal(load32(w->ram + TSS + 0x24), FLAG_RF | 2);
    world_free(w);
}

static void a_bad_segment_faults_in_the_new_task(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    fill_tss2(w, 2);
    store32(w->ram + TSS2 + 0x54, S_TSS); /* DS */
    far_jmp(w, S_TSS2);
    assert_false(step(w));
    assert_int_equal(c->event.vector, VEC_TS);
    assert_int_equal(c->event.error, S_TSS);
    assert_int_equal(c->event.reason, R_DATA_SYSTEM);
    assert_int_equal(c->tr.selector, S_TSS2);
    assert_int_equal(c->rip, HANDLER);
    assert_true(step(w));
    assert_int_equal(stack32(w, 1), HANDLER);
    world_free(w);
}

static void a_short_tss_or_one_not_present_faults_before_the_switch(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    far_jmp(w, S_TSS2);
    gdt_set(w, S_TSS2, desc(TSS2, 0x66, 0x89));
    expect_fault(w, VEC_TS, S_TSS2, R_TS_LIMIT);
    gdt_set(w, S_TSS2, desc(TSS2, 0x67, 0x09));
    expect_fault(w, VEC_NP, S_TSS2, R_NP_TSS);
    assert_int_equal(c->tr.selector, S_TSS);
    at_level(w, 3);
    gdt_set(w, S_TSS2, desc(TSS2, 0x67, 0x89));
    expect_fault(w, VEC_GP, S_TSS2, R_TASK_CPL);
    world_free(w);
}

static void a_task_may_run_in_virtual_8086_mode_at_the_t_bits_trap(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    fill_tss2(w, FLAG_VM | 2);
    store32(w->ram + TSS2 + 0x20, 0x12);
    store16(w->ram + TSS2 + 0x4c, 0x900);
    store16(w->ram + TSS2 + 0x64, 1);
    far_jmp(w, S_TSS2);
    assert_true(step(w));
    assert_true(cpu_vm86(c));
    assert_int_equal(c->cpl, 3);
    assert_int_equal(c->seg[CS].base, 0x9000);
    assert_int_equal(c->seg[DS].attr, 0xf3);
    assert_int_equal(c->pending_debug, DR6_BT);
    world_free(w);
}

static void a_16_bit_task_saves_and_loads_words(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    uint8_t *t = w->ram + TSS2;
    (void)state;

    memset(t, 0, 0x68);
    store16(t + 0x0e, HANDLER);
    store16(t + 0x10, 2);
    store16(t + 0x12, 0x7777);
    store16(t + 0x1a, 0xc000);
    store16(t + 0x22, K_DATA);
    store16(t + 0x24, K_CODE16);
    store16(t + 0x26, K_DATA16);
    store16(t + 0x28, K_DATA);
    gdt_set(w, S_TSS2, desc(TSS2, 0x2b, 0x81));
    CODE_BYTES(w, 0x9a, 0, 0, 0, 0, S_TSS2, 0);
    assert_true(step(w));
    assert_int_equal(c->rip, HANDLER);
    assert_int_equal(c->gpr[RAX], 0x7777);
    assert_false(c->seg[FS].usable);
    assert_false(c->mode & MODE_CODE32);
    c->gpr[RAX] = 0x1112222;
    CODE_BYTES(w, 0xcf);
    assert_true(step(w));
    assert_int_equal(c->tr.selector, S_TSS);
    assert_int_equal(load16(t + 0x12), 0x2222);
    assert_int_equal(load16(t + 0x14), 0); /* CX: not run over */
    assert_int_equal(load16(t + 0x0e), HANDLER + 1);
    world_free(w);
}

/* Each task has its own page tables: the new code runs in the new address space. */
static void a_task_switch_loads_cr3_when_paging_is_on(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    fill_tss2(w, 2);
    for (unsigned n = 0; n < 2; n++) /* 4 MiB pages, PSE */
        store32(w->ram + PML4 + 0x1000 * n, 0x83);
    store32(w->ram + TSS2 + 0x1c, PML4 + 0x1000);
    far_jmp(w, S_TSS2);
    assert_true(step(w));
    assert_int_equal(c->cr3, 0); /* paging was off */

    fill_tss2(w, 2);
    store32(w->ram + TSS2 + 0x1c, PML4 + 0x1000);
    c->tr.base = TSS;
    c->tr.selector = S_TSS;
    c->rip = CODE;
    c->cr3 = PML4;
    c->cr4 |= CR4_PSE;
    c->cr0 |= CR0_PG;
    cpu_derive(c);
    assert_true(step(w));
    assert_int_equal(c->cr3, PML4 + 0x1000);
    assert_int_equal(c->mmu.paging.cr3, PML4 + 0x1000);
    assert_int_equal(c->rip, HANDLER);
    world_free(w);
}

static void iret_refuses_a_link_to_a_task_that_is_not_busy(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    c->eflags |= FLAG_NT;
    CODE_BYTES(w, 0xcf);
    store16(w->ram + TSS, S_TSS2);
    expect_fault(w, VEC_TS, S_TSS2, R_TS_LINK_TYPE);
    store16(w->ram + TSS, S_TSS2 | SEL_TI);
    expect_fault(w, VEC_TS, S_TSS2 | SEL_TI, R_TS_LINK);
    store16(w->ram + TSS, 0x1f8);
    expect_fault(w, VEC_TS, 0x1f8, R_SEL_LIMIT);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_far_call_in_real_mode_pushes_cs_ip_and_retf_releases_parameters),
        cmocka_unit_test(far_jumps_to_code_keep_cpl_and_check_privilege),
        cmocka_unit_test(a_far_pointer_in_memory_wraps_with_the_address),
        cmocka_unit_test(a_call_gate_to_level_0_copies_parameters_and_retf_drops_them),
        cmocka_unit_test(a_call_gate_copies_31_parameters),
        cmocka_unit_test(a_16_bit_gate_switches_to_a_16_bit_frame),
        cmocka_unit_test(gates_check_their_own_privilege_before_their_targets),
        cmocka_unit_test(a_64_bit_call_gate_switches_stacks_without_a_stack_segment),
        cmocka_unit_test(a_far_jump_leaves_64_bit_mode_for_compatibility_mode),
        cmocka_unit_test(retf_to_an_outer_level_checks_its_stack),
        cmocka_unit_test(a_gate_to_the_same_level_pushes_on_the_stack_in_use),
        cmocka_unit_test(jmp_to_a_tss_saves_the_old_task_and_loads_the_new),
        cmocka_unit_test(a_jump_to_a_tss_in_the_ldt_is_refused),
        cmocka_unit_test(call_nests_a_task_and_iret_returns_to_it),
        cmocka_unit_test(an_exception_through_a_task_gate_pushes_its_error_code_there),
        cmocka_unit_test(a_bad_segment_faults_in_the_new_task),
        cmocka_unit_test(a_short_tss_or_one_not_present_faults_before_the_switch),
        cmocka_unit_test(a_task_may_run_in_virtual_8086_mode_at_the_t_bits_trap),
        cmocka_unit_test(a_16_bit_task_saves_and_loads_words),
        cmocka_unit_test(a_task_switch_loads_cr3_when_paging_is_on),
        cmocka_unit_test(iret_refuses_a_link_to_a_task_that_is_not_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
