/* x87.c - pending errors, stack faults, tags, and the control instructions.
 *
 * An unmasked exception does not fault where it happens: it sets ES, and the next
 * waiting instruction raises #MF (SDM vol 1 8.7). With CR0.NE clear the FERR# pin tells
 * the board instead, which raises IRQ 13 (8.7.1); the pin moves when ES becomes set, so
 * the interrupt comes before the next instruction, and IGNNE# is taken as asserted: a
 * waiting instruction in the handler runs on.
 */
#include "cpu/x87_parts.h"

#include "cpu/fault.h"

/* ---- errors ---- */

void x87_pend(struct cpu *c)
{
    bool was = c->fsw & FSW_ES;

    c->fsw |= FSW_ES | FSW_B;
    if (!was && !(c->cr0 & 0x20)) {
        if (c->ferr)
            c->ferr(c->owner, c);
        c->leave = true;
    }
}

void x87_summarise(struct cpu *c)
{
    if (c->fsw & FSW_EXCEPTIONS & ~c->fcw)
        x87_pend(c);
    else
        c->fsw &= (uint16_t) ~(FSW_ES | FSW_B);
}

/* The exception that #MF reports: the first in the order of SDM vol 1 4.9.2. */
static enum reason pending_reason(const struct cpu *c)
{
    unsigned u = c->fsw & FSW_EXCEPTIONS & ~(unsigned)c->fcw;

    if (u & FSW_IE) {
        if (c->fsw & FSW_SF)
            return c->fsw & FSW_C1 ? R_MF_STACK_OVERFLOW : R_MF_STACK_UNDERFLOW;
        return R_MF_INVALID;
    }
    if (u & FSW_ZE)
        return R_MF_DIVZERO;
    if (u & FSW_DE)
        return R_MF_DENORMAL;
    if (u & FSW_OE)
        return R_MF_OVERFLOW;
    if (u & FSW_UE)
        return R_MF_UNDERFLOW;
    if (u & FSW_PE)
        return R_MF_INEXACT;
    return R_MF_LOADED;
}

static COLD void report(struct cpu *c)
{
    enum reason why = pending_reason(c);

    if (why == R_MF_LOADED)
        raise_fault(c, VEC_MF, 0, why, c->fsw, c->fcw, 0);
    raise_fault(c, VEC_MF, 0, why, c->fip, c->fop, c->fsw);
}

void x87_wait(struct cpu *c)
{
    if (UNLIKELY(c->fsw & FSW_ES) && (c->cr0 & 0x20))
        report(c);
}

bool x87_stack_underflow(struct cpu *c)
{
    c->fsw = (uint16_t)((c->fsw & ~FSW_C1) | FSW_SF);
    return !x87_raise(c, FP_INVALID);
}

bool x87_stack_overflow(struct cpu *c)
{
    c->fsw |= FSW_SF | FSW_C1;
    return !x87_raise(c, FP_INVALID);
}

/* ---- tags ---- */

uint16_t x87_full_tags(const struct cpu *c)
{
    unsigned tags = 0;

    for (unsigned r = 0; r < 8; r++) {
        struct f80 v = c->st[r];
        unsigned tag;
        if (c->ftw >> r & 1)
            tag = 3;
        else if (f80_is_normal(v))
            tag = 0;
        else
            tag = f80_is_zero(v) ? 1 : 2;
        tags |= tag << 2 * r;
    }
    return (uint16_t)tags;
}

/* Only empty or not is believed: SDM vol 1 8.1.7. */
void x87_set_tags(struct cpu *c, uint16_t full)
{
    c->ftw = 0;
    for (unsigned r = 0; r < 8; r++)
        if ((full >> 2 * r & 3) == 3)
            c->ftw |= (uint8_t)(1u << r);
}

/* ---- control ---- */

void x87_init(struct cpu *c)
{
    c->fcw = 0x37f;
    c->fsw = 0;
    c->ftw = 0xff;
    c->fop = 0;
    c->fip = c->fdp = 0;
    c->fcs = c->fds = 0;
}

X87(fninit)
{
    (void)i;
    x87_init(c);
}

X87(fnclex)
{
    (void)i;
    c->fsw &= (uint16_t) ~(FSW_EXCEPTIONS | FSW_SF | FSW_ES | FSW_B);
}

/* WAIT: #NM needs both MP and TS, unlike the other x87 instructions (SDM vol 3A 2.5).
 */
X87(fwait)
{
    (void)i;
    if ((c->cr0 & 0xa) == 0xa)
        raise_fault(c, VEC_NM, 0, R_NM_TS, 0, 0, 0);
    x87_wait(c);
}

X87(fldcw)
{
    uint16_t v;

    x87_wait(c);
    v = (uint16_t)x87_load(c, i, 2);
    c->fcw = (uint16_t)((v & 0x1f3f) | FCW_RESERVED);
    x87_summarise(c); /* unmasking an old exception makes it pending */
}

X87(fnstcw)
{
    x87_store(c, i, 2, c->fcw);
}

X87(fnstsw)
{
    x87_store(c, i, 2, c->fsw);
}

X87(fnstsw_ax)
{
    (void)i;
    reg_set(c, reg_offset(RAX, 16, false), 16, c->fsw);
}

X87(fnop)
{
    x87_wait(c);
    c->fip = c->insn_rip;
    c->fcs = c->seg[CS].selector;
    c->fop = (uint16_t)(i->imm & 0x7ff);
}

/* FENI, FDISI, FSETPM: of the 8087 and 287; the 387 and later ignore them. */
X87(fignored)
{
    (void)c;
    (void)i;
}

X87(ffree)
{
    x87_wait(c);
    x87_begin(c, i);
    st_free(c, i->rm);
}

/* Undocumented on Intel before the Pentium Pro, but in every x87: FFREE, then a pop. */
X87(ffreep)
{
    x87_wait(c);
    x87_begin(c, i);
    st_free(c, i->rm);
    st_pop(c);
}

X87(fincstp)
{
    x87_wait(c);
    x87_begin(c, i);
    x87_set_top(c, x87_top(c) + 1);
}

X87(fdecstp)
{
    x87_wait(c);
    x87_begin(c, i);
    x87_set_top(c, x87_top(c) - 1);
}
