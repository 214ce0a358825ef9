/* ferr.c - the coprocessor error latch: FERR# becomes IRQ 13, port F0h takes it back.
 *
 * Intel 82371SB (PIIX3) data sheet, "Coprocessor Error Register", and FERR#, IGNNE# in
 * its signal description. IGNNE# itself is not needed: a CPU here does not freeze at
 * the next x87 instruction (SDM vol 1 D.2.1), it goes on.
 */
#include "chipset/ferr.h"

#define STATE(_, x) _(x, bool, error, false, 1, "IRQ 13 is asserted")

struct ferr {
    STATE(STATE_MEMBER, )
    struct line irq;
};

static void drive(void *dev)
{
    struct ferr *f = dev;
    line_set(&f->irq, f->error);
}

static enum io_status access(void *dev, struct io *io)
{
    struct ferr *f = dev;

    if (io->write) {
        f->error = false;
        drive(f);
    } else {
        io->value = 0xff; /* write only */
    }
    return IO_DONE;
}

void ferr_assert(struct device *d)
{
    struct ferr *f = d->state;
    f->error = true;
    drive(f);
}

const struct device_class ferr_class = {
    .name = "ferr",
    .title = "Coprocessor error latch",
    .size = sizeof(struct ferr),
    .fields = (const struct field[]){STATE(STATE_FIELD, ferr){0}},
    .regions = (const struct region[]){{"ferr", 0xf0, 1, NULL, access}, {0}},
    .pins = (const struct pin[]){{"irq", .offset = offsetof(struct ferr, irq)}, {0}},
    .drive = drive,
};
