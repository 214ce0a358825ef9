/* fast_x87.c - fast handlers of the x87: loads, stores, exchanges, comparisons, and sums
 * and products of normal numbers.
 *
 * The arithmetic is cpu/softfloat80.c's for the case that all is normal: rounding to
 * nearest, to 64 or 53 bits, precision masked, so that inexact and C1 are all that can
 * come of it. No host floating point: PE and C1 tell of every rounding, and the host does
 * not. A pending error, an empty register or a full stack, any other operand or result:
 * all go to the general handler, with nothing committed but the pointers.
 */
#include "cpu/fast.h"
#include "cpu/isa.h"
#include "cpu/softfloat80.h"
#include "cpu/x87.h"

#define INSN(enc, mnemonic, handler, operands, feature, flags, traits)                   \
    general_fn op_##handler;
#include "cpu/isa_x87.def"
#undef INSN

#define SLOW_UNLESS(yes)                                                                 \
    if (UNLIKELY(!(yes)))                                                                \
    TAIL(run_slow(c, i))

/* ---- the stack; top as in fsw, n from 0 ---- */

#define TOP(fsw) ((fsw) >> 11 & 7)
#define ST(top, n) (&c->st[((top) + (n)) & 7])

static ALWAYS_INLINE unsigned empty(const struct cpu *c, unsigned top, unsigned n)
{
    return c->ftw >> ((top + n) & 7) & 1;
}

static ALWAYS_INLINE void set_top(struct cpu *c, unsigned fsw, unsigned top)
{
    c->fsw = (u16)((fsw & ~(unsigned)FSW_TOP) | (top & 7) << 11);
}

static ALWAYS_INLINE void drop(struct cpu *c, unsigned fsw, unsigned top)
{
    c->ftw |= (u8)(1u << top);
    set_top(c, fsw, top + 1);
}

/* Begins a handler; fsw is what it leaves: C1 clear until something sets it. With no error
 * pending and its memory probed the instruction cannot fault any more, so the pointers
 * (SDM vol 1 8.1.8, 8.1.9) are committed at once: the general handler, should it come to
 * that, writes the same. */
#define BEGIN(c, i)                                                                      \
    unsigned fsw = (c)->fsw & ~(unsigned)FSW_C1, top = TOP(fsw);                         \
    SLOW_UNLESS(!(fsw & FSW_ES));                                                        \
    (c)->fip = (c)->page_rip + (i)->at;                                                  \
    (c)->fcs = (c)->seg[CS].selector;                                                    \
    (c)->fop = (u16)((i)->imm & 0x7ff)
#define BEGIN_MEMORY(c, i, offset)                                                       \
    BEGIN(c, i);                                                                         \
    (c)->fdp = (offset);                                                                 \
    (c)->fds = (c)->seg[INSN_SEG(i)].selector
/* The offset of r/m, given its linear address: the same where the base is zero. */
#define OFFSET_B(c, i) la_
#define OFFSET_X(c, i) la_
#define OFFSET_F(c, i) la_
#define OFFSET_S(c, i) ea(c, i)

/* ---- loads and constants ---- */

/* Widened exactly; normal numbers and zeros only. */
#define NUMBER64(q) (((q) >> 52 & 0x7ff) - 1 < 0x7fe || !((q) << 1))
#define NUMBER32(q) (((q) >> 23 & 0xff) - 1 < 0xfe || !(u32)((q) << 1))

static ALWAYS_INLINE struct f80 widen64(u64 q)
{
    unsigned sign = (unsigned)(q >> 48 & 0x8000), exp = (unsigned)(q >> 52 & 0x7ff);
    if (UNLIKELY(!exp))
        return (struct f80){0, (u16)sign};
    return (struct f80){F80_J | q << 11, (u16)(sign | (exp + F80_BIAS - 0x3ff))};
}

static ALWAYS_INLINE struct f80 widen32(u32 q)
{
    unsigned sign = q >> 16 & 0x8000, exp = q >> 23 & 0xff;
    if (UNLIKELY(!exp))
        return (struct f80){0, (u16)sign};
    return (struct f80){F80_J | (u64)q << 40, (u16)(sign | (exp + F80_BIAS - 0x7f))};
}

