/* vop.h - the frame of a VEX-encoded vector instruction.
 *
 * A handler is a frame around a kernel. The frame reads the operands into a struct vop,
 * the kernel computes the result from them, the frame looks at the floating-point
 * exceptions and writes the register; bits above the vector length become zero (SDM vol
 * 1 14.3). A kernel sees neither registers nor memory, so it serves every encoding and
 * length of its operation, and nothing is committed before the last thing that can raise.
 */
#ifndef CPU_VOP_H
#define CPU_VOP_H

#include "cpu/hostfloat.h"
#include "cpu/simd.h"

struct vop {
    struct vec d;      /* result; before: the destination's old value (with is4 that
                          register's) */
    struct vec a, b;   /* first source (vvvv) and second (r/m): `words` words, or as many
                          of b as the frame was told to read */
    unsigned words;    /* 64-bit words of the vector length: 2 or 4 */
    unsigned imm;      /* imm8 */
    struct fp_env env; /* VOP_FP: as MXCSR says; the kernel's flags */
    bool host;         /* VOP_FP: the host's FPU may be tried (host_float_ok) */
};

/* How many bytes r/m has, by the words of the vector length: the size of a memory
 * operand. */
#define VOP_FULL(words) ((words) * 8)
#define VOP_HALF(words) ((words) * 4)
#define VOP_QUARTER(words) ((words) * 2)
#define VOP_EIGHTH(words) (words)
#define VOP_16(words) 16 /* XMM whatever the length: shift counts, 128-bit lanes */
#define VOP_32(words) 32
#define VOP_8(words) 8   /* one element whatever the length: broadcasts */
#define VOP_4(words) 4
#define VOP_2(words) 2
#define VOP_1(words) 1

static ALWAYS_INLINE unsigned vop_words(const struct insn *i)
{
    return 2u << INSN_VL(i);
}

/* At least `words` words; constant sizes make moves, where a loop makes a call. */
static ALWAYS_INLINE void vec_copy(struct vec *to, const struct vec *from, unsigned words)
{
    enum { YMM = 4 * sizeof to->q[0] };
    memcpy(to->q, from->q, YMM);
    if (words > 4)
        memcpy(to->q + 4, from->q + 4, sizeof to->q - YMM);
}

/* r/m: bytes of memory (1 to 64), or the register's. Below 8 bytes memory is
 * zero-extended to a word. */
static ALWAYS_INLINE void vop_load(struct cpu *c, const struct insn *i, struct vec *to,
                                   unsigned bytes)
{
    if (!(i->form & FORM_MEM))
        vec_copy(to, vec_at(c, i->rm), (bytes + 7) / 8);
    else if (bytes <= 8)
        to->q[0] = mem_load(c, INSN_SEG(i), ea(c, i), bytes);
    else
        wide_read(c, i, to->q, bytes);
}

/* The register gets `words` words and zeros above. */
static ALWAYS_INLINE void vec_set(struct vec *to, const struct vec *from, unsigned words)
{
    to->q[0] = from->q[0];
    to->q[1] = words > 1 ? from->q[1] : 0;
    to->q[2] = words > 2 ? from->q[2] : 0;
    to->q[3] = words > 2 ? from->q[3] : 0;
    if (words > 4)
        memcpy(to->q + 4, from->q + 4, 4 * sizeof to->q[0]);
    else
        memset(to->q + 4, 0, 4 * sizeof to->q[0]);
}

static ALWAYS_INLINE void vop_put(struct cpu *c, uint16_t offset, const struct vec *from,
                                  unsigned words)
{
    vec_set(vec_at(c, offset), from, words);
}

static ALWAYS_INLINE void vop_put128(struct cpu *c, uint16_t offset, struct x128 x)
{
    struct vec *to = vec_at(c, offset);
    *to = (struct vec){{x.q[0], x.q[1]}};
}

/* The first source: vvvv. */
static ALWAYS_INLINE struct vec *vop_first(struct cpu *c, const struct insn *i)
{
    return &c->v[INSN_VVVV(i)];
}

/* Bits 127:64 or 127:32 of a scalar's result come from the first source. */
static ALWAYS_INLINE struct x128 vop_first128(struct cpu *c, const struct insn *i)
{
    const struct vec *v = vop_first(c, i);
    return x128(v->q[0], v->q[1]);
}

static ALWAYS_INLINE void vop_open(struct cpu *c, const struct insn *i, struct vop *o,
                                   unsigned bytes)
{
    o->words = vop_words(i);
    o->imm = (unsigned)i->imm & 0xff;
    vop_load(c, i, &o->b, bytes);
    vec_copy(&o->a, vop_first(c, i), o->words);
}

typedef void vop_kernel(struct vop *o);

/* VOP(name, size of r/m, kernel): the handler op_v_<name>. */
#define VOP(name, size, kernel)                                                        \
    void op_v_##name(struct cpu *c, const struct insn *i)                              \
    {                                                                                  \
        struct vop o;                                                                  \
        vop_open(c, i, &o, size(vop_words(i)));                                        \
        kernel(&o);                                                                    \
        vop_put(c, i->reg, &o.d, o.words);                                             \
    }

