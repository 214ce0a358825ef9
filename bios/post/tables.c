/* tables.c - structures that systems look for between F0000h and FFFFFh.
 *
 * ACPI and SMBIOS come from the emulator (loader.c); the others are the BIOS's own.
 */
#include "post.h"

extern u8 pnp_structure[], bios32_structure[];

/* PCI IRQ Routing Table 1.0 (Microsoft): "$PIR". */
struct pir {
    char signature[4];
    u16 version, size;
    u8 bus, devfn;
    u16 exclusive;
    u16 vendor, device;
    u32 miniport;
    u8 reserved[11], checksum;
    struct slot {
        u8 bus, device;
        struct {
            u8 link;
            u16 irqs;
        } PACKED pin[4];
        u8 slot, reserved;
    } PACKED slots[31];
} PACKED;

u8 sum_of(const void *at, u32 n)
{
    const u8 *p = at;
    u8 sum = 0;
    while (n--)
        sum = (u8)(sum + *p++);
    return sum;
}

static void make_pir(void)
{
    struct pir *t = (struct pir *)take_legacy(sizeof *t, 16);

    if (!t || pci_read(0x08, 0) != 0x70008086)
        return;
    memset(t, 0, sizeof *t);
    memcpy(t->signature, "$PIR", 4);
    t->version = 0x0100;
    t->size = sizeof *t;
    t->devfn = 0x08;
    t->vendor = 0x8086;
    t->device = 0x122e; /* the PIIX's routers are programmed like this one */
    for (u32 n = 0; n < ARRAY_SIZE(t->slots); n++) {
        struct slot *s = &t->slots[n];
        s->device = (u8)((n + 1) << 3);
        for (u32 pin = 0; pin < 4; pin++) {
            s->pin[pin].link = (u8)(0x60 + ((n + 1 + pin + 3) & 3));
            s->pin[pin].irqs = 1 << 5 | 1 << 10 | 1 << 11;
        }
    }
    t->checksum = (u8)-sum_of(t, sizeof *t);
}

void place_tables(u32 unused)
{
    u8 *bios32 = FLAT(0xf0000 + (u32)bios32_structure),
       *pnp = FLAT(0xf0000 + (u32)pnp_structure);
    (void)unused;

    if (!load_tables())
        debug_text("no ACPI and SMBIOS tables: the emulator has made none\n");
    make_mp_table();
    make_pir();
    bios32[10] = 0;
    bios32[10] = (u8)-sum_of(bios32, 16);
    pnp[8] = 0;
    pnp[8] = (u8)-sum_of(pnp, 33);
}
