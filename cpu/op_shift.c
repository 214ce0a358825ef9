/* op_shift.c - shifts and rotates.
 *
 * The count is masked to 5 bits (6 with 64-bit operands); a masked count of 0 changes
 * nothing, flags included, though a memory operand is still checked for writing. Where
 * the manual leaves flags undefined these are Zen 3's: shifts set AF; OF follows the
 * rule for a count of 1 whatever the count (measured for every 8-bit and 16-bit count).
 */
#include "cpu/op_integer.h"

static unsigned count_mask(unsigned bits)
{
    return bits == 64 ? 63 : 31;
}

/* The immediate or CL, masked. */
static unsigned shift_count(const struct cpu *c, const struct insn *i)
{
    unsigned n = i->form & FORM_IMM ? (unsigned)i->imm : (unsigned)c->gpr[RCX];
    return n & count_mask(i->bits);
}

static bool top_bit(uint64_t v, unsigned bits)
{
    return v >> (bits - 1) & 1;
}

static void shift_flags(struct cpu *c, unsigned bits, uint64_t r, bool cf, bool of)
{
    lazy_result(&c->lazy, bits, r, FLAG_AF | (cf ? FLAG_CF : 0u) | (of ? FLAG_OF : 0u));
}

static void rotate_flags(struct cpu *c, bool cf, bool of)
{
    flags_merge(c, FLAG_CF | FLAG_OF, (cf ? FLAG_CF : 0u) | (of ? FLAG_OF : 0u));
}

void op_shl(struct cpu *c, const struct insn *i)
{
    struct place to = open_rm(c, i, i->bits);
    unsigned n = shift_count(c, i), bits = i->bits;
    uint64_t a = place_get(c, &to), r;
    bool cf;

    if (!n) {
        place_set(c, &to, a);
        return;
    }
    cf = n <= bits && a >> (bits - n) & 1;
    r = a << n & width_mask(bits);
    place_set(c, &to, r);
    shift_flags(c, bits, r, cf, cf != top_bit(r, bits));
}

void op_shr(struct cpu *c, const struct insn *i)
{
    struct place to = open_rm(c, i, i->bits);
    unsigned n = shift_count(c, i), bits = i->bits;
    uint64_t a = place_get(c, &to), r;

    if (!n) {
        place_set(c, &to, a);
        return;
    }
    r = a >> n;
    place_set(c, &to, r);
    shift_flags(c, bits, r, a >> (n - 1) & 1, n == 1 && top_bit(a, bits));
}

void op_sar(struct cpu *c, const struct insn *i)
{
    struct place to = open_rm(c, i, i->bits);
    unsigned n = shift_count(c, i), bits = i->bits;
    uint64_t a = place_get(c, &to), r;
    int64_t wide;

    if (!n) {
        place_set(c, &to, a);
        return;
    }
    wide = (int64_t)sign_extend(a, bits);
    r = (uint64_t)(wide >> n);
    place_set(c, &to, r);
    shift_flags(c, bits, r, wide >> (n - 1) & 1, false);
}

void op_rol(struct cpu *c, const struct insn *i)
{
    struct place to = open_rm(c, i, i->bits);
    unsigned n = shift_count(c, i), bits = i->bits, by = n & (bits - 1);
    uint64_t a = place_get(c, &to), r = a;

    if (by)
        r = (a << by | a >> (bits - by)) & width_mask(bits);
    place_set(c, &to, r);
    if (n)
        rotate_flags(c, r & 1, (r & 1) != top_bit(r, bits));
}

void op_ror(struct cpu *c, const struct insn *i)
{
    struct place to = open_rm(c, i, i->bits);
    unsigned n = shift_count(c, i), bits = i->bits, by = n & (bits - 1);
    uint64_t a = place_get(c, &to), r = a;

    if (by)
        r = (a >> by | a << (bits - by)) & width_mask(bits);
    place_set(c, &to, r);
    if (n)
        rotate_flags(c, top_bit(r, bits), top_bit(r, bits) != top_bit(r << 1, bits));
}

