/* Galois field instructions against the manual's pseudo-code, a bit at a time; AES
 * against FIPS 197's example; TZCNT and LZCNT on models that lack them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/cpu/simd_cpu.h"

#define RUN(r, ...)                                                                    \
    rig_run(r, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* ---- the pseudo-code: SDM vol 2, GF2P8MULB, GF2P8AFFINEQB, GF2P8AFFINEINVQB ---- */

static uint8_t mul_byte(uint8_t a, uint8_t b)
{
    unsigned word = 0;
    for (unsigned n = 0; n < 8; n++)
        if (b >> n & 1)
            word ^= (unsigned)a << n;
    for (unsigned n = 14; n >= 8; n--)
        if (word >> n & 1)
            word ^= 0x11bu << (n - 8);
    return (uint8_t)word;
}

static uint8_t inverse_byte(uint8_t a)
{
    for (unsigned b = 1; b < 256; b++)
        if (mul_byte(a, (uint8_t)b) == 1)
            return (uint8_t)b;
    return 0;
}

static uint8_t affine_byte(uint64_t matrix, uint8_t x, uint8_t imm)
{
    uint8_t r = 0;
    for (unsigned n = 0; n < 8; n++) {
        unsigned row = (unsigned)(matrix >> 8 * (7 - n)) & x & 0xff, parity = 0;
        for (unsigned k = 0; k < 8; k++)
            parity ^= row >> k & 1;
        r |= (uint8_t)((parity ^ (imm >> n & 1)) << n);
    }
    return r;
}

enum which { MUL, AFFINE, INVERSE };

static uint64_t model(enum which which, uint64_t a, uint64_t b, uint8_t imm)
{
    uint64_t r = 0;
    for (unsigned n = 0; n < 8; n++) {
        uint8_t x = (uint8_t)(a >> 8 * n);
        uint8_t y = which == MUL      ? mul_byte(x, (uint8_t)(b >> 8 * n))
                    : which == AFFINE ? affine_byte(b, x, imm)
                                      : affine_byte(b, inverse_byte(x), imm);
        r |= (uint64_t)y << 8 * n;
    }
    return r;
}

static void fill(struct vec *v)
{
    for (unsigned n = 0; n < ARRAY_SIZE(v->q); n++)
        v->q[n] = random64();
    if (random64() % 4 == 0) /* GF's 0 and 1, and the identity matrix */
        v->q[0] = random64() & 1 ? 0x0100010001000100 : 0x0102040810204080;
}

/* sse: OP xmm1, xmm2; vex: OP ymm0, ymm1, ymm2 or with L = 0. */
static void check(struct rig *r, enum which which, const uint8_t *code, unsigned n,
                  unsigned words, bool vex, uint8_t imm)
{
    struct vec *v = r->cpu.v, a, b;
    unsigned to = vex ? 0 : 1;

    for (unsigned k = 0; k < 3; k++)
        fill(&v[k]);
    a = v[1];
    b = v[2];
    assert_int_equal(rig_run(r, code, n), -1);
    for (unsigned k = 0; k < ARRAY_SIZE(v->q); k++) {
        uint64_t want = k < words ? model(which, a.q[k], b.q[k], imm)
                        : vex     ? 0
                                  : a.q[k];
        if (v[to].q[k] != want)
            fail_msg("%u, word %u: %llx and %llx make %llx, not %llx", which, k,
                     (unsigned long long)a.q[k], (unsigned long long)b.q[k],
                     (unsigned long long)v[to].q[k], (unsigned long long)want);
    }
}

