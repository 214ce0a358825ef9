/* deadline.h - arms a timer for what a chip's state says, without losing its turn.
 *
 * Timers due at one tick run in the order in which they were armed. A chip works out
 * its deadlines anew whenever its state changes, and after restore; one that comes out
 * the same is left as it is, so that a restored machine keeps the order it was saved
 * with.
 */
#ifndef CHIPSET_DEADLINE_H
#define CHIPSET_DEADLINE_H

#include "base/clock.h"

/* `when` UINT64_MAX stops the timer. */
static inline void deadline_set(struct clock *c, struct timer *t, uint64_t when)
{
    if (when == UINT64_MAX)
        timer_stop(c, t);
    else if (!t->armed || t->when != when)
        timer_arm(c, t, when);
}

#endif
