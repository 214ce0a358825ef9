/* element.h - single elements of vectors, and of memory under a mask or by an index.
 *
 * No access here is checked for alignment, armed or not: "No AC# reported" (VMASKMOV),
 * "does not perform AC checks" (gathers and scatters).
 */
#ifndef CPU_ELEMENT_H
#define CPU_ELEMENT_H

#include "cpu/vop.h"

/* Element n, of `size` bytes: 1, 2, 4 or 8. */
static ALWAYS_INLINE uint64_t element(const struct vec *v, unsigned n, unsigned size)
{
    return v->q[n * size / 8] >> n * size % 8 * 8 & ~0ull >> (64 - 8 * size);
}

static ALWAYS_INLINE void element_set(struct vec *v, unsigned n, unsigned size,
                                      uint64_t x)
{
    unsigned s = n * size % 8 * 8;
    uint64_t m = ~0ull >> (64 - 8 * size) << s, *q = &v->q[n * size / 8];

    *q = (*q & ~m) | (x << s & m);
}

/* How many bytes may go at once without meeting an alignment check. Fewer than all: the
 * segment's checks of the whole element come first. */
static ALWAYS_INLINE unsigned element_step(struct cpu *c, const struct insn *i,
                                           uint64_t offset, unsigned size,
                                           enum access_kind kind)
{
    if (LIKELY(c->cpl != 3 || !(c->eflags & FLAG_AC)))
        return size;
    seg_linear(c, INSN_SEG(i), ea_wrap(i, offset), size, kind);
    return 1;
}

static ALWAYS_INLINE uint64_t element_load(struct cpu *c, const struct insn *i,
                                           uint64_t offset, unsigned size)
{
    unsigned by = element_step(c, i, offset, size, ACCESS_READ);
    uint64_t v = 0;

    for (unsigned n = 0; n < size; n += by)
        v |= mem_load(c, INSN_SEG(i), ea_wrap(i, offset + n), by) << 8 * n;
    return v;
}

static ALWAYS_INLINE void element_open(struct cpu *c, const struct insn *i,
                                       uint64_t offset, unsigned size)
{
    unsigned by = element_step(c, i, offset, size, ACCESS_WRITE);
    struct spans spans;

    for (unsigned n = 0; n < size; n += by)
        mem_open(c, INSN_SEG(i), ea_wrap(i, offset + n), by, ACCESS_WRITE, &spans);
}

/* After element_open(). */
static ALWAYS_INLINE void element_store(struct cpu *c, const struct insn *i,
                                        uint64_t offset, unsigned size, uint64_t v)
{
    unsigned by = element_step(c, i, offset, size, ACCESS_WRITE);

    for (unsigned n = 0; n < size; n += by)
        mem_store(c, INSN_SEG(i), ea_wrap(i, offset + n), by, v >> 8 * n);
}

/* ---- gathers and scatters: elements one by one ---- */

/* The offset of the memory operand's element n, by the index in an element of `index`
 * bytes. */
static ALWAYS_INLINE uint64_t element_at(struct cpu *c, const struct insn *i,
                                         unsigned n, unsigned index)
{
    uint64_t x = element(vec_at(c, i->index), n, index);

    if (index == 4)
        x = sign_extend(x, 32);
    return reg_get(c, i->rm, 64) + (uint64_t)(int64_t)i->disp + (x << INSN_SCALE(i));
}

/* A trap that came with an element already done, or comes after this instruction: a
 * later element's fault gives way to it (SDM vol 2, VGATHERDPS, VSCATTERDPS). */
static ALWAYS_INLINE bool element_trap_waits(const struct cpu *c)
{
    return (c->eflags & FLAG_TF) || (c->pending_debug & 15);
}

/* Loads *v, or stores it; a fault is no fault: false. */
bool element_try(struct cpu *c, const struct insn *i, uint64_t offset, unsigned size,
                 bool write, uint64_t *v);

/* The instruction is to be begun again after the trap. */
static inline void element_cut(struct cpu *c)
{
    c->rip = c->insn_rip;
    c->rep_cut = true;
}

#endif
