/* board_drives.c - disks: the images, and the controllers they hang on.
 *
 * Two IDE channels of the PIIX3, one floppy controller, up to two flash chips below 4 GiB
 * that replace the ROM.
 */
#include "machine/board.h"

#include "base/error.h"
#include "chipset/piix3_ide.h"
#include "chipset/rtc.h"
#include "devices/floppy.h"
#include "devices/ide.h"
#include "devices/pflash.h"
#include "host/host.h"

#include <stdlib.h>

enum { PFLASH_MAX = 64 << 20 };

static const char *const channel_name[] = {"ide0", "ide1"};

/* ---- images ---- */

struct disk *board_open_image(struct machine *m, const struct drive_config *d,
                              struct error *e)
{
    struct image_options o = {.file = d->file, .format = d->format, .cache = d->cache,
                              .read_only = d->read_only || d->cdrom,
                              .snapshot = d->snapshot || m->config.snapshot};

    if (o.read_only)
        o.snapshot = false;
    return image_open(&o, &m->log, e);
}

/* A PC has a drive A. */
static void complete_drives(struct machine_config *c)
{
    for (unsigned n = 0; n < c->drives; n++)
        if (c->drive[n].interface == DRIVE_FLOPPY && c->drive[n].index == 0)
            return;
    if (c->drives < MACHINE_DRIVES)
        c->drive[c->drives++] = (struct drive_config){.interface = DRIVE_FLOPPY};
}

static bool open_disks(struct machine *m, struct error *e)
{
    struct board *b = board_of(m);

    for (unsigned n = 0; n < m->config.drives; n++) {
        if (!m->config.drive[n].file)
            continue;
        b->disk[n] = board_open_image(m, &m->config.drive[n], e);
        if (!b->disk[n])
            return false;
    }
    return true;
}

void board_close_disks(struct machine *m)
{
    struct board *b = board_of(m);
    struct error e;

    for (unsigned n = 0; n < m->config.drives; n++)
        if (!image_close(b->disk[n], &e))
            log_say(&m->log, "disk", LOG_ERROR, "%s", e.text);
    for (unsigned n = 0; n < MACHINE_PFLASH; n++)
        host_memory_free(b->flash[n], b->flash_size[n]);
}

/* ---- IDE ---- */

static void plug_ide(struct machine *m)
{
    struct board *b = board_of(m);

    for (unsigned n = 0; n < m->config.drives; n++) {
        const struct drive_config *d = &m->config.drive[n];
        if (d->interface == DRIVE_IDE)
            ide_plug(b->channel[d->index / 2], d->index % 2,
                     d->cdrom ? IDE_CDROM : IDE_DISK, b->disk[n], NULL);
    }
}

static bool add_ide(struct machine *m, struct error *e)
{
    struct board *b = board_of(m);

    b->ide = board_add(m, &piix3_ide_class, "piix3-ide", e);
    if (!b->ide)
        return false;
    for (unsigned n = 0; n < 2; n++) {
        struct bus_master master = piix3_ide_master(b->ide, n);
        b->channel[n] = board_add(m, &ide_class, channel_name[n], e);
        if (!b->channel[n] || !device_option(b->channel[n], "channel", n, e))
            return false;
        ide_connect(b->channel[n], &master);
    }
    plug_ide(m);
    return true;
}

/* ---- floppies ---- */

static bool add_floppy(struct machine *m, struct error *e)
{
    struct board *b = board_of(m);

    b->floppy = board_add(m, &floppy_class, "floppy", e);
    if (!b->floppy)
        return false;
    floppy_connect(b->floppy, b->dma);
    for (unsigned n = 0; n < m->config.drives; n++) {
        const struct drive_config *d = &m->config.drive[n];
        if (d->interface != DRIVE_FLOPPY)
            continue;
        if (b->disk[n] && !floppy_insert(b->floppy, d->index, b->disk[n], e))
            return false;
        if (!b->disk[n] &&
            !device_option(b->floppy, d->index ? "type1" : "type0", 4, e))
            return false;
    }
    return true;
}

