/* roms.c - fetches option ROM images. PCI Local Bus Specification 2.2, 6.3. */
#include "post.h"

enum { ROM_BAR = 0x30, COMMAND = 0x04, MEMORY = 2, ROM_ENABLE = 1 };
enum { LIMIT = 0xe0000, PC_AT = 0, LAST = 0x80 };

/* An image of code type 0: its offset in the ROM; size 0 where there is none. */
static const u8 *pc_image(const u8 *rom, u32 rom_size, u32 *size)
{
    u32 at = 0;

    *size = 0;
    while (rom_size > 0x1a && at <= rom_size - 0x1a && get16(rom + at) == 0xaa55) {
        u32 data = get16(rom + at + 0x18), length;
        if (data < 0x1a || data + 0x18 > rom_size - at ||
            memcmp(rom + at + data, "PCIR", 4))
            return NULL;
        length = get16(rom + at + data + 0x10) * 512u;
        if (rom[at + data + 0x14] == PC_AT) {
            *size =
                rom[at + 2] * 512u; /* what the image wants at run time to begin with */
            if (length > *size)
                *size = length;
            if (*size > rom_size - at)
                *size = rom_size - at;
            return rom + at;
        }
        if (rom[at + data + 0x15] & LAST || !length)
            return NULL;
        at += length;
    }
    return NULL;
}

/* where: bus, device, function; in the upper half the segment it shall stand in. */
u32 rom_from_pci(u32 where)
{
    u16 bdf = (u16)where, command = pci_read16(bdf, COMMAND);
    u32 to = (where >> 16) * 16, bar = pci_read(bdf, ROM_BAR), size = 0, mask;
    const u8 *image;

    if (!(bar & 0xfffff800))
        return 0;
    pci_write(bdf, ROM_BAR, 0xfffff800);
    mask = pci_read(bdf, ROM_BAR) & 0xfffff800;
    pci_write16(bdf, COMMAND, command | MEMORY);
    pci_write(bdf, ROM_BAR, bar | ROM_ENABLE);
    image = pc_image(FLAT(bar & 0xfffff800), ~mask + 1, &size);
    if (image && size <= LIMIT - to)
        memcpy(FLAT(to), image, size);
    else if (image) {
        debug_text("no room for an option ROM\n");
        size = 0;
    }
    pci_write(bdf, ROM_BAR, bar & 0xfffff800);
    pci_write16(bdf, COMMAND, command);
    return size;
}

/* The n-th of fw_cfg's "genroms/"; all ones when there are no more. */
u32 rom_from_fw_cfg(u32 where)
{
    struct fw_file f;
    u32 to = (where >> 16) * 16;

    if (!fw_nth(where & 0xffff, "genroms/", &f))
        return 0xffffffff;
    if (f.size > LIMIT - to) {
        debug_text("no room for an option ROM\n");
        return 0;
    }
    fw_select(f.key);
    fw_read(FLAT(to), f.size);
    return f.size;
}
