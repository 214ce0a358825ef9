/* ide.h - one ATA channel with two drives: hard disks and ATAPI CD-ROMs.
 *
 * Register and command behaviour: ATA/ATAPI-6 (T13 1410D); ATAPI: MMC-3, SFF-8020i. Two
 * of these hang on the PIIX3's IDE function (chipset/piix3_ide.h); the channel itself
 * knows its ports, an interrupt pin, and who moves its bytes when a command asks for
 * DMA.
 */
#ifndef DEVICES_IDE_H
#define DEVICES_IDE_H

#include "base/device.h"
#include "base/disk.h"
#include "chipset/bus_master.h"

/* Options: "channel" (0: ports 1F0h and 3F6h, 1: 170h and 376h). Pins: out "irq"; in
 * "run" (the bus master is started), "off" (the ports do not answer). */
extern const struct device_class ide_class;

enum ide_kind { IDE_NONE, IDE_DISK, IDE_CDROM };

/* Drive 0 (master) or 1 (slave), before device_start(). The disk outlives the device;
 * NULL: a CD-ROM drive without a medium. serial (20 characters at most) for IDENTIFY,
 * NULL: one that names the place. */
void ide_plug(struct device *d, unsigned drive, enum ide_kind kind, struct disk *disk,
              const char *serial);

/* Between instructions: the medium is changed (NULL: taken out). Only for IDE_CDROM.
 * False: there is no such drive, or the guest has locked the door (force overrides); then
 * the guest learns that somebody pressed the eject button. A transfer that is under way
 * ends in an error. The old disk is the caller's again. */
bool ide_change(struct device *d, unsigned drive, struct disk *disk, bool force);

/* The guest has opened the tray (START STOP UNIT): the medium lies in it, unread. */
bool ide_tray_open(const struct device *d, unsigned drive);
/* The guest has locked it (PREVENT ALLOW MEDIUM REMOVAL). */
bool ide_tray_locked(const struct device *d, unsigned drive);

/* Before device_start(): who moves bytes for DMA commands. Without one they end in
 * ABRT. */
void ide_connect(struct device *d, const struct bus_master *m);

#endif