static ALWAYS_INLINE struct f80 of_integer(s64 v)
{
    u64 magnitude = v < 0 ? 0 - (u64)v : (u64)v;
    unsigned shift;
    if (UNLIKELY(!v))
        return (struct f80){0, 0};
    shift = clz64(magnitude);
    return f80_make(v < 0, F80_BIAS + 63 - shift, magnitude << shift);
}

/* v to a new ST(0). */
#define PUSH(v)                                                                          \
    do {                                                                                 \
        struct f80 v_ = v;                                                               \
        top = (top + 7) & 7;                                                             \
        c->st[top].sig = v_.sig;                                                         \
        c->st[top].se = v_.se;                                                           \
        c->ftw &= (u8) ~(1u << top);                                                     \
        set_top(c, fsw, top);                                                            \
    } while (0)

#define LOAD(form, name, size, type, get, fits, value)                                   \
    FAST(name##_##form)                                                                  \
    {                                                                                    \
        PROBE(form, c, i, size, read, p);                                                \
        type q = get(p);                                                                 \
        BEGIN_MEMORY(c, i, OFFSET_##form(c, i));                                         \
        SLOW_UNLESS(empty(c, top, 7) && (fits));                                         \
        PUSH(value);                                                                     \
        NEXT(c, i);                                                                      \
    }
FOR_FORMS(LOAD, fld_m32, 4, u32, load32, NUMBER32(q), widen32(q))
FOR_FORMS(LOAD, fld_m64, 8, u64, load64, NUMBER64(q), widen64(q))
FOR_FORMS(LOAD, fld_m80, 10, u64, load64, true, ((struct f80){q, load16(p + 8)}))
FOR_FORMS(LOAD, fild_m16, 2, u16, load16, true, of_integer((s16)q))
FOR_FORMS(LOAD, fild_m32, 4, u32, load32, true, of_integer((s32)q))
FOR_FORMS(LOAD, fild_m64, 8, u64, load64, true, of_integer((s64)q))

#define CONSTANT(name, value)                                                            \
    FAST(name)                                                                           \
    {                                                                                    \
        BEGIN(c, i);                                                                     \
        SLOW_UNLESS(empty(c, top, 7));                                                   \
        PUSH(value);                                                                     \
        NEXT(c, i);                                                                      \
    }
CONSTANT(fld1, ((struct f80){F80_J, F80_BIAS}))
CONSTANT(fldz, ((struct f80){0, 0}))

FAST(fld_st)
{
    BEGIN(c, i);
    SLOW_UNLESS(!empty(c, top, i->rm) && empty(c, top, 7));
    PUSH(*ST(top, i->rm));
    NEXT(c, i);
}

/* ---- between registers ---- */

#define STORE_REGISTER(name, after)                                                      \
    FAST(name)                                                                           \
    {                                                                                    \
        BEGIN(c, i);                                                                     \
        SLOW_UNLESS(!empty(c, top, 0));                                                  \
        *ST(top, i->rm) = *ST(top, 0);                                                   \
        c->ftw &= (u8) ~(1u << ((top + i->rm) & 7));                                     \
        after;                                                                           \
        NEXT(c, i);                                                                      \
    }
STORE_REGISTER(fst_st, c->fsw = (u16)fsw)
STORE_REGISTER(fstp_st, drop(c, fsw, top))

FAST(fxch)
{
    BEGIN(c, i);
    struct f80 *a = ST(top, 0), *b = ST(top, i->rm);
    u64 sig = a->sig;
    u16 se = a->se;
    SLOW_UNLESS(!(empty(c, top, 0) | empty(c, top, i->rm)));
    c->fsw = (u16)fsw;
    a->sig = b->sig;
    a->se = b->se;
    b->sig = sig;
    b->se = se;
    NEXT(c, i);
}

#define SIGN(name, expr)                                                                 \
    FAST(name)                                                                           \
    {                                                                                    \
        BEGIN(c, i);                                                                     \
        u16 *se = &ST(top, 0)->se;                                                       \
        SLOW_UNLESS(!empty(c, top, 0));                                                  \
        c->fsw = (u16)fsw;                                                               \
        *se = (u16)(expr);                                                               \
        NEXT(c, i);                                                                      \
    }
SIGN(fchs, *se ^ 0x8000)
SIGN(fabs_st, *se & F80_EXP)

/* ---- stores to memory ---- */

enum { FCW_PM = 1 << 5, FCW_RC = 3 << 10 };

/* The rest below the last bit that is kept: inexact, and C1 when it rounds up. */
#define ROUNDED(up) (FSW_PE | ((up) ? FSW_C1 : 0))

/* Zero, or a normal number that is one in the narrow format too, and not near its ends;
 * f is the format's fraction bits, e its exponent bits. */
#define NARROW(w, f, bias)                                                               \
    unsigned exp = a.se & F80_EXP, raised = 0;                                           \
    u##w q = (u##w)((u##w)(a.se >> 15) << (w - 1));                                      \
    if (LIKELY(a.sig >> 63)) {                                                           \
        u64 whole = a.sig >> (63 - f), rest = a.sig << (f + 1);                          \
        unsigned up;                                                                     \
        SLOW_UNLESS(exp - (F80_BIAS - bias + 1) < 2 * bias - 1);                         \
        if (rest) {                                                                      \
            SLOW_UNLESS((c->fcw & (FCW_RC | FCW_PM)) == FCW_PM);                         \
            up = rest > F80_HALF || (rest == F80_HALF && (whole & 1));                   \
            whole += up;                                                                 \
            raised = ROUNDED(up);                                                        \
        }                                                                                \
        q += (u##w)((u##w)(exp - (F80_BIAS - bias + 1)) << f) + (u##w)whole;             \
    } else {                                                                             \
        SLOW_UNLESS(!(exp | a.sig));                                                     \
    }

#define STORE_FLOAT(form, name, w, f, bias, after)                                       \
    FAST(name##_##form)                                                                  \
    {                                                                                    \
        PROBE(form, c, i, w / 8, write, p);                                              \
        BEGIN_MEMORY(c, i, OFFSET_##form(c, i));                                         \
        struct f80 a = *ST(top, 0);                                                      \
        SLOW_UNLESS(!empty(c, top, 0));                                                  \
        NARROW(w, f, bias)                                                               \
        store##w(p, q);                                                                  \
        fsw |= raised;                                                                   \
        after;                                                                           \
        NEXT(c, i);                                                                      \
    }
FOR_FORMS(STORE_FLOAT, fst_m32, 32, 23, 0x7f, c->fsw = (u16)fsw)
FOR_FORMS(STORE_FLOAT, fstp_m32, 32, 23, 0x7f, drop(c, fsw, top))
FOR_FORMS(STORE_FLOAT, fst_m64, 64, 52, 0x3ff, c->fsw = (u16)fsw)
FOR_FORMS(STORE_FLOAT, fstp_m64, 64, 52, 0x3ff, drop(c, fsw, top))

#define STORE_80(form, name)                                                             \
    FAST(name##_##form)                                                                  \
    {                                                                                    \
        PROBE(form, c, i, 10, write, p);                                                 \
        BEGIN_MEMORY(c, i, OFFSET_##form(c, i));                                         \
        SLOW_UNLESS(!empty(c, top, 0));                                                  \
        store64(p, ST(top, 0)->sig);                                                     \
        store16(p + 8, ST(top, 0)->se);                                                  \
        drop(c, fsw, top);                                                                \
        NEXT(c, i);                                                                      \
    }
FOR_FORMS(STORE_80, fstp_m80)

/* Any rounding; what does not fit, no number, and inexact if it is not masked: slow. */
#define STORE_INTEGER(form, name, w, rounding, after)                                    \
    FAST(name##_##form)                                                                  \
    {                                                                                    \
        PROBE(form, c, i, w / 8, write, p);                                              \
        BEGIN_MEMORY(c, i, OFFSET_##form(c, i));                                         \
        u64 sig = ST(top, 0)->sig, whole = 0, rest = 0;                                  \
        unsigned se = ST(top, 0)->se, e = (se & F80_EXP) - F80_BIAS, raised = 0, up;     \
        SLOW_UNLESS(!empty(c, top, 0));                                                  \
        if (LIKELY(e < w - 1)) {                                                         \
            SLOW_UNLESS(sig >> 63);                                                      \
            whole = sig >> (63 - e);                                                     \
            rest = sig << e << 1;                                                        \
        } else {                                                                         \
            SLOW_UNLESS((e + 1 == 0 && sig >> 63) || !(sig | (se & F80_EXP)));           \
            rest = sig;                                                                  \
        }                                                                                \
        if (rest) {                                                                      \
            SLOW_UNLESS(c->fcw &FCW_PM);                                                 \
            up = f80_rounds_up(rounding, se >> 15, whole, rest);                         \
            whole += up;                                                                 \
            raised = ROUNDED(up);                                                        \
            SLOW_UNLESS(!(whole >> (w - 1)));                                            \
        }                                                                                \
        store##w(p, (u##w)(se >> 15 ? 0 - whole : whole));                               \
        fsw |= raised;                                                                   \
        after;                                                                           \
        NEXT(c, i);                                                                      \
    }
#define FCW_ROUNDING (c->fcw >> 10 & 3)
FOR_FORMS(STORE_INTEGER, fist_m32, 32, FCW_ROUNDING, c->fsw = (u16)fsw)
FOR_FORMS(STORE_INTEGER, fistp_m16, 16, FCW_ROUNDING, drop(c, fsw, top))
FOR_FORMS(STORE_INTEGER, fistp_m32, 32, FCW_ROUNDING, drop(c, fsw, top))
FOR_FORMS(STORE_INTEGER, fistp_m64, 64, FCW_ROUNDING, drop(c, fsw, top))
FOR_FORMS(STORE_INTEGER, fisttp_m32, 32, FP_ZERO, drop(c, fsw, top))
FOR_FORMS(STORE_INTEGER, fisttp_m64, 64, FP_ZERO, drop(c, fsw, top))

/* ---- add, subtract, multiply ---- */

struct result {
    u64 sig, rest; /* rest: below bit 0, exact in its order to one half */
    unsigned se;   /* sign */
    unsigned exp;
    bool ok;
};

/* |a| + |b| or the difference of the larger and the smaller, both normal. */
static ALWAYS_INLINE struct result sum(struct f80 a, struct f80 b, bool subtract)
{
    struct result r = {.ok = false};
    unsigned a_exp = a.se & F80_EXP, b_exp = b.se & F80_EXP, gap, n;
    unsigned a_sign = a.se & 0x8000u, b_sign = (b.se & 0x8000u) ^ (unsigned)subtract << 15;
    bool differ = a_sign != b_sign;
    u64 high = a.sig, low = b.sig, hi, lo;

    r.se = a_sign;
    r.exp = a_exp;
    gap = a_exp - b_exp;
    if (a_exp < b_exp || (a_exp == b_exp && a.sig < b.sig)) {
        high = b.sig;
        low = a.sig;
        gap = b_exp - a_exp;
        r.exp = b_exp;
        r.se = b_sign;
    }
    if (UNLIKELY(gap > 63))
        return r;
    hi = low >> gap;
    lo = low << 1 << (63 - gap);
    if (!differ) {
        r.sig = high + hi;
        r.rest = lo;
        if (r.sig < high) {
            r.rest = r.sig << 63 | lo >> 1 | (lo & 1);
            r.sig = r.sig >> 1 | F80_J;
            r.exp++;
        }
    } else {
        r.sig = high - hi - (lo != 0);
        r.rest = 0 - lo;
        if (!(r.sig >> 63)) {
            if (UNLIKELY(!r.sig))
                return r;
            n = clz64(r.sig);
            r.sig = r.sig << n | r.rest >> (64 - n);
            r.rest <<= n;
            r.exp -= n;
        }
    }
    r.ok = true;
    return r;
}

static ALWAYS_INLINE struct result product(struct f80 a, struct f80 b)
{
    struct u128 p = mul64(a.sig, b.sig);
    struct result r = {p.hi, p.lo, (a.se ^ b.se) & 0x8000u, 0, true};

    r.exp = (a.se & F80_EXP) + (b.se & F80_EXP) - (F80_BIAS - 1);
    if (!(r.sig >> 63)) {
        r.sig = r.sig << 1 | r.rest >> 63;
        r.rest <<= 1;
        r.exp--;
    }
    return r;
}

#define SUM(a, b) sum(a, b, false)
#define DIFFERENCE(a, b) sum(a, b, true)
#define REVERSED(a, b) sum(b, a, true)
#define PRODUCT(a, b) product(a, b)

/* d = op(a, b) rounded, for normal a and b. Fraction bits: 63, or 52 with PC = 2. */
#define COMPUTE(op, a, b, d)                                                             \
    struct result r;                                                                     \
    unsigned fcw = c->fcw, raised = 0, up;                                               \
    SLOW_UNLESS(f80_is_normal(a) && f80_is_normal(b) &&                                  \
                (fcw & (FCW_RC | FCW_PM | 2 << 8)) == (FCW_PM | 2 << 8));                \
    r = op(a, b);                                                                        \
    SLOW_UNLESS(r.ok && r.exp - 1u < F80_EXP - 2u);                                      \
    if (LIKELY(fcw & 1 << 8)) {                                                          \
        if (r.rest) {                                                                    \
            up = (unsigned)((r.rest - !(r.sig & 1)) >> 63);                              \
            raised = ROUNDED(up);                                                        \
            r.sig += up;                                                                 \
        }                                                                                \
    } else {                                                                             \
        r.rest = r.sig << 53 | (r.rest != 0);                                            \
        r.sig &= ~(u64)0x7ff;                                                            \
        if (r.rest) {                                                                    \
            up = (unsigned)((r.rest - !(r.sig >> 11 & 1)) >> 63);                        \
            raised = ROUNDED(up);                                                        \
            r.sig += (u64)up << 11;                                                      \
        }                                                                                \
    }                                                                                    \
    if (UNLIKELY(!r.sig)) {                                                              \
        r.sig = F80_J;                                                                   \
        r.exp++;                                                                         \
    }                                                                                    \
    fsw |= raised;                                                                       \
    (d)->sig = r.sig;                                                                    \
    (d)->se = (u16)(r.se | r.exp)

#define ARITHMETIC_MEMORY(form, name, op, w)                                             \
    FAST(name##_m##w##_##form)                                                           \
    {                                                                                    \
        PROBE(form, c, i, w / 8, read, p);                                               \
        u##w q = load##w(p);                                                             \
        BEGIN_MEMORY(c, i, OFFSET_##form(c, i));                                         \
        struct f80 *d = ST(top, 0), a = *d, b = widen##w(q);                             \
        SLOW_UNLESS(!empty(c, top, 0) && NUMBER##w(q));                                  \
        COMPUTE(op, a, b, d);                                                            \
        c->fsw = (u16)fsw;                                                               \
        NEXT(c, i);                                                                      \
    }
#define ARITHMETIC_REGISTER(name, op, to, from, after)                                   \
    FAST(name)                                                                           \
    {                                                                                    \
        BEGIN(c, i);                                                                     \
        struct f80 *d = ST(top, to), a = *d, b = *ST(top, from);                         \
        SLOW_UNLESS(!(empty(c, top, 0) | empty(c, top, i->rm)));                         \
        COMPUTE(op, a, b, d);                                                            \
        after;                                                                           \
        NEXT(c, i);                                                                      \
    }
#define ARITHMETIC(name, op)                                                             \
    ARITHMETIC_REGISTER(name##_st0, op, 0, i->rm, c->fsw = (u16)fsw)                     \
    ARITHMETIC_REGISTER(name##_sti, op, i->rm, 0, c->fsw = (u16)fsw)                     \
    ARITHMETIC_REGISTER(name##_pop, op, i->rm, 0, drop(c, fsw, top))                      \
    FOR_FORMS(ARITHMETIC_MEMORY, name, op, 32)                                           \
    FOR_FORMS(ARITHMETIC_MEMORY, name, op, 64)
ARITHMETIC(fadd, SUM)
ARITHMETIC(fsub, DIFFERENCE)
ARITHMETIC(fsubr, REVERSED)
ARITHMETIC(fmul, PRODUCT)

/* ---- comparisons of normal numbers and zeros, which raise nothing ---- */

static ALWAYS_INLINE bool number(struct f80 a)
{
    return f80_is_normal(a) || f80_is_zero(a);
}

/* -1 less, 0 equal, 1 greater. */
static ALWAYS_INLINE int order(struct f80 a, struct f80 b)
{
    unsigned a_exp = a.se & F80_EXP, b_exp = b.se & F80_EXP;
    bool below = a_exp < b_exp || (a_exp == b_exp && a.sig < b.sig);

    if ((a.se ^ b.se) >> 15)
        return !(a.sig | b.sig) ? 0 : a.se >> 15 ? -1 : 1;
    if (a_exp == b_exp && a.sig == b.sig)
        return 0;
    return below != (a.se >> 15) ? -1 : 1;
}

#define COMPARED(o)                                                                      \
    (fsw = (fsw & ~(unsigned)(FSW_C3 | FSW_C2 | FSW_C1 | FSW_C0)) |                      \
           ((o) < 0    ? FSW_C0                                                          \
            : (o) == 0 ? FSW_C3                                                          \
                       : 0))
/* Two pops at once. */
#define POP2(c, fsw, top)                                                                \
    ((c)->ftw |= (u8)(1u << (top) | 1u << (((top) + 1) & 7)), set_top(c, fsw, (top) + 2))

#define COMPARE_REGISTER(name, n, after)                                                 \
    FAST(name)                                                                           \
    {                                                                                    \
        BEGIN(c, i);                                                                     \
        struct f80 a = *ST(top, 0), b = *ST(top, n);                                     \
        int o;                                                                           \
        SLOW_UNLESS(!(empty(c, top, 0) | empty(c, top, n)) && number(a) && number(b));   \
        o = order(a, b);                                                                 \
        after;                                                                           \
        NEXT(c, i);                                                                      \
    }
#define COMPARE_MEMORY(form, name, w, after)                                             \
    FAST(name##_m##w##_##form)                                                           \
    {                                                                                    \
        PROBE(form, c, i, w / 8, read, p);                                               \
        u##w q = load##w(p);                                                             \
        BEGIN_MEMORY(c, i, OFFSET_##form(c, i));                                         \
        struct f80 a = *ST(top, 0), b = widen##w(q);                                     \
        int o;                                                                           \
        SLOW_UNLESS(!empty(c, top, 0) && number(a) && NUMBER##w(q));                     \
        o = order(a, b);                                                                 \
        after;                                                                           \
        NEXT(c, i);                                                                      \
    }
#define KEEP_TOP (c->fsw = (u16)COMPARED(o))
#define POP_ONE (COMPARED(o), drop(c, fsw, top))
#define POP_TWO (COMPARED(o), POP2(c, fsw, top))
COMPARE_REGISTER(fcom_st, i->rm, KEEP_TOP)
COMPARE_REGISTER(fcomp_st, i->rm, POP_ONE)
COMPARE_REGISTER(fcompp, 1, POP_TWO)
FOR_FORMS(COMPARE_MEMORY, fcom, 32, KEEP_TOP)
FOR_FORMS(COMPARE_MEMORY, fcomp, 32, POP_ONE)
FOR_FORMS(COMPARE_MEMORY, fcom, 64, KEEP_TOP)
FOR_FORMS(COMPARE_MEMORY, fcomp, 64, POP_ONE)

/* OF, SF and AF are cleared. */
#define TO_EFLAGS lazy_put(&c->lazy, o < 0 ? FLAG_CF : o == 0 ? FLAG_ZF : 0)
COMPARE_REGISTER(fcomi, i->rm, TO_EFLAGS; c->fsw = (u16)fsw)
COMPARE_REGISTER(fcomip, i->rm, TO_EFLAGS; drop(c, fsw, top))

/* ---- status and control word: no pointers ---- */

FAST(fnstsw_ax)
{
    memcpy((u8 *)c + reg_offset(RAX, 16, false), &c->fsw, 2);
    NEXT(c, i);
}

#define CONTROL(form, name)                                                              \
    FAST(fnstcw_##form)                                                                  \
    {                                                                                    \
        PROBE(form, c, i, 2, write, p);                                                  \
        store16(p, c->fcw);                                                              \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(fldcw_##form)                                                                   \
    {                                                                                    \
        PROBE(form, c, i, 2, read, p);                                                   \
        unsigned v = (load16(p) & 0x1f3fu) | FCW_RESERVED;                               \
        SLOW_UNLESS(!(c->fsw & (FSW_ES | FSW_B)) && !(c->fsw & FSW_EXCEPTIONS & ~v));    \
        c->fcw = (u16)v;                                                                 \
        NEXT(c, i);                                                                      \
    }
FOR_FORMS(CONTROL, )

/* ---- choosing ---- */

#define FORM_ROW(name) {name##_B, name##_X, name##_F, name##_S}
#define IN_MEMORY(name) {op_##name, NULL, FORM_ROW(name)},
#define IN_REGISTERS(name) {op_##name, name, {0}},
#define BINARY(name)                                                                     \
    IN_MEMORY(name##_m32) IN_MEMORY(name##_m64) IN_REGISTERS(name##_st0)                 \
    IN_REGISTERS(name##_sti) IN_REGISTERS(name##_pop)

static const struct {
    general_fn *general;
    insn_fn *registers, *memory[FORMS];
} rows[] = {
    IN_MEMORY(fld_m32) IN_MEMORY(fld_m64) IN_MEMORY(fld_m80)
    IN_MEMORY(fild_m16) IN_MEMORY(fild_m32) IN_MEMORY(fild_m64)
    IN_REGISTERS(fld1) IN_REGISTERS(fldz) IN_REGISTERS(fld_st)
    IN_REGISTERS(fst_st) IN_REGISTERS(fstp_st) IN_REGISTERS(fxch)
    IN_REGISTERS(fchs) {op_fabs, fabs_st, {0}},
    IN_MEMORY(fst_m32) IN_MEMORY(fstp_m32) IN_MEMORY(fst_m64) IN_MEMORY(fstp_m64)
    IN_MEMORY(fstp_m80) IN_MEMORY(fist_m32) IN_MEMORY(fistp_m16) IN_MEMORY(fistp_m32)
    IN_MEMORY(fistp_m64) IN_MEMORY(fisttp_m32) IN_MEMORY(fisttp_m64)
    BINARY(fadd) BINARY(fsub) BINARY(fsubr) BINARY(fmul)
    IN_REGISTERS(fcom_st) IN_REGISTERS(fcomp_st) IN_REGISTERS(fcompp)
    {op_fucom, fcom_st, {0}}, {op_fucomp, fcomp_st, {0}}, {op_fucompp, fcompp, {0}},
    IN_MEMORY(fcom_m32) IN_MEMORY(fcomp_m32) IN_MEMORY(fcom_m64) IN_MEMORY(fcomp_m64)
    IN_REGISTERS(fcomi) IN_REGISTERS(fcomip)
    {op_fucomi, fcomi, {0}}, {op_fucomip, fcomip, {0}},
    IN_REGISTERS(fnstsw_ax) IN_MEMORY(fnstcw) IN_MEMORY(fldcw)
};

struct fast fast_select_x87(const struct insn *i, uint32_t mode)
{
    general_fn *g = isa_general[i->row];

    if (!(isa_rows[i->row].traits & T_X87))
        return (struct fast){0};
    for (unsigned n = 0; n < ARRAY_SIZE(rows); n++) {
        if (g != rows[n].general)
            continue;
        if (i->form & FORM_MEM)
            return (struct fast){rows[n].memory[form_of(i, mode)], NULL, EFFECT_BARRIER,
                                 1, false};
        return (struct fast){rows[n].registers, NULL,
                             g == op_fnstsw_ax ? EFFECT_NONE : EFFECT_BARRIER, 1, false};
    }
    return (struct fast){0};
}
