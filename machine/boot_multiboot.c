/* boot_multiboot.c - Multiboot 0.6.96 and Multiboot 2.0 kernels. */
#include "machine/boot_plan.h"

#include <stdio.h>
#include <stdlib.h>

static bool broken(struct boot_plan *p, const char *why)
{
    return error_set(p->e, "cannot start '%s': its Multiboot header is wrong: %s",
                     p->q->kernel_name, why);
}

/* Where an image without ELF headers goes. Zero load_end: to the end of the file; zero
 * bss_end: no bss. */
struct placed {
    uint32_t header, load, load_end, bss_end, entry;
};

static bool load_placed(struct boot_plan *p, size_t header, const struct placed *a)
{
    const struct boot_request *q = p->q;
    uint64_t offset, size, memory;

    if (a->load > a->header || a->header - a->load > header)
        return broken(p, "the load address does not fit the header's");
    offset = header - (a->header - a->load);
    size = q->kernel_size - offset;
    if (a->load_end) {
        if (a->load_end < a->load)
            return broken(p, "it ends before it begins");
        size = a->load_end - a->load;
    }
    if (!inside(q->kernel_size, offset, size))
        return broken(p, "the image lies outside the file: it was cut short");
    memory = size;
    if (a->bss_end) {
        if (a->bss_end < a->load || a->bss_end - a->load < size)
            return broken(p, "the bss ends before the image");
        memory = a->bss_end - a->load;
    }
    return plan_take(p, a->load, memory, "the kernel") &&
           plan_write(p, a->load, q->kernel + offset, size) &&
           plan_zero(p, a->load + size, memory - size);
}

static bool load_elf(struct boot_plan *p, uint64_t *entry)
{
    struct elf_image elf;

    if (!elf_is(p->q))
        return broken(p, "it has no load address, and the file is not ELF");
    if (!elf_open(p, &elf) || !elf_load(p, &elf))
        return false;
    *entry = elf.entry;
    return true;
}

/* KiB of RAM from `base` up to the first hole. */
static uint32_t memory_size(const struct boot_plan *p, uint64_t base)
{
    for (unsigned n = 0; n < p->q->map->count; n++) {
        const struct memory_map_range *r = &p->q->map->range[n];
        if (r->type == MEMORY_RAM && r->base == base)
            return (uint32_t)((r->size < MEMORY_HIGH ? r->size : MEMORY_HIGH - 1) >>
                              10);
    }
    return 0;
}

/* Where each of the modules stands. */
static bool place_modules(struct boot_plan *p, uint64_t at[BOOT_MODULES])
{
    for (unsigned n = 0; n < p->q->modules; n++) {
        const struct boot_module *module = &p->q->module[n];
        if (!plan_high(p, module->size, PAGE, 1 << 20, MEMORY_HOLE, "a module",
                       &at[n]) ||
            !plan_write(p, at[n], module->bytes, module->size))
            return false;
    }
    return true;
}

/* What a kernel is told, growing in a buffer of which the size was counted before. */
struct telling {
    uint8_t *bytes;
    size_t size, room;
};

static bool begin(struct boot_plan *p, struct telling *t, size_t room, uint64_t *at)
{
    *t = (struct telling){.room = room};
    if (!plan_low(p, room, 16, 0x10000, MEMORY_HOLE, "boot information", at))
        return false;
    t->bytes = calloc(1, room);
    return t->bytes || error_set(p->e, "cannot start '%s': the host has no memory",
                                 p->q->kernel_name);
}

static bool finish(struct boot_plan *p, struct telling *t, uint64_t at)
{
    bool good = plan_write(p, at, t->bytes, t->room);

    free(t->bytes);
    return good;
}

static const char loader[] = "Menura";

/* ---- Multiboot ---- */

enum { MB_MAGIC = 0x1badb002, MB_SEARCH = 8192, MB_LOADER = 0x2badb002 };
enum {
    MB_ALIGN = 1,
    MB_MEMORY = 2,
    MB_VIDEO = 4,
    MB_REQUIRED = 0xffff,
    MB_PLACED = 1 << 16
};

bool multiboot_is(const struct boot_request *q, size_t *header)
{
    for (size_t at = 0; at < MB_SEARCH && inside(q->kernel_size, at, 12); at += 4) {
        const uint8_t *h = q->kernel + at;
        if (load32(h) == MB_MAGIC &&
            !(uint32_t)(MB_MAGIC + load32(h + 4) + load32(h + 8))) {
            *header = at;
            return true;
        }
    }
    return false;
}

