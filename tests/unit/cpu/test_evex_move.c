/* EVEX moves, permutations, narrowing: each against its pseudo-code in the manual,
 * written here element by element (Intel SDM vol 2).
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/cpu/evex_form.h"

/* ---- operations with a vector register as destination ---- */

/* What the pseudo-code sees; it writes d. */
struct op {
    struct bytes a, b, d;
    unsigned vl, imm; /* vl: bytes */
    uint64_t mask;
};

typedef void reference(struct op *o, unsigned size);

#define EACH(o, size, value)                                                           \
    for (unsigned n = 0; n < (o)->vl / (size); n++)                                    \
    put(&(o)->d, n, size, value)

static void ref_copy(struct op *o, unsigned size)
{
    EACH(o, size, get(&o->b, n, size));
}

static void ref_dup_even(struct op *o, unsigned size)
{
    EACH(o, size, get(&o->b, n & ~1u, size));
}

static void ref_dup_odd(struct op *o, unsigned size)
{
    EACH(o, size, get(&o->b, n | 1, size));
}

static void ref_first(struct op *o, unsigned size)
{
    EACH(o, size, get(&o->b, 0, size));
}

#define REF_REPEAT(count)                                                              \
    static void ref_repeat##count(struct op *o, unsigned size)                         \
    {                                                                                  \
        EACH(o, size, get(&o->b, n % count, size));                                    \
    }
REF_REPEAT(2)
REF_REPEAT(4)
REF_REPEAT(8)

/* Per lane of 128 bits: `of` elements. */
static void ref_shufps(struct op *o, unsigned size)
{
    EACH(o, size,
         get(n & 2 ? &o->b : &o->a, (n & ~3u) + (o->imm >> n % 4 * 2 & 3), size));
}

static void ref_shufpd(struct op *o, unsigned size)
{
    EACH(o, size, get(n & 1 ? &o->b : &o->a, (n & ~1u) + (o->imm >> n & 1), size));
}

static void ref_unpack_low(struct op *o, unsigned size)
{
    unsigned of = 16 / size;
    EACH(o, size, get(n & 1 ? &o->b : &o->a, n / of * of + n % of / 2, size));
}

static void ref_unpack_high(struct op *o, unsigned size)
{
    unsigned of = 16 / size;
    EACH(o, size, get(n & 1 ? &o->b : &o->a, n / of * of + of / 2 + n % of / 2, size));
}

static void ref_pshufb(struct op *o, unsigned size)
{
    for (unsigned n = 0; n < o->vl; n++) {
        uint8_t x = o->b.at[n];
        put(&o->d, n, size, x & 0x80 ? 0 : o->a.at[(n & ~15u) + (x & 15)]);
    }
}

static void ref_pshufd(struct op *o, unsigned size)
{
    EACH(o, size, get(&o->b, (n & ~3u) + (o->imm >> n % 4 * 2 & 3), size));
}

static void ref_pshufhw(struct op *o, unsigned size)
{
    EACH(o, size, get(&o->b, n & 4 ? (n & ~3u) + (o->imm >> n % 4 * 2 & 3) : n, size));
}

static void ref_pshuflw(struct op *o, unsigned size)
{
    EACH(o, size, get(&o->b, n & 4 ? n : (n & ~3u) + (o->imm >> n % 4 * 2 & 3), size));
}

static void ref_palignr(struct op *o, unsigned size)
{
    for (unsigned n = 0; n < o->vl; n++) {
        unsigned at = n % 16 + o->imm;
        put(&o->d, n, size,
            at < 16   ? o->b.at[(n & ~15u) + at]
            : at < 32 ? o->a.at[(n & ~15u) + at - 16]
                      : 0);
    }
}

static void ref_permilps(struct op *o, unsigned size)
{
    EACH(o, size, get(&o->a, (n & ~3u) + (get(&o->b, n, 4) & 3), size));
}

static void ref_permilpd(struct op *o, unsigned size)
{
    EACH(o, size, get(&o->a, (n & ~1u) + (get(&o->b, n, 8) >> 1 & 1), size));
}

static void ref_permilpd_imm(struct op *o, unsigned size)
{
    EACH(o, size, get(&o->b, (n & ~1u) + (o->imm >> n & 1), size));
}

static void ref_permq_imm(struct op *o, unsigned size)
{
    EACH(o, size, get(&o->b, (n & ~3u) + (o->imm >> n % 4 * 2 & 3), size));
}

static void ref_perm(struct op *o, unsigned size)
{
    EACH(o, size, get(&o->b, get(&o->a, n, size) % (o->vl / size), size));
}

static uint64_t of_two(const struct bytes *low, const struct bytes *high, uint64_t at,
                       unsigned count, unsigned size)
{
    at %= 2 * count;
    return get(at < count ? low : high, (unsigned)(at % count), size);
}

static void ref_permi2(struct op *o, unsigned size)
{
    struct bytes index = o->d;
    EACH(o, size, of_two(&o->a, &o->b, get(&index, n, size), o->vl / size, size));
}

static void ref_permt2(struct op *o, unsigned size)
{
    struct bytes table = o->d;
    EACH(o, size, of_two(&table, &o->b, get(&o->a, n, size), o->vl / size, size));
}

static void ref_align(struct op *o, unsigned size)
{
    unsigned count = o->vl / size;
    EACH(o, size, of_two(&o->b, &o->a, n + o->imm % count, count, size));
}

