/* lapic.c - the local APIC: xAPIC registers at FEE00000h, x2APIC as MSRs.
 *
 * Intel SDM vol 3A chapter 10. All local APICs of a machine share the page of
 * registers; apic_bus's `current` tells whose they are. The timer is arithmetic on
 * virtual time.
 */
#include "chipset/lapic.h"
#include "base/error.h"
#include "chipset/deadline.h"

enum reg {
    ID = 0x02,
    VERSION = 0x03,
    TPR = 0x08,
    APR = 0x09,
    PPR = 0x0a,
    EOI = 0x0b,
    RRD = 0x0c,
    LDR = 0x0d,
    DFR = 0x0e,
    SVR = 0x0f,
    ISR0 = 0x10,
    TMR0 = 0x18,
    IRR0 = 0x20,
    ESR = 0x28,
    ICR = 0x30,
    ICR_HIGH = 0x31,
    LVT0 = 0x32,
    INITIAL = 0x38,
    CURRENT = 0x39,
    DIVIDE = 0x3e,
    SELF_IPI = 0x3f, /* x2APIC only */
};
enum lvt {
    LVT_TIMER,
    LVT_THERMAL,
    LVT_PERFORMANCE,
    LVT_LINT0,
    LVT_LINT1,
    LVT_ERROR,
    LVTS
};
enum {
    LVT_MODE = 7 << 8,
    LVT_REMOTE_IRR = 1 << 14,
    LVT_LEVEL = 1 << 15,
    LVT_MASK = 1 << 16,
    LVT_PERIODIC = 1 << 17,
    LVT_DEADLINE = 1 << 18,
    LVT_BITS = 0x7ffff
};
enum { SVR_ENABLE = 1 << 8, SVR_BITS = 0x3ff };
enum {
    ICR_LOGICAL = 1 << 11,
    ICR_ASSERT = 1 << 14,
    ICR_LEVEL = 1 << 15,
    ICR_BITS = 0xccfff
};
enum {
    ERROR_SEND_VECTOR = 1 << 5,
    ERROR_RECEIVE_VECTOR = 1 << 6,
    ERROR_REGISTER = 1 << 7
};
enum { BASE_BSP = 1 << 8, BASE_EXTD = 1 << 10, BASE_EN = 1 << 11 };
enum { MSR_DEADLINE = 0x6e0, MSR_X2APIC = 0x800 };
enum { PAGE = 0xfff, FIRST_VECTOR = 16, MAX_ID = 0x00050014 /* 6 LVT entries, 14h */ };

#define STATE(_, x)                                                                    \
    _(x, uint64_t, base, 0, UINT64_MAX, "IA32_APIC_BASE")                              \
    _(x, uint8_t, id, 0, 0xff, "xAPIC ID")                                             \
    _(x, uint8_t, tpr, 0, 0xff, "task priority")                                       \
    _(x, uint8_t, ldr, 0, 0xff, "logical destination, xAPIC")                          \
    _(x, uint8_t, dfr, 0xf, 0xf, "destination format: Fh flat, 0 cluster")             \
    _(x, uint32_t, svr, 0xff, SVR_BITS, "spurious vector, software enable")            \
    _(x, uint32_t, isr, 0, UINT32_MAX, "in service", 8)                                \
    _(x, uint32_t, tmr, 0, UINT32_MAX, "trigger mode: 1 level", 8)                     \
    _(x, uint32_t, irr, 0, UINT32_MAX, "requests", 8)                                  \
    _(x, uint8_t, esr, 0, 0xff, "error status, as last written")                       \
    _(x, uint8_t, errors, 0, 0xff, "errors since")                                     \
    _(x, uint32_t, icr, 0, ICR_BITS, "interrupt command 31:0")                         \
    _(x, uint32_t, icr_high, 0, UINT32_MAX, "interrupt command 63:32")                 \
    _(x, uint32_t, lvt, LVT_MASK, LVT_BITS,                                            \
      "timer, thermal, performance, LINT0, LINT1, error", LVTS)                        \
    _(x, uint32_t, initial, 0, UINT32_MAX, "timer: initial count")                     \
    _(x, uint8_t, divide, 0, 0xb, "timer: divide configuration")                       \
    _(x, uint64_t, start, 0, UINT64_MAX, "timer: bus period at which it began")        \
    _(x, uint64_t, fired, 0, UINT64_MAX, "timer: how often it reached zero since")     \
    _(x, uint64_t, deadline, 0, UINT64_MAX, "IA32_TSC_DEADLINE; 0 not armed")          \
    _(x, uint8_t, lint, 0, 3, "levels of LINT0 and LINT1")                             \
    _(x, bool, extint, false, 1, "an ExtINT message waits")

