/* serial.h - the 16550A serial port, as the board uses it. */
#ifndef DEVICES_SERIAL_H
#define DEVICES_SERIAL_H

#include "base/chardev.h"
#include "base/device.h"

extern const struct device_class serial_class;

/* Before device_start(): what is plugged in; NULL for nothing. */
void serial_connect(struct device *d, struct chardev *other);

#endif
