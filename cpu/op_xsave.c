/* op_xsave.c - x87, SSE and extended state to and from memory: FXSAVE, XSAVE and their
 * kin, LDMXCSR, STMXCSR.
 *
 * Intel SDM vol 1 10.5 (FXSAVE), ch. 13 (XSAVE); vol 2, each instruction. An area is
 * composed or examined as a byte image here; guest memory is opened as a whole before
 * anything is written, and read as a whole before anything is loaded.
 */
#include "base/byteorder.h"
#include "cpu/operand.h"
#include "cpu/system.h"
#include "cpu/x87.h"

#include <string.h>

enum {
    /* Legacy region (vol 1 Table 10-2, 13-1). */
    AT_FCW = 0,
    AT_FSW = 2,
    AT_FTW = 4,
    AT_FOP = 6,
    AT_FIP = 8,
    AT_FCS = 12,
    AT_FDP = 16,
    AT_FDS = 20,
    AT_MXCSR = 24,
    AT_MXCSR_MASK = 28,
    AT_ST = 32,
    AT_XMM = 160,
    AT_HEADER = 512,
    AT_XSTATE_BV = 512,
    AT_XCOMP_BV = 520,
    AT_EXTENDED = 576,
    AREA_ROOM = 2816, /* no format is larger */
    MXCSR_INITIAL = 0x1f80,
};

/* ---- components ---- */

static const struct {
    uint8_t number;
    bool align; /* to 64 bytes in the compacted format */
    uint16_t size, offset;
} components[] = {
    {2, false, 256, 576},    /* AVX: bits 255:128 of YMM0..15 */
    {5, false, 64, 1088},    /* opmasks */
    {6, false, 512, 1152},   /* ZMM_Hi256: bits 511:256 of ZMM0..15 */
    {7, false, 1024, 1664},  /* Hi16_ZMM: ZMM16..31 */
    /* PKRU: where CPUs with AVX-512 have it, and debuggers expect it. */
    {9, false, 8, 2688},
};

bool xsave_component(unsigned n, uint32_t *size, uint32_t *offset, bool *align)
{
    for (unsigned k = 0; k < ARRAY_SIZE(components); k++)
        if (components[k].number == n) {
            *size = components[k].size;
            *offset = components[k].offset;
            *align = components[k].align;
            return true;
        }
    return false;
}

/* Where component n stands in the compacted format of `present` (vol 1 13.4.3). */
static uint32_t compacted_offset(uint64_t present, unsigned n, uint32_t *end)
{
    uint32_t at = AT_EXTENDED, found = 0;
    for (unsigned k = 0; k < ARRAY_SIZE(components); k++) {
        if (!(present >> components[k].number & 1))
            continue;
        if (components[k].align)
            at = (at + 63) & ~63u;
        if (components[k].number == n)
            found = at;
        at += components[k].size;
    }
    *end = at;
    return found;
}

uint32_t xsave_size(uint64_t present, bool compacted)
{
    uint32_t end = AT_EXTENDED;
    if (compacted) {
        compacted_offset(present, 0, &end);
        return end;
    }
    for (unsigned k = 0; k < ARRAY_SIZE(components); k++)
        if (present >> components[k].number & 1)
            end = components[k].offset + components[k].size;
    return end;
}

uint64_t xcr0_supported(const struct cpu *c)
{
    uint64_t all = 0;
    if (cpu_has(c, CPUID_XSAVE))
        all |= XSTATE_X87 | XSTATE_SSE;
    if (cpu_has(c, CPUID_AVX))
        all |= XSTATE_AVX;
    if ((all & XSTATE_AVX) && cpu_has(c, CPUID_AVX512F))
        all |= XSTATE_AVX512;
    if (all && cpu_has(c, CPUID_PKU))
        all |= XSTATE_PKRU;
    return all;
}

/* AVX needs SSE, and AVX-512, whose three components come together, needs AVX (SDM vol 1
 * 13.3). */
bool xcr0_valid(const struct cpu *c, uint64_t v)
{
    if ((v & ~xcr0_supported(c)) || !(v & XSTATE_X87))
        return false;
    if ((v & XSTATE_AVX) && !(v & XSTATE_SSE))
        return false;
    return !(v & XSTATE_AVX512) ||
           (v & (XSTATE_AVX512 | XSTATE_AVX)) == (XSTATE_AVX512 | XSTATE_AVX);
}

