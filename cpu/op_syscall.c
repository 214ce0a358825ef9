/* op_syscall.c - SYSCALL, SYSRET, SYSENTER, SYSEXIT: flat segments without descriptors.
 *
 * Intel semantics. AMD's differ: SYSCALL also outside 64-bit mode, SYSENTER not in
 * IA-32e mode, SYSRET leaves SS's hidden part alone. No model here is AMD's.
 */
#include "cpu/operand.h"
#include "cpu/segment.h"
#include "cpu/system.h"

/* Hidden parts that these instructions load: base 0, limit 4 GiB, present, accessed. */
enum {
    FLAT = SEG_P | SEG_S | SEG_G | SEG_ACCESSED,
    FLAT_CODE = FLAT | SEG_CODE | SEG_READABLE,
    FLAT_CODE32 = FLAT_CODE | SEG_DB,
    FLAT_CODE64 = FLAT_CODE | SEG_L,
    FLAT_DATA = FLAT | SEG_WRITABLE | SEG_DB,
};

static void flat(struct cpu *c, enum sreg s, unsigned selector, unsigned attr,
                 unsigned dpl)
{
    struct segment *g = &c->seg[s];
    g->selector = (uint16_t)selector;
    g->attr = (uint16_t)(attr | dpl << 5);
    g->limit = 0xffffffff;
    g->base = 0;
    g->usable = true;
}

/* After CS, SS and RIP are in place. */
static void arrive(struct cpu *c, unsigned cpl)
{
    c->cpl = (uint8_t)cpl;
    cpu_derive(c);
    seg_derive(c, CS);
    seg_derive(c, SS);
    if (cpu_must_look(c))
        c->leave = true;
}

static void check_syscall(struct cpu *c)
{
    if (!cpu_code64(c))
        RAISE_UD(c, R_UD_SYSCALL_MODE);
    if (!(c->efer & EFER_SCE))
        RAISE_UD(c, R_UD_SCE);
}

static void flags_set(struct cpu *c, uint64_t flags)
{
    c->eflags = ((uint32_t)flags & ~(uint32_t)FLAGS_ARITH) | 2;
    lazy_put(&c->lazy, (uint32_t)flags);
}

void op_syscall(struct cpu *c, const struct insn *i)
{
    unsigned cs = c->star >> 32 & 0xfffc;
    uint64_t flags;
    (void)i;
    check_syscall(c);
    flags = cpu_flags(c);
    c->gpr[RCX] = c->rip;
    c->gpr[R11] = flags;
    c->rip = c->lstar;
    flags_set(c, flags & ~(c->fmask | FLAG_RF | FLAG_VM));
    flat(c, CS, cs, FLAT_CODE64, 0);
    flat(c, SS, cs + 8, FLAT_DATA, 0);
    arrive(c, 0);
}

void op_sysret(struct cpu *c, const struct insn *i)
{
    enum { SETTABLE = 0x3c7fd7 };
    unsigned base = c->star >> 48 & 0xffff;
    check_syscall(c);
    if (c->cpl != 0)
        raise_fault(c, VEC_GP, 0, R_GP_CPL0, c->cpl, 0, 0);
    if (i->form & FORM_W) {
        /* Intel checks here, still at CPL 0: the stack may be the user's by now. */
        if (!la_canonical(c, c->gpr[RCX]))
            raise_fault(c, VEC_GP, 0, R_GP_SYSRET_RIP, c->gpr[RCX], 0, 0);
        c->rip = c->gpr[RCX];
        flat(c, CS, (base + 16) | 3, FLAT_CODE64, 3);
    } else {
        c->rip = (uint32_t)c->gpr[RCX];
        flat(c, CS, base | 3, FLAT_CODE32, 3);
    }
    flags_set(c, c->gpr[R11] & SETTABLE);
    flat(c, SS, (base + 8) | 3, FLAT_DATA, 3);
    arrive(c, 3);
}

/* Null: bits 15:2 all 0. */
static unsigned check_sysenter(struct cpu *c)
{
    if (!(c->cr0 & CR0_PE))
        RAISE_GP0(c, R_GP_SYSENTER_REAL);
    if (!(c->sysenter_cs & 0xfffc))
        raise_fault(c, VEC_GP, 0, R_GP_SYSENTER_CS, c->sysenter_cs, 0, 0);
    return c->sysenter_cs & 0xfffc;
}

void op_sysenter(struct cpu *c, const struct insn *i)
{
    unsigned cs = check_sysenter(c);
    bool wide = c->efer & EFER_LMA;
    (void)i;
    c->eflags &= ~(uint32_t)(FLAG_VM | FLAG_IF | FLAG_RF);
    c->gpr[RSP] = wide ? c->sysenter_esp : (uint32_t)c->sysenter_esp;
    c->rip = wide ? c->sysenter_eip : (uint32_t)c->sysenter_eip;
    flat(c, CS, cs, wide ? FLAT_CODE64 : FLAT_CODE32, 0);
    flat(c, SS, cs + 8, FLAT_DATA, 0);
    arrive(c, 0);
}

void op_sysexit(struct cpu *c, const struct insn *i)
{
    unsigned cs = check_sysenter(c);
    if (c->cpl != 0)
        raise_fault(c, VEC_GP, 0, R_GP_CPL0, c->cpl, 0, 0);
    if (i->form & FORM_W) {
        if (!la_canonical(c, c->gpr[RDX]) || !la_canonical(c, c->gpr[RCX]))
            raise_fault(c, VEC_GP, 0, R_GP_SYSEXIT_TARGET, c->gpr[RDX], c->gpr[RCX], 0);
        c->gpr[RSP] = c->gpr[RCX];
        c->rip = c->gpr[RDX];
        flat(c, CS, (cs + 32) | 3, FLAT_CODE64, 3);
        flat(c, SS, (cs + 40) | 3, FLAT_DATA, 3);
    } else {
        c->gpr[RSP] = (uint32_t)c->gpr[RCX];
        c->rip = (uint32_t)c->gpr[RDX];
        flat(c, CS, (cs + 16) | 3, FLAT_CODE32, 3);
        flat(c, SS, (cs + 24) | 3, FLAT_DATA, 3);
    }
    arrive(c, 3);
}
