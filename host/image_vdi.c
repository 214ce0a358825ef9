/* image_vdi.c - VirtualBox's format: one map of blocks, dynamic or static.
 *
 * Numbers are little-endian. Source: VirtualBox, src/VBox/Storage/VDICore.h (layout of
 * the header, versions 1.1 and later); QEMU, block/vdi.c, says the same.
 */
#include "host/image_tables.h"

#include "base/byteorder.h"

#include <stdlib.h>

enum {
    SIGNATURE = 0x40,
    VERSION = 0x44,
    TYPE = 0x4c,
    MAP = 0x154,  /* offset of the map */
    DATA = 0x158, /* offset of block 0 */
    SECTOR = 0x168,
    SIZE = 0x170,
    BLOCK = 0x178,
    EXTRA = 0x17c, /* bytes before each block */
    BLOCKS = 0x180,
    ALLOCATED = 0x184,
    PARENT = 0x1a8, /* two UUIDs: of the image below */
    HEADER = 0x200,

    DYNAMIC = 1,
    STATIC = 2,
    MOST = 1 << 24, /* blocks: 16 TiB of the usual ones */
    UNIT = 512,     /* of the map that is read and written at once */
};

#define ABSENT UINT32_MAX
#define ZEROES (UINT32_MAX - 1)

struct vdi {
    uint64_t map, data, block, extra;
    uint32_t blocks, next; /* next: the first place behind all blocks in use */
    bool grown;
    struct tables tables;
};

static bool settle(struct image *im)
{
    struct vdi *v = im->own;
    uint8_t count[4];

    store32(count, v->next);
    if (!tables_dirty(&v->tables) && !v->grown)
        return true;
    if (!image_sync(im) || (v->grown && !image_put(im, ALLOCATED, count, sizeof count)))
        return false;
    v->grown = false;
    return tables_write(&v->tables);
}

/* Where block n is in the file, 0: nowhere. */
static bool locate(struct image *im, uint32_t n, uint64_t *at)
{
    struct vdi *v = im->own;
    uint8_t *entry = tables_entry(&v->tables, v->map, n, false);
    uint32_t place;

    if (!entry)
        return false;
    place = load32(entry);
    *at = 0;
    if (place >= ZEROES)
        return true;
    *at = v->data + place * (v->block + v->extra) + v->extra;
    return *at < hostfile_size(im->file) ||
           image_damage(im, "block %u is said to be at %llu", n,
                        (unsigned long long)*at);
}

static bool allocate(struct image *im, uint32_t n, uint64_t *at)
{
    struct vdi *v = im->own;
    uint64_t place = v->data + v->next * (v->block + v->extra);
    uint8_t *entry;

    if (v->next >= v->blocks)
        return image_damage(im, "more blocks are in use than it has");
    if (!image_fresh(im, place, v->block + v->extra) ||
        !(entry = tables_entry(&v->tables, v->map, n, true)))
        return false;
    store32(entry, v->next++);
    v->grown = true;
    *at = place + v->extra;
    return true;
}

static bool move(struct image *im, uint64_t at, uint64_t in, const uint8_t *from,
                 uint8_t *to, size_t n)
{
    return from ? image_put(im, at + in, from, n) : image_get(im, at + in, to, n);
}

static bool each_part(struct image *im, uint64_t offset, const uint8_t *from,
                      uint8_t *to, size_t n)
{
    struct vdi *v = im->own;
    struct block_map map = {v->block, locate, allocate, move};

    return blocks_move(im, &map, offset, from, to, n);
}

static bool read_vdi(struct image *im, uint64_t offset, uint8_t *to, size_t n)
{
    return each_part(im, offset, NULL, to, n);
}

static bool write_vdi(struct image *im, uint64_t offset, const uint8_t *from, size_t n)
{
    return each_part(im, offset, from, NULL, n);
}

static bool flush_vdi(struct image *im)
{
    return settle(im) && image_sync(im);
}

static enum image_run map_vdi(struct image *im, uint64_t offset, uint64_t *run)
{
    struct vdi *v = im->own;
    uint64_t at;

    *run = v->block - offset % v->block;
    return locate(im, (uint32_t)(offset / v->block), &at) && !at ? RUN_ZERO : RUN_DATA;
}

/* The header's count may be late after a crash, so the map decides. */
static bool find_next(struct image *im, struct error *e)
{
    struct vdi *v = im->own;

    for (uint32_t n = 0; n < v->blocks; n++) {
        uint8_t *entry = tables_entry(&v->tables, v->map, n, false);
        uint32_t place = entry ? load32(entry) : 0;

        if (!entry)
            return error_set(e, "cannot read the map of disk '%.300s'", im->path);
        if (place < ZEROES && place >= v->next)
            v->next = place + 1;
    }
    if (v->next > v->blocks)
        return error_set(e,
                         "VDI disk '%.300s' is damaged: its map names blocks that it "
                         "cannot have",
                         im->path);
    return true;
}

