/* op_sha.c - SHA-1 and SHA-256: rounds and message schedule. FIPS 180-4; Intel SDM
 * vol 2, each instruction.
 *
 * SHA-1 keeps its words in falling order: the first one in bits 127:96. SHA-256 keeps
 * message words in rising order.
 */
#include "cpu/op_crypto.h"

static uint32_t rol(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static uint32_t ror(uint32_t v, unsigned n)
{
    return v >> n | v << (32 - n);
}

static struct x128 four(uint32_t w0, uint32_t w1, uint32_t w2, uint32_t w3)
{
    return x128(two32(w0, w1), two32(w2, w3));
}

/* ---- SHA-1 ---- */

/* Rounds 0 to 19, 20 to 39, 40 to 59, 60 to 79. */
static uint32_t mixed(unsigned which, uint32_t b, uint32_t c, uint32_t d)
{
    switch (which) {
    case 0: return (b & c) ^ (~b & d);
    case 2: return (b & c) ^ (b & d) ^ (c & d);
    default: return b ^ c ^ d;
    }
}

/* Four rounds. E came with the first word of the message (SHA1NEXTE). */
static struct x128 sha1rnds4(struct x128 s, struct x128 w, unsigned imm)
{
    static const uint32_t constant[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc,
                                         0xca62c1d6};
    uint32_t a = x32(s, 3), b = x32(s, 2), c = x32(s, 1), d = x32(s, 0), e = 0;
    unsigned which = imm & 3;

    for (unsigned n = 0; n < 4; n++) {
        uint32_t next =
            mixed(which, b, c, d) + rol(a, 5) + x32(w, 3 - n) + e + constant[which];
        e = d;
        d = c;
        c = rol(b, 30);
        b = a;
        a = next;
    }
    return four(d, c, b, a);
}

static struct x128 sha1nexte(struct x128 a, struct x128 b, unsigned imm)
{
    (void)imm;
    x32_set(&b, 3, x32(b, 3) + rol(x32(a, 3), 30));
    return b;
}

static struct x128 sha1msg1(struct x128 a, struct x128 b, unsigned imm)
{
    (void)imm;
    return x128(a.q[0] ^ b.q[1], a.q[1] ^ a.q[0]);
}

static struct x128 sha1msg2(struct x128 a, struct x128 b, unsigned imm)
{
    uint32_t w16 = rol(x32(a, 3) ^ x32(b, 2), 1);
    (void)imm;
    return four(rol(x32(a, 0) ^ w16, 1), rol(x32(a, 1) ^ x32(b, 0), 1),
                rol(x32(a, 2) ^ x32(b, 1), 1), w16);
}

/* ---- SHA-256 ---- */

static uint32_t sigma0(uint32_t w)
{
    return ror(w, 7) ^ ror(w, 18) ^ w >> 3;
}

static uint32_t sigma1(uint32_t w)
{
    return ror(w, 17) ^ ror(w, 19) ^ w >> 10;
}

/* C, D, G, H in s, A, B, E, F in t; two words, with their constants added, in wk. */
static struct x128 two_rounds(struct x128 s, struct x128 t, struct x128 wk)
{
    uint32_t a = x32(t, 3), b = x32(t, 2), c = x32(s, 3), d = x32(s, 2);
    uint32_t e = x32(t, 1), f = x32(t, 0), g = x32(s, 1), h = x32(s, 0);

    for (unsigned n = 0; n < 2; n++) {
        uint32_t t1 = h + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + ((e & f) ^ (~e & g)) +
                      x32(wk, n);
        uint32_t t2 =
            (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    return four(f, e, b, a);
}

void op_sse_sha256rnds2(struct cpu *c, const struct insn *i)
{
    struct x128 t = vec_load(c, i), wk = x128(c->v[0].q[0], c->v[0].q[1]);
    vec_put(c, i->reg, two_rounds(vec_get(c, i->reg), t, wk));
}

static struct x128 sha256msg1(struct x128 a, struct x128 b, unsigned imm)
{
    (void)imm;
    return four(x32(a, 0) + sigma0(x32(a, 1)), x32(a, 1) + sigma0(x32(a, 2)),
                x32(a, 2) + sigma0(x32(a, 3)), x32(a, 3) + sigma0(x32(b, 0)));
}

static struct x128 sha256msg2(struct x128 a, struct x128 b, unsigned imm)
{
    uint32_t w16 = x32(a, 0) + sigma1(x32(b, 2)), w17 = x32(a, 1) + sigma1(x32(b, 3));
    (void)imm;
    return four(w16, w17, x32(a, 2) + sigma1(w16), x32(a, 3) + sigma1(w17));
}

CRYPTO_SSE(sha1rnds4)
CRYPTO_SSE(sha1nexte)
CRYPTO_SSE(sha1msg1)
CRYPTO_SSE(sha1msg2)
CRYPTO_SSE(sha256msg1)
CRYPTO_SSE(sha256msg2)
