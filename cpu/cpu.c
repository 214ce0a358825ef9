/* cpu.c - the run loop, what is derived from the registers, and the CPU's pins. */
#include "cpu/cpu.h"

#include "cpu/block.h"
#include "cpu/fault.h"
#include "cpu/model.h"
#include "cpu/operand.h"
#include "cpu/points.h"
#include "cpu/segment.h"
#include "cpu/smm.h"
#include "cpu/system.h"

#include <string.h>

/* ---- derived state ---- */

enum { DR7_ENABLES = 0xff };

static bool flat_data(const struct segment *s)
{
    return s->usable && s->base == 0 && s->limit == 0xffffffff &&
           (s->attr & (SEG_CODE | SEG_EXPAND_DOWN | SEG_WRITABLE | SEG_P)) ==
               (SEG_WRITABLE | SEG_P);
}

/* Is an instruction breakpoint armed? DR7: L and G bits 7:0, R/W fields from 16 on. */
static bool executes_watched(const struct cpu *c)
{
    uint64_t dr7 = c->dr[7];
    for (unsigned n = 0; n < 4; n++)
        if ((dr7 >> (2 * n) & 3) && (dr7 >> (16 + 4 * n) & 3) == 0)
            return true;
    return false;
}

/* The part of the mode that control registers and watchers decide. */
static uint32_t control_mode_of(const struct cpu *c)
{
    uint32_t mode = 0;

    if (c->efer & EFER_LMA)
        mode |= MODE_LONG;
    if (c->cr0 & (CR0_EM | CR0_TS))
        mode |= MODE_NO_FPU | MODE_NO_SSE;
    if (c->cr0 & CR0_EM)
        mode |= MODE_NO_MMX;
    if (!(c->cr4 & CR4_OSFXSR))
        mode |= MODE_NO_SSE;
    /* VEX: CR0.EM and CR4.OSFXSR do not matter (SDM vol 2 Table 2-19). */
    if ((c->cr0 & CR0_TS) || !(c->cr4 & CR4_OSXSAVE) ||
        (c->xcr0 & XSTATE_AVX_SSE) != XSTATE_AVX_SSE)
        mode |= MODE_NO_AVX;
    if ((mode & MODE_NO_AVX) || (c->xcr0 & XSTATE_AVX512) != XSTATE_AVX512)
        mode |= MODE_NO_EVEX;
    if (c->trace)
        mode |= MODE_TRACE | MODE_STEP;
    if (c->points && (c->points->count || c->step_wanted))
        mode |= MODE_DEBUG;
    if (c->step_wanted || c->force_step ||
        ((c->dr[7] & DR7_ENABLES) && executes_watched(c)))
        mode |= MODE_STEP;
    return mode;
}

static uint32_t mode_of(const struct cpu *c)
{
    const struct segment *cs = &c->seg[CS];
    uint32_t mode = c->control_mode;

    if (c->cr0 & CR0_PE)
        mode |= c->eflags & FLAG_VM ? MODE_VM86 : MODE_PROTECTED;
    if (!(mode & MODE_PROTECTED))
        mode |= MODE_NO_AVX;
    if ((mode & MODE_LONG) && (cs->attr & SEG_L)) {
        mode |= MODE_CODE64 | MODE_FLAT_DATA | MODE_FLAT_CODE | MODE_STACK32;
    } else {
        if (cs->attr & SEG_DB)
            mode |= MODE_CODE32;
        if (c->seg[SS].attr & SEG_DB)
            mode |= MODE_STACK32;
        if (flat_data(&c->seg[DS]) && flat_data(&c->seg[ES]) && flat_data(&c->seg[SS]))
            mode |= MODE_FLAT_DATA;
        if (cs->base == 0 && cs->limit == 0xffffffff && (cs->attr & SEG_DB))
            mode |= MODE_FLAT_CODE;
    }
    if (c->cpl == 3)
        mode |= MODE_USER;
    if (c->cpl == 0)
        mode |= MODE_RING0;
    if (c->eflags & FLAG_TF)
        mode |= MODE_STEP;
    return mode;
}

