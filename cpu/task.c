/* task.c - hardware task switching with 16- and 32-bit TSSs.
 *
 * Everything the switch touches is translated first; then the old state is saved, and
 * the new one loaded. What is wrong with the new task's segments is found out when it
 * is the current task already, and faults there. Intel SDM vol 3A ch. 7; the order of
 * the checks is that of Table 7-1.
 */
#include "cpu/operand.h"
#include "cpu/transfer.h"

/* Where things stand in a TSS: SDM vol 3A Figures 7-2 and 7-10. General and segment
 * registers are in the order of enum gpr and enum sreg. */
struct tss_layout {
    uint8_t word; /* bytes of a register's slot */
    uint8_t last; /* smallest legal limit */
    uint8_t cr3, ip, flags, gpr, sreg, sregs, ldt, trap;
    uint8_t saved; /* bytes from ip on that a switch writes */
};
static const struct tss_layout layout_16 = {
    .word = 2,
    .last = 0x2b,
    .ip = 0x0e,
    .flags = 0x10,
    .gpr = 0x12,
    .sreg = 0x22,
    .sregs = 4,
    .ldt = 0x2a,
    .saved = 0x2a - 0x0e,
};
static const struct tss_layout layout_32 = {
    .word = 4,
    .last = 0x67,
    .cr3 = 0x1c,
    .ip = 0x20,
    .flags = 0x24,
    .gpr = 0x28,
    .sreg = 0x48,
    .sregs = 6,
    .ldt = 0x60,
    .trap = 0x64,
    .saved = 0x5e - 0x20,
};

static const struct tss_layout *layout_of(uint16_t attr)
{
    return (attr & SEG_TYPE) >= SYS_TSS32 ? &layout_32 : &layout_16;
}

void task_find(struct cpu *c, uint16_t selector, struct descriptor *tss)
{
    unsigned type;

    if ((selector & SEL_TI) || IS_NULL(selector))
        raise_selector(c, VEC_GP, selector, R_TASK_IN_LDT, 0, 0);
    if (!descriptor_read(c, selector, tss))
        raise_outside_table(c, VEC_GP, selector);
    type = tss->attr & 0x1f;
    if (type == SYS_TSS16_BUSY || type == SYS_TSS32_BUSY)
        raise_selector(c, VEC_GP, selector, R_TASK_BUSY, 0, 0);
    if (type != SYS_TSS16 && type != SYS_TSS32)
        raise_selector(c, VEC_GP, selector, R_TASK_TYPE, type, 0);
}

/* ---- memory the switch touches ---- */

static void open_system(struct cpu *c, uint64_t la, unsigned size,
                        enum access_kind kind, struct spans *sp)
{
    struct accessor how = {.kind = kind, .implicit = true};
    mem_open_linear(c, (uint32_t)la, size, how, sp);
}

enum { TSS_BYTES = 0x68, HALF = 0x40 };

struct switch_memory {
    struct spans save, low, high, link, old_busy, new_busy;
    bool clears_old, sets_new, links;
};

static void open_all(struct cpu *c, const struct descriptor *tss,
                     enum task_source source, struct switch_memory *m)
{
    const struct tss_layout *from = layout_of(c->tr.attr), *to = layout_of(tss->attr);

    m->links = source == TASK_CALL || source == TASK_EVENT;
    m->sets_new = source != TASK_RETURN;
    m->clears_old = !m->links && !IS_NULL(c->tr.selector);
    open_system(c, c->tr.base + from->ip, from->saved, ACCESS_WRITE, &m->save);
    if (to == &layout_32) {
        open_system(c, tss->base, HALF, ACCESS_READ, &m->low);
        open_system(c, tss->base + HALF, TSS_BYTES - HALF, ACCESS_READ, &m->high);
    } else {
        open_system(c, tss->base, to->last + 1u, ACCESS_READ, &m->low);
    }
    if (m->links)
        open_system(c, tss->base, 2, ACCESS_WRITE, &m->link);
    if (m->clears_old)
        open_system(c, c->gdtr_base + (c->tr.selector & 0xfff8u) + 5, 1, ACCESS_WRITE,
                    &m->old_busy);
    if (m->sets_new)
        open_system(c, tss->where + 5, 1, ACCESS_WRITE, &m->new_busy);
}

