/* dma.c - ISA DMA: two 8237As, the second for 16-bit channels, and page registers.
 *
 * I/O ports 00h-0Fh, C0h-DFh (every other one) and 80h-8Fh. Intel 8237A data sheet
 * (231466); 82371SB (PIIX3) data sheet, "DMA registers". Memory-to-memory transfers do
 * not exist on a PC (PIIX3 leaves the bit out), nor do they here.
 */
#include "chipset/dma.h"

enum { CHANNELS = 4, POST = 0 };
enum { COMMAND_DISABLE = 4 };
enum { MODE_KIND = 0xc, MODE_AUTO = 0x10, MODE_DOWN = 0x20, MODE_CASCADE = 0xc0 };
/* Registers after the eight of the channels. */
enum { COMMAND, REQUEST, MASK_BIT, MODE, CLEAR_FLIP, MASTER_CLEAR, CLEAR_MASK, MASKS };

#define CHANNEL_STATE(_, x)                                                            \
    _(x, uint16_t, base_address, 0, 0xffff, "reloaded at terminal count by autoinit")  \
    _(x, uint16_t, base_count, 0, 0xffff, "transfers less one")                        \
    _(x, uint16_t, address, 0, 0xffff, "current address, in transfers")                \
    _(x, uint16_t, count, 0, 0xffff, "current count; FFFFh after terminal count")      \
    _(x, uint8_t, mode, 0, 0xff, "mode register, without the channel number")

struct channel {
    CHANNEL_STATE(STATE_MEMBER, )
};

#define CHIP_STATE(_, x)                                                               \
    _(x, uint8_t, command, 0, 0xff, "command register")                                \
    _(x, uint8_t, mask, 0xf, 0xf, "1: the channel's DREQ is ignored")                  \
    _(x, uint8_t, reached, 0, 0xf, "status 3:0: terminal counts since the last read")  \
    _(x, uint8_t, requests, 0, 0xf, "levels of DREQ")                                  \
    _(x, uint8_t, software, 0, 0xf, "request register")                                \
    _(x, bool, flip, false, 1, "byte pointer: the next byte is the high one")

struct chip {
    CHIP_STATE(STATE_MEMBER, )
    struct channel channel[CHANNELS];
};

struct dma {
    struct chip chip[2]; /* 0: channels 0-3, bytes; 1: channels 4-7, words */
    uint8_t page[16];
    struct bus *bus;
};

static const struct field channel_fields[] = {CHANNEL_STATE(STATE_FIELD, channel){0}};
static const struct field chip_fields[] = {CHIP_STATE(STATE_FIELD, chip) FIELD_SUBLIST(
    chip, struct channel, channel, CHANNELS, channel_fields){0}};
static const struct field dma_fields[] = {
    FIELD_SUBLIST(dma, struct chip, chip, 2, chip_fields){
        "page", FIELD_VALUE, offsetof(struct dma, page), 1, 16, 0, 0xff,
        "page registers 80h-8Fh; the first holds the POST code", 0},
    {0}};

/* Where in 80h-8Fh each channel's page register is; 4 is the cascade and has none. */
static const uint8_t page_of[8] = {7, 3, 1, 2, 0, 0xb, 9, 0xa};

/* ---- ports ---- */

static void master_clear(struct chip *c)
{
    c->command = c->reached = c->software = 0;
    c->mask = 0xf;
    c->flip = false;
}

static uint16_t put_byte(uint16_t old, bool high, uint8_t v)
{
    return (uint16_t)(high ? (old & 0xff) | v << 8 : (old & 0xff00) | v);
}

