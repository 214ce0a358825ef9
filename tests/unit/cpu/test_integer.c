/* What the integer instructions do beyond arithmetic: addresses, the stack, faults that
 * leave everything as it was, and REP in pieces. */
#include "int_bench.h"

#include <stdarg.h>

#include <cmocka.h>

static struct bench bench;

static int set_up(void **state)
{
    bench_init(&bench);
    *state = &bench;
    return 0;
}

static int tear_down(void **state)
{
    bench_free(*state);
    return 0;
}

static void load32_at(struct bench *b, unsigned at, uint32_t v)
{
    store32(b->ram + at, v);
}

/* ---- segments and addresses ---- */

static void a_word_at_ffff_in_real_mode_is_a_general_protection_fault(void **state)
{
    struct bench *b = *state;

    bench_mode(b, BENCH_16, 0xffff);
    b->cpu->gpr[RBX] = 0xffff;
    b->cpu->gpr[RAX] = 0x1234;
    assert_int_equal(RUN(b, 0x8a, 0x07), BENCH_OK); /* mov al, [bx] */
    assert_int_equal(RUN(b, 0x8b, 0x07), VEC_GP);   /* mov ax, [bx] */
    assert_int_equal(b->cpu->event.reason, R_GP_LIMIT);
    assert_int_equal(b->cpu->event.operand[0], 0xffff);
}

static void through_ss_the_same_is_a_stack_fault(void **state)
{
    struct bench *b = *state;

    bench_mode(b, BENCH_16, 0xffff);
    b->cpu->gpr[RBP] = 0xffff;
    assert_int_equal(RUN(b, 0x8b, 0x46, 0x00), VEC_SS); /* mov ax, [bp] */
    assert_int_equal(b->cpu->event.reason, R_SS_LIMIT);
}

static void sixteen_bit_addresses_wrap_at_64k(void **state)
{
    struct bench *b = *state;

    bench_mode(b, BENCH_16, 0xffff);
    b->ram[0x10] = 0x5a;
    b->cpu->gpr[RBX] = 0xfff0;
    b->cpu->gpr[RSI] = 0x20;
    assert_int_equal(RUN(b, 0x8a, 0x00), BENCH_OK); /* mov al, [bx+si] */
    assert_int_equal(b->cpu->gpr[RAX] & 0xff, 0x5a);
}

static void an_expand_down_segment_begins_above_its_limit(void **state)
{
    struct bench *b = *state;

    bench_mode(b, BENCH_32, 0xffffffff);
    b->cpu->seg[DS].attr |= SEG_EXPAND_DOWN;
    b->cpu->seg[DS].limit = 0xfff;
    b->cpu->seg[DS].fast_read = b->cpu->seg[DS].fast_write = 0;
    b->cpu->gpr[RBX] = 0x1000;
    assert_int_equal(RUN(b, 0x8b, 0x03), BENCH_OK);
    b->cpu->gpr[RBX] = 0xfff;
    assert_int_equal(RUN(b, 0x8b, 0x03), VEC_GP);
}

static void a_null_or_read_only_segment_refuses(void **state)
{
    struct bench *b = *state;

    bench_mode(b, BENCH_32, 0xffffffff);
    b->cpu->gpr[RBX] = 0x2000;
    b->cpu->seg[DS].fast_read = b->cpu->seg[DS].fast_write = 0;
    b->cpu->seg[DS].attr &= (uint16_t)~SEG_WRITABLE;
    assert_int_equal(RUN(b, 0x8b, 0x03), BENCH_OK);
    assert_int_equal(RUN(b, 0x89, 0x03), VEC_GP);
    assert_int_equal(b->cpu->event.reason, R_GP_NOT_WRITABLE);
    b->cpu->seg[DS].usable = false;
    assert_int_equal(RUN(b, 0x8b, 0x03), VEC_GP);
    assert_int_equal(b->cpu->event.reason, R_GP_NULL_SEGMENT);
}

static void a_non_canonical_address_is_refused_with_the_segments_fault(void **state)
{
    struct bench *b = *state;

    b->cpu->gpr[RBX] = 0x800000000000;
    b->cpu->gpr[RBP] = 0x7fffffffffff;
    assert_int_equal(RUN(b, 0x8b, 0x03), VEC_GP);
    assert_int_equal(b->cpu->event.reason, R_GP_NONCANONICAL);
    assert_int_equal(RUN(b, 0x8b, 0x45, 0x00), VEC_SS); /* its last byte is not */
    assert_int_equal(b->cpu->event.reason, R_SS_NONCANONICAL);
}

static void a_read_modify_write_that_faults_changes_nothing(void **state)
{
    struct bench *b = *state;

    bench_mode(b, BENCH_32, 0xffff);
    b->cpu->gpr[RBX] = 0xfffe;
    b->cpu->gpr[RAX] = 7;
    bench_set_flags(b->cpu, 0x8d5);
    assert_int_equal(RUN(b, 0x0f, 0xc1, 0x03), VEC_GP); /* xadd [ebx], eax */
    assert_int_equal(b->cpu->gpr[RAX], 7);
    assert_int_equal(bench_flags(b->cpu) & 0x8d5, 0x8d5);
}

