/* block.h - decoded code: blocks, their cache, and the links between them.
 *
 * A block is a head record, the instructions' records, and a tail that goes on at the
 * next address. It is found by its key: backing page, offset and CPU mode - never by an
 * address, so remapping and context switches drop nothing. CPUs of a machine share one
 * cache. A dropped block's records stay readable until the whole cache is emptied, which
 * happens between blocks only. A cold block that a small store hit is not dropped but
 * stale: the next lookup decodes anew what was written over, and no more.
 */
#ifndef CPU_BLOCK_H
#define CPU_BLOCK_H

#include "cpu/cpu.h"

enum {
    BLOCK_INSNS = 64,          /* at most, per block */
    BLOCK_BUCKETS = 1 << 16,
    JUMP_ENTRIES = 1 << 14,
    CODE_ARENA = 32 << 20,     /* bytes of records */
    HOT_RUNS = 16,             /* executions before a block is specialised */
    CODE_MAPS = 256,
};

struct block {
    struct block *next;        /* in its hash bucket */
    struct block *next_in_page[2]; /* in the lists of page and page2 */
    uint64_t key;              /* block_key() */
    uint32_t page, page2;      /* page2: NO_PAGE unless its one instruction crosses */
    uint16_t start, end;       /* bytes [start, end) of page; end may exceed PAGE */
    uint16_t records;          /* room for them, head and tail included */
    uint8_t count;             /* instructions */
    uint8_t runs;              /* so far, up to HOT_RUNS */
    uint16_t stale_from, stale_to; /* bytes of page written over; stale_to 0: none */
    bool dead, hot;
    struct insn code[];        /* code[0] is the head */
};

/* Mode in bits 63:44, page in 43:12, offset in 11:0. */
static ALWAYS_INLINE uint64_t block_key(uint32_t mode, uint32_t page, unsigned offset)
{
    return (uint64_t)mode << 44 | (uint64_t)page << 12 | offset;
}

struct jump_entry {
    uint64_t key;
    const struct insn *head;
};

static ALWAYS_INLINE unsigned jump_slot(uint32_t page, unsigned offset)
{
    return (offset ^ page * 0x6d1u) & (JUMP_ENTRIES - 1);
}

/* The bytes of a page that blocks were decoded from, a bit each: at least these. Real-mode
 * programs keep data beside their code, and a store there asks for one bit instead of
 * walking all blocks of the page. */
struct code_map {
    uint32_t page; /* NO_PAGE: none */
    uint64_t bytes[PAGE / 64];
};

struct code_cache {
    struct jump_entry jumps[JUMP_ENTRIES]; /* derived: the last found, by slot */
    struct block *bucket[BLOCK_BUCKETS];   /* by key */
    struct block *in_page[BLOCK_BUCKETS];  /* by backing page number */
    struct code_map map[CODE_MAPS];        /* derived: by page */
    uint8_t *arena;
    size_t used;
    bool full;              /* empty it before the next block is built */
    struct phys *phys;
    struct cpu **cpus;      /* all that share it, for write tags and leaving */
    unsigned cpu_count;
    struct cpu *running;    /* whose turn it is */
    _Alignas(max_align_t) uint8_t scratch[512]; /* the uncached block */
    uint64_t built, dropped, emptied; /* for `info code` */
};

/* False when the host has no memory. */
bool code_cache_init(struct code_cache *k, struct phys *phys, struct cpu **cpus,
                     unsigned count);
void code_cache_free(struct code_cache *k);

/* Forgets everything. Only between blocks. */
void code_cache_empty(struct code_cache *k);

/* phys->code_written: drops what was decoded from these bytes; the running CPU leaves its
 * block after the current instruction. */
void code_cache_written(struct code_cache *k, uint32_t page, unsigned offset,
                        unsigned size);

/* MONITOR: the next store to this 64-byte line of memory, whoever makes it, disarms c again,
 * and so wakes it from MWAIT. UINT64_MAX disarms, and so does a line that is not RAM. A line
 * is watched as code is: its page has no write tags meanwhile. */
void code_cache_monitor(struct cpu *c, uint64_t line);

/* Watches the armed lines of all CPUs anew: the map, or monitor_pa, changed. */
void code_cache_watch(struct code_cache *k);

/* The block for offset in c->page, built if need be. `mode` is c->mode, perhaps with
 * MODE_STEP. May raise (a fetch from the next page). */
struct block *block_find(struct cpu *c, uint32_t mode, unsigned offset);

/* A one-instruction block for code that cannot be cached (MMIO), decoded from bytes; it
 * lives until the next call. */
struct block *block_uncached(struct cpu *c, uint32_t mode, unsigned offset,
                             const uint8_t *bytes, unsigned size);

/* The block of c->page that `record` (which is not read) is in, or NULL if it was dropped. */
const struct block *block_holding(const struct cpu *c, const struct insn *record);

/* Makes the link slot `patch` lead to b, if that is allowed to last. */
void block_link(struct cpu *c, struct insn *patch, const struct block *b);

/* A link slot: the record after a branch, and after the tail. */
struct link {
    const struct insn *head; /* NULL: not yet known */
    uint32_t page;           /* the backing page it leads to */
};

static ALWAYS_INLINE const struct link *insn_link(const struct insn *i)
{
    return (const struct link *)(const void *)(i + 1);
}

/* ---- handlers that block.c and fast.c share ---- */

/* What every head does first: it charges the block. False: it does not fit the budget. */
static ALWAYS_INLINE bool head_enters(struct cpu *c, const struct insn *i)
{
    int32_t left = c->budget - i->imm;
    if (UNLIKELY(left < 0)) {
        c->rip = c->page_rip + i->at;
        return false;
    }
    c->budget = left;
    return true;
}

insn_fn run_tail;      /* goes on at the next address of the same page, by link */
insn_fn run_tail_page; /* leaves the page */
insn_fn run_end;       /* a general handler that ends the block */

/* What a fast handler means to its neighbours' flags. */
enum flag_effect {
    EFFECT_BARRIER, /* may fault, leave, or read flags: what was set before is visible */
    EFFECT_NONE,    /* registers only, flags untouched */
    EFFECT_WRITES,  /* registers only, all six flags written, none read */
    EFFECT_MERGES,  /* registers only, some flags written, the others kept */
};

struct fast {
    insn_fn *run;   /* NULL: there is no fast handler */
    insn_fn *quiet; /* the same without setting flags, or NULL */
    uint8_t effect; /* enum flag_effect */
    uint8_t slots;  /* records it takes, its own included: 2 with a link */
    bool ends;      /* control never comes to the next record */
};

/* Chooses a fast handler for *i (which it may rewrite) decoded for mode. */
struct fast fast_select(struct insn *i, uint32_t mode);

/* A fused handler for a compare followed by a conditional branch, or NULL. *first is
 * rewritten to do both; *branch gives the condition and target. */
insn_fn *fast_fuse(struct insn *first, const struct insn *branch);

/* A handler for two neighbours, one record each, that run fast handlers; or NULL. quiet: the
 * twins that set no flags. */
insn_fn *fast_pair(const struct insn *first, bool first_quiet, const struct insn *second,
                   bool second_quiet, uint32_t mode);
/* The same with a second that is a branch, a compare and branch, a CMOVcc or a SETcc: told by
 * the handler it runs. */
insn_fn *fast_pair_with(const struct insn *first, bool quiet, const struct insn *second,
                        uint32_t mode);
/* A handler for the head and the block's first instruction, likewise. */
insn_fn *fast_head(const struct insn *first, bool quiet, uint32_t mode);

#endif
