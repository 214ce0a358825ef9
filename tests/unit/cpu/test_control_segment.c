/* Segment registers, and the instructions that look at descriptors, against rules written
 * down here once more, in another way.
 */
#include "control_world.h"

/* SDM vol 2, MOV, with a descriptor of any type, DPL and presence in S_SPARE. */
static unsigned expected_load(bool ss, unsigned type, unsigned dpl, unsigned rpl,
                              unsigned cpl, bool present)
{
    bool data = type >= 0x10 && type < 0x18, writable = data && (type & 2);
    bool readable = data || (type >= 0x18 && (type & 2)), conforming = type >= 0x1c;

    if (ss) {
        if (rpl != cpl || dpl != cpl || !writable)
            return VEC_GP;
        return present ? 0 : VEC_SS;
    }
    if (!readable)
        return VEC_GP;
    if (!conforming && (rpl > dpl || cpl > dpl))
        return VEC_GP;
    return present ? 0 : VEC_NP;
}

static void loads_of_ss_and_ds_follow_type_dpl_rpl_and_presence(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    unsigned loaded = 0;
    (void)state;

    for (unsigned n = 0; n < 2 * 32 * 4 * 4 * 2 * 2; n++) {
        bool ss = n & 1, present = n >> 1 & 1;
        unsigned cpl = n & 4 ? 3 : 0, type = n >> 3 & 31, dpl = n >> 8 & 3;
        unsigned rpl = n >> 10 & 3;
        uint16_t selector = (uint16_t)(S_SPARE | rpl), attr;
        unsigned want = expected_load(ss, type, dpl, rpl, cpl, present);

        attr = (uint16_t)(0x4000 | (present ? SEG_P : 0) | dpl << 5 | type);
        gdt_set(w, S_SPARE, desc(0x12345000, 0x6789, attr));
        at_level(w, cpl);
        c->rip = CODE;
        c->gpr[RAX] = selector;
        CODE_BYTES(w, 0x8e, ss ? 0xd0 : 0xd8);
        if (want) {
            assert_false(step(w));
            assert_int_equal(c->event.vector, want);
            assert_int_equal(c->event.error, S_SPARE);
            c->raised = false;
            continue;
        }
        assert_true(step(w));
        loaded++;
        assert_int_equal(c->seg[ss ? SS : DS].selector, selector);
        assert_int_equal(c->seg[ss ? SS : DS].base, 0x12345000);
        assert_int_equal(c->seg[ss ? SS : DS].limit, 0x6789);
        assert_true(c->seg[ss ? SS : DS].usable);
        assert_int_equal(load64(w->ram + GDT + S_SPARE) >> 40 & 1, 1); /* accessed */
    }
    assert_true(loaded > 50);
    world_free(w);
}

static void null_selectors_are_for_data_and_for_ss_of_64_bit_kernels(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    c->gpr[RAX] = 3;
    CODE_BYTES(w, 0x8e, 0xd8, 0x8e, 0xd0);
    assert_true(step(w));
    assert_int_equal(c->seg[DS].selector, 3);
    assert_false(c->seg[DS].usable);
    expect_fault(w, VEC_GP, 0, R_GP_SS_NULL);
    world_free(w);

    w = world_long();
    c = &w->cpu;
    CODE_BYTES(w, 0x8e, 0xd0);
    assert_true(step(w));
    assert_false(c->seg[SS].usable);
    c->rip = CODE;
    c->gpr[RAX] = 1;
    expect_fault(w, VEC_GP, 0, R_GP_SS_RPL);
    user64(w);
    c->gpr[RAX] = 3;
    expect_fault(w, VEC_GP, 0, R_GP_SS_NULL);
    world_free(w);
}

static void the_ldt_is_used_with_ti_and_refused_while_ldtr_is_null(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    store64(w->ram + LDT + 8, desc(0x777000, 0xfff, 0x4092));
    c->gpr[RAX] = S_LDT;
    c->gpr[RBX] = 8 | SEL_TI;
    c->gpr[RDX] = 0x20 | SEL_TI;
    CODE_BYTES(w, 0x0f, 0x00, 0xd0, 0x8e, 0xdb, 0x8e, 0xda);
    assert_true(step(w)); /* LLDT AX */
    assert_true(step(w)); /* MOV DS, BX */
    assert_int_equal(c->seg[DS].base, 0x777000);
    expect_fault(w, VEC_GP, 0x20 | SEL_TI, R_SEL_LIMIT);
    c->rip = CODE;
    c->gpr[RAX] = 0;
    assert_true(step(w)); /* LLDT 0 */
    expect_fault(w, VEC_GP, 8 | SEL_TI, R_SEL_NO_LDT);
    world_free(w);
}

