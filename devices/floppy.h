/* floppy.h - an 82077AA floppy controller with two drives.
 *
 * Intel 82077AA data sheet (290166), PC/AT mode. Data goes through ISA DMA channel 2
 * (chipset/dma.h) or, with SPECIFY's ND bit, through the FIFO.
 */
#ifndef DEVICES_FLOPPY_H
#define DEVICES_FLOPPY_H

#include "base/device.h"
#include "base/disk.h"

/* Pins: out "irq". Options: "type0", "type1": drive types as in the CMOS (0: no drive).
 */
extern const struct device_class floppy_class;

enum { FLOPPY_DRIVES = 2 };

/* The 8237 whose channel 2 serves the drives (a device of dma_class). Before
 * device_start(). */
void floppy_connect(struct device *d, struct device *dma);

/* Before device_start(): a drive that suits the medium, with it inside. Between
 * instructions: the medium goes in (NULL: out), and the change line tells. The format
 * follows from its size: 160K to 2.88M; an image of another size is the beginning of a
 * 1.44M or 2.88M disk. False with e filled for an empty or a larger one, or no drive. The
 * old disk is the caller's again. */
bool floppy_insert(struct device *d, unsigned drive, struct disk *disk,
                   struct error *e);

/* CMOS drive type (0 none, 1 360K, 2 1.2M, 4 1.44M, 5 2.88M) for the RTC's register
 * 10h. */
unsigned floppy_cmos_type(const struct device *d, unsigned drive);

#endif
