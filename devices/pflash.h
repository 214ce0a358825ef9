/* pflash.h - a parallel NOR flash with the Intel command set, for firmware and its
 * variables.
 *
 * The array is memory of the board: reads and fetches of read-array mode go straight to
 * it; writes, and reads in other modes, come to the device.
 */
#ifndef DEVICES_PFLASH_H
#define DEVICES_PFLASH_H

#include "base/device.h"
#include "base/disk.h"

extern const struct device_class pflash_class;

struct pflash_wiring {
    void *owner;
    uint8_t *memory; /* the array: size bytes, filled from the image by the board */
    uint64_t size;   /* a multiple of 4 KiB, at most 64 MiB */
    uint64_t base;   /* physical address */
    struct disk *disk; /* programmed and erased bytes go there; NULL: nowhere */
    bool read_only;  /* programming fails, as on a chip without VPP */
    /* The array is to be seen at its address, or the device's registers. */
    void (*array)(void *owner, unsigned unit, bool seen);
    /* The device changed memory [offset, offset + n). */
    void (*stored)(void *owner, unsigned unit, uint64_t offset, uint64_t n);
    unsigned unit;
};

/* Before device_start(). */
void pflash_connect(struct device *d, const struct pflash_wiring *w);

#endif
