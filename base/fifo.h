/* fifo.h - the one bounded queue of bytes for devices: no index can leave it. */
#ifndef BASE_FIFO_H
#define BASE_FIFO_H

#include "base/state.h"

enum { FIFO_BYTES = 64 };

#define FIFO_STATE(_, x)                                                                 \
    _(x, uint8_t, bytes, 0, 0xff, "the queue, oldest at first", FIFO_BYTES)              \
    _(x, uint8_t, first, 0, FIFO_BYTES - 1, "place of the oldest byte")                  \
    _(x, uint8_t, used, 0, FIFO_BYTES, "bytes in it")

struct fifo {
    FIFO_STATE(STATE_MEMBER, )
};

extern const struct field fifo_fields[];

static inline unsigned fifo_count(const struct fifo *f)
{
    return f->used;
}

/* Adds a byte; false, and nothing added, when it is full. */
static inline bool fifo_push(struct fifo *f, uint8_t byte)
{
    if (f->used >= FIFO_BYTES)
        return false;
    f->bytes[(f->first + f->used++) % FIFO_BYTES] = byte;
    return true;
}

/* Takes the oldest byte; 0 when there is none. */
static inline uint8_t fifo_pop(struct fifo *f)
{
    uint8_t byte;
    if (!f->used)
        return 0;
    byte = f->bytes[f->first];
    f->first = (uint8_t)((f->first + 1) % FIFO_BYTES);
    f->used--;
    return byte;
}

static inline void fifo_clear(struct fifo *f)
{
    f->first = f->used = 0;
}

#endif
