/* op_sse_sse4.c - SSE4.1's integer instructions that are no lane arithmetic: widening
 * moves, PTEST, PHMINPOSUW, MPSADBW.
 */
#include "cpu/simd.h"

/* ---- widening: elements of `from` bits to `to`; memory only as much as is used ----
 */

static ALWAYS_INLINE uint64_t widen(unsigned from, unsigned to, bool is_signed,
                                    uint64_t q, unsigned first)
{
    uint64_t r = 0;
    for (unsigned n = 0; n < 64 / to; n++) {
        uint64_t v = is_signed ? (uint64_t)(int64_t)lane_signed(from, q, first + n)
                               : lane_get(from, q, first + n);
        r |= to == 64 ? v : lane_put(to, n, v);
    }
    return r;
}

#define WIDEN(name, from, to)                                                          \
    void op_sse_pmovsx##name(struct cpu *c, const struct insn *i)                      \
    {                                                                                  \
        uint64_t q = low_load(c, i, 16 * from / to);                              \
        vec_put(c, i->reg,                                                             \
                x128(widen(from, to, true, q, 0), widen(from, to, true, q, 64 / to))); \
    }                                                                                  \
    void op_sse_pmovzx##name(struct cpu *c, const struct insn *i)                      \
    {                                                                                  \
        uint64_t q = low_load(c, i, 16 * from / to);                              \
        vec_put(                                                                       \
            c, i->reg,                                                                 \
            x128(widen(from, to, false, q, 0), widen(from, to, false, q, 64 / to)));   \
    }

WIDEN(bw, 8, 16)
WIDEN(bd, 8, 32)
WIDEN(bq, 8, 64)
WIDEN(wd, 16, 32)
WIDEN(wq, 16, 64)
WIDEN(dq, 32, 64)

/* ---- */

/* PTEST: ZF if no bit is in both, CF if the second has none that the first lacks. */
void op_sse_ptest(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i), a = vec_get(c, i->reg);
    uint64_t both = (a.q[0] & b.q[0]) | (a.q[1] & b.q[1]);
    uint64_t lacks = (~a.q[0] & b.q[0]) | (~a.q[1] & b.q[1]);
    lazy_put(&c->lazy, (both ? 0u : FLAG_ZF) | (lacks ? 0u : FLAG_CF));
}

/* The smallest word and the lowest index that has it. */
void op_sse_phminposuw(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i);
    unsigned at = 0;
    for (unsigned n = 1; n < 8; n++)
        if (x16(b, n) < x16(b, at))
            at = n;
    vec_put(c, i->reg, x128(x16(b, at) | at << 16, 0));
}

/* Four bytes of the second operand, chosen by imm 1:0, against the eight groups of four
 * in eleven bytes of the first, chosen by imm 2: sums of absolute differences. */
void op_sse_mpsadbw(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i), a = vec_get(c, i->reg), r = x128(0, 0);
    unsigned at_b = (i->imm & 3) * 4, at_a = i->imm & 4;

    for (unsigned n = 0; n < 8; n++) {
        unsigned sum = 0;
        for (unsigned k = 0; k < 4; k++) {
            int d = x8(a, at_a + n + k) - x8(b, at_b + k);
            sum += (unsigned)(d < 0 ? -d : d);
        }
        x16_set(&r, n, (uint16_t)sum);
    }
    vec_put(c, i->reg, r);
}