static void derive_paging(struct cpu *c)
{
    struct paging *p = &c->mmu.paging;

    if (!(c->cr0 & CR0_PG))
        p->mode = PAGING_OFF;
    else if (c->efer & EFER_LMA)
        p->mode = c->cr4 & CR4_LA57 ? PAGING_5LEVEL : PAGING_4LEVEL;
    else
        p->mode = c->cr4 & CR4_PAE ? PAGING_PAE : PAGING_32;
    p->cr3 = c->cr3;
    memcpy(p->pdpte, c->pdpte, sizeof p->pdpte);
    p->phys_bits = c->model->phys_bits;
    p->pkru = c->pkru;
    p->pcid = c->cr4 & CR4_PCIDE ? c->cr3 & 0xfff : 0;
    p->wp = c->cr0 & CR0_WP;
    p->pse = c->cr4 & CR4_PSE;
    p->pge = c->cr4 & CR4_PGE;
    p->nxe = c->efer & EFER_NXE;
    p->smep = c->cr4 & CR4_SMEP;
    p->smap = c->cr4 & CR4_SMAP;
    p->pke = c->cr4 & CR4_PKE;
    p->gigabyte = cpu_model_has(c->model, CPUID_PDPE1GB);
}

static enum view view_of(const struct cpu *c)
{
    if (c->cpl == 3)
        return VIEW_USER;
    return (c->cr4 & CR4_SMAP) && !(c->eflags & FLAG_AC) ? VIEW_SMAP : VIEW_SUPERVISOR;
}

/* Follows what interrupts and system calls do not change. False: nothing of it had
 * changed. Without 4-level paging the PDPTEs may have: always true. */
static ALWAYS_INLINE bool derive_control(struct cpu *c)
{
    struct derived_from *d = &c->derived_from;

    if (LIKELY(!((c->cr0 ^ d->cr0) | (c->cr3 ^ d->cr3) | (c->cr4 ^ d->cr4) |
                 (c->efer ^ d->efer) | (c->xcr0 ^ d->xcr0) | (c->pkru ^ d->pkru) |
                 (c->dr[7] ^ d->dr7)) &&
               !c->trace == !d->trace && c->force_step == d->step &&
               !c->mmu.watcher == !d->watcher && c->mmu.watching == d->watching &&
               c->mmu.paging.mode >= PAGING_4LEVEL))
        return false;
    *d = (struct derived_from){.cr0 = c->cr0,
                               .cr3 = c->cr3,
                               .cr4 = c->cr4,
                               .efer = c->efer,
                               .xcr0 = c->xcr0,
                               .dr7 = c->dr[7],
                               .pkru = c->pkru,
                               .trace = c->trace != NULL,
                               .step = c->force_step,
                               .watcher = c->mmu.watcher != NULL,
                               .watching = c->mmu.watching};
    c->control_mode = control_mode_of(c);
    derive_paging(c);
    return true;
}

void cpu_forget_derived(struct cpu *c)
{
    c->derived_from.cr0 = UINT64_MAX; /* no CR0 has these bits */
}

static NOINLINE void derive_rest(struct cpu *c, uint64_t flow, bool control)
{
    uint32_t old = c->mode;
    bool empty;

    c->derived_flow = flow;
    c->mode = mode_of(c);
    /* Not FFFFh in 16-bit code: EIP has all its bits there too, as a 32-bit gate may have
     * loaded it. Going on behind FFFFh meets the limit (#GP) or a segment that is larger. */
    c->rip_mask = c->mode & MODE_CODE64 ? ~0ull : 0xffffffffull;
    c->mmu.paging.ac = c->eflags & FLAG_AC;
    /* Checked alignment, and a trace that wants to hear of every access: no probe may
     * hit. */
    empty = ((c->cr0 & CR0_AM) && (c->eflags & FLAG_AC) && c->cpl == 3) || c->mmu.watcher;
    if (control)
        mmu_select(&c->mmu, view_of(c), c->cpl == 3, empty);
    else
        mmu_select_view(&c->mmu, view_of(c), c->cpl == 3, empty);
    if ((old ^ c->mode) & (MODE_CODE64 | MODE_LONG | MODE_PROTECTED | MODE_VM86))
        for (unsigned s = 0; s < SREGS; s++)
            seg_derive(c, (enum sreg)s);
    /* A new privilege may not fetch from here; a new base means another address. */
    if (((old ^ c->mode) & (MODE_USER | MODE_CODE64)) || c->code_base != c->seg[CS].base) {
        c->page = NO_PAGE;
        c->code_base = c->seg[CS].base;
    }
}

