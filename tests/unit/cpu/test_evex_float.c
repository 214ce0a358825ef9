/* test_evex_float.c - AVX-512 floating point: every packed operation in all its forms
 * against a reference, then what special operands, the opmask, SAE and memory that is
 * absent do.
 */
#include "tests/unit/cpu/evex_float_reference.h"
#include "tests/unit/cpu/simd_cpu.h"

#include <fenv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#define NONCANONICAL (1ull << 62)

enum { K = 3, REG = 29, FIRST = 18, RM = 21 };
enum { MXCSR_IE = 1, MXCSR_DE = 2, MXCSR_ZE = 4, MXCSR_PE = 32, DAZ = 0x40 };

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed * 0x2545f4914f6cdd1d;
}

/* ---- encodings ---- */

enum { NP_, P66_, PF3_, PF2_ }; /* EVEX.pp */

struct form {
    uint8_t map, pp, w, op;
};

struct say {
    unsigned l; /* 0 to 2; with b and registers the rounding */
    unsigned reg, first, rm;
    bool mem; /* [rsi] */
    unsigned k;
    bool z, b;
    int imm; /* -1: none */
};

static int run(struct rig *r, struct form f, struct say s)
{
    unsigned x = s.mem ? 0 : s.rm >> 4 & 1, b = s.mem ? 0 : s.rm >> 3 & 1, n = 6;
    uint8_t code[8] = {
        0x62,
        (uint8_t)(f.map | (~s.reg >> 3 & 1) << 7 | (x ^ 1) << 6 | (b ^ 1) << 5 |
                  (~s.reg >> 4 & 1) << 4),
        (uint8_t)(f.w << 7 | (~s.first & 15) << 3 | 4 | f.pp),
        (uint8_t)((unsigned)s.z << 7 | s.l << 5 | (unsigned)s.b << 4 |
                  (~s.first >> 4 & 1) << 3 | s.k),
        f.op,
        (uint8_t)(s.mem ? (s.reg & 7) << 3 | 6 : 0xc0 | (s.reg & 7) << 3 | (s.rm & 7)),
    };

    if (s.imm >= 0)
        code[n++] = (uint8_t)s.imm;
    return rig_run(r, code, n);
}

/* ---- the packed operations ---- */

enum { TWO = 1, IMM = 2, ER = 4, SAE = 8, INTEGERS = 16, POSITIVE = 32 };

