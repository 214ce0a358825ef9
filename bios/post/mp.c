/* mp.c - the tables of the MultiProcessor Specification 1.4, for systems that do not
 * read ACPI. Chapter 4.
 */
#include "post.h"

enum { POINTER = 16, HEADER = 44, CPU = 20, OTHER = 8 };
enum { BUS_PCI, BUS_ISA };
enum { IRQS = 16, SLOTS = 32, PINS = 4, SCI = 9, ALL = 0xff };
enum { KIND_INT, KIND_NMI, KIND_SMI, KIND_EXTINT };
enum { AS_BUS = 0, ACTIVE_HIGH_LEVEL = 1 | 3 << 2 };

struct writing {
    u8 *at;
    u32 count;
};

/* One of the entries with eight bytes. */
static void entry(struct writing *w, u8 type, u8 a, u16 b, u8 c, u8 d, u8 e, u8 f)
{
    const u8 bytes[OTHER] = {type, a, (u8)b, (u8)(b >> 8), c, d, e, f};

    memcpy(w->at, bytes, OTHER);
    w->at += OTHER;
    w->count++;
}

static void bus(struct writing *w, u8 id, const char *name)
{
    entry(w, 1, id, 0, 0, 0, 0, 0);
    memcpy(w->at - OTHER + 2, name, 6);
}

static void cpus(struct writing *w)
{
    u32 signature, b, c, features;

    __asm__ volatile("cpuid"
                     : "=a"(signature), "=b"(b), "=c"(c), "=d"(features)
                     : "a"(1));
    for (u32 n = 0; n < shared.cpus; n++) {
        memset(w->at, 0, CPU);
        w->at[1] = (u8)n; /* local APIC id */
        w->at[2] = 0x14;  /* its version */
        w->at[3] =
            (u8)(1 | (n == b >> 24) << 1); /* enabled; we are the boot processor */
        put32(w->at + 4, signature);
        put32(w->at + 8, features);
        w->at += CPU;
        w->count++;
    }
}

/* The bridge hands PCI's interrupts to the I/O APIC where ISA has them, too. */
static void interrupts(struct writing *w)
{
    for (u8 irq = 0; irq < IRQS; irq++)
        if (irq != 2 && irq != 10 && irq != 11)
            entry(w, 3, KIND_INT, irq == SCI ? ACTIVE_HIGH_LEVEL : AS_BUS, BUS_ISA, irq,
                  0, irq ? irq : 2);
    for (u8 slot = 1; slot < SLOTS; slot++)
        for (u8 pin = 0; pin < PINS; pin++)
            entry(w, 3, KIND_INT, AS_BUS, BUS_PCI, (u8)(slot << 2 | pin), 0,
                  pirq_irqs[(slot + pin + 3) & 3]);
    entry(w, 4, KIND_EXTINT, AS_BUS, BUS_ISA, 0, ALL, 0);
    entry(w, 4, KIND_NMI, AS_BUS, BUS_ISA, 0, ALL, 1);
}

void make_mp_table(void)
{
    const u32 size = HEADER + CPU * shared.cpus +
                     OTHER * (2 + 1 + (IRQS - 3) + (SLOTS - 1) * PINS + 2);
    u8 *pointer, *table;
    struct writing w = {0};

    if (!cpu_has_apic())
        return;
    pointer = take_legacy(POINTER, 16);
    table = pointer ? take_legacy(size, 16) : NULL;
    if (!table)
        return;
    memset(table, 0, HEADER);
    w.at = table + HEADER;
    cpus(&w);
    bus(&w, BUS_PCI, "PCI   ");
    bus(&w, BUS_ISA, "ISA   ");
    entry(&w, 2, 0, 0x0120, 0, 0, 0xc0,
          0xfe); /* I/O APIC 0, version 20h, at FEC00000h */
    interrupts(&w);
    memcpy(table, "PCMP", 4);
    table[4] = (u8)size;
    table[5] = (u8)(size >> 8);
    table[6] = 4;
    memcpy(table + 8, "MENURA  PC 440FX    ", 20);
    table[34] = (u8)w.count;
    table[35] = (u8)(w.count >> 8);
    put32(table + 36, 0xfee00000);
    table[7] = (u8)-sum_of(table, size);

    memset(pointer, 0, POINTER);
    memcpy(pointer, "_MP_", 4);
    put32(pointer + 4, (u32)table);
    pointer[8] = 1;
    pointer[9] = 4;
    pointer[10] = (u8)-sum_of(pointer, POINTER);
}