static void ref_shuf128(struct op *o, unsigned size)
{
    unsigned lanes = o->vl / 16, bits = lanes == 2 ? 1 : 2, of = 16 / size;
    EACH(o, size,
         get(n / of < lanes / 2 ? &o->a : &o->b,
             (o->imm >> n / of * bits & (lanes - 1)) * of + n % of, size));
}

#define REF_INSERT(bytes)                                                              \
    static void ref_insert##bytes(struct op *o, unsigned size)                         \
    {                                                                                  \
        unsigned at = o->imm % (o->vl / bytes);                                        \
        (void)size;                                                                    \
        o->d = o->a;                                                                   \
        memcpy(o->d.at + at * bytes, o->b.at, bytes);                                  \
    }
REF_INSERT(16)
REF_INSERT(32)

#define REF_WIDEN(name, from, type)                                                    \
    static void ref_##name(struct op *o, unsigned size)                                \
    {                                                                                  \
        EACH(o, size, (uint64_t)(int64_t)(type)get(&o->b, n, from));                   \
    }
REF_WIDEN(sx1, 1, int8_t)
REF_WIDEN(sx2, 2, int16_t)
REF_WIDEN(sx4, 4, int32_t)
REF_WIDEN(zx1, 1, uint8_t)
REF_WIDEN(zx2, 2, uint16_t)
REF_WIDEN(zx4, 4, uint32_t)

static void ref_expand(struct op *o, unsigned size)
{
    unsigned got = 0;
    for (unsigned n = 0; n < o->vl / size; n++)
        if (o->mask >> n & 1)
            put(&o->d, n, size, get(&o->b, got++, size));
}

/* Products and sums of GF(2^8): GF2P8MULB, bit by bit. */
static void ref_gfmul(struct op *o, unsigned size)
{
    for (unsigned n = 0; n < o->vl; n++) {
        unsigned t = 0;
        for (unsigned k = 0; k < 8; k++)
            if (o->b.at[n] >> k & 1)
                t ^= (unsigned)o->a.at[n] << k;
        for (unsigned k = 14; k > 7; k--)
            if (t >> k & 1)
                t ^= 0x11bu << (k - 8);
        put(&o->d, n, size, t);
    }
}

static void ref_affine(struct op *o, unsigned size)
{
    for (unsigned n = 0; n < o->vl; n++) {
        unsigned r = 0;
        for (unsigned k = 0; k < 8; k++) {
            unsigned x = o->a.at[n] & o->b.at[(n & ~7u) + 7 - k], parity = 0;
            for (; x; x >>= 1)
                parity ^= x & 1;
            r |= (parity ^ (o->imm >> k & 1)) << k;
        }
        put(&o->d, n, size, r);
    }
}

static void ref_clmul(struct op *o, unsigned size)
{
    for (unsigned l = 0; l < o->vl / 16; l++) {
        uint64_t x = get(&o->a, 2 * l + (o->imm & 1), 8), low = 0, high = 0;
        uint64_t y = get(&o->b, 2 * l + (o->imm >> 4 & 1), 8);
        for (unsigned k = 0; k < 64; k++)
            if (y >> k & 1) {
                low ^= x << k;
                high ^= k ? x >> (64 - k) : 0;
            }
        put(&o->d, 2 * l, size, low);
        put(&o->d, 2 * l + 1, size, high);
    }
}

enum {
    IMM = 1,
    BCST = 2,
    FIRST_USED = 4,
    WHOLE = 8 /* E4NF: faults are not suppressed */,
    NOMASK = 16,
    BLEND = 32,
    LONG = 64 /* not 128 bits */,
    LONGEST_ONLY = 128,
    MEM_ONLY = 256,
    SHORT_MEM = 512 /* 128 bits: 8 bytes of memory */,
    EXPAND = 1024,
    BCST_Q = 2048 /* the element of EVEX.b is not `size` */,
};
#define TWO FIRST_USED

struct operation {
    const char *name;
    struct form form;
    uint8_t size;  /* of a destination element */
    int8_t source; /* bytes of r/m; 0: all; -n: an n-th */
    uint16_t traits;
    reference *ref;
};

