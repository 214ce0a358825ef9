/* fast_move.c - fast handlers of data movement: MOV MOVZX MOVSX MOVSXD LEA PUSH POP CMOVcc
 * SETcc, and NOP. */
#include "cpu/fast_op.h"
#include "cpu/isa.h"

/* ---- MOV ---- */

#define MOV_MEMORY(form, w)                                                              \
    FAST(mov##w##_load_##form)                                                           \
    {                                                                                    \
        PROBE(form, c, i, w / 8, read, p);                                               \
        put##w(c, i->reg, load##w(p));                                                   \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(mov##w##_mr_##form)                                                             \
    {                                                                                    \
        PROBE(form, c, i, w / 8, write, p);                                              \
        store##w(p, get##w(c, i->reg));                                                  \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(mov##w##_mi_##form)                                                             \
    {                                                                                    \
        PROBE(form, c, i, w / 8, write, p);                                              \
        store##w(p, (u##w)i->imm);                                                       \
        NEXT(c, i);                                                                      \
    }

#define MOV_WIDTH(w)                                                                     \
    FAST(mov##w##_rr)                                                                    \
    {                                                                                    \
        put##w(c, i->rm, get##w(c, i->reg));                                             \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(mov##w##_ri)                                                                    \
    {                                                                                    \
        put##w(c, i->rm, (u##w)i->imm);                                                  \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FOR_FORMS(MOV_MEMORY, w)
MOV_WIDTH(8)
MOV_WIDTH(16)
MOV_WIDTH(32)
MOV_WIDTH(64)

FAST(mov64_long)
{
    put64(c, i->rm, insn_imm64(i));
    NEXT(c, i + 1);
}

#define FORMS_OF(name) {name##_B, name##_X, name##_F, name##_S}

static const struct {
    insn_fn *rr, *ri, *load[FORMS], *mr[FORMS], *mi[FORMS];
} mov[WIDTHS] = {
    {mov8_rr, mov8_ri, FORMS_OF(mov8_load), FORMS_OF(mov8_mr), FORMS_OF(mov8_mi)},
    {mov16_rr, mov16_ri, FORMS_OF(mov16_load), FORMS_OF(mov16_mr), FORMS_OF(mov16_mi)},
    {mov32_rr, mov32_ri, FORMS_OF(mov32_load), FORMS_OF(mov32_mr), FORMS_OF(mov32_mi)},
    {mov64_rr, mov64_ri, FORMS_OF(mov64_load), FORMS_OF(mov64_mr), FORMS_OF(mov64_mi)},
};

/* ---- MOVZX, MOVSX, MOVSXD ---- */

#define EXTEND_MEMORY(form, name, from, to, type)                                        \
    FAST(name##_##form)                                                                  \
    {                                                                                    \
        PROBE(form, c, i, from / 8, read, p);                                            \
        put##to(c, i->reg, (u##to)(s##to)(type##from)load##from(p));                     \
        NEXT(c, i);                                                                      \
    }
#define EXTEND(name, from, to, type)                                                     \
    FAST(name##_r)                                                                       \
    {                                                                                    \
        put##to(c, i->reg, (u##to)(s##to)(type##from)get##from(c, i->rm));               \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FOR_FORMS(EXTEND_MEMORY, name, from, to, type)
EXTEND(movzx8to16, 8, 16, u)
EXTEND(movzx8to32, 8, 32, u)
EXTEND(movzx8to64, 8, 64, u)
EXTEND(movzx16to32, 16, 32, u)
EXTEND(movzx16to64, 16, 64, u)
EXTEND(movsx8to16, 8, 16, s)
EXTEND(movsx8to32, 8, 32, s)
EXTEND(movsx8to64, 8, 64, s)
EXTEND(movsx16to32, 16, 32, s)
EXTEND(movsx16to64, 16, 64, s)
EXTEND(movsx32to64, 32, 64, s)

struct extend {
    insn_fn *r, *m[FORMS];
};
#define EXTEND_ROW(name) {name##_r, FORMS_OF(name)}
/* By source width, then destination width. */
static const struct extend movzx[2][WIDTHS] = {
    {{0}, EXTEND_ROW(movzx8to16), EXTEND_ROW(movzx8to32), EXTEND_ROW(movzx8to64)},
    {{0}, {0}, EXTEND_ROW(movzx16to32), EXTEND_ROW(movzx16to64)},
};
static const struct extend movsx[3][WIDTHS] = {
    {{0}, EXTEND_ROW(movsx8to16), EXTEND_ROW(movsx8to32), EXTEND_ROW(movsx8to64)},
    {{0}, {0}, EXTEND_ROW(movsx16to32), EXTEND_ROW(movsx16to64)},
    {{0}, {0}, {0}, EXTEND_ROW(movsx32to64)},
};

/* ---- LEA ---- */

FAST(lea64_B)
{
    ADDRESS_B(c, i, 0, read, la);
    put64(c, i->reg, la);
    NEXT(c, i);
}
FAST(lea64_X)
{
    ADDRESS_X(c, i, 0, read, la);
    put64(c, i->reg, la);
    NEXT(c, i);
}
/* 32-bit result of 32- or 64-bit addressing: the low halves are the same. */
FAST(lea32)
{
    ADDRESS_F(c, i, 0, read, la);
    put32(c, i->reg, (u32)la);
    NEXT(c, i);
}

/* ---- PUSH and POP of a register or immediate ---- */

#define PUSH64(c, i, value)                                                              \
    do {                                                                                 \
        u64 sp_ = c->gpr[RSP] - 8;                                                       \
        u8 *p_ = probe_write(&c->mmu, sp_, 8);                                           \
        if (UNLIKELY(!p_))                                                               \
            TAIL(refill_push(c, i));                                                            \
        store64(p_, value);                                                              \
        c->gpr[RSP] = sp_;                                                               \
        NEXT(c, i);                                                                      \
    } while (0)
#define PUSH32(c, i, value)                                                              \
    do {                                                                                 \
        u32 sp_ = (u32)c->gpr[RSP] - 4;                                                  \
        u8 *p_ = probe_write(&c->mmu, sp_, 4);                                           \
        if (UNLIKELY(!p_))                                                               \
            TAIL(refill_push(c, i));                                                            \
        store32(p_, value);                                                              \
        c->gpr[RSP] = sp_;                                                               \
        NEXT(c, i);                                                                      \
    } while (0)

FAST(push64_r)
{
    PUSH64(c, i, get64(c, i->rm));
}
FAST(push64_i)
{
    PUSH64(c, i, (u64)(s64)i->imm);
}
FAST(push32_r)
{
    PUSH32(c, i, get32(c, i->rm));
}
FAST(push32_i)
{
    PUSH32(c, i, (u32)i->imm);
}
FAST(pop64_r)
{
    u64 sp = c->gpr[RSP];
    u8 *p = probe_read(&c->mmu, sp, 8);
    if (UNLIKELY(!p))
        TAIL(refill_pop(c, i));
    c->gpr[RSP] = sp + 8;
    put64(c, i->rm, load64(p)); /* last: POP RSP */
    NEXT(c, i);
}
FAST(pop32_r)
{
    u32 sp = (u32)c->gpr[RSP];
    u8 *p = probe_read(&c->mmu, sp, 4);
    if (UNLIKELY(!p))
        TAIL(refill_pop(c, i));
    c->gpr[RSP] = (u32)(sp + 4);
    put32(c, i->rm, load32(p));
    NEXT(c, i);
}

/* ---- by condition: a handler for each code ---- */

/* Guests use these where a branch would be mispredicted, so the host must not branch either:
 * the compiler is kept from knowing that the value is a condition. */
static ALWAYS_INLINE u8 opaque(u8 condition)
{
#if defined(__GNUC__)
    __asm__("" : "+r"(condition));
#endif
    return condition;
}

/* r/m or `reg`. */
static ALWAYS_INLINE u16 chosen(const struct insn *i, bool condition)
{
    unsigned mask = 0u - opaque(condition);
    return (u16)(i->reg ^ ((i->reg ^ i->rm) & mask));
}

#define CONDITIONAL(cc)                                                                  \
    FAST(cmov32_##cc)                                                                    \
    {                                                                                    \
        put32(c, i->reg, get32(c, chosen(i, lazy_cond(&c->lazy, cc))));                  \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(cmov64_##cc)                                                                    \
    {                                                                                    \
        put64(c, i->reg, get64(c, chosen(i, lazy_cond(&c->lazy, cc))));                  \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(set_##cc)                                                                       \
    {                                                                                    \
        put8(c, i->rm, opaque(lazy_cond(&c->lazy, cc)));                                 \
        NEXT(c, i);                                                                      \
    }
#define FOR_CONDITIONS(_)                                                                \
    _(0) _(1) _(2) _(3) _(4) _(5) _(6) _(7) _(8) _(9) _(10) _(11) _(12) _(13) _(14) _(15)
FOR_CONDITIONS(CONDITIONAL)

#define CONDITION_ROW(cc) {cmov32_##cc, cmov64_##cc, set_##cc},
static const struct {
    insn_fn *cmov32, *cmov64, *set;
} conditional[16] = {FOR_CONDITIONS(CONDITION_ROW)};

/* ---- a CMOVcc or SETcc and the operation before it ---- */

#define BEFORE_CONDITION(_)                                                              \
    _(cmp32_rr) _(cmp32_ri) _(cmp64_rr) _(mov32_rr) _(mov64_rr) _(mov32_ri)              \
    _(movzx8to32) _(lea32)
#define JOINED(first, name)                                                              \
    FAST(first##_then_##name)                                                            \
    {                                                                                    \
        if (UNLIKELY(!do_##first(c, i)))                                                 \
            TAIL(pair_missed(c, i));                                                     \
        TAIL(name(c, i + 1));                                                            \
    }
#define JOINED_CONDITION(first, cc)                                                      \
    JOINED(first, cmov32_##cc) JOINED(first, cmov64_##cc) JOINED(first, set_##cc)
#define FOR_CONDITIONS_OF(_, x)                                                          \
    _(x, 0) _(x, 1) _(x, 2) _(x, 3) _(x, 4) _(x, 5) _(x, 6) _(x, 7) _(x, 8) _(x, 9)      \
    _(x, 10) _(x, 11) _(x, 12) _(x, 13) _(x, 14) _(x, 15)
#define JOINED_CONDITIONS(first) FOR_CONDITIONS_OF(JOINED_CONDITION, first)
BEFORE_CONDITION(JOINED_CONDITIONS)

#define JOINED_NAMES(first, cc)                                                          \
    {first##_then_cmov32_##cc, first##_then_cmov64_##cc, first##_then_set_##cc},
#define JOINED_ROW(first) {OP_##first, {FOR_CONDITIONS_OF(JOINED_NAMES, first)}},
static const struct {
    enum operation first;
    struct {
        insn_fn *cmov32, *cmov64, *set;
    } run[16];
} joined[] = {BEFORE_CONDITION(JOINED_ROW)};

insn_fn *fast_join_condition(enum operation first, const struct insn *second)
{
    unsigned cc = second->aux & 15;

    for (unsigned n = 0; n < ARRAY_SIZE(joined); n++) {
        if (joined[n].first != first)
            continue;
        if (second->run == conditional[cc].cmov32)
            return joined[n].run[cc].cmov32;
        if (second->run == conditional[cc].cmov64)
            return joined[n].run[cc].cmov64;
        if (second->run == conditional[cc].set)
            return joined[n].run[cc].set;
    }
    return NULL;
}

FAST(nop)
{
    NEXT(c, i);
}

/* ---- choosing ---- */

extern general_fn op_mov, op_mov_acc_moffs, op_mov_moffs_acc, op_movzx_b, op_movzx_w;
extern general_fn op_movsx_b, op_movsx_w, op_movsxd, op_lea, op_cmov, op_setcc, op_nop;
extern general_fn op_push_reg, op_push_imm, op_pop_reg;

#define REGISTERS_ONLY(fn) ((struct fast){(fn), NULL, EFFECT_NONE, 1, false})
#define MAY_FAULT(fn) ((struct fast){(fn), NULL, EFFECT_BARRIER, 1, false})

static struct fast select_mov(struct insn *i, uint32_t mode)
{
    enum width w = width_of(i->bits);

    if (i->form & FORM_LONG) {
        if (i->form & FORM_MEM) /* 64-bit absolute addresses */
            return (struct fast){0};
        return (struct fast){mov64_long, NULL, EFFECT_NONE, 2, false};
    }
    if (i->form & FORM_MEM) {
        enum form form = form_of(i, mode);
        return MAY_FAULT(i->form & FORM_DST_REG ? mov[w].load[form]
                         : i->form & FORM_IMM   ? mov[w].mi[form]
                                                : mov[w].mr[form]);
    }
    if (i->form & FORM_IMM)
        return REGISTERS_ONLY(mov[w].ri);
    if (i->form & FORM_DST_REG) {
        uint16_t reg = i->reg;
        i->reg = i->rm;
        i->rm = reg;
        i->form &= (uint8_t)~FORM_DST_REG;
    }
    return REGISTERS_ONLY(mov[w].rr);
}

static struct fast select_extend(const struct insn *i, uint32_t mode,
                                 const struct extend *row)
{
    const struct extend *e = &row[width_of(i->bits)];

    if (!e->r)
        return (struct fast){0};
    return i->form & FORM_MEM ? MAY_FAULT(e->m[form_of(i, mode)]) : REGISTERS_ONLY(e->r);
}

static struct fast select_lea(const struct insn *i)
{
    if (i->bits == 64 && INSN_ASIZE(i) == 2)
        return REGISTERS_ONLY(i->index == CPU_ZERO_OFFSET ? lea64_B : lea64_X);
    if (i->bits == 32 && INSN_ASIZE(i) != 0)
        return REGISTERS_ONLY(lea32);
    return (struct fast){0};
}

static struct fast select_stack(const struct insn *i, uint32_t mode, bool push)
{
    bool wide = i->bits == 64;

    if (i->form & FORM_MEM)
        return (struct fast){0};
    if (!wide && !(i->bits == 32 && !(mode & MODE_CODE64) && (mode & MODE_STACK32) &&
                   (mode & MODE_FLAT_DATA)))
        return (struct fast){0};
    if (!push)
        return MAY_FAULT(wide ? pop64_r : pop32_r);
    if (i->form & FORM_IMM)
        return MAY_FAULT(wide ? push64_i : push32_i);
    return MAY_FAULT(wide ? push64_r : push32_r);
}

struct fast fast_select_move(struct insn *i, uint32_t mode)
{
    general_fn *g = isa_general[i->row];

    if (g == op_mov || g == op_mov_acc_moffs || g == op_mov_moffs_acc)
        return select_mov(i, mode);
    if (g == op_movzx_b || g == op_movzx_w)
        return select_extend(i, mode, movzx[g == op_movzx_w]);
    if (g == op_movsx_b || g == op_movsx_w)
        return select_extend(i, mode, movsx[g == op_movsx_w]);
    if (g == op_movsxd && i->bits == 64)
        return select_extend(i, mode, movsx[2]);
    if (g == op_lea)
        return select_lea(i);
    if (g == op_push_reg || g == op_push_imm || g == op_pop_reg)
        return select_stack(i, mode, g != op_pop_reg);
    if (g == op_nop)
        return REGISTERS_ONLY(nop);
    if (i->form & FORM_MEM)
        return (struct fast){0};
    /* These read flags: a barrier to what set them. */
    if (g == op_cmov && i->bits >= 32)
        return MAY_FAULT(i->bits == 64 ? conditional[i->aux].cmov64
                                       : conditional[i->aux].cmov32);
    if (g == op_setcc)
        return MAY_FAULT(conditional[i->aux].set);
    return (struct fast){0};
}
