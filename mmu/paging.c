/* paging.c - the page walk. Intel SDM vol 3A ch. 4; figures and tables are named below.
 *
 * Paging structures are read and marked in RAM or ROM only, never in MMIO: an entry where
 * there is no memory reads as all ones, as an undriven bus does, and is judged as such.
 */
#include "mmu/paging.h"

#include "base/byteorder.h"

/* Entry bits; the same in every mode that has them. */
static const uint64_t P = 1 << 0, RW = 1 << 1, US = 1 << 2, A = 1 << 5, D = 1 << 6,
                      PS = 1 << 7, G = 1 << 8, XD = 1ull << 63;

/* Page-fault error code, Figure 4-12. */
enum { PF_P = 1, PF_WR = 2, PF_US = 4, PF_RSVD = 8, PF_ID = 16, PF_PK = 32 };

/* Bits high:low. */
static ALWAYS_INLINE uint64_t bits(unsigned high, unsigned low)
{
    return (~0ull >> (63 - high)) & (~0ull << low);
}

struct reading {
    struct phys *mem;
    const struct resolved *last; /* tables mostly lie in one piece of RAM */
    bool no_memory; /* the last entry */
};

static ALWAYS_INLINE const uint8_t *entry_at(struct reading *r, uint64_t where)
{
    const struct resolved *m = r->last;

    if (UNLIKELY(!m || where - m->base >= m->end - m->base)) {
        m = phys_resolve(r->mem, where);
        if (UNLIKELY(!m || !m->page.host))
            return NULL;
        r->last = m;
    }
    return m->page.host + (where - m->base);
}

/* Reads the entry of `size` bytes at where, and notes it in w. */
static ALWAYS_INLINE uint64_t walk_read(struct reading *r, struct walk *w, unsigned level,
                                        uint64_t where, unsigned size)
{
    const uint8_t *p;
    uint64_t e;

    where &= r->mem->a20_mask;
    p = entry_at(r, where);
    r->no_memory = !p;
    e = UNLIKELY(!p) ? bits(size * 8 - 1, 0) : size == 4 ? load32(p) : load64(p);
    w->entry[w->count].level = (uint8_t)level;
    w->entry[w->count].where = where;
    w->entry[w->count].value = e;
    w->count++;
    w->level = (uint8_t)level;
    return e;
}

/* The tables refuse, whoever asks. */
static bool COLD refuse(const struct reading *r, struct walk *w, enum walk_refusal why,
                        uint64_t offending)
{
    w->refused = r->no_memory ? WALK_NO_MEMORY : why;
    w->bits = offending;
    w->error_code = why == WALK_RESERVED ? PF_P | PF_RSVD : 0;
    return false;
}

static ALWAYS_INLINE void leaf(const struct paging *pg, struct walk *w, uint64_t e,
                               unsigned shift, uint64_t all, uint64_t any)
{
    w->shift = (uint8_t)shift;
    w->writable = all & RW;
    w->user = all & US;
    w->executable = !(any & XD);
    w->global = pg->pge && e & G;
    w->dirty = e & D;
}

/* 32-bit paging: two levels of 1024 entries. Tables 4-4 to 4-6. */
static bool walk_32(const struct paging *pg, uint64_t la, struct reading *r, struct walk *w)
{
    uint64_t all, e;

    e = walk_read(r, w, 2, (pg->cr3 & 0xfffff000) | ((la >> 22 & 1023) << 2), 4);
    if (!(e & P))
        return refuse(r, w, WALK_NOT_PRESENT, P);
    all = e;
    if (e & PS && pg->pse) {
        /* PSE-36: bits 20:13 are address bits 39:32, as far as MAXPHYADDR goes. */
        unsigned m = pg->phys_bits < 40 ? pg->phys_bits : 40;
        uint64_t reserved = m < 40 ? bits(21, m - 19) : bits(21, 21);
        if (e & reserved)
            return refuse(r, w, WALK_RESERVED, e & reserved);
        w->page = pa((e & 0xffc00000) | (e >> 13 & 0xff) << 32);
        leaf(pg, w, e, 22, all, 0);
        return true;
    }
    e = walk_read(r, w, 1, (e & 0xfffff000) | ((la >> 12 & 1023) << 2), 4);
    if (!(e & P))
        return refuse(r, w, WALK_NOT_PRESENT, P);
    w->page = pa(e & 0xfffff000);
    leaf(pg, w, e, 12, all & e, 0);
    return true;
}

