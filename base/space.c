/* space.c - who answers at a port or an MMIO address.
 *
 * Ports have a table with an entry each. MMIO mappings are sorted by base; reach[] says
 * how far everything up to a place extends, so that a search from the right can stop.
 */
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
    memset(s, 0, sizeof *s);
}

static uint64_t last_byte(uint64_t base, uint64_t length)
{
    return base > UINT64_MAX - (length - 1) ? UINT64_MAX : base + length - 1;
}

static bool holds(const struct mapping *m, uint64_t address)
{
    return m->length && address >= m->base && address <= m->last;
}

static bool beats(const struct mapping *a, const struct mapping *b)
{
    return a->priority != b->priority ? a->priority > b->priority : a->order < b->order;
}

/* Gives each port from first to last to the best mapping that holds it. */
static void repaint(struct space *s, uint64_t first, uint64_t last)
{
    if (last >= PORTS)
        last = PORTS - 1;
    for (uint64_t port = first; port <= last; port++)
        s->ports[port] = 0;
    for (unsigned i = 0; i < SPACE_MAPPINGS; i++) {
        const struct mapping *m = &s->maps[i];
        uint64_t from, to;

        if (!m->used || !m->length || m->base > last || m->last < first)
            continue;
        from = m->base > first ? m->base : first;
        to = m->last < last ? m->last : last;
        for (uint64_t port = from; port <= to; port++)
            if (!s->ports[port] || beats(m, &s->maps[s->ports[port] - 1]))
                s->ports[port] = (uint16_t)(i + 1);
    }
}

static void measure(struct space *s)
{
    uint64_t reach = 0;

    s->last = NULL;
    s->overlaps = false;
    for (unsigned i = 0; i < s->count; i++) {
        const struct mapping *m = &s->maps[s->sorted[i]];

        if (i && m->base <= reach)
            s->overlaps = true;
        if (i == 0 || m->last > reach)
            reach = m->last;
        s->reach[i] = reach;
    }
}

