/* ioapic.c - the I/O APIC: 24 pins, each a row of the redirection table.
 *
 * MMIO at FEC00000h. Intel 82093AA data sheet (290566); the EOI register at 40h came
 * with version 20h (ICH data sheets, "IOxAPIC EOI register"). Polarity bits are held
 * and not used: on this board a pin that is high asserts, whatever the trace carried.
 */
#include "chipset/ioapic.h"

enum { PINS = 24, VERSION = 0x20, ID_BITS = 0x0f000000 };
enum { IOREGSEL = 0x00, IOWIN = 0x10, EOIR = 0x40 };
enum { IOAPICID, IOAPICVER, IOAPICARB, IOREDTBL = 0x10 };
/* Redirection entries; bits 12 and 14 are the chip's own. */
enum {
    DELIVERY = 7 << 8,
    LOGICAL = 1 << 11,
    REMOTE_IRR = 1 << 14,
    LEVEL = 1 << 15,
    MASKED = 1 << 16,
    WRITABLE_LOW = 0x1afff
};
#define WRITABLE (0xff00000000000000ull | WRITABLE_LOW)
#define ENTRY_MAX (WRITABLE | REMOTE_IRR)

#define STATE(_, x)                                                                    \
    _(x, uint8_t, select, 0, 0xff, "IOREGSEL")                                         \
    _(x, uint32_t, id, 0, ID_BITS, "IOAPICID")                                         \
    _(x, uint64_t, entry, MASKED, ENTRY_MAX, "redirection table", PINS)                \
    _(x, uint32_t, levels, 0, 0xffffff, "what the pins were last seen to be")

struct ioapic {
    STATE(STATE_MEMBER, )
    struct apic_bus *bus;
    uint32_t wire; /* the pins as they are: a reset does not move them */
};

static bool is_level(uint64_t entry)
{
    unsigned delivery = entry >> 8 & 7;

    /* SMI, NMI, INIT and ExtINT are edge triggered whatever the bit says (82093AA,
     * "Trigger mode"). */
    return (entry & LEVEL) && (delivery == APIC_FIXED || delivery == APIC_LOWEST);
}

static bool send(struct ioapic *c, unsigned n)
{
    uint64_t e = c->entry[n];
    struct apic_message m = {
        .destination = (uint32_t)(e >> 56),
        .logical = e & LOGICAL,
        .level = is_level(e),
        .delivery = e >> 8 & 7,
        .vector = e & 0xff,
    };

    return apic_bus_send(c->bus, &m);
}

/* A level that stands, unmasked and not waiting for an EOI, is sent. */
static void serve_level(struct ioapic *c, unsigned n)
{
    uint64_t e = c->entry[n];

    if ((c->levels >> n & 1) && is_level(e) && !(e & (MASKED | REMOTE_IRR)) &&
        send(c, n))
        c->entry[n] |= REMOTE_IRR;
}

static void moved(void *dev, unsigned n, bool level)
{
    struct ioapic *c = dev;
    uint32_t bit = 1u << n;
    bool rises = level && !(c->levels & bit);

    c->levels = level ? c->levels | bit : c->levels & ~bit;
    c->wire = c->levels;
    if (!c->bus)
        return;
    if (is_level(c->entry[n]))
        serve_level(c, n);
    else if (rises && !(c->entry[n] & MASKED)) /* an edge at a masked pin is lost */
        (void)send(c, n);
}

static void end_of_interrupt(void *owner, uint8_t vector)
{
    struct ioapic *c = owner;

    for (unsigned n = 0; n < PINS; n++) {
        if ((c->entry[n] & REMOTE_IRR) && (c->entry[n] & 0xff) == vector) {
            c->entry[n] &= ~(uint64_t)REMOTE_IRR;
            serve_level(c, n);
        }
    }
}

static uint32_t read_window(const struct ioapic *c)
{
    unsigned reg = c->select, n = (reg - IOREDTBL) / 2;

    switch (reg) {
    case IOAPICID:
    case IOAPICARB: return c->id;
    case IOAPICVER: return (PINS - 1) << 16 | VERSION;
    default: break;
    }
    if (reg < IOREDTBL || n >= PINS)
        return 0;
    return (uint32_t)(reg & 1 ? c->entry[n] >> 32 : c->entry[n]);
}

static void write_window(struct ioapic *c, uint32_t v)
{
    unsigned reg = c->select, n = (reg - IOREDTBL) / 2;
    uint64_t e;

    if (reg == IOAPICID)
        c->id = v & ID_BITS;
    if (reg < IOREDTBL || n >= PINS)
        return;
    e = c->entry[n];
    if (reg & 1)
        e = (e & 0xffffffff) | ((uint64_t)v << 32 & WRITABLE);
    else
        e = (e & ~(uint64_t)WRITABLE_LOW) | (v & WRITABLE_LOW);
    /* Without level triggering there is nothing to wait for. Kernels switch a pin to
     * edge and back to drop a stuck remote IRR. */
    if (!is_level(e))
        e &= ~(uint64_t)REMOTE_IRR;
    c->entry[n] = e;
    serve_level(c, n);
}

static enum io_status peek(const void *dev, struct io *io)
{
    const struct ioapic *c = dev;
    uint32_t v = 0;

    if (io->write)
        return IO_DEFER;
    switch (io->offset & 0xf0) {
    case IOREGSEL: v = c->select; break;
    case IOWIN: v = read_window(c); break;
    default: break;
    }
    io->value = io->offset & 0xc ? 0 : v >> 8 * (io->offset & 3);
    return IO_DONE;
}

static enum io_status access(void *dev, struct io *io)
{
    struct ioapic *c = dev;

    if (!io->write)
        return peek(dev, io);
    switch (io->offset) {
    case IOREGSEL: c->select = io->value & 0xff; break;
    case IOWIN:
        if (io->size == 4) /* "32-bit accesses only" */
            write_window(c, (uint32_t)io->value);
        break;
    case EOIR: end_of_interrupt(c, io->value & 0xff); break;
    default: break;
    }
    return IO_DONE;
}

static bool init(void *dev, struct device *self, struct error *e)
{
    struct ioapic *c = dev;
    (void)self, (void)e;

    if (c->bus && c->bus->ios < APIC_IOS)
        c->bus->io[c->bus->ios++] = (struct apic_io){c, end_of_interrupt};
    return true;
}

static void reset(void *dev)
{
    struct ioapic *c = dev;
    c->levels = c->wire;
}

static void drive(void *dev)
{
    struct ioapic *c = dev;
    c->wire = c->levels;
}

void ioapic_connect(struct device *d, struct apic_bus *bus)
{
    ((struct ioapic *)d->state)->bus = bus;
}

const struct device_class ioapic_class = {
    .name = "ioapic",
    .title = "82093AA I/O APIC",
    .size = sizeof(struct ioapic),
    .fields = (const struct field[]){STATE(STATE_FIELD, ioapic){0}},
    .regions = (const struct region[]){{"ioapic", 0xfec00000, 0x100, peek, access,
                                        .max_size = 4, .mmio = true},
                                       {0}},
    .pins = (const struct pin[]){{"in%u", .moved = moved, .count = PINS}, {0}},
    .init = init,
    .reset = reset,
    .drive = drive,
};
