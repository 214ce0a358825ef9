/* piix4_pm.h - ACPI power management of the 82371AB. */
#ifndef CHIPSET_PIIX4_PM_H
#define CHIPSET_PIIX4_PM_H

#include "chipset/pci.h"

extern const struct device_class piix4_pm_class;

struct pci_function *piix4_pm_pci(struct device *d);

/* For a board that starts a kernel without firmware: puts the I/O block at `base` (a
 * multiple of 64) and switches it on, as the firmware would. */
void piix4_pm_set_base(struct device *d, uint16_t base);

/* Where the I/O block answers; 0: nowhere. */
uint16_t piix4_pm_base(struct device *d);

#endif
