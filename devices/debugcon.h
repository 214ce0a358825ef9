/* debugcon.h - the debug console at port E9h, as Bochs has it. */
#ifndef DEVICES_DEBUGCON_H
#define DEVICES_DEBUGCON_H

#include "base/chardev.h"
#include "base/device.h"

extern const struct device_class debugcon_class;

/* Before device_start(): where its bytes go; NULL drops them. */
void debugcon_connect(struct device *d, struct chardev *to);

#endif