/* The number of mappings whose base is at most address. */
static unsigned bases_up_to(const struct space *s, uint64_t address)
{
    unsigned low = 0, high = s->count;

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (s->maps[s->sorted[middle]].base <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void map_changed(struct space *s)
{
    measure(s);
    if (s->changed)
        s->changed(s->owner);
}

int space_map(struct space *s, const struct region *r, void *dev, uint64_t base,
              int priority)
{
    unsigned handle = 0, place;
    struct mapping *m;

    while (handle < SPACE_MAPPINGS && s->maps[handle].used)
        handle++;
    if (handle == SPACE_MAPPINGS)
        return -1;
    m = &s->maps[handle];
    *m = (struct mapping){.region = r,
                          .dev = dev,
                          .base = base,
                          .length = r->length,
                          .last = last_byte(base, r->length),
                          .priority = priority,
                          .order = s->orders++,
                          .used = true};
    if (!m->length)
        return (int)handle;
    if (!s->mmio) {
        repaint(s, base, m->last);
        return (int)handle;
    }
    place = bases_up_to(s, base);
    memmove(&s->sorted[place + 1], &s->sorted[place],
            (s->count - place) * sizeof s->sorted[0]);
    s->sorted[place] = (uint16_t)handle;
    s->count++;
    map_changed(s);
    return (int)handle;
}

void space_unmap(struct space *s, int handle)
{
    struct mapping *m;

    if (handle < 0 || handle >= SPACE_MAPPINGS || !s->maps[handle].used)
        return;
    m = &s->maps[handle];
    m->used = false;
    if (!m->length)
        return;
    if (!s->mmio) {
        repaint(s, m->base, m->last);
        return;
    }
    for (unsigned i = 0; i < s->count; i++)
        if (s->sorted[i] == handle) {
            memmove(&s->sorted[i], &s->sorted[i + 1],
                    (s->count - i - 1) * sizeof s->sorted[0]);
            s->count--;
            break;
        }
    map_changed(s);
}

/* The one found last is right again while no two overlap: most accesses go where the
 * one before went. */
static struct mapping *find_mmio(struct space *s, uint64_t address)
{
    struct mapping *best = NULL;

    if (s->last && holds(s->last, address))
        return s->last;
    for (unsigned i = bases_up_to(s, address); i-- && s->reach[i] >= address;) {
        struct mapping *m = &s->maps[s->sorted[i]];

        if (holds(m, address) && (!best || beats(m, best)))
            best = m;
        if (best && !s->overlaps) {
            s->last = best;
            break;
        }
    }
    return best;
}

static inline struct mapping *find(struct space *s, uint64_t address)
{
    if (s->mmio)
        return find_mmio(s, address);
    if (address >= PORTS || !s->ports[address])
        return NULL;
    return &s->maps[s->ports[address] - 1];
}

struct mapping *space_find(struct space *s, uint64_t address)
{
    return find(s, address);
}

/* size: 1 to 8 bytes. */
static inline uint64_t ones(unsigned size)
{
    return UINT64_MAX >> (64 - 8 * size);
}

static unsigned width(const struct space *s, const struct region *r)
{
    return r->max_size ? r->max_size : s->mmio ? 4 : 1;
}

static bool takes_wide(struct space *s, const struct mapping *m, uint64_t address,
                       unsigned size)
{
    if (size > width(s, m->region) || m->last - address < size - 1)
        return false;
    if (!s->mmio || s->overlaps)
        for (unsigned i = 1; i < size; i++)
            if (find(s, address + i) != m)
                return false;
    return true;
}

/* Whether m, which holds address, answers all of `size` bytes there, in one access. */
static inline bool takes(struct space *s, const struct mapping *m, uint64_t address,
                         unsigned size)
{
    return size == 1 || takes_wide(s, m, address, size);
}

static enum io_status nobody(struct space *s, struct io *io)
{
    s->unclaimed++;
    if (!io->write)
        io->value = ones(io->size);
    return IO_NONE;
}

/* The device may change the map in access: m's place in maps[] stays. */
static inline void ask(struct space *s, struct mapping *m, struct io *io)
{
    const struct region *r = m->region;
    enum io_status status = IO_DEFER;

    io->offset = (uint32_t)(io->address - m->base);
    if (r->peek)
        status = r->peek(m->dev, io);
    if (status != IO_DEFER) {
        m->peeked++;
    } else {
        m->accessed++;
        status = r->access ? r->access(m->dev, io) : IO_NONE;
    }
    if (status != IO_DONE)
        nobody(s, io);
    else if (!io->write)
        io->value &= ones(io->size);
}

/* The widest access of 1, 2, 4 or 8 bytes that one region takes. */
static unsigned piece(struct space *s, const struct mapping *m, uint64_t address,
                      unsigned left)
{
    unsigned size = 8;

    while (size > 1 && (size > left || (m && !takes(s, m, address, size))))
        size /= 2;
    return m ? size : 1;
}

/* What no region takes whole. */
static NOINLINE void access_pieces(struct space *s, struct io *io)
{
    uint64_t value = 0;

    for (unsigned done = 0; done < io->size;) {
        struct io part = *io;
        struct mapping *m;

        part.address = io->address + done;
        if (part.address < io->address)
            break; /* past the end of the address space */
        m = find(s, part.address);
        part.size = (uint8_t)piece(s, m, part.address, io->size - done);
        part.value = io->value >> 8 * done & ones(part.size);
        if (m)
            ask(s, m, &part);
        else
            nobody(s, &part);
        value |= part.value << 8 * done;
        done += part.size;
    }
    if (!io->write)
        io->value = value;
}

void space_access(struct space *s, struct io *io)
{
    struct mapping *m = find(s, io->address);

    if (io->write)
        io->value &= ones(io->size);
    if (m && takes(s, m, io->address, io->size))
        ask(s, m, io);
    else
        access_pieces(s, io);
}

enum io_status space_peek(struct space *s, struct io *io)
{
    struct mapping *m = find(s, io->address);
    enum io_status status;

    if (!m) {
        for (unsigned i = 1; i < io->size; i++)
            if (find(s, io->address + i))
                return IO_DEFER;
        return nobody(s, io);
    }
    if (!m->region->peek || !takes(s, m, io->address, io->size))
        return IO_DEFER;
    io->offset = (uint32_t)(io->address - m->base);
    if (io->write)
        io->value &= ones(io->size);
    status = m->region->peek(m->dev, io);
    if (status == IO_DEFER)
        return status;
    m->peeked++;
    if (status == IO_NONE)
        return nobody(s, io);
    if (!io->write)
        io->value &= ones(io->size);
    return IO_DONE;
}
