/* op_segment.c - moves to and from segment registers, and instructions that look at
 * descriptors: LAR, LSL, VERR, VERW, ARPL, LLDT, LTR, SLDT, STR.
 *
 * Intel SDM vol 2; vol 3A 5.10 (pointer validation), 2.4 (LDTR and TR).
 */
#include "cpu/isa.h"
#include "cpu/operand.h"
#include "cpu/transfer.h"

/* After SS changes, interrupts and debug traps wait for the next instruction, which is
 * meant to load SP (vol 3A 6.8.3). */
static void shadow(struct cpu *c, enum sreg n)
{
    if (n == SS) {
        c->shadow_end = cpu_retired(c) + 2;
        c->shadow_ss = true;
    }
    c->leave = true;
}

void op_mov_from_sreg(struct cpu *c, const struct insn *i)
{
    /* Memory gets 16 bits whatever the operand size; a register its zero-extension. */
    rm_set(c, i, i->form & FORM_MEM ? 16 : i->bits, c->seg[i->reg].selector);
}

void op_mov_to_sreg(struct cpu *c, const struct insn *i)
{
    uint16_t selector = (uint16_t)rm_get(c, i, 16);

    if (i->reg == CS)
        RAISE_UD(c, R_UD_MOV_CS);
    seg_load(c, i->reg, selector);
    shadow(c, i->reg);
}

static void push_sreg(struct cpu *c, const struct insn *i, enum sreg n)
{
    uint64_t sp = (c->gpr[RSP] - i->bits / 8u) & stack_mask(c);

    /* With 32-bit operands recent Intel CPUs write the selector's two bytes alone
     * (vol 2, PUSH). */
    mem_store(c, SS, sp, i->bits == 32 ? 2 : i->bits / 8u, c->seg[n].selector);
    set_sp(c, sp);
}

static void pop_sreg(struct cpu *c, const struct insn *i, enum sreg n)
{
    uint64_t mask = stack_mask(c); /* POP SS moves the old stack's pointer */
    uint64_t v = stack_peek(c, i->bits, 0);

    seg_load(c, n, (uint16_t)v);
    c->gpr[RSP] = sp_merge(c->gpr[RSP], mask, c->gpr[RSP] + i->bits / 8u);
    shadow(c, n);
}

#define PUSH(name, n)                                                                  \
    void op_push_##name(struct cpu *c, const struct insn *i)                           \
    {                                                                                  \
        push_sreg(c, i, n);                                                            \
    }
#define POP(name, n)                                                                   \
    void op_pop_##name(struct cpu *c, const struct insn *i)                            \
    {                                                                                  \
        pop_sreg(c, i, n);                                                             \
    }
PUSH(es, ES)
PUSH(cs, CS)
PUSH(ss, SS)
PUSH(ds, DS)
PUSH(fs, FS)
PUSH(gs, GS)
POP(es, ES)
POP(ss, SS)
POP(ds, DS)
POP(fs, FS)
POP(gs, GS)

/* LDS, LES, LSS, LFS, LGS: offset, then selector. */
static void load_pointer(struct cpu *c, const struct insn *i, enum sreg n)
{
    unsigned bytes = i->bits / 8;
    uint64_t at = ea(c, i), next = at + bytes, offset;
    uint16_t selector;

    next = INSN_ASIZE(i) == 0   ? (uint16_t)next
           : INSN_ASIZE(i) == 1 ? (uint32_t)next
                                : next;
    offset = mem_load(c, INSN_SEG(i), at, bytes);
    selector = (uint16_t)mem_load(c, INSN_SEG(i), next, 2);
    seg_load(c, n, selector);
    reg_set(c, i->reg, i->bits, offset);
    c->leave = true;
}

#define LOAD_POINTER(name, n)                                                          \
    void op_##name(struct cpu *c, const struct insn *i)                                \
    {                                                                                  \
        load_pointer(c, i, n);                                                         \
    }
LOAD_POINTER(lds, DS)
LOAD_POINTER(les, ES)
LOAD_POINTER(lss, SS)
LOAD_POINTER(lfs, FS)
LOAD_POINTER(lgs, GS)

/* ---- looking at descriptors ---- */

static void set_zf(struct cpu *c, bool zf)
{
    uint32_t flags = lazy_get(&c->lazy) & ~(uint32_t)FLAG_ZF;
    lazy_put(&c->lazy, flags | (zf ? FLAG_ZF : 0));
}

/* May this privilege see the segment? */
static bool visible(const struct cpu *c, const struct descriptor *d)
{
    unsigned dpl = ATTR_DPL(d->attr);
    return IS_CONFORMING(d->attr) || (c->cpl <= dpl && RPL(d->selector) <= dpl);
}

/* System descriptor types that LAR and LSL accept (vol 2, Tables 3-54 and 3-59). */
static bool system_type_ok(const struct cpu *c, unsigned type, bool gates)
{
    enum {
        SEGMENTS_32 = 1 << SYS_TSS16 | 1 << SYS_LDT | 1 << SYS_TSS16_BUSY |
                      1 << SYS_TSS32 | 1 << SYS_TSS32_BUSY,
        GATES_32 = 1 << SYS_GATE16 | 1 << SYS_TASK_GATE | 1 << SYS_GATE32,
        SEGMENTS_64 = 1 << SYS_LDT | 1 << SYS_TSS32 | 1 << SYS_TSS32_BUSY,
        GATES_64 = 1 << SYS_GATE32,
    };
    unsigned ok = cpu_long_mode(c) ? SEGMENTS_64 | (gates ? GATES_64 : 0u)
                                   : SEGMENTS_32 | (gates ? GATES_32 : 0u);
    return ok >> type & 1;
}

