/* ide.c - an ATA channel: its ports, and which of two drives they reach.
 *
 * ATA/ATAPI-6 (T13 1410D), chapters 5.2 (registers), 7 and 9.16 (one drive absent).
 * Every write reaches both drives' registers, a command the selected one. Ports
 * 1F0h-1F7h and 3F6h, or 170h-177h and 376h; 3F7h belongs to the floppy controller, as
 * on every board since the drive address register went away.
 */
#include "devices/ide.h"

#include "base/error.h"
#include "devices/ata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATA, ERROR, COUNT, LOW, MID, HIGH, DEVICE, STATUS, PORTS };
enum { FEATURES = ERROR, COMMAND = STATUS };
enum { CTL_NIEN = 1 << 1, CTL_SRST = 1 << 2, CTL_HOB = 1 << 7 };
enum { DRIVES = 2, DEVICE_RESET = 0x08, EXECUTE_DIAGNOSTIC = 0x90 };
enum { PIN_RUN, PIN_OFF };
/* Nobody drives the bus, but DD7 has a pull-down, so that BSY reads 0 (5.2.9). */
enum { FLOATING = 0x7f };

#define STATE(_, x)                                                                    \
    _(x, uint8_t, control, 0, CTL_NIEN | CTL_SRST | CTL_HOB, "Device Control")         \
    _(x, uint8_t, selected, 0, DRIVES - 1, "Device register, DEV")                     \
    _(x, bool, run, false, 1, "the bus master is started")                             \
    _(x, bool, off, false, 1, "the ports do not answer")

struct ide {
    STATE(STATE_MEMBER, )
    struct ata_drive drive[DRIVES];
    struct line irq;
    struct device *self;
    struct bus_master master;
    uint8_t channel;
    bool wire_run, wire_off; /* the pins as they are: a reset does not move them */
};

static struct ata_drive *selected(struct ide *i)
{
    return &i->drive[i->selected & 1];
}

static bool empty(const struct ide *i)
{
    return !i->drive[0].kind && !i->drive[1].kind;
}

/* Only the selected drive drives INTRQ (5.2.11). */
static void update(struct ide *i)
{
    const struct ata_drive *d = selected(i);
    line_set(&i->irq, d->kind && d->intrq && !(i->control & CTL_NIEN));
}

static void due(void *owner)
{
    struct ata_drive *d = owner;
    struct ide *i = (struct ide *)d->channel;

    ata_due(d);
    update(i);
}

/* ---- registers ---- */

/* The Status of a drive that is not there, as the other one answers for it (9.16). */
static uint8_t status(const struct ide *i)
{
    const struct ata_drive *d = &i->drive[i->selected & 1];

    return empty(i) ? FLOATING : d->kind ? d->status : 0;
}

static uint8_t read_register(const struct ide *i, unsigned offset)
{
    const struct ata_drive *d = &i->drive[i->selected & 1];
    unsigned hob = i->control & CTL_HOB ? 1 : 0;

    if (empty(i))
        return FLOATING;
    if (!d->kind)
        d = &i->drive[!i->selected];
    switch (offset) {
    case ERROR: return d->error;
    case COUNT: return d->count[hob];
    case LOW: return d->low[hob];
    case MID: return d->mid[hob];
    case HIGH: return d->high[hob];
    default:
        return (uint8_t)(DEV_OBSOLETE | (d->device & ~(DEV_OBSOLETE | DEV_DEV)) |
                         (i->selected ? DEV_DEV : 0));
    }
}

static void push(uint8_t reg[2], uint8_t v)
{
    reg[1] = reg[0];
    reg[0] = v;
}

static void write_drive(struct ata_drive *d, unsigned offset, uint8_t v)
{
    if (d->status & ST_BSY)
        return;
    switch (offset) {
    case FEATURES: push(d->feature, v); break;
    case COUNT: push(d->count, v); break;
    case LOW: push(d->low, v); break;
    case MID: push(d->mid, v); break;
    case HIGH: push(d->high, v); break;
    default: d->device = v; break;
    }
}

/* Both drives take part, and drive 0 answers for both (7.13). */
static void diagnose(struct ide *i)
{
    if (selected(i)->status & ST_BSY)
        return;
    i->selected = 0;
    for (unsigned n = 0; n < DRIVES; n++)
        if (i->drive[n].kind)
            ata_command(&i->drive[n], EXECUTE_DIAGNOSTIC);
}

static void command(struct ide *i, uint8_t v)
{
    struct ata_drive *d = selected(i);

    if (v == EXECUTE_DIAGNOSTIC) {
        diagnose(i);
    } else if (!d->kind) {
        return;
    } else if (v == DEVICE_RESET && d->kind == &atapi_kind && !d->resetting) {
        ata_hold(d); /* taken even while busy (7.10) */
        ata_release(d);
    } else if (!(d->status & ST_BSY)) {
        ata_command(d, v);
    }
}

