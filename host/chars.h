/* chars.h - the host ends of base/chardev.h: terminal, pipe, file, pty, nothing,
 * memory.
 *
 * Output is kept back until 4 KiB are pending, the machine flushes, or about 20 ms of
 * host time have passed. An output that fails (full disk, closed pipe, vanished
 * terminal) is told once and then takes bytes without effect. Needs a C library with
 * POSIX threads.
 */
#ifndef HOST_CHARS_H
#define HOST_CHARS_H

#include "base/chardev.h"
#include "base/error.h"

/* All optional, and called from any thread. tell must not call back into this file. */
struct chars_hooks {
    void *to;
    /* What the user should know, one line without newline: an output is lost, the
     * terminal went away. Each at most once per device. */
    void (*tell)(void *to, const char *line);
    /* Sees each byte typed at the stdio terminal before the guest; false: it is not for
     * the guest. Sees it even while the guest takes no input. */
    bool (*typed)(void *to, uint8_t byte);
};

/* By name: "stdio", "pty", "null", "file:PATH". NULL with e filled when it cannot be
 * had; "stdio" can be had once at a time in a process. The bytes of hooks are copied.
 */
struct chardev *chars_open(const char *name, const struct chars_hooks *hooks,
                           struct error *e);

/* Takes standard input and output for a front end that draws on the terminal (see
 * terminal_full_screen); "stdio" cannot be opened until it is given back. False with e
 * filled. */
bool chars_take_terminal(const char *enter, const char *leave, struct error *e);
void chars_give_terminal(void);

/* For tests: the guest gets n bytes (copied), then nothing; what it puts is kept, up to
 * 16 MiB. chars_feed() adds input, as interactive input is: seen once admitted. */
struct chardev *chars_memory(const void *bytes, size_t n);
void chars_feed(struct chardev *d, const void *bytes, size_t n);
const uint8_t *chars_written(const struct chardev *d, size_t *n);

/* Flushes, ends its thread, gives the terminal back. NULL is harmless. */
void chars_free(struct chardev *d);

/* From now on input is read and `kick(to)` called from another thread when some came:
 * give it machine_kick(). kick NULL: no more calls once this returns; to be done before
 * the machine goes. False with e filled when the host gives no thread. */
bool chars_listen(struct chardev *d, void (*kick)(void *to), void *to, struct error *e);

/* The terminal is lent to somebody else (a monitor's line editor): cooked mode, and
 * what is typed is not read here. Until called with false. */
void chars_lend(struct chardev *d, bool lent);

/* The guest sees a break condition. From any thread. */
void chars_break(struct chardev *d);

/* A get() that waits for its host returns -1 soon, and is asked again after a kick;
 * output that the host does not take is dropped. For stopping a machine from another
 * thread or a signal handler: machine_stop() first, then this. */
void chars_wake(struct chardev *d);

bool chars_interactive(const struct chardev *d); /* a person may be typing */
bool chars_ended(const struct chardev *d);       /* no input will ever come again */
const char *chars_path(const struct chardev *d); /* pty: to be opened by a client */

#endif
