/* i440fx.c - the host bridge of the 440FX: memory attributes and SMRAM.
 *
 * PCI device 8086:1237. Intel 82441FX data sheet (290549). DRAM timing registers hold
 * what is written and do nothing.
 */
#include "chipset/i440fx.h"

enum { DRB = 0x60, PAM0 = 0x59, PAM6 = 0x5f, SMRAM = 0x72 };
enum { PAM_RE = 1, PAM_WE = 2, SEGMENTS = 13, UNTOLD = 0xff };
enum { C_BASE_SEG = 7, G_SMRAME = 8, D_LCK = 0x10, D_CLS = 0x20, D_OPEN = 0x40 };

struct i440fx {
    struct pci_function pci;
    struct i440fx_wiring wiring;
    uint8_t told[SEGMENTS]; /* what the board was told last */
    uint8_t told_smram;
};

/* Segment 0 is the BIOS area F0000h-FFFFFh, in the upper half of PAM0; the others are
 * 16 KiB each from C0000h on, two to a register (82441FX, Table 4-3). */
static void segment(unsigned n, unsigned *offset, unsigned *shift, uint64_t *base,
                    uint64_t *size)
{
    *offset = n ? PAM0 + 1 + (n - 1) / 2 : PAM0;
    *shift = n ? (n - 1) % 2 * 4 : 4;
    *base = n ? 0xc0000 + (n - 1) * 0x4000ull : 0xf0000;
    *size = n ? 0x4000 : 0x10000;
}

static void tell_pam(struct i440fx *b)
{
    for (unsigned n = 0; n < SEGMENTS; n++) {
        unsigned offset, shift, attributes;
        uint64_t base, size;

        segment(n, &offset, &shift, &base, &size);
        attributes = b->pci.config[offset] >> shift & (PAM_RE | PAM_WE);
        if (attributes == b->told[n])
            continue;
        b->told[n] = (uint8_t)attributes;
        if (b->wiring.pam)
            b->wiring.pam(b->wiring.owner, base, size, attributes & PAM_RE,
                          attributes & PAM_WE);
    }
}

static void tell_smram(struct i440fx *b)
{
    uint8_t v = b->pci.config[SMRAM];

    if (v == b->told_smram)
        return;
    b->told_smram = v;
    if (b->wiring.smram)
        b->wiring.smram(b->wiring.owner, v & G_SMRAME, v & D_OPEN, v & D_CLS);
}

static void written(void *owner, unsigned offset, unsigned size)
{
    struct i440fx *b = owner;
    uint8_t *smram = &b->pci.config[SMRAM];

    if (offset <= PAM6 && offset + size > PAM0)
        tell_pam(b);
    if (offset <= SMRAM && offset + size > SMRAM) {
        /* D_LCK stays until reset and freezes the rest but D_CLS, which is the handler's
         * own (82441FX, SMRAM). */
        if (*smram & D_LCK) {
            *smram &= (uint8_t)~D_OPEN;
            b->pci.writable[SMRAM] = D_CLS;
        }
        tell_smram(b);
    }
}

static bool init(void *dev, struct device *self, struct error *e)
{
    static const struct pci_identity identity = {
        .vendor = 0x8086, .device = 0x1237, .revision = 2, .class_code = 0x060000};
    struct i440fx *b = dev;
    struct pci_function *f = &b->pci;
    (void)e;

    pci_function_init(f, self, b, &identity);
    pci_writable(f, PCI_COMMAND, 2, 0x0006, 0x0100);
    pci_writable(f, PCI_STATUS, 2, 0x0280, 0);
    pci_writable(f, 0x0d, 1, 0, 0xf8);    /* latency timer */
    pci_writable(f, 0x50, 2, 0, 0xffff);  /* PMCCFG */
    pci_writable(f, 0x52, 2, 0, 0xffff);  /* DETURBO and others */
    pci_writable(f, 0x57, 1, 1, 0xff);    /* DRAMC */
    pci_writable(f, 0x58, 1, 0x10, 0xff); /* DRAMT */
    pci_writable(f, PAM0, 1, 0, 0x30);
    for (unsigned i = PAM0 + 1; i <= PAM6; i++)
        pci_writable(f, i, 1, 0, 0x33);
    for (unsigned i = 0; i < 8; i++)
        pci_writable(f, DRB + i, 1, 1, 0xff);
    pci_writable(f, 0x68, 1, 0, 0xff); /* FDHC */
    f->written = written;
    return true;
}

static void reset(void *dev)
{
    struct i440fx *b = dev;

    pci_writable(&b->pci, SMRAM, 1, 2, D_OPEN | D_CLS | D_LCK | G_SMRAME);
    pci_function_reset(&b->pci);
}

static void drive(void *dev)
{
    struct i440fx *b = dev;

    for (unsigned n = 0; n < SEGMENTS; n++)
        b->told[n] = UNTOLD;
    b->told_smram = UNTOLD;
    pci_function_drive(&b->pci);
    /* C_BASE_SEG is always A0000h: wired. */
    b->pci.config[SMRAM] = (uint8_t)((b->pci.config[SMRAM] & 0x78 & ~C_BASE_SEG) | 2);
    b->pci.writable[SMRAM] = D_OPEN | D_CLS | D_LCK | G_SMRAME;
    written(b, SMRAM, 1);
    tell_pam(b);
}

void i440fx_connect(struct device *d, const struct i440fx_wiring *w)
{
    ((struct i440fx *)d->state)->wiring = *w;
}

struct pci_function *i440fx_pci(struct device *d)
{
    return &((struct i440fx *)d->state)->pci;
}

const struct device_class i440fx_class = {
    .name = "i440fx",
    .title = "82441FX host bridge",
    .size = sizeof(struct i440fx),
    .fields = (const struct field[]){FIELD_SUBLIST(i440fx, struct pci_function, pci, 1,
                                                   pci_function_fields){0}},
    .init = init,
    .reset = reset,
    .drive = drive,
};
