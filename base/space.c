/* space.c - the port space and the MMIO space. */
#include "base/space.h"

#include <stdlib.h>
#include <string.h>

enum { PORTS = 65536 };

bool space_init(struct space *s, bool mmio)
{
    memset(s, 0, sizeof *s);
    s->mmio = mmio;
    if (!mmio)
        s->ports = calloc(PORTS, sizeof *s->ports);
    return mmio || s->ports;
}

void space_free(struct space *s)
{
    free(s->ports);
    s->ports = NULL;
}

/* Does mapping a answer before b where both stand? Equal priority: the older one. */
static bool wins(const struct space *s, unsigned a, unsigned b)
{
    if (s->maps[a].priority != s->maps[b].priority)
        return s->maps[a].priority > s->maps[b].priority;
    return s->maps[a].age < s->maps[b].age;
}

static void rebuild_ports(struct space *s)
{
    memset(s->ports, 0, PORTS * sizeof *s->ports);
    for (unsigned n = 0; n < SPACE_MAPPINGS; n++) {
        const struct mapping *m = &s->maps[n];
        if (!m->used)
            continue;
        for (uint64_t p = m->base; p < m->base + m->length && p < PORTS; p++)
            if (!s->ports[p] || wins(s, n, s->ports[p] - 1u))
                s->ports[p] = (uint16_t)(n + 1);
    }
}

/* By base; where mappings overlap, space_find looks at all that cover the address. */
static void rebuild_mmio(struct space *s)
{
    s->count = 0;
    for (unsigned n = 0; n < SPACE_MAPPINGS; n++) {
        unsigned at;
        if (!s->maps[n].used)
            continue;
        for (at = s->count; at && s->maps[s->sorted[at - 1]].base > s->maps[n].base; at--)
            s->sorted[at] = s->sorted[at - 1];
        s->sorted[at] = (uint16_t)n;
        s->count++;
    }
}

static void rebuild(struct space *s)
{
    if (s->mmio)
        rebuild_mmio(s);
    else
        rebuild_ports(s);
    if (s->changed)
        s->changed(s->owner);
}

int space_map(struct space *s, const struct region *r, void *dev, uint64_t base,
              int priority)
{
    for (int n = 0; n < SPACE_MAPPINGS; n++)
        if (!s->maps[n].used) {
            s->maps[n] = (struct mapping){.region = r, .dev = dev, .base = base,
                                          .length = r->length, .priority = priority,
                                          .used = true, .age = s->ages++};
            rebuild(s);
            return n;
        }
    return -1;
}

void space_unmap(struct space *s, int handle)
{
    if (handle < 0 || handle >= SPACE_MAPPINGS || !s->maps[handle].used)
        return;
    s->maps[handle].used = false;
    rebuild(s);
}

struct mapping *space_find(struct space *s, uint64_t address)
{
    int best = -1;

    if (!s->mmio) {
        unsigned n = s->ports[address & (PORTS - 1)];
        return n ? &s->maps[n - 1] : NULL;
    }
    for (unsigned k = 0; k < s->count && s->maps[s->sorted[k]].base <= address; k++) {
        unsigned n = s->sorted[k];
        if (address - s->maps[n].base < s->maps[n].length &&
            (best < 0 || wins(s, n, (unsigned)best)))
            best = (int)n;
    }
    return best < 0 ? NULL : &s->maps[best];
}

static unsigned widest(const struct space *s, const struct region *r)
{
    return r->max_size ? r->max_size : s->mmio ? 4 : 1;
}

/* Does the access lie whole in m, no wider than it wants? */
static bool fits(const struct space *s, const struct mapping *m, const struct io *io)
{
    return io->size <= widest(s, m->region) &&
           io->address - m->base + io->size <= m->length;
}

static uint64_t ones(unsigned size)
{
    return size >= 8 ? UINT64_MAX : (1ull << size * 8) - 1;
}

static void ask(struct mapping *m, struct io *io)
{
    enum io_status status = IO_DEFER;

    io->offset = (uint32_t)(io->address - m->base);
    if (!io->write)
        io->value = 0;
    if (m->region->peek)
        status = m->region->peek(m->dev, io);
    if (status == IO_DEFER) {
        m->accessed++;
        status = m->region->access(m->dev, io);
    } else {
        m->peeked++;
    }
    if (status == IO_NONE && !io->write)
        io->value = ones(io->size);
    io->value &= ones(io->size);
}

/* The largest naturally aligned piece at the access's front that goes to one place. */
static unsigned piece(const struct space *s, const struct mapping *m, uint64_t address,
                      unsigned left)
{
    unsigned size = m ? widest(s, m->region) : 1;
    while (size > left || address % size ||
           (m && address - m->base + size > m->length))
        size /= 2;
    return size;
}

void space_access(struct space *s, struct io *io)
{
    struct mapping *m = space_find(s, io->address);
    uint64_t value = 0;

    if (m && fits(s, m, io)) {
        ask(m, io);
        return;
    }
    for (unsigned done = 0; done < io->size;) {
        struct io part = {.address = io->address + done, .write = io->write};
        if (!s->mmio)
            part.address &= PORTS - 1;
        m = space_find(s, part.address);
        part.size = (uint8_t)piece(s, m, part.address, io->size - done);
        part.value = io->write ? io->value >> done * 8 & ones(part.size) : ones(part.size);
        if (m)
            ask(m, &part);
        else
            s->unclaimed++;
        value |= part.value << done * 8;
        done += part.size;
    }
    if (!io->write)
        io->value = value;
}

enum io_status space_peek(struct space *s, struct io *io)
{
    struct mapping *m = space_find(s, io->address);

    if (!m)
        return IO_NONE;
    if (!m->region->peek || !fits(s, m, io))
        return IO_DEFER;
    io->offset = (uint32_t)(io->address - m->base);
    return m->region->peek(m->dev, io);
}
