/* op_system.c - the instructions of operating systems: descriptor tables, TLB, MSRs,
 * counters, waiting, protection keys, ports.
 *
 * Rows marked CPL0 were checked for it before their handler runs.
 */
#include "cpu/block.h"
#include "cpu/operand.h"
#include "cpu/segment.h"
#include "cpu/smm.h"
#include "cpu/system.h"

static uint32_t low(const struct cpu *c, enum gpr r)
{
    return (uint32_t)c->gpr[r];
}

/* ---- descriptor tables ---- */

/* SGDT, SIDT: limit and base. The whole base is stored at any operand size, as on 386
 * and later processors; the manual's 24-bit form is the 286's. */
static void table_store(struct cpu *c, const struct insn *i, uint16_t limit,
                        uint64_t base)
{
    uint8_t bytes[10];
    if (c->cpl != 0 && (c->cr4 & CR4_UMIP))
        raise_fault(c, VEC_GP, 0, R_GP_UMIP, c->cpl, 0, 0);
    store16(bytes, limit);
    store64(bytes + 2, base);
    mem_write(c, INSN_SEG(i), ea(c, i), bytes, cpu_code64(c) ? 10 : 6);
}

/* LGDT, LIDT: with a 16-bit operand size the base has 24 bits. */
static void table_load(struct cpu *c, const struct insn *i, uint16_t *limit,
                       uint64_t *base)
{
    uint8_t bytes[10] = {0};
    uint64_t b;
    mem_read(c, INSN_SEG(i), ea(c, i), bytes, cpu_code64(c) ? 10 : 6);
    b = load64(bytes + 2);
    if (cpu_code64(c)) {
        if (!la_canonical_max(c, b))
            raise_fault(c, VEC_GP, 0, R_GP_TABLE_NONCANONICAL, b, 0, 0);
    } else if (i->bits == 16) {
        b &= 0xffffff;
    }
    *limit = load16(bytes);
    *base = b;
}

void op_sgdt(struct cpu *c, const struct insn *i)
{
    table_store(c, i, c->gdtr_limit, c->gdtr_base);
}

void op_sidt(struct cpu *c, const struct insn *i)
{
    table_store(c, i, c->idtr_limit, c->idtr_base);
}

void op_lgdt(struct cpu *c, const struct insn *i)
{
    table_load(c, i, &c->gdtr_limit, &c->gdtr_base);
}

void op_lidt(struct cpu *c, const struct insn *i)
{
    table_load(c, i, &c->idtr_limit, &c->idtr_base);
}

/* ---- TLB and caches ---- */

static uint16_t current_pcid(const struct cpu *c)
{
    return c->cr4 & CR4_PCIDE ? c->cr3 & CR3_PCID : 0;
}

/* INVLPG: no segment checks; a non-canonical address is a no-operation. */
void op_invlpg(struct cpu *c, const struct insn *i)
{
    uint64_t la = la_unchecked(c, INSN_SEG(i), ea(c, i));
    if (la_canonical(c, la))
        mmu_flush_page(&c->mmu, la, current_pcid(c));
    c->leave = true;
}

/* INVPCID r, m128. Intel SDM vol 2, INVPCID. */
void op_invpcid(struct cpu *c, const struct insn *i)
{
    enum { ADDRESS, CONTEXT, ALL_WITH_GLOBAL, ALL_BUT_GLOBAL };
    uint64_t type = reg_get(c, i->reg, i->bits), la;
    uint8_t bytes[16];
    uint64_t first;

    mem_read(c, INSN_SEG(i), ea(c, i), bytes, 16);
    first = load64(bytes);
    la = load64(bytes + 8);
    if (type > ALL_BUT_GLOBAL)
        raise_fault(c, VEC_GP, 0, R_GP_INVPCID_TYPE, type, 0, 0);
    if (first >> 12)
        raise_fault(c, VEC_GP, 0, R_GP_INVPCID_RESERVED, first, 0, 0);
    if (type <= CONTEXT && first && !(c->cr4 & CR4_PCIDE))
        raise_fault(c, VEC_GP, 0, R_GP_INVPCID_PCID, first, 0, 0);
    if (type == ADDRESS && !la_canonical(c, la))
        raise_fault(c, VEC_GP, 0, R_GP_INVPCID_ADDRESS, la, 0, 0);
    switch (type) {
    case ADDRESS: mmu_flush_page(&c->mmu, la, (uint16_t)first); break;
    case CONTEXT: mmu_flush_local(&c->mmu, (uint16_t)first); break;
    case ALL_WITH_GLOBAL: mmu_flush_all(&c->mmu); break;
    default: mmu_flush_nonglobal(&c->mmu); break;
    }
    c->leave = true;
}

