/* transfer.c - what far calls, returns, interrupts and task switches share. */
#include "cpu/transfer.h"

#include "cpu/operand.h"
#include "mmu/access.h"

/* ---- code segments ---- */

void target_check(struct cpu *c, const struct descriptor *cs, uint64_t rip)
{
    if (is_code64(c, cs->attr)) {
        if (!la_canonical(c, rip))
            raise_fault(c, VEC_GP, 0, R_GP_RIP_NONCANONICAL, rip, 0, 0);
    } else if (rip > cs->limit) {
        raise_fault(c, VEC_GP, 0, R_GP_RIP_LIMIT, rip, cs->limit, 0);
    }
}

void code_set(struct cpu *c, const struct descriptor *cs, unsigned cpl)
{
    segment_set(&c->seg[CS], cs);
    c->seg[CS].selector = (uint16_t)((cs->selector & ~3u) | cpl);
    c->cpl = (uint8_t)cpl;
    if (!cpu_code64(c)) /* else it starts at 0 and has no limit, whatever it holds */
        seg_derive(c, CS);
}

void return_code_check(struct cpu *c, uint16_t selector, struct descriptor *cs)
{
    unsigned rpl = RPL(selector), dpl;

    if (IS_NULL(selector))
        raise_fault(c, VEC_GP, 0, R_RETURN_CS_NULL, selector, 0, 0);
    if (!descriptor_read(c, selector, cs))
        raise_outside_table(c, VEC_GP, selector);
    if (!IS_CODE(cs->attr))
        raise_selector(c, VEC_GP, selector, R_CS_TYPE, cs->attr & 0x1f, 0);
    if (cpu_long_mode(c) && (cs->attr & SEG_L) && (cs->attr & SEG_DB))
        raise_selector(c, VEC_GP, selector, R_CS_L_AND_D, 0, 0);
    if (rpl < c->cpl)
        raise_selector(c, VEC_GP, selector, R_RETURN_INWARD, rpl, c->cpl);
    dpl = ATTR_DPL(cs->attr);
    if (IS_CONFORMING(cs->attr) ? dpl > rpl : dpl != rpl)
        raise_selector(c, VEC_GP, selector, R_RETURN_CS_DPL, dpl, rpl);
    if (!(cs->attr & SEG_P))
        raise_selector(c, VEC_NP, selector, R_NP_CODE, 0, 0);
    descriptor_touch(c, cs);
}

bool return_stack_check(struct cpu *c, uint16_t selector, const struct descriptor *cs,
                        struct descriptor *ss)
{
    unsigned rpl = RPL(cs->selector);

    if (IS_NULL(selector)) {
        /* 64-bit code of levels 0 to 2 needs no stack segment (vol 2, IRET). */
        if (!is_code64(c, cs->attr) || rpl == 3 || RPL(selector) != rpl)
            raise_fault(c, VEC_GP, 0, R_RETURN_SS_NULL, selector, rpl, 0);
        return false;
    }
    if (!descriptor_read(c, selector, ss))
        raise_outside_table(c, VEC_GP, selector);
    if (RPL(selector) != rpl)
        raise_selector(c, VEC_GP, selector, R_RETURN_SS_RPL, RPL(selector), rpl);
    stack_descriptor_check(c, VEC_GP, ss, rpl);
    descriptor_touch(c, ss);
    return true;
}

void return_stack_set(struct cpu *c, uint16_t selector, bool usable,
                      const struct descriptor *ss)
{
    if (usable) {
        segment_set(&c->seg[SS], ss);
    } else {
        segment_null(&c->seg[SS], selector);
        c->seg[SS].attr = (uint16_t)(RPL(selector) << 5);
    }
    if (!cpu_code64(c))
        seg_derive(c, SS);
}

void hide_inner_segments(struct cpu *c)
{
    static const uint8_t data[] = {ES, DS, FS, GS};

    for (unsigned n = 0; n < ARRAY_SIZE(data); n++) {
        struct segment *s = &c->seg[data[n]];
        /* The base of FS and GS stays: 64-bit code goes on addressing through it. */
        if (s->usable && !IS_CONFORMING(s->attr) && ATTR_DPL(s->attr) < c->cpl) {
            s->selector = 0;
            s->usable = false;
        }
        seg_derive(c, data[n]);
    }
}

void flags_load(struct cpu *c, uint64_t rflags)
{
    c->eflags = ((uint32_t)rflags & 0x3f7fd5u & ~(uint32_t)FLAGS_ARITH) | 2;
    lazy_put(&c->lazy, (uint32_t)rflags & FLAGS_ARITH);
    if (c->eflags & FLAG_RF)
        cpu_rf_set(c);
}

/* ---- inner stacks ---- */

static uint64_t tss_load(struct cpu *c, uint32_t offset, unsigned size)
{
    if (offset + size - 1 > c->tr.limit)
        raise_selector(c, VEC_TS, c->tr.selector, R_TS_STACK_LIMIT, offset,
                       c->tr.limit);
    return sys_load(c, c->tr.base + offset, size);
}

