/* hpet.c - high precision event timers: a 100 MHz counter and three comparators.
 *
 * MMIO at FED00000h. IA-PC HPET specification 1.0a. With legacy replacement, timers 0
 * and 1 take the place of the 8254 and the RTC on IRQ 0 and 8: so those two pass
 * through this chip ("pit", "rtc" in, "irq0", "irq8" out). Other routes are I/O APIC
 * inputs 20 to 23, which nothing else on the board uses, and messages.
 */
#include "chipset/hpet.h"
#include "chipset/deadline.h"

enum { TIMERS = 3, HZ = 100000000, FEMTOSECONDS = 10000000, LEAST = HZ / 1000000 };
enum { FIRST_GSI = 20, GSIS = 4 };
enum {
    GCAP = 0x000,
    GCONF = 0x010,
    GINTR = 0x020,
    MAIN = 0x0f0,
    TIMER0 = 0x100,
    STRIDE = 0x20
};
enum { TN_CONF = 0x00, TN_COMPARATOR = 0x08, TN_FSB = 0x10 };
enum { ENABLE_CNF = 1, LEG_RT_CNF = 2 };
enum {
    TN_LEVEL = 1 << 1,
    TN_INT_ENB = 1 << 2,
    TN_PERIODIC = 1 << 3,
    TN_PER_CAP = 1 << 4,
    TN_SIZE_CAP = 1 << 5,
    TN_VAL_SET = 1 << 6,
    TN_32 = 1 << 8,
    TN_ROUTE = 0x1f << 9,
    TN_FSB_EN = 1 << 14,
    TN_FSB_CAP = 1 << 15
};
enum { PIT_IN, RTC_IN };

/* Bits that a guest may write; VAL_SET is heard and not kept. */
enum {
    TN_WRITABLE = TN_LEVEL | TN_INT_ENB | TN_PERIODIC | TN_32 | TN_ROUTE | TN_FSB_EN
};
#define TN_CAPABLE                                                                     \
    (TN_PER_CAP | TN_SIZE_CAP | TN_FSB_CAP | (uint64_t)0xf << (32 + FIRST_GSI))

#define COMPARATOR_STATE(_, x)                                                         \
    _(x, uint32_t, conf, 0, TN_WRITABLE,                                               \
      "configuration, the bits that can be written")                                   \
    _(x, uint64_t, comparator, UINT64_MAX, UINT64_MAX, "next match")                   \
    _(x, uint64_t, period, 0, UINT64_MAX, "added at a match in periodic mode")         \
    _(x, bool, set, false, 1,                                                          \
      "VAL_SET: the next write is the comparator's, not the period's")                 \
    _(x, uint64_t, seen, 0, UINT64_MAX, "count up to which matches were served")       \
    _(x, uint64_t, fsb, 0, UINT64_MAX, "message: data 31:0, address 63:32")            \
    _(x, bool, level, false, 1, "what it drives on its route")

struct comparator {
    COMPARATOR_STATE(STATE_MEMBER, )
    struct timer timer;
    struct hpet *hpet;
};

#define STATE(_, x)                                                                    \
    _(x, uint8_t, conf, 0, 3, "general configuration")                                 \
    _(x, uint8_t, status, 0, 7, "level interrupts that are active")                    \
    _(x, uint64_t, counter, 0, UINT64_MAX,                                             \
      "main counter while halted; else what it was")                                   \
    _(x, uint64_t, start, 0, UINT64_MAX, "the 100 MHz period at which it was that")    \
    _(x, bool, pit, false, 1, "level of the 8254's OUT0")                              \
    _(x, bool, rtc, false, 1, "level of the RTC's IRQ")

struct hpet {
    STATE(STATE_MEMBER, )
    struct comparator comparator[TIMERS];
    struct line irq0, irq8, gsi[GSIS];
    struct bus *bus;
    bool wire_pit, wire_rtc; /* the pins as they are: a reset does not move them */
};

static const struct field comparator_fields[] = {COMPARATOR_STATE(
    STATE_FIELD, comparator) FIELD_TIMER_ROW(comparator, timer, "next match"){0}};

static bool enabled(const struct hpet *h)
{
    return h->conf & ENABLE_CNF;
}

