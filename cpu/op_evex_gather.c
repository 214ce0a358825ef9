/* op_evex_gather.c - gathers and scatters under an opmask. Intel SDM vol 2, VGATHERDPS,
 * VPGATHERDD, VSCATTERDPS, VPSCATTERDD and their kin.
 *
 * Elements are done one by one from the lowest, and each clears its bit of the opmask:
 * a fault leaves what was done, and the instruction, begun again, goes on where it
 * stopped. A trap that is pending by then (TF, a data breakpoint) comes in place of the
 * fault, as with the gathers of AVX2 (cpu/op_avx_move.c). The opmask's bits above the
 * elements are cleared at the end, and so are the destination's; those above the vector
 * length with the first element that is loaded (Zen 4; the manual's pseudo-code has
 * them at the end).
 */
#include "cpu/element.h"
#include "cpu/evop.h"

static ALWAYS_INLINE unsigned elements(const struct insn *i, unsigned index,
                                       unsigned size)
{
    return vop_words(i) * 8 / (index > size ? index : size);
}

static ALWAYS_INLINE void gather(struct cpu *c, const struct insn *i, unsigned index,
                                 unsigned size)
{
    uint64_t *mask = &c->k[INSN_MASK(i)];
    unsigned count = elements(i, index, size), begun = 0;
    struct vec *d = vec_at(c, i->reg);

    for (unsigned n = 0; n < count; n++) {
        uint64_t x, v;
        if (!(*mask >> n & 1))
            continue;
        x = element_at(c, i, n, index);
        if (LIKELY(!begun || !element_trap_waits(c))) {
            v = element_load(c, i, x, size);
        } else if (!element_try(c, i, x, size, false, &v)) {
            element_cut(c);
            return;
        }
        if (!begun++)
            for (unsigned q = vop_words(i); q < ARRAY_SIZE(d->q); q++)
                d->q[q] = 0;
        element_set(d, n, size, v);
        *mask &= ~(1ull << n);
    }
    *mask = 0;
    for (unsigned n = count; n < ARRAY_SIZE(d->q) * 8 / size; n++)
        element_set(d, n, size, 0);
}

static ALWAYS_INLINE void store(struct cpu *c, const struct insn *i, uint64_t offset,
                                unsigned size, uint64_t v)
{
    if (UNLIKELY(element_step(c, i, offset, size, ACCESS_WRITE) < size))
        element_open(c, i, offset, size);
    element_store(c, i, offset, size, v);
}

/* Where elements overlap, the highest is stored last. */
static ALWAYS_INLINE void scatter(struct cpu *c, const struct insn *i, unsigned index,
                                  unsigned size)
{
    uint64_t *mask = &c->k[INSN_MASK(i)];
    unsigned count = elements(i, index, size), begun = 0;
    const struct vec *s = vec_at(c, i->reg);

    for (unsigned n = 0; n < count; n++) {
        uint64_t x, v = element(s, n, size);
        if (!(*mask >> n & 1))
            continue;
        x = element_at(c, i, n, index);
        if (LIKELY(!begun || !element_trap_waits(c))) {
            store(c, i, x, size, v);
        } else if (!element_try(c, i, x, size, true, &v)) {
            element_cut(c);
            return;
        }
        *mask &= ~(1ull << n);
        begun++;
    }
    *mask = 0;
}

/* d32: doubleword indices, elements of 32 bits. */
#define GATHERS(name, index, size)                                                     \
    void op_e_gather_##name(struct cpu *c, const struct insn *i)                       \
    {                                                                                  \
        gather(c, i, index, size);                                                     \
    }                                                                                  \
    void op_e_scatter_##name(struct cpu *c, const struct insn *i)                      \
    {                                                                                  \
        scatter(c, i, index, size);                                                    \
    }

GATHERS(d32, 4, 4)
GATHERS(d64, 4, 8)
GATHERS(q32, 8, 4)
GATHERS(q64, 8, 8)
