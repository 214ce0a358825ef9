/* msr.c - RDMSR and WRMSR: the rows of msr.def. */
#include "cpu/segment.h"
#include "cpu/system.h"

#include <string.h>

typedef enum reason msr_get_fn(struct cpu *c, uint32_t n, uint64_t *v);
typedef enum reason msr_set_fn(struct cpu *c, uint32_t n, uint64_t v, uint64_t *detail);

struct msr {
    uint32_t first;
    uint16_t count;
    uint8_t feature;
    enum { MSR_KEPT, MSR_LINEAR, MSR_CODED, MSR_ZERO } kind;
    const char *name;
    uint32_t offset;
    uint64_t legal;
    msr_get_fn *get;
    msr_set_fn *set;
};

/* ---- small ones ---- */

static enum reason zero_get(struct cpu *c, uint32_t n, uint64_t *v)
{
    (void)c, (void)n;
    *v = 0;
    return R_NONE;
}

/* May only be written with 0. */
static enum reason clear_set(struct cpu *c, uint32_t n, uint64_t v, uint64_t *detail)
{
    (void)c, (void)n;
    *detail = v;
    return v ? R_GP_MSR_RESERVED : R_NONE;
}

static enum reason reserved(uint64_t v, uint64_t legal, uint64_t *detail)
{
    *detail = v & ~legal;
    return *detail ? R_GP_MSR_RESERVED : R_NONE;
}

/* Counters of the Pentium, gone in the P6 family. They do not count here. */
static enum reason p5_counter_get(struct cpu *c, uint32_t n, uint64_t *v)
{
    (void)n;
    *v = 0;
    return cpu_has(c, CPUID_I686) ? R_GP_MSR_READ : R_NONE;
}

static enum reason p5_counter_set(struct cpu *c, uint32_t n, uint64_t v,
                                  uint64_t *detail)
{
    (void)n, (void)v, (void)detail;
    return cpu_has(c, CPUID_I686) ? R_GP_MSR_WRITE : R_NONE;
}

/* Locked by the firmware with VMX off. */
static enum reason feature_control_get(struct cpu *c, uint32_t n, uint64_t *v)
{
    (void)c, (void)n;
    *v = 1;
    return R_NONE;
}

static uint64_t ratio(const struct cpu *c)
{
    uint64_t r = c->tsc_hz / 100000000u;
    return r ? (r < 0xff ? r : 0xff) : 1;
}

/* Bits 15:8 the base ratio, 47:40 the lowest, both of 100 MHz. */
static enum reason platform_info_get(struct cpu *c, uint32_t n, uint64_t *v)
{
    (void)n;
    *v = ratio(c) << 8 | ratio(c) << 40;
    return R_NONE;
}

static enum reason turbo_get(struct cpu *c, uint32_t n, uint64_t *v)
{
    (void)n;
    *v = ratio(c) * 0x01010101;
    return R_NONE;
}

static enum reason perf_status_get(struct cpu *c, uint32_t n, uint64_t *v)
{
    (void)n;
    *v = ratio(c) << 8;
    return R_NONE;
}

/* Branch records and branch trapping are missing: said when asked for, reads as off. */
static enum reason debugctl_set(struct cpu *c, uint32_t n, uint64_t v, uint64_t *detail)
{
    enum { LBR = 1, BTF = 2, REST = 0x7fc0 };
    enum reason why = reserved(v, LBR | BTF | REST, detail);
    (void)n;
    if (why == R_NONE && v && c->log)
        log_guest(c->log, "cpu", "unimplemented: IA32_DEBUGCTL = %llx is ignored",
                  (unsigned long long)v);
    return why;
}

/* ---- time ---- */

static enum reason tsc_get(struct cpu *c, uint32_t n, uint64_t *v)
{
    (void)n;
    *v = cpu_tsc(c);
    return R_NONE;
}

