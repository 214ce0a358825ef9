/* fast.h - the pieces that fast handlers are generated from.
 *
 * A fast handler has at most one memory operand, probed before anything is committed, and
 * no frame: what does not hit the first-level TLB tail-jumps to the general handler. One
 * body per operation; the macros below give it widths and addressing forms.
 *
 * Addressing forms:
 *   B  64-bit, flat: base + disp (RIP-relative too)
 *   X  64-bit, flat: base + (index << scale) + disp
 *   F  32-bit, flat DS, ES, SS: the same, truncated to 32 bits
 *   S  any segment, any address size
 */
#ifndef CPU_FAST_H
#define CPU_FAST_H

#include "cpu/block.h"
#include "cpu/dispatch.h"
#include "cpu/operand.h"
#include "mmu/access.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define FAST(name) static HANDLER(name)

/* The probe of r/m missed; the segment's fast limit refused. */
#define MISS_read(c, i) TAIL(refill_read(c, i))
#define MISS_write(c, i) TAIL(refill_write(c, i))
#define MISS_limit(c, i) TAIL(run_slow(c, i))

static ALWAYS_INLINE u8 get8(const struct cpu *c, u16 o)
{
    return *((const u8 *)c + o);
}
static ALWAYS_INLINE u16 get16(const struct cpu *c, u16 o)
{
    u16 v;
    memcpy(&v, (const u8 *)c + o, 2);
    return v;
}
static ALWAYS_INLINE u32 get32(const struct cpu *c, u16 o)
{
    u32 v;
    memcpy(&v, (const u8 *)c + o, 4);
    return v;
}
static ALWAYS_INLINE u64 get64(const struct cpu *c, u16 o)
{
    u64 v;
    memcpy(&v, (const u8 *)c + o, 8);
    return v;
}
static ALWAYS_INLINE void put8(struct cpu *c, u16 o, u8 v)
{
    *((u8 *)c + o) = v;
}
static ALWAYS_INLINE void put16(struct cpu *c, u16 o, u16 v)
{
    memcpy((u8 *)c + o, &v, 2);
}
/* Offsets of 32-bit registers point at the low half; the write covers all 64 bits. */
static ALWAYS_INLINE void put32(struct cpu *c, u16 o, u32 v)
{
    u64 w = v;
    memcpy((u8 *)c + o - (HOST_BIG_ENDIAN ? 4 : 0), &w, 8);
}
static ALWAYS_INLINE void put64(struct cpu *c, u16 o, u64 v)
{
    memcpy((u8 *)c + o, &v, 8);
}

#define ADDRESS_B(c, i, size, kind, la)                                                  \
    u64 la = get64(c, (i)->rm) + (u64)(s64)(i)->disp
#define ADDRESS_X(c, i, size, kind, la)                                                  \
    u64 la = get64(c, (i)->rm) + (get64(c, (i)->index) << INSN_SCALE(i)) +               \
             (u64)(s64)(i)->disp
#define ADDRESS_F(c, i, size, kind, la)                                                  \
    u64 la = (u32)((u32)get64(c, (i)->rm) +                                              \
                   ((u32)get64(c, (i)->index) << INSN_SCALE(i)) + (u32)(i)->disp)
#define ADDRESS_S(c, i, size, kind, la)                                                  \
    u64 la = ea(c, i);                                                                   \
    do {                                                                                 \
        const struct segment *seg_ = &(c)->seg[INSN_SEG(i)];                             \
        if ((c)->mode & MODE_CODE64) {                                                   \
            la += INSN_SEG(i) >= FS ? seg_->base : 0;                                    \
        } else {                                                                         \
            if (UNLIKELY(la + (size) > seg_->fast_##kind)) /* 0: always */               \
                MISS_limit(c, i);                                                        \
            la = (u32)(la + seg_->base);                                                 \
        }                                                                                \
    } while (0)

/* p: the host address of the operand, or the general handler runs. */
#define PROBE(form, c, i, size, kind, p)                                                 \
    ADDRESS_##form(c, i, size, kind, la_);                                               \
    u8 *p = probe_##kind(&(c)->mmu, la_, size);                                          \
    if (UNLIKELY(!p))                                                                    \
    MISS_##kind(c, i)

#define LOADED_8 load8
#define LOADED_16 load16
#define LOADED_32 load32
#define LOADED_64 load64

/* Flags as the operation leaves them; r and a have its width. */
#define FLAGS_AFTER_ADD(c, w, a, r)                                                      \
    ((c)->lazy.result = (u64)(s64)(s##w)(r), (c)->lazy.aux = (u64)(s64)(s##w)(a),        \
     (c)->lazy.kind = FLAGS_ADD | (64 - (w)))
#define FLAGS_AFTER_SUB(c, w, a, r)                                                      \
    ((c)->lazy.result = (u64)(s64)(s##w)(r), (c)->lazy.aux = (u64)(s64)(s##w)(a),        \
     (c)->lazy.kind = FLAGS_SUB | (64 - (w)))
#define FLAGS_AFTER_LOGIC(c, w, a, r)                                                    \
    ((c)->lazy.result = (u64)(s64)(s##w)(r), (c)->lazy.kind = FLAGS_LOGIC)
#define FLAGS_KEPT(c, w, a, r) ((void)0)

/* CF and OF from `carries`, the other four kept. */
static ALWAYS_INLINE void merge_cf_of(struct cpu *c, u32 carries)
{
    struct lazy_flags *f = &c->lazy;
    u64 kept = f->kind == FLAGS_PLAIN ? f->aux & ~(u64)(FLAG_CF | FLAG_OF)
               : lazy_af(f)           ? FLAG_AF
                                      : 0;
    f->aux = kept | carries;
    f->kind = FLAGS_PLAIN;
}

#define FOR_FORMS(_, ...) _(B, __VA_ARGS__) _(X, __VA_ARGS__) _(F, __VA_ARGS__) _(S, __VA_ARGS__)
enum form { FORM_B, FORM_X, FORM_F, FORM_S, FORMS };

enum width { WIDTH_8, WIDTH_16, WIDTH_32, WIDTH_64, WIDTHS };

/* By cpu/fast_*.c: each says what it has for an instruction, or an empty answer. */
struct fast fast_select_alu(struct insn *i, uint32_t mode);
struct fast fast_select_shift(struct insn *i);
struct fast fast_select_mul(struct insn *i, uint32_t mode);
struct fast fast_select_move(struct insn *i, uint32_t mode);
struct fast fast_select_branch(struct insn *i, uint32_t mode);
struct fast fast_select_sse(const struct insn *i, uint32_t mode);
struct fast fast_select_x87(const struct insn *i, uint32_t mode);

static inline enum width width_of(unsigned bits)
{
    return bits == 8 ? WIDTH_8 : bits == 16 ? WIDTH_16 : bits == 32 ? WIDTH_32 : WIDTH_64;
}

/* Which addressing form a memory operand has in this mode. */
static inline enum form form_of(const struct insn *i, uint32_t mode)
{
    unsigned seg = INSN_SEG(i);
    if ((mode & MODE_CODE64) && INSN_ASIZE(i) == 2 && seg != FS && seg != GS)
        return i->index == CPU_ZERO_OFFSET ? FORM_B : FORM_X;
    if (!(mode & MODE_CODE64) && (mode & MODE_FLAT_DATA) && INSN_ASIZE(i) == 1 &&
        (seg == DS || seg == ES || seg == SS))
        return FORM_F;
    return FORM_S;
}

#endif