static bool legacy(const struct hpet *h)
{
    return h->conf & LEG_RT_CNF;
}

static uint64_t periods(const struct hpet *h)
{
    return clock_to_hz(h->bus->clock, h->bus->clock->now, HZ);
}

static uint64_t counter(const struct hpet *h)
{
    return enabled(h) ? h->counter + (periods(h) - h->start) : h->counter;
}

static bool periodic(const struct comparator *c)
{
    return c->conf & TN_PERIODIC;
}

static uint64_t width(const struct comparator *c)
{
    return c->conf & TN_32 ? UINT32_MAX : UINT64_MAX;
}

/* Counts from `from` to the next match at or after it. */
static uint64_t distance(const struct comparator *c, uint64_t from)
{
    return (c->comparator - from) & width(c);
}

/* The comparator as it reads at count `now`: past the last periodic match. */
static uint64_t comparator_at(const struct comparator *c, uint64_t now)
{
    uint64_t period = c->period & width(c), ahead = now - c->seen;
    uint64_t d = distance(c, c->seen + 1), n = 0;

    if (periodic(c) && period && d < ahead)
        n = (ahead - d - 1) / period + 1;
    return (c->comparator + n * period) & width(c);
}

/* ---- interrupts ---- */

/* Each output is shared by the comparators routed to it, and at IRQ 0 and 8 with the
 * chip that legacy replacement replaces. */
static void drive_lines(struct hpet *h)
{
    bool gsi[GSIS] = {false}, irq[2] = {false};

    for (unsigned i = 0; i < TIMERS; i++) {
        const struct comparator *c = &h->comparator[i];
        unsigned route = (c->conf & TN_ROUTE) >> 9;

        if (!c->level || (c->conf & TN_FSB_EN))
            continue;
        if (legacy(h) && i < 2)
            irq[i] = true;
        else if (route >= FIRST_GSI && route < FIRST_GSI + GSIS)
            gsi[route - FIRST_GSI] = true;
    }
    line_set(&h->irq0, legacy(h) ? irq[0] : h->pit);
    line_set(&h->irq8, legacy(h) ? irq[1] : h->rtc);
    for (unsigned i = 0; i < GSIS; i++)
        line_set(&h->gsi[i], gsi[i]);
}

static void fire(struct hpet *h, unsigned n)
{
    struct comparator *c = &h->comparator[n];
    const struct bus *bus = h->bus;

    if (c->conf & TN_LEVEL)
        h->status |= (uint8_t)(1u << n);
    if (!(c->conf & TN_INT_ENB))
        return;
    if (c->conf & TN_FSB_EN) {
        if (bus->msi)
            bus->msi(bus->owner, c->fsb >> 32, (uint32_t)c->fsb);
        return;
    }
    /* An edge: the line stays up until the next one, so that nobody misses it. */
    if (!(c->conf & TN_LEVEL)) {
        c->level = false;
        drive_lines(h);
    }
    c->level = true;
    drive_lines(h);
}

/* ---- matches ---- */

static void schedule(struct hpet *h, unsigned n)
{
    struct comparator *c = &h->comparator[n];
    struct clock *clock = h->bus->clock;
    uint64_t ahead, d;
    bool wanted = c->conf & (TN_INT_ENB | TN_LEVEL);

    if (!enabled(h) || !wanted || (periodic(c) && !(c->period & width(c)))) {
        timer_stop(clock, &c->timer);
        return;
    }
    ahead = counter(h) - c->seen;
    d = distance(c, c->seen + 1);
    /* Periods under a microsecond are served once a microsecond. */
    if (periodic(c) && (c->period & width(c)) < LEAST && d < LEAST)
        d = LEAST;
    if (d < ahead)
        deadline_set(clock, &c->timer, clock->now);
    else if (d - ahead > (uint64_t)HZ * 1000000000u) /* 30 years: never */
        timer_stop(clock, &c->timer);
    else
        deadline_set(clock, &c->timer,
                     clock_from_hz(clock, periods(h) + d - ahead + 1, HZ));
}

