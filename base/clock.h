/* clock.h - virtual time and the timers that run on it.
 *
 * One tick is one retired instruction of the machine (all CPUs together), or 1/ips
 * second skipped while every CPU is halted. Two runs of one machine with the same inputs
 * see the same ticks. Conversions to other rates are exact integer arithmetic.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/types.h"

struct clock;

/* A timer belongs to whoever embeds it. `due` runs with the clock's `now` at `when` or as
 * soon after as an instruction ends; it may re-arm its own or any other timer. */
struct timer {
    void (*due)(void *owner);
    void *owner;
    uint64_t when;  /* tick at which it is due */
    bool armed;
    unsigned slot;  /* the clock's: place in the heap */
    uint64_t order; /* the clock's: equal deadlines run in arming order */
};

struct clock {
    uint64_t now;  /* ticks since power-on */
    uint32_t ips;  /* ticks per second, 1e6 to 4e9 */
    struct timer **heap;
    unsigned count, room;
    uint64_t armed; /* how many were ever armed: the next order */
    bool running;   /* clock_advance is calling timers */
    /* Told when an armed deadline becomes the earliest, so that a running CPU can be
     * stopped in time. May be NULL. */
    void (*sooner)(void *owner);
    void *owner;
};

void clock_init(struct clock *c, uint32_t ips);
void clock_free(struct clock *c);

/* Arms t for tick `when`; a time already past is due at once, or at the next tick if a
 * timer's `due` is running (so that no timer can hold time still). Moves it if armed. The
 * clock must stay where it is in memory while timers are armed. Never fails (aborts the
 * process only when the host has no memory for a pointer). */
void timer_arm(struct clock *c, struct timer *t, uint64_t when);
void timer_stop(struct clock *c, struct timer *t);

/* Arms t with the deadline and order it was saved with. */
void timer_restore(struct clock *c, struct timer *t, uint64_t when, uint64_t order);

/* The most timers a saved clock may have armed: none that ran gets near. */
#define CLOCK_ARMED_MAX (UINT64_MAX >> 1)

/* After the last timer_restore(): `armed` timers had been armed when the clock was saved,
 * at most CLOCK_ARMED_MAX. Timers with later orders (armed since, or from a damaged file)
 * get the next ones, in the same sequence. */
void clock_restored(struct clock *c, uint64_t armed);

/* The earliest deadline, or UINT64_MAX. */
uint64_t clock_next(const struct clock *c);

/* Moves now to `to` (never backwards), running every timer due on the way, each with
 * now == its deadline (or the present, if that was already past). */
void clock_advance(struct clock *c, uint64_t to);

/* floor(ticks * hz / ips): how many periods of an hz clock fit in `ticks`. hz at most
 * 2^32 - 1; no intermediate overflow for any result below 2^64. */
uint64_t clock_to_hz(const struct clock *c, uint64_t ticks, uint32_t hz);

/* The least tick t with clock_to_hz(t, hz) >= periods: when the counter gets there. */
uint64_t clock_from_hz(const struct clock *c, uint64_t periods, uint32_t hz);

/* The same for nanoseconds since power-on. */
static inline uint64_t clock_now_ns(const struct clock *c)
{
    return clock_to_hz(c, c->now, 1000000000u);
}

/* The tick that lies `ns` nanoseconds from now. */
uint64_t clock_after_ns(const struct clock *c, uint64_t ns);

#endif
