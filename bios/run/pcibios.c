/* pcibios.c - INT 1Ah/B1h: PCI BIOS 2.1 in real mode. */
#include "pci_services.h"

/* 0Eh: ES:DI points to a size and a far pointer; 16 bytes for each of 31 slots. */
static u8 get_routing(struct regs *r)
{
    enum { SLOTS = 31, ENTRY = 16 };
    u16 room = far16(r->es, r->di), at = far16(r->es, r->di + 2u);
    u16 segment = far16(r->es, r->di + 4u);

    far16_set(r->es, r->di, SLOTS * ENTRY);
    r->bx = 1 << 10 | 1 << 11; /* IRQs that are PCI's alone */
    if (room < SLOTS * ENTRY)
        return PCI_TOO_SMALL;
    for (u8 slot = 1; slot <= SLOTS; slot++, at += ENTRY) {
        far_fill(segment, at, 0, ENTRY);
        far8_set(segment, at + 1u, (u8)(slot << 3));
        for (u8 pin = 0; pin < 4; pin++) {
            far8_set(segment, at + 2u + pin * 3u, 0x60 + slot_pirq(slot, pin));
            far16_set(segment, at + 3u + pin * 3u, LINK_IRQS);
        }
    }
    return PCI_OK;
}

void pci_services(struct regs *r)
{
    u8 status = PCI_UNSUPPORTED;
    FRAME *frame = (FRAME *)r;

    if ((r->al & 0x7f) == 0x0e)
        status = get_routing(r);
    else
        pci_service(frame, &status);
    r->ah = status;
    set_carry(r, status != PCI_OK);
}
