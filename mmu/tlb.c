/* tlb.c - the two translation caches of one CPU.
 *
 * The second level changes with walks, page faults and flushes alone, so that two runs
 * agree whatever the first level held. Intel SDM vol 3A 4.10.
 *
 * The first level's empty slots hold NO_TAG, or DROPPED when the slot still stands in the
 * list of filled ones; bit 0 keeps both from matching any page.
 */
#include "mmu/access.h"

#include <string.h>

static const uint64_t DROPPED = 3;
static const uint64_t SMALL = PAGE - 1, LARGE = (2ull << 20) - 1, HUGE = (1ull << 30) - 1;
enum { GLOBAL_SPACE = L2_SPACES - 1 };

static const struct field entry_fields[] = {L2_STATE(STATE_FIELD, l2_entry) {0}};

const struct field mmu_fields[] = {
    FIELD_SUBLIST(mmu, struct l2_entry, l2, L2_SETS *L2_WAYS, entry_fields)
    FIELD_SUBLIST(mmu, struct l2_entry, large, L2_LARGE_SETS *L2_WAYS, entry_fields)
    FIELD_SUBLIST(mmu, struct l2_entry, huge, L2_HUGE_SETS *L2_WAYS, entry_fields)
    MMU_STATE(STATE_FIELD, mmu)
    {0}};

/* ---- the first level ---- */

static struct l1_entry *slot(struct mmu *m, unsigned listed)
{
    return &m->data[listed / L1_ENTRIES][listed % L1_ENTRIES];
}

static struct l1_fetch *fetch_slot(struct mmu *m, unsigned listed)
{
    return &m->fetch[listed / L1_FETCHES][listed % L1_FETCHES];
}

void mmu_drop(struct mmu *m)
{
    if (LIKELY(m->filled_count != UNLISTED)) {
        for (unsigned i = 0; i < m->filled_count; i++) {
            struct l1_entry *e = slot(m, m->filled[i]);
            e->read = e->write = NO_TAG;
        }
    } else {
        for (unsigned i = 0; i < VIEW_COUNT * L1_ENTRIES; i++) {
            struct l1_entry *e = slot(m, i);
            e->read = e->write = NO_TAG;
        }
    }
    m->filled_count = 0;
    if (LIKELY(m->fetched_count != UNLISTED)) {
        for (unsigned i = 0; i < m->fetched_count; i++)
            fetch_slot(m, m->fetched[i])->tag = NO_TAG;
    } else {
        for (unsigned i = 0; i < 2 * L1_FETCHES; i++)
            fetch_slot(m, i)->tag = NO_TAG;
    }
    m->fetched_count = 0;
    m->keyed = false;
    m->watching = m->ranges != 0;
    for (unsigned i = 0; i < ARRAY_SIZE(m->watched); i++)
        m->watching |= m->watched[i] != NO_TAG;
    m->lean &= !m->watching;
}

void mmu_drop_write(struct mmu *m, uint32_t number)
{
    bool listed = m->filled_count != UNLISTED;
    unsigned n = listed ? m->filled_count : VIEW_COUNT * L1_ENTRIES;

    for (unsigned i = 0; i < n; i++) {
        struct l1_entry *e = slot(m, listed ? m->filled[i] : i);
        if (e->number == number && !(e->write & NO_TAG))
            e->write |= CODE_TAG;
    }
}

void mmu_drop_write_all(struct mmu *m)
{
    bool listed = m->filled_count != UNLISTED;
    unsigned n = listed ? m->filled_count : VIEW_COUNT * L1_ENTRIES;

    for (unsigned i = 0; i < n; i++)
        slot(m, listed ? m->filled[i] : i)->write = NO_TAG;
}

/* Drops one 4 KiB page in every view. */
static ALWAYS_INLINE void drop_page(struct mmu *m, uint64_t page)
{
    unsigned at = page / PAGE & (L1_ENTRIES - 1);

    for (unsigned v = 0; v < VIEW_COUNT; v++) {
        struct l1_entry *e = &m->data[v][at];
        if (e->read == page) {
            e->read = DROPPED;
            e->write = NO_TAG;
        }
    }
    at = page / PAGE & (L1_FETCHES - 1);
    for (unsigned v = 0; v < 2; v++)
        if (m->fetch[v][at].tag == page)
            m->fetch[v][at].tag = DROPPED;
}

