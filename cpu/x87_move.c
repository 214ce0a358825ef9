/* x87_move.c - loads, stores, constants, exchanges and conditional moves. SDM vol 2:
 * FLD, FST, FILD, FIST, FISTTP, FBLD, FBSTP, FLD1 and following, FXCH, FCMOVcc.
 */
#include "cpu/x87_parts.h"

/* ---- loads ---- */

/* Pushes v, whose conversion raised flags. A denormal memory operand is pushed even
 * when that exception is unmasked (observed on processors); an invalid one is not. */
static ALWAYS_INLINE void load(struct cpu *c, const struct insn *i, struct f80 v,
                               unsigned flags)
{
    x87_begin(c, i);
    if (UNLIKELY(!st_empty(c, 7))) {
        if (x87_stack_overflow(c))
            st_push(c, f80_default_nan());
        return;
    }
    if (UNLIKELY(flags) && (x87_raise(c, flags) & FP_INVALID))
        return;
    st_push(c, v);
}

X87(fld_m32)
{
    struct fp_env e = x87_env(c);
    struct f80 v;

    x87_wait(c);
    v = f80_from_f32(&e, (uint32_t)x87_load(c, i, 4));
    load(c, i, v, e.flags);
}

X87(fld_m64)
{
    struct fp_env e = x87_env(c);
    struct f80 v;

    x87_wait(c);
    v = f80_from_f64(&e, x87_load(c, i, 8));
    load(c, i, v, e.flags);
}

X87(fld_m80)
{
    uint8_t b[10];

    x87_wait(c);
    mem_read(c, INSN_SEG(i), ea(c, i), b, sizeof b);
    load(c, i, (struct f80){load64(b), load16(b + 8)}, 0);
}

X87(fld_st)
{
    x87_wait(c);
    x87_begin(c, i);
    if (st_empty(c, i->rm)) { /* wins over an overflow (observed) */
        if (x87_stack_underflow(c))
            st_push(c, f80_default_nan());
        return;
    }
    if (!st_empty(c, 7)) {
        if (x87_stack_overflow(c))
            st_push(c, f80_default_nan());
        return;
    }
    st_push(c, *st_at(c, i->rm));
}

X87(fild_m16)
{
    x87_wait(c);
    load(c, i, f80_from_i64((int16_t)x87_load(c, i, 2)), 0);
}

X87(fild_m32)
{
    x87_wait(c);
    load(c, i, f80_from_i64((int32_t)x87_load(c, i, 4)), 0);
}

X87(fild_m64)
{
    x87_wait(c);
    load(c, i, f80_from_i64((int64_t)x87_load(c, i, 8)), 0);
}

/* Eighteen digits, two a byte, then the sign. Digits above 9 are undefined; each counts
 * its four bits here. */
X87(fbld)
{
    uint8_t b[10];
    int64_t v = 0;
    struct f80 r;

    x87_wait(c);
    mem_read(c, INSN_SEG(i), ea(c, i), b, sizeof b);
    for (unsigned n = 9; n-- > 0;)
        v = v * 100 + (b[n] >> 4) * 10 + (b[n] & 15);
    r = f80_from_i64(v);
    if (b[9] & 0x80)
        r = f80_negate(r);
    load(c, i, r, 0);
}

/* ---- constants ---- */

/* Two significands around the constant: the nearer one, and the other if rounding up or
 * down asks for it. `up`: the nearer one is above the true value. */
struct constant {
    uint64_t sig;
    uint16_t exp;
    bool up;
};

/* Rounded from the binary expansions of the constants. */
static const struct constant l2t = {0xd49a784bcd1b8afe, 0x4000, false}; /* log2 10 */
static const struct constant l2e = {0xb8aa3b295c17f0bc, 0x3fff, true};  /* log2 e */
static const struct constant pi = {0xc90fdaa22168c235, 0x4000, true};
static const struct constant lg2 = {0x9a209a84fbcff799, 0x3ffd, true}; /* log10 2 */
static const struct constant ln2 = {0xb17217f7d1cf79ac, 0x3ffe, true};

static void load_constant(struct cpu *c, const struct insn *i, const struct constant *k)
{
    unsigned rounding = c->fcw >> 10 & 3;
    uint64_t sig = k->sig;

    if (k->up && (rounding == FP_DOWN || rounding == FP_ZERO))
        sig--;
    else if (!k->up && rounding == FP_UP)
        sig++;
    load(c, i, (struct f80){sig, k->exp}, 0);
}

