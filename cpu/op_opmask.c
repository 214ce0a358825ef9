/* op_opmask.c - the opmask instructions: KMOV, the logic on K0 to K7, KADD, shifts,
 * KUNPCK, KORTEST, KTEST. VEX-encoded; bits above the operation's width become zero.
 * Intel SDM vol 2, K.
 */
#include "cpu/evop.h"

static uint64_t low_bits(uint64_t v, unsigned bits)
{
    return bits == 64 ? v : v & ((1ull << bits) - 1);
}

static uint64_t second(struct cpu *c, const struct insn *i)
{
    return *opmask_at(c, i->rm);
}

static uint64_t first(struct cpu *c, const struct insn *i)
{
    return c->k[INSN_VVVV(i) & 7];
}

/* ---- KMOV ---- */

#define KMOV(letter, bits)                                                             \
    void op_kmov##letter##_load(struct cpu *c, const struct insn *i)                   \
    {                                                                                  \
        *opmask_at(c, i->reg) = i->form & FORM_MEM                                     \
                                    ? mem_load(c, INSN_SEG(i), ea(c, i), (bits) / 8)   \
                                    : low_bits(second(c, i), bits);                    \
    }                                                                                  \
    void op_kmov##letter##_store(struct cpu *c, const struct insn *i)                  \
    {                                                                                  \
        mem_store(c, INSN_SEG(i), ea(c, i), (bits) / 8, *opmask_at(c, i->reg));        \
    }                                                                                  \
    void op_kmov##letter##_from_gpr(struct cpu *c, const struct insn *i)               \
    {                                                                                  \
        uint64_t v = reg_get(c, i->rm, (bits) == 64 ? 64 : 32);                        \
        *opmask_at(c, i->reg) = low_bits(v, bits);                                     \
    }                                                                                  \
    void op_kmov##letter##_to_gpr(struct cpu *c, const struct insn *i)                 \
    {                                                                                  \
        reg_set(c, i->reg, (bits) == 64 ? 64 : 32, low_bits(second(c, i), bits));      \
    }

KMOV(b, 8)
KMOV(w, 16)
KMOV(d, 32)
KMOV(q, 64)

/* ---- two sources ---- */

#define K_LOGIC(name, result)                                                          \
    static ALWAYS_INLINE void name(struct cpu *c, const struct insn *i, unsigned bits) \
    {                                                                                  \
        uint64_t a = low_bits(first(c, i), bits), b = low_bits(second(c, i), bits);    \
        (void)a;                                                                       \
        *opmask_at(c, i->reg) = low_bits(result, bits);                                \
    }                                                                                  \
    void op_##name##b(struct cpu *c, const struct insn *i)                             \
    {                                                                                  \
        name(c, i, 8);                                                                 \
    }                                                                                  \
    void op_##name##w(struct cpu *c, const struct insn *i)                             \
    {                                                                                  \
        name(c, i, 16);                                                                \
    }                                                                                  \
    void op_##name##d(struct cpu *c, const struct insn *i)                             \
    {                                                                                  \
        name(c, i, 32);                                                                \
    }                                                                                  \
    void op_##name##q(struct cpu *c, const struct insn *i)                             \
    {                                                                                  \
        name(c, i, 64);                                                                \
    }

K_LOGIC(kand, a & b)
K_LOGIC(kandn, ~a & b)
K_LOGIC(kor, a | b)
K_LOGIC(kxor, a ^ b)
K_LOGIC(kxnor, ~(a ^ b))
K_LOGIC(kadd, a + b)
K_LOGIC(knot, ~b)
/* The count is the whole imm8: too large a one leaves nothing. */
K_LOGIC(kshiftl, ((unsigned)i->imm & 0xff) < bits ? b << ((unsigned)i->imm & 0xff) : 0)
K_LOGIC(kshiftr, ((unsigned)i->imm & 0xff) < bits ? b >> ((unsigned)i->imm & 0xff) : 0)

/* The second source below, the first above: of halves of the result. */
static void unpack(struct cpu *c, const struct insn *i, unsigned bits)
{
    *opmask_at(c, i->reg) = low_bits(first(c, i), bits) << bits | low_bits(second(c, i), bits);
}

void op_kunpckbw(struct cpu *c, const struct insn *i)
{
    unpack(c, i, 8);
}

void op_kunpckwd(struct cpu *c, const struct insn *i)
{
    unpack(c, i, 16);
}

void op_kunpckdq(struct cpu *c, const struct insn *i)
{
    unpack(c, i, 32);
}

/* ---- tests: ZF and CF, the other flags cleared ---- */

static void set_zf_cf(struct cpu *c, bool zf, bool cf)
{
    lazy_put(&c->lazy, (zf ? FLAG_ZF : 0) | (cf ? FLAG_CF : 0));
}

static void ortest(struct cpu *c, const struct insn *i, unsigned bits)
{
    uint64_t v = low_bits(*opmask_at(c, i->reg) | second(c, i), bits);
    set_zf_cf(c, !v, v == low_bits(~0ull, bits));
}

static void ktest(struct cpu *c, const struct insn *i, unsigned bits)
{
    uint64_t a = *opmask_at(c, i->reg), b = second(c, i);
    set_zf_cf(c, !low_bits(a & b, bits), !low_bits(~a & b, bits));
}

#define K_TEST(letter, bits)                                                           \
    void op_kortest##letter(struct cpu *c, const struct insn *i)                       \
    {                                                                                  \
        ortest(c, i, bits);                                                            \
    }                                                                                  \
    void op_ktest##letter(struct cpu *c, const struct insn *i)                         \
    {                                                                                  \
        ktest(c, i, bits);                                                             \
    }

K_TEST(b, 8)
K_TEST(w, 16)
K_TEST(d, 32)
K_TEST(q, 64)
