/* simd.h - how MMX and SSE handlers reach their operands, MXCSR and exceptions.
 *
 * A legacy SSE instruction reads and writes the low 128 bits of a vector register and
 * leaves the rest alone (SDM vol 1 14.1). Its operands travel as struct x128, by value.
 * Everything that can raise comes before the first register is written.
 */
#ifndef CPU_SIMD_H
#define CPU_SIMD_H

#include "cpu/isa.h"
#include "cpu/lanes.h"
#include "cpu/operand.h"
#include "cpu/softfloat.h"
#include "cpu/x87.h"

/* Every handler of the three chapters. */
#define INSN(enc, mnemonic, handler, operands, feature, flags, traits)                 \
    general_fn op_##handler;
#include "cpu/isa_mmx.def"
#include "cpu/isa_sse.def"
#include "cpu/isa_avx.def"
#include "cpu/isa_opmask.def"
#include "cpu/isa_evex.def"
#undef INSN

/* 128 bits; q[0] holds the low half, as a host number. */
struct x128 {
    uint64_t q[2];
};

static ALWAYS_INLINE uint32_t x32(struct x128 x, unsigned n)
{
    return (uint32_t)(x.q[n / 2] >> n % 2 * 32);
}

static ALWAYS_INLINE uint16_t x16(struct x128 x, unsigned n)
{
    return (uint16_t)(x.q[n / 4] >> n % 4 * 16);
}

static ALWAYS_INLINE uint8_t x8(struct x128 x, unsigned n)
{
    return (uint8_t)(x.q[n / 8] >> n % 8 * 8);
}

static ALWAYS_INLINE void x32_set(struct x128 *x, unsigned n, uint32_t v)
{
    unsigned s = n % 2 * 32;
    x->q[n / 2] = (x->q[n / 2] & ~(0xffffffffull << s)) | (uint64_t)v << s;
}

static ALWAYS_INLINE void x16_set(struct x128 *x, unsigned n, uint16_t v)
{
    unsigned s = n % 4 * 16;
    x->q[n / 4] = (x->q[n / 4] & ~(0xffffull << s)) | (uint64_t)v << s;
}

static ALWAYS_INLINE void x8_set(struct x128 *x, unsigned n, uint8_t v)
{
    unsigned s = n % 8 * 8;
    x->q[n / 8] = (x->q[n / 8] & ~(0xffull << s)) | (uint64_t)v << s;
}

static ALWAYS_INLINE struct x128 x128(uint64_t low, uint64_t high)
{
    return (struct x128){{low, high}};
}

static ALWAYS_INLINE uint64_t two32(uint32_t low, uint32_t high)
{
    return low | (uint64_t)high << 32;
}

/* The whole 128 bits moved by n bytes; zeros follow, 16 and more leave nothing. */
static ALWAYS_INLINE struct x128 bytes_down(struct x128 a, unsigned n)
{
    unsigned s = n % 8 * 8;
    uint64_t high = n < 8 ? a.q[1] : 0, low = n < 8 ? a.q[0] : n < 16 ? a.q[1] : 0;
    return x128(s ? low >> s | high << (64 - s) : low, high >> s);
}

static ALWAYS_INLINE struct x128 bytes_up(struct x128 a, unsigned n)
{
    unsigned s = n % 8 * 8;
    uint64_t low = n < 8 ? a.q[0] : 0, high = n < 8 ? a.q[1] : n < 16 ? a.q[0] : 0;
    return x128(low << s, s ? high << s | low >> (64 - s) : high);
}

/* ---- operands ---- */

static ALWAYS_INLINE struct vec *vec_at(struct cpu *c, uint16_t offset)
{
    return (struct vec *)(void *)((uint8_t *)c + offset);
}

static ALWAYS_INLINE struct x128 vec_get(struct cpu *c, uint16_t offset)
{
    const struct vec *v = vec_at(c, offset);
    return x128(v->q[0], v->q[1]);
}

static ALWAYS_INLINE void vec_put(struct cpu *c, uint16_t offset, struct x128 x)
{
    struct vec *v = vec_at(c, offset);
    v->q[0] = x.q[0];
    v->q[1] = x.q[1];
}

/* The low 32 bits of a register, the others kept. */
static ALWAYS_INLINE void low32_set(struct vec *v, uint32_t x)
{
    v->q[0] = (v->q[0] & ~0xffffffffull) | x;
}

/* The 16 bytes of the memory operand, put into room; returns room. They must be aligned
 * if the row says T_ALIGN16. */
