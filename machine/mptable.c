/* mptable.c - the tables of the Intel MultiProcessor Specification 1.4, for systems that
 * do not read ACPI.
 */
#include "base/byteorder.h"
#include "machine/tables.h"

enum { POINTER = 16, HEADER = 44, CPU = 20, OTHER = 8 };
enum { BUS_PCI, BUS_ISA };
enum { IRQS = 16, SLOTS = 32, PINS = 4, ALL_APICS = 0xff };
enum { KIND_INT, KIND_NMI, KIND_SMI, KIND_EXTINT };
enum { AS_BUS = 0, ACTIVE_HIGH_LEVEL = 1 | 3 << 2 };

struct writing {
    uint8_t *at;
    unsigned count;
};

/* One of the entries with eight bytes. */
static void entry(struct writing *w, uint8_t type, uint8_t a, uint16_t b, uint8_t c,
                  uint8_t d, uint8_t e, uint8_t f)
{
    uint8_t *p = w->at;

    p[0] = type;
    p[1] = a;
    store16(p + 2, b);
    p[4] = c;
    p[5] = d;
    p[6] = e;
    p[7] = f;
    w->at += OTHER;
    w->count++;
}

static void bus(struct writing *w, uint8_t id, const char *name)
{
    uint8_t *p = w->at;

    entry(w, 1, id, 0, 0, 0, 0, 0);
    memcpy(p + 2, name, 6);
}

void mp_make(const struct tables_config *config, struct tables *t)
{
    /* Buses, I/O APIC, ISA and PCI interrupts, local interrupts. */
    const size_t size = HEADER + CPU * config->cpus +
                        OTHER * (2u + 1u + (IRQS - 1u) + SLOTS * PINS + 2u);
    uint8_t *pointer, *table;
    struct writing w = {0};
    uint64_t at;

    t->mp = tables_legacy(t, POINTER, 16, &pointer);
    at = tables_legacy(t, size, 16, &table);
    if (t->full)
        return;
    w.at = table + HEADER;
    for (unsigned i = 0; i < config->cpus; i++) {
        uint8_t *p = w.at;
        p[1] = (uint8_t)i;
        p[2] = 0x14;                        /* local APIC version */
        p[3] = (uint8_t)(1 | (i ? 0 : 2)); /* enabled; the first is the boot processor */
        store32(p + 4, config->cpu_signature);
        store32(p + 8, config->cpu_features);
        w.at += CPU;
        w.count++;
    }
    bus(&w, BUS_PCI, "PCI   ");
    bus(&w, BUS_ISA, "ISA   ");
    entry(&w, 2, 0, 0x0120, 0, 0, 0xc0, 0xfe); /* I/O APIC 0, version 20h, at FEC00000h */
    for (unsigned i = 0; i < IRQS; i++)
        if (i != 2)
            entry(&w, 3, KIND_INT, i == BOARD_SCI ? ACTIVE_HIGH_LEVEL : AS_BUS, BUS_ISA,
                  (uint8_t)i, 0, (uint8_t)(i ? i : 2));
    for (unsigned slot = 0; slot < SLOTS; slot++)
        for (unsigned pin = 0; pin < PINS; pin++)
            entry(&w, 3, KIND_INT, AS_BUS, BUS_PCI, (uint8_t)(slot << 2 | pin), 0,
                  (uint8_t)(BOARD_PIRQ_GSI + ((slot + pin + 3) & 3)));
    entry(&w, 4, KIND_EXTINT, AS_BUS, BUS_ISA, 0, ALL_APICS, 0);
    entry(&w, 4, KIND_NMI, AS_BUS, BUS_ISA, 0, ALL_APICS, 1);

    memcpy(table, "PCMP", 4);
    store16(table + 4, (uint16_t)size);
    table[6] = 4;
    memcpy(table + 8, "MENURA  ", 8);
    memcpy(table + 16, "PC 440FX    ", 12);
    store16(table + 34, (uint16_t)w.count);
    store32(table + 36, 0xfee00000);
    table[7] = (uint8_t)-bytes_sum(table, size);

    memcpy(pointer, "_MP_", 4);
    store32(pointer + 4, (uint32_t)at);
    pointer[8] = 1;
    pointer[9] = 4;
    pointer[10] = (uint8_t)-bytes_sum(pointer, POINTER);
}
