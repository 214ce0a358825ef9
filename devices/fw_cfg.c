/* fw_cfg.c - the firmware configuration device, with DMA.
 *
 * QEMU docs/specs/fw_cfg: selector at port 510h, data at 511h, DMA address at 514h to
 * 51Bh (big-endian). A DMA of more than STEP bytes goes on in steps on a timer, so that
 * no access makes the host work for long; its control field stays non-zero until the
 * end, which is what guests wait for. Writing is for the items that take it (an error
 * with others, as there).
 */
#include "devices/fw_cfg.h"

#include "base/byteorder.h"

#include <stdlib.h>
#include <string.h>

enum { PORT_SELECTOR = 0x510, PORT_DMA = 0x514 };
enum { SELECTOR, DATA }; /* offsets */

enum {
    ITEMS = 128,
    NAME = 56,
    KEY_WRITE = 0x4000, /* the write channel of a key */
    ID_VERSION = 1 << 0,
    ID_DMA = 1 << 1,
    STEP = 64 << 10,
    STEP_NS = 20000, /* about 3 GB a second */
    CHUNK = 4096,
};

enum dma_control {
    DMA_ERROR = 1 << 0,
    DMA_READ = 1 << 1,
    DMA_SKIP = 1 << 2,
    DMA_SELECT = 1 << 3,
    DMA_WRITE = 1 << 4,
};

#define STATE(_, x)                                                                    \
    _(x, uint16_t, key, 0, 0xffff, "the item selected")                                \
    _(x, uint32_t, offset, 0, 0xffffffff, "the next byte of it")                       \
    _(x, uint32_t, dma_high, 0, 0xffffffff, "upper half of the DMA address")           \
    _(x, bool, busy, false, 1, "a DMA goes on")                                        \
    _(x, uint64_t, request, 0, UINT64_MAX, "where its request is in RAM")              \
    _(x, uint64_t, to, 0, UINT64_MAX, "where its next byte goes")                      \
    _(x, uint32_t, left, 0, 0xffffffff, "bytes still to go")

struct item {
    uint16_t key;
    char name[NAME]; /* empty: it has only a key */
    uint8_t *bytes;
    uint32_t size;
    bool (*written)(void *owner, const uint8_t *bytes, uint32_t n);
    void *owner;
};

struct fw_cfg {
    STATE(STATE_MEMBER, )
    struct timer step;
    struct device *self;
    struct item items[ITEMS];
    unsigned count;
    void (*renew)(void *owner);
    void *owner;
};

static void store_be(uint8_t *p, unsigned bytes, uint64_t v)
{
    while (bytes--) {
        p[bytes] = (uint8_t)v;
        v >>= 8;
    }
}

static uint64_t load_be(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;
    while (bytes--)
        v = v << 8 | *p++;
    return v;
}

/* ---- items ---- */

static const struct item *find_key(const struct fw_cfg *f, uint16_t key)
{
    for (unsigned n = 0; n < f->count; n++)
        if (f->items[n].key == (key & ~KEY_WRITE))
            return &f->items[n];
    return NULL;
}

/* The place of the item, made when new. name NULL: by key. */
static struct item *place(struct fw_cfg *f, const char *name, uint16_t key)
{
    for (unsigned n = 0; n < f->count; n++) {
        struct item *i = &f->items[n];
        if (name ? !strcmp(i->name, name) : !i->name[0] && i->key == key)
            return i;
    }
    if (f->count == ITEMS)
        return NULL;
    f->items[f->count] = (struct item){.key = key};
    return &f->items[f->count++];
}

static bool set_bytes(struct item *i, const void *bytes, uint32_t size)
{
    uint8_t *copy = malloc(size ? size : 1);

    if (!copy)
        return false;
    if (size)
        memcpy(copy, bytes, size);
    free(i->bytes);
    i->bytes = copy;
    i->size = size;
    return true;
}

bool fw_cfg_add_bytes(struct device *d, uint16_t key, const void *bytes, uint32_t size)
{
    struct item *i = place(d->state, NULL, key);
    return i && set_bytes(i, bytes, size);
}