void cpu_derive(struct cpu *c)
{
    uint32_t old = c->mode;
    uint64_t flow = (uint64_t)c->seg[CS].attr << 32 | c->cpl |
                    (c->eflags & (FLAG_TF | FLAG_VM | FLAG_AC));
    bool control = derive_control(c);

    /* In 64-bit mode no other segment says anything, and CS no more than its attributes. */
    if (!control && flow == c->derived_flow && (old & MODE_CODE64) &&
        c->code_base == c->seg[CS].base)
        return;
    derive_rest(c, flow, control);
}

/* ---- flags ---- */

/* RF ends with the instruction that follows the one that set it (SDM vol 3B 17.3.1.1). Only
 * breakpoints ask for it, and they are met in step mode, so nothing is done to end it: who
 * reads EFLAGS compares the count. */
static bool rf_is_over(const struct cpu *c)
{
    return UNLIKELY(c->eflags & FLAG_RF) && cpu_retired(c) > c->rf_end;
}

static void rf_settle(struct cpu *c)
{
    if (rf_is_over(c))
        c->eflags &= ~(uint32_t)FLAG_RF;
}

void cpu_rf_set(struct cpu *c)
{
    c->rf_end = cpu_retired(c) + (c->at ? 1 : 0); /* the one that runs now retires too */
}

uint32_t cpu_eflags(const struct cpu *c)
{
    uint32_t flags = c->eflags & ~(uint32_t)FLAGS_ARITH;
    return (rf_is_over(c) ? flags & ~(uint32_t)FLAG_RF : flags) | 2;
}

uint64_t cpu_flags(const struct cpu *c)
{
    return cpu_eflags(c) | lazy_get(&c->lazy);
}

void cpu_set_flags(struct cpu *c, uint64_t rflags)
{
    enum { KNOWN = 0x3f7fd7 };
    uint32_t next = ((uint32_t)rflags & KNOWN & ~(uint32_t)FLAGS_ARITH) | 2;
    uint32_t changed = next ^ c->eflags;

    lazy_put(&c->lazy, (uint32_t)rflags);
    c->eflags = next;
    if (next & FLAG_RF)
        cpu_rf_set(c);
    if (changed & (FLAG_TF | FLAG_VM | FLAG_AC))
        cpu_derive(c);
    if (changed & (FLAG_TF | FLAG_IF | FLAG_AC | FLAG_VM))
        c->leave = true;
}

/* ---- time ---- */

/* Instructions of this slice that retired before the one running now. */
static uint64_t slice_retired(const struct cpu *c)
{
    return (uint64_t)(c->slice - c->budget) - (c->at ? c->at->left : 0u);
}

void cpu_sync_clock(struct cpu *c)
{
    c->clock->now = c->slice_tick + slice_retired(c);
}

uint64_t cpu_retired(const struct cpu *c)
{
    return c->retired + slice_retired(c);
}

uint64_t cpu_tsc(struct cpu *c)
{
    cpu_sync_clock(c);
    return clock_to_hz(c->clock, c->clock->now, c->tsc_hz) + c->tsc_adjust;
}

/* ---- pins ---- */

