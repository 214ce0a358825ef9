/* tables.h - what firmware tells a system about the board: ACPI, SMBIOS and MP tables.
 *
 * The ACPI tables fill the memory map's table area; the root pointer, SMBIOS and the MP
 * table stand below 1 MiB, where systems search for them.
 */
#ifndef MACHINE_TABLES_H
#define MACHINE_TABLES_H

#include "machine/memory_map.h"
#include "mmu/phys.h"

struct error;

enum { LEGACY_SIZE = 16 << 10, TABLES_CPUS = 64 };

/* How the board wires what the tables speak of. */
enum {
    BOARD_PM_BASE = 0x600,  /* PIIX4 power management I/O block, if nobody moved it */
    BOARD_SCI = 9,          /* ISA IRQ of the SCI */
    BOARD_PIRQ_GSI = 16,    /* PIRQA's I/O APIC input; B, C, D follow */
    BOARD_LEGACY = 0xf0000, /* where the legacy area goes */
};

struct tables_config {
    unsigned cpus;         /* 1 to 64; APIC ids from 0 */
    const struct memory_map *map;
    uint16_t pm_base;      /* where the PIIX4's power management answers */
    uint32_t cpu_signature; /* CPUID.1 EAX */
    uint32_t cpu_features;  /* CPUID.1 EDX */
    const char *cpu_vendor; /* "GenuineIntel" */
    const char *cpu_brand;
};

struct tables {
    uint8_t acpi[MEMORY_TABLES];
    uint8_t legacy[LEGACY_SIZE];
    size_t acpi_used, legacy_used;
    uint64_t acpi_at;  /* 0: too little RAM, no ACPI tables */
    uint64_t rsdp;     /* physical address, or 0 */
    uint64_t smbios;   /* of its entry point */
    uint64_t mp;       /* of the floating pointer */
    bool full;
};

/* Fills t. False (too many CPUs for the room) only for a config outside its bounds. */
bool tables_make(const struct tables_config *config, struct tables *t, struct error *e);

/* Puts them into RAM or ROM. */
bool tables_place(const struct tables *t, struct phys *phys, struct error *e);

/* For the parts. Room in the legacy area: its physical address, bytes at *p. */
uint64_t tables_legacy(struct tables *t, size_t size, size_t align, uint8_t **p);
uint8_t bytes_sum(const uint8_t *p, size_t n);
void acpi_make(const struct tables_config *config, struct tables *t);
void smbios_make(const struct tables_config *config, struct tables *t);
void mp_make(const struct tables_config *config, struct tables *t);

#endif
