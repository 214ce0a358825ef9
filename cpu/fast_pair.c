/* fast_pair.c - two operations in one record's handler.
 *
 * What a short handler costs is mostly the indirect jump to the next. Neighbours of the
 * operations below go together: the first one's record gets a handler that does both. The
 * second one's record stays as it is, gives its operands, and runs by itself when the first
 * took the general way or its own probe missed. So nothing is known here of faults and
 * refunds. A head goes together with the block's first operation.
 *
 * Arithmetic is here without flags: nobody sees them. CMP keeps them for a CMOV or SETcc.
 */
#include "cpu/fast_op.h"
#include "cpu/isa.h"

/* ---- the handlers ---- */

/* FIRSTS once more: a macro does not expand within itself. */
#define SECONDS(_, x)                                                                    \
    _(x, mov32_rr) _(x, mov32_ri) _(x, add32_rr) _(x, add32_ri) _(x, sub32_rr)           \
    _(x, sub32_ri) _(x, and32_rr) _(x, and32_ri) _(x, or32_rr) _(x, xor32_rr)            \
    _(x, shl32_i) _(x, shr32_i) _(x, sar32_i) _(x, rol32_i) _(x, shl32_cl)               \
    _(x, shr32_cl) _(x, cmp32_rr) _(x, cmp32_ri) _(x, mov64_rr) _(x, mov64_ri)           \
    _(x, add64_rr) _(x, add64_ri) _(x, sub64_rr) _(x, sub64_ri) _(x, and64_rr)           \
    _(x, and64_ri) _(x, or64_rr) _(x, xor64_rr) _(x, shl64_i) _(x, shr64_i)              \
    _(x, sar64_i) _(x, cmp64_rr) _(x, lea32) _(x, lea64) _(x, movzx8to32)                \
    _(x, movzx16to32) _(x, movsx32to64) _(x, load32_B) _(x, load32_X) _(x, load32_F)     \
    _(x, load64_B) _(x, load64_X) _(x, store32_B) _(x, store32_F) _(x, store64_B)        \
    _(x, loadzx8_B) _(x, loadzx8_X) _(x, push64) _(x, pop64)
extern general_fn op_add, op_or, op_and, op_sub, op_xor, op_mov, op_lea, op_movzx_b, op_cmp;
extern general_fn op_movzx_w, op_movsxd, op_shl, op_shr, op_sar, op_rol;
extern general_fn op_push_reg, op_pop_reg;

HANDLER(pair_missed)
{
    general_fn *g = isa_general[i->row];

    if (g == op_push_reg)
        TAIL(refill_push(c, i));
    if (g == op_pop_reg)
        TAIL(refill_pop(c, i));
    if (i->form & FORM_DST_REG)
        TAIL(refill_read(c, i));
    TAIL(refill_write(c, i));
}

