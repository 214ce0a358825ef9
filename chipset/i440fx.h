/* i440fx.h - the 82441FX host bridge, and what it tells the board about memory. */
#ifndef CHIPSET_I440FX_H
#define CHIPSET_I440FX_H

#include "chipset/pci.h"

extern const struct device_class i440fx_class;

struct i440fx_wiring {
    void *owner;
    /* [base, base + size) below 1 MiB: reads come from RAM (else from ROM and the bus),
     * writes go to RAM (else to the bus). Called on changes, and for every part after
     * reset and restore. */
    void (*pam)(void *owner, uint64_t base, uint64_t size, bool read, bool write);
    /* SMRAM at A0000h-BFFFFh: there at all; open also outside SMM; closed to data. */
    void (*smram)(void *owner, bool enabled, bool open, bool closed);
};

/* Before device_start(); either function may be NULL. */
void i440fx_connect(struct device *d, const struct i440fx_wiring *w);
struct pci_function *i440fx_pci(struct device *d);

#endif