/* INVD, WBINVD: memory is never behind a cache here. */
void op_invd(struct cpu *c, const struct insn *i)
{
    (void)c, (void)i;
}

void op_wbinvd(struct cpu *c, const struct insn *i)
{
    (void)c, (void)i;
}

/* CLFLUSH, CLFLUSHOPT, CLWB: the checks of a byte load, and nothing to write back. */
void op_clflush(struct cpu *c, const struct insn *i)
{
    struct spans sp;
    mem_open(c, INSN_SEG(i), ea(c, i), 1, ACCESS_READ, &sp);
}

/* LFENCE, MFENCE, SFENCE: instructions are executed in order. */
void op_fence(struct cpu *c, const struct insn *i)
{
    (void)c, (void)i;
}

/* PREFETCHh, PREFETCHW: hints that never fault. */
void op_prefetch(struct cpu *c, const struct insn *i)
{
    (void)c, (void)i;
}

/* ---- identification and counters ---- */

void op_cpuid(struct cpu *c, const struct insn *i)
{
    uint32_t out[4];
    (void)i;
    if (low(c, RAX) == 1 && cpu_has(c, CPUID_I686))
        c->microcode = (uint64_t)c->model->microcode << 32; /* see IA32_BIOS_SIGN_ID */
    cpu_cpuid(c, low(c, RAX), low(c, RCX), out);
    c->gpr[RAX] = out[REG_EAX];
    c->gpr[RBX] = out[REG_EBX];
    c->gpr[RCX] = out[REG_ECX];
    c->gpr[RDX] = out[REG_EDX];
}

static void to_edx_eax(struct cpu *c, uint64_t v)
{
    c->gpr[RAX] = (uint32_t)v;
    c->gpr[RDX] = v >> 32;
}

static uint64_t edx_eax(const struct cpu *c)
{
    return (uint64_t)low(c, RDX) << 32 | low(c, RAX);
}

static void check_tsd(struct cpu *c)
{
    if (c->cpl != 0 && (c->cr4 & CR4_TSD))
        raise_fault(c, VEC_GP, 0, R_GP_TSD, c->cpl, 0, 0);
}

void op_rdtsc(struct cpu *c, const struct insn *i)
{
    (void)i;
    check_tsd(c);
    to_edx_eax(c, cpu_tsc(c));
}

void op_rdtscp(struct cpu *c, const struct insn *i)
{
    (void)i;
    check_tsd(c);
    to_edx_eax(c, cpu_tsc(c));
    c->gpr[RCX] = (uint32_t)c->tsc_aux;
}

void op_rdpid(struct cpu *c, const struct insn *i)
{
    reg_set(c, i->rm, i->bits, (uint32_t)c->tsc_aux);
}

/* RDPMC: the two counters of the P6 family, which do not count here. */
void op_rdpmc(struct cpu *c, const struct insn *i)
{
    (void)i;
    if (c->cpl != 0 && !(c->cr4 & CR4_PCE))
        raise_fault(c, VEC_GP, 0, R_GP_PCE, c->cpl, 0, 0);
    if (low(c, RCX) > 1)
        raise_fault(c, VEC_GP, 0, R_GP_PMC, low(c, RCX), 0, 0);
    to_edx_eax(c, 0);
}

