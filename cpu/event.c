/* event.c - exceptions and interrupts on their way to a handler: IVT, IDT, task gates.
 *
 * Every check and every translation comes before the first change, so an event that
 * faults on its way leaves the CPU as the instruction left it. Intel SDM vol 3A ch. 6;
 * the pseudo-code of INT in vol 2.
 */
#include "cpu/operand.h"
#include "cpu/transfer.h"

enum { ERROR_IDT = 2 };

static bool is_software(const struct cpu *c)
{
    return c->event.kind == EVENT_SOFTWARE;
}

NORETURN static void raise_idt(struct cpu *c, enum vector v, enum reason why,
                               uint64_t b)
{
    unsigned vector = c->event.vector;
    raise_fault(c, v, vector << 3 | ERROR_IDT, why, vector, b, 0);
}

/* EFLAGS as pushed. RF is set for faults and between the elements of a REP instruction, so
 * that the instruction that is gone on with does not meet its own breakpoint; an
 * instruction breakpoint leaves it to the handler (SDM vol 3B 17.3.1.1). */
uint64_t event_flags(const struct cpu *c)
{
    uint64_t flags = cpu_flags(c);

    switch (c->event.kind) {
    case EVENT_FAULT:
        if (c->event.vector != VEC_DB || c->event.reason != R_DB_EXECUTE)
            flags |= FLAG_RF;
        break;
    case EVENT_SOFTWARE:
    case EVENT_TRAP:
        flags &= ~(uint64_t)FLAG_RF;
        if (c->rep_cut)
            flags |= FLAG_RF;
        break;
    default: break;
    }
    return flags;
}

static void enter(struct cpu *c, bool clear_if)
{
    c->eflags &= ~(uint32_t)(FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM);
    if (clear_if)
        c->eflags &= ~(uint32_t)FLAG_IF;
}

/* ---- real mode ---- */

static void deliver_real(struct cpu *c)
{
    struct cpu_event *e = &c->event;
    struct frame f;
    uint32_t target;

    if (e->vector * 4u + 3 > c->idtr_limit)
        raise_idt(c, VEC_GP, R_IVT_LIMIT, c->idtr_limit);
    target = (uint32_t)sys_load(c, c->idtr_base + e->vector * 4u, 4);
    frame_here(c, &f, 16);
    frame_push(&f, event_flags(c) & 0xffff);
    frame_push(&f, c->seg[CS].selector);
    frame_push(&f, e->rip & 0xffff);
    frame_open(c, &f);

    frame_write(c, &f);
    set_sp(c, frame_sp(&f));
    seg_load_real(c, CS, (uint16_t)(target >> 16));
    c->rip = target & 0xffff;
    c->eflags &= ~(uint32_t)(FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF);
}

/* ---- protected mode ---- */

/* A gate of the IDT, its parts taken apart. */
struct gate {
    unsigned type, dpl, ist;
    uint16_t selector;
    uint64_t offset;
};

static void gate_read(struct cpu *c, struct gate *g)
{
    const struct cpu_event *e = &c->event;
    bool wide = cpu_long_mode(c);
    unsigned size = wide ? 16 : 8;
    uint64_t la = c->idtr_base + (uint64_t)e->vector * size, raw;

    if (e->vector * size + size - 1 > c->idtr_limit)
        raise_idt(c, VEC_GP, R_IDT_LIMIT, c->idtr_limit);
    raw = sys_load(c, la, 8);
    g->type = raw >> 40 & 0x1f;
    g->dpl = raw >> 45 & 3;
    g->ist = raw >> 32 & 7;
    g->selector = (uint16_t)(raw >> 16);
    g->offset = raw & 0xffff;
    switch (g->type) {
    case SYS_INT32:
    case SYS_TRAP32: g->offset |= raw >> 32 & 0xffff0000; break;
    case SYS_TASK_GATE:
    case SYS_INT16:
    case SYS_TRAP16: /* not in IA-32e mode */
        if (wide)
            raise_idt(c, VEC_GP, R_IDT_TYPE, g->type);
        break;
    default: raise_idt(c, VEC_GP, R_IDT_TYPE, g->type);
    }
    if (wide)
        g->offset |= sys_load(c, la + 8, 8) << 32;
    /* Only instructions are asked for their right to go through (6.12.1.2). */
    if (is_software(c) && g->dpl < c->cpl)
        raise_fault(c, VEC_GP, (uint32_t)e->vector << 3 | ERROR_IDT, R_IDT_DPL,
                    e->vector, g->dpl, c->cpl);
    if (!(raw >> 47 & 1))
        raise_idt(c, VEC_NP, R_IDT_NOT_PRESENT, 0);
}

