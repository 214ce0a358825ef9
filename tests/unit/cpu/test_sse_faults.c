/* When MMX and SSE instructions fault, and what they leave behind. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/cpu/simd_cpu.h"

#define RUN(r, ...)                                                                    \
    rig_run(r, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

enum { ONE = 0x3f800000, TWO = 0x40000000, SNAN = 0x7f800001, DENORMAL = 1,
       HUGE_FLOAT = 0x7f7fffff };

static void floats(struct rig *r, unsigned n, uint32_t a, uint32_t b, uint32_t c,
                   uint32_t d)
{
    r->cpu.v[n].q[0] = two32(a, b);
    r->cpu.v[n].q[1] = two32(c, d);
}

/* ---- alignment ---- */

static void an_aligned_operand_off_by_one_is_gp(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    r->cpu.gpr[RSI] = DATA + 1;

    assert_int_equal(RUN(r, 0x0f, 0x28, 0x06), VEC_GP);       /* MOVAPS xmm0, [rsi] */
    assert_int_equal(r->cpu.event.reason, R_GP_ALIGN16);
    assert_int_equal(r->cpu.event.error, 0);
    assert_int_equal(RUN(r, 0x0f, 0x29, 0x06), VEC_GP);       /* MOVAPS [rsi], xmm0 */
    assert_int_equal(RUN(r, 0x0f, 0x58, 0x06), VEC_GP);       /* ADDPS xmm0, [rsi] */
    assert_int_equal(RUN(r, 0x66, 0x0f, 0xfe, 0x06), VEC_GP); /* PADDD */
    assert_int_equal(RUN(r, 0x66, 0x0f, 0xe7, 0x06), VEC_GP); /* MOVNTDQ */
    rig_free(r);
}

static void unaligned_moves_scalars_and_string_compares_may_be_anywhere(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    r->cpu.gpr[RSI] = DATA + 1;

    assert_int_equal(RUN(r, 0x0f, 0x10, 0x06), -1);             /* MOVUPS */
    assert_int_equal(RUN(r, 0xf3, 0x0f, 0x6f, 0x06), -1);       /* MOVDQU */
    assert_int_equal(RUN(r, 0xf2, 0x0f, 0xf0, 0x06), -1);       /* LDDQU */
    assert_int_equal(RUN(r, 0xf2, 0x0f, 0x58, 0x06), -1);       /* ADDSD */
    assert_int_equal(RUN(r, 0xf3, 0x0f, 0xe6, 0x06), -1);       /* CVTDQ2PD */
    assert_int_equal(RUN(r, 0x66, 0x0f, 0x3a, 0x63, 0x06, 0), -1); /* PCMPISTRI */
    assert_int_equal(RUN(r, 0x0f, 0xfc, 0x06), -1);             /* PADDB mm0, [rsi] */
    rig_free(r);
}

/* Alignment is that of the linear address. */
static void a_segment_base_counts_for_alignment(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    r->cpu.seg[FS].base = 8;
    seg_derive(&r->cpu, FS);
    r->cpu.gpr[RSI] = DATA + 8;

    assert_int_equal(RUN(r, 0x64, 0x0f, 0x28, 0x06), -1);
    assert_int_equal(RUN(r, 0x0f, 0x28, 0x06), VEC_GP);
    rig_free(r);
}

/* ---- #XM ---- */

static void an_unmasked_exception_changes_mxcsr_alone(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    floats(r, 0, ONE, ONE, ONE, ONE);
    floats(r, 1, 0, ONE, ONE, ONE);
    r->cpu.mxcsr = 0x1f80 & ~(FP_DIVZERO << 7);

    assert_int_equal(RUN(r, 0x0f, 0x5e, 0xc1), VEC_XM); /* DIVPS xmm0, xmm1 */
    assert_int_equal(r->cpu.event.reason, R_XM_DIVZERO);
    assert_int_equal(r->cpu.mxcsr & MXCSR_FLAGS, FP_DIVZERO);
    assert_int_equal(r->cpu.v[0].q[0], two32(ONE, ONE));
    rig_free(r);
}

static void without_osxmmexcpt_it_is_an_invalid_opcode(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    r->cpu.cr4 &= ~(1ull << 10);
    floats(r, 0, SNAN, 0, 0, 0);
    r->cpu.mxcsr = 0x1f80 & ~(FP_INVALID << 7);

    assert_int_equal(RUN(r, 0xf3, 0x0f, 0x58, 0xc0), VEC_UD); /* ADDSS xmm0, xmm0 */
    assert_int_equal(r->cpu.event.reason, R_UD_OSXMMEXCPT);
    rig_free(r);
}