void cpu_pin(void *cpu, unsigned pin, bool level)
{
    struct cpu *c = cpu;

    switch (pin) {
    case CPU_INTR: c->intr = level; break;
    case CPU_NMI: c->nmi_pending |= level; break;
    case CPU_SMI: c->smi_pending |= level; break;
    case CPU_INIT:
        c->init_pending |= level;
        if (level)
            c->sipi = NO_SIPI; /* one that came before starts nothing any more */
        break;
    }
    c->leave = true;
}

static bool nmi_deliverable(const struct cpu *c)
{
    return c->nmi_pending && !c->nmi_blocked;
}

/* Held while in SMM (SDM vol 3 34.3). */
static bool init_deliverable(const struct cpu *c)
{
    return c->init_pending && !c->in_smm;
}

void cpu_sipi(struct cpu *c, uint8_t vector)
{
    /* An INIT sent just before has not been taken yet: this CPU's turn has not come. */
    if (c->activity == ACTIVITY_WAIT_SIPI || init_deliverable(c))
        c->sipi = vector;
    c->leave = true;
}

/* MWAIT with interrupts as break events wakes on INTR even with IF clear; nothing else
 * here distinguishes it from HLT. */
bool cpu_ready(const struct cpu *c)
{
    switch (c->activity) {
    case ACTIVITY_RUN: return true;
    case ACTIVITY_HALT:
        return init_deliverable(c) || nmi_deliverable(c) || smm_due(c) ||
               (c->intr && (c->eflags & FLAG_IF));
    case ACTIVITY_MWAIT:
        return init_deliverable(c) || nmi_deliverable(c) || smm_due(c) ||
               c->monitor_pa == UINT64_MAX ||
               (c->intr && ((c->eflags & FLAG_IF) || c->mwait_breaks));
    case ACTIVITY_SHUTDOWN: return init_deliverable(c) || nmi_deliverable(c);
    default: return c->sipi <= 0xff || init_deliverable(c);
    }
}

/* ---- life ---- */

void cpu_init(struct cpu *c, unsigned number)
{
    c->number = number;
    c->passed = UINT64_MAX;
    mmu_init(&c->mmu, c->mmu.phys);
    c->mmu.before_mmio = (void (*)(void *))cpu_sync_clock;
    c->mmu.owner = c;
}

void cpu_free(struct cpu *c)
{
    (void)c;
}

/* The boot processor starts at the reset vector, the others wait for a start-up IPI: one
 * that has come since the INIT counts (SDM vol 3A 8.4.3). */
static void take_init(struct cpu *c)
{
    uint16_t sipi = c->sipi;

    cpu_init_reset(c); /* nothing is pending then */
    if (c->activity == ACTIVITY_WAIT_SIPI)
        c->sipi = sipi;
}

static void take_sipi(struct cpu *c)
{
    unsigned vector = c->sipi;
    c->sipi = NO_SIPI;
    c->activity = ACTIVITY_RUN;
    c->seg[CS].selector = (uint16_t)(vector << 8);
    c->seg[CS].base = vector << 12;
    c->rip = 0;
    c->page = NO_PAGE;
    cpu_derive(c);
}

/* ---- fetching ---- */

/* #GP when [rip, rip + size) is not inside CS (SDM vol 3A 5.3). */
static void check_code_limit(struct cpu *c, uint64_t rip, unsigned size)
{
    if (!cpu_code64(c) && rip + size - 1 > c->seg[CS].limit)
        raise_fault(c, VEC_GP, 0, R_GP_RIP_LIMIT, rip, c->seg[CS].limit, 0);
}

static uint64_t code_linear(const struct cpu *c, uint64_t rip)
{
    return cpu_code64(c) ? rip : (uint32_t)(c->seg[CS].base + rip);
}

static bool canonical(const struct cpu *c, uint64_t la)
{
    unsigned bits = c->mmu.paging.mode == PAGING_5LEVEL ? 57 : 48;
    return sign_extend(la, bits) == la;
}

/* Makes c->page the page that RIP is in. Returns the host address of its first byte, or
 * NULL for code outside RAM and ROM (its physical page in *where). */
