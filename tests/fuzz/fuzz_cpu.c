/* fuzz_cpu.c - random bytes as guest code, in every mode, with random tables around them.
 *
 * Each input runs on two machines: one as usual, one with one-instruction blocks, a small
 * TLB or dropped caches. Both must end at the same tick in the same state, bit for bit. And
 * a state that a guest got a CPU into is one that a snapshot of it may hold.
 *
 * Input: mode, way, CPU model, settings (1 byte each), the tables' seed (8), how long (2);
 * the rest is code. It stands at CODE and is followed by a jump back to its start, so that
 * it gets hot; most exceptions go back into it too.
 */
#include "compare.h"
#include "fuzz.h"

#include "base/byteorder.h"
#include "base/snapshot.h"
#include "cpu/segment.h"
#include "cpu/system.h"
#include "debug/disasm.h"
#include "machine/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RAM = 1 << 20,
    GDT = 0x1000, IDT = 0x2000, TSS = 0x3000,
    TABLES = 0x4000, /* PML5, PML4, PDPT, PD, PT, and what their random entries meet */
    TABLES_END = 0xc000,
    CODE = 0x10000, CODE_ROOM = 0x1000,
    DATA = 0x20000, STACK = 0x30000,
    HEADER = 14,
};
enum mode { REAL, V86, PROT16, PROT32, PAGED32, PAE32, COMPAT, LONG64, LONG57, MODES };
enum selector { K_CODE = 0x08, K_DATA = 0x10, U_CODE = 0x18, U_DATA = 0x20, S_TSS = 0x28,
                S_LDT = 0x38, S_RANDOM = 0x48, GDT_ENTRIES = 64 };
enum setting { SET_USER = 1, SET_IF = 2, SET_TF = 4, SET_NMI = 8, SET_WILD = 16,
               SET_RANDOM_CR4 = 32, SET_BREAKPOINTS = 64, SET_LAPIC = 128 };

static const char *const models[] = {"max", "default", "486", "pentium3", "core2", "max"};

struct world {
    struct machine *m;
    struct fuzz_random r;
    enum mode mode;
    unsigned settings;
    bool paging, long_mode, user;
    uint64_t code_size;
    uint32_t origin; /* the code's offset in its segment: 16-bit ones have a base */
};

static void poke(struct world *w, uint64_t at, const void *bytes, size_t n)
{
    if (!phys_poke(machine_phys(w->m), pa(at), bytes, n))
        fuzz_bug("no RAM at %llx", (unsigned long long)at);
}

static void poke64(struct world *w, uint64_t at, uint64_t v)
{
    uint8_t bytes[8];
    store64(bytes, v);
    poke(w, at, bytes, sizeof bytes);
}

/* ---- descriptor tables ---- */

static uint64_t descriptor(uint32_t base, uint32_t limit, uint32_t attr)
{
    return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)attr << 40 |
           (uint64_t)(limit >> 16 & 15) << 48 | (uint64_t)(base >> 24) << 56;
}

static uint32_t into_code(struct world *w)
{
    return w->origin + (fuzz_one_in(&w->r, 2) ? 0 : fuzz_below(&w->r, (uint32_t)w->code_size));
}

static uint64_t random_descriptor(struct world *w)
{
    static const uint8_t access[] = {0x9a, 0x92, 0xfa, 0xf2, 0x9e, 0x96, 0x8b, 0x89, 0x81,
                                     0x82, 0xec, 0xe4, 0xe5, 0xee, 0xef, 0xe6, 0xe7, 0x83,
                                     0x98, 0x90, 0xd2, 0xba};
    uint32_t a = access[fuzz_below(&w->r, ARRAY_SIZE(access))];

    if (fuzz_one_in(&w->r, 8))
        return fuzz_next(&w->r);
    if (!(a & SEG_S) && (a & 4)) { /* a gate */
        uint32_t offset = into_code(w);
        return (offset & 0xffff) | (uint64_t)(fuzz_next(&w->r) & 0x7b) << 16 |
               (uint64_t)a << 40 | (uint64_t)(offset >> 16) << 48;
    }
    if (!(a & SEG_S))
        return descriptor(TSS + 0x100 * fuzz_below(&w->r, 8),
                          fuzz_one_in(&w->r, 4) ? fuzz_below(&w->r, 256) : 0x67, a);
    a |= fuzz_one_in(&w->r, 2) ? 0xc000 : (uint32_t)fuzz_next(&w->r) & 0xf000;
    return descriptor(fuzz_one_in(&w->r, 3) ? (uint32_t)fuzz_number(&w->r) : 0,
                      fuzz_one_in(&w->r, 3) ? (uint32_t)fuzz_next(&w->r) & 0xfffff : 0xfffff,
                      a);
}

