/* pflash.c - NOR flash: Intel command set, 8 bits wide, uniform 4 KiB blocks.
 *
 * Intel 28F008SA data sheet (290429) for the basic commands, 28F320J5 (290606) for the
 * write buffer and lock bits, JEDEC JESD68 for CFI. One deviation, which firmware for
 * virtual machines tells a flash by: Clear Status leaves 00h where a chip would read 80h.
 *
 * Programming takes no time. What was programmed is on the host's disk when the guest
 * goes back to read-array mode.
 */
#include "devices/pflash.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK = 4096, BUFFER = 256 };

enum command {
    READ_ARRAY = 0xff,
    READ_ID = 0x90,
    CFI_QUERY = 0x98,
    READ_STATUS = 0x70,
    CLEAR_STATUS = 0x50,
    PROGRAM = 0x40,
    PROGRAM_ALTERNATE = 0x10,
    BLOCK_ERASE = 0x20,
    WRITE_BUFFER = 0xe8,
    LOCK = 0x60,
    CONFIRM = 0xd0,
    LOCK_CONFIRM = 0x01,
};

enum { READY = 0x80, ERASE_ERROR = 0x20, PROGRAM_ERROR = 0x10, SEQUENCE_ERROR = 0x30 };

/* What the next write means. */
enum phase { PHASE_COMMAND, PHASE_PROGRAM, PHASE_ERASE, PHASE_COUNT, PHASE_DATA,
             PHASE_CONFIRM, PHASE_LOCK };

#define PFLASH_STATE(_, x)                                                             \
    _(x, uint8_t, shows, READ_ARRAY, 0xff, "what reads give: a read command")          \
    _(x, uint8_t, phase, PHASE_COMMAND, PHASE_LOCK, "what the next write is")          \
    _(x, uint8_t, status, 0, 0xff, "status register")                                  \
    _(x, uint16_t, left, 0, BUFFER, "bytes to come for the write buffer")              \
    _(x, uint32_t, start, 0, UINT32_MAX, "block of the write buffer: its offset")      \
    _(x, uint8_t, buffer, 0, 0xff, "write buffer", BUFFER)                             \
    _(x, uint8_t, filled, 0, 1, "bytes of it that were written", BUFFER)               \
    _(x, bool, dirty, false, 1, "programmed since the last flush")

struct pflash {
    PFLASH_STATE(STATE_MEMBER, )
    struct pflash_wiring wiring;
    struct device *self;
    struct region region;
    bool seen; /* as the board was told */
    bool told;
};

/* ---- the array ---- */

/* Bytes changed in memory go to the image. */
static bool keep(struct pflash *p, uint64_t offset, uint64_t n)
{
    struct pflash_wiring *w = &p->wiring;

    if (w->stored)
        w->stored(w->owner, w->unit, offset, n);
    p->dirty = true;
    return !w->disk || (disk_holds(w->disk, offset, n) &&
                        w->disk->write(w->disk->owner, offset, w->memory + offset,
                                       (size_t)n));
}

/* Programming clears bits, never sets them. */
static void program(struct pflash *p, uint64_t offset, uint8_t v)
{
    p->status |= READY;
    if (p->wiring.read_only || offset >= p->wiring.size) {
        p->status |= PROGRAM_ERROR;
        return;
    }
    p->wiring.memory[offset] &= v;
    if (!keep(p, offset, 1))
        p->status |= PROGRAM_ERROR;
}

static void erase(struct pflash *p, uint64_t offset)
{
    p->status |= READY;
    offset &= ~(uint64_t)(BLOCK - 1);
    if (p->wiring.read_only || offset >= p->wiring.size) {
        p->status |= ERASE_ERROR;
        return;
    }
    memset(p->wiring.memory + offset, 0xff, BLOCK);
    if (!keep(p, offset, BLOCK))
        p->status |= ERASE_ERROR;
}