struct lapic {
    STATE(STATE_MEMBER, )
    uint32_t apic_id, bus_hz;
    uint8_t physbits;
    bool bsp, virtual_wire, x2apic, tsc_deadline;
    struct lapic_wiring wiring;
    struct line intr, nmi, smi, init;
    struct timer timer;
    struct clock *clock;
    struct device *self;
    struct intc intc;
    unsigned index; /* on the bus */
    uint8_t wire;   /* the LINT pins as they are: a reset does not move them */
    uint64_t mapped;
};

static const uint32_t lvt_writable[LVTS] = {0x300ff, 0x107ff, 0x107ff,
                                            0x1a7ff, 0x1a7ff, 0x100ff};

static void update(struct lapic *l);

/* ---- modes ---- */

static bool on(const struct lapic *l)
{
    return l->base & BASE_EN;
}

static bool x2(const struct lapic *l)
{
    return l->base & BASE_EXTD;
}

static bool software_enabled(const struct lapic *l)
{
    return l->svr & SVR_ENABLE;
}

/* SDM vol 3A 10.12.10.2: the x2APIC's logical ID follows from its ID. */
static uint32_t x2_ldr(const struct lapic *l)
{
    return (l->apic_id >> 4) << 16 | 1u << (l->apic_id & 15);
}

static void pulse(struct line *line)
{
    line_set(line, true);
    line_set(line, false);
}

/* ---- the three 256-bit registers ---- */

static void bit_set(uint32_t *set, unsigned n)
{
    set[n >> 5] |= 1u << (n & 31);
}

static void bit_clear(uint32_t *set, unsigned n)
{
    set[n >> 5] &= ~(1u << (n & 31));
}

static bool bit_get(const uint32_t *set, unsigned n)
{
    return set[n >> 5] >> (n & 31) & 1;
}

/* The highest vector in the set, or -1. */
static int highest(const uint32_t *set)
{
    for (int i = 7; i >= 0; i--) {
        for (int bit = 31; set[i] && bit >= 0; bit--) {
            if (set[i] >> bit & 1)
                return 32 * i + bit;
        }
    }
    return -1;
}

/* SDM vol 3A 10.8.3.1. */
static uint8_t ppr(const struct lapic *l)
{
    int v = highest(l->isr);
    unsigned service = v < 0 ? 0 : (unsigned)v & 0xf0;

    return (uint8_t)(l->tpr >> 4 >= service >> 4 ? l->tpr : service);
}

/* The vector that may be delivered now, or -1. */
static int deliverable(const struct lapic *l)
{
    int v = highest(l->irr);
    return v >= 0 && v >> 4 > ppr(l) >> 4 ? v : -1;
}

static void request(struct lapic *l, unsigned vector, bool level)
{
    bit_set(l->irr, vector);
    if (level)
        bit_set(l->tmr, vector);
    else
        bit_clear(l->tmr, vector);
}

/* ---- local interrupts ---- */

static void error(struct lapic *l, uint8_t bit)
{
    uint32_t lvt = l->lvt[LVT_ERROR];

    l->errors |= bit;
    if (!(lvt & LVT_MASK) && (lvt & 0xff) >= FIRST_VECTOR)
        request(l, lvt & 0xff, false);
}

static unsigned mode_of(uint32_t lvt)
{
    return (lvt & LVT_MODE) >> 8;
}

static void local_interrupt(struct lapic *l, enum lvt n)
{
    uint32_t lvt = l->lvt[n];

    if (lvt & LVT_MASK)
        return;
    switch (mode_of(lvt)) {
    case APIC_FIXED:
        if ((lvt & 0xff) < FIRST_VECTOR) {
            error(l, ERROR_RECEIVE_VECTOR);
            break;
        }
        request(l, lvt & 0xff, lvt & LVT_LEVEL);
        if (lvt & LVT_LEVEL)
            l->lvt[n] |= LVT_REMOTE_IRR;
        break;
    case APIC_SMI: pulse(&l->smi); break;
    case APIC_NMI: pulse(&l->nmi); break;
    case APIC_INIT: pulse(&l->init); break;
    default: break; /* ExtINT follows the pin: update() */
    }
}

