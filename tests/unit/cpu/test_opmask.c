/* The opmask instructions, in each of their four widths, against the manual's
 * pseudo-code (Intel SDM vol 2, K).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cpu/flags.h"
#include "tests/unit/cpu/evex_form.h"

enum { ROUNDS = 200, DEST = 5, A = 2, B = 6, STATUS_FLAGS = 0x8d5 };

static uint64_t low(uint64_t v, unsigned bits)
{
    return bits == 64 ? v : v & ((1ull << bits) - 1);
}

/* Noise, a single bit, all but one, a byte, nothing, everything. */
static uint64_t random_mask(void)
{
    uint64_t v = random64();

    switch (v >> 58) {
    case 0: return 0;
    case 1: return ~0ull;
    case 2: return 1ull << (v & 63);
    case 3: return ~(1ull << (v & 63));
    case 4: return v & 0xff;
    default: return v;
    }
}

/* What tells it: the prefix and W. */
struct width {
    unsigned bits;
    uint8_t pp, w;
};

/* Of most; shifts, KUNPCK and KMOV from general registers have others. */
static const struct width widths[] = {
    {8, P_66, 0}, {16, P_NONE, 0}, {32, P_66, 1}, {64, P_NONE, 1}};

/* VEX with these; vvvv is inverted, so 0 is what stands for none. imm -1: none. */
static int run(struct rig *r, struct width w, unsigned l, uint8_t map, uint8_t op,
               unsigned vvvv, unsigned reg, unsigned rm, int imm)
{
    uint8_t code[] = {0xc4,
                      (uint8_t)(0xe0 | map),
                      (uint8_t)(w.w << 7 | (~vvvv & 15) << 3 | l << 2 | w.pp),
                      op,
                      (uint8_t)(0xc0 | reg << 3 | rm),
                      (uint8_t)imm};
    return rig_run(r, code, imm < 0 ? 5 : 6);
}

static void random_masks(struct rig *r)
{
    for (unsigned n = 0; n < 8; n++)
        r->cpu.k[n] = random_mask();
}

static uint64_t k_and(uint64_t a, uint64_t b)
{
    return a & b;
}

static uint64_t k_andn(uint64_t a, uint64_t b)
{
    return ~a & b;
}

static uint64_t k_or(uint64_t a, uint64_t b)
{
    return a | b;
}

static uint64_t k_xnor(uint64_t a, uint64_t b)
{
    return ~(a ^ b);
}

static uint64_t k_xor(uint64_t a, uint64_t b)
{
    return a ^ b;
}

static uint64_t k_add(uint64_t a, uint64_t b)
{
    return a + b;
}

static void logic_is_of_the_width_and_clears_what_lies_above(void **state)
{
    static const struct {
        uint8_t op;
        uint64_t (*of)(uint64_t, uint64_t);
    } ops[] = {{0x41, k_and},  {0x42, k_andn}, {0x45, k_or},
               {0x46, k_xnor}, {0x47, k_xor},  {0x4a, k_add}};
    struct rig *r = rig_new();
    uint64_t *k = r->cpu.k;
    (void)state;

    for (unsigned n = 0; n < ROUNDS; n++)
        for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
            unsigned bits = widths[w].bits;

            for (unsigned o = 0; o < ARRAY_SIZE(ops); o++) {
                random_masks(r);
                assert_int_equal(run(r, widths[w], 1, 1, ops[o].op, A, DEST, B, -1),
                                 -1);
                assert_int_equal(k[DEST], low(ops[o].of(k[A], k[B]), bits));
            }
            random_masks(r);
            assert_int_equal(run(r, widths[w], 0, 1, 0x44, 0, DEST, B, -1), -1);
            assert_int_equal(k[DEST], low(~k[B], bits));
        }
    rig_free(r);
}

static void a_shift_takes_all_of_its_immediate(void **state)
{
    static const struct width shift[] = {
        {8, P_66, 0}, {16, P_66, 1}, {32, P_66, 0}, {64, P_66, 1}};
    struct rig *r = rig_new();
    uint64_t *k = r->cpu.k;
    (void)state;

    for (int imm = 0; imm < 256; imm++)
        for (unsigned w = 0; w < ARRAY_SIZE(shift); w++) {
            unsigned bits = shift[w].bits, n = (unsigned)imm;
            uint8_t op = 0x30 + (bits > 16);

            random_masks(r);
            assert_int_equal(run(r, shift[w], 0, 3, op, 0, DEST, B, imm), -1);
            assert_int_equal(k[DEST], n < bits ? low(k[B], bits) >> n : 0);
            assert_int_equal(run(r, shift[w], 0, 3, op + 2, 0, DEST, B, imm), -1);
            assert_int_equal(k[DEST], n < bits ? low(k[B] << n, bits) : 0);
        }
    rig_free(r);
}

