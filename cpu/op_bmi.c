/* op_bmi.c - BMI1 and BMI2: bit fields, the lowest one, and arithmetic that leaves the
 * flags alone. Intel SDM vol 2, each instruction.
 *
 * vvvv is a third register: a source, and with BLSR and its kin the destination. As
 * everywhere, memory is read before a register is written.
 */
#include "cpu/op_integer.h"
#include "cpu/op_wide.h"

#define INSN(enc, mnemonic, handler, operands, feature, flags, traits)                 \
    general_fn op_##handler;
#include "cpu/isa_bmi.def"
#undef INSN

static uint64_t third_get(const struct cpu *c, const struct insn *i)
{
    return gpr_get(c, INSN_VVVV(i), i->bits);
}

static void third_set(struct cpu *c, const struct insn *i, uint64_t v)
{
    gpr_set(c, INSN_VVVV(i), i->bits, v);
}

/* The n lowest bits; n is at most 64. */
static uint64_t ones(unsigned n)
{
    return n ? ~0ull >> (64 - n) : 0;
}

/* ---- BMI1 ---- */

void op_andn(struct cpu *c, const struct insn *i)
{
    uint64_t r = ~third_get(c, i) & rm_get(c, i, i->bits);

    reg_set(c, i->reg, i->bits, r);
    lazy_logic(&c->lazy, i->bits, r);
}

/* vvvv: start in bits 7:0, length in 15:8; what lies beyond the operand is 0. SF and AF
 * are undefined: 0 and 1 on Zen 3. */
void op_bextr(struct cpu *c, const struct insn *i)
{
    uint64_t v = rm_get(c, i, i->bits), how = third_get(c, i), r;
    unsigned start = how & 0xff, length = how >> 8 & 0xff;

    r = start < i->bits ? v >> start : 0;
    r &= ones(length < 64 ? length : 64);
    reg_set(c, i->reg, i->bits, r);
    lazy_result(&c->lazy, i->bits, r,
                FLAG_AF | (r >> (i->bits - 1) ? FLAG_SF : 0u)); /* FLAG_SF: inverted */
}

/* ZF and SF from r, OF cleared. */
static void lowest_flags(struct cpu *c, const struct insn *i, uint64_t r, bool cf)
{
    lazy_result(&c->lazy, i->bits, r, cf ? FLAG_CF : 0);
}

void op_blsr(struct cpu *c, const struct insn *i)
{
    uint64_t v = rm_get(c, i, i->bits), r = v & (v - 1);

    third_set(c, i, r);
    lowest_flags(c, i, r, v == 0);
}

void op_blsmsk(struct cpu *c, const struct insn *i)
{
    uint64_t v = rm_get(c, i, i->bits), r = v ^ (v - 1);

    third_set(c, i, r);
    lowest_flags(c, i, r, v == 0);
}

void op_blsi(struct cpu *c, const struct insn *i)
{
    uint64_t v = rm_get(c, i, i->bits), r = v & (0 - v);

    third_set(c, i, r);
    lowest_flags(c, i, r, v != 0);
}

/* ---- BMI2 ---- */

void op_bzhi(struct cpu *c, const struct insn *i)
{
    uint64_t v = rm_get(c, i, i->bits);
    unsigned from = third_get(c, i) & 0xff;
    uint64_t r = v & ones(from < i->bits ? from : i->bits);

    reg_set(c, i->reg, i->bits, r);
    lowest_flags(c, i, r, from >= i->bits);
}

/* The low bits of vvvv to where the mask r/m has ones. */
void op_pdep(struct cpu *c, const struct insn *i)
{
    uint64_t mask = rm_get(c, i, i->bits), from = third_get(c, i), r = 0;

    for (; mask; mask &= mask - 1, from >>= 1)
        if (from & 1)
            r |= mask & (0 - mask);
    reg_set(c, i->reg, i->bits, r);
}

/* The bits of vvvv where the mask r/m has ones, moved together. */
void op_pext(struct cpu *c, const struct insn *i)
{
    uint64_t mask = rm_get(c, i, i->bits), from = third_get(c, i), r = 0;

    for (uint64_t to = 1; mask; mask &= mask - 1, to <<= 1)
        if (from & mask & (0 - mask))
            r |= to;
    reg_set(c, i->reg, i->bits, r);
}

/* rDX * r/m: the low half to vvvv, then the high half to reg, which stays if they are
 * one register. */
void op_mulx(struct cpu *c, const struct insn *i)
{
    struct wide p = wide_mul(rm_get(c, i, i->bits), gpr_get(c, RDX, i->bits));
    uint64_t high = i->bits == 64 ? p.high : p.low >> 32;

    third_set(c, i, p.low);
    reg_set(c, i->reg, i->bits, high);
}

static unsigned third_count(const struct cpu *c, const struct insn *i)
{
    return third_get(c, i) & (i->bits - 1u);
}

void op_shlx(struct cpu *c, const struct insn *i)
{
    reg_set(c, i->reg, i->bits, rm_get(c, i, i->bits) << third_count(c, i));
}

void op_shrx(struct cpu *c, const struct insn *i)
{
    reg_set(c, i->reg, i->bits, rm_get(c, i, i->bits) >> third_count(c, i));
}

void op_sarx(struct cpu *c, const struct insn *i)
{
    int64_t v = (int64_t)sign_extend(rm_get(c, i, i->bits), i->bits);
    reg_set(c, i->reg, i->bits, (uint64_t)(v >> third_count(c, i)));
}

void op_rorx(struct cpu *c, const struct insn *i)
{
    uint64_t v = rm_get(c, i, i->bits);
    unsigned n = (unsigned)i->imm & (i->bits - 1u);

    reg_set(c, i->reg, i->bits, n ? v >> n | v << (i->bits - n) : v);
}
