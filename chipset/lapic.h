/* lapic.h - the local APIC of one CPU. */
#ifndef CHIPSET_LAPIC_H
#define CHIPSET_LAPIC_H

#include "base/device.h"
#include "base/intc.h"
#include "chipset/apic_bus.h"

extern const struct device_class lapic_class;

struct lapic_wiring {
    struct apic_bus
        *bus;        /* outlives the device; APICs join it in device_start() order */
    uint32_t tsc_hz; /* rate of the CPU's time-stamp counter */
    void *cpu;
    void (*sipi)(void *cpu, uint8_t vector);
    /* The CPU's TSC less clock_to_hz(now, tsc_hz): what IA32_TSC_ADJUST holds. */
    uint64_t (*tsc_adjust)(void *cpu);
    /* The acknowledge cycle of the 8259s, for ExtINT. */
    void *pic;
    uint8_t (*acknowledge)(void *pic);
};

/* Before device_start(). The n-th local APIC on a bus must be that of CPU n. */
void lapic_connect(struct device *d, const struct lapic_wiring *w);

/* What the CPU calls; lives as long as the device, valid after device_start(). */
struct intc *lapic_intc(struct device *d);

/* INIT reached the CPU by its pin, not through this APIC (port 92h, keyboard
 * controller): SDM vol 3A 10.4.7.3. */
void lapic_init_pin(struct device *d);

#endif
