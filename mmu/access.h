/* access.h - the inline door to guest RAM: a first-level probe and typed access.
 *
 * A probe compares the page of the access's last byte with the tag in the slot of its
 * first byte: a hit proves that the whole access lies in one page of plain RAM that may be
 * accessed so; misaligned is fine.
 */
#ifndef MMU_ACCESS_H
#define MMU_ACCESS_H

#include "base/byteorder.h"
#include "mmu/mmu.h"

/* Never NULL, and the compiler may know it: a second test of each hit would cost. */
static ALWAYS_INLINE uint8_t *hit(const struct l1_entry *e, uint64_t la)
{
    uint8_t *p = (uint8_t *)(uintptr_t)(e->addend + (uintptr_t)la);
#ifdef __GNUC__
    if (!p)
        __builtin_unreachable();
#endif
    return p;
}

/* The host address of [la, la + size), or NULL: take the general path. */
static ALWAYS_INLINE uint8_t *probe_read(const struct mmu *m, uint64_t la, unsigned size)
{
    const struct l1_entry *e = &m->view[(la >> 12) & (L1_ENTRIES - 1)];
    if (LIKELY(((la + size - 1) & ~(uint64_t)(PAGE - 1)) == e->read))
        return hit(e, la);
    return NULL;
}

/* The same for a store, or a read-modify-write. */
static ALWAYS_INLINE uint8_t *probe_write(const struct mmu *m, uint64_t la, unsigned size)
{
    const struct l1_entry *e = &m->view[(la >> 12) & (L1_ENTRIES - 1)];
    if (LIKELY(((la + size - 1) & ~(uint64_t)(PAGE - 1)) == e->write))
        return hit(e, la);
    return NULL;
}

#endif