/* RCL, RCR: CF is bit `bits` of what turns. A count of bits + 1 is a full turn: only OF
 * is set anew. */
void op_rcl(struct cpu *c, const struct insn *i)
{
    struct place to = open_rm(c, i, i->bits);
    unsigned n = shift_count(c, i), bits = i->bits, by = n % (bits + 1);
    uint64_t a = place_get(c, &to), r = a;
    bool in = lazy_cf(&c->lazy), cf = in;

    if (by) {
        r = (by == 64 ? 0 : a << by) | (uint64_t)in << (by - 1);
        if (by > 1)
            r |= a >> (bits + 1 - by);
        r &= width_mask(bits);
        cf = a >> (bits - by) & 1;
    }
    place_set(c, &to, r);
    if (n)
        rotate_flags(c, cf, cf != top_bit(r, bits));
}

void op_rcr(struct cpu *c, const struct insn *i)
{
    struct place to = open_rm(c, i, i->bits);
    unsigned n = shift_count(c, i), bits = i->bits, by = n % (bits + 1);
    uint64_t a = place_get(c, &to), r = a;
    bool in = lazy_cf(&c->lazy), cf = in;

    if (by) {
        r = (by == 64 ? 0 : a >> by) | (uint64_t)in << (bits - by);
        if (by > 1)
            r |= a << (bits + 1 - by);
        r &= width_mask(bits);
        cf = a >> (by - 1) & 1;
    }
    place_set(c, &to, r);
    if (n)
        rotate_flags(c, cf, top_bit(r, bits) != top_bit(r << 1, bits));
}

/* SHLD, SHRD. With 16-bit operands and counts of 16 and more everything is undefined:
 * Zen 3 goes on shifting the source in again, takes CF from the first operand only
 * while it lasts, and (SHLD) leaves the result out of OF. */
static void shld(struct cpu *c, const struct insn *i, unsigned n)
{
    struct place to = open_rm(c, i, i->bits);
    unsigned bits = i->bits;
    uint64_t a = place_get(c, &to), b = reg_get(c, i->reg, bits), r;
    bool cf;

    n &= count_mask(bits);
    if (!n) {
        place_set(c, &to, a);
        return;
    }
    if (bits == 16)
        r = (a << 32 | b << 16 | b) << n >> 32 & 0xffff;
    else
        r = (a << n | b >> (bits - n)) & width_mask(bits);
    cf = n <= bits && a >> (bits - n) & 1;
    place_set(c, &to, r);
    shift_flags(c, bits, r, cf, cf != (n < bits && top_bit(r, bits)));
}

static void shrd(struct cpu *c, const struct insn *i, unsigned n)
{
    struct place to = open_rm(c, i, i->bits);
    unsigned bits = i->bits;
    uint64_t a = place_get(c, &to), b = reg_get(c, i->reg, bits), r;
    bool cf;

    n &= count_mask(bits);
    if (!n) {
        place_set(c, &to, a);
        return;
    }
    if (bits == 16)
        r = (b << 32 | b << 16 | a) >> n & 0xffff;
    else
        r = (a >> n | b << (bits - n)) & width_mask(bits);
    cf = a >> (n - 1) & 1;
    place_set(c, &to, r);
    shift_flags(c, bits, r, cf, top_bit(r, bits) != top_bit(r << 1, bits));
}

void op_shld_imm(struct cpu *c, const struct insn *i)
{
    shld(c, i, (unsigned)i->imm);
}

void op_shld_cl(struct cpu *c, const struct insn *i)
{
    shld(c, i, (unsigned)c->gpr[RCX]);
}

void op_shrd_imm(struct cpu *c, const struct insn *i)
{
    shrd(c, i, (unsigned)i->imm);
}

void op_shrd_cl(struct cpu *c, const struct insn *i)
{
    shrd(c, i, (unsigned)c->gpr[RCX]);
}
