/* mouse.h - a PS/2 mouse with wheel and five buttons. */
#ifndef DEVICES_MOUSE_H
#define DEVICES_MOUSE_H

#include "base/device.h"
#include "devices/ps2.h"

extern const struct device_class mouse_class;

enum {
    MOUSE_LEFT = 1 << 0,
    MOUSE_RIGHT = 1 << 1,
    MOUSE_MIDDLE = 1 << 2,
    MOUSE_SIDE = 1 << 3,
    MOUSE_EXTRA = 1 << 4,
};

/* What the board plugs into the controller. */
struct ps2_wire *mouse_wire(struct device *d);

/* The mouse moved by dx counts to the right and dy towards the user (down on a screen),
 * its wheel by `wheel` notches away from the user; `buttons` are those down now.
 * Between instructions. */
void mouse_move(struct device *d, int dx, int dy, int wheel, unsigned buttons);

#endif
