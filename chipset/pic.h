/* pic.h - what the board needs of the two 8259As beyond pins and ports. */
#ifndef CHIPSET_PIC_H
#define CHIPSET_PIC_H

#include "base/device.h"
#include "base/intc.h"

extern const struct device_class pic_class;

/* The two INTA cycles: the vector, with ISR and IRR moved as they do. Always answers:
 * with nothing left to ask for, it is the spurious level 7. `pic` is device->state. */
uint8_t pic_acknowledge(void *pic);

/* For a board without local APICs: the INT pin goes to the CPU, and this is its
 * controller, once started. CR8 and the APIC's MSRs are not there. */
struct intc *pic_intc(struct device *pic);

#endif
