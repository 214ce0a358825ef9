/* clock.c - timers in a binary heap, and exact rate conversions.
 *
 * The heap's order is (deadline, arming order), so that timers with one deadline run in
 * the order they were armed, whatever the heap's shape.
 */
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

void clock_init(struct clock *c, uint32_t ips)
{
    *c = (struct clock){.ips = ips};
}

void clock_free(struct clock *c)
{
    for (unsigned i = 0; i < c->count; i++)
        c->heap[i]->armed = false;
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

/* Moves t from the hole at slot up or down to where it belongs. */
static void settle(struct clock *c, unsigned slot, struct timer *t)
{
    while (slot > 0 && before(t, c->heap[(slot - 1) / 2])) {
        place(c, slot, c->heap[(slot - 1) / 2]);
        slot = (slot - 1) / 2;
    }
    for (;;) {
        unsigned child = 2 * slot + 1;

        if (child + 1 < c->count && before(c->heap[child + 1], c->heap[child]))
            child++;
        if (child >= c->count || !before(c->heap[child], t))
            break;
        place(c, slot, c->heap[child]);
        slot = child;
    }
    place(c, slot, t);
}

static void make_room(struct clock *c)
{
    struct timer **heap;
    unsigned room = c->room ? 2 * c->room : 16;

    if (c->count < c->room)
        return;
    heap = realloc(c->heap, room * sizeof *heap);
    if (!heap) {
        /* The count of timers is fixed by the board, so no guest gets here. */
        fputs("menura: the host has no memory for a timer\n", stderr);
        abort();
    }
    c->heap = heap;
    c->room = room;
}

static void arm(struct clock *c, struct timer *t, uint64_t when, uint64_t order)
{
    bool moved = t->armed;

    if (!moved)
        make_room(c);
    t->when = when;
    t->order = order;
    t->armed = true;
    if (!moved)
        c->count++;
    settle(c, moved ? t->slot : c->count - 1, t);
    if (c->heap[0] == t && c->sooner)
        c->sooner(c->owner);
}

void timer_arm(struct clock *c, struct timer *t, uint64_t when)
{
    /* A timer that re-arms itself for now, again and again, would stop time. */
    if (c->running && when <= c->now && c->now != UINT64_MAX)
        when = c->now + 1;
    arm(c, t, when, c->armed++);
}

void timer_restore(struct clock *c, struct timer *t, uint64_t when, uint64_t order)
{
    if (order > CLOCK_ARMED_MAX)
        order = CLOCK_ARMED_MAX; /* so that the count of later ones cannot wrap */
    if (c->armed <= order)
        c->armed = order + 1;
    arm(c, t, when, order);
}

/* Which of the armed timers has the least order from `first` on; NULL: none. */
static struct timer *next_in_order(const struct clock *c, uint64_t first)
{
    struct timer *least = NULL;

    for (unsigned n = 0; n < c->count; n++)
        if (c->heap[n]->order >= first && (!least || c->heap[n]->order < least->order))
            least = c->heap[n];
    return least;
}

void clock_restored(struct clock *c, uint64_t armed)
{
    struct timer *t;

    /* The sequence stays, and so does the heap. */
    for (c->armed = armed; (t = next_in_order(c, c->armed)); c->armed++)
        t->order = c->armed;
}

void timer_stop(struct clock *c, struct timer *t)
{
    struct timer *last;

    if (!t->armed)
        return;
    t->armed = false;
    last = c->heap[--c->count];
    if (last != t)
        settle(c, t->slot, last);
}

uint64_t clock_next(const struct clock *c)
{
    return c->count ? c->heap[0]->when : UINT64_MAX;
}

void clock_advance(struct clock *c, uint64_t to)
{
    bool nested = c->running;

    c->running = true;
    while (c->count && c->heap[0]->when <= to) {
        struct timer *t = c->heap[0];

        if (c->now < t->when)
            c->now = t->when;
        timer_stop(c, t);
        t->due(t->owner);
        if (c->now == UINT64_MAX)
            break; /* time's end: nothing can be later than now */
    }
    if (c->now < to)
        c->now = to;
    c->running = nested;
}

/* a * b + carry, or UINT64_MAX when that does not fit. */
static uint64_t scale(uint64_t a, uint32_t b, uint64_t carry)
{
    if (b && a > (UINT64_MAX - carry) / b)
        return UINT64_MAX;
    return a * b + carry;
}

/* Both split at whole seconds: the rest is below 2^32, so its product fits. */
uint64_t clock_to_hz(const struct clock *c, uint64_t ticks, uint32_t hz)
{
    return scale(ticks / c->ips, hz, ticks % c->ips * hz / c->ips);
}

uint64_t clock_from_hz(const struct clock *c, uint64_t periods, uint32_t hz)
{
    uint64_t rest;

    if (!hz)
        return periods ? UINT64_MAX : 0;
    rest = periods % hz * c->ips;
    return scale(periods / hz, c->ips, rest / hz + (rest % hz != 0));
}

uint64_t clock_after_ns(const struct clock *c, uint64_t ns)
{
    uint64_t ticks = clock_from_hz(c, ns, 1000000000u);

    return ticks > UINT64_MAX - c->now ? UINT64_MAX : c->now + ticks;
}
