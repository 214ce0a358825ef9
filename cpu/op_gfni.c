/* op_gfni.c - Galois field instructions: bytes as elements of GF(2^8), or as vectors of
 * bits. Intel SDM vol 2, GF2P8MULB, GF2P8AFFINEQB, GF2P8AFFINEINVQB.
 *
 * Eight bytes at a time.
 */
#include "cpu/op_crypto.h"

/* Products of the bytes of a and b. */
static uint64_t gf_mul(uint64_t a, uint64_t b)
{
    uint64_t r = 0;

    for (unsigned n = 8; n-- > 0;)
        r = gf_double(r) ^ (a & (b >> n & 0x0101010101010101) * 0xff);
    return r;
}

/* a^254: the inverse, and 0 of 0. 254 is 2 + 4 + ... + 128. */
static uint64_t gf_inverse(uint64_t a)
{
    uint64_t power = gf_mul(a, a), r = power;

    for (unsigned n = 2; n < 8; n++) {
        power = gf_mul(power, power);
        r = gf_mul(r, power);
    }
    return r;
}

/* Each byte of x times a matrix of 8 by 8 bits, whose byte 7 - n makes bit n of the
 * products, plus the vector imm. */
static uint64_t affine(uint64_t matrix, uint64_t x, unsigned imm)
{
    uint64_t r = 0;

    for (unsigned n = 0; n < 8; n++) {
        uint64_t y = (matrix >> 8 * (7 - n) & 0xff) * 0x0101010101010101 & x;
        y ^= y >> 4;
        y ^= y >> 2;
        y ^= y >> 1;
        r |= (y & 0x0101010101010101) << n;
    }
    return r ^ (uint64_t)imm * 0x0101010101010101;
}

static struct x128 gf2p8mulb(struct x128 a, struct x128 b, unsigned imm)
{
    (void)imm;
    return x128(gf_mul(a.q[0], b.q[0]), gf_mul(a.q[1], b.q[1]));
}

static struct x128 gf2p8affineqb(struct x128 a, struct x128 b, unsigned imm)
{
    return x128(affine(b.q[0], a.q[0], imm), affine(b.q[1], a.q[1], imm));
}

static struct x128 gf2p8affineinvqb(struct x128 a, struct x128 b, unsigned imm)
{
    return gf2p8affineqb(x128(gf_inverse(a.q[0]), gf_inverse(a.q[1])), b, imm);
}

CRYPTO(gf2p8mulb)
CRYPTO(gf2p8affineqb)
CRYPTO(gf2p8affineinvqb)
EVOP(gf2p8mulb, 1, v_gf2p8mulb)
/* The mask is of bytes, what EVEX.b repeats a matrix: a quadword. */
EVOP_WHOLE_FROM(gf2p8affineqb, 1, VOP_FULL, 8, v_gf2p8affineqb)
EVOP_WHOLE_FROM(gf2p8affineinvqb, 1, VOP_FULL, 8, v_gf2p8affineinvqb)