/* Drops all 4 KiB pages of [base, base + mask]. */
static void drop_range(struct mmu *m, uint64_t base, uint64_t mask)
{
    bool listed = m->filled_count != UNLISTED;
    unsigned n = listed ? m->filled_count : VIEW_COUNT * L1_ENTRIES;

    if (mask == SMALL) {
        drop_page(m, base);
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        struct l1_entry *e = slot(m, listed ? m->filled[i] : i);
        if (!(e->read & 1) && (e->read & ~mask) == base) {
            e->read = DROPPED;
            e->write = NO_TAG;
        }
    }
    listed = m->fetched_count != UNLISTED;
    n = listed ? m->fetched_count : 2 * L1_FETCHES;
    for (unsigned i = 0; i < n; i++) {
        struct l1_fetch *e = fetch_slot(m, listed ? m->fetched[i] : i);
        if (!(e->tag & 1) && (e->tag & ~mask) == base)
            e->tag = DROPPED;
    }
}

/* Notes that a slot is about to be filled; in the small test mode the oldest makes room. */
static NOINLINE void list_slot(struct mmu *m, unsigned which)
{
    if (m->small && m->filled_count >= m->small && m->filled_count != UNLISTED) {
        struct l1_entry *oldest = slot(m, m->filled[0]);
        oldest->read = oldest->write = NO_TAG;
        m->filled_count--;
        memmove(m->filled, m->filled + 1, m->filled_count * sizeof m->filled[0]);
    }
    if (m->filled_count < L1_LISTED)
        m->filled[m->filled_count++] = (uint16_t)which;
    else
        m->filled_count = UNLISTED;
}

/* What is known of a page once its translation is allowed. */
struct found {
    uint64_t where;  /* physical address of the 4 KiB page, before A20 */
    unsigned rights; /* L2_* */
    unsigned pkey;
};

/* May a store go through, as far as keys and WP say? D is the caller's. */
static ALWAYS_INLINE bool may_store(const struct mmu *m, const struct found *f, bool user)
{
    uint32_t keys = (f->rights & L2_USER ? m->pkru : m->pkrs) >> 2 * f->pkey;

    return (f->rights & L2_WRITABLE || (!user && !m->paging.wp)) &&
           !(keys & 1) && !(keys & 2 && (user || m->paging.wp));
}

static COLD bool is_watched(const struct mmu *m, uint64_t page)
{
    for (unsigned n = 0; n < ARRAY_SIZE(m->watched); n++)
        if (m->watched[n] == page)
            return true;
    for (unsigned n = 0; n < m->ranges; n++)
        if (page <= m->range[n].last && (page | SMALL) >= m->range[n].first)
            return true;
    return false;
}

/* A page's write tag, once all but its code was found to allow stores. */
static ALWAYS_INLINE uint64_t write_tag(const struct mmu *m, uint64_t page, uint32_t number)
{
    return m->phys->code[number] ? page | CODE_TAG : page;
}

static ALWAYS_INLINE void fill_data(struct mmu *m, uint64_t page, const struct found *f,
                                    const struct phys_page *p, unsigned view)
{
    const bool user = view == VIEW_USER;
    struct l1_entry *e;
    bool write;

    if (view == VIEW_COUNT || (view == VIEW_SMAP && f->rights & L2_USER))
        return;
    if (UNLIKELY(m->watching) && is_watched(m, page))
        return;
    write = f->rights & L2_DIRTY && p->write && may_store(m, f, user);
    e = &m->data[view][page / PAGE & (L1_ENTRIES - 1)];
    if (e->read == NO_TAG && m->filled_count != UNLISTED)
        list_slot(m, (unsigned)(e - m->data[0]));
    if (UNLIKELY(f->pkey))
        m->keyed = true;
    e->read = page;
    e->write = write ? write_tag(m, page, p->number) : NO_TAG;
    e->addend = (uintptr_t)p->host - (uintptr_t)page;
    e->number = p->number;
    e->frame = (uint32_t)((f->where & m->phys->a20_mask) / PAGE);
}

