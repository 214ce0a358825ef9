/* fast_sse.c - fast handlers of SSE and SSE2: moves, arithmetic that the host's FPU does
 * exactly (cpu/hostfloat.h), packed integers, shuffles.
 *
 * A register is read and written as two halves of 64 bits, never as one of 128: the host
 * then forwards every store to the loads that follow it. A misaligned operand of a row
 * with T_ALIGN16, an element that the host may not compute, a missed probe: all go to the
 * general handler, with nothing committed.
 */
#include "cpu/fast.h"
#include "cpu/hostfloat.h"
#include "cpu/isa.h"
#include "cpu/simd.h"

/* The 16 bytes of r/m; la_ is the operand's linear address. */
#define PROBE_VEC(form, c, i, kind, align, p)                                            \
    ADDRESS_##form(c, i, 16, kind, la_);                                                 \
    u8 *p;                                                                               \
    if ((align) && UNLIKELY(la_ & 15))                                                   \
        TAIL(run_slow(c, i));                                                            \
    p = probe_##kind(&(c)->mmu, la_, 16);                                                \
    if (UNLIKELY(!p))                                                                    \
    MISS_##kind(c, i)

static ALWAYS_INLINE struct x128 load128(const u8 *p)
{
    return x128(load64(p), load64(p + 8));
}

/* Element n of 32 bits of the register at offset o. */
static ALWAYS_INLINE u32 element32(const struct cpu *c, u16 o, unsigned n)
{
    return get32(c, (u16)(o + (HOST_BIG_ENDIAN ? n ^ 1 : n) * 4));
}

#define FORM_ROW(name) {name##_B, name##_X, name##_F, name##_S}

/* ---- moves of whole registers ---- */