/* The local APIC compares IA32_TSC_DEADLINE with this very counter (SDM vol 3A 10.5.4.1). */
static void tsc_move(struct cpu *c, uint64_t adjust)
{
    c->tsc_adjust = adjust;
    cpu_sync_clock(c);
    if (c->intc && c->intc->tsc_moved)
        c->intc->tsc_moved(c->intc->owner);
}

/* Writing the TSC moves IA32_TSC_ADJUST by as much (SDM vol 3B 17.17.3). */
static enum reason tsc_set(struct cpu *c, uint32_t n, uint64_t v, uint64_t *detail)
{
    (void)n, (void)detail;
    tsc_move(c, c->tsc_adjust + v - cpu_tsc(c));
    return R_NONE;
}

static enum reason tsc_adjust_get(struct cpu *c, uint32_t n, uint64_t *v)
{
    (void)n;
    *v = c->tsc_adjust;
    return R_NONE;
}

static enum reason tsc_adjust_set(struct cpu *c, uint32_t n, uint64_t v,
                                  uint64_t *detail)
{
    (void)n, (void)detail;
    tsc_move(c, v);
    return R_NONE;
}

/* ---- local APIC ---- */

static enum reason apic_base_get(struct cpu *c, uint32_t n, uint64_t *v)
{
    (void)n;
    if (!c->intc)
        return R_GP_MSR_READ;
    cpu_sync_clock(c);
    *v = c->intc->base_get(c->intc->owner);
    return R_NONE;
}

static uint64_t phys_mask(const struct cpu *c)
{
    return (1ull << c->model->phys_bits) - 1;
}

static enum reason apic_base_set(struct cpu *c, uint32_t n, uint64_t v,
                                 uint64_t *detail)
{
    enum { BSP = 1 << 8, X2APIC = 1 << 10, ENABLE = 1 << 11 };
    uint64_t legal = BSP | ENABLE | (cpu_has(c, CPUID_X2APIC) ? X2APIC : 0) |
                     (phys_mask(c) & ~0xfffull);
    (void)n;
    if (!c->intc)
        return R_GP_MSR_WRITE;
    if (reserved(v, legal, detail))
        return R_GP_MSR_RESERVED;
    cpu_sync_clock(c);
    return c->intc->base_set(c->intc->owner, v) ? R_NONE : R_GP_MSR_APIC_BASE;
}

static enum reason apic_get(struct cpu *c, uint32_t n, uint64_t *v)
{
    if (!c->intc)
        return R_GP_MSR_READ;
    cpu_sync_clock(c);
    return c->intc->msr_get(c->intc->owner, n, v) ? R_NONE : R_GP_MSR_APIC;
}

static enum reason apic_set(struct cpu *c, uint32_t n, uint64_t v, uint64_t *detail)
{
    (void)detail;
    if (!c->intc)
        return R_GP_MSR_WRITE;
    cpu_sync_clock(c);
    return c->intc->msr_set(c->intc->owner, n, v) ? R_NONE : R_GP_MSR_APIC;
}

/* ---- speculation ---- */

static enum reason spec_ctrl_get(struct cpu *c, uint32_t n, uint64_t *v)
{
    (void)n;
    *v = c->spec_ctrl;
    return R_NONE;
}

static enum reason spec_ctrl_set(struct cpu *c, uint32_t n, uint64_t v,
                                 uint64_t *detail)
{
    enum { IBRS = 1, STIBP = 2, SSBD = 4 };
    unsigned legal = IBRS | (cpu_has(c, CPUID_STIBP) ? STIBP : 0) |
                     (cpu_has(c, CPUID_SSBD) ? SSBD : 0);
    (void)n;
    if (reserved(v, legal, detail))
        return R_GP_MSR_RESERVED;
    c->spec_ctrl = v;
    return R_NONE;
}

/* PRED_CMD bit 0 IBPB, FLUSH_CMD bit 0 L1D_FLUSH: there is nothing to flush. */
static enum reason command_set(struct cpu *c, uint32_t n, uint64_t v, uint64_t *detail)
{
    (void)c, (void)n;
    return reserved(v, 1, detail);
}