static void gfni_does_what_the_pseudo_code_says(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        uint8_t imm = (uint8_t)random64();
        uint8_t mul[] = {0x66, 0x0f, 0x38, 0xcf, 0xca};
        uint8_t mul128[] = {0xc4, 0xe2, 0x71, 0xcf, 0xc2};
        uint8_t mul256[] = {0xc4, 0xe2, 0x75, 0xcf, 0xc2};

        check(r, MUL, mul, sizeof mul, 2, false, 0);
        check(r, MUL, mul128, sizeof mul128, 2, true, 0);
        check(r, MUL, mul256, sizeof mul256, 4, true, 0);
        for (unsigned k = 0; k < 2; k++) {
            uint8_t op = (uint8_t)(0xce + k);
            uint8_t sse[] = {0x66, 0x0f, 0x3a, op, 0xca, imm};
            uint8_t vex128[] = {0xc4, 0xe3, 0xf1, op, 0xc2, imm};
            uint8_t vex256[] = {0xc4, 0xe3, 0xf5, op, 0xc2, imm};
            enum which which = k ? INVERSE : AFFINE;
            check(r, which, sse, sizeof sse, 2, false, imm);
            check(r, which, vex128, sizeof vex128, 2, true, imm);
            check(r, which, vex256, sizeof vex256, 4, true, imm);
        }
    }
    rig_free(r);
}

static void every_product_and_inverse_is_right(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    for (unsigned a = 0; a < 256; a++)
        for (unsigned b = 0; b < 256; b++) {
            r->cpu.v[1].q[0] = a;
            r->cpu.v[2].q[0] = b;
            assert_int_equal(RUN(r, 0x66, 0x0f, 0x38, 0xcf, 0xca), -1);
            assert_int_equal(r->cpu.v[1].q[0], mul_byte((uint8_t)a, (uint8_t)b));
        }
    for (unsigned a = 0; a < 256; a++) {
        r->cpu.v[1].q[0] = a;
        r->cpu.v[2].q[0] = 0x0102040810204080; /* the identity */
        assert_int_equal(RUN(r, 0x66, 0x0f, 0x3a, 0xcf, 0xca, 0), -1);
        assert_int_equal(r->cpu.v[1].q[0] & 0xff, inverse_byte((uint8_t)a));
    }
    rig_free(r);
}

/* SDM vol 2: VEX.W0 for VGF2P8MULB, W1 for the affine forms. */
static void the_other_w_is_no_instruction(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    assert_int_equal(RUN(r, 0xc4, 0xe2, 0xf1, 0xcf, 0xc2), -2);
    assert_int_equal(RUN(r, 0xc4, 0xe3, 0x71, 0xce, 0xc2, 0), -2);
    assert_int_equal(RUN(r, 0xc4, 0xe3, 0x71, 0xcf, 0xc2, 0), -2);
    rig_free(r);
}

/* ---- AES: FIPS 197 Appendix B, its key schedule from AESKEYGENASSIST ---- */

static struct x128 from_bytes(const char *text)
{
    uint8_t b[16];
    for (unsigned n = 0; n < 16; n++) {
        char two[3] = {text[2 * n], text[2 * n + 1], 0};
        b[n] = (uint8_t)strtoul(two, NULL, 16);
    }
    return x128(load64(b), load64(b + 8));
}

static void put(struct rig *r, unsigned n, struct x128 x)
{
    r->cpu.v[n] = (struct vec){{x.q[0], x.q[1]}};
}

