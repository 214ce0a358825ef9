/* EVEX gathers and scatters: what they move, and what they leave behind when one
 * element faults. Intel SDM vol 2, VGATHERDPS, VSCATTERDPS and their kin.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/cpu/evex_form.h"

enum { INDEX = 26 };

static const struct {
    uint8_t op, w, index, size;
} gathers[] = {{0x90, 0, 4, 4}, {0x90, 1, 4, 8}, {0x91, 0, 8, 4}, {0x91, 1, 8, 8},
               {0x92, 0, 4, 4}, {0x92, 1, 4, 8}, {0x93, 0, 8, 4}, {0x93, 1, 8, 8}};

static struct say vsib(unsigned vl)
{
    return (struct say){.vl = vl, .reg = REG, .index = INDEX, .imm = -1, .k = K};
}

static void gathers_and_scatters_agree_with_the_pseudo_code(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    for (unsigned form = 0; form < 8 * 3 * 2 * 6; form++) {
        unsigned g = form % 8, vl = form / 8 % 3, index = gathers[g].index;
        unsigned size = gathers[g].size,
                 count = (16u << vl) / (index > size ? index : size);
        bool store = form / 24 % 2;
        struct form f = {2, P_66, gathers[g].w,
                         (uint8_t)(gathers[g].op + (store ? 0x10 : 0))};
        struct bytes indices, data = random_bytes(), want = data, have;
        uint8_t ram[512];
        uint64_t mask = random64();
        r->cpu.gpr[RSI] = DATA + 256;
        r->cpu.k[K] = mask;
        for (unsigned n = 0; n < 64 / index; n++)
            put(&indices, n, index, random64() % 400 - 200);
        for (unsigned n = 0; n < sizeof ram; n++)
            ram[n] = (uint8_t)random64();
        memcpy(r->ram + DATA, ram, sizeof ram);
        vec_of(&r->cpu.v[INDEX], &indices);
        vec_of(&r->cpu.v[REG], &data);
        assert_int_equal(run_form(r, f, vsib(vl)), -1);

        for (unsigned n = 0; n < count; n++) {
            uint8_t *at = ram + 256 + as_signed(get(&indices, n, index), index);
            if (!(mask >> n & 1))
                continue;
            if (store)
                memcpy(at, data.at + n * size, size);
            else
                memcpy(want.at + n * size, at, size);
        }
        if (!store)
            memset(want.at + count * size, 0, 64 - count * size);
        have = bytes_of(&r->cpu.v[REG]);
        assert_memory_equal(have.at, want.at, 64);
        assert_memory_equal(r->ram + DATA, ram, sizeof ram);
        assert_int_equal(r->cpu.k[K], 0);
    }
    rig_free(r);
}

static const struct form gather_qq = {2, P_66, 1, 0x91},
                         scatter_qq = {2, P_66, 1, 0xa1};

/* Element 2 faults; 0 is masked out. */
static struct rig *faulting(void)
{
    struct rig *r = rig_new();
    for (unsigned n = 0; n < 8; n++) {
        r->cpu.v[INDEX].q[n] = 8 * n;
        r->cpu.v[REG].q[n] = 100 + n;
        store64(r->ram + DATA + 8 * n, 200 + n);
    }
    r->cpu.v[INDEX].q[2] = NONCANONICAL;
    r->cpu.gpr[RSI] = DATA;
    r->cpu.k[K] = 0xf0e;
    r->cpu.insn_rip = 0x1000;
    r->cpu.rip = 0x1006;
    return r;
}

static void a_gather_that_faults_goes_on_where_it_stopped(void **state)
{
    struct rig *r = faulting();
    (void)state;
    assert_int_equal(run_form(r, gather_qq, vsib(2)), VEC_GP);
    assert_int_equal(r->cpu.k[K], 0xf0c);
    assert_int_equal(r->cpu.v[REG].q[0], 100);
    assert_int_equal(r->cpu.v[REG].q[1], 201);
    assert_int_equal(r->cpu.v[REG].q[2], 102);

    r->cpu.v[INDEX].q[2] = 56;
    store64(r->ram + DATA + 8, 0); /* not read again */
    assert_int_equal(run_form(r, gather_qq, vsib(2)), -1);
    assert_int_equal(r->cpu.k[K], 0);
    assert_int_equal(r->cpu.v[REG].q[1], 201);
    assert_int_equal(r->cpu.v[REG].q[2], 207);
    assert_int_equal(r->cpu.v[REG].q[3], 203);
    assert_int_equal(r->cpu.v[REG].q[4], 104);
    rig_free(r);
}

/* As Zen 4 does; the manual's pseudo-code clears it at the end. */
static void a_gather_cut_short_has_cleared_what_is_above_its_length(void **state)
{
    struct rig *r = faulting();
    (void)state;
    r->cpu.k[K] = 0xc;
    assert_int_equal(run_form(r, gather_qq, vsib(1)), VEC_GP); /* nothing done */
    assert_int_equal(r->cpu.v[REG].q[4], 104);
    r->cpu.k[K] = 0xe;
    assert_int_equal(run_form(r, gather_qq, vsib(1)), VEC_GP);
    assert_int_equal(r->cpu.v[REG].q[1], 201);
    assert_int_equal(r->cpu.v[REG].q[3], 103);
    for (unsigned n = 4; n < 8; n++)
        assert_int_equal(r->cpu.v[REG].q[n], 0);
    rig_free(r);
}

