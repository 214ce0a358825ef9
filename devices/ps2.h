/* ps2.h - the PS/2 wire: what a keyboard or mouse and their controller say to each
 * other.
 *
 * Bytes go both ways over one pair of wires, one at a time; the controller decides when
 * (it holds the clock low while it has no room). IBM PS/2 Hardware Interface Technical
 * Reference, "Keyboard and Auxiliary Device Controller".
 */
#ifndef DEVICES_PS2_H
#define DEVICES_PS2_H

#include "base/types.h"

/* Owned by the peripheral, which fills in its part; the controller fills in the rest.
 */
struct ps2_wire {
    void *peripheral;
    void (*receive)(void *peripheral, uint8_t byte); /* a byte from the controller */
    bool (*waiting)(const void *peripheral);         /* has it a byte to send? */
    uint8_t (*send)(void *peripheral);               /* takes that byte */

    void *controller;                    /* NULL: not plugged in */
    void (*attention)(void *controller); /* the peripheral has a byte to send now */
};

static inline void ps2_attention(const struct ps2_wire *w)
{
    if (w->controller)
        w->attention(w->controller);
}

#endif
