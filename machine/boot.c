/* boot.c - what kind of kernel a file is, and room for its pieces. */
#include "machine/boot_plan.h"

#include <stdio.h>

static bool range_taken(const struct boot_plan *p, uint64_t base, uint64_t end,
                        uint64_t *by_base, uint64_t *by_end)
{
    for (unsigned i = 0; i < p->count; i++) {
        if (base < p->taken[i].end && end > p->taken[i].base) {
            *by_base = p->taken[i].base;
            *by_end = p->taken[i].end;
            return true;
        }
    }
    return false;
}

static bool take(struct boot_plan *p, uint64_t base, uint64_t size, const char *what)
{
    if (p->count == BOOT_PIECES)
        return error_set(p->e, "cannot start '%s': no room to note %s, it has too many parts",
                         p->q->kernel_name, what);
    p->taken[p->count].base = base;
    p->taken[p->count++].end = base + size;
    return true;
}

static unsigned long long mib(uint64_t bytes)
{
    return (unsigned long long)(bytes >> 20) + !!(bytes & 0xfffff);
}

bool plan_take(struct boot_plan *p, uint64_t base, uint64_t size, const char *what)
{
    uint64_t by_base, by_end;

    if (!size)
        return true;
    if (!memory_map_usable(p->q->map, base, size)) {
        error_set(p->e,
                  "cannot start '%s': %s needs memory from %llxh to %llxh, which is not "
                  "all RAM",
                  p->q->kernel_name, what, (unsigned long long)base,
                  (unsigned long long)(base + (size - 1)));
        if (base >= 1 << 20 && base < MEMORY_HOLE && size < MEMORY_HOLE - base)
            error_hint(p->e, "give the machine more memory: -m %lluM",
                       mib(base + size + MEMORY_TABLES));
        return false;
    }
    if (range_taken(p, base, base + size, &by_base, &by_end))
        return error_set(p->e, "cannot start '%s': %s at %llxh overlaps another part at %llxh",
                         p->q->kernel_name, what, (unsigned long long)base,
                         (unsigned long long)by_base);
    return take(p, base, size, what);
}

static bool no_room(struct boot_plan *p, uint64_t size, uint64_t max, const char *what)
{
    error_set(p->e, "cannot start '%s': no room for %s (%llu MiB) in RAM below %llxh",
              p->q->kernel_name, what, mib(size), (unsigned long long)max);
    return error_hint(p->e, "give the machine more memory with -m");
}

bool plan_low(struct boot_plan *p, uint64_t size, uint64_t align, uint64_t min,
              uint64_t max, const char *what, uint64_t *at)
{
    uint64_t by_base, by_end;

    for (unsigned i = 0; i < p->q->map->count; i++) {
        const struct memory_map_range *r = &p->q->map->range[i];
        uint64_t end = r->base + r->size < max ? r->base + r->size : max;
        uint64_t base = r->base > min ? r->base : min;
        if (r->type != MEMORY_RAM || r->base >= max)
            continue;
        for (;;) {
            base = (base + align - 1) & ~(align - 1);
            if (base >= end || size > end - base)
                break;
            if (!range_taken(p, base, base + size, &by_base, &by_end)) {
                *at = base;
                return take(p, base, size, what);
            }
            base = by_end;
        }
    }
    return no_room(p, size, max, what);
}

bool plan_high(struct boot_plan *p, uint64_t size, uint64_t align, uint64_t min,
               uint64_t max, const char *what, uint64_t *at)
{
    uint64_t by_base, by_end;

    for (unsigned i = p->q->map->count; i-- > 0;) {
        const struct memory_map_range *r = &p->q->map->range[i];
        uint64_t end = r->base + r->size < max ? r->base + r->size : max;
        uint64_t low = r->base > min ? r->base : min, base;
        if (r->type != MEMORY_RAM)
            continue;
        while (end > low && size <= end - low) {
            base = (end - size) & ~(align - 1);
            if (base < low)
                break;
            if (!range_taken(p, base, base + size, &by_base, &by_end)) {
                *at = base;
                return take(p, base, size, what);
            }
            end = by_base;
        }
    }
    return no_room(p, size, max, what);
}

