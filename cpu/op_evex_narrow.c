/* op_evex_narrow.c - elements made narrower (VPMOVQB and its kin), packed together and
 * apart (VCOMPRESS, VEXPAND). Intel SDM vol 2, VPMOVDB, VPCOMPRESSB, VPEXPANDB and
 * their kin.
 */
#include "cpu/element.h"
#include "cpu/evop.h"

/* ---- narrowing ---- */

enum narrowing { TRUNCATE, SIGNED, UNSIGNED };

/* x has `from` bytes; the result's upper bits do not count. */
static ALWAYS_INLINE uint64_t narrow(uint64_t x, unsigned from, unsigned to,
                                     enum narrowing how)
{
    uint64_t most = ~0ull >> (64 - 8 * to);

    if (how == SIGNED) {
        int64_t v = (int64_t)sign_extend(x, 8 * from), top = (int64_t)(most >> 1);
        return (uint64_t)(v > top ? top : v < -top - 1 ? -top - 1 : v);
    }
    return how == UNSIGNED && x > most ? most : x;
}

/* The destination is r/m and has as many elements; a register gets zeros above them. */
static ALWAYS_INLINE void narrowed(struct cpu *c, const struct insn *i, unsigned from,
                                   unsigned to, enum narrowing how)
{
    const struct vec *s = vec_at(c, i->reg);
    unsigned count = vop_words(i) * 8 / from, bytes = count * to;
    uint64_t mask = evop_mask(c, i, count);
    struct vec d = {{0}}, *rm;

    for (unsigned n = 0; n < count; n++)
        element_set(&d, n, to, narrow(element(s, n, from), from, to, how));
    if (i->form & FORM_MEM) {
        evop_write(c, i, &d, bytes, to, mask);
        return;
    }
    rm = vec_at(c, i->rm);
    evop_merge(i, rm, &d, (bytes + 7) / 8, mask, to);
    if (bytes < 8)
        rm->q[0] &= ~0ull >> (64 - 8 * bytes);
}

#define NARROW(name, from, to)                                                         \
    void op_e_pmov##name(struct cpu *c, const struct insn *i)                          \
    {                                                                                  \
        narrowed(c, i, from, to, TRUNCATE);                                            \
    }                                                                                  \
    void op_e_pmovs##name(struct cpu *c, const struct insn *i)                         \
    {                                                                                  \
        narrowed(c, i, from, to, SIGNED);                                              \
    }                                                                                  \
    void op_e_pmovus##name(struct cpu *c, const struct insn *i)                        \
    {                                                                                  \
        narrowed(c, i, from, to, UNSIGNED);                                            \
    }

NARROW(qb, 8, 1)
NARROW(qw, 8, 2)
NARROW(qd, 8, 4)
NARROW(db, 4, 1)
NARROW(dw, 4, 2)
NARROW(wb, 2, 1)

/* ---- compress: the elements that the mask names, one after the other ---- */

static ALWAYS_INLINE uint64_t low_bits(unsigned n)
{
    return n ? ~0ull >> (64 - n) : 0;
}

/* Memory gets them alone; in a register those above are merged or cleared. */
static ALWAYS_INLINE void compress(struct cpu *c, const struct insn *i, unsigned size)
{
    const struct vec *s = vec_at(c, i->reg);
    unsigned words = vop_words(i), count = words * 8 / size, got = 0;
    uint64_t mask = evop_mask(c, i, count);
    struct vec d = {{0}};

    for (unsigned n = 0; n < count; n++)
        if (mask >> n & 1)
            element_set(&d, got++, size, element(s, n, size));
    if (i->form & FORM_MEM)
        evop_write(c, i, &d, words * 8, size, low_bits(got));
    else
        evop_merge(i, vec_at(c, i->rm), &d, words, low_bits(got), size);
}

/* ---- expand: the elements of r/m, one after the other, where the mask names ---- */

static ALWAYS_INLINE void expand(struct cpu *c, const struct insn *i, unsigned size)
{
    unsigned words = vop_words(i), count = words * 8 / size, got = 0;
    uint64_t mask = evop_mask(c, i, count);
    struct vec d = {{0}}, s;

    for (unsigned n = 0; n < count; n++)
        got += mask >> n & 1;
    evop_load(c, i, &s, words * 8, size, low_bits(got));
    got = 0;
    for (unsigned n = 0; n < count; n++)
        if (mask >> n & 1)
            element_set(&d, n, size, element(&s, got++, size));
    evop_put(c, i, &d, words, mask, size);
}

#define PACKED(letter, size)                                                           \
    void op_e_compress##letter(struct cpu *c, const struct insn *i)                    \
    {                                                                                  \
        compress(c, i, size);                                                          \
    }                                                                                  \
    void op_e_expand##letter(struct cpu *c, const struct insn *i)                      \
    {                                                                                  \
        expand(c, i, size);                                                            \
    }

PACKED(b, 1)
PACKED(w, 2)
PACKED(d, 4)
PACKED(q, 8)
