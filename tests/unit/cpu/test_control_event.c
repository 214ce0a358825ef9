/* Interrupts and exceptions on their way to a handler and back. */
#include "control_world.h"

static void a_real_mode_int_goes_through_the_table_and_iret_comes_back(void **state)
{
    struct world *w = world_new();
    struct cpu *c = &w->cpu;
    (void)state;

    store16(w->ram + 0x21 * 4, 0x0010);
    store16(w->ram + 0x21 * 4 + 2, 0x0900);
    cpu_set_flags(c, FLAG_IF | FLAG_CF | FLAG_DF | 2);
    CODE_BYTES(w, 0xcd, 0x21);
    assert_true(step(w));
    assert_int_equal(c->seg[CS].selector, 0x900);
    assert_int_equal(c->seg[CS].base, 0x9000);
    assert_int_equal(c->rip, 0x10);
    assert_int_equal(cpu_flags(c), FLAG_CF | FLAG_DF | 2);
    assert_int_equal(c->gpr[RSP], STACK0 - 6);
    assert_int_equal(load16(w->ram + STACK0 - 2), FLAG_IF | FLAG_CF | FLAG_DF | 2);
    assert_int_equal(load16(w->ram + STACK0 - 4), 0);
    assert_int_equal(load16(w->ram + STACK0 - 6), CODE + 2);

    CODE_BYTES(w, 0xcf);
    assert_true(step(w));
    assert_int_equal(c->rip, CODE + 2);
    assert_int_equal(c->seg[CS].selector, 0);
    assert_int_equal(cpu_flags(c), FLAG_IF | FLAG_CF | FLAG_DF | 2);
    assert_int_equal(c->gpr[RSP], STACK0);
    world_free(w);
}

/* 8086 programs with SP = 4 wrap inside the frame. */
static void a_real_mode_frame_wraps_at_64_kib(void **state)
{
    struct world *w = world_new();
    struct cpu *c = &w->cpu;
    (void)state;

    c->gpr[RSP] = 0xabcd0004;
    c->seg[SS].base = 0x40000;
    CODE_BYTES(w, 0xcd, 0x21);
    assert_true(step(w));
    assert_int_equal(c->gpr[RSP], 0xabcdfffe);
    assert_int_equal(load16(w->ram + 0x40002), 2);
    assert_int_equal(load16(w->ram + 0x40000), 0);
    assert_int_equal(load16(w->ram + 0x4fffe), CODE + 2);
    world_free(w);
}

static void an_interrupt_from_user_code_switches_to_the_stack_of_the_tss(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    at_level(w, 3);
    cpu_set_flags(c, FLAG_IF | FLAG_NT | FLAG_TF | 2);
    idt_set(w, 0x40, K_CODE, HANDLER, 0x8e);
    c->escape = &w->escape;
    if (setjmp(w->escape) == 0)
        event_interrupt(c, 0x40);
    assert_false(c->raised);
    assert_int_equal(c->cpl, 0);
    assert_int_equal(c->seg[CS].selector, K_CODE);
    assert_int_equal(c->seg[SS].selector, K_DATA);
    assert_int_equal(c->gpr[RSP], STACK0 - 20);
    assert_int_equal(stack32(w, 0), CODE);
    assert_int_equal(stack32(w, 1), U_CODE);
    assert_int_equal(stack32(w, 2), FLAG_IF | FLAG_NT | FLAG_TF | 2);
    assert_int_equal(stack32(w, 3), STACK3);
    assert_int_equal(stack32(w, 4), U_DATA);
    assert_int_equal(c->eflags, 2);
    assert_int_equal(c->rip, HANDLER);

    force(w, DS, K_DATA); /* the handler's own */
    CODE_BYTES(w, 0xcf);
    assert_true(step(w));
    assert_int_equal(c->cpl, 3);
    assert_int_equal(c->rip, CODE);
    assert_int_equal(c->gpr[RSP], STACK3);
    assert_int_equal(c->seg[DS].selector, 0);
    assert_false(c->seg[DS].usable);
    assert_int_equal(c->seg[ES].selector, U_DATA);
    assert_true(c->seg[ES].usable);
    assert_int_equal(c->eflags, FLAG_IF | FLAG_NT | FLAG_TF | 2);
    world_free(w);
}

static void int_n_asks_for_the_gates_dpl_and_interrupts_do_not(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    at_level(w, 3);
    idt_set(w, 0x80, K_CODE, HANDLER, 0x8e);
    CODE_BYTES(w, 0xcd, 0x80);
    expect_fault(w, VEC_GP, 0x80 * 8 + 2, R_IDT_DPL);
    idt_set(w, 0x80, K_CODE, HANDLER, 0xee);
    assert_true(step(w));
    assert_int_equal(c->cpl, 0);
    assert_int_equal(stack32(w, 0), CODE + 2);
    world_free(w);
}