static void a_32_bit_linear_address_wraps_at_4g(void **state)
{
    struct bench *b = *state;

    bench_mode(b, BENCH_32, 0xffffffff);
    store32(b->ram, 0x00332211);
    b->cpu->seg[DS].base = 0xfffff000;
    b->cpu->gpr[RBX] = 0x1000;
    assert_int_equal(RUN(b, 0x8b, 0x03), BENCH_OK);
    assert_int_equal(b->cpu->gpr[RAX], 0x00332211);
    b->cpu->gpr[RBX] = 0xffe; /* two bytes of nothing (all ones), two at 0 */
    assert_int_equal(RUN(b, 0x8b, 0x03), BENCH_OK);
    assert_int_equal(b->cpu->gpr[RAX], 0x2211ffff);
}

static void moffs_takes_the_address_size(void **state)
{
    struct bench *b = *state;

    b->ram[0x4321] = 0x77;
    assert_int_equal(RUN(b, 0xa0, 0x21, 0x43, 0, 0, 0, 0, 0, 0), BENCH_OK);
    assert_int_equal(b->cpu->gpr[RAX] & 0xff, 0x77);
    b->cpu->gpr[RAX] = 0x1122334455667788;
    assert_int_equal(RUN(b, 0x67, 0x48, 0xa3, 0x00, 0x50, 0, 0), BENCH_OK);
    assert_int_equal(load64(b->ram + 0x5000), 0x1122334455667788);
    bench_mode(b, BENCH_16, 0xffff);
    assert_int_equal(RUN(b, 0xa2, 0x00, 0x60), BENCH_OK);
    assert_int_equal(b->ram[0x6000], 0x88);
}

/* ---- alignment and breakpoints ---- */

enum { CR0_AM = 1 << 18 };

static void an_unaligned_access_in_user_mode_with_ac_is_refused(void **state)
{
    struct bench *b = *state;

    bench_mode(b, (BENCH_64 & ~MODE_RING0) | MODE_USER, 0xffffffff);
    b->cpu->cr0 = CR0_AM;
    b->cpu->eflags |= FLAG_AC;
    mmu_select(&b->cpu->mmu, VIEW_USER, true, true);
    b->cpu->gpr[RBX] = 0x2002;
    assert_int_equal(RUN(b, 0x66, 0x8b, 0x03), BENCH_OK);
    assert_int_equal(RUN(b, 0x8b, 0x03), VEC_AC);
    b->cpu->eflags &= ~(uint32_t)FLAG_AC;
    assert_int_equal(RUN(b, 0x8b, 0x03), BENCH_OK);
}

static void a_data_breakpoint_notes_only_what_touches_it(void **state)
{
    struct bench *b = *state;
    struct cpu *c = b->cpu;

    c->dr[1] = 0x3008;
    c->dr[7] = 1 << 2 | 1u << 20 | 3u << 22; /* L1, writes, 4 bytes */
    for (unsigned n = 0; n < 4; n++)
        c->mmu.watched[n] = NO_TAG;
    c->mmu.watched[1] = 0x3000;
    mmu_drop(&c->mmu);
    c->gpr[RBX] = 0x3008;
    assert_int_equal(RUN(b, 0x8b, 0x03), BENCH_OK); /* a read */
    assert_int_equal(c->pending_debug, 0);
    assert_int_equal(RUN(b, 0x89, 0x43, 0x04), BENCH_OK); /* beside it */
    assert_int_equal(c->pending_debug, 0);
    assert_int_equal(RUN(b, 0x88, 0x43, 0x03), BENCH_OK); /* its last byte */
    assert_int_equal(c->pending_debug, 2);
}

/* ---- the stack ---- */

static void push_sp_pushes_the_old_value_and_pop_sp_keeps_the_popped_one(void **state)
{
    struct bench *b = *state;

    b->cpu->gpr[RSP] = 0x8000;
    assert_int_equal(RUN(b, 0x54), BENCH_OK);
    assert_int_equal(load64(b->ram + 0x7ff8), 0x8000);
    assert_int_equal(b->cpu->gpr[RSP], 0x7ff8);
    store64(b->ram + 0x7ff8, 0x1234);
    assert_int_equal(RUN(b, 0x5c), BENCH_OK);
    assert_int_equal(b->cpu->gpr[RSP], 0x1234);
}

static void pop_to_memory_by_rsp_uses_the_incremented_rsp(void **state)
{
    struct bench *b = *state;

    b->cpu->gpr[RSP] = 0x8000;
    store64(b->ram + 0x8000, 0xabcdef);
    assert_int_equal(RUN(b, 0x8f, 0x44, 0x24, 0x08), BENCH_OK); /* pop [rsp+8] */
    assert_int_equal(load64(b->ram + 0x8010), 0xabcdef);
    assert_int_equal(b->cpu->gpr[RSP], 0x8008);
}

static void pop_to_bad_memory_leaves_rsp(void **state)
{
    struct bench *b = *state;

    b->cpu->gpr[RSP] = 0x8000;
    b->cpu->gpr[RBX] = 0x800000000000;
    assert_int_equal(RUN(b, 0x8f, 0x03), VEC_GP);
    assert_int_equal(b->cpu->gpr[RSP], 0x8000);
}

static void a_sixteen_bit_stack_wraps_and_keeps_the_upper_half_of_esp(void **state)
{
    struct bench *b = *state;

    bench_mode(b, BENCH_32 & ~(uint32_t)MODE_STACK32, 0xffffffff);
    b->cpu->gpr[RSP] = 0x55550002;
    b->cpu->gpr[RAX] = 0x11223344;
    assert_int_equal(RUN(b, 0x50), BENCH_OK); /* push eax */
    assert_int_equal(b->cpu->gpr[RSP], 0x5555fffe);
    assert_int_equal(load32(b->ram + 0xfffe), 0x11223344);
}