static bool lint_level(const struct lapic *l, unsigned n)
{
    return l->lint >> n & 1;
}

static bool level_triggered(uint32_t lvt)
{
    return mode_of(lvt) == APIC_FIXED && (lvt & LVT_LEVEL);
}

/* A level at LINT n that stands and waits for no EOI. */
static void serve_lint(struct lapic *l, unsigned n)
{
    uint32_t lvt = l->lvt[LVT_LINT0 + n];

    if (lint_level(l, n) && level_triggered(lvt) && !(lvt & LVT_REMOTE_IRR))
        local_interrupt(l, (enum lvt)(LVT_LINT0 + n));
}

static bool extint_at(const struct lapic *l, unsigned n)
{
    uint32_t lvt = l->lvt[LVT_LINT0 + n];
    return lint_level(l, n) && !(lvt & LVT_MASK) && mode_of(lvt) == APIC_EXTINT;
}

static void lint_moved(void *dev, unsigned n, bool level)
{
    struct lapic *l = dev;
    bool rises = level && !lint_level(l, n);

    l->lint = (uint8_t)(level ? l->lint | 1u << n : l->lint & ~(1u << n));
    l->wire = l->lint;
    /* Switched off, the pins are the CPU's INTR and NMI (SDM vol 3A 10.4.3). */
    if (!on(l)) {
        if (rises && n == 1)
            pulse(&l->nmi);
    } else if (level_triggered(l->lvt[LVT_LINT0 + n])) {
        serve_lint(l, n);
    } else if (rises) {
        local_interrupt(l, (enum lvt)(LVT_LINT0 + n));
    }
    update(l);
}

static bool extint_waits(const struct lapic *l)
{
    return l->extint || extint_at(l, 0) || extint_at(l, 1);
}

static void update(struct lapic *l)
{
    line_set(&l->intr,
             on(l) ? deliverable(l) >= 0 || extint_waits(l) : lint_level(l, 0));
}

/* ---- the timer ---- */

static uint32_t divisor(const struct lapic *l)
{
    unsigned v = (l->divide >> 1 & 4) | (l->divide & 3);
    return 1u << ((v + 1) & 7); /* SDM vol 3A Figure 10-10: 111 divides by 1 */
}

static uint64_t bus_periods(const struct lapic *l)
{
    /* Modulo 2^64: a change of divisor may put the start before power-on. */
    return clock_to_hz(l->clock, l->clock->now, l->bus_hz) - l->start;
}

static uint64_t period(const struct lapic *l)
{
    return (uint64_t)l->initial * divisor(l);
}

static bool deadline_mode(const struct lapic *l)
{
    return l->lvt[LVT_TIMER] & LVT_DEADLINE;
}

static bool periodic(const struct lapic *l)
{
    return l->lvt[LVT_TIMER] & LVT_PERIODIC;
}

static uint32_t current_count(const struct lapic *l)
{
    uint64_t e;

    if (!l->initial || deadline_mode(l))
        return 0;
    e = bus_periods(l) / divisor(l);
    if (periodic(l))
        return l->initial - (uint32_t)(e % l->initial);
    return e >= l->initial ? 0 : l->initial - (uint32_t)e;
}

static uint64_t tsc(const struct lapic *l)
{
    uint64_t count = clock_to_hz(l->clock, l->clock->now, l->wiring.tsc_hz);
    return count + (l->wiring.tsc_adjust ? l->wiring.tsc_adjust(l->wiring.cpu) : 0);
}

/* While it is masked nobody needs to be told that zero was reached; it only counts. */
static void timer_settle(struct lapic *l)
{
    uint64_t n;

    if (!l->initial || deadline_mode(l) || !(l->lvt[LVT_TIMER] & LVT_MASK))
        return;
    n = bus_periods(l) / period(l);
    l->fired = periodic(l) || n == 0 ? n : 1;
}

static void arm_deadline(struct lapic *l)
{
    uint64_t now = tsc(l), count, left;

    if (!l->deadline) {
        timer_stop(l->clock, &l->timer);
        return;
    }
    if (now >= l->deadline) {
        deadline_set(l->clock, &l->timer, l->clock->now);
        return;
    }
    left = l->deadline - now;
    count = clock_to_hz(l->clock, l->clock->now, l->wiring.tsc_hz);
    if (left / l->wiring.tsc_hz > 1000000000u) /* 30 years: never */
        timer_stop(l->clock, &l->timer);
    else
        deadline_set(l->clock, &l->timer,
                     clock_from_hz(l->clock, count + left, l->wiring.tsc_hz));
}

