/* image.c - disk images: opening, the layers below, and what all formats share. */
#include "host/image_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct image_driver *const drivers[] = {
    &image_raw, &image_qcow2, &image_vmdk, &image_vdi, &image_vhd,
};

/* ---- telling ---- */

void image_line(const struct image_lines *l, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    if (!l || !l->line)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    for (char *p = text; *p; p++) /* names in images are anybody's */
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?';
    l->line(l->to, text);
}

bool image_damage(struct image *im, const char *fmt, ...)
{
    char text[512];
    va_list args;

    if (!im->told_damage) {
        va_start(args, fmt);
        vsnprintf(text, sizeof text, fmt, args);
        va_end(args);
        log_say(im->log, "disk", LOG_ERROR, "'%s' is damaged: %s", im->path, text);
        log_say(im->log, "disk", LOG_ERROR,
                "nothing more is written to it; look at it with: menura disk check %s",
                im->path);
    }
    im->told_damage = im->damaged = true;
    return false;
}

/* ---- bytes of the file ---- */

bool image_get(struct image *im, uint64_t offset, void *to, size_t n)
{
    if (hostfile_read(im->file, offset, to, n))
        return true;
    if (!im->told_read)
        log_say(im->log, "disk", LOG_ERROR,
                "'%s' cannot be read at %llu: %s; the guest gets an error", im->path,
                (unsigned long long)offset, hostfile_why(im->file));
    im->told_read = true;
    return false;
}

bool image_put(struct image *im, uint64_t offset, const void *from, size_t n)
{
    if (hostfile_write(im->file, offset, from, n))
        return true;
    if (!im->told_write && hostfile_full(im->file))
        log_say(im->log, "disk", LOG_ERROR,
                "'%s' cannot grow: %s; the guest's writes fail until there is room",
                im->path, hostfile_why(im->file));
    else if (!im->told_write)
        log_say(im->log, "disk", LOG_ERROR,
                "'%s' cannot be written at %llu: %s; the guest gets an error", im->path,
                (unsigned long long)offset, hostfile_why(im->file));
    im->told_write = true;
    return false;
}

bool image_fresh(struct image *im, uint64_t offset, uint64_t n)
{
    static const uint8_t zeroes[65536];
    uint64_t end = offset + n, size = hostfile_size(im->file);

    while (offset < end && offset < size) {
        uint64_t part = end - offset < size - offset ? end - offset : size - offset;
        if (part > sizeof zeroes)
            part = sizeof zeroes;
        if (!image_put(im, offset, zeroes, (size_t)part))
            return false;
        offset += part;
    }
    /* The last byte, by a write: a full disk or a limit is told as for any other. */
    return end <= size || image_put(im, end - 1, zeroes, 1);
}

/* Linux drops what it could not write and says so once: a later success means nothing.
 */
bool image_sync(struct image *im)
{
    if (im->cache == IMAGE_UNSAFE)
        return true;
    if (im->failed)
        return false;
    if (hostfile_sync(im->file))
        return true;
    log_say(
        im->log, "disk", LOG_ERROR,
        "'%s' could not be brought to the host's disk: %s; from now on all its writes "
        "fail, since earlier ones may be lost",
        im->path, hostfile_why(im->file));
    im->failed = true;
    return false;
}

bool image_holds(const struct image *im, uint64_t offset, uint64_t n, uint64_t each)
{
    uint64_t size = hostfile_size(im->file);

    return offset <= size && (!each || n <= (size - offset) / each);
}

/* ---- ranges of the disk ---- */

bool image_read(struct image *im, uint64_t offset, void *to, size_t n)
{
    if (!disk_holds(&im->disk, offset, n))
        return false;
    return n == 0 || im->driver->read(im, offset, to, n);
}

bool image_write(struct image *im, uint64_t offset, const void *from, size_t n)
{
    if (!disk_holds(&im->disk, offset, n) || im->disk.read_only || im->failed ||
        im->damaged)
        return false;
    if (n && !im->driver->write(im, offset, from, n))
        return false;
    return im->cache != IMAGE_WRITETHROUGH || image_flush(im);
}

bool image_flush(struct image *im)
{
    if (!im->writable)
        return true;
    if (im->failed || im->damaged)
        return false;
    if (im->driver->flush(im))
        return true;
    im->failed = true;
    return false;
}

bool image_read_below(struct image *im, uint64_t offset, void *to, size_t n)
{
    uint64_t there = im->backing && offset < im->backing->disk.size
                         ? im->backing->disk.size - offset
                         : 0;
    size_t below = n < there ? n : (size_t)there;

    memset((uint8_t *)to + below, 0, n - below);
    return below == 0 || image_read(im->backing, offset, to, below);
}