static void pusha_and_popa_are_inverse_but_for_esp(void **state)
{
    struct bench *b = *state;

    bench_mode(b, BENCH_32, 0xffffffff);
    for (unsigned n = 0; n < 8; n++)
        b->cpu->gpr[n] = 0x100 + n;
    b->cpu->gpr[RSP] = 0x8000;
    assert_int_equal(RUN(b, 0x60), BENCH_OK);
    assert_int_equal(b->cpu->gpr[RSP], 0x8000 - 32);
    assert_int_equal(load32(b->ram + 0x7ffc), 0x100);       /* EAX first */
    assert_int_equal(load32(b->ram + 0x8000 - 20), 0x8000); /* ESP as it was */
    for (unsigned n = 0; n < 8; n++)
        b->cpu->gpr[n] = n == RSP ? b->cpu->gpr[n] : 0;
    load32_at(b, 0x8000 - 20, 0xdead);
    assert_int_equal(RUN(b, 0x61), BENCH_OK);
    assert_int_equal(b->cpu->gpr[RDI], 0x107);
    assert_int_equal(b->cpu->gpr[RAX], 0x100);
    assert_int_equal(b->cpu->gpr[RSP], 0x8000);
}

static void enter_copies_the_outer_frames_and_leave_undoes_it(void **state)
{
    struct bench *b = *state;

    bench_mode(b, BENCH_32, 0xffffffff);
    b->cpu->gpr[RSP] = 0x8000;
    b->cpu->gpr[RBP] = 0x9000;
    load32_at(b, 0x8ffc, 0xaaaa);
    load32_at(b, 0x8ff8, 0xbbbb);
    assert_int_equal(RUN(b, 0xc8, 0x10, 0x00, 0x03), BENCH_OK); /* enter 16, 3 */
    assert_int_equal(load32(b->ram + 0x7ffc), 0x9000);
    assert_int_equal(load32(b->ram + 0x7ff8), 0xaaaa);
    assert_int_equal(load32(b->ram + 0x7ff4), 0xbbbb);
    assert_int_equal(load32(b->ram + 0x7ff0), 0x7ffc);
    assert_int_equal(b->cpu->gpr[RBP], 0x7ffc);
    assert_int_equal(b->cpu->gpr[RSP], 0x7ff0 - 16);
    assert_int_equal(RUN(b, 0xc9), BENCH_OK);
    assert_int_equal(b->cpu->gpr[RSP], 0x8000);
    assert_int_equal(b->cpu->gpr[RBP], 0x9000);
}

/* ---- jumps ---- */

static void a_call_beyond_the_code_limit_pushes_nothing(void **state)
{
    struct bench *b = *state;

    bench_mode(b, BENCH_32, 0xffffffff);
    b->cpu->seg[CS].limit = 0x1fff;
    b->cpu->gpr[RSP] = 0x8000;
    assert_int_equal(RUN(b, 0xe8, 0x00, 0x10, 0x00, 0x00), VEC_GP);
    assert_int_equal(b->cpu->event.reason, R_GP_RIP_LIMIT);
    assert_int_equal(b->cpu->event.operand[0], 0x2005);
    assert_int_equal(b->cpu->gpr[RSP], 0x8000);
    assert_int_equal(RUN(b, 0xe8, 0x00, 0x0f, 0x00, 0x00), BENCH_OK);
    assert_int_equal(b->cpu->rip, 0x1f05);
    assert_int_equal(load32(b->ram + 0x7ffc), 0x1005);
}

static void a_sixteen_bit_jump_wraps_within_64k(void **state)
{
    struct bench *b = *state;

    bench_mode(b, BENCH_16, 0xffff);
    assert_int_equal(RUN(b, 0xe9, 0xfd, 0xdf), BENCH_OK); /* 1003h + DFFDh */
    assert_int_equal(b->cpu->rip, 0xf000);
    assert_int_equal(RUN(b, 0xeb, 0x80), BENCH_OK);
    assert_int_equal(b->cpu->rip, 0x0f82);
    bench_mode(b, BENCH_32, 0xffffffff); /* with 66 the upper half of EIP goes */
    assert_int_equal(RUN(b, 0x66, 0xe9, 0xfc, 0xff), BENCH_OK);
    assert_int_equal(b->cpu->rip, 0x1000);
}

static void ret_to_a_non_canonical_address_leaves_rsp(void **state)
{
    struct bench *b = *state;

    b->cpu->gpr[RSP] = 0x8000;
    store64(b->ram + 0x8000, 0x8000000000000000);
    assert_int_equal(RUN(b, 0xc3), VEC_GP);
    assert_int_equal(b->cpu->event.reason, R_GP_RIP_NONCANONICAL);
    assert_int_equal(b->cpu->gpr[RSP], 0x8000);
    store64(b->ram + 0x8000, 0x7000);
    assert_int_equal(RUN(b, 0xc2, 0x20, 0x00), BENCH_OK);
    assert_int_equal(b->cpu->gpr[RSP], 0x8028);
    assert_int_equal(b->cpu->rip, 0x7000);
}