X87(fldl2t)
{
    x87_wait(c);
    load_constant(c, i, &l2t);
}

X87(fldl2e)
{
    x87_wait(c);
    load_constant(c, i, &l2e);
}

X87(fldpi)
{
    x87_wait(c);
    load_constant(c, i, &pi);
}

X87(fldlg2)
{
    x87_wait(c);
    load_constant(c, i, &lg2);
}

X87(fldln2)
{
    x87_wait(c);
    load_constant(c, i, &ln2);
}

X87(fld1)
{
    x87_wait(c);
    load(c, i, f80_make(false, F80_BIAS, F80_J), 0);
}

X87(fldz)
{
    x87_wait(c);
    load(c, i, f80_zero(false), 0);
}

/* ---- stores to registers ---- */

static void store_register(struct cpu *c, const struct insn *i, bool pop)
{
    x87_wait(c);
    x87_begin(c, i);
    if (st_empty(c, 0)) {
        if (!x87_stack_underflow(c))
            return;
        st_set(c, i->rm, f80_default_nan());
    } else {
        st_set(c, i->rm, *st_at(c, 0));
    }
    if (pop)
        st_pop(c);
}

X87(fst_st)
{
    store_register(c, i, false);
}

X87(fstp_st)
{
    store_register(c, i, true);
}

/* D9 D8+i: FSTP that reports no underflow of the stack: with ST(0) empty it only pops
 * (observed; undocumented). */
X87(fstpnce)
{
    x87_wait(c);
    x87_begin(c, i);
    if (!st_empty(c, 0))
        st_set(c, i->rm, *st_at(c, 0));
    st_pop(c);
}

/* ---- stores to memory ---- */

/* What a store needs to know after its conversion: nothing goes to memory when an
 * unmasked exception other than inexact happened. */
static ALWAYS_INLINE bool stores(const struct cpu *c, unsigned flags)
{
    return !(flags & FSW_EXCEPTIONS & ~(unsigned)c->fcw & ~(unsigned)FP_INEXACT);
}

static ALWAYS_INLINE void stored(struct cpu *c, const struct insn *i, bool empty,
                                 unsigned flags, bool pop)
{
    bool done = stores(c, flags);

    /* A store that does not happen reports neither inexact nor its direction: 8.5.6. */
    if (!done)
        flags &= ~(unsigned)(FP_INEXACT | FP_ROUNDED_UP);
    x87_begin(c, i);
    if (empty)
        x87_stack_underflow(c);
    else if (flags)
        x87_raise(c, flags);
    if (pop && done)
        st_pop(c);
}

/* The frame of all stores: `convert` yields the value, `nothing` stands for an empty
 * register. */
#define STORE(name, size, type, convert, nothing, pop)                                 \
    X87(name)                                                                          \
    {                                                                                  \
        struct fp_env e = x87_env(c);                                                  \
        bool empty = st_empty(c, 0);                                                   \
        type v = nothing;                                                              \
        x87_wait(c);                                                                   \
        if (LIKELY(!empty)) {                                                          \
            struct f80 a = *st_at(c, 0);                                               \
            v = convert;                                                               \
        } else {                                                                       \
            e.flags = FP_INVALID;                                                      \
        }                                                                              \
        if (stores(c, e.flags))                                                        \
            x87_store(c, i, size, (uint64_t)v);                                        \
        stored(c, i, empty, e.flags, pop);                                             \
    }

STORE(fst_m32, 4, uint32_t, f80_to_f32(&e, a), 0xffc00000u, false)
STORE(fstp_m32, 4, uint32_t, f80_to_f32(&e, a), 0xffc00000u, true)
STORE(fst_m64, 8, uint64_t, f80_to_f64(&e, a), 0xfff8000000000000u, false)
STORE(fstp_m64, 8, uint64_t, f80_to_f64(&e, a), 0xfff8000000000000u, true)
STORE(fist_m16, 2, int16_t, f80_to_i16(&e, a, false), INT16_MIN, false)
STORE(fistp_m16, 2, int16_t, f80_to_i16(&e, a, false), INT16_MIN, true)
STORE(fist_m32, 4, int32_t, f80_to_i32(&e, a, false), INT32_MIN, false)
STORE(fistp_m32, 4, int32_t, f80_to_i32(&e, a, false), INT32_MIN, true)
STORE(fistp_m64, 8, int64_t, f80_to_i64(&e, a, false), INT64_MIN, true)
STORE(fisttp_m16, 2, int16_t, f80_to_i16(&e, a, true), INT16_MIN, true)
STORE(fisttp_m32, 4, int32_t, f80_to_i32(&e, a, true), INT32_MIN, true)
STORE(fisttp_m64, 8, int64_t, f80_to_i64(&e, a, true), INT64_MIN, true)

