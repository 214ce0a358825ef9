/* image_vhd.c - Virtual PC's format: fixed or dynamic, with a footer at the end.
 *
 * Numbers are big-endian. Source: Microsoft, Virtual Hard Disk Image Format
 * Specification, version 1.0 (2006).
 */
#include "host/image_tables.h"

#include <stdlib.h>
#include <string.h>

enum {
    FOOTER = 512,
    /* in the footer */
    DATA_OFFSET = 16,
    CREATOR = 28,
    CURRENT_SIZE = 48,
    CYLINDERS = 56,
    HEADS = 58,
    SECTORS = 59,
    TYPE = 60,
    CHECKSUM = 64,
    /* in the dynamic disk header */
    TABLE_OFFSET = 16,
    ENTRIES = 28,
    BLOCK = 32,
    HEADER_CHECKSUM = 36,
    HEADER = 1024,

    FIXED = 2,
    DYNAMIC = 3,
    MOST = 1 << 24, /* blocks; 2 TiB have 2^20 of the usual ones */
    UNIT = 512,
};

#define ABSENT UINT32_MAX

struct vhd {
    uint32_t type;
    uint8_t footer[FOOTER];
    uint64_t bat, block, bitmap; /* bitmap: bytes before each block */
    uint32_t entries;
    uint64_t next; /* where the next block goes: where the footer is */
    struct tables bats, bitmaps;
};

static bool settle(struct image *im)
{
    struct vhd *v = im->own;

    if (v->type == FIXED || (!tables_dirty(&v->bats) && !tables_dirty(&v->bitmaps)))
        return true;
    return image_sync(im) && tables_write(&v->bitmaps) &&
           (!tables_dirty(&v->bats) || (image_sync(im) && tables_write(&v->bats)));
}

/* Where block n begins, with its bitmap; 0: nowhere. */
static bool locate(struct image *im, uint32_t n, uint64_t *at)
{
    struct vhd *v = im->own;
    uint8_t *entry = tables_entry(&v->bats, v->bat, n, false);

    if (!entry)
        return false;
    *at = be32(entry) == ABSENT ? 0 : (uint64_t)be32(entry) * IMAGE_SECTOR;
    if (be32(entry) != ABSENT &&
        (*at < FOOTER + HEADER || !image_holds(im, *at, v->bitmap, 1)))
        return image_damage(im, "block %u is said to be at %llu", n,
                            (unsigned long long)*at);
    return true;
}

/* The footer goes first to where it will be, so that there always is one; its copy at
 * the file's beginning stands in when the old place was overwritten and the new one is
 * lost. */
static bool allocate(struct image *im, uint32_t n, uint64_t *at)
{
    struct vhd *v = im->own;
    uint64_t end = v->next + v->bitmap + v->block, old = hostfile_size(im->file);
    struct table *bits;
    uint8_t *entry;

    if (v->next / IMAGE_SECTOR >= ABSENT)
        return image_damage(im, "it is as large as a VHD file can be");
    if (!image_put(im, end, v->footer, FOOTER) ||
        !image_fresh(im, v->next, (old < end ? old : end) - v->next) ||
        !(bits = tables_new(&v->bitmaps, v->next)))
        return false;
    memset(bits->bytes, 0xff, (size_t)v->bitmap);
    if (!(entry = tables_entry(&v->bats, v->bat, n, true)))
        return false;
    put_be32(entry, (uint32_t)(v->next / IMAGE_SECTOR));
    *at = v->next;
    v->next = end;
    return true;
}

/* A sector whose bit is clear reads as zeroes; writing it sets the bit. */
static bool move_sectors(struct image *im, uint64_t at, uint64_t in,
                         const uint8_t *from, uint8_t *to, size_t n)
{
    struct vhd *v = im->own;
    struct table *bits = tables_get(&v->bitmaps, at);
    uint64_t data = at + v->bitmap;

    if (!bits)
        return false;
    while (n) {
        uint64_t sector = in / IMAGE_SECTOR;
        uint8_t *bit = bits->bytes + sector / 8, mask = (uint8_t)(0x80 >> sector % 8);
        bool there = *bit & mask;
        size_t part = IMAGE_SECTOR - (size_t)(in % IMAGE_SECTOR);

        /* All that are alike at once. */
        while (part < n && (in + part) / IMAGE_SECTOR < v->bitmap * 8 &&
               !!(bits->bytes[(in + part) / IMAGE_SECTOR / 8] &
                  0x80 >> (in + part) / IMAGE_SECTOR % 8) == there)
            part += IMAGE_SECTOR;
        part = part < n ? part : n;
        if (from && !there) {
            uint8_t zeroes[IMAGE_SECTOR] = {0};
            part = part < IMAGE_SECTOR - in % IMAGE_SECTOR
                       ? part
                       : (size_t)(IMAGE_SECTOR - in % IMAGE_SECTOR);
            if (part < IMAGE_SECTOR &&
                !image_put(im, data + sector * IMAGE_SECTOR, zeroes, sizeof zeroes))
                return false;
            *bit |= mask;
            bits->dirty = true;
        }
        if (from ? !image_put(im, data + in, from, part)
                 : there && !image_get(im, data + in, to, part))
            return false;
        if (!from && !there)
            memset(to, 0, part);
        if (from)
            from += part;
        else
            to += part;
        in += part;
        n -= part;
    }
    return true;
}