static const uint8_t *enter_page(struct cpu *c, paddr *where)
{
    uint64_t la = code_linear(c, c->rip);
    const struct l1_fetch *f;
    struct phys_page p;

    if (cpu_code64(c) && !canonical(c, la))
        raise_fault(c, VEC_GP, 0, R_GP_RIP_NONCANONICAL, la, 0, 0);
    check_code_limit(c, c->rip, 1);
    f = &c->mmu.fetch_view[la / PAGE & (L1_FETCHES - 1)];
    c->seen_flushes = c->mmu.flushes;
    if (LIKELY(f->tag == (la & ~(uint64_t)(PAGE - 1)))) {
        c->page = f->number;
        c->page_rip = c->rip - (la & (PAGE - 1));
        return f->host;
    }
    if (!mmu_fetch(&c->mmu, la, c->cpl == 3, &p, where))
        raise_page_fault(c, la);
    c->page = p.host ? p.number : NO_PAGE;
    c->page_rip = c->rip - (la & (PAGE - 1));
    return p.host;
}

void cpu_settle_page(struct cpu *c)
{
    uint64_t la = code_linear(c, c->rip);
    struct phys_page p;

    if (c->page != NO_PAGE && c->seen_flushes == c->mmu.flushes &&
        c->rip - c->page_rip < PAGE)
        return;
    if (!c->mmu.phys)
        return; /* a CPU by itself, in a test */
    c->page = NO_PAGE;
    c->page_rip = 0;
    /* Just what the next fetch would find, if it need not walk the tables. */
    if ((cpu_code64(c) ? canonical(c, la) : c->rip <= c->seg[CS].limit) &&
        mmu_fetch_known(&c->mmu, la, c->cpl == 3, &p)) {
        c->page = p.number;
        c->page_rip = c->rip - (la & (PAGE - 1));
        c->seen_flushes = c->mmu.flushes;
    }
}

/* Bytes of the instruction at RIP, for code that is not in memory. */
static struct block *fetch_uncached(struct cpu *c, uint32_t mode, paddr where)
{
    uint8_t bytes[16];
    unsigned offset = (unsigned)(c->rip - c->page_rip), n = 0;

    if (c->mmu.before_mmio)
        c->mmu.before_mmio(c->mmu.owner);
    for (; n < 15 && offset + n < PAGE; n++)
        bytes[n] = (uint8_t)phys_load(c->mmu.phys, pa(where.v + offset + n), 1);
    return block_uncached(c, mode, offset, bytes, n);
}

static void note_entry(struct cpu *c, uint64_t key)
{
    c->trail[c->trail_count++ % CPU_TRAIL] =
        (struct cpu_entry){c->rip, key, c->seg[CS].selector};
}

/* The block to run at RIP: one that fits the budget, else a one-instruction one. */
static const struct insn *next_block(struct cpu *c)
{
    uint32_t mode = c->mode;
    uint64_t offset = c->rip - c->page_rip;
    struct insn *patch = c->patch;
    struct block *b;
    paddr where;

    c->patch = NULL;
    c->rep_cut = false;
    if (c->seen_flushes != c->mmu.flushes)
        c->page = NO_PAGE;
    if (c->page == NO_PAGE || offset >= PAGE) {
        const uint8_t *host = enter_page(c, &where);
        offset = c->rip - c->page_rip;
        if (!host) {
            b = fetch_uncached(c, mode | MODE_STEP, where);
            note_entry(c, UINT64_MAX);
            check_code_limit(c, c->rip, b->code[1].len);
            return b->code;
        }
    }
    if (!cpu_code64(c) && (c->page_rip & 0xffffffff) + PAGE - 1 > c->seg[CS].limit)
        mode |= MODE_STEP; /* the limit lies within this page */
    if (c->watch_shadow)
        mode |= MODE_STEP;
    b = block_find(c, mode, (unsigned)offset);
    if (b->count > c->budget) {
        mode |= MODE_STEP;
        b = block_find(c, mode, (unsigned)offset);
    }
    /* The limit may lie right at the page's end: not for what goes on behind it. */
    if ((mode & MODE_STEP) || b->page2 != NO_PAGE)
        check_code_limit(c, c->rip, b->code[1].len);
    else if (patch)
        block_link(c, patch, b);
    note_entry(c, b->key);
    return b->code;
}

