/* memory_map.h - where RAM stands in the physical address space, and what software is
 * told of it (INT 15h E820h, ACPI 6.4 chapter 15).
 */
#ifndef MACHINE_MEMORY_MAP_H
#define MACHINE_MEMORY_MAP_H

#include "base/types.h"

enum { MEMORY_RANGES = 32 };

/* RAM above this address moves to 4 GiB and up: below 4 GiB stand PCI devices, interrupt
 * controllers and the firmware. */
#define MEMORY_HOLE 0xc0000000ull
#define MEMORY_HIGH 0x100000000ull

/* Bytes at the top of low RAM for the ACPI tables; the last page is for the FACS. */
enum { MEMORY_TABLES = 64 << 10, MEMORY_NVS = 4096 };

enum memory_type {
    MEMORY_RAM = 1,
    MEMORY_RESERVED = 2,
    MEMORY_ACPI = 3, /* tables: RAM once the system has read them */
    MEMORY_ACPI_NVS = 4,
};

struct memory_map {
    struct memory_map_range {
        uint64_t base, size;
        uint32_t type;
    } range[MEMORY_RANGES]; /* sorted, without overlap */
    unsigned count;
    uint64_t low;    /* bytes of RAM from 0 */
    uint64_t high;   /* bytes of RAM from 4 GiB */
    uint64_t tables; /* where the ACPI tables go; 0: too little RAM for ACPI */
};

/* The map of a machine with `ram` bytes, a multiple of 4096 and at least 1 MiB. */
void memory_map_make(struct memory_map *map, uint64_t ram);

/* The map that firmware tells software, in its own words: n ranges of base and size (64 bits
 * each) and type (32 bits), little-endian, in any order; `map` has the machine's own. False,
 * and the map is as it was, if ranges overlap or wrap, or there are too many. */
enum { MEMORY_RANGE_BYTES = 20 };
bool memory_map_told(struct memory_map *map, const uint8_t *bytes, unsigned n);

/* Is all of [base, base + size) RAM that software may use? */
bool memory_map_usable(const struct memory_map *map, uint64_t base, uint64_t size);

#endif
