/* evop.h - the frame of an EVEX-encoded vector instruction: opmask, broadcast, embedded
 * rounding. SDM vol 2 2.7, vol 1 15.
 *
 * The kernels are those of cpu/vop.h: the frame gives them operands, and merges what they
 * computed into the destination by the opmask, a bit for each element of the destination.
 *   - An element of memory that is masked out is not read: it cannot fault (EVOP_WHOLE and
 *     its kind: the memory operand is read as a whole all the same, exception types E4NF,
 *     E6NF and E9NF).
 *   - An element that is masked out raises no floating-point exception: the kernel gets
 *     operands in its place that raise none.
 *   - An element that is masked out keeps the destination's value, or becomes zero
 *     (EVEX.z). Bits above the vector length become zero.
 * Nothing is committed before the last thing that can raise.
 */
#ifndef CPU_EVOP_H
#define CPU_EVOP_H

#include "cpu/vop.h"

/* The opmask's bits for `count` elements; k0 stands for all (SDM vol 2 2.7.4). */
static ALWAYS_INLINE uint64_t evop_mask(const struct cpu *c, const struct insn *i,
                                        unsigned count)
{
    uint64_t all = ~0ull >> (64 - count);
    return INSN_MASK(i) ? c->k[INSN_MASK(i)] & all : all;
}

/* Word n of the vector, with all bits of an element (size bytes) set where its bit of
 * mask is. */
static ALWAYS_INLINE uint64_t evop_word(uint64_t mask, unsigned n, unsigned size)
{
    uint64_t x;

    switch (size) {
    case 8: return 0 - (mask >> n & 1);
    case 4:
        mask >>= 2 * n;
        return (mask & 1) * 0xffffffff | (0 - (mask >> 1 & 1)) << 32;
    case 2: /* bit k to lane k, then up to the lane's top */
        x = (mask >> 4 * n & 15) * lanes_one(16) & 0x0008000400020001;
        return lanes_fill(16, (x + 0x7fff7fff7fff7fff) & lanes_top(16));
    default:
        x = (mask >> 8 * n & 0xff) * lanes_one(8) & 0x8040201008040201;
        return lanes_fill(8, (((x & ~lanes_top(8)) + ~lanes_top(8)) | x) & lanes_top(8));
    }
}

/* The destination's elements by the mask: from->q, or what z says. dst is a register. */
static ALWAYS_INLINE void evop_merge(const struct insn *i, struct vec *dst,
                                     const struct vec *from, unsigned words,
                                     uint64_t mask, unsigned size)
{
    for (unsigned n = 0; n < words; n++) {
        uint64_t m = evop_word(mask, n, size);
        dst->q[n] = (from->q[n] & m) | (INSN_Z(i) ? 0 : dst->q[n] & ~m);
    }
    for (unsigned n = words; n < ARRAY_SIZE(dst->q); n++)
        dst->q[n] = 0;
}

static ALWAYS_INLINE void evop_put(struct cpu *c, const struct insn *i,
                                   const struct vec *from, unsigned words,
                                   uint64_t mask, unsigned size)
{
    if (LIKELY(!INSN_MASK(i)))
        vop_put(c, i->reg, from, words);
    else
        evop_merge(i, vec_at(c, i->reg), from, words, mask, size);
}

/* r/m, from memory: what mask names of `bytes` bytes (2 to 64) in elements of `size`; an
 * element that it does not name is zero. With EVEX.b (T_BCST) one element for all. */
void evop_read(struct cpu *c, const struct insn *i, struct vec *to, unsigned bytes,
               unsigned size, uint64_t mask);

/* r/m is memory: stores the elements that mask names, all or (a fault) none. */
void evop_write(struct cpu *c, const struct insn *i, const struct vec *from,
                unsigned bytes, unsigned size, uint64_t mask);

/* Faults where evop_write() would (T_ALIGN16 apart), and writes nothing. */
void evop_writable(struct cpu *c, const struct insn *i, unsigned bytes, unsigned size,
                   uint64_t mask);

static ALWAYS_INLINE void evop_load(struct cpu *c, const struct insn *i, struct vec *to,
                                    unsigned bytes, unsigned size, uint64_t mask)
{
    if (i->form & FORM_MEM)
        evop_read(c, i, to, bytes, size, mask);
    else
        vec_copy(to, vec_at(c, i->rm), (bytes + 7) / 8);
}

/* size: bytes of a destination element. bytes, from: r/m, all and one element of it.
 * whole: faults come from elements that are masked out too. */
