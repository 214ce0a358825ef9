/* fault.c - raising exceptions, and what becomes of one raised while another is
 * delivered. Intel SDM vol 3A 6.15, Interrupt 8, Tables 6-4 and 6-5.
 */
#include "cpu/fault.h"

#include <string.h>

/* Bit 0 of a selector error code: the event came from outside the program (6.13). */
enum { ERROR_EXT = 1 };

enum {
    CONTRIBUTORY = 1 << VEC_DE | 1 << VEC_TS | 1 << VEC_NP | 1 << VEC_SS | 1 << VEC_GP
};

static bool is_contributory(unsigned vector)
{
    return vector < 32 && (CONTRIBUTORY >> vector & 1);
}

static bool has_error_code(unsigned vector)
{
    enum {
        WITH = 1 << VEC_DF | 1 << VEC_TS | 1 << VEC_NP | 1 << VEC_SS | 1 << VEC_GP |
               1 << VEC_PF | 1 << VEC_AC
    };
    return WITH >> vector & 1;
}

/* All of an event but the entries that its walk did not read. */
static void copy(struct cpu_event *to, const struct cpu_event *from)
{
    memcpy(to, from, offsetof(struct cpu_event, walk) + offsetof(struct walk, entry));
    for (unsigned n = 0; n < from->walk.count; n++)
        to->walk.entry[n] = from->walk.entry[n];
}

/* The first stays whatever follows: it is what the reader wants to know. */
static void remember(struct cpu *c, const struct cpu_event *e)
{
    if (c->fault_count == 0)
        c->faulted = c->at;
    if (c->fault_count == ARRAY_SIZE(c->faults)) {
        c->fault_count--;
        memmove(&c->faults[1], &c->faults[2],
                (ARRAY_SIZE(c->faults) - 2) * sizeof c->faults[0]);
    }
    copy(&c->faults[c->fault_count++], e);
}

NORETURN static void leave(struct cpu *c)
{
    c->delivering = false;
    c->rip = c->insn_rip;
    longjmp(*c->escape, 1);
}

NORETURN COLD void enter_shutdown(struct cpu *c)
{
    c->event.kind = EVENT_NONE;
    c->raised = false;
    c->activity = ACTIVITY_SHUTDOWN;
    c->delivering = false;
    c->rip = c->insn_rip;
    if (c->triple_fault)
        c->triple_fault(c->owner, c); /* may reset the CPU */
    longjmp(*c->escape, 1);
}

/* `next` happened while c->event was on its way: Table 6-5. */
NORETURN static COLD void escalate(struct cpu *c, const struct cpu_event *next)
{
    struct cpu_event *first = &c->event;
    bool grave = is_contributory(next->vector) || next->vector == VEC_PF;
    bool fault = first->kind == EVENT_FAULT;

    if (c->fault_count == 0)
        remember(c, first); /* an interrupt, whose delivery went wrong */
    remember(c, next);
    if (fault && first->vector == VEC_DF && grave)
        enter_shutdown(c);
    if (fault && ((is_contributory(first->vector) && is_contributory(next->vector)) ||
                  (first->vector == VEC_PF && grave))) {
        uint8_t a = first->vector;
        if (next->vector == VEC_PF)
            c->cr2 = next->linear; /* the handler looks there for a stack overflow */
        *first = (struct cpu_event){
            .kind = EVENT_FAULT,
            .vector = VEC_DF,
            .has_error = true,
            .reason = R_DF_ESCALATED,
            .operand = {a, next->vector},
            .rip = next->rip,
            .cs = next->cs,
        };
        remember(c, first);
    } else {
        copy(first, next);
    }
    c->raised = true;
    leave(c);
}

/* Everything but the walk's entries, of which there are none. */
static ALWAYS_INLINE void event_start(struct cpu_event *e, unsigned vector, uint32_t error,
                                      unsigned reason)
{
    memset(e, 0, offsetof(struct cpu_event, walk) + offsetof(struct walk, entry));
    e->vector = (uint8_t)vector;
    e->error = error;
    e->reason = (uint16_t)reason;
}

NORETURN static void raise_this(struct cpu *c, struct cpu_event *e,
                                enum event_kind kind)
{
    e->kind = kind;
    e->rip = c->insn_rip;
    e->cs = c->seg[CS].selector;
    e->has_error = has_error_code(e->vector);
    if (c->delivering)
        escalate(c, e);
    c->fault_count = 0;
    remember(c, e);
    copy(&c->event, e);
    c->raised = true;
    leave(c);
}

void raise_fault(struct cpu *c, enum vector v, uint32_t error, enum reason why,
                 uint64_t a, uint64_t b, uint64_t d)
{
    struct cpu_event e;

    event_start(&e, v, error, why);
    e.operand[0] = a;
    e.operand[1] = b;
    e.operand[2] = d;
    if (c->delivering && c->event.kind != EVENT_SOFTWARE &&
        (v == VEC_TS || v == VEC_NP || v == VEC_SS || v == VEC_GP))
        e.error |= ERROR_EXT;
    raise_this(c, &e, EVENT_FAULT);
}

void raise_trap(struct cpu *c, enum vector v, enum reason why, uint64_t a)
{
    struct cpu_event e;

    event_start(&e, v, 0, why);
    e.operand[0] = a;
    c->insn_rip = c->rip;
    raise_this(c, &e, EVENT_TRAP);
}

void raise_page_fault(struct cpu *c, uint64_t la)
{
    const struct walk *w = &c->mmu.walk;
    struct cpu_event e;

    event_start(&e, VEC_PF, w->error_code, R_PF);
    e.operand[0] = la;
    e.linear = la;
    memcpy(&e.walk, w, offsetof(struct walk, entry));
    for (unsigned n = 0; n < w->count; n++)
        e.walk.entry[n] = w->entry[n];
    raise_this(c, &e, EVENT_FAULT);
}