static void loop_counts_in_the_address_size(void **state)
{
    struct bench *b = *state;

    b->cpu->gpr[RCX] = 0x500000001;
    assert_int_equal(RUN(b, 0x67, 0xe2, 0x10), BENCH_OK); /* ECX becomes 0: no jump */
    assert_int_equal(b->cpu->rip, 0x1003);
    assert_int_equal(b->cpu->gpr[RCX], 0);
    b->cpu->gpr[RCX] = 0x500000001;
    assert_int_equal(RUN(b, 0xe2, 0x10), BENCH_OK);
    assert_int_equal(b->cpu->rip, 0x1012);
    assert_int_equal(RUN(b, 0x67, 0xe3, 0x10), BENCH_OK); /* jecxz */
    assert_int_equal(b->cpu->rip, 0x1013);
}

static void bound_tells_index_and_bounds(void **state)
{
    struct bench *b = *state;

    bench_mode(b, BENCH_32, 0xffffffff);
    load32_at(b, 0x2000, (uint32_t)-5);
    load32_at(b, 0x2004, 5);
    b->cpu->gpr[RBX] = 0x2000;
    b->cpu->gpr[RAX] = (uint32_t)-5;
    assert_int_equal(RUN(b, 0x62, 0x03), BENCH_OK);
    b->cpu->gpr[RAX] = (uint32_t)-6;
    assert_int_equal(RUN(b, 0x62, 0x03), VEC_BR);
    assert_int_equal((int64_t)b->cpu->event.operand[0], -6);
}

/* ---- arithmetic's faults, and what the host cannot be asked ---- */

static void division_refuses_what_does_not_fit(void **state)
{
    struct bench *b = *state;
    struct cpu *c = b->cpu;

    c->gpr[RCX] = 0;
    assert_int_equal(RUN(b, 0xf7, 0xf1), VEC_DE);
    assert_int_equal(c->event.reason, R_DE_ZERO);
    c->gpr[RAX] = 0x80000000;
    c->gpr[RDX] = 0xffffffff;
    c->gpr[RCX] = 0xffffffff;
    assert_int_equal(RUN(b, 0xf7, 0xf9), VEC_DE); /* -2^31 / -1 */
    assert_int_equal(c->event.reason, R_DE_RANGE);
    c->gpr[RCX] = 1;
    assert_int_equal(RUN(b, 0xf7, 0xf9), BENCH_OK);
    assert_int_equal(c->gpr[RAX], 0x80000000);
    c->gpr[RAX] = 0;
    c->gpr[RDX] = 0x8000000000000000;
    c->gpr[RCX] = ~0ull;
    assert_int_equal(RUN(b, 0x48, 0xf7, 0xf9), VEC_DE); /* -2^127 / -1 */
    c->gpr[RDX] = 0xffffffffffffffff;
    c->gpr[RAX] = 0x8000000000000000;
    assert_int_equal(RUN(b, 0x48, 0xf7, 0xf9), VEC_DE); /* -2^63 / -1 */
    c->gpr[RCX] = 1;
    assert_int_equal(RUN(b, 0x48, 0xf7, 0xf9), BENCH_OK);
    assert_int_equal(c->gpr[RAX], 0x8000000000000000);
    assert_int_equal(c->gpr[RDX], 0);
}

/* Results read from a Zen 3 in 32-bit user mode. */
static void decimal_adjustments_are_those_of_a_real_cpu(void **state)
{
    static const struct {
        uint8_t bytes[2], n;
        uint16_t ax, flags, to, to_flags;
    } seen[] = {
        {{0x37}, 1, 0x7a7a, 0x44, 0x7b00, 0x11},
        {{0x37}, 1, 0x7f7f, 0x40, 0x8005, 0x891},
        {{0x3f}, 1, 0x8080, 0x90, 0x7f0a, 0x811},
        {{0x3f}, 1, 0x0606, 0x10, 0x0500, 0x15},
        {{0x27}, 1, 0x807f, 0x40, 0x8085, 0x890},
        {{0x27}, 1, 0x807f, 0x41, 0x80e5, 0x891},
        {{0x2f}, 1, 0x1ae5, 0x54, 0x1a7f, 0x811},
        {{0xd5, 10}, 2, 0x1fe, 0, 0x8, 0x11},
    };
    struct bench *b = *state;

    bench_mode(b, BENCH_32, 0xffffffff);
    for (unsigned k = 0; k < ARRAY_SIZE(seen); k++) {
        b->cpu->gpr[RAX] = seen[k].ax;
        bench_set_flags(b->cpu, seen[k].flags);
        assert_int_equal(bench_run(b, seen[k].bytes, seen[k].n, 0, NULL), BENCH_OK);
        assert_int_equal(b->cpu->gpr[RAX], seen[k].to);
        assert_int_equal(bench_flags(b->cpu) & F_OSZAPC, seen[k].to_flags);
    }
    assert_int_equal(RUN(b, 0xd4, 0x00), VEC_DE); /* aam 0 */
}

