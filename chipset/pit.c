/* pit.c - the interval timer: an 8254 with three counters at 1.193182 MHz.
 *
 * I/O ports 40h-43h. Intel 8254 data sheet (231164). A counter is not stepped: it holds
 * the CLK pulse at which it was loaded, and everything else is arithmetic on the number
 * of pulses since. Pulses are counted from power-on, so no rounding ever adds up.
 */
#include "chipset/pit.h"
#include "chipset/deadline.h"

enum { COUNTERS = 3, CONTROL = 3 };
enum { RW_LSB = 1, RW_MSB = 2, RW_WORD = 3 };
enum { STATUS_OUT = 0x80, STATUS_NULL = 0x40 };
enum { READ_BACK = 3, BACK_NOT_COUNT = 0x20, BACK_NOT_STATUS = 0x10 };

#define COUNTER_STATE(_, x)                                                            \
    _(x, uint8_t, mode, 3, 5, "counting mode 0 to 5")                                  \
    _(x, uint8_t, rw, RW_WORD, 3, "read/write format: LSB, MSB, both")                 \
    _(x, bool, bcd, false, 1, "counts in four decades")                                \
    _(x, bool, second_write, false, 1, "the next write is the MSB")                    \
    _(x, bool, second_read, false, 1, "the next read is the MSB")                      \
    _(x, uint8_t, lsb, 0, 0xff, "LSB written, MSB still to come")                      \
    _(x, bool, count_held, false, 1, "a latched count waits to be read")               \
    _(x, uint16_t, held, 0, 0xffff, "that count, as read")                             \
    _(x, bool, status_held, false, 1, "a latched status waits to be read")             \
    _(x, uint8_t, status, 0, 0xff, "that status")                                      \
    _(x, bool, gate, true, 1, "level of GATE")                                         \
    _(x, bool, written, false, 1, "the count register holds a count")                  \
    _(x, bool, pending, false, 1, "that count is not yet in the counting element")     \
    _(x, bool, low_next, false, 1, "mode 3: it takes over where OUT falls")            \
    _(x, uint64_t, takeover, 0, UINT64_MAX, "modes 2, 3: the pulse at which it does")  \
    _(x, bool, active, false, 1,                                                       \
      "the counting element is loaded, or will be at origin")                          \
    _(x, bool, running, false, 1, "it counts; else it stands at `at`")                 \
    _(x, uint32_t, count, 0x10000, 0x10000, "count register, 0 meaning the most")      \
    _(x, uint32_t, n, 0x10000, 0x10000, "what the counting element was loaded with")   \
    _(x, uint64_t, origin, 0, UINT64_MAX, "pulse of that load, since power-on")        \
    _(x, uint32_t, at, 0, 0xffffffff, "pulses since the load, while not running")

struct counter {
    COUNTER_STATE(STATE_MEMBER, )
    struct line out;
    struct timer timer; /* the next change of OUT, while somebody listens */
    struct pit *pit;
    bool heard;     /* OUT is joined: its changes matter when they happen */
    bool wire_gate; /* the GATE pin as it is: a reset does not move it */
};

struct pit {
    struct counter counter[COUNTERS];
    struct clock *clock;
};

static const struct field counter_fields[] = {COUNTER_STATE(
    STATE_FIELD, counter) FIELD_TIMER_ROW(counter, timer, "next change of OUT"){0}};

static uint64_t pulses(const struct pit *p)
{
    return clock_to_hz(p->clock, p->clock->now, PIT_HZ);
}

static uint32_t modulus(const struct counter *c)
{
    return c->bcd ? 10000 : 0x10000;
}

/* Modes 2 and 3 with a count of 1 are illegal (8254, "Mode 2"); it counts as 2 here. */
static uint32_t period(const struct counter *c)
{
    return c->n < 2 ? 2 : c->n;
}

/* Mode 3: OUT is high for the longer half. */
static uint32_t high_half(uint32_t n)
{
    return (n + 1) / 2;
}

static bool cyclic(const struct counter *c)
{
    return c->mode == 2 || c->mode == 3;
}

/* Pulses since the load; negative until the pulse that loads. */
static int64_t elapsed(const struct counter *c, uint64_t t)
{
    return c->running ? (int64_t)(t - c->origin) : (int64_t)c->at;
}

