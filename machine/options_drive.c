/* options_drive.c - what the options about disks mean: -drive and its short forms, -boot,
 * and a file named alone.
 *
 * Spellings are QEMU's ("QEMU invocation", block device options).
 */
#include "machine/options_take.h"

#include "base/byteorder.h"
#include "host/host.h"
#include "machine/options_item.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- slots ---- */

static const struct {
    const char *name;
    unsigned slots;
} interfaces[] = {
    [DRIVE_IDE] = {"ide", MACHINE_IDE},
    [DRIVE_FLOPPY] = {"floppy", MACHINE_FLOPPIES},
    [DRIVE_PFLASH] = {"pflash", MACHINE_PFLASH},
};

static struct drive_config *drive_at(struct options *o, enum drive_interface i,
                                     unsigned index)
{
    for (unsigned n = 0; n < o->machine.drives; n++)
        if (o->machine.drive[n].interface == i && o->machine.drive[n].index == index)
            return &o->machine.drive[n];
    return NULL;
}

/* Puts d into its slot; index UINT_MAX: the first free one. */
static bool add(struct options *o, struct drive_config d, struct error *e)
{
    unsigned slots = interfaces[d.interface].slots;

    if (d.index == UINT_MAX)
        for (d.index = 0; d.index < slots && drive_at(o, d.interface, d.index);)
            d.index++;
    if (d.index >= slots)
        return error_set(e, "-%s: the machine has room for %u %s drives, no more",
                         o->given, slots, interfaces[d.interface].name);
    if (drive_at(o, d.interface, d.index))
        return error_set(e, "-%s: %s drive %u is there already", o->given,
                         interfaces[d.interface].name, d.index);
    o->machine.drive[o->machine.drives++] = d;
    return true;
}

static struct drive_config plain(const char *file, enum drive_interface i, unsigned index)
{
    return (struct drive_config){.interface = i, .index = index, .file = file};
}

bool take_hda(struct options *o, enum option_id id, const char *value, struct error *e)
{
    return add(o, plain(value, DRIVE_IDE, (unsigned)(id - OPTION_hda)), e);
}

bool take_cdrom(struct options *o, enum option_id id, const char *value, struct error *e)
{
    struct drive_config d = plain(value, DRIVE_IDE, 2);
    (void)id;

    d.cdrom = true;
    return add(o, d, e);
}

bool take_fda(struct options *o, enum option_id id, const char *value, struct error *e)
{
    return add(o, plain(value, DRIVE_FLOPPY, (unsigned)(id - OPTION_fda)), e);
}

bool take_pflash(struct options *o, enum option_id id, const char *value, struct error *e)
{
    (void)id;
    return add(o, plain(value, DRIVE_PFLASH, UINT_MAX), e);
}

/* ---- -drive ---- */

static bool small_number(const struct options *o, const struct item *i, unsigned *to,
                         struct error *e)
{
    uint64_t v;

    if (!options_bounded(o, i->value, 0, 99, &v, e))
        return false;
    *to = (unsigned)v;
    return true;
}

static bool take_interface(const struct options *o, const struct item *i,
                           struct drive_config *d, struct error *e)
{
    for (unsigned n = 0; n < ARRAY_SIZE(interfaces); n++)
        if (!strcmp(i->value, interfaces[n].name)) {
            d->interface = (enum drive_interface)n;
            return true;
        }
    error_set(e, "-%s: there is no interface '%.100s'", o->given, i->value);
    return error_hint(e, "there are: ide, floppy, pflash");
}

/* The monitor's name for the drive. */
static bool take_id(struct options *o, const struct item *i, struct drive_config *d,
                    struct error *e)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
                      more[] = "0123456789-._"
                               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    if (!*i->value || !strchr(letters, *i->value) ||
        strspn(i->value, more) != strlen(i->value) || strlen(i->value) >= sizeof i->key)
        return error_set(e,
                         "-%s: an id is a letter, then letters, digits, '-', '.' and "
                         "'_', not '%.100s'",
                         o->given, i->value);
    for (unsigned n = 0; n < o->machine.drives; n++)
        if (o->machine.drive[n].id && !strcmp(o->machine.drive[n].id, i->value))
            return error_set(e, "-%s: there are two drives '%s'", o->given, i->value);
    d->id = options_keep(o, i->value, strlen(i->value));
    return d->id || error_set(e, "the host has no memory");
}