static void fill_fetch(struct mmu *m, uint64_t page, const struct phys_page *p, bool user)
{
    struct l1_fetch *e = &m->fetch[!user][page / PAGE & (L1_FETCHES - 1)];

    if (e->tag == NO_TAG && m->fetched_count != UNLISTED) {
        if (m->fetched_count < ARRAY_SIZE(m->fetched))
            m->fetched[m->fetched_count++] = (uint16_t)(e - m->fetch[0]);
        else
            m->fetched_count = UNLISTED;
    }
    *e = (struct l1_fetch){page, p->host, p->number};
}

/* ---- the second level ---- */

static uint64_t piece_mask(unsigned shift)
{
    return shift < 21 ? SMALL : shift < 30 ? LARGE : HUGE;
}

static struct l2_entry *set_of(struct mmu *m, uint64_t la, uint64_t mask, uint8_t **next)
{
    unsigned at;

    if (mask == SMALL) {
        at = la >> 12 & (L2_SETS - 1);
        *next = &m->l2_next[at];
        return m->l2[at];
    }
    if (mask == LARGE) {
        at = la >> 21 & (L2_LARGE_SETS - 1);
        *next = &m->large_next[at];
        return m->large[at];
    }
    at = la >> 30 & (L2_HUGE_SETS - 1);
    *next = &m->huge_next[at];
    return m->huge[at];
}

static ALWAYS_INLINE struct l2_entry *way_of(struct l2_entry set[L2_WAYS], uint64_t tag,
                                             uint32_t space, uint32_t global)
{
#define WAY(i)                                                                           \
    if (set[i].tag == tag && (set[i].space == space || set[i].space == global))          \
        return &set[i];
    WAY(0)
    WAY(1)
    WAY(2)
    WAY(3)
#undef WAY
    return NULL;
}
_Static_assert(L2_WAYS == 4, "way_of looks at four");

/* The entry for la, and where its 4 KiB page is. */
static ALWAYS_INLINE struct l2_entry *find(struct mmu *m, uint64_t la, uint64_t *where)
{
    struct l2_entry *e;

    e = way_of(m->l2[la >> 12 & (L2_SETS - 1)], la & ~SMALL, m->space, m->global_space);
    if (LIKELY(e)) {
        *where = e->page & ~SMALL;
        return e;
    }
    e = way_of(m->large[la >> 21 & (L2_LARGE_SETS - 1)], la & ~LARGE, m->space,
               m->global_space);
    if (e) {
        *where = (e->page & ~LARGE) | (la & LARGE & ~SMALL);
        return e;
    }
    e = way_of(m->huge[la >> 30 & (L2_HUGE_SETS - 1)], la & ~HUGE, m->space,
               m->global_space);
    if (e)
        *where = (e->page & ~HUGE) | (la & HUGE & ~SMALL);
    return e;
}

static bool valid(const struct mmu *m, const struct l2_entry *e)
{
    unsigned space = e->space >> 16;

    return e->space && space < L2_SPACES && m->era[space] == (uint16_t)e->space;
}

static void empty(struct mmu *m, struct l2_entry *e)
{
    drop_range(m, e->tag, piece_mask(e->shift));
    e->space = 0;
}

/* Puts the walk's translation where `old` stood (NULL: find() has nothing for la), or in a
 * void way, or in round robin. */
static struct l2_entry *fill(struct mmu *m, uint64_t la, struct l2_entry *old)
{
    const struct walk *w = &m->walk;
    const uint64_t mask = piece_mask(w->shift);
    uint8_t *next;
    struct l2_entry *set = set_of(m, la, mask, &next), *e;
    struct l2_entry new = {
        .tag = la & ~mask,
        .page = (w->page.v + (la & ((1ull << w->shift) - 1))) & ~mask,
        .space = w->global ? m->global_space : m->space,
        .shift = w->shift,
        .pkey = w->pkey,
        .rights = (uint8_t)((w->writable ? L2_WRITABLE : 0) | (w->user ? L2_USER : 0) |
                            (w->executable ? L2_EXECUTABLE : 0) |
                            (w->global ? L2_GLOBAL : 0) | (w->dirty ? L2_DIRTY : 0)),
    };

