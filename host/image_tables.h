/* image_tables.h - a bounded cache of an image's tables: pieces of the file of one
 * size. */
#ifndef HOST_IMAGE_TABLES_H
#define HOST_IMAGE_TABLES_H

#include "host/image_internal.h"

struct table {
    uint64_t offset;
    uint8_t *bytes;
    bool valid, dirty;
    uint64_t used; /* when last */
};

struct tables {
    struct image *im;
    size_t unit; /* bytes of each */
    unsigned count;
    struct table *table;
    uint64_t now;
    /* Called to make room when all that could go is dirty: must write everything that
     * is, in the format's order. */
    bool (*settle)(struct image *im);
};

bool tables_init(struct tables *t, struct image *im, size_t unit, unsigned count,
                 bool (*settle)(struct image *im));
void tables_free(struct tables *t);

/* The piece at offset, read if need be. Good until the next call for another offset.
 * NULL: the host failed, which was told. */
struct table *tables_get(struct tables *t, uint64_t offset);
/* The 4 bytes of entry n of a table that begins at byte `map` of the file, a multiple of 4;
 * write: they will be changed. Good and NULL as above. */
uint8_t *tables_entry(struct tables *t, uint64_t map, uint32_t n, bool write);
/* The same as tables_get(), all zeroes and dirty, without reading. */
struct table *tables_new(struct tables *t, uint64_t offset);
/* Writes the dirty ones, in the order of their offsets. */
bool tables_write(struct tables *t);
bool tables_dirty(const struct tables *t);
/* Whatever is known of offset is void. */
void tables_forget(struct tables *t, uint64_t offset);

/* ---- a disk of blocks that a table places in the file ---- */

struct block_map {
    uint64_t block; /* bytes of each */
    /* Where block n is in the file; 0: nowhere, it reads as zeroes. False: it was told. */
    bool (*locate)(struct image *im, uint32_t n, uint64_t *at);
    bool (*allocate)(struct image *im, uint32_t n, uint64_t *at);
    /* n bytes at `in` of the block at `at`: from the guest, or (from NULL) to it. */
    bool (*move)(struct image *im, uint64_t at, uint64_t in, const uint8_t *from,
                 uint8_t *to, size_t n);
};

/* Any range of the disk, in the direction that move() has. */
bool blocks_move(struct image *im, const struct block_map *map, uint64_t offset,
                 const uint8_t *from, uint8_t *to, size_t n);

#endif