/* Where in its period a cyclic counter stands, d pulses after its load. */
static uint32_t phase(const struct counter *c, int64_t d)
{
    return (uint32_t)((uint64_t)d % period(c));
}

static bool out_at(const struct counter *c, uint64_t t)
{
    int64_t d = elapsed(c, t);

    if (!c->active)
        return c->mode != 0;
    switch (c->mode) {
    case 0: return d >= (int64_t)c->n;
    case 1: return d < 0 || d >= (int64_t)c->n;
    case 2: return d < 0 || !c->gate || phase(c, d) != period(c) - 1;
    case 3: return d < 0 || !c->gate || phase(c, d) < high_half(period(c));
    default: return d != (int64_t)c->n;
    }
}

/* The pulse at which OUT changes next, or UINT64_MAX. */
static uint64_t next_change(const struct counter *c, uint64_t t)
{
    int64_t d = elapsed(c, t), n = c->n;
    uint32_t at, high;

    if (!c->active || !c->running)
        return UINT64_MAX;
    switch (c->mode) {
    case 0: return d < n ? t + (uint64_t)(n - d) : UINT64_MAX;
    case 1: return d < 0 ? c->origin : d < n ? t + (uint64_t)(n - d) : UINT64_MAX;
    case 2:
        if (d < 0)
            return c->origin + period(c) - 1;
        at = phase(c, d);
        return at == period(c) - 1 ? t + 1 : t + (period(c) - 1 - at);
    case 3:
        high = high_half(period(c));
        if (d < 0)
            return c->origin + high;
        at = phase(c, d);
        return t + (at < high ? high - at : period(c) - at);
    default: return d < n ? t + (uint64_t)(n - d) : d == n ? t + 1 : UINT64_MAX;
    }
}

static void load(struct counter *c, uint64_t when)
{
    c->n = c->count;
    c->origin = when;
    c->at = 0;
    c->active = true;
    c->pending = false;
}

/* Lets a count that was written during a cycle take over, once its pulse has come. */
static void settle(struct counter *c, uint64_t t)
{
    if (!c->pending || !cyclic(c) || !c->active || !c->running ||
        (int64_t)(t - c->takeover) < 0)
        return;
    load(c, c->takeover);
    if (c->low_next)
        c->origin -= high_half(period(c));
}

static void refresh(struct counter *c, uint64_t t)
{
    struct clock *clock = c->pit->clock;
    uint64_t next;

    line_set(&c->out, out_at(c, t));
    /* While a restored state is driven the lines are cut, but its timers tell. */
    c->heard = c->heard || c->out.moved || c->timer.armed;
    next = c->heard ? next_change(c, t) : UINT64_MAX;
    deadline_set(clock, &c->timer,
                 next == UINT64_MAX ? next : clock_from_hz(clock, next, PIT_HZ));
}

static void due(void *owner)
{
    struct counter *c = owner;
    uint64_t t = pulses(c->pit);
    bool level;

    settle(c, t);
    level = out_at(c, t);
    /* A tick of the clock may be longer than a pulse of OUT: then both of its edges are
     * now. Any number of pulses in one tick is one to whoever listens. */
    if (c->out.level == level)
        line_set(&c->out, !level);
    refresh(c, t);
}

static uint16_t to_bcd(uint32_t v)
{
    return (uint16_t)(v / 1000 % 10 << 12 | v / 100 % 10 << 8 | v / 10 % 10 << 4 |
                      v % 10);
}

static uint32_t from_bcd(uint32_t v)
{
    return (v >> 12) * 1000 + (v >> 8 & 15) * 100 + (v >> 4 & 15) * 10 + (v & 15);
}

/* The counting element, as the output latch shows it. */
static uint16_t counting_element(const struct counter *c, uint64_t t)
{
    int64_t d = c->active ? elapsed(c, t) : 0;
    uint32_t m = modulus(c), n = period(c), at, v;

    if (d < 0)
        d = 0;
    switch (c->mode) {
    case 2: v = n - phase(c, d); break;
    case 3:
        /* It counts by two, from the even number at or below n, once in each half. */
        at = phase(c, d);
        if (at >= high_half(n))
            at -= high_half(n);
        v = (n & ~1u) - 2 * at;
        break;
    default: v = c->n + m - (uint32_t)((uint64_t)d % m); break;
    }
    v %= m;
    return c->bcd ? to_bcd(v) : (uint16_t)v;
}