/* A text; its address. */
static uint32_t tell_text(struct telling *t, uint64_t at, const char *text)
{
    uint64_t where = at + t->size;

    memcpy(t->bytes + t->size, text, strlen(text) + 1);
    t->size += strlen(text) + 1;
    return (uint32_t)where;
}

/* The information structure, the lists of modules and of memory, and the texts. */
static bool tell_multiboot(struct boot_plan *p, uint64_t *at)
{
    enum { INFO = 88, MODULE = 16, RANGE = 24 };
    enum {
        HAS_MEMORY = 1,
        HAS_CMDLINE = 4,
        HAS_MODULES = 8,
        HAS_MAP = 64,
        HAS_NAME = 512
    };
    const struct boot_request *q = p->q;
    const struct memory_map *map = q->map;
    const char *cmdline = plan_cmdline(p);
    uint64_t module_at[BOOT_MODULES];
    uint32_t modules = INFO, ranges = modules + MODULE * q->modules;
    size_t room = ranges + RANGE * map->count + sizeof loader + strlen(q->kernel_name) +
                  1 + strlen(cmdline) + 1;
    struct telling t;

    for (unsigned n = 0; n < q->modules; n++)
        room += strlen(q->module[n].name) + 1;
    if (!place_modules(p, module_at) || !begin(p, &t, room, at))
        return false;
    store32(t.bytes, HAS_MEMORY | HAS_CMDLINE | HAS_MODULES | HAS_MAP | HAS_NAME);
    store32(t.bytes + 4, memory_size(p, 0));
    store32(t.bytes + 8, memory_size(p, 1 << 20));
    store32(t.bytes + 20, q->modules);
    store32(t.bytes + 24, (uint32_t)*at + modules);
    store32(t.bytes + 44, RANGE * map->count);
    store32(t.bytes + 48, (uint32_t)*at + ranges);
    for (unsigned n = 0; n < map->count; n++) {
        uint8_t *range = t.bytes + ranges + RANGE * n;
        store32(range, RANGE - 4);
        store64(range + 4, map->range[n].base);
        store64(range + 12, map->range[n].size);
        store32(range + 20, map->range[n].type);
    }
    t.size = ranges + RANGE * map->count;
    store32(t.bytes + 64, tell_text(&t, *at, loader));
    store32(t.bytes + 16, tell_text(&t, *at, q->kernel_name)); /* and its arguments: */
    t.bytes[t.size - 1] = ' ';
    tell_text(&t, *at, cmdline);
    for (unsigned n = 0; n < q->modules; n++) {
        uint8_t *module = t.bytes + modules + MODULE * n;
        store32(module, (uint32_t)module_at[n]);
        store32(module + 4, (uint32_t)(module_at[n] + q->module[n].size));
        store32(module + 8, tell_text(&t, *at, q->module[n].name));
    }
    return finish(p, &t, *at);
}

bool multiboot_boot(struct boot_plan *p, size_t header)
{
    const struct boot_request *q = p->q;
    const uint8_t *h = q->kernel + header;
    const uint32_t flags = load32(h + 4);
    uint64_t entry, at;

    if (flags & MB_REQUIRED & ~(MB_ALIGN | MB_MEMORY | MB_VIDEO))
        return error_set(
            p->e,
            "cannot start '%s': it requires a Multiboot feature that is not "
            "there (flags %xh)",
            q->kernel_name, flags);
    if (flags & MB_VIDEO)
        snprintf(p->out->note, sizeof p->out->note,
                 "the kernel asked for video mode information; there is none");
    if (flags & MB_PLACED) {
        struct placed a;
        if (!inside(q->kernel_size, header, 32))
            return broken(p, "the file ends inside it");
        a = (struct placed){load32(h + 12), load32(h + 16), load32(h + 20),
                            load32(h + 24), load32(h + 28)};
        entry = a.entry;
        if (!load_placed(p, header, &a))
            return false;
    } else if (!load_elf(p, &entry)) {
        return false;
    }
    if (entry >= MEMORY_HIGH)
        return broken(p, "the entry lies above 4 GiB");

    if (!tell_multiboot(p, &at) || !plan_enter(p, BOOT_PROTECTED, entry))
        return false;
    p->out->gpr[0] = MB_LOADER; /* EAX */
    p->out->gpr[3] = at;        /* EBX */
    snprintf(p->out->what, sizeof p->out->what, "Multiboot kernel");
    return true;
}

