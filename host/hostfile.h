/* hostfile.h - an open file of the host: 64-bit offsets, holes, syncs, locks.
 *
 * Functions return false when the host could not; hostfile_why() then says why. One
 * thread at a time may use a file.
 */
#ifndef HOST_HOSTFILE_H
#define HOST_HOSTFILE_H

#include "base/error.h"
#include "base/types.h"

struct hostfile;

/* A regular file or a block device, never created. NULL with e filled; what names it
 * for people: "disk". */
struct hostfile *hostfile_open(const char *path, const char *what, bool write,
                               struct error *e);
/* Empty, without a name: gone when closed, however the process ends. */
struct hostfile *hostfile_temporary(struct error *e);
/* Where a new file of that name goes, symbolic links followed. False with e filled:
 * there is one already and it may not be replaced, is no regular file, or is in use. */
bool hostfile_place(const char *path, bool replace, char *real, size_t room,
                    struct error *e);
/* A new empty file beside path, its name in `name`. */
struct hostfile *hostfile_beside(const char *path, char *name, size_t room,
                                 struct error *e);
/* Syncs, closes, and gives the file `temporary` its real name; an old file of that name
 * goes only if `replace`. On failure `temporary` is removed. Frees f in any case. */
bool hostfile_publish(struct hostfile *f, const char *temporary, const char *path,
                      bool replace, struct error *e);
void hostfile_close(struct hostfile *f); /* NULL is harmless */

uint64_t hostfile_size(const struct hostfile *f);
uint64_t hostfile_occupied(const struct hostfile *f); /* bytes on the host's disk */
bool hostfile_same(const struct hostfile *a, const struct hostfile *b);

/* What lies beyond the end reads as zeroes. */
bool hostfile_read(struct hostfile *f, uint64_t offset, void *to, size_t n);
bool hostfile_write(struct hostfile *f, uint64_t offset, const void *from, size_t n);
bool hostfile_resize(struct hostfile *f, uint64_t size);
/* All that was written is on the disk, not in its cache. */
bool hostfile_sync(struct hostfile *f);
/* The range reads as zeroes and takes no room. False: the host cannot; nothing changed.
 */
bool hostfile_punch(struct hostfile *f, uint64_t offset, uint64_t n);
/* Whether a hole begins at offset; *run: how far what is there goes, at most to the
 * file's end. Hosts that cannot tell say data. */
bool hostfile_hole(struct hostfile *f, uint64_t offset, uint64_t *run);

/* Why the last call failed, and whether for want of room. */
const char *hostfile_why(const struct hostfile *f);
bool hostfile_full(const struct hostfile *f);

/* Advisory, until closed: one writer or many readers, also against QEMU on Linux. False
 * with e filled when another has it. A host without locks gives every one. */
bool hostfile_lock(struct hostfile *f, const char *path, bool write, struct error *e);

/* The path that `name`, found in the file `of`, means: relative to of's folder. Unless
 * anywhere, it must end up in or below that folder, symbolic links in `name` followed.
 */
bool hostfile_related(const char *of, const char *name, bool anywhere, char *path,
                      size_t room, struct error *e);

#endif
