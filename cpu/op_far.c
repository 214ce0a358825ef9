/* op_far.c - JMP, CALL and RET to another code segment, gate or task.
 *
 * Intel SDM vol 3A 5.8 (control transfers), 7.3 (task switching); JMP, CALL and RET in
 * vol 2.
 */
#include "cpu/isa.h"
#include "cpu/operand.h"
#include "cpu/transfer.h"

static uint64_t truncated(uint64_t v, unsigned bits)
{
    return bits == 16 ? (uint16_t)v : bits == 32 ? (uint32_t)v : v;
}

static void done(struct cpu *c)
{
    cpu_derive(c);
    c->leave = true;
}

/* ---- real and virtual-8086 mode ---- */

static void far_real(struct cpu *c, unsigned bits, uint16_t selector, uint64_t offset,
                     bool call)
{
    struct frame f;

    if (offset > c->seg[CS].limit)
        raise_fault(c, VEC_GP, 0, R_GP_RIP_LIMIT, offset, c->seg[CS].limit, 0);
    if (call) {
        frame_here(c, &f, bits);
        frame_push(&f, c->seg[CS].selector);
        frame_push(&f, c->rip);
        frame_open(c, &f);
        frame_write(c, &f);
        set_sp(c, frame_sp(&f));
    }
    seg_load_real(c, CS, selector);
    c->rip = offset;
    done(c);
}

/* ---- protected mode ---- */

static void far_direct(struct cpu *c, unsigned bits, struct descriptor *cs,
                       uint64_t offset, bool call)
{
    uint16_t selector = cs->selector;
    unsigned dpl = ATTR_DPL(cs->attr);
    struct frame f;

    if (!(cs->attr & SEG_CODE))
        raise_selector(c, VEC_GP, selector, R_CS_TYPE, cs->attr & 0x1f, 0);
    if (cpu_long_mode(c) && (cs->attr & SEG_L) && (cs->attr & SEG_DB))
        raise_selector(c, VEC_GP, selector, R_CS_L_AND_D, 0, 0);
    if (IS_CONFORMING(cs->attr)) {
        if (dpl > c->cpl)
            raise_selector(c, VEC_GP, selector, R_FAR_CONFORMING, dpl, c->cpl);
    } else {
        if (RPL(selector) > c->cpl)
            raise_selector(c, VEC_GP, selector, R_FAR_RPL, RPL(selector), c->cpl);
        if (dpl != c->cpl)
            raise_selector(c, VEC_GP, selector, R_FAR_DPL, dpl, c->cpl);
    }
    if (!(cs->attr & SEG_P))
        raise_selector(c, VEC_NP, selector, R_NP_CODE, 0, 0);
    descriptor_touch(c, cs);
    if (call) {
        frame_here(c, &f, bits);
        frame_push(&f, c->seg[CS].selector);
        frame_push(&f, c->rip);
        frame_open(c, &f);
    }
    target_check(c, cs, offset);

    if (call) {
        frame_write(c, &f);
        set_sp(c, frame_sp(&f));
    }
    code_set(c, cs, c->cpl);
    c->rip = offset;
    done(c);
}

/* CALL through a gate to an inner level: its stack gets the caller's SS:SP, parameters
 * and CS:IP. */
static void call_inner(struct cpu *c, unsigned bits, const struct descriptor *cs,
                       uint64_t offset, unsigned params)
{
    unsigned cpl = ATTR_DPL(cs->attr), bytes = bits / 8;
    struct descriptor ss;
    struct segment stack;
    struct frame f;
    uint32_t esp = 0;
    bool wide = bits == 64;

    frame_here(c, &f, bits);
    if (wide) {
        f.cpl = (uint8_t)cpl;
        f.wide = true;
        f.sp = inner_rsp(c, cpl, 0);
        f.mask = UINT64_MAX;
    } else {
        frame_to_inner(c, &f, cpl, &ss, &stack);
        esp = (uint32_t)f.sp;
    }
    frame_push(&f, c->seg[SS].selector);
    frame_push(&f, c->gpr[RSP]);
    for (unsigned n = params; n-- > 0;)
        frame_push(&f, stack_peek(c, bits, n * bytes));
    frame_push(&f, c->seg[CS].selector);
    frame_push(&f, c->rip);
    frame_open(c, &f);
    target_check(c, cs, offset);

    frame_write(c, &f);
    code_set(c, cs, cpl);
    if (wide) {
        return_stack_set(c, (uint16_t)cpl, false, NULL);
        c->gpr[RSP] = frame_sp(&f);
    } else {
        return_stack_set(c, 0, true, &ss);
        c->gpr[RSP] = sp_merge(esp, f.mask, frame_sp(&f));
    }
    c->rip = offset;
    done(c);
}