static ALWAYS_INLINE uint64_t evop_open(struct cpu *c, const struct insn *i,
                                        struct vop *o, unsigned size, unsigned bytes,
                                        unsigned from, bool whole)
{
    uint64_t mask;

    o->words = vop_words(i);
    o->imm = (unsigned)i->imm & 0xff;
    mask = evop_mask(c, i, o->words * 8 / size);
    evop_load(c, i, &o->b, bytes, from, whole ? ~0ull : mask);
    vec_copy(&o->a, vop_first(c, i), o->words);
    return mask;
}

/* ---- integers and moves ---- */

/* EVOP(name, element size in bytes, kernel): the handler op_e_<name>. r/m has the vector
 * length and elements of the same size. */
#define EVOP(name, size, kernel) EVOP_FROM(name, size, VOP_FULL, size, kernel)

/* r/m has `bytes(words)` bytes, in elements of `from`. */
#define EVOP_FROM(name, size, bytes, from, kernel)                                     \
    EVOP_FRAME(name, size, bytes, from, false, false, kernel)

/* The frame of them all. whole: memory is read whole. old: the kernel finds the
 * destination's old value in d, as a third source. */
#define EVOP_FRAME(name, size, bytes, from, whole, old, kernel)                        \
    void op_e_##name(struct cpu *c, const struct insn *i)                              \
    {                                                                                  \
        struct vop o;                                                                  \
        uint64_t mask = evop_open(c, i, &o, size, bytes(vop_words(i)), from, whole);   \
        if (old)                                                                       \
            vec_copy(&o.d, vec_at(c, i->reg), o.words);                                \
        kernel(&o);                                                                    \
        evop_put(c, i, &o.d, o.words, mask, size);                                     \
    }

/* The memory operand is read whole. With EVEX.b (T_BCST) elements of `size`. */
#define EVOP_WHOLE(name, size, bytes, kernel)                                          \
    EVOP_WHOLE_FROM(name, size, bytes, size, kernel)

/* The same with EVEX.b for elements of `from`. */
#define EVOP_WHOLE_FROM(name, size, bytes, from, kernel)                               \
    EVOP_FRAME(name, size, bytes, from, true, false, kernel)

/* With the destination's old value as a third source, which the kernel finds in d. */
#define EVOP_DST(name, size, kernel)                                                   \
    EVOP_FRAME(name, size, VOP_FULL, size, false, true, kernel)

/* As EVOP_DST, and the memory operand is read whole. */
#define EVOP_WHOLE_DST(name, size, kernel)                                             \
    EVOP_FRAME(name, size, VOP_FULL, size, true, true, kernel)

/* r/m has `count` elements, which the kernel repeats: one of them is read if any place it
 * goes to is named by the mask. */
#define EVOP_BROADCAST(name, size, count, kernel)                                      \
    void op_e_##name(struct cpu *c, const struct insn *i)                              \
    {                                                                                  \
        struct vop o = {.words = vop_words(i)};                                        \
        uint64_t mask = evop_mask(c, i, o.words * 8 / size), of = 0;                   \
        for (unsigned n = 0; n < o.words * 8 / size; n += count)                       \
            of |= mask >> n & ~0ull >> (64 - count);                                   \
        evop_load(c, i, &o.b, count * size, size, of);                                 \
        kernel(&o);                                                                    \
        evop_put(c, i, &o.d, o.words, mask, size);                                     \
    }

/* Shifts and rotates by imm8: vvvv is the destination. The kernel finds the source in a,
 * the count in b. */
#define EVOP_SHIFT(name, size, kernel)                                                 \
    void op_e_##name##_imm(struct cpu *c, const struct insn *i)                        \
    {                                                                                  \
        struct vop o = {.words = vop_words(i)};                                        \
        uint64_t mask = evop_mask(c, i, o.words * 8 / size);                           \
        evop_load(c, i, &o.a, VOP_FULL(o.words), size, mask);                          \
        o.b.q[0] = (unsigned)i->imm & 0xff;                                            \
        kernel(&o);                                                                    \
        evop_merge(i, vop_first(c, i), &o.d, o.words, mask, size);                     \
    }

/* A bit for each element of d whose top bit is set. */
static ALWAYS_INLINE uint64_t evop_signs(const struct vec *d, unsigned words,
                                         unsigned size)
{
    uint64_t bits = 0;

    for (unsigned n = 0; n < words; n++)
        switch (size) {
        case 8: bits |= (d->q[n] >> 63) << n; break;
        case 4: bits |= ((d->q[n] >> 31 & 1) | (d->q[n] >> 63) << 1) << 2 * n; break;
        case 2:
            bits |= ((d->q[n] >> 15 & 1) | (d->q[n] >> 30 & 2) | (d->q[n] >> 45 & 4) |
                     (d->q[n] >> 60 & 8))
                    << 4 * n;
            break;
        default: bits |= (uint64_t)lanes_signs(d->q[n] & lanes_top(8)) << 8 * n; break;
        }
    return bits;
}

