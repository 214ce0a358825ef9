/* op_evex_int.c - packed-integer arithmetic and logic that came with AVX-512: what
 * quadwords lacked, VPMADD52, VNNI, VPTERNLOG, VDBPSADBW. Intel SDM vol 2, V.
 */
#include "cpu/op_evex.h"
#include "cpu/op_wide.h"

/* ---- quadwords ---- */

EACH(pminsq, 64, (int64_t)x < (int64_t)y ? x : y)
EACH(pminuq, 64, x < y ? x : y)
EACH(pmaxsq, 64, (int64_t)x < (int64_t)y ? y : x)
EACH(pmaxuq, 64, x < y ? y : x)
EACH(pabsq, 64, (int64_t)y < 0 ? 0 - y : y)
EACH(pmullq, 64, x * y)

EVOP(pminsq, 8, v_pminsq)
EVOP(pminuq, 8, v_pminuq)
EVOP(pmaxsq, 8, v_pmaxsq)
EVOP(pmaxuq, 8, v_pmaxuq)
EVOP(pabsq, 8, v_pabsq)
EVOP(pmullq, 8, v_pmullq)

/* ---- VPMADD52: one half of the 104-bit product of bits 51:0 is added ---- */

static ALWAYS_INLINE uint64_t product52(uint64_t x, uint64_t y, bool high)
{
    const uint64_t ones = (1ull << 52) - 1;
    struct wide p = wide_mul(x & ones, y & ones);

    return high ? p.high << 12 | p.low >> 52 : p.low & ones;
}

EACH_DST(pmadd52luq, 64, z + product52(x, y, false))
EACH_DST(pmadd52huq, 64, z + product52(x, y, true))
EVOP_DST(pmadd52luq, 8, v_pmadd52luq)
EVOP_DST(pmadd52huq, 8, v_pmadd52huq)

/* ---- VNNI: sums of products to a doubleword, wrapping or (S) clamped once, at the end
 * ---- */

/* Bytes of x unsigned, of y signed. */
static ALWAYS_INLINE int64_t dot_bytes(uint64_t x, uint64_t y)
{
    int32_t sum = 0;
    for (unsigned k = 0; k < 4; k++)
        sum += (int32_t)lane_get(8, x, k) * lane_signed(8, y, k);
    return sum;
}

static ALWAYS_INLINE int64_t dot_words(uint64_t x, uint64_t y)
{
    return (int64_t)lane_signed(16, x, 0) * lane_signed(16, y, 0) +
           (int64_t)lane_signed(16, x, 1) * lane_signed(16, y, 1);
}

static ALWAYS_INLINE uint64_t add_clamped(uint64_t z, int64_t sum)
{
    sum += lane_signed(32, z, 0);
    return (uint64_t)(sum < INT32_MIN ? INT32_MIN : sum > INT32_MAX ? INT32_MAX : sum);
}

EACH_DST(pdpbusd, 32, z + (uint64_t)dot_bytes(x, y))
EACH_DST(pdpbusds, 32, add_clamped(z, dot_bytes(x, y)))
EACH_DST(pdpwssd, 32, z + (uint64_t)dot_words(x, y))
EACH_DST(pdpwssds, 32, add_clamped(z, dot_words(x, y)))
EVOP_DST(pdpbusd, 4, v_pdpbusd)
EVOP_DST(pdpbusds, 4, v_pdpbusds)
EVOP_DST(pdpwssd, 4, v_pdpwssd)
EVOP_DST(pdpwssds, 4, v_pdpwssds)

/* ---- VPTERNLOG: three bits, the destination's highest, choose a bit of imm8 ---- */

static ALWAYS_INLINE void v_pternlog(struct vop *o)
{
    uint64_t bit[8];

    for (unsigned k = 0; k < 8; k++)
        bit[k] = 0 - (uint64_t)(o->imm >> k & 1);
    for (unsigned n = 0; n < o->words; n++) {
        uint64_t a = o->a.q[n], b = o->b.q[n];
        uint64_t with =
            lanes_pick(a, lanes_pick(b, bit[7], bit[6]), lanes_pick(b, bit[5], bit[4]));
        uint64_t without =
            lanes_pick(a, lanes_pick(b, bit[3], bit[2]), lanes_pick(b, bit[1], bit[0]));
        o->d.q[n] = lanes_pick(o->d.q[n], with, without);
    }
}

EVOP_DST(pternlogd, 4, v_pternlog)
EVOP_DST(pternlogq, 8, v_pternlog)

/* ---- VDBPSADBW: doublewords of the second source, shuffled in their lane by imm8,
 * slide by a byte along the words of the result ---- */

static ALWAYS_INLINE uint64_t sums_of_four(uint64_t a, uint64_t slide)
{
    uint64_t r = 0;

    for (unsigned word = 0; word < 4; word++) {
        unsigned sum = 0;
        for (unsigned k = 0; k < 4; k++) {
            int d = (int)lane_get(8, a, word / 2 * 4 + k) -
                    (int)lane_get(8, slide, word + k);
            sum += (unsigned)(d < 0 ? -d : d);
        }
        r |= (uint64_t)sum << 16 * word;
    }
    return r;
}

static ALWAYS_INLINE void v_dbpsadbw(struct vop *o)
{
    for (unsigned n = 0; n < o->words; n++) {
        struct x128 b = vop_lane(&o->b, n / 2);
        unsigned imm = o->imm >> n % 2 * 4;
        o->d.q[n] =
            sums_of_four(o->a.q[n], two32(x32(b, imm & 3), x32(b, imm >> 2 & 3)));
    }
}

EVOP_WHOLE(dbpsadbw, 2, VOP_FULL, v_dbpsadbw)