/* Keys follow the order of names, and the directory lists them in that order. */
static bool make_directory(struct device *d)
{
    enum { HEADER = 4, ENTRY = 8 + NAME };
    struct fw_cfg *f = d->state;
    uint8_t bytes[HEADER + ITEMS * ENTRY] = {0}, *at = bytes + HEADER;
    struct item *sorted[ITEMS];
    unsigned files = 0;

    for (unsigned n = 0; n < f->count; n++) {
        unsigned k;
        if (!f->items[n].name[0])
            continue;
        for (k = files++; k && strcmp(sorted[k - 1]->name, f->items[n].name) > 0; k--)
            sorted[k] = sorted[k - 1];
        sorted[k] = &f->items[n];
    }
    store_be(bytes, 4, files);
    for (unsigned n = 0; n < files; n++, at += ENTRY) {
        sorted[n]->key = (uint16_t)(FW_CFG_FILES + n);
        store_be(at, 4, sorted[n]->size);
        store_be(at + 4, 2, sorted[n]->key);
        memcpy(at + 8, sorted[n]->name, NAME);
    }
    return fw_cfg_add_bytes(d, FW_CFG_DIRECTORY, bytes, (uint32_t)(at - bytes));
}

bool fw_cfg_add_file(struct device *d, const char *name, const void *bytes,
                     uint32_t size)
{
    size_t length = strlen(name);
    struct item *i;

    if (!length || length >= NAME)
        return false;
    i = place(d->state, name, 0);
    if (!i)
        return false;
    memcpy(i->name, name, length + 1);
    return set_bytes(i, bytes, size) && make_directory(d);
}

bool fw_cfg_add_u16(struct device *d, uint16_t key, uint16_t v)
{
    uint8_t bytes[2];
    store16(bytes, v);
    return fw_cfg_add_bytes(d, key, bytes, sizeof bytes);
}

bool fw_cfg_add_u32(struct device *d, uint16_t key, uint32_t v)
{
    uint8_t bytes[4];
    store32(bytes, v);
    return fw_cfg_add_bytes(d, key, bytes, sizeof bytes);
}

bool fw_cfg_add_u64(struct device *d, uint16_t key, uint64_t v)
{
    uint8_t bytes[8];
    store64(bytes, v);
    return fw_cfg_add_bytes(d, key, bytes, sizeof bytes);
}

void fw_cfg_on_write(struct device *d, const char *name,
                     bool (*written)(void *owner, const uint8_t *bytes, uint32_t n),
                     void *owner)
{
    struct item *i = place(d->state, name, 0);

    if (!i)
        return;
    i->written = written;
    i->owner = owner;
}

void fw_cfg_before_reads(struct device *d, void (*renew)(void *owner), void *owner)
{
    struct fw_cfg *f = d->state;

    f->renew = renew;
    f->owner = owner;
}

/* ---- selector and data ---- */

static void select_key(struct fw_cfg *f, uint16_t key)
{
    f->key = key;
    f->offset = 0;
}

/* The next n bytes of the selected item; zeroes behind its end. */
static void read_item(struct fw_cfg *f, uint8_t *to, uint32_t n)
{
    const struct item *i;
    uint32_t size, have;

    if (f->renew)
        f->renew(f->owner);
    i = find_key(f, f->key);
    size = i ? i->size : 0;
    have = f->offset < size ? size - f->offset : 0;
    if (have > n)
        have = n;
    memset(to, 0, n);
    if (have)
        memcpy(to, i->bytes + f->offset, have);
    f->offset += have;
}

static enum io_status access(void *dev, struct io *io)
{
    struct fw_cfg *f = dev;
    uint8_t byte = 0;

    if (io->write) { /* the data port takes nothing */
        if (io->size == 2)
            select_key(f, (uint16_t)io->value);
        return IO_DONE;
    }
    if (io->offset + io->size > DATA)
        read_item(f, &byte, 1);
    io->value = io->offset == DATA ? byte : (uint64_t)byte << 8;
    return IO_DONE;
}

/* ---- DMA ---- */

/* The request's control field says how it ended. */
static void finish(struct fw_cfg *f, bool good)
{
    struct bus *bus = f->self->bus;
    uint8_t control[4];

    f->busy = false;
    timer_stop(bus->clock, &f->step);
    store_be(control, 4, good ? 0 : DMA_ERROR);
    bus->dma_write(bus->owner, f->request, control, sizeof control);
}

static void step_due(void *dev)
{
    struct fw_cfg *f = dev;
    struct bus *bus = f->self->bus;

    for (uint32_t done = 0; f->busy && f->left && done < STEP;) {
        uint8_t bytes[CHUNK];
        uint32_t n = f->left < CHUNK ? f->left : CHUNK;

        read_item(f, bytes, n);
        if (!bus->dma_write(bus->owner, f->to, bytes, n)) {
            finish(f, false);
            return;
        }
        f->to += n;
        f->left -= n;
        done += n;
    }
    if (!f->busy)
        return;
    if (f->left)
        timer_arm(bus->clock, &f->step, clock_after_ns(bus->clock, STEP_NS));
    else
        finish(f, true);
}