static void a_fault_pushes_rf_and_its_error_code(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    CODE_BYTES(w, 0x8e, 0xd8); /* MOV DS, AX */
    c->gpr[RAX] = 0x1234;
    assert_false(step(w));
    assert_true(step(w));
    assert_int_equal(stack32(w, 0), 0x1234);
    assert_int_equal(stack32(w, 1), CODE);
    assert_int_equal(stack32(w, 3), FLAG_RF | 2);
    assert_int_equal(c->eflags, 2);
    assert_int_equal(c->rip, HANDLER + VEC_GP * 16);
    world_free(w);
}

static void a_trap_gate_leaves_if_alone(void **state)
{
    struct world *w = world_protected();
    (void)state;

    idt_set(w, 3, K_CODE, HANDLER, 0x8f);
    cpu_set_flags(&w->cpu, FLAG_IF | 2);
    CODE_BYTES(w, 0xcc);
    assert_true(step(w));
    assert_int_equal(w->cpu.eflags, FLAG_IF | 2);
    world_free(w);
}

static void a_16_bit_gate_pushes_words(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    idt_set(w, 3, K_CODE, 0xffff0000 | HANDLER, 0x86);
    CODE_BYTES(w, 0xcc);
    assert_true(step(w));
    assert_int_equal(c->gpr[RSP], STACK0 - 6);
    assert_int_equal(load16(w->ram + c->gpr[RSP]), CODE + 1);
    assert_int_equal(load16(w->ram + c->gpr[RSP] + 2), K_CODE);
    assert_int_equal(c->rip, HANDLER);
    world_free(w);
}

/* Errors of the delivery itself: EXT tells hardware events from INT n. */
static void ext_is_set_when_an_interrupt_cannot_be_delivered(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    idt_set(w, 0x40, K_CODE, HANDLER, 0x0e);
    c->escape = &w->escape;
    if (setjmp(w->escape) == 0)
        event_interrupt(c, 0x40);
    assert_true(c->raised);
    assert_int_equal(c->event.vector, VEC_NP);
    assert_int_equal(c->event.error, 0x40 * 8 + 2 + 1);
    assert_int_equal(c->event.reason, R_IDT_NOT_PRESENT);
    c->raised = false;
    CODE_BYTES(w, 0xcd, 0x40);
    expect_fault(w, VEC_NP, 0x40 * 8 + 2, R_IDT_NOT_PRESENT);
    world_free(w);
}

struct refused {
    uint16_t selector;
    unsigned attr;
    unsigned vector, error, reason;
};

static void handlers_code_segments_are_checked_in_the_manuals_order(void **state)
{
    static const struct refused cases[] = {
        {0, 0xee, VEC_GP, 0, R_HANDLER_NULL},
        {0x3, 0xee, VEC_GP, 0, R_HANDLER_NULL},
        {0x1f8, 0xee, VEC_GP, 0x1f8, R_SEL_LIMIT},
        {K_DATA, 0xee, VEC_GP, K_DATA, R_CS_TYPE},
        {S_TSS, 0xee, VEC_GP, S_TSS, R_CS_TYPE},
        {U_CODE, 0xee, VEC_GP, U_CODE & ~3, R_HANDLER_DPL},
        {S_SPARE, 0xee, VEC_NP, S_SPARE, R_NP_CODE},
        {K_CODE, 0xe4, VEC_GP, 0x80 * 8 + 2, R_IDT_TYPE},
        {K_CODE, 0xec, VEC_GP, 0x80 * 8 + 2, R_IDT_TYPE},
        {K_CODE, 0xfe, VEC_GP, 0x80 * 8 + 2, R_IDT_TYPE}, /* S set */
    };
    struct world *w = world_protected();
    (void)state;

    gdt_set(w, S_SPARE, desc(0, 0xfffff, 0xc01a));
    CODE_BYTES(w, 0xcd, 0x80);
    for (unsigned n = 0; n < ARRAY_SIZE(cases); n++) {
        idt_set(w, 0x80, cases[n].selector, HANDLER, cases[n].attr);
        expect_fault(w, cases[n].vector, cases[n].error, cases[n].reason);
    }
    world_free(w);
}

