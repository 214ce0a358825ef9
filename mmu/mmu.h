/* mmu.h - one CPU's two translation caches.
 *
 * The second level is architectural: set-associative, tagged by PCID, saved in
 * snapshots, filled and replaced identically in every loop and debugging mode, because
 * stale entries and accessed bits are visible to guests. Replacement depends on fills
 * alone, never on hits.
 *
 * The first level is derived from it and may be dropped at any moment: direct-mapped, one
 * array per view. Every first-level entry has its second-level entry (with paging on):
 * evicting or flushing that drops it.
 */
#ifndef MMU_MMU_H
#define MMU_MMU_H

#include "base/state.h"
#include "mmu/paging.h"
#include "mmu/phys.h"

enum {
    L1_ENTRIES = 512,
    L1_FETCHES = 128,
    L1_LISTED = 256, /* first-level fills that are remembered one by one */
    UNLISTED = L1_LISTED + 1,
    L2_SETS = 1024,  /* 4 KiB pages */
    L2_WAYS = 4,
    L2_LARGE_SETS = 256, /* 2 MiB pages, and 4 MiB ones as two pieces */
    L2_HUGE_SETS = 4,    /* 1 GiB pages */
    L2_SPACES = 4097,    /* the PCIDs, and one for global pages */
};

/* A tag is the page's linear address; no page has this one (bit 0 is never compared
 * equal, because compares clear the low 12 bits). */
#define NO_TAG 1ull
/* In a write tag: all but decoded code in the page allows stores. No probe matches it; a
 * store that knows of it tells phys_stored() afterwards. */
#define CODE_TAG 2ull

struct l1_entry {
    uint64_t read, write;  /* tags; a write tag implies the read tag, D set, no code here,
                              no watchpoint */
    uintptr_t addend;      /* host address = addend + la */
    uint32_t number;       /* backing page */
    uint32_t frame;        /* physical page number */
};

struct l1_fetch {
    uint64_t tag;
    uint8_t *host;   /* the page's first byte */
    uint32_t number; /* backing page; NO_PAGE never stands here */
};

/* Views: which first-level array an access uses. EMPTY is never filled: armed alignment
 * checks select it, so that every access takes the general handler. */
enum view { VIEW_USER, VIEW_SUPERVISOR, VIEW_SMAP, VIEW_COUNT };

/* An entry belongs to a space: a PCID or, for global pages, all of them. A space is
 * flushed by giving it a new era; entries of older ones are void. */
#define L2_STATE(_, x)                                                                   \
    _(x, uint64_t, tag, 0, UINT64_MAX, "linear address of the page or piece")            \
    _(x, uint64_t, page, 0, 0xfffffffffffff, "physical address of it")                   \
    _(x, uint32_t, space, 0, UINT32_MAX, "PCID (global: 1000h) << 16 | era; 0 is void")  \
    _(x, uint8_t, shift, 0, 30, "of the real page: 12, 21, 22, 30")                     \
    _(x, uint8_t, pkey, 0, 15, "protection key")                                         \
    _(x, uint8_t, rights, 0, 31, "L2_*")

struct l2_entry {
    L2_STATE(STATE_MEMBER, )
};
enum { L2_WRITABLE = 1, L2_USER = 2, L2_EXECUTABLE = 4, L2_GLOBAL = 8, L2_DIRTY = 16 };

/* The architectural part, but for the entries. */
#define MMU_STATE(_, x)                                                                  \
    _(x, uint8_t, l2_next, 0, L2_WAYS - 1, "way to replace next", L2_SETS)               \
    _(x, uint8_t, large_next, 0, L2_WAYS - 1, "way to replace next", L2_LARGE_SETS)      \
    _(x, uint8_t, huge_next, 0, L2_WAYS - 1, "way to replace next", L2_HUGE_SETS)        \
    _(x, uint16_t, era, 1, 0xffff, "flushes of each space, modulo wrapping", L2_SPACES)  \
    _(x, bool, pcids, false, 1, "a PCID other than 0 may have entries")                  \
    _(x, uint64_t, flushes, 0, UINT64_MAX, "calls of mmu_flush_* and mmu_reset")

/* Linear addresses [first, last]. */
struct mmu_range {
    uint64_t first, last;
};

struct mmu {
    struct phys *phys;
    struct paging paging;

    /* Derived. */
    struct l1_entry *view;       /* the selected view of data[] */
    struct l1_fetch *fetch_view; /* the selected view of fetch[] */
    struct l1_entry *system_view; /* of data[], for the CPU's own accesses (GDT, TSS ...) */
    uint32_t space;              /* of the current PCID, with its era */
    uint32_t global_space;
    struct l1_entry data[VIEW_COUNT + 1][L1_ENTRIES]; /* the last stays empty */
    struct l1_fetch fetch[2][L1_FETCHES];             /* user, supervisor */
    uint16_t filled[L1_LISTED]; /* data slots filled since the last drop, oldest first */
    uint16_t fetched[L1_LISTED / 4];
    unsigned filled_count, fetched_count; /* UNLISTED: any slot may be filled */
    const struct resolved *last; /* phys->map entry found last; verified at each use */
    uint8_t data_view;    /* enum view; VIEW_COUNT while alignment is checked */
    uint8_t flip, need[2]; /* an explicit read (write) through the view is allowed when
                              (rights ^ flip) has all bits of need[0] ([1]) */
    bool lean;            /* need and flip tell all: paging on, no keys, no watchpoints */
    bool watching;        /* watched[] or range[] is not empty; as of the last mmu_drop() */
    bool keyed;           /* a page with a protection key not 0 is in the first level */
    uint64_t shape;       /* what the first level was made under; see mmu_select */
    uint32_t pkru, pkrs;
    unsigned small;       /* test mode: keep at most this many data entries; 0: off; at most
                             L1_LISTED */
    uint64_t watched[4];  /* linear pages with a data breakpoint: no fast tags; NO_TAG none.
                             Whoever changes them calls mmu_drop(), then mmu_select() */
    const struct mmu_range *range; /* a debugger's watchpoints, likewise */
    unsigned ranges;