static void cmpxchg8b_and_16b_compare_all_their_bytes(void **state)
{
    struct bench *b = *state;
    struct cpu *c = b->cpu;

    store64(b->ram + 0x2000, 0x1111111122222222);
    store64(b->ram + 0x2008, 0x3333333344444444);
    c->gpr[RSI] = 0x2000;
    c->gpr[RAX] = 0xffffffff22222222;
    c->gpr[RDX] = 0x11111111;
    c->gpr[RBX] = 0x55555555;
    c->gpr[RCX] = 0x66666666;
    bench_set_flags(c, 0x895);
    assert_int_equal(RUN(b, 0xf0, 0x0f, 0xc7, 0x0e), BENCH_OK);
    assert_int_equal(load64(b->ram + 0x2000), 0x6666666655555555);
    assert_int_equal(bench_flags(c) & F_OSZAPC, 0x8d5);
    assert_int_equal(RUN(b, 0xf0, 0x48, 0x0f, 0xc7, 0x0e), BENCH_OK);
    assert_int_equal(bench_flags(c) & F_OSZAPC, 0x895);
    assert_int_equal(c->gpr[RAX], 0x6666666655555555);
    assert_int_equal(c->gpr[RDX], 0x3333333344444444);
    assert_int_equal(RUN(b, 0xf0, 0x48, 0x0f, 0xc7, 0x0e), BENCH_OK);
    assert_int_equal(load64(b->ram + 0x2008), 0x66666666);
    c->gpr[RSI] = 0x2008;
    assert_int_equal(RUN(b, 0xf0, 0x48, 0x0f, 0xc7, 0x0e), VEC_GP);
    assert_int_equal(c->event.reason, R_GP_ALIGN16);
}

static void movbe_turns_the_bytes_around(void **state)
{
    struct bench *b = *state;

    store64(b->ram + 0x2000, 0x0123456789abcdef);
    b->cpu->gpr[RSI] = 0x2000;
    b->cpu->gpr[RAX] = ~0ull;
    assert_int_equal(RUN(b, 0x66, 0x0f, 0x38, 0xf0, 0x06), BENCH_OK);
    assert_int_equal(b->cpu->gpr[RAX], 0xffffffffffffefcd);
    assert_int_equal(RUN(b, 0x0f, 0x38, 0xf1, 0x06), BENCH_OK);
    assert_int_equal(load32(b->ram + 0x2000), 0xcdefffff);
}

static void pause_gives_up_the_turn_only_with_several_cpus(void **state)
{
    struct bench *b = *state;

    b->cpu->cpus = 1;
    assert_int_equal(RUN(b, 0xf3, 0x90), BENCH_OK);
    assert_false(b->cpu->turn_over);
    b->cpu->cpus = 2;
    assert_int_equal(RUN(b, 0x90), BENCH_OK);
    assert_false(b->cpu->turn_over);
    assert_int_equal(RUN(b, 0xf3, 0x90), BENCH_OK);
    assert_true(b->cpu->turn_over);
}

/* ---- ports ---- */

static void the_permission_bitmap_decides_when_cpl_exceeds_iopl(void **state)
{
    struct bench *b = *state;
    struct cpu *c = b->cpu;

    bench_mode(b, (BENCH_32 & ~MODE_RING0) | MODE_USER, 0xffffffff);
    c->tr = bench_segment(SEG_P | 0xb, 0x6000, 0x68 + 0x20);
    store16(b->ram + 0x6066, 0x68);
    c->gpr[RDI] = 0x2000;
    c->gpr[RDX] = 0x40;
    assert_int_equal(RUN(b, 0x6c), BENCH_OK); /* insb */
    b->ram[0x6068 + 8] = 0x02;                /* port 41h is denied */
    assert_int_equal(RUN(b, 0x6c), BENCH_OK);
    assert_int_equal(RUN(b, 0x66, 0x6d), VEC_GP);
    assert_int_equal(c->event.reason, R_GP_IOPL_PORT);
    c->gpr[RDX] = 0x100; /* its second byte lies beyond the limit */
    assert_int_equal(RUN(b, 0x6c), VEC_GP);
    assert_int_equal(c->event.reason, R_GP_IOMAP_LIMIT);
    c->eflags |= FLAG_IOPL;
    assert_int_equal(RUN(b, 0x6c), BENCH_OK);
}

/* ---- REP ---- */

static uint64_t seed = 0x853c49e6748fea9b;

static uint32_t random32(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33);
}

/* One element after another, in the plainest way. */
static void model_movs(uint8_t *ram, uint32_t si, uint32_t di, uint32_t n,
                       unsigned size, bool down)
{
    for (uint32_t k = 0; k < n; k++) {
        uint64_t v = load_le(ram + si, size);
        store_le(ram + di, size, v);
        si += down ? 0 - size : size;
        di += down ? 0 - size : size;
    }
}

/* Runs it in slices of any length until it is through. */
static void run_in_pieces(struct bench *b, const uint8_t *code, unsigned length)
{
    struct cpu *c = b->cpu;
    unsigned turns = 0;

    do {
        int32_t budget = (int32_t)(random32() % 300);
        uint64_t before = c->gpr[RCX];
        assert_int_equal(bench_run(b, code, length, budget, NULL), BENCH_OK);
        assert_true(c->budget >= 0);
        assert_int_equal(budget - c->budget + 1, before ? before - c->gpr[RCX] : 1);
        turns++;
    } while (c->rip == c->insn_rip && turns < 100000);
    assert_int_equal(c->gpr[RCX], 0);
}