static const struct operation {
    const char *name;
    struct form form;
    uint8_t from, to; /* bits of an element of r/m and of the destination */
    unsigned how;     /* TWO sources; what b may say */
    reference_fn *reference;
    reference_fn *odd; /* of elements with odd numbers, where it is another */
} operations[] = {
#define ARITH(op, name, how)                                                           \
    {#name "ps", {1, NP_, 0, op}, 32, 32, TWO | (how), ref_##name, NULL},              \
        {#name "pd", {1, P66_, 1, op}, 64, 64, TWO | (how), ref_##name, NULL},
    ARITH(0x58, add, ER) ARITH(0x59, mul, ER) ARITH(0x5c, sub, ER) ARITH(0x5d, min, SAE)
        ARITH(0x5e, div, ER) ARITH(0x5f, max, SAE){
            "sqrtps", {1, NP_, 0, 0x51}, 32, 32, ER | POSITIVE, ref_sqrt, NULL},
    {"sqrtpd", {1, P66_, 1, 0x51}, 64, 64, ER | POSITIVE, ref_sqrt, NULL},
#define FMA(op, name, even, odd)                                                       \
    {#name "ps", {2, P66_, 0, op}, 32, 32, TWO | ER, ref_##even, ref_##odd},           \
        {#name "pd", {2, P66_, 1, op}, 64, 64, TWO | ER, ref_##even, ref_##odd},
#define FMA_ORDER(op, digits)                                                          \
    FMA((op) + 6, fmaddsub##digits, fmsub##digits, fmadd##digits)                      \
    FMA((op) + 7, fmsubadd##digits, fmadd##digits, fmsub##digits)                      \
    FMA((op) + 8, fmadd##digits, fmadd##digits, fmadd##digits)                         \
    FMA((op) + 10, fmsub##digits, fmsub##digits, fmsub##digits)                        \
    FMA((op) + 12, fnmadd##digits, fnmadd##digits, fnmadd##digits)                     \
    FMA((op) + 14, fnmsub##digits, fnmsub##digits, fnmsub##digits)
    FMA_ORDER(0x90, 132) FMA_ORDER(0xa0, 213) FMA_ORDER(0xb0, 231){
        "cvtps2pd", {1, NP_, 0, 0x5a}, 32, 64, SAE, ref_same, NULL},
    {"cvtpd2ps", {1, P66_, 1, 0x5a}, 64, 32, ER, ref_same, NULL},
    {"cvtps2dq", {1, P66_, 0, 0x5b}, 32, 32, ER, ref_to_integer, NULL},
    {"cvttps2dq", {1, PF3_, 0, 0x5b}, 32, 32, SAE, ref_truncate, NULL},
    {"cvtpd2dq", {1, PF2_, 1, 0xe6}, 64, 32, ER, ref_to_integer, NULL},
    {"cvttpd2dq", {1, P66_, 1, 0xe6}, 64, 32, SAE, ref_truncate, NULL},
    {"cvtps2qq", {1, P66_, 0, 0x7b}, 32, 64, ER, ref_to_integer, NULL},
    {"cvttps2qq", {1, P66_, 0, 0x7a}, 32, 64, SAE, ref_truncate, NULL},
    {"cvtpd2qq", {1, P66_, 1, 0x7b}, 64, 64, ER, ref_to_integer, NULL},
    {"cvttpd2qq", {1, P66_, 1, 0x7a}, 64, 64, SAE, ref_truncate, NULL},
    {"cvtps2udq", {1, NP_, 0, 0x79}, 32, 32, ER, ref_to_unsigned, NULL},
    {"cvttps2udq", {1, NP_, 0, 0x78}, 32, 32, SAE, ref_truncate_unsigned, NULL},
    {"cvtpd2udq", {1, NP_, 1, 0x79}, 64, 32, ER, ref_to_unsigned, NULL},
    {"cvttpd2udq", {1, NP_, 1, 0x78}, 64, 32, SAE, ref_truncate_unsigned, NULL},
    {"cvtps2uqq", {1, P66_, 0, 0x79}, 32, 64, ER, ref_to_unsigned, NULL},
    {"cvttps2uqq", {1, P66_, 0, 0x78}, 32, 64, SAE, ref_truncate_unsigned, NULL},
    {"cvtpd2uqq", {1, P66_, 1, 0x79}, 64, 64, ER, ref_to_unsigned, NULL},
    {"cvttpd2uqq", {1, P66_, 1, 0x78}, 64, 64, SAE, ref_truncate_unsigned, NULL},
    {"cvtdq2ps", {1, NP_, 0, 0x5b}, 32, 32, ER | INTEGERS, ref_from_integer, NULL},
    {"cvtdq2pd", {1, PF3_, 0, 0xe6}, 32, 64, ER | INTEGERS, ref_from_integer, NULL},
    {"cvtqq2ps", {1, NP_, 1, 0x5b}, 64, 32, ER | INTEGERS, ref_from_integer, NULL},
    {"cvtqq2pd", {1, PF3_, 1, 0xe6}, 64, 64, ER | INTEGERS, ref_from_integer, NULL},
    {"cvtudq2ps", {1, PF2_, 0, 0x7a}, 32, 32, ER | INTEGERS, ref_from_unsigned, NULL},
    {"cvtudq2pd", {1, PF3_, 0, 0x7a}, 32, 64, ER | INTEGERS, ref_from_unsigned, NULL},
    {"cvtuqq2ps", {1, PF2_, 1, 0x7a}, 64, 32, ER | INTEGERS, ref_from_unsigned, NULL},
    {"cvtuqq2pd", {1, PF3_, 1, 0x7a}, 64, 64, ER | INTEGERS, ref_from_unsigned, NULL},
    {"rndscaleps", {3, P66_, 0, 0x08}, 32, 32, IMM | SAE, ref_rndscale, NULL},
    {"rndscalepd", {3, P66_, 1, 0x09}, 64, 64, IMM | SAE, ref_rndscale, NULL},
    {"reduceps", {3, P66_, 0, 0x56}, 32, 32, IMM | SAE, ref_reduce, NULL},
    {"reducepd", {3, P66_, 1, 0x56}, 64, 64, IMM | SAE, ref_reduce, NULL},
    {"getexpps", {2, P66_, 0, 0x42}, 32, 32, SAE, ref_getexp, NULL},
    {"getexppd", {2, P66_, 1, 0x42}, 64, 64, SAE, ref_getexp, NULL},
    {"getmantps", {3, P66_, 0, 0x26}, 32, 32, IMM | SAE, ref_getmant, NULL},
    {"getmantpd", {3, P66_, 1, 0x26}, 64, 64, IMM | SAE, ref_getmant, NULL},
    {"scalefps", {2, P66_, 0, 0x2c}, 32, 32, TWO | ER, ref_scalef, NULL},
    {"scalefpd", {2, P66_, 1, 0x2c}, 64, 64, TWO | ER, ref_scalef, NULL},
    {"rangeps", {3, P66_, 0, 0x50}, 32, 32, TWO | IMM | SAE, ref_range, NULL},
    {"rangepd", {3, P66_, 1, 0x50}, 64, 64, TWO | IMM | SAE, ref_range, NULL},
};

/* The same as scalars: pp and op, where they are not the packed one's opcode + 1. */
static struct form scalar_form(const struct operation *o)
{
    struct form f = o->form;

    if (f.map == 1)
        f.pp = f.w ? PF2_ : PF3_;
    else if (f.map == 3 && (f.op == 8 || f.op == 9))
        f.op += 2;
    else
        f.op++;
    return f;
}

static bool has_scalar(const struct operation *o)
{
    bool alternates = o->odd && o->odd != o->reference;
    return o->from == o->to && !alternates && strncmp(o->name, "cvt", 3) != 0;
}

/* ---- operands ---- */

/* Up to 12 digits, exponents from -12 to 6: see evex_float_reference.h. */
static uint64_t random_number(unsigned bits, unsigned how)
{
    uint64_t x = random64();
    double d = ldexp((double)((x & 0xfff) | 1), (int)(x >> 16 & 15) - 24);

    d = ldexp(d, (int)(x >> 20 & 7));
    return bits_of(x >> 40 & 1 && !(how & POSITIVE) ? -d : d, bits);
}

static uint64_t random_element(unsigned bits, unsigned how)
{
    if (how & INTEGERS) {
        uint64_t x = random64();
        x >>= random64() % bits;
        return bits == 32 ? (uint32_t)x : x;
    }
    return random_number(bits, how);
}

static uint64_t element(const struct vec *v, unsigned bits, unsigned n)
{
    return bits == 64 ? v->q[n] : (uint32_t)(v->q[n / 2] >> n % 2 * 32);
}

static void set(struct vec *v, unsigned bits, unsigned n, uint64_t x)
{
    unsigned s = n % 2 * 32;

    if (bits == 64)
        v->q[n] = x;
    else
        v->q[n / 2] = (v->q[n / 2] & ~(0xffffffffull << s)) | x << s;
}

static struct vec random_vector(unsigned bits, unsigned how)
{
    struct vec v;
    for (unsigned n = 0; n < 512 / bits; n++)
        set(&v, bits, n, random_element(bits, how));
    return v;
}

static void to_ram(struct rig *r, const struct vec *v)
{
    for (unsigned n = 0; n < 8; n++)
        store64(r->ram + DATA + 8 * n, v->q[n]);
    r->cpu.gpr[RSI] = DATA;
}

static void rounding(unsigned rc)
{
    static const int mode[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
    assert_int_equal(fesetround(mode[rc]), 0);
}

static uint64_t expected(const struct operation *o, const struct reference *e,
                         unsigned n, unsigned rc)
{
    uint64_t x;
    rounding(rc);
    x = n & 1 && o->odd ? o->odd(e) : o->reference(e);
    rounding(0);
    return x;
}

static void compare(const struct operation *o, const struct vec *is,
                    const struct vec *want, struct say s)
{
    for (unsigned n = 0; n < 8; n++)
        if (is->q[n] != want->q[n])
            fail_msg(
                "%s: word %u is %llx, not %llx (L'L %u k %u z %d b %d mem %d imm %x)",
                o->name, n, (unsigned long long)is->q[n],
                (unsigned long long)want->q[n], s.l, s.k, s.z, s.b, s.mem,
                (unsigned)s.imm);
}

/* A random form that the operation has. *rc: the rounding that it asks for. */
static struct say random_form(const struct operation *o, unsigned *l, unsigned *rc,
                              unsigned mxcsr_rc)
{
    uint64_t x = random64();
    struct say s = {.reg = REG, .rm = RM, .first = o->how & TWO ? FIRST : 0, .imm = -1};

    *l = s.l = x % 3;
    *rc = mxcsr_rc;
    s.mem = x >> 8 & 1;
    s.k = x >> 9 & 1 ? K : 0;
    s.z = s.k && x >> 10 & 1;
    s.b = x >> 11 & 1 && (s.mem || o->how & (ER | SAE));
    if (s.b && !s.mem) {
        *l = 2;
        s.l = x >> 12 & 3;
        if (o->how & ER)
            *rc = s.l;
    }
    if (o->how & IMM) {
        s.imm = (int)(x >> 16 & 0xff);
        if ((o->form.op & 0xfe) == 0x08 ||
            o->form.op == 0x56) /* a rounding of its own */
            *rc = s.imm & 4 ? mxcsr_rc : s.imm & 3;
    }
    return s;
}

static void every_operation_gives_what_the_reference_says(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    for (unsigned n = 0; n < ARRAY_SIZE(operations) * 400; n++) {
        const struct operation *o = &operations[n / 400];
        unsigned l, rc, mxcsr_rc = random64() % 4, wide, count;
        struct say s = random_form(o, &l, &rc, mxcsr_rc);
        struct vec b = random_vector(o->from, o->how), want;
        struct reference e = {
            .imm = (unsigned)s.imm & 0xff, .from = o->from, .to = o->to};

        wide = o->from > o->to ? o->from : o->to;
        count = (128u << l) / wide;
        r->cpu.v[FIRST] = random_vector(o->from, o->how);
        r->cpu.v[REG] = random_vector(o->to, 0);
        r->cpu.v[RM] = b;
        to_ram(r, &b);
        r->cpu.k[K] = random64();
        r->cpu.mxcsr = 0x1f80 | mxcsr_rc << 13;
        memset(&want, 0, sizeof want);
        for (unsigned k = 0; k < count; k++) {
            bool on = !s.k || r->cpu.k[K] >> k & 1;
            e.a = element(&r->cpu.v[FIRST], o->from, k);
            e.b = element(&b, o->from, s.b && s.mem ? 0 : k);
            e.d = element(&r->cpu.v[REG], o->to, k);
            set(&want, o->to, k, on ? expected(o, &e, k, rc) : s.z ? 0 : e.d);
        }
        if (run(r, o->form, s) != -1)
            fail_msg("%s", o->name);
        compare(o, &r->cpu.v[REG], &want, s);
        if (s.b && !s.mem)
            assert_int_equal(r->cpu.mxcsr & 0x3f, 0);
    }
    rig_free(r);
}

static void scalars_give_the_same_in_element_0(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    for (unsigned n = 0; n < ARRAY_SIZE(operations) * 200; n++) {
        const struct operation *o = &operations[n / 200];
        unsigned l, rc, mxcsr_rc = random64() % 4;
        struct say s = random_form(o, &l, &rc, mxcsr_rc);
        struct vec b = random_vector(o->from, o->how), want = {{0}};
        struct reference e = {
            .imm = (unsigned)s.imm & 0xff, .from = o->from, .to = o->to};

        if (!has_scalar(o))
            continue;
        if (s.mem)
            s.b = false;
        s.first = FIRST;
        r->cpu.v[FIRST] = random_vector(o->from, o->how);
        r->cpu.v[REG] = random_vector(o->to, 0);
        r->cpu.v[RM] = b;
        to_ram(r, &b);
        r->cpu.k[K] = random64();
        r->cpu.mxcsr = 0x1f80 | mxcsr_rc << 13;
        e.a = element(&r->cpu.v[FIRST], o->from, 0);
        e.b = element(&b, o->from, 0);
        e.d = element(&r->cpu.v[REG], o->to, 0);
        /* FMA keeps the destination above. */
        memcpy(want.q, r->cpu.v[o->odd ? REG : FIRST].q, 16);
        set(&want, o->to, 0,
            !s.k || r->cpu.k[K] & 1 ? expected(o, &e, 0, rc)
            : s.z                   ? 0
                                    : e.d);
        if (run(r, scalar_form(o), s) != -1)
            fail_msg("scalar %s", o->name);
        compare(o, &r->cpu.v[REG], &want, s);
    }
    rig_free(r);
}

/* ---- masks, exceptions, memory ---- */

static uint64_t signalling(unsigned bits)
{
    return bits == 64 ? 0x7ff0000000000001 : 0x7f800001;
}

/* With every exception unmasked; 2 and 2 raise nothing anywhere. */
static void an_element_masked_out_raises_nothing(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    for (unsigned n = 0; n < ARRAY_SIZE(operations); n++) {
        const struct operation *o = &operations[n];
        struct say s = {.l = 2,
                        .reg = REG,
                        .rm = RM,
                        .first = o->how & TWO ? FIRST : 0,
                        .k = K,
                        .imm = o->how & IMM ? 0 : -1};
        unsigned wide = o->from > o->to ? o->from : o->to;

        if (o->how & INTEGERS)
            continue;
        for (unsigned k = 0; k < 512 / wide; k++) {
            uint64_t x = k % 3 ? signalling(o->from) : bits_of(4, o->from);
            set(&r->cpu.v[RM], o->from, k, x);
            set(&r->cpu.v[FIRST], o->from, k, x);
            set(&r->cpu.v[REG], o->to, k,
                k % 3 ? signalling(o->to) : bits_of(4, o->to));
        }
        r->cpu.k[K] = 0x1249; /* every third */
        r->cpu.mxcsr = 0;
        if (run(r, o->form, s) != -1)
            fail_msg("%s raises", o->name);
        assert_int_equal(r->cpu.mxcsr, 0);
        assert_true(element(&r->cpu.v[REG], o->to, 1) == signalling(o->to));
        r->cpu.k[K] = 0x124b;
        assert_int_equal(run(r, o->form, s), VEC_XM);
        assert_int_equal(r->cpu.mxcsr, MXCSR_IE);
        assert_true(element(&r->cpu.v[REG], o->to, 1) == signalling(o->to));
        if (!(o->how & (ER | SAE)))
            continue;
        s.b = true;
        r->cpu.mxcsr = 0;
        assert_int_equal(run(r, o->form, s), -1);
        assert_int_equal(r->cpu.mxcsr, 0);
    }
    rig_free(r);
}

static void an_element_masked_out_is_not_read(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    for (unsigned n = 0; n < ARRAY_SIZE(operations); n++) {
        const struct operation *o = &operations[n];
        struct say s = {.l = 2,
                        .reg = REG,
                        .first = o->how & TWO ? FIRST : 0,
                        .mem = true,
                        .k = K,
                        .imm = o->how & IMM ? 0 : -1};

        r->cpu.gpr[RSI] = NONCANONICAL;
        r->cpu.v[REG].q[0] = 7;
        for (s.b = false;; s.b = true) {
            r->cpu.k[K] = 0;
            if (run(r, o->form, s) != -1)
                fail_msg("%s reads", o->name);
            r->cpu.k[K] = 1;
            assert_int_equal(run(r, o->form, s), VEC_GP);
            if (s.b)
                break;
        }
        assert_int_equal(r->cpu.v[REG].q[0], 7);
    }
    rig_free(r);
}

/* ---- to opmasks ---- */

/* VCMPPD k2 {k3}, zmm18, zmm21, and VCMPSD. */
static void compares_set_the_opmask_and_clear_the_rest(void **state)
{
    static const struct form pd = {1, P66_, 1, 0xc2}, sd = {1, PF2_, 1, 0xc2};
    enum { LT_OS = 1, EQ_OQ = 0 };
    struct say s = {.l = 2, .reg = 2, .first = FIRST, .rm = RM, .k = K, .imm = LT_OS};
    struct rig *r = rig_new();
    (void)state;
    for (unsigned n = 0; n < 8; n++) {
        r->cpu.v[FIRST].q[n] = bits_of(n, 64);
        r->cpu.v[RM].q[n] = bits_of(5, 64);
    }
    r->cpu.v[RM].q[7] = signalling(64);
    r->cpu.k[2] = ~0ull;
    r->cpu.k[K] = 0x7d; /* not 1 and 7 */
    r->cpu.mxcsr = 0;
    assert_int_equal(run(r, pd, s), -1);
    assert_true(r->cpu.k[2] == 0x1d);
    assert_int_equal(r->cpu.mxcsr, 0);
    s.b = true; /* SAE */
    s.k = 0;
    assert_int_equal(run(r, pd, s), -1);
    assert_true(r->cpu.k[2] == 0x1f);
    assert_int_equal(r->cpu.mxcsr, 0);
    s.b = false;
    assert_int_equal(run(r, pd, s), VEC_XM);

    r->cpu.mxcsr = 0;
    r->cpu.k[2] = ~0ull;
    assert_int_equal(run(r, sd, s), -1);
    assert_true(r->cpu.k[2] == 1);
    s.k = K;
    r->cpu.k[K] = 0xfe;
    assert_int_equal(run(r, sd, s), -1);
    assert_true(r->cpu.k[2] == 0);
    rig_free(r);
}

/* VFPCLASSPS k2 {k3}, zmm21, imm8. */
static void classes_are_those_of_the_manual(void **state)
{
    static const uint32_t of[8] = {
        0x7fc00000, 0x00000000, 0x80000000, 0x7f800000,
        0xff800000, 0x00000001, 0xbf800000, 0x7f800001,
    };
    static const struct form ps = {3, P66_, 0, 0x66}, ss = {3, P66_, 0, 0x67};
    struct say s = {.l = 2, .reg = 2, .rm = RM, .imm = 0};
    struct rig *r = rig_new();
    (void)state;
    r->cpu.mxcsr = 0;
    for (unsigned n = 0; n < 16; n++)
        set(&r->cpu.v[RM], 32, n, of[n % 8]);
    for (unsigned n = 0; n < 8; n++) {
        s.imm = 1 << n;
        assert_int_equal(run(r, ps, s), -1);
        assert_true(r->cpu.k[2] == 0x101ull << n);
        set(&r->cpu.v[RM], 32, 0, of[n]);
        assert_int_equal(run(r, ss, s), -1);
        assert_true(r->cpu.k[2] == 1);
        set(&r->cpu.v[RM], 32, 0, of[0]);
    }
    set(&r->cpu.v[RM], 32, 0, 0x80000001); /* denormal and negative */
    for (unsigned n = 5; n < 7; n++) {
        s.imm = 1 << n;
        assert_int_equal(run(r, ss, s), -1);
        assert_true(r->cpu.k[2] == 1);
    }
    r->cpu.mxcsr = DAZ; /* and then neither */
    s.imm = 0x60;
    assert_int_equal(run(r, ss, s), -1);
    assert_true(r->cpu.k[2] == 0);
    s.imm = 4;
    assert_int_equal(run(r, ss, s), -1);
    assert_true(r->cpu.k[2] == 1);
    s.imm = 0xff;
    s.k = K;
    r->cpu.k[K] = 0x8421;
    assert_int_equal(run(r, ps, s), -1);
    assert_true(r->cpu.k[2] == 0x8421);
    assert_int_equal(r->cpu.mxcsr, DAZ);
    rig_free(r);
}

/* ---- special operands, as float64: op, imm, a, b, result, flags ---- */

#define QNAN 0x7ff8000000000001
#define SNAN 0x7ff0000000000001
#define INDEFINITE 0xfff8000000000000
#define INF 0x7ff0000000000000
#define MINUS 0x8000000000000000
#define ONE 0x3ff0000000000000
#define TWO_ 0x4000000000000000
#define TINY 0x0000000000000001 /* 2^-1074 */

enum { SCALEF, GETEXP, GETMANT, RANGE, REDUCE };

static const struct special {
    uint8_t op, imm;
    uint64_t a, b, result;
    unsigned flags;
} specials[] = {
    {SCALEF, 0, QNAN, INF, INF, 0},
    {SCALEF, 0, QNAN, MINUS | INF, 0, 0},
    {SCALEF, 0, SNAN, INF, QNAN, MXCSR_IE},
    {SCALEF, 0, QNAN, SNAN, QNAN, MXCSR_IE},
    {SCALEF, 0, INF, QNAN | 2, QNAN | 2, 0},
    {SCALEF, 0, MINUS | INF, INF, MINUS | INF, 0},
    {SCALEF, 0, INF, MINUS | INF, INDEFINITE, MXCSR_IE},
    {SCALEF, 0, 0, INF, INDEFINITE, MXCSR_IE},
    {SCALEF, 0, MINUS, MINUS | INF, MINUS, 0},
    {SCALEF, 0, MINUS | ONE, INF, MINUS | INF, 0},
    {SCALEF, 0, MINUS | ONE, MINUS | INF, MINUS, 0},
    {SCALEF, 0, ONE, MINUS | TINY, 0x3fe0000000000000, 0}, /* floor is -1; no DE */
    {SCALEF, 0, TINY, 0x4090c80000000000, ONE, MXCSR_DE},  /* 1074 */
    {GETEXP, 0, 0, 0, MINUS | INF, 0},
    {GETEXP, 0, 0, MINUS | INF, INF, 0},
    {GETEXP, 0, 0, SNAN, QNAN, MXCSR_IE},
    {GETEXP, 0, 0, MINUS | TINY, 0xc090c80000000000, MXCSR_DE},
    {GETMANT, 0, 0, MINUS, MINUS | ONE, 0},
    {GETMANT, 4, 0, MINUS, ONE, 0},
    {GETMANT, 8, 0, MINUS, MINUS | ONE, 0},
    {GETMANT, 2, 0, INF, ONE, 0},
    {GETMANT, 0, 0, MINUS | INF, MINUS | ONE, 0},
    {GETMANT, 8, 0, MINUS | INF, INDEFINITE, MXCSR_IE},
    {GETMANT, 8, 0, MINUS | TWO_, INDEFINITE, MXCSR_IE},
    {GETMANT, 0, 0, TINY, ONE, MXCSR_DE},
    {GETMANT, 0, 0, SNAN, QNAN, MXCSR_IE},
    {RANGE, 4, SNAN, ONE, QNAN, MXCSR_IE},
    {RANGE, 0x0c, QNAN, SNAN | 2, QNAN | 2, MXCSR_IE},
    {RANGE, 4, QNAN, ONE, ONE, 0},
    {RANGE, 0x0c, ONE, QNAN, MINUS | ONE, 0},
    {RANGE, 0, MINUS | QNAN, ONE, MINUS | ONE, 0},
    {RANGE, 4, 0, MINUS, MINUS, 0},
    {RANGE, 5, MINUS, 0, 0, 0},
    {RANGE, 6, ONE, MINUS | ONE, MINUS | ONE, 0},
    {RANGE, 7, MINUS | ONE, ONE, ONE, 0},
    {RANGE, 4, TINY, ONE, TINY, MXCSR_DE},
    {RANGE, 4, TINY, QNAN, TINY, 0},
    {REDUCE, 0, 0, INF, 0, 0},
    {REDUCE, 0, 0, MINUS | INF, 0, 0},
    {REDUCE, 0, 0, SNAN, QNAN, MXCSR_IE},
    {REDUCE, 0, 0, MINUS, 0, 0},
    {REDUCE, 1, 0, TWO_, MINUS, 0},
    {REDUCE, 0, 0, TINY, TINY, MXCSR_PE},
    {REDUCE, 8, 0, TINY, TINY, 0},
    {REDUCE, 2, 0, TINY, MINUS | (ONE - 1), MXCSR_PE}, /* up to 1, the rest up too */
};

static void special_operands_give_what_the_tables_say(void **state)
{
    static const struct form form[] = {
        [SCALEF] = {2, P66_, 1, 0x2d},  [GETEXP] = {2, P66_, 1, 0x43},
        [GETMANT] = {3, P66_, 1, 0x27}, [RANGE] = {3, P66_, 1, 0x51},
        [REDUCE] = {3, P66_, 1, 0x57},
    };
    struct rig *r = rig_new();
    (void)state;
    for (unsigned n = 0; n < ARRAY_SIZE(specials); n++) {
        const struct special *p = &specials[n];
        struct say s = {.reg = REG,
                        .first = FIRST,
                        .rm = RM,
                        .imm = p->op == SCALEF || p->op == GETEXP ? -1 : p->imm};
        r->cpu.v[FIRST].q[0] = p->a;
        r->cpu.v[RM].q[0] = p->b;
        r->cpu.mxcsr = 0x1f80;
        assert_int_equal(run(r, form[p->op], s), -1);
        if (r->cpu.v[REG].q[0] != p->result || (r->cpu.mxcsr & 0x3f) != p->flags)
            fail_msg("special %u: %llx, flags %x", n,
                     (unsigned long long)r->cpu.v[REG].q[0],
                     (unsigned)r->cpu.mxcsr & 0x3f);
    }
    rig_free(r);
}

/* VFIXUPIMMPD zmm29, zmm18, zmm21: one kind of number in each element, one answer for
 * all. SDM vol 2, VFIXUPIMMPD, Table and Figure. */
static void a_fix_up_answers_and_raises_by_its_tables(void **state)
{
    static const uint64_t kind[8] = {QNAN,        SNAN, MINUS,        ONE,
                                     MINUS | INF, INF,  MINUS | TWO_, TWO_};
    static const uint64_t answer[16] = {
        7,
        0,
        0,
        INDEFINITE,
        MINUS | INF,
        INF,
        0,
        MINUS,
        0,
        MINUS | ONE,
        ONE,
        0x3fe0000000000000,
        0x4056800000000000,
        0x3ff921fb54442d18,
        INF - 1,
        MINUS | (INF - 1),
    };
    static const unsigned raised[8] = {MXCSR_ZE, MXCSR_IE, MXCSR_ZE, MXCSR_IE,
                                       MXCSR_IE, MXCSR_IE, MXCSR_IE, MXCSR_IE};
    static const struct form pd = {3, P66_, 1, 0x54};
    struct say s = {.l = 2, .reg = REG, .first = FIRST, .rm = RM, .imm = 0};
    struct rig *r = rig_new();
    (void)state;
    for (unsigned a = 0; a < 16; a++) {
        for (unsigned n = 0; n < 8; n++) {
            r->cpu.v[FIRST].q[n] = kind[n];
            r->cpu.v[RM].q[n] = (uint64_t)a << 4 * n;
            r->cpu.v[REG].q[n] = 7;
        }
        r->cpu.mxcsr = 0;
        assert_int_equal(run(r, pd, s), -1);
        assert_int_equal(r->cpu.mxcsr, 0);
        for (unsigned n = 0; n < 8; n++) {
            uint64_t is = r->cpu.v[REG].q[n];
            if (a == 1)
                assert_true(is == kind[n]);
            else if (a == 2)
                assert_true(is == (kind[n] | 0x7ff8000000000000));
            else if (a == 6)
                assert_true(is == ((kind[n] & MINUS) | INF));
            else
                assert_true(is == answer[a]);
        }
    }
    for (unsigned bit = 0; bit < 8; bit++) {
        s.imm = 1 << bit;
        r->cpu.mxcsr = 0x1f80;
        assert_int_equal(run(r, pd, s), -1);
        assert_int_equal(r->cpu.mxcsr, 0x1f80 | raised[bit]);
        s.k = K; /* QNaN and positive numbers raise nothing */
        r->cpu.k[K] = 0x81;
        r->cpu.mxcsr = 0;
        assert_int_equal(run(r, pd, s), -1);
        assert_int_equal(r->cpu.mxcsr, 0);
        s.k = 0;
    }
    rig_free(r);
}

/* ---- approximations ---- */

static void approximations_keep_their_promise(void **state)
{
    static const uint8_t op[] = {0x4c, 0x4e};
    struct rig *r = rig_new();
    (void)state;
    for (unsigned n = 0; n < 4000; n++) {
        unsigned bits = n & 1 ? 64 : 32;
        struct form f = {2, P66_, n & 1, op[n >> 1 & 1]};
        struct say s = {.l = 2, .reg = REG, .rm = RM, .imm = -1};
        struct vec b;

        for (unsigned k = 0; k < 512 / bits; k++) /* positive, of normal results */
            set(&b, bits, k,
                bits == 64 ? random64() % 0x7fc0000000000000 : random64() % 0x7e000000);
        r->cpu.v[RM] = b;
        r->cpu.mxcsr = 0;
        assert_int_equal(run(r, f, s), -1);
        assert_int_equal(r->cpu.mxcsr, 0);
        for (unsigned k = 0; k < 512 / bits; k++) {
            double x = number(element(&b, bits, k), bits), error;
            double y = number(element(&r->cpu.v[REG], bits, k), bits);
            if (x < (bits == 64 ? 0x1p-1022 : 0x1p-126))
                continue;
            error = (n >> 1 & 1 ? y * sqrt(x) : y * x) - 1;
            if (fabs(error) >= 0x1p-14)
                fail_msg("%a: %a", x, y);
        }
    }
    rig_free(r);
}

/* VRCP14SS, VRSQRT14SS: the tables of special cases. */
static void approximations_of_special_operands(void **state)
{
    enum { FTZ = 0x8000 };
    static const struct {
        unsigned mxcsr;
        uint32_t x, rcp, rsqrt;
    } t[] = {
        {0, 0, 0x7f800000, 0x7f800000},
        {0, 0x80000000, 0xff800000, 0xff800000},
        {0, 0x7f800000, 0, 0},
        {0, 0xff800000, 0x80000000, 0xffc00000},
        {0, 0x7f800001, 0x7fc00001, 0x7fc00001},
        {0, 0x40800000, 0x3e800000, 0x3f000000}, /* 4 */
        {0, 0xbf800000, 0xbf800000, 0xffc00000}, /* -1 */
        {0, 0x00200000, 0x7f800000, 0x5f800000}, /* 2^-128 */
        {0, 0x00200001, 0x7f7ffe00, 0x5f800000}, /* a little more: not infinite */
        {0, 0x00400000, 0x7f000000, 0x5f3504f3}, /* 2^-127 */
        {0, 0x7f000000, 0x00400000, 0x1fb504f3}, /* 2^127 */
        {FTZ, 0xff000000, 0x80000000, 0xffc00000},
        {DAZ, 0x00400000, 0x7f800000, 0x7f800000},
        {DAZ, 0x80400000, 0xff800000, 0xff800000},
        {0, 0x80400000, 0xff000000, 0xffc00000},
    };
    static const struct form rcp = {2, P66_, 0, 0x4d}, rsqrt = {2, P66_, 0, 0x4f};
    struct say s = {.reg = REG, .first = FIRST, .rm = RM, .imm = -1};
    struct rig *r = rig_new();
    (void)state;
    for (unsigned n = 0; n < ARRAY_SIZE(t); n++) {
        r->cpu.v[RM].q[0] = t[n].x;
        r->cpu.mxcsr = t[n].mxcsr;
        assert_int_equal(run(r, rcp, s), -1);
        assert_int_equal((uint32_t)r->cpu.v[REG].q[0], t[n].rcp);
        assert_int_equal(run(r, rsqrt, s), -1);
        if (t[n].rsqrt & 0xff) /* is no power of two and rounded */
            assert_in_range((uint32_t)r->cpu.v[REG].q[0], t[n].rsqrt - 0x200,
                            t[n].rsqrt + 0x200);
        else
            assert_int_equal((uint32_t)r->cpu.v[REG].q[0], t[n].rsqrt);
        assert_int_equal(r->cpu.mxcsr, t[n].mxcsr);
    }
    rig_free(r);
}

/* ---- float16, BF16 ---- */

/* VCVTPS2PH [rsi] {k3}, zmm29 writes two bytes for each element named. */
static void halves_are_stored_under_the_opmask(void **state)
{
    static const struct form ps2ph = {3, P66_, 0, 0x1d}, ph2ps = {2, P66_, 0, 0x13};
    struct say s = {.l = 2, .reg = REG, .mem = true, .k = K, .imm = 0};
    struct rig *r = rig_new();
    (void)state;
    memset(r->ram + DATA, 0xaa, 64);
    for (unsigned n = 0; n < 16; n++)
        set(&r->cpu.v[REG], 32, n, n & 1 ? signalling(32) : bits_of(1.5, 32));
    r->cpu.gpr[RSI] = DATA;
    r->cpu.k[K] = 0x0015;
    r->cpu.mxcsr = 0;
    assert_int_equal(run(r, ps2ph, s), -1);
    assert_int_equal(r->cpu.mxcsr, 0);
    for (unsigned n = 0; n < 32; n++)
        assert_int_equal(load16(r->ram + DATA + 2 * n),
                         n < 5 && !(n & 1) ? 0x3e00 : 0xaaaa);
    r->cpu.gpr[RSI] = NONCANONICAL;
    r->cpu.k[K] = 0;
    assert_int_equal(run(r, ps2ph, s), -1);
    r->cpu.k[K] = 4;
    assert_int_equal(run(r, ps2ph, s), VEC_GP);
    s.z = true; /* into memory nothing can be zeroed */
    assert_int_equal(run(r, ps2ph, s), -2);

    s = (struct say){.l = 2, .reg = REG, .rm = RM, .k = K, .z = true, .imm = 0};
    memset(&r->cpu.v[RM], 0x55, sizeof r->cpu.v[RM]);
    r->cpu.k[K] = 0x0105;
    assert_int_equal(run(r, ps2ph, s), -1);
    assert_true(r->cpu.v[RM].q[0] == 0x00003e0000003e00);
    assert_true(r->cpu.v[RM].q[2] == 0x3e00);
    assert_true(!r->cpu.v[RM].q[1] && !r->cpu.v[RM].q[4] && !r->cpu.v[RM].q[7]);

    s.imm = -1;
    s.z = false;
    r->cpu.v[RM].q[1] = 0x7c017c017c017c01; /* signalling NaNs, masked out */
    assert_int_equal(run(r, ph2ps, s), -1);
    assert_int_equal(r->cpu.mxcsr, 0);
    assert_true((uint32_t)r->cpu.v[REG].q[4] == 0x3fc00000);
    s.k = 0;
    s.b = true; /* SAE */
    assert_int_equal(run(r, ph2ps, s), -1);
    assert_int_equal(r->cpu.mxcsr, 0);
    s.b = false;
    assert_int_equal(run(r, ph2ps, s), VEC_XM);
    rig_free(r);
}

/* VCVTPS2PH to memory: it must be writable, aligned if that is asked, before MXCSR
 * tells of anything; under an opmask elements are on their own. */
static void halves_that_cannot_be_stored_set_no_flag(void **state)
{
    static const struct form ps2ph = {3, P66_, 0, 0x1d};
    struct say s = {.l = 1, .reg = REG, .mem = true, .imm = 0};
    struct rig *r = rig_new();
    (void)state;
    for (unsigned n = 0; n < 8; n++)
        set(&r->cpu.v[REG], 32, n, bits_of(1.0000001, 32));
    r->cpu.gpr[RSI] = DATA + 2;
    r->cpu.mxcsr = 0x1f80;
    r->cpu.cr0 |= 1 << 18; /* AM */
    r->cpu.eflags |= FLAG_AC;
    r->cpu.cpl = 3;
    cpu_derive(&r->cpu);
    assert_int_equal(run(r, ps2ph, s), VEC_AC);
    assert_int_equal(r->cpu.mxcsr, 0x1f80);
    s.k = K;
    r->cpu.k[K] = 0x7f;
    assert_int_equal(run(r, ps2ph, s), -1);
    assert_int_equal(r->cpu.mxcsr, 0x1fa0);
    rig_free(r);
}

/* VCVTNE2PS2BF16, VCVTNEPS2BF16, VDPBF16PS: MXCSR plays no part. */
static void bf16_is_rounded_to_nearest_whatever_mxcsr_says(void **state)
{
    static const struct form ne2 = {2, PF2_, 0, 0x72}, ne = {2, PF3_, 0, 0x72},
                             dp = {2, PF3_, 0, 0x52};
    static const uint32_t from[8] = {0x3f808000, 0x3f818000, 0x3f808001, 0x7f7fffff,
                                     0x80000001, 0xff800000, 0x7f800001, 0x3f800000};
    static const uint16_t to[8] = {0x3f80, 0x3f82, 0x3f81, 0x7f80,
                                   0x8000, 0xff80, 0x7fc0, 0x3f80};
    struct say s = {.l = 2, .reg = REG, .rm = RM, .imm = -1};
    struct rig *r = rig_new();
    (void)state;
    r->cpu.mxcsr = 0x6000;
    for (unsigned n = 0; n < 16; n++) {
        set(&r->cpu.v[RM], 32, n, from[n % 8]);
        set(&r->cpu.v[FIRST], 32, n, from[7 - n % 8]);
    }
    assert_int_equal(run(r, ne, s), -1);
    for (unsigned n = 0; n < 16; n++)
        assert_int_equal((uint16_t)(r->cpu.v[REG].q[n / 4] >> n % 4 * 16), to[n % 8]);
    assert_true(!r->cpu.v[REG].q[4] && !r->cpu.v[REG].q[7]);
    s.first = FIRST;
    s.k = K;
    r->cpu.k[K] = ~0x100000002ull;
    s.z = true;
    assert_int_equal(run(r, ne2, s), -1);
    for (unsigned n = 0; n < 32; n++)
        assert_int_equal((uint16_t)(r->cpu.v[REG].q[n / 4] >> n % 4 * 16),
                         n == 1   ? 0
                         : n < 16 ? to[n % 8]
                                  : to[7 - n % 8]);
    s.mem = true; /* type E4NF: read whole, whatever the opmask */
    s.k = K;
    r->cpu.k[K] = 0;
    r->cpu.gpr[RSI] = NONCANONICAL;
    assert_int_equal(run(r, ne2, s), VEC_GP);

    /* 2 * 3 + 1.5 * 4 + 1 in element 3 alone; the pair is broadcast from memory. */
    to_ram(r, &(struct vec){{0x40404080}});
    for (unsigned n = 0; n < 16; n++) {
        set(&r->cpu.v[FIRST], 32, n, 0x40003fc0);
        set(&r->cpu.v[REG], 32, n, 0x3f800000);
    }
    s.b = true;
    s.z = false;
    r->cpu.k[K] = 8;
    assert_int_equal(run(r, dp, s), -1);
    for (unsigned n = 0; n < 16; n++)
        assert_true(element(&r->cpu.v[REG], 32, n) ==
                    (n == 3 ? 0x41500000 : 0x3f800000));
    assert_int_equal(r->cpu.mxcsr, 0x6000);
    rig_free(r);
}

/* ---- general registers ---- */

static void unsigned_integers_fill_their_register(void **state)
{
    static const struct form to = {1, PF2_, 1, 0x79}, cut = {1, PF2_, 1, 0x78},
                             from = {1, PF2_, 1, 0x7b}, from32 = {1, PF2_, 0, 0x7b},
                             narrow = {1, PF2_, 0, 0x79};
    struct say s = {.reg = 3, .rm = RM, .imm = -1};
    struct rig *r = rig_new();
    (void)state;
    r->cpu.mxcsr = 0x1f80;
    r->cpu.v[RM].q[0] = bits_of(0x1.8p63, 64);
    assert_int_equal(run(r, to, s), -1);
    assert_true(r->cpu.gpr[RBX] == 0xc000000000000000);
    assert_int_equal(r->cpu.mxcsr, 0x1f80);
    r->cpu.v[RM].q[0] = bits_of(-0.75, 64);
    assert_int_equal(run(r, cut, s), -1);
    assert_true(r->cpu.gpr[RBX] == 0);
    assert_int_equal(r->cpu.mxcsr, 0x1f80 | MXCSR_PE);
    r->cpu.mxcsr = 0x1f80;
    assert_int_equal(run(r, to, s), -1);
    assert_true(r->cpu.gpr[RBX] == ~0ull);
    assert_int_equal(r->cpu.mxcsr, 0x1f80 | MXCSR_IE);
    s.b = true; /* {ru-sae}: -0.75 becomes 0 */
    s.l = 2;
    r->cpu.mxcsr = 0;
    assert_int_equal(run(r, to, s), -1);
    assert_true(r->cpu.gpr[RBX] == 0);
    assert_int_equal(r->cpu.mxcsr, 0);
    s.b = false;
    r->cpu.mxcsr = 0x1f80;
    r->cpu.v[RM].q[0] = bits_of(0x1p32, 64);
    assert_int_equal(run(r, narrow, s), -1);
    assert_true(r->cpu.gpr[RBX] == 0xffffffff);

    s = (struct say){.reg = REG, .first = FIRST, .rm = 3, .b = true, .l = 1, .imm = -1};
    r->cpu.gpr[RBX] = ~0ull;
    r->cpu.v[FIRST].q[1] = 77;
    r->cpu.v[REG].q[2] = 1;
    r->cpu.mxcsr = 0;
    assert_int_equal(run(r, from, s), -1); /* {rd-sae} */
    assert_true(r->cpu.v[REG].q[0] == bits_of(0x1.fffffffffffffp63, 64));
    assert_true(r->cpu.v[REG].q[1] == 77 && !r->cpu.v[REG].q[2]);
    s.l = 0;
    assert_int_equal(run(r, from, s), -1); /* {rn-sae} */
    assert_true(r->cpu.v[REG].q[0] == bits_of(0x1p64, 64));
    assert_int_equal(run(r, from32, s), -1); /* exact, so no rounding, but no #UD */
    assert_true(r->cpu.v[REG].q[0] == bits_of(4294967295.0, 64));
    s.k = K; /* no mask there */
    assert_int_equal(run(r, from, s), -2);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_gives_what_the_reference_says),
        cmocka_unit_test(scalars_give_the_same_in_element_0),
        cmocka_unit_test(an_element_masked_out_raises_nothing),
        cmocka_unit_test(an_element_masked_out_is_not_read),
        cmocka_unit_test(compares_set_the_opmask_and_clear_the_rest),
        cmocka_unit_test(classes_are_those_of_the_manual),
        cmocka_unit_test(special_operands_give_what_the_tables_say),
        cmocka_unit_test(a_fix_up_answers_and_raises_by_its_tables),
        cmocka_unit_test(approximations_keep_their_promise),
        cmocka_unit_test(approximations_of_special_operands),
        cmocka_unit_test(halves_are_stored_under_the_opmask),
        cmocka_unit_test(halves_that_cannot_be_stored_set_no_flag),
        cmocka_unit_test(bf16_is_rounded_to_nearest_whatever_mxcsr_says),
        cmocka_unit_test(unsigned_integers_fill_their_register),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