    /* Architectural. flushes: whoever keeps a translation across instructions compares it;
     * evictions do not count. */
    struct l2_entry l2[L2_SETS][L2_WAYS];
    struct l2_entry large[L2_LARGE_SETS][L2_WAYS];
    struct l2_entry huge[L2_HUGE_SETS][L2_WAYS];
    MMU_STATE(STATE_MEMBER, )

    struct walk walk; /* the last refused access: why */

    /* Called before an MMIO access, so that the clock is exact. May be NULL. */
    void (*before_mmio)(void *owner);
    /* Told of each access that goes through spans, after a load and before a store: bytes
     * in memory order. NULL but while tracing, when the probes never hit. */
    void (*watcher)(void *owner, bool write, paddr where, const void *bytes, unsigned size);
    void *owner;
};

/* Contiguous guest bytes as one or two pieces in host memory or MMIO. */
struct span {
    uint8_t *host; /* NULL: MMIO (or a write that vanishes: see drop) */
    paddr where;
    uint32_t number; /* backing page or NO_PAGE */
    uint32_t size;
    bool drop;
};
struct spans {
    struct span part[2];
    unsigned count; /* 1, or 2 when it crosses a page */
};

void mmu_init(struct mmu *m, struct phys *phys);
void mmu_reset(struct mmu *m);

/* Paging registers changed: cpu/ filled m->paging and says which view data accesses use
 * from now on. Flushes nothing architectural; drops the first level when something that
 * shaped it changed (paging mode, PCID, WP, SMEP, protection keys). To be called after a
 * restore too, behind mmu_drop(). */
void mmu_select(struct mmu *m, enum view data, bool user_fetch, bool check_alignment);

/* The part of mmu_select() that a change of CPL, of EFLAGS.AC or of the watchpoints needs,
 * while the paging registers are what they were at the last mmu_select(). */
void mmu_select_view(struct mmu *m, enum view data, bool user_fetch, bool check_alignment);

/* Translates [la, la + size), size at most 64, for how; fills both levels. False: refused,
 * m->walk says why and *la_bad is the address that CR2 gets. Nothing else has happened. */
bool mmu_open(struct mmu *m, uint64_t la, unsigned size, struct accessor how,
              struct spans *s, uint64_t *la_bad);

/* Fills the first level for a data access of the current view at la from the second level
 * alone, changing nothing architectural. True: a probe of that page will hit now. */
bool mmu_refill(struct mmu *m, uint64_t la, bool write);

/* One fetch page: fills the fetch views. NULL host in *p means code in MMIO. *where is the
 * physical address of the page's first byte. False: as mmu_open. */
bool mmu_fetch(struct mmu *m, uint64_t la, bool user, struct phys_page *p, paddr *where);

/* The page behind la, if the second level (or paging being off) says that it may be executed;
 * fills nothing. */
bool mmu_fetch_known(struct mmu *m, uint64_t la, bool user, struct phys_page *p);

/* Moves bytes (memory order) between spans and a buffer; handles MMIO (in naturally
 * aligned pieces) and tells phys about code that was written. */
void spans_read(struct mmu *m, const struct spans *s, void *to, unsigned size);
void spans_write(struct mmu *m, const struct spans *s, const void *from, unsigned size);
uint64_t spans_load(struct mmu *m, const struct spans *s, unsigned size); /* 1 to 8 */
void spans_store(struct mmu *m, const struct spans *s, unsigned size, uint64_t value);

/* Invalidation, both levels. */
void mmu_flush_all(struct mmu *m);                      /* global pages too */
void mmu_flush_local(struct mmu *m, uint16_t pcid);     /* all but global, one PCID */
void mmu_flush_nonglobal(struct mmu *m);                /* all PCIDs but global */
void mmu_flush_page(struct mmu *m, uint64_t la, uint16_t pcid); /* INVLPG: and global */
/* Derived level only. */
void mmu_drop(struct mmu *m);              /* every first-level entry */
void mmu_drop_write(struct mmu *m, uint32_t number); /* write tags of a backing page */
void mmu_drop_write_all(struct mmu *m);    /* CR0.WP changed */

/* Debug access: no fills, no accessed bits, no side effects. Reads the tables in memory,
 * whatever the TLB holds. */
bool mmu_debug_translate(struct mmu *m, uint64_t la, paddr *where);

/* Rows of the architectural part, for snapshots. */
extern const struct field mmu_fields[];

#endif
