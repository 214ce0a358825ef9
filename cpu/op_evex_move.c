/* op_evex_move.c - EVEX moves under an opmask: whole vectors, scalars, parts in and
 * out, blends. Intel SDM vol 2, MOVAPS, MOVDQA, MOVDQU and their kin, MOVSS, MOVSD,
 * VEXTRACTF128 and its kin, VBLENDMPD, VPBROADCASTB.
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

/* ---- VMOVSS, VMOVSD: bit 0 of the mask ---- */

/* The low `size` bytes of q, by the mask, and the rest of a register of 128 bits. */
static ALWAYS_INLINE void scalar_put(struct cpu *c, const struct insn *i, uint16_t to,
                                     uint64_t q, struct x128 rest, unsigned size)
{
    uint64_t low = size == 8 ? ~0ull : 0xffffffff;

    if (!evop_mask(c, i, 1))
        q = INSN_Z(i) ? 0 : vec_at(c, to)->q[0];
    vop_put128(c, to, x128((q & low) | (rest.q[0] & ~low), rest.q[1]));
}

static ALWAYS_INLINE void scalar_load(struct cpu *c, const struct insn *i,
                                      unsigned size)
{
    uint64_t q = evop_mask(c, i, 1) ? low_load(c, i, size) : 0;
    scalar_put(c, i, i->reg, q, x128(0, 0), size);
}

static ALWAYS_INLINE void scalar_store(struct cpu *c, const struct insn *i,
                                       unsigned size)
{
    if (evop_mask(c, i, 1))
        mem_store(c, INSN_SEG(i), ea(c, i), size, vec_at(c, i->reg)->q[0]);
}

/* Between registers, by either opcode. */
#define SCALARS(name, size)                                                            \
    void op_e_##name##_load(struct cpu *c, const struct insn *i)                       \
    {                                                                                  \
        scalar_load(c, i, size);                                                       \
    }                                                                                  \
    void op_e_##name##_store(struct cpu *c, const struct insn *i)                      \
    {                                                                                  \
        scalar_store(c, i, size);                                                      \
    }                                                                                  \
    void op_e_##name##_to_reg(struct cpu *c, const struct insn *i)                     \
    {                                                                                  \
        scalar_put(c, i, i->reg, vec_at(c, i->rm)->q[0], vop_first128(c, i), size);    \
    }                                                                                  \
    void op_e_##name##_to_rm(struct cpu *c, const struct insn *i)                      \
    {                                                                                  \
        scalar_put(c, i, i->rm, vec_at(c, i->reg)->q[0], vop_first128(c, i), size);    \
    }

SCALARS(movss, 4)
SCALARS(movsd, 8)

/* ---- 128 or 256 bits out ---- */

/* Exception type E6NF: memory is opened whole, whatever the mask. */
static ALWAYS_INLINE void extract(struct cpu *c, const struct insn *i, unsigned bytes,
                                  unsigned size)
{
    unsigned words = bytes / 8, parts = vop_words(i) / words;
    uint64_t mask = evop_mask(c, i, bytes / size);
    const struct vec *from = vec_at(c, i->reg);
    struct spans spans;
    struct vec part;

    for (unsigned n = 0; n < words; n++)
        part.q[n] = from->q[((unsigned)i->imm & (parts - 1)) * words + n];
    if (!(i->form & FORM_MEM)) {
        evop_merge(i, vec_at(c, i->rm), &part, words, mask, size);
        return;
    }
    if (INSN_MASK(i))
        mem_open(c, INSN_SEG(i), ea(c, i), bytes, ACCESS_WRITE, &spans);
    evop_write(c, i, &part, bytes, size, mask);
}

#define EXTRACT(name, bytes, size)                                                     \
    void op_e_##name(struct cpu *c, const struct insn *i)                              \
    {                                                                                  \
        extract(c, i, bytes, size);                                                    \
    }

EXTRACT(extract32x4, 16, 4)
EXTRACT(extract64x2, 16, 8)
EXTRACT(extract32x8, 32, 4)
EXTRACT(extract64x4, 32, 8)

/* ---- blends: the mask chooses, r/m where it is set, else vvvv or (EVEX.z) zero ----
 */

#define BLENDM(name, size)                                                             \
    void op_e_##name(struct cpu *c, const struct insn *i)                              \
    {                                                                                  \
        struct vop o;                                                                  \
        uint64_t mask =                                                                \
            evop_open(c, i, &o, size, VOP_FULL(vop_words(i)), size, false);            \
        evop_merge(i, &o.a, &o.b, o.words, mask, size);                                \
        vop_put(c, i->reg, &o.a, o.words);                                             \
    }

BLENDM(blendmb, 1)
BLENDM(blendmw, 2)
BLENDM(blendmd, 4)
BLENDM(blendmq, 8)

/* ---- a general register to all elements ---- */

static ALWAYS_INLINE void fill(struct cpu *c, const struct insn *i, unsigned size)
{
    uint64_t q = lanes_one(8 * size) *
                 (reg_get(c, i->rm, size == 8 ? 64 : 32) & ~0ull >> (64 - 8 * size));
    unsigned words = vop_words(i);
    struct vec v;

    for (unsigned n = 0; n < ARRAY_SIZE(v.q); n++)
        v.q[n] = q;
    evop_put(c, i, &v, words, evop_mask(c, i, words * 8 / size), size);
}

void op_e_fillb(struct cpu *c, const struct insn *i)
{
    fill(c, i, 1);
}

void op_e_fillw(struct cpu *c, const struct insn *i)
{
    fill(c, i, 2);
}

void op_e_filld(struct cpu *c, const struct insn *i)
{
    fill(c, i, 4);
}

void op_e_fillq(struct cpu *c, const struct insn *i)
{
    fill(c, i, 8);
}
