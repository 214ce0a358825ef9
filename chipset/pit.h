/* pit.h - the 8254 interval timer. */
#ifndef CHIPSET_PIT_H
#define CHIPSET_PIT_H

#include "base/device.h"

extern const struct device_class pit_class;

enum { PIT_HZ = 1193182 };

#endif
