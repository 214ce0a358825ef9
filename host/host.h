/* host.h - all that Menura asks of an operating system, in portable terms. */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include "base/error.h"
#include "base/types.h"

#include <stdatomic.h>

/* ---- memory ---- */

/* size bytes of zeroes that cost nothing until touched; NULL when the address space is
 * not to be had. Freed with the same size. */
void *host_memory(uint64_t size);
void host_memory_free(void *p, uint64_t size);

/* ---- time ---- */

uint64_t host_now_ns(void);        /* monotonic */
int64_t host_date(void);           /* seconds since 1970-01-01 UTC */
int64_t host_local_date(void);     /* the same, as if the local clock showed UTC */
uint64_t host_cpu_ns(void);        /* CPU time of the calling thread */

/* Sleeps until host_now_ns() reaches deadline, or *kicked is true, whichever is first.
 * Whoever sets *kicked from another thread or a signal handler calls host_kick(kicked). */
void host_wait_kick(atomic_bool *kicked, uint64_t deadline);
void host_kick(atomic_bool *kicked);

/* ---- floating point ---- */

/* What the calling thread's program had set: rounding, traps, flags, flushing to zero. */
struct host_float {
    unsigned char bytes[64];
};

/* cpu/hostfloat.h needs rounding to nearest and no flushing; the program around a library
 * may have set anything, and gets it back. The two go around every run of CPUs. */
void host_float_enter(struct host_float *old);
void host_float_leave(const struct host_float *old);

/* ---- files ---- */

/* A whole file in memory (free() it). False with e filled: missing, unreadable, not a
 * regular file, or larger than cap. what names it for people: "kernel". */
bool host_read_file(const char *path, const char *what, uint64_t cap, uint8_t **bytes,
                    uint64_t *size, struct error *e);

/* Up to n bytes from a regular file's beginning; how many, 0 if it cannot be read. */
size_t host_read_head(const char *path, uint8_t *to, size_t n, uint64_t *size);

/* Is there a regular file of that name that can be read? */
bool host_is_file(const char *path);

/* Replaces a file atomically: temporary file, sync, rename, sync of the directory. Follows
 * a symbolic link and keeps the old file's permissions; refuses what is no regular file. */
bool host_write_file(const char *path, const void *bytes, uint64_t size, struct error *e);

#endif
