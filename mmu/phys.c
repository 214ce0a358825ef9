/* phys.c - guest physical memory: windows over backings, resolved into a sorted map. */
#include "mmu/phys.h"

#include "base/byteorder.h"

static const uint64_t OFFSET = PAGE - 1;

void phys_init(struct phys *p, struct space *mmio, unsigned bits)
{
    memset(p, 0, sizeof *p);
    p->mmio = mmio;
    p->bits = bits;
    p->a20_mask = ~0ull;
}

struct backing *phys_back(struct phys *p, const char *name, uint8_t *bytes, uint64_t size)
{
    struct backing *b;

    /* Page numbers are 32 bits, and the last stands for "none". */
    if (p->backing_count == PHYS_BACKINGS || size / PAGE >= NO_PAGE - p->pages)
        return NULL;
    b = &p->backings[p->backing_count++];
    *b = (struct backing){name, bytes, size & ~OFFSET, p->pages};
    p->pages += (uint32_t)(size / PAGE);
    return b;
}

/* ---- the resolved map ---- */

static bool visible(const struct window *w)
{
    return w->used && w->rights && !(w->base & OFFSET) && w->size <= ~w->base;
}

/* The window that answers for one direction in [base, base + PAGE), or NULL for MMIO. */
static const struct window *top(const struct phys *p, uint64_t base, unsigned rights)
{
    const struct window *above = NULL;

    for (;;) {
        const struct window *best = NULL;
        for (unsigned i = 0; i < PHYS_WINDOWS; i++) {
            const struct window *w = &p->windows[i];
            if (!visible(w) || base - w->base >= w->size)
                continue;
            if (above && (w->priority > above->priority ||
                          (w->priority == above->priority && w <= above)))
                continue;
            if (!best || w->priority > best->priority)
                best = w;
        }
        if (!best || best->rights & rights)
            return best;
        if (!(best->rights & WINDOW_UNDER))
            return NULL;
        above = best;
    }
}

static struct resolved resolve(const struct phys *p, uint64_t base, uint64_t end)
{
    const struct window *reads = top(p, base, WINDOW_READ);
    const struct window *writes = top(p, base, WINDOW_WRITE | WINDOW_DROP);
    struct resolved r = {.base = base, .end = end, .page.number = NO_PAGE,
                         .store_number = NO_PAGE};

    if (reads) {
        uint64_t offset = base - reads->base + reads->offset;
        r.page.host = reads->backing->bytes + offset;
        r.page.number = reads->backing->first + (uint32_t)(offset / PAGE);
    }
    if (writes && writes->rights & WINDOW_WRITE) {
        uint64_t offset = base - writes->base + writes->offset;
        r.store = writes->backing->bytes + offset;
        r.store_number = writes->backing->first + (uint32_t)(offset / PAGE);
    }
    r.page.write = r.store && r.store == r.page.host;
    r.page.drop = writes && !r.store;
    return r;
}

/* Does b go on where a ends, in both directions? */
static bool continues(const struct resolved *a, const struct resolved *b)
{
    uint64_t length = a->end - a->base;

    return a->end == b->base && a->page.write == b->page.write &&
           a->page.drop == b->page.drop && !a->page.host == !b->page.host &&
           !a->store == !b->store &&
           (!a->page.host || (a->page.host + length == b->page.host &&
                              a->page.number + length / PAGE == b->page.number)) &&
           (!a->store || (a->store + length == b->store &&
                          a->store_number + length / PAGE == b->store_number));
}