/* ---- the run loop ---- */

/* Instruction breakpoints at RIP: DR6 bits, 0 when none (SDM vol 3B 17.2.4). */
static unsigned breakpoints_here(const struct cpu *c)
{
    uint64_t la = code_linear(c, c->rip);
    unsigned hit = 0;

    if (!(c->dr[7] & DR7_ENABLES) || (c->eflags & FLAG_RF))
        return 0;
    for (unsigned n = 0; n < 4; n++)
        if ((c->dr[7] >> (2 * n) & 3) && (c->dr[7] >> (16 + 4 * n) & 3) == 0 &&
            c->dr[n] == la)
            hit |= 1u << n;
    return hit;
}

/* DR6: the four breakpoint bits tell of this event alone, the others are sticky; ones
 * stand where nothing is defined (SDM vol 3B 17.2.3). */
static void note_debug(struct cpu *c, uint64_t bits)
{
    c->dr[6] = (c->dr[6] & ~0xfull) | bits | 0xffff0ff0;
}

NORETURN static void raise_debug_trap(struct cpu *c)
{
    uint64_t bits = c->pending_debug;
    enum reason why = bits & 1 << 15 ? R_DB_TASK : bits & 0xf ? R_DB_DATA : R_DB_STEP;

    c->pending_debug = 0;
    note_debug(c, bits);
    raise_trap(c, VEC_DB, why, bits);
}

/* After attend(). */
enum attention {
    IDLE,  /* nothing to execute now */
    GO,    /* the next instruction */
    AGAIN, /* something was delivered: look again before its handler starts */
};

/* The delivery of an event counts as an instruction, and does not end RF. */
static void charge_event(struct cpu *c)
{
    c->budget--;
    c->rf_end++;
}

/* The saved image has RF set between the elements of a REP instruction, so that it does not
 * meet its own breakpoint again (SDM vol 3B 17.3.1.1). */
static void note_rep(struct cpu *c)
{
    if (c->rep_cut) {
        c->eflags |= FLAG_RF;
        cpu_rf_set(c);
    }
    c->rep_cut = false;
}

/* Takes what is pending between instructions, in the order of SDM vol 3A Table 6-2. */
static enum attention attend(struct cpu *c)
{
    bool shadow = cpu_retired(c) < c->shadow_end;

    if (UNLIKELY(c->smi_pending) && smm_due(c) && !shadow) {
        note_rep(c);
        smm_enter(c);
    }
    if (c->activity != ACTIVITY_RUN) {
        if (!cpu_ready(c))
            return IDLE;
        if (c->activity == ACTIVITY_WAIT_SIPI && !c->init_pending) {
            take_sipi(c);
            return GO;
        }
        if (c->activity != ACTIVITY_SHUTDOWN || nmi_deliverable(c))
            c->activity = c->activity == ACTIVITY_WAIT_SIPI ? c->activity : ACTIVITY_RUN;
        if (c->monitor_pa != UINT64_MAX)
            code_cache_monitor(c, UINT64_MAX);
    }
    if (init_deliverable(c)) {
        take_init(c);
        return AGAIN;
    }
    if (c->pending_debug && !(shadow && c->shadow_ss))
        raise_debug_trap(c);
    if (nmi_deliverable(c) && !(shadow && c->shadow_ss)) {
        note_rep(c);
        c->nmi_pending = false;
        charge_event(c);
        c->patch = NULL;
        event_nmi(c);
        return AGAIN;
    }
    if (c->intr && (c->eflags & FLAG_IF) && !shadow) {
        uint8_t vector;
        note_rep(c);
        cpu_sync_clock(c);
        vector = c->intc->acknowledge(c->intc->owner);
        charge_event(c);
        c->patch = NULL;
        event_interrupt(c, vector);
        return AGAIN;
    }
    return GO;
}

