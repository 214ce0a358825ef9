/* space.h - what answers at an address: the I/O port space and the MMIO space.
 *
 * A region has two handlers (docs/architecture.md, "Device access"). `peek` (may be NULL)
 * answers at once, sees the device const, and either answers or returns IO_DEFER having
 * touched nothing. `access` runs with the CPU's state written back and never defers.
 */
#ifndef BASE_SPACE_H
#define BASE_SPACE_H

#include "base/types.h"

enum io_status {
    IO_DONE,  /* value holds the answer, or was taken */
    IO_DEFER, /* peek only: ask access */
    IO_NONE,  /* nobody decodes this: reads give all ones, writes vanish */
};

struct io {
    uint64_t address; /* the full port number or physical address */
    uint32_t offset;  /* address - the region's base */
    uint8_t size;     /* bytes: 1, 2, 4 or (MMIO) 8 */
    bool write;
    uint64_t value; /* little-endian number of `size` bytes */
};

struct region {
    const char *name; /* NULL ends a table */
    uint64_t base;    /* where it stands after reset; PCI BARs start unmapped (see below) */
    uint64_t length;
    enum io_status (*peek)(const void *dev, struct io *io);
    enum io_status (*access)(void *dev, struct io *io);
    uint8_t max_size; /* wider accesses are split, lowest address first; 0 means 1 for
                         ports and 4 for MMIO */
    bool mmio;        /* else I/O ports */
    bool unmapped;    /* starts without an address: placed later by space_map */
};

/* One mapping of a region, as placed. */
struct mapping {
    const struct region *region;
    void *dev;
    uint64_t base, length;
    uint64_t last; /* the address of the last byte; meaningless when length is 0 */
    uint64_t peeked, accessed; /* for `info io` */
    int priority;              /* the higher one wins an overlap */
    uint64_t order;            /* of mapping: among equals the older one wins */
    bool used;
};

enum { SPACE_MAPPINGS = 512 };

struct space {
    bool mmio;
    struct mapping maps[SPACE_MAPPINGS];
    uint16_t *ports; /* port -> mapping index + 1; NULL for MMIO */
    uint16_t sorted[SPACE_MAPPINGS]; /* MMIO: mappings by base */
    uint64_t reach[SPACE_MAPPINGS];  /* the highest last byte of sorted[0..i] */
    unsigned count;
    bool overlaps; /* some byte of MMIO is claimed twice */
    uint64_t orders;
    struct mapping *last;            /* MMIO: found last, or NULL */
    uint64_t unclaimed;              /* accesses that nobody answered */
    /* Told after the MMIO map changed, so that the memory map follows. May be NULL. */
    void (*changed)(void *owner);
    void *owner;
};

bool space_init(struct space *s, bool mmio);
void space_free(struct space *s);

/* Places a region; the handle names it from then on. Fails (returns -1) only when
 * SPACE_MAPPINGS are in use. Mapping at a place where something of equal priority already
 * stands lets the older one answer. */
int space_map(struct space *s, const struct region *r, void *dev, uint64_t base,
              int priority);
void space_unmap(struct space *s, int handle);

/* Who answers at `address`, or NULL. */
struct mapping *space_find(struct space *s, uint64_t address);

/* Performs *io (address, size, write, value are given), splitting it where the region
 * wants narrower accesses or the access crosses into another region. Nobody there: reads
 * give all ones. peek is tried first when the access fits one region whole. */
void space_access(struct space *s, struct io *io);

/* Tries peek alone. IO_DONE and IO_NONE are answers (NONE: all ones for a read, and
 * counted); after IO_DEFER call space_access(). Never changes a device. */
enum io_status space_peek(struct space *s, struct io *io);

#endif
