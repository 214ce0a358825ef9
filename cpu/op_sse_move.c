/* op_sse_move.c - SSE moves, whole and in part; elements in and out; their VEX forms.
 *
 * Non-temporal hints change nothing here: a store is a store.
 */
#include "cpu/evop.h"

/* ---- whole registers ---- */

void op_sse_load(struct cpu *c, const struct insn *i)
{
    vec_put(c, i->reg, vec_load(c, i));
}

void op_sse_store(struct cpu *c, const struct insn *i)
{
    if (i->form & FORM_MEM)
        vec_write(c, i, vec_at(c, i->reg)->q);
    else
        vec_put(c, i->rm, vec_get(c, i->reg));
}

void op_sse_movnti(struct cpu *c, const struct insn *i)
{
    rm_set(c, i, y_bits(i), reg_get(c, i->reg, y_bits(i)));
}

/* ---- scalars: from memory the rest is cleared, between registers it is kept ---- */

void op_sse_movss_load(struct cpu *c, const struct insn *i)
{
    if (i->form & FORM_MEM)
        vec_put(c, i->reg, x128(low_load(c, i, 4), 0));
    else
        low32_set(vec_at(c, i->reg), (uint32_t)vec_at(c, i->rm)->q[0]);
}

/* The low part of the register to memory. */
static void low_store(struct cpu *c, const struct insn *i, unsigned size)
{
    mem_store(c, INSN_SEG(i), ea(c, i), size, vec_at(c, i->reg)->q[0]);
}

void op_sse_movss_store(struct cpu *c, const struct insn *i)
{
    if (i->form & FORM_MEM)
        low_store(c, i, 4);
    else
        low32_set(vec_at(c, i->rm), (uint32_t)vec_at(c, i->reg)->q[0]);
}

void op_sse_movsd_load(struct cpu *c, const struct insn *i)
{
    if (i->form & FORM_MEM)
        vec_put(c, i->reg, x128(low_load(c, i, 8), 0));
    else
        vec_at(c, i->reg)->q[0] = vec_at(c, i->rm)->q[0];
}

void op_sse_movsd_store(struct cpu *c, const struct insn *i)
{
    if (i->form & FORM_MEM)
        low_store(c, i, 8);
    else
        vec_at(c, i->rm)->q[0] = vec_at(c, i->reg)->q[0];
}

/* MOVQ clears the rest in either direction. */
void op_sse_movq_load(struct cpu *c, const struct insn *i)
{
    vec_put(c, i->reg, x128(low_load(c, i, 8), 0));
}

void op_sse_movq_store(struct cpu *c, const struct insn *i)
{
    if (i->form & FORM_MEM)
        low_store(c, i, 8);
    else
        vec_put(c, i->rm, x128(vec_at(c, i->reg)->q[0], 0));
}

void op_sse_movd_load(struct cpu *c, const struct insn *i)
{
    vec_put(c, i->reg, x128(rm_get(c, i, y_bits(i)), 0));
}

void op_sse_movd_store(struct cpu *c, const struct insn *i)
{
    rm_set(c, i, y_bits(i), vec_at(c, i->reg)->q[0]);
}

void op_sse_movq2dq(struct cpu *c, const struct insn *i)
{
    mmx_wait(c);
    vec_put(c, i->reg, x128(mmx_get(c, i->rm), 0));
    mmx_enter(c);
}

void op_sse_movdq2q(struct cpu *c, const struct insn *i)
{
    mmx_wait(c);
    mmx_enter(c);
    mmx_set(c, i->reg, vec_at(c, i->rm)->q[0]);
}

/* ---- halves ---- */

void op_sse_low_load(struct cpu *c, const struct insn *i)
{
    vec_at(c, i->reg)->q[0] = low_load(c, i, 8);
}

void op_sse_high_load(struct cpu *c, const struct insn *i)
{
    vec_at(c, i->reg)->q[1] = low_load(c, i, 8);
}

