/* isa.c - the rows of isa.def as a table, and the chains the decoder follows. */
#include "cpu/isa.h"

#include "cpu/model.h"

#include <stdlib.h>
#include <string.h>

#define INSN(enc, mnemonic, handler, operands, feature, flags, traits)                   \
    general_fn op_##handler;
#include "cpu/isa.def"
#undef INSN

#define OPS0 {0}
#define OPS1(a) {O_##a}
#define OPS2(a, b) {O_##a, O_##b}
#define OPS3(a, b, c) {O_##a, O_##b, O_##c}
#define OPS4(a, b, c, d) {O_##a, O_##b, O_##c, O_##d}
#define FLAGS(r, w, u) r, w, u
#define INSN(enc, mnemonic, handler, operands, feature, flags, traits)                   \
    {enc, #mnemonic, op_##handler, operands, CPUID_##feature, flags, traits},

const struct isa_row isa_rows[] = {
#include "cpu/isa.def"
};
#undef INSN

general_fn *const isa_general[] = {
#define INSN(enc, mnemonic, handler, operands, feature, flags, traits) op_##handler,
#include "cpu/isa.def"
#undef INSN
};

const unsigned isa_row_count = ARRAY_SIZE(isa_rows);

const struct operand_info operand_info[] = {
    {"", OC_NONE, SZ_NONE},
#define OPERAND(name, class, size) {#name, class, size},
#include "cpu/operand.def"
};

static unsigned opcodes_of(const struct isa_row *r)
{
    return r->enc & PLUSR ? 8 : r->enc & COND ? 16 : 1;
}

static uint8_t shape_of(const struct isa_row *r)
{
    uint8_t shape = SHAPE_KNOWN;
    if (r->enc & (REG(7) | RM(7) | MEM | NOMEM | HASMODRM))
        shape |= SHAPE_MODRM;
    for (unsigned k = 0; k < ARRAY_SIZE(r->operand); k++)
        switch (operand_info[r->operand[k]].class) {
        case OC_C:
        case OC_D: shape |= SHAPE_REGISTER | SHAPE_MODRM; break;
        case OC_E:
        case OC_V:
        case OC_W:
        case OC_P:
        case OC_Q:
        case OC_KM: shape |= SHAPE_MODRM; break;
        case OC_G: shape |= SHAPE_MODRM | (r->enc & EVEX ? SHAPE_RESTRICTED : 0); break;
        case OC_M:
        case OC_R:
        case OC_S:
        case OC_U:
        case OC_N:
        case OC_VM:
        case OC_K:
        case OC_KR:
        case OC_ST: shape |= SHAPE_MODRM | SHAPE_RESTRICTED; break;
        case OC_H:
        case OC_B:
        case OC_KH: shape |= SHAPE_RESTRICTED; break;
        default: break;
        }
    return shape;
}

bool isa_table_init(struct isa_table *t, const struct cpu_model *m)
{
    memset(t, 0, sizeof *t);
    t->short_evex = cpu_model_has(m, CPUID_AVX512VL);
    t->next = calloc(16 * (size_t)isa_row_count, sizeof *t->next);
    if (!t->next)
        return false;
    /* Backwards, so that each chain is in table order. A row that covers several opcodes
     * stands in several chains: next[] has 16 places a row, one per low opcode nibble. */
    for (unsigned n = isa_row_count; n-- > 0;) {
        const struct isa_row *r = &isa_rows[n];
        unsigned map = isa_map(r), op = ENC_OPCODE(r->enc);
        for (unsigned k = 0; k < opcodes_of(r); k++)
            t->shape[map][op + k] |= shape_of(r);
        if (!cpu_model_has(m, r->feature) ||
            ((r->enc & EVEX) && !cpu_model_has(m, CPUID_AVX512F)))
            continue;
        for (unsigned k = 0; k < opcodes_of(r); k++) {
            t->next[n * 16 + k] = t->first[map][op + k];
            t->first[map][op + k] = (uint16_t)(n + 1);
        }
    }
    return true;
}

void isa_table_free(struct isa_table *t)
{
    free(t->next);
    t->next = NULL;
}