static void write80(struct cpu *c, const struct insn *i, struct f80 v)
{
    uint8_t b[10];

    store64(b, v.sig);
    store16(b + 8, v.se);
    mem_write(c, INSN_SEG(i), ea(c, i), b, sizeof b);
}

X87(fstp_m80)
{
    bool empty = st_empty(c, 0);
    unsigned flags = empty ? FP_INVALID : 0;

    x87_wait(c);
    if (stores(c, flags))
        write80(c, i, empty ? f80_default_nan() : *st_at(c, 0));
    stored(c, i, empty, flags, true);
}

X87(fbstp)
{
    /* The packed BCD indefinite: SDM vol 1 Table 4-4. */
    static const uint8_t indefinite[10] = {0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff};
    struct fp_env e = x87_env(c);
    bool empty = st_empty(c, 0);
    uint8_t b[10];

    x87_wait(c);
    memcpy(b, indefinite, sizeof b);
    if (!empty) {
        struct f80 a = *st_at(c, 0);
        int64_t v = f80_to_i64(&e, a, false);
        uint64_t magnitude = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
        if ((e.flags & FP_INVALID) || magnitude > 999999999999999999u) {
            e.flags = FP_INVALID;
        } else {
            for (unsigned n = 0; n < 9; n++) {
                b[n] = (uint8_t)(magnitude % 10 | magnitude / 10 % 10 << 4);
                magnitude /= 100;
            }
            b[9] = f80_sign(a) ? 0x80 : 0;
        }
    } else {
        e.flags = FP_INVALID;
    }
    if (stores(c, e.flags))
        mem_write(c, INSN_SEG(i), ea(c, i), b, sizeof b);
    stored(c, i, empty, e.flags, true);
}

/* ---- exchanges ---- */

X87(fxch)
{
    struct f80 a, b;

    x87_wait(c);
    x87_begin(c, i);
    a = *st_at(c, 0);
    b = *st_at(c, i->rm);
    if (UNLIKELY(st_empty(c, 0) || st_empty(c, i->rm))) {
        bool a_empty = st_empty(c, 0), b_empty = st_empty(c, i->rm);
        if (!x87_stack_underflow(c))
            return;
        if (a_empty)
            a = f80_default_nan();
        if (b_empty)
            b = f80_default_nan();
    }
    st_set(c, 0, b);
    st_set(c, i->rm, a);
}

static void move_if(struct cpu *c, const struct insn *i, bool yes)
{
    unsigned c1 = c->fsw & FSW_C1;

    x87_wait(c);
    x87_begin(c, i);
    if (st_empty(c, 0) || st_empty(c, i->rm)) {
        if (x87_stack_underflow(c))
            st_set(c, 0, f80_default_nan());
        return;
    }
    c->fsw |= (uint16_t)c1; /* only an underflow clears it */
    if (yes)
        st_set(c, 0, *st_at(c, i->rm));
}

X87(fcmovb)
{
    move_if(c, i, lazy_cf(&c->lazy));
}

X87(fcmove)
{
    move_if(c, i, lazy_zf(&c->lazy));
}

X87(fcmovbe)
{
    move_if(c, i, lazy_cf(&c->lazy) || lazy_zf(&c->lazy));
}

X87(fcmovu)
{
    move_if(c, i, lazy_pf(&c->lazy));
}

X87(fcmovnb)
{
    move_if(c, i, !lazy_cf(&c->lazy));
}

X87(fcmovne)
{
    move_if(c, i, !lazy_zf(&c->lazy));
}

X87(fcmovnbe)
{
    move_if(c, i, !lazy_cf(&c->lazy) && !lazy_zf(&c->lazy));
}

X87(fcmovnu)
{
    move_if(c, i, !lazy_pf(&c->lazy));
}
