/* fast_op.h - bodies of the operations that are joined with a neighbour (fast_pair.c, and
 * fast_branch.c for the branches).
 *
 * A body, do_name(), does what the fast handler of that name does, but for going on. False: its probe
 * missed, and nothing was done.
 */
#ifndef CPU_FAST_OP_H
#define CPU_FAST_OP_H

#include "cpu/fast.h"

#define BODY(name) static ALWAYS_INLINE bool do_##name(struct cpu *c, const struct insn *i)

#define BINARY(name, w, operator)                                                        \
    BODY(name##w##_rr)                                                                   \
    {                                                                                    \
        put##w(c, i->rm, get##w(c, i->rm) operator get##w(c, i->reg));                   \
        return true;                                                                     \
    }
#define BINARY_IMMEDIATE(name, w, operator)                                              \
    BODY(name##w##_ri)                                                                   \
    {                                                                                    \
        put##w(c, i->rm, get##w(c, i->rm) operator(u##w) i->imm);                        \
        return true;                                                                     \
    }
#define SHIFT(name, w, type, operator, suffix, count)                                    \
    BODY(name##w##_##suffix)                                                             \
    {                                                                                    \
        put##w(c, i->rm, (u##w)((type##w)get##w(c, i->rm) operator((count) & (w - 1)))); \
        return true;                                                                     \
    }
#define WIDTH_BODIES(w)                                                                  \
    BINARY(add, w, +)                                                                    \
    BINARY(sub, w, -)                                                                    \
    BINARY(and, w, &)                                                                    \
    BINARY(or, w, |)                                                                     \
    BINARY(xor, w, ^)                                                                    \
    BINARY_IMMEDIATE(add, w, +)                                                          \
    BINARY_IMMEDIATE(sub, w, -)                                                          \
    BINARY_IMMEDIATE(and, w, &)                                                          \
    SHIFT(shl, w, u, <<, i, i->imm)                                                      \
    SHIFT(shr, w, u, >>, i, i->imm)                                                      \
    SHIFT(sar, w, s, >>, i, i->imm)                                                      \
    BODY(mov##w##_rr)                                                                    \
    {                                                                                    \
        put##w(c, i->rm, get##w(c, i->reg));                                             \
        return true;                                                                     \
    }                                                                                    \
    BODY(mov##w##_ri)                                                                    \
    {                                                                                    \
        put##w(c, i->rm, (u##w)i->imm);                                                  \
        return true;                                                                     \
    }                                                                                    \
    BODY(cmp##w##_rr)                                                                    \
    {                                                                                    \
        u##w a = get##w(c, i->rm), r = (u##w)(a - get##w(c, i->reg));                    \
        FLAGS_AFTER_SUB(c, w, a, r);                                                     \
        return true;                                                                     \
    }
WIDTH_BODIES(32)
WIDTH_BODIES(64)
SHIFT(shl, 32, u, <<, cl, c->gpr[RCX])
SHIFT(shr, 32, u, >>, cl, c->gpr[RCX])

BODY(cmp32_ri)
{
    u32 a = get32(c, i->rm), r = a - (u32)i->imm;
    FLAGS_AFTER_SUB(c, 32, a, r);
    return true;
}
BODY(rol32_i)
{
    u32 a = get32(c, i->rm);
    unsigned n = (unsigned)i->imm & 31;
    put32(c, i->rm, a << n | a >> ((32 - n) & 31));
    return true;
}
BODY(lea32)
{
    ADDRESS_F(c, i, 0, read, la);
    put32(c, i->reg, (u32)la);
    return true;
}
BODY(lea64)
{
    ADDRESS_X(c, i, 0, read, la);
    put64(c, i->reg, la);
    return true;
}
BODY(movzx8to32)
{
    put32(c, i->reg, get8(c, i->rm));
    return true;
}
BODY(movzx16to32)
{
    put32(c, i->reg, get16(c, i->rm));
    return true;
}
BODY(movsx32to64)
{
    put64(c, i->reg, (u64)(s64)(s32)get32(c, i->rm));
    return true;
}

#define LOAD(name, form, from, to)                                                       \
    BODY(name##_##form)                                                                  \
    {                                                                                    \
        ADDRESS_##form(c, i, from / 8, read, la);                                        \
        const u8 *p = probe_read(&c->mmu, la, from / 8);                                 \
        if (UNLIKELY(!p))                                                                \
            return false;                                                                \
        put##to(c, i->reg, load##from(p));                                               \
        return true;                                                                     \
    }
#define STORE(name, form, w)                                                             \
    BODY(name##_##form)                                                                  \
    {                                                                                    \
        ADDRESS_##form(c, i, w / 8, write, la);                                          \
        u8 *p = probe_write(&c->mmu, la, w / 8);                                         \
        if (UNLIKELY(!p))                                                                \
            return false;                                                                \
        store##w(p, get##w(c, i->reg));                                                  \
        return true;                                                                     \
    }
LOAD(load32, B, 32, 32)
LOAD(load32, X, 32, 32)
LOAD(load32, F, 32, 32)
LOAD(load64, B, 64, 64)
LOAD(load64, X, 64, 64)
LOAD(loadzx8, B, 8, 32)
LOAD(loadzx8, X, 8, 32)
STORE(store32, B, 32)
STORE(store32, F, 32)
STORE(store64, B, 64)

BODY(push64)
{
    u64 sp = c->gpr[RSP] - 8;
    u8 *p = probe_write(&c->mmu, sp, 8);
    if (UNLIKELY(!p))
        return false;
    store64(p, get64(c, i->rm));
    c->gpr[RSP] = sp;
    return true;
}
BODY(pop64)
{
    u64 sp = c->gpr[RSP];
    const u8 *p = probe_read(&c->mmu, sp, 8);
    if (UNLIKELY(!p))
        return false;
    c->gpr[RSP] = sp + 8;
    put64(c, i->rm, load64(p)); /* last: POP RSP */
    return true;
}

/* All of them. */
#define FIRSTS(_)                                                                        \
    _(mov32_rr) _(mov32_ri) _(add32_rr) _(add32_ri) _(sub32_rr) _(sub32_ri)              \
    _(and32_rr) _(and32_ri) _(or32_rr) _(xor32_rr) _(shl32_i) _(shr32_i) _(sar32_i)      \
    _(rol32_i) _(shl32_cl) _(shr32_cl) _(cmp32_rr) _(cmp32_ri) _(mov64_rr)               \
    _(mov64_ri) _(add64_rr) _(add64_ri) _(sub64_rr) _(sub64_ri) _(and64_rr)              \
    _(and64_ri) _(or64_rr) _(xor64_rr) _(shl64_i) _(shr64_i) _(sar64_i) _(cmp64_rr)      \
    _(lea32) _(lea64) _(movzx8to32) _(movzx16to32) _(movsx32to64) _(load32_B)            \
    _(load32_X) _(load32_F) _(load64_B) _(load64_X) _(store32_B) _(store32_F)            \
    _(store64_B) _(loadzx8_B) _(loadzx8_X) _(push64) _(pop64)

#define NUMBER(name) OP_##name,
enum operation { FIRSTS(NUMBER) OP_COUNT, OP_NONE };

/* A first operation's probe missed: a refill, and once more. */
insn_fn pair_missed;

/* A handler for the operation and the branch (or compare and branch) after it, or NULL. */
insn_fn *fast_join_branch(enum operation first, insn_fn *branch);
/* The same for the CMOVcc or SETcc of a record. */
insn_fn *fast_join_condition(enum operation first, const struct insn *second);

#endif