static void inner_stacks_from_the_tss_are_checked(void **state)
{
    static const struct refused cases[] = {
        {0, 0, VEC_TS, 0, R_TS_STACK_NULL},
        {0x1f8, 0, VEC_TS, 0x1f8, R_SEL_LIMIT},
        {K_DATA | 1, 0, VEC_TS, K_DATA, R_TS_STACK_RPL},
        {K_CODE, 0, VEC_TS, K_CODE, R_SS_TYPE},
        {U_DATA & ~3, 0, VEC_TS, U_DATA & ~3, R_SS_DPL},
        {S_SPARE, 0, VEC_SS, S_SPARE, R_SS_NOT_PRESENT},
    };
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    at_level(w, 3);
    gdt_set(w, S_SPARE, desc(0, 0xfffff, 0xc012));
    idt_set(w, 0x80, K_CODE, HANDLER, 0xee);
    CODE_BYTES(w, 0xcd, 0x80);
    for (unsigned n = 0; n < ARRAY_SIZE(cases); n++) {
        store16(w->ram + TSS + 8, cases[n].selector);
        expect_fault(w, cases[n].vector, cases[n].error, cases[n].reason);
        assert_int_equal(c->cpl, 3);
        assert_int_equal(c->gpr[RSP], STACK3);
    }
    gdt_set(w, S_SPARE, desc(0, STACK0 - 0x11, 0x4092));
    store16(w->ram + TSS + 8, S_SPARE);
    expect_fault(w, VEC_SS, S_SPARE, R_SS_LIMIT);
    c->tr.limit = 8;
    expect_fault(w, VEC_TS, S_TSS, R_TS_STACK_LIMIT);
    world_free(w);
}

/* ---- escalation ---- */

static void contributory_after_contributory_is_a_double_fault_then_shutdown(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    idt_set(w, VEC_GP, 0, 0, 0x8e);  /* a null code segment: #GP */
    idt_set(w, VEC_DF, K_CODE, HANDLER, 0x8e);
    c->gpr[RAX] = 0x1000;
    CODE_BYTES(w, 0x8e, 0xd8);
    assert_false(step(w));
    assert_false(step(w));
    assert_true(c->raised);
    assert_int_equal(c->event.vector, VEC_DF);
    assert_int_equal(c->event.operand[0], VEC_GP);
    assert_int_equal(c->event.operand[1], VEC_GP);
    assert_true(step(w));
    assert_int_equal(stack32(w, 0), 0);
    assert_int_equal(stack32(w, 1), CODE);
    assert_int_equal(w->triple_faults, 0);

    at_level(w, 0);
    c->rip = CODE;
    idt_set(w, VEC_DF, K_CODE, HANDLER, 0x0e); /* not present */
    assert_false(step(w));
    assert_false(step(w));
    assert_false(step(w));
    assert_int_equal(w->triple_faults, 1);
    assert_int_equal(c->activity, ACTIVITY_SHUTDOWN);
    assert_false(c->raised);
    assert_int_equal(c->fault_count, 4);
    assert_int_equal(c->faults[0].reason, R_SEL_LIMIT);
    assert_int_equal(c->faults[1].reason, R_HANDLER_NULL);
    assert_int_equal(c->faults[2].reason, R_DF_ESCALATED);
    assert_int_equal(c->faults[3].reason, R_IDT_NOT_PRESENT);
    world_free(w);
}

/* #UD is benign: the #GP of its delivery is told as a #GP, whose #GP makes the #DF. */
static void the_chain_of_a_triple_fault_begins_with_the_first_fault(void **state)
{
    static const uint8_t vectors[] = {VEC_UD, VEC_GP, VEC_GP, VEC_DF, VEC_GP};
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    c->idtr_limit = 0;
    CODE_BYTES(w, 0x0f, 0x0b); /* UD2 */
    for (unsigned n = 0; n < 4; n++)
        assert_false(step(w));
    assert_int_equal(w->triple_faults, 1);
    assert_int_equal(c->fault_count, ARRAY_SIZE(vectors));
    for (unsigned n = 0; n < ARRAY_SIZE(vectors); n++)
        assert_int_equal(c->faults[n].vector, vectors[n]);
    world_free(w);
}

/* Table 6-5, all classes. */
static void escalation_follows_the_table(void **state)
{
    enum { B, C, P }; /* benign, contributory, page fault */
    static const uint8_t vector[] = {VEC_UD, VEC_NP, VEC_PF};
    static const bool doubles[3][3] = {
        [B] = {0, 0, 0}, [C] = {0, 1, 0}, [P] = {0, 1, 1}};
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    for (unsigned first = B; first <= P; first++)
        for (unsigned second = B; second <= P; second++) {
            c->event = (struct cpu_event){.kind = EVENT_FAULT, .vector = vector[first]};
            c->delivering = true;
            c->escape = &w->escape;
            c->cr2 = 0;
            if (setjmp(w->escape) == 0) {
                if (second == P)
                    raise_page_fault(c, 0x5000);
                raise_fault(c, vector[second], 0, R_UD_UD2, 0, 0, 0);
            }
            assert_true(c->raised);
            assert_false(c->delivering);
            assert_int_equal(c->event.vector,
                             doubles[first][second] ? VEC_DF : vector[second]);
        }
    world_free(w);
}