static void real_mode_loads_keep_the_limit_and_vm86_sets_it(void **state)
{
    struct world *w = world_new();
    struct cpu *c = &w->cpu;
    (void)state;

    c->seg[DS].limit = 0xffffffff; /* "unreal" mode */
    c->gpr[RAX] = 0x1234;
    CODE_BYTES(w, 0x8e, 0xd8);
    assert_true(step(w));
    assert_int_equal(c->seg[DS].base, 0x12340);
    assert_int_equal(c->seg[DS].limit, 0xffffffff);
    assert_int_equal(c->seg[DS].fast_write, 0xffffffff - 0x12340);
    world_free(w);
}

static void fast_limits_admit_only_what_the_full_check_admits(void **state)
{
    static const uint16_t attrs[] = {0x90, 0x92, 0x94, 0x96, 0x98, 0x9a, 0x9c, 0x9e, 0xc092};
    struct world *w = world_protected();
    struct segment *s = &w->cpu.seg[ES];
    (void)state;

    for (unsigned n = 0; n < ARRAY_SIZE(attrs); n++) {
        bool code_segment = attrs[n] & SEG_CODE, down = !code_segment && (attrs[n] & 4);
        bool reads = !code_segment || (attrs[n] & 2);
        bool writes = !code_segment && (attrs[n] & 2);
        *s = (struct segment){.attr = attrs[n], .limit = 0x4fff, .base = 0xfffff000,
                              .usable = true};
        seg_derive(&w->cpu, ES);
        assert_int_equal(s->fast_read, reads && !down ? 0xfff : 0); /* up to 4 GiB */
        assert_int_equal(s->fast_write, writes && !down ? 0xfff : 0);
        s->usable = false;
        seg_derive(&w->cpu, ES);
        assert_int_equal(s->fast_read, 0);
    }
    world_free(w);
}

static void pop_ss_casts_a_shadow_and_moves_the_old_stack_pointer(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    c->gpr[RSP] = 0x1a000;
    store32(w->ram + 0x1a000, K_DATA16);
    CODE_BYTES(w, 0x17);
    assert_true(step(w));
    assert_int_equal(c->seg[SS].selector, K_DATA16);
    assert_int_equal(c->gpr[RSP], 0x1a004);
    assert_int_equal(stack_mask(c), 0xffff);
    assert_int_equal(c->shadow_end, cpu_retired(c) + 2);
    assert_true(c->shadow_ss);
    world_free(w);
}

static void push_of_a_segment_writes_two_bytes_with_32_bit_operands(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    store32(w->ram + STACK0 - 4, 0xaaaaaaaa);
    CODE_BYTES(w, 0x1e, 0x66, 0x06);
    assert_true(step(w));
    assert_int_equal(load32(w->ram + STACK0 - 4), 0xaaaa0000 | K_DATA);
    assert_true(step(w));
    assert_int_equal(c->gpr[RSP], STACK0 - 6);
    world_free(w);
}

static void a_faulting_pop_leaves_the_stack_pointer(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    store32(w->ram + STACK0, 0x1f8);
    CODE_BYTES(w, 0x07);
    expect_fault(w, VEC_GP, 0x1f8, R_SEL_LIMIT);
    assert_int_equal(c->gpr[RSP], STACK0);
    world_free(w);
}

static void mov_from_a_segment_zero_extends_into_registers(void **state)
{
    struct world *w = world_long();
    struct cpu *c = &w->cpu;
    (void)state;

    c->gpr[RAX] = c->gpr[RBX] = UINT64_MAX;
    CODE_BYTES(w, 0x8c, 0xd8, 0x66, 0x8c, 0xdb, 0x48, 0x8c, 0xc8);
    assert_true(step(w));
    assert_int_equal(c->gpr[RAX], K_DATA);
    assert_true(step(w));
    assert_int_equal(c->gpr[RBX], (UINT64_MAX & ~0xffffull) | K_DATA);
    assert_true(step(w));
    assert_int_equal(c->gpr[RAX], K_CODE64);
    world_free(w);
}

static void les_loads_offset_and_selector_or_nothing(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    store32(w->ram + 0x5000, 0xdeadbeef);
    store16(w->ram + 0x5004, K_CODE);
    c->gpr[RSI] = 0x5000;
    CODE_BYTES(w, 0xc4, 0x06, 0xc4, 0x06);
    assert_true(step(w));
    assert_int_equal(c->gpr[RAX], 0xdeadbeef);
    assert_int_equal(c->seg[ES].selector, K_CODE);
    store32(w->ram + 0x5000, 1);
    store16(w->ram + 0x5004, 0x1f8);
    expect_fault(w, VEC_GP, 0x1f8, R_SEL_LIMIT);
    assert_int_equal(c->gpr[RAX], 0xdeadbeef);
    world_free(w);
}

