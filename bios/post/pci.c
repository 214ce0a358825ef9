/* pci.c - finds what is on the PCI bus and gives it addresses and interrupts.
 *
 * PCI Local Bus Specification 2.2, chapter 6; 82371SB data sheet (290550) for the
 * bridge and the IDE function; 82371AB (290562) for power management. One bus: bridges
 * to others are left alone.
 */
#include "post.h"

enum {
    VENDOR = 0x00,
    COMMAND = 0x04,
    CLASS = 0x08,
    HEADER = 0x0e,
    BAR0 = 0x10,
    ROM_BAR = 0x30,
    LINE = 0x3c,
    PIN = 0x3d,
};
enum { IO = 1, MEMORY = 2, BUS_MASTER = 4 };
enum { RANGES_MAX = 96 };
#define PCI_BEGIN 0xe0000000u
#define PCI_END 0xfebf0000u
#define IO_BEGIN 0xc000u
#define IO_END 0xff00u

/* A BAR that wants an address. */
static struct range {
    u64 size;
    u16 bdf, offset;
    u8 io, wide, prefetch;
} ranges[RANGES_MAX];
static u32 range_count;

static void address(u16 bdf, u16 offset)
{
    out32(0xcf8, 0x80000000 | (u32)bdf << 8 | (offset & 0xfc));
}

u32 pci_read(u16 bdf, u16 offset)
{
    address(bdf, offset);
    return in32(0xcfc);
}

u16 pci_read16(u16 bdf, u16 offset)
{
    address(bdf, offset);
    return in16((u16)(0xcfc + (offset & 2)));
}

u8 pci_read8(u16 bdf, u16 offset)
{
    address(bdf, offset);
    return in8((u16)(0xcfc + (offset & 3)));
}

void pci_write(u16 bdf, u16 offset, u32 v)
{
    address(bdf, offset);
    out32(0xcfc, v);
}

void pci_write16(u16 bdf, u16 offset, u16 v)
{
    address(bdf, offset);
    out16((u16)(0xcfc + (offset & 2)), v);
}

void pci_write8(u16 bdf, u16 offset, u8 v)
{
    address(bdf, offset);
    out8((u16)(0xcfc + (offset & 3)), v);
}

/* ---- sizes (6.2.5.1): all ones written, the zeros that come back are the size ---- */

static void add_range(const struct range *r)
{
    u32 n;

    if (range_count == RANGES_MAX) {
        debug_text("too many PCI resources\n");
        return;
    }
    /* Largest first: then each is aligned by itself. */
    for (n = range_count++; n && ranges[n - 1].size < r->size; n--)
        ranges[n] = ranges[n - 1];
    ranges[n] = *r;
}

/* Returns how many registers the BAR took. */
static u32 size_bar(u16 bdf, u16 offset)
{
    struct range r = {.bdf = bdf, .offset = offset};
    u32 old = pci_read(bdf, offset), low;

    pci_write(bdf, offset, 0xffffffff);
    low = pci_read(bdf, offset);
    pci_write(bdf, offset, old);
    if (!low || low == 0xffffffff)
        return 1;
    if (low & 1) {
        r.io = 1;
        r.size = (~(low & 0xfffc) + 1) & 0xffff;
    } else {
        u64 mask = 0xffffffff00000000ull | (low & ~15u);
        r.prefetch = low >> 3 & 1;
        r.wide = (low & 6) == 4;
        if (r.wide) {
            u32 old_high = pci_read(bdf, offset + 4);
            pci_write(bdf, offset + 4, 0xffffffff);
            mask = (u64)pci_read(bdf, offset + 4) << 32 | (low & ~15u);
            pci_write(bdf, offset + 4, old_high);
        }
        r.size = ~mask + 1;
        if (r.size < 4096)
            r.size = 4096; /* a page each: systems map them apart */
    }
    if (r.size)
        add_range(&r);
    return r.wide ? 2 : 1;
}

static void size_rom(u16 bdf)
{
    struct range r = {.bdf = bdf, .offset = ROM_BAR};
    u32 mask;

    pci_write(bdf, ROM_BAR, 0xfffff800);
    mask = pci_read(bdf, ROM_BAR) & 0xfffff800;
    pci_write(bdf, ROM_BAR, 0);
    if (!mask)
        return;
    r.size = ~mask + 1;
    add_range(&r);
    if (shared.rom_count < ROMS_MAX) {
        shared.rom[shared.rom_count].bdf = bdf;
        shared.rom[shared.rom_count++].display = pci_read(bdf, CLASS) >> 16 == 0x0300;
    }
}

/* ---- addresses ---- */

static void assign(void)
{
    u32 io = IO_BEGIN, memory = PCI_BEGIN;
    u64 high = (0x100000000ull + shared.ram_high + 0x3fffffff) & ~0x3fffffffull;

    for (u32 n = 0; n < range_count; n++) {
        const struct range *r = &ranges[n];
        u32 size = (u32)r->size;
        if (r->io) {
            io = (io + size - 1) & ~(size - 1);
            if (io + size > IO_END) {
                debug_text("no I/O room for a PCI device\n");
                continue;
            }
            pci_write(r->bdf, r->offset, io);
            io += size;
        } else if (r->size <= PCI_END - memory &&
                   ((memory + size - 1) & ~(size - 1)) <= PCI_END - size) {
            memory = (memory + size - 1) & ~(size - 1);
            pci_write(r->bdf, r->offset, memory);
            if (r->wide)
                pci_write(r->bdf, r->offset + 4, 0);
            memory += size;
        } else if (r->wide) {
            high = (high + r->size - 1) & ~(r->size - 1);
            pci_write(r->bdf, r->offset, (u32)high);
            pci_write(r->bdf, r->offset + 4, (u32)(high >> 32));
            high += r->size;
        } else {
            debug_text("no memory room for a PCI device\n");
        }
    }
}