static void make_gdt(struct world *w)
{
    uint32_t db = w->mode == PROT16 ? 0x8000 : 0xc000, base = CODE - w->origin;

    for (unsigned n = 1; n < GDT_ENTRIES; n++)
        poke64(w, GDT + 8 * n, fuzz_one_in(&w->r, 3) ? 0 : random_descriptor(w));
    poke64(w, GDT + K_CODE, descriptor(base, 0xfffff, (w->mode >= LONG64 ? 0xa000u : db) | 0x9b));
    poke64(w, GDT + K_DATA, descriptor(0, 0xfffff, db | 0x93));
    poke64(w, GDT + U_CODE, descriptor(base, 0xfffff, (w->mode >= LONG64 ? 0xa000u : db) | 0xfb));
    poke64(w, GDT + U_DATA, descriptor(0, 0xfffff, db | 0xf3));
    poke64(w, GDT + S_TSS, descriptor(TSS, 0x2067, 0x8b));
    poke64(w, GDT + S_TSS + 8, 0);
    poke64(w, GDT + S_LDT, descriptor(GDT, 0x7f, 0x82));
    poke64(w, GDT + S_LDT + 8, 0);
}

static void make_idt(struct world *w)
{
    for (unsigned n = 0; n < 256; n++) {
        uint32_t offset = into_code(w);
        bool odd = fuzz_one_in(&w->r, 24);
        uint64_t kind = (fuzz_one_in(&w->r, 2) ? 0x8e : 0x8f) | (fuzz_one_in(&w->r, 3) ? 0x60 : 0);
        uint64_t gate = (offset & 0xffff) | (uint64_t)K_CODE << 16 | kind << 40 |
                        (uint64_t)(offset >> 16) << 48;
        if (odd)
            gate = fuzz_one_in(&w->r, 2) ? random_descriptor(w)
                                         : gate ^ 1ull << fuzz_below(&w->r, 64);
        else if (!w->long_mode && fuzz_one_in(&w->r, 32))
            gate = (uint64_t)S_TSS << 16 | 0xe5ull << 40; /* a task gate */
        if (w->long_mode) {
            poke64(w, IDT + 16 * n,
                   gate | (uint64_t)(fuzz_one_in(&w->r, 4) ? fuzz_below(&w->r, 8) : 0) << 32);
            poke64(w, IDT + 16 * n + 8, odd ? fuzz_number(&w->r) : 0);
        } else {
            poke64(w, IDT + 8 * n, gate);
        }
    }
    for (unsigned n = 0; n < 256 && w->mode <= V86; n++) { /* the IVT */
        uint8_t vector[4];
        store32(vector, (CODE / 16 << 16) | into_code(w));
        poke(w, 4 * n, vector, 4);
    }
}

static void make_tss(struct world *w)
{
    uint8_t bytes[0x1000];

    for (unsigned n = 0; n < sizeof bytes; n += 2)
        store16(bytes + n, fuzz_one_in(&w->r, 2) ? fuzz_next(&w->r) & 0x7b : 0);
    for (unsigned n = 0; n < 3; n++) {
        if (w->long_mode) {
            store64(bytes + 4 + 8 * n, STACK - 0x800 * n);
        } else {
            store32(bytes + 4 + 8 * n, STACK - 0x800 * n);
            store32(bytes + 8 + 8 * n, K_DATA);
        }
    }
    for (unsigned n = 0; n < 7 && w->long_mode; n++)
        store64(bytes + 36 + 8 * n, fuzz_one_in(&w->r, 8) ? fuzz_number(&w->r)
                                                          : STACK + 0x100 * n);
    store16(bytes + 102, fuzz_one_in(&w->r, 4) ? (uint16_t)fuzz_next(&w->r) : 104);
    poke(w, TSS, bytes, sizeof bytes);
}