/* SS:ESP of cpl. */
static void inner_stack(struct cpu *c, unsigned cpl, struct descriptor *ss,
                        uint32_t *esp)
{
    bool wide = (c->tr.attr & SEG_TYPE) >= SYS_TSS32; /* 386: SSn:ESPn at 4 + 8n */
    uint16_t selector;

    if (wide) {
        *esp = (uint32_t)tss_load(c, 4 + 8 * cpl, 4);
        selector = (uint16_t)tss_load(c, 8 + 8 * cpl, 2);
    } else {
        *esp = (uint32_t)tss_load(c, 2 + 4 * cpl, 2);
        selector = (uint16_t)tss_load(c, 4 + 4 * cpl, 2);
    }
    if (IS_NULL(selector))
        raise_fault(c, VEC_TS, 0, R_TS_STACK_NULL, cpl, 0, 0);
    if (!descriptor_read(c, selector, ss))
        raise_outside_table(c, VEC_TS, selector);
    if (RPL(selector) != cpl)
        raise_selector(c, VEC_TS, selector, R_TS_STACK_RPL, RPL(selector), cpl);
    stack_descriptor_check(c, VEC_TS, ss, cpl);
    descriptor_touch(c, ss);
}

/* SDM vol 3A 7.7, Figure 7-11: RSP0 at 4, IST1 at 36. */
uint64_t inner_rsp(struct cpu *c, unsigned cpl, unsigned ist)
{
    return tss_load(c, ist ? 28 + 8 * ist : 4 + 8 * cpl, 8);
}

/* ---- frames ---- */

void frame_here(struct cpu *c, struct frame *f, unsigned bits)
{
    f->ss = &c->seg[SS];
    f->sp = c->gpr[RSP];
    f->mask = stack_mask(c);
    f->error = 0;
    f->bytes = (uint8_t)(bits / 8);
    f->cpl = c->cpl;
    f->wide = cpu_code64(c);
    f->count = 0;
}

void frame_to_inner(struct cpu *c, struct frame *f, unsigned cpl, struct descriptor *ss,
                    struct segment *stack)
{
    uint32_t esp;

    inner_stack(c, cpl, ss, &esp);
    segment_set(stack, ss);
    f->ss = stack;
    f->sp = esp;
    f->mask = segment_stack_mask(ss->attr);
    f->error = ss->selector & 0xfffcu;
    f->cpl = (uint8_t)cpl;
}

/* The same rules as for SS in seg_linear(), for a stack that is not yet SS. */
static uint64_t frame_linear(struct cpu *c, const struct frame *f, uint64_t offset,
                             unsigned size)
{
    const struct segment *ss = f->ss;
    uint64_t last = offset + size - 1;
    bool inside;

    if (f->wide) {
        if (!la_canonical(c, offset) || !la_canonical(c, last))
            raise_fault(c, VEC_SS, f->error, R_SS_NONCANONICAL, offset, 0, 0);
        return offset;
    }
    if ((c->cr0 & CR0_PE) && !ss->usable)
        raise_fault(c, VEC_SS, f->error, R_GP_NULL_SEGMENT, SS, 0, 0);
    if ((ss->attr & (SEG_CODE | SEG_EXPAND_DOWN)) == SEG_EXPAND_DOWN)
        inside =
            offset > ss->limit && last <= (ss->attr & SEG_DB ? 0xffffffff : 0xffff);
    else
        inside = last <= ss->limit;
    if (!inside)
        raise_fault(c, VEC_SS, f->error, R_SS_LIMIT, offset, size, ss->limit);
    return (uint32_t)(ss->base + offset);
}

void frame_open(struct cpu *c, struct frame *f)
{
    struct accessor how = {.kind = ACCESS_WRITE, .user = f->cpl == 3};
    unsigned total = (unsigned)f->count * f->bytes;
    uint64_t low = frame_sp(f);

    f->host = NULL;
    /* In one piece, unless SP wraps inside the frame (real mode), the frame is long
     * (call gate parameters), or each value's alignment will be checked. */
    f->whole = total <= 64 && low + total - 1 >= low && low + total - 1 <= f->mask &&
               !(how.user && (c->eflags & FLAG_AC));
    if (f->whole) {
        uint64_t la = frame_linear(c, f, low, total);
        f->host = probe_write_as(&c->mmu, la, total, how);
        if (f->host)
            return;
        if (f->wide || la + total <= 0x100000000ull) {
            mem_open_linear(c, la, total, how, &f->at[0]);
            return;
        }
        f->whole = false;
    }
    for (unsigned n = 0; n < f->count; n++) {
        uint64_t at = (f->sp - (uint64_t)(n + 1) * f->bytes) & f->mask;
        mem_open_linear(c, frame_linear(c, f, at, f->bytes), f->bytes, how, &f->at[n]);
    }
}

void frame_write(struct cpu *c, struct frame *f)
{
    uint8_t bytes[64];
    unsigned total = (unsigned)f->count * f->bytes;

    if (LIKELY(f->host != NULL)) {
        uint8_t *to = f->host + total;
        if (f->bytes == 8)
            for (unsigned n = 0; n < f->count; n++)
                store64(to -= 8, f->value[n]);
        else
            for (unsigned n = 0; n < f->count; n++)
                store_le(to -= f->bytes, f->bytes, f->value[n]);
        return;
    }
    if (!f->whole) {
        for (unsigned n = 0; n < f->count; n++)
            spans_store(&c->mmu, &f->at[n], f->bytes, f->value[n]);
        return;
    }
    for (unsigned n = 0; n < f->count; n++)
        store_le(bytes + total - (n + 1) * f->bytes, f->bytes, f->value[n]);
    spans_write(&c->mmu, &f->at[0], bytes, total);
}