static const struct operation operations[] = {
    {"VMOVDDUP", {1, P_F2, 1, 0x12}, 8, 0, WHOLE | SHORT_MEM, ref_dup_even},
    {"VMOVSLDUP", {1, P_F3, 0, 0x12}, 4, 0, WHOLE, ref_dup_even},
    {"VMOVSHDUP", {1, P_F3, 0, 0x16}, 4, 0, WHOLE, ref_dup_odd},
    {"VSHUFPS", {1, P_NONE, 0, 0xc6}, 4, 0, WHOLE | TWO | BCST | IMM, ref_shufps},
    {"VSHUFPD", {1, P_66, 1, 0xc6}, 8, 0, WHOLE | TWO | BCST | IMM, ref_shufpd},
    {"VUNPCKLPS", {1, P_NONE, 0, 0x14}, 4, 0, WHOLE | TWO | BCST, ref_unpack_low},
    {"VUNPCKLPD", {1, P_66, 1, 0x14}, 8, 0, WHOLE | TWO | BCST, ref_unpack_low},
    {"VUNPCKHPS", {1, P_NONE, 0, 0x15}, 4, 0, WHOLE | TWO | BCST, ref_unpack_high},
    {"VUNPCKHPD", {1, P_66, 1, 0x15}, 8, 0, WHOLE | TWO | BCST, ref_unpack_high},
    {"VPSHUFB", {2, P_66, 0, 0x00}, 1, 0, WHOLE | TWO, ref_pshufb},
    {"VPSHUFD", {1, P_66, 0, 0x70}, 4, 0, WHOLE | BCST | IMM, ref_pshufd},
    {"VPSHUFHW", {1, P_F3, 0, 0x70}, 2, 0, WHOLE | IMM, ref_pshufhw},
    {"VPSHUFLW", {1, P_F2, 1, 0x70}, 2, 0, WHOLE | IMM, ref_pshuflw},
    {"VPALIGNR", {3, P_66, 0, 0x0f}, 1, 0, WHOLE | TWO | IMM, ref_palignr},
    {"VPERMILPS", {2, P_66, 0, 0x0c}, 4, 0, WHOLE | TWO | BCST, ref_permilps},
    {"VPERMILPD", {2, P_66, 1, 0x0d}, 8, 0, WHOLE | TWO | BCST, ref_permilpd},
    {"VPERMILPS imm", {3, P_66, 0, 0x04}, 4, 0, WHOLE | BCST | IMM, ref_pshufd},
    {"VPERMILPD imm", {3, P_66, 1, 0x05}, 8, 0, WHOLE | BCST | IMM, ref_permilpd_imm},
    {"VBROADCASTSS", {2, P_66, 0, 0x18}, 4, 4, 0, ref_first},
    {"VBROADCASTSD", {2, P_66, 1, 0x19}, 8, 8, LONG, ref_first},
    {"VBROADCASTF32X2", {2, P_66, 0, 0x19}, 4, 8, LONG, ref_repeat2},
    {"VBROADCASTI32X2", {2, P_66, 0, 0x59}, 4, 8, 0, ref_repeat2},
    {"VBROADCASTF32X4", {2, P_66, 0, 0x1a}, 4, 16, LONG | MEM_ONLY, ref_repeat4},
    {"VBROADCASTI64X2", {2, P_66, 1, 0x5a}, 8, 16, LONG | MEM_ONLY, ref_repeat2},
    {"VBROADCASTI32X8",
     {2, P_66, 0, 0x5b},
     4,
     32,
     LONGEST_ONLY | MEM_ONLY,
     ref_repeat8},
    {"VBROADCASTF64X4",
     {2, P_66, 1, 0x1b},
     8,
     32,
     LONGEST_ONLY | MEM_ONLY,
     ref_repeat4},
    {"VPBROADCASTB", {2, P_66, 0, 0x78}, 1, 1, 0, ref_first},
    {"VPBROADCASTW", {2, P_66, 0, 0x79}, 2, 2, 0, ref_first},
    {"VPBROADCASTD", {2, P_66, 0, 0x58}, 4, 4, 0, ref_first},
    {"VPBROADCASTQ", {2, P_66, 1, 0x59}, 8, 8, 0, ref_first},
    {"VINSERTF32X4", {3, P_66, 0, 0x18}, 4, 16, WHOLE | TWO | IMM | LONG, ref_insert16},
    {"VINSERTI64X2", {3, P_66, 1, 0x38}, 8, 16, WHOLE | TWO | IMM | LONG, ref_insert16},
    {"VINSERTI32X8",
     {3, P_66, 0, 0x3a},
     4,
     32,
     WHOLE | TWO | IMM | LONGEST_ONLY,
     ref_insert32},
    {"VINSERTF64X4",
     {3, P_66, 1, 0x1a},
     8,
     32,
     WHOLE | TWO | IMM | LONGEST_ONLY,
     ref_insert32},
    {"VPERMQ imm", {3, P_66, 1, 0x00}, 8, 0, WHOLE | BCST | IMM | LONG, ref_permq_imm},
    {"VPERMPD imm", {3, P_66, 1, 0x01}, 8, 0, WHOLE | BCST | IMM | LONG, ref_permq_imm},
    {"VPERMB", {2, P_66, 0, 0x8d}, 1, 0, WHOLE | TWO, ref_perm},
    {"VPERMW", {2, P_66, 1, 0x8d}, 2, 0, WHOLE | TWO, ref_perm},
    {"VPERMD", {2, P_66, 0, 0x36}, 4, 0, WHOLE | TWO | BCST | LONG, ref_perm},
    {"VPERMQ", {2, P_66, 1, 0x36}, 8, 0, WHOLE | TWO | BCST | LONG, ref_perm},
    {"VPERMPS", {2, P_66, 0, 0x16}, 4, 0, WHOLE | TWO | BCST | LONG, ref_perm},
    {"VPERMPD", {2, P_66, 1, 0x16}, 8, 0, WHOLE | TWO | BCST | LONG, ref_perm},
    {"VPERMI2B", {2, P_66, 0, 0x75}, 1, 0, WHOLE | TWO, ref_permi2},
    {"VPERMI2W", {2, P_66, 1, 0x75}, 2, 0, WHOLE | TWO, ref_permi2},
    {"VPERMI2D", {2, P_66, 0, 0x76}, 4, 0, WHOLE | TWO | BCST, ref_permi2},
    {"VPERMI2Q", {2, P_66, 1, 0x76}, 8, 0, WHOLE | TWO | BCST, ref_permi2},
    {"VPERMI2PS", {2, P_66, 0, 0x77}, 4, 0, WHOLE | TWO | BCST, ref_permi2},
    {"VPERMI2PD", {2, P_66, 1, 0x77}, 8, 0, WHOLE | TWO | BCST, ref_permi2},
    {"VPERMT2B", {2, P_66, 0, 0x7d}, 1, 0, WHOLE | TWO, ref_permt2},
    {"VPERMT2W", {2, P_66, 1, 0x7d}, 2, 0, WHOLE | TWO, ref_permt2},
    {"VPERMT2D", {2, P_66, 0, 0x7e}, 4, 0, WHOLE | TWO | BCST, ref_permt2},
    {"VPERMT2Q", {2, P_66, 1, 0x7e}, 8, 0, WHOLE | TWO | BCST, ref_permt2},
    {"VPERMT2PS", {2, P_66, 0, 0x7f}, 4, 0, WHOLE | TWO | BCST, ref_permt2},
    {"VPERMT2PD", {2, P_66, 1, 0x7f}, 8, 0, WHOLE | TWO | BCST, ref_permt2},
    {"VSHUFF32X4",
     {3, P_66, 0, 0x23},
     4,
     0,
     WHOLE | TWO | BCST | IMM | LONG,
     ref_shuf128},
    {"VSHUFI64X2",
     {3, P_66, 1, 0x43},
     8,
     0,
     WHOLE | TWO | BCST | IMM | LONG,
     ref_shuf128},
    {"VALIGND", {3, P_66, 0, 0x03}, 4, 0, WHOLE | TWO | BCST | IMM, ref_align},
    {"VALIGNQ", {3, P_66, 1, 0x03}, 8, 0, WHOLE | TWO | BCST | IMM, ref_align},
    {"VBLENDMPS", {2, P_66, 0, 0x65}, 4, 0, TWO | BCST | BLEND, ref_copy},
    {"VBLENDMPD", {2, P_66, 1, 0x65}, 8, 0, TWO | BCST | BLEND, ref_copy},
    {"VPBLENDMD", {2, P_66, 0, 0x64}, 4, 0, TWO | BCST | BLEND, ref_copy},
    {"VPBLENDMQ", {2, P_66, 1, 0x64}, 8, 0, TWO | BCST | BLEND, ref_copy},
    {"VPBLENDMB", {2, P_66, 0, 0x66}, 1, 0, TWO | BLEND, ref_copy},
    {"VPBLENDMW", {2, P_66, 1, 0x66}, 2, 0, TWO | BLEND, ref_copy},
    {"VPMOVSXBW", {2, P_66, 0, 0x20}, 2, -2, 0, ref_sx1},
    {"VPMOVSXBD", {2, P_66, 1, 0x21}, 4, -4, 0, ref_sx1},
    {"VPMOVSXBQ", {2, P_66, 0, 0x22}, 8, -8, 0, ref_sx1},
    {"VPMOVSXWD", {2, P_66, 0, 0x23}, 4, -2, 0, ref_sx2},
    {"VPMOVSXWQ", {2, P_66, 0, 0x24}, 8, -4, 0, ref_sx2},
    {"VPMOVSXDQ", {2, P_66, 0, 0x25}, 8, -2, 0, ref_sx4},
    {"VPMOVZXBW", {2, P_66, 0, 0x30}, 2, -2, 0, ref_zx1},
    {"VPMOVZXBD", {2, P_66, 0, 0x31}, 4, -4, 0, ref_zx1},
    {"VPMOVZXBQ", {2, P_66, 0, 0x32}, 8, -8, 0, ref_zx1},
    {"VPMOVZXWD", {2, P_66, 0, 0x33}, 4, -2, 0, ref_zx2},
    {"VPMOVZXWQ", {2, P_66, 0, 0x34}, 8, -4, 0, ref_zx2},
    {"VPMOVZXDQ", {2, P_66, 0, 0x35}, 8, -2, 0, ref_zx4},
    {"VEXPANDPS", {2, P_66, 0, 0x88}, 4, 0, EXPAND, ref_expand},
    {"VEXPANDPD", {2, P_66, 1, 0x88}, 8, 0, EXPAND, ref_expand},
    {"VPEXPANDD", {2, P_66, 0, 0x89}, 4, 0, EXPAND, ref_expand},
    {"VPEXPANDQ", {2, P_66, 1, 0x89}, 8, 0, EXPAND, ref_expand},
    {"VPEXPANDB", {2, P_66, 0, 0x62}, 1, 0, EXPAND, ref_expand},
    {"VPEXPANDW", {2, P_66, 1, 0x62}, 2, 0, EXPAND, ref_expand},
    {"VMOVDQU8", {1, P_F2, 0, 0x6f}, 1, 0, 0, ref_copy},
    {"VMOVDQU64", {1, P_F3, 1, 0x6f}, 8, 0, 0, ref_copy},
    {"VPCLMULQDQ", {3, P_66, 0, 0x44}, 8, 0, WHOLE | TWO | IMM | NOMASK, ref_clmul},
    {"VGF2P8MULB", {2, P_66, 0, 0xcf}, 1, 0, TWO, ref_gfmul},
    {"VGF2P8AFFINEQB",
     {3, P_66, 1, 0xce},
     1,
     0,
     WHOLE | TWO | IMM | BCST | BCST_Q,
     ref_affine},
};