static void nothing_has_changed_when_the_handlers_stack_is_not_mapped(void **state)
{
    struct world *w = world_long();
    struct cpu *c = &w->cpu;
    struct segment before[SREGS];
    uint64_t gpr[16];
    (void)state;

    user64(w);
    store64(w->ram + TSS + 4, 0x40000010); /* the frame's lower part */
    idt_set64(w, 0x80, K_CODE64, HANDLER, 0xee, 0);
    CODE_BYTES(w, 0xcd, 0x80);
    cpu_set_flags(c, FLAG_IF | FLAG_CF | 2);
    memcpy(before, c->seg, sizeof before);
    memcpy(gpr, c->gpr, sizeof gpr);
    assert_false(step(w));
    assert_int_equal(c->event.vector, VEC_PF);
    assert_int_equal(c->event.error, 2); /* not present, write, supervisor */
    assert_memory_equal(before, c->seg, sizeof before);
    assert_memory_equal(gpr, c->gpr, sizeof gpr);
    assert_int_equal(cpu_flags(c), FLAG_IF | FLAG_CF | 2);
    assert_int_equal(c->cpl, 3);
    assert_int_equal(c->rip, CODE);
    world_free(w);
}

/* ---- 64-bit mode ---- */

static void a_64_bit_handler_gets_an_aligned_stack_and_a_null_ss(void **state)
{
    struct world *w = world_long();
    struct cpu *c = &w->cpu;
    (void)state;

    user64(w);
    c->gpr[RSP] = STACK3 + 3;
    idt_set64(w, 0x80, K_CODE64, HANDLER, 0xee, 1);
    CODE_BYTES(w, 0xcd, 0x80);
    cpu_set_flags(c, FLAG_IF | 2);
    assert_true(step(w));
    assert_int_equal(c->cpl, 0);
    assert_int_equal(c->gpr[RSP], 0xc000 - 40);
    assert_int_equal(c->seg[SS].selector, 0);
    assert_false(c->seg[SS].usable);
    assert_int_equal(stack64(w, 0), CODE + 2);
    assert_int_equal(stack64(w, 1), U_CODE64);
    assert_int_equal(stack64(w, 2), FLAG_IF | 2);
    assert_int_equal(stack64(w, 3), STACK3 + 3);
    assert_int_equal(stack64(w, 4), U_DATA);

    CODE_BYTES(w, 0x48, 0xcf);
    assert_true(step(w));
    assert_int_equal(c->cpl, 3);
    assert_int_equal(c->rip, CODE + 2);
    assert_int_equal(c->gpr[RSP], STACK3 + 3);
    assert_int_equal(c->seg[SS].selector, U_DATA);
    assert_true(cpu_code64(c));
    world_free(w);
}

/* The IDT's base need not be aligned; the gate's last byte, reserved, alone lies on a page
 * that is not present. */
static void all_sixteen_bytes_of_a_gate_are_read(void **state)
{
    enum { PAGES = PML4 + 0x3000, FRAME = 0x60000, LA = 0x200000, VECTOR = 0x80 };
    struct world *w = world_long();
    struct cpu *c = &w->cpu;
    (void)state;

    store64(w->ram + PML4 + 0x2000 + 8, PAGES | 7);
    store64(w->ram + PAGES, FRAME | 7);
    idt_set64(w, VECTOR, K_CODE64, HANDLER, 0x8e, 0);
    memcpy(w->ram + FRAME + PAGE - 15, w->ram + IDT + VECTOR * 16, 15);
    c->idtr_base = LA + PAGE - 15 - VECTOR * 16;
    CODE_BYTES(w, 0xcd, VECTOR);
    assert_false(step(w));
    assert_int_equal(c->event.vector, VEC_PF);
    assert_int_equal(c->event.error, 0); /* not present, read, supervisor */
    assert_int_equal(c->event.linear, LA + PAGE);
    world_free(w);
}

static void iretq_at_level_0_takes_a_null_ss_and_at_level_3_refuses_it(void **state)
{
    struct world *w = world_long();
    struct cpu *c = &w->cpu;
    (void)state;

    c->gpr[RSP] = STACK0;
    store64(w->ram + STACK0, 0x1234);
    store64(w->ram + STACK0 + 8, K_CODE64);
    store64(w->ram + STACK0 + 16, 2);
    store64(w->ram + STACK0 + 24, 0x5678);
    store64(w->ram + STACK0 + 32, 0);
    CODE_BYTES(w, 0x48, 0xcf);
    assert_true(step(w));
    assert_int_equal(c->rip, 0x1234);
    assert_int_equal(c->gpr[RSP], 0x5678);
    assert_false(c->seg[SS].usable);

    c->rip = CODE;
    c->gpr[RSP] = STACK0;
    store64(w->ram + STACK0 + 8, U_CODE64);
    store64(w->ram + STACK0 + 32, 3);
    expect_fault(w, VEC_GP, 0, R_RETURN_SS_NULL);
    store64(w->ram + STACK0 + 32, U_DATA);
    store64(w->ram + STACK0, 0x800000000000);
    expect_fault(w, VEC_GP, 0, R_GP_RIP_NONCANONICAL);
    store64(w->ram + STACK0, 0x1000);
    store64(w->ram + STACK0 + 16, FLAG_NT | 2);
    c->eflags |= FLAG_NT;
    expect_fault(w, VEC_GP, 0, R_GP_NT_LONG);
    world_free(w);
}

