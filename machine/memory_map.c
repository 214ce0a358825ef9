/* memory_map.c - the physical address space of a PC with a 440FX. */
#include "machine/memory_map.h"

#include "base/byteorder.h"

static void add(struct memory_map *map, uint64_t base, uint64_t end,
                enum memory_type type)
{
    if (base < end)
        map->range[map->count++] = (struct memory_map_range){base, end - base, type};
}

void memory_map_make(struct memory_map *map, uint64_t ram)
{
    const uint64_t one = 1 << 20, bda = 0x9fc00;

    *map = (struct memory_map){.low = ram < MEMORY_HOLE ? ram : MEMORY_HOLE};
    map->high = ram - map->low;
    if (map->low >= 4 * one)
        map->tables = map->low - MEMORY_TABLES;

    /* The last KiB of base memory is the extended BIOS data area; A0000h to EFFFFh
     * belongs to adapters and is no memory at all. */
    add(map, 0, bda, MEMORY_RAM);
    add(map, bda, 0xa0000, MEMORY_RESERVED);
    add(map, 0xf0000, one, MEMORY_RESERVED);
    add(map, one, map->tables ? map->tables : map->low, MEMORY_RAM);
    if (map->tables) {
        add(map, map->tables, map->low - MEMORY_NVS, MEMORY_ACPI);
        add(map, map->low - MEMORY_NVS, map->low, MEMORY_ACPI_NVS);
    }
    add(map, 0xfec00000, 0xfec01000, MEMORY_RESERVED);  /* I/O APIC */
    add(map, 0xfed00000, 0xfed00400, MEMORY_RESERVED);  /* HPET */
    add(map, 0xfee00000, 0xfee01000, MEMORY_RESERVED);  /* local APICs */
    add(map, 0xfffc0000, MEMORY_HIGH, MEMORY_RESERVED); /* firmware */
    add(map, MEMORY_HIGH, MEMORY_HIGH + map->high, MEMORY_RAM);
}

/* Sorted by base. */
static bool insert(struct memory_map *map, struct memory_map_range r)
{
    unsigned at = map->count;

    if (!r.size)
        return true;
    if (at == MEMORY_RANGES || r.base + r.size < r.base)
        return false;
    for (; at && map->range[at - 1].base > r.base; at--)
        map->range[at] = map->range[at - 1];
    map->range[at] = r;
    map->count++;
    return true;
}

bool memory_map_told(struct memory_map *map, const uint8_t *bytes, unsigned n)
{
    struct memory_map told = {.low = map->low, .high = map->high};

    for (unsigned i = 0; i < n; i++, bytes += MEMORY_RANGE_BYTES)
        if (!insert(&told, (struct memory_map_range){load64(bytes), load64(bytes + 8),
                                                     load32(bytes + 16)}))
            return false;
    for (unsigned i = 0; i + 1 < told.count; i++)
        if (told.range[i].base + told.range[i].size > told.range[i + 1].base)
            return false;
    *map = told;
    return true;
}

bool memory_map_usable(const struct memory_map *map, uint64_t base, uint64_t size)
{
    for (unsigned i = 0; i < map->count; i++) {
        const struct memory_map_range *r = &map->range[i];
        if (r->type == MEMORY_RAM && base >= r->base && base - r->base < r->size &&
            size <= r->size - (base - r->base))
            return true;
    }
    return false;
}