/* ---- page tables ---- */

static uint64_t entry(struct world *w, uint64_t to, bool large)
{
    uint64_t e = to | 7 | (large ? 0x80 : 0), bit;

    if (!(w->settings & SET_WILD) || !fuzz_one_in(&w->r, 12))
        return e | (fuzz_one_in(&w->r, 4) ? 0x100 : 0);
    if (fuzz_one_in(&w->r, 6))
        return fuzz_next(&w->r);
    bit = fuzz_one_in(&w->r, 3) ? 52 + fuzz_below(&w->r, 12) : fuzz_below(&w->r, 12);
    return e ^ 1ull << bit;
}

/* All levels map RAM to itself, over and over; the code's and the tables' pages stay. */
static void make_page_tables(struct world *w)
{
    uint64_t pt = TABLES + 0x4000, pd = TABLES + 0x3000, pdpt = TABLES + 0x2000;

    for (unsigned n = 0; n < 512; n++) {
        uint64_t to = (uint64_t)(n % (RAM / PAGE)) * PAGE;
        bool kept = to < STACK + PAGE && n < RAM / PAGE;
        if (w->mode == PAGED32) {
            uint8_t four[8];
            store32(four, (uint32_t)(kept ? to | 7 : entry(w, to, false)));
            store32(four + 4, (uint32_t)(kept ? to | 7 : entry(w, to, false)));
            poke(w, pt + 4 * n, four, 4);
            poke(w, pt + 0x800 + 4 * n, four + 4, 4);
            store32(four, (uint32_t)(n ? entry(w, n & 7 ? pt : 0, !(n & 7)) : pt | 7));
            poke(w, pd + 4 * n, four, 4);
            store32(four, (uint32_t)entry(w, pt, false));
            poke(w, pd + 0x800 + 4 * n, four, 4);
        } else {
            poke64(w, pt + 8 * n, kept ? to | 7 : entry(w, to, false));
            poke64(w, pd + 8 * n, n ? entry(w, n & 7 ? pt : 0, !(n & 7)) : pt | 7);
            poke64(w, pdpt + 8 * n, n == 0 ? pd | (w->long_mode ? 7 : 1)
                                    : w->long_mode ? entry(w, n & 7 ? pd : 0, !(n & 7))
                                                   : pd | 1);
        }
        poke64(w, TABLES + 0x1000 + 8 * n, n ? entry(w, pdpt, false) : pdpt | 7);
        poke64(w, TABLES + 8 * n, n ? entry(w, TABLES + 0x1000, false) : (TABLES + 0x1000) | 7);
    }
}

/* ---- the CPU ---- */

static uint64_t some_value(struct world *w)
{
    switch (fuzz_below(&w->r, 6)) {
    case 0: return fuzz_number(&w->r);
    case 1: return DATA + PAGE - fuzz_below(&w->r, 80); /* at a page's end */
    case 2: return fuzz_below(&w->r, 64);
    case 3: return CODE + fuzz_below(&w->r, (uint32_t)w->code_size + 64);
    default: return DATA + (fuzz_below(&w->r, 0x8000) & ~15u);
    }
}

static struct segment flat(struct world *w, uint16_t selector, bool code)
{
    struct segment s = {.selector = (uint16_t)(selector | (w->user ? 3 : 0)),
                        .limit = 0xffffffff,
                        .usable = true,
                        .attr = (uint16_t)(SEG_G | SEG_P | SEG_S | (code ? 0xb : 3) |
                                           (w->user ? SEG_DPL : 0))};
    if (w->mode >= LONG64 && code)
        s.attr |= SEG_L;
    else if (w->mode != PROT16)
        s.attr |= SEG_DB;
    return s;
}

