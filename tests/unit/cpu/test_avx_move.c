/* Moves under a mask and gathers: what they touch, and what they leave behind when one
 * element faults. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/cpu/simd_cpu.h"

#define RUN(r, ...)                                                                    \
    rig_run(r, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

#define NONCANONICAL (1ull << 62)

/* VPGATHERQQ ymm1, [rsi + ymm2], ymm3 */
#define GATHER 0xc4, 0xe2, 0xe5, 0x91, 0x0c, 0x16
/* VMASKMOVPS xmm1, xmm2, [rsi]; and [rsi], xmm2, xmm1 */
#define MASKED_LOAD 0xc4, 0xe2, 0x69, 0x2c, 0x0e
#define MASKED_STORE 0xc4, 0xe2, 0x69, 0x2e, 0x0e

static struct rig *rig_with(uint64_t rsi)
{
    struct rig *r = rig_new();
    r->cpu.gpr[RSI] = rsi;
    for (unsigned n = 0; n < 64; n++)
        r->ram[DATA + n] = (uint8_t)(n + 1);
    return r;
}

static void set(struct rig *r, unsigned n, uint64_t a, uint64_t b, uint64_t c,
                uint64_t d)
{
    r->cpu.v[n] = (struct vec){{a, b, c, d, 99}};
}

static void assert_vec(struct rig *r, unsigned n, uint64_t a, uint64_t b, uint64_t c,
                       uint64_t d)
{
    assert_int_equal(r->cpu.v[n].q[0], a);
    assert_int_equal(r->cpu.v[n].q[1], b);
    assert_int_equal(r->cpu.v[n].q[2], c);
    assert_int_equal(r->cpu.v[n].q[3], d);
}

/* ---- gathers ---- */

static void a_gather_takes_the_selected_elements_and_clears_its_mask(void **state)
{
    struct rig *r = rig_with(DATA);
    (void)state;
    set(r, 1, 5, 6, 7, 8);
    set(r, 2, 8, NONCANONICAL, 0, (uint64_t)-16);
    set(r, 3, ~0ull, 1, 1ull << 63, 1);

    assert_int_equal(RUN(r, GATHER), -1);
    assert_vec(r, 1, 0x100f0e0d0c0b0a09, 6, 0x0807060504030201, 8);
    assert_vec(r, 3, 0, 0, 0, 0);
    assert_int_equal(r->cpu.v[1].q[4], 0);
    assert_int_equal(r->cpu.v[3].q[4], 0);
    rig_free(r);
}

static void a_gather_that_faults_goes_on_where_it_stopped(void **state)
{
    struct rig *r = rig_with(DATA);
    (void)state;
    set(r, 1, 5, 6, 7, 8);
    set(r, 2, 0, 8, NONCANONICAL, 16);
    set(r, 3, ~0ull, ~0ull, ~0ull, ~0ull);

    assert_int_equal(RUN(r, GATHER), VEC_GP);
    assert_vec(r, 1, 0x0807060504030201, 0x100f0e0d0c0b0a09, 7, 8);
    assert_vec(r, 3, 0, 0, ~0ull, ~0ull);

    r->cpu.v[2].q[2] = 24;
    memset(r->ram + DATA, 0, 16); /* the first two are not read again */
    assert_int_equal(RUN(r, GATHER), -1);
    assert_vec(r, 1, 0x0807060504030201, 0x100f0e0d0c0b0a09, 0x201f1e1d1c1b1a19,
               0x1817161514131211);
    assert_vec(r, 3, 0, 0, 0, 0);
    rig_free(r);
}

/* SDM vol 2, VGATHERDPS: traps of elements already gathered come in lieu of the fault.
 */
