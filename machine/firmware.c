/* firmware.c - hands out what cmake/embed.cmake made of bios/built/. */
#include "machine/firmware.h"

/* Defined in the build's firmware_images.c. */
extern const uint8_t firmware_bios_image[], firmware_vga_bios_image[],
    firmware_kernel_rom_image[];
extern const size_t firmware_bios_size, firmware_vga_bios_size, firmware_kernel_rom_size;

const uint8_t *firmware_bios(size_t *n)
{
    *n = firmware_bios_size;
    return firmware_bios_image;
}

const uint8_t *firmware_vga_bios(size_t *n)
{
    *n = firmware_vga_bios_size;
    return firmware_vga_bios_image;
}

const uint8_t *firmware_kernel_rom(size_t *n)
{
    *n = firmware_kernel_rom_size;
    return firmware_kernel_rom_image;
}
