/* terminal.h - the process's terminal in raw mode, given back however the process ends.
 *
 * A process has one controlling terminal, so this is the one part with state of its own
 * outside any struct. While raw, Ctrl-C and the like are bytes for the guest.
 */
#ifndef HOST_TERMINAL_H
#define HOST_TERMINAL_H

#include "base/types.h"

/* Makes the terminal on fd raw, and sees to it that the mode found now comes back at
 * exit, at a signal that ends the process, and while it is stopped. Signals that
 * somebody else already handles stay theirs. False when fd is no terminal (any more).
 */
bool terminal_raw(int fd);

/* As terminal_raw, for who draws on the terminal: `enter` is written to it now and when a
 * stopped process goes on, `leave` before it is given back, however that comes. Both at most TERMINAL_TEXT bytes. False too
 * when it is raw already. */
enum { TERMINAL_TEXT = 64 };
bool terminal_full_screen(int in, int out, const char *enter, const char *leave);

/* Once after a stopped process went on: the terminal is raw again, but what it shows is
 * lost. */
bool terminal_resumed(void);

/* Gives the terminal back. May be called by a signal handler. Harmless when it is not raw. */
void terminal_cooked(void);

#endif