static unsigned source_bytes(const struct operation *p, unsigned vl)
{
    if (p->source > 0)
        return (unsigned)p->source;
    if ((p->traits & SHORT_MEM) && vl == 16)
        return 8;
    return p->source ? vl / (unsigned)-p->source : vl;
}

static bool has_length(const struct operation *p, unsigned vl)
{
    return !((p->traits & LONG) && vl == 0) && !((p->traits & LONGEST_ONLY) && vl < 2);
}

/* Runs it in this form on random operands and compares the destination. */
static void check(struct rig *r, const struct operation *p, struct say s)
{
    struct op o = {.vl = 16u << s.vl, .imm = s.imm < 0 ? 0 : (unsigned)s.imm};
    unsigned count = o.vl / p->size, from = source_bytes(p, o.vl);
    struct bytes old = random_bytes(), result;
    int vector;

    o.a = random_bytes();
    o.b = random_bytes();
    o.d = old;
    r->cpu.k[K] = random64();
    o.mask = s.k ? r->cpu.k[K] : ~0ull;
    vec_of(&r->cpu.v[REG], &old);
    if (p->traits & FIRST_USED)
        vec_of(&r->cpu.v[FIRST], &o.a);
    vec_of(&r->cpu.v[RM], &o.b);
    memset(r->ram + DATA - 64, 0xee, 256);
    memcpy(r->ram + DATA, o.b.at, s.b ? (p->traits & BCST_Q ? 8 : p->size) : from);
    r->cpu.gpr[RSI] = DATA;
    if (s.b)
        for (unsigned n = 0; n < 64; n++)
            o.b.at[n] = o.b.at[n % (p->traits & BCST_Q ? 8 : p->size)];

    vector = run_form(r, p->form, s);
    if (vector != -1)
        fail_msg("%s: vector %d", p->name, vector);
    p->ref(&o, p->size);
    for (unsigned n = 0; n < count; n++)
        if (!(o.mask >> n & 1))
            put(&o.d, n, p->size,
                s.z                 ? 0
                : p->traits & BLEND ? get(&o.a, n, p->size)
                                    : get(&old, n, p->size));
    memset(o.d.at + o.vl, 0, 64 - o.vl);
    result = bytes_of(&r->cpu.v[REG]);
    for (unsigned n = 0; n < 64; n++)
        if (result.at[n] != o.d.at[n])
            fail_msg("%s, %u bytes%s%s%s%s: byte %u is %02x, not %02x", p->name, o.vl,
                     s.mem ? ", memory" : "", s.k ? ", masked" : "",
                     s.z ? ", zeroed" : "", s.b ? ", broadcast" : "", n, result.at[n],
                     o.d.at[n]);
}