/* One element is denormal, another overflows: with #D unmasked that is not seen. */
static void an_unmasked_operand_exception_hides_those_of_results(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    floats(r, 0, DENORMAL, HUGE_FLOAT, ONE, ONE);
    floats(r, 1, ONE, HUGE_FLOAT, ONE, ONE);
    r->cpu.mxcsr = 0x1f80 & ~(FP_DENORMAL << 7);

    assert_int_equal(RUN(r, 0x0f, 0x58, 0xc1), VEC_XM); /* ADDPS */
    assert_int_equal(r->cpu.mxcsr & MXCSR_FLAGS, FP_DENORMAL);

    r->cpu.mxcsr = 0x1f80;
    assert_int_equal(RUN(r, 0x0f, 0x58, 0xc1), -1);
    assert_int_equal(r->cpu.mxcsr & MXCSR_FLAGS,
                     FP_DENORMAL | FP_OVERFLOW | FP_INEXACT);
    rig_free(r);
}

static void a_comparison_that_traps_leaves_the_flags(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    floats(r, 0, SNAN, 0, 0, 0);
    r->cpu.mxcsr = 0x1f80 & ~(FP_INVALID << 7);
    lazy_put(&r->cpu.lazy, FLAG_OF | FLAG_SF);

    assert_int_equal(RUN(r, 0x0f, 0x2e, 0xc1), VEC_XM); /* UCOMISS xmm0, xmm1 */
    assert_int_equal(lazy_get(&r->cpu.lazy), FLAG_OF | FLAG_SF);
    rig_free(r);
}

/* ---- MMX ---- */

static void an_mmx_instruction_that_faults_leaves_the_x87_state(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    r->cpu.fsw = 3 << 11;
    r->cpu.gpr[RSI] = 1ull << 63; /* not canonical */

    assert_int_equal(RUN(r, 0x0f, 0xfc, 0x06), VEC_GP); /* PADDB mm0, [rsi] */
    assert_int_equal(RUN(r, 0x0f, 0x7e, 0x06), VEC_GP); /* MOVD [rsi], mm0 */
    assert_int_equal(r->cpu.ftw, 0xff);
    assert_int_equal(r->cpu.fsw, 3 << 11);

    assert_int_equal(RUN(r, 0x0f, 0xfc, 0xc1), -1); /* PADDB mm0, mm1 */
    assert_int_equal(r->cpu.ftw, 0);
    assert_int_equal(r->cpu.fsw, 0);
    assert_int_equal(r->cpu.st[0].se, 0xffff);
    assert_int_equal(RUN(r, 0x0f, 0x77), -1); /* EMMS */
    assert_int_equal(r->cpu.ftw, 0xff);
    rig_free(r);
}

/* The error is older than the instruction: it comes before the operand's own fault. */
static void a_pending_x87_error_comes_before_an_mmx_instruction(void **state)
{
    struct rig *r = rig_new();
    struct cpu *c = &r->cpu;
    (void)state;
    c->cr0 |= 1 << 5; /* NE */
    c->fcw = 0;
    c->fsw = FSW_ES | FSW_B | FSW_ZE;
    c->gpr[RSI] = 1ull << 63;

    assert_int_equal(RUN(r, 0x0f, 0xfc, 0x06), VEC_MF);       /* PADDB mm0, [rsi] */
    assert_int_equal(RUN(r, 0x0f, 0x77), VEC_MF);             /* EMMS */
    assert_int_equal(RUN(r, 0xf2, 0x0f, 0xd6, 0xc1), VEC_MF); /* MOVDQ2Q mm0, xmm1 */
    assert_int_equal(RUN(r, 0x0f, 0x2a, 0xc1), VEC_MF);       /* CVTPI2PS xmm0, mm1 */
    assert_int_equal(RUN(r, 0x0f, 0x2a, 0x06), VEC_GP);       /* CVTPI2PS xmm0, [rsi] */
    assert_int_equal(RUN(r, 0x0f, 0x58, 0xc1), -1);           /* ADDPS xmm0, xmm1 */
    assert_int_equal(c->ftw, 0xff);
    rig_free(r);
}

/* PUNPCKLBW mm reads four bytes, PMOVSXBQ two: the last ones of a segment will do. */
static void narrow_operands_are_not_read_beyond(void **state)
{
    struct rig *r = rig_new();
    struct cpu *c = &r->cpu;
    (void)state;
    c->efer = 0;
    c->seg[CS].attr = (c->seg[CS].attr & (uint16_t)~SEG_L) | SEG_DB;
    c->seg[DS].limit = DATA + 3;
    cpu_derive(c);
    seg_derive(c, DS);
    c->gpr[RSI] = DATA;

    assert_int_equal(RUN(r, 0x0f, 0x60, 0x06), -1);             /* PUNPCKLBW mm0 */
    assert_int_equal(RUN(r, 0x0f, 0x68, 0x06), VEC_GP);         /* PUNPCKHBW */
    assert_int_equal(RUN(r, 0x66, 0x0f, 0x38, 0x21, 0x06), -1); /* PMOVSXBD xmm0 */
    assert_int_equal(RUN(r, 0x66, 0x0f, 0x38, 0x20, 0x06), VEC_GP); /* PMOVSXBW */
    c->gpr[RSI] = DATA + 2;
    assert_int_equal(RUN(r, 0x66, 0x0f, 0x38, 0x22, 0x06), -1); /* PMOVSXBQ */
    rig_free(r);
}

/* ---- masked stores ---- */