uint32_t mxcsr_mask(const struct cpu *c)
{
    return cpu_has(c, CPUID_SSE2) ? 0xffff : 0xffbf; /* DAZ came with SSE2 models */
}

static bool x87_in_use(const struct cpu *c)
{
    if (c->fcw != 0x37f || c->fsw || c->ftw != 0xff || c->fop || c->fip || c->fdp ||
        c->fcs || c->fds)
        return true;
    for (unsigned n = 0; n < 8; n++)
        if (c->st[n].sig || c->st[n].se)
            return true;
    return false;
}

static unsigned xmm_count(const struct cpu *c)
{
    return cpu_code64(c) ? 16 : 8;
}

/* Of the components that are parts of vector registers: of which, from which word on. */
static const struct {
    uint8_t first, word, words;
} part_of[] = {[2] = {0, 2, 2}, [6] = {0, 4, 4}, [7] = {16, 0, 8}, [9] = {0}};

/* How many registers of such a component the mode can name. */
static unsigned vector_count(const struct cpu *c, unsigned number)
{
    return cpu_code64(c) ? 16 : part_of[number].first ? 0 : 8;
}

/* Outside 64-bit mode registers from 8 on do not count (vol 1 13.6). */
uint64_t xsave_in_use(const struct cpu *c)
{
    uint64_t used = x87_in_use(c) ? XSTATE_X87 : 0;
    for (unsigned n = 0; n < xmm_count(c); n++) {
        if (c->v[n].q[0] | c->v[n].q[1])
            used |= XSTATE_SSE;
        if (c->v[n].q[2] | c->v[n].q[3])
            used |= XSTATE_AVX;
        if (c->v[n].q[4] | c->v[n].q[5] | c->v[n].q[6] | c->v[n].q[7])
            used |= XSTATE_ZMM_HI256;
    }
    for (unsigned n = 0; n < ARRAY_SIZE(c->k); n++)
        if (c->k[n])
            used |= XSTATE_OPMASK;
    for (unsigned n = 16; n < 32 && cpu_code64(c); n++)
        for (unsigned k = 0; k < ARRAY_SIZE(c->v[n].q); k++)
            if (c->v[n].q[k])
                used |= XSTATE_HI16_ZMM;
    if (c->pkru)
        used |= XSTATE_PKRU;
    return used;
}

/* ---- state to image ---- */

static void image_x87(const struct cpu *c, bool wide, uint8_t *a)
{
    unsigned top = c->fsw >> 11 & 7;

    store16(a + AT_FCW, c->fcw);
    store16(a + AT_FSW, c->fsw);
    store16(a + AT_FTW, (uint8_t)~c->ftw); /* abridged: 1 is "not empty" */
    store16(a + AT_FOP, c->fop);
    if (wide) { /* REX.W: 64-bit pointers, no selectors */
        store64(a + AT_FIP, c->fip);
        store64(a + AT_FDP, c->fdp);
    } else {
        store32(a + AT_FIP, (uint32_t)c->fip);
        store32(a + AT_FCS, c->fcs);
        store32(a + AT_FDP, (uint32_t)c->fdp);
        store32(a + AT_FDS, c->fds);
    }
    for (unsigned n = 0; n < 8; n++) { /* ST(n), not Rn */
        const struct f80 *r = &c->st[(top + n) & 7];
        store64(a + AT_ST + 16 * n, r->sig);
        store64(a + AT_ST + 16 * n + 8, r->se);
    }
}

static void image_mxcsr(const struct cpu *c, uint8_t *a)
{
    store32(a + AT_MXCSR, c->mxcsr);
    store32(a + AT_MXCSR_MASK, mxcsr_mask(c));
}

static void image_xmm(const struct cpu *c, uint8_t *a)
{
    for (unsigned n = 0; n < 16; n++) {
        store64(a + AT_XMM + 16 * n, c->v[n].q[0]);
        store64(a + AT_XMM + 16 * n + 8, c->v[n].q[1]);
    }
}