#define PAIR(a, b)                                                                       \
    FAST(a##_##b)                                                                        \
    {                                                                                    \
        if (UNLIKELY(!do_##a(c, i)))                                                     \
            TAIL(pair_missed(c, i));                                                     \
        if (UNLIKELY(!do_##b(c, i + 1)))                                                 \
            NEXT(c, i);                                                                  \
        NEXT(c, i + 1);                                                                  \
    }
#define PAIRS(a) SECONDS(PAIR, a)
FIRSTS(PAIRS)

#define HEAD(b)                                                                          \
    FAST(head_##b)                                                                       \
    {                                                                                    \
        if (UNLIKELY(!head_enters(c, i)))                                                \
            return NULL;                                                                 \
        if (UNLIKELY(!do_##b(c, i + 1)))                                                 \
            NEXT(c, i);                                                                  \
        NEXT(c, i + 1);                                                                  \
    }
FIRSTS(HEAD)

#define PAIR_NAME(a, b) a##_##b,
#define PAIR_NAMES(a) {SECONDS(PAIR_NAME, a)},
static insn_fn *const pair[OP_COUNT][OP_COUNT] = {FIRSTS(PAIR_NAMES)};
#define HEAD_NAME(b) head_##b,
static insn_fn *const head[OP_COUNT] = {FIRSTS(HEAD_NAME)};

/* ---- choosing ---- */

static enum operation memory_operation(const struct insn *i, uint32_t mode)
{
    static const uint8_t load[2][FORMS] = {
        {OP_load32_B, OP_load32_X, OP_load32_F, OP_NONE},
        {OP_load64_B, OP_load64_X, OP_NONE, OP_NONE},
    };
    static const uint8_t store[2][FORMS] = {
        {OP_store32_B, OP_NONE, OP_store32_F, OP_NONE},
        {OP_store64_B, OP_NONE, OP_NONE, OP_NONE},
    };
    static const uint8_t loadzx8[FORMS] = {OP_loadzx8_B, OP_loadzx8_X, OP_NONE, OP_NONE};
    general_fn *g = isa_general[i->row];
    const bool wide = i->bits == 64;

    if (g == op_movzx_b && !wide)
        return loadzx8[form_of(i, mode)];
    if (g != op_mov || (i->form & (FORM_IMM | FORM_LONG)))
        return OP_NONE;
    return (i->form & FORM_DST_REG ? load : store)[wide][form_of(i, mode)];
}

/* Of a record with a fast handler. quiet: with the one that sets no flags. */
static enum operation operation_of(const struct insn *i, uint32_t mode, bool quiet)
{
    static const struct {
        general_fn *general;
        uint8_t rr[2], ri[2]; /* of 32 and 64 bits */
    } known[] = {
        {op_add, {OP_add32_rr, OP_add64_rr}, {OP_add32_ri, OP_add64_ri}},
        {op_sub, {OP_sub32_rr, OP_sub64_rr}, {OP_sub32_ri, OP_sub64_ri}},
        {op_and, {OP_and32_rr, OP_and64_rr}, {OP_and32_ri, OP_and64_ri}},
        {op_or, {OP_or32_rr, OP_or64_rr}, {OP_NONE, OP_NONE}},
        {op_xor, {OP_xor32_rr, OP_xor64_rr}, {OP_NONE, OP_NONE}},
        {op_shl, {OP_shl32_cl, OP_NONE}, {OP_shl32_i, OP_shl64_i}},
        {op_shr, {OP_shr32_cl, OP_NONE}, {OP_shr32_i, OP_shr64_i}},
        {op_sar, {OP_NONE, OP_NONE}, {OP_sar32_i, OP_sar64_i}},
        {op_rol, {OP_NONE, OP_NONE}, {OP_rol32_i, OP_NONE}},
    };
    general_fn *g = isa_general[i->row];
    const bool wide = i->bits == 64, imm = i->form & FORM_IMM;

    if (i->bits != 32 && !wide)
        return OP_NONE;
    if (quiet) {
        for (unsigned n = 0; n < ARRAY_SIZE(known); n++)
            if (g == known[n].general)
                return imm ? known[n].ri[wide] : known[n].rr[wide];
        return OP_NONE;
    }
    if (g == op_lea)
        return wide ? OP_lea64 : OP_lea32;
    if (i->form & FORM_MEM)
        return memory_operation(i, mode);
    if (g == op_mov && !(i->form & FORM_LONG))
        return imm ? (wide ? OP_mov64_ri : OP_mov32_ri)
                   : (wide ? OP_mov64_rr : OP_mov32_rr);
    if (g == op_cmp)
        return imm ? (wide ? OP_NONE : OP_cmp32_ri) : (wide ? OP_cmp64_rr : OP_cmp32_rr);
    if (g == op_movzx_b && !wide)
        return OP_movzx8to32;
    if (g == op_movzx_w && !wide)
        return OP_movzx16to32;
    if (g == op_movsxd && wide)
        return OP_movsx32to64;
    if (wide && g == op_push_reg)
        return OP_push64;
    if (wide && g == op_pop_reg)
        return OP_pop64;
    return OP_NONE;
}

/* A load of the address that the next one goes to: measured slower as a pair (by a sixth on
 * Zen 4), where the processor finds the forwarded address later. */
static bool chases(const struct insn *first, const struct insn *second)
{
    const unsigned load = FORM_MEM | FORM_DST_REG;

    return (first->form & load) == load && isa_general[first->row] != op_lea &&
           (second->form & FORM_MEM) &&
           (second->rm == first->reg || second->index == first->reg);
}

insn_fn *fast_pair(const struct insn *first, bool first_quiet, const struct insn *second,
                   bool second_quiet, uint32_t mode)
{
    enum operation a = operation_of(first, mode, first_quiet);
    enum operation b = operation_of(second, mode, second_quiet);

    if (a >= OP_COUNT || b >= OP_COUNT || chases(first, second))
        return NULL;
    return pair[a][b];
}

insn_fn *fast_pair_with(const struct insn *first, bool quiet, const struct insn *second,
                        uint32_t mode)
{
    enum operation a = operation_of(first, mode, quiet);
    insn_fn *run = a < OP_COUNT ? fast_join_branch(a, second->run) : NULL;

    return run || a >= OP_COUNT ? run : fast_join_condition(a, second);
}

insn_fn *fast_head(const struct insn *first, bool quiet, uint32_t mode)
{
    enum operation b = operation_of(first, mode, quiet);

    return b < OP_COUNT ? head[b] : NULL;
}