static void rep_movs_in_any_pieces_is_one_element_after_another(void **state)
{
    static const uint8_t byte[] = {0xf3, 0xa4}, word[] = {0xf3, 0x66, 0xa5},
                         dword[] = {0xf3, 0xa5}, qword[] = {0xf3, 0x48, 0xa5};
    static const uint8_t *const code[] = {byte, word, dword, qword};
    static const uint8_t length[] = {2, 3, 2, 3};
    struct bench *b = *state;
    struct cpu *c = b->cpu;
    enum { FROM = 0x10000, SPAN = 0x8000 };
    uint8_t *model = malloc(BENCH_RAM);

    assert_non_null(model);
    for (unsigned round = 0; round < 400; round++) {
        unsigned pick = random32() % 4, size = 1u << pick;
        uint32_t n = random32() % 1200, si = FROM + 0x3000 + random32() % 0x1000;
        uint32_t near = round % 3 ? random32() % 80 - 40 : random32() % 0x2000;
        uint32_t di = si + near;
        bool down = random32() & 1;

        for (unsigned k = 0; k < SPAN; k++)
            b->ram[FROM + k] = (uint8_t)random32();
        memcpy(model + FROM, b->ram + FROM, SPAN);
        if (n * size > 0x2000)
            n = 0x2000 / size;
        model_movs(model, si, di, n, size, down);
        c->gpr[RSI] = si;
        c->gpr[RDI] = di;
        c->gpr[RCX] = n;
        c->eflags = down ? 2 | FLAG_DF : 2;
        if (round % 7 == 0)
            mmu_drop(&c->mmu);
        run_in_pieces(b, code[pick], length[pick]);
        assert_int_equal(c->gpr[RSI], down ? si - n * size : si + n * size);
        assert_int_equal(c->gpr[RDI], down ? di - n * size : di + n * size);
        assert_memory_equal(model + FROM, b->ram + FROM, SPAN);
    }
    free(model);
}

/* ---- REP with a device ---- */

enum { DEVICE_AT = 2 << 20, DEVICE_SIZE = 0x8000 };

/* Bytes behind MMIO; after so many accesses RAM covers them. */
struct device_memory {
    struct bench *b;
    uint8_t bytes[DEVICE_SIZE];
    unsigned accesses, covered_after;
};

static enum io_status device_access(void *dev, struct io *io)
{
    struct device_memory *d = dev;

    if (io->write)
        store_le(d->bytes + io->offset, io->size, io->value);
    else
        io->value = load_le(d->bytes + io->offset, io->size);
    if (++d->accesses == d->covered_after) {
        struct backing *ram = &d->b->phys->backings[0];
        phys_map(d->b->phys, DEVICE_AT, DEVICE_SIZE, ram, 0, WINDOW_READ | WINDOW_WRITE,
                 0);
        mmu_drop(&d->b->cpu->mmu); /* as a machine does when its map changes */
        d->b->cpu->leave = true;
    }
    return IO_DONE;
}

static const struct region device_region = {.name = "bytes",
                                            .length = DEVICE_SIZE,
                                            .mmio = true,
                                            .access = device_access,
                                            .max_size = 8};

static struct device_memory *device_memory(struct bench *b)
{
    struct device_memory *d = calloc(1, sizeof *d);

    assert_non_null(d);
    d->b = b;
    assert_true(space_map(&b->mmio, &device_region, d, DEVICE_AT, 0) >= 0);
    return d;
}

/* MOVS between RAM and a device either way, within the device, and STOS. */
static void rep_with_a_device_is_one_element_after_another(void **state)
{
    static const uint8_t movs[4][3] = {
        {0xf3, 0xa4}, {0xf3, 0x66, 0xa5}, {0xf3, 0xa5}, {0xf3, 0x48, 0xa5}};
    static const uint8_t stos[4][3] = {
        {0xf3, 0xaa}, {0xf3, 0x66, 0xab}, {0xf3, 0xab}, {0xf3, 0x48, 0xab}};
    static const unsigned length[4] = {2, 3, 2, 3};
    enum { FROM = 0x10000, MODEL = 2 * DEVICE_SIZE };
    struct bench *b = *state;
    struct cpu *c = b->cpu;
    struct device_memory *d = device_memory(b);
    uint8_t *model = malloc(MODEL); /* the RAM at FROM, then the device */

    assert_non_null(model);
    for (unsigned round = 0; round < 400; round++) {
        unsigned pick = random32() % 4, size = 1u << pick, way = random32() % 4;
        uint32_t n = random32() % 1000, expected = 0;
        uint32_t si = 0x3000 + random32() % 0x1000, di = 0x3000 + random32() % 0x1000;
        bool down = random32() & 1, fills = way == 3;
        bool from_device = way == 1 || way == 2, to_device = way != 1;

        if (way == 2)
            di = si + random32() % 80 - 40;
        if (n * size > 0x2000)
            n = 0x2000 / size;
        if (round & 4)
            si &= ~7u, di &= ~7u;
        for (unsigned k = 0; k < DEVICE_SIZE; k++) {
            b->ram[FROM + k] = (uint8_t)random32();
            d->bytes[k] = (uint8_t)random32();
        }
        memcpy(model, b->ram + FROM, DEVICE_SIZE);
        memcpy(model + DEVICE_SIZE, d->bytes, DEVICE_SIZE);
        c->gpr[RAX] = (uint64_t)random32() << 32 | random32();
        c->gpr[RSI] = si + (from_device ? DEVICE_AT : FROM);
        c->gpr[RDI] = di + (to_device ? DEVICE_AT : FROM);
        c->gpr[RCX] = n;
        c->eflags = down ? 2 | FLAG_DF : 2;
        si += from_device ? DEVICE_SIZE : 0;
        di += to_device ? DEVICE_SIZE : 0;
        if (fills)
            for (uint32_t k = 0; k < n; k++)
                store_le(model + (down ? di - k * size : di + k * size), size,
                         c->gpr[RAX]);
        else
            model_movs(model, si, di, n, size, down);
        if (round % 7 == 0)
            mmu_drop(&c->mmu);
        if ((si | di) % size == 0)
            expected = n * (fills ? 1 : from_device + to_device);
        d->accesses = 0;
        run_in_pieces(b, fills ? stos[pick] : movs[pick], length[pick]);
        if (expected)
            assert_int_equal(d->accesses, expected);
        assert_memory_equal(b->ram + FROM, model, DEVICE_SIZE);
        assert_memory_equal(d->bytes, model + DEVICE_SIZE, DEVICE_SIZE);
    }
    free(model);
    free(d);
}

