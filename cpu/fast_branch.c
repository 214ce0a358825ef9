/* fast_branch.c - fast handlers of near jumps, calls and returns, compare and branch
 * fused, and the choice among all fast handlers.
 *
 * A relative branch's disp is its target as an offset from the current page's first byte; the
 * record after it is its link. Within the page a link needs no check: the page stays the
 * same. A link to another page passes a compare with the fetch view and the backing page.
 */
#include "cpu/fast_op.h"
#include "cpu/isa.h"

static ALWAYS_INLINE struct insn *link_slot(const struct insn *i)
{
    return (struct insn *)(uintptr_t)(i + 1);
}

/* Taken, within the page. The rest of the block is refunded. */
static ALWAYS_INLINE const struct insn *follow(struct cpu *c, const struct insn *i)
{
    const struct link *l = insn_link(i);

    c->budget += i->left - 1;
    if (LIKELY(l->head != NULL))
        return l->head;
    c->rip = c->page_rip + (u64)(s64)i->disp;
    c->patch = link_slot(i);
    return NULL;
}

#define TAKE_NEAR(c, i)                                                                  \
    do {                                                                                 \
        const struct insn *head_ = follow(c, i);                                         \
        if (UNLIKELY(!head_))                                                            \
            return NULL;                                                                 \
        GOTO_INSN(c, head_);                                                             \
    } while (0)

/* Taken, to another page: CS is flat. */
FAST(take_far)
{
    const struct link *l = insn_link(i);
    u64 rip = (c->page_rip + (u64)(s64)i->disp) & c->rip_mask;
    const struct l1_fetch *f = &c->mmu.fetch_view[(rip >> 12) & (L1_FETCHES - 1)];

    c->budget += i->left - 1;
    if (LIKELY(f->tag == (rip & ~(u64)(PAGE - 1)) && l->head && l->page == f->number)) {
        c->page = f->number;
        c->page_rip = f->tag;
        GOTO_INSN(c, l->head);
    }
    c->rip = rip;
    c->patch = link_slot(i);
    return NULL;
}

/* To a computed target, when its page is in the fetch view (f); CS is flat. */
#define GO_INDIRECT(c, f, target)                                                           \
    do {                                                                                 \
        unsigned offset_ = (unsigned)((target) & (PAGE - 1));                               \
        const struct jump_entry *e_ = &c->cache->jumps[jump_slot((f)->number, offset_)]; \
        c->page = (f)->number;                                                           \
        c->page_rip = (f)->tag;                                                          \
        if (UNLIKELY(e_->key != block_key(c->mode, (f)->number, offset_))) {             \
            c->rip = (target);                                                             \
            return NULL;                                                                 \
        }                                                                                \
        GOTO_INSN(c, e_->head);                                                          \
    } while (0)

#define FETCH_OR_MISS(c, i, f, target)                                                      \
    const struct l1_fetch *f = &c->mmu.fetch_view[((target) >> 12) & (L1_FETCHES - 1)];     \
    if (UNLIKELY(f->tag != ((target) & ~(u64)(PAGE - 1))))                                  \
    TAIL(run_end(c, i))

/* ---- JMP, Jcc ---- */

FAST(jmp_near)
{
    TAKE_NEAR(c, i);
}

FAST(jmp_far_page)
{
    TAIL(take_far(c, i));
}

#define FOR_CONDITIONS(_)                                                                \
    _(0) _(1) _(2) _(3) _(4) _(5) _(6) _(7) _(8) _(9) _(10) _(11) _(12) _(13) _(14) _(15)

