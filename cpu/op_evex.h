/* op_evex.h - kernels written for one element (evop.h has their frames).
 *
 * EACH(name, w, expr): v_<name> for elements of w bits (16, 32, 64; a constant). In
 * expr x and y are an element of the first and of the second source, zero-extended; the
 * result is truncated. EACH_DST: z, too, the destination's. EACH_IMM: y is o->b's first
 * word for all (EVOP_SHIFT).
 */
#ifndef CPU_OP_EVEX_H
#define CPU_OP_EVEX_H

#include "cpu/evop.h"

#define EACH(name, w, expr) EACH_OF(name, w, o->b.q[n] >> s & ones, 0, expr)
#define EACH_DST(name, w, expr)                                                        \
    EACH_OF(name, w, o->b.q[n] >> s & ones, o->d.q[n] >> s & ones, expr)
#define EACH_IMM(name, w, expr) EACH_OF(name, w, o->b.q[0], 0, expr)

#define EACH_OF(name, w, second, third, expr)                                          \
    static ALWAYS_INLINE void v_##name(struct vop *o)                                  \
    {                                                                                  \
        const uint64_t ones = ~0ull >> (64 - w);                                       \
        for (unsigned n = 0; n < o->words; n++) {                                      \
            uint64_t r = 0;                                                            \
            for (unsigned s = 0; s < 64; s += w) {                                     \
                uint64_t x = o->a.q[n] >> s & ones, y = second, z = third;             \
                (void)x, (void)y, (void)z;                                             \
                r |= ((expr)&ones) << s;                                               \
            }                                                                          \
            o->d.q[n] = r;                                                             \
        }                                                                              \
    }

#endif
