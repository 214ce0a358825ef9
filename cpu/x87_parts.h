/* x87_parts.h - what the x87 handlers share. Inside cpu/x87*.c only.
 *
 * The order of a handler: x87_wait; read memory; compute into locals; write memory;
 * only then touch the x87 state. So a page fault leaves all as it was.
 */
#ifndef CPU_X87_PARTS_H
#define CPU_X87_PARTS_H

#include "cpu/isa.h"
#include "cpu/operand.h"
#include "cpu/softfloat80.h"
#include "cpu/x87.h"

static ALWAYS_INLINE struct f80 *st_at(struct cpu *c, unsigned n)
{
    return &c->st[(x87_top(c) + n) & 7];
}

static ALWAYS_INLINE bool st_empty(const struct cpu *c, unsigned n)
{
    return c->ftw >> ((x87_top(c) + n) & 7) & 1;
}

static ALWAYS_INLINE void st_set(struct cpu *c, unsigned n, struct f80 v)
{
    unsigned r = (x87_top(c) + n) & 7;
    c->st[r] = v;
    c->ftw &= (uint8_t) ~(1u << r);
}

static ALWAYS_INLINE void st_free(struct cpu *c, unsigned n)
{
    c->ftw |= (uint8_t)(1u << ((x87_top(c) + n) & 7));
}

static ALWAYS_INLINE void st_pop(struct cpu *c)
{
    st_free(c, 0);
    x87_set_top(c, x87_top(c) + 1);
}

static ALWAYS_INLINE void st_push(struct cpu *c, struct f80 v)
{
    x87_set_top(c, x87_top(c) - 1);
    st_set(c, 0, v);
}

static ALWAYS_INLINE struct fp_env x87_env(const struct cpu *c)
{
    static const uint8_t precision[4] = {24, 64 /* reserved */, 53, 64};
    return (struct fp_env){
        .rounding = c->fcw >> 10 & 3,
        .precision = precision[c->fcw >> 8 & 3],
        .masks = c->fcw & FCW_MASKS,
    };
}

/* For operations that precision control does not touch. */
static ALWAYS_INLINE struct fp_env x87_env_full(const struct cpu *c)
{
    struct fp_env e = x87_env(c);
    e.precision = 64;
    return e;
}

/* What stands for an argument of the exceptions that leave the operands untouched. */
enum { FP_BEFORE = FP_INVALID | FP_DENORMAL | FP_DIVZERO };

/* First commit of every non-control instruction: the pointers (SDM vol 1 8.1.8, 8.1.9),
 * and C1 cleared until something sets it. */
static ALWAYS_INLINE void x87_begin(struct cpu *c, const struct insn *i)
{
    c->fip = c->insn_rip;
    c->fcs = c->seg[CS].selector;
    c->fop = (uint16_t)(i->imm & 0x7ff);
    if (i->form & FORM_MEM) {
        c->fdp = ea(c, i);
        c->fds = c->seg[INSN_SEG(i)].selector;
    }
    c->fsw &= (uint16_t)~FSW_C1;
}

/* Sets ES and tells the outside world when CR0.NE is clear. */
void x87_pend(struct cpu *c);

/* Notes the exceptions of flags (FP_*); the unmasked ones among them. */
static ALWAYS_INLINE unsigned x87_raise(struct cpu *c, unsigned flags)
{
    unsigned unmasked = flags & FSW_EXCEPTIONS & ~(unsigned)c->fcw;

    c->fsw |= flags & FSW_EXCEPTIONS;
    if (flags & FP_ROUNDED_UP)
        c->fsw |= FSW_C1;
    if (UNLIKELY(unmasked))
        x87_pend(c);
    return unmasked;
}

/* Stack faults: SDM vol 1 8.5.1.1. True: masked, so the default NaN goes to the result.
 */
bool x87_stack_underflow(struct cpu *c);
bool x87_stack_overflow(struct cpu *c);

static ALWAYS_INLINE uint64_t x87_load(struct cpu *c, const struct insn *i,
                                       unsigned size)
{
    return mem_load(c, INSN_SEG(i), ea(c, i), size);
}

static ALWAYS_INLINE void x87_store(struct cpu *c, const struct insn *i, unsigned size,
                                    uint64_t v)
{
    mem_store(c, INSN_SEG(i), ea(c, i), size, v);
}

/* Handlers that isa_x87.def names; the table in isa.c declares them again. */
#define X87(name)                                                                      \
    general_fn op_##name;                                                              \
    void op_##name(struct cpu *c, const struct insn *i)

#endif