static bool take_cache(const struct options *o, const struct item *i,
                       struct drive_config *d, struct error *e)
{
    if (!strcmp(i->value, "writeback") || !strcmp(i->value, "none"))
        d->cache = IMAGE_WRITEBACK;
    else if (!strcmp(i->value, "writethrough") || !strcmp(i->value, "directsync"))
        d->cache = IMAGE_WRITETHROUGH;
    else if (!strcmp(i->value, "unsafe"))
        d->cache = IMAGE_UNSAFE;
    else {
        error_set(e, "-%s: there is no cache mode '%.100s'", o->given, i->value);
        return error_hint(e, "there are: writeback, writethrough, unsafe");
    }
    return true;
}

bool take_drive(struct options *o, enum option_id id, const char *value, struct error *e)
{
    struct drive_config d = {.interface = DRIVE_IDE, .index = UINT_MAX};
    unsigned bus = 0, unit = UINT_MAX;
    struct item i;
    (void)id;

    while (*value) {
        bool good = true;
        if (!item_next(o, &value, &i, e))
            return false;
        if (!strcmp(i.key, "file"))
            d.file = *i.value ? options_keep(o, i.value, strlen(i.value)) : NULL;
        else if (!strcmp(i.key, "format"))
            d.format = options_keep(o, i.value, strlen(i.value));
        else if (!strcmp(i.key, "id"))
            good = take_id(o, &i, &d, e);
        else if (!strcmp(i.key, "if"))
            good = take_interface(o, &i, &d, e);
        else if (!strcmp(i.key, "media"))
            d.cdrom = !strcmp(i.value, "cdrom");
        else if (!strcmp(i.key, "index"))
            good = small_number(o, &i, &d.index, e);
        else if (!strcmp(i.key, "bus"))
            good = small_number(o, &i, &bus, e);
        else if (!strcmp(i.key, "unit"))
            good = small_number(o, &i, &unit, e);
        else if (!strcmp(i.key, "snapshot"))
            good = item_switch(o, &i, &d.snapshot, e);
        else if (!strcmp(i.key, "readonly") || !strcmp(i.key, "read-only"))
            good = item_switch(o, &i, &d.read_only, e);
        else if (!strcmp(i.key, "cache"))
            good = take_cache(o, &i, &d, e);
        else if (strcmp(i.key, "aio") && strcmp(i.key, "discard") &&
                 strcmp(i.key, "detect-zeroes") && strcmp(i.key, "serial"))
            good = item_unknown(o, &i, "file, format, if, media, index, bus, unit, "
                                       "snapshot, readonly, cache, id", e);
        if (!good)
            return false;
    }
    if (unit != UINT_MAX)
        d.index = bus * (d.interface == DRIVE_IDE ? 2 : 1) + unit;
    if (d.cdrom && d.interface != DRIVE_IDE)
        return error_set(e, "-%s: a CD-ROM drive is an IDE drive", o->given);
    if (!d.file && !d.cdrom && d.interface != DRIVE_FLOPPY) {
        error_set(e, "-%s: a disk needs its image", o->given);
        return error_hint(e, "for example: -drive file=disk.img,format=raw");
    }
    return add(o, d, e);
}

bool take_snapshot(struct options *o, enum option_id id, const char *value,
                   struct error *e)
{
    (void)id;
    (void)value;
    (void)e;
    o->machine.snapshot = true;
    return true;
}

/* ---- -boot ---- */

