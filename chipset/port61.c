/* port61.c - system control port B: gate and output of timer 2, speaker, NMI reasons.
 *
 * One byte at I/O port 61h. Intel ICH9 data sheet, LPC bridge, NMI_SC; the NMI mask is
 * bit 7 of port 70h and comes from the RTC as a pin.
 */
#include "chipset/port61.h"

enum {
    TIM_CNT2_EN = 1 << 0,
    SPKR_DAT_EN = 1 << 1,
    PCI_SERR_EN = 1 << 2, /* 1 disables and clears, despite the name */
    IOCHK_NMI_EN = 1 << 3,
    REF_TOGGLE = 1 << 4,
    TMR2_OUT_STS = 1 << 5,
    IOCHK_NMI_STS = 1 << 6,
    SERR_NMI_STS = 1 << 7,
    WRITABLE = 0xf,
};

enum { PIT_HZ = 1193182, REFRESH = 18 }; /* one refresh in 18 PIT periods, 15 us */
enum input { OUT2, SERR, IOCHK, NMI_MASK };

#define STATE(_, x)                                                                    \
    _(x, uint8_t, control, 0, WRITABLE, "the four bits that can be written")           \
    _(x, uint8_t, reasons, 0, SERR_NMI_STS | IOCHK_NMI_STS, "latched NMI reasons")     \
    _(x, bool, out2, false, 1, "level of timer 2's OUT")                               \
    _(x, bool, masked, false, 1, "NMI masked by port 70h")

struct port61 {
    STATE(STATE_MEMBER, )
    struct line gate2, speaker, nmi;
    const struct clock *clock;
    bool wire_out2, wire_masked; /* the pins as they are: a reset does not move them */
};

static bool init(void *dev, struct device *self, struct error *e)
{
    struct port61 *p = dev;
    (void)e;
    p->clock = self->bus->clock;
    return true;
}

static void update(struct port61 *p)
{
    line_set(&p->gate2, p->control & TIM_CNT2_EN);
    line_set(&p->speaker, (p->control & SPKR_DAT_EN) && p->out2);
    line_set(&p->nmi, p->reasons && !p->masked);
}

static void moved(void *dev, unsigned n, bool level)
{
    struct port61 *p = dev;

    switch (n) {
    case OUT2: p->out2 = p->wire_out2 = level; break;
    case NMI_MASK: p->masked = p->wire_masked = level; break;
    case SERR:
        if (level && !(p->control & PCI_SERR_EN))
            p->reasons |= SERR_NMI_STS;
        break;
    default:
        if (level && !(p->control & IOCHK_NMI_EN))
            p->reasons |= IOCHK_NMI_STS;
        break;
    }
    update(p);
}

static enum io_status peek(const void *dev, struct io *io)
{
    const struct port61 *p = dev;

    if (io->write)
        return IO_DEFER;
    io->value = p->control | p->reasons;
    if (clock_to_hz(p->clock, p->clock->now, PIT_HZ) / REFRESH & 1)
        io->value |= REF_TOGGLE;
    if (p->out2)
        io->value |= TMR2_OUT_STS;
    return IO_DONE;
}

static enum io_status access(void *dev, struct io *io)
{
    struct port61 *p = dev;

    if (!io->write)
        return peek(dev, io);
    p->control = io->value & WRITABLE;
    if (p->control & PCI_SERR_EN)
        p->reasons &= (uint8_t)~SERR_NMI_STS;
    if (p->control & IOCHK_NMI_EN)
        p->reasons &= (uint8_t)~IOCHK_NMI_STS;
    update(p);
    return IO_DONE;
}

static void reset(void *dev)
{
    struct port61 *p = dev;
    p->out2 = p->wire_out2;
    p->masked = p->wire_masked;
}

static void drive(void *dev)
{
    struct port61 *p = dev;
    p->wire_out2 = p->out2;
    p->wire_masked = p->masked;
    update(p);
}

const struct device_class port61_class = {
    .name = "port61",
    .title = "System control port B",
    .size = sizeof(struct port61),
    .fields = (const struct field[]){STATE(STATE_FIELD, port61){0}},
    .regions = (const struct region[]){{"port61", 0x61, 1, peek, access}, {0}},
    .pins =
        (const struct pin[]){
            {"gate2", .offset = offsetof(struct port61, gate2)},
            {"speaker", .offset = offsetof(struct port61, speaker)},
            {"nmi", .offset = offsetof(struct port61, nmi)},
            {"out2", .moved = moved, .n = OUT2},
            {"serr", .moved = moved, .n = SERR},
            {"iochk", .moved = moved, .n = IOCHK},
            {"nmi_mask", .moved = moved, .n = NMI_MASK},
            {0},
        },
    .init = init,
    .reset = reset,
    .drive = drive,
};