static ALWAYS_INLINE uint64_t *opmask_at(struct cpu *c, uint16_t offset)
{
    return (uint64_t *)(void *)((uint8_t *)c + offset);
}

/* The result is an opmask: the kernel leaves all ones in the elements that are true. Those
 * masked out are false. */
#define EVOP_COMPARE(name, size, kernel)                                               \
    void op_e_##name(struct cpu *c, const struct insn *i)                              \
    {                                                                                  \
        struct vop o;                                                                  \
        uint64_t mask =                                                                \
            evop_open(c, i, &o, size, VOP_FULL(vop_words(i)), size, false);            \
        kernel(&o);                                                                    \
        *opmask_at(c, i->reg) = evop_signs(&o.d, o.words, size) & mask;                \
    }

/* ---- floating point ---- */

/* 1 in the elements that mask does not name: no operation raises anything for it. */
static ALWAYS_INLINE void evop_calm(struct vec *v, unsigned words, uint64_t mask,
                                    unsigned size)
{
    uint64_t one = size == 8 ? 0x3ff0000000000000 : 0x3f8000003f800000;

    for (unsigned n = 0; n < words; n++) {
        uint64_t m = evop_word(mask, n, size);
        v->q[n] = (v->q[n] & m) | (one & ~m);
    }
}

/* SAE: nothing is raised and no flag is set. */
static ALWAYS_INLINE bool evop_sae(const struct insn *i)
{
    return INSN_B(i) && !(i->form & FORM_MEM);
}

/* er: the row has T_ER, so that SAE brings its rounding. */
static ALWAYS_INLINE void evop_fp(const struct cpu *c, const struct insn *i,
                                  struct vop *o, bool er)
{
    vop_fp(c, o);
    if (UNLIKELY(evop_sae(i))) {
        o->env.masks = MXCSR_FLAGS;
        if (er)
            o->env.rounding = (uint8_t)INSN_RC(i);
        /* No flag is kept, so none must be known. */
        o->host = HOST_FLOAT && o->env.rounding == FP_NEAREST;
    }
}

static ALWAYS_INLINE void evop_raise(struct cpu *c, const struct insn *i, struct vop *o)
{
    if (!evop_sae(i))
        sse_done(c, &o->env);
}

/* EVOP_FP(name, element size, has it T_ER, kernel): the operands have the vector length
 * and one element size. */
#define EVOP_FP(name, size, er, kernel)                                                \
    void op_e_##name(struct cpu *c, const struct insn *i)                              \
    {                                                                                  \
        struct vop o;                                                                  \
        uint64_t mask =                                                                \
            evop_open(c, i, &o, size, VOP_FULL(vop_words(i)), size, false);            \
        evop_fp(c, i, &o, er);                                                         \
        if (INSN_MASK(i)) {                                                            \
            evop_calm(&o.a, o.words, mask, size);                                      \
            evop_calm(&o.b, o.words, mask, size);                                      \
        }                                                                              \
        kernel(&o);                                                                    \
        evop_raise(c, i, &o);                                                          \
        evop_put(c, i, &o.d, o.words, mask, size);                                     \
    }

/* Conversions: r/m has elements of `from` bytes, the destination of `size`. The kernel
 * writes `to(words)` bytes of d. An element masked out is 0, which converts to 0. */
#define EVOP_FP_FROM(name, size, to, bytes, from, er, kernel)                          \
    void op_e_##name(struct cpu *c, const struct insn *i)                              \
    {                                                                                  \
        struct vop o;                                                                  \
        uint64_t mask = evop_mask(c, i, to(vop_words(i)) / size);                      \
        o.words = vop_words(i);                                                        \
        o.imm = (unsigned)i->imm & 0xff;                                               \
        evop_load(c, i, &o.b, bytes(o.words), from, mask);                             \
        evop_fp(c, i, &o, er);                                                         \
        if (INSN_MASK(i))                                                              \
            for (unsigned n = 0; n < (bytes(o.words) + 7) / 8; n++)                    \
                o.b.q[n] &= evop_word(mask, n, from);                                  \
        kernel(&o);                                                                    \
        evop_raise(c, i, &o);                                                          \
        evop_put(c, i, &o.d, (to(o.words) + 7) / 8, mask, size);                       \
    }

