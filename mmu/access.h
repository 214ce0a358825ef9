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

/* The view an access goes through, whatever is selected: VIEW_COUNT, the empty one, while
 * alignment is checked. */
static ALWAYS_INLINE unsigned view_for(const struct mmu *m, struct accessor how)
{
    if (UNLIKELY(m->data_view == VIEW_COUNT))
        return VIEW_COUNT;
    if (how.user && !how.implicit)
        return VIEW_USER;
    return m->paging.smap && (how.implicit || !m->paging.ac) ? VIEW_SMAP : VIEW_SUPERVISOR;
}

/* A read by the CPU itself (a descriptor, a TSS): supervisor, not eased by AC. */
static ALWAYS_INLINE const uint8_t *probe_system(const struct mmu *m, uint64_t la,
                                                 unsigned size)
{
    const struct l1_entry *e = &m->system_view[(la >> 12) & (L1_ENTRIES - 1)];
    if (LIKELY(((la + size - 1) & ~(uint64_t)(PAGE - 1)) == e->read))
        return hit(e, la);
    return NULL;
}

/* A store through the view of `how`, which need not be the selected one. */
static ALWAYS_INLINE uint8_t *probe_write_as(const struct mmu *m, uint64_t la,
                                             unsigned size, struct accessor how)
{
    const struct l1_entry *e =
        &m->data[view_for(m, how)][(la >> 12) & (L1_ENTRIES - 1)];
    if (LIKELY(((la + size - 1) & ~(uint64_t)(PAGE - 1)) == e->write))
        return hit(e, la);
    return NULL;
}

/* The first-level entry of a page that only its decoded code keeps stores from, or NULL.
 * Whoever stores there calls phys_stored(). */
static ALWAYS_INLINE const struct l1_entry *probe_code_page(const struct mmu *m,
                                                            uint64_t la, unsigned size)
{
    const struct l1_entry *e = &m->view[(la >> 12) & (L1_ENTRIES - 1)];
    if ((((la + size - 1) & ~(uint64_t)(PAGE - 1)) | CODE_TAG) == e->write)
        return e;
    return NULL;
}

#endif