static void image_component(const struct cpu *c, unsigned number, uint8_t *a)
{
    if (number == 9) {
        store64(a, c->pkru);
        return;
    }
    if (number == 5)
        for (unsigned n = 0; n < ARRAY_SIZE(c->k); n++)
            store64(a + 8 * n, c->k[n]);
    else
        for (unsigned n = 0; n < 16; n++)
            for (unsigned k = 0; k < part_of[number].words; k++)
                store64(a + 8 * (part_of[number].words * n + k),
                        c->v[part_of[number].first + n].q[part_of[number].word + k]);
}

/* ---- image to state ---- */

static void load_x87(struct cpu *c, bool wide, const uint8_t *a)
{
    enum { SUMMARY = 0x80, BUSY = 0x8000, FCW_LEGAL = 0x1f3f, FCW_ONE = 0x40 };
    unsigned top;

    c->fcw = (load16(a + AT_FCW) & FCW_LEGAL) | FCW_ONE;
    /* ES and B follow the exception flags and masks, whatever the image says. */
    c->fsw = load16(a + AT_FSW) & (uint16_t)~(SUMMARY | BUSY);
    if (c->fsw & ~c->fcw & 0x3f)
        c->fsw |= SUMMARY | BUSY;
    c->ftw = (uint8_t)~a[AT_FTW];
    c->fop = load16(a + AT_FOP) & 0x7ff;
    if (wide) {
        c->fip = load64(a + AT_FIP);
        c->fdp = load64(a + AT_FDP);
        c->fcs = c->fds = 0;
    } else {
        c->fip = load32(a + AT_FIP);
        c->fcs = load16(a + AT_FCS);
        c->fdp = load32(a + AT_FDP);
        c->fds = load16(a + AT_FDS);
    }
    top = c->fsw >> 11 & 7;
    for (unsigned n = 0; n < 8; n++) {
        struct f80 *r = &c->st[(top + n) & 7];
        r->sig = load64(a + AT_ST + 16 * n);
        r->se = load16(a + AT_ST + 16 * n + 8);
    }
}

static void load_xmm(struct cpu *c, const uint8_t *a)
{
    for (unsigned n = 0; n < xmm_count(c); n++) {
        c->v[n].q[0] = load64(a + AT_XMM + 16 * n);
        c->v[n].q[1] = load64(a + AT_XMM + 16 * n + 8);
    }
}

static void initial_xmm(struct cpu *c)
{
    for (unsigned n = 0; n < xmm_count(c); n++)
        c->v[n].q[0] = c->v[n].q[1] = 0;
}

/* a is NULL for the initial configuration. */
static void load_component(struct cpu *c, unsigned number, const uint8_t *a)
{
    if (number == 9) {
        pkru_load(c, a ? load32(a) : 0);
        return;
    }
    if (number == 5) {
        for (unsigned n = 0; n < ARRAY_SIZE(c->k); n++)
            c->k[n] = a ? load64(a + 8 * n) : 0;
        return;
    }
    for (unsigned n = 0; n < vector_count(c, number); n++)
        for (unsigned k = 0; k < part_of[number].words; k++)
            c->v[part_of[number].first + n].q[part_of[number].word + k] =
                a ? load64(a + 8 * (part_of[number].words * n + k)) : 0;
}

void x87_initial(struct cpu *c)
{
    x87_init(c);
    memset(c->st, 0, sizeof c->st);
}

static void check_mxcsr(struct cpu *c, uint32_t v)
{
    uint32_t bad = v & ~mxcsr_mask(c);
    if (bad)
        raise_fault(c, VEC_GP, 0, R_GP_MXCSR, v, bad, 0);
}

/* ---- guest memory ---- */

/* The parts of an image that go to memory. */
struct parts {
    unsigned count;
    struct {
        uint16_t at, size;
    } part[12];
};

static void part_add(struct parts *p, unsigned at, unsigned size)
{
    p->part[p->count].at = (uint16_t)at;
    p->part[p->count].size = (uint16_t)size;
    p->count++;
}

enum { PIECE = 64, PIECES = AREA_ROOM / PIECE + 8 };

