/* oracle_x86.c - registers to an XSAVE area and back (SDM vol 1 13.4). */
#include "tests/isa/oracle_x86.h"

#include "base/byteorder.h"

#include <string.h>

/* FXSAVE's layout (SDM vol 1 Table 10-2) and the XSAVE header behind it. */
enum {
    FX_FCW = 0,
    FX_FSW = 2,
    FX_FTW = 4,
    FX_FOP = 6,
    FX_MXCSR = 24,
    FX_ST = 32,
    FX_XMM = 160,
};

struct xsave xsave_find(cpuid_fn *cpuid, uint64_t xcr0)
{
    struct xsave x = {.components = xcr0 & (XSAVE_X87 | XSAVE_SSE | XSAVE_AVX)};
    uint32_t r[4];

    if ((xcr0 & XSAVE_AVX512) == XSAVE_AVX512)
        x.components |= XSAVE_AVX512;
    for (unsigned n = 2; n < ARRAY_SIZE(x.at); n++)
        if (x.components >> n & 1) {
            if (!cpuid(0xd, n, r))
                return (struct xsave){.components = XSAVE_X87 | XSAVE_SSE};
            x.at[n] = r[1];
        }
    return x;
}

unsigned xsave_words(const struct xsave *x)
{
    return x->components & XSAVE_OPMASK ? 8 : x->components & XSAVE_AVX ? 4 : 2;
}

static void put_quads(uint8_t *to, const uint64_t *from, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        store64(to + 8 * k, from[k]);
}

static void get_quads(const uint8_t *from, uint64_t *to, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        to[k] = load64(from + 8 * k);
}

void xsave_put(const struct xsave *x, uint8_t *area, const struct regs *r)
{
    unsigned top = r->fsw >> 11 & 7;

    memset(area, 0, 24);
    store16(area + FX_FCW, r->fcw);
    store16(area + FX_FSW, r->fsw);
    area[FX_FTW] = (uint8_t)~r->ftw;
    store32(area + FX_MXCSR, r->mxcsr);
    memset(area + FX_ST, 0, 128);
    for (unsigned n = 0; n < 8; n++) {
        const struct f80 *st = &r->st[(top + n) & 7];
        store64(area + FX_ST + 16 * n, st->sig);
        store16(area + FX_ST + 16 * n + 8, st->se);
    }
    for (unsigned n = 0; n < 16; n++) {
        put_quads(area + FX_XMM + 16 * n, r->zmm[n], 2);
        if (x->components & XSAVE_AVX)
            put_quads(area + x->at[2] + 16 * n, &r->zmm[n][2], 2);
        if (x->components & XSAVE_ZMM_HIGH) {
            put_quads(area + x->at[6] + 32 * n, &r->zmm[n][4], 4);
            put_quads(area + x->at[7] + 64 * n, r->zmm[16 + n], 8);
        }
    }
    if (x->components & XSAVE_OPMASK)
        put_quads(area + x->at[5], r->k, 8);
    store64(area + XSAVE_HEADER, load64(area + XSAVE_HEADER) | x->components);
}

static void get_x87(const uint8_t *area, struct regs *r)
{
    unsigned top;

    r->fcw = load16(area + FX_FCW);
    r->fsw = load16(area + FX_FSW);
    r->ftw = (uint8_t)~area[FX_FTW];
    top = r->fsw >> 11 & 7;
    for (unsigned n = 0; n < 8; n++) {
        struct f80 *st = &r->st[(top + n) & 7];
        st->sig = load64(area + FX_ST + 16 * n);
        st->se = load16(area + FX_ST + 16 * n + 8);
    }
}

/* XSTATE_BV tells which parts hold anything; the others are as after reset. */
void xsave_get(const struct xsave *x, const uint8_t *area, struct regs *r)
{
    uint64_t parts = load64(area + XSAVE_HEADER) & x->components;

    r->mxcsr = load32(area + FX_MXCSR);
    memset(r->zmm, 0, sizeof r->zmm);
    memset(r->k, 0, sizeof r->k);
    for (unsigned n = 0; n < 16; n++) {
        if (parts & XSAVE_SSE)
            get_quads(area + FX_XMM + 16 * n, r->zmm[n], 2);
        if (parts & XSAVE_AVX)
            get_quads(area + x->at[2] + 16 * n, &r->zmm[n][2], 2);
        if (parts & XSAVE_ZMM_HIGH)
            get_quads(area + x->at[6] + 32 * n, &r->zmm[n][4], 4);
        if (parts & XSAVE_ZMM16)
            get_quads(area + x->at[7] + 64 * n, r->zmm[16 + n], 8);
    }
    if (parts & XSAVE_OPMASK)
        get_quads(area + x->at[5], r->k, 8);
    r->fcw = 0x37f;
    r->fsw = 0;
    r->ftw = 0xff;
    memset(r->st, 0, sizeof r->st);
    if (parts & XSAVE_X87)
        get_x87(area, r);
}

struct cpuid_bit feature_bit(unsigned feature)
{
    static const struct cpuid_bit where[CPU_FEATURES] = {
        {0, 0, 0, 0},
#define FEATURE(name, leaf, subleaf, reg, bit) {leaf, subleaf, reg, bit},
#include "cpu/cpuid.def"
#undef FEATURE
    };
    return where[feature];
}