static bool each_part(struct image *im, uint64_t offset, const uint8_t *from,
                      uint8_t *to, size_t n)
{
    struct vhd *v = im->own;
    struct block_map map = {v->block, locate, allocate, move_sectors};

    return blocks_move(im, &map, offset, from, to, n);
}

static bool read_vhd(struct image *im, uint64_t offset, uint8_t *to, size_t n)
{
    struct vhd *v = im->own;

    return v->type == FIXED ? image_get(im, offset, to, n)
                            : each_part(im, offset, NULL, to, n);
}

static bool write_vhd(struct image *im, uint64_t offset, const uint8_t *from, size_t n)
{
    struct vhd *v = im->own;

    return v->type == FIXED ? image_put(im, offset, from, n)
                            : each_part(im, offset, from, NULL, n);
}

static bool flush_vhd(struct image *im)
{
    return settle(im) && image_sync(im);
}

static enum image_run map_vhd(struct image *im, uint64_t offset, uint64_t *run)
{
    struct vhd *v = im->own;
    uint64_t at;

    if (v->type == FIXED) {
        bool hole = hostfile_hole(im->file, offset, run);
        return hole && *run ? RUN_ZERO : RUN_DATA;
    }
    *run = v->block - offset % v->block;
    return locate(im, (uint32_t)(offset / v->block), &at) && !at ? RUN_ZERO : RUN_DATA;
}

/* ---- opening ---- */

/* One's complement of the sum of all bytes but its own. */
static uint32_t checksum(const uint8_t *p, size_t n, size_t own)
{
    uint32_t sum = 0;

    for (size_t k = 0; k < n; k++)
        if (k < own || k >= own + 4)
            sum += p[k];
    return ~sum;
}

static bool is_footer(const uint8_t *p)
{
    return !memcmp(p, "conectix", 8) &&
           be32(p + CHECKSUM) == checksum(p, FOOTER, CHECKSUM);
}

/* Virtual PC itself and old QEMU go by the geometry; others by the size. The geometry
 * cannot say more than 65535 * 16 * 255 sectors. */
static uint64_t size_of(const uint8_t *f)
{
    uint64_t chs = (uint64_t)be16(f + CYLINDERS) * f[HEADS] * f[SECTORS];
    bool old = !memcmp(f + CREATOR, "vpc ", 4) || !memcmp(f + CREATOR, "vs  ", 4) ||
               !memcmp(f + CREATOR, "qemu", 4);

    if (old && chs && chs < UINT64_C(65535) * 16 * 255)
        return chs * IMAGE_SECTOR;
    return be64(f + CURRENT_SIZE);
}

static bool damaged(struct image *im, struct error *e, const char *what)
{
    return error_set(e, "VHD disk '%.300s' is damaged: %s", im->path, what);
}

static bool open_dynamic(struct image *im, struct error *e)
{
    struct vhd *v = im->own;
    uint8_t h[HEADER];
    uint64_t at = be64(v->footer + DATA_OFFSET), size = hostfile_size(im->file);

    if (!image_holds(im, at, HEADER, 1) || !hostfile_read(im->file, at, h, sizeof h) ||
        memcmp(h, "cxsparse", 8) ||
        be32(h + HEADER_CHECKSUM) != checksum(h, HEADER, HEADER_CHECKSUM))
        return damaged(im, e, "its dynamic header is missing or has a wrong checksum");
    v->bat = be64(h + TABLE_OFFSET);
    v->entries = be32(h + ENTRIES);
    v->block = be32(h + BLOCK);
    if (v->block < IMAGE_SECTOR * 8 || v->block > 1 << 28 || v->block & (v->block - 1))
        return damaged(im, e, "its block size is none");
    v->bitmap =
        (v->block / IMAGE_SECTOR / 8 + IMAGE_SECTOR - 1) / IMAGE_SECTOR * IMAGE_SECTOR;
    if (v->bat % UNIT || v->entries > MOST || !image_holds(im, v->bat, v->entries, 4) ||
        im->disk.size > v->entries * v->block)
        return damaged(im, e, "its table of blocks does not fit its size or the file");
    /* Blocks end where the footer begins. A torn last block leaves no footer there. */
    v->next = size / IMAGE_SECTOR * IMAGE_SECTOR;
    if (v->next >= FOOTER) {
        uint8_t last[FOOTER];
        if (!hostfile_read(im->file, v->next - FOOTER, last, sizeof last))
            return damaged(im, e, hostfile_why(im->file));
        if (is_footer(last))
            v->next -= FOOTER;
    }
    if (!tables_init(&v->bats, im, UNIT, 64, settle) ||
        !tables_init(&v->bitmaps, im, (size_t)v->bitmap, 16, settle))
        return error_set(e, "cannot open '%.300s': the host has no memory", im->path);
    return true;
}

