/* edid.c - the card on the PCI bus, and its monitor's description (AX=4F15h).
 *
 * Sources: PCI Local Bus Specification 2.1, 3.7.4.1 (configuration mechanism 1); VESA
 * VBE/DDC 1.1; QEMU's docs/specs/standard-vga (the EDID at offset 0 of BAR 2).
 */
#include "vga.h"

enum { CONFIG_ADDRESS = 0xcf8, CONFIG_DATA = 0xcfc };

/* Whoever was interrupted in the middle of an access finds his address again. */
static uint32_t config_read(uint16_t function, uint8_t reg)
{
    uint32_t before = inl(CONFIG_ADDRESS), v;

    outl(CONFIG_ADDRESS, 0x80000000 | (uint32_t)function << 8 | reg);
    v = inl(CONFIG_DATA);
    outl(CONFIG_ADDRESS, before);
    return v;
}

static bool is_card(uint16_t function)
{
    return config_read(function, 0) == 0x11111234;
}

/* BARs are read when asked for: an operating system may have moved the card. 0: no card
 * on PCI. */
uint32_t pci_bar(uint8_t bar)
{
    uint16_t function = pci_address[0];

    if (function == 0xffff || !is_card(function)) {
        for (function = 0; !is_card(function); function += 8) {
            if (function >= 0x7f8) /* buses 0-7: bridges in front of a VGA are rare */
                return 0;
        }
    }
    return config_read(function, (uint8_t)(0x10 + 4 * bar));
}

static bool valid(volatile const uint8_t *e)
{
    uint8_t sum = 0, i;

    for (i = 0; i < 128; i++)
        sum += e[i];
    return !sum && e[0] == 0 && e[1] == 0xff && e[6] == 0xff && e[7] == 0;
}

/* Keeps the card's EDID in the ROM's RAM. A valid one sums up to 0, as the empty place
 * does, so that the image's checksum stays right. */
void edid_init(uint16_t address)
{
    uint32_t from;
    uint8_t i;

    pci_address[0] = address;
    pci_address[1] = (uint16_t)~address;
    from = pci_bar(2) & 0xfffffff0;
    if (from && copy_high((uint16_t)(uint32_t)edid_found, from, 128) &&
        !valid(edid_found)) {
        for (i = 0; i < 128; i++)
            edid_found[i] = 0;
    }
}

/* BL 00h: what the controller can; 01h: block DX to ES:DI. */
void ddc_call(regs r)
{
    volatile const uint8_t *from = valid(edid_found) ? edid_found : edid_default;
    uint16_t seg = r->es, to = r->di, i;

    r->ax = 0x004f;
    if (r->bl == 0) {
        r->bx = 0x0102; /* a second for a block; DDC2 */
    } else if (r->bl == 1 && r->dx == 0) {
        for (i = 0; i < 128; i++)
            poke8(seg, to + i, from[i]);
    } else {
        r->ax = 0x014f;
    }
}
