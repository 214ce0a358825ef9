/* port92.h - system control port A. */
#ifndef CHIPSET_PORT92_H
#define CHIPSET_PORT92_H

#include "base/device.h"

extern const struct device_class port92_class;

#endif