/* Floating point: what MXCSR says before the kernel, the exceptions after it. */
static ALWAYS_INLINE void vop_fp(const struct cpu *c, struct vop *o)
{
    o->env = (struct fp_env)SSE_ENV(c);
    o->host = host_float_ok(c->mxcsr);
}

static ALWAYS_INLINE void vop_done(struct cpu *c, const struct insn *i, struct vop *o,
                                   unsigned words)
{
    sse_done(c, &o->env);
    vop_put(c, i->reg, &o->d, words);
}

#define VOP_FP(name, size, kernel)                                                     \
    void op_v_##name(struct cpu *c, const struct insn *i)                              \
    {                                                                                  \
        struct vop o;                                                                  \
        vop_open(c, i, &o, size(vop_words(i)));                                        \
        vop_fp(c, &o);                                                                 \
        kernel(&o);                                                                    \
        vop_done(c, i, &o, o.words);                                                   \
    }

/* With the destination as third source (FMA), which the kernel finds in d. */
#define VOP_FMA(name, kernel)                                                          \
    void op_v_##name(struct cpu *c, const struct insn *i)                              \
    {                                                                                  \
        struct vop o;                                                                  \
        vop_open(c, i, &o, VOP_FULL(vop_words(i)));                                    \
        vop_fp(c, &o);                                                                 \
        vec_copy(&o.d, vec_at(c, i->reg), o.words);                                    \
        kernel(&o);                                                                    \
        vop_done(c, i, &o, o.words);                                                   \
    }

/* Scalars, whatever VEX.L: the kernel finds in d what bits 127:0 keep (of the first
 * source; with FMA of the destination, which is its third source) and replaces element
 * 0. bytes: the size of r/m. */
static ALWAYS_INLINE void vop_open_scalar(struct cpu *c, const struct insn *i,
                                          struct vop *o, unsigned bytes)
{
    o->words = 2;
    o->imm = (unsigned)i->imm & 0xff;
    vop_load(c, i, &o->b, bytes);
    vec_copy(&o->a, vop_first(c, i), 2);
    vop_fp(c, o);
}

#define VOP_FP_SCALAR(name, bytes, kernel)                                             \
    void op_v_##name(struct cpu *c, const struct insn *i)                              \
    {                                                                                  \
        struct vop o;                                                                  \
        vop_open_scalar(c, i, &o, bytes);                                              \
        vec_copy(&o.d, &o.a, 2);                                                       \
        kernel(&o);                                                                    \
        vop_done(c, i, &o, 2);                                                         \
    }

#define VOP_FMA_SCALAR(name, bytes, kernel)                                            \
    void op_v_##name(struct cpu *c, const struct insn *i)                              \
    {                                                                                  \
        struct vop o;                                                                  \
        vop_open_scalar(c, i, &o, bytes);                                              \
        vec_copy(&o.d, vec_at(c, i->reg), 2);                                          \
        kernel(&o);                                                                    \
        vop_done(c, i, &o, 2);                                                         \
    }

/* With a fourth operand in imm8 bits 7:4 (is4), which the kernel finds in d. */
#define VOP_IS4(name, size, kernel)                                                    \
    void op_v_##name(struct cpu *c, const struct insn *i)                              \
    {                                                                                  \
        struct vop o;                                                                  \
        vop_open(c, i, &o, size(vop_words(i)));                                        \
        vec_copy(&o.d, &c->v[o.imm >> 4], o.words);                                    \
        kernel(&o);                                                                    \
        vop_put(c, i->reg, &o.d, o.words);                                             \
    }

/* Shifts by imm8: vvvv is the destination and r/m the source. The kernel finds them as
 * in the other form: the source in a, the count in b. */
#define VOP_SHIFT(name, kernel)                                                        \
    void op_v_##name##_imm(struct cpu *c, const struct insn *i)                        \
    {                                                                                  \
        struct vop o = {.words = vop_words(i)};                                        \
        vop_load(c, i, &o.a, VOP_FULL(o.words));                                       \
        o.b.q[0] = (unsigned)i->imm & 0xff;                                            \
        kernel(&o);                                                                    \
        vec_set(vop_first(c, i), &o.d, o.words);                                       \
    }

/* Lane l, of 128 bits. */
static ALWAYS_INLINE struct x128 vop_lane(const struct vec *v, unsigned l)
{
    return x128(v->q[2 * l], v->q[2 * l + 1]);
}

static ALWAYS_INLINE void vop_lane_set(struct vec *v, unsigned l, struct x128 x)
{
    v->q[2 * l] = x.q[0];
    v->q[2 * l + 1] = x.q[1];
}

typedef struct x128 lane128_fn(struct x128 a, struct x128 b, unsigned imm);

/* The same in each lane; a lane uses up `step` bits of imm (0: all use the same). */
static ALWAYS_INLINE void vop_each_lane(struct vop *o, lane128_fn *f, unsigned step)
{
    for (unsigned l = 0; l < o->words / 2; l++)
        vop_lane_set(&o->d, l,
                     f(vop_lane(&o->a, l), vop_lane(&o->b, l), o->imm >> l * step));
}

#define VOP_LANES(name, step, f)                                                       \
    static ALWAYS_INLINE void v_##name(struct vop *o)                                  \
    {                                                                                  \
        vop_each_lane(o, f, step);                                                     \
    }                                                                                  \
    VOP(name, VOP_FULL, v_##name)

#endif
