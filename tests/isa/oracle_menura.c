/* oracle_menura.c - a Menura CPU in user mode over a little memory, with the areas of
 * the oracle at their linear addresses. Faults go through an IDT, and what a handler
 * would see on its stack is the answer.
 */
#include "tests/isa/oracle.h"

#include "base/byteorder.h"
#include "cpu/block.h"
#include "cpu/fault.h"
#include "cpu/segment.h"
#include "mmu/phys.h"

#include <stdlib.h>
#include <string.h>

/* Physical memory. */
enum {
    PML4 = 0x1000,
    PDPT_LOW = 0x2000,
    PD_LOW = 0x3000,
    PT_CODE = 0x4000,
    PT_DATA = 0x5000,
    PDPT_HIGH = 0x6000,
    PD_HIGH = 0x7000,
    PT_HIGH = 0x8000,
    SYSTEM = 0x10000,
    GDT = SYSTEM,
    IDT = SYSTEM + 0x200,
    TSS = SYSTEM + 0x800,
    STACK_TOP = SYSTEM + 0x2000,
    CODE = 0x20000,
    DATA = 0x30000,
    RAM = 0x40000,
};
#define SYSTEM_LA 0xffff800000000000ull /* linear address of SYSTEM */
enum { PTE_P = 1, PTE_W = 2, PTE_U = 4, PTE_A = 0x20, PTE_D = 0x40 };
#define PTE_XD (1ull << 63)
enum { K_CODE = 8, TSS_RSP0 = 4 };

static struct {
    struct cpu *cpu;
    struct cpu *cpus[1];
    struct cpu_model model;
    struct isa_table isa;
    struct phys phys;
    struct space mmio, ports;
    struct clock clock;
    struct code_cache *cache;
    uint8_t *ram;
    uint64_t code_map[RAM / PAGE];
    const struct oracle_mode *mode;
    bool told;
    struct cpu_event event;
} w;

static void code_written(void *owner, uint32_t page, unsigned offset, unsigned size)
{
    (void)owner;
    code_cache_written(w.cache, page, offset, size);
}

static void map_changed(void *owner)
{
    (void)owner;
}

static void told(struct cpu *c, const struct cpu_event *e)
{
    if (!w.told)
        w.event = *e;
    w.told = true;
    c->leave_slice = true;
    c->leave = true;
}

static void make_tables(void)
{
    enum { TABLE = PTE_P | PTE_W | PTE_U | PTE_A };
    uint8_t *ram = w.ram;

    store64(ram + PML4, PDPT_LOW | TABLE);
    store64(ram + PDPT_LOW, PD_LOW | TABLE);
    store64(ram + PD_LOW + (CODE_LA >> 21) * 8, PT_CODE | TABLE);
    store64(ram + PD_LOW + (DATA_LA >> 21) * 8, PT_DATA | TABLE);
    for (unsigned n = 0; n < CODE_PAGES; n++)
        store64(ram + PT_CODE + 8 * n, (CODE + n * PAGE) | TABLE | PTE_D);
    for (unsigned n = 0; n < DATA_PAGES; n++) {
        uint64_t rights = data_page[n] == PAGE_NONE       ? 0
                          : data_page[n] == PAGE_WRITABLE ? TABLE | PTE_D
                                                          : PTE_P | PTE_U | PTE_A;
        store64(ram + PT_DATA + 8 * n, PTE_XD | (DATA + n * PAGE) | rights);
    }
    store64(ram + PML4 + 256 * 8, PDPT_HIGH | TABLE);
    store64(ram + PDPT_HIGH, PD_HIGH | TABLE);
    store64(ram + PD_HIGH, PT_HIGH | TABLE);
    for (unsigned n = 0; n < 2; n++)
        store64(ram + PT_HIGH + 8 * n,
                (SYSTEM + n * PAGE) | PTE_P | PTE_W | PTE_A | PTE_D);
}

static void make_system(void)
{
    uint8_t *ram = w.ram;

    store64(ram + GDT + K_CODE, 0x00af9b000000ffffull);
    for (unsigned n = 0; n < 32; n++) { /* 64-bit interrupt gates, DPL 0 */
        store64(ram + IDT + 16 * n, (uint64_t)K_CODE << 16 | 0x8eull << 40 | 0xabc);
        store64(ram + IDT + 16 * n + 8, SYSTEM_LA >> 32);
    }
    store64(ram + TSS + TSS_RSP0, SYSTEM_LA + (STACK_TOP - SYSTEM));
}

