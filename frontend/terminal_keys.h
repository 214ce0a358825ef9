/* terminal_keys.h - what a terminal sends, as keys for the guest. */
#ifndef FRONTEND_TERMINAL_KEYS_H
#define FRONTEND_TERMINAL_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TERMINAL_KEYS = 32 };

/* The first key of n typed bytes (n > 0): its name as menura_keys() takes it, "" when
 * there is nothing to press. Returns how many bytes it was; 0: its escape sequence goes
 * on, unless `over` says that nothing more will come. */
size_t terminal_key(const uint8_t *byte, size_t n, bool over, char name[TERMINAL_KEYS]);

#endif
