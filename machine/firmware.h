/* firmware.h - the BIOS images that are built into the library: bios/built/. */
#ifndef MACHINE_FIRMWARE_H
#define MACHINE_FIRMWARE_H

#include "base/types.h"

#include <stddef.h>

/* 128 KiB, to end at 4 GiB and, through the memory attributes, at 1 MiB. */
const uint8_t *firmware_bios(size_t *n);

/* The option ROM of the VGA. *n is 0 where the library was built without one. */
const uint8_t *firmware_vga_bios(size_t *n);

/* The option ROM that starts -kernel (bios/kernel/rom.S). */
const uint8_t *firmware_kernel_rom(size_t *n);

#endif