static void rebuild(struct phys *p)
{
    uint64_t edge[2 * PHYS_WINDOWS];
    unsigned edges = 0;

    p->code_apart = false;
    for (unsigned i = 0; i < PHYS_WINDOWS; i++) {
        const struct window *w = &p->windows[i];
        if (!visible(w))
            continue;
        p->code_apart |= !!(w->rights & WINDOW_CODE);
        for (unsigned n = 0; n < 2; n++) {
            uint64_t at = n ? w->base + w->size : w->base;
            unsigned slot = edges;
            while (slot && edge[slot - 1] > at)
                slot--;
            if (slot && edge[slot - 1] == at)
                continue;
            memmove(&edge[slot + 1], &edge[slot], (edges - slot) * sizeof edge[0]);
            edge[slot] = at;
            edges++;
        }
    }
    p->map_count = 0;
    for (unsigned i = 0; i + 1 < edges; i++) {
        struct resolved r = resolve(p, edge[i], edge[i + 1]);
        if (!r.page.host && !r.store && !r.page.drop)
            continue;
        if (p->map_count && continues(&p->map[p->map_count - 1], &r))
            p->map[p->map_count - 1].end = r.end;
        else
            p->map[p->map_count++] = r;
    }
    memset(&p->map[p->map_count], 0,
           (ARRAY_SIZE(p->map) - p->map_count) * sizeof p->map[0]);
    if (p->changed)
        p->changed(p->owner);
}

int phys_map(struct phys *p, uint64_t base, uint64_t size, struct backing *b,
             uint64_t offset, unsigned rights, int priority)
{
    if (!b || !size || (size | offset) & OFFSET || offset > b->size ||
        size > b->size - offset)
        return -1;
    for (int i = 0; i < PHYS_WINDOWS; i++) {
        if (p->windows[i].used)
            continue;
        p->windows[i] = (struct window){.base = base, .size = size, .offset = offset,
                                        .backing = b, .rights = rights,
                                        .priority = priority, .used = true};
        rebuild(p);
        return i;
    }
    return -1;
}

static struct window *window(struct phys *p, int handle)
{
    if (handle < 0 || handle >= PHYS_WINDOWS || !p->windows[handle].used)
        return NULL;
    return &p->windows[handle];
}

void phys_rights(struct phys *p, int handle, unsigned rights)
{
    struct window *w = window(p, handle);

    if (w && w->rights != rights) {
        w->rights = rights;
        rebuild(p);
    }
}

void phys_move(struct phys *p, int handle, uint64_t base)
{
    struct window *w = window(p, handle);

    if (w && w->base != base) {
        w->base = base;
        rebuild(p);
    }
}

void phys_unmap(struct phys *p, int handle)
{
    struct window *w = window(p, handle);

    if (w) {
        w->used = false;
        rebuild(p);
    }
}

void phys_set_a20(struct phys *p, bool enabled)
{
    uint64_t mask = enabled ? ~0ull : ~(1ull << 20);

    if (mask == p->a20_mask)
        return;
    p->a20_mask = mask;
    if (p->changed)
        p->changed(p->owner);
}

const struct resolved *phys_resolve(const struct phys *p, uint64_t a)
{
    unsigned low = 0, high = p->map_count;

    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (a >= p->map[middle].end)
            low = middle + 1;
        else
            high = middle;
    }
    return low < p->map_count && a >= p->map[low].base ? &p->map[low] : NULL;
}

struct phys_page phys_find(const struct phys *p, paddr a)
{
    const struct resolved *r = phys_resolve(p, a.v);

    return r ? resolved_page(r, a.v) : (struct phys_page){NULL, NO_PAGE, false, false};
}

struct phys_page phys_find_code(const struct phys *p, paddr a)
{
    struct phys_page page = {NULL, NO_PAGE, false, false};
    const struct window *w = top(p, a.v & ~OFFSET, WINDOW_CODE | WINDOW_READ);

    if (w) {
        uint64_t offset = (a.v & ~OFFSET) - w->base + w->offset;
        page.host = w->backing->bytes + offset;
        page.number = w->backing->first + (uint32_t)(offset / PAGE);
    }
    return page;
}

/* ---- moving bytes ---- */

/* Where a run of bytes starts, for one way of moving them. */
enum move { MOVE_READ, MOVE_WRITE, MOVE_POKE };

static uint8_t *run_start(const struct resolved *r, enum move how, uint32_t *number)
{
    bool store = how == MOVE_WRITE || (how == MOVE_POKE && !r->page.host);

    *number = store ? r->store_number : r->page.number;
    return store ? r->store : r->page.host;
}