static void each_agrees_with_its_pseudo_code(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    for (unsigned n = 0; n < ARRAY_SIZE(operations); n++)
        for (unsigned form = 0; form < 3 * 3 * 3 * 8; form++) {
            const struct operation *p = &operations[n];
            unsigned vl = form % 3, source = form / 3 % 3, masking = form / 9 % 3;
            struct say s = {.vl = vl,
                            .reg = REG,
                            .rm = RM,
                            .index = -1,
                            .first = p->traits & FIRST_USED ? FIRST : 0,
                            .imm = p->traits & IMM ? (int)(random64() & 0xff) : -1,
                            .mem = source,
                            .b = source == 2,
                            .k = masking ? K : 0,
                            .z = masking == 2};
            if (!has_length(p, vl) || (s.b && !(p->traits & BCST)) ||
                (s.k && (p->traits & NOMASK)) || (!s.mem && (p->traits & MEM_ONLY)))
                continue;
            check(r, p, s);
        }
    rig_free(r);
}

/* Exception types E4, E5 and E6 suppress the faults of what is masked out; the types
 * named NF do not. */
static void only_nf_types_read_what_is_masked_out(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    for (unsigned n = 0; n < ARRAY_SIZE(operations); n++) {
        const struct operation *p = &operations[n];
        struct say s = {.vl = 2,
                        .reg = REG,
                        .rm = RM,
                        .index = -1,
                        .mem = true,
                        .k = K,
                        .first = p->traits & FIRST_USED ? FIRST : 0,
                        .imm = p->traits & IMM ? 1 : -1};
        int vector;
        if (p->traits & NOMASK)
            continue;
        r->cpu.k[K] = 0;
        r->cpu.gpr[RSI] = NONCANONICAL;
        r->cpu.v[REG].q[7] = 7;
        r->cpu.v[FIRST].q[7] = 7;
        vector = run_form(r, p->form, s);
        if (vector != (p->traits & WHOLE ? VEC_GP : -1))
            fail_msg("%s: vector %d", p->name, vector);
        assert_int_equal(r->cpu.v[REG].q[7], 7);
        r->cpu.k[K] = 1;
        assert_int_equal(run_form(r, p->form, s), VEC_GP);
        assert_int_equal(r->cpu.v[REG].q[7], 7);
        if (p->traits & BCST) {
            s.b = true;
            assert_int_equal(run_form(r, p->form, s), VEC_GP);
            r->cpu.k[K] = 0;
            assert_int_equal(run_form(r, p->form, s), p->traits & WHOLE ? VEC_GP : -1);
        }
    }
    rig_free(r);
}

static void lengths_and_masks_that_do_not_exist_are_refused(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    for (unsigned n = 0; n < ARRAY_SIZE(operations); n++) {
        const struct operation *p = &operations[n];
        struct say s = {.vl = 2,
                        .reg = REG,
                        .rm = RM,
                        .index = -1,
                        .first = p->traits & FIRST_USED ? FIRST : 0,
                        .imm = p->traits & IMM ? 1 : -1};
        for (s.vl = 0; s.vl < 3; s.vl++)
            if (!has_length(p, s.vl))
                assert_int_equal(run_form(r, p->form, s), -2);
        s.vl = 2;
        s.b = true; /* no rounding and no broadcast of a register */
        assert_int_equal(run_form(r, p->form, s), -2);
        s.b = false;
        s.k = K;
        if (p->traits & NOMASK)
            assert_int_equal(run_form(r, p->form, s), -2);
        s.k = 0;
        if (!(p->traits & FIRST_USED)) {
            s.first = 1;
            assert_int_equal(run_form(r, p->form, s), -2);
        }
    }
    rig_free(r);
}