static void timer_schedule(struct lapic *l)
{
    uint64_t p, next, step;

    if (deadline_mode(l) && l->wiring.tsc_hz) {
        arm_deadline(l);
        return;
    }
    p = period(l);
    if (!p || (l->lvt[LVT_TIMER] & LVT_MASK) || (!periodic(l) && l->fired)) {
        timer_stop(l->clock, &l->timer);
        return;
    }
    /* A period shorter than a microsecond is met every so many periods only: that is
     * as often as an interrupt could be taken, and bounds the work. */
    step =
        periodic(l) && p < l->bus_hz / 1000000 ? (l->bus_hz / 1000000 + p - 1) / p : 1;
    next = (l->fired / step + 1) * step;
    deadline_set(l->clock, &l->timer,
                 clock_from_hz(l->clock, l->start + next * p, l->bus_hz));
}

static void due(void *owner)
{
    struct lapic *l = owner;

    if (deadline_mode(l)) {
        if (tsc(l) < l->deadline) {
            arm_deadline(l);
            return;
        }
        l->deadline = 0;
    } else {
        l->fired = periodic(l) && period(l) ? bus_periods(l) / period(l) : 1;
        timer_schedule(l);
    }
    local_interrupt(l, LVT_TIMER);
    update(l);
}

static void start_timer(struct lapic *l, uint32_t initial)
{
    if (deadline_mode(l)) /* "writes to the initial-count register are ignored" */
        return;
    l->initial = initial;
    l->start = clock_to_hz(l->clock, l->clock->now, l->bus_hz);
    l->fired = 0;
    timer_schedule(l);
}

/* The count stands where it is and goes on at the new rate. */
static void write_divide(struct lapic *l, uint8_t v)
{
    uint32_t gone = l->initial - current_count(l);
    bool over = l->fired && !periodic(l);

    l->divide = v & 0xb;
    if (!l->initial || over)
        return;
    l->start =
        clock_to_hz(l->clock, l->clock->now, l->bus_hz) - (uint64_t)gone * divisor(l);
    l->fired = 0;
    timer_schedule(l);
}

static void write_timer_lvt(struct lapic *l, uint32_t v)
{
    uint32_t old = l->lvt[LVT_TIMER];

    timer_settle(l);
    if ((old ^ v) & LVT_DEADLINE) { /* SDM vol 3A 10.5.4.1: the change disarms both */
        l->deadline = 0;
        l->initial = 0;
        l->fired = 0;
    }
    l->lvt[LVT_TIMER] = v;
    timer_schedule(l);
}

/* ---- messages ---- */

static bool matches(const void *owner, const struct apic_message *m)
{
    const struct lapic *l = owner;
    uint32_t d = m->destination;

    if (!on(l))
        return false;
    if (d == (m->wide ? UINT32_MAX : 0xff))
        return true;
    if (!m->logical)
        return d == (x2(l) ? l->apic_id : l->id);
    if (x2(l))
        return d >> 16 == x2_ldr(l) >> 16 && (d & x2_ldr(l) & 0xffff);
    if (d > 0xff)
        return false;
    if (l->dfr == 0xf)
        return l->ldr & d;
    return (l->ldr >> 4 == d >> 4 || d >> 4 == 0xf) && (l->ldr & d & 0xf);
}

static unsigned priority(const void *owner)
{
    const struct lapic *l = owner;
    return software_enabled(l) ? ppr(l) : 0x100;
}

/* SDM vol 3A 10.4.7.1: the registers after power-up or INIT, less ID and base. */
static void clear_registers(struct lapic *l)
{
    l->tpr = l->ldr = l->esr = l->errors = l->divide = 0;
    l->dfr = 0xf;
    l->svr = 0xff;
    l->icr = l->icr_high = l->initial = 0;
    l->start = l->fired = l->deadline = 0;
    l->extint = false;
    for (unsigned i = 0; i < 8; i++)
        l->isr[i] = l->tmr[i] = l->irr[i] = 0;
    for (unsigned i = 0; i < LVTS; i++)
        l->lvt[i] = LVT_MASK;
}

static void init_registers(struct lapic *l)
{
    clear_registers(l);
    /* Boards come up in virtual wire mode, so that 8259 interrupts reach the boot CPU
     * (MultiProcessor Specification 1.4, 3.6.2.2). Firmware does that; here it stands
     * after reset, for kernels that are started without firmware. */
    if (l->virtual_wire) {
        l->lvt[LVT_LINT0] = APIC_EXTINT << 8;
        l->lvt[LVT_LINT1] = APIC_NMI << 8;
    }
    timer_stop(l->clock, &l->timer);
    update(l);
}