static void a_pending_trap_comes_in_place_of_a_later_elements_fault(void **state)
{
    struct rig *r = rig_with(DATA);
    (void)state;
    set(r, 2, 0, NONCANONICAL, 0, 0);
    set(r, 3, ~0ull, ~0ull, 0, 0);
    r->cpu.eflags |= FLAG_TF;
    r->cpu.insn_rip = 0x1000;
    r->cpu.rip = 0x1006;

    assert_int_equal(RUN(r, GATHER), -1);
    assert_int_equal(r->cpu.rip, 0x1000);
    assert_int_equal(r->cpu.event.kind, EVENT_NONE);
    assert_int_equal(r->cpu.v[1].q[0], 0x0807060504030201);
    assert_vec(r, 3, 0, ~0ull, 0, 0);

    assert_int_equal(RUN(r, GATHER), VEC_GP); /* the first to be loaded faults */
    rig_free(r);
}

static void without_a_fault_a_pending_trap_waits_for_the_end(void **state)
{
    struct rig *r = rig_with(DATA);
    (void)state;
    set(r, 2, 0, 8, 0, 0);
    set(r, 3, ~0ull, ~0ull, 0, 0);
    r->cpu.eflags |= FLAG_TF;
    r->cpu.rip = 0x1006;

    assert_int_equal(RUN(r, GATHER), -1);
    assert_int_equal(r->cpu.rip, 0x1006);
    assert_vec(r, 3, 0, 0, 0, 0);
    rig_free(r);
}

static void a_gather_needs_three_registers(void **state)
{
    struct rig *r = rig_with(DATA);
    (void)state;
    assert_int_equal(RUN(r, 0xc4, 0xe2, 0xe5, 0x91, 0x14, 0x16), -2); /* ymm2, ymm3 */
    assert_int_equal(RUN(r, 0xc4, 0xe2, 0xed, 0x91, 0x0c, 0x16), -2); /* ymm1, ymm2 */
    assert_int_equal(RUN(r, 0xc4, 0xe2, 0xf5, 0x91, 0x0c, 0x16), -2); /* ymm1, ymm1 */
    assert_int_equal(RUN(r, 0xc4, 0xe2, 0xe5, 0x91, 0x0e), -2); /* no SIB: no index */
    rig_free(r);
}

/* ---- moves under a mask ---- */

static void a_masked_load_clears_what_is_not_selected(void **state)
{
    struct rig *r = rig_with(DATA);
    (void)state;
    set(r, 1, ~0ull, ~0ull, ~0ull, ~0ull);
    set(r, 2, two32(0x80000000, 0x7fffffff), two32(0, 0xffffffff), ~0ull, ~0ull);

    assert_int_equal(RUN(r, MASKED_LOAD), -1);
    assert_vec(r, 1, 0x04030201, 0x100f0e0d00000000, 0, 0);
    rig_free(r);
}

static void a_masked_store_writes_what_is_selected(void **state)
{
    static const uint8_t expected[16] = {1, 2, 3, 4, 0xaa, 0xaa, 0xaa, 0xaa,
                                         9, 10, 11, 12, 0xaa, 0xaa, 0xaa, 0xaa};
    struct rig *r = rig_with(DATA);
    (void)state;
    set(r, 1, 0xaaaaaaaaaaaaaaaa, 0xaaaaaaaaaaaaaaaa, 0, 0);
    set(r, 2, 1ull << 63, 1ull << 63, 0, 0);

    assert_int_equal(RUN(r, MASKED_STORE), -1);
    assert_memory_equal(r->ram + DATA, expected, 16);
    rig_free(r);
}

static void an_element_that_is_not_selected_cannot_fault(void **state)
{
    struct rig *r = rig_with(NONCANONICAL);
    (void)state;
    set(r, 1, 7, 7, 7, 7);
    set(r, 2, 0, 0, 0, 0);
    assert_int_equal(RUN(r, MASKED_STORE), -1);
    assert_int_equal(RUN(r, MASKED_LOAD), -1);
    assert_vec(r, 1, 0, 0, 0, 0);

    set(r, 1, 7, 7, 7, 7);
    set(r, 2, 0, 1ull << 63, 0, 0);
    assert_int_equal(RUN(r, MASKED_STORE), VEC_GP);
    assert_int_equal(RUN(r, MASKED_LOAD), VEC_GP);
    assert_vec(r, 1, 7, 7, 7, 7);
    rig_free(r);
}

