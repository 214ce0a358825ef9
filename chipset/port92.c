/* port92.c - system control port A: fast A20 gate and fast CPU reset.
 *
 * One byte at I/O port 92h. Intel ICH9 data sheet, LPC bridge, PORT92.
 */
#include "chipset/port92.h"

enum { INIT_NOW = 1 << 0, A20_GATE = 1 << 1, WIRED = INIT_NOW | A20_GATE };

#define STATE(_, x) _(x, uint8_t, latch, 0, WIRED, "bit 1 A20 gate, bit 0 INIT")

struct port92 {
    STATE(STATE_MEMBER, )
    struct line a20, init;
};

/* The CPU's INIT is an edge: 0 to 1 of INIT_NOW resets, and only that. */
static void drive(void *dev)
{
    struct port92 *p = dev;

    line_set(&p->a20, p->latch & A20_GATE);
    line_set(&p->init, p->latch & INIT_NOW);
}

static enum io_status peek(const void *dev, struct io *io)
{
    const struct port92 *p = dev;

    if (io->write)
        return IO_DEFER;
    io->value = p->latch;
    return IO_DONE;
}

static enum io_status access(void *dev, struct io *io)
{
    struct port92 *p = dev;

    if (!io->write)
        return peek(dev, io);
    p->latch = io->value & WIRED;
    drive(p);
    return IO_DONE;
}

const struct device_class port92_class = {
    .name = "port92",
    .title = "System control port A",
    .size = sizeof(struct port92),
    .fields = (const struct field[]){STATE(STATE_FIELD, port92){0}},
    .regions = (const struct region[]){{"port92", 0x92, 1, peek, access}, {0}},
    .pins =
        (const struct pin[]){
            {"a20", .offset = offsetof(struct port92, a20)},
            {"init", .offset = offsetof(struct port92, init)},
            {0},
        },
    .drive = drive,
};