static void far_gate(struct cpu *c, const struct descriptor *gate, bool call)
{
    uint16_t through = gate->selector, selector = (uint16_t)(gate->raw >> 16);
    bool wide = cpu_long_mode(c), to_16 = (gate->attr & SEG_TYPE) == SYS_GATE16;
    unsigned bits = wide ? 64 : to_16 ? 16 : 32, dpl = ATTR_DPL(gate->attr);
    uint64_t offset = gate->raw & 0xffff;
    struct descriptor cs;
    struct frame f;

    if (!to_16)
        offset |= gate->raw >> 32 & 0xffff0000;
    if (wide) {
        offset |= gate->high << 32;
        if (gate->high >> 40 & 0x1f)
            raise_selector(c, VEC_GP, through, R_GATE_UPPER, gate->high >> 40 & 0x1f,
                           0);
    }
    if (c->cpl > dpl)
        raise_selector(c, VEC_GP, through, R_GATE_CPL, c->cpl, dpl);
    if (RPL(through) > dpl)
        raise_selector(c, VEC_GP, through, R_GATE_RPL, RPL(through), dpl);
    if (!(gate->attr & SEG_P))
        raise_selector(c, VEC_NP, through, R_NP_GATE, 0, 0);

    if (IS_NULL(selector))
        raise_fault(c, VEC_GP, 0, R_GATE_NULL, through, 0, 0);
    if (!descriptor_read(c, selector, &cs))
        raise_outside_table(c, VEC_GP, selector);
    dpl = ATTR_DPL(cs.attr);
    if (!IS_CODE(cs.attr))
        raise_selector(c, VEC_GP, selector, R_CS_TYPE, cs.attr & 0x1f, 0);
    if (dpl > c->cpl)
        raise_selector(c, VEC_GP, selector, R_GATE_OUTWARD, dpl, c->cpl);
    if (!call && !IS_CONFORMING(cs.attr) && dpl != c->cpl)
        raise_selector(c, VEC_GP, selector, R_GATE_JUMP, dpl, c->cpl);
    if (wide && (cs.attr & (SEG_L | SEG_DB)) != SEG_L)
        raise_selector(c, VEC_GP, selector, R_GATE_NOT_64, 0, 0);
    if (!(cs.attr & SEG_P))
        raise_selector(c, VEC_NP, selector, R_NP_CODE, 0, 0);
    descriptor_touch(c, &cs);

    if (call && !IS_CONFORMING(cs.attr) && dpl < c->cpl) {
        call_inner(c, bits, &cs, offset, wide ? 0 : gate->raw >> 32 & 31);
        return;
    }
    if (call) {
        frame_here(c, &f, bits);
        if (wide) { /* the callee is 64-bit code, even when the caller is not */
            f.wide = true;
            f.mask = UINT64_MAX;
        }
        frame_push(&f, c->seg[CS].selector);
        frame_push(&f, c->rip);
        frame_open(c, &f);
    }
    target_check(c, &cs, offset);

    if (call) {
        frame_write(c, &f);
        c->gpr[RSP] = sp_merge(c->gpr[RSP], f.mask, frame_sp(&f));
    }
    code_set(c, &cs, c->cpl);
    c->rip = offset;
    done(c);
}

static void far_task(struct cpu *c, struct descriptor *d, bool call)
{
    uint16_t through = d->selector;
    unsigned dpl = ATTR_DPL(d->attr);
    struct descriptor tss;

    if (c->cpl > dpl)
        raise_selector(c, VEC_GP, through, R_TASK_CPL, c->cpl, dpl);
    if (RPL(through) > dpl)
        raise_selector(c, VEC_GP, through, R_TASK_RPL, RPL(through), dpl);
    if ((d->attr & SEG_TYPE) == SYS_TASK_GATE) {
        if (!(d->attr & SEG_P))
            raise_selector(c, VEC_NP, through, R_NP_GATE, 0, 0);
        task_find(c, (uint16_t)(d->raw >> 16), &tss);
        d = &tss;
    } else if (through & SEL_TI) {
        raise_selector(c, VEC_GP, through, R_TASK_IN_LDT, 0, 0);
    } else if (d->attr & SYS_BUSY) {
        raise_selector(c, VEC_GP, through, R_TASK_BUSY, 0, 0);
    }
    task_switch(c, d, call ? TASK_CALL : TASK_JUMP, c->rip);
    c->leave = true;
}

