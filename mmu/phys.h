/* phys.h - guest physical memory: what stands behind each machine-physical page.
 *
 * Backing objects (RAM, ROM, video memory) are byte arrays; windows place parts of them
 * in the physical address space, and a window of higher priority hides what is below it.
 * What no window covers belongs to the MMIO space. Every backing page has a machine-wide
 * number, the identity by which decoded code is found whatever address it is seen at.
 */
#ifndef MMU_PHYS_H
#define MMU_PHYS_H

#include "base/space.h"
#include "base/types.h"

struct error;

enum { PAGE = 4096, PHYS_WINDOWS = 128, PHYS_BACKINGS = 32 };
#define NO_PAGE UINT32_MAX

enum window_rights {
    WINDOW_READ = 1,  /* reads and fetches come from the backing; else from MMIO */
    WINDOW_WRITE = 2, /* writes go to the backing */
    WINDOW_DROP = 4,  /* writes vanish (ROM); without WRITE or DROP they go to MMIO */
    WINDOW_CODE = 16, /* fetches come from the backing, whatever READ says for data */
    WINDOW_UNDER = 8, /* a direction without right goes to the window below instead of to
                         MMIO: a PAM segment that reads ROM and writes RAM */
};

struct backing {
    const char *name;
    uint8_t *bytes; /* size bytes; the maker's, and outlives the phys */
    uint64_t size;  /* a multiple of PAGE */
    uint32_t first; /* number of its first page */
};

struct window {
    uint64_t base, size, offset; /* all multiples of PAGE */
    struct backing *backing;
    unsigned rights; /* enum window_rights */
    int priority; /* of equal ones the lower handle wins */
    bool used;
};

/* One page as seen at a physical address. */
struct phys_page {
    uint8_t *host;   /* the page's first byte, or NULL: reads are MMIO */
    uint32_t number; /* the backing page, or NO_PAGE */
    bool write;      /* stores may go to host */
    bool drop;       /* stores vanish */
};

struct phys {
    struct space *mmio;
    unsigned bits;      /* MAXPHYADDR: 32 to 52 */
    uint64_t a20_mask;  /* ~0, or ~(1 << 20) while A20 is held low: for CPU accesses */
    struct window windows[PHYS_WINDOWS];
    struct backing backings[PHYS_BACKINGS];
    unsigned backing_count;
    uint32_t pages; /* backing pages in all */

    /* The resolved map: non-overlapping, sorted, rebuilt when windows change; unused
     * entries have base == end == 0. */
    struct resolved {
        uint64_t base, end;    /* [base, end) */
        struct phys_page page; /* what stands at base */
        uint8_t *store;        /* page.write or not, where stores go; NULL: not to memory */
        uint32_t store_number; /* its backing page */
    } map[2 * PHYS_WINDOWS + 1];
    unsigned map_count;
    bool code_apart; /* some window has WINDOW_CODE: fetches ask phys_find_code() */

    /* Per backing page, a bit per 64-byte chunk that holds decoded code. Zeroed memory
     * that costs nothing until touched, given by the maker: 8 bytes a page. */
    uint64_t *code;
    /* A write hit such a chunk: drop what was decoded from [offset, offset + size) of
     * that page. Called after the write. */
    void (*code_written)(void *owner, uint32_t page, unsigned offset, unsigned size);
    /* The map, or A20, changed: derived caches must go. */
    void (*changed)(void *owner);
    void *owner;
};

void phys_init(struct phys *p, struct space *mmio, unsigned bits);

/* Registers size bytes at `bytes` as a backing object. NULL when PHYS_BACKINGS are in use. */
struct backing *phys_back(struct phys *p, const char *name, uint8_t *bytes, uint64_t size);

/* Places [offset, offset + size) of b at physical base. Returns a handle, or -1 when
 * PHYS_WINDOWS are in use or the range is not inside b. A base that is no multiple of PAGE
 * or lets the end overflow hides the window: guests place PCI windows. */
int phys_map(struct phys *p, uint64_t base, uint64_t size, struct backing *b,
             uint64_t offset, unsigned rights, int priority);
void phys_rights(struct phys *p, int window, unsigned rights); /* 0 hides the window */
void phys_move(struct phys *p, int window, uint64_t base);
void phys_unmap(struct phys *p, int window);
void phys_set_a20(struct phys *p, bool enabled);

/* The page that holds a (a20 not applied). */
struct phys_page phys_find(const struct phys *p, paddr a);

/* What a fetch finds there. Slow: for machines with code_apart. */
struct phys_page phys_find_code(const struct phys *p, paddr a);

/* The map's entry that holds a, or NULL: MMIO. */
const struct resolved *phys_resolve(const struct phys *p, uint64_t a);

static inline struct phys_page resolved_page(const struct resolved *r, uint64_t a)
{
    struct phys_page page = r->page;
    uint64_t delta = (a - r->base) & ~(uint64_t)(PAGE - 1);
    if (page.host) {
        page.host += delta;
        page.number += (uint32_t)(delta / PAGE);
    }
    return page;
}

/* Bytes that are all RAM or ROM: for DMA, page tables, loaders and debuggers. False, with
 * nothing moved, when any byte is not. phys_write refuses ROM; phys_poke does not. Both
 * tell code_written. */
bool phys_read(const struct phys *p, paddr a, void *to, size_t n);
bool phys_write(struct phys *p, paddr a, const void *from, size_t n);
bool phys_poke(struct phys *p, paddr a, const void *from, size_t n);

/* What a CPU does: size 1, 2, 4 or 8 bytes within one page, RAM or MMIO. */
uint64_t phys_load(struct phys *p, paddr a, unsigned size);
void phys_store(struct phys *p, paddr a, unsigned size, uint64_t value);

/* To be called after every store that went straight to a backing page. */
static inline void phys_stored(struct phys *p, uint32_t page, unsigned offset,
                               unsigned size)
{
    uint64_t mask = p->code[page];
    if (UNLIKELY(mask)) {
        unsigned first = offset / 64, last = (offset + size - 1) / 64;
        uint64_t hit = (~0ull << first) & (~0ull >> (63 - last));
        if (mask & hit)
            p->code_written(p->owner, page, offset, size);
    }
}

/* Grows a hash: 64-bit FNV-1a by 64-bit words over the non-zero pages of all backings and
 * their numbers. */
uint64_t phys_hash(const struct phys *p, uint64_t hash);

#endif
