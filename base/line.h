/* line.h - a pin's wire: one driver, one receiver, a level.
 *
 * The driver owns a struct line (an output pin) and calls line_set(); the board fills in
 * who is told. A receiver is told only when the level changes.
 */
#ifndef BASE_LINE_H
#define BASE_LINE_H

#include "base/types.h"

struct line {
    void (*moved)(void *to, unsigned n, bool level); /* NULL: not connected */
    void *to;
    unsigned n; /* which of the receiver's pins: passed back to it */
    bool level;
};

static inline void line_set(struct line *l, bool level)
{
    if (l->level == level)
        return;
    l->level = level;
    if (l->moved)
        l->moved(l->to, l->n, level);
}

/* Makes the wire hold `level` without telling the receiver: after restore, where the
 * receiver saved what it had seen. */
static inline void line_restore(struct line *l, bool level)
{
    l->level = level;
}

#endif
