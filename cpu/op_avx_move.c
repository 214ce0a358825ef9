/* op_avx_move.c - VZEROALL, VZEROUPPER, moves under a mask and gathers: element by
 * element, and an element that is masked out is not touched at all. Intel SDM vol 2,
 * VMASKMOV, VPMASKMOV, VGATHERDPS and its kin.
 */
#include "cpu/element.h"

/* ---- clearing ---- */

/* Registers that the mode cannot name are left alone (SDM vol 2, VZEROALL). */
static unsigned registers(const struct cpu *c)
{
    return cpu_code64(c) ? 16 : 8;
}

void op_v_zeroall(struct cpu *c, const struct insn *i)
{
    (void)i;
    for (unsigned r = 0; r < registers(c); r++)
        c->v[r] = (struct vec){{0}};
}

void op_v_zeroupper(struct cpu *c, const struct insn *i)
{
    (void)i;
    for (unsigned r = 0; r < registers(c); r++)
        vop_put128(c, (uint16_t)(offsetof(struct cpu, v) + r * sizeof(struct vec)),
                   x128(c->v[r].q[0], c->v[r].q[1]));
}

static ALWAYS_INLINE bool is_selected(const struct vec *mask, unsigned n, unsigned size)
{
    return element(mask, n, size) >> (8 * size - 1);
}

/* ---- VMASKMOVPS, VMASKMOVPD, VPMASKMOVD, VPMASKMOVQ ---- */

static ALWAYS_INLINE void mask_load(struct cpu *c, const struct insn *i, unsigned size)
{
    unsigned words = vop_words(i);
    const struct vec *mask = vop_first(c, i);
    uint64_t offset = ea(c, i);
    struct vec d = {{0}};

    for (unsigned n = 0; n < words * 8 / size; n++)
        if (is_selected(mask, n, size))
            element_set(&d, n, size, element_load(c, i, offset + n * size, size));
    vop_put(c, i->reg, &d, words);
}

/* All that can fault comes before the first store. */
static ALWAYS_INLINE void mask_write(struct cpu *c, const struct insn *i, unsigned size)
{
    unsigned count = vop_words(i) * 8 / size;
    const struct vec *mask = vop_first(c, i), *from = vec_at(c, i->reg);
    uint64_t offset = ea(c, i);

    for (unsigned n = 0; n < count; n++)
        if (is_selected(mask, n, size))
            element_open(c, i, offset + n * size, size);
    for (unsigned n = 0; n < count; n++)
        if (is_selected(mask, n, size))
            element_store(c, i, offset + n * size, size, element(from, n, size));
}

void op_v_maskload32(struct cpu *c, const struct insn *i)
{
    mask_load(c, i, 4);
}

void op_v_maskload64(struct cpu *c, const struct insn *i)
{
    mask_load(c, i, 8);
}

void op_v_maskstore32(struct cpu *c, const struct insn *i)
{
    mask_write(c, i, 4);
}

void op_v_maskstore64(struct cpu *c, const struct insn *i)
{
    mask_write(c, i, 8);
}

/* ---- gathers ---- */

/* Elements come one by one from the lowest, each into the destination, and its mask
 * element is cleared: a fault leaves what was done, and the instruction, begun again,
 * goes on where it stopped. A trap that is pending by then (TF, a data breakpoint) comes
 * in place of the fault, as SDM vol 2 and family 19h have it. From the faulting element
 * on both registers hold what they held, as with family 19h; the manual's pseudo-code
 * has by then filled each mask element with its top bit, which alone counts.
 */
static ALWAYS_INLINE void gather(struct cpu *c, const struct insn *i, unsigned index,
                                 unsigned size)
{
    unsigned bytes = vop_words(i) * 8;
    unsigned count = bytes / (index > size ? index : size);
    struct vec *mask = vop_first(c, i), *d = vec_at(c, i->reg);
    bool begun = false;

    for (unsigned n = 0; n < count; n++) {
        uint64_t x, v;
        if (!is_selected(mask, n, size)) {
            element_set(mask, n, size, 0);
            continue;
        }
        x = element_at(c, i, n, index);
        if (LIKELY(!begun || !element_trap_waits(c))) {
            v = element_load(c, i, x, size);
        } else if (!element_try(c, i, x, size, false, &v)) {
            element_cut(c);
            return;
        }
        element_set(d, n, size, v);
        element_set(mask, n, size, 0);
        begun = true;
    }
    *mask = (struct vec){{0}};
    for (unsigned n = count; n < ARRAY_SIZE(d->q) * 8 / size; n++)
        element_set(d, n, size, 0);
}

void op_v_gather_d32(struct cpu *c, const struct insn *i)
{
    gather(c, i, 4, 4);
}

void op_v_gather_d64(struct cpu *c, const struct insn *i)
{
    gather(c, i, 4, 8);
}

void op_v_gather_q32(struct cpu *c, const struct insn *i)
{
    gather(c, i, 8, 4);
}

void op_v_gather_q64(struct cpu *c, const struct insn *i)
{
    gather(c, i, 8, 8);
}
