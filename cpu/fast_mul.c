/* fast_mul.c - fast handlers of MUL and IMUL, 32 and 64 bits, and of small register
 * operations: XCHG BSWAP CDQ CQO CWDE CDQE BT LEAVE.
 *
 * A multiplication sets CF and OF alone (op_muldiv.c).
 */
#include "cpu/fast.h"
#include "cpu/isa.h"
#include "cpu/op_wide.h"

#define PRODUCT_FLAGS(overflow) ((overflow) ? (u32)(FLAG_CF | FLAG_OF) : 0u)

static ALWAYS_INLINE u32 imul32(u32 a, u32 b, bool *overflow)
{
    s64 p = (s64)(s32)a * (s32)b;
    *overflow = p != (s32)p;
    return (u32)p;
}

static ALWAYS_INLINE u64 imul64(u64 a, u64 b, bool *overflow)
{
    struct wide p = wide_imul(a, b);
    *overflow = p.high != (u64)((s64)p.low >> 63);
    return p.low;
}

#define IMUL_MEMORY(form, w)                                                             \
    FAST(imul##w##_load_##form)                                                          \
    {                                                                                    \
        PROBE(form, c, i, w / 8, read, p);                                               \
        bool overflow;                                                                   \
        put##w(c, i->reg, imul##w(get##w(c, i->reg), load##w(p), &overflow));            \
        merge_cf_of(c, PRODUCT_FLAGS(overflow));                                         \
        NEXT(c, i);                                                                      \
    }
#define IMUL(w)                                                                          \
    FAST(imul##w##_rr)                                                                   \
    {                                                                                    \
        bool overflow;                                                                   \
        put##w(c, i->reg, imul##w(get##w(c, i->reg), get##w(c, i->rm), &overflow));      \
        merge_cf_of(c, PRODUCT_FLAGS(overflow));                                         \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(imul##w##_rr_quiet)                                                             \
    {                                                                                    \
        put##w(c, i->reg, get##w(c, i->reg) * get##w(c, i->rm));                         \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(imul##w##_rri)                                                                  \
    {                                                                                    \
        bool overflow;                                                                   \
        put##w(c, i->reg, imul##w(get##w(c, i->rm), (u##w)(s64)i->imm, &overflow));      \
        merge_cf_of(c, PRODUCT_FLAGS(overflow));                                         \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(imul##w##_rri_quiet)                                                            \
    {                                                                                    \
        put##w(c, i->reg, get##w(c, i->rm) * (u##w)(s64)i->imm);                         \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FOR_FORMS(IMUL_MEMORY, w)
IMUL(32)
IMUL(64)

FAST(mul32_r)
{
    u64 p = (u64)(u32)c->gpr[RAX] * get32(c, i->rm);
    c->gpr[RAX] = (u32)p;
    c->gpr[RDX] = p >> 32;
    merge_cf_of(c, PRODUCT_FLAGS(p >> 32));
    NEXT(c, i);
}
FAST(mul32_r_quiet)
{
    u64 p = (u64)(u32)c->gpr[RAX] * get32(c, i->rm);
    c->gpr[RAX] = (u32)p;
    c->gpr[RDX] = p >> 32;
    NEXT(c, i);
}
FAST(mul64_r)
{
    struct wide p = wide_mul(c->gpr[RAX], get64(c, i->rm));
    c->gpr[RAX] = p.low;
    c->gpr[RDX] = p.high;
    merge_cf_of(c, PRODUCT_FLAGS(p.high));
    NEXT(c, i);
}
FAST(mul64_r_quiet)
{
    struct wide p = wide_mul(c->gpr[RAX], get64(c, i->rm));
    c->gpr[RAX] = p.low;
    c->gpr[RDX] = p.high;
    NEXT(c, i);
}
#define MUL_MEMORY(form, w)                                                              \
    FAST(mul64_m_##form)                                                                 \
    {                                                                                    \
        PROBE(form, c, i, 8, read, q);                                                   \
        struct wide p = wide_mul(c->gpr[RAX], load64(q));                                \
        c->gpr[RAX] = p.low;                                                             \
        c->gpr[RDX] = p.high;                                                            \
        merge_cf_of(c, PRODUCT_FLAGS(p.high));                                           \
        NEXT(c, i);                                                                      \
    }
FOR_FORMS(MUL_MEMORY, 64)

/* ---- small ones ---- */

FAST(xchg32_rr)
{
    u32 a = get32(c, i->rm), b = get32(c, i->reg);
    put32(c, i->rm, b);
    put32(c, i->reg, a);
    NEXT(c, i);
}
FAST(xchg64_rr)
{
    u64 a = get64(c, i->rm), b = get64(c, i->reg);
    put64(c, i->rm, b);
    put64(c, i->reg, a);
    NEXT(c, i);
}
FAST(swap32)
{
    put32(c, i->rm, bswap32(get32(c, i->rm)));
    NEXT(c, i);
}
FAST(swap64)
{
    put64(c, i->rm, bswap64(get64(c, i->rm)));
    NEXT(c, i);
}
FAST(cdq)
{
    c->gpr[RDX] = (s32)c->gpr[RAX] < 0 ? 0xffffffffu : 0u;
    NEXT(c, i);
}
FAST(cqo)
{
    c->gpr[RDX] = (u64)((s64)c->gpr[RAX] >> 63);
    NEXT(c, i);
}
FAST(cwde)
{
    c->gpr[RAX] = (u32)(s32)(s16)c->gpr[RAX];
    NEXT(c, i);
}
FAST(cdqe)
{
    c->gpr[RAX] = (u64)(s64)(s32)c->gpr[RAX];
    NEXT(c, i);
}

/* BT sets CF alone. */
static ALWAYS_INLINE void set_cf(struct cpu *c, u32 cf)
{
    struct lazy_flags *f = &c->lazy;
    u64 kept = f->kind == FLAGS_PLAIN
                   ? f->aux & ~(u64)FLAG_CF
                   : (lazy_af(f) ? FLAG_AF : 0u) | (lazy_of(f) ? FLAG_OF : 0u);
    f->aux = kept | cf;
    f->kind = FLAGS_PLAIN;
}
FAST(bt32_rr)
{
    set_cf(c, get32(c, i->rm) >> (get32(c, i->reg) & 31) & 1);
    NEXT(c, i);
}
FAST(bt64_rr)
{
    set_cf(c, (u32)(get64(c, i->rm) >> (get64(c, i->reg) & 63)) & 1);
    NEXT(c, i);
}
FAST(bt32_ri)
{
    set_cf(c, get32(c, i->rm) >> (i->imm & 31) & 1);
    NEXT(c, i);
}
FAST(bt64_ri)
{
    set_cf(c, (u32)(get64(c, i->rm) >> (i->imm & 63)) & 1);
    NEXT(c, i);
}
FAST(leave64)
{
    u64 sp = c->gpr[RBP];
    u8 *p = probe_read(&c->mmu, sp, 8);
    if (UNLIKELY(!p))
        TAIL(run_slow(c, i));
    c->gpr[RSP] = sp + 8;
    c->gpr[RBP] = load64(p);
    NEXT(c, i);
}

/* ---- choosing ---- */

extern general_fn op_imul2, op_imul3, op_mul, op_xchg, op_bswap, op_cwd, op_cbw, op_bt,
    op_leave;

#define FORMS_OF(name) {name##_B, name##_X, name##_F, name##_S}
static insn_fn *const imul_load[2][FORMS] = {FORMS_OF(imul32_load), FORMS_OF(imul64_load)};
static insn_fn *const mul64_m[FORMS] = FORMS_OF(mul64_m);

#define MERGES(run, quiet) ((struct fast){(run), (quiet), EFFECT_MERGES, 1, false})
#define REGISTERS_ONLY(run) ((struct fast){(run), NULL, EFFECT_NONE, 1, false})
#define MAY_FAULT(run) ((struct fast){(run), NULL, EFFECT_BARRIER, 1, false})

struct fast fast_select_mul(struct insn *i, uint32_t mode)
{
    general_fn *g = isa_general[i->row];
    bool wide = i->bits == 64;

    if (g == op_leave && wide)
        return MAY_FAULT(leave64);
    if (i->bits < 32)
        return (struct fast){0};
    if (i->form & FORM_MEM) {
        if (g == op_imul2)
            return MAY_FAULT(imul_load[wide][form_of(i, mode)]);
        if (g == op_mul && wide)
            return MAY_FAULT(mul64_m[form_of(i, mode)]);
        return (struct fast){0};
    }
    if (g == op_imul2)
        return wide ? MERGES(imul64_rr, imul64_rr_quiet) : MERGES(imul32_rr, imul32_rr_quiet);
    if (g == op_imul3)
        return wide ? MERGES(imul64_rri, imul64_rri_quiet)
                    : MERGES(imul32_rri, imul32_rri_quiet);
    if (g == op_mul)
        return wide ? MERGES(mul64_r, mul64_r_quiet) : MERGES(mul32_r, mul32_r_quiet);
    if (g == op_bt && (i->form & FORM_IMM))
        return MERGES(wide ? bt64_ri : bt32_ri, NULL);
    if (g == op_bt)
        return MERGES(wide ? bt64_rr : bt32_rr, NULL);
    if (g == op_xchg)
        return REGISTERS_ONLY(wide ? xchg64_rr : xchg32_rr);
    if (g == op_bswap)
        return REGISTERS_ONLY(wide ? swap64 : swap32);
    if (g == op_cwd)
        return REGISTERS_ONLY(wide ? cqo : cdq);
    if (g == op_cbw)
        return REGISTERS_ONLY(wide ? cdqe : cwde);
    return (struct fast){0};
}