static void iretq_goes_to_compatibility_mode_and_interrupts_come_back(void **state)
{
    struct world *w = world_long();
    struct cpu *c = &w->cpu;
    (void)state;

    c->gpr[RSP] = STACK0;
    store64(w->ram + STACK0, CODE + 0x100);
    store64(w->ram + STACK0 + 8, U_CODE);
    store64(w->ram + STACK0 + 16, FLAG_IF | 2);
    store64(w->ram + STACK0 + 24, STACK3);
    store64(w->ram + STACK0 + 32, U_DATA);
    CODE_BYTES(w, 0x48, 0xcf);
    assert_true(step(w));
    assert_false(cpu_code64(c));
    assert_true(c->mode & MODE_CODE32);
    idt_set64(w, 0x80, K_CODE64, HANDLER, 0xee, 0);
    CODE_BYTES(w, 0xcd, 0x80);
    assert_true(step(w));
    assert_true(cpu_code64(c));
    assert_int_equal(stack64(w, 1), U_CODE);
    assert_int_equal(stack64(w, 3), STACK3);
    world_free(w);
}

static void long_mode_refuses_16_bit_gates_task_gates_and_32_bit_handlers(void **state)
{
    struct world *w = world_long();
    (void)state;

    CODE_BYTES(w, 0xcd, 0x80);
    idt_set64(w, 0x80, K_CODE64, HANDLER, 0xe6, 0);
    expect_fault(w, VEC_GP, 0x80 * 8 + 2, R_IDT_TYPE);
    idt_set64(w, 0x80, S_TSS, 0, 0xe5, 0);
    expect_fault(w, VEC_GP, 0x80 * 8 + 2, R_IDT_TYPE);
    idt_set64(w, 0x80, K_CODE, HANDLER, 0xee, 0);
    expect_fault(w, VEC_GP, K_CODE, R_HANDLER_NOT_64);
    idt_set64(w, 0x80, K_CODE64, 0x800000000000, 0xee, 0);
    expect_fault(w, VEC_GP, 0, R_GP_RIP_NONCANONICAL);
    world_free(w);
}

/* ---- virtual-8086 mode ---- */

static struct world *world_vm86(unsigned iopl)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    uint32_t frame[] = {CODE & 0xf, CODE >> 4, FLAG_VM | FLAG_IF | iopl << 12 | 2, 0x200,
                        0x4000, 0x1111, 0x2222, 0x3333, 0x4444};

    for (unsigned n = 0; n < ARRAY_SIZE(frame); n++)
        store32(w->ram + STACK0 - 0x100 + 4 * n, frame[n]);
    c->gpr[RSP] = STACK0 - 0x100;
    CODE_BYTES(w, 0xcf);
    assert_true(step(w));
    return w;
}

static void iret_to_virtual_8086_mode_pops_nine_doublewords(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    store32(w->ram + STACK0 - 0x100 + 8, FLAG_VM | 2);
    c->gpr[RSP] = STACK0 - 0x100;
    CODE_BYTES(w, 0xcf);
    c->seg[SS].limit = STACK0 - 0x100 + 35 - 1; /* GS's last byte lies outside */
    seg_derive(c, SS);
    expect_fault(w, VEC_SS, 0, R_SS_LIMIT);
    c->seg[SS].limit++;
    seg_derive(c, SS);
    assert_true(step(w));
    assert_true(cpu_vm86(c));
    world_free(w);
}

static void iret_enters_virtual_8086_mode_and_an_interrupt_leaves_it(void **state)
{
    struct world *w = world_vm86(0);
    struct cpu *c = &w->cpu;
    (void)state;

    assert_true(cpu_vm86(c));
    assert_false(cpu_protected(c));
    assert_int_equal(c->cpl, 3);
    assert_int_equal(c->seg[CS].base, CODE);
    assert_int_equal(c->seg[SS].base, 0x40000);
    assert_int_equal(c->seg[ES].selector, 0x1111);
    assert_int_equal(c->seg[DS].selector, 0x2222);
    assert_int_equal(c->seg[FS].selector, 0x3333);
    assert_int_equal(c->seg[GS].selector, 0x4444);
    assert_int_equal(c->seg[DS].limit, 0xffff);
    assert_int_equal(c->seg[DS].attr, 0xf3);

    CODE_BYTES(w, 0xcd, 0x21);
    expect_fault(w, VEC_GP, 0, R_GP_VM86_IOPL);
    c->raised = true;
    assert_true(step(w));
    assert_true(cpu_protected(c));
    assert_int_equal(c->cpl, 0);
    assert_int_equal(c->gpr[RSP], STACK0 - 40);
    assert_int_equal(stack32(w, 0), 0);
    assert_int_equal(stack32(w, 2), CODE >> 4);
    assert_int_equal(stack32(w, 3), FLAG_VM | FLAG_RF | FLAG_IF | 2);
    assert_int_equal(stack32(w, 4), 0x200);
    assert_int_equal(stack32(w, 5), 0x4000);
    assert_int_equal(stack32(w, 6), 0x1111);
    assert_int_equal(stack32(w, 9), 0x4444);
    assert_false(c->seg[DS].usable);
    assert_int_equal(c->seg[GS].selector, 0);
    world_free(w);
}

