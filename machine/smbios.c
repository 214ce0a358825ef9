/* smbios.c - the SMBIOS 2.8 tables (DMTF DSP0134). */
#include "base/byteorder.h"
#include "machine/tables.h"

#include <stdio.h>

enum { ROOM = 4096, ENTRY = 31 };
enum { NO_HANDLE = 0xfffe, NO_CACHE = 0xffff };

struct writing {
    uint8_t *bytes;
    size_t size, largest, start;
    unsigned count, handle;
};

/* Opens a structure of `length` formatted bytes; the strings follow. */
static uint8_t *open(struct writing *w, uint8_t type, uint8_t length, uint16_t handle)
{
    uint8_t *p = w->bytes + w->size;

    w->start = w->size;
    p[0] = type;
    p[1] = length;
    store16(p + 2, handle);
    w->size += length;
    w->count++;
    return p;
}

/* Strings of a structure, cut at 64 bytes each; a structure without any ends in two zeros. */
static void close(struct writing *w, const char *const *strings)
{
    for (; strings && *strings; strings++) {
        size_t n = strlen(*strings);
        n = n > 64 ? 64 : n;
        memcpy(w->bytes + w->size, *strings, n);
        w->size += n + 1;
    }
    if (w->bytes[w->start + 1] + w->start == w->size)
        w->size++;
    w->size++;
    if (w->size - w->start > w->largest)
        w->largest = w->size - w->start;
}

static void memory_range(struct writing *w, unsigned n, uint64_t base, uint64_t size)
{
    enum { LENGTH = 0x1f };
    uint64_t end = base + size - 1;
    uint8_t *p;

    if (!size)
        return;
    p = open(w, 19, LENGTH, (uint16_t)(0x1300 + n));
    /* KiB; from 4 TiB on the 64-bit fields count bytes. */
    if (end >> 10 < 0xffffffff) {
        store32(p + 4, (uint32_t)(base >> 10));
        store32(p + 8, (uint32_t)(end >> 10));
    } else {
        store32(p + 4, 0xffffffff);
        store32(p + 8, 0xffffffff);
        store64(p + 15, base);
        store64(p + 23, end);
    }
    store16(p + 12, 0x1000);
    p[14] = 1;
    close(w, NULL);
}

static void processor(struct writing *w, const struct tables_config *config)
{
    const char *const strings[] = {"CPU 0", config->cpu_vendor ? config->cpu_vendor : "unknown",
                                   config->cpu_brand ? config->cpu_brand : "unknown", NULL};
    uint8_t *p = open(w, 4, 0x2a, 0x400);

    p[4] = 1;
    p[5] = 3; /* central processor */
    p[6] = 1; /* family: other */
    p[7] = 2;
    store32(p + 8, config->cpu_signature);
    store32(p + 12, config->cpu_features);
    p[16] = 3;
    p[24] = 0x41; /* populated, enabled */
    p[25] = 1;    /* socket: other */
    store16(p + 26, NO_CACHE);
    store16(p + 28, NO_CACHE);
    store16(p + 30, NO_CACHE);
    p[35] = (uint8_t)config->cpus;
    p[36] = (uint8_t)config->cpus;
    p[37] = (uint8_t)config->cpus;
    store16(p + 38, 1 << 2); /* 64-bit capable */
    store16(p + 40, 1);
    close(w, strings);
}

static void memory_devices(struct writing *w, const struct memory_map *map)
{
    static const char *const strings[] = {"DIMM 0", NULL};
    const uint64_t bytes = map->low + map->high;
    uint8_t *p = open(w, 16, 0x17, 0x1000);

    p[4] = 3; /* on the board */
    p[5] = 3; /* system memory */
    p[6] = 3; /* no error correction */
    if (bytes >> 10 < 0x80000000) {
        store32(p + 7, (uint32_t)(bytes >> 10));
    } else {
        store32(p + 7, 0x80000000);
        store64(p + 15, bytes);
    }
    store16(p + 11, NO_HANDLE);
    store16(p + 13, 1);
    close(w, NULL);

    p = open(w, 17, 0x28, 0x1100);
    store16(p + 4, 0x1000);
    store16(p + 6, NO_HANDLE);
    store16(p + 8, 64);
    store16(p + 10, 64);
    if (bytes >> 20 < 0x7fff) {
        store16(p + 12, (uint16_t)(bytes >> 20)); /* MiB */
    } else {
        store16(p + 12, 0x7fff);
        store32(p + 28, (uint32_t)(bytes >> 20));
    }
    p[14] = 9; /* DIMM */
    p[16] = 1;
    p[18] = 7;           /* RAM */
    store16(p + 19, 1 << 1); /* detail: other */
    close(w, strings);

    memory_range(w, 0, 0, map->low);
    memory_range(w, 1, MEMORY_HIGH, map->high);
}

void smbios_make(const struct tables_config *config, struct tables *t)
{
    static const char *const bios[] = {"Menura", "1", "01/01/2024", NULL};
    static const char *const system[] = {"Menura", "Menura PC (440FX)", "1", NULL};
    static const char *const chassis[] = {"Menura", NULL};
    uint8_t *entry, *bytes, *p;
    struct writing w = {0};
    uint64_t at;

    t->smbios = tables_legacy(t, ENTRY, 16, &entry);
    at = tables_legacy(t, ROOM, 16, &bytes);
    if (t->full)
        return;
    w.bytes = bytes;

    p = open(&w, 0, 0x18, 0);
    p[4] = 1;
    p[5] = 2;
    store16(p + 6, BOARD_LEGACY >> 4);
    p[8] = 3;
    store64(p + 10, 1 << 3); /* characteristics are not given */
    p[19] = 1 << 4 | 1 << 2; /* a virtual machine; targeted content distribution */
    p[20] = 1;
    p[22] = 0xff;
    p[23] = 0xff;
    close(&w, bios);

    p = open(&w, 1, 0x1b, 0x100);
    p[4] = 1;
    p[5] = 2;
    p[6] = 3;
    p[24] = 6; /* woken by the power switch */
    close(&w, system);

    p = open(&w, 3, 0x16, 0x300);
    p[4] = 1;
    p[5] = 1;                        /* kind: other */
    p[9] = p[10] = p[11] = p[12] = 3; /* safe, safe, safe; security: none */
    close(&w, chassis);

    processor(&w, config);
    memory_devices(&w, config->map);
    open(&w, 32, 0x0b, 0x2000);
    close(&w, NULL);
    open(&w, 127, 4, 0x7f00);
    close(&w, NULL);
    t->legacy_used -= ROOM - w.size;

    memcpy(entry, "_SM_", 4);
    entry[5] = ENTRY;
    entry[6] = 2;
    entry[7] = 8;
    store16(entry + 8, (uint16_t)w.largest);
    memcpy(entry + 16, "_DMI_", 5);
    store16(entry + 22, (uint16_t)w.size);
    store32(entry + 24, (uint32_t)at);
    store16(entry + 28, (uint16_t)w.count);
    entry[30] = 0x28;
    entry[21] = (uint8_t)-bytes_sum(entry + 16, 15);
    entry[4] = (uint8_t)-bytes_sum(entry, ENTRY);
}
