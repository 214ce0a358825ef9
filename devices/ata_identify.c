/* ata_identify.c - what drives say of themselves.
 *
 * ATA/ATAPI-6 (T13 1410D), 8.15 IDENTIFY DEVICE and 8.16 IDENTIFY PACKET DEVICE.
 */
#include "devices/ata.h"

#include <string.h>

enum { SERIAL = 10, REVISION = 23, MODEL = 27 };

static void put32(uint8_t *block, unsigned word, uint32_t v)
{
    ata_word(block, word, (uint16_t)v);
    ata_word(block, word + 1, (uint16_t)(v >> 16));
}

static void versions(uint8_t *block)
{
    ata_word(block, 80, 0x007e); /* ATA-1 to ATA/ATAPI-6 */
    ata_word(block, 81, 0x0019); /* T13 1410D revision 3a */
}

/* Word 93: how a drive saw the cable at reset: 80 conductors, its number by jumper. */
static void cable(const struct ata_drive *d, uint8_t *block)
{
    ata_word(block, 93, d->number ? 0x6b00 : 0x600b);
}

void ata_disk_identify(const struct ata_drive *d, uint8_t *block)
{
    uint64_t size = ata_disk_size(d);
    uint32_t in_chs = (uint32_t)d->hd.cylinders * d->hd.heads * d->hd.sectors;
    uint64_t cylinders = size / (16 * 63);
    uint16_t on;

    memset(block, 0, SECTOR);
    ata_word(block, 0, 0x0040); /* not removable */
    ata_word(block, 1,
             (uint16_t)(cylinders > 16383 ? 16383
                        : cylinders       ? cylinders
                                          : 1));
    ata_word(block, 3, 16);
    ata_word(block, 6, 63);
    ata_text(block, SERIAL, 10, d->serial);
    ata_word(block, 20, 3);   /* dual-ported buffer, for drivers of before ATA-3 */
    ata_word(block, 21, 512); /* of 256 KiB */
    ata_word(block, 22, 4);
    ata_text(block, REVISION, 4, "1.0");
    ata_text(block, MODEL, 20, "MENURA HARD DISK");
    ata_word(block, 47, 0x8000 | MULTIPLE_MAX);
    ata_word(block, 48, 1); /* the data port takes 32-bit accesses (ATA-1) */
    ata_identify_modes(d, block);
    ata_word(block, 50, 0x4000);
    ata_word(block, 53, 0x0007); /* and words 54 to 58 */
    ata_word(block, 54, d->hd.cylinders);
    ata_word(block, 55, d->hd.heads);
    ata_word(block, 56, d->hd.sectors);
    put32(block, 57, in_chs);
    ata_word(block, 59, (uint16_t)(d->hd.multiple ? 0x100 | d->hd.multiple : 0));
    put32(block, 60, size < 0x0fffffff ? (uint32_t)size : 0x0fffffff);
    versions(block);
    ata_word(block, 82, 0x4069);     /* NOP, look-ahead, write cache, power, SMART */
    ata_word(block, 83, 0x7400);     /* FLUSH CACHE (EXT), 48-bit addresses */
    ata_word(block, 84, 0x4002 | 1); /* SMART self-test and error log */
    on = (uint16_t)(0x4008 | d->hd.look_ahead << 6 | d->hd.cached << 5 | d->hd.smart);
    ata_word(block, 85, on);
    ata_word(block, 86, 0x3400);
    ata_word(block, 87, 0x4003);
    cable(d, block);
    put32(block, 100, (uint32_t)size);
    put32(block, 102, (uint32_t)(size >> 32));
    ata_checksum(block, 0xa5);
}

void atapi_identify(const struct ata_drive *d, uint8_t *block)
{
    memset(block, 0, SECTOR);
    ata_word(block, 0, 0x85c0); /* CD-ROM, removable, DRQ in 50 us, 12-byte packets */
    ata_text(block, SERIAL, 10, d->serial);
    ata_word(block, 20, 3);
    ata_word(block, 21, 512);
    ata_word(block, 22, 4);
    ata_text(block, REVISION, 4, "1.0");
    ata_text(block, MODEL, 20, "MENURA CD-ROM");
    ata_word(block, 48, 1);
    ata_identify_modes(d, block);
    versions(block);
    ata_word(block, 82, 0x4218); /* NOP, DEVICE RESET, PACKET, power */
    ata_word(block, 83, 0x4000);
    ata_word(block, 84, 0x4000);
    ata_word(block, 85, 0x4218);
    ata_word(block, 87, 0x4000);
    cable(d, block);
    ata_checksum(block, 0xa5);
}