static void int3_in_virtual_8086_mode_needs_no_iopl_but_int_3_does(void **state)
{
    struct world *w = world_vm86(0);
    (void)state;

    idt_set(w, 3, K_CODE, HANDLER, 0xee);
    CODE_BYTES(w, 0xcd, 0x03);
    expect_fault(w, VEC_GP, 0, R_GP_VM86_IOPL);
    CODE_BYTES(w, 0xcc);
    assert_true(step(w));
    assert_int_equal(w->cpu.rip, HANDLER);
    world_free(w);
}

static void virtual_8086_handlers_must_be_nonconforming_level_0(void **state)
{
    struct world *w = world_vm86(3);
    (void)state;

    idt_set(w, 0x21, S_CONFORMING, HANDLER, 0xee);
    CODE_BYTES(w, 0xcd, 0x21);
    expect_fault(w, VEC_GP, S_CONFORMING, R_HANDLER_VM86);
    idt_set(w, 0x21, U_CODE, HANDLER, 0xee);
    expect_fault(w, VEC_GP, U_CODE & ~3, R_HANDLER_VM86);
    world_free(w);
}

static void vme_redirects_int_n_by_the_bitmap(void **state)
{
    struct world *w = world_vm86(0);
    struct cpu *c = &w->cpu;
    (void)state;

    c->cr4 |= CR4_VME;
    c->tr.limit = 0x200;
    store16(w->ram + TSS + 0x66, 0x90); /* bitmap at 70h */
    store16(w->ram + 0x21 * 4, 0x30);
    store16(w->ram + 0x21 * 4 + 2, 0x0700);
    c->eflags |= FLAG_VIF | FLAG_TF;
    CODE_BYTES(w, 0xcd, 0x21);
    assert_true(step(w));
    assert_true(cpu_vm86(c));
    assert_int_equal(c->rip, 0x30);
    assert_int_equal(c->seg[CS].base, 0x7000);
    assert_int_equal(c->gpr[RSP], 0x1fa);
    assert_int_equal(load16(w->ram + 0x401fe), FLAG_IF | FLAG_IOPL | FLAG_TF | 2);
    assert_int_equal(load16(w->ram + 0x401fc), CODE >> 4);
    assert_int_equal(load16(w->ram + 0x401fa), 2);
    assert_int_equal(c->eflags & (FLAG_VIF | FLAG_IF | FLAG_TF), FLAG_IF);

    CODE_BYTES(w, 0xcf); /* IF of the image comes back as VIF; TF refuses */
    expect_fault(w, VEC_GP, 0, R_VME_TF);
    store16(w->ram + 0x401fe, FLAG_IF | 2);
    assert_true(step(w));
    assert_int_equal(c->rip, 2);
    assert_int_equal(c->eflags & (FLAG_VIF | FLAG_IF), FLAG_VIF | FLAG_IF);

    w->ram[TSS + 0x70 + 0x21 / 8] = 1 << (0x21 & 7);
    c->rip = 0;
    expect_fault(w, VEC_GP, 0, R_GP_VM86_IOPL);
    world_free(w);
}

static void vme_cli_sti_pushf_popf_use_vif(void **state)
{
    struct world *w = world_vm86(1);
    struct cpu *c = &w->cpu;
    (void)state;

    CODE_BYTES(w, 0xfa);
    expect_fault(w, VEC_GP, 0, R_GP_VM86_IOPL);
    c->cr4 |= CR4_VME;
    CODE_BYTES(w, 0xfb, 0x9c, 0xfa, 0x9d, 0x66, 0x9c);
    assert_true(step(w)); /* STI */
    assert_int_equal(c->eflags & (FLAG_VIF | FLAG_IF), FLAG_VIF | FLAG_IF);
    assert_true(step(w)); /* PUSHF */
    assert_int_equal(load16(w->ram + 0x401fe), FLAG_IF | FLAG_IOPL | 2);
    assert_true(step(w)); /* CLI */
    assert_int_equal(c->eflags & (FLAG_VIF | FLAG_IF), FLAG_IF);
    c->eflags |= FLAG_VIP;
    expect_fault(w, VEC_GP, 0, R_VME_VIP); /* POPF */
    c->eflags &= ~(uint32_t)FLAG_VIP;
    assert_true(step(w));
    assert_int_equal(c->eflags & (FLAG_VIF | FLAG_IF), FLAG_VIF | FLAG_IF);
    assert_int_equal(c->eflags & FLAG_IOPL, 1 << 12);
    expect_fault(w, VEC_GP, 0, R_GP_VM86_IOPL); /* PUSHFD */
    world_free(w);
}

