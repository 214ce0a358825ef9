/* op_integer.h - what the integer handlers share.
 *
 * Where the manual leaves a flag undefined these handlers do what AMD's Zen 3 was
 * measured to do (family 25 model 1); the rows of isa_integer.def name those flags.
 */
#ifndef CPU_OP_INTEGER_H
#define CPU_OP_INTEGER_H

#include "cpu/fault.h"
#include "cpu/isa.h"
#include "cpu/operand.h"

/* The handlers themselves, named by isa_integer.def. */
#define INSN(enc, mnemonic, handler, operands, feature, flags, traits)                 \
    general_fn op_##handler;
#include "cpu/isa_integer.def"
#undef INSN

/* Replaces those of CF, AF, OF that are in mask; the other five stay. */
static inline void flags_merge(struct cpu *c, uint32_t mask, uint32_t value)
{
    struct lazy_flags *f = &c->lazy;
    uint64_t aux = f->aux;

    if (f->kind != FLAGS_PLAIN) {
        aux = (lazy_cf(f) ? FLAG_CF : 0u) | (lazy_af(f) ? FLAG_AF : 0u) |
              (lazy_of(f) ? FLAG_OF : 0u);
        f->kind = FLAGS_PLAIN;
    }
    f->aux = (aux & ~(uint64_t)mask) | (value & mask);
}

/* ZF alone. */
static inline void flags_set_zf(struct cpu *c, bool zf)
{
    uint32_t flags = lazy_get(&c->lazy) & ~(uint32_t)FLAG_ZF;
    lazy_put(&c->lazy, flags | (zf ? FLAG_ZF : 0u));
}

static inline uint64_t width_mask(unsigned bits)
{
    return ~0ull >> (64 - bits);
}

static inline unsigned address_bits(const struct insn *i)
{
    return 16u << INSN_ASIZE(i);
}

static inline uint64_t address_mask(const struct insn *i)
{
    return width_mask(address_bits(i));
}

static inline uint64_t gpr_get(const struct cpu *c, unsigned n, unsigned bits)
{
    return c->gpr[n] & width_mask(bits);
}

/* As reg_set: 32 bits clear the upper half, 8 and 16 leave the rest. */
static inline void gpr_set(struct cpu *c, unsigned n, unsigned bits, uint64_t v)
{
    uint64_t keep = bits >= 32 ? 0 : ~width_mask(bits);
    c->gpr[n] = (c->gpr[n] & keep) | (v & width_mask(bits));
}

#endif
