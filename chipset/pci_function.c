/* pci_function.c - one function on the PCI bus: configuration space, BARs, interrupts.
 *
 * PCI Local Bus Specification 2.2, chapter 6; INTx disable and status of 2.3.
 */
#include "base/byteorder.h"
#include "chipset/pci.h"

enum { MSI_ID = 5, MSI_SIZE = 14, MSI_CONTROL = 2, MSI_ADDRESS = 4, MSI_DATA = 12 };
enum { MSI_ENABLE = 1, MSI_64 = 0x80 };
enum { ROM_ENABLE = 1, HEADER_MULTI = 0x80 };

#define NOWHERE UINT64_MAX

const struct field pci_function_fields[] = {
    PCI_FUNCTION_STATE(STATE_FIELD, pci_function){0}};

static unsigned bar_offset(unsigned n)
{
    return n == PCI_ROM ? PCI_ROM_BAR : PCI_BAR0 + 4 * n;
}

void pci_function_init(struct pci_function *f, struct device *self, void *owner,
                       const struct pci_identity *id)
{
    f->owner = owner;
    f->self = self;
    store16(f->initial + PCI_VENDOR, id->vendor);
    store16(f->initial + PCI_DEVICE, id->device);
    f->initial[PCI_REVISION] = id->revision;
    store16(f->initial + PCI_CLASS, (uint16_t)id->class_code);
    f->initial[PCI_CLASS + 2] = (uint8_t)(id->class_code >> 16);
    f->initial[PCI_HEADER] = id->multi_function ? HEADER_MULTI : 0;
    store16(f->initial + PCI_SUBSYSTEM_VENDOR, id->subsystem_vendor);
    store16(f->initial + PCI_SUBSYSTEM, id->subsystem);
    f->initial[PCI_INTERRUPT_PIN] = id->interrupt_pin;
    f->writable[PCI_INTERRUPT_LINE] = id->interrupt_pin ? 0xff : 0;
    store16(f->writable + PCI_COMMAND, PCI_IO_SPACE | PCI_MEMORY_SPACE |
                                           PCI_BUS_MASTER | 0x140 | PCI_INTX_DISABLE);
    store16(f->clearing + PCI_STATUS, 0xf900);
    f->free = 0x40;
    for (unsigned i = 0; i <= PCI_ROM; i++)
        f->bar[i].base = NOWHERE;
}

void pci_bar(struct pci_function *f, unsigned n, enum pci_bar_kind kind, uint64_t size,
             int region)
{
    struct pci_bar *b = &f->bar[n];
    unsigned at = bar_offset(n);
    uint64_t least = kind & PCI_BAR_IO ? 4 : n == PCI_ROM ? 2048 : 16, mask;

    if (size == 0 && region != PCI_NO_REGION)
        size = f->self->class->regions[region].length;
    while (least < size)
        least <<= 1;
    b->size = least;
    b->kind = (uint8_t)kind;
    b->region = region;
    mask = ~(least - 1);
    store32(f->writable + at, (uint32_t)mask | (n == PCI_ROM ? ROM_ENABLE : 0));
    if (n != PCI_ROM)
        store32(f->initial + at, kind);
    if (kind & PCI_BAR_64)
        store32(f->writable + at + 4, (uint32_t)(mask >> 32));
}

void pci_writable(struct pci_function *f, unsigned offset, unsigned size,
                  uint32_t initial, uint32_t writable)
{
    for (unsigned i = 0; i < size && offset + i < PCI_CONFIG; i++) {
        f->initial[offset + i] = (uint8_t)(initial >> 8 * i);
        f->writable[offset + i] = (uint8_t)(writable >> 8 * i);
    }
}

unsigned pci_capability(struct pci_function *f, uint8_t id, unsigned size)
{
    unsigned at = f->free;

    if (at == 0 || at + size > PCI_CONFIG)
        return 0;
    f->initial[at] = id;
    f->initial[f->last ? f->last + 1u : PCI_CAPABILITIES] = (uint8_t)at;
    f->initial[PCI_STATUS] |= PCI_STATUS_CAPABILITIES;
    f->last = (uint8_t)at;
    f->free = (uint8_t)((at + size + 3) & ~3u); /* 0 when full */
    return at;
}

void pci_msi(struct pci_function *f)
{
    unsigned at = pci_capability(f, MSI_ID, MSI_SIZE);

    if (!at)
        return;
    f->msi = (uint8_t)at;
    pci_writable(f, at + MSI_CONTROL, 2, MSI_64, MSI_ENABLE | 0x70);
    pci_writable(f, at + MSI_ADDRESS, 4, 0, 0xfffffffc);
    pci_writable(f, at + MSI_ADDRESS + 4, 4, 0, 0xffffffff);
    pci_writable(f, at + MSI_DATA, 2, 0, 0xffff);
}

/* ---- BARs ---- */

