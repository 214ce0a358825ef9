/* door.h - the one door by which anything from outside enters the machine.
 *
 * Keys, serial bytes, packets, disk completions: each is an event that another thread or
 * the front end posts, and the machine takes between instructions, stamped with the tick
 * at which the guest saw it. Record and replay stand here.
 */
#ifndef BASE_DOOR_H
#define BASE_DOOR_H

#include "base/types.h"

enum { DOOR_BYTES = 64 };

struct event {
    uint64_t tick;              /* when the guest saw it: filled in by the taker */
    uint32_t who;               /* the receiver's number, given by door_add() */
    uint32_t size;              /* at most DOOR_BYTES */
    uint8_t bytes[DOOR_BYTES];
};

/* A receiver takes what it has room for and says how many bytes that were; the rest stays
 * in the queue and is offered again. */
typedef unsigned (*door_taker)(void *owner, const uint8_t *bytes, unsigned size);

#endif
