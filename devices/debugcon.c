/* debugcon.c - the debug console: a byte written to port E9h appears on the host.
 *
 * Reading gives E9h, by which guests tell that it is there (Bochs; QEMU's isa-debugcon).
 */
#include "devices/debugcon.h"

enum { PORT = 0xe9 };

struct debugcon {
    struct chardev *to;
};

static enum io_status peek(const void *dev, struct io *io)
{
    (void)dev;
    if (io->write)
        return IO_DEFER;
    io->value = PORT;
    return IO_DONE;
}

static enum io_status access(void *dev, struct io *io)
{
    struct debugcon *d = dev;
    uint8_t byte = (uint8_t)io->value;

    if (!io->write)
        return peek(dev, io);
    if (d->to)
        d->to->put(d->to->owner, &byte, 1);
    return IO_DONE;
}

void debugcon_connect(struct device *d, struct chardev *to)
{
    ((struct debugcon *)d->state)->to = to;
}

const struct device_class debugcon_class = {
    .name = "debugcon",
    .title = "Debug console",
    .size = sizeof(struct debugcon),
    .regions = (const struct region[]){{"debugcon", PORT, 1, peek, access}, {0}},
};