/* What an element changes in the memory map, the next one finds. */
static void rep_follows_a_memory_map_that_it_changes(void **state)
{
    static const uint8_t code[] = {0xf3, 0xab};
    struct bench *b = *state;
    struct cpu *c = b->cpu;
    struct device_memory *d = device_memory(b);

    d->covered_after = 5;
    c->gpr[RAX] = 0x11223344;
    c->gpr[RDI] = DEVICE_AT + 0x100;
    c->gpr[RCX] = 20;
    run_in_pieces(b, code, sizeof code);
    assert_int_equal(d->accesses, 5);
    for (unsigned k = 0; k < 20; k++) {
        assert_int_equal(load32(d->bytes + 0x100 + 4 * k), k < 5 ? 0x11223344 : 0);
        assert_int_equal(load32(b->ram + 0x100 + 4 * k), k < 5 ? 0 : 0x11223344);
    }
    free(d);
}

/* A watchpoint on an element of the middle is met there. */
static void rep_to_a_device_meets_its_watchpoint(void **state)
{
    static const uint8_t code[] = {0xf3, 0xab};
    struct bench *b = *state;
    struct cpu *c = b->cpu;
    struct device_memory *d = device_memory(b);

    c->dr[0] = DEVICE_AT + 0x200;
    c->dr[7] = 2 | 1 << 16 | 3 << 18; /* G0: writes of four bytes */
    c->mmu.watched[0] = DEVICE_AT;
    mmu_drop(&c->mmu);
    mmu_select(&c->mmu, VIEW_SUPERVISOR, false, false);
    c->gpr[RDI] = DEVICE_AT + 0x100;
    c->gpr[RCX] = 0x100;
    assert_int_equal(bench_run(b, code, sizeof code, 10000, NULL), BENCH_OK);
    assert_int_equal(c->gpr[RDI], DEVICE_AT + 0x204);
    assert_int_equal(c->pending_debug, 1);
    assert_int_equal(c->rip, c->insn_rip);
    free(d);
}

static void rep_stos_faults_with_the_completed_elements_kept(void **state)
{
    struct bench *b = *state;
    struct cpu *c = b->cpu;

    bench_mode(b, BENCH_32, 0xffffffff);
    c->seg[ES] = bench_segment(SEG_P | SEG_S | SEG_WRITABLE, 0x4000, 0x2fff);
    c->gpr[RDI] = 0x2f00;
    c->gpr[RCX] = 0x100;
    c->gpr[RAX] = 0x5a5a5a5a;
    assert_int_equal(bench_run(b, (const uint8_t[]){0xf3, 0xab}, 2, 5000, NULL),
                     VEC_GP);
    assert_int_equal(c->gpr[RDI], 0x3000);
    assert_int_equal(c->gpr[RCX], 0xc0);
    assert_int_equal(b->ram[0x6fff], 0x5a);
    assert_int_equal(b->ram[0x7000], 0);
    /* 40h elements, and the record's own count for the one that faulted. */
    assert_int_equal(c->budget, 5000 - 0x40);
    assert_non_null(c->at);
    assert_ptr_equal(c->faulted, c->at);
}

static void sixteen_bit_string_addresses_wrap(void **state)
{
    struct bench *b = *state;
    struct cpu *c = b->cpu;

    bench_mode(b, BENCH_16, 0xffff);
    c->gpr[RDI] = 0x7777fff8;
    c->gpr[RCX] = 0x33330010;
    c->gpr[RAX] = 0xee;
    assert_int_equal(RUN(b, 0xf3, 0xaa), BENCH_OK);
    assert_int_equal(c->gpr[RDI], 0x77770008);
    assert_int_equal(c->gpr[RCX], 0x33330000);
    assert_int_equal(b->ram[0xffff], 0xee);
    assert_int_equal(b->ram[7], 0xee);
    assert_int_equal(b->ram[8], 0);
    assert_int_equal(b->ram[0x10000], 0);
    memset(b->ram, 0, 16);
    c->eflags |= FLAG_DF; /* and downwards past 0 */
    c->gpr[RDI] = 3;
    c->gpr[RCX] = 8;
    assert_int_equal(RUN(b, 0xf3, 0xaa), BENCH_OK);
    assert_int_equal(c->gpr[RDI], 0xfffb);
    assert_int_equal(b->ram[0], 0xee);
    assert_int_equal(b->ram[4], 0);
    c->gpr[RDI] = 0xffff; /* a word there is outside the segment */
    c->gpr[RCX] = 1;
    assert_int_equal(RUN(b, 0xf3, 0xab), VEC_GP);
}