static struct segment paragraphs(uint16_t selector, bool v86)
{
    return (struct segment){.selector = selector, .base = (uint64_t)selector << 4,
                            .limit = 0xffff, .usable = true,
                            .attr = (uint16_t)(SEG_P | SEG_S | 3 | (v86 ? SEG_DPL : 0))};
}

static void set_segments(struct world *w, struct cpu *c)
{
    for (unsigned s = 0; s < SREGS; s++)
        if (w->mode <= V86)
            c->seg[s] = paragraphs(s == CS ? CODE / 16 : s == SS ? STACK / 16 - 0x800
                                                                 : (uint16_t)(DATA / 16),
                                   w->mode == V86);
        else
            c->seg[s] = flat(w, s == CS ? (w->user ? U_CODE : K_CODE)
                                        : (w->user ? U_DATA : K_DATA), s == CS);
    if (w->mode == PROT16)
        c->seg[CS].base = CODE;
    if (w->mode == REAL)
        c->seg[CS].attr |= SEG_CODE; /* a real CPU's after a far jump: writable data */
    if (w->mode > V86 && (w->settings & SET_WILD) && fuzz_one_in(&w->r, 2)) {
        struct segment *s = &c->seg[fuzz_one_in(&w->r, 2) ? FS : ES];
        s->base = fuzz_number(&w->r);
        if (!w->long_mode)
            s->base = (uint32_t)s->base;
        if (!w->long_mode && fuzz_one_in(&w->r, 2))
            s->limit = (uint32_t)fuzz_number(&w->r);
        if (fuzz_one_in(&w->r, 3))
            s->attr |= SEG_EXPAND_DOWN;
    }
}

static void set_control(struct world *w, struct cpu *c)
{
    uint64_t enabled;

    c->cr0 = CR0_ET | CR0_NE | (w->mode == REAL ? 0 : CR0_PE) | (w->paging ? CR0_PG : 0) |
             (fuzz_next(&w->r) & (CR0_WP | CR0_AM));
    if (fuzz_one_in(&w->r, 8))
        c->cr0 |= fuzz_next(&w->r) & (CR0_TS | CR0_EM | CR0_MP);
    c->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE | CR4_PGE | CR4_PSE | CR4_DE;
    if (w->settings & SET_RANDOM_CR4)
        c->cr4 = fuzz_next(&w->r);
    c->cr4 &= ~(CR4_PAE | CR4_PCIDE | CR4_LA57);
    c->cr4 |= w->long_mode || w->mode == PAE32 ? CR4_PAE : 0;
    c->cr4 |= w->mode == LONG57 ? CR4_LA57 : 0;
    c->cr4 &= cr4_supported(c);
    if (!(w->settings & SET_WILD))
        c->cr4 &= ~(CR4_SMEP | CR4_SMAP);
    c->efer = w->long_mode ? EFER_LME | EFER_LMA | EFER_SCE | (fuzz_next(&w->r) & EFER_NXE) : 0;
    c->cr3 = w->mode == LONG57 ? TABLES : w->long_mode ? TABLES + 0x1000
             : w->mode == PAE32                        ? TABLES + 0x2000
                                                       : TABLES + 0x3000;
    for (unsigned n = 0; n < 4 && w->mode == PAE32; n++)
        c->pdpte[n] = (TABLES + 0x3000) | 1;
    enabled = fuzz_next(&w->r) | XSTATE_X87 | XSTATE_SSE;
    if (enabled & XSTATE_OPMASK) /* AVX-512's three come together, and with AVX */
        enabled |= XSTATE_AVX | XSTATE_AVX512;
    else
        enabled &= ~XSTATE_AVX512;
    c->xcr0 = (enabled & xcr0_supported(c)) | XSTATE_X87;
    c->pkru = fuzz_one_in(&w->r, 2) ? 0 : (uint32_t)fuzz_next(&w->r) & 0xaaaaaaaa;
    c->star = (uint64_t)(U_CODE - 16) << 48 | (uint64_t)K_CODE << 32 | into_code(w);
    c->lstar = into_code(w);
    c->cstar = into_code(w);
    c->fmask = fuzz_next(&w->r) & 0x47700;
    c->sysenter_cs = K_CODE;
    c->sysenter_eip = into_code(w);
    c->sysenter_esp = STACK;
    c->kernel_gs_base = DATA;
}