/* Opens every piece for writing, and only then writes. */
static void area_write(struct cpu *c, const struct insn *i, const uint8_t *image,
                       const struct parts *p)
{
    uint64_t area = ea(c, i);
    struct spans sp[PIECES];
    unsigned n = 0;

    for (unsigned pass = 0; pass < 2; pass++, n = 0)
        for (unsigned k = 0; k < p->count; k++) {
            unsigned at = p->part[k].at, end = at + p->part[k].size;
            while (at < end) {
                unsigned size = end - at < PIECE ? end - at : PIECE;
                if (pass == 0)
                    mem_open(c, INSN_SEG(i), area + at, size, ACCESS_WRITE, &sp[n++]);
                else
                    spans_write(&c->mmu, &sp[n++], image + at, size);
                at += size;
            }
        }
}

static void area_read(struct cpu *c, const struct insn *i, uint8_t *image, unsigned at,
                      unsigned size)
{
    uint64_t area = ea(c, i);
    for (unsigned end = at + size; at < end;) {
        unsigned piece = end - at < PIECE ? end - at : PIECE;
        mem_read(c, INSN_SEG(i), area + at, image + at, piece);
        at += piece;
    }
}

static void check_aligned(struct cpu *c, const struct insn *i, unsigned to,
                          enum reason why)
{
    uint64_t la = la_unchecked(c, INSN_SEG(i), ea(c, i));
    if (la & (to - 1))
        raise_fault(c, VEC_GP, 0, why, la, 0, 0);
}

/* ---- FXSAVE, FXRSTOR ---- */

static void check_fxsave(struct cpu *c, const struct insn *i)
{
    if (c->cr0 & CR0_EM)
        RAISE_UD(c, R_UD_EM);
    if (c->cr0 & CR0_TS)
        raise_fault(c, VEC_NM, 0, R_NM_TS, 0, 0, 0);
    check_aligned(c, i, 16, R_GP_FXSAVE_ALIGN);
}

/* Without OSFXSR the XMM registers are left alone (vol 2, FXSAVE: implementation
 * dependent). The bytes above the registers are not written. */
void op_fxsave(struct cpu *c, const struct insn *i)
{
    uint8_t image[AT_HEADER] = {0};
    struct parts p = {0};
    bool sse = cpu_has(c, CPUID_SSE);

    check_fxsave(c, i);
    image_x87(c, i->form & FORM_W, image);
    if (sse)
        image_mxcsr(c, image);
    image_xmm(c, image);
    part_add(&p, 0, sse && (c->cr4 & CR4_OSFXSR) ? AT_XMM + 16 * xmm_count(c) : AT_XMM);
    area_write(c, i, image, &p);
}

void op_fxrstor(struct cpu *c, const struct insn *i)
{
    uint8_t image[AT_HEADER];
    bool sse = cpu_has(c, CPUID_SSE) && (c->cr4 & CR4_OSFXSR);

    check_fxsave(c, i);
    area_read(c, i, image, 0, AT_HEADER);
    if (sse)
        check_mxcsr(c, load32(image + AT_MXCSR));
    load_x87(c, i->form & FORM_W, image);
    if (sse) {
        c->mxcsr = load32(image + AT_MXCSR);
        load_xmm(c, image);
    }
}

/* ---- MXCSR ---- */

void op_ldmxcsr(struct cpu *c, const struct insn *i)
{
    uint32_t v = (uint32_t)rm_get(c, i, 32);
    check_mxcsr(c, v);
    c->mxcsr = v;
}

void op_stmxcsr(struct cpu *c, const struct insn *i)
{
    rm_set(c, i, 32, c->mxcsr);
}

/* ---- XSAVE and its kin ---- */

static void check_xsave(struct cpu *c, const struct insn *i)
{
    if (!(c->cr4 & CR4_OSXSAVE))
        RAISE_UD(c, R_UD_OSXSAVE);
    if (c->cr0 & CR0_TS)
        raise_fault(c, VEC_NM, 0, R_NM_TS, 0, 0, 0);
    check_aligned(c, i, 64, R_GP_XSAVE_ALIGN);
}

/* RFBM: what the instruction is asked for and the system has enabled. */
static uint64_t requested(const struct cpu *c, uint64_t enabled)
{
    return enabled & ((uint64_t)(uint32_t)c->gpr[RDX] << 32 | (uint32_t)c->gpr[RAX]);
}

