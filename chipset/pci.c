/* pci.c - the PCI bus as the host sees it: configuration mechanism #1 and four PIRQs.
 *
 * I/O ports CF8h-CFFh. PCI Local Bus Specification 2.2, 3.2.2.3.2; 82441FX (440FX) data
 * sheet, CONFADD and CONFDATA. Port CF9h, the reset control register of the 82371SB
 * (PIIX3), lies inside CONFADD, which takes double words only: so it lives here too.
 */
#include "chipset/pci.h"
#include "base/error.h"

enum { SLOTS = 32, FUNCTIONS = 256, PIRQS = 4, WORDS = FUNCTIONS / 64 };
enum { CONFADD = 0, RC = 1, CONFDATA = 4 };
#define CONE 0x80000000u
#define CONFADD_BITS 0x80fffffcu
enum { RCPU = 1 << 2, SRST = 1 << 1 }; /* reset CPU; hard when SRST */

#define STATE(_, x)                                                                    \
    _(x, uint32_t, address, 0, CONFADD_BITS, "CONFADD")                                \
    _(x, uint8_t, rc, 0, SRST, "RC: bit 1, the next reset is hard")                    \
    _(x, uint64_t, asserted, 0, UINT64_MAX,                                            \
      "functions that assert PIRQ A, B, C, D: four words each", PIRQS *WORDS)

struct pci {
    STATE(STATE_MEMBER, )
    struct line pirq[PIRQS], reset, init;
    struct pci_function *function[FUNCTIONS];
};

/* INTA# of device 1 is PIRQA; each device further is one pin on. This is how boards
 * with a PIIX3 were wired, and what their BIOSes' routing tables say. */
static unsigned pirq_of(unsigned number, unsigned pin)
{
    return ((number >> 3) + pin - 2) & (PIRQS - 1);
}

static bool any(const struct pci *p, unsigned pirq)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < WORDS; i++)
        sum |= p->asserted[pirq * WORDS + i];
    return sum != 0;
}

/* n is the function's number * 4 + its interrupt pin - 1. */
static void intx_moved(void *dev, unsigned n, bool level)
{
    struct pci *p = dev;
    unsigned number = n >> 2, pirq = pirq_of(number, (n & 3) + 1);
    uint64_t *word = &p->asserted[pirq * WORDS + number / 64];
    uint64_t bit = 1ull << (number & 63);

    *word = level ? *word | bit : *word & ~bit;
    line_set(&p->pirq[pirq], any(p, pirq));
}

bool pci_plug(struct device *host, unsigned device, unsigned function,
              struct pci_function *f, struct error *e)
{
    struct pci *p = host->state;
    unsigned number = (device & 31) << 3 | (function & 7);
    unsigned pin = f->initial[PCI_INTERRUPT_PIN];

    if (p->function[number])
        return error_set(e, "PCI %u.%u holds two functions", device, function);
    p->function[number] = f;
    f->host = host;
    if (pin)
        f->intx =
            (struct line){intx_moved, p, number << 2 | ((pin - 1) & 3), f->intx.level};
    return true;
}

static struct pci_function *selected(const struct pci *p)
{
    /* Bus 0 is all there is. */
    if (!(p->address & CONE) || (p->address >> 16 & 0xff))
        return NULL;
    return p->function[p->address >> 8 & 0xff];
}

static void write_rc(struct pci *p, uint8_t v)
{
    p->rc = v & SRST;
    if (!(v & RCPU))
        return;
    line_set(v & SRST ? &p->reset : &p->init, true);
    line_set(v & SRST ? &p->reset : &p->init, false);
}

static enum io_status peek(const void *dev, struct io *io)
{
    const struct pci *p = dev;
    struct pci_function *f;

    if (io->write)
        return IO_DEFER;
    if (io->offset == CONFADD && io->size == 4) {
        io->value = p->address;
        return IO_DONE;
    }
    if (io->offset == RC && io->size == 1) {
        io->value = p->rc;
        return IO_DONE;
    }
    f = io->offset < CONFDATA ? NULL : selected(p);
    if (!f)
        return IO_NONE; /* master abort: all ones */
    if (f->read)
        return IO_DEFER;
    io->value =
        pci_config_read(f, (p->address & 0xfc) + io->offset - CONFDATA, io->size);
    return IO_DONE;
}

static enum io_status access(void *dev, struct io *io)
{
    struct pci *p = dev;
    struct pci_function *f;
    unsigned offset;
    enum io_status peeked = peek(dev, io);

    if (peeked != IO_DEFER)
        return peeked;
    if (io->offset < CONFDATA) {
        if (io->write && io->offset == CONFADD && io->size == 4)
            p->address = (uint32_t)io->value & CONFADD_BITS;
        else if (io->write && io->offset == RC && io->size == 1)
            write_rc(p, (uint8_t)io->value);
        else
            return IO_NONE;
        return IO_DONE;
    }
    f = selected(p);
    if (!f)
        return IO_NONE; /* master abort: all ones */
    offset = (p->address & 0xfc) + io->offset - CONFDATA;
    if (io->write)
        pci_config_write(f, offset, io->size, (uint32_t)io->value);
    else
        io->value = pci_config_read(f, offset, io->size);
    return IO_DONE;
}

static void reset(void *dev)
{
    struct pci *p = dev;

    /* Functions that still assert INTx are heard again: the wires did not move. */
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        const struct pci_function *f = p->function[i];
        if (f && f->intx.level && f->intx.moved)
            p->asserted[pirq_of(i, (f->intx.n & 3) + 1) * WORDS + i / 64] |=
                1ull << (i & 63);
    }
}

static void drive(void *dev)
{
    struct pci *p = dev;

    for (unsigned i = 0; i < PIRQS; i++)
        line_set(&p->pirq[i], any(p, i));
}

const struct device_class pci_class = {
    .name = "pci",
    .title = "PCI bus and reset control",
    .size = sizeof(struct pci),
    .fields = (const struct field[]){STATE(STATE_FIELD, pci){0}},
    .regions =
        (const struct region[]){{"pci", 0xcf8, 8, peek, access, .max_size = 4}, {0}},
    .pins =
        (const struct pin[]){
            {"pirq%u", .offset = offsetof(struct pci, pirq), .count = PIRQS},
            {"reset", .offset = offsetof(struct pci, reset)},
            {"init", .offset = offsetof(struct pci, init)},
            {0},
        },
    .reset = reset,
    .drive = drive,
};
