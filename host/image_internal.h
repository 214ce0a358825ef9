/* image_internal.h - what the files behind host/image.h share.
 *
 * An image is a stack of layers: each a file in some format, over the one that its
 * header names as backing, if any. Only the top one is ever written.
 */
#ifndef HOST_IMAGE_INTERNAL_H
#define HOST_IMAGE_INTERNAL_H

#include "host/hostfile.h"
#include "host/image.h"

enum { IMAGE_DEPTH = 16, IMAGE_PATH = 4096, IMAGE_SECTOR = 512 };

struct image;

/* Where lines for people go. */
struct image_lines {
    void (*line)(void *to, const char *text);
    void *to;
};

void image_line(const struct image_lines *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* What stands at an offset of the disk. */
enum image_run {
    RUN_DATA,
    RUN_ZERO,
    RUN_BELOW, /* nothing here: the backing image shows, or zeroes */
};

struct image_driver {
    const char *name, *also; /* "vpc", "vhd"; also may be NULL */
    /* Reads the header of im->file; sets im->disk.size and im->own. What it leaves in
     * im->own after a failure, close() frees. */
    bool (*open)(struct image *im, struct error *e);
    void (*close)(struct image *im);
    /* Ranges lie inside the disk, and n is not 0. */
    bool (*read)(struct image *im, uint64_t offset, uint8_t *to, size_t n);
    bool (*write)(struct image *im, uint64_t offset, const uint8_t *from, size_t n);
    /* Writes what is kept in memory, in an order that survives a crash at any point. */
    bool (*flush)(struct image *im);
    void (*discard)(struct image *im, uint64_t offset, uint64_t n); /* may be NULL */
    /* *run: how many bytes at least are alike, more than 0. NULL: all is data. */
    enum image_run (*map)(struct image *im, uint64_t offset, uint64_t *run);
    void (*info)(struct image *im, const struct image_lines *lines); /* may be NULL */
    /* False: e says why nothing can be said about the image. NULL: what open() checks
     * is all there is. */
    bool (*check)(struct image *im, bool repair, struct image_check *found,
                  const struct image_lines *lines, struct error *e);
};

struct image {
    struct disk disk; /* the guest's view, of the top layer */
    const struct image_driver *driver;
    struct hostfile *file;
    struct image *backing;
    void *own; /* the driver's */
    char *path;
    struct log *log;
    enum image_cache cache;
    bool writable; /* the file is open for writing */
    bool probed;   /* nobody said what format this is */
    bool anywhere; /* backing files may be anywhere */
    bool checking; /* open for `check`: damage is found later, not refused now */
    bool overlay;  /* of IMAGE_SNAPSHOT: has no name */
    bool failed;   /* a sync failed: nothing can be promised any more */
    bool damaged;  /* its own tables contradict each other: no more writes */
    bool told_read, told_write, told_damage;
    unsigned depth;
    const struct image *above; /* while opening: for loops */
};

extern const struct image_driver image_raw, image_qcow2, image_vmdk, image_vdi,
    image_vhd;

/* By the first bytes and, if the file is larger, the last sector. Never NULL: without
 * any sign it is raw. `size` of the file. */
const struct image_driver *image_detect(const uint8_t *head, size_t head_size,
                                        const uint8_t *last, uint64_t size);

/* One layer and those below it. */
struct image_layer {
    const char *path, *format;
    bool write, anywhere, checking, unlocked;
    enum image_cache cache;
    struct log *log;
    const struct image *above;
};

struct image *image_open_layer(const struct image_layer *l, struct error *e);
/* The file that `name` in im's header means. Fills im->backing. */
bool image_open_backing(struct image *im, const char *name, const char *format,
                        struct error *e);
void image_free(struct image *im);

/* Any range of the disk, and of any layer. */
bool image_read(struct image *im, uint64_t offset, void *to, size_t n);
bool image_write(struct image *im, uint64_t offset, const void *from, size_t n);
bool image_flush(struct image *im);
/* What the backing image shows there; zeroes beyond its end or without one. */
bool image_read_below(struct image *im, uint64_t offset, void *to, size_t n);
/* Whether [offset, offset + *run) reads as zeroes for sure, looking through the layers.
 */
bool image_shows_zeroes(struct image *im, uint64_t offset, uint64_t *run);

/* Bytes of the file. Failures are told once. */
bool image_get(struct image *im, uint64_t offset, void *to, size_t n);
bool image_put(struct image *im, uint64_t offset, const void *from, size_t n);
/* The range, at the end of the file or behind it, is in the file and reads as zeroes.
 */
bool image_fresh(struct image *im, uint64_t offset, uint64_t n);
/* A barrier: what was put before is on the disk before what is put after. */
bool image_sync(struct image *im);

/* The image contradicts itself; told once. No more writes. Returns false. */
bool image_damage(struct image *im, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Tables of n entries of `each` bytes at offset lie inside the file. */
bool image_holds(const struct image *im, uint64_t offset, uint64_t n, uint64_t each);

/* image_qcow2_create.c: an empty image in f. backing may be NULL. */
bool qcow2_format(struct hostfile *f, uint64_t size, unsigned cluster,
                  const char *backing, const char *backing_format, struct error *e);

/* ---- big-endian numbers: qcow2 and VHD ---- */

static inline uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t be32(const uint8_t *p)
{
    return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static inline uint64_t be64(const uint8_t *p)
{
    return (uint64_t)be32(p) << 32 | be32(p + 4);
}

static inline void put_be16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void put_be32(uint8_t *p, uint32_t v)
{
    put_be16(p, (uint16_t)(v >> 16));
    put_be16(p + 2, (uint16_t)v);
}

static inline void put_be64(uint8_t *p, uint64_t v)
{
    put_be32(p, (uint32_t)(v >> 32));
    put_be32(p + 4, (uint32_t)v);
}

#endif
