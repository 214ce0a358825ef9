/* rtc.h - the real-time clock and its battery-backed memory. */
#ifndef CHIPSET_RTC_H
#define CHIPSET_RTC_H

#include "base/device.h"

extern const struct device_class rtc_class;

/* CMOS bytes, index 0 to FFh (80h and up: the extended bank of ports 72h-73h). For the
 * board, after device_start(): memory sizes, boot order, equipment. They last through
 * resets. Registers 0 to Dh are the clock's own and are left alone. */
void rtc_set_cmos(struct device *rtc, unsigned index, uint8_t value);
uint8_t rtc_get_cmos(const struct device *rtc, unsigned index);

#endif