/* The component's bytes that exist in this mode: of YMM and ZMM from 8 on only in 64-bit
 * mode. */
static unsigned live_size(const struct cpu *c, unsigned k)
{
    unsigned number = components[k].number;

    return part_of[number].words ? 8 * part_of[number].words * vector_count(c, number)
                                 : components[k].size;
}

/* Composes those of `save`, laid out for `format` (compacted) or in the standard
 * format. */
static void compose(const struct cpu *c, const struct insn *i, uint64_t save,
                    bool with_mxcsr, bool compacted, uint64_t format, uint8_t *image,
                    struct parts *p)
{
    uint32_t end;

    if (save & XSTATE_X87) {
        image_x87(c, i->form & FORM_W, image);
        part_add(p, 0, AT_MXCSR);
        part_add(p, AT_ST, AT_XMM - AT_ST);
    }
    if (with_mxcsr) {
        image_mxcsr(c, image);
        part_add(p, AT_MXCSR, 8);
    }
    if (save & XSTATE_SSE) {
        image_xmm(c, image);
        part_add(p, AT_XMM, 16 * xmm_count(c));
    }
    for (unsigned k = 0; k < ARRAY_SIZE(components); k++) {
        unsigned n = components[k].number;
        unsigned at =
            compacted ? compacted_offset(format, n, &end) : components[k].offset;
        if (save >> n & 1) {
            image_component(c, n, image + at);
            part_add(p, at, live_size(c, k));
        }
    }
}

/* XSAVE and (lazy: only what is in use) XSAVEOPT, standard format. MXCSR goes with
 * either SSE or AVX. XSTATE_BV keeps the bits not asked for; XCOMP_BV is not
 * written. */
static void save_standard(struct cpu *c, const struct insn *i, bool lazy)
{
    uint8_t image[AREA_ROOM] = {0};
    struct parts p = {0};
    uint64_t rfbm, used, save, bv;

    check_xsave(c, i);
    rfbm = requested(c, c->xcr0);
    used = xsave_in_use(c);
    save = lazy ? rfbm & used : rfbm;
    bv = mem_load(c, INSN_SEG(i), ea(c, i) + AT_XSTATE_BV, 8);
    compose(c, i, save, rfbm & (XSTATE_SSE | XSTATE_AVX), false, 0, image, &p);
    store64(image + AT_XSTATE_BV, (bv & ~rfbm) | (used & rfbm));
    part_add(&p, AT_XSTATE_BV, 8);
    area_write(c, i, image, &p);
}

/* XSAVEC and XSAVES: compacted format, only what is in use; the whole of XSTATE_BV and
 * XCOMP_BV is written. MXCSR belongs to SSE, which counts as in use when MXCSR is not
 * 1F80h (vol 1 13.10, 13.11). The modified optimisation is not done: it may be left
 * out. */
static void save_compacted(struct cpu *c, const struct insn *i, uint64_t enabled)
{
    uint8_t image[AREA_ROOM] = {0};
    struct parts p = {0};
    uint64_t rfbm, save;

    check_xsave(c, i);
    rfbm = requested(c, enabled);
    save = rfbm & (xsave_in_use(c) | (c->mxcsr != MXCSR_INITIAL ? XSTATE_SSE : 0));
    compose(c, i, save, save & XSTATE_SSE, true, rfbm, image, &p);
    store64(image + AT_XSTATE_BV, save);
    store64(image + AT_XCOMP_BV, rfbm | XCOMP_COMPACT);
    part_add(&p, AT_XSTATE_BV, 16);
    area_write(c, i, image, &p);
}

void op_xsave(struct cpu *c, const struct insn *i)
{
    save_standard(c, i, false);
}

void op_xsaveopt(struct cpu *c, const struct insn *i)
{
    save_standard(c, i, true);
}

void op_xsavec(struct cpu *c, const struct insn *i)
{
    save_compacted(c, i, c->xcr0);
}

void op_xsaves(struct cpu *c, const struct insn *i)
{
    save_compacted(c, i, c->xcr0 | c->xss);
}