void board_tell_drives(struct machine *m)
{
    enum { FLOPPY_TYPES = 0x10, EQUIPMENT = 0x14 };
    struct board *b = board_of(m);
    unsigned a = floppy_cmos_type(b->floppy, 0), second = floppy_cmos_type(b->floppy, 1);
    uint8_t equipment = rtc_get_cmos(b->rtc, EQUIPMENT);

    rtc_set_cmos(b->rtc, FLOPPY_TYPES, (uint8_t)(a << 4 | second));
    if (a || second) /* bit 0: any; bits 7:6: how many more than one */
        equipment |= (uint8_t)(1 | (a && second ? 0x40 : 0));
    rtc_set_cmos(b->rtc, EQUIPMENT, equipment);
}

/* ---- flash ---- */

static void show_array(void *owner, unsigned unit, bool seen)
{
    struct machine *m = owner;

    phys_rights(&m->phys, board_of(m)->flash_window[unit], seen ? WINDOW_READ : 0);
}

static void flash_stored(void *owner, unsigned unit, uint64_t offset, uint64_t n)
{
    struct machine *m = owner;

    board_stored(m, board_of(m)->flash_backing[unit], offset, n);
}

static bool add_flash(struct machine *m, const struct drive_config *d, struct disk *disk,
                      uint64_t *top, struct error *e)
{
    static const char *const name[MACHINE_PFLASH] = {"pflash0", "pflash1"};
    struct board *b = board_of(m);
    unsigned unit = d->index;
    uint64_t size = disk->size;
    struct device *flash;

    if (size == 0 || size % PAGE || size > PFLASH_MAX || size > *top - 0xf8000000u) {
        error_set(e, "'%s' is no flash image: it has %llu bytes", d->file,
                  (unsigned long long)size);
        return error_hint(e, "a multiple of 4096, at most 64 MiB");
    }
    b->flash[unit] = host_memory(size);
    b->flash_size[unit] = size;
    if (!b->flash[unit])
        return error_set(e, "cannot load '%s': the host has no memory", d->file);
    if (!disk->read(disk->owner, 0, b->flash[unit], size))
        return error_set(e, "cannot read '%s'", d->file);
    *top -= size;
    b->flash_backing[unit] = phys_back(&m->phys, name[unit], b->flash[unit], size);
    if (!b->flash_backing[unit])
        return error_set(e, "too many memory objects");
    b->flash_window[unit] = phys_map(&m->phys, *top, size, b->flash_backing[unit], 0,
                                     WINDOW_READ, 0);
    flash = board_add(m, &pflash_class, name[unit], e);
    if (!flash || b->flash_window[unit] < 0)
        return flash && error_set(e, "too many memory windows");
    pflash_connect(flash, &(struct pflash_wiring){
                              .owner = m, .memory = b->flash[unit], .size = size,
                              .base = *top, .disk = disk, .read_only = disk->read_only,
                              .array = show_array, .stored = flash_stored, .unit = unit});
    if (unit == 0)
        return board_show_rom_below(m, b->flash_backing[0], e);
    return true;
}

/* The first ends at 4 GiB, the second below it. */
static bool add_flashes(struct machine *m, struct error *e)
{
    uint64_t top = MEMORY_HIGH;

    for (unsigned unit = 0; unit < MACHINE_PFLASH; unit++)
        for (unsigned n = 0; n < m->config.drives; n++) {
            const struct drive_config *d = &m->config.drive[n];
            if (d->interface == DRIVE_PFLASH && d->index == unit &&
                !add_flash(m, d, board_of(m)->disk[n], &top, e))
                return false;
        }
    return true;
}

bool board_add_drives(struct machine *m, struct error *e)
{
    complete_drives(&m->config);
    return open_disks(m, e) && add_ide(m, e) && add_floppy(m, e) && add_flashes(m, e);
}
