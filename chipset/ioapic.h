/* ioapic.h - the I/O APIC. */
#ifndef CHIPSET_IOAPIC_H
#define CHIPSET_IOAPIC_H

#include "base/device.h"
#include "chipset/apic_bus.h"

extern const struct device_class ioapic_class;

/* Before device_start(). */
void ioapic_connect(struct device *d, struct apic_bus *bus);

#endif
