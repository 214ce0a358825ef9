/* flags.h - RFLAGS, and how its six arithmetic flags are kept.
 *
 * An instruction that sets all six stores three words and computes nothing more:
 *
 *   flag_result  the result, sign-extended to 64 bits: gives ZF, SF, PF
 *   flag_aux     what the rest is computed from: by kind
 *   flag_kind    FLAGS_ADD | shift, FLAGS_SUB | shift: flag_aux is the first operand,
 *                sign-extended (shift is 64 - width);
 *                FLAGS_LOGIC: CF = OF = AF = 0;
 *                FLAGS_PLAIN: flag_aux holds CF, AF and OF at their places in EFLAGS,
 *                and, at the places of PF and SF, 1 where those differ from what
 *                flag_result says. So all 64 combinations can stand.
 */
#ifndef CPU_FLAGS_H
#define CPU_FLAGS_H

#include "base/types.h"

enum {
    FLAG_CF = 1 << 0,
    FLAG_PF = 1 << 2,
    FLAG_AF = 1 << 4,
    FLAG_ZF = 1 << 6,
    FLAG_SF = 1 << 7,
    FLAG_TF = 1 << 8,
    FLAG_IF = 1 << 9,
    FLAG_DF = 1 << 10,
    FLAG_OF = 1 << 11,
    FLAG_IOPL = 3 << 12,
    FLAG_NT = 1 << 14,
    FLAG_RF = 1 << 16,
    FLAG_VM = 1 << 17,
    FLAG_AC = 1 << 18,
    FLAG_VIF = 1 << 19,
    FLAG_VIP = 1 << 20,
    FLAG_ID = 1 << 21,
    FLAGS_ARITH = FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF,
};

enum { FLAGS_PLAIN = 0, FLAGS_LOGIC = 0x100, FLAGS_ADD = 0x200, FLAGS_SUB = 0x400 };

/* The three words, as they stand inside struct cpu. */
struct lazy_flags {
    uint64_t result;
    uint64_t aux;
    uint32_t kind;
};

static ALWAYS_INLINE bool lazy_zf(const struct lazy_flags *f)
{
    return f->result == 0;
}

static ALWAYS_INLINE bool lazy_cf(const struct lazy_flags *f)
{
    /* Sign extension keeps the unsigned order, so no width is needed. */
    if (f->kind & FLAGS_SUB)
        return f->result > f->aux;
    if (f->kind & FLAGS_ADD)
        return f->result < f->aux;
    return f->kind == FLAGS_PLAIN && (f->aux & FLAG_CF);
}

static ALWAYS_INLINE bool lazy_sf(const struct lazy_flags *f)
{
    bool negative = (int64_t)f->result < 0;
    if (f->kind == FLAGS_PLAIN)
        return negative ^ ((f->aux & FLAG_SF) != 0);
    return negative;
}

static ALWAYS_INLINE bool lazy_of(const struct lazy_flags *f)
{
    unsigned shift = f->kind & 63;
    if (f->kind & FLAGS_SUB) {
        uint64_t b = f->aux - f->result;
        return ((f->aux ^ b) & (f->aux ^ f->result)) << shift >> 63;
    }
    if (f->kind & FLAGS_ADD) {
        uint64_t b = f->result - f->aux;
        return ((f->aux ^ f->result) & (b ^ f->result)) << shift >> 63;
    }
    return f->kind == FLAGS_PLAIN && (f->aux & FLAG_OF);
}

static ALWAYS_INLINE bool lazy_pf(const struct lazy_flags *f)
{
    unsigned b = f->result & 0xff;
    bool even;
    b ^= b >> 4;
    even = !(0x6996 >> (b & 15) & 1);
    if (f->kind == FLAGS_PLAIN)
        return even ^ ((f->aux & FLAG_PF) != 0);
    return even;
}

static ALWAYS_INLINE bool lazy_af(const struct lazy_flags *f)
{
    if (f->kind & FLAGS_SUB)
        return (f->aux ^ (f->aux - f->result) ^ f->result) & 0x10;
    if (f->kind & FLAGS_ADD)
        return (f->aux ^ (f->result - f->aux) ^ f->result) & 0x10;
    return f->kind == FLAGS_PLAIN && (f->aux & FLAG_AF);
}

/* Condition code 0 to 15 of Jcc, SETcc, CMOVcc (SDM vol 1 B.1). */
static ALWAYS_INLINE bool lazy_cond(const struct lazy_flags *f, unsigned cc)
{
    bool yes;
    switch (cc >> 1) {
    case 0: yes = lazy_of(f); break;
    case 1: yes = lazy_cf(f); break;
    case 2: yes = lazy_zf(f); break;
    case 3: yes = (unsigned)lazy_cf(f) | lazy_zf(f); break; /* no branch: not || */
    case 4: yes = lazy_sf(f); break;
    case 5: yes = lazy_pf(f); break;
    case 6: yes = lazy_sf(f) != lazy_of(f); break;
    default: yes = (unsigned)lazy_zf(f) | (lazy_sf(f) != lazy_of(f)); break;
    }
    return yes ^ (cc & 1);
}

/* The six flags at their places in EFLAGS. */
static inline uint32_t lazy_get(const struct lazy_flags *f)
{
    return (lazy_cf(f) ? FLAG_CF : 0u) | (lazy_pf(f) ? FLAG_PF : 0u) |
           (lazy_af(f) ? FLAG_AF : 0u) | (lazy_zf(f) ? FLAG_ZF : 0u) |
           (lazy_sf(f) ? FLAG_SF : 0u) | (lazy_of(f) ? FLAG_OF : 0u);
}

/* Sets all six from their places in EFLAGS. */
static inline void lazy_put(struct lazy_flags *f, uint32_t flags)
{
    /* Result 0: ZF, PF set, SF clear. Result 1: ZF, PF, SF clear. */
    f->result = flags & FLAG_ZF ? 0 : 1;
    f->aux = flags & (FLAG_CF | FLAG_AF | FLAG_OF | FLAG_SF | FLAG_PF);
    if (flags & FLAG_ZF)
        f->aux ^= FLAG_PF;
    f->kind = FLAGS_PLAIN;
}

static ALWAYS_INLINE uint64_t sign_extend(uint64_t v, unsigned bits)
{
    return (uint64_t)((int64_t)(v << (64 - bits)) >> (64 - bits));
}

/* r = a + b, r = a - b (and CMP, NEG), r = a & b and the like; bits 8, 16, 32, 64. */
static ALWAYS_INLINE void lazy_add(struct lazy_flags *f, unsigned bits, uint64_t a,
                                   uint64_t r)
{
    f->result = sign_extend(r, bits);
    f->aux = sign_extend(a, bits);
    f->kind = FLAGS_ADD | (64 - bits);
}

static ALWAYS_INLINE void lazy_sub(struct lazy_flags *f, unsigned bits, uint64_t a,
                                   uint64_t r)
{
    f->result = sign_extend(r, bits);
    f->aux = sign_extend(a, bits);
    f->kind = FLAGS_SUB | (64 - bits);
}

static ALWAYS_INLINE void lazy_logic(struct lazy_flags *f, unsigned bits, uint64_t r)
{
    f->result = sign_extend(r, bits);
    f->kind = FLAGS_LOGIC;
}

/* ZF, SF, PF from r; CF, AF, OF given at their places in EFLAGS. */
static ALWAYS_INLINE void lazy_result(struct lazy_flags *f, unsigned bits, uint64_t r,
                                      uint32_t cf_af_of)
{
    f->result = sign_extend(r, bits);
    f->aux = cf_af_of;
    f->kind = FLAGS_PLAIN;
}

#endif
