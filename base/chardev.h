/* chardev.h - the two ends of a byte stream: a guest's port and a host's terminal or file.
 *
 * The host end fills in put, get and owner; the device end fills in kick and device.
 * All calls come from the machine's thread, between or within instructions.
 */
#ifndef BASE_CHARDEV_H
#define BASE_CHARDEV_H

#include "base/types.h"

struct chardev {
    void *owner;
    /* Bytes from the guest. Never fails for the guest; the host end tells its user. */
    void (*put)(void *owner, const uint8_t *bytes, size_t n);
    /* The next byte for the guest, or -1 when there is none now. A source that is not
     * interactive (a file, a pipe) waits here for its host, so that what the guest sees
     * depends on the guest alone; an interactive one hands out only what came through the
     * door between instructions. */
    int (*get)(void *owner);
    /* May be NULL. Everything put so far goes out to the host. */
    void (*flush)(void *owner);

    void *device;
    void (*kick)(void *device); /* there is input again: called between instructions */
};

#endif
