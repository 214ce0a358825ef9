/* ide.h - one ATA channel with two drives: hard disks and ATAPI CD-ROMs.
 *
 * Register and command behaviour: ATA/ATAPI-6 (T13 1410D), ATAPI: MMC-3, SFF-8020i. Two of
 * these with their bus master registers hang on the PIIX3's IDE function (piix3_ide.h);
 * the channel itself knows ports and an interrupt pin.
 */
#ifndef DEVICES_IDE_H
#define DEVICES_IDE_H

#include "base/device.h"
#include "base/disk.h"

extern const struct device_class ide_class; /* pins: out "irq" */

enum ide_kind { IDE_NONE, IDE_DISK, IDE_CDROM };

/* Drive 0 (master) or 1 (slave), before device_start(). disk NULL: a CD-ROM drive without a
 * medium; serial (20 characters at most) and model for IDENTIFY, NULL: standard. */
void ide_plug(struct device *d, unsigned drive, enum ide_kind kind, struct disk *disk,
              const char *serial);

/* Between instructions: the medium is changed (NULL: taken out). Only for IDE_CDROM. False:
 * the guest has locked the door (force overrides). */
bool ide_change(struct device *d, unsigned drive, struct disk *disk, bool force);

/* The bus master's side: what a DMA transfer of the channel asks of it. The PIIX3 function
 * fills this in. Data goes through PRDs in guest memory. */
struct ide_bus_master {
    void *owner;
    /* Moves up to n bytes between the drive's buffer and the PRD table. Returns how many;
     * fewer than n: the table ended or memory refused (the function sets its Error bit). */
    size_t (*to_memory)(void *owner, unsigned channel, const uint8_t *from, size_t n);
    size_t (*from_memory)(void *owner, unsigned channel, uint8_t *to, size_t n);
    /* The drive has raised its interrupt: the function latches it in its status. */
    void (*interrupted)(void *owner, unsigned channel);
    /* The drive's transfer is over (all bytes moved, or an error). */
    void (*done)(void *owner, unsigned channel, bool error);
};
void ide_connect(struct device *d, unsigned channel, const struct ide_bus_master *m);
/* Start bit set: a drive that waits for DMA (DRQ of a DMA command) goes on; cleared: it waits. */
void ide_bus_master_started(struct device *d, bool started);

#endif
