/* op_clmul.c - PCLMULQDQ: the product of two polynomials over GF(2). Intel SDM vol 2.
 */
#include "cpu/op_crypto.h"

/* Four bits of b at a time, from a table of a's multiples. A multiple has up to 67
 * bits: `over` are those above 63. */
static struct x128 product(uint64_t a, uint64_t b)
{
    uint64_t multiple[16] = {0, a}, over[16] = {0};
    struct x128 r = x128(0, 0);

    for (unsigned n = 2; n < 16; n += 2) {
        multiple[n] = multiple[n / 2] << 1;
        over[n] = over[n / 2] << 1 | multiple[n / 2] >> 63;
        multiple[n + 1] = multiple[n] ^ a;
        over[n + 1] = over[n];
    }
    for (int at = 60; at >= 0; at -= 4) {
        unsigned n = b >> at & 15;
        r.q[1] = (r.q[1] << 4 | r.q[0] >> 60) ^ over[n];
        r.q[0] = r.q[0] << 4 ^ multiple[n];
    }
    return r;
}

/* imm bit 0 chooses a's half, bit 4 b's; the others are ignored. */
static struct x128 pclmulqdq(struct x128 a, struct x128 b, unsigned imm)
{
    return product(a.q[imm & 1], b.q[imm >> 4 & 1]);
}

CRYPTO(pclmulqdq)
EVOP_WHOLE(pclmulqdq, 8, VOP_FULL, v_pclmulqdq)
