/* op_iret.c - IRET, IRETD, IRETQ: back from an interrupt, a task, or into virtual-8086
 * mode. Intel SDM vol 2, IRET; vol 3A 6.12, 7.4, 20.2.
 */
#include "cpu/isa.h"
#include "cpu/operand.h"
#include "cpu/transfer.h"

/* The flags that IRET with this operand size may change at this CPL and IOPL. */
static uint32_t writable_flags(const struct cpu *c, unsigned bits)
{
    uint32_t mask = FLAGS_ARITH | FLAG_TF | FLAG_DF | FLAG_NT;

    if (bits != 16)
        mask |= FLAG_RF | FLAG_AC | FLAG_ID;
    if (!cpu_protected(c) && !cpu_vm86(c))
        return mask | FLAG_IF | FLAG_IOPL;
    if (cpu_vm86(c)) /* with IOPL 3: else it is another story */
        return mask | FLAG_IF;
    if (c->cpl <= (c->eflags & FLAG_IOPL) >> 12)
        mask |= FLAG_IF;
    if (c->cpl == 0)
        mask |= FLAG_IOPL | (bits != 16 ? FLAG_VIF | FLAG_VIP : 0);
    return mask;
}

/* mask has the six arithmetic flags. */
static void load_flags(struct cpu *c, uint64_t image, uint32_t mask)
{
    flags_load(c, (cpu_eflags(c) & ~(uint64_t)mask) | (image & mask));
}

/* The value `at` bytes up the stack: from `top`, stack_probe()'s answer, if it has one. */
static ALWAYS_INLINE uint64_t popped(struct cpu *c, const uint8_t *top, unsigned bits,
                                     unsigned at)
{
    return LIKELY(top != NULL) ? load_le(top + at, bits / 8) : stack_peek(c, bits, at);
}

static void done(struct cpu *c)
{
    cpu_derive(c);
    if (cpu_must_look(c))
        c->leave = true;
}

static void iret_real(struct cpu *c, unsigned bits)
{
    unsigned bytes = bits / 8;
    uint64_t rip = stack_peek(c, bits, 0), image = stack_peek(c, bits, 2 * bytes);
    uint16_t selector = (uint16_t)stack_peek(c, bits, bytes);
    uint32_t mask = writable_flags(c, bits);

    if (rip > c->seg[CS].limit)
        raise_fault(c, VEC_GP, 0, R_GP_RIP_LIMIT, rip, c->seg[CS].limit, 0);
    if (cpu_vm86(c) && (c->eflags & FLAG_IOPL) != FLAG_IOPL) {
        /* Virtual-mode extensions: IF of the image is VIF (vol 3A 20.3.1). */
        if ((image & FLAG_TF) || ((image & FLAG_IF) && (c->eflags & FLAG_VIP)))
            RAISE_GP0(c, image & FLAG_TF ? R_VME_TF : R_VME_VIP);
        image = (image & ~(uint64_t)FLAG_VIF) | (image & FLAG_IF ? FLAG_VIF : 0);
        mask = (mask & ~(uint32_t)FLAG_IF) | FLAG_VIF;
    }
    set_sp(c, c->gpr[RSP] + 3 * bytes);
    seg_load_real(c, CS, selector);
    c->rip = rip;
    load_flags(c, image, mask);
    done(c);
}

static void iret_vm86(struct cpu *c, unsigned bits)
{
    uint16_t iopl = (c->eflags & FLAG_IOPL) >> 12;

    if (iopl < 3 && (!(c->cr4 & CR4_VME) || bits != 16))
        raise_fault(c, VEC_GP, 0, R_GP_VM86_IOPL, iopl, 0, 0);
    iret_real(c, bits);
}

