/* boot_multiboot.c - Multiboot 0.6.96 and Multiboot 2.0 kernels. */
#include "machine/boot_plan.h"

#include <stdio.h>

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

/* KiB from 0, and from 1 MiB up to the first hole. */
static void memory_sizes(const struct boot_plan *p, uint32_t *lower, uint32_t *upper)
{
    *lower = 640;
    *upper = (uint32_t)(((p->q->map->tables ? p->q->map->tables : p->q->map->low) -
                         (1 << 20)) >> 10);
}

static bool place_module(struct boot_plan *p, uint64_t *at)
{
    *at = 0;
    if (!p->q->initrd_size)
        return true;
    return plan_high(p, p->q->initrd_size, PAGE, 1 << 20, MEMORY_HOLE, "the module", at) &&
           plan_write(p, *at, p->q->initrd, p->q->initrd_size);
}

/* ---- Multiboot ---- */

enum { MB_MAGIC = 0x1badb002, MB_SEARCH = 8192, MB_LOADER = 0x2badb002 };
enum { MB_ALIGN = 1, MB_MEMORY = 2, MB_VIDEO = 4, MB_REQUIRED = 0xffff, MB_PLACED = 1 << 16 };

bool multiboot_is(const struct boot_request *q, size_t *header)
{
    for (size_t at = 0; at < MB_SEARCH && inside(q->kernel_size, at, 12); at += 4) {
        const uint8_t *h = q->kernel + at;
        if (load32(h) == MB_MAGIC && !(uint32_t)(MB_MAGIC + load32(h + 4) + load32(h + 8))) {
            *header = at;
            return true;
        }
    }
    return false;
}

bool multiboot_boot(struct boot_plan *p, size_t header)
{
    enum { INFO = 88, MODULE = 16, RANGE = 24 };
    enum { HAS_MEMORY = 1, HAS_CMDLINE = 4, HAS_MODULES = 8, HAS_MAP = 64, HAS_NAME = 512 };
    static const char loader[] = "Menura";
    const struct boot_request *q = p->q;
    const uint8_t *h = q->kernel + header;
    const uint32_t flags = load32(h + 4);
    const char *cmdline = plan_cmdline(p);
    const char *module_name = q->initrd_name ? q->initrd_name : "";
    uint8_t info[INFO + MODULE + RANGE * MEMORY_RANGES + sizeof loader] = {0};
    uint8_t *module = info + INFO, *range = module + MODULE;
    uint64_t entry, at, module_at, texts, line_size;
    uint32_t lower, upper;

    if (flags & MB_REQUIRED & ~(MB_ALIGN | MB_MEMORY | MB_VIDEO))
        return error_set(p->e, "cannot start '%s': it requires a Multiboot feature that is not "
                               "there (flags %xh)",
                         q->kernel_name, flags);
    if (flags & MB_VIDEO)
        snprintf(p->out->note, sizeof p->out->note,
                 "the kernel asked for video mode information; there is none");
    if (flags & MB_PLACED) {
        struct placed a;
        if (!inside(q->kernel_size, header, 32))
            return broken(p, "the file ends inside it");
        a = (struct placed){load32(h + 12), load32(h + 16), load32(h + 20), load32(h + 24),
                            load32(h + 28)};
        entry = a.entry;
        if (!load_placed(p, header, &a))
            return false;
    } else if (!load_elf(p, &entry)) {
        return false;
    }
    if (entry >= MEMORY_HIGH)
        return broken(p, "the entry lies above 4 GiB");

    line_size = strlen(q->kernel_name) + 1 + strlen(cmdline) + 1;
    if (!place_module(p, &module_at) ||
        !plan_low(p, sizeof info, 16, 0x10000, MEMORY_HOLE, "boot information", &at) ||
        !plan_low(p, line_size + strlen(module_name) + 1, 16, 0x10000, MEMORY_HOLE,
                  "the command line", &texts))
        return false;
    memory_sizes(p, &lower, &upper);
    store32(info, HAS_MEMORY | HAS_CMDLINE | HAS_MODULES | HAS_MAP | HAS_NAME);
    store32(info + 4, lower);
    store32(info + 8, upper);
    store32(info + 16, (uint32_t)texts);
    store32(info + 20, q->initrd_size ? 1 : 0);
    store32(info + 24, (uint32_t)(at + INFO));
    store32(info + 44, RANGE * q->map->count);
    store32(info + 48, (uint32_t)(at + INFO + MODULE));
    store32(info + 64, (uint32_t)(at + sizeof info - sizeof loader));
    store32(module, (uint32_t)module_at);
    store32(module + 4, (uint32_t)(module_at + q->initrd_size));
    store32(module + 8, (uint32_t)(texts + line_size));
    for (unsigned i = 0; i < q->map->count; i++) {
        store32(range + RANGE * i, RANGE - 4);
        store64(range + RANGE * i + 4, q->map->range[i].base);
        store64(range + RANGE * i + 12, q->map->range[i].size);
        store32(range + RANGE * i + 20, q->map->range[i].type);
    }
    memcpy(info + sizeof info - sizeof loader, loader, sizeof loader);
    if (!plan_write(p, at, info, sizeof info) ||
        !plan_write(p, texts, q->kernel_name, strlen(q->kernel_name)) ||
        !plan_write(p, texts + strlen(q->kernel_name), " ", 1) ||
        !plan_write(p, texts + strlen(q->kernel_name) + 1, cmdline, strlen(cmdline) + 1) ||
        !plan_write(p, texts + line_size, module_name, strlen(module_name) + 1) ||
        !plan_enter(p, BOOT_PROTECTED, entry))
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
enum { WANTS_END, WANTS_INFORMATION, WANTS_ADDRESS, WANTS_ENTRY, WANTS_CONSOLE,
       WANTS_FRAMEBUFFER, WANTS_MODULE_ALIGN, WANTS_EFI, WANTS_EFI32, WANTS_EFI64,
       WANTS_RELOCATION, OPTIONAL = 1 };
enum { TELLS_END, TELLS_CMDLINE, TELLS_LOADER, TELLS_MODULE, TELLS_MEMORY, TELLS_MAP = 6,
       TELLS_RSDP1 = 14, TELLS_RSDP2 = 15 };

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
static bool read_tags(struct boot_plan *p, size_t header, struct placed *a, bool *placed,
                      uint64_t *entry)
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
                    return error_set(p->e, "cannot start '%s': it requires Multiboot 2 "
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
        case WANTS_RELOCATION: /* it is loaded where it prefers */
            break;
        default:
            if (!(flags & OPTIONAL))
                return error_set(p->e, "cannot start '%s': it requires a Multiboot 2 feature "
                                       "that is not there (tag %u)",
                                 q->kernel_name, type);
        }
        at += ((uint64_t)size + 7) & ~7ull;
    }
}