static void set_cpu(struct world *w)
{
    struct cpu *c = machine_cpu(w->m, 0);
    static const uint32_t flags = FLAG_IOPL | FLAG_NT | FLAG_AC | FLAG_ID | FLAGS_ARITH;

    set_control(w, c);
    set_segments(w, c);
    c->cpl = w->mode == V86 || w->user ? 3 : 0;
    for (unsigned n = 0; n < 16; n++)
        c->gpr[n] = some_value(w);
    c->gpr[RSP] = w->mode <= V86 ? 0x7f00 : STACK - 8 * fuzz_below(&w->r, 64);
    c->gpr[RCX] = fuzz_one_in(&w->r, 3) ? c->gpr[RCX] : fuzz_below(&w->r, 100);
    for (unsigned n = 0; n < 16; n++)
        for (unsigned k = 0; k < 2; k++)
            c->v[n].q[k] = fuzz_one_in(&w->r, 2) ? fuzz_next(&w->r) : fuzz_number(&w->r) << 52;
    for (unsigned n = 0; n < 8; n++)
        c->st[n] = (struct f80){fuzz_next(&w->r) | (fuzz_one_in(&w->r, 4) ? 0 : 1ull << 63),
                                (uint16_t)fuzz_next(&w->r)};
    c->ftw = (uint8_t)fuzz_next(&w->r);
    c->fcw = fuzz_one_in(&w->r, 2) ? 0x37f : (uint16_t)((fuzz_next(&w->r) & 0x1f3f) | 0x40);
    c->mxcsr = fuzz_one_in(&w->r, 2) ? 0x1fa0 : (uint32_t)fuzz_next(&w->r) & mxcsr_mask(c);
    c->gdtr_base = GDT;
    c->gdtr_limit = GDT_ENTRIES * 8 - 1;
    c->idtr_base = w->mode == REAL ? 0 : IDT;
    c->idtr_limit = w->mode == REAL ? 0x3ff : w->long_mode ? 0xfff : 0x7ff;
    c->tr = (struct segment){.selector = S_TSS, .base = TSS, .limit = 0x2067, .attr = SEG_P | 0xb,
                             .usable = true};
    c->ldtr = (struct segment){.selector = S_LDT, .base = GDT, .limit = 0x7f, .attr = SEG_P | 2,
                               .usable = true};
    c->rip = w->origin;
    c->eflags = (w->settings & SET_WILD ? (uint32_t)fuzz_next(&w->r) & flags & ~(uint32_t)FLAGS_ARITH
                                        : 0) |
                (w->settings & SET_IF ? FLAG_IF : 0) | (w->settings & SET_TF ? FLAG_TF : 0) |
                (w->mode == V86 ? FLAG_VM : 0) | 2;
    lazy_put(&c->lazy, (uint32_t)fuzz_next(&w->r));
    if (w->settings & SET_BREAKPOINTS) {
        for (unsigned n = 0; n < 4; n++)
            c->dr[n] = fuzz_one_in(&w->r, 2) ? into_code(w) : some_value(w);
        c->dr[7] = 0x400 | (fuzz_next(&w->r) & 0xffff00ff);
    }
    debug_watch(c);
    cpu_forget_derived(c);
    cpu_derive(c);
    for (unsigned s = 0; s < SREGS; s++)
        seg_derive(c, (enum sreg)s);
    mmu_drop(&c->mmu);
    c->page = NO_PAGE;
}

/* ---- a world ---- */

static void put_code(struct world *w, const struct fuzz_input *in)
{
    uint8_t back[5] = {0xe9};
    int32_t distance;

    w->code_size = in->left < CODE_ROOM - 16 ? in->left : CODE_ROOM - 16;
    if (w->code_size)
        poke(w, CODE, in->at, (size_t)w->code_size);
    distance = -(int32_t)w->code_size - (w->mode <= PROT16 ? 3 : 5);
    store32(back + 1, (uint32_t)distance);
    poke(w, CODE + w->code_size, back, w->mode <= PROT16 ? 3 : 5);
    w->code_size++;
}

