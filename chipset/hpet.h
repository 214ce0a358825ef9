/* hpet.h - the high precision event timers. */
#ifndef CHIPSET_HPET_H
#define CHIPSET_HPET_H

#include "base/device.h"

extern const struct device_class hpet_class;

#endif
