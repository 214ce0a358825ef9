/* apic_bus.h - what joins local APICs, I/O APICs and message-signalled interrupts.
 *
 * Messages arrive at once and in order. Intel SDM vol 3A, 10.6 and 10.11.
 */
#ifndef CHIPSET_APIC_BUS_H
#define CHIPSET_APIC_BUS_H

#include "base/types.h"

enum { APIC_LOCALS = 64, APIC_IOS = 4 };

/* ICR and redirection table, bits 10:8. */
enum apic_delivery {
    APIC_FIXED,
    APIC_LOWEST,
    APIC_SMI,
    APIC_REMOTE_READ, /* reserved since the Pentium 4 */
    APIC_NMI,
    APIC_INIT,
    APIC_STARTUP,
    APIC_EXTINT,
};

struct apic_message {
    uint32_t destination;
    bool wide;        /* destination has 32 bits: from an x2APIC's ICR. Else 8 */
    bool logical;     /* destination mode */
    bool level;       /* trigger mode: an EOI goes back to the I/O APICs */
    uint8_t delivery; /* enum apic_delivery */
    uint8_t vector;
};

/* A local APIC's side: in chipset/lapic.c. */
struct apic_local {
    void *owner;
    bool (*matches)(const void *owner, const struct apic_message *m);
    /* For lowest-priority delivery: smaller is preferred; above FFh: not eligible. */
    unsigned (*priority)(const void *owner);
    bool (*accept)(void *owner, const struct apic_message *m); /* taken? */
    /* Where its registers are, UINT64_MAX for nowhere, and the order to be mapped. */
    uint64_t (*base)(const void *owner);
    void (*map)(void *owner, uint64_t base);
};

struct apic_io {
    void *owner;
    void (*eoi)(void *owner, uint8_t vector);
};

struct apic_bus {
    struct apic_local local[APIC_LOCALS];
    struct apic_io io[APIC_IOS];
    unsigned locals, ios;
    /* The CPU whose turn it is, as an index of local[]. The conductor sets it before
     * each turn: registers at FEE00000h are those of the CPU that asks. */
    uint8_t current;
};

/* To everybody that matches. Returns whether somebody took it. */
bool apic_bus_send(struct apic_bus *b, const struct apic_message *m);

/* To all, or to all but one (UINT_MAX: nobody is left out). */
void apic_bus_broadcast(struct apic_bus *b, const struct apic_message *m, unsigned but);

/* A level-triggered vector's EOI, broadcast to the I/O APICs. */
void apic_bus_eoi(struct apic_bus *b, uint8_t vector);

/* A write of `data` to FEExxxxxh (SDM vol 3A 10.11); elsewhere it is nobody's. This is
 * what struct bus's msi calls. */
void apic_bus_msi(struct apic_bus *b, uint64_t address, uint32_t data);

/* A local APIC's base moved, or it went on or off: each address is mapped once. */
void apic_bus_remap(struct apic_bus *b);

#endif
