/* tables.c - structures that systems look for between F0000h and FFFFFh.
 *
 * Menura makes its ACPI, SMBIOS and MP tables itself and hands them over as the fw_cfg file
 * "menura/tables": records of an address, the size of the range and its E820h type (0: none
 * of its own), the count of bytes, then the bytes (machine/tables.h). QEMU hands over a recipe
 * (loader.c).
 */
#include "post.h"

struct record {
    u64 address;
    u32 range, type, bytes, zero;
} PACKED;

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

static u8 sum_of(const void *at, u32 n)
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

/* False where there is no such file. The records were made for addresses that are RAM. */
static bool load_menura_tables(void)
{
    struct fw_file f;
    u32 at = 0;

    if (!fw_find("menura/tables", &f))
        return false;
    fw_select(f.key);
    while (f.size - at >= sizeof(struct record)) {
        struct record r;
        fw_read(&r, sizeof r);
        at += sizeof r;
        if (r.bytes > f.size - at)
            break;
        fw_read(FLAT((u32)r.address), r.bytes);
        at += r.bytes;
        if (r.type)
            e820_take(r.address, r.range, r.type);
        if (r.address == 0xf0000)
            take_legacy(r.bytes, 1);
    }
    return true;
}

void place_tables(u32 unused)
{
    u8 *bios32 = FLAT(0xf0000 + (u32)bios32_structure), *pnp = FLAT(0xf0000 + (u32)pnp_structure);
    (void)unused;

    if (!load_menura_tables() && !load_qemu_tables())
        debug_text("no ACPI, SMBIOS and MP tables: nobody has made any\n");
    make_pir();
    bios32[10] = 0;
    bios32[10] = (u8)-sum_of(bios32, 16);
    pnp[8] = 0;
    pnp[8] = (u8)-sum_of(pnp, 33);
}