/* The handler's code segment, and the CPL it will run at. */
static unsigned handler_code(struct cpu *c, uint16_t selector, struct descriptor *cs)
{
    unsigned dpl;

    if (IS_NULL(selector))
        raise_fault(c, VEC_GP, 0, R_HANDLER_NULL, c->event.vector, 0, 0);
    if (!descriptor_read(c, selector, cs))
        raise_outside_table(c, VEC_GP, selector);
    dpl = ATTR_DPL(cs->attr);
    if (!IS_CODE(cs->attr))
        raise_selector(c, VEC_GP, selector, R_CS_TYPE, cs->attr & 0x1f, 0);
    if (dpl > c->cpl)
        raise_selector(c, VEC_GP, selector, R_HANDLER_DPL, dpl, c->cpl);
    if (cpu_long_mode(c) && (cs->attr & (SEG_L | SEG_DB)) != SEG_L)
        raise_selector(c, VEC_GP, selector, R_HANDLER_NOT_64, 0, 0);
    if (!(cs->attr & SEG_P))
        raise_selector(c, VEC_NP, selector, R_NP_CODE, 0, 0);
    if (cpu_vm86(c) && (IS_CONFORMING(cs->attr) || dpl != 0))
        raise_selector(c, VEC_GP, selector, R_HANDLER_VM86, dpl, 0);
    descriptor_touch(c, cs);
    return IS_CONFORMING(cs->attr) ? c->cpl : dpl;
}

static void push_return(struct cpu *c, struct frame *f)
{
    frame_push(f, event_flags(c));
    frame_push(f, c->seg[CS].selector);
    frame_push(f, c->event.rip);
    if (c->event.has_error)
        frame_push(f, c->event.error);
}

static void deliver_task(struct cpu *c, uint16_t selector)
{
    bool has_error = c->event.has_error;
    uint32_t error = c->event.error;
    struct descriptor tss;
    struct frame f;

    task_find(c, selector, &tss);
    task_switch(c, &tss, TASK_EVENT, c->event.rip);
    if (has_error) {
        frame_here(c, &f, (c->tr.attr & SEG_TYPE) >= SYS_TSS32 ? 32 : 16);
        frame_push(&f, error);
        frame_open(c, &f);
        frame_write(c, &f);
        set_sp(c, frame_sp(&f));
    }
}

static void deliver_protected(struct cpu *c)
{
    struct descriptor cs, ss;
    struct segment stack;
    struct gate g;
    struct frame f;
    unsigned bits, cpl;
    bool vm = cpu_vm86(c), inner;
    uint32_t esp = 0;

    gate_read(c, &g);
    if (g.type == SYS_TASK_GATE) {
        deliver_task(c, g.selector);
        return;
    }
    bits = g.type >= SYS_INT32 ? 32 : 16;
    cpl = handler_code(c, g.selector, &cs);
    inner = cpl < c->cpl;
    frame_here(c, &f, bits);
    if (inner) {
        frame_to_inner(c, &f, cpl, &ss, &stack);
        esp = (uint32_t)f.sp;
        if (vm) {
            frame_push(&f, c->seg[GS].selector);
            frame_push(&f, c->seg[FS].selector);
            frame_push(&f, c->seg[DS].selector);
            frame_push(&f, c->seg[ES].selector);
        }
        frame_push(&f, c->seg[SS].selector);
        frame_push(&f, c->gpr[RSP]);
    }
    push_return(c, &f);
    frame_open(c, &f);
    target_check(c, &cs, g.offset);

    frame_write(c, &f);
    if (inner) {
        segment_set(&c->seg[SS], &ss);
        seg_derive(c, SS);
        c->gpr[RSP] = sp_merge(esp, f.mask, frame_sp(&f));
    } else {
        set_sp(c, frame_sp(&f));
    }
    code_set(c, &cs, cpl);
    enter(c, g.type == SYS_INT16 || g.type == SYS_INT32);
    if (vm) {
        segment_null(&c->seg[ES], 0);
        segment_null(&c->seg[DS], 0);
        segment_null(&c->seg[FS], 0);
        segment_null(&c->seg[GS], 0);
    }
    c->rip = g.offset;
}