static bool enabled(const struct pci_function *f, unsigned n)
{
    uint8_t command = f->config[PCI_COMMAND];

    if (f->bar[n].kind & PCI_BAR_IO)
        return command & PCI_IO_SPACE;
    if (n == PCI_ROM && !(f->config[PCI_ROM_BAR] & ROM_ENABLE))
        return false;
    return command & PCI_MEMORY_SPACE;
}

/* Where BAR n shall answer. Not at zero, and not at the top of its space: there it
 * stands while software finds out its size with decoding left on. */
static uint64_t wanted(const struct pci_function *f, unsigned n)
{
    const struct pci_bar *b = &f->bar[n];
    uint64_t base, last, limit = 0xffffffff;

    if (!enabled(f, n))
        return NOWHERE;
    base = load32(f->config + bar_offset(n));
    if (b->kind & PCI_BAR_64) {
        base |= (uint64_t)load32(f->config + bar_offset(n) + 4) << 32;
        limit = UINT64_MAX;
    }
    if (b->kind & PCI_BAR_IO)
        limit = 0xffff;
    base &= ~(b->size - 1);
    last = base + b->size - 1;
    if (base == 0 || last < base || last > limit)
        return NOWHERE;
    if (last == limit && !(b->kind & PCI_BAR_IO))
        return NOWHERE;
    if (last == 0xffffffff)
        return NOWHERE;
    return base;
}

static void follow_bars(struct pci_function *f)
{
    for (unsigned n = 0; n <= PCI_ROM; n++) {
        struct pci_bar *b = &f->bar[n];
        uint64_t base;

        if (!b->size)
            continue;
        base = wanted(f, n);
        if (base == b->base)
            continue;
        b->base = base;
        if (b->region != PCI_NO_REGION)
            device_map(f->self, (unsigned)b->region, base);
        else if (f->bar_moved)
            f->bar_moved(f->owner, n, base);
    }
}

/* ---- interrupts ---- */

static bool msi_enabled(const struct pci_function *f)
{
    return f->msi && (f->config[f->msi + MSI_CONTROL] & MSI_ENABLE);
}

static void follow_interrupt(struct pci_function *f)
{
    uint16_t command = load16(f->config + PCI_COMMAND);

    if (f->asserted)
        f->config[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
    else
        f->config[PCI_STATUS] &= (uint8_t)~PCI_STATUS_INTERRUPT;
    line_set(&f->intx, f->asserted && !(command & PCI_INTX_DISABLE) && !msi_enabled(f));
}

void pci_interrupt(struct pci_function *f, bool level)
{
    const struct bus *bus = f->self->bus;
    bool rises = level && !f->asserted;

    f->asserted = level;
    follow_interrupt(f);
    /* A message is a memory write: it takes bus mastership (2.2, 6.8.1). */
    if (rises && msi_enabled(f) && pci_bus_master(f) && bus->msi)
        bus->msi(bus->owner, load64(f->config + f->msi + MSI_ADDRESS),
                 load16(f->config + f->msi + MSI_DATA));
}

bool pci_dma_read(struct pci_function *f, uint64_t address, void *to, size_t n)
{
    const struct bus *bus = f->self->bus;
    return pci_bus_master(f) && bus->dma_read(bus->owner, address, to, n);
}

bool pci_dma_write(struct pci_function *f, uint64_t address, const void *from, size_t n)
{
    const struct bus *bus = f->self->bus;
    return pci_bus_master(f) && bus->dma_write(bus->owner, address, from, n);
}

/* ---- configuration space ---- */

uint32_t pci_config_read(struct pci_function *f, unsigned offset, unsigned size)
{
    if (offset + size > PCI_CONFIG)
        return UINT32_MAX;
    if (f->read)
        f->read(f->owner, offset, size);
    return (uint32_t)load_le(f->config + offset, size);
}

void pci_config_write(struct pci_function *f, unsigned offset, unsigned size,
                      uint32_t v)
{
    if (offset + size > PCI_CONFIG)
        return;
    for (unsigned i = 0; i < size; i++) {
        unsigned at = offset + i;
        uint8_t byte = (uint8_t)(v >> 8 * i), w = f->writable[at];

        f->config[at] = (uint8_t)((f->config[at] & ~w) | (byte & w));
        f->config[at] &= (uint8_t) ~(byte & f->clearing[at]);
    }
    follow_bars(f);
    follow_interrupt(f);
    if (f->written)
        f->written(f->owner, offset, size);
}

void pci_function_reset(struct pci_function *f)
{
    memcpy(f->config, f->initial, PCI_CONFIG);
}

void pci_function_drive(struct pci_function *f)
{
    /* A snapshot may say anything; what cannot be written is as it was made. */
    for (unsigned i = 0; i < PCI_HEADER + 1; i++)
        f->config[i] = (uint8_t)((f->config[i] & (f->writable[i] | f->clearing[i])) |
                                 (f->initial[i] & ~(f->writable[i] | f->clearing[i])));
    follow_bars(f);
    follow_interrupt(f);
}
