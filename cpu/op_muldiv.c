/* op_muldiv.c - MUL, IMUL, DIV, IDIV.
 *
 * Undefined flags as Zen 3 leaves them: a multiplication changes CF and OF alone; a
 * division sets AF, clears SF, ZF and PF, and keeps CF and OF.
 */
#include "cpu/op_integer.h"
#include "cpu/op_wide.h"

static void product_flags(struct cpu *c, bool overflow)
{
    flags_merge(c, FLAG_CF | FLAG_OF, overflow ? FLAG_CF | FLAG_OF : 0);
}

/* The double-width product to AX, or rDX:rAX. */
static void product_set(struct cpu *c, unsigned bits, struct wide p)
{
    switch (bits) {
    case 8: gpr_set(c, RAX, 16, p.low); break;
    case 16:
    case 32:
        gpr_set(c, RAX, bits, p.low);
        gpr_set(c, RDX, bits, p.low >> bits);
        break;
    default:
        c->gpr[RAX] = p.low;
        c->gpr[RDX] = p.high;
        break;
    }
}

void op_mul(struct cpu *c, const struct insn *i)
{
    unsigned bits = i->bits;
    struct wide p = wide_mul(gpr_get(c, RAX, bits), rm_get(c, i, bits));
    bool overflow = bits == 64 ? p.high != 0 : p.low >> bits != 0;

    product_set(c, bits, p);
    product_flags(c, overflow);
}

/* Does the signed product differ from its lower half, sign-extended? */
static bool signed_overflow(unsigned bits, struct wide p)
{
    if (bits == 64)
        return p.high != ((int64_t)p.low < 0 ? ~0ull : 0);
    return p.low != sign_extend(p.low, bits);
}

static struct wide signed_product(unsigned bits, uint64_t a, uint64_t b)
{
    return wide_imul(sign_extend(a, bits), sign_extend(b, bits));
}

void op_imul(struct cpu *c, const struct insn *i)
{
    struct wide p = signed_product(i->bits, c->gpr[RAX], rm_get(c, i, i->bits));
    bool overflow = signed_overflow(i->bits, p);

    product_set(c, i->bits, p);
    product_flags(c, overflow);
}

/* IMUL r, r/m */
void op_imul2(struct cpu *c, const struct insn *i)
{
    struct wide p =
        signed_product(i->bits, reg_get(c, i->reg, i->bits), rm_get(c, i, i->bits));

    reg_set(c, i->reg, i->bits, p.low);
    product_flags(c, signed_overflow(i->bits, p));
}

/* IMUL r, r/m, imm */
void op_imul3(struct cpu *c, const struct insn *i)
{
    struct wide p =
        signed_product(i->bits, rm_get(c, i, i->bits), (uint64_t)(int64_t)i->imm);

    reg_set(c, i->reg, i->bits, p.low);
    product_flags(c, signed_overflow(i->bits, p));
}

/* ---- division ---- */

NORETURN static void divide_error(struct cpu *c, enum reason why)
{
    raise_fault(c, VEC_DE, 0, why, 0, 0, 0);
}

static struct wide dividend(const struct cpu *c, unsigned bits)
{
    switch (bits) {
    case 8: return (struct wide){gpr_get(c, RAX, 16), 0};
    case 16:
    case 32:
        return (struct wide){gpr_get(c, RDX, bits) << bits | gpr_get(c, RAX, bits), 0};
    default: return (struct wide){c->gpr[RAX], c->gpr[RDX]};
    }
}

static void quotient_set(struct cpu *c, unsigned bits, uint64_t q, uint64_t r)
{
    uint32_t kept =
        (lazy_cf(&c->lazy) ? FLAG_CF : 0u) | (lazy_of(&c->lazy) ? FLAG_OF : 0u);

    if (bits == 8) {
        gpr_set(c, RAX, 16, (r & 0xff) << 8 | (q & 0xff));
    } else {
        gpr_set(c, RAX, bits, q);
        gpr_set(c, RDX, bits, r);
    }
    lazy_put(&c->lazy, kept | FLAG_AF);
}

void op_div(struct cpu *c, const struct insn *i)
{
    unsigned bits = i->bits;
    uint64_t d = rm_get(c, i, bits), q, r;
    struct wide n = dividend(c, bits);

    if (!d)
        divide_error(c, R_DE_ZERO);
    if (bits == 64) {
        if (n.high >= d)
            divide_error(c, R_DE_RANGE);
        q = n.high ? wide_div(n, d, &r) : n.low / d;
        r = n.low - q * d;
    } else {
        q = n.low / d;
        r = n.low % d;
        if (q >> bits)
            divide_error(c, R_DE_RANGE);
    }
    quotient_set(c, bits, q, r);
}

/* On magnitudes; the remainder has the dividend's sign (SDM vol 2, IDIV). */
void op_idiv(struct cpu *c, const struct insn *i)
{
    unsigned bits = i->bits;
    uint64_t d = sign_extend(rm_get(c, i, bits), bits), q, r, most;
    struct wide n = dividend(c, bits);
    bool minus_n, minus_q;

    if (!d)
        divide_error(c, R_DE_ZERO);
    if (bits < 64) {
        n.low = sign_extend(n.low, 2 * bits);
        n.high = (int64_t)n.low < 0 ? ~0ull : 0;
    }
    minus_n = (int64_t)n.high < 0;
    minus_q = minus_n != ((int64_t)d < 0);
    if (minus_n)
        n = wide_neg(n);
    if ((int64_t)d < 0)
        d = 0 - d;
    if (n.high >= d)
        divide_error(c, R_DE_RANGE);
    q = n.high ? wide_div(n, d, &r) : n.low / d;
    r = n.low - q * d;
    most = (1ull << (bits - 1)) - (minus_q ? 0 : 1);
    if (q > most)
        divide_error(c, R_DE_RANGE);
    quotient_set(c, bits, minus_q ? 0 - q : q, minus_n ? 0 - r : r);
}