const uint64_t *vec_read(struct cpu *c, const struct insn *i, uint64_t room[2]);

/* Stores 16 bytes to the memory operand; alignment as above. */
void vec_write(struct cpu *c, const struct insn *i, const uint64_t from[2]);

/* #GP for an operand of `size` bytes at `offset` that is not aligned, if the row says
 * T_ALIGN16; the checks of its segment. */
void check_alignment(struct cpu *c, const struct insn *i, uint64_t offset, unsigned size,
                     enum access_kind kind);

/* The same for 16, 32 or 64 bytes of a wider vector. */
void wide_read(struct cpu *c, const struct insn *i, uint64_t *q, unsigned size);
void wide_write(struct cpu *c, const struct insn *i, const uint64_t *from, unsigned size);

/* r/m, all 128 bits. */
static ALWAYS_INLINE struct x128 vec_load(struct cpu *c, const struct insn *i)
{
    uint64_t room[2];
    const uint64_t *q =
        i->form & FORM_MEM ? vec_read(c, i, room) : vec_at(c, i->rm)->q;
    return x128(q[0], q[1]);
}

/* r/m: the register's low 64 bits, or size bytes of memory (2, 4 or 8) at any
 * alignment. */
static ALWAYS_INLINE uint64_t low_load(struct cpu *c, const struct insn *i,
                                       unsigned size)
{
    return i->form & FORM_MEM ? mem_load(c, INSN_SEG(i), ea(c, i), size)
                              : vec_at(c, i->rm)->q[0];
}

/* The first thing each MMX instruction does: #MF for a pending x87 error. */
static ALWAYS_INLINE void mmx_wait(struct cpu *c)
{
    if (UNLIKELY(c->fsw & FSW_ES))
        x87_wait(c);
}

/* r/m as an MMX register (then whole), or size bytes of memory. */
static ALWAYS_INLINE uint64_t mmx_load(struct cpu *c, const struct insn *i,
                                       unsigned size)
{
    return i->form & FORM_MEM ? mem_load(c, INSN_SEG(i), ea(c, i), size)
                              : mmx_get(c, i->rm);
}

/* r/m as a general register of 32 bits, or size bytes of memory. */
static ALWAYS_INLINE uint32_t narrow_load(struct cpu *c, const struct insn *i,
                                          unsigned size)
{
    return (uint32_t)(i->form & FORM_MEM ? mem_load(c, INSN_SEG(i), ea(c, i), size)
                                         : reg_get(c, i->rm, 32));
}

/* Bits of the operand Ey or Gy. */
static ALWAYS_INLINE unsigned y_bits(const struct insn *i)
{
    return i->form & FORM_W ? 64 : 32;
}

/* MASKMOVQ and MASKMOVDQU: the bytes of x whose mask byte has its top bit set, to
 * DS:rDI. A byte not selected is neither written nor checked beyond the first and the
 * last selected one; an empty mask touches nothing (SDM vol 2, MASKMOVDQU leaves both
 * to the implementation). */
void mask_store(struct cpu *c, const struct insn *i, struct x128 x, struct x128 mask,
                unsigned bytes);

/* ---- floating point ---- */

enum { MXCSR_FLAGS = 0x3f, MXCSR_DAZ = 1 << 6, MXCSR_FTZ = 1 << 15 };

/* An initialiser for struct fp_env: as MXCSR says, no flag raised. (A function that
 * returns it makes gcc 12 copy it by other widths than it was stored with, which
 * stalls.) */
#define SSE_ENV(c)                                                                     \
    {                                                                                  \
        .rounding = (uint8_t)((c)->mxcsr >> 13 & 3),                                   \
        .daz = ((c)->mxcsr & MXCSR_DAZ) != 0,                                          \
        .ftz = ((c)->mxcsr & MXCSR_FTZ) != 0,                                          \
        .masks = (uint8_t)((c)->mxcsr >> 7 & MXCSR_FLAGS),                             \
    }

/* Merges flags into MXCSR and raises #XM, or #UD without CR4.OSXMMEXCPT. */
_Noreturn void sse_unmasked(struct cpu *c, unsigned flags);

/* Ends the computation: flags into MXCSR; does not return if one of them is unmasked.
 * To be called once all elements are computed and before a result is written. */
static ALWAYS_INLINE void sse_done(struct cpu *c, const struct fp_env *e)
{
    unsigned flags = e->flags & MXCSR_FLAGS;
    if (UNLIKELY(flags & ~e->masks))
        sse_unmasked(c, flags);
    c->mxcsr |= flags;
}

#endif
