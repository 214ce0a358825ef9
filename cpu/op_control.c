/* op_control.c - control and debug registers: MOV, LMSW, SMSW, CLTS, mode switches.
 *
 * Intel SDM vol 3A 2.5 (what each bit means), 4.10.4 (what each change flushes), 9.8.5
 * (into and out of IA-32e mode).
 */
#include "cpu/operand.h"
#include "cpu/segment.h"
#include "cpu/system.h"

/* After a change: views follow, and the next fetch is translated anew. */
static void moved(struct cpu *c)
{
    cpu_derive(c);
    c->page = NO_PAGE;
    c->leave = true;
}

static bool long_active(uint64_t efer)
{
    return efer & EFER_LMA;
}

/* PAE paging, the one kind whose top entries are registers (4.4.1). */
static bool pae_paging(uint64_t cr0, uint64_t cr4, uint64_t efer)
{
    return (cr0 & CR0_PG) && (cr4 & CR4_PAE) && !long_active(efer);
}

/* Reads the PDPTEs that cr3 points to; #GP when a present one has reserved bits. */
static void pdptes_read(struct cpu *c, uint64_t cr3, uint64_t to[4])
{
    struct paging p = c->mmu.paging;
    p.mode = PAGING_PAE;
    p.cr3 = cr3;
    p.phys_bits = c->model->phys_bits;
    p.nxe = c->efer & EFER_NXE;
    if (!paging_load_pdptes(&p, c->mmu.phys))
        raise_fault(c, VEC_GP, 0, R_GP_PDPTE, cr3 & 0xffffffe0, 0, 0);
    memcpy(to, p.pdpte, sizeof p.pdpte);
}

bool pdptes_reload(struct cpu *c)
{
    struct paging p = c->mmu.paging;

    if (!pae_paging(c->cr0, c->cr4, c->efer))
        return true;
    p.cr3 = c->cr3;
    if (!paging_load_pdptes(&p, c->mmu.phys))
        return false;
    memcpy(c->pdpte, p.pdpte, sizeof c->pdpte);
    return true;
}

static void pdptes_set(struct cpu *c, const uint64_t from[4])
{
    memcpy(c->pdpte, from, sizeof c->pdpte);
    memcpy(c->mmu.paging.pdpte, from, sizeof c->mmu.paging.pdpte);
}

/* ---- CR0 ---- */

/* What must hold before paging may go on with EFER.LME set (9.8.5.3). */
static void check_enter_long(struct cpu *c)
{
    enum { TSS16 = 1, TSS16_BUSY = 3 };
    unsigned tr = c->tr.attr & (SEG_S | SEG_TYPE);
    if (!(c->cr4 & CR4_PAE))
        raise_fault(c, VEC_GP, 0, R_GP_CR0_LME_PAE, c->cr4, 0, 0);
    if (c->seg[CS].attr & SEG_L)
        raise_fault(c, VEC_GP, 0, R_GP_CR0_LME_CSL, c->seg[CS].selector, 0, 0);
    if (tr == TSS16 || tr == TSS16_BUSY)
        raise_fault(c, VEC_GP, 0, R_GP_CR0_LME_TSS16, c->tr.selector, 0, 0);
}

void cr0_load(struct cpu *c, uint64_t v)
{
    const uint64_t known = CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP |
                           CR0_AM | CR0_NW | CR0_CD | CR0_PG;
    uint64_t efer = c->efer, changed, pdpte[4];
    bool load = false;

    if (v >> 32)
        raise_fault(c, VEC_GP, 0, R_GP_CR0_HIGH, v, 0, 0);
    /* Other bits are ignored; ET is wired to 1 since the 486. */
    v = (v & known) | CR0_ET;
    changed = v ^ c->cr0;
    if ((v & CR0_PG) && !(v & CR0_PE))
        raise_fault(c, VEC_GP, 0, R_GP_CR0_PG_PE, v, 0, 0);
    if ((v & CR0_NW) && !(v & CR0_CD))
        raise_fault(c, VEC_GP, 0, R_GP_CR0_NW_CD, v, 0, 0);
    if (changed & CR0_PG) {
        if (!(v & CR0_PG)) {
            if (cpu_code64(c))
                RAISE_GP0(c, R_GP_CR0_PG_64BIT);
            if (c->cr4 & CR4_PCIDE)
                RAISE_GP0(c, R_GP_CR0_PG_PCIDE);
            efer &= ~EFER_LMA;
        } else if (efer & EFER_LME) {
            check_enter_long(c);
            efer |= EFER_LMA;
        }
    }
    if (pae_paging(v, c->cr4, efer) && (changed & (CR0_PG | CR0_CD | CR0_NW))) {
        pdptes_read(c, c->cr3, pdpte);
        load = true;
    }

    c->cr0 = v;
    c->efer = efer;
    if (load)
        pdptes_set(c, pdpte);
    if (changed & CR0_PG)
        mmu_flush_all(&c->mmu);
    else if (changed & CR0_WP)
        mmu_drop_write_all(&c->mmu);
    moved(c);
    if (changed & CR0_PE)
        for (unsigned s = 0; s < SREGS; s++)
            seg_derive(c, (enum sreg)s);
}