static void due(void *owner)
{
    struct comparator *c = owner;
    struct hpet *h = c->hpet;
    uint64_t now = counter(h);

    c->comparator = comparator_at(c, now);
    c->seen = now;
    fire(h, (unsigned)(c - h->comparator));
    schedule(h, (unsigned)(c - h->comparator));
}

/* Matches up to now are past: nobody wanted to hear of them. */
static void settle(struct comparator *c)
{
    uint64_t now = counter(c->hpet);

    c->comparator = comparator_at(c, now);
    c->seen = now;
}

/* ---- registers ---- */

static uint64_t read_register(const struct hpet *h, unsigned at)
{
    const struct comparator *c;
    unsigned n = (at - TIMER0) / STRIDE;

    switch (at) {
    case GCAP: return (uint64_t)FEMTOSECONDS << 32 | 0x8086a001u | (TIMERS - 1) << 8;
    case GCONF: return h->conf;
    case GINTR: return h->status;
    case MAIN: return counter(h);
    default: break;
    }
    if (at < TIMER0 || n >= TIMERS)
        return 0;
    c = &h->comparator[n];
    switch (at - TIMER0 - n * STRIDE) {
    case TN_CONF: return c->conf | TN_CAPABLE;
    case TN_COMPARATOR:
        return enabled(h) ? comparator_at(c, counter(h)) : c->comparator;
    case TN_FSB: return c->fsb;
    default: return 0;
    }
}

static void write_gconf(struct hpet *h, uint64_t v)
{
    bool was = enabled(h);

    for (unsigned i = 0; i < TIMERS && was && !(v & ENABLE_CNF); i++)
        settle(&h->comparator[i]);
    h->counter = counter(h);
    h->start = periods(h);
    h->conf = v & (ENABLE_CNF | LEG_RT_CNF);
    for (unsigned i = 0; i < TIMERS; i++) {
        if (!was) /* the count at which it starts may match */
            h->comparator[i].seen = h->counter - 1;
        schedule(h, i);
    }
    drive_lines(h);
}

static void write_status(struct hpet *h, uint64_t v)
{
    for (unsigned i = 0; i < TIMERS; i++) {
        struct comparator *c = &h->comparator[i];
        if (!(v >> i & 1) || !(c->conf & TN_LEVEL))
            continue;
        h->status &= (uint8_t) ~(1u << i);
        c->level = false;
    }
    drive_lines(h);
}

static void write_counter(struct hpet *h, uint64_t v)
{
    h->counter = v;
    h->start = periods(h);
    for (unsigned i = 0; i < TIMERS; i++) {
        h->comparator[i].seen = v - 1;
        schedule(h, i);
    }
}

static void write_conf(struct hpet *h, unsigned n, uint64_t v)
{
    struct comparator *c = &h->comparator[n];

    unsigned route = (unsigned)v >> 9 & 0x1f;

    if (enabled(h) && !c->timer.armed)
        settle(c);
    /* A route that is not there reads back as another (1.0a, Tn_INT_ROUTE_CNF). */
    if (route < FIRST_GSI || route >= FIRST_GSI + GSIS)
        v &= ~(uint64_t)TN_ROUTE;
    c->conf = (uint32_t)v & TN_WRITABLE;
    c->set = (v & TN_VAL_SET) && periodic(c);
    /* Its line is up for a level that is active and wanted, and falls otherwise. */
    if (!(c->conf & TN_LEVEL))
        h->status &= (uint8_t) ~(1u << n);
    if (!(c->conf & TN_INT_ENB))
        c->level = false;
    else if (c->conf & TN_LEVEL)
        c->level = h->status >> n & 1;
    schedule(h, n);
    drive_lines(h);
}

/* 1.0a, 2.3.9.2.2: in periodic mode a write is the period; with VAL_SET before it, the
 * comparator itself, and it remains the period too until another write says otherwise.
 */
static void write_comparator(struct hpet *h, unsigned n, uint64_t v)
{
    struct comparator *c = &h->comparator[n];

    if (!periodic(c) || c->set)
        c->comparator = v & width(c);
    if (periodic(c))
        c->period = v & width(c);
    c->set = false;
    c->seen = counter(h) - 1;
    schedule(h, n);
}

