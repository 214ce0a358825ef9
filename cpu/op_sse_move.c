/* op_sse_move.c - SSE moves, whole and in part; elements in and out.
 *
 * Non-temporal hints change nothing here: a store is a store.
 */
#include "cpu/simd.h"
#include "cpu/vop.h"

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

void op_sse_movsldup(struct cpu *c, const struct insn *i)
{
    struct x128 s = vec_load(c, i);
    vec_put(c, i->reg, x128(two32(x32(s, 0), x32(s, 0)), two32(x32(s, 2), x32(s, 2))));
}

void op_sse_movshdup(struct cpu *c, const struct insn *i)
{
    struct x128 s = vec_load(c, i);
    vec_put(c, i->reg, x128(two32(x32(s, 1), x32(s, 1)), two32(x32(s, 3), x32(s, 3))));
}

void op_sse_movddup(struct cpu *c, const struct insn *i)
{
    uint64_t q = low_load(c, i, 8);
    vec_put(c, i->reg, x128(q, q));
}

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

void op_sse_maskmovdqu(struct cpu *c, const struct insn *i)
{
    mask_store(c, i, vec_get(c, i->reg), vec_get(c, i->rm), 16);
}

/* ---- elements in ---- */

void op_sse_pinsrb(struct cpu *c, const struct insn *i)
{
    uint32_t v = narrow_load(c, i, 1);
    struct x128 d = vec_get(c, i->reg);
    x8_set(&d, i->imm & 15, (uint8_t)v);
    vec_put(c, i->reg, d);
}

void op_sse_pinsrw(struct cpu *c, const struct insn *i)
{
    uint32_t v = narrow_load(c, i, 2);
    struct x128 d = vec_get(c, i->reg);
    x16_set(&d, i->imm & 7, (uint16_t)v);
    vec_put(c, i->reg, d);
}

/* PINSRD, and PINSRQ with REX.W. */
void op_sse_pinsrd(struct cpu *c, const struct insn *i)
{
    uint64_t v = rm_get(c, i, y_bits(i));
    struct x128 d = vec_get(c, i->reg);
    if (i->form & FORM_W)
        d.q[i->imm & 1] = v;
    else
        x32_set(&d, i->imm & 3, (uint32_t)v);
    vec_put(c, i->reg, d);
}

/* imm: 7:6 element of a register source, 5:4 place, 3:0 elements then cleared. */
void op_sse_insertps(struct cpu *c, const struct insn *i)
{
    unsigned imm = (unsigned)i->imm;
    uint32_t v = i->form & FORM_MEM ? (uint32_t)low_load(c, i, 4)
                                    : x32(vec_get(c, i->rm), imm >> 6 & 3);
    struct x128 d = vec_get(c, i->reg);

    x32_set(&d, imm >> 4 & 3, v);
    for (unsigned n = 0; n < 4; n++)
        if (imm >> n & 1)
            x32_set(&d, n, 0);
    vec_put(c, i->reg, d);
}

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