static bool accept(void *owner, const struct apic_message *m)
{
    struct lapic *l = owner;

    if (!on(l))
        return false;
    switch (m->delivery) {
    case APIC_FIXED:
    case APIC_LOWEST:
        if (!software_enabled(l))
            return false;
        if (m->vector < FIRST_VECTOR)
            error(l, ERROR_RECEIVE_VECTOR);
        else
            request(l, m->vector, m->level);
        break;
    case APIC_SMI: pulse(&l->smi); break;
    case APIC_NMI: pulse(&l->nmi); break;
    case APIC_INIT:
        init_registers(l);
        pulse(&l->init);
        break;
    case APIC_STARTUP:
        if (l->wiring.sipi)
            l->wiring.sipi(l->wiring.cpu, m->vector);
        break;
    case APIC_EXTINT: l->extint = true; break;
    default: return false;
    }
    update(l);
    return true;
}

static void send(struct lapic *l)
{
    struct apic_bus *bus = l->wiring.bus;
    struct apic_message m = {
        .destination = x2(l) ? l->icr_high : l->icr_high >> 24,
        .wide = x2(l),
        .logical = l->icr & ICR_LOGICAL,
        .delivery = l->icr >> 8 & 7,
        .vector = l->icr & 0xff,
    };

    if (m.delivery <= APIC_LOWEST && m.vector < FIRST_VECTOR) {
        error(l, ERROR_SEND_VECTOR);
        return;
    }
    /* INIT level de-assert: nothing since the Pentium 4 (SDM vol 3A 10.6.1). */
    if (m.delivery == APIC_INIT && (l->icr & ICR_LEVEL) && !(l->icr & ICR_ASSERT))
        return;
    switch (l->icr >> 18 & 3) {
    case 0: (void)apic_bus_send(bus, &m); break;
    case 1:
        if (m.delivery == APIC_FIXED) /* others: SDM vol 3A Table 10-3, invalid */
            (void)accept(l, &m);
        break;
    case 2: apic_bus_broadcast(bus, &m, UINT32_MAX); break;
    default: apic_bus_broadcast(bus, &m, l->index); break;
    }
}

static void end_of_interrupt(struct lapic *l)
{
    int v = highest(l->isr);

    if (v < 0)
        return;
    bit_clear(l->isr, (unsigned)v);
    if (bit_get(l->tmr, (unsigned)v)) {
        bit_clear(l->tmr, (unsigned)v);
        for (unsigned n = 0; n < 2; n++) {
            uint32_t *lvt = &l->lvt[LVT_LINT0 + n];
            if ((*lvt & LVT_REMOTE_IRR) && (*lvt & 0xff) == (unsigned)v) {
                *lvt &= ~(uint32_t)LVT_REMOTE_IRR;
                serve_lint(l, n);
            }
        }
        apic_bus_eoi(l->wiring.bus, (uint8_t)v);
    }
}

/* ---- registers ---- */

static bool is_register(unsigned reg)
{
    return reg == ID || reg == VERSION || (reg >= TPR && reg <= ESR) ||
           (reg >= ICR && reg <= CURRENT) || reg == DIVIDE;
}

static uint32_t read_register(const struct lapic *l, unsigned reg)
{
    if (reg >= ISR0 && reg < TMR0)
        return l->isr[reg - ISR0];
    if (reg >= TMR0 && reg < IRR0)
        return l->tmr[reg - TMR0];
    if (reg >= IRR0 && reg < ESR)
        return l->irr[reg - IRR0];
    if (reg >= LVT0 && reg < LVT0 + LVTS)
        return l->lvt[reg - LVT0];
    switch (reg) {
    case ID: return x2(l) ? l->apic_id : (uint32_t)l->id << 24;
    case VERSION: return MAX_ID;
    case TPR: return l->tpr;
    case PPR: return ppr(l);
    case LDR: return x2(l) ? x2_ldr(l) : (uint32_t)l->ldr << 24;
    case DFR: return (uint32_t)l->dfr << 28 | 0x0fffffff;
    case SVR: return l->svr;
    case ESR: return l->esr;
    case ICR: return l->icr;
    case ICR_HIGH: return l->icr_high;
    case INITIAL: return l->initial;
    case CURRENT: return current_count(l);
    case DIVIDE: return l->divide;
    default: return 0; /* APR, RRD: not since the Pentium 4; EOI is written only */
    }
}