static bool no_parent(const uint8_t *h)
{
    for (unsigned n = 0; n < 32; n++)
        if (h[PARENT + n])
            return false;
    return true;
}

static bool open_vdi(struct image *im, struct error *e)
{
    struct vdi *v = im->own = calloc(1, sizeof *v);
    uint8_t h[HEADER];
    uint32_t type;

    if (!v || !hostfile_read(im->file, 0, h, sizeof h))
        return error_set(e, "cannot read disk '%.300s'", im->path);
    type = load32(h + TYPE);
    im->disk.size = load64(h + SIZE);
    v->map = load32(h + MAP);
    v->data = load32(h + DATA);
    v->block = load32(h + BLOCK);
    v->extra = load32(h + EXTRA);
    v->blocks = load32(h + BLOCKS);
    if (load32(h + SIGNATURE) != 0xbeda107f)
        return error_set(e, "disk '%.300s' has no VDI header", im->path);
    if (load32(h + VERSION) != 0x00010001)
        return error_set(e, "VDI disk '%.300s' is of version %xh; only 10001h is known",
                         im->path, load32(h + VERSION));
    if ((type != DYNAMIC && type != STATIC) || !no_parent(h)) {
        error_set(e, "VDI disk '%.300s' builds on another (differencing image)",
                  im->path);
        return error_hint(e,
                          "merge it first: VBoxManage clonemedium makes a whole one");
    }
    if (load32(h + SECTOR) != IMAGE_SECTOR || v->block < IMAGE_SECTOR ||
        v->block % IMAGE_SECTOR || v->extra % IMAGE_SECTOR || v->block > 1 << 28 ||
        v->extra > 1 << 28 || !im->disk.size || v->map % UNIT || v->map < HEADER ||
        v->blocks > MOST || im->disk.size > (uint64_t)v->blocks * v->block ||
        !image_holds(im, v->map, v->blocks, 4) ||
        v->data < v->map + ((uint64_t)v->blocks * 4 + UNIT - 1) / UNIT * UNIT)
        return error_set(e,
                         "VDI disk '%.300s' is damaged: its header's sizes contradict "
                         "each other or the file",
                         im->path);
    im->disk.size = (im->disk.size + IMAGE_SECTOR - 1) / IMAGE_SECTOR * IMAGE_SECTOR;
    if (!tables_init(&v->tables, im, UNIT, 64, settle))
        return error_set(e, "cannot open '%.300s': the host has no memory", im->path);
    if (im->writable && !find_next(im, e))
        return false;
    v->grown =
        im->writable && v->next > load32(h + ALLOCATED); /* put right with the next */
    return true;
}

static void close_vdi(struct image *im)
{
    struct vdi *v = im->own;

    if (v)
        tables_free(&v->tables);
    free(v);
    im->own = NULL;
}

static void info_vdi(struct image *im, const struct image_lines *lines)
{
    struct vdi *v = im->own;
    image_line(lines, "blocks of %llu bytes", (unsigned long long)v->block);
}

/* Each place holds at most one block, and lies in the file. */
static bool check_vdi(struct image *im, bool repair, struct image_check *found,
                      const struct image_lines *lines, struct error *e)
{
    struct vdi *v = im->own;
    uint8_t *seen = calloc(1, v->blocks / 8 + 1);
    bool good = seen != NULL;
    (void)repair;

    for (uint32_t n = 0; good && n < v->blocks; n++) {
        uint8_t *entry = tables_entry(&v->tables, v->map, n, false);
        uint32_t place = entry ? load32(entry) : 0;

        good = entry != NULL;
        if (place >= ZEROES || !good)
            continue;
        if (place >= v->blocks ||
            v->data + place * (v->block + v->extra) >= hostfile_size(im->file)) {
            found->errors++;
            image_line(lines, "block %u is said to be outside the file", n);
        } else if (seen[place / 8] & 1 << place % 8) {
            found->errors++;
            image_line(lines, "block %u shares its place with another", n);
        } else {
            seen[place / 8] |= (uint8_t)(1 << place % 8);
        }
    }
    free(seen);
    return good || error_set(e, "cannot read the map of disk '%.300s'", im->path);
}

const struct image_driver image_vdi = {
    .name = "vdi",
    .open = open_vdi,
    .close = close_vdi,
    .read = read_vdi,
    .write = write_vdi,
    .flush = flush_vdi,
    .map = map_vdi,
    .info = info_vdi,
    .check = check_vdi,
};
