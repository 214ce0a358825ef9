/* piix3_ide.c - the IDE function of the 82371SB: decoding, timing, bus master.
 *
 * PCI device 8086:7010, usually function 1 beside the ISA bridge. Intel 82371SB data
 * sheet (290550), 2.3 (configuration), 2.7 (bus master registers) and 3.5 (bus master
 * function). Timing registers hold what is written; drives are as fast as they are.
 *
 * The channels' interrupts pass through, so that the status register sees their edges.
 * A table entry is read when the one before it is used up, and never again: changing a
 * table under way changes what has not been read yet, as in the chip.
 */
#include "chipset/piix3_ide.h"

#include "base/byteorder.h"

enum { CHANNELS = 2, BM_PORTS = 16, STRIDE = 8 };
enum { IDETIM = 0x40, SIDETIM = 0x44, BMIBA = 4, IDE_DECODE = 1 << 7 };
enum { BMIC = 0, BMIS = 2, BMIDTP = 4 };
enum { SSBM = 1 << 0, RWCON = 1 << 3 };
enum { BMIDEA = 1 << 0, IDE_ERROR = 1 << 1, IDEINTS = 1 << 2, DMACAP = 3 << 5 };
enum { PRD_BYTES = 8, PRD_EOT = 1u << 7 };
/* Entries that one step reads; a table of the shortest ones takes several. */
enum { STEP_ENTRIES = 512 };

#define CHANNEL_STATE(_, x)                                                            \
    _(x, uint8_t, command, 0, SSBM | RWCON, "BMIC")                                    \
    _(x, uint8_t, status, 0, BMIDEA | IDE_ERROR | IDEINTS | DMACAP, "BMIS")            \
    _(x, uint32_t, table, 0, 0xfffffffc, "BMIDTP: where the table begins")             \
    _(x, uint32_t, next, 0, UINT32_MAX, "the entry to be read next")                   \
    _(x, uint32_t, address, 0, UINT32_MAX, "next byte of the present entry")           \
    _(x, uint32_t, left, 0, 0x10000, "bytes of it still to go; 0: none is loaded")     \
    _(x, bool, last, false, 1, "it ends the table")                                    \
    _(x, bool, irq, false, 1, "the drive's interrupt")

struct channel {
    CHANNEL_STATE(STATE_MEMBER, )
};

struct piix3_ide {
    struct channel channel[CHANNELS];
    struct pci_function pci;
    struct line isa[CHANNELS], run[CHANNELS], off[CHANNELS];
    bool wire_irq[CHANNELS]; /* the pins as they are: a reset does not move them */
};

static const struct field channel_fields[] = {CHANNEL_STATE(STATE_FIELD, channel){0}};

/* ---- what follows from the registers ---- */

static void update(struct piix3_ide *p)
{
    for (unsigned n = 0; n < CHANNELS; n++) {
        const struct channel *c = &p->channel[n];
        const uint8_t *timing = p->pci.config + IDETIM + 2 * n;

        line_set(&p->isa[n], c->irq);
        line_set(&p->run[n], (c->status & BMIDEA) && pci_bus_master(&p->pci));
        line_set(&p->off[n], !(timing[1] & IDE_DECODE) ||
                                 !(p->pci.config[PCI_COMMAND] & PCI_IO_SPACE));
    }
}

static void moved(void *dev, unsigned n, bool level)
{
    struct piix3_ide *p = dev;
    struct channel *c = &p->channel[n & 1];

    if (level && !c->irq)
        c->status |= IDEINTS;
    c->irq = p->wire_irq[n & 1] = level;
    line_set(&p->isa[n & 1], level);
}

/* ---- the bus master ---- */

/* Reads the next entry of the table (3.5.1): address, count, end flag. */
static bool load(struct piix3_ide *p, struct channel *c)
{
    uint8_t prd[PRD_BYTES];
    uint32_t count;

    if (!pci_dma_read(&p->pci, c->next, prd, sizeof prd))
        return false;
    c->next += PRD_BYTES;
    c->address = load32(prd) & ~1u;
    count = load16(prd + 4) & 0xfffeu;
    c->left = count ? count : 0x10000;
    c->last = prd[7] & PRD_EOT;
    return true;
}

