/* disk.h - the two ends of a disk: a guest's drive and an image on the host.
 *
 * The image end (host/image.h) fills in the functions; the drive end (IDE, ATAPI, floppy,
 * flash) calls them from the machine's thread, from a device's `access` or a timer. A call
 * may wait for the host: the guest's time stands still meanwhile.
 */
#ifndef BASE_DISK_H
#define BASE_DISK_H

#include "base/types.h"

struct disk {
    void *owner;
    uint64_t size;  /* bytes; fixed while the medium is in */
    bool read_only; /* writes are refused */
    const char *name; /* for people: the file */

    /* [offset, offset + n) must lie inside size: anything else is refused, nothing moves.
     * False: the host could not, and the user has been told once. A write that failed
     * midway may have changed any byte of its range, and none outside. */
    bool (*read)(void *owner, uint64_t offset, void *to, size_t n);
    bool (*write)(void *owner, uint64_t offset, const void *from, size_t n);
    /* Everything written so far is on the host's disk. After one false it stays false
     * until the image is opened again. */
    bool (*flush)(void *owner);
    /* May be NULL. The guest no longer needs these bytes: they read as zeroes or as before. */
    void (*discard)(void *owner, uint64_t offset, uint64_t n);
};

/* A drive as people are shown it. */
struct drive_view {
    const char *name;   /* "ide1-cd0", "floppy0", or what the user called it */
    bool removable;     /* its medium can be changed while the machine runs */
    bool open, locked;  /* the guest opened the tray; the guest locked it */
    const char *file;   /* the medium; NULL: none, and the rest says nothing */
    const char *format; /* of the image: "qcow2" */
    uint64_t size;
    bool read_only;
};

/* The one gate for ranges: whether [offset, offset + n) lies inside the disk. */
static inline bool disk_holds(const struct disk *d, uint64_t offset, uint64_t n)
{
    return offset <= d->size && n <= d->size - offset;
}

#endif
