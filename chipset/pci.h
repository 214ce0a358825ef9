/* pci.h - PCI: the bus with configuration mechanism #1, and what a function on it
 * needs.
 *
 * A PCI function is a device whose struct holds a struct pci_function:
 *
 *     struct nic { struct pci_function pci; ... };
 *
 *     .fields:  FIELD_SUBLIST(nic, struct pci_function, pci, 1, pci_function_fields)
 *     .regions: its BARs, `unmapped`, among the others
 *     .pins:    {"intx", .offset = offsetof(struct nic, pci.intx)}
 *     init():   pci_function_init(&n->pci, self, n, &identity); pci_bar(...);
 *               pci_writable(...); pci_msi(...);
 *     reset():  pci_function_reset(&n->pci) first
 *     drive():  pci_function_drive(&n->pci)
 *
 * and pci_interrupt(), pci_dma_read(), pci_dma_write() while it runs. The board calls
 * pci_plug() after device_start(). PCI Local Bus Specification 2.2.
 */
#ifndef CHIPSET_PCI_H
#define CHIPSET_PCI_H

#include "base/device.h"

extern const struct device_class pci_class; /* the host's CF8h-CFFh and the bus */

enum {
    PCI_CONFIG = 256,
    PCI_BARS = 6,
    PCI_ROM = 6, /* the expansion ROM, as a number for pci_bar() */
    PCI_NO_REGION = -1,
};

/* Offsets in configuration space, and bits there (2.2, chapter 6). */
enum {
    PCI_VENDOR = 0x00,
    PCI_DEVICE = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION = 0x08,
    PCI_CLASS = 0x09,
    PCI_HEADER = 0x0e,
    PCI_BAR0 = 0x10,
    PCI_SUBSYSTEM_VENDOR = 0x2c,
    PCI_SUBSYSTEM = 0x2e,
    PCI_ROM_BAR = 0x30,
    PCI_CAPABILITIES = 0x34,
    PCI_INTERRUPT_LINE = 0x3c,
    PCI_INTERRUPT_PIN = 0x3d,
};
enum {
    PCI_IO_SPACE = 1 << 0,
    PCI_MEMORY_SPACE = 1 << 1,
    PCI_BUS_MASTER = 1 << 2,
    PCI_INTX_DISABLE = 1 << 10,    /* 2.3 */
    PCI_STATUS_INTERRUPT = 1 << 3, /* 2.3 */
    PCI_STATUS_CAPABILITIES = 1 << 4,
};
enum pci_bar_kind {
    PCI_BAR_MEMORY = 0,
    PCI_BAR_IO = 1,
    PCI_BAR_64 = 4,
    PCI_BAR_PREFETCH = 8,
};

/* What stands in the header and never changes. */
struct pci_identity {
    uint16_t vendor, device;
    uint8_t revision;
    uint32_t class_code; /* class, subclass, programming interface: 24 bits */
    uint16_t subsystem_vendor, subsystem;
    uint8_t interrupt_pin; /* 1 to 4 for INTA# to INTD#, 0 none */
    bool multi_function;
};

#define PCI_FUNCTION_STATE(_, x)                                                       \
    _(x, uint8_t, config, 0, 0xff, "configuration space", PCI_CONFIG)                  \
    _(x, bool, asserted, false, 1, "the function wants its interrupt")

struct pci_bar {
    uint64_t size; /* a power of two; 0: not there */
    uint8_t kind;  /* enum pci_bar_kind */
    int region;    /* in the class's table, or PCI_NO_REGION */
    uint64_t base; /* where it answers now; UINT64_MAX nowhere */
};

struct pci_function {
    PCI_FUNCTION_STATE(STATE_MEMBER, )
    struct line intx;
    /* Wiring, set up by init(). */
    void *owner;
    struct device *self;
    struct device *host;          /* the bus; NULL while not plugged in */
    uint8_t initial[PCI_CONFIG];  /* after reset */
    uint8_t writable[PCI_CONFIG]; /* bits the guest may write */
    uint8_t clearing[PCI_CONFIG]; /* bits a written 1 clears */
    struct pci_bar bar[PCI_BARS + 1];
    uint8_t msi;     /* offset of the MSI capability; 0 none */
    uint8_t free;    /* first offset without a capability */
    uint8_t last;    /* the last capability */
    uint8_t answers; /* command bits 1:0 as the BARs follow them */
    /* Both optional. written: after a configuration write; read: before a read, for
     * registers that change by themselves. */
    void (*written)(void *owner, unsigned offset, unsigned size);
    void (*read)(void *owner, unsigned offset, unsigned size);
    /* A BAR without region moved; base UINT64_MAX: it answers nowhere. */
    void (*bar_moved)(void *owner, unsigned bar, uint64_t base);
};

extern const struct field pci_function_fields[];

void pci_function_init(struct pci_function *f, struct device *self, void *owner,
                       const struct pci_identity *identity);

/* Declares BAR n (PCI_ROM: the expansion ROM). With a region, size 0 takes the region's
 * length, rounded up to a power of two. A 64-bit BAR takes the next number too. */
void pci_bar(struct pci_function *f, unsigned n, enum pci_bar_kind kind, uint64_t size,
             int region);

/* Bits at offset (size 1, 2 or 4) after reset, and which the guest may write. */
void pci_writable(struct pci_function *f, unsigned offset, unsigned size,
                  uint32_t initial, uint32_t writable);

/* Adds a capability of `size` bytes (id and next pointer included); returns its offset,
 * or 0 when configuration space is full. */
unsigned pci_capability(struct pci_function *f, uint8_t id, unsigned size);

/* Adds MSI with one vector and a 64-bit address. */
void pci_msi(struct pci_function *f);

void pci_function_reset(struct pci_function *f);
void pci_function_drive(struct pci_function *f);

/* Puts the function, whose device has been started, on the bus of `host` (a device of
 * pci_class) at device 0-31, function 0-7. False with e filled when the place is taken.
 */
bool pci_plug(struct device *host, unsigned device, unsigned function,
              struct pci_function *f, struct error *e);

/* Asserts or drops the function's interrupt: INTx, or a message on the rising edge when
 * MSI is enabled. */
void pci_interrupt(struct pci_function *f, bool level);

/* Bus mastering: false, and nothing moved, while the command register forbids it. */
bool pci_dma_read(struct pci_function *f, uint64_t address, void *to, size_t n);
bool pci_dma_write(struct pci_function *f, uint64_t address, const void *from,
                   size_t n);

/* Configuration cycles, as the bridge makes them; size 1, 2 or 4, inside a dword. */
uint32_t pci_config_read(struct pci_function *f, unsigned offset, unsigned size);
void pci_config_write(struct pci_function *f, unsigned offset, unsigned size,
                      uint32_t v);

static inline bool pci_bus_master(const struct pci_function *f)
{
    return f->config[PCI_COMMAND] & PCI_BUS_MASTER;
}

#endif