    if (old && piece_mask(old->shift) != mask)
        empty(m, old);
    e = old ? way_of(set, new.tag, m->space, m->global_space) : NULL;
    if (e) {
        /* The usual case is a first store that set D: then what the first level holds
         * stays true. */
        if (e->page != new.page || e->pkey != new.pkey || e->rights & ~new.rights)
            empty(m, e);
    } else {
        for (unsigned i = 0; i < L2_WAYS && !e; i++)
            if (!valid(m, &set[i]))
                e = &set[i];
        if (!e) {
            e = &set[*next & (L2_WAYS - 1)];
            *next = (uint8_t)((*next + 1) & (L2_WAYS - 1));
            drop_range(m, e->tag, mask);
        }
    }
    if (m->paging.pcid && !w->global)
        m->pcids = true;
    *e = new;
    return e;
}

/* Walks. A page fault voids what was cached for the address (4.10.4.1), so that tables
 * corrected since are seen. */
static NOINLINE struct l2_entry *walk(struct mmu *m, uint64_t la, struct accessor how,
                                      struct l2_entry *old)
{
    if (!page_walk(&m->paging, m->phys, la, how, &m->walk)) {
        if (old)
            empty(m, old);
        return NULL;
    }
    return fill(m, la, old);
}

/* Do the rights of a cached entry do? If not, the tables decide. */
static ALWAYS_INLINE bool enough(const struct mmu *m, const struct found *f,
                                 struct accessor how)
{
    const bool user = how.user && !how.implicit;

    if (how.kind == ACCESS_FETCH)
        return f->rights & L2_EXECUTABLE &&
               (user ? f->rights & L2_USER : !(m->paging.smep && f->rights & L2_USER));
    if (user) {
        if (!(f->rights & L2_USER))
            return false;
    } else if (f->rights & L2_USER && m->paging.smap && (how.implicit || !m->paging.ac)) {
        return false;
    }
    if (UNLIKELY((f->rights & L2_USER ? m->pkru : m->pkrs) >> 2 * f->pkey & 1))
        return false;
    return how.kind == ACCESS_READ || (f->rights & L2_DIRTY && may_store(m, f, user));
}

/* missed: find() is known to have nothing for la. */
static ALWAYS_INLINE bool translate(struct mmu *m, uint64_t la, struct accessor how,
                                    bool missed, struct found *f)
{
    struct l2_entry *e = NULL;

    if (m->paging.mode == PAGING_OFF) {
        f->where = la & ~SMALL;
        f->rights = L2_WRITABLE | L2_USER | L2_EXECUTABLE | L2_DIRTY;
        f->pkey = 0;
        return true;
    }
    if (!missed)
        e = find(m, la, &f->where);
    if (e) {
        f->rights = e->rights;
        f->pkey = e->pkey & 15;
        if (LIKELY(enough(m, f, how)))
            return true;
    }
    e = walk(m, la, how, e);
    if (!e)
        return false;
    f->where = (e->page | (la & piece_mask(e->shift))) & ~SMALL;
    f->rights = e->rights;
    f->pkey = e->pkey;
    return true;
}

static ALWAYS_INLINE struct phys_page page_at(struct mmu *m, uint64_t a)
{
    const struct resolved *r = m->last;

    if (UNLIKELY(a - r->base >= r->end - r->base)) {
        r = phys_resolve(m->phys, a);
        if (!r)
            return (struct phys_page){NULL, NO_PAGE, false, false};
        m->last = r;
    }
    return resolved_page(r, a);
}

bool mmu_refill(struct mmu *m, uint64_t la, bool write)
{
    const bool user = m->data_view == VIEW_USER;
    const struct accessor how = {write ? ACCESS_WRITE : ACCESS_READ, user, false};
    const uint64_t page = la & ~SMALL;
    const struct l1_entry *to = &m->view[page / PAGE & (L1_ENTRIES - 1)];
    struct found f;
    struct phys_page p;

    if (write && to->write == (page | CODE_TAG) && m->phys->code[to->number])
        return false;
    if (m->paging.mode == PAGING_OFF) {
        f = (struct found){page, L2_WRITABLE | L2_USER | L2_EXECUTABLE | L2_DIRTY, 0};
    } else {
        const struct l2_entry *e = find(m, la, &f.where);
        if (UNLIKELY(!e))
            return false;
        f.rights = e->rights;
        f.pkey = e->pkey & 15;
        if (UNLIKELY(!enough(m, &f, how)))
            return false;
    }
    p = page_at(m, f.where & m->phys->a20_mask);
    if (UNLIKELY(!p.host))
        return false;
    fill_data(m, page, &f, &p, m->data_view);
    return (write ? to->write : to->read) == page;
}