/* Encrypts XMM1 with the key, and decrypts what came out again. */
static void aes_encrypts_the_standard_s_example(void **state)
{
    static const uint8_t rcon[10] = {1, 2, 4, 8, 16, 32, 64, 128, 0x1b, 0x36};
    struct rig *r = rig_new();
    struct x128 key[11], text = from_bytes("3243f6a8885a308d313198a2e0370734");
    struct x128 want = from_bytes("3925841d02dc09fbdc118597196a0b32");
    (void)state;

    key[0] = from_bytes("2b7e151628aed2a6abf7158809cf4f3c");
    for (unsigned n = 0; n < 10; n++) {
        uint32_t word;
        put(r, 2, key[n]); /* AESKEYGENASSIST xmm1, xmm2, rcon */
        assert_int_equal(RUN(r, 0x66, 0x0f, 0x3a, 0xdf, 0xca, rcon[n]), -1);
        word = (uint32_t)(r->cpu.v[1].q[1] >> 32);
        for (unsigned k = 0; k < 4; k++) {
            word ^= x32(key[n], k);
            x32_set(&key[n + 1], k, word);
        }
    }
    put(r, 1, x128(text.q[0] ^ key[0].q[0], text.q[1] ^ key[0].q[1]));
    for (unsigned n = 1; n < 10; n++) {
        put(r, 2, key[n]);
        assert_int_equal(RUN(r, 0x66, 0x0f, 0x38, 0xdc, 0xca), -1); /* AESENC */
    }
    put(r, 2, key[10]);
    assert_int_equal(RUN(r, 0xc4, 0xe2, 0x71, 0xdd, 0xca), -1); /* VAESENCLAST */
    assert_int_equal(r->cpu.v[1].q[0], want.q[0]);
    assert_int_equal(r->cpu.v[1].q[1], want.q[1]);

    put(r, 1, x128(want.q[0] ^ key[10].q[0], want.q[1] ^ key[10].q[1]));
    for (unsigned n = 9; n > 0; n--) {
        put(r, 3, key[n]);
        assert_int_equal(RUN(r, 0x66, 0x0f, 0x38, 0xdb, 0xd3), -1); /* AESIMC */
        assert_int_equal(RUN(r, 0x66, 0x0f, 0x38, 0xde, 0xca), -1); /* AESDEC */
    }
    put(r, 2, key[0]);
    assert_int_equal(RUN(r, 0x66, 0x0f, 0x38, 0xdf, 0xca), -1); /* AESDECLAST */
    assert_int_equal(r->cpu.v[1].q[0], text.q[0]);
    assert_int_equal(r->cpu.v[1].q[1], text.q[1]);
    rig_free(r);
}

/* ---- F3 0F BC and BD ---- */

static void tzcnt_and_lzcnt_are_scans_on_models_without_them(void **state)
{
    struct rig *r = rig_new();
    struct cpu_model nehalem;
    (void)state;
    assert_true(cpu_model_parse("nehalem", &nehalem, NULL));
    r->cpu.gpr[RCX] = 0x00f0;
    assert_int_equal(RUN(r, 0xf3, 0x0f, 0xbc, 0xc1), -1); /* TZCNT eax, ecx */
    assert_int_equal(r->cpu.gpr[RAX], 4);
    assert_int_equal(RUN(r, 0xf3, 0x0f, 0xbd, 0xc1), -1); /* LZCNT */
    assert_int_equal(r->cpu.gpr[RAX], 24);
    r->cpu.model = &nehalem;
    assert_int_equal(RUN(r, 0xf3, 0x0f, 0xbc, 0xc1), -1); /* BSF */
    assert_int_equal(r->cpu.gpr[RAX], 4);
    assert_int_equal(RUN(r, 0xf3, 0x0f, 0xbd, 0xc1), -1); /* BSR */
    assert_int_equal(r->cpu.gpr[RAX], 7);
    r->cpu.gpr[RCX] = 0;
    r->cpu.gpr[RAX] = 77;
    assert_int_equal(RUN(r, 0xf3, 0x0f, 0xbc, 0xc1), -1);
    assert_int_equal(r->cpu.gpr[RAX], 77);
    r->cpu.model = &r->model;
    assert_int_equal(RUN(r, 0xf3, 0x0f, 0xbc, 0xc1), -1);
    assert_int_equal(r->cpu.gpr[RAX], 32);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gfni_does_what_the_pseudo_code_says),
        cmocka_unit_test(every_product_and_inverse_is_right),
        cmocka_unit_test(the_other_w_is_no_instruction),
        cmocka_unit_test(aes_encrypts_the_standard_s_example),
        cmocka_unit_test(tzcnt_and_lzcnt_are_scans_on_models_without_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