/* PAE, 4-level and 5-level: tables of 512 entries. Tables 4-8 to 4-20. */
static bool walk_wide(const struct paging *pg, uint64_t la, struct reading *r,
                      struct walk *w)
{
    const bool pae = pg->mode == PAGING_PAE;
    const uint64_t address = bits(pg->phys_bits - 1, 12);
    /* In PAE entries 62:52 are reserved too; with 4 and 5 levels they are ignored. */
    const uint64_t high = (pae ? bits(62, 12) : bits(51, 12)) & ~address;
    const uint64_t always = high | (pg->nxe ? 0 : XD);
    uint64_t all = ~0ull, any = 0, table = pg->cr3 & address;
    unsigned level = pg->mode == PAGING_5LEVEL ? 5 : 4;

    if (pae) {
        /* The PDPTE registers were checked when CR3 was loaded (4.4.1); they are no memory
         * and have neither rights nor an accessed bit. */
        uint64_t e = pg->pdpte[la >> 30 & 3];
        w->level = 3;
        if (!(e & P))
            return refuse(r, w, WALK_NOT_PRESENT, P);
        table = e & address;
        level = 2;
    }
    for (;; level--) {
        unsigned shift = 12 + 9 * (level - 1);
        uint64_t e = walk_read(r, w, level, table | ((la >> shift & 511) << 3), 8);
        uint64_t reserved = always;
        bool last = level == 1;

        if (UNLIKELY(!(e & P)))
            return refuse(r, w, WALK_NOT_PRESENT, P);
        if (e & PS && level > 1) {
            last = level == 2 || (level == 3 && pg->gigabyte);
            reserved |= last ? bits(shift - 1, 13) : PS;
        }
        if (UNLIKELY(e & reserved))
            return refuse(r, w, WALK_RESERVED, e & reserved);
        all &= e;
        any |= e;
        if (last) {
            w->page = pa(e & address & ~bits(shift - 1, 0));
            w->pkey = pae ? 0 : (uint8_t)(e >> 59 & 15);
            leaf(pg, w, e, shift, all, any);
            return true;
        }
        table = e & address;
    }
}

static bool walk_tables(const struct paging *pg, uint64_t la, struct reading *r,
                        struct walk *w)
{
    w->refused = WALK_OK;
    w->count = 0;
    w->pkey = 0;
    w->bits = 0;
    w->error_code = 0;
    switch (pg->mode) {
    case PAGING_OFF:
        w->level = 0;
        w->shift = 12;
        w->writable = w->user = w->executable = w->dirty = true;
        w->global = false;
        w->page = pa(la & ~(uint64_t)(PAGE - 1));
        return true;
    case PAGING_32: return walk_32(pg, la, r, w);
    default: return walk_wide(pg, la, r, w);
    }
}

/* The error-code bits that tell how the access was made. */
static unsigned access_code(const struct paging *pg, struct accessor how)
{
    unsigned code = 0;

    if (how.kind == ACCESS_WRITE)
        code |= PF_WR;
    if (how.user && !how.implicit)
        code |= PF_US;
    if (how.kind == ACCESS_FETCH &&
        (pg->smep || (pg->nxe && pg->mode != PAGING_32 && pg->mode != PAGING_OFF)))
        code |= PF_ID;
    return code;
}

/* Do protection keys deny a data access? 4.6.2. */
static bool key_denies(const struct paging *pg, const struct walk *w, bool write, bool user)
{
    uint32_t rights = w->user ? (pg->pke ? pg->pkru : 0) : (pg->pks ? pg->pkrs : 0);

    if (LIKELY(!rights) || pg->mode < PAGING_4LEVEL)
        return false;
    rights >>= 2 * (w->pkey & 15);
    return rights & 1 || (rights & 2 && write && (user || pg->wp));
}

