/* clock.c - a binary heap of timers, and exact conversions of rates. */
#include "base/clock.h"

#include <stdlib.h>

void clock_init(struct clock *c, uint32_t ips)
{
    *c = (struct clock){.ips = ips};
}

void clock_free(struct clock *c)
{
    free(c->heap);
    c->heap = NULL;
    c->count = c->room = 0;
}

static bool before(const struct timer *a, const struct timer *b)
{
    return a->when != b->when ? a->when < b->when : a->order < b->order;
}

static void place(struct clock *c, unsigned slot, struct timer *t)
{
    c->heap[slot] = t;
    t->slot = slot;
}

static void rise(struct clock *c, unsigned slot)
{
    struct timer *t = c->heap[slot];
    while (slot && before(t, c->heap[(slot - 1) / 2])) {
        place(c, slot, c->heap[(slot - 1) / 2]);
        slot = (slot - 1) / 2;
    }
    place(c, slot, t);
}

static void sink(struct clock *c, unsigned slot)
{
    struct timer *t = c->heap[slot];
    for (;;) {
        unsigned child = 2 * slot + 1;
        if (child >= c->count)
            break;
        if (child + 1 < c->count && before(c->heap[child + 1], c->heap[child]))
            child++;
        if (!before(c->heap[child], t))
            break;
        place(c, slot, c->heap[child]);
        slot = child;
    }
    place(c, slot, t);
}

void timer_stop(struct clock *c, struct timer *t)
{
    unsigned slot = t->slot;
    struct timer *last;

    if (!t->armed)
        return;
    t->armed = false;
    last = c->heap[--c->count];
    if (last == t)
        return;
    place(c, slot, last);
    rise(c, slot);
    sink(c, last->slot);
}

void timer_arm(struct clock *c, struct timer *t, uint64_t when)
{
    timer_stop(c, t);
    if (c->count == c->room) {
        unsigned room = c->room ? 2 * c->room : 16;
        struct timer **heap = realloc(c->heap, room * sizeof *heap);
        if (!heap)
            abort(); /* the host cannot give a few pointers */
        c->heap = heap;
        c->room = room;
    }
    t->when = when;
    t->order = c->armed++;
    t->armed = true;
    place(c, c->count++, t);
    rise(c, t->slot);
    if (t->slot == 0 && c->sooner)
        c->sooner(c->owner);
}

void timer_set_order(struct clock *c, struct timer *t, uint64_t order)
{
    t->order = order;
    if (c->armed <= order)
        c->armed = order + 1;
    if (t->armed) {
        rise(c, t->slot);
        sink(c, t->slot);
    }
}

uint64_t clock_next(const struct clock *c)
{
    return c->count ? c->heap[0]->when : UINT64_MAX;
}

void clock_advance(struct clock *c, uint64_t to)
{
    while (c->count && c->heap[0]->when <= to) {
        struct timer *t = c->heap[0];
        if (t->when > c->now)
            c->now = t->when;
        timer_stop(c, t);
        t->due(t->owner);
    }
    if (to > c->now)
        c->now = to;
}

uint64_t clock_to_hz(const struct clock *c, uint64_t ticks, uint32_t hz)
{
    /* ticks = q * ips + r, r < 2^32: neither product can overflow before the result. */
    return ticks / c->ips * hz + ticks % c->ips * hz / c->ips;
}

uint64_t clock_from_hz(const struct clock *c, uint64_t periods, uint32_t hz)
{
    uint64_t rest = periods % hz * c->ips;
    return periods / hz * c->ips + rest / hz + (rest % hz != 0);
}

uint64_t clock_after_ns(const struct clock *c, uint64_t ns)
{
    return c->now + clock_from_hz(c, ns, 1000000000u);
}