/* Opens one page, whatever it is. missed: see translate(). */
static NOINLINE bool open_page(struct mmu *m, uint64_t la, unsigned size,
                               struct accessor how, bool missed, struct span *s)
{
    struct found f;
    struct phys_page p;
    uint64_t a;

    if (UNLIKELY(!translate(m, la, how, missed, &f)))
        return false;
    a = f.where & m->phys->a20_mask;
    p = page_at(m, a);
    s->where = pa(a | (la & SMALL));
    s->number = p.number;
    s->size = size;
    s->drop = p.drop;
    s->host = NULL;
    if (LIKELY(p.host)) {
        fill_data(m, la & ~SMALL, &f, &p, view_for(m, how));
        if (how.kind != ACCESS_WRITE || p.write)
            s->host = p.host + (la & SMALL);
    }
    return true;
}

static NOINLINE bool open_two(struct mmu *m, uint64_t la, unsigned size,
                              struct accessor how, struct spans *s, uint64_t *la_bad)
{
    unsigned first = PAGE - (unsigned)(la & SMALL);
    uint64_t second = (la | SMALL) + 1;

    /* Without 4-level paging linear addresses have 32 bits and wrap. */
    if (m->paging.mode < PAGING_4LEVEL)
        second = (uint32_t)second;
    s->count = 2;
    *la_bad = la;
    if (!open_page(m, la, first, how, false, &s->part[0]))
        return false;
    *la_bad = second;
    return open_page(m, second, size - first, how, false, &s->part[1]);
}

/* The warm path: a second-level hit on plain memory with nothing special about it. It
 * leaves what open_page() would leave. False: touched nothing, and sets *missed when the
 * second level has nothing for la. */
static ALWAYS_INLINE bool open_warm(struct mmu *m, uint64_t la, unsigned size,
                                    struct accessor how, bool *missed, struct span *s)
{
    const struct resolved *r = m->last;
    const bool write = how.kind == ACCESS_WRITE;
    const uint64_t page = la & ~SMALL;
    uint64_t where, delta;
    const struct l2_entry *e2;
    struct l1_entry *e;
    uint32_t number;
    unsigned rights;

    if (UNLIKELY(!m->lean || how.implicit || how.user != (m->data_view == VIEW_USER)))
        return false;
    e2 = find(m, la, &where);
    if (UNLIKELY(!e2)) {
        *missed = true;
        return false;
    }
    rights = e2->rights ^ m->flip;
    if (UNLIKELY(m->need[write] & ~rights))
        return false;
    where &= m->phys->a20_mask;
    delta = where - r->base;
    if (UNLIKELY(delta >= r->end - r->base || !r->page.host || !r->page.write))
        return false;
    e = &m->view[page / PAGE & (L1_ENTRIES - 1)];
    if (UNLIKELY(e->read == NO_TAG && m->filled_count != UNLISTED))
        list_slot(m, (unsigned)(e - m->data[0]));
    number = r->page.number + (uint32_t)(delta / PAGE);
    e->read = page;
    e->write = m->need[1] & ~rights ? NO_TAG : write_tag(m, page, number);
    e->addend = (uintptr_t)r->page.host + (uintptr_t)delta - (uintptr_t)page;
    e->number = number;
    e->frame = (uint32_t)(where / PAGE);
    s->host = r->page.host + delta + (la & SMALL);
    s->where = pa(where | (la & SMALL));
    s->number = number;
    s->size = size;
    s->drop = false;
    return true;
}

/* A first-level hit. */
static ALWAYS_INLINE bool open_hot(struct mmu *m, uint64_t la, unsigned size,
                                   struct accessor how, struct span *s)
{
    const struct l1_entry *e = &m->data[view_for(m, how)][la / PAGE & (L1_ENTRIES - 1)];

    if ((how.kind == ACCESS_WRITE ? e->write & ~CODE_TAG : e->read) != (la & ~SMALL))
        return false;
    s->host = (uint8_t *)(uintptr_t)(e->addend + (uintptr_t)la);
    s->where = pa((uint64_t)e->frame * PAGE | (la & SMALL));
    s->number = e->number;
    s->size = size;
    s->drop = false;
    return true;
}