bool page_allows(const struct paging *pg, struct walk *w, struct accessor how)
{
    const bool user = how.user && !how.implicit, write = how.kind == ACCESS_WRITE;
    enum walk_refusal why = WALK_OK;
    bool key = false;

    if (pg->mode == PAGING_OFF) {
        why = WALK_OK;
    } else if (how.kind == ACCESS_FETCH) {
        if (user && !w->user)
            why = WALK_SUPERVISOR;
        else if (!user && w->user && pg->smep)
            why = WALK_SMEP;
        else if (!w->executable)
            why = WALK_NO_EXECUTE;
    } else {
        key = key_denies(pg, w, write, user);
        if (user && !w->user)
            why = WALK_SUPERVISOR;
        else if (!user && w->user && pg->smap && (how.implicit || !pg->ac))
            why = WALK_SMAP;
        else if (write && !w->writable && (user || pg->wp))
            why = WALK_READ_ONLY;
        else if (key)
            why = WALK_PKEY;
    }
    w->refused = why;
    if (LIKELY(why == WALK_OK))
        return true;
    switch (why) {
    case WALK_READ_ONLY: w->bits = RW; break;
    case WALK_NO_EXECUTE: w->bits = XD; break;
    case WALK_PKEY: w->bits = w->pkey; break;
    default: w->bits = US; break;
    }
    /* PK tells that the key denies, whatever else does (4.7). */
    w->error_code = (uint16_t)(access_code(pg, how) | PF_P | (key ? PF_PK : 0));
    return false;
}

/* Names the highest level whose entry is to blame for missing rights. */
static void COLD blame(struct walk *w)
{
    for (unsigned i = 0; i < w->count; i++) {
        uint64_t e = w->entry[i].value;
        if ((w->refused == WALK_READ_ONLY && !(e & RW)) ||
            (w->refused == WALK_SUPERVISOR && !(e & US)) ||
            (w->refused == WALK_NO_EXECUTE && e & XD)) {
            w->level = w->entry[i].level;
            return;
        }
    }
}

static NOINLINE void mark_entry(struct reading *r, uint64_t where, unsigned size,
                                uint64_t e)
{
    uint8_t *p = (uint8_t *)(uintptr_t)entry_at(r, where);
    uint64_t delta;

    if (!p || !r->last->page.write) /* in ROM */
        return;
    delta = where - r->last->base;
    store_le(p, size, e);
    if (r->mem->code)
        phys_stored(r->mem, r->last->page.number + (uint32_t)(delta / PAGE),
                    (unsigned)(where & (PAGE - 1)), size);
}

/* Sets A everywhere, and D in the leaf for a write (4.8). */
static ALWAYS_INLINE void mark(const struct paging *pg, struct reading *r, struct walk *w,
                               bool write)
{
    const unsigned size = pg->mode == PAGING_32 ? 4 : 8;

    for (unsigned i = 0; i < w->count; i++) {
        uint64_t set = write && i + 1u == w->count ? A | D : A;
        uint64_t e = w->entry[i].value;
        if (LIKELY((e & set) == set))
            continue;
        mark_entry(r, w->entry[i].where, size, e | set);
    }
}

/* A fault: the entries that led to the last one have been used (4.8), and 6.15, interrupt
 * 14, asks for A in them. In the leaf that lacks a right it is model specific: not set. */
static ALWAYS_INLINE void mark_used(const struct paging *pg, struct reading *r,
                                    const struct walk *w)
{
    for (unsigned i = 0; i + 1u < w->count; i++)
        if (UNLIKELY(!(w->entry[i].value & A)))
            mark_entry(r, w->entry[i].where, pg->mode == PAGING_32 ? 4 : 8,
                       w->entry[i].value | A);
}

bool page_walk(const struct paging *pg, struct phys *mem, uint64_t la, struct accessor how,
               struct walk *w)
{
    struct reading r = {.mem = mem};

    if (!walk_tables(pg, la, &r, w)) {
        w->error_code |= (uint16_t)access_code(pg, how);
        mark_used(pg, &r, w);
        return false;
    }
    if (!page_allows(pg, w, how)) {
        blame(w);
        mark_used(pg, &r, w);
        return false;
    }
    mark(pg, &r, w, how.kind == ACCESS_WRITE);
    w->dirty |= how.kind == ACCESS_WRITE;
    return true;
}

bool page_look(const struct paging *pg, struct phys *mem, uint64_t la, struct walk *w)
{
    struct reading r = {.mem = mem};

    return walk_tables(pg, la, &r, w);
}

bool paging_load_pdptes(struct paging *pg, struct phys *mem)
{
    const uint64_t reserved = bits(63, pg->phys_bits) | bits(8, 5) | bits(2, 1);
    struct reading r = {.mem = mem};
    uint64_t loaded[4];

    for (unsigned i = 0; i < 4; i++) {
        uint64_t where = ((pg->cr3 & 0xffffffe0) + 8 * i) & mem->a20_mask;
        const uint8_t *p = entry_at(&r, where);
        loaded[i] = p ? load64(p) : ~0ull;
        if (loaded[i] & P && loaded[i] & reserved)
            return false;
    }
    memcpy(pg->pdpte, loaded, sizeof loaded);
    return true;
}