/* VM = 1 in the image, popped at CPL 0. */
static void iret_to_vm86(struct cpu *c, uint64_t eip, uint16_t code, uint64_t image)
{
    static const uint8_t order[] = {SS, ES, DS, FS, GS};
    uint16_t selector[ARRAY_SIZE(order)];
    uint64_t esp = stack_peek(c, 32, 12);

    for (unsigned n = 0; n < ARRAY_SIZE(order); n++)
        selector[n] = (uint16_t)stack_peek(c, 32, 16 + 4 * n);
    if (eip > 0xffff)
        raise_fault(c, VEC_GP, 0, R_GP_RIP_LIMIT, eip, 0xffff, 0);

    flags_load(c, image);
    c->cpl = 3;
    c->mode &= ~(uint32_t)MODE_PROTECTED; /* seg_load_real asks */
    c->mode |= MODE_VM86;
    seg_load_real(c, CS, code);
    for (unsigned n = 0; n < ARRAY_SIZE(order); n++)
        seg_load_real(c, order[n], selector[n]);
    c->gpr[RSP] = esp;
    c->rip = eip;
    done(c);
}

static void iret_task(struct cpu *c)
{
    uint16_t link = (uint16_t)sys_load(c, c->tr.base, 2);
    struct descriptor tss;
    unsigned type;

    if ((link & SEL_TI) || IS_NULL(link))
        raise_selector(c, VEC_TS, link, R_TS_LINK, 0, 0);
    if (!descriptor_read(c, link, &tss))
        raise_outside_table(c, VEC_TS, link);
    type = tss.attr & 0x1f;
    if (type != SYS_TSS16_BUSY && type != SYS_TSS32_BUSY)
        raise_selector(c, VEC_TS, link, R_TS_LINK_TYPE, type, 0);
    task_switch(c, &tss, TASK_RETURN, c->rip);
    c->leave = true;
}

static void iret_protected(struct cpu *c, unsigned bits)
{
    unsigned bytes = bits / 8;
    uint64_t rip, image, sp = 0, mask;
    uint16_t selector, stack = 0;
    struct descriptor cs, ss;
    bool outer, pops_stack, usable = false;
    const uint8_t *top;
    uint32_t writable;

    if (c->eflags & FLAG_NT) {
        if (cpu_long_mode(c))
            RAISE_GP0(c, R_GP_NT_LONG);
        iret_task(c);
        return;
    }
    top = stack_probe(c, 5 * bytes);
    rip = popped(c, top, bits, 0);
    selector = (uint16_t)popped(c, top, bits, bytes);
    image = popped(c, top, bits, 2 * bytes);
    if ((image & FLAG_VM) && bits == 32 && c->cpl == 0 && !cpu_long_mode(c)) {
        iret_to_vm86(c, rip, selector, image);
        return;
    }
    return_code_check(c, selector, &cs);
    outer = RPL(selector) > c->cpl;
    pops_stack = outer || cpu_code64(c); /* 64-bit mode always pops SS:RSP */
    if (pops_stack) {
        sp = popped(c, top, bits, 3 * bytes);
        stack = (uint16_t)popped(c, top, bits, 4 * bytes);
        usable = return_stack_check(c, stack, &cs, &ss);
    }
    target_check(c, &cs, rip);

    writable = writable_flags(c, bits);
    if (pops_stack) {
        mask = is_code64(c, cs.attr) ? UINT64_MAX
                                     : segment_stack_mask(usable ? ss.attr : 0);
        return_stack_set(c, stack, usable, &ss);
        /* To a 16-bit stack only SP is loaded: the rest of ESP shows through. */
        c->gpr[RSP] = sp_merge(c->gpr[RSP], mask, sp);
    } else {
        mask = stack_mask(c);
        c->gpr[RSP] = sp_merge(c->gpr[RSP], mask, c->gpr[RSP] + 3 * bytes);
    }
    code_set(c, &cs, RPL(selector));
    if (outer)
        hide_inner_segments(c);
    load_flags(c, image, writable);
    c->rip = rip;
    done(c);
}

void op_iret(struct cpu *c, const struct insn *i)
{
    if (cpu_vm86(c)) {
        iret_vm86(c, i->bits);
        c->nmi_blocked = false;
        return;
    }
    /* Even an IRET that faults lets NMIs in again (SDM vol 3C 27.2.3, "NMI unblocking
     * due to IRET"). */
    c->nmi_blocked = false;
    if (cpu_protected(c))
        iret_protected(c, i->bits);
    else
        iret_real(c, i->bits);
}
