/* ferr.h - the coprocessor error latch. */
#ifndef CHIPSET_FERR_H
#define CHIPSET_FERR_H

#include "base/device.h"

extern const struct device_class ferr_class;

/* A CPU with CR0.NE clear met an unmasked x87 exception: its FERR# went low. */
void ferr_assert(struct device *d);

#endif
