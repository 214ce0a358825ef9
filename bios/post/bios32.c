/* bios32.c - the PCI BIOS for 32-bit callers (entry.S, pci_service).
 *
 * Runs at any address: see pci_services.h.
 */
#include "pci_services.h"

void pci_bios32(struct regs *frame);

void pci_bios32(struct regs *frame)
{
    FRAME *r = (FRAME *)frame;
    u8 status = PCI_UNSUPPORTED;

    pci_service(r, &status); /* 0Eh, the routing options: not offered here */
    r->ah = status;
    r->flags = (u16)(status ? r->flags | CARRY : r->flags & ~CARRY);
}
