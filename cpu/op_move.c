/* op_move.c - moves: MOV, extensions, exchanges, PUSH and POP of general operands. */
#include "cpu/op_integer.h"

void op_mov(struct cpu *c, const struct insn *i)
{
    if (i->form & FORM_DST_REG)
        reg_set(c, i->reg, i->bits, src_get(c, i));
    else
        rm_set(c, i, i->bits, src_get(c, i));
}

/* MOV with an absolute address. The address is the instruction's own, of the address
 * size; with 64 bits it stands in the next slot. */
static uint64_t moffs(const struct insn *i)
{
    if (i->form & FORM_LONG)
        return insn_imm64(i);
    return (uint64_t)(int64_t)i->disp & address_mask(i);
}

void op_mov_acc_moffs(struct cpu *c, const struct insn *i)
{
    gpr_set(c, RAX, i->bits, mem_load(c, INSN_SEG(i), moffs(i), i->bits / 8));
}

void op_mov_moffs_acc(struct cpu *c, const struct insn *i)
{
    mem_store(c, INSN_SEG(i), moffs(i), i->bits / 8, gpr_get(c, RAX, i->bits));
}

void op_movzx_b(struct cpu *c, const struct insn *i)
{
    reg_set(c, i->reg, i->bits, rm_get(c, i, 8));
}

void op_movzx_w(struct cpu *c, const struct insn *i)
{
    reg_set(c, i->reg, i->bits, rm_get(c, i, 16));
}

void op_movsx_b(struct cpu *c, const struct insn *i)
{
    reg_set(c, i->reg, i->bits, sign_extend(rm_get(c, i, 8), 8));
}

void op_movsx_w(struct cpu *c, const struct insn *i)
{
    reg_set(c, i->reg, i->bits, sign_extend(rm_get(c, i, 16), 16));
}

/* With a 16-bit operand size MOVSXD is a plain move of 16 bits: the row reads 32 only
 * from a register, whose upper half is dropped. */
void op_movsxd(struct cpu *c, const struct insn *i)
{
    unsigned from = i->bits == 16 && (i->form & FORM_MEM) ? 16 : 32;
    reg_set(c, i->reg, i->bits, sign_extend(rm_get(c, i, from), from));
}

void op_lea(struct cpu *c, const struct insn *i)
{
    reg_set(c, i->reg, i->bits, ea(c, i));
}

void op_xchg(struct cpu *c, const struct insn *i)
{
    struct place rm = open_rm(c, i, i->bits);
    uint64_t old = place_get(c, &rm);

    place_set(c, &rm, reg_get(c, i->reg, i->bits));
    reg_set(c, i->reg, i->bits, old);
}

/* 90 is NOP, not XCHG EAX, EAX: it leaves the upper half of RAX alone. */
void op_xchg_acc(struct cpu *c, const struct insn *i)
{
    uint64_t old;

    if (i->rm == i->reg)
        return;
    old = reg_get(c, i->rm, i->bits);
    reg_set(c, i->rm, i->bits, reg_get(c, i->reg, i->bits));
    reg_set(c, i->reg, i->bits, old);
}

void op_cmov(struct cpu *c, const struct insn *i)
{
    /* The source is read, and may fault, whatever the condition; a 32-bit destination
     * loses its upper half even when nothing is moved. */
    uint64_t v = rm_get(c, i, i->bits);

    if (!lazy_cond(&c->lazy, i->aux))
        v = reg_get(c, i->reg, i->bits);
    reg_set(c, i->reg, i->bits, v);
}

static uint64_t swap_bytes(uint64_t v, unsigned bits)
{
    switch (bits) {
    case 16: return bswap16((uint16_t)v);
    case 32: return bswap32((uint32_t)v);
    default: return bswap64(v);
    }
}

/* With a 16-bit operand the manual leaves the result undefined; real ones give 0. */
void op_bswap(struct cpu *c, const struct insn *i)
{
    uint64_t v = reg_get(c, i->rm, i->bits);
    reg_set(c, i->rm, i->bits, i->bits == 16 ? 0 : swap_bytes(v, i->bits));
}

void op_movbe(struct cpu *c, const struct insn *i)
{
    if (i->form & FORM_DST_REG)
        reg_set(c, i->reg, i->bits, swap_bytes(rm_get(c, i, i->bits), i->bits));
    else
        rm_set(c, i, i->bits, swap_bytes(reg_get(c, i->reg, i->bits), i->bits));
}