static uint8_t status(const struct counter *c, uint64_t t)
{
    bool null = c->pending || !c->active || elapsed(c, t) < 0;

    return (uint8_t)((out_at(c, t) ? STATUS_OUT : 0) | (null ? STATUS_NULL : 0) |
                     c->rw << 4 | c->mode << 1 | (c->bcd ? 1 : 0));
}

static void write_count(struct counter *c, uint32_t value, uint64_t t)
{
    uint32_t v = c->bcd ? from_bcd(value) % 10000 : value;
    uint32_t at, high;

    c->count = v ? v : modulus(c);
    c->written = true;
    if (c->mode == 1 || c->mode == 5) {
        c->pending = true; /* until GATE rises */
    } else if (!cyclic(c) || !c->active || elapsed(c, t) < 0) {
        load(c, t + 1);
        c->running = c->gate;
    } else if (!c->running) {
        c->pending = true;
    } else if (!c->pending) {
        /* The present cycle, or in mode 3 half cycle, is finished first. */
        at = phase(c, elapsed(c, t));
        high = high_half(period(c));
        c->low_next = c->mode == 3 && at < high;
        c->takeover = t + (c->low_next ? high : period(c)) - at;
        c->pending = true;
    }
}

static void write_counter(struct counter *c, uint8_t v, uint64_t t)
{
    switch (c->rw) {
    case RW_LSB: write_count(c, v, t); break;
    case RW_MSB: write_count(c, (uint32_t)v << 8, t); break;
    default:
        if (c->second_write) {
            c->second_write = false;
            write_count(c, (uint32_t)v << 8 | c->lsb, t);
            break;
        }
        c->lsb = v;
        c->second_write = true;
        /* "Writing the first byte disables counting. OUT is set low immediately." */
        if (c->mode == 0)
            c->active = c->running = false;
        break;
    }
}

static void latch_count(struct counter *c, uint64_t t)
{
    if (c->count_held)
        return;
    c->held = counting_element(c, t);
    c->count_held = true;
}

static void write_control(struct pit *p, uint8_t v, uint64_t t)
{
    unsigned select = v >> 6, rw = v >> 4 & 3, mode = v >> 1 & 7;
    struct counter *c;

    if (select == READ_BACK) {
        for (unsigned i = 0; i < COUNTERS; i++) {
            c = &p->counter[i];
            if (!(v >> (i + 1) & 1))
                continue;
            if (!(v & BACK_NOT_COUNT))
                latch_count(c, t);
            if (!(v & BACK_NOT_STATUS) && !c->status_held) {
                c->status = status(c, t);
                c->status_held = true;
            }
        }
        return;
    }
    c = &p->counter[select];
    if (rw == 0) {
        latch_count(c, t);
        return;
    }
    c->rw = (uint8_t)rw;
    c->mode = (uint8_t)(mode > 5 ? mode - 4 : mode);
    c->bcd = v & 1;
    c->second_write = c->second_read = false;
    c->count_held = c->status_held = false;
    c->written = c->pending = c->active = c->running = false;
    refresh(c, t);
}

static void moved(void *dev, unsigned n, bool level)
{
    struct pit *p = dev;
    struct counter *c = &p->counter[n];
    uint64_t t;
    int64_t d;

    c->wire_gate = level;
    if (!p->clock || c->gate == level)
        return;
    t = pulses(p);
    settle(c, t);
    d = elapsed(c, t);
    c->gate = level;
    if (level && c->mode != 0 && c->mode != 4) {
        /* A trigger: modes 1, 5 start; 2, 3 start over. */
        if (c->written) {
            load(c, t + 1);
            c->running = true;
        }
    } else if (level) {
        c->origin = t - c->at;
        c->running = c->active;
    } else if (c->mode != 1 && c->mode != 5 && c->running) {
        /* Counting stops. What is kept is right modulo 2^16 or 10^4, and as to whether
         * the count was reached. */
        c->at = cyclic(c) ? phase(c, d < 0 ? 0 : d)
                : d < 0   ? 0
                : d <= (int64_t)c->n
                    ? (uint32_t)d
                    : c->n + 1 + (uint32_t)((uint64_t)(d - c->n - 1) % modulus(c));
        c->running = false;
    }
    refresh(c, t);
}

