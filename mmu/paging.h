/* paging.h - the page walk: 32-bit, PAE, 4-level and 5-level.
 *
 * Knows no exception. A walk takes the control registers as struct paging and returns a
 * verdict: a translation, or which level and which bit refused. Intel SDM vol 3A ch. 4.
 */
#ifndef MMU_PAGING_H
#define MMU_PAGING_H

#include "mmu/phys.h"

enum access_kind { ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH };

enum paging_mode { PAGING_OFF, PAGING_32, PAGING_PAE, PAGING_4LEVEL, PAGING_5LEVEL };

/* What the walk needs of the CPU. cpu/ keeps it in step with its registers. */
struct paging {
    enum paging_mode mode;
    uint64_t cr3;
    uint64_t pdpte[4];     /* PAE: loaded with CR3 (4.4.1) */
    unsigned phys_bits;    /* MAXPHYADDR */
    uint32_t pkru, pkrs;
    uint16_t pcid;         /* 0 without CR4.PCIDE */
    bool wp;               /* CR0.WP */
    bool pse, pge, nxe, smep, smap, pke, pks, gigabyte; /* CR4, EFER.NXE, CPUID 1G pages */
    bool ac;               /* EFLAGS.AC: suspends SMAP for explicit accesses */
};

/* Why a walk refused; each has a sentence in cpu/reasons.def. */
enum walk_refusal {
    WALK_OK,
    WALK_NOT_PRESENT,  /* P = 0 at level */
    WALK_RESERVED,     /* a reserved bit was set at level: bits */
    WALK_READ_ONLY,    /* R/W = 0 for a user write, or a supervisor write with WP */
    WALK_SUPERVISOR,   /* U/S = 0 for a user access */
    WALK_NO_EXECUTE,   /* XD = 1 for a fetch */
    WALK_SMEP,         /* supervisor fetch from a user page */
    WALK_SMAP,         /* supervisor data access to a user page, AC = 0 or implicit */
    WALK_PKEY,         /* protection key denies: bits is the key */
    WALK_NO_MEMORY,    /* a paging structure lies where there is no RAM: reads as FFs */
};

struct walk {
    enum walk_refusal refused;
    uint8_t level;       /* 5 PML5E, 4 PML4E, 3 PDPTE, 2 PDE, 1 PTE: where it ended */
    uint8_t shift;       /* page size as a power of two: 12, 21, 22 or 30 */
    uint8_t pkey;
    bool writable, user, executable, global, dirty; /* AND over the levels; D of the leaf */
    paddr page;          /* of the page's first byte */
    uint64_t bits;       /* the offending bits */
    uint16_t error_code; /* as #PF would push it (4.7) */
    uint8_t count;       /* entries read */
    struct {
        uint8_t level;
        uint64_t where, value; /* physical address, entry as read */
    } entry[5];
};

/* How the access is made. implicit: a supervisor-mode access whatever the CPL (GDT, IDT,
 * TSS); those are not eased by AC. */
struct accessor {
    enum access_kind kind;
    bool user;
    bool implicit;
};

/* Walks for la and sets accessed (and for writes dirty) bits. True when the access is
 * allowed; w tells all either way. When refused, only the entries that led to the last one
 * get A (4.8; 6.15, interrupt 14). */
bool page_walk(const struct paging *pg, struct phys *mem, uint64_t la, struct accessor how,
               struct walk *w);

/* The same without setting any bit and without permission checks: for debuggers. */
bool page_look(const struct paging *pg, struct phys *mem, uint64_t la, struct walk *w);

/* Are rights already known (from the TLB) enough for this access? Fills refused and
 * error_code of w from its writable, user, executable, pkey. */
bool page_allows(const struct paging *pg, struct walk *w, struct accessor how);

/* Loads the four PDPTEs for PAE paging from cr3. False: a reserved bit is set (#GP). */
bool paging_load_pdptes(struct paging *pg, struct phys *mem);

#endif