static void scas_and_cmps_stop_at_the_element_that_decides(void **state)
{
    struct bench *b = *state;
    struct cpu *c = b->cpu;

    memset(b->ram + 0x10000, 'x', 0x6000);
    memset(b->ram + 0x20000, 'x', 0x6000);
    b->ram[0x13210] = 0;
    c->gpr[RDI] = 0x10000;
    c->gpr[RCX] = ~0ull;
    c->gpr[RAX] = 0;
    assert_int_equal(RUN(b, 0xf2, 0xae), BENCH_OK); /* strlen */
    assert_int_equal(c->gpr[RDI], 0x13211);
    assert_int_equal(~c->gpr[RCX], 0x3211);
    assert_true(lazy_zf(&c->lazy));
    assert_int_equal(c->budget, 1000000 - 0x3210);
    c->gpr[RSI] = 0x10000;
    c->gpr[RDI] = 0x20000;
    c->gpr[RCX] = 0x1400;
    assert_int_equal(RUN(b, 0xf3, 0xa7), BENCH_OK); /* repe cmpsd */
    assert_int_equal(c->gpr[RSI], 0x13214);
    assert_false(lazy_zf(&c->lazy));
    assert_true(lazy_cf(&c->lazy)); /* the source is the first operand, and less */
    c->gpr[RCX] = 0;
    bench_set_flags(c, 0x8d5);
    assert_int_equal(RUN(b, 0xf3, 0xa6), BENCH_OK); /* nothing, flags kept */
    assert_int_equal(bench_flags(c) & F_OSZAPC, 0x8d5);
    assert_int_equal(c->budget, 1000000);
}

static void with_tf_one_element_is_done_at_a_time(void **state)
{
    struct bench *b = *state;
    struct cpu *c = b->cpu;

    c->gpr[RDI] = 0x10000;
    c->gpr[RCX] = 3;
    c->eflags |= FLAG_TF;
    assert_int_equal(RUN(b, 0xf3, 0xaa), BENCH_OK);
    assert_int_equal(c->gpr[RCX], 2);
    assert_int_equal(c->rip, c->insn_rip);
    assert_int_equal(RUN(b, 0xf3, 0xaa), BENCH_OK);
    assert_int_equal(RUN(b, 0xf3, 0xaa), BENCH_OK);
    assert_int_equal(c->gpr[RCX], 0);
    assert_int_equal(c->rip, c->insn_rip + 2);
}

static void with_a_32_bit_address_size_the_upper_halves_are_cleared(void **state)
{
    struct bench *b = *state;
    struct cpu *c = b->cpu;

    c->gpr[RSI] = 0x100010000;
    c->gpr[RDI] = 0x200020000;
    c->gpr[RCX] = 0x300000004;
    b->ram[0x10003] = 0x42;
    assert_int_equal(RUN(b, 0x67, 0xf3, 0xa4), BENCH_OK);
    assert_int_equal(b->ram[0x20003], 0x42);
    assert_int_equal(c->gpr[RSI], 0x10004);
    assert_int_equal(c->gpr[RDI], 0x20004);
    assert_int_equal(c->gpr[RCX], 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_word_at_ffff_in_real_mode_is_a_general_protection_fault),
        T(through_ss_the_same_is_a_stack_fault),
        T(sixteen_bit_addresses_wrap_at_64k),
        T(an_expand_down_segment_begins_above_its_limit),
        T(a_null_or_read_only_segment_refuses),
        T(a_non_canonical_address_is_refused_with_the_segments_fault),
        T(a_read_modify_write_that_faults_changes_nothing),
        T(a_32_bit_linear_address_wraps_at_4g),
        T(moffs_takes_the_address_size),
        T(an_unaligned_access_in_user_mode_with_ac_is_refused),
        T(a_data_breakpoint_notes_only_what_touches_it),
        T(push_sp_pushes_the_old_value_and_pop_sp_keeps_the_popped_one),
        T(pop_to_memory_by_rsp_uses_the_incremented_rsp),
        T(pop_to_bad_memory_leaves_rsp),
        T(a_sixteen_bit_stack_wraps_and_keeps_the_upper_half_of_esp),
        T(pusha_and_popa_are_inverse_but_for_esp),
        T(enter_copies_the_outer_frames_and_leave_undoes_it),
        T(a_call_beyond_the_code_limit_pushes_nothing),
        T(a_sixteen_bit_jump_wraps_within_64k),
        T(ret_to_a_non_canonical_address_leaves_rsp),
        T(loop_counts_in_the_address_size),
        T(bound_tells_index_and_bounds),
        T(division_refuses_what_does_not_fit),
        T(decimal_adjustments_are_those_of_a_real_cpu),
        T(cmpxchg8b_and_16b_compare_all_their_bytes),
        T(movbe_turns_the_bytes_around),
        T(pause_gives_up_the_turn_only_with_several_cpus),
        T(the_permission_bitmap_decides_when_cpl_exceeds_iopl),
        T(rep_movs_in_any_pieces_is_one_element_after_another),
        T(rep_with_a_device_is_one_element_after_another),
        T(rep_follows_a_memory_map_that_it_changes),
        T(rep_to_a_device_meets_its_watchpoint),
        T(rep_stos_faults_with_the_completed_elements_kept),
        T(sixteen_bit_string_addresses_wrap),
        T(scas_and_cmps_stop_at_the_element_that_decides),
        T(with_tf_one_element_is_done_at_a_time),
        T(with_a_32_bit_address_size_the_upper_halves_are_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