static void stop(struct piix3_ide *p, struct channel *c, bool error)
{
    c->status &= (uint8_t)~BMIDEA;
    if (error)
        c->status |= IDE_ERROR;
    c->left = 0;
    update(p);
}

static bool move_run(struct piix3_ide *p, struct channel *c, bool to_memory,
                     uint8_t *bytes, uint32_t n)
{
    return to_memory ? pci_dma_write(&p->pci, c->address, bytes, n)
                     : pci_dma_read(&p->pci, c->address, bytes, n);
}

static size_t move(void *owner, unsigned n, bool to_memory, uint8_t *bytes, size_t want)
{
    struct piix3_ide *p = owner;
    struct channel *c = &p->channel[n & 1];
    size_t done = 0;

    if (to_memory != !!(c->command & RWCON)) {
        stop(p, c, true);
        return 0;
    }
    for (unsigned entries = 0; done < want && (c->status & BMIDEA);) {
        uint32_t run;

        if (!c->left) {
            if (entries++ == STEP_ENTRIES)
                break;
            if (!load(p, c)) {
                stop(p, c, true);
                break;
            }
        }
        run = c->left < want - done ? c->left : (uint32_t)(want - done);
        if (!move_run(p, c, to_memory, bytes + done, run)) {
            stop(p, c, true);
            break;
        }
        done += run;
        /* A region may not straddle 64 KiB, and the chip's counter ends at bit 15 (3.5.1).
         * OVMF's do, for whom QEMU's carries on.
         */
        c->address += run;
        c->left -= run;
        if (!c->left && c->last)
            stop(p, c, false);
    }
    return done;
}

static void write_command(struct piix3_ide *p, struct channel *c, uint8_t v)
{
    bool was = c->command & SSBM;

    if (c->status & BMIDEA) /* RWCON holds while the master is active */
        v = (uint8_t)((v & ~RWCON) | (c->command & RWCON));
    c->command = v & (SSBM | RWCON);
    if (!was && (v & SSBM)) {
        c->status |= BMIDEA;
        c->next = c->table;
        c->left = 0;
        c->last = false;
    } else if (was && !(v & SSBM)) {
        c->status &= (uint8_t)~BMIDEA; /* and all it knew is lost */
        c->left = 0;
    }
    update(p);
}

static void write_byte(struct piix3_ide *p, unsigned offset, uint8_t v)
{
    struct channel *c = &p->channel[offset / STRIDE & 1];
    unsigned reg = offset % STRIDE, shift = 8 * (reg & 3);

    switch (reg) {
    case BMIC: write_command(p, c, v); break;
    case BMIS:
        c->status &= (uint8_t) ~(v & (IDE_ERROR | IDEINTS));
        c->status = (uint8_t)((c->status & ~DMACAP) | (v & DMACAP));
        break;
    default:
        if (reg >= BMIDTP)
            c->table = ((c->table & ~(0xffu << shift)) | (uint32_t)v << shift) & ~3u;
        break;
    }
}

static uint8_t read_byte(const struct piix3_ide *p, unsigned offset)
{
    const struct channel *c = &p->channel[offset / STRIDE & 1];
    unsigned reg = offset % STRIDE;

    switch (reg) {
    case BMIC: return c->command;
    case BMIS: return c->status;
    default: return (uint8_t)(reg >= BMIDTP ? c->table >> 8 * (reg & 3) : 0);
    }
}

/* Reading changes nothing. */
static enum io_status peek(const void *dev, struct io *io)
{
    if (io->write)
        return IO_DEFER;
    io->value = 0;
    for (unsigned n = 0; n < io->size; n++)
        io->value |= (uint64_t)read_byte(dev, (io->offset + n) & (BM_PORTS - 1))
                     << 8 * n;
    return IO_DONE;
}

