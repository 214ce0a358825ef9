/* fast_alu.c - fast handlers of the two-operand arithmetic: ADD OR ADC SBB AND SUB XOR CMP
 * TEST, INC DEC NEG NOT. */
#include "cpu/fast.h"
#include "cpu/isa.h"

/* ---- ADD OR AND SUB XOR: flags cost three stores ---- */

/* set: how the flags follow. The quiet twin of a register form keeps them. */
#define REGISTER_FORMS(name, w, expr, set)                                               \
    FAST(name##w##_rr)                                                                   \
    {                                                                                    \
        u##w a = get##w(c, i->rm), b = get##w(c, i->reg), r = (u##w)(expr);              \
        put##w(c, i->rm, r);                                                             \
        set(c, w, a, r);                                                                 \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(name##w##_ri)                                                                   \
    {                                                                                    \
        u##w a = get##w(c, i->rm), b = (u##w)i->imm, r = (u##w)(expr);                   \
        put##w(c, i->rm, r);                                                             \
        set(c, w, a, r);                                                                 \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(name##w##_rr_quiet)                                                             \
    {                                                                                    \
        u##w a = get##w(c, i->rm), b = get##w(c, i->reg);                                \
        put##w(c, i->rm, (u##w)(expr));                                                  \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(name##w##_ri_quiet)                                                             \
    {                                                                                    \
        u##w a = get##w(c, i->rm), b = (u##w)i->imm;                                     \
        put##w(c, i->rm, (u##w)(expr));                                                  \
        NEXT(c, i);                                                                      \
    }

#define MEMORY_FORMS(form, name, w, expr, set)                                           \
    FAST(name##w##_load_##form)                                                          \
    {                                                                                    \
        PROBE(form, c, i, w / 8, read, p);                                               \
        u##w a = get##w(c, i->reg), b = load##w(p), r = (u##w)(expr);                    \
        put##w(c, i->reg, r);                                                            \
        set(c, w, a, r);                                                                 \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(name##w##_mr_##form)                                                            \
    {                                                                                    \
        PROBE(form, c, i, w / 8, write, p);                                              \
        u##w a = load##w(p), b = get##w(c, i->reg), r = (u##w)(expr);                    \
        store##w(p, r);                                                                  \
        set(c, w, a, r);                                                                 \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(name##w##_mi_##form)                                                            \
    {                                                                                    \
        PROBE(form, c, i, w / 8, write, p);                                              \
        u##w a = load##w(p), b = (u##w)i->imm, r = (u##w)(expr);                         \
        store##w(p, r);                                                                  \
        set(c, w, a, r);                                                                 \
        NEXT(c, i);                                                                      \
    }

#define ARITHMETIC_WIDTH(name, w, expr, set)                                             \
    REGISTER_FORMS(name, w, expr, set)                                                   \
    FOR_FORMS(MEMORY_FORMS, name, w, expr, set)

#define FORM_ROW(name, w, what)                                                          \
    {name##w##_##what##_B, name##w##_##what##_X, name##w##_##what##_F, name##w##_##what##_S}
#define WIDTH_ROW(name, w)                                                               \
    {name##w##_rr, name##w##_ri, name##w##_rr_quiet, name##w##_ri_quiet,                 \
     FORM_ROW(name, w, load), FORM_ROW(name, w, mr), FORM_ROW(name, w, mi)}

struct alu {
    insn_fn *rr, *ri, *rr_quiet, *ri_quiet;
    insn_fn *load[FORMS], *mr[FORMS], *mi[FORMS];
};

#define ARITHMETIC(name, expr, set)                                                      \
    ARITHMETIC_WIDTH(name, 8, expr, set)                                                 \
    ARITHMETIC_WIDTH(name, 16, expr, set)                                                \
    ARITHMETIC_WIDTH(name, 32, expr, set)                                                \
    ARITHMETIC_WIDTH(name, 64, expr, set)                                                \
    static const struct alu name##_table[WIDTHS] = {                                     \
        WIDTH_ROW(name, 8), WIDTH_ROW(name, 16), WIDTH_ROW(name, 32), WIDTH_ROW(name, 64)};

ARITHMETIC(add, a + b, FLAGS_AFTER_ADD)
ARITHMETIC(sub, a - b, FLAGS_AFTER_SUB)
ARITHMETIC(and, a &b, FLAGS_AFTER_LOGIC)
ARITHMETIC(or, a | b, FLAGS_AFTER_LOGIC)
ARITHMETIC(xor, a ^ b, FLAGS_AFTER_LOGIC)

/* ---- ADC and SBB: the carry comes in, so the flags are computed at once ---- */

/* CF, AF and OF of r = a + b + carry, at their places in EFLAGS. */
#define CARRIES_ADD(w, a, b, r)                                                          \
    ((u32)((((a) & (b)) | (((a) | (b)) & ~(r))) >> (w - 1) & 1) |                        \
     (u32)(((a) ^ (b) ^ (r)) & FLAG_AF) |                                                \
     (u32)(((((a) ^ (r)) & ((b) ^ (r))) >> (w - 1) & 1) << 11))
#define CARRIES_SUB(w, a, b, r)                                                          \
    ((u32)(((~(a) & (b)) | ((~(a) | (b)) & (r))) >> (w - 1) & 1) |                       \
     (u32)(((a) ^ (b) ^ (r)) & FLAG_AF) |                                                \
     (u32)(((((a) ^ (b)) & ((a) ^ (r))) >> (w - 1) & 1) << 11))

#define FLAGS_AFTER_ADC(c, w, a, r)                                                      \
    ((c)->lazy.result = (u64)(s64)(s##w)(r), (c)->lazy.aux = CARRIES_ADD(w, (u64)a, (u64)b, (u64)r), \
     (c)->lazy.kind = FLAGS_PLAIN)
#define FLAGS_AFTER_SBB(c, w, a, r)                                                      \
    ((c)->lazy.result = (u64)(s64)(s##w)(r), (c)->lazy.aux = CARRIES_SUB(w, (u64)a, (u64)b, (u64)r), \
     (c)->lazy.kind = FLAGS_PLAIN)

ARITHMETIC(adc, a + b + lazy_cf(&c->lazy), FLAGS_AFTER_ADC)
ARITHMETIC(sbb, a - b - lazy_cf(&c->lazy), FLAGS_AFTER_SBB)

/* ---- CMP and TEST: no result ---- */

#define COMPARE_REGISTERS(name, w, expr, set)                                            \
    FAST(name##w##_rr)                                                                   \
    {                                                                                    \
        u##w a = get##w(c, i->rm), b = get##w(c, i->reg), r = (u##w)(expr);              \
        (void)a;                                                                         \
        set(c, w, a, r);                                                                 \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(name##w##_ri)                                                                   \
    {                                                                                    \
        u##w a = get##w(c, i->rm), b = (u##w)i->imm, r = (u##w)(expr);                   \
        (void)a;                                                                         \
        set(c, w, a, r);                                                                 \
        NEXT(c, i);                                                                      \
    }
#define COMPARE_MEMORY(form, name, w, expr, set)                                         \
    FAST(name##w##_load_##form)                                                          \
    {                                                                                    \
        PROBE(form, c, i, w / 8, read, p);                                               \
        u##w a = get##w(c, i->reg), b = load##w(p), r = (u##w)(expr);                    \
        (void)a;                                                                         \
        set(c, w, a, r);                                                                 \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(name##w##_mr_##form)                                                            \
    {                                                                                    \
        PROBE(form, c, i, w / 8, read, p);                                               \
        u##w a = load##w(p), b = get##w(c, i->reg), r = (u##w)(expr);                    \
        (void)a;                                                                         \
        set(c, w, a, r);                                                                 \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(name##w##_mi_##form)                                                            \
    {                                                                                    \
        PROBE(form, c, i, w / 8, read, p);                                               \
        u##w a = load##w(p), b = (u##w)i->imm, r = (u##w)(expr);                         \
        (void)a;                                                                         \
        set(c, w, a, r);                                                                 \
        NEXT(c, i);                                                                      \
    }
#define COMPARE_WIDTH(name, w, expr, set)                                                \
    COMPARE_REGISTERS(name, w, expr, set)                                                \
    FOR_FORMS(COMPARE_MEMORY, name, w, expr, set)
#define COMPARE_ROW(name, w)                                                             \
    {name##w##_rr, name##w##_ri, NULL, NULL,                                             \
     FORM_ROW(name, w, load), FORM_ROW(name, w, mr), FORM_ROW(name, w, mi)}
#define COMPARE(name, expr, set)                                                         \
    COMPARE_WIDTH(name, 8, expr, set)                                                    \
    COMPARE_WIDTH(name, 16, expr, set)                                                   \
    COMPARE_WIDTH(name, 32, expr, set)                                                   \
    COMPARE_WIDTH(name, 64, expr, set)                                                   \
    static const struct alu name##_table[WIDTHS] = {                                     \
        COMPARE_ROW(name, 8), COMPARE_ROW(name, 16), COMPARE_ROW(name, 32),              \
        COMPARE_ROW(name, 64)};

COMPARE(cmp, a - b, FLAGS_AFTER_SUB)
COMPARE(test, a &b, FLAGS_AFTER_LOGIC)

/* A compare whose flags are dead does nothing. */
FAST(nothing)
{
    NEXT(c, i);
}

/* ---- one operand ---- */

/* INC and DEC keep CF. */
#define FLAGS_AFTER_INC(c, w, r)                                                         \
    do {                                                                                 \
        u32 cf_ = lazy_cf(&(c)->lazy);                                                   \
        (c)->lazy.result = (u64)(s64)(s##w)(r);                                          \
        (c)->lazy.aux = cf_ | (((r)&15) == 0 ? FLAG_AF : 0u) |                           \
                        ((r) == (u##w)((u##w)1 << (w - 1)) ? FLAG_OF : 0u);              \
        (c)->lazy.kind = FLAGS_PLAIN;                                                    \
    } while (0)
#define FLAGS_AFTER_DEC(c, w, r)                                                         \
    do {                                                                                 \
        u32 cf_ = lazy_cf(&(c)->lazy);                                                   \
        (c)->lazy.result = (u64)(s64)(s##w)(r);                                          \
        (c)->lazy.aux = cf_ | (((r)&15) == 15 ? FLAG_AF : 0u) |                          \
                        ((r) == (u##w)(((u##w)1 << (w - 1)) - 1) ? FLAG_OF : 0u);        \
        (c)->lazy.kind = FLAGS_PLAIN;                                                    \
    } while (0)

#define UNARY_MEMORY(form, name, w, step, set)                                           \
    FAST(name##w##_m_##form)                                                             \
    {                                                                                    \
        PROBE(form, c, i, w / 8, write, p);                                              \
        u##w r = (u##w)(load##w(p) step);                                                \
        store##w(p, r);                                                                  \
        set(c, w, r);                                                                    \
        NEXT(c, i);                                                                      \
    }
#define UNARY_WIDTH(name, w, step, set)                                                  \
    FAST(name##w##_r)                                                                    \
    {                                                                                    \
        u##w r = (u##w)(get##w(c, i->rm) step);                                          \
        put##w(c, i->rm, r);                                                             \
        set(c, w, r);                                                                    \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(name##w##_r_quiet)                                                              \
    {                                                                                    \
        put##w(c, i->rm, (u##w)(get##w(c, i->rm) step));                                 \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FOR_FORMS(UNARY_MEMORY, name, w, step, set)

struct unary {
    insn_fn *r, *quiet, *m[FORMS];
};
#define UNARY_ROW(name, w) {name##w##_r, name##w##_r_quiet, FORM_ROW(name, w, m)}
#define UNARY(name, step, set)                                                           \
    UNARY_WIDTH(name, 8, step, set)                                                      \
    UNARY_WIDTH(name, 16, step, set)                                                     \
    UNARY_WIDTH(name, 32, step, set)                                                     \
    UNARY_WIDTH(name, 64, step, set)                                                     \
    static const struct unary name##_table[WIDTHS] = {                                   \
        UNARY_ROW(name, 8), UNARY_ROW(name, 16), UNARY_ROW(name, 32), UNARY_ROW(name, 64)};

UNARY(inc, +1, FLAGS_AFTER_INC)
UNARY(dec, -1, FLAGS_AFTER_DEC)

#define NEGATE(w)                                                                        \
    FAST(neg##w)                                                                         \
    {                                                                                    \
        u##w b = get##w(c, i->rm), r = (u##w)(0 - b);                                    \
        put##w(c, i->rm, r);                                                             \
        FLAGS_AFTER_SUB(c, w, 0, r);                                                     \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(neg##w##_quiet)                                                                 \
    {                                                                                    \
        put##w(c, i->rm, (u##w)(0 - get##w(c, i->rm)));                                  \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(not##w)                                                                         \
    {                                                                                    \
        put##w(c, i->rm, (u##w)~get##w(c, i->rm));                                       \
        NEXT(c, i);                                                                      \
    }
NEGATE(8)
NEGATE(16)
NEGATE(32)
NEGATE(64)

/* ---- choosing ---- */

extern general_fn op_add, op_or, op_adc, op_sbb, op_and, op_sub, op_xor, op_cmp, op_test;
extern general_fn op_inc, op_dec, op_neg, op_not;

static const struct {
    general_fn *general;
    const struct alu *table;
    bool compares, carries;
} arithmetic[] = {
    {op_add, add_table, false, false}, {op_or, or_table, false, false},
    {op_adc, adc_table, false, true},  {op_sbb, sbb_table, false, true},
    {op_and, and_table, false, false}, {op_sub, sub_table, false, false},
    {op_xor, xor_table, false, false}, {op_cmp, cmp_table, true, false},
    {op_test, test_table, true, false},
};

static struct fast select_two(struct insn *i, uint32_t mode, const struct alu *t,
                              bool compares, bool carries)
{
    const struct alu *w = &t[width_of(i->bits)];
    struct fast f = {.slots = 1, .effect = EFFECT_BARRIER};

    if (i->form & FORM_MEM) {
        enum form form = form_of(i, mode);
        f.run = i->form & FORM_DST_REG ? w->load[form]
                : i->form & FORM_IMM   ? w->mi[form]
                                       : w->mr[form];
        return f;
    }
    if (i->form & FORM_IMM) {
        f.run = w->ri;
        f.quiet = w->ri_quiet;
    } else {
        if (i->form & FORM_DST_REG) { /* the same, said with r/m first */
            uint16_t reg = i->reg;
            i->reg = i->rm;
            i->rm = reg;
            i->form &= (uint8_t)~FORM_DST_REG;
        }
        f.run = w->rr;
        f.quiet = w->rr_quiet;
    }
    f.effect = carries ? EFFECT_BARRIER : EFFECT_WRITES;
    if (compares)
        f.quiet = nothing;
    return f;
}

struct fast fast_select_alu(struct insn *i, uint32_t mode)
{
    static insn_fn *const neg[WIDTHS] = {neg8, neg16, neg32, neg64};
    static insn_fn *const neg_quiet[WIDTHS] = {neg8_quiet, neg16_quiet, neg32_quiet,
                                               neg64_quiet};
    static insn_fn *const not_[WIDTHS] = {not8, not16, not32, not64};
    general_fn *g = isa_general[i->row];
    enum width w = width_of(i->bits);

    for (unsigned n = 0; n < ARRAY_SIZE(arithmetic); n++)
        if (g == arithmetic[n].general)
            return select_two(i, mode, arithmetic[n].table, arithmetic[n].compares,
                              arithmetic[n].carries);
    if (g == op_inc || g == op_dec) {
        const struct unary *t = g == op_inc ? &inc_table[w] : &dec_table[w];
        if (i->form & FORM_MEM)
            return (struct fast){t->m[form_of(i, mode)], NULL, EFFECT_BARRIER, 1, false};
        return (struct fast){t->r, t->quiet, EFFECT_MERGES, 1, false};
    }
    if (i->form & FORM_MEM)
        return (struct fast){0};
    if (g == op_neg)
        return (struct fast){neg[w], neg_quiet[w], EFFECT_WRITES, 1, false};
    if (g == op_not)
        return (struct fast){not_[w], NULL, EFFECT_NONE, 1, false};
    return (struct fast){0};
}
