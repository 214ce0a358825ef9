/* evex_form.h - EVEX-encoded instructions by their parts, and vectors as bytes, for
 * tests that run one instruction at a time.
 */
#ifndef TESTS_EVEX_FORM_H
#define TESTS_EVEX_FORM_H

#include "tests/unit/cpu/simd_cpu.h"

#define NONCANONICAL (1ull << 62)

enum { K = 3, REG = 29, FIRST = 18, RM = 21 };

/* ---- bytes of vectors ---- */

struct bytes {
    uint8_t at[64];
};

static inline struct bytes bytes_of(const struct vec *v)
{
    struct bytes b;
    for (unsigned n = 0; n < 64; n++)
        b.at[n] = (uint8_t)(v->q[n / 8] >> n % 8 * 8);
    return b;
}

static inline void vec_of(struct vec *v, const struct bytes *b)
{
    for (unsigned n = 0; n < 8; n++)
        v->q[n] = load64(b->at + 8 * n);
}

static inline uint64_t get(const struct bytes *b, unsigned n, unsigned size)
{
    uint64_t v = 0;
    for (unsigned k = 0; k < size; k++)
        v |= (uint64_t)b->at[n * size + k] << 8 * k;
    return v;
}

static inline void put(struct bytes *b, unsigned n, unsigned size, uint64_t v)
{
    for (unsigned k = 0; k < size; k++)
        b->at[n * size + k] = (uint8_t)(v >> 8 * k);
}

static uint64_t random_state = 0x9e3779b97f4a7c15;

static inline uint64_t random64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * 0x2545f4914f6cdd1d;
}

/* Numbers near zero and near the limits of narrower ones, too. */
static inline struct bytes random_bytes(void)
{
    struct bytes b;
    for (unsigned n = 0; n < 8; n++) {
        uint64_t v = random64();
        if (v & 1)
            v = (uint64_t)((int64_t)v >> (v >> 1 & 63));
        put(&b, n, 8, v);
    }
    return b;
}

/* ---- encodings ---- */

enum pp { P_NONE, P_66, P_F3, P_F2 };

struct form {
    uint8_t map, pp, w, op;
};

struct say {
    unsigned vl; /* 0 to 2 */
    unsigned reg, first, rm;
    bool mem; /* [rsi] */
    unsigned k;
    bool z, b;
    int imm;   /* -1: none */
    int index; /* VSIB: [rsi + index * 1]; -1: none */
};

static inline unsigned encode(uint8_t *p, struct form f, struct say s)
{
    unsigned x = s.index >= 0 ? (unsigned)s.index >> 3 & 1 : s.mem ? 0 : s.rm >> 4 & 1;
    unsigned b = s.mem ? 0 : s.rm >> 3 & 1;
    unsigned high = s.index >= 0 ? (unsigned)s.index >> 4 & 1 : s.first >> 4 & 1;
    unsigned n = 0;

    p[n++] = 0x62;
    p[n++] = (uint8_t)(f.map | (~s.reg >> 3 & 1) << 7 | (x ^ 1) << 6 | (b ^ 1) << 5 |
                       (~s.reg >> 4 & 1) << 4);
    p[n++] = (uint8_t)(f.w << 7 | (~s.first & 15) << 3 | 4 | f.pp);
    p[n++] = (uint8_t)((unsigned)s.z << 7 | s.vl << 5 | (unsigned)s.b << 4 |
                       (high ^ 1) << 3 | s.k);
    p[n++] = f.op;
    if (s.index >= 0) {
        p[n++] = (uint8_t)((s.reg & 7) << 3 | 4);
        p[n++] = (uint8_t)(((unsigned)s.index & 7) << 3 | 6);
    } else if (s.mem) {
        p[n++] = (uint8_t)((s.reg & 7) << 3 | 6);
    } else {
        p[n++] = (uint8_t)(0xc0 | (s.reg & 7) << 3 | (s.rm & 7));
    }
    if (s.imm >= 0)
        p[n++] = (uint8_t)s.imm;
    return n;
}

static inline int run_form(struct rig *r, struct form f, struct say s)
{
    uint8_t code[16];
    return rig_run(r, code, encode(code, f, s));
}

static inline int64_t as_signed(uint64_t v, unsigned size)
{
    return (int64_t)(v << (64 - 8 * size)) >> (64 - 8 * size);
}

#endif