static void skip(struct fw_cfg *f, uint32_t n)
{
    f->offset = f->offset > UINT32_MAX - n ? UINT32_MAX : f->offset + n;
}

/* At once: what takes writes is small. */
static bool write_item(struct fw_cfg *f, uint32_t n)
{
    const struct item *i = find_key(f, f->key);
    struct bus *bus = f->self->bus;
    uint8_t bytes[CHUNK];

    if (!i || !i->written || f->offset || n > i->size || n > sizeof bytes)
        return false;
    if (!bus->dma_read(bus->owner, f->to, bytes, n))
        return false;
    f->offset = n;
    return i->written(i->owner, bytes, n);
}

/* A request: control, length (32 bits each), address (64 bits), all big-endian. */
static void start_dma(struct fw_cfg *f, uint64_t request)
{
    struct bus *bus = f->self->bus;
    uint8_t bytes[16];
    uint32_t control, length;

    if (f->busy || !bus->dma_read || !bus->dma_write) {
        log_guest(bus->log, f->self->name, "a DMA request while one goes on: ignored");
        return;
    }
    if (!bus->dma_read(bus->owner, request, bytes, sizeof bytes))
        return; /* not in RAM: nobody can be told */
    control = (uint32_t)load_be(bytes, 4);
    length = (uint32_t)load_be(bytes + 4, 4);
    f->request = request;
    f->to = load_be(bytes + 8, 8);
    if (control & DMA_SELECT)
        select_key(f, (uint16_t)(control >> 16));
    if (control & DMA_READ) {
        f->busy = true;
        f->left = length;
        step_due(f);
        return;
    }
    if (control & DMA_WRITE) {
        finish(f, write_item(f, length));
        return;
    }
    if (control & DMA_SKIP)
        skip(f, length);
    finish(f, true);
}

/* Reading gives "QEMU CFG", by which guests tell that there is DMA. */
static enum io_status peek_dma(const void *dev, struct io *io)
{
    static const uint8_t signature[8] = "QEMU CFG";
    (void)dev;

    if (io->write)
        return IO_DEFER;
    io->value = load_le(signature + (io->offset & 7 & ~(io->size - 1u)), io->size);
    return IO_DONE;
}

static enum io_status access_dma(void *dev, struct io *io)
{
    struct fw_cfg *f = dev;
    uint32_t v = bswap32((uint32_t)io->value); /* big-endian on the wire */

    if (!io->write)
        return peek_dma(dev, io);
    if (io->size != 4)
        return IO_DONE; /* only the two halves can be written */
    if (io->offset == 0) {
        f->dma_high = v;
    } else if (io->offset == 4) {
        uint64_t request = (uint64_t)f->dma_high << 32 | v;
        f->dma_high = 0;
        start_dma(f, request);
    }
    return IO_DONE;
}

/* ---- the device ---- */

static bool init(void *dev, struct device *self, struct error *e)
{
    struct fw_cfg *f = dev;
    (void)e;
    f->self = self;
    f->step = (struct timer){.due = step_due, .owner = f};
    return fw_cfg_add_bytes(self, FW_CFG_SIGNATURE, "QEMU", 4) &&
           fw_cfg_add_u32(self, FW_CFG_ID, ID_VERSION | ID_DMA) && make_directory(self);
}

static void free_items(void *dev)
{
    struct fw_cfg *f = dev;
    for (unsigned n = 0; n < f->count; n++)
        free(f->items[n].bytes);
}

const struct device_class fw_cfg_class = {
    .name = "fw_cfg",
    .title = "Firmware configuration",
    .size = sizeof(struct fw_cfg),
    .fields = (const struct field[]){STATE(STATE_FIELD, fw_cfg) FIELD_TIMER_ROW(
        fw_cfg, step, "the DMA goes on"){0}},
    .regions =
        (const struct region[]){
            {"fw_cfg", PORT_SELECTOR, 2, NULL, access, .max_size = 2},
            {"fw_cfg-dma", PORT_DMA, 8, peek_dma, access_dma, .max_size = 4},
            {0}},
    .init = init,
    .free = free_items,
};
