/* segment.c - descriptors, and loading the data segment registers.
 *
 * Intel SDM vol 3A ch. 3 (segmentation) and ch. 5 (protection); MOV in vol 2.
 */
#include "cpu/segment.h"

#include "cpu/operand.h"
#include "cpu/transfer.h"

/* Outside long mode linear addresses have 32 bits and wrap. */
static uint64_t table_address(const struct cpu *c, uint64_t base, uint32_t offset)
{
    return cpu_long_mode(c) ? base + offset : (uint32_t)(base + offset);
}

/* In IA-32e mode LDT, TSS and call gate descriptors have 16 bytes (3.5, Table 3-2). */
static bool is_wide(uint64_t raw)
{
    switch (raw >> 40 & 0x1f) {
    case SYS_LDT:
    case SYS_TSS32:
    case SYS_TSS32_BUSY:
    case SYS_GATE32: return true;
    default: return false;
    }
}

static ALWAYS_INLINE void unpack(struct descriptor *d, uint64_t raw, uint64_t high)
{
    d->raw = raw;
    d->high = high;
    d->attr = (uint16_t)(raw >> 40 & 0xf0ff);
    d->limit = (uint32_t)((raw & 0xffff) | (raw >> 32 & 0xf0000));
    if (d->attr & SEG_G)
        d->limit = d->limit << 12 | 0xfff;
    d->base = (raw >> 16 & 0xffffff) | (raw >> 32 & 0xff000000);
    if (!(d->attr & SEG_S))
        d->base |= high << 32;
}

void descriptor_unpack(struct descriptor *d, uint64_t raw, uint64_t high)
{
    unpack(d, raw, high);
}

/* The table that a selector names: first byte, last offset. False: there is no LDT. */
static ALWAYS_INLINE bool table_of(const struct cpu *c, uint16_t selector,
                                   uint64_t *base, uint32_t *limit)
{
    bool local = selector & SEL_TI;

    *base = local ? c->ldtr.base : c->gdtr_base;
    *limit = local ? c->ldtr.limit : c->gdtr_limit;
    return !local || c->ldtr.usable;
}

/* Of 16 bytes, of which raw has been read. Apart: others save fewer registers. */
static NOINLINE bool read_wide(struct cpu *c, struct descriptor *d, uint64_t raw)
{
    uint64_t base;
    uint32_t limit;

    (void)table_of(c, d->selector, &base, &limit);
    if ((d->selector & 0xfff8u) + 15 > limit)
        return false;
    unpack(d, raw, sys_load(c, d->where + 8, 8));
    return true;
}

bool descriptor_read(struct cpu *c, uint16_t selector, struct descriptor *d)
{
    uint32_t offset = selector & 0xfff8u, limit;
    uint64_t base, raw;

    if (!table_of(c, selector, &base, &limit) || offset + 7 > limit)
        return false;
    d->selector = selector;
    d->where = table_address(c, base, offset);
    raw = sys_load(c, d->where, 8);
    if (!(raw >> 44 & 1) && cpu_long_mode(c) && is_wide(raw)) /* S = 0 */
        return read_wide(c, d, raw);
    unpack(d, raw, 0);
    return true;
}

void descriptor_touch(struct cpu *c, struct descriptor *d)
{
    if (d->attr & SEG_ACCESSED)
        return;
    d->attr |= SEG_ACCESSED;
    d->raw |= (uint64_t)SEG_ACCESSED << 40;
    sys_store(c, d->where + 5, 1, d->raw >> 40 & 0xff);
}

void segment_set(struct segment *s, const struct descriptor *d)
{
    s->selector = d->selector;
    s->attr = d->attr;
    s->limit = d->limit;
    s->base = d->base;
    s->usable = true;
}

void segment_null(struct segment *s, uint16_t selector)
{
    s->selector = selector;
    s->attr = 0;
    s->limit = 0;
    s->base = 0;
    s->usable = false;
}

/* In 64-bit mode nothing but the canonical form limits an address, and ES, CS, SS and
 * DS start at 0 whatever they hold (SDM vol 3A 3.4.4). */
static void derive_64(const struct cpu *c, enum sreg n, struct segment *s)
{
    uint64_t base = n == FS || n == GS ? s->base : 0;
    uint64_t top = c->cr4 & CR4_LA57 ? UINT64_MAX >> 8 : UINT64_MAX >> 17;

    s->fast_read = 0;
    if (base <= top)
        s->fast_read = top - base;
    else if (base >= ~top)
        s->fast_read = UINT64_MAX - base;
    s->fast_write = s->fast_read;
}

void seg_derive(struct cpu *c, enum sreg n)
{
    struct segment *s = &c->seg[n];
    /* Past 4 GiB linear addresses wrap: left to the full check. */
    uint32_t room = UINT32_MAX - (uint32_t)s->base;
    uint32_t last = s->limit < room ? s->limit : room;

    if (cpu_code64(c)) {
        derive_64(c, n, s);
        return;
    }
    s->fast_read = s->fast_write = 0;
    if (!(c->cr0 & CR0_PE)) {
        /* Real mode checks limits only: DOS extenders write through a CS whose hidden
         * part still says "code" from protected mode. */
        if ((s->attr & (SEG_CODE | SEG_EXPAND_DOWN)) != SEG_EXPAND_DOWN)
            s->fast_read = s->fast_write = last;
        return;
    }
    if (!s->usable || !(s->attr & SEG_S))
        return;
    if (s->attr & SEG_CODE) {
        if (s->attr & SEG_READABLE)
            s->fast_read = last;
    } else if (!(s->attr & SEG_EXPAND_DOWN)) {
        s->fast_read = last;
        if (s->attr & SEG_WRITABLE)
            s->fast_write = last;
    }
}