static uint32_t lvt_bits(const struct lapic *l, unsigned n)
{
    return lvt_writable[n] | (n == LVT_TIMER && l->tsc_deadline ? LVT_DEADLINE : 0);
}

static void write_lvt(struct lapic *l, unsigned n, uint32_t v)
{
    v &= lvt_bits(l, n);
    /* SDM vol 3A 10.4.7.2: while the APIC is disabled by software, masks stay set. */
    if (!software_enabled(l))
        v |= LVT_MASK;
    if (n == LVT_TIMER) {
        write_timer_lvt(l, v);
        return;
    }
    if (level_triggered(v))
        v |= l->lvt[n] & LVT_REMOTE_IRR;
    l->lvt[n] = v;
    if (n == LVT_LINT0 || n == LVT_LINT1)
        serve_lint(l, n - LVT_LINT0);
}

static void write_svr(struct lapic *l, uint32_t v)
{
    l->svr = v & SVR_BITS;
    if (software_enabled(l))
        return;
    for (unsigned i = 0; i < LVTS; i++)
        write_lvt(l, i, l->lvt[i]);
}

static void write_register(struct lapic *l, unsigned reg, uint32_t v)
{
    if (reg >= LVT0 && reg < LVT0 + LVTS) {
        write_lvt(l, reg - LVT0, v);
    } else {
        switch (reg) {
        case ID: l->id = (uint8_t)(v >> 24); break;
        case TPR: l->tpr = (uint8_t)v; break;
        case EOI: end_of_interrupt(l); break;
        case LDR: l->ldr = (uint8_t)(v >> 24); break;
        case DFR: l->dfr = (uint8_t)(v >> 28); break;
        case SVR: write_svr(l, v); break;
        case ESR:
            l->esr = l->errors;
            l->errors = 0;
            break;
        case ICR:
            l->icr = v & ICR_BITS;
            send(l);
            break;
        case ICR_HIGH: l->icr_high = v & 0xff000000; break;
        case INITIAL: start_timer(l, v); break;
        case DIVIDE: write_divide(l, (uint8_t)v); break;
        default: break; /* read only */
        }
    }
    update(l);
}

/* ---- MMIO ---- */

static uint64_t base_of(const void *owner)
{
    const struct lapic *l = owner;
    return on(l) && !x2(l) ? l->base & ~(uint64_t)PAGE : UINT64_MAX;
}

static void map(void *owner, uint64_t base)
{
    struct lapic *l = owner;

    if (l->mapped == base)
        return;
    l->mapped = base;
    device_map(l->self, 0, base);
}

/* Whichever local APIC is mapped, the one of the CPU that asks answers, if its own
 * registers are at this address. */
static struct lapic *asked(const struct lapic *mapped, const struct io *io)
{
    const struct apic_bus *b = mapped->wiring.bus;
    struct lapic *l;

    if (!b || b->current >= b->locals)
        return NULL;
    l = b->local[b->current].owner;
    return base_of(l) == (io->address & ~(uint64_t)PAGE) ? l : NULL;
}

/* Registers are 32 bits wide, 16 bytes apart; what lies between reads as 0. */
static enum io_status peek(const void *dev, struct io *io)
{
    const struct lapic *l = asked(dev, io);
    unsigned reg = io->offset >> 4;

    if (!l)
        return IO_NONE;
    if (io->write || !is_register(reg))
        return IO_DEFER;
    io->value = io->offset & 0xc ? 0 : read_register(l, reg) >> 8 * (io->offset & 3);
    return IO_DONE;
}

static enum io_status access(void *dev, struct io *io)
{
    struct lapic *l = asked(dev, io);
    unsigned reg = io->offset >> 4;

    if (!l)
        return IO_NONE;
    if (!is_register(reg)) {
        error(l, ERROR_REGISTER);
        update(l);
        io->value = 0;
    } else if (!io->write) {
        return peek(dev, io);
    } else if (io->size == 4 && !(io->offset & 15)) {
        write_register(l, reg, (uint32_t)io->value);
    }
    return IO_DONE;
}

/* ---- the CPU's side ---- */