/* A read that moves no latch and no byte pointer may be answered at once. */
static bool pure_read(const struct counter *c)
{
    return !c->status_held && !c->count_held && c->rw != RW_WORD && !c->pending;
}

static enum io_status peek(const void *dev, struct io *io)
{
    const struct pit *p = dev;
    const struct counter *c;
    uint16_t v;

    if (io->write)
        return IO_DEFER;
    if (io->offset == CONTROL) { /* not readable: the bus floats */
        io->value = 0xff;
        return IO_DONE;
    }
    c = &p->counter[io->offset];
    if (!pure_read(c))
        return IO_DEFER;
    v = counting_element(c, pulses(p));
    io->value = c->rw == RW_MSB ? v >> 8 : v & 0xff;
    return IO_DONE;
}

static uint8_t read_counter(struct counter *c, uint64_t t)
{
    uint16_t v;
    bool msb = c->rw == RW_MSB || (c->rw == RW_WORD && c->second_read);

    if (c->status_held) {
        c->status_held = false;
        return c->status;
    }
    v = c->count_held ? c->held : counting_element(c, t);
    if (c->rw == RW_WORD)
        c->second_read = !c->second_read;
    if (!c->second_read)
        c->count_held = false;
    return (uint8_t)(msb ? v >> 8 : v);
}

static enum io_status access(void *dev, struct io *io)
{
    struct pit *p = dev;
    uint64_t t = pulses(p);
    struct counter *c;

    if (peek(dev, io) == IO_DONE)
        return IO_DONE;
    for (unsigned i = 0; i < COUNTERS; i++)
        settle(&p->counter[i], t);
    if (io->offset == CONTROL) {
        write_control(p, (uint8_t)io->value, t);
        return IO_DONE;
    }
    c = &p->counter[io->offset];
    if (io->write) {
        write_counter(c, (uint8_t)io->value, t);
        refresh(c, t);
    } else {
        io->value = read_counter(c, t);
    }
    return IO_DONE;
}

static bool init(void *dev, struct device *self, struct error *e)
{
    struct pit *p = dev;
    (void)e;

    p->clock = self->bus->clock;
    for (unsigned i = 0; i < COUNTERS; i++) {
        struct counter *c = &p->counter[i];
        c->pit = p;
        c->timer.due = due;
        c->timer.owner = c;
    }
    return true;
}

static void reset(void *dev)
{
    struct pit *p = dev;
    p->counter[2].gate = p->counter[2].wire_gate; /* the others are tied high */
}

static void drive(void *dev)
{
    struct pit *p = dev;
    uint64_t t = pulses(p);

    for (unsigned i = 0; i < COUNTERS; i++) {
        struct counter *c = &p->counter[i];
        c->wire_gate = c->gate;
        /* A snapshot may say anything; a load is at most one pulse ahead. */
        if (c->n == 0)
            c->n = modulus(c);
        if (c->count == 0)
            c->count = modulus(c);
        if (elapsed(c, t) < -1)
            c->origin = t + 1;
        refresh(c, t);
    }
}

static void release(void *dev)
{
    struct pit *p = dev;

    for (unsigned i = 0; i < COUNTERS && p->clock; i++)
        timer_stop(p->clock, &p->counter[i].timer);
}

const struct device_class pit_class = {
    .name = "pit",
    .title = "8254 interval timer",
    .size = sizeof(struct pit),
    .fields = (const struct field[]){FIELD_SUBLIST(pit, struct counter, counter,
                                                   COUNTERS, counter_fields){0}},
    .regions = (const struct region[]){{"pit", 0x40, 4, peek, access}, {0}},
    .pins =
        (const struct pin[]){
            {"out0", .offset = offsetof(struct pit, counter[0].out)},
            {"out1", .offset = offsetof(struct pit, counter[1].out)},
            {"out2", .offset = offsetof(struct pit, counter[2].out)},
            {"gate2", .moved = moved, .n = 2},
            {0},
        },
    .init = init,
    .reset = reset,
    .drive = drive,
    .free = release,
};