bool mmu_open(struct mmu *m, uint64_t la, unsigned size, struct accessor how,
              struct spans *s, uint64_t *la_bad)
{
    bool missed = false;

    if (UNLIKELY((la & SMALL) + size > PAGE))
        return open_two(m, la, size, how, s, la_bad);
    s->count = 1;
    if (LIKELY(open_hot(m, la, size, how, &s->part[0])))
        return true;
    if (LIKELY(open_warm(m, la, size, how, &missed, &s->part[0])))
        return true;
    *la_bad = la;
    return open_page(m, la, size, how, missed, &s->part[0]);
}

static ALWAYS_INLINE struct phys_page code_at(struct mmu *m, uint64_t a)
{
    return UNLIKELY(m->phys->code_apart) ? phys_find_code(m->phys, pa(a)) : page_at(m, a);
}

bool mmu_fetch(struct mmu *m, uint64_t la, bool user, struct phys_page *p, paddr *where)
{
    struct found f;

    if (!translate(m, la, (struct accessor){ACCESS_FETCH, user, false}, false, &f))
        return false;
    *where = pa(f.where & m->phys->a20_mask);
    *p = code_at(m, where->v);
    if (p->host)
        fill_fetch(m, la & ~SMALL, p, user);
    return true;
}

bool mmu_fetch_known(struct mmu *m, uint64_t la, bool user, struct phys_page *p)
{
    struct found f = {la & ~SMALL, L2_EXECUTABLE, 0};
    const struct l2_entry *e;

    if (m->paging.mode != PAGING_OFF) {
        e = find(m, la, &f.where);
        if (!e)
            return false;
        f.rights = e->rights;
        if (!enough(m, &f, (struct accessor){ACCESS_FETCH, user, false}))
            return false;
    }
    *p = code_at(m, f.where & m->phys->a20_mask);
    return p->host != NULL;
}

bool mmu_debug_translate(struct mmu *m, uint64_t la, paddr *where)
{
    struct walk w;

    if (!page_look(&m->paging, m->phys, la, &w))
        return false;
    *where = pa((w.page.v | (la & ((1ull << w.shift) - 1))) & m->phys->a20_mask);
    return true;
}

/* ---- flushes ---- */

static void refresh_spaces(struct mmu *m)
{
    unsigned pcid = m->paging.pcid & 0xfff;

    m->space = (uint32_t)pcid << 16 | m->era[pcid];
    m->global_space = (uint32_t)GLOBAL_SPACE << 16 | m->era[GLOBAL_SPACE];
}

static void void_space(struct l2_entry *e, unsigned n, unsigned space)
{
    for (unsigned i = 0; i < n; i++)
        if (e[i].space >> 16 == space)
            e[i].space = 0;
}

static void next_era(struct mmu *m, unsigned space)
{
    if (LIKELY(++m->era[space]))
        return;
    /* Eras wrapped: entries of the last time round must not come back. */
    void_space(m->l2[0], L2_SETS * L2_WAYS, space);
    void_space(m->large[0], L2_LARGE_SETS * L2_WAYS, space);
    void_space(m->huge[0], L2_HUGE_SETS * L2_WAYS, space);
    m->era[space] = 1;
}

void mmu_flush_nonglobal(struct mmu *m)
{
    next_era(m, 0);
    if (m->pcids)
        for (unsigned i = 1; i < GLOBAL_SPACE; i++)
            next_era(m, i);
    m->pcids = false;
    refresh_spaces(m);
    mmu_drop(m);
    m->flushes++;
}

void mmu_flush_all(struct mmu *m)
{
    next_era(m, GLOBAL_SPACE);
    mmu_flush_nonglobal(m);
}

void mmu_flush_local(struct mmu *m, uint16_t pcid)
{
    pcid &= 0xfff;
    next_era(m, pcid);
    if (pcid == (m->paging.pcid & 0xfff)) {
        refresh_spaces(m);
        mmu_drop(m);
    }
    m->flushes++;
}

/* Every way of the set that holds la: a local and a global entry can stand side by side
 * after tables changed. */