/* ---- LAR, LSL, VERR, VERW ---- */

static bool in_set(unsigned set, unsigned type)
{
    return set >> type & 1;
}

static void lar_lsl_verr_verw_see_what_privilege_and_type_allow(void **state)
{
    static const uint8_t opcodes[][3] = {
        {0x0f, 0x02, 0xd8}, {0x0f, 0x03, 0xd8}, {0x0f, 0x00, 0xe0}, {0x0f, 0x00, 0xe8}};
    struct world *w[2] = {world_protected(), world_long()};
    unsigned seen = 0;
    (void)state;

    gdt_set(w[1], S_SPARE + 8, 0); /* the upper half in long mode */
    for (unsigned n = 0; n < 2 * 4 * 32 * 4 * 4 * 2; n++) {
        struct world *m = w[n & 1];
        struct cpu *c = &m->cpu;
        bool wide = n & 1;
        unsigned op = n >> 1 & 3, type = n >> 3 & 31, dpl = n >> 8 & 3, rpl = n >> 10 & 3;
        unsigned cpl = n >> 12 & 1 ? 3 : 0;
        bool s = type & 16, conforming = type >= 0x1c, want;
        uint64_t raw = desc(0, 0xf1234, (uint16_t)(0x4080 | dpl << 5 | type));

        gdt_set(m, S_SPARE, raw);
        if (wide && cpl)
            user64(m);
        else
            at_level(m, cpl);
        if (wide && !cpl) {
            force(m, CS, K_CODE64);
            rederive(m);
        }
        want = conforming || (cpl <= dpl && rpl <= dpl);
        if (op == 0 && !s) /* LAR */
            want = want && in_set(wide ? 0x1a04 : 0x1a3e, type);
        if (op == 1 && !s) /* LSL */
            want = want && in_set(wide ? 0x0a04 : 0x0a0e, type);
        if (op == 2)
            want = want && s && (!(type & 8) || (type & 2));
        if (op == 3)
            want = want && s && !(type & 8) && (type & 2);

        c->rip = CODE;
        c->gpr[RAX] = S_SPARE | rpl;
        c->gpr[RBX] = 0x55;
        lazy_put(&c->lazy, want ? FLAG_CF : FLAG_CF | FLAG_ZF);
        CODE_BYTES(m, opcodes[op][0], opcodes[op][1], opcodes[op][2]);
        assert_true(step(m));
        assert_int_equal(lazy_get(&c->lazy), want ? FLAG_CF | FLAG_ZF : FLAG_CF);
        if (op == 0)
            assert_int_equal(c->gpr[RBX], want ? raw >> 32 & 0xffff00 : 0x55);
        if (op == 1)
            assert_int_equal(c->gpr[RBX], want ? 0xf1234 : 0x55);
        seen += want;
    }
    assert_true(seen > 200);
    world_free(w[0]);
    world_free(w[1]);
}

static void umip_keeps_ldtr_and_tr_from_user_code(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    at_level(w, 3);
    c->gpr[RBX] = UINT32_MAX;
    CODE_BYTES(w, 0x0f, 0x00, 0xcb); /* STR EBX */
    assert_true(step(w));
    assert_int_equal(c->gpr[RBX], S_TSS);
    c->rip = CODE;
    c->cr4 |= CR4_UMIP;
    expect_fault(w, VEC_GP, 0, R_GP_UMIP);
    CODE_BYTES(w, 0x0f, 0x00, 0xc3); /* SLDT EBX */
    expect_fault(w, VEC_GP, 0, R_GP_UMIP);
    at_level(w, 0);
    assert_true(step(w));
    assert_int_equal(c->gpr[RBX], 0);
    world_free(w);
}

static void lldt_takes_present_ldts_of_the_gdt_alone(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    CODE_BYTES(w, 0x0f, 0x00, 0xd0);
    c->gpr[RAX] = S_LDT | SEL_TI;
    expect_fault(w, VEC_GP, S_LDT | SEL_TI, R_LDT_IN_LDT);
    c->gpr[RAX] = S_TSS2;
    expect_fault(w, VEC_GP, S_TSS2, R_LDT_TYPE);
    c->gpr[RAX] = 0x1f8;
    expect_fault(w, VEC_GP, 0x1f8, R_SEL_LIMIT);
    c->gpr[RAX] = S_LDT;
    gdt_set(w, S_LDT, desc(LDT, 0x1f, 0x02));
    expect_fault(w, VEC_NP, S_LDT, R_LDT_NOT_PRESENT);
    world_free(w);
}