/* The information, growing in a buffer that was counted before. */
struct telling {
    uint8_t *bytes;
    size_t size;
};

static uint8_t *tell(struct telling *t, unsigned type, size_t size)
{
    uint8_t *tag = t->bytes + t->size;

    store32(tag, type);
    store32(tag + 4, (uint32_t)(8 + size));
    t->size += (8 + size + 7) & ~(size_t)7;
    return tag + 8;
}

bool multiboot2_boot(struct boot_plan *p, size_t header)
{
    enum { RANGE = 24, FIXED = 2048 };
    static const char loader[] = "Menura";
    const struct boot_request *q = p->q;
    const char *cmdline = plan_cmdline(p);
    const char *name = q->initrd_name ? q->initrd_name : "";
    struct placed a;
    struct telling t;
    uint8_t fixed[FIXED] = {0}, rsdp[36], *tag;
    uint64_t entry, elf_entry, at, module, cmdline_at, name_at, total;
    uint32_t lower, upper;
    bool placed;

    if (load32(q->kernel + header + 4))
        return error_set(p->e, "cannot start '%s': a Multiboot 2 kernel for another "
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
    if (!place_module(p, &module))
        return false;

    /* Tags of a fixed size first; the two with texts of any length follow behind them and
     * are written piece by piece. */
    t = (struct telling){fixed, 8};
    memcpy(tell(&t, TELLS_LOADER, sizeof loader), loader, sizeof loader);
    memory_sizes(p, &lower, &upper);
    tag = tell(&t, TELLS_MEMORY, 8);
    store32(tag, lower);
    store32(tag + 4, upper);
    tag = tell(&t, TELLS_MAP, 8 + RANGE * q->map->count);
    store32(tag, RANGE);
    for (unsigned i = 0; i < q->map->count; i++) {
        store64(tag + 8 + RANGE * i, q->map->range[i].base);
        store64(tag + 16 + RANGE * i, q->map->range[i].size);
        store32(tag + 24 + RANGE * i, q->map->range[i].type);
    }
    if (q->rsdp && phys_read(p->phys, pa(q->rsdp), rsdp, sizeof rsdp)) {
        memcpy(tell(&t, TELLS_RSDP1, 20), rsdp, 20);
        memcpy(tell(&t, TELLS_RSDP2, 36), rsdp, 36);
    }
    name_at = t.size;
    if (module) {
        tag = tell(&t, TELLS_MODULE, 8);
        store32(tag - 4, (uint32_t)(16 + strlen(name) + 1));
        store32(tag, (uint32_t)module);
        store32(tag + 4, (uint32_t)(module + q->initrd_size));
        name_at = t.size;
    }
    cmdline_at = name_at + (module ? (strlen(name) + 1 + 7) & ~(uint64_t)7 : 0);
    total = cmdline_at + 8 + ((strlen(cmdline) + 1 + 7) & ~(uint64_t)7) + 8;
    store32(fixed, (uint32_t)total);
    if (!plan_low(p, total, 8, 0x10000, MEMORY_HOLE, "boot information", &at) ||
        !plan_zero(p, at, total) || !plan_write(p, at, fixed, t.size) ||
        (module && !plan_write(p, at + name_at, name, strlen(name) + 1)))
        return false;
    store32(fixed, TELLS_CMDLINE);
    store32(fixed + 4, (uint32_t)(8 + strlen(cmdline) + 1));
    if (!plan_write(p, at + cmdline_at, fixed, 8) ||
        !plan_write(p, at + cmdline_at + 8, cmdline, strlen(cmdline) + 1))
        return false;
    store32(fixed, TELLS_END);
    store32(fixed + 4, 8);
    if (!plan_write(p, at + total - 8, fixed, 8) || !plan_enter(p, BOOT_PROTECTED, entry))
        return false;
    p->out->gpr[0] = MB2_LOADER; /* EAX */
    p->out->gpr[3] = at;         /* EBX */
    snprintf(p->out->what, sizeof p->out->what, "Multiboot 2 kernel");
    return true;
}
