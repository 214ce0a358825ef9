/* intc.h - how a CPU talks to its interrupt controller without seeing a chip.
 *
 * The controller raises the CPU's pins (INTR, NMI, SMI, INIT, SIPI) through
 * cpu_pin(); the CPU asks back through these. Calls come with the CPU's state written
 * back and clock->now exact.
 */
#ifndef BASE_INTC_H
#define BASE_INTC_H

#include "base/types.h"

struct intc {
    void *owner;
    /* The acknowledge cycle: the vector to deliver. Only called while INTR is high. */
    uint8_t (*acknowledge)(void *owner);
    /* CR8: task priority bits 7:4 as 0 to 15. */
    uint8_t (*tpr_get)(void *owner);
    void (*tpr_set)(void *owner, uint8_t cr8);
    /* IA32_APIC_BASE (1Bh); set returns false for #GP (reserved bits, illegal change). */
    uint64_t (*base_get)(void *owner);
    bool (*base_set)(void *owner, uint64_t value);
    /* x2APIC MSRs 800h..8FFh and IA32_TSC_DEADLINE (6E0h); false means #GP. */
    bool (*msr_get)(void *owner, uint32_t msr, uint64_t *value);
    bool (*msr_set)(void *owner, uint32_t msr, uint64_t value);
    /* May be NULL. The TSC was written (IA32_TIME_STAMP_COUNTER or IA32_TSC_ADJUST): an
     * armed TSC deadline comes sooner or later than it did. */
    void (*tsc_moved)(void *owner);
};

#endif