static void lldt_in_long_mode_takes_a_16_byte_descriptor(void **state)
{
    struct world *w = world_long();
    struct cpu *c = &w->cpu;
    (void)state;

    c->gpr[RAX] = S_LDT;
    gdt_set(w, S_LDT, desc(LDT, 0x1f, 0x82));
    gdt_set(w, S_LDT + 8, 0xffff8000);
    CODE_BYTES(w, 0x0f, 0x00, 0xd0);
    assert_true(step(w));
    assert_int_equal(c->ldtr.base, 0xffff800000000000 + LDT);
    c->rip = CODE;
    gdt_set(w, S_LDT + 8, 0x1000000); /* not canonical in 57 bits */
    expect_fault(w, VEC_GP, S_LDT, R_SYSTEM_BASE);
    gdt_set(w, S_LDT + 8, 0x1f0000000000); /* a type where there is none */
    expect_fault(w, VEC_GP, S_LDT, R_SYSTEM_UPPER);
    world_free(w);
}

static void arpl_raises_rpl_and_says_so(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    c->gpr[RAX] = 0xffff0010;
    c->gpr[RBX] = 0x3;
    CODE_BYTES(w, 0x63, 0xd8, 0x63, 0xd8);
    assert_true(step(w));
    assert_int_equal(c->gpr[RAX], 0xffff0013);
    assert_true(lazy_zf(&c->lazy));
    assert_true(step(w));
    assert_false(lazy_zf(&c->lazy));
    world_free(w);
}

static void ltr_marks_its_tss_busy_and_refuses_a_busy_one(void **state)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;
    (void)state;

    c->gpr[RAX] = S_TSS2;
    CODE_BYTES(w, 0x0f, 0x00, 0xd8, 0x0f, 0x00, 0xd8);
    assert_true(step(w));
    assert_int_equal(c->tr.selector, S_TSS2);
    assert_int_equal(c->tr.base, TSS2);
    assert_int_equal(load64(w->ram + GDT + S_TSS2) >> 40 & 0x1f, SYS_TSS32_BUSY);
    expect_fault(w, VEC_GP, S_TSS2, R_TR_TYPE);
    c->gpr[RAX] = 0;
    expect_fault(w, VEC_GP, 0, R_TR_NULL);
    c->gpr[RAX] = S_TSS | SEL_TI;
    expect_fault(w, VEC_GP, S_TSS | SEL_TI, R_TASK_IN_LDT);
    world_free(w);
}

static void ltr_in_long_mode_takes_a_16_byte_descriptor(void **state)
{
    struct world *w = world_long();
    struct cpu *c = &w->cpu;
    (void)state;

    c->gpr[RAX] = S_TSS2;
    gdt_set(w, S_TSS2 + 8, 0xffff8000);
    CODE_BYTES(w, 0x0f, 0x00, 0xd8);
    assert_true(step(w));
    assert_int_equal(c->tr.base, 0xffff800000000000 + TSS2);
    c->rip = CODE;
    gdt_set(w, S_TSS2, desc(TSS2, 0x67, 0x89));
    gdt_set(w, S_TSS2 + 8, 0x1000000); /* 0100_0000_....: not canonical in 57 bits */
    expect_fault(w, VEC_GP, S_TSS2, R_SYSTEM_BASE);
    c->gdtr_limit = S_TSS2 + 7; /* the upper half is outside */
    expect_fault(w, VEC_GP, S_TSS2, R_SEL_LIMIT);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_of_ss_and_ds_follow_type_dpl_rpl_and_presence),
        cmocka_unit_test(null_selectors_are_for_data_and_for_ss_of_64_bit_kernels),
        cmocka_unit_test(the_ldt_is_used_with_ti_and_refused_while_ldtr_is_null),
        cmocka_unit_test(real_mode_loads_keep_the_limit_and_vm86_sets_it),
        cmocka_unit_test(fast_limits_admit_only_what_the_full_check_admits),
        cmocka_unit_test(pop_ss_casts_a_shadow_and_moves_the_old_stack_pointer),
        cmocka_unit_test(push_of_a_segment_writes_two_bytes_with_32_bit_operands),
        cmocka_unit_test(a_faulting_pop_leaves_the_stack_pointer),
        cmocka_unit_test(mov_from_a_segment_zero_extends_into_registers),
        cmocka_unit_test(les_loads_offset_and_selector_or_nothing),
        cmocka_unit_test(lar_lsl_verr_verw_see_what_privilege_and_type_allow),
        cmocka_unit_test(umip_keeps_ldtr_and_tr_from_user_code),
        cmocka_unit_test(lldt_takes_present_ldts_of_the_gdt_alone),
        cmocka_unit_test(lldt_in_long_mode_takes_a_16_byte_descriptor),
        cmocka_unit_test(arpl_raises_rpl_and_says_so),
        cmocka_unit_test(ltr_marks_its_tss_busy_and_refuses_a_busy_one),
        cmocka_unit_test(ltr_in_long_mode_takes_a_16_byte_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
