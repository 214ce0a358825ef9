/* keyboard.h - a PS/2 keyboard with 104 keys. */
#ifndef DEVICES_KEYBOARD_H
#define DEVICES_KEYBOARD_H

#include "base/device.h"
#include "devices/ps2.h"

extern const struct device_class keyboard_class;

/* What the board plugs into the controller. */
struct ps2_wire *keyboard_wire(struct device *d);

/* A key, by its Linux number (KEY_ESC is 1), goes down or up. Between instructions. A
 * key that is down already and goes down again is a repetition by the host: ignored
 * when the keyboard repeats by itself (option typematic). Unknown keys are ignored. */
void keyboard_key(struct device *d, unsigned key, bool down);

/* Nothing waits to be read by the guest. */
bool keyboard_idle(const struct device *d);

/* Bit 0 Scroll Lock, bit 1 Num Lock, bit 2 Caps Lock. */
unsigned keyboard_leds(const struct device *d);

#endif