static void program_buffer(struct pflash *p)
{
    for (unsigned n = 0; n < BUFFER; n++)
        if (p->filled[n])
            program(p, (uint64_t)p->start + n, p->buffer[n]);
}

static void flush(struct pflash *p)
{
    struct disk *d = p->wiring.disk;

    if (!p->dirty)
        return;
    p->dirty = false;
    if (d && !d->flush(d->owner))
        p->status |= PROGRAM_ERROR;
}

/* ---- reads ---- */

/* Manufacturer and device code at 0 and 1, lock status at 2 of each block: an Intel part
 * with 8 bits and nothing locked. */
static uint8_t id(uint64_t offset)
{
    static const uint8_t code[] = {0x89, 0x18, 0};
    offset &= 0xff;
    return offset < sizeof code ? code[offset] : 0;
}

/* JESD68, command set 0001h: one region of equal blocks. */
static uint8_t cfi(const struct pflash *p, uint64_t offset)
{
    uint64_t blocks = p->wiring.size / BLOCK - 1;
    unsigned size_power = 0;

    while (1ull << size_power < p->wiring.size)
        size_power++;
    switch (offset & 0xff) {
    case 0x10: return 'Q';
    case 0x11: return 'R';
    case 0x12: return 'Y';
    case 0x13: return 1;    /* primary command set 0001h */
    case 0x15: return 0x31; /* its table */
    case 0x1b: return 0x45; /* VCC 4.5 to 5.5 V */
    case 0x1c: return 0x55;
    case 0x1f: return 7;    /* 2^7 microseconds to program, 2^7 for the buffer */
    case 0x20: return 7;
    case 0x21: return 10;   /* 2^10 milliseconds to erase a block */
    case 0x23: return 4;
    case 0x24: return 4;
    case 0x25: return 4;
    case 0x27: return (uint8_t)size_power;
    case 0x28: return 0; /* 8 bits wide */
    case 0x2a: return 8; /* a buffer of 2^8 bytes */
    case 0x2c: return 1; /* regions */
    case 0x2d: return (uint8_t)blocks;
    case 0x2e: return (uint8_t)(blocks >> 8);
    case 0x2f: return BLOCK >> 8 & 0xff;
    case 0x30: return BLOCK >> 16 & 0xff;
    case 0x31: return 'P';
    case 0x32: return 'R';
    case 0x33: return 'I';
    case 0x34: return '1';
    case 0x35: return '0';
    default: return 0;
    }
}

static enum io_status peek(const void *dev, struct io *io)
{
    const struct pflash *p = dev;

    if (io->write)
        return IO_DEFER;
    switch (p->shows) {
    case READ_ARRAY: io->value = p->wiring.memory[io->offset]; break;
    case READ_ID: io->value = id(io->offset); break;
    case CFI_QUERY: io->value = cfi(p, io->offset); break;
    default: io->value = p->status; break;
    }
    return IO_DONE;
}

/* ---- writes ---- */

static void show_array(struct pflash *p)
{
    bool seen = p->shows == READ_ARRAY && p->phase == PHASE_COMMAND;

    if (p->told && seen == p->seen)
        return;
    p->told = true;
    p->seen = seen;
    if (p->wiring.array)
        p->wiring.array(p->wiring.owner, p->wiring.unit, seen);
}

static void command(struct pflash *p, uint8_t v)
{
    switch (v) {
    case READ_ID:
    case CFI_QUERY:
    case READ_STATUS: p->shows = v; break;
    case CLEAR_STATUS:
        p->status = 0;
        p->shows = READ_ARRAY;
        break;
    case PROGRAM:
    case PROGRAM_ALTERNATE: p->phase = PHASE_PROGRAM; break;
    case BLOCK_ERASE: p->phase = PHASE_ERASE; break;
    case LOCK: p->phase = PHASE_LOCK; break;
    case WRITE_BUFFER:
        p->phase = PHASE_COUNT;
        p->status |= READY;
        break;
    case READ_ARRAY:
    case 0x00: /* some drivers say so */
    case 0xf0: /* what chips with the other command set take */
        p->shows = READ_ARRAY;
        flush(p);
        break;
    default:
        log_guest(p->self->bus->log, p->self->name, "flash command %02xh is not known", v);
        p->shows = READ_ARRAY;
        break;
    }
    if (p->phase != PHASE_COMMAND)
        p->shows = READ_STATUS;
}

