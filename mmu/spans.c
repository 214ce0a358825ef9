/* spans.c - moves bytes between opened guest pages and the host. */
#include "base/byteorder.h"
#include "mmu/mmu.h"

/* MMIO moves in naturally aligned pieces of at most 8 bytes, lowest address first. */
static unsigned piece(uint64_t a, unsigned left)
{
    unsigned n = 8;

    while (n > left || a & (n - 1))
        n /= 2;
    return n;
}

static void told(struct mmu *m, bool *already)
{
    if (!*already && m->before_mmio)
        m->before_mmio(m->owner);
    *already = true;
}

static COLD void watch(struct mmu *m, bool write, const struct spans *s, const void *bytes,
                       unsigned size)
{
    m->watcher(m->owner, write, s->part[0].where, bytes, size);
}

static void read_parts(struct mmu *m, const struct spans *s, void *to, unsigned size)
{
    uint8_t *out = to;
    bool already = false;

    for (unsigned i = 0; i < s->count && size; i++) {
        const struct span *p = &s->part[i];
        unsigned left = p->size < size ? p->size : size;
        uint64_t a = p->where.v;

        size -= left;
        if (LIKELY(p->host)) {
            memcpy(out, p->host, left);
            out += left;
            continue;
        }
        told(m, &already);
        while (left) {
            unsigned n = piece(a, left);
            store_le(out, n, phys_load(m->phys, pa(a), n));
            out += n;
            a += n;
            left -= n;
        }
    }
}

void spans_read(struct mmu *m, const struct spans *s, void *to, unsigned size)
{
    read_parts(m, s, to, size);
    if (UNLIKELY(m->watcher))
        watch(m, false, s, to, size);
}

void spans_write(struct mmu *m, const struct spans *s, const void *from, unsigned size)
{
    const uint8_t *in = from;
    bool already = false;

    if (UNLIKELY(m->watcher))
        watch(m, true, s, from, size);
    for (unsigned i = 0; i < s->count && size; i++) {
        const struct span *p = &s->part[i];
        unsigned left = p->size < size ? p->size : size;
        uint64_t a = p->where.v;

        size -= left;
        if (LIKELY(p->host)) {
            memcpy(p->host, in, left);
            phys_stored(m->phys, p->number, (unsigned)(a & (PAGE - 1)), left);
            in += left;
            continue;
        }
        if (p->drop) {
            in += left;
            continue;
        }
        told(m, &already);
        while (left) {
            unsigned n = piece(a, left);
            phys_store(m->phys, pa(a), n, load_le(in, n));
            in += n;
            a += n;
            left -= n;
        }
    }
}

uint64_t spans_load(struct mmu *m, const struct spans *s, unsigned size)
{
    uint8_t bytes[8] = {0};

    if (LIKELY(s->count == 1 && s->part[0].host && !m->watcher)) {
        const uint8_t *p = s->part[0].host;
        switch (size) {
        case 1: return load8(p);
        case 2: return load16(p);
        case 4: return load32(p);
        case 8: return load64(p);
        }
    }
    spans_read(m, s, bytes, size);
    return load64(bytes);
}

/* What is not memory in one piece: apart, so that the rest needs no stack frame. */
static NOINLINE void store_slowly(struct mmu *m, const struct spans *s, unsigned size,
                                  uint64_t value)
{
    const struct span *p = &s->part[0];
    bool already = false;
    uint8_t bytes[8];

    if (s->count == 1 && !p->host && !p->drop && !m->watcher && !(size & (size - 1)) &&
        !(p->where.v & (size - 1))) {
        told(m, &already);
        phys_store(m->phys, p->where, size, value);
        return;
    }
    store64(bytes, value);
    spans_write(m, s, bytes, size);
}

void spans_store(struct mmu *m, const struct spans *s, unsigned size, uint64_t value)
{
    const struct span *p = &s->part[0];

    if (UNLIKELY(s->count != 1 || !p->host || (size & (size - 1)) || m->watcher)) {
        store_slowly(m, s, size, value);
        return;
    }
    store_le(p->host, size, value);
    phys_stored(m->phys, p->number, (unsigned)(p->where.v & (PAGE - 1)), size);
}
