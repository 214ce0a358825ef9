/* op_evex_shift.c - shifts and rotations that came with AVX-512. Intel SDM vol 2,
 * PSRAW, VPSLLVW, VPROLD, VPSHLD and their kin.
 */
#include "cpu/op_evex.h"

/* Element of w bits, sign-extended. */
static ALWAYS_INLINE int64_t with_sign(unsigned w, uint64_t x)
{
    uint64_t top = 1ull << (w - 1);
    return (int64_t)((x ^ top) - top);
}

/* A count of w and more leaves nothing, or the sign. */
static ALWAYS_INLINE uint64_t shl(unsigned w, uint64_t x, uint64_t n)
{
    return n < w ? x << n : 0;
}

static ALWAYS_INLINE uint64_t shr(unsigned w, uint64_t x, uint64_t n)
{
    return n < w ? x >> n : 0;
}

static ALWAYS_INLINE uint64_t sar(unsigned w, uint64_t x, uint64_t n)
{
    uint64_t sign = with_sign(w, x) < 0 ? ~0ull : 0;

    if (n >= w)
        return sign;
    return x >> n | (n ? sign << (w - n) : 0);
}

/* The upper half of high:low, w bits each, shifted left by n modulo w. */
static ALWAYS_INLINE uint64_t join_left(unsigned w, uint64_t high, uint64_t low,
                                        uint64_t n)
{
    n &= w - 1;
    return n ? high << n | low >> (w - n) : high;
}

/* The lower half of high:low, shifted right. */
static ALWAYS_INLINE uint64_t join_right(unsigned w, uint64_t high, uint64_t low,
                                         uint64_t n)
{
    n &= w - 1;
    return n ? low >> n | high << (w - n) : low;
}

/* ---- all by one count ---- */

EACH_IMM(psraq, 64, sar(64, x, y))
EVOP_WHOLE(psraq, 8, VOP_16, v_psraq)
EVOP_SHIFT(psraq, 8, v_psraq)

/* ---- each by its own ---- */

EACH(psllvw, 16, shl(16, x, y))
EACH(psrlvw, 16, shr(16, x, y))
EACH(psravw, 16, sar(16, x, y))
EACH(psravq, 64, sar(64, x, y))
EVOP(psllvw, 2, v_psllvw)
EVOP(psrlvw, 2, v_psrlvw)
EVOP(psravw, 2, v_psravw)
EVOP(psravq, 8, v_psravq)

/* ---- rotations ---- */

#define ROTATE(letter, size, w)                                                        \
    EACH_IMM(prol##letter, w, join_left(w, x, x, y))                                   \
    EACH_IMM(pror##letter, w, join_right(w, x, x, y))                                  \
    EACH(prolv##letter, w, join_left(w, x, x, y))                                      \
    EACH(prorv##letter, w, join_right(w, x, x, y))                                     \
    EVOP_SHIFT(prol##letter, size, v_prol##letter)                                     \
    EVOP_SHIFT(pror##letter, size, v_pror##letter)                                     \
    EVOP(prolv##letter, size, v_prolv##letter)                                         \
    EVOP(prorv##letter, size, v_prorv##letter)

ROTATE(d, 4, 32)
ROTATE(q, 8, 64)

/* ---- two elements joined: VPSHLD keeps the upper, VPSHRD the lower half; what fills
 * up is the second source's by imm8, the first's with a vector of counts ---- */

#define SHIFT_JOINED(letter, size, w)                                                  \
    EACH(pshld##letter, w, join_left(w, x, y, o->imm))                                 \
    EACH(pshrd##letter, w, join_right(w, y, x, o->imm))                                \
    EACH_DST(pshldv##letter, w, join_left(w, z, x, y))                                 \
    EACH_DST(pshrdv##letter, w, join_right(w, x, z, y))                                \
    EVOP(pshld##letter, size, v_pshld##letter)                                         \
    EVOP(pshrd##letter, size, v_pshrd##letter)                                         \
    EVOP_DST(pshldv##letter, size, v_pshldv##letter)                                   \
    EVOP_DST(pshrdv##letter, size, v_pshrdv##letter)

SHIFT_JOINED(w, 2, 16)
SHIFT_JOINED(d, 4, 32)
SHIFT_JOINED(q, 8, 64)
