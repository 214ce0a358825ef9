/* tables.c - lays out the tables for the operating system. */
#include "machine/tables.h"

#include "base/error.h"

#include <string.h>

uint8_t bytes_sum(const uint8_t *p, size_t n)
{
    uint8_t sum = 0;

    while (n--)
        sum = (uint8_t)(sum + *p++);
    return sum;
}

uint64_t tables_legacy(struct tables *t, size_t size, size_t align, uint8_t **p)
{
    size_t at = (t->legacy_used + align - 1) & ~(align - 1);

    if (at > LEGACY_SIZE || size > LEGACY_SIZE - at) {
        t->full = true;
        at = 0;
        size = 0;
    } else {
        t->legacy_used = at + size;
    }
    *p = t->legacy + at;
    return BOARD_LEGACY + at;
}

bool tables_make(const struct tables_config *config, struct tables *t, struct error *e)
{
    memset(t, 0, sizeof *t);
    if (config->cpus < 1 || config->cpus > TABLES_CPUS)
        return error_set(e, "cannot describe %u CPUs: 1 to %u are possible", config->cpus,
                         (unsigned)TABLES_CPUS);
    acpi_make(config, t);
    smbios_make(config, t);
    mp_make(config, t);
    if (t->full)
        return error_set(e, "the firmware tables do not fit their room");
    return true;
}

bool tables_place(const struct tables *t, struct phys *phys, struct error *e)
{
    if (!phys_poke(phys, pa(BOARD_LEGACY), t->legacy, t->legacy_used))
        return error_set(e, "no memory at %xh for the firmware tables",
                         (unsigned)BOARD_LEGACY);
    if (t->acpi_at && !phys_poke(phys, pa(t->acpi_at), t->acpi, sizeof t->acpi))
        return error_set(e, "no memory at %llxh for the ACPI tables",
                         (unsigned long long)t->acpi_at);
    return true;
}