static void maskmovdqu_writes_and_checks_only_what_is_selected(void **state)
{
    struct rig *r = rig_new();
    struct cpu *c = &r->cpu;
    (void)state;
    memset(r->ram + DATA, 0xee, 16);
    c->v[0].q[0] = 0x0706050403020100;
    c->v[0].q[1] = 0x0f0e0d0c0b0a0908;
    c->v[1].q[0] = 0x8000000000ff0000; /* bytes 2 and 7 */
    c->v[1].q[1] = 0x000000000000007f; /* none: only bit 7 counts */
    c->gpr[RDI] = DATA;

    assert_int_equal(RUN(r, 0x66, 0x0f, 0xf7, 0xc1), -1);
    assert_int_equal(load64(r->ram + DATA), 0x07eeeeeeee02eeee);
    assert_int_equal(load64(r->ram + DATA + 8), 0xeeeeeeeeeeeeeeee);

    c->v[1].q[0] = c->v[1].q[1] = 0;
    c->gpr[RDI] = 1ull << 63;
    assert_int_equal(RUN(r, 0x66, 0x0f, 0xf7, 0xc1), -1);
    c->v[1].q[0] = 0x80;
    assert_int_equal(RUN(r, 0x66, 0x0f, 0xf7, 0xc1), VEC_GP);
    rig_free(r);
}

/* ---- approximations ---- */

static void reciprocals_keep_their_promise(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    for (uint32_t m = 0; m < 1u << 23; m += 977)
        for (uint32_t e = 1; e < 255; e += 23) {
            uint32_t bits = e << 23 | m, got;
            float x, y;
            double error;
            memcpy(&x, &bits, 4);

            floats(r, 1, bits, 0, 0, 0);
            assert_int_equal(RUN(r, 0xf3, 0x0f, 0x53, 0xc1), -1); /* RCPSS */
            got = (uint32_t)r->cpu.v[0].q[0];
            memcpy(&y, &got, 4);
            error = (double)x * y - 1;
            if (got) /* not flushed */
                assert_true(error < 1.5 / 4096 && error > -1.5 / 4096);
            else
                assert_true(e >= 253);

            assert_int_equal(RUN(r, 0xf3, 0x0f, 0x52, 0xc1), -1); /* RSQRTSS */
            got = (uint32_t)r->cpu.v[0].q[0];
            memcpy(&y, &got, 4);
            error = ((double)x * y * y - 1) / 2;
            assert_true(error < 1.5 / 4096 && error > -1.5 / 4096);
        }
    rig_free(r);
}

static void reciprocals_of_special_numbers(void **state)
{
    static const uint32_t rows[][3] = { /* operand, RCP, RSQRT */
        {0, 0x7f800000, 0x7f800000},          {0x80000000, 0xff800000, 0xff800000},
        {1, 0x7f800000, 0x7f800000},          {0x807fffff, 0xff800000, 0xff800000},
        {0x7f800000, 0, 0},                   {0xff800000, 0x80000000, 0xffc00000},
        {0x7f800001, 0x7fc00001, 0x7fc00001}, {0xffc00123, 0xffc00123, 0xffc00123},
        {0x3f800000, 0x3f800000, 0x3f800000}, {0x40800000, 0x3e800000, 0x3f000000},
        {0xbf800000, 0xbf800000, 0xffc00000}, {0x7f7fffff, 0, 0x1f800000},
    };
    struct rig *r = rig_new();
    (void)state;
    for (unsigned n = 0; n < ARRAY_SIZE(rows); n++) {
        floats(r, 1, rows[n][0], 0, 0, 0);
        assert_int_equal(RUN(r, 0xf3, 0x0f, 0x53, 0xc1), -1);
        assert_int_equal((uint32_t)r->cpu.v[0].q[0], rows[n][1]);
        assert_int_equal(RUN(r, 0xf3, 0x0f, 0x52, 0xc1), -1);
        assert_int_equal((uint32_t)r->cpu.v[0].q[0], rows[n][2]);
    }
    assert_int_equal(r->cpu.mxcsr, 0x1f80);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_aligned_operand_off_by_one_is_gp),
        cmocka_unit_test(unaligned_moves_scalars_and_string_compares_may_be_anywhere),
        cmocka_unit_test(a_segment_base_counts_for_alignment),
        cmocka_unit_test(an_unmasked_exception_changes_mxcsr_alone),
        cmocka_unit_test(without_osxmmexcpt_it_is_an_invalid_opcode),
        cmocka_unit_test(an_unmasked_operand_exception_hides_those_of_results),
        cmocka_unit_test(a_comparison_that_traps_leaves_the_flags),
        cmocka_unit_test(an_mmx_instruction_that_faults_leaves_the_x87_state),
        cmocka_unit_test(a_pending_x87_error_comes_before_an_mmx_instruction),
        cmocka_unit_test(narrow_operands_are_not_read_beyond),
        cmocka_unit_test(maskmovdqu_writes_and_checks_only_what_is_selected),
        cmocka_unit_test(reciprocals_keep_their_promise),
        cmocka_unit_test(reciprocals_of_special_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