bool menura_init(const struct cpu_model *model)
{
    struct cpu *c = calloc(1, sizeof *c);

    w.cpu = w.cpus[0] = c;
    w.cache = calloc(1, sizeof *w.cache);
    w.ram = calloc(1, RAM);
    w.model = *model;
    if (!c || !w.cache || !w.ram || !isa_table_init(&w.isa, &w.model) ||
        !space_init(&w.mmio, true) || !space_init(&w.ports, false))
        return false;
    clock_init(&w.clock, 1000000);
    phys_init(&w.phys, &w.mmio, w.model.phys_bits);
    w.phys.code = w.code_map;
    w.phys.code_written = code_written;
    w.phys.changed = map_changed;
    if (phys_map(&w.phys, 0, RAM, phys_back(&w.phys, "ram", w.ram, RAM), 0,
                 WINDOW_READ | WINDOW_WRITE, 0) < 0 ||
        !code_cache_init(w.cache, &w.phys, w.cpus, 1))
        return false;
    c->clock = &w.clock;
    c->ports = &w.ports;
    c->cache = w.cache;
    c->isa = &w.isa;
    c->model = &w.model;
    c->tsc_hz = 1000000;
    c->cpus = c->threads_per_core = 1;
    c->mmu.phys = &w.phys;
    c->told = told;
    cpu_init(c, 0);
    cpu_reset(c);
    make_tables();
    make_system();
    memset(w.ram + CODE, FILLER, CODE_SIZE);
    c->cr0 = 0x80050033; /* PG AM WP NE ET MP PE, as Linux has it */
    c->cr3 = PML4;
    c->cr4 = 0x406a0; /* OSXSAVE OSXMMEXCPT OSFXSR PGE PAE */
    c->xcr0 = native_words() == 8 ? 0xe7 : 7;
    c->efer = 0xd01;
    c->gdtr_base = SYSTEM_LA;
    c->gdtr_limit = 0x1f;
    c->idtr_base = SYSTEM_LA + (IDT - SYSTEM);
    c->idtr_limit = 32 * 16 - 1;
    c->tr = (struct segment){.attr = 0x8b, .limit = 0x67, .usable = true};
    c->tr.base = SYSTEM_LA + (TSS - SYSTEM);
    return true;
}

const struct isa_table *menura_isa(void)
{
    return &w.isa;
}

uint8_t *menura_data(void)
{
    return w.ram + DATA;
}

const uint8_t *menura_code_area(void)
{
    return w.ram + CODE;
}

void menura_code(unsigned offset, const uint8_t *bytes, unsigned n)
{
    phys_poke(&w.phys, pa(CODE + offset), bytes, n);
}

void menura_forget(void)
{
    mmu_drop(&w.cpu->mmu);
}

uint32_t menura_decode_mode(const struct oracle_mode *m)
{
    switch (m->bits) {
    case 64: return MODE_CODE64 | MODE_LONG | MODE_PROTECTED | MODE_STACK32 | MODE_USER;
    case 32: return MODE_CODE32 | MODE_LONG | MODE_PROTECTED | MODE_STACK32 | MODE_USER;
    default: return MODE_LONG | MODE_PROTECTED | MODE_USER;
    }
}

/* ---- a question ---- */

static struct segment user_segment(uint16_t selector, unsigned type, uint64_t base,
                                   bool flat)
{
    return (struct segment){
        .selector = selector,
        .attr = (uint16_t)(SEG_P | SEG_DPL | SEG_S | SEG_ACCESSED | type |
                           (flat ? SEG_DB | SEG_G : 0)),
        .limit = flat ? 0xffffffff : 0xffff,
        .base = base,
        .usable = true,
    };
}

void menura_enter(const struct oracle_mode *m)
{
    w.mode = m;
}