bool image_shows_zeroes(struct image *im, uint64_t offset, uint64_t *run)
{
    uint64_t left = im->disk.size - offset;
    enum image_run kind =
        im->driver->map ? im->driver->map(im, offset, run) : (*run = left, RUN_DATA);
    bool zero = kind == RUN_ZERO;

    if (*run > left)
        *run = left;
    if (*run == 0) { /* the file became shorter: reading will tell */
        *run = left < IMAGE_SECTOR ? left : IMAGE_SECTOR;
        return false;
    }
    if (kind == RUN_BELOW && im->backing && offset < im->backing->disk.size) {
        uint64_t below;
        zero = image_shows_zeroes(im->backing, offset, &below);
        if (below < *run)
            *run = below;
    } else if (kind == RUN_BELOW) {
        zero = true;
    }
    return zero;
}

/* ---- struct disk ---- */

static bool disk_read(void *owner, uint64_t offset, void *to, size_t n)
{
    return image_read(owner, offset, to, n);
}

static bool disk_write(void *owner, uint64_t offset, const void *from, size_t n)
{
    return image_write(owner, offset, from, n);
}

static bool disk_flush(void *owner)
{
    return image_flush(owner);
}

static void disk_discard(void *owner, uint64_t offset, uint64_t n)
{
    struct image *im = owner;

    if (disk_holds(&im->disk, offset, n) && n && !im->disk.read_only && !im->failed &&
        !im->damaged)
        im->driver->discard(im, offset, n);
}

/* ---- opening ---- */

static const struct image_driver *driver_named(const char *name)
{
    for (unsigned n = 0; n < ARRAY_SIZE(drivers); n++)
        if (!strcmp(drivers[n]->name, name) ||
            (drivers[n]->also && !strcmp(drivers[n]->also, name)))
            return drivers[n];
    return NULL;
}

const struct image_driver *image_detect(const uint8_t *head, size_t head_size,
                                        const uint8_t *last, uint64_t size)
{
    static const char text[] = "# Disk DescriptorFile";

    if (head_size >= 4 && !memcmp(head, "QFI\xfb", 4))
        return &image_qcow2;
    if (head_size >= 4 && !memcmp(head, "KDMV", 4))
        return &image_vmdk;
    if (head_size >= sizeof text && !memcmp(head, text, sizeof text - 1))
        return &image_vmdk;
    if (head_size >= 0x44 && !memcmp(head + 0x40, "\x7f\x10\xda\xbe", 4))
        return &image_vdi;
    if (head_size >= 8 && !memcmp(head, "conectix", 8))
        return &image_vhd;
    if (size >= IMAGE_SECTOR && !memcmp(last, "conectix", 8))
        return &image_vhd;
    return &image_raw;
}

/* Formats of others that would be no use as raw sectors. */
static bool refuse_foreign(const uint8_t *head, const char *path, struct error *e)
{
    static const struct {
        const char magic[9];
        const char *name;
    } foreign[] = {
        {"vhdxfile", "VHDX"},          {"QED", "QED"},
        {"COWD", "VMware ESX sparse"}, {"WithoutF", "Parallels"},
        {"WithouFr", "Parallels"},
    };

    for (unsigned n = 0; n < ARRAY_SIZE(foreign); n++) {
        size_t length = strlen(foreign[n].magic) + !strcmp(foreign[n].magic, "QED");
        if (memcmp(head, foreign[n].magic, length))
            continue;
        error_set(e, "'%.300s' is a %s image, which Menura cannot use", path,
                  foreign[n].name);
        error_hint(e, "qemu-img convert -O qcow2 makes one that it can; "
                      "format=raw takes the bytes as they are");
        return true;
    }
    return false;
}

static bool choose_driver(struct image *im, const char *format, struct error *e)
{
    uint8_t head[4096], last[IMAGE_SECTOR];
    uint64_t size = hostfile_size(im->file);

    if (format) {
        im->driver = driver_named(format);
        if (im->driver)
            return true;
        error_set(e, "no image format is called '%.100s'", format);
        return error_hint(e, "there are: raw, qcow2, vmdk, vdi, vpc");
    }
    im->probed = true;
    if (!hostfile_read(im->file, 0, head, sizeof head) ||
        !hostfile_read(im->file, size < sizeof last ? 0 : size - sizeof last, last,
                       sizeof last))
        return error_set(e, "cannot read disk '%.300s': %s", im->path,
                         hostfile_why(im->file));
    im->driver =
        image_detect(head, size < sizeof head ? (size_t)size : sizeof head, last, size);
    return im->driver != &image_raw || !refuse_foreign(head, im->path, e);
}

static bool check_loop(const struct image *im, struct error *e)
{
    for (const struct image *up = im->above; up; up = up->above)
        if (hostfile_same(up->file, im->file))
            return error_set(e,
                             "'%.300s' lies below itself: its backing files run in a "
                             "circle",
                             im->path);
    if (im->depth >= IMAGE_DEPTH)
        return error_set(e, "more than %d backing files below one another, at '%.300s'",
                         IMAGE_DEPTH, im->path);
    return true;
}

static struct image *image_new(struct hostfile *f, const char *path, struct error *e)
{
    struct image *im = calloc(1, sizeof *im);