/* Loading a segment register in real mode changes its base alone (SDM vol 3A 20.1.1
 * says less; "unreal" mode depends on it). A null selector loaded in protected mode
 * left no limit: then the real-mode defaults come back, since DOS extenders clear DS
 * and go on. */
void seg_load_real(struct cpu *c, enum sreg n, uint16_t selector)
{
    struct segment *s = &c->seg[n];

    if (cpu_vm86(c) || !s->usable) {
        s->limit = 0xffff;
        s->attr = cpu_vm86(c) ? ATTR_VM86 : ATTR_REAL;
        s->usable = true;
    }
    s->selector = selector;
    s->base = (uint64_t)selector << 4;
    seg_derive(c, n);
}

void raise_selector(struct cpu *c, enum vector v, uint16_t selector, enum reason why,
                    uint64_t b, uint64_t d)
{
    raise_fault(c, v, selector & 0xfffcu, why, selector, b, d);
}

void raise_outside_table(struct cpu *c, enum vector v, uint16_t selector)
{
    if ((selector & SEL_TI) && !c->ldtr.usable)
        raise_selector(c, v, selector, R_SEL_NO_LDT, 0, 0);
    raise_selector(c, v, selector, R_SEL_LIMIT,
                   selector & SEL_TI ? c->ldtr.limit : c->gdtr_limit, 0);
}

static void load_ss(struct cpu *c, uint16_t selector)
{
    struct descriptor d;

    if (IS_NULL(selector)) {
        /* Only a 64-bit kernel needs no stack segment (vol 2, MOV). */
        if (!cpu_code64(c) || c->cpl == 3)
            raise_fault(c, VEC_GP, 0, R_GP_SS_NULL, selector, c->cpl, 0);
        if (RPL(selector) != c->cpl)
            raise_fault(c, VEC_GP, 0, R_GP_SS_RPL, selector, RPL(selector), c->cpl);
        segment_null(&c->seg[SS], selector);
        c->seg[SS].attr = (uint16_t)(c->cpl << 5);
        return;
    }
    if (!descriptor_read(c, selector, &d))
        raise_outside_table(c, VEC_GP, selector);
    if (RPL(selector) != c->cpl)
        raise_selector(c, VEC_GP, selector, R_GP_SS_RPL, RPL(selector), c->cpl);
    stack_descriptor_check(c, VEC_GP, &d, c->cpl);
    descriptor_touch(c, &d);
    segment_set(&c->seg[SS], &d);
}

static void load_data(struct cpu *c, enum sreg n, uint16_t selector)
{
    struct descriptor d;

    if (IS_NULL(selector)) {
        segment_null(&c->seg[n], selector);
        return;
    }
    if (!descriptor_read(c, selector, &d))
        raise_outside_table(c, VEC_GP, selector);
    data_descriptor_check(c, VEC_GP, &d, c->cpl);
    descriptor_touch(c, &d);
    segment_set(&c->seg[n], &d);
}

/* SS in a protected mode: the checks after "is RPL equal to CPL". v is #GP or #TS. */
void stack_descriptor_check(struct cpu *c, enum vector v, const struct descriptor *d,
                            unsigned cpl)
{
    if ((d->attr & (SEG_S | SEG_CODE | SEG_WRITABLE)) != (SEG_S | SEG_WRITABLE))
        raise_selector(c, v, d->selector, R_SS_TYPE, d->attr & 0x1f, 0);
    if (ATTR_DPL(d->attr) != cpl)
        raise_selector(c, v, d->selector, R_SS_DPL, ATTR_DPL(d->attr), cpl);
    if (!(d->attr & SEG_P))
        raise_selector(c, VEC_SS, d->selector, R_SS_NOT_PRESENT, 0, 0);
}

void data_descriptor_check(struct cpu *c, enum vector v, const struct descriptor *d,
                           unsigned cpl)
{
    unsigned rpl = RPL(d->selector), dpl = ATTR_DPL(d->attr);

    if (!(d->attr & SEG_S))
        raise_selector(c, v, d->selector, R_DATA_SYSTEM, d->attr & SEG_TYPE, 0);
    if ((d->attr & (SEG_CODE | SEG_READABLE)) == SEG_CODE)
        raise_selector(c, v, d->selector, R_DATA_EXECUTE_ONLY, 0, 0);
    if (!IS_CONFORMING(d->attr)) {
        if (rpl > dpl)
            raise_selector(c, v, d->selector, R_DATA_RPL, rpl, dpl);
        if (cpl > dpl)
            raise_selector(c, v, d->selector, R_DATA_CPL, cpl, dpl);
    }
    if (!(d->attr & SEG_P))
        raise_selector(c, VEC_NP, d->selector, R_NP_DATA, 0, 0);
}

void seg_load(struct cpu *c, enum sreg n, uint16_t selector)
{
    if (!cpu_protected(c)) {
        seg_load_real(c, n, selector);
    } else {
        if (n == SS)
            load_ss(c, selector);
        else
            load_data(c, n, selector);
        seg_derive(c, n);
    }
    cpu_derive(c);
}
