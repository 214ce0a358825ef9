/* op_evex_compare.c - comparisons and tests that leave an opmask, and moves between
 * opmasks and vectors. Intel SDM vol 2, VPCMPB, VPTESTMB, VPMOVM2B, VPMOVB2M,
 * VPBROADCASTM.
 */
#include "cpu/evop.h"

/* ---- VPCMP: imm8 bits 1:0 are equal, less, less or equal, false; bit 2: not ---- */

static ALWAYS_INLINE void pcmp(struct vop *o, unsigned w, bool is_signed)
{
    uint64_t flip = is_signed ? lanes_top(w) : 0, invert = o->imm & 4 ? ~0ull : 0;

    for (unsigned n = 0; n < o->words; n++) {
        uint64_t a = o->a.q[n] ^ flip, b = o->b.q[n] ^ flip, r;
        switch (o->imm & 3) {
        case 0: r = lanes_equal(w, a, b); break;
        case 1: r = lanes_below(w, a, b); break;
        case 2: r = ~lanes_below(w, b, a); break;
        default: r = 0; break;
        }
        o->d.q[n] = r ^ invert;
    }
}

/* VPTESTM: where the sources have a bit in common; VPTESTNM: where they have none. */
static ALWAYS_INLINE void ptest(struct vop *o, unsigned w, uint64_t invert)
{
    for (unsigned n = 0; n < o->words; n++)
        o->d.q[n] = lanes_equal(w, o->a.q[n] & o->b.q[n], 0) ^ invert;
}

#define COMPARES(letter, size)                                                         \
    static ALWAYS_INLINE void v_pcmp##letter(struct vop *o)                            \
    {                                                                                  \
        pcmp(o, 8 * size, true);                                                       \
    }                                                                                  \
    static ALWAYS_INLINE void v_pcmpu##letter(struct vop *o)                           \
    {                                                                                  \
        pcmp(o, 8 * size, false);                                                      \
    }                                                                                  \
    static ALWAYS_INLINE void v_ptestm##letter(struct vop *o)                          \
    {                                                                                  \
        ptest(o, 8 * size, ~0ull);                                                     \
    }                                                                                  \
    static ALWAYS_INLINE void v_ptestnm##letter(struct vop *o)                         \
    {                                                                                  \
        ptest(o, 8 * size, 0);                                                         \
    }                                                                                  \
    EVOP_COMPARE(pcmp##letter, size, v_pcmp##letter)                                   \
    EVOP_COMPARE(pcmpu##letter, size, v_pcmpu##letter)                                 \
    EVOP_COMPARE(ptestm##letter, size, v_ptestm##letter)                               \
    EVOP_COMPARE(ptestnm##letter, size, v_ptestnm##letter)

COMPARES(b, 1)
COMPARES(w, 2)
COMPARES(d, 4)
COMPARES(q, 8)

/* ---- opmasks to vectors and back: all bits of an element, its top bit ---- */

static ALWAYS_INLINE void mask_to_vector(struct cpu *c, const struct insn *i,
                                         unsigned size)
{
    uint64_t mask = *opmask_at(c, i->rm);
    struct vec v;

    for (unsigned n = 0; n < vop_words(i); n++)
        v.q[n] = evop_word(mask, n, size);
    vop_put(c, i->reg, &v, vop_words(i));
}

static ALWAYS_INLINE void vector_to_mask(struct cpu *c, const struct insn *i,
                                         unsigned size)
{
    *opmask_at(c, i->reg) = evop_signs(vec_at(c, i->rm), vop_words(i), size);
}

#define MASK_MOVES(letter, size)                                                       \
    void op_e_pmovm2##letter(struct cpu *c, const struct insn *i)                      \
    {                                                                                  \
        mask_to_vector(c, i, size);                                                    \
    }                                                                                  \
    void op_e_pmov##letter##2m(struct cpu *c, const struct insn *i)                    \
    {                                                                                  \
        vector_to_mask(c, i, size);                                                    \
    }

MASK_MOVES(b, 1)
MASK_MOVES(w, 2)
MASK_MOVES(d, 4)
MASK_MOVES(q, 8)

/* The opmask as a number, in every element. */
static void broadcast_mask(struct cpu *c, const struct insn *i, uint64_t value)
{
    struct vec v;

    for (unsigned n = 0; n < vop_words(i); n++)
        v.q[n] = value;
    vop_put(c, i->reg, &v, vop_words(i));
}

void op_e_pbroadcastmb2q(struct cpu *c, const struct insn *i)
{
    broadcast_mask(c, i, *opmask_at(c, i->rm) & 0xff);
}

void op_e_pbroadcastmw2d(struct cpu *c, const struct insn *i)
{
    broadcast_mask(c, i, (*opmask_at(c, i->rm) & 0xffff) * lanes_one(32));
}
