/* i8042.h - the keyboard and mouse controller, as the board uses it. */
#ifndef DEVICES_I8042_H
#define DEVICES_I8042_H

#include "base/device.h"
#include "devices/ps2.h"

extern const struct device_class i8042_class;

enum { I8042_KEYBOARD, I8042_AUX, I8042_PORTS };

/* Plugs a peripheral into the keyboard's or the auxiliary connector. */
void i8042_plug(struct device *d, unsigned port, struct ps2_wire *wire);

/* Leaves it as a BIOS does for an operating system: keyboard on, translated, with its
 * interrupt; the auxiliary port off. For the direct start of a kernel, after reset. */
void i8042_set_up(struct device *d);

#endif