static void far_transfer(struct cpu *c, unsigned bits, uint16_t selector,
                         uint64_t offset, bool call)
{
    struct descriptor d;

    offset = truncated(offset, bits);
    if (!cpu_protected(c)) {
        far_real(c, bits, selector, offset, call);
        return;
    }
    if (IS_NULL(selector))
        raise_fault(c, VEC_GP, 0, R_FAR_NULL, selector, 0, 0);
    if (!descriptor_read(c, selector, &d))
        raise_outside_table(c, VEC_GP, selector);
    if (d.attr & SEG_S) {
        far_direct(c, bits, &d, offset, call);
        return;
    }
    switch (d.attr & SEG_TYPE) {
    case SYS_GATE32: far_gate(c, &d, call); return;
    case SYS_GATE16:
        if (!cpu_long_mode(c)) {
            far_gate(c, &d, call);
            return;
        }
        break;
    case SYS_TASK_GATE:
    case SYS_TSS16:
    case SYS_TSS16_BUSY:
    case SYS_TSS32:
    case SYS_TSS32_BUSY:
        if (!cpu_long_mode(c)) {
            far_task(c, &d, call);
            return;
        }
        raise_selector(c, VEC_GP, selector, R_FAR_TASK_LONG, d.attr & SEG_TYPE, 0);
    default: break;
    }
    raise_selector(c, VEC_GP, selector, R_FAR_SYSTEM, d.attr & SEG_TYPE, 0);
}

/* m16:16, m16:32, m16:64: the offset, then the selector. */
static void far_memory(struct cpu *c, const struct insn *i, bool call)
{
    unsigned bytes = i->bits / 8, segment = INSN_SEG(i);
    uint64_t at = ea(c, i), next = at + bytes;
    uint64_t offset = mem_load(c, segment, at, bytes);

    next = INSN_ASIZE(i) == 0   ? (uint16_t)next
           : INSN_ASIZE(i) == 1 ? (uint32_t)next
                                : next;
    far_transfer(c, i->bits, (uint16_t)mem_load(c, segment, next, 2), offset, call);
}

void op_jmp_far(struct cpu *c, const struct insn *i)
{
    far_transfer(c, i->bits, (uint16_t)i->disp, (uint32_t)i->imm, false);
}

void op_call_far(struct cpu *c, const struct insn *i)
{
    far_transfer(c, i->bits, (uint16_t)i->disp, (uint32_t)i->imm, true);
}

void op_jmp_far_mem(struct cpu *c, const struct insn *i)
{
    far_memory(c, i, false);
}

void op_call_far_mem(struct cpu *c, const struct insn *i)
{
    far_memory(c, i, true);
}

/* ---- RET far ---- */

/* released: bytes of parameters, taken off both stacks when the level changes. */
static void far_return(struct cpu *c, unsigned bits, unsigned released)
{
    unsigned bytes = bits / 8;
    uint64_t rip = stack_peek(c, bits, 0), sp = 0, mask = stack_mask(c);
    uint16_t selector = (uint16_t)stack_peek(c, bits, bytes), stack = 0;
    struct descriptor cs, ss;
    bool outer, usable = false;

    if (!cpu_protected(c)) {
        if (rip > c->seg[CS].limit)
            raise_fault(c, VEC_GP, 0, R_GP_RIP_LIMIT, rip, c->seg[CS].limit, 0);
        set_sp(c, c->gpr[RSP] + 2 * bytes + released);
        seg_load_real(c, CS, selector);
        c->rip = rip;
        done(c);
        return;
    }
    return_code_check(c, selector, &cs);
    outer = RPL(selector) > c->cpl;
    if (outer) {
        sp = stack_peek(c, bits, 2 * bytes + released);
        stack = (uint16_t)stack_peek(c, bits, 3 * bytes + released);
        usable = return_stack_check(c, stack, &cs, &ss);
    }
    target_check(c, &cs, rip);

    if (outer) {
        code_set(c, &cs, RPL(selector));
        return_stack_set(c, stack, usable, &ss);
        mask = is_code64(c, cs.attr) ? UINT64_MAX
                                     : segment_stack_mask(usable ? ss.attr : 0);
        c->gpr[RSP] = sp_merge(c->gpr[RSP], mask, sp + released);
        hide_inner_segments(c);
    } else {
        code_set(c, &cs, c->cpl);
        c->gpr[RSP] = sp_merge(c->gpr[RSP], mask, c->gpr[RSP] + 2 * bytes + released);
    }
    c->rip = rip;
    done(c);
}

void op_ret_far(struct cpu *c, const struct insn *i)
{
    far_return(c, i->bits, 0);
}

void op_ret_far_imm(struct cpu *c, const struct insn *i)
{
    far_return(c, i->bits, (uint16_t)i->imm);
}