/* ---- CR3 ---- */

void cr3_load(struct cpu *c, uint64_t v)
{
    bool pcide = c->cr4 & CR4_PCIDE, keep = pcide && (v & CR3_KEEP), load = false;
    uint64_t bad, pdpte[4];

    if (pcide)
        v &= ~CR3_KEEP;
    bad = v & ~((1ull << c->model->phys_bits) - 1);
    if (bad)
        raise_fault(c, VEC_GP, 0, R_GP_CR3_RESERVED, v, bad, c->model->phys_bits);
    if (pae_paging(c->cr0, c->cr4, c->efer)) {
        pdptes_read(c, v, pdpte);
        load = true;
    }

    c->cr3 = v;
    if (load)
        pdptes_set(c, pdpte);
    if (!keep)
        mmu_flush_local(&c->mmu, pcide ? v & CR3_PCID : 0);
    moved(c);
}

/* ---- CR4 ---- */

uint64_t cr4_supported(const struct cpu *c)
{
    static const struct {
        uint8_t feature, bit;
    } bits[] = {
        {CPUID_VME, 0},   {CPUID_VME, 1},       {CPUID_TSC, 2},   {CPUID_DE, 3},
        {CPUID_PSE, 4},   {CPUID_PAE, 5},       {CPUID_MCE, 6},   {CPUID_PGE, 7},
        {CPUID_I686, 8},  {CPUID_FXSR, 9},      {CPUID_SSE, 10},  {CPUID_UMIP, 11},
        {CPUID_LA57, 12}, {CPUID_FSGSBASE, 16}, {CPUID_PCID, 17}, {CPUID_XSAVE, 18},
        {CPUID_SMEP, 20}, {CPUID_SMAP, 21},     {CPUID_PKU, 22},
    };
    uint64_t all = 0;
    for (unsigned k = 0; k < ARRAY_SIZE(bits); k++)
        if (cpu_model_has(c->model, bits[k].feature))
            all |= 1ull << bits[k].bit;
    return all;
}

void cr4_load(struct cpu *c, uint64_t v)
{
    uint64_t bad = v & ~cr4_supported(c), changed = v ^ c->cr4, pdpte[4];
    bool load = false;

    if (bad)
        raise_fault(c, VEC_GP, 0, R_GP_CR4_RESERVED, v, bad, 0);
    if (long_active(c->efer)) {
        if (!(v & CR4_PAE))
            raise_fault(c, VEC_GP, 0, R_GP_CR4_PAE, v, 0, 0);
        if (changed & CR4_LA57)
            raise_fault(c, VEC_GP, 0, R_GP_CR4_LA57, v, 0, 0);
    }
    if (changed & v & CR4_PCIDE) {
        if (!long_active(c->efer))
            raise_fault(c, VEC_GP, 0, R_GP_CR4_PCIDE_LMA, v, 0, 0);
        if (c->cr3 & CR3_PCID)
            raise_fault(c, VEC_GP, 0, R_GP_CR4_PCIDE_CR3, c->cr3, 0, 0);
    }
    if (pae_paging(c->cr0, v, c->efer) &&
        (changed & (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP))) {
        pdptes_read(c, c->cr3, pdpte);
        load = true;
    }

    c->cr4 = v;
    if (load)
        pdptes_set(c, pdpte);
    /* 4.10.4.1 asks for PGE, PCIDE 1 to 0, PAE and SMEP 0 to 1. Entries made before PSE
     * or LA57 changed would be of the wrong shape: those go too. */
    if ((changed & (CR4_PGE | CR4_PAE | CR4_PSE | CR4_LA57)) ||
        (changed & ~v & CR4_PCIDE) || (changed & v & CR4_SMEP))
        mmu_flush_all(&c->mmu);
    moved(c);
}

/* ---- MOV to and from control registers ---- */

/* The number is checked before the privilege: what is not there is #UD at any level. */
static void cr_check(struct cpu *c, unsigned n)
{
    bool exists = n == 0 || n == 2 || n == 3 || n == 4 || (n == 8 && cpu_code64(c));
    if (!exists)
        raise_fault(c, VEC_UD, 0, R_UD_CR, n, 0, 0);
    if (c->cpl != 0)
        raise_fault(c, VEC_GP, 0, R_GP_CPL0, c->cpl, 0, 0);
}