static enum io_status access(void *dev, struct io *io)
{
    if (!io->write)
        return peek(dev, io);
    for (unsigned n = 0; n < io->size; n++)
        write_byte(dev, (io->offset + n) & (BM_PORTS - 1),
                   (uint8_t)(io->value >> 8 * n));
    return IO_DONE;
}

/* ---- the function ---- */

static void written(void *owner, unsigned offset, unsigned size)
{
    (void)offset, (void)size;
    update(owner);
}

static bool init(void *dev, struct device *self, struct error *e)
{
    static const struct pci_identity identity = {
        .vendor = 0x8086, .device = 0x7010, .class_code = 0x010180};
    struct piix3_ide *p = dev;
    struct pci_function *f = &p->pci;
    (void)e;

    pci_function_init(f, self, p, &identity);
    pci_writable(f, PCI_COMMAND, 2, 0, PCI_IO_SPACE | PCI_BUS_MASTER);
    pci_writable(f, PCI_STATUS, 2, 0x0280, 0);
    pci_writable(f, 0x0d, 1, 0, 0xf0); /* MLT */
    pci_bar(f, BMIBA, PCI_BAR_IO, 0, 0);
    /* The data sheet has 0 here: firmware turns the ports on (2.3.9). OVMF does not, as
     * QEMU's PIIX3 answers from power-on; it would wait for a drive for ever.
     */
    pci_writable(f, IDETIM, 2, IDE_DECODE << 8, 0xf3ff);
    pci_writable(f, IDETIM + 2, 2, IDE_DECODE << 8, 0xf3ff);
    pci_writable(f, SIDETIM, 1, 0, 0xff);
    f->written = written;
    return true;
}

static void reset(void *dev)
{
    struct piix3_ide *p = dev;

    pci_function_reset(&p->pci);
    for (unsigned n = 0; n < CHANNELS; n++)
        p->channel[n].irq = p->wire_irq[n];
}

static void drive(void *dev)
{
    struct piix3_ide *p = dev;

    for (unsigned n = 0; n < CHANNELS; n++)
        p->wire_irq[n] = p->channel[n].irq;
    pci_function_drive(&p->pci);
    update(p);
}

struct pci_function *piix3_ide_pci(struct device *d)
{
    return &((struct piix3_ide *)d->state)->pci;
}

struct bus_master piix3_ide_master(struct device *d, unsigned channel)
{
    return (struct bus_master){.owner = d->state, .channel = channel, .move = move};
}

void piix3_ide_enable(struct device *d)
{
    struct piix3_ide *p = d->state;

    p->pci.config[PCI_COMMAND] |= PCI_IO_SPACE;
    p->pci.config[IDETIM + 1] |= IDE_DECODE;
    p->pci.config[IDETIM + 3] |= IDE_DECODE;
    update(p);
}

const struct device_class piix3_ide_class = {
    .name = "piix3_ide",
    .title = "82371SB IDE function",
    .size = sizeof(struct piix3_ide),
    .fields = (const struct field[]){FIELD_SUBLIST(piix3_ide, struct channel, channel,
                                                   CHANNELS, channel_fields)
                                         FIELD_SUBLIST(piix3_ide, struct pci_function,
                                                       pci, 1, pci_function_fields){0}},
    .regions =
        (const struct region[]){
            {"bus-master", 0, BM_PORTS, peek, access, .max_size = 4, .unmapped = true},
            {0},
        },
    .pins =
        (const struct pin[]){
            {"irq%u", .moved = moved, .count = CHANNELS},
            {"irq14", .offset = offsetof(struct piix3_ide, isa)},
            {"irq15", .offset = offsetof(struct piix3_ide, isa) + sizeof(struct line)},
            {"run%u", .offset = offsetof(struct piix3_ide, run), .count = CHANNELS},
            {"off%u", .offset = offsetof(struct piix3_ide, off), .count = CHANNELS},
            {0},
        },
    .init = init,
    .reset = reset,
    .drive = drive,
};
