/* op_evex_move.c - EVEX moves: whole vectors under an opmask. Intel SDM vol 2, MOVAPS,
 * MOVDQA, MOVDQU and their kin.
 */
#include "cpu/evop.h"

static ALWAYS_INLINE void load(struct cpu *c, const struct insn *i, unsigned size)
{
    struct vec v;
    unsigned words = vop_words(i);
    uint64_t mask = evop_mask(c, i, words * 8 / size);

    evop_load(c, i, &v, words * 8, size, mask);
    evop_put(c, i, &v, words, mask, size);
}

/* To a register the elements masked out are merged or cleared; to memory they stay. */
static ALWAYS_INLINE void store(struct cpu *c, const struct insn *i, unsigned size)
{
    const struct vec *from = vec_at(c, i->reg);
    unsigned words = vop_words(i);
    uint64_t mask = evop_mask(c, i, words * 8 / size);
    struct vec v;

    if (i->form & FORM_MEM) {
        evop_write(c, i, from, words * 8, size, mask);
    } else {
        vec_copy(&v, from, words);
        evop_merge(i, vec_at(c, i->rm), &v, words, mask, size);
    }
}

#define MOVES(bits)                                                                    \
    void op_e_load##bits(struct cpu *c, const struct insn *i)                          \
    {                                                                                  \
        load(c, i, (bits) / 8);                                                        \
    }                                                                                  \
    void op_e_store##bits(struct cpu *c, const struct insn *i)                         \
    {                                                                                  \
        store(c, i, (bits) / 8);                                                       \
    }

MOVES(8)
MOVES(16)
MOVES(32)
MOVES(64)