static void header_zero(struct cpu *c, const uint8_t *image, unsigned from, unsigned to)
{
    for (unsigned at = from; at < to; at++)
        if (image[AT_HEADER + at])
            raise_fault(c, VEC_GP, 0, R_GP_XRSTOR_HEADER, at, 0, 0);
}

/* The header's rules (vol 1 13.8, 13.12). Standard: bytes 23:8 are 0. Compacted: bytes
 * 63:16 are 0, XCOMP_BV names what is enabled and XSTATE_BV what XCOMP_BV names. */
static void check_header(struct cpu *c, const uint8_t *image, uint64_t enabled)
{
    uint64_t bv = load64(image + AT_XSTATE_BV), comp = load64(image + AT_XCOMP_BV);
    bool compacted = comp & XCOMP_COMPACT;

    if (!compacted || !cpu_has(c, CPUID_XSAVEC)) {
        if (bv & ~enabled)
            raise_fault(c, VEC_GP, 0, R_GP_XRSTOR_BV, bv, enabled, 0);
        header_zero(c, image, 8, 24);
        return;
    }
    comp &= ~XCOMP_COMPACT;
    if (comp & ~enabled)
        raise_fault(c, VEC_GP, 0, R_GP_XRSTOR_COMP, comp, enabled, 0);
    if (bv & ~comp)
        raise_fault(c, VEC_GP, 0, R_GP_XRSTOR_BV, bv, comp, 0);
    header_zero(c, image, 16, 64);
}

static void restore(struct cpu *c, const struct insn *i, uint64_t enabled)
{
    uint8_t image[AREA_ROOM] = {0};
    uint64_t rfbm = requested(c, enabled), bv, comp, load;
    bool compacted, mxcsr;
    uint32_t end;

    area_read(c, i, image, AT_HEADER, AT_EXTENDED - AT_HEADER);
    check_header(c, image, enabled);
    bv = load64(image + AT_XSTATE_BV);
    comp = load64(image + AT_XCOMP_BV);
    compacted = comp & XCOMP_COMPACT;
    load = rfbm & bv;
    /* The standard form loads MXCSR with SSE or AVX even when their bits are clear. */
    mxcsr = compacted ? load & XSTATE_SSE : rfbm & (XSTATE_SSE | XSTATE_AVX);
    if (load & (XSTATE_X87 | XSTATE_SSE) || mxcsr)
        area_read(c, i, image, 0, AT_XMM + 16 * xmm_count(c));
    if (mxcsr)
        check_mxcsr(c, load32(image + AT_MXCSR));
    for (unsigned k = 0; k < ARRAY_SIZE(components); k++) {
        unsigned n = components[k].number;
        if (load >> n & 1)
            area_read(c, i, image,
                      compacted ? compacted_offset(comp, n, &end)
                                : components[k].offset,
                      live_size(c, k));
    }

    if (load & XSTATE_X87)
        load_x87(c, i->form & FORM_W, image);
    else if (rfbm & XSTATE_X87)
        x87_initial(c);
    if (load & XSTATE_SSE)
        load_xmm(c, image);
    else if (rfbm & XSTATE_SSE)
        initial_xmm(c);
    if (mxcsr)
        c->mxcsr = load32(image + AT_MXCSR);
    else if (rfbm & XSTATE_SSE)
        c->mxcsr = MXCSR_INITIAL;
    for (unsigned k = 0; k < ARRAY_SIZE(components); k++) {
        unsigned n = components[k].number;
        if (load >> n & 1)
            load_component(c, n, image + (compacted ? compacted_offset(comp, n, &end)
                                                    : components[k].offset));
        else if (rfbm >> n & 1)
            load_component(c, n, NULL);
    }
}

void op_xrstor(struct cpu *c, const struct insn *i)
{
    check_xsave(c, i);
    restore(c, i, c->xcr0);
}

void op_xrstors(struct cpu *c, const struct insn *i)
{
    uint64_t comp;
    check_xsave(c, i);
    comp = mem_load(c, INSN_SEG(i), ea(c, i) + AT_XCOMP_BV, 8);
    if (!(comp & XCOMP_COMPACT))
        raise_fault(c, VEC_GP, 0, R_GP_XRSTORS_FORM, comp, 0, 0);
    restore(c, i, c->xcr0 | c->xss);
}
