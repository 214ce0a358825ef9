/* op_branch.c - near jumps, calls and returns, frames, flag bits, and doing nothing. */
#include "cpu/op_integer.h"

static uint64_t relative(const struct cpu *c, const struct insn *i)
{
    return c->rip + (uint64_t)(int64_t)i->imm;
}

void op_jmp_rel(struct cpu *c, const struct insn *i)
{
    jump_near(c, i->bits, relative(c, i));
}

void op_jmp_rm(struct cpu *c, const struct insn *i)
{
    jump_near(c, i->bits, rm_get(c, i, i->bits));
}

void op_jcc(struct cpu *c, const struct insn *i)
{
    if (lazy_cond(&c->lazy, i->aux))
        jump_near(c, i->bits, relative(c, i));
}

/* LOOP, LOOPE, LOOPNE: the count is committed once the jump is known to be good. */
static void loop_if(struct cpu *c, const struct insn *i, bool yes)
{
    unsigned bits = address_bits(i);
    uint64_t count = (c->gpr[RCX] - 1) & width_mask(bits);

    if (count && yes)
        jump_near(c, i->bits, relative(c, i));
    gpr_set(c, RCX, bits, count);
}

void op_loop(struct cpu *c, const struct insn *i)
{
    loop_if(c, i, true);
}

void op_loope(struct cpu *c, const struct insn *i)
{
    loop_if(c, i, lazy_zf(&c->lazy));
}

void op_loopne(struct cpu *c, const struct insn *i)
{
    loop_if(c, i, !lazy_zf(&c->lazy));
}

/* JCXZ, JECXZ, JRCXZ */
void op_jcxz(struct cpu *c, const struct insn *i)
{
    if (!gpr_get(c, RCX, address_bits(i)))
        jump_near(c, i->bits, relative(c, i));
}

void op_call_rel(struct cpu *c, const struct insn *i)
{
    uint64_t target = jump_check(c, i->bits, relative(c, i));
    push(c, i->bits, c->rip);
    c->rip = target;
}

void op_call_rm(struct cpu *c, const struct insn *i)
{
    uint64_t target = jump_check(c, i->bits, rm_get(c, i, i->bits));
    push(c, i->bits, c->rip);
    c->rip = target;
}

/* RET, RET Iw: imm is 0 without an operand. */
void op_ret(struct cpu *c, const struct insn *i)
{
    uint64_t target = jump_check(c, i->bits, stack_peek(c, i->bits, 0));
    set_sp(c, c->gpr[RSP] + i->bits / 8 + (uint16_t)i->imm);
    c->rip = target;
}

/* ---- frames ---- */

/* ENTER. What it stores below rSP before a fault is not architectural state; rSP and
 * rBP are committed last. SDM vol 2, ENTER. */
void op_enter(struct cpu *c, const struct insn *i)
{
    unsigned size = i->bits / 8, level = i->aux & 31;
    uint64_t mask = stack_mask(c);
    uint64_t sp = c->gpr[RSP] - size, bp = c->gpr[RBP], frame, keep = ~mask;
    struct spans unused;

    mem_store(c, SS, sp & mask, size, gpr_get(c, RBP, i->bits));
    frame = (c->gpr[RSP] & keep) | (sp & mask);
    for (unsigned n = 1; n < level; n++) {
        bp -= size;
        sp -= size;
        mem_store(c, SS, sp & mask, size, mem_load(c, SS, bp & mask, size));
    }
    if (level) {
        sp -= size;
        mem_store(c, SS, sp & mask, size, frame);
    }
    sp -= (uint16_t)i->imm;
    /* The final stack pointer must be writable, though nothing is written. */
    mem_open(c, SS, sp & mask, size, ACCESS_WRITE, &unused);
    set_sp(c, sp);
    gpr_set(c, RBP, i->bits, frame);
}

void op_leave(struct cpu *c, const struct insn *i)
{
    uint64_t sp = c->gpr[RBP] & stack_mask(c);
    uint64_t bp = mem_load(c, SS, sp, i->bits / 8);

    set_sp(c, sp + i->bits / 8);
    gpr_set(c, RBP, i->bits, bp);
}

void op_bound(struct cpu *c, const struct insn *i)
{
    unsigned size = i->bits / 8;
    uint64_t at = ea(c, i), next = (at + size) & address_mask(i);
    int64_t low = (int64_t)sign_extend(mem_load(c, INSN_SEG(i), at, size), i->bits);
    int64_t high = (int64_t)sign_extend(mem_load(c, INSN_SEG(i), next, size), i->bits);
    int64_t index = (int64_t)sign_extend(reg_get(c, i->reg, i->bits), i->bits);

    if (index < low || index > high)
        raise_fault(c, VEC_BR, 0, R_BR_BOUND, (uint64_t)index, (uint64_t)low,
                    (uint64_t)high);
}

/* ---- flag bits ---- */

void op_clc(struct cpu *c, const struct insn *i)
{
    (void)i;
    flags_merge(c, FLAG_CF, 0);
}

void op_stc(struct cpu *c, const struct insn *i)
{
    (void)i;
    flags_merge(c, FLAG_CF, FLAG_CF);
}

void op_cmc(struct cpu *c, const struct insn *i)
{
    (void)i;
    flags_merge(c, FLAG_CF, lazy_cf(&c->lazy) ? 0 : FLAG_CF);
}

void op_cld(struct cpu *c, const struct insn *i)
{
    (void)i;
    c->eflags &= ~(uint32_t)FLAG_DF;
}

void op_std(struct cpu *c, const struct insn *i)
{
    (void)i;
    c->eflags |= FLAG_DF;
}

/* SALC (D6): AL = CF ? FFh : 0. Documented by AMD and Intel only by its behaviour. */
void op_salc(struct cpu *c, const struct insn *i)
{
    (void)i;
    gpr_set(c, RAX, 8, lazy_cf(&c->lazy) ? 0xff : 0);
}

/* ---- nothing, and what is never an instruction ---- */

/* The operand of a long NOP is not accessed. */
void op_nop(struct cpu *c, const struct insn *i)
{
    (void)c;
    (void)i;
}

/* F3 90. Its row covers F3 91 to 97 too, where the prefix means nothing. A CPU that
 * spins waits for another one: in lockstep it gives up the rest of its turn. */
void op_pause(struct cpu *c, const struct insn *i)
{
    if (i->rm == i->reg && c->cpus > 1)
        c->turn_over = c->leave_slice = c->leave = true;
    op_xchg_acc(c, i);
}

void op_ud(struct cpu *c, const struct insn *i)
{
    (void)i;
    RAISE_UD(c, R_UD_UD2);
}