static void a_scatter_that_faults_goes_on_where_it_stopped(void **state)
{
    struct rig *r = faulting();
    (void)state;
    assert_int_equal(run_form(r, scatter_qq, vsib(2)), VEC_GP);
    assert_int_equal(r->cpu.k[K], 0xf0c);
    assert_int_equal(load64(r->ram + DATA), 200);
    assert_int_equal(load64(r->ram + DATA + 8), 101);
    assert_int_equal(load64(r->ram + DATA + 24), 203);

    r->cpu.v[INDEX].q[2] = 56;
    store64(r->ram + DATA + 8, 0);
    assert_int_equal(run_form(r, scatter_qq, vsib(2)), -1);
    assert_int_equal(r->cpu.k[K], 0);
    assert_int_equal(load64(r->ram + DATA + 8), 0);
    assert_int_equal(load64(r->ram + DATA + 56), 102);
    assert_int_equal(load64(r->ram + DATA + 24), 103);
    rig_free(r);
}

/* SDM vol 2, VSCATTERDPS: traps of elements already done come in lieu of the fault. */
static void a_pending_trap_comes_in_place_of_a_later_elements_fault(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 2; n++) {
        struct rig *r = faulting();
        struct form f = n ? scatter_qq : gather_qq;
        r->cpu.eflags |= FLAG_TF;
        assert_int_equal(run_form(r, f, vsib(2)), -1);
        assert_int_equal(r->cpu.rip, 0x1000);
        assert_true(r->cpu.rep_cut);
        assert_int_equal(r->cpu.event.kind, EVENT_NONE);
        assert_int_equal(r->cpu.k[K], 0xf0c);
        assert_int_equal(run_form(r, f, vsib(2)), VEC_GP); /* the first now */
        rig_free(r);
    }
}

static void of_overlapping_elements_the_highest_is_stored_last(void **state)
{
    struct rig *r = faulting();
    (void)state;
    for (unsigned n = 0; n < 8; n++)
        r->cpu.v[INDEX].q[n] = 8 - n;
    r->cpu.k[K] = 0xff;
    assert_int_equal(run_form(r, scatter_qq, vsib(2)), -1);
    for (unsigned n = 0; n < 8; n++) /* byte n + 1 is the lowest of element 7 - n */
        assert_int_equal(r->ram[DATA + 1 + n], n ? 0 : 107);
    assert_int_equal(load64(r->ram + DATA + 1), 107);
    rig_free(r);
}

static void gathers_need_a_mask_and_another_destination_than_the_index(void **state)
{
    struct rig *r = faulting();
    struct say s = vsib(2);
    (void)state;
    s.k = 0;
    assert_int_equal(run_form(r, gather_qq, s), -2);
    assert_int_equal(run_form(r, scatter_qq, s), -2);
    s = vsib(2);
    s.z = true;
    assert_int_equal(run_form(r, gather_qq, s), -2);
    assert_int_equal(run_form(r, scatter_qq, s), -2);
    s = vsib(2);
    s.reg = INDEX;
    assert_int_equal(run_form(r, gather_qq, s), -2);
    r->cpu.v[INDEX].q[2] = 16;
    assert_int_equal(run_form(r, scatter_qq, s), -1);
    s = vsib(2);
    s.index = -1; /* no SIB */
    s.mem = true;
    assert_int_equal(run_form(r, gather_qq, s), -2);
    rig_free(r);
}

static void neither_is_checked_for_alignment(void **state)
{
    struct rig *r = faulting();
    (void)state;
    r->cpu.cr0 |= 1 << 18; /* AM */
    r->cpu.eflags |= FLAG_AC;
    r->cpu.cpl = 3;
    cpu_derive(&r->cpu);
    r->cpu.v[INDEX].q[1] = 1;
    r->cpu.k[K] = 2;
    assert_int_equal(run_form(r, gather_qq, vsib(2)), -1);
    assert_int_equal(r->cpu.v[REG].q[1], load64(r->ram + DATA + 1));
    r->cpu.v[REG].q[1] = 0x1122334455667788;
    r->cpu.k[K] = 2;
    assert_int_equal(run_form(r, scatter_qq, vsib(2)), -1);
    assert_int_equal(load64(r->ram + DATA + 1), 0x1122334455667788);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gathers_and_scatters_agree_with_the_pseudo_code),
        cmocka_unit_test(a_gather_that_faults_goes_on_where_it_stopped),
        cmocka_unit_test(a_gather_cut_short_has_cleared_what_is_above_its_length),
        cmocka_unit_test(a_scatter_that_faults_goes_on_where_it_stopped),
        cmocka_unit_test(a_pending_trap_comes_in_place_of_a_later_elements_fault),
        cmocka_unit_test(of_overlapping_elements_the_highest_is_stored_last),
        cmocka_unit_test(gathers_need_a_mask_and_another_destination_than_the_index),
        cmocka_unit_test(neither_is_checked_for_alignment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