/* ---- operations whose destination is r/m ---- */

struct storing {
    const char *name;
    struct form form;
    uint8_t from, to; /* bytes of an element */
    char how;         /* t s u: narrowing; c compress; x extract */
    uint8_t part;     /* extract: bytes */
};

static const struct storing storings[] = {
    {"VPMOVWB", {2, P_F3, 0, 0x30}, 2, 1, 't', 0},
    {"VPMOVSWB", {2, P_F3, 0, 0x20}, 2, 1, 's', 0},
    {"VPMOVUSWB", {2, P_F3, 0, 0x10}, 2, 1, 'u', 0},
    {"VPMOVDB", {2, P_F3, 0, 0x31}, 4, 1, 't', 0},
    {"VPMOVSDB", {2, P_F3, 0, 0x21}, 4, 1, 's', 0},
    {"VPMOVUSDB", {2, P_F3, 0, 0x11}, 4, 1, 'u', 0},
    {"VPMOVQB", {2, P_F3, 0, 0x32}, 8, 1, 't', 0},
    {"VPMOVSQB", {2, P_F3, 0, 0x22}, 8, 1, 's', 0},
    {"VPMOVUSQB", {2, P_F3, 0, 0x12}, 8, 1, 'u', 0},
    {"VPMOVDW", {2, P_F3, 0, 0x33}, 4, 2, 't', 0},
    {"VPMOVSDW", {2, P_F3, 0, 0x23}, 4, 2, 's', 0},
    {"VPMOVUSDW", {2, P_F3, 0, 0x13}, 4, 2, 'u', 0},
    {"VPMOVQW", {2, P_F3, 0, 0x34}, 8, 2, 't', 0},
    {"VPMOVSQW", {2, P_F3, 0, 0x24}, 8, 2, 's', 0},
    {"VPMOVUSQW", {2, P_F3, 0, 0x14}, 8, 2, 'u', 0},
    {"VPMOVQD", {2, P_F3, 0, 0x35}, 8, 4, 't', 0},
    {"VPMOVSQD", {2, P_F3, 0, 0x25}, 8, 4, 's', 0},
    {"VPMOVUSQD", {2, P_F3, 0, 0x15}, 8, 4, 'u', 0},
    {"VCOMPRESSPS", {2, P_66, 0, 0x8a}, 4, 4, 'c', 0},
    {"VCOMPRESSPD", {2, P_66, 1, 0x8a}, 8, 8, 'c', 0},
    {"VPCOMPRESSD", {2, P_66, 0, 0x8b}, 4, 4, 'c', 0},
    {"VPCOMPRESSQ", {2, P_66, 1, 0x8b}, 8, 8, 'c', 0},
    {"VPCOMPRESSB", {2, P_66, 0, 0x63}, 1, 1, 'c', 0},
    {"VPCOMPRESSW", {2, P_66, 1, 0x63}, 2, 2, 'c', 0},
    {"VEXTRACTF32X4", {3, P_66, 0, 0x19}, 4, 4, 'x', 16},
    {"VEXTRACTI64X2", {3, P_66, 1, 0x39}, 8, 8, 'x', 16},
    {"VEXTRACTI32X8", {3, P_66, 0, 0x3b}, 4, 4, 'x', 32},
    {"VEXTRACTF64X4", {3, P_66, 1, 0x1b}, 8, 8, 'x', 32},
};

static uint64_t narrowed(uint64_t v, const struct storing *p)
{
    uint64_t most = (1ull << 8 * p->to) - 1;
    int64_t top = (int64_t)(most >> 1), s = as_signed(v, p->from);

    if (p->how == 's')
        return (uint64_t)(s > top ? top : s < -1 - top ? -1 - top : s);
    return p->how == 'u' && v > most ? most : v;
}

/* The elements that result, in order; how many, and which of them the destination gets.
 */
static unsigned results(const struct storing *p, const struct bytes *from, struct say s,
                        uint64_t mask, struct bytes *to, uint64_t *gets)
{
    unsigned vl = 16u << s.vl, count = vl / p->from, got = 0;

    *gets = mask;
    switch (p->how) {
    case 'c':
        for (unsigned n = 0; n < count; n++)
            if (mask >> n & 1)
                put(to, got++, p->to, get(from, n, p->from));
        *gets = got < 64 ? (1ull << got) - 1 : ~0ull;
        return count;
    case 'x':
        memcpy(to->at, from->at + ((unsigned)s.imm % (vl / p->part)) * p->part,
               p->part);
        return p->part / p->to;
    default:
        for (unsigned n = 0; n < count; n++)
            put(to, n, p->to, narrowed(get(from, n, p->from), p));
        return count;
    }
}

static void check_store(struct rig *r, const struct storing *p, struct say s)
{
    struct bytes from = random_bytes(), old = random_bytes(), to = {{0}}, want, have;
    uint64_t gets;
    unsigned count;

    r->cpu.k[K] = random64();
    vec_of(&r->cpu.v[REG], &from);
    vec_of(&r->cpu.v[RM], &old);
    memcpy(r->ram + DATA, old.at, 64);
    r->cpu.gpr[RSI] = DATA;
    if (run_form(r, p->form, s) != -1)
        fail_msg("%s: refused", p->name);
    count = results(p, &from, s, s.k ? r->cpu.k[K] : ~0ull, &to, &gets);
    want = old;
    if (!s.mem)
        memset(want.at + count * p->to, 0, 64 - count * p->to);
    for (unsigned n = 0; n < count; n++)
        if (gets >> n & 1)
            put(&want, n, p->to, get(&to, n, p->to));
        else if (s.z)
            put(&want, n, p->to, 0);
    have = bytes_of(&r->cpu.v[RM]);
    if (s.mem)
        memcpy(have.at, r->ram + DATA, 64);
    for (unsigned n = 0; n < 64; n++)
        if (have.at[n] != want.at[n])
            fail_msg("%s, length %u%s%s%s: byte %u is %02x, not %02x", p->name, s.vl,
                     s.mem ? ", memory" : "", s.k ? ", masked" : "",
                     s.z ? ", zeroed" : "", n, have.at[n], want.at[n]);
}

