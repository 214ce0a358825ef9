/* test_avx_float.c - what the comparison with a real processor leaves out of AVX's
 * floating point: the approximations, which makers choose; and the compare predicates
 * by their names.
 */
#include "tests/unit/cpu/simd_cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void fill(struct rig *r)
{
    for (unsigned v = 0; v < 4; v++)
        for (unsigned q = 0; q < ARRAY_SIZE(r->cpu.v[v].q); q++)
            r->cpu.v[v].q[q] = random64();
}

static void run(struct rig *r, const uint8_t *bytes, unsigned n)
{
    assert_int_equal(rig_run(r, bytes, n), -1);
}

/* VRCPPS, VRSQRTPS ymm2, ymm1 against RCPPS, RSQRTPS xmm3, a half of ymm1. */
static void vector_approximations_are_those_of_sse(void **state)
{
    static const uint8_t op[] = {0x53, 0x52};
    struct rig *r = rig_new();
    (void)state;
    for (unsigned n = 0; n < 2000; n++) {
        uint8_t ymm[] = {0xc5, 0xfc, op[n & 1], 0xd1},
                xmm[] = {0xc5, 0xf8, op[n & 1], 0xd1};
        uint8_t sse[] = {0x0f, op[n & 1], 0xd8};
        struct vec *v = r->cpu.v;
        uint64_t low[2];

        fill(r);
        v[0] = v[1];
        run(r, sse, sizeof sse);
        low[0] = v[3].q[0];
        low[1] = v[3].q[1];
        v[0].q[0] = v[1].q[2];
        v[0].q[1] = v[1].q[3];
        run(r, sse, sizeof sse);

        run(r, ymm, sizeof ymm);
        assert_memory_equal(v[2].q, low, 16);
        assert_memory_equal(v[2].q + 2, v[3].q, 16);
        assert_int_equal(v[2].q[4] | v[2].q[7], 0);
        run(r, xmm, sizeof xmm);
        assert_memory_equal(v[2].q, low, 16);
        assert_int_equal(v[2].q[2] | v[2].q[3], 0);
    }
    rig_free(r);
}

/* VRCPSS, VRSQRTSS xmm2, xmm0, xmm1. */
static void scalar_approximations_keep_the_first_source_above(void **state)
{
    static const uint8_t op[] = {0x53, 0x52};
    struct rig *r = rig_new();
    (void)state;
    for (unsigned n = 0; n < 2000; n++) {
        uint8_t avx[] = {0xc5, 0xfa, op[n & 1], 0xd1};
        uint8_t sse[] = {0xf3, 0x0f, op[n & 1], 0xd9};
        struct vec *v = r->cpu.v;

        fill(r);
        run(r, sse, sizeof sse);
        run(r, avx, sizeof avx);
        assert_int_equal((uint32_t)v[2].q[0], (uint32_t)v[3].q[0]);
        assert_int_equal(v[2].q[0] >> 32, v[0].q[0] >> 32);
        assert_int_equal(v[2].q[1], v[0].q[1]);
        assert_int_equal(v[2].q[2] | v[2].q[3], 0);
    }
    rig_free(r);
}

/* Intel SDM vol 2, CMPPD, Table 3-1. */
static const char *const predicate_name[32] = {
    "EQ_OQ", "LT_OS",  "LE_OS",  "UNORD_Q",  "NEQ_UQ", "NLT_US", "NLE_US", "ORD_Q",
    "EQ_UQ", "NGE_US", "NGT_US", "FALSE_OQ", "NEQ_OQ", "GE_OS",  "GT_OS",  "TRUE_UQ",
    "EQ_OS", "LT_OQ",  "LE_OQ",  "UNORD_S",  "NEQ_US", "NLT_UQ", "NLE_UQ", "ORD_S",
    "EQ_US", "NGE_UQ", "NGT_UQ", "FALSE_OS", "NEQ_OS", "GE_OQ",  "GT_OQ",  "TRUE_US",
};

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

/* By the name's parts: N negates, U or O behind the underscore is for NaNs. */
static bool name_holds(const char *name, double a, double b)
{
    const char *u = strchr(name, '_') + 1;
    bool unordered = a != a || b != b, negated;

    if (begins(name, "UNORD") || begins(name, "ORD"))
        return unordered == begins(name, "UNORD");
    if (unordered)
        return *u == 'U';
    if (begins(name, "TRUE") || begins(name, "FALSE"))
        return begins(name, "TRUE");
    negated = *name == 'N';
    name += negated;
    return negated != (begins(name, "EQ")   ? a == b
                       : begins(name, "LT") ? a < b
                       : begins(name, "LE") ? a <= b
                       : begins(name, "GE") ? a >= b
                                            : a > b);
}

/* VCMPPD xmm2, xmm0, xmm1, imm8. */
static void predicates_hold_and_signal_by_their_names(void **state)
{
    static const uint64_t nan = 0x7ff8000000000000;
    double value[] = {1, 2, -1, 0, 0};
    struct rig *r = rig_new();
    (void)state;
    memcpy(&value[4], &nan, sizeof nan);
    for (unsigned imm = 0; imm < 256; imm++)
        for (unsigned n = 0; n < 25; n++) {
            const char *name = predicate_name[imm & 31];
            uint8_t code[] = {0xc5, 0xf9, 0xc2, 0xd1, (uint8_t)imm};
            double a = value[n / 5], b = value[n % 5];
            bool signals = name[strlen(name) - 1] == 'S' && (a != a || b != b);

            fill(r);
            memcpy(&r->cpu.v[0].q[0], &a, 8);
            memcpy(&r->cpu.v[1].q[0], &b, 8);
            r->cpu.v[0].q[1] = r->cpu.v[1].q[1] = 0;
            r->cpu.mxcsr = 0x1f80;
            run(r, code, sizeof code);
            assert_true(r->cpu.v[2].q[0] == (name_holds(name, a, b) ? UINT64_MAX : 0));
            assert_int_equal(r->cpu.mxcsr, 0x1f80 + signals);
        }
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vector_approximations_are_those_of_sse),
        cmocka_unit_test(scalar_approximations_keep_the_first_source_above),
        cmocka_unit_test(predicates_hold_and_signal_by_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