/* ---- Multiboot 2 ---- */

enum { MB2_SEARCH = 32768, MB2_LOADER = 0x36d76289 };
#define MB2_MAGIC 0xe85250d6u

/* Tags of the header (3.1.3 and on) and of the information (3.6). */
enum {
    WANTS_END,
    WANTS_INFORMATION,
    WANTS_ADDRESS,
    WANTS_ENTRY,
    WANTS_CONSOLE,
    WANTS_FRAMEBUFFER,
    WANTS_MODULE_ALIGN,
    WANTS_EFI,
    WANTS_EFI32,
    WANTS_EFI64,
    WANTS_RELOCATION,
    OPTIONAL = 1
};
enum {
    TELLS_END,
    TELLS_CMDLINE,
    TELLS_LOADER,
    TELLS_MODULE,
    TELLS_MEMORY,
    TELLS_MAP = 6,
    TELLS_RSDP1 = 14,
    TELLS_RSDP2 = 15
};

bool multiboot2_is(const struct boot_request *q, size_t *header)
{
    for (size_t at = 0; at < MB2_SEARCH && inside(q->kernel_size, at, 16); at += 8) {
        const uint8_t *h = q->kernel + at;
        if (load32(h) == MB2_MAGIC &&
            !(uint32_t)(MB2_MAGIC + load32(h + 4) + load32(h + 8) + load32(h + 12))) {
            *header = at;
            return true;
        }
    }
    return false;
}

static bool can_tell(const struct boot_plan *p, uint32_t type)
{
    switch (type) {
    case TELLS_CMDLINE:
    case TELLS_LOADER:
    case TELLS_MODULE:
    case TELLS_MEMORY:
    case TELLS_MAP: return true;
    case TELLS_RSDP1:
    case TELLS_RSDP2: return p->q->rsdp;
    default: return false;
    }
}

/* Reads the header's tags. entry is 0 when none is given. */
static bool read_tags(struct boot_plan *p, size_t header, struct placed *a,
                      bool *placed, uint64_t *entry)
{
    const struct boot_request *q = p->q;
    const uint32_t length = load32(q->kernel + header + 8);
    uint64_t at = 16;

    *placed = false;
    *entry = 0;
    if (!inside(q->kernel_size, header, length))
        return broken(p, "the file ends inside it");
    for (;;) {
        const uint8_t *t = q->kernel + header + at;
        unsigned type, flags;
        uint32_t size;
        if (!inside(length, at, 8))
            return broken(p, "its tags do not end");
        type = load16(t);
        flags = load16(t + 2);
        size = load32(t + 4);
        if (size < 8 || !inside(length, at, size))
            return broken(p, "a tag reaches over its end");
        switch (type) {
        case WANTS_END: return true;
        case WANTS_INFORMATION:
            for (uint32_t i = 8; i + 4 <= size; i += 4)
                if (!(flags & OPTIONAL) && !can_tell(p, load32(t + i)))
                    return error_set(p->e,
                                     "cannot start '%s': it requires Multiboot 2 "
                                     "information of type %u, which is not there",
                                     q->kernel_name, load32(t + i));
            break;
        case WANTS_ADDRESS:
            if (size < 24)
                return broken(p, "the address tag is too short");
            *a = (struct placed){load32(t + 8), load32(t + 12), load32(t + 16),
                                 load32(t + 20), 0};
            *placed = true;
            break;
        case WANTS_ENTRY:
            if (size < 12)
                return broken(p, "the entry tag is too short");
            *entry = load32(t + 8);
            break;
        case WANTS_FRAMEBUFFER:
            snprintf(p->out->note, sizeof p->out->note,
                     "the kernel asked for a framebuffer; it has to do with text mode");
            break;
        case WANTS_CONSOLE:
        case WANTS_MODULE_ALIGN: /* modules start on pages anyway */
        case WANTS_EFI:
        case WANTS_EFI32:
        case WANTS_EFI64:
        case WANTS_RELOCATION: /* it is loaded where it prefers */ break;
        default:
            if (!(flags & OPTIONAL))
                return error_set(p->e,
                                 "cannot start '%s': it requires a Multiboot 2 feature "
                                 "that is not there (tag %u)",
                                 q->kernel_name, type);
        }
        at += ((uint64_t)size + 7) & ~7ull;
    }
}