    if (im)
        im->path = malloc(strlen(path) + 1);
    if (!im || !im->path) {
        free(im);
        hostfile_close(f);
        error_set(e, "cannot open '%.300s': the host has no memory", path);
        return NULL;
    }
    strcpy(im->path, path);
    im->file = f;
    im->disk.owner = im;
    im->disk.name = im->path;
    im->disk.read = disk_read;
    im->disk.write = disk_write;
    im->disk.flush = disk_flush;
    return im;
}

void image_free(struct image *im)
{
    while (im) {
        struct image *below = im->backing;

        if (im->driver)
            im->driver->close(im);
        hostfile_close(im->file);
        free(im->path);
        free(im);
        im = below;
    }
}

static void finish_disk(struct image *im)
{
    im->disk.read_only = !im->writable;
    if (im->driver->discard && im->writable)
        im->disk.discard = disk_discard;
}

struct image *image_open_layer(const struct image_layer *l, struct error *e)
{
    struct hostfile *f = hostfile_open(l->path, "disk", l->write, e);
    struct image *im = f ? image_new(f, l->path, e) : NULL;

    if (!im)
        return NULL;
    im->log = l->log;
    im->cache = l->cache;
    im->writable = l->write;
    im->anywhere = l->anywhere;
    im->checking = l->checking;
    im->above = l->above;
    im->depth = l->above ? l->above->depth + 1 : 0;
    if (!check_loop(im, e) ||
        (!l->unlocked && !hostfile_lock(f, l->path, l->write, e)) ||
        !choose_driver(im, l->format, e) || !im->driver->open(im, e)) {
        image_free(im);
        return NULL;
    }
    im->above = NULL;
    finish_disk(im);
    return im;
}

bool image_open_backing(struct image *im, const char *name, const char *format,
                        struct error *e)
{
    char path[IMAGE_PATH];
    size_t scheme = strcspn(name, ":/");
    struct image_layer l = {.path = path,
                            .format = format,
                            .anywhere = im->anywhere,
                            .log = im->log,
                            .above = im};

    if (im->checking)
        return true;
    if (name[scheme] == ':') {
        error_set(e, "'%.300s' needs '%.300s', which is no file name", im->path, name);
        return error_hint(e, "Menura opens backing files by plain names, no protocols");
    }
    if (!hostfile_related(im->path, name, im->anywhere, path, sizeof path, e))
        return false;
    im->backing = image_open_layer(&l, e);
    return im->backing != NULL;
}

/* What the guest writes goes to a file without a name; the image stays as it is. */
static struct image *add_overlay(struct image *base, struct error *e)
{
    struct hostfile *f = hostfile_temporary(e);
    struct image *im = NULL;
    char name[IMAGE_PATH];

    if (f && !qcow2_format(f, base->disk.size, 0, NULL, NULL, e)) {
        hostfile_close(f);
        f = NULL;
    }
    snprintf(name, sizeof name, "the snapshot of %.4000s", base->path);
    if (f)
        im = image_new(f, name, e);
    if (!im) {
        image_free(base);
        return NULL;
    }
    im->disk.name = base->path;
    im->log = base->log;
    im->cache = IMAGE_UNSAFE; /* gone with the process: nothing to keep */
    im->writable = im->overlay = true;
    im->driver = &image_qcow2;
    im->backing = base;
    if (!im->driver->open(im, e)) {
        image_free(im);
        return NULL;
    }
    finish_disk(im);
    return im;
}

struct disk *image_open(const struct image_options *o, struct log *log, struct error *e)
{
    struct image_layer l = {.path = o->file,
                            .format = o->format,
                            .write = !o->read_only && !o->snapshot,
                            .anywhere = o->backing_anywhere,
                            .cache = o->cache,
                            .log = log};
    struct image *im = image_open_layer(&l, e);

    if (im && o->cap && im->disk.size > o->cap) {
        error_set(e, "disk '%.300s' is too large: %llu bytes, at most %llu fit",
                  o->file, (unsigned long long)im->disk.size,
                  (unsigned long long)o->cap);
        image_free(im);
        return NULL;
    }
    if (im && o->snapshot && !o->read_only)
        im = add_overlay(im, e);
    return im ? &im->disk : NULL;
}

bool image_close(struct disk *d, struct error *e)
{
    struct image *im = d ? d->owner : NULL;
    bool good = true;

    if (!im)
        return true;
    if (im->writable && !im->overlay) {
        good = image_flush(im);
        /* A full disk may have got room since: better the guest's last writes than
         * none. It stays a failure. */
        if (!good && !im->damaged)
            im->driver->flush(im);
        if (!good)
            error_set(e, "not all of the guest's writes to '%.300s' could be kept",
                      im->path);
    }
    image_free(im);
    return good;
}

const char *image_format(const struct disk *d)
{
    const struct image *im = d->owner;

    return im->overlay ? im->backing->driver->name : im->driver->name;
}