bool plan_write(struct boot_plan *p, uint64_t at, const void *bytes, uint64_t size)
{
    if (!size || !p->phys || phys_write(p->phys, pa(at), bytes, (size_t)size))
        return true;
    return error_set(p->e, "cannot start '%s': the machine has no RAM at %llxh",
                     p->q->kernel_name, (unsigned long long)at);
}

bool plan_zero(struct boot_plan *p, uint64_t at, uint64_t size)
{
    static const uint8_t zeros[PAGE];

    while (size) {
        uint64_t now = size < PAGE ? size : PAGE;
        if (!plan_write(p, at, zeros, now))
            return false;
        at += now;
        size -= now;
    }
    return true;
}

bool plan_initrd(struct boot_plan *p, uint64_t max, uint64_t *at, uint64_t *size)
{
    const struct boot_module *initrd = p->q->module;

    *at = 0;
    *size = p->q->modules ? initrd->size : 0;
    return !*size || (plan_high(p, *size, PAGE, 1 << 20, max, "the initrd", at) &&
                      plan_write(p, *at, initrd->bytes, *size));
}

const char *plan_cmdline(const struct boot_plan *p)
{
    return p->q->cmdline ? p->q->cmdline : "";
}

/* The selectors are those that Linux's boot protocol asks for; the others do not care. */
enum { CODE = 0x10, DATA = 0x18, TASK = 0x20, GDT_SIZE = 0x30 };

bool plan_enter(struct boot_plan *p, enum boot_mode mode, uint64_t rip)
{
    enum { TABLES = 6, ENTRIES = 512 };
    const uint64_t low = 0x10000, top = MEMORY_HOLE;
    uint8_t page[PAGE] = {0};
    struct boot_entry *out = p->out;
    uint64_t at;

    out->mode = mode;
    out->rip = rip;
    out->code = CODE;
    out->data = DATA;
    out->task = TASK;
    store64(page + CODE, mode == BOOT_LONG ? 0x00af9b000000ffff : 0x00cf9b000000ffff);
    store64(page + DATA, 0x00cf93000000ffff);
    store64(page + TASK, 0x00008b0000000067);
    if (!plan_low(p, GDT_SIZE, 16, low, top, "the descriptor table", &out->gdt) ||
        !plan_write(p, out->gdt, page, GDT_SIZE))
        return false;
    out->gdt_limit = GDT_SIZE - 1;
    if (mode != BOOT_LONG)
        return true;

    /* A PML4, a page-directory-pointer table, and four page directories of 2 MiB pages. */
    if (!plan_low(p, TABLES * PAGE, PAGE, low, top, "page tables", &at))
        return false;
    out->cr3 = at;
    for (unsigned t = 0; t < TABLES; t++) {
        memset(page, 0, sizeof page);
        if (t == 0)
            store64(page, (at + PAGE) | 3);
        for (unsigned i = 0; t == 1 && i < 4; i++)
            store64(page + 8 * i, (at + (2 + i) * PAGE) | 3);
        for (unsigned i = 0; t >= 2 && i < ENTRIES; i++)
            store64(page + 8 * i, (uint64_t)((t - 2) * ENTRIES + i) << 21 | 0x83);
        if (!plan_write(p, at + t * PAGE, page, PAGE))
            return false;
    }
    return true;
}

bool boot_load(const struct boot_request *q, struct phys *phys, struct boot_entry *out,
               struct error *e)
{
    struct boot_plan p = {.q = q, .phys = phys, .out = out, .e = e};
    size_t header;

    memset(out, 0, sizeof *out);
    if (!q->kernel_size)
        return error_set(e, "cannot start '%s': the file is empty", q->kernel_name);
    if (linux_is(q))
        return linux_boot(&p);
    if (multiboot2_is(q, &header))
        return multiboot2_boot(&p, header);
    if (multiboot_is(q, &header))
        return multiboot_boot(&p, header);
    if (elf_is(q))
        return elf_boot(&p);
    error_set(e, "cannot start '%s': it is no kernel that Menura knows", q->kernel_name);
    return error_hint(e, "Linux (bzImage), Multiboot, Multiboot 2 and ELF files can be "
                         "started with -kernel; a disk image goes with -drive");
}
