/* op_crypto.h - what the handlers of isa_crypto.def share.
 *
 * All of them compute a lane of 128 bits from two, so one function serves the SSE form
 * and every length of the VEX form.
 */
#ifndef CPU_OP_CRYPTO_H
#define CPU_OP_CRYPTO_H

#include "cpu/evop.h"

#define INSN(enc, mnemonic, handler, operands, feature, flags, traits)                 \
    general_fn op_##handler;
#include "cpu/isa_crypto.def"
#undef INSN

/* CRYPTO_SSE(name): op_sse_<name> from
 *   struct x128 <name>(struct x128 a, struct x128 b, unsigned imm)
 * a is the first source (SSE: the destination's old value), b is r/m. */
#define CRYPTO_SSE(name)                                                               \
    void op_sse_##name(struct cpu *c, const struct insn *i)                            \
    {                                                                                  \
        struct x128 b = vec_load(c, i), a = vec_get(c, i->reg);                        \
        vec_put(c, i->reg, name(a, b, (unsigned)i->imm & 0xff));                       \
    }

/* The same, and op_v_<name>. */
#define CRYPTO(name)                                                                   \
    CRYPTO_SSE(name)                                                                   \
    VOP_LANES(name, 0, name)

/* Eight elements of GF(2^8), reduced by x^8 + x^4 + x^3 + x + 1 (FIPS 197 4.2, and
 * GFNI's), each times x. */
static ALWAYS_INLINE uint64_t gf_double(uint64_t a)
{
    return (a << 1 & 0xfefefefefefefefe) ^ (a >> 7 & 0x0101010101010101) * 0x1b;
}

#endif
