/* port61.h - system control port B. */
#ifndef CHIPSET_PORT61_H
#define CHIPSET_PORT61_H

#include "base/device.h"

extern const struct device_class port61_class;

#endif