static void unpacking_puts_the_first_source_above_the_second(void **state)
{
    static const struct width half[] = {{8, P_66, 0}, {16, P_NONE, 0}, {32, P_NONE, 1}};
    struct rig *r = rig_new();
    uint64_t *k = r->cpu.k;
    (void)state;

    for (unsigned n = 0; n < ROUNDS; n++)
        for (unsigned w = 0; w < ARRAY_SIZE(half); w++) {
            unsigned bits = half[w].bits;

            random_masks(r);
            assert_int_equal(run(r, half[w], 1, 1, 0x4b, A, DEST, B, -1), -1);
            assert_int_equal(k[DEST], low(k[A], bits) << bits | low(k[B], bits));
        }
    rig_free(r);
}

static void tests_set_zf_and_cf_and_clear_the_others(void **state)
{
    struct rig *r = rig_new();
    const uint64_t *k = r->cpu.k;
    (void)state;

    for (unsigned n = 0; n < ROUNDS; n++)
        for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
            unsigned bits = widths[w].bits;
            uint64_t any, flags;

            random_masks(r);
            any = low(k[A] | k[B], bits);
            flags = (any ? 0 : FLAG_ZF) | (any == low(~0ull, bits) ? FLAG_CF : 0);
            assert_int_equal(run(r, widths[w], 0, 1, 0x98, 0, A, B, -1), -1);
            assert_int_equal(cpu_flags(&r->cpu) & STATUS_FLAGS, flags);

            flags = (low(k[A] & k[B], bits) ? 0 : FLAG_ZF) |
                    (low(~k[A] & k[B], bits) ? 0 : FLAG_CF);
            assert_int_equal(run(r, widths[w], 0, 1, 0x99, 0, A, B, -1), -1);
            assert_int_equal(cpu_flags(&r->cpu) & STATUS_FLAGS, flags);
        }
    rig_free(r);
}

static void moves_between_masks_and_registers_clear_what_lies_above(void **state)
{
    static const struct width of_register[] = {
        {8, P_66, 0}, {16, P_NONE, 0}, {32, P_F2, 0}, {64, P_F2, 1}};
    struct rig *r = rig_new();
    uint64_t *k = r->cpu.k, *gpr = r->cpu.gpr;
    (void)state;

    for (unsigned n = 0; n < ROUNDS; n++)
        for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
            unsigned bits = widths[w].bits;

            random_masks(r);
            gpr[B] = random64();
            assert_int_equal(run(r, widths[w], 0, 1, 0x90, 0, DEST, B, -1), -1);
            assert_int_equal(k[DEST], low(k[B], bits));
            assert_int_equal(run(r, of_register[w], 0, 1, 0x92, 0, DEST, B, -1), -1);
            assert_int_equal(k[DEST], low(gpr[B], bits));
            gpr[DEST] = ~0ull;
            assert_int_equal(run(r, of_register[w], 0, 1, 0x93, 0, DEST, A, -1), -1);
            assert_int_equal(gpr[DEST], low(k[A], bits));
        }
    rig_free(r);
}

static void moves_to_and_from_memory_touch_their_width(void **state)
{
    struct rig *r = rig_new();
    uint64_t *k = r->cpu.k;
    uint8_t *at = r->ram + DATA;
    (void)state;

    r->cpu.gpr[RSI] = DATA;
    for (unsigned n = 0; n < ROUNDS; n++)
        for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
            unsigned bits = widths[w].bits;
            uint8_t code[] = {0xc4, 0xe1,
                              (uint8_t)(widths[w].w << 7 | 0x78 | widths[w].pp), 0x90,
                              DEST << 3 | 6}; /* K5, [RSI] */
            uint64_t was = random64();

            random_masks(r);
            store64(at, was);
            assert_int_equal(rig_run(r, code, sizeof code), -1);
            assert_int_equal(k[DEST], low(was, bits));
            k[DEST] = random_mask();
            code[3] = 0x91;
            assert_int_equal(rig_run(r, code, sizeof code), -1);
            assert_int_equal(load64(at),
                             (was & ~low(~0ull, bits)) | low(k[DEST], bits));
        }
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logic_is_of_the_width_and_clears_what_lies_above),
        cmocka_unit_test(a_shift_takes_all_of_its_immediate),
        cmocka_unit_test(unpacking_puts_the_first_source_above_the_second),
        cmocka_unit_test(tests_set_zf_and_cf_and_clear_the_others),
        cmocka_unit_test(moves_between_masks_and_registers_clear_what_lies_above),
        cmocka_unit_test(moves_to_and_from_memory_touch_their_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