static void
narrowing_compressing_and_extracting_agree_with_the_pseudo_code(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    for (unsigned n = 0; n < ARRAY_SIZE(storings); n++)
        for (unsigned form = 0; form < 3 * 2 * 3 * 12; form++) {
            const struct storing *p = &storings[n];
            unsigned masking = form / 6 % 3;
            struct say s = {.vl = form % 3,
                            .reg = REG,
                            .rm = RM,
                            .index = -1,
                            .mem = form / 3 % 2,
                            .k = masking ? K : 0,
                            .z = masking == 2,
                            .imm = p->how == 'x' ? (int)(random64() & 0xff) : -1};
            if ((s.mem && s.z) || (p->part && 16u << s.vl <= p->part))
                continue;
            check_store(r, p, s);
        }
    rig_free(r);
}

static void a_store_of_masked_elements_is_not_zeroed(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    for (unsigned n = 0; n < ARRAY_SIZE(storings); n++) {
        const struct storing *p = &storings[n];
        struct say s = {.vl = 2,
                        .reg = REG,
                        .index = -1,
                        .mem = true,
                        .k = K,
                        .z = true,
                        .imm = p->how == 'x' ? 0 : -1};
        assert_int_equal(run_form(r, p->form, s), -2);
    }
    rig_free(r);
}

/* E6NF: VEXTRACT's memory is checked whole; the others skip what is masked out. */
static void a_store_with_an_empty_mask_faults_only_for_an_nf_type(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    r->cpu.gpr[RSI] = NONCANONICAL;
    for (unsigned n = 0; n < ARRAY_SIZE(storings); n++) {
        const struct storing *p = &storings[n];
        struct say s = {.vl = 2,
                        .reg = REG,
                        .index = -1,
                        .mem = true,
                        .k = K,
                        .imm = p->how == 'x' ? 0 : -1};
        r->cpu.k[K] = 0;
        assert_int_equal(run_form(r, p->form, s), p->how == 'x' ? VEC_GP : -1);
        r->cpu.k[K] = 1ull << (p->how == 'x' ? 1 : 5);
        assert_int_equal(run_form(r, p->form, s), VEC_GP);
    }
    rig_free(r);
}

/* ---- scalars and general registers ---- */

/* way 0: a load, whose upper bits are zero; 1, 2: between registers by either opcode,
 * upper bits to 127 from the first source. */
static void check_scalar(struct rig *r, unsigned size, unsigned way, struct say s,
                         bool bit)
{
    struct form f = {1, size == 4 ? P_F3 : P_F2, size == 8, way == 2 ? 0x11 : 0x10};
    struct bytes a = random_bytes(), b = random_bytes(), old = random_bytes();
    struct bytes want = {{0}}, have;
    unsigned to = way == 2 ? RM : REG, from = way == 2 ? REG : RM;

    r->cpu.k[K] = 0xfffe | bit;
    r->cpu.gpr[RSI] = DATA;
    memcpy(r->ram + DATA, b.at, 16);
    vec_of(&r->cpu.v[FIRST], &a);
    vec_of(&r->cpu.v[from], &b);
    vec_of(&r->cpu.v[to], &old);
    s.mem = way == 0;
    s.first = way ? FIRST : 0;
    assert_int_equal(run_form(r, f, s), -1);
    if (way)
        memcpy(want.at, a.at, 16);
    for (unsigned n = 0; n < size; n++)
        want.at[n] = !s.k || bit ? b.at[n] : s.z ? 0 : old.at[n];
    have = bytes_of(&r->cpu.v[to]);
    assert_memory_equal(have.at, want.at, 64);
}

static void a_scalar_move_follows_bit_0_of_the_mask(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    for (unsigned form = 0; form < 2 * 3 * 3 * 3 * 2; form++) {
        unsigned masking = form / 6 % 3;
        struct say s = {.vl = form / 18 % 3,
                        .reg = REG,
                        .rm = RM,
                        .index = -1,
                        .imm = -1,
                        .k = masking ? K : 0,
                        .z = masking == 2};
        check_scalar(r, form & 1 ? 8 : 4, form / 2 % 3, s, form / 54);
    }
    rig_free(r);
}

static void a_masked_scalar_does_not_touch_memory(void **state)
{
    struct rig *r = rig_new();
    struct say s = {.reg = REG, .index = -1, .imm = -1, .mem = true, .k = K};
    (void)state;
    r->cpu.gpr[RSI] = NONCANONICAL;
    r->cpu.k[K] = ~1ull;
    assert_int_equal(run_form(r, (struct form){1, P_F3, 0, 0x10}, s), -1);
    assert_int_equal(run_form(r, (struct form){1, P_F2, 1, 0x11}, s), -1);
    r->cpu.k[K] = 1;
    assert_int_equal(run_form(r, (struct form){1, P_F3, 0, 0x10}, s), VEC_GP);
    assert_int_equal(run_form(r, (struct form){1, P_F2, 1, 0x11}, s), VEC_GP);
    s.z = true; /* a store is never zeroed */
    assert_int_equal(run_form(r, (struct form){1, P_F2, 1, 0x11}, s), -2);
    rig_free(r);
}