static uint8_t acknowledge(void *owner)
{
    struct lapic *l = owner;
    int v = on(l) ? deliverable(l) : -1;

    if (v >= 0) {
        bit_clear(l->irr, (unsigned)v);
        bit_set(l->isr, (unsigned)v);
    } else if ((!on(l) || extint_waits(l)) && l->wiring.acknowledge) {
        l->extint = false;
        v = l->wiring.acknowledge(l->wiring.pic);
    } else {
        v = (int)(l->svr & 0xff); /* withdrawn meanwhile: spurious, with no ISR bit */
    }
    update(l);
    return (uint8_t)v;
}

static uint8_t tpr_get(void *owner)
{
    return ((struct lapic *)owner)->tpr >> 4;
}

static void tpr_set(void *owner, uint8_t cr8)
{
    struct lapic *l = owner;
    l->tpr = (uint8_t)(cr8 << 4);
    update(l);
}

static uint64_t base_get(void *owner)
{
    return ((struct lapic *)owner)->base;
}

/* SDM vol 3A Figure 10-27: which changes of EN and EXTD there are. */
static bool legal_change(const struct lapic *l, uint64_t v)
{
    unsigned was = l->base >> 10 & 3, to = v >> 10 & 3; /* EXTD is 1, EN is 2 */

    if (to == 1 || (was == 3 && to == 2) || (was == 0 && to == 3))
        return false;
    return to != 3 || l->x2apic;
}

static bool base_set(void *owner, uint64_t v)
{
    struct lapic *l = owner;
    uint64_t bits = (1ull << l->physbits) - 1;

    bits &= ~(uint64_t)PAGE;
    bits |= BASE_BSP | BASE_EN | (l->x2apic ? BASE_EXTD : 0);
    if ((v & ~bits) || !legal_change(l, v))
        return false;
    l->base = (v & ~(uint64_t)BASE_BSP) | (l->base & BASE_BSP);
    if (!on(l)) {
        l->id = (uint8_t)l->apic_id;
        clear_registers(l);
        timer_stop(l->clock, &l->timer);
    }
    apic_bus_remap(l->wiring.bus);
    update(l);
    return true;
}

/* The MSRs of SDM vol 3A Table 10-6. */
static bool msr_readable(unsigned reg)
{
    return is_register(reg) && reg != EOI && reg != DFR && reg != ICR_HIGH &&
           reg != APR && reg != RRD;
}

static bool msr_get(void *owner, uint32_t msr, uint64_t *value)
{
    struct lapic *l = owner;
    unsigned reg = msr - MSR_X2APIC;

    if (msr == MSR_DEADLINE) {
        *value = deadline_mode(l) ? l->deadline : 0;
        return l->tsc_deadline;
    }
    if (!x2(l) || reg > 0xff || !msr_readable(reg))
        return false;
    *value = read_register(l, reg);
    if (reg == ICR)
        *value |= (uint64_t)l->icr_high << 32;
    return true;
}

/* Which bits may be written, others being #GP; 0 with false when nothing may. */
static bool msr_writable(const struct lapic *l, unsigned reg, uint64_t *bits)
{
    *bits = 0;
    if (reg >= LVT0 && reg < LVT0 + LVTS) {
        *bits = lvt_bits(l, reg - LVT0) | 1 << 12 | LVT_REMOTE_IRR;
        return true;
    }
    switch (reg) {
    case TPR:
    case SELF_IPI: *bits = 0xff; return true;
    case EOI:
    case ESR: return true;
    case SVR: *bits = SVR_BITS; return true;
    case ICR: *bits = 0xffffffff00000000ull | ICR_BITS; return true;
    case INITIAL: *bits = 0xffffffff; return true;
    case DIVIDE: *bits = 0xb; return true;
    default: return false;
    }
}

static bool msr_set(void *owner, uint32_t msr, uint64_t v)
{
    struct lapic *l = owner;
    unsigned reg = msr - MSR_X2APIC;
    uint64_t bits;

    if (msr == MSR_DEADLINE) {
        if (l->tsc_deadline && deadline_mode(l)) {
            l->deadline = v;
            timer_schedule(l);
        }
        return l->tsc_deadline;
    }
    if (!x2(l) || reg > 0xff || !msr_writable(l, reg, &bits) || (v & ~bits))
        return false;
    if (reg == SELF_IPI) {
        struct apic_message m = {.delivery = APIC_FIXED, .vector = (uint8_t)v};
        if (m.vector < FIRST_VECTOR)
            error(l, ERROR_SEND_VECTOR);
        else
            (void)accept(l, &m);
        update(l);
        return true;
    }
    if (reg == ICR)
        l->icr_high = (uint32_t)(v >> 32);
    write_register(l, reg, (uint32_t)v);
    return true;
}

