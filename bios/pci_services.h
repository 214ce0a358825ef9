/* pci_services.h - PCI BIOS 2.1, chapter 2: the functions, for 16 bits (INT 1Ah/B1h)
 * and for the 32-bit service (bios32.c).
 *
 * The 32-bit code runs wherever its caller has mapped it and with segments of its
 * caller's making: no constants in memory, no jump tables, and pointers to the frame
 * through SS.
 */
#ifndef BIOS_PCI_SERVICES_H
#define BIOS_PCI_SERVICES_H

#include "run/run.h"

#define FRAME struct regs __attribute__((address_space(258)))

enum pci_status {
    PCI_OK = 0x00,
    PCI_UNSUPPORTED = 0x81,
    PCI_BAD_VENDOR = 0x83,
    PCI_NOT_FOUND = 0x86,
    PCI_BAD_REGISTER = 0x87,
    PCI_SET_FAILED = 0x88,
    PCI_TOO_SMALL = 0x89,
};

/* Configuration mechanism #1: bus, device and function as BX has them. */
static inline u32 config_read(u16 bdf, u16 offset)
{
    out32(0xcf8, 0x80000000 | (u32)bdf << 8 | (offset & 0xfc));
    return in32(0xcfc);
}

static inline u32 config_part(u16 bdf, u16 offset, u8 bytes)
{
    out32(0xcf8, 0x80000000 | (u32)bdf << 8 | (offset & 0xfc));
    if (bytes == 1)
        return in8((u16)(0xcfc + (offset & 3)));
    if (bytes == 2)
        return in16((u16)(0xcfc + (offset & 2)));
    return in32(0xcfc);
}

static inline void config_write(u16 bdf, u16 offset, u8 bytes, u32 v)
{
    out32(0xcf8, 0x80000000 | (u32)bdf << 8 | (offset & 0xfc));
    if (bytes == 1)
        out8((u16)(0xcfc + (offset & 3)), (u8)v);
    else if (bytes == 2)
        out16((u16)(0xcfc + (offset & 2)), (u16)v);
    else
        out32(0xcfc, v);
}

/* One bus: 256 functions. Function 1 to 7 only where the header says so. */
static inline bool function_there(u16 bdf)
{
    if ((config_read(bdf, 0) & 0xffff) == 0xffff)
        return false;
    return !(bdf & 7) || config_part(bdf & 0xfff8, 0x0e, 1) & 0x80;
}

static inline u8 find_function(FRAME *r, bool by_class)
{
    u32 wanted = by_class ? r->ecx & 0xffffff : (u32)r->cx << 16 | r->dx;
    u16 left = r->si;

    if (!by_class && r->dx == 0xffff)
        return PCI_BAD_VENDOR;
    for (u16 bdf = 0; bdf < 256; bdf++) {
        u32 v;
        if (!function_there(bdf))
            continue;
        v = by_class ? config_read(bdf, 8) >> 8 : config_read(bdf, 0);
        if (v != wanted || left--)
            continue;
        r->bx = bdf;
        return PCI_OK;
    }
    return PCI_NOT_FOUND;
}

/* 08h to 0Dh: read and write a byte, a word, a doubleword. */
static inline u8 config_access(FRAME *r)
{
    u8 bytes = (u8)(1 << ((r->al - 8) % 3));
    u16 offset = r->di;

    if (offset > 0xff || offset & (bytes - 1))
        return PCI_BAD_REGISTER;
    if (r->al >= 0x0b) {
        config_write(r->bx, offset, bytes, r->ecx);
    } else {
        u32 v = config_part(r->bx, offset, bytes);
        if (bytes == 1)
            r->cl = (u8)v;
        else if (bytes == 2)
            r->cx = (u16)v;
        else
            r->ecx = v;
    }
    return PCI_OK;
}

/* Which PIRQ (0 to 3) the board wires a slot's pin (0 to 3) to, and the IRQs a PIRQ can
 * have: 5, 10, 11 (machine/acpi.c says the same). */
enum { LINK_IRQS = 1 << 5 | 1 << 10 | 1 << 11 };
static inline u8 slot_pirq(u8 slot, u8 pin)
{
    return (u8)((slot + pin + 3) & 3);
}

/* 0Fh: the PIIX3's PIRQ register of the pin; BX device, CL pin (0Ah INTA#), CH IRQ. */
static inline u8 set_irq(FRAME *r)
{
    u8 irq = r->ch, pin = (u8)(r->cl - 0x0a);
    u16 bridge = 0x08;

    if (pin > 3 || irq > 15 || !(LINK_IRQS & 1 << irq))
        return PCI_SET_FAILED;
    if (config_read(bridge, 0) != 0x70008086)
        return PCI_SET_FAILED;
    config_write(bridge, 0x60 + slot_pirq((u8)(r->bx >> 3 & 31), pin), 1, irq);
    if (irq >= 8)
        out8(0x4d1, (u8)(in8(0x4d1) | 1 << (irq - 8)));
    else
        out8(0x4d0, (u8)(in8(0x4d0) | 1 << irq));
    return PCI_OK;
}

/* True: the function is known. 0Eh is left to each side: its buffer is a far pointer.
 */
static inline bool pci_service(FRAME *r, u8 *status)
{
    switch (r->al & 0x7f) {
    case 0x01:
        r->edx = 0x20494350; /* "PCI " */
        r->bx = 0x0210;
        r->al = 0x01; /* mechanism #1, no special cycles */
        r->cl = 0;    /* the last bus */
        *status = PCI_OK;
        return true;
    case 0x02: *status = find_function(r, false); return true;
    case 0x03: *status = find_function(r, true); return true;
    case 0x08:
    case 0x09:
    case 0x0a:
    case 0x0b:
    case 0x0c:
    case 0x0d: *status = config_access(r); return true;
    case 0x0f: *status = set_irq(r); return true;
    default: return false;
    }
}

#endif