static void write_register(struct ide *i, unsigned offset, uint8_t v)
{
    i->control &= (uint8_t)~CTL_HOB; /* 5.2.8: any write to the command block */
    if (offset == COMMAND) {
        command(i, v);
        return;
    }
    for (unsigned n = 0; n < DRIVES; n++)
        write_drive(&i->drive[n], offset, v);
    if (offset == DEVICE && !(selected(i)->status & ST_BSY))
        i->selected = v & DEV_DEV ? 1 : 0;
}

static void write_control(struct ide *i, uint8_t v)
{
    uint8_t was = i->control;

    i->control = v & (CTL_NIEN | CTL_SRST | CTL_HOB);
    for (unsigned n = 0; n < DRIVES; n++) {
        if (!(was & CTL_SRST) && (v & CTL_SRST))
            ata_hold(&i->drive[n]);
        if ((was & CTL_SRST) && !(v & CTL_SRST))
            ata_release(&i->drive[n]);
    }
    if (v & CTL_SRST)
        i->selected = 0;
}

/* ---- ports ---- */

/* Reading Status takes the interrupt back; without one it changes nothing. The
 * registers never change by being read. */
static enum io_status peek(const void *dev, struct io *io)
{
    const struct ide *i = dev;

    if (io->write || io->offset == DATA || io->size > 1)
        return IO_DEFER;
    if (io->offset == STATUS) {
        if (i->drive[i->selected & 1].intrq)
            return IO_DEFER;
        io->value = status(i);
    } else {
        io->value = read_register(i, io->offset);
    }
    return IO_DONE;
}

static void access_data(struct ide *i, struct io *io)
{
    struct ata_drive *d = selected(i);

    if (io->write)
        ata_data_write(d, io->size, (uint32_t)io->value);
    else
        io->value = empty(i) ? 0xffffff7f : ata_data_read(d, io->size);
    if (d->phase != ATA_IN && d->phase != ATA_OUT)
        update(i);
}

/* One byte of the other registers, lowest first, where a wide access goes on. */
static uint8_t access_byte(struct ide *i, unsigned offset, bool write, uint8_t v)
{
    if (write) {
        write_register(i, offset, v);
    } else if (offset == STATUS) {
        v = status(i);
        selected(i)->intrq = false;
    } else {
        v = read_register(i, offset);
    }
    update(i);
    return v;
}

static enum io_status access(void *dev, struct io *io)
{
    struct ide *i = dev;
    uint64_t value = 0;

    if (io->offset == DATA) {
        access_data(i, io);
        return IO_DONE;
    }
    for (unsigned n = 0; n < io->size && io->offset + n < PORTS; n++)
        value |= (uint64_t)access_byte(i, io->offset + n, io->write,
                                       (uint8_t)(io->value >> 8 * n))
                 << 8 * n;
    if (!io->write)
        io->value = value;
    return IO_DONE;
}

static enum io_status peek_control(const void *dev, struct io *io)
{
    if (io->write)
        return IO_DEFER;
    io->value = status(dev); /* Alternate Status */
    return IO_DONE;
}

static enum io_status access_control(void *dev, struct io *io)
{
    if (!io->write)
        return peek_control(dev, io);
    write_control(dev, (uint8_t)io->value);
    update(dev);
    return IO_DONE;
}

/* ---- pins ---- */

static void follow_run(struct ide *i)
{
    for (unsigned n = 0; n < DRIVES; n++)
        i->drive[n].run = i->run;
}

static void follow_off(struct ide *i)
{
    static const uint16_t ports[2][2] = {{0x1f0, 0x3f6}, {0x170, 0x376}};

    for (unsigned n = 0; n < 2; n++)
        device_map(i->self, n, i->off ? UINT64_MAX : ports[i->channel & 1][n]);
}

static void moved(void *dev, unsigned n, bool level)
{
    struct ide *i = dev;

    if (n == PIN_OFF) {
        i->off = i->wire_off = level;
        if (i->self)
            follow_off(i);
        return;
    }
    i->run = i->wire_run = level;
    follow_run(i);
    if (level && selected(i)->kind)
        ata_run(selected(i));
}

/* ---- the device ---- */

static bool init(void *dev, struct device *self, struct error *e)
{
    struct ide *i = dev;

    i->self = self;
    for (unsigned n = 0; n < DRIVES; n++) {
        struct ata_drive *d = &i->drive[n];

        if (d->kind)
            d->buffer = (struct bulk){.bytes = calloc(1, BUFFER), .size = BUFFER};
        if (d->kind && !d->buffer.bytes)
            return error_set(e, "the host has no memory for %s", self->name);
        d->number = (uint8_t)n;
        d->timer = (struct timer){.due = due, .owner = d};
        d->channel = i;
        d->clock = self->bus->clock;
        d->log = self->bus->log;
        d->master = i->master.move ? &i->master : NULL;
        if (!d->serial[0])
            snprintf(d->serial, sizeof d->serial, "MN%05u", 2 * i->channel + n + 1u);
    }
    return true;
}

