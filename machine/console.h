/* console.h - the terminal's two users: the guest's serial port and the monitor.
 *
 * What is typed goes to the guest or, after Ctrl-A c, into a line for the monitor, while
 * the guest runs on. Ctrl-A is the escape key, as in QEMU and screen.
 */
#ifndef MACHINE_CONSOLE_H
#define MACHINE_CONSOLE_H

#include "base/types.h"

#include <stdatomic.h>

enum { CONSOLE_LINE = 1024, CONSOLE_LINES = 8 };

/* Typing happens in the thread that reads the terminal, obeying in the machine's: lines
 * go from one to the other through a ring with one writer and one reader. */
struct console {
    /* Set up by the owner, called from the typing thread. */
    void (*attention)(void *to); /* there is a line, or quit is set */
    void (*send_break)(void *to);
    void (*print)(void *to, const char *text); /* to the terminal, as it is */
    void *to;
    bool guest; /* a guest's serial port is on this terminal */

    atomic_bool quit;
    atomic_bool monitor; /* typing goes to the monitor */
    atomic_uint filled, taken;
    char lines[CONSOLE_LINES][CONSOLE_LINE];

    /* The typing thread alone. */
    bool escaped;  /* Ctrl-A came */
    unsigned skip; /* state within an escape sequence of the terminal: cursor keys */
    char line[CONSOLE_LINE];
    unsigned length;
};

/* One typed byte. True: it is the guest's. */
bool console_typed(struct console *c, uint8_t byte);

/* The next line for the monitor, or NULL; console_done() gives its place back. */
const char *console_line(struct console *c);
void console_done(struct console *c);

void console_prompt(struct console *c);

#endif