static void begin_buffer(struct pflash *p, uint64_t offset, uint8_t v)
{
    memset(p->filled, 0, sizeof p->filled);
    p->start = (uint32_t)(offset & ~(uint64_t)(BUFFER - 1));
    p->left = (uint16_t)(v + 1);
    p->phase = PHASE_DATA;
}

static void data(struct pflash *p, uint64_t offset, uint8_t v)
{
    unsigned n = (unsigned)(offset & (BUFFER - 1));

    if ((offset & ~(uint64_t)(BUFFER - 1)) != p->start) {
        p->status |= SEQUENCE_ERROR;
        p->phase = PHASE_COMMAND;
        return;
    }
    p->buffer[n] = v;
    p->filled[n] = 1;
    if (--p->left == 0)
        p->phase = PHASE_CONFIRM;
}

static void write(struct pflash *p, uint64_t offset, uint8_t v)
{
    enum phase phase = p->phase;

    switch (phase) {
    case PHASE_COMMAND: command(p, v); return;
    case PHASE_COUNT: begin_buffer(p, offset, v); return;
    case PHASE_DATA: data(p, offset, v); return;
    default: break;
    }
    p->phase = PHASE_COMMAND;
    switch (phase) {
    case PHASE_PROGRAM: program(p, offset, v); break;
    case PHASE_ERASE:
        if (v == CONFIRM)
            erase(p, offset);
        else
            p->status |= SEQUENCE_ERROR;
        break;
    case PHASE_CONFIRM:
        if (v == CONFIRM)
            program_buffer(p);
        else
            p->status |= SEQUENCE_ERROR;
        break;
    default: /* block locks: nothing is ever locked */
        p->status |= v == CONFIRM || v == LOCK_CONFIRM ? READY : SEQUENCE_ERROR;
        break;
    }
}

static enum io_status access(void *dev, struct io *io)
{
    struct pflash *p = dev;

    if (!io->write)
        return peek(dev, io);
    write(p, io->offset, (uint8_t)io->value);
    show_array(p);
    return IO_DONE;
}

/* ---- life ---- */

static bool init(void *dev, struct device *self, struct error *e)
{
    struct pflash *p = dev;
    (void)e;

    p->self = self;
    p->region = (struct region){.name = "flash", .length = p->wiring.size, .peek = peek,
                                .access = access, .max_size = 1, .mmio = true};
    if (p->wiring.size)
        space_map(self->bus->mmio, &p->region, p, p->wiring.base, 0);
    return true;
}

static void drive(void *dev)
{
    struct pflash *p = dev;

    p->told = false;
    show_array(p);
}

static void info(const void *dev, char *text, size_t room)
{
    const struct pflash *p = dev;

    snprintf(text, room, "%llu KiB at %llxh, %s, status %02xh",
             (unsigned long long)(p->wiring.size >> 10), (unsigned long long)p->wiring.base,
             p->shows == READ_ARRAY ? "shows its array" : "shows registers", p->status);
}

void pflash_connect(struct device *d, const struct pflash_wiring *w)
{
    ((struct pflash *)d->state)->wiring = *w;
}

const struct device_class pflash_class = {
    .name = "pflash",
    .title = "NOR flash, Intel command set",
    .size = sizeof(struct pflash),
    .fields = (const struct field[]){PFLASH_STATE(STATE_FIELD, pflash){0}},
    .init = init,
    .drive = drive,
    .info = info,
};
