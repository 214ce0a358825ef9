/* debug_exit.c - isa-debug-exit, as QEMU has it: a write ends the run with its value. */
#include "devices/debug_exit.h"

struct debug_exit {
    void (*told)(void *owner, uint32_t value);
    void *owner;
};

static enum io_status peek(const void *dev, struct io *io)
{
    (void)dev;
    if (io->write)
        return IO_DEFER;
    io->value = 0;
    return IO_DONE;
}

static enum io_status access(void *dev, struct io *io)
{
    struct debug_exit *d = dev;

    if (!io->write)
        return peek(dev, io);
    if (d->told)
        d->told(d->owner, (uint32_t)io->value);
    return IO_DONE;
}

void debug_exit_connect(struct device *d, void (*told)(void *owner, uint32_t value),
                        void *owner)
{
    struct debug_exit *x = d->state;
    x->told = told;
    x->owner = owner;
}

const struct device_class debug_exit_class = {
    .name = "isa-debug-exit",
    .title = "Exit by port",
    .size = sizeof(struct debug_exit),
    .regions = (const struct region[]){
        {"isa-debug-exit", 0, 4, peek, access, .max_size = 4, .unmapped = true}, {0}},
};
