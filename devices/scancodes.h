/* scancodes.h - the three scan code sets of PC keyboards.
 *
 * Keys are numbered as Linux numbers them (linux/input-event-codes.h: KEY_ESC is 1),
 * which every front end can translate to. USB HID to PS/2 Scan Code Translation Table;
 * IBM PS/2 Hardware Interface Technical Reference, "Keyboards (101- and 102-Key)".
 */
#ifndef DEVICES_SCANCODES_H
#define DEVICES_SCANCODES_H

#include "base/types.h"

enum {
    SCAN_KEYS = 256,       /* key numbers are below this */
    SCAN_EXTENDED = 0x100, /* sent after E0h */
    KEY_LEFT_CTRL = 29,
    KEY_LEFT_SHIFT = 42,
    KEY_RIGHT_SHIFT = 54,
    KEY_LEFT_ALT = 56,
    KEY_RIGHT_CTRL = 97,
    KEY_PRINT_SCREEN = 99,
    KEY_RIGHT_ALT = 100,
    KEY_PAUSE = 119,
};

/* The make code in set 2, with SCAN_EXTENDED; 0: no such key, or a sequence of its own
 * (Print Screen, Pause). */
uint16_t scan_set2(unsigned key);

/* The code in set 3; 0: no such key. */
uint8_t scan_set3(unsigned key);

/* What the 8042 makes of a code of set 2: the code in set 1. */
uint8_t scan_translate(uint8_t set2);

#endif
