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
    L2_SETS = 512, /* 4 KiB pages: indexed by la bits 20:12 */
    L2_WAYS = 4,
    L2_LARGE_SETS = 64, /* larger pages, by 2 MiB piece: la bits 26:21 */
};

/* A tag is the page's linear address; no page has this one (bit 0 is never compared
 * equal, because compares clear the low 12 bits). */
#define NO_TAG 1ull

struct l1_entry {
    uint64_t read, write;  /* tags; a write tag implies the read tag, D set, no code here,
                              no watchpoint */
    uintptr_t addend;      /* host address = addend + la */
    uint32_t number;       /* backing page */
    uint32_t unused;
};

struct l1_fetch {
    uint64_t tag;
    uint8_t *host;   /* the page's first byte */
    uint32_t number; /* backing page; NO_PAGE never stands here */
};

/* Views: which first-level array an access uses. EMPTY is never filled: armed alignment
 * checks select it, so that every access takes the general handler. */
enum view { VIEW_USER, VIEW_SUPERVISOR, VIEW_SMAP, VIEW_COUNT };

struct l2_entry {
    uint64_t tag;    /* la of the 4 KiB page or 2 MiB piece, | 1 when valid */
    uint64_t page;   /* physical address of the piece */
    uint16_t pcid;
    uint8_t shift;   /* of the real page: 12, 21, 22, 30 */
    uint8_t pkey;
    uint8_t rights;  /* L2_* */
};
enum { L2_WRITABLE = 1, L2_USER = 2, L2_EXECUTABLE = 4, L2_GLOBAL = 8, L2_DIRTY = 16 };

struct mmu {
    struct phys *phys;
    struct paging paging;

    /* Derived. */
    struct l1_entry *view;       /* the selected view of data[] */
    struct l1_fetch *fetch_view; /* the selected view of fetch[] */
    struct l1_entry data[VIEW_COUNT + 1][L1_ENTRIES]; /* the last stays empty */
    struct l1_fetch fetch[2][L1_FETCHES];             /* user, supervisor */
    uint16_t filled[64];  /* data slots filled since the last flush, if filled_count fits */
    unsigned filled_count;
    unsigned small;       /* test mode: keep at most this many data entries; 0: off */
    uint64_t watched[4];  /* linear pages with a data breakpoint: no fast tags; NO_TAG none */

    /* Architectural. */
    struct l2_entry l2[L2_SETS][L2_WAYS];
    struct l2_entry large[L2_LARGE_SETS][L2_WAYS];
    uint8_t l2_next[L2_SETS], large_next[L2_LARGE_SETS]; /* round robin */
    uint64_t flushes; /* counts every invalidation of any kind; whoever keeps a
                         translation compares it */

    struct walk walk; /* the last refused access: why */

    /* Called before an MMIO access, so that the clock is exact. */
    void (*before_mmio)(void *owner);
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
 * from now on. Flushes nothing by itself. */
void mmu_select(struct mmu *m, enum view data, bool user_fetch, bool check_alignment);

/* Translates [la, la + size), size at most 64, for how; fills both levels. False: refused,
 * m->walk says why and *la_bad is the address that CR2 gets. Nothing else has happened. */
bool mmu_open(struct mmu *m, uint64_t la, unsigned size, struct accessor how,
              struct spans *s, uint64_t *la_bad);

/* One fetch page: fills the fetch views. NULL host in *p means code in MMIO. */
bool mmu_fetch(struct mmu *m, uint64_t la, bool user, struct phys_page *p, paddr *where);

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

/* Debug access: no fills, no accessed bits, no side effects. */
bool mmu_debug_translate(struct mmu *m, uint64_t la, paddr *where);

/* Rows of the architectural part, for snapshots. */
extern const struct field mmu_fields[];

#endif
