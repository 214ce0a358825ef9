/* apic_bus.c - messages between APICs. Intel SDM vol 3A, 10.6.2, 10.8.1, 10.11. */
#include "chipset/apic_bus.h"

enum { MSI_LOGICAL = 1 << 2, MSI_LEVEL = 1 << 15 };

/* Of those that match, the one of lowest priority; among equals the first. */
static bool send_lowest(struct apic_bus *b, const struct apic_message *m)
{
    struct apic_local *best = NULL;
    unsigned least = 0x100;

    for (unsigned i = 0; i < b->locals; i++) {
        struct apic_local *l = &b->local[i];
        unsigned priority;

        if (!l->matches(l->owner, m))
            continue;
        priority = l->priority(l->owner);
        if (priority < least) {
            least = priority;
            best = l;
        }
    }
    return best && best->accept(best->owner, m);
}

bool apic_bus_send(struct apic_bus *b, const struct apic_message *m)
{
    bool taken = false;

    if (m->delivery == APIC_LOWEST)
        return send_lowest(b, m);
    for (unsigned i = 0; i < b->locals; i++) {
        struct apic_local *l = &b->local[i];
        if (l->matches(l->owner, m) && l->accept(l->owner, m))
            taken = true;
    }
    return taken;
}

void apic_bus_broadcast(struct apic_bus *b, const struct apic_message *m, unsigned but)
{
    for (unsigned i = 0; i < b->locals; i++) {
        if (i != but)
            (void)b->local[i].accept(b->local[i].owner, m);
    }
}

void apic_bus_eoi(struct apic_bus *b, uint8_t vector)
{
    for (unsigned i = 0; i < b->ios; i++)
        b->io[i].eoi(b->io[i].owner, vector);
}

void apic_bus_msi(struct apic_bus *b, uint64_t address, uint32_t data)
{
    struct apic_message m = {
        .destination = address >> 12 & 0xff,
        .logical = address & MSI_LOGICAL,
        .level = data & MSI_LEVEL,
        .delivery = data >> 8 & 7,
        .vector = data & 0xff,
    };

    if (address >> 20 != 0xfee)
        return;
    (void)apic_bus_send(b, &m);
}

void apic_bus_remap(struct apic_bus *b)
{
    for (unsigned i = 0; i < b->locals; i++) {
        struct apic_local *l = &b->local[i];
        uint64_t base = l->base(l->owner);

        for (unsigned j = 0; j < i && base != UINT64_MAX; j++) {
            if (b->local[j].base(b->local[j].owner) == base)
                base = UINT64_MAX;
        }
        l->map(l->owner, base);
    }
}
