/* memory_disk.h - a struct disk in memory, with failures on demand. */
#ifndef TESTS_MEMORY_DISK_H
#define TESTS_MEMORY_DISK_H

#include <stdlib.h>
#include <string.h>

#include "base/disk.h"

struct memory_disk {
    struct disk disk;
    uint8_t *bytes;
    uint64_t bad_from, bad_to; /* bytes in [from, to) cannot be read or written */
    bool flush_fails;
    unsigned reads, writes, flushes, outside; /* outside: accesses past the end */
};

static inline bool memory_disk_ok(struct memory_disk *m, uint64_t offset, size_t n)
{
    if (!disk_holds(&m->disk, offset, n)) {
        m->outside++;
        return false;
    }
    return offset >= m->bad_to || offset + n <= m->bad_from;
}

static inline bool memory_disk_read(void *owner, uint64_t offset, void *to, size_t n)
{
    struct memory_disk *m = owner;
    m->reads++;
    if (!memory_disk_ok(m, offset, n))
        return false;
    memcpy(to, m->bytes + offset, n);
    return true;
}

static inline bool memory_disk_write(void *owner, uint64_t offset, const void *from,
                                     size_t n)
{
    struct memory_disk *m = owner;
    m->writes++;
    if (m->disk.read_only || !memory_disk_ok(m, offset, n))
        return false;
    memcpy(m->bytes + offset, from, n);
    return true;
}

static inline bool memory_disk_flush(void *owner)
{
    struct memory_disk *m = owner;
    m->flushes++;
    return !m->flush_fails;
}

/* Each byte of sector s (of 512) at i is (s * 7 + i) mod 256; the first four are s. */
static inline void memory_disk_init(struct memory_disk *m, uint64_t size)
{
    *m = (struct memory_disk){.disk = {.owner = m,
                                       .size = size,
                                       .name = "memory",
                                       .read = memory_disk_read,
                                       .write = memory_disk_write,
                                       .flush = memory_disk_flush},
                              .bytes = malloc(size ? size : 1)};
    for (uint64_t at = 0; at < size; at++) {
        uint64_t s = at / 512, i = at % 512;
        m->bytes[at] = (uint8_t)(i < 4 ? s >> 8 * i : s * 7 + i);
    }
}

static inline void memory_disk_free(struct memory_disk *m)
{
    free(m->bytes);
}

#endif