/* The same for both machines of an input. */
static void prepare(struct world *w, const struct fuzz_input *in, uint64_t seed)
{
    w->r = fuzz_seed(seed);
    w->long_mode = w->mode >= COMPAT;
    w->paging = w->mode >= PAGED32;
    w->origin = w->mode <= PROT16 ? 0 : CODE;
    w->user = w->mode > REAL && (w->settings & SET_USER);
    if (w->mode == V86)
        w->user = true;
    put_code(w, in);
    make_gdt(w);
    make_idt(w);
    make_tss(w);
    if (w->paging)
        make_page_tables(w);
    set_cpu(w);
    if (w->settings & SET_LAPIC) {
        uint64_t v = 0;
        struct intc *i = machine_cpu(w->m, 0)->intc;
        struct io io = {.address = 0xfee000f0, .size = 4, .write = true, .value = 0x1ff};
        space_access(&w->m->mmio, &io);
        io = (struct io){.address = 0xfee00320, .size = 4, .write = true, .value = 0x20051};
        space_access(&w->m->mmio, &io);
        io = (struct io){.address = 0xfee00380, .size = 4, .write = true, .value = 97};
        space_access(&w->m->mmio, &io);
        i->msr_get(i->owner, 0x802, &v);
    }
}

static struct machine *make(const char *model, unsigned way)
{
    struct error e = {""};
    struct machine_config config = {
        .ram = RAM, .cpus = 1, .cpu = model, .ips = 1000000, .tsc_hz = 1000000,
        .seed = 1, .rtc_base = 1000000000, .no_reboot = true,
        .one_instruction_blocks = way == 1 || way == 4,
        .small_tlb = way == 2 || way == 4 ? 16 : 0,
        .drop_caches = way == 3 || way == 4 ? 0x123456789 : 0,
    };
    struct machine *m = machine_new(&config, &e);

    if (!m)
        fuzz_bug("no machine: %s", e.text);
    return m;
}

static void check_snapshot(struct machine *from, struct machine *to)
{
    struct writer one = {0}, two = {0};
    struct reader r = {0};
    struct error e = {""};

    cpu_save(machine_cpu(from, 0), &one);
    r.bytes = one.bytes;
    r.size = one.size;
    if (!cpu_restore(machine_cpu(to, 0), &r, &e))
        fuzz_bug("a guest made a CPU that cannot be restored: %s", e.text);
    cpu_save(machine_cpu(to, 0), &two);
    if (!fuzz_same_bytes(&one, &two))
        fuzz_bug("a restored CPU is another one");
}

struct setup {
    const char *model;
    enum mode mode;
    unsigned way, settings;
    uint64_t seed, ticks;
    struct fuzz_input code;
};

/* Runs it in both ways, stopped when `ticks` are over. True: they are the same. */
static bool run_both(const struct setup *s, uint64_t ticks, struct world *a, struct world *b)
{
    struct world *const both[] = {a, b};
    enum machine_end end[2];

    for (unsigned n = 0; n < 2; n++) {
        struct world *w = both[n];
        *w = (struct world){.m = make(s->model, n ? s->way : 0),
                            .mode = s->mode,
                            .settings = s->settings};
        prepare(w, &s->code, s->seed);
        end[n] = machine_run(w->m, ticks < s->ticks / 2 ? ticks : s->ticks / 2);
        if (end[n] != END_TICKS || ticks < s->ticks / 2)
            continue;
        if (s->settings & SET_NMI)
            cpu_pin(machine_cpu(w->m, 0), CPU_NMI, true);
        end[n] = machine_run(w->m, ticks - s->ticks / 2);
    }
    return end[0] == end[1] && fuzz_same(a->m, b->m);
}

static void drop(struct world *a, struct world *b)
{
    machine_free(a->m);
    machine_free(b->m);
}