static void write_register(struct hpet *h, unsigned at, uint64_t v)
{
    unsigned n = (at - TIMER0) / STRIDE;

    switch (at) {
    case GCONF: write_gconf(h, v); return;
    case GINTR: write_status(h, v); return;
    case MAIN: write_counter(h, v); return;
    default: break;
    }
    if (at < TIMER0 || n >= TIMERS)
        return;
    switch (at - TIMER0 - n * STRIDE) {
    case TN_CONF: write_conf(h, n, v); break;
    case TN_COMPARATOR: write_comparator(h, n, v); break;
    case TN_FSB: h->comparator[n].fsb = v; break;
    default: break;
    }
}

static enum io_status peek(const void *dev, struct io *io)
{
    const struct hpet *h = dev;

    if (io->write)
        return IO_DEFER;
    io->value = read_register(h, io->offset & ~7u) >> 8 * (io->offset & 7);
    return IO_DONE;
}

static enum io_status access(void *dev, struct io *io)
{
    struct hpet *h = dev;
    unsigned at = io->offset & ~7u, shift = 8 * (io->offset & 7);
    uint64_t old, mask;

    if (!io->write)
        return peek(dev, io);
    /* Only aligned double and quad words are defined (1.0a, 2.3.2). */
    if (io->size < 4 || io->offset % io->size)
        return IO_DONE;
    mask = (io->size == 8 ? UINT64_MAX : (uint64_t)UINT32_MAX) << shift;
    /* The status is written in ones: the other half must not be. */
    old = at == GINTR ? 0 : read_register(h, at);
    if (at >= TIMER0 && at < TIMER0 + TIMERS * STRIDE && at % STRIDE == TN_COMPARATOR) {
        const struct comparator *c = &h->comparator[(at - TIMER0) / STRIDE];
        if (periodic(c) && !c->set)
            old = c->period;
    }
    write_register(h, at, (old & ~mask) | (io->value << shift & mask));
    return IO_DONE;
}

static void moved(void *dev, unsigned n, bool level)
{
    struct hpet *h = dev;

    if (n == PIT_IN)
        h->pit = h->wire_pit = level;
    else
        h->rtc = h->wire_rtc = level;
    drive_lines(h);
}

static bool init(void *dev, struct device *self, struct error *e)
{
    struct hpet *h = dev;
    (void)e;

    h->bus = self->bus;
    for (unsigned i = 0; i < TIMERS; i++) {
        struct comparator *c = &h->comparator[i];
        c->hpet = h;
        c->timer.due = due;
        c->timer.owner = c;
    }
    return true;
}

static void reset(void *dev)
{
    struct hpet *h = dev;
    h->pit = h->wire_pit;
    h->rtc = h->wire_rtc;
}

static void drive(void *dev)
{
    struct hpet *h = dev;

    h->wire_pit = h->pit;
    h->wire_rtc = h->rtc;
    /* A snapshot may say anything. */
    if (h->start > periods(h))
        h->start = periods(h);
    for (unsigned i = 0; i < TIMERS; i++)
        schedule(h, i);
    drive_lines(h);
}

static void release(void *dev)
{
    struct hpet *h = dev;

    for (unsigned i = 0; i < TIMERS && h->bus; i++)
        timer_stop(h->bus->clock, &h->comparator[i].timer);
}

const struct device_class hpet_class = {
    .name = "hpet",
    .title = "High precision event timers",
    .size = sizeof(struct hpet),
    .fields = (const struct field[]){STATE(STATE_FIELD, hpet) FIELD_SUBLIST(
        hpet, struct comparator, comparator, TIMERS, comparator_fields){0}},
    .regions = (const struct region[]){{"hpet", 0xfed00000, 0x400, peek, access,
                                        .max_size = 8, .mmio = true},
                                       {0}},
    .pins =
        (const struct pin[]){
            {"irq0", .offset = offsetof(struct hpet, irq0)},
            {"irq8", .offset = offsetof(struct hpet, irq8)},
            {"gsi2%u", .offset = offsetof(struct hpet, gsi),
             .count = GSIS}, /* 20 to 23 */
            {"pit", .moved = moved, .n = PIT_IN},
            {"rtc", .moved = moved, .n = RTC_IN},
            {0},
        },
    .init = init,
    .reset = reset,
    .drive = drive,
    .free = release,
};