/* An interpreter does not speculate: every "not affected" bit is true. */
static enum reason capabilities_get(struct cpu *c, uint32_t n, uint64_t *v)
{
    enum { RDCL_NO = 0, IBRS_ALL = 1, SKIP_L1DFL_VMENTRY = 3, SSB_NO = 4, MDS_NO = 5,
           IF_PSCHANGE_MC_NO = 6, TAA_NO = 8, SBDR_SSDP_NO = 13, FBSDP_NO = 14,
           PSDP_NO = 15, BHI_NO = 20, PBRSB_NO = 24, GDS_NO = 26, RFDS_NO = 27,
           ITS_NO = 62 };
    static const uint8_t bits[] = {
        RDCL_NO, IBRS_ALL, SKIP_L1DFL_VMENTRY, SSB_NO, MDS_NO, IF_PSCHANGE_MC_NO, TAA_NO,
        SBDR_SSDP_NO, FBSDP_NO, PSDP_NO, BHI_NO, PBRSB_NO, GDS_NO, RFDS_NO, ITS_NO,
    };
    (void)n;
    *v = 0;
    for (unsigned k = 0; k < ARRAY_SIZE(bits); k++)
        if (bits[k] != IBRS_ALL || cpu_has(c, CPUID_SPEC_CTRL))
            *v |= 1ull << bits[k];
    return R_NONE;
}

/* ---- microcode ---- */

static enum reason sign_get(struct cpu *c, uint32_t n, uint64_t *v)
{
    (void)n;
    *v = c->microcode;
    return R_NONE;
}

/* Software writes 0, executes CPUID.1 and reads the revision (SDM vol 3A 9.11.7.1). */
static enum reason sign_set(struct cpu *c, uint32_t n, uint64_t v, uint64_t *detail)
{
    (void)n, (void)detail;
    c->microcode = v;
    return R_NONE;
}

static enum reason update_set(struct cpu *c, uint32_t n, uint64_t v, uint64_t *detail)
{
    (void)n, (void)detail;
    if (c->log)
        log_guest(c->log, "cpu", "a microcode update at %llx is ignored",
                  (unsigned long long)v);
    return R_NONE;
}

/* ---- IA32_MISC_ENABLE ---- */

uint64_t misc_enable_reset(const struct cpu *c)
{
    uint64_t v = MISC_FAST_STRING;
    if (cpu_has(c, CPUID_CORE2))
        v |= MISC_NO_BTS | MISC_NO_PEBS;
    if (cpu_has(c, CPUID_MONITOR))
        v |= MISC_MONITOR;
    return v;
}

static enum reason misc_enable_get(struct cpu *c, uint32_t n, uint64_t *v)
{
    (void)n;
    *v = c->misc_enable;
    return R_NONE;
}

static enum reason misc_enable_set(struct cpu *c, uint32_t n, uint64_t v,
                                   uint64_t *detail)
{
    const uint64_t thermal = 1 << 3, perfmon = 1 << 7, speedstep = 1 << 16,
                   xtpr = 1 << 23, turbo = 1ull << 38;
    uint64_t fixed = MISC_NO_BTS | MISC_NO_PEBS | perfmon;
    uint64_t kept =
        MISC_FAST_STRING | thermal | speedstep | xtpr | turbo | MISC_LIMIT_CPUID;
    (void)n;
    if (cpu_has(c, CPUID_MONITOR))
        kept |= MISC_MONITOR;
    if (cpu_has(c, CPUID_NX))
        kept |= MISC_XD_DISABLE;
    if (reserved(v, kept | fixed, detail))
        return R_GP_MSR_RESERVED;
    c->misc_enable = (c->misc_enable & fixed) | (v & kept);
    return R_NONE;
}

/* ---- EFER ---- */

static enum reason efer_get(struct cpu *c, uint32_t n, uint64_t *v)
{
    (void)n;
    *v = c->efer;
    return R_NONE;
}

