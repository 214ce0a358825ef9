/* op_sse_sse4.c - SSE4.1's integer instructions that are no lane arithmetic: widening
 * moves, PTEST, PHMINPOSUW, MPSADBW; and their VEX forms.
 */
#include "cpu/evop.h"

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

/* size: of r/m, by the vector length. */
#define WIDEN(name, from, to, size)                                                    \
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
    }                                                                                  \
    static ALWAYS_INLINE void v_pmovsx##name(struct vop *o)                            \
    {                                                                                  \
        v_widen(o, from, to, true);                                                    \
    }                                                                                  \
    static ALWAYS_INLINE void v_pmovzx##name(struct vop *o)                            \
    {                                                                                  \
        v_widen(o, from, to, false);                                                   \
    }                                                                                  \
    VOP(pmovsx##name, size, v_pmovsx##name)                                            \
    VOP(pmovzx##name, size, v_pmovzx##name)                                            \
    EVOP_FROM(pmovsx##name, to / 8, size, from / 8, v_pmovsx##name)                    \
    EVOP_FROM(pmovzx##name, to / 8, size, from / 8, v_pmovzx##name)

static ALWAYS_INLINE void v_widen(struct vop *o, unsigned from, unsigned to,
                                  bool is_signed)
{
    for (unsigned n = 0; n < o->words; n++) {
        unsigned first = n * (64 / to), per = 64 / from;
        o->d.q[n] = widen(from, to, is_signed, o->b.q[first / per], first % per);
    }
}

WIDEN(bw, 8, 16, VOP_HALF)
WIDEN(bd, 8, 32, VOP_QUARTER)
WIDEN(bq, 8, 64, VOP_EIGHTH)
WIDEN(wd, 16, 32, VOP_HALF)
WIDEN(wq, 16, 64, VOP_QUARTER)
WIDEN(dq, 32, 64, VOP_HALF)

/* ---- */

/* PTEST: ZF if no bit is in both, CF if the second has none that the first lacks. */
void op_sse_ptest(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i), a = vec_get(c, i->reg);
    uint64_t both = (a.q[0] & b.q[0]) | (a.q[1] & b.q[1]);
    uint64_t lacks = (~a.q[0] & b.q[0]) | (~a.q[1] & b.q[1]);
    lazy_put(&c->lazy, (both ? 0u : FLAG_ZF) | (lacks ? 0u : FLAG_CF));
}

/* With VEX, and VTESTPS and VTESTPD: only the bits in `of` count. */
static ALWAYS_INLINE void v_test(struct cpu *c, const struct insn *i, uint64_t of)
{
    unsigned words = vop_words(i);
    const struct vec *a = vec_at(c, i->reg);
    uint64_t both = 0, lacks = 0;
    struct vec b;

    vop_load(c, i, &b, VOP_FULL(words));
    for (unsigned n = 0; n < words; n++) {
        both |= a->q[n] & b.q[n] & of;
        lacks |= ~a->q[n] & b.q[n] & of;
    }
    lazy_put(&c->lazy, (both ? 0u : FLAG_ZF) | (lacks ? 0u : FLAG_CF));
}

void op_v_ptest(struct cpu *c, const struct insn *i)
{
    v_test(c, i, ~0ull);
}

void op_v_testps(struct cpu *c, const struct insn *i)
{
    v_test(c, i, lanes_top(32));
}

void op_v_testpd(struct cpu *c, const struct insn *i)
{
    v_test(c, i, lanes_top(64));
}

/* The smallest word and the lowest index that has it. */
static ALWAYS_INLINE struct x128 phminposuw(struct x128 a, struct x128 b, unsigned imm)
{
    unsigned at = 0;
    (void)a, (void)imm;
    for (unsigned n = 1; n < 8; n++)
        if (x16(b, n) < x16(b, at))
            at = n;
    return x128(x16(b, at) | at << 16, 0);
}

void op_sse_phminposuw(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i);
    vec_put(c, i->reg, phminposuw(b, b, 0));
}

VOP_LANES(phminposuw, 0, phminposuw)

/* Four bytes of the second operand, chosen by imm 1:0, against the eight groups of four
 * in eleven bytes of the first, chosen by imm 2: sums of absolute differences. */
static ALWAYS_INLINE struct x128 mpsadbw(struct x128 a, struct x128 b, unsigned imm)
{
    struct x128 r = x128(0, 0);
    unsigned at_b = (imm & 3) * 4, at_a = imm & 4;

    for (unsigned n = 0; n < 8; n++) {
        unsigned sum = 0;
        for (unsigned k = 0; k < 4; k++) {
            int d = x8(a, at_a + n + k) - x8(b, at_b + k);
            sum += (unsigned)(d < 0 ? -d : d);
        }
        x16_set(&r, n, (uint16_t)sum);
    }
    return r;
}

void op_sse_mpsadbw(struct cpu *c, const struct insn *i)
{
    struct x128 b = vec_load(c, i), a = vec_get(c, i->reg);
    vec_put(c, i->reg, mpsadbw(a, b, (unsigned)i->imm));
}

/* The upper lane's choice stands in imm 5:3. */
VOP_LANES(mpsadbw, 3, mpsadbw)