void op_xlat(struct cpu *c, const struct insn *i)
{
    uint64_t at = (c->gpr[RBX] + (c->gpr[RAX] & 0xff)) & address_mask(i);
    gpr_set(c, RAX, 8, mem_load(c, INSN_SEG(i), at, 1));
}

/* CBW, CWDE, CDQE */
void op_cbw(struct cpu *c, const struct insn *i)
{
    gpr_set(c, RAX, i->bits, sign_extend(c->gpr[RAX], i->bits / 2));
}

/* CWD, CDQ, CQO */
void op_cwd(struct cpu *c, const struct insn *i)
{
    gpr_set(c, RDX, i->bits, c->gpr[RAX] >> (i->bits - 1) & 1 ? ~0ull : 0);
}

void op_lahf(struct cpu *c, const struct insn *i)
{
    uint64_t ah = (lazy_get(&c->lazy) & 0xd5) | 2;
    (void)i;
    c->gpr[RAX] = (c->gpr[RAX] & ~0xff00ull) | ah << 8;
}

void op_sahf(struct cpu *c, const struct insn *i)
{
    uint32_t ah = (uint32_t)(c->gpr[RAX] >> 8) & 0xd5;
    (void)i;
    lazy_put(&c->lazy, ah | (lazy_of(&c->lazy) ? FLAG_OF : 0u));
}

/* ---- the stack ---- */

void op_push_reg(struct cpu *c, const struct insn *i)
{
    push(c, i->bits, reg_get(c, i->rm, i->bits)); /* PUSH rSP: its value before */
}

void op_push_imm(struct cpu *c, const struct insn *i)
{
    push(c, i->bits, (uint64_t)(int64_t)i->imm);
}

void op_push_rm(struct cpu *c, const struct insn *i)
{
    uint64_t sp = (c->gpr[RSP] - i->bits / 8) & stack_mask(c);
    struct place from, to;

    if (!(i->form & FORM_MEM)) {
        op_push_reg(c, i);
        return;
    }
    from = open_mem(c, INSN_SEG(i), ea(c, i), i->bits, ACCESS_READ);
    to = open_mem(c, SS, sp, i->bits, ACCESS_WRITE);
    place_set(c, &to, place_get(c, &from));
    set_sp(c, sp);
}

void op_pop_reg(struct cpu *c, const struct insn *i)
{
    uint64_t v = pop(c, i->bits);
    reg_set(c, i->rm, i->bits, v); /* POP rSP: the value popped stays */
}

/* An address built on rSP uses its value after the pop (SDM vol 2, POP). */
void op_pop_rm(struct cpu *c, const struct insn *i)
{
    uint64_t before = c->gpr[RSP], after, at;
    struct place from, to;

    if (!(i->form & FORM_MEM)) {
        op_pop_reg(c, i);
        return;
    }
    from = open_mem(c, SS, before & stack_mask(c), i->bits, ACCESS_READ);
    set_sp(c, before + i->bits / 8);
    after = c->gpr[RSP];
    at = ea(c, i);
    c->gpr[RSP] = before; /* what follows may still fault */
    to = open_mem(c, INSN_SEG(i), at, i->bits, ACCESS_WRITE);
    place_set(c, &to, place_get(c, &from));
    c->gpr[RSP] = after;
}

void op_pusha(struct cpu *c, const struct insn *i)
{
    unsigned size = i->bits / 8;
    struct place to[8];

    for (unsigned n = 0; n < 8; n++) {
        uint64_t at = (c->gpr[RSP] - (n + 1) * size) & stack_mask(c);
        to[n] = open_mem(c, SS, at, i->bits, ACCESS_WRITE);
    }
    for (unsigned n = 0; n < 8; n++)
        place_set(c, &to[n], gpr_get(c, n, i->bits));
    set_sp(c, c->gpr[RSP] - 8 * size);
}

void op_popa(struct cpu *c, const struct insn *i)
{
    unsigned size = i->bits / 8;
    struct place from[8];

    for (unsigned n = 8; n-- > 0;) { /* DI first: a page fault tells the first address */
        uint64_t at = (c->gpr[RSP] + (7 - n) * size) & stack_mask(c);
        from[n] = open_mem(c, SS, at, i->bits, ACCESS_READ);
    }
    for (unsigned n = 0; n < 8; n++)
        if (n != RSP)
            gpr_set(c, n, i->bits, place_get(c, &from[n]));
    set_sp(c, c->gpr[RSP] + 8 * size);
}
