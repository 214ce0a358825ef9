/* chardev.h - the two ends of a byte stream: a guest's port and a host's terminal or
 * file.
 *
 * The host end fills in put, get, flush, admit and owner; the device end fills in kick
 * and device. All calls come from the machine's thread, between or within instructions.
 */
#ifndef BASE_CHARDEV_H
#define BASE_CHARDEV_H

#include "base/types.h"

/* What get() gives for a break condition: the line held at 0 for longer than a byte. */
enum { CHARDEV_BREAK = 0x100 };

struct chardev {
    void *owner;
    /* Bytes from the guest. Never fails for the guest; the host end tells its user. */
    void (*put)(void *owner, const uint8_t *bytes, size_t n);
    /* The next byte for the guest (or CHARDEV_BREAK), or -1 when there is none now. A
     * source that is not interactive (a file, a pipe) waits here for its host, so that
     * what the guest sees depends on the guest alone; an interactive one hands out only
     * what admit() let in between instructions. */
    int (*get)(void *owner);
    /* May be NULL. Everything put so far goes out to the host. */
    void (*flush)(void *owner);
    /* May be NULL. What has come in so far may now be got. Called between
     * instructions, before kick. */
    void (*admit)(void *owner);

    /* A person is at the other end (a terminal, a pty): what is typed comes down the wire
     * at once, whether or not the guest is ready for it. A file, a pipe or a program
     * waits until the guest has said so. */
    bool live;

    void *device;
    void (*kick)(void *device); /* there is input again: called between instructions */
};

#endif