static bool open_vhd(struct image *im, struct error *e)
{
    struct vhd *v = im->own = calloc(1, sizeof *v);
    uint64_t size = hostfile_size(im->file);

    if (!v ||
        !hostfile_read(im->file, size < FOOTER ? 0 : size - FOOTER, v->footer, FOOTER))
        return error_set(e, "cannot read disk '%.300s'", im->path);
    if (!is_footer(v->footer) &&
        (!hostfile_read(im->file, 0, v->footer, FOOTER) || !is_footer(v->footer)))
        return damaged(im, e, "it has no footer with a right checksum");
    v->type = be32(v->footer + TYPE);
    im->disk.size = size_of(v->footer) / IMAGE_SECTOR * IMAGE_SECTOR;
    if (!im->disk.size || im->disk.size > INT64_MAX)
        return damaged(im, e, "it says to have no size that a disk can have");
    switch (v->type) {
    case FIXED:
        return image_holds(im, FOOTER, im->disk.size, 1) ||
               damaged(im, e, "the file is shorter than the disk");
    case DYNAMIC: return open_dynamic(im, e);
    case 4:
        error_set(e, "VHD disk '%.300s' builds on another (differencing image)",
                  im->path);
        return error_hint(e, "merge it with that one first");
    default: return damaged(im, e, "its type is unknown");
    }
}

static void close_vhd(struct image *im)
{
    struct vhd *v = im->own;

    if (v) {
        tables_free(&v->bats);
        tables_free(&v->bitmaps);
    }
    free(v);
    im->own = NULL;
}

static void info_vhd(struct image *im, const struct image_lines *lines)
{
    struct vhd *v = im->own;

    if (v->type == FIXED)
        image_line(lines, "fixed");
    else
        image_line(lines, "dynamic, blocks of %llu bytes",
                   (unsigned long long)v->block);
}

static int by_place(const void *a, const void *b)
{
    uint32_t x, y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

/* Blocks lie in the file and overlap neither one another nor the table. */
static bool check_vhd(struct image *im, bool repair, struct image_check *found,
                      const struct image_lines *lines, struct error *e)
{
    struct vhd *v = im->own;
    uint32_t *place =
        v->type == FIXED ? NULL : calloc(v->entries + (size_t)1, sizeof *place);
    uint64_t sectors = (v->bitmap + v->block) / IMAGE_SECTOR, free_from;
    uint32_t n = 0;
    (void)repair;

    if (v->type == FIXED)
        return true;
    for (uint32_t k = 0; place && k < v->entries; k++) {
        uint8_t *entry = tables_entry(&v->bats, v->bat, k, false);
        if (!entry) {
            free(place);
            place = NULL;
        } else if (be32(entry) != ABSENT) {
            place[n++] = be32(entry);
        }
    }
    if (!place)
        return error_set(e, "cannot read the table of disk '%.300s'", im->path);
    qsort(place, n, sizeof *place, by_place);
    free_from = (v->bat + (uint64_t)v->entries * 4 + IMAGE_SECTOR - 1) / IMAGE_SECTOR;
    for (uint32_t k = 0; k < n; k++) {
        if (place[k] < free_from ||
            place[k] + sectors > hostfile_size(im->file) / IMAGE_SECTOR) {
            found->errors++;
            image_line(lines, "a block at sector %u overlaps another or the file's end",
                       place[k]);
        }
        free_from = place[k] + sectors;
    }
    free(place);
    return true;
}

const struct image_driver image_vhd = {
    .name = "vpc",
    .also = "vhd",
    .open = open_vhd,
    .close = close_vhd,
    .read = read_vhd,
    .write = write_vhd,
    .flush = flush_vhd,
    .map = map_vhd,
    .info = info_vhd,
    .check = check_vhd,
};
