/* monitor_map.c - "info mem" and "info memory": what is mapped where.
 *
 * The page tables are the guest's: they may point at themselves, so that the walk's work
 * and the lines are bounded. Intel SDM vol 3A 4.3 to 4.5.
 */
#include "debug/monitor.h"

#include "base/byteorder.h"

typedef unsigned long long ull;

enum { ENTRIES_MOST = 4 << 20, LINES_MOST = 2000 };

enum { P = 1 << 0, RW = 1 << 1, US = 1 << 2, PS = 1 << 7 };
#define XD (1ull << 63)

/* A run of pages with equal rights. */
struct run {
    uint64_t from, length; /* length 0: none yet */
    uint64_t rights;       /* RW, US, XD */
};

struct tour {
    struct monitor *m;
    const struct paging *paging;
    struct run run;
    unsigned entries, lines;
    bool cut;
};

static void end_run(struct tour *t)
{
    uint64_t last = t->run.from + t->run.length - 1;

    if (!t->run.length)
        return;
    if (++t->lines > LINES_MOST)
        t->cut = true;
    else
        monitor_say(t->m, "%016llx-%016llx %12llu KiB %c%c%c", (ull)t->run.from, (ull)last,
                    (ull)(t->run.length >> 10), t->run.rights & US ? 'u' : '-',
                    t->run.rights & RW ? 'w' : 'r', t->run.rights & XD ? '-' : 'x');
    t->run.length = 0;
}

static void mapped(struct tour *t, uint64_t la, uint64_t size, uint64_t rights)
{
    if (t->run.length && (t->run.from + t->run.length != la || t->run.rights != rights))
        end_run(t);
    if (!t->run.length)
        t->run = (struct run){la, 0, rights};
    t->run.length += size;
}

/* RW and US hold when every level gives them, XD when any does. */
static uint64_t and_rights(uint64_t above, uint64_t entry)
{
    return (above & entry & (RW | US)) | ((above | entry) & XD);
}

static uint64_t canonical(const struct tour *t, uint64_t la)
{
    unsigned bits = t->paging->mode == PAGING_5LEVEL   ? 57
                    : t->paging->mode == PAGING_4LEVEL ? 48
                                                       : 64;
    return bits < 64 && la >> (bits - 1) & 1 ? la | ~0ull << bits : la;
}

/* The table at physical address `table`, whose entries map 1 << shift bytes each. */
static void tour_table(struct tour *t, uint64_t table, unsigned shift, uint64_t la,
                       uint64_t rights)
{
    bool wide = t->paging->mode != PAGING_32;
    unsigned size = wide ? 8 : 4, step = wide ? 9 : 10;
    bool may_be_large = wide ? shift == 21 || shift == 30 : shift == 22 && t->paging->pse;

    for (unsigned n = 0; n < 1u << step && !t->cut; n++) {
        uint8_t bytes[8] = {0};
        uint64_t entry, at = canonical(t, la + ((uint64_t)n << shift)), r;
        if (++t->entries > ENTRIES_MOST) {
            t->cut = true;
            return;
        }
        if (!phys_read(t->m->phys, pa(table + n * size), bytes, size))
            return; /* no memory here: nothing is mapped that makes sense */
        entry = load64(bytes);
        if (!(entry & P))
            continue;
        r = and_rights(rights, t->paging->nxe && wide ? entry : entry & ~XD);
        if (shift == 12 || (may_be_large && entry & PS))
            mapped(t, at, 1ull << shift, r);
        else
            tour_table(t, entry & (wide ? 0xffffffffff000 : 0xfffff000), shift - step, at, r);
    }
}

void monitor_linear_map(struct monitor *m, const char *argument)
{
    struct tour t = {.m = m, .paging = &m->cpu(m->owner, m->current)->mmu.paging};
    const struct paging *pg = t.paging;

    (void)argument;
    switch (pg->mode) {
    case PAGING_OFF:
        monitor_say(m, "paging is off: linear addresses are physical ones");
        return;
    case PAGING_32: tour_table(&t, pg->cr3 & 0xfffff000, 22, 0, RW | US); break;
    case PAGING_PAE:
        for (unsigned n = 0; n < 4; n++)
            if (pg->pdpte[n] & P)
                tour_table(&t, pg->pdpte[n] & 0xffffffffff000, 21, (uint64_t)n << 30,
                           RW | US);
        break;
    case PAGING_4LEVEL: tour_table(&t, pg->cr3 & 0xffffffffff000, 39, 0, RW | US); break;
    case PAGING_5LEVEL: tour_table(&t, pg->cr3 & 0xffffffffff000, 48, 0, RW | US); break;
    }
    end_run(&t);
    if (t.cut)
        monitor_say(m, "and more: cut after %d lines or %d table entries", LINES_MOST,
                    ENTRIES_MOST);
}

void monitor_physical_map(struct monitor *m, const char *argument)
{
    (void)argument;
    for (unsigned n = 0; n < m->phys->map_count; n++) {
        const struct resolved *r = &m->phys->map[n];
        const char *name = "?";
        for (unsigned k = 0; k < m->phys->backing_count; k++) {
            const struct backing *b = &m->phys->backings[k];
            uint32_t page = r->page.host ? r->page.number : r->store_number;
            if (page >= b->first && page - b->first < b->size / PAGE)
                name = b->name;
        }
        if (r->end > r->base)
            monitor_say(m, "%012llx-%012llx %c%c %s", (ull)r->base, (ull)(r->end - 1),
                        r->page.host ? 'r' : '-', r->store ? 'w' : '-', name);
    }
    monitor_say(m, "A20 is %s", m->phys->a20_mask == UINT64_MAX ? "on" : "off");
}