static bool look(struct cpu *c, uint16_t selector, bool gates, struct descriptor *d)
{
    if (IS_NULL(selector) || !descriptor_read(c, selector, d))
        return false;
    if (!(d->attr & SEG_S) && !system_type_ok(c, d->attr & SEG_TYPE, gates))
        return false;
    return visible(c, d);
}

void op_lar(struct cpu *c, const struct insn *i)
{
    struct descriptor d;
    bool ok = look(c, (uint16_t)rm_get(c, i, 16), true, &d);

    /* Limit bits 19:16 come along, as on real CPUs; undefined, says the manual. */
    if (ok)
        reg_set(c, i->reg, i->bits, d.raw >> 32 & 0xffff00);
    set_zf(c, ok);
}

void op_lsl(struct cpu *c, const struct insn *i)
{
    struct descriptor d;
    bool ok = look(c, (uint16_t)rm_get(c, i, 16), false, &d);

    if (ok)
        reg_set(c, i->reg, i->bits, d.limit);
    set_zf(c, ok);
}

void op_verr(struct cpu *c, const struct insn *i)
{
    uint16_t selector = (uint16_t)rm_get(c, i, 16);
    struct descriptor d;

    set_zf(c, !IS_NULL(selector) && descriptor_read(c, selector, &d) &&
                  (d.attr & SEG_S) &&
                  (d.attr & (SEG_CODE | SEG_READABLE)) != SEG_CODE && visible(c, &d));
}

void op_verw(struct cpu *c, const struct insn *i)
{
    uint16_t selector = (uint16_t)rm_get(c, i, 16);
    struct descriptor d;

    set_zf(c,
           !IS_NULL(selector) && descriptor_read(c, selector, &d) &&
               (d.attr & (SEG_S | SEG_CODE | SEG_WRITABLE)) == (SEG_S | SEG_WRITABLE) &&
               visible(c, &d));
}

void op_arpl(struct cpu *c, const struct insn *i)
{
    struct place rm = open_rm(c, i, 16);
    uint16_t selector = (uint16_t)place_get(c, &rm);
    unsigned rpl = RPL(reg_get(c, i->reg, 16));
    bool raise = RPL(selector) < rpl;

    if (raise)
        place_set(c, &rm, (selector & ~3u) | rpl);
    set_zf(c, raise);
}

/* ---- LDTR, TR ---- */

static void umip_check(struct cpu *c)
{
    if ((c->cr4 & CR4_UMIP) && c->cpl > 0)
        raise_fault(c, VEC_GP, 0, R_GP_UMIP, c->cpl, 0, 0);
}

void op_sldt(struct cpu *c, const struct insn *i)
{
    umip_check(c);
    rm_set(c, i, i->form & FORM_MEM ? 16 : i->bits, c->ldtr.selector);
}

void op_str(struct cpu *c, const struct insn *i)
{
    umip_check(c);
    rm_set(c, i, i->form & FORM_MEM ? 16 : i->bits, c->tr.selector);
}

static void check_wide_base(struct cpu *c, const struct descriptor *d)
{
    if (!cpu_long_mode(c))
        return;
    if (!la_canonical_max(c, d->base))
        raise_selector(c, VEC_GP, d->selector, R_SYSTEM_BASE, d->base, 0);
    if (d->high >> 40 & 0x1f)
        raise_selector(c, VEC_GP, d->selector, R_SYSTEM_UPPER, d->high >> 40 & 0x1f, 0);
}

void op_lldt(struct cpu *c, const struct insn *i)
{
    uint16_t selector = (uint16_t)rm_get(c, i, 16);
    struct descriptor d;

    if (IS_NULL(selector)) {
        segment_null(&c->ldtr, selector);
        return;
    }
    if (selector & SEL_TI)
        raise_selector(c, VEC_GP, selector, R_LDT_IN_LDT, 0, 0);
    if (!descriptor_read(c, selector, &d))
        raise_outside_table(c, VEC_GP, selector);
    if ((d.attr & 0x1f) != SYS_LDT)
        raise_selector(c, VEC_GP, selector, R_LDT_TYPE, d.attr & 0x1f, 0);
    if (!(d.attr & SEG_P))
        raise_selector(c, VEC_NP, selector, R_LDT_NOT_PRESENT, 0, 0);
    check_wide_base(c, &d);
    segment_set(&c->ldtr, &d);
}

void op_ltr(struct cpu *c, const struct insn *i)
{
    uint16_t selector = (uint16_t)rm_get(c, i, 16);
    struct descriptor d;
    unsigned type;

    if (IS_NULL(selector))
        raise_fault(c, VEC_GP, 0, R_TR_NULL, selector, 0, 0);
    if (selector & SEL_TI)
        raise_selector(c, VEC_GP, selector, R_TASK_IN_LDT, 0, 0);
    if (!descriptor_read(c, selector, &d))
        raise_outside_table(c, VEC_GP, selector);
    type = d.attr & 0x1f;
    if (type != SYS_TSS32 && (type != SYS_TSS16 || cpu_long_mode(c)))
        raise_selector(c, VEC_GP, selector, R_TR_TYPE, type, 0);
    if (!(d.attr & SEG_P))
        raise_selector(c, VEC_NP, selector, R_NP_TSS, 0, 0);
    check_wide_base(c, &d);
    d.attr |= SYS_BUSY;
    sys_store(c, d.where + 5, 1, (d.raw >> 40 & 0xff) | SYS_BUSY);
    segment_set(&c->tr, &d);
}
