/* op_sse4a.c - AMD's SSE4A: bit fields of the low half of an XMM register, and scalar
 * non-temporal stores. AMD64 APM vol 4, each instruction.
 *
 * Of length and index six bits count; length 0 is 64. Undefined are a field that ends
 * above bit 63 (here it is cut) and bits 127:64 of the result (here 0): as on Zen 3.
 */
#include "cpu/simd.h"

#define INSN(enc, mnemonic, handler, operands, feature, flags, traits)                 \
    general_fn op_##handler;
#include "cpu/isa_amd.def"
#undef INSN

static uint64_t field_mask(unsigned length)
{
    return length & 63 ? ~0ull >> (64 - (length & 63)) : ~0ull;
}

static void extract(struct vec *v, unsigned length, unsigned index)
{
    v->q[0] = v->q[0] >> (index & 63) & field_mask(length);
    v->q[1] = 0;
}

static void insert(struct vec *v, uint64_t from, unsigned length, unsigned index)
{
    uint64_t mask = field_mask(length) << (index & 63);
    v->q[0] = (v->q[0] & ~mask) | (from << (index & 63) & mask);
    v->q[1] = 0;
}

void op_sse4a_extrq_imm(struct cpu *c, const struct insn *i)
{
    extract(vec_at(c, i->rm), (unsigned)i->imm, i->aux);
}

void op_sse4a_extrq(struct cpu *c, const struct insn *i)
{
    uint64_t how = vec_at(c, i->rm)->q[0];
    extract(vec_at(c, i->reg), (unsigned)how, (unsigned)(how >> 8));
}

void op_sse4a_insertq_imm(struct cpu *c, const struct insn *i)
{
    insert(vec_at(c, i->reg), vec_at(c, i->rm)->q[0], (unsigned)i->imm, i->aux);
}

void op_sse4a_insertq(struct cpu *c, const struct insn *i)
{
    uint64_t how = vec_at(c, i->rm)->q[1];
    insert(vec_at(c, i->reg), vec_at(c, i->rm)->q[0], (unsigned)how,
           (unsigned)(how >> 8));
}

void op_sse4a_movntss(struct cpu *c, const struct insn *i)
{
    mem_store(c, INSN_SEG(i), ea(c, i), 4, (uint32_t)vec_at(c, i->reg)->q[0]);
}

void op_sse4a_movntsd(struct cpu *c, const struct insn *i)
{
    mem_store(c, INSN_SEG(i), ea(c, i), 8, vec_at(c, i->reg)->q[0]);
}