static enum reason efer_set(struct cpu *c, uint32_t n, uint64_t v, uint64_t *detail)
{
    uint64_t legal = 0, changed;
    (void)n;
    if (cpu_has(c, CPUID_SYSCALL))
        legal |= EFER_SCE;
    if (cpu_has(c, CPUID_LM))
        legal |= EFER_LME | EFER_LMA;
    if (cpu_has(c, CPUID_NX) && !(c->misc_enable & MISC_XD_DISABLE))
        legal |= EFER_NXE;
    if (reserved(v, legal, detail))
        return R_GP_MSR_RESERVED;
    /* LMA is the processor's; writes to it are lost. */
    v = (v & ~EFER_LMA) | (c->efer & EFER_LMA);
    changed = c->efer ^ v;
    if ((changed & EFER_LME) && (c->cr0 & CR0_PG))
        return R_GP_EFER_LME;
    c->efer = v;
    if (changed & EFER_NXE)
        mmu_flush_all(&c->mmu); /* what bit 63 of an entry means has changed */
    cpu_derive(c);
    return R_NONE;
}

/* ---- memory types: kept and checked; without caches they change nothing ---- */

static enum reason mtrrcap_get(struct cpu *c, uint32_t n, uint64_t *v)
{
    enum { COUNT = 8, FIX = 1 << 8, WC = 1 << 10 };
    (void)c, (void)n;
    *v = COUNT | FIX | WC;
    return R_NONE;
}

static bool mtrr_type(uint64_t type) /* UC WC WT WP WB */
{
    return type == 0 || type == 1 || type == 4 || type == 5 || type == 6;
}

/* Eight types in eight bytes. */
static enum reason types(uint64_t v, bool pat, uint64_t *detail)
{
    for (unsigned k = 0; k < 8; k++) {
        uint64_t t = v >> (8 * k) & 0xff;
        if (!mtrr_type(t) && !(pat && t == 7)) { /* PAT has UC- too */
            *detail = t;
            return R_GP_MSR_MEMORY_TYPE;
        }
    }
    return R_NONE;
}

static unsigned fixed_index(uint32_t n)
{
    return n == 0x250 ? 0 : n <= 0x259 ? n - 0x258 + 1 : n - 0x268 + 3;
}

static enum reason mtrr_fixed_get(struct cpu *c, uint32_t n, uint64_t *v)
{
    *v = c->mtrr_fixed[fixed_index(n)];
    return R_NONE;
}

static enum reason mtrr_fixed_set(struct cpu *c, uint32_t n, uint64_t v,
                                  uint64_t *detail)
{
    enum reason why = types(v, false, detail);
    if (why == R_NONE)
        c->mtrr_fixed[fixed_index(n)] = v;
    return why;
}

static enum reason mtrr_var_get(struct cpu *c, uint32_t n, uint64_t *v)
{
    *v = c->mtrr_var[n - 0x200];
    return R_NONE;
}

/* PHYSBASE (even): type 7:0, base. PHYSMASK (odd): valid bit 11, mask. */
static enum reason mtrr_var_set(struct cpu *c, uint32_t n, uint64_t v, uint64_t *detail)
{
    uint64_t address = phys_mask(c) & ~0xfffull;
    if (reserved(v, address | (n & 1 ? 1u << 11 : 0xff), detail))
        return R_GP_MSR_RESERVED;
    if (!(n & 1) && !mtrr_type(v & 0xff)) {
        *detail = v & 0xff;
        return R_GP_MSR_MEMORY_TYPE;
    }
    c->mtrr_var[n - 0x200] = v;
    return R_NONE;
}

static enum reason mtrr_def_get(struct cpu *c, uint32_t n, uint64_t *v)
{
    (void)n;
    *v = c->mtrr_def;
    return R_NONE;
}