/* Finds the tick where they part, and tells what happened there. */
static void tell_where(const struct setup *s)
{
    uint64_t good = 0, bad = s->ticks;
    struct world a, b;
    uint8_t bytes[15];
    char text[160];

    while (bad - good > 1) {
        uint64_t middle = good + (bad - good) / 2;
        if (run_both(s, middle, &a, &b))
            good = middle;
        else
            bad = middle;
        drop(&a, &b);
    }
    run_both(s, good, &a, &b);
    disassemble(machine_cpu(a.m, 0)->mode, bytes,
                debug_code_bytes(machine_cpu(a.m, 0), machine_cpu(a.m, 0)->rip, bytes, 15),
                machine_cpu(a.m, 0)->rip, text, sizeof text);
    fprintf(stderr, "after %llu ticks, at %llx, %s:\n", (unsigned long long)good,
            (unsigned long long)machine_cpu(a.m, 0)->rip, text);
    drop(&a, &b);
    run_both(s, bad, &a, &b);
    fprintf(stderr, "mode %d, settings %x, CPU %s; usual, and: %s%s%s\n", (int)a.mode, a.settings,
            s->model, b.m->config.one_instruction_blocks ? "one-instruction blocks " : "",
            b.m->config.small_tlb ? "small TLB " : "",
            b.m->config.drop_caches ? "dropped caches" : "");
    fuzz_tell(a.m, b.m);
    drop(&a, &b);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_input in = {bytes, size};
    struct setup s;
    struct world a, b;

    s.mode = (enum mode)(fuzz_take(&in, 1) % MODES);
    s.way = 1 + (unsigned)fuzz_take(&in, 1) % 4;
    s.model = models[fuzz_take(&in, 1) % ARRAY_SIZE(models)];
    s.settings = (unsigned)fuzz_take(&in, 1);
    s.seed = fuzz_take(&in, 8);
    s.ticks = 300 + fuzz_take(&in, 2) % 16384;
    s.code = in;
    if (s.mode >= COMPAT)
        s.model = "max";
    else if (s.mode == PAE32 && !strcmp(s.model, "486"))
        s.model = "core2";
    if (!run_both(&s, s.ticks, &a, &b)) {
        tell_where(&s);
        fuzz_bug("two ways of running part");
    }
    if (s.seed % 8 == 0)
        check_snapshot(a.m, b.m);
    drop(&a, &b);
    return 0;
}

/* ---- inputs ---- */

/* Something like an instruction: prefixes, an opcode of some map, operand bytes. */
static void make_instruction(struct fuzz_random *r, uint8_t **to)
{
    static const uint8_t prefix[] = {0x66, 0xf3, 0xf2, 0x67, 0xf0, 0x64, 0x65, 0x2e, 0x48, 0x4c,
                                     0x41, 0x45};
    unsigned operands = fuzz_below(r, 6);

    while (fuzz_one_in(r, 3))
        fuzz_put(to, prefix[fuzz_below(r, ARRAY_SIZE(prefix))], 1);
    if (fuzz_one_in(r, 2))
        fuzz_put(to, 0x0f, 1);
    fuzz_put(to, fuzz_next(r), 1);
    if (fuzz_one_in(r, 2)) /* a memory operand with a plain base */
        fuzz_put(to, fuzz_next(r) & 0x3b, 1);
    else
        fuzz_put(to, fuzz_next(r), 1);
    for (unsigned n = 0; n < operands; n++)
        fuzz_put(to, fuzz_one_in(r, 3) ? fuzz_next(r) : 0, 1);
}

size_t fuzz_make(struct fuzz_random *r, uint8_t *bytes, size_t room)
{
    uint8_t *at = bytes;
    unsigned count = 1 + fuzz_below(r, fuzz_one_in(r, 4) ? 60 : 12);
    (void)room;

    fuzz_put(&at, fuzz_next(r), 3);
    fuzz_put(&at, fuzz_next(r) & fuzz_next(r), 1);
    fuzz_put(&at, fuzz_next(r), 8);
    fuzz_put(&at, fuzz_next(r), 2);
    for (unsigned n = 0; n < count; n++)
        make_instruction(r, &at);
    return (size_t)(at - bytes);
}