/* One instruction with everything checked around it: TF, breakpoints, shadows, trace. */
static void step(struct cpu *c)
{
    bool trap = c->eflags & FLAG_TF; /* as it was before the instruction */
    unsigned hit = breakpoints_here(c);
    const struct insn *i;
    enum event_kind last;
    int32_t kept;

    if (hit) {
        c->insn_rip = c->rip;
        note_debug(c, hit);
        raise_fault(c, VEC_DB, 0, R_DB_EXECUTE, hit, 0, 0);
    }
    i = next_block(c);
    if (c->trace)
        c->trace(c, &i[1]);
    /* A REP may do as many elements as the budget lets it: with TF, one. */
    kept = trap ? c->budget - 1 : 0;
    c->budget -= kept;
    c->slice -= kept;
    c->kept = kept;
    last = c->event.kind;
    c->event.kind = EVENT_NONE;
    while (i)
        i = i->run(c, i);
    if (c->event.kind == EVENT_NONE)
        c->event.kind = last; /* the last event is state: stepping leaves no trace in it */
    else
        trap = false; /* INT n and the like clear TF on their way */
    c->budget += kept;
    c->slice += kept;
    c->kept = 0;
    if (trap)
        c->pending_debug |= 1 << 14; /* DR6.BS */
}

/* Back from a raise: the instruction, and those charged after it, did not retire. */
static void unwind(struct cpu *c)
{
    if (c->at) {
        c->budget += c->at->left;
        c->pending_debug &= ~0xfull; /* data breakpoints it met before it faulted */
    }
    c->at = NULL;
    c->budget += c->kept;
    c->slice += c->kept;
    c->kept = 0;
    c->patch = NULL;
    c->stop.why = STOP_NONE; /* a watchpoint it met before it faulted */
}

uint32_t cpu_run(struct cpu *c, uint32_t ticks)
{
    jmp_buf escape;
    uint32_t used;

    c->slice = c->budget = (int32_t)ticks;
    c->slice_tick = c->clock->now;
    c->at = NULL;
    c->patch = NULL;
    c->escape = &escape;
    c->cache->running = c;
    c->leave = false;
    c->rf_end = c->retired; /* rf_settle() was called at the slice's end */
    c->stop.why = STOP_NONE;
    if (_setjmp(escape))
        unwind(c);
    while (c->budget > 0 && !c->leave_slice) {
        const struct insn *i;
        enum attention now;
        c->at = NULL;
        c->insn_rip = c->rip;
        if (UNLIKELY(c->mode & MODE_DEBUG) && points_after(c))
            break;
        if (c->raised) {
            charge_event(c); /* so no loop of faults is free */
            event_deliver(c);
            continue;
        }
        c->leave = false;
        rf_settle(c);
        now = attend(c);
        if (now == AGAIN)
            continue;
        if (now == IDLE)
            break;
        if (c->cache->full)
            code_cache_empty(c->cache);
        if (c->budget <= 0)
            break;
        if (UNLIKELY(c->mode & MODE_DEBUG) && points_before(c))
            break;
        c->watch_shadow = cpu_retired(c) < c->shadow_end;
        if (c->watch_shadow || (c->mode & MODE_STEP)) {
            step(c);
            continue;
        }
        i = next_block(c);
        while (i)
            i = i->run(c, i);
    }
    rf_settle(c);
    if (UNLIKELY(c->mode & MODE_DEBUG))
        points_after(c); /* the last instruction of the slice */
    used = (uint32_t)(c->slice - c->budget);
    c->retired += used;
    c->clock->now = c->slice_tick + used;
    c->slice = c->budget = 0;
    c->slice_tick = c->clock->now;
    c->leave_slice = false;
    c->escape = NULL;
    c->cache->running = NULL;
    return used;
}
