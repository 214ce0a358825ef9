/* evop_element.h - the frame of an EVEX operation that is told by one element: packed
 * and scalar, float32 and float64 from one function.
 *
 * The function sees only elements that the opmask names, so the others raise nothing.
 */
#ifndef CPU_EVOP_ELEMENT_H
#define CPU_EVOP_ELEMENT_H

#include "cpu/evop.h"
#include "cpu/softfloat_binary.h"
#include "cpu/vector.h"

/* f: F32 or F64, a constant. a, b: of the first source (vvvv) and r/m; old: of the
 * destination. o: imm and env. */
typedef uint64_t fp_element(struct vop *o, unsigned f, uint64_t a, uint64_t b,
                            uint64_t old);

static ALWAYS_INLINE uint64_t fp_get(const struct vec *v, unsigned f, unsigned n)
{
    return f == F64 ? v->q[n] : vec32(v, n);
}

static ALWAYS_INLINE void fp_set(struct vec *v, unsigned f, unsigned n, uint64_t x)
{
    if (f == F64)
        v->q[n] = x;
    else
        vec32_set(v, n, (uint32_t)x);
}

static ALWAYS_INLINE void evop_elements(struct cpu *c, const struct insn *i, unsigned f,
                                        bool er, fp_element *element)
{
    unsigned size = f == F64 ? 8 : 4;
    struct vop o;
    uint64_t mask = evop_open(c, i, &o, size, VOP_FULL(vop_words(i)), size, false);

    evop_fp(c, i, &o, er);
    vec_copy(&o.d, vec_at(c, i->reg), o.words);
    for (unsigned n = 0; n < o.words * 8 / size; n++)
        if (mask >> n & 1)
            fp_set(&o.d, f, n,
                        element(&o, f, fp_get(&o.a, f, n), fp_get(&o.b, f, n),
                                fp_get(&o.d, f, n)));
    evop_raise(c, i, &o);
    evop_put(c, i, &o.d, o.words, mask, size);
}

static ALWAYS_INLINE void evop_element0(struct cpu *c, const struct insn *i, unsigned f,
                                        bool er, fp_element *element)
{
    uint64_t old = fp_get(vec_at(c, i->reg), f, 0);
    struct vop o = {.words = 2, .imm = (unsigned)i->imm & 0xff};

    vec_copy(&o.a, vop_first(c, i), 2);
    vec_copy(&o.d, &o.a, 2);
    if (LIKELY(evop_mask(c, i, 1))) {
        vop_load(c, i, &o.b, f == F64 ? 8 : 4);
        evop_fp(c, i, &o, er);
        fp_set(
            &o.d, f, 0,
            element(&o, f, fp_get(&o.a, f, 0), fp_get(&o.b, f, 0), old));
        evop_raise(c, i, &o);
    } else {
        fp_set(&o.d, f, 0, INSN_Z(i) ? 0 : old);
    }
    vop_put(c, i->reg, &o.d, 2);
}

/* EVOP_ELEMENTS(name, has it T_ER, function): op_e_<name>ps, pd, ss and sd. */
#define EVOP_ELEMENTS(name, er, element)                                               \
    void op_e_##name##ps(struct cpu *c, const struct insn *i)                          \
    {                                                                                  \
        evop_elements(c, i, F32, er, element);                                         \
    }                                                                                  \
    void op_e_##name##pd(struct cpu *c, const struct insn *i)                          \
    {                                                                                  \
        evop_elements(c, i, F64, er, element);                                         \
    }                                                                                  \
    void op_e_##name##ss(struct cpu *c, const struct insn *i)                          \
    {                                                                                  \
        evop_element0(c, i, F32, er, element);                                         \
    }                                                                                  \
    void op_e_##name##sd(struct cpu *c, const struct insn *i)                          \
    {                                                                                  \
        evop_element0(c, i, F64, er, element);                                         \
    }

#endif
