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

/* The host address of [la, la + size), or NULL: take the general path. */
static ALWAYS_INLINE uint8_t *probe_read(const struct mmu *m, uint64_t la, unsigned size)
{
    const struct l1_entry *e = &m->view[(la >> 12) & (L1_ENTRIES - 1)];
    if (LIKELY(((la + size - 1) & ~(uint64_t)(PAGE - 1)) == e->read))
        return (uint8_t *)(uintptr_t)(e->addend + (uintptr_t)la);
    return NULL;
}

/* The same for a store, or a read-modify-write. */
static ALWAYS_INLINE uint8_t *probe_write(const struct mmu *m, uint64_t la, unsigned size)
{
    const struct l1_entry *e = &m->view[(la >> 12) & (L1_ENTRIES - 1)];
    if (LIKELY(((la + size - 1) & ~(uint64_t)(PAGE - 1)) == e->write))
        return (uint8_t *)(uintptr_t)(e->addend + (uintptr_t)la);
    return NULL;
}

#endif
