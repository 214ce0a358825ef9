/* fast_shift.c - fast handlers of shifts and rotates of 32- and 64-bit registers.
 *
 * Flags that the manual leaves undefined are those of the general handlers (op_shift.c).
 */
#include "cpu/fast.h"
#include "cpu/isa.h"

/* By an immediate count of 1 to w - 1: flags are defined by the count alone (OF as the
 * general handlers give it: for every count as for 1, which is what CPUs do). */
#define SHIFTS(w)                                                                        \
    FAST(shl##w##_i)                                                                     \
    {                                                                                    \
        u##w a = get##w(c, i->rm);                                                       \
        unsigned n = (unsigned)i->imm;                                                   \
        u##w r = (u##w)(a << n);                                                         \
        u32 cf = (u32)(a >> (w - n)) & 1;                                                \
        put##w(c, i->rm, r);                                                             \
        c->lazy.result = (u64)(s64)(s##w)r;                                              \
        c->lazy.aux = FLAG_AF | cf | ((cf ^ (u32)(r >> (w - 1))) << 11);                         \
        c->lazy.kind = FLAGS_PLAIN;                                                      \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(shl##w##_i_quiet)                                                               \
    {                                                                                    \
        put##w(c, i->rm, (u##w)(get##w(c, i->rm) << (i->imm & (w - 1))));                \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(shr##w##_i)                                                                     \
    {                                                                                    \
        u##w a = get##w(c, i->rm);                                                       \
        unsigned n = (unsigned)i->imm;                                                   \
        u##w r = a >> n;                                                                 \
        u32 cf = (u32)(a >> (n - 1)) & 1;                                                \
        u32 of = ((u32)(r >> (w - 1)) ^ (u32)(r >> (w - 2))) & 1;                        \
        put##w(c, i->rm, r);                                                             \
        c->lazy.result = (u64)(s64)(s##w)r;                                              \
        c->lazy.aux = FLAG_AF | cf | of << 11;                                                   \
        c->lazy.kind = FLAGS_PLAIN;                                                      \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(shr##w##_i_quiet)                                                               \
    {                                                                                    \
        put##w(c, i->rm, get##w(c, i->rm) >> (i->imm & (w - 1)));                        \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(sar##w##_i)                                                                     \
    {                                                                                    \
        s##w a = (s##w)get##w(c, i->rm);                                                 \
        unsigned n = (unsigned)i->imm;                                                   \
        s##w r = a >> n;                                                                 \
        put##w(c, i->rm, (u##w)r);                                                       \
        c->lazy.result = (u64)(s64)r;                                                    \
        c->lazy.aux = FLAG_AF | ((u32)(a >> (n - 1)) & 1);                                          \
        c->lazy.kind = FLAGS_PLAIN;                                                      \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(sar##w##_i_quiet)                                                               \
    {                                                                                    \
        put##w(c, i->rm, (u##w)((s##w)get##w(c, i->rm) >> (i->imm & (w - 1))));          \
        NEXT(c, i);                                                                      \
    }
SHIFTS(32)
SHIFTS(64)

/* By CL: a masked count of 0 changes no flag, so the flags before it stay alive. */
#define SHIFTS_BY_CL(w)                                                                  \
    FAST(shl##w##_cl)                                                                    \
    {                                                                                    \
        u##w a = get##w(c, i->rm);                                                       \
        unsigned n = (unsigned)c->gpr[RCX] & (w - 1);                                    \
        u##w r = (u##w)(a << n);                                                         \
        put##w(c, i->rm, r);                                                             \
        if (LIKELY(n)) {                                                                 \
            u32 cf = (u32)(a >> (w - n)) & 1;                                            \
            c->lazy.result = (u64)(s64)(s##w)r;                                          \
            c->lazy.aux = FLAG_AF | cf | ((cf ^ (u32)(r >> (w - 1))) << 11);             \
            c->lazy.kind = FLAGS_PLAIN;                                                  \
        }                                                                                \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(shl##w##_cl_quiet)                                                              \
    {                                                                                    \
        put##w(c, i->rm, (u##w)(get##w(c, i->rm) << (c->gpr[RCX] & (w - 1))));           \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(shr##w##_cl)                                                                    \
    {                                                                                    \
        u##w a = get##w(c, i->rm);                                                       \
        unsigned n = (unsigned)c->gpr[RCX] & (w - 1);                                    \
        u##w r = a >> n;                                                                 \
        put##w(c, i->rm, r);                                                             \
        if (LIKELY(n)) {                                                                 \
            u32 cf = (u32)(a >> (n - 1)) & 1;                                            \
            u32 of = ((u32)(r >> (w - 1)) ^ (u32)(r >> (w - 2))) & 1;                    \
            c->lazy.result = (u64)(s64)(s##w)r;                                          \
            c->lazy.aux = FLAG_AF | cf | of << 11;                                       \
            c->lazy.kind = FLAGS_PLAIN;                                                  \
        }                                                                                \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(shr##w##_cl_quiet)                                                              \
    {                                                                                    \
        put##w(c, i->rm, get##w(c, i->rm) >> (c->gpr[RCX] & (w - 1)));                   \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(sar##w##_cl)                                                                    \
    {                                                                                    \
        s##w a = (s##w)get##w(c, i->rm);                                                 \
        unsigned n = (unsigned)c->gpr[RCX] & (w - 1);                                    \
        s##w r = a >> n;                                                                 \
        put##w(c, i->rm, (u##w)r);                                                       \
        if (LIKELY(n)) {                                                                 \
            c->lazy.result = (u64)(s64)r;                                                \
            c->lazy.aux = FLAG_AF | ((u32)(a >> (n - 1)) & 1);                           \
            c->lazy.kind = FLAGS_PLAIN;                                                  \
        }                                                                                \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(sar##w##_cl_quiet)                                                              \
    {                                                                                    \
        put##w(c, i->rm, (u##w)((s##w)get##w(c, i->rm) >> (c->gpr[RCX] & (w - 1))));     \
        NEXT(c, i);                                                                      \
    }
SHIFTS_BY_CL(32)
SHIFTS_BY_CL(64)

/* Rotates by an immediate of 1 to w - 1 set CF and OF alone. */
#define ROTATES(w)                                                                       \
    FAST(rol##w##_i)                                                                     \
    {                                                                                    \
        u##w a = get##w(c, i->rm);                                                       \
        unsigned n = (unsigned)i->imm & (w - 1);                                         \
        u##w r = (u##w)(a << n | a >> (w - n));                                          \
        u32 cf = (u32)r & 1;                                                             \
        put##w(c, i->rm, r);                                                             \
        merge_cf_of(c, cf | ((cf ^ (u32)(r >> (w - 1))) << 11));                         \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(rol##w##_i_quiet)                                                               \
    {                                                                                    \
        u##w a = get##w(c, i->rm);                                                       \
        unsigned n = (unsigned)i->imm & (w - 1);                                         \
        put##w(c, i->rm, (u##w)(a << n | a >> (w - n)));                                 \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(ror##w##_i)                                                                     \
    {                                                                                    \
        u##w a = get##w(c, i->rm);                                                       \
        unsigned n = (unsigned)i->imm & (w - 1);                                         \
        u##w r = (u##w)(a >> n | a << (w - n));                                          \
        u32 cf = (u32)(r >> (w - 1)), next = (u32)(r >> (w - 2)) & 1;                    \
        put##w(c, i->rm, r);                                                             \
        merge_cf_of(c, cf | (cf ^ next) << 11);                                          \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(ror##w##_i_quiet)                                                               \
    {                                                                                    \
        u##w a = get##w(c, i->rm);                                                       \
        unsigned n = (unsigned)i->imm & (w - 1);                                         \
        put##w(c, i->rm, (u##w)(a >> n | a << (w - n)));                                 \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(shld##w##_i)                                                                    \
    {                                                                                    \
        u##w a = get##w(c, i->rm), b = get##w(c, i->reg);                                \
        unsigned n = (unsigned)i->imm & (w - 1);                                         \
        u##w r = (u##w)(a << n | b >> (w - n));                                          \
        u32 cf = (u32)(a >> (w - n)) & 1;                                                \
        put##w(c, i->rm, r);                                                             \
        c->lazy.result = (u64)(s64)(s##w)r;                                              \
        c->lazy.aux = FLAG_AF | cf | (cf ^ (u32)(r >> (w - 1))) << 11;                   \
        c->lazy.kind = FLAGS_PLAIN;                                                      \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(shld##w##_i_quiet)                                                              \
    {                                                                                    \
        u##w a = get##w(c, i->rm), b = get##w(c, i->reg);                                \
        unsigned n = (unsigned)i->imm & (w - 1);                                         \
        put##w(c, i->rm, (u##w)(a << n | b >> (w - n)));                                 \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(shrd##w##_i)                                                                    \
    {                                                                                    \
        u##w a = get##w(c, i->rm), b = get##w(c, i->reg);                                \
        unsigned n = (unsigned)i->imm & (w - 1);                                         \
        u##w r = (u##w)(a >> n | b << (w - n));                                          \
        u32 cf = (u32)(a >> (n - 1)) & 1;                                                \
        u32 of = ((u32)(r >> (w - 1)) ^ (u32)(r >> (w - 2))) & 1;                        \
        put##w(c, i->rm, r);                                                             \
        c->lazy.result = (u64)(s64)(s##w)r;                                              \
        c->lazy.aux = FLAG_AF | cf | of << 11;                                           \
        c->lazy.kind = FLAGS_PLAIN;                                                      \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(shrd##w##_i_quiet)                                                              \
    {                                                                                    \
        u##w a = get##w(c, i->rm), b = get##w(c, i->reg);                                \
        unsigned n = (unsigned)i->imm & (w - 1);                                         \
        put##w(c, i->rm, (u##w)(a >> n | b << (w - n)));                                 \
        NEXT(c, i);                                                                      \
    }
ROTATES(32)
ROTATES(64)

/* ---- choosing ---- */

extern general_fn op_shl, op_shr, op_sar, op_rol, op_ror, op_shld_imm, op_shrd_imm;

static const struct {
    general_fn *general;
    insn_fn *by_imm[2], *by_imm_quiet[2]; /* 32, 64 bits */
    insn_fn *by_cl[2], *by_cl_quiet[2];
    uint8_t effect;                       /* by an immediate */
} shift[] = {
    {op_shl, {shl32_i, shl64_i}, {shl32_i_quiet, shl64_i_quiet}, {shl32_cl, shl64_cl},
     {shl32_cl_quiet, shl64_cl_quiet}, EFFECT_WRITES},
    {op_shr, {shr32_i, shr64_i}, {shr32_i_quiet, shr64_i_quiet}, {shr32_cl, shr64_cl},
     {shr32_cl_quiet, shr64_cl_quiet}, EFFECT_WRITES},
    {op_sar, {sar32_i, sar64_i}, {sar32_i_quiet, sar64_i_quiet}, {sar32_cl, sar64_cl},
     {sar32_cl_quiet, sar64_cl_quiet}, EFFECT_WRITES},
    {op_rol, {rol32_i, rol64_i}, {rol32_i_quiet, rol64_i_quiet}, {0}, {0}, EFFECT_MERGES},
    {op_ror, {ror32_i, ror64_i}, {ror32_i_quiet, ror64_i_quiet}, {0}, {0}, EFFECT_MERGES},
    {op_shld_imm, {shld32_i, shld64_i}, {shld32_i_quiet, shld64_i_quiet}, {0}, {0},
     EFFECT_WRITES},
    {op_shrd_imm, {shrd32_i, shrd64_i}, {shrd32_i_quiet, shrd64_i_quiet}, {0}, {0},
     EFFECT_WRITES},
};

struct fast fast_select_shift(struct insn *i)
{
    general_fn *g = isa_general[i->row];
    unsigned wide = i->bits == 64;

    if ((i->form & FORM_MEM) || i->bits < 32)
        return (struct fast){0};
    for (unsigned n = 0; n < ARRAY_SIZE(shift); n++) {
        bool imm = (i->form & FORM_IMM) || g == op_shld_imm || g == op_shrd_imm;
        if (g != shift[n].general)
            continue;
        if (!imm)
            return (struct fast){shift[n].by_cl[wide], shift[n].by_cl_quiet[wide],
                                 EFFECT_MERGES, 1, false};
        if (!(i->imm & (i->bits - 1))) /* no shift, no flags: rare */
            break;
        i->imm &= i->bits - 1;
        return (struct fast){shift[n].by_imm[wide], shift[n].by_imm_quiet[wide],
                             shift[n].effect, 1, false};
    }
    return (struct fast){0};
}
