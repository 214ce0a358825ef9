/* op_evex_bits.c - bits of vectors counted, compared and selected: VPOPCNT, VPLZCNT,
 * VPCONFLICT, VPMULTISHIFTQB, VPSHUFBITQMB. Intel SDM vol 2, V.
 */
#include "cpu/op_evex.h"
#include "cpu/wide.h"

/* The number of bits that are set, in each lane. */
static ALWAYS_INLINE uint64_t lanes_count(unsigned w, uint64_t v)
{
    v -= v >> 1 & 0x5555555555555555;
    v = (v & 0x3333333333333333) + (v >> 2 & 0x3333333333333333);
    v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0f;
    if (w > 8)
        v = (v + (v >> 8)) & 0x00ff00ff00ff00ff;
    if (w > 16)
        v = (v + (v >> 16)) & 0x0000ffff0000ffff;
    if (w > 32)
        v = (v + (v >> 32)) & 0xffffffff;
    return v;
}

#define COUNT(letter, size)                                                            \
    static ALWAYS_INLINE void v_popcnt##letter(struct vop *o)                          \
    {                                                                                  \
        for (unsigned n = 0; n < o->words; n++)                                        \
            o->d.q[n] = lanes_count(8 * size, o->b.q[n]);                              \
    }                                                                                  \
    EVOP(popcnt##letter, size, v_popcnt##letter)

COUNT(b, 1)
COUNT(w, 2)
COUNT(d, 4)
COUNT(q, 8)

EACH(plzcntd, 32, y ? clz64(y) - 32 : 32)
EACH(plzcntq, 64, y ? clz64(y) : 64)
EVOP(plzcntd, 4, v_plzcntd)
EVOP(plzcntq, 8, v_plzcntq)

/* ---- VPCONFLICT: a bit for each element below that is equal ---- */

static ALWAYS_INLINE uint64_t element(const struct vec *v, unsigned n, unsigned w)
{
    return v->q[n * w / 64] >> n * w % 64 & ~0ull >> (64 - w);
}

static ALWAYS_INLINE void conflict(struct vop *o, unsigned w)
{
    for (unsigned n = 0; n < o->words; n++)
        o->d.q[n] = 0;
    for (unsigned n = 1; n < o->words * 64 / w; n++) {
        uint64_t equal = 0, x = element(&o->b, n, w);
        for (unsigned k = 0; k < n; k++)
            equal |= (uint64_t)(element(&o->b, k, w) == x) << k;
        o->d.q[n * w / 64] |= equal << n * w % 64;
    }
}

static ALWAYS_INLINE void v_pconflictd(struct vop *o)
{
    conflict(o, 32);
}

static ALWAYS_INLINE void v_pconflictq(struct vop *o)
{
    conflict(o, 64);
}

EVOP_WHOLE(pconflictd, 4, VOP_FULL, v_pconflictd)
EVOP_WHOLE(pconflictq, 8, VOP_FULL, v_pconflictq)

/* ---- VPMULTISHIFTQB: each byte of the first source says from which bit on eight bits
 * of the second's quadword are taken, around its end ---- */

static ALWAYS_INLINE void v_pmultishiftqb(struct vop *o)
{
    for (unsigned n = 0; n < o->words; n++) {
        uint64_t r = 0, q = o->b.q[n];
        for (unsigned k = 0; k < 64; k += 8) {
            unsigned at = o->a.q[n] >> k & 63;
            r |= ((at ? q >> at | q << (64 - at) : q) & 0xff) << k;
        }
        o->d.q[n] = r;
    }
}

EVOP_WHOLE_FROM(pmultishiftqb, 1, VOP_FULL, 8, v_pmultishiftqb)

/* ---- VPSHUFBITQMB: each byte of the second source names a bit of the first's quadword
 * ---- */

static ALWAYS_INLINE void v_pshufbitqmb(struct vop *o)
{
    for (unsigned n = 0; n < o->words; n++) {
        uint64_t r = 0;
        for (unsigned k = 0; k < 64; k += 8)
            r |= (o->a.q[n] >> (o->b.q[n] >> k & 63) & 1) * 0xff << k;
        o->d.q[n] = r;
    }
}

EVOP_COMPARE(pshufbitqmb, 1, v_pshufbitqmb)
