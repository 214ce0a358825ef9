/* memory.c - large zeroed memory, backed by the host only where it is touched. */
#define _GNU_SOURCE
#include "host/host.h"

#include <sys/mman.h>

void *host_memory(uint64_t size)
{
    void *p;

    if (size != (size_t)size)
        return NULL;
    p = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
#ifdef MADV_HUGEPAGE
    madvise(p, (size_t)size, MADV_HUGEPAGE); /* fewer host TLB misses; may be refused */
#endif
    return p;
}

void host_memory_free(void *p, uint64_t size)
{
    munmap(p, (size_t)size);
}