static size_t tag_size(size_t size)
{
    return (8 + size + 7) & ~(size_t)7;
}

/* A tag with room for size bytes. */
static uint8_t *tell(struct telling *t, unsigned type, size_t size)
{
    uint8_t *tag = t->bytes + t->size;

    store32(tag, type);
    store32(tag + 4, (uint32_t)(8 + size));
    t->size += tag_size(size);
    return tag + 8;
}

static bool tell_multiboot2(struct boot_plan *p, uint64_t *at)
{
    enum { HEADER = 8, RANGE = 24, RSDP1 = 20, RSDP2 = 36 };
    const struct boot_request *q = p->q;
    const char *cmdline = plan_cmdline(p);
    size_t room = HEADER + tag_size(strlen(cmdline) + 1) + tag_size(sizeof loader) +
                  tag_size(8) + tag_size(8 + RANGE * q->map->count) + tag_size(RSDP1) +
                  tag_size(RSDP2) + tag_size(0);
    uint64_t module_at[BOOT_MODULES];
    uint8_t rsdp[RSDP2], *tag;
    struct telling t;

    for (unsigned n = 0; n < q->modules; n++)
        room += tag_size(8 + strlen(q->module[n].name) + 1);
    if (!place_modules(p, module_at) || !begin(p, &t, room, at))
        return false;
    t.size = HEADER;
    memcpy(tell(&t, TELLS_CMDLINE, strlen(cmdline) + 1), cmdline, strlen(cmdline));
    memcpy(tell(&t, TELLS_LOADER, sizeof loader), loader, sizeof loader);
    tag = tell(&t, TELLS_MEMORY, 8);
    store32(tag, memory_size(p, 0));
    store32(tag + 4, memory_size(p, 1 << 20));
    tag = tell(&t, TELLS_MAP, 8 + RANGE * q->map->count);
    store32(tag, RANGE);
    for (unsigned n = 0; n < q->map->count; n++) {
        store64(tag + 8 + RANGE * n, q->map->range[n].base);
        store64(tag + 16 + RANGE * n, q->map->range[n].size);
        store32(tag + 24 + RANGE * n, q->map->range[n].type);
    }
    for (unsigned n = 0; n < q->modules; n++) {
        const struct boot_module *module = &q->module[n];
        tag = tell(&t, TELLS_MODULE, 8 + strlen(module->name) + 1);
        store32(tag, (uint32_t)module_at[n]);
        store32(tag + 4, (uint32_t)(module_at[n] + module->size));
        memcpy(tag + 8, module->name, strlen(module->name));
    }
    if (q->rsdp && p->phys && phys_read(p->phys, pa(q->rsdp), rsdp, sizeof rsdp)) {
        memcpy(tell(&t, TELLS_RSDP1, RSDP1), rsdp, RSDP1);
        memcpy(tell(&t, TELLS_RSDP2, RSDP2), rsdp, RSDP2);
    }
    tell(&t, TELLS_END, 0);
    store32(t.bytes, (uint32_t)t.size);
    return finish(p, &t, *at);
}

bool multiboot2_boot(struct boot_plan *p, size_t header)
{
    const struct boot_request *q = p->q;
    struct placed a;
    uint64_t entry, elf_entry, at;
    bool placed;

    if (load32(q->kernel + header + 4))
        return error_set(p->e,
                         "cannot start '%s': a Multiboot 2 kernel for another "
                         "architecture",
                         q->kernel_name);
    if (!read_tags(p, header, &a, &placed, &entry))
        return false;
    if (placed) {
        if (!entry)
            return broken(p, "there is an address tag and no entry tag");
        if (!load_placed(p, header, &a))
            return false;
    } else {
        if (!load_elf(p, &elf_entry))
            return false;
        entry = entry ? entry : elf_entry;
    }
    if (entry >= MEMORY_HIGH)
        return broken(p, "the entry lies above 4 GiB");
    if (!tell_multiboot2(p, &at) || !plan_enter(p, BOOT_PROTECTED, entry))
        return false;
    p->out->gpr[0] = MB2_LOADER; /* EAX */
    p->out->gpr[3] = at;         /* EBX */
    snprintf(p->out->what, sizeof p->out->what, "Multiboot 2 kernel");
    return true;
}