/* MOV r, CRn. Intel SDM vol 2, MOV (control registers). */
void op_mov_from_cr(struct cpu *c, const struct insn *i)
{
    uint64_t v = 0;
    cr_check(c, i->reg);
    switch (i->reg) {
    case 0: v = c->cr0; break;
    case 2: v = c->cr2; break;
    case 3: v = c->cr3; break;
    case 4: v = c->cr4; break;
    case 8:
        cpu_sync_clock(c);
        v = c->intc ? c->intc->tpr_get(c->intc->owner) : 0;
        break;
    }
    reg_set(c, i->rm, i->bits, v);
}

/* MOV CRn, r. */
void op_mov_to_cr(struct cpu *c, const struct insn *i)
{
    uint64_t v = reg_get(c, i->rm, i->bits);
    cr_check(c, i->reg);
    switch (i->reg) {
    case 0: cr0_load(c, v); break;
    case 2: c->cr2 = v; break;
    case 3: cr3_load(c, v); break;
    case 4: cr4_load(c, v); break;
    case 8:
        if (v >> 4)
            raise_fault(c, VEC_GP, 0, R_GP_CR8_RESERVED, v, 0, 0);
        cpu_sync_clock(c);
        if (c->intc)
            c->intc->tpr_set(c->intc->owner, (uint8_t)v);
        c->leave = true; /* something may have become deliverable */
        break;
    }
}

/* LMSW: CR0 bits 3:0; PE can be set and never cleared. */
void op_lmsw(struct cpu *c, const struct insn *i)
{
    uint64_t v = rm_get(c, i, 16), low = CR0_PE | CR0_MP | CR0_EM | CR0_TS;
    cr0_load(c, (c->cr0 & ~low) | (v & low) | (c->cr0 & CR0_PE));
}

/* SMSW: a register gets as much of CR0 as it is wide, memory always 16 bits. */
void op_smsw(struct cpu *c, const struct insn *i)
{
    if (c->cpl != 0 && (c->cr4 & CR4_UMIP))
        raise_fault(c, VEC_GP, 0, R_GP_UMIP, c->cpl, 0, 0);
    rm_set(c, i, i->form & FORM_MEM ? 16 : i->bits, c->cr0);
}

void op_clts(struct cpu *c, const struct insn *i)
{
    (void)i;
    c->cr0 &= ~CR0_TS;
    cpu_derive(c);
    c->leave = true;
}

/* ---- debug registers ---- */

void debug_watch(struct cpu *c)
{
    enum { EXECUTE = 0, IO = 2 };
    bool changed = false;
    for (unsigned n = 0; n < 4; n++) {
        unsigned on = c->dr[7] >> (2 * n) & 3, kind = c->dr[7] >> (16 + 4 * n) & 3;
        uint64_t page = NO_TAG;
        if (on && kind != EXECUTE && kind != IO)
            page = c->dr[n] & ~(uint64_t)(PAGE - 1);
        changed |= c->mmu.watched[n] != page;
        c->mmu.watched[n] = page;
    }
    if (changed)
        mmu_drop(&c->mmu);
}

/* The number behind DR4 and DR5; all the checks in the order of their priority. */
static unsigned dr_check(struct cpu *c, unsigned n)
{
    if (n > 7)
        raise_fault(c, VEC_UD, 0, R_UD_DR, n, 0, 0);
    if (n == 4 || n == 5) {
        if (c->cr4 & CR4_DE)
            raise_fault(c, VEC_UD, 0, R_UD_DR45, n, 0, 0);
        n += 2;
    }
    if (c->cpl != 0)
        raise_fault(c, VEC_GP, 0, R_GP_CPL0, c->cpl, 0, 0);
    if (c->dr[7] & DR7_GD) {
        /* Delivering the #DB clears GD, so that its handler can use the registers. */
        c->dr[6] |= DR6_BD;
        raise_fault(c, VEC_DB, 0, R_DB_GD, n, 0, 0);
    }
    return n;
}

/* MOV r, DRn. Intel SDM vol 2, MOV (debug registers). */
void op_mov_from_dr(struct cpu *c, const struct insn *i)
{
    unsigned n = dr_check(c, i->reg);
    reg_set(c, i->rm, i->bits, c->dr[n]);
}

/* MOV DRn, r. */
void op_mov_to_dr(struct cpu *c, const struct insn *i)
{
    unsigned n = dr_check(c, i->reg);
    uint64_t v = reg_get(c, i->rm, i->bits);

    if (n >= 6 && v >> 32)
        raise_fault(c, VEC_GP, 0, R_GP_DR_HIGH, n, v, 0);
    switch (n) {
    case 6: c->dr[6] = (v & DR6_STICKY) | DR6_FIXED; break;
    case 7: c->dr[7] = (v & DR7_LEGAL) | DR7_FIXED; break;
    default: c->dr[n] = v; break;
    }
    if (n != 6) {
        debug_watch(c);
        cpu_derive(c);
    }
    c->leave = true;
}