#define LOAD_VEC(form, name, align)                                                      \
    FAST(name##_##form)                                                                  \
    {                                                                                    \
        PROBE_VEC(form, c, i, read, align, p);                                           \
        vec_put(c, i->reg, load128(p));                                                  \
        NEXT(c, i);                                                                      \
    }
#define STORE_VEC(form, name, align)                                                     \
    FAST(name##_##form)                                                                  \
    {                                                                                    \
        PROBE_VEC(form, c, i, write, align, p);                                          \
        store64(p, vec_at(c, i->reg)->q[0]);                                             \
        store64(p + 8, vec_at(c, i->reg)->q[1]);                                         \
        NEXT(c, i);                                                                      \
    }
FOR_FORMS(LOAD_VEC, load_a, true)
FOR_FORMS(LOAD_VEC, load_u, false)
FOR_FORMS(STORE_VEC, store_a, true)
FOR_FORMS(STORE_VEC, store_u, false)

FAST(load_rr)
{
    vec_put(c, i->reg, vec_get(c, i->rm));
    NEXT(c, i);
}
FAST(store_rr)
{
    vec_put(c, i->rm, vec_get(c, i->reg));
    NEXT(c, i);
}

/* ---- moves of parts: PART(name, bytes, what to do with p) ---- */

#define PART(form, name, size, kind, action)                                             \
    FAST(name##_##form)                                                                  \
    {                                                                                    \
        PROBE(form, c, i, size, kind, p);                                                \
        action;                                                                          \
        NEXT(c, i);                                                                      \
    }
#define REGISTERS(name, action)                                                          \
    FAST(name)                                                                           \
    {                                                                                    \
        action;                                                                          \
        NEXT(c, i);                                                                      \
    }
#define REG_Q(n) vec_at(c, i->reg)->q[n]
#define RM_Q(n) vec_at(c, i->rm)->q[n]

FOR_FORMS(PART, part_load32, 4, read, vec_put(c, i->reg, x128(load32(p), 0)))
FOR_FORMS(PART, part_load64, 8, read, vec_put(c, i->reg, x128(load64(p), 0)))
FOR_FORMS(PART, part_store32, 4, write, store32(p, (u32)REG_Q(0)))
FOR_FORMS(PART, part_store64, 8, write, store64(p, REG_Q(0)))
FOR_FORMS(PART, low_load, 8, read, REG_Q(0) = load64(p))
FOR_FORMS(PART, high_load, 8, read, REG_Q(1) = load64(p))
FOR_FORMS(PART, high_store, 8, write, store64(p, REG_Q(1)))
FOR_FORMS(PART, movddup_load, 8, read, u64 q = load64(p); vec_put(c, i->reg, x128(q, q)))

REGISTERS(movss_load_rr, low32_set(vec_at(c, i->reg), (u32)RM_Q(0)))
REGISTERS(movss_store_rr, low32_set(vec_at(c, i->rm), (u32)REG_Q(0)))
REGISTERS(movsd_load_rr, REG_Q(0) = RM_Q(0))
REGISTERS(movsd_store_rr, RM_Q(0) = REG_Q(0))
REGISTERS(movq_load_rr, vec_put(c, i->reg, x128(RM_Q(0), 0)))
REGISTERS(movq_store_rr, vec_put(c, i->rm, x128(REG_Q(0), 0)))
REGISTERS(movhlps, REG_Q(0) = RM_Q(1))
REGISTERS(movlhps, REG_Q(1) = RM_Q(0))
REGISTERS(movddup_rr, u64 q = RM_Q(0); vec_put(c, i->reg, x128(q, q)))
REGISTERS(movd32_load_r, vec_put(c, i->reg, x128(get32(c, i->rm), 0)))
REGISTERS(movd64_load_r, vec_put(c, i->reg, x128(get64(c, i->rm), 0)))
REGISTERS(movd32_store_r, put32(c, i->rm, (u32)REG_Q(0)))
REGISTERS(movd64_store_r, put64(c, i->rm, REG_Q(0)))

/* ---- packed integers, bitwise operations and shuffles of two operands ---- */

#define PAIR(name, low, high)                                                            \
    FAST(name##_rr)                                                                      \
    {                                                                                    \
        struct x128 a = vec_get(c, i->reg), b = vec_get(c, i->rm);                       \
        vec_put(c, i->reg, x128(low, high));                                             \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FOR_FORMS(PAIR_LOAD, name, low, high)
#define PAIR_LOAD(form, name, low, high)                                                 \
    FAST(name##_load_##form)                                                             \
    {                                                                                    \
        PROBE_VEC(form, c, i, read, true, p);                                            \
        struct x128 a = vec_get(c, i->reg), b = load128(p);                              \
        (void)a;                                                                         \
        (void)b;                                                                         \
        vec_put(c, i->reg, x128(low, high));                                             \
        NEXT(c, i);                                                                      \
    }

#define LANE_NAMES(_)                                                                    \
    _(paddb) _(paddw) _(paddd) _(paddq) _(psubb) _(psubw) _(psubd) _(psubq) _(paddusb)   \
    _(paddusw) _(psubusb) _(psubusw) _(pcmpeqb) _(pcmpeqw) _(pcmpeqd) _(pcmpgtb)         \
    _(pcmpgtw) _(pcmpgtd) _(pminub) _(pmaxub) _(pminsw) _(pmaxsw) _(pand) _(pandn)       \
    _(por) _(pxor) _(pmuludq)
#define LANE_PAIR(name) PAIR(name, lane_##name(a.q[0], b.q[0]), lane_##name(a.q[1], b.q[1]))
LANE_NAMES(LANE_PAIR)

#define UNPACK_NAMES(_)                                                                  \
    _(punpcklbw) _(punpckhbw) _(punpcklwd) _(punpckhwd) _(punpckldq) _(punpckhdq)        \
    _(punpcklqdq) _(punpckhqdq)
PAIR(punpcklbw, lanes_interleave(8, x32(a, 0), x32(b, 0)),
     lanes_interleave(8, x32(a, 1), x32(b, 1)))
PAIR(punpckhbw, lanes_interleave(8, x32(a, 2), x32(b, 2)),
     lanes_interleave(8, x32(a, 3), x32(b, 3)))
PAIR(punpcklwd, lanes_interleave(16, x32(a, 0), x32(b, 0)),
     lanes_interleave(16, x32(a, 1), x32(b, 1)))
PAIR(punpckhwd, lanes_interleave(16, x32(a, 2), x32(b, 2)),
     lanes_interleave(16, x32(a, 3), x32(b, 3)))
PAIR(punpckldq, two32(x32(a, 0), x32(b, 0)), two32(x32(a, 1), x32(b, 1)))
PAIR(punpckhdq, two32(x32(a, 2), x32(b, 2)), two32(x32(a, 3), x32(b, 3)))
PAIR(punpcklqdq, a.q[0], b.q[0])
PAIR(punpckhqdq, a.q[1], b.q[1])

/* ---- picked by an immediate: A is the register, B r/m; each an element by number ---- */

#define PICK(n) ((unsigned)i->imm >> 2 * (n)&3)
#define PICKED(name, low, high)                                                          \
    FAST(name##_rr)                                                                      \
    {                                                                                    \
        u64 l = low(FROM_REGISTER), h = high(FROM_REGISTER);                             \
        vec_put(c, i->reg, x128(l, h));                                                  \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FOR_FORMS(PICKED_LOAD, name, low, high)
#define PICKED_LOAD(form, name, low, high)                                               \
    FAST(name##_load_##form)                                                             \
    {                                                                                    \
        PROBE_VEC(form, c, i, read, true, p);                                            \
        u64 l = low(FROM_MEMORY), h = high(FROM_MEMORY);                                 \
        (void)p;                                                                         \
        vec_put(c, i->reg, x128(l, h));                                                  \
        NEXT(c, i);                                                                      \
    }
#define FROM_REGISTER(w, n)                                                              \
    (w == 32 ? element32(c, i->rm, n) : get64(c, (u16)(i->rm + 8 * (n))))
#define FROM_MEMORY(w, n) (w == 32 ? load32(p + 4 * (n)) : load64(p + 8 * (n)))

#define PSHUFD_LOW(B) two32((u32)B(32, PICK(0)), (u32)B(32, PICK(1)))
#define PSHUFD_HIGH(B) two32((u32)B(32, PICK(2)), (u32)B(32, PICK(3)))
#define SHUFPS_LOW(B) two32(element32(c, i->reg, PICK(0)), element32(c, i->reg, PICK(1)))
#define SHUFPS_HIGH(B) PSHUFD_HIGH(B)
#define SHUFPD_LOW(B) get64(c, (u16)(i->reg + 8 * (i->imm & 1)))
#define SHUFPD_HIGH(B) B(64, i->imm >> 1 & 1)
PICKED(pshufd, PSHUFD_LOW, PSHUFD_HIGH)
PICKED(shufps, SHUFPS_LOW, SHUFPS_HIGH)
PICKED(shufpd, SHUFPD_LOW, SHUFPD_HIGH)

/* ---- shifts by an immediate; beyond the lane's width all is lost but the sign ---- */

#define SHIFT(name, expr)                                                                \
    FAST(name##_imm)                                                                     \
    {                                                                                    \
        unsigned n = (unsigned)i->imm & 0xff;                                            \
        struct x128 a = vec_get(c, i->rm);                                               \
        vec_put(c, i->rm, expr);                                                         \
        NEXT(c, i);                                                                      \
    }
#define BY_LANE(w, how)                                                                  \
    (LIKELY(n < w) ? x128(lanes_##how(w, a.q[0], n), lanes_##how(w, a.q[1], n)) : x128(0, 0))
#define BY_LANE_SIGNED(w)                                                                \
    (n = n < w ? n : w - 1, x128(lanes_sar(w, a.q[0], n), lanes_sar(w, a.q[1], n)))
SHIFT(psrlw, BY_LANE(16, shr))
SHIFT(psrld, BY_LANE(32, shr))
SHIFT(psrlq, BY_LANE(64, shr))
SHIFT(psllw, BY_LANE(16, shl))
SHIFT(pslld, BY_LANE(32, shl))
SHIFT(psllq, BY_LANE(64, shl))
SHIFT(psraw, BY_LANE_SIGNED(16))
SHIFT(psrad, BY_LANE_SIGNED(32))
SHIFT(psrldq, bytes_down(a, n))
SHIFT(pslldq, bytes_up(a, n))

/* ---- masks ---- */

static ALWAYS_INLINE u32 signs32(u64 q)
{
    return (u32)(q >> 31 & 1) | (u32)(q >> 62 & 2);
}

REGISTERS(pmovmskb, put32(c, i->reg, lanes_signs(RM_Q(0)) | lanes_signs(RM_Q(1)) << 8))
REGISTERS(movmskpd, put32(c, i->reg, (u32)(RM_Q(0) >> 63 | RM_Q(1) >> 63 << 1)))
REGISTERS(movmskps, put32(c, i->reg, signs32(RM_Q(0)) | signs32(RM_Q(1)) << 2))

/* ---- arithmetic: +, -, *, /, MIN, MAX, square root ---- */

#define SLOW_UNLESS(yes)                                                                 \
    if (UNLIKELY(!(yes)))                                                                \
    TAIL(run_slow(c, i))

#define PACKED64(host, a, b)                                                             \
    u64 low, high;                                                                       \
    SLOW_UNLESS(host_float_ok(c->mxcsr) && host_f64_##host((a).q[0], (b).q[0], &low) &&  \
                host_f64_##host((a).q[1], (b).q[1], &high));                             \
    vec_put(c, i->reg, x128(low, high))
#define PACKED32(host, a, b)                                                             \
    u32 r0, r1, r2, r3;                                                                  \
    SLOW_UNLESS(host_float_ok(c->mxcsr) && host_f32_##host(x32(a, 0), x32(b, 0), &r0) && \
                host_f32_##host(x32(a, 1), x32(b, 1), &r1) &&                            \
                host_f32_##host(x32(a, 2), x32(b, 2), &r2) &&                            \
                host_f32_##host(x32(a, 3), x32(b, 3), &r3));                             \
    vec_put(c, i->reg, x128(two32(r0, r1), two32(r2, r3)))
#define SCALAR64(host, b)                                                                \
    u64 r;                                                                               \
    SLOW_UNLESS(host_float_ok(c->mxcsr) && host_f64_##host(REG_Q(0), b, &r));            \
    REG_Q(0) = r
#define SCALAR32(host, b)                                                                \
    u32 r;                                                                               \
    SLOW_UNLESS(host_float_ok(c->mxcsr) && host_f32_##host((u32)REG_Q(0), b, &r));       \
    low32_set(vec_at(c, i->reg), r)

#define ARITHMETIC_LOADS(form, name, host)                                               \
    FAST(name##pd_load_##form)                                                           \
    {                                                                                    \
        PROBE_VEC(form, c, i, read, true, p);                                            \
        struct x128 a = vec_get(c, i->reg), b = load128(p);                              \
        PACKED64(host, a, b);                                                            \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(name##ps_load_##form)                                                           \
    {                                                                                    \
        PROBE_VEC(form, c, i, read, true, p);                                            \
        struct x128 a = vec_get(c, i->reg), b = load128(p);                              \
        PACKED32(host, a, b);                                                            \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(name##sd_load_##form)                                                           \
    {                                                                                    \
        PROBE(form, c, i, 8, read, p);                                                   \
        SCALAR64(host, load64(p));                                                       \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(name##ss_load_##form)                                                           \
    {                                                                                    \
        PROBE(form, c, i, 4, read, p);                                                   \
        SCALAR32(host, load32(p));                                                       \
        NEXT(c, i);                                                                      \
    }
#define ARITHMETIC(name, host)                                                           \
    FAST(name##pd_rr)                                                                    \
    {                                                                                    \
        struct x128 a = vec_get(c, i->reg), b = vec_get(c, i->rm);                       \
        PACKED64(host, a, b);                                                            \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(name##ps_rr)                                                                    \
    {                                                                                    \
        struct x128 a = vec_get(c, i->reg), b = vec_get(c, i->rm);                       \
        PACKED32(host, a, b);                                                            \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(name##sd_rr)                                                                    \
    {                                                                                    \
        SCALAR64(host, RM_Q(0));                                                         \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FAST(name##ss_rr)                                                                    \
    {                                                                                    \
        SCALAR32(host, (u32)RM_Q(0));                                                    \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FOR_FORMS(ARITHMETIC_LOADS, name, host)

/* The square root as an operation of two operands. */
static ALWAYS_INLINE bool host_f64_root(u64 a, u64 b, u64 *r)
{
    (void)a;
    return host_f64_sqrt(b, r);
}
static ALWAYS_INLINE bool host_f32_root(u32 a, u32 b, u32 *r)
{
    (void)a;
    return host_f32_sqrt(b, r);
}

#define ARITHMETIC_NAMES(_) _(add) _(sub) _(mul) _(div) _(min) _(max) _(sqrt)
ARITHMETIC(add, add)
ARITHMETIC(sub, sub)
ARITHMETIC(mul, mul)
ARITHMETIC(div, div)
ARITHMETIC(min, min)
ARITHMETIC(max, max)
ARITHMETIC(sqrt, root)

/* ---- COMIxx, UCOMIxx: alike for numbers, which raise nothing; OF SF AF cleared ---- */

static ALWAYS_INLINE void put_relation(struct cpu *c, bool less, bool equal)
{
    lazy_put(&c->lazy, less ? FLAG_CF : equal ? FLAG_ZF : 0);
}

#define COMPARE64(b)                                                                     \
    u64 m = REG_Q(0), n = b;                                                             \
    double x, y;                                                                         \
    SLOW_UNLESS(HOST_FLOAT && f64_plain(m) && f64_plain(n));                             \
    memcpy(&x, &m, 8);                                                                   \
    memcpy(&y, &n, 8);                                                                   \
    put_relation(c, x < y, x == y)
#define COMPARE32(b)                                                                     \
    u32 m = (u32)REG_Q(0), n = b;                                                        \
    float x, y;                                                                          \
    SLOW_UNLESS(HOST_FLOAT && f32_plain(m) && f32_plain(n));                             \
    memcpy(&x, &m, 4);                                                                   \
    memcpy(&y, &n, 4);                                                                   \
    put_relation(c, x < y, x == y)

/* ---- conversions ---- */

/* From integers the host rounds as MXCSR asks, once host_float_ok; int32 to double is
 * exact whatever it asks. */
#define TO_DOUBLE(v)                                                                     \
    double x = (double)(v);                                                              \
    u64 r;                                                                               \
    memcpy(&r, &x, 8);                                                                   \
    REG_Q(0) = r
#define TO_FLOAT(v)                                                                      \
    float x = (float)(v);                                                                \
    u32 r;                                                                               \
    memcpy(&r, &x, 4);                                                                   \
    low32_set(vec_at(c, i->reg), r)
#define SD_OF_32(v)                                                                      \
    SLOW_UNLESS(HOST_FLOAT);                                                             \
    TO_DOUBLE((s32)(v))
#define SD_OF_64(v)                                                                      \
    SLOW_UNLESS(host_float_ok(c->mxcsr));                                                \
    TO_DOUBLE((s64)(v))
#define SS_OF_32(v)                                                                      \
    SLOW_UNLESS(host_float_ok(c->mxcsr));                                                \
    TO_FLOAT((s32)(v))
#define SS_OF_64(v)                                                                      \
    SLOW_UNLESS(host_float_ok(c->mxcsr));                                                \
    TO_FLOAT((s64)(v))

/* Truncation knows no rounding mode; its magnitude must fit the integer. Denormals
 * raise nothing but inexact here. */
#define TRUNCATE64(w, b)                                                                 \
    u64 m = b;                                                                           \
    double x;                                                                            \
    SLOW_UNLESS(host_float_ok(c->mxcsr) && (m >> 52 & 0x7ff) < 0x3ff + w - 1);           \
    memcpy(&x, &m, 8);                                                                   \
    put##w(c, i->reg, (u##w)(s##w)x)
#define TRUNCATE32(w, b)                                                                 \
    u32 m = b;                                                                           \
    float x;                                                                             \
    SLOW_UNLESS(host_float_ok(c->mxcsr) && (m >> 23 & 0xff) < 0x7f + w - 1);             \
    memcpy(&x, &m, 4);                                                                   \
    put##w(c, i->reg, (u##w)(s##w)x)

/* Exact for numbers: no condition on MXCSR. */
#define SD_OF_SS(b)                                                                      \
    u32 m = b;                                                                           \
    float y;                                                                             \
    SLOW_UNLESS(HOST_FLOAT && f32_plain(m));                                             \
    memcpy(&y, &m, 4);                                                                   \
    TO_DOUBLE(y)
#define SS_OF_SD(b)                                                                      \
    u64 m = b;                                                                           \
    double y;                                                                            \
    float x;                                                                             \
    u32 r;                                                                               \
    SLOW_UNLESS(host_float_ok(c->mxcsr) && f64_plain(m));                                \
    memcpy(&y, &m, 8);                                                                   \
    x = (float)y;                                                                        \
    memcpy(&r, &x, 4);                                                                   \
    SLOW_UNLESS(f32_safe(r) || !(m << 1));                                               \
    low32_set(vec_at(c, i->reg), r)

/* CONVERSION(name, operation, the register operand, bytes of memory, its load) */
#define CONVERSION_LOAD(form, name, operation, size, load)                               \
    FAST(name##_load_##form)                                                             \
    {                                                                                    \
        PROBE(form, c, i, size, read, p);                                                \
        operation(load(p));                                                              \
        NEXT(c, i);                                                                      \
    }
#define CONVERSION(name, operation, operand, size, load)                                 \
    FAST(name##_rr)                                                                      \
    {                                                                                    \
        operation(operand);                                                              \
        NEXT(c, i);                                                                      \
    }                                                                                    \
    FOR_FORMS(CONVERSION_LOAD, name, operation, size, load)
#define TRUNCATE_SD_32(b) TRUNCATE64(32, b)
#define TRUNCATE_SD_64(b) TRUNCATE64(64, b)
#define TRUNCATE_SS_32(b) TRUNCATE32(32, b)
#define TRUNCATE_SS_64(b) TRUNCATE32(64, b)
CONVERSION(comisd, COMPARE64, RM_Q(0), 8, load64)
CONVERSION(comiss, COMPARE32, (u32)RM_Q(0), 4, load32)
CONVERSION(cvtsi2sd_32, SD_OF_32, get32(c, i->rm), 4, load32)
CONVERSION(cvtsi2sd_64, SD_OF_64, get64(c, i->rm), 8, load64)
CONVERSION(cvtsi2ss_32, SS_OF_32, get32(c, i->rm), 4, load32)
CONVERSION(cvtsi2ss_64, SS_OF_64, get64(c, i->rm), 8, load64)
CONVERSION(cvttsd2si_32, TRUNCATE_SD_32, RM_Q(0), 8, load64)
CONVERSION(cvttsd2si_64, TRUNCATE_SD_64, RM_Q(0), 8, load64)
CONVERSION(cvttss2si_32, TRUNCATE_SS_32, (u32)RM_Q(0), 4, load32)
CONVERSION(cvttss2si_64, TRUNCATE_SS_64, (u32)RM_Q(0), 4, load32)
CONVERSION(cvtss2sd, SD_OF_SS, (u32)RM_Q(0), 4, load32)
CONVERSION(cvtsd2ss, SS_OF_SD, RM_Q(0), 8, load64)

/* ---- choosing ---- */

/* pure: the register form only touches registers, so flags before it may stay dead.
 * aligned, wide: rows of which T_ALIGN16 or REX.W choose another line. */
enum { ANY, ALIGNED, UNALIGNED, NARROW, WIDE };

struct row {
    general_fn *general;
    insn_fn *rr, *memory[FORMS];
    bool pure;
    uint8_t when;
};

#define PURE(name) {op_sse_##name, name##_rr, FORM_ROW(name##_load), true, ANY},
#define ROUNDING(name)                                                                   \
    {op_sse_##name##sd, name##sd_rr, FORM_ROW(name##sd_load), false, ANY},               \
        {op_sse_##name##ss, name##ss_rr, FORM_ROW(name##ss_load), false, ANY},           \
        {op_sse_##name##pd, name##pd_rr, FORM_ROW(name##pd_load), false, ANY},           \
        {op_sse_##name##ps, name##ps_rr, FORM_ROW(name##ps_load), false, ANY},
#define SHIFTED(name) {op_sse_##name, name, {0}, true, ANY},
#define CONVERTS(general, name, when)                                                    \
    {op_sse_##general, name##_rr, FORM_ROW(name##_load), false, when},

static const struct row rows[] = {
    {op_sse_load, load_rr, FORM_ROW(load_a), true, ALIGNED},
    {op_sse_load, load_rr, FORM_ROW(load_u), true, UNALIGNED},
    {op_sse_store, store_rr, FORM_ROW(store_a), true, ALIGNED},
    {op_sse_store, store_rr, FORM_ROW(store_u), true, UNALIGNED},
    {op_sse_movss_load, movss_load_rr, FORM_ROW(part_load32), true, ANY},
    {op_sse_movss_store, movss_store_rr, FORM_ROW(part_store32), true, ANY},
    {op_sse_movsd_load, movsd_load_rr, FORM_ROW(part_load64), true, ANY},
    {op_sse_movsd_store, movsd_store_rr, FORM_ROW(part_store64), true, ANY},
    {op_sse_movq_load, movq_load_rr, FORM_ROW(part_load64), true, ANY},
    {op_sse_movq_store, movq_store_rr, FORM_ROW(part_store64), true, ANY},
    {op_sse_movd_load, movd32_load_r, FORM_ROW(part_load32), true, NARROW},
    {op_sse_movd_load, movd64_load_r, FORM_ROW(part_load64), true, WIDE},
    {op_sse_movd_store, movd32_store_r, FORM_ROW(part_store32), true, NARROW},
    {op_sse_movd_store, movd64_store_r, FORM_ROW(part_store64), true, WIDE},
    {op_sse_low_load, NULL, FORM_ROW(low_load), true, ANY},
    {op_sse_low_store, NULL, FORM_ROW(part_store64), true, ANY},
    {op_sse_high_load, NULL, FORM_ROW(high_load), true, ANY},
    {op_sse_high_store, NULL, FORM_ROW(high_store), true, ANY},
    {op_sse_movhlps, movhlps, {0}, true, ANY},
    {op_sse_movlhps, movlhps, {0}, true, ANY},
    {op_sse_movddup, movddup_rr, FORM_ROW(movddup_load), true, ANY},
    {op_sse_pmovmskb, pmovmskb, {0}, true, ANY},
    {op_sse_movmskpd, movmskpd, {0}, true, ANY},
    {op_sse_movmskps, movmskps, {0}, true, ANY},
    LANE_NAMES(PURE)
    UNPACK_NAMES(PURE)
    PURE(pshufd) PURE(shufps) PURE(shufpd)
    SHIFTED(psrlw_imm) SHIFTED(psrld_imm) SHIFTED(psrlq_imm) SHIFTED(psllw_imm)
    SHIFTED(pslld_imm) SHIFTED(psllq_imm) SHIFTED(psraw_imm) SHIFTED(psrad_imm)
    {op_sse_psrldq, psrldq_imm, {0}, true, ANY},
    {op_sse_pslldq, pslldq_imm, {0}, true, ANY},
    ARITHMETIC_NAMES(ROUNDING)
    CONVERTS(comisd, comisd, ANY)
    CONVERTS(ucomisd, comisd, ANY)
    CONVERTS(comiss, comiss, ANY)
    CONVERTS(ucomiss, comiss, ANY)
    CONVERTS(cvtsi2sd, cvtsi2sd_32, NARROW)
    CONVERTS(cvtsi2sd, cvtsi2sd_64, WIDE)
    CONVERTS(cvtsi2ss, cvtsi2ss_32, NARROW)
    CONVERTS(cvtsi2ss, cvtsi2ss_64, WIDE)
    CONVERTS(cvttsd2si, cvttsd2si_32, NARROW)
    CONVERTS(cvttsd2si, cvttsd2si_64, WIDE)
    CONVERTS(cvttss2si, cvttss2si_32, NARROW)
    CONVERTS(cvttss2si, cvttss2si_64, WIDE)
    CONVERTS(cvtss2sd, cvtss2sd, ANY)
    CONVERTS(cvtsd2ss, cvtsd2ss, ANY)
};

struct fast fast_select_sse(const struct insn *i, uint32_t mode)
{
    const struct isa_row *isa = &isa_rows[i->row];
    general_fn *g = isa_general[i->row];

    if ((isa->traits & (T_SSE | T_MMX)) != T_SSE)
        return (struct fast){0};
    for (unsigned n = 0; n < ARRAY_SIZE(rows); n++) {
        const struct row *r = &rows[n];
        bool applies = r->when == ALIGNED     ? (isa->traits & T_ALIGN16) != 0
                       : r->when == UNALIGNED ? !(isa->traits & T_ALIGN16)
                       : r->when == NARROW    ? !(i->form & FORM_W)
                       : r->when == WIDE      ? (i->form & FORM_W) != 0
                                              : true;
        if (g != r->general || !applies)
            continue;
        if (i->form & FORM_MEM)
            return (struct fast){r->memory[form_of(i, mode)], NULL, EFFECT_BARRIER, 1,
                                 false};
        return (struct fast){r->rr, NULL, r->pure ? EFFECT_NONE : EFFECT_BARRIER, 1,
                             false};
    }
    return (struct fast){0};
}