static void a_general_register_fills_a_vector(void **state)
{
    static const struct {
        struct form form;
        unsigned size;
    } fills[] = {{{2, P_66, 0, 0x7a}, 1},
                 {{2, P_66, 0, 0x7b}, 2},
                 {{2, P_66, 0, 0x7c}, 4},
                 {{2, P_66, 1, 0x7c}, 8}};
    struct rig *r = rig_new();
    (void)state;
    for (unsigned form = 0; form < 4 * 3 * 2; form++) {
        unsigned size = fills[form % 4].size, vl = form / 4 % 3;
        struct say s = {.vl = vl,
                        .reg = REG,
                        .rm = R9,
                        .index = -1,
                        .imm = -1,
                        .k = form / 12 ? K : 0};
        struct bytes old = random_bytes(), want = old, have;
        uint64_t mask = r->cpu.k[K] = random64();
        r->cpu.gpr[R9] = random64();
        vec_of(&r->cpu.v[REG], &old);
        assert_int_equal(run_form(r, fills[form % 4].form, s), -1);
        memset(want.at + (16u << vl), 0, 64 - (16u << vl));
        for (unsigned n = 0; n < (16u << vl) / size; n++)
            if (!s.k || (mask >> n & 1))
                put(&want, n, size, r->cpu.gpr[R9]);
        have = bytes_of(&r->cpu.v[REG]);
        assert_memory_equal(have.at, want.at, 64);
    }
    rig_free(r);
}

/* A round of AES on each lane is what the legacy instruction does on one. */
static void aes_works_on_each_lane(void **state)
{
    static const uint8_t ops[] = {0xdc, 0xdd, 0xde, 0xdf};
    struct rig *r = rig_new();
    (void)state;
    for (unsigned form = 0; form < 4 * 3; form++) {
        struct say s = {.vl = form / 4,
                        .reg = REG,
                        .first = FIRST,
                        .rm = RM,
                        .index = -1,
                        .imm = -1};
        uint8_t legacy[] = {0x66, 0x0f, 0x38, ops[form % 4], 0xc1};
        struct bytes a = random_bytes(), b = random_bytes(), have, want = {{0}};
        vec_of(&r->cpu.v[FIRST], &a);
        vec_of(&r->cpu.v[RM], &b);
        assert_int_equal(run_form(r, (struct form){2, P_66, 1, ops[form % 4]}, s), -1);
        for (unsigned l = 0; l < 1u << s.vl; l++) {
            for (unsigned n = 0; n < 2; n++) {
                r->cpu.v[0].q[n] = get(&a, 2 * l + n, 8);
                r->cpu.v[1].q[n] = get(&b, 2 * l + n, 8);
            }
            assert_int_equal(rig_run(r, legacy, sizeof legacy), -1);
            put(&want, 2 * l, 8, r->cpu.v[0].q[0]);
            put(&want, 2 * l + 1, 8, r->cpu.v[0].q[1]);
        }
        have = bytes_of(&r->cpu.v[REG]);
        assert_memory_equal(have.at, want.at, 64);
    }
    rig_free(r);
}

/* disp8 counts operands: elements for gathers and compressed stores, the part for
 * VPMOVQB. */
static void an_8_bit_displacement_counts_operands(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    r->cpu.gpr[RSI] = DATA;
    r->cpu.v[1].q[0] = 0x55;
    r->cpu.k[1] = 1;
    /* VPMOVQB [rsi + 2 * 8], zmm1; VPCOMPRESSW [rsi + 3 * 2]{k1}, zmm1;
     * VEXTRACTI32X8 [rsi + 32], zmm1, 0 */
    assert_int_equal(
        rig_run(r, (const uint8_t[]){0x62, 0xf2, 0x7e, 0x48, 0x32, 0x4e, 0x02}, 7), -1);
    assert_int_equal(r->ram[DATA + 16], 0x55);
    assert_int_equal(
        rig_run(r, (const uint8_t[]){0x62, 0xf2, 0xfd, 0x49, 0x63, 0x4e, 0x03}, 7), -1);
    assert_int_equal(r->ram[DATA + 6], 0x55);
    assert_int_equal(
        rig_run(r, (const uint8_t[]){0x62, 0xf3, 0x7d, 0x48, 0x3b, 0x4e, 0x01, 0}, 8),
        -1);
    assert_int_equal(r->ram[DATA + 32], 0x55);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_agrees_with_its_pseudo_code),
        cmocka_unit_test(only_nf_types_read_what_is_masked_out),
        cmocka_unit_test(lengths_and_masks_that_do_not_exist_are_refused),
        cmocka_unit_test(
            narrowing_compressing_and_extracting_agree_with_the_pseudo_code),
        cmocka_unit_test(a_store_of_masked_elements_is_not_zeroed),
        cmocka_unit_test(a_store_with_an_empty_mask_faults_only_for_an_nf_type),
        cmocka_unit_test(a_scalar_move_follows_bit_0_of_the_mask),
        cmocka_unit_test(a_masked_scalar_does_not_touch_memory),
        cmocka_unit_test(a_general_register_fills_a_vector),
        cmocka_unit_test(aes_works_on_each_lane),
        cmocka_unit_test(an_8_bit_displacement_counts_operands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