static void load_segments(struct cpu *c)
{
    const struct oracle_mode *m = w.mode;
    bool flat = m->bits != 16;
    struct segment data = user_segment(m->ds, SEG_WRITABLE, m->data_base, flat);

    c->seg[CS] = user_segment(m->cs, SEG_CODE | SEG_READABLE, m->code_base, flat);
    if (m->bits == 64)
        c->seg[CS].attr = (uint16_t)((c->seg[CS].attr & ~SEG_DB) | SEG_L);
    c->seg[SS] = c->seg[DS] = c->seg[ES] = data;
    c->seg[SS].selector = m->ss;
    c->seg[GS] = data;
    c->seg[FS] = data;
    if (m->bits == 64) {
        c->seg[FS].base = native_fs_base;
        c->seg[GS].base = native_gs_base;
    }
    c->cpl = 3;
    for (unsigned s = 0; s < SREGS; s++)
        seg_derive(c, (enum sreg)s);
}

static void load(struct cpu *c, const struct regs *r, bool trap)
{
    memcpy(c->gpr, r->gpr, sizeof c->gpr);
    c->rip = r->rip;
    c->fcw = r->fcw;
    c->fsw = r->fsw;
    c->ftw = r->ftw;
    memcpy(c->st, r->st, sizeof c->st);
    c->mxcsr = r->mxcsr;
    for (unsigned n = 0; n < 32; n++)
        memcpy(c->v[n].q, r->zmm[n], sizeof r->zmm[n]);
    memcpy(c->k, r->k, sizeof c->k);
    c->fip = c->fdp = c->fop = c->fcs = c->fds = 0;
    c->eflags = 2;
    load_segments(c);
    cpu_set_flags(c, r->flags | (trap ? FLAG_TF : 0));
    c->raised = false;
    c->pending_debug = 0;
    c->shadow_end = 0;
    c->activity = ACTIVITY_RUN;
    c->rep_cut = false;
    c->event.kind = EVENT_NONE;
    c->page = NO_PAGE;
    c->cr2 = 0;
    c->dr[6] = 0xffff0ff0;
    cpu_derive(c);
}

static void fetch(const struct cpu *c, struct answer *a)
{
    const uint8_t *top = w.ram + STACK_TOP;
    struct regs *r = &a->out;

    memcpy(r->gpr, c->gpr, sizeof r->gpr);
    r->rip = c->rip;
    r->flags = cpu_flags(c);
    r->fcw = c->fcw;
    r->fsw = c->fsw;
    r->ftw = c->ftw;
    memcpy(r->st, c->st, sizeof r->st);
    r->mxcsr = c->mxcsr;
    for (unsigned n = 0; n < 32; n++)
        memcpy(r->zmm[n], c->v[n].q, sizeof r->zmm[n]);
    memcpy(r->k, c->k, sizeof r->k);
    a->vector = -1;
    a->error = 0;
    a->cr2 = 0;
    if (!w.told)
        return;
    /* SS, RSP, RFLAGS, CS, RIP, error code, downwards. */
    r->gpr[RSP] = load64(top - 16);
    r->flags = load64(top - 24);
    r->rip = load64(top - 40);
    a->vector = w.event.vector;
    a->error = w.event.has_error ? (uint32_t)load64(top - 48) : 0;
    a->cr2 = a->vector == VEC_PF ? c->cr2 : 0;
}

/* Makes the next lookup specialise the block at RIP. An instruction that crosses pages
 * has no entry: its block is never specialised. */
static void heat(struct cpu *c)
{
    uint64_t offset = w.mode->code_base + c->rip - CODE_LA;
    uint32_t page = w.phys.backings[0].first + (uint32_t)(CODE + offset) / PAGE;
    unsigned at = (unsigned)offset % PAGE;
    const struct jump_entry *e = &w.cache->jumps[jump_slot(page, at)];

    if (offset < CODE_SIZE && e->key == block_key(c->mode, page, at)) {
        uintptr_t head = (uintptr_t)e->head;
        struct block *b = (struct block *)(head - offsetof(struct block, code));
        b->runs = HOT_RUNS;
    }
}

void menura_run(const struct question *q, enum pass pass, struct answer *a)
{
    enum { BUDGET = 2000 };
    struct cpu *c = w.cpu;

    c->force_step = pass == PASS_STEP && !q->step;
    load(c, &q->in, q->step && pass == PASS_STEP);
    if (pass == PASS_HOT)
        heat(c);
    w.told = false;
    cpu_run(c, BUDGET);
    fetch(c, a);
}