static void reset(void *dev)
{
    struct ide *i = dev;

    i->run = i->wire_run;
    i->off = i->wire_off;
    for (unsigned n = 0; n < DRIVES; n++)
        if (i->drive[n].kind)
            i->drive[n].kind->reset(&i->drive[n], true);
}

static void drive(void *dev)
{
    struct ide *i = dev;

    i->wire_run = i->run;
    i->wire_off = i->off;
    follow_run(i);
    follow_off(i);
    update(i);
}

static bool valid(const void *dev, struct error *e)
{
    const struct ide *i = dev;
    return ata_valid(&i->drive[0], e) && ata_valid(&i->drive[1], e);
}

static void release(void *dev)
{
    struct ide *i = dev;

    for (unsigned n = 0; n < DRIVES; n++)
        free(i->drive[n].buffer.bytes);
}

static void info(const void *dev, char *text, size_t room)
{
    const struct ide *i = dev;
    size_t at = 0;

    for (unsigned n = 0; n < DRIVES && at < room; n++) {
        const struct ata_drive *d = &i->drive[n];
        const char *kind = !d->kind                 ? "no drive"
                           : d->kind == &atapi_kind ? "CD-ROM"
                                                    : "disk";
        int added = snprintf(
            text + at, room - at,
            "drive %u: %s%s%s, command %02x, status %02x, error %02x\n", n, kind,
            d->disk ? " " : "", d->disk && d->disk->name ? d->disk->name : "",
            d->command, d->status, d->error);
        at += added > 0 ? (size_t)added : 0;
    }
}

void ide_plug(struct device *dev, unsigned n, enum ide_kind kind, struct disk *disk,
              const char *serial)
{
    struct ide *i = dev->state;
    struct ata_drive *d;

    if (n >= DRIVES)
        return;
    d = &i->drive[n];
    d->kind = kind == IDE_DISK    ? &ata_disk_kind
              : kind == IDE_CDROM ? &atapi_kind
                                  : NULL;
    if (kind == IDE_DISK && !disk)
        d->kind = NULL; /* a disk without platters */
    d->disk = d->kind ? disk : NULL;
    if (serial)
        snprintf(d->serial, sizeof d->serial, "%s", serial);
}

bool ide_change(struct device *dev, unsigned n, struct disk *disk, bool force)
{
    struct ide *i = dev->state;
    struct ata_drive *d = n < DRIVES ? &i->drive[n] : NULL;

    if (!d || d->kind != &atapi_kind)
        return false;
    if (d->cd.locked && d->disk && !d->cd.open && !force) {
        d->cd.event = EVENT_EJECT; /* MMC-3 6.7.2.5: the user asks, the guest decides */
        return false;
    }
    atapi_changed(d, disk);
    update(i);
    return true;
}

bool ide_tray_open(const struct device *dev, unsigned n)
{
    const struct ide *i = dev->state;
    return n < DRIVES && i->drive[n].kind == &atapi_kind && i->drive[n].cd.open;
}

bool ide_tray_locked(const struct device *dev, unsigned n)
{
    const struct ide *i = dev->state;
    return n < DRIVES && i->drive[n].kind == &atapi_kind && i->drive[n].cd.locked;
}

void ide_connect(struct device *dev, const struct bus_master *m)
{
    struct ide *i = dev->state;
    i->master = *m;
}

const struct device_class ide_class = {
    .name = "ide",
    .title = "ATA channel",
    .size = sizeof(struct ide),
    .fields = (const struct field[]){STATE(STATE_FIELD, ide) FIELD_SUBLIST(
        ide, struct ata_drive, drive, DRIVES, ata_drive_fields){0}},
    .regions =
        (const struct region[]){
            {"ide", 0x1f0, PORTS, peek, access, .max_size = 4, .unmapped = true},
            {"ide-control", 0x3f6, 1, peek_control, access_control, .unmapped = true},
            {0},
        },
    .pins =
        (const struct pin[]){
            {"irq", .offset = offsetof(struct ide, irq)},
            {"run", .moved = moved, .n = PIN_RUN},
            {"off", .moved = moved, .n = PIN_OFF},
            {0},
        },
    .options =
        (const struct option[]){
            OPTION(ide, channel, 0, 1, "0: ports 1F0h and 3F6h; 1: 170h and 376h"),
            {0}},
    .init = init,
    .reset = reset,
    .drive = drive,
    .valid = valid,
    .free = release,
    .info = info,
};