static enum reason mtrr_def_set(struct cpu *c, uint32_t n, uint64_t v, uint64_t *detail)
{
    enum { FE = 1 << 10, E = 1 << 11 };
    (void)n;
    if (reserved(v, 0xff | FE | E, detail))
        return R_GP_MSR_RESERVED;
    if (!mtrr_type(v & 0xff)) {
        *detail = v & 0xff;
        return R_GP_MSR_MEMORY_TYPE;
    }
    c->mtrr_def = v;
    return R_NONE;
}

static enum reason pat_get(struct cpu *c, uint32_t n, uint64_t *v)
{
    (void)n;
    *v = c->pat;
    return R_NONE;
}

static enum reason pat_set(struct cpu *c, uint32_t n, uint64_t v, uint64_t *detail)
{
    enum reason why = types(v, true, detail);
    (void)n;
    if (why == R_NONE)
        c->pat = v;
    return why;
}

/* ---- the table ---- */

#define NONE NULL
#define KEPT(number, name, feature, field, legal)                                        \
    {number, 1, CPUID_##feature, MSR_KEPT, #name, offsetof(struct cpu, field), legal,    \
     NULL, NULL},
#define LINEAR(number, name, feature, field)                                             \
    {number, 1, CPUID_##feature, MSR_LINEAR, #name, offsetof(struct cpu, field), 0,      \
     NULL, NULL},
#define CODED(number, count, name, feature, get, set)                                    \
    {number, count, CPUID_##feature, MSR_CODED, #name, 0, 0, get, set},
#define ZERO(number, count, name, feature)                                               \
    {number, count, CPUID_##feature, MSR_ZERO, #name, 0, 0, NULL, NULL},

static const struct msr msrs[] = {
#include "cpu/msr.def"
};

static const struct msr *find(uint32_t number)
{
    for (unsigned k = 0; k < ARRAY_SIZE(msrs); k++)
        if (number - msrs[k].first < msrs[k].count)
            return &msrs[k];
    return NULL;
}

const char *msr_name(uint32_t number)
{
    const struct msr *m = find(number);
    return m ? m->name : NULL;
}

static enum reason unknown(struct cpu *c, const char *how, uint32_t number,
                           enum reason why)
{
    if (c->log)
        log_probe(c->log, "cpu", "%s of MSR %xh, which this CPU model does not have",
                  how, (unsigned)number);
    return why;
}

enum reason msr_read(struct cpu *c, uint32_t number, uint64_t *value)
{
    const struct msr *m = find(number);

    *value = 0;
    if (!m || !cpu_model_has(c->model, m->feature))
        return unknown(c, "read", number, R_GP_MSR_READ);
    switch (m->kind) {
    case MSR_KEPT:
    case MSR_LINEAR:
        memcpy(value, (const uint8_t *)c + m->offset, sizeof *value);
        break;
    case MSR_CODED: return m->get ? m->get(c, number, value) : R_GP_MSR_WRITE_ONLY;
    case MSR_ZERO: break;
    }
    return R_NONE;
}

enum reason msr_write(struct cpu *c, uint32_t number, uint64_t value, uint64_t *detail)
{
    const struct msr *m = find(number);

    *detail = 0;
    if (!m || !cpu_model_has(c->model, m->feature))
        return unknown(c, "write", number, R_GP_MSR_WRITE);
    switch (m->kind) {
    case MSR_KEPT:
        if (reserved(value, m->legal, detail))
            return R_GP_MSR_RESERVED;
        memcpy((uint8_t *)c + m->offset, &value, sizeof value);
        break;
    case MSR_LINEAR:
        if (!la_canonical_max(c, value))
            return R_GP_MSR_NONCANONICAL;
        memcpy((uint8_t *)c + m->offset, &value, sizeof value);
        if (m->first == 0xc0000100 || m->first == 0xc0000101)
            seg_derive(c, m->first == 0xc0000100 ? FS : GS);
        break;
    case MSR_CODED:
        return m->set ? m->set(c, number, value, detail) : R_GP_MSR_READ_ONLY;
    case MSR_ZERO: break;
    }
    return R_NONE;
}