static void write_chip(struct chip *c, unsigned reg, uint8_t v)
{
    struct channel *ch = &c->channel[reg >> 1 & 3];
    uint8_t bit = (uint8_t)(1u << (v & 3));

    if (reg < 8) {
        if (reg & 1)
            ch->count = ch->base_count = put_byte(ch->base_count, c->flip, v);
        else
            ch->address = ch->base_address = put_byte(ch->base_address, c->flip, v);
        c->flip = !c->flip;
        return;
    }
    switch (reg - 8) {
    case COMMAND: c->command = v; break;
    case REQUEST:
        c->software = v & 4 ? c->software | bit : c->software & (uint8_t)~bit;
        break;
    case MASK_BIT: c->mask = v & 4 ? c->mask | bit : c->mask & (uint8_t)~bit; break;
    case MODE: c->channel[v & 3].mode = v & 0xfc; break;
    case CLEAR_FLIP: c->flip = false; break;
    case MASTER_CLEAR: master_clear(c); break;
    case CLEAR_MASK: c->mask = 0; break;
    default: c->mask = v & 0xf; break;
    }
}

/* Registers whose read moves neither the byte pointer nor the status. */
static bool pure_read(const struct chip *c, unsigned reg, uint64_t *value)
{
    if (reg <= 8)
        return false;
    /* Not in the 8237A: PIIX3 lets the mask be read at Fh. */
    *value = reg - 8 == MASKS ? c->mask | 0xf0 : reg - 8 == MASTER_CLEAR ? 0 : 0xff;
    return true;
}

static uint8_t read_chip(struct chip *c, unsigned reg)
{
    const struct channel *ch = &c->channel[reg >> 1 & 3];
    uint16_t v;
    uint8_t s;

    if (reg == 8) {
        s = (uint8_t)((c->requests | c->software) << 4 | c->reached);
        c->reached = 0;
        return s;
    }
    v = reg & 1 ? ch->count : ch->address;
    c->flip = !c->flip;
    return (uint8_t)(c->flip ? v : v >> 8);
}

static enum io_status peek_chip(const struct chip *c, unsigned reg, struct io *io)
{
    return !io->write && pure_read(c, reg, &io->value) ? IO_DONE : IO_DEFER;
}

static enum io_status access_chip(struct chip *c, unsigned reg, struct io *io)
{
    if (io->write)
        write_chip(c, reg, (uint8_t)io->value);
    else if (!pure_read(c, reg, &io->value))
        io->value = read_chip(c, reg);
    return IO_DONE;
}

static enum io_status peek_low(const void *dev, struct io *io)
{
    return peek_chip(&((const struct dma *)dev)->chip[0], io->offset & 15, io);
}

static enum io_status access_low(void *dev, struct io *io)
{
    return access_chip(&((struct dma *)dev)->chip[0], io->offset & 15, io);
}

static enum io_status peek_high(const void *dev, struct io *io)
{
    return peek_chip(&((const struct dma *)dev)->chip[1], io->offset >> 1 & 15, io);
}

static enum io_status access_high(void *dev, struct io *io)
{
    return access_chip(&((struct dma *)dev)->chip[1], io->offset >> 1 & 15, io);
}

static enum io_status peek_page(const void *dev, struct io *io)
{
    const struct dma *d = dev;

    if (io->write)
        return IO_DEFER;
    io->value = d->page[io->offset & 15];
    return IO_DONE;
}

static enum io_status access_page(void *dev, struct io *io)
{
    struct dma *d = dev;

    if (!io->write)
        return peek_page(dev, io);
    d->page[io->offset & 15] = (uint8_t)io->value;
    return IO_DONE;
}

/* ---- transfers ---- */

void dma_request(struct device *dma, unsigned channel, bool level)
{
    struct dma *d = dma->state;
    struct chip *c = &d->chip[channel >> 2 & 1];
    uint8_t bit = (uint8_t)(1u << (channel & 3));

    c->requests = level ? c->requests | bit : c->requests & (uint8_t)~bit;
}

bool dma_ready(const struct device *dma, unsigned channel, enum dma_kind kind)
{
    const struct dma *d = dma->state;
    const struct chip *low = &d->chip[0], *high = &d->chip[1];
    const struct chip *c = channel & 4 ? high : low;
    const struct channel *ch = &c->channel[channel & 3];

    if (channel > 7 || channel == 4 || (c->command & COMMAND_DISABLE) ||
        (c->mask >> (channel & 3) & 1) || (ch->mode & MODE_CASCADE) == MODE_CASCADE)
        return false;
    /* The first chip asks the second for the bus, on its channel 0. */
    if (c == low && ((high->command & COMMAND_DISABLE) || (high->mask & 1)))
        return false;
    return (ch->mode & MODE_KIND) >> 2 == (unsigned)kind;
}

