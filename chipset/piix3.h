/* piix3.h - the 82371SB ISA bridge: interrupt routing. */
#ifndef CHIPSET_PIIX3_H
#define CHIPSET_PIIX3_H

#include "chipset/pci.h"

extern const struct device_class piix3_class;

struct pci_function *piix3_pci(struct device *d);

#endif
