/* op_avx_move.c - VZEROALL, VZEROUPPER, moves under a mask and gathers: element by
 * element, and an element that is masked out is not touched at all. Intel SDM vol 2,
 * VMASKMOV, VPMASKMOV, VGATHERDPS and its kin.
 *
 * No access here is checked for alignment, armed or not: "No AC# reported" (VMASKMOV),
 * "does not perform AC checks" (gathers).
 */
#include "cpu/simd.h"
#include "cpu/vop.h"

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

/* ---- elements ---- */

/* Elements of 4 or 8 bytes. */
static ALWAYS_INLINE uint64_t element(const struct vec *v, unsigned n, unsigned size)
{
    return size == 8 ? v->q[n] : (uint32_t)(v->q[n / 2] >> n % 2 * 32);
}

static ALWAYS_INLINE void element_set(struct vec *v, unsigned n, unsigned size,
                                      uint64_t x)
{
    unsigned s = n % 2 * 32;

    if (size == 8)
        v->q[n] = x;
    else
        v->q[n / 2] = (v->q[n / 2] & ~(0xffffffffull << s)) | (x & 0xffffffff) << s;
}

static ALWAYS_INLINE bool is_selected(const struct vec *mask, unsigned n, unsigned size)
{
    return element(mask, n, size) >> (8 * size - 1);
}

/* How many bytes may go at once without meeting an alignment check. */
static ALWAYS_INLINE unsigned unchecked(const struct cpu *c, unsigned size)
{
    return UNLIKELY(c->cpl == 3 && (c->eflags & FLAG_AC)) ? 1 : size;
}

static ALWAYS_INLINE uint64_t element_load(struct cpu *c, const struct insn *i,
                                           uint64_t offset, unsigned size)
{
    unsigned by = unchecked(c, size);
    uint64_t v = 0;

    for (unsigned n = 0; n < size; n += by)
        v |= mem_load(c, INSN_SEG(i), ea_wrap(i, offset + n), by) << 8 * n;
    return v;
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
    unsigned count = vop_words(i) * 8 / size, by = unchecked(c, size);
    const struct vec *mask = vop_first(c, i), *from = vec_at(c, i->reg);
    uint64_t offset = ea(c, i);
    struct spans spans;

    for (unsigned at = 0; at < count * size; at += by)
        if (is_selected(mask, at / size, size))
            mem_open(c, INSN_SEG(i), ea_wrap(i, offset + at), by, ACCESS_WRITE, &spans);
    for (unsigned at = 0; at < count * size; at += by)
        if (is_selected(mask, at / size, size))
            mem_store(c, INSN_SEG(i), ea_wrap(i, offset + at), by,
                      element(from, at / size, size) >> at % size * 8);
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
 * element is cleared: a fault leaves what was done, and the instruction begun again
 * goes on where it stopped. A data breakpoint stops it likewise, as long as something is
 * left: the trap must not get lost if the next element faults.
 */
static ALWAYS_INLINE void gather(struct cpu *c, const struct insn *i, unsigned index,
                                 unsigned size)
{
    unsigned bytes = vop_words(i) * 8;
    unsigned count = bytes / (index > size ? index : size);
    const struct vec *indices = vec_at(c, i->index);
    struct vec *mask = vop_first(c, i), *d = vec_at(c, i->reg);
    uint64_t base = reg_get(c, i->rm, 64) + (uint64_t)(int64_t)i->disp;

    for (unsigned n = 0; n < ARRAY_SIZE(mask->q) * 8 / size; n++)
        element_set(mask, n, size, n < count && is_selected(mask, n, size) ? ~0ull : 0);
    for (unsigned n = 0; n < count; n++) {
        uint64_t x;
        if (!is_selected(mask, n, size))
            continue;
        if (UNLIKELY(c->pending_debug & 15)) {
            c->rip = c->insn_rip;
            c->rep_cut = true;
            return;
        }
        x = element(indices, n, index);
        if (index == 4)
            x = sign_extend(x, 32);
        element_set(d, n, size,
                    element_load(c, i, base + (x << INSN_SCALE(i)), size));
        element_set(mask, n, size, 0);
    }
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