/* One run of transfers with consecutive addresses and no terminal count inside. */
static void move(struct dma *d, unsigned channel, enum dma_kind kind, uint8_t *bytes,
                 size_t transfers)
{
    struct channel *ch = &d->chip[channel >> 2].channel[channel & 3];
    unsigned shift = channel >> 2;
    uint64_t page = d->page[page_of[channel]];
    uint64_t from = shift ? (page & 0xfe) << 16 | (uint64_t)ch->address << 1
                          : page << 16 | ch->address;
    size_t n = transfers << shift;

    if (kind == DMA_TO_MEMORY) {
        (void)d->bus->dma_write(d->bus->owner, from, bytes, n);
    } else if (kind == DMA_FROM_MEMORY &&
               !d->bus->dma_read(d->bus->owner, from, bytes, n)) {
        for (size_t i = 0; i < n; i++)
            bytes[i] = 0xff;
    }
    ch->count = (uint16_t)(ch->count - transfers);
    ch->address = (uint16_t)(ch->mode & MODE_DOWN ? ch->address - transfers
                                                  : ch->address + transfers);
}

static void terminal_count(struct chip *c, unsigned n)
{
    struct channel *ch = &c->channel[n];

    c->reached |= (uint8_t)(1u << n);
    c->software &= (uint8_t) ~(1u << n);
    if (ch->mode & MODE_AUTO) {
        ch->address = ch->base_address;
        ch->count = ch->base_count;
    } else {
        c->mask |= (uint8_t)(1u << n);
    }
}

size_t dma_transfer(struct device *dma, unsigned channel, enum dma_kind kind,
                    void *buffer, size_t n, bool *tc)
{
    struct dma *d = dma->state;
    uint8_t *bytes = buffer;
    size_t left, moved = 0, run;
    unsigned shift = channel >> 2;

    *tc = false;
    if (!dma_ready(dma, channel, kind))
        return 0;
    left = n >> shift;
    while (left && !*tc) {
        struct chip *c = &d->chip[channel >> 2];
        struct channel *ch = &c->channel[channel & 3];

        /* A run ends with the buffer, at terminal count, or where the 16-bit address
         * wraps inside its page; downwards it is one transfer. */
        run = (size_t)ch->count + 1;
        run = run < left ? run : left;
        if (ch->mode & MODE_DOWN)
            run = 1;
        else if (run > 0x10000u - ch->address)
            run = 0x10000u - ch->address;
        *tc = run == (size_t)ch->count + 1;
        move(d, channel, kind, bytes + moved, run);
        if (*tc)
            terminal_count(c, channel & 3);
        moved += run << shift;
        left -= run;
    }
    return moved;
}

void dma_set_up(struct device *dma)
{
    struct chip *high = &((struct dma *)dma->state)->chip[1];

    high->channel[0].mode = MODE_CASCADE;
    high->mask &= (uint8_t)~1;
}

uint8_t dma_post_code(const struct device *dma)
{
    return ((const struct dma *)dma->state)->page[POST];
}

static bool init(void *dev, struct device *self, struct error *e)
{
    struct dma *d = dev;
    (void)e;
    d->bus = self->bus;
    return true;
}

const struct device_class dma_class = {
    .name = "dma",
    .title = "8237A ISA DMA controllers",
    .size = sizeof(struct dma),
    .fields = dma_fields,
    .regions =
        (const struct region[]){
            {"dma1", 0x00, 0x10, peek_low, access_low},
            {"dma2", 0xc0, 0x20, peek_high, access_high},
            /* 92h and other ports of the second sixteen are not pages on this board. */
            {"dma-page", 0x80, 0x10, peek_page, access_page},
            {0},
        },
    .init = init,
};