/* ---- interrupts and chips ---- */

/* PIRQA to D: 10, 10, 11, 11 (machine/acpi.c's links may have 5 too). */
const u8 pirq_irqs[4] = {10, 10, 11, 11};

static void route_interrupt(u16 bdf)
{
    u8 pin = pci_read8(bdf, PIN);

    if (pin >= 1 && pin <= 4)
        pci_write8(bdf, LINE, pirq_irqs[((bdf >> 3) + pin - 1 + 3) & 3]);
}

static void isa_bridge(u16 bdf)
{
    for (u16 n = 0; n < 4; n++)
        pci_write8(bdf, 0x60 + n, pirq_irqs[n]);
    /* ELCR: PCI's interrupts and the SCI (9) are levels. */
    out8(0x4d0, 0);
    out8(0x4d1, 1 << (9 - 8) | 1 << (10 - 8) | 1 << (11 - 8));
}

static void power_management(u16 bdf)
{
    pci_write(bdf, 0x40, PM_BASE | 1);
    pci_write8(bdf, 0x80, 1); /* PMREGMISC: decode it */
    pci_write(bdf, 0x90, SMB_BASE | 1);
    pci_write8(bdf, 0xd2, 9);
    pci_write8(bdf, LINE, 9);
}

static void add_channel(u16 command, u16 control)
{
    if (shared.ide_count < 4) {
        shared.ide_command[shared.ide_count] = command;
        shared.ide_control[shared.ide_count++] = control;
    }
}

/* Each channel is in compatibility or native mode (PCI IDE Controller
 * Specification 1.0). */
static void ide(u16 bdf, u8 interface)
{
    if (pci_read(bdf, VENDOR) == 0x70108086) {
        pci_write16(bdf, 0x40, 0x8000); /* IDETIM: decode the channels' ports */
        pci_write16(bdf, 0x42, 0x8000);
    }
    for (u16 n = 0; n < 2; n++) {
        if (interface & 1 << n * 2)
            add_channel((u16)(pci_read(bdf, BAR0 + n * 8) & 0xfffc),
                        (u16)((pci_read(bdf, BAR0 + 4 + n * 8) & 0xfffc) + 2));
        else
            add_channel(n ? 0x170 : 0x1f0, n ? 0x376 : 0x3f6);
    }
    pci_write16(bdf, COMMAND, pci_read16(bdf, COMMAND) | IO | BUS_MASTER);
}

/* ---- the walk ---- */

static bool there(u16 bdf)
{
    if (pci_read16(bdf, VENDOR) == 0xffff)
        return false;
    return !(bdf & 7) || pci_read8(bdf & 0xfff8, HEADER) & 0x80;
}

static void size_function(u16 bdf)
{
    u32 class = pci_read(bdf, CLASS) >> 16;
    bool compatible_ide = class == 0x0101 && !(pci_read8(bdf, CLASS + 1) & 5);

    if ((pci_read8(bdf, HEADER) & 0x7f) == 1) {
        debug_text("unimplemented: PCI bridges\n");
        return;
    }
    if (pci_read8(bdf, HEADER) & 0x7f || class == 0x0600)
        return;
    for (u16 n = compatible_ide ? 4 : 0; n < 6;)
        n = (u16)(n + size_bar(bdf, (u16)(BAR0 + n * 4)));
    size_rom(bdf);
}

/* Decoding goes on where a BAR has an address. */
static void enable(u16 bdf)
{
    u16 command = pci_read16(bdf, COMMAND);

    for (u32 n = 0; n < range_count; n++)
        if (ranges[n].bdf == bdf && ranges[n].offset != ROM_BAR)
            command |= ranges[n].io ? IO : MEMORY;
    if (pci_read(bdf, CLASS) >> 16 == 0x0300)
        command |= IO | MEMORY; /* a VGA has addresses without BARs */
    pci_write16(bdf, COMMAND, command);
}

void find_devices(u32 unused)
{
    (void)unused;
    range_count = 0;
    if (pci_read(0, VENDOR) == 0xffffffff) {
        debug_text("no PCI\n");
        add_channel(0x1f0, 0x3f6);
        add_channel(0x170, 0x376);
        return;
    }
    for (u16 bdf = 0; bdf < 256; bdf++)
        if (there(bdf))
            size_function(bdf);
    assign();
    for (u16 bdf = 0; bdf < 256; bdf++) {
        u32 class;
        if (!there(bdf))
            continue;
        class = pci_read(bdf, CLASS);
        enable(bdf);
        route_interrupt(bdf);
        if (class >> 16 == 0x0601)
            isa_bridge(bdf);
        else if (pci_read(bdf, VENDOR) == 0x71138086)
            power_management(bdf);
        else if (class >> 16 == 0x0101)
            ide(bdf, (u8)(class >> 8));
    }
}
