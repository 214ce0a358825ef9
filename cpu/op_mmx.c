/* op_mmx.c - MMX on the registers MM0 to MM7, which are the x87 significands.
 *
 * i->reg and a register i->rm hold numbers, not offsets. A pending x87 error is raised
 * before anything else is looked at (mmx_wait). Every instruction but EMMS marks
 * all x87 registers valid and makes TOP 0 (SDM vol 3A 12.2), once nothing can raise any
 * more: also those that write no MMX register (MOVD r/m, mm; PMOVMSKB).
 */
#include "cpu/simd.h"

static ALWAYS_INLINE void commit(struct cpu *c, unsigned n, uint64_t v)
{
    mmx_enter(c);
    mmx_set(c, n, v);
}

/* ---- moves ---- */

void op_mmx_movd_load(struct cpu *c, const struct insn *i)
{
    mmx_wait(c);
    commit(c, i->reg, rm_get(c, i, y_bits(i)));
}

void op_mmx_movd_store(struct cpu *c, const struct insn *i)
{
    mmx_wait(c);
    rm_set(c, i, y_bits(i), mmx_get(c, i->reg));
    mmx_enter(c);
}

void op_mmx_movq_load(struct cpu *c, const struct insn *i)
{
    mmx_wait(c);
    commit(c, i->reg, mmx_load(c, i, 8));
}

void op_mmx_movq_store(struct cpu *c, const struct insn *i)
{
    uint64_t v = mmx_get(c, i->reg);
    mmx_wait(c);
    if (i->form & FORM_MEM) {
        mem_store(c, INSN_SEG(i), ea(c, i), 8, v);
        mmx_enter(c);
    } else {
        commit(c, i->rm, v);
    }
}

void op_mmx_maskmovq(struct cpu *c, const struct insn *i)
{
    mmx_wait(c);
    mask_store(c, i, x128(mmx_get(c, i->reg), 0), x128(mmx_get(c, i->rm), 0), 8);
    mmx_enter(c);
}

void op_mmx_pinsrw(struct cpu *c, const struct insn *i)
{
    unsigned n = i->imm & 3;
    uint64_t rest = mmx_get(c, i->reg) & ~lane_put(16, n, 0xffff);
    uint32_t v;

    mmx_wait(c);
    v = narrow_load(c, i, 2);
    commit(c, i->reg, rest | lane_put(16, n, v));
}

void op_mmx_pextrw(struct cpu *c, const struct insn *i)
{
    mmx_wait(c);
    reg_set(c, i->reg, 32, lane_get(16, mmx_get(c, i->rm), i->imm & 3));
    mmx_enter(c);
}

void op_mmx_pmovmskb(struct cpu *c, const struct insn *i)
{
    mmx_wait(c);
    reg_set(c, i->reg, 32, lanes_signs(mmx_get(c, i->rm)));
    mmx_enter(c);
}

/* EMMS empties all x87 registers; like every MMX instruction it sets TOP to 0. Intel SDM
 * vol 3A 12.2. */
void op_mmx_emms(struct cpu *c, const struct insn *i)
{
    (void)i;
    mmx_wait(c);
    mmx_enter(c);
    c->ftw = 0xff;
}

/* ---- from both operands ---- */

/* MMX(name, bytes of a memory source, expression of a and b, first and second operand)
 */
#define MMX(name, size, expr)                                                          \
    void op_mmx_##name(struct cpu *c, const struct insn *i)                            \
    {                                                                                  \
        uint64_t a = mmx_get(c, i->reg), b;                                            \
        mmx_wait(c);                                                                   \
        b = mmx_load(c, i, size);                                                      \
        commit(c, i->reg, expr);                                                       \
    }
#define MMX_LANES(name) MMX(name, 8, lane_##name(a, b))

MMX_LANES(paddb)
MMX_LANES(paddw)
MMX_LANES(paddd)
MMX_LANES(paddq)
MMX_LANES(psubb)
MMX_LANES(psubw)
MMX_LANES(psubd)
MMX_LANES(psubq)
MMX_LANES(paddsb)
MMX_LANES(paddsw)
MMX_LANES(paddusb)
MMX_LANES(paddusw)
MMX_LANES(psubsb)
MMX_LANES(psubsw)
MMX_LANES(psubusb)
MMX_LANES(psubusw)
MMX_LANES(pavgb)
MMX_LANES(pavgw)
MMX_LANES(pcmpeqb)
MMX_LANES(pcmpeqw)
MMX_LANES(pcmpeqd)
MMX_LANES(pcmpgtb)
MMX_LANES(pcmpgtw)
MMX_LANES(pcmpgtd)
MMX_LANES(pminub)
MMX_LANES(pmaxub)
MMX_LANES(pminsw)
MMX_LANES(pmaxsw)
MMX_LANES(pand)
MMX_LANES(pandn)
MMX_LANES(por)
MMX_LANES(pxor)
MMX_LANES(pmullw)
MMX_LANES(pmulhw)
MMX_LANES(pmulhuw)
MMX_LANES(pmuludq)
MMX_LANES(pmaddwd)
MMX_LANES(psadbw)
MMX_LANES(pmaddubsw)
MMX_LANES(psignb)
MMX_LANES(psignw)
MMX_LANES(psignd)
MMX_LANES(pmulhrsw)
MMX_LANES(pabsb)
MMX_LANES(pabsw)
MMX_LANES(pabsd)