#define JCC(cc)                                                                          \
    FAST(jcc_near_##cc)                                                                  \
    {                                                                                    \
        if (lazy_cond(&c->lazy, cc))                                                     \
            TAKE_NEAR(c, i);                                                             \
        NEXT(c, i + 1);                                                                  \
    }                                                                                    \
    FAST(jcc_far_##cc)                                                                   \
    {                                                                                    \
        if (lazy_cond(&c->lazy, cc))                                                     \
            TAIL(take_far(c, i));                                                        \
        NEXT(c, i + 1);                                                                  \
    }
FOR_CONDITIONS(JCC)

#define JCC_NEAR(cc) jcc_near_##cc,
#define JCC_FAR(cc) jcc_far_##cc,
static insn_fn *const jcc_near[16] = {FOR_CONDITIONS(JCC_NEAR)};
static insn_fn *const jcc_far[16] = {FOR_CONDITIONS(JCC_FAR)};

/* ---- compare and branch in one record; the branch's own follows ---- */

#define CMP_B(w, a, b) ((a) < (b))
#define CMP_NB(w, a, b) ((a) >= (b))
#define CMP_Z(w, a, b) ((a) == (b))
#define CMP_NZ(w, a, b) ((a) != (b))
#define CMP_BE(w, a, b) ((a) <= (b))
#define CMP_A(w, a, b) ((a) > (b))
#define CMP_S(w, a, b) ((s##w)(u##w)((a) - (b)) < 0)
#define CMP_NS(w, a, b) ((s##w)(u##w)((a) - (b)) >= 0)
#define CMP_L(w, a, b) ((s##w)(a) < (s##w)(b))
#define CMP_GE(w, a, b) ((s##w)(a) >= (s##w)(b))
#define CMP_LE(w, a, b) ((s##w)(a) <= (s##w)(b))
#define CMP_G(w, a, b) ((s##w)(a) > (s##w)(b))
#define TEST_Z(w, a, b) (((a) & (b)) == 0)
#define TEST_NZ(w, a, b) (((a) & (b)) != 0)
#define TEST_S(w, a, b) ((s##w)((a) & (b)) < 0)
#define TEST_NS(w, a, b) ((s##w)((a) & (b)) >= 0)
#define TEST_LE(w, a, b) ((s##w)((a) & (b)) <= 0)
#define TEST_G(w, a, b) ((s##w)((a) & (b)) > 0)

#define FUSED_BODY(w, second, set, r, yes)                                               \
    {                                                                                    \
        u##w a = get##w(c, i->rm), b = second;                                           \
        set(c, w, a, r);                                                                 \
        i++;                                                                             \
        if (yes)                                                                         \
            TAKE_NEAR(c, i);                                                             \
        NEXT(c, i + 1);                                                                  \
    }
#define FUSED_CMP(w, cc)                                                                 \
    FAST(cmp##w##_rr_##cc)                                                               \
    FUSED_BODY(w, get##w(c, i->reg), FLAGS_AFTER_SUB, (u##w)(a - b), CMP_##cc(w, a, b))  \
    FAST(cmp##w##_ri_##cc)                                                               \
    FUSED_BODY(w, (u##w)i->imm, FLAGS_AFTER_SUB, (u##w)(a - b), CMP_##cc(w, a, b))
#define FUSED_TEST(w, cc)                                                                \
    FAST(test##w##_rr_##cc)                                                              \
    FUSED_BODY(w, get##w(c, i->reg), FLAGS_AFTER_LOGIC, (a & b), TEST_##cc(w, a, b))     \
    FAST(test##w##_ri_##cc)                                                              \
    FUSED_BODY(w, (u##w)i->imm, FLAGS_AFTER_LOGIC, (a & b), TEST_##cc(w, a, b))
#define FUSED(w)                                                                         \
    FUSED_CMP(w, B) FUSED_CMP(w, NB) FUSED_CMP(w, Z) FUSED_CMP(w, NZ) FUSED_CMP(w, BE)   \
    FUSED_CMP(w, A) FUSED_CMP(w, S) FUSED_CMP(w, NS) FUSED_CMP(w, L) FUSED_CMP(w, GE)    \
    FUSED_CMP(w, LE) FUSED_CMP(w, G)                                                     \
    FUSED_TEST(w, Z) FUSED_TEST(w, NZ) FUSED_TEST(w, S) FUSED_TEST(w, NS)                \
    FUSED_TEST(w, LE) FUSED_TEST(w, G)
FUSED(8)
FUSED(16)
FUSED(32)
FUSED(64)

#define CMP_ROW(w, k)                                                                    \
    {NULL, NULL, cmp##w##_##k##_B, cmp##w##_##k##_NB, cmp##w##_##k##_Z,                  \
     cmp##w##_##k##_NZ, cmp##w##_##k##_BE, cmp##w##_##k##_A, cmp##w##_##k##_S,           \
     cmp##w##_##k##_NS, NULL, NULL, cmp##w##_##k##_L, cmp##w##_##k##_GE,                 \
     cmp##w##_##k##_LE, cmp##w##_##k##_G}
/* After TEST, CF and OF are clear: BE is Z, A is NZ, L is S, GE is NS. */
#define TEST_ROW(w, k)                                                                   \
    {NULL, NULL, NULL, NULL, test##w##_##k##_Z, test##w##_##k##_NZ, test##w##_##k##_Z,   \
     test##w##_##k##_NZ, test##w##_##k##_S, test##w##_##k##_NS, NULL, NULL,              \
     test##w##_##k##_S, test##w##_##k##_NS, test##w##_##k##_LE, test##w##_##k##_G}
static insn_fn *const fused_cmp[2][WIDTHS][16] = {
    {CMP_ROW(8, rr), CMP_ROW(16, rr), CMP_ROW(32, rr), CMP_ROW(64, rr)},
    {CMP_ROW(8, ri), CMP_ROW(16, ri), CMP_ROW(32, ri), CMP_ROW(64, ri)},
};
static insn_fn *const fused_test[2][WIDTHS][16] = {
    {TEST_ROW(8, rr), TEST_ROW(16, rr), TEST_ROW(32, rr), TEST_ROW(64, rr)},
    {TEST_ROW(8, ri), TEST_ROW(16, ri), TEST_ROW(32, ri), TEST_ROW(64, ri)},
};

/* ---- CALL, RET, indirect ---- */

#define CALL_TO(name, w, size, take)                                                     \
    FAST(name)                                                                           \
    {                                                                                    \
        u##w sp = (u##w)c->gpr[RSP] - size;                                              \
        u8 *p = probe_write(&c->mmu, sp, size);                                          \
        if (UNLIKELY(!p))                                                                \
            TAIL(refill_push(c, i));                                                       \
        store##w(p, (u##w)(c->page_rip + i->at + i->len));                               \
        c->gpr[RSP] = sp;                                                                \
        take(c, i);                                                                      \
    }
#define TAKE_FAR(c, i) TAIL(take_far(c, i))
CALL_TO(call64_near, 64, 8, TAKE_NEAR)
CALL_TO(call64_far, 64, 8, TAKE_FAR)
CALL_TO(call32_near, 32, 4, TAKE_NEAR)
CALL_TO(call32_far, 32, 4, TAKE_FAR)

#define RET(w, size)                                                                     \
    FAST(ret##w)                                                                         \
    {                                                                                    \
        u##w sp = (u##w)c->gpr[RSP], rip;                                                \
        u8 *p = probe_read(&c->mmu, sp, size);                                           \
        if (UNLIKELY(!p))                                                                \
            TAIL(refill_pop(c, i));                                                       \
        rip = load##w(p);                                                                \
        FETCH_OR_MISS(c, i, f, (u64)rip);                                                \
        c->gpr[RSP] = (u##w)(sp + size + (u16)i->imm);                                   \
        GO_INDIRECT(c, f, (u64)rip);                                                     \
    }
RET(64, 8)
RET(32, 4)

#define JUMP_INDIRECT(w)                                                                 \
    FAST(jmp##w##_r)                                                                     \
    {                                                                                    \
        u64 rip = get##w(c, i->rm);                                                      \
        FETCH_OR_MISS(c, i, f, rip);                                                     \
        GO_INDIRECT(c, f, rip);                                                          \
    }                                                                                    \
    FAST(call##w##_r)                                                                    \
    {                                                                                    \
        u64 rip = get##w(c, i->rm);                                                      \
        u##w sp = (u##w)c->gpr[RSP] - w / 8;                                             \
        u8 *p = probe_write(&c->mmu, sp, w / 8);                                         \
        if (UNLIKELY(!p))                                                                \
            TAIL(refill_push(c, i));                                                       \
        FETCH_OR_MISS(c, i, f, rip);                                                     \
        store##w(p, (u##w)(c->page_rip + i->at + i->len));                               \
        c->gpr[RSP] = sp;                                                                \
        GO_INDIRECT(c, f, rip);                                                          \
    }
JUMP_INDIRECT(64)
JUMP_INDIRECT(32)

/* A call has two operands in memory. The target's may be refilled; the stack's may not: when
 * both pages want one slot of the TLB, each refill would undo the other, for ever. */
#define JUMP_MEMORY(form, w)                                                             \
    FAST(jmp##w##_m_##form)                                                              \
    {                                                                                    \
        PROBE(form, c, i, w / 8, read, q);                                               \
        u64 rip = load##w(q);                                                            \
        FETCH_OR_MISS(c, i, f, rip);                                                     \
        GO_INDIRECT(c, f, rip);                                                          \
    }                                                                                    \
    FAST(call##w##_m_##form)                                                             \
    {                                                                                    \
        PROBE(form, c, i, w / 8, read, q);                                               \
        u64 rip = load##w(q);                                                            \
        u##w sp = (u##w)c->gpr[RSP] - w / 8;                                             \
        u8 *p = probe_write(&c->mmu, sp, w / 8);                                         \
        if (UNLIKELY(!p))                                                                \
            TAIL(run_end(c, i));                                                         \
        FETCH_OR_MISS(c, i, f, rip);                                                     \
        store##w(p, (u##w)(c->page_rip + i->at + i->len));                               \
        c->gpr[RSP] = sp;                                                                \
        GO_INDIRECT(c, f, rip);                                                          \
    }
FOR_FORMS(JUMP_MEMORY, 64)
FOR_FORMS(JUMP_MEMORY, 32)

#define FORMS_OF(name) {name##_B, name##_X, name##_F, name##_S}
static const struct {
    insn_fn *jmp_r, *call_r, *jmp_m[FORMS], *call_m[FORMS];
} indirect[2] = {
    {jmp32_r, call32_r, FORMS_OF(jmp32_m), FORMS_OF(call32_m)},
    {jmp64_r, call64_r, FORMS_OF(jmp64_m), FORMS_OF(call64_m)},
};

/* ---- a branch and the operation before it ---- */

/* Those that are often last in a block, and what ends it. */
#define LAST_BUT_ONE(_)                                                                  \
    _(mov32_rr) _(mov64_rr) _(mov32_ri) _(add32_rr) _(add32_ri) _(add64_rr) _(add64_ri)  \
    _(sub64_ri) _(xor32_rr) _(and32_ri) _(lea32) _(lea64) _(load32_B) _(load64_B)        \
    _(load32_F) _(store32_B) _(store64_B) _(loadzx8_B) _(movzx8to32) _(pop64)
#define BRANCHES(_, x)                                                                   \
    _(x, cmp32_rr_B) _(x, cmp32_rr_NB) _(x, cmp32_rr_Z) _(x, cmp32_rr_NZ)                \
    _(x, cmp32_rr_BE) _(x, cmp32_rr_A) _(x, cmp32_rr_S) _(x, cmp32_rr_NS)                \
    _(x, cmp32_rr_L) _(x, cmp32_rr_GE) _(x, cmp32_rr_LE) _(x, cmp32_rr_G)                \
    _(x, cmp32_ri_B) _(x, cmp32_ri_NB) _(x, cmp32_ri_Z) _(x, cmp32_ri_NZ)                \
    _(x, cmp32_ri_BE) _(x, cmp32_ri_A) _(x, cmp32_ri_S) _(x, cmp32_ri_NS)                \
    _(x, cmp32_ri_L) _(x, cmp32_ri_GE) _(x, cmp32_ri_LE) _(x, cmp32_ri_G)                \
    _(x, test32_rr_Z) _(x, test32_rr_NZ) _(x, test32_rr_S) _(x, test32_rr_NS)            \
    _(x, test32_rr_LE) _(x, test32_rr_G) _(x, cmp64_rr_B) _(x, cmp64_rr_NB)              \
    _(x, cmp64_rr_Z) _(x, cmp64_rr_NZ) _(x, cmp64_rr_BE) _(x, cmp64_rr_A)                \
    _(x, cmp64_rr_S) _(x, cmp64_rr_NS) _(x, cmp64_rr_L) _(x, cmp64_rr_GE)                \
    _(x, cmp64_rr_LE) _(x, cmp64_rr_G) _(x, cmp64_ri_B) _(x, cmp64_ri_NB)                \
    _(x, cmp64_ri_Z) _(x, cmp64_ri_NZ) _(x, cmp64_ri_BE) _(x, cmp64_ri_A)                \
    _(x, cmp64_ri_S) _(x, cmp64_ri_NS) _(x, cmp64_ri_L) _(x, cmp64_ri_GE)                \
    _(x, cmp64_ri_LE) _(x, cmp64_ri_G) _(x, test64_rr_Z) _(x, test64_rr_NZ)              \
    _(x, test64_rr_S) _(x, test64_rr_NS) _(x, test64_rr_LE) _(x, test64_rr_G)            \
    _(x, cmp8_ri_Z) _(x, cmp8_ri_NZ) _(x, test8_rr_Z) _(x, test8_rr_NZ)                  \
    _(x, jmp_near) _(x, call64_near) _(x, ret64)

#define JOINED(a, b)                                                                     \
    FAST(a##_then_##b)                                                                   \
    {                                                                                    \
        if (UNLIKELY(!do_##a(c, i)))                                                     \
            TAIL(pair_missed(c, i));                                                     \
        TAIL(b(c, i + 1));                                                               \
    }
#define JOINED_ALL(a) BRANCHES(JOINED, a)
LAST_BUT_ONE(JOINED_ALL)

#define BRANCH_NUMBER(x, name) BRANCH_##name,
#define BRANCH_NAME(x, name) name,
#define JOINED_NAME(a, b) a##_then_##b,
#define JOINED_ROW(a) {OP_##a, {BRANCHES(JOINED_NAME, a)}},
enum { BRANCHES(BRANCH_NUMBER, ) BRANCH_COUNT };
static insn_fn *const branches[] = {BRANCHES(BRANCH_NAME, )};
static const struct {
    enum operation first;
    insn_fn *run[BRANCH_COUNT];
} joined[] = {LAST_BUT_ONE(JOINED_ROW)};

insn_fn *fast_join_branch(enum operation first, insn_fn *branch)
{
    unsigned n = 0;

    while (n < BRANCH_COUNT && branches[n] != branch)
        n++;
    for (unsigned k = 0; n < BRANCH_COUNT && k < ARRAY_SIZE(joined); k++)
        if (joined[k].first == first)
            return joined[k].run[n];
    return NULL;
}

/* ---- choosing ---- */

extern general_fn op_jmp_rel, op_jcc, op_call_rel, op_ret, op_jmp_rm, op_call_rm, op_cmp, op_test;

#define ENDS(fn) ((struct fast){(fn), NULL, EFFECT_BARRIER, 1, true})

/* Is the operand size what the mode says, so that targets are not cut short? */
static bool natural(const struct insn *i, uint32_t mode)
{
    return i->bits == (mode & MODE_CODE64 ? 64 : mode & MODE_CODE32 ? 32 : 16);
}

/* Stack and code of CALL and RET: 64-bit, or 32-bit flat. */
static bool flat(uint32_t mode)
{
    return (mode & MODE_CODE64) ||
           ((mode & MODE_CODE32) && (mode & MODE_FLAT_CODE) && (mode & MODE_FLAT_DATA) &&
            (mode & MODE_STACK32));
}

static struct fast select_relative(struct insn *i, uint32_t mode, general_fn *g)
{
    int64_t target = (int64_t)i->at + i->len + i->imm;
    bool near = target >= 0 && target < PAGE;
    bool wide = i->bits == 64;
    struct fast f = {.slots = 2, .effect = EFFECT_BARRIER, .ends = g != op_jcc};

    if (!natural(i, mode) || target != (int32_t)target)
        return (struct fast){0};
    if (!near && !(mode & MODE_FLAT_CODE))
        return (struct fast){0};
    if (g == op_call_rel && !flat(mode))
        return (struct fast){0};
    if (g == op_call_rel)
        f.run = wide ? (near ? call64_near : call64_far) : (near ? call32_near : call32_far);
    else if (g == op_jmp_rel)
        f.run = near ? jmp_near : jmp_far_page;
    else
        f.run = near ? jcc_near[i->aux] : jcc_far[i->aux];
    i->disp = (int32_t)target;
    return f;
}

struct fast fast_select_branch(struct insn *i, uint32_t mode)
{
    general_fn *g = isa_general[i->row];

    if (g == op_jmp_rel || g == op_jcc || g == op_call_rel)
        return select_relative(i, mode, g);
    if (!natural(i, mode) || !flat(mode))
        return (struct fast){0};
    if (g == op_ret)
        return ENDS(i->bits == 64 ? ret64 : ret32);
    if (g == op_jmp_rm || g == op_call_rm) {
        unsigned w = i->bits == 64;
        if (i->form & FORM_MEM) {
            enum form form = form_of(i, mode);
            return ENDS(g == op_jmp_rm ? indirect[w].jmp_m[form] : indirect[w].call_m[form]);
        }
        return ENDS(g == op_jmp_rm ? indirect[w].jmp_r : indirect[w].call_r);
    }
    return (struct fast){0};
}

insn_fn *fast_fuse(struct insn *first, const struct insn *branch)
{
    general_fn *g = isa_general[first->row];
    bool imm = first->form & FORM_IMM;

    if ((g != op_cmp && g != op_test) || (first->form & FORM_MEM) ||
        isa_general[branch->row] != op_jcc || branch->run != jcc_near[branch->aux])
        return NULL;
    return (g == op_cmp ? fused_cmp : fused_test)[imm][width_of(first->bits)][branch->aux];
}

struct fast fast_select(struct insn *i, uint32_t mode)
{
    struct fast f = fast_select_alu(i, mode);
    if (!f.run)
        f = fast_select_move(i, mode);
    if (!f.run)
        f = fast_select_branch(i, mode);
    if (!f.run)
        f = fast_select_shift(i);
    if (!f.run)
        f = fast_select_mul(i, mode);
    if (!f.run)
        f = fast_select_sse(i, mode);
    if (!f.run)
        f = fast_select_x87(i, mode);
    return f;
}
