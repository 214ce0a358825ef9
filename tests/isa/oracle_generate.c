/* oracle_generate.c - random legal encodings of a row of isa.def, and states to run
 * them in: registers whose values matter, and memory operands that land in the data
 * area, at its edges, or nowhere.
 */
#include "tests/isa/oracle.h"

#include "base/byteorder.h"

#include <string.h>

/* Two calls never stand in one expression: their order would be the compiler's, and the
 * questions must be the same everywhere. */
uint64_t random64(struct random *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15ull; /* splitmix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static unsigned below(struct random *r, unsigned n)
{
    return (unsigned)((random64(r) >> 32) * n >> 32);
}

static bool percent(struct random *r, unsigned p)
{
    return below(r, 100) < p;
}

/* Noise, small numbers, and the neighbours of powers of two at every width. */
static uint64_t edge64(struct random *r)
{
    static const uint8_t width[] = {4, 7, 8, 15, 16, 31, 32, 63, 64};
    unsigned w;

    switch (below(r, 6)) {
    case 0:
    case 1: return random64(r);
    case 2: return below(r, 40);
    case 3: return 0 - (uint64_t)below(r, 40);
    case 4: {
        uint64_t v = random64(r);
        return v >> below(r, 64);
    }
    default:
        w = width[below(r, ARRAY_SIZE(width))];
        return (w == 64 ? 0 : 1ull << w) + below(r, 5) - 2;
    }
}

/* ---- which rows ---- */

/* Rare rows that need nothing special here. */
static bool is_plain(const struct isa_row *row)
{
    static const char *const name[] = {"EMMS", "MASKMOVQ", "MASKMOVDQU",
                                       "VMASKMOVDQU"};
    for (unsigned n = 0; n < ARRAY_SIZE(name); n++)
        if (strcmp(row->mnemonic, name[n]) == 0)
            return true;
    return false;
}

const char *row_excluded(const struct isa_row *row)
{
    const char *name = row->mnemonic + (*row->mnemonic == 'V');

    if (row->traits & T_NOIMPL)
        return "not implemented";
    if (row->traits & (T_SYS | T_CPL0))
        return "needs a kernel";
    if ((row->traits & T_RARE) && !is_plain(row))
        return "needs a test of its own";
    if (strncmp(name, "RCP", 3) == 0 || strncmp(name, "RSQRT", 5) == 0)
        return "an approximation, which makers choose";
    return NULL;
}

/* ---- encodings ---- */

static bool class_has_modrm(unsigned class)
{
    switch (class) {
    case OC_E:
    case OC_M:
    case OC_R:
    case OC_G:
    case OC_S:
    case OC_C:
    case OC_D:
    case OC_V:
    case OC_W:
    case OC_U:
    case OC_P:
    case OC_Q:
    case OC_N:
    case OC_VM:
    case OC_K:
    case OC_KM:
    case OC_KR:
    case OC_ST: return true;
    default: return false;
    }
}

/* What the operands and the encoding say of a row. */
struct traits {
    bool modrm, memory, register_only, moffs;
};

static struct traits traits_of(const struct isa_row *row)
{
    struct traits t = {.modrm =
                           (row->enc & (REG(7) | RM(7) | MEM | NOMEM | HASMODRM)) != 0};

    for (unsigned k = 0; k < ARRAY_SIZE(row->operand); k++) {
        unsigned class = operand_info[row->operand[k]].class;
        t.modrm |= class_has_modrm(class);
        t.memory |= class == OC_M || class == OC_VM;
        t.moffs |= class == OC_O;
        t.register_only |=
            class == OC_R || class == OC_U || class == OC_N || class == OC_ST ||
            class == OC_KR;
    }
    t.memory |= (row->enc & MEM) != 0;
    t.register_only |= (row->enc & NOMEM) != 0;
    /* Its register form is #UD on AMD's processors, a hint on Intel's. */
    t.memory |= strcmp(row->mnemonic, "PREFETCHW") == 0;
    return t;
}

/* Immediates and displacements: noise, or all bytes like the sign. */
static void random_tail(struct random *r, uint8_t *to, unsigned n)
{
    for (unsigned k = 0; k < n;) {
        static const uint8_t edges[] = {0x00, 0xff, 0x80, 0x7f, 0x01, 0x08, 0x1f, 0x20};
        unsigned run = 1 + below(r, 4);
        uint8_t v = percent(r, 50) ? edges[below(r, ARRAY_SIZE(edges))] : 0;
        bool noise = percent(r, 50);
        for (; run && k < n; run--)
            to[k++] = noise ? (uint8_t)random64(r) : v;
    }
}

static unsigned put_prefixes(struct random *r, const struct isa_row *row, bool mode64,
                             uint8_t *to)
{
    static const uint8_t seg[] = {0x26, 0x2e, 0x36, 0x3e, 0x65, 0x65, 0x64};
    uint64_t e = row->enc;
    unsigned n = 0, want = (unsigned)ENC_PREFIX(e);

    /* With 66, near branches in 64-bit mode are 16 bits wide on AMD's processors (APM
     * vol 3 1.2.2), while Intel's ignore it (SDM vol 1 6.3.7): nothing to ask here. */
    if (want == 2 || (want != 1 && !(mode64 && (row->traits & T_F64)) &&
                      percent(r, (e & OS16) ? 90 : 20)))
        to[n++] = 0x66;
    if (want == 3)
        to[n++] = 0xf3;
    else if (want == 4)
        to[n++] = 0xf2;
    else if ((row->traits & T_REP) && percent(r, 60))
        to[n++] = percent(r, 70) ? 0xf3 : 0xf2;
    else if (want == 0 && strncmp(row->mnemonic, "LOOP", 4) != 0 && percent(r, 3))
        /* Not with LOOPcc: on AMD's processors F2 and F3 choose its condition. */
        to[n++] = percent(r, 50) ? 0xf3 : 0xf2;
    if ((row->traits & T_LOCK) && percent(r, 20))
        to[n++] = 0xf0;
    if (percent(r, 10))
        to[n++] = 0x67;
    if (percent(r, 12))
        to[n++] = seg[below(r, mode64 ? 7 : 6)];
    if (percent(r, 2))
        to[n++] = 0x3e;
    for (unsigned k = n; k > 1; k--) { /* in any order */
        unsigned with = below(r, k);
        uint8_t t = to[k - 1];
        to[k - 1] = to[with];
        to[with] = t;
    }
    if (mode64) {
        unsigned rex = percent(r, 60) ? below(r, 16) : 0;
        bool put = rex || percent(r, 5);
        if (e & (W1 | OS64))
            rex |= 8, put = true;
        if (e & (W0 | OS16 | OS32))
            rex &= 7;
        if (put)
            to[n++] = (uint8_t)(0x40 | rex);
    }
    return n;
}

/* Address size, segment and VEX, in two bytes where that is possible. */
static unsigned put_vex(struct random *r, const struct isa_row *row, bool mode64,
                        uint8_t *to)
{
    static const uint8_t seg[] = {0x26, 0x2e, 0x36, 0x3e, 0x65, 0x65, 0x64};
    static const uint8_t pp[] = {0, 0, 1, 2, 3, 0};
    uint64_t e = row->enc;
    unsigned n = 0, map = (unsigned)ENC_MAP(e);
    unsigned rxb = mode64 ? below(r, 8) : 0, vvvv = 0, w = below(r, 2), l = below(r, 2);

    if (percent(r, 10))
        to[n++] = 0x67;
    if (percent(r, 12))
        to[n++] = seg[below(r, mode64 ? 7 : 6)];
    if (isa_uses(row, OC_H) || isa_uses(row, OC_B))
        vvvv = below(r, mode64 ? 16 : 8);
    else if (isa_uses(row, OC_KH))
        vvvv = below(r, 8);
    w = e & W1 ? 1 : e & W0 ? 0 : w;
    l = e & L1 ? 1 : e & L0 ? 0 : l;
    if (map == 1 && !w && !(rxb & 3) && percent(r, 70)) {
        to[n++] = 0xc5;
        to[n++] = (uint8_t)((rxb & 4 ? 0 : 0x80) | (~vvvv & 15) << 3 | l << 2 |
                            pp[ENC_PREFIX(e)]);
        return n;
    }
    to[n++] = 0xc4;
    to[n++] = (uint8_t)((~rxb & 7) << 5 | map);
    to[n++] = (uint8_t)(w << 7 | (~vvvv & 15) << 3 | l << 2 | pp[ENC_PREFIX(e)]);
    return n;
}

/* ModRM and SIB for the row. Returns bytes written. */
static unsigned put_modrm(struct random *r, const struct isa_row *row,
                          const struct traits *t, uint8_t *to)
{
    uint64_t e = row->enc;
    unsigned mod = t->register_only     ? 3
                   : t->memory          ? below(r, 3)
                   : below(r, 100) < 50 ? 3
                                        : below(r, 3);
    unsigned reg = below(r, 8), rm = below(r, 8);

    if (isa_uses(row, OC_VM))
        rm = 4;
    if (e & 1ull << 12)
        reg = e >> 13 & 7;
    if (e & 1ull << 16)
        rm = e >> 17 & 7;
    to[0] = (uint8_t)(mod << 6 | reg << 3 | rm);
    to[1] = (uint8_t)random64(r); /* SIB, if there is one */
    return 1;
}

/* Is the destination one that elements cannot be zeroed in? */
static bool keeps_elements(const struct isa_row *row, bool memory)
{
    unsigned class = operand_info[row->operand[0]].class;
    return class == OC_K || class == OC_M || class == OC_VM ||
           (memory && class == OC_W);
}

/* EVEX.L'L: one of the lengths that the row has; the rounding where b asks for one. */
static unsigned evex_length(struct random *r, const struct isa_row *row, bool any)
{
    unsigned lengths = (row->enc & L0 ? 1 : 0) | (row->enc & L1 ? 2 : 0) |
                       (row->enc & L2 ? 4 : 0);
    unsigned l;

    if (any)
        return below(r, 4);
    do
        l = below(r, 3);
    while (lengths && !(lengths >> l & 1));
    return l;
}

/* Address size, segment and EVEX, for an instruction with this ModRM byte. */
static unsigned put_evex(struct random *r, const struct isa_row *row, bool mode64,
                         uint8_t modrm, uint8_t *to)
{
    static const uint8_t seg[] = {0x26, 0x2e, 0x36, 0x3e, 0x65, 0x65, 0x64};
    static const uint8_t pp[] = {0, 0, 1, 2, 3, 0};
    uint64_t e = row->enc;
    bool memory = modrm < 0xc0, rounds = (row->traits & (T_ER | T_SAE)) != 0;
    bool b = percent(r, 40) && (memory ? (row->traits & T_BCST) != 0 : rounds);
    unsigned rxb = mode64 ? below(r, 16) : 0; /* R X B R', not inverted */
    unsigned w = below(r, 2), vvvv = 0, l, mask = 0, n = 0;
    bool z = false;

    if (percent(r, 10))
        to[n++] = 0x67;
    if (percent(r, 12))
        to[n++] = seg[below(r, mode64 ? 7 : 6)];
    if (isa_uses(row, OC_H) || isa_uses(row, OC_B))
        vvvv = below(r, mode64 ? 32 : 8);
    else if (isa_uses(row, OC_VM) && mode64)
        vvvv = below(r, 2) << 4; /* V' is bit 4 of the index */
    /* X and R' are for vectors; with general registers Bochs takes them for numbers from
     * 16 on, and writes to memory of its own. */
    if (!memory && (isa_uses(row, OC_E) || isa_uses(row, OC_R)))
        rxb &= ~4u;
    if (isa_uses(row, OC_G))
        rxb &= ~1u;
    w = e & W1 ? 1 : e & W0 ? 0 : w;
    l = evex_length(r, row, b && !memory);
    if (row->traits & T_NEEDMASK)
        mask = 1 + below(r, 7);
    else if (!(row->traits & T_NOMASK) && percent(r, 75))
        mask = below(r, 8);
    if (mask && !(row->traits & T_NEEDMASK) && !keeps_elements(row, memory))
        z = percent(r, 50);
    to[n++] = 0x62;
    to[n++] = (uint8_t)((~rxb & 15) << 4 | (unsigned)ENC_MAP(e));
    to[n++] = (uint8_t)(w << 7 | (~vvvv & 15) << 3 | 4 | pp[ENC_PREFIX(e)]);
    to[n++] = (uint8_t)(z << 7 | l << 5 | b << 4 | (vvvv & 16 ? 0 : 8) | mask);
    return n;
}

/* Sometimes another EVEX prefix, one that must be refused. */
static void spoil(struct random *r, struct encoding *e)
{
    struct encoding bad = *e;
    struct insn insn[2];
    /* Not map, pp and W, which make other instructions, here perhaps not known yet. */
    static const uint8_t may[3] = {0x0c, 0x7c, 0xff};
    unsigned at = 0, byte = below(r, 3);

    while (bad.bytes[at] != 0x62)
        at++;
    at += 1 + byte;
    bad.bytes[at] ^= (uint8_t)random64(r) & may[byte];
    if (decode(menura_isa(), menura_decode_mode(e->mode), bad.bytes, 15,
               e->offset % PAGE, insn) != DECODE_INVALID)
        return;
    e->spoiled_at = at;
    e->spoiled_by = bad.bytes[at] ^ e->bytes[at];
    e->bytes[at] = bad.bytes[at];
}

/* Where the displacement stands, from the ModRM byte at `at`. */
static void find_displacement(struct encoding *e, unsigned at)
{
    unsigned mod = e->bytes[at] >> 6, rm = e->bytes[at] & 7;

    e->disp_at = at + 1;
    e->disp_size = 0;
    if (!(e->insn[0].form & FORM_MEM) || mod == 3)
        return;
    if (INSN_ASIZE(&e->insn[0]) == 0) {
        e->disp_size = mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0;
        return;
    }
    if (rm == 4) {
        e->disp_at++;
        rm = e->bytes[at + 1] & 7;
    }
    e->disp_size = mod == 1 ? 1 : mod == 2 || rm == 5 ? 4 : 0;
}

static bool redecode(struct encoding *e)
{
    uint64_t at = e->offset;
    return decode(menura_isa(), menura_decode_mode(e->mode), e->bytes, 15,
                  (unsigned)at % PAGE, e->insn) == DECODE_OK &&
           &isa_rows[e->insn[0].row] == e->row;
}

static bool try_encoding(struct random *r, struct encoding *e)
{
    const struct isa_row *row = e->row;
    struct traits t = traits_of(row);
    bool mode64 = e->mode->bits == 64;
    unsigned n, map = (unsigned)ENC_MAP(row->enc), op = (unsigned)ENC_OPCODE(row->enc),
                at;
    uint8_t bytes[32], modrm[2];

    if (row->enc & EVEX) {
        put_modrm(r, row, &t, modrm);
        n = put_evex(r, row, mode64, modrm[0], bytes);
    } else if (row->enc & VEX) {
        n = put_vex(r, row, mode64, bytes);
    } else {
        n = put_prefixes(r, row, mode64, bytes);
        if (map)
            bytes[n++] = 0x0f;
        if (map > 1)
            bytes[n++] = map == 2 ? 0x38 : 0x3a;
    }
    if (row->enc & PLUSR)
        op += below(r, 8);
    if (row->enc & COND)
        op += below(r, 16);
    bytes[n++] = (uint8_t)op;
    at = n;
    random_tail(r, bytes + n, 16);
    if (row->enc & EVEX)
        bytes[n] = modrm[0]; /* what follows is noise already */
    else if (t.modrm)
        put_modrm(r, row, &t, bytes + n);
    memcpy(e->bytes, bytes, 15);
    e->bytes[15] = 0;
    if (!redecode(e))
        return false;
    e->len = e->insn[0].len;
    e->disp_size = 0;
    if (t.modrm)
        find_displacement(e, at);
    if (t.moffs) {
        e->disp_at = at;
        e->disp_size = 2u << INSN_ASIZE(&e->insn[0]);
    }
    /* Addresses through FS lie about our own thread's data: only where every bit of the
     * address is under control. */
    if (INSN_SEG(&e->insn[0]) == FS &&
        (!native_fs_usable || (row->traits & (T_REP | T_RARE)) || t.moffs || !t.modrm ||
         isa_uses(row, OC_VM) ||
         INSN_ASIZE(&e->insn[0]) != 2 || e->insn[0].rm == CPU_ZERO_OFFSET ||
         e->insn[0].rm == CPU_PAGE_RIP_OFFSET))
        return false;
    return true;
}

bool generate_encoding(struct random *r, const struct oracle_mode *m,
                       const struct isa_row *row, struct encoding *e)
{
    *e = (struct encoding){.mode = m, .row = row};
    if ((row->traits & T_NO64) && m->bits == 64)
        return false;
    if ((row->traits & T_ONLY64) && m->bits != 64)
        return false;
    e->offset = 64 + below(r, PAGE - 128);
    if (percent(r, 4)) { /* over the edge of the first page, or of what is mapped */
        e->offset = percent(r, 60) ? PAGE : CODE_SIZE;
        e->offset -= 1 + below(r, 14);
    }
    for (unsigned k = 0; k < 200; k++)
        if (try_encoding(r, e)) {
            if ((row->enc & EVEX) && percent(r, 6))
                spoil(r, e);
            return true;
        }
    return false;
}

/* ---- floating-point values ---- */

static uint32_t float32(struct random *r)
{
    static const uint32_t edges[] = {
        0x00000000, 0x00000001, 0x007fffff, 0x00800000, 0x3f800000, 0x3f7fffff,
        0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fbfffff, 0x7fc00000, 0x7fffffff,
        0x4f000000, 0x4effffff, 0x4b000000, 0x4b7fffff, 0x3f000000, 0x5f000000,
    };
    uint32_t sign = percent(r, 50) ? 0x80000000u : 0, exponent;

    switch (below(r, 5)) {
    case 0: return (uint32_t)random64(r);
    case 1:
    case 2: return edges[below(r, ARRAY_SIZE(edges))] | sign;
    case 3: /* near one, so that sums cancel and round */
        exponent = 0x7e + below(r, 4);
        return exponent << 23 | (uint32_t)(random64(r) & 0x7fffff) | sign;
    default:
        exponent = below(r, 255);
        return exponent << 23 | below(r, 8) << 20 | sign;
    }
}

static uint64_t float64(struct random *r)
{
    static const uint64_t edges[] = {
        0x0000000000000000, 0x0000000000000001, 0x000fffffffffffff, 0x0010000000000000,
        0x3ff0000000000000, 0x3fefffffffffffff, 0x7fefffffffffffff, 0x7ff0000000000000,
        0x7ff0000000000001, 0x7ff7ffffffffffff, 0x7ff8000000000000, 0x7fffffffffffffff,
        0x41e0000000000000, 0x41dfffffffc00000, 0x43e0000000000000, 0x43dfffffffffffff,
        0x4330000000000000, 0x3fe0000000000000, 0x36a0000000000000, 0x47efffffe0000000,
    };
    uint64_t sign = percent(r, 50) ? 1ull << 63 : 0, exponent;

    switch (below(r, 5)) {
    case 0: return random64(r);
    case 1:
    case 2: return edges[below(r, ARRAY_SIZE(edges))] | sign;
    case 3:
        exponent = 0x3fe + below(r, 4);
        return exponent << 52 | random64(r) >> 12 | sign;
    default:
        exponent = below(r, 2047);
        return exponent << 52 | (uint64_t)below(r, 8) << 49 | sign;
    }
}

static struct f80 float80(struct random *r)
{
    struct f80 f = {.sig = random64(r)};
    static const uint64_t sig[] = {
        0x8000000000000000, 0xffffffffffffffff, 0x8000000000000001, 0xc000000000000000,
        0x0000000000000000, 0x0000000000000001, 0x7fffffffffffffff, 0xfffffffffffff800,
        0xffffffffffff0000, 0x8000000000000400, 0x8000000080000000, 0xa000000000000000,
    };
    static const uint16_t exponent[] = {0x3fff, 0x3ffe, 0x4000, 0x0000, 0x0001, 0x7fff,
                                        0x7ffe, 0x403e, 0x403d, 0x401e, 0x400e, 0x3fbf,
                                        0x3c00, 0x3f81, 0x43ff, 0x407f};
    f.se = (uint16_t)random64(r);
    if (percent(r, 70))
        f.se = (uint16_t)((f.se & 0x8000) | exponent[below(r, ARRAY_SIZE(exponent))]);
    if (percent(r, 40))
        f.sig = sig[below(r, ARRAY_SIZE(sig))];
    else if (percent(r, 90))
        f.sig |= 1ull << 63; /* not an unnormal */
    return f;
}

/* Sixteen bytes for an operand of the row. */
static void operand_bytes(struct random *r, const struct isa_row *row, uint8_t to[16])
{
    unsigned how = below(r, 4);

    if ((row->traits & T_X87) && how) {
        struct f80 f = float80(r);
        if (how == 1) {
            store64(to, f.sig);
            store16(to + 8, f.se);
            store32(to + 10, (uint32_t)random64(r));
            store16(to + 14, 0);
            return;
        }
        store64(to, how == 2 ? float64(r) : float32(r));
        store64(to + 8, edge64(r));
        return;
    }
    if ((row->traits & (T_SSE | T_AVX | T_EVEX)) && how) {
        if (how == 1)
            for (unsigned k = 0; k < 4; k++)
                store32(to + 4 * k, float32(r));
        else
            for (unsigned k = 0; k < 2; k++)
                store64(to + 8 * k, how == 2 ? float64(r) : edge64(r));
        return;
    }
    store64(to, edge64(r));
    store64(to + 8, edge64(r));
}

/* ---- addresses ---- */

static int gpr_at(uint16_t offset)
{
    int at = (int)offset - (int)CPU_GPR_OFFSET(0);
    return at >= 0 && at < 16 * 8 ? at / 8 : -1;
}

static uint64_t segment_base(const struct oracle_mode *m, unsigned seg)
{
    if (m->bits == 64)
        return seg == FS ? native_fs_base : seg == GS ? native_gs_base : 0;
    return seg == CS ? m->code_base : m->data_base;
}

/* A linear address for an operand: mostly in the two writable pages, aligned or not,
 * often across their border, sometimes at the borders to what may not be touched. */
static uint64_t pick_target(struct random *r)
{
    static const uint8_t border[] = {1, 3, 4, 5, 6, 7};
    uint64_t la;

    switch (below(r, 10)) {
    case 0:
    case 1: return DATA_LA + 2 * PAGE - below(r, 20);
    case 2:
    case 3:
        la = DATA_LA + border[below(r, ARRAY_SIZE(border))] * (unsigned)PAGE;
        return la - below(r, 20);
    case 4: return DATA_LA + PAGE + below(r, 2 * PAGE);
    default: return DATA_LA + PAGE + (below(r, 2 * PAGE - 512) & ~15u);
    }
}

/* The inverse of an odd number modulo 2^64 (Newton). */
static uint64_t inverse(uint64_t odd)
{
    uint64_t x = odd;
    for (unsigned k = 0; k < 6; k++)
        x *= 2 - odd * x;
    return x;
}

/* Sets the registers of e's memory operand so that it lies at *la; *la may move a
 * little where the scale wants it. False: not possible. */
static bool aim(struct random *r, struct encoding *e, struct regs *in, uint64_t *la)
{
    const struct insn *i = &e->insn[0];
    unsigned asize = INSN_ASIZE(i), scale = INSN_SCALE(i);
    uint64_t mask = asize == 2 ? ~0ull : asize == 1 ? 0xffffffffull : 0xffffull;
    uint64_t want = *la - segment_base(e->mode, INSN_SEG(i));
    int base = gpr_at(i->rm), index = gpr_at(i->index);
    uint64_t high = random64(r) & ~mask;

    if (want & ~mask)
        return false;
    if (base < 0 && index < 0) {
        int64_t disp = (int64_t)want;
        if (i->rm != CPU_ZERO_OFFSET)
            disp -= (int64_t)(CODE_LA + e->offset + e->len);
        if (e->disp_size == 4 && asize == 2 && disp != (int32_t)disp)
            return false;
        if (e->disp_size < 2)
            return false;
        store_le(e->bytes + e->disp_at, e->disp_size, (uint64_t)disp);
        return redecode(e);
    }
    want -= (uint64_t)(int64_t)i->disp;
    if (base >= 0 && index >= 0 && base != index) {
        in->gpr[base] = ((want - (in->gpr[index] << scale)) & mask) | high;
    } else if (base == index) {
        if (scale == 0) {
            *la -= want & 1;
            want -= want & 1;
            in->gpr[base] = ((want & mask) >> 1) | high;
            if (asize == 2)
                in->gpr[base] |= random64(r) & 1ull << 63;
        } else {
            in->gpr[base] = (want * inverse((1ull << scale) + 1) & mask) | high;
        }
    } else if (base >= 0) {
        in->gpr[base] = (want & mask) | high;
    } else {
        uint64_t off = want & ((1ull << scale) - 1);
        *la -= off;
        want -= off;
        in->gpr[index] = ((want & mask) >> scale) | high;
    }
    return true;
}

/* ---- states ---- */

static void random_x87(struct random *r, const struct isa_row *row, struct regs *in)
{
    in->fcw = (uint16_t)(0x40 | (random64(r) & 0xf00)); /* precision and rounding */
    if (percent(r, 80))
        in->fcw |= 0x3f;
    else
        in->fcw |= random64(r) & 0x3f;
    in->fsw = random64(r) & 0x7f00; /* TOP, condition codes */
    if (percent(r, 40))
        in->fsw |= random64(r) & 0x7f;
    if (percent(r, 95)) {
        in->fsw &= (uint16_t) ~(0x3f & ~in->fcw); /* nothing pending */
    }
    if (in->fsw & ~in->fcw & 0x3f)
        in->fsw |= 0x8080;
    in->ftw = percent(r, 60) ? 0 : (uint8_t)random64(r);
    if (percent(r, 5))
        in->ftw = 0xff;
    for (unsigned n = 0; n < 8; n++) {
        in->st[n] = float80(r);
        if (!(row->traits & T_X87) && percent(r, 50))
            in->st[n].sig = edge64(r);
    }
}

static void random_sse(struct random *r, const struct isa_row *row, struct regs *in)
{
    memset(in->zmm, 0, sizeof in->zmm);
    in->mxcsr = 0x1f80;
    if (percent(r, 60))
        in->mxcsr = (uint32_t)(random64(r) & 0xffff) | 0x1f80;
    if (percent(r, 12))
        in->mxcsr = (uint32_t)(random64(r) & 0xffff);
    for (unsigned n = 0; n < 16; n++) {
        for (unsigned h = 0; h < (native_words() >= 4 ? 4 : 2); h += 2) {
            uint8_t b[16];
            operand_bytes(r, row, b);
            in->zmm[n][h] = load64(b);
            in->zmm[n][h + 1] = load64(b + 8);
        }
    }
}

static uint64_t random_opmask(struct random *r)
{
    uint64_t k = random64(r);

    switch (below(r, 8)) {
    case 0: return ~0ull;
    case 1: return 0;
    case 2: return 1ull << (k & 63);
    case 3: return ~(1ull << (k & 15));
    case 4: return k & 0xff;
    default: return k;
    }
}

/* What AVX-512 adds. The numbers are another series: what comes before and after is the
 * same for processors with and without it. */
static void random_wide(const struct random *r, const struct isa_row *row,
                        struct regs *in)
{
    struct random more = {~r->state};

    memset(in->k, 0, sizeof in->k);
    if (native_words() < 8)
        return;
    for (unsigned n = 0; n < 32; n++)
        for (unsigned h = n < 16 ? 4 : 0; h < 8; h += 2) {
            uint8_t b[16];
            operand_bytes(&more, row, b);
            in->zmm[n][h] = load64(b);
            in->zmm[n][h + 1] = load64(b + 8);
        }
    for (unsigned n = 0; n < 8; n++)
        in->k[n] = random_opmask(&more);
}

static bool is(const struct encoding *e, const char *mnemonic)
{
    return strcmp(e->row->mnemonic, mnemonic) == 0;
}

static bool uses_class(const struct encoding *e, unsigned class)
{
    return isa_uses(e->row, class);
}

/* A place that a near jump can go to: in the code area, as an offset in CS. */
static uint64_t jump_target(struct random *r, const struct encoding *e)
{
    return CODE_LA - e->mode->code_base + below(r, CODE_SIZE);
}

static bool jumps_through_rm(const struct encoding *e)
{
    return (is(e, "JMP") || is(e, "CALL")) && uses_class(e, OC_E);
}

/* A register that points at a target, from base on; the bits that do not count are noise.
 */
static uint64_t pointer(struct random *r, uint64_t base, uint64_t mask)
{
    uint64_t offset = pick_target(r) - base;
    return (offset & mask) | (random64(r) & ~mask);
}

/* The operands that registers imply. They are set before the memory operand is aimed.
 */
static void imply(struct random *r, struct encoding *e, struct regs *in)
{
    const struct insn *i = &e->insn[0];
    uint64_t mask = INSN_ASIZE(i) == 2   ? ~0ull
                    : INSN_ASIZE(i) == 1 ? 0xffffffffull
                                         : 0xffffull;

    if (uses_class(e, OC_X) && percent(r, 96))
        in->gpr[RSI] = pointer(r, segment_base(e->mode, INSN_SEG(i)), mask);
    if (strncmp(e->row->mnemonic, "MASKMOV", 7) == 0 || is(e, "VMASKMOVDQU"))
        in->gpr[RDI] = pointer(r, segment_base(e->mode, INSN_SEG(i)), mask);
    if (uses_class(e, OC_Y) && percent(r, 96))
        in->gpr[RDI] = pointer(r, segment_base(e->mode, ES), mask);
    if ((e->row->traits & T_REP) || is(e, "LOOP") || is(e, "LOOPE") ||
        is(e, "LOOPNE") || is(e, "JCXZ")) {
        uint64_t count = percent(r, 90) ? below(r, 20) : below(r, 1200);
        in->gpr[RCX] = (in->gpr[RCX] & ~mask) | (count & mask);
    }
    if (is(e, "XLAT"))
        in->gpr[RBX] = pointer(
            r, segment_base(e->mode, INSN_SEG(i)) + (in->gpr[RAX] & 0xff), mask);
    if (is(e, "LEAVE") || is(e, "ENTER"))
        in->gpr[RBP] = pick_target(r) - e->mode->data_base;
    if ((is(e, "BT") || is(e, "BTS") || is(e, "BTR") || is(e, "BTC")) &&
        (i->form & FORM_MEM) && uses_class(e, OC_G) && gpr_at(i->reg) >= 0)
        in->gpr[gpr_at(i->reg)] = (uint64_t)below(r, 4000) - 2000;
    if ((is(e, "DIV") || is(e, "IDIV")) && percent(r, 60)) {
        if (i->bits == 8)
            in->gpr[RAX] = below(r, 0x600);
        else if (is(e, "DIV"))
            in->gpr[RDX] = below(r, 100);
        else
            in->gpr[RDX] = 0 - (in->gpr[RAX] >> (i->bits - 1) & 1);
    }
}

/* Indices of a gather: mostly close to the place the base is aimed at. */
static void spread(struct random *r, const struct encoding *e, struct regs *in)
{
    const struct insn *i = &e->insn[0];
    bool wide = ENC_OPCODE(e->row->enc) & 1;
    unsigned at = (unsigned)((i->index - offsetof(struct cpu, v)) / sizeof(struct vec));
    bool evex = (e->row->enc & EVEX) != 0;
    unsigned words = evex ? 8 : 4;

    for (unsigned n = 0; n < (wide ? words : 2 * words); n++) {
        uint64_t x = below(r, 64) - (uint64_t)16;
        if (percent(r, 12))
            x = (uint64_t)below(r, 3 * PAGE) - PAGE;
        x = percent(r, 3) ? edge64(r) : (uint64_t)((int64_t)x >> INSN_SCALE(i));
        if (wide)
            in->zmm[at][n] = x;
        else
            in->zmm[at][n / 2] = in->zmm[at][n / 2] >> 32 | x << 32;
    }
    if (percent(r, 30)) {
        if (evex)
            in->k[INSN_MASK(i)] = ~0ull;
        else
            memset(in->zmm[INSN_VVVV(i)], 0xff, 32);
    }
}

/* What an instruction compares with rAX or rDX:rAX, half of the time equal. */
static void make_equal(struct random *r, struct encoding *e, struct regs *in,
                       const uint8_t memory[16])
{
    const struct insn *i = &e->insn[0];
    int reg = gpr_at(i->rm);

    if (percent(r, 50))
        return;
    if (is(e, "CMPXCHG")) {
        if (i->form & FORM_MEM)
            in->gpr[RAX] = load64(memory);
        else if (reg >= 0)
            in->gpr[RAX] = in->gpr[reg];
    } else if (is(e, "CMPXCHG8B")) {
        in->gpr[RAX] = load32(memory);
        in->gpr[RDX] = load32(memory + 4);
    } else if (is(e, "CMPXCHG16B")) {
        in->gpr[RAX] = load64(memory);
        in->gpr[RDX] = load64(memory + 8);
    }
}

static void random_gprs(struct random *r, struct encoding *e, struct regs *in)
{
    uint64_t mask = e->mode->bits == 64 ? ~0ull : 0xffffffffull;

    for (unsigned n = 0; n < 16; n++)
        in->gpr[n] = edge64(r) & mask;
    in->gpr[RSP] = pick_target(r) - e->mode->data_base;
    if (percent(r, 70))
        in->gpr[RSP] &= ~7ull;
}

static void random_flags(struct random *r, struct regs *in)
{
    in->flags = 0x202 | (random64(r) & FLAGS_ARITH);
    if (percent(r, 25))
        in->flags |= FLAG_DF;
    if (percent(r, 4))
        in->flags |= FLAG_AC;
}

static void make_state(struct random *r, struct encoding *e, struct question *q,
                       poke_fn *poke, void *owner)
{
    struct regs *in = &q->in;
    bool memory = (e->insn[0].form & FORM_MEM) && e->disp_at;
    bool fs = INSN_SEG(&e->insn[0]) == FS;
    uint8_t bytes[64];
    uint64_t la = pick_target(r);

    if ((e->row->traits & T_EVEX) && (e->row->traits & T_ALIGN16) && percent(r, 60))
        la &= ~63ull;
    q->mode = e->mode;
    /* A step costs the host more than running into the filler, and shows one element of
     * a REP only; but a branch could run on into anything. */
    q->step =
        percent(r, 30) || ((e->row->traits & T_ENDS) && !(e->row->traits & T_REP));
    random_gprs(r, e, in);
    random_flags(r, in);
    random_x87(r, e->row, in);
    random_sse(r, e->row, in);
    random_wide(r, e->row, in);
    in->rip = CODE_LA - e->mode->code_base + e->offset;
    for (unsigned k = 0; k < sizeof bytes; k += 16)
        operand_bytes(r, e->row, bytes + k);
    imply(r, e, in);
    if (uses_class(e, OC_VM))
        spread(r, e, in);
    make_equal(r, e, in, bytes);
    if (jumps_through_rm(e) && percent(r, 80)) {
        store64(bytes, jump_target(r, e));
        /* Not RSP: CALL would push into the code. */
        if (gpr_at(e->insn[0].rm) >= 0 && gpr_at(e->insn[0].rm) != RSP && !memory)
            in->gpr[gpr_at(e->insn[0].rm)] = load64(bytes);
    }
    /* Left to itself, RIP-relative means the code. */
    if (memory && (fs || e->insn[0].rm == CPU_PAGE_RIP_OFFSET || percent(r, 96))) {
        if (e->mode->bits == 64 && !fs && INSN_ASIZE(&e->insn[0]) == 2 &&
            percent(r, 2) && e->insn[0].rm != CPU_PAGE_RIP_OFFSET)
            la = 0x800000000000ull - below(r, 20); /* the edge of what is canonical */
        if (e->mode->bits == 16)
            la = DATA_LA + (la & 0xffff);
        if (aim(r, e, in, &la) && la < 0x100000000ull)
            poke(owner, la, bytes, sizeof bytes);
        if (gpr_at(e->insn[0].rm) == RAX || gpr_at(e->insn[0].index) == RAX)
            return;
        return;
    }
    /* The stack, and what else registers point to. */
    if (is(e, "RET") && percent(r, 80))
        store64(bytes, jump_target(r, e));
    poke(owner, in->gpr[RSP] + e->mode->data_base, bytes, sizeof bytes);
    if (is(e, "LEAVE") || is(e, "ENTER"))
        poke(owner, in->gpr[RBP] + e->mode->data_base, bytes, sizeof bytes);
    if (uses_class(e, OC_X))
        poke(owner, in->gpr[RSI] + segment_base(e->mode, INSN_SEG(&e->insn[0])), bytes,
             16);
    if (uses_class(e, OC_Y))
        poke(owner, in->gpr[RDI] + segment_base(e->mode, ES),
             bytes + (percent(r, 50) ? 16 : 0), 16);
}

void generate_state(struct random *r, struct encoding *e, struct question *q,
                    poke_fn *poke, void *owner)
{
    /* The state is made for the encoding as it was. */
    e->bytes[e->spoiled_at] ^= e->spoiled_by;
    make_state(r, e, q, poke, owner);
    e->bytes[e->spoiled_at] ^= e->spoiled_by;
}
