/* piix3_ide.h - the PIIX3's IDE function (8086:7010): PCI header, timing, bus master.
 *
 * Intel 82371SB data sheet (290550), chapters 2.3 and 2.7. The function owns the 16 bus
 * master ports (BAR 4) and the PRD walk. Pins, for channel 0 and 1: in "irq0", "irq1"
 * from the channels; out "irq14", "irq15" to the ISA bridge; out "run0", "run1" and
 * "off0", "off1" to the channels (chipset/bus_master.h).
 */
#ifndef CHIPSET_PIIX3_IDE_H
#define CHIPSET_PIIX3_IDE_H

#include "chipset/bus_master.h"
#include "chipset/pci.h"

extern const struct device_class piix3_ide_class;

struct pci_function *piix3_ide_pci(struct device *d);

/* What ide_connect() takes, for channel 0 or 1. */
struct bus_master piix3_ide_master(struct device *d, unsigned channel);

/* What firmware does: both channels answer at their ports. For machines that start a
 * kernel without firmware, after each reset. */
void piix3_ide_enable(struct device *d);

#endif