/* ---- IF and the flags image ---- */

static void popf_changes_if_by_iopl_and_iopl_by_cpl(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    for (unsigned cpl = 0; cpl <= 3; cpl += 3)
        for (unsigned iopl = 0; iopl < 4; iopl++) {
            uint32_t want = FLAG_AC | FLAG_ID | FLAG_NT;
            at_level(w, cpl);
            c->rip = CODE;
            cpu_set_flags(c, iopl << 12 | FLAG_VIP | 2);
            CODE_BYTES(w, 0x9d);
            store32(w->ram + c->gpr[RSP], 0xffffffff & ~(uint32_t)FLAG_TF);
            assert_true(step(w));
            want |= cpl <= iopl ? FLAG_IF : 0;
            want |= cpl == 0 ? FLAG_IOPL : iopl << 12;
            assert_int_equal(cpu_flags(c), want | FLAG_VIP | FLAGS_ARITH | FLAG_DF | 2);
        }
    world_free(w);
}

static void cli_and_sti_ask_iopl_and_sti_casts_a_shadow(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    at_level(w, 3);
    CODE_BYTES(w, 0xfa);
    expect_fault(w, VEC_GP, 0, R_GP_IOPL);
    c->cr4 |= CR4_PVI;
    c->eflags |= FLAG_VIF | FLAG_IF;
    assert_true(step(w));
    assert_int_equal(c->eflags & (FLAG_IF | FLAG_VIF), FLAG_IF);
    at_level(w, 0);
    c->eflags = 2;
    c->shadow_end = 0;
    CODE_BYTES(w, 0xfb, 0xfb);
    assert_true(step(w));
    assert_int_equal(c->shadow_end, cpu_retired(c) + 2);
    assert_int_equal(c->eflags & FLAG_IF, FLAG_IF);
    c->shadow_end = 0; /* IF is set: a second STI casts none */
    assert_true(step(w));
    assert_int_equal(c->shadow_end, 0);
    world_free(w);
}

static void an_nmi_is_blocked_until_iret_even_a_faulting_one(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    c->escape = &w->escape;
    if (setjmp(w->escape) == 0)
        event_nmi(c);
    assert_true(c->nmi_blocked);
    assert_int_equal(c->rip, HANDLER + 2 * 16);
    CODE_BYTES(w, 0xcf);
    store32(w->ram + c->gpr[RSP] + 4, 0);
    expect_fault(w, VEC_GP, 0, R_RETURN_CS_NULL);
    assert_false(c->nmi_blocked);
    world_free(w);
}

static void a_debug_trap_pushes_the_next_rip_and_clears_general_detect(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    struct cpu_event seen;
    (void)state;

    idt_set(w, VEC_DB, K_CODE, 0x12340, 0x8e);
    c->dr[7] |= DR7_GD;
    c->escape = &w->escape;
    if (setjmp(w->escape) == 0)
        raise_trap(c, VEC_DB, R_DB_STEP, 1 << 14);
    assert_true(c->raised);
    seen = c->event;
    assert_int_equal(seen.kind, EVENT_TRAP);
    assert_true(step(w));
    assert_int_equal(c->rip, 0x12340);
    assert_int_equal(stack32(w, 0), CODE);
    assert_int_equal(stack32(w, 2) & FLAG_RF, 0);
    assert_int_equal(c->dr[7], 0x400);
    world_free(w);
}

/* ---- words ---- */