static void set_busy(struct cpu *c, const struct spans *at, bool busy)
{
    uint64_t access = spans_load(&c->mmu, at, 1);
    spans_store(&c->mmu, at, 1,
                busy ? access | SYS_BUSY : access & ~(uint64_t)SYS_BUSY);
}

static void save_state(struct cpu *c, const struct spans *at, enum task_source source,
                       uint64_t rip)
{
    const struct tss_layout *t = layout_of(c->tr.attr);
    uint8_t image[0x40];
    uint64_t flags = source == TASK_EVENT ? event_flags(c) : cpu_flags(c);

    if (source == TASK_RETURN)
        flags &= ~(uint64_t)FLAG_NT;
    /* The upper halves of the selectors' slots keep what they held. */
    spans_read(&c->mmu, at, image, t->saved);
    store_le(image, t->word, rip);
    store_le(image + t->flags - t->ip, t->word, flags);
    for (unsigned n = RAX; n <= RDI; n++)
        store_le(image + t->gpr - t->ip + n * t->word, t->word, c->gpr[n]);
    for (unsigned n = 0; n < t->sregs; n++)
        store16(image + t->sreg - t->ip + n * t->word, c->seg[n].selector);
    spans_write(&c->mmu, at, image, t->saved);
}

/* ---- the new task ---- */

static void load_ldtr(struct cpu *c, uint16_t selector)
{
    struct descriptor d;

    if (IS_NULL(selector))
        return;
    if (selector & SEL_TI)
        raise_selector(c, VEC_TS, selector, R_LDT_IN_LDT, 0, 0);
    if (!descriptor_read(c, selector, &d))
        raise_outside_table(c, VEC_TS, selector);
    if ((d.attr & 0x1f) != SYS_LDT)
        raise_selector(c, VEC_TS, selector, R_LDT_TYPE, d.attr & 0x1f, 0);
    if (!(d.attr & SEG_P))
        raise_selector(c, VEC_TS, selector, R_LDT_NOT_PRESENT, 0, 0);
    segment_set(&c->ldtr, &d);
}

static void load_cs(struct cpu *c, uint16_t selector)
{
    unsigned rpl = RPL(selector), dpl;
    struct descriptor d;

    if (IS_NULL(selector))
        raise_fault(c, VEC_TS, 0, R_TS_CS_NULL, selector, 0, 0);
    if (!descriptor_read(c, selector, &d))
        raise_outside_table(c, VEC_TS, selector);
    dpl = ATTR_DPL(d.attr);
    if (!IS_CODE(d.attr))
        raise_selector(c, VEC_TS, selector, R_CS_TYPE, d.attr & 0x1f, 0);
    if (IS_CONFORMING(d.attr) ? dpl > rpl : dpl != rpl)
        raise_selector(c, VEC_TS, selector, R_TS_CS_DPL, dpl, rpl);
    if (!(d.attr & SEG_P))
        raise_selector(c, VEC_NP, selector, R_NP_CODE, 0, 0);
    descriptor_touch(c, &d);
    code_set(c, &d, rpl);
}

static void load_ss(struct cpu *c, uint16_t selector)
{
    struct descriptor d;

    if (IS_NULL(selector))
        raise_fault(c, VEC_TS, 0, R_TS_STACK_NULL, c->cpl, 0, 0);
    if (!descriptor_read(c, selector, &d))
        raise_outside_table(c, VEC_TS, selector);
    if (RPL(selector) != c->cpl)
        raise_selector(c, VEC_TS, selector, R_TS_STACK_RPL, RPL(selector), c->cpl);
    stack_descriptor_check(c, VEC_TS, &d, c->cpl);
    descriptor_touch(c, &d);
    segment_set(&c->seg[SS], &d);
}

static void load_data(struct cpu *c, enum sreg n, uint16_t selector)
{
    struct descriptor d;

    if (IS_NULL(selector))
        return;
    if (!descriptor_read(c, selector, &d))
        raise_outside_table(c, VEC_TS, selector);
    data_descriptor_check(c, VEC_TS, &d, c->cpl);
    descriptor_touch(c, &d);
    segment_set(&c->seg[n], &d);
}

