/* image.h - disk images: raw, qcow2, VMDK, VDI, VHD behind one struct disk.
 *
 * Every byte of an image is untrusted. The format is found by content; a name never is
 * opened because an image says so, but for a backing file, or a VMDK's one extent, in
 * the image's own folder or below it.
 */
#ifndef HOST_IMAGE_H
#define HOST_IMAGE_H

#include "base/disk.h"
#include "base/error.h"
#include "base/log.h"

enum image_cache {
    IMAGE_WRITEBACK,    /* flush syncs (standard) */
    IMAGE_WRITETHROUGH, /* every write syncs */
    IMAGE_UNSAFE,       /* nothing syncs */
};

struct image_options {
    const char *file;
    const char *format; /* "raw", "qcow2", "vmdk", "vdi", "vpc"; NULL: by content */
    bool read_only;
    bool snapshot;         /* writes go to a temporary overlay, gone after close */
    bool backing_anywhere; /* a backing file may lie outside the image's folder */
    enum image_cache cache;
    uint64_t cap; /* refuse larger ones; 0: no limit */
};

/* Opens and locks (a second writer is refused, by the holder's process number where the
 * host knows it). NULL with e filled. log gets later I/O errors; outlives the disk. */
struct disk *image_open(const struct image_options *o, struct log *log,
                        struct error *e);
/* Flushes (unless IMAGE_UNSAFE), unlocks and frees. False with e filled when that
 * failed. NULL is harmless. */
bool image_close(struct disk *d, struct error *e);

/* The format's name, for people: "qcow2". */
const char *image_format(const struct disk *d);

/* ---- `menura disk` ---- */

/* Told how far long work is; false stops it (the unfinished target is removed). */
typedef bool image_progress(void *to, uint64_t done, uint64_t all);

struct image_create {
    const char *file, *format; /* "raw" or "qcow2"; NULL: raw */
    uint64_t size;             /* bytes, a multiple of 512 */
    const char *backing;   /* qcow2: file below, looked for from the new one's folder;
                            * size may be 0: its size */
    unsigned cluster;      /* qcow2: bytes, 0: 64 KiB */
    bool replace;          /* a file of that name; otherwise it is refused */
    bool backing_anywhere; /* as in image_options */
};

bool image_create(const struct image_create *c, struct error *e);

/* Lines for people: format, sizes, backing, flags. Also of a disk that is in use. */
bool image_info(const char *file, void (*line)(void *to, const char *text), void *to,
                struct error *e);

struct image_check {
    uint64_t errors, leaks; /* clusters referred to wrongly; allocated without use */
};

/* False: the image cannot be read at all. repair: leaks are freed, and references
 * corrected where that loses nothing; what is found then is what is left. */
bool image_check(const char *file, bool repair, struct image_check *found,
                 void (*line)(void *to, const char *text), void *to, struct error *e);

/* Copies what from shows to a new file of the same size; zeroes stay holes. The source
 * is only read. */
bool image_convert(const struct image_options *from, const struct image_create *target,
                   image_progress *progress, void *to, struct log *log,
                   struct error *e);

#endif