static void tsc_moved(void *owner)
{
    struct lapic *l = owner;

    if (deadline_mode(l))
        timer_schedule(l);
}

/* ---- life ---- */

static bool init(void *dev, struct device *self, struct error *e)
{
    struct lapic *l = dev;
    struct apic_bus *b = l->wiring.bus;

    l->self = self;
    l->clock = self->bus->clock;
    l->timer.due = due;
    l->timer.owner = l;
    l->mapped = UINT64_MAX;
    if (!b || b->locals == APIC_LOCALS)
        return error_set(e, "%s has no place on an APIC bus", self->name);
    if (l->bus_hz == 0)
        return error_set(e, "%s: bus_hz must not be 0", self->name);
    l->index = b->locals;
    b->local[b->locals++] =
        (struct apic_local){l, matches, priority, accept, base_of, map};
    l->intc = (struct intc){l,        acknowledge, tpr_get, tpr_set,  base_get,
                            base_set, msr_get,     msr_set, tsc_moved};
    return true;
}

static void reset(void *dev)
{
    struct lapic *l = dev;

    l->base = 0xfee00000 | BASE_EN | (l->bsp ? BASE_BSP : 0);
    l->id = (uint8_t)l->apic_id;
    l->lint = l->wire;
    init_registers(l);
}

static void drive(void *dev)
{
    struct lapic *l = dev;

    l->wire = l->lint;
    /* A snapshot may say anything. */
    if (!l->x2apic)
        l->base &= ~(uint64_t)BASE_EXTD;
    if (!on(l))
        l->base &= ~(uint64_t)BASE_EXTD;
    l->base &= (1ull << l->physbits) - 1;
    l->divide &= 0xb;
    if (!l->tsc_deadline)
        l->lvt[LVT_TIMER] &= ~(uint32_t)LVT_DEADLINE;
    if ((int64_t)bus_periods(l) < 0)
        l->start += bus_periods(l);
    if (period(l) && l->fired > bus_periods(l) / period(l))
        l->fired = bus_periods(l) / period(l);
    apic_bus_remap(l->wiring.bus);
    timer_schedule(l);
    update(l);
}

static void release(void *dev)
{
    struct lapic *l = dev;

    if (l->clock)
        timer_stop(l->clock, &l->timer);
}

void lapic_connect(struct device *d, const struct lapic_wiring *w)
{
    ((struct lapic *)d->state)->wiring = *w;
}

struct intc *lapic_intc(struct device *d)
{
    return &((struct lapic *)d->state)->intc;
}

void lapic_init_pin(struct device *d)
{
    init_registers(d->state);
}

const struct device_class lapic_class = {
    .name = "lapic",
    .title = "Local APIC",
    .size = sizeof(struct lapic),
    .fields = (const struct field[]){STATE(STATE_FIELD, lapic) FIELD_TIMER_ROW(
        lapic, timer, "the timer's zero"){0}},
    .regions = (const struct region[]){{"lapic", 0xfee00000, 0x1000, peek, access, 4,
                                        .mmio = true, .unmapped = true},
                                       {0}},
    .pins =
        (const struct pin[]){
            {"intr", .offset = offsetof(struct lapic, intr)},
            {"nmi", .offset = offsetof(struct lapic, nmi)},
            {"smi", .offset = offsetof(struct lapic, smi)},
            {"init", .offset = offsetof(struct lapic, init)},
            {"lint%u", .moved = lint_moved, .count = 2},
            {0},
        },
    .options =
        (const struct option[]){
            OPTION(lapic, apic_id, 0, UINT32_MAX, "initial APIC ID"),
            OPTION(lapic, bsp, 0, 1, "this is the boot processor's"),
            OPTION(lapic, virtual_wire, 0, 1, "LINT0 ExtINT and LINT1 NMI after reset"),
            OPTION(lapic, x2apic, 1, 1, "x2APIC mode exists"),
            OPTION(lapic, tsc_deadline, 1, 1, "the timer has TSC-deadline mode"),
            OPTION(lapic, bus_hz, 100000000, UINT32_MAX, "the timer's input, hertz"),
            OPTION(lapic, physbits, 46, 52, "width of a physical address"),
            {0},
        },
    .init = init,
    .reset = reset,
    .drive = drive,
    .free = release,
};
