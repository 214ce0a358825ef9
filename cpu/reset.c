/* reset.c - RESET and INIT, and the CPU's state as rows for snapshots.
 *
 * Intel SDM vol 3A 9.1, Table 9-1.
 */
#include "base/error.h"
#include "base/snapshot.h"
#include "cpu/segment.h"
#include "cpu/system.h"

#include <string.h>

/* ---- rows ---- */

static const struct field segment_fields[] = {SEGMENT_STATE(STATE_FIELD, segment) {0}};
static const struct field f80_fields[] = {F80_STATE(STATE_FIELD, f80) {0}};
static const struct field vec_fields[] = {
    {"q", FIELD_VALUE, offsetof(struct vec, q), 8, 8, 0, UINT64_MAX, "512 bits", 0},
    {0},
};

/* The walk behind a page fault is for explaining it only, and is not saved. */
#define EVENT_ROW(type, name, n, max, meaning)                                           \
    {#name, FIELD_VALUE, offsetof(struct cpu_event, name), sizeof(type), n, 0, max,      \
     meaning, 0},
static const struct field event_fields[] = {
    EVENT_ROW(enum event_kind, kind, 1, EVENT_SOFTWARE, "enum event_kind")
    EVENT_ROW(uint8_t, vector, 1, 0xff, "vector")
    EVENT_ROW(bool, has_error, 1, 1, "an error code is pushed")
    EVENT_ROW(uint32_t, error, 1, UINT32_MAX, "error code")
    EVENT_ROW(uint16_t, reason, 1, REASONS - 1, "enum reason")
    EVENT_ROW(uint64_t, operand, 3, UINT64_MAX, "the reason's operands")
    EVENT_ROW(uint64_t, rip, 1, UINT64_MAX, "of the instruction that raised it")
    EVENT_ROW(uint16_t, cs, 1, 0xffff, "its CS")
    EVENT_ROW(uint64_t, linear, 1, UINT64_MAX, "#PF: CR2")
    {0},
};

const struct field cpu_fields[] = {
    CPU_STATE(STATE_FIELD, cpu)
    {"cpl", FIELD_VALUE, offsetof(struct cpu, cpl), 1, 1, 0, 3, "current privilege", 0},
    {"raised", FIELD_VALUE, offsetof(struct cpu, raised), sizeof(bool), 1, 0, 1,
     "the event waits to be delivered", 0},
    {"k", FIELD_VALUE, offsetof(struct cpu, k), 8, 8, 0, UINT64_MAX, "opmasks", 0},
    FIELD_SUBLIST(cpu, struct segment, seg, SREGS, segment_fields)
    FIELD_SUBLIST(cpu, struct segment, ldtr, 1, segment_fields)
    FIELD_SUBLIST(cpu, struct segment, tr, 1, segment_fields)
    FIELD_SUBLIST(cpu, struct f80, st, 8, f80_fields)
    FIELD_SUBLIST(cpu, struct vec, v, 32, vec_fields)
    FIELD_SUBLIST(cpu, struct cpu_event, event, 1, event_fields)
    {0},
};

/* ---- RESET and INIT ---- */

enum { SEGMENT_DATA = SEG_P | SEG_S | SEG_WRITABLE | SEG_ACCESSED,
       SYSTEM_LDT = SEG_P | 2, SYSTEM_TSS32_BUSY = SEG_P | 11 };

static struct segment segment_at_reset(unsigned attr)
{
    return (struct segment){.limit = 0xffff, .attr = (uint16_t)attr, .usable = true};
}

/* What RESET and INIT have in common, all but the flush and the derived state. */
static void start_over(struct cpu *c)
{
    memset(c->gpr, 0, sizeof c->gpr);
    c->gpr[RDX] = c->model->signature;
    c->rip = 0xfff0;
    c->eflags = 2;
    lazy_put(&c->lazy, 0);
    c->cr2 = c->cr3 = c->cr4 = 0;
    c->efer = 0;
    memset(c->pdpte, 0, sizeof c->pdpte);
    for (unsigned s = 0; s < SREGS; s++)
        c->seg[s] = segment_at_reset(SEGMENT_DATA);
    c->seg[CS].selector = 0xf000;
    c->seg[CS].base = 0xffff0000;
    c->ldtr = segment_at_reset(SYSTEM_LDT);
    c->tr = segment_at_reset(SYSTEM_TSS32_BUSY);
    c->gdtr_base = c->idtr_base = 0;
    c->gdtr_limit = c->idtr_limit = 0xffff;
    memset(c->dr, 0, sizeof c->dr);
    c->dr[6] = DR6_FIXED;
    c->dr[7] = DR7_FIXED;
    c->cpl = 0;

    c->activity = c->number == 0 ? ACTIVITY_RUN : ACTIVITY_WAIT_SIPI;
    c->sipi = NO_SIPI;
    c->monitor_pa = UINT64_MAX;
    c->mwait_breaks = false;
    c->shadow_end = 0;
    c->shadow_ss = false;
    c->pending_debug = 0;
    c->nmi_blocked = c->nmi_pending = c->smi_pending = c->init_pending = false;
    c->in_smm = c->smm_nmi_blocked = false;
    c->event = (struct cpu_event){.kind = EVENT_NONE};
    c->fault_count = 0;
    c->trail_count = 0;
    c->raised = false;
}