static void load_segments(struct cpu *c, const uint16_t selector[SREGS])
{
    static const uint8_t data[] = {ES, DS, FS, GS};

    if (cpu_vm86(c)) {
        for (unsigned n = 0; n < SREGS; n++)
            seg_load_real(c, n, selector[n]);
    } else {
        load_cs(c, selector[CS]);
        load_ss(c, selector[SS]);
        for (unsigned n = 0; n < ARRAY_SIZE(data); n++)
            load_data(c, data[n], selector[data[n]]);
    }
    for (unsigned n = 0; n < SREGS; n++)
        seg_derive(c, n);
}

/* Registers from the image; segment registers get their selectors alone, so that a
 * handler finds them should loading one of them fault. */
static void load_registers(struct cpu *c, const struct tss_layout *t,
                           const uint8_t *image, bool nested, uint16_t selector[SREGS])
{
    uint64_t flags = load_le(image + t->flags, t->word);

    for (unsigned n = RAX; n <= RDI; n++)
        c->gpr[n] = load_le(image + t->gpr + n * t->word, t->word);
    for (unsigned n = 0; n < SREGS; n++) {
        selector[n] = n < t->sregs ? load16(image + t->sreg + n * t->word) : 0;
        segment_null(&c->seg[n], selector[n]);
    }
    flags_load(c, nested ? flags | FLAG_NT : flags);
    c->cpl = flags & FLAG_VM ? 3 : RPL(selector[CS]);
    c->rip = load_le(image + t->ip, t->word);
    c->insn_rip = c->rip;
    segment_null(&c->ldtr, load16(image + t->ldt));
}

void task_switch(struct cpu *c, struct descriptor *tss, enum task_source source,
                 uint64_t rip)
{
    const struct tss_layout *from = layout_of(c->tr.attr), *to = layout_of(tss->attr);
    struct switch_memory m;
    uint16_t selector[SREGS];
    uint8_t image[TSS_BYTES];

    if (!(tss->attr & SEG_P))
        raise_selector(c, VEC_NP, tss->selector, R_NP_TSS, 0, 0);
    if (tss->limit < to->last)
        raise_selector(c, VEC_TS, tss->selector, R_TS_LIMIT, tss->limit, to->last);
    if (c->tr.limit + 1u < (uint32_t)from->ip + from->saved &&
        c->tr.limit != UINT32_MAX)
        raise_selector(c, VEC_TS, c->tr.selector, R_TS_LIMIT, c->tr.limit, from->last);
    open_all(c, tss, source, &m);

    /* The point of no return. */
    save_state(c, &m.save, source, rip);
    if (m.clears_old)
        set_busy(c, &m.old_busy, false);
    if (m.sets_new)
        set_busy(c, &m.new_busy, true);
    spans_read(&c->mmu, &m.low, image, to == &layout_32 ? HALF : to->last + 1u);
    if (to == &layout_32)
        spans_read(&c->mmu, &m.high, image + HALF, TSS_BYTES - HALF);
    if (m.links)
        spans_store(&c->mmu, &m.link, 2, c->tr.selector);
    segment_set(&c->tr, tss);
    c->tr.attr |= SYS_BUSY;
    c->cr0 |= CR0_TS;
    c->dr[7] &= ~(uint64_t)DR7_LOCAL;
    debug_watch(c);
    c->leave = true;

    load_registers(c, to, image, m.links, selector);
    if (to->cr3 && (c->cr0 & CR0_PG)) /* 7.3: without paging CR3 stays */
        cr3_load(c, load32(image + to->cr3));
    cpu_derive(c);
    load_ldtr(c, load16(image + to->ldt));
    load_segments(c, selector);
    cpu_derive(c);
    if (to->trap && (load16(image + to->trap) & 1))
        c->pending_debug |= DR6_BT;
    if (c->rip > c->seg[CS].limit)
        raise_fault(c, VEC_GP, 0, R_GP_RIP_LIMIT, c->rip, c->seg[CS].limit, 0);
}
