/* debug_exit.h - isa-debug-exit: a guest's way to end the run with a value. */
#ifndef DEVICES_DEBUG_EXIT_H
#define DEVICES_DEBUG_EXIT_H

#include "base/device.h"

extern const struct device_class debug_exit_class;

/* Before device_start(): who is told the value written. The board maps region 0. */
void debug_exit_connect(struct device *d, void (*told)(void *owner, uint32_t value),
                        void *owner);

#endif
