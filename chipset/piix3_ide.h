/* piix3_ide.h - the PIIX3's IDE function (8086:7010): PCI header, timing, bus master.
 *
 * Intel 82371SB data sheet (290550), chapters 2.3 and 2.7. The function owns the 16 bus
 * master ports (BAR 4) and the PRD walk; the channels themselves (devices/ide.h) are told
 * when it starts and stops, by the functions the board wires.
 */
#ifndef CHIPSET_PIIX3_IDE_H
#define CHIPSET_PIIX3_IDE_H

#include "chipset/pci.h"

extern const struct device_class piix3_ide_class;

struct piix3_ide_wiring {
    void *owner;
    /* Bus master start bit of channel 0 or 1 changed. */
    void (*started)(void *owner, unsigned channel, bool started);
    /* IDETIM decode enable of the channel: its ports answer, or not. */
    void (*enabled)(void *owner, unsigned channel, bool enabled);
};

void piix3_ide_connect(struct device *d, const struct piix3_ide_wiring *w);
struct pci_function *piix3_ide_pci(struct device *d);

/* What the board joins to struct ide_bus_master; channel 0 or 1. */
size_t piix3_ide_to_memory(void *dev, unsigned channel, const uint8_t *from, size_t n);
size_t piix3_ide_from_memory(void *dev, unsigned channel, uint8_t *to, size_t n);
void piix3_ide_interrupted(void *dev, unsigned channel);
void piix3_ide_done(void *dev, unsigned channel, bool error);

#endif
