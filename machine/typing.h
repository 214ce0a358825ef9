/* typing.h - keys pressed one after the other in the guest's time: pasted text, sendkey.
 *
 * Outside input, like a person: not part of a snapshot.
 */
#ifndef MACHINE_TYPING_H
#define MACHINE_TYPING_H

#include "base/clock.h"
#include "base/device.h"

enum { TYPING_MOST = 65536 }; /* characters or chords that wait */

struct typing {
    struct clock *clock;
    struct device *keyboard;
    struct timer timer;
    struct stroke *waiting; /* a ring of TYPING_MOST, or NULL before the first */
    size_t came, gone;
    bool down; /* the stroke at `gone` is pressed, and is to be let go next */
};

void typing_init(struct typing *t, struct clock *clock, struct device *keyboard);
void typing_free(struct typing *t);

/* Text on a US keyboard; newline is Return, tab and backspace are themselves, what the
 * keyboard has not is left out. Returns the bytes taken. */
size_t typing_text(struct typing *t, const char *text, size_t n);

/* Keys pressed together: "ctrl-alt-delete", "f2", "ret". False: no such key, or no room. */
bool typing_keys(struct typing *t, const char *keys);

/* Does such a keyboard type this byte? Are these keys that typing_keys() knows? */
bool typing_has(char c);
bool typing_names_keys(const char *keys);

/* Nothing waits. */
bool typing_over(const struct typing *t);

#endif
