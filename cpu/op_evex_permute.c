/* op_evex_permute.c - permutations of AVX-512: elements of one or two vectors by an
 * index, 128-bit lanes, vectors joined and shifted by elements. Intel SDM vol 2,
 * VPERMB, VPERMI2B, VPERMT2B, VSHUFF32X4 and their kin, VALIGND.
 */
#include "cpu/element.h"
#include "cpu/evop.h"

/* ---- one table: r/m; the indices are in vvvv, and only the bits that count count ----
 */

static ALWAYS_INLINE void permute(struct vop *o, unsigned size)
{
    unsigned count = o->words * 8 / size;

    for (unsigned n = 0; n < count; n++)
        element_set(
            &o->d, n, size,
            element(&o->b, (unsigned)element(&o->a, n, size) & (count - 1), size));
}

/* ---- two tables: the index bit above those chooses the second, r/m ---- */

static ALWAYS_INLINE void permute2(struct vop *o, const struct vec *index,
                                   const struct vec *first, unsigned size)
{
    unsigned count = o->words * 8 / size;
    struct vec d;

    for (unsigned n = 0; n < count; n++) {
        unsigned x = (unsigned)element(index, n, size);
        element_set(&d, n, size,
                    element(x & count ? &o->b : first, x & (count - 1), size));
    }
    vec_copy(&o->d, &d, o->words);
}

/* VPERMI2: the destination holds the indices. VPERMT2: it is the first table. */
#define PERMUTES(letter, size)                                                         \
    static ALWAYS_INLINE void v_perm##letter(struct vop *o)                            \
    {                                                                                  \
        permute(o, size);                                                              \
    }                                                                                  \
    static ALWAYS_INLINE void v_permi2##letter(struct vop *o)                          \
    {                                                                                  \
        permute2(o, &o->d, &o->a, size);                                               \
    }                                                                                  \
    static ALWAYS_INLINE void v_permt2##letter(struct vop *o)                          \
    {                                                                                  \
        permute2(o, &o->a, &o->d, size);                                               \
    }                                                                                  \
    EVOP_WHOLE(perm##letter, size, VOP_FULL, v_perm##letter)                           \
    EVOP_WHOLE_DST(permi2##letter, size, v_permi2##letter)                             \
    EVOP_WHOLE_DST(permt2##letter, size, v_permt2##letter)

PERMUTES(b, 1)
PERMUTES(w, 2)
PERMUTES(d, 4)
PERMUTES(q, 8)

/* ---- lanes ---- */

/* The lower half of the lanes from the first source, the upper from the second. */
static ALWAYS_INLINE void v_shuf128(struct vop *o)
{
    unsigned lanes = o->words / 2, bits = lanes / 2;

    for (unsigned l = 0; l < lanes; l++)
        vop_lane_set(
            &o->d, l,
            vop_lane(l < lanes / 2 ? &o->a : &o->b, o->imm >> l * bits & (lanes - 1)));
}

EVOP_WHOLE(shuf32x4, 4, VOP_FULL, v_shuf128)
EVOP_WHOLE(shuf64x2, 8, VOP_FULL, v_shuf128)

/* ---- VALIGN: the first source stands above the second ---- */

static ALWAYS_INLINE void align(struct vop *o, unsigned size)
{
    unsigned count = o->words * 8 / size, by = o->imm & (count - 1);

    for (unsigned n = 0; n < count; n++)
        element_set(&o->d, n, size,
                    n + by < count ? element(&o->b, n + by, size)
                                   : element(&o->a, n + by - count, size));
}

static ALWAYS_INLINE void v_alignd(struct vop *o)
{
    align(o, 4);
}

static ALWAYS_INLINE void v_alignq(struct vop *o)
{
    align(o, 8);
}

EVOP_WHOLE(alignd, 4, VOP_FULL, v_alignd)
EVOP_WHOLE(alignq, 8, VOP_FULL, v_alignq)
