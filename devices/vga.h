/* vga.h - a VGA with the Bochs VBE registers on PCI (1234:1111, "standard VGA"). */
#ifndef DEVICES_VGA_H
#define DEVICES_VGA_H

#include "base/screen.h"
#include "chipset/pci.h"

extern const struct device_class vga_class;

/* Video memory is memory of the board: the guest's linear frame buffer goes straight to
 * it, the legacy window A0000h-BFFFFh through the card's regions. */
struct vga_wiring {
    void *owner;
    uint8_t *memory; /* size bytes, a power of two from 256 KiB to 64 MiB; saved by the board */
    uint64_t size;
    /* BAR 0 (linear frame buffer) and the expansion ROM stand at base from now on;
     * UINT64_MAX: nowhere. */
    void (*memory_moved)(void *owner, uint64_t base);
    void (*rom_moved)(void *owner, uint64_t base);
    uint64_t rom_size; /* of the VGA BIOS image, a power of two; 0: none */
    /* The card stored to memory [offset, offset + n) by itself (decoded code may be there). */
    void (*stored)(void *owner, uint64_t offset, unsigned n);
};

/* Before device_start(). */
void vga_connect(struct device *d, const struct vga_wiring *w);
struct pci_function *vga_pci(struct device *d);
/* For viewers; lives as long as the device. */
const struct screen *vga_screen(const struct device *d);

#endif