static bool covered(const struct phys *p, uint64_t a, size_t n, enum move how)
{
    uint32_t number;

    if (n && n - 1 > ~a)
        return false;
    while (n) {
        const struct resolved *r = phys_resolve(p, a);
        if (!r || !run_start(r, how, &number))
            return false;
        if (n <= r->end - a)
            return true;
        n -= (size_t)(r->end - a);
        a = r->end;
    }
    return true;
}

bool phys_read(const struct phys *p, paddr a, void *to, size_t n)
{
    uint8_t *out = to;
    uint32_t number;

    if (!covered(p, a.v, n, MOVE_READ))
        return false;
    while (n) {
        const struct resolved *r = phys_resolve(p, a.v);
        size_t now = n < r->end - a.v ? n : (size_t)(r->end - a.v);
        memcpy(out, run_start(r, MOVE_READ, &number) + (a.v - r->base), now);
        out += now;
        a.v += now;
        n -= now;
    }
    return true;
}

static bool put(struct phys *p, paddr a, const void *from, size_t n, enum move how)
{
    const uint8_t *in = from;

    if (!covered(p, a.v, n, how))
        return false;
    while (n) {
        const struct resolved *r = phys_resolve(p, a.v);
        uint32_t number;
        uint8_t *to = run_start(r, how, &number) + (a.v - r->base);
        size_t now = PAGE - (size_t)(a.v & OFFSET);

        if (now > n)
            now = n;
        number += (uint32_t)((a.v - r->base) / PAGE);
        memcpy(to, in, now);
        if (p->code)
            phys_stored(p, number, (unsigned)(a.v & OFFSET), (unsigned)now);
        in += now;
        a.v += now;
        n -= now;
    }
    return true;
}

bool phys_write(struct phys *p, paddr a, const void *from, size_t n)
{
    return put(p, a, from, n, MOVE_WRITE);
}

bool phys_poke(struct phys *p, paddr a, const void *from, size_t n)
{
    return put(p, a, from, n, MOVE_POKE);
}

uint64_t phys_load(struct phys *p, paddr a, unsigned size)
{
    const struct resolved *r = phys_resolve(p, a.v);
    struct io io = {.address = a.v, .size = (uint8_t)size};

    if (r && r->page.host)
        return load_le(r->page.host + (a.v - r->base), size);
    io.value = ~0ull;
    if (p->mmio)
        space_access(p->mmio, &io);
    return io.value & ~0ull >> (64 - 8 * size);
}

void phys_store(struct phys *p, paddr a, unsigned size, uint64_t value)
{
    const struct resolved *r = phys_resolve(p, a.v);
    struct io io = {.address = a.v, .size = (uint8_t)size, .write = true,
                    .value = value & ~0ull >> (64 - 8 * size)};

    if (r && r->store) {
        store_le(r->store + (a.v - r->base), size, value);
        if (p->code)
            phys_stored(p, r->store_number + (uint32_t)((a.v - r->base) / PAGE),
                        (unsigned)(a.v & OFFSET), size);
        return;
    }
    if (p->mmio && !(r && r->page.drop))
        space_access(p->mmio, &io);
}

/* ---- the hash ---- */

static const uint64_t FNV_PRIME = 0x100000001b3;

/* Most pages of a young machine are zero, and most others differ early. */
static bool page_is_zero(const uint8_t *bytes)
{
    for (unsigned i = 0; i < PAGE; i += 64) {
        uint64_t w[8];
        memcpy(w, bytes + i, sizeof w);
        if (w[0] | w[1] | w[2] | w[3] | w[4] | w[5] | w[6] | w[7])
            return false;
    }
    return true;
}

uint64_t phys_hash(const struct phys *p, uint64_t hash)
{
    for (unsigned i = 0; i < p->backing_count; i++) {
        const struct backing *b = &p->backings[i];
        for (uint64_t at = 0; at < b->size; at += PAGE) {
            if (page_is_zero(b->bytes + at))
                continue;
            hash = (hash ^ (b->first + at / PAGE)) * FNV_PRIME;
            for (unsigned n = 0; n < PAGE; n += 8)
                hash = (hash ^ load64(b->bytes + at + n)) * FNV_PRIME;
        }
    }
    return hash;
}