void op_sse_low_store(struct cpu *c, const struct insn *i)
{
    low_store(c, i, 8);
}

void op_sse_high_store(struct cpu *c, const struct insn *i)
{
    mem_store(c, INSN_SEG(i), ea(c, i), 8, vec_at(c, i->reg)->q[1]);
}

void op_sse_movhlps(struct cpu *c, const struct insn *i)
{
    vec_at(c, i->reg)->q[0] = vec_at(c, i->rm)->q[1];
}

void op_sse_movlhps(struct cpu *c, const struct insn *i)
{
    vec_at(c, i->reg)->q[1] = vec_at(c, i->rm)->q[0];
}

/* ---- duplicates ---- */

#define DUPLICATE(name, expr)                                                          \
    static ALWAYS_INLINE uint64_t name(uint64_t q)                                     \
    {                                                                                  \
        uint32_t d = (uint32_t)(expr);                                                 \
        return two32(d, d);                                                            \
    }                                                                                  \
    void op_sse_##name(struct cpu *c, const struct insn *i)                            \
    {                                                                                  \
        struct x128 s = vec_load(c, i);                                                \
        vec_put(c, i->reg, x128(name(s.q[0]), name(s.q[1])));                          \
    }                                                                                  \
    static ALWAYS_INLINE void v_##name(struct vop *o)                                  \
    {                                                                                  \
        for (unsigned n = 0; n < o->words; n++)                                        \
            o->d.q[n] = name(o->b.q[n]);                                               \
    }                                                                                  \
    VOP(name, VOP_FULL, v_##name)

DUPLICATE(movsldup, q)
DUPLICATE(movshdup, q >> 32)
EVOP_WHOLE(movsldup, 4, VOP_FULL, v_movsldup)
EVOP_WHOLE(movshdup, 4, VOP_FULL, v_movshdup)

void op_sse_movddup(struct cpu *c, const struct insn *i)
{
    uint64_t q = low_load(c, i, 8);
    vec_put(c, i->reg, x128(q, q));
}

static ALWAYS_INLINE void v_movddup(struct vop *o)
{
    for (unsigned n = 0; n < o->words; n++)
        o->d.q[n] = o->b.q[n & ~1u];
}

/* 128 bits need only the low quadword. */
#define MOVDDUP_SIZE(words) ((words) == 2 ? 8 : VOP_FULL(words))
VOP(movddup, MOVDDUP_SIZE, v_movddup)
EVOP_WHOLE(movddup, 8, MOVDDUP_SIZE, v_movddup)

/* ---- masks ---- */

void op_sse_movmskps(struct cpu *c, const struct insn *i)
{
    struct x128 s = vec_get(c, i->rm);
    reg_set(c, i->reg, 32,
            (s.q[0] >> 31 & 1) | (s.q[0] >> 62 & 2) | (s.q[1] >> 29 & 4) |
                (s.q[1] >> 60 & 8));
}

void op_sse_movmskpd(struct cpu *c, const struct insn *i)
{
    struct x128 s = vec_get(c, i->rm);
    reg_set(c, i->reg, 32, s.q[0] >> 63 | s.q[1] >> 63 << 1);
}

void op_sse_pmovmskb(struct cpu *c, const struct insn *i)
{
    struct x128 s = vec_get(c, i->rm);
    reg_set(c, i->reg, 32, lanes_signs(s.q[0]) | lanes_signs(s.q[1]) << 8);
}

/* With VEX, of the vector's length. */

void op_v_movmskps(struct cpu *c, const struct insn *i)
{
    const struct vec *s = vec_at(c, i->rm);
    uint64_t r = 0;

    for (unsigned n = 0; n < vop_words(i); n++)
        r |= ((s->q[n] >> 31 & 1) | (s->q[n] >> 62 & 2)) << 2 * n;
    reg_set(c, i->reg, 32, r);
}

void op_v_movmskpd(struct cpu *c, const struct insn *i)
{
    const struct vec *s = vec_at(c, i->rm);
    uint64_t r = 0;

    for (unsigned n = 0; n < vop_words(i); n++)
        r |= s->q[n] >> 63 << n;
    reg_set(c, i->reg, 32, r);
}

void op_v_pmovmskb(struct cpu *c, const struct insn *i)
{
    const struct vec *s = vec_at(c, i->rm);
    uint64_t r = 0;

    for (unsigned n = 0; n < vop_words(i); n++)
        r |= (uint64_t)lanes_signs(s->q[n]) << 8 * n;
    reg_set(c, i->reg, 32, r);
}

void op_sse_maskmovdqu(struct cpu *c, const struct insn *i)
{
    mask_store(c, i, vec_get(c, i->reg), vec_get(c, i->rm), 16);
}

/* ---- elements in: with VEX the others come from the first source ---- */

#define INSERT(name, load, put)                                                        \
    void op_sse_##name(struct cpu *c, const struct insn *i)                            \
    {                                                                                  \
        uint64_t v = load;                                                             \
        struct x128 d = vec_get(c, i->reg);                                            \
        put;                                                                           \
        vec_put(c, i->reg, d);                                                         \
    }                                                                                  \
    void op_v_##name(struct cpu *c, const struct insn *i)                              \
    {                                                                                  \
        uint64_t v = load;                                                             \
        struct x128 d = vop_first128(c, i);                                            \
        put;                                                                           \
        vop_put128(c, i->reg, d);                                                      \
    }

INSERT(pinsrb, narrow_load(c, i, 1), x8_set(&d, i->imm & 15, (uint8_t)v))
INSERT(pinsrw, narrow_load(c, i, 2), x16_set(&d, i->imm & 7, (uint16_t)v))

/* PINSRD, and PINSRQ with REX.W. */
static ALWAYS_INLINE void insert_wide(struct x128 *d, const struct insn *i, uint64_t v)
{
    if (i->form & FORM_W)
        d->q[i->imm & 1] = v;
    else
        x32_set(d, i->imm & 3, (uint32_t)v);
}

INSERT(pinsrd, rm_get(c, i, y_bits(i)), insert_wide(&d, i, v))

/* imm: 7:6 element of a register source, 5:4 place, 3:0 elements then cleared. */
static ALWAYS_INLINE uint64_t insertps_load(struct cpu *c, const struct insn *i)
{
    return i->form & FORM_MEM ? low_load(c, i, 4)
                              : x32(vec_get(c, i->rm), (unsigned)i->imm >> 6 & 3);
}

static ALWAYS_INLINE void insertps(struct x128 *d, unsigned imm, uint64_t v)
{
    x32_set(d, imm >> 4 & 3, (uint32_t)v);
    for (unsigned n = 0; n < 4; n++)
        if (imm >> n & 1)
            x32_set(d, n, 0);
}

INSERT(insertps, insertps_load(c, i), insertps(&d, (unsigned)i->imm, v))

/* ---- elements out ---- */

void op_sse_pextrw(struct cpu *c, const struct insn *i)
{
    reg_set(c, i->reg, 32, x16(vec_get(c, i->rm), i->imm & 7));
}

/* To a general register zero-extended, or to memory as wide as the element. */
static void extract(struct cpu *c, const struct insn *i, unsigned size, uint32_t v)
{
    if (i->form & FORM_MEM)
        mem_store(c, INSN_SEG(i), ea(c, i), size, v);
    else
        reg_set(c, i->rm, 32, v);
}

void op_sse_pextrb(struct cpu *c, const struct insn *i)
{
    extract(c, i, 1, x8(vec_get(c, i->reg), i->imm & 15));
}

void op_sse_pextrw_rm(struct cpu *c, const struct insn *i)
{
    extract(c, i, 2, x16(vec_get(c, i->reg), i->imm & 7));
}

void op_sse_extractps(struct cpu *c, const struct insn *i)
{
    extract(c, i, 4, x32(vec_get(c, i->reg), i->imm & 3));
}

/* PEXTRD, and PEXTRQ with REX.W. */
void op_sse_pextrd(struct cpu *c, const struct insn *i)
{
    struct x128 s = vec_get(c, i->reg);
    rm_set(c, i, y_bits(i), i->form & FORM_W ? s.q[i->imm & 1] : x32(s, i->imm & 3));
}

/* ---- VEX: the vector length of r/m ---- */

void op_v_load(struct cpu *c, const struct insn *i)
{
    unsigned words = vop_words(i);
    struct vec v;

    vop_load(c, i, &v, VOP_FULL(words));
    vop_put(c, i->reg, &v, words);
}

void op_v_store(struct cpu *c, const struct insn *i)
{
    unsigned words = vop_words(i);

    if (i->form & FORM_MEM)
        wide_write(c, i, vec_at(c, i->reg)->q, VOP_FULL(words));
    else
        vop_put(c, i->rm, vec_at(c, i->reg), words);
}

/* ---- VEX: parts of 128 bits; the rest from the first source, or cleared ---- */

void op_v_movss_load(struct cpu *c, const struct insn *i)
{
    vop_put128(c, i->reg, x128(low_load(c, i, 4), 0));
}

void op_v_movsd_load(struct cpu *c, const struct insn *i)
{
    vop_put128(c, i->reg, x128(low_load(c, i, 8), 0));
}

static ALWAYS_INLINE void merge32(struct cpu *c, const struct insn *i, uint16_t to,
                                  uint16_t from)
{
    struct x128 x = vop_first128(c, i);
    x32_set(&x, 0, (uint32_t)vec_at(c, from)->q[0]);
    vop_put128(c, to, x);
}

static ALWAYS_INLINE void merge64(struct cpu *c, const struct insn *i, uint16_t to,
                                  uint16_t from)
{
    vop_put128(c, to, x128(vec_at(c, from)->q[0], vop_first(c, i)->q[1]));
}

/* Between registers, by either opcode. */
void op_v_movss_to_reg(struct cpu *c, const struct insn *i)
{
    merge32(c, i, i->reg, i->rm);
}

void op_v_movss_to_rm(struct cpu *c, const struct insn *i)
{
    merge32(c, i, i->rm, i->reg);
}

void op_v_movsd_to_reg(struct cpu *c, const struct insn *i)
{
    merge64(c, i, i->reg, i->rm);
}

void op_v_movsd_to_rm(struct cpu *c, const struct insn *i)
{
    merge64(c, i, i->rm, i->reg);
}

void op_v_movq_store(struct cpu *c, const struct insn *i)
{
    if (i->form & FORM_MEM)
        low_store(c, i, 8);
    else
        vop_put128(c, i->rm, x128(vec_at(c, i->reg)->q[0], 0));
}

void op_v_movd_load(struct cpu *c, const struct insn *i)
{
    vop_put128(c, i->reg, x128(rm_get(c, i, y_bits(i)), 0));
}

void op_v_low_load(struct cpu *c, const struct insn *i)
{
    uint64_t q = low_load(c, i, 8);
    vop_put128(c, i->reg, x128(q, vop_first(c, i)->q[1]));
}

/* VMOVHPS, VMOVHPD, and VMOVLHPS, whose r/m is a register. */
void op_v_high_load(struct cpu *c, const struct insn *i)
{
    uint64_t q = low_load(c, i, 8);
    vop_put128(c, i->reg, x128(vop_first(c, i)->q[0], q));
}

void op_v_movhlps(struct cpu *c, const struct insn *i)
{
    vop_put128(c, i->reg, x128(vec_at(c, i->rm)->q[1], vop_first(c, i)->q[1]));
}