/* The low forms read only 32 bits of memory (SDM vol 2, PUNPCKLBW). */
MMX(punpcklbw, 4, lanes_interleave(8, (uint32_t)a, (uint32_t)b))
MMX(punpcklwd, 4, lanes_interleave(16, (uint32_t)a, (uint32_t)b))
MMX(punpckldq, 4, two32((uint32_t)a, (uint32_t)b))
MMX(punpckhbw, 8, lanes_interleave(8, (uint32_t)(a >> 32), (uint32_t)(b >> 32)))
MMX(punpckhwd, 8, lanes_interleave(16, (uint32_t)(a >> 32), (uint32_t)(b >> 32)))
MMX(punpckhdq, 8, two32((uint32_t)(a >> 32), (uint32_t)(b >> 32)))
MMX(packsswb, 8, two32(lanes_pack(16, a, -128, 127), lanes_pack(16, b, -128, 127)))
MMX(packuswb, 8, two32(lanes_pack(16, a, 0, 255), lanes_pack(16, b, 0, 255)))
MMX(packssdw, 8,
    two32(lanes_pack(32, a, -32768, 32767), lanes_pack(32, b, -32768, 32767)))
MMX(phaddw, 8, two32(lanes_pairs_add(16, a), lanes_pairs_add(16, b)))
MMX(phaddd, 8, two32(lanes_pairs_add(32, a), lanes_pairs_add(32, b)))
MMX(phaddsw, 8, two32(lanes_pairs_add_signed(a), lanes_pairs_add_signed(b)))
MMX(phsubw, 8, two32(lanes_pairs_sub(16, a), lanes_pairs_sub(16, b)))
MMX(phsubd, 8, two32(lanes_pairs_sub(32, a), lanes_pairs_sub(32, b)))
MMX(phsubsw, 8, two32(lanes_pairs_sub_signed(a), lanes_pairs_sub_signed(b)))

void op_mmx_pshufb(struct cpu *c, const struct insn *i)
{
    uint64_t a = mmx_get(c, i->reg), b;
    struct shuffle_table t = shuffle_table(&a, 8);

    mmx_wait(c);
    b = mmx_load(c, i, 8);
    commit(c, i->reg, lanes_shuffle(&t, b));
}

void op_mmx_pshufw(struct cpu *c, const struct insn *i)
{
    uint64_t b, r = 0;
    mmx_wait(c);
    b = mmx_load(c, i, 8);
    for (unsigned n = 0; n < 4; n++)
        r |= lane_put(16, n, lane_get(16, b, (unsigned)i->imm >> 2 * n & 3));
    commit(c, i->reg, r);
}

/* The first operand stands above the second; bytes come from imm upwards, then zeros.
 */
void op_mmx_palignr(struct cpu *c, const struct insn *i)
{
    uint64_t a = mmx_get(c, i->reg), b, r;
    unsigned n = (unsigned)i->imm & 0xff;

    mmx_wait(c);
    b = mmx_load(c, i, 8);
    if (n == 0)
        r = b;
    else if (n < 8)
        r = b >> 8 * n | a << (64 - 8 * n);
    else
        r = n < 16 ? a >> 8 * (n - 8) : 0;
    commit(c, i->reg, r);
}

/* ---- shifts: a count of the lane's width or more clears, or fills with the sign ----
 */

#define MMX_SHIFT(name, w, how, beyond)                                                \
    static ALWAYS_INLINE uint64_t name(uint64_t a, uint64_t n)                         \
    {                                                                                  \
        return n < w ? lanes_##how(w, a, (unsigned)n) : beyond;                        \
    }                                                                                  \
    MMX(name, 8, name(a, b))                                                           \
    void op_mmx_##name##_imm(struct cpu *c, const struct insn *i)                      \
    {                                                                                  \
        mmx_wait(c);                                                                   \
        commit(c, i->rm, name(mmx_get(c, i->rm), (unsigned)i->imm & 0xff));            \
    }

MMX_SHIFT(psrlw, 16, shr, 0)
MMX_SHIFT(psrld, 32, shr, 0)
MMX_SHIFT(psrlq, 64, shr, 0)
MMX_SHIFT(psllw, 16, shl, 0)
MMX_SHIFT(pslld, 32, shl, 0)
MMX_SHIFT(psllq, 64, shl, 0)
MMX_SHIFT(psraw, 16, sar, lanes_sar(16, a, 15))
MMX_SHIFT(psrad, 32, sar, lanes_sar(32, a, 31))
