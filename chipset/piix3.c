/* piix3.c - the ISA bridge of the 82371SB: who gets which interrupt.
 *
 * PCI device 8086:7000. Intel 82371SB data sheet (290550), PIRQRC[A:D]. Its ISA DMA,
 * RTC, PIC and timer are chips of their own here; port CF9h is in pci.c.
 *
 * All interrupt wires of the board meet here. ISA IRQs come in up to four times each
 * ("irq0", "b_irq0" ...: a wire has one driver) and are ORed; PIRQA to PIRQD join the
 * ISA IRQ that their route register names. Each of the sixteen goes out to the 8259As
 * ("pic%u") and to the I/O APIC ("gsi%u", IRQ 0 on pin 2). The PIRQs also have I/O APIC
 * pins of their own, 16 to 19, as on boards with a 82093AA.
 */
#include "chipset/piix3.h"

enum { IRQS = 16, DRIVERS = 4, PIRQS = 4, GSIS = 20, PIRQRC = 0x60, PIRQ_INPUT = 64 };
enum { ROUTE_OFF = 0x80, ROUTE_IRQ = 0xf };

#define STATE(_, x)                                                                    \
    _(x, uint16_t, irq, 0, 0xffff, "levels of the IRQ inputs, by driver", DRIVERS)     \
    _(x, uint8_t, pirq, 0, 0xf, "levels of PIRQA to PIRQD")

struct piix3 {
    STATE(STATE_MEMBER, )
    struct pci_function pci;
    struct line pic[IRQS], gsi[GSIS];
    uint16_t wire_irq[DRIVERS]; /* the pins as they are: a reset does not move them */
    uint8_t wire_pirq;
};

/* IRQ 0, 1, 2, 8 and 13 belong to the board and cannot be routed to. */
static bool routable(unsigned irq)
{
    return 0xdef8 >> irq & 1;
}

static void update(struct piix3 *b)
{
    uint16_t irqs = 0;

    for (unsigned i = 0; i < DRIVERS; i++)
        irqs |= b->irq[i];
    for (unsigned i = 0; i < PIRQS; i++) {
        uint8_t route = b->pci.config[PIRQRC + i];
        if ((b->pirq >> i & 1) && !(route & ROUTE_OFF) && routable(route & ROUTE_IRQ))
            irqs |= (uint16_t)(1u << (route & ROUTE_IRQ));
    }
    for (unsigned i = 0; i < IRQS; i++) {
        line_set(&b->pic[i], irqs >> i & 1);
        if (i != 2)
            line_set(&b->gsi[i ? i : 2], irqs >> i & 1);
    }
    for (unsigned i = 0; i < PIRQS; i++)
        line_set(&b->gsi[IRQS + i], b->pirq >> i & 1);
}

/* n is the IRQ + 16 * driver, or PIRQ_INPUT + the PIRQ. */
static void moved(void *dev, unsigned n, bool level)
{
    struct piix3 *b = dev;
    uint16_t bit = (uint16_t)(1u << (n & 15));
    unsigned i = n >> 4;

    if (n >= PIRQ_INPUT) {
        b->pirq = (uint8_t)(level ? b->pirq | bit : b->pirq & ~bit);
        b->wire_pirq = b->pirq;
    } else {
        b->irq[i] = (uint16_t)(level ? b->irq[i] | bit : b->irq[i] & ~bit);
        b->wire_irq[i] = b->irq[i];
    }
    update(b);
}

static void written(void *owner, unsigned offset, unsigned size)
{
    if (offset < PIRQRC + PIRQS && offset + size > PIRQRC)
        update(owner);
}

static bool init(void *dev, struct device *self, struct error *e)
{
    static const struct pci_identity identity = {.vendor = 0x8086,
                                                 .device = 0x7000,
                                                 .class_code = 0x060100,
                                                 .multi_function = true};
    struct piix3 *b = dev;
    struct pci_function *f = &b->pci;
    (void)e;

    pci_function_init(f, self, b, &identity);
    pci_writable(f, PCI_COMMAND, 2, 0x0007, 0x0108);
    pci_writable(f, PCI_STATUS, 2, 0x0280, 0);
    pci_writable(f, 0x4c, 1, 0x4d, 0xff);     /* IORT */
    pci_writable(f, 0x4e, 2, 0x0003, 0x01ff); /* XBCS */
    for (unsigned i = 0; i < PIRQS; i++)
        pci_writable(f, PIRQRC + i, 1, ROUTE_OFF, ROUTE_OFF | ROUTE_IRQ);
    pci_writable(f, 0x69, 1, 2, 0xfe);        /* TOM */
    pci_writable(f, 0x6a, 2, 0, 0x0081);      /* MSTAT */
    pci_writable(f, 0x70, 2, 0x8080, 0xcfcf); /* MBIRQ0, MBIRQ1 */
    pci_writable(f, 0x76, 2, 0x0c0c, 0x8787); /* MBDMA0, MBDMA1 */
    pci_writable(f, 0x78, 2, 2, 0x3fff);      /* PCSC */
    pci_writable(f, 0x80, 1, 0, 0x7f);        /* APICBASE */
    pci_writable(f, 0x82, 1, 0, 0x0f);        /* DLC */
    pci_writable(f, 0xa0, 1, 8, 0x1f);        /* SMICNTL */
    pci_writable(f, 0xa2, 2, 0, 0x00ff);      /* SMIEN */
    pci_writable(f, 0xa4, 4, 0, 0xffffffff);  /* SEE */
    pci_writable(f, 0xa8, 1, 15, 0xff);       /* FTMR */
    pci_writable(f, 0xaa, 2, 0, 0x00ff);      /* SMIREQ */
    pci_writable(f, 0xac, 1, 0, 0xff);        /* CTLTMR */
    pci_writable(f, 0xae, 1, 0, 0xff);        /* CTHTMR */
    f->written = written;
    return true;
}

static void reset(void *dev)
{
    struct piix3 *b = dev;

    pci_function_reset(&b->pci);
    for (unsigned i = 0; i < DRIVERS; i++)
        b->irq[i] = b->wire_irq[i];
    b->pirq = b->wire_pirq;
}

static void drive(void *dev)
{
    struct piix3 *b = dev;

    for (unsigned i = 0; i < DRIVERS; i++)
        b->wire_irq[i] = b->irq[i];
    b->wire_pirq = b->pirq;
    pci_function_drive(&b->pci);
    update(b);
}

struct pci_function *piix3_pci(struct device *d)
{
    return &((struct piix3 *)d->state)->pci;
}

const struct device_class piix3_class = {
    .name = "piix3",
    .title = "82371SB ISA bridge",
    .size = sizeof(struct piix3),
    .fields = (const struct field[]){STATE(STATE_FIELD, piix3) FIELD_SUBLIST(
        piix3, struct pci_function, pci, 1, pci_function_fields){0}},
    .pins =
        (const struct pin[]){
            {"pic%u", .offset = offsetof(struct piix3, pic), .count = IRQS},
            {"gsi%u", .offset = offsetof(struct piix3, gsi), .count = GSIS},
            {"irq%u", .moved = moved, .n = 0, .count = IRQS},
            {"b_irq%u", .moved = moved, .n = 16, .count = IRQS},
            {"c_irq%u", .moved = moved, .n = 32, .count = IRQS},
            {"d_irq%u", .moved = moved, .n = 48, .count = IRQS},
            {"pirq%u", .moved = moved, .n = PIRQ_INPUT, .count = PIRQS},
            {0},
        },
    .init = init,
    .reset = reset,
    .drive = drive,
};