/* 64-bit mode handlers: SS:RSP is always pushed, on a stack aligned to 16 bytes; an
 * inner level gets a null SS (6.14.2 to 6.14.5). */
static void deliver_long(struct cpu *c)
{
    struct descriptor cs;
    struct gate g;
    struct frame f;
    unsigned cpl;

    gate_read(c, &g);
    cpl = handler_code(c, g.selector, &cs);
    frame_here(c, &f, 64);
    f.wide = true;
    f.mask = UINT64_MAX;
    f.cpl = (uint8_t)cpl;
    if (g.ist || cpl < c->cpl)
        f.sp = inner_rsp(c, cpl, g.ist);
    f.sp &= ~15ull;
    frame_push(&f, c->seg[SS].selector);
    frame_push(&f, c->gpr[RSP]);
    push_return(c, &f);
    frame_open(c, &f);
    target_check(c, &cs, g.offset);

    frame_write(c, &f);
    c->gpr[RSP] = frame_sp(&f);
    if (cpl < c->cpl)
        return_stack_set(c, (uint16_t)cpl, false, NULL);
    code_set(c, &cs, cpl);
    enter(c, g.type == SYS_INT32);
    c->rip = g.offset;
}

/* ---- the doors ---- */

void event_deliver(struct cpu *c)
{
    struct cpu_event *e = &c->event;

    c->raised = false;
    if (e->kind == EVENT_NONE)
        return; /* after a triple fault */
    c->delivering = true;
    c->activity = ACTIVITY_RUN;
    c->shadow_end = 0;
    if (e->kind == EVENT_FAULT && e->vector == VEC_PF)
        c->cr2 = e->linear;
    if (e->vector == VEC_DB && !is_software(c))
        c->dr[7] &= ~DR7_GD;
    if (!(c->cr0 & CR0_PE))
        deliver_real(c);
    else if (cpu_long_mode(c))
        deliver_long(c);
    else
        deliver_protected(c);
    c->delivering = false;
    c->rep_cut = false;
    cpu_derive(c);
    if (cpu_must_look(c))
        c->leave = true;
    if (c->told)
        c->told(c, e);
}

static void begin(struct cpu *c, enum event_kind kind, uint8_t vector)
{
    struct cpu_event *e = &c->event;

    e->kind = kind;
    e->vector = vector;
    e->has_error = false;
    e->error = 0;
    e->reason = 0;
    e->operand[0] = e->operand[1] = e->operand[2] = 0;
    e->rip = c->rip;
    e->cs = c->seg[CS].selector;
    e->walk.count = 0;
    e->linear = 0;
    c->fault_count = 0;
    event_deliver(c);
}

void event_interrupt(struct cpu *c, uint8_t vector)
{
    c->insn_rip = c->rip;
    begin(c, EVENT_INTERRUPT, vector);
}

void event_nmi(struct cpu *c)
{
    c->insn_rip = c->rip;
    c->nmi_blocked = true;
    begin(c, EVENT_NMI, VEC_NMI);
}

void event_software(struct cpu *c, uint8_t vector)
{
    begin(c, EVENT_SOFTWARE, vector);
}

void event_int1(struct cpu *c)
{
    begin(c, EVENT_TRAP, VEC_DB);
}