/* The segment ends within the last element; those before it stay unwritten. */
static void a_masked_store_that_faults_has_stored_nothing(void **state)
{
    struct rig *r = rig_with(DATA);
    (void)state;
    r->cpu.seg[CS].attr = (uint16_t)((r->cpu.seg[CS].attr & ~SEG_L) | SEG_DB);
    r->cpu.seg[DS].limit = DATA + 13;
    cpu_derive(&r->cpu);
    for (unsigned s = 0; s < SREGS; s++)
        seg_derive(&r->cpu, (enum sreg)s);
    set(r, 1, ~0ull, ~0ull, 0, 0);
    set(r, 2, ~0ull, ~0ull, 0, 0);

    assert_int_equal(RUN(r, MASKED_STORE), VEC_GP);
    assert_int_equal(r->ram[DATA], 1);
    set(r, 2, ~0ull, 0, 0, 0);
    assert_int_equal(RUN(r, MASKED_STORE), -1);
    assert_int_equal(r->ram[DATA], 0xff);
    rig_free(r);
}

static void neither_is_checked_for_alignment(void **state)
{
    struct rig *r = rig_with(DATA + 1);
    (void)state;
    r->cpu.cr0 |= 1 << 18; /* AM */
    r->cpu.eflags |= FLAG_AC;
    r->cpu.cpl = 3;
    cpu_derive(&r->cpu);
    set(r, 2, ~0ull, ~0ull, 0, 0);
    set(r, 3, 1, 2, 0, 0);

    assert_int_equal(RUN(r, 0xc5, 0xfa, 0x7e, 0x0e), VEC_AC); /* VMOVQ xmm1, [rsi] */
    assert_int_equal(RUN(r, MASKED_LOAD), -1);
    assert_vec(r, 1, 0x0908070605040302, 0x11100f0e0d0c0b0a, 0, 0);
    assert_int_equal(RUN(r, 0xc4, 0xe2, 0x69, 0x2e, 0x1e), -1); /* VMASKMOVPS: xmm3 */
    assert_int_equal(r->ram[DATA + 9], 2);
    set(r, 2, 2, 0, 0, 0);
    set(r, 3, ~0ull, 0, 0, 0);
    assert_int_equal(RUN(r, GATHER), -1);
    assert_int_equal(r->cpu.v[1].q[0], 0x0002000000000000);
    rig_free(r);
}

/* ---- clearing ---- */

static void clearing_keeps_to_the_registers_the_mode_can_name(void **state)
{
    struct rig *r = rig_with(0);
    (void)state;
    for (unsigned n = 0; n < 16; n++)
        set(r, n, 1, 2, 3, 4);
    assert_int_equal(RUN(r, 0xc5, 0xf8, 0x77), -1); /* VZEROUPPER */
    assert_vec(r, 15, 1, 2, 0, 0);
    assert_int_equal(r->cpu.v[15].q[4], 0);

    r->cpu.seg[CS].attr = (uint16_t)((r->cpu.seg[CS].attr & ~SEG_L) | SEG_DB);
    cpu_derive(&r->cpu);
    assert_int_equal(RUN(r, 0xc5, 0xfc, 0x77), -1); /* VZEROALL */
    assert_vec(r, 7, 0, 0, 0, 0);
    assert_vec(r, 8, 1, 2, 0, 0);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gather_takes_the_selected_elements_and_clears_its_mask),
        cmocka_unit_test(a_gather_that_faults_goes_on_where_it_stopped),
        cmocka_unit_test(a_pending_trap_comes_in_place_of_a_later_elements_fault),
        cmocka_unit_test(without_a_fault_a_pending_trap_waits_for_the_end),
        cmocka_unit_test(a_gather_needs_three_registers),
        cmocka_unit_test(a_masked_load_clears_what_is_not_selected),
        cmocka_unit_test(a_masked_store_writes_what_is_selected),
        cmocka_unit_test(an_element_that_is_not_selected_cannot_fault),
        cmocka_unit_test(a_masked_store_that_faults_has_stored_nothing),
        cmocka_unit_test(neither_is_checked_for_alignment),
        cmocka_unit_test(clearing_keeps_to_the_registers_the_mode_can_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