static void flush_piece(struct mmu *m, uint64_t la, uint64_t mask, uint32_t space,
                        unsigned shift)
{
    uint8_t *next;
    struct l2_entry *set = set_of(m, la, mask, &next), *e;

    for (unsigned i = 0; i < L2_WAYS; i++) {
        e = &set[i];
        if (e->tag == (la & ~mask) && (!shift || e->shift == shift) &&
            (e->space == space || e->space == m->global_space))
            empty(m, e);
    }
}

void mmu_flush_page(struct mmu *m, uint64_t la, uint16_t pcid)
{
    uint32_t space = (uint32_t)(pcid & 0xfff) << 16 | m->era[pcid & 0xfff];

    flush_piece(m, la, SMALL, space, 0);
    flush_piece(m, la, LARGE, space, 0);
    flush_piece(m, la ^ 2u << 20, LARGE, space, 22); /* the other half of 4 MiB */
    flush_piece(m, la, HUGE, space, 0);
    drop_page(m, la & ~SMALL); /* with paging off there is no second level */
    m->flushes++;
}

/* ---- life ---- */

void mmu_select(struct mmu *m, enum view data, bool user_fetch, bool check_alignment)
{
    const struct paging *pg = &m->paging;
    const bool keys = pg->mode >= PAGING_4LEVEL;
    const uint32_t pkru = keys && pg->pke ? pg->pkru : 0;
    const uint32_t pkrs = keys && pg->pks ? pg->pkrs : 0;
    const uint64_t shape = pg->pcid | (uint64_t)pg->mode << 16 | (uint64_t)pg->wp << 24 |
                           (uint64_t)pg->smep << 25 | (uint64_t)keys << 26;
    bool drop = shape != m->shape;

    /* Key 0 marks no page, so its rights concern all. */
    if (UNLIKELY(pkru != m->pkru || pkrs != m->pkrs))
        drop |= m->keyed || (pkru ^ m->pkru) & 3 || (pkrs ^ m->pkrs) & 3;
    m->shape = shape;
    m->pkru = pkru;
    m->pkrs = pkrs;
    refresh_spaces(m);
    if (drop)
        mmu_drop(m);
    mmu_select_view(m, data, user_fetch, check_alignment);
}

void mmu_select_view(struct mmu *m, enum view data, bool user_fetch, bool check_alignment)
{
    const struct paging *pg = &m->paging;

    m->data_view = (uint8_t)(check_alignment ? VIEW_COUNT : data);
    m->view = m->data[m->data_view];
    m->fetch_view = m->fetch[!user_fetch];
    m->system_view = m->data[check_alignment ? VIEW_COUNT
                             : pg->smap      ? VIEW_SMAP
                                             : VIEW_SUPERVISOR];
    m->flip = data == VIEW_SMAP ? L2_USER : 0;
    m->need[0] = data == VIEW_SUPERVISOR ? 0 : L2_USER;
    m->need[1] = m->need[0] | L2_DIRTY |
                 (data == VIEW_USER || pg->wp ? L2_WRITABLE : 0);
    m->lean = pg->mode != PAGING_OFF && !check_alignment && !m->pkru && !m->pkrs && !m->watching;
}

void mmu_reset(struct mmu *m)
{
    memset(m->l2, 0, sizeof m->l2);
    memset(m->large, 0, sizeof m->large);
    memset(m->huge, 0, sizeof m->huge);
    memset(m->l2_next, 0, sizeof m->l2_next);
    memset(m->large_next, 0, sizeof m->large_next);
    memset(m->huge_next, 0, sizeof m->huge_next);
    for (unsigned i = 0; i < L2_SPACES; i++)
        m->era[i] = 1;
    m->pcids = false;
    m->flushes++;
    refresh_spaces(m);
    mmu_drop(m);
}

void mmu_init(struct mmu *m, struct phys *phys)
{
    memset(m, 0, sizeof *m);
    m->phys = phys;
    m->last = phys->map;
    m->filled_count = m->fetched_count = UNLISTED; /* tags are not yet NO_TAG */
    for (unsigned i = 0; i < L1_ENTRIES; i++)
        m->data[VIEW_COUNT][i].read = m->data[VIEW_COUNT][i].write = NO_TAG;
    for (unsigned i = 0; i < ARRAY_SIZE(m->watched); i++)
        m->watched[i] = NO_TAG;
    mmu_reset(m);
    m->flushes = 0;
    mmu_select(m, VIEW_SUPERVISOR, false, false);
}
