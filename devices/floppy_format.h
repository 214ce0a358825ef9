/* floppy_format.h - which disks there are, by the size of their image. */
#ifndef DEVICES_FLOPPY_FORMAT_H
#define DEVICES_FLOPPY_FORMAT_H

#include "base/disk.h"

struct floppy_format {
    uint32_t kib;
    uint8_t cylinders, heads, sectors; /* sectors of 512 bytes a track */
    uint8_t type;                      /* CMOS type of the drive that suits it */
    uint8_t rates; /* bit n: readable at data rate n (82077AA, DSR) */
};

/* NULL: no disk, or no floppy has that size. */
const struct floppy_format *floppy_format_of(const struct disk *disk);

#endif
