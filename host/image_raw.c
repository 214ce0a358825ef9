/* image_raw.c - the disk's bytes as they are; holes of the host's file are zeroes. */
#include "host/image_internal.h"

#include <stdlib.h>
#include <string.h>

/* A file that ends inside a sector is a disk that ends after it: the rest is zeroes,
 * and appears in the file when it is written. */
static bool open_raw(struct image *im, struct error *e)
{
    uint64_t size = hostfile_size(im->file);

    if (size == 0) {
        error_set(e, "disk '%.300s' is empty", im->path);
        return error_hint(e, "create one with: menura disk create NAME 2G");
    }
    if (size > (uint64_t)INT64_MAX - IMAGE_SECTOR)
        return error_set(e, "disk '%.300s' is too large", im->path);
    im->disk.size = (size + IMAGE_SECTOR - 1) / IMAGE_SECTOR * IMAGE_SECTOR;
    return true;
}

static void close_raw(struct image *im)
{
    (void)im;
}

static bool read_raw(struct image *im, uint64_t offset, uint8_t *to, size_t n)
{
    return image_get(im, offset, to, n);
}

/* What is at `sector` after the write. */
static bool merge(struct image *im, uint64_t sector, uint64_t offset,
                  const uint8_t *from, size_t n, uint8_t *bytes)
{
    uint64_t a = offset > sector ? offset : sector;
    uint64_t b =
        offset + n < sector + IMAGE_SECTOR ? offset + n : sector + IMAGE_SECTOR;

    if (!image_get(im, sector, bytes, IMAGE_SECTOR))
        return false;
    memcpy(bytes + (a - sector), from + (a - offset), (size_t)(b - a));
    return true;
}

static bool touches(uint64_t sector, uint64_t offset, size_t n)
{
    return offset < sector + IMAGE_SECTOR && offset + n > sector;
}

/* An image that was found to be raw by its content must stay so: a guest that writes,
 * say, a qcow2 header with a backing file would be shown that file when the image is
 * opened next (QEMU's CVE-2008-2004). */
static bool stays_raw(struct image *im, uint64_t offset, const uint8_t *from, size_t n)
{
    uint8_t first[IMAGE_SECTOR] = {0}, last[IMAGE_SECTOR] = {0};
    uint64_t end = im->disk.size - IMAGE_SECTOR;
    bool head = touches(0, offset, n), tail = touches(end, offset, n);

    if (!head && !tail)
        return true;
    if (head && !merge(im, 0, offset, from, n, first))
        return false;
    if (tail && !merge(im, end, offset, from, n, last))
        return false;
    if (image_detect(first, sizeof first, last, im->disk.size) == &image_raw)
        return true;
    if (!im->told_write)
        log_say(im->log, "disk", LOG_ERROR,
                "the guest wants to make '%s' look like an image of another format, "
                "which is refused: it would be taken for one when it is opened next; "
                "format=raw allows it",
                im->path);
    im->told_write = true;
    return false;
}

static bool write_raw(struct image *im, uint64_t offset, const uint8_t *from, size_t n)
{
    if (im->probed && !stays_raw(im, offset, from, n))
        return false;
    return image_put(im, offset, from, n);
}

static bool flush_raw(struct image *im)
{
    return image_sync(im);
}

static void discard_raw(struct image *im, uint64_t offset, uint64_t n)
{
    hostfile_punch(im->file, offset, n);
}

static enum image_run map_raw(struct image *im, uint64_t offset, uint64_t *run)
{
    bool hole = hostfile_hole(im->file, offset, run);

    if (*run)
        return hole ? RUN_ZERO : RUN_DATA;
    *run = im->disk.size - offset; /* behind the end of an odd file */
    return RUN_ZERO;
}

const struct image_driver image_raw = {
    .name = "raw",
    .open = open_raw,
    .close = close_raw,
    .read = read_raw,
    .write = write_raw,
    .flush = flush_raw,
    .discard = discard_raw,
    .map = map_raw,
};