static void a_fault_is_explained_with_its_descriptor_or_walk(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    char text[1000], tiny[8];
    (void)state;

    at_level(w, 3);
    c->gpr[RAX] = K_DATA | 3;
    CODE_BYTES(w, 0x8e, 0xd8);
    expect_fault(w, VEC_GP, K_DATA, R_DATA_RPL);
    fault_explain(c, &c->event, text, sizeof text);
    assert_string_equal(
        text, "#GP(0010h) at 001b:00008000: the data segment selector 0013h has RPL 3 but "
              "its descriptor has DPL 0 (SDM vol 3A 5.5)\n"
              "  GDT entry at 1010h: 00cf92000000ffffh: writable data, 32-bit, base "
              "00000000h, limit ffffffffh, DPL 0, present");
    memset(tiny, 'x', sizeof tiny);
    fault_explain(c, &c->event, tiny, sizeof tiny);
    assert_string_equal(tiny, "#GP(001");
    world_free(w);

    w = world_long();
    c = &w->cpu;
    CODE_BYTES(w, 0xcd, 0x80);
    c->idtr_base = 0x40000000;
    assert_false(step(w));
    fault_explain(c, &c->event, text, sizeof text);
    assert_non_null(strstr(text, "#PF(0000h) at 0038:0000000000008000: page fault at linear "
                                 "address 0000000040000800"));
    assert_non_null(strstr(text, "PML4E at 000000070000h: 0000000000071007h P RW US"));
    assert_non_null(strstr(text, "refused at the PDPTE: P is clear"));

    c->event = (struct cpu_event){.kind = EVENT_INTERRUPT, .vector = 0x31};
    fault_explain(c, &c->event, text, sizeof text);
    assert_string_equal(text, "interrupt 31h at 0000:0000000000000000");
    c->event = (struct cpu_event){.kind = EVENT_FAULT, .vector = VEC_PF, .has_error = true,
                                  .error = 7, .reason = R_PF,
                                  .walk = {.refused = WALK_READ_ONLY}};
    fault_explain(c, &c->event, text, sizeof text);
    assert_non_null(strstr(text, "user, write, page present"));
    assert_non_null(strstr(text, "TLB's copy of the page's rights: R/W is clear"));
    c->event = (struct cpu_event){.kind = EVENT_FAULT, .vector = VEC_GP, .has_error = true,
                                  .error = 0x8002, .reason = R_IDT_TYPE};
    fault_explain(c, &c->event, text, sizeof text);
    assert_non_null(strstr(text, "IDT"));
    world_free(w);
}

static void note(struct cpu *c, const struct cpu_event *e)
{
    struct world *w = c->owner;
    w->told[w->told_count++ & 3] = e->vector;
}

static void told_hears_of_each_event_that_reached_its_handler(void **state)
{
    struct world *w = world_protected();
    (void)state;

    w->cpu.told = note;
    idt_set(w, 0x80, 0, 0, 0x8e);
    CODE_BYTES(w, 0xcd, 0x80);
    assert_false(step(w)); /* #GP: the gate's code segment is null */
    assert_int_equal(w->told_count, 0);
    assert_true(step(w));
    assert_int_equal(w->told_count, 1);
    assert_int_equal(w->told[0], VEC_GP);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_real_mode_int_goes_through_the_table_and_iret_comes_back),
        cmocka_unit_test(a_real_mode_frame_wraps_at_64_kib),
        cmocka_unit_test(an_interrupt_from_user_code_switches_to_the_stack_of_the_tss),
        cmocka_unit_test(int_n_asks_for_the_gates_dpl_and_interrupts_do_not),
        cmocka_unit_test(a_fault_pushes_rf_and_its_error_code),
        cmocka_unit_test(a_trap_gate_leaves_if_alone),
        cmocka_unit_test(a_16_bit_gate_pushes_words),
        cmocka_unit_test(ext_is_set_when_an_interrupt_cannot_be_delivered),
        cmocka_unit_test(handlers_code_segments_are_checked_in_the_manuals_order),
        cmocka_unit_test(inner_stacks_from_the_tss_are_checked),
        cmocka_unit_test(contributory_after_contributory_is_a_double_fault_then_shutdown),
        cmocka_unit_test(the_chain_of_a_triple_fault_begins_with_the_first_fault),
        cmocka_unit_test(escalation_follows_the_table),
        cmocka_unit_test(nothing_has_changed_when_the_handlers_stack_is_not_mapped),
        cmocka_unit_test(a_64_bit_handler_gets_an_aligned_stack_and_a_null_ss),
        cmocka_unit_test(all_sixteen_bytes_of_a_gate_are_read),
        cmocka_unit_test(iretq_at_level_0_takes_a_null_ss_and_at_level_3_refuses_it),
        cmocka_unit_test(iretq_goes_to_compatibility_mode_and_interrupts_come_back),
        cmocka_unit_test(long_mode_refuses_16_bit_gates_task_gates_and_32_bit_handlers),
        cmocka_unit_test(iret_to_virtual_8086_mode_pops_nine_doublewords),
        cmocka_unit_test(iret_enters_virtual_8086_mode_and_an_interrupt_leaves_it),
        cmocka_unit_test(int3_in_virtual_8086_mode_needs_no_iopl_but_int_3_does),
        cmocka_unit_test(virtual_8086_handlers_must_be_nonconforming_level_0),
        cmocka_unit_test(vme_redirects_int_n_by_the_bitmap),
        cmocka_unit_test(vme_cli_sti_pushf_popf_use_vif),
        cmocka_unit_test(popf_changes_if_by_iopl_and_iopl_by_cpl),
        cmocka_unit_test(cli_and_sti_ask_iopl_and_sti_casts_a_shadow),
        cmocka_unit_test(an_nmi_is_blocked_until_iret_even_a_faulting_one),
        cmocka_unit_test(a_debug_trap_pushes_the_next_rip_and_clears_general_detect),
        cmocka_unit_test(told_hears_of_each_event_that_reached_its_handler),
        cmocka_unit_test(a_fault_is_explained_with_its_descriptor_or_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