/* splitmix64 (Steele, Lea, Flood 2014): the same numbers in every run with one seed. */
static uint64_t random_next(struct cpu *c)
{
    uint64_t z = c->random += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* RDRAND, RDSEED: always ready, so CF = 1; the other five flags are cleared. */
void op_rdrand(struct cpu *c, const struct insn *i)
{
    reg_set(c, i->rm, i->bits, random_next(c));
    lazy_put(&c->lazy, FLAG_CF);
}

/* ---- model-specific registers ---- */

void op_rdmsr(struct cpu *c, const struct insn *i)
{
    uint64_t v;
    enum reason why = msr_read(c, low(c, RCX), &v);
    (void)i;
    if (why != R_NONE)
        raise_fault(c, VEC_GP, 0, why, low(c, RCX), 0, 0);
    to_edx_eax(c, v);
}

void op_wrmsr(struct cpu *c, const struct insn *i)
{
    uint64_t v = edx_eax(c), detail;
    enum reason why = msr_write(c, low(c, RCX), v, &detail);
    (void)i;
    if (why != R_NONE)
        raise_fault(c, VEC_GP, 0, why, low(c, RCX), v, detail);
    c->leave = true; /* mode, deliverability, segment bases */
}

/* ---- waiting ---- */

void op_hlt(struct cpu *c, const struct insn *i)
{
    (void)i;
    c->activity = ACTIVITY_HALT;
    c->leave = true;
}

static void check_monitor(struct cpu *c, uint32_t extensions)
{
    if (c->cpl != 0)
        raise_fault(c, VEC_UD, 0, R_UD_MONITOR_CPL, c->cpl, 0, 0);
    if (!(c->misc_enable & MISC_MONITOR))
        RAISE_UD(c, R_UD_MONITOR_OFF);
    if (low(c, RCX) & ~extensions)
        raise_fault(c, VEC_GP, 0, R_GP_MONITOR_ECX, low(c, RCX), 0, 0);
}

/* MONITOR: arms on the 64-byte line at DS:rAX (or another segment). */
void op_monitor(struct cpu *c, const struct insn *i)
{
    struct spans sp;
    uint64_t a = c->gpr[RAX];

    check_monitor(c, 0);
    if (INSN_ASIZE(i) == 0)
        a = (uint16_t)a;
    else if (INSN_ASIZE(i) == 1)
        a = (uint32_t)a;
    mem_open(c, INSN_SEG(i), a, 1, ACCESS_READ, &sp);
    code_cache_monitor(c, sp.part[0].where.v & ~63ull);
}

/* MWAIT: waits while armed: until a store to the line, by whomever. It may end early for any
 * reason (vol 2, MWAIT). */
void op_mwait(struct cpu *c, const struct insn *i)
{
    (void)i;
    check_monitor(c, 1);
    if (c->monitor_pa == UINT64_MAX)
        return;
    c->mwait_breaks = low(c, RCX) & 1;
    c->activity = ACTIVITY_MWAIT;
    c->leave = true;
}

/* ---- FS and GS bases, SMAP, protection keys ---- */

static void check_fsgsbase(struct cpu *c)
{
    if (!(c->cr4 & CR4_FSGSBASE))
        RAISE_UD(c, R_UD_FSGSBASE);
}

static void base_read(struct cpu *c, const struct insn *i, enum sreg s)
{
    check_fsgsbase(c);
    reg_set(c, i->rm, i->bits, c->seg[s].base);
}

static void base_write(struct cpu *c, const struct insn *i, enum sreg s)
{
    uint64_t v = reg_get(c, i->rm, i->bits);
    check_fsgsbase(c);
    if (!la_canonical_max(c, v))
        raise_fault(c, VEC_GP, 0, R_GP_BASE_NONCANONICAL, v, 0, 0);
    c->seg[s].base = v;
    seg_derive(c, s);
}

void op_rdfsbase(struct cpu *c, const struct insn *i)
{
    base_read(c, i, FS);
}

void op_rdgsbase(struct cpu *c, const struct insn *i)
{
    base_read(c, i, GS);
}

void op_wrfsbase(struct cpu *c, const struct insn *i)
{
    base_write(c, i, FS);
}

void op_wrgsbase(struct cpu *c, const struct insn *i)
{
    base_write(c, i, GS);
}

void op_swapgs(struct cpu *c, const struct insn *i)
{
    uint64_t base = c->seg[GS].base;
    (void)i;
    c->seg[GS].base = c->kernel_gs_base;
    c->kernel_gs_base = base;
    seg_derive(c, GS);
}

static void ac_set(struct cpu *c, bool on)
{
    if (c->cpl != 0)
        raise_fault(c, VEC_UD, 0, R_UD_AC_CPL, c->cpl, 0, 0);
    c->eflags = on ? c->eflags | FLAG_AC : c->eflags & ~(uint32_t)FLAG_AC;
    cpu_derive(c);
}

void op_clac(struct cpu *c, const struct insn *i)
{
    (void)i;
    ac_set(c, false);
}

void op_stac(struct cpu *c, const struct insn *i)
{
    (void)i;
    ac_set(c, true);
}

void pkru_load(struct cpu *c, uint32_t value)
{
    if (c->pkru == value)
        return;
    c->pkru = value;
    cpu_derive(c); /* mmu_select() drops what the key rights had allowed */
    c->leave = true;
}

static void check_pkru(struct cpu *c, uint32_t edx)
{
    if (!(c->cr4 & CR4_PKE))
        RAISE_UD(c, R_UD_PKE);
    if (low(c, RCX) || edx)
        raise_fault(c, VEC_GP, 0, R_GP_PKRU, low(c, RCX), edx, 0);
}

void op_rdpkru(struct cpu *c, const struct insn *i)
{
    (void)i;
    check_pkru(c, 0);
    to_edx_eax(c, c->pkru);
}

void op_wrpkru(struct cpu *c, const struct insn *i)
{
    (void)i;
    check_pkru(c, low(c, RDX));
    pkru_load(c, low(c, RAX));
}

/* ---- XCR0 ---- */

static void check_osxsave(struct cpu *c)
{
    if (!(c->cr4 & CR4_OSXSAVE))
        RAISE_UD(c, R_UD_OSXSAVE);
}

void op_xgetbv(struct cpu *c, const struct insn *i)
{
    uint32_t n = low(c, RCX);
    (void)i;
    check_osxsave(c);
    if (n == 0)
        to_edx_eax(c, c->xcr0);
    else if (n == 1 && cpu_has(c, CPUID_XGETBV1))
        to_edx_eax(c, c->xcr0 & xsave_in_use(c));
    else
        raise_fault(c, VEC_GP, 0, R_GP_XCR, n, 0, 0);
}

/* #UD without OSXSAVE goes before #GP for the privilege: the row is not marked CPL0. */
void op_xsetbv(struct cpu *c, const struct insn *i)
{
    uint64_t v = edx_eax(c);
    (void)i;
    check_osxsave(c);
    if (c->cpl != 0)
        raise_fault(c, VEC_GP, 0, R_GP_CPL0, c->cpl, 0, 0);
    if (low(c, RCX) != 0)
        raise_fault(c, VEC_GP, 0, R_GP_XCR, low(c, RCX), 0, 0);
    if (!xcr0_valid(c, v))
        raise_fault(c, VEC_GP, 0, R_GP_XCR0, v, xcr0_supported(c), 0);
    c->xcr0 = v;
    cpu_derive(c);
    c->leave = true;
}

/* ---- system management ---- */

void op_rsm(struct cpu *c, const struct insn *i)
{
    (void)i;
    if (!c->in_smm)
        RAISE_UD(c, R_UD_RSM);
    smm_leave(c);
}

/* ---- ports ---- */

static unsigned port_bits(const struct insn *i)
{
    return i->bits < 32 ? i->bits : 32; /* REX.W changes nothing */
}

static void in(struct cpu *c, const struct insn *i, uint16_t port)
{
    unsigned bits = port_bits(i);
    uint32_t v = port_in(c, port, bits / 8);
    reg_set(c, reg_offset(RAX, bits, false), bits, v);
}

static void out(struct cpu *c, const struct insn *i, uint16_t port)
{
    unsigned bits = port_bits(i);
    port_out(c, port, bits / 8,
             (uint32_t)reg_get(c, reg_offset(RAX, bits, false), bits));
}

void op_in_imm(struct cpu *c, const struct insn *i)
{
    in(c, i, (uint8_t)i->imm);
}

void op_in_dx(struct cpu *c, const struct insn *i)
{
    in(c, i, (uint16_t)c->gpr[RDX]);
}

void op_out_imm(struct cpu *c, const struct insn *i)
{
    out(c, i, (uint8_t)i->imm);
}

void op_out_dx(struct cpu *c, const struct insn *i)
{
    out(c, i, (uint16_t)c->gpr[RDX]);
}