static bool boot_order(struct options *o, const char *value, struct error *e)
{
    if (!*value || strspn(value, "acdn") != strlen(value) ||
        strlen(value) >= sizeof o->machine.boot_order) {
        error_set(e, "-%s %.100s: that is no boot order", o->given, value);
        return error_hint(e, "letters in the order of trying: a floppy, c hard disk, d "
                             "CD-ROM, n network; for example -boot dc");
    }
    strcpy(o->machine.boot_order, value);
    return true;
}

bool take_boot(struct options *o, enum option_id id, const char *value, struct error *e)
{
    struct item i;
    (void)id;

    if (!strchr(value, '='))
        return boot_order(o, value, e);
    while (*value) {
        bool good = true;
        if (!item_next(o, &value, &i, e))
            return false;
        if (!strcmp(i.key, "order") || !strcmp(i.key, "once"))
            good = boot_order(o, i.value, e);
        else if (!strcmp(i.key, "menu"))
            good = item_switch(o, &i, &o->machine.boot_menu, e);
        else if (strcmp(i.key, "strict") && strcmp(i.key, "splash") &&
                 strcmp(i.key, "splash-time") && strcmp(i.key, "reboot-timeout"))
            good = item_unknown(o, &i, "order, once, menu", e);
        if (!good)
            return false;
    }
    return true;
}

/* ---- a file named alone ---- */

enum { HEAD = 0x9000 };

static bool has(const uint8_t *head, size_t size, size_t at, const char *text)
{
    return at + strlen(text) <= size && !memcmp(head + at, text, strlen(text));
}

/* ELF, Linux's bzImage, Multiboot 1 and 2 headers with their checksum. */
static bool looks_like_kernel(const uint8_t *head, size_t size)
{
    enum { MULTIBOOT = 0x1badb002 };
    const uint32_t multiboot2 = 0xe85250d6;

    if (has(head, size, 0, "\x7f" "ELF") || has(head, size, 0x202, "HdrS"))
        return true;
    for (size_t at = 0; at + 16 <= size && at < 32768; at += 4) {
        uint32_t magic = load32(head + at);
        if (magic == MULTIBOOT && at < 8192 &&
            magic + load32(head + at + 4) + load32(head + at + 8) == 0)
            return true;
        if (magic == multiboot2 && magic + load32(head + at + 4) + load32(head + at + 8) +
                                           load32(head + at + 12) == 0)
            return true;
    }
    return false;
}

static bool floppy_size(uint64_t size)
{
    static const uint16_t kib[] = {160, 180, 320, 360, 640, 720, 1200, 1440, 1680, 1722,
                                   2880};
    for (unsigned n = 0; n < ARRAY_SIZE(kib); n++)
        if (size == (uint64_t)kib[n] << 10)
            return true;
    return false;
}

bool options_file(struct options *o, const char *file, struct error *e)
{
    uint8_t *head = malloc(HEAD);
    size_t n;
    uint64_t size;
    struct drive_config d = plain(file, DRIVE_IDE, UINT_MAX);
    bool disk;

    if (!head)
        return error_set(e, "cannot look at '%s': the host has no memory", file);
    n = host_read_head(file, head, HEAD, &size);
    disk = n && !looks_like_kernel(head, n) &&
           (size % 512 == 0 || has(head, n, 0, "QFI\xfb") || has(head, n, 0, "KDMV") ||
            has(head, n, 0x40, "\x7f\x10\xda\xbe"));
    if (disk && has(head, n, 0x8001, "CD001")) {
        d.cdrom = true;
        d.index = 2;
    } else if (disk && floppy_size(size)) {
        d.interface = DRIVE_FLOPPY;
    }
    free(head);
    if (disk) {
        file = options_keep(o, file, strlen(file));
        d.file = file;
        return file ? add(o, d, e) : error_set(e, "the host has no memory");
    }
    if (o->machine.kernel) {
        error_set(e, "'%.200s': there is a kernel already: '%.200s'", file,
                  o->machine.kernel);
        return error_hint(e, "an initial RAM disk is named by -initrd FILE");
    }
    return options_set(o, "kernel", file, e);
}