void cpu_settle(struct cpu *c)
{
    mmu_reset(&c->mmu);
    debug_watch(c);
    cpu_forget_derived(c);
    cpu_derive(c);
    for (unsigned s = 0; s < SREGS; s++)
        seg_derive(c, (enum sreg)s);
    c->page = NO_PAGE;
    c->seen_flushes = c->mmu.flushes;
    c->leave = true;
}

/* The counters of the machine's whole life go on, and the pin stays where it is held:
 * its driver's own reset moves it. The TSC follows the clock, which RESET does not turn
 * back. */
void cpu_reset(struct cpu *c)
{
    uint64_t retired = c->retired, random = c->random;
    bool intr = c->intr;

    state_reset(cpu_fields, c, c->clock);
    c->retired = retired;
    c->random = random;
    c->intr = intr;
    start_over(c);
    c->cr0 = CR0_CD | CR0_NW | CR0_ET;
    c->ftw = 0; /* FTW 5555h: eight zeros, none empty */
    c->misc_enable = misc_enable_reset(c);
    c->microcode = (uint64_t)c->model->microcode << 32;
    cpu_settle(c);
}

/* x87, SSE, XCR0, PKRU, MSRs, MTRRs, TSC stay; CR0 keeps CD and NW. EFER goes: without
 * paging LMA could not stay, and no processor here starts with LME. */
void cpu_init_reset(struct cpu *c)
{
    start_over(c);
    c->cr0 = (c->cr0 & (CR0_CD | CR0_NW)) | CR0_ET;
    cpu_settle(c);
}

/* ---- snapshots ---- */

void cpu_save(struct cpu *c, struct writer *w)
{
    c->flag_bits = lazy_get(&c->lazy);
    cpu_settle_page(c);
    state_save(cpu_fields, c, w);
    state_save(mmu_fields, &c->mmu, w);
}

/* Could a CPU of this model be in this state? What follows from it would only confuse a
 * guest, but a snapshot that says so is not one of ours. */
static bool valid(const struct cpu *c, struct error *e)
{
    uint64_t lma = c->efer & EFER_LMA;

    if (c->cr0 >> 32 || ((c->cr0 & CR0_PG) && !(c->cr0 & CR0_PE)))
        return error_set(e, "snapshot: CR0 cannot be %llx", (unsigned long long)c->cr0);
    if (c->cr4 & ~cr4_supported(c))
        return error_set(e, "snapshot: this CPU model's CR4 cannot be %llx",
                         (unsigned long long)c->cr4);
    if ((c->efer & ~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)) ||
        lma != ((c->cr0 & CR0_PG) && (c->efer & EFER_LME) ? EFER_LMA : 0) ||
        (lma && !(c->cr4 & CR4_PAE)) || (lma && !cpu_has(c, CPUID_LM)))
        return error_set(e, "snapshot: EFER cannot be %llx here",
                         (unsigned long long)c->efer);
    if (c->cr3 >> c->model->phys_bits)
        return error_set(e, "snapshot: CR3 cannot be %llx", (unsigned long long)c->cr3);
    if (c->xcr0 != XSTATE_X87 && !xcr0_valid(c, c->xcr0)) /* 1: without XSAVE too */
        return error_set(e, "snapshot: XCR0 cannot be %llx",
                         (unsigned long long)c->xcr0);
    if (c->mxcsr & ~mxcsr_mask(c))
        return error_set(e, "snapshot: MXCSR cannot be %x", (unsigned)c->mxcsr);
    if (c->cpl != 0 && !(c->cr0 & CR0_PE))
        return error_set(e, "snapshot: CPL %u in real mode", c->cpl);
    if ((c->eflags & FLAG_VM) && (c->cpl != 3 || !(c->cr0 & CR0_PE) || lma))
        return error_set(e, "snapshot: EFLAGS.VM with CPL %u, CR0 %llx, EFER %llx",
                         c->cpl, (unsigned long long)c->cr0,
                         (unsigned long long)c->efer);
    if (c->raised && c->event.kind == EVENT_NONE)
        return error_set(e, "snapshot: an event is pending, but there is none");
    return true;
}

bool cpu_restore(struct cpu *c, struct reader *r, struct error *e)
{
    uint32_t page;

    if (!state_restore(cpu_fields, c, c->clock, r, e) ||
        !state_restore(mmu_fields, &c->mmu, c->clock, r, e) || !valid(c, e))
        return false;
    c->eflags = (c->eflags & ~(uint32_t)FLAGS_ARITH) | 2;
    lazy_put(&c->lazy, (uint32_t)c->flag_bits);
    page = c->page; /* state: it says what is executed until the next translation */
    debug_watch(c);
    cpu_forget_derived(c);
    cpu_derive(c);
    for (unsigned s = 0; s < SREGS; s++)
        seg_derive(c, (enum sreg)s);
    mmu_drop(&c->mmu);
    c->page = c->mmu.phys && page < c->mmu.phys->pages ? page : NO_PAGE;
    c->code_base = c->seg[CS].base;
    c->seen_flushes = c->mmu.flushes;
    c->fault_count = 0; /* what is not saved belongs to the past of this machine */
    c->trail_count = 0;
    c->leave = true;
    return true;
}