/* With the destination as third source (FMA), which the kernel finds in d. */
#define EVOP_FMA(name, size, kernel)                                                   \
    void op_e_##name(struct cpu *c, const struct insn *i)                              \
    {                                                                                  \
        struct vop o;                                                                  \
        uint64_t mask =                                                                \
            evop_open(c, i, &o, size, VOP_FULL(vop_words(i)), size, false);            \
        evop_fp(c, i, &o, true);                                                       \
        vec_copy(&o.d, vec_at(c, i->reg), o.words);                                    \
        if (INSN_MASK(i)) {                                                            \
            evop_calm(&o.a, o.words, mask, size);                                      \
            evop_calm(&o.b, o.words, mask, size);                                      \
            evop_calm(&o.d, o.words, mask, size);                                      \
        }                                                                              \
        kernel(&o);                                                                    \
        evop_raise(c, i, &o);                                                          \
        evop_put(c, i, &o.d, o.words, mask, size);                                     \
    }

/* Scalars: bit 0 of the opmask decides about element 0; bits above it, to bit 127, come
 * from the first source. Masked out, nothing is read and nothing computed. `first` is where
 * the kernel finds them (and with FMA the third source): vvvv or the destination. */
static ALWAYS_INLINE void evop_scalar(struct cpu *c, const struct insn *i, unsigned size,
                                      unsigned bytes, bool er, bool fma,
                                      vop_kernel *kernel)
{
    struct vop o = {.words = 2, .imm = (unsigned)i->imm & 0xff};
    struct vec *dst = vec_at(c, i->reg);
    uint64_t keep = size == 8 ? 0 : 0xffffffff00000000;

    vec_copy(&o.a, vop_first(c, i), 2);
    vec_copy(&o.d, fma ? dst : &o.a, 2);
    if (LIKELY(evop_mask(c, i, 1))) {
        vop_load(c, i, &o.b, bytes);
        evop_fp(c, i, &o, er);
        kernel(&o);
        evop_raise(c, i, &o);
    } else {
        o.d.q[0] = (o.d.q[0] & keep) | (INSN_Z(i) ? 0 : dst->q[0] & ~keep);
    }
    vop_put(c, i->reg, &o.d, 2);
}

#define EVOP_FP_SCALAR(name, size, bytes, er, kernel)                                  \
    void op_e_##name(struct cpu *c, const struct insn *i)                              \
    {                                                                                  \
        evop_scalar(c, i, size, bytes, er, false, kernel);                             \
    }

#define EVOP_FMA_SCALAR(name, size, kernel)                                            \
    void op_e_##name(struct cpu *c, const struct insn *i)                              \
    {                                                                                  \
        evop_scalar(c, i, size, size, true, true, kernel);                             \
    }

/* Compares: as EVOP_COMPARE, with exceptions and {sae}. */
#define EVOP_FP_COMPARE(name, size, kernel)                                            \
    void op_e_##name(struct cpu *c, const struct insn *i)                              \
    {                                                                                  \
        struct vop o;                                                                  \
        uint64_t mask =                                                                \
            evop_open(c, i, &o, size, VOP_FULL(vop_words(i)), size, false);            \
        evop_fp(c, i, &o, false);                                                      \
        if (INSN_MASK(i)) {                                                            \
            evop_calm(&o.a, o.words, mask, size);                                      \
            evop_calm(&o.b, o.words, mask, size);                                      \
        }                                                                              \
        kernel(&o);                                                                    \
        evop_raise(c, i, &o);                                                          \
        *opmask_at(c, i->reg) = evop_signs(&o.d, o.words, size) & mask;                \
    }

/* Element 0 alone; all other bits of the opmask are cleared. */
#define EVOP_FP_COMPARE_SCALAR(name, size, kernel)                                     \
    void op_e_##name(struct cpu *c, const struct insn *i)                              \
    {                                                                                  \
        struct vop o = {.words = 2, .imm = (unsigned)i->imm & 0xff};                   \
        if (evop_mask(c, i, 1)) {                                                      \
            vec_copy(&o.a, vop_first(c, i), 2);                                        \
            vop_load(c, i, &o.b, size);                                                \
            evop_fp(c, i, &o, false);                                                  \
            kernel(&o);                                                                \
            evop_raise(c, i, &o);                                                      \
        }                                                                              \
        *opmask_at(c, i->reg) = o.d.q[0] & 1;                                          \
    }

#endif
